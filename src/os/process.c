#include "os/process.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum {
    STAT_SIZE_MAX = 1024, /* 52 numbers and a name of 64 bytes at most */
    PATH_SIZE_MAX = 300,
};

/* Of "S 1 17 17 ...", the field at `index`. */
static struct str field(struct str fields, size_t index)
{
    for (; index && fields.len; index--)
        fields = str_slice(fields, str_find_char(fields, ' ') + 1, fields.len);
    return str_slice(fields, 0, str_find_char(fields, ' '));
}

bool process_parse(struct str stat, struct process *ret_process)
{
    enum {
        STATE = 0,
        GROUP = 2,
        STARTED = 19
    };
    int64_t pid, group, started;
    /* "pid (name) state ...": the name may hold anything, even ')' */
    size_t name_end = str_rfind_char(stat, ')');
    if (name_end == SIZE_MAX)
        return false;
    struct str rest = str_slice(stat, name_end + 2, stat.len);
    struct str state = field(rest, STATE);
    if (!str_to_int64(field(stat, 0), &pid) || !str_to_int64(field(rest, GROUP), &group) ||
        !str_to_int64(field(rest, STARTED), &started) || state.len != 1)
        return false;
    *ret_process = (struct process){
        .pid = (pid_t)pid,
        .group = (pid_t)group,
        .live = state.ptr[0] != 'Z' && state.ptr[0] != 'X',
        .started = (uint64_t)started,
    };
    return true;
}

bool process_read(int proc, const char *folder, struct process *ret_process)
{
    char path[PATH_SIZE_MAX], stat[STAT_SIZE_MAX];
    int length = snprintf(path, sizeof(path), "%s/stat", folder);
    if (length < 0 || (size_t)length >= sizeof(path))
        return false;
    int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t size = read(fd, stat, sizeof(stat));
    close(fd);
    return size > 0 && process_parse(str_of(stat, (size_t)size), ret_process);
}

const char *process_next(DIR *proc)
{
    struct dirent *entry;
    do
        entry = readdir(proc);
    while (entry && (entry->d_name[0] < '1' || entry->d_name[0] > '9'));
    return entry ? entry->d_name : NULL;
}
