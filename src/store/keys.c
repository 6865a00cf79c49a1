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

/* ---- the beginnings of ids ---- */

static bool hex_digit(char c, uint64_t *ret_digit)
{
    static const char digits[] = "00112233445566778899aAbBcCdDeEfF";
    const char *at = c ? strchr(digits, c) : NULL;
    if (!at)
        return false;
    *ret_digit = (uint64_t)((at - digits) / 2);
    return true;
}

/* The first 48 bits of an id are its milliseconds: what they may be bounds the keys. */
bool execution_prefix(struct str prefix, execution_key *ret_from, execution_key *ret_to)
{
    enum {
        MS_DIGITS = 12
    };
    uint64_t ms = 0, digit = 0;
    unsigned digits = 0;
    if (prefix.len < EXECUTION_PREFIX_MIN || prefix.len > UUID_TEXT_LEN)
        return false;
    for (size_t i = 0; i < prefix.len; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? prefix.ptr[i] != '-' : !hex_digit(prefix.ptr[i], &digit))
            return false;
        if (!dash && digits < MS_DIGITS) {
            ms = ms << 4 | digit;
            digits++;
        }
    }
    unsigned open = 4 * (MS_DIGITS - digits);
    int64_t from = (int64_t)(ms << open), to = (int64_t)((ms + 1) << open);
    *ret_from = execution_key_make((struct wall_ms){from}, 0);
    *ret_to = to > MS_MAX ? 0 : execution_key_make((struct wall_ms){to}, 0);
    return true;
}

bool execution_id_begins(struct uuid id, struct str prefix)
{
    char text[UUID_TEXT_LEN];
    uuid_format(id, text);
    if (prefix.len > sizeof(text))
        return false;
    for (size_t i = 0; i < prefix.len; i++) {
        char c = prefix.ptr[i];
        if (c >= 'A' && c <= 'F')
            c = (char)(c + 'a' - 'A');
        if (text[i] != c)
            return false;
    }
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
