#include "os/clock.h"

#include "base/macros.h"

#include <time.h>

static struct timespec ask(clockid_t which)
{
    struct timespec t;
    if (clock_gettime(which, &t) != 0)
        panic(__FILE__, __LINE__, "the system has no clock");
    return t;
}

struct wall_ms clock_wall(void)
{
    struct timespec t = ask(CLOCK_REALTIME);
    return (struct wall_ms){(int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000};
}

struct mono_ns clock_mono(void)
{
    struct timespec t = ask(CLOCK_BOOTTIME);
    return (struct mono_ns){(uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec};
}
