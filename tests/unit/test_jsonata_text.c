/* Text as JavaScript sees it: case, white space, positions. */
#include "expr/jsonata/text.h"
#include "expr_support.h"

static void test_case(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text, *upper, *lower;
    } examples[] = {
        {"Hello, World 1", "HELLO, WORLD 1", "hello, world 1"},
        {"straße", "STRASSE", "straße"},
        {"ΌΣΟΣ ΣΑΣ.", "ΌΣΟΣ ΣΑΣ.", "όσος σας."},
        {"Σ", "Σ", "σ"},
        {"İstanbul", "İSTANBUL", "i̇stanbul"},
        {"ŉ ﬃ ǆ ǅ", "ʼN FFI Ǆ Ǆ", "ŉ ﬃ ǆ ǆ"},
        {"жЁ𐐨𐐀", "ЖЁ𐐀𐐀", "жё𐐨𐐨"},
        {"\xed\xa0\x80z", "\xed\xa0\x80Z", "\xed\xa0\x80z"},
    };
    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        struct str text = str_of_cstr(examples[i].text);
        assert_text(text_upper(f->arena, text), examples[i].upper, examples[i].text);
        assert_text(text_lower(f->arena, text), examples[i].lower, examples[i].text);
    }
}

static void test_positions(UNUSED void **state)
{
    struct str text = STR("aé😀b");
    assert_int_equal(text_units(text), 5);
    static const size_t bytes[] = {0, 1, 3, 3, 7, 8, 8};
    for (size_t i = 0; i < COUNT_OF(bytes); i++)
        assert_int_equal(text_byte_of_unit(text, i), bytes[i]);
    assert_int_equal(text_space_at(STR("\xe2\x80\xa8"), 0), 3);
    assert_int_equal(text_space_at(STR("\xc2\x85"), 0), 0);
    assert_int_equal(text_space_at(STR("\v"), 0), 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_case, fixture_setup, fixture_teardown),
        cmocka_unit_test(test_positions),
    };
    return cmocka_run_group_tests_name("jsonata_text", tests, NULL, NULL);
}
