#include "journal/journal.h"

/* What the details of an event can hold. */
enum detail {
    DETAIL_END,
    DETAIL_NAME,
    DETAIL_INPUT,
    DETAIL_OUTPUT,
    DETAIL_ASSIGNED,
    DETAIL_ROLE_ARN,
    DETAIL_ERROR,
    DETAIL_CAUSE,
    DETAIL_RESOURCE,     /* the action of an integration, such as "invoke" */
    DETAIL_RESOURCE_ARN, /* the whole resource, of a function or an activity */
    DETAIL_RESOURCE_TYPE,
    DETAIL_REGION,
    DETAIL_PARAMETERS,
    DETAIL_TIMEOUT,
    DETAIL_HEARTBEAT,
    DETAIL_CREDENTIALS,
    DETAIL_WORKER_NAME,
    DETAIL_LENGTH,
    DETAIL_INDEX,
    DETAIL_MAP_RUN_ARN,
    DETAIL_LOCATION,
    DETAIL_STATE,
    DETAIL_REDRIVE_COUNT,
};

enum {
    DETAILS_MAX = 8 /* of one shape, the end included */
};

static const enum detail shapes[][DETAILS_MAX] = {
    [SHAPE_EXECUTION_STARTED] = {DETAIL_INPUT, DETAIL_ROLE_ARN},
    [SHAPE_OUTPUT] = {DETAIL_OUTPUT},
    [SHAPE_ERROR] = {DETAIL_ERROR, DETAIL_CAUSE},
    [SHAPE_STATE_ENTERED] = {DETAIL_NAME, DETAIL_INPUT},
    [SHAPE_STATE_EXITED] = {DETAIL_NAME, DETAIL_OUTPUT, DETAIL_ASSIGNED},
    [SHAPE_LAMBDA_SCHEDULED] = {DETAIL_RESOURCE_ARN, DETAIL_INPUT, DETAIL_TIMEOUT, DETAIL_HEARTBEAT,
                                DETAIL_CREDENTIALS},
    [SHAPE_TASK_SCHEDULED] = {DETAIL_RESOURCE_TYPE, DETAIL_RESOURCE, DETAIL_REGION,
                              DETAIL_PARAMETERS, DETAIL_TIMEOUT, DETAIL_HEARTBEAT,
                              DETAIL_CREDENTIALS},
    [SHAPE_TASK_STARTED] = {DETAIL_RESOURCE_TYPE, DETAIL_RESOURCE},
    [SHAPE_TASK_OUTPUT] = {DETAIL_RESOURCE_TYPE, DETAIL_RESOURCE, DETAIL_OUTPUT},
    [SHAPE_TASK_ERROR] = {DETAIL_RESOURCE_TYPE, DETAIL_RESOURCE, DETAIL_ERROR, DETAIL_CAUSE},
    [SHAPE_ACTIVITY_STARTED] = {DETAIL_WORKER_NAME},
    [SHAPE_MAP_STARTED] = {DETAIL_LENGTH},
    [SHAPE_MAP_ITERATION] = {DETAIL_NAME, DETAIL_INDEX},
    [SHAPE_MAP_RUN_STARTED] = {DETAIL_MAP_RUN_ARN},
    [SHAPE_REDRIVEN] = {DETAIL_REDRIVE_COUNT},
    [SHAPE_EVALUATION_FAILED] = {DETAIL_STATE, DETAIL_LOCATION, DETAIL_ERROR, DETAIL_CAUSE},
};

struct view {
    struct arena *arena;
    const struct flow_identity *identity;
    const struct flow_event *event;
    const struct state *state;       /* NULL: none */
    const struct resource *resource; /* NULL: not a Task */
    bool data;
    struct json_object_builder details;
};

static void add(struct view *v, struct str name, struct json value)
{
    json_object_add(&v->details, name, value);
}

static void add_text(struct view *v, struct str name, struct str text)
{
    add(v, name, json_string(text));
}

static void add_seconds(struct view *v, struct str name, int64_t seconds)
{
    if (seconds)
        add(v, name, json_int(seconds));
}

/* "input" as JSON text, and "inputDetails". */
static void add_data(struct view *v, struct str name, struct str details_name, struct json value)
{
    if (!v->data || json_is_absent(value))
        return;
    struct json_object_builder b = json_object_builder(v->arena);
    json_object_add(&b, STR("truncated"), json_bool(false));
    add(v, name, value);
    add(v, details_name, json_object_done(&b));
}

static struct json as_text(struct view *v, struct json value)
{
    return json_is_absent(value) ? value : json_string(json_text(v->arena, value));
}

static void add_assigned(struct view *v, struct json assigned)
{
    if (!json_is_object(assigned))
        return;
    struct json_object_builder b = json_object_builder(v->arena);
    const struct json_member *members = json_members(assigned);
    for (size_t i = 0; i < json_count(assigned); i++)
        json_object_add(&b, json_str(members[i].key), as_text(v, members[i].value));
    add_data(v, STR("assignedVariables"), STR("assignedVariablesDetails"), json_object_done(&b));
}

/* The event has a role that was computed; any other stands in the definition. */
static void add_credentials(struct view *v)
{
    struct json credentials = v->state ? json_get(v->state->source, STR("Credentials")) : JSON_NONE;
    struct json role = json_get(credentials, STR("RoleArn"));
    if (v->event->text.len)
        role = json_string(v->event->text);
    if (!json_is_string(role))
        return;
    struct json_object_builder b = json_object_builder(v->arena);
    json_object_add(&b, STR("roleArn"), role);
    add(v, STR("taskCredentials"), json_object_done(&b));
}

static void add_resource(struct view *v, enum detail detail)
{
    const struct resource *r = v->resource;
    if (!r)
        return;
    if (detail == DETAIL_RESOURCE)
        add_text(v, STR("resource"), r->action);
    else if (detail == DETAIL_RESOURCE_ARN)
        add_text(v, STR("resource"), r->text);
    else if (detail == DETAIL_RESOURCE_TYPE)
        add_text(v, STR("resourceType"), r->resource_type);
    else
        add_text(v, STR("region"), r->region.len ? r->region : v->identity->region);
}

static void add_detail(struct view *v, enum detail detail)
{
    const struct flow_event *e = v->event;
    switch (detail) {
    case DETAIL_NAME:
        add(v, STR("name"), v->state ? json_string(v->state->name) : JSON_NONE);
        return;
    case DETAIL_INPUT:
        add_data(v, STR("input"), STR("inputDetails"), as_text(v, e->value.value));
        return;
    case DETAIL_OUTPUT:
        add_data(v, STR("output"), STR("outputDetails"), as_text(v, e->value.value));
        return;
    case DETAIL_ASSIGNED:
        add_assigned(v, e->assigned.value);
        return;
    case DETAIL_ROLE_ARN:
        add_text(v, STR("roleArn"), v->identity->role_arn);
        return;
    case DETAIL_ERROR:
        add(v, STR("error"), e->has_error ? json_string(e->error) : JSON_NONE);
        return;
    case DETAIL_CAUSE:
        add(v, STR("cause"), e->has_cause ? json_string(e->cause) : JSON_NONE);
        return;
    case DETAIL_RESOURCE:
    case DETAIL_RESOURCE_ARN:
    case DETAIL_RESOURCE_TYPE:
    case DETAIL_REGION:
        add_resource(v, detail);
        return;
    case DETAIL_PARAMETERS:
        add(v, STR("parameters"), v->data ? as_text(v, e->value.value) : JSON_NONE);
        return;
    case DETAIL_TIMEOUT:
        add_seconds(v, STR("timeoutInSeconds"), e->timeout);
        return;
    case DETAIL_HEARTBEAT:
        add_seconds(v, STR("heartbeatInSeconds"), e->heartbeat);
        return;
    case DETAIL_CREDENTIALS:
        add_credentials(v);
        return;
    case DETAIL_WORKER_NAME:
        add(v, STR("workerName"), e->text.len ? json_string(e->text) : JSON_NONE);
        return;
    case DETAIL_LENGTH:
        add(v, STR("length"), json_int(e->length));
        return;
    case DETAIL_INDEX:
        add(v, STR("index"), json_int(e->index));
        return;
    case DETAIL_MAP_RUN_ARN:
        add_text(v, STR("mapRunArn"), e->text);
        return;
    case DETAIL_LOCATION:
        add(v, STR("location"), e->text.len ? json_string(e->text) : JSON_NONE);
        return;
    case DETAIL_STATE:
        add(v, STR("state"), v->state ? json_string(v->state->name) : JSON_NONE);
        return;
    case DETAIL_REDRIVE_COUNT:
        add(v, STR("redriveCount"), json_int(e->index));
        return;
    case DETAIL_END:
        return;
    }
}

static const struct state *event_state(const struct machine *m, const struct flow_event *e)
{
    return e->state < m->state_count ? &m->states[e->state] : NULL;
}

static bool speaks_of_execution(enum event_kind kind)
{
    return kind < EVENT_PASS_ENTERED;
}

static struct json details(struct view *v)
{
    const enum detail *detail = shapes[event_shape(v->event->kind)];
    v->details = json_object_builder(v->arena);
    for (; *detail != DETAIL_END; detail++)
        add_detail(v, *detail);
    return json_object_done(&v->details);
}

struct json history_event(struct arena *a, const struct run *run, const struct flow_event *event,
                          struct wall_ms at, bool data)
{
    const struct machine *machine = run_machine(run);
    const struct state *state = event_state(machine, event);
    enum event_shape shape = event_shape(event->kind);
    if (event->id == 0 || shape == SHAPE_OURS)
        return JSON_NONE;
    /* The iterations of a distributed Map are executions of their own on the API:
     * what happens in them is in their histories, numbered by themselves. */
    if (!speaks_of_execution(event->kind) && state && machine_state_is_apart(machine, event->state))
        return JSON_NONE;
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("id"), json_int(event->id));
    json_object_add(&b, STR("previousEventId"), json_int(event->previous_id));
    json_object_add(&b, STR("timestamp"), json_double((double)at.ms / 1000));
    json_object_add(&b, STR("type"), json_string(str_of_cstr(event_name(event->kind))));
    if (shape != SHAPE_NONE) {
        struct view v = {
            .arena = a,
            .identity = run_identity(run),
            .event = event,
            .state = state,
            .resource = state && state->type == STATE_TASK ? &state->u.task.resource : NULL,
            .data = data,
        };
        struct str name = arena_printf(a, "%sEventDetails", event_details(event->kind));
        json_object_add(&b, name, details(&v));
    }
    return json_object_done(&b);
}
