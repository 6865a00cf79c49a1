/* What golden files cannot show: limits, names, error matching, reports' forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "asl/compile.h"
#include "asl/diag_codes.h"
#include "asl/report.h"
#include "base/utf8.h"

struct result {
    struct arena *arena;
    struct diag_list diags;
    const struct machine *machine;
    struct err syntax;
    bool ok;
};

static struct result compile_within(struct str text, size_t memory_max)
{
    struct result r = {.arena = arena_new(memory_max)};

    r.diags = diag_list(arena_new(0));
    r.ok = asl_compile(r.arena, text, &r.diags, &r.machine, &r.syntax);
    assert_true(r.ok == (r.diags.error_count == 0));
    assert_true(r.ok == (r.machine != NULL));
    return r;
}

static struct result compile(const char *text)
{
    return compile_within(str_of_cstr(text), 0);
}

static void release(struct result *r)
{
    arena_free(r->arena);
    arena_free(r->diags.arena);
}

static void assert_str(struct str s, const char *expected)
{
    assert_int_equal(s.len, strlen(expected));
    assert_memory_equal(s.ptr, expected, s.len);
}

static void assert_only_code(const struct result *r, const char *code)
{
    assert_false(r->ok);
    assert_int_equal(r->diags.count, 1);
    assert_string_equal(r->diags.items[0].code, code);
}

/* ---- names ---- */

static void names_of_types_and_comparators(void **state)
{
    (void)state;
    assert_str(state_type_name(STATE_PASS), "Pass");
    assert_str(state_type_name(STATE_MAP), "Map");
    assert_str(comparator_name(COMPARE_BOOLEAN_EQUALS), "BooleanEquals");
    assert_str(comparator_name(COMPARE_IS_TIMESTAMP), "IsTimestamp");
}

static void diagnostic_codes_are_found_by_name(void **state)
{
    (void)state;
    for (unsigned i = 0; i < DIAG_CODE_COUNT; i++) {
        const struct diag_code_info *info = diag_code_info((enum diag_code)i);

        assert_ptr_equal(diag_code_find(str_of_cstr(info->name)), info);
        assert_true(info->explanation[0]);
        /* What refuses a definition has a code on AWS's interface too. */
        assert_true(info->severity == DIAG_WARNING || info->aws[0]);
    }
    assert_null(diag_code_find(STR("NO_SUCH_CODE")));
}

static bool matches(const char *name, const char *error)
{
    struct str names[] = {STR("Nothing"), str_of_cstr(name)};
    struct error_names list = {names, COUNT_OF(names)};

    return error_names_match(&list, str_of_cstr(error));
}

static void error_names_match_as_aws_has_it(void **state)
{
    (void)state;
    assert_true(matches("Busy", "Busy"));
    assert_false(matches("Busy", "busy"));
    assert_false(matches("Busy", "Busy2"));
    assert_true(matches("States.ALL", "Busy"));
    assert_true(matches("States.ALL", ""));
    assert_true(matches("States.ALL", "States.Timeout"));
    assert_true(matches("States.ALL", "States.HeartbeatTimeout"));
    assert_true(matches("States.ALL", "States.TaskFailed"));
    assert_true(matches("States.TaskFailed", "Busy"));
    assert_true(matches("States.TaskFailed", "States.Permissions"));
    assert_false(matches("States.TaskFailed", "States.Timeout"));
    assert_false(matches("States.TaskFailed", "States.HeartbeatTimeout"));
    assert_true(matches("States.Timeout", "States.Timeout"));
    assert_true(matches("States.Timeout", "States.HeartbeatTimeout"));
    assert_false(matches("States.HeartbeatTimeout", "States.Timeout"));
}

static void some_errors_escape_the_wildcards(void **state)
{
    struct error_names none = {0};

    (void)state;
    assert_true(matches("States.ALL", "States.DataLimitExceeded"));
    assert_false(matches("States.TaskFailed", "States.DataLimitExceeded"));
    assert_true(matches("States.DataLimitExceeded", "States.DataLimitExceeded"));
    assert_false(matches("States.ALL", "States.Runtime"));
    assert_false(matches("States.TaskFailed", "States.Runtime"));
    assert_false(matches("States.Runtime", "States.Runtime"));
    assert_false(error_names_match(&none, STR("Busy")));
}

/* ---- machines ---- */

static const char nested[] =
    "{\"StartAt\": \"F\", \"Comment\": \"c\", \"States\": {"
    "\"F\": {\"Type\": \"Parallel\", \"Branches\": ["
    "{\"StartAt\": \"A\", \"States\": {\"A\": {\"Type\": \"Succeed\"}}},"
    "{\"StartAt\": \"B/1\", \"States\": {\"B/1\": {\"Type\": \"Map\", \"End\": true, \"Iterator\":"
    "{\"StartAt\": \"C\", \"States\": {\"C\": {\"Type\": \"Succeed\"}}}}}}], \"Next\": \"Z\"},"
    "\"Z\": {\"Type\": \"Map\", \"End\": true, \"ItemProcessor\":"
    "{\"StartAt\": \"D\", \"States\": {\"D\": {\"Type\": \"Succeed\"}}}}}}";

static void states_are_found_in_their_scope_only(void **state)
{
    struct result r = compile(nested);
    const struct state *f, *a;

    (void)state;
    assert_true(r.ok);
    f = machine_find_state(r.machine, 0, STR("F"));
    assert_non_null(f);
    assert_int_equal(f->number, 0);
    a = machine_find_state(r.machine, f->u.parallel.branches[0], STR("A"));
    assert_non_null(a);
    assert_int_equal(a->number, 1);
    assert_null(machine_find_state(r.machine, 0, STR("A")));
    assert_null(machine_find_state(r.machine, 0, STR("")));
    assert_null(machine_find_state(r.machine, 99, STR("F")));
    release(&r);
}

static void states_have_pointers_into_the_definition(void **state)
{
    static const char *const expected[] = {
        "/States/F",
        "/States/F/Branches/0/States/A",
        "/States/F/Branches/1/States/B~11",
        "/States/F/Branches/1/States/B~11/Iterator/States/C",
        "/States/Z",
        "/States/Z/ItemProcessor/States/D",
    };
    struct result r = compile(nested);

    (void)state;
    assert_int_equal(r.machine->state_count, COUNT_OF(expected));
    for (uint32_t i = 0; i < r.machine->state_count; i++)
        assert_str(machine_state_pointer(r.machine, i, r.arena), expected[i]);
    release(&r);
}

static void a_machine_keeps_its_own_text(void **state)
{
    char text[] = "{\"StartAt\": \"A\", \"States\": {\"A\": {\"Type\": \"Succeed\"}}}";
    struct result r = compile(text);
    uint8_t hash[SHA256_SIZE];

    (void)state;
    sha256(str_of_cstr(text), hash);
    memset(text, 'x', sizeof(text) - 1);
    assert_memory_equal(r.machine->hash, hash, sizeof(hash));
    assert_str(r.machine->states[0].name, "A");
    assert_true(str_starts_with(r.machine->definition, STR("{\"StartAt\"")));
    assert_str(json_str(json_get(r.machine->states[0].source, STR("Type"))), "Succeed");
    release(&r);
}

static void states_see_the_context_only_when_they_say_so(void **state)
{
    struct result r =
        compile("{\"StartAt\": \"A\", \"States\": {"
                "\"A\": {\"Type\": \"Pass\", \"Parameters\": {\"x.$\": \"$$.Execution.Id\"}, "
                "\"Next\": \"B\"},"
                "\"B\": {\"Type\": \"Pass\", \"InputPath\": \"$$\", \"Next\": \"C\"},"
                "\"C\": {\"Type\": \"Pass\", \"InputPath\": \"$.x\", \"End\": true}}}");

    (void)state;
    assert_true(r.ok);
    assert_true(r.machine->states[0].uses_context);
    assert_true(r.machine->states[1].uses_context);
    assert_false(r.machine->states[2].uses_context);
    release(&r);
}

static void formats_are_told_apart_by_the_first_character(void **state)
{
    (void)state;
    assert_int_equal(asl_format_of(STR("  \n{}")), ASL_JSON);
    assert_int_equal(asl_format_of(STR("StartAt: A")), ASL_YAML);
    assert_int_equal(asl_format_of(STR("")), ASL_YAML);
}

/* ---- limits ---- */

static void a_long_definition_is_refused(void **state)
{
    struct arena *a = arena_new(0);
    size_t size = DEFINITION_SIZE_MAX + 1;
    char *text = arena_alloc_text(a, size);
    struct result r;

    (void)state;
    memset(text, ' ', size);
    memcpy(text, "{}", 2);
    r = compile_within(str_of(text, size), 0);
    assert_only_code(&r, "DEFINITION_TOO_LARGE");
    assert_int_equal(r.syntax.code, ERR_TOO_LARGE);
    release(&r);
    /* One byte less is looked at. */
    r = compile_within(str_of(text, size - 1), 0);
    assert_only_code(&r, "MISSING_FIELD");
    release(&r);
    arena_free(a);
}

/* count states in a chain */
static struct buf chain(unsigned count)
{
    struct buf b = BUF_INIT(0);

    buf_printf(&b, "{\"StartAt\": \"0\", \"States\": {");
    for (unsigned i = 0; i < count; i++)
        buf_printf(&b, "\"%u\": {\"Type\": \"Pass\", \"Next\": \"%u\"},", i, i + 1);
    buf_printf(&b, "\"%u\": {\"Type\": \"Succeed\"}}}", count);
    return b;
}

static void ten_thousand_states_and_no_more(void **state)
{
    struct buf b = chain(DEFINITION_STATES_MAX - 1);
    struct result r = compile_within(buf_str(&b), 0);

    (void)state;
    assert_true(r.ok);
    assert_int_equal(r.machine->state_count, DEFINITION_STATES_MAX);
    release(&r);
    buf_release(&b);
    b = chain(DEFINITION_STATES_MAX);
    r = compile_within(buf_str(&b), 0);
    assert_only_code(&r, "TOO_MANY_STATES");
    release(&r);
    buf_release(&b);
}

static void a_small_budget_is_an_ordinary_error(void **state)
{
    struct buf b = chain(1000);
    struct result r = compile_within(buf_str(&b), 300000);

    (void)state;
    assert_only_code(&r, "MEMORY_LIMIT");
    release(&r);
    buf_release(&b);
}

static void names_in_one_another_are_bounded(void **state)
{
    struct buf b = BUF_INIT(0);
    struct result r;

    (void)state;
    buf_printf(&b, "{\"StartAt\": \"A\", \"States\": {\"A\": {\"Type\": \"Pass\", \"Result\": {\"");
    for (unsigned i = 0; i < DEFINITION_POINTER_MAX; i++)
        buf_append_char(&b, 'k');
    buf_printf(&b, "\": 1}, \"End\": true}}}");
    r = compile_within(buf_str(&b), 0);
    assert_only_code(&r, "TOO_DEEPLY_NESTED");
    release(&r);
    buf_release(&b);
}

static void thousands_of_problems_stay_quick_and_counted(void **state)
{
    struct buf b = BUF_INIT(0);
    struct result r;

    (void)state;
    buf_printf(&b, "{\"StartAt\": \"0\", \"States\": {");
    for (unsigned i = 0; i < 9000; i++)
        buf_printf(&b, "\"%u\": {\"Type\": \"Pass\", \"Next\": \"no %u\"},", i, i);
    buf_printf(&b, "\"end\": {\"Type\": \"Succeed\"}}}");
    r = compile_within(buf_str(&b), 0);
    assert_false(r.ok);
    assert_int_equal(r.diags.count, DIAG_COUNT_MAX);
    assert_int_equal(r.diags.error_count, 9000 + 9000);
    release(&r);
    buf_release(&b);
}

/* ---- reports ---- */

static struct str report(struct result *r, const char *text, bool json, bool colour)
{
    struct buf b = BUF_INIT(0);
    struct str copy;

    if (json)
        report_json(&b, str_of_cstr(text), &r->diags, &r->syntax);
    else
        report_text(&b, STR("d.json"), str_of_cstr(text), &r->diags, &r->syntax, colour);
    copy = arena_str(r->arena, buf_str(&b));
    buf_release(&b);
    return copy;
}

static const char misspelled[] = "{\"StartAt\": \"Lop\",\n"
                                 " \"States\": {\"Loop\": {\"Type\": \"Succeed\"}}}\n";

static void a_report_shows_the_place(void **state)
{
    struct result r = compile(misspelled);

    (void)state;
    assert_str(report(&r, misspelled, false, false),
               "d.json:1:13: error: MISSING_TRANSITION_TARGET: Missing 'Next' target: Lop\n"
               "     1 | {\"StartAt\": \"Lop\",\n"
               "       |             ^~~~~\n"
               "     help: Did you mean \"Loop\"?\n"
               "d.json:2:13: error: UNREACHABLE_STATE: State \"Loop\" is not reachable.\n"
               "     2 |  \"States\": {\"Loop\": {\"Type\": \"Succeed\"}}}\n"
               "       |             ^~~~~~\n"
               "     help: Let a state lead to it by \"Next\", or remove it.\n");
    release(&r);
}

static void colours_are_only_added(void **state)
{
    struct result r = compile(misspelled);
    struct str plain = report(&r, misspelled, false, false);
    struct str colour = report(&r, misspelled, false, true);
    struct buf b = BUF_INIT(0);

    (void)state;
    for (size_t i = 0; i < colour.len; i++) {
        if (colour.ptr[i] != '\x1b') {
            buf_append_char(&b, colour.ptr[i]);
            continue;
        }
        while (colour.ptr[i] != 'm')
            i++;
    }
    assert_true(str_eq(plain, buf_str(&b)));
    assert_true(colour.len > plain.len);
    buf_release(&b);
    release(&r);
}

static void a_report_for_programs_is_json(void **state)
{
    struct result r = compile(misspelled);
    struct str text = report(&r, misspelled, true, false);
    struct json list, first;
    struct err err;
    int64_t line;

    (void)state;
    assert_true(
        json_parse(r.arena, text, (struct json_limits){0}, JSON_DUPLICATES_REFUSE, &list, &err));
    assert_int_equal(json_count(list), 2);
    first = json_at(list, 0);
    assert_str(json_str(json_get(first, STR("severity"))), "error");
    assert_str(json_str(json_get(first, STR("code"))), "MISSING_TRANSITION_TARGET");
    assert_str(json_str(json_get(first, STR("pointer"))), "/StartAt");
    assert_str(json_str(json_get(first, STR("message"))), "Missing 'Next' target: Lop");
    assert_str(json_str(json_get(first, STR("remedy"))), "Did you mean \"Loop\"?");
    assert_true(json_to_int64(json_get(first, STR("line")), &line) && line == 1);
    assert_true(json_to_int64(json_get(first, STR("column")), &line) && line == 13);
    release(&r);
}

static void a_syntax_error_has_the_parsers_place(void **state)
{
    static const char text[] = "{\"StartAt\":\n  nope}";
    struct result r = compile(text);

    (void)state;
    assert_only_code(&r, "SYNTAX");
    assert_int_equal(r.syntax.code, ERR_INVALID_JSON);
    assert_int_equal(r.syntax.line, 2);
    assert_true(str_starts_with(report(&r, text, false, false), STR("d.json:2:")));
    release(&r);
}

static void nothing_wrong_gives_an_empty_report(void **state)
{
    static const char text[] = "{\"StartAt\": \"A\", \"States\": {\"A\": {\"Type\": \"Succeed\"}}}";
    struct result r = compile(text);

    (void)state;
    assert_true(r.ok);
    assert_str(report(&r, text, false, false), "");
    assert_str(report(&r, text, true, false), "[]");
    release(&r);
}

static void long_lines_are_shown_in_part(void **state)
{
    struct buf b = BUF_INIT(0);
    struct result r;
    struct str text;

    (void)state;
    buf_printf(&b, "{\"StartAt\": \"A\", \"Comment\": \"");
    for (unsigned i = 0; i < 1000; i++)
        buf_printf(&b, "\xC3\xA4");
    buf_printf(&b, "\", \"States\": {\"A\": {\"Type\": \"Nothing\"}}}");
    r = compile_within(buf_str(&b), 0);
    text = report(&r, buf_cstr(&b), false, false);
    assert_true(text.len < 400);
    assert_int_not_equal(str_find(text, STR("...")), SIZE_MAX);
    assert_int_equal(utf8_valid_up_to(text), text.len);
    release(&r);
    buf_release(&b);
}

/* ---- Express ---- */

static void express_workflows_refuse_what_waits(void **state)
{
    struct result r =
        compile("{\"StartAt\": \"A\", \"States\": {\"A\": {\"Type\": \"Task\", \"End\": true,"
                "\"Resource\": \"arn:aws:states:::sqs:sendMessage.waitForTaskToken\"}}}");

    (void)state;
    assert_true(r.ok);
    asl_check_express(r.machine, &r.diags);
    assert_int_equal(r.diags.count, 1);
    assert_str(r.diags.items[0].pointer, "/States/A/Resource");
    assert_str(r.diags.items[0].message,
               "Express state machine does not support '.waitForTaskToken' service integration ");
    release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_types_and_comparators),
        cmocka_unit_test(diagnostic_codes_are_found_by_name),
        cmocka_unit_test(error_names_match_as_aws_has_it),
        cmocka_unit_test(some_errors_escape_the_wildcards),
        cmocka_unit_test(states_are_found_in_their_scope_only),
        cmocka_unit_test(states_have_pointers_into_the_definition),
        cmocka_unit_test(a_machine_keeps_its_own_text),
        cmocka_unit_test(states_see_the_context_only_when_they_say_so),
        cmocka_unit_test(formats_are_told_apart_by_the_first_character),
        cmocka_unit_test(a_long_definition_is_refused),
        cmocka_unit_test(ten_thousand_states_and_no_more),
        cmocka_unit_test(a_small_budget_is_an_ordinary_error),
        cmocka_unit_test(names_in_one_another_are_bounded),
        cmocka_unit_test(thousands_of_problems_stay_quick_and_counted),
        cmocka_unit_test(a_report_shows_the_place),
        cmocka_unit_test(colours_are_only_added),
        cmocka_unit_test(a_report_for_programs_is_json),
        cmocka_unit_test(a_syntax_error_has_the_parsers_place),
        cmocka_unit_test(nothing_wrong_gives_an_empty_report),
        cmocka_unit_test(long_lines_are_shown_in_part),
        cmocka_unit_test(express_workflows_refuse_what_waits),
    };

    return cmocka_run_group_tests_name("asl", tests, NULL, NULL);
}
