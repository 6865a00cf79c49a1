/* YAML text to a JSON value (the core schema of YAML 1.2, by libyaml).
 *
 * One document; mappings must have string keys (other scalars are taken as
 * their text); anchors and aliases are followed within a budget, so that no
 * small text unfolds into a large value; tags other than the core ones,
 * duplicate keys and merge keys are refused. Plain scalars are null (~, null,
 * empty), true/false, decimal numbers as JSON has them (kept as text), else
 * strings: `yes`, `0x10` and dates are strings. null, true and false may be
 * spelled lower-case, Capitalized or UPPER-CASE.
 *
 * Ownership: the value lies in the arena and does not borrow the text.
 *
 * Errors: INVALID_YAML, TOO_DEEP, TOO_LARGE, MEMORY_LIMIT with line and column.
 */
#ifndef PAWL_JSON_YAML_H
#define PAWL_JSON_YAML_H

#include "json/json.h"

enum {
    YAML_ANCHORS_MAX = 1000,           /* anchors in a text */
    YAML_TAG_DIRECTIVES_MAX = 16,      /* lines that begin with %TAG */
    YAML_UNFOLDED_SIZE_MAX = 16 << 20, /* bytes (json_size) that all aliases together repeat */
};

MUST_CHECK bool yaml_parse(struct arena *a, struct str text, struct json_limits limits,
                           struct json *ret_value, struct err *reterr);

/* As json_locate, for a YAML text that yaml_parse accepted. A value brought in by
 * an alias stands at the alias; what lies inside it, at the anchor. */
struct json_place yaml_locate(struct str text, struct str pointer, bool key);

#endif
