#include "cli/projector.h"

#include "os/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct projector {
    struct visibility *visibility; /* owned */
    pthread_t thread;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    bool poked, ending;
};

/* ---- the thread ---- */

/* All that is there; false: try again later. */
static bool catch_up(struct projector *p)
{
    bool more = true;
    struct err err;
    while (more)
        if (!visibility_step(p->visibility, 0, &more, &err))
            return false;
    return true;
}

static void wait_for_poke(struct projector *p)
{
    pthread_mutex_lock(&p->mutex);
    while (!p->poked && !p->ending)
        pthread_cond_wait(&p->changed, &p->mutex);
    p->poked = false;
    pthread_mutex_unlock(&p->mutex);
}

/* Pokes do not shorten it; the end does. False: it is the end. */
static bool rest(struct projector *p, int64_t ms)
{
    enum {
        MS_PER_S = 1000,
        NS_PER_MS = 1000000
    };
    int64_t at = clock_wall().ms + ms;
    struct timespec until = {.tv_sec = at / MS_PER_S, .tv_nsec = at % MS_PER_S * NS_PER_MS};
    pthread_mutex_lock(&p->mutex);
    while (!p->ending && pthread_cond_timedwait(&p->changed, &p->mutex, &until) != ETIMEDOUT)
        ;
    bool goes_on = !p->ending;
    pthread_mutex_unlock(&p->mutex);
    return goes_on;
}

static void *work(void *arg)
{
    struct projector *p = arg;
    bool goes_on = true;
    while (goes_on) {
        bool fine = catch_up(p);
        goes_on = rest(p, fine ? PROJECTOR_GAP_MS : PROJECTOR_RETRY_MS);
        if (goes_on && fine)
            wait_for_poke(p);
    }
    catch_up(p);
    return NULL;
}

/* ---- the owner ---- */

struct projector *projector_new(const char *path, const char *store_path)
{
    struct visibility *v;
    struct err ignored;
    if (!visibility_open(path, store_path, &v, &ignored))
        return NULL;
    struct projector *p = calloc(1, sizeof(*p));
    if (!p)
        panic(__FILE__, __LINE__, "out of memory");
    p->visibility = v;
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->changed, NULL);
    if (pthread_create(&p->thread, NULL, work, p) != 0)
        panic(__FILE__, __LINE__, "no thread for the projection");
    return p;
}

void projector_free(struct projector *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->mutex);
    p->ending = true;
    pthread_cond_signal(&p->changed);
    pthread_mutex_unlock(&p->mutex);
    pthread_join(p->thread, NULL);
    visibility_close(p->visibility);
    pthread_mutex_destroy(&p->mutex);
    pthread_cond_destroy(&p->changed);
    free(p);
}

void projector_poke(struct projector *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->mutex);
    if (!p->poked)
        pthread_cond_signal(&p->changed);
    p->poked = true;
    pthread_mutex_unlock(&p->mutex);
}

struct visibility *projector_visibility(const struct projector *p)
{
    return p ? p->visibility : NULL;
}
