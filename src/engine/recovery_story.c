/* The story of an execution: its row, its definition and its whole journal, folded into
 * a run of its own, with every turn and the steps. */
#include "engine/recovery_internal.h"

#include "engine/names.h"

/* ---- memory ---- */

static void account(struct recovery *r)
{
    size_t memory = r->run ? arena_used(run_arena(r->run)) : 0;
    r->engine->memory += memory - r->memory;
    r->memory = memory;
}

void recoveries_forget_story(struct recovery *r)
{
    run_free(r->run);
    arena_free(r->work);
    arena_free(r->story_arena);
    r->run = NULL;
    r->work = r->story_arena = NULL;
    r->has_plan = false;
    account(r);
}

static bool check_memory(const struct recovery *r, struct err *reterr)
{
    size_t most = r->engine->options.story_memory_max;
    if (r->memory <= most)
        return true;
    return err_set(reterr, ERR_MEMORY_LIMIT,
                   "the history of execution " STR_FMT " takes more than %zu MiB (limit "
                   "recovery_memory_max): too much to plan its recovery; start it anew with pawl "
                   "restart",
                   STR_ARG(r->row.name), most >> 20);
}

/* ---- reading ---- */

static void read_done(void *arg, const struct err *err)
{
    struct recovery *r = arg;
    r->engine->store_waits--;
    r->is_reading = false;
    r->failed = err != NULL;
    if (err)
        r->err = *err;
    r->is_answered = r->engine->recoveries.answered = true;
}

/* The caller has filled in what is asked. */
static void read(struct recovery *r, enum recovery_phase phase, enum store_read_kind kind,
                 struct store_read asked)
{
    r->phase = phase;
    r->work = arena_new(0);
    r->read = asked;
    r->read.kind = kind;
    r->read.key = r->key;
    r->read.org = r->engine->options.org;
    r->read.arena = r->work;
    r->read.done = read_done;
    r->read.arg = r;
    r->is_reading = true;
    r->engine->store_waits++;
    store_read(r->engine->options.store, &r->read);
}

static void end_work(struct recovery *r)
{
    arena_free(r->work);
    r->work = NULL;
}

void recoveries_read(struct recovery *r)
{
    r->story_arena = arena_new(0);
    if (r->key)
        read(r, RECOVERY_ROW, STORE_GET_EXECUTION, (struct store_read){0});
    else
        recoveries_told(r);
}

/* A store of no use any more tells everybody, this one too. */
static void read_failed(struct recovery *r)
{
    struct err err = r->err;
    if (store_error_is_final(err.code) && err.code != ERR_CORRUPT)
        engine_die(r->engine, &err);
    else
        recoveries_answer(r, &err);
}

/* ---- the row ---- */

void recoveries_adopt_row(struct recovery *r, const struct execution_row *row)
{
    struct arena *a = r->arena;
    r->row = *row;
    r->row.name = arena_str(a, row->name);
    r->row.arn = arena_str(a, row->arn);
    r->row.machine_arn = arena_str(a, row->machine_arn);
    r->row.machine_name = arena_str(a, row->machine_name);
    r->row.role_arn = arena_str(a, row->role_arn);
    r->row.origin = arena_str(a, row->origin);
    r->identity = identity_of_row(a, &r->row, store_secret(r->engine->options.store));
}

/* AWS words these as redriveStatusReason has them. */
static bool check_redrive(const struct recovery *r, struct err *reterr)
{
    int64_t window = r->engine->options.redrive_window_ms;
    enum execution_status status = r->row.status;
    if (status == EXECUTION_RUNNING || status == EXECUTION_SUCCEEDED)
        return err_set(reterr, ERR_NOT_REDRIVABLE, "Execution is %s and cannot be redriven",
                       execution_status_name(status));
    if (window && r->engine->wall.ms > r->row.stopped_at.ms + window)
        return err_set(reterr, ERR_NOT_REDRIVABLE, "Execution redrivable period exceeded");
    return true;
}

static bool check_row(const struct recovery *r, struct err *reterr)
{
    if (r->row.express && !r->restart)
        return err_set(reterr, ERR_NOT_REDRIVABLE,
                       "execution " STR_FMT " is of an Express machine, which leaves nothing to go "
                       "on from: start it anew with pawl restart",
                       STR_ARG(r->row.name));
    return !r->request.redrive || check_redrive(r, reterr);
}

/* ---- the journal ---- */

static void read_turns(struct recovery *r)
{
    r->only_input = !r->plans || r->row.express;
    read(r, RECOVERY_TURNS, STORE_GET_TURNS,
         (struct store_read){.turn = run_turns(r->run), .rows_max = r->only_input ? 1 : 0});
}

static void begin_turns(struct recovery *r)
{
    r->run = run_new(r->machine->machine, &r->identity, &r->engine->options.limits);
    r->reader = journal_reader_new(run_arena(r->run));
    read_turns(r);
}

static void definition_there(struct recovery *r)
{
    if (r->is_due)
        recoveries_due_told(r);
    else
        begin_turns(r);
}

static void begin_definition(struct recovery *r)
{
    r->machine = machine_take(&r->engine->machines, r->row.definition);
    if (r->machine) {
        definition_there(r);
        return;
    }
    struct store_read asked = {0};
    memcpy(asked.hash, r->row.definition, SHA256_SIZE);
    read(r, RECOVERY_DEFINITION, STORE_GET_DEFINITION, asked);
}

static bool fold(struct recovery *r, struct err *reterr)
{
    struct arena *a = run_arena(r->run);
    for (size_t i = 0; i < r->read.count; i++) {
        struct journal_row row = journal_row_of(&r->read.turns[i]);
        struct journal_turn turn;
        if (!journal_fold(r->reader, &row, r->run, &turn, reterr))
            return false;
        r->turns = arena_grow(a, r->turns, r->turn_count, &r->turn_capacity, sizeof(*r->turns));
        r->turns[r->turn_count++] = turn;
        steps_apply(&r->steps, a, r->run, turn.events, turn.count, turn.at);
        account(r);
        if (!check_memory(r, reterr))
            return false;
    }
    return true;
}

static void turns_read(struct recovery *r)
{
    struct err err;
    bool more = r->read.more && !r->only_input;
    bool good = fold(r, &err);
    end_work(r);
    if (!good)
        recoveries_answer(r, &err);
    else if (more)
        read_turns(r);
    else
        recoveries_told(r);
}

static void row_read(struct recovery *r)
{
    struct err err;
    recoveries_adopt_row(r, &r->read.executions[0]);
    end_work(r);
    if (check_row(r, &err))
        begin_definition(r);
    else
        recoveries_answer(r, &err);
}

static void definition_read(struct recovery *r)
{
    struct err err;
    bool good = machine_load(&r->engine->machines, r->read.text, &r->machine, &err);
    end_work(r);
    if (good)
        definition_there(r);
    else
        recoveries_answer(r, &err);
}

void recoveries_read_on(struct recovery *r)
{
    if (r->failed)
        read_failed(r);
    else if (r->phase == RECOVERY_ROW)
        row_read(r);
    else if (r->phase == RECOVERY_DEFINITION)
        definition_read(r);
    else
        turns_read(r);
}
