#include "os/group.h"

#include "os/process.h"

#include <errno.h>
#include <signal.h>

bool group_is_alive(pid_t group)
{
    if (kill(-group, 0) != 0 && errno == ESRCH)
        return false;
    DIR *proc = opendir("/proc");
    if (!proc)
        return true;
    bool alive = false;
    struct process process;
    for (const char *name; !alive && (name = process_next(proc));)
        alive = process_read(dirfd(proc), name, &process) && process.live && process.group == group;
    closedir(proc);
    return alive;
}
