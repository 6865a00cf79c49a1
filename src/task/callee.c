#include "task/callee.h"

enum {
    ARN_PARTS = 8
}; /* arn : partition : lambda : region : account : function : name : qualifier */

/* Splits at ':' into at most ARN_PARTS parts, the last of which takes the rest. */
static size_t split(struct str s, struct str parts[static ARN_PARTS])
{
    size_t count = 0;
    while (count < ARN_PARTS - 1) {
        size_t colon = str_find_char(s, ':');
        if (colon == SIZE_MAX)
            break;
        parts[count++] = str_slice(s, 0, colon);
        s = str_slice(s, colon + 1, s.len);
    }
    parts[count++] = s;
    return count;
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* Names become arguments and parts of paths and URLs; so nothing that means
 * something there may pass. */
static bool is_name(struct str s)
{
    if (s.len == 0 || s.len > FUNCTION_NAME_MAX || s.ptr[0] == '-')
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!is_name_char(s.ptr[i]))
            return false;
    return true;
}

static bool is_lambda_arn(struct str s)
{
    struct str parts[ARN_PARTS];
    return split(s, parts) >= 7 && str_eq(parts[0], STR("arn")) &&
           str_eq(parts[2], STR("lambda")) && str_eq(parts[5], STR("function"));
}

static struct str or_else(struct str s, struct str instead)
{
    return s.len ? s : instead;
}

/* The whole ARN, or "account:function:name[:qualifier]", or "name[:qualifier]". */
static void read_function(struct str s, struct str ret[static ARN_PARTS])
{
    struct str parts[ARN_PARTS] = {0};
    size_t count = split(s, parts);
    size_t missing = 0;
    if (!str_eq(parts[0], STR("arn")))
        missing = count >= 3 && str_eq(parts[1], STR("function")) ? 4 : 6;
    for (size_t i = 0; i < count && i + missing < ARN_PARTS; i++)
        ret[i + missing] = parts[i];
}

struct callee callee_resolve(struct arena *a, struct str resource, struct str function,
                             struct str execution_arn)
{
    struct callee c = {.resource = resource};
    bool bare = str_find_char(resource, ':') == SIZE_MAX;
    if (!function.len && !bare && !is_lambda_arn(resource))
        return c;

    struct str is[ARN_PARTS] = {0}, ours[ARN_PARTS] = {0};
    read_function(function.len ? function : resource, is);
    if (execution_arn.len)
        split(execution_arn, ours);
    c.is_function = true;
    c.name = is_name(is[6]) ? is[6] : STR("");
    c.arn = arena_printf(a, "arn:" STR_FMT ":lambda:" STR_FMT ":" STR_FMT ":function:" STR_FMT,
                         STR_ARG(or_else(is[1], or_else(ours[1], STR("aws")))),
                         STR_ARG(or_else(is[3], or_else(ours[3], STR("us-east-1")))),
                         STR_ARG(or_else(is[4], or_else(ours[4], STR("000000000000")))),
                         STR_ARG(is[6]));
    c.qualified_arn = arena_printf(a, STR_FMT ":" STR_FMT, STR_ARG(c.arn),
                                   STR_ARG(or_else(is[7], STR("$LATEST"))));
    return c;
}
