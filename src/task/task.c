#include "task/task.h"

#include "base/uuid.h"
#include "os/child.h"
#include "task/answer.h"
#include "task/bindings.h"
#include "task/callee.h"
#include "task/command.h"
#include "task/fetch.h"
#include "task/lines.h"
#include "task/runtime.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    BUCKETS = 4096
};

_Static_assert((int)TASK_RUNNING_MAX + (int)RUNTIME_WORKERS_MAX <= (int)CHILDREN_MAX,
               "all that run can be noted");

enum task_state {
    TASK_QUEUED,   /* in its lane */
    TASK_RUNNING,  /* a child, a request or an invocation */
    TASK_ANSWERED, /* needed neither: its result is delivered by the loop's next round */
};

/* Many may wait: what is needed only to carry one out begins with `arena`. */
struct task {
    struct tasks *set;
    struct task *bucket_next;
    struct task *previous, *next; /* in its lane, or among the answered */
    struct task_request request;  /* its texts follow the struct */
    const struct binding *binding;
    struct lane *lane;
    uint64_t number; /* order of starting */
    enum task_state state;
    enum task_error refusal; /* TASK_ANSWERED: why, or TASK_ERROR_COUNT for an echo */
    bool cancelled;

    struct arena *arena; /* NULL while it waits */
    uint64_t started_ns;
    const char *idempotency_key;
    struct callee callee;
    struct child *child;
    struct lines said; /* on its stderr */
    size_t logged, unlogged;
    struct fetch *fetch;
    struct invocation *invocation;
};

struct queue {
    struct task *first, *last;
};

/* Of one binding. */
struct lane {
    struct queue waiting;
    uint32_t running, running_max;
};

struct tasks {
    uv_loop_t *loop;
    const struct bindings *bindings;
    struct children *children; /* NULL: commands are not noted */
    task_done *done;
    void *arg;
    task_heard *heard; /* NULL: nobody */
    void *heard_arg;
    struct lane *lanes; /* as many as bindings */
    struct queue answered;
    uv_idle_t deliver; /* active while something is answered */
    struct fetcher *fetcher;
    struct runtimes *runtimes;
    struct arena *scratch;
    uint64_t started;
    size_t queued, running, alive;
    bool freed, closing;
    struct task *buckets[BUCKETS];
};

/* ---- lists ---- */

static void queue_add(struct queue *q, struct task *task)
{
    task->previous = q->last;
    task->next = NULL;
    if (q->last)
        q->last->next = task;
    else
        q->first = task;
    q->last = task;
}

static void queue_remove(struct queue *q, struct task *task)
{
    if (task->previous)
        task->previous->next = task->next;
    else
        q->first = task->next;
    if (task->next)
        task->next->previous = task->previous;
    else
        q->last = task->previous;
}

static bool key_eq(struct task_key a, struct task_key b)
{
    return a.execution == b.execution && a.task == b.task && a.attempt == b.attempt;
}

static struct task **bucket_of(struct tasks *t, struct task_key key)
{
    uint64_t parts[] = {(uint64_t)key.execution, key.task, key.attempt};
    return &t->buckets[str_hash(str_of((const char *)parts, sizeof(parts))) % BUCKETS];
}

static struct task *find(struct tasks *t, struct task_key key)
{
    struct task *task = *bucket_of(t, key);
    while (task && (task->cancelled || !key_eq(task->request.key, key)))
        task = task->bucket_next;
    return task;
}

/* ---- a task's life ---- */

/* One block with the texts behind it. */
static struct task *copy_of(const struct task_request *request)
{
    struct task_request r = *request;
    struct str *texts[] = {&r.resource,     &r.function,   &r.payload,        &r.execution_arn,
                           &r.execution_id, &r.state_name, &r.correlation_id, &r.token};
    size_t size = 0;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        size += texts[i]->len;
    struct task *task = malloc(sizeof(*task) + size);
    if (!task)
        panic(__FILE__, __LINE__, "out of memory");
    char *to = (char *)(task + 1);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (texts[i]->len)
            memcpy(to, texts[i]->ptr, texts[i]->len);
        texts[i]->ptr = to;
        to += texts[i]->len;
    }
    *task = (struct task){.request = r};
    return task;
}

static struct task *new_task(struct tasks *t, const struct task_request *request)
{
    struct task *task = copy_of(request);
    task->set = t;
    task->number = t->started++;
    struct task **bucket = bucket_of(t, request->key);
    task->bucket_next = *bucket;
    *bucket = task;
    t->alive++;
    return task;
}

/* It waits no longer. */
static void begin(struct task *task)
{
    struct arena *a = task->arena = arena_new(TASK_OUTPUT_MEMORY_MAX);
    const struct task_request *r = &task->request;
    task->started_ns = uv_hrtime();
    task->callee = callee_resolve(a, r->resource, r->function, r->execution_arn);
    task->idempotency_key = arena_cstr(
        a, arena_printf(a, "%lld-%u-%u", (long long)r->key.execution, r->key.task, r->key.attempt));
}

static void free_set(uv_handle_t *deliver)
{
    struct tasks *t = deliver->data;
    arena_free(t->scratch);
    free(t->lanes);
    free(t);
}

/* Once it was freed and nothing of it is alive. */
static void close_if_over(struct tasks *t)
{
    if (!t->freed || t->alive || t->closing)
        return;
    t->closing = true;
    fetcher_free(t->fetcher);
    uv_close((uv_handle_t *)&t->deliver, free_set);
}

static void forget(struct task *task)
{
    struct tasks *t = task->set;
    struct task **link = bucket_of(t, task->request.key);
    while (*link != task)
        link = &(*link)->bucket_next;
    *link = task->bucket_next;
}

static void free_task(struct task *task)
{
    struct tasks *t = task->set;
    t->alive--;
    arena_free(task->arena);
    free(task);
    close_if_over(t);
}

/* ---- results ---- */

static void report(struct task *task, struct answer answer, struct task_result result)
{
    struct tasks *t = task->set;
    result.key = task->request.key;
    result.ok = answer.ok;
    result.output = answer.output;
    result.error = answer.error;
    result.cause = answer.cause;
    result.duration_ms = (int64_t)((uv_hrtime() - task->started_ns) / 1000000);
    t->done(t->arg, &result);
}

/* The same for the same attempt, so that a function that is called again after a crash
 * can tell. */
static const char *request_id(struct task *task)
{
    char text[UUID_TEXT_LEN];
    uuid_format(uuid_v5((struct uuid){0}, str_of_cstr(task->idempotency_key)), text);
    return arena_cstr(task->arena, str_of(text, sizeof(text)));
}

/* The note is for the person who reads the step's log. */
static struct answer answer_unbound(struct task *task, struct str *ret_note)
{
    const struct callee *c = &task->callee;
    *ret_note = arena_printf(task->arena,
                             "No binding of the configuration matches " STR_FMT
                             "; add one with exec or http.",
                             STR_ARG(c->is_function ? c->arn : c->resource));
    if (task->refusal == TASK_ERROR_NO_FUNCTION)
        return answer_no_function(task->arena, c, request_id(task));
    return answer_failed(task->arena, task->refusal, STR_FMT, STR_ARG(*ret_note));
}

static struct answer answer_at_once(struct task *task, struct str *ret_note)
{
    struct arena *a = task->arena;
    if (task->refusal == TASK_ERROR_COUNT)
        return answer_of_output(a, task->request.payload);
    if (task->refusal == TASK_ERROR_FUNCTION_NAME)
        return answer_failed(a, task->refusal,
                             "A function's name has 1 to %d letters, digits, - and _, no - first; "
                             "this has not: " STR_FMT,
                             FUNCTION_NAME_MAX, STR_ARG(task->callee.arn));
    if (task->refusal == TASK_ERROR_QUEUE_FULL)
        return answer_failed(a, task->refusal,
                             "as many tasks wait (tasks_queued_max, %d) or run (%d) as may be",
                             TASK_QUEUED_MAX, CHILDREN_MAX);
    return answer_unbound(task, ret_note);
}

/* One a round, so that results in great number do not hold up the loop, and so
 * that done may start and cancel as it likes. */
static void on_deliver(uv_idle_t *deliver)
{
    struct tasks *t = deliver->data;
    struct task *task = t->answered.first;
    if (!task) {
        uv_idle_stop(deliver);
        return;
    }
    queue_remove(&t->answered, task);
    forget(task);
    begin(task);
    struct task_result result = {0};
    struct answer answer = answer_at_once(task, &result.err);
    report(task, answer, result);
    free_task(task);
}

static void answer_soon(struct task *task, enum task_error refusal)
{
    task->state = TASK_ANSWERED;
    task->refusal = refusal;
    queue_add(&task->set->answered, task);
    uv_idle_start(&task->set->deliver, on_deliver);
}

static void pump(struct tasks *t);

static void leave_lane(struct task *task)
{
    forget(task);
    task->lane->running--;
    task->set->running--;
}

/* ---- what commands say ---- */

static void hear(const struct task *task, struct str text)
{
    const struct tasks *t = task->set;
    const struct task_line line = {.task = &task->request, .is_error = true, .text = text};
    t->heard(t->heard_arg, &line);
}

static void hear_line(void *arg, struct str text)
{
    struct task *task = arg;
    if (task->unlogged || text.len > TASK_LOGGED_SIZE_MAX - task->logged) {
        task->unlogged += text.len;
        return;
    }
    task->logged += text.len;
    hear(task, text);
}

static void on_said(void *arg, bool is_error, struct str bytes)
{
    struct task *task = arg;
    if (is_error)
        lines_add(&task->said, bytes, hear_line, task);
}

static void end_lines(struct task *task)
{
    lines_end(&task->said, hear_line, task);
    if (task->unlogged)
        hear(task,
             arena_printf(task->arena, "%zu bytes more are not in this log (limit task_logged_max)",
                          task->unlogged));
}

static void on_child_done(void *arg, const struct child_result *r)
{
    struct task *task = arg;
    struct tasks *t = task->set;
    struct arena *a = task->arena;
    leave_lane(task);
    end_lines(task);
    if (!task->cancelled)
        report(task, answer_of_child(a, r, task->binding->timeout_ms),
               (struct task_result){
                   .has_exit_status = !r->failure,
                   .exit_status = r->signal ? 128 + r->signal : r->exit_status,
                   .out = text_tail(a, r->output, TASK_LOG_SIZE_MAX),
                   .err = text_tail(a, r->error, TASK_LOG_SIZE_MAX),
               });
    pump(t);
    free_task(task);
}

static void on_fetch_done(void *arg, const struct fetch_result *r)
{
    struct task *task = arg;
    struct tasks *t = task->set;
    struct arena *a = task->arena;
    leave_lane(task);
    report(task, answer_of_fetch(a, r, task->binding->timeout_ms, &task->callee, request_id(task)),
           (struct task_result){.out = text_tail(a, r->body, TASK_LOG_SIZE_MAX)});
    pump(t);
    free_task(task);
}

static void on_invocation_done(void *arg, const struct invocation_result *r)
{
    struct task *task = arg;
    struct tasks *t = task->set;
    struct arena *a = task->arena;
    leave_lane(task);
    if (r->end != INVOCATION_CANCELLED)
        report(task, answer_of_invocation(a, r),
               (struct task_result){
                   .has_exit_status = r->exited,
                   .exit_status = r->signal ? 128 + r->signal : r->exit_status,
                   .out = text_tail(a, r->out, TASK_LOG_SIZE_MAX),
                   .err = text_tail(a, r->err, TASK_LOG_SIZE_MAX),
               });
    pump(t);
    free_task(task);
}

/* ---- starting ---- */

static void start_child(struct task *task)
{
    struct tasks *t = task->set;
    struct arena *a = task->arena;
    size_t slot = 0;
    struct str mark = STR("");
    if (t->children) {
        slot = children_take(t->children, str_of_cstr(task->idempotency_key));
        mark = children_mark(t->children, slot);
    }
    struct child_options options = {
        .argv = command_argv(a, task->binding, task->callee.name),
        .environment = command_environment(a, (const char *const *)environ, task->binding,
                                           &task->request, mark),
        .folder = arena_cstr(a, t->bindings->folder),
        .input = task->request.payload,
        .said = t->heard ? on_said : NULL,
        .keeps = true,
        .output_max = TASK_OUTPUT_SIZE_MAX,
        .error_max = TASK_LOG_SIZE_MAX,
        .timeout_ms = task->binding->timeout_ms,
        .grace_ms = TASK_KILL_GRACE_MS,
        .children = t->children,
        .slot = slot,
    };
    task->child = child_start(t->loop, &options, on_child_done, task);
}

static void start_fetch(struct task *task)
{
    struct fetch_request request = {
        .url = binding_fill(task->arena, task->binding->url, task->callee.name),
        .idempotency_key = task->idempotency_key,
        .body = task->request.payload,
        .response_max = TASK_OUTPUT_SIZE_MAX,
        .timeout_ms = task->binding->timeout_ms,
    };
    task->fetch = fetch_start(task->set->fetcher, &request, on_fetch_done, task);
}

static void start_invocation(struct task *task)
{
    struct invocation_request request = {
        .callee = &task->callee,
        .request_id = str_of_cstr(request_id(task)),
        .idempotency_key = str_of_cstr(task->idempotency_key),
        .payload = task->request.payload,
    };
    struct runtime *runtime = runtime_of(task->set->runtimes, task->binding);
    task->invocation = runtime_invoke(runtime, &request, on_invocation_done, task);
}

static void dispatch(struct task *task)
{
    struct tasks *t = task->set;
    if (task->binding->kind == BINDING_ECHO) {
        answer_soon(task, TASK_ERROR_COUNT);
        return;
    }
    /* Other sets of this process may use the same register. */
    if (task->binding->kind == BINDING_EXEC && t->children && !children_have_room(t->children)) {
        answer_soon(task, TASK_ERROR_QUEUE_FULL);
        return;
    }
    begin(task);
    task->state = TASK_RUNNING;
    task->lane->running++;
    t->running++;
    if (task->binding->kind == BINDING_EXEC)
        start_child(task);
    else if (task->binding->kind == BINDING_RUNTIME)
        start_invocation(task);
    else
        start_fetch(task);
}

/* Of the lanes that may start one, that of the task started first. */
static struct lane *next_lane(struct tasks *t)
{
    struct lane *best = NULL;
    for (size_t i = 0; i < t->bindings->count; i++) {
        struct lane *lane = &t->lanes[i];
        if (!lane->waiting.first || lane->running >= lane->running_max)
            continue;
        if (!best || lane->waiting.first->number < best->waiting.first->number)
            best = lane;
    }
    return best;
}

static void pump(struct tasks *t)
{
    while (t->queued && t->running < TASK_RUNNING_MAX) {
        struct lane *lane = next_lane(t);
        if (!lane)
            return;
        struct task *task = lane->waiting.first;
        queue_remove(&lane->waiting, task);
        t->queued--;
        dispatch(task);
    }
}

/* TASK_ERROR_COUNT: there is no reason to refuse it. */
static enum task_error find_binding(struct tasks *t, struct task *task)
{
    struct task_request *r = &task->request;
    struct arena_mark mark = arena_mark(t->scratch);
    struct callee c = callee_resolve(t->scratch, r->resource, r->function, r->execution_arn);
    task->binding = bindings_find(t->bindings, &c);
    arena_rewind(t->scratch, mark);
    if (c.is_function && !c.name.len)
        return TASK_ERROR_FUNCTION_NAME;
    if (!task->binding)
        return c.is_function ? TASK_ERROR_NO_FUNCTION : TASK_ERROR_NO_RESOURCE;
    return t->queued < TASK_QUEUED_MAX ? TASK_ERROR_COUNT : TASK_ERROR_QUEUE_FULL;
}

void task_start(struct tasks *t, const struct task_request *request)
{
    ASSERT(!t->freed);
    if (find(t, request->key))
        return;
    struct task *task = new_task(t, request);
    enum task_error refusal = find_binding(t, task);
    if (refusal != TASK_ERROR_COUNT) {
        answer_soon(task, refusal);
        return;
    }
    task->lane = &t->lanes[task->binding - t->bindings->items];
    queue_add(&task->lane->waiting, task);
    t->queued++;
    pump(t);
}

/* ---- ending ---- */

static void cancel(struct task *task)
{
    struct tasks *t = task->set;
    task->cancelled = true;
    if (task->state == TASK_RUNNING && task->child) {
        child_end(task->child); /* on_child_done frees it */
        return;
    }
    if (task->invocation && !invocation_cancel(task->invocation))
        return; /* on_invocation_done frees it */
    if (task->state == TASK_RUNNING) {
        if (task->fetch)
            fetch_cancel(task->fetch);
        leave_lane(task);
        pump(t);
    } else {
        queue_remove(task->state == TASK_QUEUED ? &task->lane->waiting : &t->answered, task);
        t->queued -= task->state == TASK_QUEUED;
        forget(task);
    }
    free_task(task);
}

void task_cancel(struct tasks *t, struct task_key key)
{
    struct task *task = find(t, key);
    if (task)
        cancel(task);
}

bool tasks_have(struct tasks *t, struct task_key key)
{
    return find(t, key) != NULL;
}

void tasks_retire(struct tasks *t)
{
    runtimes_retire(t->runtimes);
}

bool tasks_idle(const struct tasks *t)
{
    return t->alive == 0;
}

struct tasks *tasks_new(uv_loop_t *loop, const struct bindings *bindings, struct children *children,
                        task_done *done, void *arg)
{
    struct tasks *t = calloc(1, sizeof(*t));
    struct lane *lanes = calloc(bindings->count + 1, sizeof(*lanes));
    if (!t || !lanes)
        panic(__FILE__, __LINE__, "out of memory");
    t->loop = loop;
    t->bindings = bindings;
    t->children = children;
    t->done = done;
    t->arg = arg;
    t->lanes = lanes;
    for (size_t i = 0; i < bindings->count; i++) {
        uint32_t bound = bindings->items[i].concurrency;
        lanes[i].running_max = bound ? bound : TASK_RUNNING_MAX;
    }
    uv_idle_init(loop, &t->deliver);
    t->deliver.data = t;
    t->fetcher = fetcher_new(loop);
    t->runtimes = runtimes_new(loop, children, bindings->folder);
    t->scratch = arena_new(0);
    return t;
}

static void worker_heard(void *arg, struct str function, bool is_error, struct str text)
{
    const struct tasks *t = arg;
    const struct task_line line = {.function = function, .is_error = is_error, .text = text};
    t->heard(t->heard_arg, &line);
}

void tasks_listen(struct tasks *t, task_heard *heard, void *arg)
{
    t->heard = heard;
    t->heard_arg = arg;
    runtimes_listen(t->runtimes, heard ? worker_heard : NULL, t);
}

/* The waiting first, so that none of them starts in the place of a cancelled one. */
static void cancel_all(struct tasks *t, enum task_state state)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        struct task *task = t->buckets[i];
        while (task) {
            struct task *next = task->bucket_next;
            if (!task->cancelled && task->state == state)
                cancel(task);
            task = next;
        }
    }
}

void tasks_free(struct tasks *t)
{
    if (!t)
        return;
    cancel_all(t, TASK_QUEUED);
    cancel_all(t, TASK_RUNNING);
    cancel_all(t, TASK_ANSWERED);
    runtimes_free(t->runtimes);
    t->freed = true;
    close_if_over(t);
}
