/* Starts: from a command to a slot with its first turn, and names that are taken. */
#include "engine/engine_internal.h"

#include "engine/names.h"
#include "engine/express.h"
#include "engine/nested.h"

void start_push(struct engine *e, struct start_command *c)
{
    if (e->start_last)
        e->start_last->next = c;
    else
        e->start_first = c;
    e->start_last = c;
}

static void start_refused(struct engine *e, struct start_command *c, const struct err *err)
{
    asker_answer(&c->asker, NULL, false, err);
    machine_release(&e->machines, c->machine);
    spare_arena_keep(e, c->arena);
}

bool start_compile(struct engine *e, struct start_command *c, struct err *reterr)
{
    return c->start.cataloged
               ? machine_load(&e->machines, c->start.definition, &c->machine, reterr)
               : machine_compile(&e->machines, c->start.definition, &c->machine, reterr);
}

static bool start_check(struct engine *e, struct start_command *c, struct json *ret_input,
                        struct err *reterr)
{
    const struct engine_start *start = &c->start;
    struct json_limits limits = {.size_max = ENGINE_INPUT_SIZE_MAX};
    if (!name_check(start->machine_name, "the machine's name", reterr))
        return false;
    if (start->name.len && !name_check(start->name, "the execution's name", reterr))
        return false;
    if (!json_parse(c->arena, start->input, limits, JSON_DUPLICATES_LAST, ret_input, reterr)) {
        err_context(reterr, "the input");
        return false;
    }
    return c->machine || start_compile(e, c, reterr);
}

/* New ones append: never below the last, also when the clock goes back. */
static execution_key next_key(struct engine *e)
{
    execution_key key = execution_key_make(e->wall, 0);
    if (key <= e->key_last)
        key = e->key_last + 1;
    e->key_last = key;
    return key;
}

static void fill_row(struct run_slot *s, const struct start_command *c)
{
    const struct engine_start *start = &c->start;
    struct engine *e = s->engine;
    const struct engine_options *o = &e->options;
    struct arena *a = s->arena;
    char id[UUID_TEXT_LEN];
    struct execution_row row = {.key = s->key, .client_named = start->name.len && !start->express};
    row.id =
        c->nested ? nested_row_id(s->key, c->nested) : execution_uuid(s->key, rng_next(&e->rng));
    uuid_format(row.id, id);
    row.name = start->name.len ? start->name : str_of(id, UUID_TEXT_LEN);
    row.machine_name = start->machine_name;
    row.machine_arn = start->machine_arn.len
                          ? start->machine_arn
                          : arn_of_machine(a, o->region, o->account, start->machine_name);
    row.arn = start->express ? arn_of_express(a, row.machine_arn, row.name, row.id)
                             : arn_of_execution(a, row.machine_arn, row.name);
    row.role_arn = start->role_arn;
    row.origin = start->origin;
    row.express = start->express;
    row.parent = start->parent;
    row.parent_task = start->parent_task;
    row.related = c->related;
    row.relation = c->relation;
    row.shard = shard_of(row.machine_arn, row.name);
    row.status = EXECUTION_RUNNING;
    row.started_at = e->wall;
    memcpy(row.definition, s->machine->machine->hash, SHA256_SIZE);
    slot_adopt_row(s, &row);
}

/* ---- its machine: put into the store only when that changes something ---- */

/* Once it is known, the run can take its first turn. */
static void machine_begin(struct run_slot *s)
{
    if (s->beginning->cataloged || express_leaves_nothing(s) ||
        known_find(&s->engine->known, s->row.machine_name, &s->beginning->machine_created_at)) {
        s->phase = SLOT_LIVE;
        return;
    }
    s->phase = SLOT_MACHINE;
    s->work = arena_new(0);
    s->read = (struct store_read){.name = s->row.machine_name, .arena = s->work};
    slot_read(s, STORE_GET_MACHINE);
}

void machine_done(struct run_slot *s)
{
    struct err err = s->err;
    if (s->failed && err.code != ERR_NOT_FOUND) {
        slot_refused(s, &err);
        return;
    }
    const struct machine_row *row = s->failed ? NULL : &s->read.machines[0];
    s->beginning->machine_created_at = row ? row->created_at : (struct wall_ms){0};
    known_learn(&s->engine->known, s->row.machine_name, row ? row->definition : NULL,
                s->beginning->machine_created_at);
    arena_free(s->work);
    s->work = NULL;
    s->phase = SLOT_LIVE;
    slot_make_ready(s);
}

static void full(const struct engine *e, struct err *reterr)
{
    err_set(reterr, ERR_BUSY,
            "%zu executions are at work, which is all that may be (limit runs_live_max); "
            "start this one when some have ended",
            e->options.runs_live_max);
}

static void begin(struct run_slot *s, struct start_command *c, struct json input)
{
    s->machine = c->machine;
    fill_row(s, c);
    s->beginning = ARENA_NEW(s->arena, struct beginning);
    s->beginning->input = input;
    s->beginning->cataloged = c->start.cataloged;
    s->beginning->nested = c->nested; /* in the arena that the pending takes over */
    if (c->start.express)
        express_begin(s, c->start.sync);
    s->run = run_new(s->machine->machine, &s->identity, &s->engine->options.limits);
    struct pending *p = ARENA_NEW(c->arena, struct pending);
    *p = (struct pending){.arena = c->arena, .asker = c->asker};
    p->input.why = FLOW_START;
    p->input.value = input;
    p->input.recovery = c->recovery;
    p->checks_due = c->checks_due;
    s->beginning->memory = arena_used(c->arena);
    slot_account(s);
    machine_begin(s);
    slot_push(s, p);
}

bool start_take(struct engine *e, struct start_command *c)
{
    struct err err;
    struct json input = JSON_NONE;
    bool room = park_make_room(e);
    if (!room && (e->leaving_count || park_waits_for_memory(e)))
        return false;
    if (!room)
        full(e, &err);
    if (room && c->start.express)
        room = express_has_room(e, &err);
    if (!room || !start_check(e, c, &input, &err)) {
        start_refused(e, c, &err);
        return true;
    }
    e->step_bytes += c->start.input.len;
    begin(slot_new(e, next_key(e)), c, input);
    return true;
}

/* ---- the name is taken ---- */

static void name_taken(struct run_slot *s, const struct execution_row *holder, const char *why)
{
    struct err err;
    char id[UUID_TEXT_LEN];
    uuid_format(holder->id, id);
    err_set(&err, ERR_CONFLICT,
            "an execution named \"" STR_FMT "\" of machine \"" STR_FMT
            "\" exists already%s (%s, id %.*s): choose another name, or look at that one",
            STR_ARG(s->row.name), STR_ARG(s->row.machine_name), why,
            execution_status_name(holder->status), UUID_TEXT_LEN, id);
    slot_end(s, &err);
}

/* A nested start that was made before a crash, and is made again. */
static bool is_same_child(const struct run_slot *s, const struct execution_row *holder)
{
    const struct uuid *nested = s->beginning->nested;
    return nested && nested_is_child(holder->key, holder->id, *nested);
}

void name_begin(struct run_slot *s)
{
    s->phase = SLOT_NAME;
    s->work = arena_new(0);
    s->read = (struct store_read){
        .name = s->row.name, .machine_arn = s->row.machine_arn, .arena = s->work};
    slot_read(s, STORE_FIND_NAMED);
}

void name_done(struct run_slot *s)
{
    struct err err = s->err; /* the commit's CONFLICT, unless the read failed */
    if (s->failed) {
        slot_refused(s, &err);
        return;
    }
    if (s->read.count == 0) {
        slot_end(s, &err);
        return;
    }
    const struct execution_row *holder = &s->read.executions[0];
    if (is_same_child(s, holder)) {
        asker_answer(&s->queue.first->asker, holder, true, NULL);
        slot_free(s);
        return;
    }
    if (holder->status != EXECUTION_RUNNING || holder->related != s->row.related) {
        name_taken(s, holder, "");
        return;
    }
    /* The row that has the name stays in the work arena while its first turn is
     * read; the slot's own row is of no use any more. */
    s->row = *holder;
    s->phase = SLOT_NAME_INPUT;
    s->read = (struct store_read){.key = holder->key, .rows_max = 1, .arena = s->work};
    slot_read(s, STORE_GET_TURNS);
}

/* The input of the execution whose first turn was read; absent when unreadable. */
static struct json first_input(struct run_slot *s)
{
    struct err err = {0};
    struct journal_turn turn;
    if (s->read.count == 0)
        return JSON_NONE;
    const struct turn_row *row = &s->read.turns[0];
    struct journal_row journal = journal_row_of(row);
    if (!journal_read(journal_reader_new(s->work), &journal, &turn, &err) || turn.count == 0)
        return JSON_NONE;
    return turn.events[0].value.value;
}

void name_input_done(struct run_slot *s)
{
    if (s->failed) {
        struct err err = s->err;
        slot_refused(s, &err);
        return;
    }
    if (!json_equal(first_input(s), s->beginning->input)) {
        struct execution_row holder = s->row;
        name_taken(s, &holder, " with another input");
        return;
    }
    asker_answer(&s->queue.first->asker, &s->row, true, NULL);
    slot_free(s);
}
