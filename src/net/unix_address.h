/* A path by which a unix socket can be reached, however long its own is.
 *
 * The system takes 107 bytes; a longer path is reached through a descriptor of
 * its folder. Good for bind and for connect, in this process only.
 * Ownership: unix_address_release, which keeps errno. Threads: any.
 */
#ifndef PAWL_NET_UNIX_ADDRESS_H
#define PAWL_NET_UNIX_ADDRESS_H

#include "base/err.h"

enum {
    UNIX_ADDRESS_SIZE = 108, /* of sun_path, the NUL included */
};

struct unix_address {
    char path[UNIX_ADDRESS_SIZE];
    int folder; /* descriptor; -1: none */
};

/* Errors: NOT_FOUND and PERMISSION of the folder, TOO_LARGE (the last name alone
 * is too long), IO. */
MUST_CHECK bool unix_address_of(const char *path, struct unix_address *ret, struct err *reterr);
void unix_address_release(struct unix_address *a);

#endif
