/* The durable store: turns, executions and machines, behind one set of calls.
 *
 * Everything is *submitted* and later *completed*: store_commit and store_read
 * only queue; store_step calls the completions, in the owner's thread and never
 * from inside a submit. A store may work in threads of its own: then store_step
 * waits for nothing, a wake-up tells when there is something to step for, and
 * store_wait is for those who have no loop to be woken. Commits of different
 * shards may complete in any order, those of one shard in the order submitted;
 * a read sees at least what was completed before it was submitted.
 *
 * A commit is one transaction: all of its writes or none, durable (fsync) before
 * it completes with success. It carries the epoch of its shard; a commit whose
 * epoch is no longer the shard's is refused (STALE), and the key (execution,
 * turn) refuses a second writer (CONFLICT). A refused commit leaves nothing
 * behind and spoils no other. After IO the store is dead: every later call
 * completes with IO, and the process must exit and recover.
 *
 * Every call takes an organization and sees nothing of any other.
 *
 * Errors, besides those named at each kind: DISK_FULL, BUSY (another process
 * holds the store's own lock for too long), PERMISSION (opened for reading only,
 * or become read-only), TOO_LARGE and INVALID_INPUT (a limit below), CORRUPT
 * (what is stored is not what was written; names the execution and the turn;
 * the rest stays readable), MEMORY_LIMIT (a row is larger than the room left in
 * the read's arena).
 *
 * Ownership: what is submitted is borrowed until its completion; what a read
 * gives lies in the arena that the read named.
 * Threads: one thread, the owner's, per store object; only the wake-up may be
 * called from others. Reads see committed turns only.
 * Source: docs/adr/0005-store.md.
 */
#ifndef PAWL_STORE_STORE_H
#define PAWL_STORE_STORE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/time.h"
#include "base/uuid.h"

enum {
    SHARD_COUNT = 256,
    STORE_READ_ROWS_MAX = 1000,      /* rows in one page of any list */
    STORE_READ_BYTES_MAX = 4 << 20,  /* bytes of bodies in one page, one row at least */
    STORE_READ_SCAN_MAX = 20000,     /* rows looked at for one page of a filtered list */
    STORE_BODY_SIZE_MAX = 256 << 20, /* bytes of one turn, snapshot or definition */
    STORE_OBJECT_SIZE_MAX = 1 << 20, /* bytes of the body of an object or a machine */
    STORE_TEXT_SIZE_MAX = 2048,      /* bytes of any other text: ARNs, names of machines */
    STORE_NAME_MAX = 80,             /* characters of a name chosen by a client */
    STORE_SECRET_SIZE = 32,
};

/* 0 is the default organization; parts to come bring more. */
typedef uint32_t org_id;

/* An execution's key: 48 bits of UTC milliseconds, then 15 of a counter, so that
 * new ones append. Its UUIDv7 holds the same bits: no index leads from one to
 * the other. Keys are above 0. */
typedef int64_t execution_key;

/* Of the counter the low 15 bits count: whoever makes more than 32,768 in one
 * millisecond takes the next. */
execution_key execution_key_make(struct wall_ms at, uint32_t counter);
/* Sorts as the key does; 59 bits of it are `random`'s. */
struct uuid execution_uuid(execution_key key, uint64_t random);
/* false: not a UUID that execution_uuid made. */
bool execution_key_of_uuid(struct uuid u, execution_key *ret_key);

enum {
    EXECUTION_PREFIX_MIN = 4, /* characters: fewer are the same for months */
};

/* The keys, from *ret_from to below *ret_to (0: all above), of the executions whose id
 * may begin with this text, whatever the case. False: no id begins so. */
bool execution_prefix(struct str prefix, execution_key *ret_from, execution_key *ret_to);
bool execution_id_begins(struct uuid id, struct str prefix);

/* The shard that decides about an execution: hash of machine ARN and name, the
 * same on every machine and for ever. */
uint32_t shard_of(struct str machine_arn, struct str execution_name);

#define EXECUTION_STATUS_TABLE(X)                                                                  \
    X(RUNNING, 0)                                                                                  \
    X(SUCCEEDED, 1)                                                                                \
    X(FAILED, 2)                                                                                   \
    X(TIMED_OUT, 3)                                                                                \
    X(ABORTED, 4)

enum execution_status {
#define EXECUTION_STATUS_ENUM(name, number) EXECUTION_##name = number,
    EXECUTION_STATUS_TABLE(EXECUTION_STATUS_ENUM)
#undef EXECUTION_STATUS_ENUM
    EXECUTION_STATUS_COUNT
};

/* "RUNNING", ... */
const char *execution_status_name(enum execution_status status);

/* What an execution is to the one that it was made of. number, name, what it says */
#define EXECUTION_RELATION_TABLE(X)                                                                \
    X(NONE, 0, "")                                                                                 \
    X(REUSES, 1, "reuses")     /* takes over what had been done in it */                           \
    X(RESTARTS, 2, "restarts") /* of the same revision and input */

enum execution_relation {
#define EXECUTION_RELATION_ENUM(name, number, word) RELATION_##name = number,
    EXECUTION_RELATION_TABLE(EXECUTION_RELATION_ENUM)
#undef EXECUTION_RELATION_ENUM
    RELATION_COUNT
};

/* "reuses", ... */
const char *execution_relation_name(enum execution_relation relation);

/* ---- rows ---- */

struct machine_row {
    struct str name; /* unique in the organization */
    struct str arn;
    uint8_t definition[SHA256_SIZE]; /* the current revision's hash */
    struct wall_ms created_at, updated_at;
    struct str body; /* JSON text that means nothing to the store; empty: none, and a put without
                      * one leaves the one that stands there */
};

/* Something of the catalog: a version, an alias, an activity. The store knows its place
 * and how often it was written, and nothing of what it means. */
struct object_row {
    struct str kind, name; /* unique together in the organization */
    uint64_t revision;     /* 1 when it is new; each put adds one */
    struct str body;       /* JSON text */
    struct wall_ms created_at;
};

struct execution_row {
    execution_key key;
    struct uuid id;
    struct str name;   /* the client's, or the id as text */
    bool client_named; /* only then it stands in the names table; never when it is express */
    struct str arn, machine_arn, machine_name;
    uint8_t definition[SHA256_SIZE];
    uint32_t shard;
    enum execution_status status;
    struct wall_ms started_at, stopped_at; /* stopped_at.ms 0: not yet */
    struct wall_ms wake_at;                /* earliest deadline; .ms 0: none */
    uint32_t turns;                        /* committed so far; not asked of STORE_START */
    execution_key parent;                  /* 0: none */
    uint32_t parent_task, map_run;
    struct str role_arn; /* empty: none was named */
    struct str origin;   /* JSON text that means nothing to the store; empty: none */
    bool express;
    uint32_t redrive_count;     /* how often it went on after it had ended */
    struct wall_ms redriven_at; /* the last time; .ms 0: never */
    execution_key related;      /* the one that it was made of; 0: of none */
    enum execution_relation relation;
};

struct turn_row {
    execution_key key;
    uint32_t turn; /* 0, 1, 2 ... without gaps */
    uint16_t rules_version;
    uint8_t cause;     /* enum flow_cause */
    struct wall_ms at; /* never below the previous turn's */
    struct str body;   /* compact JSON text; journal/ knows what it holds */
    uint64_t checksum; /* of the body: written by the caller, checked by journal/ */
};

struct snapshot_row {
    execution_key key;
    uint32_t turn; /* the first turn that is not in it */
    struct str body;
    uint64_t checksum;
};

/* ---- commits ---- */

enum store_write_kind {
    STORE_PUT_DEFINITION, /* hash, text, outline; the same hash again is no change, but for an
                           * outline that was missing */
    STORE_PUT_MACHINE,    /* insert, or replace by name */
    STORE_START,          /* insert an execution; CONFLICT when the client's name is taken on the
                           * machine, or the key at all */
    STORE_APPEND_TURN,    /* CONFLICT unless turn == the execution's turns; NOT_FOUND */
    STORE_SET_PROGRESS,   /* status, stopped_at, wake_at of an execution, which may be RUNNING again
                           * after it had ended; and how often it was redriven; NOT_FOUND */
    STORE_PUT_SNAPSHOT,   /* replaces; NOT_FOUND without its execution */
    STORE_DELETE_MACHINE, /* by name; its executions and their definitions stay; NOT_FOUND */
    STORE_PUT_OBJECT,     /* insert when its revision is 0, else replace the one of this revision:
                           * CONFLICT when it is another's turn. A replaced one keeps created_at. */
    STORE_DELETE_OBJECT,  /* the one of this revision (0: of any); CONFLICT, NOT_FOUND */
};

struct store_write {
    enum store_write_kind kind;
    org_id org;
    union {
        struct {
            uint8_t hash[SHA256_SIZE];
            struct str text;
            struct str outline; /* JSON for people who query the store by SQL: never read by it
                                 * again; empty: none */
        } definition;
        struct machine_row machine;
        struct execution_row start;
        struct turn_row turn;
        struct {
            execution_key key;
            enum execution_status status;
            struct wall_ms stopped_at, wake_at;
            struct wall_ms redriven_at; /* .ms 0: it and the count stay as they are */
            uint32_t redrive_count;
        } progress;
        struct snapshot_row snapshot;
        struct str machine_name;  /* of STORE_DELETE_MACHINE */
        struct object_row object; /* revision: the one that is expected to stand there */
    } u;
};

/* err is NULL on success, and borrowed. Runs inside store_step. */
typedef void store_done(void *arg, const struct err *err);

/* Writes see those before them in the same commit. */
struct store_commit {
    uint32_t shard;
    uint64_t epoch;
    const struct store_write *writes;
    size_t count;
    store_done *done;
    void *arg;
    struct store_commit *next; /* the store's own until it is complete, as is the next */
    struct err *refusal;
};

/* ---- reads ---- */

enum store_read_kind {
    STORE_GET_DEFINITION, /* by hash: text; NOT_FOUND */
    STORE_GET_MACHINE,    /* by name: one machine; NOT_FOUND */
    STORE_LIST_MACHINES,  /* by name, after `name` (empty: from the first) */
    STORE_GET_EXECUTION,  /* by key: one execution; NOT_FOUND */
    STORE_FIND_NAMED, /* executions with the client's `name`, on any machine or on `machine_arn` */
    STORE_LIST_EXECUTIONS, /* newest first, below `key` (0: from the newest); optional status */
    STORE_LIST_WAKES,      /* RUNNING with wake_at in (0, `until`], by wake_at and then key,
                            * after (`since`, `key`) */
    STORE_LIST_RUNNING,    /* RUNNING, by key, above `key`; optional shard: recovery */
    STORE_LIST_RELATED,    /* made of the execution `related`, by key, above `key` */
    STORE_GET_TURNS,       /* of one execution, from `turn` on, in order; none of an unknown one */
    STORE_GET_SNAPSHOT,    /* absent: found is false */
    STORE_GET_OBJECT,      /* by object_kind and name: one object; NOT_FOUND */
    STORE_LIST_OBJECTS,    /* of object_kind, names that begin with `prefix`, by name, after `name`
                            * (empty: from the first); backwards: before it (empty: from the last) */
    STORE_COUNT_MACHINES,  /* count: how many there are, and no rows */
    STORE_COUNT_OBJECTS,   /* the same of object_kind */
    STORE_READ_KIND_COUNT
};

#define STORE_ANY_STATUS (-1)
#define STORE_ANY_SHARD UINT32_MAX

struct store_read {
    enum store_read_kind kind;
    org_id org;
    /* asked */
    uint8_t hash[SHA256_SIZE];
    struct str name, machine_arn, object_kind, prefix;
    bool backwards;
    execution_key key, related;
    uint32_t turn;
    int status; /* enum execution_status or STORE_ANY_STATUS */
    uint32_t shard;
    struct wall_ms since, until;
    size_t rows_max; /* 0, or more than that: STORE_READ_ROWS_MAX */
    struct arena *arena;
    /* answered */
    bool found, more;   /* more: the page ended before the rows did */
    execution_key next; /* in lists by key, when more: ask for the next page with this key. A page
                         * of a filtered list may be empty and still have more. After CORRUPT it is
                         * that of the damaged row, so that a list can go on behind it. */
    struct str text;
    struct machine_row *machines;
    struct execution_row *executions;
    struct turn_row *turns;
    struct object_row *objects;
    struct snapshot_row snapshot;
    size_t count;
    store_done *done;
    void *arg;
    struct store_read *next_read; /* the store's own until it is complete, as is the next */
    struct err *refusal;
};

/* ---- the store ---- */

struct store;

/* Owned; open functions stand in sqlite/sqlite_store.h, memory/memory_store.h. */
void store_close(struct store *s);

void store_commit(struct store *s, struct store_commit *c);
void store_read(struct store *s, struct store_read *r);

/* Completes what is done, and does what is to be done in this thread. `now` lets a
 * store that delays on purpose know the time. True while anything that was
 * submitted is not complete: not a reason to step again at once, store_ready is. */
bool store_step(struct store *s, struct mono_ns now);

/* Would a step do something now? */
bool store_ready(struct store *s);

/* Called whenever store_ready becomes true, from any thread, the owner's and inside
 * a submit included: it must do no more than get the owner to step soon
 * (uv_async_send), and call nothing of the store. NULL: nobody; once that is set,
 * none is running any more. */
typedef void store_wakeup(void *arg);
void store_set_wakeup(struct store *s, store_wakeup *wakeup, void *arg);

/* Blocks until store_ready, at most so long (negative: for ever); at once when
 * nothing is submitted. Returns store_ready. */
bool store_wait(struct store *s, int timeout_ms);

/* Forgets what was submitted and is not complete: it never completes, and nothing
 * of it is looked at any more once this returns. What a commit of it was to write
 * is written or not. For owners that end before their store does. */
void store_abandon(struct store *s);

/* After IO. ret_why, which may be NULL, is filled when it is true. */
bool store_dead(const struct store *s, struct err *ret_why);

/* Claims a shard: its epoch grows by one, durably; older epochs are STALE from
 * now on. Synchronous: called at opening only. */
MUST_CHECK bool store_claim(struct store *s, uint32_t shard, uint64_t *ret_epoch,
                            struct err *reterr);
/* All of them in one transaction. */
MUST_CHECK bool store_claim_all(struct store *s, uint64_t ret_epochs[static SHARD_COUNT],
                                struct err *reterr);

/* STORE_SECRET_SIZE random bytes, given at creation and kept: the key of task
 * tokens. Borrowed. */
const uint8_t *store_secret(const struct store *s);

#endif
