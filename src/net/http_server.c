#include "net/http_internal.h"

#include "os/clock.h"
#include "os/files.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BACKLOG = 511
};

static void must(int status)
{
    ASSERT(status == 0);
}

void *memory_or_panic(void *memory)
{
    if (!memory)
        panic(__FILE__, __LINE__, "out of memory");
    return memory;
}

/* ---- deadlines ---- */

static uint64_t duration_ms(const struct http_server *s, enum deadline deadline)
{
    switch (deadline) {
    case DEADLINE_BODY_ROOM:
    case DEADLINE_SMALL_ROOM:
    case DEADLINE_LARGE_ROOM:
        return s->limits.room_ms;
    case DEADLINE_IDLE:
        return s->limits.idle_ms;
    case DEADLINE_HEAD:
        return s->limits.head_ms;
    case DEADLINE_BODY:
        return s->limits.body_ms;
    case DEADLINE_SEND:
        return s->limits.send_ms;
    case DEADLINE_WAIT:
        return s->limits.wait_ms;
    case DEADLINE_SECOND:
        return 1000;
    case DEADLINE_BEAT:
        return s->limits.beat_ms;
    case DEADLINE_LINGER:
        return s->limits.linger_ms;
    case DEADLINE_NONE:
    case DEADLINE_COUNT:
        break;
    }
    return 0;
}

static void list_remove(struct http_connection *c)
{
    struct deadline_list *list = &c->server->lists[c->deadline];
    if (c->previous)
        c->previous->next = c->next;
    else
        list->first = c->next;
    if (c->next)
        c->next->previous = c->previous;
    else
        list->last = c->previous;
    c->previous = c->next = NULL;
}

static void list_append(struct http_connection *c)
{
    struct deadline_list *list = &c->server->lists[c->deadline];
    c->previous = list->last;
    if (list->last)
        list->last->next = c;
    else
        list->first = c;
    list->last = c;
}

static void on_timer(uv_timer_t *timer);

/* Later than the timer is set is no reason to set it anew. */
static void arm(struct http_server *s, uint64_t due_ms)
{
    uint64_t now = uv_now(s->loop);
    if (!s->timer_open || (s->timer_due_ms && s->timer_due_ms <= due_ms))
        return;
    s->timer_due_ms = due_ms;
    /* Never at once: libuv would call it again before anything else. */
    must(uv_timer_start(&s->timer, on_timer, due_ms > now ? due_ms - now : 1, 0));
}

void server_set_deadline(struct http_connection *c, enum deadline deadline)
{
    struct http_server *s = c->server;
    list_remove(c);
    c->deadline = (uint8_t)deadline;
    c->due_ms = uv_now(s->loop) + duration_ms(s, deadline);
    list_append(c);
    if (deadline != DEADLINE_NONE)
        arm(s, c->due_ms);
}

void server_turn_at(struct http_server *s, uint64_t at_ms)
{
    uint64_t now = uv_now(s->loop);
    arm(s, at_ms > now ? at_ms : now + 1);
}

void server_forget(struct http_connection *c)
{
    list_remove(c);
    c->server->counts.connections--;
}

/* Every connection that is open, whatever its deadline. */
static void close_all(struct http_server *s)
{
    for (size_t i = 0; i < DEADLINE_COUNT; i++) {
        struct http_connection *next;
        for (struct http_connection *c = s->lists[i].first; c; c = next) {
            next = c->next;
            connection_close(c);
        }
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct http_server *s = timer->data;
    uint64_t now = uv_now(s->loop);
    s->timer_due_ms = 0;
    if (s->stopping && s->stop_due_ms <= now)
        close_all(s);
    for (size_t i = DEADLINE_NONE + 1; i < DEADLINE_COUNT; i++) {
        struct deadline_list *list = &s->lists[i];
        /* Whatever becomes of it, the first leaves its place. */
        while (list->first && list->first->due_ms <= now)
            connection_expire(list->first);
        if (list->first)
            arm(s, list->first->due_ms);
    }
    admission_turn(s);
    if (s->stop_due_ms > now)
        arm(s, s->stop_due_ms);
}

struct str server_date(struct http_server *s)
{
    struct wall_ms now = clock_wall();
    if (now.ms / 1000 != s->date_second || !s->date[0]) {
        http_date(now, s->date);
        s->date_second = now.ms / 1000;
    }
    return str_of_cstr(s->date);
}

/* ---- listening ---- */

static void open_stream(struct http_server *s, union http_handle *u, bool is_pipe)
{
    must(is_pipe ? uv_pipe_init(s->loop, &u->pipe, 0) : uv_tcp_init(s->loop, &u->tcp));
}

static void on_dropped(uv_handle_t *handle)
{
    free(handle->data);
}

static bool is_admitted(struct http_server *s, const struct http_connection *c)
{
    uv_os_fd_t fd;
    if (!s->admit)
        return true;
    return uv_fileno(&c->u.handle, &fd) == 0 && s->admit(s->arg, fd);
}

static void accept_one(struct http_listener *l)
{
    struct http_server *s = l->server;
    struct http_connection *c = memory_or_panic(calloc(1, sizeof(*c)));
    open_stream(s, &c->u, l->is_pipe);
    c->u.handle.data = c;
    c->server = s;
    bool room = s->counts.connections < s->limits.connections_max;
    bool spare = s->counts.connections < s->limits.connections_max + SPARE_CONNECTIONS;
    if (uv_accept(&l->u.stream, &c->u.stream) != 0 || !spare || !is_admitted(s, c)) {
        s->counts.refused++;
        uv_close(&c->u.handle, on_dropped);
        return;
    }
    if (!l->is_pipe)
        uv_tcp_nodelay(&c->u.tcp, 1);
    s->counts.connections++;
    s->counts.accepted++;
    c->deadline = DEADLINE_NONE;
    list_append(c);
    connection_begin(c);
    if (!room)
        connection_refuse(c, 503, "TOO_MANY_CONNECTIONS",
                          "there are as many connections as may be; try again later");
}

static void on_connection(uv_stream_t *stream, int status)
{
    if (status == 0)
        accept_one(stream->data);
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct http_listener *l = handle->data;
    struct http_server *s = l->server;
    struct http_listener **at = &s->listeners;
    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    unix_address_release(&l->address);
    free(l);
    server_released(s);
}

static struct http_listener *listener_new(struct http_server *s, bool is_pipe)
{
    struct http_listener *l = memory_or_panic(calloc(1, sizeof(*l)));
    ASSERT(!s->stopping);
    l->server = s;
    l->is_pipe = is_pipe;
    l->address.folder = -1;
    open_stream(s, &l->u, is_pipe);
    l->u.handle.data = l;
    l->next = s->listeners;
    s->listeners = l;
    return l;
}

static bool listen_failed(struct http_listener *l, int status, const char *where,
                          struct err *reterr)
{
    enum err_code code = ERR_IO;
    if (status == UV_EADDRINUSE)
        code = ERR_BUSY;
    else if (status == UV_EACCES || status == UV_EPERM)
        code = ERR_PERMISSION;
    else if (status == UV_ENOENT || status == UV_ENOTDIR)
        code = ERR_NOT_FOUND;
    else if (status == UV_EADDRNOTAVAIL)
        code = ERR_INVALID_CONFIG;
    err_set(reterr, code, "cannot listen on %s: %s", where, uv_strerror(status));
    uv_close(&l->u.handle, on_listener_closed);
    return false;
}

/* libuv says EACCES for a folder that is not there, too. */
static int bind_unix(struct http_listener *l)
{
    struct stat st;
    char folder[UNIX_ADDRESS_SIZE];
    int status = uv_pipe_bind(&l->u.pipe, l->address.path);
    struct str name = path_folder(str_of_cstr(l->address.path));
    if (status != UV_EACCES || name.len >= sizeof(folder))
        return status;
    memcpy(folder, name.ptr, name.len);
    folder[name.len] = '\0';
    return stat(folder, &st) != 0 && errno == ENOENT ? UV_ENOENT : status;
}

bool http_server_listen_unix(struct http_server *s, const char *path, struct err *reterr)
{
    struct unix_address address;
    if (!unix_address_of(path, &address, reterr))
        return false;
    struct http_listener *l = listener_new(s, true);
    l->address = address;
    int status = unlink(address.path) == 0 || errno == ENOENT ? 0 : uv_translate_sys_error(errno);
    if (status == 0)
        status = bind_unix(l);
    /* Nobody can connect before it listens: so there is no moment of more rights. */
    if (status == 0 && chmod(l->address.path, 0600) != 0)
        status = uv_translate_sys_error(errno);
    if (status == 0)
        status = uv_listen(&l->u.stream, BACKLOG, on_connection);
    return status == 0 || listen_failed(l, status, path, reterr);
}

static bool address_of(const char *address, uint16_t port, struct sockaddr_storage *ret,
                       struct err *reterr)
{
    if (uv_ip4_addr(address, port, (struct sockaddr_in *)ret) == 0 ||
        uv_ip6_addr(address, port, (struct sockaddr_in6 *)ret) == 0)
        return true;
    return err_set(reterr, ERR_INVALID_CONFIG,
                   "\"%s\" is no IP address to listen on; give one such as 127.0.0.1 or ::1",
                   address);
}

static uint16_t port_of(const struct http_listener *l)
{
    struct sockaddr_storage name = {0};
    int size = sizeof(name);
    must(uv_tcp_getsockname(&l->u.tcp, (struct sockaddr *)&name, &size));
    return ntohs(name.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&name)->sin6_port
                                            : ((struct sockaddr_in *)&name)->sin_port);
}

bool http_server_listen_tcp(struct http_server *s, const char *address, uint16_t port,
                            uint16_t *ret_port, struct err *reterr)
{
    struct sockaddr_storage name = {0};
    if (!address_of(address, port, &name, reterr))
        return false;
    struct http_listener *l = listener_new(s, false);
    int status = uv_tcp_bind(&l->u.tcp, (struct sockaddr *)&name, 0);
    if (status == 0)
        status = uv_listen(&l->u.stream, BACKLOG, on_connection);
    if (status)
        return listen_failed(l, status, address, reterr);
    if (ret_port)
        *ret_port = port_of(l);
    return true;
}

/* ---- beginning and end ---- */

struct http_server *http_server_new(const struct http_server_options *options)
{
    struct sigaction on_pipe;
    ASSERT(sigaction(SIGPIPE, NULL, &on_pipe) == 0 && on_pipe.sa_handler != SIG_DFL);
    struct http_server *s = memory_or_panic(calloc(1, sizeof(*s)));
    s->loop = options->loop;
    s->limits = http_limits_with_defaults(options->limits);
    s->bodies.size = s->limits.bodies_max;
    s->handling.size = s->limits.handling_max;
    s->handler = options->handler;
    s->admit = options->admit;
    s->refused = options->refused;
    s->arg = options->arg;
    must(uv_timer_init(s->loop, &s->timer));
    s->timer.data = s;
    s->timer_open = true;
    return s;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct http_server *s = handle->data;
    if (s->stopped)
        s->stopped(s->stopped_arg);
}

void server_released(struct http_server *s)
{
    if (!s->stopping || s->listeners || s->counts.connections || !s->timer_open)
        return;
    s->timer_open = false;
    uv_close((uv_handle_t *)&s->timer, on_timer_closed);
}

static void close_idle(struct http_server *s)
{
    struct http_connection *next;
    for (struct http_connection *c = s->lists[DEADLINE_IDLE].first; c; c = next) {
        next = c->next;
        connection_close(c);
    }
}

void http_server_stop(struct http_server *s, uint64_t grace_ms, void (*stopped)(void *arg),
                      void *arg)
{
    uint64_t due_ms = uv_now(s->loop) + grace_ms;
    if (!s->stopping) {
        s->stopping = true;
        s->stop_due_ms = due_ms;
        s->stopped = stopped;
        s->stopped_arg = arg;
        for (struct http_listener *l = s->listeners; l; l = l->next)
            if (!uv_is_closing(&l->u.handle))
                uv_close(&l->u.handle, on_listener_closed);
        close_idle(s);
    } else if (due_ms < s->stop_due_ms) {
        s->stop_due_ms = due_ms;
    }
    if (grace_ms == 0)
        close_all(s);
    else
        arm(s, s->stop_due_ms);
    server_released(s);
}

void http_server_free(struct http_server *s)
{
    if (!s)
        return;
    ASSERT(s->stopping && !s->timer_open && !s->listeners && !s->counts.connections);
    free(s);
}

struct http_server_counts http_server_counts(const struct http_server *s)
{
    return s->counts;
}
