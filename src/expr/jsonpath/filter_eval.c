/* Does an item pass a filter? Comparing follows the library to the letter, since
 * that is what AWS answers: literals are texts until the other side says what
 * they stand for.
 */
#include "expr/java_text.h"
#include "expr/jsonpath/path_internal.h"

#include <strings.h>

enum order {
    ORDER_LESS = -1,
    ORDER_EQUAL,
    ORDER_GREATER,
    ORDER_NONE,   /* these two do not compare: the condition does not hold */
    ORDER_BROKEN, /* comparing fails the path */
};

struct filter_run {
    struct json item, root;
    struct expr_env *env;
    struct str *ret_why;
};

static enum order order_of(double difference)
{
    return difference < 0 ? ORDER_LESS : difference > 0 ? ORDER_GREATER : ORDER_EQUAL;
}

static bool is_nullish(struct json v)
{
    return json_is_null(v) || (json_is_string(v) && str_eq(json_str(v), STR("null")));
}

/* "\'" in a text stands for a quote. */
static struct str unescape(struct arena *a, struct str s)
{
    if (str_find(s, STR("\\'")) == SIZE_MAX)
        return s;
    char *to = arena_alloc_text(a, s.len);
    size_t len = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '\\' && i + 1 < s.len && s.ptr[i + 1] == '\'')
            i++;
        to[len++] = s.ptr[i];
    }
    return str_of(to, len);
}

static enum order compare_numbers(struct json a, struct json b)
{
    int64_t x, y;
    if (json_to_int64(a, &x) && json_to_int64(b, &y))
        return x < y ? ORDER_LESS : x > y ? ORDER_GREATER : ORDER_EQUAL;
    double p = json_to_double(a), q = json_to_double(b);
    return p < q ? ORDER_LESS : p > q ? ORDER_GREATER : ORDER_EQUAL;
}

static enum order compare_bools(bool a, bool b)
{
    return order_of((double)a - (double)b);
}

/* One side of a comparison. */
struct side {
    struct json value;
    struct json number; /* of a literal: the number it spells, if any */
};

/* A text beside a number must spell one. */
static enum order compare_text_with_number(struct filter_run *r, const struct side *text,
                                           struct json n)
{
    struct json number = text->number;
    if (json_is_absent(number))
        number = filter_number(r->env->scratch, json_str(text->value));
    if (!json_is_absent(number))
        return compare_numbers(number, n);
    *r->ret_why = arena_printf(
        r->env->out, "The filter compares the number " STR_FMT " with '" STR_FMT "', which is none",
        STR_ARG(json_text(r->env->scratch, n)), STR_ARG(json_str(text->value)));
    return ORDER_BROKEN;
}

static bool is_same_container(struct json a, struct json b)
{
    return a.tag == b.tag && json_count(a) == json_count(b) &&
           ((json_is_array(a) && a.u.items == b.u.items) ||
            (json_is_object(a) && a.u.members == b.u.members));
}

/* The right side in front: its type decides. */
static enum order compare(struct filter_run *r, const struct side *right_side, struct json left)
{
    struct json right = right_side->value;
    bool right_null = is_nullish(right), left_null = is_nullish(left);
    if (right_null || left_null)
        return order_of((double)left_null - (double)right_null);
    if (json_is_string(right)) {
        struct str text = json_str(right);
        if (json_is_string(left))
            return order_of(str_compare(unescape(r->env->scratch, text), json_str(left)));
        if (json_is_number(left))
            return compare_text_with_number(r, right_side, left);
        if (json_is_bool(left)) {
            bool truth = text.len == 4 && strncasecmp(text.ptr, "true", 4) == 0;
            return compare_bools(truth, json_is_true(left));
        }
        return ORDER_NONE;
    }
    if (json_is_number(right) && json_is_number(left))
        return compare_numbers(right, left);
    if (json_is_bool(right) && json_is_bool(left))
        return compare_bools(json_is_true(right), json_is_true(left));
    return is_same_container(right, left) ? ORDER_EQUAL : ORDER_NONE;
}

/* order: of the right side relative to the left. */
static bool order_satisfies(enum order order, enum filter_operator op)
{
    switch (op) {
    case FILTER_EQUAL:
        return order == ORDER_EQUAL;
    case FILTER_NOT_EQUAL:
        return order != ORDER_EQUAL;
    case FILTER_LESS:
        return order == ORDER_GREATER;
    case FILTER_LESS_EQUAL:
        return order != ORDER_LESS;
    case FILTER_GREATER:
        return order == ORDER_LESS;
    case FILTER_GREATER_EQUAL:
        return order != ORDER_GREATER;
    case FILTER_EXISTS:
    case FILTER_MISSING:
    case FILTER_MATCHES:
        break;
    }
    UNREACHABLE("an operator that does not order");
}

static enum path_outcome operand_value(struct filter_run *r, const struct operand *o,
                                       struct side *ret_side)
{
    *ret_side = (struct side){o->literal, o->number};
    if (o->kind == OPERAND_LITERAL)
        return PATH_FOUND;
    struct json root = o->kind == OPERAND_ROOT_PATH ? r->root : r->item;
    return path_eval_quietly(o->path, root, r->env, &ret_side->value, r->ret_why);
}

static bool pattern_holds(struct filter_run *r, const struct criterion *c, bool *ret_holds)
{
    bool left = c->left.kind == OPERAND_PATTERN;
    struct side subject;
    *ret_holds = false;
    enum path_outcome outcome = operand_value(r, left ? &c->right : &c->left, &subject);
    if (outcome != PATH_FOUND || json_is_null(subject.value))
        return outcome != PATH_FAILED;
    struct buf text = BUF_INIT(0);
    java_text_write(&text, subject.value, r->env->scratch);
    enum pattern_outcome match =
        pattern_match(left ? c->left.pattern : c->right.pattern, buf_str(&text), r->env);
    buf_release(&text);
    if (match == PATTERN_LIMIT)
        *r->ret_why = STR("A pattern in a filter takes too long (limit expression_steps_max)");
    *ret_holds = match == PATTERN_MATCHES;
    return match != PATTERN_LIMIT;
}

/* A condition about what is not there does not hold, whatever it says. */
static bool comparison_holds(struct filter_run *r, const struct criterion *c, bool *ret_holds)
{
    struct side left, right = {0};
    *ret_holds = false;
    enum path_outcome outcome = operand_value(r, &c->left, &left);
    if (outcome == PATH_FOUND)
        outcome = operand_value(r, &c->right, &right);
    if (outcome != PATH_FOUND)
        return outcome != PATH_FAILED;
    if (c->op > FILTER_NOT_EQUAL && json_is_null(left.value) != json_is_null(right.value))
        return true;
    enum order order = compare(r, &right, left.value);
    if (order == ORDER_BROKEN)
        return false;
    *ret_holds = order != ORDER_NONE && order_satisfies(order, c->op);
    return true;
}

/* null counts as not there. `$` means the item here, as in the library. */
static bool existence_holds(struct filter_run *r, const struct criterion *c, bool *ret_holds)
{
    struct json v;
    enum path_outcome outcome = path_eval_quietly(c->left.path, r->item, r->env, &v, r->ret_why);
    bool exists = outcome == PATH_FOUND && !json_is_null(v);
    *ret_holds = exists == (c->op == FILTER_EXISTS);
    return outcome != PATH_FAILED;
}

static bool criterion_holds(struct filter_run *r, const struct criterion *c, bool *ret_holds)
{
    struct arena_mark mark = arena_mark(r->env->scratch);
    bool ok;
    if (c->op == FILTER_EXISTS || c->op == FILTER_MISSING)
        ok = existence_holds(r, c, ret_holds);
    else if (c->op == FILTER_MATCHES)
        ok = pattern_holds(r, c, ret_holds);
    else
        ok = comparison_holds(r, c, ret_holds);
    arena_rewind(r->env->scratch, mark);
    return ok;
}

/* From the right, as the library does: where a comparison can fail the path, the
 * condition that guards it stands behind it. */
bool filter_accepts(const struct filter *f, struct json item, struct json root,
                    struct expr_env *env, bool *ret_accepts, struct str *ret_why)
{
    struct filter_run r = {item, root, env, ret_why};
    bool group_holds = true;
    for (size_t i = f->count; i-- > 0;) {
        bool holds;
        if (group_holds) {
            if (!criterion_holds(&r, &f->items[i], &holds))
                return false;
            group_holds = holds;
        }
        if (f->items[i].begins_group) {
            if (group_holds)
                break;
            group_holds = i > 0;
        }
    }
    *ret_accepts = group_holds;
    return true;
}
