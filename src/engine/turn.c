/* One turn of a run: decide, encode, commit, and only then what others see. */
#include "engine/engine_internal.h"

/* ---- decide and submit ---- */

/* An early wake in the store is harmless and a late one is not, so the stored one
 * is rewritten only when it is past or too late. */
static bool wake_must_change(struct wall_ms stored, struct wall_ms wake, struct wall_ms now)
{
    if (wake.ms == 0 || wake.ms == stored.ms)
        return false;
    return stored.ms == 0 || wake.ms < stored.ms || stored.ms <= now.ms;
}

static struct store_write *add_write(struct run_slot *s, size_t *count, enum store_write_kind kind)
{
    ASSERT(*count < TURN_WRITES_MAX);
    struct store_write *w = &s->writes[(*count)++];
    *w = (struct store_write){.kind = kind, .org = s->engine->options.org};
    return w;
}

static void add_beginning(struct run_slot *s, size_t *count)
{
    s->row.started_at = run_started_at(s->run);
    if (s->beginning->machine_changed) {
        struct store_write *w = add_write(s, count, STORE_PUT_DEFINITION);
        memcpy(w->u.definition.hash, s->row.definition, SHA256_SIZE);
        w->u.definition.text = s->machine->machine->definition;
        add_write(s, count, STORE_PUT_MACHINE)->u.machine = s->beginning->machine;
    }
    add_write(s, count, STORE_START)->u.start = s->row;
}

static struct turn_row turn_row_of(const struct run_slot *s)
{
    return (struct turn_row){
        .key = s->key,
        .turn = s->turn.number,
        .rules_version = FLOW_RULES_VERSION,
        .cause = (uint8_t)s->current->input.why,
        .at = s->turn.at,
        .body = buf_str(&s->body),
        .checksum = checksum64(buf_str(&s->body)),
    };
}

_Static_assert((int)FLOW_RUNNING == (int)EXECUTION_RUNNING &&
                   (int)FLOW_SUCCEEDED == (int)EXECUTION_SUCCEEDED &&
                   (int)FLOW_FAILED == (int)EXECUTION_FAILED &&
                   (int)FLOW_TIMED_OUT == (int)EXECUTION_TIMED_OUT &&
                   (int)FLOW_ABORTED == (int)EXECUTION_ABORTED,
               "the core and the store number the statuses alike");

static void add_progress(struct run_slot *s, size_t *count)
{
    enum execution_status status = (enum execution_status)run_status(s->run);
    struct wall_ms wake = flow_wake(s->run);
    bool ended = status != EXECUTION_RUNNING;
    if (!ended && !wake_must_change(s->row.wake_at, wake, s->turn.at))
        return;
    struct store_write *w = add_write(s, count, STORE_SET_PROGRESS);
    w->u.progress.key = s->key;
    w->u.progress.status = status;
    w->u.progress.stopped_at = run_stopped_at(s->run);
    w->u.progress.wake_at = ended ? (struct wall_ms){0} : wake;
}

/* The row as the commit that just succeeded left it. */
static void row_catch_up(struct run_slot *s)
{
    s->row.turns++;
    for (size_t i = 0; i < s->commit.count; i++) {
        const struct store_write *w = &s->writes[i];
        if (w->kind != STORE_SET_PROGRESS)
            continue;
        s->row.status = w->u.progress.status;
        s->row.stopped_at = w->u.progress.stopped_at;
        s->row.wake_at = w->u.progress.wake_at;
    }
}

static void turn_submit(struct run_slot *s)
{
    buf_clear(&s->body);
    s->body.over = false;
    journal_encode(&s->turn, &s->body);
    s->phase = SLOT_COMMIT;
    slot_wake_at(s, (struct wall_ms){0});
    if (s->body.over) {
        struct err err;
        err_set(&err, ERR_TOO_LARGE, "one turn of the execution takes more than %d MiB",
                STORE_BODY_SIZE_MAX >> 20);
        slot_refused(s, &err);
        return;
    }
    size_t count = 0;
    if (s->beginning)
        add_beginning(s, &count);
    add_write(s, &count, STORE_APPEND_TURN)->u.turn = turn_row_of(s);
    add_progress(s, &count);
    slot_commit(s, count);
}

/* False when the input did not fit and nothing happened. */
static bool turn_try(struct run_slot *s, struct pending *p)
{
    struct engine *e = s->engine;
    p->input.now = e->wall;
    p->input.seed = rng_next(&e->rng);
    s->work = arena_new(0);
    flow_turn(s->run, &p->input, s->work, &s->turn);
    if (s->turn.accepted)
        return true;
    arena_free(s->work);
    s->work = NULL;
    return false;
}

void live_step(struct run_slot *s)
{
    struct pending *p;
    while ((p = slot_pop(s))) {
        if (!p->resume && turn_try(s, p)) {
            s->current = p;
            turn_submit(s);
            return;
        }
        asker_answer(&p->asker, &s->row, false, NULL);
        pending_free(p);
    }
}

/* ---- after the commit ---- */

static void verify(struct run_slot *s)
{
    const struct engine *e = s->engine;
    if (!e->options.verify)
        return;
    if (!s->mirror)
        s->mirror = mirror_new(s->machine->machine, &s->identity, &e->options.limits);
    struct turn_row written = turn_row_of(s);
    struct journal_row row = journal_row_of(&written);
    mirror_take(s->mirror, &row);
    mirror_compare(s->mirror, s->run);
}

static void perform(struct run_slot *s)
{
    const struct engine_task_port *port = &s->engine->options.tasks;
    for (size_t i = 0; i < s->turn.effect_count; i++) {
        const struct flow_effect *effect = &s->turn.effects[i];
        switch (effect->kind) {
        case FLOW_TASK_START:
            port->start(port->arg, &s->row, &s->identity, effect);
            break;
        case FLOW_TASK_CANCEL:
            port->cancel(port->arg, s->key, effect->step, effect->attempt);
            break;
        case FLOW_ENDED:
            break;
        }
    }
}

/* A run's arena only grows. Folding the journal makes the same run without the
 * garbage; done when nothing waits, and seldom enough to cost little. */
static bool run_is_bloated(const struct run_slot *s)
{
    size_t bound = s->run_bytes * GARBAGE_FACTOR;
    if (bound < GARBAGE_MIN)
        bound = GARBAGE_MIN;
    return !s->first && arena_used(run_arena(s->run)) > bound;
}

static void go_on(struct run_slot *s)
{
    bool more = s->turn.more;
    pending_free(s->current);
    s->current = NULL;
    arena_free(s->work);
    s->work = NULL;
    if (s->row.status != EXECUTION_RUNNING) {
        slot_end(s, NULL);
        return;
    }
    s->phase = SLOT_LIVE;
    if (more)
        slot_push(s, pending_new(FLOW_CONTINUE));
    if (!more && run_is_bloated(s)) {
        slot_drop_run(s);
        load_begin(s);
        return;
    }
    slot_wake_at(s, flow_wake(s->run));
    if (s->first)
        slot_make_ready(s);
}

static void commit_failed(struct run_slot *s)
{
    struct err err = s->err;
    struct pending *p = s->current;
    if (s->beginning && err.code == ERR_CONFLICT && s->row.client_named) {
        name_begin(s);
        return;
    }
    if (s->beginning && (err.code == ERR_CONFLICT || !store_error_is_final(err.code))) {
        slot_end(s, &err);
        return;
    }
    /* What somebody asked for is answered, what simply happened is tried again. */
    if (p->asker.replied && !store_error_is_final(err.code)) {
        asker_answer(&p->asker, &s->row, false, &err);
        pending_free(p);
        s->current = NULL;
    }
    slot_refused(s, &err);
}

void commit_done(struct run_slot *s)
{
    struct engine *e = s->engine;
    if (s->failed) {
        commit_failed(s);
        return;
    }
    row_catch_up(s);
    s->refusals = 0;
    if (s->beginning) {
        machine_stored(s);
        s->run_bytes = arena_used(run_arena(s->run));
        s->beginning = NULL;
    }
    s->handed = true;
    verify(s);
    asker_answer(&s->current->asker, &s->row, false, NULL);
    s->current->asker.replied = NULL;
    if (e->followed)
        e->followed(e->followed_arg, s->run, s->key, s->turn.events, s->turn.event_count,
                    s->turn.at);
    perform(s);
    go_on(s);
}

/* ---- refusals ---- */

/* A turn that can never be stored would be refused for ever: stop the execution. */
static void stop_instead(struct run_slot *s, const struct err *err)
{
    struct pending *p = pending_new(FLOW_STOP);
    p->input.has_error = p->input.has_cause = true;
    p->input.error = STR("States.DataLimitExceeded");
    p->input.cause = arena_str(p->arena, str_of_cstr(err->message));
    if (s->current) {
        asker_answer(&s->current->asker, &s->row, false, err);
        pending_free(s->current);
    }
    s->current = p;
}

/* Back to the head of the queue, unless loading derives it again. */
static void put_back(struct run_slot *s)
{
    struct pending *p = s->current;
    s->current = NULL;
    if (p && (p->input.why == FLOW_CONTINUE || p->input.why == FLOW_WAKE))
        pending_free(p);
    else if (p)
        slot_push_front(s, p);
}

void slot_refused(struct run_slot *s, const struct err *err)
{
    struct engine *e = s->engine;
    if (store_error_is_final(err->code)) {
        engine_die(e, err);
        return;
    }
    if (s->beginning) {
        slot_end(s, err);
        return;
    }
    if (err->code == ERR_TOO_LARGE)
        stop_instead(s, err);
    put_back(s);
    slot_drop_run(s);
    int64_t wait = REFUSED_WAIT_FIRST_MS << (s->refusals < 6 ? s->refusals : 6);
    if (wait > REFUSED_WAIT_LAST_MS)
        wait = REFUSED_WAIT_LAST_MS;
    s->refusals++;
    s->phase = SLOT_WAIT;
    slot_wake_at(s, (struct wall_ms){e->wall.ms + wait});
    engine_trouble(e, s->key, err, s->wake);
}
