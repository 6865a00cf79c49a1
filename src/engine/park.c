/* Parked runs: nothing is to be done for them now. Those parked longest leave memory
 * when there are too many or they take too much; then they cost disk only, and come
 * back by a wake, a result or a command. */
#include "engine/engine_internal.h"

enum {
    RUNS_ALWAYS = 4, /* are loaded and started whatever memory others take */
    HEADROOM = 8,    /* this part of runs_live_max is kept free of parked ones */
    LEAVING_PART = 4 /* this part of snapshot_min is worth a snapshot of a run that leaves */
};

void slot_park(struct run_slot *s)
{
    struct engine *e = s->engine;
    if (s->parked)
        return;
    s->parked = true;
    s->newer = NULL;
    s->older = e->parked_newest;
    if (e->parked_newest)
        e->parked_newest->newer = s;
    else
        e->parked_oldest = s;
    e->parked_newest = s;
}

void slot_unpark(struct run_slot *s)
{
    struct engine *e = s->engine;
    if (!s->parked)
        return;
    s->parked = false;
    if (s->older)
        s->older->newer = s->newer;
    else
        e->parked_oldest = s->newer;
    if (s->newer)
        s->newer->older = s->older;
    else
        e->parked_newest = s->older;
}

/* Remembers what must not be forgotten, and frees. */
static void leave(struct run_slot *s)
{
    struct engine *e = s->engine;
    struct away_wake wake = {flow_wake(s->run), s->key};
    bool is_stored = e->options.advance_all && s->row.wake_at.ms == wake.at.ms;
    if (s->handed && (s->row.parent_task || run_has_tasks(s->run)))
        away_hand(&e->away, s->key);
    if (wake.at.ms && wake.at.ms != s->away_wake.ms)
        away_add(&e->away, wake, is_stored);
    slot_free(s);
}

/* The row must say when to wake it, and a long journal wants a snapshot. */
static void begin_leaving(struct run_slot *s)
{
    struct wall_ms wake = wake_wanted(s, false);
    bool wants_row = s->row.wake_at.ms != wake.ms;
    bool wants_snapshot = s->journal_bytes > s->engine->options.snapshot_min / LEAVING_PART &&
                          run_turns(s->run) >= SNAPSHOT_TURNS_MIN;
    slot_unpark(s);
    if (!wants_row && !wants_snapshot) {
        leave(s);
        return;
    }
    struct flight *f = flight_new(s);
    if (wants_snapshot)
        flight_snapshot(f);
    if (wants_row) {
        struct store_write *w = flight_write(f, STORE_SET_PROGRESS);
        w->u.progress.key = s->key;
        w->u.progress.status = EXECUTION_RUNNING;
        w->u.progress.wake_at = s->stored = f->wake_at = wake;
    }
    s->leaving = true;
    s->engine->leaving_count++;
    s->engine->memory -= s->memory;
    s->memory = 0;
    flight_submit(f);
}

bool park_left(struct run_slot *s)
{
    if (!s->leaving || s->flights.first)
        return false;
    s->leaving = false;
    s->engine->leaving_count--;
    if (s->queue.first)
        return false;
    leave(s);
    return true;
}

/* A few may always be there, however large: so the others do not wait for an endless one. */
static bool is_spent(const struct engine *e)
{
    return e->memory + e->flight_bytes > e->options.memory_max &&
           e->slot_count - e->leaving_count >= RUNS_ALWAYS;
}

bool park_may_make_room(const struct engine *e)
{
    return e->parked_oldest || (e->slot_count < e->options.runs_live_max && !is_spent(e));
}

bool park_make_room(struct engine *e)
{
    while (e->parked_oldest && (e->slot_count - e->leaving_count >= e->options.runs_live_max ||
                                e->memory > e->options.memory_max))
        begin_leaving(e->parked_oldest);
    return e->slot_count < e->options.runs_live_max && !is_spent(e);
}

bool park_waits_for_memory(const struct engine *e)
{
    return is_spent(e);
}

void park_trim(struct engine *e)
{
    size_t most = e->options.runs_live_max - e->options.runs_live_max / HEADROOM;
    while (e->parked_oldest &&
           (e->slot_count - e->leaving_count > most || e->memory > e->options.memory_max))
        begin_leaving(e->parked_oldest);
}
