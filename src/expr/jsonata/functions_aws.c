/* The functions that Step Functions adds to JSONata.
 * Source: developer guide, "JSONata functions provided by Step Functions"; measured.
 */
#include "expr/jsonata/ast.h"

#include "base/hash.h"
#include "base/uuid.h"

#include <math.h>

/* Cut towards zero; what 64 bits do not hold is clamped. */
static int64_t whole(struct json v)
{
    struct number n = jx_number_of(v);
    if (n.is_int)
        return n.integer;
    if (!(fabs(n.real) < 9.2e18))
        return n.real > 0 ? INT64_MAX : n.real < 0 ? INT64_MIN : 0;
    return (int64_t)n.real;
}

static struct json argument(const struct json *args, size_t count, size_t i)
{
    return i < count ? args[i] : JSON_NONE;
}

static bool call_partition(struct jx *x, const struct json *args, size_t count, struct json *ret)
{
    struct json v = argument(args, count, 0), size = argument(args, count, 1);
    if (json_is_absent(v))
        return true;
    if (!json_is_array(v)) {
        (void)jx_fail_value(x, "T0412", v);
        x->err_index = 1;
        x->err_type = STR("arrays");
        return false;
    }
    int64_t chunk = json_is_absent(size) ? v.len : whole(size);
    if (chunk < 0)
        return jx_fail_words(x, "D3137", STR("Second argument must be zero or greater"));
    if (chunk == 0 || v.len == 0)
        return true;
    if (!jx_room(x, v.len * sizeof(v)) || !jx_spend(x, v.len / 8))
        return false;
    struct json_array_builder b = json_array_builder(x->out);
    for (size_t at = 0; at < v.len; at += (size_t)chunk) {
        size_t left = v.len - at;
        json_array_add(&b, json_array(v.u.items + at, left < (size_t)chunk ? left : (size_t)chunk));
        if (left <= (size_t)chunk)
            break;
    }
    *ret = json_array_done(&b);
    return true;
}

/* On AWS $range gathers its items in a list that grows by half, and while it does both are held:
 * 360,145 items pass, one more does not. */
static uint64_t held_while_gathered(uint64_t total)
{
    uint64_t before = 0, capacity = 10;
    for (; capacity < total; capacity += capacity / 2)
        before = capacity;
    return capacity + before;
}

static bool call_range(struct jx *x, const struct json *args, size_t count, struct json *ret)
{
    struct json bounds[] = {argument(args, count, 0), argument(args, count, 1),
                            argument(args, count, 2)};
    for (size_t i = 0; i < COUNT_OF(bounds); i++) {
        if (json_is_absent(bounds[i]))
            return true;
    }
    int64_t first = whole(bounds[0]), last = whole(bounds[1]), step = whole(bounds[2]);
    if (step == 0 || (step > 0 && first > last) || (step < 0 && first < last))
        return true;
    uint64_t distance =
        step > 0 ? (uint64_t)last - (uint64_t)first : (uint64_t)first - (uint64_t)last;
    uint64_t stride = step > 0 ? (uint64_t)step : (uint64_t)0 - (uint64_t)step;
    uint64_t items_max = distance / stride;
    if (items_max >= JSONATA_RANGE_MAX)
        return jx_limit(x, JSONATA_LIMIT_MEMORY);
    size_t total = (size_t)items_max + 1;
    if (!jx_holds_items(x, held_while_gathered(total)) ||
        !jx_room(x, total * sizeof(struct json)) || !jx_spend(x, total / 64))
        return false;
    struct json *items = arena_alloc(x->out, total * sizeof(*items));
    for (size_t i = 0; i < total; i++)
        items[i] = json_int((int64_t)((uint64_t)first + (uint64_t)i * (uint64_t)step));
    *ret = jx_sequence(json_array(items, total));
    return true;
}

static bool call_hash(struct jx *x, const struct json *args, size_t count, struct json *ret)
{
    struct json data = argument(args, count, 0), algorithm = argument(args, count, 1);
    if (json_is_absent(data) || json_is_absent(algorithm))
        return true;
    char hex[DIGEST_HEX_MAX];
    if (!jx_spend(x, json_str(data).len / 64))
        return false;
    size_t len = digest_hex(json_str(algorithm), json_str(data), hex);
    if (!len) {
        return jx_fail_words(x, "D3137",
                             STR("Second argument must be MD5, SHA-1, SHA-256, SHA-384 or "
                                 "SHA-512"));
    }
    *ret = json_string_copy(x->out, str_of(hex, len));
    return true;
}

static bool call_random(struct jx *x, const struct json *args, size_t count, struct json *ret)
{
    struct json seed = argument(args, count, 0);
    if (json_is_absent(seed)) {
        *ret = jx_number(rng_double(x->rng));
        return true;
    }
    struct java_random java = java_random_seeded(whole(seed));
    *ret = jx_number(java_random_double(&java));
    return true;
}

static bool call_uuid(struct jx *x, UNUSED const struct json *args, UNUSED size_t count,
                      struct json *ret)
{
    char text[UUID_TEXT_LEN];
    uuid_format(uuid_v4(x->rng), text);
    *ret = json_string_copy(x->out, str_of(text, sizeof(text)));
    return true;
}

/* Numbers that a double cannot hold are no JSON to AWS. The depth is the parser's. */
static bool has_huge_number(struct json v)
{
    if (json_is_number(v))
        return isinf(jx_to_double(v));
    for (size_t i = 0; i < json_count(v); i++) {
        if (has_huge_number(json_is_array(v) ? v.u.items[i] : v.u.members[i].value))
            return true;
    }
    return false;
}

static bool call_parse(struct jx *x, const struct json *args, size_t count, struct json *ret)
{
    struct json text = argument(args, count, 0);
    struct err err;
    if (json_is_absent(text))
        return true;
    if (!jx_spend(x, json_str(text).len / 16) || !jx_room(x, json_str(text).len))
        return false;
    if (json_parse(x->out, json_str(text), (struct json_limits){0}, JSON_DUPLICATES_REFUSE, ret,
                   &err) &&
        !has_huge_number(*ret))
        return true;
    return jx_fail_words(x, "D3137", STR("Invalid JSON"));
}

static const struct jx_builtin rows[] = {
    {STR_INIT("partition"), "<xn?:a>", call_partition, JX_ROW_STEP_FUNCTIONS, 2},
    {STR_INIT("range"), "<nnn?:a>", call_range, JX_ROW_STEP_FUNCTIONS, 3},
    {STR_INIT("hash"), "<ss?:s>", call_hash, JX_ROW_STEP_FUNCTIONS, 2},
    {STR_INIT("random"), "<n?:n>", call_random, JX_ROW_STEP_FUNCTIONS, 1},
    {STR_INIT("uuid"), "<:s>", call_uuid, JX_ROW_STEP_FUNCTIONS, 0},
    {STR_INIT("parse"), "<s?:x>", call_parse, JX_ROW_STEP_FUNCTIONS, 1},
};

const struct jx_table jx_table_step_functions = {rows, COUNT_OF(rows)};
