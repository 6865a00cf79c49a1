/* The configuration: what is taken, what is refused and where, what matches what. */
#include "config/config.h"
#include "task/command.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

static void assert_str(struct str s, const char *expected)
{
    if (!str_eq(s, str_of_cstr(expected)))
        fail_msg("got " STR_FMT ", expected %s", STR_ARG(s), expected);
}

static bool parse_into(struct arena *a, struct str text, const char *folder, struct bindings *ret,
                       struct err *reterr)
{
    struct config config;
    if (!config_parse(a, text, str_of_cstr(folder), &config, reterr))
        return false;
    *ret = config.bindings;
    return true;
}

static struct bindings parse(struct arena *a, const char *text)
{
    struct bindings b;
    struct err e;
    if (!parse_into(a, str_of_cstr(text), "/etc/pawl", &b, &e))
        fail_msg("%s", e.message);
    return b;
}

static void test_every_key(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct bindings b = parse(a, "# jobs\n"
                                 "bindings:\n"
                                 "  - resource: \"arn:aws:lambda:*:*:function:*-split-*\"\n"
                                 "    exec: [\"./jobs/split\", \"--name\", \"{name}\"]\n"
                                 "    timeout_seconds: 600\n"
                                 "    concurrency: 4\n"
                                 "    environment: {KEY: \"value\", EMPTY: \"\"}\n"
                                 "  - resource: report\n"
                                 "    http: http://127.0.0.1:9000/{name}/invocations\n"
                                 "    timeout_seconds: 0.25\n"
                                 "  - {resource: \"*\", echo: true}\n"
                                 "  - {resource: warm, runtime: {command: [node, \"{name}\"]}}\n"
                                 "  - resource: hot\n"
                                 "    runtime: {command: [node], concurrency: 3, handler: a.b,\n"
                                 "              idle_seconds: 1.5, init_seconds: 2, memory_mb: 9}\n"
                                 "    timeout_seconds: 4\n"
                                 "    environment: {KEY: value, TZ: UTC}\n");
    assert_int_equal(b.count, 5);
    assert_str(b.folder, "/etc/pawl");
    assert_int_equal(b.items[0].kind, BINDING_EXEC);
    assert_int_equal(b.items[0].argc, 3);
    assert_str(b.items[0].argv[2], "{name}");
    assert_int_equal(b.items[0].timeout_ms, 600000);
    assert_int_equal(b.items[0].concurrency, 4);
    assert_str(json_str(json_get(b.items[0].environment, STR("KEY"))), "value");
    assert_int_equal(b.items[1].kind, BINDING_HTTP);
    assert_str(b.items[1].url, "http://127.0.0.1:9000/{name}/invocations");
    assert_int_equal(b.items[1].timeout_ms, 250);
    assert_int_equal(b.items[1].concurrency, 0);
    assert_int_equal(b.items[2].kind, BINDING_ECHO);
    assert_int_equal(b.items[3].kind, BINDING_RUNTIME);
    assert_str(b.items[3].argv[1], "{name}");
    assert_int_equal(b.items[3].concurrency, RUNTIME_CONCURRENCY_DEFAULT);
    assert_int_equal(b.items[3].timeout_ms, 0);
    assert_int_equal(b.items[3].runtime.idle_ms, RUNTIME_IDLE_MS_DEFAULT);
    assert_int_equal(b.items[3].runtime.init_ms, RUNTIME_INIT_MS_DEFAULT);
    assert_int_equal(b.items[3].runtime.memory_mb, RUNTIME_MEMORY_MB_DEFAULT);
    assert_int_equal(b.items[4].concurrency, 3);
    assert_str(b.items[4].runtime.handler, "a.b");
    assert_int_equal(b.items[4].runtime.idle_ms, 1500);
    assert_int_equal(b.items[4].runtime.init_ms, 2000);
    assert_int_equal(b.items[4].runtime.memory_mb, 9);
    assert_int_equal(b.items[4].timeout_ms, 4000);
    assert_int_equal(json_count(b.items[4].environment), 2);
    arena_free(a);
}

static void test_empty(void **state)
{
    (void)state;
    static const char *const texts[] = {"",  "\n\n", "# none\n", "bindings:\n", "bindings: []\n",
                                        "{}"};
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        assert_int_equal(parse(a, texts[i]).count, 0);
    arena_free(a);
}

static const struct {
    const char *text, *message;
    unsigned line, column;
} refused[] = {
    {"- x", "the configuration must be a mapping", 1, 1},
    {"binding: []", "unknown key \"binding\"; did you mean \"bindings\"?", 1, 1},
    {"colour: red", "unknown key \"colour\"", 1, 1},
    {"bindings: 3", "bindings must be a list of at most 1000", 1, 11},
    {"bindings:\n  - 3", "a binding must be a mapping", 2, 5},
    {"bindings:\n  - resource: a\n    exce: [x]", "did you mean \"exec\"?", 3, 5},
    {"bindings:\n  - resource: a\n    timeout: 3", "unknown key \"timeout\"", 3, 5},
    {"bindings:\n  - exec: [x]", "resource is missing", 2, 5},
    {"bindings:\n  - resource: a", "one of exec, http, runtime and echo", 2, 5},
    {"bindings:\n  - {resource: a, exec: [x], echo: true}", "only one of exec, http", 2, 5},
    {"bindings:\n  - {resource: [a], exec: [x]}", "resource must be the ARN or name", 2, 16},
    {"bindings:\n  - {resource: '', exec: [x]}", "resource must be the ARN or name", 2, 16},
    {"bindings:\n  - {resource: a, exec: ./job}", "exec must be a list", 2, 25},
    {"bindings:\n  - {resource: a, exec: []}", "exec must be a list", 2, 25},
    {"bindings:\n  - {resource: a, exec: [x, 3]}", "each word of exec must be a string", 2, 29},
    {"bindings:\n  - {resource: a, exec: [x, \"a\\0b\"]}", "each word of exec must be", 2, 29},
    {"bindings:\n  - {resource: a, exec: ['']}", "the program must be named by this file", 2, 26},
    {"bindings:\n  - {resource: a, exec: ['{name}']}", "the program must be named by", 2, 26},
    {"bindings:\n  - {resource: a, exec: ['{name}/x']}", "the program must be named by", 2, 26},
    {"bindings:\n  - {resource: a, exec: ['x{name}']}", "the program must be named by", 2, 26},
    {"bindings:\n  - {resource: a, http: 3}", "http must be a URL", 2, 25},
    {"bindings:\n  - {resource: a, http: ftp://x/}", "http must be a URL", 2, 25},
    {"bindings:\n  - {resource: a, http: file:///etc/passwd}", "http must be a URL", 2, 25},
    {"bindings:\n  - {resource: a, http: 'http://'}", "http must be a URL", 2, 25},
    {"bindings:\n  - {resource: a, http: 'http://a b/'}", "http must be a URL", 2, 25},
    {"bindings:\n  - {resource: a, echo: false}", "echo can only be true", 2, 25},
    {"bindings:\n  - {resource: a, echo: true, timeout_seconds: 0}", "0.001 to 99999999", 2, 48},
    {"bindings:\n  - {resource: a, echo: true, timeout_seconds: x}", "must be a number", 2, 48},
    {"bindings:\n  - {resource: a, echo: true, timeout_seconds: 1e300}", "must be a num", 2, 48},
    {"bindings:\n  - {resource: a, echo: true, concurrency: 0}", "from 1 to 1000000", 2, 44},
    {"bindings:\n  - {resource: a, echo: true, concurrency: 1.5}", "a whole number", 2, 44},
    {"bindings:\n  - {resource: a, exec: [x], environment: [A]}", "must be a mapping", 2, 43},
    {"bindings:\n  - {resource: a, exec: [x], environment: {A: 1}}", "must be a string", 2, 47},
    {"bindings:\n  - {resource: a, exec: [x], environment: {A=B: x}}", "cannot name", 2, 44},
    {"bindings:\n  - {resource: a, exec: [x], environment: {PAWL_X: x}}", "set by Pawl", 2, 44},
    {"bindings:\n  - {resource: a, echo: true, environment: {A: x}}", "for commands", 2, 31},
    {"bindings:\n  - {resource: a, runtime: [x]}", "runtime must be a mapping", 2, 28},
    {"bindings:\n  - {resource: a, runtime: {}}", "command is missing", 2, 28},
    {"bindings:\n  - {resource: a, runtime: {comand: [x]}}", "did you mean \"command\"", 2, 29},
    {"bindings:\n  - {resource: a, runtime: {command: x}}", "command must be a list", 2, 38},
    {"bindings:\n  - {resource: a, runtime: {command: ['{name}']}}", "must be named by", 2, 39},
    {"bindings:\n  - {resource: a, runtime: {command: [x, 1]}}", "each word of command", 2, 42},
    {"bindings:\n  - {resource: a, runtime: {command: [x], concurrency: 257}}", "1 to 256", 2, 56},
    {"bindings:\n  - {resource: a, runtime: {command: [x], handler: 3}}", "handler must be", 2, 52},
    {"bindings:\n  - {resource: a, runtime: {command: [x], idle_seconds: 0}}", "idle_sec", 2, 57},
    {"bindings:\n  - {resource: a, runtime: {command: [x], init_seconds: a}}", "init_sec", 2, 57},
    {"bindings:\n  - {resource: a, runtime: {command: [x], memory_mb: 0}}", "memory_mb", 2, 54},
    {"bindings:\n  - {resource: a, runtime: {command: [x]}, concurrency: 2}", "inside", 2, 44},
    {"bindings:\n  - {resource: a, runtime: {command: [x]}, exec: [x]}", "only one of", 2, 5},
    {"bindings:\n  - {resource: a, runtime: {command: [x]}, environment: {_HANDLER: x}}",
     "set by Pawl itself", 2, 58},
    {"bindings:\n  - {resource: a, runtime: {command: [x]}, environment: {AWS_LAMBDA_X: x}}",
     "set by Pawl itself", 2, 58},
};

static void test_refused(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        struct bindings b;
        struct err e;
        if (parse_into(a, str_of_cstr(refused[i].text), "/", &b, &e))
            fail_msg("accepted: %s", refused[i].text);
        if (e.code != ERR_INVALID_CONFIG || !strstr(e.message, refused[i].message) ||
            e.line != refused[i].line || e.column != refused[i].column)
            fail_msg("%s\n gave %s: %s at %u:%u", refused[i].text, err_name(e.code), e.message,
                     e.line, e.column);
    }
    arena_free(a);
}

static void test_no_yaml_and_too_large(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct bindings b;
    struct err e;
    assert_false(parse_into(a, STR("bindings: [\n"), "/", &b, &e));
    assert_int_equal(e.code, ERR_INVALID_YAML);
    assert_true(e.line > 0);
    char *large = arena_alloc(a, CONFIG_SIZE_MAX + 1);
    memset(large, ' ', CONFIG_SIZE_MAX + 1);
    assert_false(parse_into(a, str_of(large, CONFIG_SIZE_MAX + 1), "/", &b, &e));
    assert_int_equal(e.code, ERR_TOO_LARGE);
    assert_true(parse_into(a, str_of(large, CONFIG_SIZE_MAX), "/", &b, &e));
    arena_free(a);
}

static void test_bindings_do_not_borrow_the_text(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    char text[] = "bindings:\n  - {resource: abc, exec: [prog]}\n";
    struct bindings b = parse(a, text);
    memset(text, 'x', sizeof(text));
    assert_str(b.items[0].resource, "abc");
    assert_str(b.items[0].argv[0], "prog");
    arena_free(a);
}

/* ---- who is called ---- */

#define EXECUTION "arn:aws-eu:states:eu-west-1:123456789012:execution:m:e"

static const struct {
    const char *resource, *function, *execution, *arn, *name, *qualifier;
} callees[] = {
    {"arn:aws:lambda:us-east-2:210987654321:function:job", "", EXECUTION,
     "arn:aws:lambda:us-east-2:210987654321:function:job", "job", "$LATEST"},
    {"arn:aws:lambda:us-east-2:210987654321:function:job:live", "", EXECUTION,
     "arn:aws:lambda:us-east-2:210987654321:function:job", "job", "live"},
    {"job", "", EXECUTION, "arn:aws-eu:lambda:eu-west-1:123456789012:function:job", "job",
     "$LATEST"},
    {"job", "", "", "arn:aws:lambda:us-east-1:000000000000:function:job", "job", "$LATEST"},
    {"arn:aws:states:::lambda:invoke", "job", EXECUTION,
     "arn:aws-eu:lambda:eu-west-1:123456789012:function:job", "job", "$LATEST"},
    {"arn:aws:states:::lambda:invoke", "job:7", EXECUTION,
     "arn:aws-eu:lambda:eu-west-1:123456789012:function:job", "job", "7"},
    {"arn:aws:states:::lambda:invoke", "210987654321:function:job", EXECUTION,
     "arn:aws-eu:lambda:eu-west-1:210987654321:function:job", "job", "$LATEST"},
    {"arn:aws:states:::lambda:invoke", "arn:aws:lambda:us-east-2:210987654321:function:job:live",
     EXECUTION, "arn:aws:lambda:us-east-2:210987654321:function:job", "job", "live"},
    /* No names of functions: */
    {"arn:aws:states:::lambda:invoke", "../job", "",
     "arn:aws:lambda:us-east-1:000000000000:function:../job", "", "$LATEST"},
    {"arn:aws:states:::lambda:invoke", "-rf", "",
     "arn:aws:lambda:us-east-1:000000000000:function:-rf", "", "$LATEST"},
    {"arn:aws:states:::lambda:invoke", "a b", "",
     "arn:aws:lambda:us-east-1:000000000000:function:a b", "", "$LATEST"},
    {"arn:aws:states:::lambda:invoke", "arn:aws:lambda", "", NULL, "", "$LATEST"},
    {"", "", "", "arn:aws:lambda:us-east-1:000000000000:function:", "", "$LATEST"},
    /* Not functions: */
    {"arn:aws:states:::sqs:sendMessage", "", EXECUTION, "", "", NULL},
    {"arn:aws:states:us-east-1:000000000000:activity:a", "", EXECUTION, "", "", NULL},
};

static void test_callees(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < COUNT_OF(callees); i++) {
        struct callee c =
            callee_resolve(a, str_of_cstr(callees[i].resource), str_of_cstr(callees[i].function),
                           str_of_cstr(callees[i].execution));
        assert_int_equal(c.is_function, callees[i].qualifier != NULL);
        assert_str(c.name, callees[i].name);
        if (!callees[i].arn || !callees[i].qualifier)
            continue;
        assert_str(c.arn, callees[i].arn);
        assert_true(str_starts_with(c.qualified_arn, c.arn));
        assert_str(str_slice(c.qualified_arn, c.arn.len + 1, c.qualified_arn.len),
                   callees[i].qualifier);
    }
    arena_free(a);
}

#define ARN "arn:aws:lambda:us-east-1:000000000000:function:"

static const struct {
    const char *pattern, *resource, *function;
    bool found;
} finds[] = {
    {"arn:aws:lambda:*:*:function:*-split-*", ARN "a-split-b", "", true},
    {"arn:aws:lambda:*:*:function:*-split-*", "a-split-b", "", true},
    {"arn:aws:lambda:*:*:function:*-split-*", "arn:aws:states:::lambda:invoke", "a-split-b", true},
    {"arn:aws:lambda:*:*:function:*-split-*", ARN "split", "", false},
    {"arn:aws:lambda:us-east-1:*:function:job", ARN "job:live", "", true},
    {"arn:aws:lambda:us-east-1:*:function:job:live", ARN "job:live", "", true},
    {"arn:aws:lambda:us-east-1:*:function:job:dev", ARN "job:live", "", false},
    {"arn:aws:lambda:us-west-1:*:function:job", ARN "job", "", false},
    {"job", ARN "job", "", true},
    {"job", ARN "job:live", "", true},
    {"jo*", "job", "", true},
    {"job", "jobs", "", false},
    {"job", "arn:aws:states:::lambda:invoke", "job", true},
    {"arn:aws:states:::lambda:invoke", "arn:aws:states:::lambda:invoke", "job", true},
    {"arn:aws:states:::sqs:*", "arn:aws:states:::sqs:sendMessage", "", true},
    {"*", ARN "job", "", true},
    {"*", "arn:aws:states:::sqs:sendMessage", "", false}, /* bare patterns are functions' */
    {"*:*", "arn:aws:states:::sqs:sendMessage", "", true},
};

static void test_find(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < COUNT_OF(finds); i++) {
        struct binding item = {.resource = str_of_cstr(finds[i].pattern)};
        struct bindings b = {.items = &item, .count = 1};
        struct callee c = callee_resolve(a, str_of_cstr(finds[i].resource),
                                         str_of_cstr(finds[i].function), STR(""));
        if ((bindings_find(&b, &c) != NULL) != finds[i].found)
            fail_msg("%s for %s %s", finds[i].pattern, finds[i].resource, finds[i].function);
    }
    struct binding two[] = {{.resource = STR("a*")}, {.resource = STR("*")}};
    struct bindings b = {.items = two, .count = 2};
    struct callee c = callee_resolve(a, STR("ab"), STR(""), STR(""));
    assert_ptr_equal(bindings_find(&b, &c), &two[0]);
    arena_free(a);
}

/* ---- commands ---- */

static void test_words(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct bindings b = parse(
        a, "bindings: [{resource: x, exec: ['./jobs/{name}.sh', '-n={name}/{name}', '{other}']}]");
    const char *const *argv = command_argv(a, &b.items[0], STR("job"));
    assert_string_equal(argv[0], "./jobs/job.sh");
    assert_string_equal(argv[1], "-n=job/job");
    assert_string_equal(argv[2], "{other}");
    assert_null(argv[3]);
    arena_free(a);
}

static const char *value_of(const char *const *environment, const char *name)
{
    const char *value = NULL;
    size_t len = strlen(name);
    for (; *environment; environment++)
        if (strncmp(*environment, name, len) == 0 && (*environment)[len] == '=') {
            assert_null(value); /* each name once */
            value = *environment + len + 1;
        }
    return value;
}

static void test_environment(void **state)
{
    (void)state;
    static const char *const inherited[] = {"PATH=/bin",       "MODE=slow",           "NOEQUALS",
                                            "PAWL_ATTEMPT=99", "PAWL_DATA=/var/pawl", NULL};
    struct arena *a = arena_new(0);
    struct bindings b =
        parse(a, "bindings: [{resource: x, exec: [x], environment: {MODE: fast, NEW: 'a=b'}}]");
    const char *const *all =
        command_environment(a, inherited, &b.items[0],
                            &(struct task_request){.key = {.attempt = 3},
                                                   .execution_arn = STR("arn:e"),
                                                   .execution_id = STR("id"),
                                                   .state_name = STR("Say \"hi\"\n"),
                                                   .correlation_id = STR("c"),
                                                   .token = STR("t")},
                            STR("mark"));
    assert_string_equal(value_of(all, "PATH"), "/bin");
    assert_string_equal(value_of(all, "MODE"), "fast");
    assert_string_equal(value_of(all, "NEW"), "a=b");
    assert_string_equal(value_of(all, "PAWL_DATA"), "/var/pawl");
    assert_string_equal(value_of(all, "PAWL_ATTEMPT"), "3");
    assert_string_equal(value_of(all, "PAWL_EXECUTION_ARN"), "arn:e");
    assert_string_equal(value_of(all, "PAWL_RUN_ID"), "id");
    assert_string_equal(value_of(all, "PAWL_STATE_NAME"), "Say \"hi\"\n");
    assert_string_equal(value_of(all, "PAWL_CORRELATION_ID"), "c");
    assert_string_equal(value_of(all, "PAWL_TASK_TOKEN"), "t");
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_key),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_no_yaml_and_too_large),
        cmocka_unit_test(test_bindings_do_not_borrow_the_text),
        cmocka_unit_test(test_callees),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_environment),
    };
    return cmocka_run_group_tests_name("bindings", tests, NULL, NULL);
}
