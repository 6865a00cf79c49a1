/* Private to flow/: what a run and a turn are made of. */
#ifndef PAWL_FLOW_FLOW_INTERNAL_H
#define PAWL_FLOW_FLOW_INTERNAL_H

#include "flow/flow.h"

#define FRAME_NONE UINT32_MAX

/* A slot whose value no turn holds yet; emit() gives it a place. */
#define SLOT_TURN_FRESH UINT32_MAX

/* Where a frame stands. Stored in snapshots: never reuse a number. */
enum frame_phase {
    FRAME_READY = 1,    /* about to enter `next`, or to end when there is none */
    FRAME_ENTERED = 2,  /* its state is to be carried out */
    FRAME_WAITING = 3,  /* a Wait state, until wake_ms */
    FRAME_TASK = 4,     /* a task is out; wake_ms is its deadline, if any */
    FRAME_RESULT = 5,   /* the task's result is there, to become the output */
    FRAME_CHILDREN = 6, /* a Parallel or Map in progress */
    FRAME_FAILED = 7,   /* an error is there, to be retried, caught or passed on */
    FRAME_RETRYING = 8, /* a retrier's delay, until wake_ms */
    FRAME_DONE = 9,     /* the branch or iteration ended well; data is its output */
    FRAME_REVIEW = 10,  /* a person is to decide, until wake_ms; result is what a task was given */
};

/* A Map state in progress; a Parallel uses `children`, `active` and `chain` only. */
struct fan_out {
    bool is_map,
        hidden; /* hidden: a distributed Map, whose iterations have histories of their own */
    uint32_t *children; /* frame ids by index; FRAME_NONE: not started, or ended */
    uint32_t count;     /* branches or items */
    uint32_t started, active, succeeded, failed;
    uint32_t chain;          /* previousEventId of the next iteration's start */
    int64_t concurrency;     /* 0: no bound */
    int64_t tolerated_count; /* -1: none given */
    double tolerated_percentage;
    struct slot items;
    struct slot *results; /* by index; absent: not yet, or failed */
};

struct frame {
    uint32_t id, parent, scope, index;
    enum frame_phase phase;
    uint32_t state, next;
    uint32_t step, attempt, generation;
    uint32_t entered_id; /* id of its state's StateEntered, for causes */
    uint32_t before_id;  /* what StateEntered points back to, of a state in JSONata; else 0 */
    uint32_t last_id;    /* what the next event of this frame points back to */
    uint32_t
        history; /* the frame that counts the event ids: 0, or an iteration of a distributed Map */
    uint32_t history_count; /* ids given out, when it is that frame itself */
    struct wall_ms entered_at;
    struct str path;       /* "Split/0/Inner/3": follows from the ids, kept for views */
    struct slot data;      /* input of the state; its output once it has exited */
    struct slot result;    /* TASK: what the task was given; RESULT: what it answered */
    struct slot *assigned; /* the journaled objects that `vars` is merged from, oldest first */
    size_t assigned_count, assigned_capacity;
    struct json vars;          /* an object, or absent */
    bool has_error, has_cause; /* FAILED */
    struct str error, cause;
    uint32_t retry_count;   /* of this visit of the state */
    uint32_t *retrier_used; /* attempts by retrier */
    int64_t wake_ms;        /* 0: none */
    int64_t heartbeat_seconds, timeout_seconds;
    uint32_t submitted;     /* TASK, 1: a worker has the activity's task, or what was called has
                           answered for itself */
    uint32_t heart_stopped; /* FAILED, 1: for want of heartbeats */
    uint32_t reviewed;      /* 1: a person approved the state's work */
    uint32_t halted;        /* 1: it stays as it is for a recovery, and nothing moves or ends it */
    struct fan_out *fan;
    bool queued; /* in the turn's queue: no state of the run */
    struct frame *next_spare;
};

/* The frames of tasks that are out, by step: a hint, made when it is first asked for. */
struct task_table {
    uint32_t *frames; /* by hash of the step: id + 1 of a frame that may have its task; 0: free */
    size_t size, used;
};

/* An entry of a recovery's tables, sorted by path; those of one path in their order. */
struct path_entry {
    struct str path;
    uint32_t place; /* in the table as it was given */
    bool used;
    uint32_t passed; /* of the first of a path: so many from it on are used; a hint */
};

/* What a recovery asked for and has not had yet. All of it follows from `asked`, but what
 * was used. */
struct recovery {
    struct slot asked; /* the journaled object; absent: no recovery is on */
    struct path_entry *skips, *reuses;
    size_t skip_count, reuse_count;
    uint32_t *until;
    bool *until_left;
    size_t until_count;
    struct str until_phase; /* empty: none */
};

struct run {
    struct arena *arena;
    const struct machine *machine;
    const struct flow_identity *identity;
    struct flow_limits limits;
    enum flow_status status;
    uint32_t turns, step_count;
    struct wall_ms last_at, started_at, stopped_at;
    int64_t deadline_ms;    /* top-level TimeoutSeconds; 0: none */
    uint32_t history_count; /* event ids given out */
    struct slot input, output;
    bool has_error, has_cause;
    struct str error, cause;
    struct frame **frames; /* by id; NULL: free */
    size_t frame_capacity;
    uint32_t frame_count; /* ids in use are below this */
    uint32_t frames_live;
    uint32_t free_from;  /* no id below it is free: a hint, no state of its own */
    struct frame *spare; /* ended frames to use again */
    struct task_table *tasks;

    uint32_t redrive_count;
    struct wall_ms redriven_at;
    struct recovery recovery;
    uint32_t paused; /* 1 + enum pause_why; 0: not */
    struct str pause_text;
    uint32_t canceling; /* 1: the frame `solo` cleans up, and then it is aborted */
    bool has_cancel_cause;
    struct str cancel_cause;
    /* A rerun of one step: its frame's id + 1 (0: none is on), the variables that it began with,
     * and the end that is to be restored. */
    uint32_t solo;
    struct slot solo_vars, prior_output;
    uint32_t prior_status;
    bool prior_has_error, prior_has_cause;
    struct str prior_error, prior_cause;
};

/* ---- run.c ---- */

struct frame *run_frame(const struct run *run, uint32_t id); /* NULL: none */
struct frame *run_add_frame(struct run *run, uint32_t parent, uint32_t scope, uint32_t index);
void run_remove_frame(struct run *run, struct frame *frame);
void run_remove_children(struct run *run, struct frame *frame);
void frame_assign(struct run *run, struct frame *frame, struct slot assigned);
/* above / state's name / index / below, in the run's arena. */
struct str frame_path(const struct run *run, uint32_t state, uint32_t index, struct str above,
                      struct str below);
/* Can it go on at this time without an input from outside? */
/* Is a task of it out? */
bool frame_has_task(const struct frame *frame);
/* Its task is out from now on. */
void run_note_task(struct run *run, const struct frame *frame);
/* The frame that the step's task is out for; NULL: none. attempt NULL: whichever. */
struct frame *run_task_frame(const struct run *run, uint32_t step, const uint32_t *attempt);
/* Is it the frame of a rerun? */
bool frame_is_rerun(const struct run *run, const struct frame *frame);
/* ... and has it left its one state? */
bool frame_is_past_rerun(const struct run *run, const struct frame *frame);
bool frame_can_go_on(const struct run *run, const struct frame *frame, struct wall_ms now);
/* Nothing moves the frames from this one down any more, but a recovery. */
void run_halt(struct run *run, struct frame *frame);
/* Is it the frame of a rerun, or of what follows a cancellation? */
bool frame_is_solo(const struct run *run, const struct frame *frame);
const struct state *frame_state(const struct run *run, const struct frame *frame);

/* ---- apply.c, apply_recovery.c: the only place where a run changes ---- */

MUST_CHECK bool run_apply(struct run *run, struct flow_event *event, struct wall_ms at,
                          struct err *reterr);

/* ---- recovery_table.c ---- */

/* Takes the object of a RECOVERED event. False: it is none. */
MUST_CHECK bool recovery_read(struct run *run, struct slot asked);
void recovery_clear(struct run *run);
/* "Split/0/Register", in `a`. */
struct str step_path(const struct run *run, const struct frame *frame, uint32_t state,
                     struct arena *a);
/* The next entry for this path; NULL: none. */
struct path_entry *recovery_skip(const struct run *run, struct str path);
struct path_entry *recovery_reuse(const struct run *run, struct str path);
struct flow_skip recovery_skip_of(const struct run *run, const struct path_entry *entry);
struct flow_reuse recovery_reuse_of(const struct run *run, const struct path_entry *entry);
/* The state was left: notes it if the run is to pause after it. */
void recovery_left(struct run *run, uint32_t state);
/* Is the run to pause before this state, and why? */
bool recovery_stops_before(const struct run *run, uint32_t state, enum pause_why *ret_why,
                           struct str *ret_text);
/* What a rerun needs that its frame cannot tell: "path", "within", "item", "index". */
struct json recovery_rerun(const struct run *run);

/* ---- turn.c ---- */

struct turn {
    struct run *run;
    const struct machine *machine;
    const struct flow_input *input;
    struct wall_ms now;
    struct rng rng;
    struct arena *arena; /* of the result */
    struct arena *scratch;
    uint32_t number;
    struct flow_event *events;
    size_t event_count, event_capacity;
    struct json *values;
    size_t value_count, value_capacity;
    struct flow_effect *effects;
    size_t effect_count, effect_capacity;
    size_t bytes, states;
    bool awaited;    /* the input's task took it */
    uint32_t *queue; /* frames that can go on, first in first out */
    size_t queue_head, queue_count, queue_capacity;
};

/* A slot for a value: the frame's own when it is the very same value. */
struct slot turn_slot(const struct frame *frame, struct json value);

/* An event of this frame's current state, to be filled in and emitted. */
struct flow_event turn_event(const struct frame *frame, enum event_kind kind);
/* The Parallels and Maps around a frame, as an event has them. Lies with the turn. */
struct json turn_within(struct turn *t, const struct frame *frame);
void turn_emit(struct turn *t, struct flow_event event);
void turn_queue(struct turn *t, const struct frame *frame);
struct flow_effect *turn_effect(struct turn *t, enum flow_effect_kind kind, const struct frame *f);

/* The two voices of a failed state as data: either may be absent. */
struct failure {
    bool has_error, has_cause;
    struct str error, cause;
    bool heart_stopped; /* States.HeartbeatTimeout names it, too */
};

/* ---- data.c: input and output processing ---- */

/* What expressions of this frame's state see; `input` is what `$` means in JSONPath. */
struct expr_env turn_env(struct turn *t, const struct frame *frame, struct json input);

/* What JSONata sees more of: $states, which besides the state's input and the context
 * has the result or the error, if any. */
struct query_view {
    struct json result, error_output; /* absent: none */
    struct json item;                 /* of the Map that starts an iteration; absent: none */
    uint32_t item_index;
};
struct expr_env turn_query_env(struct turn *t, const struct frame *frame, struct query_view view);

/* InputPath, then Parameters. *ret_raw: the effective input before Parameters. */
MUST_CHECK bool data_input(struct turn *t, const struct frame *frame, struct json *ret_effective,
                           struct json *ret_input, struct expr_failure *reterr);

/* ResultSelector, ResultPath, OutputPath and Assign, then StateExited. */
MUST_CHECK bool data_exit(struct turn *t, struct frame *frame, struct json result,
                          struct expr_failure *reterr);

/* StateExited with this output; Assign is evaluated in `env`. `next` as in flow_event;
 * `caught`: the error that a catcher took, when no event tells of it yet. */
MUST_CHECK bool data_leave(struct turn *t, struct frame *frame, struct json output,
                           const struct template *assign, struct expr_env *env, uint32_t next,
                           const struct failure *caught, struct expr_failure *reterr);

/* What Output gives, or `otherwise` where there is none. */
MUST_CHECK bool data_output(const struct template *output, struct json otherwise,
                            struct expr_env *env, struct json *ret_output,
                            struct expr_failure *reterr);

MUST_CHECK bool data_path(const struct path_field *field, struct expr_env *env,
                          struct json *ret_value, struct expr_failure *reterr);

MUST_CHECK bool data_integer(struct json value, int64_t *ret_value);

/* A value of JSONata that the state cannot use; `words` is what AWS says of it. */
bool data_refuse(struct turn *t, struct str location, struct str words,
                 struct expr_failure *reterr);

/* A whole number from a literal, a path or an expression. */
MUST_CHECK bool data_number(struct turn *t, const struct number_field *field, const char *name,
                            struct expr_env *env, int64_t *ret_value, struct expr_failure *reterr);

/* Is the value's text within limits.payload_max? `what`: the state or resource. */
MUST_CHECK bool data_fits(struct turn *t, struct str what, struct json value,
                          struct expr_failure *reterr);

/* ---- context.c ---- */

/* The context object as this frame's state sees it. item: of a Map, or absent. */
struct json context_object(struct turn *t, const struct frame *frame, struct json item,
                           uint32_t item_index);
struct str task_token(const struct flow_identity *who, uint32_t step, uint32_t attempt,
                      struct arena *a);

/* ---- states.c, choice.c, task.c, fan.c ---- */

/* Carry out the frame's state once it was entered. */
void state_execute(struct turn *t, struct frame *frame);
MUST_CHECK bool choice_execute(struct turn *t, struct frame *frame, struct expr_failure *reterr);
MUST_CHECK bool task_execute(struct turn *t, struct frame *frame, struct expr_failure *reterr);
bool failure_is_time_out(struct str error);
/* Inputs for one task: each does nothing when the task does not wait for it. */
void task_result(struct turn *t);
void task_child_ended(struct turn *t);
void task_token_result(struct turn *t);
/* Does the state see its token ($$.Task.Token), to give it to what it calls? */
bool task_shows_token(const struct resource *resource);
void task_started(struct turn *t);
void task_heartbeat_lost(struct turn *t);
void task_time_out(struct turn *t, struct frame *frame);
void task_cancel_effect(struct turn *t, const struct frame *frame);
MUST_CHECK bool parallel_execute(struct turn *t, struct frame *frame, struct expr_failure *reterr);
MUST_CHECK bool map_execute(struct turn *t, struct frame *frame, struct expr_failure *reterr);
/* Are there iterations that may start now? */
bool fan_can_start(const struct run *run, const struct fan_out *fan);
/* Has everything ended? */
bool fan_is_over(const struct fan_out *fan);
/* Starts some of them, or leaves the state when there are none. */
void fan_go_on_or_finish(struct turn *t, struct frame *frame);
void fan_child_done(struct turn *t, struct frame *child);
void fan_child_failed(struct turn *t, struct frame *child, const struct failure *failure);

/* ---- failure.c ---- */

/* The state failed: retry, catch, or pass on to the parent or the execution. */
void failure_handle(struct turn *t, struct frame *frame, const struct failure *failure);

/* ---- control.c ---- */

void control_pause(struct turn *t);
/* False: it was not paused. */
bool control_unpause(struct turn *t);
void control_note(struct turn *t);
void control_review(struct turn *t);
void control_cancel(struct turn *t);
/* The end after a cancellation. */
void cancel_end(struct turn *t);
/* Is a person to decide before the state's work? */
bool review_is_due(const struct run *run, const struct frame *frame);
/* `given`: what a task of review was given; absent for other states. */
void review_ask(struct turn *t, struct frame *frame, struct json given);
void review_expire(struct turn *t, struct frame *frame);

/* ---- recover.c ---- */

void recover(struct turn *t);
/* The RECOVERED event. */
void recover_ask(struct turn *t);
/* The one step was carried out, or failed: the execution is again as it had ended. */
void rerun_end(struct turn *t, const struct frame *solo, bool good, const struct failure *failure);

/* Ends the execution; the frame is where it failed. */
void execution_fail(struct turn *t, const struct frame *frame, const struct failure *failure);

/* An expression of this frame's state failed: AWS's words are put in front. */
void failure_of_state(struct turn *t, struct frame *frame, const struct expr_failure *failure);

#endif
