/* POST /api/v1/workflows/{id}/executions: starts what the catalog has, from its beginning
 * or with what another execution had done. */
#include "api/rest/resources.h"

#include "catalog/catalog.h"
#include "os/clock.h"

struct start_call {
    struct engine_start start;
    struct recovery_request request;
    struct json data;     /* absent: that of the execution which is reused */
    struct str reference; /* of that, as it was given; empty: of none */
    uint32_t seconds;
};

void rest_no_workflow(struct call *c)
{
    struct err err;
    err_set(&err, ERR_NOT_FOUND, "no workflow has the name or ARN \"" STR_FMT "\"",
            STR_ARG(c->parameters[0]));
    call_fail(c, &err);
}

static void planned(void *owner, struct errand *e, const struct err *err)
{
    struct call *c = owner;
    if (err)
        rest_fail_planned(c, e, err);
    else
        call_answer(c, 200, plan_json(e->plan, c->arena));
}

static void started(void *owner, struct errand *e, const struct err *err)
{
    struct call *c = owner;
    const struct start_call *s = c->work;
    if (err) {
        rest_fail_planned(c, e, err);
        return;
    }
    const struct execution_row *row = e->reply->execution;
    int status = e->reply->already ? 200 : 201;
    if (s->seconds)
        wait_begin(c, row, s->seconds, !e->reply->already, status);
    else if (e->reply->already || s->start.reuse)
        rest_answer_state(c, call_keep_row(c, row), status);
    else
        call_answer(c, status,
                    json_object_with(c->arena, execution_json(c->arena, row), STR("trigger_data"),
                                     s->data));
}

static void machine_found(void *owner, const struct catalog_answer *answer)
{
    struct call *c = owner;
    struct start_call *s = c->work;
    const struct catalog_machine *m = &answer->machine;
    if (answer->outcome == CATALOG_FAILED) {
        call_fail(c, answer->err);
        return;
    }
    if (answer->outcome != CATALOG_DONE) {
        rest_no_workflow(c);
        return;
    }
    s->start.machine_name = arena_str(c->arena, m->name);
    s->start.machine_arn = arena_str(c->arena, m->arn);
    s->start.role_arn = m->settings.role_arn;
    s->start.definition = m->text;
    s->start.origin = catalog_origin(c->arena, answer, STR(""));
    s->start.cataloged = true;
    s->start.express = m->settings.express;
    if (s->request.dry_run)
        errand_plan(call_errand(c, planned), &s->start);
    else
        errand_start(call_errand(c, started), &s->start);
}

static void find_machine(struct call *c, const struct arn *arn)
{
    struct catalog_asker who = {
        .now = clock_wall(), .done = machine_found, .owner = c, .place = &c->deed};
    catalog_find_machine(c->api->catalog, &who, arn);
}

static void named_read(void *owner, struct errand *e, const struct err *err)
{
    struct call *c = owner;
    struct arn arn;
    if (err && err->code == ERR_NOT_FOUND)
        rest_no_workflow(c);
    else if (err)
        call_fail(c, err);
    else if (arn_parse(arena_str(c->arena, e->read.machines[0].arn), &arn))
        find_machine(c, &arn);
    else
        rest_no_workflow(c);
}

static void find_workflow(struct call *c)
{
    struct str reference = c->parameters[0];
    struct arn arn;
    if (arn_parse(reference, &arn)) {
        bool machine = arn.kind == ARN_MACHINE || arn.kind == ARN_VERSION || arn.kind == ARN_ALIAS;
        if (machine)
            find_machine(c, &arn);
        else
            rest_no_workflow(c);
        return;
    }
    if (reference.len > STORE_NAME_MAX) {
        rest_no_workflow(c);
        return;
    }
    struct errand *e = call_errand(c, named_read);
    e->read.name = reference;
    errand_read(e, STORE_GET_MACHINE);
}

static void reuse_found(struct call *c, const struct execution_row *row)
{
    struct start_call *s = c->work;
    s->start.reuse = row->key;
    find_workflow(c);
}

/* ---- the body ---- */

static bool take_data(struct call *c, struct start_call *s)
{
    struct json data = json_get(c->body, STR("trigger_data"));
    struct err err;
    if (!json_is_absent(data) && !json_is_object(data)) {
        err_set(&err, ERR_USAGE, "\"trigger_data\" must be an object, but is: %s",
                json_type_name(data));
        call_fail(c, &err);
        return false;
    }
    s->data = json_is_absent(data) && !s->reference.len ? json_object(NULL, 0) : data;
    if (!json_is_absent(s->data))
        s->start.input = json_text(c->arena, s->data);
    return true;
}

static bool take_body(struct call *c, struct start_call *s)
{
    static const char *const members[] = {
        "trigger_data", "name",  "reuse",   "skip_steps", "from_step", "until_step", "until_phase",
        "set_output",   "mocks", "dry_run", "numbers",    "by",        NULL};
    if (!rest_take_members(c, members) || !rest_take_text(c, "name", &s->start.name) ||
        !rest_take_text(c, "reuse", &s->reference) || !take_data(c, s) ||
        !rest_take_recovery(c, s->reference.len ? RECOVERY_FORK : RECOVERY_START, &s->request))
        return false;
    s->request.input = JSON_NONE; /* it is the start's */
    if (s->reference.len || rest_is_planned(&s->request))
        s->start.recovery = &s->request;
    return true;
}

void rest_start(struct call *c)
{
    struct start_call *s = c->work = ARENA_NEW(c->arena, struct start_call);
    if (!take_body(c, s) || !rest_take_wait(c, &s->seconds))
        return;
    if (s->reference.len)
        call_find(c, s->reference, reuse_found);
    else
        find_workflow(c);
}
