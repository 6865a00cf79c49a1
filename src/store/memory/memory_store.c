#include "store/memory/memory_store.h"

#include "store/memory/memory_internal.h"

#include <stdlib.h>

static void memory_step(struct store *base, struct mono_ns now)
{
    (void)now;
    struct memory_store *m = (struct memory_store *)base;
    struct store_commit *c = store_take_commits(base);
    struct store_read *r = store_take_reads(base);
    struct err err;
    while (c) {
        struct store_commit *next = c->next;
        c->done(c->arg, memory_apply(m, c, &err) ? NULL : &err);
        c = next;
    }
    while (r) {
        struct store_read *next = r->next_read;
        store_read_reset(r);
        bool ok = memory_answer(m, r, &err);
        if (!ok)
            store_read_reset(r);
        r->done(r->arg, ok ? NULL : &err);
        r = next;
    }
}

static bool memory_claim(struct store *base, uint32_t first, uint32_t count, uint64_t *ret_epochs,
                         struct err *reterr)
{
    (void)reterr;
    struct memory_store *m = (struct memory_store *)base;
    for (uint32_t i = 0; i < count; i++)
        ret_epochs[i] = ++m->epochs[first + i];
    return true;
}

static void memory_close(struct store *base)
{
    struct memory_store *m = (struct memory_store *)base;
    for (size_t i = 0; i < m->executions.count; i++) {
        struct kept_execution *e = m->executions.items[i];
        free(e->turns);
        if (e->has_snapshot)
            free((void *)(uintptr_t)e->snapshot.body.ptr);
    }
    free(m->definitions.items);
    free(m->machines.items);
    free(m->executions.items);
    free(m->objects.items);
    free(m->buckets);
    memory_undo_release(m);
    arena_free(m->arena);
    free(m);
}

struct store *memory_store_new(const uint8_t secret[static STORE_SECRET_SIZE])
{
    static const struct store_ops ops = {
        .step = memory_step,
        .claim = memory_claim,
        .close = memory_close,
    };
    struct memory_store *m = calloc(1, sizeof(*m));
    if (!m)
        panic(__FILE__, __LINE__, "out of memory");
    store_init(&m->base, &ops, secret);
    m->arena = arena_new(0);
    return &m->base;
}
