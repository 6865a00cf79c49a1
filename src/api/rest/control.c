/* POST /api/v1/executions/{id}/pause, /cancel, and the decision of a review, which is a
 * resume: what can be done to an execution that has not ended. */
#include "api/rest/resources.h"

#include "api/story.h"
#include "recovery/review.h"

struct control {
    struct str reason, by;
    struct engine_review review;
    struct recovery_request named; /* which review: its step and how that is counted */
    struct story *story;
};

static void clean(void *work)
{
    const struct control *k = work;
    story_close(k->story);
}

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

/* ---- {"approved", "changes"?, "step"?, "numbers"?, "error"?, "cause"?, "by"?} ---- */

static bool refuse(struct call *c, const char *what)
{
    struct err err;
    err_set(&err, ERR_USAGE, "%s", what);
    call_fail(c, &err);
    return false;
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
    r->step = STEP_NO_NONE;
    r->approved = json_is_true(approved);
    r->changes = changes;
    if (!rest_take_text(c, "error", &r->error) || !rest_take_text(c, "cause", &r->cause) ||
        !rest_take_text(c, "by", &r->by))
        return false;
    if (r->approved && (r->error.len || r->cause.len))
        return refuse(c, "\"error\" and \"cause\" go with \"approved\": false only");
    return r->approved || json_is_absent(changes) ||
           refuse(c, "\"changes\" go with \"approved\": true only");
}

static void on_rested(void *arg, struct story *story, const struct err *err)
{
    struct call *c = arg;
    struct control *k = c->work;
    execution_key key = story_row(story)->key;
    struct err unknown;
    if (!err && !review_find(story_run(story), story_steps(story), k->named.step,
                             k->named.numbering, "\"step\"", &k->review.step, &unknown))
        err = &unknown;
    if (err) {
        call_fail(c, err);
        return;
    }
    k->story = NULL; /* the state that is answered is another one's work */
    story_close(story);
    errand_review(call_errand(c, done), key, &k->review);
}

/* Without a step the one that waits is meant; with one, the journal says what is called so. */
static void review_found(struct call *c, const struct execution_row *row)
{
    struct control *k = c->work;
    if (!k->named.step.len) {
        errand_review(call_errand(c, done), row->key, &k->review);
        return;
    }
    k->story = story_new(c->api, row, story_read_on, on_rested, c);
    story_advance(k->story);
}

void rest_review(struct call *c)
{
    static const char *const members[] = {"approved", "changes", "step", "numbers",
                                          "error",    "cause",   "by",   NULL};
    struct control *k = c->work = ARENA_NEW(c->arena, struct control);
    c->clean = clean;
    if (rest_take_members(c, members) && take_review(c, &k->review) &&
        rest_take_recovery(c, RECOVERY_RESUME, &k->named))
        call_find(c, c->parameters[0], review_found);
}
