/* Digests of bytes: the five of States.Hash, and a fast checksum.
 *
 * The digests are OpenSSL's, pure computations. The checksum (XXH3, 64 bits)
 * finds torn and rotten rows; it is no protection against forgery.
 */
#ifndef PAWL_BASE_HASH_H
#define PAWL_BASE_HASH_H

#include "base/str.h"

enum {
    DIGEST_SIZE_MAX = 64,
    DIGEST_HEX_MAX = 2 * DIGEST_SIZE_MAX,
    SHA256_SIZE = 32,
};

/* algorithm: MD5, SHA-1, SHA-256, SHA-384 or SHA-512, spelled exactly so.
 * Writes lower-case hex without a NUL and returns its length; 0 when the
 * algorithm has another name. */
size_t digest_hex(struct str algorithm, struct str data, char to[static DIGEST_HEX_MAX]);

void sha256(struct str data, uint8_t to[static SHA256_SIZE]);
void sha1(struct str data, uint8_t to[static 20]);

uint64_t checksum64(struct str data);

#endif
