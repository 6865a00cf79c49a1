/* Which steps a text of the request names. */
#include "recovery/planner.h"

/* Rows chosen so far, each once. */
struct choice {
    struct planner *p;
    const char *field;
    size_t *rows;
    size_t count, capacity;
};

static void take(struct choice *c, size_t row)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->rows[i] == row)
            return;
    c->rows = arena_grow(c->p->arena, c->rows, c->count, &c->capacity, sizeof(*c->rows));
    c->rows[c->count++] = row;
}

static bool refuse(const struct choice *c, enum err_code code, struct str what, struct str remedy)
{
    plan_problem(c->p, code, STEP_NO_NONE, what, remedy);
    return false;
}

/* ---- numbers ---- */

/* -1: the row has none. */
static int64_t row_number(const struct planner *p, const struct row *row)
{
    uint32_t index = row->step.index;
    if (p->request->numbering == STEPS_FROM_ZERO)
        return index == STEP_NO_NONE ? -1 : (int64_t)index;
    if (p->numbered)
        return row->step.state->step_number ? row->step.state->step_number : -1;
    return index == STEP_NO_NONE ? -1 : (int64_t)index + 1;
}

static bool no_such_number(const struct choice *c, int64_t number)
{
    const struct planner *p = c->p;
    int64_t least = INT64_MAX, most = -1;
    for (size_t i = 0; i < p->row_count; i++) {
        int64_t n = row_number(p, &p->rows[i]);
        least = n >= 0 && n < least ? n : least;
        most = n > most ? n : most;
    }
    struct str what =
        arena_printf(p->arena, "%s: there is no step %lld", c->field, (long long)number);
    if (most < 0)
        return refuse(c, ERR_NOT_FOUND, what, STR("name the step by its name or path"));
    return refuse(c, ERR_NOT_FOUND, what,
                  arena_printf(p->arena,
                               "steps go from %lld to %lld here; one that is further on "
                               "is named by its name",
                               (long long)least, (long long)most));
}

static bool take_number(struct choice *c, int64_t number)
{
    size_t before = c->count;
    bool found = false;
    for (size_t i = 0; i < c->p->row_count; i++) {
        if (row_number(c->p, &c->p->rows[i]) != number)
            continue;
        found = true;
        take(c, i);
    }
    return found || c->count > before || no_such_number(c, number);
}

static bool take_numbers(struct choice *c, const struct step_term *term)
{
    for (int64_t n = term->first; n <= term->last; n++)
        if (!take_number(c, n))
            return false;
    return true;
}

/* ---- names ---- */

static bool row_is_named(const struct row *row, struct str text)
{
    return step_is_named(row->machine, row->parts, row->part_count, row->step.state, text) ||
           str_eq(row->step.key, text);
}

static bool no_such_name(const struct choice *c, struct str text)
{
    enum {
        DISTANCE_MAX = 4
    };
    const struct planner *p = c->p;
    size_t nearest = DISTANCE_MAX;
    struct str like = STR("");
    for (uint32_t i = 0; i < p->machine->state_count; i++) {
        size_t distance = str_distance(p->machine->states[i].name, text, DISTANCE_MAX);
        if (distance < nearest) {
            nearest = distance;
            like = p->machine->states[i].name;
        }
    }
    struct str what =
        arena_printf(p->arena, "%s: there is no step \"" STR_FMT "\"", c->field, STR_ARG(text));
    return refuse(c, ERR_NOT_FOUND, what,
                  like.len ? arena_printf(p->arena, "did you mean \"" STR_FMT "\"?", STR_ARG(like))
                           : STR("a dry run lists the steps with their paths"));
}

static bool is_ambiguous(const struct choice *c, struct str text, const size_t *rows, size_t count)
{
    enum {
        SHOWN_MAX = 8
    };
    struct buf paths = BUF_INIT(ERR_MESSAGE_MAX);
    for (size_t i = 0; i < count && i < SHOWN_MAX; i++)
        buf_printf(&paths, "%s" STR_FMT, i ? ", " : "", STR_ARG(c->p->rows[rows[i]].step.path));
    if (count > SHOWN_MAX)
        buf_append(&paths, STR(", ..."));
    struct str remedy =
        arena_printf(c->p->arena, "give one of these paths: " STR_FMT, STR_ARG(buf_str(&paths)));
    buf_release(&paths);
    return refuse(c, ERR_AMBIGUOUS,
                  arena_printf(c->p->arena, "%s: \"" STR_FMT "\" names more than one step",
                               c->field, STR_ARG(text)),
                  remedy);
}

/* All visits of one path; a name that stands at several paths names none. */
static bool take_name(struct choice *c, struct str text)
{
    struct choice found = {.p = c->p, .field = c->field}, paths = found;
    for (size_t i = 0; i < c->p->row_count; i++) {
        if (!row_is_named(&c->p->rows[i], text))
            continue;
        take(&found, i);
        bool known = false;
        for (size_t k = 0; k < paths.count && !known; k++)
            known = str_eq(c->p->rows[paths.rows[k]].step.key, c->p->rows[i].step.key);
        if (!known)
            take(&paths, i);
    }
    if (!found.count)
        return no_such_name(c, text);
    if (paths.count > 1)
        return is_ambiguous(c, text, paths.rows, paths.count);
    for (size_t i = 0; i < found.count; i++)
        take(c, found.rows[i]);
    return true;
}

/* ---- lists ---- */

static bool parse(struct choice *c, struct str text, const struct step_term **ret_terms,
                  size_t *ret_count)
{
    return step_terms_parse(text, c->field, c->p->arena, ret_terms, ret_count, c->p->reterr);
}

bool choose_rows(struct planner *p, struct str text, const char *field, size_t **ret_rows,
                 size_t *ret_count)
{
    struct choice c = {.p = p, .field = field};
    const struct step_term *terms;
    size_t count;
    *ret_count = 0;
    if (!parse(&c, text, &terms, &count))
        return false;
    for (size_t i = 0; i < count; i++) {
        bool ok = terms[i].kind == TERM_NUMBERS ? take_numbers(&c, &terms[i])
                                                : take_name(&c, terms[i].text);
        if (!ok)
            return true; /* a problem of the plan, not of planning */
    }
    *ret_rows = c.rows;
    *ret_count = c.count;
    return true;
}

bool choose_one(struct planner *p, struct str text, const char *field, size_t **ret_rows,
                size_t *ret_count)
{
    struct choice c = {.p = p, .field = field};
    const struct step_term *terms;
    size_t count;
    *ret_count = 0;
    if (!parse(&c, text, &terms, &count))
        return false;
    if (count == 1 && (terms->kind == TERM_NAME || terms->first == terms->last))
        return choose_rows(p, text, field, ret_rows, ret_count);
    plan_problem(p, ERR_INVALID_INPUT, STEP_NO_NONE,
                 arena_printf(p->arena, "%s: \"" STR_FMT "\" names more than one step", field,
                              STR_ARG(text)),
                 STR("name one step; a name that has a comma stands in double quotes"));
    return true;
}
