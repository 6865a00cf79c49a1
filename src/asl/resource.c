/* The Resource of a Task: ARNs of functions, activities and service calls. */
#include "asl/compile_internal.h"
#include "asl/integrations.h"

enum {
    ARN_PARTS = 6, /* arn, partition, service, region, account, the rest */
    FUNCTION_NAME_MAX = 140,
    ACTIVITY_NAME_MAX = 80,
};

static const struct integration {
    struct str service, action;
    unsigned patterns;
} integrations[] = {
#define INTEGRATION_ROW(name, call, ways) {STR_INIT(name), STR_INIT(call), ways},
    INTEGRATION_TABLE(INTEGRATION_ROW)
#undef INTEGRATION_ROW
};

static bool not_recognized(const struct site *s, struct str text, struct str remedy)
{
    complain(s->c, CODE_INVALID_RESOURCE, place_value(s, STR("Resource")), remedy,
             "The resource provided " STR_FMT " is not recognized. The value is not a valid "
             "resource ARN, or the resource is not available in this region.",
             STR_ARG(clip(s->c, text)));
    return false;
}

/* A NAME of at most `max` characters out of letters, digits and "-_.". */
static bool is_name(struct str text, size_t max)
{
    if (text.len == 0 || text.len > max)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '_' && c != '.')
            return false;
    }
    return true;
}

/* Takes what stands before the next `c` off the text, or all of it. */
static struct str take_until(struct str *text, char c)
{
    size_t at = str_find_char(*text, c);
    struct str head = str_slice(*text, 0, at);

    *text = at == SIZE_MAX ? STR("") : str_slice(*text, at + 1, text->len);
    return head;
}

static bool function_parse(const struct site *s, struct str rest, struct resource *r)
{
    struct str word = take_until(&rest, ':');

    r->kind = TASK_LAMBDA;
    r->resource_type = STR("lambda");
    r->name = take_until(&rest, ':');
    if (str_eq(word, STR("function")) && is_name(r->name, FUNCTION_NAME_MAX) &&
        (rest.len == 0 || is_name(rest, FUNCTION_NAME_MAX) || str_eq(rest, STR("$LATEST"))))
        return true;
    return not_recognized(s, r->text,
                          STR("A function is arn:aws:lambda:REGION:ACCOUNT:function:NAME."));
}

static enum task_pattern pattern_take(struct str *action)
{
    static const struct {
        struct str suffix;
        enum task_pattern pattern;
    } rows[] = {
        {STR_INIT(".sync"), TASK_SYNC},
        {STR_INIT(".sync:2"), TASK_SYNC_2},
        {STR_INIT(".waitForTaskToken"), TASK_WAIT_FOR_TOKEN},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (str_ends_with(*action, rows[i].suffix)) {
            action->len -= rows[i].suffix.len;
            return rows[i].pattern;
        }
    }
    return TASK_REQUEST_RESPONSE;
}

static unsigned pattern_flag(enum task_pattern pattern)
{
    switch (pattern) {
    case TASK_SYNC:
        return CALL_SYNC;
    case TASK_SYNC_2:
        return CALL_SYNC_2;
    case TASK_WAIT_FOR_TOKEN:
        return CALL_TOKEN;
    case TASK_REQUEST_RESPONSE:
        break;
    }
    return CALL_ONLY;
}

/* Is the call one that the table has? `call` is the action without its pattern. */
static bool integration_check(const struct site *s, const struct resource *r, struct str call)
{
    struct str actions[COUNT_OF(integrations)], services[COUNT_OF(integrations)];
    unsigned flag = pattern_flag(r->pattern);
    size_t count = 0;

    for (size_t i = 0; i < COUNT_OF(integrations); i++) {
        services[i] = integrations[i].service;
        if (!str_eq(r->resource_type, integrations[i].service))
            continue;
        actions[count++] = integrations[i].action;
        if (!str_eq(call, integrations[i].action))
            continue;
        if ((integrations[i].patterns & flag) == flag)
            return true;
        return not_recognized(s, r->text, STR("This call cannot be waited for in this way."));
    }
    if (count)
        return not_recognized(s, r->text, suggest(s->c, call, actions, count));
    complain(s->c, CODE_UNKNOWN_SERVICE, place_value(s, STR("Resource")),
             suggest(s->c, r->resource_type, services, COUNT_OF(services)),
             "No service is known as \"" STR_FMT "\"", STR_ARG(clip(s->c, r->resource_type)));
    return true;
}

/* Calls of the SDK to this very service that it answers itself. */
static bool sdk_call_is_nested(const struct resource *r, struct str call)
{
    static const struct str calls[] = {
        STR_INIT("startExecution"),  STR_INIT("startSyncExecution"), STR_INIT("sendTaskSuccess"),
        STR_INIT("sendTaskFailure"), STR_INIT("sendTaskHeartbeat"),
    };

    for (size_t i = 0; str_eq(r->resource_type, STR("aws-sdk:sfn")) && i < COUNT_OF(calls); i++)
        if (str_eq(call, calls[i]))
            return true;
    return false;
}

static bool service_parse(const struct site *s, struct str rest, struct resource *r)
{
    struct str call;

    r->resource_type = take_until(&rest, ':');
    if (str_eq(r->resource_type, STR("activity"))) {
        r->kind = TASK_ACTIVITY;
        r->name = rest;
        if (is_name(rest, ACTIVITY_NAME_MAX))
            return true;
        return not_recognized(s, r->text,
                              STR("An activity is arn:aws:states:REGION:ACCOUNT:activity:NAME."));
    }
    r->kind = TASK_SERVICE;
    if (str_eq(r->resource_type, STR("aws-sdk"))) {
        struct str service = take_until(&rest, ':');

        if (service.len == 0)
            return not_recognized(s, r->text,
                                  STR("A call is arn:aws:states:::aws-sdk:SERVICE:ACTION."));
        r->resource_type = str_of(r->resource_type.ptr, STR("aws-sdk:").len + service.len);
    }
    r->action = call = rest;
    r->pattern = pattern_take(&call);
    if (!is_name(call, FUNCTION_NAME_MAX))
        return not_recognized(s, r->text, STR("A call is arn:aws:states:::SERVICE:ACTION."));
    if (sdk_call_is_nested(r, call))
        r->kind = TASK_NESTED;
    if (str_starts_with(r->resource_type, STR("aws-sdk:")))
        return (pattern_flag(r->pattern) & (CALL_SYNC | CALL_SYNC_2)) == 0 ||
               not_recognized(s, r->text, STR("Calls of aws-sdk know no .sync."));
    if (str_eq(r->resource_type, STR("states")))
        r->kind = TASK_NESTED;
    else if (str_eq(r->resource_type, STR("lambda")))
        r->kind = TASK_LAMBDA_INVOKE;
    return integration_check(s, r, call);
}

/* What Pawl does itself. */
static bool own_parse(const struct site *s, struct resource *r)
{
    static const struct str names[] = {STR_INIT("pawl:review")};

    if (!str_eq(r->text, names[0]))
        return not_recognized(s, r->text, suggest(s->c, r->text, names, COUNT_OF(names)));
    r->kind = TASK_REVIEW;
    r->resource_type = STR("pawl");
    r->action = STR("review");
    return true;
}

bool resource_parse(const struct site *s, struct str text, struct resource *ret_resource)
{
    struct resource r = {.text = text};
    struct str rest = text, parts[ARN_PARTS - 1];

    if (is_name(text, FUNCTION_NAME_MAX)) {
        r.kind = TASK_LAMBDA;
        r.resource_type = STR("lambda");
        r.name = text;
        *ret_resource = r;
        return true;
    }
    if (str_starts_with(text, STR("pawl:"))) {
        bool ok = own_parse(s, &r);

        *ret_resource = r;
        return ok;
    }
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        parts[i] = take_until(&rest, ':');
    r.region = parts[3];
    *ret_resource = r;
    if (str_find(text, STR("${")) != SIZE_MAX)
        return not_recognized(s, text, STR("Fill in the placeholder first."));
    if (!str_eq(parts[0], STR("arn")) || !str_starts_with(parts[1], STR("aws")))
        return not_recognized(s, text, STR("It is an ARN, or the bare name of a function."));
    if (str_eq(parts[2], STR("lambda")) ? function_parse(s, rest, &r)
        : str_eq(parts[2], STR("states"))
            ? service_parse(s, rest, &r)
            : not_recognized(s, text, STR("A task calls functions (lambda) and states services.")))
        *ret_resource = r;
    else
        return false;
    return true;
}
