#include "json/json_internal.h"

#include <stdlib.h>

void walk_release(struct walk *w)
{
    if (w->frames != w->few)
        free(w->frames);
}

void walk_widen(struct walk *w)
{
    size_t capacity = w->capacity * 2;
    bool first = w->frames == w->few;
    struct walk_frame *frames = realloc(first ? NULL : w->frames, capacity * sizeof(*frames));
    if (!frames)
        panic(__FILE__, __LINE__, "out of memory");
    if (first)
        memcpy(frames, w->few, sizeof(w->few));
    w->frames = frames;
    w->capacity = capacity;
}

/* ---- copies ---- */

static bool holds_bytes(struct json v)
{
    return v.tag == JSON_TAG_STRING || v.tag == JSON_TAG_NUMBER_TEXT;
}

static void copy_one(struct arena *a, struct walk *w, struct json v, struct json *to)
{
    size_t slots = json_slots(v);
    *to = v;
    if (holds_bytes(v)) {
        to->u.bytes = arena_str(a, str_of(v.u.bytes, v.len)).ptr;
    } else if (slots) {
        struct json *copy = arena_alloc(a, slots * sizeof(*copy));
        to->u.items = copy;
        walk_push(w, v.u.items, slots)->u.copy = copy;
    }
}

struct json json_copy(struct arena *a, struct json v)
{
    struct walk w;
    struct walk_frame *f;
    struct json copy;
    walk_init(&w);
    copy_one(a, &w, v, &copy);
    while ((f = walk_next(&w)))
        copy_one(a, &w, *f->at++, f->u.copy++);
    walk_release(&w);
    return copy;
}

static size_t size_one(struct walk *w, struct json v)
{
    size_t slots = json_slots(v);
    if (slots)
        walk_push(w, v.u.items, slots);
    return holds_bytes(v) ? v.len : slots * sizeof(v);
}

size_t json_size(struct json v)
{
    struct walk w;
    struct walk_frame *f;
    walk_init(&w);
    size_t size = size_one(&w, v);
    while ((f = walk_next(&w)))
        size += size_one(&w, *f->at++);
    walk_release(&w);
    return size;
}

/* ---- equality ---- */

static bool same_order(struct json a, struct json b)
{
    for (size_t i = 0; i < a.len; i++) {
        if (!str_eq(json_str(a.u.members[i].key), json_str(b.u.members[i].key)))
            return false;
    }
    return true;
}

static bool push_pair(struct walk *w, const struct json_member *a, const struct json_member *b)
{
    if (!str_eq(json_str(a->key), json_str(b->key)))
        return false;
    walk_push(w, &a->value, 1)->u.twin = &b->value;
    return true;
}

/* Pairs the members of two objects by name; the walk compares the values. */
static bool push_unordered(struct walk *w, struct json a, struct json b)
{
    uint32_t *a_order = json_members_sorted(a.u.members, a.len);
    uint32_t *b_order = json_members_sorted(b.u.members, b.len);
    bool equal = true;
    for (size_t i = 0; equal && i < a.len; i++)
        equal = push_pair(w, &a.u.members[a_order[i]], &b.u.members[b_order[i]]);
    free(a_order);
    free(b_order);
    return equal;
}

static bool push_containers(struct walk *w, struct json a, struct json b)
{
    if (a.len != b.len)
        return false;
    if (a.len == 0 || a.u.items == b.u.items)
        return true;
    if (a.tag == JSON_TAG_OBJECT && !same_order(a, b))
        return push_unordered(w, a, b);
    walk_push(w, a.u.items, json_slots(a))->u.twin = b.u.items;
    return true;
}

/* Compares what can be compared at once and leaves the rest to the walk. */
static bool equal_one(struct walk *w, struct json a, struct json b)
{
    if (json_is_number(a) && json_is_number(b))
        return json_number_equal(a, b);
    if (a.tag != b.tag)
        return false;
    if (a.tag == JSON_TAG_STRING)
        return str_eq(json_str(a), json_str(b));
    if (a.tag == JSON_TAG_ARRAY || a.tag == JSON_TAG_OBJECT)
        return push_containers(w, a, b);
    return true;
}

bool json_equal(struct json a, struct json b)
{
    struct walk w;
    struct walk_frame *f;
    walk_init(&w);
    bool equal = equal_one(&w, a, b);
    while (equal && (f = walk_next(&w)))
        equal = equal_one(&w, *f->at++, *f->u.twin++);
    walk_release(&w);
    return equal;
}
