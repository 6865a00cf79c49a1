/* The words of the AWS Lambda Runtime API: paths in, answers out.
 *
 * Ownership: texts are borrowed. Threads: the loop's only.
 * Source: docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, version 2018-06-01.
 */
#ifndef PAWL_TASK_RUNTIME_API_H
#define PAWL_TASK_RUNTIME_API_H

#include "base/time.h"
#include "net/http_server.h"
#include "task/runtime.h"

enum runtime_call {
    RUNTIME_NEXT,       /* GET  /2018-06-01/runtime/invocation/next */
    RUNTIME_RESPONSE,   /* POST /2018-06-01/runtime/invocation/ID/response */
    RUNTIME_ERROR,      /* POST /2018-06-01/runtime/invocation/ID/error */
    RUNTIME_INIT_ERROR, /* POST /2018-06-01/runtime/init/error */
    RUNTIME_NO_CALL,
    RUNTIME_OTHER_METHOD, /* one of these paths, but not by its method */
};

/* *ret_id: a part of path. Pure. */
enum runtime_call runtime_call_of(struct str method, struct str path, struct str *ret_id);

/* Is it the worker's own client that asks? Not when it names another host (a name that
 * was made to point here), or comes from a page in a browser. */
bool runtime_is_client(const struct http_request *request, struct str address);

/* Answers with the invocation. deadline: when it will be ended. */
void runtime_respond_next(struct http_request *request, const struct invocation_request *invocation,
                          struct wall_ms deadline);

/* 202 {"status":"OK"} */
void runtime_respond_accepted(struct http_request *request);

/* {"errorMessage", "errorType"} */
void runtime_respond_error(struct http_request *request, int status, const char *type,
                           const char *message);

#endif
