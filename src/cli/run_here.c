#include "cli/render.h"
#include "cli/session.h"
#include "os/clock.h"

/* ---- while it runs ---- */

static void troubled(void *arg, execution_key key, const struct err *err, struct wall_ms again_at)
{
    struct session *s = arg;
    struct out *o = &s->cli->err;
    if (key != s->key || again_at.ms == 0)
        return;
    screen_clear(&s->live.screen); /* the next tick draws it again below this line */
    out_style(o, STYLE_BUSY);
    out_text(o, "waiting: ");
    out_style(o, STYLE_OFF);
    out_foreign(o, str_of_cstr(err->message), 0);
    out_text(o, "; trying again\n");
    out_flush(o);
}

static void take_end(struct session *s, const struct run *run)
{
    struct arena *a = s->cli->arena;
    struct str text = {0};
    s->status = (enum execution_status)run_status(run);
    s->stopped_at = run_stopped_at(run);
    buf_clear(&s->output); /* a note that follows the end, of checks, brings it by once more */
    if (!json_is_absent(run_output(run)))
        json_write_pretty(&s->output, run_output(run));
    s->has_error = run_error(run, &text);
    if (s->has_error)
        s->error = arena_str(a, text);
    s->has_cause = run_cause(run, &text);
    if (s->has_cause)
        s->cause = arena_str(a, text);
}

static void tell_end(struct session *s)
{
    live_end(&s->live, clock_wall());
    s->exit = session_print_end(s);
    s->told = true;
}

/* Others work through this process, and would lose what their steps have under way.
 * What this one was asked for is there at once; who reads it through a pipe is let go. */
static void stay(struct session *s)
{
    struct out *o = &s->cli->err;
    tell_end(s);
    out_close(&s->cli->out);
    out_style(o, STYLE_BUSY);
    out_text(o, "‖ ");
    out_style(o, STYLE_OFF);
    out_text(o, "Another pawl run works through this process, which stays until that one ends;\n"
                "  Ctrl-C leaves, and hands over.\n");
    out_flush(o);
}

static void followed(void *arg, const struct run *run, const struct execution_row *execution,
                     const struct flow_event *events, size_t count, struct wall_ms at)
{
    struct session *s = arg;
    if (execution->key != s->key || s->told)
        return;
    live_take(&s->live, run, events, count, at);
    for (size_t i = 0; i < count; i++)
        session_heed(s, &events[i], false);
    if (execution->status == EXECUTION_RUNNING && !session_is_paused(s))
        return;
    if (execution->status != EXECUTION_RUNNING)
        take_end(s, run);
    if (host_followers(s->host))
        stay(s);
    else
        host_stop(s->host);
}

static void unfollowed(void *arg)
{
    struct session *s = arg;
    if (s->told)
        host_stop(s->host);
}

static void ticked(void *arg, struct wall_ms now)
{
    struct session *s = arg;
    if (s->known && !s->told)
        live_tick(&s->live, now);
}

/* ---- how it begins ---- */

static void take_execution(struct session *s, const struct execution_row *row)
{
    s->key = row->key;
    s->known = true;
    s->uuid = row->id;
    s->started_at = row->started_at;
    s->status = row->status;
}

static void fail(struct session *s, const struct err *err)
{
    s->failed = true;
    s->err = *err;
    host_stop(s->host);
}

static void resumed(void *arg, const struct engine_reply *reply)
{
    struct session *s = arg;
    if (reply->err)
        fail(s, reply->err);
    else if (session_is_paused(s))
        host_stop(s->host);
}

bool session_adopt(struct session *s, const struct execution_row *row, struct err *reterr)
{
    if (!story_read(&s->archive, row, &s->story, reterr))
        return false;
    s->live.arena = s->story.arena;
    live_adopt(&s->live, &s->story.steps);
    live_machine(&s->live, s->story.machine);
    s->start.machine_name = row->machine_name;
    for (size_t i = 0; i < s->story.event_count; i++)
        session_heed(s, &s->story.events[i].event, true);
    return true;
}

/* Goes on with an execution that is RUNNING in the store. */
static void resume(struct session *s, const struct execution_row *row)
{
    bool first = !s->known;
    take_execution(s, row);
    if (!session_adopt(s, row, &s->err)) {
        fail(s, &s->err);
        return;
    }
    if (first)
        session_print_begin(s, "goes on  ");
    engine_resume(host_engine(s->host), row->key, resumed, s);
}

void session_begun(struct session *s, const struct execution_row *row)
{
    take_execution(s, row);
    session_print_begin(s, "");
}

static void started(void *arg, const struct engine_reply *reply)
{
    struct session *s = arg;
    if (reply->err) {
        fail(s, reply->err);
        return;
    }
    if (reply->already) {
        resume(s, reply->execution);
        return;
    }
    session_begun(s, reply->execution);
}

/* ---- the whole ---- */

static int end_interrupted(struct session *s, const struct err *err)
{
    struct out *o = &s->cli->err;
    if (!s->known) {
        out_text(o, "\nNothing was started.\n");
        return err_exit_status(err->code);
    }
    out_style(o, STYLE_BUSY);
    out_text(o, "\n‖ ");
    out_style(o, STYLE_OFF);
    out_printf(o, "%s; the execution stays RUNNING and keeps its finished steps\n", err->message);
    out_text(o, "  Go on with: ");
    session_print_next(s, "pawl run --resume");
    return err_exit_status(err->code);
}

static int run_host(struct session *s)
{
    struct err err;
    bool good = host_run(s->host, &err);
    if (s->told)
        return s->exit;
    if (s->known)
        live_end(&s->live, clock_wall());
    if (s->failed)
        return s->wish ? wish_fail(s->cli, s->wish, &s->err) : cli_fail(s->cli, NULL, &s->err);
    if (s->wish && s->wish->request.dry_run)
        return good ? wish_tell_plan(s->cli, s->wish) : cli_fail(s->cli, NULL, &err);
    if (!good && err.code == ERR_INTERRUPTED && s->status == EXECUTION_RUNNING &&
        !session_is_paused(s))
        return end_interrupted(s, &err);
    if (!good && err.code != ERR_INTERRUPTED)
        return cli_fail(s->cli, NULL, &err);
    return session_print_end(s);
}

/* It has ended: it is told as if it ended now. */
static int tell_ended(struct session *s, const struct execution_row *row)
{
    bool first = !s->known;
    struct err err;
    take_execution(s, row);
    s->start.machine_name = row->machine_name;
    if (first)
        session_print_begin(s, "ended before  ");
    if (!session_adopt(s, row, &err))
        return cli_fail(s->cli, NULL, &err);
    take_end(s, s->story.run);
    if (!first)
        live_end(&s->live, clock_wall());
    return session_print_end(s);
}

/* What to go on with: what was under way in another process, or what was named. */
static int find(struct session *s, bool *ret_found, struct execution_row *row)
{
    const char *id = s->id;
    char text[UUID_TEXT_LEN + 1] = {0};
    if (s->known) {
        uuid_format(s->uuid, text);
        id = text;
    }
    *ret_found = id != NULL;
    return id ? archive_find(s->cli, &s->archive, id, row) : 0;
}

int session_run_here(struct session *s)
{
    struct cli *cli = s->cli;
    struct host_options options = {
        .store = s->archive.store,
        .bindings = &s->bound.config.bindings,
        .settings = &s->bound.config.settings,
        .children = datadir_file(s->archive.datadir, cli->arena, DATADIR_CHILDREN),
        .socket = datadir_file(s->archive.datadir, cli->arena, API_SOCKET),
        .troubled = troubled,
        .followed = followed,
        .ticked = cli->err.terminal ? ticked : NULL,
        .tick_ms = SCREEN_DRAW_EVERY_MS,
        .checks_due = !(s->wish && s->wish->request.dry_run),
        .unfollowed = unfollowed,
        .arg = s,
    };
    struct execution_row row;
    struct err err;
    bool found;
    int status = find(s, &found, &row);
    if (status)
        return status;
    if (found && row.status != EXECUTION_RUNNING && !session_wishes(s))
        return tell_ended(s, &row);
    if (!host_new(&options, &s->host, &err))
        return cli_fail(cli, NULL, &err);
    screen_clear(&s->live.screen); /* what was told there; the next tick draws it again */
    print_children_found(&cli->err, host_found(s->host), options.children);
    if (host_deaf(s->host))
        out_printf(&cli->err, "Other pawls cannot work through this one: %s\n",
                   host_deaf(s->host)->message);
    if (session_wishes(s))
        session_wish_here(s, found ? &row : NULL);
    else if (found)
        resume(s, &row);
    else
        engine_start(host_engine(s->host), &s->start, started, s);
    status = run_host(s);
    host_free(s->host);
    return status;
}
