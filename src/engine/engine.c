#include "engine/engine_internal.h"

#include "engine/names.h"

static void recovery_read(struct engine *e, struct store_read read);

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
    e->rng = rng_seeded(options->seed);
    e->bucket_count = buckets_for(e->options.runs_live_max);
    e->buckets = ARENA_ARRAY(arena, struct run_slot *, e->bucket_count);
    e->recovery.active = true;
    recovery_read(e, (struct store_read){.kind = STORE_LIST_EXECUTIONS, .rows_max = 1});
    *ret_engine = e;
    return true;
}

/* The next slot in no order that matters; NULL after the last. */
static struct run_slot *next_slot(const struct engine *e, size_t *bucket,
                                  const struct run_slot *after)
{
    if (after && after->bucket_next)
        return after->bucket_next;
    for (*bucket += after ? 1 : 0; *bucket < e->bucket_count; ++*bucket)
        if (e->buckets[*bucket])
            return e->buckets[*bucket];
    return NULL;
}

static void end_starts(struct engine *e, const struct err *why)
{
    while (e->start_first) {
        struct start_command *c = e->start_first;
        e->start_first = c->next;
        if (why)
            asker_answer(&c->asker, NULL, false, why);
        arena_free(c->arena);
    }
    e->start_last = NULL;
}

void engine_free(struct engine *e)
{
    if (!e)
        return;
    for (size_t bucket = 0; bucket < e->bucket_count; bucket++)
        while (e->buckets[bucket]) {
            e->buckets[bucket]->waiting = false;
            slot_free(e->buckets[bucket]);
        }
    end_starts(e, NULL);
    arena_free(e->recovery.arena);
    machines_release(&e->machines);
    wakes_release(&e->wakes);
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

void engine_detach(struct engine *e)
{
    const struct engine_task_port *port = &e->options.tasks;
    size_t bucket = 0;
    if (e->detached)
        return;
    e->detached = true;
    for (struct run_slot *s = next_slot(e, &bucket, NULL); s; s = next_slot(e, &bucket, s)) {
        if (!s->run || !s->handed)
            continue;
        struct arena *scratch = arena_new(0);
        const struct flow_effect *tasks = NULL;
        size_t count = flow_tasks(s->run, scratch, &tasks);
        for (size_t i = 0; i < count; i++)
            port->cancel(port->arg, s->key, tasks[i].step, tasks[i].attempt);
        arena_free(scratch);
    }
}

const struct execution_row *engine_execution(const struct engine *e, execution_key key)
{
    const struct run_slot *s = slot_find(e, key);
    return s && s->row.key ? &s->row : NULL;
}

/* ---- commands ---- */

static bool refuse_all(const struct engine *e, const struct asker *asker)
{
    struct err err;
    if (e->dead)
        err = e->why;
    else if (e->detached)
        err_set(&err, ERR_INTERRUPTED, "the engine is stopping");
    else
        return false;
    asker_answer(asker, NULL, false, &err);
    return true;
}

void engine_start(struct engine *e, const struct engine_start *start, engine_replied *replied,
                  void *arg)
{
    struct asker asker = {replied, arg};
    if (refuse_all(e, &asker))
        return;
    if (start->input.len > ENGINE_INPUT_SIZE_MAX) {
        struct err err;
        err_set(&err, ERR_TOO_LARGE, "the input has %zu bytes, more than %d (limit input_max)",
                start->input.len, ENGINE_INPUT_SIZE_MAX);
        asker_answer(&asker, NULL, false, &err);
        return;
    }
    struct arena *a = arena_new(0);
    struct start_command *c = ARENA_NEW(a, struct start_command);
    c->arena = a;
    c->asker = asker;
    c->start.machine_name = arena_str(a, start->machine_name);
    c->start.definition = arena_str(a, start->definition);
    c->start.name = arena_str(a, start->name);
    c->start.input = arena_str(a, start->input);
    if (e->start_last)
        e->start_last->next = c;
    else
        e->start_first = c;
    e->start_last = c;
}

/* Takes over the pending; finds the run's slot or makes one that loads it. */
static void command(struct engine *e, execution_key key, struct pending *p)
{
    struct run_slot *s = NULL;
    if (!refuse_all(e, &p->asker)) {
        s = slot_find(e, key);
        if (!s)
            s = slot_new(e, key);
        if (!s) {
            struct err err;
            err_set(&err, ERR_BUSY, "%zu executions are in memory (limit runs_live_max); try again",
                    e->options.runs_live_max);
            asker_answer(&p->asker, NULL, false, &err);
        }
    }
    if (s)
        slot_push(s, p);
    else
        pending_free(p);
}

void engine_resume(struct engine *e, execution_key key, engine_replied *replied, void *arg)
{
    struct pending *p = pending_new(FLOW_CONTINUE);
    p->resume = true;
    p->asker = (struct asker){replied, arg};
    command(e, key, p);
}

void engine_stop(struct engine *e, execution_key key, struct str error, struct str cause,
                 engine_replied *replied, void *arg)
{
    struct pending *p = pending_new(FLOW_STOP);
    p->input.has_error = error.len > 0;
    p->input.has_cause = cause.len > 0;
    p->input.error = arena_str(p->arena, error);
    p->input.cause = arena_str(p->arena, cause);
    p->asker = (struct asker){replied, arg};
    command(e, key, p);
}

void engine_task_result(struct engine *e, const struct engine_task_result *result)
{
    struct run_slot *s = e->dead || e->detached ? NULL : slot_find(e, result->execution);
    if (!s)
        return;
    struct pending *p = pending_new(FLOW_TASK_RESULT);
    p->input.step = result->step;
    p->input.attempt = result->attempt;
    p->input.ok = result->ok;
    p->input.value = json_copy(p->arena, result->output);
    p->input.log = json_copy(p->arena, result->log);
    p->input.has_error = result->has_error;
    p->input.has_cause = result->has_cause;
    p->input.error = arena_str(p->arena, result->error);
    p->input.cause = arena_str(p->arena, result->cause);
    slot_push(s, p);
}

/* ---- recovery: every RUNNING execution gets its slot, page by page ---- */

static void recovery_store_done(void *arg, const struct err *err)
{
    struct engine *e = arg;
    e->store_waits--;
    e->recovery.waiting = false;
    e->recovery.failed = err != NULL;
    if (err)
        e->recovery.err = *err;
}

/* The caller has filled in what is asked. */
static void recovery_read(struct engine *e, struct store_read read)
{
    struct recovery *r = &e->recovery;
    arena_free(r->arena);
    r->arena = arena_new(0);
    r->taken = 0;
    r->read = read;
    r->read.org = e->options.org;
    r->read.shard = STORE_ANY_SHARD;
    r->read.status = STORE_ANY_STATUS;
    r->read.arena = r->arena;
    r->read.done = recovery_store_done;
    r->read.arg = e;
    r->waiting = true;
    e->store_waits++;
    store_read(e->options.store, &r->read);
}

static void recovery_ask(struct engine *e)
{
    recovery_read(e, (struct store_read){.kind = STORE_LIST_RUNNING, .key = e->recovery.after});
}

/* True while there is more to do at once. */
static bool recovery_take(struct engine *e)
{
    struct recovery *r = &e->recovery;
    while (r->taken < r->read.count) {
        const struct execution_row *row = &r->read.executions[r->taken];
        if (!slot_find(e, row->key)) {
            struct run_slot *s = slot_new(e, row->key);
            if (!s)
                return false; /* goes on when some have ended */
            slot_adopt_row(s, row);
            slot_make_ready(s);
        }
        r->taken++;
    }
    r->active = r->read.more;
    r->after = r->read.next;
    if (r->active)
        recovery_ask(e);
    return r->active;
}

static void newest_take(struct engine *e)
{
    struct recovery *r = &e->recovery;
    if (r->read.count)
        e->key_last = r->read.executions[0].key;
    r->newest_known = true;
    r->active = e->options.advance_all;
    if (r->active)
        recovery_ask(e);
}

static bool recovery_can(const struct engine *e)
{
    return e->recovery.active && !e->dead && e->slot_count < e->options.runs_live_max;
}

static bool recovery_step(struct engine *e)
{
    struct recovery *r = &e->recovery;
    if (!r->active || r->waiting)
        return false;
    if (r->failed) {
        engine_die(e, &r->err);
        return false;
    }
    if (r->newest_known)
        return recovery_take(e);
    newest_take(e);
    return true;
}

/* ---- stepping ---- */

static void slot_step(struct run_slot *s)
{
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
    case SLOT_TURNS:
        load_turns_done(s);
        break;
    case SLOT_LIVE:
        live_step(s);
        break;
    case SLOT_COMMIT:
        commit_done(s);
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
    }
}

static void take_starts(struct engine *e)
{
    struct start_command *c = e->start_first;
    if (!e->recovery.newest_known)
        return;
    e->start_first = e->start_last = NULL;
    while (c) {
        struct start_command *next = c->next;
        start_take(e, c);
        c = next;
    }
}

static void take_due_wakes(struct engine *e)
{
    struct run_slot *s;
    while ((s = slot_first_wake(e)) && s->wake.ms <= e->wall.ms) {
        slot_wake_at(s, (struct wall_ms){0});
        if (s->phase == SLOT_LIVE)
            slot_push(s, pending_new(FLOW_WAKE));
        else
            slot_make_ready(s);
    }
}

/* Everybody who waits hears why, and nothing goes on. */
static void bury(struct engine *e)
{
    end_starts(e, &e->why);
    for (size_t bucket = 0; bucket < e->bucket_count; bucket++) {
        struct run_slot *s = e->buckets[bucket];
        while (s) {
            struct run_slot *next = s->bucket_next;
            if (!s->waiting)
                slot_end(s, &e->why);
            s = next;
        }
    }
}

bool engine_step(struct engine *e, struct wall_ms wall, struct mono_ns mono)
{
    e->wall = wall;
    bool more = store_step(e->options.store, mono);
    if (e->detached)
        return more;
    if (!e->dead) {
        more |= recovery_step(e);
        take_starts(e);
        take_due_wakes(e);
    }
    /* Only those that are ready now: what they cause waits for the next step, so
     * that a busy run cannot keep the others from theirs. */
    for (size_t i = e->ready_count; i > 0 && !e->dead && !e->detached; i--)
        slot_step(slot_take_ready(e));
    if (e->dead)
        bury(e);
    return more || e->ready_first || e->start_first || e->store_waits > 0 || recovery_can(e);
}

struct wall_ms engine_wake(const struct engine *e)
{
    const struct run_slot *s = e->detached || e->dead ? NULL : slot_first_wake(e);
    return s ? s->wake : (struct wall_ms){0};
}

bool engine_idle(const struct engine *e)
{
    return !e->ready_first && !e->start_first && e->store_waits == 0 && !recovery_can(e);
}
