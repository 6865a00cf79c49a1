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
route_handler rest_cancel;
route_handler rest_job;
route_handler rest_job_rerun;
route_handler rest_pause;
route_handler rest_rerun_step;
route_handler rest_restart;
route_handler rest_resume;
route_handler rest_retry;
route_handler rest_review; /* a resume with "approved" */
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

/* ---- bodies: these answer the call when false (bodies.c) ---- */

/* No member but these: the list ends with NULL. */
MUST_CHECK bool rest_take_members(struct call *c, const char *const *names);
MUST_CHECK bool rest_take_text(struct call *c, const char *name, struct str *ret_text);
MUST_CHECK bool rest_take_flag(struct call *c, const char *name, bool *ret_flag);
MUST_CHECK bool rest_take_recovery(struct call *c, enum recovery_kind kind,
                                   struct recovery_request *ret_request);
/* Does it ask for more than a start from the beginning, or a plain resume? */
bool rest_is_planned(const struct recovery_request *request);
/* A problem, with the plan if there is one. */
void rest_fail_planned(struct call *c, const struct errand *e, const struct err *err);

/* Takes the body of a rerun and begins it. Then `told` answers; arn: of the rerun, empty
 * when more than one step runs again. */
typedef void rest_rerun_told(struct call *c, const struct execution_row *row, struct str arn);
void rest_take_rerun(struct call *c, rest_rerun_told *told);

/* The steps as GET .../steps has them. */
struct json rest_steps_json(struct arena *a, const struct step_list *list);

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
