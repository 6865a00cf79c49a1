#include "os/files.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    READ_SIZE = 64 << 10
};

static bool fail(struct err *reterr, int error, const char *what, const char *name)
{
    enum err_code code = ERR_IO;
    if (error == ENOENT || error == ENOTDIR)
        code = ERR_NOT_FOUND;
    else if (error == EACCES || error == EPERM)
        code = ERR_PERMISSION;
    char text[128];
    err_set(reterr, code, "cannot %s %s: %s", what, name, strerror_r(error, text, sizeof(text)));
    err_detail(reterr, "errno %d", error);
    return false;
}

/* One byte more than the limit is asked for, so that a text of just the limit
 * is told from a longer one. */
static bool read_into(struct buf *b, int fd, const char *name, size_t size_max, struct err *reterr)
{
    for (;;) {
        size_t left = size_max + 1 - b->len;
        size_t size = left < READ_SIZE ? left : READ_SIZE;
        ssize_t got = read(fd, buf_reserve(b, size), size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(reterr, errno, "read", name);
        if (got == 0)
            return true;
        b->len += (size_t)got;
        if (b->len > size_max)
            return err_set(reterr, ERR_TOO_LARGE, "%s is larger than the limit of %zu bytes", name,
                           size_max);
    }
}

bool file_read_fd(struct arena *a, int fd, const char *name, size_t size_max, struct str *ret_text,
                  struct err *reterr)
{
    struct buf b = BUF_INIT(0);
    bool ok = read_into(&b, fd, name, size_max, reterr);
    if (ok)
        *ret_text = str_of(arena_cstr(a, buf_str(&b)), b.len);
    buf_release(&b);
    return ok;
}

bool file_read(struct arena *a, const char *path, size_t size_max, struct str *ret_text,
               struct err *reterr)
{
    if (strcmp(path, "-") == 0)
        return file_read_fd(a, STDIN_FILENO, "standard input", size_max, ret_text, reterr);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return fail(reterr, errno, "open", path);
    bool ok = file_read_fd(a, fd, path, size_max, ret_text, reterr);
    close(fd);
    return ok;
}

bool path_absolute(struct arena *a, struct str path, struct str *ret_path, struct err *reterr)
{
    if (path.len && path.ptr[0] == '/') {
        *ret_path = arena_str(a, path);
        return true;
    }
    char here[PATH_MAX];
    if (!getcwd(here, sizeof(here)))
        return fail(reterr, errno, "find", "the working directory");
    if (path.len == 0 || str_eq(path, STR(".")))
        *ret_path = arena_str(a, str_of_cstr(here));
    else
        *ret_path = arena_printf(a, "%s/" STR_FMT, here[1] ? here : "", STR_ARG(path));
    return true;
}

struct str path_folder(struct str path)
{
    size_t slash = str_rfind_char(path, '/');
    if (slash == SIZE_MAX)
        return STR(".");
    while (slash > 0 && path.ptr[slash - 1] == '/')
        slash--;
    return slash ? str_slice(path, 0, slash) : STR("/");
}
