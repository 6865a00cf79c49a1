#include "os/children.h"

#include "os/entropy.h"
#include "os/files.h"
#include "os/stale.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"

enum {
    BOOT_SIZE = 36,
    NUMBER_SIZE_MAX = 20, /* digits of 64 bits */
    TAIL_SIZE_MAX = 1 + BOOT_SIZE + 1 + CHILDREN_MARK_SIZE + 1 + CHILDREN_KEY_SIZE_MAX,
    LOCK_INTERVAL_MS = 2,
    LOCK_WAIT_MS = 10000,
};

_Static_assert(2 * NUMBER_SIZE_MAX + 1 + TAIL_SIZE_MAX < CHILDREN_LINE_SIZE, "a line holds all");

/* Of a line, what is known before the process is: " BOOT MARK KEY". */
struct slot {
    bool taken;
    size_t size;
    char tail[TAIL_SIZE_MAX + 1];
};

struct children {
    int fd;
    char *path;
    char boot[BOOT_SIZE + 1];
    size_t taken;
    struct slot slots[CHILDREN_MAX];
};

/* ---- opening ---- */

static bool fail(const struct children *c, int error, const char *what, struct err *reterr)
{
    enum err_code code = ERR_IO;
    char text[128];
    if (error == EACCES || error == EPERM || error == EROFS)
        code = ERR_PERMISSION;
    else if (error == ENOSPC || error == EDQUOT)
        code = ERR_DISK_FULL;
    err_set(reterr, code, "cannot %s %s, which keeps the commands that run: %s", what, c->path,
            strerror_r(error, text, sizeof(text)));
    err_detail(reterr, "errno %d", error);
    return false;
}

static bool read_boot_id(struct children *c, struct err *reterr)
{
    struct arena *scratch = arena_new(0);
    struct str text;
    bool ok = file_read(scratch, BOOT_ID_FILE, BOOT_SIZE + 1, &text, reterr);
    if (ok && text.len < BOOT_SIZE)
        ok = err_set(reterr, ERR_IO, BOOT_ID_FILE " is too short: is /proc mounted?");
    if (ok)
        memcpy(c->boot, text.ptr, BOOT_SIZE);
    arena_free(scratch);
    return ok;
}

static bool open_file(struct children *c, struct err *reterr)
{
    struct stat about;
    int fd = open(c->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);
    if (fd < 0)
        return fail(c, errno, "open", reterr);
    /* Above those that a child makes its own. */
    c->fd = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int error = errno;
    close(fd);
    if (c->fd < 0)
        return fail(c, error, "open", reterr);
    if (fstat(c->fd, &about) != 0)
        return fail(c, errno, "open", reterr);
    if (!S_ISREG(about.st_mode))
        return err_set(reterr, ERR_IO, "%s must be a file, and is something else: remove it",
                       c->path);
    return true;
}

static void wait_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

/* An open file description's lock: children have it too, until exec. */
static bool take_lock(struct children *c, struct err *reterr)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    for (int waited = 0; fcntl(c->fd, F_OFD_SETLK, &whole) != 0; waited += LOCK_INTERVAL_MS) {
        if (errno != EAGAIN && errno != EACCES)
            return fail(c, errno, "lock", reterr);
        if (waited >= LOCK_WAIT_MS)
            return err_set(reterr, ERR_BUSY,
                           "another process holds %s: wait for it, or end it (fuser names it)",
                           c->path);
        wait_ms(LOCK_INTERVAL_MS);
    }
    return true;
}

/* The word at *at, which moves behind the blank that follows. */
static struct str next_word(struct str line, size_t *at)
{
    struct str rest = str_slice(line, *at, line.len);
    struct str word = str_slice(rest, 0, str_find_char(rest, ' '));
    *at += word.len + 1;
    return word;
}

static bool is_lower_hex(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!strchr("0123456789abcdef", s.ptr[i]) || !s.ptr[i])
            return false;
    return true;
}

/* What a KEY is in messages: printable, so that it says no more than that. */
static bool is_key(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] > '~')
            return false;
    return s.len > 0 && s.len <= CHILDREN_KEY_SIZE_MAX;
}

static bool parse_line(struct str line, struct str *ret_boot, struct stale *ret_stale)
{
    size_t at = 0;
    int64_t pid, started;
    struct str pid_text = next_word(line, &at), started_text = next_word(line, &at);
    struct str boot = next_word(line, &at), mark = next_word(line, &at);
    struct str key = next_word(line, &at);
    if (!str_to_int64(pid_text, &pid) || !str_to_int64(started_text, &started) || pid <= 1 ||
        pid > INT32_MAX || started < 0 || boot.len != BOOT_SIZE || mark.len != CHILDREN_MARK_SIZE ||
        !is_lower_hex(mark) || !is_key(key) || str_trim(str_slice(line, at, line.len)).len)
        return false;
    *ret_boot = boot;
    *ret_stale =
        (struct stale){.pid = (pid_t)pid, .started = (uint64_t)started, .mark = mark, .key = key};
    return true;
}

/* Zeros are where a line was never written. */
static bool is_free(struct str line)
{
    for (size_t i = 0; i < line.len; i++)
        if (line.ptr[i] != ' ' && line.ptr[i] != '\n' && line.ptr[i] != '\0')
            return false;
    return true;
}

static bool read_text(struct children *c, struct arena *a, struct str *ret_text, struct err *reterr)
{
    const size_t size = CHILDREN_MAX * CHILDREN_LINE_SIZE;
    char *to = arena_alloc_text(a, size + 1);
    ssize_t got = pread(c->fd, to, size + 1, 0);
    if (got < 0)
        return fail(c, errno, "read", reterr);
    *ret_text = str_of(to, (size_t)got);
    return true;
}

static bool recover(struct children *c, struct arena *a, struct children_found *found,
                    struct err *reterr)
{
    struct str text, boot;
    struct stale *items = ARENA_ARRAY(a, struct stale, CHILDREN_MAX);
    size_t count = 0;
    if (!read_text(c, a, &text, reterr))
        return false;
    for (size_t at = 0; at < text.len; at += CHILDREN_LINE_SIZE) {
        struct str line = str_slice(text, at, at + CHILDREN_LINE_SIZE);
        if (is_free(line))
            continue;
        if (count == CHILDREN_MAX || !parse_line(line, &boot, &items[count]))
            found->unreadable++; /* also what is behind the last line there can be */
        else if (str_eq(boot, str_of_cstr(c->boot))) /* else the power ended it */
            count++;
    }
    if (count && !stale_end(items, count, reterr))
        return false;
    for (size_t i = 0; i < count; i++)
        found->ended += items[i].lived;
    return ftruncate(c->fd, 0) == 0 ? true : fail(c, errno, "empty", reterr);
}

bool children_open(const char *path, struct children_found *ret_found,
                   struct children **ret_children, struct err *reterr)
{
    struct children *c = calloc(1, sizeof(*c));
    struct arena *scratch = arena_new(0);
    struct children_found found = {0};
    if (!c || !(c->path = strdup(path)))
        panic(__FILE__, __LINE__, "out of memory");
    c->fd = -1;
    bool ok = read_boot_id(c, reterr) && open_file(c, reterr) && take_lock(c, reterr) &&
              recover(c, scratch, &found, reterr);
    arena_free(scratch);
    if (!ok) {
        c->taken = 1; /* the file stays */
        children_close(c);
        return false;
    }
    *ret_found = found;
    *ret_children = c;
    return true;
}

void children_close(struct children *c)
{
    if (!c)
        return;
    if (c->taken == 0)
        unlink(c->path);
    if (c->fd >= 0)
        close(c->fd);
    free(c->path);
    free(c);
}

/* ---- noting ---- */

static void make_mark(char to[CHILDREN_MARK_SIZE + 1])
{
    uint64_t halves[2];
    entropy_fill(halves, sizeof(halves));
    snprintf(to, CHILDREN_MARK_SIZE + 1, "%016llx%016llx", (unsigned long long)halves[0],
             (unsigned long long)halves[1]);
}

bool children_have_room(const struct children *c)
{
    return c->taken < CHILDREN_MAX;
}

size_t children_take(struct children *c, struct str key)
{
    char mark[CHILDREN_MARK_SIZE + 1];
    ASSERT(c->taken < CHILDREN_MAX && is_key(key));
    size_t slot = 0; /* the lowest, so that the file stays short */
    while (c->slots[slot].taken)
        slot++;
    struct slot *s = &c->slots[slot];
    make_mark(mark);
    s->taken = true;
    s->size =
        (size_t)snprintf(s->tail, sizeof(s->tail), " %s %s " STR_FMT, c->boot, mark, STR_ARG(key));
    c->taken++;
    return slot;
}

struct str children_mark(const struct children *c, size_t slot)
{
    return str_of(c->slots[slot].tail + 1 + BOOT_SIZE + 1, CHILDREN_MARK_SIZE);
}

int children_descriptor(const struct children *c)
{
    return c->fd;
}

/* snprintf may allocate. */
static size_t put_number(char *to, uint64_t number)
{
    char digits[NUMBER_SIZE_MAX];
    size_t at = sizeof(digits);
    do
        digits[--at] = (char)('0' + number % 10);
    while (number /= 10);
    memcpy(to, digits + at, sizeof(digits) - at);
    return sizeof(digits) - at;
}

static int write_line(const struct children *c, size_t slot, const char *line)
{
    ssize_t wrote =
        pwrite(c->fd, line, CHILDREN_LINE_SIZE, (off_t)slot * (off_t)CHILDREN_LINE_SIZE);
    if (wrote < 0)
        return errno;
    return wrote == CHILDREN_LINE_SIZE ? 0 : ENOSPC;
}

static void blank_line(char line[CHILDREN_LINE_SIZE])
{
    memset(line, ' ', CHILDREN_LINE_SIZE);
    line[CHILDREN_LINE_SIZE - 1] = '\n';
}

int children_note_self(const struct children *c, size_t slot)
{
    const struct slot *s = &c->slots[slot];
    char line[CHILDREN_LINE_SIZE];
    struct process self;
    if (!process_read(AT_FDCWD, PROCESS_SELF, &self))
        return ESRCH; /* no /proc */
    blank_line(line);
    size_t at = put_number(line, (uint64_t)self.pid) + 1;
    at += put_number(line + at, self.started);
    memcpy(line + at, s->tail, s->size);
    return write_line(c, slot, line);
}

void children_give_back(struct children *c, size_t slot)
{
    char line[CHILDREN_LINE_SIZE];
    ASSERT(c->slots[slot].taken);
    c->slots[slot].taken = false;
    c->taken--;
    blank_line(line);
    /* A line that stays names a process that is gone: harmless. */
    int ignored = write_line(c, slot, line);
    (void)ignored;
}
