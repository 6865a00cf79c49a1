/* Reads States.Name(argument, ...). Recursion goes one level per call in a call
 * and ends at INTRINSIC_NESTING_MAX.
 */
#include "expr/intrinsic/intrinsic_internal.h"

#include <stdio.h>

struct scanner {
    struct arena *arena;
    struct str text;
    size_t at;
    unsigned depth;
    bool uses_context;
    struct err *reterr;
};

PRINTF_LIKE(3, 4)
static bool refuse(const struct scanner *s, size_t at, const char *format, ...)
{
    char what[256];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    err_set(s->reterr, ERR_INVALID_INTRINSIC,
            "invalid intrinsic function call: %s at byte %zu of '" STR_FMT "'", what, at + 1,
            STR_ARG(s->text));
    if (s->reterr)
        s->reterr->offset = at;
    return false;
}

static char peek(const struct scanner *s)
{
    return s->at < s->text.len ? s->text.ptr[s->at] : '\0';
}

static bool is_one_of(char c, const char *set)
{
    return c && strchr(set, c);
}

static void skip_blanks(struct scanner *s)
{
    while (is_one_of(peek(s), " \t\r\n"))
        s->at++;
}

static bool take(struct scanner *s, char c)
{
    if (peek(s) != c || s->at == s->text.len)
        return false;
    s->at++;
    return true;
}

/* The run of characters from here that are not in `ends`. */
static struct str take_until(struct scanner *s, const char *ends)
{
    size_t from = s->at;
    while (s->at < s->text.len && !is_one_of(peek(s), ends))
        s->at++;
    return str_slice(s->text, from, s->at);
}

/* ---- arguments ---- */

/* 'text': a backslash stands before ' { } and \, and before nothing else. */
static bool scan_string(struct scanner *s, struct argument *ret_argument)
{
    size_t start = s->at++;
    char *decoded = arena_alloc_text(s->arena, s->text.len - s->at);
    size_t len = 0;
    while (s->at < s->text.len && peek(s) != '\'') {
        if (peek(s) == '\\') {
            s->at++;
            if (!is_one_of(peek(s), "'{}\\"))
                return refuse(s, s->at - 1, "a backslash can only stand before ' { } and \\");
        }
        decoded[len++] = s->text.ptr[s->at++];
    }
    ret_argument->raw = str_slice(s->text, start + 1, s->at);
    if (!take(s, '\''))
        return refuse(s, start, "the text does not end with a single quote");
    ret_argument->kind = ARGUMENT_LITERAL;
    ret_argument->literal = json_string(str_of(decoded, len));
    return true;
}

static bool scan_word(struct scanner *s, struct argument *ret_argument)
{
    size_t start = s->at;
    struct str word = take_until(s, " \t\r\n,()'");
    struct json value = JSON_NONE;
    bool known = word.len && json_parse(s->arena, word, (struct json_limits){0},
                                        JSON_DUPLICATES_LAST, &value, NULL);
    if (!known || json_is_string(value) || json_is_array(value) || json_is_object(value))
        return refuse(s, start,
                      "an argument is a 'text', a number, true, false, null, "
                      "a path or a call");
    ret_argument->kind = ARGUMENT_LITERAL;
    ret_argument->literal = value;
    return true;
}

/* A path ends at a comma or parenthesis that is not inside its own brackets. */
static struct str take_path(struct scanner *s)
{
    size_t from = s->at;
    unsigned depth = 0;
    bool quoted = false;
    for (; s->at < s->text.len; s->at++) {
        char c = peek(s);
        if (c == '\'' && depth)
            quoted = !quoted;
        if (quoted)
            continue;
        if (!depth && is_one_of(c, ",)"))
            break;
        if (is_one_of(c, "[("))
            depth++;
        else if (depth && is_one_of(c, "])"))
            depth--;
    }
    return str_trim(str_slice(s->text, from, s->at));
}

static bool scan_path(struct scanner *s, struct argument *ret_argument)
{
    size_t start = s->at;
    struct err err;
    if (!path_compile(s->arena, take_path(s), &ret_argument->path, &err))
        return refuse(s, start, "%s", err.message);
    ret_argument->kind = ARGUMENT_PATH;
    s->uses_context = s->uses_context || path_root(ret_argument->path) == PATH_ROOT_CONTEXT;
    return true;
}

static bool scan_call(struct scanner *s, const struct call **ret_call);

static bool scan_argument(struct scanner *s, struct argument *ret_argument)
{
    if (peek(s) == '\'')
        return scan_string(s, ret_argument);
    if (peek(s) == '$')
        return scan_path(s, ret_argument);
    if (!intrinsic_looks_like(str_slice(s->text, s->at, s->text.len)))
        return scan_word(s, ret_argument);
    ret_argument->kind = ARGUMENT_CALL;
    return scan_call(s, &ret_argument->call);
}

static bool scan_arguments(struct scanner *s, struct call *call)
{
    struct argument *arguments = NULL;
    size_t capacity = 0;
    skip_blanks(s);
    if (take(s, ')'))
        return true;
    for (;;) {
        skip_blanks(s);
        arguments = arena_grow(s->arena, arguments, call->count, &capacity, sizeof(*arguments));
        struct argument *argument = &arguments[call->count++];
        *argument = (struct argument){0};
        if (!scan_argument(s, argument))
            return false;
        skip_blanks(s);
        if (take(s, ')'))
            break;
        if (!take(s, ','))
            return refuse(s, s->at, "a comma or ')' was expected");
    }
    call->arguments = arguments;
    return true;
}

/* ---- calls ---- */

static const struct function *nearest_function(struct str name)
{
    const struct function *nearest = NULL;
    size_t best = 4;
    for (size_t i = 0; i < intrinsic_function_count; i++) {
        size_t distance = str_distance(name, intrinsic_functions[i].name, best);
        if (distance < best) {
            best = distance;
            nearest = &intrinsic_functions[i];
        }
    }
    return nearest;
}

static bool find_function(struct scanner *s, const struct function **ret_function)
{
    size_t start = s->at;
    s->at += STR("States.").len;
    struct str name = take_until(s, " \t\r\n(,)'");
    const struct function *nearest = nearest_function(name);
    if (nearest && str_eq(nearest->name, name)) {
        *ret_function = nearest;
        return true;
    }
    if (nearest)
        return refuse(s, start, "there is no States." STR_FMT "; did you mean States." STR_FMT "?",
                      STR_ARG(str_slice(name, 0, 64)), STR_ARG(nearest->name));
    return refuse(s, start, "there is no States." STR_FMT, STR_ARG(str_slice(name, 0, 64)));
}

static bool check_count(struct scanner *s, size_t start, const struct call *call)
{
    const struct function *f = call->function;
    if (call->count >= f->count_min && call->count <= f->count_max)
        return true;
    if (f->count_max == SIZE_MAX)
        return refuse(s, start, "States." STR_FMT " takes at least %zu arguments, not %zu",
                      STR_ARG(f->name), f->count_min, call->count);
    if (f->count_max > f->count_min)
        return refuse(s, start, "States." STR_FMT " takes %zu or %zu arguments, not %zu",
                      STR_ARG(f->name), f->count_min, f->count_max, call->count);
    return refuse(s, start, "States." STR_FMT " takes %zu arguments, not %zu", STR_ARG(f->name),
                  f->count_min, call->count);
}

static bool scan_call(struct scanner *s, const struct call **ret_call)
{
    size_t start = s->at;
    struct call *call = ARENA_NEW(s->arena, struct call);
    if (s->depth == INTRINSIC_NESTING_MAX)
        return refuse(s, start, "calls stand deeper in one another than %d", INTRINSIC_NESTING_MAX);
    s->depth++;
    if (!find_function(s, &call->function))
        return false;
    skip_blanks(s);
    if (!take(s, '('))
        return refuse(s, s->at, "'(' was expected");
    if (!scan_arguments(s, call) || !check_count(s, start, call))
        return false;
    s->depth--;
    *ret_call = call;
    return true;
}

bool intrinsic_looks_like(struct str text)
{
    return str_starts_with(text, STR("States."));
}

bool intrinsic_compile(struct arena *a, struct str text, const struct intrinsic **ret_call,
                       struct err *reterr)
{
    if (text.len > INTRINSIC_TEXT_MAX)
        return err_set(reterr, ERR_INVALID_INTRINSIC,
                       "an intrinsic function call is longer than %d bytes", INTRINSIC_TEXT_MAX);
    struct scanner s = {.arena = a, .text = arena_str(a, text), .reterr = reterr};
    struct intrinsic *whole = ARENA_NEW(a, struct intrinsic);
    whole->text = str_trim(s.text);
    skip_blanks(&s);
    if (!intrinsic_looks_like(str_slice(s.text, s.at, s.text.len)))
        return refuse(&s, s.at, "it must begin with 'States.'");
    if (!scan_call(&s, &whole->call))
        return false;
    skip_blanks(&s);
    if (s.at != s.text.len)
        return refuse(&s, s.at, "nothing can follow the call");
    whole->uses_context = s.uses_context;
    *ret_call = whole;
    return true;
}

/* ---- what a compiled call tells ---- */

struct str intrinsic_text(const struct intrinsic *call)
{
    return call->text;
}

bool intrinsic_uses_context(const struct intrinsic *call)
{
    return call->uses_context;
}

static void each_variable(const struct call *call, void (*visit)(void *arg, struct str name),
                          void *arg)
{
    for (size_t i = 0; i < call->count; i++) {
        const struct argument *a = &call->arguments[i];
        if (a->kind == ARGUMENT_CALL)
            each_variable(a->call, visit, arg);
        else if (a->kind == ARGUMENT_PATH && path_root(a->path) == PATH_ROOT_VARIABLE)
            visit(arg, path_variable(a->path));
    }
}

void intrinsic_each_variable(const struct intrinsic *call,
                             void (*visit)(void *arg, struct str name), void *arg)
{
    each_variable(call->call, visit, arg);
}
