/* What the files of journal/ share. Included only inside journal/. */
#ifndef PAWL_JOURNAL_JOURNAL_INTERNAL_H
#define PAWL_JOURNAL_JOURNAL_INTERNAL_H

#include "journal/journal.h"

struct journal_reader {
    struct arena *arena;
    struct turn_values *turns; /* by number */
    size_t count, capacity;
    struct wall_ms at; /* of the last turn */
};

/* err_set(CORRUPT) with "turn N of the journal is damaged: " before the message. */
bool journal_damaged(struct err *reterr, uint32_t turn, const char *format, ...) PRINTF_LIKE(3, 4);

/* Decodes the body of the turn that follows those `r` has. Everything given lies
 * in r->arena; r is not changed. ret_events NULL: the values only. */
MUST_CHECK bool journal_decode(const struct journal_reader *r, struct str body,
                               struct turn_values *ret_values, struct flow_event **ret_events,
                               size_t *ret_count, struct err *reterr);

#endif
