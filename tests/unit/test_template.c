/* Payload templates: what is computed, what is shared, what is wrong with them. */
#include "expr/template.h"
#include "expr_support.h"

static const struct template *compiled(struct fixture *f, const char *source)
{
    struct diag_list diags = diag_list(f->arena);
    const struct template *t;
    template_compile(f->arena, value_of(f, source), STR(""), &diags, &t);
    if (diags.count)
        fail_msg("%s: " STR_FMT " " STR_FMT, source, STR_ARG(diags.items[0].pointer),
                 STR_ARG(diags.items[0].message));
    return t;
}

static void assert_gives(struct fixture *f, const char *source, const char *input,
                         const char *result)
{
    struct expr_env *env = env_of(f, input);
    struct json v;
    struct expr_failure failure;
    if (!template_eval(compiled(f, source), env, &v, &failure))
        fail_msg("%s: " STR_FMT, source, STR_ARG(failure.cause));
    assert_result(f, v, result, source);
}

static void test_examples(void **state)
{
    static const struct {
        const char *source, *input, *result;
    } rows[] = {
        {"{}", "{}", "{}"},
        {"{\"a\":1.0,\"b\":[\"$.x\",null]}", "{}", "{\"a\":1.0,\"b\":[\"$.x\",null]}"},
        {"{\"a.$\":\"$.x\"}", "{\"x\":[1,2]}", "{\"a\":[1,2]}"},
        {"{\"z\":1,\"a.$\":\"$\",\"b\":2}", "[3]", "{\"z\":1,\"a\":[3],\"b\":2}"},
        {"{\"o\":{\"p\":{\"q.$\":\"$.x\"}}}", "{\"x\":null}", "{\"o\":{\"p\":{\"q\":null}}}"},
        {"{\"l\":[1,{\"a.$\":\"$.x\"},[{\"b.$\":\"$.x\"}],\"$.x\"]}", "{\"x\":7}",
         "{\"l\":[1,{\"a\":7},[{\"b\":7}],\"$.x\"]}"},
        {"[{\"a.$\":\"$.x\"}]", "{\"x\":7}", "[{\"a\":7}]"},
        {"{\"a.$\":\"States.Format('{}-{}', $.x, 'y')\"}", "{\"x\":1}", "{\"a\":\"1-y\"}"},
        {"{\"a.$\":\" States.Array( 1 , $.x ) \"}", "{\"x\":1}", "{\"a\":[1,1]}"},
        {"{\"a.$\":\"$.x[*].n\"}", "{}", "{\"a\":[]}"},
        {"{\".$\":\"$.x\"}", "{\"x\":1}", "{\"\":1}"},
        {"{\"a.$.$\":\"$.x\"}", "{\"x\":1}", "{\"a.$\":1}"},
        {"{\"$\":\"$.x\",\"a$\":\"$.x\"}", "{}", "{\"$\":\"$.x\",\"a$\":\"$.x\"}"},
        {"\"text\"", "{}", "\"text\""},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_gives(*state, rows[i].source, rows[i].input, rows[i].result);
}

static void test_context_and_variables(void **state)
{
    struct fixture *f = *state;
    const struct template *t = compiled(
        f,
        "{\"a.$\":\"$$.State.Name\",\"b.$\":\"$v.w\",\"c\":[{\"d.$\":\"States.Array($v, $u)\"}]}");
    struct expr_env *env = env_of(f, "{}");
    struct json v;
    struct expr_failure failure;
    env->context = value_of(f, "{\"State\":{\"Name\":\"Here\"}}");
    f->vars.own = value_of(f, "{\"v\":{\"w\":1},\"u\":2}");
    assert_true(template_eval(t, env, &v, &failure));
    assert_result(f, v, "{\"a\":\"Here\",\"b\":1,\"c\":[{\"d\":[{\"w\":1},2]}]}", "references");
    assert_true(template_uses_context(t));
    assert_false(template_uses_context(compiled(f, "{\"a.$\":\"$.x\",\"b\":\"$$.y\"}")));
    assert_true(template_uses_context(compiled(f, "{\"a.$\":\"States.Array($$)\"}")));
}

static void add_name(void *arg, struct str name)
{
    struct buf *names = arg;
    buf_append(names, name);
    buf_append_char(names, ' ');
}

static void test_each_variable(void **state)
{
    struct fixture *f = *state;
    struct buf names = BUF_INIT(0);
    template_each_variable(
        compiled(f, "{\"a.$\":\"$x\",\"b\":[{\"c.$\":\"States.Array($y, $z.k)\"}],\"d\":\"$w\"}"),
        add_name, &names);
    assert_text(buf_str(&names), "x y z ", "variables");
    buf_release(&names);
}

/* What computes nothing is not rebuilt, at any depth. */
static void test_sharing(void **state)
{
    struct fixture *f = *state;
    struct json source =
        value_of(f, "{\"still\":{\"a\":[1,{\"b\":2}]},\"list\":[[1],{\"x.$\":\"$.big\"}]}");
    struct diag_list diags = diag_list(f->arena);
    const struct template *t;
    struct expr_env *env = env_of(f, "{\"big\":{\"c\":[1,2,3]}}");
    struct json v;
    struct expr_failure failure;
    template_compile(f->arena, source, STR(""), &diags, &t);
    assert_true(template_eval(t, env, &v, &failure));
    assert_ptr_equal(json_get(v, STR("still")).u.members, json_get(source, STR("still")).u.members);
    assert_ptr_equal(json_at(json_get(v, STR("list")), 0).u.items,
                     json_at(json_get(source, STR("list")), 0).u.items);
    assert_ptr_equal(json_pointer(v, STR("/list/1/x")).u.members,
                     json_get(env->input, STR("big")).u.members);

    source = value_of(f, "{\"a\":{\"b\":[1,2,3]}}");
    template_compile(f->arena, source, STR(""), &diags, &t);
    size_t used = arena_used(f->arena);
    assert_true(template_eval(t, env, &v, &failure));
    assert_ptr_equal(v.u.members, source.u.members);
    assert_int_equal(arena_used(f->arena), used);
}

/* ---- failing ---- */

static void test_failures(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *source, *cause;
    } rows[] = {
        {"{\"value.$\":\"$.no.such\"}",
         "The JSONPath '$.no.such' specified for the field 'value.$' could not be found in the "
         "input '{\"a\":1}'"},
        {"{\"o\":[{\"deep.$\":\"$.a[1]\"}]}",
         "Filter: [1] can only be applied to arrays. Current context is: 1"},
        {"{\"value.$\":\"$$.No\"}",
         "The JSONPath '$$.No' specified for the field 'value.$' could not be found in the "
         "input '{\"State\":{}}'"},
        {"{\"value.$\":\"$v.w\"}",
         "The JSONPath '$v.w' specified for the field 'value.$' could not be found in the "
         "input '{\"a\":1}'"},
        {"{\"value.$\":\"States.Array($.b)\"}",
         "The function 'States.Array($.b)' had the following error: The JsonPath argument for "
         "the field '$.b' could not be found in the input '{\"a\":1}'"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct expr_env *env = env_of(f, "{\"a\":1}");
        struct json v;
        struct expr_failure failure;
        env->context = value_of(f, "{\"State\":{}}");
        assert_false(template_eval(compiled(f, rows[i].source), env, &v, &failure));
        assert_text(failure.error, "States.Runtime", rows[i].source);
        assert_text(failure.cause, rows[i].cause, rows[i].source);
        assert_int_equal(arena_used(f->scratch), 0);
    }
}

/* A cause ends at its limit, between characters. */
static void test_long_cause(void **state)
{
    struct fixture *f = *state;
    struct expr_env *env = env_of(f, "{}");
    struct buf b = BUF_INIT(0);
    for (int i = 0; i < EXPR_CAUSE_MAX; i++)
        buf_append(&b, STR("\xc3\xa9"));
    struct json v;
    struct expr_failure failure;
    env->input = json_string(buf_str(&b));
    assert_false(template_eval(compiled(f, "{\"v.$\":\"$.x\"}"), env, &v, &failure));
    assert_in_range(failure.cause.len, EXPR_CAUSE_MAX - 3, EXPR_CAUSE_MAX);
    assert_int_equal((unsigned char)failure.cause.ptr[failure.cause.len - 1], 0xa9);
    buf_release(&b);
}

static void test_budgets(void **state)
{
    struct fixture *f = *state;
    const struct template *t = compiled(f, "{\"a.$\":\"$\",\"b.$\":\"$\",\"c.$\":\"$\"}");
    struct json v;
    struct expr_failure failure;
    struct expr_env *env = env_of(f, "{}");
    env->steps_left = 3;
    assert_false(template_eval(t, env, &v, &failure));
    assert_text(failure.error, "States.Runtime", "steps");
    env = env_of(f, "{}");
    env->out = arena_new(16);
    assert_false(template_eval(t, env, &v, &failure));
    assert_text(failure.cause,
                "The expression takes more memory than the limit expression_memory_max allows",
                "memory");
    arena_free(env->out);
}

/* ---- refusing ---- */

static void test_diagnostics(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *source, *code, *pointer, *message;
    } rows[] = {
        {"{\"a.$\":1}", "TEMPLATE_VALUE_NOT_STRING", "/P/a.$",
         "The value for the field 'a.$' must be a string"},
        {"{\"a.$\":\"x\"}", "INVALID_PATH", "/P/a.$",
         "The value for the field 'a.$' must be a valid JSONPath or a valid intrinsic function "
         "call"},
        {"{\"o\":[0,{\"b/c.$\":\"$.\"}]}", "INVALID_PATH", "/P/o/1/b~1c.$",
         "The value for the field 'b/c.$' must be a valid JSONPath or a valid intrinsic function "
         "call"},
        {"{\"a.$\":\"States.Nope()\"}", "INVALID_INTRINSIC", "/P/a.$",
         "The value for the field 'a.$' must be a valid JSONPath or a valid intrinsic function "
         "call"},
        {"{\"a\":1,\"a.$\":\"$\"}", "DUPLICATE_FIELD", "/P/a.$",
         "The field 'a' stands here with and without '.$'"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct diag_list diags = diag_list(f->arena);
        const struct template *t;
        template_compile(f->arena, value_of(f, rows[i].source), STR("/P"), &diags, &t);
        assert_non_null(t);
        assert_int_equal(diags.error_count, 1);
        assert_string_equal(diags.items[0].code, rows[i].code);
        assert_text(diags.items[0].pointer, rows[i].pointer, rows[i].source);
        assert_text(diags.items[0].message, rows[i].message, rows[i].source);
        assert_true(diags.items[0].remedy.len > 0);
    }
    struct diag_list diags = diag_list(f->arena);
    const struct template *t;
    template_compile(f->arena, value_of(f, "{\"a.$\":1,\"b\":[{\"c.$\":\"x\"}],\"d.$\":\"$\"}"),
                     STR(""), &diags, &t);
    assert_int_equal(diags.error_count, 2);
}

static struct json nested(struct fixture *f, struct json v, int depth)
{
    for (int i = 0; i < depth; i++) {
        struct json *item = ARENA_NEW(f->arena, struct json);
        *item = v;
        v = json_array(item, 1);
    }
    return v;
}

static void test_depth(void **state)
{
    struct fixture *f = *state;
    for (int depth = JSON_DEPTH_MAX - 1; depth <= JSON_DEPTH_MAX; depth++) {
        struct diag_list diags = diag_list(f->arena);
        const struct template *t;
        struct json v;
        struct expr_failure failure;
        template_compile(f->arena, nested(f, value_of(f, "{\"a.$\":\"$\"}"), depth), STR(""),
                         &diags, &t);
        assert_int_equal(diags.error_count, depth == JSON_DEPTH_MAX);
        if (depth < JSON_DEPTH_MAX) {
            assert_true(template_eval(t, env_of(f, "1"), &v, &failure));
        } else {
            assert_string_equal(diags.items[0].code, "TOO_DEEP");
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_examples, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_context_and_variables, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_each_variable, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_sharing, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_failures, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_long_cause, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_budgets, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_diagnostics, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_depth, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests_name("template", tests, NULL, NULL);
}
