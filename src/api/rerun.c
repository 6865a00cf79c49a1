#include "api/rerun.h"

struct rerun *rerun_new(struct arena *a, uint32_t number)
{
    struct rerun *r = ARENA_NEW(a, struct rerun);
    r->arena = a;
    r->number = number;
    return r;
}

struct str rerun_arn(struct arena *a, struct str execution_arn, uint32_t number)
{
    return arena_printf(a, STR_FMT ".rerun-%u", STR_ARG(execution_arn), number);
}

/* ---- off the journal ---- */

static bool is_end_of_execution(enum event_kind kind)
{
    return kind >= EVENT_EXECUTION_SUCCEEDED && kind <= EVENT_EXECUTION_ABORTED;
}

/* The entering and the leaving of the step itself are told in another name. */
static bool is_of_path(const struct rerun *r, const struct flow_event *event)
{
    enum event_shape shape = event_shape(event->kind);
    return (shape == SHAPE_STATE_ENTERED || shape == SHAPE_STATE_EXITED) &&
           event->step == r->first.event.step;
}

static void keep(struct rerun *r, const struct flow_event *event, struct wall_ms at)
{
    if (event->id == 0 || is_of_path(r, event))
        return;
    r->events = arena_grow(r->arena, r->events, r->count, &r->capacity, sizeof(*r->events));
    r->events[r->count++] = (struct rerun_event){*event, at};
}

static void take(struct rerun *r, const struct flow_event *event, struct wall_ms at)
{
    if (event->kind == EVENT_RERUN_BEGAN && ++r->seen == r->number) {
        r->began = true;
        r->first = (struct rerun_event){*event, at};
    } else if (r->began && !r->ended) {
        /* Whatever ends the execution ends the rerun, too. */
        r->ended = event->kind == EVENT_RERUN_ENDED || is_end_of_execution(event->kind);
        if (r->ended)
            r->last = (struct rerun_event){*event, at};
        else
            keep(r, event, at);
    }
}

void rerun_take(struct rerun *r, const struct journal_turn *turn)
{
    for (size_t i = 0; i < turn->count; i++)
        take(r, &turn->events[i], turn->at);
}

/* ---- what it came to ---- */

static bool went_well(const struct rerun *r)
{
    return r->ended && r->last.event.kind == EVENT_RERUN_ENDED && r->last.event.index == 1;
}

enum execution_status rerun_status(const struct rerun *r)
{
    if (!r->ended)
        return EXECUTION_RUNNING;
    return went_well(r) ? EXECUTION_SUCCEEDED : EXECUTION_FAILED;
}

struct json rerun_input(const struct rerun *r, const struct execution_row *row, struct arena *a)
{
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("action"), json_string(STR("process_single_step")));
    json_object_add(&b, STR("job_id"), json_string(row->name));
    json_object_add(&b, STR("step_index"), json_int(r->first.event.step));
    return json_object_done(&b);
}

struct json rerun_output(const struct rerun *r)
{
    return went_well(r) ? r->last.event.value.value : JSON_NONE;
}

/* ---- the path ---- */

struct path {
    const struct rerun *rerun;
    const struct run *run;
    struct arena *arena;
    bool data;
    struct json_array_builder events;
    uint32_t last;     /* id of the last event */
    uint32_t *of_step; /* new ids of the step's events, by their order */
};

/* With "details" as members of what is called so; absent: none. */
static void tell(struct path *p, const char *type, struct wall_ms at, const char *name,
                 struct json details)
{
    struct json_object_builder b = json_object_builder(p->arena);
    json_object_add(&b, STR("id"), json_int((int64_t)p->last + 1));
    json_object_add(&b, STR("previousEventId"), json_int(p->last));
    json_object_add(&b, STR("timestamp"), json_double((double)at.ms / 1000));
    json_object_add(&b, STR("type"), json_string(str_of_cstr(type)));
    json_object_add(&b, str_of_cstr(name), details);
    json_array_add(&p->events, json_object_done(&b));
    p->last++;
}

static void add_data(const struct path *p, struct json_object_builder *b, const char *name,
                     const char *details, struct json value)
{
    struct json_object_builder truncated = json_object_builder(p->arena);
    if (!p->data || json_is_absent(value))
        return;
    json_object_add(&truncated, STR("truncated"), json_bool(false));
    json_object_add(b, str_of_cstr(name), json_string(json_text(p->arena, value)));
    json_object_add(b, str_of_cstr(details), json_object_done(&truncated));
}

static void tell_entered(struct path *p, const char *type, const char *name, struct wall_ms at,
                         struct json input)
{
    struct json_object_builder b = json_object_builder(p->arena);
    json_object_add(&b, STR("name"), json_string(str_of_cstr(name)));
    add_data(p, &b, "input", "inputDetails", input);
    tell(p, type, at, "stateEnteredEventDetails", json_object_done(&b));
}

static void tell_exited(struct path *p, const char *type, const char *name, struct wall_ms at,
                        struct json output)
{
    struct json_object_builder b = json_object_builder(p->arena);
    json_object_add(&b, STR("name"), json_string(str_of_cstr(name)));
    add_data(p, &b, "output", "outputDetails", output);
    tell(p, type, at, "stateExitedEventDetails", json_object_done(&b));
}

static void tell_started(struct path *p, struct json input)
{
    struct json_object_builder b = json_object_builder(p->arena);
    add_data(p, &b, "input", "inputDetails", input);
    json_object_add(&b, STR("roleArn"), json_string(run_identity(p->run)->role_arn));
    tell(p, "ExecutionStarted", p->rerun->first.at, "executionStartedEventDetails",
         json_object_done(&b));
}

/* What the event before it is called here: one of the step's, whose ids grow, else the
 * entering. */
static uint32_t previous_of(const struct path *p, size_t i, uint32_t entered)
{
    const struct rerun_event *events = p->rerun->events;
    uint32_t wanted = events[i].event.previous_id;
    size_t low = 0, high = i;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (events[middle].event.id == wanted)
            return p->of_step[middle] ? p->of_step[middle] : entered;
        if (events[middle].event.id < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return entered;
}

static void tell_step(struct path *p)
{
    const struct rerun *r = p->rerun;
    uint32_t entered = p->last;
    p->of_step = ARENA_ARRAY(p->arena, uint32_t, r->count);
    for (size_t i = 0; i < r->count; i++) {
        struct flow_event event = r->events[i].event;
        event.previous_id = previous_of(p, i, entered);
        event.id = p->last + 1;
        struct json told = history_event(p->arena, p->run, &event, r->events[i].at, p->data);
        if (json_is_absent(told))
            continue;
        json_array_add(&p->events, told);
        p->of_step[i] = ++p->last;
    }
}

static void tell_end(struct path *p)
{
    const struct rerun *r = p->rerun;
    struct wall_ms at = r->last.at;
    struct json output = rerun_output(r);
    struct json_object_builder b = json_object_builder(p->arena);
    if (!went_well(r)) {
        json_object_add(&b, STR("error"), error_json(r->last.event.has_error, r->last.event.error));
        json_object_add(&b, STR("cause"), error_json(r->last.event.has_cause, r->last.event.cause));
        tell(p, "ExecutionFailed", at, "executionFailedEventDetails", json_object_done(&b));
        return;
    }
    tell_exited(p, "TaskStateExited", "ProcessStep", at, output);
    tell_entered(p, "ChoiceStateEntered", "CheckStepResultSingleStep", at, output);
    tell_exited(p, "ChoiceStateExited", "CheckStepResultSingleStep", at, output);
    tell_entered(p, "PassStateEntered", "FinalizeJob", at, output);
    tell_exited(p, "PassStateExited", "FinalizeJob", at, output);
    add_data(p, &b, "output", "outputDetails", output);
    tell(p, "ExecutionSucceeded", at, "executionSucceededEventDetails", json_object_done(&b));
}

struct json rerun_history(const struct rerun *r, const struct execution_row *row,
                          const struct run *run, struct arena *a, bool data)
{
    struct path p = {
        .rerun = r, .run = run, .arena = a, .data = data, .events = json_array_builder(a)};
    struct json input = rerun_input(r, row, a);
    struct wall_ms at = r->first.at;
    tell_started(&p, input);
    tell_entered(&p, "PassStateEntered", "UpdateJobStatus", at, input);
    tell_exited(&p, "PassStateExited", "UpdateJobStatus", at, input);
    tell_entered(&p, "ChoiceStateEntered", "CheckAction", at, input);
    tell_exited(&p, "ChoiceStateExited", "CheckAction", at, input);
    tell_entered(&p, "TaskStateEntered", "ProcessStep", at, r->first.event.value.value);
    tell_step(&p);
    if (r->ended)
        tell_end(&p);
    return json_array_done(&p.events);
}
