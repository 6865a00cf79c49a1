/* Wakes: of runs in memory, of those that are not, and the reading of more. */
#include "engine/engine_internal.h"

static const struct away_wake horizon_none = {{INT64_MAX}, INT64_MAX};

/* ---- runs in memory ---- */

void slot_wake_at(struct run_slot *s, struct wall_ms at)
{
    if (slot_wake(s).ms == at.ms)
        return;
    if (at.ms != 0)
        heap_set(&s->engine->wakes, &s->wake, at.ms);
    else
        heap_remove(&s->engine->wakes, &s->wake);
}

struct wall_ms slot_wake(const struct run_slot *s)
{
    return (struct wall_ms){s->wake.place ? s->wake.at : 0};
}

struct run_slot *slot_first_wake(const struct engine *e)
{
    struct heap_node *first = heap_first(&e->wakes);
    return first ? HEAP_THING(first, struct run_slot, wake) : NULL;
}

/* A child that is waited for has to ask its parent, after a crash, whether it still is. */
struct wall_ms wake_wanted(const struct run_slot *s, bool more)
{
    if (run_status(s->run) != FLOW_RUNNING)
        return (struct wall_ms){0};
    bool at_opening = more || s->express || s->row.parent_task || run_has_tasks(s->run);
    return at_opening ? WAKE_AT_OPENING : flow_wake(s->run);
}

/* ---- what is due ---- */

/* One of those that are not in memory is loaded; that it is due shows then. */
static bool wake_away(struct engine *e, struct away_wake wake)
{
    struct run_slot *s = slot_find(e, wake.key);
    if (!s) {
        s = slot_new(e, wake.key);
        if (!s)
            return false;
        slot_make_ready(s);
    } else if (s->away_wake.ms == wake.at.ms) {
        s->away_wake.ms = 0;
    }
    away_pop(&e->away);
    return true;
}

void wakes_take_due(struct engine *e)
{
    struct run_slot *s;
    struct away_wake wake;
    while ((s = slot_first_wake(e)) && slot_wake(s).ms <= e->wall.ms) {
        slot_wake_at(s, (struct wall_ms){0});
        if (s->phase == SLOT_LIVE)
            slot_push(s, pending_new(e, FLOW_WAKE));
        else
            slot_make_ready(s);
    }
    while (away_first(&e->away, &wake) && wake.at.ms <= e->wall.ms)
        if (!wake_away(e, wake))
            return;
}

/* ---- the lookout: what the store tells of runs that are not in memory ---- */

static void lookout_done(void *arg, const struct err *err)
{
    struct engine *e = arg;
    e->store_waits--;
    e->lookout.waiting = false;
    e->lookout.failed = err != NULL;
    if (err)
        e->lookout.err = *err;
}

/* The caller has filled in what is asked. */
static void lookout_read(struct engine *e, struct store_read read)
{
    struct lookout *l = &e->lookout;
    l->arena = arena_new(0);
    l->read = read;
    l->read.org = e->options.org;
    l->read.shard = STORE_ANY_SHARD;
    l->read.status = STORE_ANY_STATUS;
    l->read.arena = l->arena;
    l->read.done = lookout_done;
    l->read.arg = e;
    l->waiting = true;
    e->store_waits++;
    store_read(e->options.store, &l->read);
}

void lookout_begin(struct engine *e)
{
    if (!e->options.advance_all)
        e->away.horizon = horizon_none;
    lookout_read(e, (struct store_read){.kind = STORE_LIST_EXECUTIONS, .rows_max = 1});
}

/* While the answer is on its way there is no horizon: what leaves memory meanwhile
 * may or may not be in it, and being there twice is harmless. */
static void ask_for_wakes(struct engine *e)
{
    struct away_wake from = e->away.horizon;
    e->away.horizon = horizon_none;
    lookout_read(e, (struct store_read){.kind = STORE_LIST_WAKES,
                                        .since = from.at,
                                        .key = from.key,
                                        .until = horizon_none.at});
}

static void take_wakes(struct engine *e)
{
    const struct store_read *r = &e->lookout.read;
    for (size_t i = 0; i < r->count; i++) {
        struct away_wake wake = {r->executions[i].wake_at, r->executions[i].key};
        if (!slot_find(e, wake.key))
            away_add(&e->away, wake, true);
    }
    if (r->more && r->count)
        e->away.horizon = (struct away_wake){r->executions[r->count - 1].wake_at,
                                             r->executions[r->count - 1].key};
}

static void take_newest(struct engine *e)
{
    struct lookout *l = &e->lookout;
    if (l->read.count)
        e->key_last = l->read.executions[0].key;
    l->newest_known = true;
}

static bool wants_wakes(const struct engine *e)
{
    return e->away.horizon.at.ms != INT64_MAX && e->away.stored.count < AWAY_WAKES_LOW;
}

bool lookout_step(struct engine *e)
{
    struct lookout *l = &e->lookout;
    if (l->waiting)
        return false;
    if (l->failed) {
        engine_die(e, &l->err);
        return false;
    }
    if (l->arena) {
        if (l->newest_known)
            take_wakes(e);
        else
            take_newest(e);
        arena_free(l->arena);
        l->arena = NULL;
    }
    if (wants_wakes(e)) {
        ask_for_wakes(e);
        return true;
    }
    struct away_wake first;
    if (!away_first(&e->away, &first) || first.at.ms != WAKE_AT_OPENING.ms)
        l->done = true;
    away_trim(&e->away);
    return false;
}
