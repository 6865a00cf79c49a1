/* Which of the reviews that wait a person means.
 *
 * A review is named as any step is (recovery/request.h): by the number of its step, by the
 * step's name, or by its path in any spelling. Pure; keeps nothing.
 */
#ifndef PAWL_RECOVERY_REVIEW_H
#define PAWL_RECOVERY_REVIEW_H

#include "journal/journal.h"
#include "recovery/request.h"

/* `steps` are the run's; `field`: how the text is called where it was written. Errors:
 * NOT_FOUND and AMBIGUOUS, each with the reviews that there are; INVALID_INPUT for a text that
 * names no step or several. */
MUST_CHECK bool review_find(const struct run *run, const struct step_list *steps, struct str text,
                            enum step_numbering numbering, const char *field, uint32_t *ret_step,
                            struct err *reterr);

#endif
