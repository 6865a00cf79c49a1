#include "net/http_internal.h"

#include <stdlib.h>

/* Bytes that the system did not take at once. */
struct queued_write {
    uv_write_t write;
    char bytes[];
};

static void connection_take(struct http_connection *c, struct str bytes);

/* ---- the end ---- */

static void count_memory(struct http_connection *c, size_t memory)
{
    c->server->counts.memory += memory - c->memory;
    c->memory = memory;
}

static void give_room(struct http_connection *c)
{
    admission_give(c->server, c->body_room, c->handling_room);
    c->body_room = c->handling_room = 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct http_connection *c = handle->data;
    struct http_server *s = c->server;
    struct http_request *request = c->request;
    server_forget(c);
    free(c);
    /* Told from here only, so that no handler hears of it while it is writing. */
    if (request)
        request_lost(request);
    server_released(s);
}

void connection_close(struct http_connection *c)
{
    if (c->phase == PHASE_CLOSED)
        return;
    c->phase = PHASE_CLOSED;
    server_set_deadline(c, DEADLINE_NONE);
    http_parser_free(c->parser);
    c->parser = NULL;
    buf_release(&c->rest);
    count_memory(c, 0);
    give_room(c);
    uv_close(&c->u.handle, on_closed);
}

static void on_shut(uv_shutdown_t *shutdown, int status)
{
    (void)status;
    free(shutdown);
}

/* Closing a socket with bytes unread would take the answer from the peer too: so
 * it is told that nothing more comes, and read on for a while. */
static void linger(struct http_connection *c)
{
    if (c->ended) {
        connection_close(c);
        return;
    }
    uv_shutdown_t *shutdown = memory_or_panic(malloc(sizeof(*shutdown)));
    c->phase = PHASE_LINGER;
    buf_release(&c->rest);
    server_set_deadline(c, DEADLINE_LINGER);
    if (uv_shutdown(shutdown, &c->u.stream, on_shut) != 0) {
        free(shutdown);
        connection_close(c);
    }
}

/* ---- writing ---- */

size_t connection_queued(const struct http_connection *c)
{
    return uv_stream_get_write_queue_size(&c->u.stream);
}

/* The peer has taken the whole answer. */
static void answer_taken(struct http_connection *c)
{
    if (c->closes || c->server->stopping) {
        linger(c);
        return;
    }
    c->phase = PHASE_IDLE;
    server_set_deadline(c, DEADLINE_IDLE);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer);
static void on_room(uv_handle_t *handle, size_t size, uv_buf_t *buffer);

static void start_reading(struct http_connection *c)
{
    int status = uv_read_start(&c->u.stream, on_room, on_read);
    if (status != 0 && status != UV_EALREADY)
        connection_close(c);
}

static bool waits_for_room(const struct http_connection *c)
{
    return c->phase == PHASE_BODY_ROOM || c->phase == PHASE_REQUEST_ROOM;
}

static void read_on(struct http_connection *c)
{
    if (c->phase == PHASE_CLOSED || !c->unreadable)
        return;
    c->unreadable = false;
    if (!waits_for_room(c))
        start_reading(c);
}

/* Goes on with the requests that came behind the one just answered. */
static void take_rest(struct http_connection *c)
{
    struct buf rest = c->rest;
    c->rest = BUF_INIT(0);
    if (c->phase == PHASE_IDLE && rest.len)
        connection_take(c, buf_str(&rest));
    buf_release(&rest);
    if (!c->rest.len)
        read_on(c);
}

static void drained(struct http_connection *c)
{
    if (c->phase == PHASE_SEND) {
        answer_taken(c);
        take_rest(c);
    } else if (c->phase == PHASE_ANSWER) {
        server_set_deadline(c, c->request->streaming ? DEADLINE_BEAT
                               : c->request->seconds ? DEADLINE_SECOND
                               : c->request->late    ? DEADLINE_WAIT
                                                     : DEADLINE_NONE);
        request_drained(c->request);
    }
}

static void on_written(uv_write_t *write, int status)
{
    struct http_connection *c = write->data;
    free(write);
    if (c->phase == PHASE_CLOSED)
        return;
    if (status != 0)
        connection_close(c);
    else if (connection_queued(c) == 0)
        drained(c);
}

/* What is left of the parts after their first `done` bytes. */
static void queue_rest(struct http_connection *c, const uv_buf_t *parts, unsigned count,
                       size_t done)
{
    size_t size = 0, at = 0;
    for (unsigned i = 0; i < count; i++)
        size += parts[i].len;
    if (size == done)
        return;
    struct queued_write *q = memory_or_panic(malloc(sizeof(*q) + (size - done)));
    for (unsigned i = 0; i < count; i++) {
        size_t skip = done < parts[i].len ? done : parts[i].len;
        done -= skip;
        if (parts[i].len > skip)
            memcpy(q->bytes + at, parts[i].base + skip, parts[i].len - skip);
        at += parts[i].len - skip;
    }
    uv_buf_t all = {.base = q->bytes, .len = at};
    q->write.data = c;
    if (uv_write(&q->write, &c->u.stream, &all, 1, on_written) != 0) {
        free(q);
        connection_close(c);
    }
}

void connection_write(struct http_connection *c, const uv_buf_t *parts, unsigned count)
{
    size_t done = 0;
    if (c->phase == PHASE_CLOSED)
        return;
    if (connection_queued(c) == 0) {
        int sent = uv_try_write(&c->u.stream, parts, count);
        if (sent < 0 && sent != UV_EAGAIN) {
            connection_close(c);
            return;
        }
        done = sent > 0 ? (size_t)sent : 0;
    }
    queue_rest(c, parts, count, done);
    if (c->phase == PHASE_CLOSED)
        return;
    if (c->deadline != DEADLINE_SEND && connection_queued(c)) {
        c->mark = connection_queued(c);
        server_set_deadline(c, DEADLINE_SEND);
    } else if (c->deadline != DEADLINE_SEND && c->request && c->request->streaming) {
        server_set_deadline(c, DEADLINE_BEAT);
    }
}

void connection_answered(struct http_connection *c)
{
    if (c->phase == PHASE_CLOSED)
        return;
    count_memory(c, 0);
    c->phase = PHASE_SEND;
    if (connection_queued(c))
        return;
    answer_taken(c);
    if (!c->taking)
        take_rest(c);
}

void connection_refuse(struct http_connection *c, int status, const char *code, const char *detail)
{
    struct buf head = BUF_INIT(0), body = BUF_INIT(0);
    static const struct http_header type = {STR_INIT("content-type"),
                                            STR_INIT("application/problem+json")};
    struct http_server *s = c->server;
    s->counts.refused++;
    if (s->refused)
        s->refused(s->arg, status);
    c->closes = true;
    http_problem(&body, status, str_of_cstr(code), str_of_cstr(detail));
    response_head(&head, c, status, &type, 1, body.len);
    uv_buf_t parts[] = {{.base = head.ptr, .len = head.len}, {.base = body.ptr, .len = body.len}};
    connection_write(c, parts, 2);
    buf_release(&head);
    buf_release(&body);
    http_parser_free(c->parser);
    c->parser = NULL;
    give_room(c);
    connection_answered(c);
}

/* ---- reading ---- */

static void say_continue(struct http_connection *c)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    char copy[sizeof(text)];
    memcpy(copy, text, sizeof(text));
    uv_buf_t part = {.base = copy, .len = sizeof(text) - 1};
    connection_write(c, &part, 1);
}

/* The deadline of a body is renewed by its progress, not by single bytes. */
static void note_progress(struct http_connection *c)
{
    const struct http_limits *limits = &c->server->limits;
    if (!http_parser_in_body(c->parser))
        return;
    size_t size = http_parser_body_size(c->parser);
    if (c->deadline == DEADLINE_BODY && size - c->mark < limits->body_progress)
        return;
    c->mark = size;
    server_set_deadline(c, DEADLINE_BODY);
}

static void read_part(struct http_connection *c)
{
    count_memory(c, http_parser_memory(c->parser));
    if (c->server->counts.memory > c->server->limits.memory_max)
        connection_refuse(c, 503, "OUT_OF_MEMORY",
                          "too much is being received at once; try again later");
    else if (!http_parser_in_body(c->parser) || admission_of_body(c))
        note_progress(c);
}

void connection_read_on(struct http_connection *c)
{
    c->phase = PHASE_READ;
    note_progress(c);
    if (c->expects)
        say_continue(c);
    c->expects = false;
    if (c->phase == PHASE_READ)
        start_reading(c);
}

void connection_handle(struct http_connection *c)
{
    if (waits_for_room(c) && !c->unreadable)
        start_reading(c);
    if (c->phase == PHASE_CLOSED)
        return;
    struct http_parser *parser = c->parser;
    c->parser = NULL;
    c->phase = PHASE_ANSWER;
    server_set_deadline(c, DEADLINE_NONE);
    request_begin(c, parser);
}

/* One request at most; returns how many bytes were taken. */
static size_t take_request(struct http_connection *c, struct str bytes)
{
    enum http_parsed parsed;
    if (c->phase == PHASE_IDLE) {
        c->phase = PHASE_READ;
        c->parser = http_parser_new(&c->server->limits);
        server_set_deadline(c, DEADLINE_HEAD);
    }
    size_t taken = http_parser_take(c->parser, bytes, &parsed);
    switch (parsed) {
    case PARSED_PART:
        read_part(c);
        break;
    case PARSED_EXPECTS:
        read_part(c);
        if (c->phase == PHASE_READ)
            say_continue(c);
        else
            c->expects = c->phase == PHASE_BODY_ROOM;
        break;
    case PARSED_REQUEST:
        count_memory(c, http_parser_memory(c->parser));
        if (admission_of_request(c))
            connection_handle(c);
        break;
    case PARSED_REFUSED: {
        struct http_refusal why = http_parser_refusal(c->parser);
        connection_refuse(c, why.status, why.code, why.detail);
        break;
    }
    }
    return taken;
}

static void connection_take(struct http_connection *c, struct str bytes)
{
    c->taking = true;
    while (bytes.len && (c->phase == PHASE_IDLE || c->phase == PHASE_READ))
        bytes = str_slice(bytes, take_request(c, bytes), bytes.len);
    c->taking = false;
    if (!bytes.len || c->phase == PHASE_LINGER || c->phase == PHASE_CLOSED)
        return;
    buf_append(&c->rest, bytes);
    if (!c->unreadable) {
        c->unreadable = true;
        uv_read_stop(&c->u.stream);
    }
}

static void on_room(uv_handle_t *handle, size_t size, uv_buf_t *buffer)
{
    struct http_connection *c = handle->data;
    (void)size;
    *buffer = uv_buf_init(c->server->input, READ_SIZE);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct http_connection *c = stream->data;
    if (size > 0 && c->phase != PHASE_LINGER)
        connection_take(c, str_of(buffer->base, (size_t)size));
    /* What is on its way to a peer that will ask no more still gets there. */
    else if (size == UV_EOF && c->phase == PHASE_SEND)
        c->closes = c->ended = true;
    else if (size < 0)
        connection_close(c);
}

/* ---- beginning and deadlines ---- */

void connection_begin(struct http_connection *c)
{
    c->phase = PHASE_IDLE;
    server_set_deadline(c, DEADLINE_IDLE);
    if (uv_read_start(&c->u.stream, on_room, on_read) != 0)
        connection_close(c);
}

void connection_expire(struct http_connection *c)
{
    bool sends = c->deadline == DEADLINE_SEND;
    if (sends && connection_queued(c) < c->mark) {
        c->mark = connection_queued(c);
        server_set_deadline(c, DEADLINE_SEND);
        return;
    }
    if (c->deadline == DEADLINE_SECOND && --c->request->seconds > 0) {
        server_set_deadline(c, DEADLINE_SECOND);
        return;
    }
    if (c->deadline == DEADLINE_WAIT || c->deadline == DEADLINE_SECOND) {
        server_set_deadline(c, DEADLINE_NONE);
        request_late(c->request);
        return;
    }
    if (c->deadline == DEADLINE_BEAT) {
        request_beat(c->request);
        return;
    }
    c->server->counts.timed_out++;
    if (waits_for_room(c)) {
        start_reading(c);
        connection_refuse(c, 503, "OUT_OF_MEMORY",
                          "there was no room in memory for this request in time; try again later");
    } else if (c->phase != PHASE_READ || sends)
        connection_close(c);
    else if (c->deadline == DEADLINE_BODY)
        connection_refuse(c, 408, "BODY_TIMEOUT", "the body did not come in time");
    else
        connection_refuse(c, 408, "HEAD_TIMEOUT", "the headers did not come in time");
}
