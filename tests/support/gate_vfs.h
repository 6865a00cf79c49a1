/* SQLite's own VFS with a gate before each sync of a WAL.
 *
 * While the gate is closed a sync waits at it, in whatever thread it was called:
 * so a test can say what happens during an fsync without measuring time.
 * There is one gate in a program. Threads: any.
 */
#ifndef PAWL_TESTS_SUPPORT_GATE_VFS_H
#define PAWL_TESTS_SUPPORT_GATE_VFS_H

#include <stdbool.h>
#include <stddef.h>

/* Registers it, once, and gives its name. The gate is open, nothing counted. */
const char *gate_vfs(void);

void gate_close(void);
void gate_open(void);

/* Blocks until a sync waits at the closed gate. */
void gate_wait_for_sync(void);

/* Syncs that have passed. */
size_t gate_syncs(void);

/* From now on syncs fail as a broken disk's do. */
void gate_break(bool broken);

#endif
