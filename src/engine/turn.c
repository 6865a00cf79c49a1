/* Turns of a run in memory: decide, encode, submit; and when one has landed, show
 * what it says. */
#include "engine/engine_internal.h"

#include "engine/express.h"
#include "engine/nested.h"

/* ---- submitting ---- */

/* An early wake in the store is harmless and a late one is not, so the stored one
 * is rewritten only when it is past or too late. */
static bool wake_must_change(struct wall_ms stored, struct wall_ms wake, struct wall_ms now)
{
    if (wake.ms == stored.ms)
        return false;
    if (stored.ms == WAKE_AT_OPENING.ms)
        return true;
    if (wake.ms == 0)
        return false;
    return stored.ms == 0 || wake.ms < stored.ms || stored.ms <= now.ms;
}

_Static_assert((int)FLOW_RUNNING == (int)EXECUTION_RUNNING &&
                   (int)FLOW_SUCCEEDED == (int)EXECUTION_SUCCEEDED &&
                   (int)FLOW_FAILED == (int)EXECUTION_FAILED &&
                   (int)FLOW_TIMED_OUT == (int)EXECUTION_TIMED_OUT &&
                   (int)FLOW_ABORTED == (int)EXECUTION_ABORTED,
               "the core and the store number the statuses alike");

static void add_definition(struct flight *f)
{
    struct machine_ref *ref = f->slot->machine;
    struct store_write *w = flight_write(f, STORE_PUT_DEFINITION);
    memcpy(w->u.definition.hash, f->slot->row.definition, SHA256_SIZE);
    w->u.definition.text = ref->machine->definition;
    w->u.definition.outline = machine_outline(ref->machine, f->arena);
    ref->outlined = true;
}

static void add_machine(struct flight *f)
{
    struct run_slot *s = f->slot;
    struct known *known = &s->engine->known;
    struct machine_row row = {
        .name = s->row.machine_name,
        .arn = s->row.machine_arn,
        .created_at = s->beginning->machine_created_at,
        .updated_at = s->row.started_at,
    };
    if (row.created_at.ms == 0)
        row.created_at = row.updated_at;
    memcpy(row.definition, s->row.definition, SHA256_SIZE);
    f->machine_put = known_put(known, row.name, row.definition, row.created_at);
    if (f->machine_put)
        row.created_at = f->machine_put->created_at;
    add_definition(f);
    flight_write(f, STORE_PUT_MACHINE)->u.machine = row;
    f->writes_machine = true;
}

void flight_add_beginning(struct flight *f)
{
    struct run_slot *s = f->slot;
    s->row.started_at = run_started_at(s->run);
    if (!s->beginning->cataloged &&
        !known_has(&s->engine->known, s->row.machine_name, s->row.definition))
        add_machine(f);
    else if (s->beginning->cataloged && !s->machine->outlined)
        add_definition(f); /* the catalog kept it without the outline, which a compiler makes */
    struct store_write *w = flight_write(f, STORE_START);
    w->u.start = s->row;
    w->u.start.status = f->status;
    w->u.start.stopped_at = f->stopped_at;
    w->u.start.wake_at = f->wake_at;
}

static void add_progress(struct flight *f)
{
    struct store_write *w = flight_write(f, STORE_SET_PROGRESS);
    w->u.progress.key = f->slot->key;
    w->u.progress.status = f->status;
    w->u.progress.stopped_at = f->stopped_at;
    w->u.progress.wake_at = f->wake_at;
    w->u.progress.redriven_at = f->redriven_at;
    w->u.progress.redrive_count = f->redrive_count;
}

struct turn_row turn_row_of(const struct flight *f)
{
    return (struct turn_row){
        .key = f->slot->key,
        .turn = f->turn.number,
        .rules_version = FLOW_RULES_VERSION,
        .cause = (uint8_t)f->pending->input.why,
        .at = f->turn.at,
        .body = buf_str(&f->body),
        .checksum = checksum64(buf_str(&f->body)),
    };
}

static bool wants_snapshot(const struct run_slot *s)
{
    return s->journal_bytes > s->engine->options.snapshot_min &&
           s->journal_bytes > s->snapshot_bytes && run_turns(s->run) >= SNAPSHOT_TURNS_MIN &&
           run_status(s->run) == FLOW_RUNNING;
}

static void submit(struct flight *f)
{
    struct run_slot *s = f->slot;
    /* What an earlier turn left to do may still stand in the queue. */
    bool more = f->turn.more || run_is_ready(s->run, f->turn.at);
    struct wall_ms wake = wake_wanted(s, more);
    bool first = f->turn.number == 0;
    f->status = (enum execution_status)run_status(s->run);
    f->redrive_count = run_redrive_count(s->run);
    f->redriven_at = run_redriven_at(s->run);
    bool changes = f->status != EXECUTION_RUNNING || s->row.status != EXECUTION_RUNNING ||
                   wake_must_change(s->stored, wake, f->turn.at);
    if (first || changes) {
        f->stopped_at = run_stopped_at(s->run);
        f->wake_at = s->stored = wake;
    }
    if (first)
        flight_add_beginning(f);
    flight_write(f, STORE_APPEND_TURN)->u.turn = turn_row_of(f);
    if (changes && !first)
        add_progress(f);
    recoveries_mark(f);
    s->journal_bytes += f->body.len;
    s->engine->step_bytes += f->body.len;
    if (wants_snapshot(s))
        flight_snapshot(f);
    flight_submit(f);
}

/* What it came too late for may not be durable yet: then it is tried again after that. */
static void refuse_late(struct run_slot *s, struct pending *p)
{
    p->late = p->asker.replied && s->flights.first;
    if (p->late) {
        pending_push_front(&s->queue, p);
        return;
    }
    struct err why;
    bool refused = pending_refusal(p, s, &why);
    asker_answer(&p->asker, &s->row, false, refused ? &why : NULL);
    pending_free(s->engine, p);
}

/* Takes over the flight. */
static void store_turn(struct flight *f)
{
    if (f->slot->express && (!f->slot->beginning || !express_is_stored(f->slot))) {
        express_take(f);
        return;
    }
    journal_encode(&f->turn, &f->body);
    if (f->body.over) {
        struct err err;
        err_set(&err, ERR_TOO_LARGE, "one turn of the execution takes more than %d MiB",
                STORE_BODY_SIZE_MAX >> 20);
        flight_fail(f, &err);
        return;
    }
    submit(f);
}

/* Takes over the pending. */
static void take_turn(struct run_slot *s, struct pending *p)
{
    struct engine *e = s->engine;
    struct flight *f = flight_new(s);
    f->pending = p;
    if (p->input.why == FLOW_CHILD_ENDED && !p->input.attempt)
        nested_resolve(s, p);
    p->input.now = e->wall;
    p->input.seed = rng_next(&e->rng);
    flow_turn(s->run, &p->input, f->arena, &f->turn);
    if (!f->turn.accepted) { /* it does not fit, and nothing happened */
        f->pending = NULL;
        flight_free(e, f);
        refuse_late(s, p);
        return;
    }
    bool more = f->turn.more;
    store_turn(f);
    if (more)
        pending_push(&s->queue, pending_new(e, FLOW_CONTINUE));
}

/* What came after the end waits for the end to land. Of cut turns one is computed
 * while another is being committed, and no more: a stop must not queue up behind
 * what an endless loop has in advance. */
static bool may_take(const struct run_slot *s, const struct pending *p)
{
    if (s->shedding || run_status(s->run) != FLOW_RUNNING)
        return false;
    if (!p->resume && p->input.why == FLOW_CONTINUE && s->flights.count > 1)
        return false;
    if ((p->look || p->late || p->ask || s->express) && s->flights.first)
        return false;
    /* What is written on leaving memory holds no turn: were it refused, a turn behind it
     * would be stored all the same. */
    if (s->leaving)
        return false;
    return flight_has_room(s);
}

static void look(struct run_slot *s, struct pending *p)
{
    if (p->ask) {
        nested_answer(s, p);
        return;
    }
    struct engine_reply reply = {.execution = &s->row};
    if (p->requeue)
        slot_requeue(s);
    reply.accepted = p->look && flow_token_awaited(s->run, p->input.step, p->input.attempt);
    asker_reply(&p->asker, &reply);
}

/* Something came between the plan and its turn. */
static bool is_outdated(const struct run_slot *s, const struct pending *p)
{
    struct err err;
    if (p->input.why != FLOW_RECOVER || p->turns == run_turns(s->run))
        return false;
    err_set(&err, ERR_CONFLICT,
            "execution " STR_FMT " went on while its recovery was planned: plan it again",
            STR_ARG(s->row.name));
    asker_answer(&p->asker, &s->row, false, &err);
    return true;
}

bool turn_take_ended(struct run_slot *s)
{
    struct pending_list all = s->queue;
    struct pending *taken = NULL;
    s->queue = (struct pending_list){0};
    for (struct pending *p; (p = pending_pop(&all));) {
        if (taken || !pending_is_for_ended(p))
            pending_push(&s->queue, p);
        else if (is_outdated(s, p))
            pending_free(s->engine, p);
        else
            taken = p;
    }
    if (!taken)
        return false;
    slot_account(s);
    take_turn(s, taken);
    return s->flights.first != NULL;
}

static void take_turns(struct run_slot *s)
{
    for (int i = 0; i < STEP_TURNS_MAX && s->queue.first && may_take(s, s->queue.first); i++) {
        struct pending *p = pending_pop(&s->queue);
        if (p->resume || p->look) {
            look(s, p);
            pending_free(s->engine, p);
        } else {
            take_turn(s, p);
        }
    }
}

/* ---- after a turn has landed ---- */

static void verify(struct flight *f)
{
    struct run_slot *s = f->slot;
    const struct engine *e = s->engine;
    if (!e->options.verify)
        return;
    if (!s->mirror)
        s->mirror = mirror_new(s->machine->machine, &s->identity, &e->options.limits);
    struct turn_row written = turn_row_of(f);
    struct journal_row row = journal_row_of(&written);
    mirror_take(s->mirror, &row);
    if (run_turns(s->run) == f->turn.number + 1)
        mirror_compare(s->mirror, s->run);
}

static void effect_cancel(struct run_slot *s, const struct flow_effect *effect)
{
    const struct engine_task_port *port = &s->engine->options.tasks;
    slot_task_over(s, effect->step, effect->attempt);
    if (effect_is_nested(effect))
        nested_cancel(s, effect);
    else
        port->cancel(port->arg, s->key, effect->step, effect->attempt);
}

static void perform(const struct flight *f)
{
    struct run_slot *s = f->slot;
    for (size_t i = 0; i < f->turn.effect_count && !s->engine->detached; i++) {
        const struct flow_effect *effect = &f->turn.effects[i];
        switch (effect->kind) {
        case FLOW_TASK_START:
            effect_start(s, effect);
            break;
        case FLOW_TASK_TAKEN:
            slot_task_taken(s, effect);
            break;
        case FLOW_TASK_CANCEL:
            effect_cancel(s, effect);
            break;
        case FLOW_ENDED:
            break;
        }
    }
}

static void answer(const struct flight *f)
{
    const struct flow_input *input = &f->pending->input;
    struct engine_reply reply = {.execution = &f->slot->row, .accepted = f->turn.awaited};
    for (size_t i = 0; i < f->turn.effect_count; i++)
        if (f->turn.effects[i].kind == FLOW_TASK_TAKEN)
            reply.task = &f->turn.effects[i];
    if (f->turn.awaited && input->why == FLOW_TOKEN_RESULT)
        slot_task_over(f->slot, input->step, input->attempt);
    asker_reply(&f->pending->asker, &reply);
}

void turn_show(struct flight *f)
{
    struct run_slot *s = f->slot;
    struct engine *e = s->engine;
    bool is_journaled = !s->express || (s->beginning && express_is_stored(s));
    s->row.turns += is_journaled;
    if (s->beginning)
        s->run_bytes = arena_used(run_arena(s->run));
    if (!s->express || express_is_stored(s))
        s->beginning = NULL;
    s->handed = true;
    verify(f);
    answer(f);
    if (e->followed && (is_journaled || f->submitted))
        e->followed(e->followed_arg, s->run, &s->row, f->turn.events, f->turn.event_count,
                    f->turn.at);
    perform(f);
}

/* A run's arena only grows. Loading it anew makes the same run without the garbage;
 * done seldom enough to cost little. */
static bool run_is_bloated(const struct run_slot *s)
{
    size_t bound = s->run_bytes * GARBAGE_FACTOR;
    if (bound < GARBAGE_MIN)
        bound = GARBAGE_MIN;
    return arena_used(run_arena(s->run)) > bound;
}

/* What was only noted after the end is no news. What was asked meanwhile of one that has
 * ended comes next. */
static void over(struct run_slot *s, bool noted)
{
    if (!noted) {
        nested_ended(s);
        recoveries_ended(s);
    }
    if (s->flights.first || !turn_take_ended(s))
        slot_end(s, NULL);
}

/* Shows what has landed. False: the slot is not live any more, or not there. */
static bool land(struct run_slot *s)
{
    struct engine *e = s->engine;
    for (struct flight *f; (f = s->flights.first) && f->answered && !e->detached;) {
        if (f->failed) {
            void_begin(s);
            return false;
        }
        flight_pop(s);
        s->refusals = 0;
        s->row.status = f->status;
        s->row.stopped_at = f->stopped_at;
        s->row.wake_at = f->wake_at;
        s->row.redrive_count = f->redrive_count;
        s->row.redriven_at = f->redriven_at;
        bool noted = f->pending && f->pending->input.why == FLOW_NOTE;
        if (f->pending)
            turn_show(f);
        flight_free(e, f);
        if (s->row.status != EXECUTION_RUNNING) {
            over(s, noted);
            return false;
        }
    }
    return !e->detached && !park_left(s);
}

static void settle(struct run_slot *s)
{
    slot_account(s);
    /* Until the first turn has landed it is not known how large it was when it was new. */
    if (!s->shedding && !s->express && !s->beginning && run_status(s->run) == FLOW_RUNNING)
        s->shedding = run_is_bloated(s);
    if (s->shedding && !s->flights.first) {
        slot_drop_run(s);
        load_begin(s);
        return;
    }
    if (s->queue.first) {
        if (may_take(s, s->queue.first))
            slot_make_ready(s);
        return;
    }
    slot_wake_at(s, flow_wake(s->run));
    if (!s->flights.first && !s->express)
        slot_park(s);
}

void live_step(struct run_slot *s)
{
    slot_unpark(s);
    if (!land(s))
        return;
    take_turns(s);
    if (express_is_over(s))
        express_finish(s);
    else
        settle(s);
}
