/* Very many executions that wait, each for a time of its own, on a real store, through a
 * restart in the middle: every one goes on once and in its time, and while they wait they
 * take disk and not memory. Time is virtual. In the long tests they are a million and all go
 * on, else a fifth of that, of which a tenth goes on. */
#include "engine/engine.h"
#include "store/sqlite/sqlite_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifdef SANITIZED
#define TIMERS 20000
#define RESIDENT_MORE_KIB SIZE_MAX /* a sanitizer keeps what was freed */
#else
#define TIMERS 1000000 /* in the long tests */
#define RESIDENT_MORE_KIB ((size_t)48 << 10)
#endif

enum {
    IN_FLIGHT = 512,
    SPREAD_S = 10000,
    LATE_MS = 1000,
};

static const int64_t begins_ms = 1700000000000;
static const uint8_t secret[STORE_SECRET_SIZE] = {3};
static const char definition[] = "{\"StartAt\":\"W\",\"States\":{\"W\":{\"Type\":\"Wait\","
                                 "\"SecondsPath\":\"$.s\",\"End\":true}}}";

struct scene {
    char folder[64], path[96];
    struct store *store;
    struct engine *engine;
    int64_t now_ms;
    size_t timers, started, acknowledged, ended, runs_most, wakes_most, resident;
    int64_t lateness_most;
};

static size_t resident_kib(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    unsigned long total, resident = 0;
    assert_true(f && fscanf(f, "%lu %lu", &total, &resident) == 2);
    fclose(f);
    return resident * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

static void start_task(void *arg, const struct execution_row *row, const struct flow_identity *who,
                       const struct flow_effect *task)
{
    (void)arg, (void)row, (void)who, (void)task;
    fail_msg("there are no tasks here");
}

static void cancel_task(void *arg, execution_key key, uint32_t step, uint32_t attempt)
{
    (void)arg, (void)key, (void)step, (void)attempt;
}

static void replied(void *arg, const struct engine_reply *reply)
{
    struct scene *s = arg;
    if (reply->err)
        fail_msg("%s", reply->err->message);
    s->acknowledged++;
}

static void followed(void *arg, const struct run *run, const struct execution_row *execution,
                     const struct flow_event *events, size_t count, struct wall_ms at)
{
    struct scene *s = arg;
    int64_t due;
    (void)events, (void)count;
    if (execution->status != EXECUTION_SUCCEEDED)
        return;
    assert_true(json_to_int64(json_get(run_output(run), STR("s")), &due));
    due = execution->started_at.ms + due * 1000;
    int64_t late = at.ms - due;
    assert_true(late >= 0);
    if (late > s->lateness_most)
        s->lateness_most = late;
    s->ended++;
}

static void begin(struct scene *s)
{
    struct err err = {0};
    if (!sqlite_store_open(s->path, SQLITE_STORE_READ_WRITE, secret, &s->store, &err))
        fail_msg("%s", err.message);
    struct engine_options options = {.store = s->store,
                                     .seed = 1,
                                     .limits = flow_limits_default(),
                                     .tasks = {.start = start_task, .cancel = cancel_task},
                                     .advance_all = true};
    if (!engine_new(&options, &s->engine, &err))
        fail_msg("%s", err.message);
    engine_follow(s->engine, followed, s);
}

static void end(struct scene *s)
{
    engine_free(s->engine);
    store_close(s->store);
}

static bool step(struct scene *s)
{
    struct err why;
    bool more = engine_step(s->engine, (struct wall_ms){s->now_ms},
                            (struct mono_ns){(uint64_t)s->now_ms * 1000000});
    if (engine_dead(s->engine, &why))
        fail_msg("%s", why.message);
    struct engine_stats stats = engine_stats(s->engine);
    s->runs_most = stats.runs > s->runs_most ? stats.runs : s->runs_most;
    s->wakes_most = stats.wakes > s->wakes_most ? stats.wakes : s->wakes_most;
    return more;
}

/* 7919 is a prime, so that the times come in no order. */
static size_t seconds_of(size_t timer)
{
    return SPREAD_S + timer * 7919 % SPREAD_S;
}

static size_t due_by(const struct scene *s)
{
    size_t due = 0;
    for (size_t timer = 0; timer < s->timers; timer++)
        due += begins_ms + (int64_t)seconds_of(timer) * 1000 <= s->now_ms;
    return due;
}

static void start_one(struct scene *s)
{
    char input[32];
    snprintf(input, sizeof(input), "{\"s\":%zu}", seconds_of(s->started));
    struct engine_start start = {
        .machine_name = STR("m"), .definition = STR(definition), .input = str_of_cstr(input)};
    s->started++;
    engine_start(s->engine, &start, replied, s);
}

static void park_all(struct scene *s)
{
    while (s->acknowledged < s->timers || !engine_idle(s->engine)) {
        while (s->started < s->timers && s->started - s->acknowledged < IN_FLIGHT)
            start_one(s);
        step(s);
    }
}

/* Until so many at least have ended; the clock jumps to the next wake. */
static void pass_until(struct scene *s, size_t ended)
{
    while (s->ended < ended) {
        if (step(s) || s->ended >= ended)
            continue;
        struct wall_ms wake = engine_wake(s->engine);
        assert_true(wake.ms > 0);
        if (wake.ms > s->now_ms)
            s->now_ms = wake.ms;
    }
    while (step(s))
        ;
    assert_int_equal(s->ended, due_by(s)); /* none is forgotten, none early */
}

/* Nothing dies here, so memory will do for a disk where there is enough. */
static const char *where(void)
{
    const uint64_t enough = (uint64_t)4 << 30;
    struct statvfs shm;
    const char *otherwise = getenv("TMPDIR");
    if (statvfs("/dev/shm", &shm) == 0 && (uint64_t)shm.f_bavail * shm.f_frsize >= enough)
        return "/dev/shm";
    return otherwise ? otherwise : "/tmp";
}

static void very_many_timers(void **state)
{
    static const char *const files[] = {"", "-wal", "-shm"};
    bool is_long = getenv("PAWL_LONG") != NULL;
    struct scene s = {.now_ms = begins_ms, .timers = is_long ? TIMERS : TIMERS / 5};
    size_t fire = is_long ? s.timers : s.timers / 10;
    (void)state;
    snprintf(s.folder, sizeof(s.folder), "%s/pawl-timers-XXXXXX", where());
    assert_non_null(mkdtemp(s.folder));
    snprintf(s.path, sizeof(s.path), "%s/pawl.db", s.folder);
    begin(&s);
    size_t idle = resident_kib();
    park_all(&s);
    size_t waiting = resident_kib();
    assert_int_equal(s.ended, 0);
    pass_until(&s, fire / 3);
    end(&s);
    begin(&s);
    pass_until(&s, fire);
    end(&s);
    printf("# timers=%zu, fired=%zu, at most %lld ms late; at once in memory: runs=%zu, wakes=%zu; "
           "resident while all wait: %zu KiB more\n",
           s.timers, s.ended, (long long)s.lateness_most, s.runs_most, s.wakes_most,
           waiting > idle ? waiting - idle : 0);
    assert_true(s.lateness_most < LATE_MS);
    assert_true(s.runs_most <= ENGINE_RUNS_LIVE_MAX);
    assert_true(waiting <= idle || waiting - idle < RESIDENT_MORE_KIB);
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        char path[128];
        snprintf(path, sizeof(path), "%s%s", s.path, files[i]);
        unlink(path);
    }
    rmdir(s.folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(very_many_timers),
    };
    return cmocka_run_group_tests_name("timers", tests, NULL, NULL);
}
