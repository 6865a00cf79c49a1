#include "expr/jsonata/date_picture.h"

#include "base/utf8.h"
#include "expr/jsonata/text.h"

#include <math.h>

/* ---- reading pictures ---- */

/* Of a component that stands alone; NULL: there is no such component. */
static const char *default_presentation(char component)
{
    switch (component) {
    case 'F':
    case 'P':
    case 'C':
    case 'E':
        return "n";
    case 'm':
    case 's':
        return "01";
    case 'Z':
    case 'z':
        return "01:01";
    default:
        return component && strchr("YMDdWwXxHhf", component) ? "1" : NULL;
    }
}

static void literal_add(struct arena *a, struct date_picture *p, struct str text)
{
    char *to = arena_alloc_text(a, text.len);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        to[len++] = text.ptr[i];
        i += text.ptr[i] == ']' && i + 1 < text.len && text.ptr[i + 1] == ']';
    }
    if (len)
        p->parts[p->count++] = (struct date_part){.literal = str_of(to, len)};
}

static struct str without_spaces(struct arena *a, struct str text)
{
    char *to = arena_alloc_text(a, text.len);
    size_t len = 0;
    for (size_t at = 0; at < text.len;) {
        size_t space = text_space_at(text, at);
        if (!space)
            to[len++] = text.ptr[at];
        at += space ? space : 1;
    }
    return str_of(to, len);
}

/* 0: none, or none that makes sense. */
static size_t read_width(struct str text)
{
    double width = integer_prefix(text);
    return width > 0 ? (size_t)fmin(width, PICTURE_TEXT_MAX + 1) : 0;
}

struct width {
    size_t min, max;
};

/* Takes ",min-max" off the end of the marker. */
static struct width take_width(struct str *marker)
{
    struct width w = {0};
    size_t comma = str_rfind_char(*marker, ',');
    if (comma == SIZE_MAX)
        return w;
    struct str text = str_slice(*marker, comma + 1, marker->len);
    size_t dash = str_find_char(text, '-');
    w.min = read_width(str_slice(text, 0, dash));
    if (dash != SIZE_MAX)
        w.max = read_width(str_slice(text, dash + 1, text.len));
    *marker = str_slice(*marker, 0, comma);
    return w;
}

static void read_year(struct date_part *part, struct width w)
{
    size_t digits = part->integer.mandatory + part->integer.optional;
    if (w.max) {
        part->year_digits = w.max;
        part->integer.mandatory = w.max;
    } else if (digits >= 2) {
        part->year_digits = digits;
    }
}

static const char *read_integer(struct arena *a, struct date_picture *p, struct date_part *part,
                                struct str presentation, char modifier, struct width w)
{
    struct str text = presentation;
    if (modifier)
        text = arena_printf(a, STR_FMT ";%c", STR_ARG(presentation), modifier);
    const char *code = integer_picture_read(a, text, &part->integer);
    if (code)
        return code;
    part->numbered = true;
    if (part->integer.style == INTEGER_DECIMAL && part->integer.mandatory < w.min)
        part->integer.mandatory = w.min;
    if (part->component == 'Y')
        read_year(part, w);
    /* Two numbers without anything between: the first one's width must be known. */
    struct date_part *before = p->count ? &p->parts[p->count - 1] : NULL;
    if (before && before->numbered && before->integer.style == INTEGER_DECIMAL)
        before->integer.parse_width = before->integer.mandatory;
    return NULL;
}

static enum date_names names_of(struct str presentation)
{
    if (presentation.ptr[0] == 'n')
        return NAMES_LOWER;
    if (presentation.ptr[0] != 'N')
        return NAMES_NONE;
    return presentation.len > 1 && presentation.ptr[1] == 'n' ? NAMES_TITLE : NAMES_UPPER;
}

/* The text between the brackets. */
static const char *read_marker(struct arena *a, struct str marker, struct date_picture *p,
                               struct json *ret_what)
{
    marker = without_spaces(a, marker);
    struct date_part part = {.component = marker.len ? marker.ptr[0] : 0};
    struct width w = take_width(&marker);
    struct str presentation = str_slice(marker, 1, marker.len);
    const char *standard = default_presentation(part.component);
    char modifier = 0;
    if (!standard) {
        size_t first = 0;
        if (marker.len)
            utf8_next(marker, &first);
        *ret_what = json_string(str_slice(marker, 0, first));
        return "D3132";
    }
    if (!presentation.len)
        presentation = str_of_cstr(standard);
    else if (presentation.len > 1 && strchr("atco", presentation.ptr[presentation.len - 1])) {
        modifier = presentation.ptr[presentation.len - 1];
        presentation.len--;
    }
    part.or_z = modifier == 't';
    part.names = names_of(presentation);
    part.width_max = w.max;
    const char *code = NULL;
    if (part.names == NAMES_NONE && strchr("YMDdFWwXxHhmsf", part.component))
        code = read_integer(a, p, &part, presentation, modifier, w);
    if (strchr("Zz", part.component)) {
        part.numbered = true;
        code = integer_picture_read(a, presentation, &part.integer);
    }
    p->parts[p->count++] = part;
    return code;
}

const char *date_picture_read(struct arena *a, struct str text, struct date_picture *ret_picture,
                              struct json *ret_what)
{
    if (text.len > PICTURE_SIZE_MAX)
        return PICTURE_TOO_LARGE;
    struct date_picture p = {ARENA_ARRAY(a, struct date_part, text.len + 1), 0};
    size_t start = 0;
    for (size_t at = 0; at < text.len; at++) {
        if (text.ptr[at] != '[')
            continue;
        literal_add(a, &p, str_slice(text, start, at));
        if (at + 1 < text.len && text.ptr[at + 1] == '[') {
            p.parts[p.count++] = (struct date_part){.literal = STR("[")};
            at++;
            start = at + 1;
            continue;
        }
        size_t length = str_find_char(str_slice(text, at, text.len), ']');
        if (length == SIZE_MAX)
            return "D3135";
        const char *code = read_marker(a, str_slice(text, at + 1, at + length), &p, ret_what);
        if (code)
            return code;
        at += length;
        start = at + 1;
    }
    literal_add(a, &p, str_slice(text, start, text.len));
    *ret_picture = p;
    return NULL;
}
