/* Services as tasks: a real HTTP server on loopback, well-behaved and not. */
#include "task_fixture.h"

#include <netinet/in.h>
#include <stdio.h>

/* ---- the server: one canned answer per path ---- */

static const struct {
    const char *path, *response; /* NULL: never answers; "" closes at once */
} answers[] = {
    {"/ok", "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{\"a\": 1}"},
    {"/chunked",
     "HTTP/1.1 201 Made\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n1\r\n]\r\n0\r\n\r\n"},
    {"/until-closed", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n[2]"},
    {"/empty", "HTTP/1.1 204 No Content\r\n\r\n"},
    {"/html", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"},
    {"/raised", "HTTP/1.1 200 OK\r\nX-Amz-Function-Error: Unhandled\r\nContent-Length: 17\r\n\r\n"
                "{\"errorType\":\"E\"}"},
    {"/no-function", "HTTP/1.1 404 No\r\nx-amzn-errortype: ResourceNotFoundException\r\n"
                     "Content-Length: 0\r\n\r\n"},
    {"/busy", "HTTP/1.1 503 Busy\r\nContent-Length: 5\r\n\r\nlater"},
    {"/moved", "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n"},
    {"/short", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\n{"},
    {"/no-http", "220 mail ready\r\n"},
    {"/gone", ""},
    {"/job-1/invocations", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n7"},
    {"/hang", NULL},
};

enum {
    REQUEST_SIZE_MAX = 17 << 20
};

struct server {
    uv_tcp_t listener;
    int port;
    struct buf request; /* the last one */
    size_t connections; /* accepted in all */
};

struct connection {
    uv_tcp_t tcp;
    struct server *server;
    struct buf request;
    uv_write_t write;
};

static void on_connection_closed(uv_handle_t *handle)
{
    struct connection *c = handle->data;
    buf_release(&c->request);
    free(c);
}

static void close_connection(struct connection *c)
{
    if (!uv_is_closing((uv_handle_t *)&c->tcp))
        uv_close((uv_handle_t *)&c->tcp, on_connection_closed);
}

static void on_answered(uv_write_t *write, int status)
{
    struct connection *c = write->data;
    struct str request = buf_str(&c->request);
    bool keep = status == 0 && str_find(request, STR("/short ")) == SIZE_MAX &&
                str_find(request, STR("/no-http ")) == SIZE_MAX &&
                str_find(request, STR("/until-closed ")) == SIZE_MAX;
    buf_clear(&c->request);
    if (!keep)
        close_connection(c);
}

/* A body one MiB larger than is taken. */
static struct str large_response(void)
{
    enum {
        BODY_SIZE = TASK_OUTPUT_SIZE_MAX + (1 << 20),
        HEAD_SIZE_MAX = 128
    };
    static char text[HEAD_SIZE_MAX + BODY_SIZE];
    int head =
        snprintf(text, HEAD_SIZE_MAX, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BODY_SIZE);
    memset(text + head, ' ', BODY_SIZE);
    return str_of(text, (size_t)head + BODY_SIZE);
}

static struct str response_to(struct str path, bool *ret_answer)
{
    *ret_answer = true;
    if (str_eq(path, STR("/large")))
        return large_response();
    size_t i = 0;
    while (i < COUNT_OF(answers) && !str_eq(path, str_of_cstr(answers[i].path)))
        i++;
    assert_true(i < COUNT_OF(answers));
    *ret_answer = answers[i].response != NULL;
    return str_of_cstr(answers[i].response);
}

static void answer(struct connection *c)
{
    struct str request = buf_str(&c->request);
    struct str path = str_slice(request, 5, 5 + str_find_char(str_slice(request, 5, 100), ' '));
    buf_clear(&c->server->request);
    buf_append(&c->server->request, request);
    bool answers_at_all;
    struct str response = response_to(path, &answers_at_all);
    if (!answers_at_all)
        return;
    uv_buf_t out = uv_buf_init((char *)(uintptr_t)response.ptr, (unsigned)response.len);
    c->write.data = c;
    if (out.len == 0 || uv_write(&c->write, (uv_stream_t *)&c->tcp, &out, 1, on_answered) != 0)
        close_connection(c);
}

static bool is_whole(struct str request)
{
    size_t end = str_find(request, STR("\r\n\r\n"));
    size_t length = str_find(request, STR("Content-Length: "));
    if (end == SIZE_MAX || length == SIZE_MAX)
        return false;
    size_t body = strtoul(request.ptr + length + 16, NULL, 10);
    return request.len == end + 4 + body;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    struct connection *c = handle->data;
    *ret_buf = uv_buf_init(buf_reserve(&c->request, suggested), (unsigned)suggested);
}

static void on_request(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    (void)buf;
    struct connection *c = stream->data;
    if (size < 0) {
        close_connection(c);
        return;
    }
    c->request.len += (size_t)size;
    if (size && is_whole(buf_str(&c->request)))
        answer(c);
}

static void on_connection(uv_stream_t *listener, int status)
{
    assert_int_equal(status, 0);
    struct server *s = listener->data;
    struct connection *c = calloc(1, sizeof(*c));
    assert_non_null(c);
    c->server = s;
    c->request = BUF_INIT(REQUEST_SIZE_MAX);
    s->connections++;
    uv_tcp_init(listener->loop, &c->tcp);
    c->tcp.data = c;
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&c->tcp), 0);
    uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_request);
}

static struct server *listen_on(uv_loop_t *loop)
{
    struct server *s = calloc(1, sizeof(*s));
    struct sockaddr_in address;
    int size = sizeof(address);
    assert_non_null(s);
    uv_tcp_init(loop, &s->listener);
    s->listener.data = s;
    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &address), 0);
    assert_int_equal(uv_tcp_bind(&s->listener, (struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&s->listener, 128, on_connection), 0);
    assert_int_equal(uv_tcp_getsockname(&s->listener, (struct sockaddr *)&address, &size), 0);
    s->port = ntohs(address.sin_port);
    return s;
}

static void on_server_closed(uv_handle_t *handle)
{
    struct server *s = handle->data;
    buf_release(&s->request);
    free(s);
}

/* ---- the tests ---- */

static const struct {
    const char *path, *output, *error, *cause_part;
} cases[] = {
    {"/ok", "{\"a\":1}", NULL, NULL},
    {"/chunked", "[]", NULL, NULL},
    {"/until-closed", "[2]", NULL, NULL},
    {"/empty", "null", NULL, NULL},
    {"/html", NULL, "Pawl.OutputInvalid", "<html>"},
    {"/raised", NULL, "E", "{\"errorType\":\"E\"}"},
    {"/no-function", NULL, "Lambda.ResourceNotFoundException", "function:service:$LATEST"},
    {"/busy", NULL, "Pawl.HttpStatus", "status 503"},
    {"/moved", NULL, "Pawl.HttpStatus", "status 302"},
    {"/short", NULL, "Pawl.HttpRequestFailed", "The request failed: "},
    {"/no-http", NULL, "Pawl.HttpRequestFailed", "The request failed: "},
    {"/gone", NULL, "Pawl.HttpRequestFailed", "The request failed: "},
    {"/large", NULL, "Function.ResponseSizeTooLarge", "task_output_max"},
};

struct served {
    struct fixture *f;
    struct server *server;
};

/* Whatever is called "service" is POSTed to the path. */
static struct served serve(const char *path, const char *more)
{
    /* The server needs the loop, the bindings the server's port, the set the bindings. */
    struct served s = {.f = fixture_new("", "/")};
    s.server = listen_on(&s.f->loop);
    char config[512];
    snprintf(config, sizeof(config),
             "bindings:\n  - {resource: \"*\", http: \"http://127.0.0.1:%d%s\"%s}\n",
             s.server->port, path, more);
    tasks_free(s.f->tasks);
    s.f->bindings = bindings_of(s.f->arena, config, "/");
    s.f->tasks = tasks_new(&s.f->loop, &s.f->bindings, NULL, keep_report, s.f);
    return s;
}

static void end(struct served s)
{
    uv_close((uv_handle_t *)&s.server->listener, on_server_closed);
    fixture_free(s.f);
}

static void test_responses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct served s = serve(cases[i].path, "");
        const struct task_result *r = run_one(s.f, "service", "{\"x\": 1}");
        assert_false(r->has_exit_status);
        if (cases[i].output) {
            assert_output(s.f, r, cases[i].output);
        } else {
            assert_false(r->ok);
            assert_str(r->error, cases[i].error);
            assert_contains(r->cause, cases[i].cause_part);
        }
        end(s);
    }
}

static void test_the_request(void **state)
{
    (void)state;
    setenv("http_proxy", "http://127.0.0.1:1", 1); /* must not matter */
    struct served s = serve("/{name}/invocations", "");
    assert_output(s.f, run_one(s.f, "job-1", "{\"x\": \"\xc3\xa9\"}"), "7");
    struct str request = buf_str(&s.server->request);
    assert_true(str_starts_with(request, STR("POST /job-1/invocations HTTP/1.1\r\n")));
    assert_contains(request, "\r\nX-Pawl-Idempotency-Key: 7-0-1\r\n");
    assert_contains(request, "\r\nContent-Type: application/json\r\n");
    assert_int_equal(str_find(request, STR("Expect:")), SIZE_MAX);
    assert_true(str_ends_with(request, STR("\r\n\r\n{\"x\": \"\xc3\xa9\"}")));
    unsetenv("http_proxy");
    end(s);
}

static void test_large_request(void **state)
{
    (void)state;
    struct served s = serve("/ok", "");
    size_t size = 16 << 20;
    char *payload = malloc(size + 1);
    assert_non_null(payload);
    memset(payload, ' ', size);
    payload[size] = '\0';
    payload[size - 1] = '1';
    assert_output(s.f, run_one(s.f, "service", payload), "{\"a\":1}");
    assert_true(str_ends_with(buf_str(&s.server->request), str_of(payload, size)));
    free(payload);
    end(s);
}

static void test_time_out_and_cancel(void **state)
{
    (void)state;
    struct served s = serve("/hang", ", timeout_seconds: 0.2");
    const struct task_result *r = run_one(s.f, "service", "{}");
    assert_str(r->error, "Sandbox.Timedout");
    assert_contains(r->cause, "Task timed out after 0.20 seconds");
    end(s);

    s = serve("/hang", ", concurrency: 1");
    start(s.f, 1, "service", "1");
    start(s.f, 2, "service", "2");
    while (!s.server->request.len)
        uv_run(&s.f->loop, UV_RUN_ONCE);
    task_cancel(s.f->tasks, key_of(1)); /* its place goes to the next */
    while (!str_ends_with(buf_str(&s.server->request), STR("\r\n\r\n2")))
        uv_run(&s.f->loop, UV_RUN_ONCE);
    task_cancel(s.f->tasks, key_of(2));
    assert_true(tasks_idle(s.f->tasks));
    start(s.f, 3, "service", "3"); /* in flight when the set is freed */
    while (!str_ends_with(buf_str(&s.server->request), STR("\r\n\r\n3")))
        uv_run(&s.f->loop, UV_RUN_ONCE);
    assert_int_equal(s.f->count, 0);
    end(s);
}

static void test_nobody_listens(void **state)
{
    (void)state;
    struct served s = serve("/ok", "");
    struct server *other = listen_on(&s.f->loop);
    char config[128];
    snprintf(config, sizeof(config),
             "bindings: [{resource: \"*\", http: \"http://127.0.0.1:%d/\"}]", other->port);
    uv_close((uv_handle_t *)&other->listener, on_server_closed);
    uv_run(&s.f->loop, UV_RUN_NOWAIT);
    struct fixture *f = fixture_new(config, "/");
    const struct task_result *r = run_one(f, "service", "{}");
    assert_str(r->error, "Pawl.HttpRequestFailed");
    assert_contains(r->cause, "127.0.0.1");
    fixture_free(f);
    end(s);
}

static void test_many_over_few_connections(void **state)
{
    (void)state;
    struct served s = serve("/ok", ", concurrency: 8");
    for (uint32_t i = 0; i < 500; i++)
        start(s.f, i, "service", "{}");
    run_until_idle(s.f);
    assert_int_equal(s.f->count, 500);
    for (size_t i = 0; i < 500; i++)
        assert_output(s.f, &s.f->reports[i], "{\"a\":1}");
    assert_in_range(s.server->connections, 1, 8);
    end(s);
}

static struct served freed_in_done;

static void free_in_done(void *arg, const struct task_result *result)
{
    (void)arg;
    (void)result;
    tasks_free(freed_in_done.f->tasks);
    freed_in_done.f->tasks = NULL;
}

static void test_free_from_done(void **state)
{
    (void)state;
    struct served s = freed_in_done = serve("/ok", "");
    tasks_free(s.f->tasks);
    s.f->tasks = tasks_new(&s.f->loop, &s.f->bindings, NULL, free_in_done, NULL);
    for (uint32_t i = 0; i < 5; i++)
        start(s.f, i, "service", "{}");
    while (s.f->tasks)
        uv_run(&s.f->loop, UV_RUN_ONCE);
    end(s);
}

static int setup(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    fixture_warm_up();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_responses),      cmocka_unit_test(test_the_request),
        cmocka_unit_test(test_large_request),  cmocka_unit_test(test_time_out_and_cancel),
        cmocka_unit_test(test_nobody_listens), cmocka_unit_test(test_many_over_few_connections),
        cmocka_unit_test(test_free_from_done),
    };
    return cmocka_run_group_tests_name("task_http", tests, setup, NULL);
}
