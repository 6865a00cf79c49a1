/* Nested executions: who is whose child, what a parent is told, and what the two ask
 * each other after a crash. */
#include "engine/nested.h"

#include <stdio.h>

/* ---- whose child ---- */

struct uuid nested_id(struct uuid parent, uint32_t step, uint32_t attempt)
{
    char place[32];
    int length = snprintf(place, sizeof(place), "%u/%u", step, attempt);
    return uuid_v5(parent, str_of(place, (size_t)length));
}

struct uuid nested_row_id(execution_key key, const struct uuid *nested)
{
    uint64_t random = 0;
    for (size_t i = 8; i < sizeof(nested->bytes); i++)
        random = random << 8 | nested->bytes[i];
    return execution_uuid(key, random);
}

bool nested_is_child(execution_key key, struct uuid id, struct uuid nested)
{
    struct uuid due = nested_row_id(key, &nested);
    return memcmp(due.bytes, id.bytes, sizeof(id.bytes)) == 0;
}

/* ---- telling the parent ---- */

void nested_give_parent(struct engine *e, execution_key parent, struct pending *p)
{
    if (!e->dead && !e->detached && engine_expects(e, parent))
        engine_give(e, parent, p);
    else
        pending_free(e, p);
}

static struct json included(struct arena *a)
{
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("Included"), json_bool(true));
    return json_object_done(&b);
}

static struct json text_if(struct arena *a, bool has, struct str text)
{
    return has ? json_string_copy(a, text) : JSON_NONE;
}

/* An ended execution as DescribeExecution tells it, the names as the SDK writes them. */
static struct json describe(const struct run_slot *s, struct arena *a)
{
    struct json_object_builder b = json_object_builder(a);
    struct json output = run_output(s->run);
    struct str text;
    bool has = run_cause(s->run, &text);
    json_object_add(&b, STR("Cause"), text_if(a, has, text));
    has = run_error(s->run, &text);
    json_object_add(&b, STR("Error"), text_if(a, has, text));
    json_object_add(&b, STR("ExecutionArn"), json_string_copy(a, s->row.arn));
    json_object_add(&b, STR("Input"), json_copy(a, run_input(s->run)));
    json_object_add(&b, STR("InputDetails"), included(a));
    json_object_add(&b, STR("Name"), json_string_copy(a, s->row.name));
    if (!json_is_absent(output)) {
        json_object_add(&b, STR("Output"), json_copy(a, output));
        json_object_add(&b, STR("OutputDetails"), included(a));
        json_object_add(&b, STR("RedriveCount"), json_int(run_redrive_count(s->run)));
        json_object_add(&b, STR("RedriveStatus"), json_string(STR("NOT_REDRIVABLE")));
        json_object_add(&b, STR("RedriveStatusReason"),
                        json_string(STR("Execution is SUCCEEDED and cannot be redriven")));
    }
    json_object_add(&b, STR("StartDate"), json_int(run_started_at(s->run).ms));
    json_object_add(&b, STR("StateMachineArn"), json_string_copy(a, s->row.machine_arn));
    json_object_add(
        &b, STR("Status"),
        json_string(str_of_cstr(execution_status_name((enum execution_status)run_status(s->run)))));
    json_object_add(&b, STR("StopDate"), json_int(run_stopped_at(s->run).ms));
    return json_object_done(&b);
}

/* attempt 0: the parent finds out whose child it was. */
void nested_tell_ended(const struct run_slot *s, execution_key parent, uint32_t step,
                       uint32_t attempt)
{
    struct pending *p = pending_new(s->engine, FLOW_CHILD_ENDED);
    p->input.step = step;
    p->input.attempt = attempt;
    p->input.ok = run_status(s->run) == FLOW_SUCCEEDED;
    p->input.value = describe(s, p->arena);
    p->other = s->key;
    p->other_id = s->row.id;
    nested_give_parent(s->engine, parent, p);
}

void nested_resolve(const struct run_slot *s, struct pending *p)
{
    uint32_t attempt = run_task_attempt(s->run, p->input.step);
    if (attempt &&
        nested_is_child(p->other, p->other_id, nested_id(s->row.id, p->input.step, attempt)))
        p->input.attempt = attempt;
}

void nested_stop(struct engine *e, execution_key child)
{
    struct pending *p = pending_new(e, FLOW_STOP);
    p->input.has_cause = true;
    p->input.cause = STR("The execution that started it does not wait for it any more.");
    p->stops_child = true;
    e->nested.stops++;
    engine_give(e, child, p);
}

/* ---- questions: to a child, how it ended; to a parent, whether it waits ---- */

void nested_ask_outcome(struct engine *e, execution_key child, execution_key parent, uint32_t step,
                        uint32_t attempt)
{
    struct pending *p = pending_new(e, FLOW_CONTINUE);
    p->resume = true;
    p->ask = ASK_OUTCOME;
    p->other = parent;
    p->input.step = step;
    p->input.attempt = attempt;
    engine_give(e, child, p);
}

/* A parent that ended, or went on without it, while a crash kept its child from being
 * stopped. */
void nested_check(const struct run_slot *s)
{
    struct engine *e = s->engine;
    if (!s->row.parent_task || (!e->options.advance_all && !slot_find(e, s->row.parent)))
        return;
    struct pending *p = pending_new(e, FLOW_CONTINUE);
    p->resume = true;
    p->ask = ASK_AWAITED;
    p->other = s->key;
    p->other_id = s->row.id;
    p->input.step = s->row.parent_task - 1;
    engine_give(e, s->row.parent, p);
}

void nested_answer(struct run_slot *s, struct pending *p)
{
    bool ended = run_status(s->run) != FLOW_RUNNING;
    if (p->ask == ASK_OUTCOME && ended) {
        nested_tell_ended(s, p->other, p->input.step, p->input.attempt);
        nested_tell_watchers(s);
    }
    if (p->ask != ASK_AWAITED)
        return;
    nested_resolve(s, p);
    if (ended || !p->input.attempt)
        nested_stop(s->engine, p->other);
}

void nested_answer_ended(struct run_slot *s, struct pending *p, const struct err *err)
{
    bool gone = !err || err->code == ERR_NOT_FOUND;
    if (s->run && !err)
        nested_answer(s, p);
    else if (p->ask == ASK_AWAITED && gone)
        nested_stop(s->engine, p->other);
}
