/* Pictures of dates and times, as fn:format-dateTime of XPath has them, both ways.
 *
 * Shape: proleptic Gregorian, no leap seconds, no locale, names in English. X and x are
 * the year and the month that the ISO week belongs to.
 * Ownership: arena; a picture that was read borrows its text.
 * Errors: a code of jsonata-js, or PICTURE_TOO_LARGE; NULL is success.
 * Source: XPath and XQuery Functions and Operators 3.1, 9.8; where that leaves a choice,
 * what jsonata-js does.
 */
#ifndef PAWL_EXPR_JSONATA_DATE_PICTURE_H
#define PAWL_EXPR_JSONATA_DATE_PICTURE_H

#include "base/time.h"
#include "expr/jsonata/integer_picture.h"
#include "json/json.h"

enum date_names {
    NAMES_NONE,
    NAMES_LOWER,
    NAMES_UPPER,
    NAMES_TITLE,
};

struct date_part {
    char component; /* of "YMDdFWwXxHhPmsfZzCE"; 0: the literal */
    struct str literal;
    enum date_names names;
    bool numbered; /* `integer` says how */
    bool or_z;     /* an offset of nothing is written Z */
    struct integer_picture integer;
    size_t year_digits; /* that are kept; 0: all */
    size_t width_max;   /* of a name; 0: any */
};

struct date_picture {
    struct date_part *parts;
    size_t count;
};

/* *ret_what is what the message of the code is about; absent: nothing. */
MUST_CHECK const char *date_picture_read(struct arena *a, struct str text,
                                         struct date_picture *ret_picture, struct json *ret_what);

/* What no picture asks for: 2018-03-01T12:00:00.000Z. */
#define DATE_PICTURE_ISO STR("[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01].[f001][Z01:01t]")

/* hhmm as a number, from a text such as "+0530"; an empty one is UTC. */
struct date_zone {
    double hours, minutes;
};
struct date_zone date_zone_read(struct str text);

/* A time that no date has is written NaN. */
MUST_CHECK const char *date_format(struct arena *a, double ms, struct date_zone zone,
                                   const struct date_picture *picture, struct str *ret_text,
                                   struct json *ret_what);

/* The milliseconds of an ISO 8601 text; without an offset UTC. false: it is none. NaN:
 * it looks like one, but is no date. */
MUST_CHECK bool date_parse_iso(struct str text, double *ret_ms);

/* The value of one component; NaN for a time that no date has. P is 1 in the afternoon. */
double date_component(double ms, char component);

/* ECMA-262's Date.UTC: months from 0, anything out of range carried over, the years 0 to
 * 99 in the 20th century. */
struct date_fields {
    double year, month, day, hour, minute, second, ms;
};
double date_utc(const struct date_fields *fields);

extern const char *const date_months[12];
extern const char *const date_days[7]; /* from Monday */

#endif
