/* The settings of pawl.yaml: every limit has a key that sets it within its bounds,
 * and what is refused is refused where it stands. */
#include "config/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static bool read_text(struct arena *a, const char *text, struct settings *s, struct err *err)
{
    struct yaml_reader r;
    return yaml_reader_open(&r, a, str_of_cstr(text), err) && settings_read(&r, s);
}

static size_t value_of(const struct settings *s, const struct limit *limit)
{
    size_t value;
    memcpy(&value, (const char *)s + limit->offset, sizeof(value));
    return value;
}

static void test_defaults(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "# nothing\n", "limits:\n", "bindings: []\n"};
    const struct settings expected = settings_default();
    for (size_t t = 0; t < COUNT_OF(texts); t++) {
        struct arena *a = arena_new(0);
        struct settings s;
        struct err err;
        assert_true(read_text(a, texts[t], &s, &err));
        assert_memory_equal(&s, &expected, sizeof(s));
        arena_free(a);
    }
    assert_int_equal(expected.memory_max, 512 << 20);
    assert_false(expected.aws_limits_strict);
}

/* The least, one more than it, and one less, which is refused. */
static void test_every_limit(void **state)
{
    (void)state;
    for (size_t i = 0; i < limit_count; i++) {
        for (int more = -1; more <= 1; more++) {
            struct arena *a = arena_new(0);
            struct settings s, expected = settings_default();
            struct err err;
            char text[128];
            size_t value = limits[i].least + (size_t)(int64_t)more;
            snprintf(text, sizeof(text), "limits:\n  %s: %zu\n", limits[i].name, value);
            bool good = read_text(a, text, &s, &err);
            assert_int_equal(good, more >= 0);
            if (good) {
                assert_int_equal(value_of(&s, &limits[i]), value);
                memcpy((char *)&expected + limits[i].offset, &value, sizeof(value));
                assert_memory_equal(&s, &expected, sizeof(s));
            } else {
                assert_int_equal(err.code, ERR_INVALID_CONFIG);
                assert_int_equal(err.line, 2);
                assert_non_null(strstr(err.message, limits[i].name));
            }
            arena_free(a);
        }
    }
}

static void test_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t memory_max, idle_ms;
    } cases[] = {
        {"limits: {memory_max: 128MiB, http_idle_ms: 500ms}", 128 << 20, 500},
        {"limits: {memory_max: 1 GiB, http_idle_ms: 30s}", 1 << 30, 30000},
        {"limits: {memory_max: 1048576KiB, http_idle_ms: 2min}", 1 << 30, 120000},
        {"limits: {memory_max: 67108864B, http_idle_ms: 1h}", 64 << 20, 3600000},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena *a = arena_new(0);
        struct settings s;
        struct err err;
        if (!read_text(a, cases[i].text, &s, &err))
            fail_msg("%s", err.message);
        assert_int_equal(s.memory_max, cases[i].memory_max);
        assert_int_equal(s.http.idle_ms, cases[i].idle_ms);
        arena_free(a);
    }
}

static void test_choices(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct settings s;
    struct err err;
    assert_true(read_text(a, "aws_limits: strict\nexpress_history: keep\n", &s, &err));
    assert_true(s.aws_limits_strict && s.express_history_keep);
    assert_true(read_text(a, "aws_limits: off\nexpress_history: drop\n", &s, &err));
    assert_true(!s.aws_limits_strict && !s.express_history_keep);
    assert_int_equal(s.verify, VERIFY_AS_USUAL);
    assert_true(read_text(a, "verify: on\n", &s, &err));
    assert_int_equal(s.verify, VERIFY_ON);
    assert_true(read_text(a, "verify: off\n", &s, &err));
    assert_int_equal(s.verify, VERIFY_OFF);
    arena_free(a);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
        unsigned line, column;
    } cases[] = {
        {"aws_limits: yes", "aws_limits must be off or strict", 1, 13},
        {"verify: maybe", "verify must be off or on", 1, 9},
        {"express_history: true", "express_history must be drop or keep", 1, 18},
        {"limits: 3", "limits must be a mapping", 1, 9},
        {"limits:\n  memory_mx: 3", "did you mean \"memory_max\"?", 2, 3},
        {"limits:\n  memory_max: much", "a text such as 64KiB or 512MiB", 2, 15},
        {"limits:\n  memory_max: 64s", "a text such as 64KiB or 512MiB", 2, 15},
        {"limits:\n  memory_max: 1.5GiB", "a text such as 64KiB or 512MiB", 2, 15},
        {"limits:\n  memory_max: -1", "must be from 67108864 to", 2, 15},
        {"limits:\n  memory_max: 99999999999999GiB", "a text such as", 2, 15},
        {"limits:\n  memory_max: 1048576GiB", "must be from 67108864 to", 2, 15},
        {"limits:\n  http_idle_ms: 3MiB", "a text such as 500ms or 30s", 2, 17},
        {"limits:\n  runs_live_max: 20s", "runs_live_max must be a whole number", 2, 18},
        {"limits:\n  runs_live_max: 3.5", "runs_live_max must be a whole number", 2, 18},
        {"limits:\n  runs_live_max: [1]", "runs_live_max must be a whole number", 2, 18},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena *a = arena_new(0);
        struct settings s;
        struct err err;
        assert_false(read_text(a, cases[i].text, &s, &err));
        if (!strstr(err.message, cases[i].message) || err.line != cases[i].line ||
            err.column != cases[i].column)
            fail_msg("%s: %s (%u, %u)", cases[i].text, err.message, err.line, err.column);
        arena_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults), cmocka_unit_test(test_every_limit),
        cmocka_unit_test(test_units),    cmocka_unit_test(test_choices),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
