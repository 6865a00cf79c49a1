/* The configurations of machines and activities: what may be said, and how it is said back. */
#include "api/aws/operations.h"

static bool refuse(struct call *c, const char *what, const char *why)
{
    struct str type = arena_printf(c->arena, "Invalid%sConfiguration", what);
    call_fail_aws(c, arena_cstr(c->arena, type), "Invalid %s Configuration: %s", what, why);
    return false;
}

static struct json or_else(struct json value, struct json otherwise)
{
    return json_is_absent(value) ? otherwise : value;
}

static bool is_log_group(struct json destination)
{
    struct str arn = json_str(
        member_get(member_get(destination, STR("cloudWatchLogsLogGroup")), STR("logGroupArn")));
    struct arn parts;
    return arn_parse(arn, &parts) && str_eq(parts.word, STR("log-group")) && parts.name.len &&
           str_eq(parts.qualifier, STR("*"));
}

/* Whether a log group exists nobody here knows; that it could be one is checked. */
bool aws_take_logging(struct call *c, struct json *ret_logging)
{
    struct json given = member_get(c->body, STR("loggingConfiguration"));
    struct json destinations = member_get(given, STR("destinations"));
    struct json level = or_else(member_get(given, STR("level")), json_string(STR("OFF")));
    struct json_object_builder b = json_object_builder(c->arena);
    *ret_logging = JSON_NONE;
    if (json_is_absent(given))
        return true;
    if (json_count(destinations) > 1 ||
        (!str_eq(json_str(level), STR("OFF")) && json_count(destinations) != 1))
        return refuse(c, "Logging", "Must specify exactly one Log Destination.");
    if (json_count(destinations) && !is_log_group(json_at(destinations, 0)))
        return refuse(c, "Logging",
                      "The Log Destination must be the ARN of a log group, with "
                      "':*' at its end.");
    json_object_add(&b, STR("level"), level);
    json_object_add(&b, STR("includeExecutionData"),
                    or_else(member_get(given, STR("includeExecutionData")), json_bool(false)));
    json_object_add(&b, STR("destinations"), destinations);
    *ret_logging = json_object_done(&b);
    return true;
}

/* "enabled has not been set to true or false", as the API's reference has it: other types are
 * refused before this. Its wording was not recorded. */
bool aws_take_tracing(struct call *c, struct json *ret_tracing)
{
    struct json given = member_get(c->body, STR("tracingConfiguration"));
    struct json enabled = member_get(given, STR("enabled"));
    *ret_tracing = JSON_NONE;
    if (json_is_absent(given))
        return true;
    if (json_is_absent(enabled))
        return refuse(c, "Tracing", "'enabled' must be set to true or false.");
    *ret_tracing = json_object_with(c->arena, aws_empty(), STR("enabled"), enabled);
    return true;
}

bool aws_take_encryption(struct call *c, struct json *ret_encryption)
{
    struct json given = member_get(c->body, STR("encryptionConfiguration"));
    struct json_object_builder b = json_object_builder(c->arena);
    *ret_encryption = JSON_NONE;
    if (json_is_absent(given))
        return true;
    if (!str_eq(json_str(member_get(given, STR("type"))), STR("AWS_OWNED_KEY")))
        return refuse(c, "Encryption",
                      "Keys of customers are not supported here; use the type AWS_OWNED_KEY.");
    if (!json_is_absent(member_get(given, STR("kmsKeyId"))) ||
        !json_is_absent(member_get(given, STR("kmsDataKeyReusePeriodSeconds"))))
        return refuse(c, "Encryption",
                      "kmsKeyId and kmsDataKeyReusePeriodSeconds do not go with AWS_OWNED_KEY.");
    json_object_add(&b, STR("type"), json_string(STR("AWS_OWNED_KEY")));
    *ret_encryption = json_object_done(&b);
    return true;
}
