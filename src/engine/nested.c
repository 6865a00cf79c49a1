/* Nested executions: Task states that start executions of machines of this store.
 *
 * The engine carries them out itself. A *nested* begins with the effect and ends when
 * the child's start is durable and the parent was told; it holds no more than that. The
 * child then goes on as any other; when it ends, its row names the parent and the step
 * that waits for it. A crash in between loses nothing: the parent's task is outstanding
 * still, and whoever loads the parent begins here anew, finds the child by its name and
 * asks for its state.
 *
 * Whose child an execution is can be told from its id: the random part of it follows
 * from the key of the task (parent, step, attempt).
 * Source: docs/adr/0014-nested-and-express.md. */
#include "engine/nested_internal.h"

#include "engine/names.h"

static bool is_awaited(const struct resource *r)
{
    return r->pattern == TASK_SYNC || r->pattern == TASK_SYNC_2;
}

bool effect_is_nested(const struct flow_effect *effect)
{
    return effect->resource && effect->resource->kind == TASK_NESTED;
}

/* ---- the set of them ---- */

static struct nested **bucket_of(struct engine *e, execution_key parent, uint32_t step)
{
    uint64_t mixed = ((uint64_t)parent + step) * 0x9e3779b97f4a7c15u;
    return &e->nested.buckets[(mixed >> 32) % NESTED_BUCKETS];
}

static struct nested *nested_find(struct engine *e, execution_key parent, uint32_t step,
                                  uint32_t attempt)
{
    for (struct nested *n = *bucket_of(e, parent, step); n; n = n->bucket_next)
        if (n->parent == parent && n->step == step && n->attempt == attempt)
            return n;
    return NULL;
}

static void push(struct nested_queue *q, struct nested *n)
{
    n->next = NULL;
    if (q->last)
        q->last->next = n;
    else
        q->first = n;
    q->last = n;
}

static struct nested *pop(struct nested_queue *q)
{
    struct nested *n = q->first;
    if (!n)
        return NULL;
    q->first = n->next;
    if (!q->first)
        q->last = NULL;
    return n;
}

static struct nested *nested_new(const struct run_slot *s, const struct flow_effect *effect)
{
    struct engine *e = s->engine;
    struct nested **bucket = bucket_of(e, s->key, effect->step);
    struct arena *arena = spare_arena(e);
    struct nested *n = ARENA_NEW(arena, struct nested);
    *n = (struct nested){
        .bucket_next = *bucket,
        .engine = e,
        .arena = arena,
        .parent = s->key,
        .parent_id = s->row.id,
        .step = effect->step,
        .attempt = effect->attempt,
        .call = nested_call_of(effect->resource),
        .sdk = str_starts_with(effect->resource->resource_type, STR("aws-sdk:")),
        .awaited = is_awaited(effect->resource),
        .submitted = effect->submitted,
        .parameters = json_copy(arena, effect->payload),
    };
    *bucket = n;
    e->nested.count++;
    push(&e->nested.waiting, n);
    return n;
}

void nested_free(struct nested *n)
{
    struct engine *e = n->engine;
    struct nested **at = bucket_of(e, n->parent, n->step);
    while (*at != n)
        at = &(*at)->bucket_next;
    *at = n->bucket_next;
    e->nested.count--;
    e->nested.watching -= n->phase == NESTED_WATCHING;
    spare_arena_keep(e, n->arena);
}

void nested_release(struct engine *e)
{
    for (size_t i = 0; i < NESTED_BUCKETS; i++)
        while (e->nested.buckets[i])
            nested_free(e->nested.buckets[i]);
    e->nested = (struct nesteds){0};
}

/* ---- telling the parent ---- */

struct pending *nested_answer_new(const struct nested *n)
{
    struct pending *p = pending_new(n->engine, FLOW_TASK_RESULT);
    p->input.step = n->step;
    p->input.attempt = n->attempt;
    return p;
}

/* As AWS's SDK words what a service answered. */
void nested_fail(struct nested *n, const char *code, const char *format, ...)
{
    struct pending *p = nested_answer_new(n);
    char id[UUID_TEXT_LEN];
    va_list args;
    uuid_format(uuid_v4(&n->engine->rng), id);
    va_start(args, format);
    struct str message = arena_vprintf(p->arena, format, args);
    va_end(args);
    p->input.has_error = p->input.has_cause = true;
    p->input.error =
        arena_printf(p->arena, "%s.%sException", n->sdk ? "Sfn" : "StepFunctions", code);
    if (n->sdk)
        p->input.cause = arena_printf(
            p->arena,
            STR_FMT " (Service: Sfn, Status Code: 400, Request ID: %.*s) (SDK Attempt Count: 1)",
            STR_ARG(message), UUID_TEXT_LEN, id);
    else
        p->input.cause = arena_printf(p->arena,
                                      STR_FMT " (Service: AWSStepFunctions; Status Code: 400; "
                                              "Error Code: %s; Request ID: %.*s; Proxy: null)",
                                      STR_ARG(message), code, UUID_TEXT_LEN, id);
    nested_give_parent(n->engine, n->parent, p);
    nested_free(n);
}

/* Parameters that fit no call are found before anything is called. */
static void fail_parameters(struct nested *n, const char *why)
{
    struct pending *p = nested_answer_new(n);
    p->input.has_error = p->input.has_cause = true;
    p->input.error = STR("States.Runtime");
    p->input.cause = arena_printf(
        p->arena, "The Parameters '" STR_FMT "' could not be used to start the Task: [%s]",
        STR_ARG(json_text(p->arena, n->parameters)), why);
    nested_give_parent(n->engine, n->parent, p);
    nested_free(n);
}

/* What StartExecution answers. */
static void tell_started(const struct nested *n, const struct execution_row *child)
{
    struct pending *p = nested_answer_new(n);
    char at[TIME_TEXT_SIZE];
    struct json_object_builder b = json_object_builder(p->arena);
    json_object_add(&b, STR("ExecutionArn"), json_string_copy(p->arena, child->arn));
    json_object_add(&b, STR("StartDate"),
                    json_string_copy(p->arena, str_of(at, wall_format(child->started_at, at))));
    p->input.ok = true;
    p->input.value = json_object_done(&b);
    nested_give_parent(n->engine, n->parent, p);
}

/* ---- the child's end ---- */

void nested_tell_watchers(const struct run_slot *s)
{
    struct engine *e = s->engine;
    for (size_t i = 0; i < NESTED_BUCKETS && e->nested.watching; i++) {
        struct nested *next;
        for (struct nested *n = e->nested.buckets[i]; n; n = next) {
            next = n->bucket_next;
            if (n->phase != NESTED_WATCHING || n->watched != s->key)
                continue;
            nested_tell_ended(s, n->parent, n->step, n->attempt);
            nested_free(n);
        }
    }
}

void nested_ended(const struct run_slot *s)
{
    if (s->row.parent_task)
        nested_tell_ended(s, s->row.parent, s->row.parent_task - 1, 0);
    nested_tell_watchers(s);
}

/* ---- beginning ---- */

/* A store that cannot just now is asked again. */
void nested_later(struct nested *n)
{
    enum {
        AGAIN_AFTER_MS = 200
    };
    struct engine *e = n->engine;
    n->phase = NESTED_WAITING;
    e->nested.again_at.ms = e->wall.ms + AGAIN_AFTER_MS;
    push(&e->nested.waiting, n);
}

static void read_done(void *arg, const struct err *err)
{
    struct nested *n = arg;
    n->engine->store_waits--;
    n->failed = err != NULL;
    if (err)
        n->err = *err;
    push(&n->engine->nested.answered, n);
}

static void read(struct nested *n, enum nested_phase phase, enum store_read_kind kind)
{
    n->phase = phase;
    n->read.kind = kind;
    n->read.org = n->engine->options.org;
    n->read.arena = n->arena;
    n->read.done = read_done;
    n->read.arg = n;
    n->engine->store_waits++;
    n->engine->nested.active++;
    store_read(n->engine->options.store, &n->read);
}

/* What it says lives no longer than this call. */
static void machine_answered(void *owner, const struct catalog_answer *answer)
{
    struct nested *n = owner;
    const struct catalog_machine *m = &answer->machine;
    n->engine->store_waits--;
    n->outcome = answer->outcome;
    n->failed = answer->outcome == CATALOG_FAILED;
    if (n->failed)
        n->err = *answer->err;
    if (answer->outcome == CATALOG_DONE) {
        memcpy(n->definition, m->definition, SHA256_SIZE);
        n->text = arena_str(n->arena, m->text);
        n->role_arn = arena_str(n->arena, m->settings.role_arn);
        n->origin = catalog_origin(n->arena, answer, STR(""));
        n->express = m->settings.express;
    }
    push(&n->engine->nested.answered, n);
}

static void find_machine(struct nested *n)
{
    struct engine *e = n->engine;
    const struct catalog_asker who = {
        .now = e->wall, .done = machine_answered, .owner = n, .place = &n->deed};
    n->phase = NESTED_MACHINE;
    e->store_waits++;
    e->nested.active++;
    catalog_find_machine(e->catalog, &who, &n->arn);
}

static void find_child(struct nested *n)
{
    n->read = (struct store_read){.name = n->name, .machine_arn = n->arn.unqualified};
    read(n, NESTED_LOOKING, STORE_FIND_NAMED);
}

/* False: it failed, and is gone. */
static bool read_machine_arn(struct nested *n)
{
    struct json arn = json_get(n->parameters, STR("StateMachineArn"));
    struct str text = json_str(arn);
    if (!json_is_string(arn)) {
        fail_parameters(n, "The field 'StateMachineArn' is required but was missing");
        return false;
    }
    if (!arn_parse(text, &n->arn)) {
        nested_fail(n, "InvalidArn", "Invalid Arn: 'Invalid ARN prefix: " STR_FMT "'",
                    STR_ARG(text));
        return false;
    }
    if (n->arn.kind == ARN_MACHINE || n->arn.kind == ARN_VERSION || n->arn.kind == ARN_ALIAS)
        return true;
    nested_fail(n, "InvalidArn",
                "Invalid Arn: 'Resource type not valid in this context: " STR_FMT "'",
                STR_ARG(n->arn.word));
    return false;
}

static void begin(struct nested *n)
{
    struct json name = json_get(n->parameters, STR("Name"));
    struct json input = json_get(n->parameters, STR("Input"));
    char id[UUID_TEXT_LEN];
    if (nested_call_is_by_token(n->call)) {
        nested_send(n);
        return;
    }
    if (!read_machine_arn(n))
        return;
    uuid_format(nested_id(n->parent_id, n->step, n->attempt), id);
    n->name =
        json_is_string(name) ? json_str(name) : arena_str(n->arena, str_of(id, UUID_TEXT_LEN));
    if (json_is_absent(input) || json_is_null(input))
        n->input = STR("{}");
    else
        n->input = json_is_string(input) ? json_str(input) : json_text(n->arena, input);
    if (n->submitted)
        find_child(n);
    else
        find_machine(n);
}

/* ---- the start ---- */

static struct str child_arn(const struct nested *n)
{
    return arn_of_execution(n->arena, n->arn.unqualified, n->name);
}

/* The child is there: the parent hears of it, and of its end if it waits for that. */
static void child_found(struct nested *n, const struct execution_row *child)
{
    struct uuid nested = nested_id(n->parent_id, n->step, n->attempt);
    bool own = nested_is_child(child->key, child->id, nested);
    if (n->dropped) {
        if (n->awaited && child->status == EXECUTION_RUNNING)
            nested_stop(n->engine, child->key);
        nested_free(n);
        return;
    }
    if (!n->submitted)
        tell_started(n, child);
    if (n->awaited)
        nested_ask_outcome(n->engine, child->key, n->parent, n->step, n->attempt);
    if (n->awaited && !own && child->status == EXECUTION_RUNNING) {
        n->phase = NESTED_WATCHING;
        n->watched = child->key;
        n->engine->nested.watching++;
        return;
    }
    nested_free(n);
}

/* A refusal that a later try would meet again; others go away. */
static void refused(struct nested *n, const struct err *err)
{
    enum err_code code = err->code;
    bool input = code == ERR_INVALID_JSON || code == ERR_TOO_DEEP || code == ERR_TOO_LARGE ||
                 code == ERR_MEMORY_LIMIT;
    if (code == ERR_CONFLICT)
        nested_fail(n, "ExecutionAlreadyExists", "Execution Already Exists: '" STR_FMT "'",
                    STR_ARG(child_arn(n)));
    else if (code == ERR_INVALID_INPUT)
        nested_fail(n, "InvalidName", "Invalid Name: '" STR_FMT "'", STR_ARG(n->name));
    else if (input)
        nested_fail(n, "InvalidExecutionInput", "Invalid State Machine Execution Input: '%s'",
                    err->message);
    else if (code == ERR_INVALID_DEFINITION)
        nested_fail(n, "InvalidDefinition", "Invalid State Machine Definition: '%s'", err->message);
    else
        nested_later(n);
}

static void started(void *arg, const struct engine_reply *reply)
{
    struct nested *n = arg;
    n->engine->nested.active--;
    if (n->engine->dead || n->engine->detached)
        return; /* all of them go with the engine */
    if (reply->err && n->dropped)
        nested_free(n);
    else if (reply->err)
        refused(n, reply->err);
    else if (reply->run)
        nested_ended_at_once(n, reply);
    else if (reply->already || n->dropped)
        child_found(n, reply->execution);
    else {
        tell_started(n, reply->execution);
        nested_free(n);
    }
}

static void start(struct nested *n, struct machine_ref *machine)
{
    struct engine *e = n->engine;
    struct arena *a = spare_arena(e);
    struct start_command *c = ARENA_NEW(a, struct start_command);
    struct uuid nested = nested_id(n->parent_id, n->step, n->attempt);
    *c = (struct start_command){
        .arena = a,
        .machine = machine,
        .asker = {started, n},
        .nested = arena_dup(a, &nested, sizeof(nested)),
        .start =
            {
                .machine_name = arena_str(a, n->arn.name),
                .machine_arn = arena_str(a, n->arn.unqualified),
                .name = arena_str(a, n->name),
                .input = arena_str(a, n->input),
                .role_arn = arena_str(a, n->role_arn),
                .origin = arena_str(a, n->origin),
                .cataloged = true,
                .express = n->express,
                .sync = n->call == CALL_START_SYNC,
                .parent = n->parent,
                .parent_task = n->awaited ? n->step + 1 : 0,
            },
    };
    n->phase = NESTED_STARTING;
    e->nested.active++;
    start_push(e, c);
}

/* ---- what the store answered ---- */

static void start_machine(struct nested *n)
{
    struct machine_ref *machine = machine_take(&n->engine->machines, n->definition);
    struct err err;
    if (machine || machine_load(&n->engine->machines, n->text, &machine, &err))
        start(n, machine);
    else
        refused(n, &err);
}

static void machine_found(struct nested *n)
{
    if (n->outcome != CATALOG_DONE)
        nested_fail(n, "StateMachineDoesNotExist", "State Machine Does Not Exist: '" STR_FMT "'",
                    STR_ARG(n->arn.text));
    else if (n->call == CALL_START_SYNC ? !n->express : n->express && n->awaited)
        nested_fail(n, "StateMachineTypeNotSupported",
                    "This operation is not supported by this type of state machine");
    else
        start_machine(n);
}

static void child_looked_for(struct nested *n)
{
    if (!n->failed && n->read.count)
        child_found(n, &n->read.executions[0]);
    else if (n->dropped)
        nested_free(n);
    else
        nested_fail(n, "ExecutionDoesNotExist", "Execution Does Not Exist: '" STR_FMT "'",
                    STR_ARG(child_arn(n)));
}

static void answered(struct nested *n)
{
    n->engine->nested.active--;
    if (n->failed && store_error_is_final(n->err.code) && n->err.code != ERR_CORRUPT) {
        engine_die(n->engine, &n->err);
    } else if (n->failed && n->err.code != ERR_NOT_FOUND && n->err.code != ERR_CORRUPT) {
        nested_later(n);
    } else if (n->phase == NESTED_LOOKING) {
        child_looked_for(n);
    } else if (n->dropped) {
        nested_free(n);
    } else {
        machine_found(n);
    }
}

/* ---- from and to the engine ---- */

void nested_begin(const struct run_slot *s, const struct flow_effect *effect)
{
    bool nothing_left = effect->submitted && !is_awaited(effect->resource);
    if (!nothing_left && !nested_find(s->engine, s->key, effect->step, effect->attempt))
        nested_new(s, effect);
}

void nested_cancel(const struct run_slot *s, const struct flow_effect *effect)
{
    struct engine *e = s->engine;
    struct nested *n = nested_find(e, s->key, effect->step, effect->attempt);
    if (n && n->phase == NESTED_WATCHING) {
        nested_stop(e, n->watched);
        nested_free(n);
    } else if (n) {
        n->dropped = true;
    } else if (is_awaited(effect->resource)) {
        n = nested_new(s, effect);
        n->submitted = n->dropped = true;
    }
}

static bool may_begin(const struct engine *e)
{
    return e->nested.waiting.first && e->nested.active < NESTED_ACTIVE_MAX &&
           e->nested.again_at.ms <= e->wall.ms && engine_has_room(e);
}

bool nested_ready(const struct engine *e)
{
    return e->nested.answered.first || may_begin(e);
}

void nested_step(struct engine *e)
{
    for (struct nested *n; !e->dead && (n = pop(&e->nested.answered));)
        answered(n);
    while (!e->dead && may_begin(e)) {
        struct nested *n = pop(&e->nested.waiting);
        if (n->dropped && !n->submitted)
            nested_free(n);
        else
            begin(n);
    }
}

struct wall_ms nested_wake(const struct engine *e)
{
    bool waits = e->nested.waiting.first && e->nested.again_at.ms > e->wall.ms;
    return waits ? e->nested.again_at : (struct wall_ms){0};
}
