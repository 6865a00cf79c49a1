/* What follows a failed state: Retry, Catch, or the failure of what is around it. */
#include "flow/flow_internal.h"

#include <math.h>

void execution_fail(struct turn *t, const struct frame *frame, const struct failure *failure)
{
    for (uint32_t i = 0; i < t->run->frame_count; i++)
        if (t->run->frames[i])
            task_cancel_effect(t, t->run->frames[i]);
    struct flow_event e = turn_event(frame, EVENT_EXECUTION_FAILED);
    e.within = turn_within(t, frame);
    e.has_error = failure->has_error;
    e.error = failure->error;
    e.has_cause = failure->has_cause;
    e.cause = failure->cause;
    turn_emit(t, e);
    turn_effect(t, FLOW_ENDED, NULL);
}

/* ---- passing on ---- */

/* Errors of the machine itself, which no Retry and no Catch may take: the
 * execution ends. In a distributed Map the iteration is the execution. */
static bool is_fatal(const struct failure *failure)
{
    return failure->has_error && str_eq(failure->error, STR("States.Runtime"));
}

/* Only its work was wanted: nothing catches it, and the execution is as it was. */
static void rerun_fail(struct turn *t, const struct frame *solo, const struct failure *failure)
{
    for (uint32_t i = 0; i < t->run->frame_count; i++)
        if (t->run->frames[i])
            task_cancel_effect(t, t->run->frames[i]);
    rerun_end(t, solo, false, failure);
}

static void pass_on(struct turn *t, struct frame *f, const struct failure *failure, bool fatal)
{
    struct frame *top = f;
    if (fatal)
        top = run_frame(t->run, f->history);
    if (frame_is_rerun(t->run, top))
        rerun_fail(t, top, failure);
    else if (frame_is_solo(t->run, top))
        cancel_end(t);
    else if (top->parent == FRAME_NONE)
        execution_fail(t, f, failure);
    else
        fan_child_failed(t, top, failure);
}

/* AWS's words in front of the cause of an expression's failure. */
static struct failure in_state(struct turn *t, const struct frame *f, const struct expr_failure *e)
{
    return (struct failure){
        .has_error = true,
        .has_cause = true,
        .error = e->error,
        .cause =
            arena_printf(t->run->arena,
                         "An error occurred while executing the state '" STR_FMT
                         "' (entered at the event id #%u). " STR_FMT,
                         STR_ARG(frame_state(t->run, f)->name), f->entered_id, STR_ARG(e->cause)),
    };
}

/* Only JSONata has an event of its own for what went wrong. */
static bool emit_evaluation_failed(struct turn *t, const struct frame *f,
                                   const struct expr_failure *wrong)
{
    if (!str_eq(wrong->error, STR("States.QueryEvaluationError")))
        return false;
    struct failure failure = in_state(t, f, wrong);
    struct flow_event e = turn_event(f, EVENT_EVALUATION_FAILED);
    e.has_error = e.has_cause = true;
    e.error = failure.error;
    e.cause = failure.cause;
    e.text = wrong->location;
    e.index = wrong->of_value;
    turn_emit(t, e);
    return true;
}

/* ---- Retry ---- */

static int64_t retry_delay_ms(struct turn *t, const struct retrier *r, uint32_t used)
{
    double seconds = (double)r->interval_seconds * pow(r->backoff_rate, used);
    double max = r->max_delay_seconds ? (double)r->max_delay_seconds : RETRY_DELAY_MAX_SECONDS;
    if (!(seconds < max))
        seconds = max;
    if (r->jitter_full)
        seconds *= rng_double(&t->rng);
    return (int64_t)(seconds * 1000);
}

/* The error's name for Retry and Catch. The history says States.Timeout of lost
 * heartbeats; both names fit there. */
static struct str error_to_match(const struct failure *failure)
{
    if (failure->heart_stopped)
        return STR("States.HeartbeatTimeout");
    return failure->has_error ? failure->error : STR("");
}

static bool retry(struct turn *t, struct frame *f, const struct failure *failure)
{
    const struct state *state = frame_state(t->run, f);
    struct str error = error_to_match(failure);
    for (size_t i = 0; i < state->retrier_count; i++) {
        const struct retrier *r = &state->retriers[i];
        if (!error_names_match(&r->errors, error))
            continue;
        uint32_t used = f->retrier_used ? f->retrier_used[i] : 0;
        if (used >= r->max_attempts)
            return false; /* the first that matches decides */
        struct flow_event e = turn_event(f, EVENT_RETRY_ARMED);
        e.index = (uint32_t)i;
        e.attempt = f->attempt + 1;
        e.wake_ms = t->now.ms + retry_delay_ms(t, r, used);
        e.has_error = failure->has_error;
        e.error = failure->error;
        e.has_cause = failure->has_cause;
        e.cause = failure->cause;
        turn_emit(t, e);
        if (e.wake_ms <= t->now.ms)
            turn_queue(t, f);
        return true;
    }
    return false;
}

/* ---- Catch ---- */

/* A time-out has no cause in the history but an empty one when it is caught; a
 * worker's failure without a cause is caught with null. */
static struct json error_output(struct turn *t, const struct failure *failure)
{
    struct arena *a = t->run->arena;
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("Error"),
                    failure->has_error ? json_string_copy(a, failure->error) : json_null());
    bool timed_out = failure->has_error && failure_is_time_out(failure->error);
    json_object_add(&b, STR("Cause"),
                    failure->has_cause || timed_out ? json_string_copy(a, failure->cause)
                                                    : json_null());
    return json_object_done(&b);
}

static bool catch_output(struct turn *t, struct frame *f, const struct catcher *c,
                         struct json error, struct json *ret_output, struct expr_failure *reterr)
{
    if (c->result_discarded) {
        *ret_output = f->data.value;
        return true;
    }
    if (!c->result_path) {
        *ret_output = error;
        return true;
    }
    struct expr_env env = turn_env(t, f, f->data.value);
    struct str why;
    if (path_put(c->result_path, f->data.value, error, &env, ret_output, &why) == PATH_FOUND)
        return true;
    return expr_fail(&env, reterr, STR("States.ResultPathMatchFailure"),
                     arena_printf(t->run->arena,
                                  "Unable to apply ReferencePath " STR_FMT ": " STR_FMT,
                                  STR_ARG(path_text(c->result_path)), STR_ARG(why)));
}

/* The failure of a Parallel or Map shows in the history once no retrier took it. */
static void emit_fan_failed(struct turn *t, struct frame *f, bool evaluated)
{
    const struct state *state = frame_state(t->run, f);
    bool fans = state->type == STATE_MAP || state->type == STATE_PARALLEL;
    if (!fans || (f->phase != FRAME_FAILED && !evaluated))
        return;
    turn_emit(t,
              turn_event(f, state->type == STATE_MAP ? EVENT_MAP_FAILED : EVENT_PARALLEL_FAILED));
}

/* The output of a catcher, and what its Assign sees. */
static bool catcher_output(struct turn *t, struct frame *f, const struct catcher *c,
                           struct json caught, struct expr_env *ret_env, struct json *ret_output,
                           struct expr_failure *reterr)
{
    if (frame_state(t->run, f)->language == QUERY_JSONATA) {
        *ret_env = turn_query_env(t, f, (struct query_view){.error_output = caught});
        return data_output(c->output, caught, ret_env, ret_output, reterr);
    }
    *ret_env = turn_env(t, f, caught);
    return catch_output(t, f, c, caught, ret_output, reterr);
}

/* A catcher whose own ResultPath or Assign fails catches nothing: what it met is
 * passed on and not offered to the catchers again, or it would go round for ever. */
static bool try_catch(struct turn *t, struct frame *f, const struct failure *failure)
{
    const struct state *state = frame_state(t->run, f);
    struct str error = error_to_match(failure);
    for (size_t i = 0; i < state->catcher_count; i++) {
        const struct catcher *c = &state->catchers[i];
        if (!error_names_match(&c->errors, error))
            continue;
        struct json caught = error_output(t, failure), output;
        struct expr_failure wrong;
        struct expr_env env;
        if (catcher_output(t, f, c, caught, &env, &output, &wrong) &&
            data_leave(t, f, output, c->assign, &env, c->next,
                       f->phase == FRAME_FAILED ? NULL : failure, &wrong))
            return true;
        (void)emit_evaluation_failed(t, f, &wrong);
        struct failure in_catch = in_state(t, f, &wrong);
        pass_on(t, f, &in_catch, is_fatal(&in_catch));
        return true;
    }
    return false;
}

static void handle(struct turn *t, struct frame *f, const struct failure *failure, bool evaluated)
{
    bool fatal = is_fatal(failure);
    if (!fatal && retry(t, f, failure))
        return;
    if (!fatal) {
        emit_fan_failed(t, f, evaluated);
        if (!frame_is_rerun(t->run, f) && try_catch(t, f, failure))
            return;
    }
    pass_on(t, f, failure, fatal);
}

void failure_handle(struct turn *t, struct frame *f, const struct failure *failure)
{
    handle(t, f, failure, false);
}

void failure_of_state(struct turn *t, struct frame *f, const struct expr_failure *e)
{
    bool evaluated = emit_evaluation_failed(t, f, e);
    struct failure failure = in_state(t, f, e);
    handle(t, f, &failure, evaluated);
}
