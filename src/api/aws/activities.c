/* Activities as things that are made and listed, and tags; tasks of activities: poll.c. */
#include "api/aws/operations.h"

#include "engine/names.h"

/* ---- create ---- */

static void created(void *owner, const struct catalog_answer *answer)
{
    struct call *c = owner;
    struct json_object_builder b = json_object_builder(c->arena);
    if (answer->outcome != CATALOG_DONE) {
        aws_refused(c, answer, answer->activity.arn);
        return;
    }
    json_object_add(&b, STR("activityArn"), json_string(answer->activity.arn));
    json_object_add(&b, STR("creationDate"), aws_time(answer->activity.created_at));
    call_answer(c, 200, json_object_done(&b));
}

void aws_create_activity(struct call *c)
{
    struct catalog_asker who = aws_asker(c, created);
    struct catalog_activity_draft draft = {.name = aws_text(c, "name")};
    struct err err;
    if (!name_check(draft.name, "the name", &err)) {
        call_fail_aws(c, "InvalidName", "Invalid Name: '" STR_FMT "'", STR_ARG(draft.name));
        return;
    }
    if (!aws_take_tags(c, &draft.tags) || !aws_take_encryption(c, &draft.encryption))
        return;
    draft.arn = arn_of_activity(c->arena, aws_region(c), c->api->options.account, draft.name);
    catalog_create_activity(c->api->catalog, &who, &draft);
}

/* ---- delete, describe, list ---- */

void aws_delete_activity(struct call *c)
{
    struct catalog_asker who = aws_asker(c, aws_emptied);
    struct arn arn;
    if (aws_take_arn(c, "activityArn", ARN_IS_ACTIVITY, &arn))
        catalog_delete_activity(c->api->catalog, &who, &arn);
}

static void described(void *owner, const struct catalog_answer *answer)
{
    struct call *c = owner;
    const struct catalog_activity *activity = &answer->activity;
    struct json_object_builder b = json_object_builder(c->arena);
    if (answer->outcome != CATALOG_DONE) {
        aws_refused(c, answer, aws_text(c, "activityArn"));
        return;
    }
    json_object_add(&b, STR("activityArn"), json_string(activity->arn));
    json_object_add(&b, STR("name"), json_string(activity->name));
    json_object_add(&b, STR("creationDate"), aws_time(activity->created_at));
    json_object_add(&b, STR("encryptionConfiguration"), activity->encryption);
    call_answer(c, 200, json_object_done(&b));
}

void aws_describe_activity(struct call *c)
{
    struct catalog_asker who = aws_asker(c, described);
    struct arn arn;
    if (aws_take_arn(c, "activityArn", ARN_IS_ACTIVITY, &arn))
        catalog_find_activity(c->api->catalog, &who, &arn);
}

static struct json activity_item(struct arena *a, const struct catalog_answer *answer, size_t i,
                                 struct str *ret_last)
{
    const struct catalog_activity *activity = &answer->activities[i];
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("activityArn"), json_string(activity->arn));
    json_object_add(&b, STR("name"), json_string(activity->name));
    json_object_add(&b, STR("creationDate"), aws_time(activity->created_at));
    *ret_last = activity->name;
    return json_object_done(&b);
}

static void listed(void *owner, const struct catalog_answer *answer)
{
    aws_answer_page(owner, answer, "activities", activity_item);
}

void aws_list_activities(struct call *c)
{
    struct aws_page *page = c->work = ARENA_NEW(c->arena, struct aws_page);
    struct catalog_asker who = aws_asker(c, listed);
    if (aws_take_page(c, "activities", STR(""), page))
        catalog_list_activities(c->api->catalog, &who, page->after, page->count);
}

/* ---- tags ---- */

static void tagged(void *owner, const struct catalog_answer *answer)
{
    struct call *c = owner;
    if (answer->outcome == CATALOG_DONE)
        call_answer(c, 200, aws_empty());
    else
        aws_refused(c, answer, aws_text(c, "resourceArn"));
}

static void tags_listed(void *owner, const struct catalog_answer *answer)
{
    struct call *c = owner;
    struct json_object_builder b = json_object_builder(c->arena);
    struct json_array_builder list = json_array_builder(c->arena);
    if (answer->outcome != CATALOG_DONE) {
        aws_refused(c, answer, aws_text(c, "resourceArn"));
        return;
    }
    for (size_t i = 0; i < json_count(answer->tags); i++) {
        const struct json_member *tag = &json_members(answer->tags)[i];
        struct json_object_builder item = json_object_builder(c->arena);
        json_object_add(&item, STR("key"), tag->key);
        json_object_add(&item, STR("value"), tag->value);
        json_array_add(&list, json_object_done(&item));
    }
    json_object_add(&b, STR("tags"), json_array_done(&list));
    call_answer(c, 200, json_object_done(&b));
}

void aws_tag_resource(struct call *c)
{
    struct catalog_asker who = aws_asker(c, tagged);
    struct arn arn;
    struct json tags;
    if (aws_take_arn(c, "resourceArn", ARN_HAS_TAGS, &arn) && aws_take_tags(c, &tags))
        catalog_tag(c->api->catalog, &who, &arn, tags);
}

void aws_untag_resource(struct call *c)
{
    struct catalog_asker who = aws_asker(c, tagged);
    struct arn arn;
    if (aws_take_arn(c, "resourceArn", ARN_HAS_TAGS, &arn))
        catalog_untag(c->api->catalog, &who, &arn, member_get(c->body, STR("tagKeys")));
}

void aws_list_tags(struct call *c)
{
    struct catalog_asker who = aws_asker(c, tags_listed);
    struct arn arn;
    if (aws_take_arn(c, "resourceArn", ARN_HAS_TAGS, &arn))
        catalog_list_tags(c->api->catalog, &who, &arn);
}

/* ---- what a later release will have ---- */

void aws_not_served(struct call *c)
{
    call_fail_aws(c, "UnknownOperationException", "%s is not served by this release of Pawl",
                  c->route->path);
}
