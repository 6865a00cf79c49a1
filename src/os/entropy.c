#include "os/entropy.h"

#include "base/macros.h"

#include <errno.h>
#include <sys/random.h>

void entropy_fill(void *to, size_t size)
{
    unsigned char *at = to;
    while (size) {
        ssize_t got = getrandom(at, size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            panic(__FILE__, __LINE__, "the system gives no random bytes");
        at += got;
        size -= (size_t)got;
    }
}

uint64_t entropy_u64(void)
{
    uint64_t bits;
    entropy_fill(&bits, sizeof(bits));
    return bits;
}
