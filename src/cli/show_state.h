/* What an execution is in besides its status: what it waits for, what was done again and
 * what that made stale, and which executions it has to do with.
 *
 * Read from the journal and the store; lies in the story's arena.
 */
#ifndef PAWL_CLI_SHOW_STATE_H
#define PAWL_CLI_SHOW_STATE_H

#include "cli/story.h"

struct show_review {
    uint32_t step;
    struct str message; /* may be empty */
};

struct show_related {
    struct execution_row row;
    const char *is; /* what that one is to this: "reuses it", "reused by it" */
};

struct show_state {
    struct flow_pause pause;
    bool rerunning;
    uint32_t rerun_step;
    const struct show_review *reviews; /* that wait */
    size_t review_count;
    const bool *stale;         /* by step */
    struct json checks;        /* the last note of checks after a recovery; absent: none */
    const struct json *params; /* by step: what its work was given last; absent: it has none */
    const struct show_related *related;
    size_t related_count;
};

MUST_CHECK bool show_state_read(const struct archive *archive, struct story *s,
                                struct show_state *ret, struct err *reterr);

#endif
