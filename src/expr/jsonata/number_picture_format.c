#include "expr/jsonata/integer_picture.h"
#include "expr/jsonata/number_picture_internal.h"
#include "expr/jsonata/number_text.h"

#include <math.h>

static struct units symbol(struct arena *a, struct json options, const char *name,
                           const char *usual)
{
    struct str own = json_str(json_get(options, str_of_cstr(name)));
    return units_of(a, own.len ? own : str_of_cstr(usual));
}

static struct number_symbols symbols_of(struct arena *a, struct json options)
{
    return (struct number_symbols){
        .decimal = symbol(a, options, "decimal-separator", "."),
        .grouping = symbol(a, options, "grouping-separator", ","),
        .exponent = symbol(a, options, "exponent-separator", "e"),
        .minus = symbol(a, options, "minus-sign", "-"),
        .percent = symbol(a, options, "percent", "%"),
        .per_mille = symbol(a, options, "per-mille", "\xe2\x80\xb0"),
        .zero = symbol(a, options, "zero-digit", "0"),
        .digit = symbol(a, options, "digit", "#"),
        .pattern = symbol(a, options, "pattern-separator", ";"),
    };
}

static void append(struct arena *a, struct units *u, struct units what)
{
    units_insert(a, u, u->len, what);
}

/* Digits in the family, the rest as it is. */
static struct units digits_of(struct arena *a, const struct number_symbols *s, double value,
                              size_t places)
{
    struct units u = units_of(a, number_fixed(a, fabs(value), places));
    for (size_t i = 0; i < u.len; i++) {
        if (u.at[i] >= '0' && u.at[i] <= '9')
            u.at[i] = (uint16_t)(u.at[i] + s->zero.at[0] - '0');
    }
    return u;
}

/* With the decimal separator, without zeros at either end. */
static struct units trimmed_digits(struct arena *a, const struct number_symbols *s, double value,
                                   size_t places)
{
    struct units written = digits_of(a, s, value, places), u = {0};
    uint16_t point = '.';
    size_t at = units_find(written, (struct units){&point, 1, 0}, 0);
    append(a, &u, units_slice(written, 0, at));
    append(a, &u, s->decimal);
    if (at != SIZE_MAX)
        append(a, &u, units_slice(written, at + 1, SIZE_MAX));
    size_t from = 0, to = u.len;
    while (from < to && units_is(u, from, s->zero))
        from++;
    while (to > from && units_is(u, to - 1, s->zero))
        to--;
    struct units trimmed = {0};
    append(a, &trimmed, units_slice(u, from, to));
    return trimmed;
}

static void pad(struct arena *a, struct units *u, size_t at, struct units zero, size_t count)
{
    for (; count > 0; count--)
        units_insert(a, u, at, zero);
}

/* A place left of the text counts from its end, as in JavaScript's slice. */
static size_t slice_place(const struct units *u, size_t at, size_t back)
{
    if (back <= at)
        return at - back;
    return back - at < u->len ? u->len - (back - at) : 0;
}

static void group_integer(struct arena *a, const struct number_symbols *s,
                          const struct sub_picture *p, struct units *u)
{
    size_t decimal = units_find(*u, s->decimal, 0);
    if (decimal == SIZE_MAX)
        return;
    if (!p->interval) {
        for (size_t i = 0; i < p->integer_groups.count; i++, decimal++)
            units_insert(a, u, slice_place(u, decimal, p->integer_groups.digits[i]), s->grouping);
        return;
    }
    for (size_t back = p->interval; back < decimal; back += p->interval)
        units_insert(a, u, decimal - back, s->grouping);
}

static void group_fraction(struct arena *a, const struct number_symbols *s,
                           const struct sub_picture *p, struct units *u)
{
    size_t decimal = units_find(*u, s->decimal, 0);
    if (decimal == SIZE_MAX)
        return;
    for (size_t i = 0; i < p->fraction_groups.count; i++) {
        size_t at = decimal + 1 + p->fraction_groups.digits[i];
        units_insert(a, u, at < u->len ? at : u->len, s->grouping);
    }
}

/* Brings the mantissa to as many digits before the point as the picture has. */
static double take_exponent(const struct sub_picture *p, double *mantissa)
{
    double most = pow(10, (double)p->scale), least = pow(10, (double)p->scale - 1), exponent = 0;
    if (*mantissa == 0)
        return 0;
    for (; fabs(*mantissa) < least; exponent--)
        *mantissa *= 10;
    for (; isfinite(*mantissa) && fabs(*mantissa) > most; exponent++)
        *mantissa /= 10;
    return exponent;
}

static void write_exponent(struct arena *a, const struct number_symbols *s,
                           const struct sub_picture *p, double exponent, struct units *u)
{
    struct units digits = digits_of(a, s, exponent, 0);
    append(a, u, s->exponent);
    if (exponent < 0)
        append(a, u, s->minus);
    if (digits.len < p->exponent_min)
        pad(a, u, u->len, s->zero, p->exponent_min - digits.len);
    append(a, u, digits);
}

static struct units write_number(struct arena *a, const struct number_symbols *s,
                                 const struct sub_picture *p, double value)
{
    double exponent = p->exponent_min ? take_exponent(p, &value) : 0;
    double rounded = number_round(value, (double)p->fraction_max);
    struct units u = trimmed_digits(a, s, rounded, p->fraction_max);
    size_t decimal = units_find(u, s->decimal, 0);
    size_t before = decimal == SIZE_MAX ? u.len : decimal;
    size_t after = decimal == SIZE_MAX ? 0 : u.len - decimal - 1;
    if (after < p->fraction_min)
        pad(a, &u, u.len, s->zero, p->fraction_min - after);
    if (before < p->integer_min)
        pad(a, &u, 0, s->zero, p->integer_min - before);
    group_integer(a, s, p, &u);
    group_fraction(a, s, p, &u);
    decimal = units_find(u, s->decimal, 0);
    if (units_find(p->text, s->decimal, 0) == SIZE_MAX || decimal == u.len - 1)
        u.len -= u.len > 0;
    if (p->exponent_min)
        write_exponent(a, s, p, exponent, &u);
    return u;
}

/* Up to two sub-pictures. */
static const char *read_pictures(struct arena *a, struct units text, const struct number_symbols *s,
                                 struct sub_picture pictures[static 2], size_t *ret_count)
{
    size_t count = 0, start = 0, end;
    struct units parts[2];
    do {
        end = units_find(text, s->pattern, start);
        if (count == 2)
            return "D3080";
        parts[count++] = units_slice(text, start, end);
        start = end + s->pattern.len;
    } while (end != SIZE_MAX);
    *ret_count = count;
    for (size_t i = 0; i < count; i++) {
        const char *code = sub_picture_read(a, parts[i], s, &pictures[i]);
        if (code)
            return code;
    }
    return NULL;
}

const char *number_picture_format(struct arena *a, double value, struct str picture,
                                  struct json options, struct str *ret_text)
{
    if (picture.len > PICTURE_SIZE_MAX)
        return PICTURE_TOO_LARGE;
    struct number_symbols s = symbols_of(a, options);
    struct sub_picture pictures[2];
    size_t count;
    const char *code = read_pictures(a, units_of(a, picture), &s, pictures, &count);
    if (code)
        return code;
    bool second = !(value >= 0);
    const struct sub_picture *p = &pictures[second && count == 2];
    if (units_find(p->text, s.percent, 0) != SIZE_MAX)
        value *= 100;
    else if (units_find(p->text, s.per_mille, 0) != SIZE_MAX)
        value *= 1000;
    struct units written = {0};
    if (second && count == 1)
        append(a, &written, s.minus);
    append(a, &written, p->prefix);
    append(a, &written, write_number(a, &s, p, value));
    append(a, &written, p->suffix);
    *ret_text = units_text(a, written);
    return NULL;
}
