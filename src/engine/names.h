/* The names of machines and executions, and the ARNs made of them.
 *
 * A name is 1 to 80 characters; refused are white space, control characters and
 * any of < > { } [ ] ? * " # % \ ^ | ~ ` $ & , ; : / as by the Step Functions
 * API. Ownership: arena, or parts of what was passed in.
 */
#ifndef PAWL_ENGINE_NAMES_H
#define PAWL_ENGINE_NAMES_H

#include "base/arena.h"
#include "base/err.h"

/* `what`: "The machine's name". Error: INVALID_INPUT. */
MUST_CHECK bool name_check(struct str name, const char *what, struct err *reterr);

struct str arn_of_machine(struct arena *a, struct str region, struct str account, struct str name);
struct str arn_of_execution(struct arena *a, struct str region, struct str account,
                            struct str machine, struct str name);
struct str arn_of_function(struct arena *a, struct str region, struct str account, struct str name);

/* The parts of an execution's ARN; false when it is none. */
bool arn_is_execution(struct str arn, struct str *ret_machine, struct str *ret_name);

/* The machine's ARN that an execution's ARN belongs to; arn must be one. */
struct str arn_execution_machine(struct arena *a, struct str arn);

#endif
