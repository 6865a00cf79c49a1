#include "store/store.h"

enum {
    COUNTER_BITS = 15,
    COUNTER_LOW_BITS = 3, /* of the counter, those after the UUID's variant */
};

#define MS_MAX ((1LL << 48) - 1)
#define LOW_RANDOM_MASK ((1ULL << 59) - 1)

execution_key execution_key_make(struct wall_ms at, uint32_t counter)
{
    int64_t ms = at.ms < 0 ? 0 : at.ms > MS_MAX ? MS_MAX : at.ms;
    execution_key key = ms << COUNTER_BITS | (counter & ((1u << COUNTER_BITS) - 1));
    return key ? key : 1;
}

/* RFC 9562, version 7: 48 bits of milliseconds, the version, 12 bits that here are
 * the counter's upper ones, the variant, the counter's lower 3, 59 random ones. */
struct uuid execution_uuid(execution_key key, uint64_t random)
{
    uint64_t ms = (uint64_t)key >> COUNTER_BITS;
    uint64_t counter = (uint64_t)key & ((1u << COUNTER_BITS) - 1);
    uint64_t high = ms << 16 | 7u << 12 | counter >> COUNTER_LOW_BITS;
    uint64_t low = 2ULL << 62 | (counter & 7) << 59 | (random & LOW_RANDOM_MASK);
    struct uuid u = {0};
    for (int i = 0; i < 8; i++) {
        u.bytes[i] = (uint8_t)(high >> (56 - 8 * i));
        u.bytes[8 + i] = (uint8_t)(low >> (56 - 8 * i));
    }
    return u;
}

bool execution_key_of_uuid(struct uuid u, execution_key *ret_key)
{
    uint64_t high = 0, low = 0;
    for (int i = 0; i < 8; i++) {
        high = high << 8 | u.bytes[i];
        low = low << 8 | u.bytes[8 + i];
    }
    if ((high >> 12 & 15) != 7 || low >> 62 != 2)
        return false;
    uint64_t counter = (high & 0xfff) << COUNTER_LOW_BITS | (low >> 59 & 7);
    execution_key key = (execution_key)(high >> 16 << COUNTER_BITS | counter);
    if (key == 0)
        return false;
    *ret_key = key;
    return true;
}

/* Both texts are hashed first, so that no way of cutting one text in two gives
 * the same shard by construction; little-endian, so that every machine agrees. */
uint32_t shard_of(struct str machine_arn, struct str execution_name)
{
    uint64_t parts[2] = {checksum64(machine_arn), checksum64(execution_name)};
    char bytes[16];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(parts[i / 8] >> (8 * (i % 8)));
    return (uint32_t)(checksum64(str_of(bytes, sizeof(bytes))) % SHARD_COUNT);
}
