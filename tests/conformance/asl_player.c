/* Plays state machines in this process under virtual time, for test_asl.py.
 *
 * Reads one request a line, {"op", "request"}, answers one line,
 * {"status", "body"}, for the operations that recorded executions need. An
 * execution is played to its end when it is started (support/player.h). A task is
 * asked back on stdout, {"task": {...}}, and answered by one line on stdin:
 * {"ok", "output"?, "error"?, "cause"?, "seconds"?}, where seconds is how long it
 * took on the virtual clock.
 */
#include "asl/compile.h"
#include "base/uuid.h"
#include "support/player.h"

#include <stdio.h>
#include <stdlib.h>

#define CLOCK_START_MS INT64_C(1780000000000) /* test_asl.py knows it as PLAYER_NOW */

enum {
    MACHINES_MAX = 64,
    EXECUTIONS_MAX = 64,
    VIRTUAL_SECONDS_MAX = 100000, /* what waits longer is left RUNNING */
};

struct player_machine {
    struct str name, arn, definition;
    const struct machine *machine;
};

static struct arena *arena;
static struct player_machine machines[MACHINES_MAX];
static size_t machine_count;
static struct player *executions[EXECUTIONS_MAX];
static struct str inputs[EXECUTIONS_MAX];
static size_t execution_count;

static void fatal(const char *what, const char *message)
{
    fprintf(stderr, "asl_player: %s: %s\n", what, message);
    exit(1);
}

static struct str read_line(void)
{
    static char *line;
    static size_t capacity;
    ssize_t len = getline(&line, &capacity, stdin);
    return len < 0 ? (struct str){0} : arena_str(arena, str_of(line, (size_t)len));
}

static void write_line(struct json v)
{
    struct buf b = BUF_INIT(0);
    json_write(&b, v);
    buf_append_char(&b, '\n');
    fwrite(b.ptr, 1, b.len, stdout);
    fflush(stdout);
    buf_release(&b);
}

static struct str get(struct json object, const char *name)
{
    return json_str(json_get(object, str_of_cstr(name)));
}

static void add(struct json_object_builder *b, const char *name, struct json value)
{
    json_object_add(b, str_of_cstr(name), value);
}

static void add_time(struct json_object_builder *b, const char *name, struct wall_ms at)
{
    add(b, name, json_double((double)at.ms / 1000));
}

static struct json parse(struct str text)
{
    struct json value;
    struct err err;
    if (!json_parse(arena, text, (struct json_limits){0}, JSON_DUPLICATES_LAST, &value, &err))
        fatal("json", err.message);
    return value;
}

/* ---- playing ---- */

static struct player_answer ask_task(void *arg, const struct flow_effect *effect)
{
    (void)arg;
    struct json_object_builder b = json_object_builder(arena), outer = json_object_builder(arena);
    add(&b, "resource", json_string(effect->resource->text));
    add(&b, "function", json_string(effect->function));
    add(&b, "payload", effect->payload);
    add(&outer, "task", json_object_done(&b));
    write_line(json_object_done(&outer));
    struct json answer = parse(read_line());
    struct json error = json_get(answer, STR("error")), cause = json_get(answer, STR("cause"));
    return (struct player_answer){
        .ok = json_is_true(json_get(answer, STR("ok"))),
        .ms = (int64_t)(json_to_double(json_get(answer, STR("seconds"))) * 1000),
        .output = json_get(answer, STR("output")),
        .has_error = json_is_string(error),
        .error = json_str(error),
        .has_cause = json_is_string(cause),
        .cause = json_str(cause),
    };
}

/* ---- operations ---- */

static struct json failed(const char *code, struct str message)
{
    struct json_object_builder b = json_object_builder(arena), outer = json_object_builder(arena);
    add(&b, "__type", json_string(str_of_cstr(code)));
    add(&b, "message", json_string(message));
    add(&outer, "status", json_int(400));
    add(&outer, "body", json_object_done(&b));
    return json_object_done(&outer);
}

static struct json succeeded(struct json body)
{
    struct json_object_builder outer = json_object_builder(arena);
    add(&outer, "status", json_int(200));
    add(&outer, "body", body);
    return json_object_done(&outer);
}

static struct json create_machine(struct json request)
{
    struct diag_list diags = diag_list(arena);
    struct err syntax;
    struct player_machine *m = &machines[machine_count];
    *m = (struct player_machine){.name = get(request, "name"),
                                 .definition = get(request, "definition")};
    if (machine_count + 1 == MACHINES_MAX)
        fatal("machines", "too many");
    if (!asl_compile(arena, m->definition, &diags, &m->machine, &syntax))
        return failed("InvalidDefinition",
                      diags.count ? diags.items[0].message : str_of_cstr(syntax.message));
    machine_count++;
    m->arn = arena_printf(arena, "arn:aws:states:us-east-1:000000000000:stateMachine:" STR_FMT,
                          STR_ARG(m->name));
    struct json_object_builder b = json_object_builder(arena);
    add(&b, "stateMachineArn", json_string(m->arn));
    add_time(&b, "creationDate", (struct wall_ms){CLOCK_START_MS});
    return succeeded(json_object_done(&b));
}

static struct player_machine *find_machine(struct str arn)
{
    for (size_t i = 0; i < machine_count; i++)
        if (str_eq(machines[i].arn, arn))
            return &machines[i];
    return NULL;
}

/* Its place in `executions`, or SIZE_MAX. */
static size_t find_execution(struct json request)
{
    struct str arn = get(request, "executionArn");
    for (size_t i = 0; i < execution_count; i++)
        if (str_eq(executions[i]->who.execution_arn, arn))
            return i;
    return SIZE_MAX;
}

static struct json start_execution(struct json request)
{
    struct player_machine *m = find_machine(get(request, "stateMachineArn"));
    if (!m || execution_count == EXECUTIONS_MAX)
        return failed("StateMachineDoesNotExist", STR("State Machine Does Not Exist"));
    struct rng rng = rng_seeded(execution_count);
    char id[UUID_TEXT_LEN];
    uuid_format(uuid_v4(&rng), id);
    struct str name = get(request, "name");
    if (!name.len)
        name = str_of(id, sizeof(id));
    struct str input = get(request, "input");
    if (!input.len)
        input = STR("{}");
    struct player *p = player_new(m->machine, m->name, name, flow_limits_aws(),
                                  (struct wall_ms){CLOCK_START_MS}, ask_task, NULL);
    inputs[execution_count] = input;
    executions[execution_count++] = p;
    player_start(p, parse(input));
    player_play(p, VIRTUAL_SECONDS_MAX);
    if (p->problem)
        fatal("journal", p->problem);
    struct json_object_builder b = json_object_builder(arena);
    add(&b, "executionArn", json_string(p->who.execution_arn));
    add_time(&b, "startDate", run_started_at(p->live));
    return succeeded(json_object_done(&b));
}

static struct json describe_execution(struct json request)
{
    static const char *const names[] = {"RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"};
    size_t at = find_execution(request);
    if (at == SIZE_MAX)
        return failed("ExecutionDoesNotExist", STR("Execution Does Not Exist"));
    struct player *x = executions[at];
    struct json_object_builder b = json_object_builder(arena),
                               included = json_object_builder(arena);
    add(&included, "included", json_bool(true));
    add(&b, "executionArn", json_string(x->who.execution_arn));
    add(&b, "stateMachineArn", json_string(x->who.machine_arn));
    add(&b, "name", json_string(x->who.name));
    add(&b, "status", json_string(str_of_cstr(names[run_status(x->live)])));
    add_time(&b, "startDate", run_started_at(x->live));
    add(&b, "redriveCount", json_int(0));
    add(&b, "redriveStatus", json_string(STR("REDRIVABLE")));
    add(&b, "input", json_string(inputs[at]));
    add(&b, "inputDetails", json_object_done(&included));
    struct str text;
    if (run_status(x->live) != FLOW_RUNNING)
        add_time(&b, "stopDate", run_stopped_at(x->live));
    if (run_status(x->live) == FLOW_SUCCEEDED) {
        add(&b, "output", json_string(json_text(arena, run_output(x->live))));
        add(&b, "outputDetails", json_object_done(&included));
    }
    if (run_error(x->live, &text))
        add(&b, "error", json_string(text));
    if (run_cause(x->live, &text))
        add(&b, "cause", json_string(text));
    return succeeded(json_object_done(&b));
}

static struct json get_history(struct json request)
{
    size_t at = find_execution(request);
    if (at == SIZE_MAX)
        return failed("ExecutionDoesNotExist", STR("Execution Does Not Exist"));
    struct player *x = executions[at];
    struct json_object_builder b = json_object_builder(arena);
    add(&b, "events", json_array_done(&x->history));
    return succeeded(json_object_done(&b));
}

static struct json stop_execution(struct json request)
{
    size_t at = find_execution(request);
    if (at == SIZE_MAX)
        return failed("ExecutionDoesNotExist", STR("Execution Does Not Exist"));
    struct player *x = executions[at];
    player_stop(x, get(request, "error"), get(request, "cause"));
    return succeeded(json_object(NULL, 0));
}

static struct json answer(struct json line)
{
    struct str op = get(line, "op");
    struct json request = json_get(line, STR("request"));
    if (str_eq(op, STR("CreateStateMachine")))
        return create_machine(request);
    if (str_eq(op, STR("StartExecution")))
        return start_execution(request);
    if (str_eq(op, STR("DescribeExecution")))
        return describe_execution(request);
    if (str_eq(op, STR("GetExecutionHistory")))
        return get_history(request);
    if (str_eq(op, STR("StopExecution")))
        return stop_execution(request);
    if (str_eq(op, STR("DeleteStateMachine")))
        return succeeded(json_object(NULL, 0));
    return failed("UnknownOperation", op);
}

int main(void)
{
    arena = arena_new(0);
    for (struct str line; (line = read_line()).ptr;)
        write_line(answer(parse(line)));
    for (size_t i = 0; i < execution_count; i++)
        player_free(executions[i]);
    arena_free(arena);
    return 0;
}
