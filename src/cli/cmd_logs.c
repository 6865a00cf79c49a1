#include "cli/layout.h"
#include "cli/log_feed.h"
#include "cli/render.h"
#include "cli/story.h"
#include "os/clock.h"

enum {
    ATTEMPTS_ASKED_MAX = 1000000000,
};

/* Which attempts are asked for. */
struct wanted {
    const char *step;     /* a number or a name; NULL: every */
    int64_t step_number;  /* 0: `step` is no number, or not the number of a step */
    uint32_t attempt;     /* 0: every */
    const struct step *a; /* that fits, when none of them has what is asked */
};

/* ---- choosing ---- */

/* Wait, Pass, Choice do no work that could say anything; what a Map or Parallel says,
 * its inner steps say. */
static bool does_work(const struct step *step)
{
    return step->state->type == STATE_TASK;
}

static bool step_fits(const struct wanted *w, const struct step_layout *l, const struct step *step)
{
    struct str name = str_of_cstr(w->step);
    if (!w->step)
        return true;
    if (w->step_number)
        return step_number_in(l, step) == w->step_number;
    return str_eq(step->state->name, name) || str_eq(step->path, name);
}

static bool attempt_fits(const struct wanted *w, const struct step_attempt *attempt)
{
    return !w->attempt || attempt->number == w->attempt;
}

static bool wanted_of(const struct cli *cli, struct wanted *ret, struct err *reterr)
{
    const char *attempt = option_text(&cli->arguments, "--attempt");
    struct wanted w = {.step = option_text(&cli->arguments, "--step")};
    int64_t number = 0;
    if (attempt &&
        (!str_to_int64(str_of_cstr(attempt), &number) || number < 1 || number > ATTEMPTS_ASKED_MAX))
        return err_set(reterr, ERR_USAGE, "--attempt takes a number from 1, not \"%s\"", attempt);
    w.attempt = (uint32_t)number;
    *ret = w;
    return true;
}

/* A name made of digits is still a name where no step has that number. */
static void find_number(struct wanted *w, const struct story *s, const struct step_layout *l)
{
    int64_t number = 0;
    if (!w->step || !str_to_int64(str_of_cstr(w->step), &number) || number < 1)
        return;
    for (size_t i = 0; i < s->steps.count && !w->step_number; i++)
        if (step_number_in(l, &s->steps.items[i]) == number)
            w->step_number = number;
}

/* Whether any attempt fits; else w->a is a step that fits, if one does. */
static bool anything_fits(struct wanted *w, const struct story *s, const struct step_layout *l)
{
    for (size_t i = 0; i < s->steps.count; i++) {
        const struct step *step = &s->steps.items[i];
        if (!step_fits(w, l, step))
            continue;
        if (!w->a || does_work(step))
            w->a = step;
        for (size_t k = 0; does_work(step) && k < step->attempt_count; k++)
            if (attempt_fits(w, &step->attempts[k]))
                return true;
    }
    return false;
}

/* ---- JSON ---- */

static void add_text(struct json_object_builder *b, const char *name, bool has, struct str text)
{
    if (has)
        json_object_add(b, str_of_cstr(name), json_string(text));
}

static struct json attempt_json(struct arena *a, const struct step_layout *l,
                                const struct step *step, const struct step_attempt *attempt)
{
    struct json_object_builder b = json_object_builder(a);
    int64_t number = step_number_in(l, step);
    json_object_add(&b, STR("step"), number ? json_int(number) : JSON_NONE);
    add_text(&b, "path", true, step->path);
    add_text(&b, "state", true, step->state->name);
    json_object_add(&b, STR("attempt"), json_int(attempt->number));
    add_text(&b, "status", true, str_of_cstr(step_status_name(attempt->status)));
    json_object_add(&b, STR("startedAt"), time_shown(a, attempt->started_at));
    if (attempt->stopped_at.ms)
        json_object_add(&b, STR("stoppedAt"), time_shown(a, attempt->stopped_at));
    json_object_add(&b, STR("durationMs"), json_get(attempt->log, STR("ms")));
    json_object_add(&b, STR("exit"), json_get(attempt->log, STR("exit")));
    json_object_add(&b, STR("stdout"), json_get(attempt->log, STR("out")));
    json_object_add(&b, STR("stderr"), json_get(attempt->log, STR("err")));
    add_text(&b, "error", attempt->has_error, attempt->error);
    add_text(&b, "cause", attempt->has_cause, attempt->cause);
    return json_object_done(&b);
}

/* ---- for people ---- */

static void print_stream(struct out *o, const char *title, struct json text)
{
    struct str lines = str_trim(json_str(text));
    if (!lines.len)
        return;
    out_style(o, STYLE_DIM);
    out_printf(o, "         %s\n", title);
    out_style(o, STYLE_OFF);
    out_foreign_lines(o, lines, "         │ ", SIZE_MAX);
}

static void print_attempt(struct out *o, const struct step_layout *l, const struct step *step,
                          const struct step_attempt *attempt, struct arena *a)
{
    int64_t exit_status = 0, ms = 0;
    bool runs = attempt->stopped_at.ms == 0;
    struct wall_ms end = runs ? clock_wall() : attempt->stopped_at;
    if (!json_to_int64(json_get(attempt->log, STR("ms")), &ms))
        ms = end.ms - attempt->started_at.ms;
    print_step_head(o, l, step, mark_of_step(attempt->status), true);
    out_printf(o, "  attempt %u  %s, " STR_FMT, attempt->number, step_status_name(attempt->status),
               STR_ARG(duration_text(a, ms)));
    if (json_to_int64(json_get(attempt->log, STR("exit")), &exit_status))
        out_printf(o, ", exit %lld", (long long)exit_status);
    if (attempt->has_error) {
        out_text(o, ", ");
        out_foreign(o, attempt->error, 80);
    }
    out_text(o, "\n");
    print_stream(o, "stdout", json_get(attempt->log, STR("out")));
    print_stream(o, "stderr", json_get(attempt->log, STR("err")));
    if (runs) {
        out_style(o, STYLE_DIM);
        out_text(o, "         what it says is kept when it ends\n");
        out_style(o, STYLE_OFF);
    }
}

/* ---- the whole ---- */

static int fail_step(struct cli *cli, const struct wanted *w, const struct story *s,
                     const struct step_layout *l)
{
    enum {
        STEPS_NAMED_MAX = 20
    };
    struct err err;
    struct out *o = &cli->err;
    err_set(&err, ERR_NOT_FOUND, "the execution has entered no step \"%s\"", w->step);
    int status = cli_fail(cli, NULL, &err);
    if (s->steps.count)
        out_text(o, "Its steps so far:\n");
    for (size_t i = 0; i < s->steps.count && i < STEPS_NAMED_MAX; i++) {
        print_step_head(o, l, &s->steps.items[i], mark_of_step(s->steps.items[i].status), false);
        out_text(o, "\n");
    }
    if (s->steps.count > STEPS_NAMED_MAX)
        out_text(o, "... and more: pawl show\n");
    return status;
}

static int fail_attempt(struct cli *cli, const struct wanted *w)
{
    struct err err;
    if (w->a && does_work(w->a))
        err_set(&err, ERR_NOT_FOUND, "step \"" STR_FMT "\" has no attempt %u: it had %zu so far",
                STR_ARG(w->a->state->name), w->attempt, w->a->attempt_count);
    else if (w->a)
        err_set(&err, ERR_NOT_FOUND,
                "step \"" STR_FMT "\" is a " STR_FMT " state: only Task states leave logs",
                STR_ARG(w->a->state->name), STR_ARG(state_type_name(w->a->state->type)));
    return cli_fail(cli, NULL, &err);
}

static void print_logs(struct cli *cli, const struct wanted *w, const struct story *s,
                       const struct step_layout *l)
{
    bool as_json = option_given(&cli->arguments, "--json");
    struct json_array_builder list = json_array_builder(s->arena);
    for (size_t i = 0; i < s->steps.count; i++) {
        const struct step *step = &s->steps.items[i];
        for (size_t k = 0; does_work(step) && k < step->attempt_count; k++) {
            if (!step_fits(w, l, step) || !attempt_fits(w, &step->attempts[k]))
                continue;
            if (as_json)
                json_array_add(&list, attempt_json(s->arena, l, step, &step->attempts[k]));
            else
                print_attempt(&cli->out, l, step, &step->attempts[k], s->arena);
        }
    }
    if (!as_json)
        return;
    json_write_pretty(&cli->out.buf, json_array_done(&list));
    out_text(&cli->out, "\n");
}

static int tell(struct cli *cli, struct wanted *w, const struct story *s)
{
    const struct step_layout layout = step_layout_of(s->machine);
    find_number(w, s, &layout);
    bool any = anything_fits(w, s, &layout);
    if (!any && w->step)
        return w->a ? fail_attempt(cli, w) : fail_step(cli, w, s, &layout);
    if (!any && !option_given(&cli->arguments, "--json"))
        out_text(&cli->err, w->attempt ? "No step had that many attempts.\n"
                                       : "No task has run in this execution yet.\n");
    print_logs(cli, w, s, &layout);
    return 0;
}

static int run_attempts(struct cli *cli)
{
    struct archive archive;
    struct story story;
    struct execution_row row;
    struct wanted wanted;
    struct err err;
    const char *id = cli->arguments.count ? cli->arguments.items[0] : NULL;
    if (!wanted_of(cli, &wanted, &err) || !archive_open(cli, DATADIR_READ, &archive, &err))
        return cli_fail(cli, NULL, &err);
    int status = archive_find(cli, &archive, id, &row);
    if (status == 0 && !story_read(&archive, &row, &story, &err)) {
        status = cli_fail(cli, NULL, &err);
    } else if (status == 0) {
        status = tell(cli, &wanted, &story);
        story_release(&story);
    }
    archive_close(&archive);
    return status;
}

/* ---- lines ---- */

/* The two ways of looking: by attempt, or line by line. */
static bool check_options(const struct cli *cli, bool lines, struct err *reterr)
{
    const struct arguments *a = &cli->arguments;
    if (lines && (option_given(a, "--step") || option_given(a, "--attempt")))
        return err_set(reterr, ERR_USAGE,
                       "--step and --attempt are about what tasks said; --grep looks for a step "
                       "among the lines");
    if (!lines && option_given(a, "--endpoint"))
        return err_set(reterr, ERR_USAGE,
                       "what tasks said is read from a data directory; from a server come lines: "
                       "add --follow or --level ok");
    if (a->count && option_given(a, "--workflow"))
        return err_set(reterr, ERR_USAGE, "give an ID or --workflow, not both");
    return true;
}

static int run_lines(struct cli *cli)
{
    const struct arguments *a = &cli->arguments;
    const struct log_wish wish = {
        .id = a->count ? a->items[0] : NULL,
        .workflow = option_text(a, "--workflow"),
        .follow = option_given(a, "--follow"),
    };
    const char *url = cli_endpoint(cli);
    struct log_filter filter;
    struct err err;
    if (!log_filter_read(cli, &filter, &err))
        return cli_fail(cli, NULL, &err);
    int status =
        url ? log_feed_there(cli, url, &wish, &filter) : log_feed_here(cli, &wish, &filter);
    log_filter_release(&filter);
    return status;
}

static int run(struct cli *cli)
{
    static const char *const lined[] = {"--follow", "--workflow", "--level", "--grep"};
    bool lines = false;
    struct err err;
    for (size_t i = 0; i < COUNT_OF(lined); i++)
        lines |= option_given(&cli->arguments, lined[i]);
    if (!check_options(cli, lines, &err))
        return cli_fail(cli, NULL, &err);
    return lines ? run_lines(cli) : run_attempts(cli);
}

static const struct option options[] = {
    {"--step", OPTION_TEXT, "S",
     "Only this step: its number as pawl show has it, its name, or its\n"
     "path (\"Each/3/Register\" is one item's)",
     NULL},
    {"--attempt", OPTION_TEXT, "N", "Only the Nth attempt; the first is 1", NULL},
    {"--follow", OPTION_FLAG, NULL, "A line for all that happens, as it happens, to its end", NULL},
    {"--workflow", OPTION_TEXT, "NAME", "Lines of all executions of this workflow", NULL},
    {"--level", OPTION_CHOICE, "ok|warn|error", "Only lines of this level, or worse ones",
     "ok warn error"},
    {"--grep", OPTION_TEXT, "REGEX", "Only lines that match this extended regular expression",
     NULL},
    OPTION_JSON("JSON: a list with an object for each attempt,\nor an object a line"),
    OPTION_DATA,
    OPTION_ENDPOINT,
    OPTION_END,
};

const struct command command_logs = {
    .name = "logs",
    .summary = "Print what the tasks of an execution said, or follow what happens",
    .arguments = "[ID]",
    .arguments_max = 1,
    .description =
        "For each attempt of each task: how it went, how long it took, its exit status, and\n"
        "what it wrote on stdout and stderr. Of long texts the end is kept. An attempt's log is\n"
        "kept when the attempt ends; this works while others run.\n"
        "With --follow, --workflow, --level or --grep it prints a line for each thing that\n"
        "happened instead: steps that begin, end, fail and are tried again, pauses, reviews,\n"
        "recoveries. ok: as it should be; warn: worth a look; error: failed. When a server is\n"
        "away for a moment, it goes on where it was.\n"
        "ID is an execution's id, its ARN, its name, or the beginning of its id; without\n"
        "it, the newest execution.\n",
    .examples = "pawl logs\n"
                "pawl logs order-17 --step 3\n"
                "pawl logs 0193a5e2-7c --step Register --attempt 2 --json\n"
                "pawl logs order-17 --follow\n"
                "pawl logs --workflow order --follow --level error\n"
                "pawl logs order-17 --grep 'step 3|Deliver' --endpoint http://127.0.0.1:8083\n",
    .options = options,
    .run = run,
};
