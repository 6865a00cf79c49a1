/* Payload templates: JSON with parts that are computed, in either query language.
 *
 * In JSONPath, Parameters, ResultSelector, ItemSelector and Assign are templates. A
 * member "x.$" holds a path, a context path, a variable or an intrinsic call, and
 * stands in the result as "x". In JSONata, every computed field is one, and any
 * text "{% ... %}" in it is an expression. Everything else is copied as it is; a
 * part of a template that computes nothing is shared, not rebuilt.
 *
 * Ownership: arena; a compiled template is immutable and borrows the text of
 * the JSON it was compiled from. Never recurses deeper than JSON_DEPTH_MAX.
 * Failures are AWS's:
 *   States.Runtime, "The JSONPath '$.x' specified for the field 'value.$' could
 *   not be found in the input '<JSON>'"
 *   States.QueryEvaluationError, "The JSONata expression '$x' specified for the
 *   field 'Output/value' returned nothing (undefined)."
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

/* Which members $states has in a template, beside input and context. */
enum {
    TEMPLATE_RESULT = 1,
    TEMPLATE_ERROR_OUTPUT = 2,
};

/* The same for JSONata: `field` is the template's own place in its state, such as
 * "Output", which failures name; `states` are bits of TEMPLATE_... . Codes INVALID_JSONATA,
 * UNSUPPORTED_JSONATA, and NO_STATES_FIELD as a warning. */
void template_compile_jsonata(struct arena *a, struct json source, struct str field,
                              struct str pointer, unsigned states, struct diag_list *diags,
                              const struct template **ret_template);

/* Would the text be an expression in JSONata: "{% ... %}"? */
bool template_is_jsonata(struct str text);

/* An expression that takes more than JSONata 2.0.6, the level that Step Functions documents:
 * where it stands, and what that level says of it. */
struct newer_jsonata {
    const struct newer_jsonata *next;
    struct str pointer, message;
    size_t position; /* characters into the expression */
};

/* NULL: none. */
const struct newer_jsonata *template_newer_jsonata(const struct template *t);

/* JSONata: does it read $states.context? JSONPath: $$? */
bool template_uses_context(const struct template *t);
void template_each_variable(const struct template *t, void (*visit)(void *arg, struct str name),
                            void *arg);

MUST_CHECK bool template_eval(const struct template *t, struct expr_env *env,
                              struct json *ret_value, struct expr_failure *reterr);

/* The same, of which the result must be of this type. */
MUST_CHECK bool template_eval_as(const struct template *t, enum json_type type,
                                 struct expr_env *env, struct json *ret_value,
                                 struct expr_failure *reterr);

/* The place in its state: "Output". JSONata only, else empty. */
struct str template_field(const struct template *t);

#endif
