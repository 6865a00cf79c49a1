#include "config/settings.h"

/* No limit of a unit can be set above this. */
#define BYTES_MOST ((size_t)1 << 40)
#define COUNT_MOST ((size_t)1000000)
#define MS_MOST ((size_t)24 * 3600 * 1000)

#define PROCESS_ROW(name, unit, value, least, what)                                                \
    {#name, LIMIT_##unit, offsetof(struct settings, name), value, least, unit##_MOST, what},
#define HTTP_ROW(name, unit, value, least, what)                                                   \
    {"http_" #name, LIMIT_##unit, offsetof(struct settings, http.name), value, least,              \
     unit##_MOST,   what},

const struct limit limits[] = {PROCESS_LIMIT_TABLE(PROCESS_ROW) HTTP_LIMIT_TABLE(HTTP_ROW)};
const size_t limit_count = COUNT_OF(limits);

const char *const settings_keys[] = {"aws_limits", "express_history", "hosts",
                                     "limits",     "verify",          NULL};

static size_t *place(struct settings *s, const struct limit *limit)
{
    return (size_t *)(void *)((char *)s + limit->offset);
}

struct settings settings_default(void)
{
    struct settings s = {0};
    for (size_t i = 0; i < limit_count; i++)
        *place(&s, &limits[i]) = limits[i].value;
    return s;
}

/* ---- one limit ---- */

static const struct suffix {
    const char *text;
    enum limit_unit unit;
    int64_t factor;
} suffixes[] = {
    {"B", LIMIT_BYTES, 1},         {"KiB", LIMIT_BYTES, 1 << 10}, {"MiB", LIMIT_BYTES, 1 << 20},
    {"GiB", LIMIT_BYTES, 1 << 30}, {"ms", LIMIT_MS, 1},           {"s", LIMIT_MS, 1000},
    {"min", LIMIT_MS, 60 * 1000},  {"h", LIMIT_MS, 3600 * 1000},
};

static const char *examples(enum limit_unit unit)
{
    return unit == LIMIT_BYTES ? "a number of bytes, or a text such as 64KiB or 512MiB"
           : unit == LIMIT_MS  ? "a number of milliseconds, or a text such as 500ms or 30s"
                               : "a whole number";
}

/* "64 MiB" and "64MiB" */
static bool parse_text(struct str text, enum limit_unit unit, int64_t *ret_value)
{
    size_t digits = 0;
    int64_t number, factor = 0;
    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
        digits++;
    struct str rest = str_trim(str_slice(text, digits, text.len));
    for (size_t i = 0; i < COUNT_OF(suffixes); i++)
        if (suffixes[i].unit == unit && str_eq(rest, str_of_cstr(suffixes[i].text)))
            factor = suffixes[i].factor;
    return factor && str_to_int64(str_slice(text, 0, digits), &number) &&
           !__builtin_mul_overflow(number, factor, ret_value);
}

static bool read_limit(const struct yaml_reader *r, const struct limit *limit, struct json v,
                       struct settings *s)
{
    struct str at = yaml_child(r, STR("/limits"), limit->name);
    int64_t value;
    bool good =
        json_is_string(v) ? parse_text(json_str(v), limit->unit, &value) : json_to_int64(v, &value);
    if (!good)
        return yaml_refuse(r, at, false, "%s must be %s", limit->name, examples(limit->unit));
    if (value < 0 || (size_t)value < limit->least || (size_t)value > limit->most)
        return yaml_refuse(r, at, false, "%s must be from %zu to %zu%s", limit->name, limit->least,
                           limit->most,
                           limit->unit == LIMIT_BYTES ? " bytes"
                           : limit->unit == LIMIT_MS  ? " milliseconds"
                                                      : "");
    *place(s, limit) = (size_t)value;
    return true;
}

static bool read_limits(const struct yaml_reader *r, struct json v, struct settings *s)
{
    const char *names[COUNT_OF(limits) + 1] = {NULL};
    for (size_t i = 0; i < limit_count; i++)
        names[i] = limits[i].name;
    if (!json_is_object(v))
        return yaml_refuse(r, STR("/limits"), false, "limits must be a mapping of names to values");
    if (!yaml_check_keys(r, v, STR("/limits"), names))
        return false;
    for (size_t i = 0; i < limit_count; i++) {
        struct json value = json_get(v, str_of_cstr(limits[i].name));
        if (!json_is_absent(value) && !read_limit(r, &limits[i], value, s))
            return false;
    }
    return true;
}

/* ---- the whole ---- */

/* One of two words. */
static bool read_choice(const struct yaml_reader *r, const char *key, const char *off,
                        const char *on, bool *ret_on)
{
    struct json v = json_get(r->root, str_of_cstr(key));
    if (json_is_absent(v))
        return true;
    *ret_on = str_eq(json_str(v), str_of_cstr(on));
    return *ret_on || str_eq(json_str(v), str_of_cstr(off)) ||
           yaml_refuse(r, yaml_child(r, STR(""), key), false, "%s must be %s or %s", key, off, on);
}

static bool read_verify(const struct yaml_reader *r, struct settings *s)
{
    bool on = false;
    if (json_is_absent(json_get(r->root, STR("verify"))))
        return true;
    if (!read_choice(r, "verify", "off", "on", &on))
        return false;
    s->verify = on ? VERIFY_ON : VERIFY_OFF;
    return true;
}

/* "pawl.example.org": as a browser would write it, without port. */
static bool is_host(struct json v)
{
    struct str name = json_str(v);
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '.' && c != '_')
            return false;
    }
    return name.len > 0 && name.len <= SETTINGS_HOST_SIZE_MAX;
}

static bool read_hosts(const struct yaml_reader *r, struct json *ret_hosts)
{
    struct json v = json_get(r->root, STR("hosts"));
    if (json_is_absent(v) || json_is_null(v))
        return true;
    if (!json_is_array(v) || json_count(v) > SETTINGS_HOSTS_MAX)
        return yaml_refuse(r, STR("/hosts"), false, "hosts must be a list of at most %d names",
                           SETTINGS_HOSTS_MAX);
    for (size_t i = 0; i < json_count(v); i++)
        if (!is_host(json_at(v, i)))
            return yaml_refuse(r, arena_printf(r->arena, "/hosts/%zu", i), false,
                               "a host must be a name such as pawl.example.org: lower case, "
                               "without scheme and port, at most %d characters",
                               SETTINGS_HOST_SIZE_MAX);
    *ret_hosts = v;
    return true;
}

bool settings_read(const struct yaml_reader *r, struct settings *ret_settings)
{
    struct settings s = settings_default();
    struct json limits_given = json_get(r->root, STR("limits"));
    if (!read_choice(r, "aws_limits", "off", "strict", &s.aws_limits_strict) ||
        !read_choice(r, "express_history", "drop", "keep", &s.express_history_keep) ||
        !read_verify(r, &s) || !read_hosts(r, &s.hosts))
        return false;
    if (!json_is_absent(limits_given) && !json_is_null(limits_given) &&
        !read_limits(r, limits_given, &s))
        return false;
    *ret_settings = s;
    return true;
}
