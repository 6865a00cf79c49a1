/* `pawl serve` in a process of its own, and this client on the same machine.
 *
 *   ./dev bench server -- [WORKLOAD...]
 *
 *   start     ten Pass states by StartExecution, 64 connections
 *   wait      the same by REST with ?wait=, whose answer is the result
 *   activity  one activity step a workflow, 8 workers
 *   latency   one Pass state, 1 in flight, a raw commit of the same disk in turn with it
 *   sync      one Pass state by StartSyncExecution, 1 in flight: nothing is stored
 *   polls     5,000 long polls that get nothing: memory
 *   memory    64 payloads of 16 MiB at once beside 10,000 idle connections, and small requests
 *
 * Prints one JSON line a workload. CPU is user and system time, of this client too: it is
 * to be no more than a part of the server's. The store lies in a fresh folder below
 * $PAWL_BENCH_DIR, else the current one. */
#include "bench_raw.h"
#include "bench_wire.h"

#include "base/macros.h"
#include "os/clock.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    CONNECTIONS = 64,
    WORKFLOWS = 60000,
    WORKERS = 8,
    STARTERS = 16,
    BACKLOG = 512, /* workflows started and not done, of `activity` */
    TASKS = 30000,
    LATENCY_ROUNDS = 1500,
    POLLS = 5000,
    IDLE = 10000,
    PAYLOADS = 64,
    PAYLOAD_SIZE = 16 << 20,
    FILES_MAX = 65536,
};

struct server {
    char folder[512];
    pid_t pid;
    uint16_t port;
};

static void fatal(const char *what, struct str why)
{
    fprintf(stderr, "bench: %s: " STR_FMT "\n", what, STR_ARG(why));
    exit(1);
}

static double seconds_now(void)
{
    return (double)clock_mono().ns / 1e9;
}

/* ---- the server ---- */

static uint16_t free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t size = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, size) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &size) != 0)
        fatal("port", STR("none"));
    close(fd);
    return ntohs(at.sin_port);
}

static bool answers(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool connected = connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0;
    close(fd);
    return connected;
}

static void become_server(const struct server *s)
{
    char address[64], path[600];
    snprintf(address, sizeof(address), "127.0.0.1:%u", s->port);
    snprintf(path, sizeof(path), "%s/log", s->folder);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* when this program ends in an error */
    int log = open(path, O_CREAT | O_WRONLY | O_APPEND, 0600);
    dup2(log, 1);
    dup2(log, 2);
    execl(PAWL_EXE, "pawl", "serve", "--listen", address, "--data", s->folder, (char *)NULL);
    _exit(127);
}

static void server_begin(struct server *s, const char *name)
{
    const char *base = getenv("PAWL_BENCH_DIR");
    snprintf(s->folder, sizeof(s->folder), "%s/pawl-bench-%s-XXXXXX", base ? base : ".", name);
    if (!mkdtemp(s->folder))
        fatal("folder", str_of_cstr(s->folder));
    s->port = free_port();
    s->pid = fork();
    if (s->pid == 0)
        become_server(s);
    while (!answers(s->port)) {
        int status;
        if (waitpid(s->pid, &status, WNOHANG) == s->pid)
            fatal("the server ended", str_of_cstr(s->folder));
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

static void server_end(struct server *s)
{
    char command[600];
    int status;
    kill(s->pid, SIGTERM);
    waitpid(s->pid, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fatal("the server did not end well", str_of_cstr(s->folder));
    snprintf(command, sizeof(command), "rm -rf '%s'", s->folder);
    if (system(command) != 0)
        fatal("cannot remove", str_of_cstr(s->folder));
}

static double server_cpu_s(const struct server *s)
{
    char path[64], text[1024] = "";
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)s->pid);
    FILE *f = fopen(path, "r");
    const char *name_end = f && fgets(text, sizeof(text), f) ? strrchr(text, ')') : NULL;
    if (!name_end || sscanf(name_end + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                            &user, &system) != 2)
        fatal("stat", str_of_cstr(path));
    fclose(f);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* VmRSS, VmHWM */
static double server_mib(const struct server *s, const char *field)
{
    char path[64], line[256];
    long kib = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)s->pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof(line), f))
        if (strncmp(line, field, strlen(field)) == 0)
            kib = strtol(line + strlen(field) + 1, NULL, 10);
    if (f)
        fclose(f);
    return (double)kib / 1024;
}

static double client_cpu_s(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* ---- requests ---- */

static void aws_request(struct buf *to, const char *operation, struct str body)
{
    buf_printf(to,
               "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.0\r\n"
               "X-Amz-Target: AWSStepFunctions.%s\r\nContent-Length: %zu\r\n\r\n",
               operation, body.len);
    buf_append(to, body);
}

static void rest_request(struct buf *to, const char *path, struct str body)
{
    buf_printf(to,
               "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
               "Content-Length: %zu\r\n\r\n",
               path, body.len);
    buf_append(to, body);
}

static void must_ask(const struct server *s, const char *operation, struct str body)
{
    struct buf request = BUF_INIT(0), answer = BUF_INIT(0);
    aws_request(&request, operation, body);
    if (wire_ask(s->port, buf_str(&request), &answer) != 200)
        fatal(operation, buf_str(&answer));
    buf_release(&request);
    buf_release(&answer);
}

#define ARN(kind, name) "arn:aws:states:us-east-1:000000000000:" kind ":" name
#define INPUT "{\\\"order\\\":\\\"A-1047\\\",\\\"lines\\\":[{\\\"sku\\\":\\\"x\\\",\\\"n\\\":2}]}"

static void create(const struct server *s, const char *name, const char *type,
                   const char *definition)
{
    struct buf body = BUF_INIT(0);
    buf_printf(&body,
               "{\"name\":\"%s\",\"type\":\"%s\","
               "\"roleArn\":\"arn:aws:iam::000000000000:role/bench\",\"definition\":\"",
               name, type);
    for (const char *c = definition; *c; c++) {
        if (*c == '"')
            buf_append_char(&body, '\\');
        buf_append_char(&body, *c);
    }
    buf_append(&body, STR("\"}"));
    must_ask(s, "CreateStateMachine", buf_str(&body));
    buf_release(&body);
}

static void create_machine(const struct server *s, const char *name, const char *definition)
{
    create(s, name, "STANDARD", definition);
}

static void create_chain(const struct server *s)
{
    struct buf text = BUF_INIT(0);
    buf_append(&text, STR("{\"StartAt\":\"S0\",\"States\":{"));
    for (int i = 0; i < 10; i++)
        buf_printf(&text, "%s\"S%d\":{\"Type\":\"Pass\",%s%d%s}", i ? "," : "", i,
                   i < 9 ? "\"Next\":\"S" : "\"End\":true,\"Comment\":\"", i + 1, "\"");
    buf_append(&text, STR("}}"));
    create_machine(s, "chain", buf_cstr(&text));
    buf_release(&text);
}

static const char one_pass[] =
    "{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Pass\",\"End\":true}}}";

/* ---- start, wait ---- */

struct load {
    struct str request;
    size_t asked, answered, wanted;
    const char *must_have; /* in each answer */
    struct buf last;       /* answer */
};

static void load_answered(void *arg, struct wire_line *line, int status, struct str body)
{
    struct load *l = arg;
    if ((status != 200 && status != 201) || str_find(body, str_of_cstr(l->must_have)) == SIZE_MAX)
        fatal("an answer", body);
    l->answered++;
    if (l->answered == l->wanted) {
        buf_release(&l->last);
        l->last = BUF_INIT(0);
        buf_append(&l->last, body);
    }
    if (l->asked < l->wanted) {
        l->asked++;
        wire_send(line, l->request);
    }
}

static void run_load(const struct server *s, struct load *l, int connections)
{
    struct wire *w = wire_new(s->port, load_answered, l);
    for (int i = 0; i < connections; i++) {
        l->asked++;
        wire_send(wire_connect(w, 0), l->request);
    }
    while (l->answered < l->wanted)
        wire_turn(w, -1);
    wire_free(w);
}

static void measure_load(const char *name, const struct server *s, struct load *l)
{
    struct load warm = *l;
    warm.wanted = WORKFLOWS / 20;
    run_load(s, &warm, CONNECTIONS);
    buf_release(&warm.last);
    double begin = seconds_now(), server = server_cpu_s(s), client = client_cpu_s();
    run_load(s, l, CONNECTIONS);
    double seconds = seconds_now() - begin;
    printf("{\"workload\":\"%s\",\"connections\":%d,\"workflows\":%zu,\"seconds\":%.3f,"
           "\"workflows_per_s\":%.0f,\"server_cpu_us\":%.1f,\"client_cpu_us\":%.1f}\n",
           name, CONNECTIONS, l->wanted, seconds, (double)l->wanted / seconds,
           (server_cpu_s(s) - server) * 1e6 / (double)l->wanted,
           (client_cpu_s() - client) * 1e6 / (double)l->wanted);
}

/* All states run in the turn of the start: what is acknowledged has ended. */
static void check_ended(const struct server *s, struct str started)
{
    struct buf request = BUF_INIT(0), answer = BUF_INIT(0), body = BUF_INIT(0);
    size_t begin = str_find(started, STR("arn:"));
    struct str arn = str_slice(started, begin, started.len);
    buf_printf(&body, "{\"executionArn\":\"" STR_FMT "\"}",
               STR_ARG(str_slice(arn, 0, str_find_char(arn, '"'))));
    aws_request(&request, "DescribeExecution", buf_str(&body));
    if (wire_ask(s->port, buf_str(&request), &answer) != 200 ||
        str_find(buf_str(&answer), STR("\"SUCCEEDED\"")) == SIZE_MAX)
        fatal("not all have ended", buf_str(&answer));
    buf_release(&request);
    buf_release(&answer);
    buf_release(&body);
}

static void start(struct server *s)
{
    struct buf request = BUF_INIT(0);
    create_chain(s);
    aws_request(
        &request, "StartExecution",
        STR("{\"stateMachineArn\":\"" ARN("stateMachine", "chain") "\",\"input\":\"" INPUT "\"}"));
    struct load load = {
        .request = buf_str(&request), .wanted = WORKFLOWS, .must_have = "executionArn"};
    measure_load("start", s, &load);
    check_ended(s, buf_str(&load.last));
    buf_release(&load.last);
    buf_release(&request);
}

static void wait_for_result(struct server *s)
{
    struct buf request = BUF_INIT(0);
    create_chain(s);
    rest_request(
        &request, "/api/v1/workflows/chain/executions?wait=10",
        STR("{\"trigger_data\":{\"order\":\"A-1047\",\"lines\":[{\"sku\":\"x\",\"n\":2}]}}"));
    struct load load = {
        .request = buf_str(&request), .wanted = WORKFLOWS, .must_have = "completed"};
    measure_load("wait", s, &load);
    buf_release(&load.last);
    buf_release(&request);
}

/* ---- activity ---- */

enum tag {
    TAG_STARTER,
    TAG_POLLING,
    TAG_ANSWERING
};

struct work {
    struct str start, poll;
    struct buf answer;
    size_t started, done, wanted;
    struct wire_line *idle[STARTERS];
    size_t idle_count;
    struct wire_line *polling[WORKERS * 2];
};

static void start_more(struct work *w)
{
    while (w->idle_count && w->started < w->wanted && w->started - w->done < BACKLOG) {
        w->started++;
        wire_send(w->idle[--w->idle_count], w->start);
    }
}

/* A worker's line is in turn polling and answering: which, its answer tells. */
static void worker_heard(struct work *w, struct wire_line *line, struct str body)
{
    static const char key[] = "\"taskToken\":\"";
    size_t at = str_find(body, str_of_cstr(key));
    if (at == SIZE_MAX) {
        w->done += str_eq(body, STR("{}")) && w->done < w->started;
        if (w->done < w->wanted)
            wire_send(line, w->poll);
        return;
    }
    struct str token = str_slice(body, at + sizeof(key) - 1, body.len);
    token = str_slice(token, 0, str_find_char(token, '"'));
    struct buf text = BUF_INIT(0);
    buf_printf(&text, "{\"taskToken\":\"" STR_FMT "\",\"output\":\"{\\\"ok\\\":true}\"}",
               STR_ARG(token));
    w->answer.len = 0;
    aws_request(&w->answer, "SendTaskSuccess", buf_str(&text));
    wire_send(line, buf_str(&w->answer));
    buf_release(&text);
}

static void work_answered(void *arg, struct wire_line *line, int status, struct str body)
{
    struct work *w = arg;
    if (status != 200)
        fatal("an answer", body);
    if (wire_tag(line) == TAG_STARTER)
        w->idle[w->idle_count++] = line;
    else
        worker_heard(w, line, body);
    start_more(w);
}

static void activity(struct server *s)
{
    struct buf requests[2] = {BUF_INIT(0), BUF_INIT(0)};
    must_ask(s, "CreateActivity", STR("{\"name\":\"work\"}"));
    create_machine(s, "task",
                   "{\"StartAt\":\"T\",\"States\":{\"T\":{\"Type\":\"Task\",\"Resource\":\"" ARN(
                       "activity", "work") "\",\"End\":true}}}");
    aws_request(
        &requests[0], "StartExecution",
        STR("{\"stateMachineArn\":\"" ARN("stateMachine", "task") "\",\"input\":\"" INPUT "\"}"));
    aws_request(&requests[1], "GetActivityTask",
                STR("{\"activityArn\":\"" ARN("activity", "work") "\",\"workerName\":\"bench\"}"));
    struct work w = {.start = buf_str(&requests[0]),
                     .poll = buf_str(&requests[1]),
                     .answer = BUF_INIT(0),
                     .wanted = TASKS};
    struct wire *wire = wire_new(s->port, work_answered, &w);
    double begin = seconds_now(), server = server_cpu_s(s), client = client_cpu_s();
    for (int i = 0; i < WORKERS; i++)
        wire_send(wire_connect(wire, TAG_POLLING), w.poll);
    for (int i = 0; i < STARTERS; i++)
        w.idle[w.idle_count++] = wire_connect(wire, TAG_STARTER);
    start_more(&w);
    while (w.done < w.wanted)
        wire_turn(wire, -1);
    double seconds = seconds_now() - begin;
    printf("{\"workload\":\"activity\",\"workers\":%d,\"tasks\":%zu,\"seconds\":%.3f,"
           "\"tasks_per_s\":%.0f,\"server_cpu_us\":%.1f,\"client_cpu_us\":%.1f}\n",
           WORKERS, w.wanted, seconds, (double)w.wanted / seconds,
           (server_cpu_s(s) - server) * 1e6 / (double)w.wanted,
           (client_cpu_s() - client) * 1e6 / (double)w.wanted);
    wire_free(wire);
    buf_release(&w.answer);
    buf_release(&requests[0]);
    buf_release(&requests[1]);
}

/* ---- latency ---- */

static void count_answer(void *arg, struct wire_line *line, int status, struct str body)
{
    (void)line;
    if (status != 200)
        fatal("an answer", body);
    ++*(size_t *)arg;
}

/* The same request again and again, a raw commit in turn with it. `durable`: an answer
 * stands for a commit. */
static void one_in_flight(struct server *s, const char *name, bool durable, struct str request)
{
    size_t answered = 0;
    struct bench_samples mine = {0}, commits = {0};
    struct bench_raw *raw = bench_raw_open(s->folder);
    struct wire *w = wire_new(s->port, count_answer, &answered);
    struct wire_line *line = wire_connect(w, 0);
    for (size_t i = 0; i < LATENCY_ROUNDS; i++) {
        uint64_t begin = clock_mono().ns;
        wire_send(line, request);
        while (answered == i)
            wire_turn(w, -1);
        bench_sample(&mine, (double)(clock_mono().ns - begin) / 1000);
        bench_sample(&commits, bench_raw_commit_us(raw));
    }
    struct bench_latency m = bench_latency_of(&mine), c = bench_latency_of(&commits);
    printf("{\"workload\":\"%s\",\"durable\":%s,\"rounds\":%d,\"p50_us\":%.0f,\"p99_us\":%.0f,"
           "\"commit_p50_us\":%.0f,\"commit_p99_us\":%.0f,\"p50_in_commits\":%.2f,"
           "\"p99_in_commits\":%.2f}\n",
           name, durable ? "true" : "false", LATENCY_ROUNDS, m.p50_us, m.p99_us, c.p50_us, c.p99_us,
           m.p50_us / c.p50_us, m.p99_us / c.p99_us);
    wire_free(w);
    bench_raw_close(raw);
}

static void latency(struct server *s)
{
    struct buf request = BUF_INIT(0);
    create_machine(s, "pass", one_pass);
    aws_request(
        &request, "StartExecution",
        STR("{\"stateMachineArn\":\"" ARN("stateMachine", "pass") "\",\"input\":\"" INPUT "\"}"));
    one_in_flight(s, "latency", true, buf_str(&request));
    buf_release(&request);
}

static void sync_express(struct server *s)
{
    struct buf request = BUF_INIT(0);
    create(s, "quick", "EXPRESS", one_pass);
    aws_request(
        &request, "StartSyncExecution",
        STR("{\"stateMachineArn\":\"" ARN("stateMachine", "quick") "\",\"input\":\"" INPUT "\"}"));
    one_in_flight(s, "sync", false, buf_str(&request));
    buf_release(&request);
}

/* ---- polls ---- */

static void polls(struct server *s)
{
    struct buf poll = BUF_INIT(0);
    size_t answered = 0;
    must_ask(s, "CreateActivity", STR("{\"name\":\"idle\"}"));
    double idle = server_mib(s, "VmRSS:");
    aws_request(&poll, "GetActivityTask",
                STR("{\"activityArn\":\"" ARN("activity", "idle") "\",\"workerName\":\"bench\"}"));
    struct wire *w = wire_new(s->port, count_answer, &answered);
    double begin = seconds_now();
    for (int i = 0; i < POLLS; i++)
        wire_send(wire_connect(w, 0), buf_str(&poll));
    /* A poll has been read when what was asked after it is answered. */
    for (int i = 0; i < 100; i++)
        must_ask(s, "ListActivities", STR("{}"));
    printf("{\"workload\":\"polls\",\"polls\":%d,\"seconds\":%.3f,\"answered\":%zu,"
           "\"idle_mib\":%.1f,\"resident_mib\":%.1f}\n",
           POLLS, seconds_now() - begin, answered, idle, server_mib(s, "VmRSS:"));
    wire_free(w);
    buf_release(&poll);
}

/* ---- memory ---- */

struct crowd {
    size_t large, small;
    struct bench_samples samples;
    uint64_t begun;
    struct str request;
};

enum {
    TAG_LARGE,
    TAG_SMALL,
    TAG_IDLE
};

static void crowd_answered(void *arg, struct wire_line *line, int status, struct str body)
{
    struct crowd *c = arg;
    if (status != 200)
        fatal("an answer", body);
    if (wire_tag(line) == TAG_LARGE) {
        c->large++;
        return;
    }
    bench_sample(&c->samples, (double)(clock_mono().ns - c->begun) / 1000);
    c->small++;
    c->begun = clock_mono().ns;
    wire_send(line, c->request);
}

/* A document as people have them: an array of objects, as a JSON text in a JSON text. */
static void large_request(struct buf *to)
{
    struct buf body = BUF_INIT(0);
    buf_append(&body,
               STR("{\"stateMachineArn\":\"" ARN("stateMachine", "pass") "\",\"input\":\"["));
    for (int i = 0; body.len < PAYLOAD_SIZE - 100; i++)
        buf_printf(&body, "%s{\\\"id\\\":%d,\\\"name\\\":\\\"item number %d\\\",\\\"paid\\\":true}",
                   i ? "," : "", i, i);
    buf_append(&body, STR("]\"}"));
    aws_request(to, "StartExecution", buf_str(&body));
    buf_release(&body);
}

static void memory(struct server *s)
{
    struct buf large = BUF_INIT(0), small = BUF_INIT(0);
    create_machine(s, "pass", one_pass);
    large_request(&large);
    aws_request(
        &small, "StartExecution",
        STR("{\"stateMachineArn\":\"" ARN("stateMachine", "pass") "\",\"input\":\"" INPUT "\"}"));
    struct crowd c = {.request = buf_str(&small)};
    struct wire *w = wire_new(s->port, crowd_answered, &c);
    for (int i = 0; i < IDLE; i++)
        wire_connect(w, TAG_IDLE);
    double begin = seconds_now();
    c.begun = clock_mono().ns;
    wire_send(wire_connect(w, TAG_SMALL), c.request);
    for (int i = 0; i < PAYLOADS; i++)
        wire_send(wire_connect(w, TAG_LARGE), buf_str(&large));
    while (c.large < PAYLOADS)
        wire_turn(w, -1);
    double seconds = seconds_now() - begin;
    size_t samples = c.samples.count;
    struct bench_latency l = bench_latency_of(&c.samples);
    printf("{\"workload\":\"memory\",\"payloads\":%d,\"payload_mib\":%d,\"idle\":%d,"
           "\"seconds\":%.2f,\"small_requests\":%zu,\"small_p50_ms\":%.2f,\"small_p99_ms\":%.2f,"
           "\"most_mib\":%.1f,\"resident_mib\":%.1f}\n",
           PAYLOADS, PAYLOAD_SIZE >> 20, IDLE, seconds, samples, l.p50_us / 1000, l.p99_us / 1000,
           server_mib(s, "VmHWM:"), server_mib(s, "VmRSS:"));
    wire_free(w);
    buf_release(&large);
    buf_release(&small);
}

/* ---- which ---- */

static const struct {
    const char *name;
    void (*run)(struct server *s);
} workloads[] = {
    {"start", start},       {"wait", wait_for_result}, {"activity", activity}, {"latency", latency},
    {"sync", sync_express}, {"polls", polls},          {"memory", memory},
};

static bool is_chosen(int argc, char **argv, const char *name)
{
    for (int i = 1; i < argc; i++)
        if (str_eq(str_of_cstr(argv[i]), str_of_cstr(name)))
            return true;
    return argc == 1;
}

int main(int argc, char **argv)
{
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max < FILES_MAX ? files.rlim_max : FILES_MAX;
    setrlimit(RLIMIT_NOFILE, &files); /* the server inherits it */
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < COUNT_OF(workloads); i++) {
        struct server s;
        if (!is_chosen(argc, argv, workloads[i].name))
            continue;
        server_begin(&s, workloads[i].name);
        workloads[i].run(&s);
        fflush(stdout);
        server_end(&s);
    }
    return 0;
}
