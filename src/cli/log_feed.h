/* Where the lines of `pawl logs --follow` come from: a data directory, read beside whoever
 * holds it, or a server. Each gives the exit status. */
#ifndef PAWL_CLI_LOG_FEED_H
#define PAWL_CLI_LOG_FEED_H

#include "cli/logbook.h"

enum {
    FEED_LOOK_EVERY_MS = 200,
    FEED_WAIT_MS = 60000,        /* for a server that is being started again */
    FEED_EXECUTIONS_MAX = 1000,  /* here: the newest of all workflows that are looked through */
    FEED_FOLLOWED_MAX = 1000,    /* there: executions of the workflow at once; told when met */
    FEED_REMEMBERED_MAX = 10000, /* there: of those that have ended, how far they were told */
    FEED_PAGE = 100,             /* there: of a list */
    FEED_LIST_LAG_MS = 5000,     /* there: a list may be so far behind */
};

/* One execution (NULL: the newest) or all of a workflow. With `follow` to its end, or until
 * the process is interrupted; else what there is. */
struct log_wish {
    const char *id, *workflow; /* one of them */
    bool follow;
};

int log_feed_here(struct cli *cli, const struct log_wish *wish, struct log_filter *filter);
int log_feed_there(struct cli *cli, const char *url, const struct log_wish *wish,
                   struct log_filter *filter);

/* Until it is time to look again. Exits when nobody reads any more. */
void log_feed_rest(struct log_filter *filter);

#endif
