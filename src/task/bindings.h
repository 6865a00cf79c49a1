/* The configuration file: which resource is carried out by what.
 *
 *   bindings:
 *     - resource: "arn:aws:lambda:*:*:function:*-split-*"
 *       exec: ["./jobs/split", "--name", "{name}"]    # or  http: URL   or  echo: true
 *       timeout_seconds: 600
 *       concurrency: 4
 *       environment: {KEY: "value"}
 *
 * The first binding whose pattern matches wins. A pattern may hold `*`; it is
 * matched against the resource's ARN and, when that has none of ':', against
 * the function's name. Relative paths (a program with a '/') are relative to
 * the file's folder, which is also the working directory of commands.
 *
 * Errors: INVALID_YAML, INVALID_CONFIG with line and column; unknown keys are
 * refused with a suggestion. Ownership: arena. Immutable.
 */
#ifndef PAWL_TASK_BINDINGS_H
#define PAWL_TASK_BINDINGS_H

#include "json/json.h"

enum binding_kind {
    BINDING_EXEC,
    BINDING_HTTP,
    BINDING_ECHO,
};

enum {
    CONFIG_SIZE_MAX = 1 << 20,
    BINDINGS_MAX = 1000,
    BINDING_TIMEOUT_DEFAULT_SECONDS = 0, /* none: the state's own TimeoutSeconds holds */
};

struct binding {
    struct str resource;        /* pattern */
    enum binding_kind kind;
    struct str *argv;           /* EXEC: argc of them, {name} not yet filled in */
    size_t argc;
    struct str url;             /* HTTP */
    struct json environment;    /* object of strings, or absent */
    int64_t timeout_ms;         /* 0: none */
    uint32_t concurrency;       /* 0: no bound but the global one */
};

struct bindings {
    const struct binding *items;
    size_t count;
    struct str folder; /* absolute */
};

/* `folder` is made absolute by the caller. An empty text is an empty set. */
MUST_CHECK bool bindings_parse(struct arena *a, struct str text, struct str folder,
                               struct bindings *ret_bindings, struct err *reterr);

/* NULL when nothing matches. */
const struct binding *bindings_find(const struct bindings *b, struct str resource,
                                    struct str function);

#endif
