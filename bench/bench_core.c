/* The engine in this process on the SQLite store, with fsync on.
 *
 *   ./dev bench core -- [WORKLOAD...]   all but those of --full
 *   ./dev bench core --full             `parked` and `growth` as well; $PAWL_BENCH_ROWS says with
 *                                       how many rows where the full number takes too long
 *
 * Prints one JSON line a workload, each of which has a process of its own.
 * The store lies in a fresh folder below $PAWL_BENCH_DIR, else the current one.
 */
#include "bench_host.h"

#include "os/clock.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CHAIN_WORKFLOWS = 60000,
    CHAIN_IN_FLIGHT = 1024,
    ECHO_WORKFLOWS = 10000,
    ECHO_IN_FLIGHT = 256,
    ECHO_ALONE = 200,
    LATENCY_ROUNDS = 1500,
    MAP_ITEMS = 10000,
    PARKED = 1000000,
    PARK_IN_FLIGHT = 512,
    GROWN = 10000000,
    GROWTH_MEASURED = 100000,
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
    struct bench_host *h = bench_host_open("chain10");
    struct bench_load load = {.definition = chain(a, PASS),
                              .input = INPUT,
                              .workflows = CHAIN_WORKFLOWS,
                              .in_flight = CHAIN_IN_FLIGHT};
    struct bench_result r = bench_host_run(h, &load);
    printf("{\"workload\":\"chain10\",\"workflows\":%zu,\"in_flight\":%d,\"seconds\":%.3f,"
           "\"workflows_per_s\":%.0f,\"transitions_per_s\":%.0f,\"cpu_us\":%.1f}\n",
           load.workflows, CHAIN_IN_FLIGHT, r.seconds, (double)load.workflows / r.seconds,
           (double)load.workflows * STATES / r.seconds, r.cpu_s * 1e6 / (double)load.workflows);
    bench_host_close(h, false);
}

static void chain10_echo(struct arena *a)
{
    struct bench_host *h = bench_host_open("chain10-echo");
    struct bench_load load = {.definition = chain(a, TASK),
                              .input = INPUT,
                              .workflows = ECHO_WORKFLOWS,
                              .in_flight = ECHO_IN_FLIGHT};
    struct bench_result many = bench_host_run(h, &load);
    load.workflows = ECHO_ALONE;
    load.in_flight = 1;
    struct bench_result alone = bench_host_run(h, &load);
    struct bench_samples commits = {0};
    for (int i = 0; i < LATENCY_ROUNDS; i++)
        bench_sample(&commits, bench_raw_commit_us(bench_host_raw(h)));
    struct bench_latency commit = bench_latency_of(&commits);
    printf("{\"workload\":\"chain10-echo\",\"workflows\":%d,\"in_flight\":%d,\"steps_per_s\":%.0f,"
           "\"alone_p50_us\":%.0f,\"commit_p50_us\":%.0f,\"alone_p50_in_commits\":%.1f}\n",
           ECHO_WORKFLOWS, ECHO_IN_FLIGHT, (double)ECHO_WORKFLOWS * STATES / many.seconds,
           alone.latency.p50_us, commit.p50_us, alone.latency.p50_us / commit.p50_us);
    bench_host_close(h, false);
}

/* One workflow of one state at a time, a raw commit and a raw fdatasync in turn
 * with it on the same disk, so that a change of the disk's mood meets all three. */
static void latency(struct arena *a)
{
    (void)a;
    struct bench_host *h = bench_host_open("latency");
    struct bench_load load = {
        .definition = STR(one_pass), .input = INPUT, .workflows = 1, .in_flight = 1};
    struct bench_samples mine = {0}, commits = {0}, syncs = {0};
    for (int i = 0; i < LATENCY_ROUNDS; i++) {
        bench_sample(&mine, bench_host_run(h, &load).latency.p50_us);
        bench_sample(&commits, bench_raw_commit_us(bench_host_raw(h)));
        bench_sample(&syncs, bench_raw_sync_us(bench_host_raw(h)));
    }
    struct bench_latency m = bench_latency_of(&mine), c = bench_latency_of(&commits),
                         s = bench_latency_of(&syncs);
    printf("{\"workload\":\"latency\",\"rounds\":%d,\"p50_us\":%.0f,\"p99_us\":%.0f,"
           "\"commit_p50_us\":%.0f,\"commit_p99_us\":%.0f,\"fdatasync_p50_us\":%.0f,"
           "\"fdatasync_p99_us\":%.0f,\"p50_in_commits\":%.2f,\"p99_in_commits\":%.2f}\n",
           LATENCY_ROUNDS, m.p50_us, m.p99_us, c.p50_us, c.p99_us, s.p50_us, s.p99_us,
           m.p50_us / c.p50_us, m.p99_us / c.p99_us);
    bench_host_close(h, false);
}

static void map10k(struct arena *a)
{
    struct bench_host *h = bench_host_open("map10k");
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
    bench_host_close(h, false);
}

/* ---- --full ---- */

static const char waiting[] =
    "{\"StartAt\":\"W\",\"States\":{\"W\":{\"Type\":\"Wait\",\"Seconds\":8640000,\"End\":true}}}";

/* Rows of the large workloads: $PAWL_BENCH_ROWS where the full number is too many. */
static size_t rows(size_t otherwise)
{
    const char *text = getenv("PAWL_BENCH_ROWS");
    int64_t number;
    return text && str_to_int64(str_of_cstr(text), &number) && number > 0 ? (size_t)number
                                                                          : otherwise;
}

static double seconds_now(void)
{
    return (double)clock_mono().ns / 1e9;
}

/* Opens the store and the engine, and starts one: until it is acknowledged. */
static double restart_ms(const char *folder)
{
    struct bench_load one = {
        .definition = STR(one_pass), .input = INPUT, .workflows = 1, .in_flight = 1};
    double begin = seconds_now();
    struct bench_host *h = bench_host_reopen(folder, true);
    bench_host_run(h, &one);
    double taken = (seconds_now() - begin) * 1000;
    bench_host_close(h, true);
    return taken;
}

/* Another process parks more until the WAL is as large as it may become, and is killed. */
static void fill_wal_and_die(const char *folder, const struct bench_load *load)
{
    int status;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        bench_host_fill_wal(bench_host_reopen(folder, true), load);
        kill(getpid(), SIGKILL);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFSIGNALED(status)) {
        fprintf(stderr, "bench: the process that was to die did not\n");
        exit(1);
    }
}

static void parked(struct arena *a)
{
    struct bench_load load = {.definition = STR(waiting),
                              .input = INPUT,
                              .workflows = rows(PARKED),
                              .in_flight = PARK_IN_FLIGHT};
    struct bench_host *h = bench_host_open("parked");
    char *folder = arena_cstr(a, str_of_cstr(bench_host_folder(h)));
    bench_host_close(h, true);
    h = bench_host_reopen(folder, true);
    size_t idle = bench_resident_kib();
    double seconds = bench_host_park(h, &load);
    size_t resident = bench_resident_kib(), disk = bench_disk_kib(h);
    bench_host_close(h, true);
    double clean = restart_ms(folder);
    fill_wal_and_die(folder, &load);
    size_t wal = bench_wal_kib(folder);
    double killed = restart_ms(folder);
    printf("{\"workload\":\"parked\",\"executions\":%zu,\"starts_per_s\":%.0f,"
           "\"idle_mib\":%.1f,\"resident_mib\":%.1f,\"more_mib\":%.1f,"
           "\"disk_bytes_per_execution\":%.0f,\"restart_clean_ms\":%.0f,"
           "\"killed_wal_mib\":%.0f,\"restart_killed_ms\":%.0f}\n",
           load.workflows, (double)load.workflows / seconds, (double)idle / 1024,
           (double)resident / 1024, ((double)resident - (double)idle) / 1024,
           (double)disk * 1024 / (double)load.workflows, clean, (double)wal / 1024, killed);
    bench_host_close(bench_host_reopen(folder, false), false);
}

static void growth(struct arena *a)
{
    (void)a;
    struct bench_host *h = bench_host_open("growth");
    size_t stored = rows(GROWN);
    struct bench_load load = {.definition = STR(one_pass),
                              .input = INPUT,
                              .workflows = GROWTH_MEASURED,
                              .in_flight = CHAIN_IN_FLIGHT};
    bench_host_run(h, &load); /* warm */
    struct bench_result empty = bench_host_run(h, &load);
    load.workflows = stored;
    struct bench_result filling = bench_host_run(h, &load);
    load.workflows = GROWTH_MEASURED;
    struct bench_result grown = bench_host_run(h, &load);
    printf("{\"workload\":\"growth\",\"stored\":%zu,\"starts_per_s_empty\":%.0f,"
           "\"starts_per_s_filling\":%.0f,\"starts_per_s_grown\":%.0f,\"grown_to_empty\":%.2f,"
           "\"cpu_us_empty\":%.1f,\"cpu_us_grown\":%.1f}\n",
           stored, GROWTH_MEASURED / empty.seconds, (double)stored / filling.seconds,
           GROWTH_MEASURED / grown.seconds, empty.seconds / grown.seconds,
           empty.cpu_s * 1e6 / GROWTH_MEASURED, grown.cpu_s * 1e6 / GROWTH_MEASURED);
    bench_host_close(h, false);
}

static const struct {
    const char *name;
    void (*run)(struct arena *a);
    bool only_full;
} workloads[] = {
    {"chain10", chain10, false}, {"chain10-echo", chain10_echo, false},
    {"latency", latency, false}, {"map10k", map10k, false},
    {"parked", parked, true},    {"growth", growth, true},
};

static bool is_flag(const char *arg, const char *flag)
{
    return str_eq(str_of_cstr(arg), str_of_cstr(flag));
}

static void usage(void)
{
    fprintf(stderr, "usage: bench_core [--full] [WORKLOAD...], with a WORKLOAD of");
    for (size_t i = 0; i < COUNT_OF(workloads); i++)
        fprintf(stderr, " %s", workloads[i].name);
    fprintf(stderr, "\n");
    exit(2);
}

static void check(const char *arg)
{
    bool known = is_flag(arg, "--full");
    for (size_t i = 0; i < COUNT_OF(workloads); i++)
        known |= is_flag(arg, workloads[i].name);
    if (!known)
        usage();
}

static bool is_chosen(int argc, char **argv, size_t workload)
{
    bool full = false, named = false, this_one = false;
    for (int i = 1; i < argc; i++) {
        full |= is_flag(argv[i], "--full");
        named |= !str_starts_with(str_of_cstr(argv[i]), STR("--"));
        this_one |= is_flag(argv[i], workloads[workload].name);
    }
    return named ? this_one : full || !workloads[workload].only_full;
}

/* Each in a process of its own, so that none is measured with what another left in memory. */
static bool run_alone(void (*workload)(struct arena *a))
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        struct arena *a = arena_new(0);
        workload(a);
        arena_free(a);
        exit(0);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

int main(int argc, char **argv)
{
    bool fine = true;
    for (int i = 1; i < argc; i++)
        check(argv[i]);
    for (size_t i = 0; i < COUNT_OF(workloads); i++)
        if (is_chosen(argc, argv, i))
            fine &= run_alone(workloads[i].run);
    return fine ? 0 : 1;
}
