#include "json/yaml_internal.h"

void yaml_events_open(struct yaml_events *e, struct str text)
{
    *e = (struct yaml_events){.text = text};
    if (!yaml_parser_initialize(&e->parser))
        panic(__FILE__, __LINE__, "out of memory");
    yaml_parser_set_encoding(&e->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&e->parser, (const unsigned char *)(text.len ? text.ptr : ""),
                                 text.len);
}

void yaml_events_close(struct yaml_events *e)
{
    yaml_event_delete(&e->event);
    yaml_parser_delete(&e->parser);
}

bool yaml_events_next(struct yaml_events *e)
{
    yaml_event_delete(&e->event);
    e->number++;
    if (yaml_parser_parse(&e->parser, &e->event))
        return e->event.type != YAML_NO_EVENT; /* which is what follows an error or the end */
    if (e->parser.error == YAML_MEMORY_ERROR)
        panic(__FILE__, __LINE__, "out of memory");
    return false;
}

size_t yaml_offset(struct str text, size_t characters)
{
    size_t offset = 0;
    while (offset < text.len && characters > 0) {
        offset++;
        while (offset < text.len && ((unsigned char)text.ptr[offset] & 0xc0) == 0x80)
            offset++;
        characters--;
    }
    return offset;
}

struct str yaml_scalar(const yaml_event_t *event)
{
    return str_of((const char *)event->data.scalar.value, event->data.scalar.length);
}

struct str yaml_anchor(const yaml_event_t *event)
{
    const yaml_char_t *name = NULL;
    if (event->type == YAML_ALIAS_EVENT)
        name = event->data.alias.anchor;
    if (event->type == YAML_SCALAR_EVENT)
        name = event->data.scalar.anchor;
    if (event->type == YAML_SEQUENCE_START_EVENT)
        name = event->data.sequence_start.anchor;
    if (event->type == YAML_MAPPING_START_EVENT)
        name = event->data.mapping_start.anchor;
    return str_of_cstr((const char *)name);
}
