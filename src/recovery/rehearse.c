#include "recovery/rehearse.h"

#include "recovery/plan.h"

/* ---- beginning ---- */

/* Attempts of what is done are only ever read. */
static void copy_list(struct rehearsal *r, const struct step_list *from)
{
    struct arena *a = r->arena;
    r->list = *from;
    r->list.capacity = from->count;
    r->list.items = arena_dup(a, from->items, from->count * sizeof(*from->items));
    r->list.frame_capacity = from->frame_count;
    r->list.frames = arena_dup(a, from->frames, from->frame_count * sizeof(*from->frames));
    for (size_t i = 0; i < from->count; i++) {
        struct step *s = &r->list.items[i];
        s->attempt_capacity = s->attempt_count;
        if (!step_is_done(s))
            s->attempts = arena_dup(a, s->attempts, s->attempt_count * sizeof(*s->attempts));
    }
    r->step_capacity = from->count;
    r->steps = ARENA_ARRAY(a, struct rehearsed_step, from->count);
    for (size_t i = 0; i < from->count; i++)
        r->steps[i].visit = r->trace->steps[i].visit;
    r->count_first = from->count;
}

/* Brings what is known of each step up to the length of the list. */
static void follow_list(struct rehearsal *r, size_t known)
{
    for (size_t i = known; i < r->list.count; i++) {
        struct str path = r->list.items[i].path;
        uint32_t last = r->trace ? trace_last(r->trace, path) : STEP_NO_NONE;
        uint32_t before = last == STEP_NO_NONE ? 0 : r->trace->steps[last].visit + 1;
        if (i >= r->step_capacity)
            r->steps = arena_grow(r->arena, r->steps, i, &r->step_capacity, sizeof(*r->steps));
        uint32_t *visits = path_counts_at(&r->visits, path);
        r->steps[i] = (struct rehearsed_step){.visit = before + (*visits)++};
    }
}

static bool is_review(const struct state *state)
{
    return state->type == STATE_TASK && state->u.task.resource.kind == TASK_REVIEW;
}

struct rehearsal *rehearse_new(struct run *run, const struct trace *trace, struct wall_ms now,
                               rehearse_answer *answer, void *arg, struct arena *a)
{
    struct rehearsal *r = ARENA_NEW(a, struct rehearsal);
    *r = (struct rehearsal){
        .arena = a,
        .run = run,
        .trace = trace,
        .now = now,
        .answer = answer,
        .arg = arg,
        .visits = path_counts(a),
    };
    if (trace)
        copy_list(r, trace->list);
    const struct machine *m = run_machine(run);
    for (uint32_t i = 0; i < m->state_count && !r->has_reviews; i++)
        r->has_reviews = m->states[i].review || is_review(&m->states[i]);
    int64_t seconds = m->timeout_seconds;
    r->run_deadline = seconds ? now.ms + seconds * 1000 : 0;
    return r;
}

/* ---- turns ---- */

static void note_event(struct rehearsal *r, const struct flow_event *e)
{
    enum rehearsed what = REHEARSED_NOT;
    if (event_shape(e->kind) == SHAPE_STATE_ENTERED)
        what = REHEARSED_RAN;
    else if (e->kind == EVENT_STEP_RESUMED &&
             (e->index == RESUME_ANEW || e->index == RESUME_CHILDREN))
        what = REHEARSED_RAN;
    else if (e->kind == EVENT_STEP_SKIPPED)
        what = e->index == SKIP_KEPT ? REHEARSED_KEPT : REHEARSED_SKIPPED;
    if (what == REHEARSED_NOT || e->step >= r->list.count)
        return;
    struct rehearsed_step *step = &r->steps[e->step];
    step->what = what;
    step->tries = 0;
    if (r->stop_path.len && step->visit == r->stop_visit &&
        str_eq(r->list.items[e->step].path, r->stop_path))
        r->stopped = true;
}

static void stand(struct rehearsal *r, int64_t deadline)
{
    r->unknown = true;
    const int64_t ends[] = {deadline, r->run_deadline};
    for (size_t i = 0; i < COUNT_OF(ends); i++)
        if (ends[i] && (!r->stands_until || ends[i] < r->stands_until))
            r->stands_until = ends[i];
}

static void begin_task(struct rehearsal *r, const struct flow_effect *effect)
{
    struct outcome outcome = {0};
    const struct step *s = &r->list.items[effect->step];
    struct rehearsed_step *known = &r->steps[effect->step];
    if (!r->answer(r->arg, s, known->visit, known->tries++, &outcome)) {
        stand(r, effect->deadline.ms);
        return;
    }
    r->tasks = arena_grow(r->arena, r->tasks, r->task_count, &r->task_capacity, sizeof(*r->tasks));
    r->tasks[r->task_count++] = (struct rehearsed_task){
        .step = effect->step,
        .attempt = effect->attempt,
        .state = effect->state,
        .due_ms = r->now.ms + outcome.ms,
        .outcome = outcome,
    };
}

static struct rehearsed_task take_task(struct rehearsal *r, size_t at)
{
    struct rehearsed_task task = r->tasks[at];
    r->task_count--;
    memmove(&r->tasks[at], &r->tasks[at + 1], (r->task_count - at) * sizeof(*r->tasks));
    return task;
}

static void end_task(struct rehearsal *r, const struct flow_effect *effect)
{
    for (size_t i = r->task_count; i > 0; i--)
        if (r->tasks[i - 1].step == effect->step && r->tasks[i - 1].attempt == effect->attempt)
            (void)take_task(r, i - 1);
}

static void take_turn(struct rehearsal *r, const struct flow_turn *turn)
{
    size_t known = r->list.count;
    steps_apply(&r->list, r->arena, r->run, turn->events, turn->event_count, turn->at);
    follow_list(r, known);
    for (size_t i = 0; i < turn->event_count; i++)
        note_event(r, &turn->events[i]);
    for (size_t i = 0; i < turn->effect_count; i++) {
        if (turn->effects[i].kind == FLOW_TASK_START)
            begin_task(r, &turn->effects[i]);
        else if (turn->effects[i].kind == FLOW_TASK_CANCEL)
            end_task(r, &turn->effects[i]);
    }
    r->too_long = r->list.count - r->count_first > PLAN_STEPS_AHEAD_MAX;
}

bool rehearse_input(struct rehearsal *r, const struct flow_input *given)
{
    struct flow_input input = *given;
    struct flow_turn turn;
    bool accepted;
    do {
        struct arena *a = arena_new(0);
        input.now = r->now;
        input.seed = ++r->seed;
        flow_turn(r->run, &input, a, &turn);
        accepted = turn.accepted;
        if (accepted)
            take_turn(r, &turn);
        arena_free(a);
        input = (struct flow_input){.why = FLOW_CONTINUE};
    } while (accepted && turn.more && !r->too_long && !r->stopped);
    return accepted;
}

/* ---- answers ---- */

/* A child's Input and Output are texts for .sync, and are made texts of by the turn. */
static struct json child_of_result(struct rehearsal *r, struct json result)
{
    struct json_object_builder b = json_object_builder(r->arena);
    const struct json_member *members = json_members(result);
    if (!json_is_object(result))
        return result;
    for (size_t i = 0; i < json_count(result); i++) {
        struct str name = json_str(members[i].key);
        struct json value = members[i].value, parsed;
        if ((str_eq(name, STR("Input")) || str_eq(name, STR("Output"))) && json_is_string(value) &&
            json_parse_copy(r->arena, json_str(value), (struct json_limits){0}, &parsed, NULL))
            value = parsed;
        json_object_add(&b, name, value);
    }
    return json_object_done(&b);
}

/* By which input an answer comes, and what it then holds of the raw result. */
static void say_well(struct rehearsal *r, const struct resource *resource, struct json result,
                     struct flow_input *input)
{
    bool by_token = resource->kind == TASK_ACTIVITY || resource->pattern == TASK_WAIT_FOR_TOKEN;
    bool child = resource->kind == TASK_NESTED &&
                 (resource->pattern == TASK_SYNC || resource->pattern == TASK_SYNC_2);
    input->ok = true;
    input->value = result;
    if (by_token) {
        input->why = FLOW_TOKEN_RESULT;
    } else if (child) {
        input->why = FLOW_CHILD_ENDED;
        if (resource->pattern == TASK_SYNC)
            input->value = child_of_result(r, result);
    } else if (resource->kind == TASK_LAMBDA_INVOKE) {
        struct json payload = json_get(result, STR("Payload"));
        input->value = json_is_absent(payload) ? json_null() : payload;
    }
}

static void finish_task(struct rehearsal *r, const struct rehearsed_task *task)
{
    const struct resource *resource = &task->state->u.task.resource;
    struct flow_input input = {
        .why = FLOW_TASK_RESULT, .step = task->step, .attempt = task->attempt};
    if (resource->kind == TASK_ACTIVITY) {
        struct flow_input taken = input;
        taken.why = FLOW_TASK_STARTED;
        (void)rehearse_input(r, &taken);
        input.why = FLOW_TOKEN_RESULT;
    }
    if (task->outcome.ok) {
        say_well(r, resource, task->outcome.result, &input);
    } else {
        input.has_error = task->outcome.has_error;
        input.error = task->outcome.error;
        input.has_cause = task->outcome.has_cause;
        input.cause = task->outcome.cause;
    }
    (void)rehearse_input(r, &input);
}

/* Decides one of the reviews that wait. False: none can be. */
static bool review_one(struct rehearsal *r)
{
    const struct flow_review *reviews;
    struct arena *a = arena_new(0);
    size_t count = run_reviews(r->run, a, &reviews);
    bool decided = false;
    for (size_t i = 0; i < count && !decided; i++) {
        struct rehearsed_step *known = &r->steps[reviews[i].step];
        struct outcome outcome;
        if (known->reviewed)
            continue;
        known->reviewed = true;
        decided = r->answer(r->arg, &r->list.items[reviews[i].step], known->visit, 0, &outcome);
        if (!decided)
            stand(r, reviews[i].expires_at.ms);
        else
            (void)rehearse_input(r, &(struct flow_input){.why = FLOW_REVIEW,
                                                         .step = reviews[i].step,
                                                         .ok = true,
                                                         .value = outcome.changes,
                                                         .worker = STR("plan")});
    }
    arena_free(a);
    return decided;
}

/* False: nothing is due that anybody knows of. */
static bool next_thing(struct rehearsal *r)
{
    if (r->has_reviews && review_one(r))
        return true;
    int64_t wake = flow_wake(r->run).ms, due = wake ? wake : INT64_MAX;
    size_t soonest = SIZE_MAX;
    if (r->unknown && r->stands_until && due >= r->stands_until)
        due = INT64_MAX;
    for (size_t i = 0; i < r->task_count; i++) {
        if (r->tasks[i].due_ms < due) {
            due = r->tasks[i].due_ms;
            soonest = i;
        }
    }
    if (due == INT64_MAX)
        return false;
    if (due > r->now.ms)
        r->now.ms = due;
    if (soonest == SIZE_MAX)
        return rehearse_input(r, &(struct flow_input){.why = FLOW_WAKE});
    struct rehearsed_task task = take_task(r, soonest);
    finish_task(r, &task);
    return true;
}

void rehearse_play(struct rehearsal *r)
{
    while (run_status(r->run) == FLOW_RUNNING && !r->too_long && !r->stopped &&
           !run_pause(r->run).quiet && next_thing(r))
        ;
}

/* ---- records ---- */

static const struct step_attempt *attempt_of(const struct step *s, uint32_t tries)
{
    for (size_t i = 0; i < s->attempt_count; i++)
        if (s->attempts[i].generation == s->generation && tries-- == 0)
            return &s->attempts[i];
    return NULL;
}

bool outcome_of_record(const struct step *s, uint32_t tries, struct outcome *ret_outcome)
{
    const struct step_attempt *a = attempt_of(s, tries);
    bool has_work = s->state->type == STATE_TASK;
    if (!has_work && step_is_done(s)) { /* it had a review, which was approved */
        *ret_outcome = (struct outcome){.ok = true};
        return true;
    }
    if (!a || !a->stopped_at.ms)
        return false;
    int64_t ms = a->stopped_at.ms - a->started_at.ms;
    bool failed = a->status == STEP_FAILURE || a->status == STEP_TIMED_OUT;
    *ret_outcome = (struct outcome){
        .ok = a->status == STEP_SUCCESS,
        .result = s->result,
        .has_error = a->has_error,
        .error = a->error,
        .has_cause = a->has_cause,
        .cause = a->cause,
        .ms = ms,
    };
    return failed || (ret_outcome->ok && !json_is_absent(s->result));
}
