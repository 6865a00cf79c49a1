#include "cli/remote.h"

#include "api/api.h"
#include "os/datadir.h"

#include <math.h>
#include <stdlib.h>

bool remote_open(const struct cli *cli, struct client **ret, struct err *reterr)
{
    const char *url = cli_endpoint(cli);
    if (url)
        return client_open_url(url, ret, reterr);
    struct str data = datadir_choose(str_of_cstr(option_text(&cli->arguments, "--data")),
                                     str_of_cstr(getenv("PAWL_DATA")));
    const char *socket =
        arena_cstr(cli->arena, arena_printf(cli->arena, STR_FMT "/" API_SOCKET, STR_ARG(data)));
    struct client *client;
    struct json answer;
    if (!client_open_unix(socket, &client, reterr)) {
        if (reterr->code != ERR_NOT_FOUND)
            return false;
    } else if (client_call(client, cli->arena, "GET", STR("/healthz"), STR(""), 0, &answer,
                           reterr)) {
        *ret = client;
        return true;
    } else {
        client_close(client);
        if (reterr->code != ERR_UNREACHABLE)
            return false;
    }
    return err_set(reterr, ERR_UNREACHABLE,
                   "nobody serves the data directory " STR_FMT
                   ": start pawl serve there, or name a server with --endpoint",
                   STR_ARG(data));
}

bool remote_ask(struct client *c, struct arena *a, const char *operation, const char *member,
                struct str value, struct json *ret_answer, struct err *reterr)
{
    const struct json_member argument = {json_string(str_of_cstr(member)), json_string(value)};
    return client_operation(c, a, operation, json_object(&argument, 1), ret_answer, reterr);
}

bool remote_list(struct client *c, struct arena *a, const char *operation, struct json arguments,
                 const char *member, size_t most, struct json *ret_items, bool *ret_more,
                 struct err *reterr)
{
    struct json_array_builder items = json_array_builder(a);
    struct json asked = arguments, answer, token;
    size_t count = 0;
    for (;;) {
        if (!client_operation(c, a, operation, asked, &answer, reterr))
            return false;
        struct json page = json_get(answer, str_of_cstr(member));
        token = json_get(answer, STR("nextToken"));
        size_t i = 0;
        for (; i < json_count(page) && count < most; i++, count++)
            json_array_add(&items, json_at(page, i));
        *ret_more = i < json_count(page) || json_is_string(token);
        if (count == most || !json_is_string(token))
            break;
        asked = json_object_with(a, arguments, STR("nextToken"), token);
    }
    *ret_items = json_array_done(&items);
    return true;
}

/* One of a list, by the member that is its name. */
struct lookup {
    const char *operation, *list, *arn, *what;
};

static bool find_arn(struct client *c, struct arena *a, const struct lookup *lookup,
                     const char *name, struct str *ret_arn, struct err *reterr)
{
    struct json items;
    bool more;
    if (str_starts_with(str_of_cstr(name), STR("arn:"))) {
        *ret_arn = str_of_cstr(name);
        return true;
    }
    if (!remote_list(c, a, lookup->operation, json_object(NULL, 0), lookup->list, SIZE_MAX, &items,
                     &more, reterr))
        return false;
    size_t count = json_count(items);
    const char **names = ARENA_ARRAY(a, const char *, count + 1);
    for (size_t i = 0; i < count; i++) {
        struct str there = json_str(json_get(json_at(items, i), STR("name")));
        names[i] = arena_cstr(a, there);
        if (str_eq(there, str_of_cstr(name))) {
            *ret_arn = json_str(json_get(json_at(items, i), str_of_cstr(lookup->arn)));
            return true;
        }
    }
    const char *near = suggest_name(name, names, count, sizeof(names[0]));
    return err_set(reterr, ERR_NOT_FOUND, "no %s is named \"%s\"%s%s%s", lookup->what, name,
                   near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

bool remote_machine_arn(struct client *c, struct arena *a, const char *name, struct str *ret_arn,
                        struct err *reterr)
{
    static const struct lookup machines = {"ListStateMachines", "stateMachines", "stateMachineArn",
                                           "state machine"};
    return find_arn(c, a, &machines, name, ret_arn, reterr);
}

bool remote_activity_arn(struct client *c, struct arena *a, const char *name, struct str *ret_arn,
                         struct err *reterr)
{
    static const struct lookup activities = {"ListActivities", "activities", "activityArn",
                                             "activity"};
    return find_arn(c, a, &activities, name, ret_arn, reterr);
}

struct wall_ms remote_time(struct json seconds)
{
    double value = json_to_double(seconds);
    return (struct wall_ms){
        json_is_number(seconds) && value > 0 && value < 1e12 ? llround(value * 1000) : 0};
}

void remote_print_fact(struct out *o, const char *title, struct str value)
{
    if (!value.len)
        return;
    out_style(o, STYLE_DIM);
    out_printf(o, "  %-9s", title);
    out_style(o, STYLE_OFF);
    out_foreign(o, value, REMOTE_VALUE_SHOWN_MAX);
    out_text(o, "\n");
}

void remote_print_json(struct cli *cli, struct json value)
{
    json_write_pretty(&cli->out.buf, value);
    out_text(&cli->out, "\n");
}
