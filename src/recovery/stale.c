#include "recovery/plan.h"
#include "recovery/trace.h"

/* Did `late` use what `again` gave before it was run again? */
static bool used_the_old(const struct step *late, const struct step *again)
{
    if (late == again || late->started_at.ms >= again->stopped_at.ms)
        return false;
    if (path_is_below(late->path, again->path))
        return false; /* what is around it is not before it */
    if (late->index > again->index)
        return !path_is_below(again->path, late->path) && !paths_are_apart(late, again);
    return path_is_below(again->path, late->path) && late->stopped_at.ms < again->stopped_at.ms;
}

void steps_stale(const struct step_list *list, bool *stale)
{
    uint32_t first = UINT32_MAX;
    memset(stale, 0, list->count * sizeof(*stale));
    for (uint32_t i = 0; i < list->count && first == UINT32_MAX; i++)
        if (list->items[i].generation)
            first = i;
    for (uint32_t r = first; r < list->count; r++) {
        const struct step *again = &list->items[r];
        if (!again->generation || !again->stopped_at.ms)
            continue;
        for (uint32_t i = 0; i < list->count; i++)
            if (!stale[i] && step_is_done(&list->items[i]))
                stale[i] = used_the_old(&list->items[i], again);
    }
}
