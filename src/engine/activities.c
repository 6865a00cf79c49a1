#include "engine/activities.h"

#include "base/hash.h"

#include <stdlib.h>

enum {
    TASKS_FIRST = 16
};

static struct activity **bucket_of(struct activities *as, struct str arn)
{
    return &as->buckets[checksum64(arn) % ACTIVITY_BUCKETS];
}

struct activity *activity_find(const struct activities *as, struct str arn)
{
    for (struct activity *a = as->buckets[checksum64(arn) % ACTIVITY_BUCKETS]; a; a = a->next)
        if (str_eq(str_of(a->arn, a->arn_len), arn))
            return a;
    return NULL;
}

struct activity *activity_get(struct activities *as, struct str arn)
{
    struct activity *a = activity_find(as, arn);
    struct activity **bucket = bucket_of(as, arn);
    if (a)
        return a;
    a = calloc(1, sizeof(*a) + arn.len);
    if (!a)
        panic(__FILE__, __LINE__, "out of memory");
    memcpy(a->arn, arn.ptr, arn.len);
    a->arn_len = arn.len;
    a->next = *bucket;
    *bucket = a;
    return a;
}

static void activity_free(struct activities *as, struct activity *a)
{
    struct activity **at = bucket_of(as, str_of(a->arn, a->arn_len));
    while (*at != a)
        at = &(*at)->next;
    *at = a->next;
    for (struct activity_returned *r; (r = a->returned);) {
        a->returned = r->next;
        free(r);
    }
    free(a->tasks);
    free(a);
}

void activity_drop_if_idle(struct activities *as, struct activity *a)
{
    if (!a->polls && !a->task_count && !a->returned && !a->behind)
        activity_free(as, a);
}

static void free_polls(struct poll_list *list)
{
    for (struct engine_poll *p; (p = list->first);) {
        list->first = p->after;
        free(p);
    }
}

void activities_release(struct activities *as)
{
    for (size_t i = 0; i < ACTIVITY_BUCKETS; i++)
        for (struct activity *a; (a = as->buckets[i]);) {
            free_polls(&a->idle);
            free_polls(&a->busy);
            activity_free(as, a);
        }
    *as = (struct activities){0};
}

/* ---- tasks ---- */

static void make_room(struct activity *a)
{
    if (a->task_count < a->task_capacity)
        return;
    size_t larger = a->task_capacity ? a->task_capacity * 2 : TASKS_FIRST;
    struct activity_task *tasks = reallocarray(NULL, larger, sizeof(*tasks));
    if (!tasks)
        panic(__FILE__, __LINE__, "out of memory");
    for (size_t i = 0; i < a->task_count; i++)
        tasks[i] = a->tasks[(a->task_first + i) % a->task_capacity];
    free(a->tasks);
    a->tasks = tasks;
    a->task_first = 0;
    a->task_capacity = larger;
}

void activity_push(struct activities *as, struct activity *a, struct activity_task task)
{
    make_room(a);
    a->tasks[(a->task_first + a->task_count++) % a->task_capacity] = task;
    as->tasks++;
}

void activity_push_front(struct activities *as, struct activity *a, struct activity_task task)
{
    make_room(a);
    a->task_first = (a->task_first + a->task_capacity - 1) % a->task_capacity;
    a->tasks[a->task_first] = task;
    a->task_count++;
    as->tasks++;
}

void activity_return(struct activities *as, struct activity *a, struct activity_task task)
{
    struct activity_returned *r = malloc(sizeof(*r));
    if (!r)
        panic(__FILE__, __LINE__, "out of memory");
    *r = (struct activity_returned){a->returned, task};
    a->returned = r;
    as->tasks++;
}

bool activity_pop(struct activities *as, struct activity *a, struct activity_task *ret_task,
                  bool *ret_again)
{
    struct activity_returned *r = a->returned;
    *ret_again = r != NULL;
    if (r) {
        *ret_task = r->task;
        a->returned = r->next;
        free(r);
    } else if (a->task_count) {
        *ret_task = a->tasks[a->task_first];
        a->task_first = (a->task_first + 1) % a->task_capacity;
        a->task_count--;
    } else {
        return false;
    }
    as->tasks--;
    return true;
}

/* ---- workers ---- */

static void poll_put(struct poll_list *list, struct engine_poll *p, struct engine_poll *before,
                     struct engine_poll *after)
{
    p->before = before;
    p->after = after;
    if (before)
        before->after = p;
    else
        list->first = p;
    if (after)
        after->before = p;
    else
        list->last = p;
}

void poll_push(struct poll_list *list, struct engine_poll *p)
{
    poll_put(list, p, list->last, NULL);
}

void poll_push_front(struct poll_list *list, struct engine_poll *p)
{
    poll_put(list, p, NULL, list->first);
}

void poll_take_out(struct poll_list *list, struct engine_poll *p)
{
    if (p->before)
        p->before->after = p->after;
    else
        list->first = p->after;
    if (p->after)
        p->after->before = p->before;
    else
        list->last = p->before;
}
