/* Loading a run: its row, its definition, its snapshot with the turns that it refers
 * to, and the later turns folded one by one. Without a snapshot, or with one that is
 * of no use, all turns. */
#include "engine/engine_internal.h"

#include "engine/names.h"
#include "engine/express.h"
#include "engine/nested.h"

enum {
    GAP_MAX = 16 /* turns read in vain rather than asking once more */
};

/* A snapshot on its way to be a run. */
struct loading {
    struct arena *arena; /* owned; this too lies in it */
    struct json snapshot;
    uint32_t turn; /* the first that is not in it */
    uint32_t next; /* turns below are read, or not wanted */
    bool *wanted;
    size_t bytes;
};

void loading_free(struct run_slot *s)
{
    if (s->loading)
        arena_free(s->loading->arena);
    s->loading = NULL;
}

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
    if (err.code == ERR_NOT_FOUND && s->phase == SLOT_ROW)
        slot_end(s, &err);
    else if (err.code == ERR_CORRUPT)
        load_failed(s, &err);
    else if (err.code == ERR_BUSY || err.code == ERR_DISK_FULL || store_error_is_final(err.code))
        slot_refused(s, &err);
    else
        load_failed(s, &err);
}

static void end_work(struct run_slot *s)
{
    arena_free(s->work);
    s->work = NULL;
}

static void read_begin(struct run_slot *s, enum slot_phase phase)
{
    s->phase = phase;
    s->work = arena_new(0);
    s->read = (struct store_read){.key = s->key, .arena = s->work};
}

void slot_adopt_row(struct run_slot *s, const struct execution_row *row)
{
    s->row = *row;
    s->row.name = arena_str(s->arena, row->name);
    s->row.arn = arena_str(s->arena, row->arn);
    s->row.machine_arn = arena_str(s->arena, row->machine_arn);
    s->row.machine_name = arena_str(s->arena, row->machine_name);
    s->row.role_arn = arena_str(s->arena, row->role_arn);
    s->row.origin = arena_str(s->arena, row->origin);
    s->stored = row->wake_at;
    s->identity = identity_of_row(s->arena, &s->row, store_secret(s->engine->options.store));
}

/* ---- row and definition ---- */

static void read_turns(struct run_slot *s, uint32_t from)
{
    read_begin(s, SLOT_TURNS);
    s->read.turn = from;
    s->read.rows_max = s->express ? 1 : 0; /* it begins again, with its input */
    slot_read(s, STORE_GET_TURNS);
}

static void begin_run(struct run_slot *s)
{
    const struct engine *e = s->engine;
    const struct machine *machine = s->machine->machine;
    s->run = run_new(machine, &s->identity, &e->options.limits);
    s->reader = journal_reader_new(run_arena(s->run));
    s->journal_bytes = s->snapshot_bytes = 0;
    if (e->options.verify)
        s->mirror = mirror_new(machine, &s->identity, &e->options.limits);
    if (s->no_snapshot || s->row.turns < SNAPSHOT_TURNS_MIN) {
        read_turns(s, 0);
        return;
    }
    read_begin(s, SLOT_SNAPSHOT);
    slot_read(s, STORE_GET_SNAPSHOT);
}

static void read_definition(struct run_slot *s)
{
    if (!s->machine)
        s->machine = machine_take(&s->engine->machines, s->row.definition);
    if (s->machine) {
        begin_run(s);
        return;
    }
    read_begin(s, SLOT_DEFINITION);
    memcpy(s->read.hash, s->row.definition, SHA256_SIZE);
    slot_read(s, STORE_GET_DEFINITION);
}

void load_begin(struct run_slot *s)
{
    ASSERT(!s->run && !s->work && !s->flights.first);
    pending_drop_derived(s->engine, &s->queue);
    if (s->row.key) {
        read_definition(s);
        return;
    }
    read_begin(s, SLOT_ROW);
    slot_read(s, STORE_GET_EXECUTION);
}

static bool is_wanted_ended(const struct run_slot *s)
{
    for (const struct pending *p = s->queue.first; p && !s->row.express; p = p->next)
        if (p->ask == ASK_OUTCOME || pending_is_for_ended(p))
            return true;
    return false;
}

void load_row_done(struct run_slot *s)
{
    if (s->failed) {
        read_failed(s);
        return;
    }
    slot_adopt_row(s, &s->read.executions[0]);
    end_work(s);
    if (s->row.express && !s->express)
        express_begin(s, false);
    if (s->row.status != EXECUTION_RUNNING && !is_wanted_ended(s))
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
    if (!machine_load(&s->engine->machines, s->read.text, &s->machine, &err)) {
        err_context(&err, "execution " STR_FMT " cannot go on under this release",
                    STR_ARG(s->row.name));
        load_failed(s, &err);
        return;
    }
    end_work(s);
    begin_run(s);
}

/* ---- the snapshot ---- */

/* It is a cache: whatever is wrong with it, the journal is folded instead. */
static void load_without_snapshot(struct run_slot *s, const struct err *why)
{
    struct err err = *why;
    err_context(&err, "the snapshot of execution " STR_FMT " is of no use, its journal is read",
                STR_ARG(s->row.name));
    engine_trouble(s->engine, s->key, &err, s->engine->wall);
    s->no_snapshot = true;
    slot_drop_run(s);
    load_begin(s);
}

static bool parse_snapshot(struct run_slot *s, struct err *reterr)
{
    const struct snapshot_row *row = &s->read.snapshot;
    struct json_limits limits = {.size_max = STORE_BODY_SIZE_MAX};
    struct arena *arena = arena_new(0);
    struct loading *l = ARENA_NEW(arena, struct loading);
    *l = (struct loading){.arena = arena, .turn = row->turn, .bytes = row->body.len};
    s->loading = l;
    if (row->checksum != checksum64(row->body) || row->turn > s->row.turns)
        return err_set(reterr, ERR_CORRUPT, "its checksum or its turn is wrong");
    if (!json_parse(arena, arena_str(arena, row->body), limits, JSON_DUPLICATES_LAST, &l->snapshot,
                    reterr))
        return false;
    l->wanted = ARENA_ARRAY(arena, bool, l->turn);
    if (s->mirror) /* which knows no snapshots */
        memset(l->wanted, true, l->turn);
    else
        snapshot_turns(l->snapshot, l->wanted, l->turn);
    return true;
}

static void restore(struct run_slot *s)
{
    struct loading *l = s->loading;
    size_t turns = 0;
    journal_skip(s->reader, l->turn);
    const struct turn_values *values = journal_values(s->reader, &turns);
    struct err err;
    bool good = run_restore(s->run, l->snapshot, values, turns, &err);
    if (good && run_turns(s->run) != l->turn)
        good = err_set(&err, ERR_CORRUPT, "it is of another turn than its row says");
    if (!good) {
        load_without_snapshot(s, &err);
        return;
    }
    s->snapshot_bytes = l->bytes;
    loading_free(s);
    read_turns(s, run_turns(s->run));
}

/* The next stretch of turns that are wanted. */
static void read_values(struct run_slot *s)
{
    struct loading *l = s->loading;
    uint32_t last;
    while (l->next < l->turn && !l->wanted[l->next])
        l->next++;
    if (l->next == l->turn) {
        restore(s);
        return;
    }
    last = l->next;
    for (uint32_t i = last; i < l->turn && i - last <= GAP_MAX && i - l->next < STORE_READ_ROWS_MAX;
         i++)
        if (l->wanted[i])
            last = i;
    read_begin(s, SLOT_VALUES);
    s->read.turn = l->next;
    s->read.rows_max = last - l->next + 1;
    slot_read(s, STORE_GET_TURNS);
}

void load_snapshot_done(struct run_slot *s)
{
    struct err err = s->err;
    if (s->failed && err.code != ERR_CORRUPT) {
        read_failed(s);
        return;
    }
    bool found = !s->failed && s->read.found;
    bool good = found && parse_snapshot(s, &err);
    end_work(s);
    if (good)
        read_values(s);
    else if (found || s->failed)
        load_without_snapshot(s, &err);
    else
        read_turns(s, 0);
}

static bool take_values(struct run_slot *s, struct err *reterr)
{
    if (s->read.count == 0)
        return err_set(reterr, ERR_CORRUPT, "a turn that it refers to is missing");
    for (size_t i = 0; i < s->read.count; i++) {
        struct journal_row journal = journal_row_of(&s->read.turns[i]);
        journal_skip(s->reader, journal.turn);
        if (!journal_read_values(s->reader, &journal, reterr))
            return false;
        if (s->mirror)
            mirror_take(s->mirror, &journal);
        s->loading->next = journal.turn + 1;
    }
    return true;
}

void load_values_done(struct run_slot *s)
{
    struct err err = s->err;
    if (s->failed && err.code != ERR_CORRUPT) {
        read_failed(s);
        return;
    }
    bool good = !s->failed && take_values(s, &err);
    end_work(s);
    if (good)
        read_values(s);
    else
        load_without_snapshot(s, &err);
}

/* ---- the later turns ---- */

/* The tasks that the journal says are outstanding: their receivers know them by
 * (execution, step, attempt), so handing one out twice is harmless. */
static void hand_out_tasks(struct run_slot *s)
{
    struct arena *scratch = arena_new(0);
    const struct flow_effect *tasks = NULL;
    size_t count = flow_tasks(s->run, scratch, &tasks);
    for (size_t i = 0; i < count; i++)
        effect_start(s, &tasks[i]);
    arena_free(scratch);
}

static bool is_being_stopped(const struct run_slot *s)
{
    return s->queue.first && s->queue.first->input.why == FLOW_STOP;
}

/* A child that goes on by itself after its end: its parent has heard of that end. */
static bool has_been_recovered(const struct run_slot *s)
{
    uint32_t step;
    return run_redrive_count(s->run) || run_rerun(s->run, &step);
}

static void loaded(struct run_slot *s)
{
    s->phase = SLOT_LIVE;
    s->reader = NULL;
    s->row.turns = run_turns(s->run);
    s->run_bytes = arena_used(run_arena(s->run));
    if (s->mirror)
        mirror_compare(s->mirror, s->run);
    if (run_status(s->run) != FLOW_RUNNING) {
        if (!turn_take_ended(s))
            slot_end(s, NULL);
        return;
    }
    if (!s->handed && !is_being_stopped(s)) {
        hand_out_tasks(s);
        if (!has_been_recovered(s))
            nested_check(s);
    }
    s->handed = true;
    if (run_is_ready(s->run, s->engine->wall))
        pending_push_front(&s->queue, pending_new(s->engine, FLOW_CONTINUE));
    slot_account(s);
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
        s->journal_bytes += row->body.len;
        if (s->mirror)
            mirror_take(s->mirror, &journal);
    }
    return true;
}

/* A later turn that does not fit may be the snapshot's fault. */
static void fold_failed(struct run_slot *s, struct err *err)
{
    if (s->snapshot_bytes && !s->no_snapshot) {
        load_without_snapshot(s, err);
        return;
    }
    err_context(err, "execution " STR_FMT " cannot be loaded", STR_ARG(s->row.name));
    load_failed(s, err);
}

static void express_loaded(struct run_slot *s)
{
    struct err err;
    bool good = express_restart(s, &err);
    end_work(s);
    if (!good) {
        err_context(&err, "execution " STR_FMT " cannot be loaded", STR_ARG(s->row.name));
        load_failed(s, &err);
        return;
    }
    s->phase = SLOT_LIVE;
    s->reader = NULL;
    s->handed = true;
    slot_account(s);
    slot_make_ready(s);
}

void load_turns_done(struct run_slot *s)
{
    struct err err = {0};
    if (s->failed) {
        read_failed(s);
        return;
    }
    if (s->express && !is_being_stopped(s)) {
        express_loaded(s);
        return;
    }
    if (!fold_page(s, &err)) {
        fold_failed(s, &err);
        return;
    }
    bool more = s->read.more;
    end_work(s);
    if (more)
        read_turns(s, run_turns(s->run));
    else
        loaded(s);
}
