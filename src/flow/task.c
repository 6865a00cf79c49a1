/* Task states: hand work out, take its result. */
#include "flow/flow_internal.h"

/* Which events a kind of task writes. */
static const struct task_events {
    enum event_kind scheduled, started, succeeded, failed, timed_out;
} lambda_events = {EVENT_LAMBDA_SCHEDULED, EVENT_LAMBDA_STARTED, EVENT_LAMBDA_SUCCEEDED,
                   EVENT_LAMBDA_FAILED, EVENT_LAMBDA_TIMED_OUT},
  activity_events = {EVENT_ACTIVITY_SCHEDULED, 0, EVENT_ACTIVITY_SUCCEEDED, EVENT_ACTIVITY_FAILED,
                     EVENT_ACTIVITY_TIMED_OUT},
  service_events = {EVENT_TASK_SCHEDULED, EVENT_TASK_STARTED, EVENT_TASK_SUCCEEDED,
                    EVENT_TASK_FAILED, EVENT_TASK_TIMED_OUT};

static const struct task_events *events_of(const struct state *state)
{
    switch (state->u.task.resource.kind) {
    case TASK_LAMBDA:
        return &lambda_events;
    case TASK_ACTIVITY:
        return &activity_events;
    case TASK_LAMBDA_INVOKE:
    case TASK_NESTED:
    case TASK_REVIEW:
    case TASK_SERVICE:
        return &service_events;
    }
    UNREACHABLE("task kind");
}

/* Is it answered by whoever has its token? What is called with it may say how the
 * call went, and no more. */
static bool is_by_token(const struct resource *resource)
{
    return resource->kind == TASK_ACTIVITY || resource->pattern == TASK_WAIT_FOR_TOKEN;
}

/* ---- handing out ---- */

/* The Payload of lambda:invoke: nothing is an empty object, and a string is the
 * payload's own text where that is JSON. */
static struct json invoke_payload(struct json payload, struct arena *a)
{
    struct json parsed;
    if (json_is_absent(payload) || json_is_null(payload))
        return json_object(NULL, 0);
    if (json_is_string(payload) &&
        json_parse_copy(a, json_str(payload), (struct json_limits){0}, &parsed, NULL))
        return parsed;
    return payload;
}

/* What a task gets of what it was scheduled with: lambda:invoke unwraps its
 * Payload and takes the function from the parameters. */
static void fill_effect(const struct run *run, const struct frame *f, struct flow_effect *effect,
                        struct arena *a)
{
    const struct resource *resource = &frame_state(run, f)->u.task.resource;
    struct json given = f->result.value;
    effect->resource = resource;
    effect->function = resource->name;
    effect->payload = given;
    if (resource->kind == TASK_LAMBDA_INVOKE) {
        effect->function = json_str(json_get(given, STR("FunctionName")));
        effect->payload = invoke_payload(json_get(given, STR("Payload")), a);
    }
    effect->token = task_token(run->identity, f->step, f->attempt, a);
    effect->by_token = is_by_token(resource);
    effect->submitted = f->submitted;
    effect->deadline.ms = f->wake_ms;
    effect->heartbeat_seconds = f->heartbeat_seconds;
}

/* The value of a ...Path must be positive; literals were checked when compiled. */
static bool positive(struct turn *t, const struct number_field *field, const char *name,
                     int64_t value, struct expr_failure *reterr)
{
    if ((!field->path && !field->query) || (value > 0 && value <= TASK_TIMEOUT_MAX_SECONDS))
        return true;
    struct expr_env env = {.out = t->run->arena};
    struct str words =
        arena_printf(t->run->arena, "%s must be a positive integer and not above %d, but was %lld",
                     name, TASK_TIMEOUT_MAX_SECONDS, (long long)value);
    if (field->query)
        return data_refuse(t, template_field(field->query), words, reterr);
    return expr_fail(&env, reterr, STR("States.Runtime"), words);
}

static bool read_seconds(struct turn *t, const struct number_field *field, const char *name,
                         struct expr_env *env, int64_t *ret_seconds, struct expr_failure *reterr)
{
    *ret_seconds = 0;
    return !field->set || (data_number(t, field, name, env, ret_seconds, reterr) &&
                           positive(t, field, name, *ret_seconds, reterr));
}

/* What Credentials compute is told in the history; a literal role stands in the definition. No
 * role is assumed here. Nothing is recorded of a role that is no text. */
static bool read_role(struct turn *t, const struct state *state, struct expr_env *env,
                      struct str *ret_role, struct expr_failure *reterr)
{
    const struct template *credentials = state->u.task.credentials;
    struct str words = STR("The RoleArn of the Credentials field must be a string");
    struct json value;
    if (!credentials)
        return true;
    if (!template_eval(credentials, env, &value, reterr))
        return false;
    struct json role = json_get(value, STR("RoleArn"));
    struct json written = json_get(json_get(state->source, STR("Credentials")), STR("RoleArn"));
    if (!json_is_string(role))
        return state->language == QUERY_JSONATA
                   ? data_refuse(t, template_field(credentials), words, reterr)
                   : expr_fail(env, reterr, STR("States.Runtime"), words);
    if (!str_eq(json_str(role), json_str(written)))
        *ret_role = json_str(role);
    return true;
}

bool task_execute(struct turn *t, struct frame *f, struct expr_failure *reterr)
{
    const struct state *state = frame_state(t->run, f);
    const struct task_events *events = events_of(state);
    struct json effective, given;
    struct flow_event e = turn_event(f, events->scheduled);
    if (!data_input(t, f, &effective, &given, reterr))
        return false;
    struct expr_env env = state->language == QUERY_JSONATA
                              ? turn_query_env(t, f, (struct query_view){0})
                              : turn_env(t, f, effective);
    if (!read_seconds(t, &state->u.task.timeout, "TimeoutSeconds", &env, &e.timeout, reterr) ||
        !read_seconds(t, &state->u.task.heartbeat, "HeartbeatSeconds", &env, &e.heartbeat,
                      reterr) ||
        !read_role(t, state, &env, &e.text, reterr))
        return false;
    if (state->u.task.resource.kind == TASK_REVIEW) {
        review_ask(t, f, given);
        return true;
    }
    e.value = turn_slot(f, given);
    if (e.timeout && state->u.task.resource.kind != TASK_ACTIVITY)
        e.wake_ms = t->now.ms + e.timeout * 1000;
    turn_emit(t, e);
    if (events->started)
        turn_emit(t, turn_event(f, events->started));
    fill_effect(t->run, f, turn_effect(t, FLOW_TASK_START, f), t->arena);
    return true;
}

size_t flow_tasks(const struct run *run, struct arena *arena, const struct flow_effect **ret_tasks)
{
    struct flow_effect *tasks = NULL;
    size_t count = 0, capacity = 0;
    for (uint32_t i = 0; run->status == FLOW_RUNNING && i < run->frame_count; i++) {
        const struct frame *f = run->frames[i];
        if (!f || !frame_has_task(f))
            continue;
        tasks = arena_grow(arena, tasks, count, &capacity, sizeof(*tasks));
        tasks[count] = (struct flow_effect){
            .kind = FLOW_TASK_START,
            .step = f->step,
            .attempt = f->attempt,
            .state = frame_state(run, f),
        };
        fill_effect(run, f, &tasks[count++], arena);
    }
    *ret_tasks = tasks;
    return count;
}

/* What a nested execution was started with tells which one is to be stopped. */
static void cancel(struct turn *t, const struct frame *f)
{
    struct flow_effect *effect = turn_effect(t, FLOW_TASK_CANCEL, f);
    effect->resource = &effect->state->u.task.resource;
    effect->payload = f->result.value;
}

void task_cancel_effect(struct turn *t, const struct frame *f)
{
    if (frame_has_task(f))
        cancel(t, f);
}

uint32_t run_task_attempt(const struct run *run, uint32_t step)
{
    const struct frame *f = run_task_frame(run, step, NULL);
    return f ? f->attempt : 0;
}

/* ---- results ---- */

/* lambda:invoke answers an envelope around what the function returned. */
static struct json envelope(struct turn *t, const struct state *state, struct json output)
{
    if (state->u.task.resource.kind != TASK_LAMBDA_INVOKE)
        return output;
    struct json_object_builder b = json_object_builder(t->run->arena);
    json_object_add(&b, STR("ExecutedVersion"), json_string(STR("$LATEST")));
    json_object_add(&b, STR("Payload"), output);
    json_object_add(&b, STR("StatusCode"), json_int(200));
    return json_object_done(&b);
}

bool failure_is_time_out(struct str error)
{
    return str_eq(error, STR("States.Timeout")) || str_eq(error, STR("States.HeartbeatTimeout"));
}

static void emit_failed(struct turn *t, struct frame *f, const struct failure *failure)
{
    const struct task_events *events = events_of(frame_state(t->run, f));
    bool timed_out = failure->has_error && failure_is_time_out(failure->error);
    struct flow_event e = turn_event(f, timed_out ? events->timed_out : events->failed);
    e.has_error = failure->has_error;
    e.error = failure->error;
    e.has_cause = failure->has_cause;
    e.cause = failure->cause;
    e.heartbeat = failure->heart_stopped ? f->heartbeat_seconds : 0;
    turn_emit(t, e);
    turn_queue(t, f);
}

/* An event that brings the task's output, or the task's failure when that is too large.
 * called: it is the answer of what was called. */
static void emit_output(struct turn *t, struct frame *f, enum event_kind kind, struct json given,
                        bool called)
{
    const struct state *state = frame_state(t->run, f);
    struct json output = json_copy(t->run->arena, given);
    struct expr_failure too_large;
    if (!data_fits(t, state->u.task.resource.text, output, &too_large)) {
        struct failure failure = {.has_error = true,
                                  .has_cause = true,
                                  .error = too_large.error,
                                  .cause = too_large.cause};
        emit_failed(t, f, &failure);
        return;
    }
    struct flow_event e = turn_event(f, kind);
    e.value = (struct slot){called ? envelope(t, state, output) : output, SLOT_TURN_FRESH, 0};
    turn_emit(t, e);
    if (f->phase != FRAME_TASK)
        turn_queue(t, f);
}

static struct failure failure_of_input(const struct flow_input *in)
{
    return (struct failure){.has_error = in->has_error,
                            .has_cause = in->has_cause,
                            .error = in->error,
                            .cause = in->cause};
}

/* ---- nested executions ---- */

static bool awaits_child(const struct resource *r)
{
    return r->kind == TASK_NESTED && (r->pattern == TASK_SYNC || r->pattern == TASK_SYNC_2);
}

/* Input and Output of the child are JSON for .sync:2, and the texts of it else. */
static struct json child_described(struct turn *t, struct json child, bool as_text)
{
    struct arena *a = t->run->arena;
    struct json_object_builder b = json_object_builder(a);
    const struct json_member *members = json_members(child);
    for (size_t i = 0; i < json_count(child); i++) {
        struct str name = json_str(members[i].key);
        struct json value = members[i].value;
        if (as_text && (str_eq(name, STR("Input")) || str_eq(name, STR("Output"))))
            value = json_string(json_text(a, value));
        json_object_add(&b, name, value);
    }
    return json_object_done(&b);
}

/* What its start answered, of a child that ended before that was heard. */
static struct json child_start(struct turn *t, struct json child)
{
    struct arena *a = t->run->arena;
    struct wall_ms at = {0};
    char text[TIME_TEXT_SIZE];
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("ExecutionArn"), json_get(child, STR("ExecutionArn")));
    if (json_to_int64(json_get(child, STR("StartDate")), &at.ms))
        json_object_add(&b, STR("StartDate"),
                        json_string_copy(a, str_of(text, wall_format(at, text))));
    return json_object_done(&b);
}

void task_child_ended(struct turn *t)
{
    const struct flow_input *in = t->input;
    struct frame *f = run_task_frame(t->run, in->step, &in->attempt);
    if (!f || !awaits_child(&frame_state(t->run, f)->u.task.resource))
        return;
    const struct state *state = frame_state(t->run, f);
    bool as_text = !in->ok || state->u.task.resource.pattern == TASK_SYNC;
    struct json child = child_described(t, in->value, as_text);
    t->awaited = true;
    if (!f->submitted)
        emit_output(t, f, EVENT_TASK_SUBMITTED, child_start(t, in->value), true);
    if (in->ok) {
        emit_output(t, f, events_of(state)->succeeded, child, true);
        return;
    }
    struct failure failure = {.has_error = true,
                              .has_cause = true,
                              .error = STR("States.TaskFailed"),
                              .cause = json_text(t->run->arena, child)};
    emit_failed(t, f, &failure);
}

/* ---- answers ---- */

/* What was called with a token, and a nested execution that is waited for, answers for
 * its start at most once, and perhaps later than who has the token or the child's end. */
void task_result(struct turn *t)
{
    const struct flow_input *in = t->input;
    struct frame *f = run_task_frame(t->run, in->step, &in->attempt);
    if (!f)
        return;
    const struct state *state = frame_state(t->run, f);
    const struct resource *resource = &state->u.task.resource;
    bool goes_on = is_by_token(resource) || awaits_child(resource);
    if (resource->kind == TASK_ACTIVITY || (goes_on && f->submitted))
        return;
    t->awaited = true;
    if (!json_is_absent(in->log)) {
        struct flow_event e = turn_event(f, EVENT_TASK_LOG);
        e.log = json_copy(t->run->arena, in->log);
        turn_emit(t, e);
    }
    if (in->ok) {
        emit_output(t, f, goes_on ? EVENT_TASK_SUBMITTED : events_of(state)->succeeded, in->value,
                    true);
        return;
    }
    struct failure failure = failure_of_input(in);
    emit_failed(t, f, &failure);
}

/* Who has the token of a nested execution that is waited for may answer before that ends. */
bool task_shows_token(const struct resource *resource)
{
    return resource->pattern == TASK_WAIT_FOR_TOKEN || awaits_child(resource);
}

/* The frame whose task has a token that somebody may use. */
static struct frame *token_frame(const struct run *run, uint32_t step, uint32_t attempt)
{
    struct frame *f = run_task_frame(run, step, &attempt);
    const struct resource *resource = f ? &frame_state(run, f)->u.task.resource : NULL;
    if (!f)
        return NULL;
    return (resource->kind == TASK_ACTIVITY ? f->submitted : task_shows_token(resource)) ? f : NULL;
}

bool flow_token_awaited(const struct run *run, uint32_t step, uint32_t attempt)
{
    return run->status == FLOW_RUNNING && token_frame(run, step, attempt);
}

void task_token_result(struct turn *t)
{
    const struct flow_input *in = t->input;
    struct frame *f = token_frame(t->run, in->step, in->attempt);
    if (!f)
        return;
    t->awaited = true;
    /* What becomes of the child on AWS is not known; here none goes on that nobody waits for. */
    if (awaits_child(&frame_state(t->run, f)->u.task.resource))
        cancel(t, f);
    if (in->ok) {
        emit_output(t, f, events_of(frame_state(t->run, f))->succeeded, in->value, false);
        return;
    }
    struct failure failure = failure_of_input(in);
    emit_failed(t, f, &failure);
}

void task_started(struct turn *t)
{
    const struct flow_input *in = t->input;
    struct frame *f = run_task_frame(t->run, in->step, &in->attempt);
    if (!f || frame_state(t->run, f)->u.task.resource.kind != TASK_ACTIVITY ||
        in->again != (bool)f->submitted)
        return;
    t->awaited = true;
    struct flow_event e = turn_event(f, EVENT_ACTIVITY_STARTED);
    e.text = arena_str(t->run->arena, in->worker);
    e.wake_ms = f->timeout_seconds ? t->now.ms + f->timeout_seconds * 1000 : 0;
    turn_emit(t, e);
    fill_effect(t->run, f, turn_effect(t, FLOW_TASK_TAKEN, f), t->arena);
}

void task_heartbeat_lost(struct turn *t)
{
    const struct flow_input *in = t->input;
    struct frame *f = token_frame(t->run, in->step, in->attempt);
    if (!f || !f->heartbeat_seconds)
        return;
    struct failure failure = {
        .has_error = true, .error = STR("States.Timeout"), .heart_stopped = true};
    t->awaited = true;
    cancel(t, f);
    emit_failed(t, f, &failure);
}

void task_time_out(struct turn *t, struct frame *f)
{
    struct failure failure = {.has_error = true, .error = STR("States.Timeout")};
    cancel(t, f);
    emit_failed(t, f, &failure);
}
