#include "store/memory/memory_store.h"
#include "support/store_suite.h"

static struct store *open_memory(struct store_fixture *f)
{
    (void)f;
    return memory_store_new(test_secret);
}

int main(void)
{
    const struct store_kind kind = {.name = "store in memory", .open = open_memory};
    return store_suite_run(&kind);
}
