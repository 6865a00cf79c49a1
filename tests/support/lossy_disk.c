#include "support/lossy_disk.h"

#include "base/buf.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    FILES_MAX = 16,
    KINDS_MAX = 2, /* SQLite has one for databases, which are locked, and one for others */
    SECTOR_SIZE = 512,
};

/* A write or truncation since the file's last sync. */
struct change {
    bool is_write;
    size_t offset; /* of a truncation: the new size */
    char *bytes;
    size_t size;
};

/* The methods of real files, and the same with some of ours. */
struct file_kind {
    const sqlite3_io_methods *real;
    sqlite3_io_methods ours;
};

struct lost_file {
    sqlite3_file *open; /* NULL: closed */
    const sqlite3_io_methods *real;
    bool deleted;
    char name[64];      /* the last part of its path */
    struct buf durable; /* as of its last sync */
    struct change *changes;
    size_t count, capacity;
};

struct lossy_disk {
    sqlite3_vfs vfs, *real_vfs;
    struct file_kind kinds[KINDS_MAX];
    struct lost_file files[FILES_MAX];
    size_t file_count;
    struct rng rng;
    uint64_t operations, cut_at;
    const char *to_folder;
};

/* SQLite hands a file's methods nothing but the file. */
static struct lossy_disk *the_disk;

static void need(bool fine, const char *what)
{
    if (!fine)
        panic(__FILE__, __LINE__, what);
}

static struct lost_file *find(const sqlite3_file *file)
{
    for (size_t i = 0; i < the_disk->file_count; i++)
        if (the_disk->files[i].open == file)
            return &the_disk->files[i];
    UNREACHABLE("a file that was never opened");
}

/* ---- the cut ---- */

static void resize(struct buf *image, size_t size)
{
    while (image->len < size)
        buf_append_char(image, '\0');
    image->len = size;
}

static void apply(struct buf *image, const struct change *c, size_t size)
{
    if (!c->is_write) {
        resize(image, c->offset);
        return;
    }
    if (image->len < c->offset + size)
        resize(image, c->offset + size);
    memcpy(image->ptr + c->offset, c->bytes, size);
}

static void save_what_is_left(struct lossy_disk *disk, const struct lost_file *f)
{
    struct buf image = BUF_INIT(0);
    buf_append(&image, buf_str(&f->durable));
    for (size_t i = 0; i < f->count; i++) {
        const struct change *c = &f->changes[i];
        uint64_t fate = rng_below(&disk->rng, 3);
        if (fate == 0)
            apply(&image, c, c->size);
        else if (fate == 1 && c->is_write)
            apply(&image, c, rng_below(&disk->rng, c->size / SECTOR_SIZE + 1) * SECTOR_SIZE);
    }
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", disk->to_folder, f->name);
    FILE *out = fopen(path, "w");
    need(out && fwrite(image.ptr ? image.ptr : "", 1, image.len, out) == image.len &&
             fclose(out) == 0,
         "cannot save what is left");
    buf_release(&image);
}

static void count_operation(struct lossy_disk *disk)
{
    if (++disk->operations != disk->cut_at)
        return;
    for (size_t i = 0; i < disk->file_count; i++)
        if (!disk->files[i].deleted)
            save_what_is_left(disk, &disk->files[i]);
}

bool lossy_disk_was_cut(const struct lossy_disk *disk)
{
    return disk->operations >= disk->cut_at;
}

/* ---- the methods ---- */

static void remember(struct lost_file *f, struct change change)
{
    if (f->count == f->capacity) {
        f->capacity = f->capacity ? 2 * f->capacity : 64;
        f->changes = reallocarray(f->changes, f->capacity, sizeof(*f->changes));
        need(f->changes, "out of memory");
    }
    f->changes[f->count++] = change;
}

static void forget_changes(struct lost_file *f)
{
    for (size_t i = 0; i < f->count; i++)
        free(f->changes[i].bytes);
    f->count = 0;
}

static int lossy_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset)
{
    struct lost_file *f = find(file);
    struct change c = {.is_write = true, .offset = (size_t)offset, .size = (size_t)size};
    c.bytes = malloc(c.size);
    need(c.bytes, "out of memory");
    memcpy(c.bytes, bytes, c.size);
    remember(f, c);
    count_operation(the_disk);
    return f->real->xWrite(file, bytes, size, offset);
}

static int lossy_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct lost_file *f = find(file);
    remember(f, (struct change){.offset = (size_t)size});
    count_operation(the_disk);
    return f->real->xTruncate(file, size);
}

/* Nothing of this disk is to outlive the test: no real sync is waited for. */
static int lossy_sync(sqlite3_file *file, int flags)
{
    (void)flags;
    struct lost_file *f = find(file);
    count_operation(the_disk);
    for (size_t i = 0; i < f->count; i++)
        apply(&f->durable, &f->changes[i], f->changes[i].size);
    forget_changes(f);
    return SQLITE_OK;
}

static int lossy_close(sqlite3_file *file)
{
    struct lost_file *f = find(file);
    f->open = NULL;
    return f->real->xClose(file);
}

/* The file stays the real one; only some of its methods become ours. */
static void take_over(struct lossy_disk *disk, sqlite3_file *file)
{
    struct file_kind *kind = disk->kinds;
    while (kind < disk->kinds + KINDS_MAX && kind->real && kind->real != file->pMethods)
        kind++;
    need(kind < disk->kinds + KINDS_MAX, "SQLite has more kinds of files");
    kind->real = file->pMethods;
    kind->ours = *kind->real;
    kind->ours.xWrite = lossy_write;
    kind->ours.xTruncate = lossy_truncate;
    kind->ours.xSync = lossy_sync;
    kind->ours.xClose = lossy_close;
    file->pMethods = &kind->ours;
}

static int lossy_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *out)
{
    (void)vfs;
    struct lossy_disk *disk = the_disk;
    int rc = disk->real_vfs->xOpen(disk->real_vfs, path, file, flags, out);
    if (rc != SQLITE_OK ||
        !(flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL)))
        return rc;
    need(disk->file_count < FILES_MAX, "too many files");
    struct lost_file *f = &disk->files[disk->file_count++];
    f->open = file;
    f->real = file->pMethods;
    snprintf(f->name, sizeof(f->name), "%s", strrchr(path, '/') + 1);
    take_over(disk, file);
    return rc;
}

/* What is deleted is gone at once. */
static int lossy_delete(sqlite3_vfs *vfs, const char *path, int sync)
{
    (void)vfs;
    struct lossy_disk *disk = the_disk;
    for (size_t i = 0; i < disk->file_count; i++)
        if (strcmp(disk->files[i].name, strrchr(path, '/') + 1) == 0)
            disk->files[i].deleted = true;
    return disk->real_vfs->xDelete(disk->real_vfs, path, sync);
}

/* ---- the object ---- */

struct lossy_disk *lossy_disk_new(uint64_t seed, uint64_t cut_at, const char *to_folder)
{
    need(!the_disk, "one lossy disk at a time");
    struct lossy_disk *disk = calloc(1, sizeof(*disk));
    need(disk, "out of memory");
    disk->real_vfs = sqlite3_vfs_find(NULL);
    disk->vfs = *disk->real_vfs;
    disk->vfs.zName = "lossy";
    disk->vfs.xOpen = lossy_open;
    disk->vfs.xDelete = lossy_delete;
    disk->rng = rng_seeded(seed);
    disk->cut_at = cut_at;
    disk->to_folder = to_folder;
    the_disk = disk;
    need(sqlite3_vfs_register(&disk->vfs, 1) == SQLITE_OK, "SQLite takes no VFS");
    return disk;
}

void lossy_disk_free(struct lossy_disk *disk)
{
    sqlite3_vfs_unregister(&disk->vfs);
    sqlite3_vfs_register(disk->real_vfs, 1);
    for (size_t i = 0; i < disk->file_count; i++) {
        forget_changes(&disk->files[i]);
        free(disk->files[i].changes);
        buf_release(&disk->files[i].durable);
    }
    free(disk);
    the_disk = NULL;
}
