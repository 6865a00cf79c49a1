/* A disk in memory whose power can be cut, as an SQLite VFS.
 *
 * What is written to a file stays apart until that file is synced; a name that is
 * made or removed, until its directory is. cut_disk_after gives the disk that a
 * machine finds when the power is back: of what was not synced each sector of 512
 * bytes is there, or not, or torn (a part of it, or noise where it was written),
 * and each change of a name as well, in any order. Bytes that nobody wrote to do
 * not change: that is what SQLite's own "powersafe overwrite" relies on, which is
 * on in production. Directories are synced where SQLite's unix VFS does it.
 *
 * One connection at a time uses a database of a disk, so that its locks are always
 * granted; beside the first that is open another one may be used that has no WAL.
 * Ownership: cut_disk_free, after the connection was closed. Threads: one.
 */
#ifndef PAWL_TESTS_SUPPORT_CUT_VFS_H
#define PAWL_TESTS_SUPPORT_CUT_VFS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

struct cut_disk;

struct cut_disk *cut_disk_new(void);
void cut_disk_free(struct cut_disk *d);

/* Every connection that is opened from now on, by a path alone, is to this disk. */
void cut_disk_use(struct cut_disk *d);

/* The open connection, the first of two; NULL: none. */
sqlite3 *cut_disk_connection(const struct cut_disk *d);

/* ---- power ---- */

/* Called just before (synced is false) and just after each sync of a file. */
typedef void cut_moment(void *arg, struct cut_disk *d, bool synced);
void cut_disk_watch(struct cut_disk *d, cut_moment *moment, void *arg);

/* Called just before anything is written, made, removed, made shorter or synced. */
typedef void cut_change(void *arg, struct cut_disk *d);
void cut_disk_watch_changes(struct cut_disk *d, cut_change *change, void *arg);

enum cut_fate { /* of what was not synced */
    CUT_LOST,
    CUT_KEPT,
    CUT_MIXED, /* each sector and name by itself, as the seed decides */
    CUT_NOT,   /* no cut: only the process died, and what was not synced still is not */
};

/* Another disk, owned; `d` stays as it is. */
struct cut_disk *cut_disk_after(const struct cut_disk *d, enum cut_fate fate, uint64_t seed);

/* Is there a file of that name? */
bool cut_disk_has(const struct cut_disk *d, const char *path);

/* Syncs of files so far, those that failed or lied among them. */
uint64_t cut_disk_syncs(const struct cut_disk *d);

/* ---- failures ---- */

/* From now on syncs say that they are done, and do nothing. */
void cut_disk_lie(struct cut_disk *d);

/* The sync with this number (the first is 1) fails; 0: none. As on Linux, what it
 * should have synced can still be read, and no later sync writes it. */
void cut_disk_fail_sync(struct cut_disk *d, uint64_t number);

/* All files together may have so many bytes; 0: any. */
void cut_disk_limit(struct cut_disk *d, int64_t size_max);
int64_t cut_disk_size(const struct cut_disk *d);

#endif
