#include "cli/remote.h"
#include "cli/render.h"
#include "cli/told.h"

static struct str value_text(struct arena *a, struct json value)
{
    return json_is_absent(value) ? STR("") : json_text(a, value);
}

/* Why it stands, if it does. */
static void print_standing(struct out *o, struct arena *a, struct json state)
{
    static const char *const whys[] = {"reason", "step", "phase"};
    struct json paused = json_get(state, STR("paused")), reviews = json_get(state, STR("reviews"));
    struct str why = STR("as asked");
    for (size_t i = 0; i < COUNT_OF(whys); i++)
        if (json_is_string(json_get(paused, str_of_cstr(whys[i]))))
            why = json_str(json_get(paused, str_of_cstr(whys[i])));
    if (!json_is_absent(paused))
        remote_print_fact(o, json_is_true(json_get(paused, STR("quiet"))) ? "paused" : "pausing",
                          why);
    for (size_t i = 0; i < json_count(reviews); i++) {
        struct json review = json_at(reviews, i);
        struct str message = json_str(json_get(review, STR("message")));
        remote_print_fact(o, "review",
                          arena_printf(a, STR_FMT "%s" STR_FMT,
                                       STR_ARG(json_str(json_get(review, STR("step_name")))),
                                       message.len ? ": " : " waits for a decision",
                                       STR_ARG(message)));
    }
}

static void print(struct cli *cli, struct json state)
{
    struct out *o = &cli->out;
    struct arena *a = cli->arena;
    enum execution_status status = told_status(json_get(state, STR("status")));
    struct wall_ms started = told_time(json_get(state, STR("started_at")));
    struct wall_ms stopped = told_time(json_get(state, STR("stopped_at")));
    struct json error = json_get(state, STR("error")), cause = json_get(state, STR("cause"));
    struct cell mark = mark_of_execution(status);
    out_style(o, mark.style);
    out_foreign(o, mark.text, 0);
    out_style(o, STYLE_OFF);
    out_text(o, " ");
    out_style(o, STYLE_BOLD);
    out_foreign(o, json_str(json_get(state, STR("machine_name"))), 0);
    out_style(o, STYLE_OFF);
    out_printf(o, "  %s", execution_status_name(status));
    if (stopped.ms)
        out_printf(o, " after " STR_FMT, STR_ARG(duration_text(a, stopped.ms - started.ms)));
    out_text(o, "\n");
    remote_print_fact(o, "id", json_str(json_get(state, STR("id"))));
    remote_print_fact(o, "name", json_str(json_get(state, STR("name"))));
    remote_print_fact(o, "arn", json_str(json_get(state, STR("execution_arn"))));
    remote_print_fact(o, "started", time_text(a, started));
    remote_print_fact(o, "stopped", stopped.ms ? time_text(a, stopped) : STR(""));
    print_standing(o, a, state);
    remote_print_fact(o, "input", value_text(a, json_get(state, STR("trigger_data"))));
    remote_print_fact(o, "output", value_text(a, json_get(state, STR("output"))));
    if (json_is_absent(error) && json_is_absent(cause))
        return;
    out_text(o, "\n");
    print_error(o, "  ", !json_is_absent(error), json_str(error), !json_is_absent(cause),
                json_str(cause));
}

static bool describe(struct cli *cli, struct client *client, struct json *ret_state,
                     struct err *reterr)
{
    struct arena *a = cli->arena;
    struct json_object_builder b = json_object_builder(a);
    struct str id = client_encode(a, str_of_cstr(cli->arguments.items[0]));
    struct str path = arena_printf(a, "/api/v1/executions/" STR_FMT, STR_ARG(id));
    if (!client_call(client, a, "GET", path, STR(""), 0, ret_state, reterr))
        return false;
    if (!option_given(&cli->arguments, "--json"))
        return true;
    json_object_add(&b, STR("executionArn"), json_get(*ret_state, STR("execution_arn")));
    return client_operation(client, a, "DescribeExecution", json_object_done(&b), ret_state,
                            reterr);
}

static int run(struct cli *cli)
{
    struct client *client;
    struct json state;
    struct err err;
    if (!remote_open(cli, &client, &err))
        return cli_fail(cli, NULL, &err);
    bool good = describe(cli, client, &state, &err);
    client_close(client);
    if (!good)
        return cli_fail(cli, NULL, &err);
    if (option_given(&cli->arguments, "--json"))
        remote_print_json(cli, state);
    else
        print(cli, state);
    return 0;
}

static const struct option options[] = {
    OPTION_JSON("what DescribeExecution of the Step Functions API answers"),
    OPTION_DATA,
    OPTION_ENDPOINT,
    OPTION_END,
};

const struct command command_describe = {
    .name = "describe",
    .summary = "Print what a server says of an execution",
    .arguments = "ID",
    .arguments_min = 1,
    .arguments_max = 1,
    .description =
        "ID is an execution's id, its ARN, its name, or the beginning of its id.\n"
        "Asks a server: pawl serve on this data directory, or --endpoint. pawl show reads the\n"
        "data directory itself, and has every step.\n",
    .examples = "pawl describe order-17\n"
                "pawl describe order-17 --json | jq -r .output\n",
    .options = options,
    .run = run,
};
