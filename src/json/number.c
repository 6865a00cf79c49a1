#include "json/json_internal.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A number's text taken apart: the value is the digits, read as an integer,
 * times ten to the exponent. */
struct decimal {
    struct str digits; /* first to last digit that is not 0; may hold the point */
    size_t count;      /* digits in there; 0 for zero */
    int64_t exponent;
    bool negative;
};

/* Beyond this all exponents count as the same. */
static const int64_t exponent_max = 1000000000000000000;

static int64_t exponent_of(const char *at, const char *end)
{
    if (at == end)
        return 0;
    at++; /* the 'e' */
    bool negative = *at == '-';
    if (*at == '-' || *at == '+')
        at++;
    int64_t value = 0;
    for (; at < end && value < exponent_max / 10; at++)
        value = value * 10 + (*at - '0');
    if (at < end)
        value = exponent_max;
    return negative ? -value : value;
}

static struct decimal decimal_of(struct str text)
{
    struct decimal d = {0};
    const char *at = text.ptr, *end = at + text.len;
    d.negative = *at == '-';
    at += d.negative;
    const char *first = NULL, *last = NULL;
    size_t seen = 0, up_to_last = 0, before_first = 0, integer = SIZE_MAX;
    for (; at < end && *at != 'e' && *at != 'E'; at++) {
        if (*at == '.') {
            integer = seen;
            continue;
        }
        seen++;
        if (*at == '0')
            continue;
        if (!first) {
            first = at;
            before_first = seen - 1;
        }
        last = at;
        up_to_last = seen;
    }
    if (!first)
        return d;
    if (integer == SIZE_MAX)
        integer = seen;
    d.digits = str_of(first, (size_t)(last - first) + 1);
    d.count = up_to_last - before_first;
    d.exponent = exponent_of(at, end) + (int64_t)integer - (int64_t)up_to_last;
    return d;
}

static bool decimal_equal(const struct decimal *a, const struct decimal *b)
{
    if (a->count == 0 && b->count == 0)
        return true;
    if (a->negative != b->negative || a->count != b->count || a->exponent != b->exponent)
        return false;
    const char *p = a->digits.ptr, *q = b->digits.ptr;
    for (size_t i = 0; i < a->count; i++) {
        p += *p == '.';
        q += *q == '.';
        if (*p++ != *q++)
            return false;
    }
    return true;
}

static bool decimal_to_int64(const struct decimal *d, int64_t *ret_value)
{
    enum {
        DIGITS_MAX = 19
    };
    if (d->count && (d->exponent < 0 || d->exponent > DIGITS_MAX ||
                     d->count + (size_t)d->exponent > DIGITS_MAX))
        return false;
    uint64_t magnitude = 0; /* nineteen digits fit */
    for (size_t i = 0; i < d->digits.len; i++) {
        if (d->digits.ptr[i] != '.')
            magnitude = magnitude * 10 + (uint64_t)(d->digits.ptr[i] - '0');
    }
    for (int64_t e = d->count ? d->exponent : 0; e > 0; e--)
        magnitude *= 10;
    if (magnitude > (uint64_t)INT64_MAX + d->negative)
        return false;
    *ret_value = (int64_t)(d->negative ? 0 - magnitude : magnitude);
    return true;
}

/* strtod's decimal point is the locale's, so it is given none. Digits after
 * the 800th cannot change the result except as "a little more": a 1 stands for
 * them (767 digits decide between any two doubles). */
static double decimal_by_strtod(const struct decimal *d)
{
    enum {
        DIGITS_MAX = 800,
        EXPONENT_TEXT_SIZE = 32,
        BEYOND_ANY_DOUBLE = 100000
    };
    char text[1 + DIGITS_MAX + 1 + EXPONENT_TEXT_SIZE];
    size_t len = 0, kept = 0;
    if (d->negative)
        text[len++] = '-';
    for (const char *p = d->digits.ptr; kept < d->count && kept < DIGITS_MAX; p++) {
        if (*p != '.') {
            text[len++] = *p;
            kept++;
        }
    }
    int64_t exponent = d->exponent + (int64_t)(d->count - kept);
    if (kept < d->count) {
        text[len++] = '1';
        exponent--;
    }
    if (exponent > BEYOND_ANY_DOUBLE)
        exponent = BEYOND_ANY_DOUBLE;
    if (exponent < -BEYOND_ANY_DOUBLE)
        exponent = -BEYOND_ANY_DOUBLE;
    snprintf(text + len, EXPONENT_TEXT_SIZE, "e%lld", (long long)exponent);
    return strtod(text, NULL);
}

static const double powers_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                       1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                       1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* Exact where both the digits and the power of ten are doubles without
 * rounding (Clinger 1990): then there is one rounding, the right one. */
static double decimal_to_double(const struct decimal *d)
{
    enum {
        DIGITS_MAX = 15,
        POWER_MAX = (int)COUNT_OF(powers_of_ten) - 1
    };
    if (!d->count)
        return d->negative ? -0.0 : 0.0;
    if (d->count > DIGITS_MAX || d->exponent > POWER_MAX || d->exponent < -POWER_MAX)
        return decimal_by_strtod(d);
    int64_t digits = 0;
    for (size_t i = 0; i < d->digits.len; i++) {
        if (d->digits.ptr[i] != '.')
            digits = digits * 10 + (d->digits.ptr[i] - '0');
    }
    double value = (double)(d->negative ? -digits : digits);
    return d->exponent < 0 ? value / powers_of_ten[-d->exponent]
                           : value * powers_of_ten[d->exponent];
}

static struct decimal decimal_of_value(struct json v)
{
    return decimal_of(str_of(v.u.bytes, v.len));
}

double json_to_double(struct json v)
{
    if (v.tag == JSON_TAG_INT)
        return (double)v.u.integer;
    if (v.tag == JSON_TAG_DOUBLE)
        return v.u.real;
    if (v.tag != JSON_TAG_NUMBER_TEXT)
        return 0;
    struct decimal d = decimal_of_value(v);
    return decimal_to_double(&d);
}

bool json_to_int64(struct json v, int64_t *ret_value)
{
    if (v.tag == JSON_TAG_INT) {
        *ret_value = v.u.integer;
        return true;
    }
    if (v.tag == JSON_TAG_DOUBLE) {
        if (!(v.u.real >= -0x1p63 && v.u.real < 0x1p63) || v.u.real != trunc(v.u.real))
            return false;
        *ret_value = (int64_t)v.u.real;
        return true;
    }
    if (v.tag != JSON_TAG_NUMBER_TEXT)
        return false;
    struct decimal d = decimal_of_value(v);
    return decimal_to_int64(&d, ret_value);
}

static bool text_equal(struct json a, struct json b)
{
    if (str_eq(str_of(a.u.bytes, a.len), str_of(b.u.bytes, b.len)))
        return true;
    struct decimal d = decimal_of_value(a), e = decimal_of_value(b);
    return decimal_equal(&d, &e);
}

/* A double equals the texts that read as it, so that what was computed and
 * written equals what is read: 2^62 is written 4611686018427388000. */
bool json_number_equal(struct json a, struct json b)
{
    int64_t x, y;
    if (a.tag == JSON_TAG_NUMBER_TEXT && b.tag == JSON_TAG_NUMBER_TEXT)
        return text_equal(a, b);
    if (a.tag == JSON_TAG_INT || b.tag == JSON_TAG_INT)
        return json_to_int64(a, &x) && json_to_int64(b, &y) && x == y;
    return json_to_double(a) == json_to_double(b);
}

/* ---- computed doubles as text ---- */

enum {
    SHORTEST_MAX = 17
};

/* 0.DIGITS times ten to the point. */
struct shortest {
    char digits[SHORTEST_MAX + 1];
    int count, point;
};

static double shortest_value(const struct shortest *s)
{
    char text[SHORTEST_MAX + 16];
    snprintf(text, sizeof(text), "%.*se%d", s->count, s->digits, s->point - s->count);
    return strtod(text, NULL);
}

static void shortest_trim(struct shortest *s)
{
    while (s->count > 1 && s->digits[s->count - 1] == '0')
        s->count--;
}

/* The nearest number of `count` digits. printf's decimal point is the
 * locale's, so everything that is no digit is passed over. */
static struct shortest shortest_rounded(double value, int count)
{
    struct shortest s = {0};
    char text[SHORTEST_MAX + 16];
    snprintf(text, sizeof(text), "%.*e", count - 1, value);
    const char *p = text;
    for (; *p != 'e'; p++) {
        if (scan_is_digit(*p) && s.count < SHORTEST_MAX)
            s.digits[s.count++] = *p;
    }
    s.point = (int)strtol(p + 1, NULL, 10) + 1;
    return s;
}

/* One unit of the last digit more. */
static void shortest_increment(struct shortest *s)
{
    int i = s->count - 1;
    while (i >= 0 && s->digits[i] == '9')
        s->digits[i--] = '0';
    if (i >= 0) {
        s->digits[i]++;
        return;
    }
    s->digits[0] = '1'; /* 999 became 1000 */
    s->point++;
}

/* Any number of at most 15 digits is its own nearest one, so one try covers all
 * those, but for the smallest doubles, which have fewer digits to tell. At 16 the
 * nearest may fail where the next one up does not: below a power of two doubles
 * lie twice as dense. 17 always read back. */
static struct shortest shortest_of(double value)
{
    int count = value < DBL_MIN ? 1 : 15;
    struct shortest s = shortest_rounded(value, count);
    while (shortest_value(&s) != value && count < SHORTEST_MAX) {
        if (count == 16) {
            shortest_increment(&s);
            if (shortest_value(&s) == value)
                break;
        }
        s = shortest_rounded(value, ++count);
    }
    shortest_trim(&s);
    return s;
}

/* The layout of ECMA-262, Number::toString. */
static size_t shortest_layout(const struct shortest *s, char *to, size_t size)
{
    enum {
        PLAIN_POINT_MAX = 21,
        PLAIN_POINT_MIN = -5
    };
    const char *d = s->digits;
    int n = s->count, point = s->point, len;
    if (point >= n && point <= PLAIN_POINT_MAX)
        len = snprintf(to, size, "%.*s%.*s", n, d, point - n, "000000000000000000000");
    else if (point > 0 && point <= PLAIN_POINT_MAX)
        len = snprintf(to, size, "%.*s.%.*s", point, d, n - point, d + point);
    else if (point <= 0 && point >= PLAIN_POINT_MIN)
        len = snprintf(to, size, "0.%.*s%.*s", -point, "000000", n, d);
    else if (n == 1)
        len = snprintf(to, size, "%ce%+d", d[0], point - 1);
    else
        len = snprintf(to, size, "%c.%.*se%+d", d[0], n - 1, d + 1, point - 1);
    return (size_t)len;
}

static bool is_small_integer(double magnitude)
{
    return magnitude < 0x1p53 && magnitude == trunc(magnitude);
}

static size_t integer_layout(double magnitude, char *to, size_t size)
{
    return (size_t)snprintf(to, size, "%lld", (long long)magnitude);
}

size_t json_double_format(double value, char to[static JSON_DOUBLE_SIZE])
{
    size_t sign = value < 0;
    if (sign)
        to[0] = '-';
    double magnitude = fabs(value);
    if (is_small_integer(magnitude))
        return sign + integer_layout(magnitude, to + sign, JSON_DOUBLE_SIZE - sign);
    struct shortest s = shortest_of(magnitude);
    return sign + shortest_layout(&s, to + sign, JSON_DOUBLE_SIZE - sign);
}

/* Fifteen digits read back as themselves, so their layout needs no second look,
 * but among the smallest doubles, where fewer tell the same number. */
size_t json_double_format_15(double value, char to[static JSON_DOUBLE_SIZE])
{
    enum {
        DIGITS = 15
    };
    double magnitude = fabs(value);
    if (is_small_integer(magnitude) || magnitude < DBL_MIN)
        return json_double_format(value, to);
    size_t sign = value < 0;
    if (sign)
        to[0] = '-';
    struct shortest s = shortest_rounded(magnitude, DIGITS);
    shortest_trim(&s);
    return sign + shortest_layout(&s, to + sign, JSON_DOUBLE_SIZE - sign);
}
