/* What a resume of the db-refresh example saves, step by step: durations of real size go in
 * through the virtual clock. */
#include "support/scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    FILE_SIZE_MAX = 64 << 10,
    STEPS = 7,
};

#define MINUTE INT64_C(60000)

/* One job a step: the split jobs about an hour each and side by side, steps 3 to 5 between 10
 * and 30 minutes, the reports between 5 and 10. */
static const struct {
    const char *job;
    int64_t minutes;
    unsigned contexts; /* how often it runs in one refresh */
} jobs[STEPS] = {
    {"omc-flywheel-dev-addressable-split-and-part", 60, 1},
    {"omc-flywheel-dev-infobase-split-and-part", 65, 1},
    {"omc-flywheel-dev-register-part-tables", 10, 2},
    {"omc-flywheel-dev-prepare-part-tables", 15, 1},
    {"omc-flywheel-dev-create-part-addressable-ids-er-table", 20, 1},
    {"omc-flywheel-dev-generate-data-monitor-report", 5, 1},
    {"omc-flywheel-dev-generate-cleanrooms-report", 5, 1},
};

static char *example_read(const char *name)
{
    static char text[FILE_SIZE_MAX];
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/examples/db-refresh/%s", getenv("PAWL_SOURCE_ROOT"),
                   name);
    FILE *f = fopen(path, "r");
    if (!f)
        fail_msg("%s cannot be read", path);
    size_t size = fread(text, 1, sizeof(text) - 1, f);
    (void)fclose(f);
    text[size] = '\0';
    return text;
}

/* The context of the one task that fails, after the others, whatever its function does; empty:
 * none. */
static struct str failing_context;

/* What the states after it take from any of the jobs. */
static struct player_answer work(void *arg, const struct flow_effect *task)
{
    struct scene *s = arg;
    struct scene_function *f = scene_function(s, task->function);
    struct str context = json_str(json_get(task->payload, STR("context")));
    bool last = context.len && str_eq(context, failing_context), fails = f->fails || last;
    f->asked++;
    return (struct player_answer){
        .ok = !fails,
        .ms = f->ms + (last ? MINUTE : 0),
        .output = scene_json(s, "{\"S3_ROOT\": \"split_part/\", \"table\": \"t\", \"report\": "
                                "\"reports/r.csv\", \"lines\": 1}"),
        .has_error = fails,
        .error = STR("JobFailed"),
    };
}

/* A refresh in which this step fails; 0: none does. */
static struct scene *refresh(void **state, size_t failed)
{
    struct scene *s = scene_new(example_read("omc-flywheel-dev-db-refresh.asl.json"));
    *state = s;
    s->player->work = work;
    for (size_t i = 0; i < STEPS; i++)
        scene_takes(s, jobs[i].job, jobs[i].minutes * MINUTE);
    if (failed)
        scene_fails(s, jobs[failed - 1].job, true);
    scene_start(s, example_read("execution-input.json"));
    if (failed)
        scene_fails(s, jobs[failed - 1].job, false);
    return s;
}

static int setup(void **state)
{
    *state = NULL;
    failing_context = STR("");
    return 0;
}

static int teardown(void **state)
{
    if (*state)
        scene_free(*state);
    return 0;
}

static struct plan plan_of(struct scene *s, struct recovery_request asked)
{
    struct recovery_story *story = ARENA_NEW(s->arena, struct recovery_story);
    struct recovery_request *request = ARENA_NEW(s->arena, struct recovery_request);
    struct plan plan;
    struct err err;
    *story = scene_story(s);
    *request = asked;
    if (!plan_make(story, request, s->arena, &plan, &err) || !plan_feasible(&plan, &err))
        fail_msg("%s", err.message);
    return plan;
}

static struct recovery_request resume(const char *skip)
{
    return (struct recovery_request){.kind = RECOVERY_RESUME, .skip = str_of_cstr(skip)};
}

/* ---- the table ---- */

static const struct row {
    size_t failed;
    const char *skip;
    double hours_from, hours_to; /* "~2 hours" is anything that rounds to it */
} table[STEPS] = {
    {1, "", 0, 0},
    {2, "1", 0.5, 1.5},
    {3, "1,2", 1.5, 2.5},
    {4, "1,2,3", 1.5, 2.5},
    {5, "1, 2, 3, 4", 1.5, 3.5},
    {6, "1,2,3,4,5", 1.5, 3.5},
    {7, "1 2 3 4 5 6", 1.5, 3.5},
};

/* Parallel steps are added: each of them would have to be done again. */
static int64_t minutes_before(size_t step)
{
    int64_t sum = 0;
    for (size_t i = 0; i + 1 < step; i++)
        sum += jobs[i].minutes * jobs[i].contexts;
    return sum;
}

static void check_row(void **state, const struct row *row)
{
    struct scene *s = refresh(state, row->failed);
    assert_int_equal(run_status(s->player->live), FLOW_FAILED);
    struct plan plan = plan_of(s, resume(row->skip));
    double hours = (double)plan.saved_ms / (double)(60 * MINUTE);
    assert_int_equal(plan.saved_ms, minutes_before(row->failed) * MINUTE);
    assert_true(hours >= row->hours_from && hours <= row->hours_to);

    scene_recover(s, &plan);
    assert_int_equal(run_status(s->player->live), FLOW_SUCCEEDED);
    for (size_t i = 0; i < STEPS; i++) {
        unsigned times = jobs[i].contexts;
        if (i + 1 == row->failed)
            times *= 2;
        if (row->failed == 1 && i == 1)
            times = 2; /* it was under way when its neighbour failed */
        assert_int_equal(scene_asked(s, jobs[i].job), times);
    }
}

#define ROW(n)                                                                                     \
    static void step_##n##_failed(void **state)                                                    \
    {                                                                                              \
        check_row(state, &table[(n)-1]);                                                           \
    }
ROW(1)
ROW(2)
ROW(3)
ROW(4)
ROW(5)
ROW(6)
ROW(7)

/* ---- beyond it ---- */

static const struct plan_step *step_named(const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->count; i++)
        if (str_eq(plan->steps[i].state->name, str_of_cstr(name)))
            return &plan->steps[i];
    fail_msg("no step %s in the plan", name);
    return NULL;
}

/* Without being told anything it keeps what is done; and of step 3, which runs twice side by
 * side, the context that went well. */
static void one_context_of_step_3_failed(void **state)
{
    failing_context = STR("addressable_ids");
    struct scene *s = scene_new(example_read("omc-flywheel-dev-db-refresh.asl.json"));
    *state = s;
    s->player->work = work;
    scene_takes(s, jobs[2].job, 10 * MINUTE);
    scene_start(s, example_read("execution-input.json"));
    assert_int_equal(run_status(s->player->live), FLOW_FAILED);
    failing_context = STR("");
    struct plan plan = plan_of(s, resume(""));
    assert_int_equal(step_named(&plan, "AddressableSplitAndPart")->action, PLAN_KEPT);
    const struct plan_step *failed = step_named(&plan, "RegisterAddressableIds");
    const struct plan_step *good = step_named(&plan, "RegisterInfobaseAttributes");
    assert_int_equal(failed->action, PLAN_RUN);
    assert_true(str_eq(failed->path, STR("Step2_RegisterPartTables/addressable_ids/"
                                         "RegisterAddressableIds")));
    assert_int_equal(good->action, PLAN_KEPT);
    assert_true(str_eq(failed->number, good->number) && str_eq(good->number, STR("3")));
    scene_recover(s, &plan);
    assert_int_equal(run_status(s->player->live), FLOW_SUCCEEDED);
    assert_int_equal(scene_asked(s, jobs[0].job), 1);
    assert_int_equal(scene_asked(s, jobs[2].job), 3);
}

/* A refresh that went well is taken over in part: the steps that are named, and no others. */
static void the_reports_are_made_again(void **state)
{
    struct scene *s = refresh(state, 0);
    assert_int_equal(run_status(s->player->live), FLOW_SUCCEEDED);
    struct plan plan =
        plan_of(s, (struct recovery_request){.kind = RECOVERY_FORK, .skip = STR("1-5")});
    assert_int_equal(step_named(&plan, "Step4_CreateERTable")->action, PLAN_SKIPPED);
    assert_int_equal(step_named(&plan, "Step5_DataMonitorReport")->action, PLAN_RUN);
    assert_int_equal(step_named(&plan, "Step6_CleanroomsReport")->action, PLAN_RUN);
    assert_int_equal(plan.saved_ms, minutes_before(6) * MINUTE);
    assert_int_equal(plan.expected_ms, 10 * MINUTE);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(step_1_failed),
        TEST(step_2_failed),
        TEST(step_3_failed),
        TEST(step_4_failed),
        TEST(step_5_failed),
        TEST(step_6_failed),
        TEST(step_7_failed),
        TEST(one_context_of_step_3_failed),
        TEST(the_reports_are_made_again),
    };
    return cmocka_run_group_tests_name("plan_times", tests, NULL, NULL);
}
