#include "cli/log.h"

#include "json/json.h"
#include "os/clock.h"
#include "task/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum {
    LINE_SIZE_MAX = 32 << 10,
    ESCAPE_SIZE = 6, /* "\\u0001" */
    ROUND_SIZE = 1024,
};

_Static_assert(ESCAPE_SIZE *RUNTIME_LINE_SIZE_MAX + ROUND_SIZE <= LINE_SIZE_MAX,
               "a line of a worker fits with all that stands around it: cut JSON is none");

static const char *level_name(enum log_level level)
{
    return level == LOG_INFO ? "info" : level == LOG_WARNING ? "warning" : "error";
}

static bool open_file(const char *path, int *ret_fd, struct err *reterr)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
    if (fd >= 0) {
        *ret_fd = fd;
        return true;
    }
    enum err_code code = errno == EACCES || errno == EPERM || errno == EROFS ? ERR_PERMISSION
                         : errno == ENOENT || errno == ENOTDIR               ? ERR_NOT_FOUND
                                                                             : ERR_IO;
    return err_set(reterr, code, "cannot append to the log file %s: %s", path, strerror(errno));
}

bool log_open(const char *path, bool json, struct log *ret, struct err *reterr)
{
    struct log l = {.path = path, .fd = STDERR_FILENO, .json = json};
    if (path && !open_file(path, &l.fd, reterr))
        return false;
    *ret = l;
    return true;
}

bool log_reopen(struct log *l, struct err *reterr)
{
    int fd;
    if (!l->path)
        return true;
    if (!open_file(l->path, &fd, reterr))
        return false;
    dup3(fd, l->fd, O_CLOEXEC); /* one number for whoever was given it */
    close(fd);
    return true;
}

void log_close(struct log *l)
{
    if (l->path)
        close(l->fd);
    l->path = NULL;
}

/* ---- lines ---- */

struct entry {
    enum log_level level;
    const char *event;
    const struct uuid *execution;
    struct str message;
    const char *code, *detail; /* NULL: none */
};

static void append_clean(struct buf *to, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        buf_append_char(to, c < ' ' || c == 0x7f ? ' ' : (char)c);
    }
}

static void add_member(struct buf *to, const char *name, struct str value)
{
    buf_printf(to, ",\"%s\":", name);
    json_write_string(to, value);
}

static void write_json(struct buf *to, const struct entry *e, struct str time, struct str id)
{
    buf_printf(to, "{\"time\":\"" STR_FMT "\"", STR_ARG(time));
    add_member(to, "level", str_of_cstr(level_name(e->level)));
    add_member(to, "event", str_of_cstr(e->event));
    add_member(to, "message", e->message);
    if (id.len)
        add_member(to, "execution", id);
    if (e->code)
        add_member(to, "code", str_of_cstr(e->code));
    if (e->detail)
        add_member(to, "detail", str_of_cstr(e->detail));
    buf_append_char(to, '}');
}

static void write_text(struct buf *to, const struct entry *e, struct str time, struct str id)
{
    buf_printf(to, STR_FMT " %-7s %s  ", STR_ARG(time), level_name(e->level), e->event);
    append_clean(to, e->message);
    if (id.len)
        buf_printf(to, "  execution=" STR_FMT, STR_ARG(id));
    if (e->code)
        buf_printf(to, "  code=%s", e->code);
    if (e->detail) {
        buf_append(to, STR("  detail="));
        append_clean(to, str_of_cstr(e->detail));
    }
}

static void put(const struct log *l, const struct entry *e)
{
    char time[TIME_TEXT_SIZE], id[UUID_TEXT_LEN];
    struct str when = str_of(time, wall_format(clock_wall(), time)), who = STR("");
    struct buf line = BUF_INIT(LINE_SIZE_MAX);
    if (e->execution) {
        uuid_format(*e->execution, id);
        who = str_of(id, sizeof(id));
    }
    if (l->json)
        write_json(&line, e, when, who);
    else
        write_text(&line, e, when, who);
    line.size_max = 0;
    buf_append_char(&line, '\n');
    ssize_t ignored = write(l->fd, line.ptr, line.len);
    (void)ignored;
    buf_release(&line);
}

void log_line(const struct log *l, enum log_level level, const char *event,
              const struct uuid *execution, const char *format, ...)
{
    struct arena *scratch = arena_new(0);
    va_list args;
    va_start(args, format);
    struct str message = arena_vprintf(scratch, format, args);
    va_end(args);
    put(l, &(struct entry){level, event, execution, message, NULL, NULL});
    arena_free(scratch);
}

void log_err(const struct log *l, enum log_level level, const char *event,
             const struct uuid *execution, const struct err *err)
{
    put(l, &(struct entry){level, event, execution, str_of_cstr(err->message), err_name(err->code),
                           *err->detail ? err->detail : NULL});
}
