#include "journal/journal.h"

/* The list on its way through one turn. */
struct change {
    struct step_list *list;
    struct arena *arena;
    const struct machine *machine;
    const struct flow_event *event;
    struct wall_ms at;
};

const char *step_status_name(enum step_status status)
{
    switch (status) {
    case STEP_RUNNING:
        return "running";
    case STEP_SUCCESS:
        return "success";
    case STEP_FAILURE:
        return "failure";
    case STEP_TIMED_OUT:
        return "timed_out";
    case STEP_CANCELED:
        return "canceled";
    case STEP_SKIPPED:
        return "skipped";
    case STEP_PENDING:
        return "pending";
    }
    UNREACHABLE("step status");
}

/* ---- finding ---- */

/* NULL: there is no such step. */
static struct step *step_at(const struct step_list *list, uint32_t index)
{
    return index < list->count ? &list->items[index] : NULL;
}

static struct step *event_step(const struct change *c)
{
    return step_at(c->list, c->event->step);
}

/* The step that a frame is in, if it is still running. */
static struct step *frame_step(const struct step_list *list, uint32_t frame)
{
    if (frame >= list->frame_count || !list->frames[frame])
        return NULL;
    struct step *s = step_at(list, list->frames[frame] - 1);
    return s && s->status == STEP_RUNNING ? s : NULL;
}

static void set_frame_step(const struct change *c, uint32_t frame, uint32_t step)
{
    struct step_list *list = c->list;
    while (list->frame_count <= frame) {
        list->frames = arena_grow(c->arena, list->frames, list->frame_count, &list->frame_capacity,
                                  sizeof(*list->frames));
        list->frames[list->frame_count++] = 0;
    }
    list->frames[frame] = step + 1;
}

/* Does `path` lie below `ancestor`? While both run, one path begins with the
 * other only when it does: a frame is in one state at a time. */
static bool lies_below(struct str path, struct str ancestor)
{
    return path.len > ancestor.len && path.ptr[ancestor.len] == '/' &&
           str_starts_with(path, ancestor);
}

static bool lies_in_branch(struct str path, struct str ancestor, uint32_t branch)
{
    struct str rest = str_slice(path, ancestor.len + 1, path.len);
    int64_t number;
    return lies_below(path, ancestor) &&
           str_to_int64(str_slice(rest, 0, str_find_char(rest, '/')), &number) && number == branch;
}

/* ---- attempts ---- */

static struct step_attempt *last_attempt(const struct step *s)
{
    return s->attempt_count ? &s->attempts[s->attempt_count - 1] : NULL;
}

static void begin_attempt(const struct change *c, struct step *s)
{
    s->attempts = arena_grow(c->arena, s->attempts, s->attempt_count, &s->attempt_capacity,
                             sizeof(*s->attempts));
    s->attempts[s->attempt_count++] = (struct step_attempt){.number = c->event->attempt,
                                                            .generation = c->event->generation,
                                                            .status = STEP_RUNNING,
                                                            .started_at = c->at};
    s->result = JSON_NONE;
}

static void take_error(const struct change *c, struct step_attempt *attempt)
{
    attempt->has_error = c->event->has_error;
    attempt->has_cause = c->event->has_cause;
    attempt->error = arena_str(c->arena, c->event->error);
    attempt->cause = arena_str(c->arena, c->event->cause);
}

static void end_attempt(const struct change *c, struct step *s, enum step_status status)
{
    struct step_attempt *attempt = s ? last_attempt(s) : NULL;
    if (!attempt || attempt->status != STEP_RUNNING)
        return;
    attempt->status = status;
    attempt->stopped_at = c->at;
    if (status == STEP_FAILURE || status == STEP_TIMED_OUT)
        take_error(c, attempt);
}

/* What is retried did fail, also when its work went well and only what the state
 * made of it failed, or when it never came to work. */
static void retry_step(const struct change *c, struct step *s)
{
    const struct step_attempt *last = s ? last_attempt(s) : NULL;
    if (!s)
        return;
    if (!last || last->number + 1 != c->event->attempt) {
        begin_attempt(c, s);
        last_attempt(s)->number = c->event->attempt - 1;
    } else if (last->status == STEP_SUCCESS) {
        last_attempt(s)->status = STEP_RUNNING;
    }
    end_attempt(c, s, STEP_FAILURE);
}

static void attach_log(const struct change *c, struct step *s)
{
    for (size_t i = s ? s->attempt_count : 0; i > 0; i--) {
        if (s->attempts[i - 1].number == c->event->attempt) {
            s->attempts[i - 1].log = json_copy(c->arena, c->event->log);
            return;
        }
    }
}

/* ---- steps ---- */

/* A record that is replaced keeps its earlier attempts. */
static struct step *place_step(const struct change *c)
{
    const struct flow_event *e = c->event;
    struct step_list *list = c->list;
    struct step old = {0};
    if (e->step > list->count || e->state >= c->machine->state_count)
        return NULL;
    if (e->step == list->count) {
        list->items =
            arena_grow(c->arena, list->items, list->count, &list->capacity, sizeof(*list->items));
        list->count++;
    } else {
        old = list->items[e->step];
    }
    const struct state *state = &c->machine->states[e->state];
    list->items[e->step] = (struct step){
        .index = e->step,
        .generation = e->generation,
        .state = state,
        .path = arena_printf(c->arena, STR_FMT "%s" STR_FMT, STR_ARG(e->path),
                             e->path.len ? "/" : "", STR_ARG(state->name)),
        .frame = e->frame,
        .status = STEP_RUNNING,
        .started_at = c->at,
        .next = STATE_NO_NONE,
        .attempts = old.attempts,
        .attempt_count = old.attempt_count,
        .attempt_capacity = old.attempt_count, /* others may refer to what lies behind */
    };
    return &list->items[e->step];
}

static void begin_step(const struct change *c)
{
    struct step *s = place_step(c);
    if (!s)
        return;
    s->input = c->event->value.value;
    set_frame_step(c, c->event->frame, c->event->step);
}

/* A step that is kept stays as it is. */
static void skip_step(const struct change *c)
{
    const struct flow_event *e = c->event;
    if (e->index == SKIP_KEPT && e->length == 1)
        return;
    const struct step *old = e->length == 1 ? event_step(c) : NULL;
    uint32_t generation = old ? old->generation : 0;
    struct step *s = place_step(c);
    if (!s)
        return;
    s->generation = generation;
    s->status = STEP_SKIPPED;
    s->taken_over = e->index == SKIP_KEPT; /* and has no record of its own here */
    s->stopped_at = c->at;
    s->output = e->value.value;
    s->assigned = e->assigned.value;
    s->next = e->next;
}

/* ---- recoveries ---- */

/* Those that failed go on with the others, or all of them begin anew. */
static void resume_children(const struct change *c, struct step *s)
{
    s->children_done -= s->children_failed;
    s->children_failed = 0;
    if (c->event->index == RESUME_CHILDREN)
        begin_attempt(c, s);
    else
        s->children_total = s->children_done = 0;
}

/* It had been stopped, and goes on. */
static void resume_step(const struct change *c)
{
    const struct flow_event *e = c->event;
    struct step *s = event_step(c);
    if (!s || e->index == RESUME_AS_IS || e->index == RESUME_BEFORE)
        return;
    set_frame_step(c, e->frame, e->step);
    s->status = STEP_RUNNING;
    s->stopped_at = (struct wall_ms){0};
    s->generation = e->generation;
    s->has_error = s->has_cause = false;
    s->error = s->cause = STR("");
    s->result = JSON_NONE;
    if (!json_is_absent(e->value.value))
        s->input = e->value.value;
    resume_children(c, s);
}

/* A refusal is the step's failure, as if its work had failed. */
static void decide_review(const struct change *c)
{
    struct step *s = event_step(c);
    if (!s || c->event->index == 1)
        return;
    begin_attempt(c, s);
    end_attempt(c, s, STEP_FAILURE);
}

static void begin_rerun(const struct change *c)
{
    struct step_list *list = c->list;
    list->before_count = list->count;
    list->before_rerun = arena_dup(c->arena, list->items, list->count * sizeof(*list->items));
}

/* A rerun that failed leaves the earlier record, and shows its attempts. */
static void end_rerun(const struct change *c)
{
    struct step_list *list = c->list;
    struct step *before = list->before_rerun;
    list->before_rerun = NULL;
    if (!before || c->event->index == 1)
        return;
    for (size_t i = 0; i < list->before_count; i++) {
        struct step again = list->items[i];
        list->items[i] = before[i];
        list->items[i].attempts = again.attempts;
        list->items[i].attempt_count = again.attempt_count;
        list->items[i].attempt_capacity = again.attempt_capacity;
    }
}

/* Ends a step that runs still, and its attempt with it. Bad ends take the
 * event's error and cause. */
static void end_step(const struct change *c, struct step *s, enum step_status status)
{
    if (!s || s->status != STEP_RUNNING)
        return;
    end_attempt(c, s, status);
    s->status = status;
    s->stopped_at = c->at;
    if (status != STEP_FAILURE && status != STEP_TIMED_OUT)
        return;
    s->has_error = c->event->has_error;
    s->has_cause = c->event->has_cause;
    s->error = arena_str(c->arena, c->event->error);
    s->cause = arena_str(c->arena, c->event->cause);
}

/* A state is left well, or by a Catch: then its last attempt failed, and so has
 * the step, though the execution goes on with what the Catch made of it. */
static void exit_step(const struct change *c)
{
    struct step *s = event_step(c);
    if (!s || s->status != STEP_RUNNING)
        return;
    const struct step_attempt *last = last_attempt(s);
    bool caught = last && last->generation == s->generation &&
                  (last->status == STEP_FAILURE || last->status == STEP_TIMED_OUT);
    s->output = c->event->value.value;
    s->assigned = c->event->assigned.value;
    s->next = c->event->next;
    if (!caught) {
        end_step(c, s, c->event->has_error ? STEP_FAILURE : STEP_SUCCESS);
        return;
    }
    end_step(c, s, last->status);
    s->has_error = last->has_error;
    s->has_cause = last->has_cause;
    s->error = last->error;
    s->cause = last->cause;
}

static void begin_children(const struct change *c)
{
    struct step *s = event_step(c);
    if (!s)
        return;
    begin_attempt(c, s);
    s->children_total = s->state->type == STATE_PARALLEL
                            ? (int64_t)s->state->u.parallel.branch_count
                            : c->event->length;
    s->children_done = s->children_failed = 0;
}

static void count_child(const struct change *c)
{
    struct step *s = event_step(c);
    if (s)
        s->children_done++;
}

/* Ends what runs in a branch of the event's step, or beside it. */
static void end_branches(const struct change *c, const struct step *parent, bool beside,
                         enum step_status status)
{
    for (uint32_t frame = 0; frame < c->list->frame_count; frame++) {
        struct step *s = frame_step(c->list, frame);
        if (s && lies_below(s->path, parent->path) &&
            lies_in_branch(s->path, parent->path, c->event->index) != beside)
            end_step(c, s, status);
    }
}

/* An iteration that failed is as a rule in one step, found without a search:
 * ten thousand of them may fail beside ten thousand that run. */
static void fail_iteration(const struct change *c)
{
    struct step *s = frame_step(c->list, c->event->child), *parent = event_step(c);
    count_child(c);
    if (parent)
        parent->children_failed++;
    if (s && parent && (s->state->type == STATE_PARALLEL || s->state->type == STATE_MAP))
        end_branches(c, parent, false, STEP_FAILURE);
    end_step(c, s, STEP_FAILURE);
}

/* One branch failed its Parallel or Map: the others are wanted no more. */
static void fail_children(const struct change *c)
{
    struct step *parent = event_step(c);
    if (!parent)
        return;
    end_attempt(c, parent, STEP_FAILURE);
    end_branches(c, parent, false, STEP_FAILURE);
    end_branches(c, parent, true, STEP_CANCELED);
}

static void end_all(const struct change *c, enum step_status status)
{
    for (uint32_t frame = 0; frame < c->list->frame_count; frame++)
        end_step(c, frame_step(c->list, frame), status);
}

/* Failed is the step of the frame that the event names, with those around it. */
static void fail_execution(const struct change *c)
{
    const struct step *failed = frame_step(c->list, c->event->frame);
    for (uint32_t frame = 0; failed && frame < c->list->frame_count; frame++) {
        struct step *s = frame_step(c->list, frame);
        if (s && s != failed && lies_below(failed->path, s->path))
            end_step(c, s, STEP_FAILURE);
    }
    end_step(c, frame_step(c->list, c->event->frame), STEP_FAILURE);
    end_all(c, STEP_CANCELED);
}

/* ---- which kind does what ---- */

static void apply_to_attempt(const struct change *c)
{
    struct step *s = event_step(c);
    switch ((int)c->event->kind) {
    case EVENT_LAMBDA_SCHEDULED:
    case EVENT_TASK_SCHEDULED:
    case EVENT_ACTIVITY_SCHEDULED:
        if (s)
            begin_attempt(c, s);
        return;
    case EVENT_LAMBDA_SUCCEEDED:
    case EVENT_TASK_SUCCEEDED:
    case EVENT_ACTIVITY_SUCCEEDED:
        if (s)
            s->result = c->event->value.value;
        end_attempt(c, s, STEP_SUCCESS);
        return;
    case EVENT_PARALLEL_SUCCEEDED:
    case EVENT_MAP_SUCCEEDED:
        end_attempt(c, s, STEP_SUCCESS);
        return;
    case EVENT_LAMBDA_FAILED:
    case EVENT_TASK_FAILED:
    case EVENT_ACTIVITY_FAILED:
    case EVENT_MAP_RUN_FAILED:
    case EVENT_PARALLEL_FAILED:
    case EVENT_MAP_FAILED:
        end_attempt(c, s, STEP_FAILURE);
        return;
    case EVENT_RETRY_ARMED:
        retry_step(c, s);
        return;
    case EVENT_LAMBDA_TIMED_OUT:
    case EVENT_TASK_TIMED_OUT:
    case EVENT_ACTIVITY_TIMED_OUT:
        end_attempt(c, s, STEP_TIMED_OUT);
        return;
    case EVENT_TASK_LOG:
        attach_log(c, s);
        return;
    default:
        return;
    }
}

static void apply_to_children(const struct change *c)
{
    switch ((int)c->event->kind) {
    case EVENT_PARALLEL_STARTED:
    case EVENT_MAP_STARTED:
        begin_children(c);
        return;
    case EVENT_BRANCH_SUCCEEDED:
    case EVENT_MAP_ITERATION_SUCCEEDED:
        count_child(c);
        return;
    case EVENT_MAP_ITERATION_FAILED:
        fail_iteration(c);
        return;
    case EVENT_CHILD_FAILED:
        fail_children(c);
        return;
    default:
        return;
    }
}

/* False: the event is of another matter. */
static bool apply_to_recovery(const struct change *c)
{
    switch ((int)c->event->kind) {
    case EVENT_STEP_SKIPPED:
        skip_step(c);
        return true;
    case EVENT_STEP_RESUMED:
        resume_step(c);
        return true;
    case EVENT_REVIEW_DECIDED:
        decide_review(c);
        return true;
    case EVENT_CANCEL_ASKED:
        end_all(c, STEP_CANCELED);
        return true;
    case EVENT_RERUN_BEGAN:
        begin_rerun(c);
        return true;
    case EVENT_RERUN_ENDED:
        if (c->event->index != 1)
            end_all(c, STEP_FAILURE);
        end_rerun(c);
        return true;
    default:
        return false;
    }
}

static void apply(const struct change *c)
{
    enum event_shape shape = event_shape(c->event->kind);
    if (apply_to_recovery(c))
        return;
    if (shape == SHAPE_STATE_ENTERED)
        begin_step(c);
    else if (shape == SHAPE_STATE_EXITED)
        exit_step(c);
    else if (c->event->kind == EVENT_EXECUTION_FAILED)
        fail_execution(c);
    else if (c->event->kind == EVENT_EXECUTION_TIMED_OUT)
        end_all(c, STEP_TIMED_OUT);
    else if (c->event->kind == EVENT_EXECUTION_ABORTED)
        end_all(c, STEP_CANCELED);
    else {
        apply_to_attempt(c);
        apply_to_children(c);
    }
}

void steps_apply(struct step_list *list, struct arena *a, const struct run *run,
                 const struct flow_event *events, size_t count, struct wall_ms at)
{
    struct change c = {.list = list, .arena = a, .machine = run_machine(run), .at = at};
    for (size_t i = 0; i < count; i++) {
        c.event = &events[i];
        apply(&c);
    }
}
