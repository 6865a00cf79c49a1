/* An engine under virtual time, with tasks that answer by a script.
 *
 * What a task does is in the name of its function:
 *   echo   answers its payload            fail    fails with Boom
 *   slow   the same after five seconds    flaky   fails twice, then answers
 *   never  does not answer                big     answers 64 KiB
 *   broken fails with Broken until the world is mended; then an echo
 * A check (x-verify) says "looked", and fails while its first word is that of `spoiled`.
 * Any other name is an echo. Nothing here waits: when nothing can move, the
 * clocks jump to the next timer or answer.
 */
#ifndef PAWL_TESTS_SUPPORT_ENGINE_WORLD_H
#define PAWL_TESTS_SUPPORT_ENGINE_WORLD_H

#include "engine/engine.h"

struct world_task {
    execution_key key;
    uint32_t step, attempt;
    struct str function, payload; /* owned by the world's arena */
    uint64_t due_ms;              /* of the world's time; UINT64_MAX: never */
};

struct world_reply {
    bool answered, already;
    bool has_plan;
    size_t problems;
    enum err_code code;
    char message[ERR_MESSAGE_MAX];
    execution_key key;
    enum execution_status status;
};

struct world {
    struct arena *arena;
    struct store *store; /* borrowed */
    struct engine *engine;
    struct engine_options options; /* set before world_open */
    uint64_t now_ms;
    int64_t skew_ms; /* how far the wall's clock is off: now_ms never goes back */
    struct world_task *tasks;
    size_t task_count, task_capacity;
    size_t started, cancelled, answered, troubles;
    bool mended;
    const char *spoiled; /* NULL: all is as it should be */
    struct world_check {
        uint64_t id;
        bool fails;
    } checks_due[64];
    size_t check_count;
    size_t checks;      /* that were asked for */
    size_t events;      /* that were followed */
    uint64_t steps_max; /* a run that needs more hangs */
    /* Called whenever a task is handed out; may be NULL. */
    void (*handed)(void *arg, const struct world_task *task);
    void *handed_arg;
};

void world_init(struct world *w, struct store *store);
/* Asserts that the engine opens. */
void world_open(struct world *w);
/* The process dies: the engine goes, and the tasks with it. The store stays. */
void world_close(struct world *w);
void world_release(struct world *w);

/* One move; false when nothing moves any more. */
bool world_step(struct world *w);
/* The same, but the clocks do not jump. */
bool world_work(struct world *w);
void world_settle(struct world *w);
/* Until the clocks have reached now + ms, or nothing moves. */
void world_pass(struct world *w, uint64_t ms);

void world_start(struct world *w, const char *machine, const char *definition, const char *name,
                 const char *input, struct world_reply *reply);
void world_replied(void *arg, const struct engine_reply *reply);
void world_planned(void *arg, const struct engine_reply *reply, const struct plan *plan);

/* Reads synchronously from any store. Asserts success. */
void world_read(struct store *store, struct store_read *read);
struct execution_row world_row(struct world *w, struct store *store, execution_key key);
struct wall_ms world_turn_at(struct store *store, execution_key key, uint32_t turn);
struct machine_row world_machine(struct world *w, struct store *store, const char *name);
bool world_has(struct store *store, execution_key key);
bool world_has_snapshot(struct store *store, execution_key key);
/* Commits synchronously, past any engine. */
void world_commit(struct store *store, uint32_t shard, uint64_t epoch,
                  const struct store_write *writes, size_t count);
/* The executions of a client-chosen name. */
struct world_rows {
    const struct execution_row *items;
    size_t count;
};
struct world_rows world_named(struct world *w, struct store *store, const char *name);
/* The output of an ended execution as JSON text; "" unless it succeeded. */
struct str world_output(struct world *w, struct store *store, execution_key key);

/* Calls `each` for every event of an execution in the store. */
typedef void world_event(void *arg, const struct flow_event *event);
void world_history(struct world *w, struct store *store, execution_key key, world_event *each,
                   void *arg);
/* Calls `take` once with the steps of an execution in the store. */
typedef void world_steps(void *arg, const struct step_list *steps);
void world_list_steps(struct world *w, struct store *store, execution_key key, world_steps *take,
                      void *arg);

#endif
