/* JSONata's functions of strings, patterns, numbers, pictures and dates: what they give
 * (recorded from jsonata-js 2.2.2 unless said), and that hostile calls end. */
#include "expr/jsonata/jsonata.h"
#include "expr_support.h"

struct example {
    const char *expression;
    const char *result; /* JSON; "" for nothing; "!" and the code */
};

static struct str outcome_of(struct fixture *f, const char *text, uint64_t steps)
{
    const struct jsonata *e;
    struct jsonata_error error = {0};
    struct json value = JSON_NONE;
    f->rng = rng_seeded(1);
    struct jsonata_env env = {
        .now = {1700000000000}, .rng = &f->rng, .out = f->arena, .steps_left = steps};
    enum jsonata_outcome outcome = JSONATA_FAILED;
    if (jsonata_compile(f->arena, str_of_cstr(text), (struct jsonata_options){0}, &e, &error))
        outcome = jsonata_eval(e, &env, &value, &error);
    if (outcome == JSONATA_FAILED)
        return arena_printf(f->arena, "!%s", error.code);
    return outcome == JSONATA_VALUE ? json_text(f->arena, value) : STR("");
}

static void assert_examples(struct fixture *f, const struct example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_text(outcome_of(f, examples[i].expression, 1000000), examples[i].result,
                    examples[i].expression);
}

static void test_patterns(void **state)
{
    static const struct example examples[] = {
        {"$match('ab', /(a)|(b)/).groups", "[\"a\",null,null,\"b\"]"},
        {"$match('x\\u2028y', /^y/m).index", "2"},
        {"$match('😀ab', /b/).index", "3"},
        {"$contains('a\\u00a0b', /a\\sb/)", "true"},
        {"$contains('a\\n', /a$/)", "false"},
        {"$contains('A', /\\A/)", "true"},
        {"$contains('a{}', /a{}/)", "true"},
        {"$contains('é', /\\u00e9/)", "true"},
        {"$contains('😀', /^\\ud83d\\ude00$/)", "true"},
        {"$contains('abab', /^(?<x>ab)\\k<x>$/)", "true"},
        {"$replace('ba', /(?=b).*?b+/, '')", "\"a\""},
        {"$contains('b', /[^]/)", "true"},
        {"$contains('b', /[]/)", "false"},
        {"$contains('-', /[\\w-a]/)", "true"},
        {"$contains('\\ud800', /./)", "true"},
        {"$split('a1b22c', /\\d+/, 2)", "[\"a\",\"b\"]"},
        {"$split('abc', /x*/)", "!D1004"},
        {"$split('abc', /x*/, 1)", "!D1004"},
        {"$split('', /x*/)", "[\"\",\"\"]"},
        {"$split('a,b,c', ',', 1.9)", "[\"a\"]"},
        {"$split('', '')", "[]"},
        {"$replace('abc', /(a)(b)/, '$2$1$$$3$0$x$')", "\"ba$ab$x$c\""},
        {"$replace('aaa', 'a', 'b', 2)", "\"bba\""},
        {"$replace('a.b', '.', '$0')", "\"a$0b\""},
        {"$replace('ab', /./, function($m){ $uppercase($m.match) & $m.start })", "\"A0B1\""},
        {"$replace('ab', /./, function($m){ 1 })", "!D3012"},
        {"$replace('ab', '', 'c')", "!D3010"},
        {"$replace('ab', 'a', 'c', -1)", "!D3011"},
        {"$contains('a', function($s){ {'match': 'a'} })", "!T1010"},
        {"$split('a-b', function($s){ {'match':'-','start':1,'end':2,'groups':[],"
         "'next':function(){$nothing}} })",
         "[\"a\",\"b\"]"},
        {"$contains('a', /a++/)", "!S0303"},
        {"$contains('a', /(?i)a/)", "!S0303"},
        {"$contains('a', /(*ACCEPT)/)", "!S0303"},
        {"$contains('a', /[z-a]/)", "!S0303"},
    };
    assert_examples(*state, examples, COUNT_OF(examples));
}

static void test_strings(void **state)
{
    static const struct example examples[] = {
        {"$substring('a😀bc', 1, 2)", "\"😀b\""},
        {"$substring('abc', -2)", "\"bc\""},
        {"$substring('abc', -9, 2)", "\"ab\""},
        {"$substring('abc', 1.5, 1)", "\"b\""},
        {"$pad('ab', -5, '12')", "\"121ab\""},
        {"$pad('ab', 4.9)", "\"ab  \""},
        {"$trim('\\t a \\n b ')", "\"a b\""},
        {"$base64encode('é')", "\"6Q==\""},
        {"$base64decode('6Q')", "\"é\""},
        {"$base64decode('Q-_=QQ')", "\"C\u00ef\""},
        {"$encodeUrl('ä?b=c d#%')", "\"%C3%A4?b=c%20d#%25\""},
        {"$encodeUrlComponent('\\ud800')", "!D3140"},
        {"$decodeUrl('%41%3f%e2%82%ac')", "\"A%3f€\""},
        {"$decodeUrlComponent('%3f')", "\"?\""},
        {"$decodeUrl('%c0%80')", "!D3140"},
        {"$decodeUrl('%4')", "!D3140"},
        {"$join(['a','b'], '-')", "\"a-b\""},
    };
    assert_examples(*state, examples, COUNT_OF(examples));
}

static void test_numbers(void **state)
{
    static const struct example examples[] = {
        {"$string(1e18/11)", "\"90909090909090910\""},
        {"$string(0.005/0.1)", "\"0.05\""},
        {"$number('0x1F')", "31"},
        {"$number('1e400')", "!D3030"},
        {"$power(2, 0.5)", "1.4142135623730951"},
        {"$power(10, 400)", "!D3061"},
        {"$sqrt(-1)", "!D3060"},
        {"$formatBase(100, 37)", "!D3100"},
        {"$formatBase(-255, 16)", "\"-ff\""},
        {"$formatNumber(12345.678, '#,##0.00')", "\"12,345.68\""},
        {"$formatNumber(0.14, '01%')", "\"14%\""},
        {"$formatNumber(-6, '0;(0)')", "\"(6)\""},
        {"$formatNumber(1234.5678, '00.000e0')", "\"12.346e2\""},
        {"$formatNumber(0, '0.0e0')", "\"0.0e0\""},
        {"$formatNumber(1234.5, '#.##0,00', "
         "{'decimal-separator': ',', 'grouping-separator': '.'})",
         "\"1.234,50\""},
        {"$formatNumber(12, '٠٠٠', {'zero-digit': '٠'})", "\"٠١٢\""},
        {"$formatNumber(1, '0;0;0')", "!D3080"},
        {"$formatNumber(1, '0.0.0')", "!D3081"},
        {"$formatNumber(1, '0%%')", "!D3082"},
        {"$formatNumber(1, '0%‰')", "!D3084"},
        {"$formatNumber(1, '.')", "!D3085"},
        {"$formatNumber(1, '0a0')", "!D3086"},
        {"$formatNumber(1, '0,.0')", "!D3087"},
        {"$formatNumber(1, '0,')", "!D3088"},
        {"$formatNumber(1, '0,,0')", "!D3089"},
        {"$formatNumber(1, '0#')", "!D3090"},
        {"$formatNumber(1, '0.#0')", "!D3091"},
        {"$formatNumber(1, '0e0%')", "!D3092"},
        {"$formatNumber(1, '0e#')", "!D3093"},
    };
    assert_examples(*state, examples, COUNT_OF(examples));
}

static void test_dates(void **state)
{
    static const struct example examples[] = {
        {"$fromMillis(1521801216617)", "\"2018-03-23T10:33:36.617Z\""},
        {"$fromMillis(1521801216617, '[D1o] [MNn] [Y], [FNn,*-3] [h]:[m] [PN] [z]', '+0530')",
         "\"23rd March 2018, Fri 4:03 PM GMT+05:30\""},
        {"$fromMillis(1104537600000, '[X]-W[W01]-[F1] [xNn] [w]')", "\"2004-W53-6 December 5\""},
        {"$fromMillis(1521801216617, '[Yw], [dwo]')",
         "\"two thousand and eighteen, eighty-second\""},
        {"$fromMillis(0, '[[x]]')", "\"[x]\""},
        {"$fromMillis(0, '[YN]')", "!D3133"},
        {"$fromMillis(0, '[Z00000]')", "!D3134"},
        {"$fromMillis(0, '[Y')", "!D3135"},
        {"$fromMillis(0, '[q]')", "!D3132"},
        {"$toMillis('2018-02-30')", "1519948800000"},
        {"$toMillis('2018-02-01T09:42:13.123+0100')", "1517474533123"},
        {"$toMillis('2018-02-01T24:00:00Z')", "1517529600000"},
        {"$toMillis('0050')", "-60589296000000"},
        {"$toMillis('1 Feb')", "!D3110"},
        {"$toMillis('twenty-first of May, 2020', '[Dwo] of [MNn], [Y]')", "1590019200000"},
        {"$toMillis('20200521-0530', '[Y0001][M01][D01][Z0001]')", "1590035400000"},
        {"$toMillis('13:45', '[H]:[m]')", "1699969500000"},
        {"$toMillis('2020-5', '[Y]-[D]')", "!D3136"},
        {"$toMillis('x', '[Y]')", ""},
        {"$now('[Y]')", "\"2023\""},
    };
    assert_examples(*state, examples, COUNT_OF(examples));
}

/* Each ends within its budget of steps, and with its own error. */
static void test_hostile(void **state)
{
    static const struct example examples[] = {
        {"$contains($pad('', 5000, 'a') & 'b', /^(a+)+$/)", "!U1001"},
        {"$pad('', 1e12)", "!U1001"},
        {"$replace($pad('', 100000, 'a'), 'a', $pad('', 100000, 'b'))", "!U1001"},
        {"$replace($pad('', 100000, 'a'), /a/, $pad('', 100000, 'b'))", "!U1001"},
        {"$formatInteger(1e300, 'I')", "!U1001"},
        {"$formatInteger(1/0, 'w')", "!U1001"},
        {"$formatInteger(1, $pad('', 100000, '0,'))", "!U1001"},
        {"$formatNumber(1, $pad('', 100000, '0'))", "!U1001"},
        {"$fromMillis(0, '[Y,999999999]')", "!U1001"},
        {"$fromMillis(0, $pad('', 10000, '['))", "!U1001"},
    };
    for (size_t i = 0; i < COUNT_OF(examples); i++)
        assert_text(outcome_of(*state, examples[i].expression, 100000), examples[i].result,
                    examples[i].expression);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_patterns, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_strings, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_numbers, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_dates, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_hostile, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests_name("jsonata_functions", tests, NULL, NULL);
}
