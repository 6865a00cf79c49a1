#include "cli/archive.h"
#include "cli/render.h"
#include "os/clock.h"

#include <strings.h>

enum {
    LS_LIMIT_DEFAULT = 50
};

static int status_option(const struct cli *cli)
{
    const char *text = option_text(&cli->arguments, "--status");
    for (int i = 0; text && i < EXECUTION_STATUS_COUNT; i++)
        if (strcasecmp(text, execution_status_name((enum execution_status)i)) == 0)
            return i;
    return STORE_ANY_STATUS;
}

static bool limit_option(const struct cli *cli, size_t *ret_limit, struct err *reterr)
{
    const char *text = option_text(&cli->arguments, "--limit");
    int64_t limit = LS_LIMIT_DEFAULT;
    if (text && (!str_to_int64(str_of_cstr(text), &limit) || limit < 1 || limit > 1000000))
        return err_set(reterr, ERR_USAGE, "--limit takes a number from 1 to 1000000, not \"%s\"",
                       text);
    *ret_limit = (size_t)limit;
    return true;
}

struct listing {
    struct table table;
    struct json_array_builder json;
    bool as_json, more;
    size_t count;
};

/* Page by page, so that a long list needs one page at a time in the store. */
static bool list(struct cli *cli, const struct archive *archive, size_t limit, struct listing *l,
                 struct err *reterr)
{
    struct wall_ms now = clock_wall();
    struct store_read read = {
        .kind = STORE_LIST_EXECUTIONS, .status = status_option(cli), .arena = cli->arena};
    l->more = true;
    while (l->more && l->count < limit) {
        read.rows_max = limit - l->count < STORE_READ_ROWS_MAX ? limit - l->count : 0;
        if (!archive_read(archive, &read, reterr))
            return false;
        for (size_t i = 0; i < read.count; i++) {
            const struct execution_row *row = &read.executions[i];
            l->count++;
            if (l->as_json)
                json_array_add(&l->json, execution_json(cli->arena, row));
            else
                executions_add(&l->table, row, now);
        }
        l->more = read.more;
        read.key = read.next;
    }
    return true;
}

static void print(struct cli *cli, const struct listing *l)
{
    struct out *o = &cli->out;
    if (l->as_json) {
        json_write_pretty(&o->buf, json_array_done(&l->json));
        out_text(o, "\n");
        return;
    }
    if (l->count)
        table_print(&l->table, o);
    else if (status_option(cli) != STORE_ANY_STATUS)
        out_printf(&cli->err, "No execution is %s.\n",
                   execution_status_name((enum execution_status)status_option(cli)));
    else
        out_text(&cli->err, "No executions yet. Start one with: pawl run FILE\n");
    if (l->more)
        out_printf(&cli->err, "... and more: pawl ls --limit %zu\n", l->count * 10);
}

static int run(struct cli *cli)
{
    struct archive archive;
    struct err err;
    size_t limit = 0;
    struct listing l = {
        .table = executions_table(cli->arena),
        .json = json_array_builder(cli->arena),
        .as_json = option_given(&cli->arguments, "--json"),
    };
    if (!limit_option(cli, &limit, &err) || !archive_open(cli, DATADIR_READ, &archive, &err))
        return cli_fail(cli, NULL, &err);
    bool good = list(cli, &archive, limit, &l, &err);
    if (good)
        print(cli, &l);
    archive_close(&archive);
    return good ? 0 : cli_fail(cli, NULL, &err);
}

static const struct option options[] = {
    {"--status", OPTION_CHOICE, "STATUS",
     "Only these: RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED",
     "RUNNING SUCCEEDED FAILED TIMED_OUT ABORTED"},
    {"--limit", OPTION_TEXT, "N", "At most so many, the newest. Default: 50", NULL},
    OPTION_JSON("a JSON list"),
    OPTION_DATA,
    OPTION_END,
};

const struct command command_ls = {
    .name = "ls",
    .summary = "List executions, the newest first",
    .arguments = "",
    .description = "",
    .examples = "pawl ls\n"
                "pawl ls --status failed\n"
                "pawl ls --json --limit 1000\n",
    .options = options,
    .run = run,
};
