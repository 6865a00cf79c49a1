/* Which steps used an output that is not the current one any more.
 *
 * A step did so when one that was run again is before it, and was run again after it had
 * begun. After a cascade every step was run again, so pairs must not be looked at one by one:
 * of all that are before a step, only the one that was run again last matters. Paths are kept
 * as a tree of their segments, "Split", "Split/0", "Split/0/Register", and each knot knows the
 * last of those that lie beyond it. */
#include "recovery/plan.h"
#include "recovery/trace.h"

#define NEVER INT64_MIN

/* The latest beyond a knot, and the latest of those beyond another one of its knots, so that
 * one of them can be left out. */
struct latest {
    uint32_t by; /* the knot behind which `at` is */
    int64_t at, other;
};

struct knot {
    struct str path;
    uint32_t next;        /* of the same hash */
    bool number;          /* its segment is one, as of a branch or item */
    int64_t here;         /* the step of this very path */
    int64_t below;        /* steps below it */
    struct latest steps;  /* whose own frame is here or above */
    struct latest frames; /* whose frame is beyond */
    int64_t names;        /* of `frames`, those beyond a knot that is no number */
};

struct tree {
    struct arena *arena;
    struct knot *knots; /* 0 is the root, around all paths */
    size_t count, capacity;
    uint32_t *table; /* by hash of path: the first knot + 1 */
    size_t mask;
};

/* One way from the root down to a step. */
struct way {
    uint32_t *knots; /* knots[0] is the root; `length` of them, the last is the step's */
    size_t length, capacity;
    size_t frame; /* the place of the step's frame on it */
};

/* ---- times ---- */

/* When the step began, ended, and was run again: by the places of the journal where they are
 * known, else by time, which two things may share. */
static int64_t began(const struct trace *t, const struct step *s)
{
    return t ? (int64_t)t->steps[s->index].entered : s->started_at.ms;
}

static int64_t ended(const struct trace *t, const struct step *s)
{
    return t ? (int64_t)t->steps[s->index].exited : s->stopped_at.ms;
}

static bool was_run_again(const struct step *s)
{
    return s->generation && s->stopped_at.ms;
}

static int64_t run_again(const struct trace *t, const struct step *s)
{
    return t ? (int64_t)t->steps[s->index].entered : s->stopped_at.ms;
}

/* ---- the tree ---- */

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void put_later(int64_t *to, int64_t at)
{
    *to = later(*to, at);
}

static void latest_put(struct latest *l, uint32_t by, int64_t at)
{
    if (by == l->by) {
        put_later(&l->at, at);
    } else if (at > l->at) {
        l->other = l->at;
        l->by = by;
        l->at = at;
    } else {
        put_later(&l->other, at);
    }
}

static int64_t latest_but(const struct latest *l, uint32_t by)
{
    return l->by == by ? l->other : l->at;
}

static uint32_t add_knot(struct tree *tree, struct str path, struct str segment)
{
    int64_t number;
    tree->knots =
        arena_grow(tree->arena, tree->knots, tree->count, &tree->capacity, sizeof(*tree->knots));
    const struct latest none = {UINT32_MAX, NEVER, NEVER};
    tree->knots[tree->count] = (struct knot){
        .path = path,
        .number = str_to_int64(segment, &number),
        .here = NEVER,
        .below = NEVER,
        .steps = none,
        .frames = none,
        .names = NEVER,
    };
    return (uint32_t)tree->count++;
}

static uint32_t knot_at(struct tree *tree, struct str path, struct str segment)
{
    size_t at = (size_t)str_hash(path) & tree->mask;
    for (uint32_t k = tree->table[at]; k; k = tree->knots[k - 1].next)
        if (str_eq(tree->knots[k - 1].path, path))
            return k - 1;
    uint32_t knot = add_knot(tree, path, segment);
    tree->knots[knot].next = tree->table[at];
    tree->table[at] = knot + 1;
    return knot;
}

static struct tree tree_new(size_t steps, struct arena *a)
{
    struct tree tree = {.arena = a};
    size_t size = 16;
    while (size < steps * 2)
        size *= 2;
    tree.table = ARENA_ARRAY(a, uint32_t, size);
    tree.mask = size - 1;
    (void)add_knot(&tree, STR(""), STR(""));
    return tree;
}

static void way_add(struct tree *tree, struct way *way, uint32_t knot)
{
    way->knots =
        arena_grow(tree->arena, way->knots, way->length, &way->capacity, sizeof(*way->knots));
    way->knots[way->length++] = knot;
}

/* The way takes the place of an earlier one. */
static void way_to(struct tree *tree, struct way *way, const struct step *s)
{
    size_t frame = step_frame_path(s).len;
    way->length = way->frame = 0;
    way_add(tree, way, 0);
    for (size_t from = 0, end = 0; end < s->path.len; from = end + 1) {
        size_t slash = str_find_char(str_slice(s->path, from, s->path.len), '/');
        end = slash == SIZE_MAX ? s->path.len : from + slash;
        uint32_t knot = knot_at(tree, str_slice(s->path, 0, end), str_slice(s->path, from, end));
        way_add(tree, way, knot);
        if (frame && end == frame)
            way->frame = way->length - 1;
    }
}

/* ---- before and after ---- */

/* The step of this way was run again at that time. */
static void note_below(struct tree *tree, const struct way *way, int64_t at)
{
    for (size_t i = 0; i + 1 < way->length; i++)
        put_later(&tree->knots[way->knots[i]].below, at);
}

static void note_again(struct tree *tree, const struct way *way, int64_t at)
{
    for (size_t i = 0; i + 1 < way->length; i++) {
        struct knot *k = &tree->knots[way->knots[i]];
        uint32_t by = way->knots[i + 1];
        latest_put(i >= way->frame ? &k->steps : &k->frames, by, at);
        if (i < way->frame && !tree->knots[by].number)
            put_later(&k->names, at);
    }
    put_later(&tree->knots[way->knots[way->length - 1]].here, at);
}

/* The last of the noted steps that was run again and is not below, around, or in another
 * branch or iteration (paths_are_apart). Those may part ways with it
 * - in a frame that both are in or below: any may be before it;
 * - further up, each in a frame of its own: unless both frames are by number, where the root
 *   has no branches. */
static int64_t again_before(const struct tree *tree, const struct way *way)
{
    int64_t last = tree->knots[way->knots[way->length - 1]].here;
    for (size_t i = 0; i + 1 < way->length; i++) {
        const struct knot *k = &tree->knots[way->knots[i]];
        uint32_t by = way->knots[i + 1];
        bool apart = i > 0 && i < way->frame && tree->knots[by].number;
        put_later(&last, latest_but(&k->steps, by));
        put_later(&last, apart ? k->names : latest_but(&k->frames, by));
    }
    return last;
}

static bool any_was_run_again(const struct step_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (was_run_again(&list->items[i]))
            return true;
    return false;
}

static void find_stale(const struct step_list *list, const struct trace *t, bool *stale)
{
    memset(stale, 0, list->count * sizeof(*stale));
    if (!any_was_run_again(list))
        return;
    struct arena *a = arena_new(0);
    struct tree tree = tree_new(list->count, a);
    struct way way = {0};
    for (size_t i = 0; i < list->count; i++) {
        if (!was_run_again(&list->items[i]))
            continue;
        way_to(&tree, &way, &list->items[i]);
        note_below(&tree, &way, run_again(t, &list->items[i]));
    }
    for (size_t i = 0; i < list->count; i++) {
        const struct step *s = &list->items[i];
        way_to(&tree, &way, s);
        /* What it is made of makes it stale only once it had ended. */
        int64_t below = tree.knots[way.knots[way.length - 1]].below, begin = began(t, s);
        stale[i] = step_is_done(s) &&
                   (again_before(&tree, &way) > begin || below > later(begin, ended(t, s)));
        if (was_run_again(s))
            note_again(&tree, &way, run_again(t, s));
    }
    arena_free(a);
}

void steps_stale(const struct step_list *list, bool *stale)
{
    find_stale(list, NULL, stale);
}

void trace_stale(const struct trace *t, bool *stale)
{
    find_stale(t->list, t, stale);
}
