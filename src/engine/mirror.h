/* A second run, made of nothing but what was committed, to compare the first with.
 *
 * What a fold of the journal gives must be the run that wrote it, or recovery
 * would go on with something else. A difference is a bug of Pawl: it panics and
 * names the first place where the two dumps part.
 * For tests and simulations (engine_options.verify). Ownership: mirror_free.
 */
#ifndef PAWL_ENGINE_MIRROR_H
#define PAWL_ENGINE_MIRROR_H

#include "journal/journal.h"

struct mirror;

/* Of a run before its first turn; borrows what run_new borrows. */
struct mirror *mirror_new(const struct machine *machine, const struct flow_identity *identity,
                          const struct flow_limits *limits);
void mirror_free(struct mirror *m);

/* Folds the next committed row. */
void mirror_take(struct mirror *m, const struct journal_row *row);

void mirror_compare(const struct mirror *m, const struct run *run);

#endif
