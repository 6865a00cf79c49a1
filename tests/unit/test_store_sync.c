/* The SQLite store with threads: what happens during an fsync. */
#include "store/sqlite/sqlite_store.h"
#include "support/gate_vfs.h"
#include "support/store_suite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    STARTS = 64
};

static struct store *open_threads(struct store_fixture *f)
{
    struct store *s;
    struct err err;
    struct sqlite_store_options options = {
        .mode = SQLITE_STORE_READ_WRITE,
        .secret = test_secret,
        .vfs = gate_vfs(),
        .threads = true,
    };
    if (!sqlite_store_open_with(store_fixture_path(f, "pawl.db"), &options, &s, &err))
        panic(__FILE__, __LINE__, err.message);
    return s;
}

struct flight {
    struct store_commit commits[STARTS];
    struct store_write writes[STARTS];
    struct store_read read;
    size_t complete, reads_complete, codes[ERR_COUNT];
};

static void landed(void *arg, const struct err *err)
{
    struct flight *flight = arg;
    flight->complete++;
    flight->codes[err ? err->code : ERR_NONE]++;
}

static void read_landed(void *arg, const struct err *err)
{
    struct flight *flight = arg;
    flight->reads_complete++;
    flight->codes[err ? err->code : ERR_NONE]++;
}

static void start(struct store_fixture *f, struct flight *flight, uint32_t n)
{
    uint32_t shard = n % SHARD_COUNT;
    flight->writes[n] = write_start(f, 0, n, NULL, 0);
    flight->commits[n] = (struct store_commit){
        .shard = shard,
        .epoch = f->epochs[shard],
        .writes = &flight->writes[n],
        .count = 1,
        .done = landed,
        .arg = flight,
    };
    store_commit(f->store, &flight->commits[n]);
}

static void step_until(struct store_fixture *f, const size_t *count, size_t value)
{
    while (*count < value) {
        store_wait(f->store, -1);
        store_step(f->store, (struct mono_ns){0});
    }
}

static struct flight *flight_new(void)
{
    struct flight *flight = calloc(1, sizeof(*flight));
    assert_non_null(flight);
    return flight;
}

static void many_starts_share_a_sync(void **state)
{
    struct store_fixture *f = *state;
    struct flight *flight = flight_new();
    gate_close();
    start(f, flight, 0);
    gate_wait_for_sync();
    size_t before = gate_syncs();
    for (uint32_t n = 1; n < STARTS; n++)
        start(f, flight, n);
    assert_false(store_ready(f->store));
    gate_open();
    step_until(f, &flight->complete, STARTS);
    assert_int_equal(flight->codes[ERR_NONE], STARTS);
    assert_int_equal(gate_syncs() - before, 2);
    free(flight);
}

static void a_start_alone_waits_for_nothing(void **state)
{
    struct store_fixture *f = *state;
    struct flight *flight = flight_new();
    size_t before = gate_syncs();
    for (uint32_t n = 0; n < 10; n++) {
        start(f, flight, n);
        step_until(f, &flight->complete, n + 1);
        assert_int_equal(gate_syncs() - before, n + 1);
    }
    free(flight);
}

/* Neither does store_step, nor a submit. */
static void a_read_waits_for_no_sync(void **state)
{
    struct store_fixture *f = *state;
    struct flight *flight = flight_new();
    start(f, flight, 0);
    step_until(f, &flight->complete, 1);
    gate_close();
    start(f, flight, 1);
    gate_wait_for_sync();
    flight->read = read_of(f, STORE_LIST_EXECUTIONS, 0, 0);
    flight->read.done = read_landed;
    flight->read.arg = flight;
    store_read(f->store, &flight->read);
    step_until(f, &flight->reads_complete, 1);
    assert_int_equal(flight->complete, 1);
    assert_int_equal(flight->read.count, 1); /* what is not durable is not seen */
    assert_false(store_wait(f->store, 1));
    gate_open();
    step_until(f, &flight->complete, 2);
    store_read(f->store, &flight->read);
    step_until(f, &flight->reads_complete, 2);
    assert_int_equal(flight->read.count, 2);
    free(flight);
}

static void a_failed_sync_is_the_end_of_all(void **state)
{
    struct store_fixture *f = *state;
    struct flight *flight = flight_new();
    start(f, flight, 0);
    step_until(f, &flight->complete, 1);
    gate_close();
    gate_break(true);
    start(f, flight, 1);
    gate_wait_for_sync();
    for (uint32_t n = 2; n < STARTS; n++)
        start(f, flight, n);
    gate_open();
    step_until(f, &flight->complete, STARTS);
    assert_int_equal(flight->codes[ERR_NONE], 1);
    assert_int_equal(flight->codes[ERR_IO], STARTS - 1);
    assert_true(store_dead(f->store, NULL));
    struct store_read r = read_of(f, STORE_GET_EXECUTION, 0, key_of(0));
    assert_int_equal(read_now(f, &r, NULL), ERR_IO);
    struct store_write w = write_start(f, 0, 100, NULL, 0);
    assert_int_equal(commit_now(f, &w, 1, NULL), ERR_IO);
    uint64_t epoch;
    assert_false(store_claim(f->store, 0, &epoch, NULL));

    store_close(f->store);
    f->store = open_threads(f);
    assert_int_equal(read_now(f, &r, NULL), ERR_NONE);
    r = read_of(f, STORE_LIST_EXECUTIONS, 0, 0);
    assert_int_equal(read_now(f, &r, NULL), ERR_NONE);
    assert_true(r.count <= 2); /* the one that failed may be there: nobody was told */
    free(flight);
}

#define EACH(f) cmocka_unit_test_setup_teardown(f, store_fixture_setup, store_fixture_teardown)

int main(void)
{
    struct store_kind kind = {.name = "SQLite store with threads", .open = open_threads};
    struct CMUnitTest tests[] = {
        EACH(many_starts_share_a_sync),
        EACH(a_start_alone_waits_for_nothing),
        EACH(a_read_waits_for_no_sync),
        EACH(a_failed_sync_is_the_end_of_all),
    };
    for (size_t i = 0; i < COUNT_OF(tests); i++)
        tests[i].initial_state = &kind;
    return cmocka_run_group_tests_name("during a sync", tests, NULL, NULL);
}
