/* A store that lives as long as the process: for tests, and for runs whose
 * history nobody wants to keep.
 *
 * Keeps every promise of store.h but durability; a commit is all or nothing by
 * an undo log. Nothing stored is freed before store_close, but replaced
 * snapshots.
 */
#ifndef PAWL_STORE_MEMORY_MEMORY_STORE_H
#define PAWL_STORE_MEMORY_MEMORY_STORE_H

#include "store/store.h"

/* Owned: store_close. */
struct store *memory_store_new(const uint8_t secret[static STORE_SECRET_SIZE]);

#endif
