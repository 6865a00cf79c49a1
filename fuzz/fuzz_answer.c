/* Any bytes as what a command printed or a service answered: always a result that
 * can be kept, within its bounds. First byte: how it ended; second: where stdout
 * ends and stderr begins, or the headers and the body. */
#include "base/utf8.h"
#include "task/answer.h"
#include "task/task.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct arena *a, struct answer answer)
{
    if (answer.ok) {
        ASSERT(!json_is_absent(answer.output));
        struct str text = json_text(a, answer.output);
        ASSERT(utf8_valid_up_to(text) == text.len);
        return;
    }
    ASSERT(answer.error.len > 0 && answer.error.len <= TASK_ERROR_SIZE_MAX);
    ASSERT(answer.cause.len <= TASK_CAUSE_SIZE_MAX);
    ASSERT(utf8_valid_up_to(answer.cause) == answer.cause.len);
}

static void check_tail(struct arena *a, struct str bytes)
{
    for (size_t size_max = 1; size_max <= 16; size_max++) {
        struct str tail = text_tail(a, bytes, size_max);
        ASSERT(tail.len <= size_max);
        ASSERT(utf8_valid_up_to(tail) == tail.len);
        ASSERT(str_find_char(tail, '\0') == SIZE_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct str text = str_of((const char *)data + 2, size - 2);
    struct str first = str_slice(text, 0, data[1]), rest = str_slice(text, data[1], text.len);
    struct arena *a = arena_new(TASK_OUTPUT_MEMORY_MAX);

    struct child_result child = {
        .exit_status = data[0] & 3,
        .signal = data[0] & 4 ? 9 : 0,
        .output = first,
        .error = rest,
    };
    check(a, answer_of_child(a, &child, 1000));

    struct callee callee = callee_resolve(a, first, rest, rest);
    ASSERT(callee.name.len <= FUNCTION_NAME_MAX);
    struct fetch_result fetch = {
        .status = data[0] & 1   ? 404
                  : data[0] & 2 ? 503
                                : 200,
        .function_error = data[0] & 4 ? first : STR(""),
        .error_type = data[0] & 8 ? first : STR(""),
        .body = rest,
    };
    check(a, answer_of_fetch(a, &fetch, 1000, &callee, "id"));
    check_tail(a, text);
    arena_free(a);
    return 0;
}
