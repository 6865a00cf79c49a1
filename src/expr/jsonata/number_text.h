/* Numbers and text as JavaScript turns one into the other, without a locale.
 *
 * Pure and exact: what is written is the shortest text that reads back the same,
 * decimal places are moved in the text, never by multiplying.
 * Source: ECMA-262, Number::toString, Number.prototype.toFixed, StringToNumber.
 */
#ifndef PAWL_EXPR_JSONATA_NUMBER_TEXT_H
#define PAWL_EXPR_JSONATA_NUMBER_TEXT_H

#include "json/json.h"

/* A text made of -, digits, a fraction and an exponent; zeros may lead. false: it
 * is something else. Out of range: an infinity. */
MUST_CHECK bool number_read(struct str text, double *ret_value);

/* 0x, 0o or 0b and digits, white space around them; false: something else. */
MUST_CHECK bool number_read_radix(struct str text, double *ret_value);

/* The number whose decimal point stands so many places further right; NaN where the
 * number is not finite or the places are no integer. */
double number_shift(double value, double places);

/* To so many decimal places, halves to the even neighbour; never -0. */
double number_round(double value, double places);

/* With exactly so many decimal places; arena. The value must not be negative. */
struct str number_fixed(struct arena *a, double value, size_t places);

/* An integer in a radix of 2 to 36; arena. "Infinity", "-Infinity", "NaN". */
struct str number_in_radix(struct arena *a, double value, int radix);

#endif
