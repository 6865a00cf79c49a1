/* The write-ahead log under full load: its size over time and what commits wait for,
 * alone, beside a reader that holds one transaction after the other for 100 ms, and
 * beside one that never lets go. One JSON line each.
 *
 *   bench_wal [SECONDS]      of each; 5 when it is not given
 */
#include "os/clock.h"
#include "store/sqlite/sqlite_store.h"
#include "store/visibility.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    IN_FLIGHT = 512,
    BODY_SIZE = 712, /* of a chain of ten states */
    SAMPLES_MAX = 1 << 20,
    HOLD_MS = 100,
    SECONDS_DEFAULT = 5,
};

#define NS_PER_S 1000000000.0

static const uint8_t secret[STORE_SECRET_SIZE] = {1};

/* ---- the reader ---- */

struct reader {
    const char *path;
    int hold_ms; /* 0: for ever */
    atomic_bool ends;
    pthread_t thread;
};

static void must(bool fine, const char *what)
{
    if (!fine)
        panic(__FILE__, __LINE__, what);
}

static void rest(const struct reader *r, int ms)
{
    for (int i = 0; !r->ends && (ms == 0 || i < ms); i++)
        sqlite3_sleep(1);
}

static void *read_on(void *arg)
{
    struct reader *r = arg;
    sqlite3 *db;
    must(sqlite3_open_v2(r->path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK, "no reader");
    while (!r->ends) {
        sqlite3_exec(db, "BEGIN; SELECT count(*) FROM meta", NULL, NULL, NULL);
        rest(r, r->hold_ms);
        sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    }
    sqlite3_close(db);
    return NULL;
}

/* ---- the projector ---- */

struct projector {
    const char *path;
    char lists[300];
    atomic_bool ends;
    int64_t behind_max; /* rows */
    pthread_t thread;
};

/* As a host's: everything that is there, then a rest of 50 ms. */
static void *project(void *arg)
{
    struct projector *p = arg;
    struct visibility *v;
    struct visibility_lag lag;
    struct err err;
    must(visibility_open(p->lists, p->path, &v, &err), "no projection");
    while (!p->ends) {
        bool more = true;
        must(visibility_lag(v, &lag, &err), "no lag");
        if (lag.rows > p->behind_max)
            p->behind_max = lag.rows;
        while (more)
            must(visibility_step(v, 0, &more, &err), "no step");
        sqlite3_sleep(50);
    }
    visibility_close(v);
    return NULL;
}

/* ---- the load ---- */

struct flying {
    struct load *load;
    struct store_write writes[2];
    struct store_commit commit;
    uint64_t since_ns;
    char id[UUID_TEXT_LEN];
};

struct load {
    struct store *store;
    uint64_t epochs[SHARD_COUNT];
    char wal[300];
    struct flying flying[IN_FLIGHT];
    uint32_t started;
    size_t committed, in_flight;
    bool ends;
    float *waits_ms;
    double wal_sum, wal_max;
    size_t wal_samples;
};

static void submit(struct flying *f);

static void committed(void *arg, const struct err *err)
{
    struct flying *f = arg;
    struct load *l = f->load;
    must(!err, err ? err->message : "");
    if (l->committed < SAMPLES_MAX)
        l->waits_ms[l->committed] = (float)((double)(clock_mono().ns - f->since_ns) / 1e6);
    l->committed++;
    l->in_flight--;
    if (!l->ends)
        submit(f);
}

static void submit(struct flying *f)
{
    struct load *l = f->load;
    static char body[BODY_SIZE + 1];
    memset(body, 'x', BODY_SIZE);
    uint32_t n = l->started++;
    execution_key key = execution_key_make((struct wall_ms){1750000000000 + n / 1000}, n % 1000);
    struct uuid id = execution_uuid(key, n);
    uuid_format(id, f->id);
    f->writes[0] = (struct store_write){
        .kind = STORE_START,
        .u.start = {.key = key,
                    .id = id,
                    .name = str_of(f->id, UUID_TEXT_LEN),
                    .arn = STR("arn:aws:states:us-east-1:000000000000:execution:m:x"),
                    .machine_arn = STR("arn:aws:states:us-east-1:000000000000:stateMachine:m"),
                    .machine_name = STR("m"),
                    .status = EXECUTION_SUCCEEDED,
                    .started_at = {1750000000000},
                    .stopped_at = {1750000000001}}};
    f->writes[1] = (struct store_write){
        .kind = STORE_APPEND_TURN,
        .u.turn = {.key = key, .at = {1750000000000}, .body = str_of(body, BODY_SIZE)}};
    f->commit = (struct store_commit){.shard = n % SHARD_COUNT,
                                      .epoch = l->epochs[n % SHARD_COUNT],
                                      .writes = f->writes,
                                      .count = 2,
                                      .done = committed,
                                      .arg = f};
    f->since_ns = clock_mono().ns;
    l->in_flight++;
    store_commit(l->store, &f->commit);
}

static void sample_wal(struct load *l)
{
    struct stat about;
    double size = stat(l->wal, &about) == 0 ? (double)about.st_size / (1 << 20) : 0;
    l->wal_sum += size;
    l->wal_samples++;
    if (size > l->wal_max)
        l->wal_max = size;
}

static int by_size(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void drive(struct load *l, double seconds)
{
    uint64_t begun = clock_mono().ns, sampled = 0;
    for (size_t i = 0; i < IN_FLIGHT; i++) {
        l->flying[i].load = l;
        submit(&l->flying[i]);
    }
    while (l->in_flight) {
        store_wait(l->store, -1);
        struct mono_ns now = clock_mono();
        store_step(l->store, now);
        l->ends = (double)(now.ns - begun) > seconds * NS_PER_S;
        if (now.ns - sampled > 10000000) {
            sample_wal(l);
            sampled = now.ns;
        }
    }
}

static void report(struct load *l, const char *name, double seconds)
{
    size_t count = l->committed < SAMPLES_MAX ? l->committed : SAMPLES_MAX;
    qsort(l->waits_ms, count, sizeof(*l->waits_ms), by_size);
    printf("{\"workload\":\"wal-%s\",\"commits_per_s\":%.0f,\"wal_mean_mib\":%.1f,"
           "\"wal_max_mib\":%.1f,\"wait_p50_ms\":%.2f,\"wait_p99_ms\":%.2f,\"wait_max_ms\":%.2f}\n",
           name, (double)l->committed / seconds, l->wal_sum / (double)l->wal_samples, l->wal_max,
           (double)l->waits_ms[count / 2], (double)l->waits_ms[count * 99 / 100],
           (double)l->waits_ms[count - 1]);
    fflush(stdout);
}

static struct load *open_load(const char *folder, const char *path)
{
    struct err err;
    struct load *l = calloc(1, sizeof(*l));
    must(l && (l->waits_ms = calloc(SAMPLES_MAX, sizeof(*l->waits_ms))), "no memory");
    snprintf(l->wal, sizeof(l->wal), "%s/pawl.db-wal", folder);
    struct sqlite_store_options options = {
        .mode = SQLITE_STORE_READ_WRITE, .secret = secret, .threads = true};
    if (!sqlite_store_open_with(path, &options, &l->store, &err) ||
        !store_claim_all(l->store, l->epochs, &err))
        panic(__FILE__, __LINE__, err.message);
    return l;
}

static void close_load(struct load *l, const char *folder, const char *path)
{
    char lists[300];
    store_close(l->store);
    unlink(path);
    snprintf(lists, sizeof(lists), "%s/visibility.db", folder);
    unlink(lists);
    rmdir(folder);
    free(l->waits_ms);
    free(l);
}

static void run(const char *name, double seconds, bool reads, int hold_ms)
{
    char folder[] = "/tmp/pawl-bench-wal-XXXXXX", path[300];
    must(mkdtemp(folder), "no folder");
    snprintf(path, sizeof(path), "%s/pawl.db", folder);
    struct load *l = open_load(folder, path);
    struct reader reader = {.path = path, .hold_ms = hold_ms};
    if (reads)
        must(pthread_create(&reader.thread, NULL, read_on, &reader) == 0, "no thread");
    drive(l, seconds);
    reader.ends = true;
    if (reads)
        pthread_join(reader.thread, NULL);
    report(l, name, seconds);
    close_load(l, folder, path);
}

/* All of it anew; seconds. */
static double rebuild(const struct projector *p)
{
    struct visibility *v;
    struct err err;
    bool more = true;
    unlink(p->lists);
    uint64_t begun = clock_mono().ns;
    must(visibility_open(p->lists, p->path, &v, &err), "no projection");
    while (more)
        must(visibility_step(v, 0, &more, &err), "no step");
    visibility_close(v);
    return (double)(clock_mono().ns - begun) / NS_PER_S;
}

/* The store with a projection behind it, and how far behind that was. */
static void run_projected(double seconds)
{
    char folder[] = "/tmp/pawl-bench-wal-XXXXXX", path[300];
    must(mkdtemp(folder), "no folder");
    snprintf(path, sizeof(path), "%s/pawl.db", folder);
    struct load *l = open_load(folder, path);
    struct projector p = {.path = path};
    snprintf(p.lists, sizeof(p.lists), "%s/visibility.db", folder);
    must(pthread_create(&p.thread, NULL, project, &p) == 0, "no thread");
    drive(l, seconds);
    p.ends = true;
    pthread_join(p.thread, NULL);
    report(l, "projected", seconds);
    printf("{\"workload\":\"projection\",\"lag_max_rows\":%lld,\"lag_max_ms\":%.0f,"
           "\"rebuilt_rows_per_s\":%.0f}\n",
           (long long)p.behind_max, (double)p.behind_max * 1000 * seconds / (double)l->committed,
           (double)l->committed / rebuild(&p));
    close_load(l, folder, path);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? strtod(argv[1], NULL) : SECONDS_DEFAULT;
    run("alone", seconds, false, 0);
    run_projected(seconds);
    run("reader-100ms", seconds, true, HOLD_MS);
    run("reader-for-ever", seconds, true, 0);
    return 0;
}
