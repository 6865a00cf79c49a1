#include "api/api_internal.h"

#include "api/aws/operations.h"
#include "api/hosts.h"
#include "api/rest/resources.h"
#include "net/http_text.h"

/* What is served, all of it. */
const struct route routes[] = {
    {NULL, "CreateActivity", aws_create_activity},
    {NULL, "CreateStateMachine", aws_create_machine},
    {NULL, "CreateStateMachineAlias", aws_create_alias},
    {NULL, "DeleteActivity", aws_delete_activity},
    {NULL, "DeleteStateMachine", aws_delete_machine},
    {NULL, "DeleteStateMachineAlias", aws_delete_alias},
    {NULL, "DeleteStateMachineVersion", aws_delete_version},
    {NULL, "DescribeActivity", aws_describe_activity},
    {NULL, "DescribeExecution", aws_describe_execution},
    {NULL, "DescribeMapRun", aws_not_served},
    {NULL, "DescribeStateMachine", aws_describe_machine},
    {NULL, "DescribeStateMachineAlias", aws_describe_alias},
    {NULL, "DescribeStateMachineForExecution", aws_describe_machine_for_execution},
    {NULL, "GetActivityTask", aws_get_activity_task},
    {NULL, "GetExecutionHistory", aws_get_execution_history},
    {NULL, "ListActivities", aws_list_activities},
    {NULL, "ListExecutions", aws_list_executions},
    {NULL, "ListMapRuns", aws_not_served},
    {NULL, "ListStateMachineAliases", aws_list_aliases},
    {NULL, "ListStateMachineVersions", aws_list_versions},
    {NULL, "ListStateMachines", aws_list_machines},
    {NULL, "ListTagsForResource", aws_list_tags},
    {NULL, "PublishStateMachineVersion", aws_publish_version},
    {NULL, "RedriveExecution", aws_redrive_execution},
    {NULL, "SendTaskFailure", aws_send_task_failure},
    {NULL, "SendTaskHeartbeat", aws_send_task_heartbeat},
    {NULL, "SendTaskSuccess", aws_send_task_success},
    {NULL, "StartExecution", aws_start_execution},
    {NULL, "StartSyncExecution", aws_start_sync_execution},
    {NULL, "StopExecution", aws_stop_execution},
    {NULL, "TagResource", aws_tag_resource},
    {NULL, "TestState", aws_not_served},
    {NULL, "UntagResource", aws_untag_resource},
    {NULL, "UpdateMapRun", aws_not_served},
    {NULL, "UpdateStateMachine", aws_update_machine},
    {NULL, "UpdateStateMachineAlias", aws_update_alias},
    {NULL, "ValidateStateMachineDefinition", aws_validate_definition},
    {"GET", "/admin/jobs/{id}", rest_job},
    {"POST", "/admin/jobs/{id}/rerun-step", rest_job_rerun},
    {"GET", "/healthz", rest_health},
    {"GET", "/readyz", rest_ready},
    {"POST", "/api/v1/run", rest_run},
    {"GET", "/api/v1/executions/{id}", rest_state},
    {"POST", "/api/v1/executions/{id}/cancel", rest_cancel},
    {"GET", "/api/v1/executions/{id}/definition", rest_definition},
    {"GET", "/api/v1/executions/{id}/follow", rest_follow},
    {"GET", "/api/v1/executions/{id}/history", rest_history},
    {"POST", "/api/v1/executions/{id}/pause", rest_pause},
    {"POST", "/api/v1/executions/{id}/rerun-step", rest_rerun_step},
    {"POST", "/api/v1/executions/{id}/restart", rest_restart},
    {"POST", "/api/v1/executions/{id}/resume", rest_resume},
    {"POST", "/api/v1/executions/{id}/retry", rest_retry},
    {"GET", "/api/v1/executions/{id}/steps", rest_steps},
    {"POST", "/api/v1/executions/{id}/stop", rest_stop},
    {"POST", "/api/v1/workflows/{id}/executions", rest_start},
    {"GET", "/api/v1/workflows/{id}/revisions", rest_revisions},
    {"GET", "/api/v1/workflows/{id}/revisions/{revision}", rest_revision},
    {0},
};

#define AWS_PREFIX "AWSStepFunctions."

static struct call *call_new(struct api *api, struct http_request *request)
{
    struct arena *arena = arena_new(CALL_MEMORY_MAX);
    struct call *c = ARENA_NEW(arena, struct call);
    char id[UUID_TEXT_LEN];
    c->api = api;
    c->request = request;
    c->arena = arena;
    uuid_format(uuid_v4(&api->rng), id);
    c->request_id = arena_str(arena, str_of(id, sizeof(id)));
    c->next = api->calls;
    c->link = &api->calls;
    if (c->next)
        c->next->link = &c->next;
    api->calls = c;
    return c;
}

struct call *call_again(struct api *api, struct http_request *request, bool aws)
{
    struct call *c = call_new(api, request);
    c->aws = aws;
    return c;
}

/* ---- finding the row ---- */

static struct str next_segment(struct str *path)
{
    struct str rest = str_slice(*path, 1, path->len);
    size_t slash = str_find_char(rest, '/');
    struct str segment = str_slice(rest, 0, slash);
    *path = str_slice(rest, segment.len, rest.len);
    return segment;
}

/* Segment by segment; what stands for a "{...}" is decoded into the call. */
static bool path_fits(struct call *c, const char *pattern, struct str path)
{
    struct str wanted = str_of_cstr(pattern);
    size_t parameters = 0;
    while (wanted.len && path.len) {
        struct str expected = next_segment(&wanted), given = next_segment(&path);
        if (!str_starts_with(expected, STR("{"))) {
            if (!str_eq(expected, given))
                return false;
            continue;
        }
        ASSERT(parameters < ROUTE_PARAMETERS_MAX);
        if (given.len == 0 || !http_decode(c->arena, given, false, &c->parameters[parameters++]))
            return false;
    }
    return wanted.len == 0 && path.len == 0;
}

static bool method_fits(const char *method, struct str given)
{
    return str_eq(given, str_of_cstr(method)) ||
           (strcmp(method, "GET") == 0 && str_eq(given, STR("HEAD")));
}

static void no_route(struct call *c, struct str allowed)
{
    struct str path = http_request_path(c->request);
    struct buf text = BUF_INIT(0);
    struct http_header headers[] = {{STR("Content-Type"), STR("application/problem+json")},
                                    {STR("X-Request-Id"), c->request_id},
                                    {STR("Allow"), allowed}};
    if (allowed.len)
        http_problem(
            &text, 405, STR("METHOD_NOT_ALLOWED"),
            arena_printf(c->arena, STR_FMT " takes " STR_FMT, STR_ARG(path), STR_ARG(allowed)));
    else
        http_problem(&text, 404, STR("NO_SUCH_PATH"),
                     arena_printf(c->arena, "nothing is served at " STR_FMT, STR_ARG(path)));
    http_respond(c->request, allowed.len ? 405 : 404, headers, allowed.len ? 3 : 2, buf_str(&text));
    buf_release(&text);
    call_release(c);
}

/* A page in a browser may send what it likes to an address of this machine, in the name of
 * whoever looks at it; but not without saying where it comes from. */
static bool is_of_foreign_page(const struct http_request *request)
{
    struct str origin = http_request_header(request, STR("Origin"));
    size_t scheme = str_find(origin, STR("://"));
    if (!origin.len)
        return false;
    return scheme == SIZE_MAX || !str_eq(str_slice(origin, scheme + 3, origin.len),
                                         http_request_header(request, STR("Host")));
}

/* Nor when the name that it came by leads here by now. */
static bool is_for_foreign_host(const struct call *c)
{
    const struct api_options *o = &c->api->options;
    return o->checks_host && !http_request_is_local(c->request) &&
           !host_is_own(http_request_header(c->request, STR("Host")), o->hosts);
}

static void refuse_foreign(struct call *c, struct str code, struct str why)
{
    struct buf text = BUF_INIT(0);
    const struct http_header headers[] = {{STR("Content-Type"), STR("application/problem+json")},
                                          {STR("X-Request-Id"), c->request_id}};
    http_problem(&text, 403, code, why);
    http_respond(c->request, 403, headers, COUNT_OF(headers), buf_str(&text));
    buf_release(&text);
    call_release(c);
}

static void find_resource(struct call *c, struct buf *allowed)
{
    struct str path = http_request_path(c->request);
    for (const struct route *r = routes; r->path; r++) {
        if (!r->method || !path_fits(c, r->path, path))
            continue;
        if (method_fits(r->method, http_request_method(c->request))) {
            c->route = r;
            return;
        }
        buf_printf(allowed, "%s%s", allowed->len ? ", " : "", r->method);
    }
}

static void find_operation(struct call *c, struct str target)
{
    if (!str_starts_with(target, STR(AWS_PREFIX)))
        return;
    struct str name = str_slice(target, sizeof(AWS_PREFIX) - 1, target.len);
    for (const struct route *r = routes; r->path; r++)
        if (!r->method && str_eq(str_of_cstr(r->path), name))
            c->route = r;
}

/* ---- the body ---- */

static bool take_body(struct call *c)
{
    const struct json_limits limits = {.depth_max = CALL_JSON_DEPTH_MAX};
    struct str text = http_request_body(c->request);
    struct err err;
    if (str_trim(text).len == 0)
        return true;
    if (json_parse(c->arena, text, limits, JSON_DUPLICATES_LAST, &c->body, &err))
        return true;
    if (c->aws && (err.code == ERR_INVALID_JSON || err.code == ERR_TOO_DEEP))
        call_fail_aws(c, "SerializationException", "%s", err.message);
    else
        call_fail(c, &err);
    return false;
}

/* Every operation's arguments are held against the same tables. */
static bool check_members(struct call *c)
{
    const struct member *members = c->aws ? members_of(str_of_cstr(c->route->path)) : NULL;
    struct str type, message;
    if (!members || members_check(c->arena, members, c->body, &type, &message))
        return true;
    call_fail_aws(c, arena_cstr(c->arena, type), STR_FMT, STR_ARG(message));
    return false;
}

static void go(struct call *c)
{
    if (take_body(c) && check_members(c))
        c->route->handle(c);
}

static void handle_operation(struct call *c)
{
    struct str target = http_request_header(c->request, STR("x-amz-target"));
    c->aws = true;
    find_operation(c, target);
    if (c->route)
        go(c);
    else if (target.len)
        call_fail_aws(c, "UnknownOperationException", "there is no operation " STR_FMT " here",
                      STR_ARG(target));
    else
        call_fail_aws(c, "UnknownOperationException",
                      "the header X-Amz-Target does not name an operation");
}

static void handle_resource(struct call *c)
{
    struct buf allowed = BUF_INIT(0);
    find_resource(c, &allowed);
    if (c->route)
        go(c);
    else
        no_route(c, buf_str(&allowed));
    buf_release(&allowed);
}

void routes_handle(void *arg, struct http_request *request)
{
    struct api *api = arg;
    struct call *c = call_new(api, request);
    struct err err;
    if (api->stopping) {
        err_set(&err, ERR_BUSY, "this process is stopping: nothing was done");
        call_fail(c, &err);
        return;
    }
    if (is_of_foreign_page(request))
        refuse_foreign(c, STR("FOREIGN_PAGE"),
                       STR("the request comes from a page of another address (header Origin), "
                           "which may not ask anything here"));
    else if (is_for_foreign_host(c))
        refuse_foreign(c, STR("FOREIGN_HOST"),
                       STR("the request asks for a host that is not this one (header Host); names "
                           "besides localhost are listed as hosts in the server's pawl.yaml"));
    else if (str_eq(http_request_path(request), STR("/")) &&
             str_eq(http_request_method(request), STR("POST")))
        handle_operation(c);
    else
        handle_resource(c);
}
