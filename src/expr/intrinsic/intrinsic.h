/* Intrinsic functions of the States Language: States.Format(...) and 17 more.
 *
 * A call is compiled once (names, counts of arguments, literals and paths are
 * checked then) and evaluated many times. Ownership: arena; immutable.
 * Limits: the enum below (10 calls in one another is AWS's), results bounded by
 * env->out's budget.
 * Failures: a path that finds nothing is States.Runtime in AWS's words; a wrong
 * argument is States.IntrinsicFailure, the cause with AWS's "Invalid arguments
 * in States.Name".
 * Source: the intrinsics chapter of the States Language; what AWS was seen to do.
 */
#ifndef PAWL_EXPR_INTRINSIC_INTRINSIC_H
#define PAWL_EXPR_INTRINSIC_INTRINSIC_H

#include "expr/expr.h"
#include "expr/jsonpath/path.h"

enum {
    INTRINSIC_TEXT_MAX = 65536,
    INTRINSIC_NESTING_MAX = 10,
    INTRINSIC_STRING_MAX = 10000, /* Base64 and Hash input, characters */
    INTRINSIC_RANGE_MAX = 1000,   /* elements of States.ArrayRange */
};

struct intrinsic;

/* Does the text start like a call ("States.")? */
bool intrinsic_looks_like(struct str text);

/* Errors: INVALID_INTRINSIC with offset (relative to text). */
MUST_CHECK bool intrinsic_compile(struct arena *a, struct str text,
                                  const struct intrinsic **ret_call, struct err *reterr);

struct str intrinsic_text(const struct intrinsic *call);
bool intrinsic_uses_context(const struct intrinsic *call);

/* Calls visit for each variable that the call refers to. */
void intrinsic_each_variable(const struct intrinsic *call,
                             void (*visit)(void *arg, struct str name), void *arg);

/* field: the field that holds the call ("value.$"), named when a limit is hit;
 * every other cause names the call, as AWS does. */
MUST_CHECK bool intrinsic_eval(const struct intrinsic *call, struct str field, struct expr_env *env,
                               struct json *ret_value, struct expr_failure *reterr);

#endif
