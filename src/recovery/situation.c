/* What a recorded step is given: as it was, or with what the steps before it give by now. */
#include "recovery/planner.h"

/* Its input stands where it was entered; whether there was more to see, variables or the item
 * of a Map, only a fold of all that was before can tell. */
static bool recorded_situation(struct planner *p, uint32_t step, struct situation *to)
{
    uint64_t place = p->trace->steps[step].entered - 1;
    uint32_t turn = (uint32_t)(place >> 32), event = (uint32_t)place;
    const struct flow_event *e = &p->story->turns[turn].events[event];
    bool at_top = trace_holder(p->trace, step) == STEP_NO_NONE;
    if (event_shape(e->kind) == SHAPE_STATE_ENTERED && at_top && !p->trace->assigns) {
        to->input = json_copy(p->arena, e->value.value);
        return true;
    }
    struct run *run = run_copy(p, turn, event, 0);
    if (!run)
        return false;
    situation_take(p, run, e->frame, to);
    run_free(run);
    return true;
}

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
                              : !replay_to(p, step, p->trace->list->items[step].path,
                                           trace_current_visit(p->trace, step), stale, &s))
        return false;
    *ret = s;
    return true;
}
