#include "json/yaml_internal.h"

#include "base/utf8.h"

#include <stdlib.h>

/* A value that is being put together, and where it began (in characters). As in
 * parse.c, an open container is a slot whose `len` is the position of the one
 * around it, plus one; `u.integer` is its anchor's position, plus one. */
struct node {
    struct json value;
    size_t index;
};

struct anchor {
    struct str name;
    struct json value; /* absent while its node is open */
};

struct builder {
    struct yaml_events events;
    struct node *stack;
    size_t top, capacity, open, depth, depth_max;
    struct anchor *anchors;
    size_t anchor_count, anchor_capacity;
    size_t unfolded; /* bytes that aliases have added so far */
    size_t documents;
    bool done;
    struct arena *arena;
    struct err *reterr;
};

static bool fail_at(const struct builder *b, size_t index, enum err_code code, const char *format,
                    ...) PRINTF_LIKE(4, 5);

static bool fail_at(const struct builder *b, size_t index, enum err_code code, const char *format,
                    ...)
{
    va_list args;
    va_start(args, format);
    json_vfail(b->reterr, code, b->events.text, yaml_offset(b->events.text, index), format, args);
    va_end(args);
    return false;
}

/* At the current event. */
#define fail_here(b, ...)                                                                          \
    fail_at((b), (b)->events.event.start_mark.index, ERR_INVALID_YAML, __VA_ARGS__)

/* What libyaml found wrong with the text. */
static bool fail_syntax(const struct builder *b)
{
    const yaml_parser_t *p = &b->events.parser;
    const char *problem = p->problem ? p->problem : "the text is not YAML";
    if (p->error == YAML_READER_ERROR)
        return json_fail(b->reterr, ERR_INVALID_YAML, b->events.text, p->problem_offset, "%s",
                         problem);
    if (p->context)
        return fail_at(b, p->problem_mark.index, ERR_INVALID_YAML, "%s %s", p->context, problem);
    return fail_at(b, p->problem_mark.index, ERR_INVALID_YAML, "%s", problem);
}

static bool take_room(const struct builder *b, size_t size)
{
    size_t working = b->capacity * sizeof(*b->stack) + b->anchor_capacity * sizeof(*b->anchors);
    return arena_room(b->arena, working + size) ||
           fail_at(b, b->events.event.start_mark.index, ERR_MEMORY_LIMIT,
                   "the YAML text needs more memory than its limit allows");
}

static void *grown(void *items, size_t *capacity, size_t size)
{
    *capacity = *capacity ? *capacity * 2 : 16;
    void *more = realloc(items, *capacity * size);
    if (!more)
        panic(__FILE__, __LINE__, "out of memory");
    return more;
}

static bool push(struct builder *b, struct json value)
{
    if (b->top == b->capacity) {
        if (!take_room(b, (b->capacity + 16) * sizeof(*b->stack)))
            return false;
        b->stack = grown(b->stack, &b->capacity, sizeof(*b->stack));
    }
    b->stack[b->top++] = (struct node){value, b->events.event.start_mark.index};
    return true;
}

static bool expects_key(const struct builder *b)
{
    return b->open && b->stack[b->open - 1].value.tag == JSON_TAG_OBJECT &&
           (b->top - b->open) % 2 == 0;
}

/* ---- anchors and aliases ---- */

/* Registers the current event's anchor; its position plus one, or 0 for none. */
static bool take_anchor(struct builder *b, size_t *ret_position)
{
    struct str name = yaml_anchor(&b->events.event);
    *ret_position = 0;
    if (!name.len)
        return true;
    if (b->anchor_count == YAML_ANCHORS_MAX)
        return fail_here(b, "there are more than %d anchors; repeat the values instead",
                         YAML_ANCHORS_MAX);
    if (b->anchor_count == b->anchor_capacity)
        b->anchors = grown(b->anchors, &b->anchor_capacity, sizeof(*b->anchors));
    if (!take_room(b, name.len))
        return false;
    b->anchors[b->anchor_count++] = (struct anchor){arena_str(b->arena, name), JSON_NONE};
    *ret_position = b->anchor_count;
    return true;
}

static void settle_anchor(struct builder *b, size_t position, struct json value)
{
    if (position)
        b->anchors[position - 1].value = value;
}

static bool take_alias(struct builder *b)
{
    struct str name = yaml_anchor(&b->events.event);
    size_t i = b->anchor_count;
    while (i > 0 && !str_eq(b->anchors[i - 1].name, name))
        i--;
    if (i == 0)
        return fail_here(b, "the alias *" STR_FMT " has no anchor &" STR_FMT " before it",
                         STR_ARG(name), STR_ARG(name));
    struct json value = b->anchors[i - 1].value;
    if (json_is_absent(value))
        return fail_here(b, "the alias *" STR_FMT " stands inside the value that it refers to",
                         STR_ARG(name));
    if (expects_key(b))
        return fail_here(b, "an alias cannot be a key; write the key itself");
    b->unfolded += json_size(value);
    if (b->unfolded > YAML_UNFOLDED_SIZE_MAX)
        return fail_at(b, b->events.event.start_mark.index, ERR_TOO_LARGE,
                       "aliases unfold into more than %d bytes", YAML_UNFOLDED_SIZE_MAX);
    return push(b, value);
}

/* ---- scalars ---- */

static bool is_any_of(struct str s, const char *const words[], size_t count)
{
    size_t i = 0;
    while (i < count && !str_eq(s, str_of_cstr(words[i])))
        i++;
    return i < count;
}

/* A scalar without quotes and tag; absent stands for a string. */
static struct json plain_value(struct str s)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    static const char *const trues[] = {"true", "True", "TRUE"};
    static const char *const falses[] = {"false", "False", "FALSE"};
    if (is_any_of(s, nulls, COUNT_OF(nulls)))
        return json_null();
    if (is_any_of(s, trues, COUNT_OF(trues)))
        return json_bool(true);
    if (is_any_of(s, falses, COUNT_OF(falses)))
        return json_bool(false);
    bool valid;
    const char *end = s.ptr + s.len;
    if (scan_number(s.ptr, end, &valid) == end && valid)
        return json_number_text(s);
    return JSON_NONE;
}

static bool is_integer(struct json v)
{
    return v.tag == JSON_TAG_NUMBER_TEXT &&
           scan_digits(v.u.bytes + (v.u.bytes[0] == '-'), v.u.bytes + v.len) == v.u.bytes + v.len;
}

/* Does a plain value have the type that a core tag names? The string tag is
 * not asked here: anything can be one. */
static bool has_type(struct json v, struct str type)
{
    return (str_eq(type, STR("null")) && json_is_null(v)) ||
           (str_eq(type, STR("bool")) && json_is_bool(v)) ||
           (str_eq(type, STR("int")) && is_integer(v)) ||
           (str_eq(type, STR("float")) && json_is_number(v));
}

/* The part of a core tag that tells, "int" or "map"; empty for other tags. */
static struct str core_tag(const yaml_char_t *tag)
{
    const struct str prefix = STR("tag:yaml.org,2002:");
    struct str s = str_of_cstr((const char *)tag);
    return str_starts_with(s, prefix) ? str_slice(s, prefix.len, s.len) : STR("");
}

static bool fail_tag(const struct builder *b, const yaml_char_t *tag)
{
    struct str core = core_tag(tag);
    if (core.len)
        return fail_here(b, "the tag !!" STR_FMT " does not fit here; remove it", STR_ARG(core));
    return fail_here(b, "the tag %s is not known here; write what it stands for",
                     (const char *)tag);
}

/* What a scalar means; absent stands for a string. */
static bool resolve_scalar(const struct builder *b, struct json *ret_value)
{
    const yaml_event_t *event = &b->events.event;
    const yaml_char_t *tag = event->data.scalar.tag;
    *ret_value = JSON_NONE;
    if (!tag && !event->data.scalar.plain_implicit)
        return true;
    struct str type = core_tag(tag);
    if (str_eq(type, STR("str")) || (tag && str_eq(str_of_cstr((const char *)tag), STR("!"))))
        return true;
    struct json value = plain_value(yaml_scalar(event));
    if (tag && !has_type(value, type))
        return fail_tag(b, tag);
    *ret_value = value;
    return true;
}

static bool take_scalar(struct builder *b)
{
    const yaml_event_t *event = &b->events.event;
    struct json value;
    size_t anchor;
    if (!resolve_scalar(b, &value) || !take_anchor(b, &anchor))
        return false;
    struct str text = yaml_scalar(event);
    bool key = expects_key(b);
    if (key && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && str_eq(text, STR("<<")))
        return fail_here(b, "the merge key << is not supported; write the members out");
    if (key || json_is_absent(value) || value.tag == JSON_TAG_NUMBER_TEXT) {
        if (!take_room(b, text.len))
            return false;
        text = arena_str(b->arena, text);
        value = !key && !json_is_absent(value) ? json_number_text(text) : json_string(text);
    }
    settle_anchor(b, anchor, value);
    return push(b, value);
}

/* ---- containers ---- */

static bool open_container(struct builder *b, enum json_tag kind, const yaml_char_t *tag)
{
    struct str expected = kind == JSON_TAG_OBJECT ? STR("map") : STR("seq");
    if (tag && !str_eq(core_tag(tag), expected))
        return fail_tag(b, tag);
    if (expects_key(b))
        return fail_here(b, "a key must be a scalar; quote it if it begins with [ or {");
    if (b->depth == b->depth_max)
        return fail_at(b, b->events.event.start_mark.index, ERR_TOO_DEEP,
                       "mappings and sequences are nested more than %zu deep", b->depth_max);
    size_t anchor;
    if (!take_anchor(b, &anchor))
        return false;
    struct json slot = {
        .tag = (uint8_t)kind, .len = (uint32_t)b->open, .u.integer = (int64_t)anchor};
    if (!push(b, slot))
        return false;
    b->depth++;
    b->open = b->top;
    return true;
}

static bool check_names(const struct builder *b, struct json object, const struct node *nodes)
{
    if (object.tag != JSON_TAG_OBJECT)
        return true;
    size_t repeat = json_members_repeat(object.u.members, object.len);
    if (repeat == object.len)
        return true;
    return fail_at(b, nodes[2 * repeat].index, ERR_INVALID_YAML,
                   "the key \"" STR_FMT "\" stands twice in this mapping; keep one of them",
                   STR_ARG(json_str(object.u.members[repeat].key)));
}

static bool close_container(struct builder *b)
{
    struct node *slot = &b->stack[b->open - 1], *nodes = slot + 1;
    size_t count = b->top - b->open, anchor = (size_t)slot->value.u.integer;
    bool object = slot->value.tag == JSON_TAG_OBJECT;
    size_t working = object ? count / 2 * MEMBERS_SORT_SIZE : 0;
    if (!take_room(b, count * sizeof(struct json) + working))
        return false;
    struct json *items = count ? arena_alloc(b->arena, count * sizeof(*items)) : NULL;
    for (size_t i = 0; i < count; i++)
        items[i] = nodes[i].value;
    b->top = b->open;
    b->open = slot->value.len;
    b->depth--;
    slot->value.len = (uint32_t)(object ? count / 2 : count);
    slot->value.u.items = items;
    settle_anchor(b, anchor, slot->value);
    return check_names(b, slot->value, nodes);
}

/* ---- the document ---- */

static bool take_event(struct builder *b)
{
    const yaml_event_t *event = &b->events.event;
    switch (event->type) {
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return true;
    case YAML_DOCUMENT_START_EVENT:
        if (b->documents++)
            return fail_here(b, "a second document begins here; keep one");
        return true;
    case YAML_STREAM_END_EVENT:
        b->done = true;
        return b->documents || fail_here(b, "the text is empty where YAML is expected");
    case YAML_ALIAS_EVENT:
        return take_alias(b);
    case YAML_SCALAR_EVENT:
        return take_scalar(b);
    case YAML_SEQUENCE_START_EVENT:
        return open_container(b, JSON_TAG_ARRAY, event->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
        return open_container(b, JSON_TAG_OBJECT, event->data.mapping_start.tag);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return close_container(b);
    }
    UNREACHABLE("libyaml event");
}

/* libyaml compares each %TAG directive with all before it; see to it that there
 * are few. Where a line of text begins so, it is counted too. */
static bool check_directives(struct str text, struct err *reterr)
{
    const struct str word = STR("%TAG");
    size_t at = 0, count = 0;
    for (size_t next; (next = str_find(str_slice(text, at, text.len), word)) != SIZE_MAX;) {
        at += next;
        char before = at ? text.ptr[at - 1] : '\n';
        bool line_begins = before == '\n' || before == '\r' || (signed char)before < 0;
        if (line_begins && ++count > YAML_TAG_DIRECTIVES_MAX)
            return json_fail(reterr, ERR_INVALID_YAML, text, at,
                             "there are more than %d %%TAG directives; tags are of no use here",
                             YAML_TAG_DIRECTIVES_MAX);
        at += word.len;
    }
    return true;
}

static bool check_text(struct str text, struct json_limits limits, struct err *reterr)
{
    size_t size_max = json_size_max(limits);
    if (text.len > size_max)
        return json_fail(reterr, ERR_TOO_LARGE, text, size_max,
                         "the YAML text is %zu bytes long; at most %zu are allowed", text.len,
                         size_max);
    size_t valid = utf8_valid_up_to(text);
    if (valid < text.len)
        return json_fail(reterr, ERR_INVALID_YAML, text, valid, "the text must be valid UTF-8");
    return check_directives(text, reterr);
}

bool yaml_parse(struct arena *a, struct str text, struct json_limits limits, struct json *ret_value,
                struct err *reterr)
{
    if (!check_text(text, limits, reterr))
        return false;
    struct builder b = {.depth_max = limits.depth_max ? limits.depth_max : JSON_DEPTH_MAX,
                        .arena = a,
                        .reterr = reterr};
    yaml_events_open(&b.events, text);
    bool taken = true;
    while (taken && !b.done)
        taken = yaml_events_next(&b.events) ? take_event(&b) : fail_syntax(&b);
    if (taken)
        *ret_value = b.stack[0].value;
    yaml_events_close(&b.events);
    free(b.stack);
    free(b.anchors);
    return taken;
}
