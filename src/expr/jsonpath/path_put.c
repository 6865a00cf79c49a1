/* ResultPath: a value put into another at the end of a reference path. */
#include "expr/jsonpath/path_internal.h"

static enum path_outcome fail_limit(const struct expr_env *env, struct str *ret_why)
{
    *ret_why = expr_limit_words(env);
    return PATH_FAILED;
}

/* The value at segment `at` of `v`; absent when a member is yet to be made. */
static enum path_outcome go_down(const struct path *p, size_t at, struct json v,
                                 struct expr_env *env, struct json *ret_child, struct str *ret_why)
{
    const struct segment *s = &p->segments[at];
    if (s->kind == SEGMENT_NAME) {
        *ret_child = json_get(v, s->u.names[0]);
        return PATH_FOUND;
    }
    if (s->from >= 0 && (size_t)s->from < json_count(v) && json_is_array(v)) {
        *ret_child = json_at(v, (size_t)s->from);
        return PATH_FOUND;
    }
    struct buf b = BUF_INIT(EXPR_CAUSE_MAX);
    buf_append(&b, STR("Index out of bounds when evaluating path $"));
    for (size_t i = 0; i <= at; i++)
        buf_append(&b, p->segments[i].text);
    *ret_why = arena_str(env->out, buf_str(&b));
    buf_release(&b);
    return PATH_MISSING;
}

static struct json with_item(struct arena *a, struct json array, size_t index, struct json value)
{
    struct json *items = arena_dup(a, array.u.items, json_count(array) * sizeof(*items));
    items[index] = value;
    return json_array(items, json_count(array));
}

static struct json with_child(struct arena *a, struct json parent, const struct segment *s,
                              struct json value)
{
    if (s->kind == SEGMENT_INDEX)
        return with_item(a, parent, (size_t)s->from, value);
    if (!json_is_object(parent))
        parent = json_object(NULL, 0);
    return json_object_with(a, parent, s->u.names[0], value);
}

enum path_outcome path_put(const struct path *p, struct json root, struct json value,
                           struct expr_env *env, struct json *ret_value, struct str *ret_why)
{
    ASSERT(p->reference);
    struct arena_mark mark = arena_mark(env->scratch);
    struct json *parents = ARENA_ARRAY(env->scratch, struct json, p->count);
    enum path_outcome outcome = PATH_FOUND;
    for (size_t i = 0; i < p->count && outcome == PATH_FOUND; i++) {
        parents[i] = root;
        if (expr_spend(env, 1 + json_count(root)))
            outcome = go_down(p, i, root, env, &root, ret_why);
        else
            outcome = fail_limit(env, ret_why);
    }
    for (size_t i = p->count; i-- > 0 && outcome == PATH_FOUND;)
        value = with_child(env->out, parents[i], &p->segments[i], value);
    arena_rewind(env->scratch, mark);
    if (outcome == PATH_FOUND && arena_over(env->out))
        outcome = fail_limit(env, ret_why);
    if (outcome == PATH_FOUND)
        *ret_value = value;
    return outcome;
}
