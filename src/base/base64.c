#include "base/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

struct str base64_encode(struct arena *a, struct str data)
{
    size_t groups = (data.len + 2) / 3;
    char *text = arena_alloc_text(a, groups * 4);
    const unsigned char *in = (const unsigned char *)data.ptr;
    char *out = text;
    for (size_t i = 0; i < data.len; i += 3) {
        size_t have = data.len - i;
        uint32_t bits = (uint32_t)in[i] << 16;
        if (have > 1)
            bits |= (uint32_t)in[i + 1] << 8;
        if (have > 2)
            bits |= in[i + 2];
        *out++ = alphabet[bits >> 18];
        *out++ = alphabet[bits >> 12 & 63];
        *out++ = have > 1 ? alphabet[bits >> 6 & 63] : '=';
        *out++ = have > 2 ? alphabet[bits & 63] : '=';
    }
    return str_of(text, groups * 4);
}

static int value_of(char c)
{
    const char *at = c ? strchr(alphabet, c) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

bool base64_decode(struct arena *a, struct str text, struct str *ret_data)
{
    size_t padding = 0;
    while (text.len && text.ptr[text.len - 1] == '=' && padding < 2) {
        text.len--;
        padding++;
    }
    if (text.len % 4 == 1 || (padding && (text.len + padding) % 4 != 0))
        return false;
    char *data = arena_alloc_text(a, text.len / 4 * 3 + 3);
    size_t len = 0;
    uint32_t bits = 0;
    for (size_t i = 0; i < text.len; i++) {
        int value = value_of(text.ptr[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        if (i % 4 != 0)
            data[len++] = (char)(bits >> (6 - i % 4 * 2));
    }
    *ret_data = str_of(data, len);
    return true;
}
