/* The faulty store itself: its faults come, keep the contract, and by one seed. */
#include "base/buf.h"
#include "store/memory/memory_store.h"
#include "support/faulty_store.h"
#include "support/store_suite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    COMMITS = 400,
    SHARDS = 16,
};

struct trial {
    struct store_fixture f;
    struct store_commit commits[COMMITS];
    struct store_write writes[COMMITS];
    struct landing {
        struct trial *trial;
        uint32_t n;
        bool complete;
        enum err_code code;
    } landings[COMMITS];
    uint32_t next[SHARDS];
    size_t complete, overtakes, count_of[ERR_COUNT];
    uint32_t latest;
    struct buf log;
};

static void landed(void *arg, const struct err *err)
{
    struct landing *l = arg;
    struct trial *t = l->trial;
    assert_false(l->complete);
    l->complete = true;
    l->code = err ? err->code : ERR_NONE;
    t->count_of[l->code]++;
    assert_int_equal(t->next[l->n % SHARDS], l->n / SHARDS);
    t->next[l->n % SHARDS]++;
    t->overtakes += l->n < t->latest;
    t->latest = l->n;
    t->complete++;
    buf_printf(&t->log, "%u:%d ", l->n, (int)l->code);
}

static struct trial *trial_new(const struct faulty_options *options)
{
    struct trial *t = calloc(1, sizeof(*t));
    assert_non_null(t);
    t->f.arena = arena_new(0);
    t->f.store = faulty_store_new(memory_store_new(test_secret), options);
    assert_true(store_claim_all(t->f.store, t->f.epochs, NULL));
    for (uint32_t n = 0; n < COMMITS; n++) {
        t->landings[n] = (struct landing){.trial = t, .n = n};
        t->writes[n] = write_start(&t->f, 0, n, NULL, 0);
        t->commits[n] = (struct store_commit){
            .shard = n % SHARDS,
            .epoch = t->f.epochs[n % SHARDS],
            .writes = &t->writes[n],
            .count = 1,
            .done = landed,
            .arg = &t->landings[n],
        };
        store_commit(t->f.store, &t->commits[n]);
    }
    return t;
}

/* Steps from one due time to the next, as a scheduler would. */
static void run(struct trial *t, size_t until_complete)
{
    struct mono_ns due;
    while (t->complete < until_complete && faulty_store_next_due(t->f.store, &due)) {
        t->f.now_ns = due.ns > t->f.now_ns ? due.ns : t->f.now_ns;
        store_step(t->f.store, (struct mono_ns){t->f.now_ns});
    }
}

static void trial_free(struct trial *t)
{
    store_close(t->f.store);
    arena_free(t->f.arena);
    buf_release(&t->log);
    free(t);
}

static bool kept(struct trial *t, uint32_t n)
{
    struct store_read r = read_of(&t->f, STORE_GET_EXECUTION, 0, key_of(n));
    return read_now(&t->f, &r, NULL) == ERR_NONE;
}

static void it_is_slow_and_reorders(void **state)
{
    (void)state;
    struct trial *t = trial_new(&(struct faulty_options){.seed = 1});
    assert_true(store_step(t->f.store, (struct mono_ns){0}));
    assert_int_equal(t->complete, 0);
    store_step(t->f.store, (struct mono_ns){1999999});
    assert_int_equal(t->complete, 0);
    run(t, COMMITS);
    assert_int_equal(t->count_of[ERR_NONE], COMMITS);
    assert_true(t->overtakes > COMMITS / 10);
    assert_false(store_step(t->f.store, (struct mono_ns){t->f.now_ns}));
    trial_free(t);
}

static void one_seed_gives_one_run(void **state)
{
    (void)state;
    struct faulty_options options = {.seed = 3, .refused_ppm = 50000, .taken_ppm = 20000};
    struct trial *first = trial_new(&options), *again = trial_new(&options);
    options.seed++;
    struct trial *other = trial_new(&options);
    run(first, COMMITS);
    run(again, COMMITS);
    run(other, COMMITS);
    assert_true(str_eq(buf_str(&first->log), buf_str(&again->log)));
    assert_false(str_eq(buf_str(&first->log), buf_str(&other->log)));
    trial_free(first);
    trial_free(again);
    trial_free(other);
}

static void refused_and_stale_ones_leave_nothing(void **state)
{
    (void)state;
    struct faulty_options options = {.seed = 3, .refused_ppm = 100000, .taken_ppm = 20000};
    struct trial *t = trial_new(&options);
    run(t, COMMITS);
    assert_true(t->count_of[ERR_DISK_FULL] > 10);
    assert_true(t->count_of[ERR_STALE] > 10);
    assert_true(t->count_of[ERR_NONE] > 10);
    bool taken[SHARDS] = {false};
    for (uint32_t n = 0; n < COMMITS; n++) {
        enum err_code code = t->landings[n].code;
        taken[n % SHARDS] |= code == ERR_STALE;
        assert_false(taken[n % SHARDS] && code == ERR_NONE); /* once taken, for ever */
        assert_int_equal(kept(t, n), code == ERR_NONE);
    }
    trial_free(t);
}

/* Over many seeds both ends of an I/O error are seen: kept, and not. */
static void an_io_error_is_the_end(void **state)
{
    (void)state;
    size_t lost_count = 0, kept_count = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct trial *t = trial_new(&(struct faulty_options){.seed = seed, .io_ppm = 10000});
        run(t, COMMITS);
        assert_int_equal(t->complete, COMMITS);
        assert_int_equal(store_dead(t->f.store, NULL), t->count_of[ERR_IO] > 0);
        if (t->count_of[ERR_IO] == 0) {
            trial_free(t);
            continue;
        }
        struct store_write w = write_start(&t->f, 0, 9999, NULL, 0);
        assert_int_equal(commit_now(&t->f, &w, 1, NULL), ERR_IO);
        uint64_t epoch;
        assert_false(store_claim(t->f.store, 0, &epoch, NULL));

        t->f.store = faulty_store_crash(t->f.store);
        for (uint32_t n = 0; n < COMMITS; n++) {
            bool there = kept(t, n);
            assert_true(there || t->landings[n].code != ERR_NONE);
            kept_count += there && t->landings[n].code == ERR_IO;
            lost_count += !there;
        }
        trial_free(t);
    }
    assert_true(lost_count > 0 && kept_count > 0);
}

static void a_crash_loses_only_what_was_not_acknowledged(void **state)
{
    (void)state;
    struct trial *t = trial_new(&(struct faulty_options){.seed = 8});
    run(t, COMMITS / 2);
    size_t complete = t->complete, there = 0;
    t->f.store = faulty_store_crash(t->f.store);
    for (uint32_t n = 0; n < COMMITS; n++) {
        bool is_kept = kept(t, n);
        there += is_kept;
        assert_true(is_kept || !t->landings[n].complete);
    }
    assert_int_equal(t->complete, complete);
    assert_true(there > complete);
    trial_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_slow_and_reorders),
        cmocka_unit_test(one_seed_gives_one_run),
        cmocka_unit_test(refused_and_stale_ones_leave_nothing),
        cmocka_unit_test(an_io_error_is_the_end),
        cmocka_unit_test(a_crash_loses_only_what_was_not_acknowledged),
    };
    return cmocka_run_group_tests_name("faulty store", tests, NULL, NULL);
}
