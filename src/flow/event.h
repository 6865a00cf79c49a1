/* History events: what a turn decided, in an order that can be replayed.
 *
 * An event is the only thing that changes a run (flow/apply.c), live and when a
 * journal is folded alike; so an event holds everything that its change needs
 * and nothing is evaluated again. Most kinds are AWS's and appear in the
 * execution's history with an id; the rest are ours, stand beside them and
 * consume no id.
 *
 * The numbers of the kinds are stored for ever: never reuse or change one.
 * Source: the HistoryEvent type of the Step Functions API; docs/adr/0006-journal.md.
 */
#ifndef PAWL_FLOW_EVENT_H
#define PAWL_FLOW_EVENT_H

#include "flow/recovery.h"
#include "json/json.h"

/* How the details of an event look on the Step Functions API. */
enum event_shape {
    SHAPE_OURS, /* not on that API */
    SHAPE_NONE, /* no details */
    SHAPE_EXECUTION_STARTED,
    SHAPE_OUTPUT,
    SHAPE_ERROR,
    SHAPE_STATE_ENTERED,
    SHAPE_STATE_EXITED,
    SHAPE_LAMBDA_SCHEDULED,
    SHAPE_TASK_SCHEDULED,
    SHAPE_TASK_STARTED,
    SHAPE_TASK_OUTPUT,
    SHAPE_TASK_ERROR,
    SHAPE_ACTIVITY_STARTED,
    SHAPE_MAP_STARTED,
    SHAPE_MAP_ITERATION,
    SHAPE_MAP_RUN_STARTED,
    SHAPE_EVALUATION_FAILED,
    SHAPE_REDRIVEN,
};

/* stored number, constant, name, details member, shape */
#define EVENT_TABLE(X)                                                                             \
    X(1, EXECUTION_STARTED, ExecutionStarted, executionStarted, EXECUTION_STARTED)                 \
    X(2, EXECUTION_SUCCEEDED, ExecutionSucceeded, executionSucceeded, OUTPUT)                      \
    X(3, EXECUTION_FAILED, ExecutionFailed, executionFailed, ERROR)                                \
    X(4, EXECUTION_TIMED_OUT, ExecutionTimedOut, executionTimedOut, ERROR)                         \
    X(5, EXECUTION_ABORTED, ExecutionAborted, executionAborted, ERROR)                             \
    X(6, EXECUTION_REDRIVEN, ExecutionRedriven, executionRedriven, REDRIVEN)                       \
    X(10, PASS_ENTERED, PassStateEntered, stateEntered, STATE_ENTERED)                             \
    X(11, TASK_ENTERED, TaskStateEntered, stateEntered, STATE_ENTERED)                             \
    X(12, CHOICE_ENTERED, ChoiceStateEntered, stateEntered, STATE_ENTERED)                         \
    X(13, WAIT_ENTERED, WaitStateEntered, stateEntered, STATE_ENTERED)                             \
    X(14, SUCCEED_ENTERED, SucceedStateEntered, stateEntered, STATE_ENTERED)                       \
    X(15, FAIL_ENTERED, FailStateEntered, stateEntered, STATE_ENTERED)                             \
    X(16, PARALLEL_ENTERED, ParallelStateEntered, stateEntered, STATE_ENTERED)                     \
    X(17, MAP_ENTERED, MapStateEntered, stateEntered, STATE_ENTERED)                               \
    X(20, PASS_EXITED, PassStateExited, stateExited, STATE_EXITED)                                 \
    X(21, TASK_EXITED, TaskStateExited, stateExited, STATE_EXITED)                                 \
    X(22, CHOICE_EXITED, ChoiceStateExited, stateExited, STATE_EXITED)                             \
    X(23, WAIT_EXITED, WaitStateExited, stateExited, STATE_EXITED)                                 \
    X(24, SUCCEED_EXITED, SucceedStateExited, stateExited, STATE_EXITED)                           \
    X(26, PARALLEL_EXITED, ParallelStateExited, stateExited, STATE_EXITED)                         \
    X(27, MAP_EXITED, MapStateExited, stateExited, STATE_EXITED)                                   \
    X(30, LAMBDA_SCHEDULED, LambdaFunctionScheduled, lambdaFunctionScheduled, LAMBDA_SCHEDULED)    \
    X(31, LAMBDA_STARTED, LambdaFunctionStarted, lambdaFunctionStarted, NONE)                      \
    X(32, LAMBDA_SUCCEEDED, LambdaFunctionSucceeded, lambdaFunctionSucceeded, OUTPUT)              \
    X(33, LAMBDA_FAILED, LambdaFunctionFailed, lambdaFunctionFailed, ERROR)                        \
    X(34, LAMBDA_TIMED_OUT, LambdaFunctionTimedOut, lambdaFunctionTimedOut, ERROR)                 \
    X(40, TASK_SCHEDULED, TaskScheduled, taskScheduled, TASK_SCHEDULED)                            \
    X(41, TASK_STARTED, TaskStarted, taskStarted, TASK_STARTED)                                    \
    X(42, TASK_SUBMITTED, TaskSubmitted, taskSubmitted, TASK_OUTPUT)                               \
    X(43, TASK_SUCCEEDED, TaskSucceeded, taskSucceeded, TASK_OUTPUT)                               \
    X(44, TASK_FAILED, TaskFailed, taskFailed, TASK_ERROR)                                         \
    X(45, TASK_TIMED_OUT, TaskTimedOut, taskTimedOut, TASK_ERROR)                                  \
    X(46, TASK_ABORTED, TaskStateAborted, taskStateAborted, NONE)                                  \
    X(50, ACTIVITY_SCHEDULED, ActivityScheduled, activityScheduled, LAMBDA_SCHEDULED)              \
    X(51, ACTIVITY_STARTED, ActivityStarted, activityStarted, ACTIVITY_STARTED)                    \
    X(52, ACTIVITY_SUCCEEDED, ActivitySucceeded, activitySucceeded, OUTPUT)                        \
    X(53, ACTIVITY_FAILED, ActivityFailed, activityFailed, ERROR)                                  \
    X(54, ACTIVITY_TIMED_OUT, ActivityTimedOut, activityTimedOut, ERROR)                           \
    X(60, PARALLEL_STARTED, ParallelStateStarted, parallelStateStarted, NONE)                      \
    X(61, PARALLEL_SUCCEEDED, ParallelStateSucceeded, parallelStateSucceeded, NONE)                \
    X(62, PARALLEL_FAILED, ParallelStateFailed, parallelStateFailed, NONE)                         \
    X(70, MAP_STARTED, MapStateStarted, mapStateStarted, MAP_STARTED)                              \
    X(71, MAP_SUCCEEDED, MapStateSucceeded, mapStateSucceeded, NONE)                               \
    X(72, MAP_FAILED, MapStateFailed, mapStateFailed, NONE)                                        \
    X(73, MAP_ITERATION_STARTED, MapIterationStarted, mapIterationStarted, MAP_ITERATION)          \
    X(74, MAP_ITERATION_SUCCEEDED, MapIterationSucceeded, mapIterationSucceeded, MAP_ITERATION)    \
    X(75, MAP_ITERATION_FAILED, MapIterationFailed, mapIterationFailed, MAP_ITERATION)             \
    X(76, MAP_ITERATION_ABORTED, MapIterationAborted, mapIterationAborted, MAP_ITERATION)          \
    X(80, MAP_RUN_STARTED, MapRunStarted, mapRunStarted, MAP_RUN_STARTED)                          \
    X(81, MAP_RUN_SUCCEEDED, MapRunSucceeded, mapRunSucceeded, NONE)                               \
    X(82, MAP_RUN_FAILED, MapRunFailed, mapRunFailed, ERROR)                                       \
    X(90, EVALUATION_FAILED, EvaluationFailed, evaluationFailed, EVALUATION_FAILED)                \
    X(100, WAIT_ARMED, PawlWaitArmed, pawl, OURS)   /* a Wait state's timer */                     \
    X(101, RETRY_ARMED, PawlRetryArmed, pawl, OURS) /* a retrier's delay */                        \
    X(102, CHILD_FAILED, PawlChildFailed, pawl,                                                    \
      OURS) /* a branch or iteration failed its parent */                                          \
    X(103, BRANCH_SUCCEEDED, PawlBranchSucceeded, pawl,                                            \
      OURS)                                      /* a branch of a Parallel ended well */           \
    X(104, TASK_LOG, PawlTaskLog, pawl, OURS)    /* how an attempt of a command went */            \
    X(105, RECOVERED, PawlRecovered, pawl, OURS) /* what a recovery was asked to do */             \
    X(106, PLACED, PawlPlaced, pawl, OURS)       /* the top level goes on before another state */  \
    X(107, STEP_RESUMED, PawlStepResumed, pawl, OURS) /* a step that did not end well goes on */   \
    X(108, STEP_SKIPPED, PawlStepSkipped, pawl, OURS) /* a step's output without its work */       \
    X(109, PAUSED, PawlPaused, pawl, OURS)            /* no further state is entered */            \
    X(110, UNPAUSED, PawlUnpaused, pawl, OURS)                                                     \
    X(111, REVIEW_ASKED, PawlReviewAsked, pawl, OURS) /* a person is to decide */                  \
    X(112, REVIEW_DECIDED, PawlReviewDecided, pawl, OURS)                                          \
    X(113, CANCEL_ASKED, PawlCancelAsked, pawl, OURS)                                              \
    X(114, RERUN_BEGAN, PawlRerunBegan, pawl, OURS)                                                \
    X(115, RERUN_ENDED, PawlRerunEnded, pawl, OURS)                                                \
    X(116, NOTE, PawlNote, pawl, OURS) /* how checks went, after the end; changes nothing */

enum event_kind {
#define EVENT_ENUM(number, constant, name, details, shape) EVENT_##constant = number,
    EVENT_TABLE(EVENT_ENUM)
#undef EVENT_ENUM
    EVENT_KIND_LIMIT = 117, /* above every number */
};

/* Where a journaled value stands: the index-th of the values of a turn. */
struct slot {
    struct json value; /* absent: no value */
    uint32_t turn, index;
};

#define SLOT_NONE ((struct slot){0})

/* How a step that did not end well goes on. Stored: never reuse a number. */
enum resume_how {
    RESUME_ANEW = 0,     /* its state is carried out again */
    RESUME_CHILDREN = 1, /* its branches or iterations go on */
    RESUME_AS_IS = 2,    /* it stands between two states */
    RESUME_BEFORE = 3,   /* before its state, which is to be skipped */
};

/* Stored: never reuse a number. */
enum pause_why {
    PAUSE_ASKED = 0,
    PAUSE_UNTIL_STEP = 1,
    PAUSE_UNTIL_PHASE = 2,
};

/* Fields that a kind does not use stay zero; each kind's use is in apply.c. */
struct flow_event {
    enum event_kind kind;
    uint32_t frame; /* the branch or iteration it happened in; 0 is the top level */
    uint32_t state; /* number in the definition, or STATE_NO_NONE */
    uint32_t step;  /* index of the step, from 0; counts every state entered */
    uint32_t attempt, generation;
    uint32_t next;      /* STATE_EXITED: the state to go to, or STATE_NO_NONE */
    uint32_t child;     /* frame of the branch or iteration it speaks of */
    struct json within; /* STATE_ENTERED, EXECUTION_FAILED: the Parallels and
                         * Maps around it, outermost first: [[step, index of the
                         * branch or iteration], ...]; absent at the top level.
                         * For views: changes nothing */
    uint32_t index;     /* of the iteration, branch or retrier. EVALUATION_FAILED, 1:
                         * the expression gave a value, which the state cannot use.
                         * EXECUTION_REDRIVEN: how often by now. STEP_RESUMED: enum
                         * resume_how. STEP_SKIPPED: enum flow_skip_kind. PAUSED: enum
                         * pause_why. REVIEW_DECIDED, RERUN_ENDED, 1: well */
    int64_t length;     /* items of a Map. STATE_ENTERED, STEP_SKIPPED, 1: `step` is an older
                         * record. MAP_ITERATION_FAILED, 1: its frames stay, for a
                         * recovery */
    int64_t timeout, heartbeat; /* seconds; 0: none. Of a failure, heartbeat above 0: for want of
                                   heartbeats */
    int64_t concurrency, tolerated_count; /* MAP_STARTED; tolerated_count -1: none */
    double tolerated_percentage;
    int64_t wake_ms;      /* UTC ms of a timer or deadline; 0: none */
    struct slot value;    /* input, output, parameters or items */
    struct slot assigned; /* STATE_EXITED: an object of the variables assigned */
    bool has_error, has_cause;
    struct str error, cause;
    struct str text; /* MAP_RUN_STARTED: its ARN; ACTIVITY_STARTED: the worker's name;
                        EVALUATION_FAILED: the field at fault; PAUSED, UNPAUSED, REVIEW_DECIDED,
                        CANCEL_ASKED: who; REVIEW_ASKED: what is asked;
                        ..._SCHEDULED: the role that Credentials computed */
    struct json
        log; /* TASK_LOG: {"exit"?, "out"?, "err"?, "ms"}; NOTE: as whoever noted it has it */

    /* Computed when applied, live and in a fold alike; never stored. */
    uint32_t id, previous_id; /* of AWS's history; 0: not in it */
    struct str path;          /* of its frame: "Split/0/Inner/3"; empty at the top level */
};

const char *event_name(enum event_kind kind);    /* "PassStateEntered" */
const char *event_details(enum event_kind kind); /* "stateEntered" */
enum event_shape event_shape(enum event_kind kind);
bool event_kind_known(uint32_t number);

#endif
