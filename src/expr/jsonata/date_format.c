#include "base/buf.h"
#include "expr/jsonata/date_picture.h"
#include "expr/jsonata/text.h"

#include <math.h>

enum {
    MS_PER_MINUTE = 60000,
    MINUTES_PER_HOUR = 60
};

/* Rounding down the hours of a negative number is jsonata-js's own arithmetic: "-0530"
 * is -6 hours and -30 minutes. */
struct date_zone date_zone_read(struct str text)
{
    double offset = text.len ? integer_prefix(text) : 0;
    return (struct date_zone){floor(offset / 100), fmod(offset, 100)};
}

static void append_cased(struct arena *a, struct buf *b, struct str text, enum date_names names)
{
    if (names == NAMES_UPPER)
        text = text_upper(a, text);
    else if (names == NAMES_LOWER)
        text = text_lower(a, text);
    buf_append(b, text);
}

static const char *write_name(struct arena *a, struct buf *b, double value,
                              const struct date_part *part, struct json *ret_what)
{
    const char *name;
    bool month = part->component == 'M' || part->component == 'x';
    if ((!month && part->component != 'F') || isnan(value)) {
        *ret_what = json_string_copy(a, str_of(&part->component, 1));
        return "D3133";
    }
    name = month ? date_months[(int)value - 1] : date_days[(int)value - 1];
    struct str text = str_of_cstr(name);
    if (part->width_max)
        text = str_slice(text, 0, part->width_max);
    append_cased(a, b, text, part->names);
    return NULL;
}

static const char *write_integer(struct arena *a, struct buf *b, double value,
                                 const struct integer_picture *picture, struct json *ret_what)
{
    struct str text;
    const char *code = integer_format(a, value, picture, &text);
    if (!code)
        buf_append(b, text);
    else if (picture->style == INTEGER_SEQUENCE)
        *ret_what = json_string(picture->token);
    return code;
}

static const char *write_minutes(struct arena *a, struct buf *b, double minutes,
                                 struct json *ret_what)
{
    struct integer_picture two = {0};
    const char *code = integer_picture_read(a, STR("00"), &two);
    buf_append_char(b, ':');
    return code ? code : write_integer(a, b, minutes, &two, ret_what);
}

static const char *write_zone(struct arena *a, struct buf *b, struct date_zone zone,
                              const struct date_part *part, struct json *ret_what)
{
    double offset = zone.hours * 100 + zone.minutes;
    size_t digits = part->integer.mandatory;
    if (offset == 0 && part->or_z) {
        buf_append_char(b, 'Z');
        return NULL;
    }
    bool whole = part->integer.interval || digits == 3 || digits == 4;
    if (!whole && digits != 1 && digits != 2) {
        *ret_what = json_int((int64_t)digits);
        return "D3134";
    }
    if (part->component == 'z')
        buf_append(b, STR("GMT"));
    if (offset >= 0)
        buf_append_char(b, '+');
    const char *code = write_integer(a, b, whole ? offset : zone.hours, &part->integer, ret_what);
    if (!code && !whole && zone.minutes != 0)
        code = write_minutes(a, b, zone.minutes, ret_what);
    return code;
}

static const char *write_part(struct arena *a, struct buf *b, double ms, struct date_zone zone,
                              const struct date_part *part, struct json *ret_what)
{
    double value;
    switch (part->component) {
    case 0:
        buf_append(b, part->literal);
        return NULL;
    case 'Z':
    case 'z':
        return write_zone(a, b, zone, part, ret_what);
    case 'C':
    case 'E':
        buf_append(b, STR("ISO"));
        return NULL;
    case 'P':
        value = date_component(ms, 'P');
        append_cased(a, b, value == 1 ? STR("pm") : STR("am"),
                     part->names == NAMES_UPPER ? NAMES_UPPER : NAMES_LOWER);
        return NULL;
    default:
        value = date_component(ms, part->component);
        if (part->year_digits)
            value = fmod(value, pow(10, (double)part->year_digits));
        return part->names ? write_name(a, b, value, part, ret_what)
                           : write_integer(a, b, value, &part->integer, ret_what);
    }
}

const char *date_format(struct arena *a, double ms, struct date_zone zone,
                        const struct date_picture *picture, struct str *ret_text,
                        struct json *ret_what)
{
    struct buf b = BUF_INIT(0);
    const char *code = NULL;
    ms += (MINUTES_PER_HOUR * zone.hours + zone.minutes) * MS_PER_MINUTE;
    for (size_t i = 0; i < picture->count && !code; i++) {
        code = write_part(a, &b, ms, zone, &picture->parts[i], ret_what);
        if (b.len > PICTURE_TEXT_MAX)
            code = PICTURE_TOO_LARGE;
    }
    if (!code)
        *ret_text = arena_str(a, buf_str(&b));
    buf_release(&b);
    return code;
}
