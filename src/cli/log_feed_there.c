#include "asl/compile.h"
#include "cli/log_feed.h"
#include "cli/remote.h"
#include "cli/told.h"
#include "os/clock.h"

/* One execution at a server, while it is followed. Lies in its arena. */
struct opened {
    struct arena *arena;
    struct str arn, id;
    uint64_t last; /* the cursor: the number of the last event that came by */
    int64_t turns; /* that came by */
    int64_t told;  /* turns below it were told before, or are of the past */
    int64_t goal;  /* stop behind this turn; 0: at the end */
    bool ended, failed;
    const struct machine *machine;
    struct logbook book;
    struct err err;
};

/* One of a workflow. */
struct known {
    uint64_t key;          /* of its ARN */
    int64_t told;          /* turns, those of the past counted in */
    struct opened *opened; /* NULL: it has ended, and is let go until it goes on */
};

struct definition {
    struct definition *next;
    struct str hash;
    const struct machine *machine;
};

struct feed {
    struct cli *cli;
    struct client *client;
    struct log_filter *filter;
    struct definition *definitions;
    struct known *known; /* in the order in which they were found */
    size_t known_count, known_capacity, opened_count;
    struct wall_ms since; /* what started before was found, or is among those that run */
    bool begun;           /* what had ended before is known as such */
    bool limit_told;
};

/* ---- one execution ---- */

static bool ask_state(struct feed *feed, struct str id, struct arena *a, struct json *ret_state,
                      struct err *reterr)
{
    struct str path = arena_printf(a, "/api/v1/executions/" STR_FMT, STR_ARG(client_encode(a, id)));
    return client_call(feed->client, a, "GET", path, STR(""), 0, ret_state, reterr);
}

/* Those of a workflow have few definitions between them. */
static bool ask_machine(struct feed *feed, struct str id, struct str hash,
                        const struct machine **ret_machine, struct err *reterr)
{
    struct arena *a = feed->cli->arena;
    struct diag_list diags = diag_list(a);
    struct json answer;
    struct err syntax;
    for (const struct definition *d = feed->definitions; d; d = d->next)
        if (str_eq(d->hash, hash)) {
            *ret_machine = d->machine;
            return true;
        }
    struct str path = arena_printf(a, "/api/v1/executions/" STR_FMT "/definition", STR_ARG(id));
    if (!client_call(feed->client, a, "GET", path, STR(""), 0, &answer, reterr))
        return false;
    struct str text = arena_str(a, json_str(json_get(answer, STR("definition"))));
    if (!asl_compile_stored(a, text, &diags, ret_machine, &syntax))
        return err_set(reterr, ERR_INVALID_DEFINITION,
                       "this release of pawl cannot read the definition that the server runs");
    struct definition *d = ARENA_NEW(a, struct definition);
    *d = (struct definition){feed->definitions, arena_str(a, hash), *ret_machine};
    feed->definitions = d;
    return true;
}

/* The state names it by its whole id. */
static bool open_book(struct feed *feed, struct json state, int64_t told, struct opened **ret,
                      struct err *reterr)
{
    struct str id = json_str(json_get(state, STR("id")));
    struct str definition = json_str(json_get(state, STR("definition")));
    const struct machine *machine;
    if (!id.len)
        return err_set(reterr, ERR_INTERNAL, "the server's answer has no id");
    if (!ask_machine(feed, id, definition, &machine, reterr))
        return false;
    struct arena *a = arena_new(0);
    struct opened *o = ARENA_NEW(a, struct opened);
    *o = (struct opened){.arena = a,
                         .arn = arena_str(a, json_str(json_get(state, STR("execution_arn")))),
                         .id = arena_str(a, id),
                         .told = told,
                         .machine = machine};
    o->book = (struct logbook){
        .filter = feed->filter,
        .arena = a,
        .id = o->id,
        .name = arena_str(a, json_str(json_get(state, STR("name")))),
        .workflow = arena_str(a, json_str(json_get(state, STR("machine_name")))),
        .layout = step_layout_of(machine),
    };
    *ret = o;
    return true;
}

static bool take_steps(struct opened *f, struct json steps)
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

static void take_turn(struct opened *f, struct json line, int64_t turn)
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
    struct opened *f = arg;
    struct json closed = json_get(line, STR("closed"));
    int64_t turn = 0;
    if (json_to_int64(json_get(line, STR("turn")), &turn)) {
        f->book.quiet = turn < f->told;
        take_turn(f, line, turn);
    }
    f->ended = json_is_object(json_get(line, STR("end")));
    out_flush(f->book.filter->out);
    return !f->ended && !f->failed && json_is_absent(closed) && !f->book.filter->out->closed &&
           !(f->goal && f->turns >= f->goal);
}

/* From its cursor on. */
static bool follow(struct feed *feed, struct opened *f, struct err *reterr)
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
    struct opened *f = NULL;
    struct err err;
    uint64_t since = 0;
    if (!wish->id)
        err_set(&err, ERR_USAGE, "at a server, name the execution: pawl ls lists them");
    if (!wish->id || !ask_state(feed, str_of_cstr(wish->id), feed->cli->arena, &state, &err) ||
        !open_book(feed, state, 0, &f, &err))
        return cli_fail(feed->cli, NULL, &err);
    ASSERT(f);
    bool ended = told_status(json_get(state, STR("status"))) != EXECUTION_RUNNING;
    int status = 0;
    if (!wish->follow && !ended && !json_to_int64(json_get(state, STR("turns")), &f->goal))
        f->goal = 0;
    while (!f->ended && !feed->filter->out->closed && !(f->goal && f->turns >= f->goal)) {
        uint64_t before = f->last;
        if (!follow(feed, f, &err) && !comes_back(&err, &since)) {
            status = cli_fail(feed->cli, NULL, &err);
            break;
        }
        if (f->last != before)
            since = 0;
        else
            log_feed_rest(feed->filter);
    }
    arena_free(f->arena);
    return status;
}

/* ---- a workflow: what is known ---- */

/* It may begin anew, with what is still to be told. */
static void let_go(struct feed *feed, struct known *k)
{
    arena_free(k->opened->arena);
    k->opened = NULL;
    feed->opened_count--;
}

/* The older half of those that have ended; one that goes on later is told from its start. */
static void forget_some(struct feed *feed)
{
    size_t kept = 0, gone = 0;
    for (size_t i = 0; i < feed->known_count; i++) {
        bool goes = !feed->known[i].opened && gone < FEED_REMEMBERED_MAX / 2;
        gone += goes;
        if (!goes)
            feed->known[kept++] = feed->known[i];
    }
    feed->known_count = kept;
}

/* SIZE_MAX: it is not known. */
static size_t find(const struct feed *feed, struct str arn)
{
    uint64_t key = checksum64(arn);
    for (size_t i = feed->known_count; i > 0; i--)
        if (feed->known[i - 1].key == key)
            return i - 1;
    return SIZE_MAX;
}

static size_t add(struct feed *feed, struct str arn)
{
    if (feed->known_count - feed->opened_count >= FEED_REMEMBERED_MAX)
        forget_some(feed);
    feed->known = arena_grow(feed->cli->arena, feed->known, feed->known_count,
                             &feed->known_capacity, sizeof(*feed->known));
    feed->known[feed->known_count] = (struct known){.key = checksum64(arn)};
    return feed->known_count++;
}

static void tell_limit(struct feed *feed)
{
    if (feed->limit_told)
        return;
    feed->limit_told = true;
    out_flush(feed->filter->out);
    out_printf(&feed->cli->err,
               "More than %d executions at once, which is all that is followed (limit "
               "followed_max): some are not told of.\n",
               FEED_FOLLOWED_MAX);
    out_flush(&feed->cli->err);
}

/* ---- a workflow: looking ---- */

/* `past`: what it has come to by now is not told, if it has ended. */
static bool look_at(struct feed *feed, size_t index, struct str arn, bool past, struct err *reterr)
{
    struct known *k = &feed->known[index];
    struct arena *a = arena_new(0);
    struct json state;
    int64_t turns = 0;
    bool good = ask_state(feed, arn, a, &state, reterr);
    bool ended = good && told_status(json_get(state, STR("status"))) != EXECUTION_RUNNING;
    if (good && !json_to_int64(json_get(state, STR("turns")), &turns))
        turns = 0;
    if (good && past && ended && !k->opened)
        k->told = turns;
    if (good && turns > k->told && !k->opened) {
        good = open_book(feed, state, k->told, &k->opened, reterr);
        feed->opened_count += good;
    }
    if (good && turns > k->told) {
        k->opened->goal = turns;
        good = follow(feed, k->opened, reterr);
        if (k->opened->turns > k->told)
            k->told = k->opened->turns;
    }
    if (good && ended && k->opened && k->told >= turns)
        let_go(feed, k);
    arena_free(a);
    return good;
}

/* Those of this status (NULL: of any) that started at `since` or later, the newest first; the
 * newest alone when there are more than can be followed. */
static bool list(struct feed *feed, struct str arn, const char *status, struct wall_ms since,
                 struct arena *a, struct json *ret_items, struct err *reterr)
{
    struct json_object_builder b = json_object_builder(a);
    struct json_array_builder items = json_array_builder(a);
    json_object_add(&b, STR("stateMachineArn"), json_string(arn));
    json_object_add(&b, STR("maxResults"), json_int(FEED_PAGE));
    if (status)
        json_object_add(&b, STR("statusFilter"), json_string(str_of_cstr(status)));
    struct json asked = json_object_done(&b), answer;
    for (bool more = true; more;) {
        if (!client_operation(feed->client, a, "ListExecutions", asked, &answer, reterr))
            return false;
        struct json page = json_get(answer, STR("executions"));
        struct json token = json_get(answer, STR("nextToken"));
        more = json_is_string(token);
        for (size_t i = 0; i < json_count(page); i++) {
            struct json item = json_at(page, i);
            bool full = items.count == FEED_FOLLOWED_MAX;
            if (full)
                tell_limit(feed);
            if (full || remote_time(json_get(item, STR("startDate"))).ms < since.ms) {
                more = false;
                break;
            }
            json_array_add(&items, item);
        }
        if (more)
            asked = json_object_with(a, asked, STR("nextToken"), token);
    }
    *ret_items = json_array_done(&items);
    return true;
}

static void note_newest(struct feed *feed, struct json items)
{
    if (json_count(items))
        feed->since.ms =
            remote_time(json_get(json_at(items, 0), STR("startDate"))).ms - FEED_LIST_LAG_MS;
}

/* The oldest first, as far as there is room. known: also those that were let go. */
static bool look_at_listed(struct feed *feed, struct json items, bool known, struct err *reterr)
{
    for (size_t i = json_count(items); i > 0 && !feed->filter->out->closed; i--) {
        struct json item = json_at(items, i - 1);
        struct str arn = json_str(json_get(item, STR("executionArn")));
        bool past =
            !feed->begun && !str_eq(json_str(json_get(item, STR("status"))), STR("RUNNING"));
        size_t index = find(feed, arn);
        if (index != SIZE_MAX && (!known || feed->known[index].opened))
            continue;
        if (feed->opened_count >= FEED_FOLLOWED_MAX) {
            tell_limit(feed);
            return true;
        }
        if (index == SIZE_MAX)
            index = add(feed, arn);
        if (!look_at(feed, index, arn, past, reterr))
            return false;
    }
    return true;
}

/* What started before the newest there is, and not just before, is of the past. */
static bool find_since(struct feed *feed, struct str arn, struct arena *a, struct err *reterr)
{
    const struct json_member asked[] = {{json_string(STR("stateMachineArn")), json_string(arn)},
                                        {json_string(STR("maxResults")), json_int(1)}};
    struct json answer;
    if (!client_operation(feed->client, a, "ListExecutions", json_object(asked, COUNT_OF(asked)),
                          &answer, reterr))
        return false;
    note_newest(feed, json_get(answer, STR("executions")));
    return true;
}

/* What is followed; what is new, which finds those that have ended since they started; what
 * runs, which finds those that go on again. What had ended at the first look is not told. A list
 * may be behind by FEED_LIST_LAG_MS. */
static bool look_at_all(struct feed *feed, struct str arn, struct err *reterr)
{
    struct arena *a = arena_new(0);
    struct json running, young = JSON_NONE;
    bool good = feed->begun || find_since(feed, arn, a, reterr);
    for (size_t i = 0; good && i < feed->known_count; i++)
        if (feed->known[i].opened)
            good = look_at(feed, i, feed->known[i].opened->arn, false, reterr);
    good = good && list(feed, arn, NULL, feed->since, a, &young, reterr) &&
           look_at_listed(feed, young, false, reterr);
    if (good)
        note_newest(feed, young);
    feed->begun |= good;
    good = good && list(feed, arn, "RUNNING", (struct wall_ms){0}, a, &running, reterr) &&
           look_at_listed(feed, running, true, reterr);
    arena_free(a);
    return good;
}

/* All there is, without waiting for more. */
static bool look_once(struct feed *feed, struct str arn, struct err *reterr)
{
    struct arena *a = arena_new(0);
    struct json items;
    feed->begun = true;
    bool good = list(feed, arn, NULL, (struct wall_ms){0}, a, &items, reterr) &&
                look_at_listed(feed, items, false, reterr);
    arena_free(a);
    return good;
}

static int feed_workflow(struct feed *feed, const struct log_wish *wish)
{
    struct str arn;
    struct err err;
    uint64_t since = 0;
    int status = 0;
    if (!remote_machine_arn(feed->client, feed->cli->arena, wish->workflow, &arn, &err))
        return cli_fail(feed->cli, NULL, &err);
    while (!feed->filter->out->closed) {
        bool good = wish->follow ? look_at_all(feed, arn, &err) : look_once(feed, arn, &err);
        if (!good && !comes_back(&err, &since)) {
            status = cli_fail(feed->cli, NULL, &err);
            break;
        }
        if (!wish->follow && good)
            break;
        since = good ? 0 : since;
        log_feed_rest(feed->filter);
    }
    for (size_t i = 0; i < feed->known_count; i++)
        if (feed->known[i].opened)
            let_go(feed, &feed->known[i]);
    return status;
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
