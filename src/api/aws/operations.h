/* The operations of the Step Functions API, one function each, and what their
 * arguments have in common.
 *
 * Source: the Step Functions API reference; wording of exceptions as AWS has it.
 */
#ifndef PAWL_API_AWS_OPERATIONS_H
#define PAWL_API_AWS_OPERATIONS_H

#include "api/api_internal.h"
#include "api/aws/members.h"

route_handler aws_create_activity;
route_handler aws_create_alias;
route_handler aws_create_machine;
route_handler aws_delete_activity;
route_handler aws_delete_alias;
route_handler aws_delete_machine;
route_handler aws_delete_version;
route_handler aws_describe_activity;
route_handler aws_describe_alias;
route_handler aws_describe_execution;
route_handler aws_describe_machine;
route_handler aws_describe_machine_for_execution;
route_handler aws_get_activity_task;
route_handler aws_get_execution_history;
route_handler aws_list_activities;
route_handler aws_list_aliases;
route_handler aws_list_executions;
route_handler aws_list_machines;
route_handler aws_list_tags;
route_handler aws_list_versions;
route_handler aws_not_served; /* it says so */
route_handler aws_publish_version;
route_handler aws_redrive_execution;
route_handler aws_send_task_failure;
route_handler aws_send_task_heartbeat;
route_handler aws_send_task_success;
route_handler aws_start_execution;
route_handler aws_start_sync_execution;
route_handler aws_stop_execution;
route_handler aws_tag_resource;
route_handler aws_untag_resource;
route_handler aws_update_alias;
route_handler aws_update_machine;
route_handler aws_validate_definition;

/* ---- arguments of a body that members_check let through ---- */

/* Empty when it is not there. */
struct str aws_text(const struct call *c, const char *name);
bool aws_given(const struct call *c, const char *name); /* there, and not null */
bool aws_is_true(const struct call *c, const char *name);

enum {
    ARN_IS_EXECUTION = 1u << ARN_EXECUTION,
    ARN_IS_ACTIVITY = 1u << ARN_ACTIVITY,
    ARN_IS_ANY_MACHINE = 1u << ARN_MACHINE | 1u << ARN_VERSION | 1u << ARN_ALIAS,
    ARN_HAS_TAGS = 1u << ARN_MACHINE | 1u << ARN_ACTIVITY,
};

/* These answer the call when false. */
MUST_CHECK bool aws_take_arn(struct call *c, const char *name, unsigned kinds, struct arn *ret_arn);
/* "stateMachineArn" of an operation on whole machines: not one of their Map states. */
MUST_CHECK bool aws_take_whole_machine(struct call *c, struct arn *ret_arn);
MUST_CHECK bool aws_take_tags(struct call *c, struct json *ret_tags); /* {KEY: VALUE} */
MUST_CHECK bool aws_take_logging(struct call *c, struct json *ret_logging);
MUST_CHECK bool aws_take_encryption(struct call *c, struct json *ret_encryption);
MUST_CHECK bool aws_take_tracing(struct call *c, struct json *ret_tracing);

/* Where the caller says to be: the region of his signature, else this house's. */
struct str aws_region(struct call *c);

/* ---- starts (start.c) ---- */

/* Answers with what the engine says of a start. */
void aws_start_failed(struct call *c, const struct err *err);
/* Name, input and machine of the two operations that start; answers the call when false. */
MUST_CHECK bool aws_take_start(struct call *c, struct engine_start *start, struct arn *ret_arn);
/* What the catalog found, for the start. */
void aws_fill_start(struct call *c, const struct catalog_answer *answer,
                    struct engine_start *start);

/* ---- definitions (definition.c) ---- */

struct aws_problem {
    bool warning;
    struct str code, message, location; /* location may be empty */
};

struct aws_definition {
    const struct machine *machine; /* NULL when there are errors */
    struct aws_problem *problems;
    size_t count, error_count;
};

/* JSON only; all of it lies in the arena. */
void aws_check_definition(const struct api *api, struct arena *a, struct str text, bool express,
                          struct aws_definition *ret_definition);
/* InvalidDefinition answers the call when false. */
MUST_CHECK bool aws_take_definition(struct call *c, struct str text, bool express);

/* ---- the catalog (common.c) ---- */

struct catalog_asker aws_asker(struct call *c, catalog_done *done);

/* Answers for an outcome other than DONE; arn: what was asked about. */
void aws_refused(struct call *c, const struct catalog_answer *answer, struct str arn);
/* The same where a version or an alias that is missing is a machine that is missing. */
void aws_no_machine(struct call *c, const struct catalog_answer *answer, struct str arn);
/* {} or the refusal. */
void aws_emptied(void *owner, const struct catalog_answer *answer);

struct json aws_empty(void);
/* Absent for the first revision, which has no id. */
struct json aws_revision(struct str revision);

/* What an execution was started by: "version", "alias", "revision", "trace". */
struct json aws_origin(struct call *c, const struct execution_row *row);

/* ---- pages ---- */

enum {
    AWS_PAGE_DEFAULT = 100
};

struct aws_page {
    const char *list;
    struct str subject;
    size_t count;
    struct str after; /* the last name of the page before; empty: the first page */
};

/* From maxResults and nextToken, which is good only for the list that gave it. InvalidToken
 * answers the call when false. */
MUST_CHECK bool aws_take_page(struct call *c, const char *list, struct str subject,
                              struct aws_page *ret_page);
void aws_add_token(struct json_object_builder *b, const struct aws_page *page, bool more,
                   struct str last);

/* One item of what was found, as it is shown; *ret_last: what the next page begins behind. */
typedef struct json aws_item(struct arena *a, const struct catalog_answer *answer, size_t i,
                             struct str *ret_last);
/* Answers a call whose work is its page with {name: items, "nextToken"}, or refuses it. */
void aws_answer_page(struct call *c, const struct catalog_answer *answer, const char *name,
                     aws_item *item);

/* Seconds since 1970 with milliseconds, as AWS JSON has times; absent for 0. */
struct json aws_time(struct wall_ms at);

#endif
