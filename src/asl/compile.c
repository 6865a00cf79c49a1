#include "asl/compile.h"

#include "asl/compile_internal.h"
#include "json/yaml.h"

enum asl_format asl_format_of(struct str text)
{
    return str_starts_with(str_trim(text), STR("{")) ? ASL_JSON : ASL_YAML;
}

struct json_place asl_locate(struct str text, const struct diag *d)
{
    return asl_format_of(text) == ASL_JSON ? json_locate(text, d->pointer, d->at_key)
                                           : yaml_locate(text, d->pointer, d->at_key);
}

/* ---- text to document ---- */

static void syntax_complain(struct compiler *c, const struct err *err)
{
    enum diag_code code = CODE_SYNTAX;

    if (err->code == ERR_TOO_LARGE)
        code = CODE_DEFINITION_TOO_LARGE;
    else if (err->code == ERR_TOO_DEEP)
        code = CODE_TOO_DEEPLY_NESTED;
    else if (err->code == ERR_MEMORY_LIMIT)
        code = CODE_MEMORY_LIMIT;
    complain(c, code, (struct place){0}, STR(""), "%s", err->message);
}

static bool not_an_object(struct compiler *c)
{
    complain(c, CODE_NOT_AN_OBJECT, (struct place){0},
             STR("It starts with {\"StartAt\": ..., \"States\": {...}}."),
             "Definition must be a valid JSON object");
    return false;
}

static bool document_parse(struct compiler *c, struct str text, struct json *ret_root,
                           struct err *ret_syntax)
{
    struct json_limits limits = {
        .depth_max = DEFINITION_DEPTH_MAX,
        .size_max = DEFINITION_SIZE_MAX,
    };
    bool ok = asl_format_of(text) == ASL_JSON
                  ? json_parse(c->arena, text, limits, JSON_DUPLICATES_REFUSE, ret_root, ret_syntax)
                  : yaml_parse(c->arena, text, limits, ret_root, ret_syntax);

    /* Of nothing at all AWS says what it says of a number, not that it does not parse. */
    if (!ok && str_trim(text).len == 0)
        return not_an_object(c);
    if (!ok) {
        syntax_complain(c, ret_syntax);
        return false;
    }
    return json_is_object(*ret_root) || not_an_object(c);
}

/* Are all pointers of bearable length? Names in one another could make them, and
 * with them every diagnostic, as long as the definition itself. */
static bool pointers_fit(struct json v, size_t above)
{
    const struct json_member *members = json_members(v);

    if (above > DEFINITION_POINTER_MAX)
        return false;
    for (size_t i = 0; i < json_count(v); i++) {
        size_t name = members ? 2 * json_str(members[i].key).len : 10;

        if (!pointers_fit(members ? members[i].value : json_at(v, i), above + 1 + name))
            return false;
    }
    return true;
}

/* ---- document to machine ---- */

static void states_begin(struct compiler *c)
{
    c->states = ARENA_ARRAY(c->arena, struct state, c->node_count);
    c->by_name = ARENA_ARRAY(c->arena, uint32_t, c->node_count);
    for (uint32_t i = 0; i < c->node_count; i++) {
        c->states[i].name = c->names[i];
        c->states[i].scope = c->node_scopes[i];
        c->states[i].number = i;
        c->states[i].language = c->nodes[i].jsonata ? QUERY_JSONATA : QUERY_JSONPATH;
    }
}

/* `start` of a scope, which has no state to be the site of. */
static void start_compile(struct compiler *c, const struct site *s, uint32_t scope)
{
    struct state outside = {.scope = scope};
    struct site at = *s;

    at.state = &outside;
    c->scopes[scope].start = field_target(&at, STR("StartAt"));
}

static void scopes_compile(struct compiler *c)
{
    static const struct str fields[] = {
        STR_INIT("StartAt"),       STR_INIT("States"),         STR_INIT("ProcessorConfig"),
        STR_INIT("QueryLanguage"), STR_INIT("TimeoutSeconds"), STR_INIT("Version"),
    };

    for (uint32_t i = 0; i < c->scope_count; i++) {
        const struct scope_node *node = &c->scopes[i];
        struct site s = {.c = c, .object = node->source, .pointer = node->pointer};
        bool of_map = i && c->states[node->parent_state].type == STATE_MAP;
        struct str names[COUNT_OF(fields)];
        size_t count = 0;

        for (size_t k = 0; k < COUNT_OF(fields); k++) {
            if (k < 2 || (k == 2 ? of_map : i == 0))
                names[count++] = fields[k];
        }
        if (!json_is_object(s.object))
            continue;
        fields_allow(&s, names, count);
        scope_own_compile(&s, i);
        start_compile(c, &s, i);
    }
}

static void top_compile(struct compiler *c, struct json root, struct machine *m)
{
    struct site s = {.c = c, .object = root};
    struct str version;

    m->comment = json_str(json_get(root, STR("Comment")));
    if (field_text(&s, STR("Version"), &version) && !str_eq(version, STR("1.0")))
        complain(c, CODE_UNSUPPORTED_VERSION, place_value(&s, STR("Version")),
                 STR("Write \"1.0\", or leave it out."), "The version \"" STR_FMT "\" is unknown",
                 STR_ARG(clip(c, version)));
    (void)field_whole(&s, STR("TimeoutSeconds"), 1, TASK_TIMEOUT_MAX_SECONDS, &m->timeout_seconds);
}

static void labels_check(struct compiler *c)
{
    for (uint32_t i = 0; i < c->node_count; i++) {
        struct str label = c->states[i].type == STATE_MAP ? c->states[i].u.map.label : STR("");

        for (uint32_t k = 0; k < i && label.len; k++) {
            if (c->states[k].type != STATE_MAP || !str_eq(c->states[k].u.map.label, label))
                continue;
            complain(c, CODE_DUPLICATE_LABEL,
                     (struct place){
                         json_pointer_child(c->scratch, c->nodes[i].pointer, STR("Label")), false},
                     STR("Choose another one."), "Duplicate label: " STR_FMT,
                     STR_ARG(clip(c, label)));
            break;
        }
    }
}

static void scopes_publish(struct compiler *c, struct machine *m)
{
    struct scope *scopes = ARENA_ARRAY(c->arena, struct scope, c->scope_count);

    for (size_t i = 0; i < c->scope_count; i++) {
        const struct scope_node *node = &c->scopes[i];
        struct str label = json_str(json_get(node->source, STR("x-label")));

        scopes[i] = (struct scope){
            .start = node->start,
            .parent_state = node->parent_state,
            .branch = node->branch,
            .label = label.len ? label : c->states[node->start].name,
        };
    }
    m->scopes = scopes;
    m->scope_count = (uint32_t)c->scope_count;
}

static void machine_compile(struct compiler *c, struct json root, struct machine *m)
{
    collect(c, root);
    if (compiler_exhausted(c))
        return;
    states_begin(c);
    names_index(c);
    top_compile(c, root, m);
    for (uint32_t i = 0; i < c->node_count && !compiler_exhausted(c); i++)
        state_compile(c, i);
    if (compiler_exhausted(c))
        return;
    scopes_compile(c);
    graph_check(c);
    variables_check(c);
    labels_check(c);
    (void)compiler_exhausted(c);
}

static void machine_publish(struct compiler *c, struct str text, struct machine *m)
{
    variables_publish(c);
    scopes_publish(c, m);
    m->definition = text;
    sha256(text, m->hash);
    m->states = c->states;
    m->state_count = (uint32_t)c->node_count;
    m->by_name = c->by_name;
    m->on_cancel = c->on_cancel;
    m->newer_jsonata = c->newer;
    m->passed_over = c->passed_over > 0;
}

static bool size_check(struct compiler *c, struct str text, struct err *ret_syntax)
{
    if (text.len <= DEFINITION_SIZE_MAX)
        return true;
    complain(c, CODE_DEFINITION_TOO_LARGE, (struct place){0},
             STR("Move a part into a state machine of its own."),
             "The definition is longer than %d bytes", DEFINITION_SIZE_MAX);
    return err_set(ret_syntax, ERR_TOO_LARGE, "The definition is longer than %d bytes",
                   DEFINITION_SIZE_MAX);
}

static void text_compile(struct compiler *c, struct str text, struct machine *m,
                         struct err *ret_syntax)
{
    struct json root;

    if (!document_parse(c, text, &root, ret_syntax))
        return;
    if (pointers_fit(root, 0))
        machine_compile(c, root, m);
    else
        complain(c, CODE_TOO_DEEPLY_NESTED, (struct place){0},
                 STR("Shorten names, or nest less deeply."),
                 "Names stand in one another over more than %d bytes", DEFINITION_POINTER_MAX);
}

static bool compile(struct arena *a, struct str text, bool stored, struct diag_list *diags,
                    const struct machine **ret_machine, struct err *ret_syntax)
{
    struct compiler c = {.arena = a,
                         .diags = diags,
                         .scratch = arena_new(DEFINITION_SCRATCH_MAX),
                         .stored = stored,
                         .on_cancel = STATE_NO_NONE};
    c.last_newer = &c.newer;
    size_t errors_before = diags->error_count;
    struct machine *m = ARENA_NEW(a, struct machine);
    bool ok;

    *ret_machine = NULL;
    *ret_syntax = (struct err){.code = ERR_NONE, .offset = SIZE_MAX};
    if (size_check(&c, text, ret_syntax)) {
        text = arena_str(a, text);
        text_compile(&c, text, m, ret_syntax);
    }
    ok = diags->error_count == errors_before;
    if (ok) {
        machine_publish(&c, text, m);
        *ret_machine = m;
    }
    arena_free(c.scratch);
    return ok;
}

bool asl_compile(struct arena *a, struct str text, struct diag_list *diags,
                 const struct machine **ret_machine, struct err *ret_syntax)
{
    return compile(a, text, false, diags, ret_machine, ret_syntax);
}

bool asl_compile_stored(struct arena *a, struct str text, struct diag_list *diags,
                        const struct machine **ret_machine, struct err *ret_syntax)
{
    return compile(a, text, true, diags, ret_machine, ret_syntax);
}
