/* Handing out: which tasks go through the port, which wait for a worker, and what
 * workers and holders of tokens say. */
#include "engine/engine_internal.h"

#include "engine/nested.h"

#include <stdlib.h>

/* ---- workers ---- */

static void poll_free(struct engine_poll *p)
{
    struct activities *as = &p->engine->activities;
    struct activity *a = p->activity;
    a->polls--;
    as->polls--;
    activity_drop_if_idle(as, a);
    free(p);
}

static void poll_answer(struct engine_poll *p, const struct engine_reply *reply)
{
    engine_polled *polled = p->polled;
    void *arg = p->arg;
    bool gone = p->gone;
    poll_free(p);
    if (!gone)
        polled(arg, reply);
}

/* Its task is not to be had: it waits on, before those that came after it. */
static void poll_wait_on(struct engine_poll *p)
{
    p->busy = false;
    if (p->gone || p->over)
        poll_answer(p, &(struct engine_reply){0});
    else
        poll_push_front(&p->activity->idle, p);
}

/* May the same task be had another time? */
static bool is_passing(const struct err *err)
{
    return err->code == ERR_BUSY || err->code == ERR_DISK_FULL;
}

static void match(struct engine *e, struct activity *a);

static void task_started(void *arg, const struct engine_reply *reply)
{
    struct engine_poll *p = arg;
    struct engine *e = p->engine;
    struct activity *a = p->activity;
    a->polls++; /* so that it stays */
    poll_take_out(&a->busy, p);
    if (reply->task && p->gone) {
        activity_return(&e->activities, a, p->task);
        poll_free(p);
    } else if (reply->task) {
        poll_answer(p, reply);
    } else if (reply->err && (is_passing(reply->err) || e->dead || e->detached)) {
        if (p->again)
            activity_return(&e->activities, a, p->task);
        else
            activity_push_front(&e->activities, a, p->task);
        poll_answer(p, reply);
    } else {
        poll_wait_on(p);
    }
    match(e, a);
    a->polls--;
    activity_drop_if_idle(&e->activities, a);
}

static void send(struct engine_poll *p)
{
    struct engine *e = p->engine;
    struct pending *start = pending_new(e, FLOW_TASK_STARTED);
    start->input.step = p->task.step;
    start->input.attempt = p->task.attempt;
    start->input.again = p->again;
    start->input.worker = arena_str(start->arena, str_of(p->worker, p->worker_len));
    start->asker = (struct asker){task_started, p};
    engine_give(e, p->task.key, start);
}

static void match(struct engine *e, struct activity *a)
{
    while (a->idle.first && !e->dead && !e->detached) {
        struct engine_poll *p = a->idle.first;
        if (!activity_pop(&e->activities, a, &p->task, &p->again)) {
            e->sweep.wanted |= a->behind;
            return;
        }
        poll_take_out(&a->idle, p);
        poll_push(&a->busy, p);
        p->busy = true;
        send(p);
    }
}

struct engine_poll *engine_poll_begin(struct engine *e, struct str activity, struct str worker,
                                      engine_polled *polled, void *arg)
{
    struct err why = e->why;
    if (e->detached)
        err_set(&why, ERR_INTERRUPTED, "the engine is stopping");
    if (e->dead || e->detached) {
        polled(arg, &(struct engine_reply){.err = &why});
        return NULL;
    }
    struct activity *a = activity_get(&e->activities, activity);
    struct engine_poll *p = calloc(1, sizeof(*p) + worker.len);
    if (!p)
        panic(__FILE__, __LINE__, "out of memory");
    p->engine = e;
    p->activity = a;
    p->polled = polled;
    p->arg = arg;
    p->worker_len = worker.len;
    if (worker.len)
        memcpy(p->worker, worker.ptr, worker.len);
    a->polls++;
    e->activities.polls++;
    poll_push(&a->idle, p);
    match(e, a);
    return p;
}

void engine_poll_end(struct engine_poll *p, bool gone)
{
    p->gone |= gone;
    p->over = true;
    if (p->busy)
        return;
    poll_take_out(&p->activity->idle, p);
    poll_answer(p, &(struct engine_reply){0});
}

size_t engine_polls(const struct engine *e, struct str activity)
{
    const struct activity *a = activity_find(&e->activities, activity);
    return a ? a->polls : 0;
}

void polls_fail(struct engine *e, const struct err *why)
{
    const struct engine_reply reply = {.err = why};
    for (size_t i = 0; i < ACTIVITY_BUCKETS; i++)
        for (struct activity *a = e->activities.buckets[i], *next; a; a = next) {
            next = a->next;
            a->polls++;
            for (struct engine_poll *p; (p = a->idle.first);) {
                poll_take_out(&a->idle, p);
                poll_answer(p, &reply);
            }
            a->polls--;
            activity_drop_if_idle(&e->activities, a);
        }
}

/* ---- tasks ---- */

static void queue(struct engine *e, execution_key key, const struct flow_effect *task)
{
    struct activity *a = activity_get(&e->activities, task->resource->text);
    if (a->task_count >= e->options.activity_tasks_max) {
        a->behind = a->behind_again = true;
        return;
    }
    activity_push(&e->activities, a, (struct activity_task){key, task->step, task->attempt});
    match(e, a);
}

static void begin_heartbeat(struct run_slot *s, const struct flow_effect *task)
{
    if (task->by_token && task->heartbeat_seconds)
        heartbeat_begin(&s->engine->heartbeats, s->key, task->step, task->attempt,
                        task->heartbeat_seconds, s->engine->wall);
}

void effect_start(struct run_slot *s, const struct flow_effect *task)
{
    const struct engine_task_port *port = &s->engine->options.tasks;
    bool is_activity = task->resource->kind == TASK_ACTIVITY;
    if (effect_is_nested(task))
        nested_begin(s, task);
    else if (!is_activity && !task->submitted)
        port->start(port->arg, &s->row, &s->identity, task);
    if (is_activity && !task->submitted)
        queue(s->engine, s->key, task);
    else
        begin_heartbeat(s, task);
}

void slot_requeue(struct run_slot *s)
{
    struct engine *e = s->engine;
    struct arena *scratch = arena_new(0);
    const struct flow_effect *tasks = NULL;
    size_t count = flow_tasks(s->run, scratch, &tasks);
    for (size_t i = 0; i < count; i++) {
        const struct activity *a = NULL;
        if (tasks[i].resource->kind == TASK_ACTIVITY && !tasks[i].submitted)
            a = activity_find(&e->activities, tasks[i].resource->text);
        if (a && a->behind)
            queue(e, s->key, &tasks[i]);
    }
    arena_free(scratch);
}

void slot_task_taken(struct run_slot *s, const struct flow_effect *task)
{
    begin_heartbeat(s, task);
}

void slot_task_over(struct run_slot *s, uint32_t step, uint32_t attempt)
{
    heartbeat_end(&s->engine->heartbeats, s->key, step, attempt);
}

/* ---- holders of tokens ---- */

static struct pending *token_pending(struct engine *e, uint32_t step, uint32_t attempt,
                                     engine_replied *replied, void *arg)
{
    struct pending *p = pending_new(e, FLOW_TOKEN_RESULT);
    p->input.step = step;
    p->input.attempt = attempt;
    p->asker = (struct asker){replied, arg};
    return p;
}

void engine_token_result(struct engine *e, const struct engine_task_result *result,
                         engine_replied *replied, void *arg)
{
    struct pending *p = token_pending(e, result->step, result->attempt, replied, arg);
    p->input.ok = result->ok;
    p->input.value = json_copy(p->arena, result->output);
    p->input.has_error = result->has_error;
    p->input.has_cause = result->has_cause;
    p->input.error = arena_str(p->arena, result->error);
    p->input.cause = arena_str(p->arena, result->cause);
    engine_command(e, result->execution, p);
}

void engine_token_heartbeat(struct engine *e, execution_key key, uint32_t step, uint32_t attempt,
                            engine_replied *replied, void *arg)
{
    const struct engine_reply taken = {.accepted = true};
    if (!e->dead && !e->detached && heartbeat_take(&e->heartbeats, key, step, attempt)) {
        replied(arg, &taken);
        return;
    }
    struct pending *p = token_pending(e, step, attempt, replied, arg);
    p->look = true;
    engine_command(e, key, p);
}

void heartbeats_take_lost(struct engine *e)
{
    struct heartbeat lost;
    heartbeats_pass(&e->heartbeats, e->wall);
    while (heartbeat_pop_lost(&e->heartbeats, e->wall, &lost)) {
        struct pending *p = pending_new(e, FLOW_HEARTBEAT_LOST);
        p->input.step = lost.step;
        p->input.attempt = lost.attempt;
        engine_give(e, lost.key, p);
    }
}
