/* What every store must do, as cmocka tests that run on any of them. */
#ifndef PAWL_TESTS_SUPPORT_STORE_SUITE_H
#define PAWL_TESTS_SUPPORT_STORE_SUITE_H

#include "store/store.h"

/* A store under test with a folder, a clock and an arena of its own. */
struct store_fixture {
    const struct store_kind *kind;
    struct store *store;
    struct arena *arena;
    char folder[64];
    uint64_t epochs[SHARD_COUNT];
    uint64_t now_ns; /* virtual time; grows by 0.1 ms with each step */
};

struct store_kind {
    const char *name;
    struct store *(*open)(struct store_fixture *f);
};

extern const uint8_t test_secret[STORE_SECRET_SIZE];

/* The whole suite; what main returns. */
int store_suite_run(const struct store_kind *kind);

/* ---- what tests of one kind use as well ---- */

/* Makes the folder and opens the store with all shards claimed; a cmocka setup
 * whose *state is the kind before and the fixture after. */
int store_fixture_setup(void **state);
int store_fixture_teardown(void **state);

/* <folder>/<name>, in the fixture's arena. */
const char *store_fixture_path(struct store_fixture *f, const char *name);

/* Submits and steps until it is complete. ERR_NONE, or the error's code; ret_err
 * may be NULL. */
enum err_code commit_now(struct store_fixture *f, const struct store_write *writes, size_t count,
                         struct err *ret_err);
enum err_code read_now(struct store_fixture *f, struct store_read *r, struct err *ret_err);

/* The n-th execution of the tests: named by the client when `name` is given, on
 * machine `machine` (0, 1...). Texts lie in the arena. */
struct store_write write_start(struct store_fixture *f, org_id org, uint32_t n, const char *name,
                               unsigned machine);
struct store_write write_turn(struct store_fixture *f, org_id org, uint32_t n, uint32_t turn);
struct store_write write_progress(org_id org, uint32_t n, enum execution_status status,
                                  int64_t wake_at);
struct store_write write_snapshot(org_id org, uint32_t n, uint32_t turn, struct str body);
struct store_write write_machine(struct store_fixture *f, org_id org, const char *name,
                                 const char *text);
/* Of org 0; borrows its texts. */
struct store_write write_object(const char *kind, const char *name, uint64_t revision,
                                const char *body);
struct store_write write_definition(org_id org, struct str text);
execution_key key_of(uint32_t n);

/* A read with this kind and key, any status and shard, answering into f->arena. */
struct store_read read_of(struct store_fixture *f, enum store_read_kind kind, org_id org,
                          execution_key key);

#endif
