/* Revisions of a machine: find one, with its definition; list. */
#include "catalog/catalog_internal.h"

/* An object of a revision, as the machine that it was. */
static bool revision_of_object(struct deed *d, const struct object_row *object, struct str arn,
                               struct catalog_machine *to)
{
    struct json body;
    if (!deed_parse(d, object, &body))
        return false;
    *to = (struct catalog_machine){
        .name = str_slice(object->name, 0, str_find_char(object->name, ':')),
        .arn = arn,
    };
    machine_read(d->arena, body, to);
    to->created_at = object->created_at;
    return true;
}

/* ---- find ---- */

static void definition_read(struct deed *d)
{
    if (deed_take_definition(d))
        deed_done(d);
}

static void find_decide(struct deed *d)
{
    const struct str *wanted = d->work;
    const struct object_row *object = deed_object(d->one);
    struct catalog_machine *m = &d->answer.machine;
    if (d->machine->read.count == 0) {
        deed_refuse(d, CATALOG_MACHINE_MISSING);
        return;
    }
    if (!machine_of_row(d, &d->machine->read.machines[0], m))
        return;
    d->answer.is_current = str_eq(m->revision, *wanted);
    if (object && !revision_of_object(d, object, m->arn, m))
        return;
    if (object || d->answer.is_current)
        deed_go_definition(d, definition_read);
    else
        deed_refuse(d, CATALOG_REVISION_MISSING);
}

static void find_begin(struct deed *d)
{
    deed_go(d, find_decide);
}

void catalog_find_revision(struct catalog *c, const struct catalog_asker *who, struct str name,
                           struct str revision)
{
    struct deed *d = deed_new(c, who, sizeof(struct str));
    struct str *wanted = d->work;
    *wanted = arena_str(d->arena, revision);
    d->machine = deed_ask(d, STORE_GET_MACHINE, arena_str(d->arena, name));
    d->one = deed_ask_object(d, "revision", part_name(d->arena, name, revision));
    deed_begin(d, find_begin);
}

/* ---- list ---- */

struct listing {
    struct str name, after;
    size_t count_max;
    struct deed_read *page;
};

static void list_done(struct deed *d)
{
    const struct listing *w = d->work;
    const struct deed_read *page = w->page;
    const struct catalog_machine *current = &d->answer.machine;
    struct catalog_machine *items = ARENA_ARRAY(d->arena, struct catalog_machine, page->count + 1);
    for (size_t i = 0; i < page->count; i++)
        if (!revision_of_object(d, &page->objects[i], current->arn, &items[i]))
            return;
    d->answer.items = items;
    d->answer.count = page->count;
    d->answer.more = page->read.more;
    if (!d->answer.more && !deed_object(d->one))
        items[d->answer.count++] = *current;
    deed_done(d);
}

static void list_decide(struct deed *d)
{
    struct listing *w = d->work;
    struct catalog_machine *current = &d->answer.machine;
    if (d->machine->read.count == 0) {
        deed_refuse(d, CATALOG_MACHINE_MISSING);
        return;
    }
    if (!machine_of_row(d, &d->machine->read.machines[0], current))
        return;
    d->one = deed_ask_object(d, "revision", part_name(d->arena, w->name, current->revision));
    w->page = deed_ask(d, STORE_LIST_OBJECTS, STR(""));
    w->page->read.object_kind = STR("revision");
    w->page->read.prefix = part_name(d->arena, w->name, STR(""));
    w->page->read.rows_max = w->count_max;
    if (w->after.len)
        w->page->read.name = part_name(d->arena, w->name, w->after);
    deed_go(d, list_done);
}

static void list_begin(struct deed *d)
{
    const struct listing *w = d->work;
    d->machine = deed_ask(d, STORE_GET_MACHINE, w->name);
    deed_go(d, list_decide);
}

void catalog_list_revisions(struct catalog *c, const struct catalog_asker *who, struct str name,
                            struct str after, size_t count_max)
{
    struct deed *d = deed_new(c, who, sizeof(struct listing));
    struct listing *w = d->work;
    w->name = arena_str(d->arena, name);
    w->after = arena_str(d->arena, after);
    w->count_max = count_max;
    deed_begin(d, list_begin);
}
