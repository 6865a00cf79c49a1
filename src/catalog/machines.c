/* Machines: create, update, delete, find, list. */
#include "catalog/catalog_internal.h"

const struct machine_row *deed_machine_row(const struct deed *d, struct str arn)
{
    const struct store_read *read = &d->machine->read;
    return read->count && str_eq(read->machines[0].arn, arn) ? &read->machines[0] : NULL;
}

void deed_ask_machine(struct deed *d, struct str name)
{
    d->machine = deed_ask(d, STORE_GET_MACHINE, name);
    d->ledger = deed_ask_object(d, "machine", name);
}

void deed_go_definition(struct deed *d, deed_step *step)
{
    d->definition = deed_ask(d, STORE_GET_DEFINITION, STR(""));
    memcpy(d->definition->read.hash, d->answer.machine.definition, SHA256_SIZE);
    deed_go(d, step);
}

bool deed_take_definition(struct deed *d)
{
    struct err err;
    d->answer.machine.text = d->definition->read.text;
    if (d->definition->read.found)
        return true;
    err_set(&err, ERR_CORRUPT, "the definition of the state machine " STR_FMT " is missing",
            STR_ARG(d->answer.machine.name));
    deed_fail(d, &err);
    return false;
}

/* ---- what changes write ---- */

static void put_definition(struct deed *d, const struct catalog_machine *m, struct str text)
{
    struct store_write *w = deed_write(d, STORE_PUT_DEFINITION);
    memcpy(w->u.definition.hash, m->definition, SHA256_SIZE);
    w->u.definition.text = text;
}

/* The row, and the revision beside it. */
static void put_machine(struct deed *d, const struct catalog_machine *m)
{
    struct json body = machine_body(d->arena, m);
    struct machine_row row = {
        .name = m->name,
        .arn = m->arn,
        .created_at = m->created_at,
        .updated_at = m->updated_at,
        .body = json_text(d->arena, body),
    };
    memcpy(row.definition, m->definition, SHA256_SIZE);
    deed_write(d, STORE_PUT_MACHINE)->u.machine = row;
    deed_put(d, "revision", part_name(d->arena, m->name, m->revision), 0, body);
}

bool version_give(struct deed *d, const struct catalog_machine *m, struct ledger *l,
                  struct str description)
{
    struct catalog_machine version = *m;
    if (l->count >= CATALOG_VERSIONS_MAX || l->last == UINT32_MAX) {
        deed_refuse(d, CATALOG_VERSIONS_FULL);
        return false;
    }
    version.version = l->current = ++l->last;
    l->count++;
    version.description = description;
    version.created_at = d->asker.now;
    deed_put(d, "version", part_name(d->arena, m->name, version_part(d->arena, version.version)), 0,
             machine_body(d->arena, &version));
    d->answer.machine = version;
    return true;
}

static struct str new_revision(struct deed *d)
{
    char text[UUID_TEXT_LEN];
    uuid_format(uuid_v4(&d->catalog->rng), text);
    return arena_str(d->arena, str_of(text, UUID_TEXT_LEN));
}

/* ---- create ---- */

struct creation {
    struct catalog_machine machine;
    struct catalog_draft draft;
};

/* The same request once more: it answers as it did. */
static void create_again(struct deed *d, const struct machine_row *row)
{
    const struct creation *w = d->work;
    const struct catalog_settings *wanted = &w->machine.settings;
    struct catalog_machine there;
    struct ledger ledger;
    if (!machine_of_row(d, row, &there) || !ledger_read(d, &ledger))
        return;
    bool same = str_eq(there.arn, w->machine.arn) &&
                memcmp(there.definition, w->machine.definition, SHA256_SIZE) == 0 &&
                there.settings.express == wanted->express &&
                json_equal(there.settings.logging, wanted->logging) &&
                json_equal(there.settings.tracing, wanted->tracing) &&
                json_equal(there.settings.encryption, wanted->encryption) &&
                ledger.published == w->draft.publish &&
                str_eq(ledger.description, w->draft.description);
    there.version = ledger.published ? 1 : 0;
    d->answer.machine = there;
    if (same)
        deed_done(d);
    else
        deed_refuse(d, CATALOG_MACHINE_EXISTS);
}

static void create_decide(struct deed *d)
{
    const struct creation *w = d->work;
    const struct object_row *tags = deed_object(d->tags);
    struct ledger ledger;
    if (d->machine->read.count) {
        create_again(d, &d->machine->read.machines[0]);
        return;
    }
    if (!ledger_read(d, &ledger))
        return;
    if (is_full(d->others, d->catalog->options.machines_max)) {
        deed_refuse(d, CATALOG_MACHINES_FULL);
        return;
    }
    ledger = (struct ledger){.revision = ledger.revision,
                             .published = w->draft.publish,
                             .description = w->draft.description};
    d->answer.machine = w->machine;
    put_definition(d, &w->machine, w->draft.definition);
    put_machine(d, &w->machine);
    if (w->draft.publish && !version_give(d, &w->machine, &ledger, w->draft.description))
        return;
    ledger_put(d, w->machine.name, &ledger);
    if (json_count(w->draft.tags))
        deed_put(d, "tags", w->machine.arn, tags ? tags->revision : 0, w->draft.tags);
    deed_commit(d, deed_done);
}

static void create_begin(struct deed *d)
{
    const struct creation *w = d->work;
    deed_ask_machine(d, w->machine.name);
    d->tags = deed_ask_object(d, "tags", w->machine.arn);
    d->others = deed_ask(d, STORE_COUNT_MACHINES, STR(""));
    deed_go(d, create_decide);
}

void catalog_create_machine(struct catalog *c, const struct catalog_asker *who,
                            const struct catalog_draft *draft)
{
    struct deed *d = deed_new(c, who, sizeof(struct creation));
    struct creation *w = d->work;
    struct arena *a = d->arena;
    w->draft.definition = arena_str(a, draft->definition);
    w->draft.tags = json_copy(a, draft->tags);
    w->draft.publish = draft->publish;
    w->draft.description = arena_str(a, draft->description);
    w->machine = (struct catalog_machine){
        .name = arena_str(a, draft->name),
        .arn = arena_str(a, draft->arn),
        .revision = STR(CATALOG_FIRST_REVISION),
        .settings = catalog_settings_whole(a, &draft->settings),
        .created_at = who->now,
        .updated_at = who->now,
    };
    sha256(draft->definition, w->machine.definition);
    deed_begin(d, create_begin);
}

/* ---- update ---- */

static bool settings_equal(const struct catalog_machine *a, const struct catalog_machine *b)
{
    const struct catalog_settings *x = &a->settings, *y = &b->settings;
    return memcmp(a->definition, b->definition, SHA256_SIZE) == 0 &&
           str_eq(x->role_arn, y->role_arn) && json_equal(x->logging, y->logging) &&
           json_equal(x->tracing, y->tracing) && json_equal(x->encryption, y->encryption);
}

static struct json changed_part(struct json given, struct json there)
{
    return json_is_absent(given) ? there : given;
}

static void apply_change(const struct catalog_change *change, struct catalog_machine *m)
{
    struct catalog_settings *s = &m->settings;
    if (change->has_definition)
        sha256(change->definition, m->definition);
    if (change->role_arn.len)
        s->role_arn = change->role_arn;
    s->logging = changed_part(change->logging, s->logging);
    s->tracing = changed_part(change->tracing, s->tracing);
    s->encryption = changed_part(change->encryption, s->encryption);
}

/* The version that the ledger says has the current revision, if it has. */
static void update_publish(struct deed *d);

static void update_decide(struct deed *d)
{
    const struct catalog_change *change = d->work;
    const struct machine_row *row = deed_machine_row(d, change->machine.text);
    struct catalog_machine there, m;
    struct ledger ledger;
    if (!row) {
        deed_refuse(d, CATALOG_MACHINE_MISSING);
        return;
    }
    if (!machine_of_row(d, row, &there) || !ledger_read(d, &ledger))
        return;
    m = there;
    apply_change(change, &m);
    d->answer.machine = there;
    if (settings_equal(&there, &m)) {
        if (change->publish)
            update_publish(d);
        else
            deed_done(d);
        return;
    }
    m.revision = new_revision(d);
    m.updated_at = d->asker.now;
    d->answer.machine = m;
    ledger.current = 0;
    if (change->has_definition)
        put_definition(d, &m, change->definition);
    put_machine(d, &m);
    if (change->publish && !version_give(d, &m, &ledger, change->description))
        return;
    ledger_put(d, m.name, &ledger);
    deed_commit(d, deed_done);
}

static void update_begin(struct deed *d)
{
    const struct catalog_change *change = d->work;
    deed_ask_machine(d, change->machine.name);
    deed_go(d, update_decide);
}

void catalog_update_machine(struct catalog *c, const struct catalog_asker *who,
                            const struct catalog_change *change)
{
    struct deed *d = deed_new(c, who, sizeof(struct catalog_change));
    struct catalog_change *kept = d->work;
    *kept = *change;
    kept->machine = arn_copy(d->arena, &change->machine);
    kept->definition = arena_str(d->arena, change->definition);
    kept->role_arn = arena_str(d->arena, change->role_arn);
    kept->logging = json_copy(d->arena, change->logging);
    kept->tracing = json_copy(d->arena, change->tracing);
    kept->encryption = json_copy(d->arena, change->encryption);
    kept->description = arena_str(d->arena, change->description);
    deed_begin(d, update_begin);
}

/* ---- publish, also of what an update did not change ---- */

struct publication {
    struct arn machine;
    struct str revision, description;
};

/* d->answer.machine is the current revision, d->one its version as the ledger has it. */
static void publish_give(struct deed *d, struct str description)
{
    struct catalog_machine m = d->answer.machine;
    struct ledger ledger;
    if (!ledger_read(d, &ledger) || !version_give(d, &m, &ledger, description))
        return;
    ledger_put(d, m.name, &ledger);
    deed_commit(d, deed_done);
}

static void publish_checked(struct deed *d, struct str description)
{
    struct catalog_machine *m = &d->answer.machine, version = *m;
    const struct object_row *object = deed_object(d->one);
    struct json body;
    if (!object) {
        publish_give(d, description);
        return;
    }
    if (!deed_parse(d, object, &body))
        return;
    machine_read(d->arena, body, &version);
    if (!str_eq(version.revision, m->revision)) {
        publish_give(d, description);
        return;
    }
    int64_t number = 0;
    (void)str_to_int64(object_part(object->name), &number);
    m->version = (uint32_t)number;
    m->description = version.description;
    m->created_at = object->created_at;
    deed_done(d);
}

static void ask_current_version(struct deed *d, deed_step *step)
{
    struct ledger ledger;
    if (!ledger_read(d, &ledger))
        return;
    struct str part = version_part(d->arena, ledger.current);
    d->one = deed_ask_object(d, "version", part_name(d->arena, d->answer.machine.name, part));
    deed_go(d, step);
}

static void update_published(struct deed *d)
{
    const struct catalog_change *change = d->work;
    publish_checked(d, change->description);
}

static void update_publish(struct deed *d)
{
    ask_current_version(d, update_published);
}

static void publish_version(struct deed *d)
{
    const struct publication *p = d->work;
    publish_checked(d, p->description);
}

static void publish_decide(struct deed *d)
{
    const struct publication *p = d->work;
    const struct machine_row *row = deed_machine_row(d, p->machine.text);
    if (!row) {
        deed_refuse(d, CATALOG_MACHINE_MISSING);
        return;
    }
    if (!machine_of_row(d, row, &d->answer.machine))
        return;
    if (p->revision.len && !str_eq(p->revision, d->answer.machine.revision)) {
        d->answer.subject = d->answer.machine.revision;
        deed_refuse(d, CATALOG_REVISION_DIFFERS);
        return;
    }
    ask_current_version(d, publish_version);
}

static void publish_begin(struct deed *d)
{
    const struct publication *p = d->work;
    deed_ask_machine(d, p->machine.name);
    deed_go(d, publish_decide);
}

void catalog_publish_version(struct catalog *c, const struct catalog_asker *who,
                             const struct arn *machine, struct str revision, struct str description)
{
    struct deed *d = deed_new(c, who, sizeof(struct publication));
    struct publication *p = d->work;
    p->machine = arn_copy(d->arena, machine);
    p->revision = arena_str(d->arena, revision);
    p->description = arena_str(d->arena, description);
    deed_begin(d, publish_begin);
}

/* ---- delete ---- */

struct deletion {
    struct arn machine;
    struct deed_read *parts[3];
};

static void delete_decide(struct deed *d)
{
    const struct deletion *w = d->work;
    struct ledger ledger;
    if (!deed_machine_row(d, w->machine.text)) {
        deed_done(d);
        return;
    }
    if (!ledger_read(d, &ledger))
        return;
    deed_write(d, STORE_DELETE_MACHINE)->u.machine_name = w->machine.name;
    for (size_t k = 0; k < COUNT_OF(w->parts); k++)
        for (size_t i = 0; i < w->parts[k]->count; i++)
            deed_write(d, STORE_DELETE_OBJECT)->u.object = w->parts[k]->objects[i];
    if (deed_object(d->tags))
        deed_drop(d, "tags", w->machine.text, 0);
    /* It stays: what was decided on the old machine must not hit a new one. */
    ledger_put(d, w->machine.name, &(struct ledger){.revision = ledger.revision});
    deed_commit(d, deed_done);
}

static void delete_begin(struct deed *d)
{
    struct deletion *w = d->work;
    struct str prefix = part_name(d->arena, w->machine.name, STR(""));
    deed_ask_machine(d, w->machine.name);
    d->tags = deed_ask_object(d, "tags", w->machine.text);
    w->parts[0] = deed_ask_all(d, "revision", prefix);
    w->parts[1] = deed_ask_all(d, "version", prefix);
    w->parts[2] = deed_ask_all(d, "alias", prefix);
    deed_go(d, delete_decide);
}

void catalog_delete_machine(struct catalog *c, const struct catalog_asker *who,
                            const struct arn *machine)
{
    struct deed *d = deed_new(c, who, sizeof(struct deletion));
    struct deletion *w = d->work;
    w->machine = arn_copy(d->arena, machine);
    deed_begin(d, delete_begin);
}

/* ---- list ---- */

static void list_done(struct deed *d)
{
    const struct store_read *read = &d->machine->read;
    struct catalog_machine *items = ARENA_ARRAY(d->arena, struct catalog_machine, read->count);
    for (size_t i = 0; i < read->count; i++)
        if (!machine_of_row(d, &read->machines[i], &items[i]))
            return;
    d->answer.items = items;
    d->answer.count = read->count;
    d->answer.more = read->more;
    deed_done(d);
}

static void list_begin(struct deed *d)
{
    deed_go(d, list_done);
}

void catalog_list_machines(struct catalog *c, const struct catalog_asker *who, struct str after,
                           size_t count_max)
{
    struct deed *d = deed_new(c, who, 1);
    d->machine = deed_ask(d, STORE_LIST_MACHINES, arena_str(d->arena, after));
    d->machine->read.rows_max = count_max;
    deed_begin(d, list_begin);
}
