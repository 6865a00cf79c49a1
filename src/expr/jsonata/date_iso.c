#include "expr/jsonata/date_picture.h"

#include <math.h>

/* A pattern of a character each: 9 for any digit, 0 to 5 for one up to it. */
static bool takes(struct str text, size_t at, const char *pattern)
{
    for (size_t i = 0; pattern[i]; i++) {
        char p = pattern[i];
        if (at + i >= text.len)
            return false;
        char c = text.ptr[at + i];
        if (p >= '0' && p <= '9' ? c < '0' || c > p : c != p)
            return false;
    }
    return true;
}

static double digits(struct str text, size_t at, size_t count)
{
    double value = 0;
    for (size_t i = 0; i < count; i++)
        value = value * 10 + (text.ptr[at + i] - '0');
    return value;
}

struct iso {
    struct date_fields f;
    bool month, day, time, fraction, zone;
    double offset; /* minutes */
};

/* The pattern of jsonata-js, which lets through what is no date. Gives the bytes taken. */
static size_t take_iso(struct str text, struct iso *d)
{
    size_t at = 4;
    d->f.year = digits(text, 0, 4);
    if (takes(text, at, "-19")) {
        d->month = true;
        d->f.month = digits(text, at + 1, 2);
        at += 3;
    }
    if (takes(text, at, "-39")) {
        d->day = true;
        d->f.day = digits(text, at + 1, 2);
        at += 3;
    }
    if (takes(text, at, "T29:59:59")) {
        d->time = true;
        d->f.hour = digits(text, at + 1, 2);
        d->f.minute = digits(text, at + 4, 2);
        d->f.second = digits(text, at + 7, 2);
        at += 9;
    }
    if (takes(text, at, ".9")) {
        d->fraction = true;
        double scale = 100;
        for (at++; takes(text, at, "9"); at++, scale /= 10)
            d->f.ms += scale >= 1 ? digits(text, at, 1) * scale : 0;
    }
    return at;
}

static size_t take_zone(struct str text, size_t at, struct iso *d)
{
    if (takes(text, at, "Z"))
        return at + 1;
    if (!takes(text, at, "+29") && !takes(text, at, "-29"))
        return at;
    size_t minutes = at + 3 + (at + 3 < text.len && text.ptr[at + 3] == ':');
    if (!takes(text, minutes, "59"))
        return at;
    d->zone = true;
    d->offset = digits(text, at + 1, 2) * 60 + digits(text, minutes, 2);
    if (digits(text, at + 1, 2) > 23)
        d->offset = NAN;
    if (text.ptr[at] == '-')
        d->offset = -d->offset;
    return minutes + 2;
}

/* ECMA-262 takes the 31st of any month, and 24:00 for the end of the day. */
static bool is_date(const struct iso *d)
{
    bool midnight = d->f.minute == 0 && d->f.second == 0 && d->f.ms == 0;
    return (!d->day || d->month) && (!d->fraction || d->time) && (!d->zone || d->time) &&
           (!d->month || (d->f.month >= 1 && d->f.month <= 12)) &&
           (!d->day || (d->f.day >= 1 && d->f.day <= 31)) &&
           (d->f.hour < 24 || (d->f.hour == 24 && midnight));
}

bool date_parse_iso(struct str text, double *ret_ms)
{
    struct iso d = {.f = {.month = 1, .day = 1}};
    if (!takes(text, 0, "9999"))
        return false;
    size_t at = take_zone(text, take_iso(text, &d), &d);
    if (at != text.len)
        return false;
    *ret_ms = NAN;
    if (!is_date(&d))
        return true;
    /* Not by date_utc, for which the year 50 is 1950. */
    double days = (double)date_to_days((int64_t)d.f.year, (int)d.f.month, (int64_t)d.f.day);
    double minutes = (days * 24 + d.f.hour) * 60 + d.f.minute - d.offset;
    *ret_ms = (minutes * 60 + d.f.second) * 1000 + d.f.ms;
    return true;
}
