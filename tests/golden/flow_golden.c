/* Executions played under virtual time against what they gave before.
 *
 *   flow_golden FOLDER            compares FOLDER/x.json with FOLDER/x.txt
 *   UPDATE=1 flow_golden FOLDER   rewrites the texts; review the difference
 *
 * A file is {"about", "definition", "input"?, "tasks"?, "seconds"?, "stop"?,
 * "strict"?, "turn_states"?, "memory"?, "fill"?}. `fill` adds long texts to the input, by name
 * and length; an answer may have "fill" in place of "output". `tasks` maps a function's or
 * resource's name to its answers in turn, {"output"?, "error"?, "cause"?, "seconds"?, "never"?,
 * "beats"?}, the last of which repeats; an activity's is taken first ("taken": after how many
 * seconds, "worker"); of .waitForTaskToken these are the token's, and "call" {"output"?,
 * "error"?, "seconds"?, "never"?} what is called with it. The text holds the outcome, the history
 * with AWS's ids and the steps; player.c has compared fold and snapshot on the way. In the end the
 * folder must have shown every kind of event.
 */
#include "asl/compile.h"
#include "support/golden.h"
#include "support/player.h"

#include <stdio.h>
#include <stdlib.h>

#define CLOCK_START_MS INT64_C(1700000000000)
#define SECONDS_DEFAULT 100000

struct game {
    struct arena *arena;
    struct json tasks;
    struct json_object_builder asked; /* name -> how often */
};

enum {
    SHOWN_MAX = 600
}; /* bytes of one event's details */

static bool seen[EVENT_KIND_LIMIT];

/* A text of so many 'x', or absent. */
static struct json filling(struct arena *a, struct json count)
{
    int64_t length;
    if (!json_to_int64(count, &length) || length < 0)
        return JSON_NONE;
    char *text = arena_alloc_text(a, (size_t)length);
    memset(text, 'x', (size_t)length);
    return json_string(str_of(text, (size_t)length));
}

static void print_cut(struct buf *to, struct json value)
{
    struct buf text = BUF_INIT(0);
    json_write(&text, value);
    buf_append(to, str_slice(buf_str(&text), 0, SHOWN_MAX));
    if (text.len > SHOWN_MAX)
        buf_printf(to, "... of %zu bytes", text.len);
    buf_release(&text);
}

static int64_t milliseconds(struct json object, const char *name)
{
    return (int64_t)(json_to_double(json_get(object, str_of_cstr(name))) * 1000);
}

static struct player_answer work(void *arg, const struct flow_effect *task)
{
    struct game *g = arg;
    struct str name = task->function.len ? task->function : task->resource->text;
    struct json answers = json_get(g->tasks, name);
    if (!json_count(answers))
        return (struct player_answer){.ok = true, .output = task->payload};
    int64_t used = 0;
    if (!json_to_int64(json_get(json_object_done(&g->asked), name), &used))
        used = 0;
    json_object_put(&g->asked, arena_str(g->arena, name), json_int(used + 1));
    size_t at = (size_t)used < json_count(answers) ? (size_t)used : json_count(answers) - 1;
    struct json a = json_at(answers, at);
    struct json error = json_get(a, STR("error")), cause = json_get(a, STR("cause"));
    struct json call = json_get(a, STR("call"));
    return (struct player_answer){
        .never = json_is_true(json_get(a, STR("never"))),
        .ok = json_is_absent(error) && json_is_absent(json_get(a, STR("failed"))),
        .ms = milliseconds(a, "seconds"),
        .output = json_is_absent(json_get(a, STR("fill")))
                      ? json_get(a, STR("output"))
                      : filling(g->arena, json_get(a, STR("fill"))),
        .log = json_get(a, STR("log")),
        .has_error = json_is_string(error),
        .error = json_str(error),
        .has_cause = json_is_string(cause),
        .cause = json_str(cause),
        .beats = json_is_true(json_get(a, STR("beats"))),
        .taken_ms = milliseconds(a, "taken"),
        .worker = json_str(json_get(a, STR("worker"))),
        .call_never = json_is_true(json_get(call, STR("never"))),
        .call_fails = !json_is_absent(json_get(call, STR("error"))),
        .call_ms = milliseconds(call, "seconds"),
        .call_output = json_get(call, STR("output")),
    };
}

/* ---- printing ---- */

static void print_event(struct buf *to, struct json event)
{
    int64_t id = 0, previous = 0;
    if (!json_to_int64(json_get(event, STR("id")), &id) ||
        !json_to_int64(json_get(event, STR("previousEventId")), &previous))
        buf_append(to, STR("?"));
    buf_printf(to, "%3lld <%-3lld +%gs " STR_FMT, (long long)id, (long long)previous,
               json_to_double(json_get(event, STR("timestamp"))) - (double)CLOCK_START_MS / 1000,
               STR_ARG(json_str(json_get(event, STR("type")))));
    const struct json_member *members = json_members(event);
    for (size_t i = 0; i < json_count(event); i++) {
        if (!str_ends_with(json_str(members[i].key), STR("EventDetails")))
            continue;
        buf_append(to, STR(" "));
        print_cut(to, members[i].value);
    }
    buf_append(to, STR("\n"));
}

static void print_step(struct buf *to, const struct step *s)
{
    buf_printf(to, "%3u " STR_FMT " %s", s->index, STR_ARG(s->path), step_status_name(s->status));
    if (s->has_error)
        buf_printf(to, " error=" STR_FMT, STR_ARG(s->error));
    for (size_t i = 0; i < s->attempt_count; i++)
        buf_printf(to, " %u:%s", s->attempts[i].number, step_status_name(s->attempts[i].status));
    buf_append(to, STR("\n"));
}

static void print_outcome(struct buf *to, const struct player *p)
{
    static const char *const names[] = {"RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"};
    struct str text;
    buf_printf(to, "%s\n", names[run_status(p->live)]);
    if (!json_is_absent(run_output(p->live))) {
        buf_append(to, STR("output "));
        print_cut(to, run_output(p->live));
        buf_append(to, STR("\n"));
    }
    if (run_error(p->live, &text))
        buf_printf(to, "error " STR_FMT "\n", STR_ARG(text));
    if (run_cause(p->live, &text))
        buf_printf(to, "cause " STR_FMT "\n", STR_ARG(text));
    buf_append(to, STR("\nhistory\n"));
    for (size_t i = 0; i < p->history.count; i++)
        print_event(to, p->history.items[i]);
    buf_append(to, STR("\nsteps\n"));
    for (size_t i = 0; i < p->steps.count; i++)
        print_step(to, &p->steps.items[i]);
}

static void note_kinds(struct json history)
{
    for (size_t i = 0; i < json_count(history); i++)
        for (uint32_t kind = 0; kind < EVENT_KIND_LIMIT; kind++)
            if (event_kind_known(kind) &&
                str_eq(str_of_cstr(event_name((enum event_kind)kind)),
                       json_str(json_get(json_at(history, i), STR("type")))))
                seen[kind] = true;
}

/* ---- playing ---- */

static void play(struct game *g, struct json file, const struct machine *machine, struct buf *to)
{
    struct json input = json_get(file, STR("input")), stop = json_get(file, STR("stop"));
    struct json fill = json_get(file, STR("fill"));
    struct flow_limits limits =
        json_is_true(json_get(file, STR("strict"))) ? flow_limits_aws() : flow_limits_default();
    int64_t seconds, states, memory;
    if (json_to_int64(json_get(file, STR("turn_states")), &states))
        limits.turn_states_max = (size_t)states;
    if (json_to_int64(json_get(file, STR("memory")), &memory))
        limits.memory_max = (size_t)memory;
    if (!json_to_int64(json_get(file, STR("seconds")), &seconds))
        seconds = SECONDS_DEFAULT;
    struct player *p = player_new(machine, STR("golden"), STR("run"), limits,
                                  (struct wall_ms){CLOCK_START_MS}, work, g);
    if (json_is_absent(input))
        input = json_object(NULL, 0);
    for (size_t i = 0; i < json_count(fill); i++)
        input = json_object_with(g->arena, input, json_str(json_members(fill)[i].key),
                                 filling(g->arena, json_members(fill)[i].value));
    player_start(p, input);
    player_play(p, seconds);
    if (json_is_object(stop))
        player_stop(p, json_str(json_get(stop, STR("error"))),
                    json_str(json_get(stop, STR("cause"))));
    if (p->problem)
        buf_printf(to, "PROBLEM %s\n", p->problem);
    print_outcome(to, p);
    note_kinds(json_array_done(&p->history));
    player_free(p);
}

static void show(struct arena *a, struct str text, struct buf *to)
{
    struct game g = {.arena = a, .asked = json_object_builder(a)};
    struct diag_list diags = diag_list(a);
    const struct machine *machine;
    struct json file;
    struct err err;
    if (!json_parse(a, text, (struct json_limits){0}, JSON_DUPLICATES_REFUSE, &file, &err)) {
        buf_printf(to, "PROBLEM %u:%u %s\n", err.line, err.column, err.message);
        return;
    }
    g.tasks = json_get(file, STR("tasks"));
    struct str definition = json_text(a, json_get(file, STR("definition")));
    if (!asl_compile(a, definition, &diags, &machine, &err)) {
        for (size_t i = 0; i < diags.count; i++)
            buf_printf(to, "PROBLEM %s " STR_FMT ": " STR_FMT "\n", diags.items[i].code,
                       STR_ARG(diags.items[i].pointer), STR_ARG(diags.items[i].message));
        return;
    }
    play(&g, file, machine, to);
}

int main(int argc, char **argv)
{
    struct golden *g = golden_open(argc > 1 ? argv[1] : "");
    golden_each(g, ".json", show);
    struct buf missing = BUF_INIT(0);
    for (uint32_t kind = 0; kind < EVENT_KIND_LIMIT; kind++)
        if (event_kind_known(kind) && event_shape((enum event_kind)kind) != SHAPE_OURS &&
            !seen[kind])
            buf_printf(&missing, " %s", event_name((enum event_kind)kind));
    golden_check(g, "every kind of event was shown", missing.len == 0, buf_cstr(&missing));
    buf_release(&missing);
    return golden_close(g);
}
