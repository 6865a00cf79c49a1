/* State machines with their revisions, versions and aliases, activities, and tags: what the
 * store keeps of them beyond definitions, and every change to them.
 *
 * A machine has one current revision: settings and a definition. A version is a revision
 * that was given a number and never changes; an alias leads to one or two versions by
 * weight. All of that stands in the store's machine rows and objects:
 *
 *   machine row       the current revision: its body is the settings
 *   object "machine"  NAME: its ledger, the last number given and what it was given to.
 *                     Every change to a machine, its versions and its aliases writes it too,
 *                     so that two changes can never be decided on the same state.
 *   object "revision" NAME:ID, "version" NAME:0000000007: settings with the definition's hash
 *   object "alias"    NAME:ALIAS: description and routing
 *   object "activity" NAME
 *   object "tags"     ARN of a machine or an activity: {KEY: VALUE}
 *
 * A machine that was only ever run by its definition has no body and no ledger; it then
 * has default settings, and the first change makes what is missing.
 *
 * Each function begins something and answers by the asker's `done`, once: later, from within
 * store_step, or at once where that is said. What it was given is copied. A change is one commit,
 * and is decided anew when another was quicker.
 *
 * Ownership: catalog_free; what an answer holds lives until `done` returns.
 * Threads: the store owner's.
 * Source: the Step Functions API reference; docs/adr/0017-catalog.md.
 */
#ifndef PAWL_CATALOG_CATALOG_H
#define PAWL_CATALOG_CATALOG_H

#include "base/rng.h"
#include "catalog/arn.h"
#include "json/json.h"
#include "store/store.h"

enum {
    CATALOG_VERSIONS_MAX = 1000,        /* limit versions_max: of one machine; AWS's quota */
    CATALOG_ALIASES_MAX = 100,          /* limit aliases_max: of one machine; AWS's quota */
    CATALOG_TAGS_MAX = 50,              /* limit tags_max: of one resource; AWS's */
    CATALOG_ROUTES_MAX = 2,             /* of one alias; AWS's */
    CATALOG_TRIES_MAX = 100,            /* times that a change is decided when others are quicker */
    CATALOG_KNOWN_MAX = 64,             /* machines and versions kept in mind for starts */
    CATALOG_KNOWN_SIZE_MAX = 128 << 10, /* bytes of a definition that is kept in mind */
};

#define CATALOG_FIRST_REVISION "INITIAL" /* what the first revision is called: it has no id */

struct catalog;

struct catalog_options {
    struct store *store;
    org_id org;
    uint32_t shard; /* whose epoch the commits carry */
    uint64_t epoch;
    uint64_t seed; /* of revision ids and of routing */
    /* Beyond so many none is created; 0: any number. Those that are created at the same time
     * are not counted for each other, and whoever writes machines past the catalog not at all. */
    size_t machines_max, activities_max;
    void (*wake)(void *arg); /* step the store soon */
    /* A machine, or a version or alias of it, was written or deleted: whoever keeps it in
     * mind looks again. */
    void (*changed)(void *arg, struct str machine_name);
    void *arg;
};

struct catalog *catalog_new(const struct catalog_options *options);
/* Someone else has written machines into the store: nothing is known of any. */
void catalog_forget(struct catalog *c);

/* Once the store has abandoned what was submitted, or completed it. Accepts NULL. */
void catalog_free(struct catalog *c);

/* ---- what there is ---- */

struct catalog_settings {
    bool express;
    struct str role_arn;
    struct json logging, tracing, encryption; /* whole, as the API describes them */
};

/* A copy in which nothing is absent: defaults stand for it. */
struct catalog_settings catalog_settings_whole(struct arena *a,
                                               const struct catalog_settings *given);

struct catalog_machine {
    struct str name, arn;   /* arn: of the machine itself */
    uint32_t version;       /* 0: the machine itself */
    struct str description; /* of the version; may be empty */
    struct str revision;    /* CATALOG_FIRST_REVISION, or an id */
    struct catalog_settings settings;
    uint8_t definition[SHA256_SIZE];
    struct wall_ms created_at, updated_at; /* of the version, when it is one */
    struct str text;                       /* the definition; only where said */
};

struct catalog_route {
    uint32_t version, weight; /* weight: of 100 */
};

struct catalog_alias {
    struct str machine_arn, name, description;
    struct catalog_route routes[CATALOG_ROUTES_MAX];
    size_t route_count;
    struct wall_ms created_at, updated_at;
};

struct catalog_activity {
    struct str name, arn;
    struct json encryption;
    struct wall_ms created_at;
};

/* ---- answers ---- */

enum catalog_outcome {
    CATALOG_DONE,
    CATALOG_FAILED, /* the store's error is in err */
    CATALOG_MACHINE_EXISTS,
    CATALOG_MACHINE_MISSING,
    CATALOG_MACHINES_FULL,
    CATALOG_REVISION_DIFFERS, /* subject: the current one */
    CATALOG_REVISION_MISSING,
    CATALOG_VERSION_MISSING,
    CATALOG_VERSION_IN_USE, /* subject: the aliases, "a, b" */
    CATALOG_VERSIONS_FULL,
    CATALOG_ALIAS_EXISTS,
    CATALOG_ALIAS_MISSING,
    CATALOG_ALIASES_FULL,
    CATALOG_ACTIVITY_EXISTS,
    CATALOG_ACTIVITY_MISSING,
    CATALOG_ACTIVITIES_FULL,
    CATALOG_RESOURCE_MISSING,
    CATALOG_TAGS_FULL,
};

struct catalog_answer {
    enum catalog_outcome outcome;
    const struct err *err;
    struct str subject;
    struct catalog_machine machine;      /* the machine or version it is about */
    const struct catalog_machine *items; /* of lists of machines, versions and revisions */
    struct catalog_alias alias;
    bool by_alias;   /* the machine was reached through `alias` */
    bool is_current; /* the revision that was found is the machine's current one */
    const struct catalog_alias *aliases;
    struct catalog_activity activity;
    const struct catalog_activity *activities;
    struct json tags; /* {KEY: VALUE} */
    size_t count;     /* of the list */
    bool more;        /* the list ended before what there is */
};

typedef void catalog_done(void *owner, const struct catalog_answer *answer);

struct deed;

struct catalog_asker {
    struct wall_ms now;
    catalog_done *done;
    void *owner;
    struct deed **place; /* must be empty; holds the deed until `done` is called */
};

/* Nobody waits any more: what was begun goes on, and tells nobody. Accepts NULL. */
void deed_abandon(struct deed *d);

/* ---- machines ---- */

struct catalog_draft {
    struct str name, arn, definition;
    struct catalog_settings settings; /* absent parts: defaults */
    struct json tags;                 /* {KEY: VALUE} or absent */
    bool publish;
    struct str description; /* of the version */
};

/* Answers `machine`, its version above 0 when one was published. The same draft again
 * changes nothing and answers the same; role and tags are not compared. MACHINE_EXISTS,
 * MACHINES_FULL. */
void catalog_create_machine(struct catalog *c, const struct catalog_asker *who,
                            const struct catalog_draft *draft);

struct catalog_change {
    struct arn machine;
    bool has_definition;
    struct str definition;
    struct str role_arn;                      /* empty: as it is */
    struct json logging, tracing, encryption; /* absent: as they are */
    bool publish;
    struct str description;
};

/* MACHINE_MISSING, VERSIONS_FULL. Nothing changed: the same revision. */
void catalog_update_machine(struct catalog *c, const struct catalog_asker *who,
                            const struct catalog_change *change);

/* With its versions, aliases, revisions and tags. None of that name: DONE, too. */
void catalog_delete_machine(struct catalog *c, const struct catalog_asker *who,
                            const struct arn *machine);

/* The machine, version or, by a throw of the dice, what an alias leads to; with its text.
 * Answers at once what it still knows. MACHINE_MISSING, VERSION_MISSING, ALIAS_MISSING. */
void catalog_find_machine(struct catalog *c, const struct catalog_asker *who,
                          const struct arn *any);

/* What an execution of the machine that was found keeps of that, as JSON text: {"revision",
 * "version"?, "alias"?, "trace"?}. trace may be empty. */
struct str catalog_origin(struct arena *a, const struct catalog_answer *answer, struct str trace);

/* By a machine's name: what it was, with its text; created_at is the revision's. `is_current`
 * says whether it is that still. MACHINE_MISSING, REVISION_MISSING. */
void catalog_find_revision(struct catalog *c, const struct catalog_asker *who, struct str name,
                           struct str revision);

/* By id, after `after`. What the machine is now is `machine`; when that was put there by a run
 * of a definition, past the catalog, it is the last item, beyond count_max. MACHINE_MISSING. */
void catalog_list_revisions(struct catalog *c, const struct catalog_asker *who, struct str name,
                            struct str after, size_t count_max);

/* By name, after `after`. */
void catalog_list_machines(struct catalog *c, const struct catalog_asker *who, struct str after,
                           size_t count_max);

/* ---- versions ---- */

/* revision empty: whichever is current. A revision that has a version already keeps it.
 * MACHINE_MISSING, REVISION_DIFFERS, VERSIONS_FULL. */
void catalog_publish_version(struct catalog *c, const struct catalog_asker *who,
                             const struct arn *machine, struct str revision,
                             struct str description);

/* None such: DONE, too. VERSION_IN_USE. */
void catalog_delete_version(struct catalog *c, const struct catalog_asker *who,
                            const struct arn *version);

/* Newest first, below `before` (0: from the newest). None of an unknown machine. */
void catalog_list_versions(struct catalog *c, const struct catalog_asker *who,
                           const struct arn *machine, uint32_t before, size_t count_max);

/* ---- aliases ---- */

struct catalog_alias_draft {
    struct arn machine;
    struct str name;
    bool has_description, has_routes;
    struct str description;
    struct catalog_route routes[CATALOG_ROUTES_MAX];
    size_t route_count;
};

/* Again with the same: the same answer. MACHINE_MISSING, VERSION_MISSING, ALIAS_EXISTS,
 * ALIASES_FULL. */
void catalog_create_alias(struct catalog *c, const struct catalog_asker *who,
                          const struct catalog_alias_draft *draft);

/* What is not given stays. ALIAS_MISSING, VERSION_MISSING. */
void catalog_update_alias(struct catalog *c, const struct catalog_asker *who,
                          const struct catalog_alias_draft *draft);

/* None such: DONE, too. */
void catalog_delete_alias(struct catalog *c, const struct catalog_asker *who,
                          const struct arn *alias);
void catalog_find_alias(struct catalog *c, const struct catalog_asker *who,
                        const struct arn *alias);

/* By name, after `after`; of a version's ARN those that lead to it. MACHINE_MISSING. */
void catalog_list_aliases(struct catalog *c, const struct catalog_asker *who,
                          const struct arn *machine, struct str after, size_t count_max);

/* ---- activities ---- */

struct catalog_activity_draft {
    struct str name, arn;
    struct json encryption, tags;
};

/* ACTIVITY_EXISTS when its encryption differs; else again the same answer. ACTIVITIES_FULL. */
void catalog_create_activity(struct catalog *c, const struct catalog_asker *who,
                             const struct catalog_activity_draft *draft);
/* None such: DONE, too. */
void catalog_delete_activity(struct catalog *c, const struct catalog_asker *who,
                             const struct arn *activity);
void catalog_find_activity(struct catalog *c, const struct catalog_asker *who,
                           const struct arn *activity);
void catalog_list_activities(struct catalog *c, const struct catalog_asker *who, struct str after,
                             size_t count_max);

/* ---- tags of a machine or an activity ---- */

/* RESOURCE_MISSING, TAGS_FULL. tags: {KEY: VALUE}, which go over those there are. */
void catalog_tag(struct catalog *c, const struct catalog_asker *who, const struct arn *resource,
                 struct json tags);
/* keys: an array of texts. */
void catalog_untag(struct catalog *c, const struct catalog_asker *who, const struct arn *resource,
                   struct json keys);
void catalog_list_tags(struct catalog *c, const struct catalog_asker *who,
                       const struct arn *resource);

#endif
