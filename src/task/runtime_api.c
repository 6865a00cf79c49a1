#include "task/runtime_api.h"

#include "os/clock.h"

#define ROOT "/2018-06-01/runtime/"

enum {
    TRACE_SIZE = 96,
};

/* ---- what is asked ---- */

static bool cut_start(struct str *s, struct str start)
{
    if (!str_starts_with(*s, start))
        return false;
    *s = str_slice(*s, start.len, s->len);
    return true;
}

static enum runtime_call path_of(struct str path, struct str *ret_id)
{
    if (!cut_start(&path, STR(ROOT)))
        return RUNTIME_NO_CALL;
    if (str_eq(path, STR("invocation/next")))
        return RUNTIME_NEXT;
    if (str_eq(path, STR("init/error")))
        return RUNTIME_INIT_ERROR;
    if (!cut_start(&path, STR("invocation/")))
        return RUNTIME_NO_CALL;
    size_t slash = str_find_char(path, '/');
    *ret_id = str_slice(path, 0, slash);
    struct str verb = slash == SIZE_MAX ? STR("") : str_slice(path, slash + 1, path.len);
    if (str_eq(verb, STR("response")))
        return RUNTIME_RESPONSE;
    return str_eq(verb, STR("error")) ? RUNTIME_ERROR : RUNTIME_NO_CALL;
}

enum runtime_call runtime_call_of(struct str method, struct str path, struct str *ret_id)
{
    enum runtime_call call = path_of(path, ret_id);
    struct str its = call == RUNTIME_NEXT ? STR("GET") : STR("POST");
    return call == RUNTIME_NO_CALL || str_eq(method, its) ? call : RUNTIME_OTHER_METHOD;
}

bool runtime_is_client(const struct http_request *request, struct str address)
{
    static const struct str of_browsers[] = {STR_INIT("Origin"), STR_INIT("Referer"),
                                             STR_INIT("Sec-Fetch-Site")};
    for (size_t i = 0; i < COUNT_OF(of_browsers); i++)
        if (http_request_header(request, of_browsers[i]).len)
            return false;
    return str_eq(http_request_header(request, STR("Host")), address);
}

/* ---- what is answered ---- */

/* As X-Ray has it; not sampled, since nobody collects it. */
static struct str trace_of(struct str request_id, char to[static TRACE_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    enum {
        HEX = 24 + 16
    };
    char hex[HEX + 1];
    uint64_t hash = str_hash(request_id);
    for (size_t i = 0; i < HEX; i++) {
        if (i && i % 16 == 0)
            hash = str_hash(str_of(hex, i));
        hex[i] = digits[hash >> (i % 16 * 4) & 15];
    }
    int size = snprintf(to, TRACE_SIZE, "Root=1-%08x-%.24s;Parent=%.16s;Sampled=0",
                        (unsigned)(clock_wall().ms / 1000), hex, hex + 24);
    return str_of(to, (size_t)size);
}

/* An ARN without a qualifier is how the function was called by its name alone. */
static struct str invoked_arn(const struct callee *c)
{
    if (!c->is_function)
        return c->resource;
    return str_ends_with(c->qualified_arn, STR(":$LATEST")) ? c->arn : c->qualified_arn;
}

void runtime_respond_next(struct http_request *request, const struct invocation_request *invocation,
                          struct wall_ms deadline)
{
    char at[24], trace[TRACE_SIZE];
    int size = snprintf(at, sizeof(at), "%lld", (long long)deadline.ms);
    const struct http_header headers[] = {
        {STR("Content-Type"), STR("application/json")},
        {STR("Lambda-Runtime-Aws-Request-Id"), invocation->request_id},
        {STR("Lambda-Runtime-Deadline-Ms"), str_of(at, (size_t)size)},
        {STR("Lambda-Runtime-Invoked-Function-Arn"), invoked_arn(invocation->callee)},
        {STR("Lambda-Runtime-Trace-Id"), trace_of(invocation->request_id, trace)},
        {STR("X-Pawl-Idempotency-Key"), invocation->idempotency_key},
    };
    http_respond(request, 200, headers, COUNT_OF(headers), invocation->payload);
}

static const struct http_header json_content = {STR_INIT("Content-Type"),
                                                STR_INIT("application/json")};

void runtime_respond_accepted(struct http_request *request)
{
    http_respond(request, 202, &json_content, 1, STR("{\"status\":\"OK\"}"));
}

void runtime_respond_error(struct http_request *request, int status, const char *type,
                           const char *message)
{
    struct buf body = BUF_INIT(0);
    buf_printf(&body, "{\"errorMessage\":\"%s\",\"errorType\":\"%s\"}", message, type);
    http_respond(request, status, &json_content, 1, buf_str(&body));
    buf_release(&body);
}
