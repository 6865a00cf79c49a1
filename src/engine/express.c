#include "engine/express.h"

struct kept_turn {
    struct kept_turn *next;
    struct turn_row row;
};

struct express {
    bool sync, over;
    bool keeps; /* turns for its history */
    struct kept_turn *first, *last;
    size_t count, bytes;
    struct asker asker; /* of a synchronous one: for its end */
};

/* ---- life ---- */

void express_begin(struct run_slot *s, bool sync)
{
    s->express = ARENA_NEW(s->arena, struct express);
    s->express->sync = sync;
    s->express->keeps = s->engine->options.express_keep;
    s->engine->express_count++;
}

bool express_has_room(const struct engine *e, struct err *reterr)
{
    size_t most = e->options.express_live_max;
    if (e->express_count >= most)
        return err_set(reterr, ERR_BUSY,
                       "%zu Express executions are at work, which is all that may be (limit "
                       "express_live_max); start this one when some have ended",
                       most);
    if (e->memory > e->options.memory_max)
        return err_set(reterr, ERR_BUSY,
                       "the executions in memory take more than %zu bytes (limit memory_max); "
                       "start this one when some have ended",
                       e->options.memory_max);
    return true;
}

bool express_is_stored(const struct run_slot *s)
{
    return !s->express->sync;
}

bool express_leaves_nothing(const struct run_slot *s)
{
    return s->express && s->express->sync && !s->express->keeps;
}

bool express_is_at_its_end(const struct run_slot *s)
{
    return s->express && (s->express->sync || !s->beginning);
}

/* Nobody hears of the start of a synchronous one. */
static void take_asker(struct run_slot *s, struct pending *p)
{
    if (p->input.why != FLOW_START)
        return;
    s->express->asker = p->asker;
    p->asker = (struct asker){0};
}

/* ---- turns ---- */

static void keep(struct flight *f)
{
    struct run_slot *s = f->slot;
    struct express *x = s->express;
    struct kept_turn *t = ARENA_NEW(s->arena, struct kept_turn);
    t->row = turn_row_of(f);
    t->row.body = arena_str(s->arena, t->row.body);
    if (x->last)
        x->last->next = t;
    else
        x->first = t;
    x->last = t;
    x->count++;
    x->bytes += t->row.body.len;
}

/* It cannot be made smaller, as others are that read themselves anew. */
static void bound(struct run_slot *s)
{
    size_t most = s->engine->options.express_memory_max;
    if (run_status(s->run) != FLOW_RUNNING ||
        arena_used(run_arena(s->run)) + s->express->bytes <= most)
        return;
    struct pending *p = pending_new(s->engine, FLOW_STOP);
    p->input.has_error = p->input.has_cause = true;
    p->input.error = STR("States.DataLimitExceeded");
    p->input.cause =
        arena_printf(p->arena,
                     "The Express execution takes more than %zu bytes of memory (limit "
                     "express_memory_max).",
                     most);
    pending_push_front(&s->queue, p);
}

/* Progress, and before it the turns that were kept. */
static void write_end(struct flight *f)
{
    struct run_slot *s = f->slot;
    const struct kept_turn *t = s->express->first;
    struct store_write *writes =
        ARENA_ARRAY(f->arena, struct store_write, f->commit.count + s->express->count + 1);
    size_t count = f->commit.count;
    memcpy(writes, f->writes, count * sizeof(*writes));
    for (; t; t = t->next) {
        writes[count] = (struct store_write){.kind = STORE_APPEND_TURN};
        writes[count++].u.turn = t->row;
    }
    if (!s->beginning) {
        writes[count] = (struct store_write){.kind = STORE_SET_PROGRESS};
        writes[count].u.progress.key = s->key;
        writes[count].u.progress.status = f->status;
        writes[count++].u.progress.stopped_at = f->stopped_at;
    }
    for (size_t i = 0; i < count; i++)
        writes[i].org = s->engine->options.org;
    flight_submit_writes(f, writes, count);
}

static void submit_end(struct flight *f)
{
    struct run_slot *s = f->slot;
    f->status = (enum execution_status)run_status(s->run);
    f->stopped_at = run_stopped_at(s->run);
    f->wake_at = s->stored = (struct wall_ms){0};
    write_end(f);
}

void express_take(struct flight *f)
{
    struct run_slot *s = f->slot;
    struct express *x = s->express;
    bool ended = run_status(s->run) != FLOW_RUNNING;
    if (x->sync)
        take_asker(s, f->pending);
    if (x->keeps || s->engine->options.verify)
        journal_encode(&f->turn, &f->body);
    if (x->keeps)
        keep(f);
    if (ended && !x->sync) {
        submit_end(f);
        return;
    }
    x->over = ended;
    turn_show(f);
    flight_free(s->engine, f);
    bound(s);
}

/* ---- the end of a synchronous one ---- */

bool express_is_over(const struct run_slot *s)
{
    return s->express && s->express->over;
}

void express_finish(struct run_slot *s)
{
    struct express *x = s->express;
    s->row.status = (enum execution_status)run_status(s->run);
    s->row.stopped_at = run_stopped_at(s->run);
    x->over = false;
    struct engine_reply reply = {.execution = &s->row, .run = s->run};
    struct asker asker = x->asker;
    x->asker = (struct asker){0};
    asker_reply(&asker, &reply);
    if (!x->keeps) {
        slot_end(s, NULL);
        return;
    }
    struct flight *f = flight_new(s);
    f->status = s->row.status;
    f->stopped_at = s->row.stopped_at;
    s->row.status = EXECUTION_RUNNING; /* until it has landed */
    flight_add_beginning(f);
    write_end(f);
}

void express_abandon(struct run_slot *s, const struct err *err)
{
    struct err lost;
    struct asker asker = s->express->asker;
    s->express->asker = (struct asker){0};
    if (!err)
        err_set(&lost, ERR_INTERRUPTED, "the execution was given up");
    asker_answer(&asker, NULL, false, err ? err : &lost);
}

/* ---- ends that were refused ---- */

/* Without the history: that may be what was wrong. */
void express_refused(struct run_slot *s)
{
    struct engine *e = s->engine;
    struct flight *f = s->flights.first;
    struct wall_ms again = refusal_wait(s);
    engine_trouble(e, s->key, f->err, s->express->sync ? (struct wall_ms){0} : again);
    if (s->express->sync) {
        slot_end(s, NULL);
        return;
    }
    s->express->first = NULL;
    s->express->count = 0;
    s->phase = SLOT_AGAIN;
    slot_wake_at(s, again);
}

void express_again(struct run_slot *s)
{
    struct flight *f = flight_pop(s);
    f->answered = f->failed = false;
    f->commit.count = 0;
    s->phase = SLOT_LIVE;
    write_end(f);
}

/* ---- beginning again ---- */

bool express_restart(struct run_slot *s, struct err *reterr)
{
    struct journal_turn turn;
    if (s->read.count == 0)
        return err_set(reterr, ERR_CORRUPT, "its first turn is missing");
    struct journal_row journal = journal_row_of(&s->read.turns[0]);
    if (!journal_read(s->reader, &journal, &turn, reterr))
        return false;
    if (turn.count == 0 || turn.events[0].kind != EVENT_EXECUTION_STARTED)
        return err_set(reterr, ERR_CORRUPT, "its first turn does not begin with its start");
    struct pending *p = pending_new(s->engine, FLOW_START);
    p->input.value = json_copy(p->arena, turn.events[0].value.value);
    s->express->keeps = false;
    pending_push_front(&s->queue, p);
    return true;
}
