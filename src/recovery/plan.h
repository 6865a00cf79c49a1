/* The recovery plan: what would happen to each step, or why it cannot be.
 *
 * Pure: from an execution as its journal tells it and a request (recovery/request.h) comes
 * the turn that carries it out (flow/recovery.h) and the list of what that turn leads to.
 * That list is not a second opinion: the planner takes the very turn on a copy of the run
 * and plays on, with outputs that are given (mocks) or were recorded in place of work. A
 * dry run prints it; a real run commits the same turn.
 *
 * Where a step's outcome is not known, what follows it is read off the definition as far as
 * no data decides; from there on steps are "not reached", and `ends_known` is false.
 *
 * Problems are findings, not failures of planning: a plan with any must not be carried out,
 * and nothing has changed. Errors: CORRUPT (a journal that does not fit its definition),
 * INVALID_INPUT, TOO_LARGE (a text of the request that names no steps at all).
 * Ownership: the plan lies in the arena and borrows the story and the request.
 * Source: docs/adr/0021-recovery.md.
 */
#ifndef PAWL_RECOVERY_PLAN_H
#define PAWL_RECOVERY_PLAN_H

#include "flow/recovery.h"
#include "journal/journal.h"
#include "recovery/request.h"

enum {
    PLAN_STEPS_AHEAD_MAX = 100000, /* steps played or listed beyond those recorded, with their
                                      attempts behind the first */
    PLAN_PROBLEMS_MAX = 100,
    PLAN_MEMORY_MAX = 256 << 20, /* bytes that looking ahead takes, and one turn's more */
};

/* An execution as its journal tells it. All of it is borrowed. */
struct recovery_story {
    const struct machine *machine;    /* of `run`; START without an execution: NULL, as all but */
    const struct run *run;            /* `target`, `limits` and `now` are */
    const struct journal_turn *turns; /* as journal_fold gave them, from the first */
    size_t turn_count;
    const struct step_list *steps;
    const struct machine *target; /* FORK, START: of the new execution; NULL: `machine` */
    const struct flow_limits *limits;
    struct wall_ms now;
};

enum plan_action {
    PLAN_KEPT,        /* it is done, and stays */
    PLAN_SKIPPED,     /* it is not done, or not again: a person said so */
    PLAN_RERUN,       /* it ran well, and runs again */
    PLAN_RUN,         /* it runs */
    PLAN_NOT_REACHED, /* not known to run */
};
const char *plan_action_name(enum plan_action action); /* "kept", "skipped", "rerun"... */

struct plan_step {
    uint32_t index;    /* of its record, or of the record it will have; STEP_NO_NONE: not known */
    struct str number; /* as the command line counts; empty: it has none */
    struct str path;   /* as a person writes it: "Split/addressable/Register", "Leads[7]/Enrich" */
    struct str key;    /* as struct step has it: "Split/0/Register", "Leads/7/Enrich" */
    const struct state *state; /* of the machine that goes on */
    enum plan_action action;
    struct str why;
    int64_t last_ms; /* how long it took last; -1: it never ran */
};

struct plan_problem {
    enum err_code code;
    uint32_t step; /* or STEP_NO_NONE */
    struct str what, remedy;
};

/* A kept step with a check (x-verify) that must hold. */
struct plan_verify {
    const struct state *state;
    uint32_t step;
};

struct plan {
    enum recovery_kind kind;
    bool cascade;                  /* RERUN, and all that comes after it */
    const struct plan_step *steps; /* those recorded in their order, then those to come */
    size_t count;
    const struct plan_problem *problems;
    size_t problem_count;
    const struct plan_verify *verifies;
    size_t verify_count;
    int64_t saved_ms;    /* recorded durations of what is not done again: of its work, one step
                            after the other, whatever ran beside it */
    int64_t expected_ms; /* those of what runs, where they are known */
    bool ends_known;     /* the list goes to the end of the execution */
    struct flow_recovery recovery; /* to be carried out; START: only skips and stops */
    struct json diagnostics;       /* of a dry run, put in by whoever has them: what the static
                                    * checks say of the definition that would run, as report_json
                                    * lists it; absent: nobody looked. They are no problems. */
};

MUST_CHECK bool plan_make(const struct recovery_story *story,
                          const struct recovery_request *request, struct arena *a,
                          struct plan *ret_plan, struct err *reterr);

/* False: there is a problem, which `reterr` then tells with its step and its remedy. */
MUST_CHECK bool plan_feasible(const struct plan *plan, struct err *reterr);

/* {"kind","steps":[{"index"?,"number"?,"path","name","type","action","why"?,"last_ms"?}],
 *  "problems":[{"code","step"?,"path"?,"what","remedy"}],"saved_ms","expected_ms","ends_known",
 *  "verifies":[paths],"diagnostics"?:[{"severity","code","pointer","line"?,"column"?,"message",
 *  "remedy"}]} */
struct json plan_json(const struct plan *plan, struct arena *a);

/* Which steps used an output that is not the current one any more: they began before a
 * step that is before them was run again. Sets stale[i] for each of list->count. */
void steps_stale(const struct step_list *list, bool *stale);

#endif
