/* What the two halves of number pictures share: reading them and writing by them. */
#ifndef PAWL_EXPR_JSONATA_NUMBER_PICTURE_INTERNAL_H
#define PAWL_EXPR_JSONATA_NUMBER_PICTURE_INTERNAL_H

#include "expr/jsonata/number_picture.h"

/* UTF-16; arena. */
struct units {
    uint16_t *at;
    size_t len, capacity;
};

struct units units_of(struct arena *a, struct str text);
struct str units_text(struct arena *a, struct units u);
/* Views; both ends are clamped. */
struct units units_slice(struct units u, size_t from, size_t to);
/* SIZE_MAX: it is not there. */
size_t units_find(struct units u, struct units what, size_t from);
size_t units_rfind(struct units u, struct units what);
/* Is the unit at this place all of what? */
bool units_is(struct units u, size_t at, struct units what);
void units_insert(struct arena *a, struct units *u, size_t at, struct units what);

struct number_symbols {
    struct units decimal, grouping, exponent, minus, percent, per_mille, zero, digit, pattern;
};

static inline bool symbols_digit(const struct number_symbols *s, uint16_t unit)
{
    return unit >= s->zero.at[0] && unit <= s->zero.at[0] + 9;
}

/* Digits between each separator and the point. */
struct groups {
    const size_t *digits;
    size_t count;
};

struct sub_picture {
    struct units text, prefix, suffix, active, mantissa, exponent, integer, fraction;
    bool has_exponent;
    size_t integer_min, fraction_min, fraction_max, exponent_min, scale;
    size_t interval; /* of grouping in the integer part when regular, else 0 */
    struct groups integer_groups, fraction_groups;
};

MUST_CHECK const char *sub_picture_read(struct arena *a, struct units text,
                                        const struct number_symbols *s,
                                        struct sub_picture *ret_picture);

#endif
