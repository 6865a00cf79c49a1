/* Functions as values: calls, closures, partial application, chains, transforms. */
#include "expr/jsonata/ast.h"

#include "base/utf8.h"

enum {
    ARGS_FEW = 6,
    PARAMS_MAX = 8 /* of a built-in function */
};

struct json eval_lambda(struct jx *x, const struct node *n, struct json input,
                        const struct jx_frame *frame)
{
    struct jx_callable *c = ARENA_NEW(x->out, struct jx_callable);
    c->kind = CALLABLE_LAMBDA;
    c->signature = n->signature;
    c->node = n;
    c->input = input;
    c->frame = frame;
    return jx_of_callable(c);
}

static bool apply(struct jx *x, struct json function, const struct json *args, size_t count,
                  struct json context, const struct jx_frame *frame, struct json *ret);

/* ---- one call ---- */

static bool call_lambda(struct jx *x, const struct jx_callable *c, const struct json *args,
                        size_t count, struct json *ret)
{
    const struct node *n = c->node;
    struct {
        struct jx_frame frame;
        struct binding bindings[];
    } *own = arena_alloc(x->out, sizeof(struct jx_frame) + n->count * sizeof(struct binding));
    const struct binding *last = NULL;
    for (size_t i = 0; i < n->count; i++) {
        own->bindings[i] =
            (struct binding){n->items[i]->symbol, i < count ? args[i] : JSON_NONE, last};
        last = &own->bindings[i];
    }
    own->frame = (struct jx_frame){c->frame, last};
    return jx_eval(x, n->lhs, c->input, &own->frame, ret);
}

static bool call_partial(struct jx *x, const struct jx_callable *c, const struct json *args,
                         size_t count, struct json context, const struct jx_frame *frame,
                         struct json *ret)
{
    struct json *all = ARENA_ARRAY(x->out, struct json, c->count);
    for (size_t i = 0, k = 0; i < c->count; i++) {
        bool open = c->args[i].tag == JX_TAG_PLACEHOLDER;
        all[i] = !open ? c->args[i] : k < count ? args[k] : JSON_NONE;
        k += open;
    }
    if (c->first->kind == CALLABLE_LAMBDA)
        return call_lambda(x, c->first, all, c->count, ret);
    return apply(x, jx_of_callable(c->first), all, c->count, context, frame, ret);
}

static bool call_compose(struct jx *x, const struct jx_callable *c, const struct json *args,
                         size_t count, struct json context, const struct jx_frame *frame,
                         struct json *ret)
{
    struct json arg = count ? args[0] : JSON_NONE, between = JSON_NONE;
    if (!apply(x, jx_of_callable(c->first), &arg, 1, context, frame, &between))
        return false;
    between = jx_singleton(between);
    return apply(x, jx_of_callable(c->second), &between, 1, context, frame, ret);
}

static int64_t units_before(struct str text, size_t bytes)
{
    int64_t units = 0;
    for (size_t at = 0; at < text.len && at < bytes;)
        units += utf8_next(text, &at) > 0xFFFF ? 2 : 1;
    return units;
}

static struct json match_value(struct jx *x, const struct jx_callable *regex, struct json subject,
                               const struct jx_match *m)
{
    struct jx_callable *next = ARENA_NEW(x->out, struct jx_callable);
    next->kind = CALLABLE_NEXT;
    next->first = regex;
    next->input = subject;
    next->count = m->end;
    struct json_object_builder b = json_object_builder(x->out);
    struct str match = str_slice(json_str(subject), m->start, m->end);
    json_object_add(&b, STR("match"), json_string(match));
    json_object_add(&b, STR("start"), json_int(units_before(json_str(subject), m->start)));
    json_object_add(&b, STR("end"), json_int(units_before(json_str(subject), m->end)));
    json_object_add(&b, STR("groups"), m->groups);
    json_object_add(&b, STR("next"), jx_of_callable(next));
    return json_object_done(&b);
}

static bool call_regex(struct jx *x, const struct jx_callable *c, struct json subject, size_t from,
                       struct json *ret)
{
    bool found;
    struct jx_match m;
    *ret = JSON_NONE;
    if (!json_is_string(subject))
        return jx_fail(x, "T1010");
    if (!jx_regex_match(x, c->regex, json_str(subject), from, &found, &m))
        return false;
    if (found)
        *ret = match_value(x, c, subject, &m);
    return true;
}

static bool call_next(struct jx *x, const struct jx_callable *c, struct json *ret)
{
    *ret = JSON_NONE;
    if (c->count >= json_str(c->input).len)
        return true;
    if (!call_regex(x, c->first, c->input, c->count, ret))
        return false;
    struct json match = json_get(*ret, STR("match"));
    if (json_is_string(match) && !json_str(match).len)
        return jx_fail_at(x, "D1004", c->first->node, STR(""), json_string(c->first->source),
                          JSON_NONE);
    return true;
}

static bool call_builtin(struct jx *x, const struct jx_callable *c, const struct json *args,
                         size_t count, struct json context, const struct jx_frame *frame,
                         struct json *ret)
{
    struct json focus = x->focus;
    const struct jx_frame *outer = x->frame;
    x->focus = context;
    x->frame = frame;
    *ret = JSON_NONE;
    bool done = c->builtin->call(x, args, count, ret);
    x->focus = focus;
    x->frame = outer;
    ASSERT(done || x->failed);
    return done;
}

static bool call_once(struct jx *x, const struct jx_callable *c, const struct json *args,
                      size_t count, struct json context, const struct jx_frame *frame,
                      struct json *ret)
{
    if (c->signature && !signature_apply(x, c->signature, context, &args, &count))
        return false;
    switch (c->kind) {
    case CALLABLE_BUILTIN:
        return call_builtin(x, c, args, count, context, frame, ret);
    case CALLABLE_LAMBDA:
        return call_lambda(x, c, args, count, ret);
    case CALLABLE_PARTIAL:
        return call_partial(x, c, args, count, context, frame, ret);
    case CALLABLE_COMPOSE:
        return call_compose(x, c, args, count, context, frame, ret);
    case CALLABLE_REGEX:
        return call_regex(x, c, count ? args[0] : JSON_NONE, 0, ret);
    case CALLABLE_NEXT:
        return call_next(x, c, ret);
    case CALLABLE_TRANSFORM:
        return eval_transform(x, c, count ? args[0] : JSON_NONE, ret);
    }
    UNREACHABLE("kind of function");
}

/* ---- with tail calls ---- */

static struct str name_of_procedure(const struct node *procedure)
{
    if (procedure->type == NODE_PATH)
        procedure = procedure->items[0];
    return json_str(procedure->value);
}

static bool eval_args(struct jx *x, const struct node *n, struct json input,
                      const struct jx_frame *frame, struct json *args)
{
    for (size_t i = 0; i < n->count; i++) {
        if (!jx_eval(x, n->items[i], input, frame, &args[i]))
            return false;
    }
    return true;
}

static bool apply_in_turn(struct jx *x, struct json function, const struct json *args, size_t count,
                          struct json context, const struct jx_frame *frame, struct json *ret)
{
    struct str name = {0};
    for (;;) {
        if (!jx_is_function(function)) {
            (void)jx_fail(x, "T1006");
            return false;
        }
        if (!call_once(x, jx_callable_of(function), args, count, context, frame, ret)) {
            if (!x->err.token.len)
                x->err.token = name;
            return false;
        }
        if (ret->tag != JX_TAG_TAIL)
            return true;
        const struct tail *t = (const struct tail *)(const void *)ret->u.items;
        struct json *next = ARENA_ARRAY(x->out, struct json, t->node->count);
        if (!jx_eval(x, t->node->lhs, t->input, t->frame, &function) ||
            !eval_args(x, t->node, t->input, t->frame, next))
            return false;
        if (!jx_is_function(function)) {
            (void)jx_fail(x, "T1006");
            return false;
        }
        name = name_of_procedure(t->node->lhs);
        args = next;
        count = t->node->count;
        context = t->input;
        frame = t->frame;
    }
}

/* Chains and partial applications nest calls without evaluating anything between. */
static bool apply(struct jx *x, struct json function, const struct json *args, size_t count,
                  struct json context, const struct jx_frame *frame, struct json *ret)
{
    if (x->calls >= JSONATA_DEPTH_MAX)
        return jx_limit(x, JSONATA_LIMIT_DEPTH);
    x->calls++;
    bool done = apply_in_turn(x, function, args, count, context, frame, ret);
    x->calls--;
    return done;
}

bool jx_call(struct jx *x, struct json function, const struct json *args, size_t count,
             struct json *ret)
{
    return jx_spend(x, 1) && apply(x, function, args, count, x->focus, x->frame, ret);
}

size_t jx_arity(struct json function)
{
    const struct jx_callable *c = jx_callable_of(function);
    size_t open = 0;
    switch (c->kind) {
    case CALLABLE_BUILTIN:
        return c->builtin->params ? c->builtin->params : c->signature ? c->signature->count : 0;
    case CALLABLE_LAMBDA:
        return c->node->count;
    case CALLABLE_PARTIAL:
        for (size_t i = 0; i < c->count; i++)
            open += c->args[i].tag == JX_TAG_PLACEHOLDER;
        return open;
    case CALLABLE_REGEX:
        return 2;
    case CALLABLE_NEXT:
        return 0;
    case CALLABLE_COMPOSE:
    case CALLABLE_TRANSFORM:
        return 1;
    }
    UNREACHABLE("kind of function");
}

const struct jx_regex *jx_regex_of(struct json function)
{
    return jx_is_function(function) ? jx_callable_of(function)->regex : NULL;
}

/* ---- nodes ---- */

/* `sum(x)` for `$sum(x)`: a name that leads nowhere but is a function's. */
static bool is_forgotten_dollar(struct jx *x, const struct node *procedure, struct json function,
                                const struct jx_frame *frame)
{
    if (!json_is_absent(function) || procedure->type != NODE_PATH)
        return false;
    struct str name = name_of_procedure(procedure);
    for (const struct symbol *s = x->expression->symbols; s; s = s->next) {
        if (str_eq(s->name, name) && !json_is_absent(jx_lookup_variable(x, s, frame)))
            return true;
    }
    return jx_find_builtin(name, x->expression->options) != NULL ||
           (x->vars && !json_is_absent(expr_vars_get(x->vars, name)));
}

static bool call_failed(struct jx *x, const struct node *n)
{
    if (x->err.limit)
        return false;
    x->err.position = n->position;
    if (!x->err.token.len)
        x->err.token = name_of_procedure(n->lhs);
    return false;
}

bool eval_call(struct jx *x, const struct node *n, struct json input, const struct jx_frame *frame,
               const struct json *piped, struct json *ret)
{
    struct json function;
    if (!jx_eval(x, n->lhs, input, frame, &function))
        return false;
    if (is_forgotten_dollar(x, n->lhs, function, frame))
        return jx_fail_at(x, "T1005", n, name_of_procedure(n->lhs), JSON_NONE, JSON_NONE);
    size_t first = piped ? 1 : 0, count = n->count + first;
    struct json few[ARGS_FEW], *args = few;
    if (count > ARGS_FEW)
        args = ARENA_ARRAY(x->out, struct json, count);
    if (piped)
        args[0] = *piped;
    if (!eval_args(x, n, input, frame, args + first))
        return false;
    return apply(x, function, args, count, input, frame, ret) || call_failed(x, n);
}

/* A built-in function is given all its parameters, those left out as nothing. */
static size_t partial_count(const struct jx_callable *first, size_t count)
{
    size_t params = jx_arity(jx_of_callable(first));
    return first->kind == CALLABLE_BUILTIN && params && params <= PARAMS_MAX ? params : count;
}

bool eval_partial(struct jx *x, const struct node *n, struct json input,
                  const struct jx_frame *frame, struct json *ret)
{
    struct jx_callable *c = ARENA_NEW(x->out, struct jx_callable);
    struct json function;
    struct json given = {.tag = JX_TAG_PLACEHOLDER};
    struct json *args = ARENA_ARRAY(x->out, struct json, n->count + PARAMS_MAX);
    for (size_t i = 0; i < n->count; i++) {
        args[i] = given;
        if (n->items[i]->type != NODE_PLACEHOLDER &&
            !jx_eval(x, n->items[i], input, frame, &args[i]))
            return false;
    }
    if (!jx_eval(x, n->lhs, input, frame, &function))
        return false;
    struct str name = name_of_procedure(n->lhs);
    if (is_forgotten_dollar(x, n->lhs, function, frame))
        return jx_fail_at(x, "T1007", n, name, JSON_NONE, JSON_NONE);
    if (!jx_is_function(function))
        return jx_fail_at(x, "T1008", n, name, JSON_NONE, JSON_NONE);
    c->kind = CALLABLE_PARTIAL;
    c->first = jx_callable_of(function);
    c->args = args;
    c->count = partial_count(c->first, n->count);
    *ret = jx_of_callable(c);
    return true;
}

bool eval_apply(struct jx *x, const struct node *n, struct json input, const struct jx_frame *frame,
                struct json *ret)
{
    struct json left, function;
    if (!jx_eval(x, n->lhs, input, frame, &left))
        return false;
    if (n->rhs->type == NODE_FUNCTION)
        return eval_call(x, n->rhs, input, frame, &left, ret);
    if (!jx_eval(x, n->rhs, input, frame, &function))
        return false;
    if (!jx_is_function(function))
        return jx_fail_at(x, "T2006", n, STR(""), function, JSON_NONE);
    if (!jx_is_function(left))
        return apply(x, function, &left, 1, JSON_NONE, frame, ret);
    struct jx_callable *c = ARENA_NEW(x->out, struct jx_callable);
    c->kind = CALLABLE_COMPOSE;
    c->first = jx_callable_of(left);
    c->second = jx_callable_of(function);
    *ret = jx_of_callable(c);
    return true;
}
