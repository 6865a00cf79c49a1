#include "json/json_internal.h"

#include "base/utf8.h"

/* Writes straight into the buffer's free space. Every request for room is for
 * exactly what will be written, so a buffer's maximum is met to the byte. */
struct writer {
    struct buf *b;
    char *at, *end;
    bool pretty;
};

static char *writer_grow(struct writer *w, size_t size)
{
    struct buf *b = w->b;
    b->len = (size_t)(w->at - b->ptr);
    char *at = buf_reserve(b, size);
    if (!at)
        return NULL;
    size_t usable = b->size_max && b->size_max < b->capacity ? b->size_max : b->capacity;
    w->at = at;
    w->end = b->ptr + usable;
    return at;
}

/* Where to put `size` bytes, or NULL when the buffer is full. */
static inline char *writer_room(struct writer *w, size_t size)
{
    char *at = w->at;
    if (UNLIKELY((size_t)(w->end - at) < size)) {
        at = writer_grow(w, size);
        if (!at)
            return NULL;
    }
    w->at = at + size;
    return at;
}

/* Any value takes at least one byte, so a buffer without room for one is over. */
static bool writer_begin(struct writer *w, struct buf *b, bool pretty)
{
    char *at = buf_reserve(b, 1);
    if (!at)
        return false;
    *w = (struct writer){.b = b, .at = at, .end = at, .pretty = pretty};
    return writer_grow(w, 1) != NULL;
}

static void writer_end(struct writer *w)
{
    w->b->len = (size_t)(w->at - w->b->ptr);
}

/* memcpy, but most texts in JSON are shorter than a call of it is worth: two
 * halves that may overlap cover each length. */
static inline void copy_text(char *to, const char *from, size_t size)
{
    if (size > 16) {
        memcpy(to, from, size);
    } else if (size >= 8) {
        memcpy(to, from, 8);
        memcpy(to + size - 8, from + size - 8, 8);
    } else if (size >= 4) {
        memcpy(to, from, 4);
        memcpy(to + size - 4, from + size - 4, 4);
    } else if (size) {
        to[0] = from[0];
        to[size / 2] = from[size / 2];
        to[size - 1] = from[size - 1];
    }
}

static inline bool write_bytes(struct writer *w, const char *bytes, size_t size)
{
    char *to = writer_room(w, size);
    if (to)
        copy_text(to, bytes, size);
    return to != NULL;
}

static inline bool write_char(struct writer *w, char c)
{
    char *to = writer_room(w, 1);
    if (to)
        *to = c;
    return to != NULL;
}

/* ---- strings ---- */

static bool write_unit(struct writer *w, uint32_t unit)
{
    static const char digits[] = "0123456789abcdef";
    char text[6] = {'\\',
                    'u',
                    digits[unit >> 12 & 15],
                    digits[unit >> 8 & 15],
                    digits[unit >> 4 & 15],
                    digits[unit & 15]};
    return write_bytes(w, text, sizeof(text));
}

/* One character that cannot stand as it is. */
static bool write_escape(struct writer *w, uint32_t c)
{
    static const char meanings[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *meaning = c && c < 0x80 ? strchr(meanings, (int)c) : NULL;
    if (meaning) {
        char text[2] = {'\\', letters[meaning - meanings]};
        return write_bytes(w, text, sizeof(text));
    }
    if (c < 0x20 || (c >= 0xd800 && c <= 0xdfff))
        return write_unit(w, c);
    return write_bytes(w, "\xef\xbf\xbd", 3); /* U+FFFD */
}

/* Is this a well-formed character that needs no escape? */
static bool stands_as_it_is(uint32_t c, size_t size)
{
    return c >= 0x80 && (c < 0xd800 || c > 0xdfff) && size > 1;
}

static bool write_scanned(struct writer *w, struct str s)
{
    const char *at = s.ptr, *end = at + s.len, *run = at;
    if (!write_char(w, '"'))
        return false;
    while ((at = scan_plain(at, end)) < end) {
        size_t offset = (size_t)(at - s.ptr), next = offset;
        uint32_t c = utf8_next(s, &next);
        const char *after = s.ptr + next;
        if (!stands_as_it_is(c, next - offset)) {
            if (!write_bytes(w, run, (size_t)(at - run)) || !write_escape(w, c))
                return false;
            run = after;
        }
        at = after;
    }
    return write_bytes(w, run, (size_t)(end - run)) && write_char(w, '"');
}

static inline bool write_plain(struct writer *w, struct json v)
{
    char *to = writer_room(w, v.len + (size_t)2);
    if (!to)
        return false;
    to[0] = '"';
    copy_text(to + 1, v.u.bytes, v.len);
    to[1 + v.len] = '"';
    return true;
}

static inline bool write_string(struct writer *w, struct json v)
{
    if (LIKELY(v.flags & JSON_FLAG_PLAIN))
        return write_plain(w, v);
    return v.len ? write_scanned(w, json_str(v)) : write_bytes(w, "\"\"", 2);
}

/* ---- values ---- */

static bool write_int(struct writer *w, int64_t value)
{
    enum {
        INT_SIZE = 20
    };
    char text[INT_SIZE];
    size_t at = INT_SIZE;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        text[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (value < 0)
        text[--at] = '-';
    return write_bytes(w, text + at, INT_SIZE - at);
}

static bool write_double(struct writer *w, double value)
{
    char text[JSON_DOUBLE_SIZE];
    return write_bytes(w, text, json_double_format(value, text));
}

static bool write_scalar(struct writer *w, struct json v)
{
    switch ((enum json_tag)v.tag) {
    case JSON_TAG_STRING:
        return write_string(w, v);
    case JSON_TAG_NUMBER_TEXT:
        return write_bytes(w, v.u.bytes, v.len);
    case JSON_TAG_INT:
        return write_int(w, v.u.integer);
    case JSON_TAG_DOUBLE:
        return write_double(w, v.u.real);
    case JSON_TAG_TRUE:
        return write_bytes(w, "true", 4);
    case JSON_TAG_FALSE:
        return write_bytes(w, "false", 5);
    case JSON_TAG_ARRAY:
        return write_bytes(w, "[]", 2);
    case JSON_TAG_OBJECT:
        return write_bytes(w, "{}", 2);
    case JSON_TAG_ABSENT:
    case JSON_TAG_NULL:
        return write_bytes(w, "null", 4);
    }
    UNREACHABLE("json tag");
}

static bool write_newline(struct writer *w, size_t depth)
{
    char *to = writer_room(w, 1 + 2 * depth);
    if (!to)
        return false;
    to[0] = '\n';
    memset(to + 1, ' ', 2 * depth);
    return true;
}

/* A name and its colon; in one piece where that is all. */
static inline bool write_name(struct writer *w, struct json name)
{
    if (UNLIKELY(!(name.flags & JSON_FLAG_PLAIN) || w->pretty))
        return write_string(w, name) && write_char(w, ':') && (!w->pretty || write_char(w, ' '));
    char *to = writer_room(w, name.len + (size_t)3);
    if (!to)
        return false;
    to[0] = '"';
    copy_text(to + 1, name.u.bytes, name.len);
    to[1 + name.len] = '"';
    to[2 + name.len] = ':';
    return true;
}

/* The container that is being written: kept apart from the walk's frames, which
 * hold those around it, because it changes with every item. */
struct cursor {
    const struct json *at, *end;
    bool object;
};

static bool write_open(struct writer *w, struct walk *walk, struct cursor *c, struct json v)
{
    walk_push(walk, c->at, (size_t)(c->end - c->at))->u.object = c->object;
    *c = (struct cursor){v.u.items, v.u.items + json_slots(v), v.tag == JSON_TAG_OBJECT};
    return write_char(w, c->object ? '{' : '[') && (!w->pretty || write_newline(w, walk->depth));
}

static bool write_close(struct writer *w, struct walk *walk, struct cursor *c)
{
    const struct walk_frame *f = &walk->frames[--walk->depth];
    bool object = c->object;
    *c = (struct cursor){f->at, f->end, f->u.object};
    return (!w->pretty || write_newline(w, walk->depth)) && write_char(w, object ? '}' : ']');
}

static inline bool write_comma(struct writer *w, size_t depth)
{
    return write_char(w, ',') && (!w->pretty || write_newline(w, depth));
}

static bool write_all(struct writer *w, struct walk *walk, const struct json *v)
{
    struct cursor c = {v, v + 1, false};
    bool written = true;
    while (written) {
        if (c.object)
            written = write_name(w, *c.at++);
        struct json item = *c.at++;
        if (json_slots(item)) {
            written = written && write_open(w, walk, &c, item);
            continue;
        }
        written = written && write_scalar(w, item);
        while (written && c.at == c.end && walk->depth)
            written = write_close(w, walk, &c);
        if (c.at == c.end)
            break;
        written = written && write_comma(w, walk->depth);
    }
    return written;
}

static void write_to(struct buf *b, struct json v, bool pretty)
{
    struct writer w;
    struct walk walk;
    if (!writer_begin(&w, b, pretty))
        return;
    walk_init(&walk);
    if (write_all(&w, &walk, &v))
        writer_end(&w);
    walk_release(&walk);
}

void json_write(struct buf *b, struct json v)
{
    write_to(b, v, false);
}

void json_write_pretty(struct buf *b, struct json v)
{
    write_to(b, v, true);
}

struct str json_text(struct arena *a, struct json v)
{
    struct buf b = BUF_INIT(0);
    json_write(&b, v);
    struct str text = arena_str(a, buf_str(&b));
    buf_release(&b);
    return text;
}

void json_write_string(struct buf *b, struct str bytes)
{
    json_write(b, json_string(bytes));
}
