#include "cli/host.h"

#include "base/budget.h"
#include "cli/crews.h"
#include "cli/projector.h"
#include "os/clock.h"
#include "os/entropy.h"
#include "task/checker.h"

#include <signal.h>
#include <uv.h>

enum {
    SIGNALS = 3
};

struct host {
    struct arena *arena;
    struct store *store;
    struct engine *engine;
    struct projector *projector; /* NULL: none */
    struct children *children;
    struct children_found found;
    struct crews *crews;
    struct checker *checker;
    struct api *api;
    engine_followed *followed;
    void *arg; /* of the callbacks */
    void (*unfollowed)(void *arg);
    bool alone; /* the last follower has gone: to be told */
    bool woken; /* step once more, whatever the engine says */
    uv_loop_t loop;
    uv_timer_t wake;
    uv_timer_t tick;
    void (*ticked)(void *arg, struct wall_ms now);
    uv_async_t store_ready;
    uv_idle_t busy; /* active while the engine has more to do at once */
    uv_signal_t signals[SIGNALS];
    bool serves, draining;
    bool refused; /* the store refuses commits for now */
    uint64_t drain_ms;
    uv_timer_t drain;
    void (*hung_up)(void *arg);
    void (*drain_begun)(void *arg);
    engine_troubled *troubled;
    bool deaf; /* nobody can reach it */
    struct err deaf_why;
    bool ending; /* it stops once no child waits to be started or stopped */
    bool stopping;
    int signal; /* that stopped it; 0: none */
};

/* ---- turning ---- */

/* Closing every handle lets the loop run out once the last child is gone. */
static void wind_down(struct host *h)
{
    if (h->stopping)
        return;
    h->stopping = true;
    api_stop(h->api);
    engine_detach(h->engine);
    crews_end(h->crews);
    checker_free(h->checker);
    uv_close((uv_handle_t *)&h->wake, NULL);
    uv_close((uv_handle_t *)&h->tick, NULL);
    uv_close((uv_handle_t *)&h->drain, NULL);
    uv_close((uv_handle_t *)&h->busy, NULL);
    store_set_wakeup(h->store, NULL, NULL);
    uv_close((uv_handle_t *)&h->store_ready, NULL);
    for (size_t i = 0; i < SIGNALS; i++)
        uv_unref(
            (uv_handle_t *)&h->signals[i]); /* a second Ctrl-C must not leave children behind */
}

static void turn(struct host *h);

static void on_wake(uv_timer_t *timer)
{
    turn(timer->data);
}

static void on_busy(uv_idle_t *busy)
{
    turn(busy->data);
}

static void on_store_ready(uv_async_t *async)
{
    turn(async->data);
}

/* In any thread. */
static void wake_up(void *arg)
{
    uv_async_send(arg);
}

static void on_tick(uv_timer_t *timer)
{
    struct host *h = timer->data;
    h->ticked(h->arg, clock_wall());
}

static void wait_for(struct host *h, struct wall_ms wake, struct wall_ms now)
{
    /* At most a minute at a time, since the wall's clock may be set. */
    enum {
        WAIT_MAX_MS = 60000
    };
    int64_t wait = wake.ms - now.ms;
    uv_timer_start(&h->wake, on_wake, (uint64_t)(wait < WAIT_MAX_MS ? wait : WAIT_MAX_MS), 0);
}

static void turn(struct host *h)
{
    struct err why;
    struct wall_ms now = clock_wall();
    if (h->stopping)
        return;
    h->woken = false;
    bool more = engine_step(h->engine, now, clock_mono());
    projector_poke(h->projector);
    if (!h->stopping && h->alone) {
        h->alone = false;
        h->unfollowed(h->arg);
    }
    if (h->stopping) /* by a callback */
        return;
    if (h->ending && !engine_minds_children(h->engine)) {
        wind_down(h);
        return;
    }
    if (h->draining && engine_idle(h->engine) && crews_are_quiet(h->crews)) {
        wind_down(h);
        return;
    }
    if (engine_dead(h->engine, &why)) {
        wind_down(h);
        return;
    }
    struct wall_ms wake = engine_wake(h->engine);
    uv_timer_stop(&h->wake);
    /* What is due is done in the next round: a timer of 0 ms would be all that rounds do. */
    bool is_due = wake.ms && wake.ms <= now.ms;
    if (wake.ms && !is_due)
        wait_for(h, wake, now);
    if (more || h->woken || is_due)
        uv_idle_start(&h->busy, on_busy);
    else
        uv_idle_stop(&h->busy);
}

/* ---- signals ---- */

static void on_drained_long_enough(uv_timer_t *drain)
{
    wind_down(drain->data);
}

/* What runs may end, and is not run again by whoever comes next. */
static void drain(struct host *h)
{
    h->draining = true;
    crews_hold(h->crews);
    if (h->drain_begun)
        h->drain_begun(h->arg);
    uv_timer_start(&h->drain, on_drained_long_enough, h->drain_ms, 0);
    uv_idle_start(&h->busy, on_busy); /* nothing may run */
}

static void on_signal(uv_signal_t *signal, int number)
{
    struct host *h = signal->data;
    if (h->stopping)
        return;
    if (number == SIGHUP) {
        h->hung_up(h->arg);
        return;
    }
    h->signal = number;
    if (h->serves && !h->draining)
        drain(h);
    else
        wind_down(h);
}

/* ---- tasks ---- */

static void start_task(void *arg, const struct execution_row *execution,
                       const struct flow_identity *who, const struct flow_effect *task)
{
    struct host *h = arg;
    struct buf payload = BUF_INIT(0);
    char id[UUID_TEXT_LEN];
    uuid_format(execution->id, id);
    json_write(&payload, task->payload);
    struct task_request request = {
        .key = {execution->key, task->step, task->attempt},
        .function = task->function,
        .resource = task->resource->text,
        .payload = buf_str(&payload),
        .execution_arn = who->execution_arn,
        .execution_id = str_of(id, UUID_TEXT_LEN),
        .state_name = task->state->name,
        .correlation_id = str_of(id, UUID_TEXT_LEN), /* an execution that nothing else began */
        .token = task->token,
    };
    crews_start(h->crews, execution, &request);
    buf_release(&payload);
}

static void cancel_task(void *arg, execution_key key, uint32_t step, uint32_t attempt)
{
    struct host *h = arg;
    crews_cancel(h->crews, (struct task_key){key, step, attempt});
}

/* How the attempt went, as the journal keeps it (EVENT_TASK_LOG). */
static struct json log_of(struct arena *a, const struct task_result *result)
{
    struct json_object_builder b = json_object_builder(a);
    if (result->has_exit_status)
        json_object_add(&b, STR("exit"), json_int(result->exit_status));
    if (result->out.len)
        json_object_add(&b, STR("out"), json_string(result->out));
    if (result->err.len)
        json_object_add(&b, STR("err"), json_string(result->err));
    json_object_add(&b, STR("ms"), json_int(result->duration_ms));
    return json_object_done(&b);
}

static void task_answered(void *arg, const struct task_result *result)
{
    struct host *h = arg;
    struct arena *scratch = arena_new(0);
    struct engine_task_result answer = {
        .execution = result->key.execution,
        .step = result->key.task,
        .attempt = result->key.attempt,
        .ok = result->ok,
        .output = result->output,
        .has_error = !result->ok,
        .has_cause = !result->ok,
        .error = result->error,
        .cause = result->cause,
        .log = log_of(scratch, result),
    };
    engine_task_result(h->engine, &answer);
    arena_free(scratch);
    if (!h->stopping)
        uv_idle_start(&h->busy, on_busy);
}

/* ---- checks of recoveries ---- */

static void start_check(void *arg, const struct engine_check *check)
{
    struct host *h = arg;
    char id[UUID_TEXT_LEN];
    uuid_format(check->execution->id, id);
    checker_start(h->checker, &(struct check_request){
                                  .id = check->id,
                                  .command = check->fields->words,
                                  .command_count = check->fields->word_count,
                                  .folder = crews_folder(h->crews, check->execution),
                                  .timeout_seconds = check->fields->timeout_seconds,
                                  .execution_arn = check->execution->arn,
                                  .execution_id = str_of(id, UUID_TEXT_LEN),
                                  .state_name = check->state->name,
                              });
}

static void check_answered(void *arg, const struct check_outcome *outcome)
{
    struct host *h = arg;
    engine_check_result(h->engine, &(struct engine_check_result){
                                       .id = outcome->id,
                                       .ran = outcome->ran,
                                       .exit_status = outcome->exit_status,
                                       .said = outcome->said,
                                   });
    if (!h->stopping)
        uv_idle_start(&h->busy, on_busy);
}

/* Definitions name these commands themselves: in a server they are others'. */
static bool may_check(const struct host_options *options, const struct settings *settings)
{
    return settings->verify == VERIFY_AS_USUAL ? !options->serves : settings->verify == VERIFY_ON;
}

static void troubled(void *arg, execution_key key, const struct err *err, struct wall_ms again_at)
{
    struct host *h = arg;
    h->refused |= again_at.ms != 0;
    if (h->troubled)
        h->troubled(h->arg, key, err, again_at);
}

/* ---- others ---- */

static bool is_ready(void *arg, const char **ret_why_not)
{
    const struct host *h = arg;
    *ret_why_not = h->draining || h->stopping     ? "draining"
                   : !engine_recovered(h->engine) ? "recovering"
                   : h->refused                   ? "the store refuses what is to be written"
                                                  : NULL;
    return !*ret_why_not;
}

static void step_soon(void *arg)
{
    struct host *h = arg;
    h->woken = true;
    if (!h->stopping)
        uv_idle_start(&h->busy, on_busy);
}

static bool take_config(void *arg, const struct api_config *config, int *ret_crew,
                        struct err *reterr)
{
    struct host *h = arg;
    return crews_take(h->crews, config->text, config->folder, ret_crew, reterr);
}

static void assign_crew(void *arg, execution_key key, int crew, bool replace)
{
    struct host *h = arg;
    crews_assign(h->crews, key, crew, replace);
}

static void unfollowed(void *arg)
{
    struct host *h = arg;
    h->alone = h->unfollowed != NULL;
    step_soon(h);
}

static void followed(void *arg, const struct run *run, const struct execution_row *execution,
                     const struct flow_event *events, size_t count, struct wall_ms at)
{
    struct host *h = arg;
    h->refused = false;
    api_followed(h->api, run, execution, events, count);
    if (execution->status != EXECUTION_RUNNING && !engine_checks_again(h->engine, execution->key))
        crews_forget(h->crews, execution->key);
    h->followed(h->arg, run, execution, events, count, at);
}

/* ---- addresses ---- */

static bool no_address(const char *text, struct err *reterr)
{
    return err_set(reterr, ERR_USAGE,
                   "\"%s\" is nothing to listen on: give an address with its port, such as "
                   "127.0.0.1:8083 or [::1]:8083, or unix:PATH",
                   text);
}

bool host_listen_parse(const char *text, struct host_listen *ret, struct err *reterr)
{
    struct host_listen l = {0};
    struct str whole = str_of_cstr(text), address;
    int64_t port;
    if (str_starts_with(whole, STR("unix:"))) {
        l.unix_path = text + sizeof("unix:") - 1;
        *ret = l;
        return *l.unix_path ? true : no_address(text, reterr);
    }
    size_t colon = str_rfind_char(whole, ':');
    if (colon == SIZE_MAX || !str_to_int64(str_slice(whole, colon + 1, whole.len), &port) ||
        port < 0 || port > UINT16_MAX)
        return no_address(text, reterr);
    address = str_slice(whole, 0, colon);
    if (str_starts_with(address, STR("[")) && str_ends_with(address, STR("]")))
        address = str_slice(address, 1, address.len - 1);
    else if (str_eq(address, STR("localhost")))
        address = STR("127.0.0.1");
    if (!address.len || address.len >= sizeof(l.address))
        return no_address(text, reterr);
    memcpy(l.address, address.ptr, address.len);
    l.port = (uint16_t)port;
    *ret = l;
    return true;
}

/* ---- life ---- */

static void must(int status)
{
    ASSERT(status == 0);
}

static void open_loop(struct host *h, bool hangup)
{
    static const int numbers[SIGNALS] = {SIGINT, SIGTERM, SIGHUP};
    must(uv_loop_init(&h->loop));
    must(uv_timer_init(&h->loop, &h->wake));
    must(uv_timer_init(&h->loop, &h->tick));
    must(uv_timer_init(&h->loop, &h->drain));
    must(uv_idle_init(&h->loop, &h->busy));
    must(uv_async_init(&h->loop, &h->store_ready, on_store_ready));
    h->wake.data = h->tick.data = h->drain.data = h->busy.data = h->store_ready.data = h;
    for (size_t i = 0; i < SIGNALS; i++) {
        must(uv_signal_init(&h->loop, &h->signals[i]));
        h->signals[i].data = h;
        if (numbers[i] != SIGHUP || hangup)
            must(uv_signal_start(&h->signals[i], on_signal, numbers[i]));
    }
}

static void adopt_options(struct host *h, const struct host_options *options)
{
    h->store = options->store;
    h->followed = options->followed;
    h->unfollowed = options->unfollowed;
    h->troubled = options->troubled;
    h->ticked = options->ticked;
    h->hung_up = options->hung_up;
    h->drain_begun = options->draining;
    h->drain_ms = options->drain_ms;
    h->serves = options->serves;
    h->arg = options->arg;
}

/* The listener's part of memory_max, unless it is told to take less. */
static struct http_limits within(struct http_limits asked, const struct memory_shares *shares)
{
    struct http_limits http = http_limits_with_defaults(asked);
    if (http.bodies_max > shares->bodies)
        http.bodies_max = shares->bodies;
    if (http.handling_max > shares->handling)
        http.handling_max = shares->handling;
    return http;
}

static void open_api(struct host *h, const struct settings *settings,
                     const struct memory_shares *shares)
{
    struct api_options api = {
        .loop = &h->loop,
        .engine = h->engine,
        .store = h->store,
        .visibility = projector_visibility(h->projector),
        .seed = entropy_u64(),
        .limits = within(settings->http, shares),
        .aws_limits_strict = settings->aws_limits_strict,
        .checks_host = h->serves,
        .hosts = settings->hosts,
        .machines_max = settings->machines_max,
        .activities_max = settings->activities_max,
        .activity_polls_max = settings->activity_polls_max,
        .wake = step_soon,
        .take_config = h->serves ? NULL : take_config,
        .assign_crew = assign_crew,
        .unfollowed = unfollowed,
        .is_ready = is_ready,
        .arg = h,
    };
    h->api = api_new(&api);
}

static bool listen_all(struct host *h, const struct host_options *options, struct err *reterr)
{
    for (size_t i = 0; i < options->listen_count; i++) {
        struct host_listen *l = &options->listens[i];
        if (l->unix_path ? !api_listen_unix(h->api, l->unix_path, reterr)
                         : !api_listen_tcp(h->api, l->address, l->port, &l->port, reterr))
            return false;
    }
    h->deaf = options->socket && !api_listen_unix(h->api, options->socket, &h->deaf_why);
    return true;
}

bool host_new(const struct host_options *options, struct host **ret_host, struct err *reterr)
{
    struct arena *arena = arena_new(0);
    struct host *h = ARENA_NEW(arena, struct host);
    const struct settings settings = options->settings ? *options->settings : settings_default();
    const struct memory_shares shares = memory_shares(settings.memory_max);
    const int64_t day_ms = 24 * 60 * 60 * 1000;
    struct engine_options engine = {
        .redrive_window_ms = settings.aws_limits_strict ? 14 * day_ms : 0,
        .store = options->store,
        .seed = entropy_u64(),
        .limits = settings.aws_limits_strict ? flow_limits_aws() : flow_limits_default(),
        .runs_live_max = settings.runs_live_max,
        .memory_max = shares.runs,
        .express_live_max = settings.express_live_max,
        .express_memory_max = settings.express_memory_max,
        .express_keep = settings.express_history_keep,
        .tasks = {h, start_task, cancel_task, may_check(options, &settings) ? start_check : NULL},
        .troubled = troubled,
        .troubled_arg = h,
        .checks_due = options->checks_due,
        .advance_all = options->serves,
    };
    h->arena = arena;
    adopt_options(h, options);
    if (!children_open(options->children, &h->found, &h->children, reterr) ||
        !engine_new(&engine, &h->engine, reterr)) {
        children_close(h->children);
        arena_free(arena);
        return false;
    }
    engine_follow(h->engine, followed, h);
    open_loop(h, options->hung_up != NULL);
    store_set_wakeup(h->store, wake_up, &h->store_ready);
    if (h->ticked)
        must(uv_timer_start(&h->tick, on_tick, options->tick_ms, options->tick_ms));
    h->crews = crews_new(&h->loop, options->bindings, h->children, task_answered, h);
    h->checker = checker_new(&h->loop, h->children, check_answered, h);
    crews_listen(h->crews, options->heard, options->arg);
    if (options->visibility)
        h->projector = projector_new(options->visibility, options->store_path);
    open_api(h, &settings, &shares);
    if (!listen_all(h, options, reterr)) {
        host_free(h);
        return false;
    }
    *ret_host = h;
    return true;
}

void host_rebind(struct host *h, struct arena *arena, const struct bindings *bindings)
{
    crews_replace_own(h->crews, arena, bindings);
}

struct engine *host_engine(struct host *h)
{
    return h->engine;
}

size_t host_followers(const struct host *h)
{
    return api_followers(h->api);
}

const struct err *host_deaf(const struct host *h)
{
    return h->deaf ? &h->deaf_why : NULL;
}

struct children_found host_found(const struct host *h)
{
    return h->found;
}

/* What the turn that caused it has to do comes after its reply. */
void host_stop(struct host *h)
{
    h->ending = true;
    if (!h->stopping)
        uv_idle_start(&h->busy, on_busy);
}

bool host_run(struct host *h, struct err *reterr)
{
    struct err why;
    if (!h->stopping)
        uv_idle_start(&h->busy, on_busy);
    uv_run(&h->loop, UV_RUN_DEFAULT);
    if (engine_dead(h->engine, &why)) {
        *reterr = why;
        return false;
    }
    if (h->signal)
        return err_set(reterr, ERR_INTERRUPTED, "interrupted by %s",
                       h->signal == SIGINT ? "Ctrl-C" : "SIGTERM");
    return true;
}

void host_free(struct host *h)
{
    if (!h)
        return;
    wind_down(h);
    for (size_t i = 0; i < SIGNALS; i++)
        uv_close((uv_handle_t *)&h->signals[i], NULL);
    uv_run(&h->loop, UV_RUN_DEFAULT);
    must(uv_loop_close(&h->loop));
    crews_free(h->crews);
    children_close(h->children);
    engine_free(h->engine);
    api_free(h->api);
    projector_free(h->projector);
    arena_free(h->arena);
}
