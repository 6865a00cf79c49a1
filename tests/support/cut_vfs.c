#include "support/cut_vfs.h"

#include "base/macros.h"
#include "base/rng.h"

#include <stdlib.h>
#include <string.h>

enum {
    TEAR_SIZE = 512, /* of a sector, the least that a disk writes at once */
    PATH_SIZE_MAX = 512,
    SHM_REGIONS_MAX = 64,
};

/* As SQLite's unix VFS says on Linux. */
#define SECTOR_SIZE 4096
#define CHARACTERISTICS SQLITE_IOCAP_POWERSAFE_OVERWRITE

/* Noon of 2025-06-15, in milliseconds of the Julian day. */
#define THE_TIME INT64_C(211800528000000)

struct bytes {
    unsigned char *at; /* malloc */
    int64_t size, capacity;
};

/* A write, or a truncation, that was not synced. */
struct change {
    struct change *next;
    bool truncates; /* to offset */
    int64_t offset, size;
    unsigned char written[];
};

/* A file, whatever its name. */
struct node {
    struct node *next;
    struct bytes now, safe;
    struct change *changes, **changes_end;
};

struct name {
    struct name *next;
    struct node *node; /* NULL, in changes of names only: removed */
    char path[PATH_SIZE_MAX];
};

struct cut_disk {
    sqlite3_vfs vfs;
    struct node *nodes;
    struct name *names, *safe_names;               /* newest first */
    struct name *name_changes, **name_changes_end; /* since the last sync of a directory */
    sqlite3 *connection;
    void *shm[SHM_REGIONS_MAX];
    struct rng rng;
    cut_moment *moment;
    void *moment_arg;
    cut_change *change;
    void *change_arg;
    uint64_t syncs, failing_sync;
    int64_t size_max;
    bool lies;
};

struct cut_file {
    sqlite3_file base;
    struct cut_disk *disk;
    struct node *node;
    bool is_database;
    bool syncs_directory; /* at its first sync */
};

static void *allocate(size_t size)
{
    void *p = calloc(1, size);
    if (!p)
        panic(__FILE__, __LINE__, "out of memory");
    return p;
}

/* ---- bytes ---- */

static void bytes_reserve(struct bytes *b, int64_t size)
{
    if (size <= b->capacity)
        return;
    b->capacity = b->at ? size + size / 2 : size;
    b->at = realloc(b->at, (size_t)b->capacity);
    if (!b->at)
        panic(__FILE__, __LINE__, "out of memory");
}

static void bytes_resize(struct bytes *b, int64_t size)
{
    bytes_reserve(b, size);
    if (size > b->size)
        memset(b->at + b->size, 0, (size_t)(size - b->size));
    b->size = size;
}

static void bytes_write(struct bytes *b, int64_t offset, const void *from, int64_t size)
{
    if (size == 0)
        return;
    if (offset > b->size)
        bytes_resize(b, offset);
    bytes_reserve(b, offset + size);
    memcpy(b->at + offset, from, (size_t)size);
    if (offset + size > b->size)
        b->size = offset + size;
}

static void bytes_copy(struct bytes *to, const struct bytes *from)
{
    bytes_resize(to, 0);
    bytes_write(to, 0, from->at, from->size);
}

/* ---- files and names ---- */

static struct node *node_new(struct cut_disk *d)
{
    struct node *n = allocate(sizeof(*n));
    n->changes_end = &n->changes;
    n->next = d->nodes;
    d->nodes = n;
    return n;
}

static void node_forget_changes(struct node *n)
{
    while (n->changes) {
        struct change *next = n->changes->next;
        free(n->changes);
        n->changes = next;
    }
    n->changes_end = &n->changes;
}

static void node_change(struct node *n, bool truncates, int64_t offset, const void *from,
                        int64_t size)
{
    struct change *c = allocate(sizeof(*c) + (size_t)size);
    c->truncates = truncates;
    c->offset = offset;
    c->size = size;
    if (size)
        memcpy(c->written, from, (size_t)size);
    *n->changes_end = c;
    n->changes_end = &c->next;
}

static struct name *name_new(const char *path, struct node *node)
{
    struct name *n = allocate(sizeof(*n));
    size_t length = strlen(path);
    ASSERT(length < PATH_SIZE_MAX);
    memcpy(n->path, path, length);
    n->node = node;
    return n;
}

static struct name **name_find(struct name **names, const char *path)
{
    while (*names && strcmp((*names)->path, path) != 0)
        names = &(*names)->next;
    return names;
}

/* node NULL: removes it. */
static void name_set(struct name **names, const char *path, struct node *node)
{
    struct name **at = name_find(names, path), *old = *at;
    if (old) {
        *at = old->next;
        free(old);
    }
    if (!node)
        return;
    struct name *n = name_new(path, node);
    n->next = *names;
    *names = n;
}

static void names_free(struct name **names)
{
    while (*names) {
        struct name *next = (*names)->next;
        free(*names);
        *names = next;
    }
}

static void change_name(struct cut_disk *d, const char *path, struct node *node)
{
    name_set(&d->names, path, node);
    *d->name_changes_end = name_new(path, node);
    d->name_changes_end = &(*d->name_changes_end)->next;
}

static void sync_names(struct cut_disk *d)
{
    for (const struct name *n = d->name_changes; n; n = n->next)
        name_set(&d->safe_names, n->path, n->node);
    names_free(&d->name_changes);
    d->name_changes_end = &d->name_changes;
}

/* ---- the cut ---- */

static void tear(const struct change *c, int64_t from, int64_t size, struct bytes *to,
                 struct rng *rng)
{
    unsigned char noise[TEAR_SIZE];
    int64_t part = (int64_t)rng_below(rng, (uint64_t)size + 1);
    switch (rng_below(rng, 3)) {
    case 0: /* its beginning */
        bytes_write(to, c->offset + from, c->written + from, part);
        break;
    case 1: /* its end */
        bytes_write(to, c->offset + from + part, c->written + from + part, size - part);
        break;
    default:
        for (int64_t i = 0; i < size; i++)
            noise[i] = (unsigned char)rng_next(rng);
        bytes_write(to, c->offset + from, noise, size);
    }
}

/* Each sector by itself; `keep` of a hundred are kept. */
static void write_some(const struct change *c, struct bytes *to, uint64_t keep, struct rng *rng)
{
    enum {
        TORN_PERCENT = 10
    };
    int64_t size;
    for (int64_t from = 0; from < c->size; from += size) {
        size = TEAR_SIZE - (c->offset + from) % TEAR_SIZE;
        if (size > c->size - from)
            size = c->size - from;
        if (rng_below(rng, 100) < TORN_PERCENT)
            tear(c, from, size, to, rng);
        else if (rng_below(rng, 100) < keep)
            bytes_write(to, c->offset + from, c->written + from, size);
    }
}

static void survive(const struct change *c, struct bytes *to, uint64_t keep, struct rng *rng)
{
    bool whole = keep == 100 || (c->truncates && rng_below(rng, 100) < keep);
    if (whole && c->truncates)
        bytes_resize(to, c->offset);
    else if (whole)
        bytes_write(to, c->offset, c->written, c->size);
    else if (!c->truncates)
        write_some(c, to, keep, rng);
}

/* A node of the new disk for one of the old. */
struct survivor {
    const struct node *old;
    struct node *survived;
};

static struct node *survivor_of(const struct survivor *survivors, size_t count,
                                const struct node *old)
{
    for (size_t i = 0; i < count; i++)
        if (survivors[i].old == old)
            return survivors[i].survived;
    UNREACHABLE("a name of no file");
}

static bool is_named(const struct name *names, const struct node *node)
{
    while (names && names->node != node)
        names = names->next;
    return names != NULL;
}

static void node_copy(const struct node *from, struct node *to)
{
    bytes_copy(&to->safe, &from->safe);
    bytes_copy(&to->now, &from->now);
    for (const struct change *c = from->changes; c; c = c->next)
        node_change(to, c->truncates, c->offset, c->written, c->size);
}

static void node_survive(const struct node *from, struct node *to, enum cut_fate fate,
                         uint64_t keep, struct rng *rng)
{
    bytes_copy(&to->safe, &from->safe);
    for (const struct change *c = from->changes; c && fate != CUT_LOST; c = c->next)
        survive(c, &to->safe, keep, rng);
    bytes_copy(&to->now, &to->safe);
}

static struct survivor *survive_all(const struct cut_disk *d, struct cut_disk *to,
                                    enum cut_fate fate, uint64_t keep, size_t *ret_count)
{
    size_t count = 0;
    for (const struct node *n = d->nodes; n; n = n->next)
        count++;
    struct survivor *survivors = allocate((count + 1) * sizeof(*survivors));
    count = 0;
    for (const struct node *n = d->nodes; n; n = n->next) {
        if (!is_named(d->safe_names, n) && !is_named(d->name_changes, n))
            continue;
        struct node *copy = node_new(to);
        survivors[count++] = (struct survivor){n, copy};
        if (fate == CUT_NOT)
            node_copy(n, copy);
        else
            node_survive(n, copy, fate, keep, &to->rng);
    }
    *ret_count = count;
    return survivors;
}

struct cut_disk *cut_disk_after(const struct cut_disk *d, enum cut_fate fate, uint64_t seed)
{
    static const uint64_t keeps[] = {10, 50, 90};
    struct cut_disk *to = cut_disk_new();
    size_t count;
    to->rng = rng_seeded(seed);
    uint64_t keep = fate == CUT_KEPT ? 100 : keeps[rng_below(&to->rng, COUNT_OF(keeps))];
    struct survivor *survivors = survive_all(d, to, fate, keep, &count);
    for (const struct name *n = d->safe_names; n; n = n->next) {
        name_set(&to->safe_names, n->path, survivor_of(survivors, count, n->node));
        name_set(&to->names, n->path, survivor_of(survivors, count, n->node));
    }
    for (const struct name *n = d->name_changes; n && fate != CUT_LOST; n = n->next)
        if (fate == CUT_NOT || rng_below(&to->rng, 100) < keep)
            change_name(to, n->path, n->node ? survivor_of(survivors, count, n->node) : NULL);
    if (fate != CUT_NOT)
        sync_names(to);
    free(survivors);
    return to;
}

/* ---- an open file ---- */

static struct cut_file *file_of(sqlite3_file *f)
{
    return (struct cut_file *)f;
}

static int file_close(sqlite3_file *base)
{
    struct cut_file *f = file_of(base);
    if (f->is_database)
        f->disk->connection = NULL;
    return SQLITE_OK;
}

static void tell_of_change(struct cut_disk *d)
{
    if (d->change)
        d->change(d->change_arg, d);
}

static int file_read(sqlite3_file *base, void *to, int size, sqlite3_int64 offset)
{
    const struct bytes *now = &file_of(base)->node->now;
    int64_t got = offset < now->size ? now->size - offset : 0;
    if (got > size)
        got = size;
    if (got)
        memcpy(to, now->at + offset, (size_t)got);
    memset((char *)to + got, 0, (size_t)(size - got));
    return got == size ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

/* How many bytes too many a file of this size would make. */
static int64_t missing_room(const struct cut_file *f, int64_t size)
{
    const struct cut_disk *d = f->disk;
    int64_t more = size - f->node->now.size, room = d->size_max - cut_disk_size(d);
    if (!d->size_max || more <= 0)
        return 0;
    return more > room ? more - (room > 0 ? room : 0) : 0;
}

/* On a full disk the beginning is written that still fits, as the system does it. */
static int file_write(sqlite3_file *base, const void *from, int size, sqlite3_int64 offset)
{
    const struct cut_file *f = file_of(base);
    int64_t missing = missing_room(f, offset + size);
    int64_t fits = missing < size ? size - missing : 0;
    tell_of_change(f->disk);
    bytes_write(&f->node->now, offset, from, fits);
    node_change(f->node, false, offset, from, fits);
    return missing ? SQLITE_FULL : SQLITE_OK;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct node *n = file_of(base)->node;
    tell_of_change(file_of(base)->disk);
    bytes_resize(&n->now, size);
    node_change(n, true, size, NULL, 0);
    return SQLITE_OK;
}

static void sync_node(struct node *n)
{
    struct rng never = {0};
    for (const struct change *c = n->changes; c; c = c->next)
        survive(c, &n->safe, 100, &never);
    node_forget_changes(n);
}

static void tell(struct cut_disk *d, bool synced)
{
    if (d->moment)
        d->moment(d->moment_arg, d, synced);
}

static int file_sync(sqlite3_file *base, int flags)
{
    struct cut_file *f = file_of(base);
    struct cut_disk *d = f->disk;
    (void)flags;
    d->syncs++;
    tell_of_change(d);
    tell(d, false);
    if (d->syncs == d->failing_sync) {
        node_forget_changes(f->node);
        return SQLITE_IOERR_FSYNC;
    }
    if (!d->lies) {
        sync_node(f->node);
        if (f->syncs_directory)
            sync_names(d);
        f->syncs_directory = false;
    }
    tell(d, true);
    return SQLITE_OK;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *ret_size)
{
    *ret_size = file_of(base)->node->now.size;
    return SQLITE_OK;
}

static int file_lock(sqlite3_file *base, int level)
{
    (void)base, (void)level;
    return SQLITE_OK;
}

static int file_check_lock(sqlite3_file *base, int *ret_reserved)
{
    (void)base;
    *ret_reserved = 0;
    return SQLITE_OK;
}

static int file_control(sqlite3_file *base, int what, void *arg)
{
    if (what != SQLITE_FCNTL_PDB || !file_of(base)->is_database)
        return SQLITE_NOTFOUND;
    file_of(base)->disk->connection = *(sqlite3 **)arg;
    return SQLITE_OK;
}

static int file_sector_size(sqlite3_file *base)
{
    (void)base;
    return SECTOR_SIZE;
}

static int file_characteristics(sqlite3_file *base)
{
    (void)base;
    return CHARACTERISTICS;
}

/* ---- shared memory, of one connection ---- */

static int shm_map(sqlite3_file *base, int region, int size, int extend, void volatile **ret_at)
{
    struct cut_disk *d = file_of(base)->disk;
    ASSERT(region < SHM_REGIONS_MAX);
    if (!d->shm[region] && extend)
        d->shm[region] = allocate((size_t)size);
    *ret_at = d->shm[region];
    return SQLITE_OK;
}

static int shm_lock(sqlite3_file *base, int offset, int count, int flags)
{
    (void)base, (void)offset, (void)count, (void)flags;
    return SQLITE_OK;
}

static void shm_barrier(sqlite3_file *base)
{
    (void)base;
}

static void shm_free(struct cut_disk *d)
{
    for (size_t i = 0; i < SHM_REGIONS_MAX; i++) {
        free(d->shm[i]);
        d->shm[i] = NULL;
    }
}

static int shm_unmap(sqlite3_file *base, int remove)
{
    (void)remove;
    shm_free(file_of(base)->disk);
    return SQLITE_OK;
}

/* ---- the file system ---- */

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_lock,
    .xCheckReservedLock = file_check_lock,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
};

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags,
                    int *ret_flags)
{
    enum {
        SYNCS_ITS_DIRECTORY = SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL
    };
    struct cut_disk *d = vfs->pAppData;
    struct name *name = path ? *name_find(&d->names, path) : NULL;
    /* The store makes its file itself, past SQLite: here it is made when it is missed. */
    bool makes = (flags & (SQLITE_OPEN_CREATE | SQLITE_OPEN_MAIN_DB)) != 0;
    base->pMethods = NULL;
    if (!name && !makes)
        return SQLITE_CANTOPEN;
    if (!name)
        tell_of_change(d);
    struct node *node = name ? name->node : node_new(d);
    if (!name && path)
        change_name(d, path, node);
    *file_of(base) = (struct cut_file){
        .base.pMethods = &methods,
        .disk = d,
        .node = node,
        .is_database = flags & SQLITE_OPEN_MAIN_DB && !d->connection,
        .syncs_directory = flags & SQLITE_OPEN_CREATE && flags & SYNCS_ITS_DIRECTORY,
    };
    if (ret_flags)
        *ret_flags = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync_directory)
{
    struct cut_disk *d = vfs->pAppData;
    if (!*name_find(&d->names, path))
        return SQLITE_IOERR_DELETE_NOENT;
    tell_of_change(d);
    change_name(d, path, NULL);
    if (sync_directory && !d->lies)
        sync_names(d);
    return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *path, int what, int *ret_yes)
{
    struct cut_disk *d = vfs->pAppData;
    (void)what;
    *ret_yes = *name_find(&d->names, path) != NULL;
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *path, int size, char *to)
{
    size_t length = strlen(path);
    (void)vfs;
    if (length >= (size_t)size)
        return SQLITE_CANTOPEN;
    memcpy(to, path, length + 1);
    return SQLITE_OK;
}

static int vfs_randomness(sqlite3_vfs *vfs, int size, char *to)
{
    struct cut_disk *d = vfs->pAppData;
    for (int i = 0; i < size; i++)
        to[i] = (char)rng_next(&d->rng);
    return size;
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds)
{
    (void)vfs;
    return microseconds;
}

static int vfs_time(sqlite3_vfs *vfs, sqlite3_int64 *ret_now)
{
    (void)vfs;
    *ret_now = THE_TIME;
    return SQLITE_OK;
}

/* ---- the disk ---- */

struct cut_disk *cut_disk_new(void)
{
    struct cut_disk *d = allocate(sizeof(*d));
    d->name_changes_end = &d->name_changes;
    d->rng = rng_seeded(1);
    d->vfs = (sqlite3_vfs){
        .iVersion = 2,
        .szOsFile = sizeof(struct cut_file),
        .mxPathname = PATH_SIZE_MAX,
        .zName = "cut",
        .pAppData = d,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xRandomness = vfs_randomness,
        .xSleep = vfs_sleep,
        .xCurrentTimeInt64 = vfs_time,
    };
    return d;
}

void cut_disk_free(struct cut_disk *d)
{
    if (!d)
        return;
    sqlite3_vfs_unregister(&d->vfs);
    names_free(&d->names);
    names_free(&d->safe_names);
    names_free(&d->name_changes);
    shm_free(d);
    while (d->nodes) {
        struct node *next = d->nodes->next;
        node_forget_changes(d->nodes);
        free(d->nodes->now.at);
        free(d->nodes->safe.at);
        free(d->nodes);
        d->nodes = next;
    }
    free(d);
}

void cut_disk_use(struct cut_disk *d)
{
    ASSERT(sqlite3_vfs_register(&d->vfs, 1) == SQLITE_OK);
}

sqlite3 *cut_disk_connection(const struct cut_disk *d)
{
    return d->connection;
}

void cut_disk_watch(struct cut_disk *d, cut_moment *moment, void *arg)
{
    d->moment = moment;
    d->moment_arg = arg;
}

void cut_disk_watch_changes(struct cut_disk *d, cut_change *change, void *arg)
{
    d->change = change;
    d->change_arg = arg;
}

bool cut_disk_has(const struct cut_disk *d, const char *path)
{
    const struct name *name = d->names;
    while (name && strcmp(name->path, path) != 0)
        name = name->next;
    return name != NULL;
}

uint64_t cut_disk_syncs(const struct cut_disk *d)
{
    return d->syncs;
}

void cut_disk_lie(struct cut_disk *d)
{
    d->lies = true;
}

void cut_disk_fail_sync(struct cut_disk *d, uint64_t number)
{
    d->failing_sync = number;
}

void cut_disk_limit(struct cut_disk *d, int64_t size_max)
{
    d->size_max = size_max;
}

int64_t cut_disk_size(const struct cut_disk *d)
{
    int64_t size = 0;
    for (const struct name *n = d->names; n; n = n->next)
        size += n->node->now.size;
    return size;
}
