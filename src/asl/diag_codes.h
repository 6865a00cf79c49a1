/* Every diagnostic that the definition compiler can give, once.
 *
 * The table makes the codes, their severity and the pages about them. `code` is
 * stable and is what users see, search for and may rely on. `aws` is the coarser
 * code under which the Step Functions API reports the same thing; warnings of
 * our own have none ("").
 *
 * Thread safe: constant data.
 * Source: API_ValidateStateMachineDefinitionDiagnostic of the Step Functions API.
 */
#ifndef PAWL_ASL_DIAG_CODES_H
#define PAWL_ASL_DIAG_CODES_H

#include "base/diag.h"

/* code, severity, AWS's code, what it means in one line */
#define DIAG_CODE_TABLE(X)                                                                         \
    X(SYNTAX, ERROR, "INVALID_JSON_DESCRIPTION", "The text is not valid JSON or YAML.")            \
    X(NOT_AN_OBJECT, ERROR, "SCHEMA_VALIDATION_FAILED",                                            \
      "The definition is something other than an object.")                                         \
    X(DEFINITION_TOO_LARGE, ERROR, "SCHEMA_VALIDATION_FAILED",                                     \
      "The definition's text is longer than 1 MiB.")                                               \
    X(TOO_DEEPLY_NESTED, ERROR, "TOO_DEEPLY_NESTED",                                               \
      "Values, states or conditions stand too deep in one another.")                               \
    X(TOO_MANY_STATES, ERROR, "SCHEMA_VALIDATION_FAILED", "The machine has over 10,000 states.")   \
    X(MEMORY_LIMIT, ERROR, "SCHEMA_VALIDATION_FAILED",                                             \
      "Compiling the definition takes more memory than it may.")                                   \
    X(MISSING_FIELD, ERROR, "SCHEMA_VALIDATION_FAILED", "A required field is missing.")            \
    X(FIELD_NOT_SUPPORTED, ERROR, "SCHEMA_VALIDATION_FAILED",                                      \
      "The field is unknown, or does not belong to this type of state.")                           \
    X(FIELD_CONFLICT, ERROR, "SCHEMA_VALIDATION_FAILED",                                           \
      "Fields are given together that exclude one another.")                                       \
    X(WRONG_TYPE, ERROR, "SCHEMA_VALIDATION_FAILED", "The value has the wrong JSON type.")         \
    X(OUT_OF_RANGE, ERROR, "SCHEMA_VALIDATION_FAILED",                                             \
      "The number is smaller or larger than the field takes.")                                     \
    X(EMPTY_VALUE, ERROR, "SCHEMA_VALIDATION_FAILED",                                              \
      "The list, object or text must not be empty.")                                               \
    X(INVALID_VALUE, ERROR, "SCHEMA_VALIDATION_FAILED",                                            \
      "The value is none of those that the field takes.")                                          \
    X(INVALID_STATE_NAME, ERROR, "INVALID_STATE_NAME",                                             \
      "The state's name is empty or longer than 80 characters.")                                   \
    X(DUPLICATE_STATE_NAME, ERROR, "DUPLICATE_STATE_NAME",                                         \
      "Two states have the same name; names are unique in the whole machine.")                     \
    X(MISSING_TRANSITION, ERROR, "SCHEMA_VALIDATION_FAILED",                                       \
      "The state says neither which state is next nor that it is the end.")                        \
    X(TRANSITION_CONFLICT, ERROR, "SCHEMA_VALIDATION_FAILED", "The state has both Next and End.")  \
    X(MISSING_TRANSITION_TARGET, ERROR, "MISSING_TRANSITION_TARGET",                               \
      "The transition leads to a state that does not exist in the same scope.")                    \
    X(UNREACHABLE_STATE, ERROR, "MISSING_TRANSITION_TARGET", "No transition leads to the state.")  \
    X(UNREACHABLE_CYCLE, WARNING, "",                                                              \
      "The state is reached only from states that cannot be reached themselves.")                  \
    X(MISSING_END_STATE, ERROR, "MISSING_END_STATE", "No state of the machine is an end.")         \
    X(ENDLESS_SCOPE, WARNING, "", "No state of the branch or item processor is an end.")           \
    X(UNSOUND_CLEANUP, ERROR, "SCHEMA_VALIDATION_FAILED",                                          \
      "What x-on-cancel leads to has no end, or starts the execution again.")                      \
    X(INVALID_PATH, ERROR, "SCHEMA_VALIDATION_FAILED", "The text is not a JSONPath.")              \
    X(INVALID_REFERENCE_PATH, ERROR, "SCHEMA_VALIDATION_FAILED",                                   \
      "The field takes only a path to exactly one place.")                                         \
    X(INVALID_INTRINSIC, ERROR, "SCHEMA_VALIDATION_FAILED",                                        \
      "The text is not a call of an intrinsic function.")                                          \
    X(TEMPLATE_VALUE_NOT_STRING, ERROR, "SCHEMA_VALIDATION_FAILED",                                \
      "A template member whose name ends in .$ is not a text.")                                    \
    X(DUPLICATE_FIELD, ERROR, "SCHEMA_VALIDATION_FAILED",                                          \
      "A template gives the same member with and without .$.")                                     \
    X(INVALID_RESOURCE, ERROR, "SCHEMA_VALIDATION_FAILED",                                         \
      "The resource of a Task is not one that a task can call.")                                   \
    X(UNKNOWN_SERVICE, WARNING, "", "The resource names a service that no release knows.")         \
    X(INVALID_TIMESTAMP, ERROR, "SCHEMA_VALIDATION_FAILED", "The text is no RFC 3339 timestamp.")  \
    X(STATES_ALL_NOT_ALONE, ERROR, "SCHEMA_VALIDATION_FAILED",                                     \
      "States.ALL stands beside other error names.")                                               \
    X(STATES_ALL_NOT_LAST, ERROR, "SCHEMA_VALIDATION_FAILED",                                      \
      "States.ALL stands before other entries, which can never match.")                            \
    X(UNKNOWN_ERROR_NAME, WARNING, "", "No error has this name, which looks like a reserved one.") \
    X(UNCATCHABLE_ERROR, WARNING, "", "States.Runtime always fails the execution.")                \
    X(CHOICE_OPERATOR_MISSING, ERROR, "SCHEMA_VALIDATION_FAILED",                                  \
      "The choice rule compares nothing.")                                                         \
    X(CHOICE_OPERATOR_CONFLICT, ERROR, "SCHEMA_VALIDATION_FAILED",                                 \
      "The choice rule has several operators.")                                                    \
    X(CHOICE_NESTED_FIELD, ERROR, "SCHEMA_VALIDATION_FAILED",                                      \
      "A rule inside And, Or or Not has a field that only the outermost rule takes.")              \
    X(CHOICE_OPERAND_TYPE, ERROR, "SCHEMA_VALIDATION_FAILED",                                      \
      "The operand is not of the type that the operator compares.")                                \
    X(INVALID_VARIABLE_NAME, ERROR, "SCHEMA_VALIDATION_FAILED",                                    \
      "The name of a variable is reserved, too long or no identifier.")                            \
    X(VARIABLE_SHADOWED, ERROR, "SCHEMA_VALIDATION_FAILED",                                        \
      "A variable of an outer scope has the same name.")                                           \
    X(UNASSIGNED_VARIABLE, WARNING, "", "No state of this scope or an outer one assigns it.")      \
    X(INVALID_LABEL, ERROR, "INVALID_LABEL_NAME", "The label of a Map is empty, long or odd.")     \
    X(DUPLICATE_LABEL, ERROR, "DUPLICATE_LABEL_NAME", "Two Map states have the same label.")       \
    X(INVALID_JSONATA, ERROR, "INVALID_JSONATA_EXPRESSION",                                        \
      "The text between {% and %} is not a JSONata expression.")                                   \
    X(UNSUPPORTED_JSONATA, ERROR, "UNSUPPORTED_JSONATA_EXPRESSION",                                \
      "The expression reads an input document, and in a state machine there is none.")             \
    X(NEWER_JSONATA, ERROR, "INVALID_JSONATA_EXPRESSION",                                          \
      "The expression takes more than JSONata 2.0.6, which aws_limits: strict refuses.")           \
    X(NO_STATES_FIELD, WARNING, "", "The expression reads a member of $states that is not there.") \
    X(UNSUPPORTED_FIELD, ERROR, "SCHEMA_VALIDATION_FAILED",                                        \
      "The field is of the language, but not supported by this release.")                          \
    X(UNSUPPORTED_VERSION, ERROR, "SCHEMA_VALIDATION_FAILED",                                      \
      "The version of the language is none that exists.")                                          \
    X(EXPRESS_UNSUPPORTED, ERROR, "SCHEMA_VALIDATION_FAILED",                                      \
      "An Express workflow cannot wait for a task in this way.")                                   \
    X(NO_DOLLAR, WARNING, "NO_DOLLAR",                                                             \
      "A template member looks like a path, but its name does not end in .$.")                     \
    X(PASS_RESULT_IS_STATIC, WARNING, "PASS_RESULT_IS_STATIC",                                     \
      "The Result of a Pass state is taken as it is; paths in it stay texts.")

enum diag_code {
#define DIAG_CODE_ENUM(code, severity, aws, explanation) CODE_##code,
    DIAG_CODE_TABLE(DIAG_CODE_ENUM)
#undef DIAG_CODE_ENUM
    DIAG_CODE_COUNT
};

struct diag_code_info {
    const char *name; /* "MISSING_FIELD" */
    enum diag_severity severity;
    const char *aws; /* or "" */
    const char *explanation;
};

const struct diag_code_info *diag_code_info(enum diag_code code);

/* NULL when there is no such code. */
const struct diag_code_info *diag_code_find(struct str name);

#endif
