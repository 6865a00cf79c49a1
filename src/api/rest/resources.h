/* The resources of REST v1, one function a method of each. Shapes: api/api.h. */
#ifndef PAWL_API_REST_RESOURCES_H
#define PAWL_API_REST_RESOURCES_H

#include "api/api_internal.h"

route_handler rest_health;
route_handler rest_ready;
route_handler rest_run;
route_handler rest_definition;
route_handler rest_follow;
route_handler rest_resume;
route_handler rest_stop;

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
