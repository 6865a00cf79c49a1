#include "cli/session.h"

#include "os/clock.h"
#include "os/files.h"

#include <stdlib.h>
#include <time.h>

/* ---- where ---- */

static void look_again_soon(void)
{
    const struct timespec soon = {.tv_nsec = SESSION_LOOK_EVERY_MS * 1000000L};
    nanosleep(&soon, NULL);
}

static bool patience_is_over(struct mono_ns *since)
{
    uint64_t now = clock_mono().ns;
    if (!since->ns)
        since->ns = now;
    return now - since->ns > SESSION_WAIT_MS * 1000000ULL;
}

/* Waits for a server that is being started again. */
static int run_remote(struct session *s, const char *url)
{
    struct mono_ns since = {0};
    int status = 0;
    for (;;) {
        enum there there = session_run_there(s, url, true, &status);
        if (there == THERE_DONE)
            return status;
        if (there == THERE_NOBODY && !s->known)
            return cli_fail(s->cli, NULL, &s->err);
        if (there == THERE_LOST && s->heard)
            since.ns = 0;
        if (patience_is_over(&since)) {
            err_set(&s->err, ERR_UNREACHABLE,
                    "%s does not answer any more; the execution goes on when it is back", url);
            return cli_fail(s->cli, NULL, &s->err);
        }
        look_again_soon();
    }
}

/* Where the id is one of this directory, the whole of it; an error is told. */
static int find_there(struct session *s)
{
    const char *id = s->id;
    struct archive archive;
    struct execution_row row;
    struct err err;
    if (!id || s->known || s->found)
        return 0;
    if (!archive_open(s->cli, DATADIR_READ, &archive, &err))
        return cli_fail(s->cli, NULL, &err);
    int status = archive_find(s->cli, &archive, id, &row);
    archive_close(&archive);
    s->found = status == 0;
    s->uuid = row.id;
    return status;
}

/* Here, if this process may hold the directory, else in the one that does. */
static int run_local(struct session *s)
{
    struct cli *cli = s->cli;
    const char *socket =
        arena_cstr(cli->arena, arena_printf(cli->arena, STR_FMT "/" API_SOCKET, STR_ARG(s->data)));
    struct mono_ns since = {0};
    struct err busy;
    int status = 0;
    for (;;) {
        if (archive_open(cli, DATADIR_CHANGE, &s->archive, &busy)) {
            status = session_run_here(s);
            if (s->story.arena)
                story_release(&s->story);
            archive_close(&s->archive);
            return status;
        }
        if (busy.code != ERR_BUSY)
            return cli_fail(cli, NULL, &busy);
        if ((status = find_there(s)))
            return status;
        enum there there = session_run_there(s, socket, false, &status);
        if (there == THERE_DONE)
            return status;
        if (there == THERE_LOST && s->heard)
            since.ns = 0;
        if (patience_is_over(&since))
            return cli_fail(cli, NULL, s->known ? &busy : &s->err);
        look_again_soon();
    }
}

/* ---- the whole ---- */

struct session *session_new(struct cli *cli)
{
    struct session *s = ARENA_NEW(cli->arena, struct session);
    s->cli = cli;
    s->live = (struct live){.out = &cli->err, .arena = cli->arena};
    s->data = datadir_choose(str_of_cstr(option_text(&cli->arguments, "--data")),
                             str_of_cstr(getenv("PAWL_DATA")));
    return s;
}

int session_load_config(struct session *s, const char *beside)
{
    struct cli *cli = s->cli;
    struct err err;
    s->config = option_text(&cli->arguments, "--config");
    if (!s->config)
        s->config = config_file_find(cli->arena, beside && strcmp(beside, "-") != 0
                                                     ? path_folder(str_of_cstr(beside))
                                                     : STR("."));
    if (!config_file_read(cli->arena, s->config, &s->bound, &err))
        return cli_fail(cli, err.line ? s->config : NULL, &err);
    return 0;
}

int session_run(struct session *s)
{
    const char *url = cli_endpoint(s->cli);
    struct err err;
    if (url && option_given(&s->cli->arguments, "--config")) {
        err_set(&err, ERR_USAGE,
                "the server at %s carries out tasks by its own configuration: leave --config out",
                url);
        return cli_fail(s->cli, NULL, &err);
    }
    return url ? run_remote(s, url) : run_local(s);
}

void session_release(struct session *s)
{
    buf_release(&s->output);
}
