#include "expr/jsonata/date_picture.h"

#include <math.h>

enum {
    MS_PER_DAY = 86400000,
    MS_PER_HOUR = 3600000,
    MS_PER_MINUTE = 60000,
    MS_PER_SECOND = 1000,
    DAYS_PER_WEEK = 7,
    MONTHS = 12,
};

/* What JavaScript's dates reach from 1970. */
static const double time_ms_max = 8.64e15;

const char *const date_months[MONTHS] = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December",
};

const char *const date_days[DAYS_PER_WEEK] = {
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
};

/* Years of two digits are those of the 20th century wherever a date is put together
 * from its year, as in Date.UTC. */
static int64_t full_year(int64_t year)
{
    return year >= 0 && year <= 99 ? year + 1900 : year;
}

/* Months counted from that of the year 0, so that steps need no carrying. */
static int64_t first_day_of(int64_t month)
{
    int64_t year = month >= 0 ? month / MONTHS : -((MONTHS - 1 - month) / MONTHS);
    return date_to_days(full_year(year), (int)(month - year * MONTHS) + 1, 1);
}

/* From Monday, 0. */
static int64_t weekday_of(int64_t days)
{
    int64_t weekday = (days + 3) % DAYS_PER_WEEK;
    return weekday < 0 ? weekday + DAYS_PER_WEEK : weekday;
}

/* The Monday of the first week that has its Thursday in the month (or in the year, for
 * January): ISO 8601. */
static int64_t first_week_of(int64_t month)
{
    int64_t first = first_day_of(month), weekday = weekday_of(first);
    return weekday > 3 ? first + DAYS_PER_WEEK - weekday : first - weekday;
}

static int64_t weeks_between(int64_t start, int64_t end)
{
    int64_t days = end - start;
    return (days >= 0 ? days / DAYS_PER_WEEK : -((DAYS_PER_WEEK - 1 - days) / DAYS_PER_WEEK)) + 1;
}

/* The week within a year or a month: `step` is 12 or 1 months, of which at least `full`
 * weeks are its own. */
static int64_t week_of(int64_t today, int64_t month, int64_t step, int64_t full)
{
    int64_t start = first_week_of(month), week = weeks_between(start, today);
    if (today > start + (full - 1) * DAYS_PER_WEEK && today >= first_week_of(month + step))
        return 1;
    return week < 1 ? weeks_between(first_week_of(month - step), today) : week;
}

/* The month (or that of a January) that the week belongs to. */
static int64_t week_owner(int64_t days, int64_t month, int64_t step)
{
    if (days < first_week_of(month))
        return month - step;
    return days >= first_week_of(month + step) ? month + step : month;
}

static double date_part_of_day(int64_t ms, char component)
{
    int64_t hour = ms / MS_PER_HOUR;
    switch (component) {
    case 'H':
        return (double)hour;
    case 'h':
        return (double)(hour % 12 ? hour % 12 : 12);
    case 'P':
        return hour >= 12;
    case 'm':
        return (double)(ms / MS_PER_MINUTE % 60);
    case 's':
        return (double)(ms / MS_PER_SECOND % 60);
    default:
        return (double)(ms % MS_PER_SECOND);
    }
}

double date_component(double ms, char component)
{
    if (!(fabs(ms) <= time_ms_max))
        return NAN;
    int64_t whole = (int64_t)ms;
    int64_t days = whole / MS_PER_DAY - (whole % MS_PER_DAY < 0);
    int year, month, day;
    date_of_days(days, &year, &month, &day);
    int64_t january = (int64_t)year * MONTHS, this_month = january + month - 1;
    int64_t today = first_day_of(this_month) + day - 1;
    switch (component) {
    case 'Y':
        return year;
    case 'M':
        return month;
    case 'D':
        return day;
    case 'd':
        return (double)(today - first_day_of(january) + 1);
    case 'F':
        return (double)(weekday_of(days) + 1);
    case 'W':
        return (double)week_of(today, january, MONTHS, 52);
    case 'w':
        return (double)week_of(today, this_month, 1, 4);
    case 'X':
        return floor((double)week_owner(days, january, MONTHS) / MONTHS);
    case 'x': {
        int64_t owner = week_owner(days, this_month, 1) % MONTHS;
        return (double)(owner < 0 ? owner + MONTHS : owner) + 1;
    }
    default:
        return date_part_of_day(whole - days * MS_PER_DAY, component);
    }
}

double date_utc(const struct date_fields *f)
{
    const double months_max = 12 * 400000;
    double year = trunc(f->year), month = trunc(f->month), day = trunc(f->day);
    double time = trunc(f->hour) * MS_PER_HOUR + trunc(f->minute) * MS_PER_MINUTE +
                  trunc(f->second) * MS_PER_SECOND + trunc(f->ms);
    if (year >= 0 && year <= 99)
        year += 1900;
    double months = year * MONTHS + month;
    if (!(fabs(months) <= months_max) || !isfinite(day) || !isfinite(time))
        return NAN;
    double full = floor(months / MONTHS);
    int64_t first = date_to_days((int64_t)full, (int)(months - full * MONTHS) + 1, 1);
    double ms = ((double)first + day - 1) * MS_PER_DAY + time;
    return fabs(ms) <= time_ms_max ? trunc(ms) : NAN;
}
