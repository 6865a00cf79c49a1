#include "cli/plan_page.h"
#include "cli/render.h"
#include "cli/session.h"

/* ---- heeding ---- */

/* What it is, from cause and index of the event. */
static struct str pause_words(struct arena *a, const struct flow_event *event)
{
    const char *what = event->index == PAUSE_UNTIL_STEP    ? "after step "
                       : event->index == PAUSE_UNTIL_PHASE ? "after phase "
                       : event->cause.len                  ? "as asked: "
                                                           : "as asked";
    return arena_printf(a, "%s" STR_FMT, what, STR_ARG(event->cause));
}

static void tell_review(struct session *s, const struct flow_event *event)
{
    struct out *o = &s->cli->err;
    screen_clear(&s->live.screen); /* the next tick draws it again below these lines */
    out_style(o, STYLE_BUSY);
    out_text(o, "‖ ");
    out_style(o, STYLE_OFF);
    out_text(o, "waits for a person to decide");
    out_text(o, event->text.len ? ": " : "");
    out_foreign(o, event->text, 0);
    out_text(o, "\n  Decide with: ");
    print_next_command(o, s->cli, "pawl resume", &s->uuid);
    out_text(o, " --approve, or --reject\n");
    out_flush(o);
    s->review_told = true;
}

void session_heed(struct session *s, const struct flow_event *event, bool quiet)
{
    if (event->kind == EVENT_PAUSED) {
        s->pausing = true;
        s->pause_told = pause_words(s->cli->arena, event);
    } else if (event->kind == EVENT_UNPAUSED) {
        s->pausing = false;
    } else if (event->kind == EVENT_RERUN_ENDED && s->wish && !quiet) {
        s->wish->rerun_ended = true;
        s->wish->rerun_well = event->index == 1;
    } else if (event->kind == EVENT_NOTE && !quiet) {
        s->checks = json_copy(s->cli->arena, event->log);
    } else if (event->kind == EVENT_REVIEW_ASKED && !quiet) {
        tell_review(s, event);
    }
}

bool session_is_paused(const struct session *s)
{
    return s->pausing && live_is_still(&s->live);
}

/* ---- saying ---- */

void session_print_begin(struct session *s, const char *what)
{
    struct out *o = &s->cli->err;
    char id[UUID_TEXT_LEN];
    uuid_format(s->uuid, id);
    out_style(o, STYLE_BOLD);
    out_foreign(o, s->start.machine_name, 0);
    out_style(o, STYLE_OFF);
    out_printf(o, "  %s%.*s\n", what, UUID_TEXT_LEN, id);
    if (s->wish && json_is_object(s->wish->plan))
        out_printf(o, "  " STR_FMT "\n", STR_ARG(plan_summary(s->cli->arena, s->wish->plan)));
    out_flush(o);
}

static void print_config(struct session *s)
{
    struct out *o = &s->cli->err;
    bool found = s->config != option_text(&s->cli->arguments, "--config");
    if (!s->config || (found && strcmp(s->config, "./pawl.yaml") == 0))
        return;
    out_style(o, STYLE_HELP);
    out_text(o, " --config ");
    out_shell_word(o, s->config);
    out_style(o, STYLE_OFF);
}

void session_print_next(struct session *s, const char *words)
{
    print_next_command(&s->cli->err, s->cli, words, &s->uuid);
    print_config(s);
    out_text(&s->cli->err, "\n");
}

/* "Failed in step 3 RegisterAddressableIds, context addressable_ids" */
static void print_failed_step(struct session *s, const struct step *step)
{
    struct out *o = &s->cli->err;
    int64_t number = step_number_in(&s->live.layout, step);
    struct str context = step_context(&s->live.layout, step);
    out_text(o, "  Failed in ");
    if (number)
        out_printf(o, "step %lld ", (long long)number);
    out_foreign(o, step->state->name, 0);
    if (context.len) {
        out_text(o, ", context ");
        out_foreign(o, context, 0);
    }
    out_text(o, "\n");
}

static void print_failure(struct session *s)
{
    enum {
        TAIL_LINES = 8
    };
    struct out *o = &s->cli->err;
    const struct step *step = live_failed_step(&s->live);
    out_text(o, "\n");
    if (step)
        print_failed_step(s, step);
    print_error(o, "  ", s->has_error, s->error, s->has_cause, s->cause);
    if (step && step->attempt_count)
        print_log_tail(o, "  ", step->attempts[step->attempt_count - 1].log, TAIL_LINES);
    out_text(o, "\n  Look closer: ");
    print_next_command(o, s->cli, "pawl show", &s->uuid);
    out_text(o, "\n  Go on from there: ");
    print_next_command(o, s->cli, "pawl resume", &s->uuid);
    out_style(o, STYLE_HELP);
    out_text(o, " --dry-run");
    out_style(o, STYLE_OFF);
    out_text(o, "\n");
}

int session_print_detached(struct session *s)
{
    struct out *o = &s->cli->out;
    char id[UUID_TEXT_LEN];
    uuid_format(s->uuid, id);
    out_printf(o, "%.*s\n", UUID_TEXT_LEN, id);
    out_flush(o);
    out_text(&s->cli->err, "  Follow it with: ");
    session_print_next(s, "pawl run --resume");
    return 0;
}

static void print_standing(struct out *o, const char *how)
{
    out_style(o, STYLE_BUSY);
    out_text(o, "‖ ");
    out_style(o, STYLE_OFF);
    out_text(o, how);
}

static int print_pause(struct session *s)
{
    struct out *o = &s->cli->err;
    print_standing(o, "paused ");
    out_foreign(o, s->pause_told, 0);
    out_text(o, "\n  Go on with: ");
    session_print_next(s, "pawl resume");
    return 0;
}

/* What is asked was told when it came by, unless that was before. */
static int print_review(struct session *s)
{
    struct out *o = &s->cli->err;
    print_standing(o, "needs a review\n");
    if (s->review_told)
        return 0;
    out_text(o, "  See what is asked: ");
    print_next_command(o, s->cli, "pawl describe", &s->uuid);
    out_text(o, "\n  Decide with: ");
    print_next_command(o, s->cli, "pawl resume", &s->uuid);
    out_text(o, " --approve, or --reject\n");
    return 0;
}

/* A rerun is judged by its step, whatever the execution is. */
static void print_rerun(struct session *s)
{
    struct out *o = &s->cli->err;
    struct cell mark = mark_of_step(s->wish->rerun_well ? STEP_SUCCESS : STEP_FAILURE);
    out_style(o, mark.style);
    out_foreign(o, mark.text, 0);
    out_style(o, STYLE_OFF);
    out_text(o, " step ");
    out_foreign(o, s->wish->request.step, 0);
    out_printf(o, " was run again%s\n  The execution is %s, as it was.\n",
               s->wish->rerun_well ? "" : " and failed: its earlier record stays",
               execution_status_name(s->status));
}

/* Whether what was kept still holds, when that was looked at again. */
static void print_checks(struct session *s)
{
    struct out *o = &s->cli->err;
    bool good = true;
    if (json_is_absent(s->checks))
        return;
    struct str words = checks_summary(s->cli->arena, s->checks, &good);
    struct cell mark = mark_of_step(good ? STEP_SUCCESS : STEP_FAILURE);
    out_style(o, mark.style);
    out_foreign(o, mark.text, 0);
    out_style(o, STYLE_OFF);
    out_text(o, " checked again: ");
    out_foreign(o, words, 0);
    out_text(o, "\n");
}

static void print_output(struct session *s)
{
    out_flush(&s->cli->err);
    if (s->status != EXECUTION_SUCCEEDED)
        return;
    buf_append(&s->cli->out.buf, buf_str(&s->output));
    out_text(&s->cli->out, "\n");
}

int session_print_end(struct session *s)
{
    struct out *o = &s->cli->err;
    struct cell mark = mark_of_execution(s->status);
    if (s->status == EXECUTION_RUNNING && session_is_paused(s))
        return print_pause(s);
    if (s->status == EXECUTION_RUNNING && s->needs_review)
        return print_review(s);
    if (s->wish && s->wish->rerun_ended) {
        print_rerun(s);
        print_checks(s);
        print_output(s);
        return s->wish->rerun_well ? 0 : 1;
    }
    out_style(o, mark.style);
    out_foreign(o, mark.text, 0);
    out_printf(o, " %s", execution_status_name(s->status));
    out_style(o, STYLE_OFF);
    out_printf(o, " after " STR_FMT ", %zu %s\n",
               STR_ARG(duration_text(s->cli->arena, s->stopped_at.ms - s->started_at.ms)),
               s->live.steps.count, s->live.steps.count == 1 ? "step" : "steps");
    print_checks(s);
    if (s->status != EXECUTION_SUCCEEDED) {
        print_failure(s);
        return 1;
    }
    print_output(s);
    return 0;
}
