/* Finding again the tasks of activities that did not fit into memory.
 *
 * A queue holds activity_tasks_max tasks; further ones stay where they are, in their runs'
 * state, and their activity is *behind*. When a worker waits at an empty queue that is
 * behind, the runs whose tasks are out are looked at, a page at a time, until the queues
 * are filled or all were seen. A task that is found twice is refused the second time.
 */
#ifndef PAWL_ENGINE_SWEEP_H
#define PAWL_ENGINE_SWEEP_H

#include "engine/away.h"

enum {
    SWEEP_PAGE = 256 /* runs looked at at once */
};

struct sweep {
    bool wanted, active, reading, failed, last;
    struct arena *arena;
    struct store_read read;
    struct away_wake from;
    size_t asked; /* runs that have not answered */
    struct err err;
};

#endif
