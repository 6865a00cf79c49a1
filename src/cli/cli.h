/* The command line of Pawl: one descriptor a command, in one table.
 *
 * A command gets its parsed arguments and gives the exit status. Results go to
 * stdout; everything said about them (progress, errors, what to type next) to
 * stderr. docs/cli.md has the exit statuses; they are those of base/err.h.
 */
#ifndef PAWL_CLI_CLI_H
#define PAWL_CLI_CLI_H

#include "cli/options.h"
#include "cli/out.h"

struct cli {
    struct arguments arguments;
    struct arena *arena; /* for as long as the command runs */
    struct out out, err; /* stdout, stderr */
};

struct command {
    const char *name;
    const char *summary;   /* one line */
    const char *arguments; /* in the usage line: "FILE" */
    size_t arguments_min, arguments_max;
    const char *description; /* paragraphs */
    const char *examples;    /* lines */
    const struct option *options;
    int (*run)(struct cli *cli);
};

extern const struct command command_run, command_resume, command_rerun, command_retry,
    command_restart, command_pause, command_cancel, command_serve, command_start, command_wait,
    command_describe, command_stop, command_show, command_logs, command_history, command_ls,
    command_machines, command_activities, command_eval, command_worker, command_validate,
    command_completion, command_version, command_help;

/* In the order of the help; ends with NULL. */
extern const struct command *const commands[];

/* NULL when there is no such command. */
const struct command *command_find(const char *name);

/* Options that several commands take. */
#define OPTION_DATA                                                                                \
    {                                                                                              \
        "--data", OPTION_TEXT, "DIR", "The data directory. Default: $PAWL_DATA, else ./.pawl",     \
            NULL                                                                                   \
    }
#define OPTION_ENDPOINT                                                                            \
    {                                                                                              \
        "--endpoint", OPTION_TEXT, "URL",                                                          \
            "Ask the server at this address, http://127.0.0.1:8083 for example.\n"                 \
            "Default: $PAWL_ENDPOINT",                                                             \
            NULL                                                                                   \
    }
#define OPTION_JSON(what)                                                                          \
    {                                                                                              \
        "--json", OPTION_FLAG, NULL, "Print " what, NULL                                           \
    }
#define OPTION_END                                                                                 \
    {                                                                                              \
        NULL, 0, NULL, NULL, NULL                                                                  \
    }

/* argv as main has it. Gives the exit status. */
int cli_main(int argc, char **argv);

/* Prints the error with what to do, and gives its exit status. `file`: the name
 * of the text that the error's line and column are in; may be NULL. */
int cli_fail(struct cli *cli, const char *file, const struct err *err);

/* --endpoint, else $PAWL_ENDPOINT; NULL: neither, or empty. */
const char *cli_endpoint(const struct cli *cli);

/* help.c */
void help_print_overview(struct out *o);
void help_print_command(struct out *o, const struct command *command);
int help_fail_command(struct cli *cli, const char *name);

#endif
