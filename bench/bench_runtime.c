/* A task carried out by a warm worker, and by a command started for it: how many a second.
 *
 *   ./dev bench runtime
 *
 * The worker and the command are this same program, so that both do the same work: answer
 * the payload. The worker speaks HTTP over one kept connection, as a compiled runtime
 * client does. One JSON line a workload; all in turns in one run, the best of each counts.
 */
#include "config/config.h"
#include "os/clock.h"
#include "task/task.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ROUNDS = 3,
    WARM_TASKS = 20000,
    EXEC_TASKS = 1000,
    MANY_WORKERS = 2,
};

/* ---- the program that works ---- */

static int work_once(void)
{
    char payload[65536];
    ssize_t size = read(STDIN_FILENO, payload, sizeof(payload));
    return size >= 0 && write(STDOUT_FILENO, payload, (size_t)size) == size ? 0 : 1;
}

/* Until head and body of an answer are here; returns where the body begins, 0: closed. */
static size_t receive(int fd, char *to, size_t size, size_t *ret_size)
{
    size_t got = 0;
    for (;;) {
        ssize_t more = recv(fd, to + got, size - got - 1, 0);
        if (more <= 0)
            return 0;
        got += (size_t)more;
        to[got] = '\0';
        const char *end = strstr(to, "\r\n\r\n"), *length = strstr(to, "Content-Length: ");
        if (!end || !length)
            continue;
        size_t body = (size_t)(end + 4 - to), body_size = strtoul(length + 16, NULL, 10);
        if (got < body + body_size)
            continue;
        *ret_size = body_size;
        return body;
    }
}

static int work_warm(void)
{
    static char in[131072], out[131072];
    const char *api = getenv("AWS_LAMBDA_RUNTIME_API");
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    to.sin_port = htons((uint16_t)strtoul(strchr(api, ':') + 1, NULL, 10));
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        return 1;
    for (size_t size, body;;) {
        int asked = snprintf(out, sizeof(out),
                             "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n"
                             "Host: %s\r\n\r\n",
                             api);
        if (send(fd, out, (size_t)asked, MSG_NOSIGNAL) != asked)
            return 0;
        if (!(body = receive(fd, in, sizeof(in), &size)))
            return 0;
        const char *id = strstr(in, "Lambda-Runtime-Aws-Request-Id: ") + 31;
        int said = snprintf(out, sizeof(out),
                            "POST /2018-06-01/runtime/invocation/%.36s/response HTTP/1.1\r\n"
                            "Host: %s\r\nContent-Length: %zu\r\n\r\n%.*s",
                            id, api, size, (int)size, in + body);
        if (send(fd, out, (size_t)said, MSG_NOSIGNAL) != said)
            return 0;
        if (!receive(fd, in, sizeof(in), &size))
            return 0;
    }
}

/* ---- the one that measures ---- */

struct load {
    struct tasks *tasks;
    const char *function;
    uint32_t started, done, count;
};

static void start_one(struct load *load)
{
    task_start(load->tasks, &(struct task_request){
                                .key = {.execution = 1, .task = load->started++, .attempt = 1},
                                .resource = str_of_cstr(load->function),
                                .payload = STR("{\"order\":17}"),
                                .execution_arn = STR("arn:aws:states:us-east-1:000000000000:"
                                                     "execution:machine:run"),
                            });
}

static void on_done(void *arg, const struct task_result *result)
{
    struct load *load = arg;
    if (!result->ok) {
        fprintf(stderr, STR_FMT ": " STR_FMT "\n", STR_ARG(result->error), STR_ARG(result->cause));
        exit(1);
    }
    load->done++;
    if (load->started < load->count)
        start_one(load);
}

static double run(uv_loop_t *loop, struct load *load, struct tasks *tasks, const char *function,
                  uint32_t count, uint32_t in_flight)
{
    struct mono_ns began = clock_mono();
    *load = (struct load){.tasks = tasks, .function = function, .count = count};
    while (load->started < in_flight)
        start_one(load);
    while (load->done < count)
        uv_run(loop, UV_RUN_ONCE);
    return count / ((double)(clock_mono().ns - began.ns) / 1e9);
}

static void print_rate(const char *workload, uint32_t in_flight, double rate)
{
    printf("{\"bench\":\"runtime\",\"workload\":\"%s\",\"in_flight\":%u,\"tasks_per_s\":%.0f,"
           "\"us_per_task\":%.1f}\n",
           workload, in_flight, rate, 1e6 / rate);
}

static void measure(uv_loop_t *loop, const struct bindings *bindings)
{
    static const struct {
        const char *workload, *function;
        uint32_t count, in_flight;
    } loads[] = {
        {"warm", "warm", WARM_TASKS, 1},
        {"exec", "once", EXEC_TASKS, 1},
        {"warm", "many", WARM_TASKS, MANY_WORKERS},
        {"exec", "once", EXEC_TASKS, MANY_WORKERS},
    };
    double best[COUNT_OF(loads)] = {0};
    struct load load = {0};
    struct tasks *tasks = tasks_new(loop, bindings, NULL, on_done, &load);
    run(loop, &load, tasks, "warm", 1, 1);
    run(loop, &load, tasks, "many", MANY_WORKERS, MANY_WORKERS);
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < COUNT_OF(loads); i++) {
            double rate =
                run(loop, &load, tasks, loads[i].function, loads[i].count, loads[i].in_flight);
            best[i] = rate > best[i] ? rate : best[i];
        }
    }
    for (size_t i = 0; i < COUNT_OF(loads); i++)
        print_rate(loads[i].workload, loads[i].in_flight, best[i]);
    tasks_free(tasks);
    uv_run(loop, UV_RUN_DEFAULT);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "once") == 0)
        return work_once();
    if (argc == 2 && strcmp(argv[1], "warm") == 0)
        return work_warm();

    char self[4096];
    ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
    struct arena *a = arena_new(0);
    struct config parsed;
    struct err e;
    uv_loop_t loop;
    if (size <= 0)
        return 1;
    self[size] = '\0';
    struct str config = arena_printf(a,
                                     "bindings:\n"
                                     "  - {resource: warm, runtime: {command: ['%s', warm]}}\n"
                                     "  - {resource: many, runtime: {command: ['%s', warm], "
                                     "concurrency: %d}}\n"
                                     "  - {resource: once, exec: ['%s', once]}\n",
                                     self, self, MANY_WORKERS, self);
    signal(SIGPIPE, SIG_IGN);
    if (!config_parse(a, config, STR("/"), &parsed, &e)) {
        fprintf(stderr, "%s\n", e.message);
        return 1;
    }
    uv_loop_init(&loop);
    measure(&loop, &parsed.bindings);
    uv_loop_close(&loop);
    arena_free(a);
    return 0;
}
