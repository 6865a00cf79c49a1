/* Functions about values as such: sums, truth, text, types, errors, time, $eval. */
#include "expr/jsonata/ast.h"

#include <math.h>

static bool call_sum(struct jx *x, const struct json *args, UNUSED size_t count, struct json *ret)
{
    struct json v = args[0];
    int64_t exact = 0;
    double real = 0;
    bool is_exact = true;
    if (json_is_absent(v))
        return true;
    if (!jx_spend(x, v.len / 8))
        return false;
    for (size_t i = 0; i < v.len; i++) {
        struct number n = jx_number_of(v.u.items[i]);
        is_exact = is_exact && n.is_int && !__builtin_add_overflow(exact, n.integer, &exact);
        real += n.real;
    }
    *ret = is_exact ? json_int(exact) : jx_number(real);
    return true;
}

static bool call_count(UNUSED struct jx *x, const struct json *args, UNUSED size_t count,
                       struct json *ret)
{
    *ret = json_int(json_is_absent(args[0]) ? 0 : args[0].len);
    return true;
}

static bool pick_extreme(struct jx *x, struct json v, bool largest, struct json *ret)
{
    *ret = json_at(v, 0);
    if (!jx_spend(x, json_count(v) / 8))
        return false;
    for (size_t i = 1; i < json_count(v); i++) {
        double best = jx_to_double(*ret), item = jx_to_double(v.u.items[i]);
        if (largest ? item > best : item < best)
            *ret = v.u.items[i];
    }
    return true;
}

static bool call_max(struct jx *x, const struct json *args, UNUSED size_t count, struct json *ret)
{
    return pick_extreme(x, args[0], true, ret);
}

static bool call_min(struct jx *x, const struct json *args, UNUSED size_t count, struct json *ret)
{
    return pick_extreme(x, args[0], false, ret);
}

static bool call_average(struct jx *x, const struct json *args, size_t count, struct json *ret)
{
    if (!json_count(args[0]))
        return true;
    if (!call_sum(x, args, count, ret))
        return false;
    *ret = jx_number(jx_to_double(*ret) / (double)args[0].len);
    return true;
}

static bool call_string(struct jx *x, const struct json *args, size_t count, struct json *ret)
{
    struct str text;
    if (json_is_absent(args[0]))
        return true;
    if (!jx_to_string(x, args[0], count > 1 && json_is_true(args[1]), &text))
        return false;
    *ret = json_string(text);
    return true;
}

static bool call_boolean(UNUSED struct jx *x, const struct json *args, UNUSED size_t count,
                         struct json *ret)
{
    if (!json_is_absent(args[0]))
        *ret = json_bool(jx_truth(args[0]));
    return true;
}

static bool call_not(UNUSED struct jx *x, const struct json *args, UNUSED size_t count,
                     struct json *ret)
{
    if (!json_is_absent(args[0]))
        *ret = json_bool(!jx_truth(args[0]));
    return true;
}

static bool call_exists(UNUSED struct jx *x, const struct json *args, UNUSED size_t count,
                        struct json *ret)
{
    *ret = json_bool(!json_is_absent(args[0]));
    return true;
}

static bool call_type(UNUSED struct jx *x, const struct json *args, UNUSED size_t count,
                      struct json *ret)
{
    if (!json_is_absent(args[0]))
        *ret = json_string(jx_type_name(args[0]));
    return true;
}

static bool call_error(struct jx *x, const struct json *args, size_t count, UNUSED struct json *ret)
{
    struct str words = count ? json_str(args[0]) : STR("");
    return jx_fail_words(x, "D3137", words.len ? words : STR("$error() function evaluated"));
}

static bool call_assert(struct jx *x, const struct json *args, size_t count,
                        UNUSED struct json *ret)
{
    if (json_is_true(args[0]))
        return true;
    struct str words = count > 1 ? json_str(args[1]) : STR("");
    return jx_fail_words(x, "D3141", words.len ? words : STR("$assert() statement failed"));
}

static bool call_clone(struct jx *x, const struct json *args, UNUSED size_t count, struct json *ret)
{
    return jx_clone(x, args[0], ret);
}

static bool call_millis(struct jx *x, UNUSED const struct json *args, UNUSED size_t count,
                        struct json *ret)
{
    *ret = json_int(x->now.ms);
    return true;
}

/* With a picture it is $fromMillis of the same instant. */
static bool call_now(struct jx *x, const struct json *args, size_t count, struct json *ret)
{
    bool pictured = count > 0 && !json_is_absent(args[0]);
    bool zoned = count > 1 && !json_is_absent(args[1]);
    const struct jx_builtin *row = jx_find_builtin(STR("fromMillis"), x->expression->options);
    if (row && (pictured || zoned)) {
        struct json all[] = {json_int(x->now.ms), args[0], count > 1 ? args[1] : JSON_NONE};
        return row->call(x, all, COUNT_OF(all), ret);
    }
    char text[TIME_TEXT_SIZE];
    size_t len = wall_format(x->now, text);
    *ret = json_string_copy(x->out, str_of(text, len));
    return true;
}

/* ---- $eval ---- */

/* A failure inside becomes one of $eval, about its message. */
static bool eval_failed(struct jx *x, const char *code)
{
    if (x->err.limit)
        return false;
    error_set_message(x->out, &x->err, x->err_index, x->err_type);
    return jx_fail_value(x, code, json_string(x->err.message));
}

static bool call_eval(struct jx *x, const struct json *args, size_t count, struct json *ret)
{
    const struct jsonata *e, *outer = x->expression;
    struct json input = x->focus;
    if (json_is_absent(args[0]))
        return true;
    if (count > 1 && !json_is_absent(args[1]))
        input = args[1];
    if (json_is_array(input) && !(input.flags & JX_SEQUENCE)) {
        input = json_array(arena_dup(x->out, &input, sizeof(input)), 1);
        input.flags |= JX_SEQUENCE | JX_WRAPPER;
    }
    struct jsonata_error err;
    if (!jsonata_compile(x->out, json_str(args[0]), outer->options, &e, &err)) {
        x->failed = true;
        x->err = err;
        return eval_failed(x, "D3120");
    }
    x->expression = e;
    bool done = jx_eval(x, e->root, input, x->frame, ret);
    x->expression = outer;
    return done || eval_failed(x, "D3121");
}

static const struct jx_builtin rows[] = {
    {STR_INIT("sum"), "<a<n>:n>", call_sum, JX_ROW_ALWAYS, 1},
    {STR_INIT("count"), "<a:n>", call_count, JX_ROW_ALWAYS, 1},
    {STR_INIT("max"), "<a<n>:n>", call_max, JX_ROW_ALWAYS, 1},
    {STR_INIT("min"), "<a<n>:n>", call_min, JX_ROW_ALWAYS, 1},
    {STR_INIT("average"), "<a<n>:n>", call_average, JX_ROW_ALWAYS, 1},
    {STR_INIT("string"), "<x-b?:s>", call_string, JX_ROW_ALWAYS, 1},
    {STR_INIT("boolean"), "<x-:b>", call_boolean, JX_ROW_ALWAYS, 1},
    {STR_INIT("not"), "<x-:b>", call_not, JX_ROW_ALWAYS, 1},
    {STR_INIT("exists"), "<x:b>", call_exists, JX_ROW_ALWAYS, 1},
    {STR_INIT("type"), "<x:s>", call_type, JX_ROW_ALWAYS, 1},
    {STR_INIT("error"), "<s?:x>", call_error, JX_ROW_ALWAYS, 1},
    {STR_INIT("assert"), "<bs?:x>", call_assert, JX_ROW_ALWAYS, 2},
    {STR_INIT("clone"), "<(oa)-:o>", call_clone, JX_ROW_ALWAYS, 1},
    {STR_INIT("millis"), "<:n>", call_millis, JX_ROW_ALWAYS, 0},
    {STR_INIT("now"), "<s?s?:s>", call_now, JX_ROW_ALWAYS, 2},
    {STR_INIT("eval"), "<sx?:x>", call_eval, JX_ROW_EVAL, 2},
};

const struct jx_table jx_table_core = {rows, COUNT_OF(rows)};
