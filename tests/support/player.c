#include "support/player.h"

#include <stdio.h>
#include <stdlib.h>

static const uint8_t secret[32] = "thirty-two bytes are the secret";

struct player *player_new(const struct machine *machine, struct str machine_name, struct str name,
                          struct flow_limits limits, struct wall_ms now, player_work *work,
                          void *arg)
{
    struct arena *a = arena_new(0);
    struct player *p = ARENA_NEW(a, struct player);
    *p = (struct player){
        .arena = a,
        .limits = limits,
        .now = now,
        .seeds = rng_seeded(1),
        .work = work,
        .arg = arg,
        .reader = journal_reader_new(a),
        .history = json_array_builder(a),
        .who =
            {
                .key = 1,
                .execution_arn = arena_printf(
                    a, "arn:aws:states:us-east-1:000000000000:execution:" STR_FMT ":" STR_FMT,
                    STR_ARG(machine_name), STR_ARG(name)),
                .name = arena_str(a, name),
                .machine_arn =
                    arena_printf(a, "arn:aws:states:us-east-1:000000000000:stateMachine:" STR_FMT,
                                 STR_ARG(machine_name)),
                .machine_name = arena_str(a, machine_name),
                .role_arn = STR("arn:aws:iam::000000000000:role/test"),
                .region = STR("us-east-1"),
                .account = STR("000000000000"),
                .secret = secret,
            },
    };
    p->live = run_new(machine, &p->who, &p->limits);
    p->folded = run_new(machine, &p->who, &p->limits);
    return p;
}

void player_free(struct player *p)
{
    if (!p)
        return;
    run_free(p->live);
    run_free(p->folded);
    arena_free(p->arena);
}

/* ---- the journal ---- */

static bool dumps_equal(const struct run *a, const struct run *b)
{
    struct buf one = BUF_INIT(0), two = BUF_INIT(0);
    run_dump(a, &one);
    run_dump(b, &two);
    bool equal = str_eq(buf_str(&one), buf_str(&two));
    if (!equal)
        printf("# one: " STR_FMT "\n# two: " STR_FMT "\n", STR_ARG(buf_str(&one)),
               STR_ARG(buf_str(&two)));
    buf_release(&one);
    buf_release(&two);
    return equal;
}

static void check_snapshot(struct player *p)
{
    struct buf text = BUF_INIT(0);
    struct arena *a = arena_new(0);
    struct json snapshot;
    struct err err;
    size_t turns;
    run_save(p->folded, &text);
    struct run *restored = run_new(run_machine(p->live), &p->who, &p->limits);
    const struct turn_values *values = journal_values(p->reader, &turns);
    if (!json_parse_copy(a, buf_str(&text), (struct json_limits){0}, &snapshot, &err) ||
        !run_restore(restored, snapshot, values, turns, &err)) {
        printf("# %s: " STR_FMT "\n", err.message, STR_ARG(buf_str(&text)));
        p->problem = "a snapshot cannot be restored";
    } else if (!dumps_equal(p->folded, restored)) {
        p->problem = "a restored snapshot differs from the run";
    }
    p->snapshots++;
    run_free(restored);
    arena_free(a);
    buf_release(&text);
}

/* A clone that was made before the turn goes the same way, and what it does leaves the run as
 * it is: the next turn would not find it equal to the live one. Frees the clone. */
static void check_clone(struct player *p, struct run *clone, const struct journal_turn *turn)
{
    struct err err;
    if (!flow_fold(clone, turn->number, turn->at, turn->events, turn->count, &err))
        p->problem = "a clone does not take the turn";
    else if (!dumps_equal(p->folded, clone))
        p->problem = "a clone differs from the run";
    run_free(clone);
}

static void fold(struct player *p, const struct flow_turn *turn, enum flow_cause why)
{
    struct run *clone = run_clone(p->folded, &p->who, &p->limits);
    struct buf body = BUF_INIT(0);
    struct journal_turn decoded = {0};
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
    if (!journal_fold(p->reader, &row, p->folded, &decoded, &err)) {
        printf("# %s: " STR_FMT "\n", err.message, STR_ARG(buf_str(&body)));
        p->problem = "a row cannot be folded";
        run_free(clone);
        clone = NULL;
    } else if (!dumps_equal(p->live, p->folded)) {
        p->problem = "the fold differs from the live run";
    } else {
        check_snapshot(p);
    }
    if (clone)
        check_clone(p, clone, &decoded);
    if (p->keep)
        p->keep(p->keep_arg, &row);
    buf_release(&body);
    for (size_t i = 0; i < decoded.count; i++) {
        struct json event = history_event(p->arena, p->folded, &decoded.events[i], turn->at, true);
        if (!json_is_absent(event))
            json_array_add(&p->history, event);
    }
    steps_apply(&p->steps, p->arena, p->folded, decoded.events, decoded.count, turn->at);
    p->turns++;
    p->events += (unsigned)turn->event_count;
    p->bounded += turn->more;
}

/* ---- turns ---- */

static void expect(struct player *p, const struct flow_effect *effect, enum flow_cause why,
                   int64_t ms, const struct player_answer *answer)
{
    if (p->task_count == PLAYER_TASKS_MAX) {
        p->problem = "more tasks at once than the player knows";
        return;
    }
    p->tasks[p->task_count++] = (struct player_task){
        .why = why,
        .step = effect->step,
        .attempt = effect->attempt,
        .due_ms = p->now.ms + ms,
        .answer = *answer,
    };
}

/* Whoever has the task's token. */
static void expect_holder(struct player *p, const struct flow_effect *effect,
                          const struct player_answer *answer)
{
    if (!answer->never)
        expect(p, effect, FLOW_TOKEN_RESULT, answer->ms, answer);
    if (effect->heartbeat_seconds && !answer->beats)
        expect(p, effect, FLOW_HEARTBEAT_LOST, effect->heartbeat_seconds * 1000, answer);
}

static void task_start(struct player *p, const struct flow_effect *effect)
{
    struct player_answer answer = p->work(p->arg, effect);
    /* The task and what it was given die with the turn. */
    answer.output = json_copy(p->arena, answer.output);
    answer.call_output = json_copy(p->arena, answer.call_output);
    answer.log = json_copy(p->arena, answer.log);
    answer.error = arena_str(p->arena, answer.error);
    answer.cause = arena_str(p->arena, answer.cause);
    answer.worker = arena_str(p->arena, answer.worker);
    if (effect->resource->kind == TASK_ACTIVITY) {
        if (!answer.never_taken)
            expect(p, effect, FLOW_TASK_STARTED, answer.taken_ms, &answer);
    } else if (effect->by_token) {
        if (!answer.call_never)
            expect(p, effect, FLOW_TASK_RESULT, answer.call_ms, &answer);
        expect_holder(p, effect, &answer);
    } else if (!answer.never) {
        expect(p, effect, FLOW_TASK_RESULT, answer.ms, &answer);
    }
}

static void task_cancel(struct player *p, const struct flow_effect *effect)
{
    for (size_t i = 0; i < p->task_count; i++)
        if (p->tasks[i].step == effect->step && p->tasks[i].attempt == effect->attempt)
            p->tasks[i--] = p->tasks[--p->task_count];
}

void player_turn(struct player *p, struct flow_input input)
{
    struct flow_turn turn;
    do {
        struct arena *a = arena_new(0);
        input.now = p->now;
        input.seed = rng_next(&p->seeds);
        flow_turn(p->live, &input, a, &turn);
        if (turn.accepted)
            fold(p, &turn, input.why);
        else
            p->refused++;
        for (size_t i = 0; i < turn.effect_count; i++) {
            if (turn.effects[i].kind == FLOW_TASK_START)
                task_start(p, &turn.effects[i]);
            else if (turn.effects[i].kind == FLOW_TASK_TAKEN)
                expect_holder(p, &turn.effects[i], &p->taken);
            else if (turn.effects[i].kind == FLOW_TASK_CANCEL)
                task_cancel(p, &turn.effects[i]);
        }
        arena_free(a);
        input = (struct flow_input){.why = FLOW_CONTINUE};
    } while (turn.more && !p->problem && run_turns(p->live) < PLAYER_TURNS_MAX);
}

void player_start(struct player *p, struct json input)
{
    player_turn(p, (struct flow_input){.why = FLOW_START, .value = input});
}

void player_stop(struct player *p, struct str error, struct str cause)
{
    player_turn(p, (struct flow_input){
                       .why = FLOW_STOP,
                       .has_error = error.len > 0,
                       .error = error,
                       .has_cause = cause.len > 0,
                       .cause = cause,
                   });
}

static struct flow_input input_of(const struct player_task *task)
{
    const struct player_answer *a = &task->answer;
    struct flow_input input = {
        .why = task->why,
        .step = task->step,
        .attempt = task->attempt,
        .ok = a->ok,
        .value = a->output,
        .log = a->log,
        .has_error = a->has_error,
        .error = a->error,
        .has_cause = a->has_cause,
        .cause = a->cause,
        .worker = a->worker,
    };
    return input;
}

/* What was called with a token answers for itself. */
static struct flow_input call_of(const struct player_task *task)
{
    const struct player_answer *a = &task->answer;
    return (struct flow_input){
        .why = FLOW_TASK_RESULT,
        .step = task->step,
        .attempt = task->attempt,
        .ok = !a->call_fails,
        .value = json_is_absent(a->call_output) ? json_null() : a->call_output,
        .log = a->log,
        .has_error = a->call_fails,
        .error = STR("CallFailed"),
    };
}

static bool is_by_token(const struct player *p, const struct player_task *task)
{
    struct arena *a = arena_new(0);
    const struct flow_effect *tasks;
    bool by_token = false;
    size_t count = flow_tasks(p->live, a, &tasks);
    for (size_t i = 0; i < count; i++)
        if (tasks[i].step == task->step && tasks[i].attempt == task->attempt)
            by_token = tasks[i].by_token;
    arena_free(a);
    return by_token;
}

static void come(struct player *p, size_t i)
{
    struct player_task task = p->tasks[i];
    bool call = task.why == FLOW_TASK_RESULT && is_by_token(p, &task);
    /* Keep the order of the others, so that the earliest started goes first. */
    for (p->task_count--; i < p->task_count; i++)
        p->tasks[i] = p->tasks[i + 1];
    p->taken = task.answer;
    player_turn(p, call ? call_of(&task) : input_of(&task));
}

bool player_step(struct player *p, struct wall_ms until)
{
    if (p->problem || run_status(p->live) != FLOW_RUNNING || run_turns(p->live) >= PLAYER_TURNS_MAX)
        return false;
    int64_t wake = flow_wake(p->live).ms, due = wake ? wake : INT64_MAX;
    size_t soonest = SIZE_MAX;
    for (size_t i = 0; i < p->task_count; i++) {
        if (p->tasks[i].due_ms < due) {
            due = p->tasks[i].due_ms;
            soonest = i;
        }
    }
    if (due > until.ms)
        return false;
    if (due > p->now.ms)
        p->now.ms = due;
    if (soonest == SIZE_MAX)
        player_turn(p, (struct flow_input){.why = FLOW_WAKE});
    else
        come(p, soonest);
    return true;
}

void player_play(struct player *p, int64_t seconds)
{
    struct wall_ms until = {p->now.ms + seconds * 1000};
    while (player_step(p, until))
        ;
}
