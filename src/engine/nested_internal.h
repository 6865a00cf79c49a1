/* What the files of nested executions share: one call of a task to this very service,
 * while it is carried out. Included only by them. */
#ifndef PAWL_ENGINE_NESTED_INTERNAL_H
#define PAWL_ENGINE_NESTED_INTERNAL_H

#include "engine/nested.h"

/* action of the resource, its name here */
#define NESTED_CALL_TABLE(X)                                                                       \
    X("startExecution", START)                                                                     \
    X("startSyncExecution", START_SYNC)                                                            \
    X("sendTaskSuccess", SEND_SUCCESS)                                                             \
    X("sendTaskFailure", SEND_FAILURE)                                                             \
    X("sendTaskHeartbeat", SEND_HEARTBEAT)

enum nested_call {
#define NESTED_CALL_ENUM(action, name) CALL_##name,
    NESTED_CALL_TABLE(NESTED_CALL_ENUM)
#undef NESTED_CALL_ENUM
};

enum nested_phase {
    NESTED_WAITING,  /* for its turn */
    NESTED_MACHINE,  /* asking the catalog for its machine */
    NESTED_STARTING, /* the start is given */
    NESTED_LOOKING,  /* for a child that was started before, by its name */
    NESTED_WATCHING, /* an execution that was there already and is not its own */
};

struct nested {
    struct nested *next; /* in a queue */
    struct nested *bucket_next;
    struct engine *engine;
    struct arena *arena; /* owned; this too lies in it */
    enum nested_phase phase;
    execution_key parent;
    struct uuid parent_id;
    uint32_t step, attempt;
    enum nested_call call;
    bool sdk;       /* called as aws-sdk:sfn, which words failures in its own way */
    bool awaited;   /* .sync: the child's end ends the task */
    bool submitted; /* the history says that the child was started */
    bool dropped;   /* the parent does not want it any more: stop it */
    struct json parameters;
    struct arn arn; /* of the machine, a version or an alias */
    struct str name, input;
    execution_key watched;
    struct deed *deed; /* the catalog's */
    enum catalog_outcome outcome;
    uint8_t definition[SHA256_SIZE];
    struct str text, role_arn, origin;
    bool express;
    struct store_read read;
    bool failed;
    struct err err;
};

/* ---- nested.c ---- */

void nested_free(struct nested *n);

/* An answer for the task, to be given to the parent. */
struct pending *nested_answer_new(const struct nested *n);

/* The call failed as the service words it; code: "InvalidArn". Frees. */
void nested_fail(struct nested *n, const char *code, const char *format, ...) PRINTF_LIKE(3, 4);
/* It is tried again after a while. */
void nested_later(struct nested *n);

/* ---- nested_calls.c ---- */

enum nested_call nested_call_of(const struct resource *resource);
/* Does the call speak for a task by its token? */
bool nested_call_is_by_token(enum nested_call call);
void nested_send(struct nested *n);
/* A synchronous child has ended. Frees. */
void nested_ended_at_once(struct nested *n, const struct engine_reply *reply);

#endif
