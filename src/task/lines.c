#include "task/lines.h"

static void give(struct lines *l, lines_line *line, void *arg)
{
    struct str text = buf_str(&l->rest);
    if (str_ends_with(text, STR("\r")))
        text.len--;
    line(arg, text);
    buf_clear(&l->rest);
}

void lines_add(struct lines *l, struct str bytes, lines_line *line, void *arg)
{
    while (bytes.len) {
        size_t end = str_find_char(bytes, '\n'), room = LINES_SIZE_MAX - l->rest.len;
        size_t taken = end < bytes.len ? end : bytes.len;
        bool whole = taken == end && taken <= room;
        taken = taken < room ? taken : room;
        buf_append(&l->rest, str_slice(bytes, 0, taken));
        bytes = str_slice(bytes, taken + whole, bytes.len);
        if (whole || l->rest.len == LINES_SIZE_MAX)
            give(l, line, arg);
    }
}

void lines_end(struct lines *l, lines_line *line, void *arg)
{
    if (l->rest.len)
        give(l, line, arg);
    buf_release(&l->rest);
}
