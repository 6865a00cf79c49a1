/* A wish, carried out by the engine of this process. */
#include "cli/render.h"
#include "cli/session.h"
#include "recovery/review.h"

static void fail(struct session *s, const struct err *err)
{
    s->failed = true;
    s->err = *err;
    host_stop(s->host);
}

static void take_plan(struct session *s, const struct plan *plan)
{
    struct arena *a = s->cli->arena;
    if (plan)
        s->wish->plan = json_copy(a, plan_json(plan, a));
}

/* ---- an execution that goes on ---- */

static void replied(void *arg, const struct engine_reply *reply)
{
    struct session *s = arg;
    if (reply->err)
        fail(s, reply->err);
    else
        session_begun(s, reply->execution);
}

static void planned(void *arg, const struct engine_reply *reply, const struct plan *plan)
{
    struct session *s = arg;
    take_plan(s, plan);
    if (reply->err || !s->wish->request.dry_run)
        replied(s, reply);
    else
        host_stop(s->host);
}

static void gone_on(void *arg, const struct engine_reply *reply)
{
    if (reply->err)
        fail(arg, reply->err);
}

/* The engine has heard it, and does not go on with what it was not asked to. */
static void decided(void *arg, const struct engine_reply *reply)
{
    struct session *s = arg;
    replied(s, reply);
    if (!s->failed)
        engine_resume(host_engine(s->host), s->key, gone_on, s);
}

static bool asks_for_a_plan(const struct recovery_request *r)
{
    return r->skip.len || r->from.len || r->until.len || r->until_phase.len || r->only.len ||
           !json_is_absent(r->input) || !json_is_absent(r->outputs);
}

/* Nobody else holds the directory, so nothing of it is under way. */
static void refuse_running(struct session *s, const struct execution_row *row)
{
    struct err err;
    char id[UUID_TEXT_LEN];
    uuid_format(row->id, id);
    err_set(&err, ERR_CONFLICT,
            "execution " STR_FMT " has not ended: it was interrupted; go on with it by pawl run "
            "--resume %.*s",
            STR_ARG(row->name), UUID_TEXT_LEN, id);
    fail(s, &err);
}

/* --step of a review. */
static bool find_review(struct session *s, struct err *reterr)
{
    struct str named = s->wish->request.step;
    return !named.len || review_find(s->story.run, &s->story.steps, named, STEPS_FROM_ONE, "--step",
                                     &s->wish->review.step, reterr);
}

static void ask_running(struct session *s, const struct execution_row *row)
{
    const struct wish *w = s->wish;
    struct engine *e = host_engine(s->host);
    struct flow_pause pause = run_pause(s->story.run);
    uint32_t rerun;
    bool plain = w->kind == WISH_RESUME && !asks_for_a_plan(&w->request);
    if (w->decides && !find_review(s, &s->err))
        fail(s, &s->err);
    else if (w->decides)
        engine_review(e, row->key, &w->review, decided, s);
    else if (plain && pause.asked)
        engine_unpause(e, row->key, w->request.by, decided, s);
    else if (plain && !run_rerun(s->story.run, &rerun))
        refuse_running(s, row);
    else
        engine_recover(e, row->key, &w->request, planned, s); /* which says why not */
}

static void refuse_review(struct session *s, const struct execution_row *row)
{
    struct err err;
    err_set(&err, ERR_CONFLICT,
            "execution " STR_FMT " has ended as %s and waits for no decision: resume it without "
            "--approve and --reject",
            STR_ARG(row->name), execution_status_name(row->status));
    fail(s, &err);
}

/* What happened so far is read first: the turns that follow it are told at once. */
static void ask_old(struct session *s, const struct execution_row *row)
{
    if (!s->wish->request.dry_run && !session_adopt(s, row, &s->err)) {
        fail(s, &s->err);
        return;
    }
    s->key = row->key;
    if (s->wish->request.dry_run)
        engine_recover(host_engine(s->host), row->key, &s->wish->request, planned, s);
    else if (row->status == EXECUTION_RUNNING)
        ask_running(s, row);
    else if (s->wish->decides)
        refuse_review(s, row);
    else
        engine_recover(host_engine(s->host), row->key, &s->wish->request, planned, s);
}

/* ---- a new execution ---- */

static void started(void *arg, const struct engine_reply *reply)
{
    struct session *s = arg;
    if (!reply->err)
        s->key = reply->execution->key;
    replied(s, reply);
}

static bool fill_start(struct session *s, const struct execution_row *row, struct err *reterr)
{
    struct engine_start *start = &s->start;
    const struct wish *w = s->wish;
    start->recovery = &w->request;
    if (w->kind == WISH_RESTART)
        start->restart = row->key;
    else if (row)
        start->reuse = row->key;
    if (w->kind == WISH_START)
        return true; /* the rest is as for any start */
    start->machine_name = row->machine_name;
    start->name = w->name;
    start->definition = w->definition;
    if (!json_is_absent(w->request.input))
        start->input = json_text(s->cli->arena, w->request.input);
    return !w->revision.len || archive_revision(s->cli, &s->archive, row->machine_name, w->revision,
                                                &start->definition, reterr);
}

static void ask_new(struct session *s, const struct execution_row *row)
{
    struct engine *e = host_engine(s->host);
    if (!fill_start(s, row, &s->err))
        fail(s, &s->err);
    else if (s->wish->request.dry_run)
        engine_plan(e, &s->start, planned, s);
    else
        engine_start(e, &s->start, started, s);
}

void session_wish_here(struct session *s, const struct execution_row *row)
{
    struct err err;
    if (s->wish->detach) {
        err_set(&err, ERR_UNREACHABLE,
                "nobody serves the data directory " STR_FMT ", so nobody would go on with it: "
                "leave --detach out, or start pawl serve there",
                STR_ARG(s->data));
        fail(s, &err);
    } else if (wish_makes_new(s->wish)) {
        ask_new(s, row);
    } else {
        ask_old(s, row);
    }
}
