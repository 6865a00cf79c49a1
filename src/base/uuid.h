/* UUIDs as RFC 9562 has them: 4 from random bits, 5 from a name, 7 from a time.
 *
 * Pure: randomness and time are arguments.
 */
#ifndef PAWL_BASE_UUID_H
#define PAWL_BASE_UUID_H

#include "base/rng.h"
#include "base/str.h"
#include "base/time.h"

enum {
    UUID_TEXT_LEN = 36
};

struct uuid {
    uint8_t bytes[16];
};

struct uuid uuid_v4(struct rng *r);

/* Time-ordered: two made in different milliseconds sort by time. */
struct uuid uuid_v7(struct wall_ms at, struct rng *r);

/* From a namespace and a name (SHA-1): the same place has the same id. */
struct uuid uuid_v5(struct uuid space, struct str name);

/* Lower case, 36 characters, no NUL. */
void uuid_format(struct uuid u, char to[static UUID_TEXT_LEN]);
bool uuid_parse(struct str text, struct uuid *ret_uuid);

#endif
