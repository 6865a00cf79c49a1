/* What json_parse takes and refuses, where it says the fault is, and its limits. */
#include "base/hash.h"
#include "json/json.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

static struct json_limits no_limits;

static bool parse(struct arena *a, struct str text, struct json *ret_value, struct err *reterr)
{
    return json_parse(a, text, no_limits, JSON_DUPLICATES_LAST, ret_value, reterr);
}

static void assert_str(struct str s, const char *expected)
{
    assert_int_equal(s.len, strlen(expected));
    assert_memory_equal(s.ptr ? s.ptr : "", expected, s.len);
}

/* ---- the grammar ---- */

static const struct {
    struct str text;
    const char *written; /* NULL: the text itself */
} accepted[] = {
    {STR_INIT("null"), NULL},
    {STR_INIT("true"), NULL},
    {STR_INIT("false"), NULL},
    {STR_INIT("0"), NULL},
    {STR_INIT("-0"), NULL},
    {STR_INIT("-1"), NULL},
    {STR_INIT("0.0"), NULL},
    {STR_INIT("1.0"), NULL},
    {STR_INIT("1.50"), NULL},
    {STR_INIT("-0.0e-0"), NULL},
    {STR_INIT("0e1"), NULL},
    {STR_INIT("0e+1"), NULL},
    {STR_INIT("20e1"), NULL},
    {STR_INIT("1E22"), NULL},
    {STR_INIT("1E-2"), NULL},
    {STR_INIT("1E+2"), NULL},
    {STR_INIT("123.456e78"), NULL},
    {STR_INIT("1e999999999999"), NULL},
    {STR_INIT("-237462374673276894279832749832423479823246327846"), NULL},
    {STR_INIT("0.00000000000000000000000000000000000000000000000001"), NULL},
    {STR_INIT("\"\""), NULL},
    {STR_INIT("\"asd\""), NULL},
    {STR_INIT("\" \""), NULL},
    {STR_INIT("\"a/*b*/c\""), NULL},
    {STR_INIT("\"\x7f\""), NULL},
    {STR_INIT("\"\\u0061\\u30af\\u30EA\""), "\"aクリ\""},
    {STR_INIT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), "\"\\\"\\\\/\\b\\f\\n\\r\\t\""},
    {STR_INIT("\"\\u0000\""), NULL},
    {STR_INIT("\"\\u001f\""), NULL},
    {STR_INIT("\"\\u0012\\u000c\""), "\"\\u0012\\f\""},
    {STR_INIT("\"\\\\u0000\""), NULL},
    {STR_INIT("\"\\ud801\\udc37\""), "\"\xf0\x90\x90\xb7\""},
    {STR_INIT("\"\\uD83D\\uDE39\\uD83d\\uDC8d\""), "\"\xf0\x9f\x98\xb9\xf0\x9f\x92\x8d\""},
    {STR_INIT("\"\\uDBFF\\uDFFF\""), "\"\xf4\x8f\xbf\xbf\""},
    {STR_INIT("\"\\uFFFF\\ufdd0\""), "\"\xef\xbf\xbf\xef\xb7\x90\""},
    {STR_INIT("\"\\u2028\xe2\x80\xa9\""), "\"\xe2\x80\xa8\xe2\x80\xa9\""},
    {STR_INIT("\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""),
     NULL},
    {STR_INIT("\"\xed\x9f\xbf\xee\x80\x80\""), NULL},
    {STR_INIT("[]"), NULL},
    {STR_INIT("{}"), NULL},
    {STR_INIT("[[]   ]"), "[[]]"},
    {STR_INIT("[\"\"]"), NULL},
    {STR_INIT("[null, 1, \"1\", {}]"), "[null,1,\"1\",{}]"},
    {STR_INIT("[1\n,1\r\n,\t2 ]"), "[1,1,2]"},
    {STR_INIT("{\"\":0}"), NULL},
    {STR_INIT("{\"a\":[],\"b\":{\"c\":null}}"), NULL},
    {STR_INIT("{\"foo\\u0000bar\": 42}"), "{\"foo\\u0000bar\":42}"},
    {STR_INIT("{\"a\" : 1 , \"b\"\n:\t2}"), "{\"a\":1,\"b\":2}"},
    {STR_INIT(" \t\r\n[] \t\r\n"), "[]"},
    {STR_INIT("{\"a\":\"b\",\"a\":\"c\"}"), "{\"a\":\"c\"}"},
};

static void test_accepts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(accepted); i++) {
        struct arena *a = arena_new(0);
        struct json v;
        struct err e;
        if (!parse(a, accepted[i].text, &v, &e))
            fail_msg("refused " STR_FMT ": %s", STR_ARG(accepted[i].text), e.message);
        struct str text = json_text(a, v);
        struct str expected =
            accepted[i].written ? str_of_cstr(accepted[i].written) : accepted[i].text;
        if (!str_eq(text, expected))
            fail_msg("wrote " STR_FMT " for " STR_FMT, STR_ARG(text), STR_ARG(accepted[i].text));
        arena_free(a);
    }
}

/* The text and the offset of the fault. */
static const struct {
    struct str text;
    size_t offset;
} refused[] = {
    {STR_INIT(""), 0},
    {STR_INIT(" "), 1},
    {STR_INIT("\xef\xbb\xbf{}"), 0},
    {STR_INIT("\xef\xbb\xbf"), 0},
    {STR_INIT("\0"), 0},
    {STR_INIT("[1,]"), 3},
    {STR_INIT("[,1]"), 1},
    {STR_INIT("[1,,2]"), 3},
    {STR_INIT("[,]"), 1},
    {STR_INIT("[1:2]"), 2},
    {STR_INIT("[1 true]"), 3},
    {STR_INIT("[\"a\" \"b\"]"), 5},
    {STR_INIT("[1"), 2},
    {STR_INIT("[1,"), 3},
    {STR_INIT("["), 1},
    {STR_INIT("]"), 0},
    {STR_INIT("[}"), 1},
    {STR_INIT("{]"), 1},
    {STR_INIT("[]]"), 2},
    {STR_INIT("[][]"), 2},
    {STR_INIT("{}}"), 2},
    {STR_INIT("{"), 1},
    {STR_INIT("{\"a\""), 4},
    {STR_INIT("{\"a\":"), 5},
    {STR_INIT("{\"a\":1"), 6},
    {STR_INIT("{\"a\":1,}"), 7},
    {STR_INIT("{\"a\":1,,\"b\":2}"), 7},
    {STR_INIT("{,}"), 1},
    {STR_INIT("{:1}"), 1},
    {STR_INIT("{\"a\" 1}"), 5},
    {STR_INIT("{\"a\"::1}"), 5},
    {STR_INIT("{\"a\",1}"), 4},
    {STR_INIT("{\"a\":1 \"b\":2}"), 7},
    {STR_INIT("{a:1}"), 1},
    {STR_INIT("{'a':1}"), 1},
    {STR_INIT("{1:1}"), 1},
    {STR_INIT("{null:1}"), 1},
    {STR_INIT("{[]:1}"), 1},
    {STR_INIT("{\"a\":1}/**/"), 7},
    {STR_INIT("{\"a\":1}#"), 7},
    {STR_INIT("[1]x"), 3},
    {STR_INIT("1 2"), 2},
    {STR_INIT("nul"), 0},
    {STR_INIT("Null"), 0},
    {STR_INIT("nulll"), 4},
    {STR_INIT("TRUE"), 0},
    {STR_INIT("truth"), 0},
    {STR_INIT("fals"), 0},
    {STR_INIT("undefined"), 0},
    {STR_INIT("NaN"), 0},
    {STR_INIT("Infinity"), 0},
    {STR_INIT("-Infinity"), 1},
    {STR_INIT("-"), 1},
    {STR_INIT("--1"), 1},
    {STR_INIT("+1"), 0},
    {STR_INIT("01"), 0},
    {STR_INIT("-01"), 1},
    {STR_INIT("00"), 0},
    {STR_INIT("1."), 2},
    {STR_INIT(".5"), 0},
    {STR_INIT("-.5"), 1},
    {STR_INIT("1.e1"), 2},
    {STR_INIT("1e"), 2},
    {STR_INIT("1e+"), 3},
    {STR_INIT("1eE2"), 2},
    {STR_INIT("1.2.3"), 3},
    {STR_INIT("0x1f"), 1},
    {STR_INIT("1_000"), 1},
    {STR_INIT("1a"), 1},
    {STR_INIT("\xef\xbc\x91"), 0}, /* a full-width 1 */
    {STR_INIT("[1\x0c]"), 2},
    {STR_INIT("[\x0b]"), 1},
    {STR_INIT("[\xc2\xa0]"), 1},     /* no-break space */
    {STR_INIT("[\xe2\x81\xa0]"), 1}, /* word joiner */
    {STR_INIT("[\"a\0\"]"), 3},
    {STR_INIT("\""), 0},
    {STR_INIT("\"abc"), 0},
    {STR_INIT("[\"a\\"), 3},
    {STR_INIT("\"\\\""), 0},
    {STR_INIT("'a'"), 0},
    {STR_INIT("\"new\nline\""), 4},
    {STR_INIT("\"tab\there\""), 4},
    {STR_INIT("\"\x1f\""), 1},
    {STR_INIT("\"\\x00\""), 1},
    {STR_INIT("\"\\a\""), 1},
    {STR_INIT("\"\\'\""), 1},
    {STR_INIT("\"\\\0\""), 1},
    {STR_INIT("\"\\U0041\""), 1},
    {STR_INIT("\"ab\\u\""), 3},
    {STR_INIT("\"\\u00\""), 1},
    {STR_INIT("\"\\u00A\""), 1},
    {STR_INIT("\"\\u00G0\""), 1},
    {STR_INIT("\"\\u-123\""), 1},
    {STR_INIT("\"\\ud834\\\""), 0},
    {STR_INIT("\"\\ud834\\u\""), 7},
    {STR_INIT("\"\\\xf0\x9f\x8c\x80\""), 1},
    {STR_INIT("\"\x80\""), 1},
    {STR_INIT("\"ab\xff\""), 3},
    {STR_INIT("\"\xc0\xaf\""), 1},         /* longer than needed */
    {STR_INIT("\"\xe0\x80\xaf\""), 1},     /* longer than needed */
    {STR_INIT("\"\xf0\x80\x80\xaf\""), 1}, /* longer than needed */
    {STR_INIT("\"\xed\xa0\x80\""), 1},     /* a surrogate in UTF-8 */
    {STR_INIT("\"\xf4\x90\x80\x80\""), 1}, /* above U+10FFFF */
    {STR_INIT("\"\xfc\x80\x80\x80\x80\x80\""), 1},
    {STR_INIT("\"\xe4\xb8\""), 1},
    {STR_INIT("\"\xe4\xb8\xad\xe4\""), 4},
    {STR_INIT("{\"\xff\":1}"), 2},
    {STR_INIT("[\"0123456789abcdef\x01\"]"), 18},
    {STR_INIT("[\"0123456789abcdefghijklmnopqrstuvwxyz\xff\"]"), 38},
};

static void test_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        struct arena *a = arena_new(0);
        struct json v;
        struct err e;
        if (parse(a, refused[i].text, &v, &e))
            fail_msg("accepted " STR_FMT, STR_ARG(refused[i].text));
        if (e.code != ERR_INVALID_JSON || e.offset != refused[i].offset)
            fail_msg(STR_FMT ": %s at %zu: %s", STR_ARG(refused[i].text), err_name(e.code),
                     e.offset, e.message);
        assert_int_equal(e.line, 1);
        assert_int_equal(e.column, e.offset + 1);
        arena_free(a);
    }
}

/* Every cut of a valid text is refused, and none is read beyond its end. */
static void test_refuses_every_cut(void **state)
{
    (void)state;
    struct str whole = STR("{\"name\": [1.5e3, \"\\u00e9\\ud83d\\ude00\xc3\xa9\", true, null, "
                           "{\"x\": false}], \"long enough for blocks\": {}}");
    for (size_t len = 0; len < whole.len; len++) {
        struct arena *a = arena_new(0);
        char *exact = malloc(len ? len : 1);
        assert_non_null(exact);
        memcpy(exact, whole.ptr, len);
        struct json v;
        struct err e;
        assert_false(parse(a, str_of(exact, len), &v, &e));
        assert_int_equal(e.code, ERR_INVALID_JSON);
        assert_true(e.offset <= len);
        free(exact);
        arena_free(a);
    }
}

static void test_error_says_where(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct json v;
    struct err e;
    assert_false(parse(a, STR("{\n  \"a\": 1,\r\n  \"b\": \xc3\xa9\n}"), &v, &e));
    assert_int_equal(e.line, 3);
    assert_int_equal(e.column, 8);
    assert_string_equal(e.message, "expected a value, found byte 0xc3 (line 3, column 8)");
    assert_false(parse(a, STR("[1\n 2]"), &v, &e));
    assert_string_equal(e.message, "expected ',' or ']', found '2' (line 2, column 2)");
    assert_false(parse(a, STR("[1]"), &v, NULL) && parse(a, STR("["), &v, NULL));
    arena_free(a);
}

/* ---- strings ---- */

static void test_strings(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct str text = STR("[\"plain\", \"a\\u0000b\", \"\\ud83d\", \"\\ude00\\ud83dx\", "
                          "\"\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82, 0123456789\"]");
    struct json v;
    assert_true(parse(a, text, &v, NULL));
    struct str plain = json_str(json_at(v, 0));
    assert_str(plain, "plain");
    assert_ptr_equal(plain.ptr, text.ptr + 2); /* borrowed */
    assert_int_equal(json_str(json_at(v, 1)).len, 3);
    assert_memory_equal(json_str(json_at(v, 1)).ptr, "a\0b", 3);
    assert_str(json_str(json_at(v, 2)), "\xed\xa0\xbd");
    assert_str(json_str(json_at(v, 3)), "\xed\xb8\x80\xed\xa0\xbdx");
    assert_ptr_equal(json_str(json_at(v, 4)).ptr, strstr(text.ptr, "\xd0\xbf"));
    arena_free(a);
}

/* A special byte at every distance from every alignment. */
static void test_strings_of_every_length(void **state)
{
    (void)state;
    static const char *const specials[] = {"\\n", "\xc3\xa9", "\xf0\x9f\x98\x80"};
    static const char *const meanings[] = {"\n", "\xc3\xa9", "\xf0\x9f\x98\x80"};
    for (size_t before = 0; before < 40; before++) {
        for (size_t s = 0; s < COUNT_OF(specials); s++) {
            char text[128], expected[128];
            snprintf(text, sizeof(text), "\"%.*s%s%.*s\"", (int)before,
                     "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz", specials[s],
                     (int)before / 2, "01234567890123456789");
            snprintf(expected, sizeof(expected), "%.*s%s%.*s", (int)before,
                     "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz", meanings[s],
                     (int)before / 2, "01234567890123456789");
            struct arena *a = arena_new(0);
            struct json v;
            assert_true(parse(a, str_of_cstr(text), &v, NULL));
            assert_str(json_str(v), expected);
            assert_str(json_text(a, v), text);
            arena_free(a);
        }
    }
}

/* ---- limits ---- */

static void test_depth_limit(void **state)
{
    (void)state;
    enum {
        DEPTH = JSON_DEPTH_MAX
    };
    char text[2 * DEPTH + 2];
    memset(text, '[', DEPTH);
    memset(text + DEPTH, ']', DEPTH);
    struct arena *a = arena_new(0);
    struct json v;
    struct err e;
    assert_true(parse(a, str_of(text, 2 * DEPTH), &v, &e));
    memset(text, '[', DEPTH + 1);
    memset(text + DEPTH + 1, ']', DEPTH + 1);
    assert_false(parse(a, str_of(text, sizeof(text)), &v, &e));
    assert_int_equal(e.code, ERR_TOO_DEEP);
    assert_int_equal(e.offset, DEPTH);
    struct json_limits two = {.depth_max = 2};
    assert_true(json_parse(a, STR("[[],{}]"), two, JSON_DUPLICATES_LAST, &v, &e));
    assert_false(json_parse(a, STR("[{\"a\":[]}]"), two, JSON_DUPLICATES_LAST, &v, &e));
    assert_int_equal(e.code, ERR_TOO_DEEP);
    assert_int_equal(e.offset, 6);
    arena_free(a);
}

static void test_any_depth_when_asked(void **state)
{
    (void)state;
    enum {
        DEPTH = 1000000
    };
    char *text = malloc(2 * DEPTH);
    assert_non_null(text);
    memset(text, '[', DEPTH);
    memset(text + DEPTH, ']', DEPTH);
    struct arena *a = arena_new(0);
    struct json v;
    struct json_limits limits = {.depth_max = DEPTH};
    assert_true(json_parse(a, str_of(text, 2 * DEPTH), limits, JSON_DUPLICATES_LAST, &v, NULL));
    struct json copy = json_copy(a, v);
    assert_true(json_equal(v, copy));
    assert_int_equal(json_size(v), (DEPTH - 1) * sizeof(struct json));
    struct str written = json_text(a, copy);
    assert_int_equal(written.len, 2 * DEPTH);
    assert_memory_equal(written.ptr, text, written.len);
    arena_free(a);
    free(text);
}

static void test_size_limit(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct json v;
    struct err e;
    struct json_limits five = {.size_max = 5};
    assert_true(json_parse(a, STR("[1,2]"), five, JSON_DUPLICATES_LAST, &v, &e));
    assert_false(json_parse(a, STR("[1,22]"), five, JSON_DUPLICATES_LAST, &v, &e));
    assert_int_equal(e.code, ERR_TOO_LARGE);
    assert_int_equal(e.offset, 5);
    assert_false(json_parse_copy(a, STR("[1,22]"), five, &v, &e));
    assert_int_equal(e.code, ERR_TOO_LARGE);
    arena_free(a);
}

static void test_memory_limit(void **state)
{
    (void)state;
    static const char *const items[] = {"0,", "[],", "\"\\n\",", "\"\",", "{\"a\":0},"};
    for (size_t i = 0; i < COUNT_OF(items); i++) {
        struct buf b = BUF_INIT(0);
        buf_append_char(&b, '[');
        for (size_t k = 0; k < 20000; k++)
            buf_append(&b, str_of_cstr(items[i]));
        buf_append(&b, STR("0]"));
        struct arena *a = arena_new(64 << 10);
        struct json v;
        struct err e;
        assert_false(parse(a, buf_str(&b), &v, &e));
        assert_int_equal(e.code, ERR_MEMORY_LIMIT);
        assert_true(arena_used(a) <= 64 << 10);
        arena_free(a);
        a = arena_new(0);
        assert_true(parse(a, buf_str(&b), &v, &e));
        assert_int_equal(json_count(v), 20001);
        arena_free(a);
        buf_release(&b);
    }
}

static void test_copy_outlives_its_text(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    char text[] = "{\"a\":[\"b\",1.5]}";
    struct json v;
    assert_true(json_parse_copy(a, str_of_cstr(text), no_limits, &v, NULL));
    memset(text, 'x', sizeof(text));
    assert_str(json_text(a, v), "{\"a\":[\"b\",1.5]}");
    struct arena *tight = arena_new(8);
    struct err e;
    assert_false(json_parse_copy(tight, STR("[1,2,3,4,5]"), no_limits, &v, &e));
    assert_int_equal(e.code, ERR_MEMORY_LIMIT);
    arena_free(tight);
    arena_free(a);
}

/* ---- repeated names ---- */

static void test_duplicates(void **state)
{
    (void)state;
    static const struct {
        const char *text, *last;
        size_t offset; /* of the second one */
    } cases[] = {
        {"{\"a\":1,\"a\":2}", "{\"a\":2}", 7},
        {"{\"a\":1,\"b\":2,\"a\":3,\"c\":4,\"a\":5}", "{\"a\":5,\"b\":2,\"c\":4}", 13},
        {"{\"a\":1,\"\\u0061\":2}", "{\"a\":2}", 7},
        {"{\"\":1, \"x\":{\"k\" : {} ,\"k\":[]},\"\":2}", "{\"\":2,\"x\":{\"k\":[]}}", 22},
        {"[{\"b\\n\":[\"}\",{}],\"b\\u000a\":null}]", "[{\"b\\n\":null}]", 17},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena *a = arena_new(0);
        struct str text = str_of_cstr(cases[i].text);
        struct json v;
        struct err e;
        assert_true(parse(a, text, &v, &e));
        assert_str(json_text(a, v), cases[i].last);
        assert_false(json_parse(a, text, no_limits, JSON_DUPLICATES_REFUSE, &v, &e));
        assert_int_equal(e.code, ERR_INVALID_JSON);
        assert_int_equal(e.offset, cases[i].offset);
        arena_free(a);
    }
}

/* An object of `count` members m0, m1, ... whose last one repeats number `repeat`. */
static struct str big_object(struct buf *b, size_t count, size_t repeat)
{
    buf_clear(b);
    for (size_t i = 0; i < count; i++)
        buf_printf(b, "%c\"m%zu\":%zu", i ? ',' : '{', i, i);
    buf_printf(b, ",\"m%zu\":-1}", repeat);
    return buf_str(b);
}

static void test_duplicates_among_many(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(0);
    for (size_t count = 30; count < 70; count++) {
        struct arena *a = arena_new(0);
        struct str text = big_object(&b, count, count / 2);
        struct json v;
        struct err e;
        assert_true(parse(a, text, &v, &e));
        assert_int_equal(json_count(v), count);
        int64_t value;
        assert_true(json_to_int64(json_members(v)[count / 2].value, &value));
        assert_int_equal(value, -1);
        assert_false(json_parse(a, text, no_limits, JSON_DUPLICATES_REFUSE, &v, &e));
        assert_int_equal(e.offset, str_rfind_char(text, ',') + 1);
        text = big_object(&b, count, count);
        assert_true(json_parse(a, text, no_limits, JSON_DUPLICATES_REFUSE, &v, &e));
        assert_int_equal(json_count(v), count + 1);
        arena_free(a);
    }
    buf_release(&b);
}

/* Names chosen so that all ask for one slot of the hash table. */
static void test_names_that_collide(void **state)
{
    (void)state;
    enum {
        COUNT = 200,
        SLOTS = 512
    };
    struct buf b = BUF_INIT(0);
    unsigned last = 0, candidate = 0;
    for (unsigned found = 0; found < COUNT; candidate++) {
        char name[16];
        int len = snprintf(name, sizeof(name), "n%u", candidate);
        if (checksum64(str_of(name, (size_t)len)) % SLOTS)
            continue;
        buf_printf(&b, "%c\"%s\":%u", found ? ',' : '{', name, found);
        last = candidate;
        found++;
    }
    size_t len = b.len;
    buf_append_char(&b, '}');
    struct arena *a = arena_new(0);
    struct json v;
    struct err e;
    assert_true(json_parse(a, buf_str(&b), no_limits, JSON_DUPLICATES_REFUSE, &v, &e));
    assert_int_equal(json_count(v), COUNT);
    b.len = len;
    buf_printf(&b, ",\"n%u\":-1}", last);
    assert_false(json_parse(a, buf_str(&b), no_limits, JSON_DUPLICATES_REFUSE, &v, &e));
    assert_int_equal(e.offset, len + 1);
    arena_free(a);
    buf_release(&b);
}

/* Quadratic work on these would take minutes. */
static void test_a_hundred_thousand_members(void **state)
{
    (void)state;
    enum {
        COUNT = 100000
    };
    struct buf b = BUF_INIT(0);
    struct arena *a = arena_new(0);
    struct json v, reversed;
    assert_true(parse(a, big_object(&b, COUNT, 7), &v, NULL));
    assert_int_equal(json_count(v), COUNT);
    struct json_object_builder o = json_object_builder(a);
    for (size_t i = COUNT; i-- > 0;)
        json_object_add(&o, json_str(json_members(v)[i].key), json_members(v)[i].value);
    reversed = json_object_done(&o);
    assert_true(json_equal(v, reversed));
    assert_false(json_equal(v, json_object_with(a, reversed, STR("m500"), json_null())));
    arena_free(a);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_refuses_every_cut),
        cmocka_unit_test(test_error_says_where),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_strings_of_every_length),
        cmocka_unit_test(test_depth_limit),
        cmocka_unit_test(test_any_depth_when_asked),
        cmocka_unit_test(test_size_limit),
        cmocka_unit_test(test_memory_limit),
        cmocka_unit_test(test_copy_outlives_its_text),
        cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_duplicates_among_many),
        cmocka_unit_test(test_names_that_collide),
        cmocka_unit_test(test_a_hundred_thousand_members),
    };
    return cmocka_run_group_tests_name("json parse", tests, NULL, NULL);
}
