#include "support/gate_vfs.h"

#include <pthread.h>
#include <sqlite3.h>

static struct {
    sqlite3_vfs vfs, *real;
    sqlite3_io_methods methods;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool closed, broken;
    size_t waiting, passed;
} gate = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

struct gate_file {
    sqlite3_file base;
    bool is_wal;
    sqlite3_file *real; /* behind this */
};

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct gate_file *)file)->real;
}

/* ---- the gate ---- */

static int pass(void)
{
    pthread_mutex_lock(&gate.mutex);
    gate.waiting++;
    pthread_cond_broadcast(&gate.changed);
    while (gate.closed)
        pthread_cond_wait(&gate.changed, &gate.mutex);
    gate.waiting--;
    gate.passed++;
    bool broken = gate.broken;
    pthread_mutex_unlock(&gate.mutex);
    return broken ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static void set_closed(bool closed)
{
    pthread_mutex_lock(&gate.mutex);
    gate.closed = closed;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.mutex);
}

void gate_close(void)
{
    set_closed(true);
}

void gate_open(void)
{
    set_closed(false);
}

void gate_wait_for_sync(void)
{
    pthread_mutex_lock(&gate.mutex);
    while (gate.waiting == 0)
        pthread_cond_wait(&gate.changed, &gate.mutex);
    pthread_mutex_unlock(&gate.mutex);
}

size_t gate_syncs(void)
{
    pthread_mutex_lock(&gate.mutex);
    size_t passed = gate.passed;
    pthread_mutex_unlock(&gate.mutex);
    return passed;
}

void gate_break(bool broken)
{
    pthread_mutex_lock(&gate.mutex);
    gate.broken = broken;
    pthread_mutex_unlock(&gate.mutex);
}

/* ---- a file: everything but the sync is passed on ---- */

static int file_close(sqlite3_file *f)
{
    return real_of(f)->pMethods->xClose(real_of(f));
}

static int file_read(sqlite3_file *f, void *to, int size, sqlite3_int64 at)
{
    return real_of(f)->pMethods->xRead(real_of(f), to, size, at);
}

static int file_write(sqlite3_file *f, const void *from, int size, sqlite3_int64 at)
{
    return real_of(f)->pMethods->xWrite(real_of(f), from, size, at);
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    return real_of(f)->pMethods->xTruncate(real_of(f), size);
}

static int file_sync(sqlite3_file *f, int flags)
{
    int rc = ((struct gate_file *)f)->is_wal ? pass() : SQLITE_OK;
    return rc == SQLITE_OK ? real_of(f)->pMethods->xSync(real_of(f), flags) : rc;
}

static int file_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return real_of(f)->pMethods->xFileSize(real_of(f), size);
}

static int file_lock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xLock(real_of(f), level);
}

static int file_unlock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static int file_reserved(sqlite3_file *f, int *result)
{
    return real_of(f)->pMethods->xCheckReservedLock(real_of(f), result);
}

static int file_control(sqlite3_file *f, int op, void *arg)
{
    return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int file_sector(sqlite3_file *f)
{
    return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int file_traits(sqlite3_file *f)
{
    return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **to)
{
    return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, to);
}

static int shm_lock(sqlite3_file *f, int offset, int count, int flags)
{
    return real_of(f)->pMethods->xShmLock(real_of(f), offset, count, flags);
}

static void shm_barrier(sqlite3_file *f)
{
    real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int shm_unmap(sqlite3_file *f, int remove)
{
    return real_of(f)->pMethods->xShmUnmap(real_of(f), remove);
}

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret)
{
    (void)vfs;
    struct gate_file *f = (struct gate_file *)file;
    f->real = (sqlite3_file *)(f + 1);
    f->is_wal = flags & SQLITE_OPEN_WAL;
    int rc = gate.real->xOpen(gate.real, name, f->real, flags, ret);
    f->base.pMethods = f->real->pMethods ? &gate.methods : NULL;
    return rc;
}

const char *gate_vfs(void)
{
    if (!gate.real) {
        gate.real = sqlite3_vfs_find(NULL);
        gate.methods = (sqlite3_io_methods){
            2,           file_close, file_read,   file_write,    file_truncate, file_sync,
            file_size,   file_lock,  file_unlock, file_reserved, file_control,  file_sector,
            file_traits, shm_map,    shm_lock,    shm_barrier,   shm_unmap,     NULL,
            NULL};
        gate.vfs = *gate.real;
        gate.vfs.zName = "gate";
        gate.vfs.szOsFile = (int)sizeof(struct gate_file) + gate.real->szOsFile;
        gate.vfs.xOpen = open_file;
        sqlite3_vfs_register(&gate.vfs, 0);
    }
    gate_open();
    gate_break(false);
    pthread_mutex_lock(&gate.mutex);
    gate.passed = 0;
    pthread_mutex_unlock(&gate.mutex);
    return gate.vfs.zName;
}
