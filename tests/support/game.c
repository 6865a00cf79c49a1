#include "support/game.h"

#include "asl/compile.h"

#define SECONDS_DEFAULT 100000

struct game {
    struct arena *arena;
    struct json tasks;
    struct json_object_builder asked; /* name -> how often */
};

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

static struct player *play(struct game *g, struct json file, const struct machine *machine,
                           player_keep *keep, void *arg)
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
                                  (struct wall_ms){GAME_CLOCK_START_MS}, work, g);
    p->keep = keep;
    p->keep_arg = arg;
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
    return p;
}

struct player *game_play(struct arena *a, struct str file, player_keep *keep, void *arg,
                         struct buf *to)
{
    struct game *g = ARENA_NEW(a, struct game);
    *g = (struct game){.arena = a, .asked = json_object_builder(a)};
    struct diag_list diags = diag_list(a);
    const struct machine *machine;
    struct json content;
    struct err err;
    if (!json_parse(a, file, (struct json_limits){0}, JSON_DUPLICATES_REFUSE, &content, &err)) {
        buf_printf(to, "PROBLEM %u:%u %s\n", err.line, err.column, err.message);
        return NULL;
    }
    g->tasks = json_get(content, STR("tasks"));
    struct str definition = json_text(a, json_get(content, STR("definition")));
    if (!asl_compile(a, definition, &diags, &machine, &err)) {
        for (size_t i = 0; i < diags.count; i++)
            buf_printf(to, "PROBLEM %s " STR_FMT ": " STR_FMT "\n", diags.items[i].code,
                       STR_ARG(diags.items[i].pointer), STR_ARG(diags.items[i].message));
        return NULL;
    }
    return play(g, content, machine, keep, arg);
}
