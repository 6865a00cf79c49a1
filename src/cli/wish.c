#include "cli/wish.h"

#include "cli/definition_file.h"
#include "cli/input_option.h"
#include "cli/plan_page.h"
#include "cli/render.h"

#include <stddef.h>
#include <stdlib.h>
#include <strings.h>

/* ---- from the command line ---- */

static const struct {
    const char *option;
    size_t at;  /* in struct recovery_request */
    bool steps; /* it names steps */
} texts[] = {
    {"--step", offsetof(struct recovery_request, step), true},
    {"--skip-steps", offsetof(struct recovery_request, skip), true},
    {"--from-step", offsetof(struct recovery_request, from), true},
    {"--until-step", offsetof(struct recovery_request, until), true},
    {"--until-phase", offsetof(struct recovery_request, until_phase), false},
    {"--only", offsetof(struct recovery_request, only), false},
};

static const char *text_of(const struct cli *cli, const char *name)
{
    return option_if_known(&cli->arguments, name);
}

static int usage(struct cli *cli, const char *what)
{
    struct err err;
    err_set(&err, ERR_USAGE, "%s", what);
    return cli_fail(cli, NULL, &err);
}

static int read_texts(struct cli *cli, struct recovery_request *r)
{
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        const char *text = text_of(cli, texts[i].option);
        const struct step_term *terms;
        size_t count;
        struct err err;
        if (!text)
            continue;
        struct str *to = (struct str *)((char *)r + texts[i].at);
        *to = str_of_cstr(text);
        if (texts[i].steps &&
            !step_terms_parse(*to, texts[i].option, cli->arena, &terms, &count, &err))
            return cli_fail(cli, NULL, &err);
        if (!to->len) {
            err_set(&err, ERR_USAGE, "%s names nothing", texts[i].option);
            return cli_fail(cli, NULL, &err);
        }
    }
    return 0;
}

static int bad_output(struct cli *cli, const char *text, const char *what)
{
    struct err err;
    err_set(&err, ERR_USAGE, "--set-output \"%s\" %s", text, what);
    return cli_fail(cli, NULL, &err);
}

static int read_outputs(struct cli *cli, struct json *ret_outputs)
{
    struct json_object_builder b = json_object_builder(cli->arena);
    const char *text;
    size_t count = 0;
    for (; text_of(cli, "--set-output") &&
           (text = option_nth(&cli->arguments, "--set-output", count));
         count++) {
        struct str whole = str_of_cstr(text);
        size_t equals = str_find_char(whole, '=');
        struct str step = str_trim(str_slice(whole, 0, equals));
        struct json value;
        if (equals == SIZE_MAX || !step.len)
            return bad_output(cli, text, "is not STEP=JSON, such as 2='{\"rows\": 17}'");
        if (!json_is_absent(json_get(json_object_done(&b), step)))
            return bad_output(cli, text, "names a step that was given an output before");
        int status = value_option_read(cli, "--set-output", text + equals + 1, &value);
        if (status)
            return status;
        json_object_add(&b, step, value);
    }
    if (count)
        *ret_outputs = json_object_done(&b);
    return 0;
}

/* A JSON object that an option names; absent when it is not given. */
static int read_object(struct cli *cli, const char *name, bool file, struct json *ret_object)
{
    const char *text = text_of(cli, name);
    struct err err;
    if (!text)
        return 0;
    if (file)
        text = arena_cstr(cli->arena, arena_printf(cli->arena, "@%s", text));
    int status = value_option_read(cli, name, text, ret_object);
    if (status || json_is_object(*ret_object))
        return status;
    err_set(&err, ERR_INVALID_INPUT, "%s must be an object, but is: %s", name,
            json_type_name(*ret_object));
    return cli_fail(cli, NULL, &err);
}

static int read_review(struct cli *cli, struct wish *w)
{
    bool approve = text_of(cli, "--approve") != NULL, reject = text_of(cli, "--reject") != NULL;
    const char *error = text_of(cli, "--error"), *cause = text_of(cli, "--cause");
    const char *changes = text_of(cli, "--changes");
    if (w->kind != WISH_RESUME)
        return 0;
    if (approve && reject)
        return usage(cli, "give --approve or --reject, not both");
    if (changes && !approve)
        return usage(cli, "--changes go with --approve");
    if ((error || cause) && !reject)
        return usage(cli, "--error and --cause go with --reject");
    if (w->request.step.len && !approve && !reject)
        return usage(cli, "--step says which review is decided: give --approve or --reject, too");
    w->decides = approve || reject;
    w->review = (struct engine_review){.step = STEP_NO_NONE,
                                       .approved = approve,
                                       .error = str_of_cstr(error),
                                       .cause = str_of_cstr(cause),
                                       .by = w->request.by};
    return read_object(cli, "--changes", false, &w->review.changes);
}

static int read_fork(struct cli *cli, struct wish *w)
{
    const char *file = text_of(cli, "--definition"), *revision = text_of(cli, "--revision");
    struct definition_file definition;
    if (file && revision)
        return usage(cli, "give --definition or --revision, not both");
    w->revision = str_of_cstr(revision);
    if (file) {
        int status = definition_file_read(cli, file, &definition);
        if (status)
            return status;
        w->definition = definition.text;
    }
    if ((file || revision) && w->request.recorded_context)
        return usage(cli, "--context recorded is what this execution holds, and another definition "
                          "begins a new one: leave one of them out");
    if ((file || revision) && w->decides)
        return usage(cli, "a review is decided in the execution itself: leave --definition and "
                          "--revision out");
    return 0;
}

static enum recovery_kind kind_of(const struct cli *cli, const struct wish *w)
{
    if (w->kind == WISH_RERUN)
        return RECOVERY_RERUN;
    if (w->kind == WISH_RESUME)
        return w->definition.len || w->revision.len ? RECOVERY_FORK : RECOVERY_RESUME;
    return w->kind == WISH_START && text_of(cli, "--reuse") ? RECOVERY_FORK : RECOVERY_START;
}

static int read_request(struct cli *cli, struct wish *w)
{
    struct recovery_request *r = &w->request;
    const char *context = text_of(cli, "--context"), *input = text_of(cli, "--input");
    const char *user = getenv("USER");
    r->numbering = STEPS_FROM_ONE;
    r->by = str_of_cstr(user);
    r->cascade = text_of(cli, "--cascade") != NULL;
    r->recorded_context = context && strcasecmp(context, "recorded") == 0;
    r->dry_run = text_of(cli, "--dry-run") != NULL;
    if (text_of(cli, "--mocks") && !r->dry_run)
        return usage(cli, "--mocks stand for work in a --dry-run; --set-output gives a skipped "
                          "step its output");
    int status = read_texts(cli, r);
    if (!status)
        status = read_outputs(cli, &r->outputs);
    if (!status)
        status = read_object(cli, "--mocks", true, &r->mocks);
    /* The input of what is started is the start's own. */
    if (!status && input && w->kind != WISH_START)
        status = value_option_read(cli, "--input", input, &r->input);
    if (!status && r->recorded_context && input)
        return usage(cli,
                     "--context recorded takes the input that the step had: leave --input out");
    return status;
}

int wish_read(struct cli *cli, enum wish_kind kind, struct wish *ret)
{
    static const char *const routes[] = {
        [WISH_RESUME] = "resume", [WISH_RERUN] = "rerun-step", [WISH_RESTART] = "restart"};
    struct wish w = {.kind = kind,
                     .name = str_of_cstr(text_of(cli, "--name")),
                     .detach = text_of(cli, "--detach") != NULL,
                     .as_json = text_of(cli, "--json") != NULL};
    w.route = kind == WISH_START ? NULL : routes[kind];
    int status = read_request(cli, &w);
    if (!status)
        status = read_review(cli, &w);
    if (!status)
        status = read_fork(cli, &w);
    w.request.kind = kind_of(cli, &w);
    *ret = w;
    return status;
}

bool wish_given(const struct cli *cli)
{
    static const struct option options[] = {OPTIONS_OF_STARTS};
    for (size_t i = 0; i < COUNT_OF(options); i++)
        if (text_of(cli, options[i].name))
            return true;
    return false;
}

bool wish_makes_new(const struct wish *w)
{
    return w->kind == WISH_RESTART || w->kind == WISH_START || w->request.kind == RECOVERY_FORK;
}

/* ---- to a server ---- */

static void add_text(struct json_object_builder *b, const char *name, struct str text)
{
    if (text.len)
        json_object_add(b, str_of_cstr(name), json_string(text));
}

static void add_review(const struct wish *w, struct json_object_builder *b)
{
    json_object_add(b, STR("approved"), json_bool(w->review.approved));
    json_object_add(b, STR("changes"), w->review.changes);
    add_text(b, "step", w->request.step);
    add_text(b, "numbers", w->request.step.len ? STR("order") : STR(""));
    add_text(b, "error", w->review.error);
    add_text(b, "cause", w->review.cause);
    add_text(b, "by", w->review.by);
}

/* Each route takes what it can use. A restart skips nothing and counts no steps. */
void wish_add_to_body(const struct wish *w, struct json_object_builder *b)
{
    struct json request = recovery_request_json(&w->request, b->arena);
    if (w->decides) {
        add_review(w, b);
        return;
    }
    if (w->kind == WISH_RESTART)
        request = json_object_without(b->arena, request, STR("numbers"));
    for (size_t i = 0; i < json_count(request); i++)
        json_object_add(b, json_str(json_members(request)[i].key), json_members(request)[i].value);
    add_text(b, "name", w->name);
}

/* ---- what is said ---- */

/* The execution is there: what is not is a step that an option names. */
static enum err_code refusal_code(enum err_code code)
{
    return code == ERR_NOT_FOUND ? ERR_INVALID_INPUT : code;
}

/* As of the first problem, which is what it is refused with when it is no dry run. */
static int plan_status(struct json plan)
{
    struct json first = json_at(json_get(plan, STR("problems")), 0);
    struct json code = json_get(first, STR("code"));
    return err_exit_status(json_is_string(code) ? refusal_code(err_of_name(json_str(code)))
                                                : ERR_INVALID_INPUT);
}

int wish_tell_plan(struct cli *cli, const struct wish *w)
{
    struct out *o = &cli->out;
    bool wrong = plan_has_problems(w->plan);
    int status = wrong ? plan_status(w->plan) : 0;
    if (w->as_json) {
        json_write_pretty(&o->buf, w->plan);
        out_text(o, "\n");
        return status;
    }
    plan_page_print(o, cli->arena, w->plan);
    out_flush(o);
    if (wrong)
        return status;
    out_text(&cli->err, "\nNothing was changed. Do it with: ");
    print_same_command(&cli->err, cli, "--dry-run");
    return status;
}

int wish_fail(struct cli *cli, const struct wish *w, const struct err *err)
{
    struct err told = *err;
    if (plan_has_problems(w->plan))
        told.code = refusal_code(told.code);
    int status = cli_fail(cli, NULL, &told);
    if (json_count(json_get(w->plan, STR("problems"))) > 1) {
        out_text(&cli->err, "All that stands against it:\n");
        plan_problems_print(&cli->err, w->plan);
    }
    if (plan_has_problems(w->plan))
        out_text(&cli->err, "Nothing was changed.\n");
    return status;
}
