/* Whose configuration carries out an execution's tasks: see api/api.h.
 *
 * A configuration names commands, so whoever may give one may run anything as this
 * user. It is taken where only this user can knock.
 */
#include "api/rest/resources.h"

static bool fail(struct call *c, enum err_code code, const char *what)
{
    struct err err;
    err_set(&err, code, "%s", what);
    call_fail(c, &err);
    return false;
}

static bool shape_fits(struct json config)
{
    struct json required = json_get(config, STR("required"));
    size_t known = json_is_absent(required) ? 2 : 3;
    return json_is_string(json_get(config, STR("text"))) &&
           json_is_string(json_get(config, STR("folder"))) &&
           (json_is_absent(required) || json_is_bool(required)) && json_count(config) == known &&
           str_starts_with(json_str(json_get(config, STR("folder"))), STR("/"));
}

bool config_take(struct call *c, struct config_wish *ret)
{
    const struct api_options *o = &c->api->options;
    struct json config = json_get(c->body, STR("config"));
    struct config_wish wish = {.crew = API_CREW_SERVER};
    struct err err;
    *ret = wish;
    if (json_is_absent(config))
        return true;
    if (!json_is_object(config) || !shape_fits(config))
        return fail(c, ERR_USAGE,
                    "config must be {\"text\": a configuration, \"folder\": the absolute path "
                    "that it lies in, \"required\"?: true or false}");
    if (!http_request_is_local(c->request))
        return fail(c, ERR_PERMISSION,
                    "a config is taken on the unix socket of the data directory only");
    wish.given = true;
    wish.required = json_is_true(json_get(config, STR("required")));
    struct api_config taken = {json_str(json_get(config, STR("text"))),
                               json_str(json_get(config, STR("folder")))};
    if (o->take_config && !o->take_config(o->arg, &taken, &wish.crew, &err)) {
        call_fail(c, &err);
        return false;
    }
    if (wish.required && wish.crew == API_CREW_SERVER)
        return fail(c, ERR_CONFLICT,
                    "the process that holds this data directory is a server, which carries out "
                    "tasks by its own configuration only; leave --config out, or give it to the "
                    "server");
    *ret = wish;
    return true;
}

void config_assign(struct call *c, const struct config_wish *config, execution_key key)
{
    const struct api_options *o = &c->api->options;
    if (config->given && config->crew != API_CREW_SERVER)
        o->assign_crew(o->arg, key, config->crew, config->required);
}

struct json config_told(struct arena *a, struct json answer, const struct config_wish *config)
{
    if (!config->given)
        return answer;
    return json_object_with(
        a, answer, STR("config"),
        json_string(config->crew == API_CREW_SERVER ? STR("server") : STR("own")));
}
