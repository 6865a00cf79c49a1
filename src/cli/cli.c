#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const struct command *const commands[] = {
    &command_run,      &command_resume,     &command_rerun,      &command_retry,  &command_restart,
    &command_pause,    &command_cancel,     &command_serve,      &command_start,  &command_wait,
    &command_describe, &command_stop,       &command_show,       &command_logs,   &command_history,
    &command_ls,       &command_machines,   &command_activities, &command_worker, &command_eval,
    &command_validate, &command_completion, &command_version,    &command_help,   NULL,
};

const struct command *command_find(const char *name)
{
    for (size_t i = 0; commands[i]; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

/* "(line 3, column 5)" at the end says again what stands before the message. */
static struct str without_place(const struct err *err)
{
    char place[64];
    struct str message = str_of_cstr(err->message);
    snprintf(place, sizeof(place), " (line %u, column %u)", err->line, err->column);
    if (err->line && str_ends_with(message, str_of_cstr(place)))
        message.len -= strlen(place);
    return message;
}

/* Most messages say themselves what to do; these codes mostly come from below. */
static bool remedy_helps(enum err_code code)
{
    return code == ERR_PERMISSION || code == ERR_DISK_FULL || code == ERR_IO ||
           code == ERR_CORRUPT || code == ERR_NEWER_SCHEMA || code == ERR_INTERNAL;
}

static void print_titled(struct out *o, enum style style, const char *title, struct str text)
{
    out_style(o, style);
    out_text(o, title);
    out_style(o, STYLE_OFF);
    out_foreign(o, text, 0);
    out_text(o, "\n");
}

int cli_fail(struct cli *cli, const char *file, const struct err *err)
{
    struct out *o = &cli->err;
    const char *command = cli->arguments.options.command;
    struct str message = str_of_cstr(err->message);
    if (file) {
        message = arena_printf(cli->arena, "%s:", file);
        if (err->line)
            message = arena_printf(cli->arena, "%s:%u:%u:", file, err->line, err->column);
        message = arena_printf(cli->arena, STR_FMT " " STR_FMT, STR_ARG(message),
                               STR_ARG(without_place(err)));
    }
    print_titled(o, STYLE_BAD, "error: ", message);
    if (*err->detail && remedy_helps(err->code))
        print_titled(o, STYLE_DIM, "detail: ", str_of_cstr(err->detail));
    if (err->code == ERR_USAGE)
        print_titled(o, STYLE_HELP, "help: ",
                     command ? arena_printf(cli->arena, "pawl %s --help", command)
                             : STR("pawl help"));
    else if (remedy_helps(err->code))
        print_titled(o, STYLE_HELP, "help: ", str_of_cstr(err_remedy(err->code)));
    out_flush(o);
    return err_exit_status(err->code);
}

const char *cli_endpoint(const struct cli *cli)
{
    const char *url = option_text(&cli->arguments, "--endpoint");
    if (!url)
        url = getenv("PAWL_ENDPOINT");
    return url && *url ? url : NULL;
}

static bool count_check(const struct command *command, const struct arguments *a,
                        struct err *reterr)
{
    if (a->count < command->arguments_min)
        return err_set(reterr, ERR_USAGE, "pawl %s needs %s", command->name, command->arguments);
    if (a->count > command->arguments_max)
        return err_set(reterr, ERR_USAGE, "pawl %s: \"%s\" is one argument too many", command->name,
                       a->items[command->arguments_max]);
    return true;
}

static int command_main(struct cli *cli, const struct command *command, int argc, char **argv)
{
    struct options options = {.table = command->options, .command = command->name};
    struct err err;
    cli->arguments.options = options;
    if (!arguments_parse(&options, argc, argv, &cli->arguments, &err))
        return cli_fail(cli, NULL, &err);
    if (cli->arguments.help) {
        help_print_command(&cli->out, command);
        return 0;
    }
    if (!count_check(command, &cli->arguments, &err))
        return cli_fail(cli, NULL, &err);
    return command->run(cli);
}

static int dispatch(struct cli *cli, int argc, char **argv)
{
    if (argc < 2) {
        help_print_overview(&cli->err);
        return err_exit_status(ERR_USAGE);
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    else if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        name = "version";
    const struct command *command = command_find(name);
    if (!command)
        return help_fail_command(cli, name);
    return command_main(cli, command, argc - 2, argv + 2);
}

int cli_main(int argc, char **argv)
{
    struct arena *arena = arena_new(0);
    struct cli *cli = ARENA_NEW(arena, struct cli);
    cli->arena = arena;
    cli->out = out_of(STDOUT_FILENO);
    cli->err = out_of(STDERR_FILENO);
    int status = dispatch(cli, argc, argv);
    out_release(&cli->out);
    out_release(&cli->err);
    arena_free(arena);
    return status;
}
