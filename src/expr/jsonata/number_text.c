#include "expr/jsonata/number_text.h"

#include <math.h>
#include <stdio.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t digits_from(struct str text, size_t at)
{
    size_t end = at;
    while (end < text.len && is_digit(text.ptr[end]))
        end++;
    return end - at;
}

/* Where JSON's number begins in it: zeros may lead here, but not there. SIZE_MAX:
 * it is no number. */
static size_t number_zeros(struct str text)
{
    size_t at = text.len && text.ptr[0] == '-', first = at;
    size_t digits = digits_from(text, at), zeros = 0;
    if (!digits)
        return SIZE_MAX;
    while (zeros + 1 < digits && text.ptr[first + zeros] == '0')
        zeros++;
    at += digits;
    if (at < text.len && text.ptr[at] == '.') {
        digits = digits_from(text, at + 1);
        if (!digits)
            return SIZE_MAX;
        at += 1 + digits;
    }
    if (at < text.len && (text.ptr[at] == 'e' || text.ptr[at] == 'E')) {
        at++;
        at += at < text.len && (text.ptr[at] == '-' || text.ptr[at] == '+');
        digits = digits_from(text, at);
        if (!digits)
            return SIZE_MAX;
        at += digits;
    }
    return at == text.len ? first + zeros : SIZE_MAX;
}

bool number_read(struct str text, double *ret_value)
{
    size_t from = number_zeros(text);
    if (from == SIZE_MAX)
        return false;
    double magnitude = json_to_double(json_number_text(str_slice(text, from, text.len)));
    *ret_value = text.ptr[0] == '-' ? -magnitude : magnitude;
    return true;
}

static int digit_value(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'Z' ? c - 'A' + 10 : 99;
}

/* Bits beyond those a double holds count as "a little more". */
static bool radix_digits(struct str digits, int bits, double *ret_value)
{
    uint64_t value = 0;
    int dropped = 0;
    for (size_t i = 0; i < digits.len; i++) {
        int digit = digit_value(digits.ptr[i]);
        if (digit >= 1 << bits)
            return false;
        if (value >> (64 - bits)) {
            value |= digit != 0;
            dropped += dropped < 10000 ? bits : 0;
        } else {
            value = value << bits | (uint64_t)digit;
        }
    }
    *ret_value = ldexp((double)value, dropped);
    return digits.len > 0;
}

bool number_read_radix(struct str text, double *ret_value)
{
    text = str_trim(text);
    if (text.len < 3 || text.ptr[0] != '0')
        return false;
    struct str digits = str_slice(text, 2, text.len);
    switch (text.ptr[1]) {
    case 'x':
    case 'X':
        return radix_digits(digits, 4, ret_value);
    case 'o':
    case 'O':
        return radix_digits(digits, 3, ret_value);
    case 'b':
    case 'B':
        return radix_digits(digits, 1, ret_value);
    default:
        return false;
    }
}

double number_shift(double value, double places)
{
    enum {
        PLACES_MAX = 100000
    };
    if (!isfinite(value) || places != trunc(places))
        return NAN;
    if (fabs(places) > PLACES_MAX)
        places = places < 0 ? -PLACES_MAX : PLACES_MAX;
    char text[JSON_DOUBLE_SIZE + 16];
    size_t len = json_double_format(value, text);
    long long exponent = (long long)places;
    for (size_t i = 0; i < len; i++) {
        int64_t own = 0;
        bool negative = text[i] == 'e' && text[i + 1] == '-';
        if (text[i] != 'e')
            continue;
        if (str_to_int64(str_of(text + i + 2, len - i - 2), &own))
            exponent += negative ? -own : own;
        len = i;
    }
    len += (size_t)snprintf(text + len, sizeof(text) - len, "e%lld", exponent);
    double shifted = NAN;
    return number_read(str_of(text, len), &shifted) ? shifted : NAN;
}

double number_round(double value, double places)
{
    bool shift = places != 0 && !isnan(places);
    if (shift)
        value = number_shift(value, places);
    double below = floor(value), over = value - below;
    double result = over > 0.5 || (over == 0.5 && fmod(below, 2) != 0) ? below + 1 : below;
    if (isnan(value) || isinf(value))
        result = value;
    if (shift)
        result = number_shift(result, -places);
    return result == 0 ? 0 : result;
}

struct str number_fixed(struct arena *a, double value, size_t places)
{
    enum {
        INTEGER_DIGITS_MAX = 320
    };
    if (value >= 1e21) {
        char text[JSON_DOUBLE_SIZE];
        size_t len = isfinite(value) ? json_double_format(value, text) : 0;
        return len ? arena_str(a, str_of(text, len)) : STR("Infinity");
    }
    if (isnan(value))
        return STR("NaN");
    size_t size = INTEGER_DIGITS_MAX + places;
    char *text = arena_alloc_text(a, size);
    size_t len = (size_t)snprintf(text, size, "%.*f", (int)places, value);
    for (size_t i = 0; i < len; i++) {
        if (!is_digit(text[i]))
            text[i] = '.'; /* the locale's point */
    }
    return str_of(text, len);
}

/* As V8: digits that a double does not hold are written 0. */
struct str number_in_radix(struct arena *a, double value, int radix)
{
    enum {
        DIGITS_MAX = 1100
    };
    if (isnan(value))
        return STR("NaN");
    if (isinf(value))
        return value < 0 ? STR("-Infinity") : STR("Infinity");
    char text[DIGITS_MAX];
    if (radix == 10) {
        size_t len = json_double_format(value, text);
        return arena_str(a, str_of(text, len));
    }
    size_t at = DIGITS_MAX;
    double rest = fabs(value);
    while (rest >= 0x1p53 * radix) {
        rest /= radix;
        text[--at] = '0';
    }
    do {
        double digit = fmod(rest, radix);
        text[--at] = "0123456789abcdefghijklmnopqrstuvwxyz"[(int)digit];
        rest = (rest - digit) / radix;
    } while (rest > 0);
    if (value < 0)
        text[--at] = '-';
    return arena_str(a, str_of(text + at, DIGITS_MAX - at));
}
