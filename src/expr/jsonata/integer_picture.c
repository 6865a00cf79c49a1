#include "expr/jsonata/integer_picture.h"

#include "base/utf8.h"

static const uint32_t digit_zeros[] = {
    0x30,   0x660,  0x6f0,  0x7c0,  0x966,  0x9e6,  0xa66,  0xae6,  0xb66,  0xbe6,
    0xc66,  0xce6,  0xd66,  0xde6,  0xe50,  0xed0,  0xf20,  0x1040, 0x1090, 0x17e0,
    0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620,
    0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10,
};

/* The 0 of the family that the character is a digit of; 0: it is none. */
static uint32_t family_of(uint32_t character)
{
    for (size_t i = 0; i < COUNT_OF(digit_zeros); i++) {
        if (character >= digit_zeros[i] && character <= digit_zeros[i] + 9)
            return digit_zeros[i];
    }
    return 0;
}

static bool read_style(struct str token, struct integer_picture *p)
{
    static const struct {
        struct str token;
        enum integer_style style;
        enum letter_case letters;
    } styles[] = {
        {STR_INIT("A"), INTEGER_LETTERS, CASE_UPPER}, {STR_INIT("a"), INTEGER_LETTERS, CASE_LOWER},
        {STR_INIT("I"), INTEGER_ROMAN, CASE_UPPER},   {STR_INIT("i"), INTEGER_ROMAN, CASE_LOWER},
        {STR_INIT("W"), INTEGER_WORDS, CASE_UPPER},   {STR_INIT("w"), INTEGER_WORDS, CASE_LOWER},
        {STR_INIT("Ww"), INTEGER_WORDS, CASE_TITLE},
    };
    for (size_t i = 0; i < COUNT_OF(styles); i++) {
        if (str_eq(token, styles[i].token)) {
            p->style = styles[i].style;
            p->letters = styles[i].letters;
            return true;
        }
    }
    return false;
}

static size_t common_divisor(size_t a, size_t b)
{
    while (b) {
        size_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Equal separators after every so many digits; 0 when they are not. */
static size_t interval_of(const struct integer_separator *separators, size_t count)
{
    size_t interval = count ? separators[0].position : 0;
    for (size_t i = 1; i < count; i++) {
        if (separators[i].character != separators[0].character)
            return 0;
        interval = common_divisor(interval, separators[i].position);
    }
    for (size_t i = 0; i < count; i++) {
        if (separators[i].position != (i + 1) * interval)
            return 0;
    }
    return interval;
}

static const char *read_digits(struct arena *a, struct str token, struct integer_picture *p)
{
    uint32_t *characters = ARENA_ARRAY(a, uint32_t, token.len + 1);
    struct integer_separator *separators = ARENA_ARRAY(a, struct integer_separator, token.len + 1);
    size_t count = 0, position = 0;
    for (size_t at = 0; at < token.len;)
        characters[count++] = utf8_next(token, &at);
    while (count--) {
        uint32_t character = characters[count], family = family_of(character);
        if (family && p->zero && family != p->zero)
            return "D3131";
        if (family)
            p->zero = family;
        p->mandatory += family != 0;
        p->optional += character == '#';
        if (family || character == '#')
            position++;
        else
            separators[p->separator_count++] = (struct integer_separator){position, character};
    }
    if (!p->mandatory) {
        p->style = INTEGER_SEQUENCE;
        return NULL;
    }
    p->separators = separators;
    p->interval = interval_of(separators, p->separator_count);
    return NULL;
}

const char *integer_picture_read(struct arena *a, struct str text,
                                 struct integer_picture *ret_picture)
{
    if (text.len > PICTURE_SIZE_MAX)
        return PICTURE_TOO_LARGE;
    struct integer_picture p = {.token = text};
    size_t semicolon = str_rfind_char(text, ';');
    if (semicolon != SIZE_MAX) {
        p.token = str_slice(text, 0, semicolon);
        p.ordinal = semicolon + 1 < text.len && text.ptr[semicolon + 1] == 'o';
    }
    if (!read_style(p.token, &p)) {
        const char *code = read_digits(a, p.token, &p);
        if (code)
            return code;
    }
    *ret_picture = p;
    return NULL;
}
