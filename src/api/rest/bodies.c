/* What the bodies of recoveries and of control have in common. */
#include "api/rest/resources.h"

static bool is_listed(struct str name, const char *const *names)
{
    for (; *names; names++)
        if (str_eq(name, str_of_cstr(*names)))
            return true;
    return false;
}

static bool refuse(struct call *c, const char *format, ...) PRINTF_LIKE(2, 3);

static bool refuse(struct call *c, const char *format, ...)
{
    struct err err;
    va_list args;
    va_start(args, format);
    struct str what = arena_vprintf(c->arena, format, args);
    va_end(args);
    err_set(&err, ERR_USAGE, STR_FMT, STR_ARG(what));
    call_fail(c, &err);
    return false;
}

bool rest_take_members(struct call *c, const char *const *names)
{
    struct buf all = BUF_INIT(0);
    if (json_is_absent(c->body))
        return true;
    if (!json_is_object(c->body))
        return refuse(c, "the body must be a JSON object, but is: %s", json_type_name(c->body));
    for (size_t i = 0; i < json_count(c->body); i++) {
        struct str name = json_str(json_members(c->body)[i].key);
        if (is_listed(name, names))
            continue;
        for (const char *const *n = names; *n; n++)
            buf_printf(&all, "%s%s", all.len ? ", " : "", *n);
        refuse(c, "the body has a member \"" STR_FMT "\", which is not known here; it takes %s",
               STR_ARG(name), arena_cstr(c->arena, buf_str(&all)));
        buf_release(&all);
        return false;
    }
    return true;
}

bool rest_take_text(struct call *c, const char *name, struct str *ret_text)
{
    struct json value = json_get(c->body, str_of_cstr(name));
    bool none = json_is_absent(value) || json_is_null(value);
    if (!none && !json_is_string(value))
        return refuse(c, "\"%s\" must be a text, but is: %s", name, json_type_name(value));
    *ret_text = json_str(value);
    return true;
}

bool rest_take_flag(struct call *c, const char *name, bool *ret_flag)
{
    struct json value = json_get(c->body, str_of_cstr(name));
    bool none = json_is_absent(value) || json_is_null(value);
    if (!none && !json_is_bool(value))
        return refuse(c, "\"%s\" must be true or false, but is: %s", name, json_type_name(value));
    *ret_flag = json_is_true(value);
    return true;
}

bool rest_take_recovery(struct call *c, enum recovery_kind kind,
                        struct recovery_request *ret_request)
{
    struct json body = json_is_absent(c->body) ? json_object(NULL, 0) : c->body;
    struct err err;
    if (recovery_request_read(body, kind, c->arena, ret_request, &err))
        return true;
    call_fail(c, &err);
    return false;
}

bool rest_is_planned(const struct recovery_request *r)
{
    return r->skip.len || r->from.len || r->until.len || r->until_phase.len || r->only.len ||
           !json_is_absent(r->outputs) || !json_is_absent(r->mocks) || r->dry_run;
}

void rest_fail_planned(struct call *c, const struct errand *e, const struct err *err)
{
    const struct plan *plan = e->plan;
    struct err told = *err;
    /* The execution is there: what is not is a step that the body names. */
    if (told.code == ERR_NOT_FOUND)
        told.code = ERR_INVALID_INPUT;
    if (!plan || !plan->problem_count)
        call_fail(c, &told);
    else
        call_fail_plan(c, &told, plan->problems[0].remedy, plan_json(plan, c->arena));
}
