#include "store/memory/memory_internal.h"

#include <stdlib.h>

enum {
    BUCKETS_FIRST = 64
};

/* ---- ordered lists ---- */

void kept_list_insert(struct kept_list *list, size_t at, void *item)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 16;
        list->items = reallocarray(list->items, list->capacity, sizeof(*list->items));
        if (!list->items)
            panic(__FILE__, __LINE__, "out of memory");
    }
    memmove(list->items + at + 1, list->items + at, (list->count - at) * sizeof(*list->items));
    list->items[at] = item;
    list->count++;
}

void kept_list_remove(struct kept_list *list, size_t at)
{
    list->count--;
    memmove(list->items + at, list->items + at + 1, (list->count - at) * sizeof(*list->items));
}

typedef int compare_to_key(const void *item, const void *key);

static size_t position(const struct kept_list *list, compare_to_key *compare, const void *key,
                       bool *ret_there)
{
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(list->items[middle], key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_there = low < list->count && compare(list->items[low], key) == 0;
    return low;
}

static int compare_definition(const void *item, const void *key)
{
    const struct kept_definition *a = item, *b = key;
    if (a->org != b->org)
        return a->org < b->org ? -1 : 1;
    return memcmp(a->hash, b->hash, SHA256_SIZE);
}

static int compare_machine(const void *item, const void *key)
{
    const struct kept_machine *a = item, *b = key;
    if (a->org != b->org)
        return a->org < b->org ? -1 : 1;
    return str_compare(a->row.name, b->row.name);
}

static int compare_object(const void *item, const void *key)
{
    const struct kept_object *a = item, *b = key;
    if (a->org != b->org)
        return a->org < b->org ? -1 : 1;
    int kinds = str_compare(a->row.kind, b->row.kind);
    return kinds ? kinds : str_compare(a->row.name, b->row.name);
}

static int compare_execution(const void *item, const void *key)
{
    execution_key a = ((const struct kept_execution *)item)->row.key;
    execution_key b = *(const execution_key *)key;
    return a < b ? -1 : a > b;
}

size_t kept_definition_at(const struct memory_store *m, org_id org, const uint8_t *hash,
                          bool *ret_there)
{
    struct kept_definition key = {.org = org};
    memcpy(key.hash, hash, SHA256_SIZE);
    return position(&m->definitions, compare_definition, &key, ret_there);
}

size_t kept_machine_at(const struct memory_store *m, org_id org, struct str name, bool *ret_there)
{
    struct kept_machine key = {.org = org, .row.name = name};
    return position(&m->machines, compare_machine, &key, ret_there);
}

size_t kept_object_at(const struct memory_store *m, org_id org, struct str kind, struct str name,
                      bool *ret_there)
{
    struct kept_object key = {.org = org, .row = {.kind = kind, .name = name}};
    return position(&m->objects, compare_object, &key, ret_there);
}

size_t kept_execution_at(const struct memory_store *m, execution_key key, bool *ret_there)
{
    return position(&m->executions, compare_execution, &key, ret_there);
}

struct kept_execution *kept_execution_find(const struct memory_store *m, org_id org,
                                           execution_key key)
{
    bool there;
    size_t at = kept_execution_at(m, key, &there);
    if (!there)
        return NULL;
    struct kept_execution *e = m->executions.items[at];
    return e->org == org ? e : NULL;
}

/* ---- client-chosen names ---- */

static struct kept_execution **bucket_of(const struct memory_store *m, org_id org, struct str name)
{
    return &m->buckets[(str_hash(name) ^ org) & (m->bucket_count - 1)];
}

struct kept_execution *kept_bucket(const struct memory_store *m, org_id org, struct str name)
{
    return m->bucket_count ? *bucket_of(m, org, name) : NULL;
}

static void put(struct memory_store *m, struct kept_execution *e)
{
    struct kept_execution **first = bucket_of(m, e->org, e->row.name);
    e->same_bucket = *first;
    *first = e;
}

static void grow_buckets(struct memory_store *m)
{
    struct kept_execution **old = m->buckets;
    size_t old_count = m->bucket_count;
    m->bucket_count = old_count ? 2 * old_count : BUCKETS_FIRST;
    m->buckets = calloc(m->bucket_count, sizeof(struct kept_execution *));
    if (!m->buckets)
        panic(__FILE__, __LINE__, "out of memory");
    for (size_t i = 0; i < old_count; i++)
        for (struct kept_execution *e = old[i], *next; e; e = next) {
            next = e->same_bucket;
            put(m, e);
        }
    free(old);
}

void kept_bucket_add(struct memory_store *m, struct kept_execution *e)
{
    if (m->named_count == m->bucket_count)
        grow_buckets(m);
    put(m, e);
    m->named_count++;
}

void kept_bucket_remove(struct memory_store *m, const struct kept_execution *e)
{
    struct kept_execution **at = bucket_of(m, e->org, e->row.name);
    while (*at != e)
        at = &(*at)->same_bucket;
    *at = e->same_bucket;
    m->named_count--;
}
