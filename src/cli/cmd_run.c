#include "cli/definition_file.h"
#include "cli/input_option.h"
#include "cli/render.h"
#include "cli/session.h"
#include "os/clock.h"
#include "os/files.h"

#include <stdlib.h>
#include <time.h>

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

/* --config, else pawl.yaml beside the definition (--resume: in this directory),
 * else nothing is bound. */
static int load_config(struct session *s, const char *beside)
{
    struct cli *cli = s->cli;
    struct err err;
    s->config = option_text(&cli->arguments, "--config");
    if (!s->config)
        s->config = config_file_find(cli->arena, beside && strcmp(beside, "-") != 0
                                                     ? path_folder(str_of_cstr(beside))
                                                     : STR("."));
    if (!config_file_read(cli->arena, s->config, &s->bound, &err))
        return cli_fail(cli, err.line ? s->config : NULL, &err);
    return 0;
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
        return load_config(s, NULL);
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
    if (!status)
        status = input_option_read(s->cli, &s->start.input);
    if (!status)
        status = load_config(s, file);
    /* A server has settings of its own. */
    if (!status && !cli_endpoint(s->cli) && s->bound.config.settings.aws_limits_strict)
        status = definition_file_check_documented(s->cli, file, s->start.definition, s->machine);
    return status;
}

/* ---- where ---- */

static void look_again_soon(void)
{
    const struct timespec soon = {.tv_nsec = SESSION_LOOK_EVERY_MS * 1000000L};
    nanosleep(&soon, NULL);
}

static bool patience_is_over(struct mono_ns *since)
{
    uint64_t now = clock_mono().ns;
    if (!since->ns)
        since->ns = now;
    return now - since->ns > SESSION_WAIT_MS * 1000000ULL;
}

/* Waits for a server that is being started again. */
static int run_remote(struct session *s, const char *url)
{
    struct mono_ns since = {0};
    int status = 0;
    for (;;) {
        enum there there = session_run_there(s, url, true, &status);
        if (there == THERE_DONE)
            return status;
        if (there == THERE_NOBODY && !s->known)
            return cli_fail(s->cli, NULL, &s->err);
        if (there == THERE_LOST && s->heard)
            since.ns = 0;
        if (patience_is_over(&since)) {
            err_set(&s->err, ERR_UNREACHABLE,
                    "%s does not answer any more; the execution goes on when it is back", url);
            return cli_fail(s->cli, NULL, &s->err);
        }
        look_again_soon();
    }
}

/* Where `--resume ID` is one of this directory, its whole id; an error is told. */
static int find_there(struct session *s)
{
    const char *id = option_text(&s->cli->arguments, "--resume");
    struct archive archive;
    struct execution_row row;
    struct err err;
    if (!id || s->known || s->found)
        return 0;
    if (!archive_open(s->cli, DATADIR_READ, &archive, &err))
        return cli_fail(s->cli, NULL, &err);
    int status = archive_find(s->cli, &archive, id, &row);
    archive_close(&archive);
    s->found = status == 0;
    s->id = row.id;
    return status;
}

/* Here, if this process may hold the directory, else in the one that does. */
static int run_local(struct session *s)
{
    struct cli *cli = s->cli;
    const char *socket =
        arena_cstr(cli->arena, arena_printf(cli->arena, STR_FMT "/" API_SOCKET, STR_ARG(s->data)));
    struct mono_ns since = {0};
    struct err busy;
    int status = 0;
    for (;;) {
        if (archive_open(cli, DATADIR_CHANGE, &s->archive, &busy)) {
            status = session_run_here(s);
            if (s->story.arena)
                story_release(&s->story);
            archive_close(&s->archive);
            return status;
        }
        if (busy.code != ERR_BUSY)
            return cli_fail(cli, NULL, &busy);
        if ((status = find_there(s)))
            return status;
        enum there there = session_run_there(s, socket, false, &status);
        if (there == THERE_DONE)
            return status;
        if (there == THERE_LOST && s->heard)
            since.ns = 0;
        if (patience_is_over(&since))
            return cli_fail(cli, NULL, s->known ? &busy : &s->err);
        look_again_soon();
    }
}

static int run(struct cli *cli)
{
    struct session *s = ARENA_NEW(cli->arena, struct session);
    const char *url = cli_endpoint(cli);
    struct err err;
    s->cli = cli;
    s->live = (struct live){.out = &cli->err, .arena = cli->arena};
    s->data = datadir_choose(str_of_cstr(option_text(&cli->arguments, "--data")),
                             str_of_cstr(getenv("PAWL_DATA")));
    if (url && option_given(&cli->arguments, "--config")) {
        err_set(&err, ERR_USAGE,
                "the server at %s carries out tasks by its own configuration: leave --config out",
                url);
        return cli_fail(cli, NULL, &err);
    }
    int status = load(s);
    if (!status)
        status = url ? run_remote(s, url) : run_local(s);
    buf_release(&s->output);
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
                "pawl run --resume 0193a5e2-7c\n",
    .options = options,
    .run = run,
};
