/* Numbers as JavaScript writes and reads them, and pictures of integers. */
#include "expr/jsonata/integer_picture.h"
#include "expr/jsonata/number_text.h"
#include "expr_support.h"

#include <math.h>

static void test_fifteen_digits(UNUSED void **state)
{
    static const struct {
        double value;
        const char *text;
    } examples[] = {
        {0.1 + 0.2, "0.3"},
        {1.0 / 3, "0.333333333333333"},
        {22.0 / 7, "3.14285714285714"},
        {-0.0, "0"},
        {1e21, "1e+21"},
        {123456789012345680000.0, "123456789012346000000"},
        {1.5e-7, "1.5e-7"},
        {5e-324, "5e-324"},
        {1.7976931348623157e308, "1.79769313486232e+308"},
        {9007199254740991.0, "9007199254740991"},
        {-1234.5678, "-1234.5678"},
    };
    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        char to[JSON_DOUBLE_SIZE];
        size_t len = json_double_format_15(examples[i].value, to);
        assert_text(str_of(to, len), examples[i].text, examples[i].text);
    }
}

static void test_reading(UNUSED void **state)
{
    double value;
    assert_true(number_read(STR("-007.50e1"), &value) && value == -75);
    assert_true(number_read(STR("0"), &value) && value == 0);
    assert_true(number_read(STR("1e999"), &value) && isinf(value));
    static const char *const refused[] = {"", "-", "1.", ".5", "+1", "1e", " 1", "0x1", "1.5.2"};
    for (size_t i = 0; i < COUNT_OF(refused); i++)
        assert_false(number_read(str_of_cstr(refused[i]), &value));
    assert_true(number_read_radix(STR("0xfF"), &value) && value == 255);
    assert_true(number_read_radix(STR(" 0b101 "), &value) && value == 5);
    assert_true(number_read_radix(STR("0o17"), &value) && value == 15);
    assert_true(number_read_radix(STR("0x20000000000001"), &value) && value == 0x1p53);
    assert_true(number_read_radix(STR("0x200000000000010000000000000001"), &value) &&
                value == ldexp(0x20000000000002, 64));
    assert_false(number_read_radix(STR("0x"), &value));
    assert_false(number_read_radix(STR("0b12"), &value));
    assert_true(integer_prefix(STR(" -12px")) == -12);
    assert_true(integer_prefix(STR("0x1Fg")) == 31);
    assert_true(isnan(integer_prefix(STR("px"))));
}

static void test_rounding(UNUSED void **state)
{
    static const struct {
        double value, places, result;
    } examples[] = {
        {2.5, 0, 2},        {3.5, 0, 4},        {-2.5, 0, -2},    {-0.4, 0, 0},
        {125, -1, 120},     {155, -1, 160},     {4.525, 2, 4.52}, {4.515, 2, 4.52},
        {1.005, 2, 1.0},    {1e300, 2, 1e300},  {0.5, 0, 0},      {1.5, 0, 2},
        {12345, -2, 12300}, {12450, -2, 12400}, {1e-7, 7, 1e-7},  {-1.5, 0, -2},
    };
    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        double got = number_round(examples[i].value, examples[i].places);
        if (got != examples[i].result)
            fail_msg("%g to %g places gives %g", examples[i].value, examples[i].places, got);
    }
    assert_true(isnan(number_round(INFINITY, 2)));
    assert_true(isnan(number_round(1, 1.5)));
}

static void test_radix(void **state)
{
    struct fixture *f = *state;
    assert_text(number_in_radix(f->arena, 255, 16), "ff", "255");
    assert_text(number_in_radix(f->arena, -10, 2), "-1010", "-10");
    assert_text(number_in_radix(f->arena, 0, 36), "0", "0");
    assert_text(number_in_radix(f->arena, 1e21, 36), "5v1j4f4ds7c000", "1e21");
    assert_text(number_in_radix(f->arena, 0x1p60, 2),
                "1000000000000000000000000000000000000000000000000000000000000", "2^60");
    assert_text(number_in_radix(f->arena, 1e21, 10), "1e+21", "1e21");
}

struct integer_example {
    double value;
    const char *picture, *text; /* or its error after "!" */
};

static void test_integer_pictures(void **state)
{
    struct fixture *f = *state;
    static const struct integer_example examples[] = {
        {1234567, "#,##0", "1,234,567"},
        {12, "0000", "0012"},
        {1234567, "#.##0,000", "1.234,567"},
        {5, "#,##0.00", ",.05"},
        {123, "0,0,0", "1,2,3"},
        {21, "0;o", "21st"},
        {112, "0;o", "112th"},
        {3, "#0;o", "3rd"},
        {42, "٠٠٠", "٠٤٢"},
        {42, "0٠", "!D3131"},
        {42, "*", "!D3130"},
        {-7, "0", "-7"},
        {1999, "I", "MCMXCIX"},
        {1999, "i", "mcmxcix"},
        {28, "A", "AB"},
        {703, "a", "aaa"},
        {0, "w", "zero"},
        {12345, "w", "twelve thousand, three hundred and forty-five"},
        {1000001, "Ww", "One Million and One"},
        {100, "w;o", "one hundredth"},
        {20, "Ww;o", "Twentieth"},
        {21, "W;o", "TWENTY-FIRST"},
        {1e18, "w", "one million trillion"},
        {1e300, "I", "!U1001"},
        {INFINITY, "w", "!U1001"},
        {1e21, "0", "1e+21"},
    };
    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        const struct integer_example *e = &examples[i];
        struct integer_picture picture;
        struct str text = {0};
        const char *code = integer_picture_read(f->arena, str_of_cstr(e->picture), &picture);
        if (!code)
            code = integer_format(f->arena, e->value, &picture, &text);
        const char *due = e->text + (*e->text == '!');
        assert_int_equal(code != NULL, *e->text == '!');
        assert_text(code ? str_of_cstr(code) : text, due, e->picture);
    }
}

static void test_integer_parsing(void **state)
{
    struct fixture *f = *state;
    static const struct integer_example examples[] = {
        {1234567, "#,##0", "1,234,567"},
        {1999, "I", "MCMXCIX"},
        {1999, "i", "mcmxcix"},
        {28, "A", "AB"},
        {12345, "w", "twelve thousand, three hundred and forty-five"},
        {1000001, "Ww", "One Million and One"},
        {1121, "W;o", "ONE THOUSAND, ONE HUNDRED AND TWENTY-FIRST"},
        {100, "w;o", "one hundredth"},
        {42, "٠٠٠", "٠٤٢"},
        {21, "0;o", "21st"},
    };
    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        const struct integer_example *e = &examples[i];
        struct integer_picture picture;
        double value = 0;
        assert_null(integer_picture_read(f->arena, str_of_cstr(e->picture), &picture));
        assert_null(integer_parse(f->arena, str_of_cstr(e->text), &picture, &value));
        if (value != e->value)
            fail_msg("%s in %s gives %g", e->text, e->picture, value);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fifteen_digits),
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_rounding),
        cmocka_unit_test_setup_teardown(test_radix, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_integer_pictures, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_integer_parsing, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests_name("jsonata_numbers", tests, NULL, NULL);
}
