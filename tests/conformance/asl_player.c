/* Plays state machines in this process under virtual time, for test_asl.py.
 *
 * Reads one request a line, {"op", "request"}, answers one line,
 * {"status", "body"}, for the operations that recorded executions need. An
 * execution is played to its end when it is started: waits and retries advance
 * a virtual clock. A task is asked back on stdout, {"task": {...}}, and answered
 * by one line on stdin: {"ok", "output"? , "error"?, "cause"?, "seconds"?}, where
 * seconds is how long it took on that clock.
 *
 * Every turn goes through the journal as well: it is encoded, decoded and folded
 * into a second run, which must then be equal to the live one.
 */
#include "asl/compile.h"
#include "base/uuid.h"
#include "journal/journal.h"

#include <stdio.h>
#include <stdlib.h>

#define CLOCK_START_MS INT64_C(1780000000000) /* test_asl.py knows it as PLAYER_NOW */

enum {
    MACHINES_MAX = 64,
    EXECUTIONS_MAX = 64,
    TASKS_MAX = 256,
    TURNS_MAX = 100000,
    VIRTUAL_SECONDS_MAX = 100000, /* what waits longer is left RUNNING */
};

struct pending_task {
    uint32_t step, attempt;
    int64_t due_ms;
    struct json answer;
};

struct player_machine {
    struct str name, arn, definition;
    const struct machine *machine;
};

struct player_execution {
    struct flow_identity who;
    struct player_machine *machine;
    struct run *run, *mirror;
    struct journal_reader *reader;
    struct json_array_builder history;
    struct str input;
    struct wall_ms now;
    struct pending_task tasks[TASKS_MAX];
    size_t task_count;
};

static struct arena *arena;
static struct player_machine machines[MACHINES_MAX];
static size_t machine_count;
static struct player_execution executions[EXECUTIONS_MAX];
static size_t execution_count;
static const uint8_t secret[32] = "a secret of thirty-two bytes....";

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

static void ask_task(struct player_execution *x, const struct flow_effect *effect)
{
    if (x->task_count == TASKS_MAX)
        fatal("tasks", "too many at once");
    struct json_object_builder b = json_object_builder(arena), outer = json_object_builder(arena);
    add(&b, "resource", json_string(effect->resource->text));
    add(&b, "function", json_string(effect->function));
    add(&b, "payload", effect->payload);
    add(&outer, "task", json_object_done(&b));
    write_line(json_object_done(&outer));
    struct json answer = parse(read_line());
    double seconds = json_to_double(json_get(answer, STR("seconds")));
    x->tasks[x->task_count++] = (struct pending_task){
        effect->step, effect->attempt, x->now.ms + (int64_t)(seconds * 1000), answer};
}

static void cancel_task(struct player_execution *x, const struct flow_effect *effect)
{
    for (size_t i = 0; i < x->task_count; i++)
        if (x->tasks[i].step == effect->step && x->tasks[i].attempt == effect->attempt)
            x->tasks[i--] = x->tasks[--x->task_count];
}

static void check_mirror(struct player_execution *x)
{
    struct buf live = BUF_INIT(0), folded = BUF_INIT(0);
    run_dump(x->run, &live);
    run_dump(x->mirror, &folded);
    if (!str_eq(buf_str(&live), buf_str(&folded))) {
        fprintf(stderr, "live:\n%.*s\nfolded:\n%.*s\n", STR_ARG(buf_str(&live)),
                STR_ARG(buf_str(&folded)));
        fatal("journal", "the fold differs from the live run");
    }
    buf_release(&live);
    buf_release(&folded);
}

static void journal_turn_of(struct player_execution *x, const struct flow_turn *turn,
                            enum flow_cause cause)
{
    struct buf body = BUF_INIT(0);
    journal_encode(turn, &body);
    struct journal_row row = {
        .turn = turn->number,
        .rules_version = FLOW_RULES_VERSION,
        .cause = (uint8_t)cause,
        .at = turn->at,
        .body = buf_str(&body),
        .checksum = checksum64(buf_str(&body)),
    };
    struct journal_turn decoded;
    struct err err;
    if (!journal_fold(x->reader, &row, x->mirror, &decoded, &err))
        fatal("journal", err.message);
    buf_release(&body);
    check_mirror(x);
    for (size_t i = 0; i < decoded.count; i++) {
        struct json event = history_event(arena, x->mirror, &decoded.events[i], turn->at, true);
        if (!json_is_absent(event))
            json_array_add(&x->history, event);
    }
}

static void take_turn(struct player_execution *x, struct flow_input input)
{
    for (;;) {
        struct flow_turn turn;
        struct arena *scratch = arena_new(0);
        input.now = x->now;
        input.seed = (uint64_t)run_turns(x->run) + 1;
        flow_turn(x->run, &input, scratch, &turn);
        if (turn.accepted)
            journal_turn_of(x, &turn, input.why);
        for (size_t i = 0; i < turn.effect_count; i++) {
            if (turn.effects[i].kind == FLOW_TASK_START)
                ask_task(x, &turn.effects[i]);
            else if (turn.effects[i].kind == FLOW_TASK_CANCEL)
                cancel_task(x, &turn.effects[i]);
        }
        bool more = turn.more;
        arena_free(scratch);
        if (!more || run_turns(x->run) > TURNS_MAX)
            return;
        input = (struct flow_input){.why = FLOW_CONTINUE};
    }
}

static void answer_task(struct player_execution *x, size_t i)
{
    struct pending_task task = x->tasks[i];
    x->tasks[i] = x->tasks[--x->task_count];
    struct json error = json_get(task.answer, STR("error"));
    struct json cause = json_get(task.answer, STR("cause"));
    take_turn(x, (struct flow_input){
                     .why = FLOW_TASK_RESULT,
                     .value = json_get(task.answer, STR("output")),
                     .step = task.step,
                     .attempt = task.attempt,
                     .ok = json_is_true(json_get(task.answer, STR("ok"))),
                     .has_error = json_is_string(error),
                     .error = json_str(error),
                     .has_cause = json_is_string(cause),
                     .cause = json_str(cause),
                 });
}

static void play(struct player_execution *x)
{
    int64_t start = x->now.ms;
    while (run_status(x->run) == FLOW_RUNNING) {
        int64_t wake = flow_wake(x->run).ms;
        size_t soonest = SIZE_MAX;
        for (size_t i = 0; i < x->task_count; i++)
            if (soonest == SIZE_MAX || x->tasks[i].due_ms < x->tasks[soonest].due_ms)
                soonest = i;
        int64_t due = soonest == SIZE_MAX ? INT64_MAX : x->tasks[soonest].due_ms;
        if (wake && wake < due)
            due = wake;
        else if (soonest == SIZE_MAX)
            return;
        if (due - start > (int64_t)VIRTUAL_SECONDS_MAX * 1000)
            return;
        x->now.ms = due > x->now.ms ? due : x->now.ms;
        if (due == wake)
            take_turn(x, (struct flow_input){.why = FLOW_WAKE});
        else
            answer_task(x, soonest);
    }
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

static struct player_execution *find_execution(struct str arn)
{
    for (size_t i = 0; i < execution_count; i++)
        if (str_eq(executions[i].who.execution_arn, arn))
            return &executions[i];
    return NULL;
}

static struct json start_execution(struct json request)
{
    struct player_machine *m = find_machine(get(request, "stateMachineArn"));
    if (!m || execution_count + 1 == EXECUTIONS_MAX)
        return failed("StateMachineDoesNotExist", STR("State Machine Does Not Exist"));
    struct player_execution *x = &executions[execution_count++];
    struct rng rng = rng_seeded(execution_count);
    char id[UUID_TEXT_LEN];
    uuid_format(uuid_v4(&rng), id);
    struct str name = get(request, "name");
    if (!name.len)
        name = arena_str(arena, str_of(id, sizeof(id)));
    x->machine = m;
    x->now.ms = CLOCK_START_MS;
    x->who = (struct flow_identity){
        .key = (int64_t)execution_count,
        .execution_arn = arena_printf(
            arena, "arn:aws:states:us-east-1:000000000000:execution:" STR_FMT ":" STR_FMT,
            STR_ARG(m->name), STR_ARG(name)),
        .name = name,
        .machine_arn = m->arn,
        .machine_name = m->name,
        .role_arn = STR("arn:aws:iam::000000000000:role/conformance"),
        .region = STR("us-east-1"),
        .account = STR("000000000000"),
        .secret = secret,
    };
    struct flow_limits limits = flow_limits_aws();
    x->run = run_new(m->machine, &x->who, &limits);
    x->mirror = run_new(m->machine, &x->who, &limits);
    x->reader = journal_reader_new(arena);
    x->history = json_array_builder(arena);
    x->input = json_is_absent(json_get(request, STR("input"))) ? STR("{}") : get(request, "input");
    take_turn(x, (struct flow_input){.why = FLOW_START, .value = parse(x->input)});
    play(x);
    struct json_object_builder b = json_object_builder(arena);
    add(&b, "executionArn", json_string(x->who.execution_arn));
    add_time(&b, "startDate", run_started_at(x->run));
    return succeeded(json_object_done(&b));
}

static struct json describe_execution(struct json request)
{
    static const char *const names[] = {"RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"};
    struct player_execution *x = find_execution(get(request, "executionArn"));
    if (!x)
        return failed("ExecutionDoesNotExist", STR("Execution Does Not Exist"));
    struct json_object_builder b = json_object_builder(arena),
                               included = json_object_builder(arena);
    add(&included, "included", json_bool(true));
    add(&b, "executionArn", json_string(x->who.execution_arn));
    add(&b, "stateMachineArn", json_string(x->who.machine_arn));
    add(&b, "name", json_string(x->who.name));
    add(&b, "status", json_string(str_of_cstr(names[run_status(x->run)])));
    add_time(&b, "startDate", run_started_at(x->run));
    add(&b, "redriveCount", json_int(0));
    add(&b, "redriveStatus", json_string(STR("REDRIVABLE")));
    add(&b, "input", json_string(x->input));
    add(&b, "inputDetails", json_object_done(&included));
    struct str text;
    if (run_status(x->run) != FLOW_RUNNING)
        add_time(&b, "stopDate", run_stopped_at(x->run));
    if (run_status(x->run) == FLOW_SUCCEEDED) {
        add(&b, "output", json_string(json_text(arena, run_output(x->run))));
        add(&b, "outputDetails", json_object_done(&included));
    }
    if (run_error(x->run, &text))
        add(&b, "error", json_string(text));
    if (run_cause(x->run, &text))
        add(&b, "cause", json_string(text));
    return succeeded(json_object_done(&b));
}

static struct json get_history(struct json request)
{
    struct player_execution *x = find_execution(get(request, "executionArn"));
    if (!x)
        return failed("ExecutionDoesNotExist", STR("Execution Does Not Exist"));
    struct json_object_builder b = json_object_builder(arena);
    add(&b, "events", json_array_done(&x->history));
    return succeeded(json_object_done(&b));
}

static struct json stop_execution(struct json request)
{
    struct player_execution *x = find_execution(get(request, "executionArn"));
    if (!x)
        return failed("ExecutionDoesNotExist", STR("Execution Does Not Exist"));
    take_turn(x, (struct flow_input){.why = FLOW_STOP});
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
    for (size_t i = 0; i < execution_count; i++) {
        run_free(executions[i].run);
        run_free(executions[i].mirror);
    }
    arena_free(arena);
    return 0;
}
