/* RedriveExecution: a resume by AWS's rules.
 *
 * A clientToken is kept where everything is kept of an execution, in its journal, as who
 * asked for the resume; so the same call again is known after a crash, too. AWS knows the
 * last ten tokens, each for 15 minutes.
 */
#include "api/aws/operations.h"

#include "api/story.h"
#include "os/clock.h"

#define TOKEN_PREFIX "clientToken "

enum {
    TOKEN_AGE_MAX_MS = 15 * 60 * 1000,
    TOKENS_MAX = 10,
};

struct token {
    struct str by;
    struct wall_ms at;
};

struct redrive {
    struct str by; /* empty: without a token */
    struct execution_row row;
    struct story *story;
    struct token last[TOKENS_MAX]; /* a ring */
    size_t count;
};

static void clean(void *work)
{
    const struct redrive *r = work;
    story_close(r->story);
}

static void answer(struct call *c, struct wall_ms at)
{
    struct json_object_builder b = json_object_builder(c->arena);
    json_object_add(&b, STR("redriveDate"), aws_time(at));
    call_answer(c, 200, json_object_done(&b));
}

static void done(void *owner, struct errand *e, const struct err *err)
{
    struct call *c = owner;
    if (!err)
        answer(c, e->reply->execution->redriven_at);
    else if (err->code == ERR_NOT_REDRIVABLE)
        call_fail_aws(c, "ExecutionNotRedrivable", "%s", err->message);
    else if (err->code == ERR_CONFLICT || err->code == ERR_INVALID_INPUT)
        call_fail_aws(c, "ExecutionNotRedrivable", "Execution cannot be redriven: %s",
                      err->message);
    else if (err->code == ERR_BUSY)
        call_fail_aws(c, "ExecutionLimitExceeded", "%s", err->message);
    else if (err->code == ERR_NOT_FOUND)
        call_not_found(c);
    else
        call_fail(c, err);
}

static void redrive(struct call *c)
{
    const struct redrive *r = c->work;
    const struct recovery_request request = {.kind = RECOVERY_RESUME, .redrive = true, .by = r->by};
    errand_recover(call_errand(c, done), r->row.key, &request);
}

/* ---- the same call again ---- */

static bool on_turn(void *arg, struct story *story, const struct journal_turn *turn)
{
    const struct call *c = arg;
    struct redrive *r = c->work;
    (void)story;
    for (size_t i = 0; i < turn->count; i++) {
        struct str by = json_str(json_get(turn->events[i].value.value, STR("by")));
        if (turn->events[i].kind == EVENT_RECOVERED && str_starts_with(by, STR(TOKEN_PREFIX)))
            r->last[r->count++ % TOKENS_MAX] = (struct token){by, turn->at};
    }
    return true;
}

static void on_rested(void *arg, struct story *story, const struct err *err)
{
    struct call *c = arg;
    const struct redrive *r = c->work;
    (void)story;
    if (err) {
        call_fail(c, err);
        return;
    }
    for (size_t i = 0; i < r->count && i < TOKENS_MAX; i++) {
        const struct token *t = &r->last[i];
        if (str_eq(t->by, r->by) && clock_wall().ms - t->at.ms <= TOKEN_AGE_MAX_MS) {
            answer(c, t->at);
            return;
        }
    }
    redrive(c);
}

static void found(struct call *c, const struct execution_row *row)
{
    struct redrive *r = c->work;
    r->row = *row;
    if (!r->by.len || !row->redrive_count ||
        clock_wall().ms - row->redriven_at.ms > TOKEN_AGE_MAX_MS) {
        redrive(c);
        return;
    }
    r->story = story_new(c->api, row, on_turn, on_rested, c);
    story_advance(r->story);
}

void aws_redrive_execution(struct call *c)
{
    struct redrive *r = c->work = ARENA_NEW(c->arena, struct redrive);
    struct str token = aws_text(c, "clientToken");
    struct arn arn;
    c->clean = clean;
    if (token.len)
        r->by = arena_printf(c->arena, TOKEN_PREFIX STR_FMT, STR_ARG(token));
    if (aws_take_arn(c, "executionArn", ARN_IS_EXECUTION, &arn))
        call_find(c, arn.text, found);
}
