#include "base/base64.h"
#include "base/utf8.h"
#include "expr/jsonata/functions.h"
#include "expr/jsonata/text.h"

#include <math.h>

enum {
    BYTES_PER_STEP = 1000
};

static bool spend_for(struct jx *x, struct str text)
{
    return jx_spend(x, 1 + text.len / BYTES_PER_STEP);
}

/* The byte where the character with this number begins, from the end when negative. */
static size_t byte_of_character(struct str text, double number)
{
    if (number < 0)
        number = fmax(0, (double)utf8_length(text) + number);
    size_t at = 0;
    for (double i = 1; i <= number && at < text.len; i++)
        utf8_next(text, &at);
    return at;
}

/* As Array.prototype.slice on the characters, so positions are cut towards zero. */
static bool call_substring(struct jx *x, const struct json *args, size_t count, struct json *ret)
{
    *ret = JSON_NONE;
    if (json_is_absent(args[0]))
        return true;
    struct str text = json_str(args[0]);
    if (!spend_for(x, text))
        return false;
    double start = json_is_absent(args[1]) ? 0 : jx_to_double(args[1]);
    double all = (double)utf8_length(text), end = INFINITY;
    if (all + start < 0)
        start = 0;
    if (count > 2 && !json_is_absent(args[2])) {
        double length = jx_to_double(args[2]);
        if (length <= 0) {
            *ret = json_string(STR(""));
            return true;
        }
        end = trunc(start >= 0 ? start + length : all + start + length);
    }
    start = trunc(start);
    size_t from = byte_of_character(text, start);
    size_t to = isinf(end) ? text.len : byte_of_character(text, end);
    *ret = json_string(str_slice(text, from, to > from ? to : from));
    return true;
}

/* The reference looks for an undefined text by the name that it has in JavaScript. */
static struct str needle_of(struct json v)
{
    return json_is_absent(v) ? STR("undefined") : json_str(v);
}

static bool call_substring_before(struct jx *x, const struct json *args, UNUSED size_t count,
                                  struct json *ret)
{
    *ret = args[0];
    if (json_is_absent(args[0]))
        return true;
    struct str text = json_str(args[0]);
    size_t at = str_find(text, needle_of(args[1]));
    if (at != SIZE_MAX)
        *ret = json_string(str_slice(text, 0, at));
    return spend_for(x, text);
}

static bool call_substring_after(struct jx *x, const struct json *args, UNUSED size_t count,
                                 struct json *ret)
{
    *ret = args[0];
    if (json_is_absent(args[0]))
        return true;
    struct str text = json_str(args[0]), found = json_str(args[1]);
    size_t at = str_find(text, found);
    if (at != SIZE_MAX)
        *ret = json_string(str_slice(text, at + found.len, text.len));
    return spend_for(x, text);
}

static bool call_case(struct jx *x, struct json text, struct str (*map)(struct arena *, struct str),
                      struct json *ret)
{
    *ret = JSON_NONE;
    if (json_is_absent(text))
        return true;
    if (!spend_for(x, json_str(text)) || !jx_room(x, json_str(text).len * TEXT_CASE_GROWTH_MAX))
        return false;
    *ret = json_string(map(x->out, json_str(text)));
    return true;
}

static bool call_lowercase(struct jx *x, const struct json *args, UNUSED size_t count,
                           struct json *ret)
{
    return call_case(x, args[0], text_lower, ret);
}

static bool call_uppercase(struct jx *x, const struct json *args, UNUSED size_t count,
                           struct json *ret)
{
    return call_case(x, args[0], text_upper, ret);
}

static bool call_length(struct jx *x, const struct json *args, UNUSED size_t count,
                        struct json *ret)
{
    *ret = JSON_NONE;
    if (json_is_absent(args[0]))
        return true;
    *ret = json_int((int64_t)utf8_length(json_str(args[0])));
    return spend_for(x, json_str(args[0]));
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool call_trim(struct jx *x, const struct json *args, UNUSED size_t count, struct json *ret)
{
    *ret = JSON_NONE;
    if (json_is_absent(args[0]))
        return true;
    struct str text = json_str(args[0]);
    if (!spend_for(x, text) || !jx_room(x, text.len))
        return false;
    char *to = arena_alloc_text(x->out, text.len);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_blank(text.ptr[i]))
            to[len++] = text.ptr[i];
        else if (len && to[len - 1] != ' ')
            to[len++] = ' ';
    }
    if (len && to[len - 1] == ' ')
        len--;
    *ret = json_string(str_of(to, len));
    return true;
}

/* `count` characters of the padding over and over. */
static size_t write_padding(char *to, struct str padding, size_t count)
{
    size_t len = 0, at = 0;
    for (; count > 0; count--) {
        size_t start = at;
        utf8_next(padding, &at);
        memcpy(to + len, padding.ptr + start, at - start);
        len += at - start;
        at = at == padding.len ? 0 : at;
    }
    return len;
}

static bool call_pad(struct jx *x, const struct json *args, size_t count, struct json *ret)
{
    *ret = args[0];
    if (json_is_absent(args[0]))
        return true;
    struct str text = json_str(args[0]), padding = STR(" ");
    if (count > 2 && json_str(args[2]).len)
        padding = json_str(args[2]);
    double width = json_is_absent(args[1]) ? 0 : trunc(jx_to_double(args[1]));
    double missing = fabs(width) - (double)utf8_length(text);
    if (!(missing > 0))
        return true;
    /* What no budget holds is not multiplied out. */
    size_t size = missing > UINT32_MAX ? SIZE_MAX / 2 : text.len + (size_t)missing * 4;
    if (!jx_holds_text(x, text.len + (missing > UINT32_MAX ? UINT32_MAX : (size_t)missing)) ||
        !jx_room(x, size) || !jx_spend(x, (uint64_t)missing / BYTES_PER_STEP))
        return false;
    char *to = arena_alloc_text(x->out, size);
    size_t len = width < 0 ? write_padding(to, padding, (size_t)missing) : 0;
    memcpy(to + len, text.ptr ? text.ptr : "", text.len);
    len += text.len;
    if (width > 0)
        len += write_padding(to + len, padding, (size_t)missing);
    *ret = json_string(str_of(to, len));
    return true;
}

static bool call_join(struct jx *x, const struct json *args, size_t count, struct json *ret)
{
    *ret = JSON_NONE;
    if (json_is_absent(args[0]))
        return true;
    struct str separator = count > 1 ? json_str(args[1]) : (struct str){0};
    size_t items = json_count(args[0]), size = items ? (items - 1) * separator.len : 0;
    if (!jx_spend(x, items))
        return false;
    for (size_t i = 0; i < items; i++)
        size += json_str(json_at(args[0], i)).len;
    if (!jx_holds_text(x, size) || !jx_room(x, size))
        return false;
    char *to = arena_alloc_text(x->out, size);
    size_t len = 0;
    for (size_t i = 0; i < items; i++) {
        struct str parts[] = {i ? separator : (struct str){0}, json_str(json_at(args[0], i))};
        for (size_t k = 0; k < COUNT_OF(parts); k++) {
            memcpy(to + len, parts[k].ptr ? parts[k].ptr : "", parts[k].len);
            len += parts[k].len;
        }
    }
    *ret = json_string(str_of(to, len));
    return true;
}

/* ---- base64, of characters taken as bytes ---- */

/* Halves of pairs count on their own, and of each the low byte. */
static bool call_base64encode(struct jx *x, const struct json *args, UNUSED size_t count,
                              struct json *ret)
{
    *ret = JSON_NONE;
    if (json_is_absent(args[0]))
        return true;
    struct str text = json_str(args[0]);
    if (!spend_for(x, text) || !jx_room(x, text.len * 4))
        return false;
    char *bytes = arena_alloc_text(x->out, text.len);
    size_t len = 0;
    for (size_t at = 0; at < text.len;) {
        uint32_t character = utf8_next(text, &at);
        if (character > 0xffff) {
            character -= 0x10000;
            bytes[len++] = (char)(character >> 10);
        }
        bytes[len++] = (char)character;
    }
    *ret = json_string(base64_encode(x->out, str_of(bytes, len)));
    return true;
}

/* -1: passed over. */
static int base64_value(unsigned char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

struct base64_reader {
    char *to;
    size_t len;
    uint32_t bits;
    int held;
};

/* Of a UTF-16 unit the low byte counts. false: it ends the text. */
static bool base64_take(struct base64_reader *r, uint32_t unit)
{
    unsigned char low = (unsigned char)unit;
    int value = base64_value(low);
    if (value < 0)
        return low != '=';
    r->bits = r->bits << 6 | (uint32_t)value;
    r->held += 6;
    if (r->held >= 8) {
        r->held -= 8;
        r->len += utf8_encode(r->to + r->len, r->bits >> r->held & 0xff);
    }
    return true;
}

/* As Node's Buffer: both alphabets, anything else is passed over, the first = ends it. */
static bool call_base64decode(struct jx *x, const struct json *args, UNUSED size_t count,
                              struct json *ret)
{
    *ret = JSON_NONE;
    if (json_is_absent(args[0]))
        return true;
    struct str text = json_str(args[0]);
    if (!spend_for(x, text) || !jx_room(x, text.len * 2))
        return false;
    struct base64_reader r = {.to = arena_alloc_text(x->out, text.len * 2 + 4)};
    bool more = true;
    for (size_t at = 0; at < text.len && more;) {
        uint32_t character = utf8_next(text, &at);
        if (character > 0xffff)
            more = base64_take(&r, 0xd800 + ((character - 0x10000) >> 10));
        more = more && base64_take(&r, character);
    }
    *ret = json_string(str_of(r.to, r.len));
    return true;
}

static const struct jx_builtin rows[] = {
    {STR_INIT("substring"), "<s-nn?:s>", call_substring, JX_ROW_ALWAYS, 3},
    {STR_INIT("substringBefore"), "<s-s:s>", call_substring_before, JX_ROW_ALWAYS, 2},
    {STR_INIT("substringAfter"), "<s-s:s>", call_substring_after, JX_ROW_ALWAYS, 2},
    {STR_INIT("lowercase"), "<s-:s>", call_lowercase, JX_ROW_ALWAYS, 1},
    {STR_INIT("uppercase"), "<s-:s>", call_uppercase, JX_ROW_ALWAYS, 1},
    {STR_INIT("length"), "<s-:n>", call_length, JX_ROW_ALWAYS, 1},
    {STR_INIT("trim"), "<s-:s>", call_trim, JX_ROW_ALWAYS, 1},
    {STR_INIT("pad"), "<s-ns?:s>", call_pad, JX_ROW_ALWAYS, 3},
    {STR_INIT("join"), "<a<s>s?:s>", call_join, JX_ROW_ALWAYS, 2},
    {STR_INIT("base64encode"), "<s-:s>", call_base64encode, JX_ROW_ALWAYS, 1},
    {STR_INIT("base64decode"), "<s-:s>", call_base64decode, JX_ROW_ALWAYS, 1},
};

const struct jx_table jx_table_text = {rows, COUNT_OF(rows)};
