/* Parallel and Map: one frame becomes many, and one again. */
#include "base/uuid.h"
#include "flow/flow_internal.h"

/* ---- Parallel ---- */

bool parallel_execute(struct turn *t, struct frame *f, struct expr_failure *reterr)
{
    struct json effective, input;
    if (!data_input(t, f, &effective, &input, reterr))
        return false;
    struct flow_event e = turn_event(f, EVENT_PARALLEL_STARTED);
    e.value = turn_slot(f, input);
    turn_emit(t, e);
    for (uint32_t i = 0; i < f->fan->count; i++)
        turn_queue(t, run_frame(t->run, f->fan->children[i]));
    return true;
}

/* ---- Map: starting ---- */

static bool runtime_error(struct expr_failure *e, struct str cause)
{
    *e = (struct expr_failure){.error = STR("States.Runtime"), .cause = cause};
    return false;
}

static bool map_items_jsonata(struct turn *t, const struct map_fields *map, struct expr_env *env,
                              struct json input, struct json *ret_items,
                              struct expr_failure *reterr)
{
    if (map->items)
        return template_eval_as(map->items, JSON_ARRAY, env, ret_items, reterr);
    *ret_items = input;
    if (json_is_array(input))
        return true;
    return expr_fail_query(env, reterr, STR(""),
                           arena_printf(t->run->arena,
                                        "Map state input must be an array but was: " STR_FMT,
                                        STR_ARG(json_text(t->scratch, input))));
}

static bool map_items(struct turn *t, const struct map_fields *map, struct expr_env *env,
                      struct json *ret_items, struct expr_failure *reterr)
{
    struct str why, path = map->items_path ? path_text(map->items_path) : STR("$");
    *ret_items = env->input;
    if (map->items_path && path_eval(map->items_path, env, ret_items, &why) != PATH_FOUND)
        return runtime_error(reterr,
                             arena_printf(t->run->arena, "Invalid path '" STR_FMT "' : " STR_FMT,
                                          STR_ARG(path), STR_ARG(why)));
    if (!json_is_array(*ret_items))
        return runtime_error(reterr,
                             arena_printf(t->run->arena,
                                          "Reference path \"" STR_FMT "\" must point to array.",
                                          STR_ARG(path)));
    return true;
}

/* Items in batches, each {"BatchInput"?, "Items": [...]}, closed by count or size. */
static bool make_batches(struct turn *t, const struct item_batcher *batcher, struct expr_env *env,
                         struct json *items, struct expr_failure *reterr)
{
    int64_t items_max = INT64_MAX, bytes_max = INT64_MAX;
    if (!batcher->set)
        return true;
    if ((batcher->items_max.set &&
         !data_number(t, &batcher->items_max, "MaxItemsPerBatch", env, &items_max, reterr)) ||
        (batcher->bytes_max.set &&
         !data_number(t, &batcher->bytes_max, "MaxInputBytesPerBatch", env, &bytes_max, reterr)))
        return false;
    if (items_max <= 0 || bytes_max <= 0)
        return runtime_error(reterr, STR("The limits of ItemBatcher must be positive."));
    struct json input = JSON_NONE;
    if (batcher->input && !template_eval(batcher->input, env, &input, reterr))
        return false;
    struct json_array_builder batches = json_array_builder(t->run->arena);
    size_t count = json_count(*items);
    for (size_t i = 0; i < count;) {
        struct json_array_builder batch = json_array_builder(t->run->arena);
        int64_t bytes = 0;
        for (; i < count && (int64_t)batch.count < items_max; i++) {
            struct json item = json_at(*items, i);
            bytes += (int64_t)json_text(t->scratch, item).len;
            if (batch.count && bytes > bytes_max)
                break;
            json_array_add(&batch, item);
        }
        struct json_object_builder b = json_object_builder(t->run->arena);
        json_object_add(&b, STR("BatchInput"), input);
        json_object_add(&b, STR("Items"), json_array_done(&batch));
        json_array_add(&batches, json_object_done(&b));
    }
    *items = json_array_done(&batches);
    return true;
}

/* A percentage may have a fraction where the definition has it, but is whole in the data. */
static bool map_percentage(struct turn *t, const struct real_field *field, struct expr_env *env,
                           double *ret_percentage, struct expr_failure *reterr)
{
    double percentage = field->literal;
    if (field->query) {
        struct json value;
        if (!template_eval_as(field->query, JSON_NUMBER, env, &value, reterr))
            return false;
        percentage = json_to_double(value);
    } else if (field->path) {
        struct number_field whole = {.set = true, .path = field->path};
        int64_t value;
        if (!data_number(t, &whole, "ToleratedFailurePercentage", env, &value, reterr))
            return false;
        percentage = (double)value;
    }
    if (!(percentage >= 0 && percentage <= 100))
        return runtime_error(reterr, STR("ToleratedFailurePercentage must be between 0 and 100."));
    *ret_percentage = percentage;
    return true;
}

static bool map_numbers(struct turn *t, const struct map_fields *map, struct expr_env *env,
                        struct flow_event *e, struct expr_failure *reterr)
{
    e->tolerated_count = -1;
    e->tolerated_percentage = -1;
    if (map->concurrency.set &&
        !data_number(t, &map->concurrency, "MaxConcurrency", env, &e->concurrency, reterr))
        return false;
    if (e->concurrency < 0)
        return runtime_error(reterr, STR("MaxConcurrency cannot be negative."));
    if (map->tolerated_count.set) {
        if (!data_number(t, &map->tolerated_count, "ToleratedFailureCount", env,
                         &e->tolerated_count, reterr))
            return false;
        if (e->tolerated_count < 0)
            return runtime_error(reterr, STR("ToleratedFailureCount cannot be negative."));
    }
    return !map->tolerated_percentage.set ||
           map_percentage(t, &map->tolerated_percentage, env, &e->tolerated_percentage, reterr);
}

static void emit_map_run_started(struct turn *t, struct frame *f)
{
    const struct flow_identity *who = t->run->identity;
    const struct map_fields *map = &frame_state(t->run, f)->u.map;
    char id[UUID_TEXT_LEN], label[UUID_TEXT_LEN];
    uuid_format(uuid_v4(&t->rng), id);
    uuid_format(uuid_v4(&t->rng), label);
    struct str shown = map->label.len ? map->label : str_of(label, sizeof(label));
    struct flow_event e = turn_event(f, EVENT_MAP_RUN_STARTED);
    e.text = arena_printf(
        t->arena, "arn:aws:states:" STR_FMT ":" STR_FMT ":mapRun:" STR_FMT "/" STR_FMT ":%.*s",
        STR_ARG(who->region), STR_ARG(who->account), STR_ARG(who->machine_name), STR_ARG(shown),
        UUID_TEXT_LEN, id);
    turn_emit(t, e);
}

static void fan_finish(struct turn *t, struct frame *f);
static void fan_go_on(struct turn *t, struct frame *f);

bool map_execute(struct turn *t, struct frame *f, struct expr_failure *reterr)
{
    const struct state *state = frame_state(t->run, f);
    const struct map_fields *map = &state->u.map;
    bool jsonata = state->language == QUERY_JSONATA;
    struct expr_env env =
        jsonata ? turn_query_env(t, f, (struct query_view){0}) : turn_env(t, f, f->data.value);
    struct flow_event e = turn_event(f, EVENT_MAP_STARTED);
    struct json items;
    if (jsonata ? !map_items_jsonata(t, map, &env, f->data.value, &items, reterr)
                : !data_path(&state->input_path, &env, &env.input, reterr) ||
                      !map_items(t, map, &env, &items, reterr))
        return false;
    if (!make_batches(t, &map->batcher, &env, &items, reterr))
        return false;
    /* AWS has started the Map before it looks at these. */
    bool numbers = map_numbers(t, map, &env, &e, reterr);
    e.value = turn_slot(f, items);
    e.length = (int64_t)json_count(items);
    turn_emit(t, e);
    if (!numbers)
        return false;
    if (map->distributed)
        emit_map_run_started(t, f);
    if (f->fan->count == 0)
        fan_finish(t, f);
    else
        fan_go_on(t, f);
    return true;
}

bool fan_is_over(const struct fan_out *fan)
{
    return fan->succeeded + fan->failed == fan->count;
}

bool fan_can_start(const struct run *run, const struct fan_out *fan)
{
    return fan->is_map && !run->paused && fan->started < fan->count &&
           (fan->concurrency == 0 || fan->active < fan->concurrency);
}

static bool iteration_input(struct turn *t, struct frame *f, uint32_t index, struct json *ret_input,
                            struct expr_failure *reterr)
{
    const struct state *state = frame_state(t->run, f);
    *ret_input = json_at(f->fan->items.value, index);
    if (!state->u.map.item_selector)
        return true;
    if (state->language == QUERY_JSONATA) {
        struct query_view view = {.item = *ret_input, .item_index = index};
        struct expr_env query = turn_query_env(t, f, view);
        return template_eval(state->u.map.item_selector, &query, ret_input, reterr);
    }
    struct expr_env env = turn_env(t, f, f->data.value);
    if (!data_path(&state->input_path, &env, &env.input, reterr))
        return false;
    if (state->uses_context)
        env.context = context_object(t, f, *ret_input, index);
    return template_eval(state->u.map.item_selector, &env, ret_input, reterr);
}

/* Some at a time, so that a Map of many items takes turns with its own iterations
 * and stays within the bounds of a turn. */
static void fan_go_on(struct turn *t, struct frame *f)
{
    enum {
        AT_ONCE = 64
    };
    for (int i = 0; i < AT_ONCE && fan_can_start(t->run, f->fan); i++) {
        if (t->run->frames_live >= t->run->limits.frames_max)
            return; /* the next one to end makes room */
        struct flow_event e = turn_event(f, EVENT_MAP_ITERATION_STARTED);
        e.index = f->fan->started;
        struct expr_failure failure;
        struct json input;
        if (!iteration_input(t, f, e.index, &input, &failure)) {
            failure_of_state(t, f, &failure);
            return;
        }
        e.value = (struct slot){input, SLOT_TURN_FRESH, 0};
        turn_emit(t, e);
        turn_queue(t, run_frame(t->run, f->fan->children[e.index]));
    }
    if (fan_can_start(t->run, f->fan))
        turn_queue(t, f);
}

/* ---- ending well ---- */

static void fan_finish(struct turn *t, struct frame *f)
{
    struct fan_out *fan = f->fan;
    struct json_array_builder results = json_array_builder(t->run->arena);
    for (uint32_t i = 0; i < fan->count; i++)
        if (!json_is_absent(fan->results[i].value))
            json_array_add(&results, fan->results[i].value);
    if (fan->hidden)
        turn_emit(t, turn_event(f, EVENT_MAP_RUN_SUCCEEDED));
    turn_emit(t, turn_event(f, fan->is_map ? EVENT_MAP_SUCCEEDED : EVENT_PARALLEL_SUCCEEDED));
    struct expr_failure failure;
    if (!data_exit(t, f, json_array_done(&results), &failure))
        failure_of_state(t, f, &failure);
}

void fan_go_on_or_finish(struct turn *t, struct frame *f)
{
    if (fan_is_over(f->fan))
        fan_finish(t, f);
    else if (fan_can_start(t->run, f->fan))
        fan_go_on(t, f);
}

void fan_child_done(struct turn *t, struct frame *child)
{
    struct frame *parent = run_frame(t->run, child->parent);
    struct flow_event e = turn_event(parent, parent->fan->is_map ? EVENT_MAP_ITERATION_SUCCEEDED
                                                                 : EVENT_BRANCH_SUCCEEDED);
    e.index = child->index;
    turn_emit(t, e);
    fan_go_on_or_finish(t, parent);
}

/* ---- failing ---- */

static bool tolerated(const struct fan_out *fan)
{
    if (fan->tolerated_count < 0 && fan->tolerated_percentage < 0)
        return fan->failed == 0;
    if (fan->tolerated_count >= 0 && fan->failed > fan->tolerated_count)
        return false;
    return fan->tolerated_percentage < 0 ||
           (double)fan->failed * 100 <= fan->tolerated_percentage * (double)fan->count;
}

static bool in_task(const struct run *run, const struct frame *f)
{
    const struct state *state = frame_state(run, f);
    return state && state->type == STATE_TASK && f->phase != FRAME_READY && f->phase != FRAME_DONE;
}

static void emit_task_aborted(struct turn *t, const struct frame *fan, uint32_t step,
                              uint32_t child)
{
    if (fan->fan->hidden)
        return;
    struct flow_event e = turn_event(fan, EVENT_TASK_ABORTED);
    e.step = step;
    e.child = child;
    turn_emit(t, e);
}

static bool is_below(const struct run *run, const struct frame *f, uint32_t top)
{
    while (f && f->id != top)
        f = run_frame(run, f->parent);
    return f != NULL;
}

static void abort_child(struct turn *t, struct frame *parent, const struct frame *child)
{
    if (parent->fan->is_map && !parent->fan->hidden) {
        struct flow_event e = turn_event(parent, EVENT_MAP_ITERATION_ABORTED);
        e.index = child->index;
        turn_emit(t, e);
    }
    for (uint32_t i = 0; i < t->run->frame_count; i++) {
        const struct frame *f = child->fan ? t->run->frames[i] : child;
        if (f && in_task(t->run, f) && is_below(t->run, f, child->id)) {
            task_cancel_effect(t, f);
            emit_task_aborted(t, parent, f->step, f->id);
        }
        if (!child->fan)
            break;
    }
}

static void emit_failure(struct turn *t, const struct frame *parent, enum event_kind kind,
                         uint32_t index, const struct failure *failure)
{
    struct flow_event e = turn_event(parent, kind);
    e.index = index;
    e.has_error = failure->has_error;
    e.error = failure->error;
    e.has_cause = failure->has_cause;
    e.cause = failure->cause;
    e.heartbeat = failure->heart_stopped;
    e.length = kind == EVENT_MAP_ITERATION_FAILED; /* it stays, for a recovery */
    turn_emit(t, e);
}

void fan_child_failed(struct turn *t, struct frame *child, const struct failure *failure)
{
    struct frame *parent = run_frame(t->run, child->parent);
    uint32_t index = child->index, step = child->step, id = child->id;
    bool was_task = in_task(t->run, child);
    struct failure passed = *failure;
    if (parent->fan->is_map)
        emit_failure(t, parent, EVENT_MAP_ITERATION_FAILED, index, failure);
    if (parent->fan->is_map && tolerated(parent->fan)) {
        fan_go_on_or_finish(t, parent);
        return;
    }
    if (parent->fan->hidden) {
        passed = (struct failure){
            .has_error = true,
            .has_cause = true,
            .error = STR("States.ExceedToleratedFailureThreshold"),
            .cause = STR("The specified tolerated failure threshold was exceeded"),
        };
        emit_failure(t, parent, EVENT_MAP_RUN_FAILED, index, &passed);
    }
    emit_failure(t, parent, EVENT_CHILD_FAILED, index, &passed);
    if (was_task)
        emit_task_aborted(t, parent, step, id);
    for (uint32_t i = 0; i < parent->fan->count; i++) {
        struct frame *sibling = run_frame(t->run, parent->fan->children[i]);
        if (sibling && i != index)
            abort_child(t, parent, sibling);
    }
    failure_handle(t, parent, &passed);
}
