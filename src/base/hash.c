#include "base/hash.h"

#include "base/macros.h"

#include <openssl/evp.h>
#include <xxhash.h>

_Static_assert(EVP_MAX_MD_SIZE <= DIGEST_SIZE_MAX, "a digest must fit");

static size_t digest(const EVP_MD *kind, struct str data, uint8_t to[static DIGEST_SIZE_MAX])
{
    unsigned size = 0;
    if (!EVP_Digest(data.len ? data.ptr : "", data.len, to, &size, kind, NULL))
        UNREACHABLE("OpenSSL refuses a plain digest");
    return size;
}

size_t digest_hex(struct str algorithm, struct str data, char to[static DIGEST_HEX_MAX])
{
    const EVP_MD *kind = str_eq(algorithm, STR("MD5"))       ? EVP_md5()
                         : str_eq(algorithm, STR("SHA-1"))   ? EVP_sha1()
                         : str_eq(algorithm, STR("SHA-256")) ? EVP_sha256()
                         : str_eq(algorithm, STR("SHA-384")) ? EVP_sha384()
                         : str_eq(algorithm, STR("SHA-512")) ? EVP_sha512()
                                                             : NULL;
    if (!kind)
        return 0;
    uint8_t bytes[DIGEST_SIZE_MAX];
    size_t size = digest(kind, data, bytes);
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        to[2 * i] = digits[bytes[i] >> 4];
        to[2 * i + 1] = digits[bytes[i] & 15];
    }
    return 2 * size;
}

void sha256(struct str data, uint8_t to[static SHA256_SIZE])
{
    uint8_t bytes[DIGEST_SIZE_MAX];
    digest(EVP_sha256(), data, bytes);
    memcpy(to, bytes, SHA256_SIZE);
}

void sha1(struct str data, uint8_t to[static 20])
{
    uint8_t bytes[DIGEST_SIZE_MAX];
    digest(EVP_sha1(), data, bytes);
    memcpy(to, bytes, 20);
}

uint64_t checksum64(struct str data)
{
    return XXH3_64bits(data.ptr, data.len);
}
