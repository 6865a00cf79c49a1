#include "cli/logbook.h"

#include "cli/render.h"

#include <strings.h>

struct log_seen {
    uint32_t generation;
    enum step_status status;
    bool begun;
    size_t attempts; /* whose failure was told */
};

static const struct {
    const char *name;
    enum style style;
} moods[] = {
    [MOOD_OK] = {"ok", STYLE_GOOD},
    [MOOD_WARN] = {"warn", STYLE_BUSY},
    [MOOD_ERROR] = {"error", STYLE_BAD},
};

/* ---- what is wanted ---- */

bool log_filter_read(struct cli *cli, struct log_filter *ret, struct err *reterr)
{
    const char *level = option_text(&cli->arguments, "--level");
    const char *pattern = option_text(&cli->arguments, "--grep");
    struct log_filter f = {.out = &cli->out,
                           .as_json = option_given(&cli->arguments, "--json"),
                           .has_pattern = pattern != NULL};
    char why[256];
    for (size_t i = 0; level && i < COUNT_OF(moods); i++)
        if (strcasecmp(level, moods[i].name) == 0)
            f.least = (enum log_mood)i;
    int bad = pattern ? regcomp(&f.pattern, pattern, REG_EXTENDED | REG_NOSUB) : 0;
    if (bad) {
        regerror(bad, &f.pattern, why, sizeof(why));
        return err_set(reterr, ERR_USAGE, "--grep \"%s\" is no extended regular expression: %s",
                       pattern, why);
    }
    *ret = f;
    return true;
}

void log_filter_release(struct log_filter *f)
{
    if (f->has_pattern)
        regfree(&f->pattern);
}

/* ---- one line ---- */

struct line {
    enum log_mood mood;
    struct wall_ms at;
    const struct step *step; /* NULL: of the execution */
    struct str message;
};

/* "step 3 Register (addressable_ids)" */
static struct str step_words(const struct logbook *b, const struct step *step, struct arena *a)
{
    int64_t number = step_number_in(&b->layout, step);
    struct str context = step_context(&b->layout, step);
    return arena_printf(a, "step %s" STR_FMT "%s" STR_FMT "%s",
                        number ? arena_cstr(a, arena_printf(a, "%lld ", (long long)number)) : "",
                        STR_ARG(step->state->name), context.len ? " (" : "", STR_ARG(context),
                        context.len ? ")" : "");
}

static void add_text(struct json_object_builder *o, const char *name, struct str text)
{
    if (text.len)
        json_object_add(o, str_of_cstr(name), json_string(text));
}

static void print_json(const struct logbook *b, const struct line *line, struct arena *a)
{
    struct json_object_builder o = json_object_builder(a);
    json_object_add(&o, STR("time"), time_shown(a, line->at));
    add_text(&o, "level", str_of_cstr(moods[line->mood].name));
    add_text(&o, "execution", b->id);
    add_text(&o, "name", b->name);
    add_text(&o, "workflow", b->workflow);
    if (line->step) {
        int64_t number = step_number_in(&b->layout, line->step);
        json_object_add(&o, STR("step"), number ? json_int(number) : JSON_NONE);
        add_text(&o, "state", line->step->state->name);
        add_text(&o, "path", line->step->path);
        add_text(&o, "context", step_context(&b->layout, line->step));
    }
    add_text(&o, "message", line->message);
    json_write(&b->filter->out->buf, json_object_done(&o));
    out_text(b->filter->out, "\n");
}

static void print_text(const struct logbook *b, const struct line *line, struct str words)
{
    struct out *o = b->filter->out;
    char time[TIME_TEXT_SIZE];
    size_t length = wall_format(line->at, time);
    out_style(o, STYLE_DIM);
    out_foreign(o, str_of(time, length), 0);
    out_style(o, moods[line->mood].style);
    out_printf(o, " %-5s ", moods[line->mood].name);
    out_style(o, STYLE_OFF);
    out_foreign(o, words, 0);
    out_text(o, "\n");
}

static void tell(const struct logbook *b, const struct line *line)
{
    const struct log_filter *f = b->filter;
    struct arena *a = arena_new(0);
    struct str words = line->step ? step_words(b, line->step, a) : STR("");
    words = arena_printf(a, STR_FMT "  " STR_FMT "%s" STR_FMT, STR_ARG(b->name), STR_ARG(words),
                         words.len ? "  " : "", STR_ARG(line->message));
    bool wanted = !b->quiet && line->mood >= f->least;
    if (wanted && f->has_pattern)
        wanted = regexec(&f->pattern, arena_cstr(a, words), 0, NULL, 0) == 0;
    if (wanted && f->as_json)
        print_json(b, line, a);
    else if (wanted)
        print_text(b, line, words);
    arena_free(a);
}

/* ---- steps ---- */

void logbook_touch(struct logbook *b, uint32_t step)
{
    if (step >= b->steps.count || (b->touched_count && b->touched[b->touched_count - 1] == step))
        return;
    b->touched = arena_grow(b->arena, b->touched, b->touched_count, &b->touched_capacity,
                            sizeof(*b->touched));
    b->touched[b->touched_count++] = step;
}

struct step *logbook_put(struct logbook *b, uint32_t index)
{
    struct step_list *list = &b->steps;
    if (index > list->count)
        return NULL;
    if (index == list->count) {
        list->items =
            arena_grow(b->arena, list->items, list->count, &list->capacity, sizeof(*list->items));
        list->items[list->count++] = (struct step){.index = index};
    }
    logbook_touch(b, index);
    return &list->items[index];
}

static struct log_seen *seen_of(struct logbook *b, const struct step *step)
{
    while (b->seen_count <= step->index) {
        b->seen = arena_grow(b->arena, b->seen, b->seen_count, &b->seen_capacity, sizeof(*b->seen));
        b->seen[b->seen_count++] = (struct log_seen){0};
    }
    return &b->seen[step->index];
}

static struct str failure_words(struct arena *a, bool has_error, struct str error, bool has_cause,
                                struct str cause)
{
    return arena_printf(a, STR_FMT "%s" STR_FMT, STR_ARG(has_error ? error : STR("no error name")),
                        has_cause ? ": " : "",
                        STR_ARG(has_cause ? cause_message(a, cause) : STR("")));
}

static void tell_attempts(const struct logbook *b, const struct step *step, struct log_seen *seen)
{
    for (; seen->attempts < step->attempt_count; seen->attempts++) {
        const struct step_attempt *attempt = &step->attempts[seen->attempts];
        bool failed = attempt->status == STEP_FAILURE || attempt->status == STEP_TIMED_OUT;
        bool last = seen->attempts + 1 == step->attempt_count;
        if (attempt->status == STEP_RUNNING || (last && step->status != STEP_RUNNING))
            return; /* the step itself says how its last attempt went */
        if (!failed)
            continue;
        struct arena *a = arena_new(0);
        struct str why = failure_words(a, attempt->has_error, attempt->error, attempt->has_cause,
                                       attempt->cause);
        tell(b, &(struct line){
                    MOOD_WARN, attempt->stopped_at, step,
                    arena_printf(a, "attempt %u failed: " STR_FMT, attempt->number, STR_ARG(why))});
        arena_free(a);
    }
}

static void tell_end(const struct logbook *b, const struct step *step)
{
    struct arena *a = arena_new(0);
    struct str took = duration_text(a, step->stopped_at.ms - step_since(step).ms);
    struct str why = failure_words(a, step->has_error, step->error, step->has_cause, step->cause);
    struct line line = {MOOD_OK, step->stopped_at, step, STR("")};
    switch (step->status) {
    case STEP_SUCCESS:
        line.message = arena_printf(a, "done in " STR_FMT, STR_ARG(took));
        break;
    case STEP_SKIPPED:
        line.message = step_skip_words(step);
        break;
    case STEP_CANCELED:
        line.mood = MOOD_WARN;
        line.message = arena_printf(a, "canceled after " STR_FMT, STR_ARG(took));
        break;
    case STEP_FAILURE:
    case STEP_TIMED_OUT:
        line.mood = json_is_absent(step->output) ? MOOD_ERROR : MOOD_WARN;
        line.message = arena_printf(a, "%s after " STR_FMT ": " STR_FMT,
                                    step->status == STEP_FAILURE ? "failed" : "timed out",
                                    STR_ARG(took), STR_ARG(why));
        break;
    case STEP_RUNNING:
    case STEP_PENDING:
        break;
    }
    if (line.message.len)
        tell(b, &line);
    arena_free(a);
}

static void tell_step(struct logbook *b, const struct step *step)
{
    struct log_seen *seen = seen_of(b, step);
    bool again = seen->begun && step->generation > seen->generation;
    if ((!seen->begun || again) && step->status != STEP_SKIPPED)
        tell(b, &(struct line){MOOD_OK, step_since(step), step,
                               again ? STR("begins again") : STR("begins")});
    if (!seen->begun || again)
        seen->status = STEP_RUNNING;
    seen->begun = true;
    seen->generation = step->generation;
    tell_attempts(b, step, seen);
    if (step->status != seen->status)
        tell_end(b, step);
    if (step->status != STEP_RUNNING)
        seen->attempts = step->attempt_count;
    seen->status = step->status;
}

/* ---- the execution ---- */

/* Of a rerun: what it is given comes from the steps before it. */
static struct str rerun_words(const struct logbook *b, uint32_t step, struct arena *a)
{
    enum {
        NAMED_MAX = 20
    };
    struct buf text = BUF_INIT(0);
    size_t named = 0;
    if (step >= b->steps.count)
        return STR("one step is run again");
    buf_append(&text, step_words(b, &b->steps.items[step], a));
    buf_append(&text, STR(" is run again"));
    for (uint32_t i = 0; i < step && named < NAMED_MAX; i++) {
        const struct step *before = &b->steps.items[i];
        if (before->state->scope != b->steps.items[step].state->scope)
            continue;
        buf_append(&text, named++ ? STR(", ") : STR("; in its context: "));
        buf_append(&text, step_words(b, before, a));
    }
    struct str copy = arena_str(a, buf_str(&text));
    buf_release(&text);
    return copy;
}

static struct str pause_words(const struct flow_event *e, struct arena *a)
{
    const char *after = e->index == PAUSE_UNTIL_STEP    ? "paused after step "
                        : e->index == PAUSE_UNTIL_PHASE ? "paused after phase "
                        : e->cause.len                  ? "pauses: "
                                                        : "pauses";
    return arena_printf(a, "%s" STR_FMT, after, STR_ARG(e->cause));
}

static struct str with_text(const char *words, struct str text, struct arena *a)
{
    return arena_printf(a, "%s%s" STR_FMT, words, text.len ? ": " : "", STR_ARG(text));
}

static bool control_line(const struct logbook *b, const struct flow_event *e, struct arena *a,
                         struct line *line)
{
    line->mood = MOOD_OK;
    switch ((int)e->kind) {
    case EVENT_RECOVERED:
        line->message = STR("a recovery begins");
        return true;
    case EVENT_RERUN_BEGAN:
        line->message = rerun_words(b, e->step, a);
        return true;
    case EVENT_RERUN_ENDED:
        line->mood = e->index == 1 ? MOOD_OK : MOOD_ERROR;
        line->message = e->index == 1 ? STR("the rerun ended well")
                                      : STR("the rerun failed: the earlier record stays");
        return true;
    case EVENT_PAUSED:
        line->mood = MOOD_WARN;
        line->message = pause_words(e, a);
        return true;
    case EVENT_UNPAUSED:
        line->message = STR("goes on after the pause");
        return true;
    case EVENT_REVIEW_ASKED:
        line->mood = MOOD_WARN;
        line->message = with_text("waits for a review", e->text, a);
        return true;
    case EVENT_REVIEW_DECIDED:
        line->mood = e->index == 1 ? MOOD_OK : MOOD_WARN;
        line->message =
            with_text(e->index == 1 ? "the review approves, by" : "the review rejects, by",
                      e->text.len ? e->text : STR("somebody unnamed"), a);
        return true;
    case EVENT_CANCEL_ASKED:
        line->mood = MOOD_WARN;
        line->message = with_text("is being canceled", e->cause, a);
        return true;
    default:
        return false;
    }
}

/* Some come before what the steps do in their turn, some because of it. */
static bool leads(enum event_kind kind)
{
    return kind != EVENT_PAUSED && kind != EVENT_REVIEW_ASKED && kind != EVENT_RERUN_ENDED;
}

static void tell_control(const struct logbook *b, const struct flow_event *event, struct wall_ms at)
{
    struct arena *a = arena_new(0);
    struct line line = {.at = at};
    bool of_step = event->kind == EVENT_REVIEW_ASKED || event->kind == EVENT_REVIEW_DECIDED;
    if (control_line(b, event, a, &line)) {
        if (of_step && event->step < b->steps.count)
            line.step = &b->steps.items[event->step];
        tell(b, &line);
    }
    arena_free(a);
}

void logbook_turn(struct logbook *b, const struct flow_event *events, size_t count,
                  struct wall_ms at)
{
    for (size_t i = 0; i < count; i++)
        if (leads(events[i].kind))
            tell_control(b, &events[i], at);
    for (size_t i = 0; i < b->touched_count; i++)
        tell_step(b, &b->steps.items[b->touched[i]]);
    b->touched_count = 0;
    for (size_t i = 0; i < count; i++)
        if (!leads(events[i].kind))
            tell_control(b, &events[i], at);
}

void logbook_begins(struct logbook *b, struct wall_ms at)
{
    struct arena *a = arena_new(0);
    tell(b, &(struct line){MOOD_OK, at, NULL,
                           arena_printf(a, "begins: workflow " STR_FMT ", execution " STR_FMT,
                                        STR_ARG(b->workflow), STR_ARG(b->id))});
    arena_free(a);
}

void logbook_ends(struct logbook *b, enum execution_status status, struct wall_ms at,
                  struct str error, struct str cause)
{
    struct arena *a = arena_new(0);
    struct line line = {.mood = status == EXECUTION_SUCCEEDED ? MOOD_OK
                                : status == EXECUTION_ABORTED ? MOOD_WARN
                                                              : MOOD_ERROR,
                        .at = at};
    line.message = arena_printf(
        a, "%s%s" STR_FMT, execution_status_name(status), error.len || cause.len ? ": " : "",
        STR_ARG(error.len || cause.len
                    ? failure_words(a, error.len > 0, error, cause.len > 0, cause)
                    : STR("")));
    tell(b, &line);
    arena_free(a);
}
