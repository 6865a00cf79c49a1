/* The regular expressions of filters, by PCRE2 inside an arena.
 *
 * A pattern and its data are foreign: matching is interpreted (no code is made
 * at run time), counted and cut off.
 */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "expr/jsonpath/path_internal.h"

#include <pcre2.h>

enum {
    /* Most matches are done in the first; the second is charged accordingly. */
    MATCH_FIRST_MAX = 1000,
    MATCH_STEP_COST = 100, /* backtracking points per step of the expression */
    MATCH_HEAP_KIB_MAX = 4096,
};

struct pattern {
    const pcre2_code *code;
};

static void *allocate(size_t size, void *a)
{
    return arena_alloc(a, size);
}

static void ignore(UNUSED void *ptr, UNUSED void *a)
{
}

bool pattern_compile(struct arena *a, struct str text, const struct pattern **ret_pattern,
                     struct str *ret_why)
{
    bool caseless = str_ends_with(text, STR("i"));
    struct str inner = str_slice(text, 1, text.len - (caseless ? 2 : 1));
    pcre2_general_context *general = pcre2_general_context_create(allocate, ignore, a);
    pcre2_compile_context *context = pcre2_compile_context_create(general);
    pcre2_set_newline(context, PCRE2_NEWLINE_ANY);
    uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C;
    int code;
    size_t offset;
    pcre2_code *compiled =
        pcre2_compile((PCRE2_SPTR)inner.ptr, inner.len, options | (caseless ? PCRE2_CASELESS : 0),
                      &code, &offset, context);
    if (!compiled) {
        PCRE2_UCHAR8 message[128] = "";
        pcre2_get_error_message(code, message, sizeof(message));
        *ret_why = arena_printf(a, "the pattern is refused: %s", (const char *)message);
        return false;
    }
    struct pattern *p = ARENA_NEW(a, struct pattern);
    p->code = compiled;
    *ret_pattern = p;
    return true;
}

static int match_within(const struct pattern *p, struct str subject, struct arena *scratch,
                        uint32_t match_max)
{
    struct arena_mark mark = arena_mark(scratch);
    pcre2_general_context *general = pcre2_general_context_create(allocate, ignore, scratch);
    pcre2_match_context *context = pcre2_match_context_create(general);
    pcre2_set_match_limit(context, match_max);
    pcre2_set_heap_limit(context, MATCH_HEAP_KIB_MAX);
    pcre2_match_data *data = pcre2_match_data_create(1, general);
    const char *bytes = subject.ptr ? subject.ptr : "";
    int result = pcre2_match(p->code, (PCRE2_SPTR)bytes, subject.len, 0,
                             PCRE2_ANCHORED | PCRE2_ENDANCHORED, data, context);
    arena_rewind(scratch, mark);
    return result;
}

enum pattern_outcome pattern_match(const struct pattern *p, struct str subject,
                                   struct expr_env *env)
{
    int result = PCRE2_ERROR_MATCHLIMIT;
    if (expr_spend(env, MATCH_FIRST_MAX / MATCH_STEP_COST))
        result = match_within(p, subject, env->scratch, MATCH_FIRST_MAX);
    if (result == PCRE2_ERROR_MATCHLIMIT &&
        expr_spend(env, PATH_PATTERN_MATCH_MAX / MATCH_STEP_COST))
        result = match_within(p, subject, env->scratch, PATH_PATTERN_MATCH_MAX);
    if (result >= 0)
        return PATTERN_MATCHES;
    return result == PCRE2_ERROR_NOMATCH ? PATTERN_DIFFERS : PATTERN_LIMIT;
}
