/* What is printed: collected, styled, written at once.
 *
 * Foreign text (names, values, causes) goes through out_foreign, which shows no
 * control characters and no broken UTF-8, so that no workflow can drive a
 * terminal. A terminal is one that knows escapes: TERM is set and not "dumb".
 * Styles print only where `colour` is set: on a terminal, unless NO_COLOR is set.
 * Writing to a closed pipe is no error: the rest is dropped.
 */
#ifndef PAWL_CLI_OUT_H
#define PAWL_CLI_OUT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/time.h"

enum style {
    STYLE_OFF,
    STYLE_BOLD,
    STYLE_DIM,
    STYLE_GOOD,
    STYLE_BAD,
    STYLE_BUSY,
    STYLE_HELP,
};

struct out {
    int fd;
    bool terminal, colour, closed;
    size_t width; /* columns, dumb terminals included; 0: no terminal at all */
    struct buf buf;
};

struct out out_of(int fd);
void out_flush(struct out *o);
/* Flushes; whoever reads it through a pipe sees its end, and later text goes nowhere. */
void out_close(struct out *o);
/* Flushes and frees. */
void out_release(struct out *o);

void out_style(struct out *o, enum style style);
void out_text(struct out *o, const char *text);
void out_printf(struct out *o, const char *format, ...) PRINTF_LIKE(2, 3);

/* On one line: line feeds and tabs become blanks. At most width_max characters
 * (0: all), the last of them "…" when it is cut. */
void out_foreign(struct out *o, struct str text, size_t width_max);

/* Each line of a foreign text after `prefix`; at most lines_max, the last ones. */
void out_foreign_lines(struct out *o, struct str text, const char *prefix, size_t lines_max);

/* A word for the shell: quoted when it must be. */
void out_shell_word(struct out *o, const char *word);

/* "350ms", "1.2s", "2m 03s", "3h 05m", "2d 03h" */
struct str duration_text(struct arena *a, int64_t ms);
/* "2026-03-01 12:00:00Z"; "-" for 0 */
struct str time_text(struct arena *a, struct wall_ms at);

/* ---- tables: aligned columns, two blanks between ---- */

enum {
    TABLE_COLUMNS_MAX = 8,
};

struct column {
    const char *title;
    bool right; /* aligned to the right */
};

struct cell {
    struct str text;
    enum style style;
};

struct table {
    struct arena *arena;
    const struct column *columns;
    size_t column_count;
    struct cell (*rows)[TABLE_COLUMNS_MAX];
    size_t count, capacity;
};

struct table table_of(struct arena *a, const struct column *columns, size_t count);
/* A new row with empty cells; good until the next. */
struct cell *table_row(struct table *t);
/* The last column is cut at the terminal's width. */
void table_print(const struct table *t, struct out *o);

#endif
