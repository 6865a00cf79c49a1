/* /admin/jobs/{id}: an execution as a job of a job processor, with its steps in one array.
 *
 *   GET  -> {"job_id", "workflow_id", "status", "execution_arn", "created_at", "updated_at",
 *            "completed_at"?, "output"?, "error"?, "cause"?, "execution_steps": [...]}
 *   POST .../rerun-step {"step_index": N} -> 202 {"execution_arn", "job_id", "step_index"...}
 */
#include "api/rest/resources.h"

#include "api/status.h"
#include "api/story.h"

struct job {
    struct execution_row row;
    struct story *story;
    struct wall_ms updated_at;
};

static void clean(void *work)
{
    const struct job *j = work;
    story_close(j->story);
}

static struct json job_id(const struct execution_row *row)
{
    return json_string(row->name);
}

static void show(struct call *c)
{
    const struct job *j = c->work;
    const struct run *run = story_run(j->story);
    struct json end = end_json(c->arena, run);
    struct json_object_builder b = json_object_builder(c->arena);
    bool ends_in_row = j->row.express && run_status(run) == FLOW_RUNNING;
    enum status status = ends_in_row ? status_of_row(j->row.status) : status_of_run(run, c->arena);
    struct wall_ms completed = ends_in_row ? j->row.stopped_at : run_stopped_at(run);
    json_object_add(&b, STR("job_id"), job_id(&j->row));
    json_object_add(&b, STR("workflow_id"), json_string(j->row.machine_name));
    json_object_add(&b, STR("status"), json_string(str_of_cstr(status_jobs_name(status))));
    json_object_add(&b, STR("execution_arn"), json_string(j->row.arn));
    json_object_add(&b, STR("created_at"), time_json(c->arena, j->row.started_at));
    json_object_add(&b, STR("updated_at"), time_json(c->arena, j->updated_at));
    json_object_add(&b, STR("completed_at"), time_json(c->arena, completed));
    json_object_add(&b, STR("output"), json_get(end, STR("output")));
    json_object_add(&b, STR("error"), json_get(end, STR("error")));
    json_object_add(&b, STR("cause"), json_get(end, STR("cause")));
    json_object_add(&b, STR("execution_steps"), rest_steps_json(c->arena, story_steps(j->story)));
    call_answer(c, 200, json_object_done(&b));
}

static bool on_turn(void *arg, struct story *story, const struct journal_turn *turn)
{
    const struct call *c = arg;
    struct job *j = c->work;
    (void)story;
    j->updated_at = turn->at;
    return true;
}

static void on_rested(void *arg, struct story *story, const struct err *err)
{
    struct call *c = arg;
    struct err empty;
    if (!err && story_turns(story) == 0) {
        err_set(&empty, ERR_NOT_FOUND, "nothing is kept of job \"" STR_FMT "\" but that it was",
                STR_ARG(story_row(story)->name));
        err = &empty;
    }
    if (err)
        call_fail(c, err);
    else
        show(c);
}

static void found(struct call *c, const struct execution_row *row)
{
    struct job *j = c->work;
    j->row = *row;
    j->story = story_new(c->api, row, on_turn, on_rested, c);
    story_advance(j->story);
}

void rest_job(struct call *c)
{
    c->work = ARENA_NEW(c->arena, struct job);
    c->clean = clean;
    call_find(c, c->parameters[0], found);
}

static void rerun_told(struct call *c, const struct execution_row *row, struct str arn)
{
    struct json index = json_get(c->body, STR("step_index"));
    struct json_object_builder b = json_object_builder(c->arena);
    json_object_add(&b, STR("execution_arn"), json_string(arn.len ? arn : row->arn));
    json_object_add(&b, STR("job_id"), job_id(row));
    json_object_add(&b, STR("step_index"), index);
    json_object_add(&b, STR("status"),
                    json_string(str_of_cstr(status_jobs_name(status_of_row(row->status)))));
    call_answer(c, 202, json_object_done(&b));
}

void rest_job_rerun(struct call *c)
{
    rest_take_rerun(c, rerun_told);
}
