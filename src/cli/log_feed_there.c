#include "asl/compile.h"
#include "cli/log_feed.h"
#include "cli/remote.h"
#include "cli/told.h"
#include "os/clock.h"

/* One execution at a server. */
struct followed {
    struct str id;
    uint64_t last; /* the cursor: the number of the last event that was told */
    int64_t turns; /* that were told */
    int64_t goal;  /* stop behind this turn; 0: at the end */
    bool past;     /* the turns up to `goal` are not told */
    bool ended, failed;
    const struct machine *machine;
    struct logbook book;
    struct err err;
};

struct feed {
    struct cli *cli;
    struct client *client;
    struct log_filter *filter;
    struct followed **items;
    size_t count, capacity;
};

/* ---- one execution ---- */

static bool ask_state(struct feed *feed, struct str id, struct arena *a, struct json *ret_state,
                      struct err *reterr)
{
    struct str path = arena_printf(a, "/api/v1/executions/" STR_FMT, STR_ARG(client_encode(a, id)));
    return client_call(feed->client, a, "GET", path, STR(""), 0, ret_state, reterr);
}

static bool ask_machine(struct feed *feed, struct followed *f, struct err *reterr)
{
    struct arena *a = feed->cli->arena;
    struct diag_list diags = diag_list(a);
    struct json answer;
    struct err syntax;
    struct str path = arena_printf(a, "/api/v1/executions/" STR_FMT "/definition", STR_ARG(f->id));
    if (!client_call(feed->client, a, "GET", path, STR(""), 0, &answer, reterr))
        return false;
    struct str text = arena_str(a, json_str(json_get(answer, STR("definition"))));
    if (!asl_compile_stored(a, text, &diags, &f->machine, &syntax))
        return err_set(reterr, ERR_INVALID_DEFINITION,
                       "this release of pawl cannot read the definition that the server runs");
    f->book.layout = step_layout_of(f->machine);
    return true;
}

/* The state names it by its whole id. */
static bool open_book(struct feed *feed, struct json state, struct followed **ret,
                      struct err *reterr)
{
    struct arena *a = feed->cli->arena;
    struct followed *f = ARENA_NEW(a, struct followed);
    f->id = arena_str(a, json_str(json_get(state, STR("id"))));
    if (!f->id.len)
        return err_set(reterr, ERR_INTERNAL, "the server's answer has no id");
    f->book = (struct logbook){
        .filter = feed->filter,
        .arena = a,
        .id = f->id,
        .name = arena_str(a, json_str(json_get(state, STR("name")))),
        .workflow = arena_str(a, json_str(json_get(state, STR("machine_name")))),
    };
    *ret = f;
    return ask_machine(feed, f, reterr);
}

static bool take_steps(struct followed *f, struct json steps)
{
    for (size_t i = 0; i < json_count(steps); i++) {
        int64_t index = -1;
        struct json told = json_at(steps, i);
        struct step *step =
            json_to_int64(json_get(told, STR("index")), &index) && index >= 0 && index < UINT32_MAX
                ? logbook_put(&f->book, (uint32_t)index)
                : NULL;
        if (!step || !told_step(f->book.arena, f->machine, told, step))
            return err_set(&f->err, ERR_INTERNAL,
                           "the server tells of a step that cannot be in this run");
    }
    return true;
}

static void take_turn(struct followed *f, struct json line, int64_t turn)
{
    struct json events = json_get(line, STR("events"));
    struct wall_ms at = told_time(json_get(line, STR("at")));
    struct arena *a = arena_new(0);
    struct flow_event *controls = ARENA_ARRAY(a, struct flow_event, json_count(events) + 1);
    struct json details;
    enum execution_status status;
    size_t count = 0;
    int64_t last = 0;
    if (turn == 0)
        logbook_begins(&f->book, at);
    f->failed = !take_steps(f, json_get(line, STR("steps")));
    for (size_t i = 0; i < json_count(events); i++)
        count += told_control(json_at(events, i), &controls[count]);
    logbook_turn(&f->book, controls, count, at);
    for (size_t i = 0; i < json_count(events); i++)
        if (told_end(json_at(events, i), &status, &details))
            logbook_ends(&f->book, status, at, json_str(json_get(details, STR("error"))),
                         json_str(json_get(details, STR("cause"))));
    if (json_to_int64(json_get(line, STR("last")), &last) && last > 0)
        f->last = (uint64_t)last;
    f->turns = turn + 1;
    arena_free(a);
}

static bool take_line(void *arg, struct json line)
{
    struct followed *f = arg;
    struct json closed = json_get(line, STR("closed"));
    int64_t turn = 0;
    if (json_to_int64(json_get(line, STR("turn")), &turn)) {
        f->book.quiet = f->past && turn < f->goal;
        take_turn(f, line, turn);
    }
    f->ended = json_is_object(json_get(line, STR("end")));
    out_flush(f->book.filter->out);
    return !f->ended && !f->failed && json_is_absent(closed) && !f->book.filter->out->closed &&
           !(f->goal && f->turns >= f->goal);
}

/* From its cursor on. */
static bool follow(struct feed *feed, struct followed *f, struct err *reterr)
{
    const struct client_stream stream = {.line = take_line, .arg = f};
    struct arena *a = arena_new(0);
    struct str path = arena_printf(a, "/api/v1/executions/" STR_FMT "/follow?from=%llu&data=false",
                                   STR_ARG(f->id), (unsigned long long)f->last);
    bool good = client_follow(feed->client, path, &stream, reterr);
    arena_free(a);
    if (good && f->failed)
        *reterr = f->err;
    return good && !f->failed;
}

/* Was the connection lost, and may it come back? */
static bool comes_back(const struct err *err, uint64_t *since)
{
    uint64_t now = clock_mono().ns;
    if (err->code != ERR_UNREACHABLE && err->code != ERR_BUSY)
        return false;
    if (!*since)
        *since = now;
    return now - *since < FEED_WAIT_MS * 1000000ULL;
}

static int feed_one(struct feed *feed, const struct log_wish *wish)
{
    struct json state;
    struct followed *f;
    struct err err;
    uint64_t since = 0;
    if (!wish->id)
        err_set(&err, ERR_USAGE, "at a server, name the execution: pawl ls lists them");
    if (!wish->id || !ask_state(feed, str_of_cstr(wish->id), feed->cli->arena, &state, &err) ||
        !open_book(feed, state, &f, &err))
        return cli_fail(feed->cli, NULL, &err);
    bool ended = told_status(json_get(state, STR("status"))) != EXECUTION_RUNNING;
    if (!wish->follow && !ended && !json_to_int64(json_get(state, STR("turns")), &f->goal))
        f->goal = 0;
    while (!f->ended && !feed->filter->out->closed && !(f->goal && f->turns >= f->goal)) {
        uint64_t before = f->last;
        if (!follow(feed, f, &err) && !comes_back(&err, &since))
            return cli_fail(feed->cli, NULL, &err);
        if (f->last != before)
            since = 0;
        else
            log_feed_rest(feed->filter);
    }
    return 0;
}

/* ---- a workflow ---- */

static struct followed *find(const struct feed *feed, struct str id)
{
    for (size_t i = 0; i < feed->count; i++)
        if (str_eq(feed->items[i]->id, id))
            return feed->items[i];
    return NULL;
}

/* `news`: what has ended already is not told. */
static bool look_at(struct feed *feed, struct json listed, bool news, struct err *reterr)
{
    struct arena *a = arena_new(0);
    struct json state;
    struct followed *f = NULL;
    int64_t turns = 0;
    bool good = ask_state(feed, json_str(json_get(listed, STR("executionArn"))), a, &state, reterr);
    if (good)
        f = find(feed, json_str(json_get(state, STR("id"))));
    if (good && !json_to_int64(json_get(state, STR("turns")), &turns))
        turns = 0;
    if (good && !f && (good = open_book(feed, state, &f, reterr))) {
        feed->items = arena_grow(feed->cli->arena, feed->items, feed->count, &feed->capacity,
                                 sizeof(struct followed *));
        feed->items[feed->count++] = f;
        f->past = news && told_status(json_get(state, STR("status"))) != EXECUTION_RUNNING;
    }
    if (good && turns > f->turns) {
        f->goal = turns;
        good = follow(feed, f, reterr);
        f->past = false;
    }
    arena_free(a);
    return good;
}

static bool look_at_all(struct feed *feed, struct str arn, bool news, struct err *reterr)
{
    const struct json_member asked[] = {
        {json_string(STR("stateMachineArn")), json_string(arn)},
        {json_string(STR("maxResults")), json_int(FEED_LISTED_MAX)},
    };
    struct arena *a = arena_new(0);
    struct json items;
    bool more,
        good = remote_list(feed->client, a, "ListExecutions", json_object(asked, COUNT_OF(asked)),
                           "executions", FEED_LISTED_MAX, &items, &more, reterr);
    for (size_t i = good ? json_count(items) : 0; i > 0 && good; i--)
        good = look_at(feed, json_at(items, i - 1), news, reterr);
    arena_free(a);
    return good;
}

static int feed_workflow(struct feed *feed, const struct log_wish *wish)
{
    struct str arn;
    struct err err;
    uint64_t since = 0;
    if (!remote_machine_arn(feed->client, feed->cli->arena, wish->workflow, &arn, &err))
        return cli_fail(feed->cli, NULL, &err);
    for (bool news = wish->follow; !feed->filter->out->closed;) {
        bool good = look_at_all(feed, arn, news, &err);
        if (!good && !comes_back(&err, &since))
            return cli_fail(feed->cli, NULL, &err);
        if (!wish->follow)
            break;
        since = good ? 0 : since;
        news &= !good;
        log_feed_rest(feed->filter);
    }
    return 0;
}

int log_feed_there(struct cli *cli, const char *url, const struct log_wish *wish,
                   struct log_filter *filter)
{
    struct feed feed = {.cli = cli, .filter = filter};
    struct err err;
    if (!client_open_url(url, &feed.client, &err))
        return cli_fail(cli, NULL, &err);
    int status = wish->workflow ? feed_workflow(&feed, wish) : feed_one(&feed, wish);
    client_close(feed.client);
    return status;
}
