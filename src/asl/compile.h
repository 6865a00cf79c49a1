/* Definition text (JSON or YAML) to a compiled machine, or to everything wrong with it.
 *
 * Every problem is found in one pass over the whole text and added to `diags`,
 * each with a code of DIAG_CODE_TABLE, a JSON pointer, what is wrong and what to
 * do. Warnings do not refuse. Nothing runs from a definition with an error.
 *
 * The text is JSON when its first character is '{', else YAML (JSON is tried
 * first so that its errors have JSON's words); asl_format says which.
 *
 * Ownership: the machine lies in `a` and holds its own copy of the text.
 * Limits: DEFINITION_SIZE_MAX, DEFINITION_STATES_MAX, DEFINITION_DEPTH_MAX.
 * Source: the States Language specification; recorded validations of AWS.
 */
#ifndef PAWL_ASL_COMPILE_H
#define PAWL_ASL_COMPILE_H

#include "asl/machine.h"
#include "base/diag.h"

enum {
    DEFINITION_SIZE_MAX = 1 << 20, /* bytes: AWS's limit */
    DEFINITION_STATES_MAX = 10000,
    DEFINITION_DEPTH_MAX = 128, /* JSON nesting */
    DEFINITION_POINTER_MAX =
        4096, /* bytes of the JSON pointer to any value: names in one another */
    DEFINITION_SCRATCH_MAX = 256 << 20, /* bytes of memory while compiling */
    STATE_NAME_MAX = 80,                /* characters: AWS's limit */
};

enum asl_format {
    ASL_JSON,
    ASL_YAML,
};

enum asl_format asl_format_of(struct str text);

/* NULL in *ret_machine when diags holds an error; the result is the same fact.
 * A text that does not parse at all gives one diagnostic (SYNTAX) whose place is
 * in *ret_syntax (code, line, column); syntax.code is ERR_NONE otherwise. */
MUST_CHECK bool asl_compile(struct arena *a, struct str text, struct diag_list *diags,
                            const struct machine **ret_machine, struct err *ret_syntax);

/* The same of a text that stands in the store, which must load for ever: earlier releases took
 * anything in fields of our own, so a malformed one counts as absent, and the machine says that
 * one was passed over. */
MUST_CHECK bool asl_compile_stored(struct arena *a, struct str text, struct diag_list *diags,
                                   const struct machine **ret_machine, struct err *ret_syntax);

/* What an Express workflow refuses beyond that: tasks with .sync and
 * .waitForTaskToken, activities, distributed Maps. Part of a machine that runs
 * as EXPRESS children of a distributed Map is checked by asl_compile already. */
void asl_check_express(const struct machine *m, struct diag_list *diags);

/* What aws_limits: strict refuses beyond that: expressions newer than JSONata 2.0.6, each with
 * what that level says of it. */
void asl_check_documented(const struct machine *m, struct diag_list *diags);

/* The names of the fields of states, JSONPath's and JSONata's, in no order: for
 * docs and tests. Comment and x-... are not among them. */
size_t state_field_count(void);
struct str state_field_name(size_t index);

/* Line and column in the definition text of a diagnostic's pointer. */
struct json_place asl_locate(struct str text, const struct diag *d);

#endif
