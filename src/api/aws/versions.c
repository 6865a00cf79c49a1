/* Versions and aliases of state machines. */
#include "api/aws/operations.h"

/* ---- publish ---- */

static void published(void *owner, const struct catalog_answer *answer)
{
    struct call *c = owner;
    const struct catalog_machine *m = &answer->machine;
    struct json_object_builder b = json_object_builder(c->arena);
    if (answer->outcome == CATALOG_REVISION_DIFFERS) {
        struct str given = aws_text(c, "revisionId");
        call_fail_aws(c, "ConflictException",
                      "Failed to publish the State Machine version for revision " STR_FMT
                      ". The current State Machine revision is " STR_FMT ".",
                      STR_ARG(given), STR_ARG(answer->subject));
        return;
    }
    if (answer->outcome != CATALOG_DONE) {
        aws_refused(c, answer, aws_text(c, "stateMachineArn"));
        return;
    }
    json_object_add(&b, STR("creationDate"), aws_time(m->created_at));
    json_object_add(&b, STR("stateMachineVersionArn"),
                    json_string(arn_of_version(c->arena, m->arn, m->version)));
    call_answer(c, 200, json_object_done(&b));
}

static bool is_unqualified(struct call *c, const struct arn *arn)
{
    if (arn->kind == ARN_MACHINE)
        return true;
    call_fail_aws(c, "ValidationException",
                  "The ARN must be that of a state machine without version or alias: " STR_FMT,
                  STR_ARG(arn->text));
    return false;
}

void aws_publish_version(struct call *c)
{
    struct catalog_asker who = aws_asker(c, published);
    struct arn arn;
    if (aws_take_arn(c, "stateMachineArn", ARN_IS_ANY_MACHINE, &arn) && is_unqualified(c, &arn))
        catalog_publish_version(c->api->catalog, &who, &arn, aws_text(c, "revisionId"),
                                aws_text(c, "description"));
}

/* ---- delete and list versions ---- */

void aws_delete_version(struct call *c)
{
    struct catalog_asker who = aws_asker(c, aws_emptied);
    struct arn arn;
    if (!aws_take_arn(c, "stateMachineVersionArn", ARN_IS_ANY_MACHINE, &arn))
        return;
    if (arn.kind == ARN_VERSION)
        catalog_delete_version(c->api->catalog, &who, &arn);
    else
        call_fail_aws(c, "ValidationException",
                      "The ARN must be that of a state machine's version: " STR_FMT,
                      STR_ARG(arn.text));
}

static struct json version_item(struct arena *a, const struct catalog_answer *answer, size_t i,
                                struct str *ret_last)
{
    const struct catalog_machine *m = &answer->items[i];
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("stateMachineVersionArn"),
                    json_string(arn_of_version(a, m->arn, m->version)));
    json_object_add(&b, STR("creationDate"), aws_time(m->created_at));
    *ret_last = arena_printf(a, "%u", m->version);
    return json_object_done(&b);
}

static void versions_listed(void *owner, const struct catalog_answer *answer)
{
    aws_answer_page(owner, answer, "stateMachineVersions", version_item);
}

void aws_list_versions(struct call *c)
{
    struct aws_page *page = c->work = ARENA_NEW(c->arena, struct aws_page);
    struct catalog_asker who = aws_asker(c, versions_listed);
    struct arn arn;
    int64_t before = 0;
    if (!aws_take_arn(c, "stateMachineArn", ARN_IS_ANY_MACHINE, &arn) || !is_unqualified(c, &arn) ||
        !aws_take_page(c, "versions", arn.text, page))
        return;
    (void)str_to_int64(page->after, &before);
    catalog_list_versions(c->api->catalog, &who, &arn, (uint32_t)before, page->count);
}

/* ---- what aliases lead to ---- */

static bool bad_routing(struct call *c, const char *what)
{
    call_fail_aws(c, "ValidationException", "%s", what);
    return false;
}

static void not_versions(struct call *c, struct json routing)
{
    struct buf all = BUF_INIT(0);
    for (size_t i = 0; i < json_count(routing); i++)
        buf_printf(&all, "%s" STR_FMT, all.len ? ", " : "",
                   STR_ARG(json_str(json_get(json_at(routing, i), STR("stateMachineVersionArn")))));
    call_fail_aws(c, "ValidationException",
                  "Routing configuration must contain state machine version ARNs. "
                  "Received: [" STR_FMT "]",
                  STR_ARG(arena_str(c->arena, buf_str(&all))));
    buf_release(&all);
}

static bool take_route(struct call *c, struct json routing, size_t i,
                       struct catalog_alias_draft *draft, struct arn *first)
{
    struct json route = json_at(routing, i);
    struct str text = json_str(json_get(route, STR("stateMachineVersionArn")));
    struct arn arn;
    int64_t weight = 0;
    (void)json_to_int64(json_get(route, STR("weight")), &weight);
    if (!arn_parse(text, &arn)) {
        call_fail_aws(c, "InvalidArn", "Invalid Arn: 'Invalid ARN prefix: " STR_FMT "'",
                      STR_ARG(text));
        return false;
    }
    if (arn.kind != ARN_VERSION) {
        not_versions(c, routing);
        return false;
    }
    if (i && !str_eq(arn.unqualified, first->unqualified))
        return bad_routing(c, "Routing configuration must contain versions of one state machine.");
    if (i && arn.version == first->version)
        return bad_routing(c, "Routing configuration must contain distinct state machine version "
                              "ARNs.");
    if (i == 0)
        *first = arn;
    draft->routes[draft->route_count++] = (struct catalog_route){arn.version, (uint32_t)weight};
    return true;
}

/* The machine of the versions becomes the draft's. */
static bool take_routing(struct call *c, struct catalog_alias_draft *draft)
{
    struct json routing = member_get(c->body, STR("routingConfiguration"));
    struct arn first = {0}, machine;
    uint32_t sum = 0;
    draft->has_routes = !json_is_absent(routing);
    if (!draft->has_routes)
        return true;
    for (size_t i = 0; i < json_count(routing); i++)
        if (!take_route(c, routing, i, draft, &first))
            return false;
    for (size_t i = 0; i < draft->route_count; i++)
        sum += draft->routes[i].weight;
    if (sum != 100) {
        call_fail_aws(c, "ValidationException",
                      "Sum of routing configuration weights must equal 100. Received: %u", sum);
        return false;
    }
    if (draft->machine.text.len && !str_eq(draft->machine.unqualified, first.unqualified))
        return bad_routing(c, "Routing configuration must contain versions of the alias's state "
                              "machine.");
    if (draft->machine.text.len == 0 && arn_parse(first.unqualified, &machine))
        draft->machine = machine;
    return true;
}

/* ---- create, update ---- */

static void alias_refused(struct call *c, const struct catalog_answer *answer, struct str arn)
{
    if (answer->outcome == CATALOG_VERSION_MISSING || answer->outcome == CATALOG_ALIAS_MISSING ||
        answer->outcome == CATALOG_MACHINE_MISSING)
        call_fail_aws(c, "ResourceNotFound",
                      "Request references a resource that does not exist: " STR_FMT, STR_ARG(arn));
    else
        aws_refused(c, answer, arn);
}

static void alias_created(void *owner, const struct catalog_answer *answer)
{
    struct call *c = owner;
    const struct catalog_alias *alias = &answer->alias;
    struct json_object_builder b = json_object_builder(c->arena);
    if (answer->outcome != CATALOG_DONE) {
        alias_refused(c, answer, aws_text(c, "name"));
        return;
    }
    json_object_add(&b, STR("stateMachineAliasArn"),
                    json_string(arn_of_alias(c->arena, alias->machine_arn, alias->name)));
    json_object_add(&b, STR("creationDate"), aws_time(alias->created_at));
    call_answer(c, 200, json_object_done(&b));
}

void aws_create_alias(struct call *c)
{
    struct catalog_asker who = aws_asker(c, alias_created);
    struct catalog_alias_draft draft = {.name = aws_text(c, "name"),
                                        .description = aws_text(c, "description")};
    if (take_routing(c, &draft))
        catalog_create_alias(c->api->catalog, &who, &draft);
}

static bool take_alias(struct call *c, struct arn *ret_arn)
{
    if (!aws_take_arn(c, "stateMachineAliasArn", ARN_IS_ANY_MACHINE, ret_arn))
        return false;
    if (ret_arn->kind == ARN_ALIAS)
        return true;
    call_fail_aws(c, "ValidationException",
                  "The ARN must be that of a state machine's alias: " STR_FMT,
                  STR_ARG(ret_arn->text));
    return false;
}

static void alias_updated(void *owner, const struct catalog_answer *answer)
{
    struct call *c = owner;
    struct json_object_builder b = json_object_builder(c->arena);
    if (answer->outcome != CATALOG_DONE) {
        alias_refused(c, answer, aws_text(c, "stateMachineAliasArn"));
        return;
    }
    json_object_add(&b, STR("updateDate"), aws_time(answer->alias.updated_at));
    call_answer(c, 200, json_object_done(&b));
}

void aws_update_alias(struct call *c)
{
    struct catalog_asker who = aws_asker(c, alias_updated);
    struct catalog_alias_draft draft = {.description = aws_text(c, "description"),
                                        .has_description = aws_given(c, "description")};
    if (!take_alias(c, &draft.machine))
        return;
    if (!draft.has_description && !aws_given(c, "routingConfiguration")) {
        call_fail_aws(c, "ValidationException",
                      "Either the description or the routing configuration must be given");
        return;
    }
    draft.name = draft.machine.qualifier;
    if (take_routing(c, &draft))
        catalog_update_alias(c->api->catalog, &who, &draft);
}

/* ---- delete, describe, list ---- */

void aws_delete_alias(struct call *c)
{
    struct catalog_asker who = aws_asker(c, aws_emptied);
    struct arn arn;
    if (take_alias(c, &arn))
        catalog_delete_alias(c->api->catalog, &who, &arn);
}

static struct json routing_json(struct arena *a, const struct catalog_alias *alias)
{
    struct json_array_builder list = json_array_builder(a);
    for (size_t i = 0; i < alias->route_count; i++) {
        struct json_object_builder item = json_object_builder(a);
        json_object_add(
            &item, STR("stateMachineVersionArn"),
            json_string(arn_of_version(a, alias->machine_arn, alias->routes[i].version)));
        json_object_add(&item, STR("weight"), json_int(alias->routes[i].weight));
        json_array_add(&list, json_object_done(&item));
    }
    return json_array_done(&list);
}

static void alias_described(void *owner, const struct catalog_answer *answer)
{
    struct call *c = owner;
    const struct catalog_alias *alias = &answer->alias;
    struct json_object_builder b = json_object_builder(c->arena);
    if (answer->outcome != CATALOG_DONE) {
        alias_refused(c, answer, aws_text(c, "stateMachineAliasArn"));
        return;
    }
    json_object_add(&b, STR("stateMachineAliasArn"),
                    json_string(arn_of_alias(c->arena, alias->machine_arn, alias->name)));
    json_object_add(&b, STR("name"), json_string(alias->name));
    if (alias->description.len)
        json_object_add(&b, STR("description"), json_string(alias->description));
    json_object_add(&b, STR("routingConfiguration"), routing_json(c->arena, alias));
    json_object_add(&b, STR("creationDate"), aws_time(alias->created_at));
    json_object_add(&b, STR("updateDate"), aws_time(alias->updated_at));
    call_answer(c, 200, json_object_done(&b));
}

void aws_describe_alias(struct call *c)
{
    struct catalog_asker who = aws_asker(c, alias_described);
    struct arn arn;
    if (take_alias(c, &arn))
        catalog_find_alias(c->api->catalog, &who, &arn);
}

static struct json alias_item(struct arena *a, const struct catalog_answer *answer, size_t i,
                              struct str *ret_last)
{
    const struct catalog_alias *alias = &answer->aliases[i];
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("stateMachineAliasArn"),
                    json_string(arn_of_alias(a, alias->machine_arn, alias->name)));
    json_object_add(&b, STR("creationDate"), aws_time(alias->created_at));
    *ret_last = alias->name;
    return json_object_done(&b);
}

static void aliases_listed(void *owner, const struct catalog_answer *answer)
{
    aws_answer_page(owner, answer, "stateMachineAliases", alias_item);
}

void aws_list_aliases(struct call *c)
{
    struct aws_page *page = c->work = ARENA_NEW(c->arena, struct aws_page);
    struct catalog_asker who = aws_asker(c, aliases_listed);
    struct arn arn;
    if (!aws_take_arn(c, "stateMachineArn", ARN_IS_ANY_MACHINE, &arn) ||
        !aws_take_page(c, "aliases", arn.text, page))
        return;
    if (arn.kind == ARN_ALIAS)
        call_fail_aws(c, "ResourceNotFound",
                      "The ARN must be that of a state machine or a version: " STR_FMT,
                      STR_ARG(arn.text));
    else
        catalog_list_aliases(c->api->catalog, &who, &arn, page->after, page->count);
}
