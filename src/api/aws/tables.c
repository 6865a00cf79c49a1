/* The members of every operation, as the API's model has them. What is larger here than
 * there: an execution's input and a task's output (limit input_max). */
#include "api/aws/members.h"

#include "asl/compile.h"
#include "engine/engine.h"

enum {
    ARN_MAX = 256,
    LONG_ARN_MAX = 2000,
    NAME_MAX_CHARACTERS = 80,
    TOKEN_MAX = 1024,
    PAGE_MAX = 1000,
    DESCRIPTION_MAX = 256,
};

/* ---- patterns ---- */

static bool is_alias_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
}

static bool fits_alias(struct str value)
{
    bool other_than_digits = false;
    for (size_t i = 0; i < value.len; i++) {
        if (!is_alias_character(value.ptr[i]))
            return false;
        other_than_digits |= value.ptr[i] < '0' || value.ptr[i] > '9';
    }
    return other_than_digits;
}

static bool fits_ascii(struct str value)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] & 0x80)
            return false;
    return true;
}

static bool fits_visible(struct str value)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] < '!' || value.ptr[i] > '~')
            return false;
    return value.len > 0;
}

static const struct pattern alias_name = {"^(?=.*[a-zA-Z_\\-\\.])[a-zA-Z0-9_\\-\\.]+$", fits_alias};
static const struct pattern ascii = {"\\p{ASCII}*", fits_ascii};
static const struct pattern visible = {"[!-~]+", fits_visible};

/* ---- values, in AWS's order where it was seen ---- */

static const char *const types[] = {"STANDARD", "EXPRESS", NULL};
static const char *const levels[] = {"ALL", "ERROR", "FATAL", "OFF", NULL};
static const char *const encryptions[] = {"AWS_OWNED_KEY", "CUSTOMER_MANAGED_KMS_KEY", NULL};
static const char *const included[] = {"ALL_DATA", "METADATA_ONLY", NULL};
static const char *const severities[] = {"ERROR", "WARNING", NULL};
static const char *const statuses[] = {
    "SUCCEEDED", "TIMED_OUT", "PENDING_REDRIVE", "ABORTED", "FAILED", "RUNNING", NULL};
static const char *const redrives[] = {"REDRIVEN", "NOT_REDRIVEN", NULL};

/* ---- members ---- */

#define TEXT_OF(member, required, least, most, set, form)                                          \
    {                                                                                              \
        .name = (member), .type = MEMBER_TEXT, .flags = (required), .min = (least), .max = (most), \
        .values = (set), .pattern = (form)                                                         \
    }
#define TEXT(member, required, least, most) TEXT_OF(member, required, least, most, NULL, NULL)
#define ARN(member, required) TEXT(member, required, 1, ARN_MAX)
#define CHOICE(member, required, set) TEXT_OF(member, required, 0, 0, set, NULL)
#define SECRET(member, required, least, most)                                                      \
    TEXT(member, (required) | MEMBER_SENSITIVE, least, most)
#define INTEGER(member, required, least, most)                                                     \
    {                                                                                              \
        .name = (member), .type = MEMBER_INTEGER, .flags = (required), .min = (least),             \
        .max = (most)                                                                              \
    }
#define NUMBER(member)                                                                             \
    {                                                                                              \
        .name = (member), .type = MEMBER_NUMBER                                                    \
    }
#define BOOL(member)                                                                               \
    {                                                                                              \
        .name = (member), .type = MEMBER_BOOL                                                      \
    }
#define OBJECT(member, required, table)                                                            \
    {                                                                                              \
        .name = (member), .type = MEMBER_OBJECT, .flags = (required), .members = (table)           \
    }
#define LIST(member, required, least, most, item)                                                  \
    {                                                                                              \
        .name = (member), .type = MEMBER_LIST, .flags = (required), .min = (least), .max = (most), \
        .members = (item)                                                                          \
    }
#define END                                                                                        \
    {                                                                                              \
        0                                                                                          \
    }
#define PAGE INTEGER("maxResults", 0, 0, PAGE_MAX), TEXT("nextToken", 0, 1, TOKEN_MAX)

static const struct member any_object[] = {END};

static const struct member log_group[] = {ARN("logGroupArn", 0), END};
static const struct member log_destination[] = {OBJECT("cloudWatchLogsLogGroup", 0, log_group),
                                                END};
static const struct member log_destination_item[] = {OBJECT("", 0, log_destination)};
static const struct member logging[] = {CHOICE("level", 0, levels), BOOL("includeExecutionData"),
                                        LIST("destinations", 0, 0, 0, log_destination_item), END};
static const struct member tracing[] = {BOOL("enabled"), END};
static const struct member encryption[] = {
    CHOICE("type", MEMBER_REQUIRED, encryptions), TEXT("kmsKeyId", 0, 1, 2048),
    INTEGER("kmsDataKeyReusePeriodSeconds", 0, 60, 900), END};
static const struct member tag[] = {TEXT("key", 0, 1, 128), TEXT("value", 0, 0, 256), END};
static const struct member tag_item[] = {OBJECT("", 0, tag)};
static const struct member tag_key_item[] = {TEXT("", 0, 1, 128)};
static const struct member route[] = {ARN("stateMachineVersionArn", MEMBER_REQUIRED),
                                      INTEGER("weight", MEMBER_REQUIRED, 0, 100), END};
static const struct member route_item[] = {OBJECT("", 0, route)};

#define ROUTING(required) LIST("routingConfiguration", required, 1, 2, route_item)

static const struct member create_activity[] = {
    TEXT("name", MEMBER_REQUIRED, 1, NAME_MAX_CHARACTERS), LIST("tags", 0, 0, 0, tag_item),
    OBJECT("encryptionConfiguration", 0, encryption), END};
static const struct member create_machine[] = {
    TEXT("name", MEMBER_REQUIRED, 1, NAME_MAX_CHARACTERS),
    SECRET("definition", MEMBER_REQUIRED, 1, DEFINITION_SIZE_MAX),
    ARN("roleArn", MEMBER_REQUIRED),
    CHOICE("type", 0, types),
    OBJECT("loggingConfiguration", 0, logging),
    LIST("tags", 0, 0, 0, tag_item),
    OBJECT("tracingConfiguration", 0, tracing),
    BOOL("publish"),
    SECRET("versionDescription", 0, 0, DESCRIPTION_MAX),
    OBJECT("encryptionConfiguration", 0, encryption),
    END};
static const struct member update_machine[] = {ARN("stateMachineArn", MEMBER_REQUIRED),
                                               SECRET("definition", 0, 1, DEFINITION_SIZE_MAX),
                                               ARN("roleArn", 0),
                                               OBJECT("loggingConfiguration", 0, logging),
                                               OBJECT("tracingConfiguration", 0, tracing),
                                               BOOL("publish"),
                                               SECRET("versionDescription", 0, 0, DESCRIPTION_MAX),
                                               OBJECT("encryptionConfiguration", 0, encryption),
                                               END};
static const struct member create_alias[] = {
    SECRET("description", 0, 0, DESCRIPTION_MAX),
    TEXT_OF("name", MEMBER_REQUIRED, 1, NAME_MAX_CHARACTERS, NULL, &alias_name),
    ROUTING(MEMBER_REQUIRED), END};
static const struct member update_alias[] = {ARN("stateMachineAliasArn", MEMBER_REQUIRED),
                                             SECRET("description", 0, 0, DESCRIPTION_MAX),
                                             ROUTING(0), END};
static const struct member one_activity[] = {ARN("activityArn", MEMBER_REQUIRED), END};
static const struct member one_machine[] = {ARN("stateMachineArn", MEMBER_REQUIRED), END};
static const struct member one_alias[] = {ARN("stateMachineAliasArn", MEMBER_REQUIRED), END};
static const struct member one_version[] = {
    TEXT("stateMachineVersionArn", MEMBER_REQUIRED, 1, LONG_ARN_MAX), END};
static const struct member one_map_run[] = {TEXT("mapRunArn", MEMBER_REQUIRED, 1, LONG_ARN_MAX),
                                            END};
static const struct member describe_execution[] = {ARN("executionArn", MEMBER_REQUIRED),
                                                   CHOICE("includedData", 0, included), END};
static const struct member describe_machine[] = {ARN("stateMachineArn", MEMBER_REQUIRED),
                                                 CHOICE("includedData", 0, included), END};
static const struct member activity_task[] = {ARN("activityArn", MEMBER_REQUIRED),
                                              TEXT("workerName", 0, 1, NAME_MAX_CHARACTERS), END};
static const struct member execution_history[] = {ARN("executionArn", MEMBER_REQUIRED), PAGE,
                                                  BOOL("reverseOrder"),
                                                  BOOL("includeExecutionData"), END};
static const struct member page[] = {PAGE, END};
static const struct member list_executions[] = {ARN("stateMachineArn", 0),
                                                CHOICE("statusFilter", 0, statuses),
                                                INTEGER("maxResults", 0, 0, PAGE_MAX),
                                                TEXT("nextToken", 0, 1, 3096),
                                                TEXT("mapRunArn", 0, 1, LONG_ARN_MAX),
                                                CHOICE("redriveFilter", 0, redrives),
                                                END};
static const struct member list_map_runs[] = {ARN("executionArn", MEMBER_REQUIRED), PAGE, END};
static const struct member list_of_machine[] = {ARN("stateMachineArn", MEMBER_REQUIRED), PAGE, END};
static const struct member list_tags[] = {ARN("resourceArn", MEMBER_REQUIRED), END};
static const struct member publish_version[] = {ARN("stateMachineArn", MEMBER_REQUIRED),
                                                TEXT("revisionId", 0, 0, 0),
                                                SECRET("description", 0, 0, DESCRIPTION_MAX), END};
static const struct member redrive[] = {ARN("executionArn", MEMBER_REQUIRED),
                                        TEXT_OF("clientToken", 0, 1, 64, NULL, &visible), END};
static const struct member task_failure[] = {TEXT("taskToken", MEMBER_REQUIRED, 1, 2048),
                                             SECRET("error", 0, 0, 256),
                                             SECRET("cause", 0, 0, 32768), END};
static const struct member task_heartbeat[] = {TEXT("taskToken", MEMBER_REQUIRED, 1, 2048), END};
static const struct member task_success[] = {
    TEXT("taskToken", MEMBER_REQUIRED, 1, 2048),
    SECRET("output", MEMBER_REQUIRED, 0, ENGINE_INPUT_SIZE_MAX), END};
#define START                                                                                      \
    ARN("stateMachineArn", MEMBER_REQUIRED), TEXT("name", 0, 1, NAME_MAX_CHARACTERS),              \
        SECRET("input", 0, 0, ENGINE_INPUT_SIZE_MAX),                                              \
        TEXT_OF("traceHeader", 0, 0, 256, NULL, &ascii)
static const struct member start[] = {START, END};
static const struct member start_sync[] = {START, CHOICE("includedData", 0, included), END};
static const struct member stop[] = {ARN("executionArn", MEMBER_REQUIRED),
                                     SECRET("error", 0, 0, 256), SECRET("cause", 0, 0, 32768), END};
static const struct member tag_resource[] = {ARN("resourceArn", MEMBER_REQUIRED),
                                             LIST("tags", MEMBER_REQUIRED, 0, 0, tag_item), END};
static const struct member untag_resource[] = {
    ARN("resourceArn", MEMBER_REQUIRED), LIST("tagKeys", MEMBER_REQUIRED, 0, 0, tag_key_item), END};
static const struct member test_state[] = {
    SECRET("definition", MEMBER_REQUIRED, 1, DEFINITION_SIZE_MAX), ARN("roleArn", 0),
    OBJECT("mock", 0, any_object), OBJECT("stateConfiguration", 0, any_object), END};
static const struct member update_map_run[] = {
    TEXT("mapRunArn", MEMBER_REQUIRED, 1, LONG_ARN_MAX), INTEGER("maxConcurrency", 0, 0, 0),
    NUMBER("toleratedFailurePercentage"), INTEGER("toleratedFailureCount", 0, 0, 0), END};
static const struct member validate[] = {
    SECRET("definition", MEMBER_REQUIRED, 1, DEFINITION_SIZE_MAX), CHOICE("type", 0, types),
    CHOICE("severity", 0, severities), INTEGER("maxResults", 0, 0, 100), END};

/* ---- operations ---- */

static const struct {
    const char *operation;
    const struct member *members;
} tables[] = {
    {"CreateActivity", create_activity},
    {"CreateStateMachine", create_machine},
    {"CreateStateMachineAlias", create_alias},
    {"DeleteActivity", one_activity},
    {"DeleteStateMachine", one_machine},
    {"DeleteStateMachineAlias", one_alias},
    {"DeleteStateMachineVersion", one_version},
    {"DescribeActivity", one_activity},
    {"DescribeExecution", describe_execution},
    {"DescribeMapRun", one_map_run},
    {"DescribeStateMachine", describe_machine},
    {"DescribeStateMachineAlias", one_alias},
    {"DescribeStateMachineForExecution", describe_execution},
    {"GetActivityTask", activity_task},
    {"GetExecutionHistory", execution_history},
    {"ListActivities", page},
    {"ListExecutions", list_executions},
    {"ListMapRuns", list_map_runs},
    {"ListStateMachineAliases", list_of_machine},
    {"ListStateMachineVersions", list_of_machine},
    {"ListStateMachines", page},
    {"ListTagsForResource", list_tags},
    {"PublishStateMachineVersion", publish_version},
    {"RedriveExecution", redrive},
    {"SendTaskFailure", task_failure},
    {"SendTaskHeartbeat", task_heartbeat},
    {"SendTaskSuccess", task_success},
    {"StartExecution", start},
    {"StartSyncExecution", start_sync},
    {"StopExecution", stop},
    {"TagResource", tag_resource},
    {"TestState", test_state},
    {"UntagResource", untag_resource},
    {"UpdateMapRun", update_map_run},
    {"UpdateStateMachine", update_machine},
    {"UpdateStateMachineAlias", update_alias},
    {"ValidateStateMachineDefinition", validate},
};

const struct member *members_of(struct str operation)
{
    for (size_t i = 0; i < COUNT_OF(tables); i++)
        if (str_eq(operation, str_of_cstr(tables[i].operation)))
            return tables[i].members;
    return NULL;
}
