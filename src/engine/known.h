/* Which machines the store has, so that starts need neither look nor write them again.
 *
 * Known is what this process read or saw committed. While puts of one name are on
 * their way with different definitions nobody knows which will be the last; then its
 * definition is not known until all have landed and one more was put.
 * Whoever else changes machines in the store must say so: known_forget.
 * Ownership: known_release. Threads: one.
 */
#ifndef PAWL_ENGINE_KNOWN_H
#define PAWL_ENGINE_KNOWN_H

#include "base/hash.h"
#include "base/str.h"
#include "base/time.h"

enum {
    KNOWN_MACHINES = 1024 /* places; two names of one place are looked up more often than needed */
};

struct known_machine {
    char *name; /* malloc; NULL: free */
    size_t name_len;
    struct wall_ms created_at; /* .ms 0: the store has none of the name */
    uint8_t definition[SHA256_SIZE];
    bool is_known, mixed; /* the definition */
    uint32_t puts;        /* on their way */
};

struct known {
    struct known_machine machines[KNOWN_MACHINES];
};

void known_release(struct known *k);

/* Is it known whether the store has a machine of this name, and since when? */
bool known_find(const struct known *k, struct str name, struct wall_ms *ret_created_at);

/* Has the store this machine with this definition? */
bool known_has(const struct known *k, struct str name,
               const uint8_t definition[static SHA256_SIZE]);

/* What the store answered. definition NULL: it has none. */
void known_learn(struct known *k, struct str name, const uint8_t *definition,
                 struct wall_ms created_at);

/* A put is on its way. NULL: the place is taken, and nothing will be known of it. */
struct known_machine *known_put(struct known *k, struct str name,
                                const uint8_t definition[static SHA256_SIZE],
                                struct wall_ms created_at);
/* It landed, or not. Accepts NULL. */
void known_put_done(struct known_machine *m, bool landed);

void known_forget(struct known *k, struct str name);

#endif
