/* A compiled call, as the files of intrinsic/ see it. Included only there. */
#ifndef PAWL_EXPR_INTRINSIC_INTRINSIC_INTERNAL_H
#define PAWL_EXPR_INTRINSIC_INTRINSIC_INTERNAL_H

#include "expr/intrinsic/intrinsic.h"

enum argument_kind {
    ARGUMENT_LITERAL,
    ARGUMENT_PATH,
    ARGUMENT_CALL,
};

struct argument {
    enum argument_kind kind;
    struct json literal;
    struct str raw; /* of a literal string: as written, for States.Format */
    const struct path *path;
    const struct call *call;
};

struct call {
    const struct function *function;
    const struct argument *arguments;
    size_t count;
};

struct intrinsic {
    struct str text;
    const struct call *call;
    bool uses_context;
};

/* One call being evaluated. */
struct frame {
    const struct intrinsic *whole;
    struct str field;
    const struct call *call;
    const struct json *values; /* of the arguments */
    struct expr_env *env;
    struct expr_failure *reterr;
};

struct function {
    struct str name; /* without "States." */
    size_t count_min, count_max;
    bool (*eval)(const struct frame *f, struct json *ret_value);
};

extern const struct function intrinsic_functions[];
extern const size_t intrinsic_function_count;

/* ---- failures, all false ---- */

/* "The function '...' had the following error: " and what. */
bool intrinsic_fail(const struct intrinsic *call, struct expr_env *env, struct expr_failure *reterr,
                    struct str error, struct str what);

/* States.IntrinsicFailure: Invalid arguments in States.X: what. */
bool frame_refuse(const struct frame *f, const char *format, ...) PRINTF_LIKE(2, 3);

/* A budget is spent. */
bool frame_limit(const struct frame *f);

/* Takes n steps and checks the memory; false with the failure set. */
MUST_CHECK bool frame_spend(const struct frame *f, uint64_t n);

/* ---- arguments by type; `i` counts from 0 ---- */

MUST_CHECK bool frame_array(const struct frame *f, size_t i, struct json *ret_array);
MUST_CHECK bool frame_string(const struct frame *f, size_t i, struct str *ret_string);
/* Rounded to the nearest integer, halves towards +infinity; within 32 bits. */
MUST_CHECK bool frame_integer(const struct frame *f, size_t i, int64_t *ret_value);

/* ---- the functions ---- */

bool eval_array(const struct frame *f, struct json *ret_value);
bool eval_array_contains(const struct frame *f, struct json *ret_value);
bool eval_array_get_item(const struct frame *f, struct json *ret_value);
bool eval_array_length(const struct frame *f, struct json *ret_value);
bool eval_array_partition(const struct frame *f, struct json *ret_value);
bool eval_array_range(const struct frame *f, struct json *ret_value);
bool eval_array_unique(const struct frame *f, struct json *ret_value);
bool eval_base64_decode(const struct frame *f, struct json *ret_value);
bool eval_base64_encode(const struct frame *f, struct json *ret_value);
bool eval_format(const struct frame *f, struct json *ret_value);
bool eval_hash(const struct frame *f, struct json *ret_value);
bool eval_json_merge(const struct frame *f, struct json *ret_value);
bool eval_json_to_string(const struct frame *f, struct json *ret_value);
bool eval_math_add(const struct frame *f, struct json *ret_value);
bool eval_math_random(const struct frame *f, struct json *ret_value);
bool eval_string_split(const struct frame *f, struct json *ret_value);
bool eval_string_to_json(const struct frame *f, struct json *ret_value);
bool eval_uuid(const struct frame *f, struct json *ret_value);

#endif
