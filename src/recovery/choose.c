/* Which steps a text of the request names. */
#include "recovery/planner.h"

#include <stdlib.h>

struct numbered {
    int64_t number;
    size_t row;
};

/* Rows chosen so far, each once. */
struct choice {
    struct planner *p;
    const char *field;
    size_t *rows;
    size_t count, capacity;
    bool *taken;              /* by row */
    struct numbered *numbers; /* of the rows that have one, in order; NULL: not asked for yet */
    size_t number_count;
    struct row_names *names; /* NULL: not asked for yet */
};

static struct choice choice(struct planner *p, const char *field)
{
    return (struct choice){
        .p = p, .field = field, .taken = ARENA_ARRAY(p->arena, bool, p->row_count)};
}

static void take(struct choice *c, size_t row)
{
    if (c->taken[row])
        return;
    c->taken[row] = true;
    c->rows = arena_grow(c->p->arena, c->rows, c->count, &c->capacity, sizeof(*c->rows));
    c->rows[c->count++] = row;
}

static bool refuse(const struct choice *c, enum err_code code, struct str what, struct str remedy)
{
    plan_problem(c->p, code, STEP_NO_NONE, what, remedy);
    return false;
}

/* ---- numbers ---- */

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

static int by_number_and_row(const void *a, const void *b)
{
    const struct numbered *x = a, *y = b;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static void sort_numbers(struct choice *c)
{
    const struct planner *p = c->p;
    if (c->numbers)
        return;
    c->numbers = ARENA_ARRAY(p->arena, struct numbered, p->row_count);
    for (size_t i = 0; i < p->row_count; i++) {
        int64_t number = row_number(p, &p->rows[i]);
        if (number >= 0)
            c->numbers[c->number_count++] = (struct numbered){number, i};
    }
    qsort(c->numbers, c->number_count, sizeof(*c->numbers), by_number_and_row);
}

/* The first in order that is not below the number. */
static size_t place_of_number(const struct choice *c, int64_t number)
{
    size_t low = 0, high = c->number_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->numbers[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Each number of a range has a row, or the first that has none is told. */
static bool take_numbers(struct choice *c, const struct step_term *term)
{
    sort_numbers(c);
    size_t at = place_of_number(c, term->first);
    for (int64_t n = term->first; n <= term->last; n++) {
        if (at == c->number_count || c->numbers[at].number != n)
            return no_such_number(c, n);
        while (at < c->number_count && c->numbers[at].number == n)
            take(c, c->numbers[at++].row);
    }
    return true;
}

/* ---- names ---- */

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

enum {
    PATHS_SHOWN_MAX = 8
};

/* Rows of different paths; of more than are shown, one more. */
static bool is_ambiguous(const struct choice *c, struct str text, const size_t *rows, size_t count)
{
    struct buf paths = BUF_INIT(ERR_MESSAGE_MAX);
    for (size_t i = 0; i < count && i < PATHS_SHOWN_MAX; i++)
        buf_printf(&paths, "%s" STR_FMT, i ? ", " : "", STR_ARG(c->p->rows[rows[i]].step.path));
    if (count > PATHS_SHOWN_MAX)
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
    const struct row *rows = c->p->rows;
    size_t paths[PATHS_SHOWN_MAX + 1], path_count = 0;
    const size_t *named;
    if (!c->names)
        c->names = row_names_new(c->p);
    size_t count = row_names_find(c->names, text, &named);
    for (size_t i = 0; i < count && path_count < COUNT_OF(paths); i++) {
        bool known = false;
        for (size_t k = 0; k < path_count && !known; k++)
            known = str_eq(rows[paths[k]].step.key, rows[named[i]].step.key);
        if (!known)
            paths[path_count++] = named[i];
    }
    if (!path_count)
        return no_such_name(c, text);
    if (path_count > 1)
        return is_ambiguous(c, text, paths, path_count);
    for (size_t i = 0; i < count; i++)
        take(c, named[i]);
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
    struct choice c = choice(p, field);
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
    struct choice c = choice(p, field);
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
