#include "bench_raw.h"

#include "os/clock.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct bench_raw {
    char folder[512];
    sqlite3 *db;
    sqlite3_stmt *insert;
    int fd;
};

static void fatal(const char *what, const char *why)
{
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(1);
}

/* ---- samples ---- */

void bench_sample(struct bench_samples *s, double us)
{
    if (s->count == s->capacity) {
        s->capacity = s->capacity ? s->capacity * 2 : 1024;
        s->us = realloc(s->us, s->capacity * sizeof(double));
        if (!s->us)
            fatal("samples", "out of memory");
    }
    s->us[s->count++] = us;
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

struct bench_latency bench_latency_of(struct bench_samples *s)
{
    struct bench_latency l = {0};
    if (s->count) {
        qsort(s->us, s->count, sizeof(double), by_value);
        l.p50_us = s->us[s->count / 2];
        l.p99_us = s->us[s->count * 99 / 100];
    }
    free(s->us);
    *s = (struct bench_samples){0};
    return l;
}

/* ---- the bare disk ---- */

struct bench_raw *bench_raw_open(const char *folder)
{
    char path[600];
    struct bench_raw *r = calloc(1, sizeof(*r));
    if (!r)
        fatal("raw", "out of memory");
    snprintf(r->folder, sizeof(r->folder), "%s", folder);
    snprintf(path, sizeof(path), "%s/raw.db", folder);
    if (sqlite3_open(path, &r->db) != SQLITE_OK ||
        sqlite3_exec(r->db,
                     "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                     "CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, body TEXT)",
                     NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(r->db, "INSERT INTO t (body) VALUES (printf('%.700c','x'))", -1,
                           &r->insert, NULL) != SQLITE_OK)
        fatal("raw", sqlite3_errmsg(r->db));
    snprintf(path, sizeof(path), "%s/raw.log", folder);
    r->fd = open(path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    if (r->fd < 0)
        fatal("raw", path);
    return r;
}

void bench_raw_close(struct bench_raw *r)
{
    static const char *const files[] = {"raw.db", "raw.db-wal", "raw.db-shm", "raw.log"};
    if (!r)
        return;
    sqlite3_finalize(r->insert);
    sqlite3_close(r->db);
    close(r->fd);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char path[600];
        snprintf(path, sizeof(path), "%s/%s", r->folder, files[i]);
        unlink(path);
    }
    free(r);
}

double bench_raw_commit_us(struct bench_raw *r)
{
    uint64_t begin = clock_mono().ns;
    if (sqlite3_step(r->insert) != SQLITE_DONE)
        fatal("raw commit", sqlite3_errmsg(r->db));
    sqlite3_reset(r->insert);
    return (double)(clock_mono().ns - begin) / 1000;
}

double bench_raw_sync_us(struct bench_raw *r)
{
    static const char block[4096];
    uint64_t begin = clock_mono().ns;
    if (write(r->fd, block, sizeof(block)) != sizeof(block) || fdatasync(r->fd) != 0)
        fatal("raw sync", "failed");
    return (double)(clock_mono().ns - begin) / 1000;
}
