/* Recoveries in a process that is killed at every call of its store, and started again.
 *
 * Whatever kind of recovery it was, and whenever the process died: a step that was done
 * does not run again, the execution ends with the output of one that never failed, and the
 * records of the other steps are what they were, to the byte. What was acknowledged is so.
 * The checks of what stays (x-verify) are made again after the end and noted, exactly once.
 * Where the death came before anything was durable, the next process asks again. The
 * totals are printed.
 */
#include "dying_store.h"
#include "store/sqlite/sqlite_store.h"
#include "support/engine_world.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define TASK(function, rest)                                                                       \
    "{\"Type\":\"Task\",\"Resource\":\"arn:aws:lambda:us-east-1:000000000000:function:" function   \
    "\"," rest "}"
#define STATE(name, state) "\"" name "\":" state
#define MACHINE(first, states) "{\"StartAt\":\"" first "\",\"States\":{" states "}}"
#define END "\"End\":true"
#define RETRY "\"Retry\":[{\"ErrorEquals\":[\"States.ALL\"]}],"
#define VERIFY "\"x-verify\":{\"command\":[\"look\"]},"
#define WAIT "{\"Type\":\"Wait\",\"Seconds\":1," END "}"

/* Branches, a timer, a retry, items two at a time; then what fails, waits for a person or
 * hangs, and what comes after. */
#define BRANCHES                                                                                   \
    MACHINE("A", STATE("A", TASK("echo", "\"Next\":\"A2\"")) "," STATE("A2", WAIT))                \
    "," MACHINE("B", STATE("B", TASK("flaky", RETRY END)))
#define BOTH                                                                                       \
    "{\"Type\":\"Parallel\",\"OutputPath\":\"$[0]\",\"Branches\":[" BRANCHES "],\"Next\":"         \
    "\"Each\"}"
#define EACH_ITEM MACHINE("I", STATE("I", TASK("echo", END)))
#define EACH                                                                                       \
    "{\"Type\":\"Map\",\"MaxConcurrency\":2,\"ItemProcessor\":" EACH_ITEM ",\"Next\":\"Mend\"}"

#define UP_TO_MEND                                                                                 \
    STATE("First", TASK("echo", VERIFY "\"Next\":\"Both\""))                                       \
    "," STATE("Both", BOTH) "," STATE("Each", EACH) ","
#define LAST STATE("Last", TASK("echo", END))

static const char breaks[] =
    MACHINE("First", UP_TO_MEND STATE("Mend", TASK("broken", "\"Next\":\"Last\"")) "," LAST);
static const char asks[] =
    MACHINE("First",
            UP_TO_MEND STATE("Mend", TASK("echo", "\"x-review\":true,\"Next\":\"Last\"")) "," LAST);
static const char hangs[] =
    "{\"x-on-cancel\":\"Clean\",\"StartAt\":\"First\",\"States\":{" UP_TO_MEND STATE(
        "Mend", TASK("never", "\"Next\":\"Last\"")) "," LAST
                                                    "," STATE("Clean", TASK("echo", END)) "}}";

static const char input[] = "[1,2,3]";
static const char fork_name[] = "again";
static const uint8_t secret[STORE_SECRET_SIZE] = {9};

enum {
    TOLD_MAX = 1024,
    RUNS_MAX = 2,
    STEPS_MAX = 64,
    AGAIN_MOST = 7,
};

/* ---- what is asked ---- */

enum how {
    HOW_RESUME,
    HOW_RERUN,
    HOW_FORK,
    HOW_PAUSE,
    HOW_REVIEW,
    HOW_CANCEL,
    HOW_COUNT
};

static const struct scenario {
    const char *name, *definition;
    enum execution_status before, after;
    bool mended;                /* before */
    bool notes;                 /* afterwards, how the checks went */
    const char *runs[RUNS_MAX]; /* the paths of the steps whose work is done again, or at last */
} scenarios[HOW_COUNT] = {
    [HOW_RESUME] =
        {"resume", breaks, EXECUTION_FAILED, EXECUTION_SUCCEEDED, false, true, {"Mend", "Last"}},
    [HOW_RERUN] = {"rerun of one step",
                   breaks,
                   EXECUTION_SUCCEEDED,
                   EXECUTION_SUCCEEDED,
                   true,
                   true,
                   {"Each/1/I"}},
    [HOW_FORK] =
        {"fork", breaks, EXECUTION_FAILED, EXECUTION_SUCCEEDED, false, true, {"Mend", "Last"}},
    [HOW_PAUSE] = {"resume and pause",
                   breaks,
                   EXECUTION_FAILED,
                   EXECUTION_SUCCEEDED,
                   false,
                   true,
                   {"Mend", "Last"}},
    [HOW_REVIEW] =
        {"review", asks, EXECUTION_RUNNING, EXECUTION_SUCCEEDED, false, false, {"Mend", "Last"}},
    [HOW_CANCEL] =
        {"cancel", hangs, EXECUTION_RUNNING, EXECUTION_ABORTED, false, false, {"Mend", "Clean"}},
};

struct told {
    enum {
        TOLD_ACKNOWLEDGED,
        TOLD_RAN,
        TOLD_MOMENTS
    } what;
    execution_key key;
    uint32_t step;
    uint64_t moments;
};

struct totals {
    unsigned kills, acknowledged, lost, ran, strange, repeated, records, notes;
};

/* Steps whose work was done since the recovery began. */
struct done {
    uint32_t items[STEPS_MAX];
    size_t count;
};

struct scene {
    enum how how;
    char folder[64];
    execution_key key; /* of the execution that is recovered */
    uint32_t turns;    /* that it has before */
    struct buf records;
    struct totals *totals;
    struct told told[TOLD_MAX];
    size_t told_count;
};

static void path_in(const struct scene *s, const char *name, char to[static 128])
{
    snprintf(to, 128, "%s/%s", s->folder, name);
}

static struct store *open_store(const struct scene *s)
{
    char path[128];
    struct store *store;
    struct err err = {0};
    path_in(s, "pawl.db", path);
    if (sqlite_store_open(path, SQLITE_STORE_READ_WRITE, secret, &store, &err))
        return store;
    fprintf(stderr, "%s\n", err.message);
    abort();
}

/* The execution that goes on; 0: there is none yet. */
static execution_key target_of(const struct scene *s, struct world *w, struct store *store)
{
    if (s->how != HOW_FORK)
        return s->key;
    struct world_rows rows = world_named(w, store, fork_name);
    assert_true(rows.count <= 1);
    return rows.count ? rows.items[0].key : 0;
}

static bool is_to_run(const struct scene *s, const struct step *step)
{
    for (size_t i = 0; i < RUNS_MAX; i++)
        if (scenarios[s->how].runs[i] && str_eq(step->path, str_of_cstr(scenarios[s->how].runs[i])))
            return true;
    return false;
}

/* ---- in the process that dies ---- */

static void tell(int fd, struct told told)
{
    if (write(fd, &told, sizeof(told)) != (ssize_t)sizeof(told))
        abort();
}

static void handed(void *arg, const struct world_task *task)
{
    tell(*(int *)arg, (struct told){.what = TOLD_RAN, .key = task->key, .step = task->step});
}

static void replied(void *arg, const struct engine_reply *reply)
{
    /* Before it died it may have done that already, or all of it. */
    if (reply->err && reply->err->code != ERR_CONFLICT) {
        fprintf(stderr, "%s\n", reply->err->message);
        abort();
    }
    if (!reply->err)
        tell(*(int *)arg, (struct told){.what = TOLD_ACKNOWLEDGED, .key = reply->execution->key});
}

static void planned(void *arg, const struct engine_reply *reply, const struct plan *plan)
{
    (void)plan;
    replied(arg, reply);
}

static void ask(const struct scene *s, struct world *w, int *fd)
{
    struct recovery_request request = {.kind = RECOVERY_RESUME};
    struct engine_start start = {.reuse = s->key, .name = str_of_cstr(fork_name)};
    if (s->how == HOW_RERUN) {
        request.kind = RECOVERY_RERUN;
        request.step = STR("Each[1]/I");
    }
    const struct engine_review yes = {.step = STEP_NO_NONE, .approved = true};
    if (s->how == HOW_FORK)
        engine_start(w->engine, &start, replied, fd);
    else if (s->how == HOW_REVIEW)
        engine_review(w->engine, s->key, &yes, replied, fd);
    else if (s->how == HOW_CANCEL)
        engine_cancel(w->engine, s->key, STR("enough"), STR(""), replied, fd);
    else
        engine_recover(w->engine, s->key, &request, planned, fd);
}

static bool is_to_be_asked(const struct scene *s, struct world *w)
{
    if (s->how == HOW_FORK)
        return target_of(s, w, w->store) == 0;
    return world_row(w, w->store, s->key).turns == s->turns;
}

/* As soon as it is in memory, and until nothing moves. */
static void pause_it(const struct scene *s, struct world *w, int *fd)
{
    while (engine_stats(w->engine).runs == 0 && world_work(w))
        ;
    engine_pause(w->engine, s->key, STR("a while"), STR(""), replied, fd);
    world_settle(w);
    engine_unpause(w->engine, s->key, STR(""), replied, fd);
}

static void live_and_die(const struct scene *s, uint64_t moment)
{
    struct world w;
    struct err err;
    char path[128];
    uint64_t moments = 0;
    path_in(s, "told", path);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd < 0)
        abort();
    world_init(&w, open_store(s));
    bool to_be_asked = is_to_be_asked(s, &w);
    w.store = dying_store_new(w.store, moment, &moments);
    w.options.seed = (uint64_t)getpid();
    w.mended = true;
    w.handed = handed;
    w.handed_arg = &fd;
    world_open(&w);
    if (to_be_asked)
        ask(s, &w, &fd);
    if (s->how == HOW_PAUSE)
        pause_it(s, &w, &fd);
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

/* ---- before and afterwards ---- */

static void read_told(struct scene *s)
{
    char path[128];
    path_in(s, "told", path);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t size = read(fd, s->told, sizeof(s->told));
    close(fd);
    assert_true(size >= 0 && (size_t)size < sizeof(s->told));
    s->told_count = (size_t)size / sizeof(s->told[0]);
}

static void print_step(struct buf *to, struct arena *a, const struct step *s)
{
    buf_printf(to, STR_FMT " %u %u %s %lld %lld " STR_FMT " " STR_FMT, STR_ARG(s->path), s->index,
               s->generation, step_status_name(s->status), (long long)s->started_at.ms,
               (long long)s->stopped_at.ms, STR_ARG(json_text(a, s->input)),
               STR_ARG(json_text(a, s->output)));
    for (size_t i = 0; i < s->attempt_count; i++)
        buf_printf(to, " [%u %s %lld]", s->attempts[i].number,
                   step_status_name(s->attempts[i].status),
                   (long long)s->attempts[i].stopped_at.ms);
    buf_append_char(to, '\n');
}

struct listing {
    struct scene *scene;
    struct buf text;
    struct done *done;
    size_t from; /* of what was told */
};

/* Of what had been done before, but what is to run again. */
static void print_records(void *arg, const struct step_list *steps)
{
    struct listing *l = arg;
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < steps->count; i++)
        if (steps->items[i].status == STEP_SUCCESS && !is_to_run(l->scene, &steps->items[i]))
            print_step(&l->text, a, &steps->items[i]);
    arena_free(a);
}

static void copy_file(const struct scene *s, const char *from, const char *to)
{
    char path[128];
    struct stat size;
    path_in(s, from, path);
    int in = open(path, O_RDONLY);
    path_in(s, to, path);
    int out = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(in >= 0 && out >= 0 && fstat(in, &size) == 0);
    assert_true(sendfile(out, in, NULL, (size_t)size.st_size) == size.st_size);
    close(in);
    close(out);
}

static void remove_files(const struct scene *s, const char *const *names, size_t count)
{
    char path[128];
    for (size_t i = 0; i < count; i++) {
        path_in(s, names[i], path);
        unlink(path);
    }
}

static const char *const of_a_play[] = {"pawl.db", "pawl.db-wal", "pawl.db-shm", "told"};
static const char *const of_a_scene[] = {"base.db"};

/* An execution that has ended, in a store of its own. */
static void scene_open(struct scene *s, enum how how, struct totals *totals)
{
    /* Only processes die here, so memory keeps what they wrote as well as a disk. */
    const char *parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    struct world w;
    struct world_reply reply;
    *s = (struct scene){.how = how, .totals = totals, .records = BUF_INIT(0)};
    snprintf(s->folder, sizeof(s->folder), "%s/pawl-crash-XXXXXX", parent);
    assert_non_null(mkdtemp(s->folder));
    world_init(&w, open_store(s));
    w.mended = scenarios[how].mended;
    world_open(&w);
    world_start(&w, "m", scenarios[how].definition, "", input, &reply);
    world_settle(&w);
    s->key = reply.key;
    struct execution_row row = world_row(&w, w.store, s->key);
    assert_int_equal(row.status, scenarios[how].before);
    s->turns = row.turns;
    struct listing l = {.scene = s, .text = BUF_INIT(0)};
    world_list_steps(&w, w.store, s->key, print_records, &l);
    s->records = l.text;
    world_release(&w);
    store_close(w.store);
    copy_file(s, "pawl.db", "base.db");
}

static void scene_close(struct scene *s)
{
    remove_files(s, of_a_play, COUNT_OF(of_a_play));
    remove_files(s, of_a_scene, COUNT_OF(of_a_scene));
    rmdir(s->folder);
    buf_release(&s->records);
}

/* What ran was to run, and had not been done before. */
static void judge(void *arg, const struct step_list *steps)
{
    const struct listing *l = arg;
    struct scene *s = l->scene;
    for (size_t i = l->from; i < s->told_count; i++) {
        if (s->told[i].what != TOLD_RAN)
            continue;
        s->totals->ran++;
        assert_true(s->told[i].step < steps->count);
        s->totals->strange += !is_to_run(s, &steps->items[s->told[i].step]);
        for (size_t k = 0; k < l->done->count; k++)
            s->totals->repeated += l->done->items[k] == s->told[i].step;
    }
    l->done->count = 0;
    for (size_t i = 0; i < steps->count; i++) {
        const struct step *step = &steps->items[i];
        bool anew = s->how != HOW_RERUN || step->generation > 0;
        if (step->status == STEP_SUCCESS && is_to_run(s, step) && anew)
            l->done->items[l->done->count++] = step->index;
    }
}

static void examine(struct scene *s, size_t from, struct done *done)
{
    struct world w;
    struct listing l = {.scene = s, .from = from, .done = done};
    world_init(&w, open_store(s));
    execution_key key = target_of(s, &w, w.store);
    if (key)
        world_list_steps(&w, w.store, key, judge, &l);
    for (size_t i = from; i < s->told_count; i++) {
        if (s->told[i].what != TOLD_ACKNOWLEDGED)
            continue;
        s->totals->acknowledged++;
        s->totals->lost += !world_has(w.store, s->told[i].key) || is_to_be_asked(s, &w);
    }
    world_release(&w);
    store_close(w.store);
}

static void count_note(void *arg, const struct flow_event *event)
{
    struct json first = json_at(json_get(event->log, STR("checks")), 0);
    unsigned *count = arg;
    if (event->kind != EVENT_NOTE)
        return;
    assert_true(json_is_true(json_get(first, STR("ok"))));
    ++*count;
}

/* Once, and nothing is due any more. */
static void check_notes(const struct scene *s, struct world *w, execution_key key)
{
    struct store_read due = {
        .kind = STORE_LIST_OBJECTS, .object_kind = STR("check"), .arena = w->arena};
    unsigned count = 0;
    world_history(w, w->store, key, count_note, &count);
    assert_int_equal(count, scenarios[s->how].notes);
    world_read(w->store, &due);
    assert_int_equal(due.count, 0);
    s->totals->notes += count;
}

static void check_end(struct scene *s)
{
    struct world w;
    struct listing l = {.scene = s, .text = BUF_INIT(0)};
    world_init(&w, open_store(s));
    execution_key key = target_of(s, &w, w.store);
    struct execution_row row = world_row(&w, w.store, key);
    assert_int_equal(row.status, scenarios[s->how].after);
    if (row.status == EXECUTION_SUCCEEDED)
        assert_true(str_eq(world_output(&w, w.store, key), str_of_cstr(input)));
    check_notes(s, &w, key);
    world_list_steps(&w, w.store, s->key, print_records, &l);
    assert_string_equal(buf_cstr(&l.text), buf_cstr(&s->records));
    s->totals->records++;
    if (s->how == HOW_FORK) {
        assert_true(row.related == s->key && row.relation == RELATION_REUSES);
        assert_int_equal(world_row(&w, w.store, s->key).turns, s->turns);
    }
    buf_release(&l.text);
    world_release(&w);
    store_close(w.store);
}

/* Dies at these moments of its first lives (0: at none), and lives in the last. */
static uint64_t play(struct scene *s, uint64_t moment, uint64_t again)
{
    struct done done = {0};
    size_t before = 0;
    bool lived = false;
    copy_file(s, "base.db", "pawl.db");
    s->told_count = 0;
    while (!lived) {
        lived = run_process(s, moment);
        s->totals->kills += !lived;
        moment = again;
        again = 0;
        read_told(s);
        examine(s, before, &done);
        before = s->told_count;
    }
    check_end(s);
    assert_int_equal(s->told[s->told_count - 1].what, TOLD_MOMENTS);
    remove_files(s, of_a_play, COUNT_OF(of_a_play));
    return s->told[s->told_count - 1].moments;
}

static void kill_at_every_moment(void **state)
{
    enum how how = *(enum how *)*state;
    struct totals t = {0};
    struct scene *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    scene_open(s, how, &t);
    uint64_t moments = play(s, 0, 0);
    assert_true(moments > 5);
    uint64_t tried = 0;
    for (uint64_t moment = 1; moment <= moments; moment += DYING_EVERY, tried++) {
        play(s, moment, 0);
        play(s, moment, 2 + moment % AGAIN_MOST); /* and the one that goes on dies, too */
    }
    scene_close(s);
    free(s);
    printf(
        "# %s: kills=%u, acknowledged=%u, of these lost=%u, tasks=%u, of these not to be done=%u, "
        "done before=%u; records compared=%u, checks noted=%u\n",
        scenarios[how].name, t.kills, t.acknowledged, t.lost, t.ran, t.strange, t.repeated,
        t.records, t.notes);
    assert_true(t.kills >= 2 * tried && t.kills <= 3 * tried);
    assert_true(t.acknowledged && t.ran);
    assert_int_equal(t.lost + t.strange + t.repeated, 0);
}

int main(void)
{
    static enum how hows[HOW_COUNT];
    struct CMUnitTest tests[HOW_COUNT];
    for (int i = 0; i < HOW_COUNT; i++) {
        hows[i] = (enum how)i;
        tests[i] = (struct CMUnitTest){.name = scenarios[i].name,
                                       .test_func = kill_at_every_moment,
                                       .initial_state = &hows[i]};
    }
    return cmocka_run_group_tests_name("crash_recovery", tests, NULL, NULL);
}
