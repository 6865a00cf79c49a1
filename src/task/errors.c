#include "task/errors.h"

#include "base/macros.h"

static const char *const names[TASK_ERROR_COUNT] = {
#define TASK_ERROR_ROW(constant, name, when) name,
    TASK_ERROR_TABLE(TASK_ERROR_ROW)
#undef TASK_ERROR_ROW
};

const char *task_error_name(enum task_error error)
{
    ASSERT(error < TASK_ERROR_COUNT);
    return names[error];
}
