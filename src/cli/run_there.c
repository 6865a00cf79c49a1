#include "asl/compile.h"
#include "cli/client.h"
#include "cli/render.h"
#include "cli/session.h"
#include "cli/told.h"
#include "os/clock.h"
#include "os/datadir.h"

/* One connection's worth of a session. */
struct visit {
    struct session *s;
    struct client *client;
    bool remote;
    struct arena *arena;
    bool ended, going; /* the execution; the process behind the socket */
    bool stands;       /* the execution: paused, or for a decision that is not waited for */
    bool refused;
    struct err err; /* why */
};

/* ---- asking ---- */

static struct json config_json(const struct session *s, struct arena *a)
{
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("text"), json_string(s->bound.text));
    json_object_add(&b, STR("folder"), json_string(s->bound.folder));
    json_object_add(&b, STR("required"), json_bool(option_given(&s->cli->arguments, "--config")));
    return json_object_done(&b);
}

static void add_config(const struct visit *v, struct json_object_builder *b)
{
    if (v->s->config && !v->remote)
        json_object_add(b, STR("config"), config_json(v->s, v->arena));
}

/* --reuse is named as it was given, and found where it is asked. */
static void add_wish(const struct visit *v, struct json_object_builder *b)
{
    const struct session *s = v->s;
    wish_add_to_body(s->wish, b);
    if (s->wish->kind == WISH_START && s->id)
        json_object_add(b, STR("reuse"), json_string(str_of_cstr(s->id)));
}

/* Of an execution that is there: what is wished is done to it, or a new one made of it. */
static bool ask_wish(struct visit *v, struct str id, struct json *ret_answer, struct err *reterr)
{
    struct arena *a = v->arena;
    struct json_object_builder b = json_object_builder(a);
    struct str path = arena_printf(a, "/api/v1/executions/" STR_FMT "/%s",
                                   STR_ARG(client_encode(a, id)), v->s->wish->route);
    add_wish(v, &b);
    if (!v->s->wish->decides) /* which is all that its body says */
        add_config(v, &b);
    return client_call(v->client, a, "POST", path, json_text(a, json_object_done(&b)), 0,
                       ret_answer, reterr);
}

/* The definition of a revision of this machine. */
static bool read_revision(struct visit *v, struct str machine, struct str *ret_definition,
                          struct err *reterr)
{
    struct arena *a = v->arena;
    struct json answer;
    struct str path = arena_printf(a, "/api/v1/workflows/" STR_FMT "/revisions/" STR_FMT,
                                   STR_ARG(client_encode(a, machine)),
                                   STR_ARG(client_encode(a, v->s->wish->revision)));
    if (!client_call(v->client, a, "GET", path, STR(""), 0, &answer, reterr))
        return false;
    *ret_definition = json_str(json_get(answer, STR("definition")));
    return true;
}

/* By another definition: a start of the same machine that takes over from this one. */
static bool ask_fork(struct visit *v, struct str id, struct json *ret_answer, struct err *reterr)
{
    struct arena *a = v->arena;
    const struct wish *w = v->s->wish;
    struct str path = arena_printf(a, "/api/v1/executions/" STR_FMT, STR_ARG(client_encode(a, id)));
    struct json state;
    struct json_object_builder b = json_object_builder(a);
    if (!client_call(v->client, a, "GET", path, STR(""), 0, &state, reterr))
        return false;
    struct json machine = json_get(state, STR("machine_name"));
    struct str definition = w->definition;
    if (w->revision.len && !read_revision(v, json_str(machine), &definition, reterr))
        return false;
    json_object_add(&b, STR("definition"), json_string(definition));
    json_object_add(&b, STR("machine_name"), machine);
    json_object_add(&b, STR("reuse"), json_get(state, STR("id")));
    add_wish(v, &b);
    add_config(v, &b);
    return client_call(v->client, a, "POST", STR("/api/v1/run"), json_text(a, json_object_done(&b)),
                       0, ret_answer, reterr);
}

static bool ask_start(struct visit *v, struct json *ret_answer, struct err *reterr)
{
    const struct engine_start *start = &v->s->start;
    struct arena *a = v->arena;
    struct json_object_builder b = json_object_builder(a);
    struct json input;
    if (start->input.len) {
        if (!json_parse(a, start->input, (struct json_limits){0}, JSON_DUPLICATES_LAST, &input,
                        reterr))
            return false;
        json_object_add(&b, STR("input"), input);
    }
    json_object_add(&b, STR("definition"), json_string(start->definition));
    json_object_add(&b, STR("machine_name"), json_string(start->machine_name));
    if (v->s->wish)
        add_wish(v, &b);
    else if (start->name.len)
        json_object_add(&b, STR("name"), json_string(start->name));
    add_config(v, &b);
    return client_call(v->client, a, "POST", STR("/api/v1/run"), json_text(a, json_object_done(&b)),
                       0, ret_answer, reterr);
}

static bool ask_resume(struct visit *v, struct str id, struct json *ret_answer, struct err *reterr)
{
    struct arena *a = v->arena;
    struct json_object_builder b = json_object_builder(a);
    struct str path =
        arena_printf(a, "/api/v1/executions/" STR_FMT "/resume", STR_ARG(client_encode(a, id)));
    json_object_add(&b, STR("already"), json_bool(true));
    add_config(v, &b);
    return client_call(v->client, a, "POST", path, json_text(a, json_object_done(&b)), 0,
                       ret_answer, reterr);
}

/* Of an execution that was not started by this run. */
static bool ask_machine(struct visit *v, struct err *reterr)
{
    struct session *s = v->s;
    struct arena *a = s->cli->arena;
    struct diag_list diags = diag_list(a);
    struct json answer;
    struct err syntax;
    char id[UUID_TEXT_LEN];
    uuid_format(s->uuid, id);
    struct str path =
        arena_printf(v->arena, "/api/v1/executions/%.*s/definition", UUID_TEXT_LEN, id);
    if (!client_call(v->client, v->arena, "GET", path, STR(""), 0, &answer, reterr))
        return false;
    struct str text = arena_str(a, json_str(json_get(answer, STR("definition"))));
    return asl_compile_stored(a, text, &diags, &s->machine, &syntax) ||
           err_set(reterr, ERR_INVALID_DEFINITION,
                   "this release of pawl cannot read the definition that the server runs");
}

static void tell_config(struct session *s, struct json answer)
{
    struct out *o = &s->cli->err;
    if (!str_eq(json_str(json_get(answer, STR("config"))), STR("server")))
        return;
    out_printf(o, "Tasks are carried out as the server's configuration says, not %s.\n", s->config);
    out_flush(o);
}

/* What is wished, or to start, or to go on with what was started. */
static bool ask_first(struct visit *v, struct json *ret_answer, struct err *reterr)
{
    const struct session *s = v->s;
    char text[UUID_TEXT_LEN];
    uuid_format(s->uuid, text);
    struct str id = s->known || s->found ? str_of(text, UUID_TEXT_LEN) : str_of_cstr(s->id);
    if (session_wishes(s) && s->wish->kind == WISH_START)
        return ask_start(v, ret_answer, reterr);
    if (session_wishes(s))
        return s->wish->request.kind == RECOVERY_FORK ? ask_fork(v, id, ret_answer, reterr)
                                                      : ask_wish(v, id, ret_answer, reterr);
    return s->known || s->id ? ask_resume(v, id, ret_answer, reterr)
                             : ask_start(v, ret_answer, reterr);
}

/* A dry run is answered by the plan itself. */
static void take_plan(const struct session *s, struct json answer)
{
    struct json plan = s->wish->request.dry_run ? answer : json_get(answer, STR("plan"));
    s->wish->plan = json_copy(s->cli->arena, plan);
}

/* The machine of a wish is known once it is answered; the turn of a recovery is news. */
static void take_old(struct session *s, struct json answer, bool wished)
{
    if (!wished || s->wish->kind != WISH_START)
        s->machine = NULL; /* a file may have changed since */
    if (!json_to_int64(json_get(answer, STR("turns")), &s->quiet_turns) || s->quiet_turns < 1)
        s->quiet_turns = 1;
    s->latest_turn = s->quiet_turns - 1;
    if (wished)
        s->quiet_turns = s->latest_turn;
}

static bool ask(struct visit *v, struct err *reterr)
{
    struct session *s = v->s;
    struct json answer;
    bool first = !s->known, wished = session_wishes(s), old = !wished && (s->id || s->known);
    if (!ask_first(v, &answer, reterr))
        return false;
    if (wished)
        take_plan(s, answer);
    if (wished && s->wish->request.dry_run)
        return true;
    struct str answered = json_str(json_get(answer, STR("id")));
    if (!uuid_parse(answered, &s->uuid))
        return err_set(reterr, ERR_INTERNAL, "the server's answer has no id");
    s->started_at = told_time(json_get(answer, STR("started_at")));
    s->status = told_status(json_get(answer, STR("status")));
    s->start.machine_name =
        arena_str(s->cli->arena, json_str(json_get(answer, STR("machine_name"))));
    old |= json_is_true(json_get(answer, STR("already")));
    s->known = true;
    if (!first)
        return true; /* it was told before the connection was lost */
    session_print_begin(s, wished                           ? ""
                           : s->status != EXECUTION_RUNNING ? "ended before  "
                           : old                            ? "goes on  "
                                                            : "");
    tell_config(s, answer);
    if (old || (wished && !json_is_true(json_get(answer, STR("already")))))
        take_old(s, answer, wished);
    return true;
}

/* ---- following ---- */

/* A decision is waited for by whoever shares the directory, as by a run that is alone: the
 * execution may be that very command's work. */
static void take_standing(struct visit *v, struct json line, int64_t turn)
{
    struct session *s = v->s;
    if (turn < s->latest_turn)
        return;
    s->needs_review =
        v->remote && str_eq(json_str(json_get(line, STR("status"))), STR("needs_review"));
    v->stands = s->needs_review || session_is_paused(s);
}

static void take_turn(struct visit *v, struct json line)
{
    struct session *s = v->s;
    struct json steps = json_get(line, STR("steps")), events = json_get(line, STR("events"));
    struct wall_ms at = told_time(json_get(line, STR("at")));
    int64_t turn = 0, last = 0;
    bool quiet = json_to_int64(json_get(line, STR("turn")), &turn) && turn < s->quiet_turns;
    for (size_t i = 0; i < json_count(steps); i++) {
        int64_t index = -1;
        struct json told = json_at(steps, i);
        struct step *step =
            json_to_int64(json_get(told, STR("index")), &index) && index >= 0 && index < UINT32_MAX
                ? live_put(&s->live, (uint32_t)index)
                : NULL;
        if (!step || !told_step(s->live.arena, s->machine, told, step)) {
            v->refused = !err_set(&v->err, ERR_INTERNAL,
                                  "the server tells of a step that cannot be in this run");
            return;
        }
    }
    for (size_t i = 0; i < json_count(events) && !quiet; i++) {
        struct flow_event event;
        if (told_retry(json_at(events, i), &event))
            live_retried(&s->live, &event, at);
    }
    live_show(&s->live, quiet);
    for (size_t i = 0; i < json_count(events); i++) {
        struct flow_event event;
        if (told_control(json_at(events, i), &event))
            session_heed(s, &event, quiet);
    }
    take_standing(v, line, turn);
    if (json_to_int64(json_get(line, STR("last")), &last) && last > 0)
        s->last = (uint64_t)last;
}

static void take_end(struct session *s, struct json end)
{
    struct arena *a = s->cli->arena;
    struct json output = json_get(end, STR("output"));
    struct json error = json_get(end, STR("error")), cause = json_get(end, STR("cause"));
    s->status = told_status(json_get(end, STR("status")));
    s->stopped_at = told_time(json_get(end, STR("stopped_at")));
    if (!json_is_absent(output))
        json_write_pretty(&s->output, output);
    s->has_error = json_is_string(error);
    s->error = arena_str(a, json_str(error));
    s->has_cause = json_is_string(cause);
    s->cause = arena_str(a, json_str(cause));
}

/* Before the execution has ended. */
static void take_closed(struct visit *v, struct json closed)
{
    struct str reason = json_str(json_get(closed, STR("reason")));
    struct str detail = json_str(json_get(closed, STR("detail")));
    if (str_eq(reason, STR("stopping"))) {
        v->going = true;
    } else if (!str_eq(reason, STR("slow"))) {
        err_set(&v->err, err_of_name(reason), STR_FMT, STR_ARG(detail));
        v->refused = true;
    }
}

static bool take_line(void *arg, struct json line)
{
    struct visit *v = arg;
    v->s->heard = true;
    struct json end = json_get(line, STR("end")), closed = json_get(line, STR("closed"));
    if (!json_is_absent(json_get(line, STR("turn"))))
        take_turn(v, line);
    if (json_is_object(end)) {
        take_end(v->s, end);
        v->ended = true;
    }
    if (json_is_object(closed))
        take_closed(v, closed);
    return !v->ended && !v->stands && !v->refused && json_is_absent(closed);
}

static void ticked(void *arg, struct wall_ms now)
{
    const struct visit *v = arg;
    live_tick(&v->s->live, now);
}

/* Until it ends; whoever is cut off for being slow goes on where it was. */
static bool follow(struct visit *v, struct err *reterr)
{
    struct session *s = v->s;
    struct client_stream stream = {
        .line = take_line,
        .tick = s->cli->err.terminal ? ticked : NULL,
        .tick_ms = SCREEN_DRAW_EVERY_MS,
        .arg = v,
    };
    char id[UUID_TEXT_LEN];
    uuid_format(s->uuid, id);
    while (!v->ended && !v->stands && !v->going && !v->refused) {
        struct str path =
            arena_printf(v->arena, "/api/v1/executions/%.*s/follow?from=%llu&data=false",
                         UUID_TEXT_LEN, id, (unsigned long long)s->last);
        uint64_t before = s->last;
        if (!client_follow(v->client, path, &stream, reterr))
            return false;
        if (s->last == before && !v->ended && !v->stands && !v->refused)
            v->going = true; /* it ended the stream without a word */
    }
    if (v->refused)
        *reterr = v->err;
    return !v->refused;
}

/* ---- the whole ---- */

static int detach(struct session *s, const char *address, bool remote, const struct err *err)
{
    struct out *o = &s->cli->err;
    long holder = remote ? 0 : datadir_holder(s->data);
    live_end(&s->live, clock_wall());
    out_style(o, STYLE_BUSY);
    out_text(o, "\n‖ ");
    out_style(o, STYLE_OFF);
    if (remote)
        out_printf(o, "%s; the execution goes on at %s\n", err->message, address);
    else if (holder)
        out_printf(o, "%s; the execution goes on in process %ld, as long as that runs\n",
                   err->message, holder);
    else
        out_printf(o, "%s; the execution goes on in the process that holds the data directory\n",
                   err->message);
    out_text(o, "  Follow it, or go on with it later: ");
    session_print_next(s, "pawl run --resume");
    return err_exit_status(err->code);
}

/* All the reasons are in the plan, which a refusal does not bring along. */
static int refuse_wish(struct visit *v, const struct err *err)
{
    struct session *s = v->s;
    struct json answer;
    struct err ignored;
    bool planned = err->code == ERR_INVALID_INPUT || err->code == ERR_CONFLICT ||
                   err->code == ERR_NOT_FOUND || err->code == ERR_TOO_LARGE;
    if (planned && !s->wish->request.dry_run && !s->wish->decides) {
        s->wish->request.dry_run = true;
        if (ask_first(v, &answer, &ignored))
            take_plan(s, answer);
        s->wish->request.dry_run = false;
    }
    return wish_fail(s->cli, s->wish, err);
}

static enum there outcome(struct visit *v, const char *address, bool good, const struct err *err,
                          int *ret_exit)
{
    struct session *s = v->s;
    if (good && s->wish && s->wish->request.dry_run) {
        *ret_exit = wish_tell_plan(s->cli, s->wish);
        return THERE_DONE;
    }
    if (good && s->wish && s->wish->detach) {
        *ret_exit = session_print_detached(s);
        return THERE_DONE;
    }
    if (good && (v->ended || v->stands)) {
        live_end(&s->live, clock_wall());
        *ret_exit = session_print_end(s);
        return THERE_DONE;
    }
    if (good)
        return THERE_LOST;
    if (err->code == ERR_INTERRUPTED && s->known) {
        *ret_exit = detach(s, address, v->remote, err);
        return THERE_DONE;
    }
    if (err->code == ERR_UNREACHABLE && s->known)
        return THERE_LOST;
    /* It ends, perhaps because of what was asked: what has become of that is in the store. */
    if (err->code == ERR_INTERRUPTED && s->found && session_wishes(s) && !wish_makes_new(s->wish) &&
        !s->wish->request.dry_run) {
        s->known = true;
        return THERE_LOST;
    }
    bool nothing =
        err->code == ERR_BUSY || (err->code == ERR_UNREACHABLE && !client_was_heard(v->client));
    /* A named start is the same start when it is asked for again. */
    bool harmless = err->code == ERR_UNREACHABLE &&
                    (s->wish ? s->wish->request.dry_run : s->start.name.len || s->id);
    if (nothing || harmless) {
        s->err = *err;
        return THERE_NOBODY;
    }
    if (s->known)
        live_end(&s->live, clock_wall());
    *ret_exit =
        session_wishes(s)
            ? refuse_wish(v, err)
            : cli_fail(s->cli, s->config && err->code == ERR_INVALID_CONFIG ? s->config : NULL,
                       err);
    if (err->code == ERR_UNREACHABLE)
        out_printf(&s->cli->err,
                   "It ended before it answered: pawl %s shows whether the execution %s.\n",
                   s->wish ? "show" : "ls", s->wish ? "went on" : "was started");
    return THERE_DONE;
}

enum there session_run_there(struct session *s, const char *address, bool remote, int *ret_exit)
{
    struct visit v = {.s = s, .remote = remote, .arena = arena_new(0)};
    struct err err;
    s->heard = false;
    bool good = remote ? client_open_url(address, &v.client, &err)
                       : client_open_unix(address, &v.client, &err);
    if (!good) {
        arena_free(v.arena);
        *ret_exit = cli_fail(s->cli, NULL, &err);
        return THERE_DONE;
    }
    good = ask(&v, &err);
    bool over = s->wish && (s->wish->request.dry_run || s->wish->detach);
    if (good && !over)
        good = s->machine || ask_machine(&v, &err);
    if (good && !over) {
        live_machine(&s->live, s->machine);
        good = follow(&v, &err);
    }
    enum there there = outcome(&v, address, good, &err, ret_exit);
    client_close(v.client);
    arena_free(v.arena);
    return there;
}
