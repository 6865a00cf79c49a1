#include "cli/remote.h"
#include "cli/there.h"

enum {
    DETAIL_MAX = 300 /* bytes */
};

/* The one member whose name ends so holds what the event says. */
static struct json details_of(struct json event)
{
    for (size_t i = 0; i < json_count(event); i++)
        if (str_ends_with(json_str(json_members(event)[i].key), STR("EventDetails")))
            return json_members(event)[i].value;
    return JSON_NONE;
}

/* What a person looks for first. */
static struct str detail_text(struct arena *a, struct json details)
{
    static const char *const members[] = {"cause", "error", "output", "input", "parameters"};
    struct str error = json_str(json_get(details, STR("error")));
    struct str cause = json_str(json_get(details, STR("cause")));
    if (error.len && cause.len)
        return str_slice(arena_printf(a, STR_FMT ": " STR_FMT, STR_ARG(error), STR_ARG(cause)), 0,
                         DETAIL_MAX);
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        struct str text = json_str(json_get(details, str_of_cstr(members[i])));
        if (text.len)
            return str_slice(text, 0, DETAIL_MAX);
    }
    return STR("");
}

static void print_table(struct cli *cli, struct json events)
{
    static const struct column columns[] = {
        {"ID", true}, {"TIME", true}, {"TYPE", false}, {"STATE", false}, {"DETAIL", false}};
    struct arena *a = cli->arena;
    struct table table = table_of(a, columns, COUNT_OF(columns));
    int64_t began = INT64_MAX;
    for (size_t i = 0; i < json_count(events); i++) {
        int64_t at = remote_time(json_get(json_at(events, i), STR("timestamp"))).ms;
        began = at < began ? at : began;
    }
    for (size_t i = 0; i < json_count(events); i++) {
        struct cell *row = table_row(&table);
        struct json event = json_at(events, i), details = details_of(event);
        int64_t at = remote_time(json_get(event, STR("timestamp"))).ms;
        row[0].text = json_text(a, json_get(event, STR("id")));
        row[1].text = arena_printf(a, "+" STR_FMT, STR_ARG(duration_text(a, at - began)));
        row[2].text = json_str(json_get(event, STR("type")));
        row[3].text = json_str(json_get(details, STR("name")));
        row[4] = (struct cell){detail_text(a, details), STYLE_DIM};
    }
    table_print(&table, &cli->out);
}

static bool read_events(struct cli *cli, struct client *client, struct json *ret_events,
                        struct err *reterr)
{
    struct arena *a = cli->arena;
    struct json_object_builder b = json_object_builder(a);
    struct json state;
    bool more;
    struct str id = client_encode(a, str_of_cstr(cli->arguments.items[0]));
    struct str path = arena_printf(a, "/api/v1/executions/" STR_FMT, STR_ARG(id));
    if (!client_call(client, a, "GET", path, STR(""), 0, &state, reterr))
        return false;
    json_object_add(&b, STR("executionArn"), json_get(state, STR("execution_arn")));
    json_object_add(&b, STR("maxResults"), json_int(1000));
    json_object_add(&b, STR("reverseOrder"), json_bool(option_given(&cli->arguments, "--reverse")));
    return remote_list(client, a, "GetExecutionHistory", json_object_done(&b), "events", SIZE_MAX,
                       ret_events, &more, reterr);
}

int history_there(struct cli *cli)
{
    struct client *client;
    struct json events;
    struct err err;
    if (cli->arguments.count == 0) {
        err_set(&err, ERR_USAGE, "pawl history at a server needs an ID");
        return cli_fail(cli, NULL, &err);
    }
    if (!remote_open(cli, &client, &err))
        return cli_fail(cli, NULL, &err);
    bool good = read_events(cli, client, &events, &err);
    client_close(client);
    if (!good)
        return cli_fail(cli, NULL, &err);
    if (option_given(&cli->arguments, "--json")) {
        struct json_object_builder b = json_object_builder(cli->arena);
        json_object_add(&b, STR("events"), events);
        remote_print_json(cli, json_object_done(&b));
    } else {
        print_table(cli, events);
    }
    return 0;
}
