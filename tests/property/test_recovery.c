/* Recoveries of random machines: what holds for every one of them.
 *
 * Each machine (support/machine_gen.h) is played with tasks that always give the same for
 * the same state. Some fail each time, and that is caught; those whose failure nothing
 * catches fail until they are repaired; at random the execution is stopped, or a task meets
 * an error that nothing may catch. Then it is resumed until it ends as one that never
 * failed. PAWL_SEEDS says how many machines in which no time decides (2,000 by default), and ten
 * times as many where no sanitizer slows them down, up to 2,000. PAWL_SEED: one of them alone. */
#include "support/machine_gen.h"
#include "support/scene.h"

#include <stdio.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define SLOW 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOW 1
#endif
#ifndef SLOW
#define SLOW 0
#endif

enum {
    SEEDS_DEFAULT = 2000,
    SEEDS_FAST = 10, /* times what is asked for, up to the default */
    FAILURES_SHOWN_MAX = 5,
    PLAYED_MAX = 4000,
    RESUMES_MAX = 6,
    TASK_MS_MAX = 900, /* below every time-out and heartbeat that is generated */
};

static struct totals {
    unsigned resumes, placed, forks, reruns, cascades, container_reruns, stops, lost, repaired,
        caught, plans_compared, steps_kept, steps_again, succeeded, failed, refused, refreshed,
        calm;
} totals;

struct trial {
    struct rng *rng;
    const struct machine *machine;
    bool *always;      /* by state: its task fails each time */
    bool *broken;      /* by state: until it is repaired */
    int64_t salt;      /* of what tasks give */
    int64_t *versions; /* by state: of what its tasks give */
    int lose_at;       /* the task that meets what nothing catches; -1: none */
    bool racy;    /* a failure ends what runs beside it: how far that came is a matter of time */
    bool retried; /* Parallels and Maps may enter anew what is in them */
    struct scene *scene;
    const char *problem;
};

/* ---- tasks ---- */

static int64_t value_of(const struct trial *t, const struct state *state)
{
    return (int64_t)(str_hash(state->name) % 1000) + t->salt + t->versions[state->number];
}

static struct player_answer work(void *arg, const struct flow_effect *task)
{
    struct trial *t = arg;
    struct player_answer a = {
        .ms = (int64_t)rng_below(t->rng, TASK_MS_MAX),
        .ok = true,
        .output = json_int(value_of(t, task->state)),
        .call_output = json_int(1),
        .beats = true,
    };
    uint32_t number = task->state->number;
    /* In a distributed Map it would end an iteration only, which a retrier may take. */
    bool apart = machine_state_is_apart(t->machine, number);
    bool lost = t->lose_at == 0 && !apart;
    t->lose_at -= t->lose_at >= 0 && !apart;
    if (!lost && !t->always[number] && !t->broken[number])
        return a;
    totals.lost += lost;
    a.ok = false;
    a.has_error = true;
    a.error = lost ? STR("States.Runtime") : STR("E1");
    return a;
}

/* Does nothing around the state catch or bear its failure? */
static bool is_uncaught(const struct machine *m, const struct state *state)
{
    for (;;) {
        if (state->catcher_count)
            return false;
        uint32_t parent = m->scopes[state->scope].parent_state;
        if (parent == STATE_NO_NONE)
            return true;
        state = &m->states[parent];
        if (state->type == STATE_MAP && state->u.map.distributed)
            return false;
    }
}

static void break_states(struct trial *t)
{
    for (uint32_t i = 0; i < t->machine->state_count; i++) {
        const struct state *state = &t->machine->states[i];
        bool chosen = state->type == STATE_TASK && rng_below(t->rng, 4) == 0;
        bool uncaught = is_uncaught(t->machine, state);
        t->broken[i] = chosen && uncaught;
        t->always[i] = chosen && !uncaught;
        bool fails_beside = state->type == STATE_FAIL && state->scope != 0;
        t->racy = t->racy || fails_beside || (t->always[i] && !state->catcher_count);
        t->retried = t->retried || (state->retrier_count && state->type != STATE_TASK);
        totals.repaired += t->broken[i];
        totals.caught += t->always[i];
    }
}

/* ---- playing ---- */

static bool fail(struct trial *t, const char *problem)
{
    if (!t->problem)
        t->problem = problem;
    return false;
}

/* To the end, or until it is stopped at random. */
static bool play(struct trial *t, bool may_stop)
{
    struct player *p = t->scene->player;
    bool more = true;
    for (int i = 0; more && i < PLAYED_MAX; i++) {
        if (may_stop && rng_below(t->rng, 30) == 0 && run_status(p->live) == FLOW_RUNNING) {
            player_stop(p, STR("Stopped"), STR(""));
            totals.stops++;
        }
        more = player_step(p, (struct wall_ms){INT64_MAX});
    }
    if (p->problem)
        return fail(t, p->problem);
    return run_status(p->live) != FLOW_RUNNING || fail(t, "the run waits for nothing");
}

static struct scene *new_scene(struct trial *t, const char *definition, bool cut)
{
    struct flow_limits limits = flow_limits_default();
    if (cut)
        limits.turn_states_max = 1 + rng_below(t->rng, 4);
    struct scene *s = scene_new_limited(definition, limits);
    s->player->work = work;
    s->player->arg = t;
    t->machine = s->machine;
    t->scene = s;
    return s;
}

static struct json input_of(struct scene *s)
{
    return scene_json(s, "{\"items\":[1,{\"a\":[2]},\"three\"],\"n\":1}");
}

/* ---- records ---- */

static void write_record(const struct step *s, struct buf *to)
{
    buf_printf(to, "%u/%u " STR_FMT " %s %lld-%lld next=%d ", s->index, s->generation,
               STR_ARG(s->path), step_status_name(s->status), (long long)s->started_at.ms,
               (long long)s->stopped_at.ms, (int)s->next);
    const struct json values[] = {s->input, s->output, s->result, s->assigned};
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        json_write(to, values[i]);
        buf_append(to, STR(" "));
    }
    buf_printf(to, STR_FMT "|" STR_FMT, STR_ARG(s->error), STR_ARG(s->cause));
    for (size_t i = 0; i < s->attempt_count; i++) {
        const struct step_attempt *a = &s->attempts[i];
        buf_printf(to, " [%u/%u %s %lld-%lld " STR_FMT "]", a->number, a->generation,
                   step_status_name(a->status), (long long)a->started_at.ms,
                   (long long)a->stopped_at.ms, STR_ARG(a->error));
        json_write(to, a->log);
    }
}

static struct str *write_records(struct scene *s, size_t *ret_count)
{
    *ret_count = s->steps.count;
    struct str *texts = ARENA_ARRAY(s->arena, struct str, s->steps.count);
    for (size_t i = 0; i < s->steps.count; i++) {
        struct buf text = BUF_INIT(0);
        write_record(&s->steps.items[i], &text);
        texts[i] = arena_str(s->arena, buf_str(&text));
        buf_release(&text);
    }
    return texts;
}

static bool is_done(const struct step *s)
{
    return s->status == STEP_SKIPPED || (s->status != STEP_RUNNING && !json_is_absent(s->output));
}

/* ---- plan and history ---- */

static unsigned new_steps(const struct scene *s, size_t from, struct str path)
{
    unsigned count = 0;
    for (size_t i = from; i < s->steps.count; i++)
        count += str_eq(s->steps.items[i].path, path);
    return count;
}

static bool what_is_kept_stays(struct trial *t, const struct plan *plan, const struct str *before,
                               const struct str *now, size_t count)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_step *row = &plan->steps[i];
        if (row->index < count && row->action == PLAN_KEPT &&
            !str_eq(now[row->index], before[row->index]))
            return fail(t, "a step that was to stay ran");
    }
    return true;
}

/* Each row against what happened; the story before had `count` records, these texts. */
static bool same_as_planned(struct trial *t, const struct plan *plan, const struct str *before,
                            size_t count)
{
    struct scene *s = t->scene;
    size_t after, ahead = 0;
    struct str *now = write_records(s, &after);
    if (t->racy)
        return what_is_kept_stays(t, plan, before, now, count);
    totals.plans_compared++;
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_step *row = &plan->steps[i];
        bool runs = row->action == PLAN_RUN || row->action == PLAN_RERUN;
        if (row->index >= count) {
            ahead += row->action != PLAN_NOT_REACHED;
            continue;
        }
        bool same = str_eq(now[row->index], before[row->index]);
        if (runs == same) {
            printf("# " STR_FMT " is %s: " STR_FMT "\n", STR_ARG(row->path),
                   plan_action_name(row->action), STR_ARG(now[row->index]));
            return fail(t, runs ? "a step that was to run did not" : "a step that was to stay ran");
        }
        totals.steps_kept += !runs;
        totals.steps_again += runs;
    }
    if (ahead != after - count) {
        for (size_t i = 0; i < plan->count; i++)
            if (plan->steps[i].index >= count)
                printf("# planned: " STR_FMT " %s\n", STR_ARG(plan->steps[i].key),
                       plan_action_name(plan->steps[i].action));
        for (size_t i = count; i < after; i++)
            printf("# came: " STR_FMT "\n", STR_ARG(now[i]));
        return fail(t, "other steps follow than were planned");
    }
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_step *row = &plan->steps[i];
        unsigned planned = 0;
        for (size_t k = 0; k < plan->count; k++)
            planned += plan->steps[k].index >= count && str_eq(plan->steps[k].key, row->key) &&
                       plan->steps[k].action != PLAN_NOT_REACHED;
        if (row->index >= count && row->action != PLAN_NOT_REACHED &&
            planned != new_steps(s, count, row->key))
            return fail(t, "a step follows more or less often than was planned");
    }
    return plan->ends_known || fail(t, "all outcomes were given, but the end was not known");
}

/* What every task gives, so that all is known ahead. */
static struct json mocks_of(struct trial *t)
{
    struct arena *a = t->scene->arena;
    struct json_object_builder b = json_object_builder(a);
    for (uint32_t i = 0; i < t->machine->state_count; i++) {
        const struct state *state = &t->machine->states[i];
        if (state->type != STATE_TASK)
            continue;
        struct json value = json_int(value_of(t, state));
        bool invoke = state->u.task.resource.kind == TASK_LAMBDA_INVOKE &&
                      state->u.task.resource.pattern != TASK_WAIT_FOR_TOKEN;
        if (t->always[i])
            value = scene_json(t->scene, "{\"errorOutput\":{\"error\":\"E1\"}}");
        else if (invoke)
            value = json_object_with(a, json_object(NULL, 0), STR("Payload"), value);
        json_object_add(&b, state->name, value);
    }
    return json_object_done(&b);
}

static bool make_plan(struct trial *t, struct recovery_request request, struct plan *ret_plan)
{
    struct recovery_story *story = ARENA_NEW(t->scene->arena, struct recovery_story);
    struct recovery_request *asked = arena_dup(t->scene->arena, &request, sizeof(request));
    struct err err;
    *story = scene_story(t->scene);
    asked->mocks = mocks_of(t);
    if (request.kind == RECOVERY_FORK)
        story->target = t->machine;
    if (!plan_make(story, asked, t->scene->arena, ret_plan, &err)) {
        printf("# %s\n", err.message);
        return fail(t, "planning failed");
    }
    if (plan_feasible(ret_plan, &err))
        return true;
    printf("# %s\n", err.message);
    totals.refused++;
    return false;
}

/* ---- resuming ---- */

static bool done_stays_done(struct trial *t, const bool *done, const struct str *before,
                            size_t count)
{
    size_t after;
    struct str *now = write_records(t->scene, &after);
    for (size_t i = 0; i < count; i++)
        if (done[i] && !str_eq(now[i], before[i]))
            return fail(t, "a step that was done was carried out again");
    return true;
}

static bool resume(struct trial *t, bool calm)
{
    struct scene *s = t->scene;
    struct plan plan;
    size_t count;
    if (!make_plan(t, (struct recovery_request){.kind = RECOVERY_RESUME}, &plan))
        return fail(t, "a resume is refused");
    struct str *before = write_records(s, &count);
    bool *done = ARENA_ARRAY(s->arena, bool, count);
    for (size_t i = 0; i < count; i++)
        done[i] = is_done(&s->steps.items[i]);
    t->lose_at = calm ? -1 : (int)rng_below(t->rng, 12);
    player_turn(s->player, (struct flow_input){.why = FLOW_RECOVER, .recovery = &plan.recovery});
    if (!play(t, !calm))
        return false;
    totals.resumes++;
    (void)scene_story(s);
    return done_stays_done(t, done, before, count) &&
           (!calm || same_as_planned(t, &plan, before, count));
}

/* As one that never failed. */
static bool ends_alike(struct trial *t, const struct run *reference)
{
    const struct run *run = t->scene->player->live;
    if (run_status(run) != run_status(reference))
        printf("# status %d, not %d\n", (int)run_status(run), (int)run_status(reference));
    if (run_status(run) != run_status(reference))
        return fail(t, "it ended otherwise than one that never failed");
    if (json_equal(run_output(run), run_output(reference)))
        return true;
    printf("# " STR_FMT "\n# " STR_FMT "\n", STR_ARG(json_text(t->scene->arena, run_output(run))),
           STR_ARG(json_text(t->scene->arena, run_output(reference))));
    return fail(t, "its output is not that of one that never failed");
}

static bool steps_are_as_many(struct trial *t, const struct scene *reference)
{
    for (size_t i = 0; !t->racy && !t->retried && i < t->scene->steps.count; i++) {
        struct str path = t->scene->steps.items[i].path;
        if (run_status(reference->player->live) == FLOW_SUCCEEDED &&
            new_steps(t->scene, 0, path) != new_steps(reference, 0, path)) {
            printf("# " STR_FMT ": %u, not %u\n", STR_ARG(path), new_steps(t->scene, 0, path),
                   new_steps(reference, 0, path));
            return fail(t, "a step has more or fewer records than in one that never failed");
        }
    }
    return true;
}

static bool resume_to_the_end(struct trial *t, struct scene *reference)
{
    for (int i = 0; i < RESUMES_MAX; i++) {
        bool calm = i + 1 == RESUMES_MAX || rng_below(t->rng, 2) == 0;
        if (run_status(t->scene->player->live) == FLOW_SUCCEEDED)
            break;
        if (calm)
            memset(t->broken, 0, t->machine->state_count * sizeof(bool));
        if (!resume(t, calm))
            return false;
        if (calm)
            break;
    }
    memset(t->broken, 0, t->machine->state_count * sizeof(bool));
    t->lose_at = -1;
    return ends_alike(t, reference->player->live) && steps_are_as_many(t, reference);
}

/* ---- one step again, from a step, a fork ---- */

static bool is_part_of(const struct step *s, const struct step *of)
{
    return s == of || (s->path.len > of->path.len && s->path.ptr[of->path.len] == '/' &&
                       str_starts_with(s->path, of->path));
}

static struct str number_text(struct trial *t, uint32_t step)
{
    return arena_printf(t->scene->arena, "%u", step);
}

static bool rerun(struct trial *t)
{
    struct scene *s = t->scene;
    struct plan plan;
    size_t count, after;
    (void)scene_story(s);
    uint32_t step = (uint32_t)rng_below(t->rng, s->steps.count);
    struct recovery_request request = {.kind = RECOVERY_RERUN,
                                       .numbering = STEPS_FROM_ZERO,
                                       .step = number_text(t, step),
                                       .recorded_context = rng_below(t->rng, 2)};
    t->salt = 1000 * (int64_t)rng_below(t->rng, 3);
    if (!make_plan(t, request, &plan)) /* what failed beside it may come first in a replay */
        return t->racy || fail(t, "a rerun is refused");
    struct str *before = write_records(s, &count);
    struct json output = run_output(s->player->live);
    enum flow_status status = run_status(s->player->live);
    player_turn(s->player, (struct flow_input){.why = FLOW_RECOVER, .recovery = &plan.recovery});
    if (!play(t, false))
        return false;
    totals.reruns++;
    (void)scene_story(s);
    totals.container_reruns += s->steps.items[step].children_total > 0;
    struct str *now = write_records(s, &after);
    if (run_status(s->player->live) != status && status == FLOW_SUCCEEDED)
        return fail(t, "a rerun changed how the execution had ended");
    if (!plan.recovery.gives_output && status == FLOW_SUCCEEDED &&
        !json_equal(output, run_output(s->player->live)))
        return fail(t, "a rerun of a step changed the output, which is not its own");
    for (size_t i = 0; i < count; i++)
        if (!is_part_of(&s->steps.items[i], &s->steps.items[step]) && !str_eq(now[i], before[i]))
            return fail(t, "a rerun changed another step's record");
    bool leaf = s->steps.items[step].children_total == 0;
    return !leaf || after == count || fail(t, "a rerun changed the number of steps");
}

static bool step_in_container(const struct step *s)
{
    return s->path.len > s->state->name.len;
}

/* All from a step that is done, which may be inside of a Parallel or Map. */
static bool again_from(struct trial *t, const struct run *reference)
{
    struct scene *s = t->scene;
    struct plan plan;
    size_t count;
    (void)scene_story(s);
    uint32_t step = (uint32_t)rng_below(t->rng, s->steps.count);
    if (!is_done(&s->steps.items[step]))
        return true;
    struct recovery_request request = {.kind = RECOVERY_RERUN,
                                       .numbering = STEPS_FROM_ZERO,
                                       .step = number_text(t, step),
                                       .cascade = true};
    if (!make_plan(t, request, &plan))
        return fail(t, "a cascade is refused");
    struct str *before = write_records(s, &count);
    player_turn(s->player, (struct flow_input){.why = FLOW_RECOVER, .recovery = &plan.recovery});
    if (!play(t, false))
        return false;
    totals.cascades++;
    totals.placed += step_in_container(&s->steps.items[step]);
    (void)scene_story(s);
    return same_as_planned(t, &plan, before, count) && ends_alike(t, reference);
}

static bool fork_from(struct trial *t, const struct run *reference)
{
    struct scene *from = t->scene;
    struct plan plan;
    (void)scene_story(from);
    uint32_t step = (uint32_t)rng_below(t->rng, from->steps.count);
    struct recovery_request request = {
        .kind = RECOVERY_FORK, .numbering = STEPS_FROM_ZERO, .from = number_text(t, step)};
    if (!is_done(&from->steps.items[step]) || !make_plan(t, request, &plan))
        return true;
    struct scene *fork = scene_fork(from, t->machine, &plan, input_of(from));
    totals.forks++;
    t->scene = fork;
    (void)scene_story(fork);
    bool ok = (!fork->player->problem || fail(t, fork->player->problem)) &&
              same_as_planned(t, &plan, NULL, 0) && ends_alike(t, reference);
    t->scene = from;
    scene_free(fork);
    return ok;
}

/* ---- a resume after a rerun ---- */

static size_t records_of(const struct step_list *list, uint32_t state)
{
    size_t count = 0;
    for (uint32_t i = 0; i < list->count; i++)
        count += list->items[i].state->number == state;
    return count;
}

/* A task that is done, and the only one of its state; STEP_NO_NONE: none. */
static uint32_t lone_task(const struct trial *t)
{
    const struct step_list *list = &t->scene->steps;
    uint32_t found = STEP_NO_NONE;
    for (uint32_t i = 0; i < list->count; i++) {
        const struct step *s = &list->items[i];
        if (s->state->type == STATE_TASK && s->status == STEP_SUCCESS &&
            records_of(list, s->state->number) == 1 &&
            (found == STEP_NO_NONE || rng_below(t->rng, 2)))
            found = i;
    }
    return found;
}

/* As if the state had given that at once; where it would then be entered again, each time. */
static bool ends_as_if_at_once(struct trial *t, uint32_t state, const char *definition)
{
    struct scene *resumed = t->scene, *reference = new_scene(t, definition, false);
    player_start(reference->player, input_of(reference));
    bool ok = play(t, false);
    (void)scene_story(reference);
    bool alike = ok && records_of(&reference->steps, state) <= 1;
    t->scene = resumed;
    t->machine = resumed->machine;
    totals.refreshed += alike;
    ok = ok && (!alike || ends_alike(t, reference->player->live));
    scene_free(reference);
    return ok;
}

/* One step of what did not end well gives something else when it is run again; then it is
 * resumed. A Choice that would now go elsewhere refuses either. */
static bool rerun_and_resume(struct trial *t, uint32_t step, const char *definition)
{
    struct scene *s = t->scene;
    struct plan plan;
    uint32_t state = s->steps.items[step].state->number;
    t->versions[state] = 5000;
    struct recovery_request request = {
        .kind = RECOVERY_RERUN, .numbering = STEPS_FROM_ZERO, .step = number_text(t, step)};
    if (!make_plan(t, request, &plan))
        return !t->problem;
    player_turn(s->player, (struct flow_input){.why = FLOW_RECOVER, .recovery = &plan.recovery});
    if (!play(t, false))
        return false;
    if (run_status(s->player->live) == FLOW_SUCCEEDED ||
        !make_plan(t, (struct recovery_request){.kind = RECOVERY_RESUME}, &plan))
        return !t->problem;
    return resume(t, true) && ends_as_if_at_once(t, state, definition);
}

static bool refreshed(struct trial *t, const char *definition)
{
    struct scene *s = new_scene(t, definition, rng_below(t->rng, 2));
    t->lose_at = 1 + (int)rng_below(t->rng, 12);
    player_start(s->player, input_of(s));
    bool ok = play(t, true);
    t->lose_at = -1;
    (void)scene_story(s);
    bool ended_well = run_status(s->player->live) == FLOW_SUCCEEDED;
    uint32_t step = ok && !ended_well && !t->racy ? lone_task(t) : STEP_NO_NONE;
    if (step != STEP_NO_NONE)
        ok = rerun_and_resume(t, step, definition);
    memset(t->versions, 0, t->machine->state_count * sizeof(*t->versions));
    scene_free(s);
    return ok;
}

/* ---- a trial ---- */

static bool play_trial(struct trial *t, struct scene *reference, const char *definition)
{
    bool *broken = t->broken;
    t->broken = ARENA_ARRAY(reference->arena, bool, t->machine->state_count);
    t->lose_at = -1;
    player_start(reference->player, input_of(reference));
    if (!play(t, false))
        return false;
    (void)scene_story(reference);
    const struct run *wanted = reference->player->live;
    totals.succeeded += run_status(wanted) == FLOW_SUCCEEDED;
    totals.failed += run_status(wanted) == FLOW_FAILED;

    t->broken = broken;
    t->lose_at = rng_below(t->rng, 2) ? (int)rng_below(t->rng, 12) : -1;
    struct scene *s = new_scene(t, definition, rng_below(t->rng, 2));
    player_start(s->player, input_of(s));
    bool ok = play(t, rng_below(t->rng, 2)) && resume_to_the_end(t, reference);
    if (ok && run_status(wanted) == FLOW_SUCCEEDED)
        ok = again_from(t, wanted) && fork_from(t, wanted);
    ok = ok && rerun(t);
    t->salt = 0;
    if (ok && run_status(wanted) == FLOW_SUCCEEDED && rng_below(t->rng, 2))
        ok = rerun(t) && rerun(t);
    t->salt = 0;
    memset(t->broken, 0, t->machine->state_count * sizeof(bool));
    scene_free(s);
    return ok && (run_status(wanted) != FLOW_SUCCEEDED || refreshed(t, definition));
}

static const char *play_seed(uint64_t seed, struct gen_coverage *coverage)
{
    struct rng rng = rng_seeded(seed);
    struct buf definition = BUF_INIT(0);
    struct trial t = {.rng = &rng};
    machine_generate(&rng, &definition, coverage);
    struct scene *reference = new_scene(&t, buf_cstr(&definition), false);
    t.always = ARENA_ARRAY(reference->arena, bool, t.machine->state_count);
    t.broken = ARENA_ARRAY(reference->arena, bool, t.machine->state_count);
    t.versions = ARENA_ARRAY(reference->arena, int64_t, t.machine->state_count);
    break_states(&t);
    totals.calm += !t.racy;
    if (!play_trial(&t, reference, buf_cstr(&definition)))
        printf("# seed %llu: %s: " STR_FMT "\n", (unsigned long long)seed, t.problem,
               STR_ARG(buf_str(&definition)));
    scene_free(reference);
    buf_release(&definition);
    return t.problem;
}

static bool verdict(int number, bool ok, const char *name)
{
    printf("%s %d - %s\n", ok ? "ok" : "not ok", number, name);
    return ok;
}

static void print_totals(const struct gen_coverage *coverage)
{
    struct buf text = BUF_INIT(0);
    gen_coverage_print(coverage, &text);
    printf("# generated: " STR_FMT "\n", STR_ARG(buf_str(&text)));
    printf("# of them all is decided without a race: %u\n", totals.calm);
    printf("# references succeeded=%u failed=%u; stopped=%u lost=%u broken until repaired=%u "
           "caught=%u\n",
           totals.succeeded, totals.failed, totals.stops, totals.lost, totals.repaired,
           totals.caught);
    printf("# resumes=%u cascades=%u (from inside of a Parallel or Map: %u) forks=%u reruns=%u "
           "(of a Parallel or Map: %u), refused=%u\n",
           totals.resumes, totals.cascades, totals.placed, totals.forks, totals.reruns,
           totals.container_reruns, totals.refused);
    printf("# resumes after a rerun that gave something else=%u\n", totals.refreshed);
    printf("# plans compared with what happened=%u: steps kept=%u again=%u\n",
           totals.plans_compared, totals.steps_kept, totals.steps_again);
    buf_release(&text);
}

int main(void)
{
    const char *asked = getenv("PAWL_SEEDS");
    int64_t seeds;
    if (!asked || !str_to_int64(str_of_cstr(asked), &seeds))
        seeds = SEEDS_DEFAULT;
    if (!SLOW && seeds < SEEDS_DEFAULT)
        seeds = seeds * SEEDS_FAST < SEEDS_DEFAULT ? seeds * SEEDS_FAST : SEEDS_DEFAULT;
    struct gen_coverage coverage = {0};
    unsigned failed = 0;
    const char *one = getenv("PAWL_SEED");
    if (one && str_to_int64(str_of_cstr(one), &seeds))
        return play_seed((uint64_t)seeds, &coverage) != NULL;
    for (int64_t seed = 1; totals.calm < seeds && failed < FAILURES_SHOWN_MAX; seed++)
        failed += play_seed((uint64_t)seed, &coverage) != NULL;
    print_totals(&coverage);
    bool all = totals.resumes && totals.cascades && totals.placed && totals.forks &&
               totals.reruns && totals.container_reruns && totals.stops && totals.lost &&
               totals.refreshed;
    bool ok = verdict(1, failed == 0,
                      "a resume repeats nothing, ends alike and as planned; a rerun changes "
                      "nothing else");
    ok &= verdict(2, gen_coverage_is_full(&coverage), "every kind of state was generated");
    ok &= verdict(3, all, "every kind of recovery was played");
    printf("1..3\n");
    return ok ? 0 : 1;
}
