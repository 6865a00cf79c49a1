/* The fields of our own, x-...: what they say, checked. Others whose names begin so are
 * anybody's and pass unread. */
#include "asl/compile_internal.h"

void own_begin(struct compiler *c)
{
    c->passes_over = c->stored;
}

void own_end(struct compiler *c)
{
    c->passes_over = false;
}

/* A text of at most `max` characters and at least one. */
static bool field_name(const struct site *s, struct str name, size_t max, struct str *ret_text)
{
    struct str text;

    if (!field_text(s, name, &text))
        return false;
    if (text.len == 0) {
        complain(s->c, CODE_EMPTY_VALUE, place_value(s, name), STR("Say something, or remove it."),
                 "Value cannot be empty");
        return false;
    }
    if (utf8_length(text) > max) {
        complain(s->c, CODE_OUT_OF_RANGE, place_value(s, name), STR("Shorten it."),
                 "The value for the field '" STR_FMT "' is longer than %zu characters",
                 STR_ARG(name), max);
        return false;
    }
    *ret_text = text;
    return true;
}

/* The object that a field holds, as a site of its own; `or_what`: what else it may be. */
static bool field_site(const struct site *s, struct str name, const char *or_what,
                       struct str remedy, struct site *ret_site)
{
    struct json value = json_get(s->object, name);

    if (json_is_absent(value))
        return false;
    if (!json_is_object(value)) {
        complain(s->c, CODE_WRONG_TYPE, place_value(s, name), remedy,
                 "The value for the field '" STR_FMT "' must be %san object, not %s", STR_ARG(name),
                 or_what, json_noun(value));
        return false;
    }
    *ret_site = site_child(s, name, value);
    return true;
}

/* ---- x-review ---- */

static const struct review_fields *review_compile(const struct site *s)
{
    static const struct str names[] = {STR_INIT("message"), STR_INIT("expires_seconds"),
                                       STR_INIT("error"), STR_INIT("cause")};
    struct json value = json_get(s->object, STR("x-review"));
    struct review_fields *review = ARENA_NEW(s->c->arena, struct review_fields);
    size_t before = s->c->passed_over;
    struct site at;

    if (json_type(value) == JSON_BOOL)
        return json_is_true(value) ? review : NULL;
    if (!field_site(s, STR("x-review"), "true, false or ",
                    STR("Write true, or {\"message\": \"what is asked\"}."), &at))
        return NULL;
    fields_allow(&at, names, COUNT_OF(names));
    (void)field_name(&at, names[0], REVIEW_TEXT_MAX, &review->message);
    (void)field_whole(&at, names[1], 1, TASK_TIMEOUT_MAX_SECONDS, &review->expires_seconds);
    (void)field_name(&at, names[2], REVIEW_ERROR_MAX, &review->error);
    (void)field_name(&at, names[3], REVIEW_TEXT_MAX, &review->cause);
    return s->c->passed_over == before ? review : NULL;
}

/* ---- x-verify ---- */

static bool argument_compile(const struct site *list, size_t index, struct str *ret_argument)
{
    struct compiler *c = list->c;
    struct place at = {json_pointer_item(c->scratch, list->pointer, index), false};
    struct json value = json_at(list->object, index);
    struct str text = json_str(value);

    if (!json_is_string(value))
        complain(c, CODE_WRONG_TYPE, at, STR("Put it in quotes."),
                 "A word of a command must be a string, not %s", json_noun(value));
    else if (index == 0 && text.len == 0)
        complain(c, CODE_EMPTY_VALUE, at, STR("Name the program."), "Value cannot be empty");
    else if (text.len > VERIFY_WORD_MAX)
        complain(c, CODE_OUT_OF_RANGE, at, STR("Put what it does into a script."),
                 "A word of a command is longer than %d bytes", VERIFY_WORD_MAX);
    else if (str_find_char(text, '\0') != SIZE_MAX)
        complain(c, CODE_INVALID_VALUE, at, STR("Remove it."),
                 "A word of a command cannot hold a NUL character");
    else {
        *ret_argument = text;
        return true;
    }
    return false;
}

static void command_compile(const struct site *s, struct verify_fields *verify)
{
    struct site list_site;
    struct json list = json_get(s->object, STR("command"));
    struct str *words;

    if (json_is_string(list)) {
        complain(s->c, CODE_WRONG_TYPE, place_value(s, STR("command")),
                 STR("No shell takes it apart: write [\"test\", \"-s\", \"the/file\"]."),
                 "The value for the field 'command' must be an array, not a string");
        return;
    }
    if (!field_list(s, STR("command"), false, &list))
        return;
    list_site = site_child(s, STR("command"), list);
    if (json_count(list) > VERIFY_WORDS_MAX) {
        complain(s->c, CODE_OUT_OF_RANGE, place_here(&list_site),
                 STR("Put what it does into a script."), "A command has at most %d words, not %zu",
                 VERIFY_WORDS_MAX, json_count(list));
        return;
    }
    words = ARENA_ARRAY(s->c->arena, struct str, json_count(list));
    for (size_t i = 0; i < json_count(list); i++)
        (void)argument_compile(&list_site, i, &words[i]);
    verify->words = words;
    verify->word_count = json_count(list);
}

static const struct verify_fields *verify_compile(const struct site *s)
{
    static const struct str names[] = {STR_INIT("command"), STR_INIT("timeout_seconds"),
                                       STR_INIT("remedy")};
    struct verify_fields *verify;
    size_t before = s->c->passed_over;
    struct site at;

    if (!field_site(s, STR("x-verify"), "",
                    STR("Write {\"command\": [\"test\", \"-s\", \"the/file\"]}."), &at))
        return NULL;
    verify = ARENA_NEW(s->c->arena, struct verify_fields);
    verify->timeout_seconds = VERIFY_TIMEOUT_DEFAULT_SECONDS;
    fields_allow(&at, names, COUNT_OF(names));
    if (fields_require(&at, names, 1))
        command_compile(&at, verify);
    (void)field_whole(&at, names[1], 1, VERIFY_TIMEOUT_MAX_SECONDS, &verify->timeout_seconds);
    (void)field_name(&at, names[2], VERIFY_REMEDY_MAX, &verify->remedy);
    return s->c->passed_over == before ? verify : NULL;
}

/* ---- x-step, x-phase: the state's, else those of what it stands in ---- */

static int64_t step_number_around(const struct site *s)
{
    const struct compiler *c = s->c;
    uint32_t scope = s->state->scope;
    uint32_t parent = c->scopes[scope].parent_state;
    int64_t number;

    if (parent == STATE_NO_NONE || c->states[parent].type != STATE_PARALLEL)
        return 0;
    /* What is wrong with it is said where the branch is compiled. */
    if (!json_to_int64(json_get(c->scopes[scope].source, STR("x-step")), &number) || number < 1 ||
        number > STEP_NUMBER_MAX)
        return 0;
    return number;
}

/* States are compiled in the order of their numbers: those around it come before. */
static struct str phase_around(const struct site *s)
{
    uint32_t parent = s->c->scopes[s->state->scope].parent_state;

    return parent == STATE_NO_NONE ? STR("") : s->c->states[parent].phase;
}

static void misplaced_check(const struct site *s, struct str name, const char *owner)
{
    if (field_given(s, name))
        complain(s->c, CODE_FIELD_NOT_SUPPORTED, place_key(s, name),
                 arena_printf(s->c->scratch, "It belongs to %s.", owner),
                 "Field '" STR_FMT "' is not supported", STR_ARG(name));
}

void state_own_compile(const struct site *s)
{
    struct state *st = s->state;

    own_begin(s->c);
    (void)field_text(s, STR("x-label"), &st->label);
    st->step_number = step_number_around(s);
    (void)field_whole(s, STR("x-step"), 1, STEP_NUMBER_MAX, &st->step_number);
    st->phase = phase_around(s);
    (void)field_name(s, STR("x-phase"), PHASE_NAME_MAX, &st->phase);
    (void)field_name(s, STR("x-type"), TYPE_LABEL_MAX, &st->type_label);
    st->review = review_compile(s);
    st->verify = verify_compile(s);
    misplaced_check(s, STR("x-on-cancel"), "the top level of the definition");
    own_end(s->c);
}

void scope_own_compile(const struct site *s, uint32_t scope)
{
    struct state outside = {.scope = scope};
    struct site at = *s;
    struct str label;
    int64_t number;

    own_begin(s->c);
    (void)field_text(s, STR("x-label"), &label);
    at.state = &outside;
    if (scope) {
        (void)field_whole(s, STR("x-step"), 1, STEP_NUMBER_MAX, &number);
        misplaced_check(s, STR("x-on-cancel"), "the top level of the definition");
    } else {
        s->c->on_cancel = field_target_of(&at, STR("x-on-cancel"), "Missing 'x-on-cancel' target");
    }
    own_end(s->c);
}
