/* Private to recovery/: what a journal says of each step beyond the list of steps, and
 * steps found by path.
 *
 * A record's *visit* counts the records of the same path before it, from 0: a loop, or a
 * Parallel that is retried, enters one path several times.
 * Ownership: the arena given; borrows the list and the turns.
 */
#ifndef PAWL_RECOVERY_TRACE_H
#define PAWL_RECOVERY_TRACE_H

#include "flow/recovery.h"
#include "journal/journal.h"

struct trace_step {
    uint32_t first; /* the record of the path's first visit */
    uint32_t visit;
    uint32_t current_visit; /* trace_current_visit */
    uint32_t holder;        /* trace_holder */
    uint32_t next_visit;    /* the record of the path's next visit; STEP_NO_NONE: none */
    uint32_t generation;    /* the greatest one that any event tells of */
    /* Where the journal has these events, see trace_place; 0: nowhere. */
    uint64_t created; /* the entering that made the record first */
    uint64_t entered; /* the one that it tells of; of a step that was skipped, that */
    uint64_t taken;   /* the last time that the execution came to it, if only to keep it; not when
                         it was run again alone */
    uint64_t began;   /* the last begin of its branches or iterations */
    uint64_t exited;  /* its end, by which it gave its output */
    struct json changes; /* what a person changed who approved it; absent: nothing */
    bool current;        /* no later attempt of what is around it replaced it */
};

struct trace {
    const struct step_list *list;
    struct trace_step *steps; /* list->count of them */
    uint32_t *table;          /* by hash of path: the path's first record + 1; 0: free */
    size_t mask;
    struct trace_path {
        uint32_t from; /* of both lists */
        uint32_t count, current_count;
    } * paths;                          /* by a path's first record */
    uint32_t *visits, *current_visits;  /* records, each path's beside one another */
    const struct flow_event *recovered; /* the last RECOVERED that is no rerun; NULL: none */
    uint64_t recovered_at;              /* its place */
    bool assigns;                       /* some step assigned variables */
    bool alone;                         /* private: what is being read is the rerun of one step */
};

/* The event of a turn, both from 0, as a number that grows along the journal. */
static inline uint64_t trace_place(uint32_t turn, uint32_t event)
{
    return ((uint64_t)turn << 32) + event + 1;
}

struct trace *trace_make(const struct step_list *list, const struct journal_turn *turns,
                         size_t turn_count, struct arena *a);

/* The record of a path's visit; STEP_NO_NONE: there is none. */
uint32_t trace_find(const struct trace *t, struct str path, uint32_t visit);
/* The same, counting only what no later attempt of a Parallel or Map replaced: what a run
 * that did nothing twice would enter. */
uint32_t trace_find_current(const struct trace *t, struct str path, uint32_t visit);
/* The visit that a record would then be. */
uint32_t trace_current_visit(const struct trace *t, uint32_t step);
/* The record of a path's last visit; STEP_NO_NONE: there is none. */
uint32_t trace_last(const struct trace *t, struct str path);

/* The record of the Parallel or Map that a recorded step stands in; STEP_NO_NONE: none. */
uint32_t trace_holder(const struct trace *t, uint32_t step);
/* Is it the step, or does the step stand in it? */
bool trace_is_around(const struct trace *t, uint32_t holder, uint32_t step);
/* Did the execution come to it, or to what it stands in, there or later? */
bool trace_is_from(const struct trace *t, uint32_t step, uint64_t place);

/* As steps_stale of plan.h, exactly. */
void trace_stale(const struct trace *t, bool *stale);

/* ---- a number for each path ---- */

struct path_counts {
    struct arena *arena;
    struct path_count {
        struct str path;
        uint32_t count;
        bool used;
    } * slots;
    size_t size, used;
};

struct path_counts path_counts(struct arena *a);
/* The number kept for a path, 0 at first; valid until the next call. Borrows the path. */
uint32_t *path_counts_at(struct path_counts *c, struct str path);
/* It, or 0 when none is kept. */
uint32_t path_counts_get(const struct path_counts *c, struct str path);

/* ---- steps ---- */

/* Did the step give an output that others go on with: well, or what a Catch made of its
 * failure? Or was it skipped? */
bool step_is_done(const struct step *s);

/* Does `path` lie below the step `ancestor`? */
bool path_is_below(struct str path, struct str ancestor);

/* "Split/0" of "Split/0/Register": where the state's frame is; empty: the top level. */
struct str step_frame_path(const struct step *s);

/* Do two steps stand in different branches or iterations of one Parallel or Map, so that
 * neither can use the other's output? */
bool paths_are_apart(const struct step *a, const struct step *b);

/* Milliseconds of its last generation, from its first attempt to its end; -1: it did not end,
 * or was skipped. */
int64_t step_duration_ms(const struct step *s);

/* A Parallel or Map: its time is that of what is in it. */
bool state_holds_steps(const struct state *state);

#endif
