/* From a request to the function that answers it: one table for every face.
 *
 * A row names a method and a path, in which "{id}" stands for one segment, or an
 * operation of the Step Functions API. What no row fits is answered here: 404,
 * 405 with Allow, and AWS's UnknownOperationException. HEAD goes where GET does.
 * A body, when there is one, must be JSON.
 *
 * Ownership: a call dies when it is answered, and all that lies in its arena.
 */
#ifndef PAWL_API_ROUTES_H
#define PAWL_API_ROUTES_H

#include "json/json.h"
#include "net/http_server.h"

enum {
    ROUTE_PARAMETERS_MAX = 4,
    CALL_JSON_DEPTH_MAX = JSON_DEPTH_MAX + 8, /* of a body, in which an input may lie */
    CALL_MEMORY_MAX = 512 << 20, /* limit call_memory_max: bytes to take one body apart */
};

struct api;
struct call;

typedef void route_handler(struct call *c);

struct route {
    const char *method; /* NULL: an operation */
    const char *path;   /* "/api/v1/executions/{id}/follow", or "StartExecution" */
    route_handler *handle;
};

/* All of them; ends with an empty row. */
extern const struct route routes[];

struct search;

/* One request on its way through the house. Lies in its own arena. */
struct call {
    struct api *api;
    struct http_request *request;
    struct arena *arena;
    const struct route *route;                   /* NULL until found */
    struct str parameters[ROUTE_PARAMETERS_MAX]; /* decoded, in the path's order */
    struct json body;                            /* absent: none was sent */
    struct str request_id;
    bool aws;
    void *work;                /* the handler's own */
    void (*clean)(void *work); /* when the call ends, however it does; may be NULL */
    struct search *search;     /* call_find's own */
    struct errand *errand;     /* that it waits for; NULL: none */
    struct deed *deed;         /* of the catalog, the same */
    struct call *next, **link; /* among the api's calls */
};

/* The http_handler of an api. */
void routes_handle(void *arg, struct http_request *request);

/* The value of a query parameter, decoded, in the call's arena; false: not given. */
bool call_query(const struct call *c, struct str name, struct str *ret_value);

/* ---- answers: each ends the call ---- */

void call_answer(struct call *c, int status, struct json body);

/* As the face words it: a problem with the error's own HTTP status, or AWS's
 * exception that stands for it (InternalFailure when none does). */
void call_fail(struct call *c, const struct err *err);

/* A problem of REST v1 with a remedy of its own, and "plan": what was planned, as far as that
 * went. */
void call_fail_plan(struct call *c, const struct err *err, struct str remedy, struct json plan);

/* An exception of the Step Functions API: 400. */
void call_fail_aws(struct call *c, const char *type, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
