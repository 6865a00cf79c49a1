/* Replays: the execution from its beginning with what its steps gave last. Their raw results
 * flow again through the states' input and output processing. */
#include "recovery/planner.h"

/* What the frame that the event speaks of is given, in the planner's arena. */
void situation_take(struct planner *p, const struct run *run, uint32_t frame, struct situation *to)
{
    struct json item;
    to->input = json_copy(p->arena, run_frame_input(run, frame));
    struct json vars = run_frame_vars(run, frame, p->arena);
    to->vars = json_is_absent(vars) ? JSON_NONE : json_copy(p->arena, vars);
    if (run_frame_item(run, frame, &item, &to->item_index))
        to->item = json_copy(p->arena, item);
}

struct replay {
    struct planner *p;
    struct str path; /* it goes to this visit of this path; empty: as far as records lead */
    uint32_t visit;
    uint32_t target; /* the record of that, if there is one */
    struct run *run;
    struct rehearsal *rehearsal;
};

static bool answer_replay(void *arg, const struct step *step, uint32_t visit, uint32_t tries,
                          struct outcome *ret_outcome)
{
    const struct replay *replay = arg;
    const struct trace *t = replay->p->trace;
    uint32_t same = trace_find_current(t, step->path, visit);
    if (same == STEP_NO_NONE || !outcome_of_record(&t->list->items[same], tries, ret_outcome))
        return false;
    ret_outcome->changes = t->steps[same].changes;
    return true;
}

/* Is it as it would be now? How branches failed beside one another is not for a replay: what
 * was made of that stays. */
static bool is_current(const struct planner *p, const bool *stale, uint32_t step, uint32_t target)
{
    const struct step *s = &p->trace->list->items[step];
    bool failed = state_holds_steps(s->state) && s->status != STEP_SUCCESS;
    return step != target && step_is_done(s) &&
           (!stale[step] || s->status == STEP_SKIPPED ||
            (failed && !trace_is_around(p->trace, step, target)));
}

/* Steps that are as they would be now are not carried out again: they give what they gave.
 * Skips of one path are taken in order, so the visits after the first that is not are not,
 * either. */
static void skip_current(struct planner *p, const bool *stale, uint32_t target,
                         struct flow_skip **ret_skips, size_t *ret_count)
{
    const struct trace *t = p->trace;
    struct flow_skip *skips = ARENA_ARRAY(p->arena, struct flow_skip, t->list->count);
    size_t count = 0;
    for (uint32_t first = 0; first < t->list->count; first++) {
        uint32_t i = t->steps[first].visit ? STEP_NO_NONE : first;
        for (; i != STEP_NO_NONE; i = t->steps[i].next_visit) {
            const struct step *s = &t->list->items[i];
            if (!t->steps[i].current)
                continue;
            if (!is_current(p, stale, i, target))
                break;
            skips[count++] = (struct flow_skip){.path = s->path,
                                                .step = STEP_NO_NONE,
                                                .kind = SKIP_KEPT,
                                                .output = s->output,
                                                .assigned = s->assigned,
                                                .next = s->next};
        }
    }
    *ret_skips = skips;
    *ret_count = count;
}

/* Has a step of the replay gone elsewhere than its record? */
static bool goes_elsewhere(const struct replay *replay)
{
    struct planner *p = replay->p;
    const struct rehearsal *r = replay->rehearsal;
    const struct state *states = p->story->machine->states;
    for (size_t i = 0; i < r->list.count; i++) {
        const struct step *now = &r->list.items[i];
        uint32_t same = trace_find_current(p->trace, now->path, r->steps[i].visit);
        const struct step *then = same == STEP_NO_NONE ? NULL : &p->trace->list->items[same];
        if (!then || !step_is_done(now) || !step_is_done(then) || now->next == then->next)
            continue;
        struct str to = now->next == STATE_NO_NONE ? STR("the end") : states[now->next].name;
        plan_problem(p, ERR_CONFLICT, same,
                     arena_printf(p->arena,
                                  STR_FMT " would now lead to " STR_FMT
                                          ", so that this step would not be come to as it was",
                                  STR_ARG(then->state->name), STR_ARG(to)),
                     p->request->kind == RECOVERY_RERUN
                         ? STR("run it with the recorded context, or with an input of your own, "
                               "or run everything from that step on")
                         : STR("go on with the recorded context, or from that step on"));
        return true;
    }
    return false;
}

static bool is_target(const struct replay *replay, size_t i)
{
    const struct rehearsal *r = replay->rehearsal;
    return str_eq(r->list.items[i].path, replay->path) && r->steps[i].visit == replay->visit;
}

static void end_replay(struct replay *replay, struct situation *to)
{
    struct planner *p = replay->p;
    const struct rehearsal *r = replay->rehearsal;
    if (goes_elsewhere(replay))
        return;
    for (size_t i = r->list.count; i > 0; i--) {
        if (is_target(replay, i - 1) && r->steps[i - 1].what == REHEARSED_RAN) {
            situation_take(p, replay->run, r->list.items[i - 1].frame, to);
            return;
        }
    }
    plan_problem(p, ERR_CONFLICT, replay->target,
                 STR("with the current outputs of the steps before it, the execution would not "
                     "come to this step"),
                 p->request->kind == RECOVERY_RERUN
                     ? STR("run it with the recorded context, or with an input of your own")
                     : STR("go on with the recorded context, or from an earlier step"));
}

/* The run and what lies in it are the caller's to free. */
static bool play(struct replay *replay, const bool *stale)
{
    struct planner *p = replay->p;
    struct flow_limits limits = *p->story->limits;
    struct flow_skip *skips;
    size_t count;
    limits.turn_states_max = 1; /* so that it can stop between entering and carrying out */
    skip_current(p, stale, replay->target, &skips, &count);
    struct flow_recovery recovery = {.kind = FLOW_FORK_RUN, .skips = skips, .skip_count = count};
    replay->run = run_new(p->story->machine, run_identity(p->story->run), &limits);
    take_large_pages(p->story, run_arena(replay->run));
    struct rehearsal *r = rehearse_new(replay->run, NULL, run_started_at(p->story->run),
                                       answer_replay, replay, p->arena);
    replay->rehearsal = r;
    r->stop_path = replay->path;
    r->stop_visit = replay->visit;
    bool taken = rehearse_input(r, &(struct flow_input){.why = FLOW_START,
                                                        .value = run_input(p->story->run),
                                                        .recovery = &recovery});
    rehearse_play(r);
    return taken || err_set(p->reterr, ERR_INTERNAL, "a replay could not be begun");
}

bool replay_to(struct planner *p, uint32_t target, struct str path, uint32_t visit,
               const bool *stale, struct situation *to)
{
    struct replay replay = {.p = p, .path = path, .visit = visit, .target = target};
    bool played = play(&replay, stale);
    if (played)
        end_replay(&replay, to);
    run_free(replay.run);
    return played;
}

/* ---- what steps that stay give by now ---- */

static void take_flowed(struct replay *replay)
{
    struct planner *p = replay->p;
    const struct rehearsal *r = replay->rehearsal;
    for (size_t i = 0; i < r->list.count; i++) {
        const struct step *now = &r->list.items[i];
        uint32_t same = trace_find_current(p->trace, now->path, r->steps[i].visit);
        if (same == STEP_NO_NONE || r->steps[i].what != REHEARSED_RAN || !step_is_done(now))
            continue;
        p->flowed[same].output = json_copy(p->arena, now->output);
        if (!json_is_absent(now->assigned))
            p->flowed[same].assigned = json_copy(p->arena, now->assigned);
    }
}

bool replay_flow(struct planner *p)
{
    struct replay replay = {.p = p, .target = STEP_NO_NONE};
    size_t count = p->trace->list->count;
    bool *stale = ARENA_ARRAY(p->arena, bool, count), any = false;
    if (p->flowed || p->request->recorded_context || !p->story->run)
        return true;
    trace_stale(p->trace, stale);
    for (size_t i = 0; i < count && !any; i++)
        any = stale[i];
    if (!any)
        return true;
    p->flowed = ARENA_ARRAY(p->arena, struct flowed, count);
    bool played = play(&replay, stale);
    if (played && !goes_elsewhere(&replay))
        take_flowed(&replay);
    run_free(replay.run);
    return played;
}

/* ---- where it stands ---- */

/* The last step that the top level came to; STEP_NO_NONE: none. */
static uint32_t last_at_top(const struct trace *t)
{
    uint32_t last = STEP_NO_NONE;
    for (uint32_t i = 0; i < t->list->count; i++)
        if (trace_holder(t, i) == STEP_NO_NONE &&
            (last == STEP_NO_NONE || t->steps[i].taken > t->steps[last].taken))
            last = i;
    return last;
}

/* Was a step run again alone since the execution came to where it stands? */
static bool was_rerun_since(const struct trace *t, uint32_t last)
{
    for (uint32_t i = 0; i < t->list->count; i++) {
        const struct trace_step *s = &t->steps[i];
        if (s->current && s->entered > s->taken && s->entered > t->steps[last].taken)
            return true;
    }
    return false;
}

static uint32_t current_visits(const struct trace *t, struct str path)
{
    uint32_t count = 0;
    for (uint32_t i = trace_find(t, path, 0); i != STEP_NO_NONE; i = t->steps[i].next_visit)
        count += t->steps[i].current;
    return count;
}

/* The top level goes on before `state`, with what leads there by now. */
static bool place_at(struct planner *p, uint32_t last, bool left)
{
    const struct trace *t = p->trace;
    const struct step *s = &t->list->items[last];
    struct flow_recovery *r = &p->recovery;
    struct situation now = {0};
    bool *stale = ARENA_ARRAY(p->arena, bool, t->list->count);
    uint32_t state = left ? s->next : s->state->number;
    struct str path = p->story->machine->states[state].name;
    trace_stale(t, stale);
    if (!replay_to(p, left ? STEP_NO_NONE : last, path,
                   left ? current_visits(t, path) : trace_current_visit(t, last), stale, &now))
        return false;
    r->placed = true;
    r->state = state;
    r->data = now.input;
    r->vars = now.vars;
    p->placed = last;
    p->kept[last] = left;
    return left || keep_around(p, last, STEP_NO_NONE);
}

bool refresh(struct planner *p)
{
    const struct recovery_request *r = p->request;
    const struct trace *t = p->trace;
    uint32_t last = last_at_top(t);
    if (r->kind != RECOVERY_RESUME || p->recovery.placed || r->recorded_context ||
        !json_is_absent(r->input) || last == STEP_NO_NONE || !was_rerun_since(t, last))
        return true;
    bool left = step_is_done(&t->list->items[last]);
    return (left && t->list->items[last].next == STATE_NO_NONE) || place_at(p, last, left);
}
