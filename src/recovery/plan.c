/* From a request to the turn that carries it out, and to what it leads to. */
#include "recovery/planner.h"

const char *plan_action_name(enum plan_action action)
{
    switch (action) {
    case PLAN_KEPT:
        return "kept";
    case PLAN_SKIPPED:
        return "skipped";
    case PLAN_RERUN:
        return "rerun";
    case PLAN_RUN:
        return "run";
    case PLAN_NOT_REACHED:
        return "not reached";
    }
    UNREACHABLE("plan action");
}

void plan_problem(struct planner *p, enum err_code code, uint32_t step, struct str what,
                  struct str remedy)
{
    if (p->problem_count == PLAN_PROBLEMS_MAX)
        return;
    p->problems = arena_grow(p->arena, p->problems, p->problem_count, &p->problem_capacity,
                             sizeof(*p->problems));
    p->problems[p->problem_count++] = (struct plan_problem){code, step, what, remedy};
}

const char *option_name(const struct planner *p, enum plan_option option)
{
    static const char *const names[][2] = {
        [OPTION_STEP] = {"--step", "step"},
        [OPTION_SKIP] = {"--skip-steps", "skip_steps"},
        [OPTION_FROM] = {"--from-step", "from_step"},
        [OPTION_UNTIL] = {"--until-step", "until_step"},
        [OPTION_PHASE] = {"--until-phase", "until_phase"},
        [OPTION_ONLY] = {"--only", "only"},
        [OPTION_OUTPUT] = {"--set-output", "set_output"},
    };
    return names[option][p->request->numbering == STEPS_FROM_ZERO];
}

struct str output_option(const struct planner *p, struct str name)
{
    return p->request->numbering == STEPS_FROM_ZERO
               ? arena_printf(p->arena, "\"set_output\": {\"" STR_FMT "\": ...}", STR_ARG(name))
               : arena_printf(p->arena, "--set-output '" STR_FMT "=JSON'", STR_ARG(name));
}

/* ---- may it be at all? ---- */

static void check_status(struct planner *p)
{
    const struct recovery_request *r = p->request;
    if (!p->story->run)
        return;
    enum flow_status status = run_status(p->story->run);
    if (run_identity(p->story->run)->express && r->kind != RECOVERY_START)
        plan_problem(p, ERR_CONFLICT, STEP_NO_NONE,
                     STR("an Express execution leaves nothing to go on from"),
                     STR("start a new one"));
    else if (status == FLOW_RUNNING && r->kind != RECOVERY_START)
        plan_problem(p, ERR_CONFLICT, STEP_NO_NONE, STR("the execution is running"),
                     STR("wait for its end, or stop it first"));
    else if (status == FLOW_SUCCEEDED && r->kind == RECOVERY_RESUME)
        plan_problem(p, ERR_CONFLICT, STEP_NO_NONE,
                     STR("the execution has succeeded: there is nothing to resume"),
                     STR("run one step again with pawl rerun (--cascade: and all after it), or "
                         "start a new execution with pawl restart"));
}

/* ---- going back ---- */

/* The record at the top level that a step stands in, or is. */
static uint32_t top_of(const struct trace *t, uint32_t step)
{
    for (uint32_t h = trace_holder(t, step); h != STEP_NO_NONE; h = trace_holder(t, h))
        step = h;
    return step;
}

/* The top level goes on before the step, or before the Parallel or Map that it is in; of
 * that, what is not at or after the step stays. */
static bool place_before(struct planner *p, uint32_t step)
{
    uint32_t top = top_of(p->trace, step);
    struct flow_recovery *r = &p->recovery;
    struct situation s = {0};
    if (!situation_of(p, top, p->request->recorded_context, &s))
        return false;
    r->kind = FLOW_RESUME_RUN;
    r->placed = true;
    p->placed = top;
    r->state = p->trace->list->items[top].state->number;
    r->data = json_is_absent(p->request->input) ? s.input : p->request->input;
    r->vars = s.vars;
    if (top != step) {
        if (!json_is_absent(p->request->input))
            plan_problem(p, ERR_INVALID_INPUT, step,
                         STR("an input can be given to steps of the top level only"),
                         STR("leave it out, or go on from the Parallel or Map around it"));
        return keep_around(p, top, step);
    }
    return true;
}

/* ---- going ahead ---- */

/* By key: the last such row + 1. */
static struct path_counts rows_by_key(const struct planner *p)
{
    struct path_counts rows = path_counts(p->arena);
    for (size_t i = 0; i < p->row_count; i++)
        *path_counts_at(&rows, p->rows[i].step.key) = (uint32_t)i + 1;
    return rows;
}

/* The top-level step that the execution stands in; NULL: none. */
static const struct row *standing_row(const struct planner *p)
{
    const struct row *found = NULL;
    for (size_t i = 0; i < p->row_count; i++)
        if (p->rows[i].part_count == 0 && p->rows[i].step.action == PLAN_RUN &&
            (!found || (p->rows[i].recorded && !found->recorded)))
            found = &p->rows[i];
    return found;
}

static void cannot_go_ahead(struct planner *p, const struct row *target, struct str what)
{
    plan_problem(
        p, ERR_CONFLICT, STEP_NO_NONE,
        arena_printf(p->arena, "%s " STR_FMT ": " STR_FMT, option_name(p, OPTION_FROM),
                     STR_ARG(target->step.path), STR_ARG(what)),
        arena_printf(p->arena, "name the steps to skip with %s", option_name(p, OPTION_SKIP)));
}

/* Skips all that is before the target; the last of it gives the target its input. */
static void skip_ahead(struct planner *p, const struct row *target)
{
    const struct row *row = standing_row(p);
    const struct state *states = p->machine->states;
    if (target->part_count || !row) {
        cannot_go_ahead(p, target, STR("the execution did not come to it"));
        return;
    }
    struct path_counts rows = rows_by_key(p);
    uint32_t at = row->step.state->number;
    for (uint32_t i = 0; i < p->machine->state_count && at != STATE_NO_NONE; i++) {
        if (at == target->step.state->number)
            return;
        uint32_t place = path_counts_get(&rows, states[at].name);
        row = place ? &p->rows[place - 1] : NULL;
        bool last = states[at].next == target->step.state->number;
        if (!row || states[at].type == STATE_CHOICE) {
            cannot_go_ahead(p, target,
                            arena_printf(p->arena, "where " STR_FMT " leads decides it",
                                         STR_ARG(states[at].name)));
            return;
        }
        skip_asked(p, row, !last, last ? p->request->input : JSON_NONE);
        at = states[at].next;
    }
    cannot_go_ahead(p, target, STR("the steps before it do not lead to it"));
}

/* ---- what the request names ---- */

/* Of rows that share a number, the first one that was recorded. */
static const struct row *first_of(const struct planner *p, const size_t *rows, size_t count)
{
    const struct row *first = &p->rows[rows[0]];
    for (size_t i = 1; i < count; i++) {
        const struct row *row = &p->rows[rows[i]];
        if (row->recorded && (!first->recorded || p->trace->steps[row->step.index].taken <
                                                      p->trace->steps[first->step.index].taken))
            first = row;
    }
    return first;
}

static bool take_from(struct planner *p)
{
    size_t *rows, count;
    if (!p->request->from.len)
        return true;
    if (!choose_one(p, p->request->from, option_name(p, OPTION_FROM), &rows, &count))
        return false;
    if (!count)
        return true;
    const struct row *target = first_of(p, rows, count);
    if (p->new_run && target->recorded)
        return keep_around(p, STEP_NO_NONE, target->step.index);
    else if (!target->recorded)
        skip_ahead(p, target);
    else if (target->done)
        return place_before(p, target->step.index);
    return true;
}

/* Where the execution came last to what the top level is placed before. */
static uint64_t placed_at(const struct planner *p)
{
    return p->trace->steps[p->placed].taken;
}

/* Will the recorded step be come to, so that a skip takes effect? */
static bool is_due(const struct planner *p, const struct row *row)
{
    const struct flow_recovery *r = &p->recovery;
    if (!row->recorded || p->kept[row->step.index])
        return !row->recorded;
    if (p->new_run)
        return true;
    if (!row->done)
        return true;
    return r->placed && trace_is_from(p->trace, row->step.index, placed_at(p));
}

static bool take_skips(struct planner *p)
{
    size_t *rows, count;
    if (!p->request->skip.len)
        return true;
    if (!choose_rows(p, p->request->skip, option_name(p, OPTION_SKIP), &rows, &count))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct row *row = &p->rows[rows[i]];
        if (row->recorded)
            p->asked[row->step.index] = true;
        if (is_due(p, row))
            skip_asked(p, row, false, JSON_NONE);
    }
    return true;
}

/* The row's state in the machine that goes on, which may be another one. NULL: a problem. */
static const struct state *state_ahead(struct planner *p, const struct row *row)
{
    const struct state *state = row->step.state;
    if (row->machine == p->machine)
        return state;
    state = state_in(p->machine, row->parts, row->part_count, state->name);
    if (!state)
        plan_problem(p, ERR_CONFLICT, row->step.index,
                     arena_printf(p->arena, "%s " STR_FMT ": the new definition has no such step",
                                  option_name(p, OPTION_UNTIL), STR_ARG(row->step.path)),
                     STR("name a step that it has"));
    return state;
}

static bool take_until(struct planner *p)
{
    size_t *rows, count;
    bool ahead = false;
    if (!p->request->until.len)
        return true;
    if (!choose_one(p, p->request->until, option_name(p, OPTION_UNTIL), &rows, &count))
        return false;
    uint32_t *states = ARENA_ARRAY(p->arena, uint32_t, count);
    bool *known = ARENA_ARRAY(p->arena, bool, p->machine->state_count);
    for (size_t i = 0; i < count; i++) {
        const struct row *row = &p->rows[rows[i]];
        const struct state *state = state_ahead(p, row);
        if (!state)
            continue;
        if (!known[state->number])
            states[p->recovery.until_count++] = state->number;
        known[state->number] = true;
        ahead = ahead || p->recovery.placed || row->step.action != PLAN_KEPT;
    }
    p->recovery.until = states;
    if (count && !ahead)
        plan_problem(p, ERR_CONFLICT, p->rows[rows[0]].step.index,
                     arena_printf(p->arena, "%s names a step that is done already",
                                  option_name(p, OPTION_UNTIL)),
                     STR("name a later one"));
    return true;
}

static void take_phase(struct planner *p)
{
    struct str wanted = p->request->until_phase;
    struct buf known = BUF_INIT(ERR_MESSAGE_MAX);
    bool found = !wanted.len;
    for (uint32_t i = 0; i < p->machine->state_count && !found; i++) {
        struct str phase = p->machine->states[i].phase;
        found = str_eq(phase, wanted);
        if (phase.len && (i == 0 || !str_eq(phase, p->machine->states[i - 1].phase)))
            buf_printf(&known, "%s" STR_FMT, known.len ? ", " : "", STR_ARG(phase));
    }
    if (!found)
        plan_problem(
            p, ERR_NOT_FOUND, STEP_NO_NONE,
            arena_printf(p->arena, "%s: no step is of the phase \"" STR_FMT "\"",
                         option_name(p, OPTION_PHASE), STR_ARG(wanted)),
            known.len ? arena_printf(p->arena, "its phases are " STR_FMT, STR_ARG(buf_str(&known)))
                      : STR("give the steps of the definition their x-phase"));
    buf_release(&known);
    p->recovery.until_phase = wanted;
}

/* ---- one branch only ---- */

static bool same_place(const struct path_part *a, const struct path_part *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (a[i].holder != b[i].holder || a[i].index != b[i].index)
            return false;
    return true;
}

/* The row in the branch that is meant, with how many of its parts lead there; NULL: none. */
static const struct row *branch_row(const struct planner *p, struct str label, size_t *ret_depth)
{
    for (size_t i = 0; i < p->row_count; i++) {
        const struct row *row = &p->rows[i];
        if (row->step.action == PLAN_KEPT)
            continue;
        for (size_t depth = 1; depth <= row->part_count; depth++) {
            *ret_depth = depth;
            if (row->parts[depth - 1].holder->type == STATE_PARALLEL &&
                branch_is_named(row->machine, row->parts, depth, label))
                return row;
        }
    }
    return NULL;
}

static struct json branch_output(const struct planner *p, const struct row *row, size_t depth)
{
    const struct json_member *members = json_members(p->request->outputs);
    for (size_t i = 0; i < json_count(p->request->outputs); i++) {
        if (!branch_is_named(row->machine, row->parts, depth, json_str(members[i].key)))
            continue;
        p->output_used[i] = true;
        return members[i].value;
    }
    return JSON_NONE;
}

static struct str branch_label(const struct row *row, size_t depth)
{
    const struct path_part *part = &row->parts[depth - 1];
    return row->machine->scopes[part->holder->u.parallel.branches[part->index]].label;
}

/* The branch's first step that would run ends it at once. */
static void skip_branch(struct planner *p, const struct row *row, size_t depth)
{
    uint32_t step = row->recorded ? row->step.index : STEP_NO_NONE;
    struct flow_skip skip = {
        .path = row->step.key,
        .step = p->new_run ? STEP_NO_NONE : step,
        .kind = SKIP_GIVEN,
        .output = branch_output(p, row, depth),
        .next = STATE_NO_NONE,
    };
    struct str label = branch_label(row, depth);
    if (!json_is_absent(skip.output))
        add_skip(p, skip);
    else
        plan_problem(
            p, ERR_CONFLICT, step,
            arena_printf(p->arena, "the branch " STR_FMT " has no output yet", STR_ARG(label)),
            arena_printf(p->arena, "give it with " STR_FMT ", or resume it as well",
                         STR_ARG(output_option(p, label))));
}

static void skip_other_branches(struct planner *p, const struct row *meant, size_t depth)
{
    const struct path_part *parts = meant->parts;
    size_t branches = parts[depth - 1].holder->u.parallel.branch_count;
    bool *seen = ARENA_ARRAY(p->arena, bool, branches);
    seen[parts[depth - 1].index] = true;
    for (size_t i = 0; i < p->row_count; i++) {
        const struct row *row = &p->rows[i];
        bool runs = row->step.action == PLAN_RUN || row->step.action == PLAN_RERUN;
        if (row->part_count != depth || !runs || !same_place(row->parts, parts, depth - 1) ||
            row->parts[depth - 1].holder != parts[depth - 1].holder ||
            seen[row->parts[depth - 1].index])
            continue;
        seen[row->parts[depth - 1].index] = true;
        skip_branch(p, row, depth);
    }
}

static void take_only(struct planner *p)
{
    struct str label = p->request->only;
    size_t depth = 0;
    if (!label.len)
        return;
    if (str_starts_with(label, STR("context=")))
        label = str_slice(label, sizeof("context=") - 1, label.len);
    const struct row *row = branch_row(p, label, &depth);
    if (row) {
        skip_other_branches(p, row, depth);
        return;
    }
    plan_problem(p, ERR_NOT_FOUND, STEP_NO_NONE,
                 arena_printf(p->arena, "%s: no branch named \"" STR_FMT "\" is still to run",
                              option_name(p, OPTION_ONLY), STR_ARG(label)),
                 STR("name a branch of a Parallel by its x-label or its first step; a dry run "
                     "lists them"));
}

/* ---- the kinds ---- */

static bool names_steps(const struct recovery_request *r)
{
    return r->skip.len || r->from.len || r->until.len || r->only.len;
}

/* Does a fork take over everything? Not where somebody says which: with --from-step, or with
 * --skip-steps of an execution that ended well, of which nothing would be left to run. */
static bool keeps_what_is_done(const struct planner *p)
{
    const struct recovery_request *r = p->request;
    if (r->kind != RECOVERY_FORK || !p->story->run || r->from.len)
        return false;
    return !r->skip.len || run_status(p->story->run) != FLOW_SUCCEEDED;
}

/* What it comes to without anything asked: the steps that texts may name. */
static bool look_first(struct planner *p)
{
    if (keeps_what_is_done(p) && !keep_around(p, STEP_NO_NONE, STEP_NO_NONE))
        return false;
    if (!p->new_run)
        carry_reuses(p);
    return !names_steps(p->request) || look_ahead(p);
}

/* Steps of the earlier execution are named as it numbers them; behind them, those to come. */
static bool look_first_of_fork(struct planner *p)
{
    if (!look_first(p))
        return false;
    if (!names_steps(p->request))
        return true;
    struct row *ahead = p->rows;
    size_t count = p->row_count;
    p->rows = NULL;
    p->row_capacity = 0;
    look_back(p);
    for (size_t i = 0; i < count; i++) {
        const struct row *row = &ahead[i];
        if (trace_last(p->trace, row->step.key) != STEP_NO_NONE)
            continue;
        p->rows = arena_grow(p->arena, p->rows, p->row_count, &p->row_capacity, sizeof(*p->rows));
        p->rows[p->row_count++] = *row;
    }
    return true;
}

static bool make_run(struct planner *p)
{
    bool is_fork = p->request->kind == RECOVERY_FORK;
    p->recovery.kind = p->new_run ? FLOW_FORK_RUN : FLOW_RESUME_RUN;
    if (is_fork ? !look_first_of_fork(p) : !look_first(p))
        return false;
    if (!take_from(p) || !refresh(p) || !take_skips(p) || !take_until(p))
        return false;
    take_only(p);
    take_phase(p);
    if (p->recovery.placed) {
        forget_reuses(p);
        carry_reuses(p);
        add_reuses(p, placed_at(p));
    } else if (!p->new_run && !p->recovery.skip_count) {
        p->recovery.input = p->request->input;
    }
    return true;
}

/* Did its result become the execution's output? */
static bool gave_output(const struct planner *p, uint32_t step)
{
    const struct trace *t = p->trace;
    if (run_status(p->story->run) != FLOW_SUCCEEDED || trace_holder(t, step) != STEP_NO_NONE ||
        t->list->items[step].next != STATE_NO_NONE)
        return false;
    for (uint32_t i = 0; i < t->list->count; i++)
        if (trace_holder(t, i) == STEP_NO_NONE && step_is_done(&t->list->items[i]) &&
            t->list->items[i].next == STATE_NO_NONE && t->steps[i].taken > t->steps[step].taken)
            return false;
    return true;
}

static bool make_rerun_of(struct planner *p, uint32_t step)
{
    struct flow_recovery *r = &p->recovery;
    struct situation s = {0};
    if (p->request->cascade) {
        if (!place_before(p, step))
            return false;
        carry_reuses(p);
        add_reuses(p, placed_at(p));
        return true;
    }
    bool given = !json_is_absent(p->request->input);
    if (!situation_of(p, step, p->request->recorded_context || given, &s))
        return false;
    r->kind = FLOW_RERUN_STEP;
    r->placed = true;
    r->state = p->trace->list->items[step].state->number;
    r->data = given ? p->request->input : s.input;
    r->vars = s.vars;
    r->step = step;
    r->frame_path = s.frame_path;
    r->within = s.within;
    r->item = s.item;
    r->item_index = s.item_index;
    r->gives_output = gave_output(p, step);
    add_reuses_of(p, step);
    return true;
}

static bool make_rerun(struct planner *p)
{
    size_t *rows, count;
    look_back(p);
    if (!choose_one(p, p->request->step, option_name(p, OPTION_STEP), &rows, &count))
        return false;
    if (!count)
        return true;
    const struct row *row = &p->rows[rows[count - 1]];
    for (size_t i = 0; i < count; i++) {
        if (str_eq(p->rows[rows[i]].step.key, row->step.key))
            continue;
        plan_problem(p, ERR_AMBIGUOUS, STEP_NO_NONE,
                     arena_printf(p->arena, "%s \"" STR_FMT "\" names more than one step",
                                  option_name(p, OPTION_STEP), STR_ARG(p->request->step)),
                     arena_printf(p->arena, "give a path, such as " STR_FMT " or " STR_FMT,
                                  STR_ARG(p->rows[rows[i]].step.path), STR_ARG(row->step.path)));
        return true;
    }
    return make_rerun_of(p, row->step.index);
}

/* ---- the sums ---- */

/* By a path's first record: the time of what is in it. In a new run a Parallel or Map that
 * stays whole has no rows for that. */
static int64_t *times_within(const struct planner *p)
{
    const struct trace *t = p->trace;
    int64_t *times = ARENA_ARRAY(p->arena, int64_t, t->list->count);
    for (uint32_t i = 0; i < t->list->count; i++) {
        const struct step *s = &t->list->items[i];
        if (!t->steps[i].current || state_holds_steps(s->state) || !step_is_done(s))
            continue;
        int64_t ms = step_duration_ms(s);
        for (uint32_t h = trace_holder(t, i); ms > 0 && h != STEP_NO_NONE; h = trace_holder(t, h))
            times[t->steps[h].first] += ms;
    }
    return times;
}

static void sum_up(struct planner *p, struct plan *plan)
{
    const int64_t *within = p->new_run ? times_within(p) : NULL;
    for (size_t i = 0; i < p->row_count; i++) {
        const struct plan_step *s = &p->rows[i].step;
        bool runs = s->action == PLAN_RUN || s->action == PLAN_RERUN;
        bool stays = s->action == PLAN_KEPT || s->action == PLAN_SKIPPED;
        uint32_t record = within ? trace_last(p->trace, s->key) : STEP_NO_NONE;
        if (state_holds_steps(s->state))
            plan->saved_ms +=
                stays && record != STEP_NO_NONE ? within[p->trace->steps[record].first] : 0;
        else if (s->last_ms > 0 && runs)
            plan->expected_ms += s->last_ms;
        else if (s->last_ms > 0 && stays)
            plan->saved_ms += s->last_ms;
    }
}

static void take_verifies(struct planner *p, struct plan *plan)
{
    struct plan_verify *verifies = ARENA_ARRAY(p->arena, struct plan_verify, p->row_count);
    for (size_t i = 0; i < p->row_count; i++) {
        const struct plan_step *s = &p->rows[i].step;
        bool before = p->recovery.kind != FLOW_RERUN_STEP || s->index < p->recovery.step;
        if (s->action == PLAN_KEPT && s->state->verify && before)
            verifies[plan->verify_count++] = (struct plan_verify){s->state, s->index};
    }
    plan->verifies = verifies;
}

/* ---- the end ---- */

static void check_used(struct planner *p)
{
    const struct json_member *outputs = json_members(p->request->outputs);
    for (size_t i = 0; i < json_count(p->request->outputs); i++)
        if (!p->output_used[i])
            plan_problem(
                p, ERR_INVALID_INPUT, STEP_NO_NONE,
                arena_printf(p->arena, "%s \"" STR_FMT "\" names no step or branch that is skipped",
                             option_name(p, OPTION_OUTPUT), STR_ARG(json_str(outputs[i].key))),
                arena_printf(p->arena, "name the step with %s, too, or leave its output out",
                             option_name(p, OPTION_SKIP)));
    const struct json_member *mocks = json_members(p->request->mocks);
    struct row_names *names = json_count(p->request->mocks) ? row_names_new(p) : NULL;
    for (size_t i = 0; i < json_count(p->request->mocks); i++) {
        if (!p->mock_used[i] && !row_names_know(names, json_str(mocks[i].key)))
            plan_problem(p, ERR_NOT_FOUND, STEP_NO_NONE,
                         arena_printf(p->arena, "the mocks name \"" STR_FMT "\", which is no step",
                                      STR_ARG(json_str(mocks[i].key))),
                         STR("name steps as the definition does"));
    }
}

/* In a changed definition nothing new may come before what is to be kept. */
static void check_order(struct planner *p)
{
    const struct row *runs = NULL;
    for (size_t i = 0; i < p->row_count; i++) {
        const struct row *row = &p->rows[i];
        if (row->part_count)
            continue;
        if (row->step.action == PLAN_RUN && !runs)
            runs = row;
        if (row->step.action != PLAN_KEPT || !runs || p->machine == p->story->machine)
            continue;
        plan_problem(p, ERR_CONFLICT, STEP_NO_NONE,
                     arena_printf(p->arena,
                                  "the new definition has " STR_FMT " before " STR_FMT
                                  ", which is to be kept",
                                  STR_ARG(runs->step.path), STR_ARG(row->step.path)),
                     arena_printf(p->arena, "go on from there, with %s " STR_FMT,
                                  option_name(p, OPTION_FROM), STR_ARG(runs->step.path)));
        return;
    }
}

static void show_asked(struct planner *p)
{
    for (size_t i = 0; i < p->row_count; i++) {
        struct row *row = &p->rows[i];
        if (!row->recorded || !p->asked[row->step.index] || row->step.action != PLAN_KEPT)
            continue;
        row->step.action = PLAN_SKIPPED;
        row->step.why = STR("it is done, and was to be skipped");
    }
}

static void give_plan(struct planner *p, struct plan *plan)
{
    struct plan_step *steps = ARENA_ARRAY(p->arena, struct plan_step, p->row_count);
    take_verifies(p, plan);
    show_asked(p);
    for (size_t i = 0; i < p->row_count; i++)
        steps[i] = p->rows[i].step;
    plan->steps = steps;
    plan->count = p->row_count;
    plan->problems = p->problems;
    plan->problem_count = p->problem_count;
    plan->ends_known = p->ends_known;
    plan->recovery = p->recovery;
    sum_up(p, plan);
}

static bool make(struct planner *p)
{
    check_status(p);
    if (p->problem_count)
        return true;
    if (p->request->kind == RECOVERY_RERUN ? !make_rerun(p) : !make_run(p))
        return false;
    if (p->problem_count)
        return true;
    if (!look_ahead(p))
        return false;
    check_used(p);
    check_order(p);
    return true;
}

bool plan_make(const struct recovery_story *story, const struct recovery_request *request,
               struct arena *a, struct plan *ret_plan, struct err *reterr)
{
    static const struct step_list no_steps;
    const struct step_list *list = story->steps ? story->steps : &no_steps;
    take_large_pages(story, a);
    struct planner p = {
        .story = story,
        .request = request,
        .machine = story->target ? story->target : story->machine,
        .arena = a,
        .reterr = reterr,
        .trace = trace_make(list, story->turns, story->turn_count, a),
        .new_run = request->kind == RECOVERY_FORK || request->kind == RECOVERY_START,
        .mock_used = ARENA_ARRAY(a, bool, json_count(request->mocks)),
        .output_used = ARENA_ARRAY(a, bool, json_count(request->outputs)),
        .asked = ARENA_ARRAY(a, bool, list->count),
        .kept = ARENA_ARRAY(a, bool, list->count),
        .again = ARENA_ARRAY(a, bool, list->count),
        .recovery = {.kind = FLOW_RESUME_RUN, .by = request->by},
    };
    struct plan plan = {.kind = request->kind, .cascade = request->cascade};
    p.numbered = machine_is_numbered(p.machine);
    if (!make(&p))
        return false;
    give_plan(&p, &plan);
    *ret_plan = plan;
    return true;
}

bool plan_feasible(const struct plan *plan, struct err *reterr)
{
    if (!plan->problem_count)
        return true;
    const struct plan_problem *first = &plan->problems[0];
    struct str path = STR("");
    for (size_t i = 0; i < plan->count && !path.len && first->step != STEP_NO_NONE; i++)
        if (plan->steps[i].index == first->step)
            path = plan->steps[i].path;
    return err_set(reterr, first->code, "%s" STR_FMT "%s" STR_FMT "; " STR_FMT,
                   path.len ? "step " : "", STR_ARG(path), path.len ? ": " : "",
                   STR_ARG(first->what), STR_ARG(first->remedy));
}
