#include "support/api_house.h"

#include "base/buf.h"
#include "os/clock.h"
#include "store/memory/memory_store.h"
#include "store/sqlite/sqlite_store.h"
#include "store/visibility.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static const uint8_t secret[STORE_SECRET_SIZE] = {7};

/* ---- the house ---- */

static void wake(void *arg)
{
    struct house *h = arg;
    h->woken = true;
}

static void followed(void *arg, const struct run *run, const struct execution_row *execution,
                     const struct flow_event *events, size_t count, struct wall_ms at)
{
    struct house *h = arg;
    (void)at;
    api_followed(h->api, run, execution, events, count);
}

static void house_open(struct house *h, struct http_limits limits)
{
    struct err err;
    engine_follow(h->world.engine, followed, h);
    h->api = api_new(&(struct api_options){
        .loop = &h->loop,
        .engine = h->world.engine,
        .store = h->world.store,
        .visibility = h->visibility,
        .seed = 5,
        .limits = limits,
        .wake = wake,
        .arg = h,
    });
    if (!api_listen_tcp(h->api, "127.0.0.1", 0, &h->port, &err))
        fail_msg("%s", err.message);
}

static int set_up(void **state, struct house *h, struct store *store)
{
    world_init(&h->world, store);
    world_open(&h->world);
    h->arena = arena_new(0);
    assert_int_equal(uv_loop_init(&h->loop), 0);
    house_open(h, (struct http_limits){.linger_ms = 50, .wait_ms = HOUSE_WAIT_MS});
    *state = h;
    return 0;
}

int house_setup(void **state)
{
    return set_up(state, calloc(1, sizeof(struct house)), memory_store_new(secret));
}

int house_setup_on_disk(void **state)
{
    struct house *h = calloc(1, sizeof(*h));
    struct store *store;
    char path[96], lists[96];
    struct err err;
    snprintf(h->folder, sizeof(h->folder), "/tmp/pawl-house-XXXXXX");
    assert_non_null(mkdtemp(h->folder));
    snprintf(path, sizeof(path), "%s/pawl.db", h->folder);
    snprintf(lists, sizeof(lists), "%s/visibility.db", h->folder);
    if (!sqlite_store_open(path, SQLITE_STORE_READ_WRITE, secret, &store, &err) ||
        !visibility_open(lists, path, &h->visibility, &err))
        fail_msg("%s", err.message);
    return set_up(state, h, store);
}

static void remove_folder(const char *path)
{
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        unlinkat(dirfd(folder), entry->d_name, 0);
    if (folder)
        closedir(folder);
    rmdir(path);
}

int house_teardown(void **state)
{
    struct house *h = *state;
    api_stop(h->api);
    uv_run(&h->loop, UV_RUN_DEFAULT);
    world_release(&h->world);
    api_free(h->api);
    visibility_close(h->visibility);
    store_close(h->world.store);
    if (h->folder[0])
        remove_folder(h->folder);
    assert_int_equal(uv_loop_close(&h->loop), 0);
    arena_free(h->arena);
    free(h);
    return 0;
}

/* Few moves at a time, so that what is told can leave. */
void house_turn(struct house *h)
{
    uv_run(&h->loop, UV_RUN_NOWAIT);
    h->woken = true;
    for (int moves = 0; moves < 8 && h->woken; moves++) {
        h->woken = false;
        h->woken |= h->still ? world_work(&h->world) : world_step(&h->world);
    }
}

/* ---- a client ---- */

static uint64_t deadline(void)
{
    return clock_mono().ns + 20 * (uint64_t)1000000000;
}

int house_connect(struct house *h)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(h->port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

void house_send(struct house *h, int fd, struct str bytes)
{
    while (bytes.len) {
        ssize_t sent = send(fd, bytes.ptr, bytes.len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0)
            bytes = str_slice(bytes, (size_t)sent, bytes.len);
        else
            assert_int_equal(errno, EAGAIN);
        house_turn(h);
    }
}

bool house_receive(int fd, struct buf *to)
{
    char bytes[65536];
    ssize_t got = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (got > 0)
        buf_append(to, str_of(bytes, (size_t)got));
    return got > 0 || (got < 0 && errno == EAGAIN);
}

/* Until the server closes, or the text holds `part`. */
struct str house_hear(struct house *h, int fd, const char *part)
{
    struct buf heard = BUF_INIT(0);
    uint64_t until_ns = deadline();
    while (house_receive(fd, &heard) && !(part && strstr(buf_cstr(&heard), part))) {
        house_turn(h);
        if (clock_mono().ns > until_ns)
            fail_msg("no end; it said: %s", buf_cstr(&heard));
    }
    struct str text = str_of_cstr(arena_cstr(h->arena, buf_str(&heard)));
    buf_release(&heard);
    return text;
}

struct answer house_parse(struct str text)
{
    size_t empty = str_find(text, STR("\r\n\r\n"));
    assert_true(empty != SIZE_MAX);
    int64_t status = 0;
    assert_true(str_to_int64(str_slice(text, 9, 12), &status));
    return (struct answer){(int)status, str_slice(text, 0, empty + 2),
                           str_slice(text, empty + 4, text.len)};
}

/* HTTP/1.0, so that what is streamed comes without chunks. */
int house_begin(struct house *h, const char *method, const char *path, const char *headers,
                const char *body)
{
    struct buf text = BUF_INIT(0);
    int fd = house_connect(h);
    buf_printf(&text, "%s %s HTTP/1.0\r\nHost: x\r\n%sContent-Length: %zu\r\n\r\n%s", method, path,
               headers, strlen(body), body);
    house_send(h, fd, buf_str(&text));
    buf_release(&text);
    return fd;
}

struct answer house_ask(struct house *h, const char *method, const char *path, const char *headers,
                        const char *body)
{
    int fd = house_begin(h, method, path, headers, body);
    struct answer a = house_parse(house_hear(h, fd, NULL));
    close(fd);
    return a;
}

int house_begin_aws(struct house *h, const char *operation, const char *body)
{
    char header[128];
    snprintf(header, sizeof(header), "X-Amz-Target: AWSStepFunctions.%s\r\n", operation);
    return house_begin(h, "POST", "/", header, body);
}

struct answer house_aws(struct house *h, const char *operation, const char *body)
{
    int fd = house_begin_aws(h, operation, body);
    struct answer a = house_parse(house_hear(h, fd, NULL));
    close(fd);
    return a;
}

struct answer house_run(struct house *h, const char *definition, const char *rest)
{
    struct buf body = BUF_INIT(0);
    buf_printf(&body, "{\"machine_name\":\"m\",\"definition\":%s%s}", definition, rest);
    struct answer a = house_ask(h, "POST", "/api/v1/run", "", buf_cstr(&body));
    buf_release(&body);
    return a;
}

struct json house_json(struct house *h, struct str text)
{
    struct json value;
    struct err err;
    if (!json_parse(h->arena, text, (struct json_limits){0}, JSON_DUPLICATES_REFUSE, &value, &err))
        fail_msg("%s: " STR_FMT, err.message, STR_ARG(text));
    return value;
}

const char *house_member(struct house *h, struct str body, const char *name)
{
    struct json value = json_get(house_json(h, body), str_of_cstr(name));
    return arena_cstr(h->arena,
                      json_is_string(value) ? json_str(value) : json_text(h->arena, value));
}

void assert_problem(struct house *h, struct answer a, int status, const char *code)
{
    assert_true(str_find(a.head, STR("application/problem+json")) != SIZE_MAX);
    assert_string_equal(house_member(h, a.body, "code"), code);
    assert_int_equal(a.status, status);
    char number[8];
    snprintf(number, sizeof(number), "%d", status);
    assert_string_equal(house_member(h, a.body, "status"), number);
    assert_true(strlen(house_member(h, a.body, "detail")) > 10);
}

void assert_exception(struct house *h, struct answer a, const char *type, const char *message)
{
    assert_string_equal(house_member(h, a.body, "__type"), type);
    assert_int_equal(a.status, 400);
    char header[128];
    snprintf(header, sizeof(header), "\r\nx-amzn-ErrorType: %s\r\n", type);
    assert_true(str_find(a.head, str_of_cstr(header)) != SIZE_MAX);
    assert_true(str_find(a.head, STR("\r\nx-amzn-RequestId: ")) != SIZE_MAX);
    if (!strstr(house_member(h, a.body, "message"), message))
        fail_msg("%s lacks %s", house_member(h, a.body, "message"), message);
}

const char *house_started(struct house *h, const char *definition, const char *rest)
{
    struct answer a = house_run(h, definition, rest);
    if (a.status != 200)
        fail_msg(STR_FMT, STR_ARG(a.body));
    return house_member(h, a.body, "execution_arn");
}

const char *house_with_arn(struct house *h, const char *arn, const char *rest)
{
    return arena_cstr(h->arena, arena_printf(h->arena, "{\"executionArn\":\"%s\"%s}", arn, rest));
}

/* ---- run ---- */
