/* A compiled state machine: the definition, checked, resolved, immutable.
 *
 * Everything that can be decided before a run is decided here: names are
 * numbers, paths and templates are compiled, defaults are filled in. States are
 * numbered by their position in the definition text (depth first, 0-based), so
 * a number together with the definition's hash names a state for ever; no index
 * of the compiler's own is ever stored.
 *
 * Ownership: the arena that asl_compile was given. Read-only afterwards and
 * shareable between threads.
 * Source: the States Language specification (states-language.net) and the Step
 * Functions developer guide; what is refused: asl/compile.h.
 */
#ifndef PAWL_ASL_MACHINE_H
#define PAWL_ASL_MACHINE_H

#include "base/hash.h"
#include "base/time.h"
#include "expr/intrinsic/intrinsic.h"
#include "expr/jsonpath/path.h"
#include "expr/template.h"

#define STATE_NO_NONE UINT32_MAX /* no such state: the end of its scope */
#define SCOPE_NO_NONE UINT32_MAX

/* type name, terminal, may have Retry/Catch */
#define STATE_TYPE_TABLE(X)                                                                        \
    X(PASS, Pass)                                                                                  \
    X(TASK, Task)                                                                                  \
    X(CHOICE, Choice)                                                                              \
    X(WAIT, Wait)                                                                                  \
    X(SUCCEED, Succeed)                                                                            \
    X(FAIL, Fail)                                                                                  \
    X(PARALLEL, Parallel)                                                                          \
    X(MAP, Map)

enum state_type {
#define STATE_TYPE_ENUM(upper, name) STATE_##upper,
    STATE_TYPE_TABLE(STATE_TYPE_ENUM)
#undef STATE_TYPE_ENUM
    STATE_TYPE_COUNT
};

/* "Pass", "Task", ... */
struct str state_type_name(enum state_type type);

/* What computes the fields of a state. In JSONata every computed field is a template
 * (expr/template.h), here `query`; the ...Path forms and result_path are JSONPath's. */
enum query_language {
    QUERY_JSONPATH,
    QUERY_JSONATA,
};

/* InputPath, OutputPath: `$` when not given; null gives {}. */
struct path_field {
    bool is_null;
    const struct path *path; /* NULL: `$` */
};

/* A whole number that may come from the data: TimeoutSeconds / TimeoutSecondsPath.
 * fields not given: set is false. */
struct number_field {
    bool set;
    int64_t literal;         /* when path and query are NULL */
    const struct path *path; /* the ...Path form */
    const struct template *query;
};

/* The same for a number that may have a fraction: ToleratedFailurePercentage. */
struct real_field {
    bool set;
    double literal;
    const struct path *path;
    const struct template *query;
};

/* A text that may be computed: Error / ErrorPath, Cause / CausePath. */
struct text_field {
    bool set;
    struct str literal; /* when the others are NULL */
    const struct path *path;
    const struct intrinsic *call;
    const struct template *query;
};

/* ---- Choice ---- */

/* name, operand type of a literal */
#define COMPARATOR_TABLE(X)                                                                        \
    X(BOOLEAN_EQUALS, BooleanEquals)                                                               \
    X(NUMERIC_EQUALS, NumericEquals)                                                               \
    X(NUMERIC_GREATER_THAN, NumericGreaterThan)                                                    \
    X(NUMERIC_GREATER_THAN_EQUALS, NumericGreaterThanEquals)                                       \
    X(NUMERIC_LESS_THAN, NumericLessThan)                                                          \
    X(NUMERIC_LESS_THAN_EQUALS, NumericLessThanEquals)                                             \
    X(STRING_EQUALS, StringEquals)                                                                 \
    X(STRING_GREATER_THAN, StringGreaterThan)                                                      \
    X(STRING_GREATER_THAN_EQUALS, StringGreaterThanEquals)                                         \
    X(STRING_LESS_THAN, StringLessThan)                                                            \
    X(STRING_LESS_THAN_EQUALS, StringLessThanEquals)                                               \
    X(STRING_MATCHES, StringMatches)                                                               \
    X(TIMESTAMP_EQUALS, TimestampEquals)                                                           \
    X(TIMESTAMP_GREATER_THAN, TimestampGreaterThan)                                                \
    X(TIMESTAMP_GREATER_THAN_EQUALS, TimestampGreaterThanEquals)                                   \
    X(TIMESTAMP_LESS_THAN, TimestampLessThan)                                                      \
    X(TIMESTAMP_LESS_THAN_EQUALS, TimestampLessThanEquals)                                         \
    X(IS_BOOLEAN, IsBoolean)                                                                       \
    X(IS_NULL, IsNull)                                                                             \
    X(IS_NUMERIC, IsNumeric)                                                                       \
    X(IS_PRESENT, IsPresent)                                                                       \
    X(IS_STRING, IsString)                                                                         \
    X(IS_TIMESTAMP, IsTimestamp)

enum comparator {
#define COMPARATOR_ENUM(upper, name) COMPARE_##upper,
    COMPARATOR_TABLE(COMPARATOR_ENUM)
#undef COMPARATOR_ENUM
    COMPARATOR_COUNT
};

struct str comparator_name(enum comparator c);

enum condition_kind {
    CONDITION_AND,
    CONDITION_OR,
    CONDITION_NOT,
    CONDITION_COMPARE,
};

enum {
    CHOICE_DEPTH_MAX = 64
}; /* And/Or/Not in one another */

struct condition {
    enum condition_kind kind;
    const struct condition *items; /* And, Or: count of them; Not: one */
    size_t count;
    enum comparator comparator;      /* COMPARE */
    const struct path *variable;     /* COMPARE: Variable */
    struct json literal;             /* COMPARE: the operand, unless */
    const struct path *operand_path; /* the comparator was given in its ...Path form */
};

struct choice_rule {
    struct condition condition;
    const struct template *query; /* Condition of JSONata, in place of it */
    uint32_t next;
    const struct template *assign; /* NULL: none */
    const struct template *output; /* JSONata; NULL: the input */
};

/* ---- Retry, Catch ---- */

enum {
    RETRY_ATTEMPTS_DEFAULT = 3,
    RETRY_ATTEMPTS_MAX = 99999999,
    RETRY_INTERVAL_DEFAULT_SECONDS = 1,
    RETRY_DELAY_MAX_SECONDS = 31622400,
};

#define RETRY_BACKOFF_DEFAULT 2.0

struct error_names {
    const struct str *names;
    size_t count;
};

struct retrier {
    struct error_names errors;
    int64_t interval_seconds, max_attempts;
    int64_t max_delay_seconds; /* 0: none given */
    double backoff_rate;       /* >= 1.0 */
    bool jitter_full;          /* JitterStrategy FULL */
};

struct catcher {
    struct error_names errors;
    uint32_t next;
    bool result_discarded;          /* ResultPath: null */
    const struct path *result_path; /* NULL: `$` */
    const struct template *assign;  /* NULL: none */
    const struct template *output;  /* JSONata; NULL: the error */
};

/* Does an error name match ErrorEquals? A name matches itself. States.ALL matches
 * everything else too, also States.DataLimitExceeded (the guide says otherwise;
 * recordings show it). States.TaskFailed matches all but that and the two
 * timeouts; States.Timeout also matches States.HeartbeatTimeout. Nothing matches
 * States.Runtime, not even its own name. */
bool error_names_match(const struct error_names *names, struct str error);

/* ---- Task ---- */

enum task_kind {
    TASK_LAMBDA, /* arn:...:lambda:...:function:NAME, or a bare name: LambdaFunction events */
    TASK_LAMBDA_INVOKE, /* arn:...:states:::lambda:invoke: Task events, envelope */
    TASK_ACTIVITY,      /* arn:...:states:...:activity:NAME */
    TASK_NESTED,        /* arn:...:states:::states:startExecution, and calls of aws-sdk:sfn: what
                           the engine answers itself */
    TASK_REVIEW,        /* pawl:review: somebody decides */
    TASK_SERVICE,       /* any other arn:...:states:::SERVICE:ACTION */
};

enum task_pattern {
    TASK_REQUEST_RESPONSE,
    TASK_SYNC,           /* .sync */
    TASK_SYNC_2,         /* .sync:2 */
    TASK_WAIT_FOR_TOKEN, /* .waitForTaskToken */
};

struct resource {
    struct str text; /* as the definition has it */
    enum task_kind kind;
    enum task_pattern pattern;
    struct str region;        /* of a lambda or activity ARN, else empty */
    struct str resource_type; /* "lambda", "states", "aws-sdk:s3"...: resourceType of Task events */
    struct str action;        /* "invoke.waitForTaskToken": resource of Task events */
    struct str name;          /* the function's or activity's name */
};

enum {
    TASK_TIMEOUT_MAX_SECONDS = 99999999
};

/* ---- Wait ---- */

enum wait_kind {
    WAIT_SECONDS,
    WAIT_SECONDS_PATH,
    WAIT_TIMESTAMP,
    WAIT_TIMESTAMP_PATH,
    WAIT_SECONDS_QUERY,
    WAIT_TIMESTAMP_QUERY,
};

/* ---- Map ---- */

struct item_batcher {
    bool set;
    struct number_field items_max, bytes_max;
    const struct template *input; /* BatchInput; NULL: none */
};

struct map_fields {
    uint32_t processor;    /* its scope */
    bool distributed;      /* ProcessorConfig.Mode DISTRIBUTED */
    bool express;          /* ProcessorConfig.ExecutionType EXPRESS */
    struct str label;      /* Label, or empty */
    struct str item_field; /* which field made the selector: "ItemSelector" or "Parameters" */
    const struct path *items_path;        /* NULL: `$` */
    const struct template *items;         /* Items of JSONata; NULL: the input */
    const struct template *item_selector; /* or the old Parameters; NULL: none */
    struct number_field concurrency;      /* 0 or not set: no bound */
    struct number_field tolerated_count;
    struct real_field tolerated_percentage; /* 0 to 100 */
    struct item_batcher batcher;
};

/* ---- fields of our own ---- */

enum {
    STEP_NUMBER_MAX = 1000000,
    PHASE_NAME_MAX = 80, /* characters */
    TYPE_LABEL_MAX = 80,
    REVIEW_TEXT_MAX = 4096, /* of message and cause */
    REVIEW_ERROR_MAX = 256,
    VERIFY_WORDS_MAX = 64,
    VERIFY_WORD_MAX = 4096, /* bytes */
    VERIFY_REMEDY_MAX = 1024,
    VERIFY_TIMEOUT_DEFAULT_SECONDS = 30,
    VERIFY_TIMEOUT_MAX_SECONDS = 3600,
};

/* x-review: somebody decides whether the execution goes on. `true` has none of these. */
struct review_fields {
    struct str message;      /* what is asked, or empty */
    int64_t expires_seconds; /* 0: never */
    struct str error, cause; /* what a refusal fails with where it names none; or empty */
};

/* x-verify: a command that says, by its exit status 0, that what the step left is still
 * there. */
struct verify_fields {
    const struct str *words; /* none holds a NUL; the first is the program */
    size_t word_count;       /* at least 1 */
    int64_t timeout_seconds;
    struct str remedy; /* what to do when it is not there, or empty */
};

/* ---- states ---- */

struct state {
    struct str name;
    enum state_type type;
    enum query_language language;
    uint32_t number;                    /* own index in machine.states */
    uint32_t scope;                     /* that it stands in */
    uint32_t next;                      /* STATE_NO_NONE: End, or a type that has no Next */
    struct str label;                   /* x-label, or empty */
    int64_t step_number;                /* x-step, of the state or of its branch; 0: none */
    struct str phase;                   /* x-phase, of the state or of one around it; or empty */
    struct str type_label;              /* x-type, or empty */
    const struct review_fields *review; /* x-review; NULL: none */
    const struct verify_fields *verify; /* x-verify; NULL: none */
    struct json source;                 /* the state's JSON, for tools */
    bool uses_context;                  /* anything compiled here reads $$ or $states.context */
    const struct str *variables;        /* that anything compiled here reads, sorted, each once */
    size_t variable_count;

    struct path_field input_path, output_path;
    const struct template *parameters;      /* Pass, Task, Parallel: Parameters, or Arguments of
                                               JSONata; NULL: none */
    const struct template *result_selector; /* Task, Parallel, Map; NULL: none */
    bool result_discarded;                  /* ResultPath: null */
    const struct path *result_path;         /* NULL: `$` */
    const struct template *assign;          /* NULL: none */
    const struct template *output;          /* JSONata; NULL: the result, or the input */

    const struct retrier *retriers; /* Task, Parallel, Map */
    size_t retrier_count;
    const struct catcher *catchers;
    size_t catcher_count;

    union {
        struct {
            bool has_result;
            struct json result;
        } pass;
        struct {
            struct resource resource;
            struct number_field timeout, heartbeat; /* seconds */
            const struct template *credentials;     /* NULL: none */
        } task;
        struct {
            const struct choice_rule *rules;
            size_t rule_count;
            uint32_t fallback; /* Default; STATE_NO_NONE: none */
        } choice;
        struct {
            enum wait_kind kind;
            int64_t seconds;
            struct wall_ms until;
            struct str text; /* Timestamp as written */
            const struct path *path;
            const struct template *query;
        } wait;
        struct {
            struct text_field error, cause;
        } fail;
        struct {
            const uint32_t *branches; /* scopes */
            size_t branch_count;
        } parallel;
        struct map_fields map;
    } u;
};

/* A set of states that transitions cannot leave: the top level, a branch of a
 * Parallel, the processor of a Map. */
struct scope {
    uint32_t start;        /* a state */
    uint32_t parent_state; /* STATE_NO_NONE for the top level */
    uint32_t branch;       /* which branch of the parent; 0 for a Map */
    struct str label;      /* x-label of the branch, else the name of its first state */
};

struct machine {
    struct str definition; /* the text it was compiled from */
    uint8_t hash[SHA256_SIZE];
    struct str comment;
    int64_t timeout_seconds; /* 0: none */
    const struct state *states;
    uint32_t state_count;
    uint32_t on_cancel;         /* x-on-cancel: a state of the top level, or STATE_NO_NONE */
    const uint32_t *by_name;    /* the states' numbers in the order of (name, scope) */
    const struct scope *scopes; /* 0 is the top level */
    uint32_t scope_count;
    const struct newer_jsonata *newer_jsonata; /* what takes more than JSONata 2.0.6; NULL: none */
    bool passed_over; /* a malformed x- field counts as absent: only of a text in the store */
};

/* NULL when there is no such state in the scope. */
const struct state *machine_find_state(const struct machine *m, uint32_t scope, struct str name);

/* Do the events of this state stand in another history: is it inside of a distributed
 * Map? */
bool machine_state_is_apart(const struct machine *m, uint32_t state);

/* The states by number, as compact JSON for those who read a journal without a
 * compiler: [[name, type, apart (0 or 1), distributed (0 or 1), branches, path], ...].
 * The path is a format of printf: "Split/%d/Inner/%d/Name", with a number for each
 * Parallel and Map around the state. */
struct str machine_outline(const struct machine *m, struct arena *a);

/* RFC 6901 pointer to the state in the definition. In the arena. */
struct str machine_state_pointer(const struct machine *m, uint32_t state, struct arena *a);

#endif
