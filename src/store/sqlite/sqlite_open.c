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
    "PRAGMA temp_store = MEMORY;"                                                                  \
    "PRAGMA cache_size = -32768;"

#define SETTINGS_OF_A_WRITER                                                                       \
    "PRAGMA journal_mode = WAL;"                                                                   \
    "PRAGMA synchronous = FULL;"                                                                   \
    "PRAGMA journal_size_limit = 67108864;"

/* ---- opening as a file that nobody changes ---- */

static struct file_mark mark_of(const struct stat *about)
{
    return (struct file_mark){about->st_dev, about->st_ino, about->st_size, about->st_mtim};
}

/* What lies in the WAL would be missed. */
static bool wal_is_empty(const struct sqlite_store *s)
{
    char *wal;
    if (asprintf(&wal, "%s-wal", s->path) < 0)
        panic(__FILE__, __LINE__, "out of memory");
    struct stat about;
    bool empty = stat(wal, &about) != 0 ? errno == ENOENT : about.st_size == 0;
    free(wal);
    return empty;
}

static bool unchanged(const struct sqlite_store *s)
{
    struct stat about;
    if (stat(s->path, &about) != 0 || !wal_is_empty(s))
        return false;
    struct file_mark now = mark_of(&about);
    return now.device == s->mark.device && now.number == s->mark.number &&
           now.size == s->mark.size && now.changed_at.tv_sec == s->mark.changed_at.tv_sec &&
           now.changed_at.tv_nsec == s->mark.changed_at.tv_nsec;
}

bool sqlite_check_unchanged(const struct sqlite_store *s, struct err *reterr)
{
    if (!s->immutable || unchanged(s))
        return true;
    return err_set(reterr, ERR_BUSY,
                   "the store %s was changed by another process while it was read without a lock: "
                   "read again",
                   s->path);
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

static bool connect_to(struct sqlite_store *s, const char *name, int flags, struct err *reterr)
{
    int rc =
        sqlite3_open_v2(name, &s->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (!s->db)
        panic(__FILE__, __LINE__, "out of memory");
    if (rc != SQLITE_OK)
        return sqlite_fail(s, rc, reterr);
    /* The file may come from anywhere: nothing in its schema is to be trusted. */
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    sqlite3_busy_timeout(s->db, SQLITE_STORE_BUSY_MS);
    return sqlite_run_text(s, SETTINGS_OF_A_CONNECTION, reterr);
}

static bool load(struct sqlite_store *s, struct err *reterr)
{
    return schema_read_secret(s, reterr) && statements_prepare(s, reterr);
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

/* ---- reading ---- */

static bool check_to_read(struct sqlite_store *s, struct err *reterr)
{
    enum schema_state state;
    if (!schema_check(s, &state, reterr))
        return false;
    if (state == SCHEMA_CURRENT)
        return true;
    return err_set(reterr, ERR_NOT_FOUND, "the store %s is empty: nothing was started there yet",
                   s->path);
}

/* Without the right to write beside the file there is no shared memory to lock
 * by, unless a writer has it open. Then the file can only be read as one that
 * nobody changes, provided that it holds everything. */
static bool open_immutable(struct sqlite_store *s, struct err *reterr)
{
    sqlite3_close(s->db);
    s->db = NULL;
    struct stat about;
    if (stat(s->path, &about) != 0)
        return cannot_open(s->path, errno, reterr);
    if (!wal_is_empty(s))
        return err_set(reterr, ERR_PERMISSION,
                       "the store %s has changes in %s-wal that only a user who may write there "
                       "can read: run the command as that user, or let them run any command once",
                       s->path, s->path);
    s->immutable = true;
    s->mark = mark_of(&about);
    char *uri = uri_of(s->path);
    bool ok = connect_to(s, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, reterr) &&
              check_to_read(s, reterr);
    free(uri);
    return ok;
}

static bool open_to_read(struct sqlite_store *s, struct err *reterr)
{
    if (access(s->path, R_OK) != 0)
        return cannot_open(s->path, errno, reterr);
    struct err err;
    bool ok = connect_to(s, s->path, SQLITE_OPEN_READONLY, &err) && check_to_read(s, &err);
    if (ok)
        sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    int rc = sqlite3_errcode(s->db) & 0xff;
    if (!ok && (rc == SQLITE_CANTOPEN || rc == SQLITE_READONLY))
        ok = open_immutable(s, &err);
    if (!ok)
        *reterr = err;
    return ok && load(s, reterr);
}

/* ---- writing ---- */

static int count_wal(void *arg, sqlite3 *db, const char *name, int pages)
{
    (void)db;
    (void)name;
    ((struct sqlite_store *)arg)->wal_pages = pages;
    return SQLITE_OK;
}

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

static bool read_page_size(struct sqlite_store *s, struct err *reterr)
{
    sqlite3_stmt *ask;
    int rc = sqlite3_prepare_v2(s->db, "PRAGMA page_size", -1, &ask, NULL);
    if (rc != SQLITE_OK)
        return sqlite_fail(s, rc, reterr);
    rc = sqlite3_step(ask);
    if (rc == SQLITE_ROW)
        s->page_size = sqlite3_column_int64(ask, 0);
    sqlite3_finalize(ask);
    return rc == SQLITE_ROW ? true : sqlite_fail(s, rc, reterr);
}

static bool open_to_write(struct sqlite_store *s, const uint8_t *secret, struct err *reterr)
{
    enum schema_state state;
    if (!make_file(s->path, reterr) || !connect_to(s, s->path, SQLITE_OPEN_READWRITE, reterr) ||
        !schema_check(s, &state, reterr))
        return false;
    if (state == SCHEMA_EMPTY && !sqlite_run_text(s, SETTINGS_OF_A_NEW_FILE, reterr))
        return false;
    if (!sqlite_run_text(s, SETTINGS_OF_A_WRITER, reterr))
        return false;
    if (state == SCHEMA_EMPTY && !schema_create(s, secret, reterr))
        return false;
    if (!read_page_size(s, reterr) || !load(s, reterr))
        return false;
    s->checkpoint_at_pages = SQLITE_STORE_CHECKPOINT_SIZE / s->page_size;
    sqlite3_wal_hook(s->db, count_wal, s);
    return true;
}

/* ---- the object ---- */

static void step(struct store *base, struct mono_ns now)
{
    (void)now;
    struct sqlite_store *s = (struct sqlite_store *)base;
    sqlite_commit_batch(s);
    sqlite_answer_reads(s);
}

static bool claim(struct store *base, uint32_t first, uint32_t count, uint64_t *ret_epochs,
                  struct err *reterr)
{
    return sqlite_claim((struct sqlite_store *)base, first, count, ret_epochs, reterr);
}

static void close_store(struct store *base)
{
    struct sqlite_store *s = (struct sqlite_store *)base;
    /* After an I/O error nothing more is written, the WAL least of all. */
    if (s->db && s->base.dead)
        sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    statements_finalize(s);
    sqlite3_close(s->db);
    arena_free(s->scratch);
    free(s->path);
    free(s);
}

bool sqlite_store_open(const char *path, enum sqlite_store_mode mode, const uint8_t *secret,
                       struct store **ret_store, struct err *reterr)
{
    static const struct store_ops ops = {.step = step, .claim = claim, .close = close_store};
    static const uint8_t no_secret[STORE_SECRET_SIZE];
    struct sqlite_store *s = calloc(1, sizeof(*s));
    if (!s)
        panic(__FILE__, __LINE__, "out of memory");
    store_init(&s->base, &ops, no_secret);
    s->scratch = arena_new(0);
    s->path = strdup(path);
    if (!s->path)
        panic(__FILE__, __LINE__, "out of memory");
    struct err err;
    bool ok =
        mode == SQLITE_STORE_READ_ONLY ? open_to_read(s, &err) : open_to_write(s, secret, &err);
    if (ok)
        *ret_store = &s->base;
    else
        close_store(&s->base);
    if (!ok && reterr)
        *reterr = err;
    return ok;
}
