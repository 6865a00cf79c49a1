#include "asl/compile.h"
#include "asl/report.h"
#include "cli/host.h"
#include "cli/live.h"
#include "cli/render.h"
#include "cli/story.h"
#include "os/clock.h"
#include "os/files.h"

/* One `pawl run`, from its command line to its end. */
struct session {
    struct cli *cli;
    struct engine_start start;
    struct bindings bindings;
    const char *config; /* that was given or found; NULL: none */
    struct archive archive;
    struct host *host;
    struct live live;
    struct story story; /* --resume: what happened before */

    execution_key key; /* 0: not started yet */
    struct uuid id;
    struct wall_ms started_at, stopped_at;
    enum execution_status status;
    struct buf output;
    bool has_error, has_cause;
    struct str error, cause;
    bool failed; /* to start: why is in err */
    struct err err;
};

/* ---- what to run ---- */

/* "flows/order.asl.json" -> "order" */
static struct str name_of_file(struct str path)
{
    size_t slash = str_rfind_char(path, '/');
    struct str base = str_slice(path, slash == SIZE_MAX ? 0 : slash + 1, path.len);
    return str_slice(base, 0, str_find_char(base, '.'));
}

static int load_definition(struct session *s, const char *path)
{
    struct cli *cli = s->cli;
    struct err err, syntax;
    const struct machine *machine = NULL;
    struct diag_list diags = diag_list(cli->arena);
    if (!file_read(cli->arena, path, DEFINITION_SIZE_MAX, &s->start.definition, &err))
        return cli_fail(cli, NULL, &err);
    bool valid = asl_compile(cli->arena, s->start.definition, &diags, &machine, &syntax);
    report_text(&cli->err.buf, str_of_cstr(path), s->start.definition, &diags, &syntax,
                cli->err.colour);
    out_flush(&cli->err);
    const char *name = option_text(&cli->arguments, "--machine");
    s->start.machine_name = name                     ? str_of_cstr(name)
                            : strcmp(path, "-") == 0 ? STR("stdin")
                                                     : name_of_file(str_of_cstr(path));
    return valid ? 0 : err_exit_status(ERR_INVALID_DEFINITION);
}

static int load_input(struct session *s)
{
    struct cli *cli = s->cli;
    const char *text = option_text(&cli->arguments, "--input");
    const char *file = NULL;
    struct err err;
    struct json value;
    s->start.input = str_of_cstr(text ? text : "{}");
    if (text && strcmp(text, "-") == 0)
        file = "-";
    else if (text && text[0] == '@')
        file = text + 1;
    if (file && !file_read(cli->arena, file, ENGINE_INPUT_SIZE_MAX, &s->start.input, &err))
        return cli_fail(cli, NULL, &err);
    struct arena *scratch = arena_new(0);
    bool good = json_parse(scratch, s->start.input, (struct json_limits){0}, JSON_DUPLICATES_LAST,
                           &value, &err);
    arena_free(scratch);
    if (good)
        return 0;
    const char *called = !file ? "--input" : strcmp(file, "-") == 0 ? "(stdin)" : file;
    return cli_fail(cli, called, &err);
}

static bool file_exists(const char *path)
{
    struct arena *scratch = arena_new(0);
    struct str text;
    struct err err = {0};
    bool there =
        file_read(scratch, path, CONFIG_SIZE_MAX, &text, &err) || err.code != ERR_NOT_FOUND;
    arena_free(scratch);
    return there;
}

/* --config, else pawl.yaml beside the definition (--resume: in this directory),
 * else nothing is bound. */
static int load_config(struct session *s, const char *beside)
{
    struct cli *cli = s->cli;
    struct arena *a = cli->arena;
    struct str text = STR(""), folder = STR("."), absolute;
    struct err err;
    s->config = option_text(&cli->arguments, "--config");
    if (!s->config) {
        struct str place =
            beside && strcmp(beside, "-") != 0 ? path_folder(str_of_cstr(beside)) : STR(".");
        const char *found = arena_cstr(a, arena_printf(a, STR_FMT "/pawl.yaml", STR_ARG(place)));
        if (file_exists(found))
            s->config = found;
    }
    if (s->config) {
        folder = path_folder(str_of_cstr(s->config));
        if (!file_read(a, s->config, CONFIG_SIZE_MAX, &text, &err))
            return cli_fail(cli, NULL, &err);
    }
    if (!path_absolute(a, folder, &absolute, &err))
        return cli_fail(cli, NULL, &err);
    if (!bindings_parse(a, text, absolute, &s->bindings, &err))
        return cli_fail(cli, s->config, &err);
    return 0;
}

/* ---- while it runs ---- */

static void troubled(void *arg, execution_key key, const struct err *err, struct wall_ms again_at)
{
    struct session *s = arg;
    struct out *o = &s->cli->err;
    if (key != s->key || again_at.ms == 0)
        return;
    screen_clear(&s->live.screen); /* the next tick draws it again below this line */
    out_style(o, STYLE_BUSY);
    out_text(o, "waiting: ");
    out_style(o, STYLE_OFF);
    out_foreign(o, str_of_cstr(err->message), 0);
    out_text(o, "; trying again\n");
    out_flush(o);
}

static void take_end(struct session *s, const struct run *run)
{
    struct arena *a = s->cli->arena;
    struct str text = {0};
    s->status = (enum execution_status)run_status(run);
    s->stopped_at = run_stopped_at(run);
    if (!json_is_absent(run_output(run)))
        json_write_pretty(&s->output, run_output(run));
    s->has_error = run_error(run, &text);
    if (s->has_error)
        s->error = arena_str(a, text);
    s->has_cause = run_cause(run, &text);
    if (s->has_cause)
        s->cause = arena_str(a, text);
}

static void followed(void *arg, const struct run *run, const struct execution_row *execution,
                     const struct flow_event *events, size_t count, struct wall_ms at)
{
    struct session *s = arg;
    if (execution->key != s->key)
        return;
    live_take(&s->live, run, events, count, at);
    if (execution->status == EXECUTION_RUNNING)
        return;
    take_end(s, run);
    host_stop(s->host);
}

static void ticked(void *arg, struct wall_ms now)
{
    struct session *s = arg;
    live_tick(&s->live, now);
}

static void print_begin(struct session *s, const char *what)
{
    struct out *o = &s->cli->err;
    char id[UUID_TEXT_LEN];
    uuid_format(s->id, id);
    out_style(o, STYLE_BOLD);
    out_foreign(o, s->start.machine_name, 0);
    out_style(o, STYLE_OFF);
    out_printf(o, "  %s%.*s\n", what, UUID_TEXT_LEN, id);
    out_flush(o);
}

static void take_execution(struct session *s, const struct execution_row *row)
{
    s->key = row->key;
    s->id = row->id;
    s->started_at = row->started_at;
    s->status = row->status;
}

static void fail(struct session *s, const struct err *err)
{
    s->failed = true;
    s->err = *err;
    host_stop(s->host);
}

static void resumed(void *arg, const struct engine_reply *reply)
{
    if (reply->err)
        fail(arg, reply->err);
}

/* Goes on with an execution that is RUNNING in the store. */
static void resume(struct session *s, const struct execution_row *row)
{
    take_execution(s, row);
    if (!story_read(&s->archive, row, &s->story, &s->err)) {
        fail(s, &s->err);
        return;
    }
    s->live.arena = s->story.arena;
    live_adopt(&s->live, &s->story.steps);
    s->start.machine_name = row->machine_name;
    print_begin(s, "goes on  ");
    engine_resume(host_engine(s->host), row->key, resumed, s);
}

static void started(void *arg, const struct engine_reply *reply)
{
    struct session *s = arg;
    if (reply->err) {
        fail(s, reply->err);
        return;
    }
    if (reply->already) {
        resume(s, reply->execution);
        return;
    }
    take_execution(s, reply->execution);
    print_begin(s, "");
}

/* ---- how it ended ---- */

static void print_places(struct session *s)
{
    struct out *o = &s->cli->err;
    if (s->config && s->config != option_text(&s->cli->arguments, "--config") &&
        strcmp(s->config, "./pawl.yaml") == 0)
        return;
    if (s->config) {
        out_style(o, STYLE_HELP);
        out_text(o, " --config ");
        out_shell_word(o, s->config);
        out_style(o, STYLE_OFF);
    }
}

static int end_interrupted(struct session *s, const struct err *err)
{
    struct out *o = &s->cli->err;
    if (!s->key) {
        out_text(o, "\nNothing was started.\n");
        return err_exit_status(err->code);
    }
    out_style(o, STYLE_BUSY);
    out_text(o, "\n‖ ");
    out_style(o, STYLE_OFF);
    out_printf(o, "%s; the execution stays RUNNING and keeps its finished steps\n", err->message);
    out_text(o, "  Go on with: ");
    print_next_command(o, s->cli, "pawl run --resume", &s->id);
    print_places(s);
    out_text(o, "\n");
    return err_exit_status(err->code);
}

static void print_failure(struct session *s)
{
    enum {
        TAIL_LINES = 8
    };
    struct out *o = &s->cli->err;
    const struct step *step = live_failed_step(&s->live);
    out_text(o, "\n");
    print_error(o, "  ", s->has_error, s->error, s->has_cause, s->cause);
    if (step && step->attempt_count)
        print_log_tail(o, "  ", step->attempts[step->attempt_count - 1].log, TAIL_LINES);
    out_text(o, "\n  Look closer: ");
    print_next_command(o, s->cli, "pawl show", &s->id);
    out_text(o, "\n");
}

static int end_of_run(struct session *s)
{
    struct out *o = &s->cli->err;
    struct cell mark = mark_of_execution(s->status);
    out_style(o, mark.style);
    out_foreign(o, mark.text, 0);
    out_printf(o, " %s", execution_status_name(s->status));
    out_style(o, STYLE_OFF);
    out_printf(o, " after " STR_FMT ", %zu %s\n",
               STR_ARG(duration_text(s->cli->arena, s->stopped_at.ms - s->started_at.ms)),
               s->live.steps.count, s->live.steps.count == 1 ? "step" : "steps");
    if (s->status != EXECUTION_SUCCEEDED) {
        print_failure(s);
        return 1;
    }
    out_flush(o);
    buf_append(&s->cli->out.buf, buf_str(&s->output));
    out_text(&s->cli->out, "\n");
    return 0;
}

/* ---- the whole ---- */

static int run_host(struct session *s)
{
    struct err err;
    bool good = host_run(s->host, &err);
    live_end(&s->live, clock_wall());
    if (s->failed)
        return cli_fail(s->cli, NULL, &s->err);
    if (!good && err.code == ERR_INTERRUPTED && s->status == EXECUTION_RUNNING)
        return end_interrupted(s, &err);
    if (!good && err.code != ERR_INTERRUPTED)
        return cli_fail(s->cli, NULL, &err);
    return end_of_run(s);
}

/* An execution that has ended is told as if it ended now. */
static int tell_ended(struct session *s, const struct execution_row *row)
{
    struct err err;
    if (!story_read(&s->archive, row, &s->story, &err))
        return cli_fail(s->cli, NULL, &err);
    take_execution(s, row);
    s->start.machine_name = row->machine_name;
    print_begin(s, "ended before  ");
    live_adopt(&s->live, &s->story.steps);
    take_end(s, s->story.run);
    return end_of_run(s);
}

static int run_open(struct session *s)
{
    struct cli *cli = s->cli;
    const char *id = option_text(&cli->arguments, "--resume");
    struct host_options options = {
        .store = s->archive.store,
        .bindings = &s->bindings,
        .children = datadir_file(s->archive.datadir, cli->arena, DATADIR_CHILDREN),
        .troubled = troubled,
        .followed = followed,
        .ticked = cli->err.terminal ? ticked : NULL,
        .tick_ms = SCREEN_DRAW_EVERY_MS,
        .arg = s,
    };
    struct execution_row row;
    struct err err;
    if (id) {
        int status = archive_find(cli, &s->archive, id, &row);
        if (status)
            return status;
        if (row.status != EXECUTION_RUNNING)
            return tell_ended(s, &row);
    }
    if (!host_new(&options, &s->host, &err))
        return cli_fail(cli, NULL, &err);
    print_children_found(&cli->err, host_found(s->host), options.children);
    if (id)
        resume(s, &row);
    else
        engine_start(host_engine(s->host), &s->start, started, s);
    int status = run_host(s);
    host_free(s->host);
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
        status = load_input(s);
    if (!status)
        status = load_config(s, file);
    return status;
}

static int run(struct cli *cli)
{
    struct session *s = ARENA_NEW(cli->arena, struct session);
    struct err err;
    s->cli = cli;
    s->live = (struct live){.out = &cli->err, .arena = cli->arena};
    int status = load(s);
    if (status)
        return status;
    if (!archive_open(cli, DATADIR_CHANGE, &s->archive, &err))
        return cli_fail(cli, NULL, &err);
    status = run_open(s);
    if (s->story.arena)
        story_release(&s->story);
    buf_release(&s->output);
    archive_close(&s->archive);
    return status;
}

static const struct option options[] = {
    {"--input", OPTION_TEXT, "JSON|@FILE|-",
     "The execution's input: JSON text, a file, or stdin.\nDefault: {}", NULL},
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
        "Exit status: 0 succeeded, 1 failed, 2 bad usage or input, 4 not found, 5 the name or\n"
        "the data directory is taken, 6 the disk refuses, 130 interrupted.\n",
    .examples = "pawl run hello.asl.json\n"
                "pawl run order.yaml --input '{\"id\": 17}' --name order-17\n"
                "pawl run order.yaml --input @order.json --config bindings.yaml --data ./data\n"
                "pawl run --resume 0193a5e2-7c\n",
    .options = options,
    .run = run,
};
