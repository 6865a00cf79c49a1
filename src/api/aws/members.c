#include "api/aws/members.h"

#include "base/utf8.h"

#include <stdio.h>

struct json member_get(struct json object, struct str name)
{
    struct json value = json_get(object, name);
    return json_is_null(value) ? JSON_NONE : value;
}

/* ---- violations ---- */

struct check {
    struct arena *arena;
    struct str type;       /* of the exception; empty: none yet */
    struct str message;    /* when it is about a type */
    struct buf violations; /* "; " between them */
    size_t count;
};

struct place {
    const struct place *above;
    const char *name;
    size_t item; /* 1-based; 0: a member */
};

static void write_path(struct buf *b, const struct place *at)
{
    if (at->above)
        write_path(b, at->above);
    if (b->len)
        buf_append_char(b, '.');
    if (at->item)
        buf_printf(b, "%zu.member", at->item);
    else
        buf_printf(b, "%s", at->name);
}

static struct str path_of(struct check *c, const struct place *at)
{
    struct buf b = BUF_INIT(MEMBERS_PATH_MAX);
    write_path(&b, at);
    struct str path = arena_str(c->arena, buf_str(&b));
    buf_release(&b);
    return path;
}

static void write_value(struct buf *b, const struct member *m, struct json value)
{
    if (json_is_absent(value))
        buf_append(b, STR(" null"));
    else if (!(m->flags & MEMBER_SENSITIVE)) {
        buf_append(b, STR(" '"));
        struct buf text = BUF_INIT(0);
        if (json_is_string(value))
            buf_append(&text, json_str(value));
        else
            json_write(&text, value);
        buf_append(b, str_slice(buf_str(&text), 0, utf8_floor(buf_str(&text), MEMBERS_VALUE_MAX)));
        buf_append(b, text.len > MEMBERS_VALUE_MAX ? STR("...'") : STR("'"));
        buf_release(&text);
    }
}

static void PRINTF_LIKE(5, 6)
    violate(struct check *c, const struct member *m, const struct place *at, struct json value,
            const char *format, ...)
{
    va_list args;
    if (c->count++ >= MEMBERS_VIOLATIONS_MAX)
        return;
    struct buf *b = &c->violations;
    if (b->len)
        buf_append(b, STR("; "));
    buf_append(b, STR("Value"));
    write_value(b, m, value);
    va_start(args, format);
    struct str what = arena_vprintf(c->arena, format, args);
    va_end(args);
    buf_printf(b, " at '" STR_FMT "' failed to satisfy constraint: Member must " STR_FMT,
               STR_ARG(path_of(c, at)), STR_ARG(what));
}

/* ---- types ---- */

static bool has_type(const struct member *m, struct json value)
{
    int64_t number;
    switch (m->type) {
    case MEMBER_TEXT:
        return json_is_string(value);
    case MEMBER_INTEGER:
        return json_to_int64(value, &number);
    case MEMBER_NUMBER:
        return json_is_number(value);
    case MEMBER_BOOL:
        return json_is_bool(value);
    case MEMBER_OBJECT:
        return json_is_object(value);
    case MEMBER_LIST:
        return json_is_array(value);
    }
    UNREACHABLE("a type of member");
}

static const char *value_word(struct json value)
{
    if (json_is_string(value))
        return "STRING_VALUE";
    if (json_is_number(value))
        return "NUMBER_VALUE";
    return json_is_true(value) ? "TRUE_VALUE" : "FALSE_VALUE";
}

static const char *type_word(enum member_type type)
{
    static const char *const words[] = {"a String",  "an Integer",  "a Number",
                                        "a Boolean", "a Structure", "a List"};
    return words[type];
}

static void wrong_type(struct check *c, const struct member *m, const struct place *at,
                       struct json value)
{
    if (c->type.len)
        return;
    c->type = STR("SerializationException");
    if (json_is_object(value))
        c->message = arena_printf(c->arena,
                                  "Start of structure or map found where not expected: '" STR_FMT
                                  "' must be %s",
                                  STR_ARG(path_of(c, at)), type_word(m->type));
    else if (json_is_array(value))
        c->message = arena_printf(
            c->arena, "Start of list found where not expected: '" STR_FMT "' must be %s",
            STR_ARG(path_of(c, at)), type_word(m->type));
    else
        c->message = arena_printf(c->arena, "%s can not be converted to %s: '" STR_FMT "'",
                                  value_word(value), type_word(m->type), STR_ARG(path_of(c, at)));
}

/* ---- constraints ---- */

static void check_size(struct check *c, const struct member *m, const struct place *at,
                       struct json value, int64_t size, const char *what)
{
    if (m->max && size > m->max)
        violate(c, m, at, value, "have %s less than or equal to %lld", what, (long long)m->max);
    else if (size < m->min)
        violate(c, m, at, value, "have %s greater than or equal to %lld", what, (long long)m->min);
}

static void check_values(struct check *c, const struct member *m, const struct place *at,
                         struct json value)
{
    struct buf all = BUF_INIT(0);
    bool found = false;
    for (const char *const *v = m->values; *v; v++) {
        found |= str_eq(json_str(value), str_of_cstr(*v));
        buf_printf(&all, "%s%s", all.len ? ", " : "", *v);
    }
    if (!found)
        violate(c, m, at, value, "satisfy enum value set: [" STR_FMT "]", STR_ARG(buf_str(&all)));
    buf_release(&all);
}

static void check_text(struct check *c, const struct member *m, const struct place *at,
                       struct json value)
{
    struct str text = json_str(value);
    check_size(c, m, at, value, (int64_t)utf8_length(text), "length");
    if (m->values)
        check_values(c, m, at, value);
    if (m->pattern && !m->pattern->fits(text) && !(m->max && (int64_t)utf8_length(text) > m->max))
        violate(c, m, at, value, "satisfy regular expression pattern: %s", m->pattern->text);
}

static void check_members(struct check *c, const struct member *members, struct json object,
                          const struct place *above);

static void check_value(struct check *c, const struct member *m, const struct place *at,
                        struct json value)
{
    int64_t number = 0;
    if (!has_type(m, value)) {
        wrong_type(c, m, at, value);
        return;
    }
    if (m->type == MEMBER_TEXT)
        check_text(c, m, at, value);
    else if (m->type == MEMBER_INTEGER && json_to_int64(value, &number))
        check_size(c, m, at, value, number, "value");
    else if (m->type == MEMBER_OBJECT)
        check_members(c, m->members, value, at);
    else if (m->type == MEMBER_LIST)
        check_size(c, m, at, value, (int64_t)json_count(value), "length");
    for (size_t i = 0; m->type == MEMBER_LIST && i < json_count(value); i++)
        check_value(c, m->members, &(struct place){at, NULL, i + 1}, json_at(value, i));
}

static void check_members(struct check *c, const struct member *members, struct json object,
                          const struct place *above)
{
    for (const struct member *m = members; m->name; m++) {
        struct place at = {above, m->name, 0};
        struct json value = member_get(object, str_of_cstr(m->name));
        if (!json_is_absent(value))
            check_value(c, m, &at, value);
        else if (m->flags & MEMBER_REQUIRED)
            violate(c, m, &at, value, "not be null");
    }
}

bool members_check(struct arena *a, const struct member *members, struct json body,
                   struct str *reterr_type, struct str *reterr_message)
{
    struct check c = {.arena = a, .violations = BUF_INIT(0)};
    if (!json_is_absent(body) && !json_is_object(body)) {
        c.type = STR("SerializationException");
        c.message = STR("The request's body must be a JSON object");
    } else {
        check_members(&c, members, body, NULL);
    }
    if (!c.type.len && c.count) {
        c.type = STR("ValidationException");
        c.message = arena_printf(a, "%zu validation error%s detected: " STR_FMT, c.count,
                                 c.count == 1 ? "" : "s", STR_ARG(buf_str(&c.violations)));
    }
    buf_release(&c.violations);
    *reterr_type = c.type;
    *reterr_message = c.message;
    return c.type.len == 0;
}
