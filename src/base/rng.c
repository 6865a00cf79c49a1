#include "base/rng.h"

#include "base/macros.h"

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t rotate_left(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

struct rng rng_seeded(uint64_t seed)
{
    struct rng r = {0};
    for (size_t i = 0; i < COUNT_OF(r.s); i++)
        r.s[i] = splitmix64(&seed);
    return r;
}

uint64_t rng_next(struct rng *r)
{
    uint64_t result = rotate_left(r->s[1] * 5, 7) * 9;
    uint64_t shifted = r->s[1] << 17;
    r->s[2] ^= r->s[0];
    r->s[3] ^= r->s[1];
    r->s[1] ^= r->s[2];
    r->s[0] ^= r->s[3];
    r->s[2] ^= shifted;
    r->s[3] = rotate_left(r->s[3], 45);
    return result;
}

double rng_double(struct rng *r)
{
    return (double)(rng_next(r) >> 11) * 0x1p-53;
}

uint64_t rng_below(struct rng *r, uint64_t bound)
{
    ASSERT(bound > 0);
    uint64_t unfair = (0 - bound) % bound; /* 2^64 mod bound */
    uint64_t x;
    do {
        x = rng_next(r);
    } while (x < unfair);
    return x % bound;
}

#define JAVA_MULTIPLIER 0x5DEECE66Du
#define JAVA_MASK ((UINT64_C(1) << 48) - 1)

struct java_random java_random_seeded(int64_t seed)
{
    return (struct java_random){((uint64_t)seed ^ JAVA_MULTIPLIER) & JAVA_MASK};
}

int32_t java_random_bits(struct java_random *r, int bits)
{
    r->state = (r->state * JAVA_MULTIPLIER + 0xB) & JAVA_MASK;
    return (int32_t)(r->state >> (48 - bits));
}

double java_random_double(struct java_random *r)
{
    int64_t high = java_random_bits(r, 26);
    int64_t low = java_random_bits(r, 27);
    return (double)((high << 27) + low) * 0x1p-53;
}

int32_t java_random_int(struct java_random *r, int32_t bound)
{
    ASSERT(bound > 0);
    if ((bound & (bound - 1)) == 0)
        return (int32_t)(((int64_t)bound * java_random_bits(r, 31)) >> 31);
    int32_t bits, value;
    do {
        bits = java_random_bits(r, 31);
        value = bits % bound;
    } while ((int64_t)bits - value + (bound - 1) > INT32_MAX);
    return value;
}
