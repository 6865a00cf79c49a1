#include "task/checker.h"

#include "os/child.h"
#include "task/answer.h"
#include "task/command.h"

#include <stdlib.h>
#include <unistd.h>

/* One that runs. */
struct checking {
    struct checking *next;
    struct checker *set;
    struct arena *arena; /* owned; this too lies in it */
    uint64_t id;
    int64_t seconds;
    struct child *child;
};

struct checker {
    uv_loop_t *loop;
    struct children *children;
    checker_done *done;
    void *arg;
    struct checking *first;
    bool freed;
};

struct checker *checker_new(uv_loop_t *loop, struct children *children, checker_done *done,
                            void *arg)
{
    struct checker *c = calloc(1, sizeof(*c));
    if (!c)
        panic(__FILE__, __LINE__, "out of memory");
    *c = (struct checker){.loop = loop, .children = children, .done = done, .arg = arg};
    return c;
}

bool checker_idle(const struct checker *c)
{
    return !c->first;
}

void checker_free(struct checker *c)
{
    if (!c)
        return;
    c->freed = true;
    for (struct checking *one = c->first; one; one = one->next)
        child_end(one->child);
    if (!c->first)
        free(c);
}

/* ---- its end ---- */

static struct check_outcome outcome_of(const struct checking *one, const struct child_result *r)
{
    struct arena *a = one->arena;
    struct check_outcome outcome = {.id = one->id, .ran = !r->failure && !r->timed_out};
    if (r->failure) {
        outcome.said = str_of_cstr(r->failure->message);
    } else if (r->timed_out) {
        outcome.said = arena_printf(a, "it took longer than %lld s", (long long)one->seconds);
    } else {
        outcome.exit_status = r->signal ? 128 + r->signal : r->exit_status;
        outcome.said = text_tail(a, r->error.len ? r->error : r->output, TASK_LOG_SIZE_MAX);
    }
    return outcome;
}

static void on_done(void *arg, const struct child_result *r)
{
    struct checking *one = arg;
    struct checker *c = one->set;
    struct checking **at = &c->first;
    while (*at != one)
        at = &(*at)->next;
    *at = one->next;
    struct check_outcome outcome = outcome_of(one, r);
    if (!c->freed)
        c->done(c->arg, &outcome);
    arena_free(one->arena);
    if (c->freed && !c->first)
        free(c);
}

/* ---- its beginning ---- */

static const char *const *argv_of(struct arena *a, const struct check_request *request)
{
    const char **argv = ARENA_ARRAY(a, const char *, request->command_count + 1);
    for (size_t i = 0; i < request->command_count; i++)
        argv[i] = arena_cstr(a, request->command[i]);
    return argv;
}

static const char *const *environment_of(struct arena *a, const struct check_request *request,
                                         struct str mark)
{
    struct binding none = {0};
    struct task_request as_task = {
        .execution_arn = request->execution_arn,
        .execution_id = request->execution_id,
        .correlation_id = request->execution_id,
        .state_name = request->state_name,
    };
    return command_environment(a, (const char *const *)environ, &none, &as_task, mark);
}

void checker_start(struct checker *c, const struct check_request *request)
{
    struct arena *a = arena_new(0);
    struct checking *one = ARENA_NEW(a, struct checking);
    bool noted = c->children && children_have_room(c->children);
    size_t slot = 0;
    struct str mark = STR("");
    if (noted) {
        slot = children_take(c->children,
                             arena_printf(a, "check-%llu", (unsigned long long)request->id));
        mark = children_mark(c->children, slot);
    }
    *one = (struct checking){.next = c->first,
                             .set = c,
                             .arena = a,
                             .id = request->id,
                             .seconds = request->timeout_seconds};
    struct child_options options = {
        .argv = argv_of(a, request),
        .environment = environment_of(a, request, mark),
        .folder = arena_cstr(a, request->folder),
        .output_max = CHECK_OUTPUT_SIZE_MAX,
        .error_max = TASK_LOG_SIZE_MAX,
        .timeout_ms = (uint64_t)one->seconds * 1000,
        .grace_ms = TASK_KILL_GRACE_MS,
        .children = noted ? c->children : NULL,
        .slot = slot,
    };
    c->first = one;
    one->child = child_start(c->loop, &options, on_done, one);
}
