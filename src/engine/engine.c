#include "engine/engine_internal.h"

#include "engine/names.h"
#include "engine/express.h"
#include "engine/nested.h"

/* ---- beginning and end ---- */

static struct str or_default(struct arena *a, struct str text, struct str fallback)
{
    return arena_str(a, text.len ? text : fallback);
}

static size_t buckets_for(size_t slots)
{
    size_t count = 64;
    while (count < slots)
        count *= 2;
    return count;
}

/* Whoever steps the engine steps its store. */
static void nothing_to_wake(void *arg)
{
    (void)arg;
}

bool engine_new(const struct engine_options *options, struct engine **ret_engine,
                struct err *reterr)
{
    struct arena *arena = arena_new(0);
    struct engine *e = ARENA_NEW(arena, struct engine);
    if (!store_claim_all(options->store, e->epochs, reterr)) {
        arena_free(arena);
        return false;
    }
    e->arena = arena;
    e->options = *options;
    e->options.region = or_default(arena, options->region, STR("us-east-1"));
    e->options.account = or_default(arena, options->account, STR("000000000000"));
    if (options->limits.payload_max == 0)
        e->options.limits = flow_limits_default();
    if (options->runs_live_max == 0)
        e->options.runs_live_max = ENGINE_RUNS_LIVE_MAX;
    if (options->memory_max == 0)
        e->options.memory_max = ENGINE_MEMORY_MAX;
    if (options->express_live_max == 0)
        e->options.express_live_max = (e->options.runs_live_max + 1) / 2;
    if (options->activity_tasks_max == 0)
        e->options.activity_tasks_max = ENGINE_ACTIVITY_TASKS_MAX;
    if (options->express_memory_max == 0)
        e->options.express_memory_max = ENGINE_EXPRESS_MEMORY_MAX;
    if (options->story_memory_max == 0)
        e->options.story_memory_max = ENGINE_STORY_MEMORY_MAX;
    if (options->snapshot_min == 0)
        e->options.snapshot_min = ENGINE_SNAPSHOT_MIN;
    e->rng = rng_seeded(options->seed);
    e->bucket_count = buckets_for(e->options.runs_live_max);
    e->buckets = ARENA_ARRAY(arena, struct run_slot *, e->bucket_count);
    e->catalog = catalog_new(&(struct catalog_options){.store = options->store,
                                                       .org = options->org,
                                                       .epoch = e->epochs[0],
                                                       .seed = rng_next(&e->rng),
                                                       .wake = nothing_to_wake});
    lookout_begin(e);
    recoveries_begin(e);
    *ret_engine = e;
    return true;
}

/* Of those that wait outside of any slot. */
static void end_commands(struct engine *e, const struct err *why)
{
    for (struct pending *p; (p = pending_pop(&e->homeless));) {
        if (why)
            asker_answer(&p->asker, NULL, false, why);
        pending_free(e, p);
    }

    while (e->start_first) {
        struct start_command *c = e->start_first;
        e->start_first = c->next;
        if (why)
            asker_answer(&c->asker, NULL, false, why);
        machine_release(&e->machines, c->machine);
        arena_free(c->arena);
    }
    e->start_last = NULL;
}

void engine_free(struct engine *e)
{
    if (!e)
        return;
    store_abandon(e->options.store);
    for (size_t bucket = 0; bucket < e->bucket_count; bucket++)
        while (e->buckets[bucket]) {
            e->buckets[bucket]->waits = 0;
            slot_free(e->buckets[bucket]);
        }
    end_commands(e, NULL);
    recoveries_end(e, NULL);
    nested_release(e);
    catalog_free(e->catalog);
    arena_free(e->lookout.arena);
    arena_free(e->sweep.arena);
    spares_release(e);
    away_release(&e->away);
    activities_release(&e->activities);
    heartbeats_release(&e->heartbeats);
    known_release(&e->known);
    machines_release(&e->machines);
    heap_release(&e->wakes);
    arena_free(e->arena);
}

bool store_error_is_final(enum err_code code)
{
    return code == ERR_IO || code == ERR_STALE || code == ERR_CONFLICT || code == ERR_PERMISSION ||
           code == ERR_CORRUPT || code == ERR_INTERNAL;
}

void engine_die(struct engine *e, const struct err *why)
{
    if (e->dead)
        return;
    e->dead = true;
    e->why = *why;
}

void engine_trouble(struct engine *e, execution_key key, const struct err *err,
                    struct wall_ms again_at)
{
    if (e->options.troubled)
        e->options.troubled(e->options.troubled_arg, key, err, again_at);
}

int64_t engine_redrive_window(const struct engine *e)
{
    return e->options.redrive_window_ms;
}

/* AWS leaves room for ExecutionRedriven and one more event; how often an execution may be
 * redriven is nowhere bounded.
 * Source: "Redriving executions" in the Step Functions developer guide. */
bool engine_history_is_full(const struct engine *e, size_t events)
{
    enum {
        ROOM = 2
    };
    size_t most = e->options.limits.history_max;
    return most && events + ROOM > most;
}

bool engine_dead(const struct engine *e, struct err *ret_why)
{
    if (e->dead)
        *ret_why = e->why;
    return e->dead;
}

void engine_follow(struct engine *e, engine_followed *followed, void *arg)
{
    e->followed = followed;
    e->followed_arg = arg;
}

/* Also those that turns which have not landed let go: nobody cancelled them yet. */
static void cancel_tasks(struct run_slot *s)
{
    const struct engine_task_port *port = &s->engine->options.tasks;
    struct arena *scratch = arena_new(0);
    const struct flow_effect *tasks = NULL;
    size_t count = flow_tasks(s->run, scratch, &tasks);
    for (size_t i = 0; i < count; i++)
        if (!effect_is_nested(&tasks[i]))
            port->cancel(port->arg, s->key, tasks[i].step, tasks[i].attempt);
    for (const struct flight *f = s->flights.first; f; f = f->next)
        for (size_t i = 0; f->pending && i < f->turn.effect_count; i++)
            if (f->turn.effects[i].kind == FLOW_TASK_CANCEL &&
                !effect_is_nested(&f->turn.effects[i]))
                port->cancel(port->arg, s->key, f->turn.effects[i].step,
                             f->turn.effects[i].attempt);
    arena_free(scratch);
}

void engine_detach(struct engine *e)
{
    size_t bucket = 0;
    if (e->detached)
        return;
    e->detached = true;
    for (struct run_slot *s = slot_next(e, &bucket, NULL); s; s = slot_next(e, &bucket, s))
        if (s->run && s->handed)
            cancel_tasks(s);
}

const struct execution_row *engine_execution(const struct engine *e, execution_key key)
{
    const struct run_slot *s = slot_find(e, key);
    return s && s->row.key ? &s->row : NULL;
}

/* ---- commands ---- */

static bool refuse_all(const struct engine *e, const struct asker *asker)
{
    if (!e->dead && !e->detached)
        return false;
    struct err err;
    if (e->dead)
        err = e->why;
    else
        err_set(&err, ERR_INTERRUPTED, "the engine is stopping");
    asker_answer(asker, NULL, false, &err);
    return true;
}

static bool check_start(const struct engine *e, const struct engine_start *start,
                        struct err *reterr)
{
    if (e->dead && reterr)
        *reterr = e->why;
    if (e->dead)
        return false;
    if (e->detached)
        return err_set(reterr, ERR_INTERRUPTED, "the engine is stopping");
    return start->input.len <= ENGINE_INPUT_SIZE_MAX ||
           err_set(reterr, ERR_TOO_LARGE, "the input has %zu bytes, more than %d (limit input_max)",
                   start->input.len, ENGINE_INPUT_SIZE_MAX);
}

static struct start_command *copy_start(struct engine *e, const struct engine_start *start,
                                        struct asker asker)
{
    struct arena *a = spare_arena(e);
    struct start_command *c = ARENA_NEW(a, struct start_command);
    c->arena = a;
    c->asker = asker;
    c->start = *start;
    c->start.definition = (struct str){0};
    c->start.machine_name = arena_str(a, start->machine_name);
    c->start.machine_arn = arena_str(a, start->machine_arn);
    c->start.role_arn = arena_str(a, start->role_arn);
    c->start.origin = arena_str(a, start->origin);
    c->machine = machine_take_text(&e->machines, start->definition);
    if (!c->machine)
        c->start.definition = arena_str(a, start->definition);
    c->start.name = arena_str(a, start->name);
    c->start.input = arena_str(a, start->input);
    return c;
}

void engine_start(struct engine *e, const struct engine_start *start, engine_replied *replied,
                  void *arg)
{
    struct asker asker = {replied, arg};
    struct err err;
    if (!check_start(e, start, &err)) {
        asker_answer(&asker, NULL, false, &err);
        return;
    }
    struct start_command *c = copy_start(e, start, asker);
    if (start->reuse || start->restart || start->recovery)
        recoveries_start(e, c, NULL, NULL, false);
    else
        start_push(e, c);
}

void engine_plan(struct engine *e, const struct engine_start *start, engine_planned *planned,
                 void *arg)
{
    struct err err;
    if (check_start(e, start, &err))
        recoveries_start(e, copy_start(e, start, (struct asker){0}), planned, arg, true);
    else
        planned(arg, &(struct engine_reply){.err = &err}, NULL);
}

uint64_t engine_epoch(const struct engine *e, uint32_t shard)
{
    ASSERT(shard < SHARD_COUNT);
    return e->epochs[shard];
}

void engine_on_machine(struct engine *e, engine_machine_written *written, void *arg)
{
    e->machine_written = written;
    e->machine_written_arg = arg;
}

void engine_forget_machine(struct engine *e, struct str machine_name)
{
    known_forget(&e->known, machine_name);
    catalog_forget(e->catalog);
}

/* The run's slot, or a new one that loads it; NULL: no room. */
static struct run_slot *slot_for(struct engine *e, execution_key key)
{
    struct run_slot *s = slot_find(e, key);
    return s ? s : slot_new(e, key);
}

/* Those without room wait until there is some. */
void engine_give(struct engine *e, execution_key key, struct pending *p)
{
    struct run_slot *s = e->homeless.first ? NULL : slot_for(e, key);
    p->key = key;
    if (s)
        slot_push(s, p);
    else
        pending_push(&e->homeless, p);
}

static void house(struct engine *e)
{
    while (e->homeless.first) {
        struct run_slot *s = slot_for(e, e->homeless.first->key);
        if (!s)
            return;
        slot_push(s, pending_pop(&e->homeless));
    }
}

void engine_command(struct engine *e, execution_key key, struct pending *p)
{
    if (refuse_all(e, &p->asker))
        pending_free(e, p);
    else
        engine_give(e, key, p);
}

bool engine_expects(const struct engine *e, execution_key key)
{
    return slot_find(e, key) || away_has_handed(&e->away, key);
}

void engine_resume(struct engine *e, execution_key key, engine_replied *replied, void *arg)
{
    struct pending *p = pending_new(e, FLOW_CONTINUE);
    p->resume = true;
    p->asker = (struct asker){replied, arg};
    engine_command(e, key, p);
}

void engine_stop(struct engine *e, execution_key key, struct str error, struct str cause,
                 engine_replied *replied, void *arg)
{
    struct pending *p = pending_new(e, FLOW_STOP);
    p->input.has_error = error.len > 0;
    p->input.has_cause = cause.len > 0;
    p->input.error = arena_str(p->arena, error);
    p->input.cause = arena_str(p->arena, cause);
    p->asker = (struct asker){replied, arg};
    engine_command(e, key, p);
}

/* ---- control ---- */

static void control(struct engine *e, execution_key key, enum flow_cause why, struct str reason,
                    struct str by, struct asker asker)
{
    struct pending *p = pending_new(e, why);
    p->input.has_cause = reason.len > 0;
    p->input.cause = arena_str(p->arena, reason);
    p->input.worker = arena_str(p->arena, by);
    p->asker = asker;
    engine_command(e, key, p);
}

void engine_pause(struct engine *e, execution_key key, struct str reason, struct str by,
                  engine_replied *replied, void *arg)
{
    control(e, key, FLOW_PAUSE, reason, by, (struct asker){replied, arg});
}

void engine_unpause(struct engine *e, execution_key key, struct str by, engine_replied *replied,
                    void *arg)
{
    control(e, key, FLOW_UNPAUSE, STR(""), by, (struct asker){replied, arg});
}

void engine_cancel(struct engine *e, execution_key key, struct str reason, struct str by,
                   engine_replied *replied, void *arg)
{
    control(e, key, FLOW_CANCEL, reason, by, (struct asker){replied, arg});
}

void engine_review(struct engine *e, execution_key key, const struct engine_review *review,
                   engine_replied *replied, void *arg)
{
    struct pending *p = pending_new(e, FLOW_REVIEW);
    p->input.step = review->step;
    p->input.ok = review->approved;
    p->input.value = json_copy(p->arena, review->changes);
    p->input.has_error = review->error.len > 0;
    p->input.error = arena_str(p->arena, review->error);
    p->input.has_cause = review->cause.len > 0;
    p->input.cause = arena_str(p->arena, review->cause);
    p->input.worker = arena_str(p->arena, review->by);
    p->asker = (struct asker){replied, arg};
    engine_command(e, key, p);
}

void engine_task_result(struct engine *e, const struct engine_task_result *result)
{
    execution_key key = result->execution;
    if (e->dead || e->detached || !engine_expects(e, key))
        return;
    struct pending *p = pending_new(e, FLOW_TASK_RESULT);
    p->input.step = result->step;
    p->input.attempt = result->attempt;
    p->input.ok = result->ok;
    p->input.value = json_copy(p->arena, result->output);
    p->input.log = json_copy(p->arena, result->log);
    p->input.has_error = result->has_error;
    p->input.has_cause = result->has_cause;
    p->input.error = arena_str(p->arena, result->error);
    p->input.cause = arena_str(p->arena, result->cause);
    engine_give(e, key, p);
}

/* ---- stepping ---- */

/* A callback may have made it ready before it began to wait for something else. */
static bool is_waiting(const struct run_slot *s)
{
    if (s->phase == SLOT_WAIT)
        return slot_wake(s).ms != 0;
    return s->waits && s->phase != SLOT_LIVE && s->phase != SLOT_VOID;
}

static void slot_step(struct run_slot *s)
{
    if (is_waiting(s))
        return;
    switch (s->phase) {
    case SLOT_NEW:
        load_begin(s);
        break;
    case SLOT_ROW:
        load_row_done(s);
        break;
    case SLOT_DEFINITION:
        load_definition_done(s);
        break;
    case SLOT_SNAPSHOT:
        load_snapshot_done(s);
        break;
    case SLOT_VALUES:
        load_values_done(s);
        break;
    case SLOT_TURNS:
        load_turns_done(s);
        break;
    case SLOT_LIVE:
        live_step(s);
        break;
    case SLOT_VOID:
        void_step(s);
        break;
    case SLOT_MACHINE:
        machine_done(s);
        break;
    case SLOT_NAME:
        name_done(s);
        break;
    case SLOT_NAME_INPUT:
        name_input_done(s);
        break;
    case SLOT_WAIT:
        load_begin(s);
        break;
    case SLOT_AGAIN:
        express_again(s);
        break;
    }
}

static void take_starts(struct engine *e)
{
    if (!e->lookout.newest_known)
        return;
    /* What they cause to be started waits for the next step. */
    struct start_command *last = e->start_last;
    for (struct start_command *c; (c = e->start_first) && e->step_bytes < STEP_BYTES_MAX;) {
        struct start_command *next = c->next;
        if (!start_take(e, c))
            return;
        e->start_first = next;
        if (!next)
            e->start_last = NULL;
        if (c == last)
            return;
    }
}

/* Everybody who waits hears why, and nothing goes on. */
static void bury(struct engine *e)
{
    end_commands(e, &e->why);
    recoveries_end(e, &e->why);
    polls_fail(e, &e->why);
    for (size_t bucket = 0; bucket < e->bucket_count; bucket++) {
        struct run_slot *s = e->buckets[bucket];
        while (s) {
            struct run_slot *next = s->bucket_next;
            if (!s->waits)
                slot_end(s, &e->why);
            s = next;
        }
    }
}

bool engine_has_room(const struct engine *e)
{
    return park_may_make_room(e);
}

/* Is there anything outside the slots that need not wait for room? */
static bool may_be_housed(const struct engine *e)
{
    bool waits = e->homeless.first || (e->start_first && e->lookout.newest_known);
    return (waits && engine_has_room(e)) || nested_ready(e) || recoveries_ready(e);
}

/* After a clock that was set back, what waits only to be tried again would wait as
 * much longer; timers do, since theirs are times of the wall. */
static void set_clock(struct engine *e, struct wall_ms wall)
{
    bool back = wall.ms < e->wall.ms;
    size_t bucket = 0;
    e->wall = wall;
    for (struct run_slot *s = back ? slot_next(e, &bucket, NULL) : NULL; s;
         s = slot_next(e, &bucket, s)) {
        if (s->phase != SLOT_WAIT)
            continue;
        slot_wake_at(s, (struct wall_ms){0});
        slot_make_ready(s);
    }
}

/* Only those that are ready now: what they cause waits for the next step, so that a busy
 * run cannot keep the others from theirs. Large starts and turns end the step, so that
 * whoever drives the engine gets to do something else; but starts do so only every other
 * time, lest runs stand still behind them. */
static void step_ready(struct engine *e)
{
    e->starts_had_all = !e->starts_had_all && e->step_bytes >= STEP_BYTES_MAX;
    if (e->starts_had_all)
        return;
    e->step_bytes = 0;
    for (size_t i = e->ready_count; i > 0 && e->step_bytes < STEP_BYTES_MAX; i--) {
        if (e->dead || e->detached)
            return;
        slot_step(slot_take_ready(e));
    }
}

bool engine_step(struct engine *e, struct wall_ms wall, struct mono_ns mono)
{
    set_clock(e, wall);
    e->step_bytes = 0;
    bool more = false;
    store_step(e->options.store, mono);
    if (e->detached)
        return store_ready(e->options.store);
    if (!e->dead) {
        more = lookout_step(e);
        nested_step(e);
        recoveries_step(e);
        house(e);
        take_starts(e);
        wakes_take_due(e);
        heartbeats_take_lost(e);
        more |= sweep_step(e);
    }
    step_ready(e);
    if (e->dead)
        bury(e);
    else if (!e->detached)
        park_trim(e);
    return more || e->ready_first || may_be_housed(e) || store_ready(e->options.store);
}

struct wall_ms engine_wake(const struct engine *e)
{
    const struct run_slot *s = slot_first_wake(e);
    struct wall_ms wake = heartbeats_wake(&e->heartbeats), nested = nested_wake(e);
    struct away_wake away;
    if (e->detached || e->dead)
        return (struct wall_ms){0};
    /* What is due and finds no room waits until something leaves memory, which is a step. */
    if (away_first(&e->away, &away) && (!wake.ms || away.at.ms < wake.ms) &&
        (away.at.ms > e->wall.ms || engine_has_room(e)))
        wake = away.at;
    if (nested.ms && (!wake.ms || nested.ms < wake.ms))
        wake = nested;
    return s && (!wake.ms || slot_wake(s).ms < wake.ms) ? slot_wake(s) : wake;
}

bool engine_idle(const struct engine *e)
{
    return !e->ready_first && !e->start_first && !e->homeless.first && e->store_waits == 0 &&
           e->nested.count == e->nested.watching && !recoveries_at_work(e);
}

bool engine_recovered(const struct engine *e)
{
    return e->lookout.done;
}

bool engine_minds_children(const struct engine *e)
{
    return e->nested.count > e->nested.watching || e->nested.stops || e->recoveries.checking_again;
}

struct engine_stats engine_stats(const struct engine *e)
{
    return (struct engine_stats){
        .runs = e->slot_count,
        .express = e->express_count,
        .memory = e->memory,
        .commits = e->flight_count,
        .commits_memory = e->flight_bytes,
        .wakes = e->away.stored.count + e->away.own.count,
    };
}
