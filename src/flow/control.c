/* What a person does to an execution that is under way: pause, review, cancel. */
#include "flow/flow_internal.h"

static struct flow_event event(enum event_kind kind, const struct turn *t)
{
    return (struct flow_event){
        .kind = kind,
        .state = STATE_NO_NONE,
        .next = STATE_NO_NONE,
        .has_cause = t->input->has_cause,
        .cause = t->input->cause,
        .text = arena_str(t->run->arena, t->input->worker),
    };
}

/* ---- pause ---- */

void control_pause(struct turn *t)
{
    if (!t->run->paused && !t->run->solo)
        turn_emit(t, event(EVENT_PAUSED, t));
}

bool control_unpause(struct turn *t)
{
    if (!t->run->paused)
        return false;
    struct flow_event e = event(EVENT_UNPAUSED, t);
    e.has_cause = false;
    turn_emit(t, e);
    return true;
}

void control_note(struct turn *t)
{
    struct flow_event e = event(EVENT_NOTE, t);
    e.log = json_copy(t->run->arena, t->input->log);
    turn_emit(t, e);
}

/* ---- review ---- */

static bool is_review_task(const struct state *state)
{
    return state->type == STATE_TASK && state->u.task.resource.kind == TASK_REVIEW;
}

bool review_is_due(const struct run *run, const struct frame *f)
{
    const struct state *state = frame_state(run, f);
    return f->phase == FRAME_ENTERED && state->review && !f->reviewed && !is_review_task(state) &&
           !run->identity->express; /* of an earlier release, to which the field said nothing */
}

/* What a review goes by: the task's own words come first. */
static int64_t expiry_seconds(const struct state *state, struct json given)
{
    int64_t seconds = state->review ? state->review->expires_seconds : 0;
    if (is_review_task(state))
        (void)json_to_int64(json_get(given, STR("expires_seconds")), &seconds);
    return seconds > 0 && seconds <= TASK_TIMEOUT_MAX_SECONDS ? seconds : 0;
}

void review_ask(struct turn *t, struct frame *f, struct json given)
{
    const struct state *state = frame_state(t->run, f);
    struct flow_event e = turn_event(f, EVENT_REVIEW_ASKED);
    int64_t seconds = expiry_seconds(state, given);
    struct json message = json_get(given, STR("message"));
    if (is_review_task(state))
        e.value = turn_slot(f, given);
    if (is_review_task(state) && json_is_string(message))
        e.text = json_str(message);
    else if (state->review)
        e.text = state->review->message;
    e.wake_ms = seconds ? t->now.ms + seconds * 1000 : 0;
    turn_emit(t, e);
}

/* RFC 7396: a member replaces its namesake, null removes it, objects are merged in turn. */
static struct json merge(struct arena *a, struct json target, struct json patch, int depth)
{
    enum {
        DEPTH_MAX = 64 /* below it, a patch replaces as a whole */
    };
    if (!json_is_object(patch) || depth > DEPTH_MAX)
        return json_copy(a, patch);
    struct json_object_builder b = json_object_builder(a);
    const struct json_member *own = json_members(target), *new = json_members(patch);
    for (size_t i = 0; json_is_object(target) && i < json_count(target); i++) {
        struct json change = json_get(patch, json_str(own[i].key));
        if (json_is_absent(change))
            json_object_add(&b, json_str(own[i].key), own[i].value);
        else if (!json_is_null(change))
            json_object_add(&b, json_str(own[i].key), merge(a, own[i].value, change, depth + 1));
    }
    for (size_t i = 0; i < json_count(patch); i++) {
        bool is_known =
            json_is_object(target) && !json_is_absent(json_get(target, json_str(new[i].key)));
        if (!is_known && !json_is_null(new[i].value))
            json_object_add(&b, arena_str(a, json_str(new[i].key)),
                            merge(a, JSON_NONE, new[i].value, depth + 1));
    }
    return json_object_done(&b);
}

static void refuse(struct turn *t, struct frame *f, const struct failure *failure)
{
    struct flow_event e = turn_event(f, EVENT_REVIEW_DECIDED);
    e.has_error = failure->has_error;
    e.error = failure->error;
    e.has_cause = failure->has_cause;
    e.cause = failure->cause;
    e.text = arena_str(t->run->arena, t->input->worker);
    turn_emit(t, e);
    turn_queue(t, f);
}

static void approve(struct turn *t, struct frame *f)
{
    struct arena *a = t->run->arena;
    const struct state *state = frame_state(t->run, f);
    struct json changes = t->input->value;
    struct json data = is_review_task(state) ? f->result.value : f->data.value;
    struct expr_failure too_large;
    if (!json_is_absent(changes))
        data = merge(a, data, changes, 0);
    if (!data_fits(t, state->name, data, &too_large)) {
        struct failure failure = {.has_error = true,
                                  .has_cause = true,
                                  .error = too_large.error,
                                  .cause = too_large.cause};
        refuse(t, f, &failure);
        return;
    }
    struct flow_event e = turn_event(f, EVENT_REVIEW_DECIDED);
    e.index = 1;
    e.value = turn_slot(f, data);
    e.text = arena_str(a, t->input->worker);
    e.log = json_is_absent(changes) ? JSON_NONE : json_copy(a, changes);
    turn_emit(t, e);
    turn_queue(t, f);
}

/* What it fails with: as the person says, else as the definition does. */
static struct failure refusal(struct turn *t, const struct frame *f)
{
    const struct flow_input *in = t->input;
    const struct review_fields *review = frame_state(t->run, f)->review;
    struct failure failure = {.has_error = true,
                              .has_cause = true,
                              .error = STR("Pawl.ReviewRejected"),
                              .cause = STR("The review was rejected.")};
    if (review && review->error.len)
        failure.error = review->error;
    if (review && review->cause.len)
        failure.cause = review->cause;
    if (in->has_error)
        failure.error = arena_str(t->run->arena, in->error);
    if (in->has_cause)
        failure.cause = arena_str(t->run->arena, in->cause);
    return failure;
}

/* NULL: none waits, or several do and none was named. */
static struct frame *review_frame(const struct run *run, uint32_t step)
{
    struct frame *found = NULL;
    for (uint32_t i = 0; i < run->frame_count; i++) {
        struct frame *f = run->frames[i];
        if (!f || f->halted || f->phase != FRAME_REVIEW ||
            (step != STEP_NO_NONE && f->step != step))
            continue;
        if (found)
            return NULL;
        found = f;
    }
    return found;
}

void control_review(struct turn *t)
{
    const struct flow_input *in = t->input;
    struct frame *f = review_frame(t->run, in->step);
    if (!f || (!json_is_absent(in->value) && !json_is_object(in->value)))
        return;
    t->awaited = true;
    if (in->ok) {
        approve(t, f);
        return;
    }
    struct failure failure = refusal(t, f);
    refuse(t, f, &failure);
}

void review_expire(struct turn *t, struct frame *f)
{
    struct failure failure = {.has_error = true,
                              .has_cause = true,
                              .error = STR("Pawl.ReviewExpired"),
                              .cause = STR("Nobody decided in time.")};
    refuse(t, f, &failure);
}

size_t run_reviews(const struct run *run, struct arena *a, const struct flow_review **ret_reviews)
{
    struct flow_review *reviews = NULL;
    size_t count = 0, capacity = 0;
    for (uint32_t i = 0; run->status == FLOW_RUNNING && i < run->frame_count; i++) {
        const struct frame *f = run->frames[i];
        if (!f || f->halted || f->phase != FRAME_REVIEW)
            continue;
        const struct state *state = frame_state(run, f);
        struct str own = json_str(json_get(f->result.value, STR("message")));
        reviews = arena_grow(a, reviews, count, &capacity, sizeof(*reviews));
        reviews[count++] = (struct flow_review){
            .step = f->step,
            .state = state,
            .entered_at = f->entered_at,
            .expires_at = {f->wake_ms},
            .message = own.len || !state->review ? own : state->review->message,
            .data = is_review_task(state) ? f->result.value : f->data.value,
        };
    }
    *ret_reviews = reviews;
    return count;
}

/* ---- cancel ---- */

/* What the state of x-on-cancel is given. */
static struct json cleanup_input(struct turn *t)
{
    struct arena *a = t->run->arena;
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("reason"), json_string_copy(a, t->input->cause));
    json_object_add(&b, STR("by"), json_string_copy(a, t->input->worker));
    json_object_add(&b, STR("input"), t->run->input.value);
    return json_object_done(&b);
}

void control_cancel(struct turn *t)
{
    uint32_t cleanup = t->machine->on_cancel;
    struct flow_event e = event(EVENT_CANCEL_ASKED, t);
    if (t->run->solo)
        return;
    for (uint32_t i = 0; i < t->run->frame_count; i++)
        if (t->run->frames[i])
            task_cancel_effect(t, t->run->frames[i]);
    if (cleanup != STATE_NO_NONE) {
        e.next = cleanup;
        e.value = (struct slot){cleanup_input(t), SLOT_TURN_FRESH, 0};
    }
    turn_emit(t, e);
    if (cleanup != STATE_NO_NONE)
        turn_queue(t, run_frame(t->run, t->run->solo - 1));
    else
        cancel_end(t);
}

void cancel_end(struct turn *t)
{
    struct flow_event e = {.kind = EVENT_EXECUTION_ABORTED,
                           .state = STATE_NO_NONE,
                           .next = STATE_NO_NONE,
                           .has_error = true,
                           .has_cause = t->run->has_cancel_cause,
                           .error = STR("Pawl.Canceled"),
                           .cause = t->run->cancel_cause};
    turn_emit(t, e);
    turn_effect(t, FLOW_ENDED, NULL);
}
