/* Diagnostics: everything that is wrong with a document, each with its place.
 *
 * A list is filled by whoever checks (asl/, expr/, the configuration) and shown
 * once at the edge. The place is a JSON pointer; line and column are found from
 * the source text when shown (json_locate, yaml_locate), so checking never
 * carries positions about.
 * Ownership: arena.
 */
#ifndef PAWL_BASE_DIAG_H
#define PAWL_BASE_DIAG_H

#include "base/arena.h"

enum diag_severity {
    DIAG_ERROR,
    DIAG_WARNING,
};

struct diag {
    enum diag_severity severity;
    bool at_key;        /* the place is the member's name, not its value */
    const char *code;   /* stable, upper case: "MISSING_TRANSITION" */
    struct str pointer; /* RFC 6901 */
    struct str message; /* what is wrong */
    struct str remedy;  /* what to do */
};

enum {
    DIAG_COUNT_MAX = 1000
};

struct diag_list {
    struct arena *arena;
    struct diag *items;
    size_t count, capacity;
    size_t error_count; /* all of them, also those past DIAG_COUNT_MAX that were dropped */
};

static inline struct diag_list diag_list(struct arena *a)
{
    return (struct diag_list){.arena = a};
}

/* Copies pointer, message and remedy into the list's arena. */
void diag_add(struct diag_list *list, struct diag d);

#endif
