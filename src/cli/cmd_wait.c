#include "cli/remote.h"
#include "cli/render.h"
#include "cli/told.h"

enum {
    HELD_SECONDS = 60, /* that the server holds one question */
    SECONDS_MOST = 99999999,
};

/* One `pawl wait`. */
struct session {
    struct cli *cli;
    struct client *client;
    int64_t seconds; /* at most; 0: until it ends */
};

/* A word of /api/v1: it has neither ended nor stopped on its way. */
static bool goes_on(struct json state)
{
    return str_eq(json_str(json_get(state, STR("status"))), STR("running"));
}

/* The run state, as soon as it has ended, stands, or the time is over. */
static bool ask(struct session *s, struct json *ret_state, struct err *reterr)
{
    struct arena *a = s->cli->arena;
    struct str id = client_encode(a, str_of_cstr(s->cli->arguments.items[0]));
    int64_t left = s->seconds;
    do {
        int64_t now = s->seconds && left < HELD_SECONDS ? left : HELD_SECONDS;
        struct str path = arena_printf(a, "/api/v1/executions/" STR_FMT "?wait=%lld", STR_ARG(id),
                                       (long long)now);
        if (!client_call(s->client, a, "GET", path, STR(""), HELD_SECONDS * 1000, ret_state,
                         reterr))
            return false;
        left -= now;
    } while (goes_on(*ret_state) && (!s->seconds || left > 0));
    return true;
}

/* It is paused, or waits for a person. */
static int tell_standing(struct session *s, struct json state)
{
    struct out *e = &s->cli->err;
    struct uuid id = {0};
    bool reviewed = json_count(json_get(state, STR("reviews"))) > 0;
    bool known = uuid_parse(json_str(json_get(state, STR("id"))), &id);
    out_style(e, STYLE_BUSY);
    out_text(e, "‖ ");
    out_style(e, STYLE_OFF);
    out_text(e, reviewed ? "needs a review" : "paused");
    if (known) {
        out_text(e, reviewed ? "\n  Decide with: " : "\n  Go on with: ");
        print_next_command(e, s->cli, "pawl resume", &id);
        out_text(e, reviewed ? " --approve, or --reject" : "");
    }
    out_text(e, "\n");
    return 1;
}

static int tell_end(struct session *s, struct json state, enum execution_status status)
{
    struct out *e = &s->cli->err;
    struct str error = json_str(json_get(state, STR("error")));
    struct str cause = json_str(json_get(state, STR("cause")));
    struct cell mark = mark_of_execution(status);
    out_style(e, mark.style);
    out_foreign(e, mark.text, 0);
    out_printf(e, " %s", execution_status_name(status));
    out_style(e, STYLE_OFF);
    if (status == EXECUTION_RUNNING) {
        out_printf(e, " still after %lld s\n", (long long)s->seconds);
        return 1;
    }
    out_printf(e, " after " STR_FMT "\n",
               STR_ARG(duration_text(s->cli->arena,
                                     told_time(json_get(state, STR("stopped_at"))).ms -
                                         told_time(json_get(state, STR("started_at"))).ms)));
    if (status == EXECUTION_SUCCEEDED) {
        remote_print_json(s->cli, json_get(state, STR("output")));
        return 0;
    }
    out_text(e, "\n");
    print_error(e, "  ", !json_is_absent(json_get(state, STR("error"))), error,
                !json_is_absent(json_get(state, STR("cause"))), cause);
    return 1;
}

static bool seconds_option(const struct cli *cli, int64_t *ret, struct err *reterr)
{
    const char *text = option_text(&cli->arguments, "--timeout");
    *ret = 0;
    return !text || (str_to_int64(str_of_cstr(text), ret) && *ret >= 1 && *ret <= SECONDS_MOST) ||
           err_set(reterr, ERR_USAGE, "--timeout takes seconds from 1 to %d, not \"%s\"",
                   SECONDS_MOST, text);
}

static int run(struct cli *cli)
{
    struct session s = {.cli = cli};
    struct json state;
    struct err err;
    if (!seconds_option(cli, &s.seconds, &err) || !remote_open(cli, &s.client, &err))
        return cli_fail(cli, NULL, &err);
    bool good = ask(&s, &state, &err);
    client_close(s.client);
    if (!good)
        return cli_fail(cli, NULL, &err);
    enum execution_status status = told_status(json_get(state, STR("status")));
    if (!option_given(&cli->arguments, "--json"))
        return status == EXECUTION_RUNNING && !goes_on(state) ? tell_standing(&s, state)
                                                              : tell_end(&s, state, status);
    remote_print_json(cli, state);
    return status == EXECUTION_SUCCEEDED ? 0 : 1;
}

static const struct option options[] = {
    {"--timeout", OPTION_TEXT, "SECONDS", "Wait no longer. Default: until it ends", NULL},
    OPTION_JSON("the state of the execution as JSON"),
    OPTION_DATA,
    OPTION_ENDPOINT,
    OPTION_END,
};

const struct command command_wait = {
    .name = "wait",
    .summary = "Wait for an execution's end, and print its output",
    .arguments = "ID",
    .arguments_min = 1,
    .arguments_max = 1,
    .description = "ID is an execution's id, its ARN, its name, or the beginning of its id.\n"
                   "Asks a server: pawl serve on this data directory, or --endpoint.\n"
                   "Also comes back when the execution is paused, or waits for a review.\n"
                   "Exit status: 0 succeeded, 1 failed, stopped, or has not ended.\n",
    .examples = "pawl wait order-17\n"
                "pawl wait $(pawl start order) --timeout 600\n",
    .options = options,
    .run = run,
};
