/* DescribeExecution: the row, with the input from the first turn and the end from
 * the last. What it ended with may refer to values of any turn, so all are read.
 * A rerun of one step is described as an execution of its own (api/rerun.h). */
#include "api/aws/operations.h"

#include "api/rerun.h"
#include "api/story.h"
#include "os/clock.h"

struct describe {
    struct execution_row row;
    bool data;
    struct arena *values; /* owned; of the turns */
    struct journal_reader *reader;
    uint32_t turns;
    size_t events;                 /* of all kinds */
    bool full;                     /* its history: it cannot be redriven */
    struct flow_event first, last; /* last: that ended it */
    struct rerun *rerun;           /* the one that is described; NULL: the execution itself */
    struct story *story;
};

static void clean(void *work)
{
    const struct describe *d = work;
    arena_free(d->values);
    story_close(d->story);
}

/* "input" as JSON text, and "inputDetails". */
static void add_data(struct json_object_builder *b, const struct describe *d, struct str name,
                     struct str details, struct json value)
{
    struct json_object_builder included = json_object_builder(b->arena);
    if (json_is_absent(value))
        return;
    json_object_add(&included, STR("included"), json_bool(d->data));
    if (d->data)
        json_object_add(b, name, json_string(json_text(b->arena, value)));
    json_object_add(b, details, json_object_done(&included));
}

/* As RedriveExecution would refuse it; empty: it would not. */
static struct str not_redrivable(const struct call *c, const struct execution_row *row)
{
    const struct describe *d = c->work;
    int64_t window = engine_redrive_window(c->api->options.engine);
    if (row->status == EXECUTION_RUNNING || row->status == EXECUTION_SUCCEEDED)
        return arena_printf(c->arena, "Execution is %s and cannot be redriven",
                            execution_status_name(row->status));
    if (window && clock_wall().ms > row->stopped_at.ms + window)
        return STR("Execution redrivable period exceeded");
    if (d->full)
        return STR("Execution history event limit exceeded");
    return STR("");
}

static void add_redrive(struct json_object_builder *b, const struct execution_row *row,
                        struct str why_not)
{
    json_object_add(b, STR("redriveCount"), json_int(row->redrive_count));
    json_object_add(b, STR("redriveDate"), aws_time(row->redriven_at));
    json_object_add(b, STR("redriveStatus"),
                    json_string(why_not.len ? STR("NOT_REDRIVABLE") : STR("REDRIVABLE")));
    if (why_not.len)
        json_object_add(b, STR("redriveStatusReason"), json_string(why_not));
}

static void answer(struct call *c)
{
    const struct describe *d = c->work;
    const struct execution_row *row = &d->row;
    struct json_object_builder b = json_object_builder(c->arena);
    struct json origin = aws_origin(c, row);
    bool ended = row->status != EXECUTION_RUNNING;
    bool succeeded = row->status == EXECUTION_SUCCEEDED;
    json_object_add(&b, STR("executionArn"), json_string(row->arn));
    json_object_add(&b, STR("stateMachineArn"), json_string(row->machine_arn));
    json_object_add(&b, STR("stateMachineVersionArn"), json_get(origin, STR("version")));
    json_object_add(&b, STR("stateMachineAliasArn"), json_get(origin, STR("alias")));
    json_object_add(&b, STR("traceHeader"), json_get(origin, STR("trace")));
    json_object_add(&b, STR("name"), json_string(row->name));
    json_object_add(&b, STR("status"),
                    json_string(str_of_cstr(execution_status_name(row->status))));
    json_object_add(&b, STR("startDate"), aws_time(row->started_at));
    json_object_add(&b, STR("stopDate"), aws_time(row->stopped_at));
    add_data(&b, d, STR("input"), STR("inputDetails"), d->first.value.value);
    if (succeeded)
        add_data(&b, d, STR("output"), STR("outputDetails"), d->last.value.value);
    if (ended && !succeeded) {
        json_object_add(&b, STR("error"), error_json(d->last.has_error, d->last.error));
        json_object_add(&b, STR("cause"), error_json(d->last.has_cause, d->last.cause));
    }
    add_redrive(&b, row, not_redrivable(c, row));
    call_answer(c, 200, json_object_done(&b));
}

/* ---- a rerun ---- */

static void answer_rerun(struct call *c)
{
    const struct describe *d = c->work;
    const struct rerun *r = d->rerun;
    const struct execution_row *row = &d->row;
    const struct flow_event *last = &r->last.event;
    enum execution_status status = rerun_status(r);
    struct json_object_builder b = json_object_builder(c->arena);
    json_object_add(&b, STR("executionArn"), json_string(rerun_arn(c->arena, row->arn, r->number)));
    json_object_add(&b, STR("stateMachineArn"), json_string(row->machine_arn));
    json_object_add(&b, STR("name"), json_string(rerun_arn(c->arena, row->name, r->number)));
    json_object_add(&b, STR("status"), json_string(str_of_cstr(execution_status_name(status))));
    json_object_add(&b, STR("startDate"), aws_time(r->first.at));
    json_object_add(&b, STR("stopDate"), aws_time(r->last.at));
    add_data(&b, d, STR("input"), STR("inputDetails"), rerun_input(r, row, c->arena));
    add_data(&b, d, STR("output"), STR("outputDetails"), rerun_output(r));
    if (status == EXECUTION_FAILED) {
        json_object_add(&b, STR("error"), error_json(last->has_error, last->error));
        json_object_add(&b, STR("cause"), error_json(last->has_cause, last->cause));
    }
    add_redrive(&b, &(struct execution_row){0}, STR("Execution is a rerun of one step"));
    call_answer(c, 200, json_object_done(&b));
}

static bool on_turn(void *arg, struct story *story, const struct journal_turn *turn)
{
    const struct call *c = arg;
    const struct describe *d = c->work;
    (void)story;
    rerun_take(d->rerun, turn);
    return true;
}

static void on_rested(void *arg, struct story *story, const struct err *err)
{
    struct call *c = arg;
    const struct describe *d = c->work;
    (void)story;
    if (err)
        call_fail(c, err);
    else if (!d->rerun->began)
        call_not_found(c);
    else
        answer_rerun(c);
}

/* ---- reading ---- */

static bool is_end(const struct flow_event *event)
{
    return event->kind >= EVENT_EXECUTION_SUCCEEDED && event->kind <= EVENT_EXECUTION_ABORTED;
}

static bool take_turns(struct describe *d, const struct store_read *read, struct err *reterr)
{
    for (size_t i = 0; i < read->count; i++) {
        const struct turn_row *row = &read->turns[i];
        const struct journal_row journal = {row->turn, row->rules_version, row->cause,
                                            row->at,   row->body,          row->checksum};
        struct journal_turn turn;
        if (!journal_read(d->reader, &journal, &turn, reterr))
            return false;
        if (turn.count && d->turns == 0)
            d->first = turn.events[0];
        for (size_t k = 0; k < turn.count; k++)
            if (is_end(&turn.events[k]))
                d->last = turn.events[k];
        d->turns++;
        d->events += turn.count;
    }
    if (arena_used(d->values) > API_STORY_SIZE_MAX)
        return err_set(reterr, ERR_TOO_LARGE,
                       "this execution takes more than %d bytes of memory (limit story_max)",
                       API_STORY_SIZE_MAX);
    return true;
}

/* ---- is the history full? Events get their ids when the journal is folded, which only an
 * execution needs that has enough of them, those without an id counted in ---- */

static bool may_be_full(const struct call *c)
{
    const struct describe *d = c->work;
    return d->row.status != EXECUTION_RUNNING && d->row.status != EXECUTION_SUCCEEDED &&
           engine_history_is_full(c->api->options.engine, d->events);
}

static void on_all_counted(void *arg, struct story *story, const struct err *err)
{
    struct call *c = arg;
    struct describe *d = c->work;
    if (err) {
        call_fail(c, err);
        return;
    }
    d->full = engine_history_is_full(c->api->options.engine, run_history_count(story_run(story)));
    answer(c);
}

static void count_history(struct call *c)
{
    struct describe *d = c->work;
    d->story = story_new(c->api, &d->row, story_read_on, on_all_counted, c);
    story_advance(d->story);
}

/* ---- all turns ---- */

static void read_turns(struct call *c);

static void turns_read(void *owner, struct errand *e, const struct err *err)
{
    struct call *c = owner;
    struct describe *d = c->work;
    struct err damage;
    if (!err && !take_turns(d, &e->read, &damage))
        err = &damage;
    if (err)
        call_fail(c, err);
    else if (e->read.more && d->row.status != EXECUTION_RUNNING)
        read_turns(c);
    else if (may_be_full(c))
        count_history(c);
    else
        answer(c);
}

static void read_turns(struct call *c)
{
    const struct describe *d = c->work;
    struct errand *e = call_errand(c, turns_read);
    e->read.key = d->row.key;
    e->read.turn = d->turns;
    if (d->row.status == EXECUTION_RUNNING)
        e->read.rows_max = 1;
    errand_read(e, STORE_GET_TURNS);
}

static void found(struct call *c, const struct execution_row *row)
{
    struct describe *d = c->work;
    d->row = *row;
    if (call_rerun(c)) {
        d->rerun = rerun_new(c->arena, call_rerun(c));
        d->story = story_new(c->api, row, on_turn, on_rested, c);
        story_advance(d->story);
        return;
    }
    d->values = arena_new(0);
    d->reader = journal_reader_new(d->values);
    read_turns(c);
}

void aws_describe_execution(struct call *c)
{
    struct describe *d = c->work = ARENA_NEW(c->arena, struct describe);
    struct arn arn;
    c->clean = clean;
    d->data = !str_eq(aws_text(c, "includedData"), STR("METADATA_ONLY"));
    if (aws_take_arn(c, "executionArn", ARN_IS_EXECUTION, &arn))
        call_find_rerun(c, arn.text, found);
}
