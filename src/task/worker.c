#include "task/runtime_internal.h"

#include "os/children.h"
#include "os/clock.h"
#include "os/peer.h"
#include "task/command.h"
#include "task/runtime_api.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 32,         /* of one worker */
    CONNECTION_IDLE_MS = 1 << 30, /* a handler may take long, and its client keeps its connection */
    ROOT_USER = 0,
};

static const struct binding *binding_of(const struct worker *w)
{
    return w->pool->runtime->binding;
}

/* ---- what it says ---- */

/* The tail: twice its size at most, moved down when full, so that each byte moves once. */
static void keep_tail(struct buf *tail, struct str bytes)
{
    if (bytes.len > TASK_LOG_SIZE_MAX)
        bytes = str_slice(bytes, bytes.len - TASK_LOG_SIZE_MAX, bytes.len);
    if (tail->len + bytes.len > 2 * (size_t)TASK_LOG_SIZE_MAX) {
        memmove(tail->ptr, tail->ptr + tail->len - TASK_LOG_SIZE_MAX, TASK_LOG_SIZE_MAX);
        tail->len = TASK_LOG_SIZE_MAX;
    }
    buf_append(tail, bytes);
}

/* One of its two outputs. */
struct mouth {
    struct worker *worker;
    bool is_error;
};

static void hear_line(void *arg, struct str line)
{
    const struct mouth *m = arg;
    const struct worker *w = m->worker;
    if (w->pool && w->set->heard)
        w->set->heard(w->set->heard_arg, w->pool->name, m->is_error, line);
}

static void on_said(void *arg, bool is_error, struct str bytes)
{
    struct worker *w = arg;
    keep_tail(is_error ? &w->err : &w->out, bytes);
    if (w->set->heard)
        lines_add(&w->lines[is_error], bytes, hear_line, &(struct mouth){w, is_error});
}

/* ---- an invocation's end ---- */

static void on_timer(uv_timer_t *timer);

static void enter(struct worker *w, enum worker_state state, uint64_t timeout_ms)
{
    w->state = state;
    if (timeout_ms)
        uv_timer_start(&w->timer, on_timer, timeout_ms, 0);
    else
        uv_timer_stop(&w->timer);
}

/* What was said until now is its own, what comes is the next one's. */
static void finish(struct worker *w, struct invocation_result result)
{
    struct invocation *i = w->invocation;
    w->invocation = NULL;
    result.request_id = i->request.request_id;
    result.out = buf_str(&w->out);
    result.err = buf_str(&w->err);
    i->done(i->arg, &result);
    free(i);
    buf_clear(&w->out);
    buf_clear(&w->err);
}

static void answered(struct worker *w, struct invocation_result result)
{
    child_hear(w->child);
    w->slow = false;
    enter(w, WORKER_RETURNING, RUNTIME_RETURN_MS);
    finish(w, result);
}

/* ---- its end ---- */

static void free_worker(struct worker *w)
{
    buf_release(&w->out);
    buf_release(&w->err);
    arena_free(w->arena);
    struct runtimes *set = w->set;
    free(w);
    runtimes_forget(set);
}

static void on_timer_closed(uv_handle_t *timer)
{
    free_worker(timer->data);
}

static void on_stopped(void *arg)
{
    struct worker *w = arg;
    http_server_free(w->server);
    uv_close((uv_handle_t *)&w->timer, on_timer_closed);
}

static enum invocation_end end_of(const struct worker *w, bool started)
{
    if (w->invocation && w->invocation->cancelled)
        return INVOCATION_CANCELLED;
    if (w->invocation && w->left)
        return INVOCATION_LEFT;
    if (w->invocation)
        return w->timed_out ? INVOCATION_TIMED_OUT : INVOCATION_EXITED;
    if (!started)
        return INVOCATION_NOT_STARTED;
    if (w->init_error)
        return INVOCATION_INIT_FAILED;
    return w->timed_out ? INVOCATION_INIT_TIMED_OUT : INVOCATION_INIT_EXITED;
}

/* Its process group is gone, or never was. */
static void gone(struct worker *w, struct invocation_result result)
{
    struct pool *p = w->pool;
    result.end = end_of(w, result.exited);
    result.limit_ms = w->invocation ? binding_of(w)->timeout_ms : binding_of(w)->runtime.init_ms;
    w->child = NULL;
    for (int i = 0; i < 2; i++)
        lines_end(&w->lines[i], hear_line, &(struct mouth){w, i});
    enter(w, WORKER_ENDING, 0);
    pool_gone(p, w);
    if (w->invocation) {
        finish(w, result);
    } else if (!w->was_ready) {
        result.out = buf_str(&w->out);
        result.err = buf_str(&w->err);
        pool_init_failed(p, &result);
    }
    pool_changed(p);
    if (w->server)
        http_server_stop(w->server, 0, on_stopped, w);
    else
        on_stopped(w);
}

static void on_child_done(void *arg, const struct child_result *r)
{
    struct worker *w = arg;
    struct invocation_result result = w->first;
    result.exited = !r->failure;
    result.exit_status = r->exit_status;
    result.signal = r->signal;
    if (r->failure)
        result.failure = *r->failure;
    gone(w, result);
}

void worker_end(struct worker *w)
{
    if (w->state == WORKER_ENDING)
        return;
    enter(w, WORKER_ENDING, 0);
    child_end(w->child);
}

static void on_timer(uv_timer_t *timer)
{
    struct worker *w = timer->data;
    switch (w->state) {
    case WORKER_STARTING:
    case WORKER_BUSY:
        w->timed_out = true;
        worker_end(w);
        break;
    case WORKER_IDLE:
        worker_end(w);
        break;
    case WORKER_RETURNING:
        if (w->slow) {
            worker_end(w);
            break;
        }
        w->slow = true;
        enter(w, WORKER_RETURNING, binding_of(w)->runtime.init_ms);
        pool_changed(w->pool);
        break;
    case WORKER_ENDING:
        if (w->child)
            child_end(w->child); /* it has said why, and does not go */
        else
            gone(w, w->first); /* its listener could not be made */
        break;
    }
}

/* ---- what it asks ---- */

/* A request for work is answered whatever becomes of it. */
static void drop_poll(struct worker *w, const char *why)
{
    struct http_request *poll = w->poll;
    w->poll = NULL;
    if (!poll)
        return;
    http_request_on_gone(poll, NULL, NULL);
    runtime_respond_error(poll, 403, "InvalidStateTransition", why);
}

/* It may never ask again. */
static void lose_poll(struct worker *w)
{
    drop_poll(w, "nobody waits for this any more");
    if (w->state != WORKER_IDLE)
        return;
    w->slow = true;
    enter(w, WORKER_RETURNING, binding_of(w)->runtime.init_ms);
}

/* Also told when the listener closes. */
static void on_poll_gone(void *arg)
{
    lose_poll(arg);
}

bool worker_is_free(struct worker *w)
{
    if (w->state == WORKER_IDLE && http_request_is_abandoned(w->poll))
        lose_poll(w);
    return w->state == WORKER_IDLE;
}

/* Whether its client lost the invocation or ignores it, nothing can be given to it that
 * would not run beside the other. */
static void refuse_next(struct worker *w, struct http_request *request)
{
    bool busy = w->state == WORKER_BUSY;
    runtime_respond_error(request, 403, "InvalidStateTransition",
                          busy ? "the invocation before has not been answered"
                               : "this worker is being ended");
    if (!busy)
        return;
    w->left = true;
    worker_end(w);
}

static void on_next(struct worker *w, struct http_request *request)
{
    if (w->state == WORKER_BUSY || w->state == WORKER_ENDING) {
        refuse_next(w, request);
        return;
    }
    /* The newest counts: an older one is of a client that gave it up. */
    drop_poll(w, "there is a newer request");
    w->poll = request;
    w->idle_since_ms = uv_now(w->timer.loop);
    http_request_on_gone(request, on_poll_gone, w);
    enter(w, WORKER_IDLE, binding_of(w)->runtime.idle_ms);
    bool first = !w->was_ready;
    w->was_ready = true;
    pool_ready(w->pool, first);
}

void worker_give(struct worker *w, struct invocation *i)
{
    ASSERT(w->state == WORKER_IDLE && w->poll);
    struct http_request *poll = w->poll;
    uint64_t timeout_ms = binding_of(w)->timeout_ms;
    uint64_t ahead_ms = timeout_ms ? timeout_ms : RUNTIME_DEADLINE_MS;
    w->poll = NULL;
    w->invocation = i;
    i->worker = w;
    enter(w, WORKER_BUSY, timeout_ms);
    http_request_on_gone(poll, NULL, NULL);
    runtime_respond_next(poll, &i->request, (struct wall_ms){clock_wall().ms + (int64_t)ahead_ms});
}

static void on_answer(struct worker *w, struct http_request *request, enum runtime_call call,
                      struct str id)
{
    if (w->state != WORKER_BUSY || !str_eq(id, w->invocation->request.request_id)) {
        runtime_respond_error(request, 400, "InvalidRequestID", "Invalid request ID");
        return;
    }
    struct invocation_result result = {
        .end = call == RUNTIME_ERROR ? INVOCATION_FAILED : INVOCATION_ANSWERED,
        .body = http_request_body(request),
        .error_type = http_request_header(request, STR("Lambda-Runtime-Function-Error-Type")),
    };
    answered(w, result);
    runtime_respond_accepted(request);
}

/* It is given the time to exit by itself. */
static void on_init_error(struct worker *w, struct http_request *request)
{
    struct str body = http_request_body(request);
    if (w->state != WORKER_STARTING) {
        runtime_respond_error(request, 403, "InvalidStateTransition",
                              "the worker has asked for work already, or is being ended");
        return;
    }
    w->init_error = true;
    w->first.body = arena_str(w->arena, body.len > RUNTIME_ERROR_SIZE_MAX ? STR("") : body);
    w->first.error_type = arena_str(
        w->arena, http_request_header(request, STR("Lambda-Runtime-Function-Error-Type")));
    enter(w, WORKER_ENDING, TASK_KILL_GRACE_MS);
    runtime_respond_accepted(request);
}

static void on_request(void *arg, struct http_request *request)
{
    struct worker *w = arg;
    struct str id = STR("");
    enum runtime_call call =
        runtime_call_of(http_request_method(request), http_request_path(request), &id);
    if (!runtime_is_client(request, str_of_cstr(w->address))) {
        runtime_respond_error(request, 403, "Forbidden",
                              "this is for the worker that was started with this address");
        return;
    }
    switch (call) {
    case RUNTIME_NEXT:
        on_next(w, request);
        break;
    case RUNTIME_RESPONSE:
    case RUNTIME_ERROR:
        on_answer(w, request, call, id);
        break;
    case RUNTIME_INIT_ERROR:
        on_init_error(w, request);
        break;
    case RUNTIME_NO_CALL:
        runtime_respond_error(request, 404, "NotFound", "no such path in version 2018-06-01");
        break;
    case RUNTIME_OTHER_METHOD:
        runtime_respond_error(request, 405, "MethodNotAllowed", "this path has another method");
        break;
    }
}

/* An answer above the limit does not come this far: the server refuses it. */
static void on_refused(void *arg, int status)
{
    struct worker *w = arg;
    if (status == 413 && w->state == WORKER_BUSY)
        answered(w, (struct invocation_result){.end = INVOCATION_TOO_LARGE});
}

/* Every user of this machine can reach the port. */
static bool admit(void *arg, int socket)
{
    struct worker *w = arg;
    uid_t user;
    if (peer_user(socket, &user) && (user == geteuid() || user == ROOT_USER))
        return true;
    on_said(w, true,
            STR("pawl: refused a connection to this worker's Runtime API that is not "
                "known to be of the user who runs Pawl\n"));
    return false;
}

/* ---- its beginning ---- */

static bool open_listener(struct worker *w)
{
    struct http_server_options options = {
        .loop = w->timer.loop,
        .limits = {.body_size_max = TASK_OUTPUT_SIZE_MAX,
                   .memory_max = 4 * (size_t)TASK_OUTPUT_SIZE_MAX,
                   .connections_max = CONNECTIONS_MAX,
                   .idle_ms = CONNECTION_IDLE_MS},
        .handler = on_request,
        .admit = admit,
        .refused = on_refused,
        .arg = w,
    };
    uint16_t port = 0;
    w->server = http_server_new(&options);
    if (!http_server_listen_tcp(w->server, "127.0.0.1", 0, &port, &w->first.failure))
        return false;
    snprintf(w->address, sizeof(w->address), "127.0.0.1:%u", port);
    return true;
}

static void start_process(struct worker *w)
{
    struct pool *p = w->pool;
    struct runtimes *set = w->set;
    struct arena *a = w->arena;
    size_t slot = 0;
    struct str mark = STR("");
    if (set->children) {
        struct str key = p->function.len ? p->function : STR("worker");
        slot = children_take(set->children, str_slice(key, 0, CHILDREN_KEY_SIZE_MAX));
        mark = children_mark(set->children, slot);
    }
    struct worker_identity who = {p->name, p->arn, w->address, set->folder};
    struct child_options options = {
        .argv = command_argv(a, binding_of(w), p->function),
        .environment =
            worker_environment(a, (const char *const *)environ, binding_of(w), &who, mark),
        .folder = set->folder,
        .said = on_said,
        .grace_ms = TASK_KILL_GRACE_MS,
        .children = set->children,
        .slot = slot,
    };
    w->child = child_start(w->timer.loop, &options, on_child_done, w);
}

/* Other sets of this process may use the same register. */
static bool has_slot(struct worker *w)
{
    const struct children *c = w->set->children;
    return !c || children_have_room(c) ||
           err_set(&w->first.failure, ERR_BUSY, "%d processes run already, which is all that may",
                   CHILDREN_MAX);
}

struct worker *worker_start(struct pool *p)
{
    struct worker *w = calloc(1, sizeof(*w));
    if (!w)
        panic(__FILE__, __LINE__, "out of memory");
    w->pool = p;
    w->set = p->runtime->set;
    w->arena = arena_new(0);
    uv_timer_init(w->set->loop, &w->timer);
    w->timer.data = w;
    if (has_slot(w) && open_listener(w)) {
        enter(w, WORKER_STARTING, binding_of(w)->runtime.init_ms);
        start_process(w);
    } else {
        enter(w, WORKER_ENDING, 1);
    }
    return w;
}
