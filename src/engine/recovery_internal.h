/* One recovery, between recoveries.c and the files recovery_*.c. */
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
    RECOVERY_NOTES,      /* how that went is on its way to the journal */
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
    bool is_due;                 /* found in the store: only its checks are made again */
    bool has_ended;              /* ... and its execution did while its row was read */
    bool is_held;                /* its note waits for what is under way to be over */

    /* Reading. */
    struct arena *work;
    struct store_read read;
    bool is_reading, failed;
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
    struct str mark;   /* in the store, that the checks are due again: its name */
    struct str due;    /* ... and its body, where it was found there */
};

/* ---- recoveries.c ---- */

/* That checks of this execution are due. */
struct recovery *recoveries_new_due(struct engine *e, execution_key key);
/* Answers and frees. err: besides what the plan says. */
void recoveries_answer(struct recovery *r, const struct err *err);
/* The story is there, and nothing is wrong so far. */
void recoveries_told(struct recovery *r);
/* All checks were made. */
void recoveries_checked(struct recovery *r);
void recoveries_checked_again(struct recovery *r);
/* It is carried out: what follows comes with the end of its execution. */
void recoveries_watch(struct recovery *r);

/* ---- recovery_story.c ---- */

void recoveries_read(struct recovery *r);
/* Copies it. */
void recoveries_adopt_row(struct recovery *r, const struct execution_row *row);
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

/* ---- recovery_due.c ---- */

/* Of the mark that the plan's checks are due again; empty: there are none. */
struct str recoveries_due_body(const struct recovery *r, struct arena *a);
/* That the commit of this turn has put. */
void recoveries_know_mark(struct recovery *r, struct uuid id, uint32_t turn);
/* The search is not over, or has something to do. */
bool recoveries_are_searched(const struct engine *e);
bool recoveries_search_ready(const struct engine *e);
void recoveries_search_on(struct engine *e);
/* The row and the definition of one that was found are there. */
void recoveries_due_told(struct recovery *r);

#endif
