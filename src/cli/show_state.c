#include "cli/show_state.h"

#include "recovery/plan.h"

/* ---- from the journal ---- */

struct reviews {
    struct show_review *items;
    size_t count, capacity;
};

static void drop_review(struct reviews *r, uint32_t step)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->count; i++)
        if (r->items[i].step != step)
            r->items[kept++] = r->items[i];
    r->count = kept;
}

static void take_review(struct story *s, struct reviews *r, const struct flow_event *e)
{
    if (e->kind != EVENT_REVIEW_ASKED && e->kind != EVENT_REVIEW_DECIDED)
        return;
    drop_review(r, e->step);
    if (e->kind == EVENT_REVIEW_DECIDED)
        return;
    r->items = arena_grow(s->arena, r->items, r->count, &r->capacity, sizeof(*r->items));
    r->items[r->count++] = (struct show_review){e->step, e->text};
}

/* Those whose step has ended some other way are none any more. */
static void read_reviews(struct story *s, struct show_state *state)
{
    struct reviews r = {0};
    for (size_t i = 0; i < s->event_count; i++)
        take_review(s, &r, &s->events[i].event);
    for (size_t i = r.count; i > 0; i--) {
        uint32_t step = r.items[i - 1].step;
        if (step >= s->steps.count || s->steps.items[step].status != STEP_RUNNING)
            drop_review(&r, step);
    }
    state->reviews = r.items;
    state->review_count = r.count;
}

/* Only of the last recovery: a later one may have kept other steps. */
static void read_checks(struct story *s, struct show_state *state)
{
    for (size_t i = 0; i < s->event_count; i++) {
        const struct flow_event *e = &s->events[i].event;
        if (e->kind == EVENT_RECOVERED)
            state->checks = JSON_NONE;
        else if (e->kind == EVENT_NOTE)
            state->checks = e->log;
    }
}

static void read_params(struct story *s, struct show_state *state)
{
    struct json *params = ARENA_ARRAY(s->arena, struct json, s->steps.count + 1);
    memset(params, 0, (s->steps.count + 1) * sizeof(*params));
    for (size_t i = 0; i < s->event_count; i++) {
        const struct flow_event *e = &s->events[i].event;
        bool given = e->kind == EVENT_LAMBDA_SCHEDULED || e->kind == EVENT_TASK_SCHEDULED ||
                     e->kind == EVENT_ACTIVITY_SCHEDULED;
        if (given && e->step < s->steps.count)
            params[e->step] = e->value.value;
    }
    state->params = params;
}

/* ---- from the store ---- */

struct relatives {
    struct show_related *items;
    size_t count, capacity;
};

static void add_relative(struct story *s, struct relatives *r, const struct execution_row *row,
                         const char *is)
{
    r->items = arena_grow(s->arena, r->items, r->count, &r->capacity, sizeof(*r->items));
    r->items[r->count++] = (struct show_related){*row, is};
}

/* The one it was made of may have been removed since. */
static bool read_origin(const struct archive *archive, struct story *s, struct relatives *r,
                        struct err *reterr)
{
    struct store_read read = {
        .kind = STORE_GET_EXECUTION, .key = s->row.related, .arena = s->arena};
    if (!s->row.related)
        return true;
    if (!archive_read(archive, &read, reterr))
        return reterr->code == ERR_NOT_FOUND;
    add_relative(s, r, &read.executions[0],
                 s->row.relation == RELATION_RESTARTS ? "restarted from" : "takes over from");
    return true;
}

static bool read_offspring(const struct archive *archive, struct story *s, struct relatives *r,
                           struct err *reterr)
{
    struct store_read read = {.kind = STORE_LIST_RELATED, .related = s->row.key, .arena = s->arena};
    for (bool more = true; more;) {
        if (!archive_read(archive, &read, reterr))
            return false;
        for (size_t i = 0; i < read.count; i++)
            add_relative(s, r, &read.executions[i],
                         read.executions[i].relation == RELATION_RESTARTS ? "restarted as"
                                                                          : "taken over by");
        more = read.more;
        read.key = read.next;
    }
    return true;
}

bool show_state_read(const struct archive *archive, struct story *s, struct show_state *ret,
                     struct err *reterr)
{
    struct show_state state = {.pause = run_pause(s->run)};
    struct relatives relatives = {0};
    bool *stale = ARENA_ARRAY(s->arena, bool, s->steps.count + 1);
    state.rerunning = run_rerun(s->run, &state.rerun_step);
    steps_stale(&s->steps, stale);
    state.stale = stale;
    read_reviews(s, &state);
    read_params(s, &state);
    read_checks(s, &state);
    if (!read_origin(archive, s, &relatives, reterr) ||
        !read_offspring(archive, s, &relatives, reterr))
        return false;
    state.related = relatives.items;
    state.related_count = relatives.count;
    *ret = state;
    return true;
}
