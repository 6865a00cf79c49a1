#include "recovery/review.h"

#include "recovery/naming.h"

enum {
    LISTED_MAX = 600 /* bytes of the names in an error */
};

struct search {
    const struct machine *machine;
    const struct step_list *steps;
    enum step_numbering numbering;
    bool numbered; /* the definition has x-step */
    struct step_term term;
    struct arena *arena;
};

static int64_t number_of(const struct search *s, const struct step *step)
{
    if (s->numbering == STEPS_FROM_ZERO)
        return step->index;
    return s->numbered ? step->state->step_number : (int64_t)step->index + 1;
}

static bool parts_of(const struct search *s, const struct step *step,
                     const struct path_part **ret_parts, size_t *ret_count)
{
    return step_parts(s->machine, step->state, step->path, s->arena, ret_parts, ret_count);
}

static bool is_meant(const struct search *s, const struct step *step)
{
    const struct path_part *parts;
    size_t count;
    if (s->term.kind == TERM_NUMBERS)
        return number_of(s, step) == s->term.first;
    return parts_of(s, step, &parts, &count) &&
           step_is_named(s->machine, parts, count, step->state, s->term.text);
}

/* "Split/a/Look, Split/b/Look" */
static struct str listed(const struct search *s, const struct flow_review *reviews, size_t count,
                         bool only_meant)
{
    struct buf text = BUF_INIT(LISTED_MAX);
    for (size_t i = 0; i < count && !text.over; i++) {
        const struct step *step = &s->steps->items[reviews[i].step];
        const struct path_part *parts;
        size_t depth;
        if ((only_meant && !is_meant(s, step)) || !parts_of(s, step, &parts, &depth))
            continue;
        struct str shown = step_shown(s->machine, parts, depth, step->state, s->arena);
        buf_printf(&text, "%s" STR_FMT, text.len ? ", " : "", STR_ARG(shown));
    }
    struct str copy = arena_str(s->arena, buf_str(&text));
    buf_release(&text);
    return copy;
}

static bool choose(const struct search *s, const struct run *run, struct str text,
                   uint32_t *ret_step, struct err *reterr)
{
    const struct flow_review *reviews;
    size_t count = run_reviews(run, s->arena, &reviews), found = 0;
    uint32_t step = 0;
    for (size_t i = 0; i < count; i++) {
        ASSERT(reviews[i].step < s->steps->count);
        if (!is_meant(s, &s->steps->items[reviews[i].step]))
            continue;
        step = reviews[i].step;
        found++;
    }
    if (!count)
        return err_set(reterr, ERR_NOT_FOUND, "no step waits for a decision");
    if (!found)
        return err_set(reterr, ERR_NOT_FOUND,
                       "no step \"" STR_FMT "\" waits for a decision; there wait " STR_FMT,
                       STR_ARG(text), STR_ARG(listed(s, reviews, count, false)));
    if (found > 1)
        return err_set(reterr, ERR_AMBIGUOUS,
                       "\"" STR_FMT "\" means %zu steps that wait for a decision: " STR_FMT
                       "; name one by its path",
                       STR_ARG(text), found, STR_ARG(listed(s, reviews, count, true)));
    *ret_step = step;
    return true;
}

bool review_find(const struct run *run, const struct step_list *steps, struct str text,
                 enum step_numbering numbering, const char *field, uint32_t *ret_step,
                 struct err *reterr)
{
    struct arena *scratch = arena_new(0);
    struct search s = {.machine = run_machine(run),
                       .steps = steps,
                       .numbering = numbering,
                       .numbered = machine_is_numbered(run_machine(run)),
                       .arena = scratch};
    const struct step_term *terms;
    size_t count;
    bool good = step_terms_parse(text, field, scratch, &terms, &count, reterr);
    if (good && (count != 1 || terms[0].first != terms[0].last))
        good = err_set(reterr, ERR_INVALID_INPUT,
                       "%s \"" STR_FMT "\" names more than one step: a decision is about one",
                       field, STR_ARG(text));
    if (good) {
        s.term = terms[0];
        good = choose(&s, run, text, ret_step, reterr);
    }
    arena_free(scratch);
    return good;
}
