#include "cli/told.h"

#include "api/status.h"

#include <stdio.h>

struct wall_ms told_time(struct json told)
{
    struct wall_ms at = {0};
    return json_is_string(told) && wall_parse(json_str(told), &at) ? at : (struct wall_ms){0};
}

enum execution_status told_status(struct json told)
{
    enum execution_status status = EXECUTION_RUNNING;
    return status_of_word(json_str(told), &status) ? status : EXECUTION_RUNNING;
}

static enum step_status step_status_of(struct json told)
{
    static const enum step_status all[] = {STEP_RUNNING,   STEP_SUCCESS,  STEP_FAILURE,
                                           STEP_TIMED_OUT, STEP_CANCELED, STEP_SKIPPED,
                                           STEP_PENDING};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        if (str_eq(json_str(told), str_of_cstr(step_status_name(all[i]))))
            return all[i];
    return STEP_RUNNING;
}

static int64_t number_of(struct json told)
{
    int64_t number = 0;
    return json_to_int64(told, &number) ? number : 0;
}

static bool text_of(struct arena *a, struct json told, struct str *ret_text)
{
    if (json_is_string(told))
        *ret_text = arena_str(a, json_str(told));
    return json_is_string(told);
}

/* Names are unique in a machine. */
static const struct state *find_state(const struct machine *m, struct str name)
{
    size_t low = 0, high = m->state_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct state *state = &m->states[m->by_name[middle]];
        int order = str_compare(state->name, name);
        if (order == 0)
            return state;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static void take_attempt(struct arena *a, struct json told, struct step_attempt *attempt)
{
    *attempt = (struct step_attempt){
        .number = (uint32_t)number_of(json_get(told, STR("number"))),
        .generation = (uint32_t)number_of(json_get(told, STR("generation"))),
        .status = step_status_of(json_get(told, STR("status"))),
        .started_at = told_time(json_get(told, STR("started_at"))),
        .stopped_at = told_time(json_get(told, STR("stopped_at"))),
        .log = json_copy(a, json_get(told, STR("log"))),
    };
    attempt->has_error = text_of(a, json_get(told, STR("error")), &attempt->error);
    attempt->has_cause = text_of(a, json_get(told, STR("cause")), &attempt->cause);
}

static void take_attempts(struct arena *a, struct json told, struct step *step)
{
    size_t count = json_count(told);
    if (count > step->attempt_capacity) {
        step->attempts = ARENA_ARRAY(a, struct step_attempt, 2 * count);
        step->attempt_capacity = 2 * count;
    }
    step->attempt_count = count;
    for (size_t i = 0; i < count; i++)
        take_attempt(a, json_at(told, i), &step->attempts[i]);
}

bool told_step(struct arena *a, const struct machine *machine, struct json told, struct step *step)
{
    const struct state *state = find_state(machine, json_str(json_get(told, STR("state"))));
    if (!state)
        return false;
    if (!step->state)
        step->path = arena_str(a, json_str(json_get(told, STR("path"))));
    step->state = state;
    step->generation = (uint32_t)number_of(json_get(told, STR("generation")));
    step->status = step_status_of(json_get(told, STR("status")));
    step->taken_over = json_is_true(json_get(told, STR("taken_over")));
    step->started_at = told_time(json_get(told, STR("started_at")));
    step->stopped_at = told_time(json_get(told, STR("stopped_at")));
    step->has_error = text_of(a, json_get(told, STR("error")), &step->error);
    step->has_cause = text_of(a, json_get(told, STR("cause")), &step->cause);
    step->children_total = number_of(json_get(told, STR("children_total")));
    step->children_done = number_of(json_get(told, STR("children_done")));
    take_attempts(a, json_get(told, STR("attempts")), step);
    return true;
}

bool told_retry(struct json told, struct flow_event *ret_event)
{
    struct json error = json_get(told, STR("error"));
    if (!str_eq(json_str(json_get(told, STR("type"))), str_of_cstr(event_name(EVENT_RETRY_ARMED))))
        return false;
    *ret_event = (struct flow_event){
        .kind = EVENT_RETRY_ARMED,
        .step = (uint32_t)number_of(json_get(told, STR("step"))),
        .attempt = (uint32_t)number_of(json_get(told, STR("attempt"))),
        .wake_ms = told_time(json_get(told, STR("wake_at"))).ms,
        .has_error = json_is_string(error),
        .error = json_str(error),
    };
    return true;
}

bool told_control(struct json told, struct flow_event *ret_event)
{
    static const enum event_kind kinds[] = {
        EVENT_PAUSED,       EVENT_UNPAUSED,  EVENT_REVIEW_ASKED, EVENT_REVIEW_DECIDED,
        EVENT_CANCEL_ASKED, EVENT_RECOVERED, EVENT_RERUN_BEGAN,  EVENT_RERUN_ENDED,
    };
    struct str type = json_str(json_get(told, STR("type"))), cause;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (!str_eq(type, str_of_cstr(event_name(kinds[i]))))
            continue;
        cause = json_str(json_get(told, STR("cause")));
        *ret_event = (struct flow_event){
            .kind = kinds[i],
            .step = (uint32_t)number_of(json_get(told, STR("step"))),
            .index = (uint32_t)number_of(json_get(told, STR("how"))),
            .has_cause = cause.len > 0,
            .cause = cause,
            .text = json_str(json_get(told, STR("text"))),
        };
        return true;
    }
    return false;
}

bool told_end(struct json told, enum execution_status *ret_status, struct json *ret_details)
{
    static const struct {
        enum event_kind kind;
        enum execution_status status;
    } ends[] = {
        {EVENT_EXECUTION_SUCCEEDED, EXECUTION_SUCCEEDED},
        {EVENT_EXECUTION_FAILED, EXECUTION_FAILED},
        {EVENT_EXECUTION_TIMED_OUT, EXECUTION_TIMED_OUT},
        {EVENT_EXECUTION_ABORTED, EXECUTION_ABORTED},
    };
    struct str type = json_str(json_get(told, STR("type")));
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        char details[64];
        if (!str_eq(type, str_of_cstr(event_name(ends[i].kind))))
            continue;
        snprintf(details, sizeof(details), "%sEventDetails", event_details(ends[i].kind));
        *ret_status = ends[i].status;
        *ret_details = json_get(told, str_of_cstr(details));
        return true;
    }
    return false;
}
