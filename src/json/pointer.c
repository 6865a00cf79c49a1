#include "json/json_internal.h"

#include <stdio.h>

bool json_pointer_next(struct str *rest, struct str *ret_token)
{
    if (!rest->len || rest->ptr[0] != '/')
        return false;
    struct str after = str_slice(*rest, 1, rest->len);
    size_t end = str_find_char(after, '/');
    *ret_token = str_slice(after, 0, end);
    *rest = str_slice(after, end, after.len);
    return true;
}

bool json_token_is(struct str token, struct str name)
{
    size_t k = 0;
    for (size_t i = 0; i < token.len; i++, k++) {
        char c = token.ptr[i];
        if (c == '~') {
            char escaped = ++i < token.len ? token.ptr[i] : '\0';
            if (escaped != '0' && escaped != '1')
                return false;
            c = escaped == '0' ? '~' : '/';
        }
        if (k == name.len || name.ptr[k] != c)
            return false;
    }
    return k == name.len;
}

size_t json_token_index(struct str token)
{
    enum {
        DIGITS_MAX = 10
    }; /* more than any array has items */
    if (!token.len || token.len > DIGITS_MAX || (token.ptr[0] == '0' && token.len > 1))
        return SIZE_MAX;
    size_t index = 0;
    for (size_t i = 0; i < token.len; i++) {
        if (!scan_is_digit(token.ptr[i]))
            return SIZE_MAX;
        index = index * 10 + (size_t)(token.ptr[i] - '0');
    }
    return index;
}

static struct json child(struct json v, struct str token)
{
    if (json_is_array(v))
        return json_at(v, json_token_index(token));
    const struct json_member *members = json_members(v);
    for (size_t i = 0; members && i < v.len; i++) {
        if (json_token_is(token, json_str(members[i].key)))
            return members[i].value;
    }
    return JSON_NONE;
}

struct json json_pointer(struct json v, struct str pointer)
{
    struct str token;
    while (json_pointer_next(&pointer, &token))
        v = child(v, token);
    return pointer.len ? JSON_NONE : v;
}

struct str json_pointer_child(struct arena *a, struct str pointer, struct str name)
{
    char *text = arena_alloc_text(a, pointer.len + 1 + 2 * name.len);
    size_t len = pointer.len;
    if (len)
        memcpy(text, pointer.ptr, len);
    text[len++] = '/';
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (c == '~' || c == '/') {
            text[len++] = '~';
            c = c == '~' ? '0' : '1';
        }
        text[len++] = c;
    }
    return str_of(text, len);
}

struct str json_pointer_item(struct arena *a, struct str pointer, size_t index)
{
    char digits[24];
    int count = snprintf(digits, sizeof(digits), "%zu", index);
    return json_pointer_child(a, pointer, str_of(digits, (size_t)count));
}
