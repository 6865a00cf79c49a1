/* A disk that loses power: what a file holds afterwards is what was synced, and of
 * what was written since, each write wholly, in part or not at all, by a seed.
 *
 * Stands below SQLite as its default VFS while it lives. At the chosen write, sync
 * or truncation, what a restart would find is put into another folder; the process
 * runs on undisturbed. One at a time.
 */
#ifndef PAWL_TESTS_SUPPORT_LOSSY_DISK_H
#define PAWL_TESTS_SUPPORT_LOSSY_DISK_H

#include "base/rng.h"

#include <stdbool.h>

struct lossy_disk;

/* The cut comes at the cut_at-th operation from now on. Owned: lossy_disk_free,
 * after all connections are closed. */
struct lossy_disk *lossy_disk_new(uint64_t seed, uint64_t cut_at, const char *to_folder);
void lossy_disk_free(struct lossy_disk *disk);

/* Has it come? */
bool lossy_disk_was_cut(const struct lossy_disk *disk);

#endif
