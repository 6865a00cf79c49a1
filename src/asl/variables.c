/* Variables: which names Assign gives, which are read, and from where.
 *
 * A scope sees its own variables and those of the scopes around it, up to a
 * distributed Map, whose items see only their own. */
#include "asl/compile_internal.h"

#include <stdlib.h>

enum {
    VARIABLE_NAME_MAX = 80 /* characters: AWS's limit */
};

static void variable_add(const struct site *s, struct variables *list, struct str name,
                         struct str pointer)
{
    struct compiler *c = s->c;

    list->items =
        arena_grow(c->scratch, list->items, list->count, &list->capacity, sizeof(*list->items));
    list->items[list->count++] = (struct variable){
        .name = name,
        .scope = s->state->scope,
        .state = s->state->number,
        .pointer = pointer,
    };
}

static bool is_identifier(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);

        if (!letter && (i == 0 || !(c >= '0' && c <= '9')))
            return false;
    }
    return name.len > 0;
}

void variable_assigned(const struct site *s, struct str name, struct str pointer)
{
    struct place at = {pointer, true};

    if (!is_identifier(name))
        complain(s->c, CODE_INVALID_VARIABLE_NAME, at,
                 STR("Use letters, digits and '_', a letter or '_' first."),
                 "\"" STR_FMT "\" is not a valid variable name", STR_ARG(clip(s->c, name)));
    else if (utf8_length(name) > VARIABLE_NAME_MAX)
        complain(s->c, CODE_INVALID_VARIABLE_NAME, at, STR("Shorten it."),
                 "The variable name \"" STR_FMT "\" is longer than %d characters",
                 STR_ARG(clip(s->c, name)), VARIABLE_NAME_MAX);
    else if (str_eq(name, STR("states")))
        complain(s->c, CODE_INVALID_VARIABLE_NAME, at, STR("Choose another name."),
                 "The variable name \"states\" is reserved");
    else
        variable_add(s, &s->c->assigned, name, pointer);
}

void variable_used(const struct site *s, struct str name, struct str pointer)
{
    variable_add(s, &s->c->used, name, pointer);
}

static int compare_by_scope(const void *a, const void *b)
{
    const struct variable *x = (const struct variable *)a, *y = (const struct variable *)b;

    if (x->scope != y->scope)
        return x->scope < y->scope ? -1 : 1;
    return str_compare(x->name, y->name);
}

static bool is_assigned(const struct compiler *c, uint32_t scope, struct str name)
{
    struct variable key = {.name = name, .scope = scope};

    return c->assigned.count &&
           bsearch(&key, c->assigned.items, c->assigned.count, sizeof(key), compare_by_scope);
}

/* The scope around, as far as variables are seen. */
static uint32_t scope_around(const struct compiler *c, uint32_t scope)
{
    const struct scope_node *node = &c->scopes[scope];

    if (node->parent_state == STATE_NO_NONE || node->isolated)
        return SCOPE_NO_NONE;
    return c->states[node->parent_state].scope;
}

static bool is_assigned_around(const struct compiler *c, uint32_t scope, struct str name)
{
    for (; scope != SCOPE_NO_NONE; scope = scope_around(c, scope)) {
        if (is_assigned(c, scope, name))
            return true;
    }
    return false;
}

static struct str assigned_suggestion(struct compiler *c, uint32_t scope, struct str name)
{
    struct str *names;
    size_t count = 0;

    if (!suggestions_left(c))
        return STR("");
    names = ARENA_ARRAY(c->scratch, struct str, c->assigned.count);
    for (size_t i = 0; i < c->assigned.count && i < 1000; i++) {
        if (is_assigned_around(c, scope, c->assigned.items[i].name))
            names[count++] = c->assigned.items[i].name;
    }
    return suggest(c, name, names, count);
}

void variables_check(struct compiler *c)
{
    struct variables *assigned = &c->assigned;

    if (assigned->count)
        qsort(assigned->items, assigned->count, sizeof(*assigned->items), compare_by_scope);
    for (size_t i = 0; i < assigned->count; i++) {
        const struct variable *v = &assigned->items[i];
        uint32_t around = scope_around(c, v->scope);

        if (is_assigned_around(c, around, v->name))
            complain(c, CODE_VARIABLE_SHADOWED, (struct place){v->pointer, true},
                     STR("Choose another name."),
                     "The variable \"" STR_FMT "\" is already assigned in an outer scope",
                     STR_ARG(v->name));
    }
    for (size_t i = 0; i < c->used.count; i++) {
        const struct variable *v = &c->used.items[i];
        struct arena_mark mark = arena_mark(c->scratch);

        if (!is_assigned_around(c, v->scope, v->name))
            complain(c, CODE_UNASSIGNED_VARIABLE, (struct place){v->pointer, false},
                     assigned_suggestion(c, v->scope, v->name),
                     "The variable \"$" STR_FMT "\" is assigned nowhere that is seen from here",
                     STR_ARG(clip(c, v->name)));
        arena_rewind(c->scratch, mark);
    }
}

/* ---- the states' lists ---- */

static int compare_by_state(const void *a, const void *b)
{
    const struct variable *x = (const struct variable *)a, *y = (const struct variable *)b;

    if (x->state != y->state)
        return x->state < y->state ? -1 : 1;
    return str_compare(x->name, y->name);
}

void variables_publish(struct compiler *c)
{
    struct variable *used = c->used.items;
    struct str *names = ARENA_ARRAY(c->arena, struct str, c->used.count);
    size_t count = 0;

    if (c->used.count)
        qsort(used, c->used.count, sizeof(*used), compare_by_state);
    for (size_t i = 0; i < c->used.count; i++) {
        struct state *st = &c->states[used[i].state];

        if (i && compare_by_state(&used[i - 1], &used[i]) == 0)
            continue;
        if (st->variable_count == 0)
            st->variables = &names[count];
        names[count++] = used[i].name;
        st->variable_count++;
    }
}
