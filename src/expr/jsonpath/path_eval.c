/* Walks a value along a compiled path.
 *
 * Recursion goes one level per segment that leads to several values, so it is
 * bounded by PATH_SEGMENTS_MAX; going down a value ("..") keeps its own stack.
 * The outcomes, also the odd ones, are those of the library that AWS runs.
 */
#include "expr/java_text.h"
#include "expr/jsonpath/path_internal.h"

/* One step down, remembered for the words of a failure. */
struct step {
    struct str name; /* ptr NULL: an index */
    size_t index;
};

struct walk {
    const struct path *path;
    struct expr_env *env;
    struct json root;  /* what `$` means in filters */
    struct json value; /* of a definite path */
    struct buf found;  /* of any other: struct json after struct json */
    struct buf trail;  /* struct step; unless the path is literal */
    unsigned quiet;    /* above 0 a miss is caught by somebody: it needs no words */
    struct str why;
};

static enum path_outcome visit(struct walk *w, size_t at, struct json v);

/* ---- words ---- */

static void write_trail(struct buf *b, const struct walk *w, size_t at)
{
    buf_append_char(b, '$');
    if (w->path->literal) {
        for (size_t i = 0; i < at; i++)
            buf_append(b, w->path->segments[i].text);
        return;
    }
    for (size_t i = 0; i < w->trail.len; i += sizeof(struct step)) {
        struct step step;
        memcpy(&step, w->trail.ptr + i, sizeof(step));
        if (step.name.ptr)
            buf_printf(b, "['" STR_FMT "']", STR_ARG(step.name));
        else
            buf_printf(b, "[%zu]", step.index);
    }
}

/* `what`, the way to segment `at`, and `end`. */
static enum path_outcome miss(struct walk *w, const char *what, size_t at, struct str end)
{
    if (w->quiet)
        return PATH_MISSING;
    struct buf b = BUF_INIT(EXPR_CAUSE_MAX);
    buf_append(&b, str_of_cstr(what));
    write_trail(&b, w, at);
    buf_append(&b, end);
    w->why = arena_str(w->env->out, buf_str(&b));
    buf_release(&b);
    return PATH_MISSING;
}

/* The library names the segment with all that follows it. */
static enum path_outcome fail_at(struct walk *w, size_t at, const char *what, struct json v)
{
    struct buf b = BUF_INIT(EXPR_CAUSE_MAX);
    buf_append(&b, STR("Filter: "));
    for (size_t i = at; i < w->path->count; i++)
        buf_append(&b, w->path->segments[i].text);
    buf_printf(&b, " %s. Current context is: ", what);
    java_text_write(&b, v, w->env->scratch);
    w->why = arena_str(w->env->out, buf_str(&b));
    buf_release(&b);
    return PATH_FAILED;
}

static enum path_outcome fail_limit(struct walk *w)
{
    w->why = expr_limit_words(w->env);
    return PATH_FAILED;
}

/* ---- steps to one value ---- */

static void push(struct walk *w, struct step step)
{
    if (!w->path->literal && !w->quiet)
        buf_append(&w->trail, str_of((const char *)&step, sizeof(step)));
}

/* Leaves *v absent when a missing name is forgiven. */
static enum path_outcome step_name(struct walk *w, size_t at, struct json *v)
{
    const struct segment *s = &w->path->segments[at];
    if (!json_is_object(*v)) {
        if (w->quiet)
            return PATH_MISSING;
        struct str what = arena_printf(w->env->scratch, "Property " STR_FMT " not found in path ",
                                       STR_ARG(s->text));
        return miss(w, arena_cstr(w->env->scratch, what), at, STR(""));
    }
    *v = json_get(*v, s->u.names[0]);
    if (json_is_absent(*v)) {
        if (at + 1 == w->path->count)
            return miss(w, "No results for path: ", at, s->text);
        return s->forgives ? PATH_FOUND : miss(w, "Missing property in path ", at, s->text);
    }
    push(w, (struct step){.name = s->u.names[0]});
    return PATH_FOUND;
}

static enum path_outcome step_names(struct walk *w, size_t at, struct json *v)
{
    const struct segment *s = &w->path->segments[at];
    if (!json_is_object(*v))
        return step_name(w, at, v);
    struct json_object_builder picked = json_object_builder(w->env->out);
    for (size_t i = 0; i < s->count; i++) {
        struct json member = json_get(*v, s->u.names[i]);
        if (!json_is_absent(member))
            json_object_put(&picked, s->u.names[i], member);
    }
    *v = json_object_done(&picked);
    return PATH_FOUND;
}

static enum path_outcome out_of_bounds(struct walk *w, size_t at, int64_t index)
{
    if (w->quiet)
        return PATH_MISSING;
    return miss(w, "Index out of bounds when evaluating path ", at,
                arena_printf(w->env->scratch, "[%lld]", (long long)index));
}

static enum path_outcome check_array(struct walk *w, size_t at, struct json v)
{
    if (json_is_array(v))
        return PATH_FOUND;
    if (json_is_null(v))
        return miss(w, "The path ", at, STR(" is null"));
    return fail_at(w, at, "can only be applied to arrays", v);
}

static enum path_outcome step_index(struct walk *w, size_t at, struct json *v)
{
    const struct segment *s = &w->path->segments[at];
    enum path_outcome outcome = check_array(w, at, *v);
    if (outcome != PATH_FOUND)
        return outcome;
    int64_t index = s->from;
    if (s->kind == SEGMENT_FROM_END)
        index += (int64_t)json_count(*v);
    if (index < 0 || index >= (int64_t)json_count(*v))
        return out_of_bounds(w, at, index);
    *v = json_at(*v, (size_t)index);
    push(w, (struct step){.index = (size_t)index});
    return PATH_FOUND;
}

/* ---- steps to several values ---- */

static enum path_outcome visit_child(struct walk *w, size_t at, struct json v, struct step step)
{
    size_t trail = w->trail.len;
    push(w, step);
    enum path_outcome outcome = visit(w, at, v);
    w->trail.len = trail;
    return outcome;
}

static enum path_outcome visit_item(struct walk *w, size_t at, struct json array, size_t index)
{
    return visit_child(w, at, json_at(array, index), (struct step){.index = index});
}

static enum path_outcome visit_indexes(struct walk *w, size_t at, struct json v)
{
    const struct segment *s = &w->path->segments[at];
    enum path_outcome outcome = check_array(w, at, v);
    for (size_t i = 0; i < s->count && outcome == PATH_FOUND; i++) {
        int32_t index = s->u.indexes[i];
        if (index < 0 || (size_t)index >= json_count(v))
            return out_of_bounds(w, at, index);
        outcome = visit_item(w, at + 1, v, (size_t)index);
    }
    return outcome;
}

/* Only a slice with one end open counts from the end: with both ends given, a
 * negative start is out of bounds and a negative end gives nothing. */
static enum path_outcome visit_slice(struct walk *w, size_t at, struct json v)
{
    const struct segment *s = &w->path->segments[at];
    enum path_outcome outcome = check_array(w, at, v);
    int64_t count = (int64_t)json_count(v);
    int64_t from = s->has_from ? s->from : 0;
    int64_t to = s->has_to ? s->to : count;
    if (from < 0 && !s->has_to)
        from = from + count < 0 ? 0 : from + count;
    if (to < 0 && !s->has_from)
        to += count;
    if (to > count)
        to = count;
    if (outcome == PATH_FOUND && from < 0 && from < to && count > 0)
        return out_of_bounds(w, at, from);
    for (; outcome == PATH_FOUND && from < to && count > 0; from++)
        outcome = visit_item(w, at + 1, v, (size_t)from);
    return outcome;
}

/* Items in which the rest of the path finds nothing are passed over; members are
 * not: there the library lets the miss through. */
static enum path_outcome visit_all(struct walk *w, size_t at, struct json v)
{
    enum path_outcome outcome = PATH_FOUND;
    const struct json_member *members = json_members(v);
    for (size_t i = 0; i < json_count(v) && outcome != PATH_FAILED; i++) {
        if (members) {
            outcome = visit_child(w, at + 1, members[i].value,
                                  (struct step){.name = json_str(members[i].key)});
            if (outcome != PATH_FOUND)
                return outcome;
        } else {
            w->quiet++;
            outcome = visit_item(w, at + 1, v, i);
            w->quiet--;
        }
    }
    return outcome == PATH_FAILED ? PATH_FAILED : PATH_FOUND;
}

static enum path_outcome accepts(struct walk *w, size_t at, struct json v, bool *ret_accepts)
{
    return filter_accepts(w->path->segments[at].u.filter, v, w->root, w->env, ret_accepts, &w->why)
               ? PATH_FOUND
               : PATH_FAILED;
}

/* Items of an array, or an object itself. */
static enum path_outcome visit_filter(struct walk *w, size_t at, struct json v)
{
    bool accepted = false;
    if (json_is_object(v)) {
        enum path_outcome outcome = accepts(w, at, v, &accepted);
        return outcome == PATH_FOUND && accepted ? visit(w, at + 1, v) : outcome;
    }
    if (!json_is_array(v))
        return fail_at(w, at, "can not be applied to primitives", v);
    enum path_outcome outcome = PATH_FOUND;
    for (size_t i = 0; i < json_count(v) && outcome == PATH_FOUND; i++) {
        if (!expr_spend(w->env, 1))
            return fail_limit(w);
        outcome = accepts(w, at, json_at(v, i), &accepted);
        if (outcome == PATH_FOUND && accepted)
            outcome = visit_item(w, at + 1, v, i);
    }
    return outcome;
}

/* ---- "..": every object and array, parents first ---- */

struct scan_frame {
    struct json container;
    size_t next;
};

static bool has_all_names(struct json object, const struct segment *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (json_is_absent(json_get(object, s->u.names[i])))
            return false;
    }
    return json_is_object(object);
}

static enum path_outcome scan_matches(struct walk *w, size_t at, struct json v, bool *ret_matches)
{
    const struct segment *s = &w->path->segments[at];
    switch (s->kind) {
    case SEGMENT_NAME:
    case SEGMENT_NAMES:
        *ret_matches = has_all_names(v, s);
        return PATH_FOUND;
    case SEGMENT_INDEX:
    case SEGMENT_FROM_END:
    case SEGMENT_INDEXES:
    case SEGMENT_SLICE:
        *ret_matches = json_is_array(v);
        return PATH_FOUND;
    case SEGMENT_WILDCARD:
        *ret_matches = true;
        return PATH_FOUND;
    case SEGMENT_FILTER:
        return accepts(w, at, v, ret_matches);
    case SEGMENT_SCAN:
        break;
    }
    UNREACHABLE("two scans in a row");
}

/* Segment `at` at one container. In an array the library does not apply it but
 * goes on behind it in every item, unless it is the last: so `$..[0].a` gives
 * the `a` of all items. */
static enum path_outcome scan_here(struct walk *w, size_t at, struct json v)
{
    bool matches = false;
    enum path_outcome outcome = scan_matches(w, at, v, &matches);
    if (outcome != PATH_FOUND || !matches)
        return outcome;
    if (json_is_object(v) || at + 1 == w->path->count)
        return visit(w, at, v);
    for (size_t i = 0; i < json_count(v) && outcome == PATH_FOUND; i++)
        outcome = visit_item(w, at + 1, v, i);
    return outcome;
}

/* The next child that is a container itself; false when the frame is done. */
static bool scan_next(struct walk *w, struct scan_frame *f, struct json *ret_child)
{
    const struct json_member *members = json_members(f->container);
    while (f->next < json_count(f->container)) {
        size_t i = f->next++;
        struct json child = members ? members[i].value : json_at(f->container, i);
        if (!json_is_array(child) && !json_is_object(child))
            continue;
        push(w,
             members ? (struct step){.name = json_str(members[i].key)} : (struct step){.index = i});
        *ret_child = child;
        return true;
    }
    return false;
}

static enum path_outcome visit_scan(struct walk *w, size_t at, struct json v)
{
    if (!json_is_array(v) && !json_is_object(v))
        return PATH_FOUND;
    struct arena *scratch = w->env->scratch;
    struct arena_mark mark = arena_mark(scratch);
    size_t depth = 0, capacity = 0, trail = w->trail.len;
    struct scan_frame *frames = arena_grow(scratch, NULL, 0, &capacity, sizeof(*frames));
    frames[depth++] = (struct scan_frame){.container = v};
    enum path_outcome outcome = scan_here(w, at + 1, v);
    while (depth && outcome == PATH_FOUND) {
        struct json child;
        if (!scan_next(w, &frames[depth - 1], &child)) {
            depth--;
            if (depth && w->trail.len > trail)
                w->trail.len -= sizeof(struct step);
            continue;
        }
        if (!expr_spend(w->env, 1 + json_count(child))) {
            outcome = fail_limit(w);
            break;
        }
        outcome = scan_here(w, at + 1, child);
        frames = arena_grow(scratch, frames, depth, &capacity, sizeof(*frames));
        frames[depth++] = (struct scan_frame){.container = child};
    }
    w->trail.len = trail;
    arena_rewind(scratch, mark);
    return outcome;
}

/* ---- the walk ---- */

static enum path_outcome add_found(struct walk *w, struct json v)
{
    if (w->path->definite) {
        w->value = v;
        return PATH_FOUND;
    }
    buf_append(&w->found, str_of((const char *)&v, sizeof(v)));
    if (!arena_room(w->env->out, w->found.len))
        return fail_limit(w);
    return PATH_FOUND;
}

/* Takes one segment. Leaves *v absent when nothing is left to do here. */
static enum path_outcome take_segment(struct walk *w, size_t at, struct json *v)
{
    struct json here = *v;
    switch (w->path->segments[at].kind) {
    case SEGMENT_NAME:
        return step_name(w, at, v);
    case SEGMENT_NAMES:
        return step_names(w, at, v);
    case SEGMENT_INDEX:
    case SEGMENT_FROM_END:
        return step_index(w, at, v);
    case SEGMENT_INDEXES:
        *v = JSON_NONE;
        return visit_indexes(w, at, here);
    case SEGMENT_SLICE:
        *v = JSON_NONE;
        return visit_slice(w, at, here);
    case SEGMENT_WILDCARD:
        *v = JSON_NONE;
        return visit_all(w, at, here);
    case SEGMENT_FILTER:
        *v = JSON_NONE;
        return visit_filter(w, at, here);
    case SEGMENT_SCAN:
        *v = JSON_NONE;
        return visit_scan(w, at, here);
    }
    UNREACHABLE("segment kind");
}

static enum path_outcome visit(struct walk *w, size_t at, struct json v)
{
    size_t trail = w->trail.len;
    enum path_outcome outcome = PATH_FOUND;
    if (!expr_spend(w->env, 1))
        return fail_limit(w);
    for (; at < w->path->count && outcome == PATH_FOUND && !json_is_absent(v); at++)
        outcome = take_segment(w, at, &v);
    w->trail.len = trail;
    if (outcome == PATH_FOUND && !json_is_absent(v))
        outcome = add_found(w, v);
    return outcome;
}

static enum path_outcome walk(struct walk *w, struct json *ret_value, struct str *ret_why)
{
    struct arena_mark mark = arena_mark(w->env->scratch);
    enum path_outcome outcome = visit(w, 0, w->root);
    arena_rewind(w->env->scratch, mark);
    if (outcome == PATH_FOUND && w->path->definite) {
        *ret_value = w->value;
    } else if (outcome == PATH_FOUND) {
        const struct json *items = arena_dup(w->env->out, w->found.ptr, w->found.len);
        *ret_value = json_array(items, w->found.len / sizeof(struct json));
    } else {
        *ret_why = w->why;
    }
    buf_release(&w->found);
    buf_release(&w->trail);
    return outcome;
}

enum path_outcome path_eval_at(const struct path *p, struct json root, struct expr_env *env,
                               struct json *ret_value, struct str *ret_why)
{
    struct walk w = {.path = p, .env = env, .root = root};
    if (json_is_absent(root)) {
        *ret_why = arena_printf(env->out, "No results for path: " STR_FMT, STR_ARG(p->text));
        return PATH_MISSING;
    }
    return walk(&w, ret_value, ret_why);
}

enum path_outcome path_eval_quietly(const struct path *p, struct json root, struct expr_env *env,
                                    struct json *ret_value, struct str *ret_why)
{
    struct walk w = {.path = p, .env = env, .root = root, .quiet = 1};
    return walk(&w, ret_value, ret_why);
}

enum path_outcome path_eval(const struct path *p, struct expr_env *env, struct json *ret_value,
                            struct str *ret_why)
{
    struct json root = env->input;
    if (p->root == PATH_ROOT_CONTEXT)
        root = env->context;
    else if (p->root == PATH_ROOT_VARIABLE)
        root = expr_vars_get(env->vars, p->variable);
    return path_eval_at(p, root, env, ret_value, ret_why);
}
