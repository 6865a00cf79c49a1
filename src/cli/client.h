/* Asks the process that holds a data directory, or a server: HTTP, one thing at a time.
 *
 * A call waits for its answer; what the other side refuses comes back as the error
 * that it names, with its code. A stream hands out lines of JSON as they come and
 * ends with the other side, by `line`, or by Ctrl-C.
 *
 * Errors: UNREACHABLE (nobody listens, or the connection broke: client_was_heard
 * says whether what was asked may have been done), INTERRUPTED (SIGINT or SIGTERM during a stream),
 * and those of the other side, a code that is not known here being INTERNAL. Ownership:
 * client_close. Threads: one, and one stream a process (signals).
 */
#ifndef PAWL_CLI_CLIENT_H
#define PAWL_CLI_CLIENT_H

#include "base/time.h"
#include "json/json.h"

enum {
    CLIENT_CONNECT_MS = 5000,    /* to be connected */
    CLIENT_CALL_MS = 120000,     /* to be answered */
    CLIENT_SILENCE_MS = 60000,   /* of a stream; the other side shows every 15 s that it lives */
    CLIENT_BODY_MAX = 512 << 20, /* bytes of an answer, or of a line */
};

struct client;

/* By a unix socket, or to "http://127.0.0.1:8083". Only looks at it: nothing is
 * connected yet. Errors: USAGE (no such address), those of net/unix_address.h. */
MUST_CHECK bool client_open_unix(const char *path, struct client **ret, struct err *reterr);
MUST_CHECK bool client_open_url(const char *url, struct client **ret, struct err *reterr);
void client_close(struct client *c); /* accepts NULL */

/* method: "GET", "POST", "DELETE". body: empty for none. The answer is arena; it is
 * absent when there was none. wait_ms: longer than that the answer may take besides. */
MUST_CHECK bool client_call(struct client *c, struct arena *a, const char *method, struct str path,
                            struct str body, uint64_t wait_ms, struct json *ret_answer,
                            struct err *reterr);

/* The last call or stream got as far as being connected. */
bool client_was_heard(const struct client *c);

/* An operation of the Step Functions API: "StartExecution". An exception that it
 * answers has its name first in the message. */
MUST_CHECK bool client_operation(struct client *c, struct arena *a, const char *operation,
                                 struct json arguments, struct json *ret_answer,
                                 struct err *reterr);

struct client_stream {
    /* False: enough. The line lies in an arena of its own, until the call returns. */
    bool (*line)(void *arg, struct json line);
    void (*tick)(void *arg, struct wall_ms now); /* every tick_ms; may be NULL */
    uint32_t tick_ms;
    void *arg;
};

/* True: `line` had enough, or the other side ended it. */
MUST_CHECK bool client_follow(struct client *c, struct str path, const struct client_stream *stream,
                              struct err *reterr);

/* "a b/c" -> "a%20b%2Fc" */
struct str client_encode(struct arena *a, struct str text);

#endif
