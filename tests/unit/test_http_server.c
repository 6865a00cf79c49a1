/* The server over real sockets, its clients in the same loop: no threads, and no
 * waiting but for the condition itself. */
#include "base/buf.h"
#include "net/http_server.h"
#include "net/unix_address.h"
#include "os/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

enum {
    KEPT_MAX = 16,
    PATIENCE_S = 20, /* then a test has failed */
    BIG_SIZE = 8 << 20,
    CLIENTS_MAX = 1000,
};

struct house {
    uv_loop_t loop;
    struct http_server *server;
    uint16_t port;
    struct http_request *kept[KEPT_MAX]; /* requests to /later and /stream */
    size_t kept_count, gone, drained;
    struct str answer_with; /* of /later, when it is answered inside gone */
    bool stopped;
    char folder[64];
};

/* ---- the handler ---- */

static void on_gone(void *arg)
{
    struct house *h = arg;
    h->gone++;
}

static void on_drained(void *arg)
{
    struct house *h = arg;
    h->drained++;
}

static void keep(struct house *h, struct http_request *r)
{
    assert_true(h->kept_count < KEPT_MAX);
    h->kept[h->kept_count++] = r;
    http_request_on_gone(r, on_gone, h);
    http_stream_on_drained(r, on_drained, h);
}

static void respond_big(struct http_request *r)
{
    char *bytes = malloc(BIG_SIZE);
    memset(bytes, 'b', BIG_SIZE);
    http_respond(r, 200, NULL, 0, str_of(bytes, BIG_SIZE));
    free(bytes);
}

static void handle(void *arg, struct http_request *r)
{
    struct house *h = arg;
    struct str path = http_request_path(r);
    struct http_header header = {STR("X-Query"), http_request_query(r)};
    if (str_eq(path, STR("/echo"))) {
        http_respond(r, 200, &header, 1, http_request_body(r));
    } else if (str_eq(path, STR("/size"))) {
        struct str text =
            arena_printf(http_request_arena(r), "%zu bytes", http_request_body(r).len);
        http_respond(r, 200, NULL, 0, text);
    } else if (str_eq(path, STR("/evil"))) {
        header.value = STR("a\r\nSet-Cookie: b");
        http_respond(r, 200, &header, 1, STR(""));
    } else if (str_eq(path, STR("/big"))) {
        respond_big(r);
    } else if (str_eq(path, STR("/later"))) {
        keep(h, r);
    } else if (str_eq(path, STR("/stream"))) {
        http_stream_begin(r, 200, NULL, 0);
        keep(h, r);
    } else {
        http_respond_problem(r, 404, STR("NOT_FOUND"), STR("there is no \"such\" thing"));
    }
}

/* ---- the house ---- */

static void open_house(struct house *h, struct http_limits limits)
{
    struct err err;
    *h = (struct house){0};
    assert_int_equal(uv_loop_init(&h->loop), 0);
    h->server = http_server_new(
        &(struct http_server_options){.loop = &h->loop, .limits = limits, handle, h});
    if (!http_server_listen_tcp(h->server, "127.0.0.1", 0, &h->port, &err))
        fail_msg("%s", err.message);
    snprintf(h->folder, sizeof(h->folder), "/tmp/pawl-http-XXXXXX");
    assert_non_null(mkdtemp(h->folder));
}

static void on_stopped(void *arg)
{
    struct house *h = arg;
    h->stopped = true;
}

static void close_house(struct house *h)
{
    http_server_stop(h->server, 0, on_stopped, h);
    uv_run(&h->loop, UV_RUN_DEFAULT);
    assert_true(h->stopped);
    for (size_t i = 0; i < h->kept_count; i++)
        if (h->kept[i])
            http_respond(h->kept[i], 200, NULL, 0, STR(""));
    http_server_free(h->server);
    assert_int_equal(uv_loop_close(&h->loop), 0);
    rmdir(h->folder);
}

static void turn(struct house *h)
{
    uv_run(&h->loop, UV_RUN_NOWAIT);
}

/* Turns the loop until the condition holds. */
#define UNTIL(h, condition)                                                                        \
    do {                                                                                           \
        uint64_t until_ns = clock_mono().ns + PATIENCE_S * (uint64_t)1000000000;                   \
        while (!(condition)) {                                                                     \
            if (clock_mono().ns > until_ns)                                                        \
                fail_msg("in vain: " #condition);                                                  \
            poll(NULL, 0, 1);                                                                      \
            turn(h);                                                                               \
        }                                                                                          \
    } while (0)

static struct http_request *take_kept(struct house *h)
{
    UNTIL(h, h->kept_count > 0);
    struct http_request *r = h->kept[0];
    h->kept_count--;
    memmove(h->kept, h->kept + 1, h->kept_count * sizeof(h->kept[0]));
    return r;
}

/* ---- clients ---- */

static int connect_to(struct house *h)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(h->port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

/* Turns the loop while the system takes no more. */
static void send_all(struct house *h, int fd, struct str bytes)
{
    while (bytes.len) {
        ssize_t sent = send(fd, bytes.ptr, bytes.len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            return; /* the server has closed: what it said is read next */
        turn(h);
        if (sent > 0)
            bytes = str_slice(bytes, (size_t)sent, bytes.len);
    }
}

static void say(struct house *h, int fd, const char *text)
{
    send_all(h, fd, str_of_cstr(text));
}

/* Reads what is there; false at the end. */
static bool receive(int fd, struct buf *to)
{
    char bytes[65536];
    ssize_t got = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (got > 0)
        buf_append(to, str_of(bytes, (size_t)got));
    return got > 0 || (got < 0 && errno == EAGAIN);
}

/* Everything until the server closes. Owned: buf_release. */
static struct buf hear_all(struct house *h, int fd)
{
    struct buf heard = BUF_INIT(0);
    uint64_t until_ns = clock_mono().ns + PATIENCE_S * (uint64_t)1000000000;
    while (receive(fd, &heard)) {
        turn(h);
        if (clock_mono().ns > until_ns)
            fail_msg("the server does not close; it said: %s", buf_cstr(&heard));
    }
    return heard;
}

/* Until the text ends so. */
static struct buf hear_until(struct house *h, int fd, const char *end)
{
    struct buf heard = BUF_INIT(0);
    uint64_t until_ns = clock_mono().ns + PATIENCE_S * (uint64_t)1000000000;
    while (receive(fd, &heard) && !str_ends_with(buf_str(&heard), str_of_cstr(end))) {
        turn(h);
        if (clock_mono().ns > until_ns)
            fail_msg("it does not say %s but: %s", end, buf_cstr(&heard));
    }
    return heard;
}

static void assert_has(struct buf *heard, const char *part)
{
    if (!strstr(buf_cstr(heard), part))
        fail_msg("\"%s\" lacks \"%s\"", buf_cstr(heard), part);
}

static void assert_lacks(struct buf *heard, const char *part)
{
    if (strstr(buf_cstr(heard), part))
        fail_msg("\"%s\" has \"%s\"", buf_cstr(heard), part);
}

static size_t count_of(struct str text, struct str part)
{
    size_t count = 0;
    for (size_t at; (at = str_find(text, part)) != SIZE_MAX; count++)
        text = str_slice(text, at + part.len, text.len);
    return count;
}

/* One request on a connection of its own, and everything that comes back. */
static void check(struct house *h, const char *request, const char *answer)
{
    int fd = connect_to(h);
    say(h, fd, request);
    struct buf heard = hear_all(h, fd);
    assert_has(&heard, answer);
    buf_release(&heard);
    close(fd);
}

#define CLOSE "Host: x\r\nConnection: close\r\n"

/* ---- requests and answers ---- */

static void test_answers(void **state)
{
    struct house h;
    (void)state;
    open_house(&h, (struct http_limits){0});
    int fd = connect_to(&h);
    say(&h, fd, "POST /echo?a=b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
    struct buf heard = hear_until(&h, fd, "hello");
    assert_has(&heard, "HTTP/1.1 200 OK\r\n");
    assert_has(&heard, "\r\nDate: ");
    assert_has(&heard, " GMT\r\n");
    assert_has(&heard, "\r\nX-Query: a=b\r\n");
    assert_has(&heard, "\r\nContent-Length: 5\r\n\r\nhello");
    assert_lacks(&heard, "Connection");
    buf_release(&heard);
    /* The same connection again. */
    say(&h, fd, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
    heard = hear_until(&h, fd, "}");
    assert_has(&heard, "HTTP/1.1 404 Not Found\r\n");
    assert_has(&heard, "content-type: application/problem+json\r\n");
    assert_has(&heard, "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
                       "\"code\":\"NOT_FOUND\",\"detail\":\"there is no \\\"such\\\" thing\"}");
    buf_release(&heard);
    assert_int_equal(http_server_counts(h.server).accepted, 1);
    assert_int_equal(http_server_counts(h.server).requests, 2);
    close(fd);
    UNTIL(&h, http_server_counts(h.server).connections == 0);
    close_house(&h);
}

static void test_closes_when_asked(void **state)
{
    struct house h;
    (void)state;
    open_house(&h, (struct http_limits){0});
    check(&h, "GET /echo HTTP/1.1\r\n" CLOSE "\r\n", "\r\nConnection: close\r\n\r\n");
    check(&h, "GET /echo HTTP/1.0\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    close_house(&h);
}

static void test_head_gets_no_body(void **state)
{
    struct house h;
    (void)state;
    open_house(&h, (struct http_limits){0});
    int fd = connect_to(&h);
    say(&h, fd, "HEAD /size HTTP/1.1\r\n" CLOSE "\r\n");
    struct buf heard = hear_all(&h, fd);
    assert_has(&heard, "\r\nContent-Length: 7\r\n");
    assert_true(str_ends_with(buf_str(&heard), STR("\r\n\r\n")));
    buf_release(&heard);
    close(fd);
    close_house(&h);
}

static void test_headers_stay_headers(void **state)
{
    struct house h;
    (void)state;
    open_house(&h, (struct http_limits){0});
    int fd = connect_to(&h);
    say(&h, fd, "GET /evil HTTP/1.1\r\n" CLOSE "\r\n");
    struct buf heard = hear_all(&h, fd);
    assert_has(&heard, "X-Query: a  Set-Cookie: b\r\n");
    buf_release(&heard);
    close(fd);
    close_house(&h);
}

static void test_pipelining(void **state)
{
    struct house h;
    (void)state;
    open_house(&h, (struct http_limits){0});
    int fd = connect_to(&h);
    /* The first is answered last, and yet first. */
    say(&h, fd,
        "GET /later HTTP/1.1\r\nHost: x\r\n\r\n"
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\none"
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\ntwo\r\n0\r\n\r\n"
        "GET /echo?last HTTP/1.1\r\n" CLOSE "\r\n"
        "GET /never HTTP/1.1\r\nHost: x\r\n\r\n");
    struct http_request *r = take_kept(&h);
    for (int i = 0; i < 10; i++)
        turn(&h);
    assert_int_equal(http_server_counts(h.server).requests, 1);
    http_respond(r, 200, NULL, 0, STR("zero"));
    struct buf heard = hear_all(&h, fd);
    struct str text = buf_str(&heard);
    assert_true(str_find(text, STR("zero")) < str_find(text, STR("one")));
    assert_true(str_find(text, STR("one")) < str_find(text, STR("two")));
    assert_true(str_find(text, STR("two")) < str_find(text, STR("X-Query: last")));
    assert_int_equal(count_of(text, STR("HTTP/1.1 ")), 4);
    buf_release(&heard);
    close(fd);
    close_house(&h);
}

static void test_many_pipelined(void **state)
{
    enum {
        COUNT = 5000
    };
    struct house h;
    struct buf text = BUF_INIT(0);
    (void)state;
    open_house(&h, (struct http_limits){0});
    for (int i = 0; i < COUNT; i++)
        buf_append(&text, STR("GET /echo HTTP/1.1\r\nHost: x\r\n\r\n"));
    int fd = connect_to(&h);
    struct str rest = buf_str(&text);
    struct buf heard = BUF_INIT(0);
    /* Nobody reads meanwhile, so that answers pile up: the server waits. */
    send_all(&h, fd, str_slice(rest, 0, 100000));
    send(fd, rest.ptr + 100000, rest.len - 100000, MSG_DONTWAIT);
    UNTIL(&h, (receive(fd, &heard), count_of(buf_str(&heard), STR("HTTP/1.1 200")) >= 1000));
    assert_true(http_server_counts(h.server).memory < (1 << 20));
    buf_release(&heard);
    buf_release(&text);
    close(fd);
    close_house(&h);
}

static void test_continue(void **state)
{
    struct house h;
    (void)state;
    open_house(&h, (struct http_limits){.body_size_max = 100});
    int fd = connect_to(&h);
    say(&h, fd,
        "POST /echo HTTP/1.1\r\n" CLOSE "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    struct buf heard = hear_until(&h, fd, "HTTP/1.1 100 Continue\r\n\r\n");
    buf_release(&heard);
    say(&h, fd, "{}");
    heard = hear_all(&h, fd);
    assert_has(&heard, "\r\n\r\n{}");
    buf_release(&heard);
    close(fd);
    fd = connect_to(&h);
    say(&h, fd,
        "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
        "Content-Length: 200\r\n\r\n");
    heard = hear_all(&h, fd);
    assert_has(&heard, "HTTP/1.1 413 ");
    assert_lacks(&heard, "100 Continue");
    buf_release(&heard);
    close(fd);
    close_house(&h);
}

static void test_large_both_ways(void **state)
{
    struct house h;
    struct buf text = BUF_INIT(0);
    (void)state;
    open_house(&h, (struct http_limits){0});
    buf_printf(&text, "POST /size HTTP/1.1\r\n" CLOSE "Content-Length: %d\r\n\r\n", BIG_SIZE);
    char *room = buf_reserve(&text, BIG_SIZE);
    memset(room, 'x', BIG_SIZE);
    text.len += BIG_SIZE;
    int fd = connect_to(&h);
    send_all(&h, fd, buf_str(&text));
    struct buf heard = hear_all(&h, fd);
    assert_has(&heard, "8388608 bytes");
    buf_release(&heard);
    buf_release(&text);
    close(fd);
    fd = connect_to(&h);
    say(&h, fd, "GET /big HTTP/1.1\r\n" CLOSE "\r\n");
    heard = hear_all(&h, fd);
    assert_true(heard.len > BIG_SIZE);
    buf_release(&heard);
    close(fd);
    assert_int_equal(http_server_counts(h.server).memory, 0);
    close_house(&h);
}

/* ---- what is refused ---- */

static void test_refusals(void **state)
{
    struct house h;
    (void)state;
    open_house(&h, (struct http_limits){.body_size_max = 1000, .linger_ms = 200});
    check(&h, "BREW / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 501 ");
    check(&h, "GET / HTTP/1.1\r\n\r\n", "\"code\":\"HOST\"");
    check(&h, "GET / HTTP/2.0\r\nHost: x\r\n\r\n", "HTTP/1.1 505 ");
    check(&h,
          "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
          "HTTP/1.1 400 Bad Request\r\n");
    /* The answer arrives though the body is still on its way. */
    int fd = connect_to(&h);
    say(&h, fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n");
    char *body = calloc(1, 5000000);
    send_all(&h, fd, str_of(body, 5000000));
    free(body);
    struct buf heard = hear_all(&h, fd);
    assert_has(&heard, "HTTP/1.1 413 Content Too Large\r\n");
    assert_has(&heard, "Connection: close\r\n");
    assert_has(&heard, "\"code\":\"BODY_TOO_LARGE\"");
    buf_release(&heard);
    close(fd);
    assert_int_equal(http_server_counts(h.server).requests, 0);
    assert_int_equal(http_server_counts(h.server).refused, 5);
    close_house(&h);
}

static void test_deadlines(void **state)
{
    struct house h;
    (void)state;
    open_house(&h,
               (struct http_limits){
                   .head_ms = 60, .body_ms = 60, .idle_ms = 60, .linger_ms = 30, .send_ms = 60});
    check(&h, "GET / HT", "\"code\":\"HEAD_TIMEOUT\"");
    check(&h, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
          "\"code\":\"BODY_TIMEOUT\"");
    /* Nothing said, nothing answered. */
    int fd = connect_to(&h);
    struct buf heard = hear_all(&h, fd);
    assert_int_equal(heard.len, 0);
    buf_release(&heard);
    close(fd);
    /* A drop now and then does not help. */
    fd = connect_to(&h);
    say(&h, fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
    uint64_t began = clock_mono().ns;
    heard = BUF_INIT(0);
    UNTIL(&h, (send(fd, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL), !receive(fd, &heard)));
    assert_has(&heard, "HTTP/1.1 408 ");
    assert_true(clock_mono().ns - began >= 55000000);
    buf_release(&heard);
    close(fd);
    /* Who takes nothing of his answer is left. */
    fd = connect_to(&h);
    say(&h, fd, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    UNTIL(&h, http_server_counts(h.server).connections == 0);
    close(fd);
    close_house(&h);
}

static void test_a_slow_body_may_be_long(void **state)
{
    enum {
        SIZE = 300000
    };
    struct house h;
    (void)state;
    open_house(&h, (struct http_limits){.body_ms = 150, .body_progress = 10000});
    int fd = connect_to(&h);
    say(&h, fd, "POST /size HTTP/1.1\r\n" CLOSE "Content-Length: 300000\r\n\r\n");
    char piece[10000] = {0};
    for (size_t sent = 0; sent < SIZE; sent += sizeof(piece)) {
        send_all(&h, fd, str_of(piece, sizeof(piece)));
        uint64_t next_ns = clock_mono().ns + 10000000;
        UNTIL(&h, clock_mono().ns > next_ns);
    }
    struct buf heard = hear_all(&h, fd);
    assert_has(&heard, "300000 bytes");
    buf_release(&heard);
    close(fd);
    close_house(&h);
}

static void test_connection_limit(void **state)
{
    struct house h;
    int fds[3];
    (void)state;
    open_house(&h, (struct http_limits){.connections_max = 2, .linger_ms = 50});
    for (int i = 0; i < 3; i++)
        fds[i] = connect_to(&h);
    struct buf heard = hear_all(&h, fds[2]);
    assert_has(&heard, "HTTP/1.1 503 ");
    assert_has(&heard, "TOO_MANY_CONNECTIONS");
    buf_release(&heard);
    close(fds[0]);
    UNTIL(&h, http_server_counts(h.server).connections <= 1);
    check(&h, "GET /echo HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 200 ");
    close(fds[1]);
    close(fds[2]);
    close_house(&h);
}

static void test_memory_limit(void **state)
{
    struct house h;
    (void)state;
    open_house(&h, (struct http_limits){.memory_max = 1 << 20, .linger_ms = 50});
    int fds[2];
    char *body = calloc(1, 600000);
    struct buf heard = BUF_INIT(0);
    for (int i = 0; i < 2; i++) {
        fds[i] = connect_to(&h);
        say(&h, fds[i], "POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 700000\r\n\r\n");
        send_all(&h, fds[i], str_of(body, 600000));
    }
    UNTIL(&h, !receive(fds[1], &heard));
    assert_has(&heard, "OUT_OF_MEMORY");
    buf_release(&heard);
    send_all(&h, fds[0], str_of(body, 100000));
    heard = hear_until(&h, fds[0], "700000 bytes");
    buf_release(&heard);
    assert_int_equal(http_server_counts(h.server).memory, 0);
    free(body);
    close(fds[0]);
    close(fds[1]);
    close_house(&h);
}

/* ---- room in memory ---- */

static void pass_ms(struct house *h, uint64_t ms)
{
    uint64_t end_ns = clock_mono().ns + ms * 1000000;
    UNTIL(h, clock_mono().ns > end_ns);
}

static bool has_heard(int fd, struct buf *heard, const char *part)
{
    receive(fd, heard);
    return strstr(buf_cstr(heard), part);
}

/* Of two large bodies with room for one the second is not read, nor asked for, until the
 * first is answered; what is small goes by. */
static void test_large_bodies_wait_for_room(void **state)
{
    enum {
        SIZE = 800000
    };
    struct house h;
    struct buf heard = BUF_INIT(0);
    char *body = calloc(1, SIZE);
    (void)state;
    open_house(&h, (struct http_limits){.bodies_max = 1 << 20, .body_ms = 300});
    int first = connect_to(&h), second = connect_to(&h), third = connect_to(&h);
    say(&h, first, "POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 800000\r\n\r\n");
    send_all(&h, first, str_of(body, SIZE / 2));
    say(&h, second,
        "POST /size HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 800000\r\n\r\n");
    say(&h, third, "POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 800000\r\n\r\n");
    pass_ms(&h, 50);
    assert_true(send(third, body, SIZE, MSG_DONTWAIT | MSG_NOSIGNAL) > 0);
    send_all(&h, first, str_of(body, SIZE / 2));
    struct http_request *r = take_kept(&h);
    pass_ms(&h, 400); /* longer than body_ms, which is no time of theirs */
    assert_false(has_heard(second, &heard, "HTTP"));
    assert_true(http_server_counts(h.server).memory < 2 * SIZE);
    check(&h, "GET /echo HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 200 ");
    http_respond(r, 200, NULL, 0, STR("first"));
    UNTIL(&h, has_heard(second, &heard, "100 Continue"));
    send_all(&h, second, str_of(body, SIZE));
    UNTIL(&h, has_heard(second, &heard, "800000 bytes"));
    buf_release(&heard);
    close(third); /* while it waits, or is read */
    UNTIL(&h, http_server_counts(h.server).connections == 2);
    say(&h, second, "GET /echo HTTP/1.1\r\n" CLOSE "\r\n");
    heard = hear_all(&h, second);
    assert_has(&heard, "HTTP/1.1 200 ");
    buf_release(&heard);
    free(body);
    close(first);
    close(second);
    close_house(&h);
}

/* A request that is complete waits until those before it have been answered; chunks are
 * counted like the rest. */
static void test_requests_wait_to_be_handled(void **state)
{
    enum {
        SIZE = 300000
    };
    struct house h;
    struct buf heard[2] = {BUF_INIT(0), BUF_INIT(0)};
    char *body = calloc(1, SIZE);
    int fds[3];
    (void)state;
    open_house(&h, (struct http_limits){.handling_max = 4 << 20, .handling_cost = 8});
    for (int i = 0; i < 3; i++)
        fds[i] = connect_to(&h);
    say(&h, fds[0], "POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n");
    send_all(&h, fds[0], str_of(body, SIZE));
    struct http_request *r = take_kept(&h);
    say(&h, fds[1],
        "POST /size HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n493e0\r\n");
    send_all(&h, fds[1], str_of(body, SIZE));
    say(&h, fds[1], "\r\n0\r\n\r\nGET /echo HTTP/1.1\r\n" CLOSE "\r\n");
    say(&h, fds[2], "POST /size HTTP/1.1\r\n" CLOSE "Content-Length: 300000\r\n\r\n");
    send_all(&h, fds[2], str_of(body, SIZE));
    pass_ms(&h, 50);
    for (int i = 0; i < 2; i++)
        assert_false(has_heard(fds[1 + i], &heard[i], "HTTP"));
    check(&h, "GET /echo HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 200 ");
    http_respond(r, 200, NULL, 0, STR("first"));
    for (int i = 0; i < 2; i++) {
        buf_release(&heard[i]);
        heard[i] = hear_all(&h, fds[1 + i]);
        assert_has(&heard[i], "300000 bytes");
        buf_release(&heard[i]);
    }
    free(body);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    close_house(&h);
}

static void test_waiting_for_room_has_an_end(void **state)
{
    struct house h;
    char *body = calloc(1, 300000);
    (void)state;
    open_house(&h, (struct http_limits){.bodies_max = 1 << 17, .room_ms = 100, .linger_ms = 50});
    int first = connect_to(&h), second = connect_to(&h);
    say(&h, first, "POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n");
    send_all(&h, first, str_of(body, 300000));
    struct http_request *r = take_kept(&h);
    say(&h, second, "POST /size HTTP/1.1\r\n" CLOSE "Content-Length: 300000\r\n\r\n");
    struct buf heard = hear_all(&h, second);
    assert_has(&heard, "HTTP/1.1 503 ");
    assert_has(&heard, "OUT_OF_MEMORY");
    http_respond(r, 200, NULL, 0, STR(""));
    buf_release(&heard);
    free(body);
    close(first);
    close(second);
    close_house(&h);
}

/* A body that trickles in keeps its room while nobody wants it, and no longer. */
static void test_slow_bodies_make_room(void **state)
{
    enum {
        SIZE = 300000
    };
    struct house h;
    char *body = calloc(1, SIZE);
    (void)state;
    open_house(&h, (struct http_limits){.bodies_max = 1 << 17, .room_ms = 2000});
    int slow = connect_to(&h), second = connect_to(&h);
    say(&h, slow, "POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n");
    send_all(&h, slow, str_of(body, SIZE / 2));
    pass_ms(&h, 100);
    assert_int_equal(http_server_counts(h.server).timed_out, 0);
    say(&h, second, "POST /size HTTP/1.1\r\n" CLOSE "Content-Length: 300000\r\n\r\n");
    send_all(&h, second, str_of(body, SIZE));
    struct buf heard = hear_all(&h, second);
    assert_has(&heard, "300000 bytes");
    buf_release(&heard);
    heard = hear_all(&h, slow);
    assert_has(&heard, "HTTP/1.1 408 ");
    assert_has(&heard, "while others waited");
    assert_int_equal(http_server_counts(h.server).timed_out, 1);
    buf_release(&heard);
    free(body);
    close(slow);
    close(second);
    close_house(&h);
}

/* ---- peers that go away ---- */

static void test_gone(void **state)
{
    struct house h;
    (void)state;
    open_house(&h, (struct http_limits){0});
    int fd = connect_to(&h);
    say(&h, fd, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    struct http_request *r = take_kept(&h);
    assert_false(http_request_is_gone(r));
    close(fd);
    UNTIL(&h, h.gone == 1);
    assert_true(http_request_is_gone(r));
    /* It is still whole, and its answer goes nowhere. */
    assert_true(str_eq(http_request_path(r), STR("/later")));
    http_respond(r, 200, NULL, 0, STR("too late"));
    assert_int_equal(http_server_counts(h.server).connections, 0);
    close_house(&h);
}

static void test_gone_in_the_middle(void **state)
{
    static const char *const parts[] = {
        "G",
        "GET / HTTP/1.1\r\nHo",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        "GET /big HTTP/1.1\r\nHost: x\r\n\r\n",
    };
    struct house h;
    (void)state;
    open_house(&h, (struct http_limits){0});
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        int fd = connect_to(&h);
        say(&h, fd, parts[i]);
        UNTIL(&h, http_server_counts(h.server).accepted == i + 1);
        turn(&h);
        close(fd);
        UNTIL(&h, http_server_counts(h.server).connections == 0);
    }
    assert_int_equal(http_server_counts(h.server).memory, 0);
    close_house(&h);
}

/* ---- streams ---- */

static void test_stream(void **state)
{
    struct house h;
    (void)state;
    open_house(&h, (struct http_limits){0});
    int fd = connect_to(&h);
    say(&h, fd, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    struct http_request *r = take_kept(&h);
    struct buf heard = hear_until(&h, fd, "Transfer-Encoding: chunked\r\n\r\n");
    buf_release(&heard);
    assert_true(http_stream_write(r, STR("one\n")));
    heard = hear_until(&h, fd, "4\r\none\n\r\n");
    buf_release(&heard);
    assert_true(http_stream_write(r, STR("two\n")));
    http_stream_end(r, STR(""));
    heard = hear_until(&h, fd, "4\r\ntwo\n\r\n0\r\n\r\n");
    buf_release(&heard);
    /* The connection lives on. */
    say(&h, fd, "GET /echo HTTP/1.1\r\n" CLOSE "\r\n");
    heard = hear_all(&h, fd);
    assert_has(&heard, "HTTP/1.1 200");
    buf_release(&heard);
    close(fd);
    close_house(&h);
}

static void test_stream_to_old_peers(void **state)
{
    struct house h;
    (void)state;
    open_house(&h, (struct http_limits){0});
    int fd = connect_to(&h);
    say(&h, fd, "GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    struct http_request *r = take_kept(&h);
    assert_true(http_stream_write(r, STR("one\n")));
    http_stream_end(r, STR(""));
    struct buf heard = hear_all(&h, fd);
    assert_lacks(&heard, "chunked");
    assert_true(str_ends_with(buf_str(&heard), STR("\r\n\r\none\n")));
    buf_release(&heard);
    close(fd);
    close_house(&h);
}

static void test_stream_is_bounded(void **state)
{
    struct house h;
    (void)state;
    open_house(&h, (struct http_limits){.stream_queue_max = 100000, .send_ms = 5000});
    int fd = connect_to(&h);
    say(&h, fd, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    struct http_request *r = take_kept(&h);
    char *piece = calloc(1, 50000);
    size_t sent = 0;
    while (http_stream_write(r, str_of(piece, 50000)))
        sent += 50000;
    assert_true(http_stream_queued(r) > 0);
    assert_true(http_stream_queued(r) <= 160000);
    size_t drained = h.drained;
    struct buf heard = BUF_INIT(0);
    UNTIL(&h, (receive(fd, &heard), h.drained > drained));
    assert_int_equal(http_stream_queued(r), 0);
    assert_true(http_stream_write(r, STR("more")));
    http_stream_end(r, STR(""));
    UNTIL(&h, (receive(fd, &heard), str_ends_with(buf_str(&heard), STR("0\r\n\r\n"))));
    assert_true(heard.len > sent);
    buf_release(&heard);
    free(piece);
    close(fd);
    close_house(&h);
}

static void test_stream_peer_goes(void **state)
{
    struct house h;
    (void)state;
    open_house(&h, (struct http_limits){0});
    int fd = connect_to(&h);
    say(&h, fd, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    struct http_request *r = take_kept(&h);
    close(fd);
    UNTIL(&h, !http_stream_write(r, STR("anybody?")));
    UNTIL(&h, h.gone == 1);
    assert_false(http_stream_write(r, STR("nobody")));
    assert_int_equal(http_stream_queued(r), 0);
    http_stream_end(r, STR(""));
    close_house(&h);
}

/* ---- unix sockets ---- */

static int connect_unix(const char *path)
{
    struct unix_address address;
    struct err err;
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (!unix_address_of(path, &address, &err))
        fail_msg("%s", err.message);
    memcpy(to.sun_path, address.path, sizeof(to.sun_path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int status = connect(fd, (struct sockaddr *)&to, sizeof(to));
    unix_address_release(&address);
    if (status == 0)
        return fd;
    close(fd);
    return -1;
}

static void check_unix(struct house *h, const char *path)
{
    struct err err;
    struct stat st;
    if (!http_server_listen_unix(h->server, path, &err))
        fail_msg("%s", err.message);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    int fd = connect_unix(path);
    assert_true(fd >= 0);
    say(h, fd, "GET /echo HTTP/1.1\r\n" CLOSE "\r\n");
    struct buf heard = hear_all(h, fd);
    assert_has(&heard, "HTTP/1.1 200 OK");
    buf_release(&heard);
    close(fd);
}

static void test_unix_socket(void **state)
{
    struct house h;
    char path[128];
    struct stat st;
    (void)state;
    open_house(&h, (struct http_limits){0});
    snprintf(path, sizeof(path), "%s/sock", h.folder);
    /* What a process that died left there is replaced. */
    FILE *stale = fopen(path, "w");
    assert_non_null(stale);
    fclose(stale);
    check_unix(&h, path);
    close_house(&h);
    assert_int_equal(stat(path, &st), -1);
}

static void test_unix_socket_far_away(void **state)
{
    struct house h;
    char folder[256], path[300];
    (void)state;
    open_house(&h, (struct http_limits){0});
    snprintf(folder, sizeof(folder), "%s/%0150d", h.folder, 0);
    snprintf(path, sizeof(path), "%s/sock", folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    check_unix(&h, path);
    http_server_stop(h.server, 0, NULL, NULL);
    uv_run(&h.loop, UV_RUN_DEFAULT);
    struct stat st;
    assert_int_equal(stat(path, &st), -1);
    assert_int_equal(rmdir(folder), 0);
    h.stopped = true;
    close_house(&h);
}

static void test_no_place_to_listen(void **state)
{
    struct house h;
    struct err err;
    char path[128];
    (void)state;
    open_house(&h, (struct http_limits){0});
    snprintf(path, sizeof(path), "%s/no/sock", h.folder);
    assert_false(http_server_listen_unix(h.server, path, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_false(http_server_listen_tcp(h.server, "localhost", 0, NULL, &err));
    assert_int_equal(err.code, ERR_INVALID_CONFIG);
    assert_false(http_server_listen_tcp(h.server, "127.0.0.1", h.port, NULL, &err));
    assert_int_equal(err.code, ERR_BUSY);
    close_house(&h);
}

/* ---- stopping ---- */

static void test_stops_gracefully(void **state)
{
    struct house h;
    (void)state;
    open_house(&h, (struct http_limits){.linger_ms = 50});
    int idle = connect_to(&h), busy = connect_to(&h), half = connect_to(&h);
    say(&h, busy, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    say(&h, half, "GET /echo HTTP/1.1\r\n");
    struct http_request *r = take_kept(&h);
    UNTIL(&h, http_server_counts(h.server).accepted == 3);
    http_server_stop(h.server, 10000, on_stopped, &h);
    struct buf heard = hear_all(&h, idle);
    assert_int_equal(heard.len, 0);
    buf_release(&heard);
    assert_false(h.stopped);
    http_respond(r, 200, NULL, 0, STR("done"));
    heard = hear_all(&h, busy);
    assert_has(&heard, "Connection: close");
    assert_has(&heard, "done");
    buf_release(&heard);
    say(&h, half, "Host: x\r\n\r\n");
    heard = hear_all(&h, half);
    assert_has(&heard, "HTTP/1.1 200 OK");
    buf_release(&heard);
    close(idle);
    close(busy);
    close(half);
    UNTIL(&h, h.stopped);
    close_house(&h);
}

static void test_grace_ends(void **state)
{
    struct house h;
    (void)state;
    open_house(&h, (struct http_limits){0});
    int fd = connect_to(&h);
    say(&h, fd, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    struct http_request *r = take_kept(&h);
    http_server_stop(h.server, 50, on_stopped, &h);
    UNTIL(&h, h.stopped);
    assert_int_equal(h.gone, 1);
    http_respond(r, 200, NULL, 0, STR("late"));
    close(fd);
    close_house(&h);
}

/* ---- size ---- */

static void test_idle_connections_are_small(void **state)
{
    struct house h;
    int fds[CLIENTS_MAX];
    struct rlimit files;
    (void)state;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max < 4096 ? files.rlim_max : 4096;
    setrlimit(RLIMIT_NOFILE, &files);
    size_t count = files.rlim_cur >= 2100 ? CLIENTS_MAX : 100;
    open_house(&h, (struct http_limits){0});
    check(&h, "GET /echo HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 200");
    turn(&h);
    size_t before = mallinfo2().uordblks;
    for (size_t i = 0; i < count; i++) {
        fds[i] = connect_to(&h);
        say(&h, fds[i], "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    UNTIL(&h, http_server_counts(h.server).requests == count + 1);
    size_t each = (mallinfo2().uordblks - before) / count;
    print_message("# %zu idle connections, %zu bytes of heap each\n", count, each);
#if !defined(__SANITIZE_ADDRESS__)
    assert_true(each <= HTTP_IDLE_CONNECTION_SIZE);
#endif
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
    UNTIL(&h, http_server_counts(h.server).connections == 0);
    close_house(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_closes_when_asked),
        cmocka_unit_test(test_head_gets_no_body),
        cmocka_unit_test(test_headers_stay_headers),
        cmocka_unit_test(test_pipelining),
        cmocka_unit_test(test_many_pipelined),
        cmocka_unit_test(test_continue),
        cmocka_unit_test(test_large_both_ways),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_a_slow_body_may_be_long),
        cmocka_unit_test(test_connection_limit),
        cmocka_unit_test(test_memory_limit),
        cmocka_unit_test(test_large_bodies_wait_for_room),
        cmocka_unit_test(test_requests_wait_to_be_handled),
        cmocka_unit_test(test_waiting_for_room_has_an_end),
        cmocka_unit_test(test_slow_bodies_make_room),
        cmocka_unit_test(test_gone),
        cmocka_unit_test(test_gone_in_the_middle),
        cmocka_unit_test(test_stream),
        cmocka_unit_test(test_stream_to_old_peers),
        cmocka_unit_test(test_stream_is_bounded),
        cmocka_unit_test(test_stream_peer_goes),
        cmocka_unit_test(test_unix_socket),
        cmocka_unit_test(test_unix_socket_far_away),
        cmocka_unit_test(test_no_place_to_listen),
        cmocka_unit_test(test_stops_gracefully),
        cmocka_unit_test(test_grace_ends),
        cmocka_unit_test(test_idle_connections_are_small),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("http_server", tests, NULL, NULL);
}
