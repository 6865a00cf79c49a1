/* HTTP POST on the event loop: a body out, a bounded response back.
 *
 * http and https only; no redirects, no proxy and no other setting from the
 * environment. Connections are kept and used again.
 *
 * Ownership: the request is borrowed during fetch_start, but for `body`, which
 * is borrowed until done. A fetch frees itself after done; the result is
 * borrowed during done. Threads: the loop's only.
 */
#ifndef PAWL_TASK_FETCH_H
#define PAWL_TASK_FETCH_H

#include "base/buf.h"

#include <uv.h>

enum {
    FETCH_CONNECT_TIMEOUT_MS = 10000,
    FETCH_HEADER_SIZE_MAX = 1024, /* kept of a header's value; a longer one is ignored */
};

struct fetch_request {
    const char *url;
    const char *idempotency_key; /* goes along as X-Pawl-Idempotency-Key */
    struct str body;             /* JSON */
    size_t response_max;
    uint64_t timeout_ms; /* 0: none */
};

struct fetch_result {
    const char *failure; /* in a few words; NULL when there was a whole response */
    bool timed_out, over;
    int status;
    struct str body;
    struct str function_error; /* X-Amz-Function-Error */
    struct str error_type;     /* x-amzn-ErrorType */
};

typedef void fetch_done(void *arg, const struct fetch_result *result);

struct fetcher;
struct fetch;

/* Owned: fetcher_free, which cancels all and is complete once the loop has run
 * its closing callbacks. */
struct fetcher *fetcher_new(uv_loop_t *loop);
void fetcher_free(struct fetcher *f);

/* done is called once, from the loop and never from within this call. */
struct fetch *fetch_start(struct fetcher *f, const struct fetch_request *request, fetch_done *done,
                          void *arg);

/* done is not called. */
void fetch_cancel(struct fetch *fetch);

#endif
