/* Which frame a task is out for: ten thousand may be, and each is answered. */
#include "flow/flow_internal.h"

enum {
    FRAMES_SEARCHED_MAX = 32 /* so few are looked at one by one */
};

static size_t place_of(const struct task_table *t, uint32_t step)
{
    return (size_t)((step * 0x9e3779b97f4a7c15u) >> 32) & (t->size - 1);
}

static void put(struct task_table *t, const struct frame *f)
{
    size_t at = place_of(t, f->step);
    while (t->frames[at])
        at = (at + 1) & (t->size - 1);
    t->frames[at] = f->id + 1;
    t->used++;
}

/* With as much room again as there are frames, so that making it is paid for by what it takes
 * until it is full. */
static void make(const struct run *run, struct task_table *t)
{
    size_t size = t->size ? t->size : 64;
    while (size < (size_t)run->frame_count * 4)
        size *= 2;
    if (size != t->size)
        t->frames = ARENA_ARRAY(run->arena, uint32_t, size);
    else
        memset(t->frames, 0, size * sizeof(*t->frames));
    t->size = size;
    t->used = 0;
    for (uint32_t i = 0; i < run->frame_count; i++)
        if (run->frames[i] && frame_has_task(run->frames[i]))
            put(t, run->frames[i]);
}

void run_note_task(struct run *run, const struct frame *frame)
{
    struct task_table *t = run->tasks;
    if (t->size && t->used * 2 >= t->size)
        make(run, t);
    else if (t->size)
        put(t, frame);
}

static bool is_out(const struct frame *f, uint32_t step, const uint32_t *attempt)
{
    return f && frame_has_task(f) && f->step == step && (!attempt || f->attempt == *attempt);
}

struct frame *run_task_frame(const struct run *run, uint32_t step, const uint32_t *attempt)
{
    struct task_table *t = run->tasks;
    for (uint32_t i = 0; i < run->frame_count && run->frame_count <= FRAMES_SEARCHED_MAX; i++)
        if (is_out(run->frames[i], step, attempt))
            return run->frames[i];
    if (run->frame_count <= FRAMES_SEARCHED_MAX)
        return NULL;
    if (!t->size)
        make(run, t);
    for (size_t at = place_of(t, step); t->frames[at]; at = (at + 1) & (t->size - 1)) {
        struct frame *f = run_frame(run, t->frames[at] - 1);
        if (is_out(f, step, attempt))
            return f;
    }
    return NULL;
}
