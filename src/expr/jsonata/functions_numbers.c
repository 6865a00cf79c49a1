#include "base/rng.h"
#include "expr/jsonata/functions.h"
#include "expr/jsonata/number_text.h"

#include <math.h>

size_t jx_number_format(double value, char to[static JX_NUMBER_SIZE])
{
    if (isfinite(value))
        return value == trunc(value) ? json_double_format(value, to)
                                     : json_double_format_15(value, to);
    struct str word = isnan(value) ? STR("NaN") : value < 0 ? STR("-Infinity") : STR("Infinity");
    memcpy(to, word.ptr, word.len);
    return word.len;
}

/* The reference's pattern is 0x... at the beginning, 0o... anywhere or 0b... at the
 * end; of those only whole literals are numbers, the others NaN. */
static bool mentions_radix(struct str text)
{
    static const char hex[] = "0123456789abcdefABCDEF";
    for (size_t i = 0; i + 2 < text.len; i++) {
        if (text.ptr[i] != '0')
            continue;
        char kind = (char)(text.ptr[i + 1] | 32), next = text.ptr[i + 2];
        if (kind == 'x' && i == 0 && next && strchr(hex, next))
            return true;
        if (kind == 'o' && next >= '0' && next <= '7')
            return true;
        size_t end = i + 2;
        while (end < text.len && (text.ptr[end] == '0' || text.ptr[end] == '1'))
            end++;
        if (kind == 'b' && end == text.len)
            return true;
    }
    return false;
}

static bool call_number(struct jx *x, const struct json *args, UNUSED size_t count,
                        struct json *ret)
{
    struct json v = args[0];
    double value;
    if (json_is_absent(v) || json_is_number(v)) {
        *ret = v;
        return true;
    }
    if (json_is_bool(v)) {
        *ret = json_int(json_is_true(v));
        return true;
    }
    if (json_is_string(v) && number_read(json_str(v), &value) && isfinite(value)) {
        *ret = jx_number(value);
        return true;
    }
    if (json_is_string(v) && mentions_radix(json_str(v))) {
        *ret = jx_number(number_read_radix(json_str(v), &value) ? value : NAN);
        return true;
    }
    return jx_fail_value(x, "D3030", v);
}

static bool is_exact(struct json v)
{
    int64_t integer;
    return json_to_int64(v, &integer);
}

static bool call_abs(UNUSED struct jx *x, const struct json *args, UNUSED size_t count,
                     struct json *ret)
{
    int64_t integer;
    if (json_is_absent(args[0]))
        *ret = JSON_NONE;
    else if (json_to_int64(args[0], &integer) && integer != INT64_MIN)
        *ret = json_int(integer < 0 ? -integer : integer);
    else
        *ret = jx_number(fabs(jx_to_double(args[0])));
    return true;
}

static bool call_floor(UNUSED struct jx *x, const struct json *args, UNUSED size_t count,
                       struct json *ret)
{
    bool as_it_is = json_is_absent(args[0]) || is_exact(args[0]);
    *ret = as_it_is ? args[0] : jx_number(floor(jx_to_double(args[0])));
    return true;
}

static bool call_ceil(UNUSED struct jx *x, const struct json *args, UNUSED size_t count,
                      struct json *ret)
{
    bool as_it_is = json_is_absent(args[0]) || is_exact(args[0]);
    *ret = as_it_is ? args[0] : jx_number(ceil(jx_to_double(args[0])));
    return true;
}

static bool call_round(UNUSED struct jx *x, const struct json *args, size_t count, struct json *ret)
{
    double places = count > 1 && !json_is_absent(args[1]) ? jx_to_double(args[1]) : 0;
    bool as_it_is =
        json_is_absent(args[0]) || (is_exact(args[0]) && places >= 0 && places == trunc(places));
    *ret = as_it_is ? args[0] : jx_number(number_round(jx_to_double(args[0]), places));
    return true;
}

static bool call_sqrt(struct jx *x, const struct json *args, UNUSED size_t count, struct json *ret)
{
    *ret = JSON_NONE;
    if (json_is_absent(args[0]))
        return true;
    double value = jx_to_double(args[0]);
    if (value < 0)
        return jx_fail_value(x, "D3060", args[0]);
    *ret = jx_number(sqrt(value));
    return true;
}

/* Where C gives 1, JavaScript gives NaN. */
static double power(double base, double exponent)
{
    if (isnan(exponent) || (fabs(base) == 1 && isinf(exponent)))
        return NAN;
    return pow(base, exponent);
}

static bool call_power(struct jx *x, const struct json *args, UNUSED size_t count, struct json *ret)
{
    *ret = JSON_NONE;
    if (json_is_absent(args[0]))
        return true;
    double exponent = json_is_absent(args[1]) ? NAN : jx_to_double(args[1]);
    double value = power(jx_to_double(args[0]), exponent);
    if (!isfinite(value))
        return jx_fail_value2(x, "D3061", args[0], args[1]);
    *ret = jx_number(value);
    return true;
}

static bool call_random(struct jx *x, UNUSED const struct json *args, UNUSED size_t count,
                        struct json *ret)
{
    *ret = jx_number(rng_double(x->rng));
    return true;
}

static bool call_format_base(struct jx *x, const struct json *args, size_t count, struct json *ret)
{
    *ret = JSON_NONE;
    if (json_is_absent(args[0]))
        return true;
    double radix = count > 1 && !json_is_absent(args[1]) ? jx_to_double(args[1]) : 10;
    radix = number_round(radix, 0);
    if (!(radix >= 2 && radix <= 36))
        return jx_fail_value(x, "D3100", jx_number(radix));
    double value = number_round(jx_to_double(args[0]), 0);
    *ret = json_string(number_in_radix(x->out, value, (int)radix));
    return true;
}

static const struct jx_builtin rows[] = {
    {STR_INIT("number"), "<(nsb)-:n>", call_number, JX_ROW_ALWAYS, 1},
    {STR_INIT("abs"), "<n-:n>", call_abs, JX_ROW_ALWAYS, 1},
    {STR_INIT("floor"), "<n-:n>", call_floor, JX_ROW_ALWAYS, 1},
    {STR_INIT("ceil"), "<n-:n>", call_ceil, JX_ROW_ALWAYS, 1},
    {STR_INIT("round"), "<n-n?:n>", call_round, JX_ROW_ALWAYS, 2},
    {STR_INIT("sqrt"), "<n-:n>", call_sqrt, JX_ROW_ALWAYS, 1},
    {STR_INIT("power"), "<n-n:n>", call_power, JX_ROW_ALWAYS, 2},
    {STR_INIT("random"), "<:n>", call_random, JX_ROW_ALWAYS, 0},
    {STR_INIT("formatBase"), "<n-n?:s>", call_format_base, JX_ROW_ALWAYS, 2},
};

const struct jx_table jx_table_numbers = {rows, COUNT_OF(rows)};
