#include "os/stale.h"

#include "base/buf.h"
#include "os/children.h"
#include "os/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    INTERVAL_MS = 2,
    EXEC_WAIT_MS = 1000,            /* for programs in the middle of an exec */
    ENVIRONMENT_SIZE_MAX = 8 << 20, /* the kernel's own limit is lower */
    READ_SIZE = 16 << 10,
};

struct sweep {
    struct stale *items;
    size_t count;
    DIR *proc;
    struct buf environment;
    size_t hidden; /* processes in the middle of an exec */
    /* Of the last one found alive, or the first that may not be ended: */
    pid_t pid;
    const struct stale *of;
    int error; /* errno of killing it, or 0 */
};

/* ---- whose it is ---- */

static struct stale *by_mark(struct sweep *s, struct str mark)
{
    for (size_t i = 0; i < s->count; i++)
        if (str_eq(s->items[i].mark, mark))
            return &s->items[i];
    return NULL;
}

static struct stale *by_group(struct sweep *s, pid_t group)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->items[i].group_ours && s->items[i].pid == group)
            return &s->items[i];
    return NULL;
}

/* A Pawl that was itself started by a command hands its own mark on before that
 * of its commands, so the list names all the commands it stands below. */
static struct stale *by_marks(struct sweep *s, struct str marks)
{
    for (size_t at = 0; at < marks.len;) {
        struct str rest = str_slice(marks, at, marks.len);
        struct str mark = str_slice(rest, 0, str_find_char(rest, ' '));
        struct stale *item = by_mark(s, mark);
        if (item)
            return item;
        at += mark.len + 1;
    }
    return NULL;
}

static struct stale *by_environment(struct sweep *s, struct str environment)
{
    static const struct str prefix = STR_INIT(CHILDREN_MARK_NAME "=");
    for (size_t at = 0; at < environment.len;) {
        struct str rest = str_slice(environment, at, environment.len);
        struct str entry = str_slice(rest, 0, str_find_char(rest, '\0'));
        if (str_starts_with(entry, prefix))
            return by_marks(s, str_slice(entry, prefix.len, entry.len));
        at += entry.len + 1;
    }
    return NULL;
}

/* false: it is another user's, or is gone. */
static bool read_environment(struct sweep *s, const char *folder)
{
    char path[300];
    snprintf(path, sizeof(path), "%s/environ", folder);
    struct stat about;
    int fd = openat(dirfd(s->proc), path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    buf_clear(&s->environment);
    ssize_t got = fstat(fd, &about) == 0 && about.st_uid == geteuid() ? 1 : 0;
    while (got > 0) {
        char *to = buf_reserve(&s->environment, READ_SIZE);
        got = to ? read(fd, to, READ_SIZE) : 0;
        if (got > 0)
            s->environment.len += (size_t)got;
    }
    close(fd);
    return s->environment.len > 0;
}

static bool is_first_process_there(const struct sweep *s, const struct stale *item)
{
    char name[16];
    struct process process;
    snprintf(name, sizeof(name), "%d", (int)item->pid);
    return process_read(dirfd(s->proc), name, &process) && process.started == item->started;
}

/* ---- one look at all processes ---- */

/* A number stays a group's as long as it has a member, so it is enough to have
 * known it and to have seen a member ever since. */
static void know_groups(struct sweep *s)
{
    for (size_t i = 0; i < s->count; i++) {
        struct stale *item = &s->items[i];
        item->group_ours =
            (item->group_ours && item->group_seen) || is_first_process_there(s, item);
        item->group_seen = false;
    }
}

/* Also those that were started while one after another was ended. */
static void end_groups(const struct sweep *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->items[i].group_seen)
            kill(-s->items[i].pid, SIGKILL);
}

/* While a process becomes another program there is a moment when its environment
 * is nowhere to be read; an empty one has a place all the same. */
static bool is_hidden(const struct sweep *s, const char *name)
{
    struct stat about;
    struct process p;
    return fstatat(dirfd(s->proc), name, &about, 0) == 0 && about.st_uid == geteuid() &&
           process_read(dirfd(s->proc), name, &p) && p.live && p.has_memory &&
           (p.environment_end == 0 || p.environment_start != p.environment_end);
}

static struct stale *owner_of(struct sweep *s, const char *name, const struct process *process)
{
    struct stale *item = by_group(s, process->group);
    if (item)
        return item;
    if (read_environment(s, name))
        return by_environment(s, buf_str(&s->environment));
    s->hidden += is_hidden(s, name);
    return NULL;
}

/* Does it live and is it one of those? Then it gets SIGKILL: through a descriptor
 * opened before the look, so that no other process gets it when this one ends
 * meanwhile and its number is given again. */
static bool end_process(struct sweep *s, const char *name, pid_t pid)
{
    struct process process;
    struct stale *item = NULL;
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0)
        return false;
    if (process_read(dirfd(s->proc), name, &process) && process.live)
        item = owner_of(s, name, &process);
    if (item) {
        item->lived = true;
        if (process.group == item->pid)
            item->group_ours = item->group_seen = true;
        int error = syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) == 0 ? 0 : errno;
        if (s->error != EPERM) { /* else that one is to be told of */
            s->pid = pid;
            s->of = item;
            s->error = error;
        }
    }
    close(pidfd);
    return item != NULL;
}

/* How many were found alive. */
static size_t sweep(struct sweep *s)
{
    size_t live = 0;
    int64_t pid;
    s->hidden = 0;
    know_groups(s);
    rewinddir(s->proc);
    for (const char *name; (name = process_next(s->proc));)
        if (str_to_int64(str_of_cstr(name), &pid) && end_process(s, name, (pid_t)pid))
            live++;
    end_groups(s);
    return live;
}

/* ---- until none is left ---- */

static bool refuse_self(const struct stale *item, struct err *reterr)
{
    return err_set(reterr, ERR_BUSY,
                   "this process belongs to a command that an earlier pawl left running (process "
                   "%d, task " STR_FMT ") and that must be ended first: start pawl from elsewhere",
                   (int)item->pid, STR_ARG(item->key));
}

/* To end a command that started this very process would end this one too. */
static bool check_self(struct sweep *s, struct err *reterr)
{
    struct process self;
    if (!process_read(dirfd(s->proc), "self", &self))
        return err_set(reterr, ERR_IO, "cannot read /proc/self: is /proc mounted?");
    struct stale *item = NULL;
    for (size_t i = 0; i < s->count && !item; i++)
        if (s->items[i].pid == self.group && is_first_process_there(s, &s->items[i]))
            item = &s->items[i];
    if (!item && read_environment(s, "self"))
        item = by_environment(s, buf_str(&s->environment));
    return item ? refuse_self(item, reterr) : true;
}

static bool refuse_stubborn(const struct sweep *s, struct err *reterr)
{
    bool denied = s->error == EPERM;
    err_set(reterr, denied ? ERR_PERMISSION : ERR_BUSY,
            "process %d of task " STR_FMT ", which an earlier pawl left running, %s: "
            "end it, then try again",
            (int)s->pid, STR_ARG(s->of->key),
            denied ? "may not be ended by this user" : "does not end");
    err_detail(reterr, "errno %d", s->error);
    return false;
}

static bool end_all(struct sweep *s, struct err *reterr)
{
    const uint64_t begun_ns = clock_mono().ns;
    if (!check_self(s, reterr))
        return false;
    for (;;) {
        size_t live = sweep(s);
        uint64_t waited_ms = (clock_mono().ns - begun_ns) / 1000000;
        if (live && (s->error == EPERM || waited_ms > CHILDREN_END_WAIT_MS))
            return refuse_stubborn(s, reterr);
        if (!live && (!s->hidden || waited_ms > EXEC_WAIT_MS))
            return true;
        nanosleep(&(struct timespec){.tv_nsec = INTERVAL_MS * 1000000}, NULL);
    }
}

bool stale_end(struct stale *items, size_t count, struct err *reterr)
{
    struct sweep s = {.items = items,
                      .count = count,
                      .proc = opendir("/proc"),
                      .environment = BUF_INIT(ENVIRONMENT_SIZE_MAX)};
    if (!s.proc)
        return err_set(reterr, ERR_IO, "cannot read /proc: is it mounted?");
    bool ok = end_all(&s, reterr);
    buf_release(&s.environment);
    closedir(s.proc);
    return ok;
}
