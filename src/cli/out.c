#include "cli/out.h"

#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* ---- where it goes ---- */

struct out out_of(int fd)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    bool tty = isatty(fd);
    struct out o = {.fd = fd, .terminal = tty && term && strcmp(term, "dumb") != 0};
    struct winsize size;
    o.colour = o.terminal && !(no_color && *no_color);
    if (tty)
        o.width = ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
    return o;
}

void out_flush(struct out *o)
{
    size_t written = 0;
    while (!o->closed && written < o->buf.len) {
        ssize_t n = write(o->fd, o->buf.ptr + written, o->buf.len - written);
        if (n >= 0)
            written += (size_t)n;
        else if (errno != EINTR)
            o->closed = true;
    }
    buf_clear(&o->buf);
}

/* The descriptor stays taken, so that no other file gets its number. */
void out_close(struct out *o)
{
    out_flush(o);
    int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nothing < 0)
        return;
    dup2(nothing, o->fd);
    close(nothing);
}

void out_release(struct out *o)
{
    out_flush(o);
    buf_release(&o->buf);
}

/* ---- our own text ---- */

void out_style(struct out *o, enum style style)
{
    static const char *const codes[] = {
        [STYLE_OFF] = "\x1b[0m",   [STYLE_BOLD] = "\x1b[1m", [STYLE_DIM] = "\x1b[2m",
        [STYLE_GOOD] = "\x1b[32m", [STYLE_BAD] = "\x1b[31m", [STYLE_BUSY] = "\x1b[33m",
        [STYLE_HELP] = "\x1b[36m",
    };
    if (o->colour)
        out_text(o, codes[style]);
}

void out_text(struct out *o, const char *text)
{
    buf_append(&o->buf, str_of_cstr(text));
}

void out_printf(struct out *o, const char *format, ...)
{
    char text[4096];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    ASSERT(length >= 0 && (size_t)length < sizeof(text));
    out_text(o, text);
}

/* ---- foreign text ---- */

/* The control characters of Unicode that move or reorder what a terminal shows. */
static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

static void append_character(struct buf *b, struct str text, size_t *at)
{
    size_t start = *at;
    uint32_t c = utf8_next(text, at);
    struct str bytes = str_slice(text, start, *at);
    if (c == '\t' || c == '\n' || c == '\r')
        buf_append_char(b, ' ');
    else if (is_control(c) || utf8_valid_up_to(bytes) != bytes.len)
        buf_append(b, STR("\xEF\xBF\xBD"));
    else
        buf_append(b, bytes);
}

void out_foreign(struct out *o, struct str text, size_t width_max)
{
    bool cut = width_max && utf8_length(text) > width_max;
    size_t characters = cut ? width_max - 1 : SIZE_MAX;
    for (size_t at = 0; at < text.len && characters > 0; characters--)
        append_character(&o->buf, text, &at);
    if (cut)
        out_text(o, "…");
}

/* Where the last `lines` lines begin. */
static size_t last_lines(struct str text, size_t lines)
{
    size_t at = text.len;
    while (at > 0)
        if (text.ptr[--at] == '\n' && lines-- == 1)
            return at + 1;
    return 0;
}

void out_foreign_lines(struct out *o, struct str text, const char *prefix, size_t lines_max)
{
    text = str_trim(text);
    size_t from = last_lines(text, lines_max);
    if (from > 0) {
        out_text(o, prefix);
        out_text(o, "…\n");
    }
    struct str rest = str_slice(text, from, text.len);
    while (rest.len) {
        size_t end = str_find_char(rest, '\n');
        out_text(o, prefix);
        out_foreign(o, str_slice(rest, 0, end), 0);
        out_text(o, "\n");
        rest = str_slice(rest, end == SIZE_MAX ? rest.len : end + 1, rest.len);
    }
}

void out_shell_word(struct out *o, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./:=@%+,";
    if (*word && word[strspn(word, plain)] == '\0') {
        out_text(o, word);
        return;
    }
    out_text(o, "'");
    for (const char *c = word; *c; c++)
        if (*c == '\'')
            out_text(o, "'\\''");
        else
            buf_append_char(&o->buf, *c);
    out_text(o, "'");
}

/* ---- times ---- */

struct str duration_text(struct arena *a, int64_t ms)
{
    int64_t seconds = ms / 1000;
    if (ms < 0)
        return STR("0ms");
    if (ms < 1000)
        return arena_printf(a, "%lldms", (long long)ms);
    if (seconds < 60)
        return arena_printf(a, "%lld.%llds", (long long)seconds, (long long)(ms % 1000 / 100));
    if (seconds < 3600)
        return arena_printf(a, "%lldm %02llds", (long long)(seconds / 60),
                            (long long)(seconds % 60));
    if (seconds < 86400)
        return arena_printf(a, "%lldh %02lldm", (long long)(seconds / 3600),
                            (long long)(seconds / 60 % 60));
    return arena_printf(a, "%lldd %02lldh", (long long)(seconds / 86400),
                        (long long)(seconds / 3600 % 24));
}

struct str time_text(struct arena *a, struct wall_ms at)
{
    char text[TIME_TEXT_SIZE];
    if (at.ms == 0)
        return STR("-");
    size_t length = wall_format(at, text);
    struct str whole = str_of(text, length);
    return arena_printf(a, STR_FMT " " STR_FMT "Z", STR_ARG(str_slice(whole, 0, 10)),
                        STR_ARG(str_slice(whole, 11, 19)));
}

/* ---- tables ---- */

struct table table_of(struct arena *a, const struct column *columns, size_t count)
{
    ASSERT(count <= TABLE_COLUMNS_MAX);
    return (struct table){.arena = a, .columns = columns, .column_count = count};
}

struct cell *table_row(struct table *t)
{
    t->rows = arena_grow(t->arena, t->rows, t->count, &t->capacity, sizeof(*t->rows));
    struct cell *row = t->rows[t->count++];
    memset(row, 0, sizeof(*t->rows));
    return row;
}

static void print_blanks(struct out *o, size_t count)
{
    while (count-- > 0)
        buf_append_char(&o->buf, ' ');
}

static void print_row(const struct table *t, const size_t *widths, const struct cell *cells,
                      struct out *o)
{
    size_t used = 0;
    for (size_t i = 0; i < t->column_count; i++) {
        bool last = i + 1 == t->column_count;
        size_t length = utf8_length(cells[i].text);
        size_t room = last && o->width > used + 8 ? o->width - used : 0;
        if (t->columns[i].right)
            print_blanks(o, widths[i] - length);
        if (cells[i].style != STYLE_OFF)
            out_style(o, cells[i].style);
        out_foreign(o, cells[i].text, room);
        if (cells[i].style != STYLE_OFF)
            out_style(o, STYLE_OFF);
        if (!last)
            print_blanks(o, 2 + (t->columns[i].right ? 0 : widths[i] - length));
        used += widths[i] + 2;
    }
    while (o->buf.len && o->buf.ptr[o->buf.len - 1] == ' ')
        o->buf.len--;
    out_text(o, "\n");
}

void table_print(const struct table *t, struct out *o)
{
    size_t widths[TABLE_COLUMNS_MAX] = {0};
    struct cell titles[TABLE_COLUMNS_MAX] = {{{0}, STYLE_OFF}};
    bool titled = false;
    for (size_t i = 0; i < t->column_count; i++) {
        titles[i] = (struct cell){str_of_cstr(t->columns[i].title), STYLE_DIM};
        titled |= titles[i].text.len > 0;
        widths[i] = utf8_length(titles[i].text);
        for (size_t r = 0; r < t->count; r++) {
            size_t length = utf8_length(t->rows[r][i].text);
            if (length > widths[i])
                widths[i] = length;
        }
    }
    if (titled)
        print_row(t, widths, titles, o);
    for (size_t r = 0; r < t->count; r++)
        print_row(t, widths, t->rows[r], o);
}
