/* The tables of a recovery: what is skipped, and which records are taken again. */
#include "recovery/planner.h"

void add_skip(struct planner *p, struct flow_skip skip)
{
    struct flow_recovery *r = &p->recovery;
    p->skips = arena_grow(p->arena, p->skips, r->skip_count, &p->skip_capacity, sizeof(skip));
    p->skips[r->skip_count++] = skip;
    r->skips = p->skips;
    if (skip.step != STEP_NO_NONE)
        p->kept[skip.step] = true;
}

/* ---- steps that stay ---- */

/* Is what is around the step entered again, so that the step is come to? */
static bool is_come_to(const struct planner *p, uint32_t step, uint32_t container, uint32_t target)
{
    const struct trace *t = p->trace;
    for (uint32_t h = trace_holder(t, step); h != container; h = trace_holder(t, h))
        if (h == STEP_NO_NONE || (step_is_done(&t->list->items[h]) &&
                                  (target == STEP_NO_NONE || !trace_is_around(t, h, target))))
            return false;
    return true;
}

/* What the target stands in, or the target, where that is beside the step; STEP_NO_NONE:
 * they stand in different branches. */
static uint32_t beside(const struct trace *t, uint32_t step, uint32_t target)
{
    while (target != STEP_NO_NONE && trace_holder(t, target) != trace_holder(t, step))
        target = trace_holder(t, target);
    bool one_frame = target != STEP_NO_NONE && str_eq(step_frame_path(&t->list->items[target]),
                                                      step_frame_path(&t->list->items[step]));
    return one_frame ? target : STEP_NO_NONE;
}

static bool stays(const struct planner *p, uint32_t step, uint32_t container, uint32_t target)
{
    const struct trace *t = p->trace;
    if (!t->steps[step].current || !step_is_done(&t->list->items[step]) || step == target)
        return false;
    if (container != STEP_NO_NONE && (step == container || !trace_is_around(t, container, step)))
        return false;
    if (!is_come_to(p, step, container, target))
        return false;
    if (target == STEP_NO_NONE)
        return true;
    uint32_t other = beside(t, step, target);
    return !trace_is_around(t, step, target) &&
           (other == STEP_NO_NONE || t->steps[step].taken < t->steps[other].taken);
}

static void does_not_fit(struct planner *p, uint32_t step, const char *why)
{
    const struct step *s = &p->trace->list->items[step];
    const struct path_part *parts;
    size_t count;
    struct str shown = s->path;
    if (step_parts(p->story->machine, s->state, s->path, p->arena, &parts, &count))
        shown = step_shown(p->story->machine, parts, count, s->state, p->arena);
    plan_problem(p, ERR_CONFLICT, step,
                 arena_printf(p->arena, "the new definition %s " STR_FMT ", which is to be kept",
                              why, STR_ARG(shown)),
                 arena_printf(p->arena, "keep it there as it was, or go on from before it with %s",
                              option_name(p, OPTION_FROM)));
}

/* The same state of the machine that goes on. NULL: a problem. */
static const struct state *fitting_state(struct planner *p, uint32_t step)
{
    const struct step *s = &p->trace->list->items[step];
    const struct path_part *parts;
    size_t count;
    if (p->machine == p->story->machine)
        return s->state;
    if (!step_parts(p->story->machine, s->state, s->path, p->arena, &parts, &count))
        return NULL;
    const struct state *now = state_in(p->machine, parts, count, s->state->name);
    if (!now)
        does_not_fit(p, step, "does not have, at its place, the step");
    else if (now->type != s->state->type)
        does_not_fit(p, step, "has another type of state in place of");
    else
        return now;
    return NULL;
}

/* Where it goes on: as then, where the data decided; else as the definition says now. */
static bool fitting_next(struct planner *p, uint32_t step, const struct state *now,
                         uint32_t *ret_next)
{
    const struct step *s = &p->trace->list->items[step];
    *ret_next = s->next;
    if (now == s->state)
        return true;
    bool decided = s->state->type == STATE_CHOICE || s->next != s->state->next;
    *ret_next = decided ? STATE_NO_NONE : now->next;
    if (!decided || s->next == STATE_NO_NONE)
        return true;
    const struct state *next =
        machine_find_state(p->machine, now->scope, p->story->machine->states[s->next].name);
    if (!next)
        does_not_fit(p, step, "does not have the step that followed");
    else
        *ret_next = next->number;
    return next != NULL;
}

static void keep(struct planner *p, uint32_t step)
{
    const struct step *s = &p->trace->list->items[step];
    const struct state *now = fitting_state(p, step);
    uint32_t next;
    p->kept[step] = true;
    if (!now || !fitting_next(p, step, now, &next))
        return;
    bool asked = p->asked[step] && p->new_run;
    struct flowed gives = p->flowed ? p->flowed[step] : (struct flowed){0};
    if (json_is_absent(gives.output))
        gives = (struct flowed){s->output, s->assigned};
    add_skip(
        p, (struct flow_skip){
               .path = s->path,
               .step = p->new_run ? STEP_NO_NONE : step,
               .kind = asked || (p->new_run && s->status == STEP_SKIPPED) ? SKIP_ASKED : SKIP_KEPT,
               .output = gives.output,
               .assigned = gives.assigned,
               .next = next,
           });
}

bool keep_around(struct planner *p, uint32_t container, uint32_t target)
{
    if (!replay_flow(p))
        return false;
    for (uint32_t i = 0; i < p->trace->list->count; i++)
        if (stays(p, i, container, target))
            keep(p, i);
    return true;
}

/* ---- records that are taken again ---- */

static void add_reuse(struct planner *p, uint32_t step)
{
    struct flow_recovery *r = &p->recovery;
    const struct step *s = &p->trace->list->items[step];
    uint32_t attempts = s->attempt_count ? s->attempts[s->attempt_count - 1].number : 0;
    if (p->again[step])
        return;
    p->again[step] = true;
    p->reuses =
        arena_grow(p->arena, p->reuses, r->reuse_count, &p->reuse_capacity, sizeof(*p->reuses));
    p->reuses[r->reuse_count++] = (struct flow_reuse){
        .path = s->path,
        .step = step,
        .generation = p->trace->steps[step].generation + 1,
        .attempt = attempts + 1,
    };
    r->reuses = p->reuses;
}

void forget_reuses(struct planner *p)
{
    p->recovery.reuse_count = 0;
    memset(p->again, 0, p->trace->list->count * sizeof(*p->again));
}

/* Itself, or what is around it. */
static bool is_in_what_stays(const struct planner *p, uint32_t step)
{
    while (step != STEP_NO_NONE && !p->kept[step])
        step = trace_holder(p->trace, step);
    return step != STEP_NO_NONE;
}

void add_reuses(struct planner *p, uint64_t from_place)
{
    for (uint32_t i = 0; i < p->trace->list->count; i++)
        if (trace_is_from(p->trace, i, from_place) && p->trace->steps[i].current &&
            !is_in_what_stays(p, i))
            add_reuse(p, i);
}

void add_reuses_of(struct planner *p, uint32_t step)
{
    add_reuse(p, step);
    for (uint32_t i = 0; i < p->trace->list->count; i++)
        if (i != step && p->trace->steps[i].current && trace_is_around(p->trace, step, i))
            add_reuse(p, i);
}

void carry_reuses(struct planner *p)
{
    const struct trace *t = p->trace;
    struct json again =
        t->recovered ? json_get(t->recovered->value.value, STR("again")) : JSON_NONE;
    for (size_t i = 0; i < json_count(again); i++) {
        int64_t step;
        if (json_to_int64(json_get(json_at(again, i), STR("n")), &step) && step >= 0 &&
            (size_t)step < t->list->count && !trace_is_from(t, (uint32_t)step, t->recovered_at) &&
            !is_in_what_stays(p, (uint32_t)step))
            add_reuse(p, (uint32_t)step);
    }
}

/* ---- steps that a person skips ---- */

static bool can_be_skipped(struct planner *p, const struct row *row)
{
    uint32_t step = row->recorded ? row->step.index : STEP_NO_NONE;
    for (size_t i = 0; i < row->part_count; i++) {
        if (row->parts[i].index != PART_ANY)
            continue;
        plan_problem(p, ERR_INVALID_INPUT, step,
                     arena_printf(p->arena, STR_FMT " stands for the step of every item",
                                  STR_ARG(row->step.path)),
                     STR("name the item, such as Leads[0]/Enrich"));
        return false;
    }
    if (row->step.state->type != STATE_CHOICE || row->done)
        return true;
    plan_problem(p, ERR_INVALID_INPUT, step,
                 arena_printf(p->arena, STR_FMT " decides where to go, and cannot be skipped",
                              STR_ARG(row->step.path)),
                 arena_printf(p->arena, "go on from the step it should lead to, with %s",
                              option_name(p, OPTION_FROM)));
    return false;
}

/* What goes on in place of what the step would have given. */
static bool find_output(struct planner *p, const struct row *row, bool passed, struct json given,
                        struct flow_skip *skip)
{
    const struct state *state = row->step.state;
    const struct step *old = row->recorded ? &p->trace->list->items[row->step.index] : NULL;
    skip->output = given;
    skip->kind = json_is_absent(given) ? SKIP_ASKED : SKIP_GIVEN;
    if (!json_is_absent(given))
        return true;
    uint32_t last = row->done ? row->step.index : trace_last(p->trace, row->step.key);
    if (!row->done && last != STEP_NO_NONE && !step_is_done(&p->trace->list->items[last]))
        last = STEP_NO_NONE;
    if (last != STEP_NO_NONE) {
        old = &p->trace->list->items[last];
        skip->output = old->output;
        skip->assigned = old->assigned;
        if (row->done)
            skip->next = old->next;
        return true;
    }
    bool unchanged = state->result_discarded && !state->output_path.path &&
                     !state->output_path.is_null && !state->assign;
    return passed || unchanged || state->type == STATE_WAIT || state->type == STATE_SUCCEED;
}

void skip_asked(struct planner *p, const struct row *row, bool passed, struct json given)
{
    uint32_t step = row->recorded ? row->step.index : STEP_NO_NONE;
    struct flow_skip skip = {.path = row->step.key,
                             .step = p->new_run ? STEP_NO_NONE : step,
                             .next = row->step.state->next};
    if (!can_be_skipped(p, row))
        return;
    if (json_is_absent(given))
        given = output_named(p, p->request->outputs, &p->output_names, p->output_used, row);
    if (find_output(p, row, passed, given, &skip)) {
        add_skip(p, skip);
        return;
    }
    plan_problem(p, ERR_CONFLICT, step,
                 arena_printf(p->arena,
                              STR_FMT " cannot be skipped: the steps after it need its output, and "
                                      "it has none",
                              STR_ARG(row->step.path)),
                 arena_printf(p->arena, "give it with " STR_FMT ", or let it run",
                              STR_ARG(output_option(p, row->step.path))));
}
