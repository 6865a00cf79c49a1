/* The API on a store in memory, with short deadlines and small limits, for
 * test_hostile.py. Prints its port; ends when its stdin does. */
#include "api/api.h"
#include "os/clock.h"
#include "store/memory/memory_store.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

struct house {
    uv_loop_t loop;
    uv_idle_t busy;
    uv_timer_t wake;
    uv_pipe_t input;
    struct engine *engine;
    struct api *api;
    bool woken, stopping;
};

static void turn(struct house *h);

static void on_busy(uv_idle_t *busy)
{
    turn(busy->data);
}

static void on_wake(uv_timer_t *timer)
{
    turn(timer->data);
}

static void turn(struct house *h)
{
    struct wall_ms now = clock_wall();
    if (h->stopping)
        return;
    h->woken = false;
    bool more = engine_step(h->engine, now, clock_mono());
    struct wall_ms wake = engine_wake(h->engine);
    uv_timer_stop(&h->wake);
    if (wake.ms)
        uv_timer_start(&h->wake, on_wake, wake.ms > now.ms ? (uint64_t)(wake.ms - now.ms) : 0, 0);
    if (more || h->woken)
        uv_idle_start(&h->busy, on_busy);
    else
        uv_idle_stop(&h->busy);
}

static void wake(void *arg)
{
    struct house *h = arg;
    h->woken = true;
    if (!h->stopping)
        uv_idle_start(&h->busy, on_busy);
}

static void followed(void *arg, const struct run *run, const struct execution_row *execution,
                     const struct flow_event *events, size_t count, struct wall_ms at)
{
    struct house *h = arg;
    (void)at;
    api_followed(h->api, run, execution, events, count);
}

static void no_task(void *arg, const struct execution_row *execution,
                    const struct flow_identity *who, const struct flow_effect *task)
{
    (void)arg, (void)execution, (void)who, (void)task;
}

static void no_cancel(void *arg, execution_key key, uint32_t step, uint32_t attempt)
{
    (void)arg, (void)key, (void)step, (void)attempt;
}

static void on_room(uv_handle_t *handle, size_t size, uv_buf_t *buffer)
{
    static char bytes[64];
    (void)handle, (void)size;
    *buffer = uv_buf_init(bytes, sizeof(bytes));
}

static void on_input(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct house *h = stream->data;
    (void)buffer;
    if (size >= 0)
        return;
    h->stopping = true;
    api_stop(h->api);
    uv_close((uv_handle_t *)&h->busy, NULL);
    uv_close((uv_handle_t *)&h->wake, NULL);
    uv_close((uv_handle_t *)&h->input, NULL);
}

static void open_loop(struct house *h)
{
    uv_loop_init(&h->loop);
    uv_idle_init(&h->loop, &h->busy);
    uv_timer_init(&h->loop, &h->wake);
    uv_pipe_init(&h->loop, &h->input, 0);
    h->busy.data = h->wake.data = h->input.data = h;
    uv_pipe_open(&h->input, 0);
    uv_read_start((uv_stream_t *)&h->input, on_room, on_input);
}

static void open_api(struct house *h, struct store *store)
{
    struct err err;
    uint16_t port;
    h->api = api_new(&(struct api_options){
        .loop = &h->loop,
        .engine = h->engine,
        .store = store,
        .seed = 1,
        .limits = {.head_ms = 500,
                   .body_ms = 500,
                   .idle_ms = 20000,
                   .linger_ms = 200,
                   .connections_max = 1100,
                   .body_size_max = 1 << 20,
                   .memory_max = 16 << 20},
        .wake = wake,
        .arg = h,
    });
    if (!api_listen_tcp(h->api, "127.0.0.1", 0, &port, &err)) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    printf("%u\n", port);
    fflush(stdout);
}

int main(void)
{
    static const uint8_t secret[STORE_SECRET_SIZE];
    static struct house house;
    struct house *h = &house;
    struct err err;
    signal(SIGPIPE, SIG_IGN);
    struct store *store = memory_store_new(secret);
    struct engine_options options = {.store = store,
                                     .seed = 1,
                                     .tasks = {.arg = h, .start = no_task, .cancel = no_cancel},
                                     .advance_all = true};
    if (!engine_new(&options, &h->engine, &err))
        return 1;
    engine_follow(h->engine, followed, h);
    open_loop(h);
    open_api(h, store);
    turn(h);
    uv_run(&h->loop, UV_RUN_DEFAULT);
    engine_free(h->engine);
    api_free(h->api);
    store_close(store);
    return uv_loop_close(&h->loop) == 0 ? 0 : 1;
}
