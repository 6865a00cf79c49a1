/* How the journal should lie in SQLite: what docs/adr/0005-store.md was decided by.
 *
 *   bench_store_layout [LAYOUT...]     default: all; the file lies below $PAWL_BENCH_DIR,
 *                                      else in the current folder
 *
 * Writes turns with 712-byte bodies in transactions of 100, through bare SQL that
 * only looks like the store's, once for each layout and workload:
 *   chains  every execution is one turn
 *   parked  20,000 executions alive, five turns each, advanced in random order
 * Prints one JSON line each: CPU and bytes written do not depend on who else uses
 * the machine, turns a second does.
 */
#include "base/macros.h"
#include "base/rng.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    ROWS = 400000,
    BATCH = 100,
    BODY_SIZE = 712,
    LIVE_MAX = 20000,
};

struct layout {
    const char *name;
    int page_size, checkpoint_mib, cache_mib;
    bool without_rowid; /* the journal is keyed by (execution, turn), no second b-tree */
    bool counts_turns;  /* a column `turns`, updated by each turn; else the journal is asked */
    bool running_index; /* partial index of RUNNING executions */
    bool savepoints;    /* one around each turn */
};

static const struct layout layouts[] = {
    {"as decided", 4096, 16, 32, false, false, true, true},
    {"journal without rowid", 4096, 16, 32, true, false, true, true},
    {"column of turns", 4096, 16, 32, false, true, true, true},
    {"no index of what runs", 4096, 16, 32, false, false, false, true},
    {"no savepoints", 4096, 16, 32, false, false, true, false},
    {"pages of 8 KiB", 8192, 16, 32, false, false, true, true},
    {"pages of 16 KiB", 16384, 16, 32, false, false, true, true},
    {"checkpoints at 4 MiB", 4096, 4, 32, false, false, true, true},
    {"checkpoints at 64 MiB", 4096, 64, 32, false, false, true, true},
    {"a cache of 16 MiB", 4096, 16, 16, false, false, true, true},
    {"a cache of 8 MiB", 4096, 16, 8, false, false, true, true},
    {"a cache of 4 MiB", 4096, 16, 4, false, false, true, true},
};

struct alive {
    int64_t key;
    int turn;
};

struct trial {
    sqlite3 *db;
    sqlite3_stmt *begin, *commit, *savepoint, *release, *start, *ask, *count, *append, *stop;
    struct rng rng;
    int64_t started;
    struct alive alive[LIVE_MAX];
};

static void need(sqlite3 *db, bool fine)
{
    if (!fine)
        panic(__FILE__, __LINE__, sqlite3_errmsg(db));
}

static void run(struct trial *t, const char *sql)
{
    need(t->db, sqlite3_exec(t->db, sql, NULL, NULL, NULL) == SQLITE_OK);
}

static sqlite3_stmt *prepare(struct trial *t, const char *sql)
{
    sqlite3_stmt *statement;
    need(t->db, sqlite3_prepare_v2(t->db, sql, -1, &statement, NULL) == SQLITE_OK);
    return statement;
}

static void step(struct trial *t, sqlite3_stmt *statement)
{
    int rc = sqlite3_step(statement);
    need(t->db, rc == SQLITE_DONE || rc == SQLITE_ROW);
    sqlite3_reset(statement);
}

static void create(struct trial *t, const struct layout *l)
{
    char settings[256];
    snprintf(settings, sizeof(settings),
             "PRAGMA page_size = %d; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;"
             "PRAGMA synchronous = FULL; PRAGMA cache_size = -%d; PRAGMA temp_store = MEMORY;"
             "PRAGMA wal_autocheckpoint = %d",
             l->page_size, l->cache_mib << 10, (l->checkpoint_mib << 20) / l->page_size);
    run(t, settings);
    run(t,
        "CREATE TABLE execution (key INTEGER PRIMARY KEY, org INTEGER, status TEXT, shard INTEGER,"
        " id TEXT, name TEXT, arn TEXT, machine_arn TEXT, machine_name TEXT, definition BLOB,"
        " started_at INTEGER, stopped_at INTEGER, wake_at INTEGER, turns INTEGER) STRICT");
    if (l->running_index)
        run(t, "CREATE INDEX running ON execution (org) WHERE status = 'RUNNING'");
    run(t,
        l->without_rowid
            ? "CREATE TABLE journal (execution INTEGER, turn INTEGER, org INTEGER, at INTEGER,"
              " checksum INTEGER, body TEXT, PRIMARY KEY (execution, turn)) STRICT, WITHOUT ROWID"
            : "CREATE TABLE journal (seq INTEGER PRIMARY KEY, execution INTEGER, turn INTEGER,"
              " org INTEGER, at INTEGER, checksum INTEGER, body TEXT, UNIQUE (execution, turn))"
              " STRICT");
    t->begin = prepare(t, "BEGIN IMMEDIATE");
    t->commit = prepare(t, "COMMIT");
    t->savepoint = prepare(t, "SAVEPOINT one");
    t->release = prepare(t, "RELEASE one");
    t->start = prepare(t, "INSERT INTO execution VALUES (?1, 0, 'RUNNING', ?1 & 255, ?2, NULL, ?3,"
                          " 'arn:aws:states:us-east-1:000000000000:stateMachine:order-fulfilment',"
                          " 'order-fulfilment', zeroblob(32), 1, NULL, NULL, 0)");
    t->ask = prepare(t, "SELECT (SELECT max(turn) FROM journal WHERE execution = ?1)"
                        " FROM execution WHERE key = ?1");
    t->count = prepare(t, "UPDATE execution SET turns = turns + 1 WHERE key = ?1 AND turns = ?2");
    t->append = prepare(t, "INSERT INTO journal (execution, turn, org, at, checksum, body)"
                           " VALUES (?1, ?2, 0, 1, ?3, ?4)");
    t->stop = prepare(t, "UPDATE execution SET status = 'SUCCEEDED', stopped_at = 2"
                         " WHERE key = ?1");
}

static void start(struct trial *t, struct alive *a)
{
    char id[40], arn[160];
    t->started++;
    *a = (struct alive){.key = (1750000000000 + t->started / 20) << 15 | t->started % 20};
    snprintf(id, sizeof(id), "01977420-dc00-7000-8000-%012llx",
             (unsigned long long)rng_next(&t->rng) >> 16);
    snprintf(arn, sizeof(arn),
             "arn:aws:states:us-east-1:000000000000:execution:order-fulfilment:%s", id);
    sqlite3_bind_int64(t->start, 1, a->key);
    sqlite3_bind_text(t->start, 2, id, -1, SQLITE_STATIC);
    sqlite3_bind_text(t->start, 3, arn, -1, SQLITE_STATIC);
    step(t, t->start);
}

static void advance(struct trial *t, const struct layout *l, struct alive *a, int turns)
{
    static const char body[BODY_SIZE]; /* what it says does not matter */
    if (l->savepoints)
        step(t, t->savepoint);
    if (!a->key)
        start(t, a);
    sqlite3_stmt *check = l->counts_turns ? t->count : t->ask;
    sqlite3_bind_int64(check, 1, a->key);
    if (l->counts_turns)
        sqlite3_bind_int(check, 2, a->turn);
    step(t, check);
    sqlite3_bind_int64(t->append, 1, a->key);
    sqlite3_bind_int(t->append, 2, a->turn);
    sqlite3_bind_int64(t->append, 3, (int64_t)rng_next(&t->rng));
    sqlite3_bind_text(t->append, 4, body, BODY_SIZE, SQLITE_STATIC);
    step(t, t->append);
    if (++a->turn == turns) {
        sqlite3_bind_int64(t->stop, 1, a->key);
        step(t, t->stop);
        a->key = 0;
    }
    if (l->savepoints)
        step(t, t->release);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double cpu_seconds(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static double bytes_written(void)
{
    FILE *io = fopen("/proc/self/io", "r");
    char line[128];
    unsigned long long bytes = 0;
    while (io && fgets(line, sizeof(line), io))
        if (sscanf(line, "write_bytes: %llu", &bytes) == 1)
            break;
    if (io)
        fclose(io);
    return (double)bytes;
}

static void remove_store(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char name[4200];
    for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
        snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        unlink(name);
    }
}

static void measure(const char *path, const struct layout *l, bool parked)
{
    remove_store(path);
    struct trial *t = calloc(1, sizeof(*t));
    if (!t)
        panic(__FILE__, __LINE__, "out of memory");
    t->rng = rng_seeded(1);
    need(t->db, sqlite3_open(path, &t->db) == SQLITE_OK);
    create(t, l);
    double wall = seconds(), cpu = cpu_seconds(), written = bytes_written();
    for (int row = 0; row < ROWS; row += BATCH) {
        step(t, t->begin);
        for (int i = 0; i < BATCH; i++)
            advance(t, l, &t->alive[rng_below(&t->rng, LIVE_MAX)], parked ? 5 : 1);
        step(t, t->commit);
    }
    wall = seconds() - wall;
    printf("{\"layout\":\"%s\",\"workload\":\"%s\",\"turns_per_s\":%.0f,\"cpu_us_per_turn\":%.1f,"
           "\"bytes_written_per_turn\":%.0f}\n",
           l->name, parked ? "parked" : "chains", ROWS / wall, (cpu_seconds() - cpu) / ROWS * 1e6,
           (bytes_written() - written) / ROWS);
    fflush(stdout);
    for (sqlite3_stmt *s; (s = sqlite3_next_stmt(t->db, NULL));)
        sqlite3_finalize(s);
    sqlite3_close(t->db);
    free(t);
    remove_store(path);
}

static bool is_chosen(int argc, char **argv, const char *name)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return true;
    return argc == 1;
}

int main(int argc, char **argv)
{
    char path[4096];
    const char *folder = getenv("PAWL_BENCH_DIR");
    snprintf(path, sizeof(path), "%s/bench-store-layout.db", folder ? folder : ".");
    for (size_t i = 0; i < COUNT_OF(layouts); i++)
        for (int parked = 0; is_chosen(argc, argv, layouts[i].name) && parked < 2; parked++)
            measure(path, &layouts[i], parked);
    return 0;
}
