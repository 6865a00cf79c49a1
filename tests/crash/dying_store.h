/* A store in which the process dies at one chosen moment.
 *
 * Wraps another store and counts the moments that matter: a commit before it
 * reaches the inner store and again when it is durable but nobody knows yet, a
 * read before it is answered. At the chosen one the process kills itself with
 * SIGKILL, so nothing is flushed, closed or told.
 */
#ifndef PAWL_TESTS_CRASH_DYING_STORE_H
#define PAWL_TESTS_CRASH_DYING_STORE_H

#include "store/store.h"

/* Of the moments, one in so many is tried: all, but under a sanitizer, where each takes seconds. */
#if defined(__SANITIZE_ADDRESS__)
#define DYING_EVERY 3
#else
#define DYING_EVERY 1
#endif

/* Takes over `inner`. moment: from 1; 0: never. *moments counts them. */
struct store *dying_store_new(struct store *inner, uint64_t moment, uint64_t *moments);

#endif
