#include "base/utf8.h"
#include "cli/archive.h"
#include "cli/client.h"
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

/* One `pawl stop`. */
struct stop {
    struct cli *cli;
    struct str error, cause;
    struct execution_row row;
    struct archive archive;
    struct host *host;
    bool failed;
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

static void followed(void *arg, const struct run *run, const struct execution_row *execution,
                     const struct flow_event *events, size_t count, struct wall_ms at)
{
    (void)arg, (void)run, (void)execution, (void)events, (void)count, (void)at;
}

static void stopped(void *arg, const struct engine_reply *reply)
{
    struct stop *s = arg;
    s->failed = reply->err != NULL;
    if (reply->err) {
        s->err = *reply->err;
    } else {
        s->row.status = reply->execution->status;
        s->row.stopped_at = reply->execution->stopped_at;
    }
    host_stop(s->host);
}

static bool stop_here(struct stop *s, struct err *reterr)
{
    const struct bindings nothing = {0}; /* is started: the execution only ends */
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
    engine_stop(host_engine(s->host), s->row.key, s->error, s->cause, stopped, s);
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
    struct str path =
        arena_printf(a, "/api/v1/executions/" STR_FMT "/stop", STR_ARG(client_encode(a, id)));
    if (s->error.len)
        json_object_add(&b, STR("error"), json_string(s->error));
    if (s->cause.len)
        json_object_add(&b, STR("cause"), json_string(s->cause));
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

static int tell(struct stop *s, bool before)
{
    struct out *o = &s->cli->out;
    struct cell mark = mark_of_execution(s->row.status);
    char id[UUID_TEXT_LEN];
    uuid_format(s->row.id, id);
    out_style(o, mark.style);
    out_foreign(o, mark.text, 0);
    out_printf(o, " %s", execution_status_name(s->row.status));
    out_style(o, STYLE_OFF);
    out_printf(o, " after " STR_FMT "  ",
               STR_ARG(duration_text(s->cli->arena, s->row.stopped_at.ms - s->row.started_at.ms)));
    out_foreign(o, s->row.machine_name, 0);
    out_printf(o, "  %.*s\n", UUID_TEXT_LEN, id);
    if (before) {
        out_flush(o);
        out_text(&s->cli->err, "It had ended before; nothing was changed.\n");
    }
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

static int run(struct cli *cli)
{
    struct stop *s = ARENA_NEW(cli->arena, struct stop);
    struct err err;
    s->cli = cli;
    if (!text_option(cli, "--error", ERROR_MAX, &s->error, &err) ||
        !text_option(cli, "--cause", CAUSE_MAX, &s->cause, &err))
        return cli_fail(cli, NULL, &err);
    const char *url = cli_endpoint(cli);
    if (url)
        return stop_at(s, url, &err) ? tell(s, false) : cli_fail(cli, NULL, &err);
    int status = find(s);
    if (status)
        return status;
    if (s->row.status != EXECUTION_RUNNING)
        return tell(s, true);
    return stop_anywhere(s, &err) ? tell(s, false) : cli_fail(cli, NULL, &err);
}

static const struct option options[] = {
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
        "again. What it did so far can still be shown. To interrupt it and go on later, press\n"
        "Ctrl-C in its pawl run instead.\n"
        "ID is an execution's id, its ARN, its name, or the beginning of its id. An execution\n"
        "that has ended stays as it is. The process that holds the data directory is asked, if\n"
        "there is one; with --endpoint, a server.\n",
    .examples = "pawl stop order-17\n"
                "pawl stop 0193a5e2-7c --error Recalled --cause 'The customer called it off.'\n",
    .options = options,
    .run = run,
};
