/* YAML as Pawl takes it: what becomes of each form, what is refused and where. */
#include "json/yaml.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

static struct json_limits no_limits;

static void assert_str(struct str s, const char *expected)
{
    if (!str_eq(s, str_of_cstr(expected)))
        fail_msg("got " STR_FMT ", expected %s", STR_ARG(s), expected);
}

/* YAML and the JSON that it means. */
static const struct {
    const char *yaml, *json;
} meanings[] = {
    {"a", "\"a\""},
    {"---\n", "null"},
    {"--- # nothing\n...\n", "null"},
    {"%YAML 1.2\n---\n[]\n", "[]"},
    {"\xef\xbb\xbf"
     "a: 1\n",
     "{\"a\":1}"},
    {"a: 1\nb: [x, {y: z}]\n", "{\"a\":1,\"b\":[\"x\",{\"y\":\"z\"}]}"},
    {"- 1\n- - 2\n  - 3\n-\n- k: v\n", "[1,[2,3],null,{\"k\":\"v\"}]"},
    {"[~, null, Null, NULL, nULL, '', \"\", 'null']",
     "[null,null,null,null,\"nULL\",\"\",\"\",\"null\"]"},
    {"[true, True, TRUE, false, False, FALSE, tRUE, yes, no, on, off, y]",
     "[true,true,true,false,false,false,\"tRUE\",\"yes\",\"no\",\"on\",\"off\",\"y\"]"},
    {"[0, -0, 12, -7, 1.50, 1e3, 1E+3, 2.5e-1]", "[0,-0,12,-7,1.50,1e3,1E+3,2.5e-1]"},
    {"[012, 0x10, 0o7, +1, .5, 1., 1_000, .inf, .nan, -, 1:30]",
     "[\"012\",\"0x10\",\"0o7\",\"+1\",\".5\",\"1.\",\"1_000\",\".inf\",\".nan\",\"-\",\"1:30\"]"},
    {"[2026-03-01, 2026-03-01T12:00:00Z, 1.2.3]",
     "[\"2026-03-01\",\"2026-03-01T12:00:00Z\",\"1.2.3\"]"},
    {"['1', \"true\", 'it''s', \"\\u00e9\\0\\x41\\n\"]",
     "[\"1\",\"true\",\"it's\",\"\xc3\xa9\\u0000A\\n\"]"},
    {"[!!str 1, !!int 1, !!float 1.5, !!float 1, !!bool true, !!null ~, !!null '', ! 12]",
     "[\"1\",1,1.5,1,true,null,null,\"12\"]"},
    {"!!map {a: !!seq [1]}", "{\"a\":[1]}"},
    {"1: a\ntrue: b\n~: c\n1.50: d\n", "{\"1\":\"a\",\"true\":\"b\",\"~\":\"c\",\"1.50\":\"d\"}"},
    {"? a\n: 1\n? b\n", "{\"a\":1,\"b\":null}"},
    {"'<<': 1\n", "{\"<<\":1}"},
    {"a: |\n  x\n  y\nb: >-\n  x\n  y\n", "{\"a\":\"x\\ny\\n\",\"b\":\"x y\"}"},
    {"a: &x {b: 1}\nc: *x\nd: [*x, *x]\n",
     "{\"a\":{\"b\":1},\"c\":{\"b\":1},\"d\":[{\"b\":1},{\"b\":1}]}"},
    {"[&x 1, *x, &x 2, *x, &y s, *y]", "[1,1,2,2,\"s\",\"s\"]"},
    {"&k a: *k\n", "{\"a\":\"a\"}"},
    {"\"a\" : {\"b\":[1,2,{\"c\":null}]}", "{\"a\":{\"b\":[1,2,{\"c\":null}]}}"},
};

static void test_meanings(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(meanings); i++) {
        struct arena *a = arena_new(0);
        struct json v;
        struct err e;
        if (!yaml_parse(a, str_of_cstr(meanings[i].yaml), no_limits, &v, &e))
            fail_msg("%s: %s", meanings[i].yaml, e.message);
        assert_str(json_text(a, v), meanings[i].json);
        arena_free(a);
    }
}

/* YAML that is refused: line and column, and a word of the message. */
static const struct {
    struct str yaml;
    uint32_t line, column;
    const char *word;
} refused[] = {
    {STR_INIT(""), 1, 1, "empty"},
    {STR_INIT("# only a comment\n"), 2, 1, "empty"},
    {STR_INIT("a: 1\n---\nb: 2\n"), 2, 1, "second document"},
    {STR_INIT("a: 1\nb: 2\na: 3\n"), 3, 1, "stands twice"},
    {STR_INIT("\xc3\xa9: {b: 1, \"b\": 2}\n"), 1, 12, "stands twice"},
    {STR_INIT("1: x\n'1': y\n"), 2, 1, "stands twice"},
    {STR_INIT("x: &a {b: 1}\ny:\n  <<: *a\n"), 3, 3, "merge key"},
    {STR_INIT("a: *b\n"), 1, 4, "no anchor"},
    {STR_INIT("a: &b [1, *b]\n"), 1, 11, "inside the value"},
    {STR_INIT("a: &b c\n*b : d\n"), 2, 1, "alias cannot be a key"},
    {STR_INIT("[a, b]: c\n"), 1, 1, "key must be a scalar"},
    {STR_INIT("? {a: 1}\n: c\n"), 1, 3, "key must be a scalar"},
    {STR_INIT("a: !Ref b\n"), 1, 4, "!Ref"},
    {STR_INIT("a: !GetAtt [b]\n"), 1, 4, "!GetAtt"},
    {STR_INIT("a: !!int x\n"), 1, 4, "!!int"},
    {STR_INIT("a: !!int 1.5\n"), 1, 4, "!!int"},
    {STR_INIT("a: !!binary aGk=\n"), 1, 4, "!!binary"},
    {STR_INIT("a: !!timestamp 2026-03-01\n"), 1, 4, "!!timestamp"},
    {STR_INIT("!!set {a}\n"), 1, 1, "!!set"},
    {STR_INIT("!!seq {a: b}\n"), 1, 1, "!!seq"},
    {STR_INIT("a: b: c\n"), 1, 5, "mapping values"},
    {STR_INIT("a: [1, 2\n"), 2, 1, "expected"},
    {STR_INIT("a: 'x\n"), 2, 1, "quoted scalar"},
    {STR_INIT("a: \"\\ud800\"\n"), 1, 7, "Unicode"},
    {STR_INIT("a:\n\t- b\n"), 2, 1, "token"},
    {STR_INIT("a: @b\n"), 1, 4, "token"},
    {STR_INIT("\xc3\xa9\n- \xff\n"), 2, 3, "UTF-8"},
    {STR_INIT("a: \x01\n"), 1, 4, "control characters"},
    {STR_INIT("a\0b"), 1, 2, "control characters"},
};

static void test_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        struct arena *a = arena_new(0);
        struct json v;
        struct err e;
        if (yaml_parse(a, refused[i].yaml, no_limits, &v, &e))
            fail_msg("accepted " STR_FMT, STR_ARG(refused[i].yaml));
        assert_int_equal(e.code, ERR_INVALID_YAML);
        if (e.line != refused[i].line || e.column != refused[i].column ||
            !strstr(e.message, refused[i].word))
            fail_msg(STR_FMT ": %s", STR_ARG(refused[i].yaml), e.message);
        arena_free(a);
    }
}

static void test_values_do_not_borrow_the_text(void **state)
{
    (void)state;
    char text[] = "{a: 1.5, 'b': &x long, c: *x}";
    struct arena *a = arena_new(0);
    struct json v;
    assert_true(yaml_parse(a, str_of_cstr(text), no_limits, &v, NULL));
    memset(text, '?', sizeof(text));
    assert_str(json_text(a, v), "{\"a\":1.5,\"b\":\"long\",\"c\":\"long\"}");
    arena_free(a);
}

/* ---- limits ---- */

static void test_depth_and_size(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct json v;
    struct err e;
    struct json_limits limits = {.depth_max = 2, .size_max = 20};
    assert_true(yaml_parse(a, STR("[[1]]"), limits, &v, &e));
    assert_false(yaml_parse(a, STR("a:\n- [1]"), limits, &v, &e));
    assert_int_equal(e.code, ERR_TOO_DEEP);
    assert_int_equal(e.line, 2);
    assert_int_equal(e.column, 3);
    assert_false(yaml_parse(a, STR("[1, 2, 3, 4, 5, 6, 7]"), limits, &v, &e));
    assert_int_equal(e.code, ERR_TOO_LARGE);
    arena_free(a);
}

static void test_memory(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(0);
    for (int i = 0; i < 5000; i++)
        buf_append(&b, STR("- x\n"));
    struct arena *a = arena_new(32 << 10);
    struct json v;
    struct err e;
    assert_false(yaml_parse(a, buf_str(&b), no_limits, &v, &e));
    assert_int_equal(e.code, ERR_MEMORY_LIMIT);
    assert_true(arena_used(a) <= 32 << 10);
    arena_free(a);
    buf_release(&b);
}

/* Nine times nine times nine ... of a small text. */
static void test_aliases_do_not_explode(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(0);
    buf_append(&b, STR("a0: &a0 [x, x, x, x, x, x, x, x, x]\n"));
    for (int i = 1; i < 30; i++) {
        buf_printf(&b, "a%d: &a%d [", i, i);
        for (int k = 0; k < 9; k++)
            buf_printf(&b, "%s*a%d", k ? ", " : "", i - 1);
        buf_append(&b, STR("]\n"));
    }
    struct arena *a = arena_new(1 << 20);
    struct json v;
    struct err e;
    assert_false(yaml_parse(a, buf_str(&b), no_limits, &v, &e));
    assert_int_equal(e.code, ERR_TOO_LARGE);
    arena_free(a);
    buf_clear(&b);
    for (int i = 0; i <= YAML_ANCHORS_MAX; i++)
        buf_printf(&b, "- &a%d 1\n", i);
    a = arena_new(0);
    assert_false(yaml_parse(a, buf_str(&b), no_limits, &v, &e));
    assert_int_equal(e.code, ERR_INVALID_YAML);
    assert_int_equal(e.line, YAML_ANCHORS_MAX + 1);
    arena_free(a);
    buf_release(&b);
}

/* libyaml's work on these is quadratic. */
static void test_tag_directives_are_few(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(0);
    for (int i = 0; i < YAML_TAG_DIRECTIVES_MAX; i++)
        buf_printf(&b, "%%TAG !a%d! tag:x\r\n", i);
    size_t len = b.len;
    buf_append(&b, STR("--- [a%TAG, \xc3\xa9 %TAG]\n"));
    struct arena *a = arena_new(0);
    struct json v;
    struct err e;
    assert_true(yaml_parse(a, buf_str(&b), no_limits, &v, &e));
    b.len = len;
    buf_append(&b, STR("--- a\n...\n%TAG !b! tag:x\n--- b\n"));
    assert_false(yaml_parse(a, buf_str(&b), no_limits, &v, &e));
    assert_int_equal(e.line, YAML_TAG_DIRECTIVES_MAX + 3);
    assert_non_null(strstr(e.message, "%TAG"));
    arena_free(a);
    buf_release(&b);
}

/* ---- places ---- */

static void test_locate(void **state)
{
    (void)state;
    struct str text = STR("# \xc3\xa9\n"
                          "StartAt: A\n"
                          "States:\n"
                          "  \"A/B\": &one\n"
                          "    Type: Pass\n"
                          "    List: [\xc3\xa9, 22, {x: y}]\n"
                          "  C: *one\n"
                          "  D: |\n"
                          "    text\n"
                          "Last: ~\n");
    static const struct {
        const char *pointer;
        bool key;
        uint32_t line, column;
        const char *text;
    } cases[] = {
        {"/StartAt", false, 2, 10, "A"},
        {"/StartAt", true, 2, 1, "StartAt"},
        {"/States/A~1B/Type", false, 5, 11, "Pass"},
        {"/States/A~1B/Type", true, 5, 5, "Type"},
        {"/States/A~1B", true, 4, 3, "\"A/B\""},
        {"/States/A~1B/List", false, 6, 11, "[\xc3\xa9, 22, {x: y}]"},
        {"/States/A~1B/List/1", false, 6, 16, "22"},
        {"/States/A~1B/List/2/x", true, 6, 21, "x"},
        {"/States/A~1B/List/9", false, 6, 11, "[\xc3\xa9, 22, {x: y}]"},
        {"/States/C", false, 7, 6, "*one"},
        {"/States/C", true, 7, 3, "C"},
        {"/States/C/List/2/x", false, 6, 24, "y"},
        {"/States/C/List/no", false, 6, 11, "[\xc3\xa9, 22, {x: y}]"},
        {"/States/D", false, 8, 6, "|\n    text"},
        {"/Last", false, 10, 7, "~"},
        {"/Last/x/y", true, 10, 7, "~"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct json_place place = yaml_locate(text, str_of_cstr(cases[i].pointer), cases[i].key);
        assert_str(str_slice(text, place.offset, place.offset + place.length), cases[i].text);
        assert_int_equal(place.line, cases[i].line);
        assert_int_equal(place.column, cases[i].column);
    }
    struct json_place root = yaml_locate(text, STR("/nothing"), false);
    assert_int_equal(root.line, 2);
    assert_int_equal(root.column, 1);
}

static void test_locate_in_what_is_no_yaml(void **state)
{
    (void)state;
    static const char *const texts[] = {"",        "[", "{a: ",  "a: [1, 2\nb", "*a", "&a [*a]",
                                        "a: b: c", "'", "a: *x", "- - -\n -",   "%",  "a: \x01"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct str text = str_of_cstr(texts[i]);
        struct json_place place = yaml_locate(text, STR("/a/0/0/0"), true);
        assert_true(place.offset + place.length <= text.len);
        place = yaml_locate(text, STR("/0/0/0/0"), false);
        assert_true(place.offset + place.length <= text.len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_meanings),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_values_do_not_borrow_the_text),
        cmocka_unit_test(test_depth_and_size),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_aliases_do_not_explode),
        cmocka_unit_test(test_tag_directives_are_few),
        cmocka_unit_test(test_locate),
        cmocka_unit_test(test_locate_in_what_is_no_yaml),
    };
    return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
