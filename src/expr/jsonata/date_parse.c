#include "expr/jsonata/date_parse.h"

#include "base/buf.h"
#include "base/utf8.h"
#include "expr/jsonata/integer_words.h"
#include "expr/jsonata/number_text.h"
#include "expr/jsonata/regex.h"
#include "expr/jsonata/text.h"

#include <math.h>
#include <stdio.h>

/* ---- the picture as a regular expression ---- */

static void pattern_literal(struct buf *b, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (strchr(".*+?^${}()|[]\\", text.ptr[i]) && text.ptr[i])
            buf_append_char(b, '\\');
        buf_append_char(b, text.ptr[i]);
    }
}

/* What divides hours and minutes; empty: nothing. */
static struct str zone_separator(struct arena *a, const struct integer_picture *p)
{
    if (!p->interval)
        return (struct str){0};
    char *to = arena_alloc_text(a, 4);
    return str_of(to, utf8_encode(to, p->separators[0].character));
}

static void pattern_zone(struct jx *x, struct buf *b, const struct date_part *part)
{
    struct str separator = zone_separator(x->out, &part->integer);
    if (part->component == 'z')
        buf_append(b, STR("GMT"));
    buf_append(b, STR("[-+][0-9]+"));
    if (separator.len) {
        pattern_literal(b, separator);
        buf_append(b, STR("[0-9]+"));
    }
}

static const char *pattern_integer(struct buf *b, const struct integer_picture *p)
{
    switch (p->style) {
    case INTEGER_LETTERS:
        buf_append(b, STR("[a-z]+"));
        return NULL;
    case INTEGER_ROMAN:
        buf_append(b, STR("[mdclxvi]+"));
        return NULL;
    case INTEGER_WORDS:
        integer_words_pattern(b);
        return NULL;
    case INTEGER_DECIMAL:
        buf_append(b, STR("[0-9]"));
        if (p->parse_width)
            buf_printf(b, "{%zu}", p->parse_width);
        else
            buf_append_char(b, '+');
        if (p->ordinal)
            buf_append(b, STR("(?:th|st|nd|rd)"));
        return NULL;
    case INTEGER_SEQUENCE:
    default:
        return "D3130";
    }
}

static const char *pattern_part(struct jx *x, struct buf *b, const struct date_part *part,
                                struct json *ret_what)
{
    if (!part->component) {
        pattern_literal(b, part->literal);
    } else if (part->component == 'Z' || part->component == 'z') {
        pattern_zone(x, b, part);
    } else if (part->component == 'f') {
        buf_append(b, STR("[0-9]+"));
    } else if (part->numbered) {
        const char *code = pattern_integer(b, &part->integer);
        if (code)
            *ret_what = json_string(part->integer.token);
        return code;
    } else if (strchr("MxFP", part->component)) {
        buf_append(b, STR("[a-zA-Z]+"));
    } else {
        *ret_what = json_string_copy(x->out, str_of(&part->component, 1));
        return "D3133";
    }
    return NULL;
}

static const char *compile_picture(struct jx *x, const struct date_picture *picture,
                                   const struct jx_regex **ret_regex, struct json *ret_what)
{
    struct buf b = BUF_INIT(0);
    const char *code = NULL;
    buf_append_char(&b, '^');
    for (size_t i = 0; i < picture->count && !code; i++) {
        buf_append_char(&b, '(');
        code = pattern_part(x, &b, &picture->parts[i], ret_what);
        buf_append_char(&b, ')');
    }
    buf_append_char(&b, '$');
    if (!code && !jx_regex_compile(x->out, buf_str(&b), STR("i"), ret_regex))
        code = PICTURE_TOO_LARGE;
    buf_release(&b);
    return code;
}

/* ---- the values of its parts ---- */

/* Of the components "YMDdFWwXxHhPmsfZz", by their letter. */
struct components {
    double value['z' + 1];
    bool known['z' + 1];
    bool any; /* one stands in the picture, be its value known or not */
};

static bool find_name(struct str text, const char *const *names, size_t count, size_t width,
                      double *ret_value)
{
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        struct str name = str_of_cstr(names[i]);
        if (str_eq(text, width ? str_slice(name, 0, width) : name)) {
            *ret_value = (double)i + 1;
            found = true; /* the last of those shortened to the same */
        }
    }
    return found;
}

static bool read_name(struct str text, const struct date_part *part, double *ret_value)
{
    switch (part->component) {
    case 'F':
        return find_name(text, date_days, COUNT_OF(date_days), part->width_max, ret_value);
    case 'P':
        *ret_value = str_eq(text, STR("pm")) || str_eq(text, STR("PM"));
        return *ret_value == 1 || str_eq(text, STR("am")) || str_eq(text, STR("AM"));
    default:
        return find_name(text, date_months, COUNT_OF(date_months), part->width_max, ret_value);
    }
}

/* Minutes. The minutes of "-05:30" count eastwards, as in jsonata-js. */
static double read_zone(struct jx *x, struct str text, const struct date_part *part)
{
    struct str separator = zone_separator(x->out, &part->integer);
    if (part->component == 'z')
        text = str_slice(text, 3, text.len);
    size_t hours = text.len <= 3 ? text.len : 3, minutes = hours;
    if (separator.len) {
        hours = str_find(text, separator);
        minutes = hours == SIZE_MAX ? hours : hours + separator.len;
    }
    double value = integer_prefix(str_slice(text, 0, hours)) * 60;
    if (minutes < text.len)
        value += integer_prefix(str_slice(text, minutes, text.len));
    return value;
}

static double read_fraction(struct str text)
{
    double value = 0;
    char digits[] = "0.000";
    for (size_t i = 0; i < 3 && i < text.len; i++)
        digits[2 + i] = text.ptr[i];
    return number_read(str_of_cstr(digits), &value) ? value * 1000 : NAN;
}

static const char *read_part(struct jx *x, struct str text, const struct date_part *part,
                             struct components *c)
{
    size_t i = (unsigned char)part->component;
    const char *code = NULL;
    bool known = true;
    if (part->component == 'Z' || part->component == 'z')
        c->value[i] = read_zone(x, text, part);
    else if (part->component == 'f')
        c->value[i] = read_fraction(text);
    else if (part->numbered)
        code = integer_parse(x->out, text, &part->integer, &c->value[i]);
    else
        known = read_name(text, part, &c->value[i]);
    c->known[i] = known;
    c->any = true;
    return code;
}

static bool read_parts(struct jx *x, struct str text, const struct date_picture *picture,
                       const struct jx_regex *regex, struct components *c, const char **ret_code)
{
    bool found;
    struct jx_matcher m = jx_matcher_open(x, regex, text);
    bool ok = jx_matcher_next(&m, &found);
    for (size_t i = 0; ok && found && !*ret_code && i < picture->count; i++) {
        if (picture->parts[i].component)
            *ret_code = read_part(x, jx_matcher_group(&m, i + 1), &picture->parts[i], c);
    }
    jx_matcher_close(&m);
    return ok;
}

/* ---- the time they say ---- */

/* A component that is zero does not count. */
static bool has_any(const struct components *c, const char *these)
{
    for (const char *p = these; *p; p++) {
        size_t i = (unsigned char)*p;
        if (c->known[i] && c->value[i] != 0 && !isnan(c->value[i]))
            return true;
    }
    return false;
}

static bool is_kind(const struct components *c, const char *these, const char *others)
{
    return has_any(c, these) && !has_any(c, others);
}

/* Left of what is given the present time, right of it the beginning; no gaps. */
static bool fill_in(const struct jx *x, const char *order, struct components *c)
{
    bool begun = false, ended = false;
    for (const char *p = order; *p; p++) {
        size_t i = (unsigned char)*p;
        if (c->known[i]) {
            if (ended)
                return false;
            begun = true;
            continue;
        }
        ended = begun;
        if (begun)
            c->value[i] = strchr("MDd", *p) ? 1 : 0;
        else if (*p != 'P') /* half a day is not taken over: it would be the morning */
            c->value[i] = date_component((double)x->now.ms, *p);
        c->known[i] = true;
    }
    return true;
}

/* The day of the year as a month and a day. */
static void from_day_of_year(const struct components *c, struct date_fields *f)
{
    struct date_fields first = {.year = c->value['Y'], .day = 1};
    double ms = date_utc(&first) + (c->value['d'] - 1) * 86400000;
    f->month = date_component(ms, 'M') - 1;
    f->day = date_component(ms, 'D');
}

static const char *time_of(const struct jx *x, struct components *c, double *ret_ms)
{
    static const char *const dates[] = {"YMD", "YD", "XxwF", "XWF"};
    bool a = is_kind(c, "YMD", "XxWwd"), b = !a && is_kind(c, "Yd", "XMxWwD");
    bool month_weeks = is_kind(c, "Xxw", "YMWdD");
    bool year_weeks = !month_weeks && is_kind(c, "XW", "YMxwdD");
    bool half = !is_kind(c, "Hmsf", "Ph") && is_kind(c, "Phmsf", "H");
    char order[16];
    size_t kind = b ? 1 : month_weeks ? 2 : year_weeks ? 3 : 0;
    snprintf(order, sizeof(order), "%s%s", dates[kind], half ? "Phmsf" : "Hmsf");
    if (!fill_in(x, order, c) || month_weeks || year_weeks)
        return "D3136";
    double month = c->value['M'];
    struct date_fields f = {.year = c->value['Y'],
                            .month = c->known['M'] && month > 0 ? month - 1 : 0,
                            .day = c->value['D'],
                            .hour = c->value['H'],
                            .minute = c->value['m'],
                            .second = c->value['s'],
                            .ms = c->value['f']};
    if (b)
        from_day_of_year(c, &f);
    if (half)
        f.hour = (c->value['h'] == 12 ? 0 : c->value['h']) + (c->value['P'] == 1 ? 12 : 0);
    double ms = date_utc(&f), zone = c->value['Z'];
    if (!c->known['Z'] || zone == 0 || isnan(zone))
        zone = c->known['z'] ? c->value['z'] : 0;
    *ret_ms = ms - zone * 60000;
    return NULL;
}

bool date_parse(struct jx *x, struct str text, const struct date_picture *picture, bool *ret_found,
                double *ret_ms, const char **ret_code, struct json *ret_what)
{
    const struct jx_regex *regex = NULL;
    struct components c = {0};
    *ret_found = false;
    *ret_code = compile_picture(x, picture, &regex, ret_what);
    if (*ret_code)
        return true;
    if (!jx_spend(x, 1 + picture->count) || !read_parts(x, text, picture, regex, &c, ret_code))
        return false;
    if (*ret_code || !c.any)
        return true;
    *ret_code = time_of(x, &c, ret_ms);
    *ret_found = !*ret_code;
    return true;
}
