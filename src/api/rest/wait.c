/* Waiting for an execution to end, or to stand: ?wait=SECONDS.
 *
 * A wait is no call any more, since thousands of them may: it lies in its request's
 * own memory, knows no more than the execution's key, and becomes a call again when there
 * is something to answer. The end of an execution that is followed here is answered from
 * the run that has just ended; what had ended before is read.
 *
 * Whether it stands, paused or for a person to decide, is read from the journal, since the
 * run in memory may be further than what is durable: once when a wait begins, and when a
 * turn says that it may. All that wait for one execution share such a look, and few looks
 * are under way at a time.
 */
#include "api/rest/resources.h"

#include "api/status.h"
#include "api/story.h"

enum {
    LOOKS_MAX = 4 /* under way; the others wait for them */
};

struct look {
    struct look *next, **link; /* in the order in which they begin */
    struct api *api;
    execution_key key;
    struct arena *arena; /* which it lies in */
    struct errand *errand;
    struct story *story;
    bool begun;
    bool again; /* something came meanwhile that it may not have seen */
};

struct wait {
    struct wait *next, **link; /* in its bucket */
    struct api *api;
    struct http_request *request;
    execution_key key;
    struct look *look; /* NULL: nobody looks */
    bool started;      /* it began with the execution */
    int status;
};

static struct wait **bucket_of(struct api *api, execution_key key)
{
    uint64_t mixed = (uint64_t)key * 0x9e3779b97f4a7c15u;
    return &api->waits[mixed >> 56 & (WATCH_BUCKETS - 1)];
}

/* The first at `w` or behind it; NULL: nobody waits. */
static struct wait *next_of(struct wait *w, execution_key key)
{
    while (w && w->key != key)
        w = w->next;
    return w;
}

/* The wait is over; its memory goes with the answer. */
static struct call *call_of(struct wait *w)
{
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

/* ---- looking ---- */

static void answer_all(struct api *api, execution_key key)
{
    struct wait *next;
    for (struct wait *w = next_of(*bucket_of(api, key), key); w; w = next) {
        next = next_of(w->next, key);
        on_late(w);
    }
}

static void fail_all(struct api *api, execution_key key, const struct err *err)
{
    struct wait *next;
    for (struct wait *w = next_of(*bucket_of(api, key), key); w; w = next) {
        next = next_of(w->next, key);
        call_fail(call_of(w), err);
    }
}

static void look_free(struct look *l)
{
    struct api *api = l->api;
    for (struct wait *w = next_of(*bucket_of(api, l->key), l->key); w; w = next_of(w->next, l->key))
        w->look = NULL;
    api->looking -= l->begun;
    *l->link = l->next;
    if (l->next)
        l->next->link = l->link;
    else
        api->looks_end = l->link;
    errand_abandon(l->errand);
    story_close(l->story);
    arena_free(l->arena);
}

static void look_begin(struct look *l);

static void begin_next(struct api *api)
{
    for (struct look *l = api->looks; l && api->looking < LOOKS_MAX; l = l->next)
        if (!l->begun) {
            l->begun = true;
            api->looking++;
            look_begin(l);
        }
}

/* There is something to answer; err: that the look failed, or NULL. */
static void look_done(struct look *l, const struct err *err)
{
    struct api *api = l->api;
    execution_key key = l->key;
    look_free(l);
    if (err)
        fail_all(api, key, err);
    else
        answer_all(api, key);
    begin_next(api);
}

/* It goes on: there is nothing to answer. */
static void look_in_vain(struct look *l)
{
    struct api *api = l->api;
    story_close(l->story);
    l->story = NULL;
    if (l->again) {
        look_begin(l);
        return;
    }
    look_free(l);
    begin_next(api);
}

static void on_rested(void *arg, struct story *story, const struct err *err)
{
    struct look *l = arg;
    struct arena *scratch = arena_new(0);
    bool stands = !err && status_of_run(story_run(story), scratch) != STATUS_RUNNING;
    arena_free(scratch);
    if (err || stands)
        look_done(l, err);
    else
        look_in_vain(l);
}

static void row_read(void *owner, struct errand *e, const struct err *err)
{
    struct look *l = owner;
    const struct execution_row *row = e->read.executions;
    if (err || row->status != EXECUTION_RUNNING) {
        look_done(l, err);
    } else if (row->express) { /* which can do neither */
        look_in_vain(l);
    } else {
        l->story = story_new(l->api, row, story_read_on, on_rested, l);
        story_advance(l->story);
    }
}

static void look_begin(struct look *l)
{
    l->again = false;
    struct errand *e = errand_new(l->api, row_read, l, &l->errand);
    e->read.key = l->key;
    errand_read(e, STORE_GET_EXECUTION);
}

static struct look *look_new(struct api *api, execution_key key)
{
    struct arena *arena = arena_new(0);
    struct look *l = ARENA_NEW(arena, struct look);
    *l = (struct look){.api = api, .key = key, .arena = arena};
    l->link = api->looks ? api->looks_end : &api->looks;
    *l->link = l;
    api->looks_end = &l->next;
    return l;
}

/* A look that is under way may have passed what is to be seen now. */
static void look_at(struct wait *w)
{
    struct api *api = w->api;
    struct wait *other = *bucket_of(api, w->key);
    while (other && (other->key != w->key || !other->look))
        other = other->next;
    if (other) {
        w->look = other->look;
        w->look->again |= w->look->begun;
        return;
    }
    w->look = look_new(api, w->key);
    begin_next(api);
}

/* ---- waiting ---- */

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
    if (!started)
        look_at(w);
}

static void waits_ended(struct api *api, const struct run *run, const struct execution_row *row)
{
    struct wait *next;
    for (struct wait *w = next_of(*bucket_of(api, row->key), row->key); w; w = next) {
        next = next_of(w->next, row->key);
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

static bool may_stand(const struct run *run, const struct flow_event *events, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (events[i].kind == EVENT_REVIEW_ASKED)
            return true;
    return run_pause(run).asked;
}

void waits_told(struct api *api, const struct run *run, const struct execution_row *row,
                const struct flow_event *events, size_t count)
{
    struct wait *w = next_of(*bucket_of(api, row->key), row->key);
    if (w && row->status != EXECUTION_RUNNING)
        waits_ended(api, run, row);
    else if (w && may_stand(run, events, count))
        look_at(w);
}

void waits_stop(struct api *api, const struct err *why)
{
    while (api->looks)
        look_free(api->looks);
    for (size_t i = 0; i < WATCH_BUCKETS; i++)
        while (api->waits[i])
            call_fail(call_of(api->waits[i]), why);
}
