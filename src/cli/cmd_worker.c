#include "cli/remote.h"
#include "cli/render.h"
#include "os/clock.h"
#include "os/files.h"
#include "task/bindings.h"
#include "task/task.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    HEARTBEAT_SECONDS_DEFAULT = 10,
    SECONDS_MOST = 99999999, /* AWS's limit for HeartbeatSeconds */
    AGAIN_FIRST_MS = 200,    /* after the server did not answer; doubles ... */
    AGAIN_LAST_MS = 10000,   /* ... up to this */
    STDERR_LINES = 8,
    SIGNALS = 2,
};

/* One `pawl worker`: a task at a time. */
struct worker {
    struct cli *cli;
    struct client *client;
    struct str activity, arn, name;
    struct binding binding; /* the command */
    struct bindings bindings;
    int64_t heartbeat_ms, tasks_most;
    bool stopping; /* takes no more tasks */
    bool quiet;    /* has said already that the server does not answer */

    /* The task in hand. */
    struct arena *arena;
    uv_loop_t loop;
    uv_timer_t heartbeat;
    uv_signal_t signals[SIGNALS];
    struct tasks *tasks;
    struct task_key key;
    struct str token;
    bool over; /* the server does not wait for it any more */
    bool ok;
    struct json answer; /* what is sent */
    struct str said;    /* the end of its stderr */
    struct str error;
    int64_t duration_ms;
};

/* ---- the server ---- */

static void sleep_ms(int64_t ms)
{
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static void tell_waiting(struct worker *w, const struct err *err)
{
    struct out *o = &w->cli->err;
    if (w->quiet)
        return;
    w->quiet = true;
    out_style(o, STYLE_BUSY);
    out_text(o, "waiting: ");
    out_style(o, STYLE_OFF);
    out_foreign(o, str_of_cstr(err->message), 0);
    out_text(o, "; trying again\n");
    out_flush(o);
}

static bool may_pass(const struct err *err)
{
    return err->code == ERR_UNREACHABLE || err->code == ERR_INTERRUPTED ||
           err->code == ERR_INTERNAL || err->code == ERR_BUSY || err->code == ERR_DISK_FULL;
}

/* Until it answers: a result that was worked for is not thrown away. */
static bool ask(struct worker *w, const char *operation, struct json arguments,
                struct json *ret_answer, struct err *reterr)
{
    for (int64_t again = AGAIN_FIRST_MS;;
         again = again * 2 < AGAIN_LAST_MS ? again * 2 : AGAIN_LAST_MS) {
        if (client_operation(w->client, w->arena, operation, arguments, ret_answer, reterr)) {
            w->quiet = false;
            return true;
        }
        if (!may_pass(reterr))
            return false;
        tell_waiting(w, reterr);
        sleep_ms(again);
    }
}

static struct json token_argument(const struct worker *w)
{
    struct json_object_builder b = json_object_builder(w->arena);
    json_object_add(&b, STR("taskToken"), json_string(w->token));
    return json_object_done(&b);
}

/* ---- while the command runs ---- */

static void close_handles(struct worker *w)
{
    uv_close((uv_handle_t *)&w->heartbeat, NULL);
    for (size_t i = 0; i < SIGNALS; i++)
        uv_close((uv_handle_t *)&w->signals[i], NULL);
    tasks_free(w->tasks);
}

static void give_up(struct worker *w, const char *error, const char *cause)
{
    struct json_object_builder b = json_object_builder(w->arena);
    json_object_add(&b, STR("taskToken"), json_string(w->token));
    json_object_add(&b, STR("error"), json_string(str_of_cstr(error)));
    json_object_add(&b, STR("cause"), json_string(str_of_cstr(cause)));
    w->answer = json_object_done(&b);
    w->error = str_of_cstr(error);
    task_cancel(w->tasks, w->key);
    close_handles(w);
}

static void on_heartbeat(uv_timer_t *timer)
{
    struct worker *w = timer->data;
    struct json answer;
    struct err err;
    if (client_operation(w->client, w->arena, "SendTaskHeartbeat", token_argument(w), &answer,
                         &err) ||
        may_pass(&err))
        return;
    w->over = true;
    give_up(w, "Pawl.NotAwaited", err.message);
}

/* The first lets the task in hand end, the second does not. */
static void on_signal(uv_signal_t *signal, int number)
{
    struct worker *w = signal->data;
    struct out *o = &w->cli->err;
    if (w->stopping) {
        give_up(w, "Pawl.WorkerStopped", "The worker was stopped while it did the task.");
        return;
    }
    w->stopping = true;
    out_printf(o, "‖ ending after this task; %s ends it now\n",
               number == SIGINT ? "Ctrl-C again" : "another SIGTERM");
    out_flush(o);
}

static void task_answered(void *arg, const struct task_result *result)
{
    struct worker *w = arg;
    struct arena *a = w->arena;
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("taskToken"), json_string(w->token));
    w->ok = result->ok;
    w->duration_ms = result->duration_ms;
    w->said = arena_str(a, result->err);
    if (result->ok) {
        json_object_add(&b, STR("output"), json_string(json_text(a, result->output)));
    } else {
        w->error = arena_str(a, result->error);
        json_object_add(&b, STR("error"), json_string(w->error));
        json_object_add(&b, STR("cause"), json_string_copy(a, result->cause));
    }
    w->answer = json_object_done(&b);
    close_handles(w);
}

static void must(int status)
{
    ASSERT(status == 0);
}

static void open_handles(struct worker *w)
{
    static const int numbers[SIGNALS] = {SIGINT, SIGTERM};
    must(uv_loop_init(&w->loop));
    must(uv_timer_init(&w->loop, &w->heartbeat));
    w->heartbeat.data = w;
    must(uv_timer_start(&w->heartbeat, on_heartbeat, (uint64_t)w->heartbeat_ms,
                        (uint64_t)w->heartbeat_ms));
    for (size_t i = 0; i < SIGNALS; i++) {
        must(uv_signal_init(&w->loop, &w->signals[i]));
        w->signals[i].data = w;
        must(uv_signal_start(&w->signals[i], on_signal, numbers[i]));
    }
    w->tasks = tasks_new(&w->loop, &w->bindings, NULL, task_answered, w);
}

static void perform(struct worker *w, struct str input)
{
    w->key.attempt++;
    w->over = w->ok = false;
    w->said = w->error = STR("");
    w->duration_ms = 0;
    open_handles(w);
    struct task_request request = {
        .key = w->key,
        .resource = w->arn,
        .payload = input,
        .state_name = w->activity,
        .token = w->token,
    };
    task_start(w->tasks, &request);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    must(uv_loop_close(&w->loop));
}

/* ---- one task after the other ---- */

static void tell(struct worker *w)
{
    struct out *o = &w->cli->err;
    out_style(o, w->ok ? STYLE_GOOD : STYLE_BAD);
    out_text(o, w->ok ? "✔" : "✘");
    out_style(o, STYLE_OFF);
    out_printf(o, " task %u  " STR_FMT, w->key.attempt,
               STR_ARG(duration_text(w->arena, w->duration_ms)));
    if (w->error.len) {
        out_text(o, "  ");
        out_foreign(o, w->error, 0);
    }
    out_text(o, "\n");
    if (!w->ok)
        out_foreign_lines(o, w->said, "  │ ", STDERR_LINES);
    out_flush(o);
}

/* It is told once; that nobody waits for it any more is no reason to end. */
static void send_answer(struct worker *w)
{
    struct out *o = &w->cli->err;
    struct json answer;
    struct err err;
    if (w->over)
        err_set(&err, ERR_NOT_FOUND, STR_FMT, STR_ARG(json_str(json_get(w->answer, STR("cause")))));
    else if (ask(w, w->ok ? "SendTaskSuccess" : "SendTaskFailure", w->answer, &answer, &err))
        return;
    out_style(o, STYLE_BUSY);
    out_text(o, "  nobody waits for it any more: ");
    out_style(o, STYLE_OFF);
    out_foreign(o, str_of_cstr(err.message), 0);
    out_text(o, "\n");
    out_flush(o);
}

/* False: the server refuses. */
static bool take_one(struct worker *w, bool *ret_taken, struct err *reterr)
{
    struct json_object_builder b = json_object_builder(w->arena);
    struct json task;
    json_object_add(&b, STR("activityArn"), json_string(w->arn));
    if (w->name.len)
        json_object_add(&b, STR("workerName"), json_string(w->name));
    if (!ask(w, "GetActivityTask", json_object_done(&b), &task, reterr))
        return false;
    w->token = json_str(json_get(task, STR("taskToken")));
    *ret_taken = w->token.len > 0;
    if (!*ret_taken)
        return true;
    perform(w, json_str(json_get(task, STR("input"))));
    tell(w);
    send_answer(w);
    return true;
}

static int work(struct worker *w)
{
    struct err err;
    int64_t done = 0;
    bool good = true;
    while (good && !w->stopping && (!w->tasks_most || done < w->tasks_most)) {
        bool taken = false;
        w->arena = arena_new(0);
        good = take_one(w, &taken, &err);
        done += taken;
        arena_free(w->arena);
    }
    return good ? 0 : cli_fail(w->cli, NULL, &err);
}

/* ---- the whole ---- */

static bool number_option(const struct cli *cli, const char *name, int64_t otherwise, int64_t most,
                          int64_t *ret, struct err *reterr)
{
    const char *text = option_text(&cli->arguments, name);
    *ret = otherwise;
    return !text || (str_to_int64(str_of_cstr(text), ret) && *ret >= 1 && *ret <= most) ||
           err_set(reterr, ERR_USAGE, "%s takes a number from 1 to %lld, not \"%s\"", name,
                   (long long)most, text);
}

static bool take_command(struct worker *w, struct err *reterr)
{
    const struct arguments *given = &w->cli->arguments;
    struct arena *a = w->cli->arena;
    struct str *argv = ARENA_ARRAY(a, struct str, given->count);
    for (size_t i = 0; i < given->count; i++)
        argv[i] = str_of_cstr(given->items[i]);
    w->binding = (struct binding){
        .resource = w->arn, .kind = BINDING_EXEC, .argv = argv, .argc = given->count};
    w->bindings.items = &w->binding;
    w->bindings.count = 1;
    return path_absolute(a, STR("."), &w->bindings.folder, reterr);
}

static bool prepare(struct worker *w, struct err *reterr)
{
    struct cli *cli = w->cli;
    const char *activity = option_text(&cli->arguments, "--activity");
    int64_t seconds;
    if (!activity)
        return err_set(reterr, ERR_USAGE, "pawl worker needs --activity NAME");
    if (!number_option(cli, "--heartbeat", HEARTBEAT_SECONDS_DEFAULT, SECONDS_MOST, &seconds,
                       reterr) ||
        !number_option(cli, "--tasks", 0, INT32_MAX, &w->tasks_most, reterr))
        return false;
    w->heartbeat_ms = seconds * 1000;
    w->name = str_of_cstr(option_text(&cli->arguments, "--name"));
    w->activity = str_of_cstr(activity);
    return remote_open(cli, &w->client, reterr) &&
           remote_activity_arn(w->client, cli->arena, activity, &w->arn, reterr) &&
           take_command(w, reterr);
}

static int run(struct cli *cli)
{
    struct worker w = {.cli = cli, .key = {.execution = 1}};
    struct err err;
    signal(SIGPIPE, SIG_IGN);
    if (!prepare(&w, &err)) {
        client_close(w.client);
        return cli_fail(cli, NULL, &err);
    }
    out_printf(&cli->err, "working for " STR_FMT "\n", STR_ARG(w.arn));
    out_flush(&cli->err);
    int status = work(&w);
    client_close(w.client);
    return status;
}

static const struct option options[] = {
    {"--activity", OPTION_TEXT, "NAME", "The activity's name or ARN", NULL},
    {"--name", OPTION_TEXT, "NAME", "This worker's name, which the history keeps", NULL},
    {"--heartbeat", OPTION_TEXT, "SECONDS", "Between two signs of life. Default: 10", NULL},
    {"--tasks", OPTION_TEXT, "N", "End after so many tasks. Default: work until stopped", NULL},
    OPTION_DATA,
    OPTION_ENDPOINT,
    OPTION_END,
};

const struct command command_worker = {
    .name = "worker",
    .summary = "Do an activity's tasks with a command",
    .arguments = "-- COMMAND [WORD...]",
    .arguments_min = 1,
    .arguments_max = ARGUMENTS_MAX,
    .description =
        "Asks a server (pawl serve on this data directory, or --endpoint) for one task after the\n"
        "other. The command gets a task's input on stdin and answers JSON on stdout; an exit\n"
        "status other than 0 fails the task. While it runs, Pawl hears that it lives. Where the\n"
        "server does not answer, the worker waits for it.\n"
        "Ctrl-C lets the task in hand end; a second one ends it.\n",
    .examples = "pawl worker --activity review -- ./review.sh --strict\n"
                "pawl worker --activity thumbnails --tasks 100 -- python3 thumbnail.py\n",
    .options = options,
    .run = run,
};
