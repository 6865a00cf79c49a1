/* The steps of one execution as they happen: on a terminal drawn in place
 * (cli/screen.h), elsewhere a line each as they begin and end:
 *
 *   ▸    2  Register
 *   ↻    2  Register  attempt 1 failed: Pawl.ExitStatus; again in 2.0s
 *   ✔    2  Register      3.2s
 *
 * A step that begins and ends in one turn gets one line, and one that is carried out again
 * gets new ones. Lies in an arena.
 */
#ifndef PAWL_CLI_LIVE_H
#define PAWL_CLI_LIVE_H

#include "cli/cli.h"
#include "cli/screen.h"

struct live {
    struct out *out;
    struct arena *arena;
    struct step_list steps;
    uint32_t *running; /* indexes of steps, in order */
    size_t running_count, running_capacity;
    size_t known;              /* steps that were shown */
    uint32_t *shown, *touched; /* what each was shown as; those that may differ by now */
    size_t shown_count, shown_capacity, touched_count, touched_capacity;
    struct step_layout layout;
    struct screen screen; /* on a terminal */
};

/* Goes on with the steps of an execution that has some already; they lie in the
 * live list's arena. Prints what is new to a list that has shown steps before. */
void live_adopt(struct live *l, const struct step_list *steps);

/* When steps come whole, from another process: first the machine, then for each turn
 * live_put for those that changed, live_retried, and live_show, with `quiet` while
 * these are of the past. NULL: no such step can be yet. */
void live_machine(struct live *l, const struct machine *machine);
struct step *live_put(struct live *l, uint32_t index);
void live_retried(struct live *l, const struct flow_event *event, struct wall_ms at);
void live_show(struct live *l, bool quiet);

void live_take(struct live *l, const struct run *run, const struct flow_event *events, size_t count,
               struct wall_ms at);

/* Every SCREEN_DRAW_EVERY_MS: draws on a terminal, does nothing elsewhere. */
void live_tick(struct live *l, struct wall_ms now);

/* Draws for the last time and leaves it. */
void live_end(struct live *l, struct wall_ms at);

/* No step is at work, those left out that only wait for their inner steps. */
bool live_is_still(const struct live *l);

/* The step that made the execution fail, or NULL. */
const struct step *live_failed_step(const struct live *l);

#endif
