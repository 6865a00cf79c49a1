#include "cli/log.h"

#include "catalog/arn.h"
#include "json/json.h"
#include "os/clock.h"
#include "task/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum {
    LINE_SIZE_MAX = 32 << 10,
    ESCAPE_SIZE = 6, /* "\\u0001" */
    ROUND_SIZE = 4096,
};

_Static_assert(ESCAPE_SIZE *LINES_SIZE_MAX + ROUND_SIZE <= LINE_SIZE_MAX,
               "a line of a process fits with all that stands around it: cut JSON is none");

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
    struct str execution; /* empty: none */
    struct str message;
    const char *code, *detail;       /* NULL: none */
    const struct task_request *task; /* NULL: of none */
};

/* Of arn:aws:states:REGION:ACCOUNT:execution:MACHINE:NAME, or of an Express one. */
static struct str machine_of(struct str execution_arn)
{
    struct arn arn;
    return arn_parse(execution_arn, &arn) ? arn.name : STR("");
}

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

static void write_json(struct buf *to, const struct entry *e, struct str time)
{
    buf_printf(to, "{\"time\":\"" STR_FMT "\"", STR_ARG(time));
    add_member(to, "level", str_of_cstr(level_name(e->level)));
    add_member(to, "event", str_of_cstr(e->event));
    add_member(to, "message", e->message);
    if (e->execution.len)
        add_member(to, "execution", e->execution);
    if (e->task) {
        add_member(to, "machine", machine_of(e->task->execution_arn));
        add_member(to, "step", e->task->state_name);
        buf_printf(to, ",\"attempt\":%u", e->task->key.attempt);
    }
    if (e->code)
        add_member(to, "code", str_of_cstr(e->code));
    if (e->detail)
        add_member(to, "detail", str_of_cstr(e->detail));
    buf_append_char(to, '}');
}

static void add_word(struct buf *to, const char *name, struct str value)
{
    buf_printf(to, "  %s=", name);
    append_clean(to, value);
}

static void write_text(struct buf *to, const struct entry *e, struct str time)
{
    buf_printf(to, STR_FMT " %-7s %s  ", STR_ARG(time), level_name(e->level), e->event);
    append_clean(to, e->message);
    if (e->execution.len)
        add_word(to, "execution", e->execution);
    if (e->task) {
        add_word(to, "machine", machine_of(e->task->execution_arn));
        add_word(to, "step", e->task->state_name);
        buf_printf(to, "  attempt=%u", e->task->key.attempt);
    }
    if (e->code)
        add_word(to, "code", str_of_cstr(e->code));
    if (e->detail)
        add_word(to, "detail", str_of_cstr(e->detail));
}

static void put(const struct log *l, const struct entry *e)
{
    char time[TIME_TEXT_SIZE];
    struct str when = str_of(time, wall_format(clock_wall(), time));
    struct buf line = BUF_INIT(LINE_SIZE_MAX);
    if (l->json)
        write_json(&line, e, when);
    else
        write_text(&line, e, when);
    line.size_max = 0;
    buf_append_char(&line, '\n');
    ssize_t ignored = write(l->fd, line.ptr, line.len);
    (void)ignored;
    buf_release(&line);
}

static struct str id_text(const struct uuid *execution, char text[static UUID_TEXT_LEN])
{
    if (!execution)
        return STR("");
    uuid_format(*execution, text);
    return str_of(text, UUID_TEXT_LEN);
}

void log_line(const struct log *l, enum log_level level, const char *event,
              const struct uuid *execution, const char *format, ...)
{
    struct arena *scratch = arena_new(0);
    char id[UUID_TEXT_LEN];
    va_list args;
    va_start(args, format);
    struct str message = arena_vprintf(scratch, format, args);
    va_end(args);
    put(l, &(struct entry){.level = level,
                           .event = event,
                           .execution = id_text(execution, id),
                           .message = message});
    arena_free(scratch);
}

void log_command(const struct log *l, const struct task_request *task, struct str line)
{
    put(l, &(struct entry){.level = LOG_INFO,
                           .event = "command",
                           .execution = task->execution_id,
                           .message = line,
                           .task = task});
}

void log_err(const struct log *l, enum log_level level, const char *event,
             const struct uuid *execution, const struct err *err)
{
    char id[UUID_TEXT_LEN];
    put(l, &(struct entry){.level = level,
                           .event = event,
                           .execution = id_text(execution, id),
                           .message = str_of_cstr(err->message),
                           .code = err_name(err->code),
                           .detail = *err->detail ? err->detail : NULL});
}
