/* Things of this house as REST v1 shows them. */
#include "api/api_internal.h"

#include "api/status.h"

struct json time_json(struct arena *a, struct wall_ms at)
{
    char text[TIME_TEXT_SIZE];
    if (at.ms == 0)
        return JSON_NONE;
    return json_string_copy(a, str_of(text, wall_format(at, text)));
}

struct json id_json(struct arena *a, struct uuid id)
{
    char text[UUID_TEXT_LEN];
    uuid_format(id, text);
    return json_string_copy(a, str_of(text, sizeof(text)));
}

struct json error_json(bool has, struct str text)
{
    return has ? json_string(text) : JSON_NONE;
}

struct json hash_json(struct arena *a, const uint8_t hash[static SHA256_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    char text[2 * SHA256_SIZE];
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        text[2 * i] = digits[hash[i] >> 4];
        text[2 * i + 1] = digits[hash[i] & 15];
    }
    return json_string_copy(a, str_of(text, sizeof(text)));
}

struct json execution_json(struct arena *a, const struct execution_row *row)
{
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("execution_arn"), json_string(row->arn));
    json_object_add(&b, STR("id"), id_json(a, row->id));
    json_object_add(&b, STR("name"), json_string(row->name));
    json_object_add(&b, STR("machine_name"), json_string(row->machine_name));
    json_object_add(&b, STR("definition"), hash_json(a, row->definition));
    json_object_add(&b, STR("status"),
                    json_string(str_of_cstr(status_rest_name(status_of_row(row->status)))));
    json_object_add(&b, STR("started_at"), time_json(a, row->started_at));
    json_object_add(&b, STR("stopped_at"), time_json(a, row->stopped_at));
    json_object_add(&b, STR("turns"), json_int(row->turns));
    return json_object_done(&b);
}

struct json end_json(struct arena *a, const struct run *run)
{
    struct json_object_builder b = json_object_builder(a);
    struct str error = {0}, cause = {0};
    bool has_error = run_error(run, &error), has_cause = run_cause(run, &cause);
    json_object_add(&b, STR("status"),
                    json_string(str_of_cstr(status_rest_name(status_of_run(run, a)))));
    json_object_add(&b, STR("stopped_at"), time_json(a, run_stopped_at(run)));
    json_object_add(&b, STR("output"), run_output(run));
    json_object_add(&b, STR("error"), error_json(has_error, error));
    json_object_add(&b, STR("cause"), error_json(has_cause, cause));
    return json_object_done(&b);
}

/* ---- events ---- */

/* What somebody told the execution, by the name that others know such a signal by. */
static struct json signal_json(enum event_kind kind)
{
    if (kind == EVENT_REVIEW_DECIDED)
        return json_string(STR("resume_after_review"));
    return kind == EVENT_CANCEL_ASKED ? json_string(STR("cancel")) : JSON_NONE;
}

/* Those that the Step Functions API does not have in this history. */
static void add_own_event(struct json_object_builder *b, const struct run *run,
                          const struct flow_event *e, struct wall_ms at)
{
    const struct machine *machine = run_machine(run);
    json_object_add(b, STR("timestamp"), json_double((double)at.ms / 1000));
    json_object_add(b, STR("type"), json_string(str_of_cstr(event_name(e->kind))));
    if (e->state < machine->state_count)
        json_object_add(b, STR("state"), json_string(machine->states[e->state].name));
    json_object_add(b, STR("path"), e->path.len ? json_string(e->path) : JSON_NONE);
    json_object_add(b, STR("step"), json_int(e->step));
    json_object_add(b, STR("signal"), signal_json(e->kind));
    json_object_add(b, STR("attempt"), e->attempt ? json_int(e->attempt) : JSON_NONE);
    json_object_add(b, STR("error"), error_json(e->has_error, e->error));
    json_object_add(b, STR("cause"), error_json(e->has_cause, e->cause));
    json_object_add(b, STR("wake_at"), time_json(b->arena, (struct wall_ms){e->wake_ms}));
    json_object_add(b, STR("text"), e->text.len ? json_string(e->text) : JSON_NONE);
    if (e->kind == EVENT_PAUSED || e->kind == EVENT_RERUN_ENDED || e->kind == EVENT_REVIEW_DECIDED)
        json_object_add(b, STR("how"), json_int(e->index));
    json_object_add(b, STR("log"), e->log);
}

struct json event_json(struct arena *a, const struct run *run, const struct flow_event *event,
                       struct wall_ms at, uint64_t number, bool data)
{
    struct json_object_builder b = json_object_builder(a);
    struct json aws = history_event(a, run, event, at, data);
    json_object_add(&b, STR("number"), json_int((int64_t)number));
    if (json_is_absent(aws))
        add_own_event(&b, run, event, at);
    for (size_t i = 0; i < json_count(aws); i++)
        json_object_add(&b, json_str(json_members(aws)[i].key), json_members(aws)[i].value);
    return json_object_done(&b);
}

/* ---- steps ---- */

static struct json attempt_json(struct arena *a, const struct step_attempt *attempt)
{
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("number"), json_int(attempt->number));
    json_object_add(&b, STR("generation"), json_int(attempt->generation));
    json_object_add(&b, STR("status"), json_string(str_of_cstr(step_status_name(attempt->status))));
    json_object_add(&b, STR("started_at"), time_json(a, attempt->started_at));
    json_object_add(&b, STR("stopped_at"), time_json(a, attempt->stopped_at));
    json_object_add(&b, STR("error"), error_json(attempt->has_error, attempt->error));
    json_object_add(&b, STR("cause"), error_json(attempt->has_cause, attempt->cause));
    json_object_add(&b, STR("log"), attempt->log);
    return json_object_done(&b);
}

struct json step_x_number(const struct step *step)
{
    return step->state->step_number ? json_int(step->state->step_number) : JSON_NONE;
}

struct json step_json(struct arena *a, const struct step *step, bool data)
{
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("index"), json_int(step->index));
    json_object_add(&b, STR("generation"), json_int(step->generation));
    json_object_add(&b, STR("x_step"), step_x_number(step));
    json_object_add(&b, STR("path"), json_string(step->path));
    json_object_add(&b, STR("state"), json_string(step->state->name));
    json_object_add(&b, STR("type"), json_string(state_type_name(step->state->type)));
    json_object_add(&b, STR("status"), json_string(str_of_cstr(step_status_name(step->status))));
    json_object_add(&b, STR("taken_over"), step->taken_over ? json_bool(true) : JSON_NONE);
    json_object_add(&b, STR("started_at"), time_json(a, step->started_at));
    json_object_add(&b, STR("stopped_at"), time_json(a, step->stopped_at));
    if (data) {
        json_object_add(&b, STR("input"), step->input);
        json_object_add(&b, STR("output"), step->output);
    }
    json_object_add(&b, STR("error"), error_json(step->has_error, step->error));
    json_object_add(&b, STR("cause"), error_json(step->has_cause, step->cause));
    if (step->children_total) {
        json_object_add(&b, STR("children_total"), json_int(step->children_total));
        json_object_add(&b, STR("children_done"), json_int(step->children_done));
    }
    struct json_array_builder attempts = json_array_builder(a);
    for (size_t i = 0; i < step->attempt_count; i++)
        json_array_add(&attempts, attempt_json(a, &step->attempts[i]));
    json_object_add(&b, STR("attempts"), json_array_done(&attempts));
    return json_object_done(&b);
}
