#include "store/memory/memory_store.h"
#include "support/faulty_store.h"
#include "support/store_suite.h"

/* The suite on a store that is slow and reorders, but never fails. */
static struct store *open_slow(struct store_fixture *f)
{
    (void)f;
    const struct faulty_options options = {.seed = 11};
    return faulty_store_new(memory_store_new(test_secret), &options);
}

int main(void)
{
    const struct store_kind kind = {.name = "slow store", .open = open_slow};
    return store_suite_run(&kind);
}
