/* One expression of any of the three languages, evaluated for a person.
 *
 * Shape: a question goes in, an answer comes out; neither prints. What is printed of
 * an answer is eval_print's. The place of an error is in bytes of the text.
 * Ownership: everything is arena, or shared with the question.
 * Limits: the enum below, and those of the languages.
 */
#ifndef PAWL_CLI_EVAL_H
#define PAWL_CLI_EVAL_H

#include "cli/cli.h"
#include "expr/jsonata/jsonata.h"

enum {
    EVAL_MEMORY_MAX = 1 << 30,
    EVAL_STEPS_MAX = 100000000,
};

enum eval_language {
    EVAL_JSONATA,
    EVAL_JSONPATH,
    EVAL_INTRINSIC,
};

struct eval_setting {
    enum eval_language language;
    enum jsonata_level level;
    bool step_functions; /* its own functions and its limits, and no $eval */
};

struct eval_question {
    struct str text;
    struct json input;     /* absent: undefined, or {} for the languages that have no such thing */
    struct json variables; /* an object, or absent */
    uint64_t steps_max;
    size_t depth_max, held_max; /* 0: the language's */
};

struct eval_answer {
    enum {
        EVAL_VALUE,
        EVAL_UNDEFINED,
        EVAL_FUNCTION,
        EVAL_REFUSED, /* the text is no expression */
        EVAL_FAILED,  /* it is one, and it failed */
    } outcome;
    struct json value;
    struct jsonata_error error; /* code: of JSONata, "States.Runtime", or empty */
    struct str name;            /* of the error, as it is shown: "T2001"; may be empty */
    size_t from, to; /* the bytes of the text that are at fault; from SIZE_MAX: unknown */
};

/* The question with what the setting says about limits. */
struct eval_question eval_question_of(const struct eval_setting *setting, struct str text);

struct eval_answer eval_ask(struct arena *a, const struct eval_setting *setting,
                            const struct eval_question *question);

/* Is more text needed to make an expression of it: a bracket or a quote is open? */
bool eval_is_unfinished(const struct eval_answer *answer);

/* A value to o, pretty; an error to err, with the line of the text and a caret. Gives
 * the exit status. */
int eval_print(struct out *o, struct out *err, struct str text, const struct eval_answer *answer);

/* Reads lines of JSON from stdin and answers each. Gives the exit status. */
int eval_batch(struct cli *cli, const struct eval_setting *setting);

/* Reads expressions and commands until the end of stdin. The question's input and
 * variables are what it begins with. Gives the exit status. */
int eval_repl(struct cli *cli, const struct eval_setting *setting,
              const struct eval_question *question);

#endif
