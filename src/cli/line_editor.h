/* Lines that a person types: edited, with those of before to be had again; from a pipe
 * or a file they come as they are, without a prompt.
 *
 * Ctrl-C throws the line away. What was typed is kept in ~/.pawl_history for the next
 * time. Lines are UTF-8.
 * Ownership: arena, but for what line_editor_free frees. Threads: one.
 */
#ifndef PAWL_CLI_LINE_EDITOR_H
#define PAWL_CLI_LINE_EDITOR_H

#include "base/arena.h"

enum {
    LINE_EDITOR_HISTORY_MAX = 1000, /* lines */
};

struct line_editor;

/* Never NULL: where there is no terminal it reads plainly. */
struct line_editor *line_editor_new(struct arena *a);
/* Accepts NULL. */
void line_editor_free(struct line_editor *e);

enum line_outcome {
    LINE_TYPED,
    LINE_CANCELLED,
    LINE_END,
};

/* The line, without its end, until the next call. `prompt` is at most 15 bytes. */
enum line_outcome line_editor_next(struct line_editor *e, const char *prompt, struct str *ret_line);

#endif
