/* The tables of the functions whose files stand beside this one: numbers, strings,
 * regular expressions, pictures and dates. jsonata_functions.c lists them.
 */
#ifndef PAWL_EXPR_JSONATA_FUNCTIONS_H
#define PAWL_EXPR_JSONATA_FUNCTIONS_H

#include "expr/jsonata/jsonata_internal.h"

extern const struct jx_table jx_table_numbers;
extern const struct jx_table jx_table_pictures;
extern const struct jx_table jx_table_dates;
extern const struct jx_table jx_table_text;
extern const struct jx_table jx_table_url;
extern const struct jx_table jx_table_patterns;

/* Fails with the code of a picture, or with words for PICTURE_TOO_LARGE. */
bool jx_fail_picture(struct jx *x, const char *code, struct json what);

#endif
