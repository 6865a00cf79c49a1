#include "recovery/request.h"

/* ---- lists of steps ---- */

struct term_list {
    struct arena *arena;
    struct str all; /* the text they stand in */
    const char *field;
    struct step_term *items;
    size_t count, capacity;
    struct err *reterr;
};

static bool bad_term(const struct term_list *l, struct str term, const char *what)
{
    return err_set(l->reterr, ERR_INVALID_INPUT,
                   "%s \"" STR_FMT "\": \"" STR_FMT
                   "\" %s; name steps as 1,2,3 or 1-3, by name, or by path (Split/label/Name)",
                   l->field, STR_ARG(l->all), STR_ARG(term), what);
}

static bool add_term(struct term_list *l, struct step_term term)
{
    if (l->count == RECOVERY_TERMS_MAX)
        return err_set(l->reterr, ERR_TOO_LARGE,
                       "%s names more than %d steps; name them as ranges, such as 1-3", l->field,
                       RECOVERY_TERMS_MAX);
    l->items = arena_grow(l->arena, l->items, l->count, &l->capacity, sizeof(*l->items));
    l->items[l->count++] = term;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* "3", "1-3" and nothing else; a range's bounds are looked at by the caller. */
static bool looks_numeric(struct str word, struct str *ret_first, struct str *ret_last)
{
    size_t dash = str_find_char(word, '-');
    *ret_first = str_slice(word, 0, dash);
    *ret_last = dash == SIZE_MAX ? *ret_first : str_slice(word, dash + 1, word.len);
    if (!ret_first->len || !ret_last->len)
        return false;
    for (size_t i = 0; i < word.len; i++)
        if (i != dash && !is_digit(word.ptr[i]))
            return false;
    return true;
}

static bool add_numbers(struct term_list *l, struct str word, struct str first, struct str last)
{
    struct step_term term = {.kind = TERM_NUMBERS, .text = word};
    if (!str_to_int64(first, &term.first) || !str_to_int64(last, &term.last) ||
        term.first > RECOVERY_NUMBER_MAX || term.last > RECOVERY_NUMBER_MAX)
        return bad_term(l, word, "is above the greatest number of a step");
    if (term.first > term.last)
        return bad_term(l, word, "is a range that ends before it begins");
    return add_term(l, term);
}

/* The next run of what is no blank, from *at. */
static struct str next_word(struct str text, size_t *at)
{
    while (*at < text.len && is_blank(text.ptr[*at]))
        ++*at;
    size_t from = *at;
    while (*at < text.len && !is_blank(text.ptr[*at]))
        ++*at;
    return str_slice(text, from, *at);
}

/* What stands between two commas: numbers, with blanks between them, or one name. */
static bool add_item(struct term_list *l, struct str item)
{
    struct str word, first, last;
    size_t at = 0;
    bool numeric = true;
    if (!item.len)
        return err_set(l->reterr, ERR_INVALID_INPUT,
                       "%s \"" STR_FMT "\": there is nothing between two commas, or beside one; "
                       "write 1,2,3",
                       l->field, STR_ARG(l->all));
    while (numeric && (word = next_word(item, &at)).len)
        numeric = looks_numeric(word, &first, &last);
    if (!numeric)
        return add_term(l, (struct step_term){.kind = TERM_NAME, .text = item});
    for (at = 0; (word = next_word(item, &at)).len;)
        if (!looks_numeric(word, &first, &last) || !add_numbers(l, word, first, last))
            return false;
    return true;
}

/* A JSON string at the start of `rest`: its name, and how much it takes. */
static bool add_quoted(struct term_list *l, struct str rest, size_t *ret_len)
{
    struct json name;
    size_t end = 1;
    while (end < rest.len && rest.ptr[end] != '"')
        end += rest.ptr[end] == '\\' ? 2 : 1;
    struct str quoted = str_slice(rest, 0, end + 1);
    if (end >= rest.len ||
        !json_parse_copy(l->arena, quoted, (struct json_limits){0}, &name, NULL) ||
        !json_str(name).len)
        return bad_term(l, quoted, "is no name in double quotes");
    *ret_len = quoted.len;
    return add_term(l, (struct step_term){.kind = TERM_NAME, .text = json_str(name)});
}

bool step_terms_parse(struct str text, const char *field, struct arena *a,
                      const struct step_term **ret_terms, size_t *ret_count, struct err *reterr)
{
    struct term_list l = {.arena = a, .all = text, .field = field, .reterr = reterr};
    struct str rest = str_trim(text);
    if (text.len > RECOVERY_TEXT_SIZE_MAX)
        return err_set(reterr, ERR_TOO_LARGE, "%s is longer than %d bytes; name steps as ranges",
                       field, RECOVERY_TEXT_SIZE_MAX);
    if (!rest.len)
        return err_set(reterr, ERR_INVALID_INPUT, "%s names no step; write 1,2,3 or 1-3, or names",
                       field);
    for (;;) {
        size_t end = str_find_char(rest, ',');
        bool quoted = rest.len && rest.ptr[0] == '"';
        if (quoted ? !add_quoted(&l, rest, &end) : !add_item(&l, str_trim(str_slice(rest, 0, end))))
            return false;
        rest = str_trim(str_slice(rest, end, rest.len));
        if (!rest.len)
            break;
        if (rest.ptr[0] != ',')
            return bad_term(&l, rest, "follows a name without a comma");
        rest = str_trim(str_slice(rest, 1, rest.len));
    }
    *ret_terms = l.items;
    *ret_count = l.count;
    return true;
}

/* ---- reading ---- */

bool recovery_field_known(struct str name)
{
    static const struct str fields[] = {
        STR_INIT("step"),       STR_INIT("step_index"), STR_INIT("skip_steps"),
        STR_INIT("from_step"),  STR_INIT("until_step"), STR_INIT("until_phase"),
        STR_INIT("only"),       STR_INIT("input"),      STR_INIT("trigger_data"),
        STR_INIT("set_output"), STR_INIT("mocks"),      STR_INIT("cascade"),
        STR_INIT("context"),    STR_INIT("dry_run"),    STR_INIT("by"),
        STR_INIT("numbers"),
    };
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        if (str_eq(name, fields[i]))
            return true;
    return false;
}

struct body {
    struct json object;
    struct arena *arena;
    struct err *reterr;
};

/* Absent for null, too. */
static struct json field_of(const struct body *b, const char *name)
{
    struct json value = json_get(b->object, str_of_cstr(name));
    return json_is_null(value) ? JSON_NONE : value;
}

static bool bad_field(const struct body *b, const char *name, const char *wanted)
{
    struct json value = field_of(b, name);
    return err_set(b->reterr, ERR_INVALID_INPUT, "\"%s\" must be %s, but is: %s", name, wanted,
                   json_type_name(value));
}

static bool too_long(const struct body *b, const char *name)
{
    return err_set(b->reterr, ERR_TOO_LARGE, "\"%s\" is longer than %d bytes", name,
                   RECOVERY_TEXT_SIZE_MAX);
}

static bool read_text(const struct body *b, const char *name, struct str *ret_text)
{
    struct json value = field_of(b, name);
    *ret_text = json_str(value);
    if (ret_text->len > RECOVERY_TEXT_SIZE_MAX)
        return too_long(b, name);
    return json_is_absent(value) || json_is_string(value) || bad_field(b, name, "a text");
}

static bool read_flag(const struct body *b, const char *name, bool *ret_flag)
{
    struct json value = field_of(b, name);
    *ret_flag = json_is_true(value);
    return json_is_absent(value) || json_is_bool(value) || bad_field(b, name, "true or false");
}

static bool read_outputs(const struct body *b, const char *name, struct json *ret_object)
{
    *ret_object = field_of(b, name);
    if (json_count(*ret_object) > RECOVERY_OUTPUTS_MAX)
        return err_set(b->reterr, ERR_TOO_LARGE, "\"%s\" has more than %d members", name,
                       RECOVERY_OUTPUTS_MAX);
    return json_is_absent(*ret_object) || json_is_object(*ret_object) ||
           bad_field(b, name, "an object {\"STEP\": value}");
}

/* A name is quoted where a list would take it for something else. */
static void append_name(struct buf *to, struct str name)
{
    bool plain = name.len && name.ptr[0] != '"' && str_find_char(name, ',') == SIZE_MAX &&
                 str_eq(str_trim(name), name);
    if (plain)
        buf_append(to, name);
    else
        json_write_string(to, name);
}

/* A number, or a name. */
static bool append_step(const struct body *b, const char *name, struct json value, struct buf *to)
{
    int64_t number;
    if (json_is_string(value) && json_str(value).len) {
        append_name(to, json_str(value));
        return true;
    }
    if (!json_to_int64(value, &number) || number < 0 || number > RECOVERY_NUMBER_MAX)
        return err_set(b->reterr, ERR_INVALID_INPUT,
                       "\"%s\" must name a step: a whole number from 0, a name or a path", name);
    buf_append_int(to, number);
    return true;
}

static bool take_text(const struct body *b, const char *name, struct buf *text, bool ok,
                      struct str *ret_text)
{
    if (ok)
        *ret_text = arena_str(b->arena, buf_str(text));
    bool over = text->over;
    buf_release(text);
    return ok && (!over || too_long(b, name));
}

/* A text is kept as it is, so that "3" is a number here as on the command line. */
static bool read_step(const struct body *b, const char *name, struct str *ret_text)
{
    struct json value = field_of(b, name);
    struct buf text = BUF_INIT(RECOVERY_TEXT_SIZE_MAX);
    if (json_is_absent(value) || json_is_string(value))
        return read_text(b, name, ret_text);
    bool ok = append_step(b, name, value, &text);
    return take_text(b, name, &text, ok, ret_text);
}

static bool read_steps(const struct body *b, const char *name, struct str *ret_text)
{
    struct json value = field_of(b, name);
    struct buf text = BUF_INIT(RECOVERY_TEXT_SIZE_MAX);
    bool ok = true;
    if (!json_is_array(value))
        return read_step(b, name, ret_text);
    for (size_t i = 0; ok && i < json_count(value); i++) {
        if (i)
            buf_append(&text, STR(","));
        ok = append_step(b, name, json_at(value, i), &text);
    }
    return take_text(b, name, &text, ok, ret_text);
}

/* Two names of one thing: only one of them may be given. */
static bool one_of(const struct body *b, const char *name, const char *other,
                   const char **ret_given)
{
    bool first = !json_is_absent(field_of(b, name)), second = !json_is_absent(field_of(b, other));
    *ret_given = second ? other : name;
    return !first || !second ||
           err_set(b->reterr, ERR_INVALID_INPUT, "\"%s\" and \"%s\" mean the same; give one", name,
                   other);
}

static bool read_words(const struct body *b, struct recovery_request *r)
{
    struct str context, numbers;
    if (!read_text(b, "context", &context) || !read_text(b, "numbers", &numbers))
        return false;
    if (context.len && !str_eq(context, STR("current")) && !str_eq(context, STR("recorded")))
        return err_set(b->reterr, ERR_INVALID_INPUT,
                       "\"context\" must be \"current\" or \"recorded\", but is \"" STR_FMT "\"",
                       STR_ARG(context));
    if (numbers.len && !str_eq(numbers, STR("index")) && !str_eq(numbers, STR("order")))
        return err_set(b->reterr, ERR_INVALID_INPUT,
                       "\"numbers\" must be \"index\" (from 0) or \"order\" (from 1), but is "
                       "\"" STR_FMT "\"",
                       STR_ARG(numbers));
    r->recorded_context = str_eq(context, STR("recorded"));
    r->numbering = str_eq(numbers, STR("order")) ? STEPS_FROM_ONE : STEPS_FROM_ZERO;
    return true;
}

bool recovery_request_read(struct json body, enum recovery_kind kind, struct arena *a,
                           struct recovery_request *ret_request, struct err *reterr)
{
    struct body b = {body, a, reterr};
    struct recovery_request r = {.kind = kind};
    const char *step, *input;
    if (!json_is_absent(body) && !json_is_object(body))
        return err_set(reterr, ERR_INVALID_INPUT, "the body must be a JSON object, but is: %s",
                       json_type_name(body));
    if (!one_of(&b, "step", "step_index", &step) || !one_of(&b, "input", "trigger_data", &input))
        return false;
    if (!read_step(&b, step, &r.step) || !read_steps(&b, "skip_steps", &r.skip) ||
        !read_step(&b, "from_step", &r.from) || !read_step(&b, "until_step", &r.until) ||
        !read_text(&b, "until_phase", &r.until_phase) || !read_text(&b, "only", &r.only) ||
        !read_outputs(&b, "set_output", &r.outputs) || !read_outputs(&b, "mocks", &r.mocks) ||
        !read_flag(&b, "cascade", &r.cascade) || !read_flag(&b, "dry_run", &r.dry_run) ||
        !read_text(&b, "by", &r.by) || !read_words(&b, &r))
        return false;
    r.input = json_get(body, str_of_cstr(input));
    *ret_request = r;
    return true;
}

/* ---- writing ---- */

static void add_text(struct json_object_builder *b, struct str name, struct str text)
{
    if (text.len)
        json_object_add(b, name, json_string(text));
}

static void add_flag(struct json_object_builder *b, struct str name, bool flag)
{
    if (flag)
        json_object_add(b, name, json_bool(true));
}

struct json recovery_request_json(const struct recovery_request *r, struct arena *a)
{
    struct json_object_builder b = json_object_builder(a);
    add_text(&b, STR("step"), r->step);
    add_text(&b, STR("skip_steps"), r->skip);
    add_text(&b, STR("from_step"), r->from);
    add_text(&b, STR("until_step"), r->until);
    add_text(&b, STR("until_phase"), r->until_phase);
    add_text(&b, STR("only"), r->only);
    json_object_add(&b, STR("input"), r->input);
    json_object_add(&b, STR("set_output"), r->outputs);
    json_object_add(&b, STR("mocks"), r->mocks);
    add_flag(&b, STR("cascade"), r->cascade);
    add_text(&b, STR("context"), r->recorded_context ? STR("recorded") : STR(""));
    add_flag(&b, STR("dry_run"), r->dry_run);
    add_text(&b, STR("by"), r->by);
    add_text(&b, STR("numbers"), r->numbering == STEPS_FROM_ONE ? STR("order") : STR(""));
    return json_object_done(&b);
}
