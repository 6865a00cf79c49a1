/* Paths: steps, filters, tuple streams, order and groups. */
#include "expr/jsonata/ast.h"

#include <math.h>

/* The items on the way from one step to the next; one needs no memory. `value` is
 * an array that stays as it is, a plain one, instead of them. */
struct seq {
    struct json *items;
    size_t count, capacity;
    struct json one;
    bool plain;
    struct json value;
};

static inline const struct json *seq_items(const struct seq *s)
{
    return s->count <= 1 ? &s->one : s->items;
}

static void seq_grow(struct jx *x, struct seq *s, size_t more)
{
    size_t capacity = s->count + more < 4 ? 4 : (s->count + more) * 2;
    struct json *items = arena_alloc(x->out, capacity * sizeof(*items));
    const struct json *old = seq_items(s);
    for (size_t i = 0; i < s->count; i++)
        items[i] = old[i];
    s->items = items;
    s->capacity = capacity;
}

static inline void seq_add(struct jx *x, struct seq *s, struct json v)
{
    if (s->count == 0) {
        s->one = v;
        s->count = 1;
        return;
    }
    if (s->count >= s->capacity || s->count == 1) {
        if (s->count >= s->capacity)
            seq_grow(x, s, 1);
        else
            s->items[0] = s->one;
    }
    s->items[s->count++] = v;
}

static void seq_add_all(struct jx *x, struct seq *s, const struct json *items, size_t count)
{
    if (count > 1 && s->count + count > s->capacity)
        seq_grow(x, s, count);
    for (size_t i = 0; i < count; i++)
        seq_add(x, s, items[i]);
}

/* An array is flattened unless a constructor made it. */
static inline void seq_add_flat(struct jx *x, struct seq *s, struct json v)
{
    if (!json_is_array(v) || (v.flags & JX_CONS))
        seq_add(x, s, v);
    else
        seq_add_all(x, s, v.u.items, v.len);
}

static struct json seq_array(struct jx *x, const struct seq *s)
{
    if (s->plain)
        return s->value;
    struct json v = json_array(s->items, s->count);
    if (s->count == 1)
        v.u.items = arena_dup(x->out, &s->one, sizeof(s->one));
    v.flags |= JX_SEQUENCE;
    return v;
}

/* ---- filters ---- */

struct filtering {
    const struct node *filter;
    const struct jx_frame *frame;
    size_t count; /* of the items */
    bool tuples;
};

static bool index_is(double index, size_t count, size_t at)
{
    double whole = floor(index);
    if (whole < 0)
        whole += (double)count;
    return whole == (double)at;
}

static bool all_numbers(struct json v)
{
    for (size_t i = 0; i < v.len; i++) {
        if (!json_is_number(v.u.items[i]))
            return false;
    }
    return true;
}

/* How often the item at `at` is in the result. */
static bool filter_item(struct jx *x, const struct filtering *f, struct json item, size_t at,
                        size_t *ret_times)
{
    struct json context = item, res;
    const struct jx_frame *frame = f->frame;
    if (f->tuples) {
        context = jx_tuple_of(item)->at;
        frame = jx_frame_new(x, frame, jx_tuple_of(item)->bindings);
    }
    if (!jx_eval(x, f->filter, context, frame, &res))
        return false;
    *ret_times = 0;
    if (json_is_number(res)) {
        double index = jx_to_double(res);
        if (isinf(index))
            return jx_fail_value(x, "D1001", res);
        *ret_times = index_is(index, f->count, at);
    } else if (json_is_array(res) && all_numbers(res)) {
        for (size_t i = 0; i < res.len; i++)
            *ret_times += index_is(jx_to_double(res.u.items[i]), f->count, at);
    } else {
        *ret_times = jx_truth(res);
    }
    return true;
}

/* A number picks one item; an array as item stands for itself. */
static struct json pick_item(struct jx *x, const struct node *filter, struct json input,
                             bool tuples)
{
    const struct json *items = json_is_array(input) ? input.u.items : &input;
    size_t count = json_is_array(input) ? input.len : 1;
    double index = floor(jx_to_double(filter->value));
    if (index < 0)
        index += (double)count;
    struct seq s = {0};
    if (index >= 0 && index < (double)count) {
        struct json item = items[(size_t)index];
        if (json_is_array(item))
            return item;
        if (!json_is_absent(item))
            seq_add(x, &s, item);
    }
    struct json v = seq_array(x, &s);
    v.flags |= tuples ? JX_TUPLES : 0;
    return v;
}

static bool filter_into(struct jx *x, const struct node *filter, struct json input,
                        const struct jx_frame *frame, struct seq *to)
{
    const struct json *items = json_is_array(input) ? input.u.items : &input;
    struct filtering f = {.filter = filter,
                          .frame = frame,
                          .count = json_is_array(input) ? input.len : 1,
                          .tuples = json_is_array(input) && (input.flags & JX_TUPLES)};
    for (size_t i = 0; i < f.count; i++) {
        size_t times;
        if (!filter_item(x, &f, items[i], i, &times))
            return false;
        for (; times; times--)
            seq_add(x, to, items[i]);
    }
    return true;
}

bool eval_filter(struct jx *x, const struct node *filter, struct json input,
                 const struct jx_frame *frame, struct json *ret)
{
    bool tuples = json_is_array(input) && (input.flags & JX_TUPLES);
    if (filter->type == NODE_NUMBER) {
        *ret = pick_item(x, filter, input, tuples);
        return true;
    }
    struct seq s = {0};
    if (!filter_into(x, filter, input, frame, &s))
        return false;
    *ret = seq_array(x, &s);
    ret->flags |= tuples ? JX_TUPLES : 0;
    return true;
}

/* ---- steps ---- */

struct step {
    const struct node *node;
    const struct jx_frame *frame;
    bool last;
    size_t results; /* that were something */
    struct json first;
};

static inline void step_add(struct jx *x, struct step *s, struct json v, struct seq *to)
{
    if (json_is_absent(v))
        return;
    if (s->results++ == 0)
        s->first = v;
    seq_add_flat(x, to, v);
}

static bool step_item(struct jx *x, struct step *s, struct json item, struct seq *to)
{
    struct json v;
    const struct stage *stage = s->node->stages;
    if (!jx_within(x) || !jx_eval(x, s->node, item, s->frame, &v))
        return false;
    for (; stage; stage = stage->next) {
        if (!stage->next && stage->filter->type != NODE_NUMBER) {
            s->first = jx_sequence(json_array(NULL, 0));
            s->results++;
            return filter_into(x, stage->filter, v, s->frame, to);
        }
        if (!eval_filter(x, stage->filter, v, s->frame, &v))
            return false;
    }
    step_add(x, s, v, to);
    return true;
}

/* What jx_eval does for a name, without the call: most steps are one. */
static bool step_names(struct jx *x, struct step *s, const struct json *items, size_t count,
                       struct seq *to)
{
    struct str name = json_str(s->node->value);
    if (x->depth >= x->depth_max)
        return jx_limit(x, JSONATA_LIMIT_DEPTH);
    if (!jx_spend(x, count))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct json v = JSON_NONE;
        if (json_is_object(items[i]))
            v = json_get(items[i], name);
        else if (json_is_array(items[i]) && !jx_member(x, items[i], name, &v))
            return false;
        if (json_is_array(v)) {
            if (!jx_within(x))
                return false;
            if (s->node->flags & NODE_KEEP_ARRAY && v.flags & JX_SEQUENCE)
                v.flags |= JX_KEEP_SINGLETON;
            v = jx_singleton(v);
        }
        step_add(x, s, v, to);
    }
    return true;
}

static bool sort_step(struct jx *x, const struct node *n, const struct json *items, size_t count,
                      const struct jx_frame *frame, struct seq *to)
{
    struct json v;
    if (!eval_sort(x, n, items, count, frame, &v))
        return false;
    for (const struct stage *s = n->stages; s; s = s->next) {
        if (!eval_filter(x, s->filter, v, frame, &v))
            return false;
    }
    if (json_is_array(v) && (v.len > 1 || !(v.flags & JX_SEQUENCE))) {
        to->plain = true;
        to->value = v;
    } else {
        seq_add_flat(x, to, v);
    }
    return true;
}

static bool eval_step(struct jx *x, struct step *s, const struct json *items, size_t count,
                      struct seq *to)
{
    *to = (struct seq){0};
    const struct node *n = s->node;
    if (n->type == NODE_SORT)
        return sort_step(x, n, items, count, s->frame, to);
    if (n->type == NODE_NAME && !n->stages && !n->predicates && !n->group) {
        if (!step_names(x, s, items, count, to))
            return false;
    } else {
        for (size_t i = 0; i < count; i++) {
            if (!step_item(x, s, items[i], to))
                return false;
        }
    }
    /* One plain array as the last step's only result stays what it is. */
    if (s->last && s->results == 1 && json_is_array(s->first) && !(s->first.flags & JX_SEQUENCE)) {
        to->plain = true;
        to->value = s->first;
    }
    return true;
}

/* ---- tuple streams ---- */

static struct json tuple_new(struct jx *x, struct json at, const struct binding *bindings)
{
    struct tuple *t = arena_alloc(x->out, sizeof(*t));
    *t = (struct tuple){at, bindings};
    return (struct json){.tag = JX_TAG_TUPLE, .u.items = (const struct json *)(const void *)t};
}

static const struct binding *bind(struct jx *x, const struct binding *next,
                                  const struct symbol *symbol, struct json value)
{
    struct binding *b = arena_alloc(x->out, sizeof(*b));
    *b = (struct binding){symbol, value, next};
    return b;
}

static struct json index_value(size_t index)
{
    return json_int((int64_t)index);
}

static void tuple_index(struct jx *x, struct seq *tuples, const struct symbol *symbol)
{
    struct seq to = {0};
    const struct json *items = seq_items(tuples);
    for (size_t i = 0; i < tuples->count; i++) {
        const struct tuple *t = jx_tuple_of(items[i]);
        seq_add(x, &to, tuple_new(x, t->at, bind(x, t->bindings, symbol, index_value(i))));
    }
    *tuples = to;
}

static bool tuple_stages(struct jx *x, const struct stage *stage, const struct jx_frame *frame,
                         struct seq *tuples)
{
    for (; stage; stage = stage->next) {
        if (stage->index) {
            tuple_index(x, tuples, stage->index);
            continue;
        }
        struct json v = seq_array(x, tuples);
        v.flags |= JX_TUPLES;
        if (!eval_filter(x, stage->filter, v, frame, &v))
            return false;
        *tuples = (struct seq){0};
        seq_add_all(x, tuples, v.u.items, v.len);
    }
    return true;
}

static const struct binding *bind_all(struct jx *x, const struct binding *to,
                                      const struct binding *from)
{
    if (!from)
        return to;
    struct binding *first = NULL, **last = &first;
    for (; from; from = from->next) {
        struct binding *b = arena_alloc(x->out, sizeof(*b));
        *b = (struct binding){from->symbol, from->value, NULL};
        *(struct binding **)last = b;
        last = (struct binding **)(uintptr_t)&b->next;
    }
    *(const struct binding **)(uintptr_t)last = to;
    return first;
}

/* What the step found at one tuple: a tuple each. */
static void tuple_results(struct jx *x, const struct node *n, const struct tuple *from,
                          struct json res, struct seq *to)
{
    const struct json *items = json_is_array(res) ? res.u.items : &res;
    size_t count = json_is_array(res) ? res.len : 1;
    bool tuples = json_is_array(res) && (res.flags & JX_TUPLES);
    for (size_t i = 0; i < count; i++) {
        const struct binding *bindings = from->bindings;
        struct json at = items[i];
        if (tuples) {
            const struct tuple *t = jx_tuple_of(items[i]);
            seq_add(x, to, tuple_new(x, t->at, bind_all(x, bindings, t->bindings)));
            continue;
        }
        if (n->focus) {
            bindings = bind(x, bindings, n->focus, items[i]);
            at = from->at;
        }
        if (n->index)
            bindings = bind(x, bindings, n->index, index_value(i));
        if (n->ancestor)
            bindings = bind(x, bindings, n->ancestor->label, from->at);
        seq_add(x, to, tuple_new(x, at, bindings));
    }
}

static bool tuple_sort(struct jx *x, const struct node *n, const struct json *items, size_t count,
                       bool are_tuples, const struct jx_frame *frame, struct seq *to)
{
    struct json sorted;
    if (!eval_sort(x, n, items, count, frame, &sorted))
        return false;
    for (size_t i = 0; i < sorted.len; i++) {
        struct json item = sorted.u.items[i];
        if (!are_tuples) {
            const struct binding *b = n->index ? bind(x, NULL, n->index, index_value(i)) : NULL;
            item = tuple_new(x, item, b);
        }
        seq_add(x, to, item);
    }
    return tuple_stages(x, n->stages, frame, to);
}

/* items: tuples, or what the first tuples are made of. */
static bool tuple_step(struct jx *x, const struct node *n, const struct json *items, size_t count,
                       bool are_tuples, const struct jx_frame *frame, struct seq *to)
{
    *to = (struct seq){0};
    if (n->type == NODE_SORT)
        return tuple_sort(x, n, items, count, are_tuples, frame, to);
    for (size_t i = 0; i < count; i++) {
        struct tuple first = {.at = items[i]};
        const struct tuple *from = are_tuples ? jx_tuple_of(items[i]) : &first;
        const struct jx_frame *own = jx_frame_new(x, frame, from->bindings);
        struct json res;
        if (!jx_within(x) || !jx_eval(x, n, from->at, own, &res))
            return false;
        if (!json_is_absent(res))
            tuple_results(x, n, from, res, to);
    }
    return tuple_stages(x, n->stages, frame, to);
}

/* ---- paths ---- */

struct walk {
    struct seq at; /* what the last step gave */
    bool tuples;   /* those are tuples */
};

static bool walk_steps(struct jx *x, const struct node *n, struct json input,
                       const struct jx_frame *frame, struct walk *w)
{
    struct json whole = input;
    bool spread = json_is_array(input) && n->items[0]->type != NODE_VARIABLE;
    const struct json *items = spread ? input.u.items : &whole;
    size_t count = spread ? input.len : 1;
    bool tuples = false; /* from the first step on that binds something */
    for (size_t i = 0; i < n->count; i++) {
        const struct node *step = n->items[i];
        tuples = tuples || (step->flags & NODE_TUPLE);
        struct seq to = {0};
        if (i == 0 && (step->flags & NODE_CONS)) {
            to.plain = true;
            struct json array = input;
            if (!spread)
                array = jx_sequence(json_array(items, count));
            if (!jx_eval(x, step, array, frame, &to.value))
                return false;
            if (!json_is_array(to.value)) {
                to.plain = false;
                if (!json_is_absent(to.value))
                    seq_add(x, &to, to.value);
            }
            /* As in jsonata-js: of [...]@$v the next step gets the input, and $v is unbound. */
            if (step->focus && n->count > 1)
                continue;
        } else if (tuples) {
            if (!tuple_step(x, step, items, count, w->tuples, frame, &to))
                return false;
        } else {
            struct step s = {.node = step, .frame = frame, .last = i + 1 == n->count};
            if (!eval_step(x, &s, items, count, &to))
                return false;
        }
        w->at = to;
        w->tuples = tuples && !(i == 0 && (step->flags & NODE_CONS));
        items = to.plain ? w->at.value.u.items : seq_items(&w->at);
        count = to.plain ? w->at.value.len : w->at.count;
        if (!tuples && count == 0)
            break;
    }
    return true;
}

static struct json contexts_of(struct jx *x, const struct seq *tuples)
{
    struct seq to = {0};
    const struct json *items = seq_items(tuples);
    for (size_t i = 0; i < tuples->count; i++)
        seq_add(x, &to, jx_tuple_of(items[i])->at);
    return seq_array(x, &to);
}

static struct json keep(struct jx *x, struct json v)
{
    if (json_is_array(v) && (v.flags & JX_CONS) && !(v.flags & JX_SEQUENCE))
        v = jx_sequence(json_array(arena_dup(x->out, &v, sizeof(v)), 1));
    v.flags |= JX_KEEP_SINGLETON;
    return v;
}

static inline bool is_plain_step(const struct node *step)
{
    return !step->stages && !step->predicates && !step->group &&
           !(step->flags & (NODE_TUPLE | NODE_KEEP_ARRAY));
}

/* Names from object to object, the commonest path. false: it is another one, or
 * something on the way is an array; nothing has happened then. */
static bool follow_names(struct jx *x, const struct node *n, struct json input,
                         const struct jx_frame *frame, struct json *ret)
{
    struct json v = input;
    if (n->group || (n->flags & (NODE_KEEP_SINGLETON | NODE_KEEP_ARRAY | NODE_TUPLE)) ||
        x->depth >= x->depth_max || x->steps_left <= n->count)
        return false;
    for (uint32_t i = 0; i < n->count; i++) {
        const struct node *step = n->items[i];
        if (json_is_array(v) || !is_plain_step(step))
            return false;
        if (step->type == NODE_NAME)
            v = json_get(v, json_str(step->value));
        else if (step->type == NODE_VARIABLE && i == 0)
            v = eval_variable(x, step, input, frame);
        else
            return false;
        if (json_is_absent(v))
            break;
    }
    if (json_is_array(v) && (v.flags & (JX_SEQUENCE | JX_CONS)))
        return false;
    x->steps_left -= n->count;
    *ret = v;
    return true;
}

bool eval_path(struct jx *x, const struct node *n, struct json input, const struct jx_frame *frame,
               struct json *ret)
{
    if (follow_names(x, n, input, frame, ret))
        return true;
    struct walk w = {0};
    if (!walk_steps(x, n, input, frame, &w))
        return false;
    bool keeps = n->flags & NODE_KEEP_SINGLETON;
    if (!w.tuples && !w.at.plain && !n->group && !keeps && w.at.count <= 1 &&
        !(n->flags & NODE_KEEP_ARRAY)) {
        *ret = w.at.count ? w.at.one : JSON_NONE;
        return true;
    }
    struct json tuples = JSON_NONE, v;
    if (w.tuples) {
        tuples = seq_array(x, &w.at);
        tuples.flags |= JX_TUPLES;
    }
    if (w.tuples && !(n->flags & NODE_TUPLE))
        v = contexts_of(x, &w.at);
    else
        v = w.tuples ? tuples : seq_array(x, &w.at);
    if (keeps)
        v = keep(x, v);
    *ret = v;
    if (n->group)
        return eval_group(x, n->group, w.tuples ? tuples : v, frame, ret);
    return true;
}

/* ---- order ---- */

struct sorting {
    const struct node *node;
    const struct json *items;
    const struct jx_frame *frame;
    size_t count;
    struct json *keys; /* terms x count, made when asked for */
    bool *known;
};

static bool sort_key(struct jx *x, struct sorting *s, size_t term, uint32_t item,
                     struct json *ret_key)
{
    size_t at = term * s->count + item;
    if (!s->known[at]) {
        struct json context = s->items[item];
        const struct jx_frame *frame = s->frame;
        if (context.tag == JX_TAG_TUPLE) {
            frame = jx_frame_new(x, frame, jx_tuple_of(context)->bindings);
            context = jx_tuple_of(context)->at;
        }
        if (!jx_eval(x, s->node->items[term], context, frame, &s->keys[at]))
            return false;
        s->known[at] = true;
    }
    *ret_key = s->keys[at];
    return true;
}

static bool is_comparable(struct json v)
{
    return json_is_string(v) || json_is_number(v);
}

/* <0, 0, >0 in *ret_order. */
static bool compare_keys(struct jx *x, const struct node *n, struct json a, struct json b,
                         bool descending, int *ret_order)
{
    if (json_is_absent(a) || json_is_absent(b)) { /* nothing comes last either way */
        *ret_order = json_is_absent(a) - json_is_absent(b);
        return true;
    }
    if (!is_comparable(a) || !is_comparable(b))
        return jx_fail_at(x, "T2008", n, STR(""), is_comparable(a) ? b : a, JSON_NONE);
    if (json_is_string(a) != json_is_string(b))
        return jx_fail_at(x, "T2007", n, STR(""), a, b);
    int order;
    if (json_is_string(a)) {
        order = jx_compare_strings(json_str(a), json_str(b));
    } else {
        struct number l = jx_number_of(a), r = jx_number_of(b);
        if (l.is_int && r.is_int)
            order = (l.integer > r.integer) - (l.integer < r.integer);
        else
            order = (l.real > r.real) - (l.real < r.real);
    }
    *ret_order = descending ? -order : order;
    return true;
}

static bool sort_after(struct jx *x, void *context, uint32_t a, uint32_t b, bool *ret_after)
{
    struct sorting *s = context;
    int order = 0;
    for (size_t term = 0; order == 0 && term < s->node->count; term++) {
        struct json l, r;
        if (!sort_key(x, s, term, a, &l) || !sort_key(x, s, term, b, &r) ||
            !compare_keys(x, s->node, l, r, s->node->descending[term], &order))
            return false;
    }
    *ret_after = order > 0;
    return true;
}

bool eval_sort(struct jx *x, const struct node *sort, const struct json *items, size_t count,
               const struct jx_frame *frame, struct json *ret)
{
    if (count <= 1) {
        *ret = jx_sequence(json_array(arena_dup(x->out, items, count * sizeof(*items)), count));
        return true;
    }
    if (!jx_room(x, count * (sort->count + 2) * (sizeof(struct json) + 1)))
        return false;
    struct sorting s = {.node = sort, .items = items, .frame = frame, .count = count};
    s.keys = ARENA_ARRAY(x->out, struct json, count * sort->count);
    s.known = ARENA_ARRAY(x->out, bool, count * sort->count);
    uint32_t *order = ARENA_ARRAY(x->out, uint32_t, count);
    for (size_t i = 0; i < count; i++)
        order[i] = (uint32_t)i;
    if (!jx_merge_sort(x, order, count, sort_after, &s))
        return false;
    struct json *sorted = arena_alloc(x->out, count * sizeof(*sorted));
    for (size_t i = 0; i < count; i++)
        sorted[i] = items[order[i]];
    *ret = json_array(sorted, count);
    return true;
}

/* ---- groups ---- */

/* Values appended one after another as $append would. */
struct pile {
    struct json value; /* while there is one */
    size_t count;      /* appended */
    struct seq items;
};

static void pile_add(struct jx *x, struct pile *p, struct json v)
{
    if (json_is_absent(v))
        return;
    if (p->count++ == 0) {
        p->value = v;
        return;
    }
    const struct json *items = json_is_array(v) ? v.u.items : &v;
    if (p->count == 2) {
        const struct json *first = json_is_array(p->value) ? p->value.u.items : &p->value;
        seq_add_all(x, &p->items, first, json_is_array(p->value) ? p->value.len : 1);
    }
    seq_add_all(x, &p->items, items, json_is_array(v) ? v.len : 1);
}

static struct json pile_value(struct jx *x, const struct pile *p)
{
    if (p->count < 2)
        return p->value;
    struct json v = seq_array(x, &p->items);
    v.flags = 0;
    return v;
}

struct group {
    struct str key;
    size_t pair;
    struct pile data;
    struct group *next, *chain; /* of the same hash */
};

enum {
    GROUP_BUCKETS = 256,
    GROUP_FEW = 8
};

struct grouping {
    const struct node *node;
    const struct jx_frame *frame;
    bool tuples;
    struct group *first, **last;
    size_t count;
    struct group **buckets; /* when there are many */
};

static void group_index(struct jx *x, struct grouping *g, struct group *new)
{
    if (!g->buckets && g->count > GROUP_FEW) {
        g->buckets = ARENA_ARRAY(x->out, struct group *, GROUP_BUCKETS);
        for (struct group *at = g->first; at; at = at->next) {
            struct group **bucket = &g->buckets[str_hash(at->key) % GROUP_BUCKETS];
            at->chain = *bucket;
            *bucket = at;
        }
    } else if (g->buckets) {
        struct group **bucket = &g->buckets[str_hash(new->key) % GROUP_BUCKETS];
        new->chain = *bucket;
        *bucket = new;
    }
}

static bool group_find(struct jx *x, struct grouping *g, struct str key, struct group **ret_group)
{
    struct group *at = g->buckets ? g->buckets[str_hash(key) % GROUP_BUCKETS] : g->first;
    uint64_t passed = 0;
    for (; at && !str_eq(at->key, key); at = g->buckets ? at->chain : at->next)
        passed++;
    *ret_group = at;
    return passed < 16 || jx_spend(x, passed / 8);
}

static bool group_put(struct jx *x, struct grouping *g, struct str key, size_t pair,
                      struct json item)
{
    struct group *group;
    if (!jx_within(x) || !group_find(x, g, key, &group))
        return false;
    if (group && group->pair != pair)
        return jx_fail_at(x, "D1009", g->node, STR(""), json_string(key), JSON_NONE);
    if (!group) {
        group = ARENA_NEW(x->out, struct group);
        group->key = key;
        group->pair = pair;
        *g->last = group;
        g->last = &group->next;
        g->count++;
        group_index(x, g, group);
    }
    pile_add(x, &group->data, item);
    return true;
}

static bool group_item(struct jx *x, struct grouping *g, struct json item)
{
    struct json context = item;
    const struct jx_frame *frame = g->frame;
    if (g->tuples) {
        context = jx_tuple_of(item)->at;
        frame = jx_frame_new(x, frame, jx_tuple_of(item)->bindings);
    }
    for (size_t pair = 0; pair < g->node->count / 2; pair++) {
        struct json key;
        if (!jx_eval(x, g->node->items[2 * pair], context, frame, &key))
            return false;
        if (json_is_absent(key))
            continue;
        if (!json_is_string(key))
            return jx_fail_at(x, "T1003", g->node, STR(""), key, JSON_NONE);
        if (!group_put(x, g, json_str(key), pair, item))
            return false;
    }
    return true;
}

struct pile_of {
    const struct symbol *symbol;
    struct pile pile;
    struct pile_of *next;
};

static bool is_shadowed(const struct binding *first, const struct binding *b)
{
    for (; first != b; first = first->next) {
        if (first->symbol == b->symbol)
            return true;
    }
    return false;
}

static void reduce_bindings(struct jx *x, const struct tuple *t, struct pile_of **piles)
{
    for (const struct binding *b = t->bindings; b; b = b->next) {
        if (is_shadowed(t->bindings, b))
            continue;
        struct pile_of *at = *piles;
        while (at && at->symbol != b->symbol)
            at = at->next;
        if (!at) {
            at = ARENA_NEW(x->out, struct pile_of);
            at->symbol = b->symbol;
            at->next = *piles;
            *piles = at;
        }
        pile_add(x, &at->pile, b->value);
    }
}

/* Of many tuples one: what each name means in all of them. */
static struct tuple reduce_tuples(struct jx *x, struct json data)
{
    if (!json_is_array(data))
        return *jx_tuple_of(data);
    struct pile at = {0};
    struct pile_of *piles = NULL;
    for (size_t i = 0; i < data.len && !arena_over(x->out); i++) {
        pile_add(x, &at, jx_tuple_of(data.u.items[i])->at);
        reduce_bindings(x, jx_tuple_of(data.u.items[i]), &piles);
    }
    struct tuple t = {.at = pile_value(x, &at)};
    for (; piles; piles = piles->next)
        t.bindings = bind(x, t.bindings, piles->symbol, pile_value(x, &piles->pile));
    return t;
}

static bool group_value(struct jx *x, const struct grouping *g, const struct group *group,
                        struct json *ret)
{
    struct json context = pile_value(x, &group->data);
    const struct jx_frame *frame = g->frame;
    if (g->tuples) {
        struct tuple t = reduce_tuples(x, context);
        context = t.at;
        frame = jx_frame_new(x, frame, t.bindings);
    }
    return jx_eval(x, g->node->items[2 * group->pair + 1], context, frame, ret);
}

bool eval_group(struct jx *x, const struct node *node, struct json input,
                const struct jx_frame *frame, struct json *ret)
{
    struct grouping g = {.node = node, .frame = frame};
    g.last = &g.first;
    g.tuples = json_is_array(input) && (input.flags & JX_TUPLES);
    bool many = json_is_array(input) && (input.len || g.tuples);
    const struct json *items = many ? input.u.items : &input;
    struct json nothing = JSON_NONE;
    if (json_is_array(input) && !many)
        items = &nothing;
    for (size_t i = 0, count = many ? input.len : 1; i < count; i++) {
        if (!group_item(x, &g, items[i]))
            return false;
    }
    struct json_member *members = arena_alloc(x->out, (g.count + 1) * sizeof(*members));
    size_t count = 0;
    for (const struct group *group = g.first; group; group = group->next) {
        struct json v;
        if (!group_value(x, &g, group, &v))
            return false;
        if (!json_is_absent(v))
            members[count++] = (struct json_member){json_string(group->key), v};
    }
    *ret = json_object(members, count);
    return true;
}
