#include "expr/expr.h"

#include "base/utf8.h"

struct json expr_vars_get(const struct expr_vars *vars, struct str name)
{
    for (; vars; vars = vars->outer) {
        struct json value = json_get(vars->own, name);
        if (!json_is_absent(value))
            return value;
    }
    return JSON_NONE;
}

struct str expr_limit_words(const struct expr_env *env)
{
    if (env->steps_left == 0)
        return STR("The expression takes more steps than the limit expression_steps_max allows");
    return STR("The expression takes more memory than the limit expression_memory_max allows");
}

bool expr_fail(struct expr_env *env, struct expr_failure *reterr, struct str error,
               struct str cause)
{
    *reterr = (struct expr_failure){
        .error = error,
        .cause = str_slice(cause, 0, utf8_floor(cause, EXPR_CAUSE_MAX)),
    };
    if (cause.len > EXPR_CAUSE_MAX)
        reterr->cause = arena_str(env->out, reterr->cause);
    return false;
}

bool expr_fail_query(struct expr_env *env, struct expr_failure *reterr, struct str location,
                     struct str cause)
{
    expr_fail(env, reterr, STR("States.QueryEvaluationError"), cause);
    reterr->location = location;
    return false;
}
