/* From the text of a path to its segments. The dialect is decided here: what it
 * takes, what it refuses and why, see docs/adr/0004-jsonpath-dialect.md.
 */
#include "expr/jsonpath/path_internal.h"

#include <stdio.h>

struct builder {
    struct path_scanner s;
    struct segment *segments;
    size_t count, capacity;
    bool reference;
};

bool path_refuse(const struct path_scanner *s, const char *at, const char *format, ...)
{
    size_t offset = (size_t)(at - s->whole.ptr);
    char what[256];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    err_set(s->reterr, ERR_INVALID_PATH, "invalid JSONPath: %s at byte %zu of '" STR_FMT "'", what,
            offset + 1, STR_ARG(s->whole));
    if (s->reterr)
        s->reterr->offset = offset;
    return false;
}

static const char *here(const struct builder *b)
{
    return b->s.text.ptr + b->s.at;
}

static bool at_end(const struct builder *b)
{
    return b->s.at == b->s.text.len;
}

/* The character `ahead` of here, or NUL behind the end. */
static char peek(const struct builder *b, size_t ahead)
{
    return b->s.text.len - b->s.at > ahead ? here(b)[ahead] : '\0';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool ends_name(char c)
{
    return c == '.' || c == '[' || c == ' ';
}

static void skip_blanks(struct str *s)
{
    while (s->len && is_blank(*s->ptr))
        *s = str_slice(*s, 1, s->len);
}

static bool take(struct str *s, char c)
{
    if (!s->len || *s->ptr != c)
        return false;
    *s = str_slice(*s, 1, s->len);
    return true;
}

static bool add(struct builder *b, const char *at, struct segment segment)
{
    if (b->count == PATH_SEGMENTS_MAX)
        return path_refuse(&b->s, at, "it has more than %d segments", PATH_SEGMENTS_MAX);
    b->segments = arena_grow(b->s.arena, b->segments, b->count, &b->capacity, sizeof(*b->segments));
    b->segments[b->count++] = segment;
    if (segment.kind != SEGMENT_NAME && segment.kind != SEGMENT_INDEX)
        b->reference = false;
    return true;
}

/* ---- names ---- */

static bool add_name(struct builder *b, struct str name)
{
    struct str *names = ARENA_NEW(b->s.arena, struct str);
    *names = name;
    struct segment segment = {
        .kind = SEGMENT_NAME,
        .count = 1,
        .u.names = names,
        .text = arena_printf(b->s.arena, "['" STR_FMT "']", STR_ARG(name)),
    };
    return add(b, name.ptr, segment);
}

/* The States Language keeps these out of reference paths unless quoted. */
static bool belongs_in_reference(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (strchr("@,:?*()", name.ptr[i]))
            return false;
    }
    return true;
}

/* A name without quotes: everything up to a dot, a bracket or a blank. */
static bool scan_name(struct builder *b)
{
    const char *start = here(b);
    while (!at_end(b) && !ends_name(peek(b, 0)))
        b->s.at++;
    struct str name = str_of(start, (size_t)(here(b) - start));
    if (peek(b, 0) == ' ')
        return path_refuse(&b->s, here(b), "a blank must stand in quotes, as in ['a b']");
    if (str_find_char(name, ']') != SIZE_MAX)
        return path_refuse(&b->s, start, "']' stands without '['");
    if (!belongs_in_reference(name))
        b->reference = false;
    return add_name(b, name);
}

static bool add_names(struct builder *b, const char *at, const struct str *names, size_t count)
{
    if (count == 1)
        return add_name(b, names[0]);
    struct buf text = BUF_INIT(0);
    for (size_t i = 0; i < count; i++)
        buf_printf(&text, "%s'" STR_FMT "'", i ? ", " : "[", STR_ARG(names[i]));
    buf_append_char(&text, ']');
    struct segment segment = {
        .kind = SEGMENT_NAMES,
        .count = (uint32_t)count,
        .u.names = arena_dup(b->s.arena, names, count * sizeof(*names)),
        .text = arena_str(b->s.arena, buf_str(&text)),
    };
    buf_release(&text);
    return add(b, at, segment);
}

/* 'a', 'b': what stands in brackets that begin with a quote. A backslash is an
 * ordinary character. Hence 'it\'s' is the name "it\"; as the library does, the
 * rest of such brackets is passed over, for AWS takes these paths. */
static bool scan_quoted(struct builder *b, struct str inside)
{
    const char *start = inside.ptr;
    struct str *names = NULL;
    size_t count = 0, capacity = 0;
    do {
        skip_blanks(&inside);
        if (!take(&inside, '\''))
            return path_refuse(&b->s, inside.ptr, "a name in single quotes was expected");
        size_t len = str_find_char(inside, '\'');
        if (len == SIZE_MAX)
            return path_refuse(&b->s, inside.ptr,
                               "the quote does not end; a quoted name cannot hold ']'");
        names = arena_grow(b->s.arena, names, count, &capacity, sizeof(*names));
        names[count++] = str_slice(inside, 0, len);
        inside = str_slice(inside, len + 1, inside.len);
        if (len && inside.len && inside.ptr[-2] == '\\' && str_find_char(inside, '\'') != SIZE_MAX)
            inside = str_slice(inside, inside.len, inside.len);
        skip_blanks(&inside);
    } while (take(&inside, ','));
    if (inside.len)
        return path_refuse(&b->s, inside.ptr, "a comma or ']' was expected behind the name");
    return add_names(b, start, names, count);
}

/* ---- indexes ---- */

/* [-]digits of 32 bits. */
static bool scan_int(const struct builder *b, struct str *inside, int32_t *ret_value)
{
    const char *start = inside->ptr;
    bool negative = take(inside, '-');
    if (negative)
        skip_blanks(inside);
    const char *digits = inside->ptr;
    int64_t value = 0;
    while (inside->len && *inside->ptr >= '0' && *inside->ptr <= '9') {
        value = value * 10 + (*inside->ptr - '0');
        if (value > (int64_t)INT32_MAX + 1)
            value = (int64_t)INT32_MAX + 1;
        take(inside, *inside->ptr);
    }
    if (inside->ptr == digits)
        return path_refuse(&b->s, start, "a number was expected");
    if (value > INT32_MAX)
        return path_refuse(&b->s, start, "the number is larger than %d", INT32_MAX);
    *ret_value = (int32_t)(negative ? -value : value);
    return true;
}

static struct str slice_text(struct arena *a, const struct segment *s)
{
    if (!s->has_to)
        return arena_printf(a, "[%d:]", s->from);
    if (!s->has_from)
        return arena_printf(a, "[:%d]", s->to);
    return arena_printf(a, "[%d:%d]", s->from, s->to);
}

/* Behind the first colon. A step is taken and not looked at, as AWS does. */
static bool scan_slice(struct builder *b, const char *start, struct segment segment,
                       struct str inside)
{
    skip_blanks(&inside);
    if (inside.len && *inside.ptr != ':') {
        segment.has_to = true;
        if (!scan_int(b, &inside, &segment.to))
            return false;
        skip_blanks(&inside);
    }
    if (!segment.has_from && !segment.has_to)
        return path_refuse(&b->s, start, "a slice needs a start or an end");
    if (take(&inside, ':')) {
        int32_t step;
        skip_blanks(&inside);
        if (inside.len && !scan_int(b, &inside, &step))
            return false;
        skip_blanks(&inside);
    }
    if (inside.len)
        return path_refuse(&b->s, inside.ptr, "']' was expected behind the slice");
    segment.kind = SEGMENT_SLICE;
    segment.text = slice_text(b->s.arena, &segment);
    return add(b, start, segment);
}

static bool scan_indexes(struct builder *b, int32_t first, struct str inside)
{
    const char *start = inside.ptr;
    int32_t *indexes = NULL;
    size_t count = 0, capacity = 0;
    struct buf text = BUF_INIT(0);
    buf_printf(&text, "[%d", first);
    bool ok = true;
    for (int32_t index = first;;) {
        indexes = arena_grow(b->s.arena, indexes, count, &capacity, sizeof(*indexes));
        indexes[count++] = index;
        if (!take(&inside, ','))
            break;
        skip_blanks(&inside);
        ok = scan_int(b, &inside, &index);
        if (!ok)
            break;
        buf_printf(&text, ",%d", index);
        skip_blanks(&inside);
    }
    if (ok && inside.len)
        ok = path_refuse(&b->s, inside.ptr, "a comma or ']' was expected behind the number");
    buf_append_char(&text, ']');
    struct segment segment = {
        .kind = SEGMENT_INDEXES,
        .count = (uint32_t)count,
        .u.indexes = indexes,
        .text = arena_str(b->s.arena, buf_str(&text)),
    };
    buf_release(&text);
    return ok && add(b, start, segment);
}

/* [1], [1.5] (which is [1]), [0,1], [1:], [:1], [1:2]. */
static bool scan_numbers(struct builder *b, struct str inside)
{
    const char *start = inside.ptr;
    struct segment segment = {.kind = SEGMENT_INDEX};
    if (take(&inside, ':'))
        return scan_slice(b, start, segment, inside);
    if (!scan_int(b, &inside, &segment.from))
        return false;
    skip_blanks(&inside);
    if (take(&inside, ':')) {
        segment.has_from = true;
        return scan_slice(b, start, segment, inside);
    }
    if (inside.len && *inside.ptr == ',')
        return scan_indexes(b, segment.from, inside);
    int32_t fraction;
    if (take(&inside, '.')) {
        if (!scan_int(b, &inside, &fraction))
            return false;
        b->reference = false;
    }
    if (inside.len)
        return path_refuse(&b->s, inside.ptr, "']' was expected behind the number");
    segment.text = arena_printf(b->s.arena, "[%d]", segment.from);
    return add(b, start, segment);
}

static bool take_word(struct str *s, struct str word)
{
    if (!str_starts_with(*s, word))
        return false;
    *s = str_slice(*s, word.len, s->len);
    skip_blanks(s);
    return true;
}

/* [(@.length-1)], the one script that the library knows. */
static bool scan_script(struct builder *b, struct str inside)
{
    const char *start = inside.ptr;
    struct segment segment = {.kind = SEGMENT_FROM_END};
    take(&inside, '(');
    skip_blanks(&inside);
    bool known = take_word(&inside, STR("@.length")) || take_word(&inside, STR("@.size()")) ||
                 take_word(&inside, STR("@.size"));
    if (!known || !inside.len || *inside.ptr != '-')
        return path_refuse(&b->s, inside.ptr, "the only script is [(@.length-N)]");
    if (!scan_int(b, &inside, &segment.from))
        return false;
    skip_blanks(&inside);
    if (!take(&inside, ')') || inside.len)
        return path_refuse(&b->s, inside.ptr, "')]' was expected behind the script");
    segment.text = arena_printf(b->s.arena, "[@.size()%d]", segment.from);
    return add(b, start, segment);
}

/* ---- brackets ---- */

/* Length up to the bracket that closes the one at the start, SIZE_MAX when none
 * does. Quotes do not protect brackets, as in the library: what it refuses must
 * not be taken here. A name alone may hold '[', which then closes nothing. */
static size_t bracket_length(struct str s)
{
    size_t depth = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '[')
            depth++;
        else if (s.ptr[i] == ']' && --depth == 0)
            return i;
    }
    return SIZE_MAX;
}

static bool scan_bracket(struct builder *b)
{
    const char *start = here(b);
    struct str rest = str_slice(b->s.text, b->s.at, b->s.text.len);
    size_t len = bracket_length(rest);
    if (len == SIZE_MAX)
        len = str_find_char(rest, ']');
    if (len == SIZE_MAX)
        return path_refuse(&b->s, start, "']' is missing");
    b->s.at += len + 1;
    struct str inside = str_slice(rest, 1, len);
    if (str_eq(inside, STR("*")))
        return add(b, start, (struct segment){.kind = SEGMENT_WILDCARD, .text = STR("[*]")});
    inside = str_trim(inside);
    char first = inside.len ? *inside.ptr : '\0';
    if (first == '\'')
        return scan_quoted(b, inside);
    if (first == '(')
        return scan_script(b, inside);
    if (first == '-' || first == ':' || (first >= '0' && first <= '9'))
        return scan_numbers(b, inside);
    if (first != '?')
        return path_refuse(&b->s, inside.ptr,
                           "brackets hold a name in single quotes, numbers, '*' or ?(...)");
    struct segment segment = {.kind = SEGMENT_FILTER, .text = STR("[?]")};
    return filter_compile(&b->s, str_slice(inside, 1, inside.len), &segment.u.filter) &&
           add(b, start, segment);
}

/* ---- the whole ---- */

static bool scan_segment(struct builder *b)
{
    const char *start = here(b);
    bool scanning = b->count && b->segments[b->count - 1].kind == SEGMENT_SCAN;
    if (peek(b, 0) == '[')
        return scan_bracket(b);
    if (peek(b, 0) == '.' && peek(b, 1) == '.') {
        if (scanning)
            return path_refuse(&b->s, start, "'..' stands twice");
        b->s.at += 2;
        return add(b, start, (struct segment){.kind = SEGMENT_SCAN, .text = STR("..")});
    }
    bool dotted = peek(b, 0) == '.';
    if (dotted) {
        b->s.at++;
        if (peek(b, 0) == '[')
            return true;
    }
    if (peek(b, 0) == '*' && (!dotted || !peek(b, 1) || ends_name(peek(b, 1)))) {
        b->s.at++;
        return add(b, start, (struct segment){.kind = SEGMENT_WILDCARD, .text = STR("[*]")});
    }
    if (at_end(b) || (!dotted && peek(b, 0) == '$'))
        return path_refuse(&b->s, here(b), "a name was expected");
    return scan_name(b);
}

static bool token_is_definite(const struct segment *s)
{
    return s->kind <= SEGMENT_FROM_END;
}

/* A name is missed silently when something indefinite stands at, right before or
 * behind it. Not further before: that is how the library, and so AWS, has it. */
static void settle(struct builder *b, struct path *p)
{
    bool rest_definite = true;
    p->literal = true;
    for (size_t i = b->count; i-- > 0;) {
        rest_definite = rest_definite && token_is_definite(&b->segments[i]);
        p->literal = p->literal && b->segments[i].kind <= SEGMENT_INDEX;
        b->segments[i].forgives =
            !rest_definite || (i > 0 && !token_is_definite(&b->segments[i - 1]));
    }
    p->definite = rest_definite;
    p->reference = b->reference;
    p->segments = arena_dup(b->s.arena, b->segments, b->count * sizeof(*b->segments));
    p->count = b->count;
}

static bool scan_segments(struct builder *b, struct path *p)
{
    b->reference = true;
    while (!at_end(b)) {
        if (b->count && b->segments[b->count - 1].kind == SEGMENT_NAMES)
            return path_refuse(&b->s, here(b), "several names can only stand at the end");
        if (!scan_segment(b))
            return false;
    }
    if (b->count && b->segments[b->count - 1].kind == SEGMENT_SCAN)
        return path_refuse(&b->s, here(b), "it cannot end with '..'");
    settle(b, p);
    return true;
}

static bool is_variable_char(char c, bool first)
{
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);
    return letter || (!first && c >= '0' && c <= '9');
}

/* $, $$ or $name. */
static bool scan_root(struct builder *b, struct path *p)
{
    if (peek(b, 0) != '$')
        return path_refuse(&b->s, here(b), "it must begin with '$'");
    b->s.at++;
    p->root = PATH_ROOT_INPUT;
    if (peek(b, 0) == '$') {
        p->root = PATH_ROOT_CONTEXT;
        b->s.at++;
    }
    const char *name = here(b);
    while (!at_end(b) && is_variable_char(peek(b, 0), here(b) == name))
        b->s.at++;
    p->variable = str_of(name, (size_t)(here(b) - name));
    if (p->variable.len && p->root == PATH_ROOT_INPUT)
        p->root = PATH_ROOT_VARIABLE;
    else if (p->variable.len)
        return path_refuse(&b->s, name, "'.' or '[' was expected behind '$$'");
    if (!at_end(b) && peek(b, 0) != '.' && peek(b, 0) != '[')
        return path_refuse(&b->s, here(b), "'.' or '[' was expected");
    return true;
}

bool path_compile(struct arena *a, struct str text, const struct path **ret_path,
                  struct err *reterr)
{
    if (text.len > PATH_TEXT_MAX)
        return err_set(reterr, ERR_INVALID_PATH, "a JSONPath is longer than %d bytes",
                       PATH_TEXT_MAX);
    text = arena_str(a, text);
    struct builder b = {.s = {a, text, str_trim(text), .reterr = reterr}};
    struct path *p = ARENA_NEW(a, struct path);
    p->text = b.s.text;
    if (!scan_root(&b, p) || !scan_segments(&b, p))
        return false;
    *ret_path = p;
    return true;
}

bool path_compile_operand(const struct path_scanner *s, struct str text,
                          const struct path **ret_path)
{
    if (s->depth == PATH_FILTER_DEPTH_MAX)
        return path_refuse(s, text.ptr, "filters stand deeper in one another than %d",
                           PATH_FILTER_DEPTH_MAX);
    struct builder b = {.s = *s};
    b.s.text = text;
    b.s.at = 1;
    b.s.depth++;
    struct path *p = ARENA_NEW(s->arena, struct path);
    p->text = text;
    if (!at_end(&b) && peek(&b, 0) != '.' && peek(&b, 0) != '[')
        return path_refuse(s, here(&b), "'.' or '[' was expected; filters see no variables");
    if (!scan_segments(&b, p))
        return false;
    if (!p->definite)
        return path_refuse(s, text.ptr, "a path in a filter must lead to one value");
    *ret_path = p;
    return true;
}

/* ---- what a compiled path tells ---- */

struct str path_text(const struct path *p)
{
    return p->text;
}

enum path_root path_root(const struct path *p)
{
    return p->root;
}

struct str path_variable(const struct path *p)
{
    return p->variable;
}

bool path_is_definite(const struct path *p)
{
    return p->definite;
}

bool path_is_reference(const struct path *p)
{
    return p->reference;
}

bool path_is_whole_input(const struct path *p)
{
    return p->root == PATH_ROOT_INPUT && p->count == 0;
}
