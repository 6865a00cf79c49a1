#include "catalog/catalog_internal.h"

#include "base/panic.h"

#include <stdlib.h>

/* ---- the catalog ---- */

struct catalog *catalog_new(const struct catalog_options *options)
{
    struct catalog *c = calloc(1, sizeof(*c));
    if (!c)
        panic(__FILE__, __LINE__, "out of memory");
    c->options = *options;
    c->rng = rng_seeded(options->seed);
    return c;
}

static void deed_free(struct deed *d)
{
    *d->link = d->next;
    if (d->next)
        d->next->link = d->link;
    for (struct deed_read *r = d->reads; r; r = r->also)
        arena_free(r->arena);
    arena_free(d->arena);
}

void catalog_forget(struct catalog *c)
{
    c->changes++;
    for (size_t i = 0; i < CATALOG_KNOWN_MAX; i++) {
        arena_free(c->known[i].arena);
        c->known[i].arena = NULL;
    }
}

void catalog_free(struct catalog *c)
{
    if (!c)
        return;
    while (c->deeds)
        deed_free(c->deeds);
    catalog_forget(c);
    free(c);
}

/* ---- life ---- */

struct deed *deed_new(struct catalog *c, const struct catalog_asker *who, size_t work_size)
{
    struct arena *arena = arena_new(0);
    struct deed *d = ARENA_NEW(arena, struct deed);
    *d = (struct deed){.catalog = c, .arena = arena, .asker = *who};
    d->work = arena_zalloc(arena, 1, work_size);
    ASSERT(!*who->place);
    *who->place = d;
    d->next = c->deeds;
    d->link = &c->deeds;
    if (d->next)
        d->next->link = &d->next;
    c->deeds = d;
    return d;
}

void deed_begin(struct deed *d, deed_step *begin)
{
    d->begin = begin;
    begin(d);
}

static void end(struct deed *d)
{
    if (d->asker.place) {
        *d->asker.place = NULL;
        d->asker.done(d->asker.owner, &d->answer);
    }
    deed_free(d);
}

void deed_done(struct deed *d)
{
    d->answer.outcome = CATALOG_DONE;
    end(d);
}

void deed_refuse(struct deed *d, enum catalog_outcome why)
{
    d->answer.outcome = why;
    end(d);
}

void deed_fail(struct deed *d, const struct err *err)
{
    d->err = *err;
    d->answer.err = &d->err;
    deed_refuse(d, CATALOG_FAILED);
}

void deed_abandon(struct deed *d)
{
    if (!d)
        return;
    *d->asker.place = NULL;
    d->asker.place = NULL;
}

/* ---- reading ---- */

struct deed_read *deed_ask(struct deed *d, enum store_read_kind kind, struct str name)
{
    struct deed_read *r = ARENA_NEW(d->arena, struct deed_read);
    r->deed = d;
    r->arena = arena_new(0);
    r->also = d->reads;
    d->reads = r;
    r->read.kind = kind;
    r->read.name = name;
    r->next = d->asked;
    d->asked = r;
    return r;
}

struct deed_read *deed_ask_object(struct deed *d, const char *kind, struct str name)
{
    struct deed_read *r = deed_ask(d, STORE_GET_OBJECT, name);
    r->read.object_kind = str_of_cstr(kind);
    return r;
}

struct deed_read *deed_ask_all(struct deed *d, const char *kind, struct str prefix)
{
    struct deed_read *r = deed_ask(d, STORE_LIST_OBJECTS, STR(""));
    r->read.object_kind = str_of_cstr(kind);
    r->read.prefix = prefix;
    r->all = true;
    return r;
}

static void submit(struct deed_read *r);

static void keep_page(struct deed_read *r)
{
    for (size_t i = 0; i < r->read.count; i++) {
        r->objects =
            arena_grow(r->deed->arena, r->objects, r->count, &r->capacity, sizeof(*r->objects));
        r->objects[r->count++] = r->read.objects[i];
    }
}

static void read_done(void *arg, const struct err *err)
{
    struct deed_read *r = arg;
    struct deed *d = r->deed;
    if (err && err->code != ERR_NOT_FOUND && d->err.code == ERR_NONE)
        d->err = *err;
    if (!err && r->read.objects)
        keep_page(r);
    if (!err && r->all && r->read.more) {
        r->read.name = r->objects[r->count - 1].name;
        submit(r);
        return;
    }
    if (--d->waiting > 0)
        return;
    if (d->err.code == ERR_NONE) {
        d->step(d);
        return;
    }
    d->answer.err = &d->err;
    deed_refuse(d, CATALOG_FAILED);
}

static void submit(struct deed_read *r)
{
    const struct catalog_options *o = &r->deed->catalog->options;
    r->read.org = o->org;
    r->read.arena = r->arena;
    r->read.done = read_done;
    r->read.arg = r;
    store_read(o->store, &r->read);
}

void deed_go(struct deed *d, deed_step *step)
{
    const struct catalog_options *o = &d->catalog->options;
    d->step = step;
    while (d->asked) {
        struct deed_read *r = d->asked;
        d->asked = r->next;
        d->waiting++;
        submit(r);
    }
    ASSERT(d->waiting > 0);
    o->wake(o->arg);
}

const struct object_row *deed_object(const struct deed_read *r)
{
    return r->count ? &r->objects[0] : NULL;
}

bool deed_parse(struct deed *d, const struct object_row *object, struct json *ret_body)
{
    struct err err;
    if (json_parse(d->arena, object->body, (struct json_limits){0}, JSON_DUPLICATES_LAST, ret_body,
                   &err))
        return true;
    err_set(&err, ERR_CORRUPT, "the " STR_FMT " " STR_FMT " is damaged (table object, column body)",
            STR_ARG(object->kind), STR_ARG(object->name));
    deed_fail(d, &err);
    return false;
}

bool deed_body(struct deed *d, const struct deed_read *r, struct json *ret_body)
{
    *ret_body = JSON_NONE;
    return r->count == 0 || deed_parse(d, &r->objects[0], ret_body);
}

/* ---- writing ---- */

struct store_write *deed_write(struct deed *d, enum store_write_kind kind)
{
    d->writes =
        arena_grow(d->arena, d->writes, d->write_count, &d->write_capacity, sizeof(*d->writes));
    struct store_write *w = &d->writes[d->write_count++];
    *w = (struct store_write){.kind = kind, .org = d->catalog->options.org};
    return w;
}

void deed_put(struct deed *d, const char *kind, struct str name, uint64_t revision,
              struct json body)
{
    deed_write(d, STORE_PUT_OBJECT)->u.object = (struct object_row){
        .kind = str_of_cstr(kind),
        .name = name,
        .revision = revision,
        .body = json_text(d->arena, body),
        .created_at = d->asker.now,
    };
}

void deed_drop(struct deed *d, const char *kind, struct str name, uint64_t revision)
{
    deed_write(d, STORE_DELETE_OBJECT)->u.object =
        (struct object_row){.kind = str_of_cstr(kind), .name = name, .revision = revision};
}

/* Whatever changes a machine, a version or an alias writes the machine's ledger too. */
static void tell_changes(const struct deed *d)
{
    const struct catalog_options *o = &d->catalog->options;
    for (size_t i = 0; i < d->write_count; i++) {
        const struct store_write *w = &d->writes[i];
        if (w->kind == STORE_PUT_OBJECT && str_eq(w->u.object.kind, STR("machine")))
            o->changed(o->arg, w->u.object.name);
    }
}

/* Another was quicker, or what was to be deleted is gone already: both are seen anew. */
static bool came_too_late(const struct err *err)
{
    return err->code == ERR_CONFLICT || err->code == ERR_NOT_FOUND;
}

static void commit_done(void *arg, const struct err *err)
{
    struct deed *d = arg;
    if (err && came_too_late(err) && ++d->tries < CATALOG_TRIES_MAX) {
        d->write_count = 0;
        d->answer = (struct catalog_answer){0};
        d->begin(d);
        return;
    }
    if (err) {
        deed_fail(d, err);
        return;
    }
    catalog_forget(d->catalog);
    tell_changes(d);
    d->write_count = 0;
    d->step(d);
}

void deed_commit(struct deed *d, deed_step *step)
{
    const struct catalog_options *o = &d->catalog->options;
    d->step = step;
    d->commit = (struct store_commit){
        .shard = o->shard,
        .epoch = o->epoch,
        .writes = d->writes,
        .count = d->write_count,
        .done = commit_done,
        .arg = d,
    };
    store_commit(o->store, &d->commit);
    o->wake(o->arg);
}
