/* An execution as it stands: its state, its steps, its events. All of it is read from
 * the journal, so that nothing is shown that is not durable. */
#include "api/rest/resources.h"

#include "api/status.h"
#include "api/story.h"
#include "engine/messages.h"
#include "recovery/plan.h"

/* ---- the run state ---- */

/* "paused": why no further state is entered. */
static struct json paused_json(struct arena *a, const struct run *run)
{
    static const char *const whys[] = {"asked", "until_step", "until_phase"};
    static const char *const names[] = {"reason", "step", "phase"};
    struct flow_pause pause = run_pause(run);
    struct json_object_builder b = json_object_builder(a);
    if (run_status(run) != FLOW_RUNNING || !pause.asked)
        return JSON_NONE;
    json_object_add(&b, STR("why"), json_string(str_of_cstr(whys[pause.why])));
    if (pause.text.len)
        json_object_add(&b, str_of_cstr(names[pause.why]), json_string(pause.text));
    json_object_add(&b, STR("quiet"), json_bool(pause.quiet));
    return json_object_done(&b);
}

/* "reviews": what a person is to decide. */
static struct json reviews_json(struct arena *a, const struct run *run)
{
    const struct flow_review *reviews;
    size_t count = run_reviews(run, a, &reviews);
    struct json_array_builder list = json_array_builder(a);
    for (size_t i = 0; i < count; i++) {
        const struct flow_review *r = &reviews[i];
        struct json_object_builder b = json_object_builder(a);
        json_object_add(&b, STR("step"), json_int(r->step));
        json_object_add(&b, STR("step_name"), json_string(r->state->name));
        json_object_add(&b, STR("message"), r->message.len ? json_string(r->message) : JSON_NONE);
        json_object_add(&b, STR("asked_at"), time_json(a, r->entered_at));
        json_object_add(&b, STR("expires_at"), time_json(a, r->expires_at));
        json_object_add(&b, STR("data"), r->data);
        json_array_add(&list, json_object_done(&b));
    }
    return count ? json_array_done(&list) : JSON_NONE;
}

static void add_control(struct json_object_builder *b, const struct run *run)
{
    struct arena *a = b->arena;
    uint32_t step;
    uint32_t redrives = run_redrive_count(run);
    json_object_add(b, STR("paused"), paused_json(a, run));
    json_object_add(b, STR("reviews"), reviews_json(a, run));
    if (run_status(run) == FLOW_RUNNING && run_canceling(run))
        json_object_add(b, STR("canceling"), json_bool(true));
    if (run_rerun(run, &step))
        json_object_add(b, STR("rerun_step"), json_int(step));
    json_object_add(b, STR("redrive_count"), redrives ? json_int(redrives) : JSON_NONE);
    json_object_add(b, STR("redriven_at"), time_json(a, run_redriven_at(run)));
}

static bool went_wrong(const struct step *step)
{
    return step->status == STEP_FAILURE || step->status == STEP_TIMED_OUT ||
           step->status == STEP_CANCELED;
}

/* The newest that is under way; after a bad end, the newest that did not go well. */
static const struct step *current_step(const struct run *run, const struct step_list *list)
{
    enum flow_status status = run_status(run);
    for (size_t i = list->count; i > 0 && status != FLOW_SUCCEEDED; i--) {
        const struct step *step = &list->items[i - 1];
        if (status == FLOW_RUNNING ? step->status == STEP_RUNNING : went_wrong(step))
            return step;
    }
    return NULL;
}

static struct json type_json(const struct step *step)
{
    struct str own = step->state->type_label;
    return json_string(own.len ? own : state_type_name(step->state->type));
}

static struct json current_step_json(struct arena *a, const struct run *run,
                                     const struct step_list *list)
{
    const struct step *step = current_step(run, list);
    struct json_object_builder b = json_object_builder(a);
    if (!step)
        return JSON_NONE;
    struct str label = step->state->label.len ? step->state->label : step->state->name;
    json_object_add(&b, STR("index"), json_int(step->index));
    json_object_add(&b, STR("label"), json_string(label));
    json_object_add(&b, STR("step_name"), json_string(step->state->name));
    json_object_add(&b, STR("step_type"), type_json(step));
    json_object_add(&b, STR("path"), json_string(step->path));
    return json_object_done(&b);
}

struct json rest_state_json(struct arena *a, const struct execution_row *row, const struct run *run)
{
    struct json end = end_json(a, run), input = run_input(run);
    struct json error = json_get(end, STR("error"));
    struct execution_row now = *row;
    if (!row->express || run_status(run) != FLOW_RUNNING) { /* whose end is in the row alone */
        now.status = (enum execution_status)run_status(run);
        now.stopped_at = run_stopped_at(run);
        now.turns = run_turns(run);
    }
    struct json shown = execution_json(a, &now);
    struct json_object_builder b = json_object_builder(a);
    for (size_t i = 0; i < json_count(shown); i++)
        json_object_add(&b, json_str(json_members(shown)[i].key), json_members(shown)[i].value);
    json_object_put(
        &b, STR("status"),
        json_string(str_of_cstr(status_rest_name(
            now.status == EXECUTION_RUNNING ? status_of_run(run, a) : status_of_row(now.status)))));
    add_control(&b, run);
    json_object_add(&b, STR("trigger_data"), input);
    json_object_add(&b, STR("output"), json_get(end, STR("output")));
    json_object_add(&b, STR("error"), error);
    json_object_add(&b, STR("cause"), json_get(end, STR("cause")));
    if (now.status != EXECUTION_RUNNING && now.status != EXECUTION_SUCCEEDED)
        json_object_add(&b, STR("error_human"), json_string(message_of(json_str(error))));
    return json_object_done(&b);
}

/* ---- reading one ---- */

typedef void show(struct call *c, const struct story *story);

struct reading {
    struct story *story;
    struct execution_row row;
    show *show;
    int status;
    uint64_t from; /* events up to this number are left out */
    size_t limit;
    struct json_array_builder events;
    uint64_t last; /* of the events that were taken */
    bool more;
    struct json_array_builder related; /* executions that it was made of, and those made of it */
};

enum {
    RELATED_MAX = 100, /* of those made of it, as many as are told */
};

static void clean(void *work)
{
    const struct reading *r = work;
    story_close(r->story);
}

static void on_rested(void *arg, struct story *story, const struct err *err)
{
    struct call *c = arg;
    const struct reading *r = c->work;
    struct err empty;
    if (err) {
        call_fail(c, err);
    } else if (story_turns(story) == 0) {
        err_set(&empty, ERR_NOT_FOUND, "nothing is kept of execution " STR_FMT " but that it was",
                STR_ARG(r->row.name));
        call_fail(c, &empty);
    } else {
        r->show(c, story);
    }
}

static struct reading *reading_new(struct call *c, show *what)
{
    struct reading *r = ARENA_NEW(c->arena, struct reading);
    r->show = what;
    r->status = 200;
    r->limit = SIZE_MAX;
    c->work = r;
    c->clean = clean;
    return r;
}

static void read_story(struct call *c, const struct execution_row *row, story_turn *turn)
{
    struct reading *r = c->work;
    r->row = *row;
    r->story = story_new(c->api, row, turn, on_rested, c);
    story_advance(r->story);
}

/* ---- GET /executions/{id} ---- */

static void show_state(struct call *c, const struct story *story)
{
    const struct reading *r = c->work;
    const struct run *run = story_run(story);
    struct json state = rest_state_json(c->arena, &r->row, run);
    struct json related = json_array_done(&r->related);
    struct json step = current_step_json(c->arena, run, story_steps(story));
    if (!json_is_absent(step))
        state = json_object_with(c->arena, state, STR("current_step"), step);
    if (json_count(related))
        state = json_object_with(c->arena, state, STR("related"), related);
    call_answer(c, r->status, state);
}

static void add_related(struct call *c, const struct execution_row *row, struct str relation)
{
    struct reading *r = c->work;
    struct json_object_builder b = json_object_builder(c->arena);
    const struct execution_row *kept = call_keep_row(c, row);
    json_object_add(&b, STR("relation"), json_string(relation));
    json_object_add(&b, STR("execution_arn"), json_string(kept->arn));
    json_object_add(&b, STR("id"), id_json(c->arena, kept->id));
    json_object_add(&b, STR("name"), json_string(kept->name));
    json_array_add(&r->related, json_object_done(&b));
}

/* What was made of it. */
static void made_of_it_read(void *owner, struct errand *e, const struct err *err)
{
    struct call *c = owner;
    const struct reading *r = c->work;
    if (err) {
        call_fail(c, err);
        return;
    }
    for (size_t i = 0; i < e->read.count; i++)
        add_related(c, &e->read.executions[i],
                    e->read.executions[i].relation == RELATION_RESTARTS ? STR("restarted_by")
                                                                        : STR("reused_by"));
    read_story(c, &r->row, story_read_on);
}

static void read_made_of_it(struct call *c)
{
    const struct reading *r = c->work;
    struct errand *e = call_errand(c, made_of_it_read);
    e->read.related = r->row.key;
    e->read.rows_max = RELATED_MAX;
    errand_read(e, STORE_LIST_RELATED);
}

/* What it was made of; that may have been removed since. */
static void origin_read(void *owner, struct errand *e, const struct err *err)
{
    struct call *c = owner;
    const struct reading *r = c->work;
    if (err && err->code != ERR_NOT_FOUND) {
        call_fail(c, err);
        return;
    }
    if (!err)
        add_related(c, &e->read.executions[0],
                    str_of_cstr(execution_relation_name(r->row.relation)));
    read_made_of_it(c);
}

void rest_answer_state(struct call *c, const struct execution_row *row, int status)
{
    struct reading *r = reading_new(c, show_state);
    r->status = status;
    r->row = *row;
    r->related = json_array_builder(c->arena);
    if (!row->related) {
        read_made_of_it(c);
        return;
    }
    struct errand *e = call_errand(c, origin_read);
    e->read.key = row->related;
    errand_read(e, STORE_GET_EXECUTION);
}

bool rest_take_wait(struct call *c, uint32_t *ret_seconds)
{
    struct str text;
    struct err err;
    int64_t seconds = 0;
    if (call_query(c, STR("wait"), &text) &&
        (!str_to_int64(text, &seconds) || seconds < 0 || seconds > REST_WAIT_SECONDS_MAX)) {
        err_set(&err, ERR_USAGE, "wait must be a number of seconds from 0 to %d",
                REST_WAIT_SECONDS_MAX);
        call_fail(c, &err);
        return false;
    }
    *ret_seconds = (uint32_t)seconds;
    return true;
}

static void state_found(struct call *c, const struct execution_row *row)
{
    const uint32_t *seconds = c->work;
    if (row->status == EXECUTION_RUNNING && *seconds)
        wait_begin(c, row, *seconds, false, 200);
    else
        rest_answer_state(c, row, 200);
}

void rest_state(struct call *c)
{
    uint32_t *seconds = ARENA_NEW(c->arena, uint32_t);
    c->work = seconds;
    if (rest_take_wait(c, seconds))
        call_find(c, c->parameters[0], state_found);
}

/* ---- GET /executions/{id}/steps ---- */

/* "Name: cause", or what there is of it. */
static struct json error_tech(struct arena *a, bool has_error, struct str error, bool has_cause,
                              struct str cause)
{
    if (!has_error && !has_cause)
        return JSON_NONE;
    return json_stringf(a, STR_FMT "%s" STR_FMT, STR_ARG(error), has_error && has_cause ? ": " : "",
                        STR_ARG(cause));
}

static struct json error_human(enum step_status status, struct str error)
{
    bool bad = status == STEP_FAILURE || status == STEP_TIMED_OUT;
    return bad ? json_string(message_of(error)) : JSON_NONE;
}

static struct json attempts_json(struct arena *a, const struct step *step)
{
    struct json_array_builder attempts = json_array_builder(a);
    for (size_t i = 0; i < step->attempt_count; i++) {
        const struct step_attempt *at = &step->attempts[i];
        struct json_object_builder b = json_object_builder(a);
        json_object_add(&b, STR("number"), json_int(at->number));
        json_object_add(&b, STR("generation"), json_int(at->generation));
        json_object_add(&b, STR("status"), json_string(str_of_cstr(step_status_name(at->status))));
        json_object_add(&b, STR("started_at"), time_json(a, at->started_at));
        json_object_add(&b, STR("completed_at"), time_json(a, at->stopped_at));
        json_object_add(&b, STR("error_human"), error_human(at->status, at->error));
        json_object_add(&b, STR("error_tech"),
                        error_tech(a, at->has_error, at->error, at->has_cause, at->cause));
        json_object_add(&b, STR("log"), at->log);
        json_array_add(&attempts, json_object_done(&b));
    }
    return json_array_done(&attempts);
}

static struct json shown_step(struct arena *a, const struct step *step, bool stale)
{
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("step_index"), json_int(step->index));
    json_object_add(&b, STR("step_order"), json_int((int64_t)step->index + 1));
    json_object_add(&b, STR("step_name"), json_string(step->state->name));
    json_object_add(&b, STR("step_type"), type_json(step));
    json_object_add(&b, STR("x_step"), step_x_number(step));
    json_object_add(&b, STR("path"), json_string(step->path));
    json_object_add(&b, STR("generation"), json_int(step->generation));
    json_object_add(&b, STR("status"), json_string(str_of_cstr(step_status_name(step->status))));
    json_object_add(&b, STR("taken_over"), step->taken_over ? json_bool(true) : JSON_NONE);
    json_object_add(&b, STR("stale"), stale ? json_bool(true) : JSON_NONE);
    json_object_add(&b, STR("data_in"), step->input);
    json_object_add(&b, STR("data_out"), step->output);
    json_object_add(&b, STR("error_human"), error_human(step->status, step->error));
    json_object_add(&b, STR("error_tech"),
                    error_tech(a, step->has_error, step->error, step->has_cause, step->cause));
    json_object_add(&b, STR("started_at"), time_json(a, step->started_at));
    json_object_add(&b, STR("completed_at"), time_json(a, step->stopped_at));
    if (step->children_total) {
        json_object_add(&b, STR("children_total"), json_int(step->children_total));
        json_object_add(&b, STR("children_done"), json_int(step->children_done));
    }
    json_object_add(&b, STR("attempts"), attempts_json(a, step));
    return json_object_done(&b);
}

struct json rest_steps_json(struct arena *a, const struct step_list *list)
{
    struct json_array_builder steps = json_array_builder(a);
    bool *stale = ARENA_ARRAY(a, bool, list->count);
    steps_stale(list, stale);
    for (size_t i = 0; i < list->count; i++)
        json_array_add(&steps, shown_step(a, &list->items[i], stale[i]));
    return json_array_done(&steps);
}

static void show_steps(struct call *c, const struct story *story)
{
    struct json_object_builder b = json_object_builder(c->arena);
    json_object_add(&b, STR("steps"), rest_steps_json(c->arena, story_steps(story)));
    call_answer(c, 200, json_object_done(&b));
}

static void steps_found(struct call *c, const struct execution_row *row)
{
    reading_new(c, show_steps);
    read_story(c, row, story_read_on);
}

void rest_steps(struct call *c)
{
    call_find(c, c->parameters[0], steps_found);
}

/* ---- GET /executions/{id}/history ---- */

static void show_events(struct call *c, const struct story *story)
{
    struct reading *r = c->work;
    struct json_object_builder b = json_object_builder(c->arena);
    (void)story;
    json_object_add(&b, STR("events"), json_array_done(&r->events));
    if (r->more)
        json_object_add(&b, STR("next"), json_int((int64_t)r->last));
    call_answer(c, 200, json_object_done(&b));
}

/* A full page needs no later turns. */
static bool on_events(void *arg, struct story *story, const struct journal_turn *turn)
{
    struct call *c = arg;
    struct reading *r = c->work;
    uint64_t first = story_events(story) - turn->count + 1;
    for (size_t i = 0; i < turn->count; i++) {
        if (first + i <= r->from)
            continue;
        r->more = r->limit == 0;
        if (r->more) {
            show_events(c, story);
            return false;
        }
        json_array_add(&r->events, event_json(c->arena, story_run(story), &turn->events[i],
                                              turn->at, first + i, true));
        r->last = first + i;
        r->limit--;
    }
    return true;
}

static void history_found(struct call *c, const struct execution_row *row)
{
    read_story(c, row, on_events);
}

static bool take_number(const struct call *c, struct str name, int64_t max, int64_t *ret_number)
{
    struct str text;
    return !call_query(c, name, &text) ||
           (str_to_int64(text, ret_number) && *ret_number >= 0 && *ret_number <= max);
}

void rest_history(struct call *c)
{
    struct reading *r = reading_new(c, show_events);
    int64_t from = 0, limit = API_HISTORY_PAGE_MAX;
    struct err err;
    if (!take_number(c, STR("from"), INT64_MAX, &from) ||
        !take_number(c, STR("limit"), API_HISTORY_PAGE_MAX, &limit) || limit == 0) {
        err_set(&err, ERR_USAGE, "from must be the number of an event, and limit from 1 to %d",
                API_HISTORY_PAGE_MAX);
        call_fail(c, &err);
        return;
    }
    r->from = (uint64_t)from;
    r->limit = (size_t)limit;
    r->events = json_array_builder(c->arena);
    call_find(c, c->parameters[0], history_found);
}
