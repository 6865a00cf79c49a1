/* What one HTTP peer may ask of this process: every limit by its name.
 *
 * A limit of 0 in options stands for its default.
 */
#ifndef PAWL_NET_HTTP_LIMITS_H
#define PAWL_NET_HTTP_LIMITS_H

#include <stddef.h>
#include <stdint.h>

/* name, unit, default, least, what. What breaks one is answered with the status in
 * brackets. */
#define HTTP_LIMIT_TABLE(X)                                                                        \
    X(head_size_max, BYTES, 16 << 10, 1 << 10, "request line and headers together [431]")          \
    X(header_count_max, COUNT, 64, 16, "headers of one request [431]")                             \
    X(url_size_max, BYTES, 8 << 10, 256, "path and query together [414]")                          \
    X(body_size_max, BYTES, 72 << 20, 64 << 10, "body of one request [413]")                       \
    X(memory_max, BYTES, 256 << 20, 1 << 20,                                                       \
      "requests on their way in, of all connections together [503]")                               \
    X(large_size, BYTES, 64 << 10, 1 << 10, "a body above which it waits for room to be read")     \
    X(bodies_max, BYTES, 128 << 20, 1 << 20,                                                       \
      "large bodies together; the next is not read until there is room")                           \
    X(handling_max, BYTES, 192 << 20, 1 << 20,                                                     \
      "what requests take while they are handled; others wait")                                    \
    X(handling_cost, COUNT, 8, 1,                                                                  \
      "bytes that each byte of a body takes while it is handled, about")                           \
    X(room_ms, MS, 60000, 10,                                                                      \
      "that a request waits for room [503]; after half of it a large body that is still on its "   \
      "way makes room [408]")                                                                      \
    X(connections_max, COUNT, 16384, 2, "connections of all listeners together [503]")             \
    X(stream_queue_max, BYTES, 1 << 20, 64 << 10,                                                  \
      "queued of one streamed answer before it refuses more")                                      \
    X(head_ms, MS, 10000, 10, "from the first byte of a request to the end of its headers [408]")  \
    X(body_ms, MS, 30000, 10, "for each body_progress bytes of a body, and for its end [408]")     \
    X(body_progress, BYTES, 64 << 10, 1 << 10, "bytes of a body that renew body_ms")               \
    X(idle_ms, MS, 75000, 10, "between requests, and before the first; then it is closed")         \
    X(send_ms, MS, 30000, 10, "in which a peer takes none of its answer; then it is closed")       \
    X(wait_ms, MS, 60000, 10,                                                                      \
      "that a long poll is held; then its handler answers that there is nothing")                  \
    X(beat_ms, MS, 15000, 10, "of silence after which a streamed answer shows that it lives")      \
    X(linger_ms, MS, 2000, 10, "for a peer to read the last answer before it is closed")

struct http_limits {
#define HTTP_LIMIT_MEMBER(name, unit, value, least, what) size_t name;
    HTTP_LIMIT_TABLE(HTTP_LIMIT_MEMBER)
#undef HTTP_LIMIT_MEMBER
};

/* Zeros replaced by the defaults. */
struct http_limits http_limits_with_defaults(struct http_limits limits);

#endif
