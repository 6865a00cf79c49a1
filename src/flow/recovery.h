/* What a recovery changes in a run: where it goes on, what is not done again, where it
 * stops.
 *
 * Made by recovery/plan.h from what a person asks and what the journal says; carried out
 * by flow_turn as one turn (FLOW_RECOVER, or FLOW_START for a fork), in a dry run and a
 * real one alike. An execution that ended badly keeps its frames: plain resume says
 * nothing but `kind`, and each frame goes on where it stood.
 *
 * A step is named by its path: that of its frame, "/" and the state's name
 * ("Split/0/Register"; the name alone at the top level). Several entries of one path are
 * for its visits, in order.
 *
 * Ownership: borrowed for the turn, which journals what it needs.
 * Source: docs/adr/0021-recovery.md.
 */
#ifndef PAWL_FLOW_RECOVERY_H
#define PAWL_FLOW_RECOVERY_H

#include "json/json.h"

#define STEP_NO_NONE UINT32_MAX /* no step's record */

/* Stored: never reuse a number. */
enum flow_recovery_kind {
    FLOW_RESUME_RUN = 1, /* go on with what ended badly, or again from a state that was left */
    FLOW_RERUN_STEP = 2, /* one state, and nothing after it */
    FLOW_FORK_RUN = 3,   /* a new execution that takes over steps of another */
};

/* Why a step is not carried out. Stored: never reuse a number. */
enum flow_skip_kind {
    SKIP_KEPT = 1,  /* it is done, and stays */
    SKIP_ASKED = 2, /* a person said so */
    SKIP_GIVEN = 3, /* a person gave its output */
};

/* Entering this step takes `output` in place of the state's work. */
struct flow_skip {
    struct str path;
    uint32_t step; /* the record it stands for, or STEP_NO_NONE: it gets a new one */
    enum flow_skip_kind kind;
    struct json output;   /* of the state, after its output processing; absent: its input */
    struct json assigned; /* object of the variables that it assigns; absent: none */
    uint32_t next;        /* the state to go to, or STATE_NO_NONE: the end of its scope */
};

/* Entering this step takes the place of an older record. */
struct flow_reuse {
    struct str path;
    uint32_t step, generation;
    uint32_t attempt; /* of its work, the first: above those of the record */
};

struct flow_recovery {
    enum flow_recovery_kind kind;
    /* RESUME: go on before `state`, of the top level, not where the run stands. RERUN: always,
     * and of any level. */
    bool placed;
    uint32_t state;
    struct json data, vars; /* its input; an object of its variables, or absent */
    struct json input;      /* RESUME, not placed: of what goes on; absent: what it had */
    const struct flow_skip *skips;
    size_t skip_count;
    const struct flow_reuse *reuses;
    size_t reuse_count;
    const uint32_t *until; /* states: the run pauses once each of them was left */
    size_t until_count;
    struct str until_phase; /* ... or before the first state of a later phase; empty: none */
    struct str by;          /* who asked; may be empty */

    /* RERUN */
    uint32_t step;         /* the record that is replaced; `reuses` has it, too */
    struct str frame_path; /* of the step without the state's name; empty: the top level */
    struct json within;    /* as in flow_event; absent at the top level */
    struct json item;      /* of the nearest Map around it; absent: none */
    uint32_t item_index;
    bool gives_output; /* its output is the execution's */
};

#endif
