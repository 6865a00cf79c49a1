/* What is asked of an execution: read from a body, written as one, and its lists of steps. */
#include "recovery/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

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

/* ---- lists ---- */

/* The terms as "1-3|Enrich|...". */
static void assert_terms(struct arena *a, const char *text, const char *wanted)
{
    const struct step_term *terms;
    struct buf said = BUF_INIT(0);
    size_t count;
    struct err err;
    if (!step_terms_parse(str_of_cstr(text), "--skip-steps", a, &terms, &count, &err))
        fail_msg("%s: %s", text, err.message);
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_append(&said, STR("|"));
        if (terms[i].kind == TERM_NAME)
            buf_append(&said, terms[i].text);
        else
            buf_printf(&said, "%lld-%lld", (long long)terms[i].first, (long long)terms[i].last);
    }
    assert_string_equal(buf_cstr(&said), wanted);
    buf_release(&said);
}

static void assert_no_terms(struct arena *a, struct str text, const char *wanted)
{
    const struct step_term *terms;
    size_t count;
    struct err err;
    assert_false(step_terms_parse(text, "--skip-steps", a, &terms, &count, &err));
    assert_non_null(strstr(err.message, wanted));
    assert_non_null(strstr(err.message, "--skip-steps"));
}

static void test_lists(void **state)
{
    struct arena *a = *state;
    assert_terms(a, "3", "3-3");
    assert_terms(a, "1,2,3", "1-1|2-2|3-3");
    assert_terms(a, "1, 2, 3", "1-1|2-2|3-3");
    assert_terms(a, " 1 2\t3 ", "1-1|2-2|3-3");
    assert_terms(a, "1-3,7", "1-3|7-7");
    assert_terms(a, "Enrich, Register part tables,4", "Enrich|Register part tables|4-4");
    assert_terms(a, "Split/addressable/Register,Leads[7]/Enrich",
                 "Split/addressable/Register|Leads[7]/Enrich");
    assert_terms(a, "\"a, b\",\"3\" , 3", "a, b|3|3-3");
    assert_terms(a, "Step 1", "Step 1");
    assert_terms(a, "x-1,1-x", "x-1|1-x");
}

static void test_lists_that_are_none(void **state)
{
    struct arena *a = *state;
    assert_no_terms(a, STR(""), "names no step");
    assert_no_terms(a, STR("  "), "names no step");
    assert_no_terms(a, STR("1,,2"), "nothing between two commas");
    assert_no_terms(a, STR("1,2,"), "nothing between two commas");
    assert_no_terms(a, STR("3-1"), "ends before it begins");
    assert_no_terms(a, STR("99999999999999999999"), "greatest number");
    assert_no_terms(a, STR("\"abc"), "double quotes");
    assert_no_terms(a, STR("\"abc\\"), "double quotes");
    assert_no_terms(a, STR("\"\""), "double quotes");
    assert_no_terms(a, STR("\"a\" b"), "without a comma");
}

static void test_lists_have_limits(void **state)
{
    struct arena *a = *state;
    struct buf text = BUF_INIT(0);
    for (int i = 0; i <= RECOVERY_TERMS_MAX; i++)
        buf_append(&text, STR("1 "));
    assert_no_terms(a, buf_str(&text), "more than 1000 steps");
    while (text.len <= RECOVERY_TEXT_SIZE_MAX)
        buf_append(&text, STR("name "));
    assert_no_terms(a, buf_str(&text), "longer than");
    buf_release(&text);
}

/* ---- bodies ---- */

static struct json parse(struct arena *a, const char *text)
{
    struct json value;
    struct err err;
    if (!json_parse(a, str_of_cstr(text), (struct json_limits){0}, JSON_DUPLICATES_REFUSE, &value,
                    &err))
        fail_msg("%s", err.message);
    return value;
}

static struct recovery_request read_body(struct arena *a, const char *text)
{
    struct recovery_request r;
    struct err err;
    if (!recovery_request_read(parse(a, text), RECOVERY_RESUME, a, &r, &err))
        fail_msg("%s: %s", text, err.message);
    return r;
}

static void assert_text(struct str text, const char *wanted)
{
    if (!str_eq(text, str_of_cstr(wanted)))
        fail_msg("\"" STR_FMT "\" is not \"%s\"", STR_ARG(text), wanted);
}

static void test_bodies(void **state)
{
    struct arena *a = *state;
    struct recovery_request r = read_body(
        a, "{\"skip_steps\":[0,\"a, b\",2,\"c\"],\"from_step\":3,\"until_step\":\"Deliver\","
           "\"until_phase\":\"delivery\",\"only\":\"context=x\",\"trigger_data\":{\"k\":1},"
           "\"set_output\":{\"1\":2},\"mocks\":{},\"cascade\":true,\"context\":\"recorded\","
           "\"dry_run\":true,\"by\":\"ann\",\"approved\":true}");
    assert_text(r.skip, "0,\"a, b\",2,c");
    assert_text(r.from, "3");
    assert_text(r.until, "Deliver");
    assert_text(r.until_phase, "delivery");
    assert_text(r.only, "context=x");
    assert_true(json_equal(r.input, parse(a, "{\"k\":1}")));
    assert_true(json_equal(r.outputs, parse(a, "{\"1\":2}")));
    assert_true(r.cascade && r.recorded_context && r.dry_run);
    assert_int_equal(r.numbering, STEPS_FROM_ZERO);
    r = read_body(a, "{\"skip_steps\":\"1-3\",\"step\":null,\"numbers\":\"order\",\"input\":null}");
    assert_text(r.skip, "1-3");
    assert_int_equal(r.numbering, STEPS_FROM_ONE);
    assert_true(json_is_null(r.input));
    assert_true(json_is_absent(read_body(a, "{\"trigger_data\":null}").input));
    assert_text(read_body(a, "{\"step_index\":2}").step, "2");
}

static void test_a_body_reads_back(void **state)
{
    struct arena *a = *state;
    struct recovery_request r = read_body(
        a, "{\"step\":\"Split/a/B\",\"skip_steps\":\"\\\"x, y\\\",2\",\"from_step\":\"4\","
           "\"until_step\":\"5\",\"until_phase\":\"p\",\"only\":\"l\",\"input\":[1],"
           "\"set_output\":{\"a\":1},\"mocks\":{\"b\":2},\"cascade\":true,"
           "\"context\":\"recorded\",\"dry_run\":true,\"by\":\"ann\",\"numbers\":\"order\"}");
    struct json written = recovery_request_json(&r, a);
    struct recovery_request again;
    struct err err;
    assert_true(recovery_request_read(written, RECOVERY_RESUME, a, &again, &err));
    assert_true(json_equal(recovery_request_json(&again, a), written));
    assert_text(again.skip, "\"x, y\",2");
    assert_int_equal(json_count(written), 14);
}

static void assert_refused(struct arena *a, const char *text, const char *wanted)
{
    struct recovery_request r;
    struct err err;
    assert_false(recovery_request_read(parse(a, text), RECOVERY_RESUME, a, &r, &err));
    if (!strstr(err.message, wanted))
        fail_msg("%s: %s", text, err.message);
}

static void test_bad_bodies(void **state)
{
    struct arena *a = *state;
    assert_refused(a, "[1]", "must be a JSON object");
    assert_refused(a, "{\"dry_run\":\"yes\"}", "\"dry_run\" must be true or false");
    assert_refused(a, "{\"from_step\":-1}", "\"from_step\" must name a step");
    assert_refused(a, "{\"from_step\":1.5}", "\"from_step\" must name a step");
    assert_refused(a, "{\"skip_steps\":[true]}", "\"skip_steps\" must name a step");
    assert_refused(a, "{\"until_phase\":3}", "\"until_phase\" must be a text");
    assert_refused(a, "{\"set_output\":[]}", "\"set_output\" must be an object");
    assert_refused(a, "{\"context\":\"old\"}", "\"current\" or \"recorded\"");
    assert_refused(a, "{\"numbers\":\"old\"}", "\"index\"");
    assert_refused(a, "{\"step\":1,\"step_index\":1}", "mean the same");
    assert_refused(a, "{\"input\":1,\"trigger_data\":1}", "mean the same");
}

static void test_known_fields(void **state)
{
    (void)state;
    assert_true(recovery_field_known(STR("skip_steps")));
    assert_true(recovery_field_known(STR("dry_run")));
    assert_false(recovery_field_known(STR("approved")));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_lists),        TEST(test_lists_that_are_none), TEST(test_lists_have_limits),
        TEST(test_bodies),       TEST(test_a_body_reads_back),   TEST(test_bad_bodies),
        TEST(test_known_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
