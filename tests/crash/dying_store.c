#include "dying_store.h"

#include "store/store_internal.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

struct dying_store {
    struct store base;
    struct store *inner;
    uint64_t moment, *moments;
};

struct outcome {
    bool done, failed;
    struct err err;
};

static void pass_moment(struct dying_store *d)
{
    if (++*d->moments == d->moment)
        kill(getpid(), SIGKILL);
}

static void note(void *arg, const struct err *err)
{
    struct outcome *o = arg;
    o->done = true;
    o->failed = err != NULL;
    if (err)
        o->err = *err;
}

static void wait_for(struct dying_store *d, const struct outcome *o, struct mono_ns now)
{
    while (!o->done)
        store_step(d->inner, now);
}

/* Through a copy, since what was submitted must come back as it was. */
static void pass_commit(struct dying_store *d, struct store_commit *c, struct mono_ns now)
{
    struct outcome o = {0};
    struct store_commit copy = *c;
    copy.done = note;
    copy.arg = &o;
    pass_moment(d);
    store_commit(d->inner, &copy);
    wait_for(d, &o, now);
    pass_moment(d);
    c->done(c->arg, o.failed ? &o.err : NULL);
}

static void pass_read(struct dying_store *d, struct store_read *r, struct mono_ns now)
{
    struct outcome o = {0};
    struct store_read copy = *r;
    store_done *done = r->done;
    void *arg = r->arg;
    copy.done = note;
    copy.arg = &o;
    pass_moment(d);
    store_read(d->inner, &copy);
    wait_for(d, &o, now);
    *r = copy;
    r->done = done;
    r->arg = arg;
    done(arg, o.failed ? &o.err : NULL);
}

static void dying_step(struct store *s, struct mono_ns now)
{
    struct dying_store *d = (struct dying_store *)s;
    struct store_commit *c = store_take_commits(s);
    struct store_read *r = store_take_reads(s);
    while (c) {
        struct store_commit *next = c->next;
        pass_commit(d, c, now);
        c = next;
    }
    while (r) {
        struct store_read *next = r->next_read;
        pass_read(d, r, now);
        r = next;
    }
}

static bool dying_claim(struct store *s, uint32_t first, uint32_t count, uint64_t *ret_epochs,
                        struct err *reterr)
{
    struct dying_store *d = (struct dying_store *)s;
    ASSERT(first == 0 && count == SHARD_COUNT);
    return store_claim_all(d->inner, ret_epochs, reterr);
}

static void dying_close(struct store *s)
{
    struct dying_store *d = (struct dying_store *)s;
    store_close(d->inner);
    free(d);
}

struct store *dying_store_new(struct store *inner, uint64_t moment, uint64_t *moments)
{
    static const struct store_ops ops = {
        .step = dying_step, .claim = dying_claim, .close = dying_close};
    struct dying_store *d = calloc(1, sizeof(*d));
    if (!d)
        panic(__FILE__, __LINE__, "out of memory");
    store_init(&d->base, &ops, store_secret(inner));
    d->inner = inner;
    d->moment = moment;
    d->moments = moments;
    return &d->base;
}
