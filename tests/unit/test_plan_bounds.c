/* What a plan may take at most: of steps, attempts and memory. */
#include "support/scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define FUNCTION "\"Type\":\"Task\",\"Resource\":\"arn:aws:lambda:us-east-1:000000000000:function:"

static int teardown(void **state)
{
    if (*state)
        scene_free(*state);
    return 0;
}

/* Of a new execution: all of it lies ahead. */
static struct plan plan_start(void **state, const char *definition, const char *mocks)
{
    struct scene *s = scene_new(definition);
    struct recovery_story story = {.target = s->machine, .limits = &s->limits, .now = {1000}};
    struct recovery_request r = {.kind = RECOVERY_START, .mocks = scene_json(s, mocks)};
    struct plan plan;
    struct err err;
    *state = s;
    if (!plan_make(&story, &r, s->arena, &plan, &err))
        fail_msg("%s", err.message);
    assert_true(plan_feasible(&plan, &err));
    return plan;
}

static void test_steps(void **state)
{
    struct plan plan = plan_start(state,
                                  "{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Pass\","
                                  "\"Next\":\"B\"},\"B\":{\"Type\":\"Choice\",\"Choices\":[{"
                                  "\"Variable\":\"$.x\",\"IsPresent\":true,\"Next\":\"C\"}],"
                                  "\"Default\":\"A\"},\"C\":{\"Type\":\"Succeed\"}}}",
                                  "{}");
    assert_false(plan.ends_known);
    assert_in_range(plan.count, PLAN_STEPS_AHEAD_MAX, PLAN_STEPS_AHEAD_MAX + 2000);
}

/* A step that is tried again and again makes no other. */
static void test_attempts(void **state)
{
    struct plan plan =
        plan_start(state,
                   "{\"StartAt\":\"A\",\"States\":{\"A\":{" FUNCTION "a\",\"Retry\":[{"
                   "\"ErrorEquals\":[\"States.ALL\"],\"MaxAttempts\":99999999,"
                   "\"BackoffRate\":1}],\"End\":true}}}",
                   "{\"A\":{\"errorOutput\":{\"error\":\"Boom\"}}}");
    assert_false(plan.ends_known);
    assert_int_equal(plan.count, 1);
}

static void test_memory(void **state)
{
    struct plan plan = plan_start(state,
                                  "{\"StartAt\":\"A\",\"QueryLanguage\":\"JSONata\",\"States\":{"
                                  "\"A\":{\"Type\":\"Pass\",\"Output\":{\"x\":"
                                  "\"{% $pad('x', 4000000) %}\"},\"Next\":\"B\"},"
                                  "\"B\":{\"Type\":\"Choice\",\"Choices\":[{\"Condition\":"
                                  "\"{% $states.input.y = 1 %}\",\"Next\":\"C\"}],"
                                  "\"Default\":\"A\"},\"C\":{\"Type\":\"Succeed\"}}}",
                                  "{}");
    assert_false(plan.ends_known);
    assert_in_range(plan.count, 2, 2 * PLAN_MEMORY_MAX / 4000000 + 2);
}

#define TEST(function) cmocka_unit_test_teardown(function, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_steps),
        TEST(test_attempts),
        TEST(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
