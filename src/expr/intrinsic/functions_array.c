/* States.Array and its relatives. */
#include "expr/intrinsic/intrinsic_internal.h"

bool eval_array(const struct frame *f, struct json *ret_value)
{
    size_t size = f->call->count * sizeof(*f->values);
    *ret_value = json_array(arena_dup(f->env->out, f->values, size), f->call->count);
    return true;
}

bool eval_array_length(const struct frame *f, struct json *ret_value)
{
    struct json array;
    if (!frame_array(f, 0, &array))
        return false;
    *ret_value = json_int((int64_t)json_count(array));
    return true;
}

bool eval_array_contains(const struct frame *f, struct json *ret_value)
{
    struct json array;
    if (!frame_array(f, 0, &array))
        return false;
    bool found = false;
    for (size_t i = 0; i < json_count(array) && !found; i++) {
        if (!frame_spend(f, 1 + json_count(f->values[1])))
            return false;
        found = json_equal(json_at(array, i), f->values[1]);
    }
    *ret_value = json_bool(found);
    return true;
}

bool eval_array_get_item(const struct frame *f, struct json *ret_value)
{
    struct json array;
    int64_t index;
    if (!frame_array(f, 0, &array) || !frame_integer(f, 1, &index))
        return false;
    if (index < 0 || index >= (int64_t)json_count(array))
        return frame_refuse(f, "there is no item %lld in an array of %zu", (long long)index,
                            json_count(array));
    *ret_value = json_at(array, (size_t)index);
    return true;
}

bool eval_array_partition(const struct frame *f, struct json *ret_value)
{
    struct json array;
    int64_t size;
    if (!frame_array(f, 0, &array) || !frame_integer(f, 1, &size))
        return false;
    if (size < 1)
        return frame_refuse(f, "the size of a part must be above 0");
    struct json_array_builder parts = json_array_builder(f->env->out);
    for (size_t i = 0; i < json_count(array); i += (size_t)size) {
        size_t left = json_count(array) - i;
        if (!frame_spend(f, 1))
            return false;
        json_array_add(&parts,
                       json_array(array.u.items + i, left < (size_t)size ? left : (size_t)size));
    }
    *ret_value = json_array_done(&parts);
    return true;
}

bool eval_array_range(const struct frame *f, struct json *ret_value)
{
    int64_t first, last, step;
    if (!frame_integer(f, 0, &first) || !frame_integer(f, 1, &last) || !frame_integer(f, 2, &step))
        return false;
    if (step == 0)
        return frame_refuse(f, "the step must not be 0");
    int64_t steps = (last - first) / step;
    if (steps >= INTRINSIC_RANGE_MAX)
        return frame_refuse(f, "the range has more than %d elements", INTRINSIC_RANGE_MAX);
    struct json_array_builder range = json_array_builder(f->env->out);
    for (int64_t x = first; step > 0 ? x <= last : x >= last; x += step)
        json_array_add(&range, json_int(x));
    *ret_value = json_array_done(&range);
    return true;
}

/* ---- unique ---- */

/* An open hash table of positions in the result: items are compared only with
 * those of the same hash. */
struct seen {
    uint64_t *hashes;
    uint32_t *positions; /* + 1; 0 is free */
    size_t mask;
};

/* Equal values have equal hashes; containers of the same shape share theirs. */
static uint64_t hash_of(struct json v)
{
    uint64_t seed = (uint64_t)json_type(v) * 0x9e3779b97f4a7c15u;
    if (json_is_string(v))
        return seed ^ str_hash(json_str(v));
    if (json_is_bool(v))
        return seed + json_is_true(v);
    double number = json_to_double(v) + 0.0; /* -0 and 0 alike */
    if (json_is_number(v))
        return seed ^ str_hash(str_of((const char *)&number, sizeof(number)));
    return seed ^ (json_count(v) * 0xbf58476d1ce4e5b9u);
}

static bool has_seen(const struct frame *f, struct seen *s, const struct json *items,
                     struct json item, size_t position, bool *ret_found)
{
    uint64_t hash = hash_of(item);
    size_t slot = hash & s->mask;
    *ret_found = false;
    for (; s->positions[slot]; slot = (slot + 1) & s->mask) {
        if (!frame_spend(f, 1 + json_count(item)))
            return false;
        if (s->hashes[slot] == hash && json_equal(items[s->positions[slot] - 1], item)) {
            *ret_found = true;
            return true;
        }
    }
    s->hashes[slot] = hash;
    s->positions[slot] = (uint32_t)position + 1;
    return true;
}

bool eval_array_unique(const struct frame *f, struct json *ret_value)
{
    struct json array;
    if (!frame_array(f, 0, &array))
        return false;
    size_t slots = 8;
    while (slots < 2 * json_count(array))
        slots *= 2;
    struct seen s = {ARENA_ARRAY(f->env->scratch, uint64_t, slots),
                     ARENA_ARRAY(f->env->scratch, uint32_t, slots), slots - 1};
    struct json_array_builder kept = json_array_builder(f->env->out);
    for (size_t i = 0; i < json_count(array); i++) {
        bool found;
        struct json item = json_at(array, i);
        if (!frame_spend(f, 1 + json_count(item)) ||
            !has_seen(f, &s, kept.items, item, kept.count, &found))
            return false;
        if (!found)
            json_array_add(&kept, item);
    }
    *ret_value = json_array_done(&kept);
    return true;
}
