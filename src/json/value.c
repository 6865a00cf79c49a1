#include "json/json_internal.h"

#include <math.h>

static struct json text_value(enum json_tag tag, struct str bytes)
{
    ASSERT(bytes.len <= UINT32_MAX);
    return (struct json){.tag = (uint8_t)tag, .len = (uint32_t)bytes.len, .u.bytes = bytes.ptr};
}

struct json json_double(double value)
{
    ASSERT(isfinite(value));
    return (struct json){.tag = JSON_TAG_DOUBLE, .u.real = value};
}

struct json json_number_text(struct str text)
{
    bool valid = false;
    const char *end = text.len ? scan_number(text.ptr, text.ptr + text.len, &valid) : NULL;
    ASSERT(valid && end == text.ptr + text.len);
    return text_value(JSON_TAG_NUMBER_TEXT, text);
}

struct json json_string(struct str bytes)
{
    return text_value(JSON_TAG_STRING, bytes);
}

struct json json_string_copy(struct arena *a, struct str bytes)
{
    return json_string(arena_str(a, bytes));
}

struct json json_stringf(struct arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct str text = arena_vprintf(a, format, args);
    va_end(args);
    return json_string(text);
}

struct json json_array(const struct json *items, size_t count)
{
    ASSERT(count <= UINT32_MAX);
    return (struct json){.tag = JSON_TAG_ARRAY, .len = (uint32_t)count, .u.items = items};
}

struct json json_object(const struct json_member *members, size_t count)
{
    ASSERT(count <= UINT32_MAX);
    return (struct json){.tag = JSON_TAG_OBJECT, .len = (uint32_t)count, .u.members = members};
}

struct json_array_builder json_array_builder(struct arena *a)
{
    return (struct json_array_builder){.arena = a};
}

void json_array_add(struct json_array_builder *b, struct json item)
{
    b->items = arena_grow(b->arena, b->items, b->count, &b->capacity, sizeof(*b->items));
    b->items[b->count++] = item;
}

struct json json_array_done(const struct json_array_builder *b)
{
    return json_array(b->items, b->count);
}

struct json_object_builder json_object_builder(struct arena *a)
{
    return (struct json_object_builder){.arena = a};
}

void json_object_add(struct json_object_builder *b, struct str name, struct json value)
{
    if (json_is_absent(value))
        return;
    b->members = arena_grow(b->arena, b->members, b->count, &b->capacity, sizeof(*b->members));
    b->members[b->count++] = (struct json_member){json_string(name), value};
}

/* The position of a name, or count. */
static size_t member_find(const struct json_member *members, size_t count, struct str name)
{
    size_t i = 0;
    while (i < count && !str_eq(json_str(members[i].key), name))
        i++;
    return i;
}

void json_object_put(struct json_object_builder *b, struct str name, struct json value)
{
    size_t at = member_find(b->members, b->count, name);
    if (at == b->count)
        json_object_add(b, name, value);
    else if (!json_is_absent(value))
        b->members[at].value = value;
}

struct json json_object_done(const struct json_object_builder *b)
{
    return json_object(b->members, b->count);
}

struct json json_object_with(struct arena *a, struct json object, struct str name,
                             struct json value)
{
    size_t count = json_is_object(object) ? object.len : 0;
    size_t at = member_find(json_members(object), count, name);
    struct json_member *members = arena_alloc(a, (count + 1) * sizeof(*members));
    if (count)
        memcpy(members, object.u.members, count * sizeof(*members));
    if (at == count)
        members[count++].key = json_string(name);
    members[at].value = value;
    return json_object(members, count);
}

struct json json_object_without(struct arena *a, struct json object, struct str name)
{
    size_t count = json_is_object(object) ? object.len : 0;
    size_t at = member_find(json_members(object), count, name);
    if (at == count)
        return object;
    struct json_member *members = arena_alloc(a, (count - 1) * sizeof(*members));
    memcpy(members, object.u.members, at * sizeof(*members));
    memcpy(members + at, object.u.members + at + 1, (count - 1 - at) * sizeof(*members));
    return json_object(members, count - 1);
}

static const struct {
    enum json_type type;
    const char *name;
} kinds[] = {
    [JSON_TAG_ABSENT] = {JSON_ABSENT, "absent"},      [JSON_TAG_NULL] = {JSON_NULL, "null"},
    [JSON_TAG_FALSE] = {JSON_BOOL, "boolean"},        [JSON_TAG_TRUE] = {JSON_BOOL, "boolean"},
    [JSON_TAG_NUMBER_TEXT] = {JSON_NUMBER, "number"}, [JSON_TAG_INT] = {JSON_NUMBER, "number"},
    [JSON_TAG_DOUBLE] = {JSON_NUMBER, "number"},      [JSON_TAG_STRING] = {JSON_STRING, "string"},
    [JSON_TAG_ARRAY] = {JSON_ARRAY, "array"},         [JSON_TAG_OBJECT] = {JSON_OBJECT, "object"},
};

enum json_type json_type(struct json v)
{
    ASSERT(v.tag < COUNT_OF(kinds));
    return kinds[v.tag].type;
}

const char *json_type_name(struct json v)
{
    ASSERT(v.tag < COUNT_OF(kinds));
    return kinds[v.tag].name;
}

struct json json_get(struct json v, struct str name)
{
    if (!json_is_object(v))
        return JSON_NONE;
    size_t at = member_find(v.u.members, v.len, name);
    return at < v.len ? v.u.members[at].value : JSON_NONE;
}
