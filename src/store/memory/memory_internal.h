/* What the memory store holds, and the finding of it. */
#ifndef PAWL_STORE_MEMORY_MEMORY_INTERNAL_H
#define PAWL_STORE_MEMORY_MEMORY_INTERNAL_H

#include "store/store_internal.h"

struct kept_definition {
    org_id org;
    uint8_t hash[SHA256_SIZE];
    struct str text;
};

struct kept_machine {
    org_id org;
    struct machine_row row;
};

struct kept_object {
    org_id org;
    struct object_row row;
};

struct kept_execution {
    org_id org;
    struct execution_row row;
    struct turn_row *turns; /* row.turns of them; malloc */
    size_t turn_capacity;
    bool has_snapshot;
    struct snapshot_row snapshot; /* the body is malloc */
    struct kept_execution *same_bucket;
};

/* Pointers in the order of their keys. */
struct kept_list {
    void **items;
    size_t count, capacity;
};

struct memory_store {
    struct store base;
    struct arena *arena; /* all rows and bodies but snapshots */
    struct kept_list definitions, machines, executions, objects;
    struct kept_execution **buckets; /* of client-chosen names */
    size_t bucket_count, named_count;
    uint64_t epochs[SHARD_COUNT];
    struct undo *undo;
    size_t undo_count, undo_capacity;
};

/* Where the item with this key stands, or would. */
size_t kept_definition_at(const struct memory_store *m, org_id org, const uint8_t *hash,
                          bool *ret_there);
size_t kept_machine_at(const struct memory_store *m, org_id org, struct str name, bool *ret_there);
size_t kept_object_at(const struct memory_store *m, org_id org, struct str kind, struct str name,
                      bool *ret_there);
size_t kept_execution_at(const struct memory_store *m, execution_key key, bool *ret_there);

/* NULL: not there, or another organization's. */
struct kept_execution *kept_execution_find(const struct memory_store *m, org_id org,
                                           execution_key key);

/* The first of the bucket in which executions of this name stand, or NULL. */
struct kept_execution *kept_bucket(const struct memory_store *m, org_id org, struct str name);

MUST_CHECK bool memory_apply(struct memory_store *m, const struct store_commit *c,
                             struct err *reterr);
MUST_CHECK bool memory_answer(const struct memory_store *m, struct store_read *r,
                              struct err *reterr);

/* Frees the undo log itself. */
void memory_undo_release(struct memory_store *m);
void kept_list_insert(struct kept_list *list, size_t at, void *item);
void kept_list_remove(struct kept_list *list, size_t at);
void kept_bucket_add(struct memory_store *m, struct kept_execution *e);
void kept_bucket_remove(struct memory_store *m, const struct kept_execution *e);

#endif
