/* What waits for a run, who waits for an answer, and arenas for short lives. */
#include "engine/engine_internal.h"

#include <stdlib.h>

struct arena *spare_arena(struct engine *e)
{
    return e->spare_arena_count ? e->spare_arenas[--e->spare_arena_count] : arena_new(0);
}

void spare_arena_keep(struct engine *e, struct arena *a)
{
    if (e->spare_arena_count == SPARE_MAX || arena_used(a) > SPARE_BYTES_MAX) {
        arena_free(a);
        return;
    }
    arena_rewind(a, (struct arena_mark){0});
    e->spare_arenas[e->spare_arena_count++] = a;
}

void spares_release(struct engine *e)
{
    while (e->spare_arena_count)
        arena_free(e->spare_arenas[--e->spare_arena_count]);
    while (e->spare_flights) {
        struct flight *f = e->spare_flights;
        e->spare_flights = f->next;
        buf_release(&f->body);
        buf_release(&f->snapshot);
        arena_free(f->arena);
        free(f);
    }
}

struct pending *pending_new(struct engine *e, enum flow_cause cause)
{
    struct arena *arena = spare_arena(e);
    struct pending *p = ARENA_NEW(arena, struct pending);
    p->arena = arena;
    p->input.why = cause;
    return p;
}

void pending_free(struct engine *e, struct pending *p)
{
    if (!p)
        return;
    e->nested.stops -= p->stops_child;
    spare_arena_keep(e, p->arena);
}

void pending_push(struct pending_list *list, struct pending *p)
{
    p->next = NULL;
    if (list->last)
        list->last->next = p;
    else
        list->first = p;
    list->last = p;
}

void pending_push_front(struct pending_list *list, struct pending *p)
{
    p->next = list->first;
    list->first = p;
    if (!list->last)
        list->last = p;
}

struct pending *pending_pop(struct pending_list *list)
{
    struct pending *p = list->first;
    if (!p)
        return NULL;
    list->first = p->next;
    if (!list->first)
        list->last = NULL;
    return p;
}

bool pending_is_for_ended(const struct pending *p)
{
    return !p->resume && (p->input.why == FLOW_RECOVER || p->input.why == FLOW_NOTE);
}

/* What is asked for, in words: "cannot be ...". */
static const char *asked_for(const struct pending *p)
{
    switch ((int)p->input.why) {
    case FLOW_RECOVER:
        return "resumed";
    case FLOW_PAUSE:
        return "paused";
    case FLOW_UNPAUSE:
        return "let go on";
    case FLOW_REVIEW:
        return "reviewed";
    case FLOW_CANCEL:
        return "canceled";
    default:
        return NULL;
    }
}

/* What it is doing instead. */
static const char *what_it_does(const struct run_slot *s)
{
    uint32_t step;
    if (!s->run || run_status(s->run) != FLOW_RUNNING)
        return "has ended";
    if (run_rerun(s->run, &step))
        return "runs one of its steps again";
    if (run_canceling(s->run))
        return "has been canceled and cleans up";
    struct flow_pause pause = run_pause(s->run);
    if (pause.asked)
        return pause.quiet ? "is paused" : "is about to pause";
    return "runs";
}

bool pending_refusal(const struct pending *p, const struct run_slot *s, struct err *ret_why)
{
    const char *asked = p->resume ? NULL : asked_for(p);
    if (!asked)
        return false;
    err_set(ret_why, ERR_CONFLICT, "execution " STR_FMT " cannot be %s: it %s (%s)%s",
            STR_ARG(s->row.name), asked, what_it_does(s), execution_status_name(s->row.status),
            p->input.why == FLOW_REVIEW ? " and no step of it waits for a review" : "");
    return true;
}

static bool is_derived(const struct pending *p)
{
    return !p->resume && (p->input.why == FLOW_CONTINUE || p->input.why == FLOW_WAKE);
}

void pending_drop_derived(struct engine *e, struct pending_list *list)
{
    struct pending_list all = *list;
    *list = (struct pending_list){0};
    for (struct pending *p; (p = pending_pop(&all));) {
        if (is_derived(p))
            pending_free(e, p);
        else
            pending_push(list, p);
    }
}

void asker_answer(const struct asker *asker, const struct execution_row *row, bool already,
                  const struct err *err)
{
    struct engine_reply reply = {.err = err};
    if (!err) {
        reply.execution = row;
        reply.already = already;
    }
    asker_reply(asker, &reply);
}

void asker_reply(const struct asker *asker, const struct engine_reply *reply)
{
    if (asker->replied)
        asker->replied(asker->arg, reply);
}
