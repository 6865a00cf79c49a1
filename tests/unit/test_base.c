/* The foundation: buffers, strings, errors, UTF-8, time, random numbers, ids,
 * Base64, digests, diagnostics. (The arena has test_arena.c.) */
#include "base/base64.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/rng.h"
#include "base/time.h"
#include "base/utf8.h"
#include "base/uuid.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

static void assert_str(struct str s, const char *expected)
{
    if (!str_eq(s, str_of_cstr(expected)))
        fail_msg("got " STR_FMT ", expected %s", STR_ARG(s), expected);
}

/* ---- buf ---- */

static void test_buf(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(0);
    assert_string_equal(buf_cstr(&b), "");
    buf_append(&b, STR("ab"));
    buf_append(&b, (struct str){0});
    buf_append_char(&b, 'c');
    buf_append_int(&b, -12);
    buf_append_int(&b, INT64_MIN);
    buf_printf(&b, "<%s>", "x");
    assert_str(buf_str(&b), "abc-12-9223372036854775808<x>");
    assert_string_equal(buf_cstr(&b), "abc-12-9223372036854775808<x>");
    buf_clear(&b);
    assert_int_equal(b.len, 0);
    for (int i = 0; i < 10000; i++)
        buf_append_int(&b, i % 10);
    assert_int_equal(b.len, 10000);
    assert_false(b.over);
    buf_release(&b);
    assert_null(b.ptr);
}

static void test_buf_maximum(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(5);
    buf_append(&b, STR("abcde"));
    assert_false(b.over);
    buf_append_char(&b, 'f');
    assert_true(b.over);
    assert_str(buf_str(&b), "abcde");
    assert_string_equal(buf_cstr(&b), "abcde");
    buf_clear(&b);
    assert_false(b.over);
    buf_printf(&b, "%d", 12345);
    assert_false(b.over);
    assert_str(buf_str(&b), "12345");
    buf_clear(&b);
    buf_printf(&b, "%d", 123456);
    assert_true(b.over);
    assert_int_equal(b.len, 0);
    assert_null(buf_reserve(&b, SIZE_MAX));
    buf_release(&b);
    assert_int_equal(b.size_max, 5);
}

/* ---- str ---- */

static void test_str_parts(void **state)
{
    (void)state;
    struct str s = STR("hello world");
    assert_true(str_eq(STR(""), (struct str){0}));
    assert_true(str_is_empty(str_of_cstr(NULL)));
    assert_str(str_slice(s, 6, 100), "world");
    assert_str(str_slice(s, 8, 2), "");
    assert_str(str_slice((struct str){0}, 1, 2), "");
    assert_true(str_starts_with(s, STR("hello")) && str_starts_with(s, STR("")));
    assert_false(str_starts_with(STR("he"), STR("hello")));
    assert_true(str_ends_with(s, STR("world")));
    assert_false(str_ends_with(STR("ld"), STR("world")));
    assert_int_equal(str_find(s, STR("o w")), 4);
    assert_int_equal(str_find(s, STR("")), 0);
    assert_int_equal(str_find(s, STR("z")), SIZE_MAX);
    assert_int_equal(str_find(STR("a"), s), SIZE_MAX);
    assert_int_equal(str_find_char(s, 'o'), 4);
    assert_int_equal(str_rfind_char(s, 'o'), 7);
    assert_int_equal(str_rfind_char(STR(""), 'o'), SIZE_MAX);
    assert_str(str_trim(STR(" \t\r\n a b \n")), "a b");
    assert_str(str_trim(STR(" \n")), "");
}

static void test_str_order(void **state)
{
    (void)state;
    assert_true(str_compare(STR("a"), STR("b")) < 0);
    assert_true(str_compare(STR("b"), STR("a")) > 0);
    assert_true(str_compare(STR("a"), STR("aa")) < 0);
    assert_true(str_compare(STR(""), (struct str){0}) == 0);
    assert_true(str_compare(STR("z"), STR("\xc3\xa9")) < 0);
    assert_true(str_hash(STR("")) == 0xcbf29ce484222325u);
    assert_true(str_hash(STR("a")) == 0xaf63dc4c8601ec8cu);
    assert_true(str_hash(STR("foobar")) == 0x85944171f73967e8u);
}

static void test_str_wildcard(void **state)
{
    (void)state;
    static const struct {
        const char *text, *pattern;
        bool matches;
    } cases[] = {
        {"", "", true},
        {"", "*", true},
        {"a", "", false},
        {"abc", "abc", true},
        {"abc", "*", true},
        {"abc", "a*", true},
        {"abc", "*c", true},
        {"abc", "a*c", true},
        {"abc", "*b*", true},
        {"abc", "a**c", true},
        {"abc", "*abc*", true},
        {"abc", "b*", false},
        {"abc", "*b", false},
        {"abc", "ab", false},
        {"aXbXc", "a*b*c", true},
        {"log-2026.txt", "log-*.txt", true},
        {"log-2026.txt.gz", "log-*.txt", false},
        {"mississippi", "m*iss*ip*i", true},
        {"mississippi", "m*iss*ix*i", false},
        {"aaab", "*aab", true},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (str_matches_wildcard(str_of_cstr(cases[i].text), str_of_cstr(cases[i].pattern)) !=
            cases[i].matches)
            fail_msg("%s like %s", cases[i].text, cases[i].pattern);
    }
}

/* Trying every place for every star would take hours. */
static void test_str_wildcard_is_linear(void **state)
{
    (void)state;
    enum {
        SIZE = 1 << 20
    };
    char *text = malloc(SIZE), *pattern = malloc(SIZE);
    assert_true(text && pattern);
    memset(text, 'a', SIZE);
    memset(pattern, 'a', SIZE);
    pattern[0] = pattern[SIZE / 2] = '*';
    pattern[SIZE / 2 - 1] = 'b';
    assert_false(str_matches_wildcard(str_of(text, SIZE), str_of(pattern, SIZE)));
    text[SIZE / 2] = 'b';
    assert_true(str_matches_wildcard(str_of(text, SIZE), str_of(pattern, SIZE - 2)));
    free(text);
    free(pattern);
}

static void test_str_to_int64(void **state)
{
    (void)state;
    int64_t x;
    assert_true(str_to_int64(STR("0"), &x) && x == 0);
    assert_true(str_to_int64(STR("-007"), &x) && x == -7);
    assert_true(str_to_int64(STR("9223372036854775807"), &x) && x == INT64_MAX);
    assert_true(str_to_int64(STR("-9223372036854775808"), &x) && x == INT64_MIN);
    static const char *const bad[] = {"",
                                      "-",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1.0",
                                      "0x1",
                                      "--1",
                                      "9223372036854775808",
                                      "-9223372036854775809"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(str_to_int64(str_of_cstr(bad[i]), &x));
}

static void test_str_distance(void **state)
{
    (void)state;
    assert_int_equal(str_distance(STR("kitten"), STR("sitting"), 10), 3);
    assert_int_equal(str_distance(STR("abc"), STR("abc"), 10), 0);
    assert_int_equal(str_distance(STR(""), STR("abc"), 10), 3);
    assert_int_equal(str_distance(STR("kitten"), STR("sitting"), 2), 2);
    char longer[100];
    memset(longer, 'a', sizeof(longer));
    assert_int_equal(str_distance(str_of(longer, 100), STR("a"), 4), 4);
}

/* ---- err ---- */

static void test_err(void **state)
{
    (void)state;
    struct err e;
    assert_false(err_set(&e, ERR_NOT_FOUND, "no %s named %d", "thing", 7));
    int line = __LINE__ - 1;
    assert_int_equal(e.code, ERR_NOT_FOUND);
    assert_string_equal(e.message, "no thing named 7");
    assert_string_equal(e.detail, "");
    assert_int_equal(e.offset, SIZE_MAX);
    assert_int_equal(e.line, 0);
    assert_int_equal(e.file_line, line);
    assert_non_null(strstr(e.file, "test_base.c"));
    err_context(&e, "while reading %s", "x");
    assert_string_equal(e.message, "while reading x: no thing named 7");
    err_detail(&e, "errno %d", 2);
    err_detail(&e, "more");
    assert_string_equal(e.detail, "errno 2; more");
    assert_false(err_set(NULL, ERR_IO, "nobody asks"));
    err_context(NULL, "x");
    err_detail(NULL, "x");
}

static void test_err_cuts_at_a_character(void **state)
{
    (void)state;
    char text[2000];
    for (size_t i = 0; i + 2 <= sizeof(text); i += 2)
        memcpy(text + i, "\xc3\xa9", 2);
    struct err e;
    for (int ascii = 0; ascii < 4; ascii++) {
        err_set(&e, ERR_IO, "%.*s%.*s", ascii, "abc", (int)sizeof(text), text);
        struct str message = str_of_cstr(e.message);
        assert_true(message.len < ERR_MESSAGE_MAX && message.len > ERR_MESSAGE_MAX - 8);
        assert_true(str_ends_with(message, STR("...")));
        assert_int_equal(utf8_valid_up_to(message), message.len);
    }
    err_context(&e, "%.*s", (int)sizeof(text), text);
    assert_true(str_ends_with(str_of_cstr(e.message), STR("...")));
    for (int i = 0; i < 100; i++)
        err_detail(&e, "%s", "0123456789");
    assert_true(strlen(e.detail) < ERR_DETAIL_MAX);
}

static void test_err_table(void **state)
{
    (void)state;
    assert_string_equal(err_name(ERR_INVALID_JSON), "INVALID_JSON");
    assert_int_equal(err_exit_status(ERR_USAGE), 2);
    assert_int_equal(err_http_status(ERR_TOO_LARGE), 413);
    for (enum err_code code = ERR_NONE + 1; code < ERR_COUNT; code++) {
        assert_true(err_exit_status(code) > 0);
        assert_true(err_http_status(code) >= 400);
        assert_true(strlen(err_remedy(code)) > 0);
    }
}

/* ---- utf8 ---- */

static void test_utf8_validity(void **state)
{
    (void)state;
    static const struct {
        struct str s;
        size_t valid;
    } cases[] = {
        {STR_INIT(""), 0},
        {STR_INIT("plain ascii, longer than eight"), 30},
        {STR_INIT("\0\x7f"), 2},
        {STR_INIT("\xc2\x80\xdf\xbf"), 4},
        {STR_INIT("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"), 12},
        {STR_INIT("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), 8},
        {STR_INIT("01234567\x80"), 8},
        {STR_INIT("0123456\xc3"), 7},
        {STR_INIT("\xc0\x80"), 0},
        {STR_INIT("\xc1\xbf"), 0},
        {STR_INIT("\xe0\x9f\xbf"), 0},
        {STR_INIT("\xf0\x8f\xbf\xbf"), 0},
        {STR_INIT("\xed\xa0\x80"), 0},
        {STR_INIT("\xed\xbf\xbf"), 0},
        {STR_INIT("\xf4\x90\x80\x80"), 0},
        {STR_INIT("\xf5\x80\x80\x80"), 0},
        {STR_INIT("\xff"), 0},
        {STR_INIT("a\xe2\x82"), 1},
        {STR_INIT("a\xf0\x9f\x98"), 1},
        {STR_INIT("a\xe2\x28\xa1"), 1},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(utf8_valid_up_to(cases[i].s), cases[i].valid);
}

/* Every code point goes out and comes back, surrogates too. */
static void test_utf8_round_trip(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        char bytes[4];
        size_t size = utf8_encode(bytes, c), offset = 0;
        struct str s = str_of(bytes, size);
        bool surrogate = c >= 0xd800 && c <= 0xdfff;
        if (utf8_next(s, &offset) != c || offset != size ||
            (utf8_valid_up_to(s) == size) == surrogate)
            fail_msg("U+%04X", (unsigned)c);
    }
}

static void test_utf8_walk(void **state)
{
    (void)state;
    struct str s = STR("a\xc3\xa9\xff\xe2\x82\xac\xe2\x82");
    static const uint32_t expected[] = {'a', 0xe9, 0xfffd, 0x20ac, 0xfffd, 0xfffd};
    size_t offset = 0;
    for (size_t i = 0; i < COUNT_OF(expected); i++)
        assert_int_equal(utf8_next(s, &offset), expected[i]);
    assert_int_equal(offset, s.len);
    assert_int_equal(utf8_length(s), COUNT_OF(expected));
    struct str text = STR("\xc3\xa9\xf0\x9f\x98\x80");
    static const size_t floors[] = {0, 0, 2, 2, 2, 2, 6, 6};
    for (size_t i = 0; i < COUNT_OF(floors); i++)
        assert_int_equal(utf8_floor(text, i), floors[i]);
}

/* ---- time ---- */

static void test_time_parse(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1969-12-31T23:59:59.999Z", -1},
        {"2024-02-29T00:00:00Z", 1709164800000},
        {"2000-02-29T00:00:00Z", 951782400000},
        {"2100-03-01T00:00:00Z", 4107542400000},
        {"2026-03-01T12:00:00.123+05:30", 1772346600123},
        {"2026-01-01T00:30:00+01:00", 1767223800000},
        {"2026-01-01T00:30:00-00:00", 1767227400000},
        {"0001-01-01T00:00:00Z", -62135596800000},
        {"9999-12-31T23:59:59.999Z", 253402300799999},
        {"1970-01-01T00:00:00.1Z", 100},
        {"1970-01-01T00:00:00.12Z", 120},
        {"1970-01-01T00:00:00.1239999999999999999999Z", 123},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct wall_ms at;
        assert_true(wall_parse(str_of_cstr(cases[i].text), &at));
        assert_int_equal(at.ms, cases[i].ms);
    }
}

static void test_time_refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "2026-03-01",
        "2026-03-01T12:00:00",
        "2026-03-01 12:00:00Z",
        "2026-03-01T12:00Z",
        "2026-03-01T12:00:00z",
        "2026-03-01t12:00:00Z",
        "2026-03-01T12:00:00.Z",
        "2026-03-01T12:00:00,5Z",
        "2026-03-01T12:00:00Z ",
        " 2026-03-01T12:00:00Z",
        "2026-3-1T12:00:00Z",
        "26-03-01T12:00:00Z",
        "+2026-03-01T12:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:60Z",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+01:60",
        "2026-01-01T00:00:00+0100",
        "2026-01-01T00:00:00+01",
        "2026-01-01T00:00:00-",
        "2026-01-01T00:00:00ZZ",
        "2026-01-01T-1:00:00Z",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct wall_ms at = {77};
        if (wall_parse(str_of_cstr(bad[i]), &at))
            fail_msg("accepted %s", bad[i]);
        assert_int_equal(at.ms, 77);
    }
}

static const char *formatted(int64_t ms)
{
    static char text[TIME_TEXT_SIZE];
    size_t len = wall_format((struct wall_ms){ms}, text);
    assert_int_equal(len, strlen(text));
    return text;
}

static void test_time_format(void **state)
{
    (void)state;
    assert_string_equal(formatted(0), "1970-01-01T00:00:00.000Z");
    assert_string_equal(formatted(-1), "1969-12-31T23:59:59.999Z");
    assert_string_equal(formatted(-86400000), "1969-12-31T00:00:00.000Z");
    assert_string_equal(formatted(1709164800000), "2024-02-29T00:00:00.000Z");
    assert_string_equal(formatted(-62135596800001), "0000-12-31T23:59:59.999Z");
    assert_string_equal(formatted(INT64_MAX), "9999-12-31T23:59:59.999Z");
    assert_string_equal(formatted(INT64_MIN), "0000-01-01T00:00:00.000Z");
}

/* Every day of 1895 to 2405, a whole round of the leap years, there and back. */
static void test_time_every_day(void **state)
{
    (void)state;
    const int64_t day_ms = 86400000, first = -2366755200000, last = 13758249600000;
    for (int64_t ms = first; ms <= last; ms += day_ms) {
        char text[TIME_TEXT_SIZE];
        struct wall_ms back;
        size_t len = wall_format((struct wall_ms){ms + 12345}, text);
        if (!wall_parse(str_of(text, len), &back) || back.ms != ms + 12345)
            fail_msg("%s", text);
    }
}

/* ---- rng, uuid ---- */

static void test_rng(void **state)
{
    (void)state;
    struct rng seeded = rng_seeded(1234567); /* splitmix64's published outputs */
    assert_true(seeded.s[0] == 6457827717110365317u && seeded.s[1] == 3203168211198807973u);
    assert_true(seeded.s[2] == 9817491932198370423u && seeded.s[3] == 4593380528125082431u);
    struct rng r = {{1, 2, 3, 4}}; /* xoshiro256**'s own */
    static const uint64_t expected[] = {11520, 0, 1509978240, 1215971899390074240u,
                                        1216172134540287360u};
    for (size_t i = 0; i < COUNT_OF(expected); i++)
        assert_true(rng_next(&r) == expected[i]);
    size_t seen[3] = {0};
    for (int i = 0; i < 30000; i++) {
        double x = rng_double(&r);
        assert_true(x >= 0 && x < 1);
        seen[rng_below(&r, 3)]++;
    }
    for (size_t i = 0; i < COUNT_OF(seen); i++)
        assert_in_range(seen[i], 9500, 10500);
    assert_int_equal(rng_below(&r, 1), 0);
}

static void test_java_random(void **state)
{
    (void)state;
    static const struct {
        int64_t seed;
        double first;
        int32_t below_100[5], below_16[5], bits[2], below_big[3];
    } cases[] = {
        {42,
         0.7275636800328681,
         {30, 63, 48, 84, 70},
         {11, 0, 10, 0, 4},
         {-1170105035, 234785527},
         {117392763, 102948884, 662969970}},
        {0,
         0.730967787376657,
         {60, 48, 29, 47, 15},
         {11, 13, 3, 9, 10},
         {-1155484576, -723955400},
         {516548029, 663681053, 251269761}},
        {-1,
         0.26894263088050496,
         {13, 25, 79, 39, 4},
         {4, 7, 0, 8, 10},
         {1155099827, 1887904451},
         {577549913, 943952225, 26349579}},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct java_random r = java_random_seeded(cases[i].seed);
        assert_true(java_random_double(&r) == cases[i].first);
        struct java_random a = java_random_seeded(cases[i].seed), b = a, c = a, d = a;
        for (size_t k = 0; k < 5; k++) {
            assert_int_equal(java_random_int(&a, 100), cases[i].below_100[k]);
            assert_int_equal(java_random_int(&b, 16), cases[i].below_16[k]);
        }
        for (size_t k = 0; k < 2; k++)
            assert_int_equal(java_random_bits(&c, 32), cases[i].bits[k]);
        for (size_t k = 0; k < 3; k++)
            assert_int_equal(java_random_int(&d, (1 << 30) + 1), cases[i].below_big[k]);
    }
}

static struct str uuid_text(struct uuid u, char to[static UUID_TEXT_LEN])
{
    uuid_format(u, to);
    return str_of(to, UUID_TEXT_LEN);
}

static void test_uuid(void **state)
{
    (void)state;
    char text[UUID_TEXT_LEN];
    struct uuid dns, again;
    assert_true(uuid_parse(STR("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), &dns));
    assert_str(uuid_text(dns, text), "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
    /* RFC 9562, appendix A.4 */
    assert_str(uuid_text(uuid_v5(dns, STR("www.example.com")), text),
               "2ed6657d-e927-568b-95e1-2665a8aea6a2");
    struct rng r = rng_seeded(1);
    struct str v4 = uuid_text(uuid_v4(&r), text);
    assert_int_equal(v4.ptr[14], '4');
    assert_non_null(strchr("89ab", v4.ptr[19]));
    assert_true(uuid_parse(v4, &again));
    struct str v7 = uuid_text(uuid_v7((struct wall_ms){0x017f22e279b0}, &r), text);
    assert_true(str_starts_with(v7, STR("017f22e2-79b0-7")));
    assert_non_null(strchr("89ab", v7.ptr[19]));
    struct uuid earlier = uuid_v7((struct wall_ms){1000}, &r);
    struct uuid later = uuid_v7((struct wall_ms){1001}, &r);
    assert_true(memcmp(&earlier, &later, sizeof(earlier)) < 0);
    assert_true(uuid_parse(STR("6BA7B810-9DAD-11D1-80B4-00C04FD430C8"), &again));
    assert_memory_equal(&again, &dns, sizeof(dns));
    static const char *const bad[] = {"",
                                      "6ba7b8109dad11d180b400c04fd430c8",
                                      "6ba7b810-9dad-11d1-80b4-00c04fd430c",
                                      "6ba7b810-9dad-11d1-80b4-00c04fd430cg",
                                      "6ba7b810 9dad-11d1-80b4-00c04fd430c8",
                                      "6ba7b81-09dad-11d1-80b4-00c04fd430c8"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(uuid_parse(str_of_cstr(bad[i]), &again));
}

/* ---- base64, hash, diag ---- */

static void test_base64(void **state)
{
    (void)state;
    static const struct {
        const char *data, *text;
    } cases[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xfb\xff\xbf", "+/+/"},
    };
    struct arena *a = arena_new(0);
    struct str data;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str text = str_of_cstr(cases[i].text);
        assert_str(base64_encode(a, str_of_cstr(cases[i].data)), cases[i].text);
        assert_true(base64_decode(a, text, &data));
        assert_str(data, cases[i].data);
        while (text.len && text.ptr[text.len - 1] == '=')
            text.len--;
        assert_true(base64_decode(a, text, &data));
        assert_str(data, cases[i].data);
    }
    static const char *const bad[] = {"Z",     "=",     "==",       "====",     "Zg=",
                                      "Zg===", "Zm9v=", "Zm9v====", "Zm8=Zm8=", "Zm 9v",
                                      "Zm9-",  "Zm9_",  "Zm9v\n",   "Z===",     "\xc3\xa9\xc3\xa9"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (base64_decode(a, str_of_cstr(bad[i]), &data))
            fail_msg("decoded %s", bad[i]);
    }
    assert_false(base64_decode(a, STR("Zm\0v"), &data));
    arena_free(a);
}

static void test_digests(void **state)
{
    (void)state;
    static const struct {
        const char *algorithm, *hex;
    } cases[] = {
        {"MD5", "900150983cd24fb0d6963f7d28e17f72"},
        {"SHA-1", "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {"SHA-256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"SHA-384", "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                    "8086072ba1e7cc2358baeca134c825a7"},
        {"SHA-512", "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
        {"sha-256", ""},
        {"SHA256", ""},
        {"", ""},
    };
    char hex[DIGEST_HEX_MAX];
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t len = digest_hex(str_of_cstr(cases[i].algorithm), STR("abc"), hex);
        assert_str(str_of(hex, len), cases[i].hex);
    }
    assert_int_equal(digest_hex(STR("MD5"), (struct str){0}, hex), 32);
    assert_str(str_of(hex, 32), "d41d8cd98f00b204e9800998ecf8427e");
    assert_true(checksum64(STR("")) == 0x2d06800538d394c2u);
    assert_true(checksum64(STR("a")) != checksum64(STR("b")));
}

static void test_diag(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct diag_list list = diag_list(a);
    char message[] = "message";
    diag_add(&list, (struct diag){.severity = DIAG_WARNING, .message = str_of_cstr(message)});
    message[0] = '?';
    assert_str(list.items[0].message, "message");
    assert_int_equal(list.error_count, 0);
    for (int i = 0; i < DIAG_COUNT_MAX + 5; i++)
        diag_add(&list, (struct diag){.code = "X", .pointer = STR("/a"), .remedy = STR("do")});
    assert_int_equal(list.count, DIAG_COUNT_MAX);
    assert_int_equal(list.error_count, DIAG_COUNT_MAX + 5);
    assert_str(list.items[DIAG_COUNT_MAX - 1].pointer, "/a");
    arena_free(a);
}

/* ---- panic ---- */

static jmp_buf after_panic;
static const char *panic_what;

static void remember_panic(const char *file, int line, const char *what)
{
    (void)file;
    (void)line;
    panic_what = what;
    longjmp(after_panic, 1);
}

static void test_assertions_reach_the_handler(void **state)
{
    (void)state;
    panic_handler_set(remember_panic);
    struct rng r = rng_seeded(1);
    if (setjmp(after_panic) == 0)
        rng_below(&r, 0);
    panic_handler_set(NULL);
    assert_non_null(panic_what);
    assert_non_null(strstr(panic_what, "bound > 0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buf),
        cmocka_unit_test(test_buf_maximum),
        cmocka_unit_test(test_str_parts),
        cmocka_unit_test(test_str_order),
        cmocka_unit_test(test_str_wildcard),
        cmocka_unit_test(test_str_wildcard_is_linear),
        cmocka_unit_test(test_str_to_int64),
        cmocka_unit_test(test_str_distance),
        cmocka_unit_test(test_err),
        cmocka_unit_test(test_err_cuts_at_a_character),
        cmocka_unit_test(test_err_table),
        cmocka_unit_test(test_utf8_validity),
        cmocka_unit_test(test_utf8_round_trip),
        cmocka_unit_test(test_utf8_walk),
        cmocka_unit_test(test_time_parse),
        cmocka_unit_test(test_time_refuses),
        cmocka_unit_test(test_time_format),
        cmocka_unit_test(test_time_every_day),
        cmocka_unit_test(test_rng),
        cmocka_unit_test(test_java_random),
        cmocka_unit_test(test_uuid),
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_digests),
        cmocka_unit_test(test_diag),
        cmocka_unit_test(test_assertions_reach_the_handler),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
