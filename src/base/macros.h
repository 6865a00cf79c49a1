/* Compiler attributes and the assertion that stays on in release builds.
 *
 * ASSERT states what cannot happen unless Pawl itself is wrong. A violated
 * assertion calls the panic handler, which a host program may replace
 * (panic.h). Operating errors are never asserted: they are struct err.
 */
#ifndef PAWL_BASE_MACROS_H
#define PAWL_BASE_MACROS_H

#include "base/panic.h"

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#define UNUSED __attribute__((unused))

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define ASSERT(condition)                                                                          \
    do {                                                                                           \
        if (UNLIKELY(!(condition)))                                                                \
            panic(__FILE__, __LINE__, "assertion failed: " #condition);                            \
    } while (0)

#define UNREACHABLE(what) panic(__FILE__, __LINE__, "unreachable: " what)

#endif
