#include "net/http_text.h"

#include "json/json.h"
#include "net/http_server.h"

#include <stdio.h>

/* What this house answers, and 504 for whoever forwards it. */
#define STATUS_TABLE(X)                                                                            \
    X(100, "Continue")                                                                             \
    X(200, "OK")                                                                                   \
    X(201, "Created")                                                                              \
    X(202, "Accepted")                                                                             \
    X(204, "No Content")                                                                           \
    X(301, "Moved Permanently")                                                                    \
    X(302, "Found")                                                                                \
    X(303, "See Other")                                                                            \
    X(304, "Not Modified")                                                                         \
    X(400, "Bad Request")                                                                          \
    X(401, "Unauthorized")                                                                         \
    X(403, "Forbidden")                                                                            \
    X(404, "Not Found")                                                                            \
    X(405, "Method Not Allowed")                                                                   \
    X(406, "Not Acceptable")                                                                       \
    X(408, "Request Timeout")                                                                      \
    X(409, "Conflict")                                                                             \
    X(410, "Gone")                                                                                 \
    X(411, "Length Required")                                                                      \
    X(412, "Precondition Failed")                                                                  \
    X(413, "Content Too Large")                                                                    \
    X(414, "URI Too Long")                                                                         \
    X(415, "Unsupported Media Type")                                                               \
    X(417, "Expectation Failed")                                                                   \
    X(422, "Unprocessable Content")                                                                \
    X(429, "Too Many Requests")                                                                    \
    X(431, "Request Header Fields Too Large")                                                      \
    X(500, "Internal Server Error")                                                                \
    X(501, "Not Implemented")                                                                      \
    X(502, "Bad Gateway")                                                                          \
    X(503, "Service Unavailable")                                                                  \
    X(504, "Gateway Timeout")                                                                      \
    X(505, "HTTP Version Not Supported")                                                           \
    X(507, "Insufficient Storage")

const char *http_status_title(int status)
{
    switch (status) {
#define STATUS_CASE(number, title)                                                                 \
    case number:                                                                                   \
        return title;
        STATUS_TABLE(STATUS_CASE)
#undef STATUS_CASE
    default:
        return "Unknown";
    }
}

size_t http_date(struct wall_ms at, char to[static HTTP_DATE_SIZE])
{
    static const char days[][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const int64_t day_ms = 86400000;
    char iso[TIME_TEXT_SIZE]; /* 1994-11-06T08:49:37.000Z */
    int64_t day = at.ms >= 0 ? at.ms / day_ms : 0;
    wall_format(at, iso);
    int month = (iso[5] - '0') * 10 + (iso[6] - '0');
    ASSERT(month >= 1 && month <= 12);
    int len = snprintf(to, HTTP_DATE_SIZE, "%s, %.2s %s %.4s %.8s GMT", days[day % 7], iso + 8,
                       months[month - 1], iso, iso + 11);
    return (size_t)len;
}

void http_problem(struct buf *to, int status, struct str code, struct str detail)
{
    buf_append(to, STR("{\"type\":\"about:blank\",\"title\":"));
    json_write_string(to, str_of_cstr(http_status_title(status)));
    buf_printf(to, ",\"status\":%d,\"code\":", status);
    json_write_string(to, code);
    buf_append(to, STR(",\"detail\":"));
    json_write_string(to, detail);
    buf_append_char(to, '}');
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool http_decode(struct arena *a, struct str text, bool plus, struct str *ret_text)
{
    char *to = arena_alloc_text(a, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%') {
            int high = text.len - i > 2 ? hex_digit(text.ptr[i + 1]) : -1;
            int low = text.len - i > 2 ? hex_digit(text.ptr[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (plus && c == '+') {
            c = ' ';
        }
        if (c == '\0')
            return false;
        to[len++] = c;
    }
    *ret_text = str_of(to, len);
    return true;
}

bool http_query_value(struct arena *a, struct str query, struct str name, struct str *ret_value)
{
    while (query.len) {
        size_t end = str_find_char(query, '&');
        struct str pair = str_slice(query, 0, end);
        size_t equals = str_find_char(pair, '=');
        struct str key;
        if (http_decode(a, str_slice(pair, 0, equals), true, &key) && str_eq(key, name)) {
            struct str value = equals == SIZE_MAX ? STR("") : str_slice(pair, equals + 1, pair.len);
            return http_decode(a, value, true, ret_value);
        }
        query = end == SIZE_MAX ? STR("") : str_slice(query, end + 1, query.len);
    }
    return false;
}
