/* A YAML text taken apart key by key, with errors that say where.
 *
 * For files that people write: what a key means is its module's matter; that an
 * unknown one is refused with the nearest known one, and that every complaint has
 * its line and column, is the same for all.
 *
 * Pointers are JSON Pointers (RFC 6901) from the text's root. Everything that can
 * fail returns false after filling the reader's err, so that
 * `return yaml_refuse(...)` reads well.
 * Ownership: arena; the text is copied. Errors: INVALID_CONFIG, and those of
 * yaml_parse.
 */
#ifndef PAWL_JSON_YAML_READER_H
#define PAWL_JSON_YAML_READER_H

#include "json/yaml.h"

struct yaml_reader {
    struct arena *arena;
    struct str text;
    struct json root; /* absent: nothing but blanks and comments */
    struct err *err;  /* may be NULL */
};

MUST_CHECK bool yaml_reader_open(struct yaml_reader *r, struct arena *a, struct str text,
                                 struct err *reterr);

/* at_key: the place is the key's rather than the value's. */
PRINTF_LIKE(4, 5)
bool yaml_refuse(const struct yaml_reader *r, struct str pointer, bool at_key, const char *format,
                 ...);

/* Has the object no keys but these? `known` ends with NULL. */
MUST_CHECK bool yaml_check_keys(const struct yaml_reader *r, struct json object, struct str pointer,
                                const char *const *known);

/* "/limits" of "" and "limits". */
struct str yaml_child(const struct yaml_reader *r, struct str pointer, const char *name);

#endif
