/* Refused commits: what is void, who hears of it, and when to try again. */
#include "engine/engine_internal.h"

#include "engine/express.h"

/* A turn that can never be stored would be refused for ever: stop the execution. */
static struct pending *stop_instead(struct engine *e, const struct err *err)
{
    struct pending *p = pending_new(e, FLOW_STOP);
    p->input.has_error = p->input.has_cause = true;
    p->input.error = STR("States.DataLimitExceeded");
    p->input.cause = arena_str(p->arena, str_of_cstr(err->message));
    return p;
}

/* What somebody asked for is answered, what simply happened is tried again, and what
 * loading derives is forgotten. */
static void take_back(struct run_slot *s, struct pending *p, struct pending_list *again)
{
    bool asked = p->asker.replied && p->input.why != FLOW_NOTE; /* nobody waits for a note */
    bool answer = asked && !s->beginning && !store_error_is_final(s->err.code);
    if (answer)
        asker_answer(&p->asker, &s->row, false, &s->err);
    if (answer)
        pending_free(s->engine, p);
    else
        pending_push(again, p);
}

/* All flights of the slot, the first of which was refused; those behind it met what
 * the first should have left, and failed for it. */
static void take_back_all(struct run_slot *s)
{
    struct engine *e = s->engine;
    struct pending_list again = {0};
    if (s->err.code == ERR_TOO_LARGE && !s->beginning) {
        struct pending *p = s->flights.first->pending;
        s->flights.first->pending = stop_instead(e, &s->err);
        if (p)
            asker_answer(&p->asker, &s->row, false, &s->err);
        pending_free(e, p);
    }
    while (s->flights.first) {
        struct flight *f = flight_pop(s);
        struct pending *p = f->pending;
        f->pending = NULL;
        if (f->failed && (f->err->code == ERR_IO || f->err->code == ERR_STALE))
            s->err = *f->err;
        if (p)
            take_back(s, p, &again);
        flight_free(e, f);
    }
    while (s->queue.first)
        pending_push(&again, pending_pop(&s->queue));
    s->queue = again;
    pending_drop_derived(e, &s->queue);
}

void void_begin(struct run_slot *s)
{
    if (express_is_at_its_end(s) && !store_error_is_final(s->flights.first->err->code)) {
        express_refused(s);
        return;
    }
    s->phase = SLOT_VOID;
    s->err = *s->flights.first->err;
    slot_unpark(s);
    slot_wake_at(s, (struct wall_ms){0});
    void_step(s);
}

void void_step(struct run_slot *s)
{
    struct engine *e = s->engine;
    if (s->waits)
        return;
    take_back_all(s);
    e->leaving_count -= s->leaving;
    s->leaving = false;
    struct err err = s->err;
    bool conflict = err.code == ERR_CONFLICT;
    if (s->beginning && conflict && s->row.client_named) {
        slot_drop_run(s);
        name_begin(s);
    } else if (s->beginning && (conflict || !store_error_is_final(err.code))) {
        slot_end(s, &err);
    } else {
        slot_refused(s, &err);
    }
}

struct wall_ms refusal_wait(struct run_slot *s)
{
    int64_t wait = REFUSED_WAIT_FIRST_MS << (s->refusals < 6 ? s->refusals : 6);
    if (wait > REFUSED_WAIT_LAST_MS)
        wait = REFUSED_WAIT_LAST_MS;
    s->refusals++;
    return (struct wall_ms){s->engine->wall.ms + wait};
}

void slot_refused(struct run_slot *s, const struct err *err)
{
    struct engine *e = s->engine;
    struct err why = *err; /* which may be the slot's own */
    if (store_error_is_final(why.code)) {
        engine_die(e, &why);
        return;
    }
    if (s->beginning) {
        slot_end(s, &why);
        return;
    }
    slot_drop_run(s);
    slot_account(s);
    s->phase = SLOT_WAIT;
    s->stored = s->row.wake_at;
    slot_wake_at(s, refusal_wait(s));
    engine_trouble(e, s->key, &why, slot_wake(s));
}
