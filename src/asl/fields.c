#include "asl/compile_internal.h"

#include <stdarg.h>

enum {
    CLIP_SIZE = 120,          /* bytes of foreign text in a message */
    SUGGEST_NEAR = 3,         /* edits */
    SUGGEST_COUNT = 50,       /* problems that get one: looking for it takes time */
    SUGGEST_NAMES_MAX = 1000, /* names that are compared */
};

/* ---- places and complaints ---- */

struct place place_here(const struct site *s)
{
    return (struct place){.pointer = s->pointer};
}

struct place place_value(const struct site *s, struct str field)
{
    return (struct place){.pointer = json_pointer_child(s->c->scratch, s->pointer, field)};
}

struct place place_key(const struct site *s, struct str field)
{
    struct place at = place_value(s, field);

    at.at_key = true;
    return at;
}

void complain(struct compiler *c, enum diag_code code, struct place at, struct str remedy,
              const char *format, ...)
{
    const struct diag_code_info *info = diag_code_info(code);
    struct arena_mark mark = arena_mark(c->scratch);
    struct diag d = {
        .severity = info->severity,
        .at_key = at.at_key,
        .code = info->name,
        .pointer = at.pointer,
        .remedy = remedy,
    };
    va_list args;

    if (c->passes_over) {
        c->passed_over++;
        return;
    }
    if (c->diags->count == DIAG_COUNT_MAX) {
        diag_add(c->diags, (struct diag){.severity = info->severity}); /* only counted */
        return;
    }
    va_start(args, format);
    d.message = arena_vprintf(c->scratch, format, args);
    va_end(args);
    diag_add(c->diags, d);
    arena_rewind(c->scratch, mark);
}

const char *json_noun(struct json v)
{
    switch (json_type(v)) {
    case JSON_ABSENT:
        return "nothing";
    case JSON_NULL:
        return "null";
    case JSON_BOOL:
        return "a boolean";
    case JSON_NUMBER:
        return "a number";
    case JSON_STRING:
        return "a string";
    case JSON_ARRAY:
        return "an array";
    case JSON_OBJECT:
        return "an object";
    }
    return "nothing";
}

struct str clip(struct compiler *c, struct str text)
{
    if (text.len <= CLIP_SIZE)
        return text;
    text.len = utf8_floor(text, CLIP_SIZE);
    return arena_printf(c->scratch, STR_FMT "...", STR_ARG(text));
}

bool suggestions_left(const struct compiler *c)
{
    return c->diags->count < SUGGEST_COUNT;
}

struct str suggest(struct compiler *c, struct str text, const struct str *names, size_t count)
{
    size_t nearest = SIZE_MAX, distance = SUGGEST_NEAR + 1;

    if (text.len > CLIP_SIZE || !suggestions_left(c))
        return (struct str){0};
    for (size_t i = 0; i < count && i < SUGGEST_NAMES_MAX; i++) {
        size_t d = str_distance(text, names[i], distance);

        if (d < distance && d < text.len && d < names[i].len) {
            distance = d;
            nearest = i;
        }
    }
    if (nearest == SIZE_MAX)
        return (struct str){0};
    return arena_printf(c->scratch, "Did you mean \"" STR_FMT "\"?", STR_ARG(names[nearest]));
}

bool compiler_exhausted(struct compiler *c)
{
    if (!c->exhausted && (arena_over(c->arena) || arena_over(c->scratch))) {
        c->exhausted = true;
        complain(c, CODE_MEMORY_LIMIT, (struct place){0}, STR("Make the definition smaller."),
                 "Compiling the definition takes too much memory");
    }
    return c->exhausted;
}

/* ---- sites ---- */

bool site_is_jsonata(const struct site *s)
{
    return s->state && s->state->language == QUERY_JSONATA;
}

/* Only failures of JSONata tell it. */
static struct str field_place(const struct site *s, struct str field)
{
    if (!site_is_jsonata(s) || s->field.len == 0)
        return field;
    return arena_printf(s->c->scratch, STR_FMT "/" STR_FMT, STR_ARG(s->field), STR_ARG(field));
}

struct site site_child(const struct site *s, struct str field, struct json object)
{
    return (struct site){
        .c = s->c,
        .object = object,
        .pointer = json_pointer_child(s->c->scratch, s->pointer, field),
        .state = s->state,
        .field = field_place(s, field),
    };
}

struct site site_item(const struct site *s, size_t index, struct json object)
{
    return (struct site){
        .c = s->c,
        .object = object,
        .pointer = json_pointer_item(s->c->scratch, s->pointer, index),
        .state = s->state,
        .field = site_is_jsonata(s)
                     ? arena_printf(s->c->scratch, STR_FMT "[%zu]", STR_ARG(s->field), index)
                     : STR(""),
    };
}

/* ---- reading ---- */

bool field_given(const struct site *s, struct str name)
{
    return !json_is_absent(json_get(s->object, name));
}

/* The value when it is there and of the type; complains when of another. */
static bool field_typed(const struct site *s, struct str name, enum json_type type,
                        const char *what, struct json *ret_value)
{
    struct json value = json_get(s->object, name);

    if (json_is_absent(value))
        return false;
    if (json_type(value) != type) {
        complain(s->c, CODE_WRONG_TYPE, place_value(s, name), STR(""),
                 "The value for the field '" STR_FMT "' must be %s, not %s", STR_ARG(name), what,
                 json_noun(value));
        return false;
    }
    *ret_value = value;
    return true;
}

bool field_text(const struct site *s, struct str name, struct str *ret_text)
{
    struct json value;

    if (!field_typed(s, name, JSON_STRING, "a string", &value))
        return false;
    *ret_text = json_str(value);
    return true;
}

bool field_bool(const struct site *s, struct str name, bool *ret_value)
{
    struct json value;

    if (!field_typed(s, name, JSON_BOOL, "a boolean", &value))
        return false;
    *ret_value = json_is_true(value);
    return true;
}

bool field_object(const struct site *s, struct str name, struct json *ret_object)
{
    return field_typed(s, name, JSON_OBJECT, "an object", ret_object);
}

bool field_list(const struct site *s, struct str name, bool may_be_empty, struct json *ret_list)
{
    struct json value;

    if (!field_typed(s, name, JSON_ARRAY, "an array", &value))
        return false;
    if (json_count(value) == 0 && !may_be_empty) {
        complain(s->c, CODE_EMPTY_VALUE, place_value(s, name), STR(""), "Value cannot be empty");
        return false;
    }
    *ret_list = value;
    return true;
}

bool field_whole(const struct site *s, struct str name, int64_t min, int64_t max,
                 int64_t *ret_value)
{
    struct json value;
    int64_t number;

    if (!field_typed(s, name, JSON_NUMBER, "a whole number", &value))
        return false;
    if (!json_to_int64(value, &number)) {
        complain(s->c, CODE_WRONG_TYPE, place_value(s, name), STR(""),
                 "The value for the field '" STR_FMT "' must be a whole number", STR_ARG(name));
        return false;
    }
    if (number < min || number > max) {
        complain(s->c, CODE_OUT_OF_RANGE, place_value(s, name), STR(""),
                 "The value for the field '" STR_FMT "' must be from %lld to %lld", STR_ARG(name),
                 (long long)min, (long long)max);
        return false;
    }
    *ret_value = number;
    return true;
}

bool field_real(const struct site *s, struct str name, double min, double max, double *ret_value)
{
    struct json value;
    double number;

    if (!field_typed(s, name, JSON_NUMBER, "a number", &value))
        return false;
    number = json_to_double(value);
    if (!(number >= min && number <= max)) {
        complain(s->c, CODE_OUT_OF_RANGE, place_value(s, name), STR(""),
                 "The value for the field '" STR_FMT "' must be from %.1f to %.1f", STR_ARG(name),
                 min, max);
        return false;
    }
    *ret_value = number;
    return true;
}

/* "[A, B]" */
static struct str names_listed(struct compiler *c, const struct str *names, size_t count)
{
    struct str list = STR("");

    for (size_t i = 0; i < count; i++)
        list = arena_printf(c->scratch, STR_FMT "%s" STR_FMT, STR_ARG(list), i ? ", " : "",
                            STR_ARG(names[i]));
    return arena_printf(c->scratch, "[" STR_FMT "]", STR_ARG(list));
}

bool field_choice(const struct site *s, struct str name, const struct str *names, size_t count,
                  size_t *ret_index)
{
    struct str text;

    if (!field_text(s, name, &text))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (str_eq(text, names[i])) {
            *ret_index = i;
            return true;
        }
    }
    complain(s->c, CODE_INVALID_VALUE, place_value(s, name), suggest(s->c, text, names, count),
             "The field '" STR_FMT "' should have one of these values: " STR_FMT, STR_ARG(name),
             STR_ARG(names_listed(s->c, names, count)));
    return false;
}

/* ---- which fields there may be ---- */

static bool field_allowed_anywhere(struct str name)
{
    return str_eq(name, STR("Comment")) || str_starts_with(name, STR("x-"));
}

static void comment_check(const struct site *s)
{
    struct str comment;

    (void)field_text(s, STR("Comment"), &comment);
}

/* Comment is allowed everywhere, so it is misspelled anywhere. */
static struct str suggest_field(const struct site *s, struct str name, const struct str *names,
                                size_t count)
{
    static const struct str comment[] = {STR_INIT("Comment")};
    struct compiler *c = s->c;
    struct str suggestion = suggest(c, name, names, count);

    if (!site_is_jsonata(s) && (str_eq(name, STR("Condition")) || str_eq(name, STR("Output"))))
        return STR("It is a field of JSONata.");
    return suggestion.len ? suggestion : suggest(c, name, comment, COUNT_OF(comment));
}

void fields_allow(const struct site *s, const struct str *names, size_t count)
{
    const struct json_member *members = json_members(s->object);

    comment_check(s);
    for (size_t i = 0; i < json_count(s->object); i++) {
        struct str name = json_str(members[i].key);
        bool allowed = field_allowed_anywhere(name);

        for (size_t k = 0; k < count && !allowed; k++)
            allowed = str_eq(name, names[k]);
        if (!allowed)
            complain(s->c, CODE_FIELD_NOT_SUPPORTED, place_key(s, name),
                     suggest_field(s, name, names, count), "Field '" STR_FMT "' is not supported",
                     STR_ARG(clip(s->c, name)));
    }
}

bool fields_require(const struct site *s, const struct str *names, size_t count)
{
    struct str *missing = ARENA_ARRAY(s->c->scratch, struct str, count);
    size_t missing_count = 0;

    for (size_t i = 0; i < count; i++) {
        if (!field_given(s, names[i]))
            missing[missing_count++] = names[i];
    }
    if (missing_count == 0)
        return true;
    complain(s->c, CODE_MISSING_FIELD, place_here(s), STR(""),
             "These fields are required: " STR_FMT,
             STR_ARG(names_listed(s->c, missing, missing_count)));
    return false;
}

size_t fields_exclude(const struct site *s, const struct str *names, size_t count)
{
    size_t given = 0;
    struct str first = STR("");

    for (size_t i = 0; i < count; i++) {
        if (!field_given(s, names[i]))
            continue;
        if (given++ == 0)
            first = names[i];
        else
            complain(s->c, CODE_FIELD_CONFLICT, place_key(s, names[i]), STR("Remove one of them."),
                     "The fields '" STR_FMT "' and '" STR_FMT "' cannot be given together",
                     STR_ARG(first), STR_ARG(names[i]));
    }
    return given;
}

/* ---- the fields of states ---- */

enum {
    PASS = 1 << STATE_PASS,
    TASK = 1 << STATE_TASK,
    CHOICE = 1 << STATE_CHOICE,
    WAIT = 1 << STATE_WAIT,
    SUCCEED = 1 << STATE_SUCCEED,
    FAIL = 1 << STATE_FAIL,
    PARALLEL = 1 << STATE_PARALLEL,
    MAP = 1 << STATE_MAP,
    CALLS = TASK | PARALLEL | MAP,
    ALL = CALLS | PASS | CHOICE | WAIT | SUCCEED | FAIL,
};

enum field_status {
    FIELD_OF_BOTH, /* query languages */
    FIELD_OF_JSONPATH,
    FIELD_OF_JSONATA,
    FIELD_LATER, /* of the language, not of this release */
};

static const struct state_field {
    struct str name;
    unsigned types;
    enum field_status status;
    const char *instead; /* what the other query language has; NULL: nothing */
} state_fields[] = {
    {STR_INIT("Type"), ALL, FIELD_OF_BOTH, NULL},
    {STR_INIT("QueryLanguage"), ALL, FIELD_OF_BOTH, NULL},
    {STR_INIT("Next"), CALLS | PASS | WAIT, FIELD_OF_BOTH, NULL},
    {STR_INIT("End"), CALLS | PASS | WAIT, FIELD_OF_BOTH, NULL},
    {STR_INIT("InputPath"), ALL & ~FAIL, FIELD_OF_JSONPATH, "$states.input"},
    {STR_INIT("OutputPath"), ALL & ~FAIL, FIELD_OF_JSONPATH, "Output"},
    {STR_INIT("Assign"), ALL & ~(SUCCEED | FAIL), FIELD_OF_BOTH, NULL},
    {STR_INIT("Parameters"), CALLS | PASS, FIELD_OF_JSONPATH, "Arguments"},
    {STR_INIT("ResultPath"), CALLS | PASS, FIELD_OF_JSONPATH, "Output"},
    {STR_INIT("ResultSelector"), CALLS, FIELD_OF_JSONPATH, "Output"},
    {STR_INIT("Retry"), CALLS, FIELD_OF_BOTH, NULL},
    {STR_INIT("Catch"), CALLS, FIELD_OF_BOTH, NULL},
    {STR_INIT("Result"), PASS, FIELD_OF_JSONPATH, "Output"},
    {STR_INIT("Resource"), TASK, FIELD_OF_BOTH, NULL},
    {STR_INIT("TimeoutSeconds"), TASK, FIELD_OF_BOTH, NULL},
    {STR_INIT("TimeoutSecondsPath"), TASK, FIELD_OF_JSONPATH, "TimeoutSeconds"},
    {STR_INIT("HeartbeatSeconds"), TASK, FIELD_OF_BOTH, NULL},
    {STR_INIT("HeartbeatSecondsPath"), TASK, FIELD_OF_JSONPATH, "HeartbeatSeconds"},
    {STR_INIT("Credentials"), TASK, FIELD_OF_BOTH, NULL},
    {STR_INIT("Choices"), CHOICE, FIELD_OF_BOTH, NULL},
    {STR_INIT("Default"), CHOICE, FIELD_OF_BOTH, NULL},
    {STR_INIT("Seconds"), WAIT, FIELD_OF_BOTH, NULL},
    {STR_INIT("SecondsPath"), WAIT, FIELD_OF_JSONPATH, "Seconds"},
    {STR_INIT("Timestamp"), WAIT, FIELD_OF_BOTH, NULL},
    {STR_INIT("TimestampPath"), WAIT, FIELD_OF_JSONPATH, "Timestamp"},
    {STR_INIT("Error"), FAIL, FIELD_OF_BOTH, NULL},
    {STR_INIT("ErrorPath"), FAIL, FIELD_OF_JSONPATH, "Error"},
    {STR_INIT("Cause"), FAIL, FIELD_OF_BOTH, NULL},
    {STR_INIT("CausePath"), FAIL, FIELD_OF_JSONPATH, "Cause"},
    {STR_INIT("Branches"), PARALLEL, FIELD_OF_BOTH, NULL},
    {STR_INIT("ItemProcessor"), MAP, FIELD_OF_BOTH, NULL},
    {STR_INIT("Iterator"), MAP, FIELD_OF_BOTH, NULL},
    {STR_INIT("ItemsPath"), MAP, FIELD_OF_JSONPATH, "Items"},
    {STR_INIT("ItemSelector"), MAP, FIELD_OF_BOTH, NULL},
    {STR_INIT("ItemBatcher"), MAP, FIELD_OF_BOTH, NULL},
    {STR_INIT("MaxConcurrency"), MAP, FIELD_OF_BOTH, NULL},
    {STR_INIT("MaxConcurrencyPath"), MAP, FIELD_OF_JSONPATH, "MaxConcurrency"},
    {STR_INIT("ToleratedFailureCount"), MAP, FIELD_OF_BOTH, NULL},
    {STR_INIT("ToleratedFailureCountPath"), MAP, FIELD_OF_JSONPATH, "ToleratedFailureCount"},
    {STR_INIT("ToleratedFailurePercentage"), MAP, FIELD_OF_BOTH, NULL},
    {STR_INIT("ToleratedFailurePercentagePath"), MAP, FIELD_OF_JSONPATH,
     "ToleratedFailurePercentage"},
    {STR_INIT("Label"), MAP, FIELD_OF_BOTH, NULL},
    {STR_INIT("ItemReader"), MAP, FIELD_LATER, NULL},
    {STR_INIT("ResultWriter"), MAP, FIELD_LATER, NULL},
    {STR_INIT("Arguments"), TASK | PARALLEL, FIELD_OF_JSONATA, "Parameters"},
    {STR_INIT("Output"), ALL & ~FAIL, FIELD_OF_JSONATA, "OutputPath or ResultSelector"},
    {STR_INIT("Items"), MAP, FIELD_OF_JSONATA, "ItemsPath"},
};

static const struct state_field *state_field_find(struct str name)
{
    for (size_t i = 0; i < COUNT_OF(state_fields); i++) {
        if (str_eq(name, state_fields[i].name))
            return &state_fields[i];
    }
    return NULL;
}

size_t state_field_count(void)
{
    return COUNT_OF(state_fields);
}

struct str state_field_name(size_t index)
{
    ASSERT(index < COUNT_OF(state_fields));
    return state_fields[index].name;
}

/* "It belongs to Task, Parallel, Map states." */
static struct str field_owners(struct compiler *c, unsigned types)
{
    struct str list = STR("It belongs to");

    for (unsigned type = 0; type < STATE_TYPE_COUNT; type++) {
        if (types & (1U << type))
            list = arena_printf(c->scratch, STR_FMT "%s " STR_FMT, STR_ARG(list),
                                str_eq(list, STR("It belongs to")) ? "" : ",",
                                STR_ARG(state_type_name((enum state_type)type)));
    }
    return arena_printf(c->scratch, STR_FMT " states.", STR_ARG(list));
}

static struct str field_suggestion(const struct site *s, struct str name, enum state_type type)
{
    struct str names[COUNT_OF(state_fields)];
    size_t count = 0;

    for (size_t i = 0; i < COUNT_OF(state_fields); i++) {
        if ((state_fields[i].types & (1U << type)) && state_fields[i].status != FIELD_LATER)
            names[count++] = state_fields[i].name;
    }
    return suggest_field(s, name, names, count);
}

/* A field of the other query language: the words are AWS's. */
static void language_complain(const struct site *s, const struct state_field *f)
{
    bool jsonata = site_is_jsonata(s);
    struct str remedy = STR("");

    if (f->instead)
        remedy =
            arena_printf(s->c->scratch, "%s has %s.", jsonata ? "JSONata" : "JSONPath", f->instead);
    complain(s->c, CODE_FIELD_NOT_SUPPORTED, place_key(s, f->name), remedy,
             "The QueryLanguage is set to '%s', but field '" STR_FMT
             "' is only supported for the '%s' QueryLanguage",
             jsonata ? "JSONata" : "JSONPath", STR_ARG(f->name), jsonata ? "JSONPath" : "JSONata");
}

static bool language_fits(const struct site *s, const struct state_field *f)
{
    return f->status == (site_is_jsonata(s) ? FIELD_OF_JSONATA : FIELD_OF_JSONPATH) ||
           f->status == FIELD_OF_BOTH;
}

static void state_field_check(const struct site *s, enum state_type type, struct str name)
{
    struct compiler *c = s->c;
    const struct state_field *f = state_field_find(name);
    bool fits = f && (f->types & (1U << type));
    struct str remedy;

    if (fits && language_fits(s, f))
        return;
    if (fits && f->status == FIELD_LATER) {
        complain(c, CODE_UNSUPPORTED_FIELD, place_key(s, name),
                 STR("Read the items in a state before, or write the result in one after."),
                 "Field '" STR_FMT "' is not supported by this release", STR_ARG(name));
        return;
    }
    if (fits) {
        language_complain(s, f);
        return;
    }
    remedy = f ? field_owners(c, f->types) : field_suggestion(s, name, type);
    complain(c, CODE_FIELD_NOT_SUPPORTED, place_key(s, name), remedy,
             "Field '" STR_FMT "' is not supported", STR_ARG(clip(c, name)));
}

void state_fields_check(const struct site *s, enum state_type type)
{
    const struct json_member *members = json_members(s->object);

    comment_check(s);
    for (size_t i = 0; i < json_count(s->object); i++) {
        struct str name = json_str(members[i].key);

        if (!field_allowed_anywhere(name))
            state_field_check(s, type, name);
    }
}
