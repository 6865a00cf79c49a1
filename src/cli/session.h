/* One `pawl run`, from its command line to its end.
 *
 * It runs here, in the process that takes the data directory's lock (run_here.c), or
 * there, in the one that has it (run_there.c), and goes from there to here when that
 * one ends: see docs/adr/0011-who-holds-a-data-directory.md. Included only by the
 * files of this command. Lies in the command line's arena.
 */
#ifndef PAWL_CLI_SESSION_H
#define PAWL_CLI_SESSION_H

#include "cli/config_file.h"
#include "cli/host.h"
#include "cli/live.h"
#include "cli/story.h"
#include "config/config.h"

struct session {
    struct cli *cli;
    struct engine_start start;
    const struct machine *machine; /* the definition's; NULL: --resume */
    const char *config;            /* that was given or found; NULL: none */
    struct config_file bound;
    struct str data; /* the data directory's path */
    struct archive archive;
    struct host *host;
    struct live live;
    struct story story; /* what happened before it was gone on with here */

    execution_key key; /* here; 0: not started yet */
    bool known;        /* the execution is: what follows is set */
    bool found;        /* --resume: the id, before that */
    bool heard;        /* there: something came by the last connection */
    struct uuid id;
    struct wall_ms started_at, stopped_at;
    enum execution_status status;
    struct buf output;
    bool has_error, has_cause;
    struct str error, cause;
    uint64_t last;       /* there: the number of the last event that was told */
    int64_t quiet_turns; /* there: happened before, and are not told line by line */
    bool told;           /* how it ended; `exit` is what the command exits with */
    int exit;
    bool failed; /* to start: why is in err */
    struct err err;
};

enum {
    SESSION_WAIT_MS = 30000, /* for a holder that does not listen yet, or not any more */
    SESSION_LOOK_EVERY_MS = 20,
};

/* In this process; the archive is open for changing. Gives the exit status. */
int session_run_here(struct session *s);

enum there {
    THERE_DONE,   /* *ret_exit is set */
    THERE_NOBODY, /* nobody listens, and nothing was done */
    THERE_LOST,   /* it was under way, and its process is gone or going */
};

/* In the process behind this socket or URL. `remote`: of another data directory. */
enum there session_run_there(struct session *s, const char *address, bool remote, int *ret_exit);

/* ---- what is said (run_end.c) ---- */

void session_print_begin(struct session *s, const char *what);
/* --config and --data, for a command to type next. */
void session_print_next(struct session *s, const char *words);
/* Gives the exit status. */
int session_print_end(struct session *s);

#endif
