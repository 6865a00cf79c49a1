#include "cli/render.h"
#include "cli/session.h"

void session_print_begin(struct session *s, const char *what)
{
    struct out *o = &s->cli->err;
    char id[UUID_TEXT_LEN];
    uuid_format(s->id, id);
    out_style(o, STYLE_BOLD);
    out_foreign(o, s->start.machine_name, 0);
    out_style(o, STYLE_OFF);
    out_printf(o, "  %s%.*s\n", what, UUID_TEXT_LEN, id);
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
    print_next_command(&s->cli->err, s->cli, words, &s->id);
    print_config(s);
    out_text(&s->cli->err, "\n");
}

static void print_failure(struct session *s)
{
    enum {
        TAIL_LINES = 8
    };
    struct out *o = &s->cli->err;
    const struct step *step = live_failed_step(&s->live);
    out_text(o, "\n");
    print_error(o, "  ", s->has_error, s->error, s->has_cause, s->cause);
    if (step && step->attempt_count)
        print_log_tail(o, "  ", step->attempts[step->attempt_count - 1].log, TAIL_LINES);
    out_text(o, "\n  Look closer: ");
    print_next_command(o, s->cli, "pawl show", &s->id);
    out_text(o, "\n");
}

int session_print_end(struct session *s)
{
    struct out *o = &s->cli->err;
    struct cell mark = mark_of_execution(s->status);
    out_style(o, mark.style);
    out_foreign(o, mark.text, 0);
    out_printf(o, " %s", execution_status_name(s->status));
    out_style(o, STYLE_OFF);
    out_printf(o, " after " STR_FMT ", %zu %s\n",
               STR_ARG(duration_text(s->cli->arena, s->stopped_at.ms - s->started_at.ms)),
               s->live.steps.count, s->live.steps.count == 1 ? "step" : "steps");
    if (s->status != EXECUTION_SUCCEEDED) {
        print_failure(s);
        return 1;
    }
    out_flush(o);
    buf_append(&s->cli->out.buf, buf_str(&s->output));
    out_text(&s->cli->out, "\n");
    return 0;
}
