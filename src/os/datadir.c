#include "os/datadir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PID_TEXT_SIZE = 24
};

struct datadir {
    int lock; /* -1: only reading */
    char path[DATADIR_PATH_MAX + 1];
};

struct str datadir_choose(struct str option, struct str environment)
{
    if (!str_is_empty(option))
        return option;
    return str_is_empty(environment) ? STR(DATADIR_DEFAULT) : environment;
}

const char *datadir_path(const struct datadir *d)
{
    return d->path;
}

const char *datadir_file(const struct datadir *d, struct arena *a, const char *name)
{
    return arena_printf(a, "%s/%s", d->path, name).ptr;
}

static bool fail(const struct datadir *d, int error, const char *what, struct err *reterr)
{
    char text[128];
    const char *why = strerror_r(error, text, sizeof(text));
    if (error == EACCES || error == EPERM || error == EROFS)
        err_set(reterr, ERR_PERMISSION,
                "cannot %s the data directory %s: %s; let user %ld write there, or choose "
                "another directory with --data",
                what, d->path, why, (long)geteuid());
    else if (error == ENOSPC || error == EDQUOT)
        err_set(reterr, ERR_DISK_FULL, "cannot %s the data directory %s: %s", what, d->path, why);
    else if (error == ENOENT)
        err_set(reterr, ERR_NOT_FOUND,
                "cannot %s the data directory %s: the folder that it would lie in does not exist; "
                "make that first",
                what, d->path);
    else
        err_set(reterr, ERR_IO, "cannot %s the data directory %s: %s", what, d->path, why);
    err_detail(reterr, "errno %d", error);
    return false;
}

/* A new directory's name is durable only when its parent is synced; what will be
 * acknowledged lies below that name. */
static int sync_parent(const char *path)
{
    char parent[DATADIR_PATH_MAX + 4];
    snprintf(parent, sizeof(parent), "%s/..", path);
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == EACCES ? 0 : errno; /* may be traversed but not read: nothing to sync by */
    int error = fsync(fd) == 0 || errno == EINVAL ? 0 : errno;
    close(fd);
    return error;
}

static bool make_directory(const struct datadir *d, struct err *reterr)
{
    if (mkdir(d->path, 0700) != 0)
        return errno == EEXIST ? true : fail(d, errno, "make", reterr);
    int error = sync_parent(d->path);
    return error ? fail(d, error, "make", reterr) : true;
}

static bool check_directory(const struct datadir *d, struct err *reterr)
{
    struct stat about;
    if (stat(d->path, &about) != 0) {
        if (errno != ENOENT)
            return fail(d, errno, "read", reterr);
        return err_set(reterr, ERR_NOT_FOUND,
                       "there is no data directory %s: nothing was started there yet; choose "
                       "another with --data",
                       d->path);
    }
    if (!S_ISDIR(about.st_mode))
        return fail(d, ENOTDIR, "use", reterr);
    return access(d->path, R_OK | X_OK) == 0 ? true : fail(d, errno, "read", reterr);
}

/* 0: the holder has not written it yet, or something else is in the file. */
static long read_pid(int fd)
{
    char text[PID_TEXT_SIZE];
    ssize_t got = pread(fd, text, sizeof(text), 0);
    int64_t pid;
    if (got <= 0 || !str_to_int64(str_trim(str_of(text, (size_t)got)), &pid))
        return 0;
    return pid > 0 && pid <= INT32_MAX ? (long)pid : 0;
}

static bool refuse_busy(const struct datadir *d, int fd, struct err *reterr)
{
    char holder[PID_TEXT_SIZE + 16] = "another process";
    long pid = read_pid(fd);
    if (pid)
        snprintf(holder, sizeof(holder), "process %ld", pid);
    return err_set(reterr, ERR_BUSY,
                   "the data directory %s is in use by %s: stop it, or choose another "
                   "directory with --data",
                   d->path, holder);
}

long datadir_holder(struct str path)
{
    char file[DATADIR_PATH_MAX + sizeof("/" DATADIR_LOCK)];
    if (path.len > DATADIR_PATH_MAX)
        return 0;
    snprintf(file, sizeof(file), STR_FMT "/" DATADIR_LOCK, STR_ARG(path));
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
    long pid = fd >= 0 ? read_pid(fd) : 0;
    if (fd >= 0)
        close(fd);
    return pid;
}

/* An open file description's lock: unlike a process's, it is not lost when some
 * library opens and closes the same file, and a second opening in the same
 * process is refused too. */
static bool take_lock(struct datadir *d, struct err *reterr)
{
    char path[DATADIR_PATH_MAX + sizeof("/" DATADIR_LOCK)];
    snprintf(path, sizeof(path), "%s/" DATADIR_LOCK, d->path);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
    if (fd < 0)
        return fail(d, errno, "write in", reterr);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_OFD_SETLK, &whole) != 0) {
        if (errno == EAGAIN || errno == EACCES)
            refuse_busy(d, fd, reterr);
        else
            fail(d, errno, "lock", reterr);
        close(fd);
        return false;
    }
    char text[PID_TEXT_SIZE];
    int length = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)length, 0) != length) {
        fail(d, errno, "write in", reterr);
        close(fd);
        return false;
    }
    d->lock = fd;
    return true;
}

bool datadir_open(struct str path, enum datadir_use use, struct datadir **ret_datadir,
                  struct err *reterr)
{
    if (path.len == 0 || path.len > DATADIR_PATH_MAX)
        return err_set(reterr, ERR_TOO_LARGE,
                       "the path of the data directory must have 1 to %d bytes, and has %zu",
                       DATADIR_PATH_MAX, path.len);
    struct datadir *d = calloc(1, sizeof(*d));
    if (!d)
        panic(__FILE__, __LINE__, "out of memory");
    d->lock = -1;
    memcpy(d->path, path.ptr, path.len);
    bool ok = use == DATADIR_READ
                  ? check_directory(d, reterr)
                  : make_directory(d, reterr) && check_directory(d, reterr) && take_lock(d, reterr);
    if (!ok) {
        datadir_close(d);
        return false;
    }
    *ret_datadir = d;
    return true;
}

void datadir_close(struct datadir *d)
{
    if (!d)
        return;
    if (d->lock >= 0) {
        /* So that nobody reads the pid of a process that is gone; harmless when it fails. */
        int ignored = ftruncate(d->lock, 0);
        (void)ignored;
        close(d->lock);
    }
    free(d);
}
