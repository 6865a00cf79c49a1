/* Choice: rules, and the conditions in them. */
#include "asl/compile_internal.h"

enum operand_type {
    OPERAND_BOOLEAN,
    OPERAND_NUMBER,
    OPERAND_STRING,
    OPERAND_TIMESTAMP,
    OPERAND_TEST, /* Is...: a boolean, with no ...Path form */
};

static const struct str combinators[] = {STR_INIT("And"), STR_INIT("Or"), STR_INIT("Not")};

static enum operand_type operand_type(enum comparator c)
{
    struct str name = comparator_name(c);

    if (str_starts_with(name, STR("Is")))
        return OPERAND_TEST;
    if (str_starts_with(name, STR("Boolean")))
        return OPERAND_BOOLEAN;
    if (str_starts_with(name, STR("Numeric")))
        return OPERAND_NUMBER;
    return str_starts_with(name, STR("String")) ? OPERAND_STRING : OPERAND_TIMESTAMP;
}

static bool comparator_takes_path(enum comparator c)
{
    return operand_type(c) != OPERAND_TEST && c != COMPARE_STRING_MATCHES;
}

static struct str comparator_path_name(enum comparator c)
{
    static const struct str names[COMPARATOR_COUNT] = {
#define COMPARATOR_ROW(upper, name) STR_INIT(#name "Path"),
        COMPARATOR_TABLE(COMPARATOR_ROW)
#undef COMPARATOR_ROW
    };
    return names[c];
}

/* The comparator that a member's name spells, with "Path" at its end or without. */
static bool comparator_find(struct str name, enum comparator *ret_comparator, bool *ret_path)
{
    for (unsigned i = 0; i < COMPARATOR_COUNT; i++) {
        enum comparator c = (enum comparator)i;

        *ret_comparator = c;
        *ret_path = comparator_takes_path(c) && str_eq(name, comparator_path_name(c));
        if (*ret_path || str_eq(name, comparator_name(c)))
            return true;
    }
    return false;
}

/* ---- which members there may be ---- */

enum {
    RULE_NAMES_MAX = 8 + 2 * COMPARATOR_COUNT
};

static void rule_fields_check(const struct site *s, bool top)
{
    struct str names[RULE_NAMES_MAX];
    size_t count = 0;

    for (size_t i = 0; i < COUNT_OF(combinators); i++)
        names[count++] = combinators[i];
    names[count++] = STR("Variable");
    /* Nested ones are reported by a message of their own. */
    names[count++] = STR("Next");
    names[count++] = STR("Assign");
    for (unsigned i = 0; i < COMPARATOR_COUNT; i++) {
        struct str name = comparator_name((enum comparator)i);

        names[count++] = name;
        if (comparator_takes_path((enum comparator)i))
            names[count++] = comparator_path_name((enum comparator)i);
    }
    fields_allow(s, names, count);
    for (size_t i = 4; i < 6 && !top; i++) {
        if (field_given(s, names[i]))
            complain(s->c, CODE_CHOICE_NESTED_FIELD, place_key(s, names[i]),
                     STR("Move it to the outermost rule."),
                     "Field '" STR_FMT "' is not supported in a nested rule", STR_ARG(names[i]));
    }
}

/* The one operator of a rule; SIZE_MAX when there is not exactly one. */
static size_t operator_find(const struct site *s)
{
    const struct json_member *members = json_members(s->object);
    size_t found = SIZE_MAX, count = 0;

    for (size_t i = 0; i < json_count(s->object); i++) {
        struct str name = json_str(members[i].key);
        bool is_operator = false, path;
        enum comparator comparator;

        for (size_t k = 0; k < COUNT_OF(combinators); k++)
            is_operator = is_operator || str_eq(name, combinators[k]);
        if (!is_operator && !comparator_find(name, &comparator, &path))
            continue;
        if (count++ == 0)
            found = i;
        else if (count == 2)
            complain(s->c, CODE_CHOICE_OPERATOR_CONFLICT, place_key(s, name),
                     STR("Combine several with \"And\" or \"Or\"."),
                     "A choice rule must have exactly one operator: it has '" STR_FMT
                     "' and '" STR_FMT "'",
                     STR_ARG(json_str(members[found].key)), STR_ARG(name));
    }
    if (count == 0)
        complain(s->c, CODE_CHOICE_OPERATOR_MISSING, place_here(s),
                 STR("Add one, such as \"StringEquals\", \"And\" or \"Not\"."),
                 "A choice rule must have an operator");
    return count == 1 ? found : SIZE_MAX;
}

/* ---- comparisons ---- */

static bool operand_fits(enum operand_type type, struct json v)
{
    struct wall_ms at;

    switch (type) {
    case OPERAND_BOOLEAN:
    case OPERAND_TEST:
        return json_is_bool(v);
    case OPERAND_NUMBER:
        return json_is_number(v);
    case OPERAND_STRING:
        return json_is_string(v);
    case OPERAND_TIMESTAMP:
        return json_is_string(v) && wall_parse(json_str(v), &at);
    }
    return false;
}

static void compare_compile(const struct site *s, struct str name, struct json operand,
                            struct condition *k)
{
    static const struct str required[] = {STR_INIT("Variable")};
    static const char *const nouns[] = {
        [OPERAND_BOOLEAN] = "a boolean", [OPERAND_NUMBER] = "a number",
        [OPERAND_STRING] = "a string",   [OPERAND_TIMESTAMP] = "an RFC3339 timestamp",
        [OPERAND_TEST] = "a boolean",
    };
    enum operand_type type;
    bool path;

    k->kind = CONDITION_COMPARE;
    fields_require(s, required, COUNT_OF(required));
    k->variable = field_path(s, STR("Variable"), PATH_RULE_ANY);
    if (!comparator_find(name, &k->comparator, &path))
        return;
    type = operand_type(k->comparator);
    if (path)
        k->operand_path = path_of(s, name, operand, PATH_RULE_ANY);
    else if (operand_fits(type, operand))
        k->literal = operand;
    else
        complain(s->c, CODE_CHOICE_OPERAND_TYPE, place_value(s, name), STR(""),
                 "The value for the field '" STR_FMT "' must be %s", STR_ARG(name), nouns[type]);
}

/* ---- conditions ---- */

static void condition_compile(const struct site *s, bool top, unsigned depth, struct condition *k);

static void combine_compile(const struct site *s, struct str name, unsigned depth,
                            struct condition *k)
{
    bool not = str_eq(name, STR("Not"));
    struct condition *items;
    struct json list;
    struct site at;

    k->kind = not ? CONDITION_NOT : str_eq(name, STR("And")) ? CONDITION_AND : CONDITION_OR;
    if (field_given(s, STR("Variable")))
        complain(s->c, CODE_FIELD_CONFLICT, place_key(s, STR("Variable")), STR("Remove it."),
                 "The fields 'Variable' and '" STR_FMT "' cannot be given together", STR_ARG(name));
    if (not ? !field_object(s, name, &list) : !field_list(s, name, false, &list))
        return;
    k->count = not ? 1 : json_count(list);
    k->items = items = ARENA_ARRAY(s->c->arena, struct condition, k->count);
    at = site_child(s, name, list);
    for (size_t i = 0; i < k->count && !compiler_exhausted(s->c); i++) {
        struct site inner = not ? at : site_item(&at, i, json_at(list, i));

        condition_compile(&inner, false, depth + 1, &items[i]);
    }
}

static void condition_compile(const struct site *s, bool top, unsigned depth, struct condition *k)
{
    const struct json_member *members = json_members(s->object);
    size_t index;
    struct str name;

    if (!json_is_object(s->object)) {
        complain(s->c, CODE_WRONG_TYPE, place_here(s), STR(""),
                 "A choice rule must be an object, not %s", json_noun(s->object));
        return;
    }
    if (depth > CHOICE_DEPTH_MAX) {
        complain(s->c, CODE_TOO_DEEPLY_NESTED, place_here(s), STR("Split the rule."),
                 "Choice rules stand more than %d deep in one another", CHOICE_DEPTH_MAX);
        return;
    }
    rule_fields_check(s, top);
    index = operator_find(s);
    if (index == SIZE_MAX)
        return;
    name = json_str(members[index].key);
    if (str_eq(name, STR("And")) || str_eq(name, STR("Or")) || str_eq(name, STR("Not")))
        combine_compile(s, name, depth, k);
    else
        compare_compile(s, name, members[index].value, k);
}

/* {"Condition": "{% ... %}", "Next": ..., "Assign"?, "Output"?} */
static void rule_compile_jsonata(const struct site *s, struct choice_rule *rule)
{
    static const struct str fields[] = {
        STR_INIT("Condition"),
        STR_INIT("Next"),
        STR_INIT("Assign"),
        STR_INIT("Output"),
    };
    struct json condition = json_get(s->object, fields[0]);

    rule->next = STATE_NO_NONE;
    if (!json_is_object(s->object)) {
        complain(s->c, CODE_WRONG_TYPE, place_here(s), STR(""),
                 "A choice rule must be an object, not %s", json_noun(s->object));
        return;
    }
    fields_allow(s, fields, COUNT_OF(fields));
    fields_require(s, fields, 2);
    if (!json_is_absent(condition) && !json_is_bool(condition) && !field_is_query(s, fields[0]))
        complain(s->c, CODE_WRONG_TYPE, place_value(s, fields[0]), STR(""),
                 "The value for the field 'Condition' must be a JSONata expression or a boolean");
    else
        rule->query = field_query(s, fields[0]);
    rule->next = field_target(s, fields[1]);
    rule->assign = field_assign(s);
    rule->output = field_query(s, fields[3]);
}

static void rule_compile(const struct site *s, struct choice_rule *rule)
{
    static const struct str required[] = {STR_INIT("Next")};

    condition_compile(s, true, 1, &rule->condition);
    rule->next = STATE_NO_NONE;
    if (!json_is_object(s->object))
        return;
    fields_require(s, required, COUNT_OF(required));
    rule->next = field_target(s, STR("Next"));
    rule->assign = field_assign(s);
}

void choice_compile(const struct site *s)
{
    static const struct str required[] = {STR_INIT("Choices")};
    struct state *st = s->state;
    struct choice_rule *rules;
    struct json list;
    struct site at;

    st->u.choice.fallback = field_target(s, STR("Default"));
    if (!fields_require(s, required, COUNT_OF(required)) ||
        !field_list(s, STR("Choices"), false, &list))
        return;
    st->u.choice.rule_count = json_count(list);
    st->u.choice.rules = rules =
        ARENA_ARRAY(s->c->arena, struct choice_rule, st->u.choice.rule_count);
    at = site_child(s, STR("Choices"), list);
    for (size_t i = 0; i < json_count(list) && !compiler_exhausted(s->c); i++) {
        struct site rule = site_item(&at, i, json_at(list, i));

        if (site_is_jsonata(s))
            rule_compile_jsonata(&rule, &rules[i]);
        else
            rule_compile(&rule, &rules[i]);
    }
}
