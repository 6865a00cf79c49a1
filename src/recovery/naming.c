#include "recovery/naming.h"

#include <stdio.h>

/* ---- keys ---- */

static const struct state *holder_of(const struct machine *m, const struct state *state)
{
    uint32_t parent = m->scopes[state->scope].parent_state;
    return parent == STATE_NO_NONE ? NULL : &m->states[parent];
}

/* Takes `name` and a slash off the front. */
static bool take_name(struct str *rest, struct str name)
{
    if (!str_starts_with(*rest, name) || rest->len <= name.len || rest->ptr[name.len] != '/')
        return false;
    *rest = str_slice(*rest, name.len + 1, rest->len);
    return true;
}

static bool take_index(struct str *rest, uint32_t *ret_index)
{
    size_t end = str_find_char(*rest, '/');
    struct str word = str_slice(*rest, 0, end);
    int64_t number;
    if (end == SIZE_MAX)
        return false;
    *rest = str_slice(*rest, end + 1, rest->len);
    *ret_index = PART_ANY;
    if (str_eq(word, STR("+")))
        return true;
    if (!str_to_int64(word, &number) || number < 0 || number >= PART_ANY)
        return false;
    *ret_index = (uint32_t)number;
    return true;
}

/* The Parallels and Maps around a state, outermost first, without indexes. */
static struct path_part *parts_around(const struct machine *m, const struct state *state,
                                      struct arena *a, size_t *ret_count)
{
    size_t depth = 0;
    for (const struct state *h = holder_of(m, state); h; h = holder_of(m, h))
        depth++;
    struct path_part *parts = ARENA_ARRAY(a, struct path_part, depth);
    *ret_count = depth;
    for (const struct state *h = holder_of(m, state); h; h = holder_of(m, h))
        parts[--depth].holder = h;
    return parts;
}

bool step_parts(const struct machine *m, const struct state *state, struct str key, struct arena *a,
                const struct path_part **ret_parts, size_t *ret_count)
{
    size_t depth;
    struct path_part *parts = parts_around(m, state, a, &depth);
    for (size_t i = 0; i < depth; i++)
        if (!take_name(&key, parts[i].holder->name) || !take_index(&key, &parts[i].index))
            return false;
    *ret_parts = parts;
    *ret_count = depth;
    return str_eq(key, state->name);
}

struct str step_key(const struct path_part *parts, size_t count, const struct state *state,
                    struct arena *a)
{
    struct buf text = BUF_INIT(0);
    if (!count)
        return state->name;
    for (size_t i = 0; i < count; i++) {
        buf_append(&text, parts[i].holder->name);
        if (parts[i].index == PART_ANY)
            buf_append(&text, STR("/+/"));
        else
            buf_printf(&text, "/%u/", parts[i].index);
    }
    buf_append(&text, state->name);
    struct str key = arena_str(a, buf_str(&text));
    buf_release(&text);
    return key;
}

/* ---- shown ---- */

/* The scope of a branch, or of a Map's processor; NULL: there is none of this number. */
static const struct scope *part_scope(const struct machine *m, const struct path_part *part)
{
    const struct state *h = part->holder;
    if (h->type == STATE_MAP)
        return &m->scopes[h->u.map.processor];
    if (h->type != STATE_PARALLEL || part->index >= h->u.parallel.branch_count)
        return NULL;
    return &m->scopes[h->u.parallel.branches[part->index]];
}

static void append_part(const struct machine *m, const struct path_part *part, struct buf *to)
{
    const struct scope *scope = part_scope(m, part);
    buf_append(to, part->holder->name);
    if (part->holder->type == STATE_MAP && part->index == PART_ANY)
        buf_append(to, STR("[*]/"));
    else if (part->holder->type == STATE_MAP)
        buf_printf(to, "[%u]/", part->index);
    else if (scope)
        buf_printf(to, "/" STR_FMT "/", STR_ARG(scope->label));
}

struct str step_shown(const struct machine *m, const struct path_part *parts, size_t count,
                      const struct state *state, struct arena *a)
{
    struct buf text = BUF_INIT(0);
    if (!count)
        return state->name;
    for (size_t i = 0; i < count; i++)
        append_part(m, &parts[i], &text);
    buf_append(&text, state->name);
    struct str shown = arena_str(a, buf_str(&text));
    buf_release(&text);
    return shown;
}

/* ---- another machine ---- */

const struct state *state_in(const struct machine *m, const struct path_part *parts, size_t count,
                             struct str name)
{
    uint32_t scope = 0;
    for (size_t i = 0; i < count; i++) {
        const struct state *holder = machine_find_state(m, scope, parts[i].holder->name);
        if (!holder || holder->type != parts[i].holder->type)
            return NULL;
        struct path_part here = {holder, parts[i].index};
        const struct scope *inner = part_scope(m, &here);
        if (!inner)
            return NULL;
        scope = (uint32_t)(inner - m->scopes);
    }
    return machine_find_state(m, scope, name);
}

/* ---- named ---- */

/* Names may hold slashes and brackets, so each spelling of each part is tried. */
struct spelling {
    const struct machine *machine;
    const struct path_part *parts;
    size_t count;
    struct str name; /* that ends it; empty: the last part does */
};

static bool spelled_from(const struct spelling *s, size_t part, struct str rest);

static bool goes_on(const struct spelling *s, size_t part, struct str rest, struct str word)
{
    if (!word.len || !str_starts_with(rest, word))
        return false;
    rest = str_slice(rest, word.len, rest.len);
    if (part + 1 == s->count && !s->name.len)
        return rest.len == 0;
    return rest.len && rest.ptr[0] == '/' &&
           spelled_from(s, part + 1, str_slice(rest, 1, rest.len));
}

/* Recurses as deep as the definition nests. */
static bool spelled_from(const struct spelling *s, size_t part, struct str rest)
{
    char number[32], bracket[32];
    if (part == s->count)
        return str_eq(rest, s->name);
    const struct path_part *p = &s->parts[part];
    const struct scope *scope = part_scope(s->machine, p);
    struct str holder = p->holder->name;
    if (!str_starts_with(rest, holder))
        return false;
    rest = str_slice(rest, holder.len, rest.len);
    int digits = p->index == PART_ANY ? snprintf(number, sizeof(number), "/*")
                                      : snprintf(number, sizeof(number), "/%u", p->index);
    int length = snprintf(bracket, sizeof(bracket), "[%s]", number + 1);
    if (goes_on(s, part, rest, str_of(bracket, (size_t)length)) ||
        goes_on(s, part, rest, str_of(number, (size_t)digits)))
        return true;
    if (!scope || p->holder->type != STATE_PARALLEL || !rest.len || rest.ptr[0] != '/')
        return false;
    rest = str_slice(rest, 1, rest.len);
    return goes_on(s, part, rest, scope->label) ||
           goes_on(s, part, rest, s->machine->states[scope->start].name);
}

bool step_is_named(const struct machine *m, const struct path_part *parts, size_t count,
                   const struct state *state, struct str text)
{
    struct spelling s = {m, parts, count, state->name};
    return str_eq(text, state->name) || (count && spelled_from(&s, 0, text));
}

/* ---- the other way round ---- */

struct spelled {
    const struct machine *machine;
    const struct state *state;
    struct path_part *parts;
    size_t count;
    struct key_list *to;
};

static void keys_from(struct spelled *s, size_t part, struct str rest);

/* As it is written by us, or an asterisk. */
static bool read_index(struct str word, uint32_t *ret_index)
{
    int64_t number;
    *ret_index = PART_ANY;
    if (str_eq(word, STR("*")))
        return true;
    bool plain = word.len && (word.len == 1 || word.ptr[0] != '0') && word.ptr[0] >= '0' &&
                 word.ptr[0] <= '9';
    if (!plain || !str_to_int64(word, &number) || number >= PART_ANY)
        return false;
    *ret_index = (uint32_t)number;
    return true;
}

/* What stands between the holder's name and the slash after it is an index. */
static void keys_by_index(struct spelled *s, size_t part, struct str word, struct str rest)
{
    if (read_index(word, &s->parts[part].index))
        keys_from(s, part + 1, rest);
}

/* The branch that the state is in, by its label or its first state. */
static void keys_by_branch(struct spelled *s, size_t part, struct str rest)
{
    const struct state *inner = part + 1 < s->count ? s->parts[part + 1].holder : s->state;
    const struct scope *scope = &s->machine->scopes[inner->scope];
    const struct str names[] = {scope->label, s->machine->states[scope->start].name};
    const struct state *holder = s->parts[part].holder;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct str after = rest;
        if ((i && str_eq(names[0], names[1])) || !names[i].len || !take_name(&after, names[i]))
            continue;
        s->parts[part].index = 0;
        while (&s->machine->scopes[holder->u.parallel.branches[s->parts[part].index]] != scope)
            s->parts[part].index++;
        keys_from(s, part + 1, after);
    }
}

/* Recurses as deep as the definition nests. */
static void keys_from(struct spelled *s, size_t part, struct str rest)
{
    if (part == s->count) {
        struct key_list *to = s->to;
        if (!str_eq(rest, s->state->name))
            return;
        to->items = arena_grow(to->arena, to->items, to->count, &to->capacity, sizeof(*to->items));
        to->items[to->count++] = step_key(s->parts, s->count, s->state, to->arena);
        return;
    }
    const struct state *holder = s->parts[part].holder;
    struct str name = holder->name;
    if (!str_starts_with(rest, name))
        return;
    rest = str_slice(rest, name.len, rest.len);
    size_t end = str_find(rest, STR("]/"));
    if (rest.len && rest.ptr[0] == '[' && end != SIZE_MAX)
        keys_by_index(s, part, str_slice(rest, 1, end), str_slice(rest, end + 2, rest.len));
    if (!rest.len || rest.ptr[0] != '/')
        return;
    rest = str_slice(rest, 1, rest.len);
    end = str_find_char(rest, '/');
    if (end != SIZE_MAX)
        keys_by_index(s, part, str_slice(rest, 0, end), str_slice(rest, end + 1, rest.len));
    if (holder->type == STATE_PARALLEL)
        keys_by_branch(s, part, rest);
}

void step_keys_spelled(const struct machine *m, const struct state *state, struct str text,
                       struct key_list *to)
{
    struct spelled s = {.machine = m, .state = state, .to = to};
    s.parts = parts_around(m, state, to->arena, &s.count);
    if (s.count)
        keys_from(&s, 0, text);
}

bool branch_is_named(const struct machine *m, const struct path_part *parts, size_t count,
                     struct str text)
{
    struct spelling s = {m, parts, count, {0}};
    if (!count)
        return false;
    const struct scope *scope = part_scope(m, &parts[count - 1]);
    bool is_branch = scope && parts[count - 1].holder->type == STATE_PARALLEL;
    return (is_branch &&
            (str_eq(text, scope->label) || str_eq(text, m->states[scope->start].name))) ||
           spelled_from(&s, 0, text);
}

/* ---- numbers ---- */

bool machine_is_numbered(const struct machine *m)
{
    for (uint32_t i = 0; i < m->state_count; i++)
        if (m->states[i].step_number)
            return true;
    return false;
}

static struct str decimal(uint64_t number, struct arena *a)
{
    char text[20];
    size_t from = sizeof(text);
    do
        text[--from] = (char)('0' + number % 10);
    while (number /= 10);
    return arena_str(a, str_of(text + from, sizeof(text) - from));
}

struct str step_number_text(bool numbered, const struct state *state, uint32_t index,
                            struct arena *a)
{
    if (numbered && state->step_number)
        return decimal((uint64_t)state->step_number, a);
    if (numbered || index == UINT32_MAX)
        return STR("");
    return decimal((uint64_t)index + 1, a);
}
