/* Loading a run: its row, its definition, its turns folded one by one. */
#include "engine/engine_internal.h"

#include "engine/names.h"

/* What cannot be read stays as it is: whoever asked hears why, and so does the
 * engine's owner, since at recovery nobody asks. */
static void load_failed(struct run_slot *s, const struct err *err)
{
    engine_trouble(s->engine, s->key, err, (struct wall_ms){0});
    slot_end(s, err);
}

static void read_failed(struct run_slot *s)
{
    struct err err = s->err;
    if (err.code == ERR_NOT_FOUND && s->phase == SLOT_ROW) {
        slot_end(s, &err);
        return;
    }
    if (err.code == ERR_BUSY || err.code == ERR_DISK_FULL || store_error_is_final(err.code))
        slot_refused(s, &err);
    else
        load_failed(s, &err);
}

void slot_adopt_row(struct run_slot *s, const struct execution_row *row)
{
    s->row = *row;
    s->row.name = arena_str(s->arena, row->name);
    s->row.arn = arena_str(s->arena, row->arn);
    s->row.machine_arn = arena_str(s->arena, row->machine_arn);
    s->row.machine_name = arena_str(s->arena, row->machine_name);
    s->identity = identity_of_row(s->arena, &s->row, store_secret(s->engine->options.store));
}

static void read_turns(struct run_slot *s, uint32_t from)
{
    s->phase = SLOT_TURNS;
    s->work = arena_new(0);
    s->read = (struct store_read){.key = s->key, .turn = from, .arena = s->work};
    slot_read(s, STORE_GET_TURNS);
}

static void begin_run(struct run_slot *s)
{
    const struct engine *e = s->engine;
    const struct machine *machine = s->machine->machine;
    s->run = run_new(machine, &s->identity, &e->options.limits);
    s->reader = journal_reader_new(run_arena(s->run));
    if (e->options.verify)
        s->mirror = mirror_new(machine, &s->identity, &e->options.limits);
    read_turns(s, 0);
}

static void read_definition(struct run_slot *s)
{
    if (!s->machine)
        s->machine = machine_take(&s->engine->machines, s->row.definition);
    if (s->machine) {
        begin_run(s);
        return;
    }
    s->phase = SLOT_DEFINITION;
    s->work = arena_new(0);
    s->read = (struct store_read){.arena = s->work};
    memcpy(s->read.hash, s->row.definition, SHA256_SIZE);
    slot_read(s, STORE_GET_DEFINITION);
}

void load_begin(struct run_slot *s)
{
    ASSERT(!s->run && !s->work);
    if (s->row.key) {
        read_definition(s);
        return;
    }
    s->phase = SLOT_ROW;
    s->work = arena_new(0);
    s->read = (struct store_read){.key = s->key, .arena = s->work};
    slot_read(s, STORE_GET_EXECUTION);
}

static void end_work(struct run_slot *s)
{
    arena_free(s->work);
    s->work = NULL;
}

void load_row_done(struct run_slot *s)
{
    if (s->failed) {
        read_failed(s);
        return;
    }
    slot_adopt_row(s, &s->read.executions[0]);
    end_work(s);
    if (s->row.status != EXECUTION_RUNNING)
        slot_end(s, NULL);
    else
        read_definition(s);
}

void load_definition_done(struct run_slot *s)
{
    struct err err = {0};
    if (s->failed) {
        read_failed(s);
        return;
    }
    if (!machine_compile(&s->engine->machines, s->read.text, &s->machine, &err)) {
        err_context(&err, "execution " STR_FMT " cannot go on under this release",
                    STR_ARG(s->row.name));
        load_failed(s, &err);
        return;
    }
    end_work(s);
    begin_run(s);
}

/* The tasks that the journal says are outstanding: their receivers know them by
 * (execution, step, attempt), so handing one out twice is harmless. */
static void hand_out_tasks(struct run_slot *s)
{
    const struct engine_task_port *port = &s->engine->options.tasks;
    struct arena *scratch = arena_new(0);
    const struct flow_effect *tasks = NULL;
    size_t count = flow_tasks(s->run, scratch, &tasks);
    for (size_t i = 0; i < count; i++)
        port->start(port->arg, &s->row, &s->identity, &tasks[i]);
    arena_free(scratch);
}

static void loaded(struct run_slot *s)
{
    s->phase = SLOT_LIVE;
    s->reader = NULL;
    s->run_bytes = arena_used(run_arena(s->run));
    if (!s->handed && !(s->first && s->first->input.why == FLOW_STOP))
        hand_out_tasks(s);
    s->handed = true;
    if (run_is_ready(s->run, s->engine->wall))
        slot_push_front(s, pending_new(FLOW_CONTINUE));
    slot_wake_at(s, flow_wake(s->run));
    slot_make_ready(s);
}

static bool fold_page(struct run_slot *s, struct err *reterr)
{
    for (size_t i = 0; i < s->read.count; i++) {
        const struct turn_row *row = &s->read.turns[i];
        struct journal_row journal = journal_row_of(row);
        struct journal_turn turn;
        if (!journal_fold(s->reader, &journal, s->run, &turn, reterr))
            return false;
        if (s->mirror)
            mirror_take(s->mirror, &journal);
    }
    return true;
}

void load_turns_done(struct run_slot *s)
{
    struct err err = {0};
    if (s->failed) {
        read_failed(s);
        return;
    }
    if (!fold_page(s, &err)) {
        err_context(&err, "execution " STR_FMT " cannot be loaded", STR_ARG(s->row.name));
        load_failed(s, &err);
        return;
    }
    bool more = s->read.more;
    end_work(s);
    if (more)
        read_turns(s, run_turns(s->run));
    else
        loaded(s);
}
