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
#include "recovery/plan.h"
#include "store/store.h"

enum {
    ENGINE_RUNS_LIVE_MAX = 1024,   /* limit runs_live_max: runs in memory at once */
    ENGINE_MEMORY_MAX = 512 << 20, /* limit memory_max: bytes of the runs in memory */
    ENGINE_SNAPSHOT_MIN = 16 << 10,
    ENGINE_EXPRESS_MEMORY_MAX = 64 << 20, /* limit express_memory_max */
    ENGINE_INPUT_SIZE_MAX = 64 << 20,     /* limit input_max: bytes of an execution's input */
    ENGINE_ACTIVITY_TASKS_MAX = 1 << 16,  /* limit activity_tasks_max: of one activity, waiting in
                                             memory; the others wait on disk */
    ENGINE_STORY_MEMORY_MAX = 128 << 20,  /* limit recovery_memory_max: what the history of one
                                             execution may take while its recovery is planned */
    ENGINE_CHECKS_MAX = 1000,    /* limit recovery_checks_max: x-verify checks of one plan */
    ENGINE_SAID_SIZE_MAX = 2048, /* bytes kept of what a check said */
};

/* An x-verify command, to be run for a recovery. Everything is borrowed during the call. */
struct engine_check {
    uint64_t id; /* of this check in this engine; never 0 */
    const struct execution_row *execution;
    const struct state *state;
    uint32_t step;
    const struct verify_fields *fields;
};

struct engine_check_result {
    uint64_t id;
    bool ran;        /* false: it could not be started, or took too long: why is in `said` */
    int exit_status; /* 0: it is as it should be */
    struct str said; /* the end of what it wrote */
};

/* Where tasks go, but those of activities: task/ in production, a script in tests. */
struct engine_task_port {
    void *arg;
    /* Everything is borrowed during the call. The answer comes back by
     * engine_task_result, never from inside start. */
    void (*start)(void *arg, const struct execution_row *execution, const struct flow_identity *who,
                  const struct flow_effect *task);
    void (*cancel)(void *arg, execution_key key, uint32_t step, uint32_t attempt);
    /* Runs a check, which changes nothing outside; answered once by engine_check_result, never
     * from inside. NULL: none can be run here, and plans that need one are refused. */
    void (*check)(void *arg, const struct engine_check *check);
};

/* Trouble that no reply can carry: a run that cannot be read (it stays as it
 * is), or a commit that was refused and will be tried again at `again_at`
 * (.ms 0: never), or a snapshot that is of no use (its journal is read now). */
typedef void engine_troubled(void *arg, execution_key key, const struct err *err,
                             struct wall_ms again_at);

struct engine_options {
    struct store *store;
    org_id org;
    uint64_t seed;              /* of ids and of the turns' seeds; from os/entropy in production */
    struct str region, account; /* empty: us-east-1, 000000000000 */
    struct flow_limits limits;
    struct engine_task_port tasks;
    engine_troubled *troubled; /* may be NULL */
    void *troubled_arg;
    /* Runs that wait leave memory when there are more, or take more, and come back when
     * something is to be done. Only what is at work counts against a start: too many refuse
     * it, and while they take too much memory it waits, as do runs that are to come back. */
    size_t runs_live_max;      /* 0: ENGINE_RUNS_LIVE_MAX */
    size_t memory_max;         /* 0: ENGINE_MEMORY_MAX */
    size_t activity_tasks_max; /* 0: ENGINE_ACTIVITY_TASKS_MAX */
    /* Express runs at once, which stay in memory as long as they live; 0: half of runs_live_max */
    size_t express_live_max;
    size_t express_memory_max; /* bytes of one Express run; 0: ENGINE_EXPRESS_MEMORY_MAX */
    size_t story_memory_max;   /* 0: ENGINE_STORY_MEMORY_MAX */
    int64_t redrive_window_ms; /* RedriveExecution: so long after the end (AWS: 14 days); 0: always
                                */
    bool express_keep;         /* Express runs leave their history behind (express_history: keep) */
    size_t snapshot_min;       /* bytes of journal worth a snapshot; 0: ENGINE_SNAPSHOT_MIN */
    bool checks_due;  /* checks of recoveries that were to be made again when the process before
                       * ended are made, by tasks.check */
    bool advance_all; /* false: only executions started or resumed here advance; others stay parked
                       */
    bool verify;      /* fold every committed turn into a second run and compare: for tests */
};

struct engine;

/* Claims the store's shards. With advance_all, every execution that is RUNNING
 * in the store goes on: those with work to do or tasks out are loaded at once, as many
 * at a time as runs_live_max allows, and the others when their time has come.
 * Errors: those of store_claim_all. Owned: engine_free, which makes the store
 * abandon what it still holds: all of that is this engine's. */
MUST_CHECK bool engine_new(const struct engine_options *options, struct engine **ret_engine,
                           struct err *reterr);
void engine_free(struct engine *e);

/* Of a shard, for commits of others who live in the same process. */
uint64_t engine_epoch(const struct engine *e, uint32_t shard);

/* Does what can be done at these times: store completions, due timers, queued
 * commands. True while there is more to do at once; otherwise engine_wake says
 * when to come back, and the store's wake-up when it is earlier. */
bool engine_step(struct engine *e, struct wall_ms wall, struct mono_ns mono);

/* When the next timer is due; .ms 0: none armed. */
struct wall_ms engine_wake(const struct engine *e);

/* Nothing queued, nothing waiting for the store: all runs are parked or ended. */
bool engine_idle(const struct engine *e);

/* What was under way when the store was opened has been found and loaded. */
bool engine_recovered(const struct engine *e);

/* Are children being started or stopped for their parents, or checks made again after a
 * recovery? Whoever would let the engine go because an execution has ended waits for that. */
bool engine_minds_children(const struct engine *e);

/* Are the checks of a recovery of this execution made again after its end, or to be? Its last
 * turn has landed when they are not any more. */
bool engine_checks_again(const struct engine *e, execution_key key);

struct engine_stats {
    size_t runs;           /* in memory */
    size_t express;        /* of them */
    size_t memory;         /* bytes, about: what memory_max bounds */
    size_t commits;        /* on their way */
    size_t commits_memory; /* bytes, about */
    size_t wakes;          /* known of runs that are not in memory */
};
struct engine_stats engine_stats(const struct engine *e);

/* Lets go of everything: outstanding tasks are cancelled through the port, later
 * calls and results do nothing, and every live execution stays RUNNING in the
 * store, to be resumed another time. What was committed stays committed. */
void engine_detach(struct engine *e);

/* RedriveExecution: so long after its end an execution may be redriven; 0: always. */
int64_t engine_redrive_window(const struct engine *e);
/* ... and not at all with so many events in its history. */
bool engine_history_is_full(const struct engine *e, size_t events);

/* After an IO error of the store the engine is dead: exit and recover. */
bool engine_dead(const struct engine *e, struct err *ret_why);

/* What the store knows of a live run; NULL when it is none. Borrowed until the
 * next step. */
const struct execution_row *engine_execution(const struct engine *e, execution_key key);

/* ---- commands; each answers once through its reply: with success after the
 * commit, with an error perhaps at once ---- */

struct engine_reply {
    const struct err *err;                 /* NULL: done, and the rest is set */
    const struct execution_row *execution; /* borrowed; as of the commit that answered */
    const struct run *run;                 /* of a synchronous start: how it ended; borrowed */
    bool already;  /* start: this very execution is running (same name, machine and input) */
    bool accepted; /* by token: the task was awaited */
    const struct flow_effect *task; /* a poll: the task, now the worker's; borrowed */
};
typedef void engine_replied(void *arg, const struct engine_reply *reply);

struct engine_start {
    struct str machine_name; /* created or brought up to date with the definition */
    struct str machine_arn;  /* of this name; empty: in the engine's region and account */
    struct str definition;   /* text; checked by the caller (asl/compile.h), compiled again here */
    struct str name;         /* the client's execution name; empty: the id */
    struct str input;        /* JSON text */
    struct str role_arn;     /* empty: arn:aws:iam::<account>:role/pawl */
    struct str origin;       /* JSON text kept with the execution; means nothing to the engine */
    bool cataloged;          /* the store has the machine and the definition: neither is written */
    bool express;            /* in memory only, but for its start; its name need not be unique */
    bool sync; /* express, and not even that: the reply comes at its end, with its run */
    /* The execution that starts this one, and the order (index + 1) of its step that waits
     * for the end; 0: none. */
    execution_key parent;
    uint32_t parent_task;
    /* The execution that it is made of, by key; 0: none. With an empty definition it has that
     * one's machine, definition and role, and nothing is written into the catalog. */
    execution_key reuse;   /* takes over what had been done in it, as `recovery` says */
    execution_key restart; /* has its input, too */
    const struct recovery_request *recovery; /* what is skipped, and where it stops; NULL: nothing
                                              */
};
/* Everything is copied. A start is idempotent by its name: while the first is
 * RUNNING, a second with an equal input answers `already` and does nothing (it
 * does not make this engine advance a parked one: see engine_resume).
 * Errors: INVALID_DEFINITION, INVALID_INPUT, INVALID_JSON, TOO_LARGE, TOO_DEEP,
 * CONFLICT (the name is taken), BUSY (runs_live_max), and the store's. */
void engine_start(struct engine *e, const struct engine_start *start, engine_replied *replied,
                  void *arg);

/* ---- recovery: what was not right goes on, or is done again ---- */

/* `plan` is NULL when it could not be made; else it is borrowed, and so is what it refers
 * to. reply->err with a plan: it has problems, and nothing was done. reply->execution is the
 * one that goes on or was made; of what is only planned, the one that it is made of, or NULL. */
typedef void engine_planned(void *arg, const struct engine_reply *reply, const struct plan *plan);

/* Plans a RECOVERY_RESUME or RECOVERY_RERUN of an execution that has ended from its whole
 * journal, makes the x-verify checks of the steps that stay, and carries the plan out: then
 * answers when that is durable. When the execution has ended again the checks are made
 * again, and a turn (FLOW_NOTE) says how they went; should the process die before that, an
 * engine with checks_due does it.
 * With dry_run only the plan is made, with the problems that the checks found, and nothing
 * is changed or called but the checks.
 * Everything is copied. Errors: NOT_FOUND; CONFLICT (it runs, or a recovery of it is under
 * way: which one); INVALID_INPUT (the plan has problems: the first is said);
 * NOT_REDRIVABLE (of RedriveExecution, by AWS's rules, and of Express executions);
 * MEMORY_LIMIT (recovery_memory_max); and the store's. */
void engine_recover(struct engine *e, execution_key key, const struct recovery_request *request,
                    engine_planned *planned, void *arg);

/* What this start would do, fresh, or with `reuse` or `restart`. Changes nothing. Errors: as
 * those of engine_start and engine_recover. start->recovery may have mocks and the like. */
void engine_plan(struct engine *e, const struct engine_start *start, engine_planned *planned,
                 void *arg);

void engine_check_result(struct engine *e, const struct engine_check_result *result);

/* ---- control while it runs; `by` says who, and may be empty. Errors: NOT_FOUND; CONFLICT:
 * it is not in the state for it, and the message says what it is in ---- */

/* At the next step boundary; running tasks finish. run_pause tells when it is quiet. */
void engine_pause(struct engine *e, execution_key key, struct str reason, struct str by,
                  engine_replied *replied, void *arg);
void engine_unpause(struct engine *e, execution_key key, struct str by, engine_replied *replied,
                    void *arg);
/* Graceful: tasks are told, children stop, x-on-cancel runs; then it is ABORTED. */
void engine_cancel(struct engine *e, execution_key key, struct str reason, struct str by,
                   engine_replied *replied, void *arg);

struct engine_review {
    uint32_t step; /* STEP_NO_NONE: the only one that waits */
    bool approved;
    struct json changes;     /* approved: an object that is merged into the data, or absent */
    struct str error, cause; /* not approved: what Catch sees; empty: as x-review has it */
    struct str by;
};
void engine_review(struct engine *e, execution_key key, const struct engine_review *review,
                   engine_replied *replied, void *arg);

/* Someone else has written this machine in the store, or a version or alias of it, or
 * deleted it: the next start looks at it again. */
void engine_forget_machine(struct engine *e, struct str machine_name);

/* Loads a run that is RUNNING in the store and goes on with it: tasks and timers
 * are derived again. An ended one answers just so: look at its status. */
void engine_resume(struct engine *e, execution_key key, engine_replied *replied, void *arg);

/* Aborts it; an ended one stays as it is and answers as such. Empty texts: none. */
void engine_stop(struct engine *e, execution_key key, struct str error, struct str cause,
                 engine_replied *replied, void *arg);

struct engine_task_result {
    execution_key execution;
    uint32_t step, attempt;
    bool ok;
    struct json output; /* when ok */
    bool has_error, has_cause;
    struct str error, cause;
    struct json log; /* kept with the attempt; may be absent */
};
/* Everything is copied. A result that is not awaited any more is dropped. */
void engine_task_result(struct engine *e, const struct engine_task_result *result);

/* ---- tokens: who was given one speaks for the task ---- */

/* The same from whoever has the task's token: an activity's worker, or anybody for
 * .waitForTaskToken. The execution is loaded for it. Answers `accepted` once that is
 * durable; without it the task does not wait any more: answered, timed out, or its
 * execution has ended. Errors: NOT_FOUND (no such execution), and as commands do. */
void engine_token_result(struct engine *e, const struct engine_task_result *result,
                         engine_replied *replied, void *arg);

/* A sign of life: HeartbeatSeconds begin anew. Answers as above, perhaps at once. */
void engine_token_heartbeat(struct engine *e, execution_key key, uint32_t step, uint32_t attempt,
                            engine_replied *replied, void *arg);

/* ---- workers of activities ---- */

/* Waits for a task of the activity, behind those who wait already. Answers once: with the
 * task once its ActivityStarted is durable, without one when the poll was ended, or with an
 * error, and then perhaps before this returns NULL. Texts are copied. Owned: until answered. */
struct engine_poll;
typedef void engine_polled(void *arg, const struct engine_reply *reply);
struct engine_poll *engine_poll_begin(struct engine *e, struct str activity_arn, struct str worker,
                                      engine_polled *polled, void *arg);

/* Waits no more. A task that is on its way to it still comes; when the worker is gone,
 * such a task goes to the next one instead, and nobody is called. */
void engine_poll_end(struct engine_poll *poll, bool gone);

/* How many wait at this activity. */
size_t engine_polls(const struct engine *e, struct str activity_arn);

/* ---- following ---- */

/* Called after each durable turn of any run that the engine advances. `execution` is as
 * this turn left it; the run may be further already, in turns that are not durable yet
 * and may never be: ask it for its output, error and cause only when `execution` says
 * that it has ended, and before that for its machine and identity alone. */
typedef void engine_followed(void *arg, const struct run *run,
                             const struct execution_row *execution, const struct flow_event *events,
                             size_t count, struct wall_ms at);
void engine_follow(struct engine *e, engine_followed *followed, void *arg);

/* Called when a start has written its machine into the store, or may have: whoever keeps
 * machines in mind looks again. */
typedef void engine_machine_written(void *arg);
void engine_on_machine(struct engine *e, engine_machine_written *written, void *arg);

#endif
