#include "store/sqlite/sqlite_internal.h"

#include "os/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    COPIES_MAX = 99, /* of stores of one schema, beside each other */
};

/* Where the old file is copied to. */
struct copy {
    const char *vfs;
    struct connection connection;
    char *path; /* malloc */
    int64_t schema;
    unsigned number; /* 1, 2, ... */
    bool made;       /* whole, and synced */
};

static void copy_name(struct copy *to, const char *path, unsigned number)
{
    char suffix[16] = "";
    free(to->path);
    to->number = number;
    if (number > 1)
        snprintf(suffix, sizeof(suffix), ".%u", number);
    if (asprintf(&to->path, "%s.schema-%lld%s", path, (long long)to->schema, suffix) < 0)
        panic(__FILE__, __LINE__, "out of memory");
    to->connection = (struct connection){.path = to->path};
}

static bool file_is_there(const char *vfs_name, const char *path)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(vfs_name);
    int there = 0;
    return vfs->xAccess(vfs, path, SQLITE_ACCESS_EXISTS, &there) == SQLITE_OK && there;
}

static void remove_file(const char *vfs_name, const char *path)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(vfs_name);
    vfs->xDelete(vfs, path, 0);
}

static char *journal_name(const struct copy *copy)
{
    char *name;
    if (asprintf(&name, "%s-journal", copy->path) < 0)
        panic(__FILE__, __LINE__, "out of memory");
    return name;
}

enum found {
    FOUND_NOTHING,
    FOUND_INCOMPLETE,
    FOUND_COPY,
    FOUND_OTHER, /* somebody else's file */
};

/* A copy is one transaction: while its journal is there it is not complete, and
 * before that it is empty. */
static enum found find_copy(struct copy *copy)
{
    if (!file_is_there(copy->vfs, copy->path))
        return FOUND_NOTHING;
    char *journal = journal_name(copy);
    bool complete = !file_is_there(copy->vfs, journal);
    free(journal);
    if (!complete)
        return FOUND_INCOMPLETE;
    int64_t pages = 0;
    if (connection_open_unchanging(&copy->connection, copy->vfs, NULL) &&
        connection_ask(&copy->connection, "PRAGMA page_count", &pages, NULL))
        return pages > 0 ? FOUND_COPY : FOUND_INCOMPLETE;
    return FOUND_OTHER;
}

/* Is it of this very store as it is now? Every process that writes has claimed its
 * shards before, by new epochs. */
static bool copy_is_of(struct copy *copy, struct connection *c)
{
    static const char *const marks[] = {
        "PRAGMA user_version",
        "PRAGMA page_count",
        "SELECT sum(epoch) FROM shard",
        "SELECT max(seq) FROM journal",
    };
    for (size_t i = 0; i < COUNT_OF(marks); i++) {
        int64_t ours = 0, its = 0;
        if (!connection_ask(c, marks[i], &ours, NULL) ||
            !connection_ask(&copy->connection, marks[i], &its, NULL) || ours != its)
            return false;
    }
    return true;
}

static void remove_incomplete(const struct copy *copy)
{
    char *journal = journal_name(copy);
    remove_file(copy->vfs, copy->path);
    remove_file(copy->vfs, journal);
    free(journal);
}

/* A name that is free, or whose file is already the copy. */
static bool choose_copy(struct copy *copy, struct connection *c, struct err *reterr)
{
    for (unsigned number = 1; number <= COPIES_MAX; number++) {
        copy_name(copy, c->path, number);
        enum found found = find_copy(copy);
        copy->made = found == FOUND_COPY && copy_is_of(copy, c);
        connection_release(&copy->connection);
        copy->connection.path = copy->path;
        if (found == FOUND_INCOMPLETE)
            remove_incomplete(copy);
        if (copy->made || found == FOUND_INCOMPLETE || found == FOUND_NOTHING)
            return true;
    }
    return err_set(reterr, ERR_CONFLICT,
                   "the store %s has schema %lld and is copied before it is changed, and %d copies "
                   "of older ones lie beside it: remove some of %s.schema-%lld*",
                   c->path, (long long)copy->schema, COPIES_MAX, c->path, (long long)copy->schema);
}

static bool copy_pages(struct copy *copy, struct connection *c, struct err *reterr)
{
    struct connection *to = &copy->connection;
    /* EXTRA: the journal's removal is synced as well, else it might come back and
     * undo the copy when the new schema is already there. */
    if (!connection_open_file(to, copy->vfs, reterr) ||
        !sqlite_run_text(to, "PRAGMA synchronous = EXTRA", reterr))
        return false;
    sqlite3_backup *backup = sqlite3_backup_init(to->db, "main", c->db, "main");
    if (!backup)
        return sqlite_fail(to, sqlite3_errcode(to->db), reterr);
    sqlite3_backup_step(backup, -1);
    int rc = sqlite3_backup_finish(backup);
    return rc == SQLITE_OK ? true : sqlite_fail(to, rc, reterr);
}

/* The name of a file that was not made by SQLite is not synced by SQLite alone. */
static bool sync_folder(const struct copy *copy, struct err *reterr)
{
    struct str folder = path_folder(str_of_cstr(copy->path));
    char *text = strndup(folder.ptr, folder.len);
    if (!text)
        panic(__FILE__, __LINE__, "out of memory");
    int fd = open(text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (!ok)
        err_set(reterr, ERR_IO, "cannot sync the folder of %s: %s", copy->path, strerror(errno));
    if (fd >= 0)
        close(fd);
    free(text);
    return ok;
}

static void say_what_it_was_for(const struct copy *copy, struct connection *c, struct err *reterr)
{
    int64_t pages = 0, page_size = 0;
    struct err why = *reterr;
    if (why.code != ERR_DISK_FULL || !connection_ask(c, "PRAGMA page_count", &pages, NULL) ||
        !connection_ask(c, "PRAGMA page_size", &page_size, NULL))
        return;
    err_set(reterr, ERR_DISK_FULL,
            "the store %s has schema %lld and is copied before it is brought to schema %d, and the "
            "disk has no room for the copy: free %lld MiB; nothing was changed",
            c->path, (long long)copy->schema, SQLITE_STORE_SCHEMA,
            (long long)(pages * page_size >> 20) + 1);
    err_detail(reterr, "%s; %s", copy->path, why.detail);
}

static bool copy_make(struct copy *copy, struct connection *c, struct err *reterr)
{
    if (!choose_copy(copy, c, reterr))
        return false;
    if (!copy->made) {
        bool ok = copy_pages(copy, c, reterr);
        connection_release(&copy->connection);
        if (!ok) {
            remove_incomplete(copy);
            say_what_it_was_for(copy, c, reterr);
            return false;
        }
    }
    return copy->vfs || sync_folder(copy, reterr);
}

/* What is copied is the snapshot of this transaction, and SQLite refuses to write in it
 * when somebody else wrote since: so the copy is of exactly what is changed. */
static bool migrate(struct connection *c, struct copy *copy, struct err *reterr)
{
    enum schema_state state = SCHEMA_EMPTY;
    if (!schema_check(c, &state, &copy->schema, reterr))
        return false;
    if (state == SCHEMA_CURRENT)
        return sqlite_run_text(c, "COMMIT", reterr);
    if (!copy_make(copy, c, reterr))
        return false;
    for (int64_t from = copy->schema; from < SQLITE_STORE_SCHEMA; from++)
        if (!schema_change(c, from, reterr))
            return false;
    return sqlite_run_text(c, "COMMIT", reterr);
}

bool schema_migrate(struct connection *c, const char *vfs, struct err *reterr)
{
    struct copy copy = {.vfs = vfs};
    if (!sqlite_run_text(c, "BEGIN", reterr))
        return false;
    bool ok = migrate(c, &copy, reterr);
    if (!ok && !sqlite3_get_autocommit(c->db))
        sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
    free(copy.path);
    return ok;
}
