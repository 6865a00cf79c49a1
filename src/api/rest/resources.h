/* The resources of REST v1, one function a method of each. Shapes: api/api.h. */
#ifndef PAWL_API_REST_RESOURCES_H
#define PAWL_API_REST_RESOURCES_H

#include "api/api_internal.h"

route_handler rest_health;
route_handler rest_ready;
route_handler rest_run;
route_handler rest_definition;
route_handler rest_state;
route_handler rest_steps;
route_handler rest_history;
route_handler rest_start;
route_handler rest_follow;
route_handler rest_revision;
route_handler rest_revisions;
route_handler rest_resume;
route_handler rest_stop;

enum {
    REST_WAIT_SECONDS_MAX = 60,
};

/* ?wait=SECONDS, 0 when it is not there; fails the call when it is no such number. */
MUST_CHECK bool rest_take_wait(struct call *c, uint32_t *ret_seconds);

/* Answers that there is none of this {id}. */
void rest_no_workflow(struct call *c);

/* {"execution_arn", ..., "output"?, "error"?...}: api/api.h. */
struct json rest_state_json(struct arena *a, const struct execution_row *row,
                            const struct run *run);
/* Reads the execution, and answers with its state. */
void rest_answer_state(struct call *c, const struct execution_row *row, int status);

/* ---- the member "config" of a body: what carries out an execution's tasks ---- */

struct config_wish {
    bool given, required;
    int crew; /* when given */
};

/* Fails the call when it cannot be had. */
MUST_CHECK bool config_take(struct call *c, struct config_wish *ret);
void config_assign(struct call *c, const struct config_wish *config, execution_key key);
/* The answer with its "config". */
struct json config_told(struct arena *a, struct json answer, const struct config_wish *config);

#endif
