/* Bytes in, one HTTP/1.1 request out: no sockets, no clock.
 *
 * A parser takes the bytes of one request and stops after its last; what follows
 * belongs to the next. The head is gathered and checked as a whole, then the body
 * as it comes, so that nothing is acted on before it is known to be well-formed.
 * Stricter than the RFC allows to be: bare LF, folded headers, a body length given
 * twice or in two ways, any coding but chunked, and every Host count but one are
 * refused, since a proxy might read them otherwise.
 *
 * Ownership: http_parser_free frees the message too. Memory grows with what was
 * received, never with what was announced. Threads: one at a time.
 * Source: RFC 9112; llhttp does the grammar.
 */
#ifndef PAWL_NET_HTTP_PARSER_H
#define PAWL_NET_HTTP_PARSER_H

#include "base/arena.h"
#include "base/buf.h"
#include "net/http_limits.h"
#include "net/http_server.h"

enum http_parsed {
    PARSED_PART,    /* every byte was taken; the request is not complete */
    PARSED_EXPECTS, /* the head is complete, and the peer waits for "100 Continue" */
    PARSED_REQUEST, /* complete */
    PARSED_REFUSED, /* http_parser_refusal says why; no use going on */
};

/* Borrowed from the parser. */
struct http_message {
    struct str method, target, path, query;
    struct http_header *headers;
    size_t header_count;
    struct str body;
    bool keep_alive; /* the peer allows another request on this connection */
    bool minor_0;    /* HTTP/1.0: it knows no chunks */
};

struct http_refusal {
    int status;
    const char *code; /* "HEAD_TOO_LARGE" */
    const char *detail;
};

struct http_parser;

/* limits: borrowed; without zeros. */
struct http_parser *http_parser_new(const struct http_limits *limits);
void http_parser_free(struct http_parser *p); /* accepts NULL */

/* Takes bytes up to the end of the request and returns how many. */
size_t http_parser_take(struct http_parser *p, struct str bytes, enum http_parsed *ret_parsed);

/* Has the head come to its end? Then the body's deadline counts. */
bool http_parser_in_body(const struct http_parser *p);

/* Bytes of body so far; bytes of memory held. */
size_t http_parser_body_size(const struct http_parser *p);
size_t http_parser_memory(const struct http_parser *p);

/* Once it is in the body: its Content-Length, 0 when it has none; SIZE_MAX: it comes in
 * chunks. */
size_t http_parser_body_announced(const struct http_parser *p);

/* Once PARSED_REQUEST. */
const struct http_message *http_parser_message(const struct http_parser *p);
struct arena *http_parser_arena(const struct http_parser *p);

/* Once PARSED_REFUSED. */
struct http_refusal http_parser_refusal(const struct http_parser *p);

/* A case-insensitive comparison of ASCII. */
bool http_name_eq(struct str a, struct str b);

#endif
