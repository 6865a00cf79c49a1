#include "expr/jsonata/ast.h"

#include "base/utf8.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v';
}

static bool is_operator(char c)
{
    return c && strchr(".[]{}(),@#;:?+-*/%|=<>^&!~", c);
}

static char char_at(const struct parser *p, size_t at)
{
    return at < p->text.len ? p->text.ptr[at] : 0;
}

struct str op_text(uint8_t op)
{
    static const struct str long_ops[] = {
        STR_INIT(".."), STR_INIT(":="), STR_INIT("!="),    STR_INIT(">="), STR_INIT("<="),
        STR_INIT("**"), STR_INIT("~>"), STR_INIT("?:"),    STR_INIT("??"), STR_INIT("and"),
        STR_INIT("or"), STR_INIT("in"), STR_INIT("(end)"),
    };
    static const char one[] = ".[]{}(),@#;:?+-*/%|=<>^&!~";
    if (op >= OP_RANGE)
        return long_ops[op - OP_RANGE];
    const char *at = op ? strchr(one, op) : NULL;
    return at ? str_of(at, 1) : STR("");
}

static bool token_set(struct parser *p, enum token_type type, size_t start, struct json value)
{
    p->token = (struct token){
        .type = type,
        .position = (uint32_t)p->at,
        .value = value,
        .text = str_slice(p->text, start, p->at),
    };
    return true;
}

static bool token_set_op(struct parser *p, uint8_t op, size_t len)
{
    size_t start = p->at;
    p->at += len;
    token_set(p, TOKEN_OPERATOR, start, json_string(op_text(op)));
    p->token.op = op;
    return true;
}

/* Blanks and comments. */
static bool skip_space(struct parser *p)
{
    for (;;) {
        while (p->at < p->text.len && is_blank(p->text.ptr[p->at]))
            p->at++;
        if (char_at(p, p->at) != '/' || char_at(p, p->at + 1) != '*')
            return true;
        size_t start = p->at;
        size_t end = str_find(str_slice(p->text, start + 2, p->text.len), STR("*/"));
        if (end == SIZE_MAX)
            return parse_fail(p, "S0106", start, STR(""), JSON_NONE);
        p->at = start + 2 + end + 2;
    }
}

static bool slash_closes(const struct parser *p, size_t at)
{
    size_t backslashes = 0;
    while (at > backslashes && p->text.ptr[at - backslashes - 1] == '\\')
        backslashes++;
    return backslashes % 2 == 0;
}

static bool lex_regex_end(struct parser *p, size_t start, size_t end)
{
    struct str pattern = str_slice(p->text, start, end);
    if (!pattern.len)
        return parse_fail(p, "S0301", end, STR(""), JSON_NONE);
    size_t flags = end + 1;
    p->at = flags;
    while (char_at(p, p->at) == 'i' || char_at(p, p->at) == 'm')
        p->at++;
    const struct jx_regex *regex;
    if (!jx_regex_compile(p->arena, pattern, str_slice(p->text, flags, p->at), &regex))
        return parse_fail(p, "S0303", start, pattern, JSON_NONE);
    token_set(p, TOKEN_REGEX, start - 1, json_string(pattern));
    p->token.regex = regex;
    return true;
}

/* The closing slash is one that is not escaped nor within brackets. */
static bool lex_regex(struct parser *p)
{
    size_t start = ++p->at;
    int64_t depth = 0;
    for (size_t at = start; at < p->text.len; at++) {
        char c = p->text.ptr[at];
        if (c == '/' && depth == 0 && slash_closes(p, at))
            return lex_regex_end(p, start, at);
        bool escaped = p->text.ptr[at - 1] == '\\';
        if ((c == '(' || c == '[' || c == '{') && !escaped)
            depth++;
        if ((c == ')' || c == ']' || c == '}') && !escaped)
            depth--;
    }
    return parse_fail(p, "S0302", p->text.len, STR(""), JSON_NONE);
}

static bool lex_long_operator(struct parser *p)
{
    static const struct {
        char text[3];
        uint8_t op;
    } ops[] = {
        {"..", OP_RANGE},         {":=", OP_ASSIGN},     {"!=", OP_NOT_EQUAL},
        {">=", OP_GREATER_EQUAL}, {"<=", OP_LESS_EQUAL}, {"**", OP_DESCENDANT},
        {"~>", OP_CHAIN},         {"?:", OP_DEFAULT},    {"??", OP_COALESCE},
    };
    for (size_t i = 0; i < COUNT_OF(ops); i++) {
        bool newer = ops[i].op == OP_DEFAULT || ops[i].op == OP_COALESCE;
        if (newer && p->options.level == JSONATA_LEVEL_2_0_6)
            continue;
        if (char_at(p, p->at) == ops[i].text[0] && char_at(p, p->at + 1) == ops[i].text[1])
            return token_set_op(p, ops[i].op, 2);
    }
    return false;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Four hexadecimal digits at `at`, or -1. */
static int32_t hex_unit(const struct parser *p, size_t at)
{
    int32_t unit = 0;
    for (size_t i = 0; i < 4; i++) {
        int digit = hex_value(char_at(p, at + i));
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* p->at is at the `u`; a surrogate pair is taken together. */
static bool lex_unicode_escape(struct parser *p, char *to, size_t *len)
{
    int32_t unit = hex_unit(p, p->at + 1);
    if (unit < 0)
        return parse_fail(p, "S0104", p->at, STR(""), JSON_NONE);
    p->at += 5;
    if (unit >= 0xD800 && unit < 0xDC00 && char_at(p, p->at) == '\\' &&
        char_at(p, p->at + 1) == 'u') {
        int32_t low = hex_unit(p, p->at + 2);
        if (low >= 0xDC00 && low < 0xE000) {
            unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
            p->at += 6;
        }
    }
    *len += utf8_encode(to + *len, (uint32_t)unit);
    return true;
}

static bool lex_escape(struct parser *p, char *to, size_t *len)
{
    static const char from[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    char c = char_at(p, ++p->at);
    const char *found = c ? strchr(from, c) : NULL;
    if (found) {
        to[(*len)++] = meant[found - from];
        p->at++;
        return true;
    }
    if (c == 'u')
        return lex_unicode_escape(p, to, len);
    return parse_fail(p, "S0103", p->at, str_slice(p->text, p->at, p->at + 1), JSON_NONE);
}

static bool lex_string(struct parser *p)
{
    size_t start = p->at, len = 0;
    char quote = p->text.ptr[p->at++];
    size_t end = p->at;
    while (end < p->text.len && p->text.ptr[end] != quote)
        end += p->text.ptr[end] == '\\' ? 2 : 1;
    /* An escape is never shorter than what it stands for. */
    char *to = arena_alloc_text(p->arena, (end < p->text.len ? end : p->text.len) - start + 4);
    while (p->at < p->text.len) {
        char c = p->text.ptr[p->at];
        if (c == quote) {
            p->at++;
            return token_set(p, TOKEN_STRING, start, json_string(str_of(to, len)));
        }
        if (c != '\\') {
            to[len++] = c;
            p->at++;
        } else if (!lex_escape(p, to, &len)) {
            return false;
        }
    }
    return parse_fail(p, "S0101", p->text.len, STR(""), JSON_NONE);
}

static size_t skip_digits(const struct parser *p, size_t at)
{
    while (char_at(p, at) >= '0' && char_at(p, at) <= '9')
        at++;
    return at;
}

static bool lex_number(struct parser *p)
{
    size_t start = p->at, at = start;
    at = char_at(p, at) == '0' ? at + 1 : skip_digits(p, at);
    if (char_at(p, at) == '.' && skip_digits(p, at + 1) > at + 1)
        at = skip_digits(p, at + 1);
    if ((char_at(p, at) | 0x20) == 'e') {
        size_t sign = at + 1;
        if (char_at(p, sign) == '+' || char_at(p, sign) == '-')
            sign++;
        if (skip_digits(p, sign) > sign)
            at = skip_digits(p, sign);
    }
    struct str text = str_slice(p->text, start, at);
    struct json value = json_number_text(text);
    int64_t integer;
    if (json_to_int64(value, &integer))
        value = json_int(integer);
    else if (__builtin_isfinite(json_to_double(value)))
        value = jx_number(json_to_double(value));
    else
        return parse_fail(p, "S0102", start, text, JSON_NONE);
    p->at = at;
    return token_set(p, TOKEN_NUMBER, start, value);
}

static bool lex_quoted_name(struct parser *p)
{
    size_t start = p->at + 1;
    size_t len = str_find_char(str_slice(p->text, start, p->text.len), '`');
    if (len == SIZE_MAX)
        return parse_fail(p, "S0105", p->text.len, STR(""), JSON_NONE);
    p->at = start + len + 1;
    return token_set(p, TOKEN_NAME, start - 1, json_string(str_slice(p->text, start, start + len)));
}

static bool lex_name(struct parser *p)
{
    size_t start = p->at;
    while (p->at < p->text.len && !is_blank(p->text.ptr[p->at]) && !is_operator(p->text.ptr[p->at]))
        p->at++;
    struct str name = str_slice(p->text, start, p->at);
    if (name.len && name.ptr[0] == '$')
        return token_set(p, TOKEN_VARIABLE, start, json_string(str_slice(name, 1, name.len)));
    static const struct {
        struct str name;
        uint8_t op;
    } words[] = {{STR_INIT("and"), OP_AND}, {STR_INIT("or"), OP_OR}, {STR_INIT("in"), OP_IN}};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (str_eq(name, words[i].name)) {
            p->at = start;
            return token_set_op(p, words[i].op, name.len);
        }
    }
    if (str_eq(name, STR("true")) || str_eq(name, STR("false")))
        return token_set(p, TOKEN_VALUE, start, json_bool(name.len == 4));
    if (str_eq(name, STR("null")))
        return token_set(p, TOKEN_VALUE, start, json_null());
    return token_set(p, TOKEN_NAME, start, json_string(name));
}

bool lexer_next(struct parser *p, bool infix)
{
    if (!skip_space(p))
        return false;
    if (p->at >= p->text.len) {
        p->token = (struct token){.type = TOKEN_END,
                                  .op = OP_END,
                                  .position = (uint32_t)p->text.len,
                                  .value = json_string(STR("(end)")),
                                  .text = STR("(end)")};
        return true;
    }
    char c = p->text.ptr[p->at];
    if (c == '/' && !infix)
        return lex_regex(p);
    if (lex_long_operator(p))
        return true;
    if (is_operator(c))
        return token_set_op(p, (uint8_t)c, 1);
    if (c == '"' || c == '\'')
        return lex_string(p);
    if (c >= '0' && c <= '9')
        return lex_number(p);
    return c == '`' ? lex_quoted_name(p) : lex_name(p);
}
