/* One execution read from the store, turn by turn, for whoever watches or asks.
 *
 * A story folds the journal from its beginning, so that each turn comes with the
 * run as that turn left it, its steps and the numbers of its events; when it has
 * come to the end it waits, and story_advance looks again. It asks the engine for
 * nothing: what is in the store is durable, and a run in memory may be ahead.
 *
 * Ownership: story_close, allowed inside its own callbacks. What a turn refers to
 * lives as long as the story. Limit: API_STORY_SIZE_MAX.
 */
#ifndef PAWL_API_STORY_H
#define PAWL_API_STORY_H

#include "api/api_internal.h"
#include "journal/journal.h"

struct story;

/* A turn has been folded. False: enough for now; story_advance goes on. */
typedef bool story_turn(void *arg, struct story *story, const struct journal_turn *turn);

/* The one for those who only want to know how it stands. */
story_turn story_read_on;

/* No more turns for now (err NULL), or none for ever: CORRUPT, INVALID_DEFINITION,
 * TOO_LARGE, and the store's errors. */
typedef void story_rested(void *arg, struct story *story, const struct err *err);

/* Borrows the row's texts during the call. Nothing is read before story_advance. */
struct story *story_new(struct api *api, const struct execution_row *row, story_turn *turn,
                        story_rested *rested, void *arg);
void story_close(struct story *s); /* accepts NULL */

/* Reads on until it rests. No effect while it is reading already. */
void story_advance(struct story *s);

const struct execution_row *story_row(const struct story *s); /* as it was given */
const struct run *story_run(const struct story *s);           /* from the first turn on */
const struct step_list *story_steps(const struct story *s);
uint64_t story_events(const struct story *s); /* events of all turns so far: the last's number */
uint32_t story_turns(const struct story *s);  /* turns so far */

#endif
