#include "bench_wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    READ_SIZE = 64 << 10,
    EVENTS = 256
};

struct wire_line {
    struct wire *wire;
    struct wire_line *next;
    int fd, tag;
    struct buf out, in;
    size_t sent;
};

struct wire {
    int epoll;
    uint16_t port;
    wire_answered *answered;
    void *arg;
    struct wire_line *lines;
};

static void fatal(const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
    exit(1);
}

struct wire *wire_new(uint16_t port, wire_answered *answered, void *arg)
{
    struct wire *w = calloc(1, sizeof(*w));
    if (!w)
        fatal("wire");
    *w = (struct wire){epoll_create1(EPOLL_CLOEXEC), port, answered, arg, NULL};
    if (w->epoll < 0)
        fatal("epoll");
    return w;
}

void wire_free(struct wire *w)
{
    while (w->lines) {
        struct wire_line *line = w->lines;
        w->lines = line->next;
        close(line->fd);
        buf_release(&line->in);
        buf_release(&line->out);
        free(line);
    }
    close(w->epoll);
    free(w);
}

static void watch(struct wire_line *line, int how, bool writes)
{
    struct epoll_event event = {.events = EPOLLIN | (writes ? EPOLLOUT : 0), .data.ptr = line};
    if (epoll_ctl(line->wire->epoll, how, line->fd, &event) != 0)
        fatal("epoll_ctl");
}

struct wire_line *wire_connect(struct wire *w, int tag)
{
    struct wire_line *line = calloc(1, sizeof(*line));
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(w->port)};
    int one = 1;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (!line)
        fatal("line");
    *line = (struct wire_line){w, w->lines, -1, tag, BUF_INIT(0), BUF_INIT(0), 0};
    w->lines = line;
    line->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (line->fd < 0 || connect(line->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        fatal("connect");
    setsockopt(line->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    watch(line, EPOLL_CTL_ADD, false);
    return line;
}

int wire_tag(const struct wire_line *line)
{
    return line->tag;
}

/* ---- out ---- */

static size_t send_some(const struct wire_line *line, struct str bytes)
{
    ssize_t sent = send(line->fd, bytes.ptr, bytes.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN)
        fatal("send");
    return sent > 0 ? (size_t)sent : 0;
}

static void flush_line(struct wire_line *line)
{
    line->sent += send_some(line, str_slice(buf_str(&line->out), line->sent, line->out.len));
    if (line->sent < line->out.len)
        return;
    buf_release(&line->out);
    line->out = BUF_INIT(0);
    line->sent = 0;
    watch(line, EPOLL_CTL_MOD, false);
}

void wire_send(struct wire_line *line, struct str request)
{
    size_t sent = send_some(line, request);
    if (sent == request.len)
        return;
    buf_append(&line->out, str_slice(request, sent, request.len));
    watch(line, EPOLL_CTL_MOD, true);
}

/* ---- in ---- */

/* Of an answer that is complete; false: not yet. */
static bool find_body(struct str in, size_t *ret_begin, size_t *ret_length)
{
    size_t end = str_find(in, STR("\r\n\r\n"));
    if (end == SIZE_MAX)
        return false;
    struct str head = str_slice(in, 0, end);
    size_t at = str_find(head, STR("Content-Length: "));
    *ret_length = at == SIZE_MAX ? 0 : strtoul(head.ptr + at + 16, NULL, 10);
    *ret_begin = end + 4;
    return in.len >= *ret_begin + *ret_length;
}

static void take_answers(struct wire_line *line, struct str in)
{
    size_t begin, length, done = 0;
    for (struct str rest = in; find_body(rest, &begin, &length);) {
        int status = atoi(rest.ptr + 9);
        done += begin + length;
        line->wire->answered(line->wire->arg, line, status, str_slice(rest, begin, begin + length));
        rest = str_slice(in, done, in.len);
    }
    struct str left = str_slice(in, done, in.len);
    if (left.ptr == line->in.ptr)
        return;
    struct buf kept = BUF_INIT(0);
    buf_append(&kept, left);
    buf_release(&line->in);
    line->in = kept;
}

static void receive(struct wire_line *line)
{
    char bytes[READ_SIZE];
    ssize_t got = recv(line->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        errno = got ? errno : ECONNRESET;
        fatal("the server has closed");
    }
    if (!line->in.len) {
        take_answers(line, str_of(bytes, (size_t)got));
        return;
    }
    buf_append(&line->in, str_of(bytes, (size_t)got));
    take_answers(line, buf_str(&line->in));
}

void wire_turn(struct wire *w, int timeout_ms)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(w->epoll, events, EVENTS, timeout_ms);
    if (count < 0 && errno != EINTR)
        fatal("epoll_wait");
    for (int i = 0; i < count; i++) {
        struct wire_line *line = events[i].data.ptr;
        if (events[i].events & EPOLLOUT)
            flush_line(line);
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            receive(line);
    }
}

struct asking {
    struct buf *to;
    int status;
};

static void asked(void *arg, struct wire_line *line, int status, struct str body)
{
    struct asking *a = arg;
    (void)line;
    a->status = status;
    buf_append(a->to, body);
}

int wire_ask(uint16_t port, struct str request, struct buf *to)
{
    struct asking a = {.to = to};
    struct wire *w = wire_new(port, asked, &a);
    wire_send(wire_connect(w, 0), request);
    while (!a.status)
        wire_turn(w, -1);
    wire_free(w);
    return a.status;
}
