/* Recovery plans: what would happen to each step, and that it does. */
#include "support/scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define HOUR INT64_C(3600000)
#define MINUTE INT64_C(60000)

#define FUNCTION "\"Type\":\"Task\",\"Resource\":\"arn:aws:lambda:us-east-1:000000000000:function:"

/* Each step keeps what was there and puts its own beside it. */
static const char chain[] = "{\"StartAt\":\"A\",\"States\":{"
                            "\"A\":{" FUNCTION "a\",\"ResultPath\":\"$.a\",\"Next\":\"B\"},"
                            "\"B\":{" FUNCTION "b\",\"ResultPath\":\"$.b\",\"Next\":\"C\"},"
                            "\"C\":{" FUNCTION "c\",\"ResultPath\":\"$.c\",\"Next\":\"D\"},"
                            "\"D\":{" FUNCTION "d\",\"ResultPath\":\"$.d\",\"End\":true}}}";

static int teardown(void **state)
{
    if (*state)
        scene_free(*state);
    return 0;
}

/* "A kept, B run, ..." */
static struct str rows_text(struct scene *s, const struct plan *plan)
{
    struct buf text = BUF_INIT(0);
    for (size_t i = 0; i < plan->count; i++)
        buf_printf(&text, "%s" STR_FMT " %s", i ? ", " : "", STR_ARG(plan->steps[i].path),
                   plan_action_name(plan->steps[i].action));
    struct str copy = arena_str(s->arena, buf_str(&text));
    buf_release(&text);
    return copy;
}

static struct plan make(struct scene *s, struct recovery_request request)
{
    struct recovery_story *story = ARENA_NEW(s->arena, struct recovery_story);
    struct recovery_request *asked = arena_dup(s->arena, &request, sizeof(request));
    struct plan plan;
    struct err err;
    *story = scene_story(s);
    if (!plan_make(story, asked, s->arena, &plan, &err))
        fail_msg("%s", err.message);
    return plan;
}

static struct plan make_good(struct scene *s, struct recovery_request request, const char *rows)
{
    struct plan plan = make(s, request);
    struct err err;
    if (!plan_feasible(&plan, &err))
        fail_msg("%s", err.message);
    struct str said = rows_text(s, &plan);
    if (!str_eq(said, str_of_cstr(rows)))
        fail_msg("planned: " STR_FMT "\nwanted:  %s", STR_ARG(said), rows);
    return plan;
}

static void assert_problem(struct scene *s, struct recovery_request request, const char *wanted)
{
    struct plan plan = make(s, request);
    struct err err;
    if (plan_feasible(&plan, &err))
        fail_msg("no problem was found: " STR_FMT, STR_ARG(rows_text(s, &plan)));
    if (!strstr(err.message, wanted))
        fail_msg("%s\ndoes not say: %s", err.message, wanted);
}

static struct scene *failed_chain(void **state, const char *which)
{
    struct scene *s = scene_new(chain);
    *state = s;
    scene_takes(s, "a", HOUR);
    scene_takes(s, "b", HOUR);
    scene_takes(s, "c", 10 * MINUTE);
    scene_takes(s, "d", MINUTE);
    if (which)
        scene_fails(s, which, true);
    scene_start(s, "{}");
    if (which)
        scene_fails(s, which, false);
    return s;
}

static void assert_output(struct scene *s, const char *text)
{
    struct json output = run_output(s->player->live);
    if (!json_equal(output, scene_json(s, text)))
        fail_msg(STR_FMT, STR_ARG(json_text(s->arena, output)));
    if (s->player->problem)
        fail_msg("%s", s->player->problem);
}

/* ---- resume ---- */

static void test_resume(void **state)
{
    struct scene *s = failed_chain(state, "c");
    struct plan plan = make_good(s, (struct recovery_request){.kind = RECOVERY_RESUME},
                                 "A kept, B kept, C run, D run");
    assert_int_equal(plan.saved_ms, 2 * HOUR);
    assert_int_equal(plan.expected_ms, 10 * MINUTE);
    assert_true(plan.ends_known);
    assert_int_equal(plan.steps[3].index, 3);
    scene_recover(s, &plan);
    assert_output(s, "{\"a\":{\"by\":\"a\",\"n\":1},\"b\":{\"by\":\"b\",\"n\":1},"
                     "\"c\":{\"by\":\"c\",\"n\":2},\"d\":{\"by\":\"d\",\"n\":1}}");
    assert_int_equal(scene_asked(s, "a") + scene_asked(s, "b"), 2);
}

static void test_nothing_is_saved_at_the_first_step(void **state)
{
    struct scene *s = failed_chain(state, "a");
    struct plan plan = make_good(s, (struct recovery_request){.kind = RECOVERY_RESUME},
                                 "A run, B run, C run, D run");
    assert_int_equal(plan.saved_ms, 0);
}

static void test_skip_what_is_done(void **state)
{
    struct scene *s = failed_chain(state, "c");
    struct plan plan =
        make_good(s, (struct recovery_request){.kind = RECOVERY_RESUME, .skip = STR("1,2")},
                  "A skipped, B skipped, C run, D run");
    assert_int_equal(plan.saved_ms, 2 * HOUR);
    assert_int_equal(plan.recovery.skip_count, 0);
}

static void test_skip_the_failed_one(void **state)
{
    struct scene *s = failed_chain(state, "c");
    assert_problem(s, (struct recovery_request){.kind = RECOVERY_RESUME, .skip = STR("C")},
                   "--set-output 'C=JSON'");
    struct plan plan =
        make_good(s,
                  (struct recovery_request){.kind = RECOVERY_RESUME,
                                            .skip = STR("1-3"),
                                            .outputs = scene_json(s, "{\"C\":{\"x\":1}}")},
                  "A skipped, B skipped, C skipped, D run");
    scene_recover(s, &plan);
    assert_output(s, "{\"x\":1,\"d\":{\"by\":\"d\",\"n\":1}}");
    assert_int_equal(scene_asked(s, "c"), 1);
}

static void test_from_step_back(void **state)
{
    struct scene *s = failed_chain(state, "d");
    struct plan plan =
        make_good(s, (struct recovery_request){.kind = RECOVERY_RESUME, .from = STR("2")},
                  "A kept, B rerun, C rerun, D run");
    assert_int_equal(plan.saved_ms, HOUR);
    scene_recover(s, &plan);
    assert_output(s, "{\"a\":{\"by\":\"a\",\"n\":1},\"b\":{\"by\":\"b\",\"n\":2},"
                     "\"c\":{\"by\":\"c\",\"n\":2},\"d\":{\"by\":\"d\",\"n\":2}}");
    (void)scene_story(s);
    assert_int_equal(s->steps.count, 4);
    assert_int_equal(s->steps.items[1].generation, 1);
    assert_int_equal(s->steps.items[0].generation, 0);
}

static void test_from_step_ahead(void **state)
{
    struct scene *s = failed_chain(state, "b");
    assert_problem(s, (struct recovery_request){.kind = RECOVERY_RESUME, .from = STR("D")},
                   "--set-output 'C=JSON'");
    struct plan plan = make_good(s,
                                 (struct recovery_request){.kind = RECOVERY_RESUME,
                                                           .from = STR("4"),
                                                           .input = scene_json(s, "{\"x\":1}")},
                                 "A kept, B skipped, C skipped, D run");
    scene_recover(s, &plan);
    assert_output(s, "{\"x\":1,\"d\":{\"by\":\"d\",\"n\":1}}");
}

static void test_until_step(void **state)
{
    struct scene *s = failed_chain(state, "b");
    struct plan plan =
        make_good(s,
                  (struct recovery_request){.kind = RECOVERY_RESUME,
                                            .until = STR("C"),
                                            .mocks = scene_json(s, "{\"B\":1,\"C\":2}")},
                  "A kept, B run, C run, D not reached");
    scene_recover(s, &plan);
    assert_true(run_pause(s->player->live).quiet);
}

static void test_refusals(void **state)
{
    struct scene *s = failed_chain(state, "c");
    struct recovery_request r = {.kind = RECOVERY_RESUME};
    r.skip = STR("9");
    assert_problem(s, r, "there is no step 9; steps go from 1 to 4");
    r.skip = STR("Cc");
    assert_problem(s, r, "did you mean \"C\"?");
    r.skip = STR("");
    r.outputs = scene_json(s, "{\"A\":1}");
    assert_problem(s, r, "names no step or branch that is skipped");
    r.outputs = JSON_NONE;
    r.until = STR("A");
    assert_problem(s, r, "is done already");
    r.until = STR("");
    r.until_phase = STR("delivery");
    assert_problem(s, r, "no step is of the phase");
    r.until_phase = STR("");
    r.mocks = scene_json(s, "{\"Nobody\":1}");
    assert_problem(s, r, "which is no step");
    assert_problem(s, (struct recovery_request){.kind = RECOVERY_RERUN, .step = STR("D")},
                   "there is no step \"D\"");
}

static void test_resume_of_what_succeeded(void **state)
{
    struct scene *s = failed_chain(state, NULL);
    assert_problem(s, (struct recovery_request){.kind = RECOVERY_RESUME}, "nothing to resume");
}

/* ---- rerun ---- */

static void test_rerun(void **state)
{
    struct scene *s = failed_chain(state, NULL);
    struct plan plan =
        make_good(s, (struct recovery_request){.kind = RECOVERY_RERUN, .step = STR("2")},
                  "A kept, B rerun, C kept, D kept");
    assert_false(plan.recovery.gives_output);
    scene_recover(s, &plan);
    assert_int_equal(run_status(s->player->live), FLOW_SUCCEEDED);
    (void)scene_story(s);
    bool stale[4];
    steps_stale(&s->steps, stale);
    assert_false(stale[0] || stale[1]);
    assert_true(stale[2] && stale[3]);
    /* The third is now given what the second gave by now; the first asked is as it was. */
    plan = make_good(s, (struct recovery_request){.kind = RECOVERY_RERUN, .step = STR("D")},
                     "A kept, B kept, C kept, D rerun");
    assert_true(
        json_equal(plan.recovery.data,
                   scene_json(s, "{\"a\":{\"by\":\"a\",\"n\":1},\"b\":{\"by\":\"b\",\"n\":2},"
                                 "\"c\":{\"by\":\"c\",\"n\":1}}")));
    assert_true(plan.recovery.gives_output);
    plan = make_good(s,
                     (struct recovery_request){
                         .kind = RECOVERY_RERUN, .step = STR("D"), .recorded_context = true},
                     "A kept, B kept, C kept, D rerun");
    assert_true(
        json_equal(plan.recovery.data,
                   scene_json(s, "{\"a\":{\"by\":\"a\",\"n\":1},\"b\":{\"by\":\"b\",\"n\":1},"
                                 "\"c\":{\"by\":\"c\",\"n\":1}}")));
}

static void test_cascade(void **state)
{
    struct scene *s = failed_chain(state, NULL);
    struct plan plan = make_good(
        s, (struct recovery_request){.kind = RECOVERY_RERUN, .step = STR("C"), .cascade = true},
        "A kept, B kept, C rerun, D rerun");
    scene_recover(s, &plan);
    assert_output(s, "{\"a\":{\"by\":\"a\",\"n\":1},\"b\":{\"by\":\"b\",\"n\":1},"
                     "\"c\":{\"by\":\"c\",\"n\":2},\"d\":{\"by\":\"d\",\"n\":2}}");
}

#define TEST(function) cmocka_unit_test_teardown(function, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_resume),
        TEST(test_nothing_is_saved_at_the_first_step),
        TEST(test_skip_what_is_done),
        TEST(test_skip_the_failed_one),
        TEST(test_from_step_back),
        TEST(test_from_step_ahead),
        TEST(test_until_step),
        TEST(test_refusals),
        TEST(test_resume_of_what_succeeded),
        TEST(test_rerun),
        TEST(test_cascade),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
