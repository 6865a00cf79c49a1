#include "recovery/trace.h"

/* ---- steps ---- */

bool step_is_done(const struct step *s)
{
    return s->status == STEP_SKIPPED || (s->status != STEP_RUNNING && s->status != STEP_PENDING &&
                                         s->stopped_at.ms && !json_is_absent(s->output));
}

bool path_is_below(struct str path, struct str ancestor)
{
    return path.len > ancestor.len && path.ptr[ancestor.len] == '/' &&
           str_starts_with(path, ancestor);
}

struct str step_frame_path(const struct step *s)
{
    size_t own = s->state->name.len;
    return s->path.len > own ? str_slice(s->path, 0, s->path.len - own - 1) : STR("");
}

/* Names may hold a slash. But two paths of one definition that go apart within a segment
 * go apart in the name of a state or in the number of a branch, and only in the second
 * case is what was before it the path of a Parallel or Map with its slash. */
bool paths_are_apart(const struct step *a, const struct step *b)
{
    struct str one = step_frame_path(a), two = step_frame_path(b);
    size_t same = 0;
    while (same < one.len && same < two.len && one.ptr[same] == two.ptr[same])
        same++;
    if (same == one.len && same == two.len)
        return false;
    bool one_ends = same == one.len || one.ptr[same] == '/';
    bool two_ends = same == two.len || two.ptr[same] == '/';
    if ((same == one.len && two_ends) || (same == two.len && one_ends))
        return false; /* one frame is around the other */
    size_t from = same;
    while (from > 0 && one.ptr[from - 1] != '/')
        from--;
    int64_t first, second;
    struct str x = str_slice(one, from, one.len), y = str_slice(two, from, two.len);
    return from > 0 && str_to_int64(str_slice(x, 0, str_find_char(x, '/')), &first) &&
           str_to_int64(str_slice(y, 0, str_find_char(y, '/')), &second);
}

/* What goes on after hours took none of them. */
int64_t step_duration_ms(const struct step *s)
{
    int64_t from = s->started_at.ms;
    if (!from || !s->stopped_at.ms || s->status == STEP_SKIPPED)
        return -1;
    for (size_t i = s->attempt_count; s->generation && i > 0; i--)
        if (s->attempts[i - 1].generation == s->generation)
            from = s->attempts[i - 1].started_at.ms;
    return s->stopped_at.ms - from;
}

bool state_holds_steps(const struct state *state)
{
    return state->type == STATE_PARALLEL || state->type == STATE_MAP;
}

/* ---- by path ---- */

static size_t place_of(const struct trace *t, struct str path)
{
    size_t at = (size_t)str_hash(path) & t->mask;
    while (t->table[at] && !str_eq(t->list->items[t->table[at] - 1].path, path))
        at = (at + 1) & t->mask;
    return at;
}

/* Each path's visits get their room once it is known how many there are. */
static void index_paths(struct trace *t)
{
    uint32_t from = 0;
    for (uint32_t i = 0; i < t->list->count; i++) {
        uint32_t *first = &t->table[place_of(t, t->list->items[i].path)];
        if (!*first)
            *first = i + 1;
        t->steps[i].first = *first - 1;
        t->steps[i].visit = t->paths[*first - 1].count++;
    }
    for (uint32_t i = 0; i < t->list->count; i++) {
        struct trace_step *s = &t->steps[i];
        struct trace_path *path = &t->paths[s->first];
        if (s->first == i) {
            path->from = from;
            from += path->count;
        } else {
            t->steps[t->visits[path->from + s->visit - 1]].next_visit = i;
        }
        t->visits[path->from + s->visit] = i;
        s->next_visit = STEP_NO_NONE;
    }
}

static void index_current(struct trace *t)
{
    for (uint32_t i = 0; i < t->list->count; i++) {
        struct trace_path *path = &t->paths[t->steps[i].first];
        t->steps[i].current_visit = path->current_count;
        if (t->steps[i].current)
            t->current_visits[path->from + path->current_count++] = i;
    }
}

/* NULL: no step has it. */
static const struct trace_path *path_of(const struct trace *t, struct str path)
{
    uint32_t step = t->table[place_of(t, path)];
    return step ? &t->paths[step - 1] : NULL;
}

uint32_t trace_find(const struct trace *t, struct str path, uint32_t visit)
{
    const struct trace_path *p = path_of(t, path);
    return p && visit < p->count ? t->visits[p->from + visit] : STEP_NO_NONE;
}

uint32_t trace_find_current(const struct trace *t, struct str path, uint32_t visit)
{
    const struct trace_path *p = path_of(t, path);
    return p && visit < p->current_count ? t->current_visits[p->from + visit] : STEP_NO_NONE;
}

uint32_t trace_current_visit(const struct trace *t, uint32_t step)
{
    return t->steps[step].current_visit;
}

uint32_t trace_last(const struct trace *t, struct str path)
{
    const struct trace_path *p = path_of(t, path);
    return p ? t->visits[p->from + p->count - 1] : STEP_NO_NONE;
}

/* A greater generation than the record's is that of a rerun that failed. */
static void take_event(struct trace *t, const struct flow_event *e, uint64_t place)
{
    struct trace_step *s = &t->steps[e->step];
    bool begins = e->kind == EVENT_PARALLEL_STARTED || e->kind == EVENT_MAP_STARTED;
    bool enters = event_shape(e->kind) == SHAPE_STATE_ENTERED;
    bool skips = e->kind == EVENT_STEP_SKIPPED;
    if (e->generation > s->generation)
        s->generation = e->generation;
    if (e->generation > t->list->items[e->step].generation)
        return;
    if (e->kind == EVENT_REVIEW_DECIDED)
        s->changes = e->index == 1 ? e->log : JSON_NONE;
    if ((enters || skips) && !s->created)
        s->created = place;
    if (enters || (skips && e->index != SKIP_KEPT) || !s->entered)
        s->entered = place;
    /* Steps that are run again alone keep their place in the order of the others. */
    if ((enters || skips) && !(t->alone && s->taken))
        s->taken = place;
    else if (begins && !(t->alone && s->began))
        s->began = place;
    else if (event_shape(e->kind) == SHAPE_STATE_EXITED)
        s->exited = place;
}

/* The visit of what is around it that was the last one when the step was first entered. */
static uint32_t find_holder(const struct trace *t, uint32_t step)
{
    struct str frame = step_frame_path(&t->list->items[step]);
    if (!frame.len)
        return STEP_NO_NONE;
    const struct trace_path *p = path_of(t, str_slice(frame, 0, str_rfind_char(frame, '/')));
    uint32_t low = 0, high = p ? p->count : 0;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (t->steps[t->visits[p->from + middle]].created < t->steps[step].created)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? t->visits[p->from + low - 1] : STEP_NO_NONE;
}

static void find_holders(struct trace *t)
{
    for (uint32_t i = 0; i < t->list->count; i++) {
        struct trace_step *s = &t->steps[i];
        s->holder = find_holder(t, i);
        const struct trace_step *holder = s->holder == STEP_NO_NONE ? NULL : &t->steps[s->holder];
        s->current = !holder || (holder->current && s->taken > holder->began);
    }
}

static bool is_rerun(const struct flow_event *e)
{
    int64_t kind;
    return json_to_int64(json_get(e->value.value, STR("kind")), &kind) && kind == FLOW_RERUN_STEP;
}

struct trace *trace_make(const struct step_list *list, const struct journal_turn *turns,
                         size_t turn_count, struct arena *a)
{
    struct trace *t = ARENA_NEW(a, struct trace);
    size_t size = 16;
    while (size < list->count * 2)
        size *= 2;
    t->list = list;
    t->steps = ARENA_ARRAY(a, struct trace_step, list->count);
    t->paths = ARENA_ARRAY(a, struct trace_path, list->count);
    t->visits = ARENA_ARRAY(a, uint32_t, list->count);
    t->current_visits = ARENA_ARRAY(a, uint32_t, list->count);
    t->table = ARENA_ARRAY(a, uint32_t, size);
    t->mask = size - 1;
    index_paths(t);
    for (uint32_t i = 0; i < turn_count; i++) {
        for (uint32_t k = 0; k < turns[i].count; k++) {
            const struct flow_event *e = &turns[i].events[k];
            t->assigns = t->assigns || !json_is_absent(e->assigned.value);
            if (e->kind == EVENT_RERUN_BEGAN || e->kind == EVENT_RERUN_ENDED)
                t->alone = e->kind == EVENT_RERUN_BEGAN;
            else if (e->state != STATE_NO_NONE && e->step < list->count)
                take_event(t, e, trace_place(i, k));
            if (e->kind == EVENT_RECOVERED && !is_rerun(e)) {
                t->recovered = e;
                t->recovered_at = trace_place(i, k);
            }
        }
    }
    find_holders(t);
    index_current(t);
    return t;
}

uint32_t trace_holder(const struct trace *t, uint32_t step)
{
    return t->steps[step].holder;
}

bool trace_is_around(const struct trace *t, uint32_t holder, uint32_t step)
{
    while (step != STEP_NO_NONE && step != holder)
        step = t->steps[step].holder;
    return step == holder;
}

bool trace_is_from(const struct trace *t, uint32_t step, uint64_t place)
{
    while (step != STEP_NO_NONE && t->steps[step].taken < place)
        step = t->steps[step].holder;
    return step != STEP_NO_NONE;
}

/* ---- a number for each path ---- */

struct path_counts path_counts(struct arena *a)
{
    enum {
        SIZE_FIRST = 64
    };
    return (struct path_counts){
        .arena = a, .slots = ARENA_ARRAY(a, struct path_count, SIZE_FIRST), .size = SIZE_FIRST};
}

static struct path_count *count_slot(const struct path_counts *c, struct str path)
{
    size_t at = (size_t)str_hash(path) & (c->size - 1);
    while (c->slots[at].used && !str_eq(c->slots[at].path, path))
        at = (at + 1) & (c->size - 1);
    return &c->slots[at];
}

static void grow_counts(struct path_counts *c)
{
    struct path_counts old = *c;
    c->size *= 2;
    c->slots = ARENA_ARRAY(c->arena, struct path_count, c->size);
    for (size_t i = 0; i < old.size; i++)
        if (old.slots[i].used)
            *count_slot(c, old.slots[i].path) = old.slots[i];
}

uint32_t *path_counts_at(struct path_counts *c, struct str path)
{
    if (c->used * 2 >= c->size)
        grow_counts(c);
    struct path_count *slot = count_slot(c, path);
    if (!slot->used) {
        *slot = (struct path_count){.path = path, .used = true};
        c->used++;
    }
    return &slot->count;
}

uint32_t path_counts_get(const struct path_counts *c, struct str path)
{
    return count_slot(c, path)->count;
}
