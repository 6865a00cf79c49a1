/* What the files of jsonata/ share. Included only there.
 *
 * Values are struct json with private marks that never leave the evaluator:
 * functions have a tag of their own, and an array may be a *sequence* (the result
 * of a path, which a single item stands for), be kept although single (`[]`), or be
 * one that an array constructor made (not flattened by paths). Undefined is absent.
 * A number may be an infinity or NaN here. Test and make values with the
 * functions below, not with json_double and json_type.
 */
#ifndef PAWL_EXPR_JSONATA_JSONATA_INTERNAL_H
#define PAWL_EXPR_JSONATA_JSONATA_INTERNAL_H

#include "expr/jsonata/jsonata.h"

enum {
    JX_TAG_FUNCTION = 64, /* u.items is a struct jx_callable */
};

enum {
    JX_SEQUENCE = 2,
    JX_KEEP_SINGLETON = 4,
    JX_CONS = 8,
    JX_WRAPPER = 16,
    JX_TUPLES = 32,
    JX_GROWS = 64, /* see jx_append: only for what stands at the very items it made */
};

struct jx_callable;
struct jx_regex;
struct jx_frame;

/* One evaluation. Functions may use: out, now, rng, and the calls below. */
struct jx {
    struct arena *out; /* all results and temporaries */
    struct wall_ms now;
    struct rng *rng;
    uint64_t steps_left;
    size_t depth, depth_max; /* of evaluations */
    size_t held_max;         /* 0: no bound */
    size_t calls;            /* of calls within one another */
    bool failed;             /* err is filled */
    struct jsonata_error err;
    size_t err_index;    /* {{index}} of the message */
    struct str err_type; /* {{type}} of the message */
    bool walks_frames;   /* $eval may bind any name */
    const struct jsonata *expression;
    const struct expr_vars *vars;
    struct json input;            /* of the whole: `$$` */
    struct json focus;            /* the context item of the function being called */
    const struct jx_frame *frame; /* the variables of the function being called, for $eval */
};

/* ---- built-in functions ---- */

/* One row each. `args` has `count` items after the signature was applied: checked,
 * the context put in where the signature says `-`, single values wrapped where it
 * says `a<..>`; a missing optional argument is absent, and count is then at least the
 * number of the signature's parameters. Without a signature: as they were given.
 * An absent *ret is undefined. false: jx_fail was called. */
struct jx_builtin {
    struct str name;       /* without `$` */
    const char *signature; /* "<s-nn?:s>", or NULL */
    bool (*call)(struct jx *x, const struct json *args, size_t count, struct json *ret);
    uint8_t level;  /* JX_ROW_...: who has it */
    uint8_t params; /* without a signature: how many it takes, for $map and its like */
};

enum {
    JX_ROW_ALWAYS,
    JX_ROW_EVAL,           /* with options.allow_eval */
    JX_ROW_STEP_FUNCTIONS, /* with options.step_functions, before a row of the same name */
};

struct jx_table {
    const struct jx_builtin *rows;
    size_t count;
};

/* Every file of functions has one; jsonata_functions.c lists them. */
extern const struct jx_table jx_table_core, jx_table_arrays, jx_table_objects,
    jx_table_step_functions;

/* ---- failing: all return false ---- */

/* The code names the message in jsonata_errors.c; {{value}} and {{token}} in it are
 * filled in, {{index}} and {{value2}} likewise. Position and token are those of the call. */
bool jx_fail(struct jx *x, const char *code);
bool jx_fail_value(struct jx *x, const char *code, struct json value);
bool jx_fail_value2(struct jx *x, const char *code, struct json value, struct json value2);
/* With words of our own in place of the table's. */
bool jx_fail_words(struct jx *x, const char *code, struct str message);

/* Takes n steps and checks the memory; false with the failure set. Loops over data
 * ask it: once a turn, or once beforehand with the number of turns. */
MUST_CHECK bool jx_spend(struct jx *x, uint64_t n);
/* Before one block whose size the data decides. */
MUST_CHECK bool jx_room(struct jx *x, size_t size);
/* Does held_max allow an array of so many items, a text of so many bytes? Asked where an
 * operator or a function may make much out of little. */
MUST_CHECK bool jx_holds_items(struct jx *x, uint64_t count);
MUST_CHECK bool jx_holds_text(struct jx *x, size_t size);

/* ---- values ---- */

static inline bool jx_is_function(struct json v)
{
    return v.tag == JX_TAG_FUNCTION;
}

static inline bool jx_is_sequence(struct json v)
{
    return json_is_array(v) && (v.flags & JX_SEQUENCE);
}

/* Any double; an integer when it is one. */
struct json jx_number(double value);
double jx_to_double(struct json number);

/* The array as a sequence: at the end of the call none becomes undefined, one itself. */
static inline struct json jx_sequence(struct json array)
{
    array.flags |= JX_SEQUENCE;
    return array;
}
/* A sequence of none: absent; of one (not kept): the item. */
struct json jx_singleton(struct json v);

/* JSONata's truth of a value: what $boolean gives; absent is false. */
bool jx_truth(struct json v);
/* JSONata's `=`: deep equality. */
MUST_CHECK bool jx_deep_equal(struct jx *x, struct json a, struct json b, bool *ret_equal);
/* "string", "number", ... as $type gives them. */
struct str jx_type_name(struct json v);

/* $string: strings as they are, numbers with 15 significant digits, functions as
 * "", infinities refused (D3001). */
MUST_CHECK bool jx_to_string(struct jx *x, struct json v, bool pretty, struct str *ret_text);
/* A number as $string writes it; returns the length. */
enum {
    JX_NUMBER_SIZE = 40
};
size_t jx_number_format(double value, char to[static JX_NUMBER_SIZE]);

/* ---- calling a function value ---- */

MUST_CHECK bool jx_call(struct jx *x, struct json function, const struct json *args, size_t count,
                        struct json *ret);
/* How many parameters it declares. */
size_t jx_arity(struct json function);
/* The regular expression that a function value is, or NULL (then it is a matcher
 * that gives {match, start, end, groups, next} or undefined when called). */
const struct jx_regex *jx_regex_of(struct json function);

/* ---- regular expressions (regex.c) ---- */

/* JavaScript's syntax; flags of i, m (and g, which changes nothing). Lives in the
 * arena. false: the pattern is not one. */
MUST_CHECK bool jx_regex_compile(struct arena *a, struct str pattern, struct str flags,
                                 const struct jx_regex **ret_regex);

struct jx_match {
    size_t start, end;  /* bytes of the subject */
    struct json groups; /* array of strings; "" for a group that took no part */
};

/* The first match at or after byte `from`. false: failed (a match limit); *ret_found
 * says whether there is one. */
MUST_CHECK bool jx_regex_match(struct jx *x, const struct jx_regex *regex, struct str subject,
                               size_t from, bool *ret_found, struct jx_match *ret_match);

#endif
