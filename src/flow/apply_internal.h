/* Private to apply.c and apply_recovery.c: one event on its way into the run. */
#ifndef PAWL_FLOW_APPLY_INTERNAL_H
#define PAWL_FLOW_APPLY_INTERNAL_H

#include "flow/flow_internal.h"

struct change {
    struct run *run;
    struct flow_event *event;
    struct frame *frame; /* the event's; NULL for events of the whole execution */
    struct wall_ms at;
    struct err *err;
};

/* CORRUPT, saying why the event does not fit. Returns false. */
bool apply_corrupt(const struct change *c, const char *what);
/* The next id of AWS's history. */
void apply_give_id(const struct change *c, uint32_t previous);
/* The deadline of the whole execution, from now. */
void apply_deadline(const struct change *c);
/* The end that an event tells of. */
void apply_end(const struct change *c, enum flow_status status);

/* The frame's state failed, as the event says. */
void apply_failure(struct run *run, struct frame *f, const struct flow_event *e);

/* Is the state within the frame's scope, or none? */
bool apply_next_fits(const struct change *c, uint32_t scope, uint32_t next);

bool apply_redriven(const struct change *c);
bool apply_recovered(const struct change *c);
bool apply_placed(const struct change *c);
bool apply_step_resumed(const struct change *c);
bool apply_step_skipped(const struct change *c);
bool apply_paused(const struct change *c);
bool apply_unpaused(const struct change *c);
bool apply_review_asked(const struct change *c);
bool apply_review_decided(const struct change *c);
bool apply_cancel_asked(const struct change *c);
bool apply_rerun_began(const struct change *c);
bool apply_rerun_ended(const struct change *c);

#endif
