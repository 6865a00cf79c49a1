#include "cli/live.h"

#include "cli/render.h"

static void print_begun(struct live *l, const struct step *step)
{
    print_step_head(l->out, &l->layout, step, mark_of_step(STEP_RUNNING), step->children_total > 0);
    if (step->children_total)
        out_printf(l->out, "  %lld %s", (long long)step->children_total,
                   step->state->type == STATE_MAP ? "items" : "branches");
    out_text(l->out, "\n");
}

static void print_ended(struct live *l, const struct step *step)
{
    struct str skipped = step_skip_words(step);
    print_step_head(l->out, &l->layout, step, mark_of_step(step->status), true);
    print_step_time(l->out, step, step->stopped_at);
    if (step->has_error) {
        out_text(l->out, "  ");
        out_foreign(l->out, step->error, 60);
    } else if (step->status == STEP_CANCELED) {
        out_text(l->out, "  canceled");
    } else if (skipped.len) {
        out_printf(l->out, "  " STR_FMT, STR_ARG(skipped));
    }
    out_text(l->out, "\n");
}

static void print_retry(struct live *l, const struct step *step, const struct flow_event *event,
                        struct wall_ms at)
{
    struct arena *scratch = arena_new(0);
    print_step_head(l->out, &l->layout, step, (struct cell){STR("↻"), STYLE_BUSY}, true);
    out_printf(l->out, "  attempt %u failed: ", event->attempt - 1);
    out_foreign(l->out, event->has_error ? event->error : STR("no error name"), 60);
    out_printf(l->out, "; again in " STR_FMT "\n",
               STR_ARG(duration_text(scratch, event->wake_ms - at.ms)));
    arena_free(scratch);
}

/* Grows with what is new of a step that there was already. A skip takes no generation. */
static uint32_t newness(const struct step *step)
{
    return 2 * step->generation + (step->status == STEP_SKIPPED);
}

static void note_shown(struct live *l, const struct step *step)
{
    while (l->shown_count <= step->index) {
        l->shown =
            arena_grow(l->arena, l->shown, l->shown_count, &l->shown_capacity, sizeof(*l->shown));
        l->shown[l->shown_count++] = 0;
    }
    l->shown[step->index] = newness(step);
}

static void touch(struct live *l, uint32_t index)
{
    if (index >= l->known)
        return;
    l->touched = arena_grow(l->arena, l->touched, l->touched_count, &l->touched_capacity,
                            sizeof(*l->touched));
    l->touched[l->touched_count++] = index;
}

static void add_running(struct live *l, uint32_t index)
{
    l->running = arena_grow(l->arena, l->running, l->running_count, &l->running_capacity,
                            sizeof(*l->running));
    l->running[l->running_count++] = index;
}

static void print_new(struct live *l, const struct step *step, bool quiet)
{
    bool running = step->status == STEP_RUNNING;
    note_shown(l, step);
    if (running)
        add_running(l, step->index);
    if (!quiet && running)
        print_begun(l, step);
    else if (!quiet)
        print_ended(l, step);
}

/* Steps that ended in this turn, whatever the event that ended them, and those
 * that began in it, again or for the first time. */
static void print_changes(struct live *l, bool quiet)
{
    size_t kept = 0;
    quiet |= l->out->terminal; /* the next tick draws: many turns may pass in between */
    /* Inner steps have the higher indexes and end first. */
    for (size_t i = l->running_count; i > 0 && !quiet; i--) {
        const struct step *step = &l->steps.items[l->running[i - 1]];
        if (step->status != STEP_RUNNING)
            print_ended(l, step);
    }
    for (size_t i = 0; i < l->running_count; i++)
        if (l->steps.items[l->running[i]].status == STEP_RUNNING)
            l->running[kept++] = l->running[i];
    l->running_count = kept;
    for (size_t i = 0; i < l->touched_count; i++) {
        const struct step *step = &l->steps.items[l->touched[i]];
        if (newness(step) > l->shown[step->index])
            print_new(l, step, quiet);
    }
    l->touched_count = 0;
    for (; l->known < l->steps.count; l->known++)
        print_new(l, &l->steps.items[l->known], quiet);
}

void live_machine(struct live *l, const struct machine *machine)
{
    if (!l->layout.machine)
        l->layout = step_layout_of(machine);
}

void live_adopt(struct live *l, const struct step_list *steps)
{
    bool quiet = l->steps.count == 0;
    l->steps = *steps;
    print_changes(l, quiet);
    out_flush(l->out);
}

void live_take(struct live *l, const struct run *run, const struct flow_event *events, size_t count,
               struct wall_ms at)
{
    steps_apply(&l->steps, l->arena, run, events, count, at);
    live_machine(l, run_machine(run));
    for (size_t i = 0; i < count; i++) {
        live_retried(l, &events[i], at);
        touch(l, events[i].step);
    }
    live_show(l, false);
}

struct step *live_put(struct live *l, uint32_t index)
{
    struct step_list *list = &l->steps;
    if (index > list->count)
        return NULL;
    if (index == list->count) {
        list->items =
            arena_grow(l->arena, list->items, list->count, &list->capacity, sizeof(*list->items));
        list->items[list->count++] = (struct step){.index = index};
    }
    touch(l, index);
    return &list->items[index];
}

void live_retried(struct live *l, const struct flow_event *event, struct wall_ms at)
{
    if (!l->out->terminal && event->kind == EVENT_RETRY_ARMED && event->step < l->steps.count)
        print_retry(l, &l->steps.items[event->step], event, at);
}

void live_show(struct live *l, bool quiet)
{
    print_changes(l, quiet);
    if (!l->out->terminal)
        out_flush(l->out);
}

void live_tick(struct live *l, struct wall_ms now)
{
    if (!l->out->terminal || !l->layout.machine)
        return;
    l->screen.out = l->out;
    screen_draw(&l->screen, &l->layout, &l->steps, now);
}

void live_end(struct live *l, struct wall_ms at)
{
    live_tick(l, at);
    l->screen.lines = 0; /* what is drawn stays */
}

bool live_is_still(const struct live *l)
{
    for (size_t i = 0; i < l->running_count; i++) {
        const struct step *step = &l->steps.items[l->running[i]];
        if (step->status == STEP_RUNNING && !step->children_total)
            return false;
    }
    return true;
}

const struct step *live_failed_step(const struct live *l)
{
    const struct step *failed = NULL;
    for (size_t i = 0; i < l->steps.count; i++) {
        const struct step *s = &l->steps.items[i];
        bool bad = s->status == STEP_FAILURE || s->status == STEP_TIMED_OUT;
        if (bad && (!failed || s->stopped_at.ms >= failed->stopped_at.ms))
            failed = s;
    }
    return failed;
}
