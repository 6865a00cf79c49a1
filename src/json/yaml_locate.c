#include "json/yaml_internal.h"

/* Nothing is built: the events are walked down the pointer. Where the way leads
 * through an alias, the walk begins anew at the anchor's node. Offsets are in
 * characters until the end. */
struct span {
    size_t from, to;
};

struct locator {
    struct yaml_events events;
    struct str pointer; /* what is left of it */
    struct span value, key;
    bool has_key; /* the last token led to a member of a mapping */
    size_t again; /* number of the event to go on from, after an alias; or 0 */
};

static yaml_event_type_t next(struct locator *l)
{
    return yaml_events_next(&l->events) ? l->events.event.type : YAML_STREAM_END_EVENT;
}

static struct span span_here(const struct locator *l)
{
    return (struct span){l->events.event.start_mark.index, l->events.event.end_mark.index};
}

static int depth_change(yaml_event_type_t type)
{
    if (type == YAML_SEQUENCE_START_EVENT || type == YAML_MAPPING_START_EVENT)
        return 1;
    return type == YAML_SEQUENCE_END_EVENT || type == YAML_MAPPING_END_EVENT ? -1 : 0;
}

/* From the first event of a node to its last one. */
static void skip_node(struct locator *l)
{
    int depth = depth_change(l->events.event.type);
    while (depth > 0) {
        yaml_event_type_t type = next(l);
        if (type == YAML_STREAM_END_EVENT)
            return;
        depth += depth_change(type);
    }
}

/* From the start of a collection to the child that the token names; false at
 * the collection's end. */
static bool find_child(struct locator *l, struct str token)
{
    bool mapping = l->events.event.type == YAML_MAPPING_START_EVENT;
    size_t index = mapping ? SIZE_MAX : json_token_index(token);
    for (size_t i = 0;; i++) {
        yaml_event_type_t type = next(l);
        if (depth_change(type) < 0 || type == YAML_STREAM_END_EVENT)
            return false;
        bool found = i == index;
        if (mapping) {
            found =
                type == YAML_SCALAR_EVENT && json_token_is(token, yaml_scalar(&l->events.event));
            l->key = span_here(l);
            next(l);
        }
        l->has_key = mapping;
        if (found)
            return true;
        skip_node(l);
    }
}

/* The last node with the current alias's anchor before it. */
static size_t anchor_number(const struct locator *l)
{
    struct yaml_events e;
    size_t found = 0;
    yaml_events_open(&e, l->events.text);
    while (yaml_events_next(&e) && e.number < l->events.number) {
        if (e.event.type != YAML_ALIAS_EVENT &&
            str_eq(yaml_anchor(&e.event), yaml_anchor(&l->events.event)))
            found = e.number;
    }
    yaml_events_close(&e);
    return found;
}

/* From the first event of a node down the pointer; true when it was followed to
 * its end. l->value is the place of the deepest node reached. */
static bool descend(struct locator *l)
{
    struct str token, rest = l->pointer;
    for (;;) {
        l->value = span_here(l);
        bool more = json_pointer_next(&rest, &token);
        yaml_event_type_t type = l->events.event.type;
        if (more && type == YAML_ALIAS_EVENT)
            l->again = anchor_number(l);
        if (!more || depth_change(type) <= 0) {
            skip_node(l);
            l->value.to = l->events.event.end_mark.index;
            return !more;
        }
        if (!find_child(l, token)) {
            l->value.to = l->events.event.end_mark.index;
            return false;
        }
        l->pointer = rest;
    }
}

/* Walks from event number `from` (0: the document's root). */
static bool locate_from(struct locator *l, size_t from)
{
    yaml_events_open(&l->events, l->events.text);
    yaml_event_type_t type;
    do {
        type = next(l);
    } while (type != YAML_STREAM_END_EVENT &&
             (from ? l->events.number < from : type != YAML_DOCUMENT_START_EVENT));
    if (!from)
        next(l);
    bool found = descend(l);
    yaml_events_close(&l->events);
    return found;
}

struct json_place yaml_locate(struct str text, struct str pointer, bool key)
{
    struct locator l = {.events.text = text, .pointer = pointer};
    bool found = locate_from(&l, 0);
    while (!found && l.again) {
        size_t from = l.again;
        l.again = 0;
        found = locate_from(&l, from);
    }
    struct span span = key && found && l.has_key ? l.key : l.value;
    size_t from = yaml_offset(text, span.from), to = yaml_offset(text, span.to);
    while (to > from &&
           scan_is_space(text.ptr[to - 1])) /* a block ends where the next token begins */
        to--;
    struct json_place place = json_place_at(text, from);
    place.length = to - from;
    return place;
}
