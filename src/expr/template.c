#include "expr/template.h"

#include "expr/intrinsic/intrinsic.h"
#include "expr/jsonata/jsonata.h"

enum node_kind {
    NODE_SHARED, /* nothing computed in it: stands in the result as it is */
    NODE_PATH,
    NODE_CALL,
    NODE_JSONATA,
    NODE_OBJECT,
    NODE_ARRAY,
};

struct node {
    enum node_kind kind;
    struct json shared;
    struct str field; /* of a path or call: the member's name, with its ".$"; of JSONata: the
                         place in the state, "Output/total" */
    const struct path *path;
    const struct intrinsic *call;
    const struct jsonata *expression;
    const struct entry *entries; /* of an object or array */
    size_t count;
};

struct entry {
    struct str name; /* empty in arrays */
    struct node node;
};

struct template
{
    struct node root;
    bool uses_context, jsonata;
    const struct newer_jsonata *newer;
    struct str field; /* of JSONata: its place in the state */
};

struct compiler {
    struct arena *arena;
    struct diag_list *diags;
    struct template *template;
    unsigned states; /* TEMPLATE_RESULT... */
    const struct newer_jsonata **last_newer;
};

/* Where compiling stands. Pointers are made only of the places that are reported:
 * made for every member, long names in deep nesting would multiply. */
struct crumb {
    const struct crumb *outer;
    struct str name; /* ptr NULL: an index */
    size_t index;
};

/* ---- compiling ---- */

static struct str crumb_pointer(struct arena *a, const struct crumb *at)
{
    if (!at->outer)
        return at->name; /* the pointer of the template itself */
    struct str outer = crumb_pointer(a, at->outer);
    return at->name.ptr ? json_pointer_child(a, outer, at->name)
                        : json_pointer_item(a, outer, at->index);
}

static void report(struct compiler *c, const char *code, const struct crumb *at, struct str message,
                   struct str remedy)
{
    struct str pointer = crumb_pointer(c->arena, at);
    diag_add(c->diags, (struct diag){
                           .severity = DIAG_ERROR,
                           .code = code,
                           .pointer = pointer,
                           .message = message,
                           .remedy = remedy,
                       });
}

static struct node compile_call(struct compiler *c, struct str text, struct err *err, bool *ret_ok)
{
    struct node node = {.kind = NODE_CALL};
    *ret_ok = intrinsic_compile(c->arena, text, &node.call, err);
    if (*ret_ok && intrinsic_uses_context(node.call))
        c->template->uses_context = true;
    return node;
}

static struct node compile_path(struct compiler *c, struct str text, struct err *err, bool *ret_ok)
{
    struct node node = {.kind = NODE_PATH};
    *ret_ok = path_compile(c->arena, text, &node.path, err);
    if (*ret_ok && path_root(node.path) == PATH_ROOT_CONTEXT)
        c->template->uses_context = true;
    return node;
}

/* The value of a member whose name ends in ".$". */
static struct node compile_computed(struct compiler *c, struct str field, struct json value,
                                    const struct crumb *at)
{
    struct err err;
    bool ok;
    if (!json_is_string(value)) {
        report(c, "TEMPLATE_VALUE_NOT_STRING", at,
               arena_printf(c->arena, "The value for the field '" STR_FMT "' must be a string",
                            STR_ARG(field)),
               STR("Write a JSONPath or an intrinsic function call, or take \".$\" off the name."));
        return (struct node){.shared = json_null()};
    }
    struct str text = json_str(value);
    bool is_call = intrinsic_looks_like(str_trim(text));
    struct node node =
        is_call ? compile_call(c, text, &err, &ok) : compile_path(c, text, &err, &ok);
    node.field = field;
    if (ok)
        return node;
    report(c, is_call ? "INVALID_INTRINSIC" : "INVALID_PATH", at,
           arena_printf(c->arena,
                        "The value for the field '" STR_FMT
                        "' must be a valid JSONPath or a valid intrinsic function call",
                        STR_ARG(field)),
           str_of_cstr(err.message));
    return (struct node){.shared = json_null()};
}

/* ---- compiling JSONata ---- */

/* "Output/total": as pointers are, but readable: nothing is escaped. */
static struct str crumb_field(struct compiler *c, const struct crumb *at)
{
    if (!at->outer)
        return c->template->field;
    struct str outer = crumb_field(c, at->outer);
    if (at->name.ptr)
        return arena_printf(c->arena, STR_FMT "/" STR_FMT, STR_ARG(outer), STR_ARG(at->name));
    return arena_printf(c->arena, STR_FMT "[%zu]", STR_ARG(outer), at->index);
}

bool template_is_jsonata(struct str text)
{
    return text.len >= 4 && str_starts_with(text, STR("{%")) && str_ends_with(text, STR("%}"));
}

/* Expressions are compiled at the level that Step Functions documents, else at the newest; then
 * it is noted what the older one says of it. */
static void note_newer(struct compiler *c, const struct crumb *at, const struct jsonata_error *err)
{
    struct newer_jsonata *newer = ARENA_NEW(c->arena, struct newer_jsonata);
    newer->pointer = crumb_pointer(c->arena, at);
    newer->message = arena_str(c->arena, err->message);
    newer->position = err->position;
    *c->last_newer = newer;
    c->last_newer = &newer->next;
}

static bool compile_expression(struct compiler *c, struct str text, const struct crumb *at,
                               const struct jsonata **ret_expression, struct jsonata_error *reterr)
{
    struct jsonata_options options = {.level = JSONATA_LEVEL_2_0_6, .step_functions = true};
    struct jsonata_error older;
    if (jsonata_compile(c->arena, text, options, ret_expression, &older))
        return true;
    options.level = JSONATA_LEVEL_2_2;
    if (!jsonata_compile(c->arena, text, options, ret_expression, reterr))
        return false;
    note_newer(c, at, &older);
    return true;
}

/* AWS has one diagnostic for each name. */
static void refuse_input(struct compiler *c, const struct jsonata *e, const struct crumb *at)
{
    for (size_t i = 0; i < jsonata_input_count(e); i++) {
        struct str name = jsonata_input_name(e, i);
        bool told = false;
        for (size_t j = 0; j < i && !told; j++)
            told = str_eq(jsonata_input_name(e, j), name);
        if (!told)
            report(c, "UNSUPPORTED_JSONATA", at,
                   arena_printf(c->arena, "Reference to '" STR_FMT "' %sis not supported.",
                                STR_ARG(name), str_eq(name, STR("$$")) ? "" : "at the top level "),
                   STR("There is no input document: say $states.input, or a variable."));
    }
}

/* ---- what there is of $states ---- */

struct states_use {
    struct compiler *c;
    const struct crumb *at;
};

/* AWS refuses errorOutput where there is none. Of other members nothing is known: they are
 * worth a warning, since reading them gives nothing. */
static void states_used(void *arg, struct str member)
{
    const struct states_use *use = arg;
    struct compiler *c = use->c;
    bool is_error = str_eq(member, STR("errorOutput"));
    if (member.len == 0 || str_eq(member, STR("context")))
        c->template->uses_context = true;
    if (member.len == 0 || str_eq(member, STR("context")) || str_eq(member, STR("input")) ||
        (is_error && (c->states & TEMPLATE_ERROR_OUTPUT)) ||
        (str_eq(member, STR("result")) && (c->states & TEMPLATE_RESULT)))
        return;
    diag_add(c->diags,
             (struct diag){
                 .severity = is_error ? DIAG_ERROR : DIAG_WARNING,
                 .code = is_error ? "UNSUPPORTED_JSONATA" : "NO_STATES_FIELD",
                 .pointer = crumb_pointer(c->arena, use->at),
                 .message = arena_printf(c->arena, "Field '$states." STR_FMT "' does not exist.",
                                         STR_ARG(member)),
                 .remedy = STR("Everywhere there are $states.input and $states.context; result in "
                               "Output and Assign of a Task, Parallel or Map, errorOutput in those "
                               "of a Catch."),
             });
}

static struct node compile_jsonata(struct compiler *c, struct json source, const struct crumb *at)
{
    struct str text = json_str(source);
    struct node node = {.kind = NODE_JSONATA};
    struct jsonata_error err = {0};
    text = arena_str(c->arena, str_trim(str_slice(text, 2, text.len - 2)));
    if (!compile_expression(c, text, at, &node.expression, &err)) {
        report(c, "INVALID_JSONATA", at, arena_str(c->arena, err.message),
               arena_printf(c->arena, "It is at character %zu of the expression.", err.position));
        return (struct node){.shared = source};
    }
    refuse_input(c, node.expression, at);
    jsonata_each_member(node.expression, STR("states"), states_used, &(struct states_use){c, at});
    node.field = crumb_field(c, at);
    return node;
}

static struct node compile_text(struct compiler *c, struct json source, const struct crumb *at)
{
    struct str text = json_str(source);
    if (template_is_jsonata(text))
        return compile_jsonata(c, source, at);
    if (str_starts_with(text, STR("{%")) != str_ends_with(text, STR("%}")))
        report(c, "INVALID_JSONATA", at,
               STR("A JSONata expression must start with '{%' and end with '%}'"),
               STR("A text that is none begins and ends otherwise."));
    return (struct node){.shared = source};
}

/* ---- compiling containers ---- */

static struct node compile_node(struct compiler *c, struct json source, const struct crumb *at,
                                size_t depth);

static struct entry compile_member(struct compiler *c, struct json object,
                                   const struct json_member *member, const struct crumb *outer,
                                   size_t depth)
{
    struct entry entry = {.name = json_str(member->key)};
    struct crumb at = {.outer = outer, .name = entry.name.ptr ? entry.name : STR("")};
    if (c->template->jsonata || !str_ends_with(entry.name, STR(".$"))) {
        entry.node = compile_node(c, member->value, &at, depth);
        return entry;
    }
    entry.node = compile_computed(c, entry.name, member->value, &at);
    entry.name.len -= 2;
    if (!json_is_absent(json_get(object, entry.name)))
        report(c, "DUPLICATE_FIELD", &at,
               arena_printf(c->arena, "The field '" STR_FMT "' stands here with and without '.$'",
                            STR_ARG(entry.name)),
               STR("Remove one of the two."));
    return entry;
}

static struct entry compile_item(struct compiler *c, struct json array, size_t index,
                                 const struct crumb *outer, size_t depth)
{
    struct crumb at = {.outer = outer, .index = index};
    return (struct entry){.node = compile_node(c, json_at(array, index), &at, depth)};
}

/* Keeps the entries when one of them computes; shares the source otherwise. */
static struct node compile_container(struct compiler *c, struct json source, const struct crumb *at,
                                     size_t depth)
{
    const struct json_member *members = json_members(source);
    size_t count = json_count(source), errors_before = c->diags->error_count;
    struct arena_mark mark = arena_mark(c->arena);
    struct entry *entries = ARENA_ARRAY(c->arena, struct entry, count);
    bool computes = false;
    for (size_t i = 0; i < count; i++) {
        entries[i] = members ? compile_member(c, source, &members[i], at, depth)
                             : compile_item(c, source, i, at, depth);
        computes = computes || entries[i].node.kind != NODE_SHARED;
    }
    if (!computes && c->diags->error_count == errors_before)
        arena_rewind(c->arena, mark); /* no diagnostic points into what goes */
    if (!computes)
        return (struct node){.shared = source};
    return (struct node){
        .kind = members ? NODE_OBJECT : NODE_ARRAY, .entries = entries, .count = count};
}

static struct node compile_node(struct compiler *c, struct json source, const struct crumb *at,
                                size_t depth)
{
    if (json_is_string(source) && c->template->jsonata)
        return compile_text(c, source, at);
    if (json_count(source) == 0)
        return (struct node){.shared = source};
    if (depth == JSON_DEPTH_MAX) {
        report(c, "TOO_DEEP", at, STR("The template is nested too deeply"),
               STR("Nest less deeply."));
        return (struct node){.shared = source};
    }
    return compile_container(c, source, at, depth + 1);
}

void template_compile(struct arena *a, struct json source, struct str pointer,
                      struct diag_list *diags, const struct template **ret_template)
{
    struct template *t = ARENA_NEW(a, struct template);
    struct compiler c = {.arena = a, .diags = diags, .template = t};
    t->root = compile_node(&c, source, &(struct crumb){.name = pointer}, 0);
    *ret_template = t;
}

void template_compile_jsonata(struct arena *a, struct json source, struct str field,
                              struct str pointer, unsigned states, struct diag_list *diags,
                              const struct template **ret_template)
{
    struct template *t = ARENA_NEW(a, struct template);
    struct compiler c = {
        .arena = a, .diags = diags, .template = t, .states = states, .last_newer = &t->newer};
    t->jsonata = true;
    t->field = arena_str(a, field);
    t->root = compile_node(&c, source, &(struct crumb){.name = pointer}, 0);
    *ret_template = t;
}

/* ---- what a compiled template tells ---- */

struct str template_field(const struct template *t)
{
    return t->field;
}

const struct newer_jsonata *template_newer_jsonata(const struct template *t)
{
    return t->newer;
}

bool template_uses_context(const struct template *t)
{
    return t->uses_context;
}

static void each_variable(const struct node *node, void (*visit)(void *arg, struct str name),
                          void *arg)
{
    if (node->kind == NODE_CALL)
        intrinsic_each_variable(node->call, visit, arg);
    if (node->kind == NODE_PATH && path_root(node->path) == PATH_ROOT_VARIABLE)
        visit(arg, path_variable(node->path));
    for (size_t i = 0; node->kind == NODE_JSONATA && i < jsonata_free_count(node->expression); i++)
        visit(arg, jsonata_free_name(node->expression, i));
    for (size_t i = 0; i < node->count; i++)
        each_variable(&node->entries[i].node, visit, arg);
}

void template_each_variable(const struct template *t, void (*visit)(void *arg, struct str name),
                            void *arg)
{
    each_variable(&t->root, visit, arg);
}

/* ---- evaluating ---- */

static bool fail_missing(const struct node *node, struct expr_env *env, struct expr_failure *reterr)
{
    bool context = path_root(node->path) == PATH_ROOT_CONTEXT;
    struct arena_mark mark = arena_mark(env->scratch);
    struct str input = json_text(env->scratch, context ? env->context : env->input);
    struct str cause =
        arena_printf(env->out,
                     "The JSONPath '" STR_FMT "' specified for the field '" STR_FMT
                     "' could not be found in the input '" STR_FMT "'",
                     STR_ARG(path_text(node->path)), STR_ARG(node->field), STR_ARG(input));
    arena_rewind(env->scratch, mark);
    return expr_fail(env, reterr, STR("States.Runtime"), cause);
}

static bool eval_path(const struct node *node, struct expr_env *env, struct json *ret_value,
                      struct expr_failure *reterr)
{
    struct str why;
    switch (path_eval(node->path, env, ret_value, &why)) {
    case PATH_FOUND:
        return true;
    case PATH_MISSING:
        return fail_missing(node, env, reterr);
    case PATH_FAILED:
        return expr_fail(env, reterr, STR("States.Runtime"), why);
    }
    UNREACHABLE("path outcome");
}

/* ---- evaluating JSONata ---- */

static bool fail_jsonata(const struct node *node, struct expr_env *env, struct expr_failure *reterr,
                         struct str what)
{
    return expr_fail_query(env, reterr, node->field,
                           arena_printf(env->out,
                                        "The JSONata expression '" STR_FMT
                                        "' specified for the field '" STR_FMT "' " STR_FMT,
                                        STR_ARG(jsonata_text(node->expression)),
                                        STR_ARG(node->field), STR_ARG(what)));
}

static struct str thrown_words(struct arena *a, const struct jsonata_error *err)
{
    struct str code = str_of_cstr(err->code), message = err->message;
    switch (err->limit) {
    case JSONATA_LIMIT_NONE:
        break;
    case JSONATA_LIMIT_DEPTH:
        code = STR("");
        message = STR("Stack overflow error: Check for non-terminating recursive function. "
                      "Consider rewriting as tail-recursive");
        break;
    case JSONATA_LIMIT_STEPS:
        code = STR("");
        message = STR("Expression evaluation timeout: Check for infinite loop");
        break;
    case JSONATA_LIMIT_MEMORY:
        code = STR("");
        message =
            STR("Expression evaluation memory limit exceeded: Check for excessive memory usage");
        break;
    }
    return code.len
               ? arena_printf(a, "threw an error during evaluation. " STR_FMT ": " STR_FMT,
                              STR_ARG(code), STR_ARG(message))
               : arena_printf(a, "threw an error during evaluation: " STR_FMT, STR_ARG(message));
}

static bool eval_jsonata(const struct node *node, struct expr_env *env, struct json *ret_value,
                         struct expr_failure *reterr)
{
    struct jsonata_error err = {0};
    struct jsonata_env own = {
        .vars = env->vars,
        .now = env->now,
        .rng = env->rng,
        .out = env->out,
        .steps_left = env->steps_left,
        .depth_max = env->depth_max,
        .held_max = env->held_max,
    };
    enum jsonata_outcome outcome = jsonata_eval(node->expression, &own, ret_value, &err);
    env->steps_left = own.steps_left;
    switch (outcome) {
    case JSONATA_VALUE:
        return true;
    case JSONATA_UNDEFINED:
        return fail_jsonata(node, env, reterr, STR("returned nothing (undefined)."));
    case JSONATA_FUNCTION:
        return fail_jsonata(node, env, reterr, STR("returned an unsupported result type."));
    case JSONATA_FAILED:
        return fail_jsonata(node, env, reterr, thrown_words(env->out, &err));
    }
    UNREACHABLE("JSONata outcome");
}

static bool eval_node(const struct node *node, struct expr_env *env, struct json *ret_value,
                      struct expr_failure *reterr);

static bool eval_object(const struct node *node, struct expr_env *env, struct json *ret_value,
                        struct expr_failure *reterr)
{
    struct json_member *members = ARENA_ARRAY(env->out, struct json_member, node->count);
    for (size_t i = 0; i < node->count; i++) {
        members[i].key = json_string(node->entries[i].name);
        if (!eval_node(&node->entries[i].node, env, &members[i].value, reterr))
            return false;
    }
    *ret_value = json_object(members, node->count);
    return true;
}

static bool eval_array(const struct node *node, struct expr_env *env, struct json *ret_value,
                       struct expr_failure *reterr)
{
    struct json *items = ARENA_ARRAY(env->out, struct json, node->count);
    for (size_t i = 0; i < node->count; i++) {
        if (!eval_node(&node->entries[i].node, env, &items[i], reterr))
            return false;
    }
    *ret_value = json_array(items, node->count);
    return true;
}

static bool eval_node(const struct node *node, struct expr_env *env, struct json *ret_value,
                      struct expr_failure *reterr)
{
    if (!expr_spend(env, 1) || arena_over(env->out))
        return expr_fail(env, reterr, STR("States.Runtime"), expr_limit_words(env));
    switch (node->kind) {
    case NODE_SHARED:
        *ret_value = node->shared;
        return true;
    case NODE_PATH:
        return eval_path(node, env, ret_value, reterr);
    case NODE_CALL:
        return intrinsic_eval(node->call, node->field, env, ret_value, reterr);
    case NODE_JSONATA:
        return eval_jsonata(node, env, ret_value, reterr);
    case NODE_OBJECT:
        return eval_object(node, env, ret_value, reterr);
    case NODE_ARRAY:
        return eval_array(node, env, ret_value, reterr);
    }
    UNREACHABLE("node kind");
}

bool template_eval(const struct template *t, struct expr_env *env, struct json *ret_value,
                   struct expr_failure *reterr)
{
    if (t->newer && env->only_documented)
        return expr_fail_query(
            env, reterr, t->field,
            arena_printf(env->out,
                         "The field '" STR_FMT
                         "' takes more than JSONata 2.0.6, such as '?\?' or '?:', "
                         "which aws_limits: strict refuses",
                         STR_ARG(t->field)));
    return eval_node(&t->root, env, ret_value, reterr);
}

/* A field that is no expression has the type that the compiler saw to. */
bool template_eval_as(const struct template *t, enum json_type type, struct expr_env *env,
                      struct json *ret_value, struct expr_failure *reterr)
{
    static const char *const names[] = {
        [JSON_ABSENT] = "nothing", [JSON_NULL] = "null",     [JSON_BOOL] = "boolean",
        [JSON_NUMBER] = "number",  [JSON_STRING] = "string", [JSON_ARRAY] = "array",
        [JSON_OBJECT] = "object",
    };
    if (!template_eval(t, env, ret_value, reterr))
        return false;
    if (json_type(*ret_value) == type || t->root.kind != NODE_JSONATA)
        return true;
    struct arena_mark mark = arena_mark(env->scratch);
    fail_jsonata(&t->root, env, reterr,
                 arena_printf(env->scratch,
                              "returned an unexpected result type. Expected '%s', but was '%s' for "
                              "value: " STR_FMT,
                              names[type], names[json_type(*ret_value)],
                              STR_ARG(json_text(env->scratch, *ret_value))));
    arena_rewind(env->scratch, mark);
    return false;
}
