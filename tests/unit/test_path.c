/* Paths: what is taken, what is refused, what they find and how they fail. */
#include "expr/jsonpath/path.h"
#include "expr_support.h"

#include <stdio.h>

static const struct path *compiled(struct fixture *f, const char *text)
{
    const struct path *p;
    struct err e;
    if (!path_compile(f->arena, str_of_cstr(text), &p, &e))
        fail_msg("%s: %s", text, e.message);
    return p;
}

struct example {
    const char *path, *document;
    const char *result; /* JSON; or the words of a failure, after "!" */
};

static void assert_example(struct fixture *f, const struct example *e)
{
    struct expr_env *env = env_of(f, e->document);
    const struct path *p = compiled(f, e->path);
    struct json value;
    struct str why;
    enum path_outcome outcome = path_eval(p, env, &value, &why);
    if (*e->result == '!') {
        if (outcome == PATH_FOUND)
            why = json_text(f->arena, value);
        assert_text(why, e->result + 1, e->path);
        assert_int_equal(arena_used(f->scratch), 0);
    } else {
        if (outcome != PATH_FOUND)
            fail_msg("%s: " STR_FMT, e->path, STR_ARG(why));
        assert_result(f, value, e->result, e->path);
    }
}

#define ASSERT_EXAMPLES(state, examples)                                                           \
    do {                                                                                           \
        for (size_t i = 0; i < COUNT_OF(examples); i++)                                            \
            assert_example(*(state), &(examples)[i]);                                              \
    } while (0)

/* ---- finding ---- */

#define SHOP                                                                                       \
    "{\"name\":\"Corner\",\"goods\":[{\"id\":1,\"tags\":[\"new\"]},{\"id\":2},{\"id\":3,"          \
    "\"tags\":[]}],\"desk\":{\"open\":true,\"lamp\":{\"id\":9}},\"none\":null}"

static void test_definite(void **state)
{
    static const struct example examples[] = {
        {"$", "[1]", "[1]"},
        {"$.name", SHOP, "\"Corner\""},
        {"$['name']", SHOP, "\"Corner\""},
        {"$.desk.lamp.id", SHOP, "9"},
        {"$.desk['lamp'].id", SHOP, "9"},
        {"$.['desk'].['open']", SHOP, "true"},
        {"$.goods[0].tags[0]", SHOP, "\"new\""},
        {"$.goods.[1].id", SHOP, "2"},
        {"$.goods[ 2 ].id", SHOP, "3"},
        {"$.goods[01].id", SHOP, "2"},
        {"$.goods[1.9].id", SHOP, "2"},
        {"$.goods[(@.length-1)].id", SHOP, "3"},
        {"$.goods[ ( @.size() - 2 ) ].id", SHOP, "2"},
        {"$.none", SHOP, "null"},
        {" $.name ", SHOP, "\"Corner\""},
        {"$['name','missing','none']", SHOP, "{\"name\":\"Corner\",\"none\":null}"},
        {"$['name' , 'name']", SHOP, "{\"name\":\"Corner\"}"},
        {"$['missing','gone']", SHOP, "{}"},
        {"$['a.b']", "{\"a.b\":1}", "1"},
        {"$['a[b']", "{\"a[b\":1}", "1"},
        {"$['a b']", "{\"a b\":1}", "1"},
        {"$['']", "{\"\":1}", "1"},
        {"$['a\\\"']", "{\"a\\\\\\\"\":1}", "1"},
        {"$.a-b.h\xc3\xb6he.x@y", "{\"a-b\":{\"h\xc3\xb6he\":{\"x@y\":1}}}", "1"},
        {"$.0", "{\"0\":1}", "1"},
        {"$[0]a", "[{\"a\":1}]", "1"},
        {"$.n.length()", "{\"n\":{\"length()\":1}}", "1"},
        {"$.n", "{\"n\":1.50}", "1.50"},
    };
    ASSERT_EXAMPLES(state, examples);
}

static void test_indefinite(void **state)
{
    static const struct example examples[] = {
        {"$.goods[*].id", SHOP, "[1,2,3]"},
        {"$.goods.*.id", SHOP, "[1,2,3]"},
        {"$.goods[*].tags", SHOP, "[[\"new\"],[]]"},
        {"$.goods[*].tags[0]", SHOP, "[\"new\"]"},
        {"$.goods[*]['id','tags']", "{\"goods\":[{\"id\":1},{}]}", "[{\"id\":1},{}]"},
        {"$.desk.*", SHOP, "[true,{\"id\":9}]"},
        {"$.desk[*]", SHOP, "[true,{\"id\":9}]"},
        {"$.name[*]", SHOP, "[]"},
        {"$.none.*", SHOP, "[]"},
        {"$[0,2]", "[1,2,3]", "[1,3]"},
        {"$[ 2 , 0,2]", "[1,2,3]", "[3,1,3]"},
        {"$[1:]", "[1,2,3]", "[2,3]"},
        {"$[-2:]", "[1,2,3]", "[2,3]"},
        {"$[-9:]", "[1,2,3]", "[1,2,3]"},
        {"$[9:]", "[1,2,3]", "[]"},
        {"$[:2]", "[1,2,3]", "[1,2]"},
        {"$[:-1]", "[1,2,3]", "[1,2]"},
        {"$[:9]", "[1,2,3]", "[1,2,3]"},
        {"$[:-9]", "[1,2,3]", "[]"},
        {"$[1:2]", "[1,2,3]", "[2]"},
        {"$[ 0 : 2 ]", "[1,2,3]", "[1,2]"},
        {"$[1:-1]", "[1,2,3]", "[]"},
        {"$[2:1]", "[1,2,3]", "[]"},
        {"$[-1:1]", "[]", "[]"},
        {"$[0:3:2]", "[1,2,3]", "[1,2,3]"},
        {"$[1::9]", "[1,2,3]", "[2,3]"},
        {"$[:2:]", "[1,2,3]", "[1,2]"},
        {"$..id", SHOP, "[1,2,3,9]"},
        {"$..['id']", SHOP, "[1,2,3,9]"},
        {"$.goods..id", SHOP, "[1,2,3]"},
        {"$..tags[0]", "{\"tags\":[1,2]}", "[1]"},
        {"$..lamp.id", SHOP, "[9]"},
        {"$..desk..id", SHOP, "[9]"},
        {"$..*", "{\"a\":[1,{\"b\":2}]}", "[[1,{\"b\":2}],1,{\"b\":2},2]"},
        {"$..[*]", "[[1],2]", "[[1],2,1]"},
        {"$..[0]", "[[1],2]", "[[1],1]"},
        {"$..[0:1]", "[[1],2]", "[[1],1]"},
        {"$..['a','b']", "[{\"a\":1},{\"a\":2,\"b\":3}]", "[{\"a\":2,\"b\":3}]"},
        {"$..[?(@.id == 9)].id", SHOP, "[9]"},
        {"$..id", "7", "[]"},
        {"$...id", "{\"id\":1}", "[1]"},
        {"$[0]*", "[{\"a\":1}]", "[1]"},
        {"$..[0].id", "[{\"id\":1},{\"id\":2}]", "[1,2]"},
        {"$..a..b", "{\"a\":{\"b\":1,\"c\":{\"b\":2}}}", "[1,2]"},
    };
    ASSERT_EXAMPLES(state, examples);
}

/* A missing name is forgiven when something indefinite stands beside or behind it. */
static void test_missing_before_indefinite(void **state)
{
    static const struct example examples[] = {
        {"$.no[*]", "{}", "[]"},      {"$.no[1:]", "{}", "[]"}, {"$.no.such[:2].x", "{}", "[]"},
        {"$.no[?(@.x)]", "{}", "[]"}, {"$.no..x", "{}", "[]"},  {"$[*].no.such", "[{}]", "[]"},
    };
    ASSERT_EXAMPLES(state, examples);
}

/* ---- filters ---- */

#define ROWS                                                                                       \
    "{\"max\":3,\"who\":\"eve\",\"rows\":[{\"n\":1,\"s\":\"ann\",\"ok\":true},"                    \
    "{\"n\":4,\"s\":\"eve\",\"ok\":false},{\"n\":\"4\",\"s\":null},{\"deep\":{\"n\":4}}]}"

static void test_filter_comparisons(void **state)
{
    static const struct example examples[] = {
        {"$.rows[?(@.n == 1)].s", ROWS, "[\"ann\"]"},
        {"$.rows[?(@.n==4)].n", ROWS, "[4,\"4\"]"},
        {"$.rows[?(@.n == '4')].n", ROWS, "[4,\"4\"]"},
        {"$.rows[?(@.n == 4.0)].n", ROWS, "[4]"},
        {"$.rows[?(@.n == 04)].n", ROWS, "[4]"},
        {"$.rows[?(@.n == +4)].n", ROWS, "[4]"},
        {"$.rows[?(@.n != 4)].n", ROWS, "[1]"},
        {"$.rows[?(@.n < 4)].n", ROWS, "[1]"},
        {"$.rows[?(@.n <= 4)].n", ROWS, "[1,4,\"4\"]"},
        {"$.rows[?(@.n > 1)].n", ROWS, "[4,\"4\"]"},
        {"$.rows[?(@.n >= -1)].n", ROWS, "[1,4,\"4\"]"},
        {"$.rows[?(@.s == 'eve')].n", ROWS, "[4]"},
        {"$.rows[?(@.s == eve)].n", ROWS, "[4]"},
        {"$.rows[?(@.s == \"eve\")].n", ROWS, "[]"},
        {"$.rows[?(@.s > 'b')].n", ROWS, "[4]"},
        {"$.rows[?(@.s == null)].n", ROWS, "[\"4\"]"},
        {"$.rows[?(@.s != null)].n", ROWS, "[1,4]"},
        {"$.rows[?(@.s >= null)].n", ROWS, "[1,4]"},
        {"$.rows[?(@.ok == true)].n", ROWS, "[1]"},
        {"$.rows[?(@.ok == false)].n", ROWS, "[4]"},
        {"$.rows[?(@.ok == TRUE)].n", ROWS, "[1]"},
        {"$.rows[?(@.ok > 0)].n", ROWS, "[1]"},
        {"$.rows[?(@.deep.n == 4)].deep", ROWS, "[{\"n\":4}]"},
        {"$.rows[?(@['deep']['n'] == 4)].deep.n", ROWS, "[4]"},
        {"$.rows[?(@.deep == 4)]", ROWS, "[]"},
        {"$.rows[?(@.gone == 4)]", ROWS, "[]"},
        {"$.rows[?(@.gone != 4)]", ROWS, "[]"},
        {"$.rows[?(@.s == $.who)].n", ROWS, "[4]"},
        {"$.rows[?(@.n == $.max)].n", ROWS, "[]"},
        {"$.rows[?(@.n == $.gone)].n", ROWS, "[]"},
        {"$.rows[?('eve' == @.s)].n", ROWS, "[4]"},
        {"$.rows[?(1 == @.n)].n", ROWS, "[]"},
        {"$[?(@ > 2)]", "[1,2,3.5]", "[3.5]"},
        {"$[?(@ == 'b')]", "[\"a\",\"b\"]", "[\"b\"]"},
        {"$[?(@ == 'it\\'s')]", "[\"it's\"]", "[\"it's\"]"},
        {"$[?(@[0] == 1)]", "[[1],[2]]", "[[1]]"},
        {"$[?(@.a == @.b)].a", "[{\"a\":1,\"b\":1.0},{\"a\":1,\"b\":2}]", "[1]"},
        {"$[?(@.a == @.a)]", "[{\"a\":[1]},{\"a\":{}},{\"a\":true}]",
         "[{\"a\":[1]},{\"a\":{}},{\"a\":true}]"},
        {"$[?(@.a == 9007199254740993)]", "[{\"a\":9007199254740992}]", "[]"},
        {"$[?(@.a < 1e300)].a", "[{\"a\":1e299}]", "[1e299]"},
    };
    ASSERT_EXAMPLES(state, examples);
}

static void test_filter_logic(void **state)
{
    static const struct example examples[] = {
        {"$.rows[?(@.ok)].n", ROWS, "[1,4]"},
        {"$.rows[?(@.s)].n", ROWS, "[1,4]"},
        {"$.rows[?(!@.ok)].n", "{\"rows\":[{\"n\":1},{\"ok\":1}]}", "[1]"},
        {"$.rows[?(@.deep.n)].deep.n", ROWS, "[4]"},
        {"$.rows[?($.max)]", ROWS, "[]"},
        {"$.rows[?(@.n == 4 && @.s == 'eve')].s", ROWS, "[\"eve\"]"},
        {"$.rows[?(@.s=='eve'||@.s=='ann')].s", ROWS, "[\"ann\",\"eve\"]"},
        {"$.rows[?(@.s=='ann' || @.n==4 && @.ok==false)].n", ROWS, "[1,4]"},
        {"$.rows[?(@.n==4 && @.ok==true || @.s=='ann')].n", ROWS, "[1]"},
        {"$.rows[?((@.n == 4) && (!@.gone) && @.ok)].s", ROWS, "[\"eve\"]"},
        /* Parentheses do not group. */
        {"$.rows[?((@.s=='ann' || @.s=='eve') && @.ok==false)].s", ROWS, "[\"ann\",\"eve\"]"},
        {"$.rows[?(!(@.n > 2))].n", ROWS, "[]"},
        /* On an object the filter asks the object itself. */
        {"$[?(@.max == 3)].who", ROWS, "[\"eve\"]"},
        {"$[?(@.max == 4)].who", ROWS, "[]"},
        {"$[?(1 == 1)]", "[1,2]", "[1,2]"},
    };
    ASSERT_EXAMPLES(state, examples);
}

static void test_filter_patterns(void **state)
{
    static const struct example examples[] = {
        {"$[?(@ =~ /a.c/)]", "[\"abc\",\"xabc\",\"ABC\"]", "[\"abc\"]"},
        {"$[?(@ =~ /.*b.*/)]", "[\"abc\",\"xabc\",\"ABC\"]", "[\"abc\",\"xabc\"]"},
        {"$[?(@ =~ /abc/i)]", "[\"abc\",\"xabc\",\"ABC\"]", "[\"abc\",\"ABC\"]"},
        {"$[?(@.v =~ /[0-9]+/)].v", "[{\"v\":12},{\"v\":\"x\"},{\"v\":null},{}]", "[12]"},
        {"$[?(@ =~ /\\{a=1, b=.x, 2.\\}/)]", "[{\"a\":1,\"b\":[\"x\",2]}]",
         "[{\"a\":1,\"b\":[\"x\",2]}]"},
        {"$[?(/b/ =~ @)]", "[\"b\"]", "[\"b\"]"},
        {"$[?(@ =~ /h.he/)]", "[\"h\xc3\xb6he\"]", "[\"h\xc3\xb6he\"]"},
        {"$[?(@ =~ //)]", "[\"\",\"a\"]", "[\"\"]"},
        {"$[?(@ =~ /(a+)+[xy]/)]", "[\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac\"]",
         "!A pattern in a filter takes too long (limit expression_steps_max)"},
    };
    ASSERT_EXAMPLES(state, examples);
}

/* ---- failing ---- */

static void test_failures(void **state)
{
    static const struct example examples[] = {
        {"$.x", "{}", "!No results for path: $['x']"},
        {"$.no.such.path", "{}", "!Missing property in path $['no']"},
        {"$.a.x", "{\"a\":{}}", "!No results for path: $['a']['x']"},
        {"$.a.x", "{\"a\":1}", "!Property ['x'] not found in path $['a']"},
        {"$.a['x','y']", "{\"a\":1}", "!Property ['x', 'y'] not found in path $['a']"},
        {"$.a.length()", "{\"a\":[1]}", "!Property ['length()'] not found in path $['a']"},
        {"$.a[1]", "{\"a\":[1]}", "!Index out of bounds when evaluating path $['a'][1]"},
        {"$.a[-1]", "{\"a\":[1]}", "!Index out of bounds when evaluating path $['a'][-1]"},
        {"$[(@.length-2)]", "[1]", "!Index out of bounds when evaluating path $[-1]"},
        {"$[(@.length-1)].x", "[{}]", "!No results for path: $[0]['x']"},
        {"$[0,1]", "[1]", "!Index out of bounds when evaluating path $[1]"},
        {"$[-1:2]", "[1]", "!Index out of bounds when evaluating path $[-1]"},
        {"$.a[0]", "{\"a\":null}", "!The path $['a'] is null"},
        {"$.a[0].b", "{\"a\":{\"k\":[1]}}",
         "!Filter: [0]['b'] can only be applied to arrays. Current context is: {k=[1]}"},
        {"$[1:5]", "{}", "!Filter: [1:5] can only be applied to arrays. Current context is: {}"},
        {"$.a[?(@.x)]", "{\"a\":1}",
         "!Filter: [?] can not be applied to primitives. Current context is: 1"},
        {"$[?(@.a[0])]", "[{\"a\":1}]",
         "!Filter: [0] can only be applied to arrays. Current context is: 1"},
        {"$[?(@ == x)]", "[1]", "!The filter compares the number 1 with 'x', which is none"},
        {"$[?(@ == 1e)]", "[1]", "!The filter compares the number 1 with '1e', which is none"},
        {"$.*.x", "{\"a\":1}", "!Property ['x'] not found in path $['a']"},
        {"$.b.*.x.y", "{\"b\":{\"a\":{\"x\":1}}}",
         "!Property ['y'] not found in path $['b']['a']['x']"},
        {"$..a.x", "[[{\"a\":1}]]", "!Property ['x'] not found in path $[0][0]['a']"},
        {"$..[0]", "[[],1]", "!Index out of bounds when evaluating path $[0][0]"},
        {"$..[*].id", "[{\"id\":1}]", "!Property ['id'] not found in path $[0]['id']"},
        {"$[?(@.k)].x", "[{\"k\":1}]", "!No results for path: $[0]['x']"},
    };
    ASSERT_EXAMPLES(state, examples);
}

/* ---- refusing ---- */

static void assert_refused(struct fixture *f, const char *text, size_t offset)
{
    const struct path *p;
    struct err e = {0};
    if (path_compile(f->arena, str_of_cstr(text), &p, &e))
        fail_msg("%s is taken", text);
    assert_int_equal(e.code, ERR_INVALID_PATH);
    if (e.offset != offset)
        fail_msg("%s: offset %zu instead of %zu: %s", text, e.offset, offset, e.message);
    assert_false(path_compile(f->arena, str_of_cstr(text), &p, NULL));
}

static void test_refused(void **state)
{
    static const struct {
        const char *text;
        size_t offset;
    } refused[] = {
        {"", 0},
        {"a", 0},
        {"@.a", 0},
        {"$.", 2},
        {"$..", 3},
        {"$.a..", 5},
        {"$....a", 3},
        {"$. a", 2},
        {"$.a b", 3},
        {"$ .a", 1},
        {"$*", 1},
        {"$$a", 2},
        {"$a b", 2},
        {"$.a[0]$", 6},
        {"$[", 1},
        {"$[0", 1},
        {"$[]", 2},
        {"$[a]", 2},
        {"$[\"a\"]", 2},
        {"$['a]", 3},
        {"$['a]b']", 3},
        {"$['a'x]", 5},
        {"$['a',]", 6},
        {"$['a',1]", 6},
        {"$['a','b'].c", 10},
        {"$[ * ]", 3},
        {"$[*,1]", 2},
        {"$[1,'a']", 4},
        {"$[0,1:2]", 5},
        {"$[0,]", 4},
        {"$[1x]", 3},
        {"$[1.x]", 4},
        {"$[-]", 2},
        {"$[2147483648]", 2},
        {"$[99999999999999999999]", 2},
        {"$.a]", 2},
        {"$[0]]", 4},
        {"$[:]", 2},
        {"$[::2]", 2},
        {"$[1:2:3:4]", 7},
        {"$[1:x]", 4},
        {"$[1:2:x]", 6},
        {"$[1:2 3]", 6},
        {"$[+1]", 2},
        {"$[(@.length)]", 11},
        {"$[(@.length+1)]", 11},
        {"$[(@.width-1)]", 3},
        {"$[(@.length-1]", 13},
        {"$[(@.length-x)]", 11},
    };
    for (size_t i = 0; i < COUNT_OF(refused); i++)
        assert_refused(*state, refused[i].text, refused[i].offset);
}

static void test_refused_filters(void **state)
{
    static const struct {
        const char *text;
        size_t offset;
    } refused[] = {
        {"$[?@.a]", 3},
        {"$[?()]", 4},
        {"$[?(]", 3},
        {"$[?(@.a)", 1},
        {"$[?(@.a) x]", 3},
        {"$[?(@.a == 1) , 1]", 3},
        {"$[?(@.a == 'x)]", 3},
        {"$[?((@.a)]", 3},
        {"$[?(@.a == ']')]", 3},
        {"$[?(@.a && )]", 11},
        {"$[?(|| @.a)]", 4},
        {"$[?(@.a ==)]", 10},
        {"$[?(== @.a)]", 4},
        {"$[?(@.a in [1])]", 7},
        {"$[?(1)]", 4},
        {"$[?(!1)]", 4},
        {"$[?(!$.a)]", 4},
        {"$[?(!@.a == 1)]", 4},
        {"$[?(@.a == !@.b)]", 4},
        {"$[?(@.a[*] == 1)]", 4},
        {"$[?(@..a)]", 4},
        {"$[?(@.a == $name)]", 12},
        {"$[?(@a == 1)]", 5},
        {"$[?(@.a == $$.b)]", 12},
        {"$[?(@.a =~ 'x')]", 4},
        {"$[?(@.a == /x/)]", 4},
        {"$[?(/x/ =~ /y/)]", 4},
        {"$[?(@.a =~ /[/)]", 3},
        {"$[?(@.a =~ /+/)]", 11},
        {"$[?(@.a == 'a && b')]", 11},
        {"$[?(@.a = 1)]", 7},
        {"$[?(@.a == ')]", 3},
        {"$[?('a' in @.b)]", 4},
        {"$[?(@.a != 'x == y')]", 7},
        {"$[?(@.a == ' b)]", 3},
        {"$[?(@.a == b')]", 3},
    };
    for (size_t i = 0; i < COUNT_OF(refused); i++)
        assert_refused(*state, refused[i].text, refused[i].offset);
}

/* A backslash is an ordinary character, so the name ends at the second quote. */
static void test_escaped_quote(void **state)
{
    static const struct example examples[] = {
        {"$['it\\'s']", "{\"it\\\\\":1}", "1"},
        {"$['it\\'s']", "{\"it's\":1}", "!No results for path: $['it\\']"},
    };
    ASSERT_EXAMPLES(state, examples);
}

/* ---- roots and kinds ---- */

static void test_roots(void **state)
{
    struct fixture *f = *state;
    struct expr_env *env = env_of(f, "{\"a\":1}");
    struct expr_vars outer = {.own = value_of(f, "{\"x\":{\"y\":[5]},\"z\":\"far\"}")};
    struct expr_vars inner = {.own = value_of(f, "{\"z\":\"near\"}"), .outer = &outer};
    struct json v;
    struct str why;
    env->context = value_of(f, "{\"Execution\":{\"Name\":\"run\"}}");
    env->vars = &inner;

    assert_int_equal(path_eval(compiled(f, "$$.Execution.Name"), env, &v, &why), PATH_FOUND);
    assert_result(f, v, "\"run\"", "context");
    assert_int_equal(path_eval(compiled(f, "$$"), env, &v, &why), PATH_FOUND);
    assert_int_equal(path_eval(compiled(f, "$x.y[0]"), env, &v, &why), PATH_FOUND);
    assert_result(f, v, "5", "outer variable");
    assert_int_equal(path_eval(compiled(f, "$z"), env, &v, &why), PATH_FOUND);
    assert_result(f, v, "\"near\"", "the innermost variable wins");
    assert_int_equal(path_eval(compiled(f, "$x['y']"), env, &v, &why), PATH_FOUND);
    assert_int_equal(path_eval(compiled(f, "$gone.y"), env, &v, &why), PATH_MISSING);
    assert_text(why, "No results for path: $gone.y", "missing variable");
    assert_int_equal(path_eval_at(compiled(f, "$.b"), value_of(f, "{\"b\":2}"), env, &v, &why),
                     PATH_FOUND);
    assert_result(f, v, "2", "another root");
}

static void test_kinds(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text;
        bool definite, reference;
    } kinds[] = {
        {"$", true, true},        {"$.a.b[0]['c d']", true, true}, {"$$.a", true, true},
        {"$name.a", true, true},  {"$['a','b']", true, false},     {"$[(@.length-1)]", true, false},
        {"$.a[*]", false, false}, {"$..a", false, false},          {"$[0,1]", false, false},
        {"$[1:]", false, false},  {"$[?(@.a)]", false, false},     {"$.length()", true, false},
        {"$.a@b", true, false},   {"$['a@b']", true, true},        {"$.a:b", true, false},
        {"$[1.5]", true, false},
    };
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        const struct path *p = compiled(f, kinds[i].text);
        if (path_is_definite(p) != kinds[i].definite || path_is_reference(p) != kinds[i].reference)
            fail_msg("%s", kinds[i].text);
    }
    assert_true(path_is_whole_input(compiled(f, "$")));
    assert_false(path_is_whole_input(compiled(f, "$.a")));
    assert_false(path_is_whole_input(compiled(f, "$$")));
    assert_false(path_is_whole_input(compiled(f, "$x")));
    assert_int_equal(path_root(compiled(f, "$x.y")), PATH_ROOT_VARIABLE);
    assert_text(path_variable(compiled(f, "$x_1.y")), "x_1", "variable");
    assert_text(path_text(compiled(f, " $.a ")), "$.a", "text");
}

/* ---- limits ---- */

static void assert_long_refused(struct fixture *f, const char *piece, size_t times,
                                const char *words)
{
    struct buf b = BUF_INIT(0);
    const struct path *p;
    struct err e;
    buf_append_char(&b, '$');
    for (size_t i = 0; i < times; i++)
        buf_append(&b, str_of_cstr(piece));
    assert_false(path_compile(f->arena, buf_str(&b), &p, &e));
    assert_non_null(strstr(e.message, words));
    buf_release(&b);
}

static void test_limits(void **state)
{
    struct fixture *f = *state;
    assert_long_refused(f, ".a", PATH_SEGMENTS_MAX + 1, "more than 256 segments");
    assert_long_refused(f, "a", PATH_TEXT_MAX, "longer than 8192 bytes");
    assert_long_refused(f, "[?(@", PATH_FILTER_DEPTH_MAX + 2, "']' is missing");
    struct buf b = BUF_INIT(0);
    buf_append_char(&b, '$');
    for (int i = 0; i < 2 * PATH_FILTER_DEPTH_MAX; i++)
        buf_append(&b, STR("[?(@"));
    for (int i = 0; i < 2 * PATH_FILTER_DEPTH_MAX; i++)
        buf_append(&b, STR(")]"));
    const struct path *p;
    struct err e;
    assert_false(path_compile(f->arena, buf_str(&b), &p, &e));
    assert_non_null(strstr(e.message, "deeper in one another than 32"));
    buf_release(&b);
}

/* Whatever the number of steps, a path either ends or says which limit it met. */
static void test_budgets(void **state)
{
    struct fixture *f = *state;
    static const char *const paths[] = {
        "$", "$[*]", "$..*", "$[?(@ == 1)]", "$[0:]", "$[0,1,1,1]", "$[?(@ =~ /1/)]", "$..[0]",
    };
    struct json v;
    struct str why;
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        enum path_outcome outcome = PATH_FAILED;
        for (uint64_t steps = 0; outcome == PATH_FAILED; steps++) {
            struct expr_env *env = env_of(f, "[1,1,[1,[1,1]]]");
            env->steps_left = steps;
            outcome = path_eval(compiled(f, paths[i]), env, &v, &why);
            assert_true(steps < 10000);
            assert_true(steps > 0 || outcome == PATH_FAILED);
            if (outcome == PATH_FAILED)
                assert_non_null(strstr(arena_cstr(f->arena, why), "expression_steps_max"));
        }
    }
    struct expr_env *env = env_of(f, "[1,1,1,1,1,1,1,1]");
    env->out = arena_new(64);
    assert_int_equal(path_eval(compiled(f, "$[*]"), env, &v, &why), PATH_FAILED);
    assert_text(why, "The expression takes more memory than the limit expression_memory_max allows",
                "memory");
    arena_free(env->out);
}

/* The words show no more of a large value than a cause can hold. */
static void test_words_are_bounded(void **state)
{
    struct fixture *f = *state;
    struct expr_env *env = env_of(f, "{}");
    struct json_object_builder b = json_object_builder(f->arena);
    for (int i = 0; i < 10000; i++)
        json_object_add(&b, arena_printf(f->arena, "name%d", i), json_int(i));
    struct json v;
    struct str why;
    env->input = json_object_done(&b);
    assert_int_equal(path_eval(compiled(f, "$[0]"), env, &v, &why), PATH_FAILED);
    assert_in_range(why.len, 1000, EXPR_CAUSE_MAX);
}

/* Values may be nested deeper than any text can be. */
static void test_deep_values(void **state)
{
    struct fixture *f = *state;
    struct expr_env *env = env_of(f, "{}");
    struct json v = json_int(1);
    struct str why;
    for (int i = 0; i < 200000; i++) {
        struct json *item = ARENA_NEW(f->arena, struct json);
        *item = v;
        v = json_array(item, 1);
    }
    env->input = v;
    assert_int_equal(path_eval(compiled(f, "$..*"), env, &v, &why), PATH_FOUND);
    assert_int_equal(json_count(v), 200000);
    assert_int_equal(path_eval(compiled(f, "$.x"), env, &v, &why), PATH_MISSING);
    assert_int_equal(path_eval(compiled(f, "$[?(@ =~ /x/)]"), env, &v, &why), PATH_FOUND);
}

/* ---- putting ---- */

static void test_put(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *path, *root, *result;
    } rows[] = {
        {"$", "{\"a\":1}", "\"new\""},
        {"$.a", "{\"a\":1,\"b\":2}", "{\"a\":\"new\",\"b\":2}"},
        {"$.c", "{\"a\":1}", "{\"a\":1,\"c\":\"new\"}"},
        {"$.a.b.c", "{}", "{\"a\":{\"b\":{\"c\":\"new\"}}}"},
        {"$.a.b", "{\"a\":{\"x\":1}}", "{\"a\":{\"x\":1,\"b\":\"new\"}}"},
        {"$.a.b", "{\"a\":[1],\"z\":2}", "{\"a\":{\"b\":\"new\"},\"z\":2}"},
        {"$.a", "null", "{\"a\":\"new\"}"},
        {"$.a[1].b", "{\"a\":[1,{\"c\":2}]}", "{\"a\":[1,{\"c\":2,\"b\":\"new\"}]}"},
        {"$[0]", "[1,2]", "[\"new\",2]"},
        {"$['a b']['']", "{}", "{\"a b\":{\"\":\"new\"}}"},
        {"$.a[1]", "{\"a\":[1]}", "!Index out of bounds when evaluating path $['a'][1]"},
        {"$.a[0]", "{}", "!Index out of bounds when evaluating path $['a'][0]"},
        {"$[-1]", "[1]", "!Index out of bounds when evaluating path $[-1]"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct expr_env *env = env_of(f, "{}");
        struct json v;
        struct str why;
        enum path_outcome outcome = path_put(compiled(f, rows[i].path), value_of(f, rows[i].root),
                                             value_of(f, "\"new\""), env, &v, &why);
        if (*rows[i].result == '!')
            assert_text(why, rows[i].result + 1, rows[i].path);
        else if (outcome == PATH_FOUND)
            assert_result(f, v, rows[i].result, rows[i].path);
        assert_int_equal(outcome, *rows[i].result == '!' ? PATH_MISSING : PATH_FOUND);
    }
}

static void test_put_shares_and_keeps(void **state)
{
    struct fixture *f = *state;
    struct expr_env *env = env_of(f, "{\"a\":{\"b\":[1,2,3]},\"c\":0}");
    struct json v;
    struct str why;
    assert_int_equal(path_put(compiled(f, "$.c"), env->input, json_int(1), env, &v, &why),
                     PATH_FOUND);
    assert_ptr_equal(json_get(v, STR("a")).u.members, json_get(env->input, STR("a")).u.members);
    assert_result(f, env->input, "{\"a\":{\"b\":[1,2,3]},\"c\":0}", "the old value");
    env->steps_left = 1;
    assert_int_equal(path_put(compiled(f, "$.c"), env->input, json_int(1), env, &v, &why),
                     PATH_FAILED);
    env = env_of(f, "[1,2,3,4,5,6,7,8]");
    env->out = arena_new(8);
    assert_int_equal(path_put(compiled(f, "$[0]"), env->input, json_int(1), env, &v, &why),
                     PATH_FAILED);
    arena_free(env->out);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_definite, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_indefinite, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_missing_before_indefinite, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_filter_comparisons, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_filter_logic, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_filter_patterns, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_failures, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_refused, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_refused_filters, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_escaped_quote, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_roots, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_kinds, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_limits, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_budgets, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_words_are_bounded, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_deep_values, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_put, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_put_shares_and_keeps, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
