#include "cli/log_feed.h"
#include "cli/render.h"
#include "cli/story.h"

#include <time.h>

/* One execution that is followed. */
struct followed {
    execution_key key;
    uint32_t turns; /* that were told */
    bool open;
    struct story story;
    struct logbook book;
};

struct feed {
    struct cli *cli;
    struct archive archive;
    struct log_filter *filter;
    struct followed *items; /* by key, the newest first */
    size_t count, capacity;
};

void log_feed_rest(struct log_filter *filter)
{
    const struct timespec soon = {.tv_nsec = FEED_LOOK_EVERY_MS * 1000000L};
    out_flush(filter->out);
    nanosleep(&soon, NULL);
}

/* ---- one execution ---- */

static void take_turn(void *arg, const struct story *s, const struct journal_turn *turn)
{
    struct followed *f = arg;
    struct logbook *b = &f->book;
    struct str error = {0}, cause = {0};
    bool has_error = run_error(s->run, &error), has_cause = run_cause(s->run, &cause);
    b->steps = s->steps;
    b->quiet = turn->number < f->turns;
    if (turn->number == 0)
        logbook_begins(b, turn->at);
    for (size_t i = 0; i < turn->count; i++)
        logbook_touch(b, turn->events[i].step);
    logbook_turn(b, turn->events, turn->count, turn->at);
    for (size_t i = 0; i < turn->count; i++)
        if (turn->events[i].kind >= EVENT_EXECUTION_SUCCEEDED &&
            turn->events[i].kind <= EVENT_EXECUTION_ABORTED)
            logbook_ends(b, (enum execution_status)run_status(s->run), turn->at,
                         has_error ? error : STR(""), has_cause ? cause : STR(""));
}

static bool open_story(struct feed *feed, struct followed *f, const struct execution_row *row,
                       struct err *reterr)
{
    if (!story_open(&feed->archive, row, &f->story, reterr))
        return false;
    struct arena *a = f->story.arena;
    char *id = arena_alloc_text(a, UUID_TEXT_LEN);
    uuid_format(row->id, id);
    f->open = true;
    f->book = (struct logbook){
        .filter = feed->filter,
        .arena = a,
        .id = str_of(id, UUID_TEXT_LEN),
        .name = arena_str(a, row->name),
        .workflow = arena_str(a, row->machine_name),
        .layout = step_layout_of(f->story.machine),
    };
    return true;
}

/* Tells what is new. An ended one is let go, until it goes on. */
static bool look_at(struct feed *feed, struct followed *f, const struct execution_row *row,
                    struct err *reterr)
{
    if (!f->open && !open_story(feed, f, row, reterr))
        return false;
    if (!story_more(&feed->archive, &f->story, take_turn, f, reterr))
        return false;
    f->turns = run_turns(f->story.run);
    if (run_status(f->story.run) == FLOW_RUNNING)
        return true;
    story_release(&f->story);
    f->open = false;
    return true;
}

static int feed_one(struct feed *feed, const struct log_wish *wish)
{
    struct execution_row row;
    struct err err;
    int status = archive_find(feed->cli, &feed->archive, wish->id, &row);
    if (status)
        return status;
    struct followed f = {.key = row.key};
    for (;;) {
        bool good = look_at(feed, &f, &row, &err);
        if (!good)
            status = cli_fail(feed->cli, NULL, &err);
        if (!good || !wish->follow || !f.open || feed->filter->out->closed)
            break;
        log_feed_rest(feed->filter);
    }
    if (f.open)
        story_release(&f.story);
    return status;
}

/* ---- a workflow ---- */

static struct followed *find(struct feed *feed, execution_key key)
{
    for (size_t i = 0; i < feed->count; i++)
        if (feed->items[i].key == key)
            return &feed->items[i];
    return NULL;
}

static struct followed *add(struct feed *feed, execution_key key)
{
    feed->items = arena_grow(feed->cli->arena, feed->items, feed->count, &feed->capacity,
                             sizeof(*feed->items));
    feed->items[feed->count] = (struct followed){.key = key};
    return &feed->items[feed->count++];
}

/* The newest are read first, and told last. `news`: what has ended already is not told. */
static bool look_at_all(struct feed *feed, struct str workflow, bool news, struct err *reterr)
{
    struct store_read read = {.kind = STORE_LIST_EXECUTIONS,
                              .status = STORE_ANY_STATUS,
                              .shard = STORE_ANY_SHARD,
                              .rows_max = FEED_EXECUTIONS_MAX,
                              .arena = arena_new(0)};
    bool good = archive_read(&feed->archive, &read, reterr);
    for (size_t i = good ? read.count : 0; i > 0 && good; i--) {
        const struct execution_row *row = &read.executions[i - 1];
        if (!str_eq(row->machine_name, workflow))
            continue;
        struct followed *f = find(feed, row->key);
        if (!f) {
            f = add(feed, row->key);
            f->turns = news && row->status != EXECUTION_RUNNING ? row->turns : 0;
        }
        if (row->turns > f->turns)
            good = look_at(feed, f, row, reterr);
    }
    arena_free(read.arena);
    return good;
}

static bool workflow_exists(struct feed *feed, struct str workflow, struct err *reterr)
{
    struct store_read read = {
        .kind = STORE_GET_MACHINE, .name = workflow, .arena = feed->cli->arena};
    if (archive_read(&feed->archive, &read, reterr))
        return true;
    return reterr->code != ERR_NOT_FOUND
               ? false
               : err_set(reterr, ERR_NOT_FOUND,
                         "no workflow is named \"" STR_FMT "\" in this data directory: pawl ls "
                         "names those that ran",
                         STR_ARG(workflow));
}

static int feed_workflow(struct feed *feed, const struct log_wish *wish)
{
    struct str workflow = str_of_cstr(wish->workflow);
    struct err err;
    bool good = workflow_exists(feed, workflow, &err);
    bool news = wish->follow;
    while (good && (good = look_at_all(feed, workflow, news, &err)) && wish->follow &&
           !feed->filter->out->closed) {
        news = false; /* what appears from now on began since */
        log_feed_rest(feed->filter);
    }
    for (size_t i = 0; i < feed->count; i++)
        if (feed->items[i].open)
            story_release(&feed->items[i].story);
    return good ? 0 : cli_fail(feed->cli, NULL, &err);
}

int log_feed_here(struct cli *cli, const struct log_wish *wish, struct log_filter *filter)
{
    struct feed feed = {.cli = cli, .filter = filter};
    struct err err;
    if (!archive_open(cli, DATADIR_READ, &feed.archive, &err))
        return cli_fail(cli, NULL, &err);
    int status = wish->workflow ? feed_workflow(&feed, wish) : feed_one(&feed, wish);
    archive_close(&feed.archive);
    return status;
}
