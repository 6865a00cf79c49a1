/* From an ARN to a machine, a version, or what an alias leads to, with its definition. */
#include "catalog/catalog_internal.h"

struct search {
    struct arn arn;
    uint64_t changes; /* when it began */
};

/* ---- what was found lately ---- */

/* Starts ask again and again for the same few. An alias is asked for each time. */
static struct known_find *place_of(struct catalog *c, struct str arn)
{
    return &c->known[str_hash(arn) % CATALOG_KNOWN_MAX];
}

/* Not when something changed since it was asked: what was read may be older. */
static void keep(struct deed *d)
{
    const struct search *s = d->work;
    const struct catalog_machine *m = &d->answer.machine;
    struct known_find *k = place_of(d->catalog, s->arn.text);
    if (s->arn.kind == ARN_ALIAS || s->changes != d->catalog->changes ||
        m->text.len > CATALOG_KNOWN_SIZE_MAX)
        return;
    arena_free(k->arena);
    k->arena = arena_new(0);
    k->arn = arena_str(k->arena, s->arn.text);
    k->machine = *m;
    k->machine.name = arena_str(k->arena, m->name);
    k->machine.arn = arena_str(k->arena, m->arn);
    k->machine.description = arena_str(k->arena, m->description);
    k->machine.revision = arena_str(k->arena, m->revision);
    k->machine.settings = catalog_settings_whole(k->arena, &m->settings);
    k->machine.text = arena_str(k->arena, m->text);
}

static const struct catalog_machine *known(struct catalog *c, struct str arn)
{
    const struct known_find *k = place_of(c, arn);
    return k->arena && str_eq(k->arn, arn) ? &k->machine : NULL;
}

/* ---- finding ---- */

static void definition_read(struct deed *d)
{
    if (!deed_take_definition(d))
        return;
    keep(d);
    deed_done(d);
}

static void version_read(struct deed *d)
{
    const struct object_row *object = deed_object(d->one);
    struct catalog_machine *m = &d->answer.machine;
    struct json body;
    if (!object) {
        deed_refuse(d, CATALOG_VERSION_MISSING);
        return;
    }
    if (!deed_parse(d, object, &body))
        return;
    machine_read(d->arena, body, m);
    m->created_at = m->updated_at = object->created_at;
    deed_go_definition(d, definition_read);
}

static void ask_version(struct deed *d, uint32_t version)
{
    struct str part = version_part(d->arena, version);
    d->answer.machine.version = version;
    d->one = deed_ask_object(d, "version", part_name(d->arena, d->answer.machine.name, part));
    deed_go(d, version_read);
}

/* By weight; of one route its weight is all. */
static uint32_t throw_dice(struct catalog *c, const struct catalog_alias *alias)
{
    uint64_t total = 0, at;
    for (size_t i = 0; i < alias->route_count; i++)
        total += alias->routes[i].weight;
    at = rng_below(&c->rng, total ? total : 1);
    for (size_t i = 0; i < alias->route_count; i++) {
        if (at < alias->routes[i].weight)
            return alias->routes[i].version;
        at -= alias->routes[i].weight;
    }
    return alias->routes[0].version;
}

static void alias_read(struct deed *d)
{
    const struct search *s = d->work;
    const struct object_row *object = deed_object(d->one);
    if (!object) {
        deed_refuse(d, CATALOG_ALIAS_MISSING);
        return;
    }
    if (!alias_of_object(d, object, s->arn.unqualified, &d->answer.alias))
        return;
    d->answer.by_alias = true;
    ask_version(d, throw_dice(d->catalog, &d->answer.alias));
}

static void machine_found(struct deed *d)
{
    const struct search *s = d->work;
    const struct machine_row *row = deed_machine_row(d, s->arn.unqualified);
    if (!row) {
        deed_refuse(d, CATALOG_MACHINE_MISSING);
        return;
    }
    if (!machine_of_row(d, row, &d->answer.machine))
        return;
    if (s->arn.kind == ARN_VERSION) {
        ask_version(d, s->arn.version);
    } else if (s->arn.kind == ARN_ALIAS) {
        d->one = deed_ask_object(d, "alias", part_name(d->arena, s->arn.name, s->arn.qualifier));
        deed_go(d, alias_read);
    } else {
        deed_go_definition(d, definition_read);
    }
}

static void find_begin(struct deed *d)
{
    struct search *s = d->work;
    s->changes = d->catalog->changes;
    d->machine = deed_ask(d, STORE_GET_MACHINE, s->arn.name);
    deed_go(d, machine_found);
}

void catalog_find_machine(struct catalog *c, const struct catalog_asker *who, const struct arn *any)
{
    const struct catalog_machine *machine = known(c, any->text);
    if (machine) {
        who->done(who->owner, &(struct catalog_answer){.machine = *machine});
        return;
    }
    struct deed *d = deed_new(c, who, sizeof(struct search));
    struct search *s = d->work;
    s->arn = arn_copy(d->arena, any);
    deed_begin(d, find_begin);
}

struct str catalog_origin(struct arena *a, const struct catalog_answer *answer, struct str trace)
{
    const struct catalog_machine *m = &answer->machine;
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("revision"), json_string(m->revision));
    if (m->version)
        json_object_add(&b, STR("version"), json_string(arn_of_version(a, m->arn, m->version)));
    if (answer->by_alias)
        json_object_add(&b, STR("alias"), json_string(arn_of_alias(a, m->arn, answer->alias.name)));
    if (trace.len)
        json_object_add(&b, STR("trace"), json_string(trace));
    return json_text(a, json_object_done(&b));
}
