/* The engine and a store full of faults, in one thread under virtual time, from a seed.
 *
 * Each seed makes a machine, starts executions of it, and lets things go wrong: calls
 * to the store are slow and overtake one another, commits are refused, the disk fails,
 * the shard is taken over, the process dies and comes back, results come twice or for
 * nobody, runs must leave memory all the time since few may stay, and the wall's clock is
 * set forward and back. In every fourth seed the machine is run by others, as a nested
 * execution for each of three items, and some of those are stopped; in every third of the
 * other seeds executions are paused and let go on, resumed when they have failed, and single
 * steps of them run again. Then the faults stop.
 * Checked:
 *   - whatever was acknowledged exists, and every execution ends;
 *   - no task is handed out whose result is in the journal, nor one twice in one life, and
 *     none of an activity to two workers ever, nor before its start is in the store;
 *   - what a token's holder was told to have counted is in the journal, and what did not
 *     count came too late;
 *   - nothing is told that is not in the store, and every turn is told in order;
 *   - no timer fires early;
 *   - no item's execution is started twice or by nobody, and none outlives its parent;
 *   - the output is that of a run without faults, where that does not depend on luck;
 *   - the same seed again gives the same turns at the same times, to the byte.
 * PAWL_SEEDS says how many seeds (300 by default), PAWL_SEED plays that one alone. */
#include "asl/compile.h"
#include "store/memory/memory_store.h"
#include "support/faulty_store.h"
#include "support/machine_gen.h"
#include "support/player.h"

#include "engine/engine.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    SEEDS_DEFAULT = 300,
    FAILURES_SHOWN_MAX = 5,
    RUNS_MAX = 8,
    TASKS_MAX = 4096,
    KNOWN_MAX = 8192,
    FAULTS_MS = 20000,
    STEPS_MAX = 400000,
    MEMORY_SMALL = 40000,
    WORKERS_MAX = 3,
    HOLDS_MAX = 2048,
};

#define ACTIVITY "arn:aws:states:us-east-1:000000000000:activity:a"

static const uint8_t secret[STORE_SECRET_SIZE] = {11};
static const int64_t begins_ms = 1700000000000;

#define INPUT "{\"items\":[1,{\"a\":[2]},\"three\"],\"n\":1}"

/* Runs the machine "kid" for each of the three items. */
static const char parent[] =
    "{\"StartAt\":\"Each\",\"States\":{\"Each\":{\"Type\":\"Map\",\"ItemsPath\":\"$.items\","
    "\"End\":true,\"ItemProcessor\":{\"StartAt\":\"K\",\"States\":{\"K\":{\"Type\":\"Task\","
    "\"Resource\":\"arn:aws:states:::states:startExecution.sync:2\",\"Parameters\":{"
    "\"StateMachineArn\":\"arn:aws:states:us-east-1:000000000000:stateMachine:kid\","
    "\"Input\":" INPUT "},\"ResultSelector\":{\"o.$\":\"$.Output\"},\"End\":true}}}}}}";

enum {
    KIDS = 3
};

/* One task at one attempt, or one timer. */
struct place {
    execution_key key;
    uint32_t step, attempt;
};

struct task {
    struct place at;
    int64_t due_ms;
    bool ok;
    int64_t output;
};

/* A token that somebody has; outlives the engine. */
struct hold {
    struct sim *sim;
    struct place at;
    int64_t due_ms, beat_ms; /* beat_ms: between signs of life; 0: none */
    int64_t beat_due_ms;
    bool asked; /* waits to hear whether it counted */
    bool over;
    bool ok;
    int64_t output;
};

/* Somebody who polls for tasks of the activity. */
struct worker {
    struct sim *sim;
    struct engine_poll *waits;
};

/* A start, from the asker's side. */
struct asked {
    struct sim *sim;
    char name[16]; /* "" for the id */
    bool answered, acknowledged;
    execution_key key;
};

struct timer {
    struct place at;
    int64_t wake_ms;
};

struct sim {
    uint64_t seed;
    struct rng rng;
    struct arena *arena;
    struct store *memory, *faulty;
    struct engine *engine;
    struct engine_options options;
    struct str definition;
    bool nested;     /* "m" is `parent`, and the machine made is "kid" */
    int64_t now_ms;  /* never goes back */
    int64_t skew_ms; /* of the wall's clock */
    int64_t wall_last_ms;
    uint64_t trace; /* a digest of all that the engine told */
    bool calm;      /* the faults have stopped */
    bool tasks_fail;
    bool disturbed; /* by people, who pause and recover */
    struct asked asked[RUNS_MAX];
    size_t asked_count;
    struct task tasks[TASKS_MAX];
    size_t task_count;
    struct hold holds[HOLDS_MAX];
    size_t hold_count;
    struct worker workers[WORKERS_MAX];
    struct place done[KNOWN_MAX], handed[KNOWN_MAX]; /* results stored; in this life */
    size_t done_count, handed_count;
    bool aborts; /* the journal read last tells of a branch that took others along */
    /* Looked for in a journal that may be ahead of what the engine has told. */
    const struct place *sought;
    bool sought_done, sought_started;
    struct place submitted[KNOWN_MAX]; /* in the store */
    size_t submitted_count;
    struct timer timers[KNOWN_MAX];
    size_t timer_count;
    const char *problem;
};

static struct totals {
    unsigned runs, crashes, deaths, refusals, turns, tasks, timers, compared, differing_luck, late,
        snapshots, jumps, kids, stops, given, lost, counted, too_late, silent, resumed, rerun,
        paused;
    unsigned statuses[EXECUTION_STATUS_COUNT];
} totals;

static void fail(struct sim *s, const char *problem)
{
    if (!s->problem)
        s->problem = problem;
}

static uint64_t below(struct sim *s, uint64_t bound)
{
    return rng_below(&s->rng, bound);
}

/* ---- what is known of steps ---- */

static bool same_place(struct place a, struct place b)
{
    return a.key == b.key && a.step == b.step && a.attempt == b.attempt;
}

static bool stands_in(const struct place *places, size_t count, struct place at)
{
    for (size_t i = 0; i < count; i++)
        if (same_place(places[i], at))
            return true;
    return false;
}

static void add_place(struct sim *s, struct place *places, size_t *count, struct place at)
{
    if (*count == KNOWN_MAX)
        fail(s, "more steps than the test knows");
    else
        places[(*count)++] = at;
}

static bool is_result(enum event_kind kind)
{
    return kind == EVENT_LAMBDA_SUCCEEDED || kind == EVENT_LAMBDA_FAILED ||
           kind == EVENT_LAMBDA_TIMED_OUT || kind == EVENT_TASK_SUCCEEDED ||
           kind == EVENT_TASK_FAILED || kind == EVENT_TASK_TIMED_OUT ||
           kind == EVENT_ACTIVITY_SUCCEEDED || kind == EVENT_ACTIVITY_FAILED ||
           kind == EVENT_ACTIVITY_TIMED_OUT;
}

static void note_event(struct sim *s, execution_key key, const struct flow_event *event)
{
    struct place at = {key, event->step, event->attempt};
    if (s->sought) {
        bool same = same_place(*s->sought, at);
        s->sought_done |= same && is_result(event->kind);
        s->sought_started |= same && event->kind == EVENT_ACTIVITY_STARTED;
        return;
    }
    if (is_result(event->kind) && !stands_in(s->done, s->done_count, at))
        add_place(s, s->done, &s->done_count, at);
    if (event->kind == EVENT_TASK_SUBMITTED && !stands_in(s->submitted, s->submitted_count, at))
        add_place(s, s->submitted, &s->submitted_count, at);
}

static void note_timer(struct sim *s, execution_key key, const struct flow_event *event,
                       struct wall_ms at)
{
    struct place place = {key, event->step, 0};
    if (event->kind == EVENT_WAIT_ARMED && s->timer_count < KNOWN_MAX)
        s->timers[s->timer_count++] = (struct timer){place, event->wake_ms};
    if (event->kind != EVENT_WAIT_EXITED)
        return;
    for (size_t i = 0; i < s->timer_count; i++)
        if (same_place(s->timers[i].at, place)) {
            totals.timers++;
            if (at.ms < s->timers[i].wake_ms || at.ms > s->wall_last_ms)
                fail(s, "a timer fired early");
        }
}

/* ---- reading the store underneath ---- */

static void read_done(void *arg, const struct err *err)
{
    *(int *)arg = err ? -1 : 1;
}

/* False: an error. */
static bool read_now(struct sim *s, struct store_read *read)
{
    int done = 0;
    read->done = read_done;
    read->arg = &done;
    store_read(s->memory, read);
    while (!done)
        store_step(s->memory, (struct mono_ns){0});
    return done > 0;
}

static struct execution_row row_of(struct sim *s, execution_key key)
{
    struct store_read read = {.kind = STORE_GET_EXECUTION, .key = key, .arena = s->arena};
    return read_now(s, &read) ? read.executions[0] : (struct execution_row){0};
}

/* What the journal says, to who would know it: the events of one execution. */
static bool each_event(struct sim *s, execution_key key, struct json *ret_output,
                       bool *ret_timed_out)
{
    struct journal_reader *reader = journal_reader_new(s->arena);
    struct store_read read = {.kind = STORE_GET_TURNS, .key = key, .arena = s->arena};
    if (!read_now(s, &read) || read.more)
        return false;
    s->aborts = false;
    for (size_t i = 0; i < read.count; i++) {
        const struct turn_row *t = &read.turns[i];
        struct journal_row row = {t->turn, t->rules_version, t->cause, t->at, t->body, t->checksum};
        struct journal_turn turn;
        if (!journal_read(reader, &row, &turn, NULL))
            return false;
        for (size_t e = 0; e < turn.count; e++) {
            const struct flow_event *event = &turn.events[e];
            note_event(s, key, event);
            if (event->kind == EVENT_EXECUTION_SUCCEEDED)
                *ret_output = event->value.value;
            if (event->kind == EVENT_LAMBDA_TIMED_OUT || event->kind == EVENT_TASK_TIMED_OUT ||
                event->kind == EVENT_ACTIVITY_TIMED_OUT)
                *ret_timed_out = true;
            s->aborts |= event->kind == EVENT_CHILD_FAILED;
        }
    }
    return true;
}

static void note_all(struct sim *s)
{
    struct store_read read = {.kind = STORE_LIST_EXECUTIONS,
                              .status = STORE_ANY_STATUS,
                              .shard = STORE_ANY_SHARD,
                              .arena = s->arena};
    struct json output = JSON_NONE;
    bool timed_out = false;
    if (!read_now(s, &read))
        fail(s, "the executions cannot be listed");
    for (size_t i = 0; i < read.count; i++)
        if (!each_event(s, read.executions[i].key, &output, &timed_out))
            fail(s, "a journal cannot be read");
}

/* ---- tasks ---- */

/* The result depends on what is asked and nothing else; every token is another. */
static int64_t result_of(struct arena *a, struct json payload)
{
    if (!json_is_absent(json_get(payload, STR("token"))))
        payload = json_get(payload, STR("x"));
    return (int64_t)(checksum64(json_text(a, payload)) % 100);
}

/* ---- holders of tokens ---- */

static bool is_held(const struct sim *s, struct place at)
{
    for (size_t i = 0; i < s->hold_count; i++)
        if (same_place(s->holds[i].at, at))
            return true;
    return false;
}

static void hold(struct sim *s, struct place at, const struct flow_effect *task)
{
    bool silent = s->tasks_fail && task->heartbeat_seconds && below(s, 4) == 0;
    if (s->hold_count == HOLDS_MAX) {
        fail(s, "more tokens than the test knows");
        return;
    }
    totals.silent += silent;
    s->holds[s->hold_count++] = (struct hold){
        .sim = s,
        .at = at,
        .due_ms = s->now_ms + 1 + (int64_t)below(s, s->tasks_fail ? 3000 : 900),
        .beat_ms = silent ? 0 : task->heartbeat_seconds * 500,
        .beat_due_ms = s->now_ms + task->heartbeat_seconds * 500,
        .over = silent, /* it says nothing at all */
        .ok = !s->tasks_fail || below(s, 6) > 0,
        .output = result_of(s->arena, task->payload),
    };
}

/* What the store says of a task: sought_done and so on. */
static bool seek(struct sim *s, const struct place *at)
{
    struct json output;
    bool timed_out = false;
    s->sought = at;
    s->sought_done = s->sought_started = false;
    if (!each_event(s, at->key, &output, &timed_out))
        fail(s, "a journal cannot be read");
    s->sought = NULL;
    return timed_out;
}

/* It did not count: then the task was over, or a sibling's end took it along. */
static void check_too_late(struct sim *s, struct place at, bool timed_out)
{
    totals.too_late++;
    if (!s->tasks_fail && !timed_out && !s->aborts && !s->sought_done &&
        row_of(s, at.key).status == EXECUTION_RUNNING)
        fail(s, "an answer that was awaited did not count");
}

static void heard(void *arg, const struct engine_reply *reply)
{
    struct hold *h = arg;
    struct sim *s = h->sim;
    h->asked = false;
    if (reply->err) /* it is asked again */
        return;
    h->over = true;
    bool timed_out = seek(s, &h->at);
    totals.counted += reply->accepted;
    if (!reply->accepted)
        check_too_late(s, h->at, timed_out);
    else if (!s->sought_done)
        fail(s, "an answer counted before it was stored");
}

static void beat_heard(void *arg, const struct engine_reply *reply)
{
    (void)arg, (void)reply;
}

static void answer_by_token(struct sim *s, struct hold *h)
{
    struct engine_task_result r = {.execution = h->at.key,
                                   .step = h->at.step,
                                   .attempt = h->at.attempt,
                                   .ok = h->ok,
                                   .output = json_int(h->output)};
    if (!h->ok) {
        r.has_error = true;
        r.error = below(s, 2) ? STR("E1") : STR("E2");
    }
    h->asked = true;
    h->due_ms = s->now_ms + 200; /* should it have to be said again */
    engine_token_result(s->engine, &r, heard, h);
}

static void move_holders(struct sim *s)
{
    for (size_t i = 0; i < s->hold_count; i++) {
        struct hold *h = &s->holds[i];
        if (h->over || h->asked)
            continue;
        if (h->beat_ms && h->beat_due_ms <= s->now_ms) {
            h->beat_due_ms = s->now_ms + h->beat_ms;
            engine_token_heartbeat(s->engine, h->at.key, h->at.step, h->at.attempt, beat_heard, h);
        }
        if (h->due_ms <= s->now_ms)
            answer_by_token(s, h);
    }
}

/* ---- workers ---- */

static void polled(void *arg, const struct engine_reply *reply)
{
    struct worker *w = arg;
    struct sim *s = w->sim;
    w->waits = NULL;
    if (!reply->task)
        return;
    struct place at = {reply->execution->key, reply->task->step, reply->task->attempt};
    totals.given++;
    seek(s, &at);
    if (!s->sought_started)
        fail(s, "a worker has a task whose start is not stored");
    if (is_held(s, at))
        fail(s, "a task was handed to two workers");
    hold(s, at, reply->task);
}

static void move_workers(struct sim *s)
{
    for (size_t i = 0; i < WORKERS_MAX; i++) {
        struct worker *w = &s->workers[i];
        w->sim = s;
        if (!w->waits && (s->calm || below(s, 4) == 0)) {
            w->waits = engine_poll_begin(s->engine, STR(ACTIVITY), STR("w"), polled, w);
        } else if (w->waits && !s->calm && below(s, 100) == 0) {
            /* Gone, with or without a task on its way. */
            engine_poll_end(w->waits, true);
            w->waits = NULL;
            totals.lost++;
        }
    }
}

static void start_task(void *arg, const struct execution_row *execution,
                       const struct flow_identity *who, const struct flow_effect *task)
{
    struct sim *s = arg;
    struct place at = {execution->key, task->step, task->attempt};
    (void)who;
    totals.tasks++;
    if (stands_in(s->done, s->done_count, at))
        fail(s, "a task whose result is stored was handed out again");
    if (stands_in(s->handed, s->handed_count, at))
        fail(s, "a task was handed out twice in one life");
    add_place(s, s->handed, &s->handed_count, at);
    if (task->resource->kind == TASK_ACTIVITY || stands_in(s->submitted, s->submitted_count, at))
        fail(s, "an activity's task, or a call that had been answered, was handed out");
    if (task->by_token && !is_held(s, at))
        hold(s, at, task);
    if (row_of(s, execution->key).turns == 0)
        fail(s, "a task was handed out before its turn was stored");
    if (s->task_count == TASKS_MAX) {
        fail(s, "more tasks at once than the test knows");
        return;
    }
    s->tasks[s->task_count++] = (struct task){
        .at = at,
        .due_ms = s->now_ms + 1 + (int64_t)below(s, s->tasks_fail ? 3000 : 900),
        .ok = !s->tasks_fail || below(s, 6) > 0,
        .output = result_of(s->arena, task->payload),
    };
}

static void cancel_task(void *arg, execution_key key, uint32_t step, uint32_t attempt)
{
    struct sim *s = arg;
    for (size_t i = 0; i < s->task_count; i++)
        if (same_place(s->tasks[i].at, (struct place){key, step, attempt}))
            s->tasks[i--] = s->tasks[--s->task_count];
}

static void answer(struct sim *s, const struct task *t)
{
    struct engine_task_result r = {.execution = t->at.key,
                                   .step = t->at.step,
                                   .attempt = t->at.attempt,
                                   .ok = t->ok,
                                   .output = json_int(t->output)};
    if (!t->ok) {
        r.has_error = true;
        r.error = below(s, 2) ? STR("E1") : STR("E2");
    }
    engine_task_result(s->engine, &r);
    if (below(s, 10) == 0)
        engine_task_result(s->engine, &r);
    r.step += 1000000; /* nobody waits for that */
    if (below(s, 10) == 0)
        engine_task_result(s->engine, &r);
}

static void answer_due(struct sim *s)
{
    for (size_t i = 0; i < s->task_count;) {
        struct task t = s->tasks[i];
        if (t.due_ms > s->now_ms) {
            i++;
            continue;
        }
        s->tasks[i] = s->tasks[--s->task_count];
        answer(s, &t);
    }
}

/* ---- what the engine tells ---- */

/* The turn's body as well: its checksum is that of all its bytes. */
static void note_trace(struct sim *s, const struct execution_row *execution, struct wall_ms at)
{
    struct store_read read = {.kind = STORE_GET_TURNS,
                              .key = execution->key,
                              .turn = execution->turns - 1,
                              .rows_max = 1,
                              .arena = s->arena};
    bool found = read_now(s, &read) && read.count;
    uint64_t told[] = {
        s->trace,        (uint64_t)execution->key, execution->turns,
        (uint64_t)at.ms, (uint64_t)s->now_ms,      found ? read.turns[0].checksum : 0};
    s->trace = checksum64(str_of((const char *)told, sizeof(told)));
}

static void followed(void *arg, const struct run *run, const struct execution_row *execution,
                     const struct flow_event *events, size_t count, struct wall_ms at)
{
    struct sim *s = arg;
    struct execution_row stored = row_of(s, execution->key);
    (void)run;
    totals.turns++;
    if (stored.turns < execution->turns)
        fail(s, "a turn was told before it was stored");
    if (execution->status != EXECUTION_RUNNING && stored.status != execution->status)
        fail(s, "an end was told before it was stored");
    note_trace(s, execution, at);
    for (size_t i = 0; i < count; i++) {
        note_event(s, execution->key, &events[i]);
        note_timer(s, execution->key, &events[i], at);
    }
}

static void replied(void *arg, const struct engine_reply *reply)
{
    struct asked *a = arg;
    if (a->answered)
        fail(a->sim, "a start was answered twice");
    a->answered = true;
    a->acknowledged |= !reply->err;
    if (reply->err)
        return;
    a->key = reply->execution->key;
    if (row_of(a->sim, a->key).turns == 0)
        fail(a->sim, "a start was acknowledged before it was stored");
}

static void troubled(void *arg, execution_key key, const struct err *err, struct wall_ms again_at)
{
    struct sim *s = arg;
    (void)key;
    totals.refusals++;
    if (again_at.ms && err->code != ERR_CORRUPT)
        return;
    printf("# %s\n", err->message);
    fail(s, "a run could not be loaded");
}

/* ---- lives ---- */

static void open_engine(struct sim *s)
{
    struct err err = {0};
    struct faulty_options faults = {
        .seed = rng_next(&s->rng), .refused_ppm = 50000, .taken_ppm = 500, .io_ppm = 500};
    if (s->calm)
        faults = (struct faulty_options){.seed = faults.seed};
    s->faulty = faulty_store_new(s->memory, &faults);
    s->handed_count = s->task_count = 0;
    note_all(s);
    s->options = (struct engine_options){
        .store = s->faulty,
        .seed = rng_next(&s->rng),
        .limits = flow_limits_default(),
        .tasks = {.arg = s, .start = start_task, .cancel = cancel_task},
        .troubled = troubled,
        .troubled_arg = s,
        .runs_live_max = 3 + below(s, RUNS_MAX),
        .memory_max = below(s, 2) ? MEMORY_SMALL : 0,
        .snapshot_min = below(s, 2) ? 500 : 0,
        .activity_tasks_max = below(s, 2) ? 1 + below(s, 4) : 0,
        .advance_all = true,
        .verify = below(s, 2),
    };
    if (below(s, 3) == 0)
        s->options.limits.turn_states_max = 1 + below(s, 4);
    if (!engine_new(&s->options, &s->engine, &err)) {
        fail(s, "the engine does not open");
        return;
    }
    engine_follow(s->engine, followed, s);
}

static void close_engine(struct sim *s)
{
    engine_free(s->engine);
    s->engine = NULL;
    for (size_t i = 0; i < WORKERS_MAX; i++)
        s->workers[i].waits = NULL;
    for (size_t i = 0; i < s->hold_count; i++)
        s->holds[i].asked = false;
    faulty_store_crash(s->faulty);
}

/* Starts that nobody answered are asked again, as a client would. */
static void ask(struct sim *s, struct asked *a)
{
    struct engine_start start = {.machine_name = STR("m"),
                                 .definition = s->definition,
                                 .name = str_of_cstr(a->name),
                                 .input = STR(INPUT)};
    a->answered = false;
    engine_start(s->engine, &start, replied, a);
}

static void crash(struct sim *s)
{
    close_engine(s);
    open_engine(s);
    for (size_t i = 0; i < s->asked_count && s->engine; i++)
        if (!s->asked[i].acknowledged && s->asked[i].name[0])
            ask(s, &s->asked[i]);
}

static void ask_more(struct sim *s)
{
    if (s->asked_count == RUNS_MAX || below(s, 20))
        return;
    struct asked *a = &s->asked[s->asked_count++];
    *a = (struct asked){.sim = s};
    if (below(s, 2))
        snprintf(a->name, sizeof(a->name), "n%zu", s->asked_count);
    ask(s, a);
}

static bool holds_wait(const struct sim *s)
{
    for (size_t i = 0; i < s->hold_count; i++)
        if (!s->holds[i].over)
            return true;
    return false;
}

static void advance_time(struct sim *s)
{
    struct wall_ms wake = engine_wake(s->engine);
    struct mono_ns due;
    int64_t next = INT64_MAX;
    if (faulty_store_next_due(s->faulty, &due))
        next = begins_ms + (int64_t)(due.ns / 1000000) + 1;
    if (wake.ms && wake.ms - s->skew_ms < next)
        next = wake.ms - s->skew_ms;
    for (size_t i = 0; i < s->task_count; i++)
        if (s->tasks[i].due_ms < next)
            next = s->tasks[i].due_ms;
    for (size_t i = 0; i < s->hold_count; i++)
        if (!s->holds[i].over && s->holds[i].due_ms < next)
            next = s->holds[i].due_ms;
    if (next == INT64_MAX || next <= s->now_ms)
        next = s->now_ms + 1;
    if (!s->calm && next > s->now_ms + 500)
        next = s->now_ms + 500;
    s->now_ms = next;
}

/* By up to a minute, now and then by up to a day. */
static void set_clock(struct sim *s)
{
    enum {
        MINUTE_MS = 60000,
        DAY_MS = 86400000
    };
    if (s->calm || below(s, 1000))
        return;
    uint64_t most = below(s, 4) ? MINUTE_MS : DAY_MS;
    s->skew_ms = (int64_t)below(s, 2 * most) - (int64_t)most;
    totals.jumps++;
}

static void stop_some(struct sim *s)
{
    if (!s->nested || s->calm || !s->asked_count || below(s, 400))
        return;
    const struct asked *a = &s->asked[below(s, s->asked_count)];
    if (!a->acknowledged)
        return;
    totals.stops++;
    engine_stop(s->engine, a->key, STR("Stopped"), STR(""), NULL, NULL);
}

static void planned(void *arg, const struct engine_reply *reply, const struct plan *plan)
{
    struct sim *s = arg;
    if (reply->err)
        return;
    struct execution_row stored = row_of(s, reply->execution->key);
    if (reply->execution->status == EXECUTION_RUNNING) /* else it was a dry run, or is over */
        *(plan->kind == RECOVERY_RERUN ? &totals.rerun : &totals.resumed) += 1;
    if (stored.turns < reply->execution->turns)
        fail(s, "a recovery was acknowledged before it was stored");
}

static void paused(void *arg, const struct engine_reply *reply)
{
    (void)arg;
    totals.paused += !reply->err;
}

static void run_again(struct sim *s, execution_key key)
{
    struct recovery_request request = {.kind = RECOVERY_RESUME, .numbering = STEPS_FROM_ZERO};
    if (below(s, 2)) {
        request.kind = RECOVERY_RERUN;
        request.step = arena_printf(s->arena, "%u", (unsigned)below(s, 12));
    }
    request.dry_run = below(s, 4) == 0;
    engine_recover(s->engine, key, &request, planned, s);
}

static void disturb_some(struct sim *s)
{
    if (!s->disturbed || s->calm || !s->asked_count || below(s, 30))
        return;
    const struct asked *a = &s->asked[below(s, s->asked_count)];
    if (!a->acknowledged)
        return;
    if (below(s, 3))
        run_again(s, a->key);
    else if (below(s, 2))
        engine_pause(s->engine, a->key, STR(""), STR(""), paused, s);
    else
        engine_unpause(s->engine, a->key, STR(""), NULL, NULL);
}

/* Nobody would any more. */
static void let_all_go_on(struct sim *s)
{
    for (size_t i = 0; i < s->asked_count && s->engine; i++)
        if (s->disturbed && s->asked[i].acknowledged)
            engine_unpause(s->engine, s->asked[i].key, STR(""), NULL, NULL);
}

static bool move(struct sim *s)
{
    struct err why;
    struct mono_ns mono = {(uint64_t)(s->now_ms - begins_ms) * 1000000};
    struct wall_ms wall = {s->now_ms + s->skew_ms};
    if (wall.ms > s->wall_last_ms)
        s->wall_last_ms = wall.ms;
    set_clock(s);
    bool more = engine_step(s->engine, wall, mono);
    if (engine_dead(s->engine, &why)) {
        totals.deaths++;
        crash(s);
        return true;
    }
    if (!s->calm && below(s, s->nested ? 250 : 1500) == 0) {
        totals.crashes++;
        crash(s);
        return true;
    }
    answer_due(s);
    stop_some(s);
    disturb_some(s);
    move_holders(s);
    move_workers(s);
    if (!s->calm)
        ask_more(s);
    if (!more && engine_idle(s->engine) && !s->task_count && !holds_wait(s) &&
        !engine_wake(s->engine).ms && s->calm)
        return false;
    advance_time(s);
    return true;
}

static void play_faults(struct sim *s)
{
    open_engine(s);
    for (int i = 0; i < STEPS_MAX && !s->problem && s->now_ms < begins_ms + FAULTS_MS; i++)
        move(s);
    s->calm = true;
    if (!s->problem) {
        totals.crashes++;
        crash(s);
        let_all_go_on(s);
    }
    for (int i = 0; !s->problem && move(s); i++)
        if (i == STEPS_MAX)
            fail(s, "it does not come to rest");
}

/* ---- the run without faults ---- */

struct reference {
    struct arena *arena;
    struct rng rng;
    bool slow;
};

static struct player_answer work(void *arg, const struct flow_effect *task)
{
    struct reference *r = arg;
    return (struct player_answer){
        .ok = true,
        .ms = r->slow ? 1 + (int64_t)rng_below(&r->rng, 900) : 1,
        .beats = true,
        .output = json_int(result_of(r->arena, task->payload)),
    };
}

/* "" unless it succeeds. */
static struct str reference_output(struct sim *s, const struct machine *machine, bool slow)
{
    struct reference r = {s->arena, rng_seeded(s->seed), slow};
    struct json input;
    struct player *p = player_new(machine, STR("m"), STR("x"), flow_limits_default(),
                                  (struct wall_ms){begins_ms}, work, &r);
    struct str output = STR("");
    if (json_parse_copy(s->arena, STR(INPUT), (struct json_limits){0}, &input, NULL)) {
        player_start(p, input);
        while (player_step(p, (struct wall_ms){INT64_MAX}))
            ;
        if (run_status(p->live) == FLOW_SUCCEEDED)
            output = json_text(s->arena, run_output(p->live));
    }
    player_free(p);
    return output;
}

/* ---- afterwards ---- */

static void check_execution(struct sim *s, const struct execution_row *row, struct str expected,
                            bool comparable)
{
    struct json output = JSON_NONE;
    bool timed_out = false;
    struct store_read snapshot = {.kind = STORE_GET_SNAPSHOT, .key = row->key, .arena = s->arena};
    totals.snapshots += read_now(s, &snapshot) && snapshot.found;
    totals.runs++;
    totals.statuses[row->status]++;
    if (row->status == EXECUTION_RUNNING)
        fail(s, "an execution does not end");
    if (!each_event(s, row->key, &output, &timed_out))
        fail(s, "a journal cannot be read");
    totals.late += timed_out;
    if (s->tasks_fail || timed_out || s->problem || row->status == EXECUTION_ABORTED)
        return;
    totals.differing_luck += !comparable;
    if (!comparable)
        return;
    struct str got = json_is_absent(output) ? STR("") : json_text(s->arena, output);
    totals.compared++;
    if (!str_eq(got, expected)) {
        printf("# expected: " STR_FMT "\n# got: " STR_FMT "\n", STR_ARG(expected), STR_ARG(got));
        fail(s, "the output differs from that of a run without faults");
    }
}

/* Does an execution of these time out? That of a child is its parent's failure. */
static bool any_timed_out(struct sim *s, const struct store_read *all)
{
    struct json output = JSON_NONE;
    bool timed_out = false;
    for (size_t i = 0; i < all->count; i++)
        each_event(s, all->executions[i].key, &output, &timed_out);
    return timed_out;
}

static void check_kid(struct sim *s, const struct store_read *all, const struct execution_row *kid)
{
    struct execution_row above = row_of(s, kid->parent);
    totals.kids++;
    if (above.key == 0 || !kid->parent_task)
        fail(s, "a child has no parent");
    for (const struct execution_row *other = all->executions; other < kid; other++)
        if (other->parent == kid->parent && other->parent_task == kid->parent_task)
            fail(s, "a child was started twice");
    if (above.status == EXECUTION_SUCCEEDED && kid->status != EXECUTION_SUCCEEDED)
        fail(s, "a parent succeeded without its child");
}

static void check_parent(struct sim *s, const struct store_read *all,
                         const struct execution_row *row)
{
    size_t kids = 0;
    for (size_t i = 0; i < all->count; i++)
        kids += all->executions[i].parent == row->key;
    if (kids > KIDS || (row->status == EXECUTION_SUCCEEDED && kids != KIDS))
        fail(s, "a parent has not the children that it should have");
}

static void check_nested(struct sim *s, const struct store_read *all, struct str expected,
                         bool comparable)
{
    struct str whole = STR("");
    if (expected.len)
        whole =
            arena_printf(s->arena, "[{\"o\":" STR_FMT "},{\"o\":" STR_FMT "},{\"o\":" STR_FMT "}]",
                         STR_ARG(expected), STR_ARG(expected), STR_ARG(expected));
    comparable = comparable && !any_timed_out(s, all);
    for (size_t i = 0; i < all->count; i++) {
        const struct execution_row *row = &all->executions[i];
        bool is_kid = str_eq(row->machine_name, STR("kid"));
        check_execution(s, row, is_kid ? expected : whole, comparable);
        if (is_kid)
            check_kid(s, all, row);
        else
            check_parent(s, all, row);
    }
}

static void check(struct sim *s, const struct machine *machine)
{
    struct str expected = reference_output(s, machine, false);
    bool comparable = str_eq(expected, reference_output(s, machine, true));
    struct store_read read = {.kind = STORE_LIST_EXECUTIONS,
                              .status = STORE_ANY_STATUS,
                              .shard = STORE_ANY_SHARD,
                              .arena = s->arena};
    for (size_t i = 0; i < s->asked_count; i++)
        if (s->asked[i].acknowledged && row_of(s, s->asked[i].key).key == 0)
            fail(s, "an acknowledged start is lost");
    if (!read_now(s, &read))
        fail(s, "the executions cannot be listed");
    if (s->nested)
        check_nested(s, &read, expected, comparable);
    for (size_t i = 0; i < read.count && !s->nested; i++)
        check_execution(s, &read.executions[i], expected, comparable);
}

static void put_kid(struct sim *s)
{
    struct store_write writes[2] = {{.kind = STORE_PUT_DEFINITION}, {.kind = STORE_PUT_MACHINE}};
    struct store_commit commit = {.writes = writes, .count = 2};
    int done = 0;
    commit.done = read_done;
    commit.arg = &done;
    writes[0].u.definition.text = s->definition;
    sha256(s->definition, writes[0].u.definition.hash);
    writes[1].u.machine = (struct machine_row){
        .name = STR("kid"),
        .arn = STR("arn:aws:states:us-east-1:000000000000:stateMachine:kid"),
        .created_at = {1},
        .updated_at = {1},
    };
    sha256(s->definition, writes[1].u.machine.definition);
    if (!store_claim(s->memory, 0, &commit.epoch, NULL))
        fail(s, "the store refuses to be claimed");
    store_commit(s->memory, &commit);
    while (!done)
        store_step(s->memory, (struct mono_ns){0});
    if (done < 0)
        fail(s, "the store refuses a machine");
}

/* NULL: all is well. */
static const char *play_seed(uint64_t seed, struct gen_coverage *coverage, uint64_t *ret_trace)
{
    struct sim *s = calloc(1, sizeof(*s));
    struct buf definition = BUF_INIT(0);
    struct err err = {0};
    const struct machine *machine;
    s->seed = seed;
    s->rng = rng_seeded(seed);
    s->arena = arena_new(0);
    s->memory = memory_store_new(secret);
    s->now_ms = begins_ms;
    s->tasks_fail = seed % 2;
    struct diag_list diags = diag_list(s->arena);
    machine_generate(&s->rng, &definition, coverage);
    s->definition = buf_str(&definition);
    if (!asl_compile(s->arena, s->definition, &diags, &machine, &err)) {
        fail(s, "a generated machine is refused");
    } else {
        s->nested = seed % 4 == 0;
        s->disturbed = !s->nested && seed % 3 == 1;
        if (s->nested) {
            put_kid(s);
            s->definition = STR(parent);
        }
        play_faults(s);
        if (!s->problem)
            check(s, machine);
    }
    if (s->engine)
        close_engine(s);
    const char *problem = s->problem;
    *ret_trace = s->trace;
    if (problem)
        printf("# seed %llu: %s\n", (unsigned long long)seed, problem);
    if (problem && getenv("PAWL_SEED"))
        printf("# " STR_FMT "\n", STR_ARG(s->definition));
    store_close(s->memory);
    buf_release(&definition);
    arena_free(s->arena);
    free(s);
    return problem;
}

static int64_t number_from(const char *name, int64_t otherwise)
{
    const char *text = getenv(name);
    int64_t number;
    return text && str_to_int64(str_of_cstr(text), &number) ? number : otherwise;
}

static bool verdict(int number, bool ok, const char *name)
{
    printf("%s %d - %s\n", ok ? "ok" : "not ok", number, name);
    return ok;
}

/* How many of some of the seeds go another way the second time. */
static unsigned play_again(int64_t first, int64_t last)
{
    enum {
        STRIDE = 10
    };
    struct gen_coverage coverage = {0};
    unsigned played = 0, differing = 0;
    for (int64_t seed = first; seed <= last; seed += STRIDE, played++) {
        uint64_t trace, again;
        play_seed((uint64_t)seed, &coverage, &trace);
        play_seed((uint64_t)seed, &coverage, &again);
        differing += trace != again || !trace;
    }
    printf("# played twice=%u, differing=%u\n", played, differing);
    return differing;
}

int main(void)
{
    struct gen_coverage coverage = {0};
    uint64_t trace;
    int64_t alone = number_from("PAWL_SEED", 0), first = alone ? alone : 1;
    int64_t last = alone ? alone : number_from("PAWL_SEEDS", SEEDS_DEFAULT);
    unsigned failed = 0;
    for (int64_t seed = first; seed <= last && failed < FAILURES_SHOWN_MAX; seed++)
        failed += play_seed((uint64_t)seed, &coverage, &trace) != NULL;
    printf("# seeds=%lld executions=%u (succeeded=%u failed=%u) turns=%u tasks=%u timers=%u\n"
           "# crashes=%u deaths=%u refused and tried again=%u snapshots=%u clock jumps=%u\n"
           "# outputs compared=%u (depending on luck=%u, timed out=%u)\n"
           "# given to workers=%u (polls gone=%u) answers that counted=%u too late=%u silent=%u\n"
           "# children=%u, parents stopped=%u; resumed=%u, steps run again=%u, paused=%u\n",
           (long long)(last - first + 1), totals.runs, totals.statuses[EXECUTION_SUCCEEDED],
           totals.statuses[EXECUTION_FAILED], totals.turns, totals.tasks, totals.timers,
           totals.crashes, totals.deaths, totals.refusals, totals.snapshots, totals.jumps,
           totals.compared, totals.differing_luck, totals.late, totals.given, totals.lost,
           totals.counted, totals.too_late, totals.silent, totals.kids, totals.stops,
           totals.resumed, totals.rerun, totals.paused);
    bool ok = verdict(1, failed == 0, "the engine keeps its promises whatever the store does");
    ok &= verdict(2,
                  alone || (totals.deaths && totals.refusals && totals.compared &&
                            totals.snapshots && totals.jumps && totals.given && totals.lost &&
                            totals.counted && totals.too_late && totals.silent && totals.kids &&
                            totals.stops && totals.resumed && totals.rerun && totals.paused),
                  "faults of every kind happened, and outputs were compared");
    ok &= verdict(3, play_again(first, last) == 0, "a seed played again gives the same turns");
    printf("1..3\n");
    return ok ? 0 : 1;
}
