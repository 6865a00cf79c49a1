#include "bench_host.h"

#include "os/clock.h"
#include "os/entropy.h"
#include "store/sqlite/sqlite_store.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct queued_task {
    int64_t execution;
    uint32_t step, attempt;
    struct json output;
};

struct bench_host {
    char folder[512];
    bool advance;
    struct store *store;
    struct engine *engine;
    struct arena *tasks_arena;
    struct queued_task *tasks;
    size_t task_count, task_capacity;
    const struct bench_load *load;
    size_t started, acknowledged, ended;
    struct bench_samples samples;
    struct bench_raw *raw; /* NULL: not asked for yet */
};

static void fatal(const char *what, const char *why)
{
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(1);
}

/* ---- the engine's side ---- */

static void task_start(void *arg, const struct execution_row *row, const struct flow_identity *who,
                       const struct flow_effect *task)
{
    struct bench_host *h = arg;
    (void)row;
    h->tasks =
        arena_grow(h->tasks_arena, h->tasks, h->task_count, &h->task_capacity, sizeof(*h->tasks));
    h->tasks[h->task_count++] = (struct queued_task){who->key, task->step, task->attempt,
                                                     json_copy(h->tasks_arena, task->payload)};
}

static void task_cancel(void *arg, execution_key key, uint32_t step, uint32_t attempt)
{
    (void)arg;
    (void)key;
    (void)step;
    (void)attempt;
}

static void answer_tasks(struct bench_host *h)
{
    for (size_t i = 0; i < h->task_count; i++) {
        struct engine_task_result r = {.execution = h->tasks[i].execution,
                                       .step = h->tasks[i].step,
                                       .attempt = h->tasks[i].attempt,
                                       .ok = true,
                                       .output = h->tasks[i].output};
        engine_task_result(h->engine, &r);
    }
    h->task_count = h->task_capacity = 0;
    h->tasks = NULL;
    arena_rewind(h->tasks_arena, (struct arena_mark){0});
}

static void followed(void *arg, const struct run *run, const struct execution_row *execution,
                     const struct flow_event *events, size_t count, struct wall_ms at)
{
    struct bench_host *h = arg;
    (void)run;
    (void)events;
    (void)count;
    (void)at;
    if (execution->status != EXECUTION_RUNNING)
        h->ended++;
}

static void replied(void *arg, const struct engine_reply *reply)
{
    struct bench_host *h = arg;
    if (reply->err)
        fatal("start", reply->err->message);
    h->acknowledged++;
}

static struct engine *new_engine(struct bench_host *h)
{
    struct engine_options options = {
        .store = h->store,
        .seed = entropy_u64(),
        .limits = flow_limits_default(),
        .tasks = {.arg = h, .start = task_start, .cancel = task_cancel},
        .runs_live_max = h->advance ? 0 : 4096,
        .advance_all = h->advance,
    };
    struct engine *engine;
    struct err err;
    if (!engine_new(&options, &engine, &err))
        fatal("engine", err.message);
    engine_follow(engine, followed, h);
    return engine;
}

static struct bench_host *open_in(struct bench_host *h)
{
    uint8_t secret[32];
    char path[600];
    struct err err;
    entropy_fill(secret, sizeof(secret));
    snprintf(path, sizeof(path), "%s/pawl.db", h->folder);
    struct sqlite_store_options options = {
        .mode = SQLITE_STORE_READ_WRITE, .secret = secret, .threads = true};
    if (!sqlite_store_open_with(path, &options, &h->store, &err))
        fatal("store", err.message);
    h->tasks_arena = arena_new(0);
    h->engine = new_engine(h);
    return h;
}

static struct bench_host *new_host(void)
{
    struct bench_host *h = calloc(1, sizeof(*h));
    if (!h)
        fatal("host", "out of memory");
    return h;
}

struct bench_host *bench_host_open(const char *name)
{
    struct bench_host *h = new_host();
    const char *base = getenv("PAWL_BENCH_DIR");
    snprintf(h->folder, sizeof(h->folder), "%s/pawl-bench-%s-XXXXXX", base ? base : ".", name);
    if (!mkdtemp(h->folder))
        fatal("folder", h->folder);
    open_in(h);
    return h;
}

struct bench_host *bench_host_reopen(const char *folder, bool advance)
{
    struct bench_host *h = new_host();
    snprintf(h->folder, sizeof(h->folder), "%s", folder);
    h->advance = advance;
    return open_in(h);
}

const char *bench_host_folder(const struct bench_host *h)
{
    return h->folder;
}

struct bench_raw *bench_host_raw(struct bench_host *h)
{
    if (!h->raw)
        h->raw = bench_raw_open(h->folder);
    return h->raw;
}

static const char *const files[] = {"pawl.db", "pawl.db-wal", "pawl.db-shm"};

void bench_host_close(struct bench_host *h, bool keep)
{
    engine_free(h->engine);
    store_close(h->store);
    bench_raw_close(h->raw);
    arena_free(h->tasks_arena);
    for (size_t i = 0; !keep && i < COUNT_OF(files); i++) {
        char path[600];
        snprintf(path, sizeof(path), "%s/%s", h->folder, files[i]);
        unlink(path);
    }
    if (!keep)
        rmdir(h->folder);
    free(h);
}

size_t bench_disk_kib(const struct bench_host *h)
{
    size_t kib = 0;
    for (size_t i = 0; i < 3; i++) {
        char path[600];
        struct stat st;
        snprintf(path, sizeof(path), "%s/%s", h->folder, files[i]);
        if (stat(path, &st) == 0)
            kib += (size_t)st.st_size / 1024;
    }
    return kib;
}

size_t bench_wal_kib(const char *folder)
{
    char path[600];
    struct stat st;
    snprintf(path, sizeof(path), "%s/pawl.db-wal", folder);
    return stat(path, &st) == 0 ? (size_t)st.st_size / 1024 : 0;
}

size_t bench_resident_kib(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    unsigned long total = 0, resident = 0;
    if (!f || fscanf(f, "%lu %lu", &total, &resident) != 2)
        fatal("statm", "cannot be read");
    fclose(f);
    return resident * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

/* ---- running ---- */

static void start_more(struct bench_host *h)
{
    struct engine_start start = {
        .machine_name = STR("bench"),
        .definition = h->load->definition,
        .input = h->load->input,
    };
    while (h->started < h->load->workflows && h->started - h->ended < h->load->in_flight) {
        h->started++;
        engine_start(h->engine, &start, replied, h);
    }
}

static double cpu_s(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

struct bench_result bench_host_run(struct bench_host *h, const struct bench_load *load)
{
    h->load = load;
    h->started = h->acknowledged = h->ended = 0;
    uint64_t begin = clock_mono().ns, last = begin;
    double cpu = cpu_s();
    while (h->ended < load->workflows) {
        size_t ended = h->ended;
        start_more(h);
        answer_tasks(h);
        bool more = engine_step(h->engine, clock_wall(), clock_mono());
        if (!more && h->task_count == 0 && h->ended == ended)
            store_wait(h->store, -1);
        if (load->in_flight == 1 && h->ended > ended) {
            uint64_t now = clock_mono().ns;
            bench_sample(&h->samples, (double)(now - last) / 1000);
            last = now;
        }
    }
    struct bench_result r = {.seconds = (double)(clock_mono().ns - begin) / 1e9,
                             .cpu_s = cpu_s() - cpu};
    r.latency = bench_latency_of(&h->samples);
    return r;
}

double bench_host_park(struct bench_host *h, const struct bench_load *load)
{
    struct engine_start start = {
        .machine_name = STR("bench"), .definition = load->definition, .input = load->input};
    h->load = load;
    h->started = h->acknowledged = h->ended = 0;
    uint64_t begin = clock_mono().ns;
    while (h->acknowledged < load->workflows || !engine_idle(h->engine)) {
        while (h->started < load->workflows && h->started - h->acknowledged < load->in_flight) {
            h->started++;
            engine_start(h->engine, &start, replied, h);
        }
        if (!engine_step(h->engine, clock_wall(), clock_mono()))
            store_wait(h->store, -1);
    }
    return (double)(clock_mono().ns - begin) / 1e9;
}

void bench_host_fill_wal(struct bench_host *h, const struct bench_load *load)
{
    enum {
        STEP = 5000,
        FULL_KIB = (SQLITE_STORE_WAL_SIZE_MAX >> 10) - (8 << 10)
    };
    struct bench_load some = *load;
    char path[600];
    sqlite3 *reader;
    snprintf(path, sizeof(path), "%s/pawl.db", h->folder);
    if (sqlite3_open_v2(path, &reader, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM shard", NULL, NULL, NULL) != SQLITE_OK)
        fatal("reader", sqlite3_errmsg(reader));
    some.workflows = STEP;
    while (bench_wal_kib(h->folder) < FULL_KIB)
        bench_host_park(h, &some);
    sqlite3_close(reader);
}

uint64_t bench_written_bytes(void)
{
    FILE *f = fopen("/proc/self/io", "r");
    char line[128];
    unsigned long long bytes = 0;
    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "write_bytes: %llu", &bytes) == 1)
            break;
    if (f)
        fclose(f);
    return bytes;
}
