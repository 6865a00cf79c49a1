/* The second pass: paths, stages, groups, ancestors and tail calls. */
#include "expr/jsonata/ast.h"

static struct node *shape_fail(struct parser *p, const char *code, const struct node *at,
                               struct str token)
{
    (void)parse_fail(p, code, at->position, token, at->value);
    return NULL;
}

static void slots_add(struct parser *p, struct slots *s, struct slot *slot)
{
    if (s->count == s->capacity)
        s->items = arena_grow(p->arena, s->items, s->count, &s->capacity, sizeof(struct slot *));
    s->items[s->count++] = slot;
}

/* What `value` still seeks, its container seeks. */
static void push_ancestry(struct parser *p, struct node *result, const struct node *value)
{
    for (size_t i = 0; i < value->seeking.count; i++)
        slots_add(p, &result->seeking, value->seeking.items[i]);
    if (value->type == NODE_PARENT)
        slots_add(p, &result->seeking, value->slot);
}

static void stage_add(struct stage **list, struct stage *stage)
{
    while (*list)
        list = &(*list)->next;
    *list = stage;
}

static struct str type_text(const struct node *n)
{
    switch (n->type) {
    case NODE_VARIABLE:
        return STR("variable");
    case NODE_FUNCTION:
        return STR("function");
    case NODE_ARRAY:
    case NODE_OBJECT:
        return STR("unary");
    case NODE_PATH:
        return STR("path");
    case NODE_PARENT:
        return STR("parent");
    default:
        return STR("binary");
    }
}

/* Leads a slot one step outwards; false when no ancestor can be derived. */
static bool seek_parent(struct parser *p, struct node *node, struct slot *slot)
{
    switch (node->type) {
    case NODE_NAME:
    case NODE_WILDCARD:
        slot->level--;
        if (slot->level == 0) {
            if (node->ancestor)
                slot->label = node->ancestor->label;
            node->ancestor = slot;
            node->flags |= NODE_TUPLE;
        }
        return true;
    case NODE_PARENT:
        slot->level++;
        return true;
    case NODE_BLOCK:
        if (!node->count)
            return true;
        node->flags |= NODE_TUPLE;
        return seek_parent(p, node->items[node->count - 1], slot);
    case NODE_PATH: {
        node->flags |= NODE_TUPLE;
        size_t index = node->count;
        do {
            if (!seek_parent(p, node->items[--index], slot))
                return false;
        } while (slot->level > 0 && index > 0);
        return true;
    }
    default:
        (void)shape_fail(p, "S0217", node, type_text(node));
        return false;
    }
}

static bool resolve_slot(struct parser *p, struct node *path, struct slot *slot)
{
    size_t index = path->count - 1; /* steps before this one are left */
    while (slot->level > 0) {
        if (index == 0) {
            slots_add(p, &path->seeking, slot);
            return true;
        }
        struct node *step = path->items[--index];
        /* of several steps that bind the focus only the first counts */
        while (index > 0 && step->focus && path->items[index - 1]->focus)
            step = path->items[--index];
        if (!seek_parent(p, step, slot))
            return false;
    }
    return true;
}

static bool resolve_ancestry(struct parser *p, struct node *path)
{
    struct node *last = path->items[path->count - 1];
    if (last->type == NODE_PARENT)
        slots_add(p, &last->seeking, last->slot);
    for (size_t i = 0; i < last->seeking.count; i++) {
        if (!resolve_slot(p, path, last->seeking.items[i]))
            return false;
    }
    return true;
}

static void steps_add(struct parser *p, struct node *path, struct node *const *steps, size_t count)
{
    struct node **items = ARENA_ARRAY(p->arena, struct node *, path->count + count);
    for (size_t i = 0; i < path->count; i++)
        items[i] = path->items[i];
    for (size_t i = 0; i < count; i++)
        items[path->count + i] = steps[i];
    path->items = items;
    path->count += (uint32_t)count;
}

static struct node *path_of(struct parser *p, struct node *step)
{
    struct node *path = parse_node(p, NODE_PATH, step->position);
    steps_add(p, path, &step, 1);
    return path;
}

static struct node *check_steps(struct parser *p, struct node *path)
{
    for (size_t i = 0; i < path->count; i++) {
        struct node *step = path->items[i];
        if (step->type == NODE_NUMBER || step->type == NODE_VALUE)
            return shape_fail(p, "S0213", step, STR(""));
        if (step->type == NODE_STRING)
            step->type = NODE_NAME;
        if (step->flags & NODE_KEEP_ARRAY)
            path->flags |= NODE_KEEP_SINGLETON;
    }
    struct node *first = path->items[0], *last = path->items[path->count - 1];
    if (first->type == NODE_ARRAY)
        first->flags |= NODE_CONS;
    if (last->type == NODE_ARRAY)
        last->flags |= NODE_CONS;
    return resolve_ancestry(p, path) ? path : NULL;
}

static struct node *shape_dot(struct parser *p, struct node *n)
{
    struct node *left = shape_node(p, n->lhs);
    if (!left)
        return NULL;
    struct node *path = left->type == NODE_PATH ? left : path_of(p, left);
    if (left->type == NODE_PARENT)
        slots_add(p, &path->seeking, left->slot);
    struct node *rest = shape_node(p, n->rhs);
    if (!rest)
        return NULL;
    if (rest->type == NODE_PATH) {
        steps_add(p, path, rest->items, rest->count);
    } else {
        stage_add(&rest->stages, rest->predicates);
        rest->predicates = NULL;
        steps_add(p, path, &rest, 1);
    }
    return check_steps(p, path);
}

static bool take_filter_ancestry(struct parser *p, struct node *step, struct node *filter)
{
    for (size_t i = 0; i < filter->seeking.count; i++) {
        struct slot *slot = filter->seeking.items[i];
        if (slot->level == 1) {
            if (!seek_parent(p, step, slot))
                return false;
        } else {
            slot->level--;
        }
    }
    if (filter->seeking.count)
        push_ancestry(p, step, filter);
    return true;
}

static struct node *shape_filter(struct parser *p, struct node *n)
{
    struct node *result = shape_node(p, n->lhs);
    if (!result)
        return NULL;
    bool in_path = result->type == NODE_PATH;
    struct node *step = in_path ? result->items[result->count - 1] : result;
    if (step->group)
        return shape_fail(p, "S0209", n, STR(""));
    struct node *filter = shape_node(p, n->rhs);
    if (!filter || !take_filter_ancestry(p, step, filter))
        return NULL;
    struct stage *stage = ARENA_NEW(p->arena, struct stage);
    stage->filter = filter;
    stage_add(in_path ? &step->stages : &step->predicates, stage);
    return result;
}

static bool shape_items(struct parser *p, struct node *n, struct node *seeker)
{
    for (size_t i = 0; i < n->count; i++) {
        n->items[i] = shape_node(p, n->items[i]);
        if (!n->items[i])
            return false;
        if (seeker)
            push_ancestry(p, seeker, n->items[i]);
    }
    return true;
}

static struct node *shape_group(struct parser *p, struct node *n)
{
    struct node *result = shape_node(p, n->lhs);
    if (!result)
        return NULL;
    if (result->group)
        return shape_fail(p, "S0210", n, STR(""));
    if (!shape_items(p, n->group, NULL))
        return NULL;
    result->group = n->group;
    return result;
}

static struct node *shape_order(struct parser *p, struct node *n)
{
    struct node *result = shape_node(p, n->lhs);
    if (!result)
        return NULL;
    if (result->type != NODE_PATH)
        result = path_of(p, result);
    struct node *sort = parse_node(p, NODE_SORT, n->position);
    sort->items = n->items;
    sort->count = n->count;
    sort->descending = n->descending;
    if (!shape_items(p, sort, sort))
        return NULL;
    steps_add(p, result, &sort, 1);
    return resolve_ancestry(p, result) ? result : NULL;
}

static struct node *shape_focus(struct parser *p, struct node *n)
{
    struct node *result = shape_node(p, n->lhs);
    if (!result)
        return NULL;
    struct node *step = result->type == NODE_PATH ? result->items[result->count - 1] : result;
    if (step->stages || step->predicates)
        return shape_fail(p, "S0215", n, STR(""));
    if (step->type == NODE_SORT)
        return shape_fail(p, "S0216", n, STR(""));
    step->flags |= (n->flags & NODE_KEEP_ARRAY) | NODE_TUPLE;
    step->focus = n->symbol;
    return result;
}

static struct node *shape_index(struct parser *p, struct node *n)
{
    struct node *result = shape_node(p, n->lhs);
    if (!result)
        return NULL;
    struct node *step = result;
    if (result->type == NODE_PATH) {
        step = result->items[result->count - 1];
    } else {
        result = path_of(p, result);
        stage_add(&step->stages, step->predicates);
        step->predicates = NULL;
    }
    if (step->stages) {
        struct stage *stage = ARENA_NEW(p->arena, struct stage);
        stage->index = n->symbol;
        stage_add(&step->stages, stage);
    } else {
        step->index = n->symbol;
    }
    step->flags |= NODE_TUPLE;
    return result;
}

static struct node *shape_negation(struct parser *p, struct node *n)
{
    n->lhs = shape_node(p, n->lhs);
    if (!n->lhs)
        return NULL;
    if (n->lhs->type != NODE_NUMBER) {
        push_ancestry(p, n, n->lhs);
        return n;
    }
    struct number number = jx_number_of(n->lhs->value);
    bool exact = number.is_int && number.integer != INT64_MIN;
    n->lhs->value = exact ? json_int(-number.integer) : jx_number(-number.real);
    return n->lhs;
}

/* A call in the place of a function's result is made by the caller's loop, which makes the call
 * and nothing else: as in jsonata-js, a group behind it (function() { $f(){...} }) is lost. */
static void mark_tail_calls(struct node *n)
{
    for (;;) {
        if (n->type == NODE_FUNCTION && !n->predicates) {
            n->flags |= NODE_THUNK;
            n->group = NULL;
            return;
        }
        if (n->predicates || n->group)
            return;
        if (n->type == NODE_CONDITION) {
            mark_tail_calls(n->rhs);
            if (!n->other)
                return;
            n = n->other;
        } else if (n->type == NODE_BLOCK && n->count) {
            n = n->items[n->count - 1];
        } else {
            return;
        }
    }
}

static struct node *shape_lambda(struct parser *p, struct node *n)
{
    n->lhs = shape_node(p, n->lhs);
    if (n->lhs)
        mark_tail_calls(n->lhs);
    return n->lhs ? n : NULL;
}

/* lhs, rhs, other; what they seek the node seeks. */
static struct node *shape_operands(struct parser *p, struct node *n, bool seeks)
{
    struct node **operands[] = {&n->lhs, &n->rhs, &n->other};
    for (size_t i = 0; i < COUNT_OF(operands); i++) {
        if (!*operands[i])
            continue;
        *operands[i] = shape_node(p, *operands[i]);
        if (!*operands[i])
            return NULL;
        if (seeks)
            push_ancestry(p, n, *operands[i]);
    }
    return n;
}

static struct node *shape_call(struct parser *p, struct node *n)
{
    if (!shape_items(p, n, n))
        return NULL;
    n->lhs = shape_node(p, n->lhs);
    return n->lhs ? n : NULL;
}

static struct node *shape_block(struct parser *p, struct node *n)
{
    if (!shape_items(p, n, n))
        return NULL;
    for (size_t i = 0; i < n->count; i++) {
        const struct node *part = n->items[i];
        const struct node *first = part->type == NODE_PATH ? part->items[0] : part;
        if (part->flags & NODE_CONS || first->flags & NODE_CONS)
            n->flags |= NODE_CONS;
    }
    return n;
}

static struct node *shape_name(struct parser *p, struct node *n)
{
    struct node *path = path_of(p, n);
    if (n->flags & NODE_KEEP_ARRAY)
        path->flags |= NODE_KEEP_SINGLETON;
    return path;
}

static struct node *shape_parent(struct parser *p, struct node *n)
{
    n->slot = ARENA_NEW(p->arena, struct slot);
    n->slot->level = 1;
    n->slot->label = ARENA_NEW(p->arena, struct symbol);
    n->slot->label->bound = true;
    n->slot->label->name = arena_printf(p->arena, "!%zu", p->labels++);
    n->slot->label->hash = str_hash(n->slot->label->name);
    return n;
}

static struct node *shape_by_type(struct parser *p, struct node *n)
{
    switch (n->type) {
    case NODE_DOT:
        return shape_dot(p, n);
    case NODE_FILTER:
        return shape_filter(p, n);
    case NODE_GROUP:
        return shape_group(p, n);
    case NODE_ORDER:
        return shape_order(p, n);
    case NODE_FOCUS:
        return shape_focus(p, n);
    case NODE_INDEX:
        return shape_index(p, n);
    case NODE_NEGATE:
        return shape_negation(p, n);
    case NODE_LAMBDA:
        return shape_lambda(p, n);
    case NODE_ARRAY:
    case NODE_OBJECT:
        return shape_items(p, n, n) ? n : NULL;
    case NODE_FUNCTION:
    case NODE_PARTIAL:
        return shape_call(p, n);
    case NODE_BLOCK:
        return shape_block(p, n);
    case NODE_BIND: /* the left side is the symbol */
        n->lhs = NULL;
        return shape_operands(p, n, true);
    case NODE_BINARY:
    case NODE_CONDITION:
    case NODE_DEFAULT:
    case NODE_COALESCE:
        return shape_operands(p, n, true);
    case NODE_TRANSFORM:
        return shape_operands(p, n, false);
    case NODE_APPLY:
        if (!shape_operands(p, n, false))
            return NULL;
        n->flags |= (n->lhs->flags | n->rhs->flags) & NODE_KEEP_ARRAY;
        return n;
    case NODE_NAME:
        return shape_name(p, n);
    case NODE_PARENT:
        return shape_parent(p, n);
    case NODE_STRING:
    case NODE_NUMBER:
    case NODE_VALUE:
    case NODE_VARIABLE:
    case NODE_WILDCARD:
    case NODE_DESCENDANT:
    case NODE_REGEX:
    case NODE_PLACEHOLDER:
    case NODE_PATH:
    case NODE_SORT:
        return n;
    case NODE_END:
        return shape_fail(p, "S0207", n, json_str(n->value));
    }
    UNREACHABLE("node type");
}

struct node *shape_node(struct parser *p, struct node *node)
{
    uint8_t keeps = node->flags & NODE_KEEP_ARRAY;
    struct node *result = shape_by_type(p, node);
    if (result)
        result->flags |= keeps;
    return result;
}

bool shape_whole(struct parser *p, struct node *root)
{
    if (root->type != NODE_PARENT && !root->seeking.count)
        return true;
    (void)shape_fail(p, "S0217", root, type_text(root));
    return false;
}
