#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

void buf_release(struct buf *b)
{
    free(b->ptr);
    *b = BUF_INIT(b->size_max);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->over = false;
}

static void grow(struct buf *b, size_t needed)
{
    size_t capacity = b->capacity ? b->capacity * 2 : 256;
    if (capacity < needed)
        capacity = needed;
    /* One more, so that a NUL always has room. */
    char *grown = capacity < SIZE_MAX ? realloc(b->ptr, capacity + 1) : NULL;
    if (!grown)
        panic(__FILE__, __LINE__, "out of memory");
    b->ptr = grown;
    b->capacity = capacity;
}

char *buf_reserve(struct buf *b, size_t more)
{
    size_t needed;
    if (__builtin_add_overflow(b->len, more, &needed) || (b->size_max && needed > b->size_max)) {
        b->over = true;
        return NULL;
    }
    if (needed > b->capacity || !b->ptr)
        grow(b, needed);
    return b->ptr + b->len;
}

void buf_append(struct buf *b, struct str s)
{
    char *to = s.len ? buf_reserve(b, s.len) : NULL;
    if (to) {
        memcpy(to, s.ptr, s.len);
        b->len += s.len;
    }
}

void buf_append_char(struct buf *b, char c)
{
    buf_append(b, str_of(&c, 1));
}

void buf_append_int(struct buf *b, int64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (value < 0)
        digits[--at] = '-';
    buf_append(b, str_of(digits + at, sizeof(digits) - at));
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    ASSERT(len >= 0);
    char *to = buf_reserve(b, (size_t)len);
    if (!to)
        return;
    va_start(args, format);
    vsnprintf(to, (size_t)len + 1, format, args);
    va_end(args);
    b->len += (size_t)len;
}

const char *buf_cstr(struct buf *b)
{
    if (!b->ptr)
        grow(b, 1);
    b->ptr[b->len] = '\0';
    return b->ptr;
}
