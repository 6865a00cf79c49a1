#include "base/utf8.h"
#include "expr/jsonata/regex.h"

/* Inside the brackets of a class. */
#define NEWLINES "\\n\\r\\x{2028}\\x{2029}"
#define SPACES                                                                                     \
    "\\t-\\r \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}"     \
    "\\x{feff}"
#define NO_SPACES                                                                                  \
    "\\x{0}-\\x{8}\\x{e}-\\x{1f}!-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}"  \
    "\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{fefe}"                 \
    "\\x{ff00}-\\x{10ffff}"

struct translation {
    struct str in;
    size_t at;
    struct buf *out;
    bool multiline;
    bool repeatable; /* may a quantifier follow? */
    bool named;      /* some group has a name */
    size_t groups;
};

static void put(struct translation *t, const char *text)
{
    buf_append(t->out, str_of_cstr(text));
}

/* 0 behind the end: no pattern depends on a NUL of its own here. */
static char peek(const struct translation *t, size_t further)
{
    return t->at + further < t->in.len ? t->in.ptr[t->at + further] : 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void put_character(struct translation *t, uint32_t character)
{
    buf_printf(t->out, "\\x{%x}", character);
}

/* ---- counting groups, which decides what \1 and \k are ---- */

static void count_groups(struct translation *t)
{
    bool in_class = false;
    for (size_t i = 0; i < t->in.len; i++) {
        struct str rest = str_slice(t->in, i, t->in.len);
        char c = rest.ptr[0];
        if (c == '\\')
            i++;
        else if (c == '[')
            in_class = true;
        else if (c == ']')
            in_class = false;
        if (c != '(' || in_class)
            continue;
        bool named = str_starts_with(rest, STR("(?<")) && rest.len > 3 && rest.ptr[3] != '=' &&
                     rest.ptr[3] != '!';
        t->named |= named;
        t->groups += named || rest.len < 2 || rest.ptr[1] != '?';
    }
}

/* ---- escapes that stand for one character ---- */

/* Takes exactly `count` hexadecimal digits from `further` on. */
static bool hex_digits(const struct translation *t, size_t further, size_t count,
                       uint32_t *ret_value)
{
    uint32_t value = 0;
    for (size_t i = 0; i < count; i++) {
        char c = peek(t, further + i);
        if (is_digit(c))
            value = value << 4 | (uint32_t)(c - '0');
        else if ((c | 32) >= 'a' && (c | 32) <= 'f')
            value = value << 4 | (uint32_t)((c | 32) - 'a' + 10);
        else
            return false;
    }
    *ret_value = value;
    return true;
}

/* After \u: four digits, or two times four that make a pair. */
static bool take_unicode(struct translation *t, uint32_t *ret_character)
{
    uint32_t first = 0, second = 0;
    if (!hex_digits(t, 0, 4, &first))
        return false;
    t->at += 4;
    bool pair = first >= 0xd800 && first < 0xdc00 && peek(t, 0) == '\\' && peek(t, 1) == 'u' &&
                hex_digits(t, 2, 4, &second) && second >= 0xdc00 && second < 0xe000;
    if (pair)
        t->at += 6;
    *ret_character = pair ? 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00) : first;
    return true;
}

/* Up to three octal digits of a byte. */
static uint32_t take_octal(struct translation *t)
{
    uint32_t value = 0;
    for (int i = 0; i < 3 && peek(t, 0) >= '0' && peek(t, 0) <= '7'; i++) {
        uint32_t next = value * 8 + (uint32_t)(peek(t, 0) - '0');
        if (next > 0377)
            break;
        value = next;
        t->at++;
    }
    return value;
}

/* After the backslash and with at least one character there. */
static uint32_t take_escape(struct translation *t)
{
    static const char names[] = "tnvfr", values[] = "\t\n\v\f\r";
    uint32_t character;
    char c = peek(t, 0);
    const char *name = c ? strchr(names, c) : NULL;
    if (name) {
        t->at++;
        return (unsigned char)values[name - names];
    }
    if (c >= '0' && c <= '7')
        return take_octal(t);
    if (c == 'c')
        return '\\'; /* \c without a letter is a backslash and a c */
    if (c == 'x' && hex_digits(t, 1, 2, &character)) {
        t->at += 3;
        return character;
    }
    if (c == 'u') {
        t->at++;
        return take_unicode(t, &character) ? character : 'u';
    }
    return utf8_next(t->in, &t->at);
}

static bool take_control(struct translation *t, bool in_class, uint32_t *ret_character)
{
    char c = peek(t, 1);
    if (peek(t, 0) != 'c' || !(is_letter(c) || (in_class && (is_digit(c) || c == '_'))))
        return false;
    t->at += 2;
    *ret_character = (unsigned char)c & 31;
    return true;
}

/* ---- classes ---- */

struct class_atom {
    const char *set; /* \d and its like; NULL: one character */
    uint32_t character;
};

static bool take_class_atom(struct translation *t, struct class_atom *ret_atom)
{
    static const struct {
        char name;
        const char *set;
    } sets[] = {
        {'d', "\\d"}, {'D', "\\D"}, {'w', "\\w"}, {'W', "\\W"}, {'s', SPACES}, {'S', NO_SPACES},
    };
    struct class_atom atom = {0};
    if (peek(t, 0) != '\\') {
        atom.character = utf8_next(t->in, &t->at);
        *ret_atom = atom;
        return true;
    }
    if (++t->at >= t->in.len)
        return false;
    for (size_t i = 0; i < COUNT_OF(sets); i++) {
        if (peek(t, 0) == sets[i].name)
            atom.set = sets[i].set;
    }
    if (atom.set)
        t->at++;
    else if (peek(t, 0) == 'b' && ++t->at)
        atom.character = '\b';
    else if (!take_control(t, true, &atom.character))
        atom.character = take_escape(t);
    *ret_atom = atom;
    return true;
}

static void put_class_atom(struct translation *t, const struct class_atom *atom)
{
    if (atom->set)
        put(t, atom->set);
    else
        put_character(t, atom->character);
}

static bool translate_class_item(struct translation *t)
{
    struct class_atom from, to;
    if (!take_class_atom(t, &from))
        return false;
    put_class_atom(t, &from);
    if (peek(t, 0) != '-' || peek(t, 1) == ']' || t->at + 1 >= t->in.len)
        return true;
    t->at++;
    if (!take_class_atom(t, &to) || (!from.set && !to.set && from.character > to.character))
        return false;
    put(t, from.set || to.set ? "\\-" : "-");
    put_class_atom(t, &to);
    return true;
}

static bool translate_class(struct translation *t)
{
    t->at++;
    bool negated = peek(t, 0) == '^';
    t->at += negated;
    if (peek(t, 0) == ']') {
        t->at++;
        put(t, negated ? "[\\x{0}-\\x{10ffff}]" : "(?!)");
        return true;
    }
    put(t, negated ? "[^" : "[");
    while (t->at < t->in.len && peek(t, 0) != ']') {
        if (!translate_class_item(t))
            return false;
    }
    put(t, "]");
    return t->at++ < t->in.len;
}

/* ---- everything else ---- */

/* A backreference where there are so many groups; else \1 is an octal number. */
static bool translate_backreference(struct translation *t)
{
    size_t number = 0, digits = 0;
    for (; is_digit(peek(t, digits)) && digits < 6; digits++)
        number = number * 10 + (size_t)(peek(t, digits) - '0');
    if (!number || peek(t, 0) == '0' || number > t->groups)
        return false;
    t->at += digits;
    buf_printf(t->out, "\\g{%zu}", number);
    return true;
}

static bool translate_escape(struct translation *t)
{
    uint32_t character;
    if (++t->at >= t->in.len)
        return false;
    char c = peek(t, 0);
    t->repeatable = c != 'b' && c != 'B';
    if (c && strchr("bBdDwW", c)) {
        t->at++;
        buf_printf(t->out, "\\%c", c);
    } else if (c == 's' || c == 'S') {
        t->at++;
        put(t, c == 's' ? "[" SPACES "]" : "[^" SPACES "]");
    } else if (c == 'k' && t->named) {
        size_t length = str_find_char(str_slice(t->in, t->at, t->in.len), '>');
        if (peek(t, 1) != '<' || length == SIZE_MAX)
            return false;
        buf_append_char(t->out, '\\');
        buf_append(t->out, str_slice(t->in, t->at, t->at + length + 1));
        t->at += length + 1;
    } else if (take_control(t, false, &character)) {
        put_character(t, character);
    } else if (!translate_backreference(t)) {
        put_character(t, take_escape(t));
    }
    return true;
}

static bool translate_group(struct translation *t)
{
    static const char *const openings[] = {"(?:", "(?=", "(?!", "(?<=", "(?<!"};
    struct str rest = str_slice(t->in, t->at, t->in.len);
    t->repeatable = false;
    if (!str_starts_with(rest, STR("(?"))) {
        put(t, "(");
        t->at++;
        return true;
    }
    for (size_t i = 0; i < COUNT_OF(openings); i++) {
        if (str_starts_with(rest, str_of_cstr(openings[i]))) {
            put(t, openings[i]);
            t->at += strlen(openings[i]);
            return true;
        }
    }
    size_t length = str_find_char(rest, '>');
    if (rest.len < 3 || rest.ptr[2] != '<' || length == SIZE_MAX)
        return false;
    buf_append(t->out, str_slice(rest, 0, length + 1));
    t->at += length + 1;
    return true;
}

/* Bytes of {2}, {2,} or {2,3} at this place, or 0: then the brace is a character. */
static size_t braces_length(const struct translation *t)
{
    size_t i = 1;
    while (is_digit(peek(t, i)))
        i++;
    if (i == 1)
        return 0;
    if (peek(t, i) == ',') {
        i++;
        while (is_digit(peek(t, i)))
            i++;
    }
    return peek(t, i) == '}' ? i + 1 : 0;
}

static bool translate_quantifier(struct translation *t, size_t length)
{
    if (!t->repeatable)
        return false;
    length += peek(t, length) == '?';
    buf_append(t->out, str_slice(t->in, t->at, t->at + length));
    t->at += length;
    t->repeatable = false;
    return true;
}

static void translate_assertion(struct translation *t)
{
    bool start = peek(t, 0) == '^';
    if (!t->multiline)
        put(t, start ? "^" : "$");
    else
        put(t, start ? "(?<![^" NEWLINES "])" : "(?![^" NEWLINES "])");
    t->at++;
    t->repeatable = false;
}

static bool translate_one(struct translation *t)
{
    char c = peek(t, 0);
    size_t length = c == '{' ? braces_length(t) : (size_t)(c == '*' || c == '+' || c == '?');
    if (length)
        return translate_quantifier(t, length);
    switch (c) {
    case '\\':
        return translate_escape(t);
    case '(':
        return translate_group(t);
    case '^':
    case '$':
        translate_assertion(t);
        return true;
    case '|':
        put(t, "|");
        t->at++;
        t->repeatable = false;
        return true;
    case ')':
        put(t, ")");
        t->at++;
        break;
    case '.':
        put(t, "[^" NEWLINES "]");
        t->at++;
        break;
    case '[':
        t->repeatable = true;
        return translate_class(t);
    default:
        if (is_letter(c) || is_digit(c))
            buf_append_char(t->out, t->in.ptr[t->at++]);
        else
            put_character(t, utf8_next(t->in, &t->at));
    }
    t->repeatable = true;
    return true;
}

bool regex_translate(struct str pattern, bool multiline, struct buf *b)
{
    struct translation t = {.in = pattern, .out = b, .multiline = multiline};
    count_groups(&t);
    while (t.at < pattern.len) {
        if (!translate_one(&t))
            return false;
    }
    return !b->over;
}
