#include "base/utf8.h"
#include "expr/jsonata/integer_picture.h"
#include "expr/jsonata/integer_words.h"
#include "expr/jsonata/number_text.h"
#include "expr/jsonata/text.h"

#include <math.h>

/* Code points, so that positions are characters. */
struct characters {
    uint32_t *at;
    size_t count;
};

/* A separator so many digits from the right. Left of all digits jsonata-js counts from
 * the left again, and loses those before it. */
static void insert_separator(struct characters *c, const struct integer_separator *s)
{
    size_t at = 0;
    if (s->position <= c->count) {
        at = c->count - s->position;
    } else {
        size_t kept = s->position - c->count;
        if (kept < c->count) {
            memmove(c->at, c->at + (c->count - kept), kept * sizeof(*c->at));
            c->count = kept;
        }
    }
    memmove(c->at + at + 1, c->at + at, (c->count - at) * sizeof(*c->at));
    c->at[at] = s->character;
    c->count++;
}

static void insert_separators(struct characters *c, const struct integer_picture *p)
{
    if (!p->interval) {
        for (size_t i = p->separator_count; i-- > 0;)
            insert_separator(c, &p->separators[i]);
        return;
    }
    size_t groups = c->count ? (c->count - 1) / p->interval : 0;
    size_t read = c->count, write = c->count + groups;
    for (size_t taken = 0; read > 0; taken++) {
        if (taken && taken % p->interval == 0)
            c->at[--write] = p->separators[0].character;
        c->at[--write] = c->at[--read];
    }
    c->count += groups;
}

static struct str characters_text(struct arena *a, const struct characters *c, struct str suffix)
{
    char *text = arena_alloc_text(a, c->count * 4 + suffix.len);
    size_t len = 0;
    for (size_t i = 0; i < c->count; i++)
        len += utf8_encode(text + len, c->at[i]);
    memcpy(text + len, suffix.ptr ? suffix.ptr : "", suffix.len);
    return str_of(text, len + suffix.len);
}

static struct str ordinal_suffix(const struct characters *c)
{
    uint32_t last = c->count ? c->at[c->count - 1] : 0;
    if (c->count > 1 && c->at[c->count - 2] == '1')
        return STR("th");
    return last == '1' ? STR("st") : last == '2' ? STR("nd") : last == '3' ? STR("rd") : STR("th");
}

static const char *format_digits(struct arena *a, double value, const struct integer_picture *p,
                                 struct str *ret_text)
{
    struct str digits = number_in_radix(a, value, 10);
    size_t size = p->mandatory > digits.len ? p->mandatory : digits.len;
    size_t capacity = 2 * (size + 1) + p->separator_count;
    if (size > PICTURE_TEXT_MAX || !arena_room(a, capacity * (sizeof(uint32_t) + 4)))
        return PICTURE_TOO_LARGE;
    struct characters c = {ARENA_ARRAY(a, uint32_t, capacity), 0};
    while (c.count + digits.len < p->mandatory)
        c.at[c.count++] = '0';
    for (size_t i = 0; i < digits.len; i++)
        c.at[c.count++] = (unsigned char)digits.ptr[i];
    for (size_t i = 0; i < c.count; i++)
        c.at[i] += p->zero - '0';
    insert_separators(&c, p);
    *ret_text = characters_text(a, &c, p->ordinal ? ordinal_suffix(&c) : STR(""));
    return NULL;
}

static struct str in_case(struct arena *a, struct str text, enum letter_case letters)
{
    switch (letters) {
    case CASE_UPPER:
        return text_upper(a, text);
    case CASE_LOWER:
        return text_lower(a, text);
    case CASE_TITLE:
    default:
        return arena_str(a, text);
    }
}

const char *integer_format(struct arena *a, double value, const struct integer_picture *p,
                           struct str *ret_text)
{
    if (p->style == INTEGER_SEQUENCE)
        return "D3130";
    double magnitude = fabs(value);
    struct buf b = BUF_INIT(0);
    struct str text = {0};
    const char *code = NULL;
    bool huge = !isfinite(value) || (p->style == INTEGER_ROMAN && magnitude > PICTURE_ROMAN_MAX);
    if (p->style == INTEGER_DECIMAL)
        code = format_digits(a, magnitude, p, &text);
    else if (huge)
        code = PICTURE_TOO_LARGE;
    else if (p->style == INTEGER_WORDS)
        integer_words_write(&b, magnitude, p->ordinal);
    else if (p->style == INTEGER_ROMAN)
        integer_roman_write(&b, magnitude);
    else
        integer_letters_write(&b, magnitude, 'a');
    if (!code) {
        if (p->style != INTEGER_DECIMAL)
            text = in_case(a, buf_str(&b), p->letters);
        *ret_text = value < 0 ? arena_printf(a, "-" STR_FMT, STR_ARG(text)) : text;
    }
    buf_release(&b);
    return code;
}

double integer_prefix(struct str text)
{
    size_t at = 0, space;
    while (at < text.len && (space = text_space_at(text, at)) > 0)
        at += space;
    bool negative = at < text.len && text.ptr[at] == '-';
    at += at < text.len && (text.ptr[at] == '-' || text.ptr[at] == '+');
    struct str rest = str_slice(text, at, text.len);
    size_t len = 0;
    double value = NAN;
    if (rest.len > 2 && rest.ptr[0] == '0' && (rest.ptr[1] | 32) == 'x') {
        static const char hex[] = "0123456789abcdefABCDEF";
        for (len = 2; len < rest.len && rest.ptr[len] && strchr(hex, rest.ptr[len]);)
            len++;
        if (!number_read_radix(str_slice(rest, 0, len), &value))
            return NAN;
        return negative ? -value : value;
    }
    while (len < rest.len && rest.ptr[len] >= '0' && rest.ptr[len] <= '9')
        len++;
    if (!number_read(str_slice(rest, 0, len), &value))
        return NAN;
    return negative ? -value : value;
}

static bool is_separator(const struct integer_picture *p, uint32_t character)
{
    if (p->interval)
        return character == ',';
    for (size_t i = 0; i < p->separator_count; i++) {
        if (p->separators[i].character == character)
            return true;
    }
    return false;
}

static double parse_digits(struct arena *a, struct str text, const struct integer_picture *p)
{
    if (p->ordinal) {
        size_t units = text_units(text);
        text = str_slice(text, 0, text_byte_of_unit(text, units < 2 ? 0 : units - 2));
    }
    char *digits = arena_alloc_text(a, text.len);
    size_t len = 0;
    for (size_t at = 0; at < text.len;) {
        uint32_t character = utf8_next(text, &at);
        if (is_separator(p, character))
            continue;
        uint32_t digit = character - p->zero + '0'; /* anything else ends the number */
        digits[len++] = digit < 0x80 ? (char)digit : '?';
    }
    return integer_prefix(str_of(digits, len));
}

const char *integer_parse(struct arena *a, struct str text, const struct integer_picture *p,
                          double *ret_value)
{
    char first = p->letters == CASE_UPPER ? 'A' : 'a';
    if (!arena_room(a, text.len * TEXT_CASE_GROWTH_MAX))
        return PICTURE_TOO_LARGE;
    switch (p->style) {
    case INTEGER_LETTERS:
        *ret_value = integer_letters_read(text, first);
        break;
    case INTEGER_ROMAN:
        *ret_value = integer_roman_read(p->letters == CASE_UPPER ? text : text_upper(a, text));
        break;
    case INTEGER_WORDS:
        *ret_value = integer_words_read(text_lower(a, text));
        break;
    case INTEGER_DECIMAL:
        *ret_value = parse_digits(a, text, p);
        break;
    case INTEGER_SEQUENCE:
    default:
        return "D3130";
    }
    return NULL;
}
