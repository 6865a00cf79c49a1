#include "asl/report.h"

#include "asl/compile.h"
#include "base/utf8.h"

#include <stdlib.h>

/* A diagnostic and where it is. */
struct located {
    const struct diag *diag;
    struct json_place place; /* line 0: nowhere */
    size_t order;            /* among the diagnostics */
};

struct style {
    const char *bold, *error, *warning, *help, *dim, *off;
};

static const struct style plain = {"", "", "", "", "", ""};
static const struct style ansi = {
    .bold = "\x1b[1m",
    .error = "\x1b[1;31m",
    .warning = "\x1b[1;35m",
    .help = "\x1b[1;36m",
    .dim = "\x1b[34m",
    .off = "\x1b[0m",
};

/* ---- places ---- */

static int compare_located(const void *a, const void *b)
{
    const struct located *x = (const struct located *)a, *y = (const struct located *)b;

    if (x->place.line != y->place.line)
        return x->place.line < y->place.line ? -1 : 1;
    if (x->place.column != y->place.column)
        return x->place.column < y->place.column ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

/* The diagnostics, errors first when not all get a place; in the list's arena. */
static struct located *list_all(const struct diag_list *diags)
{
    struct located *all = ARENA_ARRAY(diags->arena, struct located, diags->count);
    size_t count = 0;

    if (diags->count <= REPORT_PLACES_MAX) {
        for (; count < diags->count; count++)
            all[count] = (struct located){.diag = &diags->items[count], .order = count};
        return all;
    }
    for (unsigned pass = DIAG_ERROR; pass <= DIAG_WARNING; pass++) {
        for (size_t i = 0; i < diags->count; i++) {
            if (diags->items[i].severity == pass)
                all[count++] = (struct located){.diag = &diags->items[i], .order = i};
        }
    }
    return all;
}

/* ... and the first of them with their places, in the order of those. */
static struct located *locate_all(struct str text, const struct diag_list *diags,
                                  const struct err *syntax)
{
    struct located *all = list_all(diags);
    size_t count = diags->count < REPORT_PLACES_MAX ? diags->count : REPORT_PLACES_MAX;

    for (size_t i = 0; i < count; i++) {
        if (syntax->code == ERR_NONE)
            all[i].place = asl_locate(text, all[i].diag);
        else
            all[i].place = (struct json_place){
                .line = syntax->line,
                .column = syntax->column,
                .offset = syntax->offset,
                .length = 1,
            };
    }
    if (count)
        qsort(all, count, sizeof(*all), compare_located);
    return all;
}

/* ---- text ---- */

/* Foreign text for a terminal: no controls, no broken UTF-8. */
static void append_shown(struct buf *b, struct str s)
{
    for (size_t i = 0; i < s.len;) {
        size_t start = i;
        uint32_t c = utf8_next(s, &i);
        struct str bytes = str_slice(s, start, i);

        if (c == '\t')
            buf_append_char(b, ' ');
        else if (c < 0x20 || (c >= 0x7F && c <= 0x9F))
            buf_printf(b, "\\x%02x", (unsigned)c);
        else if (utf8_valid_up_to(bytes) != bytes.len)
            buf_append(b, STR("\xEF\xBF\xBD"));
        else
            buf_append(b, bytes);
    }
}

/* How wide append_shown makes it, in characters. */
static size_t shown_width(struct str s)
{
    size_t width = 0;

    for (size_t i = 0; i < s.len;) {
        uint32_t c = utf8_next(s, &i);

        width += c != '\t' && (c < 0x20 || (c >= 0x7F && c <= 0x9F)) ? 4 : 1;
    }
    return width;
}

/* The source line around the place, and the place in it, cut to what is shown. */
struct excerpt {
    struct str before, marked, after;
    bool cut_left, cut_right;
};

static struct excerpt excerpt_of(struct str text, const struct json_place *p)
{
    size_t start = p->offset, end = p->offset, stop, from, to;
    struct excerpt e;

    while (start > 0 && text.ptr[start - 1] != '\n')
        start--;
    while (end < text.len && text.ptr[end] != '\n')
        end++;
    if (end > start && text.ptr[end - 1] == '\r')
        end--;
    stop = p->offset + p->length < end ? p->offset + p->length : end;
    /* Of objects and arrays the first character is enough. */
    if (p->offset < end && strchr("{[", text.ptr[p->offset]))
        stop = p->offset + 1;
    if (stop < p->offset)
        stop = p->offset;
    from = start;
    to = end;
    if (end - start > REPORT_LINE_MAX) {
        from = p->offset - start > REPORT_LINE_MAX / 3 ? p->offset - REPORT_LINE_MAX / 3 : start;
        from = utf8_floor(text, from);
        to = from + REPORT_LINE_MAX < end ? utf8_floor(text, from + REPORT_LINE_MAX) : end;
        stop = stop < to ? stop : to;
    }
    e.before = str_slice(text, from, p->offset);
    e.marked = str_slice(text, p->offset, stop);
    e.after = str_slice(text, stop, to);
    e.cut_left = from > start;
    e.cut_right = to < end;
    return e;
}

static void append_repeated(struct buf *b, char c, size_t count)
{
    while (count-- > 0)
        buf_append_char(b, c);
}

static void append_excerpt(struct buf *b, struct str text, const struct located *l,
                           const struct style *style)
{
    const char *mark = l->diag->severity == DIAG_ERROR ? style->error : style->warning;
    struct excerpt e;
    size_t width;

    if (l->place.line == 0 || l->place.offset > text.len)
        return;
    e = excerpt_of(text, &l->place);
    width = shown_width(e.marked);
    buf_printf(b, "%s%6u |%s %s", style->dim, l->place.line, style->off, e.cut_left ? "..." : "");
    append_shown(b, e.before);
    append_shown(b, e.marked);
    append_shown(b, e.after);
    buf_printf(b, "%s\n%s       |%s ", e.cut_right ? "..." : "", style->dim, style->off);
    append_repeated(b, ' ', shown_width(e.before) + (e.cut_left ? 3 : 0));
    buf_printf(b, "%s^", mark);
    append_repeated(b, '~', width > 1 ? width - 1 : 0);
    buf_printf(b, "%s\n", style->off);
}

static void append_diag(struct buf *b, struct str file, struct str text, const struct located *l,
                        const struct style *style)
{
    bool error = l->diag->severity == DIAG_ERROR;

    buf_printf(b, "%s", style->bold);
    append_shown(b, file);
    if (l->place.line)
        buf_printf(b, ":%u:%u", l->place.line, l->place.column);
    buf_printf(b, ":%s %s%s:%s ", style->off, error ? style->error : style->warning,
               error ? "error" : "warning", style->off);
    buf_printf(b, "%s%s: ", style->bold, l->diag->code);
    append_shown(b, l->diag->message);
    buf_printf(b, "%s\n", style->off);
    append_excerpt(b, text, l, style);
    if (l->diag->remedy.len) {
        buf_printf(b, "     %shelp:%s ", style->help, style->off);
        append_shown(b, l->diag->remedy);
        buf_append_char(b, '\n');
    }
}

void report_text(struct buf *b, struct str file, struct str text, const struct diag_list *diags,
                 const struct err *syntax, bool colour)
{
    struct arena_mark mark = arena_mark(diags->arena);
    const struct located *all = locate_all(text, diags, syntax);

    for (size_t i = 0; i < diags->count && i < REPORT_PLACES_MAX; i++)
        append_diag(b, file, text, &all[i], colour ? &ansi : &plain);
    if (diags->count > REPORT_PLACES_MAX)
        buf_printf(b, "... and %zu more\n", diags->count - REPORT_PLACES_MAX);
    arena_rewind(diags->arena, mark);
}

/* ---- JSON ---- */

void report_json(struct buf *b, struct str text, const struct diag_list *diags,
                 const struct err *syntax)
{
    struct arena_mark mark = arena_mark(diags->arena);
    const struct located *all = locate_all(text, diags, syntax);

    buf_append_char(b, '[');
    for (size_t i = 0; i < diags->count; i++) {
        const struct diag *d = all[i].diag;

        buf_printf(b, "%s{\"severity\":\"%s\",\"code\":\"%s\",\"pointer\":", i ? "," : "",
                   d->severity == DIAG_ERROR ? "error" : "warning", d->code);
        json_write_string(b, d->pointer);
        if (all[i].place.line)
            buf_printf(b, ",\"line\":%u,\"column\":%u", all[i].place.line, all[i].place.column);
        buf_append(b, STR(",\"message\":"));
        json_write_string(b, d->message);
        buf_append(b, STR(",\"remedy\":"));
        json_write_string(b, d->remedy);
        buf_append_char(b, '}');
    }
    buf_append_char(b, ']');
    arena_rewind(diags->arena, mark);
}
