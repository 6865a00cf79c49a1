/* Commands of x-verify as real processes: how they end, what they are given, and that
 * nothing of them is left. */
#include "task/checker.h"

#include "base/arena.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum {
    WORDS_MAX = 8
};

struct scene {
    struct arena *arena;
    uv_loop_t loop;
    struct checker *checker;
    struct check_outcome last; /* in the arena */
    size_t count;
};

static void keep(void *arg, const struct check_outcome *outcome)
{
    struct scene *s = arg;
    s->last = *outcome;
    s->last.said = arena_str(s->arena, outcome->said);
    s->count++;
}

static int setup(void **state)
{
    struct scene *s = calloc(1, sizeof(*s));
    s->arena = arena_new(0);
    assert_int_equal(uv_loop_init(&s->loop), 0);
    s->checker = checker_new(&s->loop, NULL, keep, s);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;
    checker_free(s->checker);
    assert_int_equal(uv_run(&s->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&s->loop), 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
    assert_int_equal(errno, ECHILD);
    arena_free(s->arena);
    free(s);
    return 0;
}

static void start(struct scene *s, int64_t seconds, const char *const *words)
{
    struct str command[WORDS_MAX];
    size_t count = 0;
    for (; words[count]; count++)
        command[count] = str_of_cstr(words[count]);
    checker_start(s->checker, &(struct check_request){
                                  .id = 7,
                                  .command = command,
                                  .command_count = count,
                                  .folder = STR("/tmp"),
                                  .timeout_seconds = seconds,
                                  .execution_arn = STR("arn:of:it"),
                                  .execution_id = STR("its-id"),
                                  .state_name = STR("Load it"),
                              });
}

#define WORDS(...)                                                                                 \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

static struct check_outcome outcome_of(struct scene *s, const char *const *words)
{
    size_t before = s->count;
    start(s, 20, words);
    assert_int_equal(s->count, before); /* never from within */
    assert_false(checker_idle(s->checker));
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_int_equal(s->count, before + 1);
    assert_true(checker_idle(s->checker));
    assert_int_equal(s->last.id, 7);
    return s->last;
}

static void assert_said(struct check_outcome o, const char *said)
{
    char text[1024] = "";
    memcpy(text, o.said.ptr, o.said.len < sizeof(text) - 1 ? o.said.len : sizeof(text) - 1);
    if (!strstr(text, said))
        fail_msg("\"%s\" is not in: %s", said, text);
}

static void it_tells_how_they_ended(void **state)
{
    struct scene *s = *state;
    struct check_outcome o = outcome_of(s, WORDS("true"));
    assert_true(o.ran && o.exit_status == 0 && o.said.len == 0);
    o = outcome_of(s, WORDS("sh", "-c", "echo so it is; exit 3"));
    assert_true(o.ran && o.exit_status == 3);
    assert_said(o, "so it is");
    o = outcome_of(s, WORDS("sh", "-c", "echo aside; echo it is gone >&2; exit 1"));
    assert_true(o.ran && o.exit_status == 1);
    assert_said(o, "it is gone");
    o = outcome_of(s, WORDS("sh", "-c", "kill -9 $$"));
    assert_true(o.ran && o.exit_status == 128 + SIGKILL);
}

/* No shell takes a word apart. */
static void they_are_given_what_tasks_are_given(void **state)
{
    struct scene *s = *state;
    static const char script[] = "printf '%s|%s|%s|%s|%s|%s' \"$PAWL_EXECUTION_ARN\""
                                 " \"$PAWL_RUN_ID\" \"$PAWL_STATE_NAME\" \"$OWN\" \"$PWD\" \"$1\"";
    setenv("OWN", "inherited", 1);
    struct check_outcome o = outcome_of(s, WORDS("sh", "-c", script, "sh", "two words; $HOME"));
    assert_said(o, "arn:of:it|its-id|Load it|inherited|/tmp|two words; $HOME");
}

static void what_cannot_be_made_is_told(void **state)
{
    struct scene *s = *state;
    struct check_outcome o = outcome_of(s, WORDS("there-is-no-such-program"));
    assert_false(o.ran);
    assert_said(o, "there-is-no-such-program");
    start(s, 1, WORDS("sleep", "600"));
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_false(s->last.ran);
    assert_said(s->last, "it took longer than 1 s");
}

static void several_run_at_once(void **state)
{
    enum {
        MANY = 20
    };
    struct scene *s = *state;
    for (int i = 0; i < MANY; i++)
        start(s, 20, WORDS("true"));
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_int_equal(s->count, MANY);
}

/* At the end nothing is heard of them any more, and nothing is left (teardown). */
static void those_that_run_are_ended(void **state)
{
    struct scene *s = *state;
    start(s, 600, WORDS("sleep", "600"));
    start(s, 600, WORDS("sh", "-c", "sleep 600 & sleep 600"));
    checker_free(s->checker);
    s->checker = NULL;
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_int_equal(s->count, 0);
}

#define EACH(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(it_tells_how_they_ended),     EACH(they_are_given_what_tasks_are_given),
        EACH(what_cannot_be_made_is_told), EACH(several_run_at_once),
        EACH(those_that_run_are_ended),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("checker", tests, NULL, NULL);
}
