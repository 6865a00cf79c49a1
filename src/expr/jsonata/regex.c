#define PCRE2_CODE_UNIT_WIDTH 8

#include "expr/jsonata/regex.h"

#include "base/utf8.h"

#include <pcre2.h>

enum {
    TRANSLATED_SIZE_MAX = 4 << 20,
    /* A match is tried with few backtracking points, then with a hundred times as many. */
    MATCH_FIRST_MAX = 1000,
    MATCH_GROWTH = 100,
    MATCH_STEP_COST = 10, /* points per step of the evaluation, but the first */
    MATCH_HEAP_KIB_MAX = 16384,
    BYTES_PER_STEP = 1000,
};

struct jx_regex {
    const pcre2_code *code;
    struct str source;
    uint32_t groups;
};

static void *allocate(size_t size, void *a)
{
    return arena_alloc(a, size);
}

static void ignore(UNUSED void *ptr, UNUSED void *a)
{
}

/* PCRE2 10.42 takes the letter that a lookahead begins with for the match's first, and
 * then looks for the last that it needs behind that one: /(?=b).*b/ finds no "b". */
static uint32_t without_shortcuts(struct str translated)
{
    return str_find(translated, STR("(?=")) == SIZE_MAX ? 0 : PCRE2_NO_START_OPTIMIZE;
}

static const pcre2_code *compile(struct arena *a, struct str translated, bool caseless)
{
    pcre2_general_context *general = pcre2_general_context_create(allocate, ignore, a);
    pcre2_compile_context *context = pcre2_compile_context_create(general);
    pcre2_set_compile_extra_options(context, PCRE2_EXTRA_ALLOW_SURROGATE_ESCAPES);
    uint32_t options = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_MATCH_UNSET_BACKREF |
                       PCRE2_DOLLAR_ENDONLY | (caseless ? PCRE2_CASELESS : 0) |
                       without_shortcuts(translated);
    int code;
    size_t offset;
    return pcre2_compile((PCRE2_SPTR)translated.ptr, translated.len, options, &code, &offset,
                         context);
}

bool jx_regex_compile(struct arena *a, struct str pattern, struct str flags,
                      const struct jx_regex **ret_regex)
{
    struct buf b = BUF_INIT(TRANSLATED_SIZE_MAX);
    const pcre2_code *code = NULL;
    if (regex_translate(pattern, str_find_char(flags, 'm') != SIZE_MAX, &b))
        code = compile(a, buf_str(&b), str_find_char(flags, 'i') != SIZE_MAX);
    buf_release(&b);
    if (!code)
        return false;
    struct jx_regex *r = ARENA_NEW(a, struct jx_regex);
    r->code = code;
    r->source = arena_str(a, pattern);
    pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &r->groups);
    *ret_regex = r;
    return true;
}

/* The same length, with U+FFFD where a lone surrogate stands. */
static struct str without_surrogates(struct arena *a, struct str text)
{
    char *copy = NULL;
    for (size_t at = 0; at < text.len;) {
        size_t bad = at + utf8_valid_up_to(str_slice(text, at, text.len));
        if (bad == text.len)
            break;
        if (!copy)
            copy = memcpy(arena_alloc_text(a, text.len), text.ptr, text.len);
        at = bad;
        utf8_next(text, &at);
        if (at - bad == 3)
            memcpy(copy + bad, "\xef\xbf\xbd", 3);
        else
            memset(copy + bad, '?', at - bad);
    }
    return copy ? str_of(copy, text.len) : text;
}

struct jx_matcher jx_matcher_open(struct jx *x, const struct jx_regex *regex, struct str subject)
{
    struct jx_matcher m = {.x = x, .regex = regex, .subject = subject};
    m.scratch = arena_new(0);
    m.checked = without_surrogates(m.scratch, subject);
    pcre2_general_context *general = pcre2_general_context_create(allocate, ignore, m.scratch);
    pcre2_match_context *context = pcre2_match_context_create(general);
    pcre2_set_heap_limit(context, MATCH_HEAP_KIB_MAX);
    m.context = context;
    m.data = pcre2_match_data_create_from_pattern(regex->code, general);
    return m;
}

void jx_matcher_close(struct jx_matcher *m)
{
    arena_free(m->scratch);
    m->scratch = NULL;
}

static bool fail_limit(struct jx *x)
{
    (void)jx_fail_words(x, "U1001",
                        STR("The regular expression takes too many steps to match. Check for "
                            "nested repetition"));
    x->err.limit = JSONATA_LIMIT_STEPS;
    return false;
}

static bool match_from(struct jx_matcher *m, size_t from, bool *ret_found)
{
    const char *bytes = m->checked.ptr ? m->checked.ptr : "";
    if (!jx_spend(m->x, 1 + (m->checked.len - from) / BYTES_PER_STEP))
        return false;
    for (uint32_t limit = MATCH_FIRST_MAX; limit <= REGEX_MATCH_MAX; limit *= MATCH_GROWTH) {
        if (limit > MATCH_FIRST_MAX && !jx_spend(m->x, limit / MATCH_STEP_COST))
            return false;
        pcre2_set_match_limit(m->context, limit);
        int result = pcre2_match(m->regex->code, (PCRE2_SPTR)bytes, m->checked.len, from,
                                 PCRE2_NO_UTF_CHECK, m->data, m->context);
        if (result >= 0 || result == PCRE2_ERROR_NOMATCH) {
            *ret_found = result >= 0;
            return true;
        }
        if (result != PCRE2_ERROR_MATCHLIMIT)
            break;
    }
    return fail_limit(m->x);
}

bool jx_matcher_next(struct jx_matcher *m, bool *ret_found)
{
    bool first = !m->begun;
    *ret_found = false;
    if (!first && m->end >= m->subject.len)
        return true;
    m->begun = true;
    if (!match_from(m, m->end, ret_found) || !*ret_found)
        return !m->x->failed;
    const size_t *offsets = pcre2_get_ovector_pointer(m->data);
    m->start = offsets[0];
    m->end = offsets[1] < offsets[0] ? offsets[0] : offsets[1];
    if (!first && m->start == m->end)
        return jx_fail_value(m->x, "D1004", json_string(m->regex->source));
    return true;
}

size_t jx_matcher_groups(const struct jx_matcher *m)
{
    return m->regex->groups;
}

struct str jx_matcher_group(const struct jx_matcher *m, size_t group)
{
    const size_t *offsets = pcre2_get_ovector_pointer(m->data);
    if (group > m->regex->groups || offsets[2 * group] == PCRE2_UNSET)
        return (struct str){0};
    struct str text = str_slice(m->subject, offsets[2 * group], offsets[2 * group + 1]);
    return text.ptr ? text : STR("");
}

struct json jx_matcher_group_values(const struct jx_matcher *m)
{
    size_t count = m->regex->groups;
    struct json *items = ARENA_ARRAY(m->x->out, struct json, count);
    for (size_t i = 0; i < count; i++) {
        struct str text = jx_matcher_group(m, i + 1);
        items[i] = text.ptr ? json_string(text) : JSON_NONE;
    }
    return json_array(items, count);
}

bool jx_regex_match(struct jx *x, const struct jx_regex *regex, struct str subject, size_t from,
                    bool *ret_found, struct jx_match *ret_match)
{
    struct jx_matcher m = jx_matcher_open(x, regex, subject);
    m.end = from;
    bool ok = jx_matcher_next(&m, ret_found);
    if (ok && *ret_found)
        *ret_match = (struct jx_match){m.start, m.end, jx_matcher_group_values(&m)};
    jx_matcher_close(&m);
    return ok;
}
