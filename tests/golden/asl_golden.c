/* Every definition in a folder against what the compiler said of it before.
 *
 *   asl_golden FOLDER             compares FOLDER/x.json (or .yaml) with FOLDER/x.txt
 *   UPDATE=1 asl_golden FOLDER    rewrites the texts; review the difference
 *
 * A text holds the diagnostics as report_text shows them and, when the
 * definition was taken, the compiled machine. Files whose names begin with
 * "express" are also checked as Express workflows. In the end the folder as a whole
 * must have shown every state type, field, comparator and diagnostic code that
 * a small file can show.
 */
#include "asl/compile.h"
#include "asl/diag_codes.h"
#include "asl/report.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    FILES_MAX = 500
};

/* What the folder has shown so far. */
struct coverage {
    bool codes[DIAG_CODE_COUNT];
    bool comparators[COMPARATOR_COUNT];
    bool types[STATE_TYPE_COUNT];
    bool fields[100];
};

/* ---- files ---- */

static char *path_join(struct arena *a, const char *folder, const char *name, const char *suffix)
{
    struct str stem = str_of_cstr(name);

    if (suffix)
        stem = str_slice(stem, 0, str_rfind_char(stem, '.'));
    return arena_cstr(
        a, arena_printf(a, "%s/" STR_FMT "%s", folder, STR_ARG(stem), suffix ? suffix : ""));
}

static struct str file_read(struct arena *a, const char *path)
{
    FILE *f = fopen(path, "rb");
    size_t capacity = DEFINITION_SIZE_MAX + 1, count;
    char *bytes;

    if (!f)
        return (struct str){0};
    bytes = arena_alloc_text(a, capacity);
    count = fread(bytes, 1, capacity, f);
    fclose(f);
    return str_of(bytes, count);
}

static bool file_write(const char *path, struct str text)
{
    FILE *f = fopen(path, "wb");
    bool ok = f && fwrite(text.ptr, 1, text.len, f) == text.len;

    return f && fclose(f) == 0 && ok;
}

/* ---- a machine as text ---- */

static const struct path *const whole_input;

static void show_path(struct buf *b, const char *name, const struct path *p)
{
    if (p != whole_input)
        buf_printf(b, " %s=" STR_FMT, name, STR_ARG(path_text(p)));
}

static void show_path_field(struct buf *b, const char *name, const struct path_field *f)
{
    if (f->is_null)
        buf_printf(b, " %s=null", name);
    show_path(b, name, f->path);
}

static void show_template(struct buf *b, const char *name, const struct template *t)
{
    if (!t)
        return;
    buf_printf(b, " %s", name);
    if (template_field(t).len)
        buf_printf(b, "@" STR_FMT, STR_ARG(template_field(t)));
}

static void show_number(struct buf *b, const char *name, const struct number_field *f)
{
    show_template(b, name, f->query);
    if (f->set && !f->path && !f->query)
        buf_printf(b, " %s=%lld", name, (long long)f->literal);
    show_path(b, name, f->path);
}

static void show_text(struct buf *b, const char *name, const struct text_field *f)
{
    show_template(b, name, f->query);
    if (f->call)
        buf_printf(b, " %s=" STR_FMT, name, STR_ARG(intrinsic_text(f->call)));
    else if (f->set && !f->path && !f->query)
        buf_printf(b, " %s=\"" STR_FMT "\"", name, STR_ARG(f->literal));
    show_path(b, name, f->path);
}

static void show_next(struct buf *b, const char *name, const struct machine *m, uint32_t next)
{
    if (next != STATE_NO_NONE)
        buf_printf(b, " %s=" STR_FMT, name, STR_ARG(m->states[next].name));
}

static void show_condition(struct buf *b, const struct condition *k, struct coverage *seen)
{
    static const char *const names[] = {"And", "Or", "Not"};

    if (k->kind != CONDITION_COMPARE) {
        buf_printf(b, "%s(", names[k->kind]);
        for (size_t i = 0; i < k->count; i++) {
            buf_printf(b, "%s", i ? ", " : "");
            show_condition(b, &k->items[i], seen);
        }
        buf_append(b, STR(")"));
        return;
    }
    seen->comparators[k->comparator] = true;
    buf_printf(b, STR_FMT " " STR_FMT " ", STR_ARG(path_text(k->variable)),
               STR_ARG(comparator_name(k->comparator)));
    if (k->operand_path)
        buf_append(b, path_text(k->operand_path));
    else
        json_write(b, k->literal);
}

static void show_errors(struct buf *b, const struct error_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        buf_printf(b, " " STR_FMT, STR_ARG(names->names[i]));
}

static void show_handlers(struct buf *b, const struct machine *m, const struct state *st)
{
    for (size_t i = 0; i < st->retrier_count; i++) {
        const struct retrier *r = &st->retriers[i];

        buf_append(b, STR("\n     retry"));
        show_errors(b, &r->errors);
        buf_printf(b, ": interval=%lld attempts=%lld max_delay=%lld backoff=%g%s",
                   (long long)r->interval_seconds, (long long)r->max_attempts,
                   (long long)r->max_delay_seconds, r->backoff_rate,
                   r->jitter_full ? " jitter" : "");
    }
    for (size_t i = 0; i < st->catcher_count; i++) {
        const struct catcher *k = &st->catchers[i];

        buf_append(b, STR("\n     catch"));
        show_errors(b, &k->errors);
        buf_append(b, STR(":"));
        show_next(b, "next", m, k->next);
        buf_printf(b, "%s", k->result_discarded ? " result=null" : "");
        show_path(b, "result", k->result_path);
        show_template(b, "assign", k->assign);
        show_template(b, "output", k->output);
    }
}

static void show_choice(struct buf *b, const struct machine *m, const struct state *st,
                        struct coverage *seen)
{
    show_next(b, "default", m, st->u.choice.fallback);
    for (size_t i = 0; i < st->u.choice.rule_count; i++) {
        const struct choice_rule *rule = &st->u.choice.rules[i];

        buf_append(b, STR("\n     if "));
        if (!rule->query)
            show_condition(b, &rule->condition, seen);
        show_template(b, "condition", rule->query);
        show_template(b, "assign", rule->assign);
        show_template(b, "output", rule->output);
        show_next(b, "next", m, rule->next);
    }
}

static void show_task(struct buf *b, const struct state *st)
{
    static const char *const kinds[] = {"lambda", "lambda_invoke", "activity",
                                        "nested", "review",        "service"};
    static const char *const patterns[] = {"", " sync", " sync:2", " token"};
    const struct resource *r = &st->u.task.resource;

    show_number(b, "timeout", &st->u.task.timeout);
    show_number(b, "heartbeat", &st->u.task.heartbeat);
    show_template(b, "credentials", st->u.task.credentials);
    buf_printf(b, "\n     resource %s%s type=" STR_FMT " action=" STR_FMT " name=" STR_FMT,
               kinds[r->kind], patterns[r->pattern], STR_ARG(r->resource_type), STR_ARG(r->action),
               STR_ARG(r->name));
    buf_printf(b, " region=" STR_FMT, STR_ARG(r->region));
}

static void show_wait(struct buf *b, const struct state *st)
{
    char until[TIME_TEXT_SIZE];

    switch (st->u.wait.kind) {
    case WAIT_SECONDS:
        buf_printf(b, " seconds=%lld", (long long)st->u.wait.seconds);
        break;
    case WAIT_TIMESTAMP:
        buf_append(b, STR(" until="));
        buf_append(b, str_of(until, wall_format(st->u.wait.until, until)));
        break;
    case WAIT_SECONDS_PATH:
        show_path(b, "seconds", st->u.wait.path);
        break;
    case WAIT_TIMESTAMP_PATH:
        show_path(b, "until", st->u.wait.path);
        break;
    case WAIT_SECONDS_QUERY:
        show_template(b, "seconds", st->u.wait.query);
        break;
    case WAIT_TIMESTAMP_QUERY:
        show_template(b, "until", st->u.wait.query);
        break;
    }
}

static void show_map(struct buf *b, const struct state *st)
{
    const struct map_fields *f = &st->u.map;

    buf_printf(b, " processor=%u%s%s", f->processor, f->distributed ? " distributed" : "",
               f->express ? " express" : "");
    buf_printf(b, "%s" STR_FMT, f->label.len ? " label=" : "", STR_ARG(f->label));
    show_path(b, "items", f->items_path);
    show_template(b, "items", f->items);
    buf_printf(b, "%s" STR_FMT, f->item_selector ? " selector=" : "", STR_ARG(f->item_field));
    show_number(b, "concurrency", &f->concurrency);
    show_number(b, "tolerated", &f->tolerated_count);
    show_template(b, "tolerated%", f->tolerated_percentage.query);
    if (f->tolerated_percentage.set && !f->tolerated_percentage.path &&
        !f->tolerated_percentage.query)
        buf_printf(b, " tolerated%%=%g", f->tolerated_percentage.literal);
    show_path(b, "tolerated%", f->tolerated_percentage.path);
    show_number(b, "batch_items", &f->batcher.items_max);
    show_number(b, "batch_bytes", &f->batcher.bytes_max);
    show_template(b, "batch_input", f->batcher.input);
}

static void show_type(struct buf *b, const struct machine *m, const struct state *st,
                      struct coverage *seen)
{
    switch (st->type) {
    case STATE_PASS:
        if (st->u.pass.has_result) {
            buf_append(b, STR(" value="));
            json_write(b, st->u.pass.result);
        }
        break;
    case STATE_TASK:
        show_task(b, st);
        break;
    case STATE_CHOICE:
        show_choice(b, m, st, seen);
        break;
    case STATE_WAIT:
        show_wait(b, st);
        break;
    case STATE_FAIL:
        show_text(b, "error", &st->u.fail.error);
        show_text(b, "cause", &st->u.fail.cause);
        break;
    case STATE_PARALLEL:
        for (size_t i = 0; i < st->u.parallel.branch_count; i++)
            buf_printf(b, "%s%u", i ? "," : " branches=", st->u.parallel.branches[i]);
        break;
    case STATE_MAP:
        show_map(b, st);
        break;
    case STATE_SUCCEED:
    case STATE_TYPE_COUNT:
        break;
    }
}

static void show_quoted(struct buf *b, const char *name, struct str text)
{
    if (text.len)
        buf_printf(b, " %s=\"" STR_FMT "\"", name, STR_ARG(text));
}

static void show_names(struct buf *b, const struct state *st)
{
    if (st->label.len)
        buf_printf(b, " label=" STR_FMT, STR_ARG(st->label));
    if (st->step_number)
        buf_printf(b, " step=%lld", (long long)st->step_number);
    show_quoted(b, "phase", st->phase);
    show_quoted(b, "type", st->type_label);
}

static void show_review_and_verify(struct buf *b, const struct state *st)
{
    const struct review_fields *review = st->review;
    const struct verify_fields *verify = st->verify;

    if (review) {
        buf_printf(b, "\n     review expires=%lld", (long long)review->expires_seconds);
        show_quoted(b, "message", review->message);
        show_quoted(b, "error", review->error);
        show_quoted(b, "cause", review->cause);
    }
    if (verify) {
        buf_printf(b, "\n     verify timeout=%lld", (long long)verify->timeout_seconds);
        for (size_t i = 0; i < verify->word_count; i++)
            buf_printf(b, " '" STR_FMT "'", STR_ARG(verify->words[i]));
        show_quoted(b, "remedy", verify->remedy);
    }
}

static void coverage_note(const struct state *st, struct coverage *seen)
{
    seen->types[st->type] = true;
    for (size_t i = 0; i < state_field_count(); i++) {
        if (!json_is_absent(json_get(st->source, state_field_name(i))))
            seen->fields[i] = true;
    }
}

static void show_state(struct buf *b, const struct machine *m, const struct state *st,
                       struct coverage *seen)
{
    coverage_note(st, seen);
    buf_printf(b, "%4u " STR_FMT " in %u: \"" STR_FMT "\"", st->number,
               STR_ARG(state_type_name(st->type)), st->scope, STR_ARG(st->name));
    show_next(b, "next", m, st->next);
    show_names(b, st);
    show_path_field(b, "input", &st->input_path);
    show_path_field(b, "output", &st->output_path);
    show_template(b, "parameters", st->parameters);
    show_template(b, "result_selector", st->result_selector);
    buf_printf(b, "%s", st->result_discarded ? " result=null" : "");
    show_path(b, "result", st->result_path);
    show_template(b, "assign", st->assign);
    show_template(b, "jsonata_output", st->output);
    buf_printf(b, "%s", st->uses_context ? " context" : "");
    for (size_t i = 0; i < st->variable_count; i++)
        buf_printf(b, " $" STR_FMT, STR_ARG(st->variables[i]));
    show_type(b, m, st, seen);
    show_handlers(b, m, st);
    show_review_and_verify(b, st);
    buf_append(b, STR("\n"));
}

static void show_machine(struct buf *b, const struct machine *m, struct coverage *seen)
{
    buf_printf(b, "machine timeout=%lld comment=\"" STR_FMT "\"", (long long)m->timeout_seconds,
               STR_ARG(m->comment));
    show_next(b, "on_cancel", m, m->on_cancel);
    buf_append(b, STR("\n"));
    for (uint32_t i = 0; i < m->scope_count; i++) {
        const struct scope *s = &m->scopes[i];

        buf_printf(b, "scope %u starts at %u, label " STR_FMT, i, s->start, STR_ARG(s->label));
        if (s->parent_state != STATE_NO_NONE)
            buf_printf(b, ", branch %u of %u", s->branch, s->parent_state);
        buf_append(b, STR("\n"));
    }
    for (uint32_t i = 0; i < m->state_count; i++)
        show_state(b, m, &m->states[i], seen);
}

/* ---- one definition ---- */

static void show_definition(struct buf *b, const char *name, struct str text, struct coverage *seen)
{
    struct arena *a = arena_new(0);
    struct diag_list diags = diag_list(a);
    const struct machine *m;
    struct err syntax;
    bool taken = asl_compile(a, text, &diags, &m, &syntax);

    if (taken && str_starts_with(str_of_cstr(name), STR("express")))
        asl_check_express(m, &diags);
    if (taken && str_starts_with(str_of_cstr(name), STR("strict")))
        asl_check_documented(m, &diags);
    report_text(b, str_of_cstr(name), text, &diags, &syntax, false);
    for (size_t i = 0; i < diags.count; i++) {
        for (unsigned k = 0; k < DIAG_CODE_COUNT; k++) {
            if (!strcmp(diag_code_info((enum diag_code)k)->name, diags.items[i].code))
                seen->codes[k] = true;
        }
    }
    buf_printf(b, "%s: %zu errors of %zu diagnostics\n", taken ? "taken" : "refused",
               diags.error_count, diags.count);
    if (taken)
        show_machine(b, m, seen);
    arena_free(a);
}

/* What is said now, as TAP comments. */
static void print_comment(const char *path, struct str text)
{
    printf("# %s would be (UPDATE=1 takes it):\n", path);
    while (text.len) {
        struct str line = str_slice(text, 0, str_find_char(text, '\n'));

        printf("# " STR_FMT "\n", STR_ARG(line));
        text = str_slice(text, line.len + 1, text.len);
    }
}

static bool definition_check(const char *folder, const char *name, struct coverage *seen)
{
    struct arena *a = arena_new(0);
    struct str text = file_read(a, path_join(a, folder, name, NULL)), expected;
    char *path = path_join(a, folder, name, ".txt");
    struct buf b = BUF_INIT(0);
    bool ok;

    show_definition(&b, name, text, seen);
    if (getenv("UPDATE")) {
        ok = file_write(path, buf_str(&b));
    } else {
        expected = file_read(a, path);
        ok = str_eq(expected, buf_str(&b));
        if (!ok)
            print_comment(path, buf_str(&b));
    }
    buf_release(&b);
    arena_free(a);
    return ok;
}

/* ---- all ---- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t names_read(struct arena *a, const char *folder, char **names)
{
    DIR *d = opendir(folder);
    size_t count = 0;

    for (struct dirent *e; d && (e = readdir(d)) && count < FILES_MAX;) {
        struct str name = str_of_cstr(e->d_name);

        if (str_ends_with(name, STR(".json")) || str_ends_with(name, STR(".yaml")))
            names[count++] = arena_cstr(a, name);
    }
    if (d)
        closedir(d);
    qsort(names, count, sizeof(*names), compare_names);
    return count;
}

/* These need a text that is too large for a golden file: tests/unit/test_asl.c. */
static bool too_large_for_a_file(unsigned code)
{
    return code == CODE_DEFINITION_TOO_LARGE || code == CODE_TOO_MANY_STATES ||
           code == CODE_MEMORY_LIMIT;
}

static bool coverage_check(const struct coverage *seen)
{
    bool ok = true;

    for (unsigned i = 0; i < DIAG_CODE_COUNT; i++) {
        if (!seen->codes[i] && !too_large_for_a_file(i)) {
            printf("# no file shows %s\n", diag_code_info((enum diag_code)i)->name);
            ok = false;
        }
    }
    for (unsigned i = 0; i < COMPARATOR_COUNT; i++) {
        if (!seen->comparators[i]) {
            printf("# no file shows " STR_FMT "\n", STR_ARG(comparator_name((enum comparator)i)));
            ok = false;
        }
    }
    for (unsigned i = 0; i < STATE_TYPE_COUNT; i++)
        ok = ok && seen->types[i];
    return ok;
}

/* Those of a later release are in no machine. */
static bool fields_check(const struct coverage *seen)
{
    static const char *const refused[] = {"ItemReader", "ResultWriter"};
    bool ok = true;

    for (size_t i = 0; i < state_field_count(); i++) {
        bool is_refused = false;

        for (size_t k = 0; k < COUNT_OF(refused); k++)
            is_refused = is_refused || str_eq(state_field_name(i), str_of_cstr(refused[k]));
        if (!seen->fields[i] && !is_refused) {
            printf("# no file shows " STR_FMT "\n", STR_ARG(state_field_name(i)));
            ok = false;
        }
    }
    return ok;
}

int main(int argc, char **argv)
{
    struct arena *a = arena_new(0);
    struct coverage seen = {0};
    char *names[FILES_MAX];
    size_t count, failed = 0;

    ASSERT(argc == 2 && state_field_count() <= COUNT_OF(seen.fields));
    count = names_read(a, argv[1], names);
    printf("1..%zu\n", count + 2);
    for (size_t i = 0; i < count; i++) {
        bool ok = definition_check(argv[1], names[i], &seen);

        printf("%sok %zu - %s\n", ok ? "" : "not ", i + 1, names[i]);
        failed += !ok;
    }
    if (!coverage_check(&seen) && ++failed)
        printf("not ");
    printf("ok %zu - every state type, comparator and diagnostic code\n", count + 1);
    if (!fields_check(&seen) && ++failed)
        printf("not ");
    printf("ok %zu - every field of states\n", count + 2);
    arena_free(a);
    return failed != 0;
}
