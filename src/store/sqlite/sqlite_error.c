#include "store/sqlite/sqlite_internal.h"

#include <stdlib.h>

static enum err_code code_of(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return ERR_DISK_FULL;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return ERR_PERMISSION;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return ERR_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_CORRUPT;
    case SQLITE_TOOBIG:
        return ERR_TOO_LARGE;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return ERR_IO;
    default:
        return ERR_INTERNAL;
    }
}

static const char *sentence(enum err_code code)
{
    if (code == ERR_DISK_FULL)
        return "the disk is full; nothing of this was kept, and all that was kept before is safe";
    if (code == ERR_PERMISSION)
        return "it can be read but not changed";
    if (code == ERR_BUSY)
        return "another process holds its lock";
    if (code == ERR_CORRUPT)
        return "a part of it is damaged";
    if (code == ERR_TOO_LARGE)
        return "a text is larger than it can hold";
    if (code == ERR_IO)
        return "the disk or the file system failed";
    return "SQLite answers what it never should";
}

bool sqlite_fail(const struct connection *c, int rc, struct err *reterr)
{
    if ((rc & 0xff) == SQLITE_NOMEM || rc == SQLITE_IOERR_NOMEM)
        panic(__FILE__, __LINE__, "out of memory");
    enum err_code code = code_of(rc);
    err_set(reterr, code, "the store %s: %s", c->path, sentence(code));
    err_detail(reterr, "SQLite %d: %s", rc, sqlite3_errmsg(c->db));
    int error = sqlite3_system_errno(c->db);
    if (error && (code == ERR_IO || code == ERR_DISK_FULL || code == ERR_PERMISSION))
        err_detail(reterr, "errno %d", error);
    return false;
}

struct err *sqlite_keep_err(const struct err *err)
{
    struct err *kept = malloc(sizeof(*kept));
    if (!kept)
        panic(__FILE__, __LINE__, "out of memory");
    *kept = *err;
    return kept;
}
