/* POST /api/v1/executions/{id}/pause, /cancel, and the decision of a review, which is a
 * resume: what can be done to an execution that has not ended. */
#include "api/rest/resources.h"

struct control {
    struct str reason, by;
    struct engine_review review;
};

static void done(void *owner, struct errand *e, const struct err *err)
{
    struct call *c = owner;
    if (err)
        call_fail(c, err);
    else
        rest_answer_state(c, call_keep_row(c, e->reply->execution), 200);
}

static void take(struct call *c, call_found *act)
{
    static const char *const members[] = {"reason", "by", NULL};
    struct control *k = c->work = ARENA_NEW(c->arena, struct control);
    if (rest_take_members(c, members) && rest_take_text(c, "reason", &k->reason) &&
        rest_take_text(c, "by", &k->by))
        call_find(c, c->parameters[0], act);
}

static void pause_found(struct call *c, const struct execution_row *row)
{
    const struct control *k = c->work;
    errand_pause(call_errand(c, done), row->key, k->reason, k->by);
}

void rest_pause(struct call *c)
{
    take(c, pause_found);
}

static void cancel_found(struct call *c, const struct execution_row *row)
{
    const struct control *k = c->work;
    errand_cancel(call_errand(c, done), row->key, k->reason, k->by);
}

void rest_cancel(struct call *c)
{
    take(c, cancel_found);
}

/* ---- {"approved", "changes"?, "step"?, "error"?, "cause"?} ---- */

static bool refuse(struct call *c, const char *what)
{
    struct err err;
    err_set(&err, ERR_USAGE, "%s", what);
    call_fail(c, &err);
    return false;
}

static bool take_step(struct call *c, uint32_t *ret_step)
{
    struct json step = json_get(c->body, STR("step"));
    int64_t number;
    *ret_step = STEP_NO_NONE;
    if (json_is_absent(step) || json_is_null(step))
        return true;
    if (!json_to_int64(step, &number) || number < 0 || number >= STEP_NO_NONE)
        return refuse(c, "\"step\" of a review must be the index of the step, a whole number from "
                         "0; without it, the one that waits is meant");
    *ret_step = (uint32_t)number;
    return true;
}

static bool take_review(struct call *c, struct engine_review *r)
{
    struct json approved = json_get(c->body, STR("approved"));
    struct json changes = json_get(c->body, STR("changes"));
    if (!json_is_bool(approved))
        return refuse(c, "\"approved\" must be true or false");
    if (json_is_null(changes))
        changes = JSON_NONE;
    if (!json_is_absent(changes) && !json_is_object(changes))
        return refuse(c, "\"changes\" must be an object, which is merged into the data");
    r->approved = json_is_true(approved);
    r->changes = changes;
    if (!take_step(c, &r->step) || !rest_take_text(c, "error", &r->error) ||
        !rest_take_text(c, "cause", &r->cause) || !rest_take_text(c, "by", &r->by))
        return false;
    if (r->approved && (r->error.len || r->cause.len))
        return refuse(c, "\"error\" and \"cause\" go with \"approved\": false only");
    return r->approved || json_is_absent(changes) ||
           refuse(c, "\"changes\" go with \"approved\": true only");
}

static void review_found(struct call *c, const struct execution_row *row)
{
    const struct control *k = c->work;
    errand_review(call_errand(c, done), row->key, &k->review);
}

void rest_review(struct call *c)
{
    static const char *const members[] = {"approved", "changes", "step", "error",
                                          "cause",    "by",      NULL};
    struct control *k = c->work = ARENA_NEW(c->arena, struct control);
    if (rest_take_members(c, members) && take_review(c, &k->review))
        call_find(c, c->parameters[0], review_found);
}
