/* Random state machines from a seed, for property tests.
 *
 * The same seed gives the same definition. Machines always end when tasks are
 * answered: loops are counted. The execution input they expect is
 * {"items": [...], "n": 1}; tasks are the function `f`, the activity `a`, which always has
 * a time-out, and the function `c` called with a token.
 */
#ifndef PAWL_TESTS_SUPPORT_MACHINE_GEN_H
#define PAWL_TESTS_SUPPORT_MACHINE_GEN_H

#include "base/buf.h"
#include "base/rng.h"

#define GEN_COVERAGE_TABLE(X)                                                                      \
    X(pass)                                                                                        \
    X(task)                                                                                        \
    X(choice_loop)                                                                                 \
    X(wait)                                                                                        \
    X(succeed)                                                                                     \
    X(fail)                                                                                        \
    X(parallel)                                                                                    \
    X(map)                                                                                         \
    X(map_distributed)                                                                             \
    X(retry)                                                                                       \
    X(catch_)                                                                                      \
    X(assign)                                                                                      \
    X(timeout)                                                                                     \
    X(nested) X(activity) X(callback) X(heartbeat) X(jsonata) X(jsonata_fails) X(machines)

struct gen_coverage {
#define GEN_COVERAGE_FIELD(name) unsigned name;
    GEN_COVERAGE_TABLE(GEN_COVERAGE_FIELD)
#undef GEN_COVERAGE_FIELD
};

/* Appends a definition as JSON text and counts what it holds. */
void machine_generate(struct rng *rng, struct buf *to, struct gen_coverage *coverage);

/* Appends "pass=12 task=34 ...". */
void gen_coverage_print(const struct gen_coverage *coverage, struct buf *to);

/* Is everything counted at least once? */
bool gen_coverage_is_full(const struct gen_coverage *coverage);

#endif
