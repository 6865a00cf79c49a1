#include "os/spawn.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_DEFAULT "/bin:/usr/bin"

enum {
    STACK_SIZE = 32 << 10, /* of the child until exec */
    STDIO_COUNT = 3,
};

struct plan {
    const struct spawn_options *options;
    struct buf candidates; /* "/bin/x\0/usr/bin/x\0" */
    const char **script;   /* {"/bin/sh", the candidate, argv[1], ..., NULL} */
    int report;            /* closed by exec, else gets the errno */
};

/* ---- the child ----
 * It shares the caller's memory, as after vfork: it only calls what is
 * async-signal-safe and writes to nothing but its own stack, the plan and
 * errno, which are its own while the caller's thread stands still. */

/* Handlers are the caller's code, and what it ignores the program shall not.
 * Asked of the kernel, since the C library of a sanitizer keeps handlers in a
 * table that is the caller's too. Zeros are SIG_DFL. */
static void reset_signals(void)
{
    static const unsigned long zeros[8];
    for (int number = 1; number < NSIG; number++)
        syscall(SYS_rt_sigaction, number, zeros, NULL, sizeof(uint64_t));
}

/* At once and not by exec, which may take its time: among them may be a lock
 * that the next process waits for. */
static void close_others(int keep, int keep_too)
{
    int low = keep < keep_too ? keep : keep_too, high = keep < keep_too ? keep_too : keep;
    int from = STDIO_COUNT;
    if (low > from)
        close_range((unsigned)from, (unsigned)low - 1, 0);
    from = low >= from ? low + 1 : from;
    if (high > from)
        close_range((unsigned)from, (unsigned)high - 1, 0);
    close_range((unsigned)high + 1, ~0u, 0);
}

/* Moved out of the way first, since an end may be one of 0, 1 and 2 itself. */
static bool take_stdio(const struct spawn_options *o)
{
    int moved[STDIO_COUNT];
    for (int i = 0; i < STDIO_COUNT; i++)
        if ((moved[i] = fcntl(o->stdio[i], F_DUPFD_CLOEXEC, STDIO_COUNT)) < 0)
            return false;
    for (int i = 0; i < STDIO_COUNT; i++)
        if (dup2(moved[i], i) < 0)
            return false;
    return true;
}

static int run_script(const struct plan *p, const char *path)
{
    p->script[1] = path;
    execve(p->script[0], (char **)(uintptr_t)p->script,
           (char **)(uintptr_t)p->options->environment);
    return errno;
}

/* As execvp, which may allocate and looks at the caller's PATH. */
static int run(const struct plan *p)
{
    const struct spawn_options *o = p->options;
    int failed = ENOENT;
    for (size_t at = 0; at < p->candidates.len; at += strlen(p->candidates.ptr + at) + 1) {
        const char *path = p->candidates.ptr + at;
        execve(path, (char **)(uintptr_t)o->argv, (char **)(uintptr_t)o->environment);
        if (errno == ENOEXEC)
            return run_script(p, path);
        if (errno == EACCES)
            failed = EACCES; /* says more than that the next one is missing */
        else if (errno != ENOENT && errno != ENOTDIR)
            return errno;
    }
    return failed;
}

static int become(const struct plan *p, int report)
{
    const struct spawn_options *o = p->options;
    sigset_t none;
    if (!take_stdio(o))
        return errno;
    close_others(report, o->children ? children_descriptor(o->children) : report);
    reset_signals();
    setsid();
    if (chdir(o->folder) != 0)
        return errno;
    int failed = o->children ? children_note_self(o->children, o->slot) : 0;
    if (failed)
        return failed;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    return run(p);
}

static int child_main(void *arg)
{
    const struct plan *p = arg;
    int report = fcntl(p->report, F_DUPFD_CLOEXEC, STDIO_COUNT); /* it may be one of those */
    int failed = report < 0 ? errno : become(p, report);
    ssize_t ignored = write(report < 0 ? p->report : report, &failed, sizeof(failed));
    (void)ignored;
    _exit(127);
}

/* ---- the caller ---- */

static struct str path_of(const char *const *environment)
{
    for (; *environment; environment++)
        if (strncmp(*environment, "PATH=", 5) == 0)
            return str_of_cstr(*environment + 5);
    return STR(PATH_DEFAULT);
}

static void list_candidates(struct plan *p)
{
    const char *file = p->options->argv[0];
    struct str path = strchr(file, '/') ? STR("") : path_of(p->options->environment);
    if (!path.len) {
        buf_printf(&p->candidates, "%s%c", file, 0);
        return;
    }
    for (size_t at = 0; at <= path.len;) {
        struct str rest = str_slice(path, at, path.len);
        struct str folder = str_slice(rest, 0, str_find_char(rest, ':'));
        buf_printf(&p->candidates, STR_FMT "%s%s%c", STR_ARG(folder), folder.len ? "/" : "", file,
                   0);
        at += folder.len + 1;
    }
}

static void list_script_words(struct plan *p)
{
    size_t count = 0;
    while (p->options->argv[count])
        count++;
    p->script = calloc(count + 2, sizeof(*p->script));
    if (!p->script)
        panic(__FILE__, __LINE__, "out of memory");
    p->script[0] = "/bin/sh";
    for (size_t i = 1; i < count; i++)
        p->script[i + 1] = p->options->argv[i];
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif

#ifdef SANITIZED
/* Sanitizers cannot follow a child that shares their memory. */
static int begin(struct plan *p, struct spawned *s)
{
    s->pid = fork();
    if (s->pid == 0)
        _exit(child_main(p));
    if (s->pid < 0)
        return errno;
    s->pidfd = (int)syscall(SYS_pidfd_open, s->pid, 0);
    if (s->pidfd >= 0)
        return 0;
    int failed = errno;
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    return failed;
}
#else
static int begin(struct plan *p, struct spawned *s)
{
    _Alignas(16) char stack[STACK_SIZE];
    s->pid = clone(child_main, stack + sizeof(stack),
                   CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, p, &s->pidfd);
    return s->pid < 0 ? errno : 0;
}
#endif

/* Signals wait, so that no handler runs in the child on the caller's memory. */
static int start(struct plan *p, struct spawned *ret_spawned)
{
    sigset_t all, before;
    struct spawned s;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = begin(p, &s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!failed)
        *ret_spawned = s;
    return failed;
}

/* 0: the program has begun. */
static int read_report(int fd)
{
    int failed = 0;
    ssize_t got;
    do
        got = read(fd, &failed, sizeof(failed));
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof(failed) ? failed : 0;
}

static void bury(const struct spawned *s)
{
    while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    close(s->pidfd);
}

int spawn(const struct spawn_options *options, struct spawned *ret_spawned)
{
    struct plan p = {.options = options, .candidates = BUF_INIT(0)};
    struct spawned s;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return errno;
    p.report = ends[1];
    list_candidates(&p);
    list_script_words(&p);
    int failed = start(&p, &s);
    close(ends[1]);
    if (!failed && (failed = read_report(ends[0])))
        bury(&s);
    close(ends[0]);
    buf_release(&p.candidates);
    free(p.script);
    if (!failed)
        *ret_spawned = s;
    return failed;
}
