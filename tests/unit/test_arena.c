/* The arena: alignment, budgets, marks. */
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void blocks_are_aligned_and_apart(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    char *previous = NULL;
    for (size_t size = 0; size < 10000; size = size * 2 + 1) {
        char *block = arena_alloc(a, size);
        assert_int_equal((uintptr_t)block % alignof(max_align_t), 0);
        assert_ptr_not_equal(block, previous);
        memset(block, 0xff, size);
        previous = size ? block : NULL;
    }
    arena_free(a);
}

static void zalloc_is_zero_where_memory_was_used_before(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct arena_mark empty = arena_mark(a);
    memset(arena_alloc(a, 1000), 0xff, 1000);
    arena_rewind(a, empty);
    const char *zeroed = arena_zalloc(a, 10, 100);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(zeroed[i], 0);
    arena_free(a);
}

static void a_budget_can_be_given_anew(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    arena_alloc(a, 5000);
    arena_allow(a, 1000);
    assert_true(arena_room(a, 1000));
    assert_false(arena_room(a, 1001));
    arena_alloc(a, 1001);
    assert_true(arena_over(a));
    arena_allow(a, 0);
    assert_false(arena_over(a));
    arena_free(a);
}

static void the_budget_is_asked_not_enforced(void **state)
{
    (void)state;
    struct arena *a = arena_new(100);
    assert_true(arena_room(a, 100));
    assert_false(arena_room(a, 101));
    assert_false(arena_room(a, SIZE_MAX));
    struct arena_mark before = arena_mark(a);
    assert_non_null(arena_alloc(a, 90));
    assert_false(arena_over(a));
    assert_non_null(arena_alloc(a, 90));
    assert_true(arena_over(a));
    assert_false(arena_room(a, 0));
    arena_rewind(a, before);
    assert_false(arena_over(a));
    assert_int_equal(arena_used(a), 0);
    arena_free(a);
}

static void marks_nest(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct str kept = arena_str(a, STR("kept"));
    struct arena_mark outer = arena_mark(a);
    arena_alloc(a, 5000);
    struct arena_mark inner = arena_mark(a);
    arena_alloc(a, 3 << 20);
    arena_rewind(a, inner);
    assert_int_equal(arena_used(a), 5004);
    arena_rewind(a, outer);
    assert_int_equal(arena_used(a), 4);
    assert_true(str_eq(kept, STR("kept")));
    arena_free(a);
}

static void grow_keeps_the_items(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    size_t *items = NULL;
    size_t capacity = 0;
    for (size_t i = 0; i < 1000; i++) {
        items = arena_grow(a, items, i, &capacity, sizeof(*items));
        items[i] = i;
    }
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(items[i], i);
    arena_free(a);
}

static void texts_are_copied(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    assert_string_equal(arena_cstr(a, str_of("abcdef", 3)), "abc");
    assert_true(str_eq(arena_printf(a, "%d-%s", 7, "x"), STR("7-x")));
    assert_string_equal(arena_cstr(a, (struct str){NULL, 0}), "");
    arena_free(a);
    arena_free(NULL);
}

static void large_pages_change_nothing_else(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct arena_mark empty = arena_mark(a);
    char *before = arena_alloc(a, 100);
    memset(before, 1, 100);
    arena_use_large_pages(a);
    for (size_t size = 1; size <= 8 << 20; size *= 2) {
        char *block = arena_alloc(a, size);
        assert_int_equal((uintptr_t)block % alignof(max_align_t), 0);
        memset(block, 0xff, size);
    }
    assert_int_equal(arena_used(a), 100 + (16 << 20) - 1);
    assert_int_equal(before[99], 1);
    arena_rewind(a, empty);
    assert_int_equal(arena_used(a), 0);
    memset(arena_alloc(a, 3 << 20), 1, 3 << 20);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_aligned_and_apart),
        cmocka_unit_test(zalloc_is_zero_where_memory_was_used_before),
        cmocka_unit_test(the_budget_is_asked_not_enforced),
        cmocka_unit_test(a_budget_can_be_given_anew),
        cmocka_unit_test(marks_nest),
        cmocka_unit_test(large_pages_change_nothing_else),
        cmocka_unit_test(grow_keeps_the_items),
        cmocka_unit_test(texts_are_copied),
    };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
