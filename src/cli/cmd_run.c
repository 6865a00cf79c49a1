#include "cli/definition_file.h"
#include "cli/input_option.h"
#include "cli/render.h"
#include "cli/session.h"
#include "os/files.h"

/* ---- what to run ---- */

static int load_definition(struct session *s, const char *path)
{
    struct definition_file file = {0};
    int status = definition_file_read(s->cli, path, &file);
    const char *name = option_text(&s->cli->arguments, "--machine");
    s->start.definition = file.text;
    s->start.machine_name = name ? str_of_cstr(name) : file.name;
    s->machine = file.machine;
    return status;
}

static int load(struct session *s)
{
    struct arguments *a = &s->cli->arguments;
    const char *file = a->count ? a->items[0] : NULL;
    const char *name = option_text(a, "--name");
    struct err err;
    if (option_given(a, "--resume")) {
        if (file || name || option_given(a, "--input") || option_given(a, "--machine")) {
            err_set(&err, ERR_USAGE,
                    "--resume goes on with what was started: give no FILE, --input, --name or "
                    "--machine with it");
            return cli_fail(s->cli, NULL, &err);
        }
        return session_load_config(s, NULL);
    }
    if (!file) {
        err_set(&err, ERR_USAGE, "pawl run needs the FILE of a definition, or --resume ID");
        return cli_fail(s->cli, NULL, &err);
    }
    const char *input = option_text(a, "--input");
    if (strcmp(file, "-") == 0 && input && strcmp(input, "-") == 0) {
        err_set(&err, ERR_USAGE, "FILE and --input cannot both be stdin");
        return cli_fail(s->cli, NULL, &err);
    }
    s->start.name = str_of_cstr(name);
    int status = load_definition(s, file);
    if (!status && (input || !option_given(a, "--reuse"))) /* else it has that one's input */
        status = input_option_read(s->cli, &s->start.input);
    if (!status)
        status = session_load_config(s, file);
    /* A server has settings of its own. */
    if (!status && !cli_endpoint(s->cli) && s->bound.config.settings.aws_limits_strict)
        status = definition_file_check_documented(s->cli, file, s->start.definition, s->machine);
    return status;
}

/* What is to be skipped, or taken over from another execution. */
static int load_wish(struct session *s)
{
    struct err err;
    if (!wish_given(s->cli))
        return 0;
    if (option_given(&s->cli->arguments, "--resume")) {
        err_set(&err, ERR_USAGE,
                "--resume goes on with what was interrupted; pawl resume skips steps, and shows a "
                "plan");
        return cli_fail(s->cli, NULL, &err);
    }
    s->id = option_text(&s->cli->arguments, "--reuse");
    s->wish = ARENA_NEW(s->cli->arena, struct wish);
    return wish_read(s->cli, WISH_START, s->wish);
}

static int run(struct cli *cli)
{
    struct session *s = session_new(cli);
    s->id = option_text(&cli->arguments, "--resume");
    int status = load(s);
    if (!status)
        status = load_wish(s);
    if (!status)
        status = session_run(s);
    session_release(s);
    return status;
}

static const struct option options[] = {
    OPTION_INPUT,
    {"--name", OPTION_TEXT, "NAME",
     "A name for the execution, unique for its machine. Starting the\n"
     "same name with the same input again goes on with it.",
     NULL},
    {"--machine", OPTION_TEXT, "NAME",
     "The state machine's name. Default: FILE's up to the first dot", NULL},
    {"--resume", OPTION_TEXT, "ID",
     "Go on with an execution that was interrupted, instead of\nstarting one", NULL},
    {"--config", OPTION_TEXT, "FILE",
     "What carries out the tasks. Default: pawl.yaml beside FILE,\n"
     "with --resume in this directory",
     NULL},
    OPTIONS_OF_STARTS,
    OPTION_JSON("the plan of a --dry-run as JSON"),
    OPTION_DATA,
    OPTION_ENDPOINT,
    OPTION_END,
};

const struct command command_run = {
    .name = "run",
    .summary = "Run a workflow and wait for its end",
    .arguments = "FILE | --resume ID",
    .arguments_max = 1,
    .description =
        "FILE is a definition in Amazon States Language, as JSON or YAML. Steps are told on\n"
        "stderr as they happen; the output goes to stdout as JSON.\n"
        "Ctrl-C ends running commands and leaves the execution RUNNING: its finished steps are\n"
        "kept, and --resume goes on with it.\n"
        "While another pawl holds the data directory, the execution runs in that one and is\n"
        "followed here; Ctrl-C then only detaches. It goes on here when the other one ends.\n"
        "Exit status: 0 succeeded, 1 failed, 2 bad usage or input, 4 not found, 5 the name or\n"
        "the data directory is taken, 6 the disk refuses, 130 interrupted.\n",
    .examples = "pawl run hello.asl.json\n"
                "pawl run order.yaml --input '{\"id\": 17}' --name order-17\n"
                "pawl run order.yaml --input @order.json --config bindings.yaml --data ./data\n"
                "pawl run --resume 0193a5e2-7c\n"
                "pawl run order.yaml --dry-run\n"
                "pawl run order.yaml --reuse order-16 --from-step 3\n",
    .options = options,
    .run = run,
};
