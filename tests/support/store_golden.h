/* What every golden store of tests/golden/store/ holds, whatever its schema. */
#ifndef PAWL_TESTS_SUPPORT_STORE_GOLDEN_H
#define PAWL_TESTS_SUPPORT_STORE_GOLDEN_H

#include "support/store_suite.h"

enum {
    STORE_GOLDEN_SIZE_MAX = 1 << 20
};

/* Writes it into a new store. */
void store_golden_fill(struct store_fixture *f);

/* Reads it and fails the test where it differs. */
void store_golden_check(struct store_fixture *f);

/* The file of a schema, and the SQL text in it. Arena. */
const char *store_golden_path(struct arena *a, int schema);
const char *store_golden_text(struct arena *a, int schema);

#endif
