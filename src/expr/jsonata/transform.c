/* `|pattern|update, delete|`: a copy of an object with some objects in it changed. */
#include "expr/jsonata/ast.h"

/* What became of objects of the copy, by the place of their members. */
struct patch {
    const struct json_member *of;
    struct json now;
};

struct patches {
    struct jx *x;
    const struct jx_callable *transform;
    struct patch *slots;
    size_t size, count; /* size is a power of two */
};

static size_t slot_of(const struct patches *p, const struct json_member *of)
{
    size_t at = (size_t)(((uintptr_t)of >> 4) * 0x9E3779B97F4A7C15u) & (p->size - 1);
    while (p->slots[at].of && p->slots[at].of != of)
        at = (at + 1) & (p->size - 1);
    return at;
}

static void patches_grow(struct patches *p)
{
    struct patches old = *p;
    p->size = old.size ? old.size * 2 : 16;
    p->slots = ARENA_ARRAY(p->x->out, struct patch, p->size);
    for (size_t i = 0; i < old.size; i++) {
        if (old.slots[i].of)
            p->slots[slot_of(p, old.slots[i].of)] = old.slots[i];
    }
}

static struct json patched(const struct patches *p, struct json object)
{
    if (!p->count)
        return object;
    const struct patch *slot = &p->slots[slot_of(p, object.u.members)];
    return slot->of ? slot->now : object;
}

static void patch_put(struct patches *p, struct json object, struct json now)
{
    if (2 * (p->count + 1) > p->size)
        patches_grow(p);
    struct patch *slot = &p->slots[slot_of(p, object.u.members)];
    p->count += !slot->of;
    *slot = (struct patch){object.u.members, now};
}

/* The value with all patches in it. */
static bool rebuild(struct patches *p, struct json v, size_t depth, struct json *ret)
{
    *ret = v;
    if (depth > JSONATA_DEPTH_MAX)
        return jx_limit(p->x, JSONATA_LIMIT_DEPTH);
    if (json_is_object(v))
        v = patched(p, v);
    size_t count = json_count(v);
    if (!jx_spend(p->x, count / 8 + 1))
        return false;
    if (json_is_array(v)) {
        struct json *items = arena_dup(p->x->out, v.u.items, count * sizeof(*items));
        for (size_t i = 0; i < count; i++) {
            if (!rebuild(p, items[i], depth + 1, &items[i]))
                return false;
        }
        uint8_t flags = v.flags & ~JX_GROWS;
        v = json_array(items, count);
        v.flags = flags;
    } else if (json_is_object(v)) {
        struct json_member *members = arena_dup(p->x->out, v.u.members, count * sizeof(*members));
        for (size_t i = 0; i < count; i++) {
            if (!rebuild(p, members[i].value, depth + 1, &members[i].value))
                return false;
        }
        v = json_object(members, count);
    }
    *ret = v;
    return true;
}

/* What update and delete see: as it is now, and no alias of what is to be changed. */
static bool match_now(struct patches *p, struct json match, struct json *ret)
{
    *ret = match;
    if (p->count)
        return rebuild(p, match, 0, ret);
    if (json_is_object(match))
        ret->u.members =
            arena_dup(p->x->out, match.u.members, match.len * sizeof(*match.u.members));
    return true;
}

static bool update_match(struct patches *p, struct json match)
{
    const struct node *n = p->transform->node;
    struct json context = JSON_NONE, update = JSON_NONE;
    if (!match_now(p, match, &context) ||
        !jx_eval(p->x, n->rhs, context, p->transform->frame, &update))
        return false;
    if (json_is_absent(update))
        return true;
    if (!json_is_object(update))
        return jx_fail_at(p->x, "T2011", n->rhs, STR(""), update, JSON_NONE);
    if (!json_is_object(match))
        return true;
    struct json now = patched(p, match);
    struct json_object_builder b = json_object_builder(p->x->out);
    for (size_t i = 0; i < now.len; i++)
        json_object_add(&b, json_str(now.u.members[i].key), now.u.members[i].value);
    for (size_t i = 0; i < update.len; i++)
        json_object_put(&b, json_str(update.u.members[i].key), update.u.members[i].value);
    patch_put(p, match, json_object_done(&b));
    return true;
}

static bool is_deleted(const struct json *names, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(json_str(names[i]), name))
            return true;
    }
    return false;
}

static bool delete_from_match(struct patches *p, struct json match)
{
    const struct node *n = p->transform->node;
    struct json context = JSON_NONE, names = JSON_NONE;
    if (!match_now(p, match, &context) ||
        !jx_eval(p->x, n->other, context, p->transform->frame, &names))
        return false;
    if (json_is_absent(names))
        return true;
    const struct json *items = json_is_array(names) ? names.u.items : &names;
    size_t count = json_is_array(names) ? names.len : 1;
    for (size_t i = 0; i < count; i++) {
        if (!json_is_string(items[i]))
            return jx_fail_at(p->x, "T2012", n->other, STR(""), names, JSON_NONE);
    }
    if (!json_is_object(match))
        return true;
    struct json now = patched(p, match);
    struct json_object_builder b = json_object_builder(p->x->out);
    for (size_t i = 0; i < now.len; i++) {
        if (!is_deleted(items, count, json_str(now.u.members[i].key)))
            json_object_add(&b, json_str(now.u.members[i].key), now.u.members[i].value);
    }
    patch_put(p, match, json_object_done(&b));
    return true;
}

/* The copy comes from $clone, which a variable may stand for. */
static bool copy_of(struct jx *x, const struct jx_callable *t, struct json object, struct json *ret)
{
    struct json cloner = jx_lookup_variable(x, t->node->symbol, t->frame);
    if (!jx_is_function(cloner))
        return jx_fail_at(x, "T2013", t->node, STR(""), JSON_NONE, JSON_NONE);
    if (jx_callable_of(cloner)->kind != CALLABLE_BUILTIN &&
        !jx_call(x, cloner, &object, 1, &object))
        return false;
    return jx_clone(x, object, ret);
}

bool eval_transform(struct jx *x, const struct jx_callable *transform, struct json object,
                    struct json *ret)
{
    struct patches p = {.x = x, .transform = transform};
    struct json copy = JSON_NONE, matches = JSON_NONE;
    *ret = JSON_NONE;
    if (json_is_absent(object))
        return true;
    if (!json_is_object(object) && !json_is_array(object)) {
        (void)jx_fail_value(x, "T0410", object);
        x->err_index = 1;
        return false;
    }
    if (!copy_of(x, transform, object, &copy) ||
        !jx_eval(x, transform->node->lhs, copy, transform->frame, &matches))
        return false;
    const struct json *items = json_is_array(matches) ? matches.u.items : &matches;
    size_t count = json_is_array(matches) ? matches.len : !json_is_absent(matches);
    for (size_t i = 0; i < count; i++) {
        if (!update_match(&p, items[i]) ||
            (transform->node->other && !delete_from_match(&p, items[i])))
            return false;
    }
    *ret = copy;
    return !p.count || rebuild(&p, copy, 0, ret);
}
