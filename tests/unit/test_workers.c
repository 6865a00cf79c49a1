/* Activities and task tokens on an engine under virtual time: what workers and holders
 * of tokens see, and what stands in the journal. */
#include "store/memory/memory_store.h"
#include "support/engine_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const uint8_t secret[STORE_SECRET_SIZE] = {7};

#define PAINT "arn:aws:states:us-east-1:000000000000:activity:paint"
#define ACTIVITY(rest)                                                                             \
    "{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Task\",\"Resource\":\"" PAINT "\"" rest      \
    ",\"End\":true}}}"
#define CALLBACK(function, rest)                                                                   \
    "{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Task\",\"Resource\":"                        \
    "\"arn:aws:states:::lambda:invoke.waitForTaskToken\",\"Parameters\":{\"FunctionName\":"        \
    "\"" function "\",\"Payload\":{\"token.$\":\"$$.Task.Token\"}}" rest ",\"End\":true}}}"

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

/* ---- a worker ---- */

struct worker {
    struct world *world;
    struct engine_poll *waits;
    bool answered, has_task;
    enum err_code code;
    execution_key key;
    uint32_t step, attempt;
    char payload[256], token[128];
};

static void polled(void *arg, const struct engine_reply *reply)
{
    struct worker *k = arg;
    assert_false(k->answered);
    k->answered = true;
    k->waits = NULL;
    k->has_task = reply->task != NULL;
    if (reply->err)
        k->code = reply->err->code;
    if (!reply->task)
        return;
    k->key = reply->execution->key;
    k->step = reply->task->step;
    k->attempt = reply->task->attempt;
    snprintf(k->payload, sizeof(k->payload), STR_FMT,
             STR_ARG(json_text(k->world->arena, reply->task->payload)));
    snprintf(k->token, sizeof(k->token), STR_FMT, STR_ARG(reply->task->token));
}

static void poll_as(struct world *w, struct worker *k, const char *activity, const char *name)
{
    *k = (struct worker){.world = w};
    k->waits = engine_poll_begin(w->engine, str_of_cstr(activity), str_of_cstr(name), polled, k);
}

/* Until nothing moves; the clocks do not jump. */
static void work(struct world *w)
{
    while (world_work(w))
        ;
}

static bool take(struct world *w, struct worker *k)
{
    poll_as(w, k, PAINT, "ann");
    work(w);
    if (!k->answered)
        engine_poll_end(k->waits, false);
    assert_true(k->answered);
    return k->has_task;
}

/* ---- answers ---- */

struct said {
    bool answered, accepted;
    enum err_code code;
};

static void replied(void *arg, const struct engine_reply *reply)
{
    struct said *s = arg;
    assert_false(s->answered);
    s->answered = true;
    s->accepted = reply->accepted;
    s->code = reply->err ? reply->err->code : 0;
}

static struct said answer(struct world *w, const char *token, bool ok, const char *text)
{
    struct flow_task_key key;
    struct said said = {0};
    bool good = flow_token_read(w->arena, str_of_cstr(token), secret, &key);
    assert_true(good);
    struct engine_task_result r = {
        .execution = key.execution, .step = key.step, .attempt = key.attempt, .ok = ok};
    if (ok) {
        good = json_parse(w->arena, str_of_cstr(text), (struct json_limits){0},
                          JSON_DUPLICATES_LAST, &r.output, NULL);
        assert_true(good);
    } else {
        r.has_error = true;
        r.error = str_of_cstr(text);
    }
    engine_token_result(w->engine, &r, replied, &said);
    work(w);
    assert_true(said.answered);
    return said;
}

static struct said beat(struct world *w, const char *token)
{
    struct flow_task_key key;
    struct said said = {0};
    bool good = flow_token_read(w->arena, str_of_cstr(token), secret, &key);
    assert_true(good);
    engine_token_heartbeat(w->engine, key.execution, key.step, key.attempt, replied, &said);
    work(w);
    assert_true(said.answered);
    return said;
}

static execution_key start(struct world *w, const char *definition, const char *input)
{
    struct world_reply reply;
    world_start(w, "m", definition, "", input, &reply);
    work(w);
    if (!reply.answered || reply.code)
        fail_msg("not started: %s", reply.message);
    return reply.key;
}

/* ---- histories ---- */

static void add_event(void *arg, const struct flow_event *event)
{
    struct buf *to = arg;
    if (to->len)
        buf_append_char(to, ' ');
    buf_append(to, str_of_cstr(event_name(event->kind)));
    if (event->kind == EVENT_ACTIVITY_STARTED)
        buf_printf(to, "(" STR_FMT ")", STR_ARG(event->text));
    if (event->has_error)
        buf_printf(to, "(" STR_FMT ")", STR_ARG(event->error));
}

static void assert_history(struct world *w, execution_key key, const char *expected)
{
    struct buf text = BUF_INIT(0);
    world_history(w, w->store, key, add_event, &text);
    assert_string_equal(buf_cstr(&text), expected);
    buf_release(&text);
}

static void assert_output(struct world *w, execution_key key, const char *expected)
{
    assert_string_equal(arena_cstr(w->arena, world_output(w, w->store, key)), expected);
}

/* ---- activities ---- */

static void test_task_is_taken_and_answered(void **state)
{
    struct world *w = *state;
    struct worker k;
    execution_key key = start(w, ACTIVITY(""), "{\"a\":1}");
    assert_history(w, key, "ExecutionStarted TaskStateEntered ActivityScheduled");
    assert_true(take(w, &k));
    assert_int_equal(k.key, key);
    assert_string_equal(k.payload, "{\"a\":1}");
    assert_history(w, key,
                   "ExecutionStarted TaskStateEntered ActivityScheduled ActivityStarted(ann)");
    assert_true(answer(w, k.token, true, "{\"b\":2}").accepted);
    assert_history(w, key,
                   "ExecutionStarted TaskStateEntered ActivityScheduled ActivityStarted(ann) "
                   "ActivitySucceeded TaskStateExited ExecutionSucceeded");
    assert_output(w, key, "{\"b\":2}");
    assert_int_equal(w->started, 0); /* nothing went through the port */
    assert_int_equal(engine_polls(w->engine, STR(PAINT)), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_task_is_taken_and_answered, setup, teardown),
};

int main(void)
{
    (void)beat;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
