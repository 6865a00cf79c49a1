#include "cli/client.h"

#include "base/buf.h"
#include "net/unix_address.h"
#include "os/clock.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
    URL_MAX = 2048,
    STREAM_POLL_MS = 1000, /* when nothing else is to be done in time */
};

#define OPERATION_PREFIX "AWSStepFunctions."

struct client {
    CURL *easy;
    char base[URL_MAX + 1];      /* without a '/' at its end */
    struct unix_address address; /* .path empty: a URL */
    bool heard;
    char error[CURL_ERROR_SIZE];
};

static void must(bool fine)
{
    if (!fine)
        panic(__FILE__, __LINE__, "out of memory");
}

/* ---- life ---- */

static struct client *client_new(void)
{
    struct client *c = calloc(1, sizeof(*c));
    must(c != NULL);
    c->address.folder = -1;
    must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    c->easy = curl_easy_init();
    must(c->easy != NULL);
    return c;
}

bool client_open_unix(const char *path, struct client **ret, struct err *reterr)
{
    struct client *c = client_new();
    memcpy(c->base, "http://pawl", sizeof("http://pawl"));
    if (!unix_address_of(path, &c->address, reterr)) {
        client_close(c);
        return false;
    }
    *ret = c;
    return true;
}

bool client_open_url(const char *url, struct client **ret, struct err *reterr)
{
    struct str text = str_of_cstr(url);
    while (str_ends_with(text, STR("/")))
        text.len--;
    if (!str_starts_with(text, STR("http://")) || text.len > URL_MAX ||
        text.len == sizeof("http://") - 1)
        return err_set(reterr, ERR_USAGE,
                       "\"%s\" is no endpoint: give the server's address as "
                       "http://127.0.0.1:8083",
                       url);
    struct client *c = client_new();
    memcpy(c->base, text.ptr, text.len);
    *ret = c;
    return true;
}

void client_close(struct client *c)
{
    if (!c)
        return;
    curl_easy_cleanup(c->easy);
    unix_address_release(&c->address);
    free(c);
    curl_global_cleanup();
}

/* ---- requests ---- */

struct request {
    struct client *client;
    struct curl_slist *headers;
    struct buf url, answer;
};

static void add_header(struct request *r, const char *header)
{
    struct curl_slist *more = curl_slist_append(r->headers, header);
    must(more != NULL);
    r->headers = more;
}

static size_t take_answer(char *bytes, size_t one, size_t count, void *arg)
{
    struct request *r = arg;
    buf_append(&r->answer, str_of(bytes, one * count));
    return r->answer.over ? 0 : one * count;
}

static void set_up(struct client *c, struct request *r, const char *method, struct str path)
{
    CURL *easy = c->easy;
    *r = (struct request){.client = c, .url = BUF_INIT(0), .answer = BUF_INIT(CLIENT_BODY_MAX)};
    buf_printf(&r->url, "%s" STR_FMT, c->base, STR_ARG(path));
    curl_easy_reset(easy);
    c->error[0] = '\0';
    c->heard = true;
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, c->error);
    curl_easy_setopt(easy, CURLOPT_URL, buf_cstr(&r->url));
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* whatever the environment says */
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CLIENT_CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, r);
    if (c->address.path[0])
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, c->address.path);
    add_header(r, "Expect:");
}

static void set_body(struct request *r, const char *method, struct str body, const char *type)
{
    CURL *easy = r->client->easy;
    if (strcmp(method, "POST") != 0 && !body.len)
        return;
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.len ? body.ptr : "");
    add_header(r, type);
}

static void release(struct request *r)
{
    curl_easy_reset(r->client->easy);
    curl_slist_free_all(r->headers);
    buf_release(&r->url);
    buf_release(&r->answer);
}

static bool fail_transport(struct client *c, CURLcode code, struct err *reterr)
{
    c->heard = code != CURLE_COULDNT_CONNECT && code != CURLE_COULDNT_RESOLVE_HOST;
    const char *why = c->error[0] ? c->error : curl_easy_strerror(code);
    if (code == CURLE_URL_MALFORMAT)
        return err_set(reterr, ERR_USAGE, "%s is no address of a server", c->base);
    err_set(reterr, ERR_UNREACHABLE, "%s does not answer: %s",
            c->address.path[0] ? "the process that holds the data directory" : c->base, why);
    err_detail(reterr, "curl %d", code);
    return false;
}

/* ---- answers ---- */

/* A problem (RFC 9457) of this house, or what AWS calls an exception. */
static void error_of(long status, struct json answer, struct err *reterr)
{
    struct str detail = json_str(json_get(answer, STR("detail")));
    struct str type = json_str(json_get(answer, STR("__type")));
    struct str message = json_str(json_get(answer, STR("message")));
    int64_t line = 0, column = 0;
    if (type.len) {
        bool missing = str_ends_with(type, STR("DoesNotExist")) ||
                       str_ends_with(type, STR("ResourceNotFound"));
        err_set(reterr,
                missing         ? ERR_NOT_FOUND
                : status >= 500 ? ERR_INTERNAL
                                : ERR_USAGE,
                STR_FMT "%s" STR_FMT, STR_ARG(type), message.len ? ": " : "", STR_ARG(message));
        return;
    }
    if (!detail.len) {
        err_set(reterr, ERR_INTERNAL, "the server answers with status %ld", status);
        return;
    }
    enum err_code code = err_of_name(json_str(json_get(answer, STR("code"))));
    err_set(reterr, code == ERR_NONE ? ERR_INTERNAL : code, STR_FMT, STR_ARG(detail));
    if (json_to_int64(json_get(answer, STR("line")), &line) &&
        json_to_int64(json_get(answer, STR("column")), &column)) {
        reterr->line = (uint32_t)line;
        reterr->column = (uint32_t)column;
    }
}

static bool take(struct request *r, struct arena *a, struct json *ret_answer, struct err *reterr)
{
    const struct json_limits limits = {.size_max = CLIENT_BODY_MAX,
                                       .depth_max = 2 * JSON_DEPTH_MAX};
    struct json answer = JSON_NONE;
    struct err syntax;
    long status = 0;
    curl_easy_getinfo(r->client->easy, CURLINFO_RESPONSE_CODE, &status);
    struct str text = buf_str(&r->answer);
    bool sound = !str_trim(text).len ||
                 json_parse(a, arena_str(a, text), limits, JSON_DUPLICATES_LAST, &answer, &syntax);
    if (status < 200 || status > 299) {
        error_of(status, sound ? answer : JSON_NONE, reterr);
        return false;
    }
    if (!sound)
        return err_set(reterr, ERR_INTERNAL, "the server's answer is not JSON");
    *ret_answer = answer;
    return true;
}

static bool perform(struct request *r, uint64_t wait_ms, struct arena *a, struct json *ret_answer,
                    struct err *reterr)
{
    struct client *c = r->client;
    curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, r->headers);
    curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, (long)(CLIENT_CALL_MS + wait_ms));
    CURLcode code = curl_easy_perform(c->easy);
    bool good = code == CURLE_OK ? take(r, a, ret_answer, reterr) : fail_transport(c, code, reterr);
    release(r);
    return good;
}

bool client_call(struct client *c, struct arena *a, const char *method, struct str path,
                 struct str body, uint64_t wait_ms, struct json *ret_answer, struct err *reterr)
{
    struct request r;
    set_up(c, &r, method, path);
    set_body(&r, method, body, "Content-Type: application/json");
    return perform(&r, wait_ms, a, ret_answer, reterr);
}

bool client_was_heard(const struct client *c)
{
    return c->heard;
}

bool client_operation(struct client *c, struct arena *a, const char *operation,
                      struct json arguments, struct json *ret_answer, struct err *reterr)
{
    struct request r;
    struct buf target = BUF_INIT(0);
    buf_printf(&target, "X-Amz-Target: " OPERATION_PREFIX "%s", operation);
    set_up(c, &r, "POST", STR("/"));
    set_body(&r, "POST", json_text(a, arguments), "Content-Type: application/x-amz-json-1.0");
    add_header(&r, buf_cstr(&target));
    buf_release(&target);
    return perform(&r, 0, a, ret_answer, reterr);
}

/* ---- streams ---- */

struct stream {
    const struct client_stream *about;
    CURL *easy;
    struct buf rest; /* a line that is not complete */
    bool enough, refused;
    struct err err;
};

static bool tell_line(struct stream *s, struct str line)
{
    const struct json_limits limits = {.size_max = CLIENT_BODY_MAX,
                                       .depth_max = 2 * JSON_DEPTH_MAX};
    struct arena *a = arena_new(0);
    struct json value;
    bool go_on = true;
    if (str_trim(line).len == 0) {
        arena_free(a);
        return true;
    }
    if (json_parse(a, line, limits, JSON_DUPLICATES_LAST, &value, NULL)) {
        go_on = s->about->line(s->about->arg, value);
        s->enough = !go_on;
    } else {
        s->refused = !err_set(&s->err, ERR_INTERNAL, "a line of the stream is not JSON");
        go_on = false;
    }
    arena_free(a);
    return go_on;
}

static bool tell_lines(struct stream *s)
{
    struct str text = buf_str(&s->rest);
    size_t at = 0, end;
    bool go_on = true;
    while (go_on && (end = str_find_char(str_slice(text, at, text.len), '\n')) != SIZE_MAX) {
        go_on = tell_line(s, str_slice(text, at, at + end));
        at += end + 1;
    }
    memmove(s->rest.ptr, s->rest.ptr + at, s->rest.len - at);
    s->rest.len -= at;
    return go_on;
}

static size_t take_stream(char *bytes, size_t one, size_t count, void *arg)
{
    struct stream *s = arg;
    long status = 0;
    size_t known = s->rest.len;
    buf_append(&s->rest, str_of(bytes, one * count));
    if (s->rest.over)
        return 0;
    curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200 ||
        str_find_char(str_slice(buf_str(&s->rest), known, s->rest.len), '\n') == SIZE_MAX)
        return one * count;
    return tell_lines(s) ? one * count : 0;
}

static bool interrupted(int signals, struct err *reterr)
{
    struct signalfd_siginfo about;
    if (read(signals, &about, sizeof(about)) != (ssize_t)sizeof(about))
        return false;
    err_set(reterr, ERR_INTERRUPTED, "interrupted by %s",
            about.ssi_signo == SIGINT ? "Ctrl-C" : "SIGTERM");
    return true;
}

/* Until the transfer has ended; false: interrupted. */
static bool turn(CURLM *multi, int signals, const struct client_stream *about, CURLcode *ret_code,
                 struct err *reterr)
{
    struct curl_waitfd also = {.fd = signals, .events = CURL_WAIT_POLLIN};
    uint64_t drawn = 0;
    int running = 1;
    while (running) {
        must(curl_multi_perform(multi, &running) == CURLM_OK);
        if (!running)
            break;
        uint64_t now = clock_mono().ns / 1000000, wait = STREAM_POLL_MS;
        if (about->tick && now >= drawn + about->tick_ms) {
            about->tick(about->arg, clock_wall());
            drawn = now;
        }
        if (about->tick)
            wait = drawn + about->tick_ms - now;
        must(curl_multi_poll(multi, &also, 1, (int)wait, NULL) == CURLM_OK);
        if (interrupted(signals, reterr))
            return false;
    }
    int left;
    const CURLMsg *message = curl_multi_info_read(multi, &left);
    *ret_code = message ? message->data.result : CURLE_RECV_ERROR;
    return true;
}

static bool stream_end(struct client *c, struct request *r, struct stream *s, CURLcode code,
                       struct err *reterr)
{
    struct arena *a = arena_new(0);
    struct json ignored;
    long status = 0;
    bool good = true;
    curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
    if (s->refused) {
        *reterr = s->err;
        good = false;
    } else if (code != CURLE_OK && !s->enough) {
        good = fail_transport(c, code, reterr);
    } else if (!s->enough && status != 200) {
        buf_append(&r->answer, buf_str(&s->rest));
        good = take(r, a, &ignored, reterr);
    }
    arena_free(a);
    return good;
}

bool client_follow(struct client *c, struct str path, const struct client_stream *stream,
                   struct err *reterr)
{
    struct stream s = {.about = stream, .easy = c->easy, .rest = BUF_INIT(CLIENT_BODY_MAX)};
    struct request r;
    sigset_t wanted, before;
    CURLcode code = CURLE_OK;
    set_up(c, &r, "GET", path);
    curl_easy_setopt(c->easy, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, take_stream);
    curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, &s);
    curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, r.headers);
    curl_easy_setopt(c->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(c->easy, CURLOPT_LOW_SPEED_TIME, (long)(CLIENT_SILENCE_MS / 1000));
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGTERM);
    sigprocmask(SIG_BLOCK, &wanted, &before);
    int signals = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    CURLM *multi = curl_multi_init();
    must(signals >= 0 && multi && curl_multi_add_handle(multi, c->easy) == CURLM_OK);
    bool good = turn(multi, signals, stream, &code, reterr) && stream_end(c, &r, &s, code, reterr);
    curl_multi_remove_handle(multi, c->easy);
    curl_multi_cleanup(multi);
    close(signals);
    sigprocmask(SIG_SETMASK, &before, NULL);
    buf_release(&s.rest);
    release(&r);
    return good;
}

struct str client_encode(struct arena *a, struct str text)
{
    static const char digits[] = "0123456789ABCDEF";
    char *to = arena_alloc_text(a, 3 * text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char ch = (unsigned char)text.ptr[i];
        bool plain = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
                     (ch >= '0' && ch <= '9') || (ch && strchr("-._~", ch));
        if (plain) {
            to[len++] = (char)ch;
        } else {
            to[len++] = '%';
            to[len++] = digits[ch >> 4];
            to[len++] = digits[ch & 15];
        }
    }
    return str_of(to, len);
}
