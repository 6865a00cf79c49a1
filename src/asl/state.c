/* One state: what all types share, and the types that need no file of their own. */
#include "asl/compile_internal.h"

/* In the order in which AWS lists them. */
static const enum state_type types_listed[] = {
    STATE_TASK, STATE_WAIT,   STATE_PASS,     STATE_SUCCEED,
    STATE_FAIL, STATE_CHOICE, STATE_PARALLEL, STATE_MAP,
};

static bool type_compile(const struct site *s)
{
    static const struct str required[] = {STR_INIT("Type")};
    struct str names[COUNT_OF(types_listed)];
    size_t index;

    for (size_t i = 0; i < COUNT_OF(types_listed); i++)
        names[i] = state_type_name(types_listed[i]);
    if (!fields_require(s, required, COUNT_OF(required)))
        return false;
    if (!field_choice(s, STR("Type"), names, COUNT_OF(names), &index))
        return false;
    s->state->type = types_listed[index];
    return true;
}

/* ---- transitions ---- */

/* Why a name that somebody used is not to be found. */
static struct str target_remedy(struct compiler *c, uint32_t scope, struct str name)
{
    struct str *names;
    size_t count = 0;

    if (names_has(c, name))
        return STR("A state has this name, but in another scope: transitions cannot lead into "
                   "or out of a branch or an item processor.");
    if (!suggestions_left(c))
        return STR("");
    names = ARENA_ARRAY(c->scratch, struct str, c->node_count);
    for (size_t i = 0; i < c->node_count; i++) {
        if (c->states[i].scope == scope)
            names[count++] = c->states[i].name;
    }
    return suggest(c, name, names, count);
}

uint32_t field_target_of(const struct site *s, struct str name, const char *message)
{
    struct compiler *c = s->c;
    uint32_t scope = s->state->scope, target;
    struct arena_mark mark;
    struct str text;

    if (!field_text(s, name, &text))
        return STATE_NO_NONE;
    target = states_find(c->states, c->by_name, (uint32_t)c->node_count, scope, text);
    if (target != STATE_NO_NONE)
        return target;
    mark = arena_mark(c->scratch);
    complain(c, CODE_MISSING_TRANSITION_TARGET, place_value(s, name), target_remedy(c, scope, text),
             "%s: " STR_FMT, message, STR_ARG(clip(c, text)));
    arena_rewind(c->scratch, mark);
    return STATE_NO_NONE;
}

uint32_t field_target(const struct site *s, struct str name)
{
    /* AWS says 'Next' wherever the name stands. */
    return field_target_of(s, name, "Missing 'Next' target");
}

static void transition_compile(const struct site *s)
{
    bool next = field_given(s, STR("Next")), end = false;

    (void)field_bool(s, STR("End"), &end);
    s->state->next = field_target(s, STR("Next"));
    if (next && end)
        complain(s->c, CODE_TRANSITION_CONFLICT, place_key(s, STR("End")),
                 STR("Remove one of them."),
                 "The fields 'Next' and 'End' cannot be given together");
    else if (!next && !end)
        complain(s->c, CODE_MISSING_TRANSITION, place_here(s),
                 STR("Say which state is \"Next\", or that this is the \"End\": true."),
                 "One of these fields is required: [Next, End]");
}

/* ---- types ---- */

static void pass_compile(const struct site *s)
{
    struct json result = json_get(s->object, STR("Result"));
    const struct json_member *members = json_members(result);

    s->state->u.pass.has_result = !json_is_absent(result);
    s->state->u.pass.result = result;
    for (size_t i = 0; i < json_count(result) && members; i++) {
        if (str_ends_with(json_str(members[i].key), STR(".$")))
            complain(s->c, CODE_PASS_RESULT_IS_STATIC, place_value(s, STR("Result")),
                     STR("Compute the value in \"Parameters\" instead."),
                     "Attempt to use a path in the result of a pass state");
    }
}

static void wait_compile_literals(const struct site *s)
{
    struct state *st = s->state;

    if (field_whole(s, STR("Seconds"), 0, TASK_TIMEOUT_MAX_SECONDS, &st->u.wait.seconds))
        st->u.wait.kind = WAIT_SECONDS;
    if (field_text(s, STR("Timestamp"), &st->u.wait.text)) {
        st->u.wait.kind = WAIT_TIMESTAMP;
        if (!wall_parse(st->u.wait.text, &st->u.wait.until))
            complain(s->c, CODE_INVALID_TIMESTAMP, place_value(s, STR("Timestamp")),
                     STR("Write it as 2026-03-01T12:00:00Z."),
                     "String does not match RFC3339 timestamp");
    }
}

/* "Seconds" or "Timestamp", each of which an expression may compute. */
static void wait_compile_jsonata(const struct site *s)
{
    static const struct str ways[] = {STR_INIT("Seconds"), STR_INIT("Timestamp")};
    struct state *st = s->state;

    if (fields_exclude(s, ways, COUNT_OF(ways)) == 0)
        complain(s->c, CODE_MISSING_FIELD, place_here(s), STR(""),
                 "One of these fields is required: [Seconds, Timestamp]");
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        if (!field_is_query(s, ways[i]))
            continue;
        st->u.wait.kind = i == 0 ? WAIT_SECONDS_QUERY : WAIT_TIMESTAMP_QUERY;
        st->u.wait.query = field_query(s, ways[i]);
        return;
    }
    wait_compile_literals(s);
}

static void wait_compile(const struct site *s)
{
    static const struct str ways[] = {
        STR_INIT("Seconds"),
        STR_INIT("SecondsPath"),
        STR_INIT("Timestamp"),
        STR_INIT("TimestampPath"),
    };
    struct state *st = s->state;
    const struct path *path;

    if (fields_exclude(s, ways, COUNT_OF(ways)) == 0)
        complain(s->c, CODE_MISSING_FIELD, place_here(s), STR(""),
                 "One of these fields is required: [Seconds, SecondsPath, Timestamp, "
                 "TimestampPath]");
    wait_compile_literals(s);
    path = field_path(s, ways[1], PATH_RULE_REFERENCE);
    if (path) {
        st->u.wait.kind = WAIT_SECONDS_PATH;
        st->u.wait.path = path;
    }
    path = field_path(s, ways[3], PATH_RULE_REFERENCE);
    if (path) {
        st->u.wait.kind = WAIT_TIMESTAMP_PATH;
        st->u.wait.path = path;
    }
}

static void fail_compile(const struct site *s)
{
    s->state->u.fail.error = field_computed_text(s, STR("Error"));
    s->state->u.fail.cause = field_computed_text(s, STR("Cause"));
}

static void parallel_compile(const struct site *s)
{
    static const struct str required[] = {STR_INIT("Branches")};
    const struct node *node = &s->c->nodes[s->state->number];
    struct json branches;
    uint32_t *scopes;

    if (!fields_require(s, required, COUNT_OF(required)) ||
        !field_list(s, STR("Branches"), false, &branches))
        return;
    scopes = ARENA_ARRAY(s->c->arena, uint32_t, node->child_count);
    for (uint32_t i = 0; i < node->child_count; i++)
        scopes[i] = node->child_scope + i;
    s->state->u.parallel.branches = scopes;
    s->state->u.parallel.branch_count = node->child_count;
}

/* ---- all ---- */

static void data_compile(const struct site *s)
{
    struct state *st = s->state;

    st->assign = field_assign(s);
    if (st->language == QUERY_JSONATA) {
        st->parameters = field_query(s, STR("Arguments"));
        st->output = field_query(s, STR("Output"));
        return;
    }
    st->input_path = field_path_or_null(s, STR("InputPath"));
    st->output_path = field_path_or_null(s, STR("OutputPath"));
    st->result_selector = field_template(s, STR("ResultSelector"));
    field_result_path(s, &st->result_discarded, &st->result_path);
    /* A Map's Parameters are its item selector: map.c. */
    if (st->type != STATE_MAP)
        st->parameters = field_template(s, STR("Parameters"));
}

static void type_dispatch(const struct site *s)
{
    switch (s->state->type) {
    case STATE_PASS:
        pass_compile(s);
        break;
    case STATE_TASK:
        task_compile(s);
        break;
    case STATE_CHOICE:
        choice_compile(s);
        break;
    case STATE_WAIT:
        if (site_is_jsonata(s))
            wait_compile_jsonata(s);
        else
            wait_compile(s);
        break;
    case STATE_FAIL:
        fail_compile(s);
        break;
    case STATE_PARALLEL:
        parallel_compile(s);
        break;
    case STATE_MAP:
        map_compile(s);
        break;
    case STATE_SUCCEED:
        break;
    case STATE_TYPE_COUNT:
        UNREACHABLE("no such state type");
    }
}

static bool has_transition(enum state_type type)
{
    return type != STATE_CHOICE && type != STATE_SUCCEED && type != STATE_FAIL;
}

void state_compile(struct compiler *c, uint32_t number)
{
    struct state *st = &c->states[number];
    struct site s = {
        .c = c,
        .object = c->nodes[number].source,
        .pointer = c->nodes[number].pointer,
        .state = st,
    };

    st->source = s.object;
    st->next = STATE_NO_NONE;
    if (!json_is_object(s.object)) {
        complain(c, CODE_WRONG_TYPE, place_here(&s), STR(""), "A state must be an object, not %s",
                 json_noun(s.object));
        return;
    }
    if (!type_compile(&s))
        return;
    state_own_compile(&s);
    if (has_transition(st->type))
        transition_compile(&s);
    state_fields_check(&s, st->type);
    data_compile(&s);
    handlers_compile(&s);
    type_dispatch(&s);
    express_check_site(&s);
}
