/* POST /api/v1/run: a definition, an input, and off it goes: from its beginning, or with
 * what another execution had done. */
#include "api/rest/resources.h"

struct run_call {
    struct engine_start start;
    struct recovery_request request;
    struct str reference; /* of the execution that is reused; empty: of none */
    struct config_wish config;
};

static void answer(struct call *c, const struct execution_row *row, bool already)
{
    const struct run_call *r = c->work;
    struct json body = execution_json(c->arena, row);
    body = json_object_with(c->arena, body, STR("already"), json_bool(already));
    call_answer(c, 200, config_told(c->arena, body, &r->config));
}

static void resumed(void *owner, struct errand *e, const struct err *err)
{
    struct call *c = owner;
    if (err)
        call_fail(c, err);
    else
        answer(c, e->reply->execution, true);
}

static void started(void *owner, struct errand *e, const struct err *err)
{
    struct call *c = owner;
    const struct run_call *r = c->work;
    if (err) {
        rest_fail_planned(c, e, err);
        return;
    }
    config_assign(c, &r->config, e->reply->execution->key);
    if (e->reply->already)
        errand_resume(call_errand(c, resumed), e->reply->execution->key);
    else
        answer(c, e->reply->execution, false);
}

static bool refuse(struct call *c, const char *what)
{
    struct err err;
    err_set(&err, ERR_USAGE, "%s", what);
    call_fail(c, &err);
    return false;
}

static void planned(void *owner, struct errand *e, const struct err *err)
{
    struct call *c = owner;
    if (err)
        rest_fail_planned(c, e, err);
    else
        call_answer(c, 200, plan_json(e->plan, c->arena));
}

static void begin(struct call *c)
{
    const struct run_call *r = c->work;
    if (r->request.dry_run)
        errand_plan(call_errand(c, planned), &r->start);
    else
        errand_start(call_errand(c, started), &r->start);
}

static void reuse_found(struct call *c, const struct execution_row *row)
{
    struct run_call *r = c->work;
    r->start.reuse = row->key;
    begin(c);
}

static bool take_arguments(struct call *c, struct engine_start *start)
{
    struct json definition = json_get(c->body, STR("definition"));
    struct json machine = json_get(c->body, STR("machine_name"));
    struct json input = json_get(c->body, STR("input"));
    if (!json_is_string(definition) && !json_is_object(definition))
        return refuse(c, "definition must be the definition's text, or an object");
    if (!json_is_string(machine))
        return refuse(c, "machine_name must be a string");
    start->machine_name = json_str(machine);
    start->definition =
        json_is_string(definition) ? json_str(definition) : json_text(c->arena, definition);
    if (!json_is_absent(input))
        start->input = json_text(c->arena, input);
    return rest_take_text(c, "name", &start->name);
}

static bool take_recovery(struct call *c, struct run_call *r)
{
    if (!rest_take_text(c, "reuse", &r->reference) ||
        !rest_take_recovery(c, r->reference.len ? RECOVERY_FORK : RECOVERY_START, &r->request))
        return false;
    if (r->reference.len || rest_is_planned(&r->request))
        r->start.recovery = &r->request;
    r->request.input = JSON_NONE; /* it is the start's */
    if (!r->start.input.len && !r->reference.len)
        r->start.input = STR("{}");
    return true;
}

void rest_run(struct call *c)
{
    static const char *const members[] = {
        "definition", "machine_name", "name",       "input",       "config", "reuse",
        "skip_steps", "from_step",    "until_step", "until_phase", "only",   "set_output",
        "mocks",      "dry_run",      "numbers",    "by",          NULL};
    struct run_call *r = c->work = ARENA_NEW(c->arena, struct run_call);
    if (!rest_take_members(c, members) || !take_arguments(c, &r->start) || !take_recovery(c, r) ||
        !config_take(c, &r->config))
        return;
    if (r->reference.len)
        call_find(c, r->reference, reuse_found);
    else
        begin(c);
}
