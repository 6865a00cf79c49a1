/* The names of machines and executions, and the ARNs made of them.
 *
 * A name is 1 to 80 characters; refused are white space, control characters and
 * any of < > { } [ ] ? * " # % \ ^ | ~ ` $ & , ; : / as by the Step Functions
 * API. Ownership: arena, or parts of what was passed in.
 */
#ifndef PAWL_ENGINE_NAMES_H
#define PAWL_ENGINE_NAMES_H

#include "base/arena.h"
#include "flow/flow.h"
#include "store/store.h"

/* `what`: "the machine's name". Error: INVALID_INPUT. */
MUST_CHECK bool name_check(struct str name, const char *what, struct err *reterr);

struct str arn_of_machine(struct arena *a, struct str region, struct str account, struct str name);
/* Of this name, of the machine that has this ARN. */
struct str arn_of_execution(struct arena *a, struct str machine_arn, struct str name);
/* An Express execution's ARN ends in its id, since its name is not unique. */
struct str arn_of_express(struct arena *a, struct str machine_arn, struct str name, struct uuid id);
struct str arn_of_function(struct arena *a, struct str region, struct str account, struct str name);

/* The name in an activity's ARN; false when it is none. */
bool arn_is_activity(struct str arn, struct str *ret_name);

/* The parts of an execution's ARN; false when it is none. */
bool arn_is_execution(struct str arn, struct str *ret_machine, struct str *ret_name);

/* Who a stored execution is: what the core wants to know, from the row alone.
 * Borrows the row's texts and the secret. */
struct flow_identity identity_of_row(struct arena *a, const struct execution_row *row,
                                     const uint8_t *secret);

/* The machine's ARN that an execution's ARN belongs to; arn must be one. */
struct str arn_execution_machine(struct arena *a, struct str arn);

#endif
