/* What is stale, against the rule looked at pair by pair, for random lists of steps.
 *
 * Paths are drawn from few names, some of them with slashes or like numbers, so that many
 * steps lie in, around, beside and apart from one another. PAWL_SEEDS says how many lists. */
#include "base/rng.h"
#include "recovery/plan.h"
#include "recovery/trace.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    SEEDS_DEFAULT = 20000,
    STEPS_MAX = 24,
    DEPTH_MAX = 3,
    TIMES = 30,
};

/* ---- the rule, pair by pair ---- */

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

static bool is_stale(const struct step_list *list, const struct trace *t, size_t step)
{
    for (size_t r = 0; step_is_done(&list->items[step]) && r < list->count; r++) {
        const struct step *again = &list->items[r];
        if (again->generation && again->stopped_at.ms && used_the_old(t, &list->items[step], again))
            return true;
    }
    return false;
}

/* ---- lists ---- */

static const char *const names[] = {"A", "B", "1", "A/B", "/C", "A/0"};

static const struct state *any_state(struct rng *rng, struct arena *a)
{
    struct state *state = ARENA_NEW(a, struct state);
    size_t common = rng_below(rng, 4) ? 2 : COUNT_OF(names);
    state->name = str_of_cstr(names[rng_below(rng, common)]);
    return state;
}

static struct str any_path(struct rng *rng, const struct state *state, struct arena *a)
{
    struct buf path = BUF_INIT(0);
    for (size_t depth = rng_below(rng, DEPTH_MAX + 1); depth > 0; depth--) {
        buf_append(&path, any_state(rng, a)->name);
        buf_printf(&path, "/%u/", (unsigned)rng_below(rng, 3));
    }
    buf_append(&path, state->name);
    struct str copy = arena_str(a, buf_str(&path));
    buf_release(&path);
    return copy;
}

static struct step any_step(struct rng *rng, uint32_t index, struct arena *a)
{
    static const enum step_status statuses[] = {STEP_SUCCESS, STEP_SUCCESS, STEP_FAILURE,
                                                STEP_SKIPPED, STEP_RUNNING, STEP_CANCELED};
    struct step s = {
        .index = index,
        .generation = (uint32_t)(rng_below(rng, 3) ? 0 : rng_below(rng, 3)),
        .state = any_state(rng, a),
        .status = statuses[rng_below(rng, COUNT_OF(statuses))],
        .started_at.ms = (int64_t)rng_below(rng, TIMES),
        .stopped_at.ms = (int64_t)rng_below(rng, TIMES),
        .output = rng_below(rng, 8) ? json_int(1) : JSON_NONE,
    };
    s.path = any_path(rng, s.state, a);
    return s;
}

static struct step_list any_list(struct rng *rng, struct trace *t, struct arena *a)
{
    struct step_list list = {.count = 1 + rng_below(rng, STEPS_MAX)};
    list.items = ARENA_ARRAY(a, struct step, list.count);
    t->steps = ARENA_ARRAY(a, struct trace_step, list.count);
    for (uint32_t i = 0; i < list.count; i++) {
        list.items[i] = any_step(rng, i, a);
        t->steps[i].entered = rng_below(rng, TIMES);
        t->steps[i].exited = rng_below(rng, TIMES);
    }
    return list;
}

static bool check(const struct step_list *list, const struct trace *t, unsigned *stale_count)
{
    bool stale[STEPS_MAX];
    if (t)
        trace_stale(t, stale);
    else
        steps_stale(list, stale);
    for (size_t i = 0; i < list->count; i++) {
        *stale_count += stale[i];
        if (stale[i] == is_stale(list, t, i))
            continue;
        printf("# step %zu, " STR_FMT ", is %sstale by %s\n", i, STR_ARG(list->items[i].path),
               stale[i] ? "" : "not ", t ? "place" : "time");
        for (size_t k = 0; k < list->count; k++)
            printf("# %zu " STR_FMT " generation %u\n", k, STR_ARG(list->items[k].path),
                   list->items[k].generation);
        return false;
    }
    return true;
}

int main(void)
{
    const char *asked = getenv("PAWL_SEEDS");
    int64_t seeds;
    unsigned stale = 0, steps = 0;
    bool ok = true;
    if (!asked || !str_to_int64(str_of_cstr(asked), &seeds))
        seeds = SEEDS_DEFAULT;
    for (int64_t seed = 1; ok && seed <= seeds; seed++) {
        struct arena *a = arena_new(0);
        struct rng rng = rng_seeded((uint64_t)seed);
        struct trace trace = {0};
        struct step_list list = any_list(&rng, &trace, a);
        trace.list = &list;
        steps += 2 * (unsigned)list.count;
        ok = check(&list, NULL, &stale) && check(&list, &trace, &stale);
        if (!ok)
            printf("# seed %lld\n", (long long)seed);
        arena_free(a);
    }
    printf("# %u of %u steps are stale\n", stale, steps);
    printf("%s 1 - a step is stale where the rule says so for a pair\n", ok ? "ok" : "not ok");
    bool both = stale && stale < steps;
    printf("%s 2 - some steps were stale, and some were not\n1..2\n", both ? "ok" : "not ok");
    return ok && both ? 0 : 1;
}
