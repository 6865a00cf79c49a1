/* What the files of api/ share. Included only inside api/.
 *
 * A handler gets a call and ends it by an answer. What it must wait for, at the
 * store or at the engine, is an errand: it outlives the call when the call is
 * answered meanwhile, and what comes back then is dropped.
 */
#ifndef PAWL_API_API_INTERNAL_H
#define PAWL_API_API_INTERNAL_H

#include "api/api.h"
#include "api/routes.h"
#include "catalog/catalog.h"
#include "engine/machines.h"
#include "journal/journal.h"

enum {
    WATCH_BUCKETS = 256
};

struct watch;
struct look;
struct poll;
struct wait;

struct api {
    struct api_options options;
    struct http_server *server;
    struct rng rng;
    struct catalog *catalog;
    struct machines machines; /* that stories are read by */
    struct call *calls;       /* that are not answered yet */
    struct errand *errands;
    struct watch *watches[WATCH_BUCKETS];
    size_t followers;
    struct poll *polls; /* workers who wait */
    struct wait *waits[WATCH_BUCKETS];
    struct look *looks, **looks_end; /* whether what is waited for stands */
    size_t looking;                  /* of them, under way */
    bool stopping;
};

/* ---- errands (errand.c) ---- */

struct errand;

/* err: NULL on success. The errand ends when this returns. */
typedef void errand_done(void *owner, struct errand *e, const struct err *err);

struct errand {
    struct api *api;
    struct errand *next, **link;
    struct arena *arena; /* the errand, and what the store answers, lie in it */
    struct store_read read;
    const struct engine_reply *reply; /* during done, of an order to the engine */
    const struct plan *plan;          /* during done, of a recovery; NULL: none was made */
    errand_done *done;
    void *owner;
    struct errand **place; /* where the owner keeps it, cleared before done; NULL: nobody waits */
};

/* Puts it in *place, which must be empty. */
struct errand *errand_new(struct api *api, errand_done *done, void *owner, struct errand **place);
/* What is asked stands in e->read. */
void errand_read(struct errand *e, enum store_read_kind kind);
/* To the engine: it may be back before these return. */
void errand_start(struct errand *e, const struct engine_start *start);
void errand_resume(struct errand *e, execution_key key);
void errand_stop(struct errand *e, execution_key key, struct str error, struct str cause);
void errand_recover(struct errand *e, execution_key key, const struct recovery_request *request);
void errand_plan(struct errand *e, const struct engine_start *start);
/* Who asks is not known yet: `by` is what he says. */
void errand_pause(struct errand *e, execution_key key, struct str reason, struct str by);
void errand_unpause(struct errand *e, execution_key key, struct str by);
void errand_cancel(struct errand *e, execution_key key, struct str reason, struct str by);
void errand_review(struct errand *e, execution_key key, const struct engine_review *review);
void errand_token_result(struct errand *e, const struct engine_task_result *result);
void errand_token_heartbeat(struct errand *e, const struct flow_task_key *key);
/* Accepts NULL. */
void errand_abandon(struct errand *e);
/* Nothing will call back any more. */
void errands_free(struct api *api);

/* ---- calls (call.c) ---- */

/* The call's one errand: `done` gets the call. */
struct errand *call_errand(struct call *c, errand_done *done);

/* Ends the call but leaves its request to whoever has it. */
void call_release(struct call *c);

/* A call for such a request, to answer it by. */
struct call *call_again(struct api *api, struct http_request *request, bool aws);

/* Finds an execution by id, ARN, name or the beginning of its id, on the AWS face by
 * ARN alone, and goes on with its row, which lies in the call's arena; or fails the call. */
typedef void call_found(struct call *c, const struct execution_row *row);
void call_find(struct call *c, struct str reference, call_found *found);
/* The same, and an ARN may be that of a rerun of one step: then the row is its execution's,
 * and call_rerun tells which one of them, from 1; 0: it is the execution itself. */
void call_find_rerun(struct call *c, struct str reference, call_found *found);
uint32_t call_rerun(const struct call *c);
/* Answers that there is no execution such as was looked for. */
void call_not_found(struct call *c);

/* With texts of its own. */
struct execution_row *execution_row_copy(struct arena *a, const struct execution_row *row);
/* The same in the call's arena. */
struct execution_row *call_keep_row(struct call *c, const struct execution_row *row);

/* ---- shapes (shapes.c) ---- */

struct json time_json(struct arena *a, struct wall_ms at);
struct json id_json(struct arena *a, struct uuid id);
struct json hash_json(struct arena *a, const uint8_t hash[static SHA256_SIZE]);
struct json error_json(bool has, struct str text);
/* {"execution_arn", "id", "name", "machine_name", "status", ...} */
struct json execution_json(struct arena *a, const struct execution_row *row);
/* How a run ended: "status", "stopped_at", "output" or "error" and "cause". */
struct json end_json(struct arena *a, const struct run *run);
/* An event under its number in the execution's stream. */
struct json event_json(struct arena *a, const struct run *run, const struct flow_event *event,
                       struct wall_ms at, uint64_t number, bool data);
/* x-step, or absent. */
struct json step_x_number(const struct step *step);
/* data: with input and output. */
struct json step_json(struct arena *a, const struct step *step, bool data);

/* ---- workers (aws/poll.c) ---- */

void polls_stop(struct api *api, const struct err *why);

/* ---- waiting (rest/wait.c) ---- */

/* Answers the call's request with the run state when the execution has ended, stands paused or
 * for a decision, or the seconds are over. Ends the call. started: nothing of it was shown yet, so
 * that its end cannot have been missed. status: of the answer. */
void wait_begin(struct call *c, const struct execution_row *row, uint32_t seconds, bool started,
                int status);
void waits_told(struct api *api, const struct run *run, const struct execution_row *row,
                const struct flow_event *events, size_t count);
void waits_stop(struct api *api, const struct err *why);

/* ---- following (watch.c) ---- */

/* Answers the request with the execution's turns: those already in the store whose
 * last event's number is above `from`, then the others as they come. */
void watch_follow(struct api *api, struct http_request *request, const struct execution_row *row,
                  uint64_t from, bool data);
void watches_notify(struct api *api, execution_key key);
/* Every follower hears that this process is stopping. */
void watches_stop(struct api *api);

#endif
