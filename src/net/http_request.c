#include "net/http_internal.h"

#include <errno.h>
#include <sys/socket.h>

/* ---- its life ---- */

void request_begin(struct http_connection *c, struct http_parser *parser)
{
    struct http_request *r = ARENA_NEW(http_parser_arena(parser), struct http_request);
    r->connection = c;
    r->server = c->server;
    r->body_room = c->body_room;
    r->handling_room = c->handling_room;
    c->body_room = c->handling_room = 0;
    r->parser = parser;
    r->message = http_parser_message(parser);
    r->head_only = str_eq(r->message->method, STR("HEAD"));
    c->request = r;
    c->closes = !r->message->keep_alive;
    c->server->counts.requests++;
    c->server->handler(c->server->arg, r);
}

void request_lost(struct http_request *r)
{
    r->connection = NULL;
    if (r->gone)
        r->gone(r->gone_arg);
}

void request_drained(struct http_request *r)
{
    if (r->drained)
        r->drained(r->drained_arg);
}

/* Its connection, if any, goes on without it. */
static void request_end(struct http_request *r)
{
    struct http_connection *c = r->connection;
    if (c)
        c->request = NULL;
    admission_give(r->server, r->body_room, r->handling_room);
    http_parser_free(r->parser);
    if (c)
        connection_answered(c);
}

/* ---- reading it ---- */

struct str http_request_method(const struct http_request *r)
{
    return r->message->method;
}

struct str http_request_path(const struct http_request *r)
{
    return r->message->path;
}

struct str http_request_query(const struct http_request *r)
{
    return r->message->query;
}

struct str http_request_body(const struct http_request *r)
{
    return r->message->body;
}

struct str http_request_header(const struct http_request *r, struct str name)
{
    for (size_t i = 0; i < r->message->header_count; i++)
        if (http_name_eq(r->message->headers[i].name, name))
            return r->message->headers[i].value;
    return STR("");
}

struct arena *http_request_arena(const struct http_request *r)
{
    return http_parser_arena(r->parser);
}

void http_request_on_gone(struct http_request *r, http_gone *gone, void *arg)
{
    r->gone = gone;
    r->gone_arg = arg;
}

void http_request_wait(struct http_request *r, void (*late)(void *arg), void *arg)
{
    r->late = late;
    r->late_arg = arg;
    if (r->connection)
        server_set_deadline(r->connection, DEADLINE_WAIT);
}

void http_request_wait_for(struct http_request *r, uint32_t seconds, void (*late)(void *arg),
                           void *arg)
{
    r->late = late;
    r->late_arg = arg;
    r->seconds = seconds ? seconds : 1;
    if (r->connection)
        server_set_deadline(r->connection, DEADLINE_SECOND);
}

void request_late(struct http_request *r)
{
    void (*late)(void *arg) = r->late;
    r->late = NULL;
    late(r->late_arg);
}

bool http_request_is_local(const struct http_request *r)
{
    return r->connection && r->connection->u.handle.type == UV_NAMED_PIPE;
}

bool http_request_is_gone(const struct http_request *r)
{
    return !r->connection || r->connection->phase == PHASE_CLOSED;
}

bool http_request_is_abandoned(const struct http_request *r)
{
    uv_os_fd_t fd;
    char byte;
    if (http_request_is_gone(r) || uv_fileno(&r->connection->u.handle, &fd) != 0)
        return true;
    ssize_t got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

/* ---- answering it ---- */

/* Nothing that a value holds may begin another header. */
static void append_clean(struct buf *to, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        buf_append_char(to, c < ' ' || c == 0x7f ? ' ' : (char)c);
    }
}

void response_head(struct buf *to, struct http_connection *c, int status,
                   const struct http_header *headers, size_t count, size_t length)
{
    buf_printf(to, "HTTP/1.1 %d %s\r\nDate: ", status, http_status_title(status));
    buf_append(to, server_date(c->server));
    buf_append(to, STR("\r\n"));
    for (size_t i = 0; i < count; i++) {
        append_clean(to, headers[i].name);
        buf_append(to, STR(": "));
        append_clean(to, headers[i].value);
        buf_append(to, STR("\r\n"));
    }
    if (length != SIZE_MAX && status != 204 && status != 304)
        buf_printf(to, "Content-Length: %zu\r\n", length);
    if (c->closes || c->server->stopping)
        buf_append(to, STR("Connection: close\r\n"));
    buf_append(to, STR("\r\n"));
}

void http_respond(struct http_request *r, int status, const struct http_header *headers,
                  size_t count, struct str body)
{
    ASSERT(!r->streaming);
    if (r->connection) {
        struct buf head = BUF_INIT(0);
        response_head(&head, r->connection, status, headers, count, body.len);
        /* uv_buf_t knows no const; nothing writes through it. */
        union {
            const char *from;
            char *to;
        } bytes = {.from = body.ptr};
        uv_buf_t parts[] = {{.base = head.ptr, .len = head.len},
                            {.base = bytes.to, .len = body.len}};
        connection_write(r->connection, parts, r->head_only || body.len == 0 ? 1 : 2);
        buf_release(&head);
    }
    request_end(r);
}

void http_respond_problem(struct http_request *r, int status, struct str code, struct str detail)
{
    static const struct http_header type = {STR_INIT("content-type"),
                                            STR_INIT("application/problem+json")};
    struct buf body = BUF_INIT(0);
    http_problem(&body, status, code, detail);
    http_respond(r, status, &type, 1, buf_str(&body));
    buf_release(&body);
}

void http_stream_begin(struct http_request *r, int status, const struct http_header *headers,
                       size_t count)
{
    ASSERT(!r->streaming);
    r->streaming = true;
    r->chunked = !r->message->minor_0;
    struct http_connection *c = r->connection;
    if (!c)
        return;
    struct buf head = BUF_INIT(0);
    if (!r->chunked)
        c->closes = true;
    response_head(&head, c, status, headers, count, SIZE_MAX);
    if (r->chunked) {
        head.len -= 2; /* the empty line */
        buf_append(&head, STR("Transfer-Encoding: chunked\r\n\r\n"));
    }
    uv_buf_t part = {.base = head.ptr, .len = head.len};
    connection_write(c, &part, 1);
    buf_release(&head);
}

static void send_chunk(struct http_request *r, struct str bytes, bool last)
{
    struct buf chunk = BUF_INIT(0);
    if (r->chunked && bytes.len)
        buf_printf(&chunk, "%zx\r\n", bytes.len);
    buf_append(&chunk, bytes);
    if (r->chunked && bytes.len)
        buf_append(&chunk, STR("\r\n"));
    if (r->chunked && last)
        buf_append(&chunk, STR("0\r\n\r\n"));
    uv_buf_t part = {.base = chunk.ptr, .len = chunk.len};
    if (chunk.len && !r->head_only)
        connection_write(r->connection, &part, 1);
    buf_release(&chunk);
}

void request_beat(struct http_request *r)
{
    /* Set before, so that a beat of no bytes is one, too. */
    server_set_deadline(r->connection, DEADLINE_BEAT);
    if (r->beat.len)
        send_chunk(r, r->beat, false);
}

bool http_stream_write(struct http_request *r, struct str bytes)
{
    ASSERT(r->streaming);
    struct http_connection *c = r->connection;
    if (http_request_is_gone(r))
        return false;
    size_t queued = connection_queued(c);
    if (queued && queued + bytes.len > c->server->limits.stream_queue_max)
        return false;
    send_chunk(r, bytes, false);
    return !http_request_is_gone(r);
}

size_t http_stream_queued(const struct http_request *r)
{
    return http_request_is_gone(r) ? 0 : connection_queued(r->connection);
}

void http_stream_on_drained(struct http_request *r, void (*drained)(void *arg), void *arg)
{
    r->drained = drained;
    r->drained_arg = arg;
}

void http_stream_beat(struct http_request *r, struct str text)
{
    r->beat = text;
}

void http_stream_end(struct http_request *r, struct str last)
{
    ASSERT(r->streaming);
    r->drained = NULL;
    r->gone = NULL;
    if (!http_request_is_gone(r))
        send_chunk(r, last, true);
    request_end(r);
}
