#include "journal/fields.h"
#include "journal/journal.h"

static void write_number(struct buf *b, struct str name, int64_t value)
{
    buf_append(b, name);
    buf_append_int(b, value);
}

static void write_json(struct buf *b, struct str name, struct json value)
{
    buf_append(b, name);
    json_write(b, value);
}

/* A slot that nobody could read again must never be committed. */
static void write_slot(struct buf *b, struct str name, const struct flow_turn *turn,
                       const struct slot *slot)
{
    buf_append(b, name);
    if (slot->turn == turn->number) {
        ASSERT(slot->index < turn->value_count);
        buf_append_int(b, slot->index);
        return;
    }
    ASSERT(slot->turn < turn->number);
    buf_append_char(b, '[');
    buf_append_int(b, slot->turn);
    buf_append_char(b, ',');
    buf_append_int(b, slot->index);
    buf_append_char(b, ']');
}

/* One macro a type of JOURNAL_FIELD_TABLE: is the field there, and how to write it. */
#define WRITE_KIND(name, member)
#define WRITE_U32(name, member)                                                                    \
    if (e->member)                                                                                 \
        write_number(b, name, e->member);
#define WRITE_ORDINAL(name, member)                                                                \
    if (e->member != 1)                                                                            \
        write_number(b, name, e->member);
#define WRITE_STATE(name, member)                                                                  \
    if (e->member != STATE_NO_NONE)                                                                \
        write_number(b, name, e->member);
#define WRITE_I64(name, member) WRITE_U32(name, member)
#define WRITE_REAL(name, member)                                                                   \
    if (e->member != 0)                                                                            \
        write_json(b, name, json_double(e->member));
#define WRITE_SLOT(name, member)                                                                   \
    if (!json_is_absent(e->member.value))                                                          \
        write_slot(b, name, turn, &e->member);
#define WRITE_FLAGGED(name, member)                                                                \
    if (e->has_##member)                                                                           \
        write_json(b, name, json_string(e->member));
#define WRITE_TEXT(name, member)                                                                   \
    if (!str_is_empty(e->member))                                                                  \
        write_json(b, name, json_string(e->member));
#define WRITE_JSON(name, member)                                                                   \
    if (!json_is_absent(e->member))                                                                \
        write_json(b, name, e->member);
#define WRITE_FIELD(type, name, member, what) WRITE_##type(STR(",\"" name "\":"), member)

static void write_event(struct buf *b, const struct flow_turn *turn, const struct flow_event *e)
{
    write_number(b, STR("{\"k\":"), e->kind);
    JOURNAL_FIELD_TABLE(WRITE_FIELD)
    buf_append_char(b, '}');
}

void journal_encode(const struct flow_turn *turn, struct buf *body)
{
    buf_append(body, STR("{\"v\":["));
    for (size_t i = 0; i < turn->value_count; i++) {
        ASSERT(!json_is_absent(turn->values[i]));
        if (i)
            buf_append_char(body, ',');
        json_write(body, turn->values[i]);
    }
    buf_append(body, STR("],\"e\":["));
    for (size_t i = 0; i < turn->event_count; i++) {
        if (i)
            buf_append_char(body, ',');
        write_event(body, turn, &turn->events[i]);
    }
    buf_append(body, STR("]}"));
}
