#include "cli/screen.h"

#include "cli/render.h"

#include <sys/ioctl.h>

enum {
    WIDTH_DEFAULT = 80,
    HEIGHT_DEFAULT = 24,
    WIDTH_MIN = 20,
    HEIGHT_MIN = 4,
    BESIDE_TITLE_WIDTH = 18, /* mark, number and time with the blanks around them */
    BAR_WIDTH = 10,
    TAIL_WIDTH_MIN = 6,
    MAP_CHILDREN_SHOWN = 4, /* of a Map's iterations, those that run or failed */
};

static struct winsize size_of(const struct screen *s)
{
    struct winsize size;
    if (ioctl(s->out->fd, TIOCGWINSZ, &size) != 0 || !size.ws_col || !size.ws_row)
        size = (struct winsize){.ws_col = WIDTH_DEFAULT, .ws_row = HEIGHT_DEFAULT};
    if (size.ws_col < WIDTH_MIN)
        size.ws_col = WIDTH_MIN;
    if (size.ws_row < HEIGHT_MIN)
        size.ws_row = HEIGHT_MIN;
    return size;
}

/* ---- which steps ---- */

static bool is_live(const struct step *step)
{
    return step->status == STEP_RUNNING || step->status == STEP_FAILURE ||
           step->status == STEP_TIMED_OUT;
}

static bool is_in_map(const struct machine *machine, const struct step *step)
{
    const struct scope *scope = &machine->scopes[step->state->scope];
    return scope->parent_state != STATE_NO_NONE &&
           machine->states[scope->parent_state].type == STATE_MAP;
}

/* Marks the steps to show, at most `room` of them: live ones first, newest first. */
static size_t choose(const struct machine *machine, const struct step_list *steps, size_t room,
                     bool *shown)
{
    size_t chosen = 0, in_maps = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = steps->count; i > 0 && chosen < room; i--) {
            const struct step *step = &steps->items[i - 1];
            bool in_map = is_in_map(machine, step);
            if (shown[i - 1] || (pass == 0) != is_live(step) || (in_map && pass == 1) ||
                (in_map && in_maps == MAP_CHILDREN_SHOWN))
                continue;
            shown[i - 1] = true;
            chosen++;
            in_maps += in_map;
        }
    }
    return chosen;
}

/* ---- one line ---- */

/* What works turns; what waits for its inner steps stands still. */
static struct cell mark_of(const struct screen *s, const struct step *step)
{
    static const char *const turning[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
    struct cell mark = mark_of_step(step->status);
    if (step->status == STEP_RUNNING && step->children_total == 0)
        mark.text = str_of_cstr(turning[s->frame % COUNT_OF(turning)]);
    return mark;
}

static void draw_bar(struct out *o, int64_t done, int64_t total)
{
    int64_t full = done * BAR_WIDTH / total;
    for (int64_t i = 0; i < BAR_WIDTH; i++)
        out_text(o, i < full ? "█" : "░");
    out_text(o, "  ");
}

/* What stands behind the time, in at most `room` columns. */
static void draw_tail(struct screen *s, const struct step *step, size_t room, struct arena *a)
{
    struct out *o = s->out;
    struct str text = STR("");
    if (room < TAIL_WIDTH_MIN)
        return;
    out_text(o, "  ");
    room -= 2;
    if (step->has_error) {
        text = step->error;
    } else if (step->children_total) {
        bool bar = step->status == STEP_RUNNING && step->state->type == STATE_MAP &&
                   room >= BAR_WIDTH + 12;
        if (bar)
            draw_bar(o, step->children_done, step->children_total);
        room -= bar ? BAR_WIDTH + 2 : 0;
        text = arena_printf(a, "%lld of %lld", (long long)step->children_done,
                            (long long)step->children_total);
    } else if (step->status == STEP_SKIPPED) {
        text = step_skip_words(step);
    } else if (step->attempt_count > 1) {
        text = arena_printf(a, "attempt %u", step->attempts[step->attempt_count - 1].number);
    }
    out_style(o, step->has_error ? STYLE_BAD : STYLE_DIM);
    out_foreign(o, text, room);
    out_style(o, STYLE_OFF);
}

static void draw_step(struct screen *s, const struct step_layout *l, size_t width,
                      const struct step *step, struct wall_ms now)
{
    struct arena *a = arena_new(0);
    size_t used =
        BESIDE_TITLE_WIDTH + (l->title_width < l->title_max ? l->title_width : l->title_max);
    print_step_head(s->out, l, step, mark_of(s, step), true);
    print_step_time(s->out, step, now);
    draw_tail(s, step, width > used ? width - used : 0, a);
    out_text(s->out, "\n");
    arena_free(a);
}

/* ---- the whole ---- */

void screen_clear(struct screen *s)
{
    if (s->lines)
        out_printf(s->out, "\033[%zuF\033[J", s->lines);
    s->lines = 0;
}

void screen_draw(struct screen *s, const struct step_layout *layout, const struct step_list *steps,
                 struct wall_ms now)
{
    struct winsize size = size_of(s);
    struct step_layout l = *layout;
    struct arena *a = arena_new(0);
    bool *shown = ARENA_ARRAY(a, bool, steps->count);
    size_t chosen = choose(l.machine, steps, size.ws_row - 2u, shown);
    size_t hidden = steps->count - chosen;
    l.title_max = size.ws_col > BESIDE_TITLE_WIDTH + 8u ? size.ws_col - BESIDE_TITLE_WIDTH : 8;
    if (l.title_width > l.title_max)
        l.title_width = l.title_max;
    /* A step whose line was drawn higher may be gone now, so all is drawn again;
     * between the two escapes the terminal cuts lines instead of wrapping them. */
    screen_clear(s);
    out_text(s->out, "\033[?7l");
    if (hidden) {
        out_style(s->out, STYLE_DIM);
        out_printf(s->out, "  … %zu more %s, not shown\n", hidden, hidden == 1 ? "step" : "steps");
        out_style(s->out, STYLE_OFF);
    }
    for (size_t i = 0; i < steps->count; i++)
        if (shown[i])
            draw_step(s, &l, size.ws_col, &steps->items[i], now);
    out_text(s->out, "\033[?7h");
    out_flush(s->out);
    s->lines = chosen + (hidden != 0);
    s->frame++;
    arena_free(a);
}
