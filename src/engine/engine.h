/* The imperative shell: loads runs, calls the core, commits, then performs.
 *
 * The engine is driven, not self-driving: it has an inbox of commands, task
 * results and store completions, and engine_step does what can be done now. It
 * owns no thread and no loop; os/ and main give it those, and a test drives it
 * under virtual time with a faulty store. Order of every turn: decide (flow/),
 * encode (journal/), commit (store/), and only when the commit is durable
 * replies, followers and tasks.
 *
 * Ownership: what is passed in is borrowed for the engine's life (store, clock,
 * task port) or for the call (requests). Threads: one.
 * Source: DESIGN.md sections 3 and 8; docs/adr/0007-engine.md.
 */
#ifndef PAWL_ENGINE_ENGINE_H
#define PAWL_ENGINE_ENGINE_H

#include "flow/flow.h"
#include "journal/journal.h"
#include "store/store.h"

enum {
    ENGINE_RUNS_LIVE_MAX = 1024,      /* limit runs_live_max: runs kept in memory; others are loaded when needed */
    ENGINE_INPUT_SIZE_MAX = 64 << 20, /* limit input_max: bytes of an execution's input */
};

/* Where tasks go: task/ in production, a script in tests. */
struct engine_task_port {
    void *arg;
    /* The effect and what it refers to are borrowed during the call. The answer
     * comes back by engine_task_result, never from inside start. */
    void (*start)(void *arg, const struct flow_identity *who, const struct flow_effect *task);
    void (*cancel)(void *arg, int64_t execution, uint32_t step, uint32_t attempt);
};

struct engine_options {
    struct store *store;
    org_id org;
    uint64_t seed; /* of ids and of the turns' seeds; from os/entropy in production */
    struct str region, account; /* empty: us-east-1, 000000000000 */
    struct flow_limits limits;
    struct engine_task_port tasks;
    bool advance_all; /* false: only executions started or resumed here advance; others stay parked */
};

struct engine;

/* Claims the store's shards. Errors: those of store_claim_all. Owned: engine_free. */
MUST_CHECK bool engine_new(const struct engine_options *options, struct engine **ret_engine,
                           struct err *reterr);
void engine_free(struct engine *e);

/* Does what can be done at these times: store completions, due timers, queued
 * commands. True while there is more to do at once; engine_wake says when to
 * come back otherwise. */
bool engine_step(struct engine *e, struct wall_ms wall, struct mono_ns mono);

/* When the next timer is due; .ms 0: none armed. */
struct wall_ms engine_wake(const struct engine *e);

/* Nothing queued, nothing waiting for the store. */
bool engine_idle(const struct engine *e);

/* After an IO error of the store the engine is dead: exit and recover. */
bool engine_dead(const struct engine *e, struct err *ret_why);

/* ---- commands; each answers through its reply, after the commit ---- */

struct engine_reply {
    const struct err *err; /* NULL: done */
    execution_key key;
    struct str execution_arn, name;
    bool already; /* start: this very execution existed (same name, machine and input) */
};
typedef void engine_replied(void *arg, const struct engine_reply *reply);

struct engine_start {
    struct str machine_name; /* created or brought up to date with the definition */
    struct str definition;   /* text; checked by the caller (asl/compile.h), compiled again here */
    struct str name;         /* the client's execution name; empty: the id */
    struct str input;        /* JSON text */
    struct str role_arn;
};
/* Errors: INVALID_DEFINITION, INVALID_INPUT, TOO_LARGE, CONFLICT (the name is
 * taken by another input), and the store's. */
void engine_start(struct engine *e, const struct engine_start *start, engine_replied *replied,
                  void *arg);

/* Loads a run that is RUNNING in the store and goes on with it: tasks and timers
 * are derived again. An ended one answers at once. */
void engine_resume(struct engine *e, execution_key key, engine_replied *replied, void *arg);

void engine_stop(struct engine *e, execution_key key, struct str error, struct str cause,
                 engine_replied *replied, void *arg);

struct engine_task_result {
    int64_t execution;
    uint32_t step, attempt;
    bool ok;
    struct json output; /* when ok */
    bool has_error, has_cause;
    struct str error, cause;
    struct json log; /* kept with the attempt; may be absent */
};
/* Everything is copied. A result that is not awaited any more is dropped. */
void engine_task_result(struct engine *e, const struct engine_task_result *result);

/* ---- following ---- */

/* Called after each durable turn of any run that the engine advances. */
typedef void engine_followed(void *arg, const struct run *run, execution_key key,
                             const struct flow_event *events, size_t count, struct wall_ms at);
void engine_follow(struct engine *e, engine_followed *followed, void *arg);

#endif
