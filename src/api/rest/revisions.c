/* /api/v1/workflows/{id}/revisions: what a machine is and was, also what was never published. */
#include "api/rest/resources.h"

#include "os/clock.h"

struct revisions_call {
    struct arn arn; /* the workflow's, when it was named so */
    bool by_arn;
    struct str name;
};

/* False: it was answered that there is no such workflow. */
static bool take_workflow(struct call *c)
{
    struct revisions_call *r = c->work = ARENA_NEW(c->arena, struct revisions_call);
    struct str reference = c->parameters[0];
    r->by_arn = arn_parse(reference, &r->arn);
    r->name = r->by_arn ? r->arn.name : reference;
    if ((r->by_arn && r->arn.kind != ARN_MACHINE) || r->name.len > STORE_NAME_MAX) {
        rest_no_workflow(c);
        return false;
    }
    return true;
}

/* False: it was answered. */
static bool is_there(struct call *c, const struct catalog_answer *answer)
{
    const struct revisions_call *r = c->work;
    bool there = answer->outcome == CATALOG_DONE || answer->outcome == CATALOG_REVISION_MISSING;
    struct err err;
    if (answer->outcome == CATALOG_FAILED) {
        call_fail(c, answer->err);
    } else if (!there || (r->by_arn && !str_eq(r->arn.text, answer->machine.arn))) {
        rest_no_workflow(c);
    } else if (answer->outcome == CATALOG_REVISION_MISSING) {
        err_set(&err, ERR_NOT_FOUND, "the workflow " STR_FMT " has no revision \"" STR_FMT "\"",
                STR_ARG(r->name), STR_ARG(c->parameters[1]));
        call_fail(c, &err);
    } else {
        return true;
    }
    return false;
}

static struct json revision_json(struct arena *a, const struct catalog_machine *m, bool is_current)
{
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("revision"), json_string(m->revision));
    json_object_add(&b, STR("created_at"), time_json(a, m->created_at));
    json_object_add(&b, STR("definition_hash"), hash_json(a, m->definition));
    json_object_add(&b, STR("role_arn"), json_string(m->settings.role_arn));
    json_object_add(&b, STR("is_current"), json_bool(is_current));
    return json_object_done(&b);
}

static struct catalog_asker asker(struct call *c, catalog_done *done)
{
    return (struct catalog_asker){.now = clock_wall(), .done = done, .owner = c, .place = &c->deed};
}

/* ---- one ---- */

static void found(void *owner, const struct catalog_answer *answer)
{
    struct call *c = owner;
    const struct catalog_machine *m = &answer->machine;
    if (!is_there(c, answer))
        return;
    struct json shown = revision_json(c->arena, m, answer->is_current);
    shown = json_object_with(c->arena, shown, STR("machine_name"), json_string(m->name));
    shown = json_object_with(c->arena, shown, STR("machine_arn"), json_string(m->arn));
    call_answer(c, 200, json_object_with(c->arena, shown, STR("definition"), json_string(m->text)));
}

void rest_revision(struct call *c)
{
    struct catalog_asker who = asker(c, found);
    if (take_workflow(c))
        catalog_find_revision(c->api->catalog, &who, ((struct revisions_call *)c->work)->name,
                              c->parameters[1]);
}

/* ---- all ---- */

static void listed(void *owner, const struct catalog_answer *answer)
{
    struct call *c = owner;
    struct json_array_builder items = json_array_builder(c->arena);
    struct json_object_builder b = json_object_builder(c->arena);
    if (!is_there(c, answer))
        return;
    for (size_t i = 0; i < answer->count; i++)
        json_array_add(&items,
                       revision_json(c->arena, &answer->items[i],
                                     str_eq(answer->items[i].revision, answer->machine.revision)));
    json_object_add(&b, STR("revisions"), json_array_done(&items));
    if (answer->more)
        json_object_add(&b, STR("next"), json_string(answer->items[answer->count - 1].revision));
    call_answer(c, 200, json_object_done(&b));
}

void rest_revisions(struct call *c)
{
    struct catalog_asker who = asker(c, listed);
    struct str after = {0}, text;
    int64_t limit = API_REVISIONS_PAGE_MAX;
    struct err err;
    (void)call_query(c, STR("after"), &after);
    if ((call_query(c, STR("limit"), &text) && !str_to_int64(text, &limit)) || limit < 1 ||
        limit > API_REVISIONS_PAGE_MAX || after.len > STORE_NAME_MAX) {
        err_set(&err, ERR_USAGE, "after must be a revision's id, and limit from 1 to %d",
                API_REVISIONS_PAGE_MAX);
        call_fail(c, &err);
        return;
    }
    if (take_workflow(c))
        catalog_list_revisions(c->api->catalog, &who, ((struct revisions_call *)c->work)->name,
                               after, (size_t)limit);
}
