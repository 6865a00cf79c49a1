/* Evaluates a compiled call: the arguments from left to right, then the function. */
#include "expr/intrinsic/intrinsic_internal.h"

#include <math.h>
#include <stdio.h>

/* clang-format off */
const struct function intrinsic_functions[] = {
    {STR_INIT("Array"),          0, SIZE_MAX, eval_array},
    {STR_INIT("ArrayContains"),  2, 2,        eval_array_contains},
    {STR_INIT("ArrayGetItem"),   2, 2,        eval_array_get_item},
    {STR_INIT("ArrayLength"),    1, 1,        eval_array_length},
    {STR_INIT("ArrayPartition"), 2, 2,        eval_array_partition},
    {STR_INIT("ArrayRange"),     3, 3,        eval_array_range},
    {STR_INIT("ArrayUnique"),    1, 1,        eval_array_unique},
    {STR_INIT("Base64Decode"),   1, 1,        eval_base64_decode},
    {STR_INIT("Base64Encode"),   1, 1,        eval_base64_encode},
    {STR_INIT("Format"),         1, SIZE_MAX, eval_format},
    {STR_INIT("Hash"),           2, 2,        eval_hash},
    {STR_INIT("JsonMerge"),      3, 3,        eval_json_merge},
    {STR_INIT("JsonToString"),   1, 1,        eval_json_to_string},
    {STR_INIT("MathAdd"),        2, 2,        eval_math_add},
    {STR_INIT("MathRandom"),     2, 3,        eval_math_random},
    {STR_INIT("StringSplit"),    2, 2,        eval_string_split},
    {STR_INIT("StringToJson"),   1, 1,        eval_string_to_json},
    {STR_INIT("UUID"),           0, 0,        eval_uuid},
};
/* clang-format on */

const size_t intrinsic_function_count = COUNT_OF(intrinsic_functions);

/* ---- failures ---- */

bool intrinsic_fail(const struct intrinsic *call, struct expr_env *env, struct expr_failure *reterr,
                    struct str error, struct str what)
{
    struct str cause =
        arena_printf(env->out, "The function '" STR_FMT "' had the following error: " STR_FMT,
                     STR_ARG(call->text), STR_ARG(what));
    return expr_fail(env, reterr, error, cause);
}

bool frame_refuse(const struct frame *f, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct str why = arena_vprintf(f->env->scratch, format, args);
    va_end(args);
    struct str what =
        arena_printf(f->env->scratch, "Invalid arguments in States." STR_FMT ": " STR_FMT,
                     STR_ARG(f->call->function->name), STR_ARG(why));
    return intrinsic_fail(f->whole, f->env, f->reterr, STR("States.IntrinsicFailure"), what);
}

bool frame_limit(const struct frame *f)
{
    struct str cause = arena_printf(f->env->out, STR_FMT " (in the field '" STR_FMT "')",
                                    STR_ARG(expr_limit_words(f->env)), STR_ARG(f->field));
    return expr_fail(f->env, f->reterr, STR("States.Runtime"), cause);
}

bool frame_spend(const struct frame *f, uint64_t n)
{
    return (expr_spend(f->env, n) && !arena_over(f->env->out)) || frame_limit(f);
}

/* ---- arguments by type ---- */

static bool refuse_type(const struct frame *f, size_t i, const char *type)
{
    return frame_refuse(f, "argument %zu must be %s, not %s", i + 1, type,
                        json_type_name(f->values[i]));
}

bool frame_array(const struct frame *f, size_t i, struct json *ret_array)
{
    if (!json_is_array(f->values[i]))
        return refuse_type(f, i, "an array");
    *ret_array = f->values[i];
    return true;
}

bool frame_string(const struct frame *f, size_t i, struct str *ret_string)
{
    if (!json_is_string(f->values[i]))
        return refuse_type(f, i, "a string");
    *ret_string = json_str(f->values[i]);
    return true;
}

bool frame_integer(const struct frame *f, size_t i, int64_t *ret_value)
{
    if (!json_is_number(f->values[i]))
        return refuse_type(f, i, "a number");
    double x = json_to_double(f->values[i]);
    double rounded = floor(x);
    if (x - rounded >= 0.5)
        rounded += 1;
    if (!(rounded >= INT32_MIN && rounded <= INT32_MAX))
        return frame_refuse(f, "argument %zu must lie between %d and %d", i + 1, INT32_MIN,
                            INT32_MAX);
    *ret_value = (int64_t)rounded;
    return true;
}

/* ---- evaluation ---- */

static bool eval_call(const struct frame *outer, const struct call *call, struct json *ret_value);

/* AWS shows a path into the context without its first '$', and the state's input
 * whatever was searched. */
static bool fail_path(const struct frame *f, const struct path *p)
{
    struct str text = path_text(p);
    if (path_root(p) == PATH_ROOT_CONTEXT)
        text = str_slice(text, 1, text.len);
    struct str input = json_text(f->env->scratch, f->env->input);
    struct str what = arena_printf(f->env->scratch,
                                   "The JsonPath argument for the field '" STR_FMT
                                   "' could not be found in the input '" STR_FMT "'",
                                   STR_ARG(text), STR_ARG(input));
    return intrinsic_fail(f->whole, f->env, f->reterr, STR("States.Runtime"), what);
}

static bool eval_path(const struct frame *f, const struct path *p, struct json *ret_value)
{
    struct str why;
    switch (path_eval(p, f->env, ret_value, &why)) {
    case PATH_FOUND:
        return true;
    case PATH_MISSING:
        return fail_path(f, p);
    case PATH_FAILED:
        return intrinsic_fail(f->whole, f->env, f->reterr, STR("States.Runtime"), why);
    }
    UNREACHABLE("path outcome");
}

static bool eval_argument(const struct frame *f, const struct argument *a, struct json *ret_value)
{
    switch (a->kind) {
    case ARGUMENT_LITERAL:
        *ret_value = a->literal;
        return true;
    case ARGUMENT_PATH:
        return eval_path(f, a->path, ret_value);
    case ARGUMENT_CALL:
        return eval_call(f, a->call, ret_value);
    }
    UNREACHABLE("argument kind");
}

static bool eval_call(const struct frame *outer, const struct call *call, struct json *ret_value)
{
    struct frame f = *outer;
    struct arena_mark mark = arena_mark(f.env->scratch);
    struct json *values = ARENA_ARRAY(f.env->scratch, struct json, call->count);
    f.call = call;
    f.values = values;
    bool ok = frame_spend(&f, 1 + call->count);
    for (size_t i = 0; i < call->count && ok; i++)
        ok = eval_argument(&f, &call->arguments[i], &values[i]);
    ok = ok && call->function->eval(&f, ret_value) && frame_spend(&f, 1);
    arena_rewind(f.env->scratch, mark);
    return ok;
}

bool intrinsic_eval(const struct intrinsic *call, struct str field, struct expr_env *env,
                    struct json *ret_value, struct expr_failure *reterr)
{
    struct frame f = {.whole = call, .field = field, .env = env, .reterr = reterr};
    return eval_call(&f, call->call, ret_value);
}
