#include "api/api_internal.h"

struct errand *errand_new(struct api *api, errand_done *done, void *owner, struct errand **place)
{
    struct arena *arena = arena_new(0);
    struct errand *e = ARENA_NEW(arena, struct errand);
    *e = (struct errand){.api = api, .arena = arena, .done = done, .owner = owner, .place = place};
    ASSERT(!*place);
    *place = e;
    e->next = api->errands;
    e->link = &api->errands;
    if (e->next)
        e->next->link = &e->next;
    api->errands = e;
    return e;
}

static void errand_free(struct errand *e)
{
    *e->link = e->next;
    if (e->next)
        e->next->link = e->link;
    arena_free(e->arena);
}

static void back(struct errand *e, const struct err *err)
{
    if (e->place) {
        *e->place = NULL;
        e->done(e->owner, e, err);
    }
    errand_free(e);
}

static void read_done(void *arg, const struct err *err)
{
    back(arg, err);
}

void errand_read(struct errand *e, enum store_read_kind kind)
{
    const struct api_options *o = &e->api->options;
    struct str *asked[] = {&e->read.name, &e->read.machine_arn, &e->read.object_kind,
                           &e->read.prefix};
    for (size_t i = 0; i < COUNT_OF(asked); i++) /* who asked may be gone before the answer */
        *asked[i] = arena_str(e->arena, *asked[i]);
    e->read.kind = kind;
    e->read.org = o->org;
    e->read.arena = e->arena;
    e->read.done = read_done;
    e->read.arg = e;
    store_read(o->store, &e->read);
    o->wake(o->arg);
}

static void replied(void *arg, const struct engine_reply *reply)
{
    struct errand *e = arg;
    e->reply = reply;
    back(e, reply->err);
}

void errand_start(struct errand *e, const struct engine_start *start)
{
    const struct api_options *o = &e->api->options;
    engine_start(o->engine, start, replied, e);
    o->wake(o->arg);
}

void errand_resume(struct errand *e, execution_key key)
{
    const struct api_options *o = &e->api->options;
    engine_resume(o->engine, key, replied, e);
    o->wake(o->arg);
}

void errand_stop(struct errand *e, execution_key key, struct str error, struct str cause)
{
    const struct api_options *o = &e->api->options;
    engine_stop(o->engine, key, error, cause, replied, e);
    o->wake(o->arg);
}

static void planned(void *arg, const struct engine_reply *reply, const struct plan *plan)
{
    struct errand *e = arg;
    e->plan = plan;
    replied(e, reply);
}

void errand_recover(struct errand *e, execution_key key, const struct recovery_request *request)
{
    const struct api_options *o = &e->api->options;
    engine_recover(o->engine, key, request, planned, e);
    o->wake(o->arg);
}

void errand_plan(struct errand *e, const struct engine_start *start)
{
    const struct api_options *o = &e->api->options;
    engine_plan(o->engine, start, planned, e);
    o->wake(o->arg);
}

void errand_pause(struct errand *e, execution_key key, struct str reason, struct str by)
{
    const struct api_options *o = &e->api->options;
    engine_pause(o->engine, key, reason, by, replied, e);
    o->wake(o->arg);
}

void errand_unpause(struct errand *e, execution_key key, struct str by)
{
    const struct api_options *o = &e->api->options;
    engine_unpause(o->engine, key, by, replied, e);
    o->wake(o->arg);
}

void errand_cancel(struct errand *e, execution_key key, struct str reason, struct str by)
{
    const struct api_options *o = &e->api->options;
    engine_cancel(o->engine, key, reason, by, replied, e);
    o->wake(o->arg);
}

void errand_review(struct errand *e, execution_key key, const struct engine_review *review)
{
    const struct api_options *o = &e->api->options;
    engine_review(o->engine, key, review, replied, e);
    o->wake(o->arg);
}

void errand_token_result(struct errand *e, const struct engine_task_result *result)
{
    const struct api_options *o = &e->api->options;
    engine_token_result(o->engine, result, replied, e);
    o->wake(o->arg);
}

void errand_token_heartbeat(struct errand *e, const struct flow_task_key *key)
{
    const struct api_options *o = &e->api->options;
    engine_token_heartbeat(o->engine, key->execution, key->step, key->attempt, replied, e);
    o->wake(o->arg);
}

void errand_abandon(struct errand *e)
{
    if (!e)
        return;
    *e->place = NULL;
    e->place = NULL;
}

void errands_free(struct api *api)
{
    while (api->errands)
        errand_free(api->errands);
}
