/* A set of tasks on a loop of its own, and what they reported. For test_task*.c. */
#ifndef PAWL_TESTS_TASK_FIXTURE_H
#define PAWL_TESTS_TASK_FIXTURE_H

#include "config/config.h"
#include "task/task.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum {
    REPORTS_MAX = 2000
};

struct fixture {
    struct arena *arena;
    uv_loop_t loop;
    struct bindings bindings;
    struct tasks *tasks;
    struct task_result reports[REPORTS_MAX]; /* copied into the arena */
    size_t count;
    int descriptors; /* open before */
};

static inline int count_descriptors(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static void keep_report(void *arg, const struct task_result *result)
{
    struct fixture *f = arg;
    assert_true(f->count < REPORTS_MAX);
    struct task_result *kept = &f->reports[f->count++];
    *kept = *result;
    kept->output = json_copy(f->arena, result->output);
    kept->error = arena_str(f->arena, result->error);
    kept->cause = arena_str(f->arena, result->cause);
    kept->out = arena_str(f->arena, result->out);
    kept->err = arena_str(f->arena, result->err);
}

static inline struct bindings bindings_of(struct arena *a, const char *text, const char *folder)
{
    struct config config;
    struct err e;
    if (!config_parse(a, str_of_cstr(text), str_of_cstr(folder), &config, &e))
        fail_msg("%s", e.message);
    return config.bindings;
}

static inline struct fixture *fixture_new(const char *config, const char *folder)
{
    int descriptors = count_descriptors();
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    f->descriptors = descriptors;
    f->arena = arena_new(0);
    f->bindings = bindings_of(f->arena, config, folder);
    assert_int_equal(uv_loop_init(&f->loop), 0);
    f->tasks = tasks_new(&f->loop, &f->bindings, NULL, keep_report, f);
    return f;
}

/* Nothing may be left: no handle, no child (not even a zombie), no descriptor. */
static inline void fixture_free(struct fixture *f)
{
    tasks_free(f->tasks); /* NULL where the test has freed them */
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    assert_int_equal(count_descriptors(), f->descriptors);
    arena_free(f->arena);
    free(f);
}

/* libuv opens what it needs for signals once a process and keeps it. */
static inline void fixture_warm_up(void)
{
    uv_loop_t loop;
    uv_signal_t signal;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(uv_signal_init(&loop, &signal), 0);
    uv_close((uv_handle_t *)&signal, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static inline struct task_key key_of(uint32_t task)
{
    return (struct task_key){.execution = 7, .task = task, .attempt = 1};
}

static inline void start(struct fixture *f, uint32_t task, const char *resource,
                         const char *payload)
{
    /* Copies that are gone afterwards: what is kept must be a copy too. */
    char *resource_text = strdup(resource), *payload_text = strdup(payload);
    task_start(f->tasks, &(struct task_request){
                             .key = key_of(task),
                             .resource = str_of_cstr(resource_text),
                             .payload = str_of_cstr(payload_text),
                             .execution_arn = STR("arn:aws:states:us-east-1:000000000000:"
                                                  "execution:machine:run"),
                             .execution_id = STR("run-id"),
                             .state_name = STR("A state"),
                             .correlation_id = STR("correlation"),
                             .token = STR("token"),
                         });
    free(resource_text);
    free(payload_text);
}

static inline void run_until_idle(struct fixture *f)
{
    while (!tasks_idle(f->tasks))
        uv_run(&f->loop, UV_RUN_ONCE);
}

/* Starts one task and gives what it reported. */
static inline const struct task_result *run_one(struct fixture *f, const char *resource,
                                                const char *payload)
{
    size_t before = f->count;
    start(f, (uint32_t)before, resource, payload);
    run_until_idle(f);
    assert_int_equal(f->count, before + 1);
    return &f->reports[before];
}

static inline void assert_str(struct str s, const char *expected)
{
    if (!str_eq(s, str_of_cstr(expected)))
        fail_msg("got " STR_FMT ", expected %s", STR_ARG(s), expected);
}

static inline void assert_contains(struct str s, const char *part)
{
    if (str_find(s, str_of_cstr(part)) == SIZE_MAX)
        fail_msg("%s is not in " STR_FMT, part, STR_ARG(s));
}

static inline void assert_output(struct fixture *f, const struct task_result *r,
                                 const char *expected)
{
    if (!r->ok)
        fail_msg(STR_FMT ": " STR_FMT, STR_ARG(r->error), STR_ARG(r->cause));
    assert_str(json_text(f->arena, r->output), expected);
}

#endif
