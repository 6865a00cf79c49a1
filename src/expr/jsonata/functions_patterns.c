/* $match, $contains, $replace and $split, with strings, regular expressions, and
 * functions of the expression's own that match like one. */
#include "expr/jsonata/functions.h"
#include "expr/jsonata/integer_picture.h"
#include "expr/jsonata/regex.h"
#include "expr/jsonata/text.h"

#include <math.h>

enum {
    BYTES_PER_STEP = 1000
};

/* Over the matches in a text: of a regular expression at once, of any function by what
 * it gives: {match, start, end, groups, next}. */
struct walk {
    struct jx *x;
    struct json subject, function;
    const struct jx_regex *regex; /* NULL: call the function */
    struct jx_matcher matcher;
    struct json current; /* what the function gave; absent before the first */
    struct str match;
    size_t start, end; /* bytes */
};

static struct walk walk_open(struct jx *x, struct json subject, struct json function, bool objects)
{
    struct walk w = {.x = x, .subject = subject, .function = function};
    w.regex = objects ? NULL : jx_regex_of(function);
    if (w.regex)
        w.matcher = jx_matcher_open(x, w.regex, json_str(subject));
    return w;
}

static void walk_close(struct walk *w)
{
    if (w->regex)
        jx_matcher_close(&w->matcher);
}

static bool is_match(struct json v)
{
    return json_is_object(v) &&
           (json_is_number(json_get(v, STR("start"))) ||
            json_is_array(json_get(v, STR("groups"))) || jx_is_function(json_get(v, STR("next"))));
}

static size_t byte_of(struct walk *w, const char *name)
{
    double unit = jx_to_double(json_get(w->current, str_of_cstr(name)));
    struct str text = json_str(w->subject);
    return unit > 0 ? text_byte_of_unit(text, (size_t)fmin(unit, (double)text.len)) : 0;
}

static bool walk_call(struct walk *w, bool *ret_found)
{
    bool first = json_is_absent(w->current);
    struct json next = first ? w->function : json_get(w->current, STR("next"));
    if (!jx_spend(w->x, 1 + json_str(w->subject).len / BYTES_PER_STEP))
        return false;
    if (!jx_is_function(next))
        return jx_fail(w->x, "T1010");
    if (!jx_call(w->x, next, &w->subject, first ? 1 : 0, &w->current))
        return false;
    *ret_found = !json_is_absent(w->current);
    if (!*ret_found)
        return true;
    if (!is_match(w->current))
        return jx_fail(w->x, "T1010");
    w->match = json_str(json_get(w->current, STR("match")));
    w->start = byte_of(w, "start");
    w->end = byte_of(w, "end");
    return true;
}

static bool walk_next(struct walk *w, bool *ret_found)
{
    if (!w->regex)
        return walk_call(w, ret_found);
    if (!jx_matcher_next(&w->matcher, ret_found))
        return false;
    w->start = w->matcher.start;
    w->end = w->matcher.end;
    w->match = str_slice(json_str(w->subject), w->start, w->end);
    return true;
}

/* ---- limits ---- */

/* The optional last argument; an infinity when it is missing. */
static bool read_limit(struct jx *x, const struct json *args, size_t count, size_t index,
                       const char *code, double *ret_limit)
{
    *ret_limit = INFINITY;
    if (index >= count || json_is_absent(args[index]))
        return true;
    *ret_limit = jx_to_double(args[index]);
    return *ret_limit < 0 ? jx_fail_value(x, code, args[index]) : true;
}

/* Below, the next match is looked for before the limit is asked: it may be the empty one
 * that is an error. */

/* ---- $match ---- */

static struct json match_object(struct walk *w, size_t unit)
{
    struct json_object_builder b = json_object_builder(w->x->out);
    if (w->regex) {
        json_object_add(&b, STR("match"), json_string(w->match));
        json_object_add(&b, STR("index"), json_int((int64_t)unit));
        json_object_add(&b, STR("groups"), jx_matcher_group_values(&w->matcher));
    } else {
        json_object_add(&b, STR("match"), json_get(w->current, STR("match")));
        json_object_add(&b, STR("index"), json_get(w->current, STR("start")));
        json_object_add(&b, STR("groups"), json_get(w->current, STR("groups")));
    }
    return json_object_done(&b);
}

static bool collect_matches(struct walk *w, double limit, struct json *ret)
{
    struct json_array_builder items = json_array_builder(w->x->out);
    size_t seen = 0, unit = 0;
    bool found = false;
    if (limit > 0 && !walk_next(w, &found))
        return false;
    while (found && (double)items.count < limit) {
        if (w->regex) {
            unit += text_units(str_slice(json_str(w->subject), seen, w->start));
            seen = w->start;
        }
        json_array_add(&items, match_object(w, unit));
        if (!jx_spend(w->x, 1) || !walk_next(w, &found))
            return false;
    }
    *ret = jx_sequence(json_array_done(&items));
    return true;
}

static bool call_match(struct jx *x, const struct json *args, size_t count, struct json *ret)
{
    double limit;
    *ret = JSON_NONE;
    if (json_is_absent(args[0]))
        return true;
    if (!read_limit(x, args, count, 2, "D3040", &limit))
        return false;
    struct walk w = walk_open(x, args[0], args[1], false);
    bool ok = collect_matches(&w, limit, ret);
    walk_close(&w);
    return ok;
}

/* ---- $contains ---- */

static bool call_contains(struct jx *x, const struct json *args, UNUSED size_t count,
                          struct json *ret)
{
    *ret = JSON_NONE;
    if (json_is_absent(args[0]) || json_is_absent(args[1]))
        return true;
    bool found = false;
    if (json_is_string(args[1])) {
        if (!jx_spend(x, 1 + json_str(args[0]).len / BYTES_PER_STEP))
            return false;
        found = str_find(json_str(args[0]), json_str(args[1])) != SIZE_MAX;
    } else {
        struct walk w = walk_open(x, args[0], args[1], false);
        bool ok = walk_next(&w, &found);
        walk_close(&w);
        if (!ok)
            return false;
    }
    *ret = json_bool(found);
    return true;
}

/* ---- $split ---- */

static bool split_at_text(struct jx *x, struct str text, struct str separator, double limit,
                          struct json_array_builder *items)
{
    size_t start = 0;
    limit = floor(limit);
    while ((double)items->count < limit) {
        if (!jx_spend(x, 1))
            return false;
        struct str rest = str_slice(text, start, text.len);
        size_t length = str_find(rest, separator);
        if (length == SIZE_MAX) {
            json_array_add(items, json_string(rest));
            return true;
        }
        json_array_add(items, json_string(str_slice(rest, 0, length)));
        start += length + separator.len;
    }
    return true;
}

/* Characters, not the halves of pairs that JavaScript makes of some. */
static bool split_characters(struct jx *x, struct str text, double limit,
                             struct json_array_builder *items)
{
    limit = floor(limit);
    for (size_t at = 0; at < text.len && (double)items->count < limit;) {
        if (!jx_spend(x, 1))
            return false;
        size_t end = at + 1;
        while (end < text.len && ((unsigned char)text.ptr[end] & 0xc0) == 0x80)
            end++;
        json_array_add(items, json_string(str_slice(text, at, end)));
        at = end;
    }
    return true;
}

static bool split_at_matches(struct walk *w, double limit, struct json_array_builder *items)
{
    struct str text = json_str(w->subject);
    size_t start = 0;
    bool found = false;
    if (limit > 0 && !walk_next(w, &found))
        return false;
    while (found && (double)items->count < limit) {
        json_array_add(items, json_string(str_slice(text, start, w->start)));
        start = w->end;
        if (!jx_spend(w->x, 1) || !walk_next(w, &found))
            return false;
    }
    if ((double)items->count < limit)
        json_array_add(items, json_string(str_slice(text, start, text.len)));
    return true;
}

static bool call_split(struct jx *x, const struct json *args, size_t count, struct json *ret)
{
    double limit;
    *ret = JSON_NONE;
    if (json_is_absent(args[0]))
        return true;
    if (!read_limit(x, args, count, 2, "D3020", &limit))
        return false;
    struct json_array_builder items = json_array_builder(x->out);
    struct str text = json_str(args[0]), separator = json_str(args[1]);
    bool ok;
    if (!json_is_string(args[1])) {
        struct walk w = walk_open(x, args[0], args[1], false);
        ok = split_at_matches(&w, limit, &items);
        walk_close(&w);
    } else if (separator.len) {
        ok = split_at_text(x, text, separator, limit, &items);
    } else {
        ok = split_characters(x, text, limit, &items);
    }
    *ret = json_array_done(&items);
    return ok;
}

/* ---- $replace ---- */

static size_t group_count(const struct walk *w)
{
    return w->regex ? jx_matcher_groups(&w->matcher)
                    : json_count(json_get(w->current, STR("groups")));
}

static struct str group_text(const struct walk *w, double number)
{
    if (!(number >= 1) || number > (double)group_count(w))
        return (struct str){0};
    size_t group = (size_t)number;
    return w->regex ? jx_matcher_group(&w->matcher, group)
                    : json_str(json_at(json_get(w->current, STR("groups")), group - 1));
}

/* Behind a $ that neither $ nor 0 follows. At most as many digits count as the number
 * of groups has, one less where that many name no group. Gives the bytes it took. */
static size_t write_group(struct buf *b, const struct walk *w, struct str rest)
{
    size_t groups = group_count(w);
    size_t digits = groups ? (size_t)floor(log((double)groups) * M_LOG10E) + 1 : 1;
    double number = integer_prefix(str_slice(rest, 0, digits));
    if (digits > 1 && number > (double)groups)
        number = integer_prefix(str_slice(rest, 0, digits - 1));
    if (isnan(number)) {
        buf_append_char(b, '$');
        return 0;
    }
    buf_append(b, group_text(w, number));
    size_t taken = number < 0;
    for (double left = fabs(number); taken == (number < 0) || left >= 1; left = floor(left / 10))
        taken++;
    return taken;
}

static void write_replacement(struct buf *b, const struct walk *w, struct str replacement)
{
    while (replacement.len) {
        size_t dollar = str_find_char(replacement, '$');
        buf_append(b, str_slice(replacement, 0, dollar));
        if (dollar == SIZE_MAX)
            return;
        replacement = str_slice(replacement, dollar + 1, replacement.len);
        char next = replacement.len ? replacement.ptr[0] : 0;
        size_t taken = 1;
        if (next == '$')
            buf_append_char(b, '$');
        else if (next == '0')
            buf_append(b, w->match);
        else
            taken = write_group(b, w, replacement);
        replacement = str_slice(replacement, taken, replacement.len);
    }
}

static bool write_computed(struct buf *b, struct walk *w, struct json replacement)
{
    struct json text;
    if (!jx_call(w->x, replacement, &w->current, 1, &text))
        return false;
    if (!json_is_string(text))
        return jx_fail_value(w->x, "D3012", text);
    buf_append(b, json_str(text));
    return true;
}

static bool replace_matches(struct walk *w, struct json replacement, double limit, struct buf *b)
{
    struct str text = json_str(w->subject);
    size_t done = 0;
    bool found = false;
    if (limit > 0 && !walk_next(w, &found))
        return false;
    for (size_t count = 0; found && (double)count < limit; count++) {
        if (w->start > done)
            buf_append(b, str_slice(text, done, w->start));
        if (json_is_string(replacement))
            write_replacement(b, w, json_str(replacement));
        else if (!write_computed(b, w, replacement))
            return false;
        done = w->start + w->match.len;
        if (!jx_spend(w->x, 1) || !jx_room(w->x, b->len) || !walk_next(w, &found))
            return false;
    }
    buf_append(b, str_slice(text, done, text.len));
    return true;
}

static bool replace_text(struct jx *x, struct str text, struct str pattern, struct json replacement,
                         double limit, struct buf *b)
{
    size_t done = 0;
    for (size_t count = 0; (double)count < limit; count++) {
        struct str rest = str_slice(text, done, text.len);
        size_t length = str_find(rest, pattern);
        if (!jx_spend(x, 1) || !jx_room(x, b->len))
            return false;
        if (length == SIZE_MAX)
            break;
        if (!json_is_string(replacement))
            return jx_fail_value(x, "D3012", replacement);
        buf_append(b, str_slice(rest, 0, length));
        buf_append(b, json_str(replacement));
        done += length + pattern.len;
    }
    buf_append(b, str_slice(text, done, text.len));
    return true;
}

static bool call_replace(struct jx *x, const struct json *args, size_t count, struct json *ret)
{
    double limit;
    *ret = JSON_NONE;
    if (json_is_absent(args[0]))
        return true;
    if (json_is_string(args[1]) && !json_str(args[1]).len)
        return jx_fail_value(x, "D3010", args[1]);
    if (!read_limit(x, args, count, 3, "D3011", &limit))
        return false;
    struct buf b = BUF_INIT(0);
    bool ok;
    if (json_is_string(args[1])) {
        ok = replace_text(x, json_str(args[0]), json_str(args[1]), args[2], limit, &b);
    } else {
        struct walk w = walk_open(x, args[0], args[1], jx_is_function(args[2]));
        ok = replace_matches(&w, args[2], limit, &b);
        walk_close(&w);
    }
    ok = ok && jx_holds_text(x, b.len) && jx_room(x, b.len);
    if (ok)
        *ret = json_string_copy(x->out, buf_str(&b));
    buf_release(&b);
    return ok;
}

static const struct jx_builtin rows[] = {
    {STR_INIT("match"), "<s-f<s:o>n?:a<o>>", call_match, JX_ROW_ALWAYS, 3},
    {STR_INIT("contains"), "<s-(sf):b>", call_contains, JX_ROW_ALWAYS, 2},
    {STR_INIT("replace"), "<s-(sf)(sf)n?:s>", call_replace, JX_ROW_ALWAYS, 4},
    {STR_INIT("split"), "<s-(sf)n?:a<s>>", call_split, JX_ROW_ALWAYS, 3},
};

const struct jx_table jx_table_patterns = {rows, COUNT_OF(rows)};
