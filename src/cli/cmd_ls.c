#include "cli/archive.h"
#include "cli/render.h"
#include "cli/there.h"
#include "os/clock.h"
#include "store/visibility.h"

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
    struct str machine; /* only its executions; empty: all */
    struct str machine_arn;
    struct table table;
    struct json_array_builder json;
    bool as_json, more;
    size_t count, limit;
};

static void take(struct cli *cli, struct listing *l, const struct execution_row *row,
                 struct wall_ms now)
{
    if (l->machine.len && !str_eq(row->machine_name, l->machine))
        return;
    l->count++;
    if (l->as_json)
        json_array_add(&l->json, json_copy(cli->arena, execution_shown(cli->arena, row)));
    else
        executions_add(&l->table, row, now);
}

/* ---- by the projection that a server keeps, when it is up to date ---- */

enum {
    KEYS_AT_ONCE = 256,
    LAG_MAX_MS = 1000, /* beside a server at work; without one there is none */
};

static bool is_up_to_date(struct visibility *v)
{
    struct visibility_lag lag;
    struct err ignored;
    return visibility_lag(v, &lag, &ignored) &&
           (lag.rows == 0 || clock_wall().ms - lag.since.ms < LAG_MAX_MS);
}

/* NULL: there is none, or it is behind: then the store is walked through. */
static struct visibility *open_projection(struct cli *cli, const struct archive *archive)
{
    struct visibility *v;
    struct err ignored;
    if (!visibility_open_reader(datadir_file(archive->datadir, cli->arena, DATADIR_VISIBILITY),
                                datadir_file(archive->datadir, cli->arena, DATADIR_STORE), &v,
                                &ignored))
        return NULL;
    if (is_up_to_date(v))
        return v;
    visibility_close(v);
    return NULL;
}

/* What its row says now is what counts. */
static bool take_key(struct cli *cli, const struct archive *archive, struct listing *l,
                     execution_key key, struct wall_ms now, struct err *reterr)
{
    struct store_read read = {.kind = STORE_GET_EXECUTION, .key = key, .arena = arena_new(0)};
    bool good = archive_read(archive, &read, reterr);
    int status = status_option(cli);
    if (good && (status == STORE_ANY_STATUS || (int)read.executions[0].status == status))
        take(cli, l, &read.executions[0], now);
    arena_free(read.arena);
    return good || reterr->code == ERR_NOT_FOUND;
}

static bool list_by(struct cli *cli, const struct archive *archive, struct visibility *v,
                    struct listing *l, struct err *reterr)
{
    execution_key keys[KEYS_AT_ONCE];
    struct wall_ms now = clock_wall();
    struct visibility_query query = {.machine_arn = l->machine_arn, .status = status_option(cli)};
    l->more = true;
    while (l->more && l->count < l->limit) {
        size_t count = 0, i = 0;
        if (!visibility_list(v, &query, keys, KEYS_AT_ONCE, &count, &l->more, reterr))
            return false;
        for (; i < count && l->count < l->limit; i++) {
            query.below = keys[i];
            if (!take_key(cli, archive, l, keys[i], now, reterr))
                return false;
        }
        l->more |= i < count;
    }
    return true;
}

/* ---- by the store ---- */

/* Page by page, so that a long list needs one page at a time in memory, besides
 * what is printed of it. */
static bool list_all(struct cli *cli, const struct archive *archive, struct listing *l,
                     struct err *reterr)
{
    struct wall_ms now = clock_wall();
    struct store_read read = {.kind = STORE_LIST_EXECUTIONS, .status = status_option(cli)};
    l->more = true;
    while (l->more && l->count < l->limit) {
        size_t i = 0, left = l->limit - l->count;
        read.rows_max = !l->machine.len && left < STORE_READ_ROWS_MAX ? left : 0;
        read.arena = arena_new(0);
        bool good = archive_read(archive, &read, reterr);
        for (; good && i < read.count && l->count < l->limit; i++)
            take(cli, l, &read.executions[i], now);
        l->more = read.more || i < read.count;
        read.key = read.next;
        arena_free(read.arena);
        if (!good)
            return false;
    }
    return true;
}

static bool list(struct cli *cli, const struct archive *archive, struct listing *l,
                 struct err *reterr)
{
    bool filtered = l->machine.len || status_option(cli) != STORE_ANY_STATUS;
    struct visibility *v = filtered ? open_projection(cli, archive) : NULL;
    if (!v)
        return list_all(cli, archive, l, reterr);
    bool good = list_by(cli, archive, v, l, reterr);
    visibility_close(v);
    return good;
}

/* A machine that is not there is told at once, not after looking at everything. */
static bool machine_check(struct cli *cli, const struct archive *archive, struct str name,
                          struct str *ret_arn, struct err *reterr)
{
    struct store_read read = {.kind = STORE_GET_MACHINE, .name = name, .arena = cli->arena};
    if (!name.len)
        return true;
    if (archive_read(archive, &read, reterr)) {
        *ret_arn = read.machines[0].arn;
        return true;
    }
    if (reterr->code != ERR_NOT_FOUND)
        return false;
    struct err ignored;
    struct store_read all = {.kind = STORE_LIST_MACHINES, .arena = cli->arena};
    if (!archive_read(archive, &all, &ignored))
        all.count = 0;
    const char **names = ARENA_ARRAY(cli->arena, const char *, all.count + 1);
    for (size_t i = 0; i < all.count; i++)
        names[i] = arena_cstr(cli->arena, all.machines[i].name);
    const char *text = arena_cstr(cli->arena, name);
    const char *near = suggest_name(text, names, all.count, sizeof(names[0]));
    return err_set(reterr, ERR_NOT_FOUND, "no state machine is named \"%s\"%s%s%s", text,
                   near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
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
        out_printf(&cli->err, "No execution%s is %s.\n", l->machine.len ? " of that machine" : "",
                   execution_status_name((enum execution_status)status_option(cli)));
    else if (l->machine.len)
        out_text(&cli->err, "No execution of that machine yet.\n");
    else
        out_text(&cli->err, "No executions yet. Start one with: pawl run FILE\n");
    if (l->more)
        out_printf(&cli->err, "... and more: --limit %zu shows them\n", l->count * 10);
}

static int run(struct cli *cli)
{
    struct archive archive;
    struct err err;
    struct listing l = {
        .machine = str_of_cstr(option_text(&cli->arguments, "--machine")),
        .table = executions_table(cli->arena),
        .json = json_array_builder(cli->arena),
        .as_json = option_given(&cli->arguments, "--json"),
    };
    if (!limit_option(cli, &l.limit, &err))
        return cli_fail(cli, NULL, &err);
    if (cli_endpoint(cli))
        return ls_there(cli, l.machine, status_option(cli), l.limit);
    if (!archive_open(cli, DATADIR_READ, &archive, &err))
        return cli_fail(cli, NULL, &err);
    bool good = machine_check(cli, &archive, l.machine, &l.machine_arn, &err) &&
                list(cli, &archive, &l, &err);
    if (good)
        print(cli, &l);
    archive_close(&archive);
    return good ? 0 : cli_fail(cli, NULL, &err);
}

static const struct option options[] = {
    {"--status", OPTION_CHOICE, "STATUS",
     "Only these: RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED",
     "RUNNING SUCCEEDED FAILED TIMED_OUT ABORTED"},
    {"--machine", OPTION_TEXT, "NAME", "Only those of this state machine", NULL},
    {"--limit", OPTION_TEXT, "N", "At most so many, the newest. Default: 50", NULL},
    OPTION_JSON("a JSON list"),
    OPTION_DATA,
    OPTION_ENDPOINT,
    OPTION_END,
};

const struct command command_ls = {
    .name = "ls",
    .summary = "List executions, the newest first",
    .arguments = "",
    .description = "",
    .examples = "pawl ls\n"
                "pawl ls --status failed --machine order\n"
                "pawl ls --json --limit 1000\n",
    .options = options,
    .run = run,
};
