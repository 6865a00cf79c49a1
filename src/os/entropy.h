/* Random bytes from the system, fit for secrets.
 *
 * Never fails: a system without getrandom(2) makes the process panic. Blocks
 * only in the first moments of a machine's life. Threads: any.
 */
#ifndef PAWL_OS_ENTROPY_H
#define PAWL_OS_ENTROPY_H

#include <stddef.h>
#include <stdint.h>

void entropy_fill(void *to, size_t size);

/* For seeds: base/rng.h. */
uint64_t entropy_u64(void);

#endif
