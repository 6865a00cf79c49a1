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

/* ---- what follows ---- */

static uint32_t number_or(struct json object, const char *name, uint32_t otherwise)
{
    int64_t n;
    return json_to_int64(json_get(object, str_of_cstr(name)), &n) ? (uint32_t)n : otherwise;
}

static uint32_t state_named(const struct machine *m, struct json name)
{
    for (uint32_t i = 0; i < m->state_count; i++)
        if (str_eq(m->states[i].name, json_str(name)))
            return i;
    return STATE_NO_NONE;
}

static void read_tables(struct arena *a, const struct machine *m, struct json file,
                        struct flow_recovery *r)
{
    struct json skips = json_get(file, STR("skips")), reuses = json_get(file, STR("reuses"));
    struct json until = json_get(file, STR("until"));
    struct flow_skip *skip = ARENA_ARRAY(a, struct flow_skip, json_count(skips));
    struct flow_reuse *reuse = ARENA_ARRAY(a, struct flow_reuse, json_count(reuses));
    uint32_t *states = ARENA_ARRAY(a, uint32_t, json_count(until));
    for (size_t i = 0; i < json_count(skips); i++) {
        struct json s = json_at(skips, i);
        skip[i] = (struct flow_skip){.path = json_str(json_get(s, STR("path"))),
                                     .step = number_or(s, "step", STEP_NO_NONE),
                                     .kind = (enum flow_skip_kind)number_or(s, "kind", SKIP_ASKED),
                                     .output = json_get(s, STR("output")),
                                     .assigned = json_get(s, STR("assigned")),
                                     .next = state_named(m, json_get(s, STR("next")))};
    }
    for (size_t i = 0; i < json_count(reuses); i++)
        reuse[i] = (struct flow_reuse){
            .path = json_str(json_get(json_at(reuses, i), STR("path"))),
            .step = number_or(json_at(reuses, i), "step", 0),
            .generation = number_or(json_at(reuses, i), "generation", 1),
            .attempt = number_or(json_at(reuses, i), "attempt", 2),
        };
    for (size_t i = 0; i < json_count(until); i++)
        states[i] = state_named(m, json_at(until, i));
    r->skips = skip;
    r->skip_count = json_count(skips);
    r->reuses = reuse;
    r->reuse_count = json_count(reuses);
    r->until = states;
    r->until_count = json_count(until);
}

static struct flow_recovery read_recovery(struct arena *a, const struct machine *m,
                                          struct json file)
{
    struct json state = json_get(file, STR("state"));
    struct flow_recovery r = {
        .kind = (enum flow_recovery_kind)number_or(file, "kind", FLOW_RESUME_RUN),
        .placed = !json_is_absent(state),
        .state = state_named(m, state),
        .data = json_get(file, STR("data")),
        .vars = json_get(file, STR("vars")),
        .input = json_get(file, STR("input")),
        .until_phase = json_str(json_get(file, STR("until_phase"))),
        .step = number_or(file, "step", 0),
        .frame_path = json_str(json_get(file, STR("path"))),
        .within = json_get(file, STR("within")),
        .item = json_get(file, STR("item")),
        .item_index = number_or(file, "index", 0),
        .gives_output = json_is_true(json_get(file, STR("gives_output"))),
        .by = STR("the tests"),
    };
    read_tables(a, m, file, &r);
    return r;
}

static void follow(struct game *g, struct player *p, struct json file)
{
    struct json recover = json_get(file, STR("recover")), pause = json_get(file, STR("pause"));
    struct json unpause = json_get(file, STR("unpause")), note = json_get(file, STR("note"));
    struct json review = json_get(file, STR("review")), cancel = json_get(file, STR("cancel"));
    struct flow_recovery recovery;
    struct flow_input input = {.why = FLOW_UNPAUSE, .worker = STR("the tests")};
    int64_t seconds;
    if (json_is_object(recover)) {
        recovery = read_recovery(g->arena, run_machine(p->live), recover);
        input = (struct flow_input){.why = FLOW_RECOVER, .recovery = &recovery};
    } else if (json_is_string(pause)) {
        input.why = FLOW_PAUSE;
        input.has_cause = true;
        input.cause = json_str(pause);
    } else if (json_is_object(review)) {
        input.why = FLOW_REVIEW;
        input.step = number_or(review, "step", STEP_NO_NONE);
        input.ok = json_is_true(json_get(review, STR("approved")));
        input.value = json_get(review, STR("changes"));
        input.has_error = !json_is_absent(json_get(review, STR("error")));
        input.error = json_str(json_get(review, STR("error")));
    } else if (json_is_string(cancel)) {
        input.why = FLOW_CANCEL;
        input.has_cause = true;
        input.cause = json_str(cancel);
    } else if (!json_is_absent(note)) {
        input.why = FLOW_NOTE;
        input.log = note;
    } else if (json_is_absent(unpause)) {
        p->problem = "what is to follow is not known";
    }
    player_turn(p, input);
    if (!json_to_int64(json_get(file, STR("seconds")), &seconds))
        seconds = SECONDS_DEFAULT;
    player_play(p, seconds);
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
    struct json then = json_get(file, STR("then"));
    for (size_t i = 0; i < json_count(then); i++)
        follow(g, p, json_at(then, i));
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
