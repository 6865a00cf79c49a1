#include "json/json_internal.h"

#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>

/* One pass over the text, with a stack of values instead of recursion.
 *
 * A container that is still open is one slot of the stack: its tag, in `len`
 * the position of the open container around it (plus one; 0: none) and in
 * `u.integer` its offset in the text. Its items, or names and values in turn,
 * gather above the slot. At its end they are copied into the arena in their
 * exact size, and the slot becomes the finished value.
 */
enum {
    STACK_FEW = 64
};

struct parser {
    const char *end;
    struct json *stack;
    size_t top, capacity;
    size_t open; /* the innermost open container's slot plus one; 0: none */
    size_t depth, depth_max;
    struct arena *arena;
    struct str text;
    enum json_duplicates duplicates;
    struct err *reterr;
    struct json few[STACK_FEW];
};

/* Fails at a place; NULL, so that `return fail(...)` reads well. */
static const char *fail(const struct parser *p, const char *at, const char *format, ...)
    PRINTF_LIKE(3, 4) __attribute__((cold));

static const char *fail(const struct parser *p, const char *at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    json_vfail(p->reterr, ERR_INVALID_JSON, p->text, (size_t)(at - p->text.ptr), format, args);
    va_end(args);
    return NULL;
}

struct found {
    char text[24];
};

/* The byte at a place, for messages. */
static struct found found(const struct parser *p, const char *at)
{
    struct found f;
    unsigned char c = at < p->end ? (unsigned char)*at : 0;
    if (at == p->end)
        snprintf(f.text, sizeof(f.text), "the end of the text");
    else if (c > 0x20 && c < 0x7f)
        snprintf(f.text, sizeof(f.text), "'%c'", c);
    else
        snprintf(f.text, sizeof(f.text), "byte 0x%02x", c);
    return f;
}

/* Would the stack and `size` more bytes stay within the arena's budget? */
static bool has_room(const struct parser *p, size_t size)
{
    return arena_room(p->arena, p->capacity * sizeof(*p->stack) + size);
}

static bool fail_memory(const struct parser *p, const char *at)
{
    return json_fail(p->reterr, ERR_MEMORY_LIMIT, p->text, (size_t)(at - p->text.ptr),
                     "the JSON text needs more memory than its limit allows");
}

static bool stack_grow(struct parser *p)
{
    size_t size = p->capacity * sizeof(*p->stack);
    if (!has_room(p, size))
        return false;
    bool first = p->stack == p->few;
    struct json *grown = realloc(first ? NULL : p->stack, 2 * size);
    if (!grown)
        panic(__FILE__, __LINE__, "out of memory");
    if (first)
        memcpy(grown, p->few, size);
    p->stack = grown;
    p->capacity *= 2;
    return true;
}

/* A new slot, good until the next one is taken. */
static inline struct json *push(struct parser *p, const char *at)
{
    if (UNLIKELY(p->top == p->capacity) && !stack_grow(p)) {
        fail_memory(p, at);
        return NULL;
    }
    return &p->stack[p->top++];
}

/* Field by field: compilers clear the whole struct before a compound literal. */
static inline void set_text(struct json *ret, enum json_tag tag, unsigned flags, const char *from,
                            const char *to)
{
    ret->tag = (uint8_t)tag;
    ret->flags = (uint8_t)flags;
    ret->unused = 0;
    ret->len = (uint32_t)(to - from);
    ret->u.bytes = from;
}

/* ---- strings ---- */

/* Behind a well-formed escape, or NULL. */
static const char *check_escape(const struct parser *p, const char *at)
{
    const char *letter = at + 1;
    if (letter < p->end && *letter && strchr("\"\\/bfnrt", *letter))
        return letter + 1;
    if (letter == p->end || *letter != 'u')
        return fail(p, at, "a backslash must be followed by one of \"\\/bfnrtu, found %s",
                    found(p, letter).text);
    for (const char *hex = letter + 1; hex < letter + 5; hex++) {
        if (hex == p->end || scan_hex(*hex) < 0)
            return fail(p, at, "\\u must be followed by four hexadecimal digits, found %s",
                        found(p, hex).text);
    }
    return letter + 5;
}

/* Behind a run of characters that are not ASCII, or NULL. */
static const char *check_utf8(const struct parser *p, const char *at)
{
    const char *run_end = at;
    while (run_end < p->end && (signed char)*run_end < 0)
        run_end++;
    size_t size = (size_t)(run_end - at), valid = utf8_valid_up_to(str_of(at, size));
    if (valid < size)
        return fail(p, at + valid, "the text must be valid UTF-8, found %s",
                    found(p, at + valid).text);
    return run_end;
}

static bool decode_string(struct parser *p, const char *at, const char *end, struct json *ret)
{
    size_t size = (size_t)(end - at); /* decoding never makes longer */
    if (!has_room(p, size))
        return fail_memory(p, at);
    char *bytes = arena_alloc_text(p->arena, size), *to = bytes;
    while (at < end) {
        const char *backslash = memchr(at, '\\', (size_t)(end - at));
        size_t run = (size_t)((backslash ? backslash : end) - at);
        memcpy(to, at, run);
        at += run;
        to += run;
        char decoded[4];
        size_t count = at < end ? json_unescape(&at, end, decoded) : 0;
        memcpy(to, decoded, count);
        to += count;
    }
    *ret = json_string(str_of(bytes, (size_t)(to - bytes)));
    return true;
}

/* A string that is more than plain ASCII, from its first byte that is not. */
static const char *parse_string_rest(struct parser *p, const char *start, const char *at,
                                     struct json *ret)
{
    bool escapes = false;
    while (at < p->end && *at != '"') {
        if (*at == '\\') {
            escapes = true;
            at = check_escape(p, at);
        } else if ((signed char)*at < 0) {
            at = check_utf8(p, at);
        } else {
            return fail(p, at, "a string cannot hold %s; write it as an escape", found(p, at).text);
        }
        if (!at)
            return NULL;
        at = scan_plain(at, p->end);
    }
    if (at == p->end)
        return fail(p, start - 1, "the string that begins here is not closed");
    if (escapes)
        return decode_string(p, start, at, ret) ? at + 1 : NULL;
    set_text(ret, JSON_TAG_STRING, JSON_FLAG_PLAIN, start, at);
    return at + 1;
}

/* `at` is the opening quote; returns behind the closing one, or NULL. */
static inline const char *parse_string(struct parser *p, const char *at, struct json *ret)
{
    const char *start = at + 1;
    at = scan_plain(start, p->end);
    if (UNLIKELY(at == p->end || *at != '"'))
        return parse_string_rest(p, start, at, ret);
    set_text(ret, JSON_TAG_STRING, JSON_FLAG_PLAIN, start, at);
    return at + 1;
}

/* ---- other scalars ---- */

static inline const char *parse_number(struct parser *p, const char *at, struct json *ret)
{
    bool valid;
    const char *end = scan_number(at, p->end, &valid);
    if (valid) {
        set_text(ret, JSON_TAG_NUMBER_TEXT, 0, at, end);
        return end;
    }
    if (end < p->end && *end == '0')
        return fail(p, end, "a number cannot begin with 0 unless '.' or an exponent follows");
    return fail(p, end, "a number needs a digit here, found %s", found(p, end).text);
}

static const char *parse_word(struct parser *p, const char *at, struct str word, enum json_tag tag,
                              struct json *ret)
{
    if (!str_starts_with(str_of(at, (size_t)(p->end - at)), word))
        return fail(p, at, "expected '" STR_FMT "'; strings stand in double quotes", STR_ARG(word));
    *ret = (struct json){.tag = (uint8_t)tag};
    return at + word.len;
}

static const char *fail_value(struct parser *p, const char *at)
{
    if (at == p->end && p->open == 0)
        return fail(p, at, "the text is empty where JSON is expected");
    if (p->open && at < p->end && (*at == ']' || *at == '}'))
        return fail(p, at, "expected a value, found '%c'; is the comma before it one too many?",
                    *at);
    if (str_starts_with(str_of(at, (size_t)(p->end - at)), STR("\xef\xbb\xbf")))
        return fail(p, at, "JSON cannot begin with a byte order mark; save the text without it");
    return fail(p, at, "expected a value, found %s", found(p, at).text);
}

static inline const char *parse_scalar(struct parser *p, const char *at, struct json *ret)
{
    char c = at < p->end ? *at : '\0';
    if (LIKELY(c == '"'))
        return parse_string(p, at, ret);
    if (scan_is_digit(c) || c == '-')
        return parse_number(p, at, ret);
    switch (c) {
    case 't':
        return parse_word(p, at, STR("true"), JSON_TAG_TRUE, ret);
    case 'f':
        return parse_word(p, at, STR("false"), JSON_TAG_FALSE, ret);
    case 'n':
        return parse_word(p, at, STR("null"), JSON_TAG_NULL, ret);
    default:
        return fail_value(p, at);
    }
}

/* ---- containers ---- */

static const char *open_container(struct parser *p, const char *at, struct json *slot)
{
    size_t offset = (size_t)(at - p->text.ptr);
    if (p->depth == p->depth_max) {
        json_fail(p->reterr, ERR_TOO_DEEP, p->text, offset,
                  "arrays and objects are nested more than %zu deep", p->depth_max);
        return NULL;
    }
    p->depth++;
    *slot = (struct json){.tag = *at == '{' ? JSON_TAG_OBJECT : JSON_TAG_ARRAY,
                          .len = (uint32_t)p->open,
                          .u.integer = (int64_t)offset};
    p->open = p->top;
    return at + 1;
}

/* Deals with a name that stands twice; returns false when it is refused. */
static bool settle_duplicates(struct parser *p, struct json_member *members, size_t *count,
                              size_t offset)
{
    size_t repeat = json_members_repeat(members, *count);
    if (LIKELY(repeat == *count))
        return true;
    if (p->duplicates == JSON_DUPLICATES_REFUSE)
        return json_fail(p->reterr, ERR_INVALID_JSON, p->text,
                         json_member_offset(p->text, offset, repeat),
                         "the name \"" STR_FMT "\" stands twice in this object; keep one of them",
                         STR_ARG(json_str(members[repeat].key)));
    *count = json_members_merge(members, *count);
    return true;
}

static bool close_container(struct parser *p, const char *at)
{
    struct json *slot = &p->stack[p->open - 1], *items = slot + 1;
    bool object = slot->tag == JSON_TAG_OBJECT;
    size_t slots = p->top - p->open, count = object ? slots / 2 : slots;
    size_t working = object && count > MEMBERS_FEW ? count * MEMBERS_SORT_SIZE : 0;
    if (!has_room(p, slots * sizeof(*items) + working))
        return fail_memory(p, at);
    if (object) {
        if (!settle_duplicates(p, (struct json_member *)(void *)items, &count,
                               (size_t)slot->u.integer))
            return false;
        slots = 2 * count;
    }
    p->top = p->open;
    p->open = slot->len;
    p->depth--;
    slot->len = (uint32_t)count;
    slot->u.items = slots ? arena_dup(p->arena, items, slots * sizeof(*items)) : NULL;
    return true;
}

/* A name and its colon; returns where the value begins. */
static inline const char *parse_name(struct parser *p, const char *at)
{
    if (at == p->end || *at != '"')
        return fail(p, at, "expected a name in double quotes, found %s", found(p, at).text);
    struct json *slot = push(p, at);
    at = slot ? parse_string(p, at, slot) : NULL;
    if (!at)
        return NULL;
    at = scan_space(at, p->end);
    if (at == p->end || *at != ':')
        return fail(p, at, "expected ':' after a name, found %s", found(p, at).text);
    return scan_space(at + 1, p->end);
}

/* From behind a value, or behind the bracket of a container just opened, to the
 * next value; containers that end on the way are closed. */
static inline const char *parse_next(struct parser *p, const char *at, bool opened)
{
    while (p->open) {
        bool object = p->stack[p->open - 1].tag == JSON_TAG_OBJECT;
        char close = object ? '}' : ']';
        at = scan_space(at, p->end);
        if (at < p->end && *at == close) {
            if (!close_container(p, at))
                return NULL;
            opened = false;
            at++;
            continue;
        }
        if (!opened) {
            if (at == p->end || *at != ',')
                return fail(p, at, "expected ',' or '%c', found %s", close, found(p, at).text);
            at = scan_space(at + 1, p->end);
        }
        return object ? parse_name(p, at) : at;
    }
    return at;
}

static bool parse_text(struct parser *p)
{
    const char *at = scan_space(p->text.ptr, p->end);
    do {
        struct json *slot = push(p, at);
        if (!slot)
            return false;
        bool opens = at < p->end && (*at == '{' || *at == '[');
        at = opens ? open_container(p, at, slot) : parse_scalar(p, at, slot);
        at = at ? parse_next(p, at, opens) : NULL;
    } while (at && p->open);
    if (!at)
        return false;
    at = scan_space(at, p->end);
    if (at != p->end)
        fail(p, at, "expected nothing more after the value, found %s", found(p, at).text);
    return at == p->end;
}

bool json_parse(struct arena *a, struct str text, struct json_limits limits,
                enum json_duplicates duplicates, struct json *ret_value, struct err *reterr)
{
    size_t size_max = json_size_max(limits);
    if (text.len > size_max)
        return json_fail(reterr, ERR_TOO_LARGE, text, size_max,
                         "the JSON text is %zu bytes long; at most %zu are allowed", text.len,
                         size_max);
    if (!text.len)
        text = STR("");
    struct parser p __attribute__((uninitialized));
    p.end = text.ptr + text.len;
    p.stack = p.few;
    p.top = p.open = p.depth = 0;
    p.capacity = STACK_FEW;
    p.depth_max = limits.depth_max ? limits.depth_max : JSON_DEPTH_MAX;
    p.arena = a;
    p.text = text;
    p.duplicates = duplicates;
    p.reterr = reterr;
    bool parsed = parse_text(&p);
    if (parsed)
        *ret_value = p.stack[0];
    if (p.stack != p.few)
        free(p.stack);
    return parsed;
}

bool json_parse_copy(struct arena *a, struct str text, struct json_limits limits,
                     struct json *ret_value, struct err *reterr)
{
    if (text.len <= json_size_max(limits)) {
        if (!arena_room(a, text.len))
            return json_fail(reterr, ERR_MEMORY_LIMIT, text, 0,
                             "the JSON text needs more memory than its limit allows");
        text = arena_str(a, text);
    }
    return json_parse(a, text, limits, JSON_DUPLICATES_LAST, ret_value, reterr);
}
