#include "json/json_internal.h"

#include "base/utf8.h"

#include <stdio.h>

static uint32_t four_hex(const char *at)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++)
        value = value << 4 | (uint32_t)(scan_hex(at[i]) & 15);
    return value;
}

static bool is_pair(uint32_t unit, const char *at, const char *end)
{
    return unit >= 0xd800 && unit <= 0xdbff && end - at >= 6 && at[0] == '\\' && at[1] == 'u' &&
           (four_hex(at + 2) & 0xfc00) == 0xdc00;
}

static char meaning_of(char letter)
{
    switch (letter) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return letter;
    }
}

size_t json_unescape(const char **at, const char *end, char to[static 4])
{
    char c = (*at)[1];
    *at += 2;
    if (c != 'u') {
        to[0] = meaning_of(c);
        return 1;
    }
    uint32_t unit = end - *at >= 4 ? four_hex(*at) : 0xfffd;
    *at = end - *at >= 4 ? *at + 4 : end;
    if (is_pair(unit, *at, end)) {
        unit = 0x10000 + ((unit & 0x3ff) << 10 | (four_hex(*at + 2) & 0x3ff));
        *at += 6;
    }
    return utf8_encode(to, unit);
}

struct json_place json_place_at(struct str text, size_t offset)
{
    struct json_place place = {.line = 1, .column = 1, .offset = offset};
    for (size_t i = 0; i < offset && i < text.len; i++) {
        bool newline = text.ptr[i] == '\n';
        place.line += newline;
        place.column = newline ? 1 : place.column + 1;
    }
    return place;
}

bool json_vfail(struct err *reterr, enum err_code code, struct str text, size_t offset,
                const char *format, va_list args)
{
    if (!reterr)
        return false;
    char what[ERR_MESSAGE_MAX];
    vsnprintf(what, sizeof(what), format, args);
    struct json_place place = json_place_at(text, offset);
    err_set(reterr, code, "%s (line %u, column %u)", what, place.line, place.column);
    reterr->offset = offset;
    reterr->line = place.line;
    reterr->column = place.column;
    return false;
}

bool json_fail(struct err *reterr, enum err_code code, struct str text, size_t offset,
               const char *format, ...)
{
    va_list args;
    va_start(args, format);
    json_vfail(reterr, code, text, offset, format, args);
    va_end(args);
    return false;
}
