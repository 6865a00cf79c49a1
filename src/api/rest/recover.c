/* POST /api/v1/executions/{id}/resume, /retry, /rerun-step and /restart: what can be done
 * to an execution that has ended, or that a person had stopped on its way. */
#include "api/rest/resources.h"

#include "api/rerun.h"
#include "api/story.h"

struct recover_call {
    struct recovery_request request;
    struct config_wish config;
    bool plain;   /* nothing more is asked than that it goes on */
    bool already; /* it may be under way */
    struct engine_start start;
    rest_rerun_told *told;
    /* Which rerun it became: counted off the journal. */
    struct execution_row row;
    struct story *story;
    uint32_t reruns;
    struct json plan;
};

static void clean(void *work)
{
    const struct recover_call *r = work;
    story_close(r->story);
}

static struct recover_call *recover_call(struct call *c)
{
    struct recover_call *r = c->work = ARENA_NEW(c->arena, struct recover_call);
    c->clean = clean;
    return r;
}

static void fail(struct call *c, enum err_code code, const char *what)
{
    struct err err;
    err_set(&err, code, "%s", what);
    call_fail(c, &err);
}

/* By the error, or by the plan of a dry run. */
static bool is_answered(struct call *c, const struct errand *e, const struct err *err)
{
    const struct recover_call *r = c->work;
    bool over = err || r->request.dry_run;
    if (err)
        rest_fail_planned(c, e, err);
    else if (over)
        call_answer(c, 200, plan_json(e->plan, c->arena));
    return over;
}

/* ---- resume, retry ---- */

static void resumed(void *owner, struct errand *e, const struct err *err)
{
    struct call *c = owner;
    const struct recover_call *r = c->work;
    if (is_answered(c, e, err))
        return;
    struct json told = execution_json(c->arena, e->reply->execution);
    told = json_object_with(c->arena, told, STR("plan"), plan_json(e->plan, c->arena));
    call_answer(c, 200, config_told(c->arena, told, &r->config));
}

static void recover_found(struct call *c, const struct execution_row *row)
{
    const struct recover_call *r = c->work;
    if (!r->request.dry_run)
        config_assign(c, &r->config, row->key);
    errand_recover(call_errand(c, resumed), row->key, &r->request);
}

static void went_on(void *owner, struct errand *e, const struct err *err)
{
    struct call *c = owner;
    const struct recover_call *r = c->work;
    if (err)
        call_fail(c, err);
    else
        call_answer(
            c, 200,
            config_told(c->arena, execution_json(c->arena, e->reply->execution), &r->config));
}

static void resume_found(struct call *c, const struct execution_row *row)
{
    const struct recover_call *r = c->work;
    bool runs = row->status == EXECUTION_RUNNING;
    if (r->already && (runs || r->plain)) {
        if (runs)
            config_assign(c, &r->config, row->key);
        errand_resume(call_errand(c, went_on), row->key);
    } else if (runs && r->plain) {
        config_assign(c, &r->config, row->key);
        errand_unpause(call_errand(c, went_on), row->key, r->request.by);
    } else {
        recover_found(c, row);
    }
}

void rest_resume(struct call *c)
{
    static const char *const members[] = {"skip_steps",   "from_step", "until_step", "until_phase",
                                          "only",         "input",     "set_output", "mocks",
                                          "trigger_data", "dry_run",   "numbers",    "by",
                                          "config",       "already",   "context",    NULL};
    if (!json_is_absent(json_get(c->body, STR("approved")))) {
        rest_review(c);
        return;
    }
    struct recover_call *r = recover_call(c);
    if (!rest_take_members(c, members) || !rest_take_recovery(c, RECOVERY_RESUME, &r->request) ||
        !rest_take_flag(c, "already", &r->already) || !config_take(c, &r->config))
        return;
    r->plain = !rest_is_planned(&r->request) && json_is_absent(r->request.input);
    call_find(c, c->parameters[0], resume_found);
}

void rest_retry(struct call *c)
{
    static const char *const members[] = {"trigger_data", "input",       "from_step",  "skip_steps",
                                          "until_step",   "until_phase", "set_output", "mocks",
                                          "dry_run",      "numbers",     "context",    "by",
                                          "config",       NULL};
    struct recover_call *r = recover_call(c);
    if (rest_take_members(c, members) && rest_take_recovery(c, RECOVERY_RESUME, &r->request) &&
        config_take(c, &r->config))
        call_find(c, c->parameters[0], recover_found);
}

/* ---- rerun-step ---- */

/* Up to the turn that began ours, which the row knows. */
static bool on_turn(void *arg, struct story *story, const struct journal_turn *turn)
{
    const struct call *c = arg;
    struct recover_call *r = c->work;
    (void)story;
    for (size_t i = 0; i < turn->count && turn->number < r->row.turns; i++)
        r->reruns += turn->events[i].kind == EVENT_RERUN_BEGAN;
    return true;
}

static void on_rested(void *arg, struct story *story, const struct err *err)
{
    struct call *c = arg;
    const struct recover_call *r = c->work;
    (void)story;
    if (err)
        call_fail(c, err);
    else
        r->told(c, &r->row, rerun_arn(c->arena, r->row.arn, r->reruns));
}

static void rerun_begun(void *owner, struct errand *e, const struct err *err)
{
    struct call *c = owner;
    struct recover_call *r = c->work;
    if (is_answered(c, e, err))
        return;
    r->row = *call_keep_row(c, e->reply->execution);
    r->plan = json_copy(c->arena, plan_json(e->plan, c->arena)); /* it goes with the errand */
    if (r->request.cascade) { /* more than one step: it goes on itself */
        r->told(c, &r->row, STR(""));
        return;
    }
    r->story = story_new(c->api, &r->row, on_turn, on_rested, c);
    story_advance(r->story);
}

static void rerun_found(struct call *c, const struct execution_row *row)
{
    const struct recover_call *r = c->work;
    if (!r->request.dry_run)
        config_assign(c, &r->config, row->key);
    errand_recover(call_errand(c, rerun_begun), row->key, &r->request);
}

void rest_take_rerun(struct call *c, rest_rerun_told *told)
{
    static const char *const members[] = {
        "step_index", "step",        "context",      "input",   "cascade", "mocks",  "dry_run",
        "until_step", "until_phase", "trigger_data", "numbers", "by",      "config", NULL};
    struct recover_call *r = recover_call(c);
    r->told = told;
    if (!rest_take_members(c, members) || !rest_take_recovery(c, RECOVERY_RERUN, &r->request) ||
        !config_take(c, &r->config))
        return;
    if (r->request.step.len)
        call_find(c, c->parameters[0], rerun_found);
    else
        fail(c, ERR_USAGE,
             "the body must say which step: {\"step_index\": a whole number from 0}, or "
             "{\"step\": a number, a name or a path}");
}

static void rerun_told(struct call *c, const struct execution_row *row, struct str arn)
{
    const struct recover_call *r = c->work;
    struct json told = config_told(c->arena, execution_json(c->arena, row), &r->config);
    told = json_object_with(c->arena, told, STR("plan"), r->plan);
    if (arn.len)
        told = json_object_with(c->arena, told, STR("rerun_arn"), json_string(arn));
    call_answer(c, 202, told);
}

void rest_rerun_step(struct call *c)
{
    rest_take_rerun(c, rerun_told);
}

/* ---- restart ---- */

static void restarted(void *owner, struct errand *e, const struct err *err)
{
    struct call *c = owner;
    const struct recover_call *r = c->work;
    if (is_answered(c, e, err))
        return;
    const struct execution_row *row = e->reply->execution;
    config_assign(c, &r->config, row->key);
    struct json told = config_told(c->arena, execution_json(c->arena, row), &r->config);
    told = json_object_with(c->arena, told, STR("restarts"), json_string(r->row.arn));
    call_answer(c, e->reply->already ? 200 : 201, told);
}

static void restart_found(struct call *c, const struct execution_row *row)
{
    struct recover_call *r = c->work;
    r->row = *row;
    r->start.restart = row->key;
    r->start.express = row->express;
    if (r->request.dry_run)
        errand_plan(call_errand(c, restarted), &r->start);
    else
        errand_start(call_errand(c, restarted), &r->start);
}

void rest_restart(struct call *c)
{
    static const char *const members[] = {"name", "dry_run", "mocks", "by", "config", NULL};
    struct recover_call *r = recover_call(c);
    if (!rest_take_members(c, members) || !rest_take_text(c, "name", &r->start.name) ||
        !rest_take_recovery(c, RECOVERY_START, &r->request) || !config_take(c, &r->config))
        return;
    if (r->request.dry_run)
        r->start.recovery = &r->request;
    call_find(c, c->parameters[0], restart_found);
}
