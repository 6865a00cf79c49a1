/* One execution as its journal tells it: every event, every step, from the start.
 *
 * Ownership: story_release; events and steps refer to what it holds.
 */
#ifndef PAWL_CLI_STORY_H
#define PAWL_CLI_STORY_H

#include "cli/archive.h"
#include "journal/journal.h"

struct told_event {
    struct flow_event event;
    struct wall_ms at;
};

struct story {
    struct execution_row row;
    const struct machine *machine;
    struct run *run; /* as of the last committed turn */
    struct step_list steps;
    struct told_event *events;
    size_t event_count, event_capacity;
    struct arena *arena; /* of all that */
};

/* Errors: CORRUPT, INVALID_DEFINITION, and the store's. */
MUST_CHECK bool story_read(const struct archive *archive, const struct execution_row *row,
                           struct story *ret, struct err *reterr);
void story_release(struct story *s);

#endif
