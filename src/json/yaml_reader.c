#include "json/yaml_reader.h"

/* Nothing but blanks and comments, which to YAML is no document. */
static bool is_empty(struct str text)
{
    while (text.len) {
        size_t end = str_find_char(text, '\n');
        struct str line = str_trim(str_slice(text, 0, end));
        if (line.len && line.ptr[0] != '#')
            return false;
        text = end == SIZE_MAX ? STR("") : str_slice(text, end + 1, text.len);
    }
    return true;
}

bool yaml_reader_open(struct yaml_reader *r, struct arena *a, struct str text, struct err *reterr)
{
    *r = (struct yaml_reader){.arena = a, .text = arena_str(a, text), .err = reterr};
    return is_empty(text) || yaml_parse(a, r->text, (struct json_limits){0}, &r->root, reterr);
}

bool yaml_refuse(const struct yaml_reader *r, struct str pointer, bool at_key, const char *format,
                 ...)
{
    va_list args;
    va_start(args, format);
    struct str message = arena_vprintf(r->arena, format, args);
    va_end(args);
    struct json_place place = yaml_locate(r->text, pointer, at_key);
    err_set(r->err, ERR_INVALID_CONFIG, STR_FMT " (line %u, column %u)", STR_ARG(message),
            place.line, place.column);
    if (r->err) {
        r->err->line = place.line;
        r->err->column = place.column;
        r->err->offset = place.offset;
    }
    return false;
}

static const char *nearest(struct str key, const char *const *known)
{
    const char *best = NULL;
    size_t best_distance = 4;
    for (; *known; known++) {
        size_t distance = str_distance(key, str_of_cstr(*known), best_distance);
        if (distance < best_distance) {
            best = *known;
            best_distance = distance;
        }
    }
    return best;
}

bool yaml_check_keys(const struct yaml_reader *r, struct json object, struct str pointer,
                     const char *const *known)
{
    const struct json_member *members = json_members(object);
    for (size_t i = 0; i < json_count(object); i++) {
        struct str key = json_str(members[i].key);
        const char *const *k = known;
        while (*k && !str_eq(key, str_of_cstr(*k)))
            k++;
        if (*k)
            continue;
        struct str at = json_pointer_child(r->arena, pointer, key);
        const char *suggestion = nearest(key, known);
        if (suggestion)
            return yaml_refuse(r, at, true, "unknown key \"" STR_FMT "\"; did you mean \"%s\"?",
                               STR_ARG(key), suggestion);
        return yaml_refuse(r, at, true, "unknown key \"" STR_FMT "\"", STR_ARG(key));
    }
    return true;
}

struct str yaml_child(const struct yaml_reader *r, struct str pointer, const char *name)
{
    return json_pointer_child(r->arena, pointer, str_of_cstr(name));
}
