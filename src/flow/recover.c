/* Recoveries: an ended execution goes on, or one step of it is carried out again. */
#include "flow/flow_internal.h"

/* ---- what was asked, as the journal keeps it ---- */

static void add_number(struct json_object_builder *b, const char *name, uint32_t value)
{
    if (value != UINT32_MAX)
        json_object_add(b, str_of_cstr(name), json_int(value));
}

static struct json skips_json(struct arena *a, const struct flow_recovery *r)
{
    struct json_array_builder list = json_array_builder(a);
    for (size_t i = 0; i < r->skip_count; i++) {
        const struct flow_skip *skip = &r->skips[i];
        struct json_object_builder b = json_object_builder(a);
        json_object_add(&b, STR("p"), json_string_copy(a, skip->path));
        json_object_add(&b, STR("k"), json_int((int64_t)skip->kind));
        add_number(&b, "n", skip->step);
        add_number(&b, "x", skip->next);
        if (!json_is_absent(skip->output))
            json_object_add(&b, STR("o"), json_copy(a, skip->output));
        if (!json_is_absent(skip->assigned))
            json_object_add(&b, STR("v"), json_copy(a, skip->assigned));
        json_array_add(&list, json_object_done(&b));
    }
    return json_array_done(&list);
}

static struct json reuses_json(struct arena *a, const struct flow_recovery *r)
{
    struct json_array_builder list = json_array_builder(a);
    for (size_t i = 0; i < r->reuse_count; i++) {
        struct json_object_builder b = json_object_builder(a);
        json_object_add(&b, STR("p"), json_string_copy(a, r->reuses[i].path));
        json_object_add(&b, STR("n"), json_int(r->reuses[i].step));
        json_object_add(&b, STR("g"), json_int(r->reuses[i].generation));
        json_object_add(&b, STR("a"), json_int(r->reuses[i].attempt));
        json_array_add(&list, json_object_done(&b));
    }
    return json_array_done(&list);
}

static struct json rerun_json(struct arena *a, const struct flow_recovery *r)
{
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("step"), json_int(r->step));
    json_object_add(&b, STR("path"), json_string_copy(a, r->frame_path));
    json_object_add(&b, STR("output"), json_bool(r->gives_output));
    if (!json_is_absent(r->within))
        json_object_add(&b, STR("within"), json_copy(a, r->within));
    if (!json_is_absent(r->item)) {
        json_object_add(&b, STR("item"), json_copy(a, r->item));
        json_object_add(&b, STR("index"), json_int(r->item_index));
    }
    return json_object_done(&b);
}

static struct json asked_json(struct arena *a, const struct flow_recovery *r)
{
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("kind"), json_int((int64_t)r->kind));
    if (r->skip_count)
        json_object_add(&b, STR("skip"), skips_json(a, r));
    if (r->reuse_count)
        json_object_add(&b, STR("again"), reuses_json(a, r));
    if (r->until_count) {
        struct json_array_builder until = json_array_builder(a);
        for (size_t i = 0; i < r->until_count; i++)
            json_array_add(&until, json_int(r->until[i]));
        json_object_add(&b, STR("until"), json_array_done(&until));
    }
    if (r->until_phase.len)
        json_object_add(&b, STR("phase"), json_string_copy(a, r->until_phase));
    if (r->kind == FLOW_RERUN_STEP)
        json_object_add(&b, STR("rerun"), rerun_json(a, r));
    if (r->by.len)
        json_object_add(&b, STR("by"), json_string_copy(a, r->by));
    return json_object_done(&b);
}

static struct slot fresh(struct turn *t, struct json value)
{
    return json_is_absent(value)
               ? SLOT_NONE
               : (struct slot){json_copy(t->run->arena, value), SLOT_TURN_FRESH, 0};
}

static struct flow_event event(enum event_kind kind)
{
    return (struct flow_event){.kind = kind, .state = STATE_NO_NONE, .next = STATE_NO_NONE};
}

void recover_ask(struct turn *t)
{
    struct flow_event e = event(EVENT_RECOVERED);
    e.value = (struct slot){asked_json(t->run->arena, t->input->recovery), SLOT_TURN_FRESH, 0};
    turn_emit(t, e);
}

/* ---- going on where it stood ---- */

/* Does a Map lack an iteration that failed, and whose frame did not stay? */
static bool has_holes(const struct run *run, const struct fan_out *fan)
{
    for (uint32_t i = 0; i < fan->started; i++)
        if (!run_frame(run, fan->children[i]) &&
            (!fan->results || json_is_absent(fan->results[i].value)))
            return true;
    return false;
}

/* Branches that all went well are done again only when what they gave together is too
 * large: that is AWS's rule. */
static bool children_go_on(const struct run *run, const struct frame *f)
{
    const struct fan_out *fan = f->fan;
    if (!fan || (f->phase != FRAME_CHILDREN && f->phase != FRAME_FAILED))
        return false;
    bool complete = fan->succeeded == fan->count;
    bool too_large = run->has_error && str_eq(run->error, STR("States.DataLimitExceeded"));
    return !(complete && too_large) && !has_holes(run, fan);
}

static enum resume_how how_to_resume(struct turn *t, const struct frame *f)
{
    if (f->phase == FRAME_READY || f->phase == FRAME_DONE)
        return RESUME_AS_IS;
    if (recovery_skip(t->run, step_path(t->run, f, f->state, t->arena)))
        return RESUME_BEFORE;
    return children_go_on(t->run, f) ? RESUME_CHILDREN : RESUME_ANEW;
}

/* Has a task of this attempt been out? Its number must not come again. */
static bool attempt_was_used(const struct frame *f)
{
    return f->phase == FRAME_TASK || f->phase == FRAME_RESULT || f->phase == FRAME_FAILED;
}

static void resume_frame(struct turn *t, const struct frame *f, bool with_input)
{
    struct flow_event e = turn_event(f, EVENT_STEP_RESUMED);
    e.index = (uint32_t)how_to_resume(t, f);
    e.within = turn_within(t, f);
    if (e.index != RESUME_AS_IS)
        e.generation++;
    if (e.index == RESUME_CHILDREN || (e.index == RESUME_ANEW && attempt_was_used(f)))
        e.attempt++;
    if (e.index == RESUME_ANEW && with_input)
        e.value = fresh(t, t->input->recovery->input);
    turn_emit(t, e);
}

/* From the top down: a frame that is carried out anew has no children any more. */
static void resume_frames(struct turn *t)
{
    struct run *run = t->run;
    uint32_t *due = ARENA_ARRAY(t->arena, uint32_t, run->frame_count + 1);
    size_t count = 0;
    bool with_input = !json_is_absent(t->input->recovery->input);
    if (run_frame(run, 0))
        due[count++] = 0;
    while (count) {
        const struct frame *f = run_frame(run, due[--count]);
        resume_frame(t, f, with_input);
        for (uint32_t i = f->fan ? f->fan->count : 0; i > 0; i--)
            if (run_frame(run, f->fan->children[i - 1]))
                due[count++] = f->fan->children[i - 1];
    }
}

static void place(struct turn *t, const struct flow_recovery *r)
{
    struct flow_event e = event(EVENT_PLACED);
    e.next = r->state;
    e.value = fresh(t, r->data);
    e.assigned = fresh(t, r->vars);
    turn_emit(t, e);
}

static void resume(struct turn *t)
{
    struct flow_event e = event(EVENT_EXECUTION_REDRIVEN);
    e.index = t->run->redrive_count + 1;
    turn_emit(t, e);
    if (t->input->recovery->placed)
        place(t, t->input->recovery);
    else
        resume_frames(t);
    for (uint32_t i = 0; i < t->run->frame_count; i++)
        if (t->run->frames[i] && frame_can_go_on(t->run, t->run->frames[i], t->now))
            turn_queue(t, t->run->frames[i]);
}

/* ---- one step ---- */

static void rerun_begin(struct turn *t)
{
    const struct flow_recovery *r = t->input->recovery;
    struct flow_event e = event(EVENT_RERUN_BEGAN);
    e.state = r->state;
    e.step = r->step;
    e.generation = r->reuse_count ? r->reuses[0].generation : 0;
    e.value = fresh(t, r->data);
    e.assigned = fresh(t, r->vars);
    turn_emit(t, e);
    turn_queue(t, run_frame(t->run, t->run->solo - 1));
}

static bool same_slot(struct slot a, struct slot b)
{
    return a.turn == b.turn && a.index == b.index && a.value.tag == b.value.tag;
}

/* What its last state assigned. */
static struct slot assigned_last(const struct run *run, const struct frame *f)
{
    struct slot last = f->assigned_count ? f->assigned[f->assigned_count - 1] : SLOT_NONE;
    return same_slot(last, run->solo_vars) ? SLOT_NONE : last;
}

/* The top level stands at its end now, when the step was what it had failed in. */
static bool is_at_end(const struct run *run)
{
    const struct frame *root = run_frame(run, 0);
    return root && root->halted && root->phase == FRAME_READY && root->next == STATE_NO_NONE;
}

static void emit_end(struct turn *t, const struct frame *solo, bool succeeded, struct slot output)
{
    static const enum event_kind kinds[] = {
        [FLOW_SUCCEEDED] = EVENT_EXECUTION_SUCCEEDED,
        [FLOW_FAILED] = EVENT_EXECUTION_FAILED,
        [FLOW_TIMED_OUT] = EVENT_EXECUTION_TIMED_OUT,
        [FLOW_ABORTED] = EVENT_EXECUTION_ABORTED,
    };
    const struct run *run = t->run;
    struct flow_event e = turn_event(solo, EVENT_EXECUTION_SUCCEEDED);
    e.value = output;
    if (!succeeded) {
        e.kind = kinds[run->prior_status];
        e.value = run->prior_output;
        e.has_error = run->prior_has_error;
        e.error = run->prior_error;
        e.has_cause = run->prior_has_cause;
        e.cause = run->prior_cause;
    }
    turn_emit(t, e);
    turn_effect(t, FLOW_ENDED, NULL);
}

void rerun_end(struct turn *t, const struct frame *solo, bool good, const struct failure *failure)
{
    int64_t step = 0;
    struct json around = recovery_rerun(t->run);
    (void)json_to_int64(json_get(around, STR("step")), &step);
    struct flow_event e = turn_event(solo, EVENT_RERUN_ENDED);
    e.step = (uint32_t)step;
    e.index = good;
    if (good) {
        e.value = solo->data;
        e.next = solo->next;
        e.assigned = assigned_last(t->run, solo);
    } else if (failure) {
        e.has_error = failure->has_error;
        e.error = failure->error;
        e.has_cause = failure->has_cause;
        e.cause = failure->cause;
    }
    turn_emit(t, e);
    bool gives = json_is_true(json_get(around, STR("output"))) || is_at_end(t->run);
    emit_end(t, solo, good && gives, solo->data);
}

/* ---- whether it can be done at all ---- */

static bool tables_fit(const struct run *run, const struct flow_recovery *r)
{
    for (size_t i = 0; i < r->skip_count; i++)
        if (r->skips[i].step != STEP_NO_NONE && r->skips[i].step >= run->step_count)
            return false;
    for (size_t i = 0; i < r->reuse_count; i++)
        if (r->reuses[i].step >= run->step_count)
            return false;
    for (size_t i = 0; i < r->until_count; i++)
        if (r->until[i] >= run->machine->state_count)
            return false;
    return true;
}

/* Planners make none that does not; whoever calls the core by hand may. */
static bool fits(const struct run *run, const struct flow_recovery *r)
{
    bool has_state = r->state < run->machine->state_count;
    if (!tables_fit(run, r))
        return false;
    if (r->kind == FLOW_RERUN_STEP)
        return has_state && r->step < run->step_count && !json_is_absent(r->data);
    if (r->kind != FLOW_RESUME_RUN)
        return false;
    if (r->placed)
        return has_state && run->machine->states[r->state].scope == 0 && !json_is_absent(r->data);
    return run_frame(run, 0) != NULL;
}

void recover(struct turn *t)
{
    if (!t->input->recovery || !fits(t->run, t->input->recovery))
        return;
    recover_ask(t);
    if (t->input->recovery->kind == FLOW_RERUN_STEP)
        rerun_begin(t);
    else
        resume(t);
}
