/* SendTaskSuccess, SendTaskFailure, SendTaskHeartbeat: whoever has a task's token
 * speaks for the task. */
#include "api/aws/operations.h"

enum {
    TOKEN_MAX = 2048,
    ERROR_MAX = 256,
    CAUSE_MAX = 32768,
    OUTPUT_MAX = ENGINE_INPUT_SIZE_MAX,
};

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
    struct str token;
    if (!argument_text(c, STR("taskToken"), ARGUMENT_REQUIRED, TOKEN_MAX, &token))
        return false;
    if (flow_token_read(c->arena, token, secret, ret_key))
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
    struct str output;
    struct err err;
    if (!take_token(c, &key) ||
        !argument_text(c, STR("output"), ARGUMENT_REQUIRED, OUTPUT_MAX, &output))
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
    struct str error, cause;
    if (!take_token(c, &key) ||
        !argument_text(c, STR("error"), ARGUMENT_OPTIONAL, ERROR_MAX, &error) ||
        !argument_text(c, STR("cause"), ARGUMENT_OPTIONAL, CAUSE_MAX, &cause))
        return;
    struct engine_task_result result = result_of(&key);
    result.has_error = argument_given(c, STR("error"));
    result.has_cause = argument_given(c, STR("cause"));
    result.error = error;
    result.cause = cause;
    errand_token_result(call_errand(c, answered), &result);
}

void aws_send_task_heartbeat(struct call *c)
{
    struct flow_task_key key;
    if (take_token(c, &key))
        errand_token_heartbeat(call_errand(c, answered), &key);
}
