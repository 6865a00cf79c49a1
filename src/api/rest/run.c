/* POST /api/v1/run: a definition, an input, and off it goes. */
#include "api/rest/resources.h"

struct run_call {
    struct engine_start start;
    struct config_wish config;
};

static void answer(struct call *c, const struct execution_row *row, bool already)
{
    const struct run_call *r = c->work;
    struct json body = execution_json(c->arena, row);
    body = json_object_with(c->arena, body, STR("already"), json_bool(already));
    call_answer(c, 200, config_told(c->arena, body, &r->config));
}

static void resumed(void *owner, struct errand *e, const struct err *err)
{
    struct call *c = owner;
    if (err)
        call_fail(c, err);
    else
        answer(c, e->reply->execution, true);
}

static void started(void *owner, struct errand *e, const struct err *err)
{
    struct call *c = owner;
    const struct run_call *r = c->work;
    if (err) {
        call_fail(c, err);
        return;
    }
    config_assign(c, &r->config, e->reply->execution->key);
    if (e->reply->already)
        errand_resume(call_errand(c, resumed), e->reply->execution->key);
    else
        answer(c, e->reply->execution, false);
}

static bool refuse(struct call *c, const char *what)
{
    struct err err;
    err_set(&err, ERR_USAGE, "%s", what);
    call_fail(c, &err);
    return false;
}

static bool check_names(struct call *c)
{
    static const char *const names[] = {"definition", "machine_name", "name", "input", "config"};
    for (size_t i = 0; i < json_count(c->body); i++) {
        struct str name = json_str(json_members(c->body)[i].key);
        bool known = false;
        for (size_t n = 0; n < COUNT_OF(names); n++)
            known |= str_eq(name, str_of_cstr(names[n]));
        if (!known)
            return refuse(c, "the body has a member besides definition, machine_name, name, "
                             "input and config");
    }
    return true;
}

static bool take_arguments(struct call *c, struct engine_start *start)
{
    struct json definition = json_get(c->body, STR("definition"));
    struct json machine = json_get(c->body, STR("machine_name"));
    struct json name = json_get(c->body, STR("name")), input = json_get(c->body, STR("input"));
    if (!json_is_object(c->body))
        return refuse(c, "the body must be a JSON object");
    if (!check_names(c))
        return false;
    if (!json_is_string(definition) && !json_is_object(definition))
        return refuse(c, "definition must be the definition's text, or an object");
    if (!json_is_string(machine))
        return refuse(c, "machine_name must be a string");
    if (!json_is_absent(name) && !json_is_string(name))
        return refuse(c, "name must be a string");
    *start = (struct engine_start){
        .machine_name = json_str(machine),
        .definition =
            json_is_string(definition) ? json_str(definition) : json_text(c->arena, definition),
        .name = json_str(name),
        .input = json_is_absent(input) ? STR("{}") : json_text(c->arena, input),
    };
    return true;
}

void rest_run(struct call *c)
{
    struct run_call *r = c->work = ARENA_NEW(c->arena, struct run_call);
    if (take_arguments(c, &r->start) && config_take(c, &r->config))
        errand_start(call_errand(c, started), &r->start);
}
