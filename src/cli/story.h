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
    struct journal_reader *reader;
    struct arena *arena; /* of all that */
};

/* Called for each turn, when the story is as that left it. */
typedef void story_turn(void *arg, const struct story *s, const struct journal_turn *turn);

/* Errors: CORRUPT, INVALID_DEFINITION, and the store's. */
MUST_CHECK bool story_read(const struct archive *archive, const struct execution_row *row,
                           struct story *ret, struct err *reterr);
/* The same in two: without any turn yet; then those that there are by now, again and again.
 * `told` may be NULL. */
MUST_CHECK bool story_open(const struct archive *archive, const struct execution_row *row,
                           struct story *ret, struct err *reterr);
MUST_CHECK bool story_more(const struct archive *archive, struct story *s, story_turn *told,
                           void *arg, struct err *reterr);
void story_release(struct story *s);

#endif
