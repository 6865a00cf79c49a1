/* Definitions as the API takes them: JSON, checked, and worded as AWS does. */
#include "api/aws/operations.h"

#include "asl/diag_codes.h"
#include "base/utf8.h"

enum {
    TOKEN_SHOWN_MAX = 80,
    SOURCE_SHOWN_MAX = 500
};

/* ---- texts that are no JSON, in the words of AWS's parser ---- */

static struct str word_at(struct str text, size_t offset)
{
    size_t end = offset;
    while (end < text.len && end - offset < TOKEN_SHOWN_MAX &&
           !strchr(" \t\r\n{}[],:\"", text.ptr[end]))
        end++;
    return str_slice(text, offset, end);
}

static struct str source_of(struct arena *a, struct str text, uint32_t line, size_t column)
{
    size_t shown = utf8_floor(text, SOURCE_SHOWN_MAX);
    struct str cut =
        text.len > shown ? arena_printf(a, "[truncated %zu chars]", text.len - shown) : STR("");
    return arena_printf(a, "[Source: (String)\"" STR_FMT "\"" STR_FMT "; line: %u, column: %zu]",
                        STR_ARG(str_slice(text, 0, shown)), STR_ARG(cut), line, column);
}

static void syntax_problem(struct arena *a, struct str text, const struct err *err,
                           struct aws_problem *to)
{
    struct str word = err->offset < text.len ? word_at(text, err->offset) : STR("");
    struct str place = source_of(a, text, err->line, err->column + word.len);
    *to = (struct aws_problem){.code = STR("INVALID_JSON_DESCRIPTION"), .location = place};
    if (word.len &&
        ((word.ptr[0] >= 'a' && word.ptr[0] <= 'z') || (word.ptr[0] >= 'A' && word.ptr[0] <= 'Z')))
        to->message = arena_printf(a,
                                   "Unrecognized token '" STR_FMT
                                   "': was expecting (JSON String, Number, Array, Object or token "
                                   "'null', 'true' or 'false')\n at " STR_FMT,
                                   STR_ARG(word), STR_ARG(place));
    else
        to->message = arena_printf(a, "%s\n at " STR_FMT, err->message, STR_ARG(place));
}

/* ---- diagnostics ---- */

/* AWS names the template, and not its member. */
static struct str location_of(const struct diag *d)
{
    size_t slash = str_rfind_char(d->pointer, '/');
    if (strcmp(d->code, "NOT_AN_OBJECT") == 0)
        return STR("");
    if (d->pointer.len == 0)
        return STR("/");
    return str_ends_with(d->pointer, STR(".$")) ? str_slice(d->pointer, 0, slash) : d->pointer;
}

static struct aws_problem problem_of(const struct diag *d)
{
    const struct diag_code_info *info = diag_code_find(str_of_cstr(d->code));
    return (struct aws_problem){
        .warning = d->severity == DIAG_WARNING,
        .code = str_of_cstr(info && info->aws[0] ? info->aws : d->code),
        .message = d->message,
        .location = location_of(d),
    };
}

static bool is_of_schema(const struct aws_problem *p)
{
    return str_eq(p->code, STR("SCHEMA_VALIDATION_FAILED"));
}

static bool is_of_graph(const struct aws_problem *p)
{
    return str_eq(p->code, STR("MISSING_TRANSITION_TARGET")) ||
           str_eq(p->code, STR("MISSING_END_STATE"));
}

/* AWS looks at where transitions lead only when every state has the right fields. */
static void drop_graph(struct aws_definition *d)
{
    bool schema = false;
    size_t kept = 0;
    for (size_t i = 0; i < d->count; i++)
        schema |= is_of_schema(&d->problems[i]);
    for (size_t i = 0; i < d->count; i++)
        if (!schema || !is_of_graph(&d->problems[i]))
            d->problems[kept++] = d->problems[i];
    d->count = kept;
}

void aws_check_definition(const struct api *api, struct arena *a, struct str text, bool express,
                          struct aws_definition *ret_definition)
{
    const struct json_limits limits = {.depth_max = DEFINITION_DEPTH_MAX,
                                       .size_max = DEFINITION_SIZE_MAX};
    struct diag_list diags = diag_list(a);
    struct err err;
    struct json ignored;
    *ret_definition = (struct aws_definition){0};
    if (str_trim(text).len && !json_parse(a, text, limits, JSON_DUPLICATES_LAST, &ignored, &err) &&
        err.code == ERR_INVALID_JSON) {
        ret_definition->problems = ARENA_NEW(a, struct aws_problem);
        ret_definition->count = ret_definition->error_count = 1;
        syntax_problem(a, text, &err, ret_definition->problems);
        return;
    }
    if (asl_compile(a, text, &diags, &ret_definition->machine, &err)) {
        if (express)
            asl_check_express(ret_definition->machine, &diags);
        if (api->options.aws_limits_strict)
            asl_check_documented(ret_definition->machine, &diags);
    }
    ret_definition->problems = ARENA_ARRAY(a, struct aws_problem, diags.count);
    ret_definition->count = diags.count;
    ret_definition->error_count = diags.error_count;
    for (size_t i = 0; i < diags.count; i++)
        ret_definition->problems[i] = problem_of(&diags.items[i]);
    drop_graph(ret_definition);
}

bool aws_take_definition(struct call *c, struct str text, bool express)
{
    struct aws_definition definition;
    struct buf what = BUF_INIT(0);
    aws_check_definition(c->api, c->arena, text, express, &definition);
    if (definition.error_count == 0)
        return true;
    for (size_t i = 0; i < definition.count; i++) {
        const struct aws_problem *p = &definition.problems[i];
        if (p->warning)
            continue;
        buf_printf(&what, "%s" STR_FMT ": " STR_FMT, what.len ? ", " : "", STR_ARG(p->code),
                   STR_ARG(p->message));
        if (str_starts_with(p->location, STR("/")))
            buf_printf(&what, " at " STR_FMT, STR_ARG(p->location));
    }
    call_fail_aws(c, "InvalidDefinition", "Invalid State Machine Definition: '" STR_FMT "'",
                  STR_ARG(arena_str(c->arena, buf_str(&what))));
    buf_release(&what);
    return false;
}

/* ---- ValidateStateMachineDefinition ---- */

static struct json problem_json(struct arena *a, const struct aws_problem *p)
{
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("severity"), json_string(p->warning ? STR("WARNING") : STR("ERROR")));
    json_object_add(&b, STR("code"), json_string(p->code));
    json_object_add(&b, STR("message"), json_string(p->message));
    if (p->location.len)
        json_object_add(&b, STR("location"), json_string(p->location));
    return json_object_done(&b);
}

void aws_validate_definition(struct call *c)
{
    bool express = str_eq(aws_text(c, "type"), STR("EXPRESS"));
    bool warnings = str_eq(aws_text(c, "severity"), STR("WARNING")), truncated = false;
    struct json_array_builder list = json_array_builder(c->arena);
    struct json_object_builder b = json_object_builder(c->arena);
    struct aws_definition definition;
    int64_t most = 0;
    (void)json_to_int64(member_get(c->body, STR("maxResults")), &most);
    aws_check_definition(c->api, c->arena, aws_text(c, "definition"), express, &definition);
    for (size_t i = 0; i < definition.count; i++) {
        if (definition.problems[i].warning && !warnings)
            continue;
        truncated = list.count == (size_t)(most ? most : AWS_PAGE_DEFAULT);
        if (truncated)
            break;
        json_array_add(&list, problem_json(c->arena, &definition.problems[i]));
    }
    json_object_add(&b, STR("result"),
                    json_string(definition.error_count ? STR("FAIL") : STR("OK")));
    json_object_add(&b, STR("diagnostics"), json_array_done(&list));
    json_object_add(&b, STR("truncated"), json_bool(truncated));
    call_answer(c, 200, json_object_done(&b));
}
