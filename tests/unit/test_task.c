/* Commands as tasks: real processes, their ends, and what must never be left. */
#include "task_fixture.h"

#include "base/utf8.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

/* One function for each command below, run by sh in the folder given. */
#define SH(name, script) "  - {resource: " name ", exec: [sh, -c, '" script "']}\n"

static char folder[] = "/tmp/pawl-test-task-XXXXXX";

static const char *path_in_folder(const char *name)
{
    static char path[256];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
    FILE *file = fopen(path_in_folder(name), "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path_in_folder(name), mode), 0);
}

static struct fixture *with(const char *bindings)
{
    char config[8192];
    assert_in_range(snprintf(config, sizeof(config), "bindings:\n%s", bindings), 0,
                    sizeof(config) - 1);
    return fixture_new(config, folder);
}

static void test_results(void **state)
{
    (void)state;
    struct fixture *f = with(SH("copy", "cat") SH("nothing", ": ")
                                 SH("words", "echo hello") "  - {resource: echo, echo: true}\n");
    const struct task_result *r = run_one(f, "copy", "{\"a\": [1, 2.50]}");
    assert_output(f, r, "{\"a\":[1,2.50]}");
    assert_true(r->has_exit_status && r->exit_status == 0);
    assert_str(r->out, "{\"a\": [1, 2.50]}");
    assert_output(f, run_one(f, "nothing", "{}"), "null");
    assert_output(f, run_one(f, "echo", "[true]"), "[true]");
    r = run_one(f, "words", "{}");
    assert_false(r->ok);
    assert_str(r->error, "Pawl.OutputInvalid");
    assert_str(r->out, "hello\n");
    fixture_free(f);
}

static void test_identity(void **state)
{
    (void)state;
    struct fixture *f =
        with("  - resource: who\n"
             "    exec: [sh, -c, 'printf "
             "\"[\\\"%s\\\",\\\"%s\\\",%s,\\\"%s\\\",\\\"%s\\\",\\\"%s\\\",\\\"%s\\\"]\" "
             "\"$PAWL_EXECUTION_ARN\" \"$PAWL_STATE_NAME\" \"$PAWL_ATTEMPT\" \"$PAWL_RUN_ID\" "
             "\"$PAWL_CORRELATION_ID\" \"$PAWL_TASK_TOKEN\" \"$MODE$INHERITED\"']\n"
             "    environment: {MODE: fast}\n");
    setenv("INHERITED", "-inherited", 1);
    assert_output(f, run_one(f, "who", "{}"),
                  "[\"arn:aws:states:us-east-1:000000000000:execution:machine:run\",\"A state\",1,"
                  "\"run-id\",\"correlation\",\"token\",\"fast-inherited\"]");
    unsetenv("INHERITED");
    fixture_free(f);
}

static void test_programs(void **state)
{
    (void)state;
    write_file("job-one.sh", "#!/bin/sh\nprintf '\"%s in %s\"' \"$1\" \"$(basename \"$PWD\")\"\n",
               0700);
    write_file("plain.txt", "no program", 0600);
    struct fixture *f = with("  - {resource: 'job-*', exec: ['./{name}.sh', 'for {name}']}\n"
                             "  - {resource: missing, exec: [./missing]}\n"
                             "  - {resource: plain, exec: [./plain.txt]}\n"
                             "  - {resource: nowhere, exec: [no-such-program-anywhere]}\n");
    char expected[128];
    snprintf(expected, sizeof(expected), "\"for job-one in %s\"", strrchr(folder, '/') + 1);
    assert_output(f, run_one(f, "job-one", "{}"), expected);
    static const char *const wrong[][2] = {
        {"missing", "no such file"}, {"plain", "permission denied"}, {"nowhere", "no such file"}};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        const struct task_result *r = run_one(f, wrong[i][0], "{}");
        assert_false(r->ok || r->has_exit_status);
        assert_str(r->error, "Pawl.CommandNotStarted");
        assert_contains(r->cause, wrong[i][1]);
    }
    fixture_free(f);
}

static void test_failures(void **state)
{
    (void)state;
    struct fixture *f = with(SH("object", "echo \"{\\\"errorType\\\":\\\"E\\\"}\"; exit 3") SH(
        "status", "echo why >&2; exit 42") SH("signal", "kill -SEGV $$"));
    const struct task_result *r = run_one(f, "object", "{}");
    assert_false(r->ok);
    assert_str(r->error, "E");
    assert_str(r->cause, "{\"errorType\":\"E\"}");
    assert_int_equal(r->exit_status, 3);
    r = run_one(f, "status", "{}");
    assert_str(r->error, "Pawl.ExitStatus");
    assert_contains(r->cause, "exit status 42: why");
    assert_str(r->err, "why\n");
    assert_int_equal(r->exit_status, 42);
    r = run_one(f, "signal", "{}");
    assert_str(r->error, "Pawl.Signal");
    assert_int_equal(r->exit_status, 128 + SIGSEGV);
    fixture_free(f);
}

static void test_unbound(void **state)
{
    (void)state;
    struct fixture *f = with(SH("bound", ": "));
    const struct task_result *r = run_one(f, "unbound", "{}");
    assert_str(r->error, "Lambda.ResourceNotFoundException");
    assert_contains(r->cause, "Function not found: arn:aws:lambda:us-east-1:000000000000:function:"
                              "unbound:$LATEST (Service: AWSLambda; Status Code: 404;");
    assert_contains(r->err, "No binding of the configuration matches arn:aws:lambda:us-east-1:");
    assert_false(r->has_exit_status);
    r = run_one(f, "arn:aws:states:::sqs:sendMessage", "{}");
    assert_str(r->error, "Pawl.ResourceNotBound");
    assert_contains(r->cause, "arn:aws:states:::sqs:sendMessage");
    r = run_one(f, "../bound", "{}");
    assert_str(r->error, "Pawl.FunctionNameInvalid");
    fixture_free(f);
}

/* Shells open these again, which fails with the sockets that libuv makes. */
static void test_pipes_are_pipes(void **state)
{
    (void)state;
    struct fixture *f = with(SH("again", "cat /dev/stdin > /dev/stdout; echo x > /dev/stderr"));
    const struct task_result *r = run_one(f, "again", "[1]");
    assert_output(f, r, "[1]");
    assert_str(r->err, "x\n");
    fixture_free(f);
}

/* A descriptor that someone forgot to close on exec stays with us. */
static void test_nothing_is_inherited(void **state)
{
    (void)state;
    int leaked = open("/dev/null", O_RDONLY);
    assert_true(leaked > 2);
    /* -L: the folder itself was open while the names were read */
    struct fixture *f =
        with(SH("list", "for d in /proc/$$/fd/*; do [ -L $d ] && all=$all,${d##*/}; "
                        "done; echo \"[${all#,}]\""));
    assert_output(f, run_one(f, "list", "{}"), "[0,1,2]");
    fixture_free(f);
    close(leaked);
}

static void test_large_input(void **state)
{
    (void)state;
    struct fixture *f =
        with(SH("count", "wc -c") SH("ignore", "exec <&-; echo 1") SH("leave", "exit 0"));
    size_t size = 16 << 20;
    char *payload = malloc(size + 1);
    assert_non_null(payload);
    memset(payload, ' ', size);
    payload[0] = '1';
    payload[size] = '\0';
    assert_output(f, run_one(f, "count", payload), "16777216");
    assert_output(f, run_one(f, "ignore", payload), "1");
    assert_output(f, run_one(f, "leave", payload), "null");
    free(payload);
    fixture_free(f);
}

static void test_large_output(void **state)
{
    (void)state;
    struct fixture *f =
        with(SH("most", "printf 1; head -c 16777215 /dev/zero | tr \"\\0\" \" \"")
                 SH("over", "printf 1; head -c 16777216 /dev/zero | tr \"\\0\" \" \"")
                     SH("endless", "yes") SH("noise", "yes noise | head -c 50000000 >&2; echo 1"));
    const struct task_result *r = run_one(f, "most", "{}");
    assert_output(f, r, "1");
    assert_int_equal(r->out.len, TASK_LOG_SIZE_MAX);
    r = run_one(f, "over", "{}");
    assert_str(r->error, "Function.ResponseSizeTooLarge");
    r = run_one(f, "endless", "{}");
    assert_str(r->error, "Function.ResponseSizeTooLarge");
    r = run_one(f, "noise", "{}");
    assert_output(f, r, "1");
    assert_int_equal(r->err.len, TASK_LOG_SIZE_MAX);
    assert_true(str_ends_with(r->err, STR("noise\nno"))); /* 50,000,000 = 2 mod 6 */
    fixture_free(f);
}

static void test_binary_output(void **state)
{
    (void)state;
    struct fixture *f =
        with(SH("binary", "head -c 100000 /dev/urandom >&2; printf \"\\\\000\\\\377\"")
                 SH("failed", "printf \"\\\\377bad\\\\000\" >&2; exit 1"));
    const struct task_result *r = run_one(f, "binary", "{}");
    assert_str(r->error, "Pawl.OutputInvalid");
    assert_str(r->out, "\xef\xbf\xbd\xef\xbf\xbd");
    assert_true(r->err.len > 0 && r->err.len <= TASK_LOG_SIZE_MAX);
    assert_int_equal(utf8_valid_up_to(r->err), r->err.len);
    r = run_one(f, "failed", "{}");
    assert_str(r->err, "\xef\xbf\xbd"
                       "bad\xef\xbf\xbd");
    assert_int_equal(utf8_valid_up_to(r->cause), r->cause.len);
    fixture_free(f);
}

/* ---- ends of whole groups ---- */

/* A named pipe that commands hold open for as long as they live. */
static int open_lifeline(void)
{
    unlink(path_in_folder("lifeline"));
    assert_int_equal(mkfifo(path_in_folder("lifeline"), 0600), 0);
    int fd = open(path_in_folder("lifeline"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

/* Everything written has been read, and nobody holds the other end. */
static void assert_all_gone(int lifeline)
{
    char text[64];
    ssize_t got;
    while ((got = read(lifeline, text, sizeof(text))) > 0)
        ;
    assert_int_equal(got, 0);
    close(lifeline);
}

static void read_up(struct fixture *f, int lifeline)
{
    char text[8];
    while (read(lifeline, text, 3) != 3)
        uv_run(&f->loop, UV_RUN_NOWAIT);
}

/* Neither the shell nor its child minds SIGTERM; both hold the lifeline. */
#define STUBBORN                                                                                   \
    "trap \"\" TERM; exec 3>lifeline; sh -c \"trap : TERM; echo up >&3; while :; do sleep 9; "     \
    "done\" & "                                                                                    \
    "while :; do sleep 9; done"

static void test_timeout_ends_the_group(void **state)
{
    (void)state;
    struct fixture *f = with("  - resource: hang\n"
                             "    exec: [sh, -c, '" STUBBORN "']\n"
                             "    timeout_seconds: 0.3\n"
                             "  - resource: meek\n"
                             "    exec: [sh, -c, 'echo started >&2; sleep 1000; sleep 1000']\n"
                             "    timeout_seconds: 0.1\n");
    int lifeline = open_lifeline();
    const struct task_result *r = run_one(f, "hang", "{}");
    assert_str(r->error, "Sandbox.Timedout");
    assert_contains(r->cause, "Task timed out after 0.30 seconds");
    assert_true(r->has_exit_status && r->exit_status > 128);
    assert_true(r->duration_ms >= 300);
    assert_all_gone(lifeline);
    r = run_one(f, "meek", "{}");
    assert_str(r->error, "Sandbox.Timedout");
    assert_int_equal(r->exit_status, 128 + SIGTERM);
    fixture_free(f);
}

static void test_cancel_ends_the_group(void **state)
{
    (void)state;
    struct fixture *f = with(SH("hang", STUBBORN));
    int lifeline = open_lifeline();
    start(f, 1, "hang", "{}");
    read_up(f, lifeline);
    task_cancel(f->tasks, key_of(1));
    task_cancel(f->tasks, key_of(1)); /* nothing happens */
    task_cancel(f->tasks, key_of(2));
    assert_false(tasks_idle(f->tasks));
    run_until_idle(f);
    assert_int_equal(f->count, 0);
    assert_all_gone(lifeline);
    fixture_free(f);
}

/* A command may clean up after SIGTERM, for as long as the grace lasts. */
static void test_grace(void **state)
{
    (void)state;
    struct fixture *f =
        with(SH("tidy", "exec 3>lifeline; trap \"sleep 0.2; echo tidied >&3; exit\" TERM; "
                        "echo up >&3; while :; do sleep 0.05; done"));
    int lifeline = open_lifeline();
    start(f, 1, "tidy", "{}");
    read_up(f, lifeline);
    task_cancel(f->tasks, key_of(1));
    run_until_idle(f);
    char text[16] = {0};
    assert_int_equal(read(lifeline, text, sizeof(text) - 1), 7);
    assert_string_equal(text, "tidied\n");
    assert_all_gone(lifeline);
    fixture_free(f);
}

static void test_what_is_left_behind_is_ended(void **state)
{
    (void)state;
    struct fixture *f = with(SH("leave", "exec 3>lifeline; sleep 1000 >/dev/null 2>&1 & echo 1") SH(
        "hold", "sleep 1000 & echo 2") SH("late", "(sleep 0.2; echo 3) &"));
    int lifeline = open_lifeline();
    const struct task_result *r = run_one(f, "leave", "{}");
    assert_output(f, r, "1");
    assert_all_gone(lifeline);
    /* What still holds the outputs may have something to say: it has the grace. */
    r = run_one(f, "hold", "{}");
    assert_output(f, r, "2");
    assert_true(r->duration_ms >= TASK_KILL_GRACE_MS);
    assert_output(f, run_one(f, "late", "{}"), "3");
    fixture_free(f);
}

/* One that left the group is no longer ours; its hold on the outputs is not waited out. */
static void test_what_left_the_group(void **state)
{
    (void)state;
    struct fixture *f = with(SH("leave", "setsid sleep 60 & echo $!"));
    const struct task_result *r = run_one(f, "leave", "{}");
    int64_t pid = 0;
    assert_true(r->ok && json_to_int64(r->output, &pid) && pid > 1);
    assert_int_equal(kill((pid_t)pid, SIGKILL), 0);
    fixture_free(f);
}

/* ---- many ---- */

static void test_three_hundred_through_four(void **state)
{
    (void)state;
    assert_int_equal(mkdir(path_in_folder("now"), 0700), 0);
    struct fixture *f =
        with("  - resource: job\n"
             "    exec: [sh, -c, 'mine=$(mktemp now/XXXXXX); until n=$(ls now | wc -l);"
             " [ -e met ] || [ $n -gt 1 ]; do sleep 0.01; done; touch met; echo $n; rm $mine']\n"
             "    concurrency: 4\n");
    for (uint32_t i = 0; i < 300; i++)
        start(f, i, "job", "{}\n");
    run_until_idle(f);
    assert_int_equal(f->count, 300);
    bool seen[300] = {false};
    int64_t most = 0;
    for (size_t i = 0; i < 300; i++) {
        int64_t running = 0;
        assert_true(f->reports[i].ok && json_to_int64(f->reports[i].output, &running));
        assert_in_range(running, 1, 4);
        most = running > most ? running : most;
        assert_false(seen[f->reports[i].key.task]);
        seen[f->reports[i].key.task] = true;
    }
    assert_true(most > 1);
    fixture_free(f);
}

static void test_order_and_cancelling_of_the_waiting(void **state)
{
    (void)state;
    struct fixture *f = with("  - {resource: one, exec: [sh, -c, 'cat'], concurrency: 1}\n");
    for (uint32_t i = 0; i < 20; i++)
        start(f, i, "one", "1");
    task_cancel(f->tasks, key_of(5));
    task_cancel(f->tasks, key_of(19));
    run_until_idle(f);
    assert_int_equal(f->count, 18);
    for (uint32_t i = 1; i < 18; i++)
        assert_true(f->reports[i].key.task > f->reports[i - 1].key.task);
    fixture_free(f);
}

static void test_too_many_wait(void **state)
{
    (void)state;
    struct fixture *f = with("  - {resource: one, exec: [sleep, '1000'], concurrency: 1}\n");
    for (uint32_t i = 0; i < TASK_QUEUED_MAX + 2; i++)
        start(f, i, "one", "");
    while (f->count == 0)
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_int_equal(f->reports[0].key.task, TASK_QUEUED_MAX + 1);
    assert_str(f->reports[0].error, "Lambda.TooManyRequestsException");
    fixture_free(f);
}

static void test_the_same_key_twice(void **state)
{
    (void)state;
    struct fixture *f = with("  - {resource: one, exec: [sh, -c, 'cat; exec sleep 0$(cat late)'], "
                             "concurrency: 1}\n");
    write_file("late", "", 0600);
    start(f, 1, "one", "1");
    start(f, 1, "one", "2"); /* runs already: the first it is */
    run_until_idle(f);
    assert_int_equal(f->count, 1);
    assert_output(f, &f->reports[0], "1");
    /* Started again while the cancelled one still dies: it waits for its place. */
    write_file("late", "1000", 0600);
    start(f, 1, "one", "3");
    task_cancel(f->tasks, key_of(1));
    write_file("late", "", 0600);
    start(f, 1, "one", "4");
    run_until_idle(f);
    assert_int_equal(f->count, 2);
    assert_output(f, &f->reports[1], "4");
    fixture_free(f);
}

/* ---- the end of the set ---- */

static void test_free_while_it_runs(void **state)
{
    (void)state;
    struct fixture *f =
        with("  - {resource: hang, exec: [sh, -c, '" STUBBORN "'], concurrency: 1}\n"
             "  - {resource: echo, echo: true}\n");
    int lifeline = open_lifeline();
    start(f, 1, "hang", "{}");
    start(f, 2, "hang", "{}");
    start(f, 3, "echo", "{}");
    start(f, 4, "unbound", "{}");
    read_up(f, lifeline);
    /* Nobody is told any more; keep_report would write into freed memory. */
    tasks_free(f->tasks);
    f->tasks = NULL;
    size_t reported = f->count;
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(f->count, reported);
    assert_all_gone(lifeline);
    fixture_free(f);
}

static void free_in_done(void *arg, const struct task_result *result)
{
    (void)result;
    struct tasks **tasks = arg;
    tasks_free(*tasks);
    *tasks = NULL;
}

static void test_free_from_done(void **state)
{
    (void)state;
    struct fixture *f = with(SH("hang", "exec sleep 1000") SH("short", "exec true"));
    struct tasks *tasks = NULL;
    tasks = tasks_new(&f->loop, &f->bindings, NULL, free_in_done, &tasks);
    static const char *const resources[] = {"hang", "short", "short", "unbound"};
    for (uint32_t i = 0; i < COUNT_OF(resources); i++)
        task_start(tasks,
                   &(struct task_request){.key = key_of(i), .resource = str_of_cstr(resources[i])});
    while (tasks)
        uv_run(&f->loop, UV_RUN_ONCE);
    fixture_free(f);
}

static int make_folder(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    if (!mkdtemp(folder))
        return -1;
    fixture_warm_up();
    return 0;
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
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_programs),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_unbound),
        cmocka_unit_test(test_pipes_are_pipes),
        cmocka_unit_test(test_nothing_is_inherited),
        cmocka_unit_test(test_large_input),
        cmocka_unit_test(test_large_output),
        cmocka_unit_test(test_binary_output),
        cmocka_unit_test(test_timeout_ends_the_group),
        cmocka_unit_test(test_cancel_ends_the_group),
        cmocka_unit_test(test_grace),
        cmocka_unit_test(test_what_is_left_behind_is_ended),
        cmocka_unit_test(test_what_left_the_group),
        cmocka_unit_test(test_three_hundred_through_four),
        cmocka_unit_test(test_order_and_cancelling_of_the_waiting),
        cmocka_unit_test(test_too_many_wait),
        cmocka_unit_test(test_the_same_key_twice),
        cmocka_unit_test(test_free_while_it_runs),
        cmocka_unit_test(test_free_from_done),
    };
    return cmocka_run_group_tests_name("task", tests, make_folder, remove_folder);
}
