/* How steps stand under one another: their numbers, their titles, the columns.
 *
 * A title is the state's name, set in below the Parallel or Map that it is in,
 * with the items' indexes of the Maps around it: "  Register [12]".
 */
#ifndef PAWL_CLI_LAYOUT_H
#define PAWL_CLI_LAYOUT_H

#include "cli/out.h"
#include "journal/journal.h"

struct step_layout {
    const struct machine *machine; /* NULL: not known yet */
    bool numbered;                 /* the definition numbers steps itself, by x-step */
    size_t title_width;
    size_t title_max; /* longer titles are cut to it; 0: none are */
};

struct step_layout step_layout_of(const struct machine *machine);

/* step_number of a layout's machine, without looking for x-step each time. */
int64_t step_number_in(const struct step_layout *l, const struct step *step);

/* The label (x-label) of the branch of a Parallel that it is in, the nearest that has one;
 * empty: none. */
struct str step_context(const struct step_layout *l, const struct step *step);

/* Since when it is what it is: a step that went on after an end was first entered before. */
struct wall_ms step_since(const struct step *step);

/* In a column: how long it took, or works by now; "-" when it was not carried out. */
void print_step_time(struct out *o, const struct step *step, struct wall_ms now);

/* "skipped", "taken over"; empty: it was carried out. */
struct str step_skip_words(const struct step *step);

/* "✔    2  Register". `pad`: something follows in the next column. */
void print_step_head(struct out *o, const struct step_layout *l, const struct step *step,
                     struct cell mark, bool pad);

#endif
