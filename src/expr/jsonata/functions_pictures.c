/* $formatNumber, $formatInteger and $parseInteger. */
#include "expr/jsonata/functions.h"
#include "expr/jsonata/integer_picture.h"
#include "expr/jsonata/number_picture.h"

#include <math.h>

bool jx_fail_picture(struct jx *x, const char *code, struct json what)
{
    if (strcmp(code, PICTURE_TOO_LARGE) != 0)
        return jx_fail_value(x, code, what);
    (void)jx_fail_words(x, code, STR("The picture string, or what it asks for, is too long"));
    x->err.limit = JSONATA_LIMIT_MEMORY;
    return false;
}

static bool call_format_number(struct jx *x, const struct json *args, size_t count,
                               struct json *ret)
{
    *ret = JSON_NONE;
    if (json_is_absent(args[0]))
        return true;
    struct str picture = json_str(args[1]), text;
    struct json options = count > 2 ? args[2] : JSON_NONE;
    /* The rules for pictures compare each character with each. */
    if (!jx_spend(x, 1 + (uint64_t)picture.len * picture.len / 100))
        return false;
    const char *code =
        number_picture_format(x->out, jx_to_double(args[0]), picture, options, &text);
    if (code)
        return jx_fail_picture(x, code, JSON_NONE);
    *ret = json_string(text);
    return true;
}

static bool read_picture(struct jx *x, struct json text, struct integer_picture *ret_picture)
{
    if (!jx_spend(x, 1 + json_str(text).len / 10))
        return false;
    const char *code = integer_picture_read(x->out, json_str(text), ret_picture);
    return code ? jx_fail_picture(x, code, JSON_NONE) : true;
}

static bool call_format_integer(struct jx *x, const struct json *args, UNUSED size_t count,
                                struct json *ret)
{
    struct integer_picture picture;
    struct str text;
    *ret = JSON_NONE;
    if (json_is_absent(args[0]))
        return true;
    if (!read_picture(x, args[1], &picture))
        return false;
    const char *code = integer_format(x->out, floor(jx_to_double(args[0])), &picture, &text);
    if (code)
        return jx_fail_picture(x, code, json_string(picture.token));
    *ret = json_string(text);
    return true;
}

static bool call_parse_integer(struct jx *x, const struct json *args, UNUSED size_t count,
                               struct json *ret)
{
    struct integer_picture picture;
    double value;
    *ret = JSON_NONE;
    if (json_is_absent(args[0]))
        return true;
    if (!read_picture(x, args[1], &picture) || !jx_spend(x, json_str(args[0]).len / 10))
        return false;
    const char *code = integer_parse(x->out, json_str(args[0]), &picture, &value);
    if (code)
        return jx_fail_picture(x, code, json_string(picture.token));
    *ret = jx_number(value);
    return true;
}

static const struct jx_builtin rows[] = {
    {STR_INIT("formatNumber"), "<n-so?:s>", call_format_number, JX_ROW_ALWAYS, 3},
    {STR_INIT("formatInteger"), "<n-s:s>", call_format_integer, JX_ROW_ALWAYS, 2},
    {STR_INIT("parseInteger"), "<s-s:n>", call_parse_integer, JX_ROW_ALWAYS, 2},
};

const struct jx_table jx_table_pictures = {rows, COUNT_OF(rows)};
