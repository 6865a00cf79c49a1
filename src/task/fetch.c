#include "task/fetch.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>

struct fetcher {
    uv_loop_t *loop;
    CURLM *multi;
    uv_timer_t timer;
    struct fetch *first;
};

struct fetch {
    struct fetcher *fetcher;
    struct fetch *previous, *next;
    CURL *easy;
    struct curl_slist *headers;
    fetch_done *done;
    void *arg;
    struct buf body, function_error, error_type;
    char failure[CURL_ERROR_SIZE];
};

struct watch {
    uv_poll_t poll;
    struct fetcher *fetcher;
    curl_socket_t socket;
};

static void *new_zeroed(size_t size)
{
    void *p = calloc(1, size);
    if (!p)
        panic(__FILE__, __LINE__, "out of memory");
    return p;
}

/* Options are fixed and known to libcurl: a refusal is a bug or no memory. */
#define SET(easy, option, value) ASSERT(curl_easy_setopt((easy), (option), (value)) == CURLE_OK)
#define SET_MULTI(multi, option, value)                                                            \
    ASSERT(curl_multi_setopt((multi), (option), (value)) == CURLM_OK)

/* ---- libcurl on the loop ---- */

/* After this libcurl and the fetcher know it no more. */
static void detach(struct fetch *fetch)
{
    struct fetcher *f = fetch->fetcher;
    if (fetch->previous)
        fetch->previous->next = fetch->next;
    else
        f->first = fetch->next;
    if (fetch->next)
        fetch->next->previous = fetch->previous;
    curl_multi_remove_handle(f->multi, fetch->easy);
}

static void release(struct fetch *fetch)
{
    curl_easy_cleanup(fetch->easy);
    curl_slist_free_all(fetch->headers);
    buf_release(&fetch->body);
    buf_release(&fetch->function_error);
    buf_release(&fetch->error_type);
    free(fetch);
}

static void finish(struct fetch *fetch, CURLcode code)
{
    long status = 0;
    curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    const char *failure = fetch->failure[0] ? fetch->failure : curl_easy_strerror(code);
    struct fetch_result result = {
        .failure = code == CURLE_OK ? NULL : failure,
        .timed_out = code == CURLE_OPERATION_TIMEDOUT,
        .over = fetch->body.over,
        .status = (int)status,
        .body = buf_str(&fetch->body),
        .function_error = buf_str(&fetch->function_error),
        .error_type = buf_str(&fetch->error_type),
    };
    detach(fetch); /* done may free the fetcher */
    fetch->done(fetch->arg, &result);
    release(fetch);
}

static void act(struct fetcher *f, curl_socket_t socket, int events)
{
    int running;
    curl_multi_socket_action(f->multi, socket, events, &running);
    while (f->multi) {
        int left;
        CURLMsg *message = curl_multi_info_read(f->multi, &left);
        if (!message)
            break;
        struct fetch *fetch = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&fetch);
        finish(fetch, message->data.result);
    }
}

static void on_timer(uv_timer_t *timer)
{
    act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *multi, long timeout_ms, void *arg)
{
    (void)multi;
    struct fetcher *f = arg;
    if (timeout_ms < 0)
        uv_timer_stop(&f->timer);
    else
        uv_timer_start(&f->timer, on_timer, (uint64_t)timeout_ms, 0);
    return 0;
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct watch *w = poll->data;
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;
    flags |= events & UV_READABLE ? CURL_CSELECT_IN : 0;
    flags |= events & UV_WRITABLE ? CURL_CSELECT_OUT : 0;
    act(w->fetcher, w->socket, flags);
}

static void free_watch(uv_handle_t *handle)
{
    free(handle->data);
}

static int set_socket(CURL *easy, curl_socket_t socket, int what, void *arg, void *assigned)
{
    (void)easy;
    struct fetcher *f = arg;
    struct watch *w = assigned;
    if (what == CURL_POLL_REMOVE) {
        if (w)
            uv_close((uv_handle_t *)&w->poll, free_watch);
        curl_multi_assign(f->multi, socket, NULL);
        return 0;
    }
    if (!w) {
        w = new_zeroed(sizeof(*w));
        w->fetcher = f;
        w->socket = socket;
        w->poll.data = w;
        if (uv_poll_init_socket(f->loop, &w->poll, socket) != 0) {
            free(w);
            return -1;
        }
        curl_multi_assign(f->multi, socket, w);
    }
    int events = what == CURL_POLL_IN    ? UV_READABLE
                 : what == CURL_POLL_OUT ? UV_WRITABLE
                                         : UV_READABLE | UV_WRITABLE;
    return uv_poll_start(&w->poll, events, on_ready) == 0 ? 0 : -1;
}

struct fetcher *fetcher_new(uv_loop_t *loop)
{
    struct fetcher *f = new_zeroed(sizeof(*f));
    f->loop = loop;
    uv_timer_init(loop, &f->timer);
    f->timer.data = f;
    f->multi = curl_multi_init();
    ASSERT(f->multi);
    SET_MULTI(f->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
    SET_MULTI(f->multi, CURLMOPT_SOCKETDATA, f);
    SET_MULTI(f->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    SET_MULTI(f->multi, CURLMOPT_TIMERDATA, f);
    return f;
}

static void free_fetcher(uv_handle_t *timer)
{
    free(timer->data);
}

void fetcher_free(struct fetcher *f)
{
    if (!f)
        return;
    for (struct fetch *fetch = f->first, *next; fetch; fetch = next) {
        next = fetch->next;
        fetch_cancel(fetch);
    }
    curl_multi_cleanup(f->multi);
    f->multi = NULL;
    uv_close((uv_handle_t *)&f->timer, free_fetcher);
}

/* ---- one request ---- */

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct fetch *fetch = arg;
    buf_append(&fetch->body, str_of(bytes, size * count));
    return fetch->body.over ? 0 : size * count;
}

/* If the line is `name: value`, keeps the value. */
static void keep_header(struct str line, struct str name, struct buf *to)
{
    if (line.len <= name.len || line.ptr[name.len] != ':' ||
        !curl_strnequal(line.ptr, name.ptr, name.len))
        return;
    buf_clear(to);
    buf_append(to, str_trim(str_slice(line, name.len + 1, line.len)));
}

static size_t on_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct fetch *fetch = arg;
    struct str line = str_of(bytes, size * count);
    keep_header(line, STR("X-Amz-Function-Error"), &fetch->function_error);
    keep_header(line, STR("x-amzn-ErrorType"), &fetch->error_type);
    return line.len;
}

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)arg;
    (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void add_header(struct fetch *fetch, const char *line)
{
    struct curl_slist *longer = curl_slist_append(fetch->headers, line);
    ASSERT(longer);
    fetch->headers = longer;
}

static void set_headers(struct fetch *fetch, const struct fetch_request *request)
{
    struct buf key = BUF_INIT(0);
    buf_printf(&key, "X-Pawl-Idempotency-Key: %s", request->idempotency_key);
    add_header(fetch, "Content-Type: application/json");
    add_header(fetch, "Expect:"); /* no waiting for 100 Continue */
    add_header(fetch, buf_cstr(&key));
    buf_release(&key);
    SET(fetch->easy, CURLOPT_HTTPHEADER, fetch->headers);
}

static void set_policy(CURL *easy)
{
    SET(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
    SET(easy, CURLOPT_PROXY, "");
    SET(easy, CURLOPT_NOSIGNAL, 1L);
    SET(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)FETCH_CONNECT_TIMEOUT_MS);
    SET(easy, CURLOPT_USERAGENT, "pawl");
    SET(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
}

struct fetch *fetch_start(struct fetcher *f, const struct fetch_request *request, fetch_done *done,
                          void *arg)
{
    struct fetch *fetch = new_zeroed(sizeof(*fetch));
    fetch->fetcher = f;
    fetch->done = done;
    fetch->arg = arg;
    fetch->body = BUF_INIT(request->response_max);
    fetch->function_error = BUF_INIT(FETCH_HEADER_SIZE_MAX);
    fetch->error_type = BUF_INIT(FETCH_HEADER_SIZE_MAX);
    fetch->next = f->first;
    if (f->first)
        f->first->previous = fetch;
    f->first = fetch;

    CURL *easy = fetch->easy = curl_easy_init();
    ASSERT(easy);
    set_policy(easy);
    set_headers(fetch, request);
    SET(easy, CURLOPT_URL, request->url);
    SET(easy, CURLOPT_POST, 1L);
    SET(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
    SET(easy, CURLOPT_POSTFIELDS, request->body.len ? request->body.ptr : "");
    SET(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    SET(easy, CURLOPT_WRITEFUNCTION, on_body);
    SET(easy, CURLOPT_WRITEDATA, fetch);
    SET(easy, CURLOPT_HEADERFUNCTION, on_header);
    SET(easy, CURLOPT_HEADERDATA, fetch);
    SET(easy, CURLOPT_ERRORBUFFER, fetch->failure);
    SET(easy, CURLOPT_PRIVATE, fetch);
    ASSERT(curl_multi_add_handle(f->multi, easy) == CURLM_OK);
    return fetch;
}

void fetch_cancel(struct fetch *fetch)
{
    detach(fetch);
    release(fetch);
}
