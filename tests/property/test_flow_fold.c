/* A folded journal equals the live run, after every turn, for random machines.
 *
 * Each machine is generated from a seed, run under virtual time with tasks that
 * answer, fail, are late or never answer, and journaled. After each turn the row
 * is folded into a second run whose dump must equal the live one's; a snapshot
 * of it, restored into a third run, must equal it too. PAWL_SEEDS says how many
 * machines (2,000 by default). */
#include "asl/compile.h"
#include "flow/snapshot.h"
#include "journal/journal.h"
#include "support/machine_gen.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    SEEDS_DEFAULT = 2000,
    TASKS_MAX = 512,
    TURNS_MAX = 2000,
};

static struct totals {
    unsigned turns, events, statuses[FLOW_ABORTED + 1], tasks_ok, tasks_failed, tasks_lost,
        snapshots, bounded;
} totals;

struct play {
    struct arena *arena;
    struct rng rng;
    struct run *live, *folded;
    struct journal_reader *reader;
    struct flow_identity who;
    struct flow_limits limits;
    struct wall_ms now;
    struct {
        uint32_t step, attempt;
        int64_t due_ms;
    } tasks[TASKS_MAX];
    size_t task_count;
    const char *problem;
};

static bool dumps_equal(const struct run *a, const struct run *b)
{
    struct buf one = BUF_INIT(0), two = BUF_INIT(0);
    run_dump(a, &one);
    run_dump(b, &two);
    bool equal = str_eq(buf_str(&one), buf_str(&two));
    if (!equal)
        printf("# one:\n%.*s\n# two:\n%.*s\n", STR_ARG(buf_str(&one)), STR_ARG(buf_str(&two)));
    buf_release(&one);
    buf_release(&two);
    return equal;
}

static void check_snapshot(struct play *p)
{
    struct buf text = BUF_INIT(0);
    struct json snapshot;
    struct err err;
    size_t turns;
    run_save(p->folded, &text);
    struct run *restored = run_new(run_machine(p->live), &p->who, &p->limits);
    const struct turn_values *values = journal_values(p->reader, &turns);
    if (!json_parse_copy(p->arena, buf_str(&text), (struct json_limits){0}, &snapshot, &err) ||
        !run_restore(restored, snapshot, values, turns, &err)) {
        printf("# %s: %.*s\n", err.message, STR_ARG(buf_str(&text)));
        p->problem = "a snapshot cannot be restored";
    } else if (!dumps_equal(p->folded, restored)) {
        p->problem = "a restored snapshot differs from the run";
    }
    totals.snapshots++;
    run_free(restored);
    buf_release(&text);
}

static void fold(struct play *p, const struct flow_turn *turn, enum flow_cause cause)
{
    struct buf body = BUF_INIT(0);
    struct journal_turn decoded;
    struct err err;
    journal_encode(turn, &body);
    struct journal_row row = {.turn = turn->number,
                              .rules_version = FLOW_RULES_VERSION,
                              .cause = (uint8_t)cause,
                              .at = turn->at,
                              .body = buf_str(&body),
                              .checksum = checksum64(buf_str(&body))};
    if (!journal_fold(p->reader, &row, p->folded, &decoded, &err)) {
        printf("# %s: %.*s\n", err.message, STR_ARG(buf_str(&body)));
        p->problem = "a row cannot be folded";
    } else if (!dumps_equal(p->live, p->folded)) {
        p->problem = "the fold differs from the live run";
    } else {
        check_snapshot(p);
    }
    totals.turns++;
    totals.events += (unsigned)turn->event_count;
    totals.bounded += turn->more;
    buf_release(&body);
}

static void perform(struct play *p, const struct flow_turn *turn)
{
    for (size_t i = 0; i < turn->effect_count; i++) {
        const struct flow_effect *e = &turn->effects[i];
        if (e->kind == FLOW_TASK_START && p->task_count < TASKS_MAX) {
            p->tasks[p->task_count].step = e->step;
            p->tasks[p->task_count].attempt = e->attempt;
            p->tasks[p->task_count++].due_ms = p->now.ms + (int64_t)rng_below(&p->rng, 6000);
        }
        for (size_t k = 0; e->kind == FLOW_TASK_CANCEL && k < p->task_count; k++)
            if (p->tasks[k].step == e->step && p->tasks[k].attempt == e->attempt)
                p->tasks[k--] = p->tasks[--p->task_count];
    }
}

static void take_turn(struct play *p, struct flow_input input)
{
    struct flow_turn turn;
    do {
        struct arena *scratch = arena_new(0);
        input.now = p->now;
        input.seed = rng_next(&p->rng);
        flow_turn(p->live, &input, scratch, &turn);
        if (turn.accepted)
            fold(p, &turn, input.why);
        perform(p, &turn);
        arena_free(scratch);
        input = (struct flow_input){.why = FLOW_CONTINUE};
    } while (turn.more && !p->problem);
}

static void answer(struct play *p, size_t i)
{
    struct flow_input input = {
        .why = FLOW_TASK_RESULT, .step = p->tasks[i].step, .attempt = p->tasks[i].attempt};
    p->tasks[i] = p->tasks[--p->task_count];
    switch (rng_below(&p->rng, 8)) {
    case 0:
        totals.tasks_failed++;
        input.has_error = true;
        input.error = rng_below(&p->rng, 2) ? STR("E1") : STR("E2");
        input.has_cause = rng_below(&p->rng, 2);
        input.cause = STR("it did not work");
        break;
    default:
        totals.tasks_ok++;
        input.ok = true;
        input.value = json_int((int64_t)rng_below(&p->rng, 100));
        input.log = rng_below(&p->rng, 2) ? json_string(STR("a line")) : JSON_NONE;
        break;
    }
    take_turn(p, input);
}

/* What happens next: the earliest timer or task, now and then a stop or a loss. */
static bool go_on(struct play *p)
{
    if (rng_below(&p->rng, 200) == 0) {
        take_turn(p,
                  (struct flow_input){.why = FLOW_STOP, .has_error = true, .error = STR("Stop")});
        return true;
    }
    int64_t wake = flow_wake(p->live).ms;
    size_t soonest = SIZE_MAX;
    for (size_t i = 0; i < p->task_count; i++)
        if (soonest == SIZE_MAX || p->tasks[i].due_ms < p->tasks[soonest].due_ms)
            soonest = i;
    if (soonest != SIZE_MAX && (!wake || p->tasks[soonest].due_ms < wake)) {
        if (p->now.ms < p->tasks[soonest].due_ms)
            p->now.ms = p->tasks[soonest].due_ms;
        answer(p, soonest);
        return true;
    }
    if (!wake)
        return false;
    if (p->now.ms < wake)
        p->now.ms = wake;
    take_turn(p, (struct flow_input){.why = FLOW_WAKE});
    return true;
}

static const char *play_machine(uint64_t seed, struct gen_coverage *coverage)
{
    static const uint8_t secret[32];
    struct play p = {.arena = arena_new(0), .rng = rng_seeded(seed), .now = {1700000000000}};
    struct buf definition = BUF_INIT(0);
    struct diag_list diags = diag_list(p.arena);
    const struct machine *machine;
    struct json input;
    struct err err;
    machine_generate(&p.rng, &definition, coverage);
    p.limits = flow_limits_default();
    if (rng_below(&p.rng, 2)) /* turns of few states, so that bounds cut everywhere */
        p.limits.turn_states_max = 1 + rng_below(&p.rng, 4);
    p.who = (struct flow_identity){.key = (int64_t)seed,
                                   .execution_arn = STR("arn:aws:states:r:a:execution:m:x"),
                                   .name = STR("x"),
                                   .machine_arn = STR("arn:aws:states:r:a:stateMachine:m"),
                                   .machine_name = STR("m"),
                                   .role_arn = STR("role"),
                                   .region = STR("r"),
                                   .account = STR("a"),
                                   .secret = secret};
    if (!json_parse_copy(p.arena, STR("{\"items\":[1,{\"a\":[2]},\"three\"],\"n\":1}"),
                         (struct json_limits){0}, &input, &err))
        p.problem = "the input does not parse";
    if (!asl_compile(p.arena, buf_str(&definition), &diags, &machine, &err)) {
        printf("# %.*s\n# %.*s\n", STR_ARG(buf_str(&definition)),
               STR_ARG(diags.count ? diags.items[0].message : str_of_cstr(err.message)));
        p.problem = "a generated machine is refused";
    }
    if (!p.problem) {
        p.live = run_new(machine, &p.who, &p.limits);
        p.folded = run_new(machine, &p.who, &p.limits);
        p.reader = journal_reader_new(p.arena);
        take_turn(&p, (struct flow_input){.why = FLOW_START, .value = input});
        while (!p.problem && run_status(p.live) == FLOW_RUNNING && run_turns(p.live) < TURNS_MAX)
            if (!go_on(&p))
                p.problem = "the run waits for nothing";
        totals.statuses[run_status(p.live)]++;
    }
    if (p.problem)
        printf("# seed %llu: %.*s\n", (unsigned long long)seed, STR_ARG(buf_str(&definition)));
    run_free(p.live);
    run_free(p.folded);
    buf_release(&definition);
    arena_free(p.arena);
    return p.problem;
}

int main(void)
{
    const char *asked = getenv("PAWL_SEEDS");
    int64_t seeds = SEEDS_DEFAULT;
    if (asked && !str_to_int64(str_of_cstr(asked), &seeds))
        seeds = SEEDS_DEFAULT;
    struct gen_coverage coverage = {0};
    unsigned failed = 0;
    for (int64_t seed = 1; seed <= seeds && failed < 5; seed++) {
        const char *problem = play_machine((uint64_t)seed, &coverage);
        if (problem) {
            printf("# seed %lld: %s\n", (long long)seed, problem);
            failed++;
        }
    }
    struct buf text = BUF_INIT(0);
    gen_coverage_print(&coverage, &text);
    printf("# generated: %.*s\n", STR_ARG(buf_str(&text)));
    printf("# turns=%u events=%u bounded=%u succeeded=%u failed=%u aborted=%u timed_out=%u "
           "tasks ok=%u failed=%u snapshots=%u\n",
           totals.turns, totals.events, totals.bounded, totals.statuses[FLOW_SUCCEEDED],
           totals.statuses[FLOW_FAILED], totals.statuses[FLOW_ABORTED],
           totals.statuses[FLOW_TIMED_OUT], totals.tasks_ok, totals.tasks_failed, totals.snapshots);
    buf_release(&text);
    printf("%s 1 - a folded journal and a snapshot equal the live run\n", failed ? "not ok" : "ok");
    printf("%s 2 - the generator covers everything it knows\n",
           gen_coverage_is_full(&coverage) ? "ok" : "not ok");
    printf("%s 3 - turns were cut by their bounds\n", totals.bounded ? "ok" : "not ok");
    printf("1..3\n");
    return failed || !gen_coverage_is_full(&coverage) || !totals.bounded;
}
