/* What each state does once it was entered, except the larger ones (choice.c,
 * task.c, fan.c). */
#include "flow/flow_internal.h"

static bool pass_execute(struct turn *t, struct frame *f, struct expr_failure *reterr)
{
    const struct state *state = frame_state(t->run, f);
    struct json effective, result;
    if (!data_input(t, f, &effective, &result, reterr))
        return false;
    if (state->u.pass.has_result)
        result = state->u.pass.result;
    return data_exit(t, f, result, reterr);
}

/* States that pass their input on: InputPath, then OutputPath. */
static bool through_execute(struct turn *t, struct frame *f, struct expr_failure *reterr)
{
    const struct state *state = frame_state(t->run, f);
    if (state->language == QUERY_JSONATA)
        return data_exit(t, f, f->data.value, reterr);
    struct expr_env env = turn_env(t, f, f->data.value);
    struct json effective, output;
    if (!data_path(&state->input_path, &env, &effective, reterr))
        return false;
    env.input = effective;
    return data_path(&state->output_path, &env, &output, reterr) &&
           data_leave(t, f, output, state->assign, &env, state->next, NULL, reterr);
}

/* ---- Wait ---- */

static bool wait_error(struct turn *t, struct expr_failure *reterr, const char *what,
                       const struct path *path, const struct json *value)
{
    struct str shown =
        value ? json_is_string(*value) ? json_str(*value) : json_text(t->scratch, *value) : STR("");
    struct expr_env env = {.out = t->run->arena};
    return expr_fail(&env, reterr, STR("States.Runtime"),
                     arena_printf(t->run->arena, "%s: " STR_FMT "%s" STR_FMT, what,
                                  STR_ARG(path_text(path)), value ? " == " : "", STR_ARG(shown)));
}

/* The longest delay that AWS accepts: what a signed 32-bit count of seconds holds. */
static bool wait_until(struct turn *t, int64_t wake_ms, int64_t *ret_wake_ms,
                       struct expr_failure *reterr)
{
    if (wake_ms - t->now.ms > (int64_t)INT32_MAX * 1000) {
        *reterr = (struct expr_failure){.error = STR("States.Runtime"),
                                        .cause = STR("Wait state delay is too long")};
        return false;
    }
    *ret_wake_ms = wake_ms;
    return true;
}

static bool wait_seconds_path(struct turn *t, struct expr_env *env, const struct path *path,
                              int64_t *ret_wake_ms, struct expr_failure *reterr)
{
    struct json value;
    struct str why;
    int64_t seconds;
    if (path_eval(path, env, &value, &why) != PATH_FOUND)
        return wait_error(t, reterr, "The SecondsPath parameter does not reference an input value",
                          path, NULL);
    if (!data_integer(value, &seconds))
        return wait_error(t, reterr, "The SecondsPath parameter cannot be parsed as a long value",
                          path, &value);
    if (seconds < 0)
        return wait_error(t, reterr, "The SecondsPath parameter references a negative value", path,
                          &value);
    if (seconds > INT32_MAX)
        seconds = (int64_t)INT32_MAX + 1;
    return wait_until(t, t->now.ms + seconds * 1000, ret_wake_ms, reterr);
}

static bool wait_timestamp_path(struct turn *t, struct expr_env *env, const struct path *path,
                                int64_t *ret_wake_ms, struct expr_failure *reterr)
{
    struct json value;
    struct str why;
    struct wall_ms until;
    if (path_eval(path, env, &value, &why) != PATH_FOUND)
        return wait_error(
            t, reterr, "The TimestampPath parameter does not reference an input value", path, NULL);
    if (!json_is_string(value) || !wall_parse(json_str(value), &until))
        return wait_error(t, reterr,
                          "The TimestampPath parameter does not reference a valid ISO-8601 "
                          "extended offset date-time format string",
                          path, &value);
    return wait_until(t, until.ms, ret_wake_ms, reterr);
}

static bool wait_seconds_query(struct turn *t, struct frame *f, int64_t *ret_wake_ms,
                               struct expr_failure *reterr)
{
    const struct number_field field = {.set = true, .query = frame_state(t->run, f)->u.wait.query};
    struct expr_env env = turn_query_env(t, f, (struct query_view){0});
    int64_t seconds;
    if (!data_number(t, &field, "Seconds", &env, &seconds, reterr))
        return false;
    if (seconds < 0)
        return data_refuse(
            t, STR("Seconds"),
            arena_printf(t->run->arena, "The Seconds field is negative: %lld", (long long)seconds),
            reterr);
    if (seconds > INT32_MAX)
        seconds = (int64_t)INT32_MAX + 1;
    return wait_until(t, t->now.ms + seconds * 1000, ret_wake_ms, reterr);
}

static bool wait_timestamp_query(struct turn *t, struct frame *f, int64_t *ret_wake_ms,
                                 struct expr_failure *reterr)
{
    struct expr_env env = turn_query_env(t, f, (struct query_view){0});
    struct json value;
    struct wall_ms until;
    if (!template_eval_as(frame_state(t->run, f)->u.wait.query, JSON_STRING, &env, &value, reterr))
        return false;
    if (!wall_parse(json_str(value), &until))
        return data_refuse(t, STR("Timestamp"),
                           arena_printf(t->run->arena,
                                        "The Timestamp field cannot be parsed as an ISO-8601 "
                                        "extended offset date-time format string: " STR_FMT,
                                        STR_ARG(json_str(value))),
                           reterr);
    return wait_until(t, until.ms, ret_wake_ms, reterr);
}

static bool wait_wake(struct turn *t, struct frame *f, int64_t *ret_wake_ms,
                      struct expr_failure *reterr)
{
    const struct state *state = frame_state(t->run, f);
    struct expr_env env = turn_env(t, f, f->data.value);
    if (!data_path(&state->input_path, &env, &env.input, reterr))
        return false;
    switch (state->u.wait.kind) {
    case WAIT_SECONDS:
        return wait_until(t, t->now.ms + state->u.wait.seconds * 1000, ret_wake_ms, reterr);
    case WAIT_TIMESTAMP:
        return wait_until(t, state->u.wait.until.ms, ret_wake_ms, reterr);
    case WAIT_SECONDS_PATH:
        return wait_seconds_path(t, &env, state->u.wait.path, ret_wake_ms, reterr);
    case WAIT_TIMESTAMP_PATH:
        return wait_timestamp_path(t, &env, state->u.wait.path, ret_wake_ms, reterr);
    case WAIT_SECONDS_QUERY:
        return wait_seconds_query(t, f, ret_wake_ms, reterr);
    case WAIT_TIMESTAMP_QUERY:
        return wait_timestamp_query(t, f, ret_wake_ms, reterr);
    }
    UNREACHABLE("wait kind");
}

static bool wait_execute(struct turn *t, struct frame *f, struct expr_failure *reterr)
{
    if (f->phase == FRAME_WAITING)
        return through_execute(t, f, reterr);
    struct flow_event e = turn_event(f, EVENT_WAIT_ARMED);
    if (!wait_wake(t, f, &e.wake_ms, reterr))
        return false;
    turn_emit(t, e);
    if (e.wake_ms <= t->now.ms)
        turn_queue(t, f);
    return true;
}

/* ---- Fail ---- */

static bool fail_text(struct turn *t, const struct text_field *field, const char *name,
                      struct expr_env *env, struct str *ret_text, struct expr_failure *reterr)
{
    struct json value;
    struct str why;
    *ret_text = field->literal;
    if (field->query) {
        if (!template_eval_as(field->query, JSON_STRING, env, &value, reterr))
            return false;
    } else if (field->call) {
        if (!intrinsic_eval(field->call, str_of_cstr(name), env, &value, reterr))
            return false;
    } else if (!field->path) {
        return true;
    } else if (path_eval(field->path, env, &value, &why) != PATH_FOUND) {
        return expr_fail(env, reterr, STR("States.Runtime"),
                         arena_printf(env->out,
                                      "The JSONPath '" STR_FMT
                                      "' specified for the field '%s' could not be found in the "
                                      "input '" STR_FMT "'",
                                      STR_ARG(path_text(field->path)), name,
                                      STR_ARG(json_text(t->scratch, env->input))));
    }
    if (!json_is_string(value))
        return expr_fail(env, reterr, STR("States.Runtime"),
                         arena_printf(env->out, "The field '%s' must be a string, but was %s", name,
                                      json_type_name(value)));
    *ret_text = json_str(value);
    return true;
}

static bool fail_execute(struct turn *t, struct frame *f, struct expr_failure *reterr)
{
    const struct state *state = frame_state(t->run, f);
    struct expr_env env = state->language == QUERY_JSONATA
                              ? turn_query_env(t, f, (struct query_view){0})
                              : turn_env(t, f, f->data.value);
    struct failure failure = {
        .has_error = state->u.fail.error.set,
        .has_cause = state->u.fail.cause.set,
    };
    if (!fail_text(t, &state->u.fail.error, "ErrorPath", &env, &failure.error, reterr) ||
        !fail_text(t, &state->u.fail.cause, "CausePath", &env, &failure.cause, reterr))
        return false;
    failure_handle(t, f, &failure);
    return true;
}

/* ---- all ---- */

/* A task's result is there: the state's output processing. */
static bool result_execute(struct turn *t, struct frame *f, struct expr_failure *reterr)
{
    return data_exit(t, f, f->result.value, reterr);
}

static bool (*executor(const struct frame *f, enum state_type type))(struct turn *, struct frame *,
                                                                     struct expr_failure *)
{
    if (f->phase == FRAME_RESULT)
        return result_execute;
    switch (type) {
    case STATE_PASS:
        return pass_execute;
    case STATE_TASK:
        return task_execute;
    case STATE_CHOICE:
        return choice_execute;
    case STATE_WAIT:
        return wait_execute;
    case STATE_SUCCEED:
        return through_execute;
    case STATE_FAIL:
        return fail_execute;
    case STATE_PARALLEL:
        return parallel_execute;
    case STATE_MAP:
        return map_execute;
    case STATE_TYPE_COUNT:
        break;
    }
    UNREACHABLE("state type");
}

void state_execute(struct turn *t, struct frame *f)
{
    struct expr_failure failure;
    if (!executor(f, frame_state(t->run, f)->type)(t, f, &failure))
        failure_of_state(t, f, &failure);
    arena_rewind(t->scratch, (struct arena_mark){0});
}
