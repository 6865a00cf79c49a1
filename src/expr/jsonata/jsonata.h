/* JSONata: one expression compiled once, evaluated many times.
 *
 * The language is that of jsonata-js, at level 2.2 or at 2.0.6 (the one Step
 * Functions documents: no `??`, no `?:`). Evaluation is pure: the input, the
 * variables, the time and the randomness are in struct jsonata_env.
 *
 * Shape: a value that JSON cannot hold never leaves the evaluator: a function is
 * reported as JSONATA_FUNCTION, an infinity or NaN becomes the string "Infinity",
 * "-Infinity" or "NaN" as Step Functions does. Integers are exact within 64 bits.
 * Ownership: arena. A compiled expression is immutable and shareable between threads.
 * Errors: struct jsonata_error, with the codes and words of jsonata-js.
 * Limits: the enum below, env->depth_max, env->steps_left, env->held_max and the budget of
 * env->out.
 * Nesting of text and of evaluation is bounded, so neither overflows the native stack.
 * Source: docs.jsonata.org; docs/adr/0020-jsonata.md.
 */
#ifndef PAWL_EXPR_JSONATA_JSONATA_H
#define PAWL_EXPR_JSONATA_JSONATA_H

#include "base/time.h"
#include "expr/expr.h"

enum {
    JSONATA_TEXT_MAX = 256 << 10,           /* bytes of an expression */
    JSONATA_PARSE_DEPTH_MAX = 500,          /* nesting of an expression's text */
    JSONATA_DEPTH_MAX = 1000,               /* nesting of evaluations, and the default */
    JSONATA_DEPTH_STEP_FUNCTIONS = 100,     /* AWS's */
    JSONATA_RANGE_MAX = 10000000,           /* items of a..b */
    JSONATA_INPUT_USES_MAX = 100,           /* that jsonata_input_count tells of */
    JSONATA_HELD_STEP_FUNCTIONS = 10 << 20, /* AWS's, as far as it is known: env->held_max */
};

enum jsonata_level {
    JSONATA_LEVEL_2_2,
    JSONATA_LEVEL_2_0_6,
};

struct jsonata_options {
    enum jsonata_level level;
    bool allow_eval;     /* $eval exists */
    bool step_functions; /* $partition $range $hash $random(seed) $uuid $parse exist */
};

/* What went wrong. `code` is "T2001" and so on, or "" for a spent budget. */
struct jsonata_error {
    char code[8];
    enum jsonata_limit {
        JSONATA_LIMIT_NONE,
        JSONATA_LIMIT_DEPTH,  /* code U1001 too */
        JSONATA_LIMIT_STEPS,  /* code U1001 too */
        JSONATA_LIMIT_MEMORY, /* code U1001 too */
    } limit;
    struct str message; /* the reference's words, values filled in; static or in the arena */
    struct str token;   /* empty: none */
    size_t position;    /* characters from the beginning, just behind the token as in jsonata-js */
    struct json value;  /* that the message is about; absent: none */
    struct json value2;
};

struct jsonata;

MUST_CHECK bool jsonata_compile(struct arena *a, struct str text, struct jsonata_options options,
                                const struct jsonata **ret_expression,
                                struct jsonata_error *reterr);

struct str jsonata_text(const struct jsonata *e);

/* Names without the `$`, each once, of the variables that the expression refers to
 * but neither binds itself nor finds among the functions. The i-th, or an empty str. */
size_t jsonata_free_count(const struct jsonata *e);
struct str jsonata_free_name(const struct jsonata *e, size_t i);

/* Each place where it refers to the input: `$`, `$$`, or a name that is not below another
 * step. At most JSONATA_INPUT_USES_MAX of them are known. Step Functions has no input there. */
size_t jsonata_input_count(const struct jsonata *e);
/* Which spot it is: "$$", "name", "*". Borrowed from the text. */
struct str jsonata_input_name(const struct jsonata *e, size_t i);

/* What of the variable the expression reads: for each `$variable.member` the member's name,
 * an empty one for each use that no plain name follows. */
void jsonata_each_member(const struct jsonata *e, struct str variable,
                         void (*visit)(void *arg, struct str member), void *arg);

struct jsonata_env {
    struct json input;            /* absent: undefined */
    const struct expr_vars *vars; /* what `$name` means, before the functions; may be NULL */
    struct wall_ms now;           /* $now, $millis */
    struct rng *rng;              /* $random, $shuffle, $uuid; may be NULL: then seeded with 0 */
    struct arena *out;            /* the result lies here or is shared with input and variables */
    uint64_t steps_left;          /* budget: evaluations of a syntax node; 0 ends it */
    size_t depth_max;             /* 0: JSONATA_DEPTH_MAX, which it must not exceed */
    size_t held_max;              /* bytes of one text or array, by AWS's measure; 0: no bound */
};

enum jsonata_outcome {
    JSONATA_VALUE,
    JSONATA_UNDEFINED, /* nothing */
    JSONATA_FUNCTION,  /* the result is a function */
    JSONATA_FAILED,    /* *reterr says why */
};

enum jsonata_outcome jsonata_eval(const struct jsonata *e, struct jsonata_env *env,
                                  struct json *ret_value, struct jsonata_error *reterr);

#endif
