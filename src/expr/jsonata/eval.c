/* Evaluating nodes. Each nested jx_eval is one of env->depth_max. */
#include "expr/jsonata/ast.h"

bool jx_spend(struct jx *x, uint64_t n)
{
    if (x->steps_left <= n) {
        x->steps_left = 0;
        return jx_limit(x, JSONATA_LIMIT_STEPS);
    }
    x->steps_left -= n;
    return !arena_over(x->out) || jx_limit(x, JSONATA_LIMIT_MEMORY);
}

bool jx_room(struct jx *x, size_t size)
{
    return arena_room(x->out, size) || jx_limit(x, JSONATA_LIMIT_MEMORY);
}

/* AWS's limit is of the memory that an expression holds at once; what is known of it is that
 * [1..873782] passes and one item more does not, and so a text of 2^22 characters and not one
 * of 2^23. In 10 MiB that is 12 bytes an item beside some 376, and for a character 2 fit. */
enum {
    HELD_ARRAY = 376,
    HELD_ITEM = 12,
    HELD_CHARACTER = 2,
};

bool jx_holds_items(struct jx *x, uint64_t count)
{
    return !x->held_max || HELD_ARRAY + count * HELD_ITEM <= x->held_max ||
           jx_limit(x, JSONATA_LIMIT_MEMORY);
}

bool jx_holds_text(struct jx *x, size_t size)
{
    return !x->held_max || size <= x->held_max / HELD_CHARACTER ||
           jx_limit(x, JSONATA_LIMIT_MEMORY);
}

/* ---- variables ---- */

struct jx_frame *jx_frame_new(struct jx *x, const struct jx_frame *outer,
                              const struct binding *bindings)
{
    struct jx_frame *f = arena_alloc(x->out, sizeof(*f));
    *f = (struct jx_frame){outer, bindings};
    return f;
}

void jx_bind(struct jx *x, struct jx_frame *frame, const struct symbol *symbol, struct json value)
{
    struct binding *b = arena_alloc(x->out, sizeof(*b));
    *b = (struct binding){symbol, value, frame->bindings};
    frame->bindings = b;
}

static inline bool same_symbol(const struct symbol *a, const struct symbol *b)
{
    return a == b || (a->hash == b->hash && str_eq(a->name, b->name));
}

struct json jx_lookup_variable(struct jx *x, const struct symbol *symbol,
                               const struct jx_frame *frame)
{
    if (symbol->bound || x->walks_frames) {
        for (; frame; frame = frame->outer) {
            for (const struct binding *b = frame->bindings; b; b = b->next) {
                if (same_symbol(b->symbol, symbol))
                    return b->value;
            }
        }
    }
    if (symbol->name.len == 1 && symbol->name.ptr[0] == '$')
        return x->input;
    struct json v = x->vars ? expr_vars_get(x->vars, symbol->name) : JSON_NONE;
    if (json_is_absent(v) && symbol->builtin)
        return jx_of_callable(symbol->builtin);
    return v;
}

static struct json unwrap(struct json input)
{
    return json_is_array(input) && (input.flags & JX_WRAPPER) && input.len ? input.u.items[0]
                                                                           : input;
}

struct json eval_variable(struct jx *x, const struct node *n, struct json input,
                          const struct jx_frame *frame)
{
    return n->symbol->name.len ? jx_lookup_variable(x, n->symbol, frame) : unwrap(input);
}

/* ---- names and wildcards ---- */

static void add_flat(struct json_array_builder *b, struct json v)
{
    if (!json_is_array(v)) {
        if (!json_is_absent(v))
            json_array_add(b, v);
        return;
    }
    for (size_t i = 0; i < v.len; i++)
        json_array_add(b, v.u.items[i]);
}

static bool member_of_items(struct jx *x, struct json input, struct str name, size_t depth,
                            struct json *ret)
{
    if (!json_is_array(input)) {
        *ret = json_get(input, name);
        return true;
    }
    if (depth > JSONATA_DEPTH_MAX)
        return jx_limit(x, JSONATA_LIMIT_DEPTH);
    if (!jx_spend(x, input.len / 4 + 1))
        return false;
    struct json_array_builder b = json_array_builder(x->out);
    for (size_t i = 0; i < input.len; i++) {
        struct json v = JSON_NONE;
        if (!member_of_items(x, input.u.items[i], name, depth + 1, &v))
            return false;
        if (json_is_array(v) && !jx_within(x))
            return false;
        add_flat(&b, v);
    }
    *ret = jx_sequence(json_array_done(&b));
    return true;
}

bool jx_member(struct jx *x, struct json input, struct str name, struct json *ret)
{
    return member_of_items(x, input, name, 0, ret);
}

static bool flatten(struct jx *x, struct json v, size_t depth, struct json_array_builder *b)
{
    if (!json_is_array(v)) {
        json_array_add(b, v);
        return true;
    }
    if (depth > JSONATA_DEPTH_MAX)
        return jx_limit(x, JSONATA_LIMIT_DEPTH);
    if (!jx_spend(x, v.len / 4 + 1))
        return false;
    for (size_t i = 0; i < v.len; i++) {
        if (!flatten(x, v.u.items[i], depth + 1, b))
            return false;
    }
    return true;
}

/* A sequence, unless a value is an array: then all of them are a plain one. */
static bool eval_wildcard(struct jx *x, struct json input, struct json *ret)
{
    input = unwrap(input);
    struct json_array_builder b = json_array_builder(x->out);
    bool plain = false;
    size_t count = json_count(input);
    if (!jx_spend(x, count / 4 + 1))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct json v = json_is_array(input) ? input.u.items[i] : input.u.members[i].value;
        plain |= json_is_array(v);
        if (!flatten(x, v, 0, &b))
            return false;
    }
    *ret = json_array_done(&b);
    if (!plain)
        ret->flags |= JX_SEQUENCE;
    return true;
}

static bool descend(struct jx *x, struct json v, size_t depth, struct json_array_builder *b)
{
    if (depth > JSONATA_DEPTH_MAX)
        return jx_limit(x, JSONATA_LIMIT_DEPTH);
    if (!json_is_array(v))
        json_array_add(b, v);
    size_t count = json_count(v);
    if (!count)
        return true;
    if (!jx_spend(x, count / 4 + 1))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct json child = json_is_array(v) ? v.u.items[i] : v.u.members[i].value;
        if (!descend(x, child, depth + 1, b))
            return false;
    }
    return true;
}

static bool eval_descendants(struct jx *x, struct json input, struct json *ret)
{
    *ret = JSON_NONE;
    if (json_is_absent(input))
        return true;
    struct json_array_builder b = json_array_builder(x->out);
    if (!descend(x, input, 0, &b))
        return false;
    *ret = b.count == 1 ? b.items[0] : jx_sequence(json_array_done(&b));
    return true;
}

/* ---- constructors ---- */

/* An array that an append made has room behind its items and, before them, a slot
 * that says how much is taken (len) and how much there is. Whoever holds its last
 * item may append in place: handles of fewer items do not see it. So what gathers
 * items one by one copies each only a few times. */
static bool append_in_place(struct json a, const struct json *b_items, size_t b_count,
                            struct json *ret)
{
    if (!(a.flags & JX_GROWS))
        return false;
    struct json *items = (struct json *)(uintptr_t)a.u.items, *head = items - 1;
    if (head->len != a.len || (size_t)head->u.integer - a.len < b_count)
        return false;
    for (size_t i = 0; i < b_count; i++)
        items[a.len + i] = b_items[i];
    head->len += (uint32_t)b_count;
    *ret = json_array(items, a.len + b_count);
    ret->flags = JX_GROWS;
    return true;
}

bool jx_append(struct jx *x, struct json a, struct json b, struct json *ret)
{
    if (json_is_absent(a) || json_is_absent(b)) {
        *ret = json_is_absent(a) ? b : a;
        return true;
    }
    size_t a_count = json_is_array(a) ? a.len : 1, b_count = json_is_array(b) ? b.len : 1;
    const struct json *a_items = json_is_array(a) ? a.u.items : &a;
    const struct json *b_items = json_is_array(b) ? b.u.items : &b;
    size_t count = a_count + b_count, capacity = count + count / 2 + 4;
    if (!jx_spend(x, b_count / 8) || !jx_holds_items(x, count))
        return false;
    if (json_is_array(a) && append_in_place(a, b_items, b_count, ret))
        return true;
    if (!jx_room(x, (capacity + 1) * sizeof(struct json)) || !jx_spend(x, a_count / 8))
        return false;
    struct json *items = (struct json *)arena_alloc(x->out, (capacity + 1) * sizeof(*items)) + 1;
    items[-1] = (struct json){.len = (uint32_t)count, .u.integer = (int64_t)capacity};
    for (size_t i = 0; i < a_count; i++)
        items[i] = a_items[i];
    for (size_t i = 0; i < b_count; i++)
        items[a_count + i] = b_items[i];
    *ret = json_array(items, count);
    ret->flags = JX_GROWS;
    return true;
}

static bool eval_array(struct jx *x, const struct node *n, struct json input,
                       const struct jx_frame *frame, struct json *ret)
{
    struct json *items = n->count ? arena_alloc(x->out, n->count * sizeof(*items)) : NULL;
    struct json_array_builder b = {.arena = x->out, .items = items, .capacity = n->count};
    for (size_t i = 0; i < n->count; i++) {
        const struct node *item = n->items[i];
        struct json v = JSON_NONE;
        if (!jx_eval(x, item, input, frame, &v))
            return false;
        if (item->type == NODE_ARRAY) {
            json_array_add(&b, v);
        } else if (n->count == 1 && json_is_array(v)) {
            *ret = json_array(v.u.items, v.len);
            ret->flags |= n->flags & NODE_CONS ? JX_CONS : 0;
            return true;
        } else {
            if (json_is_array(v) && !jx_room(x, v.len * sizeof(v)))
                return false;
            add_flat(&b, v);
        }
    }
    *ret = json_array_done(&b);
    ret->flags |= n->flags & NODE_CONS ? JX_CONS : 0;
    return true;
}

static bool eval_negation(struct jx *x, const struct node *n, struct json input,
                          const struct jx_frame *frame, struct json *ret)
{
    struct json v = JSON_NONE;
    if (!jx_eval(x, n->lhs, input, frame, &v))
        return false;
    *ret = v;
    if (json_is_absent(v))
        return true;
    if (!json_is_number(v))
        return jx_fail_at(x, "D1002", n, STR("-"), v, JSON_NONE);
    struct number number = jx_number_of(v);
    bool exact = number.is_int && number.integer != INT64_MIN;
    *ret = exact ? json_int(-number.integer) : jx_number(-number.real);
    return true;
}

/* ---- control ---- */

static bool eval_block(struct jx *x, const struct node *n, struct json input,
                       const struct jx_frame *frame, struct json *ret)
{
    *ret = JSON_NONE;
    const struct jx_frame *own = jx_frame_new(x, frame, NULL);
    for (size_t i = 0; i < n->count; i++) {
        if (!jx_eval(x, n->items[i], input, own, ret))
            return false;
    }
    return true;
}

static bool eval_condition(struct jx *x, const struct node *n, struct json input,
                           const struct jx_frame *frame, struct json *ret)
{
    struct json condition = JSON_NONE;
    if (!jx_eval(x, n->lhs, input, frame, &condition))
        return false;
    *ret = JSON_NONE;
    if (n->type == NODE_CONDITION) {
        if (jx_truth(condition))
            return jx_eval(x, n->rhs, input, frame, ret);
        return !n->other || jx_eval(x, n->other, input, frame, ret);
    }
    bool holds = n->type == NODE_DEFAULT ? jx_truth(condition) : !json_is_absent(condition);
    *ret = condition;
    return holds || jx_eval(x, n->rhs, input, frame, ret);
}

static bool eval_bind(struct jx *x, const struct node *n, struct json input,
                      const struct jx_frame *frame, struct json *ret)
{
    if (!jx_eval(x, n->rhs, input, frame, ret))
        return false;
    /* Every frame lies in the arena; only this one may still grow. */
    jx_bind(x, (struct jx_frame *)(uintptr_t)frame, n->symbol, *ret);
    return true;
}

static struct json eval_transformer(struct jx *x, const struct node *n,
                                    const struct jx_frame *frame)
{
    struct jx_callable *c = ARENA_NEW(x->out, struct jx_callable);
    c->kind = CALLABLE_TRANSFORM;
    c->node = n;
    c->frame = frame;
    return jx_of_callable(c);
}

static struct json tail_call(struct jx *x, const struct node *n, struct json input,
                             const struct jx_frame *frame)
{
    struct tail *t = arena_alloc(x->out, sizeof(*t));
    *t = (struct tail){n, input, frame};
    return (struct json){.tag = JX_TAG_TAIL, .u.items = (const struct json *)(const void *)t};
}

static bool eval_function(struct jx *x, const struct node *n, struct json input,
                          const struct jx_frame *frame, struct json *ret)
{
    if (n->flags & NODE_THUNK) {
        *ret = tail_call(x, n, input, frame);
        return true;
    }
    return eval_call(x, n, input, frame, NULL, ret);
}

static bool eval_rare(struct jx *x, const struct node *n, struct json input,
                      const struct jx_frame *frame, struct json *ret)
{
    switch (n->type) {
    case NODE_WILDCARD:
        return eval_wildcard(x, input, ret);
    case NODE_DESCENDANT:
        return eval_descendants(x, input, ret);
    case NODE_PARENT:
        *ret = jx_lookup_variable(x, n->slot->label, frame);
        return true;
    case NODE_REGEX:
        *ret = jx_of_callable(n->callable);
        return true;
    case NODE_NEGATE:
        return eval_negation(x, n, input, frame, ret);
    case NODE_BIND:
        return eval_bind(x, n, input, frame, ret);
    case NODE_PARTIAL:
        return eval_partial(x, n, input, frame, ret);
    case NODE_APPLY:
        return eval_apply(x, n, input, frame, ret);
    case NODE_TRANSFORM:
        *ret = eval_transformer(x, n, frame);
        return true;
    default:
        UNREACHABLE("a node of the first pass");
    }
}

static bool eval_by_type(struct jx *x, const struct node *n, struct json input,
                         const struct jx_frame *frame, struct json *ret)
{
    switch (n->type) {
    case NODE_STRING:
    case NODE_NUMBER:
    case NODE_VALUE:
        *ret = n->value;
        return true;
    case NODE_VARIABLE:
        *ret = eval_variable(x, n, input, frame);
        return true;
    case NODE_NAME:
        return member_of_items(x, input, json_str(n->value), 0, ret);
    case NODE_PATH:
        return eval_path(x, n, input, frame, ret);
    case NODE_BINARY:
        return eval_binary(x, n, input, frame, ret);
    case NODE_FUNCTION:
        return eval_function(x, n, input, frame, ret);
    case NODE_ARRAY:
        return eval_array(x, n, input, frame, ret);
    case NODE_OBJECT:
        return eval_group(x, n, input, frame, ret);
    case NODE_CONDITION:
    case NODE_DEFAULT:
    case NODE_COALESCE:
        return eval_condition(x, n, input, frame, ret);
    case NODE_BLOCK:
        return eval_block(x, n, input, frame, ret);
    case NODE_LAMBDA:
        *ret = eval_lambda(x, n, input, frame);
        return true;
    default:
        return eval_rare(x, n, input, frame, ret);
    }
}

struct json jx_singleton(struct json v)
{
    if (v.tag != JSON_TAG_ARRAY || (v.flags & (JX_SEQUENCE | JX_TUPLES)) != JX_SEQUENCE)
        return v;
    if (v.len == 0)
        return JSON_NONE;
    return v.len == 1 && !(v.flags & JX_KEEP_SINGLETON) ? v.u.items[0] : v;
}

static bool eval_additions(struct jx *x, const struct node *n, const struct jx_frame *frame,
                           struct json *ret)
{
    for (const struct stage *s = n->predicates; s; s = s->next) {
        if (!eval_filter(x, s->filter, *ret, frame, ret))
            return false;
    }
    if (n->group && n->type != NODE_PATH)
        return eval_group(x, n->group, *ret, frame, ret);
    return true;
}

bool jx_eval(struct jx *x, const struct node *n, struct json input, const struct jx_frame *frame,
             struct json *ret)
{
    if (x->depth >= x->depth_max)
        return jx_limit(x, JSONATA_LIMIT_DEPTH);
    if (x->steps_left == 0)
        return jx_limit(x, JSONATA_LIMIT_STEPS);
    if ((--x->steps_left & 63) == 0 && arena_over(x->out))
        return jx_limit(x, JSONATA_LIMIT_MEMORY);
    x->depth++;
    bool done = eval_by_type(x, n, input, frame, ret);
    if (done && (n->predicates || n->group))
        done = eval_additions(x, n, frame, ret);
    x->depth--;
    if (!done)
        return false;
    if (ret->tag == JSON_TAG_ARRAY) {
        if ((n->flags & NODE_KEEP_ARRAY) && (ret->flags & JX_SEQUENCE))
            ret->flags |= JX_KEEP_SINGLETON;
        *ret = jx_singleton(*ret);
    }
    return true;
}

/* ---- the whole ---- */

static struct rng *rng_of(struct jsonata_env *env, struct rng *own)
{
    *own = rng_seeded(0);
    return env->rng ? env->rng : own;
}

static enum jsonata_outcome eval_end(struct jx *x, bool done, struct json v, struct json *ret_value,
                                     struct jsonata_error *reterr)
{
    if (done && jx_is_function(v))
        return JSONATA_FUNCTION;
    if (done && json_is_absent(v))
        return JSONATA_UNDEFINED;
    if (done && jx_clean(x, v, JX_CLEAN_BORDER, ret_value))
        return JSONATA_VALUE;
    error_finish(x);
    *reterr = x->err;
    return JSONATA_FAILED;
}

enum jsonata_outcome jsonata_eval(const struct jsonata *e, struct jsonata_env *env,
                                  struct json *ret_value, struct jsonata_error *reterr)
{
    struct rng own;
    struct jx x = {
        .out = env->out,
        .now = env->now,
        .rng = rng_of(env, &own),
        .steps_left = env->steps_left,
        .depth_max = env->depth_max && env->depth_max < JSONATA_DEPTH_MAX ? env->depth_max
                                                                          : JSONATA_DEPTH_MAX,
        .held_max = env->held_max,
        .expression = e,
        .vars = env->vars,
        .input = env->input,
        .walks_frames = e->walks_frames,
    };
    struct json input = env->input, v = JSON_NONE;
    if (json_is_array(input)) {
        input = json_array(arena_dup(env->out, &env->input, sizeof(env->input)), 1);
        input.flags |= JX_SEQUENCE | JX_WRAPPER;
    }
    struct jx_frame frame = {0};
    bool done = jx_eval(&x, e->root, input, &frame, &v);
    env->steps_left = x.steps_left;
    return eval_end(&x, done, v, ret_value, reterr);
}
