#include "cli/live.h"

#include "base/utf8.h"
#include "cli/render.h"

enum {
    NAME_WIDTH_MAX = 48
};

/* "Each/12/Register" is as wide as its states' names and what stands between. */
static size_t path_width(const struct machine *machine, const struct state *state)
{
    size_t width = utf8_length(state->name);
    const struct scope *scope = &machine->scopes[state->scope];
    while (scope->parent_state != STATE_NO_NONE) {
        const struct state *parent = &machine->states[scope->parent_state];
        width += utf8_length(parent->name) + (parent->type == STATE_MAP ? 4 : 3);
        scope = &machine->scopes[parent->scope];
    }
    return width;
}

static void note_widths(struct live *l, const struct machine *machine)
{
    for (uint32_t i = 0; i < machine->state_count; i++) {
        size_t width = path_width(machine, &machine->states[i]);
        if (width > l->name_width && width <= NAME_WIDTH_MAX)
            l->name_width = width;
    }
}

/* `more`: something follows the name. */
static void begin_line(struct live *l, const struct machine *machine, const struct step *step,
                       const char *mark, enum style style, bool more)
{
    struct out *o = l->out;
    size_t width = utf8_length(step->path);
    out_style(o, style);
    out_text(o, mark);
    out_style(o, STYLE_OFF);
    out_printf(o, " %4lld  ", (long long)step_number(machine, step));
    out_foreign(o, step->path, 0);
    if (more)
        out_printf(o, "%*s", width < l->name_width ? (int)(l->name_width - width) : 0, "");
}

static void print_begun(struct live *l, const struct machine *machine, const struct step *step)
{
    begin_line(l, machine, step, "▸", STYLE_BUSY, step->children_total > 0);
    if (step->children_total)
        out_printf(l->out, "  %lld %s", (long long)step->children_total,
                   step->state->type == STATE_MAP ? "items" : "branches");
    out_text(l->out, "\n");
}

static void print_ended(struct live *l, const struct machine *machine, const struct step *step)
{
    struct cell mark = mark_of_step(step->status);
    struct arena *scratch = arena_new(0);
    char text[8];
    ASSERT(mark.text.len < sizeof(text));
    memcpy(text, mark.text.ptr, mark.text.len);
    text[mark.text.len] = '\0';
    begin_line(l, machine, step, text, mark.style, true);
    out_printf(l->out, "  %8.*s",
               STR_ARG(duration_text(scratch, step->stopped_at.ms - step->started_at.ms)));
    if (step->has_error) {
        out_text(l->out, "  ");
        out_foreign(l->out, step->error, 60);
    } else if (step->status == STEP_CANCELED) {
        out_text(l->out, "  canceled");
    }
    out_text(l->out, "\n");
    arena_free(scratch);
}

static void print_retry(struct live *l, const struct machine *machine, const struct step *step,
                        const struct flow_event *event, struct wall_ms at)
{
    struct arena *scratch = arena_new(0);
    begin_line(l, machine, step, "↻", STYLE_BUSY, true);
    out_printf(l->out, "  attempt %u failed: ", event->attempt - 1);
    out_foreign(l->out, event->has_error ? event->error : STR("no error name"), 60);
    out_printf(l->out, "; again in " STR_FMT "\n",
               STR_ARG(duration_text(scratch, event->wake_ms - at.ms)));
    arena_free(scratch);
}

static void add_running(struct live *l, uint32_t index)
{
    l->running = arena_grow(l->arena, l->running, l->running_count, &l->running_capacity,
                            sizeof(*l->running));
    l->running[l->running_count++] = index;
}

/* Steps that ended in this turn, whatever the event that ended them, and those
 * that began in it. */
static void print_changes(struct live *l, const struct machine *machine, size_t known)
{
    size_t kept = 0;
    /* Inner steps have the higher indexes and end first. */
    for (size_t i = l->running_count; i > 0; i--) {
        const struct step *step = &l->steps.items[l->running[i - 1]];
        if (step->status != STEP_RUNNING)
            print_ended(l, machine, step);
    }
    for (size_t i = 0; i < l->running_count; i++)
        if (l->steps.items[l->running[i]].status == STEP_RUNNING)
            l->running[kept++] = l->running[i];
    l->running_count = kept;
    for (size_t i = known; i < l->steps.count; i++) {
        const struct step *step = &l->steps.items[i];
        if (step->status != STEP_RUNNING) {
            print_ended(l, machine, step);
            continue;
        }
        print_begun(l, machine, step);
        add_running(l, step->index);
    }
}

static void print_retries(struct live *l, const struct machine *machine,
                          const struct flow_event *events, size_t count, struct wall_ms at)
{
    for (size_t i = 0; i < count; i++)
        if (events[i].kind == EVENT_RETRY_ARMED && events[i].step < l->steps.count)
            print_retry(l, machine, &l->steps.items[events[i].step], &events[i], at);
}

void live_adopt(struct live *l, const struct step_list *steps)
{
    l->steps = *steps;
    for (size_t i = 0; i < steps->count; i++)
        if (steps->items[i].status == STEP_RUNNING)
            add_running(l, steps->items[i].index);
}

void live_take(struct live *l, const struct run *run, const struct flow_event *events, size_t count,
               struct wall_ms at)
{
    const struct machine *machine = run_machine(run);
    size_t known = l->steps.count;
    steps_apply(&l->steps, l->arena, run, events, count, at);
    if (l->name_width == 0)
        note_widths(l, machine);
    print_retries(l, machine, events, count, at);
    print_changes(l, machine, known);
    out_flush(l->out);
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
