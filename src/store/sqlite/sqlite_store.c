#include "store/sqlite/sqlite_internal.h"

#include <stdlib.h>

static struct sqlite_store *of(struct store *base)
{
    return (struct sqlite_store *)base;
}

static void step(struct store *base, struct mono_ns now)
{
    (void)now;
    exchange_step(of(base));
}

static bool holds(struct store *base)
{
    return exchange_holds(&of(base)->exchange);
}

static bool claim(struct store *base, uint32_t first, uint32_t count, uint64_t *ret_epochs,
                  struct err *reterr)
{
    struct sqlite_store *s = of(base);
    struct err err;
    exchange_pause(&s->exchange);
    bool ok = committer_claim(&s->committer, first, count, ret_epochs, &err);
    exchange_resume(&s->exchange);
    if (!ok && err.code == ERR_IO)
        store_die(base, &err);
    if (!ok && reterr)
        *reterr = err;
    return ok;
}

static void abandon(struct store *base)
{
    exchange_abandon(&of(base)->exchange);
}

static void submit_commit(struct store *base, struct store_commit *c)
{
    exchange_submit_commit(&of(base)->exchange, c);
}

static void submit_read(struct store *base, struct store_read *r)
{
    exchange_submit_read(&of(base)->exchange, r);
}

static bool ready(struct store *base)
{
    return exchange_ready(&of(base)->exchange);
}

static bool wait_for(struct store *base, int timeout_ms)
{
    return exchange_wait(&of(base)->exchange, timeout_ms);
}

static void set_wakeup(struct store *base, store_wakeup *wakeup, void *arg)
{
    exchange_set_wakeup(&of(base)->exchange, wakeup, arg);
}

static void close_store(struct store *base)
{
    struct sqlite_store *s = of(base);
    exchange_release(&s->exchange);
    /* After an I/O error nothing more is written, the WAL least of all. */
    if (s->writer.db && (s->base.dead || s->exchange.failed))
        connection_write_no_more(&s->writer);
    connection_release(&s->reader);
    connection_release(&s->writer);
    free(s->path);
    free(s);
}

/* With threads reads have their own, and so a connection of their own: no read
 * waits for a commit's fsync, no shard for a page that must come from the disk. */
static bool open_to_write(struct sqlite_store *s, const struct sqlite_store_options *options,
                          struct err *reterr)
{
    s->reads_by = options->threads ? &s->reader : &s->writer;
    return connection_open_writer(&s->writer, options->vfs, options->secret, reterr) &&
           (!options->views || schema_put_views(&s->writer, options->views, reterr)) &&
           schema_read_secret(&s->writer, s->base.secret, reterr) &&
           committer_init(&s->committer, &s->writer, reterr) &&
           (!options->threads || (connection_open_reader(&s->reader, options->vfs, reterr) &&
                                  exchange_start_threads(s, reterr)));
}

/* What is submitted to be committed is refused, as read-only, by the same code. */
static bool open_to_read(struct sqlite_store *s, const struct sqlite_store_options *options,
                         struct err *reterr)
{
    s->reads_by = &s->reader;
    return connection_open_reader(&s->reader, options->vfs, reterr) &&
           schema_read_secret(&s->reader, s->base.secret, reterr) &&
           committer_init(&s->committer, &s->reader, reterr) &&
           (!options->threads || exchange_start_threads(s, reterr));
}

bool sqlite_store_open_with(const char *path, const struct sqlite_store_options *options,
                            struct store **ret_store, struct err *reterr)
{
    static const struct store_ops ops = {
        .step = step,
        .holds = holds,
        .claim = claim,
        .close = close_store,
        .abandon = abandon,
        .submit_commit = submit_commit,
        .submit_read = submit_read,
        .ready = ready,
        .wait = wait_for,
        .set_wakeup = set_wakeup,
    };
    static const uint8_t no_secret[STORE_SECRET_SIZE];
    struct sqlite_store *s = calloc(1, sizeof(*s));
    if (!s)
        panic(__FILE__, __LINE__, "out of memory");
    store_init(&s->base, &ops, no_secret);
    exchange_init(&s->exchange);
    s->path = strdup(path);
    if (!s->path)
        panic(__FILE__, __LINE__, "out of memory");
    s->writer.path = s->reader.path = s->path;
    struct err err;
    bool ok = options->mode == SQLITE_STORE_READ_ONLY ? open_to_read(s, options, &err)
                                                      : open_to_write(s, options, &err);
    if (ok)
        *ret_store = &s->base;
    else
        close_store(&s->base);
    if (!ok && reterr)
        *reterr = err;
    return ok;
}

bool sqlite_store_open(const char *path, enum sqlite_store_mode mode, const uint8_t *secret,
                       struct store **ret_store, struct err *reterr)
{
    struct sqlite_store_options options = {.mode = mode, .secret = secret};
    return sqlite_store_open_with(path, &options, ret_store, reterr);
}
