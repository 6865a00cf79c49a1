/* The configuration file: which resource is carried out by what.
 *
 *   bindings:
 *     - resource: "arn:aws:lambda:*:*:function:*-split-*"
 *       exec: ["./jobs/split", "--name", "{name}"]    # or  http: URL   or  echo: true
 *       timeout_seconds: 600
 *       concurrency: 4
 *       environment: {KEY: "value"}
 *     - resource: "thumbnail"
 *       runtime: {command: ["python3", "-m", "awslambdaric", "app.handler"], concurrency: 2}
 *
 * The first binding whose pattern matches wins. A pattern may hold `*`. One with
 * a ':' is matched against the state's Resource and the function's ARN (with and
 * without its qualifier), one without against the function's name alone. So a
 * Task that names a function through arn:aws:states:::lambda:invoke is bound as
 * one that names it directly.
 *
 * Relative paths (a program with a '/') are relative to the file's folder, which
 * is also the working directory of commands. {name} in the words of a command
 * and in a URL is the function's name; the program itself may hold it only after
 * a '/', so that what can be run is always named by this file. docs/bindings.md
 * is the whole reference.
 *
 * The file as a whole is config/'s (config/config.h). Errors: INVALID_CONFIG with line
 * and column; unknown keys are refused with a suggestion. Ownership: arena. Immutable.
 */
#ifndef PAWL_TASK_BINDINGS_H
#define PAWL_TASK_BINDINGS_H

#include "json/yaml_reader.h"
#include "task/callee.h"

enum binding_kind {
    BINDING_EXEC,
    BINDING_HTTP,
    BINDING_ECHO,
    BINDING_RUNTIME,
};

enum {
    BINDINGS_MAX = 1000,
    BINDING_WORDS_MAX = 256,
    BINDING_PATTERN_MAX = 2048,             /* bytes */
    BINDING_TIMEOUT_SECONDS_MAX = 99999999, /* AWS's limit for TimeoutSeconds */
    BINDING_CONCURRENCY_MAX = 1000000,
    BINDING_HANDLER_MAX = 128, /* bytes: AWS's limit */
    BINDING_MEMORY_MB_MAX = 1 << 20,
    RUNTIME_WORKERS_MAX = 256, /* limit workers_max: of all bindings together */
    RUNTIME_CONCURRENCY_DEFAULT = 1,
    RUNTIME_IDLE_MS_DEFAULT = 600000, /* after which a worker without work is ended */
    RUNTIME_INIT_MS_DEFAULT = 60000,  /* in which a worker must ask for its first work */
    RUNTIME_MEMORY_MB_DEFAULT = 128,  /* Lambda's; only told to the worker */
};

/* Of a warm worker, beside its command. */
struct binding_runtime {
    struct str handler; /* _HANDLER; may be empty */
    uint64_t idle_ms, init_ms;
    uint32_t memory_mb;
};

struct binding {
    struct str resource; /* pattern */
    enum binding_kind kind;
    const struct str *argv; /* EXEC, RUNTIME: argc of them, {name} not yet filled in */
    size_t argc;
    struct str url; /* HTTP */
    struct binding_runtime runtime;
    struct json environment; /* object of strings, or absent */
    uint64_t timeout_ms;     /* 0: none, the state's own TimeoutSeconds holds */
    uint32_t concurrency;    /* 0: no bound but the global one; never 0 of RUNTIME */
};

struct bindings {
    const struct binding *items;
    size_t count;
    struct str folder; /* absolute */
};

/* The key of the file that they stand under. */
#define BINDINGS_KEY "bindings"

/* Reads them from the file's root, which may be absent: an empty set. `folder`, the
 * file's, is made absolute by the caller. Errors go to the reader. */
MUST_CHECK bool bindings_read(const struct yaml_reader *r, struct str folder,
                              struct bindings *ret_bindings);

/* NULL when nothing matches. */
const struct binding *bindings_find(const struct bindings *b, const struct callee *callee);

/* The text with each {name} replaced; in the arena, NUL-terminated. */
const char *binding_fill(struct arena *a, struct str text, struct str name);

#endif
