/* Text as JavaScript sees it: white space, UTF-16 positions, upper and lower case.
 *
 * Shape: strings are WTF-8; a lone surrogate is one character. Case mapping is
 * Unicode's full one without a locale, final sigma included.
 * Ownership: arena.
 * Source: ECMA-262; Unicode's UnicodeData and SpecialCasing (text_case.c).
 */
#ifndef PAWL_EXPR_JSONATA_TEXT_H
#define PAWL_EXPR_JSONATA_TEXT_H

#include "base/arena.h"

/* Bytes of the white space character at a byte, as \s means it; 0: it is none. */
size_t text_space_at(struct str text, size_t at);

/* UTF-16 units of a text, and the byte where the unit with this number begins (the
 * length when there are fewer; the character's first byte within a pair). */
size_t text_units(struct str text);
size_t text_byte_of_unit(struct str text, size_t unit);

/* Three times the bytes at most. */
enum {
    TEXT_CASE_GROWTH_MAX = 3
};
struct str text_upper(struct arena *a, struct str text);
struct str text_lower(struct arena *a, struct str text);

#endif
