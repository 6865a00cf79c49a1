#include "api/story.h"

#include "engine/names.h"

enum {
    PAGE_ROWS = 100 /* few: what is left of a page when a story is stopped is read again */
};

struct story {
    struct api *api;
    struct arena *arena; /* of the story, its row and identity */
    struct execution_row row;
    struct flow_identity identity;
    struct flow_limits limits;
    story_turn *turn;
    story_rested *rested;
    void *arg;
    struct machine_ref *machine;
    struct run *run;
    struct journal_reader *reader;
    struct step_list steps;
    uint64_t events;
    struct errand *errand; /* it is reading */
    bool telling;          /* in a callback */
    bool closed;           /* by that callback */
};

static void adopt_row(struct story *s, const struct execution_row *row)
{
    s->row = *row;
    s->row.name = arena_str(s->arena, row->name);
    s->row.arn = arena_str(s->arena, row->arn);
    s->row.machine_arn = arena_str(s->arena, row->machine_arn);
    s->row.machine_name = arena_str(s->arena, row->machine_name);
    s->row.role_arn = arena_str(s->arena, row->role_arn);
    s->row.origin = arena_str(s->arena, row->origin);
    s->identity = identity_of_row(s->arena, &s->row, store_secret(s->api->options.store));
}

struct story *story_new(struct api *api, const struct execution_row *row, story_turn *turn,
                        story_rested *rested, void *arg)
{
    struct arena *arena = arena_new(0);
    struct story *s = ARENA_NEW(arena, struct story);
    s->api = api;
    s->arena = arena;
    s->turn = turn;
    s->rested = rested;
    s->arg = arg;
    s->limits = flow_limits_default();
    adopt_row(s, row);
    return s;
}

void story_close(struct story *s)
{
    if (!s)
        return;
    if (s->telling) {
        s->closed = true;
        return;
    }
    errand_abandon(s->errand);
    if (s->run)
        run_free(s->run);
    machine_release(&s->api->machines, s->machine);
    arena_free(s->arena);
}

/* ---- telling; true: the story goes on ---- */

static bool told(struct story *s, bool more)
{
    s->telling = false;
    if (s->closed)
        story_close(s);
    else if (more)
        return true;
    return false;
}

static bool tell_turn(struct story *s, const struct journal_turn *turn)
{
    s->telling = true;
    return told(s, s->turn(s->arg, s, turn));
}

static void tell_rest(struct story *s, const struct err *err)
{
    s->telling = true;
    s->rested(s->arg, s, err);
    told(s, false);
}

/* ---- reading ---- */

static bool take_turn(struct story *s, const struct turn_row *row, struct journal_turn *ret_turn,
                      struct err *reterr)
{
    const struct journal_row journal = {row->turn, row->rules_version, row->cause,
                                        row->at,   row->body,          row->checksum};
    if (!journal_fold(s->reader, &journal, s->run, ret_turn, reterr))
        return false;
    s->events += ret_turn->count;
    steps_apply(&s->steps, run_arena(s->run), s->run, ret_turn->events, ret_turn->count,
                ret_turn->at);
    if (arena_used(run_arena(s->run)) > API_STORY_SIZE_MAX)
        return err_set(reterr, ERR_TOO_LARGE,
                       "the history of this execution takes more than %d bytes of memory "
                       "(limit story_max)",
                       API_STORY_SIZE_MAX);
    return true;
}

static void read_turns(struct story *s);

static void turns_read(void *owner, struct errand *e, const struct err *err)
{
    struct story *s = owner;
    struct journal_turn turn;
    struct err damage;
    bool more = !err && e->read.more;
    for (size_t i = 0; !err && i < e->read.count; i++) {
        if (!take_turn(s, &e->read.turns[i], &turn, &damage))
            err = &damage;
        else if (!tell_turn(s, &turn))
            return;
    }
    if (more && !err)
        read_turns(s);
    else
        tell_rest(s, err);
}

static void read_turns(struct story *s)
{
    struct errand *e = errand_new(s->api, turns_read, s, &s->errand);
    e->read.key = s->row.key;
    e->read.turn = run_turns(s->run);
    e->read.rows_max = PAGE_ROWS;
    errand_read(e, STORE_GET_TURNS);
}

static void definition_read(void *owner, struct errand *e, const struct err *err)
{
    struct story *s = owner;
    struct err refused;
    if (!err && !machine_load(&s->api->machines, e->read.text, &s->machine, &refused))
        err = &refused;
    if (err) {
        tell_rest(s, err);
        return;
    }
    s->run = run_new(s->machine->machine, &s->identity, &s->limits);
    s->reader = journal_reader_new(run_arena(s->run));
    read_turns(s);
}

void story_advance(struct story *s)
{
    if (s->errand)
        return;
    if (s->run) {
        read_turns(s);
        return;
    }
    struct errand *e = errand_new(s->api, definition_read, s, &s->errand);
    memcpy(e->read.hash, s->row.definition, SHA256_SIZE);
    errand_read(e, STORE_GET_DEFINITION);
}

bool story_read_on(void *arg, struct story *story, const struct journal_turn *turn)
{
    (void)arg, (void)story, (void)turn;
    return true;
}

/* ---- looking ---- */

const struct execution_row *story_row(const struct story *s)
{
    return &s->row;
}

const struct run *story_run(const struct story *s)
{
    return s->run;
}

const struct step_list *story_steps(const struct story *s)
{
    return &s->steps;
}

uint64_t story_events(const struct story *s)
{
    return s->events;
}

uint32_t story_turns(const struct story *s)
{
    return s->run ? run_turns(s->run) : 0;
}
