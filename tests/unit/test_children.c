/* The register of running commands: what the next process ends, and what it must
 * leave alone. */
#include "os/child.h"
#include "os/files.h"
#include "os/group.h"
#include "os/process.h"
#include "os/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

/* This process's own: another that runs these tests beside it ends what carries them. */
static char mark_a[CHILDREN_MARK_SIZE + 1], mark_b[CHILDREN_MARK_SIZE + 1];

static char folder[] = "/tmp/pawl-test-children-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[256];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

#define REGISTER in_folder("children")

/* ---- lines ---- */

struct line {
    long long pid, started;
    const char *boot, *mark, *key;
};

static const char *boot_id(void)
{
    static char text[37];
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "r");
    assert_non_null(file);
    assert_int_equal(fread(text, 1, 36, file), 36);
    fclose(file);
    return text;
}

static struct process look(pid_t pid)
{
    char path[32];
    struct process process = {0};
    snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    assert_true(process_read(AT_FDCWD, path, &process));
    return process;
}

static struct line line_of(pid_t pid, const char *mark)
{
    return (struct line){pid, (long long)look(pid).started, boot_id(), mark, "7-1-1"};
}

static void write_text(const char *text, size_t size)
{
    FILE *file = fopen(REGISTER, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void write_lines(const struct line *lines, size_t count)
{
    char text[8][CHILDREN_LINE_SIZE + 1];
    assert_true(count <= COUNT_OF(text));
    FILE *file = fopen(REGISTER, "w");
    assert_non_null(file);
    for (size_t i = 0; i < count; i++) {
        const struct line *l = &lines[i];
        char *to = text[i];
        int size = snprintf(to, sizeof(text[i]), "%lld %lld %s %s %s", l->pid, l->started, l->boot,
                            l->mark, l->key);
        assert_in_range(size, 1, CHILDREN_LINE_SIZE - 1);
        fprintf(file, "%-*s\n", CHILDREN_LINE_SIZE - 1, to);
    }
    assert_int_equal(fclose(file), 0);
}

static struct str read_register(struct arena *a)
{
    struct str text;
    struct err err;
    if (!file_read(a, REGISTER, 1 << 20, &text, &err))
        fail_msg("%s", err.message);
    return text;
}

/* What opening finds; the register is closed again, and then the file is gone. */
static struct children_found open_and_close(void)
{
    struct children *c;
    struct children_found found;
    struct err err;
    if (!children_open(REGISTER, &found, &c, &err))
        fail_msg("%s", err.message);
    children_close(c);
    assert_int_equal(access(REGISTER, F_OK), -1);
    return found;
}

static struct err refused(void)
{
    struct children *c;
    struct children_found found;
    struct err err = {0};
    assert_false(children_open(REGISTER, &found, &c, &err));
    return err;
}

static void assert_says(const struct err *err, enum err_code code, const char *part)
{
    if (err->code != code || !strstr(err->message, part))
        fail_msg("%s: %s", err_name(err->code), err->message);
}

/* ---- processes ---- */

/* sh -c script in a session of its own; returns once it has written a line to
 * its stdout. The pid that is written may be one of its children. */
struct shell {
    struct spawned process;
    pid_t told;
};

static struct shell shell_start(const char *script, const char *marks, struct children *children,
                                size_t slot)
{
    char variable[256];
    snprintf(variable, sizeof(variable), CHILDREN_MARK_NAME "=%s", marks);
    const char *argv[] = {"sh", "-c", script, NULL};
    const char *environment[] = {"PATH=/usr/bin:/bin", marks ? variable : NULL, NULL};
    int ends[2];
    struct shell s;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct spawn_options options = {.argv = argv,
                                    .environment = environment,
                                    .folder = folder,
                                    .stdio = {ends[0], ends[1], STDERR_FILENO},
                                    .children = children,
                                    .slot = slot};
    assert_int_equal(spawn(&options, &s.process), 0);
    close(ends[1]);
    FILE *out = fdopen(ends[0], "r");
    int told = 0;
    assert_int_equal(fscanf(out, "%d", &told), 1);
    s.told = (pid_t)told;
    fclose(out);
    return s;
}

static bool is_over(pid_t pid)
{
    char path[32];
    struct process process;
    snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    return !process_read(AT_FDCWD, path, &process) || !process.live;
}

/* The shell, which only this process can wait for. */
static void shell_bury(struct shell *s)
{
    kill(-s->process.pid, SIGKILL);
    assert_int_equal(waitpid(s->process.pid, NULL, 0), s->process.pid);
    close(s->process.pidfd);
}

#define WAIT "echo $$; while :; do sleep 9; done"

/* ---- noting ---- */

static void test_noted_while_it_runs(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct children *c;
    struct children_found found;
    struct err err;
    assert_true(children_open(REGISTER, &found, &c, &err));
    assert_true(found.ended == 0 && found.unreadable == 0);
    size_t first = children_take(c, STR("7-1-1")), second = children_take(c, STR("7-2-1"));
    assert_false(str_eq(children_mark(c, first), children_mark(c, second)));
    struct shell s = shell_start(WAIT, NULL, c, second);
    struct str text = read_register(a);
    assert_int_equal(text.len, 2 * CHILDREN_LINE_SIZE);
    char expected[CHILDREN_LINE_SIZE];
    snprintf(expected, sizeof(expected), "%d %llu %s " STR_FMT " 7-2-1", (int)s.process.pid,
             (unsigned long long)look(s.process.pid).started, boot_id(),
             STR_ARG(children_mark(c, second)));
    assert_true(
        str_starts_with(str_slice(text, CHILDREN_LINE_SIZE, text.len), str_of_cstr(expected)));
    children_give_back(c, second);
    children_give_back(c, first);
    assert_int_equal(str_trim(read_register(a)).len, 0);
    children_close(c);
    assert_int_equal(access(REGISTER, F_OK), -1);
    shell_bury(&s);
    arena_free(a);
}

/* The process that noted it is killed: the register stays as it was. */
static void test_found_by_the_next(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t first = fork();
    if (first == 0) {
        struct children *c;
        struct children_found found;
        struct shell s[3];
        if (!children_open(REGISTER, &found, &c, NULL))
            _exit(1);
        for (size_t i = 0; i < COUNT_OF(s); i++)
            s[i] = shell_start(WAIT, NULL, c, children_take(c, STR("7-1-1")));
        children_give_back(c, 1); /* the next one does not end what is over */
        /* In one piece, as they are read. */
        pid_t started[] = {s[0].process.pid, s[1].process.pid, s[2].process.pid};
        if (write(ends[1], started, sizeof(started)) != sizeof(started))
            _exit(1);
        raise(SIGKILL);
    }
    pid_t pids[3];
    close(ends[1]);
    assert_int_equal(read(ends[0], pids, sizeof(pids)), sizeof(pids));
    close(ends[0]);
    assert_int_equal(waitpid(first, NULL, 0), first);
    struct children_found found = open_and_close();
    assert_int_equal(found.ended, 2);
    assert_int_equal(found.unreadable, 0);
    assert_true(is_over(pids[0]) && is_over(pids[2]));
    assert_false(is_over(pids[1]));
    kill(-pids[1], SIGKILL);
}

/* ---- what is ended ---- */

static void test_a_group_is_ended(void **state)
{
    (void)state;
    struct shell s = shell_start("trap '' TERM; (trap '' TERM; while :; do sleep 9; done) & "
                                 "echo $!; wait",
                                 NULL, NULL, 0);
    struct line line = line_of(s.process.pid, mark_a);
    write_lines(&line, 1);
    assert_int_equal(open_and_close().ended, 1);
    assert_true(is_over(s.told) && is_over(s.process.pid));
    assert_false(group_is_alive(s.process.pid));
    shell_bury(&s);
}

static void test_what_left_the_group_is_ended(void **state)
{
    (void)state;
    static const char script[] = "setsid sh -c 'echo $$; while :; do sleep 9; done' & wait";
    char both[2][2 * sizeof(mark_a)];
    snprintf(both[0], sizeof(both[0]), "%s %s", mark_b, mark_a);
    snprintf(both[1], sizeof(both[1]), "%s %s", mark_a, mark_b);
    const char *const marks[] = {mark_a, both[0], both[1]};
    for (size_t i = 0; i < COUNT_OF(marks); i++) {
        struct shell s = shell_start(script, marks[i], NULL, 0);
        assert_int_not_equal(look(s.told).group, s.process.pid);
        struct line line = line_of(s.process.pid, mark_a);
        write_lines(&line, 1);
        assert_int_equal(open_and_close().ended, 1);
        assert_true(is_over(s.told) && is_over(s.process.pid));
        shell_bury(&s);
    }
}

/* Of the first process nothing is left, not even its entry in /proc. One member of
 * the group carries the mark, so that the other, which does not, is known too. */
static void test_a_group_without_its_first(void **state)
{
    (void)state;
    struct shell s = shell_start("env -i sleep 1000 >&- & env -i sleep 1000 >&- & sleep 1000 >&- & "
                                 "echo $!",
                                 mark_a, NULL, 0);
    pid_t group = s.process.pid;
    struct line line = {group, 1, boot_id(), mark_a, "7-1-1"};
    assert_int_equal(waitpid(group, NULL, 0), group);
    close(s.process.pidfd);
    assert_true(group_is_alive(group));
    write_lines(&line, 1);
    assert_int_equal(open_and_close().ended, 1);
    assert_false(group_is_alive(group));
}

static void test_one_that_is_over(void **state)
{
    (void)state;
    struct shell s = shell_start("echo 1", mark_a, NULL, 0);
    siginfo_t how;
    assert_int_equal(waitid(P_PID, (id_t)s.process.pid, &how, WEXITED | WNOWAIT), 0);
    struct line lines[] = {line_of(s.process.pid, mark_a), line_of(s.process.pid, mark_b)};
    write_lines(lines, 2); /* still a zombie */
    assert_int_equal(open_and_close().ended, 0);
    shell_bury(&s);
    write_lines(lines, 2);
    assert_int_equal(open_and_close().ended, 0);
}

/* ---- what is left alone ---- */

static void test_others_are_left_alone(void **state)
{
    (void)state;
    static const char other_boot[] = "00000000-0000-4000-8000-000000000000";
    struct shell s = shell_start(WAIT, mark_a, NULL, 0);
    struct line reused = line_of(s.process.pid, mark_b), earlier = line_of(s.process.pid, mark_a);
    reused.started--; /* the number was given to another */
    earlier.boot = other_boot;
    struct line lines[] = {reused, earlier, reused};
    lines[2].pid = getpid(); /* to this very process */
    write_lines(lines, COUNT_OF(lines));
    struct children_found found = open_and_close();
    assert_int_equal(found.ended, 0);
    assert_int_equal(found.unreadable, 0);
    assert_false(is_over(s.process.pid));
    shell_bury(&s);
}

/* A group of that number exists, but nothing says that it is the one noted. */
static void test_a_group_of_a_reused_number(void **state)
{
    (void)state;
    struct shell s = shell_start("sleep 1000 >&- & echo $!", mark_b, NULL, 0);
    struct line line = {s.process.pid, 1, boot_id(), mark_a, "7-1-1"};
    assert_int_equal(waitpid(s.process.pid, NULL, 0), s.process.pid);
    close(s.process.pidfd);
    write_lines(&line, 1);
    assert_int_equal(open_and_close().ended, 0);
    assert_false(is_over(s.told));
    kill(s.told, SIGKILL);
}

/* ---- what cannot be done ---- */

static void test_not_oneself(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) { /* as a command would be */
        setsid();
        struct line line = line_of(getpid(), mark_a);
        write_lines(&line, 1);
        struct err err = refused();
        _exit(err.code == ERR_BUSY && strstr(err.message, "start pawl from elsewhere") ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(access(REGISTER, F_OK), 0); /* nothing was forgotten */
    assert_int_equal(open_and_close().ended, 0);
}

static void test_damaged_lines(void **state)
{
    (void)state;
    struct shell s = shell_start(WAIT, NULL, NULL, 0);
    const struct line good = line_of(s.process.pid, mark_a);
    struct line bad[] = {good, good, good, good, good, good, good, good};
    bad[0].pid = -good.pid;
    bad[1].pid = 0;
    bad[2].pid = 1;
    bad[3].pid += 1LL << 32;
    bad[4].mark = "0123456789ABCDEF0123456789ABCDEF";
    bad[5].mark = "0123";
    bad[6].boot = "0123";
    bad[7].key = "7-1-1 more";
    write_lines(bad, COUNT_OF(bad));
    struct children_found found = open_and_close();
    assert_int_equal(found.unreadable, COUNT_OF(bad));
    assert_int_equal(found.ended, 0);
    assert_false(is_over(s.process.pid));
    shell_bury(&s);
}

static void test_damaged_files(void **state)
{
    (void)state;
    enum {
        WHOLE = CHILDREN_MAX * CHILDREN_LINE_SIZE
    };
    char *text = calloc(1, 2 * WHOLE);
    assert_non_null(text);
    write_text(text, 0);
    assert_int_equal(open_and_close().unreadable, 0);
    write_text(text, WHOLE); /* as a power cut may leave it */
    assert_int_equal(open_and_close().unreadable, 0);
    memset(text, 0xff, 2 * WHOLE);
    write_text(text, 1);
    assert_int_equal(open_and_close().unreadable, 1);
    write_text(text, WHOLE);
    assert_int_equal(open_and_close().unreadable, CHILDREN_MAX);
    write_text(text, 2 * WHOLE);
    assert_int_equal(open_and_close().unreadable, CHILDREN_MAX + 1);
    memset(text, ' ', WHOLE);
    memcpy(text, "17", 2);
    write_text(text, CHILDREN_LINE_SIZE + 3);
    assert_int_equal(open_and_close().unreadable, 1);
    free(text);
}

static void test_not_a_file(void **state)
{
    (void)state;
    assert_int_equal(mkdir(REGISTER, 0700), 0);
    struct err err = refused();
    assert_says(&err, ERR_IO, "children");
    assert_int_equal(rmdir(REGISTER), 0);
    assert_int_equal(mkfifo(REGISTER, 0600), 0);
    err = refused();
    assert_says(&err, ERR_IO, "must be a file");
    assert_int_equal(unlink(REGISTER), 0);
    assert_int_equal(symlink("/dev/null", REGISTER), 0);
    err = refused();
    assert_says(&err, ERR_IO, "children");
    assert_int_equal(unlink(REGISTER), 0);
}

/* A child that has not become its program yet has what its parent opened. */
static void test_waits_for_the_unborn(void **state)
{
    (void)state;
    struct children *c;
    struct children_found found;
    struct err err;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    assert_true(children_open(REGISTER, &found, &c, &err));
    size_t slot = children_take(c, STR("7-1-1"));
    pid_t unborn = fork();
    if (unborn == 0) {
        /* However long the other takes to come here, what is noted counts. */
        nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
        setsid();
        int failed = children_note_self(c, slot);
        if (failed || write(ends[1], "x", 1) != 1)
            _exit(1);
        execlp("sleep", "sleep", "1000", NULL);
        _exit(1);
    }
    /* As when this process were killed: c is lost with it, but not to leak checks. */
    static struct children *volatile lost; /* read by nobody: kept all the same */
    lost = c;
    close(children_descriptor(lost));
    assert_int_equal(open_and_close().ended, 1);
    char x;
    assert_int_equal(read(ends[0], &x, 1), 1);
    int status;
    assert_int_equal(waitpid(unborn, &status, 0), unborn);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    close(ends[0]);
    close(ends[1]);
}

/* ---- starting programs ---- */

static int try_spawn(const char *const *argv, const char *const *environment, const char *where)
{
    struct spawned s;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    struct spawn_options options = {
        .argv = argv, .environment = environment, .folder = where, .stdio = {null, null, null}};
    int failed = spawn(&options, &s), status = 0;
    close(null);
    if (failed)
        return -failed;
    assert_int_equal(waitpid(s.pid, &status, 0), s.pid);
    close(s.pidfd);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void write_program(const char *name, const char *text, mode_t mode)
{
    FILE *file = fopen(in_folder(name), "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(in_folder(name), mode), 0);
}

static void test_programs_are_found(void **state)
{
    (void)state;
    char path[256];
    write_program("shebang", "#!/bin/sh\nexit $1\n", 0700);
    write_program("plain", "exit $1\n", 0700); /* as execvp: by sh */
    write_program("data", "exit 0\n", 0600);
    snprintf(path, sizeof(path), "PATH=/nowhere:%s:/usr/bin:/bin", folder);
    const char *const ours[] = {path, NULL}, *const none[] = {NULL};
    assert_int_equal(try_spawn((const char *[]){"shebang", "3", NULL}, ours, "/"), 3);
    assert_int_equal(try_spawn((const char *[]){"plain", "4", NULL}, ours, "/"), 4);
    assert_int_equal(try_spawn((const char *[]){"./plain", "5", NULL}, none, folder), 5);
    assert_int_equal(try_spawn((const char *[]){"true", NULL}, none, "/"), 0);
    assert_int_equal(try_spawn((const char *[]){"data", NULL}, ours, "/"), -EACCES);
    assert_int_equal(try_spawn((const char *[]){"plain", NULL}, none, "/"), -ENOENT);
    assert_int_equal(try_spawn((const char *[]){"true", NULL}, none, "/nowhere"), -ENOENT);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* those that failed are buried */
}

/* Pawl's own standard streams are closed: their numbers are given to others. */
static void test_without_standard_streams(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        for (int fd = 0; fd <= STDERR_FILENO; fd++)
            close(fd);
        struct children *c;
        struct children_found found;
        if (!children_open(REGISTER, &found, &c, NULL))
            _exit(10);
        int ends[2];
        struct spawned s;
        if (pipe2(ends, O_CLOEXEC) != 0)
            _exit(11);
        struct spawn_options options = {
            .argv = (const char *[]){"sh", "-c", "cat >&2; ls /proc/self/fd | wc -l >&2", NULL},
            .environment = (const char *[]){NULL},
            .folder = folder,
            .stdio = {open("/proc/version", O_RDONLY | O_CLOEXEC), ends[1], ends[1]},
            .children = c,
            .slot = children_take(c, STR("7-1-1"))};
        if (spawn(&options, &s) != 0)
            _exit(12);
        close(ends[1]);
        char text[1024];
        size_t size = 0;
        for (ssize_t got; (got = read(ends[0], text + size, sizeof(text) - size)) > 0;)
            size += (size_t)got;
        waitpid(s.pid, NULL, 0);
        children_give_back(c, options.slot);
        children_close(c);
        bool good = str_starts_with(str_of(text, size), STR("Linux version")) &&
                    str_ends_with(str_of(text, size), STR("\n4\n"));
        _exit(good ? 0 : 13);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_true(WIFEXITED(status));
}

/* What this process ignores, blocks or handles is nothing to a program. */
static void test_signals_are_reset(void **state)
{
    (void)state;
    const char *const environment[] = {NULL};
    sigset_t some, before;
    sigemptyset(&some);
    sigaddset(&some, SIGTERM);
    sigprocmask(SIG_BLOCK, &some, &before);
    signal(SIGHUP, SIG_IGN);
    int status = try_spawn((const char *[]){"sh", "-c",
                                            "grep -q 'SigBlk:.0*$' /proc/self/status && "
                                            "grep -q 'SigIgn:.0*$' /proc/self/status",
                                            NULL},
                           environment, "/");
    signal(SIGHUP, SIG_DFL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    assert_int_equal(status, 0);
    struct sigaction how;
    assert_int_equal(sigaction(SIGPIPE, NULL, &how), 0);
    assert_true(how.sa_handler == SIG_IGN); /* ours are as they were */
}

static int make_folder(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    snprintf(mark_a, sizeof(mark_a), "%032llx", (1ull << 32) + (unsigned)getpid());
    snprintf(mark_b, sizeof(mark_b), "%032llx", (2ull << 32) + (unsigned)getpid());
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[256];
    snprintf(command, sizeof(command), "rm -r '%s'", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_noted_while_it_runs),
        cmocka_unit_test(test_found_by_the_next),
        cmocka_unit_test(test_a_group_is_ended),
        cmocka_unit_test(test_what_left_the_group_is_ended),
        cmocka_unit_test(test_a_group_without_its_first),
        cmocka_unit_test(test_one_that_is_over),
        cmocka_unit_test(test_others_are_left_alone),
        cmocka_unit_test(test_a_group_of_a_reused_number),
        cmocka_unit_test(test_not_oneself),
        cmocka_unit_test(test_damaged_lines),
        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_not_a_file),
        cmocka_unit_test(test_waits_for_the_unborn),
        cmocka_unit_test(test_programs_are_found),
        cmocka_unit_test(test_without_standard_streams),
        cmocka_unit_test(test_signals_are_reset),
    };
    return cmocka_run_group_tests_name("children", tests, make_folder, remove_folder);
}
