/* Regular expressions of JavaScript, by PCRE2.
 *
 * A pattern is translated: what JavaScript writes differently is written PCRE2's way,
 * and what it has not (verbs, possessive quantifiers, inline flags) is refused. What
 * differs still: characters are code points, not halves of a pair; a lookbehind has
 * alternatives of fixed length; a group keeps what it took in an earlier round of a
 * loop around it; without regard to case, k also matches the Kelvin sign and s the
 * long s.
 *
 * Limits: matching is interpreted, counted, and paid for with the steps of the
 * evaluation. Ownership: a regex is arena and immutable, a matcher is owned.
 * Source: ECMA-262, RegExp without the flag u, with its Annex B; pcre2pattern(3).
 */
#ifndef PAWL_EXPR_JSONATA_REGEX_H
#define PAWL_EXPR_JSONATA_REGEX_H

#include "base/buf.h"
#include "expr/jsonata/jsonata_internal.h"

enum {
    REGEX_MATCH_MAX = 10000000 /* backtracking points of one match */
};

/* Appends PCRE2's pattern. false: it is none of JavaScript's. */
MUST_CHECK bool regex_translate(struct str pattern, bool multiline, struct buf *b);

/* Walks the matches in a text as the reference does: the next begins where the last
 * ended, and an empty one after the first is error D1004. */
struct jx_matcher {
    struct jx *x;
    const struct jx_regex *regex;
    struct str subject, checked; /* the same; checked has no lone surrogates */
    struct arena *scratch;
    void *data, *context; /* PCRE2's */
    bool begun;
    size_t start, end; /* of the current match, bytes */
};

/* Owned: jx_matcher_close, also after a failure of next. */
struct jx_matcher jx_matcher_open(struct jx *x, const struct jx_regex *regex, struct str subject);
void jx_matcher_close(struct jx_matcher *m);

MUST_CHECK bool jx_matcher_next(struct jx_matcher *m, bool *ret_found);

size_t jx_matcher_groups(const struct jx_matcher *m);
/* From 1. Part of the subject; ptr is NULL when the group took no part. */
struct str jx_matcher_group(const struct jx_matcher *m, size_t group);
/* An array with an item for each group, absent where it took no part. */
struct json jx_matcher_group_values(const struct jx_matcher *m);

#endif
