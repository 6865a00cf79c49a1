/* ListExecutions: keys from the projection where there is one, each row from the store,
 * so that a list shows no status that has passed. Without a projection the store itself
 * is walked, newest first. */
#include "api/aws/operations.h"

#include "os/clock.h"
#include "store/visibility.h"

enum {
    LOOK_AHEAD = 256,               /* keys asked of the projection at a time */
    FRESH_ROWS_MAX = 512,           /* turns that a list projects itself, to show what just began */
    LOOKED_MAX = 2000,              /* rows looked at for one page, however few of them fit */
    TOKEN_AGE_MAX_S = 24 * 60 * 60, /* AWS's */
};

struct list {
    struct arn machine;
    struct visibility_query query;
    bool qualified; /* of a version or an alias */
    struct aws_page page;
    struct json_array_builder items;
    execution_key last; /* shown, or looked at and left out */
    bool more;
    execution_key keys[LOOK_AHEAD];
    size_t key_count, key_at;
    size_t looked; /* rows */
};

/* ---- tokens: the key below which to go on, and when it was given ---- */

static bool take_after(struct call *c, struct list *l)
{
    struct str after = l->page.after;
    size_t colon = str_find_char(after, ':');
    int64_t key, at, now = clock_wall().ms / 1000;
    if (after.len == 0)
        return true;
    if (colon < after.len && str_to_int64(str_slice(after, 0, colon), &key) && key > 0 &&
        str_to_int64(str_slice(after, colon + 1, after.len), &at) && at <= now + TOKEN_AGE_MAX_S &&
        now - at <= TOKEN_AGE_MAX_S) {
        l->query.below = key;
        return true;
    }
    call_fail_aws(c, "InvalidToken", "Invalid Token: 'Invalid token'");
    return false;
}

static void answer(struct call *c, const struct list *l)
{
    struct json_object_builder b = json_object_builder(c->arena);
    json_object_add(&b, STR("executions"), json_array_done(&l->items));
    aws_add_token(&b, &l->page, l->more,
                  arena_printf(c->arena, "%lld:%lld", (long long)l->last,
                               (long long)(clock_wall().ms / 1000)));
    call_answer(c, 200, json_object_done(&b));
}

/* ---- rows ---- */

static bool fits(struct call *c, const struct list *l, const struct execution_row *row)
{
    if (!str_eq(row->machine_arn, l->query.machine_arn) ||
        (l->query.status != STORE_ANY_STATUS &&
         row->status != (enum execution_status)l->query.status) ||
        (l->query.redrive != REDRIVE_ANY &&
         (l->query.redrive == REDRIVE_YES) != (row->redrive_count > 0)))
        return false;
    if (!l->qualified)
        return true;
    struct arena_mark before = arena_mark(c->arena);
    struct json origin = aws_origin(c, row);
    struct str name = l->machine.kind == ARN_VERSION ? STR("version") : STR("alias");
    bool same = str_eq(json_str(json_get(origin, name)), l->machine.text);
    arena_rewind(c->arena, before);
    return same;
}

static void add_origin(struct json_object_builder *b, struct call *c,
                       const struct execution_row *row)
{
    struct json origin = aws_origin(c, row);
    struct json version = json_get(origin, STR("version")), alias = json_get(origin, STR("alias"));
    if (json_is_string(version))
        json_object_add(b, STR("stateMachineVersionArn"), version);
    if (json_is_string(alias))
        json_object_add(b, STR("stateMachineAliasArn"), alias);
}

static void take_row(struct call *c, struct list *l, const struct execution_row *row)
{
    l->last = row->key;
    l->looked++;
    if (!fits(c, l, row))
        return;
    const struct execution_row *kept = call_keep_row(c, row);
    struct json_object_builder b = json_object_builder(c->arena);
    json_object_add(&b, STR("executionArn"), json_string(kept->arn));
    json_object_add(&b, STR("stateMachineArn"), json_string(kept->machine_arn));
    json_object_add(&b, STR("name"), json_string(kept->name));
    json_object_add(&b, STR("status"),
                    json_string(str_of_cstr(execution_status_name(kept->status))));
    json_object_add(&b, STR("startDate"), aws_time(kept->started_at));
    json_object_add(&b, STR("stopDate"), aws_time(kept->stopped_at));
    json_object_add(&b, STR("redriveCount"), json_int(kept->redrive_count));
    json_object_add(&b, STR("redriveDate"), aws_time(kept->redriven_at));
    add_origin(&b, c, kept);
    json_array_add(&l->items, json_object_done(&b));
}

static bool is_full(const struct list *l)
{
    return l->items.count >= l->page.count || l->looked >= LOOKED_MAX;
}

/* ---- by the projection ---- */

static void go_on(struct call *c);

/* Not found: it was in a store that was put back from a copy. */
static void row_read(void *owner, struct errand *e, const struct err *err)
{
    struct call *c = owner;
    struct list *l = c->work;
    if (err && err->code != ERR_NOT_FOUND) {
        call_fail(c, err);
        return;
    }
    if (err) {
        l->last = e->read.key;
        l->looked++;
    } else {
        take_row(c, l, &e->read.executions[0]);
    }
    go_on(c);
}

static bool look_ahead(struct call *c, struct list *l)
{
    struct err err;
    l->key_at = 0;
    if (visibility_list(c->api->options.visibility, &l->query, l->keys, LOOK_AHEAD, &l->key_count,
                        &l->more, &err)) {
        if (l->key_count)
            l->query.below = l->keys[l->key_count - 1];
        return true;
    }
    call_fail(c, &err);
    return false;
}

static void go_on(struct call *c)
{
    struct list *l = c->work;
    bool left = l->key_at < l->key_count;
    if (is_full(l) || (!left && !l->more)) {
        l->more = left || l->more;
        answer(c, l);
        return;
    }
    if (!left && !look_ahead(c, l))
        return;
    if (l->key_count == 0) {
        l->more = false;
        answer(c, l);
        return;
    }
    struct errand *e = call_errand(c, row_read);
    e->read.key = l->keys[l->key_at++];
    errand_read(e, STORE_GET_EXECUTION);
}

/* ---- by a walk through the store ---- */

static void walk_on(struct call *c);

static void page_read(void *owner, struct errand *e, const struct err *err)
{
    struct call *c = owner;
    struct list *l = c->work;
    size_t i = 0;
    if (err) {
        call_fail(c, err);
        return;
    }
    for (; i < e->read.count && !is_full(l); i++)
        take_row(c, l, &e->read.executions[i]);
    l->more = e->read.more || i < e->read.count;
    if (i == e->read.count && e->read.more)
        l->last = e->read.next;
    l->query.below = l->last;
    if (l->more && !is_full(l))
        walk_on(c);
    else
        answer(c, l);
}

static void walk_on(struct call *c)
{
    const struct list *l = c->work;
    struct errand *e = call_errand(c, page_read);
    e->read.key = l->query.below;
    e->read.status = l->query.status;
    errand_read(e, STORE_LIST_EXECUTIONS);
}

/* ---- the call ---- */

static void machine_found(void *owner, const struct catalog_answer *answer_of_catalog)
{
    struct call *c = owner;
    struct list *l = c->work;
    if (answer_of_catalog->outcome != CATALOG_DONE) {
        aws_refused(c, answer_of_catalog, l->machine.text);
        return;
    }
    if (answer_of_catalog->machine.settings.express) {
        call_fail_aws(c, "StateMachineTypeNotSupported",
                      "This operation is not supported by this type of state machine");
        return;
    }
    struct visibility *v = c->api->options.visibility;
    if (!v) {
        walk_on(c);
    } else {
        visibility_refresh(v, FRESH_ROWS_MAX);
        go_on(c);
    }
}

static int status_filter(struct str text)
{
    for (int i = 0; i < EXECUTION_STATUS_COUNT; i++)
        if (str_eq(text, str_of_cstr(execution_status_name((enum execution_status)i))))
            return i;
    return STORE_ANY_STATUS;
}

static enum visibility_redrive redrive_filter(struct str text)
{
    if (str_eq(text, STR("REDRIVEN")))
        return REDRIVE_YES;
    return text.len ? REDRIVE_NO : REDRIVE_ANY;
}

static bool take_machine(struct call *c, struct list *l)
{
    bool of_machine = aws_given(c, "stateMachineArn"), of_map_run = aws_given(c, "mapRunArn");
    if (of_machine == of_map_run) {
        call_fail_aws(c, "ValidationException",
                      "Exactly one of stateMachineArn and mapRunArn must be given");
        return false;
    }
    if (of_map_run) {
        aws_not_served(c);
        return false;
    }
    if (str_eq(aws_text(c, "statusFilter"), STR("PENDING_REDRIVE"))) {
        call_fail_aws(c, "ValidationException",
                      "statusFilter PENDING_REDRIVE can only be used with mapRunArn");
        return false;
    }
    return aws_take_arn(c, "stateMachineArn", ARN_IS_ANY_MACHINE, &l->machine);
}

void aws_list_executions(struct call *c)
{
    struct list *l = c->work = ARENA_NEW(c->arena, struct list);
    struct catalog_asker who = aws_asker(c, machine_found);
    l->items = json_array_builder(c->arena);
    l->more = true;
    if (!take_machine(c, l))
        return;
    struct str filters =
        arena_printf(c->arena, STR_FMT "," STR_FMT "," STR_FMT, STR_ARG(l->machine.text),
                     STR_ARG(aws_text(c, "statusFilter")), STR_ARG(aws_text(c, "redriveFilter")));
    l->qualified = l->machine.kind != ARN_MACHINE;
    l->query.org = c->api->options.org;
    l->query.machine_arn = l->machine.unqualified;
    l->query.status = status_filter(aws_text(c, "statusFilter"));
    l->query.redrive = redrive_filter(aws_text(c, "redriveFilter"));
    if (aws_take_page(c, "executions", filters, &l->page) && take_after(c, l))
        catalog_find_machine(c->api->catalog, &who, &l->machine);
}
