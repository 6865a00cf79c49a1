/* The bytes that a process writes, cut into lines.
 *
 * A line comes without its end (LF, or CR and LF); one longer than LINES_SIZE_MAX comes in
 * parts. Any bytes, borrowed. Zeroed it is empty.
 * Ownership: lines_end.
 */
#ifndef PAWL_TASK_LINES_H
#define PAWL_TASK_LINES_H

#include "base/buf.h"

enum {
    LINES_SIZE_MAX = 4 << 10, /* bytes of one */
};

struct lines {
    struct buf rest; /* what is no whole line yet */
};

typedef void lines_line(void *arg, struct str line);

void lines_add(struct lines *l, struct str bytes, lines_line *line, void *arg);

/* Also the last one, which has no end. It is empty again. */
void lines_end(struct lines *l, lines_line *line, void *arg);

#endif
