#include "cli/remote.h"

struct session {
    struct cli *cli;
    struct client *client;
    const char *name;
    bool as_json;
};

static int list(struct session *s)
{
    static const struct column columns[] = {{"NAME", false}, {"CREATED", false}, {"ARN", false}};
    struct arena *a = s->cli->arena;
    struct json items;
    struct err err;
    bool more;
    if (!remote_list(s->client, a, "ListActivities", json_object(NULL, 0), "activities", SIZE_MAX,
                     &items, &more, &err))
        return cli_fail(s->cli, NULL, &err);
    if (s->as_json) {
        remote_print_json(s->cli, items);
        return 0;
    }
    struct table table = table_of(a, columns, COUNT_OF(columns));
    for (size_t i = 0; i < json_count(items); i++) {
        struct cell *row = table_row(&table);
        struct json item = json_at(items, i);
        row[0].text = json_str(json_get(item, STR("name")));
        row[1].text = time_text(a, remote_time(json_get(item, STR("creationDate"))));
        row[2].text = json_str(json_get(item, STR("activityArn")));
    }
    if (table.count)
        table_print(&table, &s->cli->out);
    else
        out_text(&s->cli->err, "No activities yet. Make one with: pawl activities create NAME\n");
    return 0;
}

static int change(struct session *s, const char *operation, const char *member, struct str value,
                  const char *done)
{
    struct out *o = &s->cli->out;
    struct json answer;
    struct err err;
    if (!remote_ask(s->client, s->cli->arena, operation, member, value, &answer, &err))
        return cli_fail(s->cli, NULL, &err);
    if (s->as_json) {
        remote_print_json(s->cli, answer);
        return 0;
    }
    out_style(o, STYLE_GOOD);
    out_printf(o, "✔ %s", done);
    out_style(o, STYLE_OFF);
    out_text(o, "  ");
    out_foreign(o, str_of_cstr(s->name), 0);
    out_text(o, "\n");
    return 0;
}

static int create(struct session *s)
{
    int status = change(s, "CreateActivity", "name", str_of_cstr(s->name), "created");
    if (status || s->as_json)
        return status;
    out_flush(&s->cli->out);
    out_text(&s->cli->err, "  Work for it with: pawl worker --activity ");
    out_shell_word(&s->cli->err, s->name);
    out_text(&s->cli->err, " -- COMMAND\n");
    return 0;
}

static int delete (struct session *s)
{
    struct str arn;
    struct err err;
    if (!remote_activity_arn(s->client, s->cli->arena, s->name, &arn, &err))
        return cli_fail(s->cli, NULL, &err);
    return change(s, "DeleteActivity", "activityArn", arn, "deleted");
}

static int run_verb(struct session *s, const char *verb)
{
    struct err err;
    if (strcmp(verb, "list") == 0 && !s->name)
        return list(s);
    if (strcmp(verb, "create") == 0 && s->name)
        return create(s);
    if (strcmp(verb, "delete") == 0 && s->name)
        return delete (s);
    err_set(&err, ERR_USAGE, "it is pawl activities list, create NAME or delete NAME");
    return cli_fail(s->cli, NULL, &err);
}

static int run(struct cli *cli)
{
    const struct arguments *a = &cli->arguments;
    struct session s = {
        .cli = cli,
        .name = a->count > 1 ? a->items[1] : NULL,
        .as_json = option_given(a, "--json"),
    };
    struct err err;
    if (!remote_open(cli, &s.client, &err))
        return cli_fail(cli, NULL, &err);
    int status = run_verb(&s, a->count ? a->items[0] : "list");
    client_close(s.client);
    return status;
}

static const struct option options[] = {
    OPTION_JSON("what the API answers"),
    OPTION_DATA,
    OPTION_ENDPOINT,
    OPTION_END,
};

const struct command command_activities = {
    .name = "activities",
    .summary = "List, make and delete activities: queues that workers poll",
    .arguments = "[list | create NAME | delete NAME]",
    .arguments_max = 2,
    .description = "Asks a server: pawl serve on this data directory, or --endpoint.\n"
                   "A Task whose Resource is an activity's ARN waits until a worker has done it;\n"
                   "pawl worker is one.\n",
    .examples = "pawl activities create review\n"
                "pawl activities --json\n",
    .options = options,
    .run = run,
};
