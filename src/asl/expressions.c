#include "asl/compile_internal.h"

/* Members of the expression's pointer, handed to the visitor of variables. */
struct visit {
    const struct site *site;
    struct str pointer;
};

static void visit_variable(void *arg, struct str name)
{
    const struct visit *v = (const struct visit *)arg;

    if (site_is_jsonata(v->site) && str_eq(name, STR("states")))
        return;
    variable_used(v->site, name, v->pointer);
}

/* ---- paths ---- */

static void path_note(const struct site *s, const struct path *p, struct str pointer)
{
    if (path_root(p) == PATH_ROOT_CONTEXT && s->state)
        s->state->uses_context = true;
    if (path_root(p) == PATH_ROOT_VARIABLE)
        variable_used(s, path_variable(p), pointer);
}

static bool path_rule_holds(const struct path *p, enum path_rule rule)
{
    if (rule == PATH_RULE_ANY)
        return true;
    return path_is_reference(p) && (rule != PATH_RULE_RESULT || path_root(p) == PATH_ROOT_INPUT);
}

const struct path *path_of(const struct site *s, struct str name, struct json value,
                           enum path_rule rule)
{
    struct place at = place_value(s, name);
    const struct path *p;
    struct err err;

    if (!json_is_string(value)) {
        complain(s->c, CODE_WRONG_TYPE, at, STR(""),
                 "The value for the field '" STR_FMT "' must be a string, not %s", STR_ARG(name),
                 json_noun(value));
        return NULL;
    }
    if (!path_compile(s->c->arena, json_str(value), &p, &err)) {
        complain(s->c, CODE_INVALID_PATH, at, str_of_cstr(err.message),
                 "The value for the field '" STR_FMT "' must be a valid JSONPath", STR_ARG(name));
        return NULL;
    }
    if (!path_rule_holds(p, rule)) {
        complain(s->c, CODE_INVALID_REFERENCE_PATH, at,
                 rule == PATH_RULE_RESULT
                     ? STR("It starts with \"$\" and has only names, ['...'] and single indexes.")
                     : STR("It has only names, ['...'] and single indexes."),
                 "The value for the field '" STR_FMT "' must be a valid Reference Path",
                 STR_ARG(name));
        return NULL;
    }
    path_note(s, p, at.pointer);
    return p;
}

const struct path *field_path(const struct site *s, struct str name, enum path_rule rule)
{
    struct json value = json_get(s->object, name);

    return json_is_absent(value) ? NULL : path_of(s, name, value, rule);
}

struct path_field field_path_or_null(const struct site *s, struct str name)
{
    if (json_is_null(json_get(s->object, name)))
        return (struct path_field){.is_null = true};
    return (struct path_field){.path = field_path(s, name, PATH_RULE_ANY)};
}

void field_result_path(const struct site *s, bool *ret_discarded, const struct path **ret_path)
{
    *ret_discarded = json_is_null(json_get(s->object, STR("ResultPath")));
    *ret_path = *ret_discarded ? NULL : field_path(s, STR("ResultPath"), PATH_RULE_RESULT);
}

/* ---- templates ---- */

/* Where the walk for missing dollars stands: pointers are made only when one is found. */
struct crumb {
    const struct crumb *outer;
    struct str name;
    size_t index;
};

static struct str crumb_pointer(struct arena *a, const struct crumb *at, struct str root)
{
    struct str outer;

    if (!at)
        return root;
    outer = crumb_pointer(a, at->outer, root);
    return at->name.ptr ? json_pointer_child(a, outer, at->name)
                        : json_pointer_item(a, outer, at->index);
}

static bool looks_computed(struct str text)
{
    if (str_starts_with(text, STR("$.")) || str_starts_with(text, STR("$$.")))
        return true;
    return intrinsic_looks_like(text) && str_find_char(text, '(') != SIZE_MAX &&
           str_ends_with(text, STR(")"));
}

static void dollar_check(const struct site *s, struct json v, const struct crumb *at,
                         struct str root)
{
    const struct json_member *members = json_members(v);

    if (json_is_string(v) && at && at->name.ptr && !str_ends_with(at->name, STR(".$")) &&
        looks_computed(json_str(v)))
        complain(s->c, CODE_NO_DOLLAR, (struct place){crumb_pointer(s->c->scratch, at, root), true},
                 arena_printf(s->c->scratch, "To compute it, name it \"" STR_FMT ".$\".",
                              STR_ARG(clip(s->c, at->name))),
                 "No .$ on a field that appears to be a JSONPath or Intrinsic Function");
    for (size_t i = 0; i < json_count(v); i++) {
        struct crumb inner = {.outer = at, .index = i};

        if (members)
            inner.name = json_str(members[i].key);
        if (members && !inner.name.ptr)
            inner.name = STR("");
        dollar_check(s, members ? members[i].value : json_at(v, i), &inner, root);
    }
}

static void template_note(const struct site *s, const struct template *t, struct str pointer)
{
    if (template_uses_context(t) && s->state)
        s->state->uses_context = true;
    for (const struct newer_jsonata *n = template_newer_jsonata(t); n; n = n->next) {
        struct newer_jsonata *copy = arena_dup(s->c->arena, n, sizeof(*n));

        copy->pointer = arena_str(s->c->arena, n->pointer); /* made in the compiler's scratch */
        copy->message = arena_str(s->c->arena, n->message);
        copy->next = NULL;
        *s->c->last_newer = copy;
        s->c->last_newer = &copy->next;
    }
    template_each_variable(t, visit_variable, &(struct visit){s, pointer});
}

bool field_is_query(const struct site *s, struct str name)
{
    struct json value = json_get(s->object, name);

    return site_is_jsonata(s) && json_is_string(value) && template_is_jsonata(json_str(value));
}

/* What $states has in the field beside input and context. */
static unsigned states_there(const struct site *s, struct str name)
{
    enum state_type type = s->state->type;

    if (!str_eq(name, STR("Output")) && !str_eq(name, STR("Assign")))
        return 0;
    if (str_starts_with(s->field, STR("Catch[")))
        return TEMPLATE_ERROR_OUTPUT;
    return type == STATE_TASK || type == STATE_PARALLEL || type == STATE_MAP ? TEMPLATE_RESULT : 0;
}

const struct template *field_query(const struct site *s, struct str name)
{
    struct site at = site_child(s, name, json_get(s->object, name));
    const struct template *t;

    if (json_is_absent(at.object))
        return NULL;
    template_compile_jsonata(s->c->arena, at.object, at.field, at.pointer, states_there(s, name),
                             s->c->diags, &t);
    template_note(s, t, at.pointer);
    return t;
}

const struct template *field_template(const struct site *s, struct str name)
{
    struct place at = place_value(s, name);
    const struct template *t;
    struct json source;

    if (!field_object(s, name, &source))
        return NULL;
    if (site_is_jsonata(s))
        return field_query(s, name);
    template_compile(s->c->arena, source, at.pointer, s->c->diags, &t);
    template_note(s, t, at.pointer);
    dollar_check(s, source, NULL, at.pointer);
    return t;
}

const struct template *field_assign(const struct site *s)
{
    const struct template *t = field_template(s, STR("Assign"));
    struct site assign = site_child(s, STR("Assign"), json_get(s->object, STR("Assign")));
    const struct json_member *members = json_members(assign.object);

    for (size_t i = 0; i < json_count(assign.object) && members; i++) {
        struct str name = json_str(members[i].key);
        struct str pointer = place_value(&assign, name).pointer;

        if (str_ends_with(name, STR(".$")) && !site_is_jsonata(s))
            name.len -= 2;
        variable_assigned(s, name, pointer);
    }
    return t;
}

/* ---- values that may be computed ---- */

/* `name` and `name`Path, at most one of them. */
static struct str path_name(const struct site *s, struct str name)
{
    struct str names[2] = {name, arena_printf(s->c->scratch, STR_FMT "Path", STR_ARG(name))};

    fields_exclude(s, names, COUNT_OF(names));
    return names[1];
}

struct number_field field_number(const struct site *s, struct str name, int64_t min, int64_t max)
{
    struct number_field f = {0};
    struct str with_path;

    if (field_is_query(s, name))
        return (struct number_field){.set = true, .query = field_query(s, name)};
    f.set = field_whole(s, name, min, max, &f.literal);
    if (site_is_jsonata(s))
        return f;
    with_path = path_name(s, name);
    if (!f.set) {
        f.path = field_path(s, with_path, PATH_RULE_REFERENCE);
        f.set = f.path != NULL;
    }
    return f;
}

struct real_field field_real_number(const struct site *s, struct str name, double min, double max)
{
    struct real_field f = {0};
    struct str with_path;

    if (field_is_query(s, name))
        return (struct real_field){.set = true, .query = field_query(s, name)};
    f.set = field_real(s, name, min, max, &f.literal);
    if (site_is_jsonata(s))
        return f;
    with_path = path_name(s, name);
    if (!f.set) {
        f.path = field_path(s, with_path, PATH_RULE_REFERENCE);
        f.set = f.path != NULL;
    }
    return f;
}

static bool field_call(const struct site *s, struct str name, const struct intrinsic **ret_call)
{
    struct str text = json_str(json_get(s->object, name));
    struct str pointer = place_value(s, name).pointer;
    struct err err;

    if (!intrinsic_compile(s->c->arena, text, ret_call, &err)) {
        complain(s->c, CODE_INVALID_INTRINSIC, place_value(s, name), str_of_cstr(err.message),
                 "The value for the field '" STR_FMT
                 "' must be a valid JSONPath or a valid intrinsic function call",
                 STR_ARG(name));
        return false;
    }
    if (s->state && intrinsic_uses_context(*ret_call))
        s->state->uses_context = true;
    intrinsic_each_variable(*ret_call, visit_variable, &(struct visit){s, pointer});
    return true;
}

struct text_field field_computed_text(const struct site *s, struct str name)
{
    struct text_field f = {0};
    struct str with_path;

    if (field_is_query(s, name))
        return (struct text_field){.set = true, .query = field_query(s, name)};
    f.set = field_text(s, name, &f.literal);
    if (site_is_jsonata(s))
        return f;
    with_path = path_name(s, name);
    if (f.set || !field_given(s, with_path))
        return f;
    if (intrinsic_looks_like(json_str(json_get(s->object, with_path)))) {
        f.set = field_call(s, with_path, &f.call);
    } else {
        f.path = field_path(s, with_path, PATH_RULE_REFERENCE);
        f.set = f.path != NULL;
    }
    return f;
}
