/* The operations of the Step Functions API, one function each, and what their
 * arguments have in common.
 *
 * Source: the Step Functions API reference; wording of exceptions as AWS has it.
 */
#ifndef PAWL_API_AWS_OPERATIONS_H
#define PAWL_API_AWS_OPERATIONS_H

#include "api/api_internal.h"

route_handler aws_describe_execution;
route_handler aws_get_execution_history;
route_handler aws_get_activity_task;
route_handler aws_send_task_failure;
route_handler aws_send_task_heartbeat;
route_handler aws_send_task_success;
route_handler aws_start_execution;
route_handler aws_stop_execution;

/* ---- arguments: on failure the call is answered ---- */

enum argument_need {
    ARGUMENT_OPTIONAL,
    ARGUMENT_REQUIRED,
};

/* Is it there, and not null? */
bool argument_given(const struct call *c, struct str name);

/* Empty when it is optional and not there. */
MUST_CHECK bool argument_text(struct call *c, struct str name, enum argument_need need,
                              size_t length_max, struct str *ret_text);
MUST_CHECK bool argument_bool(struct call *c, struct str name, bool otherwise, bool *ret_value);
MUST_CHECK bool argument_int(struct call *c, struct str name, int64_t least, int64_t most,
                             int64_t otherwise, int64_t *ret_value);

/* Seconds since 1970 with milliseconds, as AWS JSON has times; absent for 0. */
struct json aws_time(struct wall_ms at);

#endif
