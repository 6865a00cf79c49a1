/* What the operations on the catalog have in common: arguments, refusals, tokens. */
#include "api/aws/operations.h"

#include "base/base64.h"
#include "os/clock.h"

/* ---- arguments ---- */

struct str aws_text(const struct call *c, const char *name)
{
    return json_str(json_get(c->body, str_of_cstr(name)));
}

bool aws_given(const struct call *c, const char *name)
{
    return !json_is_absent(member_get(c->body, str_of_cstr(name)));
}

bool aws_is_true(const struct call *c, const char *name)
{
    return json_is_true(json_get(c->body, str_of_cstr(name)));
}

bool aws_take_arn(struct call *c, const char *name, unsigned kinds, struct arn *ret_arn)
{
    struct str text = aws_text(c, name);
    if (!arn_parse(text, ret_arn)) {
        call_fail_aws(c, "InvalidArn", "Invalid Arn: 'Invalid ARN prefix: " STR_FMT "'",
                      STR_ARG(text));
        return false;
    }
    if (kinds & 1u << ret_arn->kind)
        return true;
    call_fail_aws(c, "InvalidArn",
                  "Invalid Arn: 'Resource type not valid in this context: " STR_FMT "'",
                  STR_ARG(ret_arn->word));
    return false;
}

bool aws_take_whole_machine(struct call *c, struct arn *ret_arn)
{
    if (!aws_take_arn(c, "stateMachineArn", ARN_IS_ANY_MACHINE, ret_arn))
        return false;
    if (str_find_char(ret_arn->name, '/') == SIZE_MAX)
        return true;
    call_fail_aws(c, "ValidationException",
                  "This operation does not take the ARN of a Map state: '" STR_FMT "'",
                  STR_ARG(ret_arn->text));
    return false;
}

/* "AWS4-HMAC-SHA256 Credential=KEY/20260101/eu-west-1/states/aws4_request, ..." */
static bool region_of_scope(struct str header, struct str *ret_region)
{
    size_t at = str_find(header, STR("Credential="));
    struct str scope = str_slice(header, at == SIZE_MAX ? header.len : at, header.len);
    for (int part = 0; part < 2; part++) {
        size_t slash = str_find_char(scope, '/');
        if (slash == SIZE_MAX)
            return false;
        scope = str_slice(scope, slash + 1, scope.len);
    }
    *ret_region = str_slice(scope, 0, str_find_char(scope, '/'));
    if (ret_region->len == 0 || ret_region->len > 32)
        return false;
    for (size_t i = 0; i < ret_region->len; i++) {
        char letter = ret_region->ptr[i];
        if (!(letter >= 'a' && letter <= 'z') && !(letter >= '0' && letter <= '9') && letter != '-')
            return false;
    }
    return true;
}

struct str aws_region(struct call *c)
{
    struct str region;
    if (region_of_scope(http_request_header(c->request, STR("authorization")), &region))
        return region;
    return c->api->options.region;
}

/* ---- the catalog ---- */

struct catalog_asker aws_asker(struct call *c, catalog_done *done)
{
    return (struct catalog_asker){.now = clock_wall(), .done = done, .owner = c, .place = &c->deed};
}

static void missing_machine(struct call *c, struct str arn)
{
    call_fail_aws(c, "StateMachineDoesNotExist", "State Machine Does Not Exist: '" STR_FMT "'",
                  STR_ARG(arn));
}

static void missing_resource(struct call *c, struct str arn)
{
    call_fail_aws(c, "ResourceNotFound", "Resource not found: '" STR_FMT "'", STR_ARG(arn));
}

static void too_many(struct call *c, const char *what, size_t most, const char *they,
                     const char *limit)
{
    struct str type = arena_printf(c->arena, "%sLimitExceeded", what);
    call_fail_aws(c, arena_cstr(c->arena, type),
                  "There are %zu %s, which is all that may be (limit %s). Delete some.", most, they,
                  limit);
}

void aws_refused(struct call *c, const struct catalog_answer *answer, struct str arn)
{
    switch (answer->outcome) {
    case CATALOG_MACHINE_EXISTS:
        call_fail_aws(c, "StateMachineAlreadyExists", "State Machine Already Exists: '" STR_FMT "'",
                      STR_ARG(arn));
        return;
    case CATALOG_MACHINE_MISSING:
        missing_machine(c, arn);
        return;
    case CATALOG_VERSION_MISSING:
    case CATALOG_ALIAS_MISSING:
    case CATALOG_RESOURCE_MISSING:
        missing_resource(c, arn);
        return;
    case CATALOG_VERSION_IN_USE:
        call_fail_aws(c, "ConflictException",
                      "Version to be deleted must not be referenced by an alias. Current list of "
                      "aliases referencing this version: [" STR_FMT "]",
                      STR_ARG(answer->subject));
        return;
    case CATALOG_VERSIONS_FULL:
        call_fail_aws(c, "ServiceQuotaExceededException",
                      "The state machine has as many versions as it may have (limit "
                      "versions_max). Delete some.");
        return;
    case CATALOG_ALIAS_EXISTS:
        call_fail_aws(c, "ConflictException",
                      "Failed to create alias because an alias with the same name and a different "
                      "routing configuration already exists.");
        return;
    case CATALOG_ALIASES_FULL:
        call_fail_aws(c, "ServiceQuotaExceededException",
                      "The state machine has %d aliases, which is all that it may have (limit "
                      "aliases_max). Delete some.",
                      CATALOG_ALIASES_MAX);
        return;
    case CATALOG_ACTIVITY_EXISTS:
        call_fail_aws(c, "ActivityAlreadyExists", "Activity Already Exists: '" STR_FMT "'",
                      STR_ARG(arn));
        return;
    case CATALOG_ACTIVITY_MISSING:
        call_fail_aws(c, "ActivityDoesNotExist", "Activity Does Not Exist: '" STR_FMT "'",
                      STR_ARG(arn));
        return;
    case CATALOG_MACHINES_FULL:
        too_many(c, "StateMachine", c->api->options.machines_max, "state machines", "machines_max");
        return;
    case CATALOG_ACTIVITIES_FULL:
        too_many(c, "Activity", c->api->options.activities_max, "activities", "activities_max");
        return;
    case CATALOG_TAGS_FULL:
        call_fail_aws(c, "TooManyTags",
                      "A resource has at most %d tags (limit tags_max): '" STR_FMT "'",
                      CATALOG_TAGS_MAX, STR_ARG(arn));
        return;
    case CATALOG_FAILED:
        call_fail(c, answer->err);
        return;
    case CATALOG_REVISION_DIFFERS: /* whoever compares says it himself */
    case CATALOG_REVISION_MISSING: /* no operation takes one */
    case CATALOG_DONE:
        break;
    }
    UNREACHABLE("an outcome of the catalog");
}

void aws_no_machine(struct call *c, const struct catalog_answer *answer, struct str arn)
{
    if (answer->outcome == CATALOG_VERSION_MISSING || answer->outcome == CATALOG_ALIAS_MISSING)
        missing_machine(c, arn);
    else
        aws_refused(c, answer, arn);
}

struct json aws_origin(struct call *c, const struct execution_row *row)
{
    struct json origin = JSON_NONE;
    struct err err;
    if (row->origin.len == 0 || json_parse(c->arena, row->origin, (struct json_limits){0},
                                           JSON_DUPLICATES_LAST, &origin, &err))
        return origin;
    return JSON_NONE;
}

/* ---- lists ---- */

/* The list, its subject and the name that ended the page. */
static struct str token_of(struct arena *a, const char *list, struct str subject, struct str last)
{
    return base64_encode(
        a, arena_printf(a, "%s %s " STR_FMT, list, arena_cstr(a, subject), STR_ARG(last)));
}

bool aws_take_page(struct call *c, const char *list, struct str subject, struct aws_page *ret_page)
{
    struct str token = aws_text(c, "nextToken"), text;
    int64_t count = 0;
    (void)json_to_int64(member_get(c->body, STR("maxResults")), &count);
    *ret_page = (struct aws_page){list, subject, count ? (size_t)count : AWS_PAGE_DEFAULT, {0}};
    if (token.len == 0)
        return true;
    if (base64_decode(c->arena, token, &text)) {
        ret_page->after = str_slice(text, str_rfind_char(text, ' ') + 1, text.len);
        if (ret_page->after.len &&
            str_eq(token, token_of(c->arena, list, subject, ret_page->after)))
            return true;
    }
    call_fail_aws(c, "InvalidToken", "Invalid Token: 'Invalid token'");
    return false;
}

void aws_add_token(struct json_object_builder *b, const struct aws_page *page, bool more,
                   struct str last)
{
    if (more)
        json_object_add(b, STR("nextToken"),
                        json_string(token_of(b->arena, page->list, page->subject, last)));
}

void aws_answer_page(struct call *c, const struct catalog_answer *answer, const char *name,
                     aws_item *item)
{
    const struct aws_page *page = c->work;
    struct json_object_builder b = json_object_builder(c->arena);
    struct json_array_builder list = json_array_builder(c->arena);
    struct str last = {0};
    if (answer->outcome != CATALOG_DONE) {
        aws_refused(c, answer, page->subject);
        return;
    }
    for (size_t i = 0; i < answer->count; i++)
        json_array_add(&list, item(c->arena, answer, i, &last));
    json_object_add(&b, str_of_cstr(name), json_array_done(&list));
    aws_add_token(&b, page, answer->more, last);
    call_answer(c, 200, json_object_done(&b));
}

/* ---- tags ---- */

bool aws_take_tags(struct call *c, struct json *ret_tags)
{
    struct json list = member_get(c->body, STR("tags"));
    struct json_object_builder b = json_object_builder(c->arena);
    if (json_count(list) > CATALOG_TAGS_MAX) {
        call_fail_aws(c, "TooManyTags", "A resource has at most %d tags (limit tags_max), not %zu",
                      CATALOG_TAGS_MAX, json_count(list));
        return false;
    }
    for (size_t i = 0; i < json_count(list); i++) {
        struct str key = json_str(member_get(json_at(list, i), STR("key")));
        struct str value = json_str(member_get(json_at(list, i), STR("value")));
        json_object_put(&b, key, json_string(value));
    }
    *ret_tags = json_object_done(&b);
    return true;
}

/* ---- shapes ---- */

struct json aws_time(struct wall_ms at)
{
    return at.ms ? json_double((double)at.ms / 1000) : JSON_NONE;
}

struct json aws_empty(void)
{
    return json_object(NULL, 0);
}
