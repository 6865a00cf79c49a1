/* Whose is the other end of a TCP connection within this machine?
 *
 * A loopback port is open to every user of the machine; the system knows who owns
 * each socket, and anyone may ask (sock_diag, else /proc/net/tcp). The owner is the
 * user that made the socket, whoever holds it now.
 *
 * Shape: IPv4 only. Threads: any; a call takes some 20 us. Linux.
 */
#ifndef PAWL_OS_PEER_H
#define PAWL_OS_PEER_H

#include "base/macros.h"
#include "base/str.h"

#include <netinet/in.h>
#include <sys/types.h>

/* false: the other end is on another machine, is closed already, or cannot be asked for. */
MUST_CHECK bool peer_user(int fd, uid_t *ret_user);

/* The same from the text of /proc/net/tcp; both ends as the other one sees them. */
MUST_CHECK bool peer_user_in(struct str table, const struct sockaddr_in *its,
                             const struct sockaddr_in *ours, uid_t *ret_user);

#endif
