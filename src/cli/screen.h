/* The steps of one execution, drawn in place on a terminal.
 *
 *    ✔   1  Split                            12.1s  2 of 2
 *    ⠹   3    Register  addressable_ids        4.0s  attempt 2
 *    ▸   5  Each                              31.0s  ██████░░░░  61 of 100
 *
 * Each drawing takes the place of the one before; the last one stays. What does
 * not fit the terminal's height is counted in one line: first the steps that
 * ended, oldest first. The terminal's size is asked at every drawing, so that a
 * resize needs no more than the next one. Lines never wrap.
 * Ownership: borrows everything. Threads: one.
 */
#ifndef PAWL_CLI_SCREEN_H
#define PAWL_CLI_SCREEN_H

#include "cli/layout.h"

enum {
    SCREEN_DRAW_EVERY_MS = 100,
};

struct screen {
    struct out *out;
    size_t lines;   /* that the last drawing took */
    unsigned frame; /* of the turning mark */
};

/* `now`: for the times of what is running. */
void screen_draw(struct screen *s, const struct step_layout *layout, const struct step_list *steps,
                 struct wall_ms now);

/* Takes the drawing away, so that a line may be printed above the next one. */
void screen_clear(struct screen *s);

#endif
