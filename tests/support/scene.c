#include "support/scene.h"

#include "asl/compile.h"

#include <stdio.h>
#include <stdlib.h>

#define SCENE_CLOCK_START_MS INT64_C(1700000000000)
#define SCENE_SECONDS 10000000

struct json scene_json(struct scene *s, const char *text)
{
    struct json value;
    struct err err;
    if (!json_parse_copy(s->arena, str_of_cstr(text), (struct json_limits){0}, &value, &err)) {
        printf("# %s: %s\n", err.message, text);
        exit(1);
    }
    return value;
}

const struct machine *scene_compile(struct scene *s, const char *definition)
{
    struct diag_list diags = diag_list(s->arena);
    const struct machine *machine;
    struct err err;
    if (!asl_compile(s->arena, str_of_cstr(definition), &diags, &machine, &err)) {
        for (size_t i = 0; i < diags.count; i++)
            printf("# " STR_FMT ": " STR_FMT "\n", STR_ARG(diags.items[i].pointer),
                   STR_ARG(diags.items[i].message));
        exit(1);
    }
    return machine;
}

/* ---- functions ---- */

struct scene_function *scene_function(struct scene *s, struct str name)
{
    for (size_t i = 0; i < s->function_count; i++)
        if (str_eq(s->functions[i].name, name))
            return &s->functions[i];
    if (s->function_count == SCENE_FUNCTIONS_MAX)
        exit(1);
    struct scene_function *f = &s->functions[s->function_count++];
    f->name = arena_str(s->arena, name);
    return f;
}

void scene_takes(struct scene *s, const char *name, int64_t ms)
{
    scene_function(s, str_of_cstr(name))->ms = ms;
}

void scene_fails(struct scene *s, const char *name, bool fails)
{
    scene_function(s, str_of_cstr(name))->fails = fails;
}

unsigned scene_asked(struct scene *s, const char *name)
{
    return scene_function(s, str_of_cstr(name))->asked;
}

static struct player_answer work(void *arg, const struct flow_effect *task)
{
    struct scene *s = arg;
    struct scene_function *f = scene_function(s, task->function);
    struct json_object_builder b = json_object_builder(s->arena);
    f->asked++;
    json_object_add(&b, STR("by"), json_string(f->name));
    json_object_add(&b, STR("n"), json_int(f->asked));
    return (struct player_answer){
        .ok = !f->fails,
        .ms = f->ms,
        .output = json_object_done(&b),
        .has_error = f->fails,
        .error = STR("Boom"),
    };
}

/* ---- playing ---- */

static void keep_row(void *arg, const struct journal_row *row)
{
    struct scene *s = arg;
    s->rows = arena_grow(s->arena, s->rows, s->row_count, &s->row_capacity, sizeof(*s->rows));
    s->rows[s->row_count] = *row;
    s->rows[s->row_count++].body = arena_str(s->arena, row->body);
}

static struct player *player_of(struct scene *s)
{
    struct player *p = player_new(s->machine, STR("m"), STR("x"), s->limits,
                                  (struct wall_ms){SCENE_CLOCK_START_MS}, work, s);
    p->keep = keep_row;
    p->keep_arg = s;
    return p;
}

static struct scene *scene_empty(struct flow_limits limits)
{
    struct arena *a = arena_new(0);
    struct scene *s = ARENA_NEW(a, struct scene);
    s->arena = a;
    s->limits = limits;
    return s;
}

struct scene *scene_new_limited(const char *definition, struct flow_limits limits)
{
    struct scene *s = scene_empty(limits);
    s->machine = scene_compile(s, definition);
    s->player = player_of(s);
    return s;
}

struct scene *scene_new(const char *definition)
{
    return scene_new_limited(definition, flow_limits_default());
}

struct scene *scene_fork(struct scene *from, const struct machine *machine, const struct plan *plan,
                         struct json input)
{
    struct scene *s = scene_empty(from->limits);
    s->machine = machine;
    s->player = player_of(s);
    if (from->player->work != work) {
        s->player->work = from->player->work;
        s->player->arg = from->player->arg;
    }
    player_turn(s->player, (struct flow_input){
                               .why = FLOW_START, .value = input, .recovery = &plan->recovery});
    player_play(s->player, SCENE_SECONDS);
    return s;
}

void scene_free(struct scene *s)
{
    run_free(s->told);
    player_free(s->player);
    arena_free(s->arena);
}

void scene_start(struct scene *s, const char *input)
{
    player_start(s->player, scene_json(s, input));
    player_play(s->player, SCENE_SECONDS);
}

void scene_recover(struct scene *s, const struct plan *plan)
{
    player_turn(s->player, (struct flow_input){.why = FLOW_RECOVER, .recovery = &plan->recovery});
    player_play(s->player, SCENE_SECONDS);
}

/* ---- the story ---- */

struct recovery_story scene_story(struct scene *s)
{
    struct journal_turn *turns = ARENA_ARRAY(s->arena, struct journal_turn, s->row_count);
    run_free(s->told);
    s->told = run_new(s->machine, &s->player->who, &s->limits);
    s->steps = (struct step_list){0};
    struct journal_reader *reader = journal_reader_new(s->arena);
    for (size_t i = 0; i < s->row_count; i++) {
        struct err err;
        if (!journal_fold(reader, &s->rows[i], s->told, &turns[i], &err)) {
            printf("# %s\n", err.message);
            exit(1);
        }
        steps_apply(&s->steps, s->arena, s->told, turns[i].events, turns[i].count, turns[i].at);
    }
    return (struct recovery_story){
        .machine = s->machine,
        .run = s->told,
        .turns = turns,
        .turn_count = s->row_count,
        .steps = &s->steps,
        .limits = &s->limits,
        .now = s->player->now,
    };
}
