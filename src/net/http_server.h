/* An HTTP/1.1 server on an event loop: requests in, answers out.
 *
 * Shape: connections are kept alive; pipelined requests are answered in order,
 * one at a time. A request reaches the handler when its body is complete, and
 * stays until it is answered, at once or any time later. The server answers by
 * itself, with a problem (RFC 9457) and a closed connection, what is no proper
 * request (400, 501, 505), what breaks a limit (413, 414, 431, 503: see
 * http_limits.h) or comes too slowly (408).
 *
 * Every request is answered exactly once: by http_respond, http_respond_problem
 * or http_stream_begin ... http_stream_end. That ends it: the pointer and all
 * that was read from it are of no use any more. A peer that goes away changes
 * nothing of this; http_request_on_gone tells of it, and the answer goes nowhere.
 * A peer that closes its sending side before it has its answer has gone away.
 *
 * Ownership: options and texts are borrowed during the call, the loop until the
 * server is free. Threads: the loop's only. The program must ignore SIGPIPE
 * (asserted). An idle connection takes HTTP_IDLE_CONNECTION_SIZE bytes of heap.
 * Source: RFC 9110, RFC 9112; docs/adr/0009-http.md.
 */
#ifndef PAWL_NET_HTTP_SERVER_H
#define PAWL_NET_HTTP_SERVER_H

#include "base/arena.h"
#include "base/err.h"
#include "net/http_limits.h"

struct uv_loop_s;
struct http_server;
struct http_request;

/* Answers it, or keeps it to answer it later. */
typedef void http_handler(void *arg, struct http_request *request);

/* Whether a connection just accepted is taken; else it is closed without a word. */
typedef bool http_admit(void *arg, int socket);

/* The server has answered something by itself with this status. */
typedef void http_refused(void *arg, int status);

struct http_server_options {
    struct uv_loop_s *loop;
    struct http_limits limits;
    http_handler *handler;
    void *arg;             /* of all of them */
    http_admit *admit;     /* NULL: all are taken */
    http_refused *refused; /* NULL: nobody wants to know */
};

struct http_server *http_server_new(const struct http_server_options *options);

/* A socket at this path that only its owner may use (0600). Whatever lies there
 * is replaced: hold a lock on the place. The path may be longer than the system
 * takes for sockets. Errors: PERMISSION, NOT_FOUND, BUSY, IO. */
MUST_CHECK bool http_server_listen_unix(struct http_server *s, const char *path,
                                        struct err *reterr);

/* address: an IPv4 or IPv6 address, not a name. port 0: any; *ret_port, which may
 * be NULL, says which. Errors: INVALID_CONFIG (no such address), BUSY (the port
 * is taken), PERMISSION, IO. */
MUST_CHECK bool http_server_listen_tcp(struct http_server *s, const char *address, uint16_t port,
                                       uint16_t *ret_port, struct err *reterr);

/* Listens no more, closes what is idle, lets what was asked be answered for at
 * most grace_ms and then closes the rest. When the last handle is closed, which
 * takes turns of the loop, calls stopped (may be NULL). A second call can only
 * shorten the grace. */
void http_server_stop(struct http_server *s, uint64_t grace_ms, void (*stopped)(void *arg),
                      void *arg);

/* After stopped, or when the loop has run out after http_server_stop (asserted).
 * Requests may be left unanswered: answer them all the same. Accepts NULL. */
void http_server_free(struct http_server *s);

struct http_server_counts {
    size_t connections; /* now */
    size_t memory;      /* now, of requests on their way in */
    uint64_t accepted;  /* connections, ever */
    uint64_t requests;  /* that reached the handler, ever */
    uint64_t refused;   /* requests and connections answered by the server itself, ever */
    uint64_t timed_out; /* connections closed by a deadline, idle ones included */
};
struct http_server_counts http_server_counts(const struct http_server *s);

/* ---- a request; what is read from it is borrowed until it is answered ---- */

struct str http_request_method(const struct http_request *r); /* "GET"; case matters */
struct str http_request_path(const struct http_request *r);   /* as sent; begins with '/', or "*" */
struct str http_request_query(const struct http_request *r);  /* as sent, without '?' */
struct str http_request_body(const struct http_request *r);

/* The value without blanks around it; the first of several; empty when there is
 * none. The name's case does not matter. */
struct str http_request_header(const struct http_request *r, struct str name);

/* It came by a unix socket, which only this process's user can reach. False once
 * the peer has gone. */
bool http_request_is_local(const struct http_request *r);

/* For whatever is needed to answer: dies when it is answered. */
struct arena *http_request_arena(const struct http_request *r);

/* Calls gone once, when the peer goes away before the answer is complete; inside
 * it the request may be answered. */
typedef void http_gone(void *arg);
void http_request_on_gone(struct http_request *r, http_gone *gone, void *arg);
bool http_request_is_gone(const struct http_request *r);

/* The same, and asks the system whether the peer has closed meanwhile, which the loop has
 * not told of yet: for what must not be handed to nobody. */
bool http_request_is_abandoned(const struct http_request *r);

/* A long poll: calls late once, after wait_ms, unless it is answered before. */
void http_request_wait(struct http_request *r, void (*late)(void *arg), void *arg);
/* The same, after so many seconds; at least one. */
void http_request_wait_for(struct http_request *r, uint32_t seconds, void (*late)(void *arg),
                           void *arg);

/* ---- answers ---- */

struct http_header {
    struct str name, value; /* control characters become blanks */
};

/* Content-Length, Date and Connection are the server's. HEAD gets no body. */
void http_respond(struct http_request *r, int status, const struct http_header *headers,
                  size_t count, struct str body);

/* application/problem+json: {"type", "title", "status", "code", "detail"}. */
void http_respond_problem(struct http_request *r, int status, struct str code, struct str detail);

/* An answer in pieces, each of which leaves at once: for following. */
void http_stream_begin(struct http_request *r, int status, const struct http_header *headers,
                       size_t count);

/* False, and nothing is sent, when the peer has gone, or when something is queued
 * and this would make it more than stream_queue_max. */
MUST_CHECK bool http_stream_write(struct http_request *r, struct str bytes);

/* Bytes that the peer has not taken yet. */
size_t http_stream_queued(const struct http_request *r);

/* Called each time the queue has become empty. */
void http_stream_on_drained(struct http_request *r, void (*drained)(void *arg), void *arg);

/* Writes this text, which must stay (a literal), whenever nothing was written for
 * beat_ms: so a peer that has gone without a word is noticed. */
void http_stream_beat(struct http_request *r, struct str text);

/* last, which may be empty, is sent whatever is queued before it. */
void http_stream_end(struct http_request *r, struct str last);

/* "Not Found"; "Unknown" for what has no name. */
const char *http_status_title(int status);

enum {
    HTTP_IDLE_CONNECTION_SIZE = 512, /* a bound that a test holds */
};

#endif
