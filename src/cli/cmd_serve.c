#include "cli/archive.h"
#include "cli/config_file.h"
#include "cli/host.h"
#include "cli/log.h"
#include "cli/render.h"
#include "os/files.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTEN_DEFAULT "127.0.0.1:8083"

enum {
    DRAIN_MS = 10000,
    LISTENS_MAX = 16,
};

struct serve {
    struct cli *cli;
    struct log log;
    struct archive archive;
    struct host *host;
    struct config_file file;
    struct host_listen listens[LISTENS_MAX];
    size_t listen_count;
};

/* ---- where to listen ---- */

static bool is_loopback(const struct host_listen *l)
{
    struct str address = str_of_cstr(l->address);
    return l->unix_path || str_starts_with(address, STR("127.")) || str_eq(address, STR("::1"));
}

/* A socket that a dead server left is replaced; nothing else is. */
static bool is_free(const char *path, struct err *reterr)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    struct stat about;
    if (lstat(path, &about) != 0)
        return true; /* what is wrong with the path shows in listening there */
    if (!S_ISSOCK(about.st_mode))
        return err_set(reterr, ERR_USAGE, "cannot listen on unix:%s: there is a file, no socket",
                       path);
    if (strlen(path) >= sizeof(to.sun_path))
        return err_set(reterr, ERR_USAGE, "unix:%s is in use, or its path is too long to tell",
                       path);
    memcpy(to.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool taken = fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0;
    if (fd >= 0)
        close(fd);
    return !taken || err_set(reterr, ERR_BUSY, "another process listens on unix:%s already", path);
}

static bool add_listen(struct serve *s, const char *text, struct err *reterr)
{
    struct host_listen *l = &s->listens[s->listen_count];
    if (s->listen_count == LISTENS_MAX)
        return err_set(reterr, ERR_USAGE, "--listen is given more than %d times", LISTENS_MAX);
    if (!host_listen_parse(text, l, reterr))
        return false;
    if (!is_loopback(l))
        return err_set(reterr, ERR_USAGE,
                       "--listen %s: without authentication (--auth off, all that this release "
                       "has) a server listens on loopback (127.0.0.1, [::1]) and unix sockets "
                       "only; let a proxy that authenticates stand in front",
                       text);
    s->listen_count++;
    return !l->unix_path || is_free(l->unix_path, reterr);
}

static bool take_listens(struct serve *s, struct err *reterr)
{
    const char *text;
    for (size_t i = 0; (text = option_nth(&s->cli->arguments, "--listen", i)); i++)
        if (!add_listen(s, text, reterr))
            return false;
    return s->listen_count || add_listen(s, LISTEN_DEFAULT, reterr);
}

/* ---- what carries out the tasks ---- */

static const char *config_path(const struct serve *s)
{
    const char *given = option_text(&s->cli->arguments, "--config");
    return given ? given : config_file_find(s->cli->arena, STR("."));
}

static void hung_up(void *arg)
{
    struct serve *s = arg;
    struct config_file file;
    struct err err;
    if (!log_reopen(&s->log, &err))
        log_err(&s->log, LOG_ERROR, "log-not-reopened", NULL, &err);
    const char *path = config_path(s);
    struct arena *arena = arena_new(0);
    if (!config_file_read(arena, path, &file, &err)) {
        arena_free(arena);
        if (err.line)
            err_context(&err, "%s:%u:%u", path, err.line, err.column);
        err_context(&err, "the bindings stay as they were");
        log_err(&s->log, LOG_ERROR, "not-reloaded", NULL, &err);
        return;
    }
    struct bindings *kept = arena_dup(arena, &file.config.bindings, sizeof(file.config.bindings));
    host_rebind(s->host, arena, kept);
    log_line(&s->log, LOG_INFO, "reloaded", NULL, "%zu bindings of %s", kept->count,
             path ? path : "no configuration");
}

/* ---- while it runs ---- */

static void troubled(void *arg, execution_key key, const struct err *err, struct wall_ms again_at)
{
    const struct serve *s = arg;
    const struct execution_row *row = engine_execution(host_engine(s->host), key);
    log_err(&s->log, again_at.ms ? LOG_WARNING : LOG_ERROR, again_at.ms ? "refused" : "trouble",
            row ? &row->id : NULL, err);
}

static void followed(void *arg, const struct run *run, const struct execution_row *execution,
                     const struct flow_event *events, size_t count, struct wall_ms at)
{
    (void)arg, (void)run, (void)execution, (void)events, (void)count, (void)at;
}

static void draining(void *arg)
{
    const struct serve *s = arg;
    log_line(&s->log, LOG_INFO, "draining", NULL,
             "starting no more tasks, waiting at most %d s for those that run", DRAIN_MS / 1000);
}

/* Text of anybody: what is no UTF-8 is left to whoever reads the log. */
static void heard(void *arg, const struct task_line *line)
{
    const struct serve *s = arg;
    if (line->task)
        log_command(&s->log, line->task, line->text);
    else
        log_line(&s->log, LOG_INFO, line->is_error ? "worker-error" : "worker", NULL,
                 STR_FMT ": " STR_FMT, STR_ARG(line->function), STR_ARG(line->text));
}

static void write_places(const struct serve *s, struct buf *to)
{
    for (size_t i = 0; i < s->listen_count; i++) {
        const struct host_listen *l = &s->listens[i];
        bool six = strchr(l->address, ':') != NULL;
        if (i)
            buf_append(to, STR(", "));
        if (l->unix_path)
            buf_printf(to, "unix:%s", l->unix_path);
        else
            buf_printf(to, "http://%s%s%s:%u", six ? "[" : "", l->address, six ? "]" : "", l->port);
    }
}

/* On stdout for whoever started it, and in a log of its own. */
static void tell_listening(struct serve *s)
{
    struct out *o = &s->cli->out;
    struct buf places = BUF_INIT(0);
    write_places(s, &places);
    const char *where = buf_cstr(&places);
    const char *data = datadir_path(s->archive.datadir);
    struct str absolute;
    if (path_absolute(s->cli->arena, str_of_cstr(data), &absolute, NULL))
        data = arena_cstr(s->cli->arena, absolute);
    out_printf(o, "pawl listens on %s; its data is in %s\n", where, data);
    out_flush(o);
    log_line(&s->log, LOG_INFO, "listening", NULL, "%s; data in %s", where, data);
    buf_release(&places);
}

static void tell_found(struct serve *s, struct children_found found)
{
    if (found.ended)
        log_line(&s->log, LOG_WARNING, "commands-ended", NULL,
                 "%zu commands that a killed pawl had left running", found.ended);
    if (found.unreadable)
        log_line(&s->log, LOG_WARNING, "commands-unknown", NULL,
                 "the register of running commands was damaged: one may run still");
    if (host_deaf(s->host))
        log_err(&s->log, LOG_WARNING, "no-socket", NULL, host_deaf(s->host));
}

/* As many connections as the system allows this user without asking. */
static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    int ignored = setrlimit(RLIMIT_NOFILE, &limit);
    (void)ignored;
}

/* ---- the whole ---- */

static int run_host(struct serve *s)
{
    struct err err;
    if (host_run(s->host, &err) || err.code == ERR_INTERRUPTED) {
        log_line(&s->log, LOG_INFO, "stopped", NULL, "every execution stays as it is stored");
        return 0;
    }
    log_err(&s->log, LOG_ERROR, "dead", NULL, &err);
    return cli_fail(s->cli, NULL, &err);
}

static int serve(struct serve *s)
{
    struct arena *a = s->cli->arena;
    struct host_options options = {
        .store = s->archive.store,
        .bindings = &s->file.config.bindings,
        .settings = &s->file.config.settings,
        .children = datadir_file(s->archive.datadir, a, DATADIR_CHILDREN),
        .store_path = datadir_file(s->archive.datadir, a, DATADIR_STORE),
        .visibility = datadir_file(s->archive.datadir, a, DATADIR_VISIBILITY),
        .socket = datadir_file(s->archive.datadir, a, API_SOCKET),
        .troubled = troubled,
        .followed = followed,
        .checks_due = true,
        .serves = true,
        .drain_ms = DRAIN_MS,
        .listens = s->listens,
        .listen_count = s->listen_count,
        .hung_up = hung_up,
        .draining = draining,
        .heard = heard,
        .arg = s,
    };
    struct err err;
    raise_descriptors();
    if (!host_new(&options, &s->host, &err))
        return cli_fail(s->cli, NULL, &err);
    tell_listening(s);
    tell_found(s, host_found(s->host));
    int status = run_host(s);
    host_free(s->host);
    return status;
}

static int run(struct cli *cli)
{
    struct serve *s = ARENA_NEW(cli->arena, struct serve);
    const char *format = option_text(&cli->arguments, "--log-format");
    struct err err;
    s->cli = cli;
    if (!take_listens(s, &err))
        return cli_fail(cli, NULL, &err);
    const char *path = config_path(s);
    if (!config_file_read(cli->arena, path, &s->file, &err))
        return cli_fail(cli, err.line ? path : NULL, &err);
    if (!log_open(option_text(&cli->arguments, "--log-file"),
                  format && (*format == 'j' || *format == 'J'), &s->log, &err))
        return cli_fail(cli, NULL, &err);
    int status;
    if (archive_open(cli, DATADIR_CHANGE, &s->archive, &err)) {
        status = serve(s);
        archive_close(&s->archive);
    } else {
        status = cli_fail(cli, NULL, &err);
    }
    log_close(&s->log);
    return status;
}

static const struct option options[] = {
    {"--listen", OPTION_MANY, "ADDRESS",
     "127.0.0.1:8083, [::1]:8083, port 0 for any, or unix:PATH. May be\n"
     "given again. Default: " LISTEN_DEFAULT,
     NULL},
    {"--config", OPTION_TEXT, "FILE",
     "What carries out the tasks. Default: pawl.yaml in this\ndirectory, if it is there", NULL},
    {"--auth", OPTION_CHOICE, "MODE",
     "off: whoever can connect may do anything. All that this\nrelease has", "off"},
    {"--log-file", OPTION_TEXT, "PATH", "Append the log to this file. Default: stderr", NULL},
    {"--log-format", OPTION_CHOICE, "FORMAT", "text or json. Default: text", "text json"},
    OPTION_DATA,
    OPTION_END,
};

const struct command command_serve = {
    .name = "serve",
    .summary = "Be a server: the Step Functions API for AWS's clients",
    .arguments = "",
    .description =
        "Advances every execution of the data directory and answers over HTTP. AWS's clients\n"
        "need its address as their endpoint, and any credentials and region:\n"
        "  aws --endpoint-url http://" LISTEN_DEFAULT " stepfunctions list-state-machines\n"
        "SIGTERM starts no more tasks, waits a few seconds for those that run and exits with 0;\n"
        "SIGHUP reads the configuration again and opens the log file again.\n"
        "GET /healthz says that it is alive, /readyz that it may be given work.\n",
    .examples =
        "pawl serve\n"
        "pawl serve --listen 127.0.0.1:9000 --listen unix:/run/pawl.sock --data /var/lib/pawl\n"
        "pawl serve --log-file pawl.log --log-format json\n",
    .options = options,
    .run = run,
};
