/* What is due: once a recovered execution has ended its checks are made again, and until
 * that is noted in its journal the store has a mark of it, an object of the kind "check".
 * The mark is put by the commit that carries the recovery out and deleted by the commit of
 * the note. So a process that comes after one that died finds it, without looking at any
 * journal.
 *
 * Its name is "<id of the execution>/<turn of the recovery>", its body [[step, state], ...].
 */
#include "engine/recovery_internal.h"

#define KIND STR("check")

/* ---- marks ---- */

static struct str mark_name(struct arena *a, struct uuid id, uint32_t turn)
{
    char text[UUID_TEXT_LEN];
    uuid_format(id, text);
    return arena_printf(a, "%.*s/%u", UUID_TEXT_LEN, text, turn);
}

struct str recoveries_due_body(const struct recovery *r, struct arena *a)
{
    struct json_array_builder list = json_array_builder(a);
    for (size_t i = 0; i < r->check_count; i++) {
        struct json_array_builder pair = json_array_builder(a);
        json_array_add(&pair, json_int(r->checks[i].step));
        json_array_add(&pair, json_int(r->checks[i].state->number));
        json_array_add(&list, json_array_done(&pair));
    }
    return r->check_count ? json_text(a, json_array_done(&list)) : STR("");
}

void recoveries_mark(struct flight *f)
{
    const struct pending *p = f->pending;
    struct object_row mark = {.kind = KIND, .created_at = f->turn.at};
    if (p->checks_due.len) {
        mark.name = mark_name(f->arena, f->slot->row.id, f->turn.number);
        mark.body = p->checks_due;
        flight_write(f, STORE_PUT_OBJECT)->u.object = mark;
    }
    if (p->checks_made.len) {
        mark.name = p->checks_made;
        flight_write(f, STORE_DELETE_OBJECT)->u.object = mark;
    }
}

void recoveries_know_mark(struct recovery *r, struct uuid id, uint32_t turn)
{
    r->mark = mark_name(r->arena, id, turn);
}

/* ---- looking for them ---- */

static void searched(void *arg, const struct err *err)
{
    struct engine *e = arg;
    struct due_search *d = &e->recoveries.search;
    e->store_waits--;
    d->waiting = false;
    d->failed = err != NULL;
    if (err)
        d->err = *err;
}

/* The page behind this name. */
static void search(struct engine *e, struct str after)
{
    struct due_search *d = &e->recoveries.search;
    struct arena *page = arena_new(0);
    d->read = (struct store_read){
        .kind = STORE_LIST_OBJECTS,
        .org = e->options.org,
        .object_kind = KIND,
        .name = arena_str(page, after),
        .arena = page,
        .done = searched,
        .arg = e,
    };
    arena_free(d->arena);
    d->arena = page;
    d->waiting = true;
    e->store_waits++;
    store_read(e->options.store, &d->read);
}

void recoveries_begin(struct engine *e)
{
    if (e->options.checks_due && e->options.tasks.check)
        search(e, STR(""));
}

static bool key_of_mark(struct str name, execution_key *ret_key)
{
    struct uuid id;
    return uuid_parse(str_slice(name, 0, str_find_char(name, '/')), &id) &&
           execution_key_of_uuid(id, ret_key);
}

static void mark_is_damaged(struct engine *e, execution_key key, struct str name)
{
    struct err err;
    err_set(
        &err, ERR_CORRUPT,
        "what is to be checked again after a recovery cannot be read (table object, check " STR_FMT
        "): it is left out",
        STR_ARG(name));
    engine_trouble(e, key, &err, (struct wall_ms){0});
}

/* Which states they are is known once the definition is. */
static void take_up(struct engine *e, const struct object_row *mark)
{
    execution_key key = 0;
    if (!key_of_mark(mark->name, &key)) {
        mark_is_damaged(e, 0, mark->name);
        return;
    }
    struct recovery *r = recoveries_new_due(e, key);
    r->mark = arena_str(r->arena, mark->name);
    r->due = arena_str(r->arena, mark->body);
}

static void search_failed(struct engine *e)
{
    const struct err *err = &e->recoveries.search.err;
    if (store_error_is_final(err->code) && err->code != ERR_CORRUPT)
        engine_die(e, err);
    else
        engine_trouble(e, 0, err, (struct wall_ms){0});
}

bool recoveries_are_searched(const struct engine *e)
{
    return e->recoveries.search.arena != NULL;
}

bool recoveries_search_ready(const struct engine *e)
{
    return e->recoveries.search.arena && !e->recoveries.search.waiting && !e->dead;
}

void recoveries_search_on(struct engine *e)
{
    struct due_search *d = &e->recoveries.search;
    if (d->failed)
        search_failed(e);
    for (size_t i = 0; i < d->read.count && !d->failed; i++)
        take_up(e, &d->read.objects[i]);
    if (!d->failed && d->read.more && d->read.count) {
        search(e, d->read.objects[d->read.count - 1].name);
        return;
    }
    arena_free(d->arena);
    d->arena = NULL;
}

/* ---- one that was found ---- */

/* Every pair is a step and a state that has a check. */
static bool read_checks(struct recovery *r)
{
    const struct machine *machine = r->machine->machine;
    struct json list;
    struct err err;
    if (!json_parse(r->arena, r->due, (struct json_limits){0}, JSON_DUPLICATES_LAST, &list, &err))
        return false;
    r->check_count = json_count(list);
    r->checks = ARENA_ARRAY(r->arena, struct check, r->check_count);
    for (size_t i = 0; i < r->check_count; i++) {
        int64_t step = -1, state = -1;
        struct json pair = json_at(list, i);
        if (!json_to_int64(json_at(pair, 0), &step) || !json_to_int64(json_at(pair, 1), &state) ||
            step < 0 || step >= STEP_NO_NONE || state < 0 || state >= machine->state_count ||
            !machine->states[state].verify)
            return false;
        r->checks[i] = (struct check){.state = &machine->states[state], .step = (uint32_t)step};
    }
    return r->check_count > 0;
}

void recoveries_due_told(struct recovery *r)
{
    if (read_checks(r)) {
        recoveries_watch(r);
        return;
    }
    mark_is_damaged(r->engine, r->key, r->mark);
    recoveries_answer(r, NULL);
}
