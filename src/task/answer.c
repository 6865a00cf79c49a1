#include "task/answer.h"

#include "base/utf8.h"

/* ---- text ---- */

static struct str cut(struct str s, size_t size_max)
{
    return s.len > size_max ? str_slice(s, 0, utf8_floor(s, size_max)) : s;
}

static void append_clean(struct buf *to, struct str bytes)
{
    while (bytes.len) {
        size_t zero = str_find_char(bytes, '\0');
        size_t good = utf8_valid_up_to(str_slice(bytes, 0, zero));
        buf_append(to, str_slice(bytes, 0, good));
        if (good < bytes.len)
            buf_append(to, STR("\xef\xbf\xbd"));
        bytes = str_slice(bytes, good + 1, bytes.len);
    }
}

struct str text_tail(struct arena *a, struct str bytes, size_t size_max)
{
    size_t from = bytes.len > size_max ? bytes.len - size_max : 0;
    if (from)
        from = utf8_floor(bytes, from); /* not into the middle of a character */
    struct buf clean = BUF_INIT(0);
    append_clean(&clean, str_slice(bytes, from, bytes.len));
    struct str text = buf_str(&clean);
    size_t extra = text.len > size_max ? text.len - size_max : 0;
    while (extra && extra < text.len && ((unsigned char)text.ptr[extra] & 0xc0) == 0x80)
        extra++;
    struct str tail = arena_str(a, str_slice(text, extra, text.len));
    buf_release(&clean);
    return tail;
}

static struct str last_line(struct str s)
{
    s = str_trim(s);
    size_t newline = str_rfind_char(s, '\n');
    return newline == SIZE_MAX ? s : str_trim(str_slice(s, newline + 1, s.len));
}

/* ---- failures ---- */

static struct answer failed(struct arena *a, struct str error, struct json cause)
{
    return (struct answer){
        .error = arena_str(a, cut(error, TASK_ERROR_SIZE_MAX)),
        .cause = cut(json_text(a, cause), TASK_CAUSE_SIZE_MAX),
    };
}

/* `more`, unless empty, is quoted in the Cause under more_name. */
PRINTF_LIKE(5, 0)
static struct answer vfailed(struct arena *a, enum task_error error, const char *more_name,
                             struct str more, const char *format, va_list args)
{
    struct str name = str_of_cstr(task_error_name(error));
    struct str message = text_tail(a, arena_vprintf(a, format, args), 2 * TASK_CAUSE_OUTPUT_MAX);
    struct json_object_builder cause = json_object_builder(a);
    json_object_add(&cause, STR("errorType"), json_string(name));
    json_object_add(&cause, STR("errorMessage"), json_string(message));
    if (more.len)
        json_object_add(&cause, str_of_cstr(more_name),
                        json_string(text_tail(a, more, TASK_CAUSE_OUTPUT_MAX)));
    return failed(a, name, json_object_done(&cause));
}

struct answer answer_failed(struct arena *a, enum task_error error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct answer answer = vfailed(a, error, NULL, STR(""), format, args);
    va_end(args);
    return answer;
}

PRINTF_LIKE(5, 6)
static struct answer failed_with(struct arena *a, enum task_error error, const char *more_name,
                                 struct str more, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct answer answer = vfailed(a, error, more_name, more, format, args);
    va_end(args);
    return answer;
}

struct answer answer_no_function(struct arena *a, const struct callee *callee,
                                 const char *request_id)
{
    struct str cause = arena_printf(
        a,
        "Function not found: " STR_FMT " (Service: AWSLambda; Status Code: 404; Error Code: "
        "ResourceNotFoundException; Request ID: %s; Proxy: null)",
        STR_ARG(text_tail(a, callee->qualified_arn, TASK_CAUSE_OUTPUT_MAX)), request_id);
    return (struct answer){
        .error = str_of_cstr(task_error_name(TASK_ERROR_NO_FUNCTION)),
        .cause = cause,
    };
}

static struct answer timed_out(struct arena *a, uint64_t timeout_ms)
{
    return answer_failed(a, TASK_ERROR_TIMED_OUT, "Task timed out after %.2f seconds",
                         (double)timeout_ms / 1000);
}

static struct answer too_large(struct arena *a)
{
    return answer_failed(a, TASK_ERROR_OUTPUT_SIZE,
                         "The answer is larger than task_output_max. Let the task store it and "
                         "answer with where it lies.");
}

/* ---- answers ---- */

static bool parse(struct arena *a, struct str text, struct json *ret_value, struct err *reterr)
{
    return json_parse_copy(a, text, (struct json_limits){0}, ret_value, reterr);
}

/* hint: what to do. */
static struct answer answer_of_text(struct arena *a, struct str output, const char *hint)
{
    struct err e;
    struct str text = str_trim(output);
    struct json value = json_null();
    if (text.len == 0 || parse(a, text, &value, &e))
        return (struct answer){.ok = true, .output = value};
    return failed_with(a, TASK_ERROR_OUTPUT_INVALID, "output", text,
                       "The answer is no usable JSON: %s.%s", e.message, hint);
}

struct answer answer_of_output(struct arena *a, struct str output)
{
    return answer_of_text(a, output,
                          " Print one JSON value on stdout and everything else on stderr.");
}

/* The text as an error object: its errorType names the failure, and the Cause is
 * the object, written without blanks as AWS does. An object with an errorMessage alone is
 * one too. */
static bool read_error_object(struct arena *a, struct str text, struct answer *ret_answer)
{
    struct json object = JSON_NONE;
    text = str_trim(text);
    if (text.len == 0 || text.ptr[0] != '{' || !parse(a, text, &object, NULL))
        return false;
    struct str type = json_str(json_get(object, STR("errorType")));
    if (type.len == 0 && !json_is_string(json_get(object, STR("errorMessage"))))
        return false;
    if (type.len == 0)
        type = str_of_cstr(task_error_name(TASK_ERROR_UNHANDLED));
    *ret_answer = (struct answer){
        .error = arena_str(a, cut(type, TASK_ERROR_SIZE_MAX)),
        .cause = cut(json_text(a, object), TASK_CAUSE_SIZE_MAX),
    };
    return true;
}

struct answer answer_of_child(struct arena *a, const struct child_result *r, uint64_t timeout_ms)
{
    struct answer answer;
    if (r->failure)
        return answer_failed(a, TASK_ERROR_NOT_STARTED, "The command did not start: %s",
                             r->failure->message);
    if (r->timed_out)
        return timed_out(a, timeout_ms);
    if (r->output_over)
        return too_large(a);
    if (r->signal == 0 && r->exit_status == 0)
        return answer_of_output(a, r->output);
    if (read_error_object(a, r->output, &answer) ||
        read_error_object(a, last_line(r->output), &answer) ||
        read_error_object(a, last_line(r->error), &answer))
        return answer;
    struct str said = text_tail(a, last_line(r->error), TASK_CAUSE_OUTPUT_MAX);
    const char *colon = said.len ? ": " : "";
    if (r->signal)
        return failed_with(a, TASK_ERROR_SIGNAL, "stderr", r->error,
                           "The command was ended by signal %d (%s)%s" STR_FMT, r->signal,
                           strsignal(r->signal), colon, STR_ARG(said));
    return failed_with(a, TASK_ERROR_EXIT_STATUS, "stderr", r->error,
                       "The command failed with exit status %d%s" STR_FMT, r->exit_status, colon,
                       STR_ARG(said));
}

/* "ResourceNotFoundException:http://..." is how some services write it. */
static struct str service_error(struct str header)
{
    size_t colon = str_find_char(header, ':');
    return str_slice(header, 0, colon);
}

static struct answer refused(struct arena *a, const struct fetch_result *r,
                             const struct callee *callee, const char *request_id)
{
    struct answer answer;
    struct json body = JSON_NONE;
    struct str type = text_tail(a, service_error(r->error_type), TASK_ERROR_SIZE_MAX / 2);
    if (r->status == 404 && str_eq(type, STR("ResourceNotFoundException")))
        return answer_no_function(a, callee, request_id);
    if (read_error_object(a, r->body, &answer))
        return answer;
    enum task_error error = r->function_error.len ? TASK_ERROR_UNHANDLED : TASK_ERROR_HTTP_STATUS;
    answer =
        failed_with(a, error, "body", r->body, "The service answered with status %d", r->status);
    if (parse(a, str_trim(r->body), &body, NULL) && json_is_object(body))
        answer.cause = arena_str(a, cut(str_trim(r->body), TASK_CAUSE_SIZE_MAX));
    if (type.len)
        answer.error = arena_printf(a, "Lambda." STR_FMT, STR_ARG(type));
    return answer;
}

struct answer answer_of_fetch(struct arena *a, const struct fetch_result *r, uint64_t timeout_ms,
                              const struct callee *callee, const char *request_id)
{
    if (r->over)
        return too_large(a);
    /* libcurl also calls it a time-out when connecting took too long. */
    if (r->failure && r->timed_out && timeout_ms)
        return timed_out(a, timeout_ms);
    if (r->failure)
        return answer_failed(a, TASK_ERROR_HTTP_FAILED, "The request failed: %s", r->failure);
    if (r->status < 200 || r->status > 299 || r->function_error.len)
        return refused(a, r, callee, request_id);
    return answer_of_output(a, r->body);
}

/* ---- warm workers, in AWS's words where it has them ---- */

/* As Go says how a process ended, since that is what Lambda quotes. */
static struct str exit_text(struct arena *a, const struct invocation_result *r)
{
    if (r->signal) {
        struct str name = arena_printf(a, "%s", strsignal(r->signal));
        struct str rest = str_slice(name, 1, name.len);
        char first = name.ptr[0];
        first = first >= 'A' && first <= 'Z' ? (char)(first - 'A' + 'a') : first;
        return arena_printf(a, "with error: signal: %c" STR_FMT, first, STR_ARG(rest));
    }
    if (r->exit_status)
        return arena_printf(a, "with error: exit status %d", r->exit_status);
    return STR("without providing a reason");
}

static struct answer worker_exited(struct arena *a, const struct invocation_result *r)
{
    return answer_failed(a, TASK_ERROR_RUNTIME_EXIT,
                         "RequestId: " STR_FMT " Error: Runtime exited " STR_FMT,
                         STR_ARG(r->request_id), STR_ARG(exit_text(a, r)));
}

/* What the function says of itself; without a type of its own, the header's. */
static struct answer said_failed(struct arena *a, const struct invocation_result *r,
                                 enum task_error otherwise)
{
    struct answer answer;
    struct str type = text_tail(a, r->error_type, TASK_ERROR_SIZE_MAX);
    if (read_error_object(a, r->body, &answer)) {
        if (type.len && str_eq(answer.error, str_of_cstr(task_error_name(TASK_ERROR_UNHANDLED))))
            answer.error = type;
        return answer;
    }
    answer = failed_with(a, otherwise, "body", r->body,
                         "The worker reported a failure without an error object");
    if (type.len)
        answer.error = type;
    return answer;
}

struct answer answer_of_invocation(struct arena *a, const struct invocation_result *r)
{
    switch (r->end) {
    case INVOCATION_ANSWERED:
        return answer_of_text(a, r->body, "");
    case INVOCATION_FAILED:
        return said_failed(a, r, TASK_ERROR_UNHANDLED);
    case INVOCATION_TOO_LARGE:
        return too_large(a);
    case INVOCATION_LEFT:
        return answer_failed(a, TASK_ERROR_RUNTIME_EXIT,
                             "RequestId: " STR_FMT " Error: The worker asked for its next "
                             "invocation without having answered this one, and was ended",
                             STR_ARG(r->request_id));
    case INVOCATION_TIMED_OUT:
        return timed_out(a, r->limit_ms);
    case INVOCATION_NOT_STARTED:
        return answer_failed(a, TASK_ERROR_RUNTIME_ENTRYPOINT, "The worker did not start: %s",
                             r->failure.message);
    case INVOCATION_INIT_FAILED:
        return said_failed(a, r, TASK_ERROR_RUNTIME_INIT);
    case INVOCATION_INIT_TIMED_OUT:
        return answer_failed(a, TASK_ERROR_RUNTIME_INIT,
                             "The worker did not ask for work within %.2f seconds (init_seconds)",
                             (double)r->limit_ms / 1000);
    case INVOCATION_EXITED:
    case INVOCATION_INIT_EXITED:
    case INVOCATION_CANCELLED: /* nobody asks */
        break;
    }
    return worker_exited(a, r);
}
