/* A recovery plan for people: the table, what it saves, what is wrong with it.
 *
 * Made from the JSON of a plan (recovery/plan.h), since it may come from a server. What is
 * missing counts as not said.
 */
#ifndef PAWL_CLI_PLAN_PAGE_H
#define PAWL_CLI_PLAN_PAGE_H

#include "cli/cli.h"
#include "json/json.h"

/* The table and its totals, then the problems and what the static checks say. */
void plan_page_print(struct out *o, struct arena *a, struct json plan);

/* Each with its step and its remedy; nothing when there is none. */
void plan_problems_print(struct out *o, struct json plan);

bool plan_has_problems(struct json plan);

/* What the checks of kept steps (x-verify) said once more after a recovery, from the event
 * that notes it: how many hold, or the first that does not, and why. */
struct str checks_summary(struct arena *a, struct json note, bool *ret_good);

/* "3 steps kept, 1 skipped, 4 to run; saves 2h 00m" */
struct str plan_summary(struct arena *a, struct json plan);

#endif
