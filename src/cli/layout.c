#include "cli/layout.h"

#include "base/utf8.h"
#include "cli/render.h"

enum {
    TITLE_WIDTH_MAX = 48, /* longer ones stand out of the column */
    INDENT = 2,
    INDEX_WIDTH = 5, /* what an item's index most often takes: " [12]" */
};

/* ---- numbers ---- */

static bool is_numbered(const struct machine *m)
{
    for (uint32_t i = 0; i < m->state_count; i++)
        if (m->states[i].step_number)
            return true;
    return false;
}

int64_t step_number_in(const struct step_layout *l, const struct step *step)
{
    return l->numbered ? step->state->step_number : (int64_t)step->index + 1;
}

int64_t step_number(const struct machine *machine, const struct step *step)
{
    const struct step_layout l = {.machine = machine, .numbered = is_numbered(machine)};
    return step_number_in(&l, step);
}

void print_step_number(struct out *o, int64_t number)
{
    if (number)
        out_printf(o, " %4lld  ", (long long)number);
    else
        out_text(o, "       ");
}

/* ---- contexts and times ---- */

/* A branch without a label is called by its first state, which says nothing more. */
struct str step_context(const struct step_layout *l, const struct step *step)
{
    const struct machine *m = l->machine;
    const struct scope *scope = &m->scopes[step->state->scope];
    while (scope->parent_state != STATE_NO_NONE) {
        if (m->states[scope->parent_state].type == STATE_PARALLEL &&
            !str_eq(scope->label, m->states[scope->start].name))
            return scope->label;
        scope = &m->scopes[m->states[scope->parent_state].scope];
    }
    return STR("");
}

struct wall_ms step_since(const struct step *step)
{
    for (size_t i = 0; step->generation && i < step->attempt_count; i++)
        if (step->attempts[i].generation == step->generation)
            return step->attempts[i].started_at;
    return step->started_at;
}

void print_step_time(struct out *o, const struct step *step, struct wall_ms now)
{
    struct arena *scratch = arena_new(0);
    struct wall_ms end = step->stopped_at.ms ? step->stopped_at : now;
    struct str text = step->status == STEP_SKIPPED
                          ? STR("-")
                          : duration_text(scratch, end.ms - step_since(step).ms);
    out_printf(o, "  %8.*s", STR_ARG(text));
    arena_free(scratch);
}

struct str step_skip_words(const struct step *step)
{
    if (step->status != STEP_SKIPPED)
        return STR("");
    return step->taken_over ? STR("taken over") : STR("skipped");
}

/* ---- titles ---- */

static const struct state *parent_of(const struct machine *m, const struct state *state)
{
    uint32_t parent = m->scopes[state->scope].parent_state;
    return parent == STATE_NO_NONE ? NULL : &m->states[parent];
}

static size_t depth_of(const struct machine *m, const struct state *state)
{
    size_t depth = 0;
    while ((state = parent_of(m, state)))
        depth++;
    return depth;
}

struct step_layout step_layout_of(const struct machine *machine)
{
    struct step_layout l = {.machine = machine, .numbered = is_numbered(machine)};
    for (uint32_t i = 0; i < machine->state_count; i++) {
        const struct state *state = &machine->states[i];
        size_t width = utf8_length(state->name);
        for (const struct state *s = state; (s = parent_of(machine, s));)
            width += INDENT + (s->type == STATE_MAP ? INDEX_WIDTH : 0);
        if (width > l.title_width)
            l.title_width = width < TITLE_WIDTH_MAX ? width : TITLE_WIDTH_MAX;
    }
    return l;
}

/* The indexes of the Maps around a step, the outermost first. A path is names
 * with indexes between them, and names may hold '/': so it is taken apart from
 * its end, where the lengths of the names are known. */
static size_t print_indexes(struct buf *b, const struct machine *m, const struct state *state,
                            struct str path)
{
    size_t printed = 0;
    const struct state *parent = parent_of(m, state);
    if (!parent || path.len <= state->name.len)
        return 0;
    struct str rest = str_slice(path, 0, path.len - state->name.len - 1);
    size_t slash = str_rfind_char(rest, '/');
    if (slash == SIZE_MAX)
        return 0;
    printed = print_indexes(b, m, parent, str_slice(rest, 0, slash));
    if (parent->type != STATE_MAP)
        return printed;
    struct str index = str_slice(rest, slash + 1, rest.len);
    buf_append(b, printed ? STR("[") : STR(" ["));
    buf_append(b, index);
    buf_append(b, STR("]"));
    return printed + index.len + (printed ? 2 : 3);
}

void print_step_head(struct out *o, const struct step_layout *l, const struct step *step,
                     struct cell mark, bool pad)
{
    size_t depth = depth_of(l->machine, step->state);
    struct buf indexes = BUF_INIT(0);
    out_style(o, mark.style);
    out_foreign(o, mark.text, 0);
    out_style(o, STYLE_OFF);
    print_step_number(o, step_number_in(l, step));
    out_printf(o, "%*s", (int)(INDENT * depth), "");
    size_t index_width = print_indexes(&indexes, l->machine, step->state, step->path);
    size_t name_width = utf8_length(step->state->name), taken = INDENT * depth + index_width;
    if (l->title_max && taken + name_width > l->title_max) {
        name_width = l->title_max > taken ? l->title_max - taken : 1;
        out_foreign(o, step->state->name, name_width);
    } else {
        out_foreign(o, step->state->name, 0);
    }
    size_t width = taken + name_width;
    buf_append(&o->buf, buf_str(&indexes));
    if (pad)
        out_printf(o, "%*s", width < l->title_width ? (int)(l->title_width - width) : 0, "");
    buf_release(&indexes);
}
