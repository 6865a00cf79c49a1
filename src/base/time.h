/* Time, in two types that do not mix: the wall's and the stopwatch's.
 *
 * wall_ms is UTC milliseconds since 1970; everything stored is this. mono_ns is
 * nanoseconds of a clock that never goes back, for measuring and for deadlines
 * inside one process. The pure modules get times as arguments; only os/ asks
 * the system.
 */
#ifndef PAWL_BASE_TIME_H
#define PAWL_BASE_TIME_H

#include "base/arena.h"

struct wall_ms {
    int64_t ms;
};

struct mono_ns {
    uint64_t ns;
};

enum {
    TIME_TEXT_SIZE = 32
};

/* "2026-03-01T12:00:00.123Z"; years 0 to 9999, others clamp. Returns the length. */
size_t wall_format(struct wall_ms at, char to[static TIME_TEXT_SIZE]);

/* RFC 3339 as Step Functions takes it: 'T', then 'Z' or an offset; fractions of
 * any length are cut to milliseconds. false when it is not such a text. */
bool wall_parse(struct str text, struct wall_ms *ret_at);

/* Days since 1970 of a date of the proleptic Gregorian calendar (month 1 to 12, any
 * day), and back. Years within some millions of 0. */
int64_t date_to_days(int64_t year, int month, int64_t day);
void date_of_days(int64_t days, int *ret_year, int *ret_month, int *ret_day);

#endif
