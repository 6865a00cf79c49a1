/* Pictures of integers, as fn:format-integer of XPath has them: digit patterns in any
 * digit family, letters, Roman numerals, English words, ordinals.
 *
 * Shape: texts are WTF-8, positions count code points from the right end.
 * Ownership: arena. Limits: the enum below.
 * Errors: a code of jsonata-js, or PICTURE_TOO_LARGE; NULL is success.
 * Source: XPath and XQuery Functions and Operators 3.1, 4.6.1; where that leaves a
 * choice, what jsonata-js does, its slips with separators left of the digits included.
 */
#ifndef PAWL_EXPR_JSONATA_INTEGER_PICTURE_H
#define PAWL_EXPR_JSONATA_INTEGER_PICTURE_H

#include "base/arena.h"

enum {
    PICTURE_SIZE_MAX = 4096,       /* bytes of a picture */
    PICTURE_TEXT_MAX = 100000,     /* characters that one component may be padded to */
    PICTURE_ROMAN_MAX = 100000000, /* written with 100,000 M */
};

/* No code of jsonata-js: a limit of ours. */
#define PICTURE_TOO_LARGE "U1001"

enum integer_style {
    INTEGER_DECIMAL,
    INTEGER_LETTERS,
    INTEGER_ROMAN,
    INTEGER_WORDS,
    INTEGER_SEQUENCE, /* any other: refused when used */
};

enum letter_case {
    CASE_LOWER,
    CASE_UPPER,
    CASE_TITLE,
};

struct integer_separator {
    size_t position; /* digits right of it */
    uint32_t character;
};

struct integer_picture {
    enum integer_style style;
    enum letter_case letters;
    bool ordinal;
    uint32_t zero; /* the digit 0 of the family */
    size_t mandatory, optional;
    size_t interval;                            /* of the separators when that is regular, else 0 */
    const struct integer_separator *separators; /* from right to left */
    size_t separator_count;
    size_t parse_width; /* digits when another number follows at once; 0: any */
    struct str token;   /* without the modifier */
};

MUST_CHECK const char *integer_picture_read(struct arena *a, struct str text,
                                            struct integer_picture *ret_picture);

/* The value is an integer. */
MUST_CHECK const char *integer_format(struct arena *a, double value,
                                      const struct integer_picture *picture, struct str *ret_text);

/* Checks nothing: what is no number in this picture gives NaN, or what comes out. */
MUST_CHECK const char *integer_parse(struct arena *a, struct str text,
                                     const struct integer_picture *picture, double *ret_value);

/* JavaScript's parseInt: white space, a sign, digits (hexadecimal after 0x), anything. */
double integer_prefix(struct str text);

#endif
