/* One `pawl run`, from its command line to its end; or what goes on by `pawl resume` and
 * the like.
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
#include "cli/wish.h"
#include "config/config.h"

struct session {
    struct cli *cli;
    struct engine_start start;
    struct wish *wish; /* NULL: none, but to start, or to go on with what was interrupted */
    const char *id;    /* the execution that is gone on with, or that the wish is about; or NULL */
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
    bool found;        /* `id` is, before that; its whole is set */
    bool heard;        /* there: something came by the last connection */
    struct uuid uuid;
    struct wall_ms started_at, stopped_at;
    enum execution_status status;
    struct buf output;
    bool has_error, has_cause;
    struct str error, cause;
    uint64_t last;         /* there: the number of the last event that was told */
    int64_t latest_turn;   /* there: when it was asked */
    int64_t quiet_turns;   /* there: happened before, and are not told line by line */
    bool pausing;          /* no further state is entered */
    struct str pause_told; /* why, in words */
    bool needs_review;     /* there: nobody stays for a decision */
    bool review_told;      /* and how to decide */
    struct json checks;    /* what was noted after a recovery; absent: nothing */
    bool told;             /* how it ended; `exit` is what the command exits with */
    int exit;
    bool failed; /* to start: why is in err */
    struct err err;
};

enum {
    SESSION_WAIT_MS = 30000, /* for a holder that does not listen yet, or not any more */
    SESSION_LOOK_EVERY_MS = 20,
};

/* Lies in the command line's arena. */
struct session *session_new(struct cli *cli);
void session_release(struct session *s);

/* --config, else pawl.yaml beside this file (NULL: in this directory), else nothing is
 * bound. Gives 0, or the exit status of what it has printed. */
int session_load_config(struct session *s, const char *beside);

/* Here, there, or wherever it goes on. Gives the exit status. */
int session_run(struct session *s);

/* In this process; the archive is open for changing. Gives the exit status. */
int session_run_here(struct session *s);

enum there {
    THERE_DONE,   /* *ret_exit is set */
    THERE_NOBODY, /* nobody listens, and nothing was done */
    THERE_LOST,   /* it was under way, and its process is gone or going */
};

/* In the process behind this socket or URL. `remote`: of another data directory. */
enum there session_run_there(struct session *s, const char *address, bool remote, int *ret_exit);

/* Asks the engine here for what the wish is. row: the execution that it is about, or
 * NULL. Calls session_begun, or sets `failed`, and stops the host when that was all. */
void session_wish_here(struct session *s, const struct execution_row *row);

/* What happened so far in an execution of this directory: its steps are shown from now on. */
MUST_CHECK bool session_adopt(struct session *s, const struct execution_row *row,
                              struct err *reterr);

/* An execution is followed from now on that goes on, or begins. */
void session_begun(struct session *s, const struct execution_row *row);

/* Is the wish still to be asked for? */
static inline bool session_wishes(const struct session *s)
{
    return s->wish && !s->known;
}

/* Takes pauses and the end of a rerun from what happens, and tells what a person is asked
 * to decide, unless that is `quiet`: of the past. */
void session_heed(struct session *s, const struct flow_event *event, bool quiet);

/* It is paused, and nothing of it is under way. */
bool session_is_paused(const struct session *s);

/* ---- what is said (run_end.c) ---- */

void session_print_begin(struct session *s, const char *what);
/* --config and --data, for a command to type next. */
void session_print_next(struct session *s, const char *words);
/* It goes on without anybody waiting here. Gives the exit status. */
int session_print_detached(struct session *s);
/* Of the execution, or where it paused. Gives the exit status. */
int session_print_end(struct session *s);

#endif
