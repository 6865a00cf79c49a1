/* Aliases: names that lead to one or two versions of a machine. */
#include "catalog/catalog_internal.h"

/* ---- bodies ---- */

static struct json alias_body(struct arena *a, const struct catalog_alias *alias)
{
    struct json_object_builder b = json_object_builder(a);
    struct json_array_builder routes = json_array_builder(a);
    for (size_t i = 0; i < alias->route_count; i++) {
        struct json_object_builder route = json_object_builder(a);
        json_object_add(&route, STR("version"), json_int(alias->routes[i].version));
        json_object_add(&route, STR("weight"), json_int(alias->routes[i].weight));
        json_array_add(&routes, json_object_done(&route));
    }
    json_object_add(&b, STR("description"), json_string(alias->description));
    json_object_add(&b, STR("routing"), json_array_done(&routes));
    json_object_add(&b, STR("updatedAt"), json_int(alias->updated_at.ms));
    return json_object_done(&b);
}

bool alias_of_object(struct deed *d, const struct object_row *object, struct str machine_arn,
                     struct catalog_alias *to)
{
    struct json body;
    if (!deed_parse(d, object, &body))
        return false;
    struct json routes = json_get(body, STR("routing"));
    *to = (struct catalog_alias){
        .machine_arn = machine_arn,
        .name = object_part(object->name),
        .description = json_str(json_get(body, STR("description"))),
        .created_at = object->created_at,
    };
    (void)json_to_int64(json_get(body, STR("updatedAt")), &to->updated_at.ms);
    for (size_t i = 0; i < json_count(routes) && i < CATALOG_ROUTES_MAX; i++) {
        int64_t version = 0, weight = 0;
        (void)json_to_int64(json_get(json_at(routes, i), STR("version")), &version);
        (void)json_to_int64(json_get(json_at(routes, i), STR("weight")), &weight);
        to->routes[to->route_count++] = (struct catalog_route){(uint32_t)version, (uint32_t)weight};
    }
    return true;
}

bool alias_leads_to(const struct catalog_alias *alias, uint32_t version)
{
    for (size_t i = 0; i < alias->route_count; i++)
        if (alias->routes[i].version == version)
            return true;
    return false;
}

static bool same_routes(const struct catalog_alias *a, const struct catalog_alias *b)
{
    if (a->route_count != b->route_count)
        return false;
    for (size_t i = 0; i < a->route_count; i++)
        if (a->routes[i].version != b->routes[i].version ||
            a->routes[i].weight != b->routes[i].weight)
            return false;
    return true;
}

/* ---- create, update ---- */

struct naming {
    struct catalog_alias_draft draft;
    struct deed_read *versions[CATALOG_ROUTES_MAX], *all;
};

static void ask_parts(struct deed *d)
{
    struct naming *w = d->work;
    const struct catalog_alias_draft *draft = &w->draft;
    deed_ask_machine(d, draft->machine.name);
    d->one = deed_ask_object(d, "alias", part_name(d->arena, draft->machine.name, draft->name));
    for (size_t i = 0; i < draft->route_count; i++) {
        struct str part = version_part(d->arena, draft->routes[i].version);
        w->versions[i] =
            deed_ask_object(d, "version", part_name(d->arena, draft->machine.name, part));
    }
}

static bool versions_exist(const struct naming *w)
{
    for (size_t i = 0; i < w->draft.route_count; i++)
        if (!deed_object(w->versions[i]))
            return false;
    return true;
}

static void put_alias(struct deed *d, const struct catalog_alias *alias, uint64_t revision)
{
    const struct naming *w = d->work;
    struct ledger ledger;
    if (!ledger_read(d, &ledger))
        return;
    d->answer.alias = *alias;
    deed_put(d, "alias", part_name(d->arena, w->draft.machine.name, alias->name), revision,
             alias_body(d->arena, alias));
    ledger_put(d, w->draft.machine.name, &ledger);
    deed_commit(d, deed_done);
}

static void create_decide(struct deed *d)
{
    const struct naming *w = d->work;
    const struct object_row *object = deed_object(d->one);
    struct catalog_alias there, alias = {
                                    .machine_arn = w->draft.machine.unqualified,
                                    .name = w->draft.name,
                                    .description = w->draft.description,
                                    .route_count = w->draft.route_count,
                                    .created_at = d->asker.now,
                                    .updated_at = d->asker.now,
                                };
    memcpy(alias.routes, w->draft.routes, sizeof(alias.routes));
    if (!deed_machine_row(d, alias.machine_arn)) {
        deed_refuse(d, CATALOG_MACHINE_MISSING);
    } else if (object) {
        if (!alias_of_object(d, object, alias.machine_arn, &there))
            return;
        d->answer.alias = there;
        if (same_routes(&there, &alias) && str_eq(there.description, alias.description))
            deed_done(d);
        else
            deed_refuse(d, CATALOG_ALIAS_EXISTS);
    } else if (!versions_exist(w)) {
        deed_refuse(d, CATALOG_VERSION_MISSING);
    } else if (w->all->count >= CATALOG_ALIASES_MAX) {
        deed_refuse(d, CATALOG_ALIASES_FULL);
    } else {
        put_alias(d, &alias, 0);
    }
}

static void create_begin(struct deed *d)
{
    struct naming *w = d->work;
    ask_parts(d);
    w->all = deed_ask_all(d, "alias", part_name(d->arena, w->draft.machine.name, STR("")));
    deed_go(d, create_decide);
}

static void update_decide(struct deed *d)
{
    const struct naming *w = d->work;
    const struct object_row *object = deed_object(d->one);
    struct catalog_alias alias;
    if (!object || !deed_machine_row(d, w->draft.machine.unqualified)) {
        deed_refuse(d, CATALOG_ALIAS_MISSING);
        return;
    }
    if (!alias_of_object(d, object, w->draft.machine.unqualified, &alias))
        return;
    if (!versions_exist(w)) {
        deed_refuse(d, CATALOG_VERSION_MISSING);
        return;
    }
    if (w->draft.has_description)
        alias.description = w->draft.description;
    if (w->draft.has_routes) {
        memcpy(alias.routes, w->draft.routes, sizeof(alias.routes));
        alias.route_count = w->draft.route_count;
    }
    alias.updated_at = d->asker.now;
    put_alias(d, &alias, object->revision);
}

static void update_begin(struct deed *d)
{
    ask_parts(d);
    deed_go(d, update_decide);
}

static struct deed *naming_new(struct catalog *c, const struct catalog_asker *who,
                               const struct catalog_alias_draft *draft)
{
    struct deed *d = deed_new(c, who, sizeof(struct naming));
    struct naming *w = d->work;
    w->draft = *draft;
    w->draft.machine = arn_copy(d->arena, &draft->machine);
    w->draft.name = arena_str(d->arena, draft->name);
    w->draft.description = arena_str(d->arena, draft->description);
    return d;
}

void catalog_create_alias(struct catalog *c, const struct catalog_asker *who,
                          const struct catalog_alias_draft *draft)
{
    deed_begin(naming_new(c, who, draft), create_begin);
}

void catalog_update_alias(struct catalog *c, const struct catalog_asker *who,
                          const struct catalog_alias_draft *draft)
{
    deed_begin(naming_new(c, who, draft), update_begin);
}

/* ---- delete, find ---- */

static void ask_alias(struct deed *d, const struct arn *alias)
{
    deed_ask_machine(d, alias->name);
    d->one = deed_ask_object(d, "alias", part_name(d->arena, alias->name, alias->qualifier));
}

static void delete_decide(struct deed *d)
{
    const struct arn *alias = d->work;
    const struct object_row *object = deed_object(d->one);
    struct ledger ledger;
    if (!object || !deed_machine_row(d, alias->unqualified)) {
        deed_done(d);
        return;
    }
    if (!ledger_read(d, &ledger))
        return;
    deed_drop(d, "alias", object->name, object->revision);
    ledger_put(d, alias->name, &ledger);
    deed_commit(d, deed_done);
}

static void delete_begin(struct deed *d)
{
    ask_alias(d, d->work);
    deed_go(d, delete_decide);
}

static void find_decide(struct deed *d)
{
    const struct arn *alias = d->work;
    const struct object_row *object = deed_object(d->one);
    if (!object || !deed_machine_row(d, alias->unqualified))
        deed_refuse(d, CATALOG_ALIAS_MISSING);
    else if (alias_of_object(d, object, alias->unqualified, &d->answer.alias))
        deed_done(d);
}

static void find_begin(struct deed *d)
{
    ask_alias(d, d->work);
    deed_go(d, find_decide);
}

static void begin_of(struct catalog *c, const struct catalog_asker *who, const struct arn *alias,
                     deed_step *begin)
{
    struct deed *d = deed_new(c, who, sizeof(struct arn));
    struct arn *kept = d->work;
    *kept = arn_copy(d->arena, alias);
    deed_begin(d, begin);
}

void catalog_delete_alias(struct catalog *c, const struct catalog_asker *who,
                          const struct arn *alias)
{
    begin_of(c, who, alias, delete_begin);
}

void catalog_find_alias(struct catalog *c, const struct catalog_asker *who, const struct arn *alias)
{
    begin_of(c, who, alias, find_begin);
}

/* ---- list ---- */

struct listing {
    struct arn machine;
    struct str after;
    size_t count_max;
};

static void list_done(struct deed *d)
{
    const struct listing *l = d->work;
    const struct deed_read *read = d->one;
    struct catalog_alias *items = ARENA_ARRAY(d->arena, struct catalog_alias, read->count), alias;
    if (!deed_machine_row(d, l->machine.unqualified)) {
        deed_refuse(d, CATALOG_MACHINE_MISSING);
        return;
    }
    for (size_t i = 0; i < read->count; i++) {
        if (!alias_of_object(d, &read->objects[i], l->machine.unqualified, &alias))
            return;
        if (str_compare(alias.name, l->after) <= 0 ||
            (l->machine.version && !alias_leads_to(&alias, l->machine.version)))
            continue;
        if (d->answer.count == l->count_max) {
            d->answer.more = true;
            break;
        }
        items[d->answer.count++] = alias;
    }
    d->answer.aliases = items;
    deed_done(d);
}

static void list_begin(struct deed *d)
{
    deed_go(d, list_done);
}

void catalog_list_aliases(struct catalog *c, const struct catalog_asker *who,
                          const struct arn *machine, struct str after, size_t count_max)
{
    struct deed *d = deed_new(c, who, sizeof(struct listing));
    struct listing *l = d->work;
    l->machine = arn_copy(d->arena, machine);
    l->after = arena_str(d->arena, after);
    l->count_max = count_max;
    d->machine = deed_ask(d, STORE_GET_MACHINE, l->machine.name);
    d->one = deed_ask_all(d, "alias", part_name(d->arena, l->machine.name, STR("")));
    deed_begin(d, list_begin);
}
