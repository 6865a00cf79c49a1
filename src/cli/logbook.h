/* What happened in an execution as lines of a log, derived from its steps as they change:
 *
 *   2026-03-01T12:00:00.123Z ok     order-17  step 3 Register  done in 3.2s
 *   2026-03-01T12:00:03.456Z warn   order-17  step 4 Prepare  attempt 1 failed: Timeout
 *   {"time","level","execution","name","workflow","step"?,"state"?,"path"?,"context"?,"message"}
 *
 * ok: as it should be; warn: what a person may want to look at; error: what failed.
 * The caller brings the steps up to date turn by turn, says which of them a turn touched,
 * and then logbook_turn tells what is new. Lies in its arena.
 */
#ifndef PAWL_CLI_LOGBOOK_H
#define PAWL_CLI_LOGBOOK_H

#include "cli/cli.h"
#include "cli/layout.h"
#include "store/store.h"

#include <regex.h>

enum log_mood {
    MOOD_OK,
    MOOD_WARN,
    MOOD_ERROR,
};

/* Which lines are wanted, and how. */
struct log_filter {
    struct out *out;
    enum log_mood least;
    bool has_pattern, as_json;
    regex_t pattern; /* of the message with what stands before it */
};

/* --level, --grep, --json. Owned: log_filter_release. Errors: USAGE. */
MUST_CHECK bool log_filter_read(struct cli *cli, struct log_filter *ret, struct err *reterr);
void log_filter_release(struct log_filter *f);

struct logbook {
    struct log_filter *filter;
    struct arena *arena;
    struct str id, name, workflow;
    struct step_layout layout; /* .machine NULL: not known yet */
    struct step_list steps;
    struct log_seen *seen; /* by step: what was told of it */
    uint32_t *touched;
    size_t seen_count, seen_capacity, touched_count, touched_capacity;
    bool quiet; /* nothing is told: it is of the past */
};

void logbook_touch(struct logbook *b, uint32_t step);
/* For steps that come whole: the one of this index, new or old, touched. NULL: there is a
 * gap before it. */
struct step *logbook_put(struct logbook *b, uint32_t index);

/* Tells what the touched steps have become, and of the events pauses, reviews and
 * recoveries; others say nothing. */
void logbook_turn(struct logbook *b, const struct flow_event *events, size_t count,
                  struct wall_ms at);
void logbook_begins(struct logbook *b, struct wall_ms at);
void logbook_ends(struct logbook *b, enum execution_status status, struct wall_ms at,
                  struct str error, struct str cause);

#endif
