/* Steps as the view of a journal: real runs, their turns written and read back, and
 * the same steps from the live events and from the folded ones. */
#include "asl/compile.h"
#include "journal/journal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>

enum {
    TASKS_MAX = 16
};

static const uint8_t secret[32];

static const struct flow_identity identity = {
    .execution_arn = STR_INIT("arn:aws:states:us-east-1:000000000000:execution:m:x"),
    .name = STR_INIT("x"),
    .machine_arn = STR_INIT("arn:aws:states:us-east-1:000000000000:stateMachine:m"),
    .machine_name = STR_INIT("m"),
    .region = STR_INIT("us-east-1"),
    .account = STR_INIT("000000000000"),
    .secret = secret,
};

/* A run with the run that its journal folds to. */
struct fixture {
    struct arena *arena;
    struct run *live, *folded;
    struct journal_reader *reader;
    struct step_list live_steps, folded_steps;
    struct wall_ms now;
    struct {
        struct str state;
        uint32_t step, attempt;
    } tasks[TASKS_MAX];
    size_t task_count;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    f->arena = arena_new(0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    run_free(f->live);
    run_free(f->folded);
    arena_free(f->arena);
    free(f);
    return 0;
}

/* ---- driving ---- */

static void remember_tasks(struct fixture *f, const struct flow_turn *turn)
{
    for (size_t i = 0; i < turn->effect_count; i++) {
        const struct flow_effect *e = &turn->effects[i];
        if (e->kind != FLOW_TASK_START)
            continue;
        assert_true(f->task_count < TASKS_MAX);
        f->tasks[f->task_count].state = e->state->name;
        f->tasks[f->task_count].step = e->step;
        f->tasks[f->task_count++].attempt = e->attempt;
    }
}

static void fold(struct fixture *f, const struct flow_turn *live, enum flow_cause why)
{
    struct buf body = BUF_INIT(0);
    journal_encode(live, &body);
    struct journal_row row = {
        .turn = live->number,
        .rules_version = FLOW_RULES_VERSION,
        .cause = (uint8_t)why,
        .at = live->at,
        .body = buf_str(&body),
        .checksum = checksum64(buf_str(&body)),
    };
    struct journal_turn turn;
    struct err err;
    if (!journal_fold(f->reader, &row, f->folded, &turn, &err))
        fail_msg("%s", err.message);
    steps_apply(&f->folded_steps, f->arena, f->folded, turn.events, turn.count, turn.at);
    buf_release(&body);
}

static void assert_same_run(const struct run *live, const struct run *folded)
{
    struct buf a = BUF_INIT(0), b = BUF_INIT(0);
    run_dump(live, &a);
    run_dump(folded, &b);
    assert_string_equal(buf_cstr(&a), buf_cstr(&b));
    buf_release(&a);
    buf_release(&b);
}

static void turn(struct fixture *f, struct flow_input input)
{
    struct flow_turn turn;
    input.now = f->now;
    do {
        struct arena *work = arena_new(0);
        flow_turn(f->live, &input, work, &turn);
        assert_true(turn.accepted);
        fold(f, &turn, input.why);
        assert_same_run(f->live, f->folded);
        steps_apply(&f->live_steps, f->arena, f->live, turn.events, turn.event_count, turn.at);
        remember_tasks(f, &turn);
        arena_free(work); /* what the list keeps must not lie there */
        input = (struct flow_input){.why = FLOW_CONTINUE, .now = f->now};
    } while (turn.more);
}

static struct json parse(struct fixture *f, const char *text)
{
    struct json value;
    struct err err;
    if (!json_parse(f->arena, str_of_cstr(text), (struct json_limits){0}, JSON_DUPLICATES_REFUSE,
                    &value, &err))
        fail_msg("%s", err.message);
    return value;
}

static void start(struct fixture *f, const char *definition, const char *input)
{
    const struct machine *machine;
    struct err syntax;
    struct flow_limits limits = flow_limits_default();
    struct diag_list diags = diag_list(f->arena);
    if (!asl_compile(f->arena, str_of_cstr(definition), &diags, &machine, &syntax))
        fail_msg(STR_FMT, STR_ARG(diags.items[0].message));
    f->live = run_new(machine, &identity, &limits);
    f->folded = run_new(machine, &identity, &limits);
    f->reader = journal_reader_new(run_arena(f->folded));
    f->now.ms = 1000;
    turn(f, (struct flow_input){.why = FLOW_START, .value = parse(f, input)});
}

/* Answers the oldest task of a state. error NULL: it went well. */
static void answer(struct fixture *f, const char *state, const char *result, const char *error)
{
    size_t i = 0;
    while (i < f->task_count && !str_eq(f->tasks[i].state, str_of_cstr(state)))
        i++;
    assert_true(i < f->task_count);
    struct flow_input input = {
        .why = FLOW_TASK_RESULT,
        .step = f->tasks[i].step,
        .attempt = f->tasks[i].attempt,
        .ok = !error,
        .value = parse(f, result),
        .log = parse(f, error ? "{\"exit\":1}" : "{\"exit\":0}"),
        .has_error = error != NULL,
        .error = str_of_cstr(error),
    };
    f->task_count--;
    memmove(&f->tasks[i], &f->tasks[i + 1], (f->task_count - i) * sizeof(f->tasks[0]));
    f->now.ms += 10;
    turn(f, input);
}

static void wake(struct fixture *f, int64_t later_ms)
{
    f->now.ms += later_ms;
    turn(f, (struct flow_input){.why = FLOW_WAKE});
}

/* ---- looking ---- */

static void dump_end(struct buf *b, enum step_status status, struct wall_ms started,
                     struct wall_ms stopped)
{
    buf_printf(b, "%s %lld-", step_status_name(status), (long long)started.ms);
    if (stopped.ms)
        buf_append_int(b, stopped.ms);
}

static void dump_error(struct buf *b, bool has_error, struct str error)
{
    if (has_error)
        buf_printf(b, " " STR_FMT, STR_ARG(error));
}

static void dump_step(struct buf *b, const struct step *s)
{
    buf_printf(b, "%u " STR_FMT " ", s->index, STR_ARG(s->path));
    dump_end(b, s->status, s->started_at, s->stopped_at);
    dump_error(b, s->has_error, s->error);
    if (s->children_total)
        buf_printf(b, " %lld/%lld", (long long)s->children_done, (long long)s->children_total);
    buf_append(b, STR(" "));
    json_write(b, s->input);
    if (!json_is_absent(s->output)) {
        buf_append(b, STR(" -> "));
        json_write(b, s->output);
    }
    for (size_t i = 0; i < s->attempt_count; i++) {
        const struct step_attempt *a = &s->attempts[i];
        buf_printf(b, "\n  %u ", a->number);
        dump_end(b, a->status, a->started_at, a->stopped_at);
        dump_error(b, a->has_error, a->error);
        if (!json_is_absent(a->log)) {
            buf_append_char(b, ' ');
            json_write(b, a->log);
        }
    }
    buf_append_char(b, '\n');
}

static void assert_list(const struct step_list *list, const char *expected)
{
    struct buf b = BUF_INIT(0);
    for (size_t i = 0; i < list->count; i++)
        dump_step(&b, &list->items[i]);
    assert_string_equal(buf_cstr(&b), expected);
    buf_release(&b);
}

static void assert_steps(const struct fixture *f, const char *expected)
{
    assert_list(&f->live_steps, expected);
    assert_list(&f->folded_steps, expected);
}

#define TASK "\"Type\":\"Task\",\"Resource\":\"arn:aws:lambda:us-east-1:000000000000:function:f\""

/* ---- one thing after the other ---- */

static const char chain[] = "{\"StartAt\":\"A\",\"States\":{"
                            "\"A\":{\"Type\":\"Pass\",\"Next\":\"B\"},"
                            "\"B\":{" TASK ",\"Next\":\"C\","
                            "\"Retry\":[{\"ErrorEquals\":[\"Again\"],\"MaxAttempts\":1}],"
                            "\"Catch\":[{\"ErrorEquals\":[\"Again\"],\"Next\":\"C\"}]},"
                            "\"C\":{\"Type\":\"Succeed\"}}}";

static void test_a_chain(void **state)
{
    struct fixture *f = *state;
    start(f, chain, "1");
    assert_steps(f, "0 A success 1000-1000 1 -> 1\n"
                    "1 B running 1000- 1\n"
                    "  1 running 1000-\n");
    answer(f, "B", "2", NULL);
    assert_steps(f, "0 A success 1000-1000 1 -> 1\n"
                    "1 B success 1000-1010 1 -> 2\n"
                    "  1 success 1000-1010 {\"exit\":0}\n"
                    "2 C success 1010-1010 2 -> 2\n");
    assert_int_equal(f->live_steps.items[1].generation, 0);
    assert_true(str_eq(f->live_steps.items[1].state->name, STR("B")));
}

static void test_a_retry(void **state)
{
    struct fixture *f = *state;
    start(f, chain, "1");
    answer(f, "B", "null", "Again");
    assert_steps(f, "0 A success 1000-1000 1 -> 1\n"
                    "1 B running 1000- 1\n"
                    "  1 failure 1000-1010 Again {\"exit\":1}\n");
    wake(f, 1000);
    answer(f, "B", "2", NULL);
    assert_steps(f, "0 A success 1000-1000 1 -> 1\n"
                    "1 B success 1000-2020 1 -> 2\n"
                    "  1 failure 1000-1010 Again {\"exit\":1}\n"
                    "  2 success 2010-2020 {\"exit\":0}\n"
                    "2 C success 2020-2020 2 -> 2\n");
}

static void test_a_catch(void **state)
{
    struct fixture *f = *state;
    start(f, chain, "1");
    answer(f, "B", "null", "Again");
    wake(f, 1000);
    answer(f, "B", "null", "Again");
    assert_steps(f, "0 A success 1000-1000 1 -> 1\n"
                    "1 B failure 1000-2020 Again 1 -> {\"Error\":\"Again\",\"Cause\":null}\n"
                    "  1 failure 1000-1010 Again {\"exit\":1}\n"
                    "  2 failure 2010-2020 Again {\"exit\":1}\n"
                    "2 C success 2020-2020 {\"Error\":\"Again\",\"Cause\":null} -> "
                    "{\"Error\":\"Again\",\"Cause\":null}\n");
}

static void test_a_failure(void **state)
{
    struct fixture *f = *state;
    start(f, chain, "1");
    answer(f, "B", "null", "Other");
    assert_steps(f, "0 A success 1000-1000 1 -> 1\n"
                    "1 B failure 1000-1010 Other 1\n"
                    "  1 failure 1000-1010 Other {\"exit\":1}\n");
}

static void test_a_fail_state(void **state)
{
    struct fixture *f = *state;
    start(f, "{\"StartAt\":\"No\",\"States\":{\"No\":{\"Type\":\"Fail\",\"Error\":\"E\"}}}", "1");
    assert_steps(f, "0 No failure 1000-1000 E 1\n");
}

static void test_a_timeout(void **state)
{
    struct fixture *f = *state;
    start(f, "{\"StartAt\":\"A\",\"States\":{\"A\":{" TASK ",\"TimeoutSeconds\":5,\"End\":true}}}",
          "1");
    wake(f, 5000);
    assert_steps(f, "0 A failure 1000-6000 States.Timeout 1\n"
                    "  1 timed_out 1000-6000 States.Timeout\n");
}

/* ---- ends from outside ---- */

static void test_stop(void **state)
{
    struct fixture *f = *state;
    start(f, chain, "1");
    f->now.ms += 1;
    turn(f, (struct flow_input){.why = FLOW_STOP});
    assert_steps(f, "0 A success 1000-1000 1 -> 1\n"
                    "1 B canceled 1000-1001 1\n"
                    "  1 canceled 1000-1001\n");
}

static void test_execution_timeout(void **state)
{
    struct fixture *f = *state;
    start(f,
          "{\"StartAt\":\"W\",\"TimeoutSeconds\":2,\"States\":{"
          "\"W\":{\"Type\":\"Wait\",\"Seconds\":60,\"End\":true}}}",
          "1");
    wake(f, 2000);
    assert_steps(f, "0 W timed_out 1000-3000 1\n");
}

/* ---- branches and iterations ---- */

static const char fork_definition[] =
    "{\"StartAt\":\"Each\",\"States\":{\"Each\":{\"Type\":\"Map\",\"End\":true,\"ItemProcessor\":{"
    "\"StartAt\":\"Fork\",\"States\":{\"Fork\":{\"Type\":\"Parallel\",\"End\":true,"
    "\"Catch\":[{\"ErrorEquals\":[\"Caught\"],\"Next\":\"After\"}],\"Branches\":["
    "{\"StartAt\":\"L\",\"States\":{\"L\":{" TASK ",\"End\":true}}},"
    "{\"StartAt\":\"R\",\"States\":{\"R\":{" TASK ",\"End\":true}}}]},"
    "\"After\":{\"Type\":\"Pass\",\"End\":true}}}}}}";

static void test_branches_that_go_well(void **state)
{
    struct fixture *f = *state;
    start(f, fork_definition, "[7]");
    answer(f, "R", "2", NULL);
    assert_steps(f, "0 Each running 1000- 0/1 [7]\n"
                    "  1 running 1000-\n"
                    "1 Each/0/Fork running 1000- 1/2 7\n"
                    "  1 running 1000-\n"
                    "2 Each/0/Fork/0/L running 1000- 7\n"
                    "  1 running 1000-\n"
                    "3 Each/0/Fork/1/R success 1000-1010 7 -> 2\n"
                    "  1 success 1000-1010 {\"exit\":0}\n");
    answer(f, "L", "1", NULL);
    assert_steps(f, "0 Each success 1000-1020 1/1 [7] -> [[1,2]]\n"
                    "  1 success 1000-1020\n"
                    "1 Each/0/Fork success 1000-1020 2/2 7 -> [1,2]\n"
                    "  1 success 1000-1020\n"
                    "2 Each/0/Fork/0/L success 1000-1020 7 -> 1\n"
                    "  1 success 1000-1020 {\"exit\":0}\n"
                    "3 Each/0/Fork/1/R success 1000-1010 7 -> 2\n"
                    "  1 success 1000-1010 {\"exit\":0}\n");
}

static void test_a_branch_that_fails_and_is_caught(void **state)
{
    struct fixture *f = *state;
    start(f, fork_definition, "[7]");
    answer(f, "R", "null", "Caught");
    assert_steps(f, "0 Each success 1000-1010 1/1 [7] -> [{\"Error\":\"Caught\",\"Cause\":null}]\n"
                    "  1 success 1000-1010\n"
                    "1 Each/0/Fork failure 1000-1010 Caught 0/2 7 -> "
                    "{\"Error\":\"Caught\",\"Cause\":null}\n"
                    "  1 failure 1000-1010 Caught\n"
                    "2 Each/0/Fork/0/L canceled 1000-1010 7\n"
                    "  1 canceled 1000-1010\n"
                    "3 Each/0/Fork/1/R failure 1000-1010 Caught 7\n"
                    "  1 failure 1000-1010 Caught {\"exit\":1}\n"
                    "4 Each/0/After success 1010-1010 {\"Error\":\"Caught\",\"Cause\":null} -> "
                    "{\"Error\":\"Caught\",\"Cause\":null}\n");
}

/* It takes down what is around it, and cancels what is beside it. */
static void test_a_branch_that_fails_everything(void **state)
{
    struct fixture *f = *state;
    start(f, fork_definition, "[7,8]");
    answer(f, "L", "1", NULL);
    answer(f, "R", "null", "Boom");
    assert_steps(f, "0 Each failure 1000-1020 Boom 1/2 [7,8]\n"
                    "  1 failure 1000-1020 Boom\n"
                    "1 Each/0/Fork failure 1000-1020 Boom 1/2 7\n"
                    "  1 failure 1000-1020 Boom\n"
                    "2 Each/1/Fork canceled 1000-1020 0/2 8\n"
                    "  1 canceled 1000-1020\n"
                    "3 Each/0/Fork/0/L success 1000-1010 7 -> 1\n"
                    "  1 success 1000-1010 {\"exit\":0}\n"
                    "4 Each/0/Fork/1/R failure 1000-1020 Boom 7\n"
                    "  1 failure 1000-1020 Boom {\"exit\":1}\n"
                    "5 Each/1/Fork/0/L canceled 1000-1020 8\n"
                    "  1 canceled 1000-1020\n"
                    "6 Each/1/Fork/1/R canceled 1000-1020 8\n"
                    "  1 canceled 1000-1020\n");
}

static void test_a_map_that_is_retried(void **state)
{
    struct fixture *f = *state;
    start(f,
          "{\"StartAt\":\"Each\",\"States\":{\"Each\":{\"Type\":\"Map\",\"End\":true,"
          "\"Retry\":[{\"ErrorEquals\":[\"Again\"]}],\"ItemProcessor\":{"
          "\"StartAt\":\"T\",\"States\":{\"T\":{" TASK ",\"End\":true}}}}}}",
          "[7]");
    answer(f, "T", "null", "Again");
    wake(f, 1000);
    answer(f, "T", "70", NULL);
    assert_steps(f, "0 Each success 1000-2020 1/1 [7] -> [70]\n"
                    "  1 failure 1000-1010 Again\n"
                    "  2 success 2010-2020\n"
                    "1 Each/0/T failure 1000-1010 Again 7\n"
                    "  1 failure 1000-1010 Again {\"exit\":1}\n"
                    "2 Each/0/T success 2010-2020 7 -> 70\n"
                    "  1 success 2010-2020 {\"exit\":0}\n");
}

static void test_failures_that_a_map_tolerates(void **state)
{
    struct fixture *f = *state;
    start(f,
          "{\"StartAt\":\"Each\",\"States\":{\"Each\":{\"Type\":\"Map\",\"End\":true,"
          "\"ToleratedFailureCount\":1,\"ItemProcessor\":{"
          "\"ProcessorConfig\":{\"Mode\":\"DISTRIBUTED\",\"ExecutionType\":\"STANDARD\"},"
          "\"StartAt\":\"T\",\"States\":{\"T\":{" TASK ",\"End\":true}}}}}}",
          "[7,8]");
    answer(f, "T", "null", "Bad");
    answer(f, "T", "80", NULL);
    assert_steps(f, "0 Each success 1000-1020 2/2 [7,8] -> [80]\n"
                    "  1 success 1000-1020\n"
                    "1 Each/0/T failure 1000-1010 Bad 7\n"
                    "  1 failure 1000-1010 Bad {\"exit\":1}\n"
                    "2 Each/1/T success 1000-1020 8 -> 80\n"
                    "  1 success 1000-1020 {\"exit\":0}\n");
}

/* ---- recoveries ---- */

static void resume(struct fixture *f)
{
    struct flow_recovery recovery = {.kind = FLOW_RESUME_RUN};
    f->task_count = 0; /* what was out is not wanted any more */
    turn(f, (struct flow_input){.why = FLOW_RECOVER, .recovery = &recovery});
}

static void test_a_map_that_goes_on(void **state)
{
    struct fixture *f = *state;
    start(f,
          "{\"StartAt\":\"Each\",\"States\":{\"Each\":{\"Type\":\"Map\",\"End\":true,"
          "\"ItemProcessor\":{\"StartAt\":\"T\",\"States\":{\"T\":{" TASK ",\"End\":true}}}}}}",
          "[7,8,9]");
    answer(f, "T", "70", NULL);
    answer(f, "T", "null", "Bad");
    assert_int_equal(f->live_steps.items[0].children_done, 2);
    resume(f);
    assert_int_equal(f->live_steps.items[0].children_done, 1); /* one that failed goes on */
    answer(f, "T", "80", NULL);
    answer(f, "T", "90", NULL);
    assert_steps(f, "0 Each success 1000-1040 3/3 [7,8,9] -> [70,80,90]\n"
                    "  1 failure 1000-1020 Bad\n"
                    "  2 success 1020-1040\n"
                    "1 Each/0/T success 1000-1010 7 -> 70\n"
                    "  1 success 1000-1010 {\"exit\":0}\n"
                    "2 Each/1/T success 1000-1030 8 -> 80\n"
                    "  1 failure 1000-1020 Bad {\"exit\":1}\n"
                    "  2 success 1020-1030 {\"exit\":0}\n"
                    "3 Each/2/T success 1000-1040 9 -> 90\n"
                    "  1 canceled 1000-1020\n"
                    "  2 success 1020-1040 {\"exit\":0}\n");
}

/* ---- retries of what did not fail in its work ---- */

static const char misfit[] =
    "{\"StartAt\":\"A\",\"States\":{\"A\":{" TASK ",\"ResultPath\":\"$.a[0]\",\"End\":true,"
    "\"Retry\":[{\"ErrorEquals\":[\"States.ALL\"],\"MaxAttempts\":1}]}}}";

static void test_a_result_that_does_not_fit(void **state)
{
    struct fixture *f = *state;
    start(f, misfit, "{\"a\":5}");
    answer(f, "A", "1", NULL);
    assert_steps(f, "0 A running 1000- {\"a\":5}\n"
                    "  1 failure 1000-1010 States.ResultPathMatchFailure {\"exit\":0}\n");
}

static void test_work_that_never_began(void **state)
{
    struct fixture *f = *state;
    start(f, misfit, "{}");
    const struct flow_event events[] = {
        {.kind = EVENT_TASK_ENTERED, .attempt = 1, .step = 0},
        {.kind = EVENT_RETRY_ARMED, .attempt = 2, .has_error = true, .error = STR("E")},
    };
    struct step_list list = {0};
    steps_apply(&list, f->arena, f->live, events, COUNT_OF(events), f->now);
    assert_list(&list, "0 A running 1000- null\n"
                       "  1 failure 1000-1000 E\n");
}

/* Fields that no run would write change nothing and harm nothing. */
static void test_events_that_fit_nothing(void **state)
{
    struct fixture *f = *state;
    start(f, misfit, "{}");
    static const enum event_kind kinds[] = {
#define KIND(number, constant, name, details, shape) EVENT_##constant,
        EVENT_TABLE(KIND)
#undef KIND
    };
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        const struct flow_event event = {
            .kind = kinds[i], .step = UINT32_MAX, .state = UINT32_MAX, .child = UINT32_MAX};
        struct step_list list = {0};
        steps_apply(&list, f->arena, f->live, &event, 1, f->now);
        assert_int_equal(list.count, 0);
    }
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(step_status_name(STEP_RUNNING), "running");
    assert_string_equal(step_status_name(STEP_SUCCESS), "success");
    assert_string_equal(step_status_name(STEP_FAILURE), "failure");
    assert_string_equal(step_status_name(STEP_TIMED_OUT), "timed_out");
    assert_string_equal(step_status_name(STEP_CANCELED), "canceled");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_chain),
        TEST(test_a_retry),
        TEST(test_a_catch),
        TEST(test_a_failure),
        TEST(test_a_fail_state),
        TEST(test_a_timeout),
        TEST(test_stop),
        TEST(test_execution_timeout),
        TEST(test_branches_that_go_well),
        TEST(test_a_branch_that_fails_and_is_caught),
        TEST(test_a_branch_that_fails_everything),
        TEST(test_a_map_that_is_retried),
        TEST(test_failures_that_a_map_tolerates),
        TEST(test_a_map_that_goes_on),
        TEST(test_a_result_that_does_not_fit),
        TEST(test_work_that_never_began),
        TEST(test_events_that_fit_nothing),
        TEST(test_names),
    };
    return cmocka_run_group_tests_name("steps", tests, NULL, NULL);
}
