/* What the kernel says of a process, from /proc.
 *
 * A pid alone names nobody for long: numbers are given again. A pid with the time
 * its process was started is one process of this boot.
 *
 * Threads: any. process_read and process_parse are async-signal-safe, so that a
 * child may use them between clone and exec.
 */
#ifndef PAWL_OS_PROCESS_H
#define PAWL_OS_PROCESS_H

#include "base/macros.h"
#include "base/str.h"

#include <dirent.h>
#include <sys/types.h>

#define PROCESS_SELF "/proc/self"

struct process {
    pid_t pid, group;
    bool live;        /* neither a zombie nor about to be one */
    bool has_memory;  /* not the kernel's own */
    uint64_t started; /* clock ticks since boot */
    /* Where its environment lies; 0, 0: in the middle of an exec, when /proc
     * shows none, or this user may not know. */
    uint64_t environment_start, environment_end;
};

/* A line as in /proc/PID/stat. */
MUST_CHECK bool process_parse(struct str stat, struct process *ret_process);

/* folder: "/proc/17" or, relative to proc, "17". false: there is none. */
MUST_CHECK bool process_read(int proc, const char *folder, struct process *ret_process);

/* The name of the next process in an opened /proc, or NULL. */
const char *process_next(DIR *proc);

#endif
