/* What a recovery asked for, found by path while the run goes on. */
#include "flow/flow_internal.h"

#include <stdlib.h>

/* ---- reading ---- */

static int by_path_and_place(const void *a, const void *b)
{
    const struct path_entry *x = a, *y = b;
    int order = str_compare(x->path, y->path);
    return order ? order : (x->place > y->place) - (x->place < y->place);
}

static struct path_entry *read_entries(struct run *run, struct json list, size_t *ret_count)
{
    size_t count = json_count(list);
    struct path_entry *entries = ARENA_ARRAY(run->arena, struct path_entry, count);
    for (size_t i = 0; i < count; i++)
        entries[i] = (struct path_entry){.path = json_str(json_get(json_at(list, i), STR("p"))),
                                         .place = (uint32_t)i};
    if (count)
        qsort(entries, count, sizeof(*entries), by_path_and_place);
    *ret_count = count;
    return entries;
}

static bool read_until(struct run *run, struct json list)
{
    struct recovery *r = &run->recovery;
    r->until_count = json_count(list);
    r->until = ARENA_ARRAY(run->arena, uint32_t, r->until_count);
    r->until_left = ARENA_ARRAY(run->arena, bool, r->until_count);
    for (size_t i = 0; i < r->until_count; i++) {
        int64_t state;
        if (!json_to_int64(json_at(list, i), &state) || state < 0 ||
            state >= run->machine->state_count)
            return false;
        r->until[i] = (uint32_t)state;
    }
    return true;
}

static bool is_number_below(struct json v, int64_t limit)
{
    int64_t n;
    return json_to_int64(v, &n) && n >= 0 && n < limit;
}

/* A row of a journal is hostile: everything is checked here, and taken as checked later. */
static bool skips_fit(const struct run *run, struct json list)
{
    for (size_t i = 0; i < json_count(list); i++) {
        struct json skip = json_at(list, i);
        struct json step = json_get(skip, STR("n")), next = json_get(skip, STR("x"));
        if (!json_is_string(json_get(skip, STR("p"))) ||
            !is_number_below(json_get(skip, STR("k")), SKIP_GIVEN + 1) ||
            (!json_is_absent(step) && !is_number_below(step, run->step_count)) ||
            (!json_is_absent(next) && !is_number_below(next, run->machine->state_count)))
            return false;
    }
    return true;
}

static bool reuses_fit(const struct run *run, struct json list)
{
    for (size_t i = 0; i < json_count(list); i++) {
        struct json reuse = json_at(list, i);
        if (!json_is_string(json_get(reuse, STR("p"))) ||
            !is_number_below(json_get(reuse, STR("n")), run->step_count) ||
            !is_number_below(json_get(reuse, STR("g")), UINT32_MAX) ||
            !is_number_below(json_get(reuse, STR("a")), UINT32_MAX))
            return false;
    }
    return true;
}

bool recovery_read(struct run *run, struct slot asked)
{
    struct json object = asked.value;
    struct json skips = json_get(object, STR("skip")), reuses = json_get(object, STR("again"));
    run->recovery = (struct recovery){0};
    if (!json_is_object(object) || !skips_fit(run, skips) || !reuses_fit(run, reuses) ||
        !read_until(run, json_get(object, STR("until"))))
        return false;
    run->recovery.asked = asked;
    run->recovery.until_phase = json_str(json_get(object, STR("phase")));
    run->recovery.skips = read_entries(run, skips, &run->recovery.skip_count);
    run->recovery.reuses = read_entries(run, reuses, &run->recovery.reuse_count);
    return true;
}

void recovery_clear(struct run *run)
{
    run->recovery = (struct recovery){0};
}

/* ---- finding ---- */

struct str step_path(const struct run *run, const struct frame *frame, uint32_t state,
                     struct arena *a)
{
    struct str name = run->machine->states[state].name;
    return frame->path.len
               ? arena_printf(a, STR_FMT "/" STR_FMT, STR_ARG(frame->path), STR_ARG(name))
               : name;
}

/* The first unused one of this path. They are used in their order as a rule, so the first of
 * a path remembers how many of them need no second look. */
static struct path_entry *find(struct path_entry *entries, size_t count, struct str path)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (str_compare(entries[middle].path, path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == count || !str_eq(entries[low].path, path))
        return NULL;
    struct path_entry *first = &entries[low];
    while (first->passed < count - low && first[first->passed].used &&
           str_eq(first[first->passed].path, path))
        first->passed++;
    bool is_left = first->passed < count - low && str_eq(first[first->passed].path, path);
    return is_left ? &first[first->passed] : NULL;
}

struct path_entry *recovery_skip(const struct run *run, struct str path)
{
    return find(run->recovery.skips, run->recovery.skip_count, path);
}

struct path_entry *recovery_reuse(const struct run *run, struct str path)
{
    return find(run->recovery.reuses, run->recovery.reuse_count, path);
}

static uint32_t number(struct json object, const char *name, uint32_t otherwise)
{
    int64_t n;
    return json_to_int64(json_get(object, str_of_cstr(name)), &n) ? (uint32_t)n : otherwise;
}

struct flow_skip recovery_skip_of(const struct run *run, const struct path_entry *entry)
{
    struct json skip = json_at(json_get(run->recovery.asked.value, STR("skip")), entry->place);
    return (struct flow_skip){
        .path = entry->path,
        .step = number(skip, "n", STEP_NO_NONE),
        .kind = (enum flow_skip_kind)number(skip, "k", 0),
        .output = json_get(skip, STR("o")),
        .assigned = json_get(skip, STR("v")),
        .next = number(skip, "x", STATE_NO_NONE),
    };
}

struct flow_reuse recovery_reuse_of(const struct run *run, const struct path_entry *entry)
{
    struct json reuse = json_at(json_get(run->recovery.asked.value, STR("again")), entry->place);
    return (struct flow_reuse){
        .path = entry->path,
        .step = number(reuse, "n", 0),
        .generation = number(reuse, "g", 0),
        .attempt = number(reuse, "a", 1),
    };
}

struct json recovery_rerun(const struct run *run)
{
    return json_get(run->recovery.asked.value, STR("rerun"));
}

/* ---- where it stops ---- */

void recovery_left(struct run *run, uint32_t state)
{
    struct recovery *r = &run->recovery;
    for (size_t i = 0; i < r->until_count; i++)
        if (r->until[i] == state)
            r->until_left[i] = true;
}

/* Phases come in the order in which the definition names them first. */
static uint32_t phase_order(const struct machine *m, struct str phase)
{
    uint32_t i = 0;
    while (i < m->state_count && !str_eq(m->states[i].phase, phase))
        i++;
    return i;
}

static bool is_of_later_phase(const struct run *run, uint32_t state)
{
    const struct machine *m = run->machine;
    struct str phase = m->states[state].phase, until = run->recovery.until_phase;
    return until.len && phase.len && phase_order(m, phase) > phase_order(m, until);
}

bool recovery_stops_before(const struct run *run, uint32_t state, enum pause_why *ret_why,
                           struct str *ret_text)
{
    const struct recovery *r = &run->recovery;
    if (is_of_later_phase(run, state)) {
        *ret_why = PAUSE_UNTIL_PHASE;
        *ret_text = r->until_phase;
        return true;
    }
    if (r->until_count == 0)
        return false;
    for (size_t i = 0; i < r->until_count; i++)
        if (!r->until_left[i])
            return false;
    *ret_why = PAUSE_UNTIL_STEP;
    *ret_text = run->machine->states[r->until[r->until_count - 1]].name;
    return true;
}
