/* flow_turn: from an input to everything that follows until the run is parked. */
#include "flow/flow_internal.h"

/* ---- building ---- */

struct slot turn_slot(const struct frame *frame, struct json value)
{
    const struct slot *own[] = {frame ? &frame->data : NULL, frame ? &frame->result : NULL};
    for (size_t i = 0; i < COUNT_OF(own); i++)
        if (own[i] && own[i]->value.tag == value.tag && own[i]->value.len == value.len &&
            own[i]->value.u.integer == value.u.integer && !json_is_absent(value))
            return *own[i];
    return (struct slot){value, SLOT_TURN_FRESH, 0};
}

struct flow_event turn_event(const struct frame *frame, enum event_kind kind)
{
    return (struct flow_event){
        .kind = kind,
        .frame = frame->id,
        .state = frame->state,
        .step = frame->step,
        .attempt = frame->attempt,
        .generation = frame->generation,
        .next = STATE_NO_NONE,
    };
}

/* What is around the frame of a rerun, whose parents are no more. */
static struct json frame_around(const struct run *run, const struct frame *frame)
{
    while (frame->parent != FRAME_NONE)
        frame = run_frame(run, frame->parent);
    return frame_is_solo(run, frame) ? json_get(recovery_rerun(run), STR("within")) : JSON_NONE;
}

struct json turn_within(struct turn *t, const struct frame *frame)
{
    struct json around = frame_around(t->run, frame);
    size_t depth = json_count(around), outer = depth;
    for (uint32_t id = frame->parent; id != FRAME_NONE; id = run_frame(t->run, id)->parent)
        depth++;
    if (depth == 0)
        return JSON_NONE;
    struct json *chain = ARENA_ARRAY(t->arena, struct json, depth);
    for (size_t i = 0; i < outer; i++)
        chain[i] = json_at(around, i);
    for (size_t i = depth; i > outer; i--) {
        const struct frame *parent = run_frame(t->run, frame->parent);
        struct json *link = ARENA_ARRAY(t->arena, struct json, 2);
        link[0] = json_int(parent->step);
        link[1] = json_int(frame->index);
        chain[i - 1] = json_array(link, 2);
        frame = parent;
    }
    return json_array(chain, depth);
}

/* Gives a fresh value its place in the turn; a value that was given one a
 * moment ago is not given another. */
static void place(struct turn *t, struct slot *slot)
{
    enum {
        LOOK_BACK = 8
    };
    if (json_is_absent(slot->value) || slot->turn != SLOT_TURN_FRESH)
        return;
    slot->turn = t->number;
    for (size_t i = t->value_count; i > 0 && t->value_count - i < LOOK_BACK; i--) {
        const struct json *v = &t->values[i - 1];
        if (v->tag == slot->value.tag && v->len == slot->value.len &&
            v->u.integer == slot->value.u.integer) {
            slot->index = (uint32_t)(i - 1);
            return;
        }
    }
    t->values =
        arena_grow(t->arena, t->values, t->value_count, &t->value_capacity, sizeof(struct json));
    slot->index = (uint32_t)t->value_count;
    t->values[t->value_count++] = slot->value;
    t->bytes += json_size(slot->value);
}

void turn_emit(struct turn *t, struct flow_event event)
{
    enum {
        EVENT_BYTES = 32
    }; /* about what an event takes in a journal row */
    place(t, &event.value);
    place(t, &event.assigned);
    t->bytes += EVENT_BYTES + event.error.len + event.cause.len;
    if (event_shape(event.kind) == SHAPE_STATE_ENTERED || event.kind == EVENT_STEP_SKIPPED)
        t->states++;
    struct err err;
    if (!run_apply(t->run, &event, t->now, &err))
        panic(__FILE__, __LINE__, err.message);
    t->events = arena_grow(t->arena, t->events, t->event_count, &t->event_capacity,
                           sizeof(struct flow_event));
    t->events[t->event_count++] = event;
}

struct flow_effect *turn_effect(struct turn *t, enum flow_effect_kind kind, const struct frame *f)
{
    t->effects = arena_grow(t->arena, t->effects, t->effect_count, &t->effect_capacity,
                            sizeof(struct flow_effect));
    struct flow_effect *effect = &t->effects[t->effect_count++];
    *effect = (struct flow_effect){.kind = kind};
    if (f) {
        effect->step = f->step;
        effect->attempt = f->attempt;
        effect->state = frame_state(t->run, f);
    }
    return effect;
}

/* ---- the queue of frames that can go on ---- */

void turn_queue(struct turn *t, const struct frame *frame)
{
    struct frame *f = run_frame(t->run, frame->id);
    if (f->queued)
        return;
    if (t->queue_count == t->queue_capacity) {
        size_t larger = t->queue_capacity ? t->queue_capacity * 2 : 16;
        uint32_t *queue = arena_alloc(t->arena, larger * sizeof(uint32_t));
        for (size_t i = 0; i < t->queue_count; i++)
            queue[i] = t->queue[(t->queue_head + i) % t->queue_capacity];
        t->queue = queue;
        t->queue_head = 0;
        t->queue_capacity = larger;
    }
    t->queue[(t->queue_head + t->queue_count++) % t->queue_capacity] = f->id;
    f->queued = true;
}

/* A frame that ended while it stood in the queue may have left its id to a new
 * one; the new one's own entry then finds it not queued any more and is skipped. */
static struct frame *next_in_queue(struct turn *t)
{
    while (t->queue_count) {
        struct frame *f = run_frame(t->run, t->queue[t->queue_head]);
        t->queue_head = (t->queue_head + 1) % t->queue_capacity;
        t->queue_count--;
        if (f && f->queued) {
            f->queued = false;
            return f;
        }
    }
    return NULL;
}

static void queue_all(struct turn *t)
{
    for (uint32_t i = 0; i < t->run->frame_count; i++) {
        struct frame *f = t->run->frames[i];
        if (!f)
            continue;
        f->queued = false;
        if (frame_can_go_on(t->run, f, t->now))
            turn_queue(t, f);
    }
}

/* ---- one step of one frame ---- */

static const enum event_kind entered_kind[STATE_TYPE_COUNT] = {
    [STATE_PASS] = EVENT_PASS_ENTERED,         [STATE_TASK] = EVENT_TASK_ENTERED,
    [STATE_CHOICE] = EVENT_CHOICE_ENTERED,     [STATE_WAIT] = EVENT_WAIT_ENTERED,
    [STATE_SUCCEED] = EVENT_SUCCEED_ENTERED,   [STATE_FAIL] = EVENT_FAIL_ENTERED,
    [STATE_PARALLEL] = EVENT_PARALLEL_ENTERED, [STATE_MAP] = EVENT_MAP_ENTERED,
};

static void skip_next(struct turn *t, struct frame *f, const struct path_entry *entry)
{
    struct flow_skip skip = recovery_skip_of(t->run, entry);
    bool is_older = skip.step != STEP_NO_NONE;
    struct flow_event e = turn_event(f, EVENT_STEP_SKIPPED);
    e.state = f->next;
    e.step = is_older ? skip.step : 0;
    e.generation = is_older ? f->generation : 0;
    e.length = is_older;
    e.index = (uint32_t)skip.kind;
    e.next = skip.next;
    e.value =
        json_is_absent(skip.output) ? f->data : (struct slot){skip.output, SLOT_TURN_FRESH, 0};
    if (!json_is_absent(skip.assigned))
        e.assigned = (struct slot){skip.assigned, SLOT_TURN_FRESH, 0};
    e.within = turn_within(t, f);
    turn_emit(t, e);
    turn_queue(t, f);
}

/* A recovery may have it that the run stops here, or goes on without the state's work. */
static bool turn_aside(struct turn *t, struct frame *f, struct str path)
{
    struct flow_event pause = {
        .kind = EVENT_PAUSED, .state = STATE_NO_NONE, .next = STATE_NO_NONE, .has_cause = true};
    enum pause_why why;
    if (recovery_stops_before(t->run, f->next, &why, &pause.cause)) {
        pause.index = (uint32_t)why;
        turn_emit(t, pause);
        return true;
    }
    struct path_entry *entry = recovery_skip(t->run, path);
    if (entry)
        skip_next(t, f, entry);
    return entry != NULL;
}

static void reuse_record(struct turn *t, struct str path, struct flow_event *e)
{
    const struct path_entry *entry = recovery_reuse(t->run, path);
    if (!entry)
        return;
    struct flow_reuse reuse = recovery_reuse_of(t->run, entry);
    e->length = 1;
    e->step = reuse.step;
    e->generation = reuse.generation;
    e->attempt = reuse.attempt;
}

static void enter_next(struct turn *t, struct frame *f)
{
    bool recovers = !json_is_absent(t->run->recovery.asked.value);
    struct str path = recovers ? step_path(t->run, f, f->next, t->arena) : STR("");
    if (recovers && turn_aside(t, f, path))
        return;
    struct flow_event e = {
        .kind = entered_kind[t->machine->states[f->next].type],
        .frame = f->id,
        .state = f->next,
        .next = STATE_NO_NONE,
        .attempt = 1,
        .value = f->data,
    };
    if (recovers)
        reuse_record(t, path, &e);
    e.within = turn_within(t, f);
    turn_emit(t, e);
    turn_queue(t, f);
}

/* READY without a next state: only the top level stands like this, since
 * branches and iterations are DONE instead. */
static void end_well(struct turn *t, struct frame *root)
{
    if (t->run->canceling) {
        cancel_end(t);
        return;
    }
    struct flow_event e = turn_event(root, EVENT_EXECUTION_SUCCEEDED);
    e.value = root->data;
    turn_emit(t, e);
    turn_effect(t, FLOW_ENDED, NULL);
}

static void step_frame(struct turn *t, struct frame *f)
{
    if (!frame_can_go_on(t->run, f, t->now))
        return;
    switch (f->phase) {
    case FRAME_READY:
        if (frame_is_past_rerun(t->run, f))
            rerun_end(t, f, true, NULL);
        else if (f->next == STATE_NO_NONE)
            end_well(t, f);
        else
            enter_next(t, f);
        break;
    case FRAME_ENTERED:
        if (review_is_due(t->run, f))
            review_ask(t, f, JSON_NONE);
        else
            state_execute(t, f);
        break;
    case FRAME_RESULT:
    case FRAME_WAITING:
    case FRAME_RETRYING:
        state_execute(t, f);
        break;
    case FRAME_TASK:
        task_time_out(t, f);
        break;
    case FRAME_REVIEW:
        review_expire(t, f);
        break;
    case FRAME_FAILED: {
        struct failure failure = {f->has_error, f->has_cause, f->error, f->cause, f->heart_stopped};
        failure_handle(t, f, &failure);
        break;
    }
    case FRAME_DONE:
        fan_child_done(t, f);
        break;
    case FRAME_CHILDREN:
        fan_go_on_or_finish(t, f);
        break;
    }
}

/* ---- inputs ---- */

static void start(struct turn *t)
{
    struct flow_event e = {
        .kind = EVENT_EXECUTION_STARTED,
        .state = STATE_NO_NONE,
        .next = STATE_NO_NONE,
        .value = {json_copy(t->run->arena, t->input->value), SLOT_TURN_FRESH, 0},
    };
    turn_emit(t, e);
    if (t->input->recovery)
        recover_ask(t);
    turn_queue(t, run_frame(t->run, 0));
}

static void cancel_all(struct turn *t)
{
    for (uint32_t i = 0; i < t->run->frame_count; i++)
        if (t->run->frames[i])
            task_cancel_effect(t, t->run->frames[i]);
}

/* Ends the execution from outside: stopped, or out of time. */
static void end_from_outside(struct turn *t, enum event_kind kind)
{
    cancel_all(t);
    if (t->run->solo && !t->run->canceling) {
        struct failure failure = {.has_error = t->input->has_error,
                                  .has_cause = t->input->has_cause,
                                  .error = t->input->error,
                                  .cause = t->input->cause};
        if (kind == EVENT_EXECUTION_TIMED_OUT)
            failure = (struct failure){.has_error = true, .error = STR("States.Timeout")};
        rerun_end(t, run_frame(t->run, t->run->solo - 1), false, &failure);
        return;
    }
    struct flow_event e = {
        .kind = kind,
        .state = STATE_NO_NONE,
        .next = STATE_NO_NONE,
    };
    if (kind == EVENT_EXECUTION_ABORTED) {
        e.has_error = t->input->has_error;
        e.error = t->input->error;
        e.has_cause = t->input->has_cause;
        e.cause = t->input->cause;
    }
    turn_emit(t, e);
    turn_effect(t, FLOW_ENDED, NULL);
}

static void take_input(struct turn *t)
{
    switch (t->input->why) {
    case FLOW_START:
        start(t);
        break;
    case FLOW_CONTINUE:
    case FLOW_WAKE:
        queue_all(t);
        break;
    case FLOW_TASK_RESULT:
        task_result(t);
        break;
    case FLOW_CHILD_ENDED:
        task_child_ended(t);
        break;
    case FLOW_STOP:
        end_from_outside(t, EVENT_EXECUTION_ABORTED);
        break;
    case FLOW_TASK_STARTED:
        task_started(t);
        break;
    case FLOW_TOKEN_RESULT:
        task_token_result(t);
        break;
    case FLOW_HEARTBEAT_LOST:
        task_heartbeat_lost(t);
        break;
    case FLOW_RECOVER:
        recover(t);
        break;
    case FLOW_PAUSE:
        control_pause(t);
        break;
    case FLOW_UNPAUSE:
        if (control_unpause(t))
            queue_all(t);
        break;
    case FLOW_NOTE:
        control_note(t);
        break;
    case FLOW_REVIEW:
        control_review(t);
        break;
    case FLOW_CANCEL:
        control_cancel(t);
        break;
    }
}

static bool acceptable(const struct run *run, const struct flow_input *input)
{
    bool started = run->turns > 0;
    if (input->why == FLOW_RECOVER)
        return started && run->status != FLOW_RUNNING && !run->identity->express;
    if (input->why == FLOW_NOTE)
        return started;
    if (run->status != FLOW_RUNNING)
        return false;
    return input->why == FLOW_START ? !started : started;
}

static bool within_bounds(const struct turn *t)
{
    return t->states < t->run->limits.turn_states_max && t->bytes < t->run->limits.turn_bytes_max;
}

/* AWS ends an execution whose history is full; the last event says so. */
static void check_history_limit(struct turn *t)
{
    struct run *run = t->run;
    if (run->status != FLOW_RUNNING || run->history_count < run->limits.history_max)
        return;
    cancel_all(t);
    struct failure failure = {
        .has_error = true,
        .has_cause = true,
        .error = STR("States.Runtime"),
        .cause = arena_printf(run->arena,
                              "The execution reached the maximum number of history events (%zu).",
                              run->limits.history_max),
    };
    execution_fail(t, run_frame(run, 0), &failure);
}

void flow_turn(struct run *run, const struct flow_input *input, struct arena *arena,
               struct flow_turn *ret_turn)
{
    struct wall_ms now = input->now.ms > run->last_at.ms ? input->now : run->last_at;
    struct turn t = {
        .run = run,
        .machine = run->machine,
        .input = input,
        .now = now,
        .rng = rng_seeded(input->seed),
        .arena = arena,
        .scratch = arena_new(run->limits.memory_max),
        .number = run->turns,
    };
    *ret_turn = (struct flow_turn){.number = run->turns, .at = now};
    arena_allow(run->arena, run->limits.memory_max); /* what expressions make lies there */
    if (acceptable(run, input)) {
        bool is_late = run->deadline_ms && run->deadline_ms <= now.ms;
        if (is_late && input->why != FLOW_STOP && run->status == FLOW_RUNNING)
            end_from_outside(&t, EVENT_EXECUTION_TIMED_OUT);
        else
            take_input(&t);
        struct frame *f;
        while (run->status == FLOW_RUNNING && within_bounds(&t) && (f = next_in_queue(&t))) {
            step_frame(&t, f);
            check_history_limit(&t);
        }
    }
    arena_free(t.scratch);
    ret_turn->accepted = t.event_count > 0;
    if (!ret_turn->accepted)
        return;
    run->turns++;
    run->last_at = now;
    ret_turn->awaited = t.awaited;
    ret_turn->more = run->status == FLOW_RUNNING && t.queue_count > 0;
    ret_turn->events = t.events;
    ret_turn->event_count = t.event_count;
    ret_turn->values = t.values;
    ret_turn->value_count = t.value_count;
    ret_turn->effects = t.effects;
    ret_turn->effect_count = t.effect_count;
}
