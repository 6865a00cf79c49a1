#include "asl/compile_internal.h"

static void credentials_compile(const struct site *s)
{
    struct json source;
    struct site at;

    s->state->u.task.credentials = site_is_jsonata(s) ? field_query(s, STR("Credentials"))
                                                      : field_template(s, STR("Credentials"));
    if (!field_given(s, STR("Credentials")) || field_is_query(s, STR("Credentials")) ||
        !field_object(s, STR("Credentials"), &source))
        return;
    at = site_child(s, STR("Credentials"), source);
    if (!field_given(&at, STR("RoleArn")) && !field_given(&at, STR("RoleArn.$")))
        complain(s->c, CODE_MISSING_FIELD, place_here(&at), STR(""),
                 "The field 'RoleArn' is required but was missing");
}

static void time_limits_compile(const struct site *s)
{
    struct number_field *timeout = &s->state->u.task.timeout;
    struct number_field *heartbeat = &s->state->u.task.heartbeat;

    *timeout = field_number(s, STR("TimeoutSeconds"), 1, TASK_TIMEOUT_MAX_SECONDS);
    *heartbeat = field_number(s, STR("HeartbeatSeconds"), 1, TASK_TIMEOUT_MAX_SECONDS);
    if (timeout->set && !timeout->path && !timeout->query && heartbeat->set && !heartbeat->path &&
        !heartbeat->query && heartbeat->literal >= timeout->literal)
        complain(s->c, CODE_OUT_OF_RANGE, place_value(s, STR("HeartbeatSeconds")), STR(""),
                 "The value for the field 'HeartbeatSeconds' must be smaller than "
                 "'TimeoutSeconds'");
}

void task_compile(const struct site *s)
{
    static const struct str required[] = {STR_INIT("Resource")};
    struct str resource;

    fields_require(s, required, COUNT_OF(required));
    if (field_text(s, STR("Resource"), &resource))
        (void)resource_parse(s, resource, &s->state->u.task.resource);
    time_limits_compile(s);
    credentials_compile(s);
}
