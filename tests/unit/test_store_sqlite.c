#include "store/sqlite/sqlite_store.h"
#include "support/store_suite.h"

static struct store *open_sqlite(struct store_fixture *f)
{
    struct store *s;
    struct err err;
    if (!sqlite_store_open(store_fixture_path(f, "pawl.db"), SQLITE_STORE_READ_WRITE, test_secret,
                           &s, &err))
        panic(__FILE__, __LINE__, err.message);
    return s;
}

int main(void)
{
    const struct store_kind kind = {.name = "SQLite store", .open = open_sqlite};
    return store_suite_run(&kind);
}
