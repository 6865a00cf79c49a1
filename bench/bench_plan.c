/* Planning: how long a recovery takes to be planned, of an execution with 10,000 steps.
 *
 * Three executions are played in memory and fail in their last step: a loop, a Map whose
 * items are tasks side by side, and a chain of tasks. What is measured is plan_make, from
 * the story as a server has it folded: the copy of the run, the look ahead, the rows. Then
 * all is done again from the first step, so that every step was run again, and it is measured
 * once more, and steps_stale alone. A figure is the median of RUNS. `--steps N`: another size.
 */
#include "asl/compile.h"
#include "os/clock.h"
#include "recovery/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    RUNS = 11,
    STEPS_DEFAULT = 10000,
};

static const uint8_t secret[32];

static const struct flow_identity identity = {
    .key = 1,
    .execution_arn = STR_INIT("arn:aws:states:us-east-1:000000000000:execution:m:x"),
    .name = STR_INIT("x"),
    .machine_arn = STR_INIT("arn:aws:states:us-east-1:000000000000:stateMachine:m"),
    .machine_name = STR_INIT("m"),
    .region = STR_INIT("us-east-1"),
    .account = STR_INIT("000000000000"),
    .secret = secret,
};

/* An execution on its way into a story. */
struct play {
    struct arena *arena;
    const struct machine *machine;
    struct flow_limits limits;
    struct run *live, *told;
    struct journal_reader *reader;
    struct journal_turn *turns;
    size_t turn_count, turn_capacity;
    struct step_list steps;
    int64_t now_ms;
    struct flow_input *due; /* answers to tasks */
    size_t due_count, due_capacity, due_at;
};

static const struct machine *compile(struct arena *a, struct str definition)
{
    struct diag_list diags = diag_list(a);
    const struct machine *machine;
    struct err err;
    if (!asl_compile(a, definition, &diags, &machine, &err))
        panic(__FILE__, __LINE__, err.message);
    return machine;
}

static void tell(struct play *p, const struct flow_turn *turn, enum flow_cause why)
{
    struct buf body = BUF_INIT(0);
    struct err err;
    journal_encode(turn, &body);
    struct journal_row row = {
        .turn = turn->number,
        .rules_version = FLOW_RULES_VERSION,
        .cause = (uint8_t)why,
        .at = turn->at,
        .body = buf_str(&body),
        .checksum = checksum64(buf_str(&body)),
    };
    p->turns = arena_grow(p->arena, p->turns, p->turn_count, &p->turn_capacity, sizeof(*p->turns));
    struct journal_turn *told = &p->turns[p->turn_count++];
    if (!journal_fold(p->reader, &row, p->told, told, &err))
        panic(__FILE__, __LINE__, err.message);
    steps_apply(&p->steps, p->arena, p->told, told->events, told->count, told->at);
    buf_release(&body);
}

/* The task named `last` fails, all others go well. */
static void answer(struct play *p, const struct flow_effect *task)
{
    bool fails = str_eq(task->function, STR("last"));
    p->due = arena_grow(p->arena, p->due, p->due_count, &p->due_capacity, sizeof(*p->due));
    p->due[p->due_count++] = (struct flow_input){
        .why = FLOW_TASK_RESULT,
        .step = task->step,
        .attempt = task->attempt,
        .ok = !fails,
        .value = json_int(1),
        .has_error = fails,
        .error = STR("Boom"),
    };
}

static void take(struct play *p, struct flow_input input)
{
    struct flow_turn turn;
    do {
        struct arena *a = arena_new(0);
        input.now.ms = ++p->now_ms;
        flow_turn(p->live, &input, a, &turn);
        if (turn.accepted)
            tell(p, &turn, input.why);
        for (size_t i = 0; i < turn.effect_count; i++)
            if (turn.effects[i].kind == FLOW_TASK_START)
                answer(p, &turn.effects[i]);
        arena_free(a);
        input = (struct flow_input){.why = FLOW_CONTINUE};
    } while (turn.more);
}

static void play_on(struct play *p, struct flow_input input)
{
    take(p, input);
    while (p->due_at < p->due_count)
        take(p, p->due[p->due_at++]);
}

static struct play *play(struct str definition, struct json input)
{
    struct arena *a = arena_new(0);
    struct play *p = ARENA_NEW(a, struct play);
    *p = (struct play){
        .arena = a,
        .machine = compile(a, definition),
        .limits = flow_limits_default(),
        .reader = journal_reader_new(a),
        .now_ms = 1700000000000,
    };
    p->live = run_new(p->machine, &identity, &p->limits);
    p->told = run_new(p->machine, &identity, &p->limits);
    play_on(p, (struct flow_input){.why = FLOW_START, .value = input});
    return p;
}

static void play_free(struct play *p)
{
    run_free(p->live);
    run_free(p->told);
    arena_free(p->arena);
}

/* ---- executions of so many steps ---- */

#define TASK(function)                                                                             \
    "{\"Type\":\"Task\",\"Resource\":\"arn:aws:lambda:us-east-1:000000000000:function:" function   \
    "\","

static struct play *play_loop(long steps)
{
    struct buf text = BUF_INIT(0);
    buf_printf(
        &text,
        "{\"StartAt\":\"Zero\",\"States\":{\"Zero\":{\"Type\":\"Pass\",\"Assign\":{\"n\":0},"
        "\"Next\":\"Work\"},\"Work\":" TASK(
            "f") "\"Assign\":{\"n\":\"{%% $n + 1 %%}\"},"
                 "\"QueryLanguage\":\"JSONata\",\"Next\":\"More\"},\"More\":{\"Type\":\"Choice\","
                 "\"Choices\":[{\"Variable\":\"$n\",\"NumericLessThan\":%ld,\"Next\":\"Work\"}],"
                 "\"Default\":\"Last\"},\"Last\":" TASK("last") "\"End\":true}}}",
        (steps - 2) / 2);
    struct play *p = play(buf_str(&text), json_object(NULL, 0));
    buf_release(&text);
    return p;
}

static struct play *play_map(long steps)
{
    struct arena *a = arena_new(0);
    struct json_array_builder items = json_array_builder(a);
    for (long i = 0; i < steps - 2; i++)
        json_array_add(&items, json_int(i));
    struct play *p = play(
        STR("{\"StartAt\":\"Each\",\"States\":{\"Each\":{\"Type\":\"Map\","
            "\"ItemProcessor\":{\"StartAt\":\"Work\",\"States\":{\"Work\":" TASK(
                "f") "\"End\":true}}},\"Next\":\"Last\"},\"Last\":" TASK("last") "\"End\":true}}}"),
        json_array_done(&items));
    arena_free(a);
    return p;
}

static struct play *play_chain(long steps)
{
    struct buf text = BUF_INIT(0);
    buf_append(&text, STR("{\"StartAt\":\"S1\",\"States\":{"));
    for (long i = 1; i < steps - 1; i++)
        buf_printf(&text, "\"S%ld\":" TASK("f") "\"Next\":\"S%ld\"},", i, i + 1);
    buf_printf(&text, "\"S%ld\":" TASK("f") "\"Next\":\"Last\"},", steps - 1);
    buf_append(&text, STR("\"Last\":" TASK("last") "\"End\":true}}}"));
    struct play *p = play(buf_str(&text), json_object(NULL, 0));
    buf_release(&text);
    return p;
}

/* ---- measuring ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of the wall, and of the processor, which other work on the machine does not lengthen. */
struct figures {
    double wall_ms[RUNS], cpu_ms[RUNS];
    size_t rows;
};

static struct plan plan_of(struct play *p, const struct recovery_request *request, struct arena *a)
{
    struct recovery_story story = {
        .machine = p->machine,
        .run = p->told,
        .turns = p->turns,
        .turn_count = p->turn_count,
        .steps = &p->steps,
        .limits = &p->limits,
        .now = {p->now_ms},
    };
    struct plan plan;
    struct err err;
    if (!plan_make(&story, request, a, &plan, &err) || !plan_feasible(&plan, &err))
        panic(__FILE__, __LINE__, err.message);
    return plan;
}

/* NULL: only what is stale is asked. */
static void measure_once(struct play *p, const struct recovery_request *request, int run,
                         struct figures *f)
{
    struct arena *a = arena_new(0);
    bool *stale = ARENA_ARRAY(a, bool, p->steps.count);
    uint64_t begin = clock_mono().ns;
    clock_t busy = clock();
    f->rows = p->steps.count;
    if (request)
        f->rows = plan_of(p, request, a).count;
    else
        steps_stale(&p->steps, stale);
    f->cpu_ms[run] = (double)(clock() - busy) * 1e3 / CLOCKS_PER_SEC;
    f->wall_ms[run] = (double)(clock_mono().ns - begin) / 1e6;
    arena_free(a);
}

static void measure(const char *what, const char *asked, struct play *p,
                    const struct recovery_request *request)
{
    struct figures f;
    measure_once(p, request, 0, &f); /* to warm up */
    for (int i = 0; i < RUNS; i++)
        measure_once(p, request, i, &f);
    qsort(f.wall_ms, RUNS, sizeof(double), by_value);
    qsort(f.cpu_ms, RUNS, sizeof(double), by_value);
    printf(
        "{\"workload\":\"plan\",\"execution\":\"%s\",\"asked\":\"%s\",\"steps\":%zu,\"rows\":%zu,"
        "\"turns\":%zu,\"plan_ms\":%.2f,\"worst_ms\":%.2f,\"cpu_ms\":%.2f}\n",
        what, asked, p->steps.count, f.rows, p->turn_count, f.wall_ms[RUNS / 2],
        f.wall_ms[RUNS - 1], f.cpu_ms[RUNS / 2]);
    fflush(stdout);
}

static const struct {
    const char *asked;
    struct recovery_request request;
} requests[] = {
    {"resume", {.kind = RECOVERY_RESUME}},
    {"--from-step 1", {.kind = RECOVERY_RESUME, .from = STR_INIT("1")}},
    {"--skip-steps 1-HALF", {.kind = RECOVERY_RESUME}}, /* `skip` is filled in */
    {"rerun of the last", {.kind = RECOVERY_RERUN, .step = STR_INIT("Last")}},
    {"rerun of the first, --cascade",
     {.kind = RECOVERY_RERUN, .step = STR_INIT("1"), .cascade = true}},
};

static void measure_requests(const char *what, struct play *p)
{
    struct arena *a = arena_new(0);
    struct str half = arena_printf(a, "1-%zu", p->steps.count / 2);
    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        struct recovery_request request = requests[i].request;
        if (strstr(requests[i].asked, "HALF"))
            request.skip = half;
        measure(what, requests[i].asked, p, &request);
    }
    measure(what, "what is stale", p, NULL);
    arena_free(a);
}

static void measure_all(const char *what, struct play *p)
{
    struct arena *a = arena_new(0);
    measure_requests(what, p);
    struct plan again = plan_of(p, &requests[1].request, a);
    play_on(p, (struct flow_input){.why = FLOW_RECOVER, .recovery = &again.recovery});
    measure_requests(arena_cstr(a, arena_printf(a, "%s, run again", what)), p);
    arena_free(a);
    play_free(p);
}

int main(int argc, char **argv)
{
    long steps = STEPS_DEFAULT;
    if (argc == 3 && strcmp(argv[1], "--steps") == 0)
        steps = strtol(argv[2], NULL, 10);
    if (steps < 10 || steps > 1000000) {
        fputs("usage: bench_plan [--steps N], N from 10\n", stderr);
        return 2;
    }
    measure_all("loop", play_loop(steps));
    measure_all("chain", play_chain(steps));
    measure_all("map", play_map(steps));
    return 0;
}
