/* JSONata: what expressions give, how they fail, and that hostile ones end. The
 * language's own suite is played by tests/conformance. */
#include "expr/jsonata/jsonata.h"
#include "expr_support.h"

#include <stdio.h>

struct example {
    const char *expression, *input; /* NULL: undefined */
    const char *result;             /* JSON; "" for nothing; "!" and the code and message */
};

static const struct jsonata_options everything = {.allow_eval = true, .step_functions = true};

static struct str failure_text(struct fixture *f, const struct jsonata_error *e)
{
    return arena_printf(f->arena, "%s: " STR_FMT, e->code, STR_ARG(e->message));
}

static struct jsonata_env jsonata_env_of(struct fixture *f, const char *input)
{
    return (struct jsonata_env){
        .input = input ? value_of(f, input) : JSON_NONE,
        .vars = &f->vars,
        .now = {1700000000000},
        .rng = &f->rng,
        .out = f->arena,
        .steps_left = 1000000,
    };
}

/* As struct example's result; *ret_error (may be NULL) is filled on a failure. */
static struct str outcome_of(struct fixture *f, const char *text, const char *input,
                             struct jsonata_options options, struct jsonata_error *ret_error)
{
    const struct jsonata *e;
    struct jsonata_error error = {0};
    struct json value = JSON_NONE;
    struct jsonata_env env = jsonata_env_of(f, input);
    enum jsonata_outcome outcome = JSONATA_FAILED;
    if (jsonata_compile(f->arena, str_of_cstr(text), options, &e, &error))
        outcome = jsonata_eval(e, &env, &value, &error);
    if (ret_error)
        *ret_error = error;
    switch (outcome) {
    case JSONATA_VALUE:
        return json_text(f->arena, value);
    case JSONATA_UNDEFINED:
        return STR("");
    case JSONATA_FUNCTION:
        return STR("function");
    case JSONATA_FAILED:
        return arena_printf(f->arena, "!" STR_FMT, STR_ARG(failure_text(f, &error)));
    }
    return STR("?");
}

#define ASSERT_EXAMPLES(state, examples)                                                           \
    do {                                                                                           \
        for (size_t i = 0; i < COUNT_OF(examples); i++) {                                          \
            struct str got = outcome_of(*(state), (examples)[i].expression, (examples)[i].input,   \
                                        everything, NULL);                                         \
            assert_text(got, (examples)[i].result, (examples)[i].expression);                      \
        }                                                                                          \
    } while (0)

#define SHOP                                                                                       \
    "{\"name\":\"Corner\",\"goods\":[{\"id\":1,\"price\":2.5,\"tags\":[\"new\",\"red\"]},"         \
    "{\"id\":2,\"price\":10},{\"id\":3,\"price\":1,\"tags\":[]}],\"none\":null}"

static void test_paths(void **state)
{
    static const struct example examples[] = {
        {"name", SHOP, "\"Corner\""},
        {"goods.id", SHOP, "[1,2,3]"},
        {"goods[price > 2].id", SHOP, "[1,2]"},
        {"goods[0].id", SHOP, "1"},
        {"goods[-1].id", SHOP, "3"},
        {"goods[[0..1]].id", SHOP, "[1,2]"},
        {"goods[0].id[]", SHOP, "[1]"},
        {"goods.tags", SHOP, "[\"new\",\"red\"]"},
        {"goods.[id, price]", SHOP, "[[1,2.5],[2,10],[3,1]]"},
        {"goods.[[id]][0..1]", SHOP, "!S0202: Expected \"]\", got \"..\""},
        {"goods.[[id]][[0..1]]", SHOP, "[[1],[2],[3]]"},
        {"none", SHOP, "null"},
        {"missing.path", SHOP, ""},
        {"`name`", SHOP, "\"Corner\""},
        {"goods.*", "{\"goods\":{\"a\":1,\"b\":[2,[3]]}}", "[1,2,3]"},
        {"**.id", SHOP, "[1,2,3]"},
        {"goods.tags.{'t': $, 'of': %.id}", SHOP,
         "[{\"t\":\"new\",\"of\":1},{\"t\":\"red\",\"of\":1}]"},
        {"goods#$i[$i > 0].$i", SHOP, "[1,2]"},
        {"goods@$g.{'n': name, 'id': $g.id}", SHOP,
         "[{\"n\":\"Corner\",\"id\":1},{\"n\":\"Corner\",\"id\":2},{\"n\":\"Corner\",\"id\":3}]"},
        {"goods^(>price).id", SHOP, "[2,1,3]"},
        {"goods{price > 2 ? 'dear' : 'cheap': $sum(price)}", SHOP, "{\"dear\":12.5,\"cheap\":1}"},
        {"$", "[1,2]", "[1,2]"},
        {"$[1]", "[1,2]", "2"},
        {"$$.name", SHOP, "\"Corner\""},
    };
    ASSERT_EXAMPLES(state, examples);
}

static void test_operators(void **state)
{
    static const struct example examples[] = {
        {"1 + 2 * 3 - 4 / 2", NULL, "5"},
        {"7 % 4", NULL, "3"},
        {"-(3)", NULL, "-3"},
        {"9007199254740993 + 1", NULL, "9007199254740994"},
        {"9223372036854775807 + 1", NULL, "9.223372036854776E18"},
        {"1/0", NULL, "\"Infinity\""},
        {"-1/0", NULL, "\"-Infinity\""},
        {"0/0", NULL, "\"NaN\""},
        {"[1e20 * 10, -1/8e3, 12345678.5 * 1, 1e-7 + 0, 1234.5 * 1]", NULL,
         "[1.0E21,-1.25E-4,1.23456785E7,1.0E-7,1234.5]"},
        {"0.1 + 0.2", NULL, "0.30000000000000004"},
        {"'a' & 1 & true & null & [1.0]", NULL, "\"a1truenull[1]\""},
        {"$", "1.0", "1"},
        {"$", "[1.50, 1e2]", "[1.50,100]"},
        {"1 = 1.0 and 'a' != 'b'", NULL, "true"},
        {"{'a': [1, 2]} = {'a': [1, 2]}", NULL, "true"},
        {"'b' > 'a' and 2 >= 2 and 1 < 2 and 1 <= 1", NULL, "true"},
        {"2 in [1, 2]", NULL, "true"},
        {"[1..4]", NULL, "[1,2,3,4]"},
        {"[3..1]", NULL, "[]"},
        {"missing ?? 'x'", "{}", "\"x\""},
        {"a ?: 'x'", "{\"a\":0}", "\"x\""},
        {"a ? 'yes' : 'no'", "{\"a\":[0]}", "\"no\""},
        {"'\\u00e9\\ud83d\\ude00'", NULL, "\"\u00e9\U0001F600\""},
    };
    ASSERT_EXAMPLES(state, examples);
}

static void test_functions(void **state)
{
    static const struct example examples[] = {
        {"($f := function($x, $y) { $x - $y }; $f(5, 3))", NULL, "2"},
        {"($f := function($n) { $n = 0 ? 'end' : $f($n - 1) }; $f(100000))", NULL, "\"end\""},
        {"($add := function($x) { function($y) { $x + $y } }; $add(1)(2))", NULL, "3"},
        {"($half := function($x, $y) { $x / $y }(?, 2); $half(8))", NULL, "4"},
        {"($f := $sum ~> function($x) { $x * 2 }; $f([1, 2]))", NULL, "6"},
        {"[1, 2, 3] ~> $map(function($v, $i) { $v * $i }) ~> $sum()", NULL, "8"},
        {"$filter([1..6], function($v) { $v % 2 = 0 })", NULL, "[2,4,6]"},
        {"$reduce([1..5], function($a, $b) { $a * $b })", NULL, "120"},
        {"$sort([3, 1, 2], function($l, $r) { $l < $r })", NULL, "[3,2,1]"},
        {"$ ~> |goods[id = 1]|{'sold': true}, ['tags', 'price']|", SHOP,
         "{\"name\":\"Corner\",\"goods\":[{\"id\":1,\"sold\":true},{\"id\":2,\"price\":10},"
         "{\"id\":3,\"price\":1,\"tags\":[]}],\"none\":null}"},
        {"$merge([{'a': 1, 'b': 2}, {'a': 3}])", NULL, "{\"a\":3,\"b\":2}"},
        {"$keys([{'a': 1}, {'b': 2, 'a': 1}])", NULL, "[\"a\",\"b\"]"},
        {"$distinct([1, 1.0, '1', [1], [1]])", NULL, "[1,\"1\",[1]]"},
        {"($a := $append([1], 2); $b := $append($a, 3); $c := $append($a, 4); [[$a], [$b], [$c]])",
         NULL, "[[1,2],[1,2,3],[1,2,4]]"},
        {"($a := $append(1, 2); $b := $append($a, $a); [$append($b, $a), $b])", NULL,
         "[1,2,1,2,1,2,1,2,1,2]"},
        {"$count($reduce([1..50000], function($a, $i) { $append($a, $i) }, []))", NULL, "50000"},
        {"$match('ab', function($s) { {'match': 'a', 'groups': [], 'next': function() { nothing }} "
         "})"
         ".match",
         NULL, "\"a\""},
        {"$zip([1, 2], [3, 4, 5])", NULL, "[[1,3],[2,4]]"},
        {"$string({'a': 1.0, 'f': $sum, 'x': 1/3})", NULL,
         "\"{\\\"a\\\":1,\\\"f\\\":\\\"\\\",\\\"x\\\":0.333333333333333}\""},
        {"$type($sum)", NULL, "\"function\""},
        {"$sum", NULL, "function"},
        {"{'a': $sum, 'b': 1}", NULL, "{\"b\":1}"},
        {"$millis()", NULL, "1700000000000"},
        {"$now()", NULL, "\"2023-11-14T22:13:20.000Z\""},
        {"($x := 1; $eval('$x + 1'))", NULL, "2"},
        {"$eval('[1,2] ~> $sum()')", NULL, "3"},
    };
    ASSERT_EXAMPLES(state, examples);
}

/* Found beside jsonata-js by tests/interop/jsonata.mjs, made smaller there. */
static void test_differences_that_were(void **state)
{
    static const struct example examples[] = {
        {"$sort(null)", NULL, "[null]"},
        {"$zip(none, 1)", SHOP, "[[null,1]]"},
        {"$map(null, $type)", NULL, "\"null\""},
        {"goods.none ~> $count", SHOP, "0"},
        {"[]#$i.a", NULL, ""},
        {"[1..0]#$i.$", NULL, ""},
        {"[]@$f.$f", NULL, ""},
        {"[7]@$v.name", SHOP, "\"Corner\""},
        {"($f := function($x) { $sum($x){'k': $} }; $f([1, 2]))", NULL, "3"},
        {"[].a", NULL, "[]"},
        {"$substringBefore('two words', nothing)", NULL, "\"two words\""},
        {"$replace('two', 'l', function($m) { $m.match & '!' })", NULL, "\"two\""},
    };
    ASSERT_EXAMPLES(state, examples);
}

static void test_step_functions(void **state)
{
    static const struct example examples[] = {
        {"$partition([1..5], 2)", NULL, "[[1,2],[3,4],[5]]"},
        {"$partition([0], 1)", NULL, "[[0]]"},
        {"$partition([1, 2])", NULL, "[[1,2]]"},
        {"$partition([1], 0)", NULL, ""},
        {"$partition([1], -1)", NULL, "!D3137: Second argument must be zero or greater"},
        {"$partition(null, 1)", NULL,
         "!T0412: Argument 1 of function \"partition\" must be an array of \"arrays\""},
        {"$range(1, 9, 2)", NULL, "[1,3,5,7,9]"},
        {"$range(1, 9, 9)", NULL, "1"},
        {"$range(9, 1, -4)", NULL, "[9,5,1]"},
        {"$range(1, 9)", NULL, ""},
        {"$range(1, 9, -1)", NULL, ""},
        {"$range(1)", NULL,
         "!T0410: Argument 2 of function \"range\" does not match function signature"},
        {"$hash('a', 'SHA-1')", NULL, "\"86f7e437faa5a7fce15d1ddcb9eaeaea377667b8\""},
        {"$hash('a')", NULL, ""},
        {"$random(42)", NULL, "0.7275636800328681"},
        {"$random(7)", NULL, "0.7306990420600421"},
        {"$length($uuid())", NULL, "36"},
        {"$uuid(1)", NULL,
         "!T0410: Argument 1 of function \"uuid\" does not match function signature"},
        {"$parse('{\"b\":[1.0,1e2,9007199254740993]}')", NULL, "{\"b\":[1,100,9007199254740993]}"},
        {"$parse('null')", NULL, "null"},
        {"$parse('1 2')", NULL, "!D3137: Invalid JSON"},
        {"$parse('{\"a\":1,\"a\":2}')", NULL, "!D3137: Invalid JSON"},
        {"$parse('[1e400]')", NULL, "!D3137: Invalid JSON"},
        {"$parse()", NULL, ""},
    };
    ASSERT_EXAMPLES(state, examples);
}

static void test_failures(void **state)
{
    static const struct example examples[] = {
        {"1 + 'a'", NULL, "!T2002: The right side of the \"+\" operator must evaluate to a number"},
        {"'a' < 1", NULL,
         "!T2009: The values \"a\" and 1 either side of operator \"<\" must be of the same data "
         "type"},
        {"{1: 2}", NULL, "!T1003: Key in object structure must evaluate to a string; got: 1"},
        {"$nosuch()", NULL, "!T1006: Attempted to invoke a non-function"},
        {"sum(1)", "{}", "!T1005: Attempted to invoke a non-function. Did you mean $sum?"},
        {"$sum('x')", NULL,
         "!T0412: Argument 1 of function \"sum\" must be an array of \"numbers\""},
        {"$error('no stock')", NULL, "!D3137: no stock"},
        {"$assert(1 = 2, 'odd')", NULL, "!D3141: odd"},
        {"$eval('1 +')", NULL,
         "!D3120: Syntax error in expression passed to function eval: \"Unexpected end of "
         "expression\""},
        {"[1..10000002]", NULL,
         "!D2014: The size of the sequence allocated by the range operator (..) must not exceed "
         "1e7.  Attempted to allocate 10000002."},
        {"", NULL, "!S0207: Unexpected end of expression"},
        {"a.", NULL, "!S0207: Unexpected end of expression"},
        {"'open", NULL, "!S0101: String literal must be terminated by a matching quote"},
        {"(1", NULL, "!S0203: Expected \")\" before end of expression"},
        {"1 2", NULL, "!S0201: Syntax error: \"2\""},
        {"%", "1",
         "!S0217: The object representing the 'parent' cannot be derived from this expression"},
        {"function(1) { 2 }", NULL,
         "!S0208: Parameter 1 of function definition must be a variable name (start with $)"},
        {"1e400", NULL, "!S0102: Number out of range: \"1e400\""},
    };
    ASSERT_EXAMPLES(state, examples);
}

/* Positions count characters and stand behind the token. */
static void test_failures_tell_where(void **state)
{
    static const struct {
        const char *expression, *token;
        size_t position;
    } examples[] = {
        {"1 + 'a'", "+", 3},
        {"'\u00e9\U0001F600' + 1", "+", 7},
        {"[1, $sum('x')]", "sum", 9},
        {"a and (1 + null)", "and", 5},
        {"1 2", "2", 3},
    };
    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        struct jsonata_error e;
        (void)outcome_of(*state, examples[i].expression, "{\"a\":1}", everything, &e);
        assert_text(e.token, examples[i].token, examples[i].expression);
        assert_int_equal(e.position, examples[i].position);
    }
}

static void test_levels(void **state)
{
    struct jsonata_options old = {.level = JSONATA_LEVEL_2_0_6};
    assert_text(outcome_of(*state, "a ?? 1", "{}", old, NULL),
                "!S0211: The symbol \"?\" cannot be used as a unary operator", "??");
    assert_text(outcome_of(*state, "a ?: 1", "{}", old, NULL),
                "!S0211: The symbol \":\" cannot be used as a unary operator", "?:");
    assert_text(outcome_of(*state, "$eval('1')", NULL, old, NULL),
                "!T1006: Attempted to invoke a non-function", "$eval");
    assert_text(outcome_of(*state, "$uuid()", NULL, old, NULL),
                "!T1006: Attempted to invoke a non-function", "$uuid");
}

static const struct jsonata *compiled(struct fixture *f, const char *text)
{
    const struct jsonata *e;
    struct jsonata_error error;
    if (!jsonata_compile(f->arena, str_of_cstr(text), everything, &e, &error))
        fail_msg("%s: %s", text, error.code);
    return e;
}

static struct str input_uses(struct fixture *f, const struct jsonata *e)
{
    struct str all = STR("");
    for (size_t i = 0; i < jsonata_input_count(e); i++)
        all = arena_printf(f->arena, STR_FMT "%s" STR_FMT, STR_ARG(all), i ? " " : "",
                           STR_ARG(jsonata_input_name(e, i)));
    return all;
}

static void test_what_an_expression_refers_to(void **state)
{
    static const struct {
        const char *expression;
        const char *input; /* its uses, with blanks between */
        const char *free;  /* the one free variable, or "" */
    } examples[] = {
        {"$states.input.a", "", "states"},
        {"$sum($x.a[b > $.c].d)", "", "x"},
        {"a.b", "a", ""},
        {"$", "$", ""},
        {"$$.a", "$$", ""},
        {"*", "*", ""},
        {"**.a", "**", ""},
        {"a + $sum([`b c`, a, $]) + 1", "a b c a $", ""},
        {"($y := 1; $map([$y], function($v) { $v.a }))", "", ""},
        {"($y := 1; $map([$y], function($v) { a }))", "a", ""},
        {"$x ~> |a|{'b': c}|", "", "x"},
        {"{'k': v}", "v", ""},
        {"$x{a: b}", "", "x"},
        {"'text' & 1", "", ""},
    };
    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        const struct jsonata *e = compiled(*state, examples[i].expression);
        assert_text(input_uses(*state, e), examples[i].input, examples[i].expression);
        assert_text(jsonata_free_name(e, 0), examples[i].free, examples[i].expression);
        assert_int_equal(jsonata_free_count(e), *examples[i].free != 0);
    }
}

struct members {
    struct fixture *f;
    struct str all;
};

static void add_member(void *arg, struct str member)
{
    struct members *m = arg;
    m->all = arena_printf(m->f->arena, STR_FMT "<" STR_FMT ">", STR_ARG(m->all), STR_ARG(member));
}

static void test_which_members_of_a_variable_it_reads(void **state)
{
    static const struct {
        const char *expression, *members; /* of $v; each in <> */
    } examples[] = {
        {"1", ""},
        {"$v", "<>"},
        {"$v.a", "<a>"},
        {"$v.a.b", "<a>"},
        {"$v.`a b`", "<a b>"},
        {"$v . a", "<a>"},
        {"$v['a']", "<>"},
        {"$v.*", "<>"},
        {"$v[$v.c].b", "<b><c>"},
        {"$w.v.$v.a", "<>"},
        {"'$v.a' & $v.b", "<b>"},
        {"$w[$v.a]^(>$v.b){$v.c: $v.d}", "<a><b><c><d>"},
        {"$f(function($x) { $v.a + ($v.b ? $v.c : $v.d) })", "<a><b><c><d>"},
        {"$w ~> |$v.a|{'k': $v.b}, $v.c|", "<a><b><c>"},
        {"($w).b ~> $lookup($v, 'a')", "<>"},
    };
    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        struct members m = {*state, STR("")};
        jsonata_each_member(compiled(*state, examples[i].expression), STR("v"), add_member, &m);
        assert_text(m.all, examples[i].members, examples[i].expression);
    }
}

/* ---- hostile ones ---- */

static struct str repeated(struct fixture *f, const char *before, const char *middle,
                           const char *after, size_t times)
{
    struct buf b = BUF_INIT(0);
    for (size_t i = 0; i < times; i++)
        buf_append(&b, str_of_cstr(before));
    buf_append(&b, str_of_cstr(middle));
    for (size_t i = 0; i < times; i++)
        buf_append(&b, str_of_cstr(after));
    buf_append_char(&b, 0);
    struct str text = arena_str(f->arena, buf_str(&b));
    buf_release(&b);
    return text;
}

static void test_deep_texts_are_refused(void **state)
{
    static const char *const shapes[][3] = {
        {"(", "1", ")"},    {"[", "", "]"},         {"{'a':", "1", "}"},
        {"-", "1", ""},     {"a[", "0", "]"},       {"function($x){", "1", "}"},
        {"1+(", "1", ")"},  {"$f(", "", ")"},       {"a?", "1", ":1"},
        {"", "1", "+1"},    {"", "a", ".b"},        {"", "a", "[0]"},
        {"", "$f", "()"},   {"", "a", "^(b)"},      {"", "a", "~>$b"},
        {"|", "a", "|{}|"}, {"$x:=", "1", ""},      {"", "%", ".%"},
        {"", "a", "#$i"},   {"", "a", "[%.b = 1]"}, {"a??", "1", ""},
    };
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        struct jsonata_error e = {0};
        struct str text = repeated(*state, shapes[i][0], shapes[i][1], shapes[i][2], 20000);
        (void)outcome_of(*state, text.ptr, "{}", everything, &e);
        if (!e.code[0])
            fail_msg("nothing refused: %.20s", text.ptr);
    }
}

static void test_budgets_end_evaluations(void **state)
{
    static const struct {
        const char *expression;
        enum jsonata_limit limit;
    } examples[] = {
        {"($f := function($n) { 1 + $f($n + 1) }; $f(0))", JSONATA_LIMIT_DEPTH},
        {"($f := function($n) { $f($n + 1) }; $f(0))", JSONATA_LIMIT_STEPS},
        {"($f := function($s) { $f($s & $s) }; $f('abcdefgh'))", JSONATA_LIMIT_MEMORY},
        {"($f := function($a) { $f($append($a, $a)) }; $f([1, 2]))", JSONATA_LIMIT_MEMORY},
        {"$string($reduce([1..5000], function($a, $i) { [[$a]] }, 1))", JSONATA_LIMIT_DEPTH},
        {"$reduce([1..5000], function($a, $i) { [[$a]] }, 1)", JSONATA_LIMIT_DEPTH},
        {"$reduce([1..5000], function($a, $i) { {'a': $a} }, 1).**", JSONATA_LIMIT_DEPTH},
        {"($d := function() { $reduce([1..5000], function($a, $i) { {'a': $a} }, 1) }; "
         "$d() = $d())",
         JSONATA_LIMIT_DEPTH},
        {"$map([1..3000], function($i) { $map([1..3000], function($j) { $i * $j }) })",
         JSONATA_LIMIT_STEPS},
        {"($f := function($x) { $map([$x], $f) }; $f(1))", JSONATA_LIMIT_DEPTH},
        {"($e := '$eval($e)'; $eval($e))", JSONATA_LIMIT_DEPTH},
        {"($f := function($n, $c) { $n = 0 ? $c(1) : $f($n - 1, $c ~> $sum) }; $f(5000, $sum))",
         JSONATA_LIMIT_DEPTH},
        {"($f := function($n, $c) { $n = 0 ? $c(1) : $f($n - 1, $c(?)) }; $f(5000, $sum))",
         JSONATA_LIMIT_DEPTH},
        {"($a := [1..500000]; $count([1..100].$a))", JSONATA_LIMIT_MEMORY},
        {"($a := [1..500000]; $o := $map([1..100], function($i) {{'a': $a}}); $o.a)",
         JSONATA_LIMIT_MEMORY},
        {"($a := [1..500000]; $map([1..100], function($i) {[$a]}){'k': $}.k)",
         JSONATA_LIMIT_MEMORY},
        {"($a := [1..500000]; [1..100]#$i.($a)#$k.$i)", JSONATA_LIMIT_MEMORY},
        {"$range(1, 1e18, 1)", JSONATA_LIMIT_MEMORY},
    };
    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        struct fixture *f = *state;
        struct arena_mark mark = arena_mark(f->arena);
        struct jsonata_error e = {0};
        (void)outcome_of(f, examples[i].expression, NULL, everything, &e);
        if (e.limit != examples[i].limit)
            fail_msg("%s: limit %d, %s", examples[i].expression, (int)e.limit, e.code);
        arena_rewind(f->arena, mark);
    }
}

/* AWS's measured nesting: 100 terms pass, 101 do not; a recursion of 31 levels, not 32. */
static void test_depth_is_that_of_step_functions(void **state)
{
    for (size_t terms = 100; terms <= 101; terms++) {
        struct str text = repeated(*state, "", "1", "+1", terms - 1);
        const struct jsonata *e = compiled(*state, text.ptr);
        struct jsonata_env env = jsonata_env_of(*state, NULL);
        env.depth_max = JSONATA_DEPTH_STEP_FUNCTIONS;
        struct json value;
        struct jsonata_error error;
        enum jsonata_outcome due = terms == 100 ? JSONATA_VALUE : JSONATA_FAILED;
        assert_int_equal(jsonata_eval(e, &env, &value, &error), due);
    }
    for (int levels = 31; levels <= 32; levels++) {
        struct fixture *f = *state;
        struct str text = arena_printf(
            f->arena, "($f := function($x) { $x = 0 ? 0 : 1 + $f($x - 1) }; $f(%d))", levels);
        const struct jsonata *e = compiled(f, arena_cstr(f->arena, text));
        struct jsonata_env env = jsonata_env_of(f, NULL);
        env.depth_max = JSONATA_DEPTH_STEP_FUNCTIONS;
        struct json value;
        struct jsonata_error error;
        enum jsonata_outcome due = levels == 31 ? JSONATA_VALUE : JSONATA_FAILED;
        assert_int_equal(jsonata_eval(e, &env, &value, &error), due);
    }
}

/* What AWS was measured to hold. */
static void test_memory_is_that_of_step_functions(void **state)
{
    static const struct {
        const char *passes, *fails;
    } bounds[] = {
        {"$count([1..873782])", "$count([1..873783])"},
        {"[1..873782] ~> $count()", "$sum([1..900000])"},
        {"$count($range(1, 360145, 1))", "$count($range(1, 360146, 1))"},
        {"($p := function($s, $n) { $n = 0 ? $s : $p($s & $s, $n - 1) }; $length($p('x', 22)))",
         "($p := function($s, $n) { $n = 0 ? $s : $p($s & $s, $n - 1) }; $length($p('x', 23)))"},
        {"$length($pad('', 4194304))", "$length($pad('', 8388608))"},
        {"$count($append([1..400000], [1..400000]))", "$count($append([1..800000], [1..800000]))"},
        {"$length($join($map([1..400], function($i) { $pad('', 10000) })))",
         "$length($join($map([1..800], function($i) { $pad('', 10000) })))"},
        {"$length($replace($pad('', 100000), ' ', $pad('', 40)))",
         "$length($replace($pad('', 100000), ' ', $pad('', 80)))"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < 2 * COUNT_OF(bounds); i++) {
        const char *text = i % 2 ? bounds[i / 2].fails : bounds[i / 2].passes;
        struct arena_mark mark = arena_mark(f->arena);
        struct jsonata_env env = jsonata_env_of(f, NULL);
        struct jsonata_error error = {0};
        struct json value;
        env.held_max = JSONATA_HELD_STEP_FUNCTIONS;
        enum jsonata_outcome outcome = jsonata_eval(compiled(f, text), &env, &value, &error);
        if (outcome != (i % 2 ? JSONATA_FAILED : JSONATA_VALUE))
            fail_msg("%s: %s", text, error.code);
        assert_int_equal(error.limit, i % 2 ? JSONATA_LIMIT_MEMORY : JSONATA_LIMIT_NONE);
        arena_rewind(f->arena, mark);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_paths, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_operators, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_functions, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_differences_that_were, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_step_functions, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_failures, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_failures_tell_where, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_levels, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_what_an_expression_refers_to, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_which_members_of_a_variable_it_reads, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_deep_texts_are_refused, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_budgets_end_evaluations, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_depth_is_that_of_step_functions, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_memory_is_that_of_step_functions, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
