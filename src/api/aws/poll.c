/* GetActivityTask: a worker waits until there is a task for it, at most a minute.
 *
 * A poll that waits is no call any more, since thousands of them may: it lies in its
 * request's own memory, and becomes a call again when there is something to answer.
 */
#include "api/aws/operations.h"

struct poll {
    struct api *api;
    struct http_request *request;
    struct engine_poll *waits; /* at the engine */
    struct poll *next, **link; /* among the api's */
};

/* ---- answers ---- */

static struct json answer_of(struct arena *a, const struct flow_effect *task)
{
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("taskToken"), task ? json_string(task->token) : json_null());
    json_object_add(&b, STR("input"),
                    task ? json_string(json_text(a, task->payload)) : json_null());
    return json_object_done(&b);
}

static void polled(void *arg, const struct engine_reply *reply)
{
    struct poll *p = arg;
    *p->link = p->next;
    if (p->next)
        p->next->link = p->link;
    struct call *c = call_again(p->api, p->request, true);
    if (reply->err)
        call_fail(c, reply->err);
    else
        call_answer(c, 200, answer_of(c->arena, reply->task));
}

static void on_gone(void *arg)
{
    struct poll *p = arg;
    engine_poll_end(p->waits, true);
    polled(p, &(struct engine_reply){0});
}

static void on_late(void *arg)
{
    struct poll *p = arg;
    engine_poll_end(p->waits, false);
}

void polls_stop(struct api *api, const struct err *why)
{
    for (struct poll *p; (p = api->polls);) {
        engine_poll_end(p->waits, true);
        polled(p, &(struct engine_reply){.err = why});
    }
}

/* ---- beginning ---- */

static void wait_for_task(struct call *c, struct str activity, struct str worker)
{
    struct api *api = c->api;
    struct engine *engine = api->options.engine;
    if (http_request_is_gone(c->request)) { /* nobody would tell of it any more */
        call_answer(c, 200, answer_of(c->arena, NULL));
        return;
    }
    struct poll *p = ARENA_NEW(http_request_arena(c->request), struct poll);
    *p = (struct poll){api, c->request, NULL, api->polls, &api->polls};
    if (p->next)
        p->next->link = &p->next;
    api->polls = p;
    struct engine_poll *waits = engine_poll_begin(engine, activity, worker, polled, p);
    if (waits) { /* else it was answered, and is no more */
        p->waits = waits;
        http_request_on_gone(c->request, on_gone, p);
        http_request_wait(c->request, on_late, p);
    }
    call_release(c);
    api->options.wake(api->options.arg);
}

static void activity_found(void *owner, const struct catalog_answer *answer)
{
    struct call *c = owner;
    struct str arn = aws_text(c, "activityArn");
    size_t most = c->api->options.activity_polls_max;
    if (answer->outcome != CATALOG_DONE)
        aws_refused(c, answer, arn);
    else if (most && engine_polls(c->api->options.engine, arn) >= most)
        call_fail_aws(c, "ActivityWorkerLimitExceeded",
                      "%zu workers wait at activity '" STR_FMT
                      "', which is all that may (limit activity_polls_max)",
                      most, STR_ARG(arn));
    else
        wait_for_task(c, arn, aws_text(c, "workerName"));
}

void aws_get_activity_task(struct call *c)
{
    struct catalog_asker who = aws_asker(c, activity_found);
    struct arn arn;
    if (aws_take_arn(c, "activityArn", ARN_IS_ACTIVITY, &arn))
        catalog_find_activity(c->api->catalog, &who, &arn);
}
