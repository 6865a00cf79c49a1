/* The commands that run now, known to the process that comes after this one.
 *
 * A command lives on when Pawl is killed. So that it never runs beside its own
 * second start, each is noted in a file before it begins; whoever opens the file
 * next ends what is left of those noted and only then starts anything.
 *
 * Shape: a text of lines of CHILDREN_LINE_SIZE bytes, padded with blanks:
 *     PID STARTED BOOT MARK KEY
 * the process and group id, its start in clock ticks since boot, the boot's id,
 * the 32 hexadecimal digits that the command's environment carries as
 * PAWL_TASK_MARK, and what it is called in messages. A line of blanks is free.
 * Nothing is synced: what the kernel has taken survives Pawl, and a power cut
 * ends the commands as well.
 *
 * What is ended, by SIGKILL: the group of a process that was started at that time
 * in this boot, and every process of this user that carries the mark, whatever
 * group or session it moved to. A number that was given to another process is
 * left alone. A line that cannot be read is counted and dropped.
 *
 * Errors of opening: BUSY (something noted does not end, or this very process
 * belongs to it), PERMISSION, DISK_FULL, IO. Each says which process or file. The
 * file is then as it was.
 * Ownership: children_close. Threads: one at a time. Linux with /proc.
 * See docs/adr/0010-commands-in-flight.md.
 */
#ifndef PAWL_OS_CHILDREN_H
#define PAWL_OS_CHILDREN_H

#include "base/arena.h"
#include "base/err.h"

#define CHILDREN_MARK_NAME "PAWL_TASK_MARK"

enum {
    CHILDREN_MAX = 4608,          /* at once */
    CHILDREN_LINE_SIZE = 256,     /* divides a page, so that a line is written whole */
    CHILDREN_KEY_SIZE_MAX = 64,   /* bytes */
    CHILDREN_MARK_SIZE = 32,      /* bytes, without NUL */
    CHILDREN_END_WAIT_MS = 10000, /* for a killed process to be gone */
};

struct children;

/* What opening found of an earlier process. */
struct children_found {
    size_t ended;      /* commands of which something still lived */
    size_t unreadable; /* lines */
};

/* Makes the file when it is not there. Waits while a child of a killed Pawl has
 * not become its program yet: it holds a lock on the file until then. The owner
 * of the file's folder lets only one process come here (os/datadir.h). */
MUST_CHECK bool children_open(const char *path, struct children_found *ret_found,
                              struct children **ret_children, struct err *reterr);

/* Removes the file when nothing is noted in it. Accepts NULL. */
void children_close(struct children *c);

/* Whether one more can be taken. */
bool children_have_room(const struct children *c);

/* Reserves a line and gives its mark anew. key has no blanks and at most
 * CHILDREN_KEY_SIZE_MAX bytes. At most CHILDREN_MAX are taken at once (asserted). */
size_t children_take(struct children *c, struct str key);

/* CHILDREN_MARK_SIZE bytes. Borrowed until the slot is taken again. */
struct str children_mark(const struct children *c, size_t slot);

/* Writes the line with the calling process, which is the child between clone and
 * exec: async-signal-safe, changes no memory. 0, or an errno value. */
MUST_CHECK int children_note_self(const struct children *c, size_t slot);

/* Its group is gone, or it never began. */
void children_give_back(struct children *c, size_t slot);

/* Of the file; the child keeps it open until exec. */
int children_descriptor(const struct children *c);

#endif
