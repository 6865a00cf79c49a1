/* A child process in a process group of its own, waited for by the event loop.
 *
 * The command reads `input` on its stdin through a real pipe; what fits into that
 * (64 KiB) is there before it begins, so that it finds no half of it when this
 * process is killed. Its stdout is kept whole up to a limit, of its stderr the
 * tail; or both are handed on as they come, with or without being kept. It is over when its first
 * process has exited, both outputs are at their end and its process group is empty: what it leaves
 * running in the group is ended too, by SIGTERM and after the grace by SIGKILL. A process that left
 * the group (setsid) is not chased; when it holds the outputs open they are given up after the
 * grace.
 *
 * The child inherits stdin, stdout and stderr and no other descriptor. With a
 * register it is noted there from before it begins until it is over, so that it
 * can be ended by the next process when this one is killed (os/children.h).
 *
 * Ownership: options are borrowed during child_start, but for `input`, which is
 * borrowed until done. The child frees itself after done, so the pointer is good
 * until then; the result is borrowed during done. Threads: the loop's only.
 * The program must ignore SIGPIPE, since a command need not read its input, and
 * must not ignore SIGCHLD, since nobody would know how it ended (both asserted).
 * No signal handler is installed.
 */
#ifndef PAWL_OS_CHILD_H
#define PAWL_OS_CHILD_H

#include "os/children.h"

#include <uv.h>

/* Bytes of its stdout, or of its stderr, as they come. */
typedef void child_said(void *arg, bool is_error, struct str bytes);

struct child_options {
    const char *const *argv;        /* ends with NULL; argv[0] without '/' is sought in PATH */
    const char *const *environment; /* "NAME=value", ends with NULL; all that the child gets */
    const char *folder;             /* working directory */
    struct str input;
    child_said *said;          /* gets both outputs as they come; may be NULL */
    bool keeps;                /* both outputs are kept, too: always without `said` */
    size_t output_max;         /* more on stdout ends the command */
    size_t error_max;          /* kept of stderr: the last so many bytes */
    uint64_t timeout_ms;       /* 0: none; then the command is ended */
    uint64_t grace_ms;         /* from SIGTERM to SIGKILL */
    struct children *children; /* NULL: not noted; borrowed until done */
    size_t slot;               /* of children_take; given back before done */
};

struct child_result {
    const struct err *failure; /* it could not be started: nothing below is set; else NULL */
    int exit_status;           /* when signal is 0 */
    int signal;                /* that ended the first process, or 0 */
    bool output_over, timed_out;
    struct str output, error; /* any bytes */
};

typedef void child_done(void *arg, const struct child_result *result);

struct child;

/* done is called exactly once, from the loop and never from within this call,
 * also when the command cannot be started (NOT_FOUND, PERMISSION, IO). It is the
 * last that happens: every handle is closed by then. */
struct child *child_start(uv_loop_t *loop, const struct child_options *options, child_done *done,
                          void *arg);

/* Tells at once what it has written so far, up to a pipe's size of each output. For
 * commands with `said` whose outputs are not kept, outside of it. */
void child_hear(struct child *c);

/* SIGTERM to the whole group now, SIGKILL after the grace. done follows as ever. */
void child_end(struct child *c);

#endif
