/* Who is called: a state's Resource and FunctionName as one ARN and one name.
 *
 * A function may be named by its ARN, by part of it (account:function:name) or
 * by its bare name, each with a qualifier (":$LATEST", ":7", ":live") or without.
 * Region and account that it leaves open are the execution's.
 *
 * Ownership: arena, or borrowed from the arguments. Pure.
 */
#ifndef PAWL_TASK_CALLEE_H
#define PAWL_TASK_CALLEE_H

#include "base/arena.h"

enum {
    FUNCTION_NAME_MAX = 140
}; /* bytes: AWS's limit where a name counts as an ARN's part */

struct callee {
    struct str resource; /* as the state has it */
    bool is_function;    /* the rest is empty otherwise */
    struct str arn;      /* of the function, without qualifier */
    struct str name;     /* letters, digits, '-' and '_', no '-' first; empty when it is not so */
    struct str qualified_arn; /* "$LATEST" when no qualifier is given */
};

/* resource: the state's Resource. function: its FunctionName or empty.
 * execution_arn: may be empty, then us-east-1 and 000000000000 stand in. */
struct callee callee_resolve(struct arena *a, struct str resource, struct str function,
                             struct str execution_arn);

#endif
