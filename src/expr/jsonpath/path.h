/* JSONPath in the dialect of Step Functions (Jayway 2.0), not RFC 9535.
 *
 * A path is compiled once and evaluated many times. Roots: `$` the input, `$$`
 * the context object, `$name` a variable. A *definite* path (names and single
 * indexes only) gives one bare value; any other gives an array, even of one
 * match. A *reference path* (ResultPath, ItemsPath, ...Path) has only names,
 * ['...'] and single indexes.
 *
 * Ownership: arena. A compiled path is immutable and shareable between threads.
 * Limits: the enum below; evaluation spends env->steps_left. Evaluation never recurses by data.
 * Source: ../shared conformance notes; docs/adr/0004-jsonpath-dialect.md.
 */
#ifndef PAWL_EXPR_JSONPATH_PATH_H
#define PAWL_EXPR_JSONPATH_PATH_H

#include "expr/expr.h"

enum {
    PATH_TEXT_MAX = 8192,
    PATH_SEGMENTS_MAX = 256,
    PATH_FILTER_DEPTH_MAX = 32,
    PATH_PATTERN_MATCH_MAX = 100000, /* backtracking points of one match in a filter */
};

struct path;

enum path_root {
    PATH_ROOT_INPUT,
    PATH_ROOT_CONTEXT,
    PATH_ROOT_VARIABLE,
};

/* Errors: INVALID_PATH with offset. */
MUST_CHECK bool path_compile(struct arena *a, struct str text, const struct path **ret_path,
                             struct err *reterr);

struct str path_text(const struct path *p);
enum path_root path_root(const struct path *p);
/* The name of the variable, for PATH_ROOT_VARIABLE. */
struct str path_variable(const struct path *p);
bool path_is_definite(const struct path *p);
bool path_is_reference(const struct path *p);
/* Exactly "$". */
bool path_is_whole_input(const struct path *p);

enum path_outcome {
    PATH_FOUND,
    PATH_MISSING, /* leads nowhere: a definite path, or an indefinite one where the dialect minds */
    PATH_FAILED,  /* the dialect fails here (an index of what is no array...), or a budget is spent
                   */
};

/* On PATH_FOUND *ret_value is set. Otherwise *ret_why says why in the words of
 * AWS: "No results for path: $['x']", "Missing property in path $['no']". Both lie
 * in env->out or are shared with what the path reads. */
enum path_outcome path_eval(const struct path *p, struct expr_env *env, struct json *ret_value,
                            struct str *ret_why);

/* As path_eval with `root` in place of what the path's own root means. */
enum path_outcome path_eval_at(const struct path *p, struct json root, struct expr_env *env,
                               struct json *ret_value, struct str *ret_why);

/* `root` with the value put where a reference path points (ResultPath): missing
 * members are made, what is no object on the way is replaced by one; an index
 * must exist (else PATH_MISSING). The path's root letter is not looked at.
 * *ret_why as path_eval. Shares everything else with root. */
enum path_outcome path_put(const struct path *p, struct json root, struct json value,
                           struct expr_env *env, struct json *ret_value, struct str *ret_why);

#endif
