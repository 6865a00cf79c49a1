/* run_apply: one event changes the run. Nothing else ever does, so that folding
 * a journal gives exactly the run that was live. Events of a journal are foreign
 * bytes: each is checked against the run before it is applied. */
#include "flow/apply_internal.h"

bool apply_corrupt(const struct change *c, const char *what)
{
    return err_set(c->err, ERR_CORRUPT, "turn %u: event %s does not fit the run: %s", c->run->turns,
                   event_name(c->event->kind), what);
}

/* ---- ids ---- */

static uint32_t *history_counter(const struct change *c)
{
    const struct frame *f = c->frame;
    if (!f || f->history == 0)
        return &c->run->history_count;
    return &run_frame(c->run, f->history)->history_count;
}

void apply_give_id(const struct change *c, uint32_t previous)
{
    c->event->id = ++*history_counter(c);
    c->event->previous_id = previous;
}

/* The usual case: chained to the frame's last event, and the last one now. */
static void give_chained_id(const struct change *c)
{
    apply_give_id(c, c->frame->last_id);
    c->frame->last_id = c->event->id;
}

/* ---- the execution ---- */

void apply_deadline(const struct change *c)
{
    struct run *run = c->run;
    int64_t seconds = run->machine->timeout_seconds;
    if (run->identity->express && (seconds == 0 || seconds > EXPRESS_SECONDS_MAX))
        seconds = EXPRESS_SECONDS_MAX;
    run->deadline_ms = seconds ? c->at.ms + seconds * 1000 : 0;
}

static bool apply_started(const struct change *c)
{
    struct run *run = c->run;
    if (run->frame_count || run->status != FLOW_RUNNING || run->started_at.ms)
        return apply_corrupt(c, "the execution has started already");
    run->started_at = c->at;
    run->input = c->event->value;
    apply_deadline(c);
    struct frame *root = run_add_frame(run, FRAME_NONE, 0, 0);
    root->data = c->event->value;
    apply_give_id(c, 0);
    return true;
}

/* What it stood in stays for a recovery, unless it ended well. */
static void end_frames(struct run *run, enum flow_status status)
{
    for (uint32_t i = 0; i < run->frame_count; i++) {
        struct frame *f = run->frames[i];
        if (f && f->parent == FRAME_NONE && (status == FLOW_SUCCEEDED || frame_is_solo(run, f)))
            run_remove_frame(run, f);
    }
    run->solo = run->canceling = 0;
    run->has_cancel_cause = false;
    run->cancel_cause = STR("");
    run->solo_vars = run->prior_output = SLOT_NONE;
    run->prior_status = 0;
    run->prior_has_error = run->prior_has_cause = false;
}

void apply_end(const struct change *c, enum flow_status status)
{
    struct run *run = c->run;
    const struct flow_event *e = c->event;
    run->status = status;
    run->stopped_at = c->at;
    run->output = e->value;
    run->has_error = e->has_error;
    run->has_cause = e->has_cause;
    run->error = arena_str(run->arena, e->error);
    run->cause = arena_str(run->arena, e->cause);
    run->paused = 0;
    run->pause_text = STR("");
    recovery_clear(run);
    end_frames(run, status);
}

/* A failure points to where it happened, but the execution counts it. */
static bool apply_ended(const struct change *c)
{
    static const enum flow_status ends[] = {
        [EVENT_EXECUTION_SUCCEEDED] = FLOW_SUCCEEDED,
        [EVENT_EXECUTION_FAILED] = FLOW_FAILED,
        [EVENT_EXECUTION_TIMED_OUT] = FLOW_TIMED_OUT,
        [EVENT_EXECUTION_ABORTED] = FLOW_ABORTED,
    };
    enum flow_status status = ends[c->event->kind];
    bool inside = status == FLOW_SUCCEEDED || status == FLOW_FAILED;
    c->event->previous_id = inside ? c->frame->last_id : 0;
    c->event->id = ++c->run->history_count;
    apply_end(c, status);
    return true;
}

/* ---- states ---- */

/* The step's record: a new one, or that of the older step whose place it takes. */
static bool take_record(const struct change *c)
{
    struct run *run = c->run;
    struct frame *f = c->frame;
    if (c->event->length != 1) {
        f->step = run->step_count++;
        f->attempt = 1;
        return true;
    }
    struct path_entry *entry = recovery_reuse(run, step_path(run, f, c->event->state, run->arena));
    if (!entry || recovery_reuse_of(run, entry).step != c->event->step)
        return false;
    entry->used = true;
    f->step = c->event->step;
    f->attempt = c->event->attempt;
    return true;
}

static bool apply_entered(const struct change *c)
{
    struct frame *f = c->frame;
    const struct flow_event *e = c->event;
    if (f->phase != FRAME_READY || f->next != e->state)
        return apply_corrupt(c, "the state is not the next one");
    if (!take_record(c))
        return apply_corrupt(c, "there is no such record to replace");
    f->phase = FRAME_ENTERED;
    f->state = e->state;
    f->next = STATE_NO_NONE;
    f->generation = e->generation;
    f->reviewed = 0;
    f->data = e->value;
    f->result = SLOT_NONE;
    f->entered_at = c->at;
    f->retry_count = 0;
    f->retrier_used = NULL;
    f->has_error = f->has_cause = false;
    f->wake_ms = f->heartbeat_seconds = f->timeout_seconds = 0;
    f->before_id = frame_state(c->run, f)->language == QUERY_JSONATA ? f->last_id : 0;
    give_chained_id(c);
    f->entered_id = c->event->id;
    c->event->step = f->step;
    return true;
}

bool apply_next_fits(const struct change *c, uint32_t scope, uint32_t next)
{
    const struct machine *m = c->run->machine;
    return next == STATE_NO_NONE || (next < m->state_count && m->states[next].scope == scope);
}

static bool apply_exited(const struct change *c)
{
    struct frame *f = c->frame;
    const struct flow_event *e = c->event;
    if (!apply_next_fits(c, f->scope, e->next))
        return apply_corrupt(c, "the next state is not in its scope");
    run_remove_children(c->run, f);
    f->phase = e->next == STATE_NO_NONE && f->parent != FRAME_NONE ? FRAME_DONE : FRAME_READY;
    f->next = e->next;
    f->data = e->value;
    f->result = SLOT_NONE;
    f->wake_ms = 0;
    f->heart_stopped = 0;
    f->has_error = f->has_cause = false;
    if (json_is_object(e->assigned.value))
        frame_assign(c->run, f, e->assigned);
    recovery_left(c->run, f->state);
    give_chained_id(c);
    return true;
}

static bool apply_wait_armed(const struct change *c)
{
    c->frame->phase = FRAME_WAITING;
    c->frame->wake_ms = c->event->wake_ms;
    return true;
}

/* ---- tasks ---- */

static bool apply_task_scheduled(const struct change *c)
{
    struct frame *f = c->frame;
    f->phase = FRAME_TASK;
    f->attempt = c->event->attempt;
    f->result = c->event->value;
    f->wake_ms = c->event->wake_ms;
    f->heartbeat_seconds = c->event->heartbeat;
    f->timeout_seconds = c->event->timeout;
    f->submitted = 0;
    run_note_task(c->run, f);
    give_chained_id(c);
    return true;
}

/* A worker's time begins when it has the task. */
static bool apply_activity_started(const struct change *c)
{
    if (c->frame->phase != FRAME_TASK)
        return apply_corrupt(c, "no task is out");
    c->frame->submitted = 1;
    c->frame->wake_ms = c->event->wake_ms;
    give_chained_id(c);
    return true;
}

static bool apply_task_submitted(const struct change *c)
{
    if (c->frame->phase != FRAME_TASK)
        return apply_corrupt(c, "no task is out");
    c->frame->submitted = 1;
    give_chained_id(c);
    return true;
}

static bool apply_task_succeeded(const struct change *c)
{
    if (c->frame->phase != FRAME_TASK)
        return apply_corrupt(c, "no task is out");
    c->frame->phase = FRAME_RESULT;
    c->frame->result = c->event->value;
    c->frame->wake_ms = 0;
    c->frame->submitted = 0;
    give_chained_id(c);
    return true;
}

void apply_failure(struct run *run, struct frame *f, const struct flow_event *e)
{
    f->phase = FRAME_FAILED;
    f->wake_ms = 0;
    f->submitted = 0;
    f->heart_stopped = e->heartbeat > 0;
    f->has_error = e->has_error;
    f->has_cause = e->has_cause;
    f->error = arena_str(run->arena, e->error);
    f->cause = arena_str(run->arena, e->cause);
}

static bool apply_task_failed(const struct change *c)
{
    if (c->frame->phase != FRAME_TASK)
        return apply_corrupt(c, "no task is out");
    apply_failure(c->run, c->frame, c->event);
    give_chained_id(c);
    return true;
}

static bool apply_retry_armed(const struct change *c)
{
    struct frame *f = c->frame;
    const struct state *state = frame_state(c->run, f);
    if (c->event->index >= state->retrier_count)
        return apply_corrupt(c, "there is no such retrier");
    run_remove_children(c->run, f);
    if (!f->retrier_used)
        f->retrier_used = ARENA_ARRAY(c->run->arena, uint32_t, state->retrier_count);
    f->retrier_used[c->event->index]++;
    f->retry_count++;
    f->attempt = c->event->attempt;
    f->phase = FRAME_RETRYING;
    f->wake_ms = c->event->wake_ms;
    f->heart_stopped = 0;
    f->has_error = f->has_cause = false;
    return true;
}

/* AWS enters a state and evaluates in one go: a failure points back to what came before
 * both. Only a value that was found wrong afterwards points to the entering, and what
 * is evaluated once a Wait is over. */
static bool apply_evaluation_failed(const struct change *c)
{
    struct frame *f = c->frame;
    bool at_entering =
        f->phase == FRAME_ENTERED && f->last_id == f->entered_id && c->event->index == 0;
    apply_give_id(c, at_entering ? f->before_id : f->last_id);
    f->last_id = c->event->id;
    return true;
}

/* ---- Parallel and Map ---- */

static struct fan_out *add_fan(struct run *run, struct frame *f, uint32_t count)
{
    run_remove_children(run, f);
    struct fan_out *fan = ARENA_NEW(run->arena, struct fan_out);
    fan->count = count;
    fan->children = arena_alloc(run->arena, count * sizeof(uint32_t));
    memset(fan->children, 0xff, count * sizeof(uint32_t));
    f->fan = fan;
    f->phase = FRAME_CHILDREN;
    f->wake_ms = 0;
    return fan;
}

static struct frame *add_child(struct run *run, struct frame *parent, uint32_t scope,
                               uint32_t index, struct slot data)
{
    struct frame *child = run_add_frame(run, parent->id, scope, index);
    child->data = data;
    child->history = parent->history;
    child->path = frame_path(run, parent->state, index, parent->path, STR(""));
    parent->fan->children[index] = child->id;
    parent->fan->started++;
    parent->fan->active++;
    return child;
}

static bool apply_parallel_started(const struct change *c)
{
    struct frame *f = c->frame;
    const struct state *state = frame_state(c->run, f);
    if (state->type != STATE_PARALLEL)
        return apply_corrupt(c, "the state is no Parallel");
    give_chained_id(c);
    uint32_t count = (uint32_t)state->u.parallel.branch_count;
    struct fan_out *fan = add_fan(c->run, f, count);
    f->attempt = c->event->attempt;
    for (uint32_t i = 0; i < count; i++)
        add_child(c->run, f, state->u.parallel.branches[i], i, c->event->value)->last_id =
            f->last_id;
    fan->chain = f->last_id;
    return true;
}

static bool apply_map_started(const struct change *c)
{
    struct frame *f = c->frame;
    const struct flow_event *e = c->event;
    const struct state *state = frame_state(c->run, f);
    size_t count = json_count(e->value.value);
    if (state->type != STATE_MAP || !json_is_array(e->value.value) || count > UINT32_MAX - 1)
        return apply_corrupt(c, "there are no items, or the state is no Map");
    give_chained_id(c);
    struct fan_out *fan = add_fan(c->run, f, (uint32_t)count);
    f->attempt = e->attempt;
    fan->is_map = true;
    fan->hidden = state->u.map.distributed;
    fan->concurrency = e->concurrency;
    fan->tolerated_count = e->tolerated_count;
    fan->tolerated_percentage = e->tolerated_percentage;
    fan->items = e->value;
    fan->results = ARENA_ARRAY(c->run->arena, struct slot, count);
    fan->chain = f->last_id;
    return true;
}

static bool apply_iteration_started(const struct change *c)
{
    struct frame *f = c->frame;
    struct fan_out *fan = f->fan;
    uint32_t index = c->event->index;
    if (!fan || !fan->is_map || index >= fan->count || fan->children[index] != FRAME_NONE)
        return apply_corrupt(c, "there is no such iteration to start");
    const struct state *state = frame_state(c->run, f);
    struct frame *child = add_child(c->run, f, state->u.map.processor, index, c->event->value);
    c->event->child = child->id;
    if (fan->hidden) {
        child->history = child->id;
        child->history_count = 1; /* its own ExecutionStarted, which nobody asks for */
        return true;
    }
    apply_give_id(c, fan->chain);
    child->last_id = c->event->id;
    return true;
}

/* The child frame that an event of a fan-out speaks of; NULL when it is none. */
static struct frame *fan_child(const struct change *c)
{
    const struct fan_out *fan = c->frame->fan;
    uint32_t index = c->event->index;
    return fan && index < fan->count ? run_frame(c->run, fan->children[index]) : NULL;
}

static void end_child(const struct change *c, struct frame *child)
{
    struct fan_out *fan = c->frame->fan;
    fan->active--;
    if (!fan->hidden)
        c->frame->last_id = fan->chain = child->last_id;
    c->event->child = child->id;
}

static bool apply_branch_succeeded(const struct change *c)
{
    struct frame *child = fan_child(c);
    if (!child || child->phase != FRAME_DONE)
        return apply_corrupt(c, "the branch has not ended");
    struct fan_out *fan = c->frame->fan;
    end_child(c, child);
    if (!fan->results)
        fan->results = ARENA_ARRAY(c->run->arena, struct slot, fan->count);
    fan->results[c->event->index] = child->data;
    fan->succeeded++;
    fan->children[c->event->index] = FRAME_NONE;
    run_remove_frame(c->run, child);
    return true;
}

static bool apply_iteration_ended(const struct change *c)
{
    struct frame *child = fan_child(c);
    bool succeeded = c->event->kind == EVENT_MAP_ITERATION_SUCCEEDED;
    if (!child || (succeeded && child->phase != FRAME_DONE))
        return apply_corrupt(c, "the iteration has not ended");
    struct fan_out *fan = c->frame->fan;
    end_child(c, child);
    if (!fan->hidden) {
        apply_give_id(c, child->last_id);
        if (succeeded) /* what comes after a Map points to the last of these */
            c->frame->last_id = c->event->id;
    }
    if (succeeded) {
        fan->succeeded++;
        fan->results[c->event->index] = child->data;
    } else {
        fan->failed++;
    }
    if (!succeeded && c->event->length == 1) {
        run_halt(c->run, child);
        return true;
    }
    fan->children[c->event->index] = FRAME_NONE;
    run_remove_frame(c->run, child);
    return true;
}

/* These speak of a sibling, through the frame of the Parallel or Map; they point
 * to the event that failed, and nothing points to them. */
static bool apply_aborted(const struct change *c)
{
    if (!c->frame->fan)
        return apply_corrupt(c, "there are no branches");
    apply_give_id(c, c->frame->last_id);
    return true;
}

/* The children stay until the frame leaves FAILED, which it does in the same
 * turn: the events of their abortion come in between. */
static bool apply_child_failed(const struct change *c)
{
    struct fan_out *fan = c->frame->fan;
    if (!fan)
        return apply_corrupt(c, "there are no branches");
    const struct frame *child = fan_child(c);
    if (child && !fan->hidden)
        c->frame->last_id = child->last_id;
    apply_failure(c->run, c->frame, c->event);
    return true;
}

static bool apply_marker(const struct change *c)
{
    give_chained_id(c);
    return true;
}

static bool apply_fan_succeeded(const struct change *c)
{
    apply_give_id(c, c->frame->last_id);
    return true;
}

static bool apply_nothing(const struct change *c)
{
    (void)c;
    return true;
}

/* ---- which kind does what ---- */

typedef bool apply_function(const struct change *c);

static apply_function *const appliers[EVENT_KIND_LIMIT] = {
    [EVENT_EXECUTION_STARTED] = apply_started,
    [EVENT_EXECUTION_SUCCEEDED] = apply_ended,
    [EVENT_EXECUTION_FAILED] = apply_ended,
    [EVENT_EXECUTION_TIMED_OUT] = apply_ended,
    [EVENT_EXECUTION_ABORTED] = apply_ended,
    [EVENT_EXECUTION_REDRIVEN] = apply_redriven,
    [EVENT_PASS_ENTERED] = apply_entered,
    [EVENT_TASK_ENTERED] = apply_entered,
    [EVENT_CHOICE_ENTERED] = apply_entered,
    [EVENT_WAIT_ENTERED] = apply_entered,
    [EVENT_SUCCEED_ENTERED] = apply_entered,
    [EVENT_FAIL_ENTERED] = apply_entered,
    [EVENT_PARALLEL_ENTERED] = apply_entered,
    [EVENT_MAP_ENTERED] = apply_entered,
    [EVENT_PASS_EXITED] = apply_exited,
    [EVENT_TASK_EXITED] = apply_exited,
    [EVENT_CHOICE_EXITED] = apply_exited,
    [EVENT_WAIT_EXITED] = apply_exited,
    [EVENT_SUCCEED_EXITED] = apply_exited,
    [EVENT_PARALLEL_EXITED] = apply_exited,
    [EVENT_MAP_EXITED] = apply_exited,
    [EVENT_LAMBDA_SCHEDULED] = apply_task_scheduled,
    [EVENT_LAMBDA_STARTED] = apply_marker,
    [EVENT_LAMBDA_SUCCEEDED] = apply_task_succeeded,
    [EVENT_LAMBDA_FAILED] = apply_task_failed,
    [EVENT_LAMBDA_TIMED_OUT] = apply_task_failed,
    [EVENT_TASK_SCHEDULED] = apply_task_scheduled,
    [EVENT_TASK_STARTED] = apply_marker,
    [EVENT_TASK_SUBMITTED] = apply_task_submitted,
    [EVENT_TASK_SUCCEEDED] = apply_task_succeeded,
    [EVENT_TASK_FAILED] = apply_task_failed,
    [EVENT_TASK_TIMED_OUT] = apply_task_failed,
    [EVENT_TASK_ABORTED] = apply_aborted,
    [EVENT_ACTIVITY_SCHEDULED] = apply_task_scheduled,
    [EVENT_ACTIVITY_STARTED] = apply_activity_started,
    [EVENT_ACTIVITY_SUCCEEDED] = apply_task_succeeded,
    [EVENT_ACTIVITY_FAILED] = apply_task_failed,
    [EVENT_ACTIVITY_TIMED_OUT] = apply_task_failed,
    [EVENT_PARALLEL_STARTED] = apply_parallel_started,
    [EVENT_PARALLEL_SUCCEEDED] = apply_fan_succeeded,
    [EVENT_PARALLEL_FAILED] = apply_marker,
    [EVENT_MAP_STARTED] = apply_map_started,
    [EVENT_MAP_SUCCEEDED] = apply_fan_succeeded,
    [EVENT_MAP_FAILED] = apply_marker,
    [EVENT_MAP_ITERATION_STARTED] = apply_iteration_started,
    [EVENT_MAP_ITERATION_SUCCEEDED] = apply_iteration_ended,
    [EVENT_MAP_ITERATION_FAILED] = apply_iteration_ended,
    [EVENT_MAP_ITERATION_ABORTED] = apply_aborted,
    [EVENT_MAP_RUN_STARTED] = apply_marker,
    [EVENT_MAP_RUN_SUCCEEDED] = apply_marker,
    [EVENT_MAP_RUN_FAILED] = apply_marker,
    [EVENT_EVALUATION_FAILED] = apply_evaluation_failed,
    [EVENT_WAIT_ARMED] = apply_wait_armed,
    [EVENT_RETRY_ARMED] = apply_retry_armed,
    [EVENT_CHILD_FAILED] = apply_child_failed,
    [EVENT_BRANCH_SUCCEEDED] = apply_branch_succeeded,
    [EVENT_TASK_LOG] = apply_nothing,
    [EVENT_RECOVERED] = apply_recovered,
    [EVENT_PLACED] = apply_placed,
    [EVENT_STEP_RESUMED] = apply_step_resumed,
    [EVENT_STEP_SKIPPED] = apply_step_skipped,
    [EVENT_PAUSED] = apply_paused,
    [EVENT_UNPAUSED] = apply_unpaused,
    [EVENT_REVIEW_ASKED] = apply_review_asked,
    [EVENT_REVIEW_DECIDED] = apply_review_decided,
    [EVENT_CANCEL_ASKED] = apply_cancel_asked,
    [EVENT_RERUN_BEGAN] = apply_rerun_began,
    [EVENT_RERUN_ENDED] = apply_rerun_ended,
    [EVENT_NOTE] = apply_nothing,
};

/* Events of a frame's state name it, and the frame must be in that state. */
static bool check_frame(const struct change *c)
{
    const struct flow_event *e = c->event;
    if (!c->frame)
        return apply_corrupt(c, "there is no such branch or iteration");
    bool enters = event_shape(e->kind) == SHAPE_STATE_ENTERED || e->kind == EVENT_STEP_SKIPPED;
    bool ends = appliers[e->kind] == apply_ended;
    bool goes_on = e->kind == EVENT_STEP_RESUMED; /* perhaps before its first state */
    bool nowhere = c->frame->state == STATE_NO_NONE && !goes_on;
    if (!enters && !ends && (nowhere || c->frame->state != e->state))
        return apply_corrupt(c, "the branch is in another state");
    return true;
}

/* Does it speak of the whole execution, whatever its frames are? */
static bool is_of_execution(enum event_kind kind)
{
    switch ((int)kind) {
    case EVENT_EXECUTION_STARTED:
    case EVENT_EXECUTION_REDRIVEN:
    case EVENT_RECOVERED:
    case EVENT_PLACED:
    case EVENT_PAUSED:
    case EVENT_UNPAUSED:
    case EVENT_CANCEL_ASKED:
    case EVENT_RERUN_BEGAN:
    case EVENT_NOTE:
        return true;
    default:
        return false;
    }
}

/* May it come after the end? */
static bool is_after_end(enum event_kind kind)
{
    return kind == EVENT_RECOVERED || kind == EVENT_EXECUTION_REDRIVEN ||
           kind == EVENT_RERUN_BEGAN || kind == EVENT_NOTE;
}

bool run_apply(struct run *run, struct flow_event *event, struct wall_ms at, struct err *reterr)
{
    struct change c = {.run = run, .event = event, .at = at, .err = reterr};
    event->id = event->previous_id = 0;
    event->path = STR("");
    if (run->status != FLOW_RUNNING && !is_after_end(event->kind))
        return apply_corrupt(&c, "the execution has ended");
    if (!is_of_execution(event->kind)) {
        c.frame = run_frame(run, event->frame);
        if (!check_frame(&c))
            return false;
        event->path = c.frame->path;
    }
    return appliers[event->kind](&c);
}

bool flow_fold(struct run *run, uint32_t turn, struct wall_ms at, struct flow_event *events,
               size_t count, struct err *reterr)
{
    if (turn != run->turns)
        return err_set(reterr, ERR_CORRUPT, "turn %u of the journal stands where %u is due", turn,
                       run->turns);
    for (size_t i = 0; i < count; i++)
        if (!run_apply(run, &events[i], at, reterr))
            return false;
    run->turns = turn + 1;
    run->last_at = at;
    return true;
}
