/* Pictures of numbers, as fn:format-number of XPath has them.
 *
 * Shape: positions are UTF-16 units, as in jsonata-js, whose slips where a separator
 * falls left of the number are kept. Ownership: arena.
 * Errors: a code of jsonata-js (D3080 to D3093), or PICTURE_TOO_LARGE; NULL is success.
 * Source: XPath and XQuery Functions and Operators 3.1, 4.7.
 */
#ifndef PAWL_EXPR_JSONATA_NUMBER_PICTURE_H
#define PAWL_EXPR_JSONATA_NUMBER_PICTURE_H

#include "json/json.h"

/* options: an object whose members "decimal-separator" and so on replace the usual
 * characters, or absent. Members that are no strings, or empty, replace nothing. */
MUST_CHECK const char *number_picture_format(struct arena *a, double value, struct str picture,
                                             struct json options, struct str *ret_text);

#endif
