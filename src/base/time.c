#include "base/time.h"

#include <stdio.h>

enum {
    MS_PER_DAY = 86400000
};

/* Howard Hinnant's days_from_civil: years begin in March, so that the leap day is the
 * last. */
int64_t date_to_days(int64_t year, int month, int64_t day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

void date_of_days(int64_t days, int *ret_year, int *ret_month, int *ret_day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    *ret_day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    *ret_month = (int)(month + (month < 10 ? 3 : -9));
    *ret_year = (int)(year_of_era + era * 400 + (*ret_month <= 2));
}

size_t wall_format(struct wall_ms at, char to[static TIME_TEXT_SIZE])
{
    int64_t first = date_to_days(0, 1, 1) * MS_PER_DAY;
    int64_t last = date_to_days(10000, 1, 1) * MS_PER_DAY - 1;
    int64_t ms = at.ms < first ? first : at.ms > last ? last : at.ms;
    int64_t days = ms >= 0 ? ms / MS_PER_DAY : -((-ms + MS_PER_DAY - 1) / MS_PER_DAY);
    int rest = (int)(ms - days * MS_PER_DAY);
    int year, month, day;
    date_of_days(days, &year, &month, &day);
    int len = snprintf(to, TIME_TEXT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", year, month, day,
                       rest / 3600000, rest / 60000 % 60, rest / 1000 % 60, rest % 1000);
    return (size_t)len;
}

/* Exactly `count` digits, then the character `after` (0: none). */
static bool take_digits(struct str *rest, size_t count, char after, int *ret_value)
{
    size_t needed = count + (after != 0);
    if (rest->len < needed)
        return false;
    int value = 0;
    for (size_t i = 0; i < count; i++) {
        char c = rest->ptr[i];
        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    if (after && rest->ptr[count] != after)
        return false;
    *rest = str_slice(*rest, needed, rest->len);
    *ret_value = value;
    return true;
}

static bool take_fraction(struct str *rest, int *ret_ms)
{
    *ret_ms = 0;
    if (!rest->len || rest->ptr[0] != '.')
        return true;
    size_t i = 1;
    int scale = 100;
    for (; i < rest->len && rest->ptr[i] >= '0' && rest->ptr[i] <= '9'; i++, scale /= 10)
        *ret_ms += (rest->ptr[i] - '0') * scale;
    *rest = str_slice(*rest, i, rest->len);
    return i > 1;
}

static bool take_offset(struct str *rest, int *ret_minutes)
{
    *ret_minutes = 0;
    if (str_eq(*rest, STR("Z"))) {
        *rest = str_slice(*rest, 1, 1);
        return true;
    }
    if (!rest->len || (rest->ptr[0] != '+' && rest->ptr[0] != '-'))
        return false;
    int sign = rest->ptr[0] == '-' ? -1 : 1, hours, minutes;
    *rest = str_slice(*rest, 1, rest->len);
    if (!take_digits(rest, 2, ':', &hours) || !take_digits(rest, 2, 0, &minutes) || hours > 23 ||
        minutes > 59)
        return false;
    *ret_minutes = sign * (hours * 60 + minutes);
    return true;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

bool wall_parse(struct str text, struct wall_ms *ret_at)
{
    int year, month, day, hour, minute, second, ms, offset;
    if (!take_digits(&text, 4, '-', &year) || !take_digits(&text, 2, '-', &month) ||
        !take_digits(&text, 2, 'T', &day) || !take_digits(&text, 2, ':', &hour) ||
        !take_digits(&text, 2, ':', &minute) || !take_digits(&text, 2, 0, &second) ||
        !take_fraction(&text, &ms) || !take_offset(&text, &offset) || text.len)
        return false;
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 ||
        minute > 59 || second > 59)
        return false;
    int64_t minutes = date_to_days(year, month, day) * 1440 + hour * 60 + minute - offset;
    ret_at->ms = minutes * 60000 + second * 1000 + ms;
    return true;
}
