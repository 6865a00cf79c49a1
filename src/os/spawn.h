/* A program started in a session and process group of its own.
 *
 * The new process inherits the three descriptors given as stdin, stdout and
 * stderr and no other, no signal handler and no blocked signal. When a register
 * is given it notes the process before the program begins (os/children.h).
 *
 * Its memory is not copied, so that the time this takes does not grow with the
 * caller's. The caller's thread waits until the program begins or cannot.
 * Threads: any. See docs/adr/0010-commands-in-flight.md.
 */
#ifndef PAWL_OS_SPAWN_H
#define PAWL_OS_SPAWN_H

#include "os/children.h"

#include <sys/types.h>

struct spawn_options {
    const char *const *argv;        /* ends with NULL; argv[0] without '/' is sought in PATH */
    const char *const *environment; /* ends with NULL; its PATH is the one that counts */
    const char *folder;             /* working directory */
    int stdio[3];                   /* borrowed */
    struct children *children;      /* NULL: not noted */
    size_t slot;
};

struct spawned {
    pid_t pid;
    int pidfd; /* readable once it has ended; owned: close. Waited for by waitid(P_PIDFD) */
};

/* 0, or what failed, as an errno value; then there is no process. */
MUST_CHECK int spawn(const struct spawn_options *options, struct spawned *ret_spawned);

#endif
