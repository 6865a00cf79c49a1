/* What each operation of the Step Functions API takes: one table a structure.
 *
 * members_check holds a request's body against its table and words what does not fit as AWS
 * does: a type that is wrong is a SerializationException, all other constraints together one
 * ValidationException. So every operation refuses alike, and what passed has only values of
 * the types that the table says. A member that is null counts as not there.
 *
 * Source: the API's model, version 2016-11-23; wording as recorded.
 */
#ifndef PAWL_API_AWS_MEMBERS_H
#define PAWL_API_AWS_MEMBERS_H

#include "json/json.h"

enum {
    MEMBERS_VIOLATIONS_MAX = 10, /* told at once */
    MEMBERS_PATH_MAX = 200,      /* bytes of a member's path */
    MEMBERS_VALUE_MAX = 4096,    /* bytes of a value that are repeated */
};

enum member_type {
    MEMBER_TEXT,
    MEMBER_INTEGER,
    MEMBER_NUMBER,
    MEMBER_BOOL,
    MEMBER_OBJECT,
    MEMBER_LIST,
};

enum member_flag {
    MEMBER_REQUIRED = 1,
    MEMBER_SENSITIVE = 2, /* its value is not repeated in an error */
};

/* Of texts; `fits` is what `text` says. */
struct pattern {
    const char *text;
    bool (*fits)(struct str value);
};

struct member {
    const char *name; /* NULL: the end of the table */
    enum member_type type;
    unsigned flags;
    int64_t min, max;              /* characters, items, or the value; max 0: none */
    const char *const *values;     /* the only ones; ends with NULL */
    const struct pattern *pattern; /* may be NULL */
    const struct member *members;  /* of an object; of a list's item, nameless if no object */
};

/* The error's exception and text, in the arena, when false. */
MUST_CHECK bool members_check(struct arena *a, const struct member *members, struct json body,
                              struct str *reterr_type, struct str *reterr_message);

/* Absent when it is not there or null. */
struct json member_get(struct json object, struct str name);

/* By the name of the operation; NULL: none is known. */
const struct member *members_of(struct str operation);

#endif
