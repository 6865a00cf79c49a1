/* encodeURI, encodeURIComponent and their opposites, as ECMA-262 has them. */
#include "base/utf8.h"
#include "expr/jsonata/functions.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
static const char marks[] = "-_.!~*'()";
static const char reserved[] = ";/?:@&=+$,#";

static bool is_one_of(char c, const char *set)
{
    return c && strchr(set, c);
}

static bool encode(struct jx *x, struct json text, const char *also_kept, struct json *ret)
{
    struct str in = json_str(text);
    *ret = JSON_NONE;
    if (json_is_absent(text))
        return true;
    if (utf8_valid_up_to(in) != in.len)
        return jx_fail_value(x, "D3140", text);
    if (!jx_spend(x, 1 + in.len / 100) || !jx_room(x, in.len * 3))
        return false;
    char *to = arena_alloc_text(x->out, in.len * 3);
    size_t len = 0;
    for (size_t i = 0; i < in.len; i++) {
        unsigned char c = (unsigned char)in.ptr[i];
        if (is_one_of(in.ptr[i], letters) || is_one_of(in.ptr[i], marks) ||
            is_one_of(in.ptr[i], also_kept)) {
            to[len++] = in.ptr[i];
            continue;
        }
        to[len++] = '%';
        to[len++] = "0123456789ABCDEF"[c >> 4];
        to[len++] = "0123456789ABCDEF"[c & 15];
    }
    *ret = json_string(str_of(to, len));
    return true;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte of "%xx" at this place; -1: there is none. */
static int escaped_byte(struct str text, size_t at)
{
    if (at + 2 >= text.len || text.ptr[at] != '%')
        return -1;
    int high = hex_value(text.ptr[at + 1]), low = hex_value(text.ptr[at + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Takes the escapes of one character at *at; 0: they are not one. */
static size_t take_character(struct str text, size_t *at, char to[static 4])
{
    int first = escaped_byte(text, *at);
    if (first < 0)
        return 0;
    size_t size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    for (size_t i = 0; i < size; i++) {
        int byte = escaped_byte(text, *at + 3 * i);
        if (byte < 0)
            return 0;
        to[i] = (char)byte;
    }
    *at += 3 * size;
    return utf8_valid_up_to(str_of(to, size)) == size ? size : 0;
}

static bool decode(struct jx *x, struct json text, const char *kept, struct json *ret)
{
    struct str in = json_str(text);
    *ret = JSON_NONE;
    if (json_is_absent(text))
        return true;
    if (!jx_spend(x, 1 + in.len / 100) || !jx_room(x, in.len + 4))
        return false;
    char *to = arena_alloc_text(x->out, in.len + 4);
    size_t len = 0;
    for (size_t at = 0; at < in.len;) {
        size_t start = at;
        if (in.ptr[at] != '%') {
            to[len++] = in.ptr[at++];
            continue;
        }
        size_t size = take_character(in, &at, to + len);
        if (!size)
            return jx_fail_value(x, "D3140", text);
        if (size == 1 && is_one_of(to[len], kept)) {
            memcpy(to + len, in.ptr + start, 3);
            size = 3;
        }
        len += size;
    }
    *ret = json_string(str_of(to, len));
    return true;
}

static bool call_encode_component(struct jx *x, const struct json *args, UNUSED size_t count,
                                  struct json *ret)
{
    return encode(x, args[0], "", ret);
}

static bool call_encode(struct jx *x, const struct json *args, UNUSED size_t count,
                        struct json *ret)
{
    return encode(x, args[0], reserved, ret);
}

static bool call_decode_component(struct jx *x, const struct json *args, UNUSED size_t count,
                                  struct json *ret)
{
    return decode(x, args[0], "", ret);
}

static bool call_decode(struct jx *x, const struct json *args, UNUSED size_t count,
                        struct json *ret)
{
    return decode(x, args[0], reserved, ret);
}

static const struct jx_builtin rows[] = {
    {STR_INIT("encodeUrlComponent"), "<s-:s>", call_encode_component, JX_ROW_ALWAYS, 1},
    {STR_INIT("encodeUrl"), "<s-:s>", call_encode, JX_ROW_ALWAYS, 1},
    {STR_INIT("decodeUrlComponent"), "<s-:s>", call_decode_component, JX_ROW_ALWAYS, 1},
    {STR_INIT("decodeUrl"), "<s-:s>", call_decode, JX_ROW_ALWAYS, 1},
};

const struct jx_table jx_table_url = {rows, COUNT_OF(rows)};
