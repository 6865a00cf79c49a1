/* /api/v1/executions/{id}/...: what can be done to an execution. */
#include "api/rest/resources.h"

static void done(void *owner, struct errand *e, const struct err *err)
{
    struct call *c = owner;
    if (err)
        call_fail(c, err);
    else
        call_answer(c, 200, execution_json(c->arena, e->reply->execution));
}

/* ---- stop ---- */

static void stop_found(struct call *c, const struct execution_row *row)
{
    errand_stop(call_errand(c, done), row->key, json_str(json_get(c->body, STR("error"))),
                json_str(json_get(c->body, STR("cause"))));
}

static bool is_text_or_none(struct json value)
{
    return json_is_absent(value) || json_is_string(value);
}

void rest_stop(struct call *c)
{
    struct err err;
    if (is_text_or_none(json_get(c->body, STR("error"))) &&
        is_text_or_none(json_get(c->body, STR("cause"))) &&
        (json_is_absent(c->body) || json_is_object(c->body))) {
        call_find(c, c->parameters[0], stop_found);
        return;
    }
    err_set(&err, ERR_USAGE, "the body must be an object whose error and cause are strings");
    call_fail(c, &err);
}

/* ---- its definition ---- */

static void definition_read(void *owner, struct errand *e, const struct err *err)
{
    struct call *c = owner;
    struct json_member text = {json_string(STR("definition")), json_string(e->read.text)};
    if (err)
        call_fail(c, err);
    else
        call_answer(c, 200, json_object(&text, 1));
}

static void definition_found(struct call *c, const struct execution_row *row)
{
    struct errand *e = call_errand(c, definition_read);
    memcpy(e->read.hash, row->definition, SHA256_SIZE);
    errand_read(e, STORE_GET_DEFINITION);
}

void rest_definition(struct call *c)
{
    call_find(c, c->parameters[0], definition_found);
}

/* ---- follow ---- */

struct follow {
    uint64_t from;
    bool data;
};

static void follow_found(struct call *c, const struct execution_row *row)
{
    const struct follow *f = c->work;
    struct api *api = c->api;
    struct http_request *request = c->request;
    struct err err;
    if (api->followers >= API_FOLLOWERS_MAX) {
        err_set(&err, ERR_BUSY,
                "%d streams are open, which is all that may be (limit followers_max)",
                API_FOLLOWERS_MAX);
        call_fail(c, &err);
        return;
    }
    if (row->express) {
        err_set(&err, ERR_USAGE,
                "an Express execution has no history that could be followed; look at its state");
        call_fail(c, &err);
        return;
    }
    /* The row lies in the call, which therefore goes last. */
    if (str_eq(http_request_method(request), STR("HEAD"))) {
        http_stream_begin(request, 200, NULL, 0);
        http_stream_end(request, STR(""));
    } else {
        watch_follow(api, request, row, f->from, f->data);
    }
    call_release(c);
}

static bool take_query(struct call *c, struct follow *f)
{
    struct str text;
    int64_t from = 0;
    if (call_query(c, STR("from"), &text) && (!str_to_int64(text, &from) || from < 0))
        return false;
    f->from = (uint64_t)from;
    if (!call_query(c, STR("data"), &text))
        return true;
    f->data = str_eq(text, STR("true"));
    return f->data || str_eq(text, STR("false"));
}

void rest_follow(struct call *c)
{
    struct follow *f = c->work = ARENA_NEW(c->arena, struct follow);
    struct err err;
    if (take_query(c, f)) {
        call_find(c, c->parameters[0], follow_found);
        return;
    }
    err_set(&err, ERR_USAGE, "from must be the number of an event, and data true or false");
    call_fail(c, &err);
}
