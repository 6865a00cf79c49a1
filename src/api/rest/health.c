/* /healthz: this process answers. /readyz: it may be given work. */
#include "api/rest/resources.h"

static struct json status_json(struct arena *a, const char *status, const char *reason)
{
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("status"), json_string(str_of_cstr(status)));
    if (reason)
        json_object_add(&b, STR("reason"), json_string(str_of_cstr(reason)));
    return json_object_done(&b);
}

void rest_health(struct call *c)
{
    call_answer(c, 200, status_json(c->arena, "ok", NULL));
}

void rest_ready(struct call *c)
{
    const struct api_options *o = &c->api->options;
    const char *reason = NULL;
    if (!o->is_ready || o->is_ready(o->arg, &reason))
        call_answer(c, 200, status_json(c->arena, "ready", NULL));
    else
        call_answer(c, 503, status_json(c->arena, "not ready", reason));
}
