/* A growing byte buffer with a declared maximum.
 *
 * Ownership: the bytes are owned (malloc); buf_release frees them. Appending
 * never fails for lack of memory (panic); going over size_max sets `over` and
 * drops what did not fit, so a writer checks once at the end.
 */
#ifndef PAWL_BASE_BUF_H
#define PAWL_BASE_BUF_H

#include "base/macros.h"
#include "base/str.h"

#include <stdarg.h>

struct buf {
    char *ptr;
    size_t len, capacity;
    size_t size_max; /* 0: none */
    bool over;
};

#define BUF_INIT(maximum) ((struct buf){.size_max = (maximum)})

/* Accepts a zeroed one; leaves it zeroed but for the maximum. */
void buf_release(struct buf *b);

/* Forgets the bytes, keeps the memory. */
void buf_clear(struct buf *b);

/* Makes room for `more` bytes and returns where to put them, or NULL when that
 * would pass the maximum. The caller then adds what it wrote to b->len. */
char *buf_reserve(struct buf *b, size_t more);

void buf_append(struct buf *b, struct str s);
void buf_append_char(struct buf *b, char c);
void buf_append_int(struct buf *b, int64_t value);
void buf_printf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);

/* Borrowed until the next call that changes b. */
static inline struct str buf_str(const struct buf *b)
{
    return str_of(b->ptr, b->len);
}

/* NUL-terminated view of the same bytes (the NUL is not counted in len). */
const char *buf_cstr(struct buf *b);

#endif
