#include "cli/crews.h"

#include "config/config.h"
#include "os/children.h"

#include <stdlib.h>

enum {
    OWN = 0,
    BUCKETS = 256,
};

_Static_assert((1 + CREWS_MAX) * (int)TASK_RUNNING_MAX <= (int)CHILDREN_MAX,
               "all that run can be noted");

struct crew {
    struct tasks *tasks; /* NULL: this place is free */
    const struct bindings *bindings;
    struct arena *arena; /* NULL: the bindings are somebody else's */
    struct str text, folder;
};

/* An execution that has a crew of its own. */
struct member {
    struct member *next;
    execution_key key;
    int crew;
};

struct crews {
    uv_loop_t *loop;
    struct children *children;
    task_done *done;
    void *arg;
    task_heard *heard;
    void *heard_arg;
    bool held, ended;
    struct crew items[1 + CREWS_MAX];
    struct crew *retired; /* owns that were replaced */
    size_t retired_count, retired_capacity;
    struct arena *arena;
    struct member *members[BUCKETS];
};

static struct tasks *new_tasks(const struct crews *c, const struct bindings *bindings)
{
    struct tasks *tasks = tasks_new(c->loop, bindings, c->children, c->done, c->arg);
    tasks_listen(tasks, c->heard, c->heard_arg);
    return tasks;
}

void crews_listen(struct crews *c, task_heard *heard, void *arg)
{
    c->heard = heard;
    c->heard_arg = arg;
    tasks_listen(c->items[OWN].tasks, heard, arg);
}

struct crews *crews_new(uv_loop_t *loop, const struct bindings *own, struct children *children,
                        task_done *done, void *arg)
{
    struct arena *arena = arena_new(0);
    struct crews *c = ARENA_NEW(arena, struct crews);
    *c = (struct crews){
        .loop = loop, .children = children, .done = done, .arg = arg, .arena = arena};
    c->items[OWN] = (struct crew){.tasks = new_tasks(c, own), .bindings = own};
    return c;
}

static void free_members(struct crews *c)
{
    for (size_t i = 0; i < BUCKETS; i++)
        while (c->members[i]) {
            struct member *m = c->members[i];
            c->members[i] = m->next;
            free(m);
        }
}

void crews_free(struct crews *c)
{
    if (!c)
        return;
    ASSERT(c->ended);
    free_members(c);
    for (size_t i = 0; i < COUNT_OF(c->items); i++)
        arena_free(c->items[i].arena);
    for (size_t i = 0; i < c->retired_count; i++)
        arena_free(c->retired[i].arena);
    arena_free(c->arena);
}

/* ---- crews ---- */

/* Its bindings stay until the end: what was cancelled may not be gone yet. */
static void dismiss_idle(struct crews *c)
{
    for (size_t i = 0; i < c->retired_count; i++) {
        struct crew *crew = &c->retired[i];
        if (!crew->tasks || !tasks_idle(crew->tasks))
            continue;
        tasks_free(crew->tasks);
        crew->tasks = NULL;
    }
}

void crews_replace_own(struct crews *c, struct arena *arena, const struct bindings *own)
{
    ASSERT(!c->ended);
    c->retired = arena_grow(c->arena, c->retired, c->retired_count, &c->retired_capacity,
                            sizeof(*c->retired));
    c->retired[c->retired_count++] = c->items[OWN];
    tasks_retire(c->items[OWN].tasks); /* its warm workers go when they have nothing to do */
    c->items[OWN] = (struct crew){.tasks = new_tasks(c, own), .bindings = own, .arena = arena};
    dismiss_idle(c);
}

bool crews_take(struct crews *c, struct str text, struct str folder, int *ret_crew,
                struct err *reterr)
{
    struct config *config;
    int place = 1;
    for (; place < (int)COUNT_OF(c->items) && c->items[place].tasks; place++) {
        if (str_eq(c->items[place].text, text) && str_eq(c->items[place].folder, folder)) {
            *ret_crew = place;
            return true;
        }
    }
    if (c->ended || place == (int)COUNT_OF(c->items))
        return err_set(reterr, ERR_BUSY,
                       "executions of %d configurations run in this process already, which is "
                       "all that may (limit crews_max)",
                       CREWS_MAX);
    struct arena *arena = arena_new(0);
    struct crew crew = {
        .arena = arena, .text = arena_str(arena, text), .folder = arena_str(arena, folder)};
    config = ARENA_NEW(arena, struct config);
    if (!config_parse(arena, crew.text, crew.folder, config, reterr)) {
        arena_free(arena);
        return false;
    }
    crew.bindings = &config->bindings;
    crew.tasks = new_tasks(c, &config->bindings); /* settings are the process's own */
    c->items[place] = crew;
    *ret_crew = place;
    return true;
}

/* ---- members ---- */

static struct member **place_of(struct crews *c, execution_key key)
{
    struct member **m = &c->members[(uint64_t)key * 0x9e3779b97f4a7c15u >> 56 & (BUCKETS - 1)];
    while (*m && (*m)->key != key)
        m = &(*m)->next;
    return m;
}

void crews_assign(struct crews *c, execution_key key, int crew, bool replace)
{
    struct member **place = place_of(c, key);
    ASSERT(crew > OWN && crew < (int)COUNT_OF(c->items) && c->items[crew].tasks);
    if (*place) {
        if (replace)
            (*place)->crew = crew;
        return;
    }
    struct member *m = malloc(sizeof(*m));
    if (!m)
        panic(__FILE__, __LINE__, "out of memory");
    *m = (struct member){.key = key, .crew = crew};
    *place = m;
}

void crews_forget(struct crews *c, execution_key key)
{
    struct member **place = place_of(c, key);
    struct member *m = *place;
    if (!m)
        return;
    *place = m->next;
    free(m);
}

static int crew_of(struct crews *c, const struct execution_row *execution)
{
    const struct member *m = *place_of(c, execution->key);
    if (!m && execution->parent && (m = *place_of(c, execution->parent)))
        crews_assign(c, execution->key, m->crew, false);
    return m ? m->crew : OWN;
}

struct str crews_folder(struct crews *c, const struct execution_row *execution)
{
    return c->items[crew_of(c, execution)].bindings->folder;
}

/* ---- tasks ---- */

/* A run that is loaded again has its outstanding tasks started again, also when
 * another crew has them still. */
static bool is_at_work(const struct crews *c, struct task_key key)
{
    for (size_t i = 0; i < COUNT_OF(c->items) && c->items[i].tasks; i++)
        if (tasks_have(c->items[i].tasks, key))
            return true;
    for (size_t i = 0; i < c->retired_count; i++)
        if (c->retired[i].tasks && tasks_have(c->retired[i].tasks, key))
            return true;
    return false;
}

void crews_start(struct crews *c, const struct execution_row *execution,
                 const struct task_request *request)
{
    if (c->ended || c->held || is_at_work(c, request->key))
        return;
    task_start(c->items[crew_of(c, execution)].tasks, request);
}

/* Whoever has it: its execution may have been given to another crew meanwhile. */
void crews_cancel(struct crews *c, struct task_key key)
{
    if (c->ended)
        return;
    for (size_t i = 0; i < COUNT_OF(c->items) && c->items[i].tasks; i++)
        task_cancel(c->items[i].tasks, key);
    for (size_t i = 0; i < c->retired_count; i++)
        if (c->retired[i].tasks)
            task_cancel(c->retired[i].tasks, key);
    dismiss_idle(c);
}

void crews_hold(struct crews *c)
{
    c->held = true;
}

void crews_end(struct crews *c)
{
    if (c->ended)
        return;
    c->ended = true;
    for (size_t i = 0; i < COUNT_OF(c->items); i++)
        tasks_free(c->items[i].tasks);
    for (size_t i = 0; i < c->retired_count; i++)
        tasks_free(c->retired[i].tasks);
}

bool crews_are_quiet(const struct crews *c)
{
    for (size_t i = 0; i < COUNT_OF(c->items) && c->items[i].tasks; i++)
        if (!tasks_idle(c->items[i].tasks))
            return false;
    for (size_t i = 0; i < c->retired_count; i++)
        if (c->retired[i].tasks && !tasks_idle(c->retired[i].tasks))
            return false;
    return true;
}
