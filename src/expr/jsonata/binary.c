/* Operators between two values. */
#include "expr/jsonata/ast.h"

#include <math.h>

static bool operand_number(struct jx *x, const struct node *n, const char *code, struct json v,
                           struct number *ret)
{
    *ret = (struct number){0};
    if (json_is_absent(v))
        return true;
    if (!json_is_number(v))
        return jx_fail_at(x, code, n, op_text(n->op), v, JSON_NONE);
    *ret = jx_number_of(v);
    if (isnan(ret->real))
        return jx_fail_at(x, code, n, op_text(n->op), v, JSON_NONE);
    if (isinf(ret->real))
        return jx_fail_at(x, "D1001", n, op_text(n->op), v, JSON_NONE);
    return true;
}

/* Exact where 64 bits hold the result. */
static bool integer_result(uint8_t op, int64_t a, int64_t b, int64_t *ret)
{
    switch (op) {
    case '+':
        return !__builtin_add_overflow(a, b, ret);
    case '-':
        return !__builtin_sub_overflow(a, b, ret);
    case '*':
        return !__builtin_mul_overflow(a, b, ret);
    case '/':
        if (b == 0 || b == -1 || a % b != 0)
            return false;
        *ret = a / b;
        return true;
    default:
        if (b == 0 || b == -1)
            return false;
        *ret = a % b;
        return true;
    }
}

static double real_result(uint8_t op, double a, double b)
{
    switch (op) {
    case '+':
        return a + b;
    case '-':
        return a - b;
    case '*':
        return a * b;
    case '/':
        return a / b;
    default:
        return fmod(a, b);
    }
}

static bool eval_numeric(struct jx *x, const struct node *n, struct json left, struct json right,
                         struct json *ret)
{
    struct number a, b;
    if (!operand_number(x, n, "T2001", left, &a) || !operand_number(x, n, "T2002", right, &b))
        return false;
    int64_t integer;
    if (json_is_absent(left) || json_is_absent(right))
        *ret = JSON_NONE;
    else if (a.is_int && b.is_int && integer_result(n->op, a.integer, b.integer, &integer))
        *ret = json_int(integer);
    else
        *ret = jx_number(real_result(n->op, a.real, b.real));
    return true;
}

static bool is_comparable(struct json v)
{
    return json_is_string(v) || json_is_number(v);
}

static int compare_numbers(struct json left, struct json right, bool *ret_ordered)
{
    struct number a = jx_number_of(left), b = jx_number_of(right);
    *ret_ordered = !isnan(a.real) && !isnan(b.real);
    if (a.is_int && b.is_int)
        return (a.integer > b.integer) - (a.integer < b.integer);
    return (a.real > b.real) - (a.real < b.real);
}

static bool eval_comparison(struct jx *x, const struct node *n, struct json left, struct json right,
                            struct json *ret)
{
    bool left_fits = json_is_absent(left) || is_comparable(left);
    bool right_fits = json_is_absent(right) || is_comparable(right);
    if (!left_fits || !right_fits) {
        struct json wrong = is_comparable(left) ? right : left;
        return jx_fail_at(x, "T2010", n, op_text(n->op), wrong, JSON_NONE);
    }
    *ret = JSON_NONE;
    if (json_is_absent(left) || json_is_absent(right))
        return true;
    if (json_is_string(left) != json_is_string(right))
        return jx_fail_at(x, "T2009", n, op_text(n->op), left, right);
    bool ordered = true;
    int order = json_is_string(left) ? jx_compare_strings(json_str(left), json_str(right))
                                     : compare_numbers(left, right, &ordered);
    bool holds = n->op == '<'             ? order < 0
                 : n->op == '>'           ? order > 0
                 : n->op == OP_LESS_EQUAL ? order <= 0
                                          : order >= 0;
    *ret = json_bool(holds && ordered);
    return true;
}

static bool eval_concatenation(struct jx *x, struct json left, struct json right, struct json *ret)
{
    struct str a = {0}, b = {0};
    if ((!json_is_absent(left) && !jx_to_string(x, left, false, &a)) ||
        (!json_is_absent(right) && !jx_to_string(x, right, false, &b)))
        return false;
    if (!jx_holds_text(x, a.len + b.len) || !jx_room(x, a.len + b.len) ||
        !jx_spend(x, (a.len + b.len) / 64))
        return false;
    char *text = arena_alloc_text(x->out, a.len + b.len);
    if (a.len)
        memcpy(text, a.ptr, a.len);
    if (b.len)
        memcpy(text + a.len, b.ptr, b.len);
    *ret = json_string(str_of(text, a.len + b.len));
    return true;
}

static bool is_integer(struct json v, int64_t *ret)
{
    if (!json_is_number(v))
        return false;
    struct number number = jx_number_of(v);
    *ret = number.integer;
    if (number.is_int)
        return true;
    if (!(fabs(number.real) < 9e18) || floor(number.real) != number.real)
        return false;
    *ret = (int64_t)number.real;
    return true;
}

static bool eval_range(struct jx *x, const struct node *n, struct json left, struct json right,
                       struct json *ret)
{
    int64_t from = 0, to = 0;
    *ret = JSON_NONE;
    if (!json_is_absent(left) && !is_integer(left, &from))
        return jx_fail_at(x, "T2003", n, STR(".."), left, JSON_NONE);
    if (!json_is_absent(right) && !is_integer(right, &to))
        return jx_fail_at(x, "T2004", n, STR(".."), right, JSON_NONE);
    if (json_is_absent(left) || json_is_absent(right) || from > to)
        return true;
    uint64_t size = (uint64_t)to - (uint64_t)from + 1;
    if (size == 0 || size > JSONATA_RANGE_MAX) {
        return jx_fail_at(x, "D2014", n, STR(".."), jx_number((double)to - (double)from + 1),
                          JSON_NONE);
    }
    if (!jx_holds_items(x, size) || !jx_room(x, size * sizeof(struct json)) ||
        !jx_spend(x, size / 64))
        return false;
    struct json *items = arena_alloc(x->out, size * sizeof(*items));
    for (uint64_t i = 0; i < size; i++)
        items[i] = json_int(from + (int64_t)i);
    *ret = jx_sequence(json_array(items, size));
    return true;
}

/* `===`: values by value, arrays and objects by being the same one. */
static bool is_same(struct json a, struct json b)
{
    if (json_is_array(a) || json_is_object(a) || jx_is_function(a))
        return a.tag == b.tag && a.len == b.len && a.u.items == b.u.items;
    return jx_scalars_equal(a, b);
}

static bool eval_in(struct jx *x, struct json left, struct json right, struct json *ret)
{
    const struct json *items = json_is_array(right) ? right.u.items : &right;
    size_t count = json_is_array(right) ? right.len : 1;
    bool found = false;
    if (!jx_spend(x, count / 8))
        return false;
    for (size_t i = 0; i < count && !found && !json_is_absent(left); i++)
        found = is_same(items[i], left);
    *ret = json_bool(found && !json_is_absent(right));
    return true;
}

/* Whatever fails in it, the position and token are those of the operator. */
static bool eval_boolean(struct jx *x, const struct node *n, bool left, struct json input,
                         const struct jx_frame *frame, struct json *ret)
{
    *ret = json_bool(left);
    if (left == (n->op == OP_OR))
        return true;
    struct json right;
    if (!jx_eval(x, n->rhs, input, frame, &right)) {
        x->err.position = n->position;
        x->err.token = op_text(n->op);
        return false;
    }
    *ret = json_bool(jx_truth(right));
    return true;
}

static bool eval_equality(struct jx *x, const struct node *n, struct json left, struct json right,
                          struct json *ret)
{
    bool equal = false;
    if (json_is_absent(left) || json_is_absent(right)) {
        *ret = json_bool(false);
        return true;
    }
    if (!jx_deep_equal(x, left, right, &equal))
        return false;
    *ret = json_bool(equal == (n->op == '='));
    return true;
}

/* jx_eval, without the way there for a literal. */
static inline bool operand(struct jx *x, const struct node *n, struct json input,
                           const struct jx_frame *frame, struct json *ret)
{
    bool literal = n->type == NODE_STRING || n->type == NODE_NUMBER;
    if (!literal || n->predicates || n->group || x->depth >= x->depth_max || !x->steps_left)
        return jx_eval(x, n, input, frame, ret);
    x->steps_left--;
    *ret = n->value;
    return true;
}

bool eval_binary(struct jx *x, const struct node *n, struct json input,
                 const struct jx_frame *frame, struct json *ret)
{
    struct json left, right;
    if (!operand(x, n->lhs, input, frame, &left))
        return false;
    if (n->op == OP_AND || n->op == OP_OR)
        return eval_boolean(x, n, jx_truth(left), input, frame, ret);
    if (!operand(x, n->rhs, input, frame, &right))
        return false;
    switch (n->op) {
    case '=':
    case OP_NOT_EQUAL:
        return eval_equality(x, n, left, right, ret);
    case '<':
    case '>':
    case OP_LESS_EQUAL:
    case OP_GREATER_EQUAL:
        return eval_comparison(x, n, left, right, ret);
    case '&':
        return eval_concatenation(x, left, right, ret);
    case OP_RANGE:
        return eval_range(x, n, left, right, ret);
    case OP_IN:
        return eval_in(x, left, right, ret);
    default:
        return eval_numeric(x, n, left, right, ret);
    }
}
