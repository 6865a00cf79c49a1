/* The engine over HTTP: the Step Functions API and REST v1, on one table of routes.
 *
 * What is served (routes.c has the table):
 *   POST /  X-Amz-Target: AWSStepFunctions.OPERATION        (AWS JSON 1.0)
 *   GET  /healthz                                           -> 200 {"status": "ok"}
 *   GET  /readyz                 -> 200 {"status": "ready"}, 503 {"status": "not ready", "reason"}
 *   POST /api/v1/run
 *        {"definition": TEXT or object, "machine_name": TEXT, "name"?: TEXT, "input"?: any,
 *         "config"?: {"text": TEXT, "folder": TEXT, "required"?: BOOL}, and what a start by a
 *         workflow's name takes of recovery, below}
 *        -> 200 {"execution_arn", "id", "name", "status", "started_at", "turns", "already",
 *                "config"?}
 *        Starts; when the same execution is RUNNING already, goes on with it. config:
 *        what carries out its tasks (a configuration's text, and the absolute folder
 *        that it lies in), taken on unix sockets only. The answer's config says whose
 *        holds: "own", or "server" when this process carries tasks out by its own
 *        alone; with required that is refused (CONFLICT).
 *   POST /api/v1/executions/{id}/resume  {"already"?, "config"?, and see below} -> 200, as above
 *        with "already": true one that runs goes on, or has ended, without its being an error.
 *        The config of an execution that has one already is replaced only when required.
 *   POST /api/v1/executions/{id}/stop   {"error"?, "cause"?} -> 200, as above
 *   POST /api/v1/workflows/{id}/executions?wait=SECONDS
 *        {"trigger_data"?: object, "name"?: TEXT, "dry_run"?, "until_phase"?, "until_step"?,
 *         "skip_steps"?, "set_output"?, "mocks"?, "reuse"?: EXECUTION, "from_step"?}
 *        -> 201, or 200 when that very execution runs already: the run state, at once
 *        or, with wait (at most 60), when it has ended, is paused, needs a review, or the time
 *        is over. {id} is the name of a machine, or the ARN of one, of a version or of an alias.
 *        reuse: what
 *        that execution had done is taken over; without trigger_data, its input too.
 *   GET  /api/v1/workflows/{id}/revisions?after=REVISION&limit=N
 *        -> 200 {"revisions": [{"revision", "created_at", "definition_hash", "role_arn",
 *                               "is_current"}], "next"?}
 *        By id; at most 1,000 or N; next is the after of the next page. {id} is the name
 *        of a machine or its ARN.
 *   GET  /api/v1/workflows/{id}/revisions/{revision}
 *        -> 200, one of these with "machine_name", "machine_arn" and "definition": TEXT
 *        {revision} is an id, or INITIAL, what the first one is called.
 *   GET  /api/v1/executions/{id}?wait=SECONDS               -> 200, the run state; wait: as above
 *        {"execution_arn", "id", "name", "machine_name", "definition", "status", "started_at",
 *         "stopped_at"?, "turns", "paused"?: {"why", "reason" | "step" | "phase", "quiet"},
 *         "reviews"?: [{"step", "step_name", "message"?, "asked_at", "expires_at"?, "data"}],
 *         "canceling"?, "rerun_step"?, "redrive_count"?, "redriven_at"?, "trigger_data",
 *         "output"?, "error"?, "cause"?, "error_human"?,
 *         "current_step"?: {"index", "label", "step_name", "step_type", "path"},
 *         "related"?: [{"relation", "execution_arn", "id", "name"}]}
 *        status: api/status.h. relation: "reuses", "restarts", "reused_by", "restarted_by".
 *   GET  /api/v1/executions/{id}/steps    -> 200 {"steps": [{"step_index", "step_order",
 *        "step_name", "step_type", "x_step"?, "path", "generation", "status", "stale"?,
 *        "taken_over"?, "data_in", "data_out"?, "error_human"?, "error_tech"?, "started_at",
 *        "completed_at"?,
 *        "children_total"?, "children_done"?, "attempts": [{"number", "generation", "status",
 *        "started_at", "completed_at"?, "error_human"?, "error_tech"?, "log"?}]}]}
 *   GET  /api/v1/executions/{id}/history?from=N&limit=M     -> 200 {"events": [...], "next"?}
 *        Events as followers get them, those above number N, at most 1,000 or M; next
 *        is the from of the next page.
 *   GET  /api/v1/executions/{id}/definition                 -> 200 {"definition": TEXT}
 *   GET  /api/v1/executions/{id}/follow?from=N&data=false   -> 200, lines of JSON
 *
 * Recovery and control, all of them POST /api/v1/executions/{id}/VERB. "dry_run": true answers
 * 200 with the plan (recovery/plan.h) and changes nothing; else the answer has the plan as
 * "plan". Steps are numbers from 0, names or paths (recovery/request.h has the fields):
 *   resume      {"skip_steps", "from_step", "until_step", "until_phase", "only", "input",
 *                "context", "set_output", "mocks", "dry_run", "by"} -> 200; a paused one goes on,
 *               if none of these but "by" and "context" is given
 *   resume      {"approved", "changes", "step", "numbers", "error", "cause", "by"} -> 200, the
 *               run state: decides a review; with several, "step" says which
 *   retry       {"trigger_data", "from_step", and as resume} -> 200
 *   rerun-step  {"step_index" | "step", "context", "input", "cascade", "mocks", "dry_run",
 *                "until_step", "until_phase", "by"} -> 202 with "rerun_arn", unless "cascade"
 *   restart     {"name", "mocks", "dry_run"} -> 201 with "restarts": the ARN of the old one
 *   pause       {"reason", "by"} -> 200, the run state
 *   cancel      {"reason", "by"} -> 200, the run state; it ends when it has cleaned up
 * What does not fit how the execution stands is a CONFLICT (409); a plan with problems has them
 * in the problem's "plan", and the first of them as its detail and remedy.
 *
 * An execution as a job (rest/jobs.c):
 *   GET  /admin/jobs/{id}             -> 200 {"job_id", "workflow_id", "status", "execution_arn",
 *        "created_at", "updated_at", "completed_at"?, "output"?, "error"?, "cause"?,
 *        "execution_steps": as "steps" above}
 *   POST /admin/jobs/{id}/rerun-step  {"step_index", ...}
 *        -> 202 {"execution_arn": of the rerun, "job_id", "step_index", "status"}
 *
 * A request of a page of another address (header Origin) is refused: 403; and so is, with
 * checks_host, one for another host (header Host).
 * {id} is an execution's id or the first four or more characters of it, its ARN
 * (percent-encoded) or its name. Failures are
 * problems: {"type", "title", "status", "code", "detail", "remedy"}, where code is
 * a name of base/err.h ("CONFLICT", "INVALID_DEFINITION", ...).
 *
 * A followed execution is a stream of lines, each one JSON object:
 *   {"execution": {"id", "arn", "name", "machine_name", "status", "started_at",
 *                  "definition"}}         first; definition: the hash of its text
 *   {"turn": N, "at": TIME, "status", "last": N, "events": [...], "steps": [...]}
 *                                         a durable turn, and how it left the execution
 *   {"end": {"status", "stopped_at", "output"?, "error"?, "cause"?}}      last
 *   {"closed": {"reason": "stopping" | "slow" | CODE, "detail", "resume_from": N}}
 *                                         last, when the stream ends before the execution does
 * Events are numbered from 1 over all turns, Pawl's own kinds included: "number";
 * "last" is the turn's last. `from`=N leaves out the turns up to number N, so a
 * follower that was cut off goes on with the last number it has seen. Events look
 * as GetExecutionHistory gives them; those of Pawl's own kinds have "step",
 * "attempt", "wake_at" and so on as they apply. "steps" are those that the turn
 * changed, each whole. An empty line every 15 s says that the stream is alive.
 *
 * Ownership: api_free. Threads: the loop's only.
 *
 * How a host wires it (see cli/host.h for the loop):
 *   1. after engine_new: api_new, then api_listen_unix(datadir_file("pawl.sock"));
 *   2. wherever the engine calls its follower: call api_followed too;
 *   3. options.wake: make the loop call engine_step soon. It is called from within
 *      engine_step too, and then another step must follow this one, whatever this
 *      one returned: set a flag, clear it before engine_step, step again if it is set;
 *   4. to stop: api_stop before engine_detach; what is unanswered is answered (503),
 *      followers are told, and within its grace every handle is closed, so that the
 *      loop runs out;
 *   5. when the loop has run out: engine_free, then api_free (engine_free makes the
 *      store abandon what the api, too, has asked), then store_close.
 */
#ifndef PAWL_API_API_H
#define PAWL_API_API_H

#include "engine/engine.h"
#include "net/http_limits.h"

/* In the data directory; whoever holds its lock listens there. */
#define API_SOCKET "pawl.sock"

enum {
    API_FOLLOWERS_MAX = 1024,       /* limit followers_max: streams at once [503] */
    API_STORY_SIZE_MAX = 512 << 20, /* limit story_max: memory to read one execution [413] */
    API_REVISIONS_PAGE_MAX = 1000,
    API_HISTORY_PAGE_MAX = 1000, /* maxResults of GetExecutionHistory: AWS's limit */
};

struct uv_loop_s;
struct visibility;
struct api;

/* What a client would have an execution's tasks carried out by. Borrowed. */
struct api_config {
    struct str text, folder;
};

enum {
    API_CREW_SERVER = -1, /* this process's own configuration, and no other */
};

struct api_options {
    struct uv_loop_s *loop;
    struct engine *engine;
    struct store *store;           /* the engine's */
    struct visibility *visibility; /* of the store, for lists; NULL: they walk through it */
    org_id org;                    /* the engine's */
    bool aws_limits_strict;        /* definitions must be what Step Functions documents */
    struct str region, account;    /* of what is made here; empty: us-east-1, 000000000000 */
    uint64_t seed;                 /* of request ids; from os/entropy in production */
    struct http_limits limits;
    bool checks_host;  /* what comes by TCP must ask for a host of ours: api/hosts.h */
    struct json hosts; /* with this, these names; an array of texts, or absent */
    size_t machines_max, activities_max; /* created by clients; 0: any number */
    size_t activity_polls_max;           /* workers at one activity; 0: any number */
    void (*wake)(void *arg);             /* step the engine soon */

    /* Gives a number to a configuration, before anything is started with it; then
     * says that it is this execution's, before any task of that is started. NULL:
     * this process's own holds for everything. */
    bool (*take_config)(void *arg, const struct api_config *config, int *ret_crew,
                        struct err *reterr);
    void (*assign_crew)(void *arg, execution_key key, int crew, bool replace);
    /* What /readyz says; NULL: ready. */
    bool (*is_ready)(void *arg, const char **ret_why_not);
    /* The last stream has ended; may be NULL. Only note it: streams are being ended. */
    void (*unfollowed)(void *arg);
    void *arg;
};

struct api *api_new(const struct api_options *options);

/* As http_server_listen_unix and _tcp (net/http_server.h). */
MUST_CHECK bool api_listen_unix(struct api *api, const char *path, struct err *reterr);
MUST_CHECK bool api_listen_tcp(struct api *api, const char *address, uint16_t port,
                               uint16_t *ret_port, struct err *reterr);

/* As the engine tells its follower: whoever follows or waits is told. */
void api_followed(struct api *api, const struct run *run, const struct execution_row *execution,
                  const struct flow_event *events, size_t count);

void api_stop(struct api *api);

/* Streams that are open: whoever would stop may wait for them. */
size_t api_followers(const struct api *api);

/* After engine_free. Accepts NULL. */
void api_free(struct api *api);

#endif
