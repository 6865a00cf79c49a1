/* Waiting for an execution's end: ?wait=SECONDS.
 *
 * A wait is no call any more, since thousands of them may: it lies in its request's
 * own memory, knows no more than the execution's key, and becomes a call again when there
 * is something to answer. The end of an execution that is followed here is answered from
 * the run that has just ended; what had ended before is read.
 */
#include "api/rest/resources.h"

struct wait {
    struct wait *next, **link; /* in its bucket */
    struct api *api;
    struct http_request *request;
    execution_key key;
    struct errand *errand; /* looks whether it ended before the wait began */
    bool started;          /* it began with the execution */
    int status;
};

static struct wait **bucket_of(struct api *api, execution_key key)
{
    uint64_t mixed = (uint64_t)key * 0x9e3779b97f4a7c15u;
    return &api->waits[mixed >> 56 & (WATCH_BUCKETS - 1)];
}

/* The wait is over; its memory goes with the answer. */
static struct call *call_of(struct wait *w)
{
    errand_abandon(w->errand);
    *w->link = w->next;
    if (w->next)
        w->next->link = w->link;
    return call_again(w->api, w->request, false);
}

static void late_read(void *owner, struct errand *e, const struct err *err)
{
    struct call *c = owner;
    const int *status = c->work;
    if (err)
        call_fail(c, err);
    else
        rest_answer_state(c, call_keep_row(c, &e->read.executions[0]), *status);
}

static void on_late(void *arg)
{
    struct wait *w = arg;
    execution_key key = w->key;
    int status = w->status;
    struct call *c = call_of(w);
    struct errand *e = call_errand(c, late_read);
    c->work = arena_dup(c->arena, &status, sizeof(status));
    e->read.key = key;
    errand_read(e, STORE_GET_EXECUTION);
}

static void on_gone(void *arg)
{
    struct err err;
    err_set(&err, ERR_INTERRUPTED, "the client has gone");
    call_fail(call_of(arg), &err);
}

/* It may have ended between the reading of its row and the beginning of the wait. */
static void looked(void *owner, struct errand *e, const struct err *err)
{
    struct wait *w = owner;
    if (err)
        call_fail(call_of(w), err);
    else if (e->read.executions[0].status != EXECUTION_RUNNING)
        on_late(w);
}

void wait_begin(struct call *c, const struct execution_row *row, uint32_t seconds, bool started,
                int status)
{
    struct arena *a = http_request_arena(c->request);
    struct wait *w = ARENA_NEW(a, struct wait), **bucket = bucket_of(c->api, row->key);
    *w = (struct wait){.next = *bucket,
                       .link = bucket,
                       .api = c->api,
                       .request = c->request,
                       .key = row->key,
                       .started = started,
                       .status = status};
    if (w->next)
        w->next->link = &w->next;
    *bucket = w;
    http_request_on_gone(w->request, on_gone, w);
    http_request_wait_for(w->request, seconds, on_late, w);
    call_release(c);
    if (started)
        return;
    struct errand *e = errand_new(w->api, looked, w, &w->errand);
    e->read.key = w->key;
    errand_read(e, STORE_GET_EXECUTION);
}

void waits_ended(struct api *api, const struct run *run, const struct execution_row *row)
{
    struct wait *next;
    for (struct wait *w = *bucket_of(api, row->key); w; w = next) {
        next = w->next;
        if (w->key != row->key)
            continue;
        /* The run says it all, unless a step is to be told of, or another execution. */
        bool whole = w->started && !row->related && row->status == EXECUTION_SUCCEEDED;
        int status = w->status;
        struct call *c = call_of(w);
        if (whole)
            call_answer(c, status, rest_state_json(c->arena, row, run));
        else
            rest_answer_state(c, call_keep_row(c, row), status);
    }
}

void waits_stop(struct api *api, const struct err *why)
{
    for (size_t i = 0; i < WATCH_BUCKETS; i++)
        while (api->waits[i])
            call_fail(call_of(api->waits[i]), why);
}
