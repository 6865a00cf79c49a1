/* An engine on a SQLite store in a fresh folder, driven as fast as it goes. */
#ifndef PAWL_BENCH_BENCH_HOST_H
#define PAWL_BENCH_BENCH_HOST_H

#include "bench_raw.h"
#include "engine/engine.h"

struct bench_host;

/* In a fresh folder. */
struct bench_host *bench_host_open(const char *name);
/* The store of another process's host, which may still be writing its last words;
 * advance: all that is RUNNING goes on. */
struct bench_host *bench_host_reopen(const char *folder, bool advance);
/* keep: leave the folder behind. */
void bench_host_close(struct bench_host *h, bool keep);
const char *bench_host_folder(const struct bench_host *h);

/* Start so many workflows, at most in_flight at once, and wait until all have
 * ended. Tasks answer their payload at once (after the commit that starts them). */
struct bench_load {
    struct str definition, input;
    size_t workflows, in_flight;
};

struct bench_result {
    double seconds;
    double cpu_s; /* user and system, of all threads: does not depend on who else is there */
    struct bench_latency latency; /* from start to end of a workflow */
};

struct bench_result bench_host_run(struct bench_host *h, const struct bench_load *load);

/* Start so many, and wait only until all are acknowledged and nothing is to be done. */
double bench_host_park(struct bench_host *h, const struct bench_load *load);

/* The same again and again, beside a reader that keeps the WAL from being moved into the
 * file, until the WAL is as large as the store lets it become. */
void bench_host_fill_wal(struct bench_host *h, const struct bench_load *load);

/* Resident memory of this process, and what the store's files take, in KiB. */
size_t bench_resident_kib(void);
size_t bench_disk_kib(const struct bench_host *h);
size_t bench_wal_kib(const char *folder);

/* Files beside the store's; the host's own. */
struct bench_raw *bench_host_raw(struct bench_host *h);

/* Bytes that this process has had written to disk (/proc/self/io). */
uint64_t bench_written_bytes(void);

#endif
