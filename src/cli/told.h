/* A step as another process tells it (api/shapes.c), back into a struct step.
 *
 * What is missing or of another type counts as not said: the other side may be a
 * newer release. Everything lies in the arena; the state is the machine's.
 */
#ifndef PAWL_CLI_TOLD_H
#define PAWL_CLI_TOLD_H

#include "journal/journal.h"
#include "store/store.h"

/* False: the machine has no such state, and the step is as it was. */
MUST_CHECK bool told_step(struct arena *a, const struct machine *machine, struct json told,
                          struct step *step);

/* An event that says that a retry was armed, else false. */
bool told_retry(struct json told, struct flow_event *ret_event);

/* An event of control: a pause, a review, a recovery, a rerun; else false. Borrows. */
bool told_control(struct json told, struct flow_event *ret_event);

/* An event that ends the execution, with its error and cause; else false. */
bool told_end(struct json told, enum execution_status *ret_status, struct json *ret_details);

/* "2026-03-01T12:00:00.123Z"; .ms 0 for anything else. */
struct wall_ms told_time(struct json told);

/* RUNNING when there is no such name. */
enum execution_status told_status(struct json told);

#endif
