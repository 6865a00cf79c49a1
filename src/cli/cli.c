#include "cli/cli.h"

#include <stdio.h>
#include <unistd.h>

const struct command *const commands[] = {
    &command_run,      &command_show,    &command_history, &command_ls,
    &command_validate, &command_version, &command_help,    NULL,
};

const struct command *command_find(const char *name)
{
    for (size_t i = 0; commands[i]; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

int cli_fail(struct cli *cli, const char *file, const struct err *err)
{
    struct out *o = &cli->err;
    out_style(o, STYLE_BAD);
    out_text(o, "error: ");
    out_style(o, STYLE_OFF);
    if (file) {
        out_foreign(o, str_of_cstr(file), 0);
        if (err->line)
            out_printf(o, ":%u:%u", err->line, err->column);
        out_text(o, ": ");
    }
    out_foreign(o, str_of_cstr(err->message), 0);
    out_text(o, "\n");
    if (*err->detail) {
        out_style(o, STYLE_DIM);
        out_text(o, "detail: ");
        out_foreign(o, str_of_cstr(err->detail), 0);
        out_style(o, STYLE_OFF);
        out_text(o, "\n");
    }
    const char *remedy = err_remedy(err->code);
    if (err->code == ERR_USAGE && cli->arguments.options.command) {
        out_style(o, STYLE_HELP);
        out_text(o, "help: ");
        out_style(o, STYLE_OFF);
        out_printf(o, "pawl %s --help\n", cli->arguments.options.command);
    } else if (*remedy) {
        out_style(o, STYLE_HELP);
        out_text(o, "help: ");
        out_style(o, STYLE_OFF);
        out_printf(o, "%s\n", remedy);
    }
    out_flush(o);
    return err_exit_status(err->code);
}

static bool count_check(const struct command *command, const struct arguments *a,
                        struct err *reterr)
{
    if (a->count < command->arguments_min)
        return err_set(reterr, ERR_USAGE, "pawl %s needs %s.", command->name, command->arguments);
    if (a->count > command->arguments_max)
        return err_set(reterr, ERR_USAGE, "pawl %s takes %s; \"%s\" is one too many.",
                       command->name, *command->arguments ? command->arguments : "no arguments",
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
