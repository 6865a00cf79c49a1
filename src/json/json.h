/* JSON values: immutable, order-keeping, structurally shared.
 *
 * A `struct json` is a 16-byte handle passed by value. It refers to bytes and
 * items that live in some arena; building a larger value copies handles, never
 * the things they refer to. Nothing changes a value once it is made.
 *
 * Shape: JSON_ABSENT (all zero) is "no value at all", which is not null. String
 * bytes are WTF-8: UTF-8 that may hold a lone surrogate, since JSON's escapes
 * can spell one. Numbers from text keep their text exactly ("1.0" stays "1.0");
 * computed numbers are int64 or double. Objects keep their members' order and
 * have no two members of the same name (json_parse says what becomes of those).
 *
 * Ownership: everything is arena: a value lives as long as the arena (and, where
 * a function says so, the source text) that it was made from.
 * Threads: values are immutable and may be read from any thread.
 * Source: RFC 8259; why it is ours: docs/adr/0003-json.md.
 */
#ifndef PAWL_JSON_JSON_H
#define PAWL_JSON_JSON_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum json_type {
    JSON_ABSENT,
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

/* Private to json/: read values through the functions below. */
enum json_tag {
    JSON_TAG_ABSENT,
    JSON_TAG_NULL,
    JSON_TAG_FALSE,
    JSON_TAG_TRUE,
    JSON_TAG_NUMBER_TEXT, /* bytes, len: the text as it was written */
    JSON_TAG_INT,
    JSON_TAG_DOUBLE,
    JSON_TAG_STRING,
    JSON_TAG_ARRAY,
    JSON_TAG_OBJECT,
};

struct json_member;

struct json {
    uint8_t tag;   /* enum json_tag */
    uint8_t flags; /* JSON_FLAG_... */
    uint16_t unused;
    uint32_t len; /* bytes, items or members */
    union {
        const char *bytes;
        const struct json *items;
        const struct json_member *members;
        int64_t integer;
        double real;
    } u;
};

enum {
    JSON_FLAG_PLAIN = 1, /* string: written between quotes as it is, no escape needed */
};

struct json_member {
    struct json key; /* a string */
    struct json value;
};

/* ---- making ---- */

#define JSON_NONE ((struct json){0})

static inline struct json json_null(void)
{
    return (struct json){.tag = JSON_TAG_NULL};
}

static inline struct json json_bool(bool value)
{
    return (struct json){.tag = value ? JSON_TAG_TRUE : JSON_TAG_FALSE};
}

static inline struct json json_int(int64_t value)
{
    return (struct json){.tag = JSON_TAG_INT, .u.integer = value};
}

/* Not for infinities or NaN, which JSON cannot hold (asserted). */
struct json json_double(double value);

/* A number by its text, which must be a JSON number (asserted); borrows it. */
struct json json_number_text(struct str text);

/* Borrows the bytes, which must be WTF-8. */
struct json json_string(struct str bytes);

/* Copies the bytes into the arena. */
struct json json_string_copy(struct arena *a, struct str bytes);
struct json json_stringf(struct arena *a, const char *format, ...) PRINTF_LIKE(2, 3);

/* Borrow the items / members, which must live as long as the value. Members
 * must not repeat a name. */
struct json json_array(const struct json *items, size_t count);
struct json json_object(const struct json_member *members, size_t count);

/* Growing builders; the result lies in the arena. */
struct json_array_builder {
    struct arena *arena;
    struct json *items;
    size_t count, capacity;
};
struct json_object_builder {
    struct arena *arena;
    struct json_member *members;
    size_t count, capacity;
};
struct json_array_builder json_array_builder(struct arena *a);
void json_array_add(struct json_array_builder *b, struct json item);
struct json json_array_done(const struct json_array_builder *b);

struct json_object_builder json_object_builder(struct arena *a);
/* The caller vouches that the name is new. Borrows the name. An absent value
 * adds nothing. */
void json_object_add(struct json_object_builder *b, struct str name, struct json value);
/* Replaces an equal name's value in its place, else adds. */
void json_object_put(struct json_object_builder *b, struct str name, struct json value);
struct json json_object_done(const struct json_object_builder *b);

/* The object with one member replaced (in its place) or added at the end. */
struct json json_object_with(struct arena *a, struct json object, struct str name,
                             struct json value);
struct json json_object_without(struct arena *a, struct json object, struct str name);

/* ---- reading ---- */

enum json_type json_type(struct json v);
/* "null", "boolean", "number", "string", "array", "object", "absent". */
const char *json_type_name(struct json v);

static inline bool json_is_absent(struct json v)
{
    return v.tag == JSON_TAG_ABSENT;
}
static inline bool json_is_null(struct json v)
{
    return v.tag == JSON_TAG_NULL;
}
static inline bool json_is_bool(struct json v)
{
    return v.tag == JSON_TAG_TRUE || v.tag == JSON_TAG_FALSE;
}
static inline bool json_is_true(struct json v)
{
    return v.tag == JSON_TAG_TRUE;
}
static inline bool json_is_number(struct json v)
{
    return v.tag >= JSON_TAG_NUMBER_TEXT && v.tag <= JSON_TAG_DOUBLE;
}
static inline bool json_is_string(struct json v)
{
    return v.tag == JSON_TAG_STRING;
}
static inline bool json_is_array(struct json v)
{
    return v.tag == JSON_TAG_ARRAY;
}
static inline bool json_is_object(struct json v)
{
    return v.tag == JSON_TAG_OBJECT;
}

/* The bytes of a string; the empty str for anything else. */
static inline struct str json_str(struct json v)
{
    return v.tag == JSON_TAG_STRING ? str_of(v.u.bytes, v.len) : (struct str){0};
}

/* Items of an array, members of an object; 0 for anything else. */
static inline size_t json_count(struct json v)
{
    return v.tag == JSON_TAG_ARRAY || v.tag == JSON_TAG_OBJECT ? v.len : 0;
}

/* Absent when out of range or not an array. */
static inline struct json json_at(struct json v, size_t index)
{
    return v.tag == JSON_TAG_ARRAY && index < v.len ? v.u.items[index] : JSON_NONE;
}

/* NULL when not an object. */
static inline const struct json_member *json_members(struct json v)
{
    return v.tag == JSON_TAG_OBJECT ? v.u.members : NULL;
}

/* Absent when there is no such member or v is not an object. */
struct json json_get(struct json v, struct str name);

/* The nearest double; text out of range gives +-HUGE_VAL. 0 when not a number. */
double json_to_double(struct json v);

/* Exactly an integer within int64 ("1.0" and "1e2" count), else false. */
bool json_to_int64(struct json v, int64_t *ret_value);

/* Deep equality: numbers by value, objects whatever their order. Both absent:
 * equal. Texts and integers compare exactly; a double equals a text that reads
 * as that double. */
bool json_equal(struct json a, struct json b);

/* A deep copy that refers to nothing outside the arena. */
struct json json_copy(struct arena *a, struct json v);

/* Bytes that json_copy would take, for budgets. */
size_t json_size(struct json v);

/* RFC 6901; absent when it leads nowhere. */
struct json json_pointer(struct json v, struct str pointer);
/* Appends "/name" escaped. */
struct str json_pointer_child(struct arena *a, struct str pointer, struct str name);
struct str json_pointer_item(struct arena *a, struct str pointer, size_t index);

/* ---- text ---- */

enum {
    JSON_DOUBLE_SIZE = 32
};

/* JavaScript's Number.prototype.toString of a finite number; returns the length. */
size_t json_double_format(double value, char to[static JSON_DOUBLE_SIZE]);
/* The same of the number rounded to 15 significant digits. */
size_t json_double_format_15(double value, char to[static JSON_DOUBLE_SIZE]);

enum {
    JSON_DEPTH_MAX = 512,           /* default for nesting */
    JSON_TEXT_SIZE_MAX = 256 << 20, /* default for a text, bytes */
};

struct json_limits {
    size_t depth_max, size_max; /* 0: the defaults; a size above 4 GiB counts as that */
};

enum json_duplicates {
    JSON_DUPLICATES_LAST,   /* the last value wins, at the first one's place */
    JSON_DUPLICATES_REFUSE, /* an error at the second one: for definitions and configuration */
};

/* Strict RFC 8259: one value and white space, valid UTF-8, no byte order mark.
 * The value borrows `text` (strings and numbers that need no decoding point
 * into it): keep the text as long as the value, or parse a copy of it.
 * Errors: INVALID_JSON, TOO_DEEP, TOO_LARGE, MEMORY_LIMIT, each with offset,
 * line and column. Never recurses by data. */
MUST_CHECK bool json_parse(struct arena *a, struct str text, struct json_limits limits,
                           enum json_duplicates duplicates, struct json *ret_value,
                           struct err *reterr);

/* json_parse of a copy of the text made in the arena. */
MUST_CHECK bool json_parse_copy(struct arena *a, struct str text, struct json_limits limits,
                                struct json *ret_value, struct err *reterr);

/* Compact text, appended. Computed doubles are written with the fewest digits
 * that read back the same, in JavaScript's layout; a computed -0 as "0". A lone
 * surrogate is written as its \u escape and a byte that is not WTF-8 as U+FFFD,
 * so the output is always UTF-8; an absent value as null. When the buffer's
 * maximum is met, it is `over` and holds the beginning of the text. */
void json_write(struct buf *b, struct json v);

/* Two blanks a level, "name": value, one item a line; [] and {} stay closed. */
void json_write_pretty(struct buf *b, struct json v);

/* json_write into the arena. */
struct str json_text(struct arena *a, struct json v);

/* Appends a quoted, escaped string. */
void json_write_string(struct buf *b, struct str bytes);

/* Where in a JSON text does the value at a pointer stand? The start of the
 * value, or of its key when `key`. 1-based; columns count bytes. A pointer that
 * leads nowhere gives the place of its longest existing parent. For reporting
 * only: it walks the text. The text must be valid JSON. */
struct json_place {
    uint32_t line, column;
    size_t offset, length;
};
struct json_place json_locate(struct str text, struct str pointer, bool key);

#endif
