/* Ends processes that a killed Pawl left running, and nobody else.
 *
 * Used by children.c only.
 */
#ifndef PAWL_OS_STALE_H
#define PAWL_OS_STALE_H

#include "base/err.h"
#include "os/process.h"

/* One line of the register. */
struct stale {
    pid_t pid; /* and its group */
    uint64_t started;
    struct str mark, key;

    bool lived;                  /* out: something of it was found */
    bool group_ours, group_seen; /* its group's number is still what it was */
};

/* Returns when nothing of them is left. Errors as children_open. */
MUST_CHECK bool stale_end(struct stale *items, size_t count, struct err *reterr);

#endif
