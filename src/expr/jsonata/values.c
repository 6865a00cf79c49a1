/* Values: numbers, truth, equality, text, and the way out of the evaluator. */
#include "expr/jsonata/ast.h"

#include "base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- numbers ---- */

static const double exact_integers = 9007199254740992.0; /* 2^53 */

struct json jx_number(double value)
{
    if (fabs(value) < exact_integers && value == floor(value))
        return json_int((int64_t)value);
    return (struct json){.tag = JSON_TAG_DOUBLE, .u.real = value};
}

/* Texts as short as "12" and "-3.25", exactly; all others take the long way. */
static bool short_number(struct json v, struct number *ret)
{
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11};
    const char *at = v.u.bytes, *end = at + v.len;
    if (v.len > 12)
        return false;
    bool negative = *at == '-';
    int64_t digits = 0;
    size_t places = 0;
    bool point = false;
    for (at += negative; at < end; at++) {
        if (*at == '.') {
            point = true;
            continue;
        }
        if (*at < '0' || *at > '9')
            return false;
        digits = digits * 10 + (*at - '0');
        places += point;
    }
    double real = (double)digits / powers[places];
    bool whole = places == 0 || real == floor(real);
    *ret = (struct number){.is_int = whole, .real = negative ? -real : real};
    ret->integer = whole ? (int64_t)ret->real : 0;
    return true;
}

struct number jx_number_of(struct json v)
{
    struct number n = {0};
    if (v.tag == JSON_TAG_INT)
        return (struct number){true, v.u.integer, (double)v.u.integer};
    if (v.tag == JSON_TAG_DOUBLE)
        return (struct number){.real = v.u.real};
    if (v.tag != JSON_TAG_NUMBER_TEXT)
        return (struct number){.real = NAN};
    if (short_number(v, &n))
        return n;
    n.is_int = json_to_int64(v, &n.integer);
    n.real = n.is_int ? (double)n.integer : json_to_double(v);
    return n;
}

double jx_to_double(struct json number)
{
    return jx_number_of(number).real;
}

/* ---- truth and type ---- */

static bool scalar_truth(struct json v)
{
    switch (v.tag) {
    case JSON_TAG_TRUE:
        return true;
    case JSON_TAG_STRING:
    case JSON_TAG_OBJECT:
        return v.len > 0;
    case JSON_TAG_NUMBER_TEXT:
    case JSON_TAG_INT:
    case JSON_TAG_DOUBLE: {
        double real = jx_number_of(v).real;
        return real != 0 && !isnan(real);
    }
    default:
        return false;
    }
}

static bool truth_within(struct json v, size_t depth)
{
    while (json_is_array(v) && v.len == 1)
        v = v.u.items[0];
    if (!json_is_array(v))
        return scalar_truth(v);
    for (size_t i = 0; depth < JSONATA_DEPTH_MAX && i < v.len; i++) {
        if (truth_within(v.u.items[i], depth + 1))
            return true;
    }
    return false;
}

bool jx_truth(struct json v)
{
    return json_is_array(v) ? truth_within(v, 0) : scalar_truth(v);
}

struct str jx_type_name(struct json v)
{
    if (jx_is_function(v))
        return STR("function");
    return v.tag <= JSON_TAG_OBJECT ? str_of_cstr(json_type_name(v)) : STR("object");
}

/* ---- equality and order ---- */

bool jx_scalars_equal(struct json a, struct json b)
{
    if (json_is_number(a) && json_is_number(b)) {
        struct number l = jx_number_of(a), r = jx_number_of(b);
        return l.is_int && r.is_int ? l.integer == r.integer : l.real == r.real;
    }
    if (a.tag != b.tag)
        return false;
    return a.tag == JSON_TAG_STRING ? str_eq(json_str(a), json_str(b)) : true;
}

static bool equal_within(struct jx *x, struct json a, struct json b, size_t depth, bool *ret);

static bool items_equal(struct jx *x, struct json a, struct json b, size_t depth, bool *ret)
{
    for (size_t i = 0; *ret && i < a.len; i++) {
        if (!equal_within(x, a.u.items[i], b.u.items[i], depth, ret))
            return false;
    }
    return true;
}

static bool members_equal(struct jx *x, struct json a, struct json b, size_t depth, bool *ret)
{
    for (size_t i = 0; *ret && i < a.len; i++) {
        struct json other = json_get(b, json_str(a.u.members[i].key));
        if (json_is_absent(other))
            *ret = false;
        else if (!equal_within(x, a.u.members[i].value, other, depth, ret))
            return false;
    }
    return true;
}

static bool equal_within(struct jx *x, struct json a, struct json b, size_t depth, bool *ret)
{
    if (depth > JSONATA_DEPTH_MAX)
        return jx_limit(x, JSONATA_LIMIT_DEPTH);
    bool containers = json_is_array(a) || json_is_object(a) || jx_is_function(a);
    if (!containers || a.tag != b.tag) {
        *ret = !containers && jx_scalars_equal(a, b);
        return true;
    }
    *ret = a.len == b.len;
    if (!*ret || a.u.items == b.u.items)
        return true;
    if (jx_is_function(a)) {
        *ret = false;
        return true;
    }
    if (!jx_spend(x, a.len / 8 + 1))
        return false;
    return json_is_array(a) ? items_equal(x, a, b, depth + 1, ret)
                            : members_equal(x, a, b, depth + 1, ret);
}

bool jx_deep_equal(struct jx *x, struct json a, struct json b, bool *ret_equal)
{
    return equal_within(x, a, b, 0, ret_equal);
}

/* By UTF-16 units: characters beyond them come before U+E000 to U+FFFF. */
int jx_compare_strings(struct str a, struct str b)
{
    size_t len = a.len < b.len ? a.len : b.len, at = 0;
    while (at < len && a.ptr[at] == b.ptr[at])
        at++;
    if (at == len)
        return (a.len > b.len) - (a.len < b.len);
    unsigned char l = (unsigned char)a.ptr[at], r = (unsigned char)b.ptr[at];
    bool l_last = l == 0xEE || l == 0xEF, r_last = r == 0xEE || r == 0xEF;
    if ((l >= 0xF0 && r_last) || (r >= 0xF0 && l_last))
        return l >= 0xF0 ? -1 : 1;
    return l < r ? -1 : 1;
}

/* ---- sorting ---- */

struct merging {
    struct jx *x;
    uint32_t *spare;
    jx_after *after;
    void *context;
};

static bool merge(const struct merging *m, uint32_t *order, size_t middle, size_t count)
{
    size_t left = 0, right = middle, at = 0;
    while (left < middle && right < count) {
        bool after;
        if (!m->after(m->x, m->context, order[left], order[right], &after))
            return false;
        m->spare[at++] = after ? order[right++] : order[left++];
    }
    while (left < middle)
        m->spare[at++] = order[left++];
    memcpy(order, m->spare, at * sizeof(*order));
    return jx_spend(m->x, at / 8 + 1);
}

/* Halves as the reference halves, so that inconsistent comparators agree too. */
static bool sort_halves(const struct merging *m, uint32_t *order, size_t count)
{
    if (count <= 1)
        return true;
    size_t middle = count / 2;
    return sort_halves(m, order, middle) && sort_halves(m, order + middle, count - middle) &&
           merge(m, order, middle, count);
}

bool jx_merge_sort(struct jx *x, uint32_t *order, size_t count, jx_after *after, void *context)
{
    struct merging m = {x, ARENA_ARRAY(x->out, uint32_t, count), after, context};
    return sort_halves(&m, order, count);
}

/* ---- cleaning ---- */

struct cleaning {
    struct jx *x;
    enum jx_clean how;
};

/* The digits of a decimal text and the power of ten of the first one. */
static size_t digits_of(struct str text, char digits[static JX_NUMBER_SIZE], int *ret_power)
{
    size_t len = 0;
    int power = -1;
    bool point = false;
    for (size_t i = 0; i < text.len && len < JX_NUMBER_SIZE; i++) {
        char c = text.ptr[i];
        if (c == 'e') {
            size_t sign = i + 1 < text.len && text.ptr[i + 1] == '+';
            int64_t exponent = 0;
            (void)str_to_int64(str_slice(text, i + 1 + sign, text.len), &exponent);
            power += (int)exponent;
            break;
        }
        point |= c == '.';
        if (c < '0' || c > '9')
            continue;
        bool leading = len == 0 && c == '0';
        power += leading ? (point ? -1 : 0) : !point;
        if (!leading)
            digits[len++] = c;
    }
    while (len > 1 && digits[len - 1] == '0')
        len--;
    *ret_power = power;
    return len;
}

/* Step Functions writes doubles as Java does: from 1e7 on, and below 1e-3, "1.5E10". */
static struct json java_number(struct jx *x, double real)
{
    double size = fabs(real);
    if (size >= 1e-3 && size < 1e7)
        return jx_number(real);
    char text[JX_NUMBER_SIZE], digits[JX_NUMBER_SIZE] = "0";
    struct buf b = BUF_INIT(JX_NUMBER_SIZE - 1);
    json_write(&b, json_double(real));
    size_t text_len = buf_str(&b).len;
    memcpy(text, buf_str(&b).ptr, text_len);
    text[text_len] = 0;
    buf_release(&b);
    int power;
    size_t len = digits_of(str_of(text, text_len), digits, &power);
    struct str rest = len > 1 ? str_of(digits + 1, len - 1) : STR("0");
    return json_number_text(arena_printf(x->out, "%s%c." STR_FMT "E%d", real < 0 ? "-" : "",
                                         digits[0], STR_ARG(rest), power));
}

static struct json clean_number(const struct cleaning *c, struct json v)
{
    struct number n = jx_number_of(v);
    if (n.is_int)
        return v.tag == JSON_TAG_INT ? v : json_int(n.integer);
    if (!isfinite(n.real)) {
        if (c->how == JX_CLEAN_STRING)
            return json_null();
        return json_string(isnan(n.real) ? STR("NaN")
                           : n.real > 0  ? STR("Infinity")
                                         : STR("-Infinity"));
    }
    bool java = c->how == JX_CLEAN_BORDER && c->x->expression->options.step_functions;
    if (java && v.tag == JSON_TAG_DOUBLE && n.real != 0)
        return java_number(c->x, n.real);
    if (c->how == JX_CLEAN_BORDER || n.real == floor(n.real))
        return v.tag == JSON_TAG_NUMBER_TEXT && n.real != floor(n.real) ? v : jx_number(n.real);
    char digits[JX_NUMBER_SIZE];
    (void)snprintf(digits, sizeof(digits), "%.15g", n.real);
    return jx_number(strtod(digits, NULL));
}

static bool clean(const struct cleaning *c, struct json v, size_t depth, struct json *ret);

static bool is_same_handle(struct json a, struct json b)
{
    return a.tag == b.tag && a.flags == b.flags && a.len == b.len && a.u.integer == b.u.integer;
}

/* Copies when the first item differs from what it was. */
static bool clean_items(const struct cleaning *c, struct json v, size_t depth, struct json *ret)
{
    struct json *items = NULL;
    for (size_t i = 0; i < v.len; i++) {
        struct json item;
        if (!clean(c, v.u.items[i], depth + 1, &item))
            return false;
        if (json_is_absent(item))
            item = json_null();
        if (!items && !is_same_handle(item, v.u.items[i])) {
            if (!jx_room(c->x, v.len * sizeof(*items)))
                return false;
            items = arena_dup(c->x->out, v.u.items, v.len * sizeof(*items));
        }
        if (items)
            items[i] = item;
    }
    *ret = json_array(items ? items : v.u.items, v.len);
    return true;
}

static bool clean_members(const struct cleaning *c, struct json v, size_t depth, struct json *ret)
{
    struct json_member *members = NULL;
    size_t count = 0;
    for (size_t i = 0; i < v.len; i++) {
        struct json item;
        if (!clean(c, v.u.members[i].value, depth + 1, &item))
            return false;
        if (!members && !is_same_handle(item, v.u.members[i].value)) {
            if (!jx_room(c->x, v.len * sizeof(*members)))
                return false;
            members = arena_dup(c->x->out, v.u.members, v.len * sizeof(*members));
        }
        if (members && !json_is_absent(item))
            members[count] = (struct json_member){v.u.members[i].key, item};
        count += !json_is_absent(item);
    }
    *ret = json_object(members ? members : v.u.members, count);
    return true;
}

static bool clean(const struct cleaning *c, struct json v, size_t depth, struct json *ret)
{
    if (depth > JSONATA_DEPTH_MAX)
        return jx_limit(c->x, JSONATA_LIMIT_DEPTH);
    if (json_is_number(v)) {
        *ret = clean_number(c, v);
        return true;
    }
    if (json_is_array(v)) {
        if (depth == 0 && (v.flags & JX_WRAPPER) && v.len)
            return clean(c, v.u.items[0], depth, ret);
        return jx_spend(c->x, v.len / 32) && clean_items(c, v, depth, ret);
    }
    if (json_is_object(v))
        return jx_spend(c->x, v.len / 32) && clean_members(c, v, depth, ret);
    *ret = v;
    if (v.tag > JSON_TAG_OBJECT)
        *ret = c->how == JX_CLEAN_STRING ? json_string(STR("")) : JSON_NONE;
    return true;
}

bool jx_clean(struct jx *x, struct json v, enum jx_clean how, struct json *ret)
{
    struct cleaning c = {x, how};
    if (how == JX_CLEAN_BORDER && x->steps_left == 0)
        x->steps_left = 1;
    return clean(&c, v, 0, ret);
}

/* ---- copying ---- */

static bool clone(struct jx *x, struct json v, size_t depth, struct json *ret)
{
    *ret = v;
    if (depth > JSONATA_DEPTH_MAX)
        return jx_limit(x, JSONATA_LIMIT_DEPTH);
    if (!json_is_array(v) && !json_is_object(v))
        return true;
    if (!jx_spend(x, v.len / 8 + 1))
        return false;
    if (json_is_array(v)) {
        struct json *items = arena_alloc(x->out, (v.len + 1) * sizeof(*items));
        for (size_t i = 0; i < v.len; i++) {
            if (!clone(x, v.u.items[i], depth + 1, &items[i]))
                return false;
        }
        *ret = json_array(items, v.len);
        return true;
    }
    struct json_member *members = arena_alloc(x->out, (v.len + 1) * sizeof(*members));
    for (size_t i = 0; i < v.len; i++) {
        members[i].key = v.u.members[i].key;
        if (!clone(x, v.u.members[i].value, depth + 1, &members[i].value))
            return false;
    }
    *ret = json_object(members, v.len);
    return true;
}

bool jx_clone(struct jx *x, struct json v, struct json *ret)
{
    return jx_clean(x, v, JX_CLEAN_STRING, &v) && clone(x, v, 0, ret);
}

/* ---- text ---- */

static bool number_text(struct jx *x, struct json v, struct str *ret_text)
{
    struct number n = jx_number_of(v);
    if (!isfinite(n.real) && !n.is_int)
        return jx_fail_value(x, "D3001", v);
    if (n.is_int) {
        *ret_text = arena_printf(x->out, "%lld", (long long)n.integer);
        return true;
    }
    char digits[JX_NUMBER_SIZE];
    size_t len = jx_number_format(n.real, digits);
    *ret_text = arena_str(x->out, str_of(digits, len));
    return true;
}

/* JSON.stringify(v, ..., 2) writes empty containers as the pretty writer does. */
bool jx_to_string(struct jx *x, struct json v, bool pretty, struct str *ret_text)
{
    if (json_is_string(v)) {
        *ret_text = json_str(v);
        return true;
    }
    if (jx_is_function(v)) {
        *ret_text = STR("");
        return true;
    }
    if (json_is_number(v))
        return number_text(x, v, ret_text);
    if (!jx_clean(x, v, JX_CLEAN_STRING, &v))
        return false;
    struct buf b = BUF_INIT(JSON_TEXT_SIZE_MAX);
    if (pretty)
        json_write_pretty(&b, v);
    else
        json_write(&b, v);
    bool fits = jx_room(x, buf_str(&b).len) && jx_spend(x, buf_str(&b).len / 64);
    if (fits)
        *ret_text = arena_str(x->out, buf_str(&b));
    buf_release(&b);
    return fits;
}
