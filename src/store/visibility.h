/* Lists and counts across executions: a projection of the store, `visibility.db`.
 *
 * It holds of each execution no more than what lists are filtered by, and is brought up
 * behind the journal, in batches, by visibility_step: journal.seq is its position, and
 * since every change of a status is committed with a turn, the rows behind the position
 * name exactly the executions that may have changed; but for Express executions, whose
 * ends are written without one: those that run are looked up. A list answers keys, newest first;
 * their rows are read from the store, which is the truth. So a list may miss what
 * happened a moment ago, and never shows what is not so.
 *
 * The file may be deleted at any time, and is thrown away and made anew whenever it is
 * not of this store, of another release, or damaged. Rows and position are one
 * transaction, and nothing is synced but at checkpoints: a power cut loses the last
 * batches, and they are projected again.
 *
 * Errors: NOT_FOUND (opening for reading: there is none, or one to be made anew),
 * PERMISSION, BUSY, DISK_FULL, CORRUPT, IO; none of them concerns the store itself.
 * Ownership: visibility_close. Threads: any; a step and a list may run at once, and wait
 * for others of their own kind.
 * Source: docs/adr/0012-visibility.md.
 */
#ifndef PAWL_STORE_VISIBILITY_H
#define PAWL_STORE_VISIBILITY_H

#include "store/store.h"

enum {
    VISIBILITY_BATCH_ROWS = 4096, /* turns that one step projects */
    VISIBILITY_MACHINES_MAX = 64, /* that are remembered by their ARN in memory */
};

/* What lists can be filtered by. name, what it takes */
#define VISIBILITY_FILTER_TABLE(X)                                                                 \
    X(machine, "ARN of a state machine")                                                           \
    X(status, "RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED")                                  \
    X(since, "time: started then or later")                                                        \
    X(until, "time: started before")                                                               \
    X(redrive, "REDRIVEN or NOT_REDRIVEN")                                                         \
    X(name, "beginning of a name that a client chose")

/* INVALID_INPUT for any other, naming these. */
MUST_CHECK bool visibility_check_filter(struct str name, struct err *reterr);

enum visibility_redrive {
    REDRIVE_ANY,
    REDRIVE_YES, /* went on after it had ended */
    REDRIVE_NO,
};

struct visibility_query {
    org_id org;
    struct str machine_arn; /* empty: any */
    int status;             /* enum execution_status or STORE_ANY_STATUS */
    struct str name_prefix; /* empty: any */
    struct wall_ms since;   /* .ms 0: none */
    struct wall_ms until;   /* .ms 0: none */
    execution_key below;    /* 0: from the newest */
    enum visibility_redrive redrive;
};

struct visibility;

/* `store_path` is that of an SQLite store that is there. Opens for change, and makes the
 * file when there is none to use. */
MUST_CHECK bool visibility_open(const char *path, const char *store_path,
                                struct visibility **ret_visibility, struct err *reterr);
/* For lists and counts only, beside another process that steps. */
MUST_CHECK bool visibility_open_reader(const char *path, const char *store_path,
                                       struct visibility **ret_visibility, struct err *reterr);
/* Accepts NULL. */
void visibility_close(struct visibility *v);

/* Projects at most so many turns (0: VISIBILITY_BATCH_ROWS); more: there were more. */
MUST_CHECK bool visibility_step(struct visibility *v, size_t rows_max, bool *ret_more,
                                struct err *reterr);

/* As visibility_step, unless another thread is at it, or it fails: then the list is a
 * little behind. For who wants to see what was committed a moment ago. */
void visibility_refresh(struct visibility *v, size_t rows_max);

struct visibility_lag {
    int64_t rows;         /* turns that are not projected yet */
    struct wall_ms since; /* when the oldest of them happened; .ms 0: there is none */
};
MUST_CHECK bool visibility_lag(struct visibility *v, struct visibility_lag *ret_lag,
                               struct err *reterr);

/* At most keys_max of the keys, newest first; more: there are others below the last. */
MUST_CHECK bool visibility_list(struct visibility *v, const struct visibility_query *q,
                                execution_key *ret_keys, size_t keys_max, size_t *ret_count,
                                bool *ret_more, struct err *reterr);

/* Executions by status, of one machine, or of all (empty). */
MUST_CHECK bool visibility_count(struct visibility *v, org_id org, struct str machine_arn,
                                 int64_t ret_counts[static EXECUTION_STATUS_COUNT],
                                 struct err *reterr);

#endif
