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

/* Addresses may have all 64 bits. */
static bool number(struct str fields, size_t index, uint64_t *ret_number)
{
    struct str digits = field(fields, index);
    uint64_t value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(digits.ptr[i] - '0');
    }
    *ret_number = value;
    return digits.len > 0;
}

bool process_parse(struct str stat, struct process *ret_process)
{
    enum { /* behind the name */
        STATE = 0,
        GROUP = 2,
        STARTED = 19,
        MEMORY_SIZE = 20,
        ENVIRONMENT_START = 47,
        ENVIRONMENT_END = 48,
    };
    struct process p = {0};
    uint64_t pid, group, memory_size;
    /* "pid (name) state ...": the name may hold anything, even ')' */
    size_t name_end = str_rfind_char(stat, ')');
    if (name_end == SIZE_MAX)
        return false;
    struct str rest = str_slice(stat, name_end + 2, stat.len);
    struct str state = field(rest, STATE);
    if (!number(stat, 0, &pid) || !number(rest, GROUP, &group) ||
        !number(rest, STARTED, &p.started) || !number(rest, MEMORY_SIZE, &memory_size) ||
        !number(rest, ENVIRONMENT_START, &p.environment_start) ||
        !number(rest, ENVIRONMENT_END, &p.environment_end) || state.len != 1)
        return false;
    p.pid = (pid_t)pid;
    p.group = (pid_t)group;
    p.live = state.ptr[0] != 'Z' && state.ptr[0] != 'X';
    p.has_memory = memory_size > 0;
    *ret_process = p;
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
