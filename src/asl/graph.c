/* The graph of transitions: names, targets, reachability, ends.
 *
 * Transitions are read from the document and not from the compiled states, so
 * that a state with an error in it does not make others look unreachable. */
#include "asl/compile_internal.h"

#include <stdlib.h>

/* ---- names ---- */

static int state_order(const struct state *st, uint32_t scope, struct str name)
{
    int order = str_compare(st->name, name);

    if (order)
        return order;
    return (st->scope > scope) - (st->scope < scope);
}

uint32_t states_find(const struct state *states, const uint32_t *by_name, uint32_t count,
                     uint32_t scope, struct str name)
{
    uint32_t low = 0, high = count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = state_order(&states[by_name[middle]], scope, name);

        if (order == 0)
            return by_name[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return STATE_NO_NONE;
}

bool names_has(const struct compiler *c, struct str name)
{
    uint32_t low = 0, high = (uint32_t)c->node_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (str_compare(c->states[c->by_name[middle]].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < c->node_count && str_eq(c->states[c->by_name[low]].name, name);
}

static int compare_states(const void *a, const void *b, void *arg)
{
    const struct state *states = (const struct state *)arg;
    const struct state *x = &states[*(const uint32_t *)a], *y = &states[*(const uint32_t *)b];
    int order = state_order(x, y->scope, y->name);

    return order ? order : (x->number > y->number) - (x->number < y->number);
}

void names_index(struct compiler *c)
{
    for (uint32_t i = 0; i < c->node_count; i++)
        c->by_name[i] = i;
    qsort_r(c->by_name, c->node_count, sizeof(*c->by_name), compare_states, c->states);
    for (size_t i = 1; i < c->node_count; i++) {
        const struct state *first = &c->states[c->by_name[i - 1]];
        const struct state *second = &c->states[c->by_name[i]];

        if (!str_eq(first->name, second->name))
            continue;
        if (second->number < first->number)
            second = first;
        complain(c, CODE_DUPLICATE_STATE_NAME,
                 (struct place){c->nodes[second->number].pointer, true},
                 STR("Rename one: names are unique in the whole machine, not only in a branch."),
                 "Duplicate State name: " STR_FMT, STR_ARG(clip(c, second->name)));
    }
}

/* ---- transitions ---- */

struct walk {
    struct compiler *c;
    bool *targeted; /* something leads to the state */
    bool *reached;  /* a way leads to it from where its scope starts */
    uint32_t *queue;
    size_t queue_count;
};

typedef void target_visit(struct walk *w, uint32_t from, uint32_t to);

static void visit_named(struct walk *w, uint32_t from, struct json name, target_visit *visit)
{
    const struct compiler *c = w->c;
    uint32_t to;

    if (!json_is_string(name))
        return;
    to = states_find(c->states, c->by_name, (uint32_t)c->node_count, c->states[from].scope,
                     json_str(name));
    if (to != STATE_NO_NONE)
        visit(w, from, to);
}

static void visit_targets(struct walk *w, uint32_t from, target_visit *visit)
{
    static const struct str lists[] = {STR_INIT("Choices"), STR_INIT("Catch")};
    struct json source = w->c->nodes[from].source;

    visit_named(w, from, json_get(source, STR("Next")), visit);
    visit_named(w, from, json_get(source, STR("Default")), visit);
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        struct json list = json_get(source, lists[i]);

        for (size_t k = 0; k < json_count(list); k++)
            visit_named(w, from, json_get(json_at(list, k), STR("Next")), visit);
    }
}

static void mark_targeted(struct walk *w, uint32_t from, uint32_t to)
{
    (void)from;
    w->targeted[to] = true;
}

static void mark_reached(struct walk *w, uint32_t from, uint32_t to)
{
    (void)from;
    if (w->reached[to])
        return;
    w->reached[to] = true;
    w->queue[w->queue_count++] = to;
}

/* Everything that can be reached from what is in the queue. */
static void flood(struct walk *w)
{
    while (w->queue_count)
        visit_targets(w, w->queue[--w->queue_count], mark_reached);
}

/* ---- ends ---- */

static bool is_end(struct json source)
{
    struct str type = json_str(json_get(source, STR("Type")));

    if (json_is_true(json_get(source, STR("End"))))
        return true;
    if (str_eq(type, STR("Succeed")) || str_eq(type, STR("Fail")))
        return true;
    /* Of a broken state nobody knows. */
    for (unsigned i = 0; i < STATE_TYPE_COUNT; i++) {
        if (str_eq(type, state_type_name((enum state_type)i)))
            return false;
    }
    return true;
}

/* Marks the scopes that have an end or no state at all. */
static bool *ends_find(struct compiler *c)
{
    bool *ended = ARENA_ARRAY(c->scratch, bool, c->scope_count);
    bool *peopled = ARENA_ARRAY(c->scratch, bool, c->scope_count);

    for (size_t i = 0; i < c->node_count; i++) {
        peopled[c->states[i].scope] = true;
        if (is_end(c->nodes[i].source))
            ended[c->states[i].scope] = true;
    }
    for (size_t i = 0; i < c->scope_count; i++) {
        if (!peopled[i])
            ended[i] = true;
        else if (!ended[i])
            complain(c, i ? CODE_ENDLESS_SCOPE : CODE_MISSING_END_STATE,
                     (struct place){c->scopes[i].pointer, false},
                     STR("Let one state have \"End\": true, or be a Succeed or Fail state."),
                     "Workflow has no terminal state");
    }
    return ended;
}

/* Does the way from x-on-cancel end, and nowhere lead back to the start? */
static void cleanup_check(struct compiler *c)
{
    struct walk w = {
        .c = c,
        .reached = ARENA_ARRAY(c->scratch, bool, c->node_count),
        .queue = ARENA_ARRAY(c->scratch, uint32_t, c->node_count),
    };
    struct place at = {json_pointer_child(c->scratch, STR(""), STR("x-on-cancel")), false};
    size_t before = c->passed_over;
    bool ends = false;

    mark_reached(&w, STATE_NO_NONE, c->on_cancel);
    flood(&w);
    for (uint32_t i = 0; i < c->node_count; i++)
        ends = ends || (w.reached[i] && is_end(c->nodes[i].source));
    own_begin(c);
    if (!ends)
        complain(c, CODE_UNSOUND_CLEANUP, at, STR("Let a way from it end."),
                 "What 'x-on-cancel' leads to never ends");
    if (c->scopes[0].start != STATE_NO_NONE && w.reached[c->scopes[0].start])
        complain(c, CODE_UNSOUND_CLEANUP, at,
                 STR("Let it lead to states of its own, and to an end."),
                 "What 'x-on-cancel' leads to starts the execution again");
    own_end(c);
    if (c->passed_over > before)
        c->on_cancel = STATE_NO_NONE;
}

void graph_check(struct compiler *c)
{
    bool *ended = ends_find(c);
    struct walk w = {
        .c = c,
        .targeted = ARENA_ARRAY(c->scratch, bool, c->node_count),
        .reached = ARENA_ARRAY(c->scratch, bool, c->node_count),
        .queue = ARENA_ARRAY(c->scratch, uint32_t, c->node_count),
    };

    for (size_t i = 0; i < c->scope_count; i++) {
        if (c->scopes[i].start != STATE_NO_NONE) {
            w.targeted[c->scopes[i].start] = true;
            mark_reached(&w, STATE_NO_NONE, c->scopes[i].start);
        }
    }
    if (c->on_cancel != STATE_NO_NONE && ended[0])
        cleanup_check(c);
    if (c->on_cancel != STATE_NO_NONE) {
        w.targeted[c->on_cancel] = true;
        mark_reached(&w, STATE_NO_NONE, c->on_cancel);
    }
    for (uint32_t i = 0; i < c->node_count; i++)
        visit_targets(&w, i, mark_targeted);
    /* What only an untargeted state leads to is not worth a second complaint. */
    for (uint32_t i = 0; i < c->node_count; i++) {
        if (!w.targeted[i])
            mark_reached(&w, STATE_NO_NONE, i);
    }
    flood(&w);
    for (uint32_t i = 0; i < c->node_count; i++) {
        struct place at = {c->nodes[i].pointer, true};
        struct str name = c->states[i].name;

        if (!ended[c->states[i].scope])
            continue; /* AWS says nothing more of such a workflow either */
        if (!w.targeted[i])
            complain(c, CODE_UNREACHABLE_STATE, at,
                     STR("Let a state lead to it by \"Next\", or remove it."),
                     "State \"" STR_FMT "\" is not reachable.", STR_ARG(clip(c, name)));
        else if (!w.reached[i])
            complain(c, CODE_UNREACHABLE_CYCLE, at, STR(""),
                     "State \"" STR_FMT "\" is reached only from states that are not reachable",
                     STR_ARG(clip(c, name)));
    }
}
