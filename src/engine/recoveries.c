#include "engine/recovery_internal.h"

#include "asl/report.h"
#include "engine/nested.h"

/* ---- lists ---- */

static void push(struct recovery_list *list, struct recovery *r)
{
    r->next = NULL;
    if (list->last)
        list->last->next = r;
    else
        list->first = r;
    list->last = r;
}

static void take_out(struct recovery_list *list, const struct recovery *r)
{
    struct recovery *before = NULL;
    for (struct recovery *at = list->first; at != r; at = at->next)
        before = at;
    if (before)
        before->next = r->next;
    else
        list->first = r->next;
    if (list->last == r)
        list->last = before;
}

static struct recovery_list *list_of(const struct recovery *r)
{
    struct recoveries *all = &r->engine->recoveries;
    if (r->phase == RECOVERY_WAITS)
        return r->is_due ? &all->due : &all->waiting;
    return r->phase == RECOVERY_WATCHES ? &all->watched : &all->active;
}

static void move(struct recovery *r, enum recovery_phase phase)
{
    struct recovery_list *from = list_of(r);
    r->phase = phase;
    if (list_of(r) == from)
        return;
    take_out(from, r);
    push(list_of(r), r);
}

/* ---- beginning and end ---- */

static struct recovery_request copy_request(struct arena *a, const struct recovery_request *from)
{
    struct recovery_request r = *from;
    r.step = arena_str(a, from->step);
    r.skip = arena_str(a, from->skip);
    r.from = arena_str(a, from->from);
    r.until = arena_str(a, from->until);
    r.until_phase = arena_str(a, from->until_phase);
    r.only = arena_str(a, from->only);
    r.by = arena_str(a, from->by);
    r.input = json_copy(a, from->input);
    r.outputs = json_copy(a, from->outputs);
    r.mocks = json_copy(a, from->mocks);
    return r;
}

static struct recovery *recovery_make(struct engine *e, execution_key key, bool is_due)
{
    struct arena *arena = arena_new(0);
    struct recovery *r = ARENA_NEW(arena, struct recovery);
    r->engine = e;
    r->arena = arena;
    r->key = key;
    r->is_due = is_due;
    push(list_of(r), r);
    return r;
}

static struct recovery *recovery_new(struct engine *e, execution_key key,
                                     const struct recovery_request *request)
{
    struct recovery *r = recovery_make(e, key, false);
    r->request = copy_request(r->arena, request);
    return r;
}

struct recovery *recoveries_new_due(struct engine *e, execution_key key)
{
    return recovery_make(e, key, true);
}

/* Will it be a turn of this execution, planned for those that there are? */
static bool is_on_its_way(const struct recovery *r, execution_key key)
{
    return r->key == key && !r->dry && !r->forks && !r->is_due && r->phase < RECOVERY_WATCHES;
}

/* One that was on its way is not any more. */
static void release_notes(struct engine *e, execution_key key)
{
    for (struct recovery *r = e->recoveries.active.first; r; r = r->next)
        if (r->is_held && r->key == key)
            r->is_answered = e->recoveries.answered = true;
}

static void recovery_free(struct recovery *r)
{
    struct engine *e = r->engine;
    release_notes(e, r->key);
    take_out(list_of(r), r);
    recoveries_forget_story(r);
    if (r->start) {
        machine_release(&e->machines, r->start->machine);
        spare_arena_keep(e, r->start->arena);
    }
    machine_release(&e->machines, r->target);
    machine_release(&e->machines, r->machine);
    arena_free(r->arena);
}

static void tell(const struct recovery *r, const struct engine_reply *reply)
{
    if (r->planned)
        r->planned(r->arg, reply, r->has_plan ? &r->plan : NULL);
    else
        asker_reply(&r->asker, reply);
}

void recoveries_answer(struct recovery *r, const struct err *err)
{
    struct err why;
    struct engine_reply reply = {.err = err};
    if (err)
        why = *err; /* which may be its own */
    if (err)
        reply.err = &why;
    else if (r->row.key)
        reply.execution = &r->row;
    if (err && r->is_due) /* nobody hears */
        engine_trouble(r->engine, r->key, &why, (struct wall_ms){0});
    tell(r, &reply);
    recovery_free(r);
}

void recoveries_end(struct engine *e, const struct err *why)
{
    struct recovery_list *lists[] = {&e->recoveries.waiting, &e->recoveries.due,
                                     &e->recoveries.active, &e->recoveries.watched};
    struct due_search *d = &e->recoveries.search;
    if (!why || !d->waiting) {
        arena_free(d->arena);
        d->arena = NULL;
    }
    for (size_t i = 0; i < COUNT_OF(lists); i++)
        for (struct recovery *r = lists[i]->first, *next; r; r = next) {
            next = r->next;
            if ((r->phase == RECOVERY_COMMITS || r->phase == RECOVERY_NOTES) && why)
                continue; /* hears of it from its run */
            if (r->is_reading && why)
                continue; /* its turn comes once the store has answered */
            if (r->phase < RECOVERY_WATCHES && why)
                tell(r, &(struct engine_reply){.err = why});
            recovery_free(r);
        }
}

/* ---- the plan ---- */

static const char *kind_name(const struct recovery *r)
{
    return r->request.kind == RECOVERY_RERUN ? "a rerun of one step" : "a resume";
}

/* Of the execution, as its journal says. */
static void runs_already(const struct recovery *r, struct err *ret_err)
{
    const struct run *run = r->run;
    struct flow_pause pause = run_pause(run);
    uint32_t step;
    if (run_rerun(run, &step))
        err_set(ret_err, ERR_CONFLICT,
                "step %u of execution " STR_FMT " is being run again: wait until that has ended",
                step + 1, STR_ARG(r->row.name));
    else if (pause.asked)
        err_set(ret_err, ERR_CONFLICT,
                "execution " STR_FMT " has not ended, it is %s: let it go on, or stop it",
                STR_ARG(r->row.name), pause.quiet ? "paused" : "about to pause");
    else if (run_redrive_count(run))
        err_set(ret_err, ERR_CONFLICT,
                "execution " STR_FMT " has been resumed and runs: wait until it has ended",
                STR_ARG(r->row.name));
    else
        err_set(ret_err, ERR_CONFLICT,
                "execution " STR_FMT " has not ended: only what has ended can be resumed",
                STR_ARG(r->row.name));
}

/* What the compiler had to say of the definition that would run. */
static struct json diagnostics(const struct recovery *r)
{
    struct machine_ref *ref = r->target ? r->target : r->machine;
    struct buf text = BUF_INIT(0);
    struct json list;
    struct err err;
    report_json(&text, ref->machine->definition, &ref->diags, &(struct err){.code = ERR_NONE});
    bool good = json_parse(r->story_arena, arena_str(r->story_arena, buf_str(&text)),
                           (struct json_limits){0}, JSON_DUPLICATES_LAST, &list, &err);
    ASSERT(good);
    buf_release(&text);
    return list;
}

static bool plan(struct recovery *r, struct err *reterr)
{
    struct recovery_story story = {
        .target = r->target ? r->target->machine : NULL,
        .limits = &r->engine->options.limits,
        .now = r->engine->wall,
    };
    if (r->run && !r->only_input) {
        story.machine = r->machine->machine;
        story.run = r->run;
        story.turns = r->turns;
        story.turn_count = r->turn_count;
        story.steps = &r->steps;
    }
    r->has_plan = plan_make(&story, &r->request, r->story_arena, &r->plan, reterr);
    if (r->has_plan && r->dry)
        r->plan.diagnostics = diagnostics(r);
    return r->has_plan;
}

static bool make_plan(struct recovery *r, struct err *reterr)
{
    if (!r->start && run_status(r->run) == FLOW_RUNNING) {
        runs_already(r, reterr);
        return false;
    }
    if (r->request.redrive && engine_history_is_full(r->engine, run_history_count(r->run)))
        return err_set(reterr, ERR_NOT_REDRIVABLE, "Execution history event limit exceeded");
    return plan(r, reterr);
}

/* What the start does not say is as it was. */
static bool complete_start(struct recovery *r, struct err *reterr)
{
    struct engine *e = r->engine;
    struct start_command *c = r->start;
    if (!c->machine && c->start.definition.len == 0) {
        c->machine = machine_take(&e->machines, r->row.definition);
        c->start.machine_name = arena_str(c->arena, r->row.machine_name);
        c->start.machine_arn = arena_str(c->arena, r->row.machine_arn);
        c->start.role_arn = arena_str(c->arena, r->row.role_arn);
        c->start.origin = arena_str(c->arena, r->row.origin);
        c->start.cataloged = true;
        c->start.express = r->row.express;
    }
    if (c->start.express && r->plans && !r->dry)
        return err_set(reterr, ERR_INVALID_INPUT,
                       "an Express execution can take nothing over, skip nothing and stop nowhere: "
                       "start it as it is");
    if (!c->machine && !start_compile(e, c, reterr))
        return false;
    r->target = machine_take(&e->machines, c->machine->machine->hash);
    if (r->run && (r->restart || c->start.input.len == 0))
        c->start.input = json_text(c->arena, run_input(r->run));
    return true;
}

static void begin_start(struct recovery *r);

void recoveries_told(struct recovery *r)
{
    struct err err;
    if (r->start && !complete_start(r, &err))
        recoveries_answer(r, &err);
    else if (!r->plans)
        begin_start(r);
    else if (!make_plan(r, &err))
        recoveries_answer(r, &err);
    else
        recoveries_check(r);
}

/* ---- carrying it out ---- */

static void check_again(struct recovery *r)
{
    struct recoveries *all = &r->engine->recoveries;
    move(r, RECOVERY_AGAIN);
    r->is_answered = true;
    all->answered = true;
    all->checking_again++;
}

/* What is known of it from now on is what its checks need. */
void recoveries_watch(struct recovery *r)
{
    bool has_ended = r->is_due && (r->has_ended || r->row.status != EXECUTION_RUNNING);
    if (r->check_count == 0) {
        recovery_free(r);
        return;
    }
    recoveries_forget_story(r);
    r->check_next = 0;
    if (has_ended)
        check_again(r);
    else
        move(r, RECOVERY_WATCHES);
    release_notes(r->engine, r->key);
}

static void committed(void *arg, const struct engine_reply *reply)
{
    struct recovery *r = arg;
    uint32_t turn = run_turns(r->run); /* which it was planned for */
    if (!reply->err)
        recoveries_know_mark(r, reply->execution->id, turn);
    tell(r, reply);
    if (reply->err)
        recovery_free(r);
    else
        recoveries_watch(r);
}

static void commit(struct recovery *r)
{
    struct pending *p = pending_new(r->engine, FLOW_RECOVER);
    p->turns = run_turns(r->run);
    p->input.recovery = &r->plan.recovery;
    p->checks_due = recoveries_due_body(r, p->arena);
    p->asker = (struct asker){committed, r};
    move(r, RECOVERY_COMMITS);
    engine_command(r->engine, r->key, p);
}

static void started(void *arg, const struct engine_reply *reply)
{
    struct recovery *r = arg;
    bool made = !reply->err && !reply->already;
    if (made) { /* from now on it is about that one */
        r->key = reply->execution->key;
        recoveries_adopt_row(r, reply->execution);
        recoveries_know_mark(r, r->row.id, 0);
    }
    tell(r, reply);
    if (made)
        recoveries_watch(r);
    else
        recovery_free(r);
}

static void begin_start(struct recovery *r)
{
    struct start_command *c = r->start;
    r->start = NULL;
    c->asker = (struct asker){started, r};
    c->related = r->key;
    if (r->key)
        c->relation = r->restart ? RELATION_RESTARTS : RELATION_REUSES;
    c->recovery = r->plans ? &r->plan.recovery : NULL;
    c->checks_due = recoveries_due_body(r, c->arena);
    move(r, RECOVERY_COMMITS);
    start_push(r->engine, c);
}

void recoveries_checked(struct recovery *r)
{
    struct err err;
    if (r->dry)
        recoveries_answer(r, NULL);
    else if (!plan_feasible(&r->plan, &err))
        recoveries_answer(r, &err);
    else if (r->start)
        begin_start(r);
    else
        commit(r);
}

/* ---- after the end ---- */

void recoveries_ended(const struct run_slot *s)
{
    struct recoveries *all = &s->engine->recoveries;
    for (struct recovery *r = all->active.first; r; r = r->next)
        r->has_ended |= r->is_due && r->key == s->key;
    for (struct recovery *r = all->watched.first, *next; r; r = next) {
        next = r->next;
        if (r->key == s->key)
            check_again(r);
    }
}

/* A note that cannot be written stays due. */
static void noted(void *arg, const struct engine_reply *reply)
{
    struct recovery *r = arg;
    (void)reply;
    r->engine->recoveries.checking_again--;
    recovery_free(r);
}

/* A recovery that is being planned is for the turns that there are: it goes first. */
static bool is_held_up(const struct recovery *note)
{
    for (const struct recovery *r = note->engine->recoveries.active.first; r; r = r->next)
        if (is_on_its_way(r, note->key))
            return true;
    return false;
}

void recoveries_checked_again(struct recovery *r)
{
    struct engine *e = r->engine;
    struct err err;
    r->is_held = is_held_up(r);
    if (r->is_held)
        return;
    struct pending *p = pending_new(e, FLOW_NOTE);
    p->input.log = recoveries_checks_json(r, p->arena);
    p->checks_made = arena_str(p->arena, r->mark);
    p->asker = (struct asker){noted, r};
    if (recoveries_checks_failure(r, &err))
        engine_trouble(e, r->key, &err, (struct wall_ms){0});
    move(r, RECOVERY_NOTES);
    engine_command(e, r->key, p);
}

/* ---- from and to the engine ---- */

static void proceed(struct recovery *r)
{
    switch (r->phase) {
    case RECOVERY_WAITS:
    case RECOVERY_COMMITS:
    case RECOVERY_WATCHES:
    case RECOVERY_NOTES:
        return;
    case RECOVERY_ROW:
    case RECOVERY_DEFINITION:
    case RECOVERY_TURNS:
        recoveries_read_on(r);
        return;
    case RECOVERY_CHECKS:
    case RECOVERY_AGAIN:
        recoveries_check_on(r);
        return;
    }
}

/* Of those that somebody waits for; one waits in turn for a note that is on its way. */
static struct recovery *next_of_waiting(const struct recoveries *all)
{
    for (struct recovery *r = all->waiting.first; r; r = r->next) {
        const struct recovery *note = all->active.first;
        while (note && (note->phase != RECOVERY_NOTES || !is_on_its_way(r, note->key)))
            note = note->next;
        if (!note)
            return r;
    }
    return NULL;
}

/* NULL: none may begin. What is due does not hold up what somebody waits for, and is not
 * checked all at once. */
static struct recovery *next_to_begin(const struct engine *e)
{
    const struct recoveries *all = &e->recoveries;
    size_t asked = 0, due = 0;
    if (e->dead || e->detached || recoveries_are_searched(e))
        return NULL;
    for (const struct recovery *r = all->active.first; r; r = r->next) {
        due += r->is_due;
        asked += !r->is_due && r->phase < RECOVERY_WATCHES; /* the others have no story any more */
    }
    struct recovery *next = asked < RECOVERIES_ACTIVE_MAX ? next_of_waiting(all) : NULL;
    if (next)
        return next;
    return due < RECOVERIES_ACTIVE_MAX ? all->due.first : NULL;
}

bool recoveries_ready(const struct engine *e)
{
    return e->recoveries.answered || recoveries_search_ready(e) || next_to_begin(e);
}

bool recoveries_at_work(const struct engine *e)
{
    const struct recoveries *all = &e->recoveries;
    return all->waiting.first || all->due.first || all->active.first;
}

bool engine_checks_again(const struct engine *e, execution_key key)
{
    const struct recovery *firsts[] = {e->recoveries.watched.first, e->recoveries.active.first};
    for (size_t i = 0; i < COUNT_OF(firsts); i++)
        for (const struct recovery *r = firsts[i]; r; r = r->next)
            if (r->key == key && r->phase >= RECOVERY_WATCHES)
                return true;
    return false;
}

void recoveries_step(struct engine *e)
{
    if (recoveries_search_ready(e))
        recoveries_search_on(e);
    for (struct recovery *r; (r = next_to_begin(e));) {
        move(r, RECOVERY_ROW);
        recoveries_read(r);
    }
    if (!e->recoveries.answered)
        return;
    e->recoveries.answered = false;
    for (struct recovery *r = e->recoveries.active.first, *next; r && !e->dead; r = next) {
        next = r->next;
        if (!r->is_answered)
            continue;
        r->is_answered = false;
        proceed(r);
    }
}

/* ---- commands ---- */

static bool is_under_way(const struct engine *e, execution_key key, struct err *ret_err)
{
    const struct recovery *firsts[] = {e->recoveries.waiting.first, e->recoveries.active.first};
    for (size_t i = 0; i < COUNT_OF(firsts); i++)
        for (const struct recovery *r = firsts[i]; r; r = r->next)
            if (is_on_its_way(r, key)) {
                err_set(ret_err, ERR_CONFLICT,
                        "%s of this execution is under way: wait until it has ended", kind_name(r));
                return true;
            }
    return false;
}

static bool is_refused(const struct engine *e, struct err *ret_err)
{
    if (e->dead)
        *ret_err = e->why;
    else if (e->detached)
        err_set(ret_err, ERR_INTERRUPTED, "the engine is stopping");
    return e->dead || e->detached;
}

void engine_recover(struct engine *e, execution_key key, const struct recovery_request *request,
                    engine_planned *planned, void *arg)
{
    struct err err;
    if (is_refused(e, &err) || (!request->dry_run && is_under_way(e, key, &err))) {
        planned(arg, &(struct engine_reply){.err = &err}, NULL);
        return;
    }
    struct recovery *r = recovery_new(e, key, request);
    r->dry = request->dry_run;
    r->plans = true;
    r->planned = planned;
    r->arg = arg;
}

void recoveries_start(struct engine *e, struct start_command *c, engine_planned *planned, void *arg,
                      bool dry)
{
    static const struct recovery_request fork = {.kind = RECOVERY_FORK},
                                         fresh = {.kind = RECOVERY_START};
    const struct recovery_request *request = c->start.recovery;
    execution_key key = c->start.reuse ? c->start.reuse : c->start.restart;
    if (!request)
        request = c->start.reuse ? &fork : &fresh;
    struct recovery *r = recovery_new(e, key, request);
    r->request.kind = c->start.reuse ? RECOVERY_FORK : RECOVERY_START;
    r->forks = true;
    r->start = c;
    r->restart = !c->start.reuse && c->start.restart;
    r->plans = dry || c->start.reuse || c->start.recovery;
    r->asker = c->asker;
    r->dry = dry;
    r->planned = planned;
    r->arg = arg;
}
