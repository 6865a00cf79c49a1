#include "store/sqlite/sqlite_store.h"
#include "support/store_suite.h"

static struct store *open_threads(struct store_fixture *f)
{
    struct store *s;
    struct err err;
    struct sqlite_store_options options = {
        .mode = SQLITE_STORE_READ_WRITE, .secret = test_secret, .threads = true};
    if (!sqlite_store_open_with(store_fixture_path(f, "pawl.db"), &options, &s, &err))
        panic(__FILE__, __LINE__, err.message);
    return s;
}

int main(void)
{
    const struct store_kind kind = {.name = "SQLite store with threads", .open = open_threads};
    return store_suite_run(&kind);
}
