#include "cli/cli.h"

static void heading(struct out *o, const char *text)
{
    out_style(o, STYLE_BOLD);
    out_text(o, text);
    out_style(o, STYLE_OFF);
    out_text(o, "\n");
}

/* Each line of the text set in by two blanks. */
static void set_in(struct out *o, const char *text)
{
    struct str rest = str_of_cstr(text);
    while (rest.len) {
        size_t end = str_find_char(rest, '\n');
        struct str line = str_slice(rest, 0, end);
        out_printf(o, "%s" STR_FMT "\n", line.len ? "  " : "", STR_ARG(line));
        rest = str_slice(rest, end == SIZE_MAX ? rest.len : end + 1, rest.len);
    }
}

void help_print_overview(struct out *o)
{
    out_text(o, "Pawl runs workflows written in Amazon States Language and never loses a finished "
                "step.\n\n");
    heading(o, "Usage");
    out_text(o, "  pawl COMMAND [ARGUMENTS] [OPTIONS]\n\n");
    heading(o, "Commands");
    for (size_t i = 0; commands[i]; i++)
        out_printf(o, "  %-12s%s\n", commands[i]->name, commands[i]->summary);
    out_text(o, "\n");
    heading(o, "Begin with");
    out_text(o, "  pawl run hello.asl.json --input '{\"name\": \"you\"}'\n"
                "  pawl show\n\n");
    heading(o, "Exit status");
    out_text(o, "    0  done; the execution succeeded\n"
                "    1  the execution failed, or a definition is not valid\n"
                "    2  wrong usage, or a text that cannot be used\n"
                "    4  not found, or not to be told apart\n"
                "    5  the name is taken, or another process holds the data directory\n"
                "    6  the disk or the permissions refuse\n"
                "    7  the stored data is damaged\n"
                "  130  interrupted; the execution can go on\n\n"
                "pawl COMMAND --help says more about each, with examples.\n");
}

/* "--input JSON|@FILE|-" */
static size_t option_width(const struct option *option)
{
    return strlen(option->name) + (option->value ? strlen(option->value) + 1 : 0);
}

static void print_option(struct out *o, const struct option *option, size_t width)
{
    struct str rest = str_of_cstr(option->help);
    int used = (int)option_width(option);
    out_printf(o, "  %s%s%s%*s", option->name, option->value ? " " : "",
               option->value ? option->value : "", (int)width - used + 2, "");
    for (bool first = true; rest.len; first = false) {
        size_t end = str_find_char(rest, '\n');
        out_printf(o, "%*s" STR_FMT "\n", first ? 0 : (int)width + 4, "",
                   STR_ARG(str_slice(rest, 0, end)));
        rest = str_slice(rest, end == SIZE_MAX ? rest.len : end + 1, rest.len);
    }
}

static void print_options(struct out *o, const struct option *options)
{
    static const struct option help = {"--help", OPTION_FLAG, NULL, "Print this", NULL};
    size_t width = option_width(&help);
    for (size_t i = 0; options[i].name; i++)
        if (option_width(&options[i]) > width)
            width = option_width(&options[i]);
    heading(o, "Options");
    for (size_t i = 0; options[i].name; i++)
        print_option(o, &options[i], width);
    print_option(o, &help, width);
}

void help_print_command(struct out *o, const struct command *command)
{
    out_printf(o, "%s.\n\n", command->summary);
    heading(o, "Usage");
    out_printf(o, "  pawl %s%s%s%s\n\n", command->name, *command->arguments ? " " : "",
               command->arguments, command->options[0].name ? " [OPTIONS]" : "");
    if (*command->description) {
        out_text(o, command->description);
        out_text(o, "\n");
    }
    print_options(o, command->options);
    out_text(o, "\n");
    heading(o, "Examples");
    set_in(o, command->examples);
}

int help_fail_command(struct cli *cli, const char *name)
{
    struct err err;
    const char *names[32];
    size_t count = 0;
    for (; commands[count]; count++)
        names[count] = commands[count]->name;
    const char *near = suggest_name(name, names, count, sizeof(names[0]));
    cli->arguments.options.command = NULL;
    if (near)
        err_set(&err, ERR_USAGE, "there is no command \"%s\"; did you mean \"%s\"?", name, near);
    else
        err_set(&err, ERR_USAGE, "there is no command \"%s\"", name);
    return cli_fail(cli, NULL, &err);
}

static int run(struct cli *cli)
{
    if (cli->arguments.count == 0) {
        help_print_overview(&cli->out);
        return 0;
    }
    const struct command *command = command_find(cli->arguments.items[0]);
    if (!command)
        return help_fail_command(cli, cli->arguments.items[0]);
    help_print_command(&cli->out, command);
    return 0;
}

static const struct option options[] = {OPTION_END};

const struct command command_help = {
    .name = "help",
    .summary = "Say what a command does",
    .arguments = "[COMMAND]",
    .arguments_max = 1,
    .description = "",
    .examples = "pawl help\npawl help run\n",
    .options = options,
    .run = run,
};
