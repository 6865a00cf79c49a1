/* Functions over arrays, and those that call a function for each item. */
#include "expr/jsonata/ast.h"

#include "base/hash.h"

#include <math.h>

/* The value, and then as many of the others as the function takes. */
static bool call_with(struct jx *x, struct json function, struct json item, struct json at,
                      struct json whole, struct json *ret)
{
    const struct json args[] = {item, at, whole};
    size_t arity = jx_arity(function);
    return jx_call(x, function, args, arity >= 3 ? 3 : arity >= 2 ? 2 : 1, ret);
}

static bool call_map(struct jx *x, const struct json *args, UNUSED size_t count, struct json *ret)
{
    struct json v = args[0];
    if (json_is_absent(v))
        return true;
    if (!jx_room(x, v.len * sizeof(v)))
        return false;
    struct json *items = arena_alloc(x->out, v.len * sizeof(*items));
    size_t kept = 0;
    for (size_t i = 0; i < v.len; i++) {
        struct json item;
        if (!call_with(x, args[1], v.u.items[i], json_int((int64_t)i), v, &item))
            return false;
        if (!json_is_absent(item))
            items[kept++] = item;
    }
    *ret = jx_sequence(json_array(items, kept));
    return true;
}

static bool call_filter(struct jx *x, const struct json *args, UNUSED size_t count,
                        struct json *ret)
{
    struct json v = args[0];
    if (json_is_absent(v))
        return true;
    struct json_array_builder b = json_array_builder(x->out);
    for (size_t i = 0; i < v.len; i++) {
        struct json holds;
        if (!call_with(x, args[1], v.u.items[i], json_int((int64_t)i), v, &holds))
            return false;
        if (jx_truth(holds))
            json_array_add(&b, v.u.items[i]);
    }
    *ret = jx_sequence(json_array_done(&b));
    return true;
}

static bool call_single(struct jx *x, const struct json *args, size_t count, struct json *ret)
{
    struct json v = args[0];
    bool found = false, asks = count > 1 && !json_is_absent(args[1]);
    if (json_is_absent(v))
        return true;
    for (size_t i = 0; i < v.len; i++) {
        struct json holds = json_bool(true);
        if (asks && !call_with(x, args[1], v.u.items[i], json_int((int64_t)i), v, &holds))
            return false;
        if (!jx_truth(holds))
            continue;
        if (found)
            return jx_fail(x, "D3138");
        found = true;
        *ret = v.u.items[i];
    }
    return found || jx_fail(x, "D3139");
}

static bool call_reduce(struct jx *x, const struct json *args, size_t count, struct json *ret)
{
    struct json v = args[0], function = args[1];
    if (json_is_absent(v))
        return true;
    size_t arity = jx_arity(function), from = 0;
    if (arity < 2)
        return jx_fail(x, "D3050");
    struct json result = count > 2 ? args[2] : JSON_NONE;
    if (json_is_absent(result) && v.len)
        result = v.u.items[from++];
    for (size_t i = from; i < v.len; i++) {
        const struct json all[] = {result, v.u.items[i], json_int((int64_t)i), v};
        if (!jx_call(x, function, all, arity > 4 ? 4 : arity, &result))
            return false;
    }
    *ret = result;
    return true;
}

static bool call_append(struct jx *x, const struct json *args, UNUSED size_t count,
                        struct json *ret)
{
    return jx_append(x, args[0], args[1], ret);
}

/* A new array for as many items as there are, or NULL. */
static struct json *items_for(struct jx *x, size_t count)
{
    if (!jx_holds_items(x, count) || !jx_room(x, count * sizeof(struct json)) ||
        !jx_spend(x, count / 8))
        return NULL;
    return arena_alloc(x->out, count * sizeof(struct json));
}

static bool call_reverse(struct jx *x, const struct json *args, UNUSED size_t count,
                         struct json *ret)
{
    struct json v = args[0];
    *ret = v;
    if (json_count(v) <= 1)
        return true;
    struct json *items = items_for(x, v.len);
    if (!items)
        return false;
    for (size_t i = 0; i < v.len; i++)
        items[v.len - i - 1] = v.u.items[i];
    *ret = json_array(items, v.len);
    return true;
}

/* Fisher-Yates, inside out. */
static bool call_shuffle(struct jx *x, const struct json *args, UNUSED size_t count,
                         struct json *ret)
{
    struct json v = args[0];
    *ret = v;
    if (json_count(v) <= 1)
        return true;
    struct json *items = items_for(x, v.len);
    if (!items)
        return false;
    for (size_t i = 0; i < v.len; i++) {
        size_t k = (size_t)rng_below(x->rng, i + 1);
        items[i] = v.u.items[i];
        items[i] = items[k];
        items[k] = v.u.items[i];
    }
    *ret = json_array(items, v.len);
    return true;
}

static bool call_zip(struct jx *x, const struct json *args, size_t count, struct json *ret)
{
    size_t shortest = count ? SIZE_MAX : 0;
    for (size_t i = 0; i < count; i++) {
        size_t len = json_count(args[i]);
        shortest = len < shortest ? len : shortest;
    }
    struct json *rows = items_for(x, shortest);
    if (!rows || !jx_room(x, shortest * count * sizeof(*rows)))
        return false;
    for (size_t i = 0; i < shortest; i++) {
        struct json *row = items_for(x, count);
        if (!row)
            return false;
        for (size_t k = 0; k < count; k++)
            row[k] = args[k].u.items[i];
        rows[i] = json_array(row, count);
    }
    *ret = json_array(rows, shortest);
    return true;
}

/* ---- $distinct ---- */

static uint64_t hash_of(struct json v)
{
    if (json_is_string(v))
        return str_hash(json_str(v));
    if (json_is_number(v)) {
        double real = jx_to_double(v);
        uint64_t bits;
        memcpy(&bits, &real, sizeof(bits));
        return real == 0 ? 0 : (bits ^ bits >> 29) * 0x9E3779B97F4A7C15u;
    }
    return v.tag * 31u + json_count(v);
}

struct distinct {
    struct jx *x;
    uint32_t *slots; /* position in items plus one */
    size_t size;
    struct json *items;
    size_t count;
};

static bool distinct_add(struct distinct *d, struct json v)
{
    size_t at = (hash_of(v) ^ hash_of(v) >> 32) & (d->size - 1);
    bool equal = false;
    for (; d->slots[at]; at = (at + 1) & (d->size - 1)) {
        if (!jx_spend(d->x, 1) || !jx_deep_equal(d->x, d->items[d->slots[at] - 1], v, &equal))
            return false;
        if (equal)
            return true;
    }
    d->items[d->count++] = v;
    d->slots[at] = (uint32_t)d->count;
    return true;
}

static bool call_distinct(struct jx *x, const struct json *args, UNUSED size_t count,
                          struct json *ret)
{
    struct json v = args[0];
    *ret = v;
    if (!json_is_array(v) || v.len <= 1)
        return true;
    struct distinct d = {.x = x, .size = 4};
    while (d.size < 2 * (size_t)v.len)
        d.size *= 2;
    d.items = items_for(x, v.len);
    if (!d.items || !jx_room(x, d.size * sizeof(uint32_t)))
        return false;
    d.slots = ARENA_ARRAY(x->out, uint32_t, d.size);
    for (size_t i = 0; i < v.len; i++) {
        if (!distinct_add(&d, v.u.items[i]))
            return false;
    }
    *ret = json_array(d.items, d.count);
    ret->flags |= v.flags & JX_SEQUENCE;
    return true;
}

/* ---- $sort ---- */

struct sort {
    const struct json *items;
    struct json comparator;
};

/* JavaScript's truth, which the comparator's result is taken by. */
static bool is_truthy(struct json v)
{
    if (json_is_array(v) || json_is_object(v) || jx_is_function(v))
        return true;
    return jx_truth(v);
}

static bool after_by_function(struct jx *x, void *context, uint32_t a, uint32_t b, bool *ret_after)
{
    const struct sort *s = context;
    const struct json args[] = {s->items[a], s->items[b]};
    struct json after;
    if (!jx_call(x, s->comparator, args, 2, &after))
        return false;
    *ret_after = is_truthy(after);
    return true;
}

static bool after_by_number(UNUSED struct jx *x, void *context, uint32_t a, uint32_t b,
                            bool *ret_after)
{
    const struct sort *s = context;
    struct number l = jx_number_of(s->items[a]), r = jx_number_of(s->items[b]);
    *ret_after = l.is_int && r.is_int ? l.integer > r.integer : l.real > r.real;
    return true;
}

static bool after_by_text(UNUSED struct jx *x, void *context, uint32_t a, uint32_t b,
                          bool *ret_after)
{
    const struct sort *s = context;
    *ret_after = jx_compare_strings(json_str(s->items[a]), json_str(s->items[b])) > 0;
    return true;
}

static jx_after *natural_order(struct json v)
{
    bool numbers = true, strings = true;
    for (size_t i = 0; i < v.len; i++) {
        numbers = numbers && json_is_number(v.u.items[i]);
        strings = strings && json_is_string(v.u.items[i]);
    }
    return numbers ? after_by_number : strings ? after_by_text : NULL;
}

static bool call_sort(struct jx *x, const struct json *args, size_t count, struct json *ret)
{
    struct json v = args[0];
    *ret = v;
    if (json_count(v) <= 1)
        return true;
    struct sort s = {.items = v.u.items, .comparator = count > 1 ? args[1] : JSON_NONE};
    jx_after *after = jx_is_function(s.comparator) ? after_by_function : natural_order(v);
    if (!after)
        return jx_fail(x, "D3070");
    struct json *items = items_for(x, v.len);
    if (!items || !jx_room(x, 2 * v.len * sizeof(uint32_t)))
        return false;
    uint32_t *order = ARENA_ARRAY(x->out, uint32_t, v.len);
    for (size_t i = 0; i < v.len; i++)
        order[i] = (uint32_t)i;
    if (!jx_merge_sort(x, order, v.len, after, &s))
        return false;
    for (size_t i = 0; i < v.len; i++)
        items[i] = v.u.items[order[i]];
    *ret = json_array(items, v.len);
    return true;
}

static const struct jx_builtin rows[] = {
    {STR_INIT("map"), "<af>", call_map, JX_ROW_ALWAYS, 2},
    {STR_INIT("filter"), "<af>", call_filter, JX_ROW_ALWAYS, 2},
    {STR_INIT("single"), "<af?>", call_single, JX_ROW_ALWAYS, 2},
    {STR_INIT("reduce"), "<afj?:j>", call_reduce, JX_ROW_ALWAYS, 3},
    {STR_INIT("append"), "<xx:a>", call_append, JX_ROW_ALWAYS, 2},
    {STR_INIT("reverse"), "<a:a>", call_reverse, JX_ROW_ALWAYS, 1},
    {STR_INIT("shuffle"), "<a:a>", call_shuffle, JX_ROW_ALWAYS, 1},
    {STR_INIT("zip"), "<a+>", call_zip, JX_ROW_ALWAYS, 0},
    {STR_INIT("distinct"), "<x:x>", call_distinct, JX_ROW_ALWAYS, 1},
    {STR_INIT("sort"), "<af?:a>", call_sort, JX_ROW_ALWAYS, 2},
};

const struct jx_table jx_table_arrays = {rows, COUNT_OF(rows)};
