/* Private to recovery/: steps as people name them.
 *
 * A step's *key* is its path as the core has it ("Split/0/Register"); it is shown with the
 * branch's label and the item in brackets ("Split/addressable/Register", "Leads[7]/Enrich").
 * A branch is named by its x-label, else by its first state, or by its number.
 */
#ifndef PAWL_RECOVERY_NAMING_H
#define PAWL_RECOVERY_NAMING_H

#include "asl/machine.h"

#define PART_ANY UINT32_MAX /* whichever item: "Leads[*]/Enrich", key "Leads/+/Enrich" */

/* One Parallel or Map around a step, and which of its branches or items. */
struct path_part {
    const struct state *holder;
    uint32_t index;
};

/* Outermost first. False: the key is none of this state. */
bool step_parts(const struct machine *m, const struct state *state, struct str key, struct arena *a,
                const struct path_part **ret_parts, size_t *ret_count);

struct str step_key(const struct path_part *parts, size_t count, const struct state *state,
                    struct arena *a);
struct str step_shown(const struct machine *m, const struct path_part *parts, size_t count,
                      const struct state *state, struct arena *a);

/* The same state in another machine, by the names around it and its own; NULL: none. */
const struct state *state_in(const struct machine *m, const struct path_part *parts, size_t count,
                             struct str name);

/* The keys of this state's steps that the text names by a path, in any spelling, are added to
 * the list, perhaps twice. There need be no such step. */
struct key_list {
    struct arena *arena;
    struct str *items;
    size_t count, capacity;
};
void step_keys_spelled(const struct machine *m, const struct state *state, struct str text,
                       struct key_list *to);

/* Does the text name the step: by its own name, or by its path in any spelling? */
bool step_is_named(const struct machine *m, const struct path_part *parts, size_t count,
                   const struct state *state, struct str text);
/* Does it name the branch that these parts lead to: by its label alone, or by its path? */
bool branch_is_named(const struct machine *m, const struct path_part *parts, size_t count,
                     struct str text);

/* "3": x-step where the definition has any, else the index + 1; empty: none. */
struct str step_number_text(bool numbered, const struct state *state, uint32_t index,
                            struct arena *a);
/* Has any state of it x-step? */
bool machine_is_numbered(const struct machine *m);

#endif
