/* Looking ahead: the recovery's turn on a copy of the run, and what follows. */
#include "recovery/planner.h"

void take_large_pages(const struct recovery_story *story, struct arena *a)
{
    enum {
        STEPS_MIN = 1000
    };
    if (story->steps && story->steps->count >= STEPS_MIN)
        arena_use_large_pages(a);
}

struct run *run_copy(const struct planner *p, size_t turns, size_t events, size_t turn_states_max)
{
    const struct recovery_story *story = p->story;
    struct flow_limits limits = *story->limits;
    if (turn_states_max)
        limits.turn_states_max = turn_states_max;
    struct run *run = run_new(story->machine, run_identity(story->run), &limits);
    take_large_pages(p->story, run_arena(run));
    for (size_t i = 0; i < turns || (i == turns && events); i++) {
        const struct journal_turn *t = &story->turns[i];
        size_t count = i == turns ? events : t->count;
        if (flow_fold(run, t->number, t->at, t->events, count, p->reterr))
            continue;
        run_free(run);
        return NULL;
    }
    return run;
}

/* ---- what is taken for a step's work ---- */

/* {"result": x}, {"errorOutput": {"error", "cause"}} as TestState has them, or the result. */
static struct outcome outcome_of_mock(struct json mock)
{
    struct json error = json_get(mock, STR("errorOutput")), name, cause;
    bool alone = json_is_object(mock) && json_count(mock) == 1;
    if (!alone || !json_is_object(error)) {
        struct json result = alone ? json_get(mock, STR("result")) : JSON_NONE;
        return (struct outcome){.ok = true, .result = json_is_absent(result) ? mock : result};
    }
    name = json_get(error, STR("error"));
    cause = json_get(error, STR("cause"));
    return (struct outcome){.has_error = json_is_string(name),
                            .error = json_str(name),
                            .has_cause = json_is_string(cause),
                            .cause = json_str(cause)};
}

/* What a record gives to look ahead by: an attempt that failed for good may go well now. */
static bool outcome_expected(const struct trace *t, uint32_t step, uint32_t tries,
                             struct outcome *ret_outcome)
{
    const struct step *s = step == STEP_NO_NONE ? NULL : &t->list->items[step];
    if (!s || !step_is_done(s) || s->status == STEP_SKIPPED ||
        !outcome_of_record(s, tries, ret_outcome))
        return false;
    ret_outcome->changes = t->steps[step].changes;
    return true;
}

/* How long an attempt took that ended well; 0: nobody knows. */
static int64_t usual_ms(const struct planner *p, struct str key)
{
    uint32_t last = trace_last(p->trace, key);
    const struct step *s = last == STEP_NO_NONE ? NULL : &p->trace->list->items[last];
    for (size_t i = s ? s->attempt_count : 0; i > 0; i--)
        if (s->attempts[i - 1].status == STEP_SUCCESS)
            return s->attempts[i - 1].stopped_at.ms - s->attempts[i - 1].started_at.ms;
    return 0;
}

static struct json mock_of(struct planner *p, const struct step *step)
{
    struct row row = {.machine = p->machine,
                      .step = {.index = step->index, .state = step->state, .key = step->path}};
    if (!json_count(p->request->mocks) ||
        !step_parts(p->machine, step->state, step->path, p->arena, &row.parts, &row.part_count))
        return JSON_NONE;
    return output_named(p, p->request->mocks, &p->mock_names, p->mock_used, &row);
}

static bool answer_ahead(void *arg, const struct step *step, uint32_t visit, uint32_t tries,
                         struct outcome *ret_outcome)
{
    struct planner *p = arg;
    struct json mock = mock_of(p, step);
    if (!json_is_absent(mock)) {
        *ret_outcome = outcome_of_mock(mock);
        ret_outcome->ms = usual_ms(p, step->path);
        return true;
    }
    uint32_t same = step->index;
    if (p->new_run)
        same = trace_find_current(p->trace, step->path, visit);
    else if (same >= p->trace->list->count)
        same = STEP_NO_NONE;
    uint32_t last = trace_last(p->trace, step->path);
    return outcome_expected(p->trace, same, tries, ret_outcome) ||
           (last != same && outcome_expected(p->trace, last, tries, ret_outcome));
}

/* ---- rows ---- */

/* There will be at least one for each record. */
static void begin_rows(struct planner *p)
{
    size_t least = p->trace->list->count;
    p->row_count = 0;
    if (p->row_capacity >= least && p->rows)
        return;
    p->row_capacity = least;
    p->rows = arena_alloc(p->arena, least * sizeof(*p->rows));
}

static struct row *add_row(struct planner *p, const struct machine *m, const struct state *state,
                           struct str key, uint32_t index)
{
    p->rows = arena_grow(p->arena, p->rows, p->row_count, &p->row_capacity, sizeof(*p->rows));
    struct row *row = &p->rows[p->row_count++];
    *row = (struct row){.machine = m,
                        .step = {.index = index, .state = state, .key = key, .last_ms = -1}};
    if (step_parts(m, state, key, p->arena, &row->parts, &row->part_count))
        row->step.path = step_shown(m, row->parts, row->part_count, state, p->arena);
    else
        row->step.path = key;
    row->step.number = step_number_text(p->numbered, state, index, p->arena);
    return row;
}

static int64_t last_ms_of(const struct planner *p, struct str key, uint32_t visit)
{
    uint32_t step = trace_find(p->trace, key, visit);
    if (step == STEP_NO_NONE)
        step = trace_last(p->trace, key);
    return step == STEP_NO_NONE ? -1 : step_duration_ms(&p->trace->list->items[step]);
}

static const char *why_it_runs(const struct step *old, bool done)
{
    if (done)
        return old->status == STEP_SUCCESS ? "it ran well, and is to run again"
                                           : "it is to run again";
    switch (old->status) {
    case STEP_FAILURE:
        return "it failed";
    case STEP_TIMED_OUT:
        return "it timed out";
    case STEP_CANCELED:
        return "it was canceled";
    case STEP_RUNNING:
    case STEP_SUCCESS:
    case STEP_SKIPPED:
    case STEP_PENDING:
        break;
    }
    return "it did not end";
}

static void describe_untouched(const struct planner *p, struct row *row, const struct step *old)
{
    bool due = old && p->again[old->index];
    row->step.action = row->done && !due ? PLAN_KEPT : PLAN_NOT_REACHED;
    if (row->step.action == PLAN_KEPT)
        row->step.why = old->taken_over               ? STR("it was taken over")
                        : old->status == STEP_SKIPPED ? STR("it was skipped before")
                        : old->status == STEP_SUCCESS ? STR("it is done")
                                                      : STR("it failed, and that was caught");
    else
        row->step.why = p->recovery.kind == FLOW_RERUN_STEP && !due
                            ? STR("it did not end well, and stays so")
                            : STR("the execution does not come to it");
}

static void describe(struct planner *p, struct row *row, const struct step *old,
                     const struct rehearsed_step *what)
{
    struct plan_step *s = &row->step;
    switch (what->what) {
    case REHEARSED_RAN:
        s->action = row->done ? PLAN_RERUN : PLAN_RUN;
        s->why = old ? str_of_cstr(why_it_runs(old, row->done)) : STR("it comes next");
        return;
    case REHEARSED_KEPT:
        s->action = PLAN_KEPT;
        s->why = STR("it is done");
        return;
    case REHEARSED_SKIPPED:
        s->action = PLAN_SKIPPED;
        s->why = STR("it is to be skipped");
        return;
    case REHEARSED_NOT:
        describe_untouched(p, row, old);
        return;
    }
    UNREACHABLE("rehearsed");
}

static void rows_of_list(struct planner *p, const struct rehearsal *r)
{
    size_t records = p->new_run ? 0 : p->trace->list->count;
    for (uint32_t i = 0; i < r->list.count; i++) {
        const struct step *now = &r->list.items[i];
        const struct step *old = i < records ? &p->trace->list->items[i] : NULL;
        struct row *row = add_row(p, p->machine, now->state, now->path, i);
        row->recorded = old != NULL;
        row->done = old && step_is_done(old);
        row->step.last_ms =
            old ? step_duration_ms(old) : last_ms_of(p, now->path, r->steps[i].visit);
        describe(p, row, old, &r->steps[i]);
    }
}

void look_back(struct planner *p)
{
    begin_rows(p);
    for (uint32_t i = 0; i < p->trace->list->count; i++) {
        const struct step *old = &p->trace->list->items[i];
        struct row *row = add_row(p, p->story->machine, old->state, old->path, i);
        row->recorded = true;
        row->done = step_is_done(old);
        row->step.last_ms = step_duration_ms(old);
        describe_untouched(p, row, old);
    }
}

/* ---- what the definition says of the rest ---- */

struct rest {
    struct planner *p;
    const struct rehearsal *rehearsal;
    struct path_counts frames; /* standing_frames */
    struct path_counts begun;  /* of the first steps of the list: 1 for each frame that has any */
    size_t begun_count;
    uint32_t *seen; /* by state: the last walk that listed it */
    uint32_t walk;  /* through a scope and what it holds, the one that is on */
    bool sure;      /* what is listed will run */
    bool in_order;  /* the index of the next step is known */
    uint32_t index; /* that index */
    struct str why; /* of what is not sure */
    size_t left;    /* PLAN_STEPS_AHEAD_MAX */
};

static void rest_of_scope(struct rest *rest, const struct path_part *parts, size_t count,
                          uint32_t at);

static void lose(struct rest *rest, struct str why)
{
    if (rest->sure)
        rest->why = why;
    rest->sure = false;
    rest->in_order = false;
    rest->p->ends_known = false;
}

/* The record that the step will take the place of, where no play came to it; NULL: none. */
static struct row *row_due(const struct rest *rest, struct str key)
{
    const struct planner *p = rest->p;
    const struct trace *t = p->trace;
    if (p->new_run)
        return NULL;
    for (uint32_t i = trace_find(t, key, 0); i != STEP_NO_NONE; i = t->steps[i].next_visit)
        if (p->again[i] && p->rows[i].step.action == PLAN_NOT_REACHED)
            return &p->rows[i];
    return NULL;
}

static void add_rest(struct rest *rest, const struct path_part *parts, size_t count,
                     const struct state *state)
{
    struct planner *p = rest->p;
    struct str key = step_key(parts, count, state, p->arena);
    struct row *due = row_due(rest, key);
    if (due && rest->sure) {
        due->step.action = due->done ? PLAN_RERUN : PLAN_RUN;
        due->step.why = STR("it is to run again");
    }
    if (due)
        return;
    bool has_index = rest->sure && rest->in_order;
    struct row *row = add_row(p, p->machine, state, key, has_index ? rest->index++ : STEP_NO_NONE);
    row->step.last_ms = last_ms_of(p, key, 0);
    row->step.action = rest->sure ? PLAN_RUN : PLAN_NOT_REACHED;
    row->step.why = rest->sure ? STR("it comes next") : rest->why;
    if (rest->left)
        rest->left--;
}

static void rest_of_branches(struct rest *rest, const struct path_part *parts, size_t count,
                             const struct state *state)
{
    const struct machine *m = rest->p->machine;
    struct path_part *inner = ARENA_ARRAY(rest->p->arena, struct path_part, count + 1);
    memcpy(inner, parts, count * sizeof(*parts));
    inner[count] = (struct path_part){state, PART_ANY};
    if (state->type == STATE_MAP) {
        bool was_sure = rest->sure;
        lose(rest, STR("how many items there are is not known yet"));
        rest_of_scope(rest, inner, count + 1, m->scopes[state->u.map.processor].start);
        rest->sure = was_sure; /* what comes after it does come, after however many */
        return;
    }
    for (uint32_t i = 0; i < state->u.parallel.branch_count; i++) {
        rest->in_order = false; /* branches go on beside one another */
        inner[count].index = i;
        rest_of_scope(rest, inner, count + 1, m->scopes[state->u.parallel.branches[i]].start);
    }
}

static void rest_of_choice(struct rest *rest, const struct path_part *parts, size_t count,
                           const struct state *state)
{
    lose(rest, arena_printf(rest->p->arena, "where " STR_FMT " leads is not known yet",
                            STR_ARG(state->name)));
    for (size_t i = 0; i < state->u.choice.rule_count; i++)
        rest_of_scope(rest, parts, count, state->u.choice.rules[i].next);
    rest_of_scope(rest, parts, count, state->u.choice.fallback);
}

/* Recurses into Parallels, Maps and Choices: as deep as the definition has states. */
static void rest_of_scope(struct rest *rest, const struct path_part *parts, size_t count,
                          uint32_t at)
{
    const struct machine *m = rest->p->machine;
    while (at != STATE_NO_NONE && rest->left) {
        const struct state *state = &m->states[at];
        if (rest->seen[at] == rest->walk)
            return;
        rest->seen[at] = rest->walk;
        add_rest(rest, parts, count, state);
        if (state_holds_steps(state))
            rest_of_branches(rest, parts, count, state);
        if (state->type == STATE_CHOICE) {
            rest_of_choice(rest, parts, count, state);
            return;
        }
        if (state->type == STATE_FAIL)
            lose(rest, STR("the execution fails before it"));
        at = state->next;
    }
}

/* By a frame's path: the step that it stands in, + 1. */
static struct path_counts standing_frames(const struct rehearsal *r, struct arena *a)
{
    struct path_counts frames = path_counts(a);
    for (uint32_t i = 0; i < r->list.count; i++) {
        const struct step *s = &r->list.items[i];
        if (r->steps[i].what != REHEARSED_NOT && s->status == STEP_RUNNING)
            *path_counts_at(&frames, step_frame_path(s)) = i + 1;
    }
    return frames;
}

/* Has a branch or iteration any step? */
static bool has_begun(struct rest *rest, struct str frame_path)
{
    const struct step_list *list = &rest->rehearsal->list;
    for (; rest->begun_count < list->count; rest->begun_count++)
        *path_counts_at(&rest->begun, step_frame_path(&list->items[rest->begun_count])) = 1;
    return *path_counts_at(&rest->begun, frame_path);
}

static void rest_of_frame(struct rest *rest, struct str frame_path);

/* What its branches and iterations still have before them. */
static void rest_of_holder(struct rest *rest, const struct step *holder,
                           const struct path_part *parts, size_t count)
{
    struct arena *a = rest->p->arena;
    const struct machine *m = rest->p->machine;
    bool is_map = holder->state->type == STATE_MAP;
    struct path_part *inner = ARENA_ARRAY(a, struct path_part, count + 1);
    memcpy(inner, parts, count * sizeof(*parts));
    for (int64_t i = 0; i < holder->children_total && rest->left; i++) {
        struct str frame = arena_printf(a, STR_FMT "/%lld", STR_ARG(holder->path), (long long)i);
        if (has_begun(rest, frame)) {
            rest_of_frame(rest, frame);
            continue;
        }
        inner[count] = (struct path_part){holder->state, (uint32_t)i};
        uint32_t scope =
            is_map ? holder->state->u.map.processor : holder->state->u.parallel.branches[i];
        rest->walk++;
        rest_of_scope(rest, inner, count + 1, m->scopes[scope].start);
    }
}

static void rest_of_frame(struct rest *rest, struct str frame_path)
{
    uint32_t at = *path_counts_at(&rest->frames, frame_path);
    const struct step *s = at ? &rest->rehearsal->list.items[at - 1] : NULL;
    const struct path_part *parts;
    size_t count;
    if (!s || !step_parts(rest->p->machine, s->state, s->path, rest->p->arena, &parts, &count))
        return;
    if (state_holds_steps(s->state)) {
        rest->in_order = false;
        rest_of_holder(rest, s, parts, count);
    }
    rest->seen[s->state->number] = ++rest->walk;
    rest_of_scope(rest, parts, count, s->state->next);
}

/* After a stop: where each frame would go on is what its last step led to. */
static void rest_after_stop(struct rest *rest)
{
    const struct rehearsal *r = rest->rehearsal;
    for (size_t i = r->list.count; i > 0; i--) {
        const struct step *s = &r->list.items[i - 1];
        const struct path_part *parts;
        size_t count;
        if (s->status == STEP_RUNNING || step_frame_path(s).len || s->next == STATE_NO_NONE ||
            r->steps[i - 1].what == REHEARSED_NOT)
            continue;
        if (step_parts(rest->p->machine, s->state, s->path, rest->p->arena, &parts, &count))
            rest_of_scope(rest, parts, count, s->next);
        return;
    }
}

static void add_the_rest(struct planner *p, const struct rehearsal *r)
{
    struct rest rest = {
        .p = p,
        .rehearsal = r,
        .frames = standing_frames(r, p->arena),
        .begun = path_counts(p->arena),
        .seen = ARENA_ARRAY(p->arena, uint32_t, p->machine->state_count),
        .walk = 1,
        .sure = true,
        .in_order = true,
        .index = (uint32_t)r->list.count,
        .left = PLAN_STEPS_AHEAD_MAX,
    };
    p->ends_known = run_status(r->run) != FLOW_RUNNING;
    if (p->ends_known || p->recovery.kind == FLOW_RERUN_STEP)
        return;
    p->ends_known = true;
    if (r->too_long) {
        lose(&rest, STR(""));
        return;
    }
    if (run_pause(r->run).asked) {
        lose(&rest, STR("the execution stops before it"));
        p->ends_known = true;
        rest_after_stop(&rest);
    } else {
        rest_of_frame(&rest, STR(""));
    }
}

/* ---- looking ahead ---- */

/* Nobody answers by a token, so none is sealed. */
static struct run *run_ahead(const struct planner *p)
{
    struct flow_identity *nobody = ARENA_NEW(p->arena, struct flow_identity);
    if (p->story->run)
        *nobody = *run_identity(p->story->run);
    nobody->secret = NULL;
    return p->new_run ? run_new(p->machine, nobody, p->story->limits)
                      : run_clone(p->story->run, nobody, p->story->limits);
}

static struct flow_input input_ahead(const struct planner *p)
{
    struct flow_input input = {.why = FLOW_RECOVER, .recovery = &p->recovery};
    if (!p->new_run)
        return input;
    input.why = FLOW_START;
    input.value = p->request->input;
    if (json_is_absent(input.value) && p->story->run)
        input.value = run_input(p->story->run);
    if (json_is_absent(input.value))
        input.value = json_object(NULL, 0);
    if (!p->skips && !p->recovery.until_count && !p->recovery.until_phase.len)
        input.recovery = NULL;
    return input;
}

bool look_ahead(struct planner *p)
{
    struct run *run = run_ahead(p);
    take_large_pages(p->story, run_arena(run));
    struct flow_input input = input_ahead(p);
    const struct trace *trace = p->new_run ? NULL : p->trace;
    struct rehearsal *r = rehearse_new(run, trace, p->story->now, answer_ahead, p, p->arena);
    begin_rows(p);
    bool taken = rehearse_input(r, &input);
    if (taken) {
        rehearse_play(r);
        rows_of_list(p, r);
        add_the_rest(p, r);
    }
    run_free(run);
    return taken || err_set(p->reterr, ERR_CONFLICT, "the execution cannot be recovered as it is");
}
