/* A rerun of one step as an execution of its own: the single-step path of a job processor.
 *
 * Nothing of it is stored. It is read off the journal of the execution whose step ran again:
 * between the events that began and ended the rerun stand the step's own, which are shown
 * inside a Task "ProcessStep", with what such a machine does before and after it:
 *   ExecutionStarted, UpdateJobStatus (Pass), CheckAction (Choice), ProcessStep (Task),
 *   CheckStepResultSingleStep (Choice), FinalizeJob (Pass), ExecutionSucceeded;
 * of a step that failed: ExecutionFailed after what ProcessStep came to.
 * Its ARN is that of the execution, and ".rerun-N", where N counts from 1.
 * Ownership: arena; borrows the story's turns.
 */
#ifndef PAWL_API_RERUN_H
#define PAWL_API_RERUN_H

#include "api/api_internal.h"

struct rerun_event {
    struct flow_event event;
    struct wall_ms at;
};

struct rerun {
    struct arena *arena;
    uint32_t number;                /* the wanted one */
    uint32_t seen;                  /* reruns so far */
    bool began, ended;              /* the wanted one */
    struct rerun_event first, last; /* when it began, and when it ended */
    struct rerun_event *events;     /* the step's own, on the Step Functions API */
    size_t count, capacity;
};

struct rerun *rerun_new(struct arena *a, uint32_t number);
/* The turns of the execution, from the first. */
void rerun_take(struct rerun *r, const struct journal_turn *turn);

/* RUNNING, SUCCEEDED or FAILED. */
enum execution_status rerun_status(const struct rerun *r);
/* {"action", "job_id", "step_index"}: what such a machine is given. */
struct json rerun_input(const struct rerun *r, const struct execution_row *row, struct arena *a);
/* The step's, and so the rerun's; absent unless it succeeded. */
struct json rerun_output(const struct rerun *r);
/* All of them, as GetExecutionHistory has them, in order. */
struct json rerun_history(const struct rerun *r, const struct execution_row *row,
                          const struct run *run, struct arena *a, bool data);

struct str rerun_arn(struct arena *a, struct str execution_arn, uint32_t number);

#endif
