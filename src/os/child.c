#include "os/child.h"

#include "base/buf.h"
#include "os/group.h"
#include "os/spawn.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CHECK_INTERVAL_MS = 20,  /* how often a group that outlives its first process is looked at */
    ABANDON_AFTER_MS = 1000, /* after SIGKILL: what is left of the group cannot be ended */
    READ_CHUNK_SIZE = 16 << 10,
    HEARD_SIZE_MAX = 64 << 10, /* a pipe's */
};

enum phase {
    PHASE_RUNNING,
    PHASE_EXITED, /* the first process has; the rest of the group has the grace to finish */
    PHASE_TERMINATED,
    PHASE_KILLED,
    PHASE_CLOSING,
};

struct child {
    child_done *done;
    child_said *said;
    bool keeps;
    void *arg;
    enum phase phase;
    uint64_t grace_ms;
    uint64_t deadline_ms; /* of the phase */
    bool exited, group_gone;
    struct spawned process; /* pid 0: it was not started */
    struct children *children;
    size_t slot;
    size_t handles_open, error_max;
    struct child_result result;
    struct err failure;
    struct buf output, error;
    uv_poll_t end;
    uv_pipe_t in, out, err;
    uv_timer_t timer;
    uv_write_t write;
    char chunk[READ_CHUNK_SIZE];
};

static void check(struct child *c);

static void on_closed(uv_handle_t *handle)
{
    struct child *c = handle->data;
    if (--c->handles_open)
        return;
    if (c->process.pid)
        close(c->process.pidfd);
    if (c->children)
        children_give_back(c->children, c->slot);
    c->result.output = buf_str(&c->output);
    c->result.error = buf_str(&c->error);
    if (c->error.len > c->error_max)
        c->result.error = str_slice(c->result.error, c->error.len - c->error_max, c->error.len);
    c->done(c->arg, &c->result);
    buf_release(&c->output);
    buf_release(&c->error);
    free(c);
}

static void close_handle(uv_handle_t *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, on_closed);
}

static void close_all(struct child *c)
{
    c->phase = PHASE_CLOSING;
    close_handle((uv_handle_t *)&c->in);
    close_handle((uv_handle_t *)&c->out);
    close_handle((uv_handle_t *)&c->err);
    close_handle((uv_handle_t *)&c->timer);
    if (c->process.pid)
        close_handle((uv_handle_t *)&c->end);
}

static bool outputs_closed(const struct child *c)
{
    return uv_is_closing((const uv_handle_t *)&c->out) &&
           uv_is_closing((const uv_handle_t *)&c->err);
}

/* Once the group is seen empty its number may be given to others: it is never
 * signalled again. Until the first process is reaped the number is ours. */
static bool is_group_gone(struct child *c)
{
    if (c->exited && !c->group_gone)
        c->group_gone = !group_is_alive(c->process.pid);
    return c->group_gone;
}

static void signal_group(struct child *c, int signal)
{
    if (!is_group_gone(c))
        kill(-c->process.pid, signal);
}

static uint64_t now_ms(void)
{
    return uv_hrtime() / 1000000;
}

static void enter_phase(struct child *c, enum phase phase, uint64_t duration_ms)
{
    c->phase = phase;
    c->deadline_ms = now_ms() + duration_ms;
}

static void on_check_due(uv_timer_t *timer)
{
    check(timer->data);
}

/* Moves on through the phases; called whenever something has happened. */
static void check(struct child *c)
{
    if (c->phase == PHASE_CLOSING)
        return;
    bool late = c->phase != PHASE_RUNNING && now_ms() >= c->deadline_ms;
    if (is_group_gone(c)) {
        if (outputs_closed(c) || late) {
            close_all(c);
            return;
        }
        if (c->phase == PHASE_RUNNING)
            enter_phase(c, PHASE_EXITED, c->grace_ms);
    } else if (c->phase == PHASE_RUNNING && c->exited && !outputs_closed(c)) {
        enter_phase(c, PHASE_EXITED, c->grace_ms);
    } else if (c->phase <= PHASE_EXITED && c->exited && (outputs_closed(c) || late)) {
        signal_group(c, SIGTERM);
        enter_phase(c, PHASE_TERMINATED, c->grace_ms);
    } else if (c->phase == PHASE_TERMINATED && late) {
        signal_group(c, SIGKILL);
        enter_phase(c, PHASE_KILLED, ABANDON_AFTER_MS);
    } else if (c->phase == PHASE_KILLED && late && c->exited) {
        close_all(c);
        return;
    }
    if (c->phase != PHASE_RUNNING)
        uv_timer_start(&c->timer, on_check_due, CHECK_INTERVAL_MS, 0);
}

static void on_end(uv_poll_t *end, int status, int events)
{
    struct child *c = end->data;
    siginfo_t how = {0};
    (void)status;
    (void)events;
    if (waitid(P_PIDFD, (id_t)c->process.pidfd, &how, WEXITED | WNOHANG) != 0 || !how.si_pid)
        return;
    uv_poll_stop(end);
    c->exited = true;
    if (how.si_code == CLD_EXITED)
        c->result.exit_status = how.si_status;
    else
        c->result.signal = how.si_status;
    check(c);
}

void child_end(struct child *c)
{
    if (c->phase > PHASE_EXITED)
        return;
    signal_group(c, SIGTERM);
    enter_phase(c, PHASE_TERMINATED, c->grace_ms);
    check(c);
}

static void on_timeout(uv_timer_t *timer)
{
    struct child *c = timer->data;
    c->result.timed_out = true;
    child_end(c);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    (void)suggested;
    struct child *c = handle->data;
    *ret_buf = uv_buf_init(c->chunk, sizeof(c->chunk));
}

static void on_output(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    struct child *c = stream->data;
    if (size < 0) {
        close_handle((uv_handle_t *)stream);
        check(c);
        return;
    }
    if (c->said)
        c->said(c->arg, false, str_of(buf->base, (size_t)size));
    if (!c->keeps)
        return;
    size_t room = c->output.size_max - c->output.len;
    size_t taken = (size_t)size < room ? (size_t)size : room;
    buf_append(&c->output, str_of(buf->base, taken));
    /* The rest is read and dropped, so that the command can end in order. */
    if ((size_t)size > room && !c->result.output_over) {
        c->result.output_over = true;
        child_end(c);
    }
}

static void on_error_output(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    struct child *c = stream->data;
    if (size < 0) {
        close_handle((uv_handle_t *)stream);
        check(c);
        return;
    }
    if (c->said)
        c->said(c->arg, true, str_of(buf->base, (size_t)size));
    if (!c->keeps)
        return;
    /* Twice the tail at most: moved down when full, so each byte moves once. */
    if (c->error.len + (size_t)size > 2 * c->error_max + sizeof(c->chunk)) {
        memmove(c->error.ptr, c->error.ptr + c->error.len - c->error_max, c->error_max);
        c->error.len = c->error_max;
    }
    buf_append(&c->error, str_of(buf->base, (size_t)size));
}

/* The end of the output is left for the loop to find. */
static void hear(struct child *c, uv_pipe_t *pipe, bool is_error)
{
    uv_os_fd_t fd;
    if (uv_is_closing((uv_handle_t *)pipe) || uv_fileno((uv_handle_t *)pipe, &fd) != 0)
        return;
    for (size_t heard = 0; heard < HEARD_SIZE_MAX;) {
        ssize_t got = read(fd, c->chunk, sizeof(c->chunk));
        if (got <= 0)
            return;
        c->said(c->arg, is_error, str_of(c->chunk, (size_t)got));
        heard += (size_t)got;
    }
}

void child_hear(struct child *c)
{
    ASSERT(c->said && !c->keeps);
    hear(c, &c->out, false);
    hear(c, &c->err, true);
}

/* A command that does not read its input (EPIPE) has done nothing wrong. */
static void on_written(uv_write_t *write, int status)
{
    (void)status;
    close_handle((uv_handle_t *)write->handle);
}

struct pipe_ends {
    uv_file in[2], out[2], err[2]; /* [0] reads, [1] writes */
};

/* Real pipes, since a socket pair, which libuv makes by itself, cannot be
 * opened again as /dev/stdin or /dev/stderr. Only our ends do not block. */
static int make_pipes(struct pipe_ends *p)
{
    int failed = uv_pipe(p->in, 0, UV_NONBLOCK_PIPE);
    if (!failed)
        failed = uv_pipe(p->out, UV_NONBLOCK_PIPE, 0);
    if (!failed)
        failed = uv_pipe(p->err, UV_NONBLOCK_PIPE, 0);
    return failed;
}

static void close_fd(uv_file *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void close_ends(struct pipe_ends *p)
{
    for (size_t i = 0; i < 2; i++) {
        close_fd(&p->in[i]);
        close_fd(&p->out[i]);
        close_fd(&p->err[i]);
    }
}

static int open_end(uv_pipe_t *pipe, uv_file *fd)
{
    int failed = uv_pipe_open(pipe, *fd);
    if (!failed)
        *fd = -1;
    return failed;
}

/* Before the program begins: what the pipe takes at once, which is nearly always
 * all, is then read whole even when Pawl is killed the next moment, and needs no
 * descriptor of ours any longer. */
static void begin_input(struct child *c, struct str input)
{
    uv_buf_t rest = uv_buf_init((char *)(uintptr_t)input.ptr, (unsigned)input.len);
    int taken = input.len ? uv_try_write((uv_stream_t *)&c->in, &rest, 1) : 0;
    if (taken > 0)
        rest = uv_buf_init(rest.base + taken, (unsigned)(rest.len - (size_t)taken));
    if (!rest.len || uv_write(&c->write, (uv_stream_t *)&c->in, &rest, 1, on_written) != 0)
        close_handle((uv_handle_t *)&c->in);
}

/* Its end could not be waited for. */
static void kill_at_once(struct child *c)
{
    kill(-c->process.pid, SIGKILL);
    while (waitid(P_PIDFD, (id_t)c->process.pidfd, NULL, WEXITED) != 0 && errno == EINTR)
        ;
    close(c->process.pidfd);
    c->process = (struct spawned){0};
}

static int start_process(uv_loop_t *loop, struct child *c, const struct child_options *o,
                         const struct pipe_ends *p)
{
    struct spawn_options options = {
        .argv = o->argv,
        .environment = o->environment,
        .folder = o->folder,
        .stdio = {p->in[0], p->out[1], p->err[1]},
        .children = o->children,
        .slot = o->slot,
    };
    int failed = spawn(&options, &c->process);
    if (failed)
        return uv_translate_sys_error(failed);
    failed = uv_poll_init(loop, &c->end, c->process.pidfd);
    if (failed) {
        kill_at_once(c);
        return failed;
    }
    c->handles_open++;
    return uv_poll_start(&c->end, UV_READABLE, on_end); /* nothing in it can fail */
}

static int start(uv_loop_t *loop, struct child *c, const struct child_options *o)
{
    struct pipe_ends p = {{-1, -1}, {-1, -1}, {-1, -1}};
    int failed = make_pipes(&p);
    if (!failed)
        failed = open_end(&c->in, &p.in[1]);
    if (!failed)
        failed = open_end(&c->out, &p.out[0]);
    if (!failed)
        failed = open_end(&c->err, &p.err[0]);
    if (!failed) {
        begin_input(c, o->input);
        failed = start_process(loop, c, o, &p);
    }
    close_ends(&p);
    return failed;
}

static void begin_output(struct child *c)
{
    uv_read_start((uv_stream_t *)&c->out, on_alloc, on_output);
    uv_read_start((uv_stream_t *)&c->err, on_alloc, on_error_output);
}

static struct child *new_child(uv_loop_t *loop, const struct child_options *o, child_done *done,
                               void *arg)
{
    struct child *c = calloc(1, sizeof(*c));
    if (!c)
        panic(__FILE__, __LINE__, "out of memory");
    c->done = done;
    c->said = o->said;
    c->keeps = o->keeps || !o->said;
    c->arg = arg;
    c->grace_ms = o->grace_ms;
    c->error_max = o->error_max;
    c->children = o->children;
    c->slot = o->slot;
    c->output = BUF_INIT(o->output_max);
    uv_pipe_init(loop, &c->in, 0);
    uv_pipe_init(loop, &c->out, 0);
    uv_pipe_init(loop, &c->err, 0);
    uv_timer_init(loop, &c->timer);
    c->in.data = c->out.data = c->err.data = c->timer.data = c->end.data = c;
    c->handles_open = 4; /* and the end, when there is a process */
    return c;
}

static enum err_code code_of(int failed)
{
    if (failed == UV_ENOENT || failed == UV_ENOTDIR)
        return ERR_NOT_FOUND;
    return failed == UV_EACCES || failed == UV_EPERM ? ERR_PERMISSION : ERR_IO;
}

static void fail(struct child *c, const struct child_options *o, int failed)
{
    err_set(&c->failure, code_of(failed), "cannot start \"%s\" in %s: %s", o->argv[0], o->folder,
            uv_strerror(failed));
    err_detail(&c->failure, "%s", uv_err_name(failed));
    c->result.failure = &c->failure;
    close_all(c);
}

typedef void signal_handler(int);

static signal_handler *handler_of(int signal)
{
    struct sigaction how;
    ASSERT(sigaction(signal, NULL, &how) == 0);
    return how.sa_handler;
}

struct child *child_start(uv_loop_t *loop, const struct child_options *options, child_done *done,
                          void *arg)
{
    ASSERT(handler_of(SIGPIPE) != SIG_DFL && handler_of(SIGCHLD) != SIG_IGN);
    ASSERT((options->said && !options->keeps) || (options->output_max && options->error_max));
    ASSERT(options->input.len <= INT32_MAX);

    struct child *c = new_child(loop, options, done, arg);
    int failed = start(loop, c, options);
    if (failed) {
        fail(c, options, failed);
        return c;
    }
    begin_output(c);
    if (options->timeout_ms)
        uv_timer_start(&c->timer, on_timeout, options->timeout_ms, 0);
    return c;
}
