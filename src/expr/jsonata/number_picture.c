#include "base/utf8.h"
#include "expr/jsonata/number_picture_internal.h"

/* ---- UTF-16 ---- */

struct units units_of(struct arena *a, struct str text)
{
    struct units u = {ARENA_ARRAY(a, uint16_t, text.len + 1), 0, text.len + 1};
    for (size_t at = 0; at < text.len;) {
        uint32_t character = utf8_next(text, &at);
        if (character > 0xffff) {
            character -= 0x10000;
            u.at[u.len++] = (uint16_t)(0xd800 + (character >> 10));
            character = 0xdc00 + (character & 0x3ff);
        }
        u.at[u.len++] = (uint16_t)character;
    }
    return u;
}

struct str units_text(struct arena *a, struct units u)
{
    char *to = arena_alloc_text(a, u.len * 3 + 1);
    size_t len = 0;
    for (size_t i = 0; i < u.len; i++) {
        uint32_t character = u.at[i];
        bool pair = character >= 0xd800 && character < 0xdc00 && i + 1 < u.len &&
                    u.at[i + 1] >= 0xdc00 && u.at[i + 1] < 0xe000;
        if (pair)
            character = 0x10000 + ((character - 0xd800) << 10) + (u.at[++i] - 0xdc00u);
        len += utf8_encode(to + len, character);
    }
    return str_of(to, len);
}

struct units units_slice(struct units u, size_t from, size_t to)
{
    to = to < u.len ? to : u.len;
    from = from < to ? from : to;
    return (struct units){u.at + from, to - from, 0};
}

static bool units_here(struct units u, size_t at, struct units what)
{
    return at + what.len <= u.len && memcmp(u.at + at, what.at, what.len * sizeof(*u.at)) == 0;
}

size_t units_find(struct units u, struct units what, size_t from)
{
    for (size_t i = from; i + what.len <= u.len; i++) {
        if (units_here(u, i, what))
            return i;
    }
    return SIZE_MAX;
}

size_t units_rfind(struct units u, struct units what)
{
    for (size_t i = u.len + 1; i-- > 0;) {
        if (units_here(u, i, what))
            return i;
    }
    return SIZE_MAX;
}

bool units_is(struct units u, size_t at, struct units what)
{
    return what.len == 1 && at < u.len && u.at[at] == what.at[0];
}

void units_insert(struct arena *a, struct units *u, size_t at, struct units what)
{
    if (!what.len)
        return;
    if (u->len + what.len > u->capacity) {
        size_t capacity = 2 * (u->len + what.len);
        uint16_t *larger = ARENA_ARRAY(a, uint16_t, capacity);
        if (u->len)
            memcpy(larger, u->at, u->len * sizeof(*larger));
        *u = (struct units){larger, u->len, capacity};
    }
    memmove(u->at + at + what.len, u->at + at, (u->len - at) * sizeof(*u->at));
    memcpy(u->at + at, what.at, what.len * sizeof(*u->at));
    u->len += what.len;
}

/* ---- taking a sub-picture apart ---- */

static bool is_active(const struct number_symbols *s, struct units u, size_t at)
{
    return symbols_digit(s, u.at[at]) || units_is(u, at, s->decimal) ||
           units_is(u, at, s->exponent) || units_is(u, at, s->grouping) ||
           units_is(u, at, s->digit) || units_is(u, at, s->pattern);
}

static size_t count_digits(const struct number_symbols *s, struct units u, bool optional_too)
{
    size_t count = 0;
    for (size_t i = 0; i < u.len; i++)
        count += symbols_digit(s, u.at[i]) || (optional_too && units_is(u, i, s->digit));
    return count;
}

/* The exponent's place counts from the beginning of the sub-picture, and is then taken
 * for one in the active part: jsonata-js. */
static void split_active(const struct number_symbols *s, struct sub_picture *p)
{
    size_t exponent = units_find(p->text, s->exponent, p->prefix.len);
    p->has_exponent = exponent != SIZE_MAX && exponent <= p->text.len - p->suffix.len;
    p->mantissa = p->active;
    if (p->has_exponent) {
        p->mantissa = units_slice(p->active, 0, exponent);
        p->exponent = units_slice(p->active, exponent + 1, SIZE_MAX);
    }
    size_t decimal = units_find(p->mantissa, s->decimal, 0);
    p->integer = units_slice(p->mantissa, 0, decimal);
    p->fraction = decimal == SIZE_MAX ? p->suffix : units_slice(p->mantissa, decimal + 1, SIZE_MAX);
}

static void split_parts(const struct number_symbols *s, struct sub_picture *p)
{
    size_t first = SIZE_MAX, last = 0;
    for (size_t i = 0; i < p->text.len; i++) {
        if (is_active(s, p->text, i) && !units_is(p->text, i, s->exponent)) {
            first = first == SIZE_MAX ? i : first;
            last = i + 1;
        }
    }
    if (first == SIZE_MAX) {
        first = 0;
        last = p->text.len;
    }
    p->prefix = units_slice(p->text, 0, first);
    p->suffix = units_slice(p->text, last, SIZE_MAX);
    p->active = units_slice(p->text, first, last);
    split_active(s, p);
}

static bool has(const struct sub_picture *p, struct units what)
{
    return units_find(p->text, what, 0) != SIZE_MAX;
}

static bool has_twice(const struct sub_picture *p, struct units what)
{
    return units_find(p->text, what, 0) != units_rfind(p->text, what);
}

static bool has_passive(const struct number_symbols *s, struct units u)
{
    for (size_t i = 0; i < u.len; i++) {
        if (!is_active(s, u, i))
            return true;
    }
    return false;
}

/* A separator beside the decimal point, or without one at the end. */
static const char *check_grouping_ends(const struct number_symbols *s, const struct sub_picture *p)
{
    size_t decimal = units_find(p->text, s->decimal, 0);
    if (decimal == SIZE_MAX)
        return p->integer.len && units_is(p->integer, p->integer.len - 1, s->grouping) ? "D3088"
                                                                                       : NULL;
    bool before = decimal && units_is(p->text, decimal - 1, s->grouping);
    return before || units_is(p->text, decimal + 1, s->grouping) ? "D3087" : NULL;
}

static bool has_twin_separators(const struct number_symbols *s, const struct sub_picture *p)
{
    size_t at = 0;
    while ((at = units_find(p->text, s->grouping, at)) != SIZE_MAX) {
        if (units_find(units_slice(p->text, at, at + 2 * s->grouping.len), s->grouping,
                       s->grouping.len) != SIZE_MAX)
            return true;
        at++;
    }
    return false;
}

/* Of several faults the last one is told. */
static const char *check(const struct number_symbols *s, const struct sub_picture *p)
{
    const char *code = NULL;
    bool rate = has(p, s->percent) || has(p, s->per_mille);
    if (has_twice(p, s->decimal))
        code = "D3081";
    if (has_twice(p, s->percent))
        code = "D3082";
    if (has_twice(p, s->per_mille))
        code = "D3083";
    if (has(p, s->percent) && has(p, s->per_mille))
        code = "D3084";
    if (!count_digits(s, p->mantissa, true))
        code = "D3085";
    if (has_passive(s, p->active))
        code = "D3086";
    const char *ends = check_grouping_ends(s, p);
    code = ends ? ends : code;
    if (has_twin_separators(s, p))
        code = "D3089";
    size_t optional = units_find(p->integer, s->digit, 0);
    if (optional != SIZE_MAX && count_digits(s, units_slice(p->integer, 0, optional), false))
        code = "D3090";
    optional = units_rfind(p->fraction, s->digit);
    if (optional != SIZE_MAX &&
        count_digits(s, units_slice(p->fraction, optional, SIZE_MAX), false))
        code = "D3091";
    if (p->has_exponent && p->exponent.len && rate)
        code = "D3092";
    if (p->has_exponent &&
        (!p->exponent.len || count_digits(s, p->exponent, false) != p->exponent.len))
        code = "D3093";
    return code;
}

/* ---- what it asks for ---- */

/* Digits right of each separator, or left of it. Those after the first are looked for
 * in the integer part in either case: jsonata-js. */
static struct groups find_groups(struct arena *a, const struct number_symbols *s,
                                 const struct sub_picture *p, struct units part, bool left)
{
    size_t *digits = ARENA_ARRAY(a, size_t, p->text.len + 1), count = 0;
    size_t at = units_find(part, s->grouping, 0);
    while (at != SIZE_MAX) {
        struct units side = left ? units_slice(part, 0, at) : units_slice(part, at, SIZE_MAX);
        digits[count++] = count_digits(s, side, true);
        at = units_find(p->integer, s->grouping, at + 1);
    }
    return (struct groups){digits, count};
}

static size_t common_divisor(size_t a, size_t b)
{
    while (b) {
        size_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static size_t find_interval(struct groups g)
{
    size_t interval = 0;
    for (size_t i = 0; i < g.count; i++)
        interval = common_divisor(g.digits[i], interval);
    for (size_t k = 1; k <= g.count; k++) {
        size_t i = 0;
        while (i < g.count && g.digits[i] != k * interval)
            i++;
        if (i == g.count)
            return 0;
    }
    return interval;
}

static void measure(const struct number_symbols *s, struct sub_picture *p)
{
    p->integer_min = count_digits(s, p->integer, false);
    p->scale = p->integer_min;
    p->fraction_min = count_digits(s, p->fraction, false);
    p->fraction_max = count_digits(s, p->fraction, true);
    if (!p->integer_min && !p->fraction_max) {
        if (p->has_exponent)
            p->fraction_min = p->fraction_max = 1;
        else
            p->integer_min = 1;
    }
    if (p->has_exponent && !p->integer_min && units_find(p->integer, s->digit, 0) != SIZE_MAX)
        p->integer_min = 1;
    if (!p->integer_min && !p->fraction_min)
        p->fraction_min = 1;
    if (p->has_exponent)
        p->exponent_min = count_digits(s, p->exponent, false);
}

const char *sub_picture_read(struct arena *a, struct units text, const struct number_symbols *s,
                             struct sub_picture *ret_picture)
{
    struct sub_picture p = {.text = text};
    split_parts(s, &p);
    const char *code = check(s, &p);
    if (code)
        return code;
    p.integer_groups = find_groups(a, s, &p, p.integer, false);
    p.fraction_groups = find_groups(a, s, &p, p.fraction, true);
    p.interval = find_interval(p.integer_groups);
    measure(s, &p);
    *ret_picture = p;
    return NULL;
}
