/* What the files of catalog/ share: deeds, which read, decide and write; and the records'
 * bodies. Included only inside catalog/. */
#ifndef PAWL_CATALOG_CATALOG_INTERNAL_H
#define PAWL_CATALOG_CATALOG_INTERNAL_H

#include "catalog/catalog.h"

/* A machine or version as it was found last. */
struct known_find {
    struct arena *arena; /* owned; NULL: nothing is known here */
    struct str arn;
    struct catalog_machine machine;
};

struct catalog {
    struct catalog_options options;
    struct rng rng;
    struct deed *deeds; /* under way */
    uint64_t changes;   /* of anything, by anyone; what was asked before the last is not kept */
    struct known_find known[CATALOG_KNOWN_MAX]; /* by their ARNs' hash */
};

/* ---- deeds (deed.c) ---- */

/* Works on what was asked and answered: asks more, commits, or ends the deed. */
typedef void deed_step(struct deed *d);

/* Something asked of the store. */
struct deed_read {
    struct deed_read *next; /* among those not submitted yet */
    struct deed_read *also; /* all of the deed */
    struct deed *deed;
    struct arena *arena; /* owned: the store answers into it, perhaps in a thread of its own */
    bool all;            /* every page of the list, one behind the other */
    struct store_read read;
    struct object_row *objects; /* of all pages */
    size_t count, capacity;
};

struct deed {
    struct catalog *catalog;
    struct deed *next, **link;
    struct arena *arena; /* owned; all of the deed lies in it but what was read */
    struct catalog_asker asker;
    deed_step *begin, *step;
    struct deed_read *asked; /* since the last deed_go, not submitted yet */
    struct deed_read *reads; /* all */
    size_t waiting;
    unsigned tries;
    struct store_write *writes;
    size_t write_count, write_capacity;
    struct store_commit commit;
    struct err err;
    struct catalog_answer answer;
    void *work;                                      /* the operation's own */
    struct deed_read *machine, *ledger, *tags, *one; /* what most of them ask */
    struct deed_read *definition;                    /* of deed_go_definition */
    struct deed_read *others;                        /* of its kind, counted */
};

/* Begins one; `begin` runs at once, and again when a commit came too late. work_size
 * zeroed bytes become its work. */
struct deed *deed_new(struct catalog *c, const struct catalog_asker *who, size_t work_size);
void deed_begin(struct deed *d, deed_step *begin);

struct deed_read *deed_ask(struct deed *d, enum store_read_kind kind, struct str name);
struct deed_read *deed_ask_object(struct deed *d, const char *kind, struct str name);
/* Every object of the kind whose name begins so. */
struct deed_read *deed_ask_all(struct deed *d, const char *kind, struct str prefix);
/* Reads what was asked, then steps. What is not found is no failure here. */
void deed_go(struct deed *d, deed_step *step);

struct store_write *deed_write(struct deed *d, enum store_write_kind kind);
/* revision: what was read, 0 for a new one. */
void deed_put(struct deed *d, const char *kind, struct str name, uint64_t revision,
              struct json body);
void deed_drop(struct deed *d, const char *kind, struct str name, uint64_t revision);
void deed_commit(struct deed *d, deed_step *step);

void deed_done(struct deed *d);
void deed_refuse(struct deed *d, enum catalog_outcome why);
void deed_fail(struct deed *d, const struct err *err);

/* The object that was asked for, or NULL. */
const struct object_row *deed_object(const struct deed_read *r);
/* Its body; absent when there is none. False: the deed has failed (CORRUPT). */
bool deed_body(struct deed *d, const struct deed_read *r, struct json *ret_body);
bool deed_parse(struct deed *d, const struct object_row *object, struct json *ret_body);

/* No more of what was counted may be created; most 0: any number. */
static inline bool is_full(const struct deed_read *others, size_t most)
{
    return most && others->read.count >= most;
}

/* ---- records (records.c) ---- */

/* "NAME:" and what belongs to that machine. */
struct str part_name(struct arena *a, struct str machine, struct str part);
struct str version_part(struct arena *a, uint32_t version);
struct str object_part(struct str object_name); /* behind the machine's name */

struct catalog_settings settings_copy(struct arena *a, const struct catalog_settings *from);
struct json machine_body(struct arena *a, const struct catalog_machine *m);
/* The body of a revision, a version or, with `row`, of a machine's row. */
void machine_read(struct arena *a, struct json body, struct catalog_machine *to);
bool machine_of_row(struct deed *d, const struct machine_row *row, struct catalog_machine *to);

struct ledger {
    uint64_t revision; /* of its object */
    uint32_t last;     /* version given */
    uint32_t current;  /* version of the current revision; 0: none */
    uint32_t count;    /* versions there are */
    /* What the machine was made with, to know the same request again. */
    bool published;
    struct str description;
};
bool ledger_read(struct deed *d, struct ledger *to);
void ledger_put(struct deed *d, struct str machine, const struct ledger *l);

/* ---- machines (machines.c) ---- */

/* The row that was asked for when it is of this ARN, else NULL. */
const struct machine_row *deed_machine_row(const struct deed *d, struct str arn);
/* Asks for the machine and its ledger. */
void deed_ask_machine(struct deed *d, struct str name);
/* Reads the definition of d->answer.machine, then steps. */
void deed_go_definition(struct deed *d, deed_step *step);
/* Its text into d->answer.machine. False: the deed has failed. */
bool deed_take_definition(struct deed *d);
/* Gives the current revision `m` the next number, in this commit. False: none is left, and
 * the deed is refused. */
bool version_give(struct deed *d, const struct catalog_machine *m, struct ledger *l,
                  struct str description);

/* ---- aliases (aliases.c) ---- */

/* False: the deed has failed. */
bool alias_of_object(struct deed *d, const struct object_row *object, struct str machine_arn,
                     struct catalog_alias *to);
bool alias_leads_to(const struct catalog_alias *alias, uint32_t version);

struct arn arn_copy(struct arena *a, const struct arn *arn);

#endif
