/* Functions over objects. */
#include "expr/jsonata/ast.h"

/* Names in the order they came, each once. */
struct names {
    struct jx *x;
    struct json_member *members;
    size_t count, capacity;
    uint32_t *slots; /* position plus one */
    size_t size;
};

static size_t slot_of(const struct names *n, struct str name)
{
    size_t at = str_hash(name) & (n->size - 1);
    while (n->slots[at] && !str_eq(json_str(n->members[n->slots[at] - 1].key), name))
        at = (at + 1) & (n->size - 1);
    return at;
}

static void names_grow(struct names *n)
{
    n->size = n->size ? n->size * 2 : 16;
    n->slots = ARENA_ARRAY(n->x->out, uint32_t, n->size);
    for (size_t i = 0; i < n->count; i++)
        n->slots[slot_of(n, json_str(n->members[i].key))] = (uint32_t)i + 1;
}

static bool names_put(struct names *n, struct json key, struct json value)
{
    if (!jx_spend(n->x, 1))
        return false;
    if (2 * (n->count + 1) > n->size)
        names_grow(n);
    size_t slot = slot_of(n, json_str(key));
    if (n->slots[slot]) {
        n->members[n->slots[slot] - 1].value = value;
        return true;
    }
    if (n->count == n->capacity)
        n->members = arena_grow(n->x->out, n->members, n->count, &n->capacity, sizeof(*n->members));
    n->members[n->count++] = (struct json_member){key, value};
    n->slots[slot] = (uint32_t)n->count;
    return true;
}

static bool names_of(struct names *n, struct json v, size_t depth)
{
    if (depth > JSONATA_DEPTH_MAX)
        return jx_limit(n->x, JSONATA_LIMIT_DEPTH);
    for (size_t i = 0; json_is_array(v) && i < v.len; i++) {
        if (!names_of(n, v.u.items[i], depth + 1))
            return false;
    }
    for (size_t i = 0; json_is_object(v) && i < v.len; i++) {
        if (!names_put(n, v.u.members[i].key, json_null()))
            return false;
    }
    return true;
}

static bool call_keys(struct jx *x, const struct json *args, UNUSED size_t count, struct json *ret)
{
    struct json v = args[0];
    struct names n = {.x = x};
    if (json_is_array(v) && !names_of(&n, v, 0))
        return false;
    const struct json_member *members = json_is_object(v) ? v.u.members : n.members;
    size_t total = json_is_object(v) ? v.len : n.count;
    struct json *items = arena_alloc(x->out, total * sizeof(*items));
    for (size_t i = 0; members && i < total; i++)
        items[i] = members[i].key;
    *ret = jx_sequence(json_array(items, total));
    return jx_spend(x, total / 8);
}

static bool call_lookup(struct jx *x, const struct json *args, size_t count, struct json *ret)
{
    if (count < 2 || !json_is_string(args[1]))
        return true;
    return jx_member(x, args[0], json_str(args[1]), ret);
}

static void spread_object(struct jx *x, struct json v, struct json_array_builder *b)
{
    struct json_member *members = arena_dup(x->out, v.u.members, v.len * sizeof(*members));
    for (size_t i = 0; i < v.len; i++)
        json_array_add(b, json_object(&members[i], 1));
}

static bool spread(struct jx *x, struct json v, size_t depth, struct json_array_builder *b)
{
    if (depth > JSONATA_DEPTH_MAX)
        return jx_limit(x, JSONATA_LIMIT_DEPTH);
    if (!jx_spend(x, json_count(v) / 8 + 1))
        return false;
    for (size_t i = 0; json_is_array(v) && i < v.len; i++) {
        if (!spread(x, v.u.items[i], depth + 1, b))
            return false;
    }
    if (json_is_object(v))
        spread_object(x, v, b);
    else if (!json_is_array(v) && !json_is_absent(v))
        json_array_add(b, v);
    return true;
}

static bool call_spread(struct jx *x, const struct json *args, UNUSED size_t count,
                        struct json *ret)
{
    struct json v = args[0];
    *ret = v;
    if (!json_is_array(v) && !json_is_object(v))
        return true;
    struct json_array_builder b = json_array_builder(x->out);
    if (!spread(x, v, 0, &b))
        return false;
    *ret = json_array_done(&b);
    if (json_is_object(v) || !v.len)
        ret->flags |= JX_SEQUENCE;
    return true;
}

static bool call_merge(struct jx *x, const struct json *args, UNUSED size_t count, struct json *ret)
{
    struct json v = args[0];
    struct names n = {.x = x};
    if (json_is_absent(v))
        return true;
    for (size_t i = 0; i < v.len; i++) {
        struct json object = v.u.items[i];
        for (size_t k = 0; k < json_count(object); k++) {
            if (!names_put(&n, object.u.members[k].key, object.u.members[k].value))
                return false;
        }
    }
    *ret = json_object(n.members, n.count);
    return true;
}

/* The function with value, name and object, as many as it takes. */
static bool call_with(struct jx *x, struct json function, const struct json_member *m,
                      struct json object, struct json *ret)
{
    const struct json args[] = {m->value, m->key, object};
    size_t arity = jx_arity(function);
    return jx_call(x, function, args, arity >= 3 ? 3 : arity >= 2 ? 2 : 1, ret);
}

static bool call_each(struct jx *x, const struct json *args, UNUSED size_t count, struct json *ret)
{
    struct json v = args[0];
    struct json_array_builder b = json_array_builder(x->out);
    for (size_t i = 0; json_is_object(v) && i < v.len; i++) {
        struct json item;
        if (!call_with(x, args[1], &v.u.members[i], v, &item))
            return false;
        if (!json_is_absent(item))
            json_array_add(&b, item);
    }
    *ret = jx_sequence(json_array_done(&b));
    return true;
}

static bool call_sift(struct jx *x, const struct json *args, size_t count, struct json *ret)
{
    struct json v = args[0];
    struct json_object_builder b = json_object_builder(x->out);
    for (size_t i = 0; json_is_object(v) && i < v.len; i++) {
        struct json holds;
        if (count < 2 || !jx_is_function(args[1]))
            return jx_fail(x, "T1006");
        if (!call_with(x, args[1], &v.u.members[i], v, &holds))
            return false;
        if (jx_truth(holds))
            json_object_add(&b, json_str(v.u.members[i].key), v.u.members[i].value);
    }
    if (b.count)
        *ret = json_object_done(&b);
    return true;
}

static const struct jx_builtin rows[] = {
    {STR_INIT("keys"), "<x-:a<s>>", call_keys, JX_ROW_ALWAYS, 1},
    {STR_INIT("lookup"), "<x-s:x>", call_lookup, JX_ROW_ALWAYS, 2},
    {STR_INIT("spread"), "<x-:a<o>>", call_spread, JX_ROW_ALWAYS, 1},
    {STR_INIT("merge"), "<a<o>:o>", call_merge, JX_ROW_ALWAYS, 1},
    {STR_INIT("each"), "<o-f:a>", call_each, JX_ROW_ALWAYS, 2},
    {STR_INIT("sift"), "<o-f?:o>", call_sift, JX_ROW_ALWAYS, 2},
};

const struct jx_table jx_table_objects = {rows, COUNT_OF(rows)};
