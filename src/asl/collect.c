/* Numbering: every state by its place in the text, every scope by discovery.
 *
 * Nothing is compiled here, so that when it is, all names are known. */
#include "asl/compile_internal.h"

static void scope_collect(struct compiler *c, uint32_t scope);

static uint32_t scope_add(struct compiler *c, struct scope_node node)
{
    c->scopes =
        arena_grow(c->scratch, c->scopes, c->scope_count, &c->scope_capacity, sizeof(*c->scopes));
    node.start = STATE_NO_NONE;
    c->scopes[c->scope_count] = node;
    return (uint32_t)c->scope_count++;
}

static void state_add(struct compiler *c, uint32_t scope, struct str name, struct json source,
                      struct str pointer)
{
    size_t n = c->node_count;

    c->nodes = arena_grow(c->scratch, c->nodes, n, &c->node_capacity, sizeof(*c->nodes));
    c->names = arena_grow(c->scratch, c->names, n, &c->name_capacity, sizeof(*c->names));
    c->node_scopes =
        arena_grow(c->scratch, c->node_scopes, n, &c->node_scope_capacity, sizeof(*c->node_scopes));
    c->nodes[n] = (struct node){.source = source, .pointer = pointer, .jsonata = c->jsonata};
    c->names[n] = name;
    c->node_scopes[n] = scope;
    c->node_count++;
}

static void state_name_check(struct compiler *c, struct str name, struct str pointer)
{
    struct place at = {pointer, true};

    if (name.len == 0)
        complain(c, CODE_INVALID_STATE_NAME, at, STR(""), "A state must have a name");
    else if (utf8_length(name) > STATE_NAME_MAX)
        complain(c, CODE_INVALID_STATE_NAME, at, STR("Shorten it."),
                 "The state name \"" STR_FMT "\" is longer than %d characters",
                 STR_ARG(clip(c, name)), STATE_NAME_MAX);
}

static void language_note(struct compiler *c, const struct site *s, bool *ret_jsonata)
{
    static const struct str languages[] = {STR_INIT("JSONPath"), STR_INIT("JSONata")};
    size_t index;

    if (!field_choice(s, STR("QueryLanguage"), languages, COUNT_OF(languages), &index))
        return;
    if (index == 0 && c->jsonata)
        complain(c, CODE_FIELD_CONFLICT, place_here(s), STR(""),
                 "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state "
                 "machine");
    *ret_jsonata = index == 1;
}

static void branches_collect(struct compiler *c, const struct site *s, uint32_t number)
{
    struct site list = site_child(s, STR("Branches"), json_get(s->object, STR("Branches")));
    uint32_t first = (uint32_t)c->scope_count, count = 0;

    if (!json_is_array(list.object))
        return;
    /* All of them first, so that a state's branches have consecutive numbers. */
    for (; count < json_count(list.object) && !compiler_exhausted(c); count++)
        scope_add(c, (struct scope_node){
                         .source = json_at(list.object, count),
                         .pointer = json_pointer_item(c->scratch, list.pointer, count),
                         .parent_state = number,
                         .branch = count,
                     });
    c->nodes[number].child_scope = first;
    c->nodes[number].child_count = count;
    for (uint32_t i = 0; i < count; i++)
        scope_collect(c, first + i);
}

static void processor_collect(struct compiler *c, const struct site *s, uint32_t number)
{
    struct str field =
        field_given(s, STR("ItemProcessor")) ? STR("ItemProcessor") : STR("Iterator");
    struct site p = site_child(s, field, json_get(s->object, field));
    struct json config = json_get(p.object, STR("ProcessorConfig"));

    if (!json_is_object(p.object))
        return;
    c->nodes[number].child_scope = scope_add(
        c, (struct scope_node){
               .source = p.object,
               .pointer = p.pointer,
               .parent_state = number,
               .isolated = str_eq(json_str(json_get(config, STR("Mode"))), STR("DISTRIBUTED")),
               .express = str_eq(json_str(json_get(config, STR("ExecutionType"))), STR("EXPRESS")),
           });
    c->nodes[number].child_count = 1;
    scope_collect(c, c->nodes[number].child_scope);
}

static void state_collect(struct compiler *c, uint32_t scope, const struct site *s, struct str name)
{
    uint32_t number = (uint32_t)c->node_count;
    struct str type = json_str(json_get(s->object, STR("Type")));
    bool jsonata = c->jsonata;

    state_add(c, scope, name, s->object, s->pointer);
    state_name_check(c, name, s->pointer);
    language_note(c, s, &jsonata);
    c->nodes[number].jsonata = jsonata;
    if (str_eq(type, STR("Parallel")))
        branches_collect(c, s, number);
    else if (str_eq(type, STR("Map")))
        processor_collect(c, s, number);
}

static void states_collect(struct compiler *c, uint32_t scope, const struct site *states)
{
    const struct json_member *members = json_members(states->object);

    for (size_t i = 0; i < json_count(states->object); i++) {
        struct str name = json_str(members[i].key);
        struct site s = site_child(states, name, members[i].value);

        if (c->node_count == DEFINITION_STATES_MAX) {
            if (!c->exhausted)
                complain(c, CODE_TOO_MANY_STATES, (struct place){s.pointer, true},
                         STR("Move a part into a state machine of its own."),
                         "The machine has more than %d states", DEFINITION_STATES_MAX);
            c->exhausted = true;
        }
        if (compiler_exhausted(c))
            return;
        state_collect(c, scope, &s, name);
    }
}

static void scope_collect(struct compiler *c, uint32_t scope)
{
    static const struct str required[] = {STR_INIT("StartAt"), STR_INIT("States")};
    struct site s = {
        .c = c, .object = c->scopes[scope].source, .pointer = c->scopes[scope].pointer};
    struct json states;

    if (!json_is_object(s.object)) {
        complain(c, CODE_WRONG_TYPE, place_here(&s), STR(""), "A branch must be an object, not %s",
                 json_noun(s.object));
        return;
    }
    fields_require(&s, required, COUNT_OF(required));
    if (!field_object(&s, STR("States"), &states))
        return;
    if (json_count(states) == 0)
        complain(c, CODE_EMPTY_VALUE, place_value(&s, STR("States")), STR("Add a state."),
                 "Value cannot be empty");
    s = site_child(&s, STR("States"), states);
    states_collect(c, scope, &s);
}

void collect(struct compiler *c, struct json root)
{
    struct site s = {.c = c, .object = root};

    language_note(c, &s, &c->jsonata);
    scope_add(c, (struct scope_node){.source = root, .parent_state = STATE_NO_NONE});
    scope_collect(c, 0);
}
