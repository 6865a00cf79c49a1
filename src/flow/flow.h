/* The functional core: (run, input) -> (run, history events, effects).
 *
 * Pure: no clock, I/O, globals, threads or randomness; time and seeds arrive in
 * the input. The same run, input and rules version give the same events on
 * every machine. That is what makes recovery, dry runs and simulation the same
 * code as production.
 *
 * One call of flow_turn is one *turn*: everything that follows from an input
 * until the run waits for something outside (it is *parked*), or until a bound
 * is reached (`more`: call again with FLOW_CONTINUE, behind other work). The
 * caller commits the turn's events and only then performs its effects. When the
 * commit fails, the run object is of no use any more: drop it and load it anew.
 *
 * Effects can be derived from a run at any time (flow_tasks, flow_wake), which
 * is how recovery redoes them; receivers are idempotent by (execution, step,
 * attempt).
 *
 * Ownership: a run owns everything it refers to, but borrows its machine and
 * identity. What a turn gives lies in the arena passed and in the run, and is
 * valid until the next turn. Threads: one at a time per run.
 */
#ifndef PAWL_FLOW_FLOW_H
#define PAWL_FLOW_FLOW_H

#include "asl/machine.h"
#include "flow/event.h"
#include "flow/recovery.h"

enum {
    FLOW_RULES_VERSION = 1,    /* grows when the same input would decide otherwise */
    EXPRESS_SECONDS_MAX = 300, /* limit express_seconds_max, AWS's: an Express run is timed out */
};

struct flow_limits {
    size_t payload_max;      /* bytes of one input or output; over it: States.DataLimitExceeded */
    size_t assign_max;       /* bytes of the variables that one state assigns */
    size_t variables_max;    /* bytes of all variables that a state sees */
    size_t history_max;      /* events with an id; over it: the execution fails */
    size_t memory_max;       /* bytes one turn's evaluations may add */
    uint32_t frames_max;     /* branches and iterations alive at once */
    size_t turn_states_max;  /* states entered in one turn */
    size_t turn_bytes_max;   /* bytes of one turn's row, about */
    bool jsonata_documented; /* refuse what is newer than JSONata 2.0.6 */
    size_t jsonata_depth; /* nesting of evaluations in a JSONata expression; 0: JSONATA_DEPTH_MAX */
    size_t jsonata_held;  /* bytes of one value in it, by AWS's measure; 0: no bound */
};

/* The defaults, and those of aws_limits: strict (256 KiB, 256 KiB, 10 MiB and 25,000
 * for the first four). */
struct flow_limits flow_limits_default(void);
struct flow_limits flow_limits_aws(void);

/* Who a run is; borrowed for the run's life. */
struct flow_identity {
    int64_t key;
    struct str execution_arn, name, machine_arn, machine_name, role_arn;
    struct str region, account;
    const uint8_t *secret; /* 32 bytes: the key of task tokens; NULL: they are not sealed, and
                              nobody can answer by one */
    bool express;
};

enum flow_status {
    FLOW_RUNNING,
    FLOW_SUCCEEDED,
    FLOW_FAILED,
    FLOW_TIMED_OUT,
    FLOW_ABORTED,
};

struct run;

/* A run before its first turn. Owned: run_free. */
struct run *run_new(const struct machine *machine, const struct flow_identity *identity,
                    const struct flow_limits *limits);
/* The same run, which from here on goes its own way under these limits. It shares the other's
 * values and texts, which must outlive it. Owned: run_free. */
struct run *run_clone(const struct run *from, const struct flow_identity *identity,
                      const struct flow_limits *limits);
void run_free(struct run *run);

/* ---- turns ---- */

/* Stored with each turn: why it happened. Never reuse a number. */
enum flow_cause {
    FLOW_START = 1,          /* the first turn */
    FLOW_CONTINUE = 2,       /* go on after a bounded turn */
    FLOW_WAKE = 3,           /* timers that are due */
    FLOW_TASK_RESULT = 4,    /* a task answered */
    FLOW_STOP = 5,           /* StopExecution */
    FLOW_CHILD_ENDED = 6,    /* an execution that a task started and waits for has ended */
    FLOW_TASK_STARTED = 7,   /* a worker takes an activity's task */
    FLOW_TOKEN_RESULT = 8,   /* whoever has the task's token answered */
    FLOW_HEARTBEAT_LOST = 9, /* no sign of life within HeartbeatSeconds */
    FLOW_RECOVER = 10,       /* an ended execution goes on */
    FLOW_PAUSE = 11,         /* no further state is to be entered */
    FLOW_UNPAUSE = 12,
    FLOW_REVIEW = 13, /* a person decided */
    FLOW_CANCEL = 14, /* a graceful end */
    FLOW_NOTE = 15,   /* something to be remembered, whatever the status: `log` */
    FLOW_CAUSE_LAST = FLOW_NOTE,
};

struct flow_input {
    enum flow_cause why;
    struct wall_ms now; /* the turn's time; taken as not below the previous turn's */
    uint64_t seed;
    struct json value; /* START: the input; TASK_RESULT, TOKEN_RESULT with ok: the result;
                        * CHILD_ENDED: the child as DescribeExecution tells it, Input and Output
                        * as JSON */
    /* TASK_RESULT, CHILD_ENDED, TASK_STARTED, TOKEN_RESULT, HEARTBEAT_LOST */
    uint32_t step, attempt; /* REVIEW: the step, or STEP_NO_NONE: the one that waits */
    bool ok;                /* REVIEW: approved; value: changes, an object or absent */
    struct json log;        /* kept with the attempt; may be absent */
    /* TASK_RESULT, TOKEN_RESULT, REVIEW without ok; STOP; PAUSE, CANCEL: the reason is the cause */
    bool has_error, has_cause;
    struct str error, cause;
    /* TASK_STARTED: the worker's name; PAUSE, UNPAUSE, REVIEW, CANCEL: who. May be empty */
    struct str worker;
    bool again; /* the task was taken, but never reached its worker */
    /* RECOVER; START of a fork, else NULL */
    const struct flow_recovery *recovery;
};

enum flow_effect_kind {
    FLOW_TASK_START,  /* hand out the task */
    FLOW_TASK_TAKEN,  /* a worker took the activity's task: give it payload and token */
    FLOW_TASK_CANCEL, /* it is not wanted any more */
    FLOW_ENDED,       /* the execution ended */
};

struct flow_effect {
    enum flow_effect_kind kind;
    uint32_t step, attempt;
    const struct state *state;
    struct json payload; /* TASK_START, TASK_TAKEN: what the resource is given */
    const struct resource *resource;
    struct str function; /* the function's name or ARN that is called, for lambda kinds */
    struct str token;
    bool by_token;  /* only who has the token answers it: an activity, .waitForTaskToken */
    bool submitted; /* of flow_tasks: it is out and nothing is to be handed out again: a worker has
                   it, or what was called has answered for itself */
    struct wall_ms deadline;   /* .ms 0: none */
    int64_t heartbeat_seconds; /* 0: none */
};

struct flow_turn {
    bool accepted; /* false: the input does not fit (an old task's result...); nothing changed */
    bool awaited;  /* of an input for a task: the task was there to take it. A turn may be accepted
                      without: the execution was out of time */
    bool more;     /* a bound was reached: call again with FLOW_CONTINUE */
    uint32_t number;
    struct wall_ms at;
    const struct flow_event *events;
    size_t event_count;
    const struct json *values; /* what slots of this turn refer to */
    size_t value_count;
    const struct flow_effect *effects;
    size_t effect_count;
};

/* Never fails: what goes wrong in a workflow is data of the workflow. */
void flow_turn(struct run *run, const struct flow_input *input, struct arena *arena,
               struct flow_turn *ret_turn);

/* Applies a turn's recorded events without evaluating anything. The slots'
 * values must outlive the run or lie in its arena (run_arena). Errors: CORRUPT
 * when they do not fit the run. */
MUST_CHECK bool flow_fold(struct run *run, uint32_t turn, struct wall_ms at,
                          struct flow_event *events, size_t count, struct err *reterr);

struct arena *run_arena(struct run *run);

/* ---- looking at a run ---- */

const struct machine *run_machine(const struct run *run);
const struct flow_identity *run_identity(const struct run *run);
enum flow_status run_status(const struct run *run);
uint32_t run_turns(const struct run *run); /* the next turn's number */
struct wall_ms run_started_at(const struct run *run);
struct wall_ms run_stopped_at(const struct run *run);
struct json run_input(const struct run *run);
struct json run_output(const struct run *run); /* absent unless succeeded */
/* false: absent. */
bool run_error(const struct run *run, struct str *ret_error);
bool run_cause(const struct run *run, struct str *ret_cause);

/* How many events of its history have an id, which is what history_max bounds. Items of a
 * distributed Map have histories of their own. */
uint32_t run_history_count(const struct run *run);

/* How often it was redriven, and when last (.ms 0: never). */
uint32_t run_redrive_count(const struct run *run);
struct wall_ms run_redriven_at(const struct run *run);

struct flow_pause {
    bool asked; /* no further state is entered */
    bool quiet; /* and nothing is under way any more: it is paused */
    enum pause_why why;
    struct str text; /* the reason, the step or the phase */
};
struct flow_pause run_pause(const struct run *run);

/* A step that waits for a person. */
struct flow_review {
    uint32_t step;
    const struct state *state;
    struct wall_ms entered_at, expires_at; /* expires_at.ms 0: never */
    struct str message;                    /* may be empty */
    struct json data;                      /* what changes would be merged into */
};
/* In the arena; their data lie with the run. */
size_t run_reviews(const struct run *run, struct arena *arena,
                   const struct flow_review **ret_reviews);

/* Was it cancelled, and cleans up before it ends? */
bool run_canceling(const struct run *run);

/* Is one step being carried out again, after the end? */
bool run_rerun(const struct run *run, uint32_t *ret_step);

/* Is there work that needs no input from outside (after a bounded turn)? */
bool run_is_ready(const struct run *run, struct wall_ms now);

/* The earliest timer or deadline; .ms 0: none. */
struct wall_ms flow_wake(const struct run *run);

/* The attempt of a step's task that is outstanding; 0: none is. */
uint32_t run_task_attempt(const struct run *run, uint32_t step);

/* Is any task outstanding? */
bool run_has_tasks(const struct run *run);

/* The tasks outstanding, as effects, in the arena: for recovery. */
size_t flow_tasks(const struct run *run, struct arena *arena, const struct flow_effect **ret_tasks);

/* Whether the holder of a task's token may answer it, or send heartbeats. */
bool flow_token_awaited(const struct run *run, uint32_t step, uint32_t attempt);

/* What a task token says; false: it is none that this secret has sealed. */
struct flow_task_key {
    int64_t execution;
    uint32_t step, attempt;
};
MUST_CHECK bool flow_token_read(struct arena *scratch, struct str token,
                                const uint8_t secret[static 32], struct flow_task_key *ret_key);

/* "Split/1/Each/7": the states on the way to a frame, each with its branch or
 * item; "" for the top level. Events carry it too (flow_event.path). */
struct str run_frame_path(const struct run *run, uint32_t frame);

/* What a frame's next state, or the one it is in, is given; absent: no such frame. */
struct json run_frame_input(const struct run *run, uint32_t frame);
/* The variables that it sees, in one object, in the arena; absent: none. */
struct json run_frame_vars(const struct run *run, uint32_t frame, struct arena *a);
/* Of the nearest Map around it. False: there is none. */
bool run_frame_item(const struct run *run, uint32_t frame, struct json *ret_item,
                    uint32_t *ret_index);

/* Everything a run is, as text: two runs with equal dumps behave alike. For
 * snapshots' tests and the fold property. */
void run_dump(const struct run *run, struct buf *to);

#endif
