/* The first pass: reading by operator precedence (Pratt). */
#include "expr/jsonata/ast.h"

#include "base/utf8.h"

bool parse_fail(struct parser *p, const char *code, size_t position, struct str token,
                struct json value)
{
    *p->reterr = (struct jsonata_error){.token = token, .value = value};
    error_set_code(p->reterr, code);
    p->reterr->position = position;
    error_set_message(p->arena, p->reterr, 0, STR(""));
    return false;
}

static struct node *node_fail(struct parser *p, const char *code, size_t position, struct str token,
                              struct json value)
{
    (void)parse_fail(p, code, position, token, value);
    return NULL;
}

static struct node *too_deep(struct parser *p)
{
    *p->reterr = (struct jsonata_error){.limit = JSONATA_LIMIT_DEPTH};
    error_set_code(p->reterr, "U1001");
    p->reterr->position = p->token.position;
    error_set_message(p->arena, p->reterr, 0, STR(""));
    return NULL;
}

struct node *parse_node(struct parser *p, enum node_type type, uint32_t position)
{
    struct node *n = ARENA_NEW(p->arena, struct node);
    n->type = (uint8_t)type;
    n->position = position;
    return n;
}

struct symbol *parser_symbol(struct parser *p, struct str name)
{
    uint64_t hash = str_hash(name);
    struct symbol **bucket = &p->buckets[hash % COUNT_OF(p->buckets)];
    for (struct symbol *s = *bucket; s; s = s->chain) {
        if (s->hash == hash && str_eq(s->name, name))
            return s;
    }
    struct symbol *s = ARENA_NEW(p->arena, struct symbol);
    *s = (struct symbol){.name = name, .hash = hash, .next = p->whole->symbols, .chain = *bucket};
    const struct jx_builtin *row = jx_find_builtin(name, p->options);
    if (row) {
        struct jx_callable *c = ARENA_NEW(p->arena, struct jx_callable);
        c->kind = CALLABLE_BUILTIN;
        c->builtin = row;
        c->signature = row->signature ? signature_of_row(p->arena, row->signature) : NULL;
        s->builtin = c;
    }
    p->whole->symbols = s;
    *bucket = s;
    return s;
}

static bool advance(struct parser *p, bool infix)
{
    return lexer_next(p, infix);
}

static bool at_op(const struct parser *p, uint8_t op)
{
    return p->token.type == TOKEN_OPERATOR && p->token.op == op;
}

static bool expect(struct parser *p, uint8_t op, bool infix)
{
    if (!at_op(p, op)) {
        struct str wanted = op_text(op);
        return parse_fail(p, p->token.type == TOKEN_END ? "S0203" : "S0202", p->token.position,
                          p->token.text, json_string(wanted));
    }
    return advance(p, infix);
}

static bool set_height(struct parser *p, struct node *n, const struct node *child)
{
    if (child && child->height >= n->height)
        n->height = (uint16_t)(child->height + 1);
    if (n->height <= AST_HEIGHT_MAX)
        return true;
    (void)too_deep(p);
    return false;
}

/* A growing list of nodes. */
struct list {
    struct node **items;
    size_t count, capacity;
};

static bool list_add(struct parser *p, struct node *parent, struct list *l, struct node *item)
{
    if (!item || !set_height(p, parent, item))
        return false;
    if (l->count == l->capacity)
        l->items = arena_grow(p->arena, l->items, l->count, &l->capacity, sizeof(struct node *));
    l->items[l->count++] = item;
    parent->items = l->items;
    parent->count = (uint32_t)l->count;
    return true;
}

static int binding_power(const struct token *t)
{
    if (t->type != TOKEN_OPERATOR)
        return 0;
    switch (t->op) {
    case '[':
    case '(':
    case '@':
    case '#':
        return 80;
    case '.':
        return 75;
    case '{':
        return 70;
    case '*':
    case '/':
    case '%':
        return 60;
    case '+':
    case '-':
    case '&':
        return 50;
    case '=':
    case '<':
    case '>':
    case '^':
    case OP_NOT_EQUAL:
    case OP_LESS_EQUAL:
    case OP_GREATER_EQUAL:
    case OP_CHAIN:
    case OP_DEFAULT:
    case OP_COALESCE:
    case OP_IN:
        return 40;
    case OP_AND:
        return 30;
    case OP_OR:
        return 25;
    case '?':
        return 20;
    case OP_ASSIGN:
        return 10;
    default:
        return 0;
    }
}

/* ---- what begins an expression ---- */

static struct node *parse_block(struct parser *p, uint32_t position)
{
    struct node *n = parse_node(p, NODE_BLOCK, position);
    struct list l = {0};
    while (!at_op(p, ')')) {
        if (!list_add(p, n, &l, parse_expression(p, 0)))
            return NULL;
        if (!at_op(p, ';'))
            break;
        if (!expect(p, ';', false))
            return NULL;
    }
    return expect(p, ')', true) ? n : NULL;
}

static struct node *parse_item(struct parser *p)
{
    struct node *item = parse_expression(p, 0);
    if (!item || !at_op(p, OP_RANGE))
        return item;
    struct node *range = parse_node(p, NODE_BINARY, p->token.position);
    range->op = OP_RANGE;
    range->lhs = item;
    if (!expect(p, OP_RANGE, false))
        return NULL;
    range->rhs = parse_expression(p, 0);
    if (!range->rhs || !set_height(p, range, item) || !set_height(p, range, range->rhs))
        return NULL;
    return range;
}

static struct node *parse_array(struct parser *p, uint32_t position)
{
    struct node *n = parse_node(p, NODE_ARRAY, position);
    struct list l = {0};
    while (!at_op(p, ']') || l.count) {
        if (!list_add(p, n, &l, parse_item(p)))
            return NULL;
        if (!at_op(p, ','))
            break;
        if (!expect(p, ',', false))
            return NULL;
    }
    return expect(p, ']', true) ? n : NULL;
}

/* The members between braces, the opening one behind us. */
static struct node *parse_object(struct parser *p, uint32_t position)
{
    struct node *n = parse_node(p, NODE_OBJECT, position);
    struct list l = {0};
    while (!at_op(p, '}') || l.count) {
        if (!list_add(p, n, &l, parse_expression(p, 0)) || !expect(p, ':', false) ||
            !list_add(p, n, &l, parse_expression(p, 0)))
            return NULL;
        if (!at_op(p, ','))
            break;
        if (!expect(p, ',', false))
            return NULL;
    }
    return expect(p, '}', true) ? n : NULL;
}

static struct node *parse_transform(struct parser *p, uint32_t position)
{
    struct node *n = parse_node(p, NODE_TRANSFORM, position);
    n->symbol = parser_symbol(p, STR("clone"));
    n->lhs = parse_expression(p, 0);
    if (!n->lhs || !expect(p, '|', false))
        return NULL;
    n->rhs = parse_expression(p, 0);
    if (!n->rhs)
        return NULL;
    if (at_op(p, ',')) {
        if (!expect(p, ',', false))
            return NULL;
        n->other = parse_expression(p, 0);
        if (!n->other)
            return NULL;
    }
    if (!set_height(p, n, n->lhs) || !set_height(p, n, n->rhs) || !set_height(p, n, n->other))
        return NULL;
    return expect(p, '|', false) ? n : NULL;
}

static struct node *parse_negation(struct parser *p, uint32_t position)
{
    struct node *n = parse_node(p, NODE_NEGATE, position);
    n->op = '-';
    n->lhs = parse_expression(p, 70);
    return n->lhs && set_height(p, n, n->lhs) ? n : NULL;
}

static struct node *prefix_operator(struct parser *p, const struct token *t)
{
    struct node *n;
    switch (t->op) {
    case OP_AND:
    case OP_OR:
    case OP_IN: /* the words are names too */
        n = parse_node(p, NODE_NAME, t->position);
        n->value = t->value;
        return n;
    case '-':
        return parse_negation(p, t->position);
    case '*':
        return parse_node(p, NODE_WILDCARD, t->position);
    case OP_DESCENDANT:
        return parse_node(p, NODE_DESCENDANT, t->position);
    case '%':
        return parse_node(p, NODE_PARENT, t->position);
    case '(':
        return parse_block(p, t->position);
    case '[':
        return parse_array(p, t->position);
    case '{':
        return parse_object(p, t->position);
    case '|':
        return parse_transform(p, t->position);
    case '!':
    case '~':
        return node_fail(p, "S0204", t->position, t->text, JSON_NONE);
    default:
        return node_fail(p, "S0211", t->position, t->text, JSON_NONE);
    }
}

static struct node *parse_regex(struct parser *p, const struct token *t)
{
    struct node *n = parse_node(p, NODE_REGEX, t->position);
    struct jx_callable *c = ARENA_NEW(p->arena, struct jx_callable);
    c->kind = CALLABLE_REGEX;
    c->node = n;
    c->regex = t->regex;
    c->source = json_str(t->value);
    n->callable = c;
    return n;
}

static struct node *parse_variable(struct parser *p, const struct token *t)
{
    struct node *n = parse_node(p, NODE_VARIABLE, t->position);
    n->value = t->value;
    n->symbol = parser_symbol(p, json_str(t->value));
    n->symbol->referred = true;
    return n;
}

static struct node *parse_prefix(struct parser *p, const struct token *t)
{
    static const uint8_t types[] = {
        [TOKEN_END] = NODE_END,       [TOKEN_NAME] = NODE_NAME,   [TOKEN_STRING] = NODE_STRING,
        [TOKEN_NUMBER] = NODE_NUMBER, [TOKEN_VALUE] = NODE_VALUE,
    };
    if (t->type == TOKEN_OPERATOR)
        return prefix_operator(p, t);
    if (t->type == TOKEN_REGEX)
        return parse_regex(p, t);
    if (t->type == TOKEN_VARIABLE)
        return parse_variable(p, t);
    struct node *n = parse_node(p, types[t->type], t->position);
    n->value = t->value;
    return n;
}

/* ---- what goes on an expression ---- */

static struct node *parse_binary(struct parser *p, enum node_type type, const struct token *t,
                                 struct node *left, int power)
{
    struct node *n = parse_node(p, type, t->position);
    n->op = t->op;
    n->lhs = left;
    n->rhs = parse_expression(p, power);
    if (!n->rhs || !set_height(p, n, left) || !set_height(p, n, n->rhs))
        return NULL;
    return n;
}

static bool is_function_word(const struct node *left)
{
    struct str name = json_str(left->value);
    return left->type == NODE_NAME &&
           (str_eq(name, STR("function")) || str_eq(name, STR("\u03bb")));
}

static bool parse_signature(struct parser *p, struct node *n)
{
    size_t position = p->token.position, depth = 1;
    struct buf text = BUF_INIT(JSONATA_TEXT_MAX);
    buf_append(&text, STR("<"));
    while (depth > 0 && !at_op(p, '{') && p->token.type != TOKEN_END) {
        if (!advance(p, false)) {
            buf_release(&text);
            return false;
        }
        if (at_op(p, '>'))
            depth--;
        else if (at_op(p, '<'))
            depth++;
        buf_append(&text, p->token.type == TOKEN_STRING ? json_str(p->token.value) : p->token.text);
    }
    struct str copy = arena_str(p->arena, buf_str(&text));
    buf_release(&text);
    return expect(p, '>', false) && signature_parse(p, copy, position, &n->signature);
}

static struct node *parse_lambda(struct parser *p, struct node *n)
{
    for (size_t i = 0; i < n->count; i++) {
        if (n->items[i]->type != NODE_VARIABLE) {
            return node_fail(p, "S0208", n->items[i]->position, json_str(n->items[i]->value),
                             json_int((int64_t)i + 1));
        }
        n->items[i]->symbol->bound = true;
    }
    n->type = NODE_LAMBDA;
    if (at_op(p, '<') && !parse_signature(p, n))
        return NULL;
    if (!expect(p, '{', false))
        return NULL;
    n->lhs = parse_expression(p, 0);
    if (!n->lhs || !set_height(p, n, n->lhs))
        return NULL;
    return expect(p, '}', false) ? n : NULL;
}

static struct node *parse_argument(struct parser *p, struct node *call)
{
    if (!at_op(p, '?'))
        return parse_expression(p, 0);
    call->type = NODE_PARTIAL;
    struct node *n = parse_node(p, NODE_PLACEHOLDER, p->token.position);
    return expect(p, '?', false) ? n : NULL;
}

static struct node *parse_call(struct parser *p, uint32_t position, struct node *left)
{
    struct node *n = parse_node(p, NODE_FUNCTION, position);
    struct list l = {0};
    n->lhs = left;
    if (!set_height(p, n, left))
        return NULL;
    while (!at_op(p, ')') || l.count) {
        if (!list_add(p, n, &l, parse_argument(p, n)))
            return NULL;
        if (!at_op(p, ','))
            break;
        if (!expect(p, ',', false))
            return NULL;
    }
    if (!expect(p, ')', true))
        return NULL;
    return is_function_word(left) ? parse_lambda(p, n) : n;
}

static struct node *parse_filter(struct parser *p, const struct token *t, struct node *left)
{
    if (!at_op(p, ']')) {
        struct node *n = parse_binary(p, NODE_FILTER, t, left, 0);
        return n && expect(p, ']', true) ? n : NULL;
    }
    struct node *step = left;
    while (step->type == NODE_FILTER)
        step = step->lhs;
    step->flags |= NODE_KEEP_ARRAY;
    return expect(p, ']', false) ? left : NULL;
}

static struct node *parse_order(struct parser *p, uint32_t position, struct node *left)
{
    struct node *n = parse_node(p, NODE_ORDER, position);
    struct list l = {0};
    size_t capacity = 0;
    n->lhs = left;
    if (!set_height(p, n, left) || !expect(p, '(', false))
        return NULL;
    for (;;) {
        bool descending = at_op(p, '>');
        if ((descending || at_op(p, '<')) && !advance(p, false))
            return NULL;
        if (l.count == capacity)
            n->descending = arena_grow(p->arena, n->descending, l.count, &capacity, sizeof(bool));
        n->descending[l.count] = descending;
        if (!list_add(p, n, &l, parse_expression(p, 0)))
            return NULL;
        if (!at_op(p, ','))
            break;
        if (!expect(p, ',', false))
            return NULL;
    }
    return expect(p, ')', false) ? n : NULL;
}

static struct node *parse_group(struct parser *p, uint32_t position, struct node *left)
{
    struct node *n = parse_node(p, NODE_GROUP, position);
    n->lhs = left;
    n->group = parse_object(p, position);
    return n->group && set_height(p, n, left) && set_height(p, n, n->group) ? n : NULL;
}

static struct node *parse_bind(struct parser *p, const struct token *t, struct node *left)
{
    if (left->type != NODE_VARIABLE) {
        return node_fail(p, "S0212", left->position, json_str(left->value), left->value);
    }
    struct node *n = parse_binary(p, NODE_BIND, t, left, 9);
    if (n) {
        n->symbol = left->symbol;
        n->symbol->bound = true;
    }
    return n;
}

static struct node *parse_focus(struct parser *p, const struct token *t, struct node *left)
{
    struct node *n = parse_binary(p, t->op == '@' ? NODE_FOCUS : NODE_INDEX, t, left, 80);
    if (!n)
        return NULL;
    if (n->rhs->type != NODE_VARIABLE)
        return node_fail(p, "S0214", n->rhs->position, t->text, JSON_NONE);
    n->symbol = n->rhs->symbol;
    n->symbol->bound = true;
    return n;
}

static struct node *parse_condition(struct parser *p, const struct token *t, struct node *left)
{
    struct node *n = parse_binary(p, NODE_CONDITION, t, left, 0);
    if (!n || !at_op(p, ':'))
        return n;
    if (!expect(p, ':', false))
        return NULL;
    n->other = parse_expression(p, 0);
    return n->other && set_height(p, n, n->other) ? n : NULL;
}

static struct node *parse_infix(struct parser *p, const struct token *t, struct node *left)
{
    switch (t->op) {
    case '.':
        return parse_binary(p, NODE_DOT, t, left, 75);
    case '(':
        return parse_call(p, t->position, left);
    case '[':
        return parse_filter(p, t, left);
    case '^':
        return parse_order(p, t->position, left);
    case '{':
        return parse_group(p, t->position, left);
    case OP_ASSIGN:
        return parse_bind(p, t, left);
    case '@':
    case '#':
        return parse_focus(p, t, left);
    case '?':
        return parse_condition(p, t, left);
    case OP_DEFAULT:
        return parse_binary(p, NODE_DEFAULT, t, left, 0);
    case OP_COALESCE:
        return parse_binary(p, NODE_COALESCE, t, left, 0);
    case OP_CHAIN:
        return parse_binary(p, NODE_APPLY, t, left, 40);
    default:
        return parse_binary(p, NODE_BINARY, t, left, binding_power(t));
    }
}

struct node *parse_expression(struct parser *p, int power)
{
    if (++p->depth > JSONATA_PARSE_DEPTH_MAX || arena_over(p->arena))
        return too_deep(p);
    struct token t = p->token;
    if (!advance(p, true))
        return NULL;
    struct node *left = parse_prefix(p, &t);
    while (left && power < binding_power(&p->token)) {
        t = p->token;
        if (!advance(p, false))
            return NULL;
        left = parse_infix(p, &t, left);
    }
    p->depth--;
    return left;
}

/* ---- the whole ---- */

/* The reference counts UTF-16 units. */
static size_t position_in_characters(struct str text, size_t bytes)
{
    size_t units = 0;
    for (size_t at = 0; at < text.len && at < bytes;)
        units += utf8_next(text, &at) > 0xFFFF ? 2 : 1;
    return units;
}

static void collect_free_names(struct parser *p)
{
    struct jsonata *e = p->whole;
    size_t count = 0;
    for (const struct symbol *s = e->symbols; s; s = s->next)
        count++;
    struct str *names = ARENA_ARRAY(p->arena, struct str, count);
    e->free_names = names;
    for (const struct symbol *s = e->symbols; s; s = s->next) {
        bool is_context = !s->name.len || str_eq(s->name, STR("$"));
        if (!s->bound && !s->builtin && !is_context)
            names[e->free_count++] = s->name;
    }
}

static struct node *parse_whole(struct parser *p)
{
    if (!advance(p, false))
        return NULL;
    struct node *root = parse_expression(p, 0);
    if (!root)
        return NULL;
    if (p->token.type != TOKEN_END)
        return node_fail(p, "S0201", p->token.position, p->token.text, JSON_NONE);
    root = shape_node(p, root);
    return root && shape_whole(p, root) ? root : NULL;
}

bool jsonata_compile(struct arena *a, struct str text, struct jsonata_options options,
                     const struct jsonata **ret_expression, struct jsonata_error *reterr)
{
    struct jsonata *e = ARENA_NEW(a, struct jsonata);
    e->text = arena_str(a, text);
    e->options = options;
    struct parser p = {
        .arena = a, .text = e->text, .options = options, .whole = e, .reterr = reterr};
    if (text.len > JSONATA_TEXT_MAX) {
        (void)too_deep(&p);
        return false;
    }
    e->root = parse_whole(&p);
    if (!e->root) {
        reterr->position = position_in_characters(e->text, reterr->position);
        return false;
    }
    collect_free_names(&p);
    e->walks_frames = options.allow_eval && parser_symbol(&p, STR("eval"))->referred;
    find_input_uses(e, a);
    *ret_expression = e;
    return true;
}

struct str jsonata_text(const struct jsonata *e)
{
    return e->text;
}

size_t jsonata_free_count(const struct jsonata *e)
{
    return e->free_count;
}

struct str jsonata_free_name(const struct jsonata *e, size_t i)
{
    return i < e->free_count ? e->free_names[i] : STR("");
}
