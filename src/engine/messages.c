#include "engine/messages.h"

#include "base/macros.h"

#define MESSAGE(error, text)                                                                       \
    {                                                                                              \
        STR_INIT(error), STR_INIT(text)                                                            \
    }

const struct message messages[] = {
    MESSAGE("", "The workflow ended itself as failed and gave no name to the error."),

    /* of the language */
    MESSAGE(
        "States.Timeout",
        "It took longer than TimeoutSeconds allows. Raise the limit, or find out what is slow."),
    MESSAGE("States.HeartbeatTimeout",
            "The task sent no sign of life within HeartbeatSeconds. Look whether its worker still "
            "runs."),
    MESSAGE("States.TaskFailed", "The task failed. The cause says what it reported."),
    MESSAGE("States.Permissions",
            "The task may not do what it was asked to. Check the rights it runs with."),
    MESSAGE("States.Runtime",
            "A path or a value of the definition does not fit the data it met. Compare the step's "
            "input with the path that the cause names."),
    MESSAGE("States.DataLimitExceeded",
            "An input or output is larger than the limit for payloads. Store the data elsewhere "
            "and pass where it lies, or raise the limit."),
    MESSAGE("States.BranchFailed", "A branch of the Parallel state failed. Look at its last step."),
    MESSAGE("States.NoChoiceMatched",
            "No rule of the Choice state fits its input and it has no Default. Add a rule or a "
            "Default."),
    MESSAGE("States.ResultPathMatchFailure",
            "The ResultPath cannot be put into the step's input. Compare the two."),
    MESSAGE("States.ParameterPathFailure",
            "A path in Parameters or a selector leads nowhere. Compare it with the step's input."),
    MESSAGE("States.IntrinsicFailure",
            "An intrinsic function was given something it cannot work with. The cause names it."),
    MESSAGE("States.QueryEvaluationError",
            "An expression could not be evaluated. The cause names the field and the reason."),
    MESSAGE("States.ExceedToleratedFailureThreshold",
            "More items of the Map failed than it tolerates. Look at the failed items."),
    MESSAGE("States.ItemReaderFailed",
            "The items of the Map could not be read. Check that the source exists and is of the "
            "format given."),
    MESSAGE("States.ResultWriterFailed",
            "The results of the Map could not be written. Check that the target can be written."),
    MESSAGE("States.Http.Socket", "The HTTP service could not be reached. Try again later."),
    MESSAGE("States.Http.StatusCode.*",
            "The HTTP service answered with an error. The cause holds its answer."),
    MESSAGE("States.ExecutionLimitExceeded",
            "The execution became longer than its history may be. Split it into nested ones."),

    /* of what a task calls */
    MESSAGE("Lambda.ResourceNotFoundException",
            "Nothing is bound to this function. Add a binding for it to pawl.yaml."),
    MESSAGE("Lambda.TooManyRequestsException",
            "More tasks were waiting than there is room for. Try again, or start fewer at once."),
    MESSAGE("Lambda.Unknown",
            "The function broke off and left no error. Its standard error may say more."),
    MESSAGE("Lambda.*", "The function could not be called. A later try may succeed."),
    MESSAGE("Pawl.ResourceNotBound",
            "Nothing is bound to this resource. Add a binding for it to pawl.yaml."),
    MESSAGE("Pawl.FunctionNameInvalid",
            "What the step wants to call cannot be a function's name. Check its Resource or "
            "FunctionName."),
    MESSAGE("Pawl.CommandNotStarted",
            "The command could not be started. Check that the program in pawl.yaml exists and may "
            "be run."),
    MESSAGE("Pawl.ExitStatus", "The command ended with an error. Its standard error may say why."),
    MESSAGE("Pawl.Signal",
            "The command was killed from outside, perhaps for want of memory. Run it again."),
    MESSAGE("Pawl.OutputInvalid",
            "The command or service answered with something that is not JSON. Print one JSON value "
            "and nothing else."),
    MESSAGE("Pawl.HttpStatus",
            "The service answered with an error. The cause holds its status and its answer."),
    MESSAGE("Pawl.HttpRequestFailed",
            "The service could not be reached, or it broke off. Check that it runs and the URL in "
            "pawl.yaml."),
    MESSAGE("Sandbox.Timedout",
            "It ran longer than timeout_seconds of its binding in pawl.yaml. Raise the limit, or "
            "find out what is slow."),
    MESSAGE("Function.ResponseSizeTooLarge",
            "The answer was larger than a task's output may be. Store the data elsewhere and "
            "answer where it lies."),
    /* of nested executions and tokens */
    MESSAGE("StepFunctions.StateMachineDoesNotExistException",
            "There is no state machine of this name here. Create it, or correct StateMachineArn."),
    MESSAGE(
        "StepFunctions.ExecutionAlreadyExistsException",
        "An execution of this name exists already. Give each start a Name of its own, or none."),
    MESSAGE("StepFunctions.*",
            "The execution that the step would start could not be started. The cause says why."),
    MESSAGE("Sfn.*", "The call of the Step Functions service was refused. The cause says why."),

    MESSAGE("Unhandled", "The function failed. The cause holds what it reported."),

    /* anything else is the workflow's own */
    MESSAGE("States.*", "The workflow failed with an error of the language. The cause says why."),
    MESSAGE("Pawl.*", "The task could not be carried out. The cause says why."),
    MESSAGE("*", "The step reported an error of its own. The cause says what it is."),
};

const size_t message_count = COUNT_OF(messages);

struct str message_of(struct str error)
{
    for (size_t i = 0; i < message_count; i++)
        if (str_matches_wildcard(error, messages[i].error))
            return messages[i].text;
    UNREACHABLE("the last message matches all");
}
