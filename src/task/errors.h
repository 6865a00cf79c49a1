/* The errors that a task can fail with by itself, as a definition's Retry and
 * Catch name them.
 *
 * Where AWS has a name for it, it is AWS's. What a command or a service reports
 * itself (errorType) is not here. Each comes with a Cause that is a JSON text
 * {"errorType", "errorMessage", ...}, but for NO_FUNCTION, which has AWS's words.
 */
#ifndef PAWL_TASK_ERRORS_H
#define PAWL_TASK_ERRORS_H

/* constant, Error, when (for readers) */
#define TASK_ERROR_TABLE(X)                                                                        \
    X(NO_FUNCTION, "Lambda.ResourceNotFoundException", "no binding for the function")              \
    X(NO_RESOURCE, "Pawl.ResourceNotBound", "no binding for a resource of another kind")           \
    X(FUNCTION_NAME, "Pawl.FunctionNameInvalid", "what is called can be no function's name")       \
    X(QUEUE_FULL, "Lambda.TooManyRequestsException", "tasks_queued_max tasks wait already")        \
    X(NOT_STARTED, "Pawl.CommandNotStarted", "the program is missing or may not be run")           \
    X(EXIT_STATUS, "Pawl.ExitStatus", "the command failed and said no more on its output")         \
    X(SIGNAL, "Pawl.Signal", "a signal that Pawl did not send ended the command")                  \
    X(TIMED_OUT, "Sandbox.Timedout", "the binding's timeout_seconds are over")                     \
    X(OUTPUT_INVALID, "Pawl.OutputInvalid", "the answer is not JSON")                              \
    X(OUTPUT_SIZE, "Function.ResponseSizeTooLarge", "the answer is above task_output_max")         \
    X(RUNTIME_EXIT, "Runtime.ExitError", "the worker ended before it had answered, or asked")      \
    X(RUNTIME_INIT, "Runtime.InitError", "the worker did not come to ask for work")                \
    X(RUNTIME_ENTRYPOINT, "Runtime.InvalidEntrypoint", "the worker could not be started")          \
    X(HTTP_STATUS, "Pawl.HttpStatus", "the service answered with another status than 2xx")         \
    X(HTTP_FAILED, "Pawl.HttpRequestFailed", "the service was not reached or broke off")           \
    X(UNHANDLED, "Unhandled", "the function failed with an error object that has no errorType")

enum task_error {
#define TASK_ERROR_ENUM(constant, name, when) TASK_ERROR_##constant,
    TASK_ERROR_TABLE(TASK_ERROR_ENUM)
#undef TASK_ERROR_ENUM
    TASK_ERROR_COUNT
};

const char *task_error_name(enum task_error error); /* "Pawl.ExitStatus" */

#endif
