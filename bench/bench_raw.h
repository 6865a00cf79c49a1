/* The bare disk to compare with, and samples of how long things took. */
#ifndef PAWL_BENCH_BENCH_RAW_H
#define PAWL_BENCH_BENCH_RAW_H

#include <stddef.h>

struct bench_latency {
    double p50_us, p99_us;
};

struct bench_samples {
    double *us;
    size_t count, capacity;
};
void bench_sample(struct bench_samples *s, double us);
/* Frees the samples. */
struct bench_latency bench_latency_of(struct bench_samples *s);

struct bench_raw;

/* A SQLite file with the store's settings, and a file to append to, in this folder; both
 * go with bench_raw_close. */
struct bench_raw *bench_raw_open(const char *folder);
void bench_raw_close(struct bench_raw *r); /* accepts NULL */

/* How long a durable transaction of one row takes, and an append with fdatasync. */
double bench_raw_commit_us(struct bench_raw *r);
double bench_raw_sync_us(struct bench_raw *r);

#endif
