#include "api/status.h"

static const struct {
    enum execution_status aws;
    const char *rest, *jobs;
} table[] = {
#define STATUS_ROW(constant, aws, rest, jobs) [STATUS_##constant] = {EXECUTION_##aws, rest, jobs},
    STATUS_TABLE(STATUS_ROW)
#undef STATUS_ROW
};

enum status status_of_row(enum execution_status status)
{
    for (unsigned i = 0; i < STATUS_COUNT; i++)
        if (table[i].aws == status)
            return (enum status)i;
    UNREACHABLE("a status of executions");
}

enum status status_of_run(const struct run *run, struct arena *scratch)
{
    enum status status = status_of_row((enum execution_status)run_status(run));
    const struct flow_review *reviews;
    if (status != STATUS_RUNNING)
        return status;
    if (run_reviews(run, scratch, &reviews))
        return STATUS_NEEDS_REVIEW;
    return run_pause(run).quiet ? STATUS_PAUSED : status;
}

const char *status_aws_name(enum status status)
{
    return execution_status_name(table[status].aws);
}

const char *status_rest_name(enum status status)
{
    return table[status].rest;
}

const char *status_jobs_name(enum status status)
{
    return table[status].jobs;
}

bool status_of_word(struct str word, enum execution_status *ret_status)
{
    for (unsigned i = 0; i < STATUS_COUNT; i++) {
        if (!str_eq(word, str_of_cstr(table[i].rest)) &&
            !str_eq(word, str_of_cstr(execution_status_name(table[i].aws))))
            continue;
        *ret_status = table[i].aws;
        return true;
    }
    return false;
}
