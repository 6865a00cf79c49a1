#include "cli/cli.h"

/* Both scripts are made from the table of commands, so they know all that there is. */

static void print_words(struct out *o, const char *text)
{
    for (struct str rest = str_of_cstr(text); rest.len;) {
        size_t end = str_find_char(rest, ' ');
        out_printf(o, " " STR_FMT, STR_ARG(str_slice(rest, 0, end)));
        rest = end == SIZE_MAX ? STR("") : str_slice(rest, end + 1, rest.len);
    }
}

/* ---- bash ---- */

static void bash_options(struct out *o, const struct command *c)
{
    out_printf(o, "    %s) options='", c->name);
    for (const struct option *option = c->options; option->name; option++)
        out_printf(o, "%s ", option->name);
    out_text(o, "--help' ;;\n");
}

static void bash_choices(struct out *o, const struct command *c)
{
    for (const struct option *option = c->options; option->name; option++) {
        if (!option->choices)
            continue;
        out_printf(o, "    %s:%s) COMPREPLY=($(compgen -W '", c->name, option->name);
        print_words(o, option->choices);
        out_text(o, "' -- \"$word\")); return ;;\n");
    }
}

static void print_bash(struct out *o)
{
    out_text(o, "# pawl completion bash: put it where bash-completion looks, or\n"
                "#   source <(pawl completion bash)\n"
                "_pawl() {\n"
                "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
                "  local command=${COMP_WORDS[1]} options=\n"
                "  COMPREPLY=()\n"
                "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
                "    COMPREPLY=($(compgen -W '");
    for (size_t i = 0; commands[i]; i++)
        out_printf(o, "%s%s", i ? " " : "", commands[i]->name);
    out_text(o, "' -- \"$word\"))\n"
                "    return\n"
                "  fi\n"
                "  case $command:$before in\n");
    for (size_t i = 0; commands[i]; i++)
        if (commands[i]->options)
            bash_choices(o, commands[i]);
    out_text(o, "  esac\n"
                "  case $command in\n");
    for (size_t i = 0; commands[i]; i++)
        if (commands[i]->options)
            bash_options(o, commands[i]);
    out_text(o, "  esac\n"
                "  case $word in\n"
                "    -*) COMPREPLY=($(compgen -W \"$options\" -- \"$word\")) ;;\n"
                "    *) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n"
                "  esac\n"
                "}\n"
                "complete -o filenames -F _pawl pawl\n");
}

/* ---- zsh ---- */

/* Inside '...' of an _arguments specification. */
static void zsh_text(struct out *o, const char *text)
{
    for (; *text && *text != '\n'; text++) {
        if (*text == '\'')
            out_text(o, "'\\''");
        else if (*text == '[' || *text == ']' || *text == ':' || *text == '\\')
            out_printf(o, "\\%c", *text);
        else
            out_printf(o, "%c", *text);
    }
}

static void zsh_option(struct out *o, const struct option *option)
{
    out_printf(o, " \\\n        '%s[", option->name);
    zsh_text(o, option->help);
    out_text(o, "]");
    if (option->choices) {
        out_text(o, ":value:(");
        print_words(o, option->choices);
        out_text(o, ")");
    } else if (option->value) {
        out_text(o, ":");
        zsh_text(o, option->value);
        out_text(o, ":_files");
    }
    out_text(o, "'");
}

static void print_zsh(struct out *o)
{
    out_text(o, "#compdef pawl\n"
                "# pawl completion zsh: put it into a folder of $fpath as _pawl, or\n"
                "#   source <(pawl completion zsh)\n"
                "_pawl() {\n"
                "  if (( CURRENT == 2 )); then\n"
                "    local -a names=(\n");
    for (size_t i = 0; commands[i]; i++) {
        out_printf(o, "      '%s:", commands[i]->name);
        zsh_text(o, commands[i]->summary);
        out_text(o, "'\n");
    }
    out_text(o, "    )\n"
                "    _describe command names\n"
                "    return\n"
                "  fi\n"
                "  case $words[2] in\n");
    for (size_t i = 0; commands[i]; i++) {
        out_printf(o, "    %s) _arguments '2: :' '*:file:_files'", commands[i]->name);
        for (const struct option *option = commands[i]->options; option && option->name; option++)
            zsh_option(o, option);
        out_text(o, " ;;\n");
    }
    out_text(o, "  esac\n"
                "}\n"
                "compdef _pawl pawl\n");
}

static int run(struct cli *cli)
{
    const char *shell = cli->arguments.items[0];
    struct err err;
    if (strcmp(shell, "bash") == 0) {
        print_bash(&cli->out);
        return 0;
    }
    if (strcmp(shell, "zsh") == 0) {
        print_zsh(&cli->out);
        return 0;
    }
    err_set(&err, ERR_USAGE, "there is a completion for bash and for zsh, not for \"%s\"", shell);
    return cli_fail(cli, NULL, &err);
}

static const struct option options[] = {
    OPTION_END,
};

const struct command command_completion = {
    .name = "completion",
    .summary = "Print what makes a shell complete pawl's commands and options",
    .arguments = "bash|zsh",
    .arguments_min = 1,
    .arguments_max = 1,
    .description = "",
    .examples = "source <(pawl completion bash)\n"
                "pawl completion zsh >~/.zsh/functions/_pawl\n",
    .options = options,
    .run = run,
};
