#include "os/group.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Is this /proc entry a process of the group, and no zombie? */
static bool is_live_member(int proc, const char *name, pid_t group)
{
    char path[300], stat[512];
    if (name[0] < '1' || name[0] > '9')
        return false;
    snprintf(path, sizeof(path), "%s/stat", name);
    int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t size = read(fd, stat, sizeof(stat) - 1);
    close(fd);
    stat[size > 0 ? size : 0] = '\0';
    /* "pid (name) state parent group ...": the name may hold anything, even ')' */
    const char *end = strrchr(stat, ')');
    char state;
    int parent, is;
    return end && sscanf(end + 1, " %c %d %d", &state, &parent, &is) == 3 && is == group &&
           state != 'Z' && state != 'X';
}

bool group_is_alive(pid_t group)
{
    if (kill(-group, 0) != 0 && errno == ESRCH)
        return false;
    DIR *proc = opendir("/proc");
    if (!proc)
        return true;
    bool alive = false;
    for (struct dirent *entry; !alive && (entry = readdir(proc));)
        alive = is_live_member(dirfd(proc), entry->d_name, group);
    closedir(proc);
    return alive;
}
