/* The ARNs of the Step Functions API, taken apart.
 *
 *   arn:aws:states:REGION:ACCOUNT:stateMachine:NAME[:VERSION or ALIAS]
 *   arn:aws:states:REGION:ACCOUNT:execution:MACHINE:NAME
 *   arn:aws:states:REGION:ACCOUNT:express:MACHINE:NAME:ID
 *   arn:aws:states:REGION:ACCOUNT:activity:NAME
 *   arn:aws:states:REGION:ACCOUNT:mapRun:MACHINE/LABEL:ID
 *
 * Pure. Parts are slices of the text that was taken apart.
 */
#ifndef PAWL_CATALOG_ARN_H
#define PAWL_CATALOG_ARN_H

#include "base/arena.h"

enum arn_kind {
    ARN_MACHINE,
    ARN_VERSION, /* a machine's, by number */
    ARN_ALIAS,   /* a machine's, by name */
    ARN_EXECUTION,
    ARN_EXPRESS,
    ARN_ACTIVITY,
    ARN_MAP_RUN,
    ARN_OTHER, /* of another service, or none of the above */
};

/* "stateMachine", "execution", ... as it stands in the ARN. */
struct str arn_kind_word(enum arn_kind kind);

struct arn {
    struct str text;
    enum arn_kind kind;
    struct str region, account, word; /* word: as arn_kind_word, or what stands there */
    struct str name;                  /* of the machine or the activity */
    struct str unqualified;           /* up to and with the name */
    struct str qualifier;             /* version, alias, or the execution's name; or empty */
    uint32_t version;                 /* of ARN_VERSION; never 0 */
};

/* False: the text is no ARN at all. */
bool arn_parse(struct str text, struct arn *ret_arn);

struct str arn_of_version(struct arena *a, struct str machine_arn, uint32_t version);
struct str arn_of_alias(struct arena *a, struct str machine_arn, struct str alias);
struct str arn_of_activity(struct arena *a, struct str region, struct str account, struct str name);

#endif
