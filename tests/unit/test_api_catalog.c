/* The control plane of the Step Functions API over real sockets: what each operation
 * answers, and how each refuses. */
#include "support/api_house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <signal.h>
#include <unistd.h>

#define STATES "arn:aws:states:us-east-1:000000000000:"
#define MACHINE STATES "stateMachine:"
#define ROLE "\"roleArn\":\"arn:aws:iam::000000000000:role/r\""
#define PASS(result)                                                                               \
    "{\\\"StartAt\\\":\\\"P\\\",\\\"States\\\":{\\\"P\\\":{\\\"Type\\\":\\\"Pass\\\","             \
    "\\\"Result\\\":" result ",\\\"End\\\":true}}}"
#define WAIT                                                                                       \
    "{\\\"StartAt\\\":\\\"W\\\",\\\"States\\\":{\\\"W\\\":{\\\"Type\\\":\\\"Wait\\\","             \
    "\\\"Seconds\\\":60,\\\"End\\\":true}}}"
#define SYNC                                                                                       \
    "{\\\"StartAt\\\":\\\"T\\\",\\\"States\\\":{\\\"T\\\":{\\\"Type\\\":\\\"Task\\\","             \
    "\\\"Resource\\\":\\\"arn:aws:states:::states:startExecution.sync\\\","                        \
    "\\\"Parameters\\\":{\\\"StateMachineArn\\\":\\\"x\\\"},\\\"End\\\":true}}}"
#define DEFINITION(text) "\"definition\":\"" text "\""
#define NEW(name, rest) "{\"name\":\"" name "\"," DEFINITION(PASS("1")) "," ROLE rest "}"

static struct answer done(struct house *h, const char *operation, const char *body)
{
    struct answer a = house_aws(h, operation, body);
    if (a.status != 200)
        fail_msg("%s %s: " STR_FMT, operation, body, STR_ARG(a.body));
    return a;
}

/* A value of the answer by its JSON pointer, as text; "" when it is not there. */
static const char *at(struct house *h, struct answer a, const char *pointer)
{
    struct json value = json_pointer(house_json(h, a.body), str_of_cstr(pointer));
    if (json_is_absent(value))
        return "";
    return arena_cstr(h->arena,
                      json_is_string(value) ? json_str(value) : json_text(h->arena, value));
}

static void assert_at(struct house *h, struct answer a, const char *pointer, const char *expected)
{
    const char *got = at(h, a, pointer);
    if (strcmp(got, expected) != 0)
        fail_msg("%s is %s, not %s in " STR_FMT, pointer, got, expected, STR_ARG(a.body));
}

static const char *with(struct house *h, const char *name, const char *value, const char *rest)
{
    return arena_cstr(h->arena, arena_printf(h->arena, "{\"%s\":\"%s\"%s}", name, value, rest));
}

static const char *by_arn(struct house *h, const char *arn, const char *rest)
{
    return with(h, "stateMachineArn", arn, rest);
}

/* Publishes versions 1 to n of machine "m", each answering its number. */
static void publish_versions(struct house *h, int n)
{
    char body[512];
    done(h, "CreateStateMachine", NEW("m", ",\"publish\":true"));
    for (int i = 2; i <= n; i++) {
        snprintf(body, sizeof(body),
                 "{\"stateMachineArn\":\"" MACHINE
                 "m\",\"publish\":true," DEFINITION(PASS("%d")) "}",
                 i);
        done(h, "UpdateStateMachine", body);
    }
}

#define ROUTES(routes) "\"routingConfiguration\":[" routes "]"
#define ROUTE(version, weight)                                                                     \
    "{\"stateMachineVersionArn\":\"" MACHINE "m:" version "\",\"weight\":" weight "}"

/* ---- how operations refuse ---- */

struct refusal {
    const char *operation, *body, *type, *message;
};

static void check_refusals(struct house *h, const struct refusal *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct answer a = house_aws(h, list[i].operation, list[i].body);
        if (strcmp(house_member(h, a.body, "__type"), list[i].type) != 0)
            fail_msg("%s %s: " STR_FMT, list[i].operation, list[i].body, STR_ARG(a.body));
        assert_exception(h, a, list[i].type, list[i].message);
    }
}

#define LONG80 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* The members' own constraints: the same words for every operation. */
static const struct refusal constraints[] = {
    {"CreateStateMachine", "{}", "ValidationException",
     "3 validation errors detected: Value null at 'name' failed to satisfy constraint: Member "
     "must not be null; Value null at 'definition' failed to satisfy constraint: Member must "
     "not be null; Value null at 'roleArn' failed to satisfy constraint: Member must not be "
     "null"},
    {"CreateStateMachine", NEW("", ""), "ValidationException",
     "1 validation error detected: Value '' at 'name' failed to satisfy constraint: Member "
     "must have length greater than or equal to 1"},
    {"CreateStateMachine", NEW(LONG80 "a", ""), "ValidationException",
     "'" LONG80 "a' at 'name' failed to satisfy constraint: Member must have length less than "
     "or equal to 80"},
    {"CreateStateMachine", NEW("m", ",\"type\":\"SLOW\""), "ValidationException",
     "Value 'SLOW' at 'type' failed to satisfy constraint: Member must satisfy enum value set: "
     "[STANDARD, EXPRESS]"},
    {"CreateStateMachine", NEW("m", ",\"definition\":\"\""), "ValidationException",
     "1 validation error detected: Value at 'definition' failed to satisfy constraint: Member "
     "must have length greater than or equal to 1"},
    {"CreateStateMachine",
     NEW("m", ",\"loggingConfiguration\":{\"destinations\":["
              "{\"cloudWatchLogsLogGroup\":{\"logGroupArn\":\"\"}}]}"),
     "ValidationException",
     "at 'loggingConfiguration.destinations.1.member.cloudWatchLogsLogGroup.logGroupArn'"},
    {"CreateStateMachine", NEW("m", ",\"encryptionConfiguration\":{}"), "ValidationException",
     "Value null at 'encryptionConfiguration.type'"},
    {"CreateStateMachine", NEW("m", ",\"publish\":\"yes\""), "SerializationException",
     "STRING_VALUE can not be converted to a Boolean"},
    {"CreateStateMachine", NEW("m", ",\"tags\":{}"), "SerializationException",
     "Start of structure or map found where not expected"},
    {"CreateStateMachine", NEW("m", ",\"tracingConfiguration\":[]"), "SerializationException",
     "Start of list found where not expected"},
    {"CreateStateMachine", "[]", "SerializationException", "must be a JSON object"},
    {"ListStateMachines", "{\"maxResults\":1001}", "ValidationException",
     "1 validation error detected: Value '1001' at 'maxResults' failed to satisfy constraint: "
     "Member must have value less than or equal to 1000"},
    {"ListActivities", "{\"maxResults\":-1}", "ValidationException",
     "Member must have value greater than or equal to 0"},
    {"ListActivities", "{\"maxResults\":1.5}", "SerializationException", "an Integer"},
    {"CreateStateMachineAlias", "{\"name\":\"a b\"," ROUTES(ROUTE("1", "100")) "}",
     "ValidationException",
     "Value 'a b' at 'name' failed to satisfy constraint: Member must satisfy regular "
     "expression pattern: ^(?=.*[a-zA-Z_\\-\\.])[a-zA-Z0-9_\\-\\.]+$"},
    {"CreateStateMachineAlias", "{\"name\":\"a\"," ROUTES("") "}", "ValidationException",
     "Value '[]' at 'routingConfiguration' failed to satisfy constraint: Member must have "
     "length greater than or equal to 1"},
    {"CreateStateMachineAlias", "{\"name\":\"a\"," ROUTES("{\"weight\":101}") "}",
     "ValidationException", "Value '101' at 'routingConfiguration.1.member.weight'"},
    {"TagResource", "{\"resourceArn\":\"x\",\"tags\":[{\"key\":\"\"}]}", "ValidationException",
     "Value '' at 'tags.1.member.key'"},
    {"UntagResource", "{\"resourceArn\":\"x\",\"tagKeys\":[7]}", "SerializationException",
     "NUMBER_VALUE can not be converted to a String: 'tagKeys.1.member'"},
    {"StartExecution", "{\"stateMachineArn\":\"" MACHINE "m\",\"traceHeader\":\"\xc3\xbc\"}",
     "ValidationException", "pattern: \\p{ASCII}*"},
    {"DescribeExecution", "{\"executionArn\":\"x\",\"includedData\":\"SOME\"}",
     "ValidationException", "[ALL_DATA, METADATA_ONLY]"},
    {"ValidateStateMachineDefinition", "{\"definition\":\"{}\",\"maxResults\":101}",
     "ValidationException", "less than or equal to 100"},
};

static void test_constraints(void **state)
{
    check_refusals(*state, constraints, COUNT_OF(constraints));
}

static const struct refusal machine_refusals[] = {
    {"CreateStateMachine", NEW("a b", ""), "InvalidName", "Invalid Name: 'a b'"},
    {"CreateStateMachine", NEW("a", ",\"versionDescription\":\"d\""), "ValidationException",
     "Version description can only be set when publish is true"},
    {"CreateStateMachine",
     "{\"name\":\"a\"," DEFINITION(PASS("1")) ",\"roleArn\":\"arn:aws:iam::1:user/x\"}",
     "InvalidArn", "Invalid Role Arn: 'arn:aws:iam::1:user/x'"},
    {"CreateStateMachine", NEW("a", ",\"loggingConfiguration\":{\"level\":\"ALL\"}"),
     "InvalidLoggingConfiguration",
     "Invalid Logging Configuration: Must specify exactly one Log Destination."},
    {"CreateStateMachine",
     NEW("a", ",\"loggingConfiguration\":{\"level\":\"ALL\",\"destinations\":["
              "{\"cloudWatchLogsLogGroup\":{\"logGroupArn\":\"arn:aws:s3:::b\"}}]}"),
     "InvalidLoggingConfiguration", "must be the ARN of a log group"},
    {"CreateStateMachine",
     NEW("a", ",\"encryptionConfiguration\":{\"type\":\"CUSTOMER_MANAGED_KMS_KEY\"}"),
     "InvalidEncryptionConfiguration", "Keys of customers are not supported here"},
    {"CreateStateMachine", "{\"name\":\"a\",\"definition\":\"{}\"," ROLE "}", "InvalidDefinition",
     "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: These fields are required: "
     "[StartAt, States] at /'"},
    {"CreateStateMachine", "{\"name\":\"a\",\"definition\":\"StartAt: P\"," ROLE "}",
     "InvalidDefinition", "'INVALID_JSON_DESCRIPTION: Unrecognized token 'StartAt'"},
    {"CreateStateMachine", "{\"name\":\"a\",\"type\":\"EXPRESS\"," DEFINITION(SYNC) "," ROLE "}",
     "InvalidDefinition",
     "Express state machine does not support '.sync' service integration at "
     "/States/T/Resource'"},
    {"CreateStateMachine",
     "{\"name\":\"a\",\"definition\":\"{\\\"QueryLanguage\\\":\\\"JSONata\\\",\\\"StartAt\\\":"
     "\\\"P\\\",\\\"States\\\":{\\\"P\\\":{\\\"Type\\\":\\\"Succeed\\\",\\\"Output\\\":\\\"{% 1 + "
     "%}\\\"}}}\"," ROLE "}",
     "InvalidDefinition",
     "'INVALID_JSONATA_EXPRESSION: Unexpected end of expression at /States/P/Output'"},
    {"CreateStateMachine", NEW("taken", ",\"type\":\"EXPRESS\""), "StateMachineAlreadyExists",
     "State Machine Already Exists: '" MACHINE "taken'"},
    {"DescribeStateMachine", "{\"stateMachineArn\":\"m\"}", "InvalidArn",
     "Invalid Arn: 'Invalid ARN prefix: m'"},
    {"DescribeStateMachine", "{\"stateMachineArn\":\"" STATES "activity:m\"}", "InvalidArn",
     "Resource type not valid in this context: activity"},
    {"DescribeStateMachine", "{\"stateMachineArn\":\"" MACHINE "none\"}",
     "StateMachineDoesNotExist", "State Machine Does Not Exist: '" MACHINE "none'"},
    {"DescribeStateMachine", "{\"stateMachineArn\":\"" MACHINE "taken:1\"}",
     "StateMachineDoesNotExist", "taken:1'"},
    {"DescribeStateMachine", "{\"stateMachineArn\":\"" MACHINE "taken:live\"}",
     "StateMachineDoesNotExist", "taken:live'"},
    {"DescribeStateMachine", "{\"stateMachineArn\":\"" MACHINE "taken:\"}", "InvalidArn",
     "taken:'"},
    {"DescribeStateMachine", "{\"stateMachineArn\":\"" MACHINE "\"}", "InvalidArn", "prefix"},
    {"DescribeStateMachine", "{\"stateMachineArn\":\"arn:aws:states:stateMachine:taken\"}",
     "InvalidArn", "taken"},
    {"DescribeStateMachine", "{\"stateMachineArn\":\"" MACHINE "taken:01\"}",
     "StateMachineDoesNotExist", "taken:01'"},
    {"DescribeStateMachine",
     "{\"stateMachineArn\":\"arn:aws:states:eu-west-1:000000000000:stateMachine:taken\"}",
     "StateMachineDoesNotExist", "eu-west-1"},
    {"UpdateStateMachine", "{\"stateMachineArn\":\"" MACHINE "taken\"}", "MissingRequiredParameter",
     "must be specified"},
    {"UpdateStateMachine", "{\"stateMachineArn\":\"" MACHINE "none\",\"publish\":true}",
     "StateMachineDoesNotExist", "none"},
    {"UpdateStateMachine", "{\"stateMachineArn\":\"" MACHINE "taken:1\",\"publish\":true}",
     "StateMachineDoesNotExist", "taken:1"},
    {"UpdateStateMachine", "{\"stateMachineArn\":\"x\",\"publish\":true}", "InvalidArn", "x"},
    {"UpdateStateMachine", "{\"stateMachineArn\":\"" MACHINE "taken\",\"definition\":\"{}\"}",
     "InvalidDefinition", "These fields are required"},
    {"UpdateStateMachine", "{\"stateMachineArn\":\"" MACHINE "express\"," DEFINITION(SYNC) "}",
     "InvalidDefinition", "Express state machine does not support '.sync'"},
    {"UpdateStateMachine",
     "{\"stateMachineArn\":\"" MACHINE "taken\",\"loggingConfiguration\":{\"level\":\"ALL\"}}",
     "InvalidLoggingConfiguration", "Must specify exactly one"},
    {"UpdateStateMachine",
     "{\"stateMachineArn\":\"" MACHINE "taken\",\"encryptionConfiguration\":{\"type\":"
     "\"AWS_OWNED_KEY\",\"kmsKeyId\":\"k\"}}",
     "InvalidEncryptionConfiguration", "do not go with AWS_OWNED_KEY"},
    {"DeleteStateMachine", "{\"stateMachineArn\":\"m\"}", "InvalidArn", "m"},
    {"DeleteStateMachine", "{\"stateMachineArn\":\"" MACHINE "taken:1\"}", "ValidationException",
     "without version or alias"},
    {"ListStateMachines", "{\"nextToken\":\"x\"}", "InvalidToken",
     "Invalid Token: 'Invalid token'"},
    {"DescribeStateMachineForExecution", "{\"executionArn\":\"x\"}", "InvalidArn", "x"},
    {"DescribeStateMachineForExecution", "{\"executionArn\":\"" STATES "execution:m:x\"}",
     "ExecutionDoesNotExist", "Execution Does Not Exist: '" STATES "execution:m:x'"},
    {"DescribeStateMachineForExecution", "{\"executionArn\":\"" STATES "express:m:x:y\"}",
     "InvalidArn", "Resource type not valid in this context: express"},
    {"DescribeExecution", "{\"executionArn\":\"" STATES "express:m:x:y\"}", "InvalidArn",
     "Resource type not valid in this context: express"},
    {"StopExecution", "{\"executionArn\":\"" STATES "express:m:x:y\"}", "InvalidArn",
     "Resource type not valid in this context: express"},
    {"GetExecutionHistory", "{\"executionArn\":\"" STATES "express:m:x:y\"}", "InvalidArn",
     "Resource type not valid in this context: express"},
    {"StartExecution", "{\"stateMachineArn\":\"" MACHINE "taken:7\"}", "StateMachineDoesNotExist",
     "taken:7'"},
    {"StartExecution", "{\"stateMachineArn\":\"" MACHINE "taken:live\"}",
     "StateMachineDoesNotExist", "taken:live'"},
    {"TestState", "{\"definition\":\"{}\"}", "UnknownOperationException", "TestState"},
    {"RedriveExecution", "{\"executionArn\":\"x\"}", "InvalidArn",
     "Invalid Arn: 'Invalid ARN prefix: x'"},
    {"DescribeMapRun", "{\"mapRunArn\":\"x\"}", "UnknownOperationException", "DescribeMapRun"},
};

static void test_machine_refusals(void **state)
{
    struct house *h = *state;
    done(h, "CreateStateMachine", NEW("taken", ""));
    done(h, "CreateStateMachine", NEW("express", ",\"type\":\"EXPRESS\""));
    check_refusals(h, machine_refusals, COUNT_OF(machine_refusals));
}

static const struct refusal version_refusals[] = {
    {"PublishStateMachineVersion", "{\"stateMachineArn\":\"x\"}", "InvalidArn", "x"},
    {"PublishStateMachineVersion", "{\"stateMachineArn\":\"" MACHINE "none\"}",
     "StateMachineDoesNotExist", "none"},
    {"PublishStateMachineVersion", "{\"stateMachineArn\":\"" MACHINE "m:1\"}",
     "ValidationException", "without version or alias"},
    {"PublishStateMachineVersion",
     "{\"stateMachineArn\":\"" MACHINE "m\",\"revisionId\":\"INITIAL\"}", "ConflictException",
     "Failed to publish the State Machine version for revision INITIAL. The current State "
     "Machine revision is "},
    {"DeleteStateMachineVersion", "{\"stateMachineVersionArn\":\"x\"}", "InvalidArn", "x"},
    {"DeleteStateMachineVersion", "{\"stateMachineVersionArn\":\"" MACHINE "m\"}",
     "ValidationException", "a state machine's version"},
    {"DeleteStateMachineVersion", "{\"stateMachineVersionArn\":\"" MACHINE "m:1\"}",
     "ConflictException",
     "Version to be deleted must not be referenced by an alias. Current list of aliases "
     "referencing this version: [live]"},
    {"ListStateMachineVersions", "{\"stateMachineArn\":\"x\"}", "InvalidArn", "x"},
    {"ListStateMachineVersions", "{\"stateMachineArn\":\"" MACHINE "m:1\"}", "ValidationException",
     "without version or alias"},
    {"ListStateMachineVersions",
     "{\"stateMachineArn\":\"" MACHINE "m\",\"nextToken\":\"bWFjaGluZXMgIG0=\"}", "InvalidToken",
     "Invalid token"},
    {"CreateStateMachineAlias",
     "{\"name\":\"a\"," ROUTES("{\"stateMachineVersionArn\":\"x\","
                               "\"weight\":100}") "}",
     "InvalidArn", "x"},
    {"CreateStateMachineAlias",
     "{\"name\":\"a\"," ROUTES("{\"stateMachineVersionArn\":\"" MACHINE "m\","
                               "\"weight\":100}") "}",
     "ValidationException",
     "Routing configuration must contain state machine version ARNs. Received: [" MACHINE "m]"},
    {"CreateStateMachineAlias", "{\"name\":\"a\"," ROUTES(ROUTE("1", "99")) "}",
     "ValidationException", "Sum of routing configuration weights must equal 100. Received: 99"},
    {"CreateStateMachineAlias",
     "{\"name\":\"a\"," ROUTES(ROUTE("1", "50") "," ROUTE("1", "50")) "}", "ValidationException",
     "distinct state machine version ARNs"},
    {"CreateStateMachineAlias",
     "{\"name\":\"a\"," ROUTES(ROUTE("1", "50") ",{\"stateMachineVersionArn\":\"" MACHINE
                                                "n:1\",\"weight\":50}") "}",
     "ValidationException", "versions of one state machine"},
    {"CreateStateMachineAlias", "{\"name\":\"a\"," ROUTES(ROUTE("9", "100")) "}",
     "ResourceNotFound", "Request references a resource that does not exist"},
    {"CreateStateMachineAlias",
     "{\"name\":\"a\"," ROUTES("{\"stateMachineVersionArn\":\"" MACHINE "none:1\","
                               "\"weight\":100}") "}",
     "ResourceNotFound", "does not exist"},
    {"CreateStateMachineAlias", "{\"name\":\"live\"," ROUTES(ROUTE("2", "100")) "}",
     "ConflictException", "different routing configuration already exists"},
    {"UpdateStateMachineAlias", "{\"stateMachineAliasArn\":\"x\"}", "InvalidArn", "x"},
    {"UpdateStateMachineAlias", "{\"stateMachineAliasArn\":\"" MACHINE "m\"}",
     "ValidationException", "a state machine's alias"},
    {"UpdateStateMachineAlias",
     "{\"stateMachineAliasArn\":\"" MACHINE "m:none\",\"description\":\"d\"}", "ResourceNotFound",
     "m:none"},
    {"UpdateStateMachineAlias", "{\"stateMachineAliasArn\":\"" MACHINE "m:none\"}",
     "ValidationException", "Either the description or"},
    {"UpdateStateMachineAlias",
     "{\"stateMachineAliasArn\":\"" MACHINE "m:live\"," ROUTES(ROUTE("9", "100")) "}",
     "ResourceNotFound", "does not exist"},
    {"UpdateStateMachineAlias",
     "{\"stateMachineAliasArn\":\"" MACHINE
     "m:live\"," ROUTES("{\"stateMachineVersionArn\":\"" MACHINE "n:1\",\"weight\":100}") "}",
     "ValidationException", "versions of the alias's state machine"},
    {"DescribeStateMachineAlias", "{\"stateMachineAliasArn\":\"x\"}", "InvalidArn", "x"},
    {"DescribeStateMachineAlias", "{\"stateMachineAliasArn\":\"" MACHINE "m:2\"}",
     "ValidationException", "a state machine's alias"},
    {"DescribeStateMachineAlias", "{\"stateMachineAliasArn\":\"" MACHINE "m:none\"}",
     "ResourceNotFound", "m:none"},
    {"DeleteStateMachineAlias", "{\"stateMachineAliasArn\":\"x\"}", "InvalidArn", "x"},
    {"DeleteStateMachineAlias", "{\"stateMachineAliasArn\":\"" MACHINE "m\"}",
     "ValidationException", "a state machine's alias"},
    {"ListStateMachineAliases", "{\"stateMachineArn\":\"x\"}", "InvalidArn", "x"},
    {"ListStateMachineAliases", "{\"stateMachineArn\":\"" MACHINE "none\"}",
     "StateMachineDoesNotExist", "none"},
    {"ListStateMachineAliases", "{\"stateMachineArn\":\"" MACHINE "m:live\"}", "ResourceNotFound",
     "a state machine or a version"},
    {"ListStateMachineAliases",
     "{\"stateMachineArn\":\"" MACHINE "m\",\"nextToken\":\"InvalidToken\"}", "InvalidToken",
     "Invalid Token: 'Invalid token'"},
};

static void test_version_refusals(void **state)
{
    struct house *h = *state;
    publish_versions(h, 2);
    done(h, "CreateStateMachineAlias", "{\"name\":\"live\"," ROUTES(ROUTE("1", "100")) "}");
    check_refusals(h, version_refusals, COUNT_OF(version_refusals));
}

static const struct refusal activity_refusals[] = {
    {"CreateActivity", "{\"name\":\"a/b\"}", "InvalidName", "Invalid Name: 'a/b'"},
    {"CreateActivity",
     "{\"name\":\"b\",\"encryptionConfiguration\":{\"type\":\"CUSTOMER_MANAGED_KMS_KEY\"}}",
     "InvalidEncryptionConfiguration", "not supported"},
    {"DeleteActivity", "{\"activityArn\":\"x\"}", "InvalidArn", "x"},
    {"DescribeActivity", "{\"activityArn\":\"" MACHINE "a\"}", "InvalidArn", "stateMachine"},
    {"DescribeActivity", "{\"activityArn\":\"" STATES "activity:none\"}", "ActivityDoesNotExist",
     "Activity Does Not Exist: '" STATES "activity:none'"},
    {"GetActivityTask", "{\"activityArn\":\"" STATES "activity:none\"}", "ActivityDoesNotExist",
     "none"},
    {"ListActivities", "{\"nextToken\":\"AAAA\"}", "InvalidToken", "Invalid token"},
    {"TagResource", "{\"resourceArn\":\"x\",\"tags\":[]}", "InvalidArn", "x"},
    {"TagResource", "{\"resourceArn\":\"" STATES "activity:none\",\"tags\":[]}", "ResourceNotFound",
     "Resource not found: '" STATES "activity:none'"},
    {"TagResource", "{\"resourceArn\":\"" MACHINE "none\",\"tags\":[]}", "ResourceNotFound",
     "none"},
    {"TagResource", "{\"resourceArn\":\"" STATES "execution:m:x\",\"tags\":[]}", "InvalidArn",
     "execution"},
    {"UntagResource", "{\"resourceArn\":\"x\",\"tagKeys\":[]}", "InvalidArn", "x"},
    {"UntagResource", "{\"resourceArn\":\"" MACHINE "none\",\"tagKeys\":[]}", "ResourceNotFound",
     "none"},
    {"ListTagsForResource", "{\"resourceArn\":\"x\"}", "InvalidArn", "x"},
    {"ListTagsForResource", "{\"resourceArn\":\"" MACHINE "none\"}", "ResourceNotFound", "none"},
};

static void test_activity_refusals(void **state)
{
    check_refusals(*state, activity_refusals, COUNT_OF(activity_refusals));
}

static void test_too_many(void **state)
{
    struct house *h = *state;
    struct buf tags = BUF_INIT(0);
    for (int i = 0; i < 51; i++)
        buf_printf(&tags, "%s{\"key\":\"k%d\",\"value\":\"v\"}", i ? "," : "", i);
    const char *all = arena_cstr(h->arena, buf_str(&tags));
    const char *body = arena_cstr(h->arena, arena_printf(h->arena, ",\"tags\":[%s]", all));
    buf_release(&tags);
    done(h, "CreateActivity", "{\"name\":\"a\",\"tags\":[{\"key\":\"first\",\"value\":\"v\"}]}");
    struct answer a = house_aws(h, "CreateActivity", with(h, "name", "b", body));
    assert_exception(h, a, "TooManyTags", "at most 50 tags");
    a = house_aws(h, "TagResource", with(h, "resourceArn", STATES "activity:a", body));
    assert_exception(h, a, "TooManyTags", "at most 50 tags");
    /* Fifty more are one too many, too. */
    struct str fifty =
        str_slice(str_of_cstr(body), 0, str_find(str_of_cstr(body), STR(",{\"key\":\"k50\"")));
    body = arena_cstr(h->arena, arena_printf(h->arena, STR_FMT "]", STR_ARG(fifty)));
    a = house_aws(h, "TagResource", with(h, "resourceArn", STATES "activity:a", body));
    assert_exception(h, a, "TooManyTags", STATES "activity:a");
    a = done(h, "ListTagsForResource", with(h, "resourceArn", STATES "activity:a", ""));
    assert_at(h, a, "/tags", "[{\"key\":\"first\",\"value\":\"v\"}]");
    publish_versions(h, 1);
    for (int i = 0; i < 101; i++) {
        char alias[256];
        snprintf(alias, sizeof(alias), "{\"name\":\"alias-%d\"," ROUTES(ROUTE("1", "100")) "}", i);
        a = house_aws(h, "CreateStateMachineAlias", alias);
        if (i < 100)
            assert_int_equal(a.status, 200);
    }
    assert_exception(h, a, "ServiceQuotaExceededException", "aliases_max");
}

/* A thousand versions and no more, until one goes. */
static void test_too_many_versions(void **state)
{
    struct house *h = *state;
    publish_versions(h, 1000);
    static const char more[] =
        "{\"stateMachineArn\":\"" MACHINE "m\",\"publish\":true," DEFINITION(PASS("0")) "}";
    assert_exception(h, house_aws(h, "UpdateStateMachine", more), "ServiceQuotaExceededException",
                     "versions_max");
    done(h, "DeleteStateMachineVersion", with(h, "stateMachineVersionArn", MACHINE "m:7", ""));
    assert_at(h, done(h, "UpdateStateMachine", more), "/stateMachineVersionArn", MACHINE "m:1001");
    /* All of them go with the machine. */
    done(h, "DeleteStateMachine", by_arn(h, MACHINE "m", ""));
    done(h, "CreateStateMachine", NEW("m", ""));
    assert_at(h, done(h, "ListStateMachineVersions", by_arn(h, MACHINE "m", "")),
              "/stateMachineVersions", "[]");
}

/* ---- what operations do ---- */

static void test_machine_life(void **state)
{
    struct house *h = *state;
    struct answer a = done(h, "CreateStateMachine", NEW("m", ",\"tags\":[{\"key\":\"a\"}]"));
    assert_at(h, a, "/stateMachineArn", MACHINE "m");
    assert_at(h, a, "/stateMachineVersionArn", "");
    const char *created = at(h, a, "/creationDate");
    assert_true(strtod(created, NULL) > 1e9);
    /* The same again, with another role and other tags: the same answer. */
    a = done(
        h, "CreateStateMachine",
        "{\"name\":\"m\"," DEFINITION(PASS("1")) ",\"roleArn\":\"arn:aws:iam::1:role/other\"}");
    assert_at(h, a, "/creationDate", created);
    a = done(h, "DescribeStateMachine", by_arn(h, MACHINE "m", ""));
    assert_at(h, a, "/name", "m");
    assert_at(h, a, "/status", "ACTIVE");
    assert_at(h, a, "/type", "STANDARD");
    assert_at(h, a, "/roleArn", "arn:aws:iam::000000000000:role/r");
    assert_at(h, a, "/revisionId", "");
    assert_at(h, a, "/creationDate", created);
    assert_at(h, a, "/loggingConfiguration", "{\"level\":\"OFF\",\"includeExecutionData\":false}");
    assert_at(h, a, "/tracingConfiguration", "{\"enabled\":false}");
    assert_at(h, a, "/encryptionConfiguration", "{\"type\":\"AWS_OWNED_KEY\"}");
    assert_at(h, a, "/variableReferences", "");
    assert_non_null(strstr(at(h, a, "/definition"), "\"Result\":1"));
    a = done(h, "DescribeStateMachine",
             by_arn(h, MACHINE "m", ",\"includedData\":\"METADATA_ONLY\""));
    assert_at(h, a, "/definition", "{}");
    a = done(h, "UpdateStateMachine",
             by_arn(h, MACHINE "m", ",\"tracingConfiguration\":{\"enabled\":true}"));
    const char *revision = at(h, a, "/revisionId");
    assert_int_equal(strlen(revision), UUID_TEXT_LEN);
    a = done(h, "UpdateStateMachine",
             by_arn(h, MACHINE "m", ",\"tracingConfiguration\":{\"enabled\":true}"));
    assert_at(h, a, "/revisionId", revision);
    a = done(h, "DescribeStateMachine", by_arn(h, MACHINE "m", ""));
    assert_at(h, a, "/revisionId", revision);
    assert_at(h, a, "/tracingConfiguration/enabled", "true");
    assert_at(h, a, "/roleArn", "arn:aws:iam::000000000000:role/r");
    assert_true(str_eq(done(h, "DeleteStateMachine", by_arn(h, MACHINE "m", "")).body, STR("{}")));
    assert_true(str_eq(done(h, "DeleteStateMachine", by_arn(h, MACHINE "m", "")).body, STR("{}")));
    assert_exception(h, house_aws(h, "DescribeStateMachine", by_arn(h, MACHINE "m", "")),
                     "StateMachineDoesNotExist", "m'");
    /* A new one of the same name has nothing of the old one. */
    done(h, "CreateStateMachine", NEW("m", ""));
    a = done(h, "DescribeStateMachine", by_arn(h, MACHINE "m", ""));
    assert_at(h, a, "/revisionId", "");
    assert_at(h, a, "/tracingConfiguration/enabled", "false");
    a = done(h, "ListTagsForResource", with(h, "resourceArn", MACHINE "m", ""));
    assert_at(h, a, "/tags", "[]");
}

/* The region is that of the caller's signature. */
static void test_region(void **state)
{
    struct house *h = *state;
    struct answer a = house_ask(h, "POST", "/",
                                "X-Amz-Target: AWSStepFunctions.CreateActivity\r\n"
                                "Authorization: AWS4-HMAC-SHA256 Credential=K/20260101/eu-west-9/"
                                "states/aws4_request, SignedHeaders=host, Signature=0\r\n",
                                "{\"name\":\"a\"}");
    assert_at(h, a, "/activityArn", "arn:aws:states:eu-west-9:000000000000:activity:a");
    static const char *const odd[] = {"Credential=K/20260101/e w/states", "Credential=K",
                                      "Credential=K/1//states", "nothing"};
    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        char headers[256], body[32];
        snprintf(headers, sizeof(headers),
                 "X-Amz-Target: AWSStepFunctions.CreateActivity\r\nAuthorization: %s\r\n", odd[i]);
        snprintf(body, sizeof(body), "{\"name\":\"b%zu\"}", i);
        a = house_ask(h, "POST", "/", headers, body);
        assert_non_null(strstr(at(h, a, "/activityArn"), ":us-east-1:"));
    }
}

static void test_versions(void **state)
{
    struct house *h = *state;
    publish_versions(h, 13);
    struct answer a =
        done(h, "ListStateMachineVersions", by_arn(h, MACHINE "m", ",\"maxResults\":10"));
    assert_at(h, a, "/stateMachineVersions/0/stateMachineVersionArn", MACHINE "m:13");
    assert_at(h, a, "/stateMachineVersions/9/stateMachineVersionArn", MACHINE "m:4");
    const char *token = at(h, a, "/nextToken");
    a = done(h, "ListStateMachineVersions",
             by_arn(h, MACHINE "m",
                    arena_cstr(h->arena, arena_printf(h->arena, ",\"nextToken\":\"%s\"", token))));
    assert_at(h, a, "/stateMachineVersions/0/stateMachineVersionArn", MACHINE "m:3");
    assert_at(h, a, "/stateMachineVersions/2/stateMachineVersionArn", MACHINE "m:1");
    assert_at(h, a, "/stateMachineVersions/3", "");
    assert_at(h, a, "/nextToken", "");
    /* A token is good only for the list that gave it. */
    assert_exception(
        h,
        house_aws(
            h, "ListStateMachineVersions",
            by_arn(h, MACHINE "other",
                   arena_cstr(h->arena, arena_printf(h->arena, ",\"nextToken\":\"%s\"", token)))),
        "InvalidToken", "Invalid token");
    /* The current revision has a version already. */
    a = done(h, "PublishStateMachineVersion", by_arn(h, MACHINE "m", ",\"description\":\"again\""));
    assert_at(h, a, "/stateMachineVersionArn", MACHINE "m:13");
    a = done(h, "DescribeStateMachine", by_arn(h, MACHINE "m:2", ""));
    assert_at(h, a, "/stateMachineArn", MACHINE "m:2");
    assert_non_null(strstr(at(h, a, "/definition"), "\"Result\":2"));
    const char *revision =
        at(h, done(h, "DescribeStateMachine", by_arn(h, MACHINE "m", "")), "/revisionId");
    assert_true(strcmp(at(h, a, "/revisionId"), revision) != 0);
    /* Numbers are never given twice. */
    done(h, "DeleteStateMachineVersion", with(h, "stateMachineVersionArn", MACHINE "m:13", ""));
    done(h, "DeleteStateMachineVersion", with(h, "stateMachineVersionArn", MACHINE "m:13", ""));
    a = done(h, "PublishStateMachineVersion",
             by_arn(h, MACHINE "m",
                    arena_cstr(h->arena, arena_printf(h->arena,
                                                      ",\"revisionId\":\"%s\","
                                                      "\"description\":\"said\"",
                                                      revision))));
    assert_at(h, a, "/stateMachineVersionArn", MACHINE "m:14");
    a = done(h, "DescribeStateMachine", by_arn(h, MACHINE "m:14", ""));
    assert_at(h, a, "/description", "said");
    assert_at(h, done(h, "ListStateMachineVersions", by_arn(h, MACHINE "none", "")),
              "/stateMachineVersions", "[]");
}

static void test_create_and_publish_again(void **state)
{
    struct house *h = *state;
    struct answer a =
        done(h, "CreateStateMachine", NEW("m", ",\"publish\":true,\"versionDescription\":\"one\""));
    assert_at(h, a, "/stateMachineVersionArn", MACHINE "m:1");
    a = done(h, "CreateStateMachine", NEW("m", ",\"publish\":true,\"versionDescription\":\"one\""));
    assert_at(h, a, "/stateMachineVersionArn", MACHINE "m:1");
    assert_exception(h,
                     house_aws(h, "CreateStateMachine",
                               NEW("m", ",\"publish\":true,\"versionDescription\":\"two\"")),
                     "StateMachineAlreadyExists", "m'");
    assert_exception(h, house_aws(h, "CreateStateMachine", NEW("m", "")),
                     "StateMachineAlreadyExists", "m'");
}

static void test_aliases(void **state)
{
    struct house *h = *state;
    publish_versions(h, 2);
    static const char live[] =
        "{\"name\":\"live\",\"description\":\"d\"," ROUTES(ROUTE("1", "100")) "}";
    struct answer a = done(h, "CreateStateMachineAlias", live);
    assert_at(h, a, "/stateMachineAliasArn", MACHINE "m:live");
    assert_at(h, done(h, "CreateStateMachineAlias", live), "/creationDate",
              at(h, a, "/creationDate"));
    done(h, "CreateStateMachineAlias", "{\"name\":\"test\"," ROUTES(ROUTE("2", "100")) "}");
    a = done(h, "ListStateMachineAliases", by_arn(h, MACHINE "m", ",\"maxResults\":1"));
    assert_at(h, a, "/stateMachineAliases/0/stateMachineAliasArn", MACHINE "m:live");
    assert_at(h, a, "/stateMachineAliases/1", "");
    const char *rest = arena_cstr(
        h->arena, arena_printf(h->arena, ",\"nextToken\":\"%s\"", at(h, a, "/nextToken")));
    a = done(h, "ListStateMachineAliases", by_arn(h, MACHINE "m", rest));
    assert_at(h, a, "/stateMachineAliases/0/stateMachineAliasArn", MACHINE "m:test");
    assert_at(h, a, "/nextToken", "");
    a = done(h, "ListStateMachineAliases", by_arn(h, MACHINE "m:2", ""));
    assert_at(h, a, "/stateMachineAliases/0/stateMachineAliasArn", MACHINE "m:test");
    done(h, "UpdateStateMachineAlias",
         "{\"stateMachineAliasArn\":\"" MACHINE "m:live\"," ROUTES(ROUTE("1", "40") "," //
                                                                   ROUTE("2", "60")) "}");
    a = done(h, "DescribeStateMachineAlias", with(h, "stateMachineAliasArn", MACHINE "m:live", ""));
    assert_at(h, a, "/name", "live");
    assert_at(h, a, "/description", "d");
    assert_at(h, a, "/routingConfiguration", "[" ROUTE("1", "40") "," ROUTE("2", "60") "]");
    done(h, "UpdateStateMachineAlias",
         with(h, "stateMachineAliasArn", MACHINE "m:live", ",\"description\":\"\""));
    a = done(h, "DescribeStateMachineAlias", with(h, "stateMachineAliasArn", MACHINE "m:live", ""));
    assert_at(h, a, "/description", "");
    assert_at(h, a, "/routingConfiguration/1/weight", "60");
    done(h, "DeleteStateMachineAlias", with(h, "stateMachineAliasArn", MACHINE "m:live", ""));
    done(h, "DeleteStateMachineAlias", with(h, "stateMachineAliasArn", MACHINE "m:live", ""));
    done(h, "DeleteStateMachineVersion", with(h, "stateMachineVersionArn", MACHINE "m:1", ""));
    assert_exception(h,
                     house_aws(h, "DeleteStateMachineVersion",
                               with(h, "stateMachineVersionArn", MACHINE "m:2", "")),
                     "ConflictException", "[test]");
}

static const char *start_and_describe(struct house *h, const char *arn, const char *rest,
                                      const char *pointer)
{
    struct answer a = done(h, "StartExecution", by_arn(h, arn, rest));
    const char *execution = at(h, a, "/executionArn");
    struct json described;
    do {
        house_turn(h);
        a = done(h, "DescribeExecution", house_with_arn(h, execution, ""));
        described = house_json(h, a.body);
    } while (str_eq(json_str(json_get(described, STR("status"))), STR("RUNNING")));
    return at(h, a, pointer);
}

/* Of 200 starts by an alias about as many go to each version as the weights say: with
 * 1 to 3, fewer than 25 or more than 75 of 200 happen less than once in 10^5 seeds, and
 * the seed is fixed. */
static void test_routing(void **state)
{
    struct house *h = *state;
    int second = 0;
    publish_versions(h, 2);
    done(h, "CreateStateMachineAlias",
         "{\"name\":\"live\"," ROUTES(ROUTE("1", "75") "," ROUTE("2", "25")) "}");
    for (int i = 0; i < 200; i++)
        second += strcmp(start_and_describe(h, MACHINE "m:live", "", "/output"), "2") == 0;
    assert_in_range(second, 25, 75);
    assert_string_equal(start_and_describe(h, MACHINE "m:live", "", "/stateMachineAliasArn"),
                        MACHINE "m:live");
    assert_string_equal(start_and_describe(h, MACHINE "m:1", "", "/output"), "1");
    assert_string_equal(start_and_describe(h, MACHINE "m:1", "", "/stateMachineVersionArn"),
                        MACHINE "m:1");
    assert_string_equal(start_and_describe(h, MACHINE "m:1", "", "/stateMachineArn"), MACHINE "m");
    assert_string_equal(start_and_describe(h, MACHINE "m", "", "/stateMachineVersionArn"), "");
    assert_string_equal(
        start_and_describe(h, MACHINE "m", ",\"traceHeader\":\"Root=1\"", "/traceHeader"),
        "Root=1");
}

/* What starts keep in mind is forgotten with every change. */
static void test_starts_see_changes(void **state)
{
    struct house *h = *state;
    publish_versions(h, 2);
    for (int i = 3; i < 6; i++) {
        char body[512], expected[16];
        snprintf(body, sizeof(body),
                 "{\"stateMachineArn\":\"" MACHINE "m\"," DEFINITION(PASS("%d")) "}", i);
        snprintf(expected, sizeof(expected), "%d", i);
        done(h, "UpdateStateMachine", body);
        assert_string_equal(start_and_describe(h, MACHINE "m", "", "/output"), expected);
        assert_string_equal(start_and_describe(h, MACHINE "m", "", "/output"), expected);
    }
    assert_string_equal(start_and_describe(h, MACHINE "m:2", "", "/output"), "2");
    done(h, "DeleteStateMachineVersion", with(h, "stateMachineVersionArn", MACHINE "m:2", ""));
    assert_exception(h, house_aws(h, "StartExecution", by_arn(h, MACHINE "m:2", "")),
                     "StateMachineDoesNotExist", "m:2'");
    house_started(
        h, "{\"StartAt\":\"P\",\"States\":{\"P\":{\"Type\":\"Pass\",\"Result\":7,\"End\":true}}}",
        "");
    assert_string_equal(start_and_describe(h, MACHINE "m", "", "/output"), "7");
    done(h, "DeleteStateMachine", by_arn(h, MACHINE "m", ""));
    assert_exception(h, house_aws(h, "StartExecution", by_arn(h, MACHINE "m", "")),
                     "StateMachineDoesNotExist", "m'");
    assert_exception(h, house_aws(h, "StartExecution", by_arn(h, MACHINE "m:1", "")),
                     "StateMachineDoesNotExist", "m:1'");
}

/* An execution keeps the revision that it was started with. */
static void test_machine_of_execution(void **state)
{
    struct house *h = *state;
    h->still = true;
    done(h, "CreateStateMachine", "{\"name\":\"m\"," DEFINITION(WAIT) "," ROLE "}");
    struct answer a = done(h, "UpdateStateMachine",
                           by_arn(h, MACHINE "m", ",\"roleArn\":\"arn:aws:iam::1:role/two\""));
    const char *revision = at(h, a, "/revisionId");
    a = done(h, "StartExecution", by_arn(h, MACHINE "m", ",\"name\":\"e\""));
    const char *arn = at(h, a, "/executionArn");
    done(
        h, "UpdateStateMachine",
        by_arn(h, MACHINE "m", "," DEFINITION(PASS("9")) ",\"roleArn\":\"arn:aws:iam::1:role/x\""));
    a = done(h, "DescribeStateMachineForExecution", house_with_arn(h, arn, ""));
    assert_at(h, a, "/revisionId", revision);
    assert_at(h, a, "/roleArn", "arn:aws:iam::1:role/two");
    assert_at(h, a, "/stateMachineArn", MACHINE "m");
    assert_at(h, a, "/name", "m");
    assert_non_null(strstr(at(h, a, "/definition"), "Seconds"));
    a = done(h, "GetExecutionHistory", house_with_arn(h, arn, ""));
    assert_at(h, a, "/events/0/executionStartedEventDetails/roleArn", "arn:aws:iam::1:role/two");
    done(h, "DeleteStateMachine", by_arn(h, MACHINE "m", ""));
    a = done(h, "DescribeStateMachineForExecution", house_with_arn(h, arn, ""));
    assert_at(h, a, "/roleArn", "arn:aws:iam::1:role/two");
    assert_at(h, done(h, "DescribeExecution", house_with_arn(h, arn, "")), "/status", "RUNNING");
    done(h, "StopExecution", house_with_arn(h, arn, ""));
}

/* Machines that were only ever run are machines, too, and a change takes them over. */
static void test_run_machines(void **state)
{
    struct house *h = *state;
    house_started(h, "{\"StartAt\":\"P\",\"States\":{\"P\":{\"Type\":\"Succeed\"}}}", "");
    struct answer a = done(h, "DescribeStateMachine", by_arn(h, MACHINE "m", ""));
    assert_at(h, a, "/roleArn", "arn:aws:iam::000000000000:role/pawl");
    assert_at(h, a, "/revisionId", "");
    a = done(h, "PublishStateMachineVersion", by_arn(h, MACHINE "m", ""));
    assert_at(h, a, "/stateMachineVersionArn", MACHINE "m:1");
    done(h, "UpdateStateMachine",
         by_arn(h, MACHINE "m", ",\"roleArn\":\"arn:aws:iam::1:role/mine\""));
    /* Run again with another definition: the settings stay, the revision is another. */
    const char *first =
        at(h, done(h, "DescribeStateMachine", by_arn(h, MACHINE "m", "")), "/revisionId");
    house_started(h, "{\"StartAt\":\"Q\",\"States\":{\"Q\":{\"Type\":\"Succeed\"}}}", "");
    a = done(h, "DescribeStateMachine", by_arn(h, MACHINE "m", ""));
    assert_at(h, a, "/roleArn", "arn:aws:iam::1:role/mine");
    assert_non_null(strstr(at(h, a, "/definition"), "\"Q\""));
    const char *second = at(h, a, "/revisionId");
    assert_int_equal(strlen(second), UUID_TEXT_LEN);
    assert_true(strcmp(first, second) != 0);
    /* An update that the engine hears of: the next run puts its definition again. */
    done(h, "UpdateStateMachine", by_arn(h, MACHINE "m", "," DEFINITION(PASS("3"))));
    house_started(h, "{\"StartAt\":\"Q\",\"States\":{\"Q\":{\"Type\":\"Succeed\"}}}", "");
    a = done(h, "DescribeStateMachine", by_arn(h, MACHINE "m", ""));
    assert_at(h, a, "/revisionId", second);
}

static void test_list_machines(void **state)
{
    struct house *h = *state;
    done(h, "CreateStateMachine", NEW("b", ",\"type\":\"EXPRESS\""));
    done(h, "CreateStateMachine", NEW("a", ""));
    done(h, "CreateStateMachine", NEW("c", ""));
    struct answer a = done(h, "ListStateMachines", "{\"maxResults\":2}");
    assert_at(h, a, "/stateMachines/0/name", "a");
    assert_at(h, a, "/stateMachines/0/type", "STANDARD");
    assert_at(h, a, "/stateMachines/1/stateMachineArn", MACHINE "b");
    assert_at(h, a, "/stateMachines/1/type", "EXPRESS");
    assert_at(h, a, "/stateMachines/2", "");
    a = done(h, "ListStateMachines", with(h, "nextToken", at(h, a, "/nextToken"), ""));
    assert_at(h, a, "/stateMachines/0/name", "c");
    assert_at(h, a, "/nextToken", "");
    done(h, "CreateActivity", "{\"name\":\"z\"}");
    a = done(h, "CreateActivity", "{\"name\":\"y\"}");
    assert_at(h, done(h, "CreateActivity", "{\"name\":\"y\"}"), "/creationDate",
              at(h, a, "/creationDate"));
    a = done(h, "ListActivities", "{\"maxResults\":1}");
    assert_at(h, a, "/activities/0/activityArn", STATES "activity:y");
    a = done(h, "ListActivities", with(h, "nextToken", at(h, a, "/nextToken"), ""));
    assert_at(h, a, "/activities/0/name", "z");
    a = done(h, "DescribeActivity", with(h, "activityArn", STATES "activity:z", ""));
    assert_at(h, a, "/name", "z");
    assert_at(h, a, "/encryptionConfiguration/type", "AWS_OWNED_KEY");
    done(h, "DeleteActivity", with(h, "activityArn", STATES "activity:z", ""));
    done(h, "DeleteActivity", with(h, "activityArn", STATES "activity:z", ""));
    a = done(h, "ListActivities", "{}");
    assert_at(h, a, "/activities/1", "");
}

static void test_tags(void **state)
{
    struct house *h = *state;
    done(h, "CreateStateMachine", NEW("m", ""));
    const char *list = with(h, "resourceArn", MACHINE "m", "");
    done(h, "TagResource",
         with(h, "resourceArn", MACHINE "m",
              ",\"tags\":[{\"key\":\"a\",\"value\":\"1\"},{\"key\":\"b\"}]"));
    done(h, "TagResource",
         with(h, "resourceArn", MACHINE "m", ",\"tags\":[{\"key\":\"a\",\"value\":\"2\"}]"));
    assert_at(h, done(h, "ListTagsForResource", list), "/tags",
              "[{\"key\":\"a\",\"value\":\"2\"},{\"key\":\"b\",\"value\":\"\"}]");
    done(h, "UntagResource",
         with(h, "resourceArn", MACHINE "m", ",\"tagKeys\":[\"a\",\"a\",\"none\"]"));
    assert_at(h, done(h, "ListTagsForResource", list), "/tags", "[{\"key\":\"b\",\"value\":\"\"}]");
}

static void test_validate(void **state)
{
    struct house *h = *state;
    struct answer a = done(h, "ValidateStateMachineDefinition",
                           "{" DEFINITION(PASS("1")) ",\"type\":\"EXPRESS\"}");
    assert_true(str_eq(a.body, STR("{\"result\":\"OK\",\"diagnostics\":[],\"truncated\":false}")));
    a = done(h, "ValidateStateMachineDefinition", "{\"definition\":\"no\\nthing\"}");
    assert_at(h, a, "/result", "FAIL");
    assert_at(h, a, "/diagnostics/0/code", "INVALID_JSON_DESCRIPTION");
    assert_at(h, a, "/diagnostics/0/location",
              "[Source: (String)\"no\nthing\"; line: 1, column: 3]");
    a = done(h, "ValidateStateMachineDefinition", "{\"definition\":\"{\\\"StartAt\\\":7}\"}");
    assert_at(h, a, "/diagnostics/0/severity", "ERROR");
    a = done(h, "ValidateStateMachineDefinition",
             "{\"definition\":\"{\\\"StartAt\\\":7}\",\"maxResults\":1}");
    assert_at(h, a, "/diagnostics/1", "");
    assert_at(h, a, "/truncated", "true");
    /* Warnings only for who asks. */
    static const char odd[] =
        "\"definition\":\"{\\\"StartAt\\\":\\\"P\\\",\\\"States\\\":{\\\"P\\\":"
        "{\\\"Type\\\":\\\"Pass\\\",\\\"Parameters\\\":{\\\"a\\\":\\\"$.x\\\"},"
        "\\\"End\\\":true}}}\"";
    char body[512];
    snprintf(body, sizeof(body), "{%s,\"severity\":\"WARNING\"}", odd);
    a = done(h, "ValidateStateMachineDefinition", body);
    assert_at(h, a, "/result", "OK");
    assert_at(h, a, "/diagnostics/0/severity", "WARNING");
    assert_at(h, a, "/diagnostics/0/code", "NO_DOLLAR");
    snprintf(body, sizeof(body), "{%s}", odd);
    assert_at(h, done(h, "ValidateStateMachineDefinition", body), "/diagnostics", "[]");
}

/* Many at once on one machine: none is lost, no number is given twice. */
static void test_at_once(void **state)
{
    enum {
        MANY = 24
    };
    struct house *h = *state;
    int fds[MANY];
    bool seen[MANY + 2] = {false};
    done(h, "CreateStateMachine", NEW("m", ",\"publish\":true"));
    for (int i = 0; i < MANY; i++) {
        char body[512];
        snprintf(body, sizeof(body),
                 "{\"stateMachineArn\":\"" MACHINE
                 "m\",\"publish\":true," DEFINITION(PASS("\\\"n%d\\\"")) "}",
                 i);
        fds[i] = house_begin_aws(h, "UpdateStateMachine", body);
    }
    for (int i = 0; i < MANY; i++) {
        struct answer a = house_parse(house_hear(h, fds[i], NULL));
        close(fds[i]);
        assert_int_equal(a.status, 200);
        const char *arn = at(h, a, "/stateMachineVersionArn");
        int number = atoi(strrchr(arn, ':') + 1);
        assert_in_range(number, 2, MANY + 1);
        assert_false(seen[number]);
        seen[number] = true;
    }
    struct answer a = done(h, "ListStateMachineVersions", by_arn(h, MACHINE "m", ""));
    assert_at(h, a, "/stateMachineVersions/24/stateMachineVersionArn", MACHINE "m:1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_setup, house_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_constraints),
        TEST(test_machine_refusals),
        TEST(test_version_refusals),
        TEST(test_activity_refusals),
        TEST(test_too_many),
        TEST(test_too_many_versions),
        TEST(test_machine_life),
        TEST(test_region),
        TEST(test_versions),
        TEST(test_create_and_publish_again),
        TEST(test_aliases),
        TEST(test_routing),
        TEST(test_starts_see_changes),
        TEST(test_machine_of_execution),
        TEST(test_run_machines),
        TEST(test_list_machines),
        TEST(test_tags),
        TEST(test_validate),
        TEST(test_at_once),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("api catalog", tests, NULL, NULL);
}
