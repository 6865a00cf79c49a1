/* Integers as English words, Roman numerals and spreadsheet letters, and back.
 *
 * Texts are written in title case and lower case respectively; the pictures change
 * that. What is written grows with the logarithm of the value, but for Roman numerals,
 * which take a letter a thousand.
 */
#ifndef PAWL_EXPR_JSONATA_INTEGER_WORDS_H
#define PAWL_EXPR_JSONATA_INTEGER_WORDS_H

#include "base/buf.h"

void integer_words_write(struct buf *b, double value, bool ordinal);
void integer_roman_write(struct buf *b, double value);
void integer_letters_write(struct buf *b, double value, char first);

/* NaN for a word that is not known; the text is in lower case. */
double integer_words_read(struct str text);
/* Appends a regular expression of words as integer_words_read knows them. */
void integer_words_pattern(struct buf *b);
/* NaN for a letter that is no numeral; the text is in upper case. */
double integer_roman_read(struct str text);
double integer_letters_read(struct str text, char first);

#endif
