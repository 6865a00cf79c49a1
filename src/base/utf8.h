/* UTF-8: validity, decoding, encoding.
 *
 * WTF-8 is UTF-8 that may also hold lone surrogates as three bytes; JSON's
 * escapes can spell them, so string values inside Pawl are WTF-8.
 */
#ifndef PAWL_BASE_UTF8_H
#define PAWL_BASE_UTF8_H

#include "base/str.h"

/* Offset of the first byte that is not valid UTF-8 (shortest form, no
 * surrogates, at most U+10FFFF), or s.len when all is well. */
size_t utf8_valid_up_to(struct str s);

/* Decodes the WTF-8 character at *offset and moves it on. A malformed byte
 * counts as one character, U+FFFD. *offset must be below s.len. */
uint32_t utf8_next(struct str s, size_t *offset);

/* Writes 1 to 4 bytes (surrogates as WTF-8), returns how many. */
size_t utf8_encode(char to[static 4], uint32_t code_point);

/* The largest character boundary that is not above offset. */
size_t utf8_floor(struct str s, size_t offset);

/* Number of characters (code points). */
size_t utf8_length(struct str s);

#endif
