#include "net/unix_address.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static bool fail(const char *path, struct err *reterr)
{
    int number = errno;
    enum err_code code = number == ENOENT || number == ENOTDIR ? ERR_NOT_FOUND
                         : number == EACCES || number == EPERM ? ERR_PERMISSION
                                                               : ERR_IO;
    err_set(reterr, code, "cannot reach the folder of %s", path);
    err_detail(reterr, "%s", strerror(number));
    return false;
}

bool unix_address_of(const char *path, struct unix_address *ret, struct err *reterr)
{
    struct unix_address a = {.folder = -1};
    struct str whole = str_of_cstr(path);
    if (whole.len < sizeof(a.path)) {
        memcpy(a.path, path, whole.len + 1);
        *ret = a;
        return true;
    }
    size_t slash = str_rfind_char(whole, '/');
    size_t name = slash == SIZE_MAX ? 0 : slash + 1;
    char folder[4096];
    if (slash == SIZE_MAX || slash >= sizeof(folder))
        return err_set(reterr, ERR_TOO_LARGE, "the path of the socket is too long: %s", path);
    memcpy(folder, path, slash);
    folder[slash] = '\0';
    a.folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (a.folder < 0)
        return fail(path, reterr);
    int len = snprintf(a.path, sizeof(a.path), "/proc/self/fd/%d/%s", a.folder, path + name);
    if (len < 0 || (size_t)len >= sizeof(a.path)) {
        unix_address_release(&a);
        return err_set(reterr, ERR_TOO_LARGE, "the name of the socket is too long: %s",
                       path + name);
    }
    *ret = a;
    return true;
}

void unix_address_release(struct unix_address *a)
{
    int kept = errno;
    if (a->folder >= 0)
        close(a->folder);
    a->folder = -1;
    errno = kept;
}
