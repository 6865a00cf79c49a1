#include "expr/template.h"

#include "expr/intrinsic/intrinsic.h"

enum node_kind {
    NODE_SHARED, /* nothing computed in it: stands in the result as it is */
    NODE_PATH,
    NODE_CALL,
    NODE_OBJECT,
    NODE_ARRAY,
};

struct node {
    enum node_kind kind;
    struct json shared;
    struct str field; /* of a path or call: the member's name, with its ".$" */
    const struct path *path;
    const struct intrinsic *call;
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
    bool uses_context;
};

struct compiler {
    struct arena *arena;
    struct diag_list *diags;
    struct template *template;
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

static struct node compile_node(struct compiler *c, struct json source, const struct crumb *at,
                                size_t depth);

static struct entry compile_member(struct compiler *c, struct json object,
                                   const struct json_member *member, const struct crumb *outer,
                                   size_t depth)
{
    struct entry entry = {.name = json_str(member->key)};
    struct crumb at = {.outer = outer, .name = entry.name.ptr ? entry.name : STR("")};
    if (!str_ends_with(entry.name, STR(".$"))) {
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
    struct compiler c = {a, diags, t};
    t->root = compile_node(&c, source, &(struct crumb){.name = pointer}, 0);
    *ret_template = t;
}

/* ---- what a compiled template tells ---- */

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
    return eval_node(&t->root, env, ret_value, reterr);
}
