/* Versions that are there: delete, list. Giving new ones is machines.c's. */
#include "catalog/catalog_internal.h"

/* ---- delete ---- */

struct retirement {
    struct arn version;
    struct deed_read *aliases;
};

/* "a, b": the aliases that lead to it; empty when none does. False: the deed has ended. */
static bool find_users(struct deed *d, struct str *ret_names)
{
    const struct retirement *w = d->work;
    struct buf names = BUF_INIT(0);
    struct catalog_alias alias;
    for (size_t i = 0; i < w->aliases->count; i++) {
        if (!alias_of_object(d, &w->aliases->objects[i], w->version.unqualified, &alias)) {
            buf_release(&names);
            return false;
        }
        if (alias_leads_to(&alias, w->version.version))
            buf_printf(&names, "%s" STR_FMT, names.len ? ", " : "", STR_ARG(alias.name));
    }
    *ret_names = arena_str(d->arena, buf_str(&names));
    buf_release(&names);
    return true;
}

static void delete_decide(struct deed *d)
{
    const struct retirement *w = d->work;
    const struct object_row *object = deed_object(d->one);
    struct ledger ledger;
    if (!object || !deed_machine_row(d, w->version.unqualified)) {
        deed_done(d);
        return;
    }
    if (!find_users(d, &d->answer.subject) || !ledger_read(d, &ledger))
        return;
    if (d->answer.subject.len) {
        deed_refuse(d, CATALOG_VERSION_IN_USE);
        return;
    }
    if (ledger.current == w->version.version)
        ledger.current = 0;
    ledger.count -= ledger.count > 0;
    deed_drop(d, "version", object->name, object->revision);
    ledger_put(d, w->version.name, &ledger);
    deed_commit(d, deed_done);
}

static void delete_begin(struct deed *d)
{
    struct retirement *w = d->work;
    struct str part = version_part(d->arena, w->version.version);
    deed_ask_machine(d, w->version.name);
    d->one = deed_ask_object(d, "version", part_name(d->arena, w->version.name, part));
    w->aliases = deed_ask_all(d, "alias", part_name(d->arena, w->version.name, STR("")));
    deed_go(d, delete_decide);
}

void catalog_delete_version(struct catalog *c, const struct catalog_asker *who,
                            const struct arn *version)
{
    struct deed *d = deed_new(c, who, sizeof(struct retirement));
    struct retirement *w = d->work;
    ASSERT(version->kind == ARN_VERSION);
    w->version = arn_copy(d->arena, version);
    deed_begin(d, delete_begin);
}

/* ---- list ---- */

static void list_done(struct deed *d)
{
    const struct arn *machine = d->work;
    const struct deed_read *read = d->one;
    struct catalog_machine *items = ARENA_ARRAY(d->arena, struct catalog_machine, read->count);
    struct json body;
    if (!deed_machine_row(d, machine->unqualified)) {
        deed_done(d);
        return;
    }
    for (size_t i = 0; i < read->count; i++) {
        const struct object_row *object = &read->objects[i];
        int64_t number = 0;
        if (!deed_parse(d, object, &body))
            return;
        machine_read(d->arena, body, &items[i]);
        (void)str_to_int64(object_part(object->name), &number);
        items[i].name = machine->name;
        items[i].arn = machine->unqualified;
        items[i].version = (uint32_t)number;
        items[i].created_at = object->created_at;
    }
    d->answer.items = items;
    d->answer.count = read->count;
    d->answer.more = read->read.more;
    deed_done(d);
}

static void list_begin(struct deed *d)
{
    deed_go(d, list_done);
}

void catalog_list_versions(struct catalog *c, const struct catalog_asker *who,
                           const struct arn *machine, uint32_t before, size_t count_max)
{
    struct deed *d = deed_new(c, who, sizeof(struct arn));
    struct arn *kept = d->work;
    *kept = arn_copy(d->arena, machine);
    d->machine = deed_ask(d, STORE_GET_MACHINE, kept->name);
    d->one = deed_ask(d, STORE_LIST_OBJECTS, STR(""));
    d->one->read.object_kind = STR("version");
    d->one->read.prefix = part_name(d->arena, kept->name, STR(""));
    d->one->read.backwards = true;
    d->one->read.rows_max = count_max;
    if (before)
        d->one->read.name = part_name(d->arena, kept->name, version_part(d->arena, before));
    deed_begin(d, list_begin);
}
