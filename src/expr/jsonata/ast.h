/* The compiled form of a JSONata expression. Included only inside jsonata/.
 *
 * The parser makes nodes in two passes, as the reference does: parse.c reads the
 * text by operator precedence, shape.c turns the result into paths with steps,
 * stages and groups, finds ancestors and marks tail calls. Afterwards nothing
 * changes a node. Only the types above NODE_RAW are left then.
 */
#ifndef PAWL_EXPR_JSONATA_AST_H
#define PAWL_EXPR_JSONATA_AST_H

#include "expr/jsonata/jsonata_internal.h"

enum {
    AST_HEIGHT_MAX = 2000, /* levels of the tree: `1+1+1...` grows it without nesting */
};

enum node_type {
    NODE_NAME,
    NODE_STRING,
    NODE_NUMBER,
    NODE_VALUE, /* true, false, null */
    NODE_VARIABLE,
    NODE_WILDCARD,
    NODE_DESCENDANT,
    NODE_PARENT,
    NODE_REGEX,
    NODE_PATH,   /* items: steps */
    NODE_BINARY, /* op, lhs, rhs */
    NODE_NEGATE, /* lhs */
    NODE_ARRAY,  /* items */
    NODE_OBJECT, /* items: names and values in turn */
    NODE_FUNCTION,
    NODE_PARTIAL,     /* as a function: lhs is the procedure, items the arguments */
    NODE_PLACEHOLDER, /* `?` among them */
    NODE_LAMBDA,      /* items: parameters, lhs: body */
    NODE_CONDITION,   /* lhs ? rhs : other */
    NODE_DEFAULT,     /* lhs ?: rhs */
    NODE_COALESCE,    /* lhs ?? rhs */
    NODE_BLOCK,       /* items */
    NODE_BIND,        /* symbol := rhs */
    NODE_APPLY,       /* lhs ~> rhs */
    NODE_TRANSFORM,   /* | lhs | rhs, other | */
    NODE_SORT,        /* items: terms; descending: bits of them */

    NODE_RAW,
    NODE_DOT = NODE_RAW,
    NODE_FILTER,
    NODE_GROUP,
    NODE_ORDER,
    NODE_FOCUS,
    NODE_INDEX,
    NODE_END,
};

enum {
    NODE_KEEP_ARRAY = 1,     /* `[]` */
    NODE_CONS = 2,           /* an array constructor that paths must not flatten */
    NODE_TUPLE = 4,          /* a step that makes tuples; a path that passes them on */
    NODE_KEEP_SINGLETON = 8, /* of a path */
    NODE_THUNK = 16,         /* a call in tail position */
    NODE_BINDS = 32,         /* a block that needs variables of its own */
    NODE_ALL_NAMES = 64,     /* a path of plain names only */
};

/* Operators: one character as itself. */
enum op {
    OP_NONE = 0,
    OP_RANGE = 128,
    OP_ASSIGN,
    OP_NOT_EQUAL,
    OP_GREATER_EQUAL,
    OP_LESS_EQUAL,
    OP_DESCENDANT,
    OP_CHAIN,
    OP_DEFAULT,
    OP_COALESCE,
    OP_AND,
    OP_OR,
    OP_IN,
    OP_END,
};

/* A variable's name. Two of one name in one expression are one symbol. */
struct symbol {
    struct str name;
    uint64_t hash;
    const struct jx_callable *builtin; /* the function of that name, or NULL */
    bool bound;                        /* something in the expression binds it */
    bool referred;
    struct symbol *next, *chain; /* all; those of one bucket while parsing */
};

struct stage {
    const struct node *filter; /* NULL for an index */
    const struct symbol *index;
    struct stage *next;
};

struct slot {
    struct symbol *label;
    int level;
};

struct slots {
    struct slot **items;
    size_t count, capacity;
};

struct node {
    uint8_t type, op, flags;
    uint16_t height;
    uint32_t position; /* bytes, just behind the token */
    uint32_t count;    /* of items */
    struct json value; /* literals; the name of a name as a string */
    struct symbol *symbol;
    struct node *lhs, *rhs, *other;
    struct node **items;
    bool *descending; /* of a sort's terms */
    struct stage *stages;
    struct stage *predicates;
    struct node *group; /* an object node */
    struct symbol *focus, *index;
    struct slot *ancestor;
    struct slot *slot; /* of a parent */
    struct slots seeking;
    const struct signature *signature;
    const struct jx_callable *callable; /* of a regex */
};

enum {
    SIGNATURE_PARAMS_MAX = 16
};

struct signature {
    struct signature_param {
        uint16_t mask; /* bits of signature_bit */
        char type;     /* letter, or '(' */
        char subtype;  /* first letter of what is in <>, or 0 */
        bool optional, many, context;
    } params[SIGNATURE_PARAMS_MAX];
    size_t count;
};

struct jsonata {
    struct str text;
    struct jsonata_options options;
    struct node *root;
    struct symbol *symbols;
    bool walks_frames; /* $eval may bind anything */
    const struct str *free_names;
    size_t free_count;
    struct str *input_uses;
    size_t input_count;
};

/* ---- functions as values ---- */

enum callable_kind {
    CALLABLE_BUILTIN,
    CALLABLE_LAMBDA,
    CALLABLE_PARTIAL,
    CALLABLE_COMPOSE,
    CALLABLE_REGEX,
    CALLABLE_NEXT, /* the next match of a regex */
    CALLABLE_TRANSFORM,
};

struct jx_callable {
    enum callable_kind kind;
    const struct signature *signature;        /* may be NULL */
    const struct jx_builtin *builtin;         /* BUILTIN */
    const struct node *node;                  /* LAMBDA, TRANSFORM, REGEX (for its position) */
    struct json input;                        /* LAMBDA; the subject of NEXT */
    const struct jx_frame *frame;             /* LAMBDA, TRANSFORM */
    const struct jx_callable *first, *second; /* COMPOSE; `first` of PARTIAL, NEXT */
    const struct json *args;                  /* PARTIAL: absent-with-flag stands for `?` */
    size_t count;                             /* of args; the byte to go on from of NEXT */
    const struct jx_regex *regex;
    struct str source; /* of a regex */
};

enum {
    JX_TAG_PLACEHOLDER = 65,
    JX_TAG_TAIL = 66,  /* a tail call to make: u.items is a struct tail */
    JX_TAG_TUPLE = 67, /* u.items is a struct tuple */
};

struct binding {
    const struct symbol *symbol;
    struct json value;
    const struct binding *next;
};

struct jx_frame {
    const struct jx_frame *outer;
    const struct binding *bindings;
};

struct tuple {
    struct json at; /* the context item */
    const struct binding *bindings;
};

struct tail {
    const struct node *node;
    struct json input;
    const struct jx_frame *frame;
};

static inline struct json jx_of_callable(const struct jx_callable *c)
{
    return (struct json){.tag = JX_TAG_FUNCTION, .u.items = (const struct json *)(const void *)c};
}

static inline const struct jx_callable *jx_callable_of(struct json v)
{
    ASSERT(jx_is_function(v));
    return (const struct jx_callable *)(const void *)v.u.items;
}

static inline const struct tuple *jx_tuple_of(struct json v)
{
    ASSERT(v.tag == JX_TAG_TUPLE);
    return (const struct tuple *)(const void *)v.u.items;
}

/* ---- compiling ---- */

struct token {
    enum token_type {
        TOKEN_END,
        TOKEN_NAME,
        TOKEN_VARIABLE,
        TOKEN_OPERATOR,
        TOKEN_STRING,
        TOKEN_NUMBER,
        TOKEN_VALUE,
        TOKEN_REGEX,
    } type;
    uint8_t op;
    uint32_t position;
    struct json value;
    const struct jx_regex *regex;
    struct str text; /* as written, for errors and signatures */
};

struct parser {
    struct arena *arena;
    struct str text;
    size_t at; /* of the lexer */
    struct jsonata_options options;
    struct jsonata *whole;
    struct token token;
    size_t depth, labels;
    struct symbol *buckets[64];
    struct jsonata_error *reterr;
};

/* All return false / NULL. */
bool parse_fail(struct parser *p, const char *code, size_t position, struct str token,
                struct json value);

/* Reads the next token into p->token. infix: a `/` divides here. */
MUST_CHECK bool lexer_next(struct parser *p, bool infix);
struct str op_text(uint8_t op);

struct symbol *parser_symbol(struct parser *p, struct str name);
struct node *parse_expression(struct parser *p, int binding_power);
struct node *parse_node(struct parser *p, enum node_type type, uint32_t position);

/* The second pass; NULL on failure. */
struct node *shape_node(struct parser *p, struct node *node);
MUST_CHECK bool shape_whole(struct parser *p, struct node *root);
void find_input_uses(struct jsonata *e, struct arena *a);

bool jx_limit(struct jx *x, enum jsonata_limit limit);

/* ---- signatures ---- */

MUST_CHECK bool signature_parse(struct parser *p, struct str text, size_t position,
                                const struct signature **ret_signature);
/* Of a built-in function, which must be well-formed. */
const struct signature *signature_of_row(struct arena *a, const char *text);

/* The arguments as the signature wants them; *args and *count are replaced. */
MUST_CHECK bool signature_apply(struct jx *x, const struct signature *s, struct json context,
                                const struct json **args, size_t *count);

/* ---- evaluating ---- */

MUST_CHECK bool jx_eval(struct jx *x, const struct node *node, struct json input,
                        const struct jx_frame *frame, struct json *ret);
/* Without the frame of variables and the guard around it. */
MUST_CHECK bool eval_path(struct jx *x, const struct node *node, struct json input,
                          const struct jx_frame *frame, struct json *ret);
MUST_CHECK bool eval_binary(struct jx *x, const struct node *node, struct json input,
                            const struct jx_frame *frame, struct json *ret);
MUST_CHECK bool eval_group(struct jx *x, const struct node *group, struct json input,
                           const struct jx_frame *frame, struct json *ret);
MUST_CHECK bool eval_sort(struct jx *x, const struct node *sort, const struct json *items,
                          size_t count, const struct jx_frame *frame, struct json *ret);
MUST_CHECK bool eval_filter(struct jx *x, const struct node *filter, struct json input,
                            const struct jx_frame *frame, struct json *ret);
MUST_CHECK bool eval_call(struct jx *x, const struct node *node, struct json input,
                          const struct jx_frame *frame, const struct json *piped, struct json *ret);
MUST_CHECK bool eval_partial(struct jx *x, const struct node *node, struct json input,
                             const struct jx_frame *frame, struct json *ret);
MUST_CHECK bool eval_apply(struct jx *x, const struct node *node, struct json input,
                           const struct jx_frame *frame, struct json *ret);
MUST_CHECK bool eval_transform(struct jx *x, const struct jx_callable *transform,
                               struct json object, struct json *ret);
struct json eval_variable(struct jx *x, const struct node *n, struct json input,
                          const struct jx_frame *frame);
struct json eval_lambda(struct jx *x, const struct node *node, struct json input,
                        const struct jx_frame *frame);
struct json jx_lookup_variable(struct jx *x, const struct symbol *symbol,
                               const struct jx_frame *frame);
void jx_bind(struct jx *x, struct jx_frame *frame, const struct symbol *symbol, struct json value);
struct jx_frame *jx_frame_new(struct jx *x, const struct jx_frame *outer,
                              const struct binding *bindings);

/* A failure at a node: its position, and the token. */
bool jx_fail_at(struct jx *x, const char *code, const struct node *node, struct str token,
                struct json value, struct json value2);

/* The member `name` of an object, of the items of an array flattened. */
MUST_CHECK bool jx_member(struct jx *x, struct json input, struct str name, struct json *ret);
MUST_CHECK bool jx_append(struct jx *x, struct json a, struct json b, struct json *ret);
/* Stable merge sort that asks `after(a, b)`: must a come after b? */
typedef bool jx_after(struct jx *x, void *context, uint32_t a, uint32_t b, bool *ret_after);
MUST_CHECK bool jx_merge_sort(struct jx *x, uint32_t *order, size_t count, jx_after *after,
                              void *context);
int jx_compare_strings(struct str a, struct str b);

/* Numbers */
struct number {
    bool is_int;
    int64_t integer;
    double real; /* always */
};
/* NaN for what is no number. */
struct number jx_number_of(struct json v);
/* `===` of what is no array, object or function. */
bool jx_scalars_equal(struct json a, struct json b);

/* For the outside and for $string: no private marks. */
enum jx_clean {
    JX_CLEAN_BORDER,
    JX_CLEAN_STRING, /* functions are "", numbers have 15 digits */
};
MUST_CHECK bool jx_clean(struct jx *x, struct json v, enum jx_clean how, struct json *ret);
/* A deep copy in which every object is one of its own. */
MUST_CHECK bool jx_clone(struct jx *x, struct json v, struct json *ret);

/* The row of that name for these options, or NULL. */
const struct jx_builtin *jx_find_builtin(struct str name, struct jsonata_options options);

/* Between steps that copy as much as data says: is the memory's budget kept? */
static inline bool jx_within(struct jx *x)
{
    return LIKELY(!arena_over(x->out)) || jx_limit(x, JSONATA_LIMIT_MEMORY);
}

/* Fills message, from the table, by code, token and values. */
void error_set_message(struct arena *a, struct jsonata_error *err, size_t index, struct str type);
void error_set_code(struct jsonata_error *err, const char *code);
/* Message and position of x->err, for the outside. */
void error_finish(struct jx *x);

#endif
