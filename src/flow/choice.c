/* Choice states: conditions over the input, and where they lead. */
#include "flow/flow_internal.h"

#include <math.h>

/* One evaluation of a rule. `failed` is set when a path leads nowhere: AWS fails
 * the state then, unless the comparator is IsPresent. */
struct choosing {
    struct turn *t;
    struct expr_env *env;
    struct expr_failure *reterr;
    bool failed;
};

static bool path_value(struct choosing *c, const struct path *path, struct json *ret_value)
{
    struct str why;
    return path_eval(path, c->env, ret_value, &why) == PATH_FOUND;
}

static bool path_failed(struct choosing *c, const struct path *path)
{
    c->failed = true;
    return expr_fail(c->env, c->reterr, STR("States.Runtime"),
                     arena_printf(c->env->out,
                                  "Invalid path '" STR_FMT
                                  "': The choice state's condition path references an invalid "
                                  "value.",
                                  STR_ARG(path_text(path))));
}

/* ---- comparing ---- */

/* -1, 0, 1; 2 when the two do not compare. */
static int compare_numbers(struct json a, struct json b)
{
    int64_t ia, ib;
    if (!json_is_number(a) || !json_is_number(b))
        return 2;
    if (json_to_int64(a, &ia) && json_to_int64(b, &ib))
        return (ia > ib) - (ia < ib);
    double da = json_to_double(a), db = json_to_double(b);
    return (da > db) - (da < db);
}

static int compare_strings(struct json a, struct json b)
{
    if (!json_is_string(a) || !json_is_string(b))
        return 2;
    int order = str_compare(json_str(a), json_str(b));
    return (order > 0) - (order < 0);
}

static int compare_timestamps(struct json a, struct json b)
{
    struct wall_ms ta, tb;
    if (!json_is_string(a) || !json_is_string(b) || !wall_parse(json_str(a), &ta) ||
        !wall_parse(json_str(b), &tb))
        return 2;
    return (ta.ms > tb.ms) - (ta.ms < tb.ms);
}

/* StringMatches: `*` stands for any run, `\*` and `\\` for the character. */
static bool matches(struct str text, struct str pattern)
{
    size_t i = 0, p = 0, star = SIZE_MAX, retry = 0;
    while (i < text.len) {
        bool escaped = p + 1 < pattern.len && pattern.ptr[p] == '\\' &&
                       (pattern.ptr[p + 1] == '*' || pattern.ptr[p + 1] == '\\');
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            retry = i;
        } else if (p < pattern.len && pattern.ptr[p + escaped] == text.ptr[i]) {
            p += 1 + escaped;
            i++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            i = ++retry;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

enum order_test {
    LESS = 1,
    EQUAL = 2,
    GREATER = 4,
};

static bool ordered(int order, int accepted)
{
    switch (order) {
    case -1:
        return accepted & LESS;
    case 0:
        return accepted & EQUAL;
    case 1:
        return accepted & GREATER;
    default:
        return false;
    }
}

static bool compare(enum comparator comparator, struct json a, struct json b)
{
    struct wall_ms ignored;
    switch (comparator) {
    case COMPARE_BOOLEAN_EQUALS:
        return json_is_bool(a) && json_is_bool(b) && a.tag == b.tag;
    case COMPARE_NUMERIC_EQUALS:
        return ordered(compare_numbers(a, b), EQUAL);
    case COMPARE_NUMERIC_GREATER_THAN:
        return ordered(compare_numbers(a, b), GREATER);
    case COMPARE_NUMERIC_GREATER_THAN_EQUALS:
        return ordered(compare_numbers(a, b), GREATER | EQUAL);
    case COMPARE_NUMERIC_LESS_THAN:
        return ordered(compare_numbers(a, b), LESS);
    case COMPARE_NUMERIC_LESS_THAN_EQUALS:
        return ordered(compare_numbers(a, b), LESS | EQUAL);
    case COMPARE_STRING_EQUALS:
        return ordered(compare_strings(a, b), EQUAL);
    case COMPARE_STRING_GREATER_THAN:
        return ordered(compare_strings(a, b), GREATER);
    case COMPARE_STRING_GREATER_THAN_EQUALS:
        return ordered(compare_strings(a, b), GREATER | EQUAL);
    case COMPARE_STRING_LESS_THAN:
        return ordered(compare_strings(a, b), LESS);
    case COMPARE_STRING_LESS_THAN_EQUALS:
        return ordered(compare_strings(a, b), LESS | EQUAL);
    case COMPARE_STRING_MATCHES:
        return json_is_string(a) && json_is_string(b) && matches(json_str(a), json_str(b));
    case COMPARE_TIMESTAMP_EQUALS:
        return ordered(compare_timestamps(a, b), EQUAL);
    case COMPARE_TIMESTAMP_GREATER_THAN:
        return ordered(compare_timestamps(a, b), GREATER);
    case COMPARE_TIMESTAMP_GREATER_THAN_EQUALS:
        return ordered(compare_timestamps(a, b), GREATER | EQUAL);
    case COMPARE_TIMESTAMP_LESS_THAN:
        return ordered(compare_timestamps(a, b), LESS);
    case COMPARE_TIMESTAMP_LESS_THAN_EQUALS:
        return ordered(compare_timestamps(a, b), LESS | EQUAL);
    case COMPARE_IS_BOOLEAN:
        return json_is_bool(a) == json_is_true(b);
    case COMPARE_IS_NULL:
        return json_is_null(a) == json_is_true(b);
    case COMPARE_IS_NUMERIC:
        return json_is_number(a) == json_is_true(b);
    case COMPARE_IS_PRESENT:
        return !json_is_absent(a) == json_is_true(b);
    case COMPARE_IS_STRING:
        return json_is_string(a) == json_is_true(b);
    case COMPARE_IS_TIMESTAMP:
        return (json_is_string(a) && wall_parse(json_str(a), &ignored)) == json_is_true(b);
    case COMPARATOR_COUNT:
        break;
    }
    UNREACHABLE("comparator");
}

static bool comparison_holds(struct choosing *c, const struct condition *condition)
{
    struct json a = JSON_NONE, b = condition->literal;
    if (!path_value(c, condition->variable, &a) && condition->comparator != COMPARE_IS_PRESENT)
        return path_failed(c, condition->variable);
    if (condition->operand_path && !path_value(c, condition->operand_path, &b))
        return path_failed(c, condition->operand_path);
    return compare(condition->comparator, a, b);
}

/* Recurses as deep as the definition nests: CHOICE_DEPTH_MAX. */
static bool holds(struct choosing *c, const struct condition *condition)
{
    switch (condition->kind) {
    case CONDITION_COMPARE:
        return comparison_holds(c, condition);
    case CONDITION_NOT:
        return !holds(c, condition->items) && !c->failed;
    case CONDITION_AND:
        for (size_t i = 0; i < condition->count; i++)
            if (!holds(c, &condition->items[i]))
                return false;
        return true;
    case CONDITION_OR:
        for (size_t i = 0; i < condition->count && !c->failed; i++)
            if (holds(c, &condition->items[i]))
                return true;
        return false;
    }
    UNREACHABLE("condition kind");
}

static bool no_match(struct expr_failure *reterr)
{
    *reterr =
        (struct expr_failure){.error = STR("States.NoChoiceMatched"),
                              .cause = STR("Failed to transition out of the state. The state does "
                                           "not point to a next state.")};
    return false;
}

/* Assign and Output of the state are those of its Default. */
static bool execute_jsonata(struct turn *t, struct frame *f, struct expr_failure *reterr)
{
    const struct state *state = frame_state(t->run, f);
    struct expr_env env = turn_query_env(t, f, (struct query_view){0});
    uint32_t next = state->u.choice.fallback;
    const struct template *assign = state->assign, *output = state->output;
    for (size_t i = 0; i < state->u.choice.rule_count; i++) {
        const struct choice_rule *rule = &state->u.choice.rules[i];
        struct json holds;
        if (!template_eval_as(rule->query, JSON_BOOL, &env, &holds, reterr))
            return false;
        if (json_is_true(holds)) {
            next = rule->next;
            assign = rule->assign;
            output = rule->output;
            break;
        }
    }
    struct json given;
    if (next == STATE_NO_NONE)
        return no_match(reterr);
    return data_output(output, f->data.value, &env, &given, reterr) &&
           data_leave(t, f, given, assign, &env, next, NULL, reterr);
}

bool choice_execute(struct turn *t, struct frame *f, struct expr_failure *reterr)
{
    const struct state *state = frame_state(t->run, f);
    if (state->language == QUERY_JSONATA)
        return execute_jsonata(t, f, reterr);
    struct expr_env env = turn_env(t, f, f->data.value);
    struct json effective, output;
    if (!data_path(&state->input_path, &env, &effective, reterr))
        return false;
    env.input = effective;
    struct choosing c = {.t = t, .env = &env, .reterr = reterr};
    uint32_t next = state->u.choice.fallback;
    const struct template *assign = state->assign; /* of a Choice: holds when Default is taken */
    for (size_t i = 0; i < state->u.choice.rule_count; i++) {
        const struct choice_rule *rule = &state->u.choice.rules[i];
        bool chosen = holds(&c, &rule->condition);
        if (c.failed)
            return false;
        if (chosen) {
            next = rule->next;
            assign = rule->assign;
            break;
        }
    }
    if (next == STATE_NO_NONE)
        return no_match(reterr);
    return data_path(&state->output_path, &env, &output, reterr) &&
           data_leave(t, f, output, assign, &env, next, NULL, reterr);
}
