#include "engine/engine_internal.h"

/* ---- which activities it is for ---- */

static bool is_filled(const struct engine *e, const struct activity *a)
{
    return !a->behind || a->task_count >= (e->options.activity_tasks_max + 1) / 2;
}

static bool all_filled(const struct engine *e)
{
    for (size_t i = 0; i < ACTIVITY_BUCKETS; i++)
        for (const struct activity *a = e->activities.buckets[i]; a; a = a->next)
            if (!is_filled(e, a))
                return false;
    return true;
}

static void begin(struct engine *e)
{
    struct sweep *w = &e->sweep;
    w->last = false;
    w->active = true;
    w->from = (struct away_wake){0};
    for (size_t i = 0; i < ACTIVITY_BUCKETS; i++)
        for (struct activity *a = e->activities.buckets[i]; a; a = a->next)
            a->behind_again = false;
}

/* All were seen: only what came meanwhile and did not fit is still out there. */
static void end(struct engine *e)
{
    e->sweep.active = false;
    for (size_t i = 0; i < ACTIVITY_BUCKETS; i++)
        for (struct activity *a = e->activities.buckets[i], *next; a; a = next) {
            next = a->next;
            a->behind = a->behind_again;
            activity_drop_if_idle(&e->activities, a);
        }
}

/* ---- pages ---- */

static void answered(void *arg, const struct engine_reply *reply)
{
    struct engine *e = arg;
    (void)reply;
    e->sweep.asked--;
}

static void read_done(void *arg, const struct err *err)
{
    struct engine *e = arg;
    e->store_waits--;
    e->sweep.reading = false;
    e->sweep.failed = err != NULL;
    if (err)
        e->sweep.err = *err;
}

static void read_page(struct engine *e)
{
    struct sweep *w = &e->sweep;
    w->arena = arena_new(0);
    w->read = (struct store_read){
        .kind = STORE_LIST_WAKES,
        .org = e->options.org,
        .shard = STORE_ANY_SHARD,
        .status = STORE_ANY_STATUS,
        .since = w->from.at,
        .key = w->from.key,
        .until = WAKE_AT_OPENING,
        .rows_max = SWEEP_PAGE,
        .arena = w->arena,
        .done = read_done,
        .arg = e,
    };
    w->reading = true;
    e->store_waits++;
    store_read(e->options.store, &w->read);
}

static void look_at_page(struct engine *e)
{
    struct sweep *w = &e->sweep;
    w->last = !w->read.more;
    for (size_t i = 0; i < w->read.count; i++) {
        struct pending *p = pending_new(e, FLOW_CONTINUE);
        w->from = (struct away_wake){w->read.executions[i].wake_at, w->read.executions[i].key};
        p->resume = p->requeue = true;
        p->asker = (struct asker){answered, e};
        w->asked++;
        engine_give(e, w->from.key, p);
    }
    arena_free(w->arena);
    w->arena = NULL;
}

/* A store that is busy is asked again when the next worker comes. */
static void give_up(struct engine *e)
{
    struct sweep *w = &e->sweep;
    struct err err = w->err;
    w->active = w->failed = false;
    arena_free(w->arena);
    w->arena = NULL;
    if (store_error_is_final(err.code))
        engine_die(e, &err);
}

bool sweep_step(struct engine *e)
{
    struct sweep *w = &e->sweep;
    if (w->wanted && !w->active) {
        w->wanted = false;
        if (!all_filled(e))
            begin(e);
    }
    if (!w->active || w->reading || w->asked)
        return false;
    if (w->failed) {
        give_up(e);
    } else if (w->arena) {
        look_at_page(e);
    } else if (w->last) {
        end(e);
    } else if (all_filled(e)) {
        w->active = false;
    } else {
        read_page(e);
    }
    return w->active && !w->reading;
}
