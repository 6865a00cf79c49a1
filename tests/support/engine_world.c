#include "support/engine_world.h"

#include "asl/compile.h"
#include "engine/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static const uint64_t world_begins_ms = 1700000000000;

enum {
    SLOW_MS = 5000,
    BIG_SIZE = 64 << 10,
    FLAKY_FAILURES = 2,
};

/* ---- tasks ---- */

static bool same_task(const struct world_task *t, execution_key key, uint32_t step,
                      uint32_t attempt)
{
    return t->key == key && t->step == step && t->attempt == attempt;
}

static void start_task(void *arg, const struct execution_row *execution,
                       const struct flow_identity *who, const struct flow_effect *task)
{
    struct world *w = arg;
    assert_true(str_eq(execution->arn, who->execution_arn));
    for (size_t i = 0; i < w->task_count; i++)
        if (same_task(&w->tasks[i], execution->key, task->step, task->attempt))
            return;
    struct world_task t = {
        .key = execution->key,
        .step = task->step,
        .attempt = task->attempt,
        .function = arena_str(w->arena, task->function),
        .payload = json_text(w->arena, task->payload),
        .due_ms = w->now_ms + 1,
    };
    if (str_eq(t.function, STR("slow")))
        t.due_ms = w->now_ms + SLOW_MS;
    if (str_eq(t.function, STR("never")))
        t.due_ms = UINT64_MAX;
    w->tasks = arena_grow(w->arena, w->tasks, w->task_count, &w->task_capacity, sizeof(*w->tasks));
    w->tasks[w->task_count++] = t;
    w->started++;
    if (w->handed)
        w->handed(w->handed_arg, &t);
}

static void cancel_task(void *arg, execution_key key, uint32_t step, uint32_t attempt)
{
    struct world *w = arg;
    for (size_t i = 0; i < w->task_count; i++)
        if (same_task(&w->tasks[i], key, step, attempt)) {
            w->tasks[i] = w->tasks[--w->task_count];
            w->cancelled++;
            return;
        }
}

static void check(void *arg, const struct engine_check *check)
{
    struct world *w = arg;
    assert_true(w->check_count < COUNT_OF(w->checks_due));
    assert_ptr_equal(check->fields, check->state->verify);
    w->checks_due[w->check_count++] = (struct world_check){
        check->id, w->spoiled && str_eq(check->fields->words[0], str_of_cstr(w->spoiled))};
    w->checks++;
}

static bool answer_check(struct world *w)
{
    if (w->check_count == 0)
        return false;
    struct world_check due = w->checks_due[--w->check_count];
    engine_check_result(w->engine, &(struct engine_check_result){.id = due.id,
                                                                 .ran = true,
                                                                 .exit_status = due.fails ? 3 : 0,
                                                                 .said = STR("looked\n")});
    return true;
}

static void answer(struct world *w, const struct world_task *t)
{
    struct arena *scratch = arena_new(0);
    struct engine_task_result r = {
        .execution = t->key, .step = t->step, .attempt = t->attempt, .ok = true};
    bool flaky = str_eq(t->function, STR("flaky")) && t->attempt <= FLAKY_FAILURES;
    bool broken = str_eq(t->function, STR("broken")) && !w->mended;
    if (flaky || broken || str_eq(t->function, STR("fail"))) {
        r.ok = false;
        r.has_error = r.has_cause = true;
        r.error = broken ? STR("Broken") : STR("Boom");
        r.cause = STR("it went boom");
    } else if (str_eq(t->function, STR("big"))) {
        char *text = arena_alloc_text(scratch, BIG_SIZE);
        memset(text, 'x', BIG_SIZE);
        r.output = json_string(str_of(text, BIG_SIZE));
    } else {
        struct err err;
        bool good = json_parse(scratch, t->payload, (struct json_limits){0}, JSON_DUPLICATES_LAST,
                               &r.output, &err);
        assert_true(good);
    }
    w->answered++;
    engine_task_result(w->engine, &r);
    arena_free(scratch);
}

static bool answer_due(struct world *w)
{
    bool any = false;
    for (size_t i = 0; i < w->task_count;) {
        struct world_task t = w->tasks[i];
        if (t.due_ms > w->now_ms) {
            i++;
            continue;
        }
        w->tasks[i] = w->tasks[--w->task_count];
        answer(w, &t);
        any = true;
    }
    return any;
}

/* ---- life ---- */

static void troubled(void *arg, execution_key key, const struct err *err, struct wall_ms again_at)
{
    struct world *w = arg;
    (void)key, (void)err, (void)again_at;
    w->troubles++;
}

static void followed(void *arg, const struct run *run, const struct execution_row *execution,
                     const struct flow_event *events, size_t count, struct wall_ms at)
{
    struct world *w = arg;
    (void)events;
    assert_int_equal(run_identity(run)->key, execution->key);
    assert_true(at.ms > 0);
    w->events += count;
}

void world_init(struct world *w, struct store *store)
{
    *w = (struct world){
        .arena = arena_new(0), .store = store, .now_ms = world_begins_ms, .steps_max = 2000000};
    w->options = (struct engine_options){
        .store = store,
        .seed = 1,
        .verify = true,
        .checks_due = true,
        .advance_all = true,
        .tasks = {w, start_task, cancel_task, check},
        .troubled = troubled,
        .troubled_arg = w,
    };
}

void world_open(struct world *w)
{
    struct err err = {0};
    w->options.store = w->store;
    w->options.seed++;
    bool good = engine_new(&w->options, &w->engine, &err);
    if (!good)
        fail_msg("%s", err.message);
    engine_follow(w->engine, followed, w);
}

void world_close(struct world *w)
{
    engine_free(w->engine);
    w->engine = NULL;
    w->task_count = 0;
    w->check_count = 0;
}

void world_release(struct world *w)
{
    world_close(w);
    arena_free(w->arena);
}

/* ---- time ---- */

static uint64_t next_moment(const struct world *w)
{
    struct wall_ms wake = engine_wake(w->engine);
    uint64_t next = wake.ms ? (uint64_t)(wake.ms - w->skew_ms) : UINT64_MAX;
    for (size_t i = 0; i < w->task_count; i++)
        if (w->tasks[i].due_ms < next)
            next = w->tasks[i].due_ms;
    return next;
}

static bool world_move(struct world *w, uint64_t until_ms)
{
    struct err why;
    assert_true(w->steps_max-- > 0);
    bool more = engine_step(w->engine, (struct wall_ms){(int64_t)w->now_ms + w->skew_ms},
                            (struct mono_ns){w->now_ms * 1000000});
    if (engine_dead(w->engine, &why))
        return false;
    if (answer_due(w) || answer_check(w))
        return true;
    if (more) {
        w->now_ms++; /* for a store that is slow on purpose */
        return true;
    }
    uint64_t next = next_moment(w);
    if (next == UINT64_MAX || next > until_ms)
        return false;
    w->now_ms = next > w->now_ms ? next : w->now_ms + 1;
    return true;
}

bool world_step(struct world *w)
{
    return world_move(w, UINT64_MAX);
}

void world_settle(struct world *w)
{
    while (world_step(w))
        ;
}

bool world_work(struct world *w)
{
    return world_move(w, w->now_ms);
}

void world_pass(struct world *w, uint64_t ms)
{
    uint64_t until = w->now_ms + ms;
    while (w->now_ms < until && world_move(w, until))
        ;
    if (w->now_ms < until)
        w->now_ms = until;
}

/* ---- commands ---- */

void world_replied(void *arg, const struct engine_reply *reply)
{
    struct world_reply *r = arg;
    assert_false(r->answered);
    *r = (struct world_reply){.answered = true, .already = reply->already};
    if (reply->err) {
        r->code = reply->err->code;
        memcpy(r->message, reply->err->message, sizeof(r->message));
    } else {
        r->key = reply->execution->key;
        r->status = reply->execution->status;
    }
}

void world_planned(void *arg, const struct engine_reply *reply, const struct plan *plan)
{
    struct world_reply *r = arg;
    if (!reply->err && !reply->execution)
        *r = (struct world_reply){.answered = true}; /* of a start that is only planned */
    else
        world_replied(r, reply);
    r->has_plan = plan != NULL;
    r->problems = plan ? plan->problem_count : 0;
}

void world_start(struct world *w, const char *machine, const char *definition, const char *name,
                 const char *input, struct world_reply *reply)
{
    struct engine_start start = {
        .machine_name = str_of_cstr(machine),
        .definition = str_of_cstr(definition),
        .name = str_of_cstr(name),
        .input = str_of_cstr(input),
    };
    *reply = (struct world_reply){0};
    engine_start(w->engine, &start, world_replied, reply);
}

/* ---- reading ---- */

static void read_done(void *arg, const struct err *err)
{
    if (err)
        fail_msg("%s", err->message);
    *(bool *)arg = true;
}

void world_read(struct store *store, struct store_read *read)
{
    bool done = false;
    read->done = read_done;
    read->arg = &done;
    store_read(store, read);
    while (!done)
        store_step(store, (struct mono_ns){0});
}

struct execution_row world_row(struct world *w, struct store *store, execution_key key)
{
    struct store_read read = {.kind = STORE_GET_EXECUTION, .key = key, .arena = w->arena};
    world_read(store, &read);
    assert_int_equal(read.count, 1);
    return read.executions[0];
}

static void read_found(void *arg, const struct err *err)
{
    *(int *)arg = err ? -1 : 1;
}

bool world_has(struct store *store, execution_key key)
{
    int found = 0;
    struct arena *scratch = arena_new(0);
    struct store_read read = {.kind = STORE_GET_EXECUTION,
                              .key = key,
                              .arena = scratch,
                              .done = read_found,
                              .arg = &found};
    store_read(store, &read);
    while (!found)
        store_step(store, (struct mono_ns){0});
    arena_free(scratch);
    return found > 0;
}

bool world_has_snapshot(struct store *store, execution_key key)
{
    struct arena *scratch = arena_new(0);
    struct store_read read = {.kind = STORE_GET_SNAPSHOT, .key = key, .arena = scratch};
    world_read(store, &read);
    arena_free(scratch);
    return read.found;
}

struct wall_ms world_turn_at(struct store *store, execution_key key, uint32_t turn)
{
    struct arena *scratch = arena_new(0);
    struct store_read read = {
        .kind = STORE_GET_TURNS, .key = key, .turn = turn, .rows_max = 1, .arena = scratch};
    world_read(store, &read);
    assert_int_equal(read.count, 1);
    struct wall_ms at = read.turns[0].at;
    arena_free(scratch);
    return at;
}

void world_commit(struct store *store, uint32_t shard, uint64_t epoch,
                  const struct store_write *writes, size_t count)
{
    bool done = false;
    struct store_commit commit = {.shard = shard,
                                  .epoch = epoch,
                                  .writes = writes,
                                  .count = count,
                                  .done = read_done,
                                  .arg = &done};
    store_commit(store, &commit);
    while (!done)
        store_step(store, (struct mono_ns){0});
}

struct machine_row world_machine(struct world *w, struct store *store, const char *name)
{
    struct store_read read = {
        .kind = STORE_GET_MACHINE, .name = str_of_cstr(name), .arena = w->arena};
    world_read(store, &read);
    assert_int_equal(read.count, 1);
    return read.machines[0];
}

struct world_rows world_named(struct world *w, struct store *store, const char *name)
{
    struct store_read read = {
        .kind = STORE_FIND_NAMED, .name = str_of_cstr(name), .arena = w->arena};
    world_read(store, &read);
    return (struct world_rows){read.executions, read.count};
}

/* Either may be NULL. */
static void fold(struct world *w, struct store *store, execution_key key, world_event *each,
                 world_steps *take, void *arg)
{
    struct arena *a = arena_new(0);
    struct step_list steps = {0};
    struct store_read read = {.kind = STORE_GET_TURNS, .key = key, .arena = a};
    struct execution_row row = world_row(w, store, key);
    struct flow_identity identity = identity_of_row(a, &row, store_secret(store));
    struct flow_limits limits = flow_limits_default();
    struct store_read text = {.kind = STORE_GET_DEFINITION, .arena = a};
    struct diag_list diags = diag_list(a);
    const struct machine *machine = NULL;
    struct err err = {0};
    memcpy(text.hash, row.definition, SHA256_SIZE);
    world_read(store, &text);
    bool good = asl_compile(a, text.text, &diags, &machine, &err);
    assert_true(good);
    struct run *run = run_new(machine, &identity, &limits);
    struct journal_reader *reader = journal_reader_new(a);
    do {
        world_read(store, &read);
        for (size_t i = 0; i < read.count; i++) {
            const struct turn_row *t = &read.turns[i];
            struct journal_row journal = {t->turn, t->rules_version, t->cause,
                                          t->at,   t->body,          t->checksum};
            struct journal_turn turn;
            good = journal_fold(reader, &journal, run, &turn, &err);
            if (!good)
                fail_msg("%s", err.message);
            for (size_t e = 0; each && e < turn.count; e++)
                each(arg, &turn.events[e]);
            steps_apply(&steps, a, run, turn.events, turn.count, turn.at);
        }
        read.turn = run_turns(run);
    } while (read.more);
    if (take)
        take(arg, &steps);
    run_free(run);
    arena_free(a);
}

void world_history(struct world *w, struct store *store, execution_key key, world_event *each,
                   void *arg)
{
    fold(w, store, key, each, NULL, arg);
}

void world_list_steps(struct world *w, struct store *store, execution_key key, world_steps *take,
                      void *arg)
{
    fold(w, store, key, NULL, take, arg);
}

struct output {
    struct arena *arena;
    struct str text;
};

static void take_output(void *arg, const struct flow_event *event)
{
    struct output *o = arg;
    if (event->kind == EVENT_EXECUTION_SUCCEEDED)
        o->text = json_text(o->arena, event->value.value);
}

struct str world_output(struct world *w, struct store *store, execution_key key)
{
    struct output o = {.arena = w->arena};
    world_history(w, store, key, take_output, &o);
    return o.text;
}
