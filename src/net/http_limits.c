#include "net/http_limits.h"

struct http_limits http_limits_with_defaults(struct http_limits limits)
{
#define HTTP_LIMIT_DEFAULT(name, unit, value, least, what)                                         \
    if (limits.name == 0)                                                                          \
        limits.name = (value);
    HTTP_LIMIT_TABLE(HTTP_LIMIT_DEFAULT)
#undef HTTP_LIMIT_DEFAULT
    return limits;
}
