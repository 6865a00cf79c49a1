/* Deterministic random numbers: the same seed gives the same numbers everywhere.
 *
 * The pure core takes its randomness from here, seeded by the event that a turn
 * answers (see flow/flow.h). Not for secrets: those come from os/entropy.h.
 */
#ifndef PAWL_BASE_RNG_H
#define PAWL_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* xoshiro256** (Blackman, Vigna), seeded through splitmix64. */
struct rng {
    uint64_t s[4];
};

struct rng rng_seeded(uint64_t seed);
uint64_t rng_next(struct rng *r);

/* 0 <= x < 1 with 53 random bits. */
double rng_double(struct rng *r);

/* 0 <= x < bound, without bias; bound must not be 0. */
uint64_t rng_below(struct rng *r, uint64_t bound);

/* java.util.Random, which Step Functions' seeded functions follow. */
struct java_random {
    uint64_t state;
};

struct java_random java_random_seeded(int64_t seed);
int32_t java_random_bits(struct java_random *r, int bits);
double java_random_double(struct java_random *r);

/* nextInt(bound): 0 <= x < bound; bound must be positive. */
int32_t java_random_int(struct java_random *r, int32_t bound);

#endif
