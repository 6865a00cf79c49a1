/* The system's two clocks, as the two types of base/time.h.
 *
 * The wall's may jump, also backwards; the stopwatch's never goes back and
 * counts on while the machine sleeps. Threads: any.
 */
#ifndef PAWL_OS_CLOCK_H
#define PAWL_OS_CLOCK_H

#include "base/time.h"

struct wall_ms clock_wall(void);
struct mono_ns clock_mono(void);

#endif
