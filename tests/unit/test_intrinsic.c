/* Intrinsic functions: each of the 18, their errors, and the syntax of calls. */
#include "expr/intrinsic/intrinsic.h"
#include "expr_support.h"

#include <stdio.h>

static const struct intrinsic *compiled(struct fixture *f, const char *text)
{
    const struct intrinsic *call;
    struct err e;
    if (!intrinsic_compile(f->arena, str_of_cstr(text), &call, &e))
        fail_msg("%s: %s", text, e.message);
    return call;
}

struct example {
    const char *call, *input;
    const char *result; /* JSON; or what is wrong with the arguments, after "!" */
};

static void assert_failure(struct fixture *f, const struct example *e, struct expr_failure failure)
{
    struct str name = str_of_cstr(e->call);
    name = str_slice(name, 0, str_find_char(name, '('));
    struct str cause = arena_printf(f->arena,
                                    "The function '%s' had the following error: "
                                    "Invalid arguments in " STR_FMT ": %s",
                                    e->call, STR_ARG(name), e->result + 1);
    assert_text(failure.error, "States.IntrinsicFailure", e->call);
    assert_text(failure.cause, arena_cstr(f->arena, cause), e->call);
    assert_int_equal(arena_used(f->scratch), 0);
}

static void assert_example(struct fixture *f, const struct example *e)
{
    struct expr_env *env = env_of(f, e->input);
    const struct intrinsic *call = compiled(f, e->call);
    struct json value;
    struct expr_failure failure;
    bool ok = intrinsic_eval(call, STR("x.$"), env, &value, &failure);
    if (ok != (*e->result != '!')) {
        struct str got = ok ? json_text(f->arena, value) : failure.cause;
        fail_msg("%s gives " STR_FMT, e->call, STR_ARG(got));
    }
    if (ok)
        assert_result(f, value, e->result, e->call);
    else
        assert_failure(f, e, failure);
}

#define ASSERT_EXAMPLES(state, examples)                                                           \
    do {                                                                                           \
        for (size_t i = 0; i < COUNT_OF(examples); i++)                                            \
            assert_example(*(state), &(examples)[i]);                                              \
    } while (0)

/* ---- arrays ---- */

static void test_array(void **state)
{
    static const struct example examples[] = {
        {"States.Array()", "{}", "[]"},
        {"States.Array(1)", "{}", "[1]"},
        {"States.Array('a', -1.50, true, false, null, $.x, States.Array())", "{\"x\":{\"y\":[]}}",
         "[\"a\",-1.50,true,false,null,{\"y\":[]},[]]"},
    };
    ASSERT_EXAMPLES(state, examples);
}

static void test_array_partition(void **state)
{
    static const struct example examples[] = {
        {"States.ArrayPartition($, 2)", "[1,2,3,4,5]", "[[1,2],[3,4],[5]]"},
        {"States.ArrayPartition($, 1)", "[1,2]", "[[1],[2]]"},
        {"States.ArrayPartition($, 9)", "[1,2]", "[[1,2]]"},
        {"States.ArrayPartition($, 2147483647)", "[1,2]", "[[1,2]]"},
        {"States.ArrayPartition($, 3)", "[]", "[]"},
        {"States.ArrayPartition($, 1.5)", "[1,2,3]", "[[1,2],[3]]"},
        {"States.ArrayPartition($, 0)", "[1]", "!the size of a part must be above 0"},
        {"States.ArrayPartition($, -1)", "[]", "!the size of a part must be above 0"},
        {"States.ArrayPartition($, '1')", "[]", "!argument 2 must be a number, not string"},
        {"States.ArrayPartition('x', 1)", "[]", "!argument 1 must be an array, not string"},
        {"States.ArrayPartition($, 2147483648)", "[]",
         "!argument 2 must lie between -2147483648 and 2147483647"},
    };
    ASSERT_EXAMPLES(state, examples);
}

static void test_array_contains(void **state)
{
    static const struct example examples[] = {
        {"States.ArrayContains($, 2)", "[1,2]", "true"},
        {"States.ArrayContains($, 3)", "[1,2]", "false"},
        {"States.ArrayContains($, '2')", "[1,2]", "false"},
        {"States.ArrayContains($, null)", "[]", "false"},
        {"States.ArrayContains($, null)", "[null]", "true"},
        {"States.ArrayContains($.a, $.x)", "{\"a\":[{\"k\":1,\"l\":[]}],\"x\":{\"l\":[],\"k\":1}}",
         "true"},
        {"States.ArrayContains(1, 1)", "{}", "!argument 1 must be an array, not number"},
    };
    ASSERT_EXAMPLES(state, examples);
}

static void test_array_range(void **state)
{
    static const struct example examples[] = {
        {"States.ArrayRange(0, 9, 3)", "{}", "[0,3,6,9]"},
        {"States.ArrayRange(0, 10, 3)", "{}", "[0,3,6,9]"},
        {"States.ArrayRange(1, 9, 9)", "{}", "[1]"},
        {"States.ArrayRange(2, 2, 1)", "{}", "[2]"},
        {"States.ArrayRange(5, 1, -2)", "{}", "[5,3,1]"},
        {"States.ArrayRange(1, 5, -1)", "{}", "[]"},
        {"States.ArrayRange(5, 1, 1)", "{}", "[]"},
        {"States.ArrayRange(0.5, 2.4, 1.2)", "{}", "[1,2]"},
        {"States.ArrayLength(States.ArrayRange(1, 1000, 1))", "{}", "1000"},
        {"States.ArrayLength(States.ArrayRange(1000, 1, -1))", "{}", "1000"},
        {"States.ArrayRange(-2147483648, 2147483647, 2147483647)", "{}",
         "[-2147483648,-1,2147483646]"},
        {"States.ArrayRange(1, 1001, 1)", "{}", "!the range has more than 1000 elements"},
        {"States.ArrayRange(-2147483648, 2147483647, 1)", "{}",
         "!the range has more than 1000 elements"},
        {"States.ArrayRange(1, 2, 0)", "{}", "!the step must not be 0"},
        {"States.ArrayRange(1, 2, 0.4)", "{}", "!the step must not be 0"},
        {"States.ArrayRange(null, 2, 1)", "{}", "!argument 1 must be a number, not null"},
        {"States.ArrayRange(1, true, 1)", "{}", "!argument 2 must be a number, not boolean"},
    };
    ASSERT_EXAMPLES(state, examples);
}

static void test_array_items(void **state)
{
    static const struct example examples[] = {
        {"States.ArrayGetItem($, 0)", "[{\"a\":1},2]", "{\"a\":1}"},
        {"States.ArrayGetItem($, 1)", "[{\"a\":1},2]", "2"},
        {"States.ArrayGetItem($, 2)", "[1,2]", "!there is no item 2 in an array of 2"},
        {"States.ArrayGetItem($, -1)", "[1,2]", "!there is no item -1 in an array of 2"},
        {"States.ArrayGetItem($, 'a')", "[1,2]", "!argument 2 must be a number, not string"},
        {"States.ArrayGetItem($, 0)", "{}", "!argument 1 must be an array, not object"},
        {"States.ArrayLength($)", "[]", "0"},
        {"States.ArrayLength($)", "[1,[2,3]]", "2"},
        {"States.ArrayLength($)", "{}", "!argument 1 must be an array, not object"},
        {"States.ArrayLength($.x[*].y)", "{}", "0"},
    };
    ASSERT_EXAMPLES(state, examples);
}

static void test_array_unique(void **state)
{
    static const struct example examples[] = {
        {"States.ArrayUnique($)", "[]", "[]"},
        {"States.ArrayUnique($)", "[3,1,3,2,1]", "[3,1,2]"},
        {"States.ArrayUnique($)", "[1,1.0,\"1\",true,true,null,null,0,-0.0,false]",
         "[1,\"1\",true,null,0,false]"},
        {"States.ArrayUnique($)", "[[],[],[null],[null],{\"a\":1,\"b\":2},{\"b\":2,\"a\":1},{}]",
         "[[],[null],{\"a\":1,\"b\":2},{}]"},
        {"States.ArrayUnique($)", "[\"b\",\"a\",\"b\",\"B\"]", "[\"b\",\"a\",\"B\"]"},
        {"States.ArrayUnique('x')", "{}", "!argument 1 must be an array, not string"},
    };
    ASSERT_EXAMPLES(state, examples);
}

/* ---- texts ---- */

static void test_format(void **state)
{
    static const struct example examples[] = {
        {"States.Format('plain')", "{}", "\"plain\""},
        {"States.Format('')", "{}", "\"\""},
        {"States.Format('{}', 'a')", "{}", "\"a\""},
        {"States.Format('a {} b {} c', $.x, 2)", "{\"x\":\"{}\"}", "\"a {} b 2 c\""},
        {"States.Format('{}{}{}{}{}', 1, 1.10, true, null, 'x')", "{}", "\"11.10truenullx\""},
        {"States.Format('{}', $)", "{\"a\":1,\"b\":[],\"c\":{\"d\":[\"x\",null,{}]}}",
         "\"{a=1, b=[], c={d=[x, null, {}]}}\""},
        {"States.Format('{}', States.Array(1, 'a'))", "{}", "\"[1, a]\""},
        {"States.Format('\\{\\} \\'{}\\' \\\\', 1)", "{}", "\"{} '1' \\\\\""},
        {"States.Format($.t, 1)", "{\"t\":\"<{}>\"}", "\"<1>\""},
        {"States.Format($.t, 1)", "{\"t\":\"\\\\{\\\\} {} \\\\ \\\\n\"}", "\"{} 1 \\\\ \\\\n\""},
        {"States.Format('a\nb \"{}\"', 1)", "{}", "\"a\\nb \\\"1\\\"\""},
        {"States.Format('{}')", "{}", "!there are more {} than arguments"},
        {"States.Format('{}', 1, 2)", "{}", "!there are more arguments than {}"},
        {"States.Format('x', 1)", "{}", "!there are more arguments than {}"},
        {"States.Format('{', 1)", "{}", "!a brace that is no {} must be written \\{ or \\}"},
        {"States.Format('{a}', 1)", "{}", "!a brace that is no {} must be written \\{ or \\}"},
        {"States.Format('}')", "{}", "!a brace that is no {} must be written \\{ or \\}"},
        {"States.Format(1)", "{}", "!argument 1 must be a string, not number"},
    };
    ASSERT_EXAMPLES(state, examples);
}

static void test_json(void **state)
{
    static const struct example examples[] = {
        {"States.StringToJson('')", "{}", "null"},
        {"States.StringToJson(' \n')", "{}", "null"},
        {"States.StringToJson('-0')", "{}", "0"},
        {"States.StringToJson('1.10')", "{}", "1.10"},
        {"States.StringToJson('\"x\"')", "{}", "\"x\""},
        {"States.StringToJson('{\"a\": [1, {\"b\": null}]}')", "{}", "{\"a\":[1,{\"b\":null}]}"},
        {"States.StringToJson($.a)", "{\"a\":\"[\\\"\\\\u00e9\\\"]\"}", "[\"\xc3\xa9\"]"},
        {"States.StringToJson(1)", "{}", "!argument 1 must be a string, not number"},
        {"States.JsonToString($)", "{\"a\" : 1.0, \"b\" : [ null, true, \"x\\n\" ]}",
         "\"{\\\"a\\\":1.0,\\\"b\\\":[null,true,\\\"x\\\\n\\\"]}\""},
        {"States.JsonToString('x')", "{}", "\"\\\"x\\\"\""},
        {"States.JsonToString(null)", "{}", "\"null\""},
        {"States.JsonToString(States.StringToJson(States.JsonToString($)))", "[1e2]", "\"[1e2]\""},
        {"States.JsonMerge($.a, $.b, false)",
         "{\"a\":{\"x\":{\"p\":1},\"y\":2},\"b\":{\"z\":3,\"x\":{\"q\":2}}}",
         "{\"x\":{\"q\":2},\"y\":2,\"z\":3}"},
        {"States.JsonMerge($, $, false)", "{}", "{}"},
        {"States.JsonMerge($, 1, false)", "{}", "!argument 2 must be an object, not number"},
        {"States.JsonMerge(null, $, false)", "{}", "!argument 1 must be an object, not null"},
        {"States.JsonMerge($, $, true)", "{}",
         "!argument 3 must be false: deep merging is not offered"},
        {"States.JsonMerge($, $, 0)", "{}",
         "!argument 3 must be false: deep merging is not offered"},
    };
    ASSERT_EXAMPLES(state, examples);
}

static void test_invalid_json(void **state)
{
    struct fixture *f = *state;
    struct expr_env *env = env_of(f, "{}");
    struct json v;
    struct expr_failure failure;
    const struct intrinsic *call = compiled(f, "States.StringToJson('{\"a\":')");
    assert_false(intrinsic_eval(call, STR("x.$"), env, &v, &failure));
    assert_text(failure.error, "States.IntrinsicFailure", "error");
    assert_non_null(
        strstr(arena_cstr(f->arena, failure.cause), "Invalid arguments in States.StringToJson: "));
}

static void test_string_split(void **state)
{
    static const struct example examples[] = {
        {"States.StringSplit('a,b,c', ',')", "{}", "[\"a\",\"b\",\"c\"]"},
        {"States.StringSplit('This.is+a,test=string', '.+,=')", "{}",
         "[\"This\",\"is\",\"a\",\"test\",\"string\"]"},
        {"States.StringSplit(',,,,', ',')", "{}", "[]"},
        {"States.StringSplit(', , ,', ',')", "{}", "[\" \",\" \"]"},
        {"States.StringSplit('', ',')", "{}", "[]"},
        {"States.StringSplit('ab', '')", "{}", "[\"ab\"]"},
        {"States.StringSplit('a\nb', '\n')", "{}", "[\"a\",\"b\"]"},
        {"States.StringSplit('a\xc3\xa9"
         "b\xc3\xa8"
         "c', '\xc3\xa9')",
         "{}",
         "[\"a\",\"b\xc3\xa8"
         "c\"]"},
        {"States.StringSplit(1, ',')", "{}", "!argument 1 must be a string, not number"},
        {"States.StringSplit('a', null)", "{}", "!argument 2 must be a string, not null"},
    };
    ASSERT_EXAMPLES(state, examples);
}

static void test_encodings(void **state)
{
    static const struct example examples[] = {
        {"States.Base64Encode('')", "{}", "\"\""},
        {"States.Base64Encode('Data to encode')", "{}", "\"RGF0YSB0byBlbmNvZGU=\""},
        {"States.Base64Encode('\xc3\xa9')", "{}", "\"w6k=\""},
        {"States.Base64Encode(1)", "{}", "!argument 1 must be a string, not number"},
        {"States.Base64Decode('')", "{}", "\"\""},
        {"States.Base64Decode('RGF0YSB0byBlbmNvZGU=')", "{}", "\"Data to encode\""},
        {"States.Base64Decode('w6k')", "{}", "\"\xc3\xa9\""},
        {"States.Base64Decode('/0H/')", "{}",
         "\"\xef\xbf\xbd"
         "A\xef\xbf\xbd\""},
        {"States.Base64Decode('7aCA')", "{}", "\"\xef\xbf\xbd\""},
        {"States.Base64Decode('?')", "{}", "!argument 1 is not Base64"},
        {"States.Hash('input data', 'SHA-1')", "{}",
         "\"aaff4a450a104cd177d28d18d74485e8cae074b7\""},
        {"States.Hash('', 'MD5')", "{}", "\"d41d8cd98f00b204e9800998ecf8427e\""},
        {"States.Hash('abc', 'SHA-256')", "{}",
         "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\""},
        {"States.Hash('abc', 'SHA-384')", "{}",
         "\"cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
         "8086072ba1e7cc2358baeca134c825a7\""},
        {"States.Hash('abc', 'SHA-512')", "{}",
         "\"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
         "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f\""},
        {"States.Hash('abc', 'sha-256')", "{}",
         "!the algorithm is MD5, SHA-1, SHA-256, SHA-384 or SHA-512"},
        {"States.Hash('abc', 'SHA-224')", "{}",
         "!the algorithm is MD5, SHA-1, SHA-256, SHA-384 or SHA-512"},
        {"States.Hash($, 'MD5')", "{}", "!argument 1 must be a string, not object"},
    };
    ASSERT_EXAMPLES(state, examples);
}

/* 10,000 characters pass, of however many bytes; one more does not. */
static void test_long_strings(void **state)
{
    struct fixture *f = *state;
    static const char *const calls[] = {"States.Base64Encode($)", "States.Hash($, 'MD5')",
                                        "States.Base64Decode(States.Format('{}A', $))"};
    struct buf b = BUF_INIT(0);
    for (int i = 0; i < INTRINSIC_STRING_MAX; i++)
        buf_append(&b, STR("\xc3\xa9"));
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        struct expr_env *env = env_of(f, "{}");
        struct json v;
        struct expr_failure failure;
        env->input = json_string(buf_str(&b));
        bool ok = intrinsic_eval(compiled(f, calls[i]), STR("x"), env, &v, &failure);
        assert_int_equal(ok, i < 2);
    }
    buf_append_char(&b, 'x');
    for (size_t i = 0; i < 2; i++) {
        struct expr_env *env = env_of(f, "{}");
        struct json v;
        struct expr_failure failure;
        env->input = json_string(buf_str(&b));
        assert_false(intrinsic_eval(compiled(f, calls[i]), STR("x"), env, &v, &failure));
        assert_non_null(strstr(arena_cstr(f->arena, failure.cause), "longer than 10000"));
    }
    buf_release(&b);
}

/* ---- numbers ---- */

static void test_math_add(void **state)
{
    static const struct example examples[] = {
        {"States.MathAdd(111, -1)", "{}", "110"},
        {"States.MathAdd(1.5, 0)", "{}", "2"},
        {"States.MathAdd(2.5, 0)", "{}", "3"},
        {"States.MathAdd(-0.5, 0)", "{}", "0"},
        {"States.MathAdd(-1.5, 0)", "{}", "-1"},
        {"States.MathAdd(-2.5, 0)", "{}", "-2"},
        {"States.MathAdd(1.49, 1.5)", "{}", "3"},
        {"States.MathAdd(-0.5, 0.5)", "{}", "1"},
        {"States.MathAdd(0.49999999999999994, 0)", "{}", "0"},
        {"States.MathAdd(1e2, 1E+1)", "{}", "110"},
        {"States.MathAdd(2147483647, -2147483648)", "{}", "-1"},
        {"States.MathAdd(2147483647, 1)", "{}",
         "!the sum must lie between -2147483648 and 2147483647"},
        {"States.MathAdd(2147483648, 0)", "{}",
         "!argument 1 must lie between -2147483648 and 2147483647"},
        {"States.MathAdd(0, 1e999)", "{}",
         "!argument 2 must lie between -2147483648 and 2147483647"},
        {"States.MathAdd('1', 0)", "{}", "!argument 1 must be a number, not string"},
    };
    ASSERT_EXAMPLES(state, examples);
}

/* Seeded draws are java.util.Random's nextInt(end - start), from the start. */
static void test_math_random(void **state)
{
    static const struct example examples[] = {
        {"States.MathRandom(0, 10, 42)", "{}", "0"},
        {"States.MathRandom(0, 100, 42)", "{}", "30"},
        {"States.MathRandom(5, 15, 42)", "{}", "5"},
        {"States.MathRandom(0, 16, -1)", "{}", "4"},
        {"States.MathRandom(1, 2)", "{}", "1"},
        {"States.MathRandom(1, 1)", "{}", "!the start must be below the end"},
        {"States.MathRandom(2, 1, 3)", "{}", "!the start must be below the end"},
        {"States.MathRandom('a', 1)", "{}", "!argument 1 must be a number, not string"},
        {"States.MathRandom(0, 1, null)", "{}", "!argument 3 must be a number, not null"},
    };
    struct fixture *f = *state;
    ASSERT_EXAMPLES(state, examples);
    const struct intrinsic *calls[] = {
        compiled(f, "States.MathRandom(-3, 3)"),
        compiled(f, "States.MathRandom(-2147483648, 2147483647, 7)"),
        compiled(f, "States.MathRandom(-2147483648, 2147483647)"),
    };
    struct expr_env *env = env_of(f, "{}");
    for (int i = 0; i < 300; i++) {
        struct json v;
        struct expr_failure failure;
        int64_t x;
        assert_true(intrinsic_eval(calls[i % 3], STR("x"), env, &v, &failure));
        assert_true(json_to_int64(v, &x));
        int64_t bound = i % 3 == 0 ? 3 : INT32_MAX;
        assert_true(x < bound && x >= -bound - (i % 3 != 0));
    }
}

static void test_uuid(void **state)
{
    struct fixture *f = *state;
    const struct intrinsic *call = compiled(f, "States.UUID()");
    struct json first, second, again;
    struct expr_failure failure;
    assert_true(intrinsic_eval(call, STR("x"), env_of(f, "{}"), &first, &failure));
    assert_true(intrinsic_eval(call, STR("x"), &f->env, &second, &failure));
    assert_true(intrinsic_eval(call, STR("x"), env_of(f, "{}"), &again, &failure));
    assert_int_equal(json_str(first).len, 36);
    assert_int_equal(json_str(first).ptr[14], '4');
    assert_false(json_equal(first, second));
    assert_true(json_equal(first, again));
}

/* ---- syntax ---- */

static void test_syntax(void **state)
{
    static const struct example examples[] = {
        {"States.Array( 1 ,\t'a'\n, $.x )", "{\"x\":2}", "[1,\"a\",2]"},
        {"States.Array( )", "{}", "[]"},
        {"States.Array('\\'\\{\\}\\\\{}\"')", "{}", "[\"'{}\\\\{}\\\"\"]"},
        {"States.Array($['a,b'], $.c['d)'], $[?(@.e == ',)')])",
         "{\"a,b\":1,\"c\":{\"d)\":2},\"e\":\",)\"}",
         "[1,2,[{\"a,b\":1,\"c\":{\"d)\":2},\"e\":\",)\"}]]"},
        {"States.Array($.a.length(), $.b[0,1])", "{\"a\":{\"length()\":1},\"b\":[2,3]}",
         "[1,[2,3]]"},
        {"States.Array($.a[(@.length-1)] , 1)", "{\"a\":[5]}", "[5,1]"},
    };
    ASSERT_EXAMPLES(state, examples);
}

static void test_refused(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text;
        size_t offset;
        const char *words;
    } refused[] = {
        {"", 0, "must begin with 'States.'"},
        {"states.UUID()", 0, "must begin with 'States.'"},
        {"States.", 0, "there is no States."},
        {"States.UUID", 11, "'(' was expected"},
        {"States.UUID(", 12, "an argument is"},
        {"States.UUID() x", 14, "nothing can follow"},
        {"States.Array(1)[0]", 15, "nothing can follow"},
        {"States.Array(1).a", 15, "nothing can follow"},
        {"States.Fromat('{}', 1)", 0, "did you mean States.Format?"},
        {"States.Nonsense()", 0, "there is no States.Nonsense"},
        {"States.UUID(1)", 0, "takes 0 arguments, not 1"},
        {"States.MathAdd(1)", 0, "takes 2 arguments, not 1"},
        {"States.MathRandom(1)", 0, "takes 2 or 3 arguments, not 1"},
        {"States.Format()", 0, "takes at least 1 arguments, not 0"},
        {"States.Array(1,)", 15, "an argument is"},
        {"States.Array(,1)", 13, "an argument is"},
        {"States.Array(1 2)", 15, "a comma or ')' was expected"},
        {"States.Array('a''b')", 16, "a comma or ')' was expected"},
        {"States.Array('a)", 13, "does not end with a single quote"},
        {"States.Array('a\\\"b')", 15, "a backslash can only stand before"},
        {"States.Array('a\\', 1)", 13, "does not end with a single quote"},
        {"States.Array('\\n')", 14, "a backslash can only stand before"},
        {"States.Array(\"a\")", 13, "an argument is"},
        {"States.Array(01)", 13, "an argument is"},
        {"States.Array(True)", 13, "an argument is"},
        {"States.Array([1])", 13, "an argument is"},
        {"States.Array({})", 13, "an argument is"},
        {"States.Array($.)", 13, "a name was expected"},
        {"States.Array(a.b)", 13, "an argument is"},
        {"States.Array(States.Array(States.Nope()))", 26, "there is no States.Nope"},
    };
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        const struct intrinsic *call;
        struct err e = {0};
        if (intrinsic_compile(f->arena, str_of_cstr(refused[i].text), &call, &e))
            fail_msg("%s is taken", refused[i].text);
        assert_int_equal(e.code, ERR_INVALID_INTRINSIC);
        if (e.offset != refused[i].offset || !strstr(e.message, refused[i].words))
            fail_msg("%s: offset %zu: %s", refused[i].text, e.offset, e.message);
        assert_false(intrinsic_compile(f->arena, str_of_cstr(refused[i].text), &call, NULL));
    }
}

static void test_nesting(void **state)
{
    struct fixture *f = *state;
    for (int depth = 9; depth <= 12; depth++) {
        struct buf b = BUF_INIT(0);
        const struct intrinsic *call;
        struct err e;
        for (int i = 0; i < depth; i++)
            buf_append(&b, STR("States.Array("));
        for (int i = 0; i < depth; i++)
            buf_append_char(&b, ')');
        assert_int_equal(intrinsic_compile(f->arena, buf_str(&b), &call, &e),
                         depth <= INTRINSIC_NESTING_MAX);
        buf_release(&b);
    }
    struct str text =
        str_of(arena_zalloc(f->arena, 1, INTRINSIC_TEXT_MAX + 1), INTRINSIC_TEXT_MAX + 1);
    const struct intrinsic *call;
    assert_false(intrinsic_compile(f->arena, text, &call, NULL));
}

/* ---- paths in calls ---- */

static void count_variable(void *arg, struct str name)
{
    struct buf *names = arg;
    buf_append(names, name);
    buf_append_char(names, ' ');
}

static void test_references(void **state)
{
    struct fixture *f = *state;
    struct expr_env *env = env_of(f, "{\"a\":1}");
    struct json v;
    struct expr_failure failure;
    const struct intrinsic *call =
        compiled(f, " States.Array($.a, $$.State.Name, $x.y, States.Array($z, $x)) ");
    env->context = value_of(f, "{\"State\":{\"Name\":\"Here\"}}");
    f->vars.own = value_of(f, "{\"x\":{\"y\":2},\"z\":3}");
    assert_true(intrinsic_eval(call, STR("x.$"), env, &v, &failure));
    assert_result(f, v, "[1,\"Here\",2,[3,{\"y\":2}]]", "references");
    assert_true(intrinsic_uses_context(call));
    assert_false(intrinsic_uses_context(compiled(f, "States.Array($.a)")));
    struct buf names = BUF_INIT(0);
    intrinsic_each_variable(call, count_variable, &names);
    assert_text(buf_str(&names), "x z x ", "variables");
    buf_release(&names);
    assert_text(intrinsic_text(call),
                "States.Array($.a, $$.State.Name, $x.y, States.Array($z, $x))", "text");
    assert_true(intrinsic_looks_like(STR("States.Format('')")));
    assert_false(intrinsic_looks_like(STR("$.States.Format")));
}

static void test_missing_paths(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *call, *what;
    } rows[] = {
        {"States.Format('{}',$.nope)",
         "The JsonPath argument for the field '$.nope' could not be found in the input "
         "'{\"other\":1}'"},
        {"States.Array(1, States.Array($$.No.Such))",
         "The JsonPath argument for the field '$.No.Such' could not be found in the input "
         "'{\"other\":1}'"},
        {"States.Array($other[5].x)",
         "The JsonPath argument for the field '$other[5].x' could not be found in the input "
         "'{\"other\":1}'"},
        {"States.Array($.other[0])",
         "Filter: [0] can only be applied to arrays. Current context is: 1"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct expr_env *env = env_of(f, "{\"other\":1}");
        struct json v;
        struct expr_failure failure;
        env->context = value_of(f, "{\"State\":{}}");
        assert_false(intrinsic_eval(compiled(f, rows[i].call), STR("x.$"), env, &v, &failure));
        assert_text(failure.error, "States.Runtime", rows[i].call);
        struct str cause = arena_printf(f->arena, "The function '%s' had the following error: %s",
                                        rows[i].call, rows[i].what);
        assert_text(failure.cause, arena_cstr(f->arena, cause), rows[i].call);
        assert_int_equal(arena_used(f->scratch), 0);
    }
}

/* ---- budgets ---- */

static void test_budgets(void **state)
{
    struct fixture *f = *state;
    static const char *const calls[] = {
        "States.UUID()",
        "States.ArrayUnique($)",
        "States.ArrayContains($, 9)",
        "States.ArrayPartition($, 1)",
        "States.StringSplit('a,b,c,d,e,f', ',')",
        "States.JsonMerge($[0], $[0], false)",
    };
    struct json v;
    struct expr_failure failure;
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        bool ok = false;
        for (uint64_t steps = 0; !ok; steps++) {
            struct expr_env *env = env_of(f, "[{\"a\":1,\"b\":2},[1],[2],[3],4,5,4]");
            env->steps_left = steps;
            ok = intrinsic_eval(compiled(f, calls[i]), STR("x.$"), env, &v, &failure);
            assert_true(steps < 10000 && (steps > 0 || !ok));
            if (!ok)
                assert_non_null(
                    strstr(arena_cstr(f->arena, failure.cause), "expression_steps_max"));
        }
    }
    static const char *const growing[] = {"States.Format('{}{}', $, $)", "States.JsonToString($)",
                                          "States.Array($, $, $, $, $, $, $, $, $)"};
    for (size_t i = 0; i < COUNT_OF(growing); i++) {
        struct expr_env *env = env_of(f, "\"0123456789012345678901234567890123456789\"");
        const struct intrinsic *call = compiled(f, growing[i]);
        env->out = arena_new(40);
        assert_false(intrinsic_eval(call, STR("x.$"), env, &v, &failure));
        assert_non_null(strstr(arena_cstr(f->arena, failure.cause), "expression_memory_max"));
        arena_free(env->out);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_array, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_array_partition, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_array_contains, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_array_range, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_array_items, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_array_unique, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_format, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_json, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_invalid_json, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_string_split, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_encodings, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_long_strings, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_math_add, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_math_random, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_uuid, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_syntax, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_refused, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_nesting, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_references, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_missing_paths, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_budgets, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests_name("intrinsic", tests, NULL, NULL);
}
