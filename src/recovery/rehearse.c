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

/* The run's, and what is noted of it. */
static size_t memory_used(const struct rehearsal *r)
{
    return arena_used(run_arena(r->run)) + arena_used(r->arena);
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
        .tasks = {.arena = a},
        .wake_from = INT64_MIN,
    };
    if (trace)
        copy_list(r, trace->list);
    r->memory_max = memory_used(r) + PLAN_MEMORY_MAX;
    int64_t seconds = run_machine(run)->timeout_seconds;
    r->run_deadline = seconds ? now.ms + seconds * 1000 : 0;
    return r;
}

/* ---- turns ---- */

static void note_review(struct rehearsal *r, const struct flow_event *e)
{
    r->reviews =
        arena_grow(r->arena, r->reviews, r->review_count, &r->review_capacity, sizeof(*r->reviews));
    r->reviews[r->review_count++] = (struct rehearsed_review){e->step, e->wake_ms};
}

static void note_event(struct rehearsal *r, const struct flow_event *e)
{
    enum rehearsed what = REHEARSED_NOT;
    if (e->wake_ms && e->wake_ms < r->wake_from)
        r->wake_from = e->wake_ms;
    if (e->kind == EVENT_REVIEW_ASKED)
        note_review(r, e);
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
    bool recorded = effect->step < r->count_first;
    size_t tries = recorded ? r->trace->list->items[effect->step].attempt_count : 0;
    r->tries_ahead += known->tries > tries;
    if (!r->answer(r->arg, s, known->visit, known->tries++, &outcome)) {
        stand(r, effect->deadline.ms);
        return;
    }
    struct rehearsed_task *task = r->spare;
    if (task)
        r->spare = task->next;
    else
        task = ARENA_NEW(r->arena, struct rehearsed_task);
    *task = (struct rehearsed_task){
        .step = effect->step,
        .attempt = effect->attempt,
        .state = effect->state,
        .outcome = outcome,
        .next = known->task,
    };
    known->task = task;
    heap_set(&r->tasks, &task->due, r->now.ms + outcome.ms);
}

static struct rehearsed_task take_task(struct rehearsal *r, struct rehearsed_task *task)
{
    struct rehearsed_task taken = *task, **at = &r->steps[task->step].task;
    while (*at != task)
        at = &(*at)->next;
    *at = task->next;
    heap_remove(&r->tasks, &task->due);
    task->next = r->spare;
    r->spare = task;
    return taken;
}

static void end_task(struct rehearsal *r, const struct flow_effect *effect)
{
    struct rehearsed_task *next;
    for (struct rehearsed_task *task = r->steps[effect->step].task; task; task = next) {
        next = task->next;
        if (task->attempt == effect->attempt)
            (void)take_task(r, task);
    }
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
    r->too_long = r->list.count - r->count_first + r->tries_ahead > PLAN_STEPS_AHEAD_MAX ||
                  memory_used(r) > r->memory_max;
}

bool rehearse_input(struct rehearsal *r, const struct flow_input *given)
{
    struct flow_input input = *given;
    struct arena *a = r->turns ? r->turns : arena_new(0);
    struct arena_mark empty = arena_mark(a);
    struct flow_turn turn;
    bool accepted;
    do {
        input.now = r->now;
        input.seed = ++r->seed;
        flow_turn(r->run, &input, a, &turn);
        accepted = turn.accepted;
        if (accepted)
            take_turn(r, &turn);
        arena_rewind(a, empty);
        input = (struct flow_input){.why = FLOW_CONTINUE};
    } while (accepted && turn.more && !r->too_long && !r->stopped);
    if (!r->turns)
        arena_free(a);
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
    while (r->review_at < r->review_count) {
        struct rehearsed_review review = r->reviews[r->review_at++];
        const struct step *s = &r->list.items[review.step];
        struct rehearsed_step *known = &r->steps[review.step];
        struct outcome outcome;
        if (known->reviewed || s->status != STEP_RUNNING)
            continue;
        known->reviewed = true;
        if (!r->answer(r->arg, s, known->visit, 0, &outcome))
            stand(r, review.expires_ms);
        else if (rehearse_input(r, &(struct flow_input){.why = FLOW_REVIEW,
                                                        .step = review.step,
                                                        .ok = true,
                                                        .value = outcome.changes,
                                                        .worker = STR("plan")}))
            return true;
    }
    return false;
}

/* When something in the run is due by itself, if not later than this; else any later time. To
 * look for it takes a look at every frame, so that is done only where it may matter. */
static int64_t next_wake(struct rehearsal *r, int64_t latest)
{
    if (r->wake_from > latest)
        return r->wake_from;
    int64_t wake = flow_wake(r->run).ms;
    r->wake_from = wake ? wake : INT64_MAX;
    return r->wake_from;
}

/* False: nothing is due that anybody knows of. */
static bool next_thing(struct rehearsal *r)
{
    if (review_one(r))
        return true;
    struct heap_node *soonest = heap_first(&r->tasks);
    int64_t due = soonest ? soonest->at : INT64_MAX, wake = next_wake(r, due);
    if (r->unknown && r->stands_until && wake >= r->stands_until)
        wake = INT64_MAX;
    if (!soonest && wake == INT64_MAX)
        return false;
    bool by_itself = wake <= due;
    if (by_itself)
        due = wake;
    if (due > r->now.ms)
        r->now.ms = due;
    if (by_itself)
        return rehearse_input(r, &(struct flow_input){.why = FLOW_WAKE});
    struct rehearsed_task task = take_task(r, HEAP_THING(soonest, struct rehearsed_task, due));
    finish_task(r, &task);
    return true;
}

void rehearse_play(struct rehearsal *r)
{
    r->turns = arena_new(0);
    while (run_status(r->run) == FLOW_RUNNING && !r->too_long && !r->stopped &&
           !run_pause(r->run).quiet && next_thing(r))
        ;
    arena_free(r->turns);
    r->turns = NULL;
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
