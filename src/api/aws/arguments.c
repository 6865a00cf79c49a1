#include "api/aws/operations.h"

#include "base/utf8.h"

static bool constraint(struct call *c, struct str name, const char *what)
{
    call_fail_aws(c, "ValidationException",
                  "1 validation error detected: Value at '" STR_FMT
                  "' failed to satisfy constraint: %s",
                  STR_ARG(name), what);
    return false;
}

static bool wrong_type(struct call *c, struct str name, const char *wanted)
{
    call_fail_aws(c, "SerializationException", "'" STR_FMT "' must be %s", STR_ARG(name), wanted);
    return false;
}

/* Null is as good as nothing. */
static struct json argument(const struct call *c, struct str name)
{
    struct json value = json_get(c->body, name);
    return json_is_null(value) ? JSON_NONE : value;
}

bool argument_given(const struct call *c, struct str name)
{
    return !json_is_absent(argument(c, name));
}

bool argument_text(struct call *c, struct str name, enum argument_need need, size_t length_max,
                   struct str *ret_text)
{
    struct json value = argument(c, name);
    if (json_is_absent(value) && need == ARGUMENT_REQUIRED)
        return constraint(c, name, "Member must not be null");
    if (!json_is_absent(value) && !json_is_string(value))
        return wrong_type(c, name, "a string");
    struct str text = json_str(value);
    if (need == ARGUMENT_REQUIRED && text.len == 0)
        return constraint(c, name, "Member must have length greater than or equal to 1");
    if (utf8_length(text) > length_max) {
        struct str what =
            arena_printf(c->arena, "Member must have length less than or equal to %zu", length_max);
        return constraint(c, name, arena_cstr(c->arena, what));
    }
    *ret_text = text;
    return true;
}

bool argument_bool(struct call *c, struct str name, bool otherwise, bool *ret_value)
{
    struct json value = argument(c, name);
    if (!json_is_absent(value) && !json_is_bool(value))
        return wrong_type(c, name, "true or false");
    *ret_value = json_is_absent(value) ? otherwise : json_is_true(value);
    return true;
}

bool argument_int(struct call *c, struct str name, int64_t least, int64_t most, int64_t otherwise,
                  int64_t *ret_value)
{
    struct json value = argument(c, name);
    int64_t number = otherwise;
    if (!json_is_absent(value) && !json_to_int64(value, &number))
        return wrong_type(c, name, "an integer");
    if (number < least || number > most) {
        struct str what =
            number < least
                ? arena_printf(c->arena, "Member must have value greater than or equal to %lld",
                               (long long)least)
                : arena_printf(c->arena, "Member must have value less than or equal to %lld",
                               (long long)most);
        return constraint(c, name, arena_cstr(c->arena, what));
    }
    *ret_value = number;
    return true;
}

struct json aws_time(struct wall_ms at)
{
    return at.ms ? json_double((double)at.ms / 1000) : JSON_NONE;
}
