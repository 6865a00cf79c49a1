/* The data directory: where it is, and the lock that lets one process change it.
 *
 * Shape: a directory of mode 0700 that holds the files named below. Whoever
 * changes anything in it holds the lock, which ends with the process however it
 * ends; the lock file names the holder's pid, for people and for errors. Whoever
 * only reads takes no lock and makes nothing.
 *
 * Errors: BUSY (held by another process, with its pid), PERMISSION, NOT_FOUND
 * (reading: no such directory; changing: its parent is missing), DISK_FULL,
 * TOO_LARGE, IO. Each names the directory and what to do.
 * Ownership: datadir_close. Threads: one at a time.
 */
#ifndef PAWL_OS_DATADIR_H
#define PAWL_OS_DATADIR_H

#include "base/arena.h"
#include "base/err.h"

#define DATADIR_DEFAULT ".pawl"
#define DATADIR_STORE "pawl.db"
#define DATADIR_VISIBILITY "visibility.db" /* store/visibility.h */
#define DATADIR_LOCK "lock"
#define DATADIR_CHILDREN "children" /* os/children.h */

enum {
    DATADIR_PATH_MAX = 3072
}; /* bytes of the directory's path */

enum datadir_use {
    DATADIR_READ,
    DATADIR_CHANGE, /* makes the directory when it is not there, and takes the lock */
};

struct datadir;

/* The option (--data) when given, else the environment's ($PAWL_DATA), else
 * ./.pawl. Borrows its arguments; empty stands for not given. */
struct str datadir_choose(struct str option, struct str environment);

MUST_CHECK bool datadir_open(struct str path, enum datadir_use use, struct datadir **ret_datadir,
                             struct err *reterr);

/* Gives the lock back. Accepts NULL. */
void datadir_close(struct datadir *d);

/* The pid of the process that holds its lock, as that has written it; 0: nobody, or
 * not known. */
long datadir_holder(struct str path);

/* As it was given. Borrowed. */
const char *datadir_path(const struct datadir *d);

/* The path of a file in it. Arena. */
const char *datadir_file(const struct datadir *d, struct arena *a, const char *name);

#endif
