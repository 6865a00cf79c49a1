#include "expr/jsonata/text.h"

#include "base/utf8.h"

size_t text_space_at(struct str text, size_t at)
{
    unsigned char c = (unsigned char)text.ptr[at];
    if (c < 0x80)
        return c == ' ' || (c >= '\t' && c <= '\r');
    size_t end = at;
    uint32_t character = utf8_next(text, &end);
    switch (character) {
    case 0xa0:
    case 0x1680:
    case 0x2028:
    case 0x2029:
    case 0x202f:
    case 0x205f:
    case 0x3000:
    case 0xfeff:
        return end - at;
    default:
        return character >= 0x2000 && character <= 0x200a ? end - at : 0;
    }
}

/* One for each first byte, two for those of four-byte characters. */
static size_t units_of_byte(char byte)
{
    unsigned char c = (unsigned char)byte;
    return (size_t)((c & 0xc0) != 0x80) + (size_t)(c >= 0xf0);
}

size_t text_units(struct str text)
{
    size_t units = 0;
    for (size_t i = 0; i < text.len; i++)
        units += units_of_byte(text.ptr[i]);
    return units;
}

size_t text_byte_of_unit(struct str text, size_t unit)
{
    size_t units = 0;
    for (size_t i = 0; i < text.len; i++) {
        size_t more = units_of_byte(text.ptr[i]);
        if (more && units + more > unit)
            return i;
        units += more;
    }
    return text.len;
}
