/* The engine in this process on the SQLite store, with fsync on.
 *
 *   bench_core [WORKLOAD...]      all but those of --full
 *   bench_core --full             `parked` and `growth` as well
 *
 * Prints one JSON line a workload; docs/performance.md says what each measures.
 * The store lies in a fresh folder below $PAWL_BENCH_DIR, else the current one.
 */
#include "bench_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    CHAIN_WORKFLOWS = 60000,
    CHAIN_IN_FLIGHT = 1024,
    ECHO_WORKFLOWS = 10000,
    ECHO_IN_FLIGHT = 256,
    ECHO_ALONE = 200,
    LATENCY_ROUNDS = 1500,
    MAP_ITEMS = 10000,
    STATES = 10,
};

/* ---- definitions ---- */

static struct str chain(struct arena *a, const char *state)
{
    struct buf b = BUF_INIT(0);
    buf_append(&b, STR("{\"StartAt\":\"S0\",\"States\":{"));
    for (int i = 0; i < STATES; i++) {
        buf_printf(&b, "%s\"S%d\":{%s,", i ? "," : "", i, state);
        if (i + 1 < STATES)
            buf_printf(&b, "\"Next\":\"S%d\"}", i + 1);
        else
            buf_append(&b, STR("\"End\":true}"));
    }
    buf_append(&b, STR("}}"));
    struct str text = arena_str(a, buf_str(&b));
    buf_release(&b);
    return text;
}

#define PASS "\"Type\":\"Pass\""
#define TASK                                                                                       \
    "\"Type\":\"Task\",\"Resource\":\"arn:aws:lambda:us-east-1:000000000000:function:echo\""

static const char one_pass[] =
    "{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Pass\",\"End\":true}}}";

static const char map[] =
    "{\"StartAt\":\"M\",\"States\":{\"M\":{\"Type\":\"Map\",\"MaxConcurrency\":0,\"ItemProcessor\":"
    "{\"StartAt\":\"T\",\"States\":{\"T\":{" TASK ",\"End\":true}}},\"End\":true}}}";

#define INPUT STR("{\"order\":\"A-1047\",\"lines\":[{\"sku\":\"x\",\"n\":2}],\"paid\":true}")

/* ---- workloads ---- */

static void chain10(struct arena *a)
{
    struct bench_host *h = bench_host_open("chain10", false);
    struct bench_load load = {.definition = chain(a, PASS),
                              .input = INPUT,
                              .workflows = CHAIN_WORKFLOWS,
                              .in_flight = CHAIN_IN_FLIGHT};
    struct bench_result r = bench_host_run(h, &load);
    printf("{\"workload\":\"chain10\",\"workflows\":%zu,\"in_flight\":%d,\"seconds\":%.3f,"
           "\"workflows_per_s\":%.0f,\"transitions_per_s\":%.0f}\n",
           load.workflows, CHAIN_IN_FLIGHT, r.seconds, (double)load.workflows / r.seconds,
           (double)load.workflows * STATES / r.seconds);
    bench_host_close(h);
}

static void chain10_echo(struct arena *a)
{
    struct bench_host *h = bench_host_open("chain10-echo", false);
    struct bench_load load = {.definition = chain(a, TASK),
                              .input = INPUT,
                              .workflows = ECHO_WORKFLOWS,
                              .in_flight = ECHO_IN_FLIGHT};
    struct bench_result many = bench_host_run(h, &load);
    load.workflows = ECHO_ALONE;
    load.in_flight = 1;
    struct bench_result alone = bench_host_run(h, &load);
    struct bench_latency commit = bench_raw_commit(h, LATENCY_ROUNDS);
    printf("{\"workload\":\"chain10-echo\",\"workflows\":%d,\"in_flight\":%d,\"steps_per_s\":%.0f,"
           "\"alone_p50_us\":%.0f,\"commit_p50_us\":%.0f,\"alone_p50_in_commits\":%.1f}\n",
           ECHO_WORKFLOWS, ECHO_IN_FLIGHT, (double)ECHO_WORKFLOWS * STATES / many.seconds,
           alone.latency.p50_us, commit.p50_us, alone.latency.p50_us / commit.p50_us);
    bench_host_close(h);
}

/* One workflow of one state at a time, a raw commit and a raw fdatasync in turn
 * with it on the same disk, so that a change of the disk's mood meets all three. */
static void latency(struct arena *a)
{
    (void)a;
    struct bench_host *h = bench_host_open("latency", false);
    struct bench_load load = {
        .definition = STR(one_pass), .input = INPUT, .workflows = 1, .in_flight = 1};
    struct bench_samples mine = {0}, commits = {0}, syncs = {0};
    for (int i = 0; i < LATENCY_ROUNDS; i++) {
        bench_sample(&mine, bench_host_run(h, &load).latency.p50_us);
        bench_sample(&commits, bench_raw_commit(h, 1).p50_us);
        bench_sample(&syncs, bench_raw_sync(h, 1).p50_us);
    }
    struct bench_latency m = bench_latency_of(&mine), c = bench_latency_of(&commits),
                         s = bench_latency_of(&syncs);
    printf("{\"workload\":\"latency\",\"rounds\":%d,\"p50_us\":%.0f,\"p99_us\":%.0f,"
           "\"commit_p50_us\":%.0f,\"commit_p99_us\":%.0f,\"fdatasync_p50_us\":%.0f,"
           "\"fdatasync_p99_us\":%.0f,\"p50_in_commits\":%.2f,\"p99_in_commits\":%.2f}\n",
           LATENCY_ROUNDS, m.p50_us, m.p99_us, c.p50_us, c.p99_us, s.p50_us, s.p99_us,
           m.p50_us / c.p50_us, m.p99_us / c.p99_us);
    bench_host_close(h);
}

static void map10k(struct arena *a)
{
    struct bench_host *h = bench_host_open("map10k", false);
    struct buf items = BUF_INIT(0);
    for (int i = 0; i < MAP_ITEMS; i++)
        buf_printf(&items, "%s{\"item\":%d,\"name\":\"item number %d\"}", i ? "," : "[", i, i);
    buf_append(&items, STR("]"));
    struct bench_load load = {.definition = STR(map),
                              .input = arena_str(a, buf_str(&items)),
                              .workflows = 1,
                              .in_flight = 1};
    buf_release(&items);
    uint64_t before = bench_written_bytes();
    struct bench_result r = bench_host_run(h, &load);
    double written = (double)(bench_written_bytes() - before);
    printf("{\"workload\":\"map10k\",\"items\":%d,\"seconds\":%.2f,\"bytes_per_item\":%.0f}\n",
           MAP_ITEMS, r.seconds, written / MAP_ITEMS);
    bench_host_close(h);
}

static const struct {
    const char *name;
    void (*run)(struct arena *a);
} workloads[] = {
    {"chain10", chain10},
    {"chain10-echo", chain10_echo},
    {"latency", latency},
    {"map10k", map10k},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < COUNT_OF(workloads); i++) {
        bool chosen = argc < 2;
        for (int k = 1; k < argc; k++)
            chosen |= str_eq(str_of_cstr(argv[k]), str_of_cstr(workloads[i].name));
        if (!chosen)
            continue;
        struct arena *a = arena_new(0);
        workloads[i].run(a);
        fflush(stdout);
        arena_free(a);
    }
    return 0;
}
