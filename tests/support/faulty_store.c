#include "support/faulty_store.h"

#include "store/store_internal.h"

#include <stdlib.h>

#define DELAY_MIN_NS 1000000u
#define DELAY_MAX_NS 5000000u

enum fate {
    FATE_KEPT,
    FATE_REFUSED,
    FATE_TAKEN,
    FATE_IO_LOST,
    FATE_IO_KEPT,
};

/* A call on its way in, then on its way out. */
struct call {
    struct store_commit *commit; /* one of the two */
    struct store_read *read;
    uint64_t number, reaches_ns, completes_ns;
    enum fate fate;
    bool reached, failed;
    struct err err;
};

struct faulty_store {
    struct store base;
    struct store *inner;
    struct faulty_options options;
    struct rng rng;
    struct call **calls; /* in the order submitted */
    size_t count, capacity;
    uint64_t numbers;
    uint64_t reaches_ns[SHARD_COUNT], completes_ns[SHARD_COUNT]; /* of the shard's latest commit */
};

static uint64_t delay(struct faulty_store *f)
{
    return DELAY_MIN_NS + rng_below(&f->rng, DELAY_MAX_NS - DELAY_MIN_NS + 1);
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static enum fate draw_fate(struct faulty_store *f)
{
    uint64_t draw = rng_below(&f->rng, 1000000);
    bool kept = rng_below(&f->rng, 2);
    if (draw < f->options.refused_ppm)
        return FATE_REFUSED;
    draw -= f->options.refused_ppm;
    if (draw < f->options.taken_ppm)
        return FATE_TAKEN;
    draw -= f->options.taken_ppm;
    if (draw < f->options.io_ppm)
        return kept ? FATE_IO_KEPT : FATE_IO_LOST;
    return FATE_KEPT;
}

static struct call *add_call(struct faulty_store *f)
{
    if (f->count == f->capacity) {
        f->capacity = f->capacity ? 2 * f->capacity : 64;
        f->calls = reallocarray(f->calls, f->capacity, sizeof(struct call *));
    }
    struct call *call = calloc(1, sizeof(*call));
    if (!f->calls || !call)
        panic(__FILE__, __LINE__, "out of memory");
    call->number = f->numbers++;
    f->calls[f->count++] = call;
    return call;
}

static void accept(struct faulty_store *f, uint64_t now)
{
    struct store_commit *c = store_take_commits(&f->base);
    struct store_read *r = store_take_reads(&f->base);
    for (; c; c = c->next) {
        struct call *call = add_call(f);
        call->commit = c;
        call->fate = draw_fate(f);
        call->reaches_ns = later(now + delay(f), f->reaches_ns[c->shard]);
        call->completes_ns = later(call->reaches_ns + delay(f), f->completes_ns[c->shard]);
        f->reaches_ns[c->shard] = call->reaches_ns;
        f->completes_ns[c->shard] = call->completes_ns;
    }
    for (; r; r = r->next_read) {
        struct call *call = add_call(f);
        call->read = r;
        call->reaches_ns = now + delay(f);
        call->completes_ns = call->reaches_ns + delay(f);
    }
}

/* ---- reaching the inner store ---- */

static void reached(void *arg, const struct err *err)
{
    struct call *call = arg;
    call->reached = true;
    call->failed = err != NULL;
    if (err)
        call->err = *err;
}

static void pass_on(struct faulty_store *f, struct call *call, struct mono_ns now)
{
    store_done *done;
    void *arg;
    if (call->commit) {
        struct store_commit *c = call->commit;
        done = c->done;
        arg = c->arg;
        c->done = reached;
        c->arg = call;
        store_commit(f->inner, c);
        while (!call->reached) {
            store_wait(f->inner, -1);
            store_step(f->inner, now);
        }
        c->done = done;
        c->arg = arg;
        return;
    }
    struct store_read *r = call->read;
    done = r->done;
    arg = r->arg;
    r->done = reached;
    r->arg = call;
    store_read(f->inner, r);
    while (!call->reached) {
        store_wait(f->inner, -1);
        store_step(f->inner, now);
    }
    r->done = done;
    r->arg = arg;
}

/* false: the store is dead. */
static bool reach(struct faulty_store *f, struct call *call, struct mono_ns now)
{
    uint64_t epoch;
    struct err err;
    if (call->fate == FATE_REFUSED) {
        call->reached = call->failed = true;
        err_set(&call->err, ERR_DISK_FULL, "the disk is full, by the test's will");
        return true;
    }
    if (call->fate == FATE_TAKEN && !store_claim(f->inner, call->commit->shard, &epoch, &err))
        panic(__FILE__, __LINE__, "the inner store gives no epoch");
    if (call->fate != FATE_IO_LOST)
        pass_on(f, call, now);
    if (call->fate != FATE_IO_LOST && call->fate != FATE_IO_KEPT)
        return true;
    err_set(&err, ERR_IO, "the disk failed, by the test's will");
    store_die(&f->base, &err);
    return false;
}

/* ---- completing ---- */

static void complete(struct call *call, const struct err *err)
{
    if (call->commit)
        call->commit->done(call->commit->arg, err);
    else
        call->read->done(call->read->arg, err);
    free(call);
}

static int by_completion(const void *a, const void *b)
{
    const struct call *x = *(struct call *const *)a, *y = *(struct call *const *)b;
    if (x->completes_ns != y->completes_ns)
        return x->completes_ns < y->completes_ns ? -1 : 1;
    return x->number < y->number ? -1 : 1;
}

/* Takes out the calls that are due (all of them when dead) and completes them. */
static void complete_due(struct faulty_store *f, uint64_t now)
{
    struct call **due = calloc(f->count + 1, sizeof(*due));
    if (!due)
        panic(__FILE__, __LINE__, "out of memory");
    size_t due_count = 0, kept = 0;
    for (size_t i = 0; i < f->count; i++) {
        struct call *call = f->calls[i];
        if (f->base.dead || (call->reached && call->completes_ns <= now))
            due[due_count++] = call;
        else
            f->calls[kept++] = call;
    }
    f->count = kept;
    qsort(due, due_count, sizeof(*due), by_completion);
    for (size_t i = 0; i < due_count; i++)
        complete(due[i], f->base.dead ? &f->base.why_dead : due[i]->failed ? &due[i]->err : NULL);
    free(due);
}

static void step(struct store *base, struct mono_ns now)
{
    struct faulty_store *f = (struct faulty_store *)base;
    accept(f, now.ns);
    for (size_t i = 0; i < f->count; i++)
        if (!f->calls[i]->reached && f->calls[i]->reaches_ns <= now.ns &&
            !reach(f, f->calls[i], now))
            break;
    complete_due(f, now.ns);
}

/* ---- the object ---- */

static bool holds(struct store *base)
{
    return ((const struct faulty_store *)base)->count != 0;
}

static bool claim(struct store *base, uint32_t first, uint32_t count, uint64_t *ret_epochs,
                  struct err *reterr)
{
    struct store *inner = ((struct faulty_store *)base)->inner;
    return inner->ops->claim(inner, first, count, ret_epochs, reterr);
}

static void abandon(struct store *base)
{
    struct faulty_store *f = (struct faulty_store *)base;
    for (size_t i = 0; i < f->count; i++)
        free(f->calls[i]);
    f->count = 0;
}

struct store *faulty_store_crash(struct store *base)
{
    struct faulty_store *f = (struct faulty_store *)base;
    struct store *inner = f->inner;
    abandon(base);
    free(f->calls);
    free(f);
    return inner;
}

static void close_both(struct store *base)
{
    store_close(faulty_store_crash(base));
}

bool faulty_store_next_due(const struct store *base, struct mono_ns *ret_at)
{
    const struct faulty_store *f = (const struct faulty_store *)base;
    if (base->commits || base->reads) {
        ret_at->ns = 0;
        return true;
    }
    uint64_t earliest = UINT64_MAX;
    for (size_t i = 0; i < f->count; i++) {
        const struct call *call = f->calls[i];
        uint64_t at = call->reached ? call->completes_ns : call->reaches_ns;
        earliest = at < earliest ? at : earliest;
    }
    if (f->count)
        ret_at->ns = earliest;
    return f->count != 0;
}

struct store *faulty_store_new(struct store *inner, const struct faulty_options *options)
{
    static const struct store_ops ops = {
        .step = step, .holds = holds, .claim = claim, .close = close_both, .abandon = abandon};
    struct faulty_store *f = calloc(1, sizeof(*f));
    if (!f)
        panic(__FILE__, __LINE__, "out of memory");
    store_init(&f->base, &ops, store_secret(inner));
    f->inner = inner;
    f->options = *options;
    f->rng = rng_seeded(options->seed);
    return &f->base;
}
