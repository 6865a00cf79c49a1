/* How recoveries and pauses change a run. */
#include "flow/apply_internal.h"

/* ---- an ended execution goes on ---- */

static void run_again(const struct change *c)
{
    struct run *run = c->run;
    run->status = FLOW_RUNNING;
    run->stopped_at = (struct wall_ms){0};
    run->output = SLOT_NONE;
    run->has_error = run->has_cause = false;
    run->error = run->cause = STR("");
    apply_deadline(c);
}

static bool has_ended(const struct change *c)
{
    return c->run->turns > 0 && c->run->status != FLOW_RUNNING;
}

bool apply_recovered(const struct change *c)
{
    bool begins = c->run->status == FLOW_RUNNING && c->run->turns == 0;
    if ((!begins && !has_ended(c)) || !recovery_read(c->run, c->event->value))
        return apply_corrupt(c, "it is no recovery, or not due");
    return true;
}

bool apply_redriven(const struct change *c)
{
    if (!has_ended(c))
        return apply_corrupt(c, "the execution has not ended");
    run_again(c);
    c->run->redrive_count++;
    c->run->redriven_at = c->at;
    apply_give_id(c, c->run->history_count);
    return true;
}

bool apply_placed(const struct change *c)
{
    struct run *run = c->run;
    uint32_t next = c->event->next;
    if (run->status != FLOW_RUNNING || next >= run->machine->state_count ||
        run->machine->states[next].scope != 0)
        return apply_corrupt(c, "there is no such place");
    if (run_frame(run, 0))
        run_remove_frame(run, run_frame(run, 0));
    struct frame *root = run_add_frame(run, FRAME_NONE, 0, 0);
    root->next = next;
    root->data = c->event->value;
    root->last_id = run->history_count;
    if (json_is_object(c->event->assigned.value))
        frame_assign(run, root, c->event->assigned);
    return true;
}

/* ---- steps that go on ---- */

static void count_children(const struct run *run, struct frame *f)
{
    struct fan_out *fan = f->fan;
    fan->active = fan->failed = 0;
    for (uint32_t i = 0; i < fan->count; i++)
        fan->active += run_frame(run, fan->children[i]) != NULL;
}

static void forget_failure(struct frame *f)
{
    f->has_error = f->has_cause = false;
    f->wake_ms = 0;
    f->retry_count = 0;
    f->retrier_used = NULL;
    f->submitted = f->heart_stopped = 0;
}

bool apply_step_resumed(const struct change *c)
{
    struct frame *f = c->frame;
    const struct flow_event *e = c->event;
    bool nowhere = f->state == STATE_NO_NONE && e->index != RESUME_AS_IS;
    if (e->index > RESUME_BEFORE || nowhere || (e->index == RESUME_CHILDREN && !f->fan))
        return apply_corrupt(c, "it cannot go on like this");
    if (f->halted)
        c->run->frames_live++;
    f->halted = 0;
    if (f->history == 0)
        f->last_id = c->run->history_count;
    if (e->index == RESUME_AS_IS)
        return true;
    forget_failure(f);
    f->generation = e->generation;
    f->attempt = e->attempt;
    if (!json_is_absent(e->value.value))
        f->data = e->value;
    if (e->index == RESUME_CHILDREN) {
        f->phase = FRAME_CHILDREN;
        f->fan->chain = f->last_id;
        count_children(c->run, f);
        return true;
    }
    run_remove_children(c->run, f);
    f->result = SLOT_NONE;
    f->phase = e->index == RESUME_BEFORE ? FRAME_READY : FRAME_ENTERED;
    if (e->index == RESUME_BEFORE)
        f->next = f->state;
    return true;
}

static bool takes_older_record(const struct change *c)
{
    return c->event->length == 1;
}

bool apply_step_skipped(const struct change *c)
{
    struct run *run = c->run;
    struct frame *f = c->frame;
    struct flow_event *e = c->event;
    struct path_entry *entry = e->state < run->machine->state_count
                                   ? recovery_skip(run, step_path(run, f, e->state, run->arena))
                                   : NULL;
    if (f->phase != FRAME_READY || f->next != e->state || !entry ||
        (takes_older_record(c) && e->step >= run->step_count))
        return apply_corrupt(c, "no such step was to be skipped");
    if (!apply_next_fits(c, f->scope, e->next))
        return apply_corrupt(c, "the next state is not in its scope");
    entry->used = true;
    if (!takes_older_record(c))
        e->step = run->step_count++;
    f->state = e->state;
    f->step = e->step;
    f->phase = e->next == STATE_NO_NONE && f->parent != FRAME_NONE ? FRAME_DONE : FRAME_READY;
    f->next = e->next;
    f->data = e->value;
    if (json_is_object(e->assigned.value))
        frame_assign(run, f, e->assigned);
    recovery_left(run, e->state);
    return true;
}

/* ---- pauses ---- */

bool apply_paused(const struct change *c)
{
    const struct flow_event *e = c->event;
    if (e->index > PAUSE_UNTIL_PHASE)
        return apply_corrupt(c, "nobody pauses for that");
    c->run->paused = 1 + e->index;
    c->run->pause_text = arena_str(c->run->arena, e->cause);
    return true;
}

/* What it was to stop at was reached: the next stop is asked for anew. */
bool apply_unpaused(const struct change *c)
{
    if (!c->run->paused)
        return apply_corrupt(c, "it is not paused");
    c->run->paused = 0;
    c->run->pause_text = STR("");
    c->run->recovery.until_count = 0;
    c->run->recovery.until_phase = STR("");
    return true;
}

/* ---- reviews ---- */

static bool is_review_task(const struct change *c)
{
    const struct state *state = frame_state(c->run, c->frame);
    return state->type == STATE_TASK && state->u.task.resource.kind == TASK_REVIEW;
}

bool apply_review_asked(const struct change *c)
{
    if (c->frame->phase != FRAME_ENTERED && c->frame->phase != FRAME_RETRYING)
        return apply_corrupt(c, "the state does not begin");
    c->frame->phase = FRAME_REVIEW;
    c->frame->wake_ms = c->event->wake_ms;
    c->frame->result = c->event->value;
    return true;
}

bool apply_review_decided(const struct change *c)
{
    struct frame *f = c->frame;
    if (f->phase != FRAME_REVIEW)
        return apply_corrupt(c, "nobody was asked");
    f->wake_ms = 0;
    if (c->event->index != 1) {
        f->result = SLOT_NONE;
        apply_failure(c->run, f, c->event);
    } else if (is_review_task(c)) {
        f->phase = FRAME_RESULT;
        f->result = c->event->value;
    } else {
        f->phase = FRAME_ENTERED;
        f->reviewed = 1;
        f->data = c->event->value;
    }
    return true;
}

/* ---- cancellation ---- */

static void halt_all(struct run *run)
{
    for (uint32_t i = 0; i < run->frame_count; i++)
        if (run->frames[i] && run->frames[i]->parent == FRAME_NONE)
            run_halt(run, run->frames[i]);
}

/* What is under way stays as it is for a recovery, while another state cleans up. */
bool apply_cancel_asked(const struct change *c)
{
    struct run *run = c->run;
    const struct flow_event *e = c->event;
    run->canceling = 1;
    run->has_cancel_cause = e->has_cause;
    run->cancel_cause = arena_str(run->arena, e->cause);
    run->paused = 0;
    run->pause_text = STR("");
    recovery_clear(run);
    if (e->next == STATE_NO_NONE)
        return true;
    if (run->solo || !apply_next_fits(c, 0, e->next))
        return apply_corrupt(c, "there is no such state to clean up");
    halt_all(run);
    struct frame *f = run_add_frame(run, FRAME_NONE, 0, 0);
    f->next = e->next;
    f->data = e->value;
    f->last_id = run->history_count;
    run->solo = f->id + 1;
    return true;
}

/* ---- one step again ---- */

static void keep_end(struct run *run)
{
    run->prior_status = (uint32_t)run->status;
    run->prior_output = run->output;
    run->prior_has_error = run->has_error;
    run->prior_has_cause = run->has_cause;
    run->prior_error = run->error;
    run->prior_cause = run->cause;
}

bool apply_rerun_began(const struct change *c)
{
    struct run *run = c->run;
    const struct flow_event *e = c->event;
    struct json around = recovery_rerun(run);
    if (!has_ended(c) || !json_is_object(around) || e->state >= run->machine->state_count)
        return apply_corrupt(c, "no step can be carried out again");
    keep_end(run);
    run_again(c);
    halt_all(run);
    struct frame *f = run_add_frame(run, FRAME_NONE, run->machine->states[e->state].scope, 0);
    f->next = e->state;
    f->data = e->value;
    f->last_id = run->history_count;
    f->path = arena_str(run->arena, json_str(json_get(around, STR("path"))));
    if (machine_state_is_apart(run->machine, e->state))
        f->history = f->id;
    if (json_is_object(e->assigned.value))
        frame_assign(run, f, e->assigned);
    run->solo = f->id + 1;
    run->solo_vars = e->assigned;
    return true;
}

static struct frame *halted_at(const struct run *run, uint32_t step)
{
    for (uint32_t i = 0; i < run->frame_count; i++) {
        struct frame *f = run->frames[i];
        if (f && f->halted && f->state != STATE_NO_NONE && f->step == step &&
            f->phase != FRAME_READY && f->phase != FRAME_DONE)
            return f;
    }
    return NULL;
}

/* The execution had come to its end in this very step: it is behind it now. */
static void go_past(const struct change *c, struct frame *f)
{
    const struct flow_event *e = c->event;
    run_remove_children(c->run, f);
    forget_failure(f);
    f->phase = e->next == STATE_NO_NONE && f->parent != FRAME_NONE ? FRAME_DONE : FRAME_READY;
    f->next = e->next;
    f->data = e->value;
    f->result = SLOT_NONE;
    if (json_is_object(e->assigned.value))
        frame_assign(c->run, f, e->assigned);
}

bool apply_rerun_ended(const struct change *c)
{
    struct run *run = c->run;
    if (!frame_is_rerun(run, c->frame))
        return apply_corrupt(c, "no step is being carried out again");
    if (c->event->index != 1)
        return true;
    if (!apply_next_fits(c, c->frame->scope, c->event->next))
        return apply_corrupt(c, "the next state is not in its scope");
    struct frame *stood = halted_at(run, c->event->step);
    if (stood)
        go_past(c, stood);
    return true;
}
