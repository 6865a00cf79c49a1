/* The journal for people who have nothing but `sqlite3`: the SQL text of the views
 * `executions`, `steps`, `events` and `logs` over the tables of store/sqlite/.
 *
 * What they show is what history_event and steps_apply say; a test plays executions
 * and compares. Pawl never reads through them. The columns: docs/sql.md.
 * The text begins by dropping the views of these names, so that running it again, or
 * that of another release, replaces them.
 * Source: docs/adr/0006-journal.md; SQLite's JSON functions, 3.38 or newer.
 */
#ifndef PAWL_JOURNAL_SQL_H
#define PAWL_JOURNAL_SQL_H

#include "base/buf.h"

/* Appends statements without parameters and rows. */
void journal_views(struct buf *to);

#endif
