/* What an expression may see while it is evaluated, and how it fails.
 *
 * Every evaluator (paths, intrinsic functions, payload templates in either
 * language) takes a struct expr_env. Evaluation is pure: time and randomness are in it.
 *
 * Two failures never mix. An *expression failure* is data of the workflow: the
 * reserved error name and the cause that AWS gives for it, to be retried, caught
 * or ended on by flow/. An *operating error* (a budget exceeded) is one too: it
 * becomes States.Runtime with a cause that names the limit.
 */
#ifndef PAWL_EXPR_EXPR_H
#define PAWL_EXPR_EXPR_H

#include "base/rng.h"
#include "base/time.h"
#include "json/json.h"

/* Variables of a frame and, outwards, of the frames around it. */
struct expr_vars {
    struct json own; /* an object, or absent */
    const struct expr_vars *outer;
};

/* Absent when no frame has it. The innermost wins. */
struct json expr_vars_get(const struct expr_vars *vars, struct str name);

struct expr_env {
    struct json input;            /* what `$` means; JSONata sees none of it */
    struct json context;          /* what `$$` means; absent when nothing compiled uses it */
    const struct expr_vars *vars; /* what `$name` means; may be NULL */
    struct rng *rng;              /* States.UUID, States.MathRandom without a seed */
    struct arena *out;            /* the result lies here or is shared with the input */
    struct arena *scratch;        /* temporaries, rewound by the callee; not the same as out */
    uint64_t steps_left;          /* budget: nodes visited; 0 ends the evaluation */
    struct wall_ms now;           /* JSONata: $now, $millis */
    size_t depth_max;             /* JSONata: nesting of evaluations; 0: the evaluator's own */
    size_t held_max;              /* JSONata: bytes of one value, by AWS's measure; 0: no bound */
    bool only_documented;         /* JSONata: what is newer than 2.0.6 fails */
};

enum {
    EXPR_STEPS_MAX = 10000000
}; /* limit: expression_steps_max */

/* Takes n steps from the budget; false when it is spent. */
static inline bool expr_spend(struct expr_env *env, uint64_t n)
{
    if (env->steps_left < n) {
        env->steps_left = 0;
        return false;
    }
    env->steps_left -= n;
    return true;
}

/* Ownership: arena (env->out). `error` is a reserved name, such as
 * "States.Runtime"; `cause` is AWS's text without the "An error occurred while
 * executing the state" in front of it, which flow/ adds. */
struct expr_failure {
    struct str error;
    struct str cause;
    struct str location; /* JSONata: the field at fault, "Output/total"; empty: none */
    bool of_value;       /* JSONata: the expression gave a value, which the state cannot use */
};

enum {
    EXPR_CAUSE_MAX = 32768
}; /* bytes of a cause; AWS's limit, in characters */

/* The cause of a spent budget: which limit of env it was. Static. */
struct str expr_limit_words(const struct expr_env *env);

/* Fills *reterr and returns false. The cause must lie in env->out or be static;
 * it is cut at EXPR_CAUSE_MAX. */
bool expr_fail(struct expr_env *env, struct expr_failure *reterr, struct str error,
               struct str cause);

/* The same for States.QueryEvaluationError, which has a location. */
bool expr_fail_query(struct expr_env *env, struct expr_failure *reterr, struct str location,
                     struct str cause);

#endif
