/* Activities, and the tags of whatever may have tags. */
#include "catalog/catalog_internal.h"

static bool activity_of_object(struct deed *d, const struct object_row *object,
                               struct catalog_activity *to)
{
    struct json body;
    if (!deed_parse(d, object, &body))
        return false;
    *to = (struct catalog_activity){
        .name = object->name,
        .arn = json_str(json_get(body, STR("arn"))),
        .encryption = json_get(body, STR("encryptionConfiguration")),
        .created_at = object->created_at,
    };
    return true;
}

/* The activity that was asked for, when it is of this ARN. */
static bool activity_read(struct deed *d, struct str arn, struct catalog_activity *to,
                          bool *ret_there)
{
    const struct object_row *object = deed_object(d->one);
    *ret_there = false;
    if (!object)
        return true;
    if (!activity_of_object(d, object, to))
        return false;
    *ret_there = str_eq(to->arn, arn);
    return true;
}

/* ---- create ---- */

static void create_decide(struct deed *d)
{
    const struct catalog_activity_draft *draft = d->work;
    const struct object_row *object = deed_object(d->one), *tags = deed_object(d->tags);
    struct catalog_activity *activity = &d->answer.activity;
    if (object) {
        if (!activity_of_object(d, object, activity))
            return;
        if (str_eq(activity->arn, draft->arn) &&
            json_equal(activity->encryption, draft->encryption))
            deed_done(d);
        else
            deed_refuse(d, CATALOG_ACTIVITY_EXISTS);
        return;
    }
    if (is_full(d->others, d->catalog->options.activities_max)) {
        deed_refuse(d, CATALOG_ACTIVITIES_FULL);
        return;
    }
    struct json_object_builder b = json_object_builder(d->arena);
    json_object_add(&b, STR("arn"), json_string(draft->arn));
    json_object_add(&b, STR("encryptionConfiguration"), draft->encryption);
    deed_put(d, "activity", draft->name, 0, json_object_done(&b));
    if (json_count(draft->tags))
        deed_put(d, "tags", draft->arn, tags ? tags->revision : 0, draft->tags);
    *activity = (struct catalog_activity){.name = draft->name,
                                          .arn = draft->arn,
                                          .encryption = draft->encryption,
                                          .created_at = d->asker.now};
    deed_commit(d, deed_done);
}

static void create_begin(struct deed *d)
{
    const struct catalog_activity_draft *draft = d->work;
    d->one = deed_ask_object(d, "activity", draft->name);
    d->tags = deed_ask_object(d, "tags", draft->arn);
    d->others = deed_ask(d, STORE_COUNT_OBJECTS, STR(""));
    d->others->read.object_kind = STR("activity");
    deed_go(d, create_decide);
}

void catalog_create_activity(struct catalog *c, const struct catalog_asker *who,
                             const struct catalog_activity_draft *draft)
{
    struct deed *d = deed_new(c, who, sizeof(struct catalog_activity_draft));
    struct catalog_activity_draft *kept = d->work;
    struct catalog_settings settings = catalog_settings_whole(
        d->arena, &(struct catalog_settings){.encryption = draft->encryption});
    *kept = (struct catalog_activity_draft){
        .name = arena_str(d->arena, draft->name),
        .arn = arena_str(d->arena, draft->arn),
        .encryption = settings.encryption,
        .tags = json_copy(d->arena, draft->tags),
    };
    deed_begin(d, create_begin);
}

/* ---- delete, find ---- */

static void delete_decide(struct deed *d)
{
    const struct arn *arn = d->work;
    struct catalog_activity activity;
    bool there;
    if (!activity_read(d, arn->text, &activity, &there))
        return;
    if (!there) {
        deed_done(d);
        return;
    }
    deed_drop(d, "activity", arn->name, deed_object(d->one)->revision);
    if (deed_object(d->tags))
        deed_drop(d, "tags", arn->text, deed_object(d->tags)->revision);
    deed_commit(d, deed_done);
}

static void delete_begin(struct deed *d)
{
    const struct arn *arn = d->work;
    d->one = deed_ask_object(d, "activity", arn->name);
    d->tags = deed_ask_object(d, "tags", arn->text);
    deed_go(d, delete_decide);
}

static void find_decide(struct deed *d)
{
    const struct arn *arn = d->work;
    bool there;
    if (!activity_read(d, arn->text, &d->answer.activity, &there))
        return;
    if (there)
        deed_done(d);
    else
        deed_refuse(d, CATALOG_ACTIVITY_MISSING);
}

static void find_begin(struct deed *d)
{
    const struct arn *arn = d->work;
    d->one = deed_ask_object(d, "activity", arn->name);
    deed_go(d, find_decide);
}

static void begin_of(struct catalog *c, const struct catalog_asker *who, const struct arn *arn,
                     deed_step *begin)
{
    struct deed *d = deed_new(c, who, sizeof(struct arn));
    struct arn *kept = d->work;
    *kept = arn_copy(d->arena, arn);
    deed_begin(d, begin);
}

void catalog_delete_activity(struct catalog *c, const struct catalog_asker *who,
                             const struct arn *activity)
{
    begin_of(c, who, activity, delete_begin);
}

void catalog_find_activity(struct catalog *c, const struct catalog_asker *who,
                           const struct arn *activity)
{
    begin_of(c, who, activity, find_begin);
}

/* ---- list ---- */

static void list_done(struct deed *d)
{
    const struct deed_read *read = d->one;
    struct catalog_activity *items = ARENA_ARRAY(d->arena, struct catalog_activity, read->count);
    for (size_t i = 0; i < read->count; i++)
        if (!activity_of_object(d, &read->objects[i], &items[i]))
            return;
    d->answer.activities = items;
    d->answer.count = read->count;
    d->answer.more = read->read.more;
    deed_done(d);
}

static void list_begin(struct deed *d)
{
    deed_go(d, list_done);
}

void catalog_list_activities(struct catalog *c, const struct catalog_asker *who, struct str after,
                             size_t count_max)
{
    struct deed *d = deed_new(c, who, 1);
    d->one = deed_ask(d, STORE_LIST_OBJECTS, arena_str(d->arena, after));
    d->one->read.object_kind = STR("activity");
    d->one->read.rows_max = count_max;
    deed_begin(d, list_begin);
}

/* ---- tags ---- */

struct tagging {
    struct arn resource;
    struct json tags, keys; /* absent: not asked for */
};

/* False: there is no such resource, or the deed has ended. */
static bool resource_there(struct deed *d)
{
    const struct tagging *w = d->work;
    struct catalog_activity activity;
    bool there = false;
    if (w->resource.kind == ARN_ACTIVITY) {
        if (!activity_read(d, w->resource.text, &activity, &there))
            return false;
    } else {
        there = deed_machine_row(d, w->resource.text) != NULL;
    }
    if (!there)
        deed_refuse(d, CATALOG_RESOURCE_MISSING);
    return there;
}

static struct json merged(struct arena *a, struct json there, struct json more)
{
    struct json_object_builder b = json_object_builder(a);
    for (size_t i = 0; i < json_count(there); i++)
        json_object_add(&b, json_str(json_members(there)[i].key), json_members(there)[i].value);
    for (size_t i = 0; i < json_count(more); i++)
        json_object_put(&b, json_str(json_members(more)[i].key), json_members(more)[i].value);
    return json_object_done(&b);
}

static void tags_decide(struct deed *d)
{
    const struct tagging *w = d->work;
    const struct object_row *object;
    struct json tags, after;
    if (!resource_there(d) || !deed_body(d, d->tags, &tags))
        return;
    object = deed_object(d->tags);
    after = merged(d->arena, tags, w->tags);
    for (size_t i = 0; i < json_count(w->keys); i++)
        after = json_object_without(d->arena, after, json_str(json_at(w->keys, i)));
    d->answer.tags = after;
    if (json_count(after) > CATALOG_TAGS_MAX) {
        deed_refuse(d, CATALOG_TAGS_FULL);
    } else if (json_equal(after, tags) || (!object && json_count(after) == 0)) {
        deed_done(d);
    } else {
        deed_put(d, "tags", w->resource.text, object ? object->revision : 0, after);
        deed_commit(d, deed_done);
    }
}

static void tags_begin(struct deed *d)
{
    const struct tagging *w = d->work;
    d->tags = deed_ask_object(d, "tags", w->resource.text);
    if (w->resource.kind == ARN_ACTIVITY)
        d->one = deed_ask_object(d, "activity", w->resource.name);
    else
        d->machine = deed_ask(d, STORE_GET_MACHINE, w->resource.name);
    deed_go(d, tags_decide);
}

static void tags_of(struct catalog *c, const struct catalog_asker *who, const struct arn *resource,
                    struct json tags, struct json keys)
{
    struct deed *d = deed_new(c, who, sizeof(struct tagging));
    struct tagging *w = d->work;
    w->resource = arn_copy(d->arena, resource);
    w->tags = json_copy(d->arena, tags);
    w->keys = json_copy(d->arena, keys);
    deed_begin(d, tags_begin);
}

void catalog_tag(struct catalog *c, const struct catalog_asker *who, const struct arn *resource,
                 struct json tags)
{
    tags_of(c, who, resource, tags, JSON_NONE);
}

void catalog_untag(struct catalog *c, const struct catalog_asker *who, const struct arn *resource,
                   struct json keys)
{
    tags_of(c, who, resource, JSON_NONE, keys);
}

void catalog_list_tags(struct catalog *c, const struct catalog_asker *who,
                       const struct arn *resource)
{
    tags_of(c, who, resource, JSON_NONE, JSON_NONE);
}
