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

static bool write_bytes(struct writer *w, const char *bytes, size_t size)
{
    char *to = writer_room(w, size);
    if (to && size)
        memcpy(to, bytes, size);
    return to != NULL;
}

static bool write_char(struct writer *w, char c)
{
    return write_bytes(w, &c, 1);
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
    char replacement[4];
    return write_bytes(w, replacement, utf8_encode(replacement, 0xfffd));
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
    memcpy(to + 1, v.u.bytes, v.len);
    to[1 + v.len] = '"';
    return true;
}

static inline bool write_string(struct writer *w, struct json v)
{
    if (v.flags & JSON_FLAG_PLAIN)
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

static bool write_open(struct writer *w, struct walk *walk, struct json v)
{
    bool object = v.tag == JSON_TAG_OBJECT;
    if (v.len == 0)
        return write_bytes(w, object ? "{}" : "[]", 2);
    struct walk_frame *f = walk_push(walk, v.u.items, json_slots(v));
    f->u.text.object = object;
    f->u.text.begun = false;
    return write_char(w, object ? '{' : '[');
}

static inline bool write_value(struct writer *w, struct walk *walk, struct json v)
{
    switch ((enum json_tag)v.tag) {
    case JSON_TAG_STRING:
        return write_string(w, v);
    case JSON_TAG_NUMBER_TEXT:
        return write_bytes(w, v.u.bytes, v.len);
    case JSON_TAG_ARRAY:
    case JSON_TAG_OBJECT:
        return write_open(w, walk, v);
    case JSON_TAG_INT:
        return write_int(w, v.u.integer);
    case JSON_TAG_DOUBLE:
        return write_double(w, v.u.real);
    case JSON_TAG_TRUE:
        return write_bytes(w, "true", 4);
    case JSON_TAG_FALSE:
        return write_bytes(w, "false", 5);
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

/* What stands before an item: the comma, the line, the name. */
static inline bool write_before(struct writer *w, struct walk_frame *f, size_t depth)
{
    bool written = !f->u.text.begun || write_char(w, ',');
    f->u.text.begun = true;
    if (w->pretty)
        written = written && write_newline(w, depth);
    if (f->u.text.object) {
        written = written && write_string(w, *f->at++) && write_char(w, ':');
        if (w->pretty)
            written = written && write_char(w, ' ');
    }
    return written;
}

static bool write_all(struct writer *w, struct walk *walk, struct json v)
{
    bool written = write_value(w, walk, v);
    while (written && walk->depth) {
        struct walk_frame *f = &walk->frames[walk->depth - 1];
        if (f->at != f->end) {
            written = write_before(w, f, walk->depth);
            struct json item = *f->at++;
            written = written && write_value(w, walk, item);
            continue;
        }
        walk->depth--;
        if (w->pretty)
            written = write_newline(w, walk->depth);
        written = written && write_char(w, f->u.text.object ? '}' : ']');
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
    if (write_all(&w, &walk, v))
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
