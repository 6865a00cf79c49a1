#include "journal/fields.h"
#include "journal/journal_internal.h"

#include <math.h>

/* The text is parsed into a short-lived arena; only what outlives the row (its
 * values, its events and their texts) is copied into the reader's, since the
 * parsed events are several times larger than both. */
struct decoder {
    const struct journal_reader *reader;
    struct arena *arena;
    uint32_t turn;
    struct turn_values values;
    size_t event; /* being decoded */
    struct err *reterr;
};

/* Fails with the event and the field named. */
static bool bad_field(const struct decoder *d, struct str name, const char *wanted)
{
    return journal_damaged(d->reterr, d->turn, "field \"" STR_FMT "\" of event %zu is not %s",
                           STR_ARG(name), d->event, wanted);
}

static bool has_room(const struct decoder *d, size_t size)
{
    if (arena_room(d->arena, size))
        return true;
    return err_set(d->reterr, ERR_MEMORY_LIMIT,
                   "turn %u of the journal needs more memory than its limit allows", d->turn);
}

/* ---- fields ---- */

static bool read_i64(const struct decoder *d, struct str name, struct json value, int64_t *ret)
{
    return json_to_int64(value, ret) || bad_field(d, name, "a whole number");
}

static bool read_u32(const struct decoder *d, struct str name, struct json value, uint32_t *ret)
{
    int64_t number;
    if (!json_to_int64(value, &number) || number < 0 || number > UINT32_MAX)
        return bad_field(d, name, "a whole number from 0 to 4294967295");
    *ret = (uint32_t)number;
    return true;
}

static bool read_real(const struct decoder *d, struct str name, struct json value, double *ret)
{
    double number = json_to_double(value);
    if (!json_is_number(value) || !isfinite(number))
        return bad_field(d, name, "a number");
    *ret = number;
    return true;
}

static bool read_text(const struct decoder *d, struct str name, struct json value, struct str *ret)
{
    if (!json_is_string(value))
        return bad_field(d, name, "a text");
    struct str text = json_str(value);
    if (!has_room(d, text.len))
        return false;
    *ret = arena_str(d->arena, text);
    return true;
}

static bool read_flagged(const struct decoder *d, struct str name, struct json value, bool *ret_has,
                         struct str *ret)
{
    *ret_has = read_text(d, name, value, ret);
    return *ret_has;
}

static bool copy_value(const struct decoder *d, struct json value, struct json *ret)
{
    if (!has_room(d, json_size(value)))
        return false;
    *ret = json_copy(d->arena, value);
    return true;
}

/* index, or [turn, index] of an earlier turn. */
static bool read_slot(const struct decoder *d, struct str name, struct json value, struct slot *ret)
{
    struct slot slot = {.turn = d->turn};
    const struct turn_values *values = &d->values;
    struct json index = value;
    if (json_is_array(value)) {
        index = json_at(value, 1);
        if (json_count(value) != 2 || !read_u32(d, name, json_at(value, 0), &slot.turn) ||
            slot.turn >= d->turn)
            return bad_field(d, name, "a reference to an earlier turn");
        values = &d->reader->turns[slot.turn];
    }
    if (!read_u32(d, name, index, &slot.index) || slot.index >= values->count)
        return bad_field(d, name, "a reference to a value that exists");
    slot.value = values->items[slot.index];
    *ret = slot;
    return true;
}

/* One macro a type of JOURNAL_FIELD_TABLE. The kind was read before. */
#define READ_KIND(member) true
#define READ_U32(member) read_u32(d, name, value, &e->member)
#define READ_ORDINAL(member) READ_U32(member)
#define READ_STATE(member) READ_U32(member)
#define READ_I64(member) read_i64(d, name, value, &e->member)
#define READ_REAL(member) read_real(d, name, value, &e->member)
#define READ_SLOT(member) read_slot(d, name, value, &e->member)
#define READ_FLAGGED(member) read_flagged(d, name, value, &e->has_##member, &e->member)
#define READ_TEXT(member) read_text(d, name, value, &e->member)
#define READ_JSON(member) copy_value(d, value, &e->member)
#define READ_FIELD(type, spelling, member, what)                                                   \
    if (str_eq(name, STR(spelling)))                                                               \
        return READ_##type(member);

static bool read_field(const struct decoder *d, struct str name, struct json value,
                       struct flow_event *e)
{
    JOURNAL_FIELD_TABLE(READ_FIELD)
    return journal_damaged(d->reterr, d->turn, "event %zu has an unknown field \"" STR_FMT "\"",
                           d->event, STR_ARG(name));
}

/* ---- events ---- */

static bool read_kind(const struct decoder *d, struct json event, enum event_kind *ret_kind)
{
    uint32_t kind = 0;
    if (!json_is_object(event))
        return journal_damaged(d->reterr, d->turn, "event %zu is not an object", d->event);
    if (!read_u32(d, STR("k"), json_get(event, STR("k")), &kind))
        return false;
    if (!event_kind_known(kind))
        return journal_damaged(d->reterr, d->turn, "event %zu is of the unknown kind %u", d->event,
                               kind);
    *ret_kind = (enum event_kind)kind;
    return true;
}

static bool read_event(const struct decoder *d, struct json event, struct flow_event *e)
{
    if (!read_kind(d, event, &e->kind))
        return false;
    e->attempt = 1;
    e->state = e->next = STATE_NO_NONE;
    const struct json_member *members = json_members(event);
    for (size_t i = 0; i < json_count(event); i++) {
        if (!read_field(d, json_str(members[i].key), members[i].value, e))
            return false;
    }
    return true;
}

static bool read_events(struct decoder *d, struct json list, struct flow_event **ret_events)
{
    size_t count = json_count(list);
    if (!has_room(d, count * sizeof(struct flow_event)))
        return false;
    struct flow_event *events = ARENA_ARRAY(d->arena, struct flow_event, count);
    for (d->event = 0; d->event < count; d->event++) {
        if (!read_event(d, json_at(list, d->event), &events[d->event]))
            return false;
    }
    *ret_events = events;
    return true;
}

static bool read_values(struct decoder *d, struct json list)
{
    size_t count = json_count(list);
    if (!has_room(d, count * sizeof(struct json)))
        return false;
    struct json *items = ARENA_ARRAY(d->arena, struct json, count);
    for (size_t i = 0; i < count; i++) {
        if (!copy_value(d, json_at(list, i), &items[i]))
            return false;
    }
    d->values = (struct turn_values){items, count};
    return true;
}

/* ---- the body ---- */

/* Members are exactly "v", "e" and perhaps "b". */
static bool check_members(const struct decoder *d, struct json body)
{
    struct json blobs = json_get(body, STR("b"));
    if (!json_is_array(json_get(body, STR("v"))))
        return journal_damaged(d->reterr, d->turn, "its values \"v\" are not an array");
    if (!json_is_array(json_get(body, STR("e"))))
        return journal_damaged(d->reterr, d->turn, "its events \"e\" are not an array");
    if (!json_is_absent(blobs) && !json_is_object(blobs))
        return journal_damaged(d->reterr, d->turn, "its blobs \"b\" are not an object");
    if (json_count(body) > 2 + (size_t)json_is_object(blobs))
        return journal_damaged(d->reterr, d->turn, "its body has an unknown member");
    if (json_count(blobs))
        return err_set(d->reterr, ERR_NEWER_SCHEMA,
                       "turn %u of the journal keeps values in blob storage, which this release "
                       "does not read",
                       d->turn);
    return true;
}

/* Flow can nest a value deeper than any text from outside may be. */
static const struct json_limits limits = {.depth_max = SIZE_MAX, .size_max = JOURNAL_BODY_SIZE_MAX};

static bool decode(struct decoder *d, struct arena *scratch, struct str text,
                   struct flow_event **ret_events, size_t *ret_count)
{
    struct json body;
    struct err error;
    if (!json_parse(scratch, text, limits, JSON_DUPLICATES_REFUSE, &body, &error))
        return journal_damaged(d->reterr, d->turn, "%s", error.message);
    if (!json_is_object(body))
        return journal_damaged(d->reterr, d->turn, "its body is not an object");
    if (!check_members(d, body) || !read_values(d, json_get(body, STR("v"))))
        return false;
    if (!ret_events)
        return true;
    *ret_count = json_count(json_get(body, STR("e")));
    return read_events(d, json_get(body, STR("e")), ret_events);
}

bool journal_decode(const struct journal_reader *r, struct str body, struct turn_values *ret_values,
                    struct flow_event **ret_events, size_t *ret_count, struct err *reterr)
{
    struct decoder d = {
        .reader = r, .arena = r->arena, .turn = (uint32_t)r->count, .reterr = reterr};
    struct arena *scratch = arena_new(0);
    bool decoded = decode(&d, scratch, body, ret_events, ret_count);
    arena_free(scratch);
    if (decoded)
        *ret_values = d.values;
    return decoded;
}
