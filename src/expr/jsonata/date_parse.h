/* Reading dates by a picture.
 *
 * The picture becomes a regular expression with a group for each part; then what is
 * missing on the left is taken from x->now and on the right is nothing, as
 * docs.jsonata.org says of $toMillis.
 */
#ifndef PAWL_EXPR_JSONATA_DATE_PARSE_H
#define PAWL_EXPR_JSONATA_DATE_PARSE_H

#include "expr/jsonata/date_picture.h"
#include "expr/jsonata/jsonata_internal.h"

/* false: jx_fail was called. Else *ret_code is NULL, or the code of an error about
 * *ret_what; *ret_found says whether the text fits, *ret_ms may be NaN. */
MUST_CHECK bool date_parse(struct jx *x, struct str text, const struct date_picture *picture,
                           bool *ret_found, double *ret_ms, const char **ret_code,
                           struct json *ret_what);

#endif
