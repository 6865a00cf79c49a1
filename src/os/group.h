/* Does anyone in a process group still live?
 *
 * A zombie does not, though kill() still finds it: an init may take seconds to
 * reap the orphans of a command. Reads /proc only when kill() finds something;
 * without /proc a zombie counts as alive. Threads: any.
 */
#ifndef PAWL_OS_GROUP_H
#define PAWL_OS_GROUP_H

#include <stdbool.h>
#include <sys/types.h>

bool group_is_alive(pid_t group);

#endif
