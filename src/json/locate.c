#include "json/json_internal.h"

/* The text is taken to be valid; one that is not gives some place inside it. */

/* `at` is the opening quote; returns behind the closing one. */
static const char *skip_string(const char *at, const char *end)
{
    at++;
    while (at < end && *at != '"') {
        if (*at == '\\')
            at++;
        if (at < end)
            at = scan_plain(at + 1, end);
    }
    return at < end ? at + 1 : end;
}

static bool is_delimiter(char c)
{
    return scan_is_space(c) || c == ',' || c == ':' || c == ']' || c == '}';
}

static const char *skip_value(const char *at, const char *end)
{
    size_t depth = 0;
    while (at < end) {
        char c = *at;
        if (c == '"') {
            at = skip_string(at, end);
        } else if (c == '[' || c == '{') {
            depth++;
            at++;
            continue;
        } else if (is_delimiter(c)) {
            if (depth == 0)
                return at;
            depth -= c == ']' || c == '}';
            at++;
        } else {
            at++;
            continue;
        }
        if (depth == 0 && (c == '"' || c == ']' || c == '}'))
            return at;
    }
    return at;
}

struct member_text {
    const char *key, *key_end, *value, *value_end;
};

/* The member at `at`, where its name or the end of the object may stand. */
static bool take_member(const char **at, const char *end, struct member_text *ret_member)
{
    struct member_text m;
    m.key = scan_space(*at, end);
    if (m.key == end || *m.key != '"')
        return false;
    m.key_end = skip_string(m.key, end);
    m.value = scan_space(m.key_end, end);
    if (m.value < end && *m.value == ':')
        m.value = scan_space(m.value + 1, end);
    m.value_end = skip_value(m.value, end);
    *at = scan_space(m.value_end, end);
    if (*at < end && **at == ',')
        (*at)++;
    *ret_member = m;
    return true;
}

size_t json_member_offset(struct str text, size_t offset, size_t n)
{
    const char *at = text.ptr + offset + 1, *end = text.ptr + text.len;
    struct member_text m = {.key = at};
    for (size_t i = 0; i <= n && take_member(&at, end, &m); i++) {
    }
    return (size_t)(m.key - text.ptr);
}

/* json_token_is for a name as it stands in the text, between its quotes. */
static bool token_is_text(struct str token, const char *at, const char *end)
{
    size_t i = 0;
    while (at < end) {
        char bytes[4] = {*at};
        size_t len = 1;
        if (*at == '\\' && end - at >= 2)
            len = json_unescape(&at, end, bytes);
        else
            at++;
        for (size_t k = 0; k < len; k++) {
            size_t taken = i < token.len && token.ptr[i] == '~' ? 2 : 1;
            if (!json_token_is(str_slice(token, i, i + taken), str_of(&bytes[k], 1)))
                return false;
            i += taken;
        }
    }
    return i == token.len;
}

/* The last of several members of one name is the one whose value json_parse keeps. */
static bool find_member(const char *object, const char *end, struct str token,
                        struct member_text *ret_member)
{
    const char *at = object + 1;
    struct member_text m;
    bool found = false;
    while (take_member(&at, end, &m)) {
        if (token_is_text(token, m.key + 1, m.key_end - 1)) {
            *ret_member = m;
            found = true;
        }
    }
    return found;
}

static bool find_item(const char *array, const char *end, struct str token,
                      struct member_text *ret_member)
{
    size_t index = json_token_index(token);
    const char *at = scan_space(array + 1, end);
    for (size_t i = 0; at < end && *at != ']'; i++) {
        const char *value_end = skip_value(at, end);
        if (i == index) {
            *ret_member = (struct member_text){.value = at, .value_end = value_end};
            return true;
        }
        at = scan_space(value_end, end);
        if (at == end || *at != ',')
            return false;
        at = scan_space(at + 1, end);
    }
    return false;
}

struct json_place json_locate(struct str text, struct str pointer, bool key)
{
    if (!text.len)
        return (struct json_place){.line = 1, .column = 1};
    const char *end = text.ptr + text.len;
    struct member_text here = {.value = scan_space(text.ptr, end)};
    here.value_end = skip_value(here.value, end);
    struct str token;
    bool found = true;
    while (found && json_pointer_next(&pointer, &token)) {
        char c = here.value < end ? *here.value : '\0';
        found = c == '{'   ? find_member(here.value, end, token, &here)
                : c == '[' ? find_item(here.value, end, token, &here)
                           : false;
    }
    bool at_key = key && found && here.key;
    const char *from = at_key ? here.key : here.value;
    struct json_place place = json_place_at(text, (size_t)(from - text.ptr));
    place.length = (size_t)((at_key ? here.key_end : here.value_end) - from);
    return place;
}
