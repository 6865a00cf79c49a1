#include "asl/compile.h"
#include "asl/report.h"
#include "cli/cli.h"
#include "os/files.h"

struct checked {
    struct str file, text;
    struct diag_list diags;
    struct err syntax;
    bool valid;
};

/* False: the file could not be read, and that is said. */
static bool check(struct cli *cli, const char *path, struct checked *ret, int *status)
{
    struct err err;
    const struct machine *machine = NULL;
    *ret = (struct checked){.file = str_of_cstr(path), .diags = diag_list(cli->arena)};
    if (!file_read(cli->arena, path, DEFINITION_SIZE_MAX, &ret->text, &err)) {
        *status = cli_fail(cli, NULL, &err);
        return false;
    }
    ret->valid = asl_compile(cli->arena, ret->text, &ret->diags, &machine, &ret->syntax);
    if (ret->valid && option_given(&cli->arguments, "--strict")) {
        asl_check_documented(machine, &ret->diags);
        ret->valid = ret->diags.error_count == 0;
    }
    return true;
}

static void print_json(struct cli *cli, const struct checked *c, bool first)
{
    struct buf *b = &cli->out.buf;
    out_text(&cli->out, first ? "[\n  {\"file\": " : ",\n  {\"file\": ");
    json_write_string(b, c->file);
    out_text(&cli->out, c->valid ? ", \"valid\": true, " : ", \"valid\": false, ");
    out_text(&cli->out, "\"diagnostics\": ");
    report_json(b, c->text, &c->diags, &c->syntax);
    out_text(&cli->out, "}");
}

static void print_text(struct cli *cli, const struct checked *c)
{
    struct out *o = &cli->out;
    size_t warnings = 0;
    for (size_t i = 0; i < c->diags.count; i++)
        warnings += c->diags.items[i].severity == DIAG_WARNING;
    report_text(&o->buf, c->file, c->text, &c->diags, &c->syntax, o->colour);
    out_style(o, c->valid ? STYLE_GOOD : STYLE_BAD);
    out_text(o, c->valid ? "✔ " : "✘ ");
    out_style(o, STYLE_OFF);
    out_foreign(o, c->file, 0);
    if (c->valid)
        out_text(o, " is valid");
    else
        out_printf(o, " has %zu %s", c->diags.error_count,
                   c->diags.error_count == 1 ? "error" : "errors");
    if (warnings)
        out_printf(o, "%s%zu %s", c->valid ? ", with " : " and ", warnings,
                   warnings == 1 ? "warning" : "warnings");
    out_text(o, "\n");
}

static int run(struct cli *cli)
{
    bool json = option_given(&cli->arguments, "--json");
    bool first = true;
    int status = 0;
    for (size_t i = 0; i < cli->arguments.count; i++) {
        struct checked c;
        if (!check(cli, cli->arguments.items[i], &c, &status))
            continue;
        if (!c.valid && status == 0)
            status = err_exit_status(ERR_INVALID_DEFINITION);
        if (json)
            print_json(cli, &c, first);
        else
            print_text(cli, &c);
        first = false;
    }
    if (json)
        out_text(&cli->out, first ? "[]\n" : "\n]\n");
    return status;
}

static const struct option options[] = {
    {"--strict", OPTION_FLAG, NULL,
     "Also as \"aws_limits: strict\" in pawl.yaml has it: JSONata must be of\n"
     "the level 2.0.6 that Step Functions documents",
     NULL},
    OPTION_JSON("the diagnostics as JSON: a list with one object a file"),
    OPTION_END,
};

const struct command command_validate = {
    .name = "validate",
    .summary = "Check definitions without running them",
    .arguments = "FILE...",
    .arguments_min = 1,
    .arguments_max = ARGUMENTS_MAX,
    .description =
        "Says everything that is wrong with each definition, with its line and column and\n"
        "what to do. \"-\" stands for stdin. Warnings alone are no failure.\n"
        "Exit status: 0 all valid, 1 something is wrong, 4 no such file.\n",
    .examples = "pawl validate order.asl.json\n"
                "pawl validate flows/*.yaml --json\n"
                "pawl validate --strict deploy.asl.json\n",
    .options = options,
    .run = run,
};
