/* SendTaskSuccess, SendTaskFailure, SendTaskHeartbeat: whoever has a task's token
 * speaks for the task. */
#include "api/aws/operations.h"

static void answered(void *owner, struct errand *e, const struct err *err)
{
    struct call *c = owner;
    if (err && err->code == ERR_NOT_FOUND)
        call_fail_aws(c, "TaskDoesNotExist", "Task does not exist: 'its execution is not known'");
    else if (err)
        call_fail(c, err);
    else if (!e->reply->accepted)
        call_fail_aws(c, "TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'");
    else
        call_answer(c, 200, json_object(NULL, 0));
}

static bool take_token(struct call *c, struct flow_task_key *ret_key)
{
    const uint8_t *secret = store_secret(c->api->options.store);
    if (flow_token_read(c->arena, aws_text(c, "taskToken"), secret, ret_key))
        return true;
    call_fail_aws(c, "InvalidToken", "Invalid Token: 'Invalid token'");
    return false;
}

static struct engine_task_result result_of(const struct flow_task_key *key)
{
    return (struct engine_task_result){
        .execution = key->execution, .step = key->step, .attempt = key->attempt};
}

void aws_send_task_success(struct call *c)
{
    struct flow_task_key key;
    struct str output = aws_text(c, "output");
    struct err err;
    if (!take_token(c, &key))
        return;
    struct engine_task_result result = result_of(&key);
    result.ok = true;
    if (json_parse(c->arena, output, (struct json_limits){0}, JSON_DUPLICATES_LAST, &result.output,
                   &err))
        errand_token_result(call_errand(c, answered), &result);
    else
        call_fail_aws(c, "InvalidOutput", "Invalid Output: '%s'", err.message);
}

void aws_send_task_failure(struct call *c)
{
    struct flow_task_key key;
    if (!take_token(c, &key))
        return;
    struct engine_task_result result = result_of(&key);
    result.has_error = aws_given(c, "error");
    result.has_cause = aws_given(c, "cause");
    result.error = aws_text(c, "error");
    result.cause = aws_text(c, "cause");
    errand_token_result(call_errand(c, answered), &result);
}

void aws_send_task_heartbeat(struct call *c)
{
    struct flow_task_key key;
    if (take_token(c, &key))
        errand_token_heartbeat(call_errand(c, answered), &key);
}
