/* A folded journal equals the live run, after every turn, for random machines.
 *
 * Each machine is generated from a seed and played (support/player.h, which
 * compares) with tasks that answer, fail, are late or never answer, with random
 * stops, and half of them in turns of very few states. PAWL_SEEDS says how many
 * machines (2,000 by default). */
#include "asl/compile.h"
#include "support/machine_gen.h"
#include "support/player.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    SEEDS_DEFAULT = 2000,
    FAILURES_SHOWN_MAX = 5,
    STEPS_MAX = 2000,
};

static struct totals {
    unsigned turns, events, bounded, snapshots, tasks_ok, tasks_failed, tasks_lost, tokens, refused;
    unsigned statuses[FLOW_ABORTED + 1];
} totals;

static struct player_answer work(void *arg, const struct flow_effect *task)
{
    struct rng *rng = arg;
    struct player_answer answer = {
        .ms = (int64_t)rng_below(rng, 6000),
        .taken_ms = (int64_t)rng_below(rng, 3000),
        .worker = rng_below(rng, 2) ? STR("ann") : STR(""),
        .call_ms = (int64_t)rng_below(rng, 6000),
        .call_never = rng_below(rng, 10) == 0,
        .call_fails = rng_below(rng, 10) == 0,
        .call_output = json_int((int64_t)rng_below(rng, 100)),
        .beats = rng_below(rng, 2),
    };
    bool ends = task->state->u.task.timeout.set || (task->heartbeat_seconds && !answer.beats);
    totals.tokens += task->by_token;
    if (ends && rng_below(rng, 10) == 0) {
        totals.tasks_lost++;
        answer.never = true;
    } else if (rng_below(rng, 8) == 0) {
        totals.tasks_failed++;
        answer.has_error = true;
        answer.error = rng_below(rng, 2) ? STR("E1") : STR("E2");
        answer.has_cause = rng_below(rng, 2);
        answer.cause = STR("it did not work");
    } else {
        totals.tasks_ok++;
        answer.ok = true;
        answer.output = json_int((int64_t)rng_below(rng, 100));
        answer.log = rng_below(rng, 2) ? json_string(STR("a line")) : JSON_NONE;
    }
    return answer;
}

static const char *play(const struct machine *machine, struct rng *rng, struct json input)
{
    struct flow_limits limits = flow_limits_default();
    if (rng_below(rng, 2)) /* so that bounds cut everywhere */
        limits.turn_states_max = 1 + rng_below(rng, 4);
    struct player *p =
        player_new(machine, STR("m"), STR("x"), limits, (struct wall_ms){1700000000000}, work, rng);
    player_start(p, input);
    bool more = true;
    for (int i = 0; more && i < STEPS_MAX; i++) {
        if (rng_below(rng, 200) == 0)
            player_stop(p, STR("Stopped"), STR(""));
        more = player_step(p, (struct wall_ms){INT64_MAX});
    }
    const char *problem = p->problem;
    if (!problem && run_status(p->live) == FLOW_RUNNING)
        problem = "the run waits for nothing";
    totals.statuses[run_status(p->live)]++;
    totals.turns += p->turns;
    totals.events += p->events;
    totals.bounded += p->bounded;
    totals.snapshots += p->snapshots;
    totals.refused += p->refused;
    player_free(p);
    return problem;
}

/* NULL: all is well. */
static const char *play_seed(uint64_t seed, struct gen_coverage *coverage)
{
    struct arena *a = arena_new(0);
    struct rng rng = rng_seeded(seed);
    struct buf definition = BUF_INIT(0);
    struct diag_list diags = diag_list(a);
    const struct machine *machine;
    const char *problem;
    struct json input;
    struct err err;
    machine_generate(&rng, &definition, coverage);
    if (!asl_compile(a, buf_str(&definition), &diags, &machine, &err)) {
        printf("# " STR_FMT "\n", STR_ARG(diags.count ? diags.items[0].message : STR("syntax")));
        problem = "a generated machine is refused";
    } else if (!json_parse_copy(a, STR("{\"items\":[1,{\"a\":[2]},\"three\"],\"n\":1}"),
                                (struct json_limits){0}, &input, &err)) {
        problem = "the input does not parse";
    } else {
        problem = play(machine, &rng, input);
    }
    if (problem)
        printf("# seed %llu: %s: " STR_FMT "\n", (unsigned long long)seed, problem,
               STR_ARG(buf_str(&definition)));
    buf_release(&definition);
    arena_free(a);
    return problem;
}

static void print_totals(const struct gen_coverage *coverage)
{
    struct buf text = BUF_INIT(0);
    gen_coverage_print(coverage, &text);
    printf("# generated: " STR_FMT "\n", STR_ARG(buf_str(&text)));
    printf("# turns=%u (cut by a bound: %u) events=%u snapshots=%u; succeeded=%u failed=%u "
           "aborted=%u; tasks ok=%u failed=%u lost=%u by token=%u, inputs refused=%u\n",
           totals.turns, totals.bounded, totals.events, totals.snapshots,
           totals.statuses[FLOW_SUCCEEDED], totals.statuses[FLOW_FAILED],
           totals.statuses[FLOW_ABORTED], totals.tasks_ok, totals.tasks_failed, totals.tasks_lost,
           totals.tokens, totals.refused);
    buf_release(&text);
}

static bool verdict(int number, bool ok, const char *name)
{
    printf("%s %d - %s\n", ok ? "ok" : "not ok", number, name);
    return ok;
}

int main(void)
{
    const char *asked = getenv("PAWL_SEEDS");
    int64_t seeds;
    if (!asked || !str_to_int64(str_of_cstr(asked), &seeds))
        seeds = SEEDS_DEFAULT;
    struct gen_coverage coverage = {0};
    unsigned failed = 0;
    for (int64_t seed = 1; seed <= seeds && failed < FAILURES_SHOWN_MAX; seed++)
        failed += play_seed((uint64_t)seed, &coverage) != NULL;
    print_totals(&coverage);
    bool ok = verdict(1, failed == 0, "a folded journal and a snapshot equal the live run");
    ok &=
        verdict(2, gen_coverage_is_full(&coverage), "every kind of state and field was generated");
    ok &= verdict(3, totals.bounded > 0, "turns were cut by their bounds");
    printf("1..3\n");
    return ok ? 0 : 1;
}
