/* The engine in this process: an event loop that drives it, tasks that answer it,
 * and sockets by which others reach it.
 *
 * The loop turns until the owner calls host_stop. SIGINT and SIGTERM stop it
 * too: host_run then detaches, that is, outstanding commands are ended, whoever asked
 * is answered, and every execution stays RUNNING in the store.
 * Executions that came by a socket are advanced as well; their tasks are carried out
 * by the configuration that came with them (cli/crews.h), else by this one's.
 * Ownership: host_free. Threads: one, and one host a process (signals).
 * See docs/adr/0011-who-holds-a-data-directory.md.
 */
#ifndef PAWL_CLI_HOST_H
#define PAWL_CLI_HOST_H

#include "api/api.h"
#include "engine/engine.h"
#include "os/children.h"
#include "config/settings.h"
#include "task/bindings.h"
#include "task/task.h"

struct host;

/* "127.0.0.1:8083", "[::1]:0", "unix:/run/pawl.sock". */
struct host_listen {
    const char *unix_path; /* NULL: address and port */
    char address[64];
    uint16_t port; /* 0: any; then which */
};

/* Errors: USAGE. unix_path borrows the text. */
MUST_CHECK bool host_listen_parse(const char *text, struct host_listen *ret, struct err *reterr);

struct host_options {
    struct store *store;
    const struct bindings *bindings;
    const struct settings *settings; /* NULL: the defaults */
    const char *children;            /* file where running commands are noted: os/children.h */
    const char *socket;              /* where to listen; NULL: nowhere */
    const char *store_path;          /* the store's file; needed by the next one alone */
    const char *visibility;          /* its projection, for lists; NULL: none is kept */
    engine_troubled *troubled;
    engine_followed *followed;
    void (*ticked)(void *arg, struct wall_ms now); /* every tick_ms; may be NULL */
    uint32_t tick_ms;
    bool checks_due; /* what recoveries of an earlier process left to be checked is checked */
    void (*unfollowed)(void *arg); /* nobody follows through the socket any more; may be NULL */

    /* A server: advances all executions, takes no configuration from clients, and at
     * SIGTERM drains, that is, starts no more tasks and waits up to drain_ms for those
     * that run, before it stops. */
    bool serves;
    uint64_t drain_ms;
    struct host_listen *listens; /* besides the socket; ports are filled in */
    size_t listen_count;
    void (*hung_up)(void *arg);  /* SIGHUP; may be NULL: it ends the process */
    void (*draining)(void *arg); /* may be NULL */
    task_heard *heard;           /* what commands and warm workers write; may be NULL */
    void *arg;                   /* of all of them */
};

/* First ends the commands that an earlier process left running. */
MUST_CHECK bool host_new(const struct host_options *options, struct host **ret_host,
                         struct err *reterr);
void host_free(struct host *h);

struct engine *host_engine(struct host *h);

/* Why it does not listen at its socket (a file system without sockets, for example);
 * NULL: it does. */
const struct err *host_deaf(const struct host *h);

/* Tasks are carried out so from now on; those that run end as they began. Owned: the
 * arena. */
void host_rebind(struct host *h, struct arena *arena, const struct bindings *bindings);

/* Others that follow executions here. */
size_t host_followers(const struct host *h);

/* What was left of an earlier process. */
struct children_found host_found(const struct host *h);

/* Until host_stop (true), a signal (INTERRUPTED), or the engine is dead (its
 * reason). When it returns, no child process is left. */
MUST_CHECK bool host_run(struct host *h, struct err *reterr);

/* From within a callback of the engine. Nested executions that are being started or
 * stopped are seen through. */
void host_stop(struct host *h);

#endif
