/* A data directory's store, read synchronously, and executions found by what a
 * person types.
 *
 * Reading takes no lock and works beside a process that runs executions.
 * Ownership: archive_close; what is read lies in the arena given.
 */
#ifndef PAWL_CLI_ARCHIVE_H
#define PAWL_CLI_ARCHIVE_H

#include "cli/cli.h"
#include "os/datadir.h"
#include "store/store.h"

struct archive {
    struct datadir *datadir;
    struct store *store;
};

/* The directory of --data, $PAWL_DATA or ./.pawl. */
MUST_CHECK bool archive_open(struct cli *cli, enum datadir_use use, struct archive *ret,
                             struct err *reterr);
void archive_close(struct archive *a);

/* Submits and waits. */
MUST_CHECK bool archive_read(const struct archive *a, struct store_read *read, struct err *reterr);

/* The definition that a machine had in this revision. Errors: NOT_FOUND, and the store's. */
MUST_CHECK bool archive_revision(struct cli *cli, const struct archive *a, struct str machine,
                                 struct str revision, struct str *ret_definition,
                                 struct err *reterr);

/* An execution by its id, its ARN, its name, or the beginning of its id; NULL:
 * the newest. On NOT_FOUND and AMBIGUOUS the candidates are printed with the
 * error, which is why this prints it itself: gives 0, or the exit status. */
int archive_find(struct cli *cli, const struct archive *a, const char *id,
                 struct execution_row *ret_row);

#endif
