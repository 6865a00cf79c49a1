/* What a recorded step is given: as it was, or with what the steps before it give by now. */
#include "recovery/planner.h"

/* What the frame that the event speaks of is given, in the planner's arena. */
static void take_situation(struct planner *p, const struct run *run, uint32_t frame,
                           struct situation *to)
{
    struct json item;
    to->input = json_copy(p->arena, run_frame_input(run, frame));
    struct json vars = run_frame_vars(run, frame, p->arena);
    to->vars = json_is_absent(vars) ? JSON_NONE : json_copy(p->arena, vars);
    if (run_frame_item(run, frame, &item, &to->item_index))
        to->item = json_copy(p->arena, item);
}

static bool recorded_situation(struct planner *p, uint32_t step, struct situation *to)
{
    uint64_t place = p->trace->steps[step].entered - 1;
    uint32_t turn = (uint32_t)(place >> 32), event = (uint32_t)place;
    const struct flow_event *e = &p->story->turns[turn].events[event];
    struct run *run = run_copy(p, turn, event, 0);
    if (!run)
        return false;
    take_situation(p, run, e->frame, to);
    run_free(run);
    return true;
}

/* ---- with what is current ---- */

/* A replay up to a step's visit. */
struct replay {
    struct planner *p;
    uint32_t target;
    struct rehearsal *rehearsal;
};

static bool answer_replay(void *arg, const struct step *step, uint32_t visit, uint32_t tries,
                          struct outcome *ret_outcome)
{
    const struct replay *replay = arg;
    const struct trace *t = replay->p->trace;
    uint32_t same = trace_find_current(t, step->path, visit);
    return same != STEP_NO_NONE && outcome_of_record(&t->list->items[same], tries, ret_outcome);
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
                     STR("run it with the recorded context, or with an input of your own, or "
                         "run everything from that step on"));
        return true;
    }
    return false;
}

static bool is_target(const struct replay *replay, size_t i)
{
    const struct trace *t = replay->p->trace;
    const struct rehearsal *r = replay->rehearsal;
    return str_eq(r->list.items[i].path, t->list->items[replay->target].path) &&
           r->steps[i].visit == trace_current_visit(t, replay->target);
}

static void end_replay(struct replay *replay, const struct run *run, struct situation *to)
{
    struct planner *p = replay->p;
    const struct rehearsal *r = replay->rehearsal;
    if (goes_elsewhere(replay))
        return;
    for (size_t i = r->list.count; i > 0; i--) {
        if (is_target(replay, i - 1) && r->steps[i - 1].what == REHEARSED_RAN) {
            take_situation(p, run, r->list.items[i - 1].frame, to);
            return;
        }
    }
    plan_problem(p, ERR_CONFLICT, replay->target,
                 STR("with the current outputs of the steps before it, the execution would not "
                     "come to this step"),
                 STR("run it with the recorded context, or with an input of your own"));
}

static bool current_situation(struct planner *p, uint32_t step, const bool *stale,
                              struct situation *to)
{
    struct replay replay = {.p = p, .target = step};
    struct flow_limits limits = *p->story->limits;
    struct flow_skip *skips;
    size_t count;
    limits.memory_max = PLAN_MEMORY_MAX;
    limits.turn_states_max = 1; /* so that it can stop between entering and carrying out */
    skip_current(p, stale, step, &skips, &count);
    struct flow_recovery recovery = {.kind = FLOW_FORK_RUN, .skips = skips, .skip_count = count};
    struct run *run = run_new(p->story->machine, run_identity(p->story->run), &limits);
    struct rehearsal *r =
        rehearse_new(run, NULL, run_started_at(p->story->run), answer_replay, &replay, p->arena);
    replay.rehearsal = r;
    r->stop_path = p->trace->list->items[step].path;
    r->stop_visit = trace_current_visit(p->trace, step);
    bool taken = rehearse_input(r, &(struct flow_input){.why = FLOW_START,
                                                        .value = run_input(p->story->run),
                                                        .recovery = &recovery});
    rehearse_play(r);
    if (taken)
        end_replay(&replay, run, to);
    run_free(run);
    return taken || err_set(p->reterr, ERR_INTERNAL, "a replay could not be begun");
}

/* ---- either ---- */

/* Perhaps with an input that a person gave. */
static bool was_entered_again(const struct planner *p, uint32_t step)
{
    uint64_t place = p->trace->steps[step].entered - 1;
    const struct flow_event *e = &p->story->turns[place >> 32].events[(uint32_t)place];
    return event_shape(e->kind) == SHAPE_STATE_ENTERED && e->generation > 0;
}

/* The Parallels and Maps around it, as events have them. */
static struct json around(struct planner *p, uint32_t step)
{
    const struct trace *t = p->trace;
    struct json chain = JSON_NONE;
    struct str frame = step_frame_path(&t->list->items[step]);
    for (uint32_t s = step; frame.len;) {
        int64_t index = 0;
        uint32_t holder = trace_holder(t, s);
        if (holder == STEP_NO_NONE)
            break;
        (void)str_to_int64(str_slice(frame, str_rfind_char(frame, '/') + 1, frame.len), &index);
        struct json_array_builder link = json_array_builder(p->arena);
        struct json_array_builder all = json_array_builder(p->arena);
        json_array_add(&link, json_int(holder));
        json_array_add(&link, json_int(index));
        json_array_add(&all, json_array_done(&link));
        for (size_t i = 0; i < json_count(chain); i++)
            json_array_add(&all, json_at(chain, i));
        chain = json_array_done(&all);
        s = holder;
        frame = step_frame_path(&t->list->items[s]);
    }
    return chain;
}

bool situation_of(struct planner *p, uint32_t step, bool recorded, struct situation *ret)
{
    struct situation s = {.frame_path = step_frame_path(&p->trace->list->items[step])};
    bool *stale = ARENA_ARRAY(p->arena, bool, p->trace->list->count);
    if (p->trace->steps[step].entered == 0)
        return err_set(p->reterr, ERR_CORRUPT, "the journal does not say how step %u began", step);
    s.within = around(p, step);
    trace_stale(p->trace, stale);
    bool is_stale = (stale[step] || was_entered_again(p, step)) && p->trace->steps[step].current;
    for (uint32_t h = trace_holder(p->trace, step); h != STEP_NO_NONE;
         h = trace_holder(p->trace, h))
        stale[h] = true; /* it is entered to come to the step */
    if (recorded || !is_stale ? !recorded_situation(p, step, &s)
                              : !current_situation(p, step, stale, &s))
        return false;
    *ret = s;
    return true;
}
