/* Payload templates: JSON with members whose names end in ".$".
 *
 * Parameters, ResultSelector, ItemSelector and Assign are templates. A member
 * "x.$" holds a path, a context path, a variable or an intrinsic call, and
 * stands in the result as "x"; everything else is copied as it is. A part of a
 * template without any such member is shared, not rebuilt.
 *
 * Ownership: arena; a compiled template is immutable and borrows the text of
 * the JSON it was compiled from. Never recurses deeper than JSON_DEPTH_MAX.
 * Failures are AWS's:
 *   States.Runtime, "The JSONPath '$.x' specified for the field 'value.$' could
 *   not be found in the input '<JSON>'".
 */
#ifndef PAWL_EXPR_TEMPLATE_H
#define PAWL_EXPR_TEMPLATE_H

#include "base/diag.h"
#include "expr/expr.h"

struct template;

/* One problem per bad member is added to `diags` under `pointer` (codes
 * INVALID_PATH, INVALID_INTRINSIC, TEMPLATE_VALUE_NOT_STRING, DUPLICATE_FIELD
 * for "x" beside "x.$"). Always gives a template; it must not be evaluated when
 * an error was added. */
void template_compile(struct arena *a, struct json source, struct str pointer,
                      struct diag_list *diags, const struct template **ret_template);

bool template_uses_context(const struct template *t);
void template_each_variable(const struct template *t, void (*visit)(void *arg, struct str name),
                            void *arg);

MUST_CHECK bool template_eval(const struct template *t, struct expr_env *env,
                              struct json *ret_value, struct expr_failure *reterr);

#endif
