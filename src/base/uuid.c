#include "base/uuid.h"

#include "base/buf.h"
#include "base/hash.h"

static void fill_random(struct uuid *u, size_t from, struct rng *r)
{
    for (size_t i = from; i < sizeof(u->bytes); i += 8) {
        uint64_t bits = rng_next(r);
        for (size_t k = i; k < sizeof(u->bytes) && k < i + 8; k++, bits >>= 8)
            u->bytes[k] = (uint8_t)bits;
    }
}

static void stamp(struct uuid *u, unsigned version)
{
    u->bytes[6] = (uint8_t)((u->bytes[6] & 0x0f) | version << 4);
    u->bytes[8] = (uint8_t)((u->bytes[8] & 0x3f) | 0x80);
}

struct uuid uuid_v4(struct rng *r)
{
    struct uuid u = {0};
    fill_random(&u, 0, r);
    stamp(&u, 4);
    return u;
}

struct uuid uuid_v7(struct wall_ms at, struct rng *r)
{
    struct uuid u = {0};
    for (int i = 0; i < 6; i++)
        u.bytes[i] = (uint8_t)((uint64_t)at.ms >> (40 - 8 * i));
    fill_random(&u, 6, r);
    stamp(&u, 7);
    return u;
}

struct uuid uuid_v5(struct uuid space, struct str name)
{
    struct buf b = BUF_INIT(0);
    buf_append(&b, str_of((const char *)space.bytes, sizeof(space.bytes)));
    buf_append(&b, name);
    uint8_t digest[20];
    sha1(buf_str(&b), digest);
    buf_release(&b);
    struct uuid u = {0};
    memcpy(u.bytes, digest, sizeof(u.bytes));
    stamp(&u, 5);
    return u;
}

void uuid_format(struct uuid u, char to[static UUID_TEXT_LEN])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof(u.bytes); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *to++ = '-';
        *to++ = digits[u.bytes[i] >> 4];
        *to++ = digits[u.bytes[i] & 15];
    }
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool uuid_parse(struct str text, struct uuid *ret_uuid)
{
    if (text.len != UUID_TEXT_LEN)
        return false;
    struct uuid u = {0};
    const char *p = text.ptr;
    for (size_t i = 0; i < sizeof(u.bytes); i++) {
        if ((i == 4 || i == 6 || i == 8 || i == 10) && *p++ != '-')
            return false;
        int high = hex_value(*p++), low = hex_value(*p++);
        if (high < 0 || low < 0)
            return false;
        u.bytes[i] = (uint8_t)(high << 4 | low);
    }
    *ret_uuid = u;
    return true;
}
