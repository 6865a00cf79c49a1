#include "cli/archive.h"
#include "cli/remote.h"
#include "cli/render.h"
#include "cli/there.h"
#include "cli/told.h"
#include "os/clock.h"

#include <stdlib.h>

/* One `pawl ls` of a server. */
struct session {
    struct cli *cli;
    struct client *client;
    int status;
    size_t limit;
    struct json *items; /* executions, of all machines that are asked about */
    size_t count, capacity;
    bool more;
};

static bool list_of(struct session *s, struct str arn, struct err *reterr)
{
    struct arena *a = s->cli->arena;
    struct json_object_builder b = json_object_builder(a);
    struct json items;
    bool more;
    json_object_add(&b, STR("stateMachineArn"), json_string(arn));
    if (s->status != STORE_ANY_STATUS)
        json_object_add(
            &b, STR("statusFilter"),
            json_string(str_of_cstr(execution_status_name((enum execution_status)s->status))));
    if (!remote_list(s->client, a, "ListExecutions", json_object_done(&b), "executions", s->limit,
                     &items, &more, reterr))
        return false;
    s->more |= more;
    for (size_t i = 0; i < json_count(items); i++) {
        s->items = arena_grow(a, s->items, s->count, &s->capacity, sizeof(*s->items));
        s->items[s->count++] = json_at(items, i);
    }
    return true;
}

static bool list_all(struct session *s, struct err *reterr)
{
    struct json machines;
    bool more;
    if (!remote_list(s->client, s->cli->arena, "ListStateMachines", json_object(NULL, 0),
                     "stateMachines", SIZE_MAX, &machines, &more, reterr))
        return false;
    for (size_t i = 0; i < json_count(machines); i++) {
        struct json machine = json_at(machines, i);
        if (str_eq(json_str(json_get(machine, STR("type"))), STR("EXPRESS")))
            continue; /* these have no list */
        if (!list_of(s, json_str(json_get(machine, STR("stateMachineArn"))), reterr))
            return false;
    }
    return true;
}

static int newest_first(const void *a, const void *b)
{
    int64_t x = remote_time(json_get(*(const struct json *)a, STR("startDate"))).ms;
    int64_t y = remote_time(json_get(*(const struct json *)b, STR("startDate"))).ms;
    return (x < y) - (x > y);
}

static void print_table(struct session *s)
{
    static const struct column columns[] = {{"", false},        {"NAME", false},
                                            {"MACHINE", false}, {"STATUS", false},
                                            {"STARTED", false}, {"DURATION", true}};
    struct arena *a = s->cli->arena;
    struct table table = table_of(a, columns, COUNT_OF(columns));
    struct wall_ms now = clock_wall();
    for (size_t i = 0; i < s->count && i < s->limit; i++) {
        struct cell *row = table_row(&table);
        struct json item = s->items[i];
        struct wall_ms started = remote_time(json_get(item, STR("startDate")));
        struct wall_ms stopped = remote_time(json_get(item, STR("stopDate")));
        struct str arn = json_str(json_get(item, STR("stateMachineArn")));
        row[0] = mark_of_execution(told_status(json_get(item, STR("status"))));
        row[1].text = json_str(json_get(item, STR("name")));
        row[2].text = str_slice(arn, str_rfind_char(arn, ':') + 1, arn.len);
        row[3].text = json_str(json_get(item, STR("status")));
        row[4].text = time_text(a, started);
        row[5].text = duration_text(a, (stopped.ms ? stopped.ms : now.ms) - started.ms);
    }
    if (table.count)
        table_print(&table, &s->cli->out);
    else
        out_text(&s->cli->err, "No executions there.\n");
    if (s->more || s->count > s->limit)
        out_printf(&s->cli->err, "... and more: --limit %zu shows them\n", s->limit * 10);
}

static void print(struct session *s)
{
    struct json_array_builder list = json_array_builder(s->cli->arena);
    if (s->count)
        qsort(s->items, s->count, sizeof(*s->items), newest_first);
    if (!option_given(&s->cli->arguments, "--json")) {
        print_table(s);
        return;
    }
    for (size_t i = 0; i < s->count && i < s->limit; i++)
        json_array_add(&list, s->items[i]);
    remote_print_json(s->cli, json_array_done(&list));
}

int ls_there(struct cli *cli, struct str machine, int status, size_t limit)
{
    struct session s = {.cli = cli, .status = status, .limit = limit};
    struct str arn;
    struct err err;
    if (!remote_open(cli, &s.client, &err))
        return cli_fail(cli, NULL, &err);
    bool good = machine.len ? remote_machine_arn(s.client, cli->arena,
                                                 arena_cstr(cli->arena, machine), &arn, &err) &&
                                  list_of(&s, arn, &err)
                            : list_all(&s, &err);
    client_close(s.client);
    if (!good)
        return cli_fail(cli, NULL, &err);
    print(&s);
    return 0;
}
