/* $fromMillis and $toMillis; $now with a picture is the first of them. */
#include "expr/jsonata/date_parse.h"
#include "expr/jsonata/functions.h"

static bool write_date(struct jx *x, double ms, struct json picture_text, struct json zone,
                       struct json *ret)
{
    struct date_picture picture;
    struct str text = json_is_string(picture_text) ? json_str(picture_text) : DATE_PICTURE_ISO;
    struct json what = JSON_NONE;
    if (!jx_spend(x, 1 + text.len / 10))
        return false;
    const char *code = date_picture_read(x->out, text, &picture, &what);
    struct date_zone offset = {0};
    if (json_is_string(zone))
        offset = date_zone_read(json_str(zone));
    struct str written = STR("");
    if (!code)
        code = date_format(x->out, ms, offset, &picture, &written, &what);
    if (code)
        return jx_fail_picture(x, code, what);
    *ret = json_string(written);
    return true;
}

static bool call_from_millis(struct jx *x, const struct json *args, size_t count, struct json *ret)
{
    *ret = JSON_NONE;
    if (json_is_absent(args[0]))
        return true;
    struct json picture = count > 1 ? args[1] : JSON_NONE, zone = count > 2 ? args[2] : JSON_NONE;
    return write_date(x, jx_to_double(args[0]), picture, zone, ret);
}

static bool call_to_millis(struct jx *x, const struct json *args, size_t count, struct json *ret)
{
    double ms = 0;
    *ret = JSON_NONE;
    if (json_is_absent(args[0]))
        return true;
    if (count < 2 || json_is_absent(args[1])) {
        if (!date_parse_iso(json_str(args[0]), &ms))
            return jx_fail_value(x, "D3110", args[0]);
        *ret = jx_number(ms);
        return true;
    }
    struct date_picture picture;
    struct json what = JSON_NONE;
    const char *code = date_picture_read(x->out, json_str(args[1]), &picture, &what);
    bool found = false;
    if (!code && !date_parse(x, json_str(args[0]), &picture, &found, &ms, &code, &what))
        return false;
    if (code)
        return jx_fail_picture(x, code, what);
    if (found)
        *ret = jx_number(ms);
    return true;
}

static const struct jx_builtin rows[] = {
    {STR_INIT("fromMillis"), "<n-s?s?:s>", call_from_millis, JX_ROW_ALWAYS, 3},
    {STR_INIT("toMillis"), "<s-s?:n>", call_to_millis, JX_ROW_ALWAYS, 2},
};

const struct jx_table jx_table_dates = {rows, COUNT_OF(rows)};
