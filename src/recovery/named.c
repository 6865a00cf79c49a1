/* Which rows a text names, and which members of {"STEP": value} name a row: found by what a
 * text may stand for, since there may be ten thousand of each. */
#include "recovery/planner.h"

#include <stdlib.h>

/* ---- what a text may stand for ---- */

/* The states of a machine by name, to read paths by their ends. */
struct reader {
    const struct machine *machine;
    struct path_counts named; /* by name: the first such state + 1 */
    uint32_t *next;           /* by state: the next of the same name + 1 */
    size_t name_max;          /* bytes of the longest name */
};

static struct reader reader_of(const struct machine *m, struct arena *a)
{
    struct reader r = {.machine = m, .named = path_counts(a)};
    r.next = ARENA_ARRAY(a, uint32_t, m->state_count);
    for (uint32_t i = m->state_count; i > 0; i--) {
        const struct state *state = &m->states[i - 1];
        uint32_t *first = path_counts_at(&r.named, state->name);
        r.next[i - 1] = *first;
        *first = i;
        r.name_max = state->name.len > r.name_max ? state->name.len : r.name_max;
    }
    return r;
}

/* The keys of the steps that the text names by a path, in whatever spelling. */
static struct key_list keys_of(const struct reader *r, struct str text, struct arena *a)
{
    struct key_list keys = {.arena = a};
    for (size_t i = text.len; i > 0 && text.len - i <= r->name_max; i--) {
        if (text.ptr[i - 1] != '/')
            continue;
        uint32_t state = path_counts_get(&r->named, str_slice(text, i, text.len));
        for (; state; state = r->next[state - 1])
            step_keys_spelled(r->machine, &r->machine->states[state - 1], text, &keys);
    }
    return keys;
}

/* ---- numbers ---- */

int64_t row_number(const struct planner *p, const struct row *row)
{
    uint32_t index = row->step.index;
    if (p->request->numbering == STEPS_FROM_ZERO)
        return index == STEP_NO_NONE ? -1 : (int64_t)index;
    if (p->numbered)
        return row->step.state->step_number ? row->step.state->step_number : -1;
    return index == STEP_NO_NONE ? -1 : (int64_t)index + 1;
}

static struct str number_text(int64_t number, struct arena *a)
{
    return arena_printf(a, "%lld", (long long)number);
}

/* ---- rows ---- */

struct row_names {
    const struct planner *p;
    struct reader readers[2]; /* of the machines that rows may be of */
    size_t reader_count;
    struct path_counts keys, names;       /* the first row + 1 */
    struct path_counts numbers;           /* 1: a row has it */
    uint32_t *next_of_key, *next_of_name; /* by row: the next one + 1 */
    size_t *found;
    size_t found_count, found_capacity;
};

static void add_reader(struct row_names *n, const struct machine *m)
{
    bool known = !m || (n->reader_count && n->readers[0].machine == m);
    if (!known)
        n->readers[n->reader_count++] = reader_of(m, n->p->arena);
}

struct row_names *row_names_new(const struct planner *p)
{
    struct row_names *n = ARENA_NEW(p->arena, struct row_names);
    *n = (struct row_names){
        .p = p,
        .keys = path_counts(p->arena),
        .names = path_counts(p->arena),
        .numbers = path_counts(p->arena),
        .next_of_key = ARENA_ARRAY(p->arena, uint32_t, p->row_count),
        .next_of_name = ARENA_ARRAY(p->arena, uint32_t, p->row_count),
    };
    add_reader(n, p->machine);
    add_reader(n, p->story->machine);
    for (size_t i = p->row_count; i > 0; i--) {
        const struct plan_step *s = &p->rows[i - 1].step;
        uint32_t *key = path_counts_at(&n->keys, s->key);
        n->next_of_key[i - 1] = *key;
        *key = (uint32_t)i;
        uint32_t *name = path_counts_at(&n->names, s->state->name);
        n->next_of_name[i - 1] = *name;
        *name = (uint32_t)i;
        int64_t number = row_number(p, &p->rows[i - 1]);
        if (number >= 0)
            *path_counts_at(&n->numbers, number_text(number, p->arena)) = 1;
    }
    return n;
}

static void add_rows(struct row_names *n, uint32_t row, const uint32_t *next, struct str text)
{
    for (; row; row = next[row - 1]) {
        const struct row *r = &n->p->rows[row - 1];
        if (!str_eq(r->step.key, text) &&
            !step_is_named(r->machine, r->parts, r->part_count, r->step.state, text))
            continue;
        n->found = arena_grow(n->p->arena, n->found, n->found_count, &n->found_capacity,
                              sizeof(*n->found));
        n->found[n->found_count++] = row - 1;
    }
}

static int by_place(const void *a, const void *b)
{
    const size_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

size_t row_names_find(struct row_names *n, struct str text, const size_t **ret_rows)
{
    size_t count = 0;
    n->found_count = 0;
    add_rows(n, path_counts_get(&n->names, text), n->next_of_name, text);
    add_rows(n, path_counts_get(&n->keys, text), n->next_of_key, text);
    for (size_t i = 0; i < n->reader_count; i++) {
        struct key_list keys = keys_of(&n->readers[i], text, n->p->arena);
        for (size_t k = 0; k < keys.count; k++)
            add_rows(n, path_counts_get(&n->keys, keys.items[k]), n->next_of_key, text);
    }
    if (n->found_count)
        qsort(n->found, n->found_count, sizeof(*n->found), by_place);
    for (size_t i = 0; i < n->found_count; i++)
        if (!count || n->found[count - 1] != n->found[i])
            n->found[count++] = n->found[i];
    *ret_rows = n->found;
    return count;
}

bool row_names_know(struct row_names *n, struct str text)
{
    const size_t *rows;
    int64_t number;
    return row_names_find(n, text, &rows) > 0 || path_counts_get(&n->readers[0].named, text) > 0 ||
           (str_to_int64(text, &number) &&
            path_counts_get(&n->numbers, number_text(number, n->p->arena)) > 0);
}

/* ---- members ---- */

struct member_names {
    const struct machine *machine;
    struct path_counts keys, names, numbers; /* the first member + 1 */
    struct member_names *other;              /* of the same members, for another machine */
};

/* From the last to the first, which is then the one that stays. */
static struct member_names *member_names_new(struct json object, const struct machine *m,
                                             struct arena *a)
{
    struct member_names *n = ARENA_NEW(a, struct member_names);
    struct reader reader = reader_of(m, a);
    *n = (struct member_names){m, path_counts(a), path_counts(a), path_counts(a), NULL};
    for (size_t i = json_count(object); i > 0; i--) {
        struct str text = json_str(json_members(object)[i - 1].key);
        struct key_list keys = keys_of(&reader, text, a);
        int64_t number;
        *path_counts_at(&n->names, text) = (uint32_t)i;
        *path_counts_at(&n->keys, text) = (uint32_t)i;
        for (size_t k = 0; k < keys.count; k++)
            *path_counts_at(&n->keys, keys.items[k]) = (uint32_t)i;
        if (str_to_int64(text, &number))
            *path_counts_at(&n->numbers, number_text(number, a)) = (uint32_t)i;
    }
    return n;
}

static const struct member_names *names_for(struct member_names **names, struct json object,
                                            const struct machine *m, struct arena *a)
{
    while (*names && (*names)->machine != m)
        names = &(*names)->other;
    if (!*names)
        *names = member_names_new(object, m, a);
    return *names;
}

struct json output_named(struct planner *p, struct json outputs, struct member_names **names,
                         bool *used, const struct row *row)
{
    if (!json_count(outputs))
        return JSON_NONE;
    const struct member_names *n = names_for(names, outputs, row->machine, p->arena);
    int64_t number = row_number(p, row);
    const uint32_t by[] = {
        path_counts_get(&n->keys, row->step.key),
        path_counts_get(&n->names, row->step.state->name),
        number < 0 ? 0 : path_counts_get(&n->numbers, number_text(number, p->arena)),
    };
    uint32_t first = 0;
    for (size_t i = 0; i < COUNT_OF(by); i++)
        if (by[i] && (!first || by[i] < first))
            first = by[i];
    if (!first)
        return JSON_NONE;
    used[first - 1] = true;
    return json_members(outputs)[first - 1].value;
}
