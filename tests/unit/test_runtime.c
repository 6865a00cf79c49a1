/* Warm workers: real processes that ask for their work with curl, as AWS's own example
 * of a custom runtime does. */
#include "task_fixture.h"

#include "os/children.h"
#include "os/group.h"
#include "task/runtime.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>

static char folder[] = "/tmp/pawl-test-runtime-XXXXXX";

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

static size_t count_lines(const char *name)
{
    FILE *file = fopen(path_in_folder(name), "r");
    size_t lines = 0;
    int c;
    if (!file)
        return 0;
    while ((c = getc(file)) != EOF)
        lines += c == '\n';
    fclose(file);
    return lines;
}

/* The loop that AWS's documentation shows, with what each handler needs around it.
 * Each start leaves a line in the file "starts". */
static const char worker_sh[] =
    "api=\"http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime\"\n"
    "echo $$ >> starts\n"
    "body=$(mktemp); heads=$(mktemp); trap 'rm -f $body $heads' EXIT\n"
    "next() {\n"
    "  curl -sS -D $heads -o $body \"$api/invocation/next\" || exit 9\n"
    "  id=$(sed -n 's/^lambda-runtime-aws-request-id: *//Ip' $heads | tr -d '\\r')\n"
    "}\n"
    "respond() { curl -sS -o /dev/null --data-binary \"$1\" \"$api/invocation/$id/response\"; }\n"
    "fail() { curl -sS -o /dev/null -H \"Lambda-Runtime-Function-Error-Type: $2\" "
    "--data-binary \"$1\" \"$api/invocation/$id/error\"; }\n"
    "init_error() { curl -sS -o /dev/null -H \"Lambda-Runtime-Function-Error-Type: $2\" "
    "--data-binary \"$1\" \"$api/init/error\"; }\n";

/* script runs after the functions above. */
static void write_worker(const char *name, const char *script)
{
    char file[64], text[8192];
    snprintf(file, sizeof(file), "%s.sh", name);
    assert_in_range(snprintf(text, sizeof(text), "%s%s", worker_sh, script), 1, sizeof(text) - 1);
    write_file(file, text, 0600);
}

#define RUNTIME(name, more)                                                                        \
    "  - {resource: " name ", runtime: {command: [bash, " name ".sh]" more "}}\n"

static struct fixture *with(const char *bindings)
{
    char config[8192];
    unlink(path_in_folder("starts"));
    assert_in_range(snprintf(config, sizeof(config), "bindings:\n%s", bindings), 0,
                    sizeof(config) - 1);
    return fixture_new(config, folder);
}

/* ---- what it is good for ---- */

static void test_stays_warm(void **state)
{
    (void)state;
    write_worker("count", "n=0; while next; do n=$((n+1)); echo \"run $n\" >&2; "
                          "echo \"out $n\"; respond \"[$n,$(cat $body)]\"; done");
    struct fixture *f = with(RUNTIME("count", ""));
    for (int i = 1; i <= 5; i++) {
        char payload[32], expected[64], said[32];
        snprintf(payload, sizeof(payload), "{\"i\":%d}", i);
        snprintf(expected, sizeof(expected), "[%d,{\"i\":%d}]", i, i);
        const struct task_result *r = run_one(f, "count", payload);
        assert_output(f, r, expected);
        /* Each attempt has what was said for it, and no more. */
        snprintf(said, sizeof(said), "run %d\n", i);
        assert_str(r->err, said);
        snprintf(said, sizeof(said), "out %d\n", i);
        assert_str(r->out, said);
        assert_false(r->has_exit_status);
    }
    assert_int_equal(count_lines("starts"), 1);
    fixture_free(f);
}

static void test_headers_and_environment(void **state)
{
    (void)state;
    write_worker("who",
                 "next; h() { sed -n \"s/^$1: *//Ip\" $heads | tr -d '\\r'; }\n"
                 "left=$(( $(h lambda-runtime-deadline-ms) - $(date +%s%3N) ))\n"
                 "[ $left -gt 25000 -a $left -le 30000 ] && left=good\n"
                 "[[ $(h lambda-runtime-trace-id) =~ "
                 "^Root=1-[0-9a-f]{8}-[0-9a-f]{24}\\;Parent=[0-9a-f]{16}\\;Sampled=0$ ]] && "
                 "trace=good\n"
                 "respond \"[\\\"$(h lambda-runtime-invoked-function-arn)\\\",\\\"$left\\\","
                 "\\\"$trace\\\",\\\"$(h x-pawl-idempotency-key)\\\","
                 "\\\"$AWS_LAMBDA_FUNCTION_NAME $AWS_LAMBDA_FUNCTION_VERSION "
                 "$AWS_LAMBDA_FUNCTION_MEMORY_SIZE $_HANDLER $AWS_REGION $AWS_DEFAULT_REGION $TZ "
                 "$MODE $INHERITED\\\",\\\"${LAMBDA_TASK_ROOT##*/} ${PWD##*/}\\\"]\"; next");
    struct fixture *f =
        with("  - resource: who\n"
             "    runtime: {command: [bash, '{name}.sh'], handler: app.handler, memory_mb: 512}\n"
             "    environment: {MODE: fast, TZ: Europe/Berlin}\n"
             "    timeout_seconds: 30\n");
    setenv("INHERITED", "inherited", 1);
    setenv("AWS_REGION", "mars-north-1", 1);
    char expected[512];
    const char *base = strrchr(folder, '/') + 1;
    snprintf(expected, sizeof(expected),
             "[\"arn:aws:lambda:us-east-1:000000000000:function:who\",\"good\",\"good\","
             "\"7-0-1\",\"who $LATEST 512 app.handler us-east-1 us-east-1 Europe/Berlin fast "
             "inherited\",\"%s %s\"]",
             base, base);
    assert_output(f, run_one(f, "who", "{}"), expected);
    unsetenv("INHERITED");
    unsetenv("AWS_REGION");
    fixture_free(f);
}

static void test_qualified(void **state)
{
    (void)state;
    write_worker("arn",
                 "while next; do respond \"\\\"$(sed -n "
                 "'s/^lambda-runtime-invoked-function-arn: *//Ip' $heads | tr -d '\\r')\\\"\"; "
                 "done");
    struct fixture *f = with(RUNTIME("arn", ""));
    assert_output(f, run_one(f, "arn:aws:lambda:eu-west-1:123456789012:function:arn:live", "{}"),
                  "\"arn:aws:lambda:eu-west-1:123456789012:function:arn:live\"");
    assert_output(f, run_one(f, "arn:aws:lambda:eu-west-1:123456789012:function:arn", "{}"),
                  "\"arn:aws:lambda:eu-west-1:123456789012:function:arn\"");
    assert_int_equal(count_lines("starts"), 1);
    fixture_free(f);
}

/* Never more than allowed at once, none started that is not needed. */
static void test_concurrency(void **state)
{
    (void)state;
    write_worker("meet",
                 "while next; do mine=$(mktemp now/XXXXXX); "
                 "until n=$(ls now | wc -l); [ -e met ] || [ $n -ge 3 ]; do sleep 0.01; done; "
                 "touch met; rm $mine; respond $n; done");
    assert_int_equal(mkdir(path_in_folder("now"), 0700), 0);
    struct fixture *f = with(RUNTIME("meet", ", concurrency: 3"));
    for (uint32_t i = 0; i < 60; i++)
        start(f, i, "meet", "{}");
    run_until_idle(f);
    assert_int_equal(f->count, 60);
    for (size_t i = 0; i < 60; i++) {
        int64_t running = 0;
        assert_true(f->reports[i].ok && json_to_int64(f->reports[i].output, &running));
        assert_in_range(running, 1, 3);
    }
    assert_int_equal(count_lines("starts"), 3);
    fixture_free(f);
}

static void test_one_after_the_other_needs_one(void **state)
{
    (void)state;
    write_worker("serial", "while next; do respond 1; done");
    struct fixture *f = with(RUNTIME("serial", ", concurrency: 8"));
    for (int i = 0; i < 10; i++)
        assert_output(f, run_one(f, "serial", "{}"), "1");
    /* A slow return may have started another; never one for each. */
    assert_in_range(count_lines("starts"), 1, 3);
    fixture_free(f);
}

/* One worker serves one function; an idle one of another makes room. */
static void test_functions_share_a_binding(void **state)
{
    (void)state;
    write_worker("many", "while next; do respond \"\\\"$AWS_LAMBDA_FUNCTION_NAME $1\\\"\"; done");
    struct fixture *f = with("  - resource: f-*\n"
                             "    runtime: {command: [bash, many.sh, 'to {name}']}\n");
    assert_output(f, run_one(f, "f-a", "{}"), "\"f-a to f-a\"");
    assert_output(f, run_one(f, "f-b", "{}"), "\"f-b to f-b\"");
    assert_output(f, run_one(f, "f-b", "{}"), "\"f-b to f-b\"");
    assert_output(f, run_one(f, "f-a", "{}"), "\"f-a to f-a\"");
    assert_int_equal(count_lines("starts"), 3);
    fixture_free(f);
}

static void test_idle_ones_are_ended(void **state)
{
    (void)state;
    write_worker("idle", "exec 3>lifeline; while next; do respond 1; done");
    struct fixture *f = with(RUNTIME("idle", ", idle_seconds: 0.2"));
    unlink(path_in_folder("lifeline"));
    assert_int_equal(mkfifo(path_in_folder("lifeline"), 0600), 0);
    int lifeline = open(path_in_folder("lifeline"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_output(f, run_one(f, "idle", "{}"), "1");
    char byte;
    while (read(lifeline, &byte, 1) != 0) /* until nobody holds it */
        uv_run(&f->loop, UV_RUN_ONCE);
    close(lifeline);
    unlink(path_in_folder("lifeline"));
    assert_int_equal(count_lines("starts"), 1);
    fixture_free(f);
}

static void test_large(void **state)
{
    (void)state;
    write_worker("large", "while next; do curl -sS -o /dev/null --data-binary @$body "
                          "\"$api/invocation/$id/response\"; done");
    write_worker("over", "while next; do (printf 1; head -c 16777216 /dev/zero | tr '\\0' ' ') > "
                         "$body.big; curl -sS -o /dev/null --data-binary @$body.big "
                         "\"$api/invocation/$id/response\"; rm $body.big; done");
    struct fixture *f = with(RUNTIME("large", "") RUNTIME("over", ""));
    size_t size = 16 << 20;
    char *payload = malloc(size + 1);
    assert_non_null(payload);
    memset(payload, ' ', size);
    payload[0] = '1';
    payload[size] = '\0';
    assert_output(f, run_one(f, "large", payload), "1");
    free(payload);
    for (int i = 0; i < 2; i++) {
        const struct task_result *r = run_one(f, "over", "{}");
        assert_false(r->ok);
        assert_str(r->error, "Function.ResponseSizeTooLarge");
    }
    assert_int_equal(count_lines("starts"), 2);
    fixture_free(f);
}

/* ---- failures ---- */

static void test_errors(void **state)
{
    (void)state;
    write_worker("errors", "while next; do case $(cat $body) in\n"
                           "1) fail '{\"errorType\":\"OrderError\",\"errorMessage\":\"no stock\"}' "
                           "Handled;;\n"
                           "2) fail '{\"errorMessage\":\"only words\"}' Function.Words;;\n"
                           "3) fail 'no object' Function.Text;;\n"
                           "4) fail '' '';;\n"
                           "5) respond 'no JSON';;\n"
                           "6) respond '';;\n"
                           "esac; done");
    struct fixture *f = with(RUNTIME("errors", ""));
    const struct task_result *r = run_one(f, "errors", "1");
    assert_false(r->ok);
    assert_str(r->error, "OrderError");
    assert_str(r->cause, "{\"errorType\":\"OrderError\",\"errorMessage\":\"no stock\"}");
    r = run_one(f, "errors", "2");
    assert_str(r->error, "Function.Words");
    assert_str(r->cause, "{\"errorMessage\":\"only words\"}");
    r = run_one(f, "errors", "3");
    assert_str(r->error, "Function.Text");
    assert_contains(r->cause, "no object");
    assert_str(run_one(f, "errors", "4")->error, "Unhandled");
    r = run_one(f, "errors", "5");
    assert_str(r->error, "Pawl.OutputInvalid");
    assert_contains(r->cause, "no JSON");
    assert_output(f, run_one(f, "errors", "6"), "null");
    assert_int_equal(count_lines("starts"), 1);
    fixture_free(f);
}

static void test_exit_while_it_works(void **state)
{
    (void)state;
    write_worker("exit", "while next; do echo 'last words' >&2; case $(cat $body) in "
                         "1) exit 42;; 2) kill -KILL $$;; 3) exit 0;; *) respond 1;; esac; done");
    struct fixture *f = with(RUNTIME("exit", ""));
    const struct task_result *r = run_one(f, "exit", "1");
    assert_false(r->ok);
    assert_str(r->error, "Runtime.ExitError");
    assert_contains(r->cause,
                    "{\"errorType\":\"Runtime.ExitError\",\"errorMessage\":\"RequestId: ");
    assert_contains(r->cause, " Error: Runtime exited with error: exit status 42\"}");
    assert_str(r->err, "last words\n");
    assert_true(r->has_exit_status);
    assert_int_equal(r->exit_status, 42);
    r = run_one(f, "exit", "2");
    assert_contains(r->cause, "Runtime exited with error: signal: killed");
    assert_int_equal(r->exit_status, 128 + SIGKILL);
    r = run_one(f, "exit", "3");
    assert_contains(r->cause, "Runtime exited without providing a reason");
    /* A worker that failed at work is not held back. */
    assert_output(f, run_one(f, "exit", "4"), "1");
    assert_int_equal(count_lines("starts"), 4);
    fixture_free(f);
}

static void test_init_failures(void **state)
{
    (void)state;
    write_worker("import",
                 "echo trace >&2; init_error '{\"errorType\":\"Runtime.ImportModuleError\","
                 "\"errorMessage\":\"Unable to import module\"}' Runtime.Unknown; exit 1");
    write_worker("words", "init_error 'words' ''; sleep 100");
    write_worker("early", "exit 7");
    struct fixture *f =
        with(RUNTIME("import", "") RUNTIME("words", "") RUNTIME("early", "") RUNTIME(
            "slow",
            ", init_seconds: 0.2") "  - {resource: none, runtime: {command: [./no-such]}}\n");
    write_file("slow.sh", "sleep 1000", 0600);
    const struct task_result *r = run_one(f, "import", "{}");
    assert_false(r->ok);
    assert_str(r->error, "Runtime.ImportModuleError");
    assert_contains(r->cause, "Unable to import module");
    assert_str(r->err, "trace\n");
    assert_int_equal(r->exit_status, 1);
    r = run_one(f, "words", "{}");
    assert_str(r->error, "Runtime.InitError");
    assert_contains(r->cause, "words");
    r = run_one(f, "early", "{}");
    assert_str(r->error, "Runtime.ExitError");
    assert_contains(r->cause, "exit status 7");
    r = run_one(f, "slow", "{}");
    assert_str(r->error, "Runtime.InitError");
    assert_contains(r->cause, "within 0.20 seconds (init_seconds)");
    r = run_one(f, "none", "{}");
    assert_str(r->error, "Runtime.InvalidEntrypoint");
    assert_contains(r->cause, "no such file");
    assert_false(r->has_exit_status);
    fixture_free(f);
}

/* Each that waits gets its error, in three starts or hardly more. */
static void test_init_crash_loop(void **state)
{
    (void)state;
    write_worker("loop", "echo doomed >&2; exit 3");
    struct fixture *f = with(RUNTIME("loop", ", concurrency: 4"));
    for (uint32_t i = 0; i < 200; i++)
        start(f, i, "loop", "{}");
    run_until_idle(f);
    assert_int_equal(f->count, 200);
    for (size_t i = 0; i < 200; i++) {
        assert_str(f->reports[i].error, "Runtime.ExitError");
        assert_str(f->reports[i].err, "doomed\n");
    }
    /* Four began before the first had failed. */
    assert_in_range(count_lines("starts"), 3, 8);
    fixture_free(f);
}

static void end_wait(uv_timer_t *due)
{
    uv_close((uv_handle_t *)due, NULL);
}

/* It fails until something outside is mended, and then works. */
static void test_init_recovers(void **state)
{
    (void)state;
    write_worker("mend", "[ -e mended ] || exit 3; while next; do respond 1; done");
    struct fixture *f = with(RUNTIME("mend", ""));
    for (int i = 0; i < 4; i++)
        assert_str(run_one(f, "mend", "{}")->error, "Runtime.ExitError");
    write_file("mended", "", 0600);
    /* Until the next try is due, nothing is started and all fails at once. */
    size_t starts = count_lines("starts");
    assert_str(run_one(f, "mend", "{}")->error, "Runtime.ExitError");
    assert_int_equal(count_lines("starts"), starts);
    uv_timer_t due;
    uv_timer_init(&f->loop, &due);
    uv_timer_start(&due, end_wait, RUNTIME_BACKOFF_MS << RUNTIME_INIT_TRIES, 0);
    while (!uv_is_closing((uv_handle_t *)&due))
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_output(f, run_one(f, "mend", "{}"), "1");
    fixture_free(f);
}

/* ---- what a client may do wrong ---- */

/* A client that does not follow the rules is told so and harms nobody. */
static void test_wrong_calls(void **state)
{
    (void)state;
    write_worker(
        "wrong",
        "s() { curl -s -o /dev/null -w '%{http_code} ' \"$@\"; }\n"
        "early=$(s -d x \"$api/invocation/none/response\")\n"
        "next\n"
        "a=$(s -d x $api/invocation/other/response; "
        "s -d x $api/invocation/$id-/error; s -d '{}' $api/init/error; s $api/nothing; "
        "s http://$AWS_LAMBDA_RUNTIME_API/; s -d x $api/invocation/next; "
        "s $api/invocation/$id/response; s -H 'Host: evil.example' -d 1 "
        "$api/invocation/$id/response; s -H 'Origin: http://evil.example' -d 1 "
        "$api/invocation/$id/response; s -H 'Sec-Fetch-Site: cross-site' $api/invocation/next)\n"
        "respond \"\\\"$early$a\\\"\"; again=$(s -d 2 $api/invocation/$id/response)\n"
        "next; respond \"\\\"$again\\\"\"; next");
    struct fixture *f = with(RUNTIME("wrong", ""));
    assert_output(f, run_one(f, "wrong", "{}"), "\"400 400 400 403 404 404 405 405 403 403 403 \"");
    assert_output(f, run_one(f, "wrong", "{}"), "\"400 \"");
    assert_int_equal(count_lines("starts"), 1);
    fixture_free(f);
}

/* It may have lost the invocation or ignore it: it is ended, and nothing hangs. */
static void test_asks_without_an_answer(void **state)
{
    (void)state;
    write_worker("greedy", "while next; do [ $(cat $body) = 1 ] && respond 1; done");
    struct fixture *f = with(RUNTIME("greedy", ""));
    assert_output(f, run_one(f, "greedy", "1"), "1");
    const struct task_result *r = run_one(f, "greedy", "2");
    assert_str(r->error, "Runtime.ExitError");
    assert_contains(r->cause, "without having answered");
    assert_output(f, run_one(f, "greedy", "1"), "1");
    assert_int_equal(count_lines("starts"), 2);
    fixture_free(f);
}

static void wait_for_file(struct fixture *f, const char *name)
{
    while (access(path_in_folder(name), F_OK) != 0) {
        if (f)
            uv_run(&f->loop, UV_RUN_NOWAIT);
        else
            sched_yield();
    }
    unlink(path_in_folder(name));
}

/* A request for work that is given up is not answered; the next one is. Also when the loop
 * has had no time to tell that it is gone. */
static void test_given_up_poll(void **state)
{
    (void)state;
    write_worker(
        "again",
        "next; respond 1; exec 5<>/dev/tcp/${AWS_LAMBDA_RUNTIME_API/:/\\/}\n"
        "printf 'GET /2018-06-01/runtime/invocation/next HTTP/1.1\\r\\nHost: %s\\r\\n\\r\\n' "
        "$AWS_LAMBDA_RUNTIME_API >&5; touch asked; until [ -e go ]; do sleep 0.01; done\n"
        "exec 5>&-; touch given-up; while next; do respond 2; done");
    struct fixture *f = with(RUNTIME("again", ""));
    assert_output(f, run_one(f, "again", "{}"), "1");
    wait_for_file(f, "asked");
    for (int i = 0; i < 10; i++) /* accepted, read, kept */
        uv_run(&f->loop, UV_RUN_NOWAIT);
    write_file("go", "", 0600);
    wait_for_file(NULL, "given-up");
    assert_output(f, run_one(f, "again", "{}"), "2");
    assert_int_equal(count_lines("starts"), 1);
    unlink(path_in_folder("go"));
    fixture_free(f);
}

/* Nobody of another user is let in, and the log says so. Needs root to become another. */
static void test_other_users(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        skip();
        return;
    }
    write_worker("other", "next; setpriv --reuid 65534 --clear-groups -- curl -s -o /dev/null "
                          "$api/invocation/next; refused=$?; respond $refused; next");
    struct fixture *f = with(RUNTIME("other", ""));
    const struct task_result *r = run_one(f, "other", "{}");
    assert_true(r->ok);
    int64_t status = 0;
    assert_true(json_to_int64(r->output, &status));
    assert_true(status == 52 || status == 56); /* empty reply, or reset */
    assert_contains(r->err, "pawl: refused a connection");
    fixture_free(f);
}

/* ---- ends of whole groups ---- */

static int open_lifeline(void)
{
    unlink(path_in_folder("lifeline"));
    assert_int_equal(mkfifo(path_in_folder("lifeline"), 0600), 0);
    int fd = open(path_in_folder("lifeline"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void read_up(struct fixture *f, int lifeline)
{
    char text[8];
    while (read(lifeline, text, 3) != 3)
        uv_run(&f->loop, UV_RUN_NOWAIT);
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

/* Neither it nor its child minds SIGTERM; both hold the lifeline. */
static void write_stubborn(const char *name)
{
    write_worker(name, "trap '' TERM; while next; do [ $(cat $body) = 1 ] && { respond 1; "
                       "continue; }\n"
                       "exec 3>lifeline; sh -c 'trap : TERM; echo up >&3; while :; do sleep 9; "
                       "done' & while :; do sleep 9; done; done");
}

static void test_timeout(void **state)
{
    (void)state;
    write_stubborn("hang");
    struct fixture *f = with("  - resource: hang\n"
                             "    runtime: {command: [bash, hang.sh]}\n"
                             "    timeout_seconds: 2\n");
    assert_output(f, run_one(f, "hang", "1"), "1");
    int lifeline = open_lifeline();
    const struct task_result *r = run_one(f, "hang", "2");
    assert_str(r->error, "Sandbox.Timedout");
    assert_contains(r->cause, "Task timed out after 2.00 seconds");
    assert_true(r->duration_ms >= 2000);
    assert_int_equal(r->exit_status, 128 + SIGKILL);
    assert_all_gone(lifeline);
    /* The next one starts fresh. */
    assert_output(f, run_one(f, "hang", "1"), "1");
    assert_int_equal(count_lines("starts"), 2);
    fixture_free(f);
}

static void test_cancel(void **state)
{
    (void)state;
    write_stubborn("held");
    struct fixture *f = with(RUNTIME("held", ""));
    int lifeline = open_lifeline();
    start(f, 1, "held", "2");
    start(f, 2, "held", "1");
    start(f, 3, "held", "1");
    read_up(f, lifeline);
    task_cancel(f->tasks, key_of(1));
    task_cancel(f->tasks, key_of(1)); /* nothing happens */
    task_cancel(f->tasks, key_of(2)); /* that still waits */
    /* The one worker allowed is the one that dies: nothing overlaps it. */
    while (f->count == 0)
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_all_gone(lifeline);
    run_until_idle(f);
    assert_int_equal(f->count, 1);
    assert_int_equal(f->reports[0].key.task, 3);
    assert_output(f, &f->reports[0], "1");
    fixture_free(f);
}

static void test_freed_while_they_work(void **state)
{
    (void)state;
    write_stubborn("held");
    write_worker("idle", "while next; do respond 1; done");
    write_worker("slow", "sleep 1000");
    struct fixture *f = with(RUNTIME("held", "") RUNTIME("idle", "") RUNTIME("slow", ""));
    assert_output(f, run_one(f, "idle", "{}"), "1");
    int lifeline = open_lifeline();
    start(f, 11, "held", "2");
    start(f, 12, "slow", "{}");
    start(f, 13, "slow", "{}");
    read_up(f, lifeline);
    tasks_free(f->tasks);
    f->tasks = NULL;
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_all_gone(lifeline);
    fixture_free(f); /* looks for everything that could be left */
}

static void free_in_done(void *arg, const struct task_result *result)
{
    struct tasks **tasks = arg;
    assert_true(result->ok);
    tasks_free(*tasks);
    *tasks = NULL;
}

static void test_freed_in_done(void **state)
{
    (void)state;
    write_worker("idle", "while next; do respond 1; done");
    struct fixture *f = with(RUNTIME("idle", ", concurrency: 2"));
    tasks_free(f->tasks);
    struct tasks *tasks = tasks_new(&f->loop, &f->bindings, NULL, free_in_done, &tasks);
    f->tasks = tasks;
    start(f, 1, "idle", "{}");
    start(f, 2, "idle", "{}");
    while (tasks)
        uv_run(&f->loop, UV_RUN_ONCE);
    f->tasks = NULL;
    fixture_free(f);
}

/* ---- others take over ---- */

static void test_retired(void **state)
{
    (void)state;
    write_worker("old", "exec 3>lifeline; while next; do respond 1; done");
    struct fixture *f = with(RUNTIME("old", ", concurrency: 2"));
    int lifeline = open_lifeline();
    assert_output(f, run_one(f, "old", "{}"), "1");
    start(f, 7, "old", "{}");
    start(f, 8, "old", "{}");
    start(f, 9, "old", "{}");
    tasks_retire(f->tasks); /* what was started is still carried out */
    run_until_idle(f);
    assert_int_equal(f->count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_output(f, &f->reports[i], "1");
    char byte;
    while (read(lifeline, &byte, 1) != 0) /* without being freed they all go */
        uv_run(&f->loop, UV_RUN_ONCE);
    close(lifeline);
    fixture_free(f);
}

static void keep_line(void *arg, const struct task_line *line)
{
    struct buf *lines = arg;
    assert_null(line->task);
    buf_printf(lines, STR_FMT "%c%zu ", STR_ARG(line->function), line->is_error ? '!' : ':',
               line->text.len);
    if (line->text.len < 32)
        buf_append(lines, line->text);
    buf_append_char(lines, '\n');
}

static void test_lines(void **state)
{
    (void)state;
    struct buf lines = BUF_INIT(0);
    write_worker("talk", "next; printf 'one\\n\\ntwo '; respond 1; next; printf 'goes on\\n'; "
                         "head -c 5000 /dev/zero | tr '\\0' x; respond 2; next; respond 3; "
                         "printf last; exit 0");
    struct fixture *f = with(RUNTIME("talk", ""));
    tasks_listen(f->tasks, keep_line, &lines);
    for (int i = 0; i < 3; i++)
        run_one(f, "talk", "{}");
    /* The last line is told when the worker has gone, with what has no end. */
    while (str_find(buf_str(&lines), STR("talk:908 \n")) == SIZE_MAX)
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_str(buf_str(&lines), "talk:3 one\ntalk:0 \ntalk:11 two goes on\ntalk:4096 \n"
                                "talk:908 \n");
    fixture_free(f);
    buf_release(&lines);
}

/* ---- the register ---- */

/* What a killed Pawl leaves behind is ended by the next: workers stand in the register. */
static void test_noted(void **state)
{
    (void)state;
    char path[256];
    struct err e;
    struct children *children;
    struct children_found found;
    write_worker("noted", "while next; do respond \"$$\"; done");
    struct fixture *f = with(RUNTIME("noted", ""));
    tasks_free(f->tasks);
    snprintf(path, sizeof(path), "%s/children", folder);
    assert_true(children_open(path, &found, &children, &e));
    f->tasks = tasks_new(&f->loop, &f->bindings, children, keep_report, f);
    int64_t pid = 0;
    assert_true(json_to_int64(run_one(f, "noted", "{}")->output, &pid));
    FILE *file = fopen(path, "r");
    long noted = 0;
    char key[65];
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld %*s %*s %*s %64s", &noted, key), 2);
    fclose(file);
    assert_int_equal(noted, pid);
    assert_string_equal(key, "noted");
    assert_true(group_is_alive((pid_t)pid));
    tasks_free(f->tasks);
    f->tasks = NULL;
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_false(group_is_alive((pid_t)pid));
    children_close(children);
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
        cmocka_unit_test(test_stays_warm),
        cmocka_unit_test(test_headers_and_environment),
        cmocka_unit_test(test_qualified),
        cmocka_unit_test(test_concurrency),
        cmocka_unit_test(test_one_after_the_other_needs_one),
        cmocka_unit_test(test_functions_share_a_binding),
        cmocka_unit_test(test_idle_ones_are_ended),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_exit_while_it_works),
        cmocka_unit_test(test_init_failures),
        cmocka_unit_test(test_init_crash_loop),
        cmocka_unit_test(test_init_recovers),
        cmocka_unit_test(test_wrong_calls),
        cmocka_unit_test(test_asks_without_an_answer),
        cmocka_unit_test(test_given_up_poll),
        cmocka_unit_test(test_other_users),
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_freed_while_they_work),
        cmocka_unit_test(test_freed_in_done),
        cmocka_unit_test(test_retired),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_noted),
    };
    return cmocka_run_group_tests_name("runtime", tests, make_folder, remove_folder);
}
