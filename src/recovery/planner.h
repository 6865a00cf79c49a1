/* Private to recovery/: a plan in the making. */
#ifndef PAWL_RECOVERY_PLANNER_H
#define PAWL_RECOVERY_PLANNER_H

#include "recovery/naming.h"
#include "recovery/plan.h"
#include "recovery/rehearse.h"

/* A step that the plan speaks of, with what the planner needs more than what it tells. */
struct row {
    struct plan_step step;
    const struct machine *machine; /* that its state is of */
    const struct path_part *parts;
    size_t part_count;
    bool recorded; /* step.index is a record of the story's own list */
    bool done;     /* it is, and gave an output */
    bool asked;    /* --skip-steps names it */
};

struct planner {
    const struct recovery_story *story;
    const struct recovery_request *request;
    const struct machine *machine; /* that goes on */
    struct arena *arena;
    struct err *reterr;
    const struct trace *trace; /* of the story; of no steps when there is none */
    bool numbered;             /* the machine has x-step */
    bool new_run;              /* FORK, START: what goes on has no records yet */

    struct row *rows; /* of the last look ahead */
    size_t row_count, row_capacity;
    bool ends_known;
    bool *mock_used, *output_used;                  /* by member of request->mocks, ->outputs */
    struct member_names *mock_names, *output_names; /* of the same */
    uint32_t placed;            /* the record that the top level is placed before, if it is */
    bool *asked, *kept, *again; /* by record: --skip-steps names it; it stays; it is taken again */
    struct flowed {
        struct json output, assigned; /* absent: as recorded */
    } * flowed;                       /* by record, replay_flow; NULL: all as recorded */

    struct plan_problem *problems;
    size_t problem_count, problem_capacity;

    struct flow_recovery recovery;
    struct flow_skip *skips;
    size_t skip_capacity;
    struct flow_reuse *reuses;
    size_t reuse_capacity;
};

/* ---- problems ---- */

/* What asks for it: as the command line writes it, or a body. */
enum plan_option {
    OPTION_STEP,
    OPTION_SKIP,
    OPTION_FROM,
    OPTION_UNTIL,
    OPTION_PHASE,
    OPTION_ONLY,
    OPTION_OUTPUT,
};
const char *option_name(const struct planner *p, enum plan_option option);
/* How to give the output of a step or branch of this name. */
struct str output_option(const struct planner *p, struct str name);

void plan_problem(struct planner *p, enum err_code code, uint32_t step, struct str what,
                  struct str remedy);

/* ---- ahead.c ---- */

/* Takes the recovery's turn on a copy and plays on: fills the rows. */
MUST_CHECK bool look_ahead(struct planner *p);
/* Fills the rows with the story's records alone. */
void look_back(struct planner *p);

/* An arena for the planning of many steps. */
void take_large_pages(const struct recovery_story *story, struct arena *a);

/* A run that is the story's, to be freed; NULL: an error. */
struct run *run_copy(const struct planner *p, size_t turns, size_t events, size_t turn_states_max);

/* ---- named.c ---- */

/* As the command line, or a body, counts; -1: the row has none. */
int64_t row_number(const struct planner *p, const struct row *row);

/* The rows as they are now, by what names them. */
struct row_names *row_names_new(const struct planner *p);
/* Those that the text names by name or path, in their order; until the next call. */
size_t row_names_find(struct row_names *n, struct str text, const size_t **ret_rows);
/* Does it name any of them, by number, too, or a state of the machine that goes on? */
bool row_names_know(struct row_names *n, struct str text);

/* A member of {"STEP": value} that names this row by number, name or path; absent: none. Marks
 * it as used. `names`: kept for the next call with the same object. */
struct json output_named(struct planner *p, struct json outputs, struct member_names **names,
                         bool *used, const struct row *row);

/* ---- choose.c ---- */

/* The rows that a list names; a problem when it names what is not there. */
MUST_CHECK bool choose_rows(struct planner *p, struct str text, const char *field,
                            size_t **ret_rows, size_t *ret_count);
/* Those that one number, name or path names: several only when they share an x-step. */
MUST_CHECK bool choose_one(struct planner *p, struct str text, const char *field, size_t **ret_rows,
                           size_t *ret_count);

/* ---- situation.c ---- */

/* What a recorded step is given. */
struct situation {
    struct json input, vars, within, item; /* absent: none */
    uint32_t item_index;
    struct str frame_path;
};

/* As it was, or as it would be with what the steps before it give by now. A problem when
 * a Choice would go elsewhere. */
MUST_CHECK bool situation_of(struct planner *p, uint32_t step, bool recorded,
                             struct situation *ret_situation);

/* What the frame is given where it stands in the run, in the planner's arena. */
void situation_take(struct planner *p, const struct run *run, uint32_t frame, struct situation *to);

/* ---- replay.c ---- */

/* What the path's visit would be given with what the steps before it give by now; `target`: its
 * record, if it has one. A problem when a Choice would go elsewhere. */
MUST_CHECK bool replay_to(struct planner *p, uint32_t target, struct str path, uint32_t visit,
                          const bool *stale, struct situation *to);
/* Steps that stay and used an output that is not the current one any more give what comes of
 * the current one: fills `flowed`. A problem when a Choice would go elsewhere. */
MUST_CHECK bool replay_flow(struct planner *p);
/* A resume of what stands behind steps that were run again alone since: it is placed there
 * anew, with what they give by now. */
MUST_CHECK bool refresh(struct planner *p);

/* ---- tables.c ---- */

void add_skip(struct planner *p, struct flow_skip skip);
/* The steps that stay, of a container that is entered again (STEP_NO_NONE: of the whole
 * execution) to come to the target (STEP_NO_NONE: to where it stands). */
MUST_CHECK bool keep_around(struct planner *p, uint32_t container, uint32_t target);
/* Every record entered there or later that does not stay is taken again. */
void add_reuses(struct planner *p, uint64_t from_place);
/* A record and those below it are taken again. */
void add_reuses_of(struct planner *p, uint32_t step);
/* None is, so far. */
void forget_reuses(struct planner *p);
/* What an earlier recovery was to take again and has not come to. */
void carry_reuses(struct planner *p);
/* Skips a step because a person says so. A problem when its output is missing; `passed`:
 * its output is not used, or absent: nothing stands in for it. */
void skip_asked(struct planner *p, const struct row *row, bool passed, struct json given);

#endif
