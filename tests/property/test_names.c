/* Steps found by what a text may stand for, against every step asked whether the text names
 * it: for random texts about a definition whose names and labels are as misleading as they
 * may be. PAWL_SEEDS says how many rounds. */
#include "asl/compile.h"
#include "base/rng.h"
#include "recovery/planner.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    SEEDS_DEFAULT = 2000,
    TEXTS = 20, /* of a round */
    MEMBERS = 12,
    PARTS_MAX = 4,
};

#define PASS(next) "{\"Type\":\"Pass\"," next "}"

static const char definition[] =
    "{\"StartAt\":\"A\",\"States\":{"
    "\"A\":" PASS(
        "\"Next\":\"Split\"") ","
                              "\"Split\":{\"Type\":\"Parallel\",\"Next\":\"Each\",\"Branches\":["
                              "{\"StartAt\":\"One\",\"x-label\":\"left\",\"States\":{\"One\":" PASS(
                                  "\"Next\":\"1\"") ","
                                                    "\"1\":" PASS(
                                                        "\"End\":true") "}},"
                                                                        "{\"StartAt\":\"0\","
                                                                        "\"States\":{\"0\":" PASS("\"Next\":\"A/B\"") ",\"A/B\":" PASS(
                                                                            "\"End\":true") "}},"
                                                                                            "{\"Sta"
                                                                                            "rtAt\""
                                                                                            ":\"In"
                                                                                            "\","
                                                                                            "\"x-"
                                                                                            "label"
                                                                                            "\":"
                                                                                            "\"1\","
                                                                                            "\"Stat"
                                                                                            "es\":{"
                                                                                            "\"In\""
                                                                                            ":{"
                                                                                            "\"Type"
                                                                                            "\":"
                                                                                            "\"Map"
                                                                                            "\","
                                                                                            "\"Next"
                                                                                            "\":"
                                                                                            "\"In["
                                                                                            "2]\","
                                                                                            "\"Item"
                                                                                            "Proces"
                                                                                            "sor\":"
                                                                                            "{\"Sta"
                                                                                            "rtAt\""
                                                                                            ":\"Wor"
                                                                                            "k\","
                                                                                            "\"Stat"
                                                                                            "es\":{"
                                                                                            "\"Work"
                                                                                            "\""
                                                                                            ":" PASS(
                                                                                                "\""
                                                                                                "En"
                                                                                                "d"
                                                                                                "\""
                                                                                                ":t"
                                                                                                "ru"
                                                                                                "e") "}}},"
                                                                                                     "\"In[2]\":" PASS(
                                                                                                         "\"End\":true") "}}]},"
                                                                                                                         "\"Each\":{\"Type\":\"Map\",\"Next\":\"Each/0\",\"ItemProcessor\":{\"StartAt\":\"Work2\","
                                                                                                                         "\"States\":{\"Work2\":" PASS(
                                                                                                                             "\"Next\":\"Deep\"") ",\"Deep\":{\"Type\":\"Parallel\","
                                                                                                                                                  "\"End\":true,\"Branches\":[{\"StartAt\":\"Leaf\",\"x-label\":\"Leaf/x\",\"States\":{"
                                                                                                                                                  "\"Leaf\":" PASS("\"End\":true") "}},{\"StartAt\":\"Leaf2\",\"States\":{\"Leaf2\":" PASS(
                                                                                                                                                      "\"End\":true") "}}]}}}},"
                                                                                                                                                                      "\"Each/0\":" PASS(
                                                                                                                                                                          "\"End\":true") "}}";

static struct totals {
    unsigned texts, found, members, named;
} totals;

/* ---- rows and texts ---- */

static uint32_t any_index(struct rng *rng)
{
    return rng_below(rng, 8) ? (uint32_t)rng_below(rng, 4) : PART_ANY;
}

/* Of a state with random branches and items around it, where a branch can only be its own. */
static struct row any_row(struct rng *rng, const struct machine *m, struct arena *a)
{
    const struct state *state = &m->states[rng_below(rng, m->state_count)], *inner = state;
    struct path_part parts[PARTS_MAX];
    size_t from = PARTS_MAX;
    for (uint32_t holder; (holder = m->scopes[inner->scope].parent_state) != STATE_NO_NONE;) {
        struct path_part *part = &parts[--from];
        *part = (struct path_part){&m->states[holder], any_index(rng)};
        if (part->holder->type == STATE_PARALLEL)
            for (part->index = 0; part->holder->u.parallel.branches[part->index] != inner->scope;)
                part->index++;
        inner = part->holder;
    }
    struct row row = {.machine = m, .step = {.state = state}};
    row.step.index = rng_below(rng, 4) ? (uint32_t)rng_below(rng, 20) : STEP_NO_NONE;
    row.part_count = PARTS_MAX - from;
    row.parts = arena_dup(a, &parts[from], row.part_count * sizeof(*parts));
    row.step.key = step_key(row.parts, row.part_count, state, a);
    return row;
}

static void write_part(struct rng *rng, const struct machine *m, const struct path_part *part,
                       struct buf *to)
{
    bool branch = part->holder->type == STATE_PARALLEL;
    const struct scope *scope =
        branch ? &m->scopes[part->holder->u.parallel.branches[part->index]] : NULL;
    buf_append(to, part->holder->name);
    switch (rng_below(rng, branch ? 5 : 3)) {
    case 0:
        buf_printf(to, part->index == PART_ANY ? "[*]/" : "[%u]/", part->index);
        return;
    case 1:
        buf_printf(to, part->index == PART_ANY ? "/*/" : "/%u/", part->index);
        return;
    case 2:
        buf_printf(to, rng_below(rng, 2) ? "/0%u/" : "/+/", part->index);
        return;
    case 3:
        buf_printf(to, "/" STR_FMT "/", STR_ARG(scope->label));
        return;
    default:
        buf_printf(to, "/" STR_FMT "/", STR_ARG(m->states[scope->start].name));
        return;
    }
}

static struct str any_text(struct rng *rng, const struct machine *m, struct arena *a)
{
    struct row row = any_row(rng, m, a);
    struct buf text = BUF_INIT(0);
    if (rng_below(rng, 6) == 0)
        return arena_printf(a, "%d", (int)rng_below(rng, 22) - 1);
    if (rng_below(rng, 4) == 0)
        return rng_below(rng, 2) ? row.step.key : row.step.state->name;
    for (size_t i = 0; i < row.part_count; i++)
        write_part(rng, m, &row.parts[i], &text);
    buf_append(&text, row.step.state->name);
    struct str copy = arena_str(a, buf_str(&text));
    buf_release(&text);
    size_t from = rng_below(rng, 10) ? 0 : rng_below(rng, copy.len);
    return str_slice(copy, from, copy.len);
}

/* ---- the same, one by one ---- */

static bool is_named(const struct row *row, struct str text)
{
    return step_is_named(row->machine, row->parts, row->part_count, row->step.state, text) ||
           str_eq(row->step.key, text);
}

static bool is_meant(const struct planner *p, const struct row *row, struct str text)
{
    int64_t number;
    return is_named(row, text) ||
           (str_to_int64(text, &number) && number >= 0 && row_number(p, row) == number);
}

static bool check_rows(const struct planner *p, struct row_names *names, struct str text)
{
    const size_t *rows;
    size_t count = row_names_find(names, text, &rows), at = 0;
    bool known = false, same = true;
    for (size_t i = 0; i < p->row_count; i++) {
        bool named = is_named(&p->rows[i], text);
        known = known || is_meant(p, &p->rows[i], text);
        same = same && named == (at < count && rows[at] == i);
        at += named;
    }
    for (uint32_t i = 0; i < p->machine->state_count; i++)
        known = known || str_eq(p->machine->states[i].name, text);
    totals.texts++;
    totals.found += at > 0;
    if (!same || at != count || known != row_names_know(names, text)) {
        printf("# \"" STR_FMT "\" names %zu rows, of which %zu are found\n", STR_ARG(text), at,
               count);
        return false;
    }
    return true;
}

static bool check_members(struct planner *p, struct json members)
{
    struct member_names *names = NULL;
    bool used[MEMBERS];
    for (size_t i = 0; i < p->row_count; i++) {
        struct json wanted = JSON_NONE;
        for (size_t k = 0; k < json_count(members) && json_is_absent(wanted); k++)
            if (is_meant(p, &p->rows[i], json_str(json_members(members)[k].key)))
                wanted = json_members(members)[k].value;
        struct json found = output_named(p, members, &names, used, &p->rows[i]);
        totals.members++;
        totals.named += !json_is_absent(wanted);
        if (json_is_absent(wanted) != json_is_absent(found) ||
            (!json_is_absent(wanted) && !json_equal(wanted, found))) {
            printf("# another member names " STR_FMT "\n", STR_ARG(p->rows[i].step.key));
            return false;
        }
    }
    return true;
}

/* ---- rounds ---- */

static bool play(const struct machine *m, uint64_t seed)
{
    struct arena *a = arena_new(0);
    struct rng rng = rng_seeded(seed);
    struct recovery_story story = {.machine = m};
    struct recovery_request request = {.numbering = (enum step_numbering)rng_below(&rng, 2)};
    struct planner p = {
        .story = &story, .request = &request, .machine = m, .arena = a, .row_count = 30};
    struct json_object_builder b = json_object_builder(a);
    bool ok = true;
    p.rows = ARENA_ARRAY(a, struct row, p.row_count);
    for (size_t i = 0; i < p.row_count; i++)
        p.rows[i] = any_row(&rng, m, a);
    struct row_names *names = row_names_new(&p);
    for (size_t i = 0; ok && i < TEXTS; i++)
        ok = check_rows(&p, names, any_text(&rng, m, a));
    for (int i = 0; i < MEMBERS; i++)
        json_object_put(&b, any_text(&rng, m, a), json_int(i));
    ok = ok && check_members(&p, json_object_done(&b));
    arena_free(a);
    return ok;
}

int main(void)
{
    const char *asked = getenv("PAWL_SEEDS");
    struct arena *a = arena_new(0);
    struct diag_list diags = diag_list(a);
    const struct machine *m;
    int64_t seeds;
    struct err err;
    bool ok = true;
    if (!asked || !str_to_int64(str_of_cstr(asked), &seeds))
        seeds = SEEDS_DEFAULT;
    if (!asl_compile(a, str_of_cstr(definition), &diags, &m, &err)) {
        printf("Bail out! %s\n", diags.count ? arena_cstr(a, diags.items[0].message) : err.message);
        return 1;
    }
    for (int64_t seed = 1; ok && seed <= seeds; seed++) {
        ok = play(m, (uint64_t)seed);
        if (!ok)
            printf("# seed %lld\n", (long long)seed);
    }
    printf("# %u of %u texts name rows; members name %u of %u rows\n", totals.found, totals.texts,
           totals.named, totals.members);
    printf("%s 1 - the same steps are found as by asking each\n", ok ? "ok" : "not ok");
    bool both = totals.found && totals.found < totals.texts && totals.named &&
                totals.named < totals.members;
    printf("%s 2 - some texts named steps, and some did not\n1..2\n", both ? "ok" : "not ok");
    arena_free(a);
    return ok && both ? 0 : 1;
}
