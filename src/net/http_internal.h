/* What the files of the server share. Included only inside net/.
 *
 * A connection goes round: IDLE, READ while a request comes in (BODY_ROOM and
 * REQUEST_ROOM while memory is short), ANSWER while the handler has it, SEND until the peer has
 * taken the answer, IDLE. Each phase has its deadline; connections with the same deadline stand in
 * a list in the order they are due, since a deadline lasts equally long for all of them.
 *
 * Order of life: a request points to its connection until either ends; a
 * connection lives until its handle is closed; the server outlives them.
 */
#ifndef PAWL_NET_HTTP_INTERNAL_H
#define PAWL_NET_HTTP_INTERNAL_H

#include "base/budget.h"
#include "base/buf.h"
#include "net/http_parser.h"
#include "net/http_server.h"
#include "net/http_text.h"
#include "net/unix_address.h"

#include <uv.h>

enum {
    READ_SIZE = 64 << 10,   /* bytes read at a time; also what is kept of pipelined requests */
    SPARE_CONNECTIONS = 64, /* above connections_max: to say that it is met */
};

enum deadline {
    DEADLINE_NONE, /* the handler's time is its own */
    DEADLINE_BODY_ROOM,
    DEADLINE_SMALL_ROOM,
    DEADLINE_LARGE_ROOM,
    DEADLINE_IDLE,
    DEADLINE_HEAD,
    DEADLINE_BODY,
    DEADLINE_SEND,
    DEADLINE_BEAT,
    DEADLINE_WAIT,
    DEADLINE_SECOND, /* of a wait that lasts some of them */
    DEADLINE_LINGER,
    DEADLINE_COUNT
};

enum phase {
    PHASE_IDLE,
    PHASE_READ,
    PHASE_BODY_ROOM,    /* waits for room before it is read on */
    PHASE_REQUEST_ROOM, /* complete, and waits for room before it is handled */
    PHASE_ANSWER,
    PHASE_SEND,
    PHASE_LINGER, /* answered for the last time: waits for the peer to close */
    PHASE_CLOSED, /* its handle is closing */
};

union http_handle {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
};

struct http_connection {
    union http_handle u;
    struct http_server *server;
    struct http_connection *previous, *next; /* in the list of its deadline */
    uint64_t due_ms;
    struct http_parser *parser;      /* READ */
    struct http_request *request;    /* ANSWER */
    struct buf rest;                 /* came behind the request that is being answered */
    size_t memory;                   /* counted for what came in */
    size_t body_room, handling_room; /* taken of the budgets, until the request has them */
    uint64_t room_ms;                /* when body_room was taken */
    size_t mark; /* progress of the body, or bytes queued, when the deadline was set */
    uint8_t deadline, phase;
    bool taking;     /* connection_take is at work above on the stack */
    bool closes;     /* after this answer */
    bool ended;      /* the peer sends no more */
    bool unreadable; /* reading is stopped while `rest` is full */
    bool expects;    /* "100 Continue", once there is room */
};

struct http_request {
    struct http_connection *connection; /* NULL: the peer has gone */
    struct http_server *server;
    size_t body_room, handling_room;
    struct http_parser *parser; /* owned; the request lies in its arena */
    const struct http_message *message;
    http_gone *gone;
    void *gone_arg;
    void (*drained)(void *arg);
    void *drained_arg;
    void (*late)(void *arg); /* of a long poll; NULL: it is none */
    void *late_arg;
    uint32_t seconds; /* that are left of the wait, or 0: until DEADLINE_WAIT */
    bool head_only;   /* HEAD */
    bool streaming, chunked;
    struct str beat; /* of a stream; empty: none */
};

struct deadline_list {
    struct http_connection *first, *last;
};

struct http_listener {
    union http_handle u;
    struct http_server *server;
    struct http_listener *next;
    struct unix_address address; /* of a unix socket; kept until closed, to remove it */
    bool is_pipe;
};

struct http_server {
    uv_loop_t *loop;
    struct http_limits limits;
    http_handler *handler;
    http_admit *admit;
    http_refused *refused;
    void *arg;
    struct http_listener *listeners;
    struct deadline_list lists[DEADLINE_COUNT];
    struct budget bodies, handling;
    uint64_t large_begun_ms, large_next_ms; /* of the last large request; of the next, earliest */
    uint64_t large_number;                  /* counts.requests when the last one began */
    uv_timer_t timer;
    uint64_t timer_due_ms; /* 0: it is not set */
    uint64_t stop_due_ms;  /* while stopping: when grace ends */
    bool stopping, timer_open;
    void (*stopped)(void *arg);
    void *stopped_arg;
    struct http_server_counts counts;
    int64_t date_second;
    char date[HTTP_DATE_SIZE];
    char input[READ_SIZE]; /* of whichever connection is being read */
};

/* ---- http_server.c ---- */

void *memory_or_panic(void *memory);

void server_set_deadline(struct http_connection *c, enum deadline deadline);
/* Its handle is closed. */
void server_forget(struct http_connection *c);
/* After a connection or listener has gone: ends a stop that waited for it. */
void server_released(struct http_server *s);
struct str server_date(struct http_server *s);
/* Whoever waits for room is looked at in a turn of the loop to come, not before `at_ms`. */
void server_turn_at(struct http_server *s, uint64_t at_ms);

/* ---- http_admission.c ---- */

/* Both: false, and the connection waits, when there is no room. */
bool admission_of_body(struct http_connection *c);
bool admission_of_request(struct http_connection *c);
void admission_give(struct http_server *s, size_t body, size_t handling);
void admission_turn(struct http_server *s);

/* ---- http_connection.c ---- */

/* Its handle is open and accepted. */
void connection_begin(struct http_connection *c);
/* Answers with a problem and closes; the connection has no request. */
void connection_refuse(struct http_connection *c, int status, const char *code, const char *detail);
void connection_expire(struct http_connection *c);
/* There is room now: for the rest of its body; for handling its request. */
void connection_read_on(struct http_connection *c);
void connection_handle(struct http_connection *c);
void connection_close(struct http_connection *c);
/* Copies what the system does not take at once. */
void connection_write(struct http_connection *c, const uv_buf_t *parts, unsigned count);
size_t connection_queued(const struct http_connection *c);
/* The answer is written, but perhaps not taken. Its request is gone already. */
void connection_answered(struct http_connection *c);

/* ---- http_request.c ---- */

/* Takes over the parser. Calls the handler. */
void request_begin(struct http_connection *c, struct http_parser *parser);
/* The connection is no more. */
void request_lost(struct http_request *r);
void request_drained(struct http_request *r);
/* A long poll has lasted wait_ms. */
void request_late(struct http_request *r);
/* A stream was silent for beat_ms. */
void request_beat(struct http_request *r);
/* Status line and headers; length SIZE_MAX: chunked or until the end. */
void response_head(struct buf *to, struct http_connection *c, int status,
                   const struct http_header *headers, size_t count, size_t length);

#endif
