/* Input and output processing: InputPath, Parameters, ResultSelector, ResultPath,
 * OutputPath, Assign; in JSONata Arguments, Output, Assign. */
#include "flow/flow_internal.h"

/* The variables a frame sees: its own, then those of the frames around it. A
 * distributed Map's iteration is an execution of its own and sees none of them. */
static const struct expr_vars *vars_of(struct turn *t, const struct frame *frame)
{
    const struct expr_vars *first = NULL;
    struct expr_vars *last = NULL;
    for (const struct frame *f = frame; f; f = run_frame(t->run, f->parent)) {
        if (!json_is_absent(f->vars)) {
            struct expr_vars *vars = ARENA_NEW(t->scratch, struct expr_vars);
            vars->own = f->vars;
            if (last)
                last->outer = vars;
            else
                first = vars;
            last = vars;
        }
        if (f->parent == FRAME_NONE || f->history == f->id)
            break;
    }
    return first;
}

struct expr_env turn_env(struct turn *t, const struct frame *frame, struct json input)
{
    const struct state *state = frame_state(t->run, frame);
    return (struct expr_env){
        .input = input,
        .context = state->uses_context ? context_object(t, frame, JSON_NONE, 0) : JSON_NONE,
        .vars = vars_of(t, frame),
        .rng = &t->rng,
        .out = t->run->arena,
        .scratch = t->scratch,
        .steps_left = EXPR_STEPS_MAX,
        .now = t->now,
        .depth_max = t->run->limits.jsonata_depth,
        .held_max = t->run->limits.jsonata_held,
        .only_documented = t->run->limits.jsonata_documented,
    };
}

struct expr_env turn_query_env(struct turn *t, const struct frame *frame, struct query_view view)
{
    struct expr_env env = turn_env(t, frame, JSON_NONE);
    struct expr_vars *vars = ARENA_NEW(t->scratch, struct expr_vars);
    struct json_object_builder states = json_object_builder(t->run->arena);
    struct json_object_builder own = json_object_builder(t->run->arena);
    if (!json_is_absent(view.item) && frame_state(t->run, frame)->uses_context)
        env.context = context_object(t, frame, view.item, view.item_index);
    json_object_add(&states, STR("input"), frame->data.value);
    json_object_add(&states, STR("result"), view.result);
    json_object_add(&states, STR("errorOutput"), view.error_output);
    json_object_add(&states, STR("context"), env.context);
    json_object_add(&own, STR("states"), json_object_done(&states));
    *vars = (struct expr_vars){json_object_done(&own), env.vars};
    env.vars = vars;
    return env;
}

static bool runtime_error(struct expr_failure *e, struct str cause)
{
    *e = (struct expr_failure){.error = STR("States.Runtime"), .cause = cause};
    return false;
}

bool data_path(const struct path_field *field, struct expr_env *env, struct json *ret_value,
               struct expr_failure *reterr)
{
    if (field->is_null) {
        *ret_value = json_object(NULL, 0);
        return true;
    }
    if (!field->path) {
        *ret_value = env->input;
        return true;
    }
    struct str why;
    if (path_eval(field->path, env, ret_value, &why) == PATH_FOUND)
        return true;
    return runtime_error(reterr, arena_printf(env->out, "Invalid path '" STR_FMT "' : " STR_FMT,
                                              STR_ARG(path_text(field->path)), STR_ARG(why)));
}

static bool text_fits(struct json value, size_t max)
{
    /* Text is never longer than six times the value's strings plus its handles. */
    if (json_size(value) * 6 <= max)
        return true;
    struct buf text = BUF_INIT(max);
    json_write(&text, value);
    bool fits = !text.over;
    buf_release(&text);
    return fits;
}

static bool limit_exceeded(struct expr_failure *e, struct str cause)
{
    *e = (struct expr_failure){.error = STR("States.DataLimitExceeded"), .cause = cause};
    return false;
}

bool data_fits(struct turn *t, struct str what, struct json value, struct expr_failure *reterr)
{
    return text_fits(value, t->run->limits.payload_max) ||
           limit_exceeded(reterr, arena_printf(t->run->arena,
                                               "The state/task '" STR_FMT
                                               "' returned a result with a size exceeding the "
                                               "maximum number of bytes service limit.",
                                               STR_ARG(what)));
}

/* What a state may assign at once, and all that it then sees. */
static bool variables_fit(struct turn *t, const struct frame *frame, struct json assigned,
                          struct expr_failure *reterr)
{
    const struct flow_limits *limits = &t->run->limits;
    if (!text_fits(assigned, limits->assign_max))
        return limit_exceeded(reterr,
                              arena_printf(t->run->arena,
                                           "The variables assigned by one state take more than "
                                           "the maximum of %zu bytes.",
                                           limits->assign_max));
    size_t total = json_size(assigned);
    for (const struct frame *f = frame; f; f = run_frame(t->run, f->parent))
        total += json_size(f->vars);
    /* Sizes in memory are never below those of the text by much; the text decides. */
    if (total <= limits->variables_max)
        return true;
    struct buf text = BUF_INIT(limits->variables_max);
    json_write(&text, assigned);
    for (const struct frame *f = frame; f && !text.over; f = run_frame(t->run, f->parent))
        json_write(&text, json_is_absent(f->vars) ? json_object(NULL, 0) : f->vars);
    bool fits = !text.over;
    buf_release(&text);
    return fits || limit_exceeded(reterr, arena_printf(t->run->arena,
                                                       "The variables of the execution take more "
                                                       "than the maximum of %zu bytes.",
                                                       limits->variables_max));
}

/* AWS takes a number's text for the number in all ...Path fields. */
bool data_integer(struct json value, int64_t *ret_value)
{
    if (json_is_string(value))
        return str_to_int64(json_str(value), ret_value);
    return json_to_int64(value, ret_value);
}

bool data_refuse(struct turn *t, struct str location, struct str words, struct expr_failure *reterr)
{
    struct expr_env env = {.out = t->run->arena};
    expr_fail_query(&env, reterr, location, words);
    reterr->of_value = true;
    return false;
}

static bool query_number(struct turn *t, const struct template *query, struct expr_env *env,
                         int64_t *ret_value, struct expr_failure *reterr)
{
    struct json value;
    if (!template_eval_as(query, JSON_NUMBER, env, &value, reterr))
        return false;
    return json_to_int64(value, ret_value) ||
           data_refuse(
               t, template_field(query),
               arena_printf(env->out,
                            "The " STR_FMT " field must be a whole number, but was: " STR_FMT,
                            STR_ARG(template_field(query)), STR_ARG(json_text(t->scratch, value))),
               reterr);
}

bool data_number(struct turn *t, const struct number_field *field, const char *name,
                 struct expr_env *env, int64_t *ret_value, struct expr_failure *reterr)
{
    if (field->query)
        return query_number(t, field->query, env, ret_value, reterr);
    if (!field->path) {
        *ret_value = field->literal;
        return true;
    }
    struct json value;
    struct str why, path = path_text(field->path);
    if (path_eval(field->path, env, &value, &why) != PATH_FOUND)
        return runtime_error(reterr, arena_printf(env->out, "Invalid path '" STR_FMT "' : " STR_FMT,
                                                  STR_ARG(path), STR_ARG(why)));
    if (data_integer(value, ret_value))
        return true;
    struct str text = json_is_string(value) ? json_str(value) : json_text(t->scratch, value);
    return runtime_error(reterr, arena_printf(env->out,
                                              "The %sPath field refers to value \"" STR_FMT
                                              "\" which is not a valid integer: " STR_FMT,
                                              name, STR_ARG(text), STR_ARG(path)));
}

bool data_input(struct turn *t, const struct frame *frame, struct json *ret_effective,
                struct json *ret_input, struct expr_failure *reterr)
{
    const struct state *state = frame_state(t->run, frame);
    if (state->language == QUERY_JSONATA) {
        struct expr_env query = turn_query_env(t, frame, (struct query_view){0});
        *ret_effective = frame->data.value;
        return data_output(state->parameters, frame->data.value, &query, ret_input, reterr);
    }
    struct expr_env env = turn_env(t, frame, frame->data.value);
    if (!data_path(&state->input_path, &env, ret_effective, reterr))
        return false;
    *ret_input = *ret_effective;
    if (!state->parameters)
        return true;
    env.input = *ret_effective;
    return template_eval(state->parameters, &env, ret_input, reterr);
}

bool data_output(const struct template *output, struct json otherwise, struct expr_env *env,
                 struct json *ret_output, struct expr_failure *reterr)
{
    *ret_output = otherwise;
    return !output || template_eval(output, env, ret_output, reterr);
}

bool data_leave(struct turn *t, struct frame *frame, struct json output,
                const struct template *assign, struct expr_env *env, uint32_t next,
                const struct failure *caught, struct expr_failure *reterr)
{
    static const enum event_kind exited_kind[STATE_TYPE_COUNT] = {
        [STATE_PASS] = EVENT_PASS_EXITED,       [STATE_TASK] = EVENT_TASK_EXITED,
        [STATE_CHOICE] = EVENT_CHOICE_EXITED,   [STATE_WAIT] = EVENT_WAIT_EXITED,
        [STATE_SUCCEED] = EVENT_SUCCEED_EXITED, [STATE_PARALLEL] = EVENT_PARALLEL_EXITED,
        [STATE_MAP] = EVENT_MAP_EXITED,
    };
    struct flow_event e = turn_event(frame, exited_kind[frame_state(t->run, frame)->type]);
    if (assign) {
        struct json assigned;
        if (!template_eval(assign, env, &assigned, reterr) ||
            !variables_fit(t, frame, assigned, reterr))
            return false;
        if (json_count(assigned))
            e.assigned = (struct slot){assigned, SLOT_TURN_FRESH, 0};
    }
    if (!data_fits(t, frame_state(t->run, frame)->name, output, reterr))
        return false;
    e.value = turn_slot(frame, output);
    e.next = next;
    if (caught) {
        e.has_error = caught->has_error;
        e.error = caught->error;
        e.has_cause = caught->has_cause;
        e.cause = caught->cause;
    }
    turn_emit(t, e);
    turn_queue(t, frame);
    return true;
}

/* ResultPath puts the result into the raw input of the state. */
static bool put_result(const struct state *state, struct expr_env *env, struct json raw,
                       struct json result, struct json *ret_combined, struct expr_failure *reterr)
{
    if (state->result_discarded) {
        *ret_combined = raw;
        return true;
    }
    if (!state->result_path) {
        *ret_combined = result;
        return true;
    }
    struct str why;
    if (path_put(state->result_path, raw, result, env, ret_combined, &why) == PATH_FOUND)
        return true;
    return expr_fail(env, reterr, STR("States.ResultPathMatchFailure"),
                     arena_printf(env->out,
                                  "Unable to apply ReferencePath " STR_FMT " to input " STR_FMT
                                  ": " STR_FMT,
                                  STR_ARG(path_text(state->result_path)),
                                  STR_ARG(json_text(env->scratch, raw)), STR_ARG(why)));
}

/* Output and Assign see the same variables: those before the state. */
static bool exit_jsonata(struct turn *t, struct frame *frame, struct json result,
                         struct expr_failure *reterr)
{
    const struct state *state = frame_state(t->run, frame);
    bool has_result =
        state->type == STATE_TASK || state->type == STATE_PARALLEL || state->type == STATE_MAP;
    struct query_view view = {.result = has_result ? result : JSON_NONE};
    struct expr_env env = turn_query_env(t, frame, view);
    struct json output;
    return data_output(state->output, result, &env, &output, reterr) &&
           data_leave(t, frame, output, state->assign, &env, state->next, NULL, reterr);
}

bool data_exit(struct turn *t, struct frame *frame, struct json result, struct expr_failure *reterr)
{
    const struct state *state = frame_state(t->run, frame);
    if (state->language == QUERY_JSONATA)
        return exit_jsonata(t, frame, result, reterr);
    struct expr_env env = turn_env(t, frame, result);
    struct json combined, output;
    if (state->result_selector && !template_eval(state->result_selector, &env, &result, reterr))
        return false;
    if (!put_result(state, &env, frame->data.value, result, &combined, reterr))
        return false;
    env.input = combined;
    if (!data_path(&state->output_path, &env, &output, reterr))
        return false;
    env = turn_env(t, frame, result);
    return data_leave(t, frame, output, state->assign, &env, state->next, NULL, reterr);
}
