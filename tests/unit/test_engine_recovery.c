/* Recoveries under virtual time: an execution that ended goes on, beside others, through
 * refusals of the store and deaths of the process; and what is asked of one that runs. */
#include "engine/recoveries.h"
#include "store/memory/memory_store.h"
#include "support/engine_world.h"
#include "support/faulty_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const uint8_t secret[STORE_SECRET_SIZE] = {8};

#define LAMBDA(function) "arn:aws:lambda:us-east-1:000000000000:function:" function
#define TASK(function, rest) "{\"Type\":\"Task\",\"Resource\":\"" LAMBDA(function) "\"," rest "}"
#define CHAIN3(second, more)                                                                       \
    "{\"StartAt\":\"A\",\"States\":{\"A\":" TASK("echo", more "\"Next\":\"B\"") ",\"B\":" TASK(    \
        second, "\"Next\":\"C\"") ",\"C\":" TASK("echo", "\"End\":true") "}}"
#define VERIFY "\"x-verify\":{\"command\":[\"look\",\"here\"],\"remedy\":\"copy it again\"},"

enum {
    DAY_MS = 24 * 60 * 60 * 1000
};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    world_init(w, memory_store_new(secret));
    world_open(w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    world_release(w);
    store_close(w->store);
    free(w);
    return 0;
}

static void reopen(struct world *w)
{
    while (store_step(w->store, (struct mono_ns){0}))
        ;
    world_close(w);
    world_open(w);
}

/* Started, and settled. */
static execution_key ended(struct world *w, const char *definition, const char *input,
                           enum execution_status status)
{
    struct world_reply reply;
    world_start(w, "m", definition, "", input, &reply);
    world_settle(w);
    assert_int_equal(reply.code, ERR_NONE);
    struct execution_row row = world_row(w, w->store, reply.key);
    assert_string_equal(execution_status_name(row.status), execution_status_name(status));
    return reply.key;
}

static void until_answered(struct world *w, const struct world_reply *reply)
{
    for (bool moves = true; !reply->answered; moves = world_work(w))
        assert_true(moves);
}

static void ask(struct world *w, execution_key key, struct recovery_request request,
                struct world_reply *reply)
{
    *reply = (struct world_reply){0};
    engine_recover(w->engine, key, &request, world_planned, reply);
}

static const struct recovery_request resume = {.kind = RECOVERY_RESUME};
static const struct recovery_request dry_resume = {.kind = RECOVERY_RESUME, .dry_run = true};

static struct world_reply recovered(struct world *w, execution_key key,
                                    struct recovery_request request)
{
    struct world_reply reply;
    ask(w, key, request, &reply);
    until_answered(w, &reply);
    return reply;
}

static void assert_refused(struct world *w, execution_key key, struct recovery_request request,
                           enum err_code code, const char *part)
{
    struct execution_row before = world_row(w, w->store, key);
    struct world_reply reply = recovered(w, key, request);
    assert_string_equal(err_name(reply.code), err_name(code));
    if (!strstr(reply.message, part))
        fail_msg("\"%s\" is not in: %s", part, reply.message);
    struct execution_row after = world_row(w, w->store, key);
    assert_int_equal(after.turns, before.turns);
    assert_int_equal(after.status, before.status);
}

static void assert_status(struct world *w, execution_key key, enum execution_status status)
{
    struct execution_row row = world_row(w, w->store, key);
    assert_string_equal(execution_status_name(row.status), execution_status_name(status));
}

/* ---- what was handed out ---- */

struct handed {
    size_t count;
    uint32_t steps[64];
};

static void note_handed(void *arg, const struct world_task *task)
{
    struct handed *h = arg;
    assert_true(h->count < COUNT_OF(h->steps));
    h->steps[h->count++] = task->step;
}

static void listen(struct world *w, struct handed *h)
{
    *h = (struct handed){0};
    w->handed = note_handed;
    w->handed_arg = h;
}

/* ---- resuming ---- */

static void it_goes_on_where_it_failed(void **state)
{
    struct world *w = *state;
    struct handed h;
    execution_key key = ended(w, CHAIN3("broken", ""), "[1]", EXECUTION_FAILED);
    w->mended = true;
    listen(w, &h);
    struct world_reply reply = recovered(w, key, resume);
    assert_int_equal(reply.code, ERR_NONE);
    assert_true(reply.has_plan && !reply.problems);
    assert_int_equal(reply.status, EXECUTION_RUNNING);
    struct execution_row row = world_row(w, w->store, key);
    assert_int_equal(row.status, EXECUTION_RUNNING); /* durable before the answer */
    assert_int_equal(row.redrive_count, 1);
    assert_int_equal(row.redriven_at.ms, world_turn_at(w->store, key, row.turns - 1).ms);
    assert_int_equal(row.stopped_at.ms, 0);
    world_settle(w);
    row = world_row(w, w->store, key);
    assert_int_equal(row.status, EXECUTION_SUCCEEDED);
    assert_int_equal(row.redrive_count, 1);
    assert_true(row.stopped_at.ms > row.redriven_at.ms);
    assert_true(str_eq(world_output(w, w->store, key), STR("[1]")));
    assert_int_equal(h.count, 2);
    assert_int_equal(h.steps[0], 1);
    assert_int_equal(h.steps[1], 2);
}

static void it_fails_again_and_goes_on_again(void **state)
{
    struct world *w = *state;
    execution_key key = ended(w, CHAIN3("broken", ""), "[1]", EXECUTION_FAILED);
    for (uint32_t count = 1; count < 4; count++) {
        assert_int_equal(recovered(w, key, resume).code, ERR_NONE);
        world_settle(w);
        struct execution_row row = world_row(w, w->store, key);
        assert_int_equal(row.status, EXECUTION_FAILED);
        assert_int_equal(row.redrive_count, count);
        reopen(w);
    }
    w->mended = true;
    assert_int_equal(recovered(w, key, resume).code, ERR_NONE);
    world_settle(w);
    assert_status(w, key, EXECUTION_SUCCEEDED);
}

/* The process dies once the answer is there: the next one goes on. */
static void what_was_answered_is_durable(void **state)
{
    struct world *w = *state;
    execution_key key = ended(w, CHAIN3("broken", ""), "[1]", EXECUTION_FAILED);
    w->mended = true;
    assert_int_equal(recovered(w, key, resume).code, ERR_NONE);
    world_close(w);
    world_open(w);
    world_settle(w);
    assert_status(w, key, EXECUTION_SUCCEEDED);
}

static void a_dry_run_changes_nothing(void **state)
{
    struct world *w = *state;
    struct handed h;
    execution_key key = ended(w, CHAIN3("broken", VERIFY), "[1]", EXECUTION_FAILED);
    struct execution_row before = world_row(w, w->store, key);
    listen(w, &h);
    struct world_reply reply = recovered(w, key, dry_resume);
    assert_int_equal(reply.code, ERR_NONE);
    assert_true(reply.has_plan && !reply.problems);
    assert_int_equal(reply.status, EXECUTION_FAILED);
    world_settle(w);
    struct execution_row after = world_row(w, w->store, key);
    assert_int_equal(after.turns, before.turns);
    assert_int_equal(after.redrive_count, 0);
    assert_int_equal(h.count, 0);
    assert_int_equal(w->checks, 1); /* which only looked */
    assert_int_equal(engine_stats(w->engine).runs, 0);
    assert_int_equal(engine_stats(w->engine).memory, 0);
    assert_true(engine_idle(w->engine));
}

static void it_is_refused_with_the_reason(void **state)
{
    struct world *w = *state;
    struct world_reply reply = recovered(w, 1, resume);
    assert_int_equal(reply.code, ERR_NOT_FOUND);
    assert_false(reply.has_plan);
    execution_key good = ended(w, CHAIN3("echo", ""), "1", EXECUTION_SUCCEEDED);
    reply = recovered(w, good, resume);
    assert_true(reply.code != ERR_NONE && reply.has_plan && reply.problems);
    struct recovery_request redrive = {.kind = RECOVERY_RESUME, .redrive = true};
    assert_refused(w, good, redrive, ERR_NOT_REDRIVABLE,
                   "Execution is SUCCEEDED and cannot be redriven");
    world_start(w, "m", CHAIN3("never", ""), "", "1", &reply);
    world_settle(w);
    execution_key running = reply.key;
    assert_refused(w, running, resume, ERR_CONFLICT, "has not ended");
    assert_refused(w, running, redrive, ERR_NOT_REDRIVABLE,
                   "Execution is RUNNING and cannot be redriven");
}

static void two_at_once_are_one(void **state)
{
    struct world *w = *state;
    struct world_reply first, second, dry;
    execution_key key = ended(w, CHAIN3("broken", ""), "1", EXECUTION_FAILED);
    w->mended = true;
    ask(w, key, resume, &first);
    ask(w, key, dry_resume, &dry); /* beside it */
    ask(w, key, resume, &second);
    assert_true(second.answered);
    assert_int_equal(second.code, ERR_CONFLICT);
    assert_non_null(strstr(second.message, "a resume of this execution is under way"));
    until_answered(w, &first);
    assert_int_equal(first.code, ERR_NONE);
    struct world_reply late = recovered(w, key, resume);
    assert_int_equal(late.code, ERR_CONFLICT);
    assert_non_null(strstr(late.message, "has been resumed and runs"));
    world_settle(w);
    assert_true(dry.answered && dry.code == ERR_NONE);
    assert_status(w, key, EXECUTION_SUCCEEDED);
}

static void the_window_of_aws(void **state)
{
    struct world *w = *state;
    struct recovery_request redrive = {.kind = RECOVERY_RESUME, .redrive = true};
    world_close(w);
    w->options.redrive_window_ms = 14 * (int64_t)DAY_MS;
    world_open(w);
    execution_key key = ended(w, CHAIN3("broken", ""), "1", EXECUTION_FAILED);
    w->now_ms += 14 * (uint64_t)DAY_MS;
    w->mended = true;
    execution_key late = ended(w, CHAIN3("fail", ""), "1", EXECUTION_FAILED);
    assert_refused(w, key, redrive, ERR_NOT_REDRIVABLE, "Execution redrivable period exceeded");
    assert_int_equal(recovered(w, late, redrive).code, ERR_NONE);
    assert_int_equal(recovered(w, key, resume).code, ERR_NONE); /* ours knows no window */
    world_settle(w);
    assert_status(w, key, EXECUTION_SUCCEEDED);
}

/* Eleven events, of which the last is that it failed; redriving takes two more. */
static void a_full_history_is_not_redriven(void **state)
{
    struct world *w = *state;
    struct recovery_request redrive = {.kind = RECOVERY_RESUME, .redrive = true};
    world_close(w);
    w->options.limits = flow_limits_default();
    w->options.limits.history_max = 12;
    world_open(w);
    execution_key key = ended(w, CHAIN3("broken", ""), "1", EXECUTION_FAILED);
    assert_refused(w, key, redrive, ERR_NOT_REDRIVABLE, "Execution history event limit exceeded");
    world_close(w);
    w->options.limits.history_max = 13;
    world_open(w);
    assert_int_equal(recovered(w, key, redrive).code, ERR_NONE);
}

static void what_stands_in_other_histories_does_not_count(void **state)
{
    static const char map[] =
        "{\"StartAt\":\"M\",\"States\":{\"M\":{\"Type\":\"Map\",\"ItemProcessor\":{"
        "\"ProcessorConfig\":{\"Mode\":\"DISTRIBUTED\",\"ExecutionType\":\"STANDARD\"},"
        "\"StartAt\":\"I\",\"States\":{\"I\":{\"Type\":\"Pass\",\"End\":true}}},"
        "\"Next\":\"B\"},\"B\":" TASK("broken", "\"End\":true") "}}";
    struct world *w = *state;
    struct recovery_request redrive = {.kind = RECOVERY_RESUME, .redrive = true};
    world_close(w);
    w->options.limits = flow_limits_default();
    w->options.limits.history_max = 20;
    world_open(w);
    execution_key key =
        ended(w, map, "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]", EXECUTION_FAILED);
    w->mended = true;
    assert_int_equal(recovered(w, key, redrive).code, ERR_NONE);
    world_settle(w);
    assert_status(w, key, EXECUTION_SUCCEEDED);
}

static void a_long_story_is_refused(void **state)
{
    struct world *w = *state;
    world_close(w);
    w->options.story_memory_max = 64 << 10;
    world_open(w);
    execution_key key = ended(w, CHAIN3("big", ""), "1", EXECUTION_SUCCEEDED);
    assert_refused(w, key, resume, ERR_MEMORY_LIMIT, "limit recovery_memory_max");
    assert_int_equal(engine_stats(w->engine).memory, 0);
}

/* Many recoveries at once: few stories are in memory, the others wait. */
static void many_wait_for_their_turn(void **state)
{
    enum {
        MANY = 40
    };
    struct world *w = *state;
    struct world_reply replies[MANY];
    execution_key keys[MANY];
    for (int i = 0; i < MANY; i++)
        keys[i] = ended(w, CHAIN3("broken", VERIFY), "1", EXECUTION_FAILED);
    w->mended = true;
    for (int i = 0; i < MANY; i++)
        ask(w, keys[i], resume, &replies[i]);
    world_settle(w);
    for (int i = 0; i < MANY; i++) {
        assert_true(replies[i].answered);
        assert_int_equal(replies[i].code, ERR_NONE);
        assert_status(w, keys[i], EXECUTION_SUCCEEDED);
    }
}

/* ---- one step again ---- */

static struct recovery_request rerun_of(const char *step)
{
    return (struct recovery_request){.kind = RECOVERY_RERUN, .step = str_of_cstr(step)};
}

static void one_step_runs_again(void **state)
{
    struct world *w = *state;
    struct handed h;
    execution_key key = ended(w, CHAIN3("slow", ""), "[1]", EXECUTION_SUCCEEDED);
    struct execution_row before = world_row(w, w->store, key);
    listen(w, &h);
    assert_int_equal(recovered(w, key, rerun_of("B")).code, ERR_NONE);
    assert_status(w, key, EXECUTION_RUNNING);
    world_pass(w, 100);
    struct world_reply other = recovered(w, key, rerun_of("A"));
    assert_int_equal(other.code, ERR_CONFLICT);
    assert_non_null(strstr(other.message, "step 2 of execution"));
    assert_non_null(strstr(other.message, "is being run again"));
    reopen(w);
    world_settle(w);
    struct execution_row after = world_row(w, w->store, key);
    assert_int_equal(after.status, EXECUTION_SUCCEEDED);
    assert_int_equal(after.redrive_count, 0); /* AWS knows nothing of it */
    assert_true(after.turns > before.turns);
    for (size_t i = 0; i < h.count; i++)
        assert_int_equal(h.steps[i], 1);
    assert_true(str_eq(world_output(w, w->store, key), STR("[1]")));
}

/* It leaves the end that there was. */
static void a_rerun_that_fails_restores_the_end(void **state)
{
    struct world *w = *state;
    w->mended = true;
    execution_key key = ended(w, CHAIN3("broken", ""), "[1]", EXECUTION_SUCCEEDED);
    w->mended = false;
    assert_int_equal(recovered(w, key, rerun_of("B")).code, ERR_NONE);
    world_settle(w);
    assert_status(w, key, EXECUTION_SUCCEEDED);
    assert_true(str_eq(world_output(w, w->store, key), STR("[1]")));
    struct world_reply none = recovered(w, key, rerun_of("Z"));
    assert_int_not_equal(none.code, ERR_NONE);
    assert_non_null(strstr(none.message, "Z"));
}

/* ---- checks ---- */

struct notes {
    size_t count, good;
};

static void take_note(void *arg, const struct flow_event *event)
{
    struct notes *n = arg;
    if (event->kind != EVENT_NOTE)
        return;
    n->count++;
    n->good += json_is_true(json_get(json_at(json_get(event->log, STR("checks")), 0), STR("ok")));
}

static void what_stays_is_checked_before_and_after(void **state)
{
    struct world *w = *state;
    struct notes notes = {0};
    execution_key key = ended(w, CHAIN3("broken", VERIFY), "[1]", EXECUTION_FAILED);
    w->mended = true;
    assert_int_equal(recovered(w, key, resume).code, ERR_NONE);
    assert_int_equal(w->checks, 1);
    world_settle(w);
    assert_int_equal(w->checks, 2);
    assert_status(w, key, EXECUTION_SUCCEEDED);
    world_history(w, w->store, key, take_note, &notes);
    assert_int_equal(notes.count, 1);
    assert_int_equal(notes.good, 1);
    assert_int_equal(w->troubles, 0);
    assert_true(engine_idle(w->engine) && !engine_minds_children(w->engine));
}

static void what_is_gone_refuses_it(void **state)
{
    struct world *w = *state;
    execution_key key = ended(w, CHAIN3("broken", VERIFY), "[1]", EXECUTION_FAILED);
    w->mended = true;
    w->spoiled = "look";
    assert_refused(w, key, resume, ERR_CONFLICT,
                   "what step A left is not as it should be: look here exited with 3: looked");
    struct world_reply reply = recovered(w, key, resume);
    assert_non_null(strstr(reply.message, "copy it again, or start it all anew with pawl restart"));
    reply = recovered(w, key, dry_resume);
    assert_int_equal(reply.code, ERR_NONE);
    assert_int_equal(reply.problems, 1);
    assert_status(w, key, EXECUTION_FAILED);
}

static void what_is_gone_afterwards_is_told(void **state)
{
    struct world *w = *state;
    struct notes notes = {0};
    execution_key key = ended(w, CHAIN3("broken", VERIFY), "[1]", EXECUTION_FAILED);
    w->mended = true;
    assert_int_equal(recovered(w, key, resume).code, ERR_NONE);
    w->spoiled = "look";
    world_settle(w);
    assert_status(w, key, EXECUTION_SUCCEEDED);
    world_history(w, w->store, key, take_note, &notes);
    assert_int_equal(notes.count, 1);
    assert_int_equal(notes.good, 0);
    assert_int_equal(w->troubles, 1);
}

/* ---- what is due ---- */

static size_t marks(struct world *w)
{
    struct store_read read = {
        .kind = STORE_LIST_OBJECTS, .object_kind = STR("check"), .arena = w->arena};
    world_read(w->store, &read);
    return read.count;
}

static struct notes notes_of(struct world *w, execution_key key)
{
    struct notes notes = {0};
    world_history(w, w->store, key, take_note, &notes);
    return notes;
}

static void until_status(struct world *w, execution_key key, enum execution_status status)
{
    while (world_row(w, w->store, key).status != status)
        assert_true(world_step(w));
}

static void assert_noted(struct world *w, execution_key key, size_t count)
{
    assert_status(w, key, EXECUTION_SUCCEEDED);
    assert_int_equal(notes_of(w, key).count, count);
    assert_int_equal(notes_of(w, key).good, count);
    assert_int_equal(marks(w), 0);
    assert_true(engine_idle(w->engine) && !engine_minds_children(w->engine));
}

/* The process dies while it runs, or once it has ended and before that was noted. */
static void the_next_process_checks_again(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 2; i++) {
        execution_key key = ended(w, CHAIN3("broken", VERIFY), "[1]", EXECUTION_FAILED);
        w->mended = true;
        assert_int_equal(recovered(w, key, resume).code, ERR_NONE);
        assert_int_equal(marks(w), 1); /* as durable as the answer */
        if (i)
            until_status(w, key, EXECUTION_SUCCEEDED);
        assert_int_equal(notes_of(w, key).count, 0);
        reopen(w);
        w->checks = 0;
        world_settle(w);
        assert_int_equal(w->checks, 1);
        assert_noted(w, key, 1);
        reopen(w);
        world_settle(w);
        assert_int_equal(w->checks, 1); /* once and for all */
        w->mended = false;
    }
}

/* Of what is due nothing is done that was not asked for. */
static void what_is_due_stays_due_where_nobody_may_look(void **state)
{
    struct world *w = *state;
    execution_key key = ended(w, CHAIN3("broken", VERIFY), "[1]", EXECUTION_FAILED);
    struct engine_task_port tasks = w->options.tasks;
    w->mended = true;
    assert_int_equal(recovered(w, key, resume).code, ERR_NONE);
    until_status(w, key, EXECUTION_SUCCEEDED);
    w->options.checks_due = false;
    reopen(w);
    world_settle(w);
    w->options.checks_due = true;
    w->options.tasks.check = NULL;
    reopen(w);
    world_settle(w);
    assert_int_equal(w->checks, 1);
    assert_int_equal(notes_of(w, key).count, 0);
    assert_int_equal(marks(w), 1);
    w->options.tasks = tasks;
    reopen(w);
    world_settle(w);
    assert_noted(w, key, 1);
}

/* It is about the new one. */
static void a_fork_is_checked_again(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 3; i++) {
        execution_key key = ended(w, CHAIN3("fail", VERIFY), "[7]", EXECUTION_FAILED);
        struct world_reply reply = {0};
        struct engine_start start = {
            .reuse = key, .machine_name = STR("m"), .definition = STR(CHAIN3("slow", VERIFY))};
        engine_start(w->engine, &start, world_replied, &reply);
        until_answered(w, &reply);
        assert_int_equal(reply.code, ERR_NONE);
        assert_int_equal(marks(w), 1);
        if (i == 2)
            until_status(w, reply.key, EXECUTION_SUCCEEDED);
        if (i)
            reopen(w);
        world_settle(w);
        assert_noted(w, reply.key, 1);
        assert_int_equal(notes_of(w, key).count, 0);
    }
}

/* Each recovery has its own note, which never comes between another's plan and its turn,
 * whenever that is asked for. */
static void what_is_due_beside_another_recovery(void **state)
{
    enum {
        MOVES = 12
    };
    struct world *w = *state;
    for (int i = 0; i < 2 * MOVES; i++) {
        w->mended = false;
        execution_key key = ended(w, CHAIN3("broken", VERIFY), "[1]", EXECUTION_FAILED);
        assert_int_equal(recovered(w, key, resume).code, ERR_NONE);
        until_status(w, key, EXECUTION_FAILED);
        if (i % 2)
            reopen(w);
        for (int k = 0; k < i / 2; k++)
            world_work(w);
        w->mended = true;
        struct world_reply reply = recovered(w, key, resume);
        assert_int_equal(reply.code, ERR_NONE);
        world_settle(w);
        assert_noted(w, key, 2);
    }
}

static void much_that_is_due_is_checked_a_few_at_a_time(void **state)
{
    enum {
        MANY = 20
    };
    struct world *w = *state;
    execution_key keys[MANY];
    for (int i = 0; i < MANY; i++)
        keys[i] = ended(w, CHAIN3("broken", VERIFY), "1", EXECUTION_FAILED);
    w->mended = true;
    w->options.checks_due = false;
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(recovered(w, keys[i], resume).code, ERR_NONE);
        until_status(w, keys[i], EXECUTION_SUCCEEDED);
        reopen(w); /* before it is checked */
    }
    assert_int_equal(marks(w), MANY);
    w->options.checks_due = true;
    w->checks = 0;
    reopen(w);
    while (world_step(w))
        assert_true(w->check_count <= RECOVERIES_ACTIVE_MAX);
    assert_int_equal(w->checks, MANY);
    for (int i = 0; i < MANY; i++)
        assert_noted(w, keys[i], 1);
}

/* The note is tried again until it is written. */
static void a_note_outlives_refusals(void **state)
{
    struct world *w = *state;
    execution_key key = ended(w, CHAIN3("broken", VERIFY), "[1]", EXECUTION_FAILED);
    w->mended = true;
    assert_int_equal(recovered(w, key, resume).code, ERR_NONE);
    until_status(w, key, EXECUTION_SUCCEEDED);
    w->checks = 0;
    reopen(w);
    world_close(w);
    struct faulty_options faults = {.seed = 3, .refused_ppm = 800000};
    w->store = faulty_store_new(w->store, &faults);
    world_open(w);
    world_settle(w);
    assert_true(w->troubles > 0);
    assert_int_equal(w->checks, 1);
    world_close(w);
    w->store = faulty_store_crash(w->store);
    assert_int_equal(notes_of(w, key).count, 1);
    world_open(w);
    world_settle(w);
    assert_noted(w, key, 1);
}

static void put_mark(struct world *w, const char *name, const char *body)
{
    struct store_write put = {.kind = STORE_PUT_OBJECT};
    put.u.object = (struct object_row){
        .kind = STR("check"), .name = str_of_cstr(name), .body = str_of_cstr(body)};
    world_commit(w->store, 0, engine_epoch(w->engine, 0), &put, 1);
}

static void what_is_damaged_is_told_and_left_out(void **state)
{
    struct world *w = *state;
    execution_key key = ended(w, CHAIN3("broken", VERIFY), "[1]", EXECUTION_FAILED);
    struct execution_row row = world_row(w, w->store, key);
    const char *const bodies[] = {"[]", "[[0]]", "[[0,77]]", "[[0,1]]", "[[-1,0]]", "{", "7"};
    char id[UUID_TEXT_LEN], name[64];
    w->mended = true;
    assert_int_equal(recovered(w, key, resume).code, ERR_NONE);
    until_status(w, key, EXECUTION_SUCCEEDED);
    uuid_format(row.id, id);
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        snprintf(name, sizeof(name), "%.*s/%zu", UUID_TEXT_LEN, id, 1000 + i);
        put_mark(w, name, bodies[i]);
    }
    put_mark(w, "nobody", "[[0,0]]");
    put_mark(w, "00000000-0000-7000-8000-000000000000/1", "[[0,0]]");
    reopen(w);
    world_settle(w);
    assert_int_equal(w->troubles, COUNT_OF(bodies) + 2);
    assert_int_equal(notes_of(w, key).count, 1);
    assert_int_equal(marks(w), COUNT_OF(bodies) + 2);
}

/* ---- nested ---- */

#define NESTED(more, rest)                                                                         \
    "{\"StartAt\":\"N\",\"States\":{\"N\":{\"Type\":\"Task\",\"Resource\":\"arn:aws:states:::"     \
    "states:startExecution.sync:2\",\"Parameters\":{\"StateMachineArn\":\"arn:aws:states:"         \
    "us-east-1:000000000000:stateMachine:m\"," more "\"Input\":[2]}," rest "\"End\":true}}}"
#define PARENT NESTED("\"Name\":\"kid\",", "")
#define PARENT_OF_ANY NESTED("", "")

static void a_child_goes_on_alone(void **state)
{
    struct world *w = *state;
    ended(w, CHAIN3("broken", ""), "1", EXECUTION_FAILED);
    struct world_reply reply;
    world_start(w, "parent", PARENT, "", "1", &reply);
    world_settle(w);
    assert_status(w, reply.key, EXECUTION_FAILED);
    struct execution_row parent = world_row(w, w->store, reply.key);
    struct world_rows kids = world_named(w, w->store, "kid");
    assert_int_equal(kids.count, 1);
    execution_key kid = kids.items[0].key;
    w->mended = true;
    assert_int_equal(recovered(w, kid, resume).code, ERR_NONE);
    reopen(w); /* its parent, asked, would say that it waits for nothing */
    world_settle(w);
    assert_status(w, kid, EXECUTION_SUCCEEDED);
    struct execution_row after = world_row(w, w->store, parent.key);
    assert_int_equal(after.turns, parent.turns);
    assert_int_equal(after.status, EXECUTION_FAILED);
}

/* What the parent waited for is started anew when it goes on. */
static void a_parent_goes_on_with_another_child(void **state)
{
    struct world *w = *state;
    ended(w, CHAIN3("broken", ""), "1", EXECUTION_FAILED);
    struct world_reply reply;
    world_start(w, "parent", PARENT_OF_ANY, "", "1", &reply);
    world_settle(w);
    execution_key parent = reply.key;
    assert_status(w, parent, EXECUTION_FAILED);
    w->mended = true;
    assert_int_equal(recovered(w, parent, resume).code, ERR_NONE);
    world_settle(w);
    assert_status(w, parent, EXECUTION_SUCCEEDED);
    struct store_read read = {.kind = STORE_LIST_EXECUTIONS,
                              .status = STORE_ANY_STATUS,
                              .shard = STORE_ANY_SHARD,
                              .arena = w->arena};
    size_t kids = 0;
    world_read(w->store, &read);
    for (size_t i = 0; i < read.count; i++)
        kids += read.executions[i].parent == parent;
    assert_int_equal(kids, 2);
}

/* ---- control ---- */

static struct world_reply controlled(struct world *w, execution_key key,
                                     void (*command)(struct world *w, execution_key key,
                                                     struct world_reply *reply))
{
    struct world_reply reply = {0};
    command(w, key, &reply);
    until_answered(w, &reply);
    return reply;
}

static void pause_it(struct world *w, execution_key key, struct world_reply *reply)
{
    engine_pause(w->engine, key, STR("lunch"), STR("me"), world_replied, reply);
}

static void unpause_it(struct world *w, execution_key key, struct world_reply *reply)
{
    engine_unpause(w->engine, key, STR("me"), world_replied, reply);
}

static void cancel_it(struct world *w, execution_key key, struct world_reply *reply)
{
    engine_cancel(w->engine, key, STR("enough"), STR("me"), world_replied, reply);
}

static execution_key running(struct world *w, const char *definition)
{
    struct world_reply reply;
    world_start(w, "m", definition, "", "[1]", &reply);
    until_answered(w, &reply);
    while (world_work(w))
        ;
    assert_int_equal(reply.code, ERR_NONE);
    return reply.key;
}

/* ---- new executions made of others ---- */

static struct world_reply made(struct world *w, struct engine_start start)
{
    struct world_reply reply = {0};
    engine_start(w->engine, &start, world_replied, &reply);
    until_answered(w, &reply);
    return reply;
}

static struct execution_row only_related(struct world *w, execution_key key)
{
    struct store_read read = {.kind = STORE_LIST_RELATED, .related = key, .arena = w->arena};
    world_read(w->store, &read);
    assert_int_equal(read.count, 1);
    return read.executions[0];
}

static void a_restart_has_the_same_input(void **state)
{
    struct world *w = *state;
    execution_key key = ended(w, CHAIN3("broken", ""), "{\"a\":[1]}", EXECUTION_FAILED);
    /* The machine has another revision by now. */
    ended(w, CHAIN3("echo", ""), "1", EXECUTION_SUCCEEDED);
    struct machine_row machine = world_machine(w, w->store, "m");
    w->mended = true;
    struct world_reply reply = made(w, (struct engine_start){.restart = key, .name = STR("again")});
    assert_int_equal(reply.code, ERR_NONE);
    world_settle(w);
    struct execution_row row = only_related(w, key), first = world_row(w, w->store, key);
    assert_true(row.key == reply.key && row.related == key);
    assert_int_equal(row.relation, RELATION_RESTARTS);
    assert_memory_equal(row.definition, first.definition, SHA256_SIZE);
    assert_int_equal(row.status, EXECUTION_SUCCEEDED);
    assert_true(str_eq(world_output(w, w->store, row.key), STR("{\"a\":[1]}")));
    struct machine_row after = world_machine(w, w->store, "m");
    assert_memory_equal(after.definition, machine.definition, SHA256_SIZE);
    assert_status(w, key, EXECUTION_FAILED);
}

static void a_fork_takes_over_what_was_done(void **state)
{
    struct world *w = *state;
    struct handed h;
    execution_key key = ended(w, CHAIN3("broken", ""), "[7]", EXECUTION_FAILED);
    listen(w, &h);
    struct engine_start start = {.reuse = key,
                                 .name = STR("fixed"),
                                 .machine_name = STR("m"),
                                 .definition = STR(CHAIN3("slow", ""))};
    struct world_reply reply = made(w, start);
    assert_int_equal(reply.code, ERR_NONE);
    assert_true(made(w, start).already); /* while it runs: idempotent by its name */
    world_settle(w);
    assert_status(w, reply.key, EXECUTION_SUCCEEDED);
    assert_true(str_eq(world_output(w, w->store, reply.key), STR("[7]")));
    assert_int_equal(h.count, 2);
    struct execution_row row = only_related(w, key);
    assert_int_equal(row.relation, RELATION_REUSES);
    assert_int_equal(made(w, start).code, ERR_CONFLICT);
}

static void what_runs_is_not_forked(void **state)
{
    struct world *w = *state;
    execution_key key = running(w, CHAIN3("slow", ""));
    world_pass(w, 100);
    struct world_reply reply = made(w, (struct engine_start){.reuse = key});
    assert_int_equal(reply.code, ERR_CONFLICT);
    assert_non_null(strstr(reply.message, "is running"));
    world_settle(w);
    assert_status(w, key, EXECUTION_SUCCEEDED);
    reply = made(w, (struct engine_start){.restart = key}); /* needs its input alone */
    assert_int_equal(reply.code, ERR_NONE);
}

static void an_express_execution_is_only_restarted(void **state)
{
    struct world *w = *state;
    struct world_reply reply = made(w, (struct engine_start){.machine_name = STR("quick"),
                                                             .definition = STR(CHAIN3("fail", "")),
                                                             .name = STR("once"),
                                                             .input = STR("[5]"),
                                                             .express = true});
    world_settle(w);
    execution_key key = reply.key;
    assert_status(w, key, EXECUTION_FAILED);
    assert_refused(w, key, resume, ERR_NOT_REDRIVABLE, "Express");
    reply = made(w, (struct engine_start){.reuse = key});
    assert_int_equal(reply.code, ERR_NOT_REDRIVABLE);
    reply = made(w, (struct engine_start){.restart = key});
    assert_int_equal(reply.code, ERR_NONE);
    world_settle(w);
    struct execution_row row = only_related(w, key);
    assert_true(row.express && row.key == reply.key);
    assert_int_equal(row.status, EXECUTION_FAILED);
}

static void a_start_may_stop_on_its_way(void **state)
{
    struct world *w = *state;
    struct recovery_request until = {.kind = RECOVERY_START, .until = STR("B")};
    struct engine_start start = {.machine_name = STR("m"),
                                 .definition = STR(CHAIN3("echo", "")),
                                 .input = STR("[1]"),
                                 .recovery = &until};
    struct world_reply reply = made(w, start);
    assert_int_equal(reply.code, ERR_NONE);
    world_settle(w);
    assert_status(w, reply.key, EXECUTION_RUNNING);
    assert_int_equal(w->started, 2);
    assert_int_equal(world_row(w, w->store, reply.key).related, 0);
    assert_int_equal(controlled(w, reply.key, unpause_it).code, ERR_NONE);
    world_settle(w);
    assert_status(w, reply.key, EXECUTION_SUCCEEDED);
}

static void a_start_is_planned(void **state)
{
    struct world *w = *state;
    struct world_reply reply = {0};
    struct engine_start start = {
        .machine_name = STR("m"), .definition = STR(CHAIN3("echo", "")), .input = STR("[1]")};
    engine_plan(w->engine, &start, world_planned, &reply);
    world_settle(w);
    assert_true(reply.answered && reply.has_plan);
    assert_int_equal(reply.code, ERR_NONE);
    reply = (struct world_reply){0};
    start = (struct engine_start){.restart = 77};
    engine_plan(w->engine, &start, world_planned, &reply);
    world_settle(w);
    assert_int_equal(reply.code, ERR_NOT_FOUND);
    assert_int_equal(w->started, 0);
}

/* ---- what is asked of one that runs ---- */

static void it_pauses_between_steps(void **state)
{
    struct world *w = *state;
    execution_key key = running(w, CHAIN3("slow", ""));
    world_pass(w, 100); /* in B */
    assert_int_equal(controlled(w, key, pause_it).code, ERR_NONE);
    world_settle(w);
    assert_status(w, key, EXECUTION_RUNNING);
    assert_int_equal(w->started, 2); /* B ended, C does not begin */
    assert_int_equal(w->answered, 2);
    assert_refused(w, key, resume, ERR_CONFLICT, "it is paused");
    reopen(w);
    world_settle(w);
    assert_int_equal(w->started, 2);
    assert_int_equal(controlled(w, key, unpause_it).code, ERR_NONE);
    struct world_reply again = controlled(w, key, unpause_it);
    assert_int_equal(again.code, ERR_CONFLICT);
    world_settle(w);
    assert_status(w, key, EXECUTION_SUCCEEDED);
    struct world_reply late = controlled(w, key, pause_it);
    assert_int_equal(late.code, ERR_CONFLICT);
    assert_non_null(strstr(late.message, "cannot be paused: it has ended (SUCCEEDED)"));
    assert_int_equal(controlled(w, 77, pause_it).code, ERR_NOT_FOUND);
}

static void it_is_canceled(void **state)
{
    struct world *w = *state;
    execution_key key = running(w, CHAIN3("never", ""));
    world_pass(w, 100);
    assert_int_equal(controlled(w, key, cancel_it).code, ERR_NONE);
    world_settle(w);
    assert_status(w, key, EXECUTION_ABORTED);
    assert_int_equal(w->cancelled, 1);
    assert_int_equal(controlled(w, key, cancel_it).code, ERR_CONFLICT);
}

static void children_are_stopped_by_a_cancel(void **state)
{
    struct world *w = *state;
    execution_key never = running(w, CHAIN3("never", ""));
    assert_int_equal(controlled(w, never, cancel_it).code, ERR_NONE);
    struct world_reply reply;
    world_start(w, "parent", PARENT, "", "1", &reply);
    world_settle(w);
    execution_key kid = world_named(w, w->store, "kid").items[0].key;
    assert_status(w, kid, EXECUTION_RUNNING);
    assert_int_equal(controlled(w, reply.key, cancel_it).code, ERR_NONE);
    world_settle(w);
    assert_status(w, reply.key, EXECUTION_ABORTED);
    assert_status(w, kid, EXECUTION_ABORTED);
    assert_false(engine_minds_children(w->engine));
}

/* ---- reviews ---- */

#define REVIEW(fields)                                                                             \
    "{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Task\",\"Resource\":\"" LAMBDA(              \
        "echo") "\","                                                                              \
                "\"x-review\":" fields                                                             \
                ",\"Catch\":[{\"ErrorEquals\":[\"States.ALL\"],\"ResultPath\":"                    \
                "\"$.why\",\"Next\":\"B\"}],\"End\":true},\"B\":{\"Type\":\"Pass\",\"End\":true}}" \
                "}"

static struct world_reply reviewed(struct world *w, execution_key key, struct engine_review review)
{
    struct world_reply reply = {0};
    engine_review(w->engine, key, &review, world_replied, &reply);
    until_answered(w, &reply);
    return reply;
}

static execution_key waiting(struct world *w, const char *definition)
{
    struct world_reply reply;
    world_start(w, "m", definition, "", "{\"a\":1}", &reply);
    world_pass(w, 1000);
    assert_int_equal(reply.code, ERR_NONE);
    assert_status(w, reply.key, EXECUTION_RUNNING);
    assert_int_equal(w->started, 0);
    reopen(w);
    return reply.key;
}

static void a_person_approves(void **state)
{
    struct world *w = *state;
    struct err err;
    execution_key key = waiting(w, REVIEW("true"));
    struct engine_review review = {.step = STEP_NO_NONE, .approved = true, .by = STR("me")};
    assert_true(json_parse(w->arena, STR("{\"b\":2}"), (struct json_limits){0},
                           JSON_DUPLICATES_LAST, &review.changes, &err));
    assert_int_equal(reviewed(w, key, review).code, ERR_NONE);
    world_settle(w);
    assert_status(w, key, EXECUTION_SUCCEEDED);
    assert_string_equal(arena_cstr(w->arena, world_output(w, w->store, key)), "{\"a\":1,\"b\":2}");
    struct world_reply late = reviewed(w, key, review);
    assert_int_equal(late.code, ERR_CONFLICT);
    assert_non_null(strstr(late.message, "cannot be reviewed: it has ended"));
}

static void a_person_refuses(void **state)
{
    struct world *w = *state;
    execution_key key = waiting(w, REVIEW("{\"message\":\"fine?\"}"));
    struct engine_review review = {
        .step = STEP_NO_NONE, .error = STR("Nope"), .cause = STR("not well enough")};
    struct engine_review elsewhere = {.step = 7, .approved = true};
    assert_int_equal(reviewed(w, key, elsewhere).code, ERR_CONFLICT);
    assert_int_equal(reviewed(w, key, review).code, ERR_NONE);
    world_settle(w);
    assert_status(w, key, EXECUTION_SUCCEEDED);
    assert_string_equal(arena_cstr(w->arena, world_output(w, w->store, key)),
                        "{\"a\":1,\"why\":{\"Error\":\"Nope\",\"Cause\":\"not well enough\"}}");
    assert_int_equal(w->started, 0);
}

/* The expiry is a timer like others, also of a run that is not in memory. */
static void nobody_decides_in_time(void **state)
{
    struct world *w = *state;
    execution_key key = waiting(w, REVIEW("{\"expires_seconds\":60}"));
    uint64_t began = w->now_ms;
    world_settle(w);
    assert_status(w, key, EXECUTION_SUCCEEDED);
    assert_true(w->now_ms >= began + 58000 && w->now_ms <= began + 61000);
    struct str output = world_output(w, w->store, key);
    assert_true(str_find(output, STR("Pawl.ReviewExpired")) != SIZE_MAX);
}

/* ---- a store that refuses ---- */

static void a_refusing_store_changes_nothing(void **state)
{
    struct world *w = *state;
    execution_key key = ended(w, CHAIN3("broken", ""), "1", EXECUTION_FAILED);
    struct store *inner = w->store;
    w->mended = true;
    reopen(w);
    world_close(w);
    w->store = faulty_store_new(inner, &(struct faulty_options){.seed = 3, .refused_ppm = 1000000});
    world_open(w);
    struct world_reply reply;
    ask(w, key, resume, &reply);
    for (int i = 0; i < 1000 && !reply.answered; i++)
        world_work(w);
    assert_int_equal(reply.code, ERR_DISK_FULL);
    world_close(w);
    w->store = faulty_store_crash(w->store);
    world_open(w);
    assert_status(w, key, EXECUTION_FAILED);
    assert_int_equal(recovered(w, key, resume).code, ERR_NONE);
    world_settle(w);
    assert_status(w, key, EXECUTION_SUCCEEDED);
}

#define EACH(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(it_goes_on_where_it_failed),
        EACH(it_fails_again_and_goes_on_again),
        EACH(what_was_answered_is_durable),
        EACH(a_dry_run_changes_nothing),
        EACH(it_is_refused_with_the_reason),
        EACH(two_at_once_are_one),
        EACH(the_window_of_aws),
        EACH(a_full_history_is_not_redriven),
        EACH(what_stands_in_other_histories_does_not_count),
        EACH(a_long_story_is_refused),
        EACH(many_wait_for_their_turn),
        EACH(one_step_runs_again),
        EACH(a_rerun_that_fails_restores_the_end),
        EACH(what_stays_is_checked_before_and_after),
        EACH(what_is_gone_refuses_it),
        EACH(what_is_gone_afterwards_is_told),
        EACH(the_next_process_checks_again),
        EACH(what_is_due_stays_due_where_nobody_may_look),
        EACH(a_fork_is_checked_again),
        EACH(what_is_due_beside_another_recovery),
        EACH(much_that_is_due_is_checked_a_few_at_a_time),
        EACH(a_note_outlives_refusals),
        EACH(what_is_damaged_is_told_and_left_out),
        EACH(a_child_goes_on_alone),
        EACH(a_parent_goes_on_with_another_child),
        EACH(a_restart_has_the_same_input),
        EACH(a_fork_takes_over_what_was_done),
        EACH(what_runs_is_not_forked),
        EACH(an_express_execution_is_only_restarted),
        EACH(a_start_may_stop_on_its_way),
        EACH(a_start_is_planned),
        EACH(it_pauses_between_steps),
        EACH(it_is_canceled),
        EACH(children_are_stopped_by_a_cancel),
        EACH(a_person_approves),
        EACH(a_person_refuses),
        EACH(nobody_decides_in_time),
        EACH(a_refusing_store_changes_nothing),
    };
    return cmocka_run_group_tests_name("engine_recovery", tests, NULL, NULL);
}
