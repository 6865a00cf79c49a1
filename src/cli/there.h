/* What `ls` and `history` show when --endpoint or $PAWL_ENDPOINT names a server.
 *
 * Each gives the exit status. Where nothing names one, they read the data directory
 * themselves.
 */
#ifndef PAWL_CLI_THERE_H
#define PAWL_CLI_THERE_H

#include "cli/cli.h"
#include "store/store.h"

/* status: enum execution_status, or STORE_ANY_STATUS; machine empty: of all. */
int ls_there(struct cli *cli, struct str machine, int status, size_t limit);

int history_there(struct cli *cli);

#endif
