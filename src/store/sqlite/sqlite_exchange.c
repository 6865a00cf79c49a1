#include "store/sqlite/sqlite_internal.h"

#include "os/clock.h"

#include <signal.h>
#include <stdlib.h>

/* ---- queues ---- */

static void put_commits(struct commit_queue *q, struct store_commit *first)
{
    *q->end = first;
    while (*q->end)
        q->end = &(*q->end)->next;
}

static struct store_commit *take_commits(struct commit_queue *q)
{
    struct store_commit *first = q->first;
    q->first = NULL;
    q->end = &q->first;
    return first;
}

static void put_read(struct read_queue *q, struct store_read *r)
{
    *q->end = r;
    q->end = &r->next_read;
}

static struct store_read *take_reads(struct read_queue *q)
{
    struct store_read *first = q->first;
    q->first = NULL;
    q->end = &q->first;
    return first;
}

/* ---- what the owner waits for; all with the mutex held ---- */

static bool any_ready(const struct exchange *x)
{
    return x->commits_done.first || x->reads_done.first || x->failed ||
           (!x->has_threads && (x->commits.first || x->reads.first));
}

static bool any_held(const struct exchange *x)
{
    return x->commits.first || x->reads.first || x->commits_done.first || x->reads_done.first ||
           x->committing || x->reading;
}

static void tell_owner(struct exchange *x, bool was_ready)
{
    if (was_ready || !any_ready(x))
        return;
    if (x->wakeup)
        x->wakeup(x->wakeup_arg);
}

static void fail(struct exchange *x, const struct err *why)
{
    if (!x->failed)
        x->why = *why;
    x->failed = true;
}

/* ---- work: begun and ended with the mutex held, done without it ---- */

static void rest(struct exchange *x, bool *working, bool was_ready)
{
    *working = false;
    pthread_cond_signal(&x->completed);
    tell_owner(x, was_ready);
}

/* One transaction with what is queued. */
static void commit_some(struct sqlite_store *s)
{
    struct exchange *x = &s->exchange;
    struct store_commit *first = take_commits(&x->commits), *left, *last = first;
    struct err err;
    x->committing = true;
    pthread_mutex_unlock(&x->mutex);
    size_t count = committer_batch(first);
    for (size_t i = 1; i < count; i++)
        last = last->next;
    left = last->next;
    bool ok = committer_run(&s->committer, first, count, &err);
    last->next = NULL;
    pthread_mutex_lock(&x->mutex);

    bool was_ready = any_ready(x);
    if (left) { /* before what was submitted meanwhile */
        struct store_commit *later = take_commits(&x->commits);
        put_commits(&x->commits, left);
        put_commits(&x->commits, later);
    }
    put_commits(&x->commits_done, first);
    if (!ok)
        fail(x, &err);
    rest(x, &x->committing, was_ready);
}

/* After the completions have been told of, so that nobody waits for it. */
static void checkpoint(struct sqlite_store *s)
{
    struct exchange *x = &s->exchange;
    struct err err;
    x->committing = true;
    pthread_mutex_unlock(&x->mutex);
    bool ok = committer_checkpoint(&s->committer, &err);
    pthread_mutex_lock(&x->mutex);
    bool was_ready = any_ready(x);
    if (!ok)
        fail(x, &err);
    rest(x, &x->committing, was_ready);
}

static void read_one(struct sqlite_store *s)
{
    struct exchange *x = &s->exchange;
    struct store_read *r = x->reads.first;
    struct err err;
    x->reads.first = r->next_read;
    if (!x->reads.first)
        x->reads.end = &x->reads.first;
    x->reading = true;
    pthread_mutex_unlock(&x->mutex);
    r->next_read = NULL;
    bool ok = reader_answer(s->reads_by, r, &err);
    if (!ok)
        r->refusal = sqlite_keep_err(&err);
    pthread_mutex_lock(&x->mutex);

    bool was_ready = any_ready(x);
    put_read(&x->reads_done, r);
    if (!ok && err.code == ERR_IO)
        fail(x, &err);
    rest(x, &x->reading, was_ready);
}

/* ---- the threads ---- */

static void *commit_thread(void *arg)
{
    struct sqlite_store *s = arg;
    struct exchange *x = &s->exchange;
    pthread_mutex_lock(&x->mutex);
    while (!x->closing) {
        if (x->paused || x->failed || !x->commits.first) {
            pthread_cond_wait(&x->commit_submitted, &x->mutex);
            continue;
        }
        commit_some(s);
        if (!x->failed && !x->paused)
            checkpoint(s);
    }
    pthread_mutex_unlock(&x->mutex);
    return NULL;
}

static void *read_thread(void *arg)
{
    struct sqlite_store *s = arg;
    struct exchange *x = &s->exchange;
    pthread_mutex_lock(&x->mutex);
    while (!x->closing) {
        if (x->paused || x->failed || !x->reads.first)
            pthread_cond_wait(&x->read_submitted, &x->mutex);
        else
            read_one(s);
    }
    pthread_mutex_unlock(&x->mutex);
    return NULL;
}

static bool start_thread(pthread_t *thread, void *(*run)(void *), void *arg, struct err *reterr)
{
    int error = pthread_create(thread, NULL, run, arg);
    if (error == 0)
        return true;
    err_set(reterr, ERR_MEMORY_LIMIT,
            "the system does not give the store a thread: raise this user's limit of processes");
    err_detail(reterr, "errno %d", error);
    return false;
}

/* Signals are the program's: its own threads are to get them. */
bool exchange_start_threads(struct sqlite_store *s, struct err *reterr)
{
    struct exchange *x = &s->exchange;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    x->has_threads = true;
    bool commits = start_thread(&x->commit_thread, commit_thread, s, reterr);
    bool reads = commits && start_thread(&x->read_thread, read_thread, s, reterr);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (commits && !reads) {
        pthread_mutex_lock(&x->mutex);
        x->closing = true;
        pthread_cond_signal(&x->commit_submitted);
        pthread_mutex_unlock(&x->mutex);
        pthread_join(x->commit_thread, NULL);
    }
    x->has_threads = reads;
    return reads;
}

/* ---- beginning and end ---- */

void exchange_init(struct exchange *x)
{
    pthread_condattr_t monotonic;
    *x = (struct exchange){0};
    x->commits.end = &x->commits.first;
    x->commits_done.end = &x->commits_done.first;
    x->reads.end = &x->reads.first;
    x->reads_done.end = &x->reads_done.first;
    pthread_mutex_init(&x->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&x->completed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_cond_init(&x->commit_submitted, NULL);
    pthread_cond_init(&x->read_submitted, NULL);
}

void exchange_release(struct exchange *x)
{
    pthread_mutex_lock(&x->mutex);
    x->closing = true;
    pthread_cond_signal(&x->commit_submitted);
    pthread_cond_signal(&x->read_submitted);
    pthread_mutex_unlock(&x->mutex);
    if (x->has_threads) {
        pthread_join(x->commit_thread, NULL);
        pthread_join(x->read_thread, NULL);
    }
    exchange_abandon(x);
    pthread_cond_destroy(&x->read_submitted);
    pthread_cond_destroy(&x->commit_submitted);
    pthread_cond_destroy(&x->completed);
    pthread_mutex_destroy(&x->mutex);
}

void exchange_pause(struct exchange *x)
{
    pthread_mutex_lock(&x->mutex);
    x->paused = true;
    while (x->committing || x->reading)
        pthread_cond_wait(&x->completed, &x->mutex);
    pthread_mutex_unlock(&x->mutex);
}

void exchange_resume(struct exchange *x)
{
    pthread_mutex_lock(&x->mutex);
    x->paused = false;
    pthread_cond_signal(&x->commit_submitted);
    pthread_cond_signal(&x->read_submitted);
    pthread_mutex_unlock(&x->mutex);
}

/* ---- the owner's calls ---- */

void exchange_submit_commit(struct exchange *x, struct store_commit *c)
{
    pthread_mutex_lock(&x->mutex);
    bool was_ready = any_ready(x);
    if (!x->commits.first && !x->committing)
        pthread_cond_signal(&x->commit_submitted);
    put_commits(&x->commits, c);
    tell_owner(x, was_ready);
    pthread_mutex_unlock(&x->mutex);
}

void exchange_submit_read(struct exchange *x, struct store_read *r)
{
    pthread_mutex_lock(&x->mutex);
    bool was_ready = any_ready(x);
    if (!x->reads.first && !x->reading)
        pthread_cond_signal(&x->read_submitted);
    put_read(&x->reads, r);
    tell_owner(x, was_ready);
    pthread_mutex_unlock(&x->mutex);
}

bool exchange_holds(struct exchange *x)
{
    pthread_mutex_lock(&x->mutex);
    bool holds = any_held(x);
    pthread_mutex_unlock(&x->mutex);
    return holds;
}

bool exchange_ready(struct exchange *x)
{
    pthread_mutex_lock(&x->mutex);
    bool ready = any_ready(x);
    pthread_mutex_unlock(&x->mutex);
    return ready;
}

static struct timespec deadline_after(int timeout_ms)
{
    uint64_t ns = clock_mono().ns + (uint64_t)timeout_ms * 1000000;
    return (struct timespec){(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
}

bool exchange_wait(struct exchange *x, int timeout_ms)
{
    struct timespec deadline = {0};
    int outcome = 0;
    if (timeout_ms > 0)
        deadline = deadline_after(timeout_ms);
    pthread_mutex_lock(&x->mutex);
    while (!any_ready(x) && any_held(x) && timeout_ms != 0 && outcome == 0)
        outcome = timeout_ms < 0 ? pthread_cond_wait(&x->completed, &x->mutex)
                                 : pthread_cond_timedwait(&x->completed, &x->mutex, &deadline);
    bool ready = any_ready(x);
    pthread_mutex_unlock(&x->mutex);
    return ready;
}

void exchange_set_wakeup(struct exchange *x, store_wakeup *wakeup, void *arg)
{
    pthread_mutex_lock(&x->mutex);
    x->wakeup = wakeup;
    x->wakeup_arg = arg;
    tell_owner(x, false);
    pthread_mutex_unlock(&x->mutex);
}

static void forget(struct store_commit *c, struct store_read *r)
{
    for (; c; c = c->next)
        free(c->refusal);
    for (; r; r = r->next_read)
        free(r->refusal);
}

void exchange_abandon(struct exchange *x)
{
    exchange_pause(x);
    take_commits(&x->commits);
    take_reads(&x->reads);
    forget(take_commits(&x->commits_done), take_reads(&x->reads_done));
    exchange_resume(x);
}

/* ---- completing ---- */

/* Of what is complete nothing is touched any more: it is its owner's again. */
static void complete(struct store_commit *c, struct store_read *r, const struct err *why)
{
    while (c) {
        struct store_commit *next = c->next;
        struct err *refusal = c->refusal;
        c->done(c->arg, refusal ? refusal : why);
        free(refusal);
        c = next;
    }
    while (r) {
        struct store_read *next = r->next_read;
        struct err *refusal = r->refusal;
        r->done(r->arg, refusal ? refusal : why);
        free(refusal);
        r = next;
    }
}

/* Everything completes now: what was kept as kept, the rest with the reason. */
static void die(struct sqlite_store *s)
{
    struct exchange *x = &s->exchange;
    exchange_pause(x);
    struct store_commit *kept = take_commits(&x->commits_done), *lost = take_commits(&x->commits);
    struct store_read *answered = take_reads(&x->reads_done), *asked = take_reads(&x->reads);
    store_die(&s->base, &x->why);
    exchange_resume(x);
    complete(kept, answered, NULL);
    complete(lost, NULL, &s->base.why_dead);
    for (struct store_read *r = asked; r; r = r->next_read)
        store_read_reset(r);
    complete(NULL, asked, &s->base.why_dead);
}

/* What completions submit waits for the next step, or a thread. */
static void work_here(struct sqlite_store *s)
{
    struct exchange *x = &s->exchange;
    pthread_mutex_lock(&x->mutex);
    if (x->commits.first)
        commit_some(s);
    while (x->reads.first && !x->failed)
        read_one(s);
    pthread_mutex_unlock(&x->mutex);
}

void exchange_step(struct sqlite_store *s)
{
    struct exchange *x = &s->exchange;
    if (!x->has_threads)
        work_here(s);
    pthread_mutex_lock(&x->mutex);
    bool failed = x->failed;
    struct store_commit *c = failed ? NULL : take_commits(&x->commits_done);
    struct store_read *r = failed ? NULL : take_reads(&x->reads_done);
    pthread_mutex_unlock(&x->mutex);
    if (failed) {
        die(s);
        return;
    }
    complete(c, r, NULL);
    if (!x->has_threads) {
        pthread_mutex_lock(&x->mutex);
        checkpoint(s);
        pthread_mutex_unlock(&x->mutex);
    }
}
