/* One recovery, between recoveries.c, recovery_story.c and recovery_checks.c. */
#ifndef PAWL_ENGINE_RECOVERY_INTERNAL_H
#define PAWL_ENGINE_RECOVERY_INTERNAL_H

#include "engine/engine_internal.h"

enum recovery_phase {
    RECOVERY_WAITS,
    RECOVERY_ROW,        /* reading the row of the execution */
    RECOVERY_DEFINITION, /* ... its definition */
    RECOVERY_TURNS,      /* ... its journal */
    RECOVERY_CHECKS,     /* x-verify of what stays */
    RECOVERY_COMMITS,    /* the turn or the start is on its way */
    RECOVERY_WATCHES,    /* until the execution has ended */
    RECOVERY_AGAIN,      /* x-verify once more */
};

/* What was found out about one x-verify. */
struct check {
    const struct state *state;
    uint32_t step;
    bool ran;
    int exit_status;
    struct str said;
};

struct recovery {
    struct recovery *next;
    struct engine *engine;
    struct arena *arena; /* owned; this too lies in it */
    enum recovery_phase phase;
    execution_key key; /* of the execution that it is about; 0: of none */
    struct recovery_request request;
    bool dry;
    engine_planned *planned;
    void *arg;
    struct start_command *start; /* owned until it is on its way; NULL: it goes on itself */
    bool restart;                /* ... with the input of `key` */
    bool forks;                  /* a new execution is made, or would be */
    bool plans;                  /* not so: a restart that only takes the input over */
    struct asker asker;          /* of a start without a plan */
    bool is_answered;            /* by the store or the port */

    /* Reading. */
    struct arena *work;
    struct store_read read;
    bool failed;
    struct err err;

    /* The story. */
    struct arena *story_arena; /* of what is planned, too */
    bool only_input;           /* of the journal */
    struct execution_row row;
    struct flow_identity identity;
    struct machine_ref *machine;
    struct machine_ref *target; /* of the new execution; NULL: none is made */
    struct run *run;
    struct journal_reader *reader;
    struct journal_turn *turns;
    size_t turn_count, turn_capacity;
    struct step_list steps;
    size_t memory; /* that the engine counts for it */

    bool has_plan;
    struct plan plan;

    /* Checking. */
    struct check *checks;
    size_t check_count, check_next;
    uint64_t check_id; /* of the one that is being made */
};

/* ---- recoveries.c ---- */

/* Answers and frees. err: besides what the plan says. */
void recoveries_answer(struct recovery *r, const struct err *err);
/* The story is there, and nothing is wrong so far. */
void recoveries_told(struct recovery *r);
/* All checks were made. */
void recoveries_checked(struct recovery *r);
void recoveries_checked_again(struct recovery *r);

/* ---- recovery_story.c ---- */

void recoveries_read(struct recovery *r);
/* The store has answered. */
void recoveries_read_on(struct recovery *r);
/* Frees what only the story needs. */
void recoveries_forget_story(struct recovery *r);

/* ---- recovery_checks.c ---- */

/* Of the plan, one after the other. */
void recoveries_check(struct recovery *r);
/* The next one, or the end of all. */
void recoveries_check_on(struct recovery *r);
/* How they went, for FLOW_NOTE. */
struct json recoveries_checks_json(const struct recovery *r, struct arena *a);
/* Words what is wrong with the first that failed; false: none did. */
MUST_CHECK bool recoveries_checks_failure(const struct recovery *r, struct err *ret_err);

#endif
