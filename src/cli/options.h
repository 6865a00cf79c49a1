/* The command line: described by tables, parsed once, asked by name.
 *
 * Options may stand before or after the arguments. "--name VALUE" and
 * "--name=VALUE" mean the same, "--" ends the options, "-" alone is an argument
 * or a value. Unknown options and values get an error that suggests the nearest
 * known one. Everything borrows argv and the tables.
 */
#ifndef PAWL_CLI_OPTIONS_H
#define PAWL_CLI_OPTIONS_H

#include "base/err.h"

enum {
    OPTIONS_MAX = 32, /* of one command */
    ARGUMENTS_MAX = 1000,
    OPTION_VALUES_MAX = 64, /* of all OPTION_MANY together */
};

enum option_type {
    OPTION_FLAG,
    OPTION_TEXT,
    OPTION_CHOICE, /* one of `choices`, whatever the case */
    OPTION_MANY,   /* a text that may be given again and again */
};

struct option {
    const char *name; /* "--input" */
    enum option_type type;
    const char *value;   /* what stands in the help: "JSON" */
    const char *help;    /* one line or two; later lines are set in under the first */
    const char *choices; /* OPTION_CHOICE: separated by blanks */
};

struct options {
    const struct option *table; /* ends with a NULL name */
    const char *command;        /* for errors: "run" */
};

struct arguments {
    struct options options;
    const char *values[OPTIONS_MAX]; /* by place in the table; a flag's is "" */
    struct {
        size_t place;
        const char *value;
    } many[OPTION_VALUES_MAX];
    size_t many_count;
    const char *items[ARGUMENTS_MAX];
    size_t count;
    bool help; /* --help or -h stood somewhere */
};

/* argv: what follows the command's name. Error: USAGE. */
MUST_CHECK bool arguments_parse(const struct options *options, int argc, char **argv,
                                struct arguments *ret, struct err *reterr);

/* NULL when it was not given. The name must be in the table (asserted). */
const char *option_text(const struct arguments *a, const char *name);
/* Of options that not every command has: NULL as well when it is not in the table. */
const char *option_if_known(const struct arguments *a, const char *name);
/* The value of its index-th giving; NULL: there are fewer. */
const char *option_nth(const struct arguments *a, const char *name, size_t index);
bool option_given(const struct arguments *a, const char *name);

/* The nearest of `count` names `stride` bytes apart, or NULL when none is near.
 * Names are the first member of their structs; NULL names are passed over. */
const char *suggest_name(const char *name, const void *table, size_t count, size_t stride);

#endif
