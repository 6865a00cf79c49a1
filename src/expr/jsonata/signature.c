/* Signatures of functions: "<s-n?:s>". */
#include "expr/jsonata/ast.h"

enum signature_bit {
    BIT_ARRAY = 1,
    BIT_STRING = 2,
    BIT_NUMBER = 4,
    BIT_BOOLEAN = 8,
    BIT_NULL = 16,
    BIT_FUNCTION = 32,
    BIT_OBJECT = 64,
    BIT_MISSING = 128,
    BIT_ANY = 255,
};

static uint16_t bit_of_letter(char c)
{
    switch (c) {
    case 'a':
        return BIT_ARRAY;
    case 's':
        return BIT_STRING;
    case 'n':
        return BIT_NUMBER;
    case 'b':
        return BIT_BOOLEAN;
    case 'l':
        return BIT_NULL;
    case 'f':
        return BIT_FUNCTION;
    case 'o':
        return BIT_OBJECT;
    case 'j':
        return BIT_ANY & ~BIT_FUNCTION;
    case 'x':
        return BIT_ANY;
    default:
        return 0;
    }
}

static uint16_t bit_of_value(struct json v)
{
    switch (v.tag) {
    case JSON_TAG_ABSENT:
        return BIT_MISSING;
    case JSON_TAG_NULL:
        return BIT_NULL;
    case JSON_TAG_FALSE:
    case JSON_TAG_TRUE:
        return BIT_BOOLEAN;
    case JSON_TAG_NUMBER_TEXT:
    case JSON_TAG_INT:
    case JSON_TAG_DOUBLE:
        return BIT_NUMBER;
    case JSON_TAG_STRING:
        return BIT_STRING;
    case JSON_TAG_ARRAY:
        return BIT_ARRAY;
    case JX_TAG_FUNCTION:
        return BIT_FUNCTION;
    default:
        return BIT_OBJECT;
    }
}

/* The bracket that closes the one at `at`, or the end. */
static size_t closing(struct str text, size_t at, char open, char close)
{
    size_t depth = 1;
    while (++at < text.len) {
        if (text.ptr[at] == close && --depth == 0)
            return at;
        if (text.ptr[at] == open)
            depth++;
    }
    return text.len;
}

struct reading {
    struct signature *s;
    const char *code; /* of the failure, or NULL */
    size_t offset;
};

static struct signature_param *last_param(struct reading *r)
{
    return r->s->count ? &r->s->params[r->s->count - 1] : NULL;
}

static bool reading_fail(struct reading *r, const char *code, size_t offset)
{
    r->code = code;
    r->offset = offset;
    return false;
}

static bool add_param(struct reading *r, char type, uint16_t mask, size_t at)
{
    if (r->s->count == SIGNATURE_PARAMS_MAX)
        return reading_fail(r, "S0401", at);
    r->s->params[r->s->count++] = (struct signature_param){.type = type, .mask = mask};
    return true;
}

static bool read_choice(struct reading *r, struct str text, size_t *at)
{
    size_t end = closing(text, *at, '(', ')');
    struct str choice = str_slice(text, *at + 1, end);
    if (str_find_char(choice, '<') != SIZE_MAX)
        return reading_fail(r, "S0402", *at);
    uint16_t mask = BIT_MISSING;
    for (size_t i = 0; i < choice.len; i++)
        mask |= bit_of_letter(choice.ptr[i]) & ~BIT_MISSING;
    if (!add_param(r, '(', mask, *at))
        return false;
    *at = end;
    return true;
}

static bool read_subtype(struct reading *r, struct str text, size_t *at)
{
    struct signature_param *last = last_param(r);
    if (!last || (last->type != 'a' && last->type != 'f'))
        return reading_fail(r, "S0401", *at);
    size_t end = closing(text, *at, '<', '>');
    last->subtype = *at + 1 < end ? text.ptr[*at + 1] : 0;
    *at = end;
    return true;
}

static bool read_symbol(struct reading *r, struct str text, size_t *at)
{
    char c = text.ptr[*at];
    struct signature_param *last = last_param(r);
    switch (c) {
    case 's':
    case 'n':
    case 'b':
    case 'l':
    case 'o':
        return add_param(r, c, bit_of_letter(c) | BIT_MISSING, *at);
    case 'a':
        return add_param(r, c, BIT_ANY, *at);
    case 'f':
        return add_param(r, c, BIT_FUNCTION, *at);
    case 'j':
    case 'x':
        return add_param(r, c, bit_of_letter(c), *at);
    case '(':
        return read_choice(r, text, at);
    case '<':
        return read_subtype(r, text, at);
    case '-':
        if (last)
            last->context = last->optional = true;
        return true;
    case '?':
        if (last)
            last->optional = true;
        return true;
    case '+':
        if (last)
            last->many = true;
        return true;
    default:
        return true;
    }
}

static bool read_signature(struct reading *r, struct str text)
{
    for (size_t at = 1; at < text.len && text.ptr[at] != ':' && text.ptr[at] != '>'; at++) {
        if (!read_symbol(r, text, &at))
            return false;
    }
    return true;
}

bool signature_parse(struct parser *p, struct str text, size_t position,
                     const struct signature **ret_signature)
{
    struct reading r = {.s = ARENA_NEW(p->arena, struct signature)};
    if (!read_signature(&r, text))
        return parse_fail(p, r.code, position + r.offset, STR(""), json_string(text));
    *ret_signature = r.s;
    return true;
}

const struct signature *signature_of_row(struct arena *a, const char *text)
{
    struct reading r = {.s = ARENA_NEW(a, struct signature)};
    bool valid = read_signature(&r, str_of_cstr(text));
    ASSERT(valid);
    return r.s;
}

/* ---- matching ---- */

/* How many arguments each parameter takes; like a regular expression over the
 * arguments' types, greedy and with backtracking over at most 16 parameters. */
struct matching {
    struct jx *x;
    const struct signature *s;
    const struct json *args;
    size_t count;
    size_t taken[SIGNATURE_PARAMS_MAX];
    size_t reached; /* parameters matched at most, for the error */
    size_t good;    /* arguments matched then */
};

static size_t run_of(const struct matching *m, size_t param, size_t arg)
{
    const struct signature_param *p = &m->s->params[param];
    size_t run = 0, max = p->many ? m->count - arg : 1;
    while (run < max && arg + run < m->count && (bit_of_value(m->args[arg + run]) & p->mask))
        run++;
    return run;
}

static bool match_from(struct matching *m, size_t param, size_t arg)
{
    if (param >= m->reached) {
        m->reached = param;
        m->good = arg;
    }
    if (param == m->s->count)
        return arg == m->count;
    if (!jx_spend(m->x, 1))
        return false;
    size_t min = m->s->params[param].optional ? 0 : 1;
    for (size_t run = run_of(m, param, arg) + 1; run-- > min;) {
        m->taken[param] = run;
        if (match_from(m, param + 1, arg + run))
            return true;
        if (m->x->failed)
            return false;
    }
    return false;
}

static struct str plural_of(char subtype)
{
    switch (subtype) {
    case 'a':
        return STR("arrays");
    case 'b':
        return STR("booleans");
    case 'f':
        return STR("functions");
    case 'n':
        return STR("numbers");
    case 'o':
        return STR("objects");
    case 's':
        return STR("strings");
    default:
        return STR("undefined");
    }
}

static bool refuse(struct jx *x, const char *code, struct json value, size_t index, char subtype)
{
    x->failed = true;
    x->err = (struct jsonata_error){.value = value};
    error_set_code(&x->err, code);
    x->err_index = index;
    x->err_type = plural_of(subtype);
    return false;
}

static bool array_fits(const struct signature_param *p, struct json arg, size_t run)
{
    if (!p->subtype)
        return true;
    uint16_t bit = bit_of_letter(p->subtype);
    if (!json_is_array(arg))
        return run == 1 && bit_of_value(arg) == bit;
    for (size_t i = 0; i < arg.len; i++) {
        if (bit_of_value(arg.u.items[i]) != bit)
            return false;
    }
    return true;
}

static bool put_array(struct jx *x, const struct signature_param *p, struct json arg, size_t index,
                      size_t run, struct json *to)
{
    *to = arg;
    if (json_is_absent(arg))
        return true;
    if (json_is_array(arg) && p->subtype && !jx_spend(x, arg.len / 8))
        return false;
    if (!array_fits(p, arg, run))
        return refuse(x, "T0412", arg, index + 1, p->subtype);
    if (!json_is_array(arg))
        *to = json_array(arena_dup(x->out, &arg, sizeof(arg)), 1);
    return true;
}

static bool put_context(struct jx *x, const struct signature_param *p, struct json context,
                        size_t index, struct json *to)
{
    if (!(bit_of_value(context) & p->mask))
        return refuse(x, "T0411", context, index + 1, 0);
    *to = context;
    return true;
}

static bool fill(struct matching *m, struct json context, struct json *to, size_t *ret_count)
{
    size_t arg = 0, at = 0;
    for (size_t i = 0; i < m->s->count; i++) {
        const struct signature_param *p = &m->s->params[i];
        size_t run = m->taken[i];
        if (run == 0 && p->context) {
            if (!put_context(m->x, p, context, arg, &to[at++]))
                return false;
        } else if (run == 0) {
            to[at++] = arg < m->count ? m->args[arg] : JSON_NONE;
            arg++;
        }
        for (size_t k = 0; k < run; k++, arg++, at++) {
            struct json given = m->args[arg];
            to[at] = given;
            if (p->type == 'a' && !put_array(m->x, p, given, arg, run, &to[at]))
                return false;
        }
    }
    *ret_count = at;
    return true;
}

/* The common case: as many arguments as parameters, each of its type. */
static bool fits_plainly(const struct signature *s, const struct json *args, size_t count)
{
    if (count != s->count)
        return false;
    for (size_t i = 0; i < count; i++) {
        uint16_t bit = bit_of_value(args[i]);
        bool plain = s->params[i].type != 'a' || bit == BIT_MISSING ||
                     (bit == BIT_ARRAY && !s->params[i].subtype);
        if (!(bit & s->params[i].mask) || !plain)
            return false;
    }
    return true;
}

bool signature_apply(struct jx *x, const struct signature *s, struct json context,
                     const struct json **args, size_t *count)
{
    if (fits_plainly(s, *args, *count))
        return true;
    struct matching m = {.x = x, .s = s, .args = *args, .count = *count};
    if (!match_from(&m, 0, 0)) {
        if (x->failed)
            return false;
        return refuse(x, "T0410", m.good < m.count ? m.args[m.good] : JSON_NONE, m.good + 1, 0);
    }
    if (!jx_room(x, (s->count + *count) * sizeof(struct json)))
        return false;
    struct json *to = ARENA_ARRAY(x->out, struct json, s->count + *count);
    if (!fill(&m, context, to, count))
        return false;
    *args = to;
    return true;
}
