/* The engine on a real store in a process that is killed, at every moment that
 * matters, and started again.
 *
 * Whatever was acknowledged exists; a step whose success is in the store does not
 * run again; and the executions end as if nothing had happened. Of nested executions none
 * is started twice, and no parent waits in vain. The totals are printed.
 */
#include "dying_store.h"
#include "store/sqlite/sqlite_store.h"
#include "support/engine_world.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define TASK(function, rest)                                                                       \
    "{\"Type\":\"Task\",\"Resource\":\"arn:aws:lambda:us-east-1:000000000000:function:" function   \
    "\"," rest "}"

/* Two branches, one retried and one with a timer, then items two at a time. */
static const char definition[] =
    "{\"StartAt\":\"Both\",\"States\":{"
    "\"Both\":{\"Type\":\"Parallel\",\"Next\":\"Each\",\"Branches\":["
    "{\"StartAt\":\"A\",\"States\":{\"A\":" TASK(
        "echo", "\"Next\":\"A2\"") ","
                                   "\"A2\":{\"Type\":\"Wait\",\"Seconds\":3,\"End\":true}}},"
                                   "{\"StartAt\":\"B\",\"States\":{\"B\":" TASK(
                                       "flaky",
                                       "\"Retry\":[{\"ErrorEquals\":[\"States.ALL\"]}],\"End\":"
                                       "true") "}}]},"
                                               "\"Each\":{\"Type\":\"Map\",\"ItemsPath\":\"$[0]."
                                               "items\",\"MaxConcurrency\":2,\"End\":true,"
                                               "\"ItemProcessor\":{\"StartAt\":\"I\",\"States\":{"
                                               "\"I\":" TASK("echo", "\"End\":true") "}}}}}";

/* The machine that is started by tasks: a task and a timer. */
static const char kid[] =
    "{\"StartAt\":\"T\",\"States\":{\"T\":" TASK("echo", "\"Next\":\"W\"") ",\"W\":{\"Type\":"
                                                                           "\"Wait\",\"Seconds\":"
                                                                           "1,\"End\":true}}}";

#define NESTED(way, rest)                                                                          \
    "{\"Type\":\"Task\",\"Resource\":\"arn:aws:states:::states:startExecution" way                 \
    "\",\"Parameters\":{\"StateMachineArn\":\"arn:aws:states:us-east-1:000000000000:"              \
    "stateMachine:kid\",\"Input.$\":\"$\"}," rest "}"

/* One is waited for an item, and one for nothing. */
static const char nesting[] =
    "{\"StartAt\":\"Both\",\"States\":{\"Both\":{\"Type\":\"Parallel\",\"End\":true,"
    "\"OutputPath\":\"$[0]\",\"Branches\":["
    "{\"StartAt\":\"Each\",\"States\":{\"Each\":{\"Type\":\"Map\",\"ItemsPath\":\"$.items\","
    "\"End\":true,\"ItemProcessor\":{\"StartAt\":\"K\",\"States\":{\"K\":" NESTED(
        ".sync:2",
        "\"ResultSelector\":{\"o.$\":\"$.Output\"},\"OutputPath\":\"$.o\",\"End\":"
        "true") "}}}}},"
                "{\"StartAt\":\"L\",\"States\":{\"L\":" NESTED("", "\"End\":true") "}}]}}}";

static const char *const names[] = {"first", "second"};
static const char *const inputs[] = {"{\"items\":[1,2,3]}", "{\"items\":[true]}"};
static const char *const outputs[] = {"[1,2,3]", "[true]"};

enum {
    NAMES = COUNT_OF(names),
    TOLD_MAX = 4096,
};

static const struct workload {
    const char *definition;
    size_t kids[NAMES]; /* executions started by tasks */
} plain = {definition, {0, 0}}, nested = {nesting, {4, 2}};

static const uint8_t secret[STORE_SECRET_SIZE] = {9};

/* What a process tells before it dies, as fixed-size lines of a file. */
struct told {
    enum {
        TOLD_STARTED,
        TOLD_RAN,
        TOLD_MOMENTS
    } what;
    execution_key key;
    uint32_t step, attempt;
    uint64_t moments;
};

struct totals {
    unsigned kills, acknowledged, lost, finished, repeated, kids;
};

struct scene {
    const struct workload *work;
    char folder[64];
    struct told told[TOLD_MAX];
    size_t told_count;
    struct totals *totals;
};

static void path_in(const struct scene *s, const char *name, char to[static 128])
{
    snprintf(to, 128, "%s/%s", s->folder, name);
}

static void scene_open(struct scene *s)
{
    /* Only processes die here, so memory keeps what they wrote as well as a disk. */
    const char *parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(s->folder, sizeof(s->folder), "%s/pawl-crash-XXXXXX", parent);
    assert_non_null(mkdtemp(s->folder));
    s->told_count = 0;
}

static void scene_close(const struct scene *s)
{
    DIR *folder = opendir(s->folder);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
    rmdir(s->folder);
}

/* ---- in the process that dies ---- */

static void tell(int fd, struct told told)
{
    if (write(fd, &told, sizeof(told)) != (ssize_t)sizeof(told))
        abort();
}

static void handed(void *arg, const struct world_task *task)
{
    struct told told = {
        .what = TOLD_RAN, .key = task->key, .step = task->step, .attempt = task->attempt};
    tell(*(int *)arg, told);
}

static void replied(void *arg, const struct engine_reply *reply)
{
    int fd = *(int *)arg;
    if (!reply->err) {
        struct told told = {.what = TOLD_STARTED, .key = reply->execution->key};
        tell(fd, told);
    } else if (reply->err->code != ERR_CONFLICT) { /* it has ended meanwhile */
        fprintf(stderr, "%s\n", reply->err->message);
        abort();
    }
}

/* Whoever made the machine that is nested did so before. */
static void put_kid(struct store *store)
{
    struct store_write writes[2] = {{.kind = STORE_PUT_DEFINITION}, {.kind = STORE_PUT_MACHINE}};
    uint64_t epoch;
    if (!store_claim(store, 0, &epoch, NULL))
        abort();
    writes[0].u.definition.text = STR(kid);
    sha256(STR(kid), writes[0].u.definition.hash);
    writes[1].u.machine = (struct machine_row){
        .name = STR("kid"),
        .arn = STR("arn:aws:states:us-east-1:000000000000:stateMachine:kid"),
        .created_at = {1},
        .updated_at = {1},
    };
    sha256(STR(kid), writes[1].u.machine.definition);
    world_commit(store, 0, epoch, writes, 2);
}

static void live_and_die(const struct scene *s, uint64_t moment)
{
    char path[128];
    struct store *inner;
    struct err err = {0};
    struct world w;
    uint64_t moments = 0;
    path_in(s, "told", path);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    path_in(s, "pawl.db", path);
    if (fd < 0 || !sqlite_store_open(path, SQLITE_STORE_READ_WRITE, secret, &inner, &err)) {
        fprintf(stderr, "%s\n", err.message);
        abort();
    }
    put_kid(inner);
    world_init(&w, dying_store_new(inner, moment, &moments));
    w.options.seed = (uint64_t)getpid();
    w.handed = handed;
    w.handed_arg = &fd;
    world_open(&w);
    for (size_t i = 0; i < NAMES; i++) {
        struct engine_start start = {.machine_name = STR("m"),
                                     .definition = str_of_cstr(s->work->definition),
                                     .name = str_of_cstr(names[i]),
                                     .input = str_of_cstr(inputs[i])};
        engine_start(w.engine, &start, replied, &fd);
    }
    world_settle(&w);
    if (engine_dead(w.engine, &err)) {
        fprintf(stderr, "%s\n", err.message);
        abort();
    }
    tell(fd, (struct told){.what = TOLD_MOMENTS, .moments = moments});
    world_release(&w);
    store_close(w.store);
    close(fd);
}

/* True: it lived to the end. */
static bool run_process(const struct scene *s, uint64_t moment)
{
    int status;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        live_and_die(s, moment);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
    return false;
}

/* ---- afterwards ---- */

static void read_told(struct scene *s)
{
    char path[128];
    path_in(s, "told", path);
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return; /* it died before it could tell anything */
    ssize_t size = read(fd, s->told, sizeof(s->told));
    close(fd);
    assert_true(size >= 0 && (size_t)size < sizeof(s->told));
    s->told_count = (size_t)size / sizeof(s->told[0]);
}

/* The store as the dead process left it; NULL: there is none yet. */
static struct store *open_left(const struct scene *s)
{
    char path[128];
    struct store *store;
    struct err err = {0};
    path_in(s, "pawl.db", path);
    if (access(path, F_OK) != 0)
        return NULL;
    if (!sqlite_store_open(path, SQLITE_STORE_READ_WRITE, NULL, &store, &err))
        fail_msg("%s", err.message);
    return store;
}

/* Steps of one execution whose success is in the store. */
struct finished {
    execution_key key;
    struct {
        execution_key key;
        uint32_t step;
    } items[256];
    size_t count;
};

static void note_finished(void *arg, const struct flow_event *event)
{
    struct finished *f = arg;
    if (event->kind != EVENT_LAMBDA_SUCCEEDED)
        return;
    assert_true(f->count < COUNT_OF(f->items));
    f->items[f->count].key = f->key;
    f->items[f->count++].step = event->step;
}

/* The executions that tasks of this one started. */
static struct store_read list_all(struct world *w, struct store *store)
{
    struct store_read read = {.kind = STORE_LIST_EXECUTIONS,
                              .status = STORE_ANY_STATUS,
                              .shard = STORE_ANY_SHARD,
                              .arena = w->arena};
    world_read(store, &read);
    return read;
}

static void examine_kids(struct world *w, struct store *store, struct finished *finished)
{
    struct store_read all = list_all(w, store);
    for (size_t i = 0; i < all.count; i++) {
        finished->key = all.executions[i].key;
        if (all.executions[i].parent)
            world_history(w, store, finished->key, note_finished, finished);
    }
}

/* Every acknowledged start exists; *ret_finished gets what must not run again. */
static void examine(const struct scene *s, struct finished *ret_finished)
{
    struct world w;
    struct store *store = open_left(s);
    ret_finished->count = 0;
    if (!store)
        return;
    world_init(&w, store);
    for (size_t i = 0; i < s->told_count; i++) {
        if (s->told[i].what != TOLD_STARTED)
            continue;
        ret_finished->key = s->told[i].key;
        s->totals->acknowledged++;
        if (!world_has(store, s->told[i].key)) {
            s->totals->lost++;
            continue;
        }
        world_history(&w, store, s->told[i].key, note_finished, ret_finished);
    }
    examine_kids(&w, store, ret_finished);
    s->totals->finished += (unsigned)ret_finished->count;
    world_release(&w);
    store_close(store);
}

static void count_repeated(const struct scene *s, size_t from, const struct finished *f)
{
    for (size_t i = from; i < s->told_count; i++)
        for (size_t j = 0; s->told[i].what == TOLD_RAN && j < f->count; j++)
            s->totals->repeated +=
                s->told[i].key == f->items[j].key && s->told[i].step == f->items[j].step;
}

static void check_kids(const struct scene *s, const struct store_read *all,
                       const struct execution_row *parent, size_t due)
{
    size_t count = 0;
    for (size_t i = 0; i < all->count; i++) {
        if (all->executions[i].parent != parent->key)
            continue;
        assert_int_equal(all->executions[i].status, EXECUTION_SUCCEEDED);
        count++;
    }
    assert_int_equal(count, due);
    if (s->totals)
        s->totals->kids += (unsigned)count;
}

static void check_ends(const struct scene *s)
{
    struct world w;
    struct store *store = open_left(s);
    world_init(&w, store);
    struct store_read all = list_all(&w, store);
    for (size_t i = 0; i < NAMES; i++) {
        struct world_rows rows = world_named(&w, store, names[i]);
        assert_int_equal(rows.count, 1);
        assert_int_equal(rows.items[0].status, EXECUTION_SUCCEEDED);
        assert_true(str_eq(world_output(&w, store, rows.items[0].key), str_of_cstr(outputs[i])));
        check_kids(s, &all, &rows.items[0], s->work->kids[i]);
    }
    world_release(&w);
    store_close(store);
}

/* Dies at these moments of its lives, one after the other, then lives. */
static void play(const struct workload *work, const uint64_t *moments, size_t count,
                 struct totals *totals)
{
    struct scene *s = calloc(1, sizeof(*s));
    struct finished *finished = calloc(1, sizeof(*finished));
    assert_true(s && finished);
    scene_open(s);
    s->work = work;
    s->totals = totals;
    for (size_t life = 0; life <= count; life++) {
        size_t before = s->told_count;
        bool lived = run_process(s, life < count ? moments[life] : 0);
        totals->kills += !lived;
        assert_true(lived || life < count);
        read_told(s);
        count_repeated(s, before, finished);
        if (life < count)
            examine(s, finished);
    }
    check_ends(s);
    scene_close(s);
    free(finished);
    free(s);
}

static uint64_t count_moments(const struct workload *work)
{
    struct scene *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    scene_open(s);
    s->work = work;
    assert_true(run_process(s, 0));
    read_told(s);
    check_ends(s);
    struct told last = s->told[s->told_count - 1];
    assert_int_equal(last.what, TOLD_MOMENTS);
    scene_close(s);
    free(s);
    return last.moments;
}

static void check_totals(const char *how, const struct totals *t)
{
    printf("# %s: kills=%u, acknowledged starts looked for=%u, lost=%u, finished steps=%u, "
           "repeated=%u, nested executions=%u\n",
           how, t->kills, t->acknowledged, t->lost, t->finished, t->repeated, t->kids);
    assert_true(t->acknowledged && t->finished);
    assert_int_equal(t->lost, 0);
    assert_int_equal(t->repeated, 0);
}

static void kill_at_every_moment(const struct workload *work, const char *how)
{
    uint64_t moments = count_moments(work);
    struct totals totals = {0};
    assert_true(moments > 20);
    uint64_t tried = 0;
    for (uint64_t moment = 1; moment <= moments; moment += DYING_EVERY, tried++)
        play(work, &moment, 1, &totals);
    check_totals(how, &totals);
    assert_int_equal(totals.kills, tried);
}

static void test_killed_at_every_moment(void **state)
{
    (void)state;
    kill_at_every_moment(&plain, "at each call of the store");
}

static void test_killed_while_nesting(void **state)
{
    (void)state;
    kill_at_every_moment(&nested, "at each call of the store, nested");
}

/* Recovery itself is killed, early and late. */
static void test_killed_while_recovering(void **state)
{
    uint64_t moments = count_moments(&plain);
    struct totals totals = {0};
    (void)state;
    for (uint64_t first = 1; first <= moments; first += 3)
        for (uint64_t again = 1; again <= 9; again += 2) {
            uint64_t lives[] = {first, again, again + 1};
            play(&plain, lives, COUNT_OF(lives), &totals);
        }
    check_totals("three times in a row", &totals);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_at_every_moment),
        cmocka_unit_test(test_killed_while_nesting),
        cmocka_unit_test(test_killed_while_recovering),
    };
    return cmocka_run_group_tests_name("crash_engine", tests, NULL, NULL);
}
