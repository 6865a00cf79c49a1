#include "cli/render.h"

#include "engine/messages.h"

/* ---- marks ---- */

struct cell mark_of_step(enum step_status status)
{
    switch (status) {
    case STEP_RUNNING:
        return (struct cell){STR("▸"), STYLE_BUSY};
    case STEP_SUCCESS:
        return (struct cell){STR("✔"), STYLE_GOOD};
    case STEP_FAILURE:
        return (struct cell){STR("✘"), STYLE_BAD};
    case STEP_TIMED_OUT:
        return (struct cell){STR("✘"), STYLE_BAD};
    case STEP_CANCELED:
        return (struct cell){STR("–"), STYLE_DIM};
    case STEP_SKIPPED:
        return (struct cell){STR("↷"), STYLE_DIM};
    case STEP_PENDING:
        return (struct cell){STR("·"), STYLE_DIM};
    }
    UNREACHABLE("step status");
}

struct cell mark_of_execution(enum execution_status status)
{
    switch (status) {
    case EXECUTION_RUNNING:
        return mark_of_step(STEP_RUNNING);
    case EXECUTION_SUCCEEDED:
        return mark_of_step(STEP_SUCCESS);
    case EXECUTION_FAILED:
        return mark_of_step(STEP_FAILURE);
    case EXECUTION_TIMED_OUT:
        return mark_of_step(STEP_TIMED_OUT);
    case EXECUTION_ABORTED:
        return mark_of_step(STEP_CANCELED);
    case EXECUTION_STATUS_COUNT:
        break;
    }
    UNREACHABLE("execution status");
}

struct cell status_cell(enum execution_status status)
{
    return (struct cell){str_of_cstr(execution_status_name(status)),
                         mark_of_execution(status).style};
}

/* ---- tables ---- */

struct table executions_table(struct arena *a)
{
    static const struct column columns[] = {
        {"", false},       {"ID", false},      {"NAME", false},    {"MACHINE", false},
        {"STATUS", false}, {"STARTED", false}, {"DURATION", true},
    };
    return table_of(a, columns, COUNT_OF(columns));
}

static struct str id_text(struct arena *a, const struct uuid *id)
{
    char *text = arena_alloc_text(a, UUID_TEXT_LEN);
    uuid_format(*id, text);
    return str_of(text, UUID_TEXT_LEN);
}

void executions_add(struct table *t, const struct execution_row *row, struct wall_ms now)
{
    struct cell *cells = table_row(t);
    struct wall_ms end = row->stopped_at.ms ? row->stopped_at : now;
    cells[0] = mark_of_execution(row->status);
    cells[1].text = id_text(t->arena, &row->id);
    cells[2].text = row->client_named ? arena_str(t->arena, row->name) : STR("-");
    cells[3].text = arena_str(t->arena, row->machine_name);
    cells[4] = status_cell(row->status);
    cells[5].text = time_text(t->arena, row->started_at);
    cells[6].text = duration_text(t->arena, end.ms - row->started_at.ms);
}

/* ---- JSON ---- */

static void add_text(struct json_object_builder *b, const char *name, struct str text)
{
    json_object_add(b, str_of_cstr(name), json_string(text));
}

struct json time_shown(struct arena *a, struct wall_ms at)
{
    char text[TIME_TEXT_SIZE];
    return json_string_copy(a, str_of(text, wall_format(at, text)));
}

struct json execution_shown(struct arena *a, const struct execution_row *row)
{
    struct json_object_builder b = json_object_builder(a);
    add_text(&b, "id", id_text(a, &row->id));
    add_text(&b, "name", row->name);
    add_text(&b, "arn", row->arn);
    add_text(&b, "machine", row->machine_name);
    add_text(&b, "status", str_of_cstr(execution_status_name(row->status)));
    json_object_add(&b, STR("startedAt"), time_shown(a, row->started_at));
    if (row->stopped_at.ms)
        json_object_add(&b, STR("stoppedAt"), time_shown(a, row->stopped_at));
    return json_object_done(&b);
}

/* ---- errors ---- */

struct str cause_message(struct arena *a, struct str cause)
{
    struct json value;
    if (!cause.len || cause.ptr[0] != '{' ||
        !json_parse(a, cause, (struct json_limits){0}, JSON_DUPLICATES_LAST, &value, NULL))
        return cause;
    struct json message = json_get(value, STR("errorMessage"));
    return json_is_string(message) && json_str(message).len ? json_str(message) : cause;
}

void print_error(struct out *o, const char *prefix, bool has_error, struct str error,
                 bool has_cause, struct str cause)
{
    enum {
        CAUSE_LINES_MAX = 12
    };
    struct arena *scratch = arena_new(64 << 20);
    struct buf lines = BUF_INIT(0);
    out_text(o, prefix);
    out_foreign(o, message_of(has_error ? error : STR("")), 0);
    out_text(o, "\n");
    if (has_error)
        buf_append(&lines, error);
    if (has_error && has_cause)
        buf_append(&lines, STR(": "));
    if (has_cause)
        buf_append(&lines, cause_message(scratch, cause));
    out_style(o, STYLE_DIM);
    out_foreign_lines(o, buf_str(&lines), prefix, CAUSE_LINES_MAX);
    out_style(o, STYLE_OFF);
    buf_release(&lines);
    arena_free(scratch);
}

void print_log_tail(struct out *o, const char *prefix, struct json log, size_t lines_max)
{
    static const struct {
        struct str member;
        const char *title;
    } streams[] = {{STR_INIT("err"), "stderr"}, {STR_INIT("out"), "stdout"}};
    for (size_t i = 0; i < COUNT_OF(streams); i++) {
        struct str text = str_trim(json_str(json_get(log, streams[i].member)));
        if (!text.len)
            continue;
        char inner[64];
        struct str start = str_of_cstr(prefix);
        ASSERT(start.len + 8 < sizeof(inner));
        memcpy(inner, prefix, start.len);
        memcpy(inner + start.len, "│ ", sizeof("│ "));
        out_style(o, STYLE_DIM);
        out_printf(o, "%s%s\n", prefix, streams[i].title);
        out_foreign_lines(o, text, inner, lines_max);
        out_style(o, STYLE_OFF);
        return; /* stdout only when stderr is empty: it is the output otherwise */
    }
}

void print_next_command(struct out *o, const struct cli *cli, const char *words,
                        const struct uuid *id)
{
    char text[UUID_TEXT_LEN];
    const char *data = option_text(&cli->arguments, "--data");
    const char *endpoint = option_if_known(&cli->arguments, "--endpoint");
    uuid_format(*id, text);
    out_style(o, STYLE_HELP);
    out_printf(o, "%s %.*s", words, UUID_TEXT_LEN, text);
    if (data) {
        out_text(o, " --data ");
        out_shell_word(o, data);
    }
    if (endpoint) {
        out_text(o, " --endpoint ");
        out_shell_word(o, endpoint);
    }
    out_style(o, STYLE_OFF);
}

/* --name VALUE, or --name=VALUE where the value looks like an option. */
static void print_option(struct out *o, const char *name, const char *value)
{
    out_printf(o, " %s", name);
    if (!*value)
        return;
    out_text(o, value[0] == '-' && value[1] ? "=" : " ");
    out_shell_word(o, value);
}

void print_same_command(struct out *o, const struct cli *cli, const char *without)
{
    const struct arguments *a = &cli->arguments;
    const struct option *table = a->options.table;
    out_style(o, STYLE_HELP);
    out_printf(o, "pawl %s", a->options.command);
    for (size_t i = 0; i < a->count; i++) {
        out_text(o, " ");
        out_shell_word(o, a->items[i]);
    }
    for (size_t place = 0; table[place].name; place++) {
        if (!a->values[place] || strcmp(table[place].name, without) == 0 ||
            strcmp(table[place].name, "--json") == 0)
            continue;
        if (table[place].type != OPTION_MANY)
            print_option(o, table[place].name, a->values[place]);
        for (size_t i = 0; i < a->many_count; i++)
            if (a->many[i].place == place)
                print_option(o, table[place].name, a->many[i].value);
    }
    out_style(o, STYLE_OFF);
    out_text(o, "\n");
}

void print_children_found(struct out *o, struct children_found found, const char *file)
{
    if (found.ended)
        out_printf(o, "Ended %zu %s that a killed pawl had left running.\n", found.ended,
                   found.ended == 1 ? "command" : "commands");
    if (found.unreadable)
        out_printf(o,
                   "%s was damaged: a command that a killed pawl left running may not have been "
                   "ended.\n",
                   file);
    out_flush(o);
}
