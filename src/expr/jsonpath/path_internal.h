/* A compiled path, as the files of jsonpath/ see it. Included only inside expr/.
 *
 * Everything here lies in the arena that path_compile was given and never
 * changes afterwards.
 */
#ifndef PAWL_EXPR_JSONPATH_PATH_INTERNAL_H
#define PAWL_EXPR_JSONPATH_PATH_INTERNAL_H

#include "expr/jsonpath/path.h"

enum segment_kind {
    SEGMENT_NAME,     /* .a or ['a'] */
    SEGMENT_NAMES,    /* ['a','b'], last only: an object of these members */
    SEGMENT_INDEX,    /* [3] */
    SEGMENT_FROM_END, /* [(@.length-1)] */
    SEGMENT_INDEXES,  /* [0,2] */
    SEGMENT_SLICE,    /* [1:], [:2], [1:2] */
    SEGMENT_WILDCARD, /* * */
    SEGMENT_SCAN,     /* ..: the next segment, at every object and array below */
    SEGMENT_FILTER,   /* [?(...)] */
};

struct segment {
    enum segment_kind kind;
    /* A name that is missing here is no match instead of a failure. */
    bool forgives;
    bool has_from, has_to; /* of a slice */
    int32_t from, to;      /* of a slice; `from` also the index, or the offset from the end */
    uint32_t count;        /* of names or indexes */
    union {
        const struct str *names;
        const int32_t *indexes;
        const struct filter *filter;
    } u;
    struct str text; /* normalised, "['a']", for the words of a failure */
};

struct path {
    struct str text, variable;
    enum path_root root;
    bool definite, reference;
    bool literal; /* each segment's text is the step it takes */
    const struct segment *segments;
    size_t count;
};

enum filter_operator {
    FILTER_EXISTS,
    FILTER_MISSING,
    FILTER_EQUAL,
    FILTER_NOT_EQUAL,
    FILTER_LESS,
    FILTER_LESS_EQUAL,
    FILTER_GREATER,
    FILTER_GREATER_EQUAL,
    FILTER_MATCHES,
};

enum operand_kind {
    OPERAND_LITERAL,
    OPERAND_ITEM_PATH, /* @... */
    OPERAND_ROOT_PATH, /* $... */
    OPERAND_PATTERN,   /* /.../ or /.../i */
};

struct operand {
    enum operand_kind kind;
    struct json literal; /* always a string: comparing decides what it stands for */
    struct json number;  /* which number a literal spells; absent when none */
    const struct path *path;
    const struct pattern *pattern;
};

struct criterion {
    enum filter_operator op;
    bool begins_group; /* stands behind ||, or first */
    struct operand left, right;
};

/* A filter is its comparisons in a row: groups joined by ||, inside a group by
 * &&. Parentheses do not group; see the ADR. */
struct filter {
    const struct criterion *items;
    size_t count;
};

/* ---- compiling ---- */

/* A text being compiled; positions are offsets in `whole`. */
struct path_scanner {
    struct arena *arena;
    struct str whole;
    struct str text; /* the part of it that is scanned */
    size_t at;       /* in text */
    unsigned depth;  /* filters around this path */
    struct err *reterr;
};

/* err_set with the position in the whole text; always false. */
bool path_refuse(const struct path_scanner *s, const char *at, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* What stands between "[?" and "]" of the scanner's text. */
bool filter_compile(const struct path_scanner *s, struct str inside,
                    const struct filter **ret_filter);

/* The number that a text spells; absent when none. A sign '+' and leading zeros are
 * taken. */
struct json filter_number(struct arena *a, struct str text);

/* A path inside a filter, "@..." or "$...". */
bool path_compile_operand(const struct path_scanner *s, struct str text,
                          const struct path **ret_path);

/* ---- patterns ---- */

/* text: with its slashes. false with *ret_why when it is no regular expression. */
bool pattern_compile(struct arena *a, struct str text, const struct pattern **ret_pattern,
                     struct str *ret_why);

enum pattern_outcome {
    PATTERN_MATCHES,
    PATTERN_DIFFERS,
    PATTERN_LIMIT, /* PATH_PATTERN_MATCH_MAX, or the expression's steps */
};

/* Does the pattern match the whole subject? */
enum pattern_outcome pattern_match(const struct pattern *p, struct str subject,
                                   struct expr_env *env);

/* ---- evaluating ---- */

/* Does the filter accept the item? false: failed, *ret_why says why. */
MUST_CHECK bool filter_accepts(const struct filter *f, struct json item, struct json root,
                               struct expr_env *env, bool *ret_accepts, struct str *ret_why);

/* As path_eval_at for a definite path, but a missing value is not worded. */
enum path_outcome path_eval_quietly(const struct path *p, struct json root, struct expr_env *env,
                                    struct json *ret_value, struct str *ret_why);

#endif
