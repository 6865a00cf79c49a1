/* The fields of our own as compiled, and their limits: what golden files cannot show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "asl/compile.h"

struct result {
    struct arena *arena;
    struct diag_list diags;
    const struct machine *machine;
};

static struct result compile(struct str text)
{
    struct result r = {.arena = arena_new(0)};
    struct err syntax;

    r.diags = diag_list(r.arena);
    if (!asl_compile(r.arena, text, &r.diags, &r.machine, &syntax))
        assert_null(r.machine);
    return r;
}

static const struct state *state_named(const struct result *r, const char *name)
{
    for (uint32_t i = 0; r->machine && i < r->machine->state_count; i++)
        if (str_eq(r->machine->states[i].name, str_of_cstr(name)))
            return &r->machine->states[i];
    fail_msg("there is no state %s", name);
    return NULL;
}

static void assert_str(struct str s, const char *expected)
{
    assert_int_equal(s.len, strlen(expected));
    assert_memory_equal(s.ptr, expected, s.len);
}

static const char parts[] = "StartAt: Split\n"
                            "States:\n"
                            "  Split:\n"
                            "    Type: Parallel\n"
                            "    x-phase: split\n"
                            "    x-step: 9\n"
                            "    Branches:\n"
                            "      - StartAt: Left\n"
                            "        x-step: 1\n"
                            "        States: {Left: {Type: Pass, Next: Own}, "
                            "Own: {Type: Pass, x-step: 4, x-phase: own, End: true}}\n"
                            "      - StartAt: Each\n"
                            "        States:\n"
                            "          Each:\n"
                            "            Type: Map\n"
                            "            End: true\n"
                            "            ItemProcessor:\n"
                            "              StartAt: Item\n"
                            "              x-step: 7\n"
                            "              States: {Item: {Type: Pass, End: true}}\n"
                            "    Next: Last\n"
                            "  Last: {Type: Succeed, x-type: end}\n";

static void a_branch_numbers_its_states(void **state)
{
    struct result r = compile(STR(parts));

    (void)state;
    assert_int_equal(state_named(&r, "Split")->step_number, 9);
    assert_int_equal(state_named(&r, "Left")->step_number, 1);
    assert_int_equal(state_named(&r, "Own")->step_number, 4);
    assert_int_equal(state_named(&r, "Each")->step_number, 0);
    assert_int_equal(state_named(&r, "Item")->step_number, 0);
    assert_int_equal(state_named(&r, "Last")->step_number, 0);
    arena_free(r.arena);
}

static void a_phase_holds_for_everything_inside(void **state)
{
    struct result r = compile(STR(parts));

    (void)state;
    assert_str(state_named(&r, "Split")->phase, "split");
    assert_str(state_named(&r, "Left")->phase, "split");
    assert_str(state_named(&r, "Own")->phase, "own");
    assert_str(state_named(&r, "Item")->phase, "split");
    assert_str(state_named(&r, "Last")->phase, "");
    arena_free(r.arena);
}

static void what_is_not_given_is_not_there(void **state)
{
    struct result r = compile(STR(parts));
    const struct state *last = state_named(&r, "Last"), *left = state_named(&r, "Left");

    (void)state;
    assert_int_equal(r.machine->on_cancel, STATE_NO_NONE);
    assert_str(last->type_label, "end");
    assert_str(left->type_label, "");
    assert_null(left->review);
    assert_null(left->verify);
    arena_free(r.arena);
}

static void on_cancel_makes_a_state_reachable(void **state)
{
    struct result r = compile(
        STR("StartAt: A\nx-on-cancel: B\nStates: {A: {Type: Succeed}, B: {Type: Succeed}}\n"));

    (void)state;
    assert_int_equal(r.machine->on_cancel, state_named(&r, "B")->number);
    arena_free(r.arena);
}

/* ---- limits ---- */

enum {
    TEXT_MAX = 20000
};

/* A machine of one state with one field, whose value is `count` times `unit` between
 * `head` and `tail`: is it taken? */
static bool taken(const char *head, const char *unit, size_t count, const char *tail)
{
    struct buf b = BUF_INIT(TEXT_MAX);
    struct result r;
    bool ok;

    buf_printf(&b, "{\"StartAt\": \"A\", \"States\": {\"A\": {\"Type\": \"Succeed\", %s", head);
    for (size_t i = 0; i < count; i++)
        buf_append(&b, str_of_cstr(unit));
    buf_printf(&b, "%s}}}", tail);
    r = compile(buf_str(&b));
    ok = r.machine != NULL;
    assert_int_equal(r.diags.count, ok ? 0 : 1);
    if (!ok) {
        assert_string_equal(r.diags.items[0].code, "OUT_OF_RANGE");
        assert_true(str_starts_with(r.diags.items[0].pointer, STR("/States/A/x-")));
        assert_true(r.diags.items[0].remedy.len);
    }
    arena_free(r.arena);
    buf_release(&b);
    return ok;
}

static void limits_are_where_they_are_said_to_be(void **state)
{
    static const struct {
        const char *head, *unit, *tail;
        size_t max;
    } rows[] = {
        {"\"x-phase\": \"", "\xC3\xA4", "\"", PHASE_NAME_MAX},
        {"\"x-type\": \"", "\xC3\xA4", "\"", TYPE_LABEL_MAX},
        {"\"x-review\": {\"message\": \"", "m", "\"}", REVIEW_TEXT_MAX},
        {"\"x-review\": {\"cause\": \"", "c", "\"}", REVIEW_TEXT_MAX},
        {"\"x-review\": {\"error\": \"", "e", "\"}", REVIEW_ERROR_MAX},
        {"\"x-verify\": {\"command\": [\"", "w", "\"]}", VERIFY_WORD_MAX},
        {"\"x-verify\": {\"command\": [\"a\"", ", \"\"", "]}", VERIFY_WORDS_MAX - 1},
        {"\"x-verify\": {\"command\": [\"a\"], \"remedy\": \"", "r", "\"}", VERIFY_REMEDY_MAX},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_true(taken(rows[i].head, rows[i].unit, rows[i].max, rows[i].tail));
        assert_false(taken(rows[i].head, rows[i].unit, rows[i].max + 1, rows[i].tail));
    }
}

/* ---- what the store has ---- */

/* A machine that leads from A to B, with `field` in A and `top` beside StartAt. */
static struct result compile_stored(const char *field, const char *top)
{
    struct result r = {.arena = arena_new(0)};
    struct str text =
        arena_printf(r.arena,
                     "{\"StartAt\": \"A\", %s \"States\": {\"A\": {\"Type\": \"Pass\", %s "
                     "\"Next\": \"B\"}, \"B\": {\"Type\": \"Succeed\"}}}",
                     top, field);
    struct result strict = compile(text);
    struct err syntax;

    assert_null(strict.machine);
    arena_free(strict.arena);
    r.diags = diag_list(r.arena);
    assert_true(asl_compile_stored(r.arena, text, &r.diags, &r.machine, &syntax));
    assert_int_equal(r.diags.count, 0);
    assert_true(r.machine->passed_over);
    return r;
}

static void a_malformed_field_in_the_store_is_absent(void **state)
{
    static const char *const fields[] = {
        "\"x-label\": 1,",
        "\"x-step\": \"three\",",
        "\"x-step\": 0,",
        "\"x-step\": 99999999,",
        "\"x-phase\": 7,",
        "\"x-phase\": \"\",",
        "\"x-type\": [],",
        "\"x-review\": \"ask\",",
        "\"x-review\": {\"expires_seconds\": \"soon\"},",
        "\"x-review\": {\"who\": \"me\"},",
        "\"x-verify\": \"test -s it\",",
        "\"x-verify\": {},",
        "\"x-verify\": {\"command\": [\"true\", 1]},",
        "\"x-on-cancel\": \"B\",",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        struct result r = compile_stored(fields[i], "");
        const struct state *a = state_named(&r, "A");

        assert_str(a->label, "");
        assert_int_equal(a->step_number, 0);
        assert_str(a->phase, "");
        assert_str(a->type_label, "");
        assert_null(a->review);
        assert_null(a->verify);
        arena_free(r.arena);
    }
}

static void a_malformed_cleanup_in_the_store_is_absent(void **state)
{
    static const char *const tops[] = {"\"x-on-cancel\": 3,", "\"x-on-cancel\": \"C\",",
                                       "\"x-on-cancel\": \"A\","};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(tops); i++) {
        struct result r = compile_stored("", tops[i]);

        assert_int_equal(r.machine->on_cancel, STATE_NO_NONE);
        arena_free(r.arena);
    }
}

/* Only what is malformed is passed over, and only among the fields of our own. */
static void the_store_is_not_believed_all(void **state)
{
    struct result r = compile_stored("\"x-step\": 0, \"x-phase\": \"split\",", "");
    struct diag_list diags = diag_list(r.arena);
    const struct machine *m;
    struct err syntax;

    (void)state;
    assert_str(state_named(&r, "A")->phase, "split");
    assert_true(asl_compile_stored(r.arena, STR(parts), &diags, &m, &syntax));
    assert_false(m->passed_over);
    assert_false(asl_compile_stored(
        r.arena, STR("StartAt: A\nStates: {A: {Type: Succeed, Next: A, x-step: 0}}\n"), &diags, &m,
        &syntax));
    assert_int_equal(diags.error_count, 1);
    arena_free(r.arena);
}

/* An Express item cannot wait for a review; once the field said nothing there. */
static void a_review_of_an_express_item_in_the_store_is_absent(void **state)
{
    static const char text[] =
        "StartAt: Each\nStates:\n  Each:\n    Type: Map\n    End: true\n    ItemProcessor:\n"
        "      ProcessorConfig: {Mode: DISTRIBUTED, ExecutionType: EXPRESS}\n"
        "      StartAt: Item\n      States: {Item: {Type: Pass, x-review: true, End: true}}\n";
    struct result strict = compile(STR(text)), r = {.arena = arena_new(0)};
    struct err syntax;

    (void)state;
    assert_null(strict.machine);
    r.diags = diag_list(r.arena);
    assert_true(asl_compile_stored(r.arena, STR(text), &r.diags, &r.machine, &syntax));
    assert_null(state_named(&r, "Item")->review);
    arena_free(strict.arena);
    arena_free(r.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_branch_numbers_its_states),
        cmocka_unit_test(a_phase_holds_for_everything_inside),
        cmocka_unit_test(what_is_not_given_is_not_there),
        cmocka_unit_test(on_cancel_makes_a_state_reachable),
        cmocka_unit_test(limits_are_where_they_are_said_to_be),
        cmocka_unit_test(a_malformed_field_in_the_store_is_absent),
        cmocka_unit_test(a_malformed_cleanup_in_the_store_is_absent),
        cmocka_unit_test(the_store_is_not_believed_all),
        cmocka_unit_test(a_review_of_an_express_item_in_the_store_is_absent),
    };

    return cmocka_run_group_tests_name("own_fields", tests, NULL, NULL);
}
