#include "cli/render.h"
#include "cli/story.h"
#include "cli/there.h"

static struct json told_json(const struct story *s, const struct told_event *e, struct arena *a,
                             bool data)
{
    return history_event(a, s->run, &e->event, e->at, data);
}

static void print_json(struct cli *cli, const struct story *s, bool reverse)
{
    struct out *o = &cli->out;
    bool first = true;
    out_text(o, "{\n  \"events\": [");
    for (size_t i = 0; i < s->event_count; i++) {
        const struct told_event *e = &s->events[reverse ? s->event_count - 1 - i : i];
        struct arena *scratch = arena_new(0);
        struct json event = told_json(s, e, scratch, true);
        if (!json_is_absent(event)) {
            out_text(o, first ? "\n    " : ",\n    ");
            json_write(&o->buf, event);
            first = false;
        }
        arena_free(scratch);
    }
    out_text(o, "\n  ]\n}\n");
}

/* What tells this event from others of its type: an error, an index, an output. */
static struct str detail_of(const struct flow_event *e, struct arena *a)
{
    enum {
        DETAIL_VALUE_MAX = 200
    };
    struct str text = {0};
    switch (event_shape(e->kind)) {
    case SHAPE_ERROR:
    case SHAPE_TASK_ERROR:
    case SHAPE_EVALUATION_FAILED:
        return arena_printf(a, STR_FMT "%s" STR_FMT, STR_ARG(e->error),
                            e->has_error && e->has_cause ? ": " : "",
                            STR_ARG(cause_message(a, e->cause)));
    case SHAPE_MAP_ITERATION:
        return arena_printf(a, "item %u", e->index);
    case SHAPE_REDRIVEN:
        return arena_printf(a, "redrive %u", e->index);
    case SHAPE_MAP_STARTED:
        return arena_printf(a, "%lld items", (long long)e->length);
    case SHAPE_MAP_RUN_STARTED:
    case SHAPE_ACTIVITY_STARTED:
        return e->text;
    case SHAPE_OURS:
    case SHAPE_NONE:
    case SHAPE_EXECUTION_STARTED:
    case SHAPE_OUTPUT:
    case SHAPE_STATE_ENTERED:
    case SHAPE_STATE_EXITED:
    case SHAPE_LAMBDA_SCHEDULED:
    case SHAPE_TASK_SCHEDULED:
    case SHAPE_TASK_STARTED:
    case SHAPE_TASK_OUTPUT:
        break;
    }
    if (!json_is_absent(e->value.value))
        text = json_text(a, e->value.value);
    return str_slice(text, 0, DETAIL_VALUE_MAX);
}

static enum style style_of(const struct flow_event *e)
{
    enum event_shape shape = event_shape(e->kind);
    if (shape == SHAPE_ERROR || shape == SHAPE_TASK_ERROR)
        return STYLE_BAD;
    return e->kind == EVENT_EXECUTION_SUCCEEDED ? STYLE_GOOD : STYLE_OFF;
}

static struct str state_text(const struct story *s, const struct flow_event *e, struct arena *a)
{
    if (e->state >= s->machine->state_count)
        return e->path;
    return arena_printf(a, STR_FMT "%s" STR_FMT, STR_ARG(e->path), e->path.len ? "/" : "",
                        STR_ARG(s->machine->states[e->state].name));
}

static void print_table(struct cli *cli, const struct story *s, bool reverse)
{
    static const struct column columns[] = {
        {"ID", true}, {"TIME", true}, {"TYPE", false}, {"STATE", false}, {"DETAIL", false},
    };
    struct arena *a = cli->arena;
    struct table table = table_of(a, columns, COUNT_OF(columns));
    for (size_t i = 0; i < s->event_count; i++) {
        const struct told_event *e = &s->events[reverse ? s->event_count - 1 - i : i];
        if (!e->event.id)
            continue;
        struct cell *row = table_row(&table);
        row[0].text = arena_printf(a, "%u", e->event.id);
        row[1].text = arena_printf(a, "+" STR_FMT,
                                   STR_ARG(duration_text(a, e->at.ms - s->row.started_at.ms)));
        row[2] = (struct cell){str_of_cstr(event_name(e->event.kind)), style_of(&e->event)};
        row[3].text = state_text(s, &e->event, a);
        row[4] = (struct cell){detail_of(&e->event, a), STYLE_DIM};
    }
    table_print(&table, &cli->out);
}

static int run(struct cli *cli)
{
    struct archive archive;
    struct story story;
    struct execution_row row;
    struct err err;
    if (cli_endpoint(cli))
        return history_there(cli);
    if (!archive_open(cli, DATADIR_READ, &archive, &err))
        return cli_fail(cli, NULL, &err);
    int status =
        archive_find(cli, &archive, cli->arguments.count ? cli->arguments.items[0] : NULL, &row);
    if (status == 0 && !story_read(&archive, &row, &story, &err))
        status = cli_fail(cli, NULL, &err);
    else if (status == 0) {
        bool reverse = option_given(&cli->arguments, "--reverse");
        if (option_given(&cli->arguments, "--json"))
            print_json(cli, &story, reverse);
        else
            print_table(cli, &story, reverse);
        story_release(&story);
    }
    archive_close(&archive);
    return status;
}

static const struct option options[] = {
    {"--reverse", OPTION_FLAG, NULL, "The latest event first", NULL},
    OPTION_JSON("the events as GetExecutionHistory of the Step Functions API gives them"),
    OPTION_DATA,
    OPTION_ENDPOINT,
    OPTION_END,
};

const struct command command_history = {
    .name = "history",
    .summary = "Print every event of an execution",
    .arguments = "[ID]",
    .arguments_max = 1,
    .description =
        "ID is an execution's id, its ARN, its name, or the beginning of its id; without\n"
        "it, the newest execution. TIME counts from the start.\n",
    .examples = "pawl history\n"
                "pawl history order-17\n"
                "pawl history 0193a5e2-7c --json\n",
    .options = options,
    .run = run,
};
