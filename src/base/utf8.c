#include "base/utf8.h"

#include "base/macros.h"

static bool is_continuation(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

/* Length of the character at p with at most n bytes, or 0 when malformed. */
static size_t char_length(const unsigned char *p, size_t n, bool surrogates)
{
    unsigned char c = p[0];
    if (c < 0x80)
        return 1;
    if (c >= 0xc2 && c <= 0xdf)
        return n >= 2 && is_continuation(p[1]) ? 2 : 0;
    if (c >= 0xe0 && c <= 0xef) {
        if (n < 3 || !is_continuation(p[1]) || !is_continuation(p[2]))
            return 0;
        if ((c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f && !surrogates))
            return 0;
        return 3;
    }
    if (c >= 0xf0 && c <= 0xf4) {
        if (n < 4 || !is_continuation(p[1]) || !is_continuation(p[2]) || !is_continuation(p[3]))
            return 0;
        if ((c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] > 0x8f))
            return 0;
        return 4;
    }
    return 0;
}

size_t utf8_valid_up_to(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t i = 0;
    while (i < s.len) {
        uint64_t eight;
        while (s.len - i >= sizeof(eight)) {
            memcpy(&eight, p + i, sizeof(eight));
            if (eight & 0x8080808080808080u)
                break;
            i += sizeof(eight);
        }
        if (i == s.len)
            break;
        size_t length = char_length(p + i, s.len - i, false);
        if (!length)
            return i;
        i += length;
    }
    return s.len;
}

uint32_t utf8_next(struct str s, size_t *offset)
{
    ASSERT(*offset < s.len);
    const unsigned char *p = (const unsigned char *)s.ptr + *offset;
    size_t length = char_length(p, s.len - *offset, true);
    *offset += length ? length : 1;
    switch (length) {
    case 1:
        return p[0];
    case 2:
        return (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
    case 3:
        return (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
    case 4:
        return (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 |
               (uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3f);
    default:
        return 0xfffd;
    }
}

size_t utf8_encode(char to[static 4], uint32_t code_point)
{
    ASSERT(code_point <= 0x10ffff);
    if (code_point < 0x80) {
        to[0] = (char)code_point;
        return 1;
    }
    size_t length = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = length - 1; i > 0; i--) {
        to[i] = (char)(0x80 | (code_point & 0x3f));
        code_point >>= 6;
    }
    to[0] = (char)(lead[length] | code_point);
    return length;
}

size_t utf8_floor(struct str s, size_t offset)
{
    if (offset >= s.len)
        return s.len;
    size_t at = offset;
    while (at > 0 && offset - at < 4 && is_continuation((unsigned char)s.ptr[at]))
        at--;
    return at;
}

size_t utf8_length(struct str s)
{
    size_t count = 0;
    for (size_t at = 0; at < s.len;) {
        uint64_t eight;
        if (s.len - at >= sizeof(eight)) {
            memcpy(&eight, s.ptr + at, sizeof(eight));
            if (!(eight & 0x8080808080808080u)) {
                at += sizeof(eight);
                count += sizeof(eight);
                continue;
            }
        }
        utf8_next(s, &at);
        count++;
    }
    return count;
}
