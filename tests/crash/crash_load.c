/* The engine under load in a process that is killed at random times, again and again.
 *
 * Each life goes on with what the one before left, starts more, and tells in a file what
 * was acknowledged to it and which tasks were handed out. Between lives the store is
 * looked at: whatever was acknowledged must be there, and a step whose success is in the
 * store must not be handed out in a later life. The last life is not killed: then all have
 * ended, with the right output and each step done once. The totals are printed.
 *
 * PAWL_SEED chooses the moments, PAWL_KILLS how many (40 by default). */
#include "os/clock.h"
#include "store/sqlite/sqlite_store.h"
#include "support/engine_world.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define TASK(next)                                                                                 \
    "{\"Type\":\"Task\",\"Resource\":\"arn:aws:lambda:us-east-1:000000000000:function:"            \
    "echo\"," next "}"

/* Tasks one after the other, a timer that is due at once, and items beside each other. */
static const char definition[] =
    "{\"StartAt\":\"A\",\"States\":{"
    "\"A\":" TASK("\"Next\":\"W\"") ","
                                    "\"W\":{\"Type\":\"Wait\",\"Seconds\":0,\"Next\":\"M\"},"
                                    "\"M\":{\"Type\":\"Map\",\"ItemsPath\":\"$.items\",\"End\":"
                                    "true,\"ItemProcessor\":{\"StartAt\":\"I\",\"States\":{"
                                    "\"I\":" TASK("\"End\":true") "}}}}}";

enum {
    KILLS_DEFAULT = 40,
    KILLS_LONG = 2000,
    IN_FLIGHT = 48,
    STARTS_MAX = 400, /* of one life */
    STEPS = 4,        /* tasks of one execution */
    TASKS_MAX = 4096,
    KILL_WITHIN_US = 30000,
};

static const uint8_t secret[STORE_SECRET_SIZE] = {9};

struct told {
    enum {
        TOLD_STARTED,
        TOLD_RAN
    } what;
    execution_key key;
    uint32_t step;
};

/* ---- the process that is killed ---- */

struct queued {
    execution_key key;
    uint32_t step, attempt;
    struct json payload;
};

struct life {
    int fd;
    struct engine *engine;
    struct arena *arena;
    struct queued tasks[TASKS_MAX];
    size_t task_count, started, acknowledged;
};

static void die(const char *why)
{
    fprintf(stderr, "# %s\n", why);
    _exit(3);
}

static void tell(const struct life *l, struct told told)
{
    if (write(l->fd, &told, sizeof(told)) != (ssize_t)sizeof(told))
        die("cannot tell");
}

static void start_task(void *arg, const struct execution_row *row, const struct flow_identity *who,
                       const struct flow_effect *task)
{
    struct life *l = arg;
    (void)who;
    if (l->task_count == TASKS_MAX)
        die("more tasks at once than the test knows");
    tell(l, (struct told){TOLD_RAN, row->key, task->step});
    l->tasks[l->task_count++] =
        (struct queued){row->key, task->step, task->attempt, json_copy(l->arena, task->payload)};
}

static void cancel_task(void *arg, execution_key key, uint32_t step, uint32_t attempt)
{
    (void)arg, (void)key, (void)step, (void)attempt;
}

static void answer_tasks(struct life *l)
{
    for (size_t i = 0; i < l->task_count; i++) {
        struct engine_task_result r = {.execution = l->tasks[i].key,
                                       .step = l->tasks[i].step,
                                       .attempt = l->tasks[i].attempt,
                                       .ok = true,
                                       .output = l->tasks[i].payload};
        engine_task_result(l->engine, &r);
    }
    l->task_count = 0;
    arena_rewind(l->arena, (struct arena_mark){0});
}

static void replied(void *arg, const struct engine_reply *reply)
{
    struct life *l = arg;
    if (reply->err && reply->err->code == ERR_BUSY) { /* as many as may be: later */
        l->started--;
        return;
    }
    if (reply->err)
        die(reply->err->message);
    l->acknowledged++;
    tell(l, (struct told){TOLD_STARTED, reply->execution->key, 0});
}

static void start_more(struct life *l, size_t starts)
{
    while (l->started < starts && l->started - l->acknowledged < IN_FLIGHT) {
        char name[64] = "";
        if (l->started % 2)
            snprintf(name, sizeof(name), "n-%d-%zu", (int)getpid(), l->started);
        struct engine_start start = {.machine_name = STR("m"),
                                     .definition = STR(definition),
                                     .name = str_of_cstr(name),
                                     .input = STR("{\"items\":[1,2,3]}")};
        l->started++;
        engine_start(l->engine, &start, replied, l);
    }
}

static bool all_parked(const struct life *l)
{
    return engine_idle(l->engine) && engine_stats(l->engine).runs == 0 &&
           engine_stats(l->engine).wakes == 0;
}

/* Until all have ended, or it is killed. */
static void live(const char *folder, uint64_t seed, size_t starts)
{
    char path[128];
    struct store *store = NULL;
    struct err err = {0};
    struct life *l = calloc(1, sizeof(*l));
    if (!l)
        die("no memory");
    struct engine_options options = {
        .seed = seed,
        .limits = flow_limits_default(),
        .tasks = {.arg = l, .start = start_task, .cancel = cancel_task},
        .runs_live_max = 4 * IN_FLIGHT,
        .snapshot_min = 200,
        .advance_all = true};
    struct sqlite_store_options how = {
        .mode = SQLITE_STORE_READ_WRITE, .secret = secret, .threads = true};
    snprintf(path, sizeof(path), "%s/told", folder);
    l->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    l->arena = arena_new(0);
    snprintf(path, sizeof(path), "%s/pawl.db", folder);
    if (l->fd < 0 || !sqlite_store_open_with(path, &how, &store, &err))
        die(err.message);
    options.store = store;
    if (!engine_new(&options, &l->engine, &err))
        die(err.message);
    do {
        start_more(l, starts);
        bool more = engine_step(l->engine, clock_wall(), clock_mono());
        if (engine_dead(l->engine, &err))
            die(err.message);
        bool answered = l->task_count > 0;
        answer_tasks(l);
        if (!more && !answered)
            store_wait(store, 1);
    } while (l->acknowledged < starts || !all_parked(l));
    engine_free(l->engine);
    store_close(store);
    _exit(0);
}

/* ---- the one who kills ---- */

struct known {
    execution_key key;
    bool ended;
    bool finished[64]; /* by step: its success was in the store when last looked at */
};

struct scene {
    char folder[64];
    struct known *known; /* all that was acknowledged, by key */
    size_t count, capacity;
    off_t told_size; /* read so far */
    struct {
        unsigned kills, acknowledged, lost, finished, repeated, ran;
    } totals;
};

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    int64_t number;
    return text && str_to_int64(str_of_cstr(text), &number) ? (uint64_t)number : otherwise;
}

static off_t size_of(const struct scene *s, const char *name)
{
    char path[128];
    struct stat about;
    snprintf(path, sizeof(path), "%s/%s", s->folder, name);
    return stat(path, &about) == 0 ? about.st_size : 0;
}

static struct known *find(struct scene *s, execution_key key)
{
    size_t low = 0, high = s->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (s->known[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->count && s->known[low].key == key ? &s->known[low] : NULL;
}

static int by_key(const void *a, const void *b)
{
    const struct known *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

static void learn(struct scene *s, execution_key key)
{
    if (s->count == s->capacity) {
        s->capacity = s->capacity ? 2 * s->capacity : 1024;
        s->known = realloc(s->known, s->capacity * sizeof(*s->known));
        assert_non_null(s->known);
    }
    s->known[s->count++] = (struct known){.key = key};
    s->totals.acknowledged++;
}

/* What the last life told: tasks first, since they are judged by what was known when it
 * began. */
static void read_told(struct scene *s)
{
    char path[128];
    off_t size = size_of(s, "told") / (off_t)sizeof(struct told) * (off_t)sizeof(struct told);
    size_t count = (size_t)(size - s->told_size) / sizeof(struct told);
    struct told *told = calloc(count + 1, sizeof(*told));
    snprintf(path, sizeof(path), "%s/told", s->folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(told && fd >= 0);
    assert_int_equal(pread(fd, told, count * sizeof(*told), s->told_size),
                     (ssize_t)(count * sizeof(*told)));
    close(fd);
    s->told_size = size;
    for (size_t i = 0; i < count; i++) {
        if (told[i].what != TOLD_RAN)
            continue;
        const struct known *k = find(s, told[i].key);
        s->totals.ran++;
        if (k && (k->ended || k->finished[told[i].step]))
            s->totals.repeated++;
    }
    for (size_t i = 0; i < count; i++)
        if (told[i].what == TOLD_STARTED)
            learn(s, told[i].key);
    free(told);
    qsort(s->known, s->count, sizeof(*s->known), by_key);
}

struct looking {
    struct scene *scene;
    struct known *known;
    unsigned successes;
};

static void note_finished(void *arg, const struct flow_event *event)
{
    struct looking *l = arg;
    if (event->kind != EVENT_LAMBDA_SUCCEEDED)
        return;
    assert_true(event->step < COUNT_OF(l->known->finished));
    l->successes++;
    if (!l->known->finished[event->step])
        l->scene->totals.finished++;
    l->known->finished[event->step] = true;
}

static void look_at(struct scene *s, struct store *store, struct known *k)
{
    struct world w;
    struct looking looking = {s, k, 0};
    if (!world_has(store, k->key)) {
        s->totals.lost++;
        return;
    }
    world_init(&w, store);
    world_history(&w, store, k->key, note_finished, &looking);
    k->ended = world_row(&w, store, k->key).status != EXECUTION_RUNNING;
    if (k->ended) {
        assert_int_equal(looking.successes, STEPS);
        assert_true(str_eq(world_output(&w, store, k->key), STR("[1,2,3]")));
    }
    world_release(&w);
}

static void examine(struct scene *s)
{
    char path[128];
    struct store *store;
    struct err err = {0};
    snprintf(path, sizeof(path), "%s/pawl.db", s->folder);
    if (!sqlite_store_open(path, SQLITE_STORE_READ_WRITE, NULL, &store, &err))
        fail_msg("%s", err.message);
    for (size_t i = 0; i < s->count; i++)
        if (!s->known[i].ended)
            look_at(s, store, &s->known[i]);
    store_close(store);
}

static void nap(uint64_t us)
{
    nanosleep(&(struct timespec){.tv_nsec = (long)us * 1000}, NULL);
}

/* Waits until the life has begun to tell, and then any time. False: it has ended itself. */
static bool play_life(struct scene *s, struct rng *rng, bool kill_it)
{
    int status = 0;
    uint64_t seed = rng_next(rng), after_us = rng_below(rng, KILL_WITHIN_US);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        live(s->folder, seed, kill_it ? STARTS_MAX : 0);
    pid_t gone = 0;
    while (kill_it && size_of(s, "told") == s->told_size && !gone) {
        nap(200);
        gone = waitpid(child, &status, WNOHANG);
    }
    if (kill_it && !gone) {
        nap(after_us);
        kill(child, SIGKILL);
    }
    if (!gone)
        assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return true;
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return false;
}

static void scene_close(struct scene *s)
{
    DIR *folder = opendir(s->folder);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
    rmdir(s->folder);
    free(s->known);
}

static void test_killed_at_random_times_under_load(void **state)
{
    uint64_t seed = number_from("PAWL_SEED", 1);
    uint64_t kills = number_from("PAWL_KILLS", getenv("PAWL_LONG") ? KILLS_LONG : KILLS_DEFAULT);
    struct rng rng = rng_seeded(seed);
    struct scene s = {0};
    (void)state;
    /* Only processes die here, so memory keeps what they wrote as well as a disk. */
    snprintf(s.folder, sizeof(s.folder), "%s/pawl-load-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(s.folder));
    for (bool last = false; !last;) {
        last = s.totals.kills == kills;
        s.totals.kills += play_life(&s, &rng, !last);
        read_told(&s);
        examine(&s);
    }
    printf("# seed %llu: kills=%u, acknowledged starts=%u, lost=%u, tasks handed out=%u, finished "
           "steps=%u, repeated=%u\n",
           (unsigned long long)seed, s.totals.kills, s.totals.acknowledged, s.totals.lost,
           s.totals.ran, s.totals.finished, s.totals.repeated);
    assert_int_equal(s.totals.lost, 0);
    assert_int_equal(s.totals.repeated, 0);
    assert_int_equal(s.totals.finished, STEPS * s.totals.acknowledged);
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_at_random_times_under_load),
    };
    return cmocka_run_group_tests_name("crash_load", tests, NULL, NULL);
}
