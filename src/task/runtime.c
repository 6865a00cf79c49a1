#include "task/runtime_internal.h"

#include <stdlib.h>

static void *new_zeroed(size_t size)
{
    void *p = calloc(1, size);
    if (!p)
        panic(__FILE__, __LINE__, "out of memory");
    return p;
}

static uint64_t now_of(const struct runtimes *set)
{
    return uv_now(set->loop);
}

static void on_due(uv_timer_t *timer);

/* What there is to do is done by the loop's next round, never on top of a caller. */
static void wake_soon(struct runtimes *set)
{
    if (!set->freed)
        uv_timer_start(&set->timer, on_due, 0, 0);
}

/* ---- those that wait ---- */

static void wait_last(struct pool *p, struct invocation *i)
{
    i->previous = p->last;
    if (p->last)
        p->last->next = i;
    else
        p->first = i;
    p->last = i;
    p->waiting++;
}

static void wait_no_more(struct pool *p, struct invocation *i)
{
    if (i->previous)
        i->previous->next = i->next;
    else
        p->first = i->next;
    if (i->next)
        i->next->previous = i->previous;
    else
        p->last = i->previous;
    i->previous = i->next = NULL;
    p->waiting--;
}

static struct invocation *take_first(struct pool *p)
{
    struct invocation *i = p->first;
    ASSERT(i && !i->previous);
    wait_no_more(p, i);
    return i;
}

/* ---- workers ---- */

/* The one that has been idle for the shortest time, so that the others can be ended. */
static struct worker *idle_worker(const struct pool *p)
{
    struct worker *best;
    do {
        best = NULL;
        for (struct worker *w = p->workers; w; w = w->next)
            if (w->state == WORKER_IDLE && (!best || w->idle_since_ms > best->idle_since_ms))
                best = w;
    } while (best && !worker_is_free(best));
    return best;
}

static size_t count_in(const struct pool *p, enum worker_state state)
{
    size_t count = 0;
    for (const struct worker *w = p->workers; w; w = w->next)
        count += w->state == state;
    return count;
}

/* Those that will ask for work before long. */
static size_t coming(const struct pool *p)
{
    size_t count = 0;
    for (const struct worker *w = p->workers; w; w = w->next)
        count += w->state == WORKER_STARTING || (w->state == WORKER_RETURNING && !w->slow);
    return count;
}

static bool has_good_worker(const struct pool *p)
{
    for (const struct worker *w = p->workers; w; w = w->next)
        if (w->was_ready && w->state != WORKER_ENDING)
            return true;
    return false;
}

static void give_all(struct pool *p)
{
    struct worker *w;
    while (p->first && (w = idle_worker(p)))
        worker_give(w, take_first(p));
}

/* Of a runtime, or of all: ends the worker that has been idle for longest, unless one
 * is ending already. */
static void make_room(struct runtimes *set, const struct runtime *only)
{
    struct worker *oldest = NULL;
    for (struct runtime *r = set->first; r; r = r->next) {
        for (struct pool *p = only && r != only ? NULL : r->pools; p; p = p->next) {
            for (struct worker *w = p->workers; w; w = w->next) {
                if (w->state == WORKER_ENDING)
                    return;
                if (w->state == WORKER_IDLE &&
                    (!oldest || w->idle_since_ms < oldest->idle_since_ms))
                    oldest = w;
            }
        }
    }
    if (oldest)
        worker_end(oldest);
}

static bool has_room(struct runtime *r)
{
    struct runtimes *set = r->set;
    if (r->workers >= r->binding->concurrency)
        make_room(set, r);
    else if (set->workers >= RUNTIME_WORKERS_MAX)
        make_room(set, NULL);
    else
        return true;
    return false;
}

static void add_worker(struct pool *p)
{
    struct runtime *r = p->runtime;
    struct worker *w = worker_start(p);
    w->next = p->workers;
    if (p->workers)
        p->workers->previous = w;
    p->workers = w;
    r->workers++;
    r->set->workers++;
    r->set->objects++;
}

static void start_workers(struct pool *p)
{
    /* After a failure one at a time, until one is good. */
    size_t starting_max = p->failures ? 1 : SIZE_MAX;
    while (p->waiting > coming(p) && now_of(p->runtime->set) >= p->due_ms &&
           count_in(p, WORKER_STARTING) < starting_max && has_room(p->runtime))
        add_worker(p);
}

/* ---- failures ---- */

static bool is_broken(const struct pool *p)
{
    return p->failures >= RUNTIME_INIT_TRIES && now_of(p->runtime->set) < p->due_ms &&
           !has_good_worker(p);
}

static void keep_failure(struct pool *p, const struct invocation_result *why)
{
    arena_free(p->failure_arena);
    p->failure_arena = arena_new(0);
    p->failure = *why;
    struct str *texts[] = {&p->failure.body, &p->failure.error_type, &p->failure.out,
                           &p->failure.err};
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        *texts[i] = arena_str(p->failure_arena, *texts[i]);
}

void pool_init_failed(struct pool *p, const struct invocation_result *why)
{
    struct runtimes *set = p->runtime->set;
    uint64_t wait_ms = RUNTIME_BACKOFF_MS;
    if (set->freed)
        return;
    for (uint32_t i = 0; i < p->failures && wait_ms < RUNTIME_BACKOFF_MAX_MS; i++)
        wait_ms *= 2;
    if (wait_ms > RUNTIME_BACKOFF_MAX_MS)
        wait_ms = RUNTIME_BACKOFF_MAX_MS;
    p->failures++;
    p->due_ms = now_of(set) + wait_ms;
    p->forget_ms = p->due_ms + RUNTIME_BACKOFF_MAX_MS;
    p->doomed = 1;
    keep_failure(p, why);
    wake_soon(set);
}

/* done may start, cancel and free; what is left is read again each time. */
static void fail_doomed(struct pool *p)
{
    if (is_broken(p))
        p->doomed = p->waiting;
    while (p->doomed && p->first) {
        struct invocation *i = take_first(p);
        struct invocation_result result = p->failure;
        result.request_id = i->request.request_id;
        p->doomed--;
        i->done(i->arg, &result);
        free(i);
    }
    p->doomed = 0;
}

/* ---- pools ---- */

/* A resource of another kind than a function is called by its last part. */
static struct str name_of(const struct callee *c)
{
    if (c->is_function)
        return c->name;
    size_t colon = str_rfind_char(c->resource, ':');
    return colon == SIZE_MAX ? c->resource : str_slice(c->resource, colon + 1, c->resource.len);
}

static struct pool *pool_of(struct runtime *r, const struct callee *callee)
{
    struct str arn = callee->is_function ? callee->arn : callee->resource;
    for (struct pool *p = r->pools; p; p = p->next)
        if (str_eq(p->arn, arn))
            return p;
    struct pool *p = new_zeroed(sizeof(*p));
    p->runtime = r;
    p->arena = arena_new(0);
    p->arn = arena_str(p->arena, arn);
    p->name = arena_str(p->arena, name_of(callee));
    p->function = callee->is_function ? p->name : STR("");
    p->next = r->pools;
    r->pools = p;
    return p;
}

static void free_pool(struct pool *p)
{
    arena_free(p->failure_arena);
    arena_free(p->arena);
    free(p);
}

/* What has nothing, and nothing to remember. */
static void sweep(struct runtime *r)
{
    struct pool **link = &r->pools;
    while (*link) {
        struct pool *p = *link;
        bool forgotten = !p->failures || now_of(r->set) >= p->forget_ms;
        if (p->workers || p->first || !forgotten) {
            link = &p->next;
            continue;
        }
        *link = p->next;
        free_pool(p);
    }
}

/* The next time that something is due by itself; UINT64_MAX: none. */
static uint64_t due_of(const struct runtime *r)
{
    uint64_t due = UINT64_MAX, now = now_of(r->set);
    for (const struct pool *p = r->pools; p; p = p->next) {
        if (!p->failures)
            continue;
        uint64_t at = p->first && p->due_ms > now ? p->due_ms : p->forget_ms;
        if (at > now && at < due)
            due = at;
    }
    return due;
}

static void on_due(uv_timer_t *timer)
{
    struct runtimes *set = timer->data;
    uint64_t due = UINT64_MAX;
    for (struct runtime *r = set->first; r; r = r->next) {
        for (struct pool *p = r->pools; p; p = p->next)
            fail_doomed(p);
        for (struct pool *p = r->pools; p && !set->freed; p = p->next) {
            give_all(p);
            start_workers(p);
        }
        sweep(r);
        due = due_of(r) < due ? due_of(r) : due;
    }
    /* A done may have set it for at once. */
    if (due != UINT64_MAX && !set->freed && !uv_is_active((uv_handle_t *)timer))
        uv_timer_start(timer, on_due, due - now_of(set), 0);
}

/* ---- told by workers ---- */

/* When nobody will come again, an idle worker has nothing to wait for. */
static void end_if_retired(struct pool *p)
{
    if (!p->runtime->set->retired || p->first)
        return;
    for (struct worker *w = p->workers; w; w = w->next)
        if (w->state == WORKER_IDLE)
            worker_end(w);
}

void pool_ready(struct pool *p, bool first)
{
    if (first) {
        p->failures = 0;
        p->doomed = 0;
        p->due_ms = 0;
    }
    give_all(p);
    end_if_retired(p);
    /* The others that were held back may start; or it makes room for another function. */
    if (first || !p->first)
        wake_soon(p->runtime->set);
}

void pool_changed(struct pool *p)
{
    wake_soon(p->runtime->set);
}

void pool_gone(struct pool *p, struct worker *w)
{
    if (w->previous)
        w->previous->next = w->next;
    else
        p->workers = w->next;
    if (w->next)
        w->next->previous = w->previous;
    w->pool = NULL;
    p->runtime->workers--;
    p->runtime->set->workers--;
}

/* ---- the set ---- */

static void free_set(uv_handle_t *timer)
{
    struct runtimes *set = timer->data;
    for (struct runtime *r = set->first, *next; r; r = next) {
        next = r->next;
        while (r->pools) {
            struct pool *p = r->pools;
            r->pools = p->next;
            free_pool(p);
        }
        free(r);
    }
    free(set->folder);
    free(set);
}

static void close_if_over(struct runtimes *set)
{
    if (set->freed && !set->objects && !uv_is_closing((uv_handle_t *)&set->timer))
        uv_close((uv_handle_t *)&set->timer, free_set);
}

void runtimes_forget(struct runtimes *set)
{
    set->objects--;
    close_if_over(set);
}

struct runtimes *runtimes_new(uv_loop_t *loop, struct children *children, struct str folder)
{
    struct runtimes *set = new_zeroed(sizeof(*set));
    set->loop = loop;
    set->children = children;
    set->folder = new_zeroed(folder.len + 1);
    if (folder.len)
        memcpy(set->folder, folder.ptr, folder.len);
    uv_timer_init(loop, &set->timer);
    set->timer.data = set;
    return set;
}

void runtimes_free(struct runtimes *set)
{
    if (!set)
        return;
    set->freed = true;
    uv_timer_stop(&set->timer);
    for (struct runtime *r = set->first; r; r = r->next) {
        for (struct pool *p = r->pools; p; p = p->next) {
            ASSERT(!p->first);
            for (struct worker *w = p->workers; w; w = w->next) {
                if (w->invocation)
                    w->invocation->cancelled = true;
                worker_end(w);
            }
        }
    }
    close_if_over(set);
}

void runtimes_listen(struct runtimes *set, runtime_heard *heard, void *arg)
{
    set->heard = heard;
    set->heard_arg = arg;
}

void runtimes_retire(struct runtimes *set)
{
    set->retired = true;
    for (struct runtime *r = set->first; r; r = r->next)
        for (struct pool *p = r->pools; p; p = p->next)
            end_if_retired(p);
}

struct runtime *runtime_of(struct runtimes *set, const struct binding *binding)
{
    for (struct runtime *r = set->first; r; r = r->next)
        if (r->binding == binding)
            return r;
    ASSERT(binding->kind == BINDING_RUNTIME && binding->concurrency);
    struct runtime *r = new_zeroed(sizeof(*r));
    r->set = set;
    r->binding = binding;
    r->next = set->first;
    set->first = r;
    return r;
}

struct invocation *runtime_invoke(struct runtime *r, const struct invocation_request *request,
                                  invocation_done *done, void *arg)
{
    struct pool *p = pool_of(r, request->callee);
    struct worker *idle = idle_worker(p);
    struct invocation *i = new_zeroed(sizeof(*i));
    ASSERT(!r->set->freed);
    i->pool = p;
    i->request = *request;
    i->done = done;
    i->arg = arg;
    if (idle && !p->first) {
        worker_give(idle, i);
    } else {
        wait_last(p, i);
        wake_soon(r->set);
    }
    return i;
}

bool invocation_cancel(struct invocation *i)
{
    struct pool *p = i->pool;
    if (i->worker) {
        i->cancelled = true;
        worker_end(i->worker);
        return false;
    }
    wait_no_more(p, i);
    free(i);
    return true;
}

size_t runtimes_workers(const struct runtimes *set)
{
    return set->workers;
}
