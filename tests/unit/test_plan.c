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

/* What is not come to again keeps its record for when it is, however often somebody goes back. */
static void test_from_step_back_twice(void **state)
{
    struct scene *s = failed_chain(state, "d");
    struct recovery_request r = {.kind = RECOVERY_RESUME, .from = STR("A")};
    struct plan plan = make_good(s, r, "A rerun, B rerun, C rerun, D run");
    scene_fails(s, "b", true);
    scene_recover(s, &plan);
    plan = make_good(s, r, "A rerun, B run, C rerun, D run");
    scene_recover(s, &plan);
    scene_fails(s, "b", false);
    r.from = STR("");
    plan = make_good(s, r, "A kept, B run, C rerun, D run");
    scene_recover(s, &plan);
    (void)scene_story(s);
    assert_int_equal(run_status(s->player->live), FLOW_SUCCEEDED);
    assert_int_equal(s->steps.count, 4);
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
                   "--step: there is no step \"D\"");
    struct recovery_request body = {.kind = RECOVERY_RESUME, .numbering = STEPS_FROM_ZERO};
    body.skip = STR("4");
    assert_problem(s, body, "skip_steps: there is no step 4; steps go from 0 to 3");
    body.skip = STR("2");
    assert_problem(s, body, "\"set_output\": {\"C\": ...}");
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

static void rerun_well(struct scene *s, const char *step)
{
    struct plan plan =
        make(s, (struct recovery_request){.kind = RECOVERY_RERUN, .step = str_of_cstr(step)});
    assert_int_equal(plan.problem_count, 0);
    scene_recover(s, &plan);
}

static void resume_well(struct scene *s, struct recovery_request request, const char *rows,
                        const char *output, size_t steps)
{
    struct plan plan = make_good(s, request, rows);
    scene_recover(s, &plan);
    assert_output(s, output);
    (void)scene_story(s);
    assert_int_equal(s->steps.count, steps);
}

static void test_resume_after_a_rerun(void **state)
{
    struct scene *s = failed_chain(state, "d");
    rerun_well(s, "B");
    resume_well(s, (struct recovery_request){.kind = RECOVERY_RESUME},
                "A kept, B kept, C kept, D run",
                "{\"a\":{\"by\":\"a\",\"n\":1},\"b\":{\"by\":\"b\",\"n\":2},"
                "\"c\":{\"by\":\"c\",\"n\":1},\"d\":{\"by\":\"d\",\"n\":2}}",
                4);
}

static void test_resume_with_what_it_had(void **state)
{
    struct scene *s = failed_chain(state, "d");
    rerun_well(s, "B");
    resume_well(s, (struct recovery_request){.kind = RECOVERY_RESUME, .recorded_context = true},
                "A kept, B kept, C kept, D run",
                "{\"a\":{\"by\":\"a\",\"n\":1},\"b\":{\"by\":\"b\",\"n\":1},"
                "\"c\":{\"by\":\"c\",\"n\":1},\"d\":{\"by\":\"d\",\"n\":2}}",
                4);
}

/* The failed one has been run again well: it goes on behind it. */
static void test_resume_after_two_reruns(void **state)
{
    struct scene *s = failed_chain(state, "c");
    rerun_well(s, "C");
    rerun_well(s, "A");
    resume_well(s, (struct recovery_request){.kind = RECOVERY_RESUME},
                "A kept, B kept, C kept, D run",
                "{\"a\":{\"by\":\"a\",\"n\":2},\"b\":{\"by\":\"b\",\"n\":1},"
                "\"c\":{\"by\":\"c\",\"n\":2},\"d\":{\"by\":\"d\",\"n\":1}}",
                4);
}

/* What a person changed who approved a step is changed in a replay, too. */
static void test_resume_behind_a_review(void **state)
{
    struct scene *s =
        scene_new("{\"StartAt\":\"A\",\"States\":{\"A\":{" FUNCTION
                  "a\",\"ResultPath\":\"$.a\",\"Next\":\"R\"},"
                  "\"R\":{" FUNCTION "r\",\"ResultPath\":\"$.r\",\"x-review\":true,\"Next\":\"D\"},"
                  "\"D\":{" FUNCTION "d\",\"ResultPath\":\"$.d\",\"End\":true}}}");
    *state = s;
    scene_fails(s, "d", true);
    scene_start(s, "{}");
    player_turn(s->player, (struct flow_input){.why = FLOW_REVIEW,
                                               .step = 1,
                                               .ok = true,
                                               .value = scene_json(s, "{\"to\":\"me\"}")});
    while (player_step(s->player, (struct wall_ms){INT64_MAX}))
        ;
    assert_int_equal(run_status(s->player->live), FLOW_FAILED);
    scene_fails(s, "d", false);
    rerun_well(s, "A");
    resume_well(s, (struct recovery_request){.kind = RECOVERY_RESUME}, "A kept, R kept, D run",
                "{\"a\":{\"by\":\"a\",\"n\":2},\"to\":\"me\","
                "\"r\":{\"by\":\"r\",\"n\":1},\"d\":{\"by\":\"d\",\"n\":2}}",
                3);
}

static void test_fork_after_a_rerun(void **state)
{
    struct scene *s = failed_chain(state, "d");
    rerun_well(s, "B");
    struct plan plan = make_good(s, (struct recovery_request){.kind = RECOVERY_FORK},
                                 "A kept, B kept, C kept, D run");
    struct scene *fork = scene_fork(s, s->machine, &plan, scene_json(s, "{}"));
    assert_output(fork, "{\"a\":{\"by\":\"a\",\"n\":1},\"b\":{\"by\":\"b\",\"n\":2},"
                        "\"c\":{\"by\":\"c\",\"n\":1},\"d\":{\"by\":\"d\",\"n\":1}}");
    scene_free(fork);
}

static void test_rerun_after_one_with_an_input(void **state)
{
    struct scene *s = failed_chain(state, NULL);
    struct recovery_request r = {
        .kind = RECOVERY_RERUN, .step = STR("C"), .input = scene_json(s, "{\"mine\":1}")};
    struct plan plan = make_good(s, r, "A kept, B kept, C rerun, D kept");
    assert_true(json_equal(plan.recovery.data, r.input));
    scene_recover(s, &plan);
    r.input = JSON_NONE;
    plan = make_good(s, r, "A kept, B kept, C rerun, D kept");
    assert_true(
        json_equal(plan.recovery.data,
                   scene_json(s, "{\"a\":{\"by\":\"a\",\"n\":1},\"b\":{\"by\":\"b\",\"n\":1}}")));
    r.recorded_context = true;
    plan = make_good(s, r, "A kept, B kept, C rerun, D kept");
    assert_true(json_equal(plan.recovery.data, scene_json(s, "{\"mine\":1}")));
}

static void test_cascade_after_a_rerun(void **state)
{
    struct scene *s = failed_chain(state, NULL);
    struct recovery_request r = {.kind = RECOVERY_RERUN, .step = STR("B")};
    struct plan plan = make_good(s, r, "A kept, B rerun, C kept, D kept");
    scene_recover(s, &plan);
    r.cascade = true;
    plan = make_good(s, r, "A kept, B rerun, C rerun, D rerun");
    scene_recover(s, &plan);
    (void)scene_story(s);
    bool stale[4];
    assert_int_equal(s->steps.count, 4);
    assert_int_equal(s->steps.items[1].generation, 2);
    assert_int_equal(s->steps.items[2].generation, 1);
    steps_stale(&s->steps, stale);
    assert_false(stale[0] || stale[1] || stale[2] || stale[3]);
}

static void test_time_between_is_no_work(void **state)
{
    struct scene *s = failed_chain(state, "c");
    s->player->now.ms += 5 * HOUR;
    struct plan plan = make(s, (struct recovery_request){.kind = RECOVERY_RESUME});
    scene_fails(s, "d", true);
    scene_recover(s, &plan);
    plan = make_good(s, (struct recovery_request){.kind = RECOVERY_RESUME},
                     "A kept, B kept, C kept, D run");
    assert_int_equal(plan.steps[2].last_ms, 10 * MINUTE);
    assert_int_equal(plan.saved_ms, 2 * HOUR + 10 * MINUTE);
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

/* ---- inside of Parallels and Maps ---- */

/* Two parts are split side by side and registered in two contexts, as one step each time. */
static const char split[] =
    "{\"StartAt\":\"Split\",\"States\":{\"Split\":{\"Type\":\"Parallel\",\"Next\":\"Load\","
    "\"ResultPath\":\"$.parts\",\"Branches\":["
    "{\"StartAt\":\"SplitA\",\"x-label\":\"addressable\",\"States\":{"
    "\"SplitA\":{" FUNCTION "sa\",\"x-step\":1,\"Next\":\"RegisterA\"},"
    "\"RegisterA\":{" FUNCTION "ra\",\"x-step\":3,\"End\":true}}},"
    "{\"StartAt\":\"SplitB\",\"x-label\":\"infobase\",\"States\":{"
    "\"SplitB\":{" FUNCTION "sb\",\"x-step\":2,\"Next\":\"RegisterB\"},"
    "\"RegisterB\":{" FUNCTION "rb\",\"x-step\":3,\"End\":true}}}]},"
    "\"Load\":{" FUNCTION "load\",\"x-step\":4,\"x-phase\":\"delivery\",\"End\":true}}}";

static struct scene *failed_split(void **state, const char *which)
{
    struct scene *s = scene_new(split);
    *state = s;
    scene_takes(s, "sa", HOUR);
    scene_takes(s, "sb", HOUR);
    scene_takes(s, "ra", 10 * MINUTE);
    scene_takes(s, "rb", 20 * MINUTE);
    scene_takes(s, "load", MINUTE);
    scene_fails(s, which, true);
    scene_start(s, "{}");
    scene_fails(s, which, false);
    return s;
}

static void test_parallel_steps_are_added(void **state)
{
    struct scene *s = failed_split(state, "load");
    struct plan plan = make_good(
        s, (struct recovery_request){.kind = RECOVERY_RESUME, .skip = STR("1,2,3")},
        "Split kept, Split/addressable/SplitA skipped, Split/infobase/SplitB skipped, "
        "Split/addressable/RegisterA skipped, Split/infobase/RegisterB skipped, Load run");
    assert_int_equal(plan.saved_ms, 2 * HOUR + 30 * MINUTE);
    assert_int_equal(plan.expected_ms, MINUTE);
}

static void test_one_context_failed(void **state)
{
    struct scene *s = failed_split(state, "rb");
    struct plan plan =
        make_good(s, (struct recovery_request){.kind = RECOVERY_RESUME},
                  "Split run, Split/addressable/SplitA kept, Split/infobase/SplitB kept, "
                  "Split/addressable/RegisterA kept, Split/infobase/RegisterB run, Load run");
    scene_recover(s, &plan);
    assert_int_equal(run_status(s->player->live), FLOW_SUCCEEDED);
    assert_int_equal(scene_asked(s, "sa") + scene_asked(s, "sb") + scene_asked(s, "ra"), 3);
}

static void test_only_one_branch(void **state)
{
    struct scene *s = failed_split(state, "sa"); /* so that the other one was canceled */
    struct recovery_request r = {.kind = RECOVERY_RESUME, .only = STR("context=addressable")};
    assert_problem(s, r, "the branch infobase has no output yet");
    r.outputs = scene_json(s, "{\"infobase\":{\"old\":true}}");
    struct plan plan = make_good(s, r,
                                 "Split run, Split/addressable/SplitA run, Split/infobase/SplitB "
                                 "skipped, Split/addressable/RegisterA run, Load run");
    scene_recover(s, &plan);
    assert_output(s, "{\"by\":\"load\",\"n\":1}");
    assert_int_equal(scene_asked(s, "sb") + scene_asked(s, "rb"), 1);
}

static const char joined[] =
    "{\"StartAt\":\"Both\",\"States\":{\"Both\":{\"Type\":\"Parallel\",\"End\":true,\"Branches\":["
    "{\"StartAt\":\"A\",\"States\":{\"A\":{" FUNCTION "a\",\"ResultPath\":\"$.a\",\"Next\":\"B\"},"
    "\"B\":{" FUNCTION "b\",\"ResultPath\":\"$.b\",\"End\":true}}},"
    "{\"StartAt\":\"C\",\"States\":{\"C\":{" FUNCTION "c\",\"ResultPath\":\"$.c\",\"Next\":\"D\"},"
    "\"D\":{" FUNCTION "d\",\"ResultPath\":\"$.d\",\"End\":true}}}]}}}";

/* What a branch gave that is done, and what the other one is given, are current, too. */
static void test_resume_of_branches_after_reruns(void **state)
{
    struct scene *s = scene_new(joined);
    *state = s;
    scene_takes(s, "d", HOUR);
    scene_fails(s, "d", true);
    scene_start(s, "{}");
    scene_fails(s, "d", false);
    rerun_well(s, "A");
    rerun_well(s, "C");
    resume_well(s, (struct recovery_request){.kind = RECOVERY_RESUME},
                "Both run, Both/A/A kept, Both/C/C kept, Both/A/B kept, Both/C/D run",
                "[{\"a\":{\"by\":\"a\",\"n\":2},\"b\":{\"by\":\"b\",\"n\":1}},"
                "{\"c\":{\"by\":\"c\",\"n\":2},\"d\":{\"by\":\"d\",\"n\":2}}]",
                5);
}

static void test_from_a_step_inside(void **state)
{
    struct scene *s = failed_split(state, "load");
    struct recovery_request r = {.kind = RECOVERY_RESUME, .from = STR("Register")};
    assert_problem(s, r, "there is no step \"Register\"");
    r.from = STR("Split/infobase/RegisterB");
    struct plan plan =
        make_good(s, r,
                  "Split rerun, Split/addressable/SplitA kept, Split/infobase/SplitB kept, "
                  "Split/addressable/RegisterA kept, Split/infobase/RegisterB rerun, Load run");
    scene_recover(s, &plan);
    assert_int_equal(run_status(s->player->live), FLOW_SUCCEEDED);
    assert_int_equal(scene_asked(s, "sa") + scene_asked(s, "sb") + scene_asked(s, "ra"), 3);
    assert_int_equal(scene_asked(s, "rb"), 2);
    (void)scene_story(s);
    assert_int_equal(s->steps.count, 6);
}

static void test_until_phase(void **state)
{
    struct scene *s = failed_split(state, "sa");
    struct recovery_request r = {.kind = RECOVERY_RESUME, .until_phase = STR("deliver")};
    assert_problem(s, r, "its phases are delivery");
    r.until_phase = STR("delivery");
    struct plan plan = make(s, r);
    assert_int_equal(plan.problem_count, 0);
}

static const char each[] =
    "{\"StartAt\":\"Leads\",\"States\":{\"Leads\":{\"Type\":\"Map\",\"ItemsPath\":\"$.leads\","
    "\"ItemProcessor\":{\"StartAt\":\"Enrich\",\"States\":{"
    "\"Enrich\":{" FUNCTION "enrich\",\"Parameters\":{\"i.$\":\"$$.Map.Item.Index\"},"
    "\"Next\":\"Keep\"},\"Keep\":{\"Type\":\"Pass\",\"End\":true}}},\"End\":true}}}";

static void test_rerun_of_one_item(void **state)
{
    struct scene *s = scene_new(each);
    *state = s;
    scene_start(s, "{\"leads\":[7,8,9]}");
    struct recovery_request r = {.kind = RECOVERY_RERUN, .step = STR("Leads[1]/Enrich")};
    struct plan plan = make(s, r);
    assert_int_equal(plan.problem_count, 0);
    assert_int_equal(plan.recovery.item_index, 1);
    assert_true(json_equal(plan.recovery.item, json_int(8)));
    assert_true(json_equal(plan.recovery.data, json_int(8)));
    scene_recover(s, &plan);
    assert_int_equal(scene_asked(s, "enrich"), 4);
    assert_int_equal(run_status(s->player->live), FLOW_SUCCEEDED);
    r.step = STR("Leads[3]/Enrich");
    assert_problem(s, r, "there is no step \"Leads[3]/Enrich\"");
    r.step = STR("Enrich");
    assert_problem(s, r, "names more than one step");
    r.step = STR("Leads/2/Enrich");
    assert_int_equal(make(s, r).problem_count, 0);
}

static void test_a_choice_that_goes_elsewhere(void **state)
{
    struct scene *s = scene_new(
        "{\"StartAt\":\"Score\",\"States\":{\"Score\":{" FUNCTION "score\",\"Next\":\"Which\"},"
        "\"Which\":{\"Type\":\"Choice\",\"Choices\":[{\"Variable\":\"$.n\",\"NumericEquals\":1,"
        "\"Next\":\"Good\"}],\"Default\":\"Bad\"},\"Good\":{" FUNCTION "good\",\"End\":true},"
        "\"Bad\":{\"Type\":\"Pass\",\"End\":true}}}");
    *state = s;
    scene_start(s, "{}");
    struct plan plan =
        make_good(s, (struct recovery_request){.kind = RECOVERY_RERUN, .step = STR("1")},
                  "Score rerun, Which kept, Good kept");
    scene_recover(s, &plan);
    struct recovery_request r = {.kind = RECOVERY_RERUN, .step = STR("Good")};
    assert_problem(s, r, "step Which: Which would now lead to Bad");
    r.recorded_context = true;
    assert_int_equal(make(s, r).problem_count, 0);
}

static void test_where_a_choice_leads_is_not_known(void **state)
{
    struct scene *s = scene_new(
        "{\"StartAt\":\"A\",\"States\":{\"A\":{" FUNCTION "a\",\"Next\":\"Which\"},"
        "\"Which\":{\"Type\":\"Choice\",\"Choices\":[{\"Variable\":\"$.n\",\"NumericEquals\":1,"
        "\"Next\":\"Good\"}],\"Default\":\"Bad\"},\"Good\":{" FUNCTION "good\",\"End\":true},"
        "\"Bad\":{\"Type\":\"Pass\",\"End\":true}}}");
    *state = s;
    scene_fails(s, "a", true);
    scene_start(s, "{}");
    struct recovery_request r = {.kind = RECOVERY_RESUME};
    assert_false(make_good(s, r, "A run, Which run, Good not reached, Bad not reached").ends_known);
    r.mocks = scene_json(s, "{\"A\":{\"n\":2}}");
    assert_true(make_good(s, r, "A run, Which run, Bad run").ends_known);
    r.mocks = scene_json(s, "{\"A\":{\"errorOutput\":{\"error\":\"Boom\"}}}");
    assert_true(make_good(s, r, "A run").ends_known);
}

/* ---- forks ---- */

static void test_fork_with_a_mended_definition(void **state)
{
    struct scene *s = failed_chain(state, "c");
    const struct machine *mended =
        scene_compile(s, "{\"StartAt\":\"A\",\"States\":{"
                         "\"A\":{" FUNCTION "a\",\"ResultPath\":\"$.a\",\"Next\":\"B\"},"
                         "\"B\":{" FUNCTION "b\",\"ResultPath\":\"$.b\",\"Next\":\"C2\"},"
                         "\"C2\":{" FUNCTION "c2\",\"ResultPath\":\"$.c\",\"Next\":\"D\"},"
                         "\"D\":{" FUNCTION "d\",\"End\":true}}}");
    struct recovery_story *story = ARENA_NEW(s->arena, struct recovery_story);
    struct recovery_request *r = ARENA_NEW(s->arena, struct recovery_request);
    struct plan plan;
    struct err err;
    *story = scene_story(s);
    story->target = mended;
    r->kind = RECOVERY_FORK;
    assert_true(plan_make(story, r, s->arena, &plan, &err));
    assert_true(plan_feasible(&plan, &err));
    assert_true(str_eq(rows_text(s, &plan), STR("A kept, B kept, C2 run, D run")));
    assert_int_equal(plan.saved_ms, 2 * HOUR);
    struct scene *fork = scene_fork(s, mended, &plan, scene_json(s, "{}"));
    assert_int_equal(run_status(fork->player->live), FLOW_SUCCEEDED);
    assert_int_equal(fork->steps.count, 0);
    assert_int_equal(scene_asked(fork, "a") + scene_asked(fork, "b"), 0);
    assert_int_equal(scene_asked(fork, "c2"), 1);
    scene_free(fork);
}

static void test_fork_that_does_not_fit(void **state)
{
    struct scene *s = failed_chain(state, "c");
    struct recovery_story story = scene_story(s);
    struct recovery_request r = {.kind = RECOVERY_FORK};
    struct plan plan;
    struct err err;
    story.target = scene_compile(s, "{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Pass\","
                                    "\"Next\":\"C\"},\"C\":{\"Type\":\"Pass\",\"End\":true}}}");
    assert_true(plan_make(&story, &r, s->arena, &plan, &err));
    assert_false(plan_feasible(&plan, &err));
    assert_non_null(strstr(err.message, "another type of state"));
    assert_int_equal(plan.problem_count, 2);
    assert_non_null(strstr(json_text(s->arena, plan_json(&plan, s->arena)).ptr,
                           "does not have, at its place, the step B, which is to be kept"));
}

static void test_start(void **state)
{
    struct scene *s = failed_chain(state, NULL);
    struct recovery_story story = scene_story(s);
    struct recovery_request r = {.kind = RECOVERY_START};
    struct plan plan;
    struct err err;
    story.target = s->machine;
    assert_true(plan_make(&story, &r, s->arena, &plan, &err));
    assert_true(str_eq(rows_text(s, &plan), STR("A run, B run, C run, D run")));
    assert_int_equal(plan.expected_ms, 2 * HOUR + 11 * MINUTE);
    assert_int_equal(plan.saved_ms, 0);
    struct recovery_story fresh = {
        .target = s->machine, .limits = &s->limits, .now = {1700000000000}};
    assert_true(plan_make(&fresh, &r, s->arena, &plan, &err));
    assert_true(str_eq(rows_text(s, &plan), STR("A run, B run, C run, D run")));
    r.skip = STR("B");
    assert_true(plan_make(&fresh, &r, s->arena, &plan, &err));
    assert_false(plan_feasible(&plan, &err));
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
        TEST(test_from_step_back_twice),
        TEST(test_from_step_ahead),
        TEST(test_until_step),
        TEST(test_refusals),
        TEST(test_resume_of_what_succeeded),
        TEST(test_rerun),
        TEST(test_resume_after_a_rerun),
        TEST(test_resume_with_what_it_had),
        TEST(test_resume_after_two_reruns),
        TEST(test_resume_behind_a_review),
        TEST(test_fork_after_a_rerun),
        TEST(test_rerun_after_one_with_an_input),
        TEST(test_cascade_after_a_rerun),
        TEST(test_time_between_is_no_work),
        TEST(test_cascade),
        TEST(test_parallel_steps_are_added),
        TEST(test_one_context_failed),
        TEST(test_only_one_branch),
        TEST(test_resume_of_branches_after_reruns),
        TEST(test_from_a_step_inside),
        TEST(test_until_phase),
        TEST(test_rerun_of_one_item),
        TEST(test_a_choice_that_goes_elsewhere),
        TEST(test_where_a_choice_leads_is_not_known),
        TEST(test_fork_with_a_mended_definition),
        TEST(test_fork_that_does_not_fit),
        TEST(test_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
