/* stop, cancel and pause: what is told to an execution that runs. */
#include "base/utf8.h"
#include "cli/archive.h"
#include "cli/client.h"
#include "cli/config_file.h"
#include "cli/host.h"
#include "cli/render.h"
#include "cli/told.h"
#include "os/clock.h"

#include <stdlib.h>
#include <time.h>

enum {
    ERROR_MAX = 256, /* characters: StopExecution's limits */
    CAUSE_MAX = 32768,
    HOLDER_WAIT_MS = 30000, /* for a holder that does not listen yet, or not any more */
    LOOK_EVERY_MS = 20,
};

enum verb {
    STOP,
    CANCEL,
    PAUSE,
};

static const char *const verb_names[] = {[STOP] = "stop", [CANCEL] = "cancel", [PAUSE] = "pause"};

/* One `pawl stop`, or cancel, or pause. */
struct stop {
    struct cli *cli;
    enum verb verb;
    struct str error, cause; /* the cause is the reason of cancel and pause */
    struct str by;
    struct execution_row row;
    struct archive archive;
    struct host *host;
    struct config_file bound;
    bool answered, failed;
    struct err err; /* why */
};

static bool text_option(const struct cli *cli, const char *name, size_t max, struct str *ret_text,
                        struct err *reterr)
{
    struct str text = str_of_cstr(option_text(&cli->arguments, name));
    if (utf8_valid_up_to(text) != text.len)
        return err_set(reterr, ERR_USAGE, "%s is not valid UTF-8 at byte %zu", name,
                       utf8_valid_up_to(text) + 1);
    if (utf8_length(text) > max)
        return err_set(reterr, ERR_USAGE, "%s takes at most %zu characters, and this has %zu", name,
                       max, utf8_length(text));
    *ret_text = text;
    return true;
}

/* ---- in this process ---- */

/* A canceled execution may have to clean up first. */
static void followed(void *arg, const struct run *run, const struct execution_row *execution,
                     const struct flow_event *events, size_t count, struct wall_ms at)
{
    struct stop *s = arg;
    (void)run, (void)events, (void)count, (void)at;
    if (execution->key != s->row.key || execution->status == EXECUTION_RUNNING || !s->answered)
        return;
    s->row.status = execution->status;
    s->row.stopped_at = execution->stopped_at;
    host_stop(s->host);
}

static void gone_on(void *arg, const struct engine_reply *reply)
{
    struct stop *s = arg;
    s->failed = reply->err != NULL;
    if (!reply->err)
        return;
    s->err = *reply->err;
    host_stop(s->host);
}

static void stopped(void *arg, const struct engine_reply *reply)
{
    struct stop *s = arg;
    s->answered = true;
    s->failed = reply->err != NULL;
    if (reply->err) {
        s->err = *reply->err;
    } else {
        s->row.status = reply->execution->status;
        s->row.stopped_at = reply->execution->stopped_at;
    }
    if (s->verb != CANCEL || s->failed || s->row.status != EXECUTION_RUNNING) {
        host_stop(s->host);
        return;
    }
    host_rebind(s->host, arena_new(0), &s->bound.config.bindings); /* to clean up */
    engine_resume(host_engine(s->host), s->row.key, gone_on, s);
}

/* Nothing of it is started for that; what a canceled one has to clean up, is. */
static void ask_here(struct stop *s)
{
    struct engine *e = host_engine(s->host);
    if (s->verb == STOP)
        engine_stop(e, s->row.key, s->error, s->cause, stopped, s);
    else if (s->verb == CANCEL)
        engine_cancel(e, s->row.key, s->cause, s->by, stopped, s);
    else
        engine_pause(e, s->row.key, s->cause, s->by, stopped, s);
}

static bool stop_here(struct stop *s, struct err *reterr)
{
    const struct bindings nothing = {0}; /* is started before it was told */
    struct host_options options = {
        .store = s->archive.store,
        .bindings = &nothing,
        .children = datadir_file(s->archive.datadir, s->cli->arena, DATADIR_CHILDREN),
        .followed = followed,
        .arg = s,
    };
    if (!host_new(&options, &s->host, reterr))
        return false;
    print_children_found(&s->cli->err, host_found(s->host), options.children);
    ask_here(s);
    bool good = host_run(s->host, reterr);
    host_free(s->host);
    if (good && s->failed)
        *reterr = s->err;
    return good && !s->failed;
}

/* ---- in the process that holds the directory, or at a server ---- */

static bool ask(struct stop *s, struct client *client, struct str id, struct err *reterr)
{
    struct arena *a = s->cli->arena;
    struct json_object_builder b = json_object_builder(a);
    struct json answer;
    struct str path = arena_printf(a, "/api/v1/executions/" STR_FMT "/%s",
                                   STR_ARG(client_encode(a, id)), verb_names[s->verb]);
    if (s->error.len)
        json_object_add(&b, STR("error"), json_string(s->error));
    if (s->cause.len)
        json_object_add(&b, s->verb == STOP ? STR("cause") : STR("reason"), json_string(s->cause));
    if (s->by.len)
        json_object_add(&b, STR("by"), json_string(s->by));
    if (!client_call(client, a, "POST", path, json_text(a, json_object_done(&b)), 0, &answer,
                     reterr))
        return false;
    s->row.status = told_status(json_get(answer, STR("status")));
    s->row.started_at = told_time(json_get(answer, STR("started_at")));
    s->row.stopped_at = told_time(json_get(answer, STR("stopped_at")));
    s->row.machine_name = json_str(json_get(answer, STR("machine_name")));
    return uuid_parse(json_str(json_get(answer, STR("id"))), &s->row.id) ||
           err_set(reterr, ERR_INTERNAL, "the answer has no id");
}

static bool stop_at(struct stop *s, const char *url, struct err *reterr)
{
    struct client *client;
    if (!client_open_url(url, &client, reterr))
        return false;
    bool good = ask(s, client, str_of_cstr(s->cli->arguments.items[0]), reterr);
    client_close(client);
    return good;
}

static bool stop_there(struct stop *s, struct err *reterr)
{
    struct arena *a = s->cli->arena;
    struct str data = datadir_choose(str_of_cstr(option_text(&s->cli->arguments, "--data")),
                                     str_of_cstr(getenv("PAWL_DATA")));
    const char *socket = arena_cstr(a, arena_printf(a, STR_FMT "/" API_SOCKET, STR_ARG(data)));
    struct client *client;
    char id[UUID_TEXT_LEN];
    uuid_format(s->row.id, id);
    if (!client_open_unix(socket, &client, reterr))
        return false;
    bool good = ask(s, client, str_of(id, UUID_TEXT_LEN), reterr);
    client_close(client);
    return good;
}

/* Stopping twice is stopping once, so whatever was not answered is asked again. */
static bool stop_anywhere(struct stop *s, struct err *reterr)
{
    const struct timespec soon = {.tv_nsec = LOOK_EVERY_MS * 1000000L};
    uint64_t since = clock_mono().ns;
    for (;;) {
        if (stop_there(s, reterr))
            return true;
        if (reterr->code != ERR_UNREACHABLE && reterr->code != ERR_BUSY &&
            reterr->code != ERR_INTERRUPTED)
            return false;
        if (archive_open(s->cli, DATADIR_CHANGE, &s->archive, reterr)) {
            bool good = stop_here(s, reterr);
            archive_close(&s->archive);
            return good;
        }
        if (reterr->code != ERR_BUSY || clock_mono().ns - since > HOLDER_WAIT_MS * 1000000ULL)
            return false;
        nanosleep(&soon, NULL);
    }
}

/* ---- the whole ---- */

static void tell_name(const struct stop *s)
{
    struct out *o = &s->cli->out;
    char id[UUID_TEXT_LEN];
    uuid_format(s->row.id, id);
    out_text(o, "  ");
    out_foreign(o, s->row.machine_name, 0);
    out_printf(o, "  %.*s\n", UUID_TEXT_LEN, id);
    out_flush(o);
}

/* It was told, and is under way. */
static int tell_asked(const struct stop *s)
{
    struct out *e = &s->cli->err;
    out_style(&s->cli->out, STYLE_BUSY);
    out_text(&s->cli->out, "‖");
    out_style(&s->cli->out, STYLE_OFF);
    out_text(&s->cli->out, s->verb == PAUSE ? " pauses at the next step" : " is being canceled");
    tell_name(s);
    if (s->verb != PAUSE)
        return 0;
    out_text(e, "  Go on with: ");
    print_next_command(e, s->cli, "pawl resume", &s->row.id);
    out_text(e, "\n");
    return 0;
}

static int tell(const struct stop *s, bool before)
{
    struct out *o = &s->cli->out;
    struct cell mark = mark_of_execution(s->row.status);
    if (s->row.status == EXECUTION_RUNNING)
        return tell_asked(s);
    out_style(o, mark.style);
    out_foreign(o, mark.text, 0);
    out_printf(o, " %s", execution_status_name(s->row.status));
    out_style(o, STYLE_OFF);
    out_printf(o, " after " STR_FMT,
               STR_ARG(duration_text(s->cli->arena, s->row.stopped_at.ms - s->row.started_at.ms)));
    tell_name(s);
    if (before)
        out_text(&s->cli->err, "It had ended before; nothing was changed.\n");
    return 0;
}

/* Looked up without the lock, so that what cannot be found or stopped is told as
 * such even while another process holds the directory. */
static int find(struct stop *s)
{
    struct archive archive;
    struct err err;
    if (!archive_open(s->cli, DATADIR_READ, &archive, &err))
        return cli_fail(s->cli, NULL, &err);
    int status = archive_find(s->cli, &archive, s->cli->arguments.items[0], &s->row);
    archive_close(&archive);
    return status;
}

static int refuse_ended(const struct stop *s)
{
    struct err err;
    err_set(&err, ERR_CONFLICT, "execution " STR_FMT " has ended as %s: there is nothing to %s",
            STR_ARG(s->row.name), execution_status_name(s->row.status), verb_names[s->verb]);
    return cli_fail(s->cli, NULL, &err);
}

static bool read_options(struct stop *s, struct err *reterr)
{
    const char *by = getenv("USER");
    if (s->verb == STOP)
        return text_option(s->cli, "--error", ERROR_MAX, &s->error, reterr) &&
               text_option(s->cli, "--cause", CAUSE_MAX, &s->cause, reterr);
    s->by = str_of_cstr(by);
    return text_option(s->cli, "--reason", CAUSE_MAX, &s->cause, reterr) &&
           (s->verb != CANCEL ||
            config_file_read(s->cli->arena, config_file_find(s->cli->arena, STR(".")), &s->bound,
                             reterr));
}

static int run(struct cli *cli, enum verb verb)
{
    struct stop *s = ARENA_NEW(cli->arena, struct stop);
    struct err err;
    s->cli = cli;
    s->verb = verb;
    if (!read_options(s, &err))
        return cli_fail(cli, NULL, &err);
    const char *url = cli_endpoint(cli);
    if (url)
        return stop_at(s, url, &err) ? tell(s, false) : cli_fail(cli, NULL, &err);
    int status = find(s);
    if (status)
        return status;
    if (s->row.status != EXECUTION_RUNNING)
        return verb == STOP ? tell(s, true) : refuse_ended(s);
    return stop_anywhere(s, &err) ? tell(s, false) : cli_fail(cli, NULL, &err);
}

static int run_stop(struct cli *cli)
{
    return run(cli, STOP);
}

static int run_cancel(struct cli *cli)
{
    return run(cli, CANCEL);
}

static int run_pause_verb(struct cli *cli)
{
    return run(cli, PAUSE);
}

#define ID_TEXT                                                                                    \
    "ID is an execution's id, its ARN, its name, or the beginning of its id. The process that\n"   \
    "holds the data directory is asked, if there is one; with --endpoint, a server.\n"
#define OPTION_REASON                                                                              \
    {                                                                                              \
        "--reason", OPTION_TEXT, "TEXT", "Why, in a sentence for whoever looks at it later", NULL  \
    }

static const struct option stop_options[] = {
    {"--error", OPTION_TEXT, "NAME", "The error's name that the execution ends with", NULL},
    {"--cause", OPTION_TEXT, "TEXT", "Why, in a sentence for whoever looks at it later", NULL},
    OPTION_DATA,
    OPTION_ENDPOINT,
    OPTION_END,
};

const struct command command_stop = {
    .name = "stop",
    .summary = "End an execution for good",
    .arguments = "ID",
    .arguments_min = 1,
    .arguments_max = 1,
    .description =
        "The execution becomes ABORTED: its running commands are ended, and no step of it runs\n"
        "again, unless it is resumed. What it did so far can still be shown. To interrupt it and\n"
        "go on later, press Ctrl-C in its pawl run instead, or pause it; to let it clean up\n"
        "first, cancel it. One that has ended stays as it is.\n" ID_TEXT,
    .examples = "pawl stop order-17\n"
                "pawl stop 0193a5e2-7c --error Recalled --cause 'The customer called it off.'\n",
    .options = stop_options,
    .run = run_stop,
};

static const struct option told_options[] = {
    OPTION_REASON,
    OPTION_DATA,
    OPTION_ENDPOINT,
    OPTION_END,
};

const struct command command_cancel = {
    .name = "cancel",
    .summary = "End an execution gracefully: it cleans up first",
    .arguments = "ID",
    .arguments_min = 1,
    .arguments_max = 1,
    .description =
        "Its tasks are told, nested executions stop, and the state that the definition names as\n"
        "x-on-cancel runs; then the execution is ABORTED, with the reason. pawl stop ends it at\n"
        "once.\n" ID_TEXT,
    .examples = "pawl cancel order-17 --reason 'The customer called it off.'\n",
    .options = told_options,
    .run = run_cancel,
};

const struct command command_pause = {
    .name = "pause",
    .summary = "Let an execution stand at its next step",
    .arguments = "ID",
    .arguments_min = 1,
    .arguments_max = 1,
    .description = "Steps that run go on to their end, and none begins after them, until pawl\n"
                   "resume.\n" ID_TEXT,
    .examples = "pawl pause nightly --reason 'The warehouse is being moved.'\n"
                "pawl resume nightly\n",
    .options = told_options,
    .run = run_pause_verb,
};
