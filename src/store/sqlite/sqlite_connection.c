#include "store/sqlite/sqlite_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Fixed at creation, measured in docs/adr/0005-store.md. */
#define SETTINGS_OF_A_NEW_FILE                                                                     \
    "PRAGMA page_size = 4096;"                                                                     \
    "PRAGMA auto_vacuum = INCREMENTAL;"

#define SETTINGS_OF_A_CONNECTION                                                                   \
    "PRAGMA cell_size_check = ON;"                                                                 \
    "PRAGMA mmap_size = 0;"                                                                        \
    "PRAGMA temp_store = MEMORY;"

/* The cache is most of what the process holds while a million executions wait; larger ones
 * were no faster (docs/adr/0005-store.md), since the system has the file in memory as well. */
#define SETTINGS_OF_A_WRITER                                                                       \
    "PRAGMA journal_mode = WAL;"                                                                   \
    "PRAGMA synchronous = FULL;"                                                                   \
    "PRAGMA journal_size_limit = 67108864;"                                                        \
    "PRAGMA cache_size = -8192;"

/* Each commit of the writer empties a reader's cache: a large one would be of no use. */
#define SETTINGS_OF_A_READER "PRAGMA cache_size = -4096;"

/* ---- opening as a file that nobody changes ---- */

static struct file_mark mark_of(const struct stat *about)
{
    return (struct file_mark){about->st_dev, about->st_ino, about->st_size, about->st_mtim};
}

/* What lies in the WAL would be missed. */
static bool wal_is_empty(const struct connection *c)
{
    char *wal;
    if (asprintf(&wal, "%s-wal", c->path) < 0)
        panic(__FILE__, __LINE__, "out of memory");
    struct stat about;
    bool empty = stat(wal, &about) != 0 ? errno == ENOENT : about.st_size == 0;
    free(wal);
    return empty;
}

static bool unchanged(const struct connection *c)
{
    struct stat about;
    if (stat(c->path, &about) != 0 || !wal_is_empty(c))
        return false;
    struct file_mark now = mark_of(&about);
    return now.device == c->mark.device && now.number == c->mark.number &&
           now.size == c->mark.size && now.changed_at.tv_sec == c->mark.changed_at.tv_sec &&
           now.changed_at.tv_nsec == c->mark.changed_at.tv_nsec;
}

bool connection_check_unchanged(const struct connection *c, struct err *reterr)
{
    if (!c->immutable || unchanged(c))
        return true;
    return err_set(reterr, ERR_BUSY,
                   "the store %s was changed by another process while it was read without a lock: "
                   "read again",
                   c->path);
}

/* "file:" URI of the path: every byte but the plainest is escaped. */
static char *uri_of(const char *path)
{
    static const char scheme[] = "file:", query[] = "?immutable=1", digits[] = "0123456789abcdef";
    char *uri = malloc(sizeof(scheme) + 3 * strlen(path) + sizeof(query));
    if (!uri)
        panic(__FILE__, __LINE__, "out of memory");
    char *to = stpcpy(uri, scheme);
    for (const char *c = path; *c; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                     (*c >= '0' && *c <= '9') || strchr("/._-", *c);
        *to++ = plain ? *c : '%';
        if (!plain) {
            *to++ = digits[(unsigned char)*c >> 4];
            *to++ = digits[(unsigned char)*c & 15];
        }
    }
    stpcpy(to, query);
    return uri;
}

/* ---- the connection ---- */

static bool connect_to(struct connection *c, const char *name, const char *vfs, int flags,
                       struct err *reterr)
{
    int rc =
        sqlite3_open_v2(name, &c->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs);
    if (!c->db)
        panic(__FILE__, __LINE__, "out of memory");
    if (rc != SQLITE_OK)
        return sqlite_fail(c, rc, reterr);
    /* The file may come from anywhere: nothing in its schema is to be trusted. */
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    sqlite3_busy_timeout(c->db, SQLITE_STORE_BUSY_MS);
    return sqlite_run_text(c, SETTINGS_OF_A_CONNECTION, reterr);
}

static bool cannot_open(const char *path, int error, struct err *reterr)
{
    char text[128];
    const char *why = strerror_r(error, text, sizeof(text));
    if (error == ENOENT)
        err_set(reterr, ERR_NOT_FOUND, "there is no store %s: nothing was started there yet", path);
    else if (error == EACCES || error == EPERM || error == EROFS)
        err_set(reterr, ERR_PERMISSION,
                "cannot open the store %s: %s; let user %ld use it, or choose another data "
                "directory",
                path, why, (long)geteuid());
    else
        err_set(reterr, error == ENOSPC ? ERR_DISK_FULL : ERR_IO, "cannot open the store %s: %s",
                path, why);
    err_detail(reterr, "errno %d", error);
    return false;
}

bool connection_open_unchanging(struct connection *c, const char *vfs, struct err *reterr)
{
    char *uri = uri_of(c->path);
    bool ok = connect_to(c, uri, vfs, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, reterr);
    free(uri);
    return ok;
}

/* ---- reading ---- */

static bool check_to_read(struct connection *c, struct err *reterr)
{
    enum schema_state state = SCHEMA_EMPTY;
    int64_t version = 0;
    if (!schema_check(c, &state, &version, reterr))
        return false;
    if (state == SCHEMA_CURRENT)
        return true;
    if (state == SCHEMA_OLD)
        return err_set(reterr, ERR_OLDER_SCHEMA,
                       "the store %s has schema %lld and this release of Pawl reads schema %d: "
                       "stop what still writes to it, and run the command again as a user who may "
                       "change it, which brings it forward and keeps a copy of the old file",
                       c->path, (long long)version, SQLITE_STORE_SCHEMA);
    return err_set(reterr, ERR_NOT_FOUND, "the store %s is empty: nothing was started there yet",
                   c->path);
}

/* Without the right to write beside the file there is no shared memory to lock
 * by, unless a writer has it open. Then the file can only be read as one that
 * nobody changes, provided that it holds everything. */
static bool open_immutable(struct connection *c, const char *vfs, struct err *reterr)
{
    sqlite3_close(c->db);
    c->db = NULL;
    struct stat about;
    if (stat(c->path, &about) != 0)
        return cannot_open(c->path, errno, reterr);
    if (!wal_is_empty(c))
        return err_set(reterr, ERR_PERMISSION,
                       "the store %s has changes in %s-wal that only a user who may write there "
                       "can read: run the command as that user, or let them run any command once",
                       c->path, c->path);
    c->immutable = true;
    c->mark = mark_of(&about);
    return connection_open_unchanging(c, vfs, reterr) && check_to_read(c, reterr);
}

bool connection_open_reader(struct connection *c, const char *vfs, struct err *reterr)
{
    if (!vfs && access(c->path, R_OK) != 0)
        return cannot_open(c->path, errno, reterr);
    struct err err;
    bool ok = connect_to(c, c->path, vfs, SQLITE_OPEN_READONLY, &err) && check_to_read(c, &err);
    if (ok)
        connection_write_no_more(c);
    int rc = sqlite3_errcode(c->db) & 0xff;
    if (!ok && (rc == SQLITE_CANTOPEN || rc == SQLITE_READONLY))
        ok = open_immutable(c, vfs, &err);
    if (!ok)
        *reterr = err;
    return ok && sqlite_run_text(c, SETTINGS_OF_A_READER, reterr) && statements_prepare(c, reterr);
}

/* ---- writing ---- */

/* Made here and not by SQLite, so that nobody else can read it. An existing one
 * is not even opened: closing a descriptor drops the locks that another
 * connection of this process has on the file. */
static bool make_file(const char *path, struct err *reterr)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) {
        close(fd);
        return true;
    }
    if (errno != EEXIST || access(path, R_OK | W_OK) != 0)
        return cannot_open(path, errno, reterr);
    return true;
}

bool connection_open_file(struct connection *c, const char *vfs, struct err *reterr)
{
    int flags = SQLITE_OPEN_READWRITE | (vfs ? SQLITE_OPEN_CREATE : 0);
    return (vfs || make_file(c->path, reterr)) && connect_to(c, c->path, vfs, flags, reterr);
}

bool connection_open_writer(struct connection *c, const char *vfs, const uint8_t *secret,
                            struct err *reterr)
{
    enum schema_state state = SCHEMA_EMPTY;
    int64_t version = 0;
    if (!connection_open_file(c, vfs, reterr) || !schema_check(c, &state, &version, reterr))
        return false;
    if (state == SCHEMA_EMPTY && !sqlite_run_text(c, SETTINGS_OF_A_NEW_FILE, reterr))
        return false;
    if (!sqlite_run_text(c, SETTINGS_OF_A_WRITER, reterr))
        return false;
    if (state == SCHEMA_EMPTY && !schema_create(c, secret, reterr))
        return false;
    if (state == SCHEMA_OLD && !schema_migrate(c, vfs, reterr))
        return false;
    return statements_prepare(c, reterr);
}

void connection_write_no_more(struct connection *c)
{
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

void connection_release(struct connection *c)
{
    statements_finalize(c);
    sqlite3_close(c->db);
    *c = (struct connection){0};
}

bool connection_ask(struct connection *c, const char *sql, int64_t *ret_value, struct err *reterr)
{
    sqlite3_stmt *statement;
    int rc = sqlite3_prepare_v2(c->db, sql, -1, &statement, NULL);
    if (rc != SQLITE_OK)
        return sqlite_fail(c, rc, reterr);
    rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        *ret_value = sqlite3_column_int64(statement, 0);
    else
        sqlite_fail(c, rc, reterr);
    sqlite3_finalize(statement);
    return rc == SQLITE_ROW;
}
