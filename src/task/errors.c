#include "task/errors.h"

#include "base/macros.h"

static const struct {
    const char *name, *when;
} table[TASK_ERROR_COUNT] = {
#define TASK_ERROR_ROW(constant, name, when) {name, when},
    TASK_ERROR_TABLE(TASK_ERROR_ROW)
#undef TASK_ERROR_ROW
};

const char *task_error_name(enum task_error error)
{
    ASSERT(error < TASK_ERROR_COUNT);
    return table[error].name;
}

const char *task_error_when(enum task_error error)
{
    ASSERT(error < TASK_ERROR_COUNT);
    return table[error].when;
}
