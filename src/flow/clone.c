/* run_clone: what changes in a run is copied, and values and texts, which never do, are shared. */
#include "flow/flow_internal.h"

static struct fan_out *clone_fan(struct arena *a, const struct fan_out *from)
{
    if (!from)
        return NULL;
    struct fan_out *fan = arena_dup(a, from, sizeof(*from));
    fan->children = arena_dup(a, from->children, from->count * sizeof(*from->children));
    if (from->results)
        fan->results = arena_dup(a, from->results, from->count * sizeof(*from->results));
    return fan;
}

static struct frame *clone_frame(struct run *run, const struct frame *from)
{
    struct arena *a = run->arena;
    struct frame *f = arena_dup(a, from, sizeof(*from));
    const struct state *state = frame_state(run, from);
    f->assigned = arena_dup(a, from->assigned, from->assigned_count * sizeof(*from->assigned));
    f->assigned_capacity = from->assigned_count;
    if (from->retrier_used)
        f->retrier_used =
            arena_dup(a, from->retrier_used, state->retrier_count * sizeof(*from->retrier_used));
    f->fan = clone_fan(a, from->fan);
    f->next_spare = NULL;
    return f;
}

static void clone_recovery(struct arena *a, struct recovery *r)
{
    r->skips = arena_dup(a, r->skips, r->skip_count * sizeof(*r->skips));
    r->reuses = arena_dup(a, r->reuses, r->reuse_count * sizeof(*r->reuses));
    r->until_left = arena_dup(a, r->until_left, r->until_count * sizeof(*r->until_left));
}

struct run *run_clone(const struct run *from, const struct flow_identity *identity,
                      const struct flow_limits *limits)
{
    struct arena *a = arena_new(0);
    struct run *run = arena_dup(a, from, sizeof(*from));
    run->arena = a;
    run->identity = identity;
    run->limits = *limits;
    run->spare = NULL;
    run->tasks = ARENA_NEW(a, struct task_table);
    run->frame_capacity = run->frame_count;
    run->frames = ARENA_ARRAY(a, struct frame *, run->frame_count);
    for (uint32_t i = 0; i < run->frame_count; i++)
        if (from->frames[i])
            run->frames[i] = clone_frame(run, from->frames[i]);
    clone_recovery(a, &run->recovery);
    return run;
}
