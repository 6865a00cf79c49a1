/* An engine on a SQLite store in a fresh folder, driven as fast as it goes. */
#ifndef PAWL_BENCH_BENCH_HOST_H
#define PAWL_BENCH_BENCH_HOST_H

#include "engine/engine.h"

struct bench_host;

/* keep: leave the folder behind, and take one that is there. */
struct bench_host *bench_host_open(const char *name, bool keep);
void bench_host_close(struct bench_host *h);

/* Start so many workflows, at most in_flight at once, and wait until all have
 * ended. Tasks answer their payload at once (after the commit that starts them). */
struct bench_load {
    struct str definition, input;
    size_t workflows, in_flight;
};

struct bench_latency {
    double p50_us, p99_us;
};

struct bench_result {
    double seconds;
    struct bench_latency latency; /* from start to end of a workflow */
};

struct bench_result bench_host_run(struct bench_host *h, const struct bench_load *load);

/* A one-row durable transaction in a SQLite file of the same settings beside the
 * store, and an append with fdatasync. */
struct bench_latency bench_raw_commit(struct bench_host *h, int rounds);
struct bench_latency bench_raw_sync(struct bench_host *h, int rounds);

/* Bytes that this process has had written to disk (/proc/self/io). */
uint64_t bench_written_bytes(void);

struct bench_samples {
    double *us;
    size_t count, capacity;
};
void bench_sample(struct bench_samples *s, double us);
/* Frees the samples. */
struct bench_latency bench_latency_of(struct bench_samples *s);

#endif
