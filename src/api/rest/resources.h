/* The resources of REST v1, one function a method of each. Shapes: api/api.h. */
#ifndef PAWL_API_REST_RESOURCES_H
#define PAWL_API_REST_RESOURCES_H

#include "api/api_internal.h"

route_handler rest_run;
route_handler rest_follow;
route_handler rest_resume;
route_handler rest_stop;

#endif
