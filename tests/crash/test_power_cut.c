/* The power is cut at every sync of a workload on the production store: what was
 * acknowledged is there, what was not is there entirely or not at all, and the
 * store goes on. And the proof of the proof: with syncing disabled, in three
 * ways, the same test sees losses.
 *
 * PAWL_SEEDS: how much of what was not synced survives is drawn one time for each
 * 50 of them, at every sync.
 */
#include "power_scene.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum {
    BATCHES = 120,
    EXECUTIONS_MAX = 25,
    COMMITS_MAX = 4,
    WRITES_MAX = 8,
    SEEDS_DEFAULT = 200,
    SEEDS_EACH = 50,
    BODY_SIZE_MAX = 9000, /* three pages */
};

static uint64_t seeds(void)
{
    int64_t asked;
    const char *text = getenv("PAWL_SEEDS");
    if (!text || !str_to_int64(str_of_cstr(text), &asked))
        asked = SEEDS_DEFAULT;
    return asked > SEEDS_EACH ? (uint64_t)asked / SEEDS_EACH : 1;
}

/* ---- the workload ---- */

struct load {
    struct scene *scene;
    struct rng rng;
    uint32_t count;
    struct {
        uint32_t turns;
        bool ended;
    } executions[EXECUTIONS_MAX];
    struct store_write writes[COMMITS_MAX][WRITES_MAX];
    struct scene_commit commits[COMMITS_MAX];
};

static struct store_write long_turn(struct load *l, uint32_t n)
{
    struct arena *a = l->scene->rows.arena;
    struct store_write w = write_turn(&l->scene->rows, 0, n, l->executions[n].turns++);
    size_t size = rng_below(&l->rng, rng_below(&l->rng, 4) ? 200 : BODY_SIZE_MAX);
    char *body = arena_alloc_text(a, size);
    for (size_t i = 0; i < size; i++)
        body[i] = (char)('a' + rng_below(&l->rng, 26));
    w.u.turn.body = str_of(body, size);
    w.u.turn.checksum = checksum64(w.u.turn.body);
    return w;
}

static size_t start(struct load *l, struct store_write *to)
{
    struct store_fixture *rows = &l->scene->rows;
    uint32_t n = l->count++;
    unsigned machine = n % 5;
    const char *text = arena_printf(rows->arena, "{\"revision\":%u}", n / 5).ptr;
    const char *name = arena_printf(rows->arena, "machine-%u", machine).ptr;
    const char *own = n % 2 ? arena_printf(rows->arena, "name-%u", n).ptr : NULL;
    to[0] = write_definition(0, str_of_cstr(text));
    to[1] = write_machine(rows, 0, name, text);
    to[2] = write_start(rows, 0, n, own, machine);
    to[3] = long_turn(l, n);
    to[4] = write_progress(0, n, EXECUTION_RUNNING, 1750000000000 + n * 7);
    return 5;
}

static size_t advance(struct load *l, uint32_t n, struct store_write *to)
{
    size_t count = 0;
    for (uint64_t turns = 1 + rng_below(&l->rng, 3); turns > 0; turns--)
        to[count++] = long_turn(l, n);
    if (rng_below(&l->rng, 3) == 0)
        to[count++] = write_snapshot(0, n, l->executions[n].turns, to[0].u.turn.body);
    bool ends = rng_below(&l->rng, 12) == 0;
    l->executions[n].ended = ends;
    to[count++] = write_progress(0, n, ends ? EXECUTION_FAILED : EXECUTION_RUNNING,
                                 ends ? 0 : 1760000000000 + (int64_t)rng_below(&l->rng, 1000));
    return count;
}

/* It does some work and is then refused: of that nothing may stay. */
static size_t be_refused(struct load *l, uint32_t n, struct store_write *to)
{
    to[0] = write_progress(0, n, EXECUTION_ABORTED, 0);
    to[1] = write_turn(&l->scene->rows, 0, n, l->executions[n].turns + 1);
    return 2;
}

static void draw_commit(struct load *l, struct store_write *to, struct scene_commit *ret)
{
    uint32_t n = l->count ? (uint32_t)rng_below(&l->rng, l->count) : 0;
    *ret = (struct scene_commit){.writes = to};
    bool starts = l->count == 0 || (l->count < EXECUTIONS_MAX && rng_below(&l->rng, 6) == 0);
    if (starts || l->executions[n].ended)
        ret->count = l->count < EXECUTIONS_MAX ? start(l, to) : be_refused(l, n, to);
    else if (rng_below(&l->rng, 8) == 0)
        ret->count = be_refused(l, n, to);
    else
        ret->count = advance(l, n, to);
}

static bool draw_batch(struct load *l)
{
    size_t count = 1 + rng_below(&l->rng, COMMITS_MAX);
    for (size_t i = 0; i < count; i++)
        draw_commit(l, l->writes[i], &l->commits[i]);
    return scene_batch(l->scene, l->commits, count);
}

static bool work(struct load *l, unsigned batches)
{
    if (!scene_boot(l->scene))
        return false;
    for (unsigned batch = 0; batch < batches; batch++) {
        if (batch % 12 == 9)
            scene_checkpoint_soon(l->scene);
        if (batch % 40 == 30) {
            scene_halt(l->scene);
            if (!scene_boot(l->scene))
                return false;
        }
        if (!draw_batch(l))
            return false;
    }
    return true;
}

/* With checkpoints, after which the WAL is written from its start, and restarts of
 * the process, which remove and make it. False: the store died. */
static bool run_load(struct scene *s, unsigned batches)
{
    struct load *l = calloc(1, sizeof(*l));
    assert_non_null(l);
    *l = (struct load){.scene = s, .rng = rng_seeded(7)};
    bool lived = work(l, batches);
    scene_halt(s);
    free(l);
    return lived;
}

static void print_totals(const struct scene *s, const char *what)
{
    printf("# %s: sync points=%llu cuts=%llu cuts while recovering=%llu commits "
           "acknowledged=%zu; lost=%llu torn=%llu unreadable=%llu\n",
           what, (unsigned long long)cut_disk_syncs(s->disk), (unsigned long long)s->cuts,
           (unsigned long long)s->cuts_again, s->commits, (unsigned long long)s->lost,
           (unsigned long long)s->torn, (unsigned long long)s->refused);
}

/* ---- the disk itself ---- */

static void write_pages(struct cut_disk *d, const char *sql)
{
    sqlite3 *db;
    cut_disk_use(d);
    assert_int_equal(sqlite3_open("/some.db", &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static int64_t count_rows(struct cut_disk *d)
{
    sqlite3 *db;
    sqlite3_stmt *ask;
    int64_t count = -1;
    cut_disk_use(d);
    assert_int_equal(sqlite3_open("/some.db", &db), SQLITE_OK);
    if (sqlite3_prepare_v2(db, "SELECT count(*) FROM t", -1, &ask, NULL) == SQLITE_OK &&
        sqlite3_step(ask) == SQLITE_ROW)
        count = sqlite3_column_int64(ask, 0);
    sqlite3_finalize(ask);
    sqlite3_close(db);
    return count;
}

static int64_t rows_after(const struct cut_disk *d, enum cut_fate fate, uint64_t seed)
{
    struct cut_disk *after = cut_disk_after(d, fate, seed);
    int64_t count = count_rows(after);
    cut_disk_free(after);
    return count;
}

static void a_disk_forgets_what_was_not_synced(void **state)
{
    (void)state;
    struct cut_disk *d = cut_disk_new();
    write_pages(d, "PRAGMA journal_mode=WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)");
    assert_true(cut_disk_syncs(d) > 0);
    assert_int_equal(rows_after(d, CUT_LOST, 0), 1);
    uint64_t before = cut_disk_syncs(d);
    write_pages(d, "PRAGMA synchronous=OFF; INSERT INTO t VALUES (2)");
    assert_int_equal(cut_disk_syncs(d), before);
    assert_int_equal(rows_after(d, CUT_LOST, 0), 1);
    assert_int_equal(rows_after(d, CUT_KEPT, 0), 2);
    assert_int_equal(count_rows(d), 2);
    unsigned different = 0;
    for (uint64_t seed = 0; seed < 40; seed++)
        different |= 1u << (rows_after(d, CUT_MIXED, seed) + 1);
    assert_true(different & 1u << 2 && different & 1u << 3);
    cut_disk_free(d);
}

static void a_disk_that_lies_keeps_nothing(void **state)
{
    (void)state;
    struct cut_disk *d = cut_disk_new();
    cut_disk_lie(d);
    write_pages(d, "PRAGMA journal_mode=WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)");
    assert_int_equal(count_rows(d), 1);
    assert_int_equal(rows_after(d, CUT_LOST, 0), -1);
    cut_disk_free(d);
}

/* ---- the proof ---- */

static struct scene *scene_new(uint64_t mixed)
{
    struct scene *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    s->seeds = mixed;
    return s;
}

static void power_is_cut_at_every_sync(void **state)
{
    (void)state;
    struct scene *s = scene_new(seeds());
    scene_open(s);
    assert_true(run_load(s, BATCHES));
    print_totals(s, "power cut");
    assert_string_equal(s->problem, "");
    assert_true(cut_disk_syncs(s->disk) > 100);
    assert_true(s->commits > BATCHES);
    scene_close(s);
    free(s);
}

/* Every seventh cut (in a long campaign each) is followed by another at each sync of the recovery.
 */
static void power_is_cut_while_recovering(void **state)
{
    (void)state;
    struct scene *s = scene_new(1);
    s->again_each = seeds() <= SEEDS_DEFAULT / SEEDS_EACH ? 7 : 1;
    scene_open(s);
    assert_true(run_load(s, BATCHES));
    print_totals(s, "power cut twice");
    assert_string_equal(s->problem, "");
    assert_true(s->cuts_again > 100);
    scene_close(s);
    free(s);
}

/* ---- a sync that fails ---- */

/* False: it had no such sync. */
static bool fail_sync(uint64_t number, struct scene *totals)
{
    struct scene *s = scene_new(0);
    scene_open(s);
    cut_disk_fail_sync(s->disk, number);
    bool failed = !run_load(s, BATCHES / 3);
    if (failed) {
        s->again_each = 1;
        scene_cut(s, "after a failed", CUT_LOST, 0);
        s->again_each = 0;
        scene_cut(s, "after a failed", CUT_NOT, 0);
    }
    assert_string_equal(s->problem, "");
    totals->cuts += s->cuts;
    totals->cuts_again += s->cuts_again;
    scene_close(s);
    free(s);
    return failed;
}

/* The store is dead after it. What it acknowledged is there when the power comes
 * back, and when the process starts again on the machine that goes on. */
static void each_sync_fails(void **state)
{
    (void)state;
    struct scene *totals = scene_new(0);
    uint64_t number = 1;
    while (fail_sync(number, totals))
        number++;
    printf("# failing syncs: sync points=%llu cuts=%llu cuts while recovering=%llu; lost=0\n",
           (unsigned long long)number - 1, (unsigned long long)totals->cuts,
           (unsigned long long)totals->cuts_again);
    assert_true(number > 40);
    free(totals);
}

/* ---- the proof of the proof ---- */

static void mutate(const char *what, const char *sql, bool lying)
{
    struct scene *s = scene_new(1);
    s->mutation_sql = sql;
    s->lying = lying;
    scene_open(s);
    assert_true(run_load(s, BATCHES / 3));
    print_totals(s, what);
    assert_true(s->lost > 0);
    assert_string_not_equal(s->problem, "");
    scene_close(s);
    free(s);
}

static void without_syncs_it_fails(void **state)
{
    (void)state;
    mutate("mutation, syncs do nothing", NULL, true);
}

static void with_synchronous_off_it_fails(void **state)
{
    (void)state;
    mutate("mutation, synchronous=OFF", "PRAGMA synchronous=OFF", false);
}

/* One sync less for each commit: all that is lost is what was acknowledged last. */
static void with_synchronous_normal_it_fails(void **state)
{
    (void)state;
    mutate("mutation, synchronous=NORMAL", "PRAGMA synchronous=NORMAL", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_disk_forgets_what_was_not_synced),
        cmocka_unit_test(a_disk_that_lies_keeps_nothing),
        cmocka_unit_test(power_is_cut_at_every_sync),
        cmocka_unit_test(power_is_cut_while_recovering),
        cmocka_unit_test(each_sync_fails),
        cmocka_unit_test(without_syncs_it_fails),
        cmocka_unit_test(with_synchronous_off_it_fails),
        cmocka_unit_test(with_synchronous_normal_it_fails),
    };
    return cmocka_run_group_tests_name("power cut", tests, NULL, NULL);
}
