/* Making, reading, comparing, copying, writing and finding JSON values. */
#include "json/json.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include <locale.h>
#include <math.h>
#include <stdio.h>

static int setup(void **state)
{
    *state = arena_new(0);
    return 0;
}

static int teardown(void **state)
{
    arena_free(*state);
    return 0;
}

static struct json parsed(struct arena *a, const char *text)
{
    struct json v;
    struct err e;
    struct json_limits limits = {0};
    if (!json_parse(a, str_of_cstr(text), limits, JSON_DUPLICATES_LAST, &v, &e))
        fail_msg("%s: %s", text, e.message);
    return v;
}

static void assert_str(struct str s, const char *expected)
{
    if (!str_eq(s, str_of_cstr(expected)))
        fail_msg("got " STR_FMT ", expected %s", STR_ARG(s), expected);
}

static void assert_text(struct arena *a, struct json v, const char *expected)
{
    assert_str(json_text(a, v), expected);
}

/* ---- making and reading ---- */

static void test_types(void **state)
{
    struct arena *a = *state;
    assert_int_equal(json_type(JSON_NONE), JSON_ABSENT);
    assert_true(json_is_absent(JSON_NONE) && !json_is_null(JSON_NONE));
    assert_string_equal(json_type_name(JSON_NONE), "absent");
    assert_string_equal(json_type_name(json_null()), "null");
    assert_string_equal(json_type_name(json_bool(false)), "boolean");
    assert_string_equal(json_type_name(json_int(1)), "number");
    assert_string_equal(json_type_name(json_double(1.5)), "number");
    assert_string_equal(json_type_name(parsed(a, "1")), "number");
    assert_string_equal(json_type_name(json_string(STR(""))), "string");
    assert_string_equal(json_type_name(json_array(NULL, 0)), "array");
    assert_string_equal(json_type_name(json_object(NULL, 0)), "object");
    assert_int_equal(sizeof(struct json), 16);
    assert_true(json_is_true(json_bool(true)) && !json_is_true(json_bool(false)));
    assert_true(json_is_bool(json_bool(false)) && !json_is_bool(json_null()));
}

static void test_reading_the_wrong_type_is_harmless(void **state)
{
    (void)state;
    struct json one = json_int(1);
    assert_int_equal(json_str(one).len, 0);
    assert_int_equal(json_count(one), 0);
    assert_true(json_is_absent(json_at(one, 0)));
    assert_null(json_members(one));
    assert_true(json_is_absent(json_get(one, STR("a"))));
    assert_true(json_is_absent(json_get(json_array(NULL, 0), STR("a"))));
    assert_true(json_to_double(json_null()) == 0);
    int64_t x = 7;
    assert_false(json_to_int64(json_string(STR("1")), &x));
    assert_int_equal(x, 7);
}

static void test_builders(void **state)
{
    struct arena *a = *state;
    struct json_array_builder list = json_array_builder(a);
    for (int i = 0; i < 20; i++)
        json_array_add(&list, json_int(i));
    struct json array = json_array_done(&list);
    assert_int_equal(json_count(array), 20);
    assert_true(json_equal(json_at(array, 19), json_int(19)));
    assert_true(json_is_absent(json_at(array, 20)));

    struct json_object_builder o = json_object_builder(a);
    json_object_add(&o, STR("a"), json_int(1));
    json_object_add(&o, STR("nothing"), JSON_NONE);
    json_object_put(&o, STR("b"), json_null());
    json_object_put(&o, STR("a"), json_stringf(a, "%d-%s", 7, "x"));
    assert_text(a, json_object_done(&o), "{\"a\":\"7-x\",\"b\":null}");
    o = json_object_builder(a);
    assert_text(a, json_object_done(&o), "{}");
}

static void test_with_and_without(void **state)
{
    struct arena *a = *state;
    struct json v = parsed(a, "{\"a\":1,\"b\":2}");
    assert_text(a, json_object_with(a, v, STR("a"), json_null()), "{\"a\":null,\"b\":2}");
    assert_text(a, json_object_with(a, v, STR("c"), json_int(3)), "{\"a\":1,\"b\":2,\"c\":3}");
    assert_text(a, json_object_with(a, JSON_NONE, STR("c"), json_int(3)), "{\"c\":3}");
    assert_text(a, json_object_without(a, v, STR("a")), "{\"b\":2}");
    assert_text(a, json_object_without(a, v, STR("b")), "{\"a\":1}");
    assert_text(a, json_object_without(a, v, STR("c")), "{\"a\":1,\"b\":2}");
    assert_text(a, json_object_without(a, parsed(a, "{\"a\":1}"), STR("a")), "{}");
    assert_text(a, v, "{\"a\":1,\"b\":2}");
}

static void test_get(void **state)
{
    struct arena *a = *state;
    struct json v = parsed(a, "{\"a\":1,\"ab\":2,\"\":3,\"b\\u0000\":4}");
    assert_text(a, json_get(v, STR("ab")), "2");
    assert_text(a, json_get(v, STR("")), "3");
    assert_text(a, json_get(v, STR("b\0")), "4");
    assert_true(json_is_absent(json_get(v, STR("b"))));
}

/* ---- numbers ---- */

static void test_to_int64(void **state)
{
    struct arena *a = *state;
    static const struct {
        const char *text;
        int64_t value;
    } whole[] = {
        {"0", 0},
        {"-0", 0},
        {"0.000", 0},
        {"0e99999999999999999999", 0},
        {"1.0", 1},
        {"1e2", 100},
        {"-1.50e1", -15},
        {"12300e-2", 123},
        {"0.00012e5", 12},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
        {"-9223372036854775.808e3", INT64_MIN},
        {"1000000000000000000", 1000000000000000000},
        {"10000000000000000000000e-10", 1000000000000},
    };
    for (size_t i = 0; i < COUNT_OF(whole); i++) {
        int64_t x;
        assert_true(json_to_int64(parsed(a, whole[i].text), &x));
        assert_int_equal(x, whole[i].value);
    }
    static const char *const others[] = {"0.5",
                                         "1e-1",
                                         "9223372036854775808",
                                         "-9223372036854775809",
                                         "1e19",
                                         "99999999999999999999",
                                         "1e99999999999999999999",
                                         "1e-99999999999999999999",
                                         "1.00000000000000000000001"};
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        int64_t x;
        assert_false(json_to_int64(parsed(a, others[i]), &x));
    }
    int64_t x;
    assert_true(json_to_int64(json_double(-0x1p63), &x) && x == INT64_MIN);
    assert_false(json_to_int64(json_double(0x1p63), &x));
    assert_false(json_to_int64(json_double(0.5), &x));
    assert_true(json_to_int64(json_int(-5), &x) && x == -5);
}

static void test_to_double(void **state)
{
    struct arena *a = *state;
    static const struct {
        const char *text;
        double value;
    } cases[] = {
        {"0", 0},
        {"-1.25", -1.25},
        {"0.1", 0.1},
        {"123456789012345678", 123456789012345678.0},
        {"9007199254740993", 9007199254740992.0},
        {"1e22", 1e22},
        {"1e23", 1e23},
        {"1e-22", 1e-22},
        {"1.7976931348623157e308", 0x1.fffffffffffffp1023},
        {"2.2250738585072011e-308", 0x0.fffffffffffffp-1022},
        {"4.9e-324", 0x1p-1074},
        {"1e-400", 0},
        {"1e400", HUGE_VAL},
        {"-1e99999999999999999999", -HUGE_VAL},
        {"0.000000000000000000000000000000000000000000000000012345e46", 0.00012345},
        /* Half way between two doubles, and a digit more far behind. */
        {"9007199254740993.0000000000000000000000000000000000000000000001", 9007199254740994.0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (json_to_double(parsed(a, cases[i].text)) != cases[i].value)
            fail_msg("%s is %a", cases[i].text, json_to_double(parsed(a, cases[i].text)));
    }
    assert_true(signbit(json_to_double(parsed(a, "-0.0"))));
    /* Half way again, decided by the 2000th digit. */
    struct buf b = BUF_INIT(0);
    buf_append(&b, STR("9007199254740993."));
    for (int i = 0; i < 2000; i++)
        buf_append_char(&b, '0');
    assert_true(json_to_double(json_number_text(buf_str(&b))) == 9007199254740992.0);
    buf_append_char(&b, '1');
    assert_true(json_to_double(json_number_text(buf_str(&b))) == 9007199254740994.0);
    buf_release(&b);
}

static void test_doubles_as_javascript_writes_them(void **state)
{
    struct arena *a = *state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-0.0, "0"},
        {1, "1"},
        {-1.5, "-1.5"},
        {0.1, "0.1"},
        {0.1 + 0.2, "0.30000000000000004"},
        {100, "100"},
        {123456789, "123456789"},
        {4.35, "4.35"},
        {1.0 / 3, "0.3333333333333333"},
        {2.0 / 3, "0.6666666666666666"},
        {1e20, "100000000000000000000"},
        {123456789012345680000.0, "123456789012345680000"},
        {1e21, "1e+21"},
        {1.5e21, "1.5e+21"},
        {-1e-7, "-1e-7"},
        {1e-6, "0.000001"},
        {1.25e-6, "0.00000125"},
        {1.25e-7, "1.25e-7"},
        {9007199254740991.0, "9007199254740991"},
        {9007199254740993.0, "9007199254740992"},
        {9007199254740994.0, "9007199254740994"},
        {0x1p63, "9223372036854776000"},
        {0x1p-44, "5.684341886080802e-14"},
        {5e-324, "5e-324"},
        {1e-323, "1e-323"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {2.225073858507201e-308, "2.225073858507201e-308"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {9.5367431640625e-7, "9.5367431640625e-7"},
        {299792.458, "299792.458"},
        {-0.000001234, "-0.000001234"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_text(a, json_double(cases[i].value), cases[i].text);
}

static void test_numbers_whatever_the_locale(void **state)
{
    struct arena *a = *state;
    static const char *const locales[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "ru_RU.UTF-8", "ps_AF"};
    size_t tried = 0;
    for (size_t i = 0; i < COUNT_OF(locales); i++) {
        if (!setlocale(LC_ALL, locales[i]))
            continue;
        tried++;
        assert_text(a, json_double(0.1 + 0.2), "0.30000000000000004");
        assert_text(a, json_double(1.5), "1.5");
        assert_text(a, json_double(-1.25e-9), "-1.25e-9");
        assert_true(json_to_double(parsed(a, "123456789012345678.5")) == 123456789012345678.5);
    }
    setlocale(LC_ALL, "C");
    if (!tried)
        printf("# no locale with a decimal comma is installed; LOCPATH may name some\n");
}

static void test_ints(void **state)
{
    struct arena *a = *state;
    assert_text(a, json_int(0), "0");
    assert_text(a, json_int(INT64_MAX), "9223372036854775807");
    assert_text(a, json_int(INT64_MIN), "-9223372036854775808");
    assert_text(a, json_number_text(STR("1.0")), "1.0");
}

/* ---- equality, copies ---- */

static void test_equal(void **state)
{
    struct arena *a = *state;
    static const char *const same[][2] = {
        {"1", "1.0"},
        {"100", "1e2"},
        {"-0", "0"},
        {"-0.0e5", "0"},
        {"0.1", "0.10"},
        {"1e400", "10e399"},
        {"123456789012345678901234567890.5", "1234567890123456789012345678905e-1"},
        {"\"\\u0061\"", "\"a\""},
        {"[1,[2,{}]]", "[1.0,[2,{}]]"},
        {"{\"a\":1,\"b\":[2]}", "{\"b\":[2],\"a\":1}"},
        {"{}", "{}"},
    };
    for (size_t i = 0; i < COUNT_OF(same); i++) {
        if (!json_equal(parsed(a, same[i][0]), parsed(a, same[i][1])))
            fail_msg("%s and %s", same[i][0], same[i][1]);
    }
    static const char *const different[][2] = {
        {"1", "2"},
        {"1", "\"1\""},
        {"null", "false"},
        {"true", "false"},
        {"0", "false"},
        {"9007199254740992", "9007199254740993"},
        {"9223372036854775808", "9223372036854775809"},
        {"1e400", "1e401"},
        {"1e400", "-1e400"},
        {"0.1", "0.10000000000000000001"},
        {"\"a\"", "\"A\""},
        {"[]", "{}"},
        {"[1]", "[1,1]"},
        {"[1,2]", "[2,1]"},
        {"{\"a\":1}", "{\"a\":2}"},
        {"{\"a\":1}", "{\"b\":1}"},
        {"{\"a\":1,\"b\":2}", "{\"b\":2,\"c\":1}"},
        {"{\"a\":1,\"b\":2}", "{\"b\":1,\"a\":2}"},
        {"[[[[1]]]]", "[[[[2]]]]"},
    };
    for (size_t i = 0; i < COUNT_OF(different); i++) {
        if (json_equal(parsed(a, different[i][0]), parsed(a, different[i][1])))
            fail_msg("%s and %s", different[i][0], different[i][1]);
    }
    assert_true(json_equal(JSON_NONE, JSON_NONE));
    assert_false(json_equal(JSON_NONE, json_null()));
    assert_true(json_equal(json_double(2), json_int(2)));
    assert_true(json_equal(json_double(0.1), parsed(a, "0.1")));
    assert_true(json_equal(json_double(0x1p62), parsed(a, "4611686018427388000")));
    assert_false(json_equal(json_double(0x1p53), json_int(9007199254740993)));
    assert_false(json_equal(json_double(0.5), json_int(0)));
    assert_false(json_equal(json_double(0x1p63), json_int(INT64_MAX)));
}

static void test_copy_and_size(void **state)
{
    struct arena *a = *state;
    char text[] = "{\"key\":[1.25,\"text\",{\"n\":null,\"t\":true}],\"e\":[],\"o\":{}}";
    struct json v = parsed(a, text);
    struct arena *other = arena_new(0);
    struct json copy = json_copy(other, v);
    assert_int_equal(json_size(v), arena_used(other));
    memset(text, '?', sizeof(text));
    assert_text(a, copy, "{\"key\":[1.25,\"text\",{\"n\":null,\"t\":true}],\"e\":[],\"o\":{}}");
    arena_free(other);
    assert_int_equal(json_size(json_int(5)), 0);
    assert_int_equal(json_size(json_string(STR("abc"))), 3);
}

/* Values that programs build may be deeper than any text. */
static void test_deep_values(void **state)
{
    struct arena *a = *state;
    enum {
        DEPTH = 300000
    };
    struct json v = json_int(1), w = json_int(1);
    for (int i = 0; i < DEPTH; i++) {
        struct json_object_builder o = json_object_builder(a);
        json_object_add(&o, STR("x"), v);
        json_object_add(&o, STR("y"), json_null());
        v = json_object_done(&o);
        o = json_object_builder(a);
        json_object_add(&o, STR("y"), json_null());
        json_object_add(&o, STR("x"), w);
        w = json_object_done(&o);
    }
    assert_true(json_equal(v, w));
    assert_true(json_equal(json_copy(a, v), v));
    assert_int_equal(json_text(a, v).len, DEPTH * strlen("{\"x\":,\"y\":null}") + 1);
}

/* ---- text ---- */

static void test_write_strings(void **state)
{
    struct arena *a = *state;
    static const struct {
        struct str bytes;
        const char *text;
    } cases[] = {
        {{NULL, 0}, "\"\""},
        {STR_INIT("plain"), "\"plain\""},
        {STR_INIT("\"\\/\b\f\n\r\t"), "\"\\\"\\\\/\\b\\f\\n\\r\\t\""},
        {STR_INIT("\0\x01\x1f\x7f"), "\"\\u0000\\u0001\\u001f\x7f\""},
        {STR_INIT("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z"),
         "\"a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z\""},
        {STR_INIT("\xed\xa0\xbdx\xed\xb8\x80"), "\"\\ud83dx\\ude00\""},
        {STR_INIT("\xff\xc3 \xe2\x82"), "\"\xef\xbf\xbd\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd\""},
        {STR_INIT("\xef\xbf\xbd"), "\"\xef\xbf\xbd\""},
        {STR_INIT("0123456789abcdef0123456789abcde\n0123456789"),
         "\"0123456789abcdef0123456789abcde\\n0123456789\""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_text(a, json_string(cases[i].bytes), cases[i].text);
        assert_text(a, json_string_copy(a, cases[i].bytes), cases[i].text);
        struct buf b = BUF_INIT(0);
        buf_append(&b, STR("x="));
        json_write_string(&b, cases[i].bytes);
        assert_str(str_slice(buf_str(&b), 2, b.len), cases[i].text);
        buf_release(&b);
    }
}

static void test_write_pretty(void **state)
{
    struct arena *a = *state;
    struct buf b = BUF_INIT(0);
    json_write_pretty(&b, parsed(a, "{\"a\":[],\"b\":{},\"c\":[1,{\"d\":\"e\"}],\"f\":null}"));
    assert_str(buf_str(&b), "{\n"
                            "  \"a\": [],\n"
                            "  \"b\": {},\n"
                            "  \"c\": [\n"
                            "    1,\n"
                            "    {\n"
                            "      \"d\": \"e\"\n"
                            "    }\n"
                            "  ],\n"
                            "  \"f\": null\n"
                            "}");
    buf_clear(&b);
    json_write_pretty(&b, json_int(1));
    assert_str(buf_str(&b), "1");
    buf_release(&b);
}

/* A buffer that holds the text to the byte takes it; one byte less does not. */
static void test_write_meets_the_maximum(void **state)
{
    struct arena *a = *state;
    struct json v = parsed(a, "{\"a\":[1,true,\"\\u0001\xc3\xa9\",\"b\"],\"cd\":{\"e\":-1.5}}");
    struct json_object_builder o = json_object_builder(a);
    json_object_add(&o, STR("name"), v);
    json_object_add(&o, STR("int"), json_int(-17));
    json_object_add(&o, STR("double"), json_double(0.5));
    v = json_object_done(&o);
    struct str whole = json_text(a, v);
    for (size_t maximum = 1; maximum <= whole.len + 1; maximum++) {
        struct buf b = BUF_INIT(maximum);
        json_write(&b, v);
        assert_int_equal(b.over, maximum < whole.len);
        assert_true(b.len <= maximum);
        assert_memory_equal(b.ptr, whole.ptr, b.len);
        if (!b.over)
            assert_true(str_eq(buf_str(&b), whole));
        buf_release(&b);
    }
}

static void test_write_appends(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(0);
    for (int i = 0; i < 1000; i++) {
        json_write(&b, json_int(i));
        buf_append_char(&b, ' ');
    }
    assert_int_equal(b.len, 10 * 2 + 90 * 3 + 900 * 4);
    assert_true(str_ends_with(buf_str(&b), STR(" 998 999 ")));
    buf_release(&b);
}

/* ---- pointers and places ---- */

static void test_pointer(void **state)
{
    struct arena *a = *state;
    struct json v = parsed(a, "{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"m~n\":8,"
                              "\"~1\":9,\"o\":{\"p\":{\"\":10}}}");
    static const struct {
        const char *pointer, *text; /* NULL: leads nowhere */
    } cases[] = {
        {"/foo", "[\"bar\",\"baz\"]"},
        {"/foo/0", "\"bar\""},
        {"/foo/1", "\"baz\""},
        {"/", "0"},
        {"/a~1b", "1"},
        {"/c%d", "2"},
        {"/m~0n", "8"},
        {"/~01", "9"},
        {"/o/p/", "10"},
        {"/foo/2", NULL},
        {"/foo/01", NULL},
        {"/foo/-", NULL},
        {"/foo/", NULL},
        {"/foo/99999999999999999999", NULL},
        {"/foo/0/x", NULL},
        {"/bar", NULL},
        {"/m~n", NULL},
        {"/m~2n", NULL},
        {"foo", NULL},
    };
    assert_true(json_equal(json_pointer(v, STR("")), v));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct json found = json_pointer(v, str_of_cstr(cases[i].pointer));
        if (cases[i].text)
            assert_text(a, found, cases[i].text);
        else
            assert_true(json_is_absent(found));
    }
    struct str p = json_pointer_child(a, STR(""), STR("a/b~c"));
    assert_str(p, "/a~1b~0c");
    assert_str(json_pointer_item(a, p, 12), "/a~1b~0c/12");
}

static void test_locate(void **state)
{
    (void)state;
    struct str text = STR("{\n"
                          "  \"States\": {\n"
                          "    \"a/b\": [10, {\"x\": \"}\\\"]\"}, -2.5e3 ],\n"
                          "    \"\\u00e9~\" : true,\n"
                          "    \"dup\": 1, \"dup\": 2\n"
                          "  }\n"
                          "}");
    static const struct {
        const char *pointer;
        bool key;
        uint32_t line, column;
        const char *text;
    } cases[] = {
        {"/States/a~1b/0", false, 3, 13, "10"},
        {"/States/a~1b/1", false, 3, 17, "{\"x\": \"}\\\"]\"}"},
        {"/States/a~1b/1/x", false, 3, 23, "\"}\\\"]\""},
        {"/States/a~1b/1/x", true, 3, 18, "\"x\""},
        {"/States/a~1b/2", false, 3, 32, "-2.5e3"},
        {"/States/a~1b/2", true, 3, 32, "-2.5e3"},
        {"/States/\xc3\xa9~0", false, 4, 17, "true"},
        {"/States/\xc3\xa9~0", true, 4, 5, "\"\\u00e9~\""},
        {"/States/dup", false, 5, 22, "2"},
        {"/States/a~1b/7", false, 3, 12, "[10, {\"x\": \"}\\\"]\"}, -2.5e3 ]"},
        {"/States/a~1b/1/no/more", true, 3, 17, "{\"x\": \"}\\\"]\"}"},
        {"/States/dup/deeper", false, 5, 22, "2"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct json_place place = json_locate(text, str_of_cstr(cases[i].pointer), cases[i].key);
        assert_str(str_slice(text, place.offset, place.offset + place.length), cases[i].text);
        assert_int_equal(place.line, cases[i].line);
        assert_int_equal(place.column, cases[i].column);
    }
    struct json_place root = json_locate(text, STR(""), true);
    assert_int_equal(root.offset, 0);
    assert_int_equal(root.length, text.len);
    root = json_locate(text, STR("/nothing"), false);
    assert_int_equal(root.length, text.len);
}

static void test_locate_in_what_is_no_json(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",  "{",      "{\"",     "[",          "[,,]",        "{\"a\"", "{\"a\":", "{\"a\" 1}",
        "]", "{\"a\\", "[1 2 3]", "{\"a\":[1}", "{\"a\":\"\\", "[[[[1,", "{\"\\u12"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct str text = str_of_cstr(texts[i]);
        struct json_place place = json_locate(text, STR("/a/1"), true);
        assert_true(place.offset + place.length <= text.len);
        place = json_locate(text, STR("/1"), false);
        assert_true(place.offset + place.length <= text.len);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_types),
        TEST(test_reading_the_wrong_type_is_harmless),
        TEST(test_builders),
        TEST(test_with_and_without),
        TEST(test_get),
        TEST(test_to_int64),
        TEST(test_to_double),
        TEST(test_doubles_as_javascript_writes_them),
        TEST(test_numbers_whatever_the_locale),
        TEST(test_ints),
        TEST(test_equal),
        TEST(test_copy_and_size),
        TEST(test_deep_values),
        TEST(test_write_strings),
        TEST(test_write_pretty),
        TEST(test_write_meets_the_maximum),
        TEST(test_write_appends),
        TEST(test_pointer),
        TEST(test_locate),
        TEST(test_locate_in_what_is_no_json),
    };
#undef TEST
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
