/* A client of many connections in one thread, as cheap as it gets: requests are written as
 * they are given, of an answer only status and body are looked at.
 *
 * One request at a time on a connection. A connection that breaks ends the program. */
#ifndef PAWL_BENCH_BENCH_WIRE_H
#define PAWL_BENCH_BENCH_WIRE_H

#include "base/buf.h"

#include <stdint.h>

struct wire;
struct wire_line;

/* The line may send again from inside. */
typedef void wire_answered(void *arg, struct wire_line *line, int status, struct str body);

struct wire *wire_new(uint16_t port, wire_answered *answered, void *arg);
void wire_free(struct wire *w); /* closes its lines */

/* A connection to 127.0.0.1; `tag` is the caller's. */
struct wire_line *wire_connect(struct wire *w, int tag);
int wire_tag(const struct wire_line *line);

/* Copies what the socket does not take at once. */
void wire_send(struct wire_line *line, struct str request);

/* Waits at most so long (negative: for ever) and calls for what has come. */
void wire_turn(struct wire *w, int timeout_ms);

/* One request and its answer on a connection of its own; the body in `to`. */
int wire_ask(uint16_t port, struct str request, struct buf *to);

#endif
