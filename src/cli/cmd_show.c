#include "cli/layout.h"
#include "cli/plan_page.h"
#include "cli/render.h"
#include "cli/show_state.h"
#include "os/clock.h"

enum {
    VALUE_SHOWN_MAX = 2000, /* characters of an input or output, without --json */
    TAIL_LINES = 5,
    TAIL_LINES_VERBOSE = 40,
};

/* ---- JSON ---- */

static void add_error(struct json_object_builder *b, bool has_error, struct str error,
                      bool has_cause, struct str cause)
{
    if (has_error)
        json_object_add(b, STR("error"), json_string(error));
    if (has_cause)
        json_object_add(b, STR("cause"), json_string(cause));
}

static void add_times(struct json_object_builder *b, struct arena *a, struct wall_ms started,
                      struct wall_ms stopped)
{
    json_object_add(b, STR("startedAt"), time_shown(a, started));
    if (stopped.ms)
        json_object_add(b, STR("stoppedAt"), time_shown(a, stopped));
}

static struct json attempt_json(struct arena *a, const struct step_attempt *attempt)
{
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("number"), json_int(attempt->number));
    json_object_add(&b, STR("generation"), json_int(attempt->generation));
    json_object_add(&b, STR("status"), json_string(str_of_cstr(step_status_name(attempt->status))));
    add_times(&b, a, attempt->started_at, attempt->stopped_at);
    add_error(&b, attempt->has_error, attempt->error, attempt->has_cause, attempt->cause);
    json_object_add(&b, STR("log"), attempt->log);
    return json_object_done(&b);
}

static struct json step_json(struct arena *a, const struct step_layout *l, const struct step *step,
                             const struct show_state *state)
{
    struct json_object_builder b = json_object_builder(a);
    struct str context = step_context(l, step);
    json_object_add(&b, STR("index"), json_int(step->index));
    json_object_add(&b, STR("generation"), json_int(step->generation));
    json_object_add(&b, STR("stale"), json_bool(state->stale[step->index]));
    int64_t number = step_number_in(l, step);
    json_object_add(&b, STR("number"), number ? json_int(number) : JSON_NONE);
    json_object_add(&b, STR("path"), json_string(step->path));
    json_object_add(&b, STR("state"), json_string(step->state->name));
    json_object_add(&b, STR("type"), json_string(state_type_name(step->state->type)));
    json_object_add(&b, STR("status"), json_string(str_of_cstr(step_status_name(step->status))));
    json_object_add(&b, STR("takenOver"), step->taken_over ? json_bool(true) : JSON_NONE);
    if (context.len)
        json_object_add(&b, STR("context"), json_string(context));
    add_times(&b, a, step->started_at, step->stopped_at);
    json_object_add(&b, STR("parameters"), state->params[step->index]);
    json_object_add(&b, STR("input"), step->input);
    json_object_add(&b, STR("output"), step->output);
    add_error(&b, step->has_error, step->error, step->has_cause, step->cause);
    if (step->children_total) {
        json_object_add(&b, STR("childrenTotal"), json_int(step->children_total));
        json_object_add(&b, STR("childrenDone"), json_int(step->children_done));
    }
    struct json_array_builder attempts = json_array_builder(a);
    for (size_t i = 0; i < step->attempt_count; i++)
        json_array_add(&attempts, attempt_json(a, &step->attempts[i]));
    json_object_add(&b, STR("attempts"), json_array_done(&attempts));
    return json_object_done(&b);
}

static void add_state(struct json_object_builder *b, const struct story *s,
                      const struct show_state *state)
{
    struct arena *a = s->arena;
    struct json_array_builder reviews = json_array_builder(a), related = json_array_builder(a);
    json_object_add(b, STR("redriveCount"), json_int(s->row.redrive_count));
    if (s->row.redriven_at.ms)
        json_object_add(b, STR("redrivenAt"), time_shown(a, s->row.redriven_at));
    if (state->pause.asked)
        json_object_add(b, STR("paused"), json_string(state->pause.text));
    for (size_t i = 0; i < state->review_count; i++)
        json_array_add(&reviews, json_int(state->reviews[i].step));
    json_object_add(b, STR("reviews"), json_array_done(&reviews));
    for (size_t i = 0; i < state->related_count; i++)
        json_array_add(&related,
                       json_object_with(a, execution_shown(a, &state->related[i].row), STR("is"),
                                        json_string(str_of_cstr(state->related[i].is))));
    json_object_add(b, STR("related"), json_array_done(&related));
}

static void print_json(struct out *o, const struct story *s, const struct show_state *state)
{
    struct arena *a = s->arena;
    const struct step_layout layout = step_layout_of(s->machine);
    struct json_object_builder b = json_object_builder(a), execution = json_object_builder(a);
    struct json row = execution_shown(a, &s->row);
    struct str error = {0}, cause = {0};
    for (size_t i = 0; i < json_count(row); i++)
        json_object_add(&execution, json_str(json_members(row)[i].key), json_members(row)[i].value);
    bool has_error = run_error(s->run, &error), has_cause = run_cause(s->run, &cause);
    json_object_add(&execution, STR("input"), run_input(s->run));
    json_object_add(&execution, STR("output"), run_output(s->run));
    add_error(&execution, has_error, error, has_cause, cause);
    add_state(&execution, s, state);
    struct json_array_builder steps = json_array_builder(a);
    for (size_t i = 0; i < s->steps.count; i++)
        json_array_add(&steps, step_json(a, &layout, &s->steps.items[i], state));
    json_object_add(&b, STR("execution"), json_object_done(&execution));
    json_object_add(&b, STR("steps"), json_array_done(&steps));
    json_write_pretty(&o->buf, json_object_done(&b));
    out_text(o, "\n");
}

/* ---- for people ---- */

struct page {
    struct out *out;
    const struct story *story;
    const struct show_state *state;
    struct arena *arena;
    struct wall_ms now;
    bool verbose;
    struct step_layout layout;
};

static void print_fact(const struct page *p, const char *name, struct str text)
{
    out_style(p->out, STYLE_DIM);
    out_printf(p->out, "  %-9s", name);
    out_style(p->out, STYLE_OFF);
    out_foreign(p->out, text, p->verbose ? 0 : VALUE_SHOWN_MAX);
    out_text(p->out, "\n");
}

static void print_value(const struct page *p, const char *name, struct json value)
{
    if (!json_is_absent(value))
        print_fact(p, name, json_text(p->arena, value));
}

static void print_related(const struct page *p)
{
    for (size_t i = 0; i < p->state->related_count; i++) {
        const struct show_related *r = &p->state->related[i];
        char id[UUID_TEXT_LEN];
        uuid_format(r->row.id, id);
        print_fact(p, i ? "" : "related",
                   arena_printf(p->arena, "%s %.*s%s" STR_FMT ", %s", r->is, UUID_TEXT_LEN, id,
                                r->row.client_named ? " " : "",
                                STR_ARG(r->row.client_named ? r->row.name : STR("")),
                                execution_status_name(r->row.status)));
    }
}

/* What it stands for. */
static void print_waits(const struct page *p)
{
    const struct show_state *state = p->state;
    const struct step_list *steps = &p->story->steps;
    bool holds;
    if (!json_is_absent(state->checks))
        print_fact(p, "checked", checks_summary(p->arena, state->checks, &holds));
    if (state->rerunning)
        print_fact(p, "reruns", steps->items[state->rerun_step].state->name);
    if (state->pause.asked)
        print_fact(p, state->pause.quiet ? "paused" : "pausing",
                   state->pause.text.len ? state->pause.text : STR("as asked"));
    for (size_t i = 0; i < state->review_count; i++) {
        const struct show_review *review = &state->reviews[i];
        print_fact(p, "review",
                   arena_printf(p->arena, "step %lld " STR_FMT "%s" STR_FMT,
                                (long long)step_number_in(&p->layout, &steps->items[review->step]),
                                STR_ARG(steps->items[review->step].state->name),
                                review->message.len ? ": " : " waits for a decision",
                                STR_ARG(review->message)));
    }
}

static void print_head(const struct page *p)
{
    const struct execution_row *row = &p->story->row;
    struct wall_ms end = row->stopped_at.ms ? row->stopped_at : p->now;
    struct cell mark = mark_of_execution(row->status);
    char id[UUID_TEXT_LEN];
    uuid_format(row->id, id);
    out_style(p->out, mark.style);
    out_foreign(p->out, mark.text, 0);
    out_style(p->out, STYLE_BOLD);
    out_text(p->out, " ");
    out_foreign(p->out, row->machine_name, 0);
    out_style(p->out, STYLE_OFF);
    out_printf(p->out, "  %s %s " STR_FMT "\n", execution_status_name(row->status),
               row->status == EXECUTION_RUNNING ? "for" : "after",
               STR_ARG(duration_text(p->arena, end.ms - row->started_at.ms)));
    print_fact(p, "id", str_of(id, UUID_TEXT_LEN));
    if (row->client_named)
        print_fact(p, "name", row->name);
    print_fact(p, "started", time_text(p->arena, row->started_at));
    if (row->redrive_count)
        print_fact(p, "resumed",
                   arena_printf(p->arena, "%u %s, last " STR_FMT, row->redrive_count,
                                row->redrive_count == 1 ? "time" : "times",
                                STR_ARG(time_text(p->arena, row->redriven_at))));
    print_related(p);
    print_waits(p);
    print_value(p, "input", run_input(p->story->run));
    print_value(p, "output", run_output(p->story->run));
}

/* What of its parameters tells a context from the other: short ones that are no objects. */
static void print_context(const struct page *p, const struct step *step)
{
    enum {
        VALUE_MAX = 60,
        LINE_INDENT = 9,
    };
    struct str context = step_context(&p->layout, step);
    struct json params = p->state->params[step->index];
    struct buf line = BUF_INIT(0);
    if (!context.len || !json_count(params) || !json_is_object(params))
        return;
    buf_printf(&line, "context " STR_FMT, STR_ARG(context));
    for (size_t i = 0; i < json_count(params); i++) {
        struct json value = json_members(params)[i].value;
        if (json_is_object(value) || json_is_array(value))
            continue;
        struct str text = json_is_string(value) ? json_str(value) : json_text(p->arena, value);
        if (text.len <= VALUE_MAX)
            buf_printf(&line, "  " STR_FMT "=" STR_FMT,
                       STR_ARG(json_str(json_members(params)[i].key)), STR_ARG(text));
    }
    out_style(p->out, STYLE_DIM);
    out_printf(p->out, "%*s", LINE_INDENT, "");
    out_foreign(p->out, buf_str(&line),
                p->out->width > LINE_INDENT ? p->out->width - LINE_INDENT : 0);
    out_style(p->out, STYLE_OFF);
    out_text(p->out, "\n");
    buf_release(&line);
}

static void print_attempt(const struct page *p, const struct step_attempt *attempt)
{
    struct wall_ms end = attempt->stopped_at.ms ? attempt->stopped_at : p->now;
    out_style(p->out, STYLE_DIM);
    out_printf(p->out, "         attempt %u%s: %s, " STR_FMT "%s", attempt->number,
               attempt->generation ? " (again)" : "", step_status_name(attempt->status),
               STR_ARG(duration_text(p->arena, end.ms - attempt->started_at.ms)),
               attempt->has_error ? ", " : "");
    out_foreign(p->out, attempt->error, 80);
    out_style(p->out, STYLE_OFF);
    out_text(p->out, "\n");
}

/* What the last failed attempt said, or with --verbose each. */
static void print_attempts(const struct page *p, const struct step *step)
{
    for (size_t i = 0; i < step->attempt_count; i++) {
        const struct step_attempt *attempt = &step->attempts[i];
        bool failed = attempt->status == STEP_FAILURE || attempt->status == STEP_TIMED_OUT;
        if (step->attempt_count > 1)
            print_attempt(p, attempt);
        if (p->verbose || (failed && i + 1 == step->attempt_count))
            print_log_tail(p->out, "         ", attempt->log,
                           p->verbose ? TAIL_LINES_VERBOSE : TAIL_LINES);
    }
}

static void print_recovered(const struct page *p, const struct step *step)
{
    struct out *o = p->out;
    struct str skipped = step_skip_words(step);
    if (skipped.len)
        out_printf(o, "  " STR_FMT, STR_ARG(skipped));
    if (step->generation)
        out_printf(o, "  done again%s", step->generation > 1 ? " " : "");
    if (step->generation > 1)
        out_printf(o, "%u times", step->generation);
    if (!p->state->stale[step->index])
        return;
    out_style(o, STYLE_BUSY);
    out_text(o, "  stale: a step before it was run again since");
    out_style(o, STYLE_OFF);
}

static void print_step(const struct page *p, const struct step *step)
{
    struct out *o = p->out;
    out_text(o, "  ");
    print_step_head(o, &p->layout, step, mark_of_step(step->status), true);
    print_step_time(o, step, p->now);
    if (step->children_total)
        out_printf(o, "  %lld of %lld", (long long)step->children_done,
                   (long long)step->children_total);
    else if (step->attempt_count > 1)
        out_printf(o, "  %zu attempts", step->attempt_count);
    print_recovered(p, step);
    out_text(o, "\n");
    print_context(p, step);
    if (step->has_error || step->has_cause)
        print_error(o, "         ", step->has_error, step->error, step->has_cause, step->cause);
    print_attempts(p, step);
    if (p->verbose) {
        out_text(o, "       ");
        print_value(p, "input", step->input);
        if (!json_is_absent(step->output))
            out_text(o, "       ");
        print_value(p, "output", step->output);
    }
}

/* Then it need not be told again. */
static bool told_by_a_step(const struct story *s, struct str error)
{
    for (size_t i = 0; i < s->steps.count; i++)
        if (s->steps.items[i].has_error && str_eq(s->steps.items[i].error, error))
            return true;
    return false;
}

static void print_try(const struct page *p, const struct cli *cli, const char *title,
                      const char *words, const char *after)
{
    out_printf(p->out, "  %s", title);
    print_next_command(p->out, cli, words, &p->story->row.id);
    out_style(p->out, STYLE_HELP);
    out_text(p->out, after);
    out_style(p->out, STYLE_OFF);
    out_text(p->out, "\n");
}

static void print_running_end(const struct page *p, const struct cli *cli)
{
    const struct show_state *state = p->state;
    if (state->review_count)
        print_try(p, cli, "Decide with: ", "pawl resume", " --approve, or --reject");
    else if (state->pause.asked)
        print_try(p, cli, "Go on with: ", "pawl resume", "");
    else
        print_try(p, cli, "Not running in any process? Go on with: ", "pawl run --resume", "");
}

static bool any_stale(const struct page *p)
{
    for (size_t i = 0; i < p->story->steps.count; i++)
        if (p->state->stale[i])
            return true;
    return false;
}

static void print_end(const struct page *p, const struct cli *cli)
{
    struct str error = {0}, cause = {0};
    const struct story *s = p->story;
    bool has_error = run_error(s->run, &error), has_cause = run_cause(s->run, &cause);
    if (s->row.status == EXECUTION_SUCCEEDED && !any_stale(p))
        return;
    out_text(p->out, "\n");
    if (s->row.status == EXECUTION_RUNNING) {
        print_running_end(p, cli);
        return;
    }
    if (any_stale(p))
        print_try(p, cli, "Bring what is stale up to date: ", "pawl rerun",
                  " --step STEP --cascade --dry-run");
    if (s->row.status == EXECUTION_SUCCEEDED)
        return;
    if (!told_by_a_step(s, error)) {
        print_error(p->out, "  ", has_error, error, has_cause, cause);
        out_text(p->out, "\n");
    }
    print_try(p, cli, "Go on from there: ", "pawl resume", " --dry-run");
    print_try(p, cli, "All events: ", "pawl history", "");
}

static void print_page(struct cli *cli, const struct story *s, const struct show_state *state)
{
    struct page p = {
        .out = &cli->out,
        .story = s,
        .state = state,
        .arena = cli->arena,
        .now = clock_wall(),
        .verbose = option_given(&cli->arguments, "--verbose"),
        .layout = step_layout_of(s->machine),
    };
    print_head(&p);
    if (s->steps.count)
        out_text(p.out, "\n");
    for (size_t i = 0; i < s->steps.count; i++)
        print_step(&p, &s->steps.items[i]);
    print_end(&p, cli);
}

static int show(struct cli *cli, const struct archive *archive, const struct execution_row *row)
{
    struct story story;
    struct show_state state;
    struct err err;
    if (!story_read(archive, row, &story, &err))
        return cli_fail(cli, NULL, &err);
    bool good = show_state_read(archive, &story, &state, &err);
    if (good && option_given(&cli->arguments, "--json"))
        print_json(&cli->out, &story, &state);
    else if (good)
        print_page(cli, &story, &state);
    story_release(&story);
    return good ? 0 : cli_fail(cli, NULL, &err);
}

static int run(struct cli *cli)
{
    struct archive archive;
    struct execution_row row;
    struct err err;
    if (!archive_open(cli, DATADIR_READ, &archive, &err))
        return cli_fail(cli, NULL, &err);
    int status =
        archive_find(cli, &archive, cli->arguments.count ? cli->arguments.items[0] : NULL, &row);
    if (status == 0)
        status = show(cli, &archive, &row);
    archive_close(&archive);
    return status;
}

static const struct option options[] = {
    {"--verbose", OPTION_FLAG, NULL, "Also the input and output of each step, and all of the logs",
     NULL},
    OPTION_JSON("everything as JSON"),
    OPTION_DATA,
    OPTION_END,
};

const struct command command_show = {
    .name = "show",
    .summary = "Show an execution, step by step",
    .arguments = "[ID]",
    .arguments_max = 1,
    .description =
        "ID is an execution's id, its ARN, its name, or the beginning of its id; without\n"
        "it, the newest execution. Works while the execution runs.\n",
    .examples = "pawl show\n"
                "pawl show order-17 --verbose\n"
                "pawl show 0193a5e2-7c --json\n",
    .options = options,
    .run = run,
};
