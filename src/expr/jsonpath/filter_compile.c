/* Filters, [?(...)]: from their text to a row of comparisons.
 *
 * The language is the library's, not a grammar of ours: the text is split at
 * every && and ||, each part at the first operator of the table that occurs in
 * it, and parentheses around a part are taken off. What these steps leave that
 * is no path, literal or pattern is refused.
 */
#include "expr/jsonpath/path_internal.h"

/* In the order in which the library looks for them. */
static const struct {
    struct str text;
    enum filter_operator op;
} operators[] = {
    {STR_INIT("=="), FILTER_EQUAL},      {STR_INIT(">="), FILTER_GREATER_EQUAL},
    {STR_INIT("<="), FILTER_LESS_EQUAL}, {STR_INIT("!="), FILTER_NOT_EQUAL},
    {STR_INIT("<"), FILTER_LESS},        {STR_INIT(">"), FILTER_GREATER},
    {STR_INIT("=~"), FILTER_MATCHES},
};

struct filter_builder {
    const struct path_scanner *s;
    struct criterion *items;
    size_t count, capacity;
};

static struct str strip(struct str s, const char *leading, const char *trailing)
{
    while (s.len && *s.ptr && strchr(leading, *s.ptr))
        s = str_slice(s, 1, s.len);
    while (s.len && s.ptr[s.len - 1] && strchr(trailing, s.ptr[s.len - 1]))
        s.len--;
    return s;
}

/* Do brackets and parentheses balance outside of quoted texts, and quotes end? */
static bool balances(struct str s)
{
    int round = 0, square = 0;
    bool quoted = false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '\'' && (i == 0 || s.ptr[i - 1] != '\\'))
            quoted = !quoted;
        if (quoted)
            continue;
        round += (c == '(') - (c == ')');
        square += (c == '[') - (c == ']');
    }
    return !quoted && round == 0 && square == 0;
}

static bool is_pattern(struct str s)
{
    if (s.len < 2 || *s.ptr != '/')
        return false;
    return s.ptr[s.len - 1] == '/' || (s.len > 2 && str_ends_with(s, STR("/i")));
}

struct json filter_number(struct arena *a, struct str text)
{
    struct json number;
    bool negative = text.len && *text.ptr == '-';
    if (text.len && (*text.ptr == '+' || negative))
        text = str_slice(text, 1, text.len);
    while (text.len > 1 && text.ptr[0] == '0' && text.ptr[1] >= '0' && text.ptr[1] <= '9')
        text = str_slice(text, 1, text.len);
    if (text.len == 0 || *text.ptr < '0' || *text.ptr > '9')
        return JSON_NONE;
    struct str spelled = arena_printf(a, "%s" STR_FMT, negative ? "-" : "", STR_ARG(text));
    if (json_parse(a, spelled, (struct json_limits){0}, JSON_DUPLICATES_LAST, &number, NULL))
        return number;
    return JSON_NONE;
}

static bool operand_compile(const struct path_scanner *s, struct str text,
                            struct operand *ret_operand)
{
    struct operand o = {.kind = OPERAND_LITERAL};
    struct str why;
    if (text.len == 0)
        return path_refuse(s, text.ptr, "a path or a value is missing in the filter");
    if (*text.ptr == '@' || *text.ptr == '$') {
        o.kind = *text.ptr == '@' ? OPERAND_ITEM_PATH : OPERAND_ROOT_PATH;
        if (!path_compile_operand(s, text, &o.path))
            return false;
    } else if (is_pattern(text)) {
        o.kind = OPERAND_PATTERN;
        if (!pattern_compile(s->arena, text, &o.pattern, &why))
            return path_refuse(s, text.ptr, STR_FMT, STR_ARG(why));
    } else {
        bool quoted = *text.ptr == '\'';
        if (quoted && (text.len < 2 || text.ptr[text.len - 1] != '\''))
            return path_refuse(s, text.ptr, "the text in the filter does not end with a quote");
        text = quoted ? str_slice(text, 1, text.len - 1) : text;
        o.literal = json_string(text);
        o.number = filter_number(s->arena, text);
    }
    *ret_operand = o;
    return true;
}

/* @.a, !@.a */
static bool existence_compile(const struct path_scanner *s, struct str text, struct criterion *c)
{
    bool negated = *text.ptr == '!';
    struct str path = str_slice(text, negated ? 1 : 0, text.len);
    if (path.len == 0 || (*path.ptr != '@' && (negated || *path.ptr != '$')))
        return path_refuse(s, text.ptr, "a filter compares, or asks for a path that begins '@'");
    c->op = negated ? FILTER_MISSING : FILTER_EXISTS;
    return operand_compile(s, path, &c->left);
}

static bool comparison_compile(const struct path_scanner *s, struct str left, struct str right,
                               struct criterion *c)
{
    if (str_starts_with(left, STR("!@")) || str_starts_with(right, STR("!@")))
        return path_refuse(s, left.ptr, "'!' only asks whether a path exists, as in [?(!@.a)]");
    if (!operand_compile(s, left, &c->left) || !operand_compile(s, right, &c->right))
        return false;
    int patterns = (c->left.kind == OPERAND_PATTERN) + (c->right.kind == OPERAND_PATTERN);
    if (patterns != (c->op == FILTER_MATCHES))
        return path_refuse(s, left.ptr, "'=~' and one /pattern/ belong together");
    return true;
}

static bool criterion_compile(struct filter_builder *b, struct str text, bool begins_group)
{
    text = strip(text, "[?( ", ") ");
    struct criterion c = {.begins_group = begins_group};
    size_t at = SIZE_MAX, i;
    for (i = 0; i < COUNT_OF(operators) && at == SIZE_MAX; i++)
        at = str_find(text, operators[i].text);
    if (text.len == 0)
        return path_refuse(b->s, text.ptr, "a condition is missing in the filter");
    if (at == SIZE_MAX) {
        if (!existence_compile(b->s, text, &c))
            return false;
    } else {
        c.op = operators[i - 1].op;
        struct str left = str_slice(text, 0, at);
        struct str right = str_slice(text, at + operators[i - 1].text.len, text.len);
        if (!comparison_compile(b->s, str_trim(left), str_trim(right), &c))
            return false;
    }
    b->items = arena_grow(b->s->arena, b->items, b->count, &b->capacity, sizeof(*b->items));
    b->items[b->count++] = c;
    return true;
}

/* Length up to the next && or ||, or all. */
static size_t criterion_length(struct str s)
{
    for (size_t i = 0; i + 1 < s.len; i++) {
        if ((s.ptr[i] == '&' || s.ptr[i] == '|') && s.ptr[i + 1] == s.ptr[i])
            return i;
    }
    return s.len;
}

bool filter_compile(const struct path_scanner *s, struct str inside,
                    const struct filter **ret_filter)
{
    struct str rest = str_trim(inside);
    if (!str_starts_with(rest, STR("(")) || !str_ends_with(rest, STR(")")))
        return path_refuse(s, inside.ptr, "a filter is written [?(...)]");
    if (!balances(rest))
        return path_refuse(s, inside.ptr,
                           "brackets, parentheses or quotes of the filter do not balance");
    rest = str_slice(rest, 1, rest.len - 1);
    struct filter_builder b = {.s = s};
    for (bool begins_group = true;;) {
        size_t len = criterion_length(rest);
        if (!criterion_compile(&b, str_slice(rest, 0, len), begins_group))
            return false;
        if (len == rest.len)
            break;
        begins_group = rest.ptr[len] == '|';
        rest = str_slice(rest, len + 2, rest.len);
    }
    struct filter *f = ARENA_NEW(s->arena, struct filter);
    *f = (struct filter){b.items, b.count};
    *ret_filter = f;
    return true;
}
