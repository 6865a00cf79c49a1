#include "recovery/plan.h"
#include "recovery/trace.h"

/* Did the first begin before the second was run again, and end before that? By the places of
 * the journal where they are known, else by time, which two things may share. */
static bool began_before(const struct trace *t, const struct step *late, const struct step *again)
{
    return t ? t->steps[late->index].entered < t->steps[again->index].entered
             : late->started_at.ms < again->stopped_at.ms;
}

static bool ended_before(const struct trace *t, const struct step *late, const struct step *again)
{
    return t ? t->steps[late->index].exited < t->steps[again->index].entered
             : late->stopped_at.ms < again->stopped_at.ms;
}

/* Did `late` use what `again` gave before it was run again? */
static bool used_the_old(const struct trace *t, const struct step *late, const struct step *again)
{
    if (late == again || !began_before(t, late, again))
        return false;
    if (path_is_below(late->path, again->path))
        return false; /* what is around it is not before it */
    if (path_is_below(again->path, late->path))
        return ended_before(t, late, again);
    return late->index > again->index && !paths_are_apart(late, again);
}

static void find_stale(const struct step_list *list, const struct trace *t, bool *stale)
{
    memset(stale, 0, list->count * sizeof(*stale));
    for (uint32_t r = 0; r < list->count; r++) {
        const struct step *again = &list->items[r];
        if (!again->generation || !again->stopped_at.ms)
            continue;
        for (uint32_t i = 0; i < list->count; i++)
            if (!stale[i] && step_is_done(&list->items[i]))
                stale[i] = used_the_old(t, &list->items[i], again);
    }
}

void steps_stale(const struct step_list *list, bool *stale)
{
    find_stale(list, NULL, stale);
}

void trace_stale(const struct trace *t, bool *stale)
{
    find_stale(t->list, t, stale);
}
