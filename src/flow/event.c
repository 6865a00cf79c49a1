#include "flow/event.h"

#include "base/macros.h"

static const struct {
    const char *name, *details;
    enum event_shape shape;
} table[EVENT_KIND_LIMIT] = {
#define EVENT_ROW(number, constant, name, details, shape)                                          \
    [number] = {#name, #details, SHAPE_##shape},
    EVENT_TABLE(EVENT_ROW)
#undef EVENT_ROW
};

bool event_kind_known(uint32_t number)
{
    return number < EVENT_KIND_LIMIT && table[number].name;
}

const char *event_name(enum event_kind kind)
{
    ASSERT(event_kind_known(kind));
    return table[kind].name;
}

const char *event_details(enum event_kind kind)
{
    ASSERT(event_kind_known(kind));
    return table[kind].details;
}

enum event_shape event_shape(enum event_kind kind)
{
    ASSERT(event_kind_known(kind));
    return table[kind].shape;
}
