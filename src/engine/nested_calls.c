/* Calls of tasks to this very service that start nothing to be found again: tokens, and
 * synchronous executions. Done again after a crash, the first may find that the task has
 * its answer, and the second runs once more. */
#include "engine/nested_internal.h"

/* ---- which call ---- */

static const struct {
    struct str action;
    enum nested_call call;
} calls[] = {
#define NESTED_CALL_ROW(action, name) {STR_INIT(action), CALL_##name},
    NESTED_CALL_TABLE(NESTED_CALL_ROW)
#undef NESTED_CALL_ROW
};

enum nested_call nested_call_of(const struct resource *resource)
{
    struct str action = str_slice(resource->action, 0, str_find_char(resource->action, '.'));
    for (size_t i = 0; i < COUNT_OF(calls); i++)
        if (str_eq(calls[i].action, action))
            return calls[i].call;
    UNREACHABLE("the compiler knows which calls are nested");
}

bool nested_call_is_by_token(enum nested_call call)
{
    return call == CALL_SEND_SUCCESS || call == CALL_SEND_FAILURE || call == CALL_SEND_HEARTBEAT;
}

/* ---- tokens ---- */

static void succeed(struct nested *n, struct json output)
{
    struct pending *p = nested_answer_new(n);
    p->input.ok = true;
    p->input.value = json_copy(p->arena, output);
    nested_give_parent(n->engine, n->parent, p);
    nested_free(n);
}

static void sent(void *arg, const struct engine_reply *reply)
{
    struct nested *n = arg;
    n->engine->nested.active--;
    if (n->engine->dead || n->engine->detached)
        return; /* all of them go with the engine */
    if (n->dropped)
        nested_free(n);
    else if (reply->err && reply->err->code == ERR_NOT_FOUND)
        nested_fail(n, "TaskDoesNotExist", "Task does not exist: 'its execution is not known'");
    else if (reply->err)
        nested_later(n);
    else if (!reply->accepted)
        nested_fail(n, "TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'");
    else
        succeed(n, json_object(NULL, 0));
}

/* The parameter is the output's text, or the output itself. */
static bool read_output(struct nested *n, struct json *ret_output)
{
    struct json given = json_get(n->parameters, STR("Output"));
    struct err err;
    *ret_output = given;
    if (!json_is_string(given) && !json_is_absent(given))
        return true;
    if (json_parse_copy(n->arena, json_str(given), (struct json_limits){0}, ret_output, &err))
        return true;
    nested_fail(n, "InvalidOutput", "Invalid Output: '%s'", err.message);
    return false;
}

static void send_result(struct nested *n, const struct flow_task_key *key)
{
    struct json error = json_get(n->parameters, STR("Error"));
    struct json cause = json_get(n->parameters, STR("Cause"));
    struct engine_task_result result = {
        .execution = key->execution,
        .step = key->step,
        .attempt = key->attempt,
        .ok = n->call == CALL_SEND_SUCCESS,
    };
    if (result.ok && !read_output(n, &result.output))
        return;
    if (!result.ok) {
        result.has_error = json_is_string(error);
        result.has_cause = json_is_string(cause);
        result.error = json_str(error);
        result.cause = json_str(cause);
    }
    n->phase = NESTED_STARTING;
    n->engine->nested.active++;
    engine_token_result(n->engine, &result, sent, n);
}

void nested_send(struct nested *n)
{
    struct engine *e = n->engine;
    struct str token = json_str(json_get(n->parameters, STR("TaskToken")));
    struct flow_task_key key;
    if (!flow_token_read(n->arena, token, store_secret(e->options.store), &key)) {
        nested_fail(n, "InvalidToken", "Invalid Token: 'Invalid token'");
    } else if (n->call == CALL_SEND_HEARTBEAT) {
        n->phase = NESTED_STARTING;
        e->nested.active++;
        engine_token_heartbeat(e, key.execution, key.step, key.attempt, sent, n);
    } else {
        send_result(n, &key);
    }
}

/* ---- synchronous executions ---- */

static struct json flat(struct arena *a, struct str name, struct json value)
{
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, name, value);
    return json_object_done(&b);
}

static struct json date(struct arena *a, struct wall_ms at)
{
    char text[TIME_TEXT_SIZE];
    return json_string_copy(a, str_of(text, wall_format(at, text)));
}

static void add_data(struct json_object_builder *b, struct str name, struct str details,
                     struct json value)
{
    if (json_is_absent(value))
        return;
    json_object_add(b, name, json_string(json_text(b->arena, value)));
    json_object_add(b, details, flat(b->arena, STR("Included"), json_bool(true)));
}

/* As StartSyncExecution answers, the names as the SDK writes them. */
static struct json describe(struct arena *a, const struct engine_reply *reply)
{
    const struct execution_row *row = reply->execution;
    const struct run *run = reply->run;
    struct json_object_builder b = json_object_builder(a);
    struct str text;
    if (run_cause(run, &text))
        json_object_add(&b, STR("Cause"), json_string(text));
    if (run_error(run, &text))
        json_object_add(&b, STR("Error"), json_string(text));
    json_object_add(&b, STR("ExecutionArn"), json_string(row->arn));
    add_data(&b, STR("Input"), STR("InputDetails"), run_input(run));
    json_object_add(&b, STR("Name"), json_string(row->name));
    add_data(&b, STR("Output"), STR("OutputDetails"), run_output(run));
    json_object_add(&b, STR("StartDate"), date(a, run_started_at(run)));
    json_object_add(&b, STR("StateMachineArn"), json_string(row->machine_arn));
    json_object_add(&b, STR("Status"),
                    json_string(str_of_cstr(execution_status_name(row->status))));
    json_object_add(&b, STR("StopDate"), date(a, run_stopped_at(run)));
    return json_object_done(&b);
}

void nested_ended_at_once(struct nested *n, const struct engine_reply *reply)
{
    if (n->dropped)
        nested_free(n);
    else
        succeed(n, describe(n->arena, reply));
}
