/* The projection of a host's store in a thread of its own: nothing of it is ever waited
 * for by the loop, and no failure of it concerns an execution.
 *
 * It works when it is poked, at once when it was idle and else at most every
 * PROJECTOR_GAP_MS, so that batches are large under load and lists are up to date
 * without it. What fails (a full disk) is tried again after a while.
 * Ownership: projector_free, before the store is closed. Threads: one.
 */
#ifndef PAWL_CLI_PROJECTOR_H
#define PAWL_CLI_PROJECTOR_H

#include "store/visibility.h"

enum {
    PROJECTOR_GAP_MS = 50,
    PROJECTOR_RETRY_MS = 1000,
};

struct projector;

/* The paths are borrowed. NULL when it cannot be opened (a full disk, no permission):
 * then lists walk through the store. */
struct projector *projector_new(const char *path, const char *store_path);

/* What was committed since is projected to the end first. Accepts NULL. */
void projector_free(struct projector *p);

/* Something was committed, perhaps. Cheap. */
void projector_poke(struct projector *p);

/* For lists. Borrowed; NULL for NULL. */
struct visibility *projector_visibility(const struct projector *p);

#endif
