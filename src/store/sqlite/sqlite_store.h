/* The embedded store: one SQLite file, in WAL mode, durable at every commit.
 *
 * All commits that wait become one transaction with one fsync; one that is refused
 * is rolled back alone. A full disk, a lock or a file that became read-only refuses
 * the whole transaction and the store lives on; an I/O error ends it (store.h).
 *
 * With threads one commits and one reads: while the disk is synced the next batch
 * fills, and store_step waits for neither. Without, both happen inside store_step,
 * in its thread and on one connection: for tests and for programs that end soon.
 *
 * One process writes (os/datadir.h has the lock), any number may read beside it.
 * A reader sees what was committed when each of its reads began. Where it may
 * not write beside the file (SQLite's shared memory), it reads the file as one
 * that nobody changes; when somebody does, the read fails with BUSY.
 *
 * A file of an older schema is brought forward when it is opened for change, after a
 * copy of it was made beside it, "<path>.schema-<its schema>"; it cannot be opened for
 * reading before (OLDER_SCHEMA).
 *
 * The file opens with plain sqlite3; what a column means stands in its schema.
 * Errors of opening: NOT_FOUND (reading what is not there), PERMISSION, BUSY,
 * OLDER_SCHEMA, NEWER_SCHEMA, CORRUPT (or no store at all), DISK_FULL, IO.
 * Source: docs/adr/0005-store.md.
 */
#ifndef PAWL_STORE_SQLITE_SQLITE_STORE_H
#define PAWL_STORE_SQLITE_SQLITE_STORE_H

#include "store/store.h"

enum {
    SQLITE_STORE_SCHEMA = 3,                  /* PRAGMA user_version */
    SQLITE_STORE_APPLICATION_ID = 0x5041574c, /* PRAGMA application_id: "PAWL" */
    SQLITE_STORE_BATCH_COMMITS_MAX = 1024,    /* in one transaction */
    SQLITE_STORE_BATCH_SIZE_MAX =
        16 << 20, /* bytes of bodies in one transaction, one commit at least */
    SQLITE_STORE_CHECKPOINT_SIZE = 16 << 20, /* bytes of WAL that are then moved to the file */
    SQLITE_STORE_WAL_SIZE_MAX = 256 << 20,   /* above it, writing waits for readers to move on, */
    SQLITE_STORE_READERS_WAIT_MS = 250,      /* so long: none of ours reads for 100 ms at a time */
    SQLITE_STORE_BUSY_MS = 2000,             /* how long another process's lock is waited for */
};

enum sqlite_store_mode {
    SQLITE_STORE_READ_ONLY,
    SQLITE_STORE_READ_WRITE, /* makes the file, mode 0600, when it is not there */
};

struct sqlite_store_options {
    enum sqlite_store_mode mode;
    const uint8_t *secret; /* what a new store keeps as its secret; may be NULL otherwise */
    const char *vfs;       /* the name of a registered SQLite VFS; NULL: SQLite's own */
    const char *views;     /* SQL text of views for people, kept in a store that is opened for
                            * change: run whenever it differs from the last one; NULL: none */
    bool threads;
};

/* Everything is borrowed during the call. Owned: store_close. */
MUST_CHECK bool sqlite_store_open_with(const char *path, const struct sqlite_store_options *options,
                                       struct store **ret_store, struct err *reterr);

/* Without threads, on SQLite's own VFS. */
MUST_CHECK bool sqlite_store_open(const char *path, enum sqlite_store_mode mode,
                                  const uint8_t *secret, struct store **ret_store,
                                  struct err *reterr);

#endif
