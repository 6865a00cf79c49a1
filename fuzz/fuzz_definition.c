/* Any bytes as a definition: compiled or refused, and what is wrong can be shown. */
#include "asl/compile.h"
#include "asl/diag_codes.h"
#include "asl/report.h"
#include "base/utf8.h"
#include "json/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_machine(const struct machine *m, struct arena *a)
{
    struct json root;
    struct err e;

    if (asl_format_of(m->definition) == ASL_JSON)
        ASSERT(json_parse(a, m->definition, (struct json_limits){0}, JSON_DUPLICATES_REFUSE, &root,
                          &e));
    else
        ASSERT(yaml_parse(a, m->definition, (struct json_limits){0}, &root, &e));
    for (uint32_t i = 0; i < m->state_count; i++) {
        const struct state *st = &m->states[i];

        ASSERT(st->number == i && st->scope < m->scope_count);
        ASSERT(machine_find_state(m, st->scope, st->name) == st);
        ASSERT(json_equal(json_pointer(root, machine_state_pointer(m, i, a)), st->source));
        ASSERT(st->next == STATE_NO_NONE || m->states[st->next].scope == st->scope);
    }
    for (uint32_t i = 0; i < m->scope_count; i++)
        ASSERT(m->states[m->scopes[i].start].scope == i);
}

static void check_reports(struct str text, const struct diag_list *diags, const struct err *syntax,
                          struct arena *a)
{
    struct buf b = BUF_INIT(0);
    struct json list;
    struct err e;

    for (size_t i = 0; i < diags->count; i++) {
        const struct diag_code_info *info = diag_code_find(str_of_cstr(diags->items[i].code));

        ASSERT(info && info->severity == diags->items[i].severity);
        ASSERT(diags->items[i].message.len);
    }
    report_text(&b, STR("d"), text, diags, syntax, false);
    ASSERT(utf8_valid_up_to(buf_str(&b)) == b.len);
    ASSERT(str_find_char(buf_str(&b), '\x1b') == SIZE_MAX);
    buf_clear(&b);
    report_json(&b, text, diags, syntax);
    ASSERT(json_parse(a, buf_str(&b), (struct json_limits){0}, JSON_DUPLICATES_REFUSE, &list, &e));
    ASSERT(json_count(list) == diags->count);
    buf_release(&b);
}

/* The store's definitions load wherever the others do, and beyond that only where a field of
 * our own was passed over. */
static void check_stored(struct str text, bool taken, struct arena *scratch)
{
    struct arena *a = arena_new(16 << 20);
    struct diag_list diags = diag_list(scratch);
    const struct machine *m;
    struct err syntax;

    if (asl_compile_stored(a, text, &diags, &m, &syntax)) {
        ASSERT(m->passed_over == !taken);
        check_machine(m, scratch);
    } else {
        ASSERT(!taken);
    }
    arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_of((const char *)data, size);
    struct arena *a = arena_new(16 << 20), *work = arena_new(0);
    struct diag_list diags = diag_list(work);
    const struct machine *m;
    struct err syntax;

    if (asl_compile(a, text, &diags, &m, &syntax)) {
        ASSERT(diags.error_count == 0);
        asl_check_express(m, &diags);
        check_machine(m, work);
    } else {
        ASSERT(diags.error_count > 0 && m == NULL);
    }
    check_reports(text, &diags, &syntax, work);
    check_stored(text, m != NULL, work);
    arena_free(work);
    arena_free(a);
    return 0;
}
