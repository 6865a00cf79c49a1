/* Private to recovery/: plays a run on without the world, under a clock that is only a
 * number.
 *
 * Tasks are answered by who was given for it, after the time that he says; waits and delays
 * pass. A task whose answer nobody knows stays out, and its frame stands. A review is
 * approved as it is where its step has an answer, and stands else.
 * Ownership: borrows the run, which it changes; what it makes lies in its arena.
 */
#ifndef PAWL_RECOVERY_REHEARSE_H
#define PAWL_RECOVERY_REHEARSE_H

#include "base/heap.h"
#include "recovery/trace.h"

/* How a step's attempt went, or is taken to go. */
struct outcome {
    bool ok;
    struct json result; /* ok: raw, before the state's output processing */
    bool has_error, has_cause;
    struct str error, cause;
    int64_t ms;          /* how long it took */
    struct json changes; /* of its review, if it has one; absent: none */
};

/* The outcome of a step's next attempt, the `tries`-th from 0 that is rehearsed. False:
 * nobody knows. `visit`: of its path. */
typedef bool rehearse_answer(void *arg, const struct step *step, uint32_t visit, uint32_t tries,
                             struct outcome *ret_outcome);

/* What became of a step while rehearsing. */
enum rehearsed {
    REHEARSED_NOT = 0,
    REHEARSED_RAN,
    REHEARSED_KEPT,
    REHEARSED_SKIPPED,
};

struct rehearsed_step {
    enum rehearsed what;
    uint32_t tries;
    uint32_t visit;
    bool reviewed;               /* its review was decided, or stands */
    struct rehearsed_task *task; /* that is out, the newest; NULL: none is */
};

/* A task that is out. */
struct rehearsed_task {
    struct heap_node due;
    uint32_t step, attempt;
    const struct state *state;
    struct outcome outcome;
    struct rehearsed_task *next; /* of the same step, an older one; or the next spare one */
};

struct rehearsal {
    struct arena *arena;
    struct arena *turns; /* of one turn after the other while it is played on; else NULL */
    struct run *run;
    struct step_list list;
    struct rehearsed_step *steps; /* list.count of them */
    size_t step_capacity;
    struct wall_ms now;
    uint64_t seed;
    rehearse_answer *answer;
    void *arg;
    struct heap tasks;            /* that are out, by when they end */
    struct rehearsed_task *spare; /* that have ended */
    struct rehearsed_review {
        uint32_t step;
        int64_t expires_ms;
    } * reviews; /* that were asked for, in their order */
    size_t review_at, review_count, review_capacity;
    int64_t wake_from;    /* nothing in the run is due by itself before */
    int64_t stands_until; /* earliest deadline that would end what nobody answers; 0: none */
    int64_t run_deadline; /* of the execution; 0: none */
    bool unknown;         /* there is one */
    size_t tries_ahead;   /* attempts of steps behind their first and those recorded */
    size_t memory_max;    /* of both arenas */
    bool too_long;        /* PLAN_STEPS_AHEAD_MAX or PLAN_MEMORY_MAX was met */
    struct str stop_path; /* it stops once this path's visit was entered; empty: not so */
    uint32_t stop_visit;
    bool stopped;
    const struct trace *trace; /* of the first steps of the list; NULL: there were none */
    struct path_counts visits; /* of those that came to it */
    size_t count_first;        /* of the list, before anything was rehearsed */
};

/* `trace`: of the steps of the run so far, which are copied; NULL: it has not begun. */
struct rehearsal *rehearse_new(struct run *run, const struct trace *trace, struct wall_ms now,
                               rehearse_answer *answer, void *arg, struct arena *a);

/* One input, and what follows at once. False: the run did not take it. */
bool rehearse_input(struct rehearsal *r, const struct flow_input *input);

/* Until the end, or until nothing is due that anybody knows of. */
void rehearse_play(struct rehearsal *r);

/* How a recorded step went: the `tries`-th attempt of its generation. */
bool outcome_of_record(const struct step *s, uint32_t tries, struct outcome *ret_outcome);

#endif
