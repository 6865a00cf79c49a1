#include "task/task.h"

#include "base/uuid.h"
#include "os/child.h"
#include "task/answer.h"
#include "task/bindings.h"
#include "task/callee.h"
#include "task/command.h"
#include "task/fetch.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    BUCKETS = 4096
};

enum task_state {
    TASK_QUEUED,   /* in its lane */
    TASK_RUNNING,  /* a child or a request */
    TASK_ANSWERED, /* needed neither: its result is delivered by the loop's next round */
};

struct task {
    struct tasks *set;
    struct task *bucket_next;
    struct task *previous, *next; /* in its lane, or among the answered */
    struct task_request request;
    const char *idempotency_key;
    struct callee callee;
    const struct binding *binding;
    struct lane *lane;
    struct arena *arena;
    enum task_state state;
    bool cancelled;
    uint64_t number; /* order of starting */
    uint64_t started_ns;
    struct answer answer;
    struct str note; /* for the person who reads its log */
    struct child *child;
    struct fetch *fetch;
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
    task_done *done;
    void *arg;
    struct lane *lanes; /* as many as bindings */
    struct queue answered;
    uv_idle_t deliver; /* active while something is answered */
    struct fetcher *fetcher;
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

static struct task_request copy_request(struct arena *a, const struct task_request *r)
{
    return (struct task_request){
        .key = r->key,
        .resource = arena_str(a, r->resource),
        .function = arena_str(a, r->function),
        .payload = arena_str(a, r->payload),
        .execution_arn = arena_str(a, r->execution_arn),
        .execution_id = arena_str(a, r->execution_id),
        .state_name = arena_str(a, r->state_name),
        .correlation_id = arena_str(a, r->correlation_id),
        .token = arena_str(a, r->token),
    };
}

static struct task *new_task(struct tasks *t, const struct task_request *request)
{
    struct arena *a = arena_new(TASK_OUTPUT_MEMORY_MAX);
    struct task *task = ARENA_NEW(a, struct task);
    struct task_key key = request->key;
    task->arena = a;
    task->set = t;
    task->number = t->started++;
    task->started_ns = uv_hrtime();
    task->request = copy_request(a, request);
    task->idempotency_key = arena_cstr(
        a, arena_printf(a, "%lld-%u-%u", (long long)key.execution, key.task, key.attempt));
    task->callee = callee_resolve(a, task->request.resource, task->request.function,
                                  task->request.execution_arn);
    struct task **bucket = bucket_of(t, key);
    task->bucket_next = *bucket;
    *bucket = task;
    t->alive++;
    return task;
}

static void free_set(uv_handle_t *deliver)
{
    struct tasks *t = deliver->data;
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
    close_if_over(t);
}

/* ---- results ---- */

static void report(struct task *task, struct task_result *result)
{
    struct tasks *t = task->set;
    result->key = task->request.key;
    result->ok = task->answer.ok;
    result->output = task->answer.output;
    result->error = task->answer.error;
    result->cause = task->answer.cause;
    result->duration_ms = (int64_t)((uv_hrtime() - task->started_ns) / 1000000);
    if (!task->cancelled)
        t->done(t->arg, result);
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
    report(task, &(struct task_result){.err = task->note});
    free_task(task);
}

static void answer_at_once(struct task *task, struct answer answer)
{
    struct tasks *t = task->set;
    task->answer = answer;
    task->state = TASK_ANSWERED;
    queue_add(&t->answered, task);
    uv_idle_start(&t->deliver, on_deliver);
}

static void pump(struct tasks *t);

static void leave_lane(struct task *task)
{
    forget(task);
    task->lane->running--;
    task->set->running--;
}

static void on_child_done(void *arg, const struct child_result *r)
{
    struct task *task = arg;
    struct tasks *t = task->set;
    struct arena *a = task->arena;
    leave_lane(task);
    struct task_result result = {
        .has_exit_status = !r->failure,
        .exit_status = r->signal ? 128 + r->signal : r->exit_status,
    };
    if (!task->cancelled) {
        task->answer = answer_of_child(a, r, task->binding->timeout_ms);
        result.out = text_tail(a, r->output, TASK_LOG_SIZE_MAX);
        result.err = text_tail(a, r->error, TASK_LOG_SIZE_MAX);
    }
    report(task, &result);
    pump(t);
    free_task(task);
}

static const char *request_id(struct task *task)
{
    char text[UUID_TEXT_LEN];
    uuid_format(uuid_v5((struct uuid){0}, str_of_cstr(task->idempotency_key)), text);
    return arena_cstr(task->arena, str_of(text, sizeof(text)));
}

static void on_fetch_done(void *arg, const struct fetch_result *r)
{
    struct task *task = arg;
    struct tasks *t = task->set;
    leave_lane(task);
    task->answer =
        answer_of_fetch(task->arena, r, task->binding->timeout_ms, &task->callee, request_id(task));
    report(task, &(struct task_result){
                     .out = text_tail(task->arena, r->body, TASK_LOG_SIZE_MAX),
                 });
    pump(t);
    free_task(task);
}

/* ---- starting ---- */

static void start_child(struct task *task)
{
    struct tasks *t = task->set;
    struct arena *a = task->arena;
    struct child_options options = {
        .argv = command_argv(a, task->binding, task->callee.name),
        .environment =
            command_environment(a, (const char *const *)environ, task->binding, &task->request),
        .folder = arena_cstr(a, t->bindings->folder),
        .input = task->request.payload,
        .output_max = TASK_OUTPUT_SIZE_MAX,
        .error_max = TASK_LOG_SIZE_MAX,
        .timeout_ms = task->binding->timeout_ms,
        .grace_ms = TASK_KILL_GRACE_MS,
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

static void dispatch(struct task *task)
{
    task->started_ns = uv_hrtime();
    if (task->binding->kind == BINDING_ECHO) {
        answer_at_once(task, answer_of_output(task->arena, task->request.payload));
        return;
    }
    task->state = TASK_RUNNING;
    task->lane->running++;
    task->set->running++;
    if (task->binding->kind == BINDING_EXEC)
        start_child(task);
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

static void refuse_unbound(struct task *task)
{
    const struct callee *c = &task->callee;
    task->note = arena_printf(task->arena,
                              "No binding of the configuration matches " STR_FMT
                              "; add one with exec or http.",
                              STR_ARG(c->is_function ? c->arn : c->resource));
    if (c->is_function)
        answer_at_once(task, answer_no_function(task->arena, c, request_id(task)));
    else
        answer_at_once(
            task, answer_failed(task->arena, TASK_ERROR_NO_RESOURCE, STR_FMT, STR_ARG(task->note)));
}

void task_start(struct tasks *t, const struct task_request *request)
{
    ASSERT(!t->freed);
    if (find(t, request->key))
        return;
    struct task *task = new_task(t, request);
    const struct callee *c = &task->callee;
    if (c->is_function && !c->name.len) {
        answer_at_once(task, answer_failed(task->arena, TASK_ERROR_FUNCTION_NAME,
                                           "A function's name has 1 to %d letters, digits, - and "
                                           "_, no - first; this has not: " STR_FMT,
                                           FUNCTION_NAME_MAX, STR_ARG(c->arn)));
        return;
    }
    task->binding = bindings_find(t->bindings, c);
    if (!task->binding) {
        refuse_unbound(task);
        return;
    }
    if (t->queued >= TASK_QUEUED_MAX) {
        answer_at_once(task,
                       answer_failed(task->arena, TASK_ERROR_QUEUE_FULL,
                                     "%d tasks wait already (tasks_queued_max)", TASK_QUEUED_MAX));
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
    if (task->state == TASK_RUNNING) {
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

bool tasks_idle(const struct tasks *t)
{
    return t->alive == 0;
}

struct tasks *tasks_new(uv_loop_t *loop, const struct bindings *bindings, task_done *done,
                        void *arg)
{
    struct tasks *t = calloc(1, sizeof(*t));
    struct lane *lanes = calloc(bindings->count + 1, sizeof(*lanes));
    if (!t || !lanes)
        panic(__FILE__, __LINE__, "out of memory");
    t->loop = loop;
    t->bindings = bindings;
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
    return t;
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
    t->freed = true;
    close_if_over(t);
}
