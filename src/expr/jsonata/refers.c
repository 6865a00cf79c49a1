/* What a compiled expression refers to outside of itself. The recursion is bounded by
 * AST_HEIGHT_MAX. */
#include "expr/jsonata/ast.h"

/* ---- the input ---- */

static bool is_context(const struct node *n)
{
    return !n->symbol->name.len || str_eq(n->symbol->name, STR("$"));
}

static void input_used(struct jsonata *e, struct str name)
{
    if (e->input_count < JSONATA_INPUT_USES_MAX)
        e->input_uses[e->input_count++] = name;
}

/* Only a path's first step has the outer context, and neither stages nor groups. */
static void find_input_in(struct jsonata *e, const struct node *n)
{
    if (!n || e->input_count == JSONATA_INPUT_USES_MAX)
        return;
    switch (n->type) {
    case NODE_NAME:
        input_used(e, json_str(n->value));
        return;
    case NODE_WILDCARD:
        input_used(e, STR("*"));
        return;
    case NODE_DESCENDANT:
        input_used(e, STR("**"));
        return;
    case NODE_PARENT:
        input_used(e, STR("%"));
        return;
    case NODE_VARIABLE:
        if (is_context(n))
            input_used(e, n->symbol->name.len ? STR("$$") : STR("$"));
        return;
    case NODE_PATH:
        find_input_in(e, n->items[0]);
        return;
    case NODE_TRANSFORM:
        return;
    default:
        break;
    }
    for (size_t i = 0; i < n->count; i++)
        find_input_in(e, n->items[i]);
    find_input_in(e, n->lhs);
    find_input_in(e, n->rhs);
    find_input_in(e, n->other);
}

void find_input_uses(struct jsonata *e, struct arena *a)
{
    struct str found[JSONATA_INPUT_USES_MAX];
    e->input_uses = found;
    find_input_in(e, e->root);
    e->input_uses = arena_dup(a, found, e->input_count * sizeof(*found));
}

size_t jsonata_input_count(const struct jsonata *e)
{
    return e->input_count;
}

struct str jsonata_input_name(const struct jsonata *e, size_t i)
{
    return i < e->input_count ? e->input_uses[i] : STR("");
}

/* ---- members of a variable ---- */

struct search {
    struct str variable;
    void (*visit)(void *arg, struct str member);
    void *arg;
};

static void find_members(const struct search *s, const struct node *n);

static void find_in_stages(const struct search *s, const struct stage *stage)
{
    for (; stage; stage = stage->next)
        find_members(s, stage->filter);
}

static bool is_variable(const struct search *s, const struct node *n)
{
    return n->type == NODE_VARIABLE && str_eq(n->symbol->name, s->variable);
}

/* Of a path that begins with the variable the first step is told with the second. */
static size_t find_in_start(const struct search *s, const struct node *path)
{
    if (!is_variable(s, path->items[0]) || path->count < 2 || path->items[1]->type != NODE_NAME)
        return 0;
    s->visit(s->arg, json_str(path->items[1]->value));
    find_in_stages(s, path->items[0]->stages);
    find_in_stages(s, path->items[0]->predicates);
    return 1;
}

static void find_members(const struct search *s, const struct node *n)
{
    if (!n)
        return;
    if (is_variable(s, n))
        s->visit(s->arg, STR(""));
    for (size_t i = n->type == NODE_PATH ? find_in_start(s, n) : 0; i < n->count; i++)
        find_members(s, n->items[i]);
    find_members(s, n->lhs);
    find_members(s, n->rhs);
    find_members(s, n->other);
    find_members(s, n->group);
    find_in_stages(s, n->stages);
    find_in_stages(s, n->predicates);
}

void jsonata_each_member(const struct jsonata *e, struct str variable,
                         void (*visit)(void *arg, struct str member), void *arg)
{
    find_members(&(struct search){variable, visit, arg}, e->root);
}
