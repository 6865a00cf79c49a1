/* Compiled machines by the hash of their definition, shared and counted.
 *
 * A machine that no run uses any more stays for a while, since the next start
 * most often needs it again: the MACHINES_IDLE_MAX used last are kept.
 * Ownership: a reference is given back by machine_release. Threads: one.
 */
#ifndef PAWL_ENGINE_MACHINES_H
#define PAWL_ENGINE_MACHINES_H

#include "asl/compile.h"

enum {
    MACHINES_IDLE_MAX = 64
};

struct machine_ref {
    struct machine_ref *next;
    const struct machine *machine;
    struct arena *arena;
    struct diag_list diags; /* warnings: it has no errors */
    size_t uses;
    bool outlined; /* the store has its outline, or will soon */
};

struct machines {
    struct machine_ref *first; /* used last stands first */
};

/* No use of any may be left. */
void machines_release(struct machines *m);

/* NULL when it is not there. */
struct machine_ref *machine_take(struct machines *m, const uint8_t hash[static SHA256_SIZE]);

/* The same by its very text, if it is one of those used last: spares hashing it. Never
 * one that only machine_load takes. */
struct machine_ref *machine_take_text(struct machines *m, struct str definition);

/* machine_take by the text's hash, or compiles it. Error: INVALID_DEFINITION
 * with the first thing that is wrong and its place. */
MUST_CHECK bool machine_compile(struct machines *m, struct str definition,
                                struct machine_ref **ret_ref, struct err *reterr);

/* The same of a text that the store has: asl_compile_stored. */
MUST_CHECK bool machine_load(struct machines *m, struct str definition,
                             struct machine_ref **ret_ref, struct err *reterr);

/* Accepts NULL. */
void machine_release(struct machines *m, struct machine_ref *ref);

#endif
