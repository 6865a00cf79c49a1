/* libyaml's events one at a time, for yaml.c and yaml_locate.c. */
#ifndef PAWL_JSON_YAML_INTERNAL_H
#define PAWL_JSON_YAML_INTERNAL_H

#include "json/json_internal.h"
#include "json/yaml.h"

#include <yaml.h>

struct yaml_events {
    struct str text;
    yaml_parser_t parser;
    yaml_event_t event; /* the current one; type YAML_NO_EVENT before the first */
    size_t number;      /* of the current one, counted from 1 */
};

/* Always followed by yaml_events_close. */
void yaml_events_open(struct yaml_events *e, struct str text);
void yaml_events_close(struct yaml_events *e);

/* Moves to the next event; false when the text is not YAML. */
MUST_CHECK bool yaml_events_next(struct yaml_events *e);

/* libyaml counts characters, we count bytes. */
size_t yaml_offset(struct str text, size_t characters);

/* The scalar's or the anchor's text; borrowed from the event. */
struct str yaml_scalar(const yaml_event_t *event);
struct str yaml_anchor(const yaml_event_t *event);

#endif
