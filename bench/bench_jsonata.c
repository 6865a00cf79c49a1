/* JSONata beside jsonata-js: how often a second each expression of a set is compiled, and
 * how often it is evaluated once compiled.
 *
 * The set, and what times jsonata-js, lie beside the checkout (../shared/bench/jsonata);
 * Node and jsonata-js come from tools/clients. Both sides are measured one after the other
 * for each expression, so that they share the machine's moods. `--ms N`: a run's length;
 * a figure is the median of five runs after one to warm up, on both sides. Compiling of
 * ours includes freeing what it made; evaluating includes freeing the result.
 */
#include "base/buf.h"
#include "expr/jsonata/jsonata.h"
#include "os/child.h"
#include "os/clock.h"
#include "os/files.h"

#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FOLDER "../shared/bench/jsonata"
#define CLIENTS "build/clients"

enum {
    RUNS = 5,
    RUN_MS = 400,
    CASES_SIZE_MAX = 16 << 20,
};

struct subject {
    struct str id, text;
    const struct jsonata *compiled;
    struct json input;
    struct arena *arena; /* rewound after every operation */
};

struct figures {
    double compile, evaluate; /* a second */
};

static struct jsonata_env env_of(const struct subject *s)
{
    return (struct jsonata_env){
        .input = s->input,
        .now = {1700000000000},
        .out = s->arena,
        .steps_left = EXPR_STEPS_MAX,
    };
}

/* ---- the set ---- */

struct generator {
    uint64_t state;
};

static unsigned next(struct generator *g)
{
    g->state = (g->state * 1103515245 + 12345) % 2147483648;
    return (unsigned)(g->state >> 16);
}

/* The order of calls of next() is the generator's definition: one statement each. */
static void append_record(struct buf *b, struct generator *g, unsigned i)
{
    static const char *const regions[] = {"eu-west", "eu-north", "us-east", "us-west", "ap-south"};
    static const char *const statuses[] = {"NEW", "PAID", "SHIPPED", "FAILED"};
    unsigned region = next(g) % 5;
    unsigned status = next(g) % 4;
    unsigned amount = next(g) % 100000;
    unsigned qty = 1 + next(g) % 9;
    unsigned first = next(g) % 7;
    unsigned second = next(g) % 7;
    buf_printf(b, "%s{\"id\":\"rec-%06u\",\"region\":\"%s\",\"status\":\"%s\",", i ? "," : "", i,
               regions[region], statuses[status]);
    /* As JSON.stringify writes it: no trailing zeros. */
    if (amount % 100 == 0)
        buf_printf(b, "\"amount\":%u,", amount / 100);
    else if (amount % 10 == 0)
        buf_printf(b, "\"amount\":%u.%u,", amount / 100, amount % 100 / 10);
    else
        buf_printf(b, "\"amount\":%u.%02u,", amount / 100, amount % 100);
    buf_printf(b, "\"qty\":%u,\"tags\":[\"t%u\",\"t%u\"]}", qty, first, second);
}

static struct json records(struct arena *a, unsigned count)
{
    struct generator g = {42};
    struct buf b = BUF_INIT(0);
    struct json value;
    struct err err;
    buf_append_char(&b, '[');
    for (unsigned i = 0; i < count; i++)
        append_record(&b, &g, i);
    buf_append_char(&b, ']');
    if (!json_parse_copy(a, buf_str(&b), (struct json_limits){0}, &value, &err))
        panic(__FILE__, __LINE__, err.message);
    buf_release(&b);
    return value;
}

static struct json input_of(struct arena *a, struct json set, struct str name)
{
    struct str prefix = STR("records-");
    int64_t count;
    if (str_starts_with(name, prefix) &&
        str_to_int64(str_slice(name, prefix.len, name.len), &count))
        return records(a, (unsigned)count);
    return json_get(json_get(set, STR("documents")), name);
}

/* Numbers within 1e-10, everything else equal. Recursion: the set is ours. */
static bool is_close(struct json a, struct json b)
{
    if (json_is_number(a) && json_is_number(b)) {
        double x = json_to_double(a), y = json_to_double(b);
        return fabs(x - y) <= 1e-10 * fmax(fabs(x), fabs(y));
    }
    if (json_type(a) != json_type(b) || json_count(a) != json_count(b))
        return false;
    for (size_t i = 0; json_is_array(a) && i < json_count(a); i++)
        if (!is_close(json_at(a, i), json_at(b, i)))
            return false;
    for (size_t i = 0; json_is_object(a) && i < json_count(a); i++)
        if (!is_close(json_members(a)[i].value, json_get(b, json_str(json_members(a)[i].key))))
            return false;
    return json_count(a) > 0 || json_equal(a, b);
}

/* ---- ours ---- */

static void compile_once(struct subject *s)
{
    const struct jsonata *e;
    struct jsonata_error error;
    struct arena_mark mark = arena_mark(s->arena);
    if (!jsonata_compile(s->arena, s->text, (struct jsonata_options){0}, &e, &error))
        panic(__FILE__, __LINE__, "it compiled before");
    arena_rewind(s->arena, mark);
}

static void evaluate_once(struct subject *s)
{
    struct json value;
    struct jsonata_error error;
    struct jsonata_env env = env_of(s);
    struct arena_mark mark = arena_mark(s->arena);
    if (jsonata_eval(s->compiled, &env, &value, &error) != JSONATA_VALUE)
        panic(__FILE__, __LINE__, "it had a value before");
    arena_rewind(s->arena, mark);
}

static double run_once(void (*operation)(struct subject *s), struct subject *s, unsigned ms)
{
    uint64_t began = clock_mono().ns, now = began, end = began + (uint64_t)ms * 1000000;
    unsigned long count = 0;
    while (now < end) {
        operation(s);
        count++;
        now = clock_mono().ns;
    }
    return (double)count * 1e9 / (double)(now - began);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double measure(void (*operation)(struct subject *s), struct subject *s, unsigned ms)
{
    double runs[RUNS];
    (void)run_once(operation, s, ms);
    for (size_t i = 0; i < RUNS; i++)
        runs[i] = run_once(operation, s, ms);
    qsort(runs, RUNS, sizeof(runs[0]), by_size);
    return runs[RUNS / 2];
}

/* What one evaluation takes from its arena. */
struct memory {
    size_t bytes, allocations;
};

static struct memory check(struct subject *s, struct json due)
{
    struct json value = JSON_NONE;
    struct jsonata_error error;
    struct jsonata_env env = env_of(s);
    struct arena_mark mark = arena_mark(s->arena);
    size_t used = arena_used(s->arena), allocations = arena_allocations(s->arena);
    enum jsonata_outcome outcome = jsonata_eval(s->compiled, &env, &value, &error);
    if (outcome != JSONATA_VALUE || !is_close(value, due)) {
        fprintf(stderr, STR_FMT ": wrong: " STR_FMT "\n", STR_ARG(s->id),
                STR_ARG(outcome == JSONATA_FAILED ? error.message : json_text(s->arena, value)));
        exit(1);
    }
    struct memory memory = {arena_used(s->arena) - used, arena_allocations(s->arena) - allocations};
    arena_rewind(s->arena, mark);
    return memory;
}

/* ---- theirs ---- */

static bool js_is_here(void)
{
    return access(CLIENTS "/node", X_OK) == 0 && access(CLIENTS "/node_modules/jsonata", R_OK) == 0;
}

struct spoken {
    struct str id;
    struct figures figures;
};

/* Among its lines is "id  compiles  evaluations". */
static void hear(void *arg, const struct child_result *result)
{
    struct spoken *s = arg;
    struct str rest = result->failure ? STR("") : result->output;
    fprintf(stderr, STR_FMT, STR_ARG(result->failure ? STR("it did not start\n") : result->error));
    while (rest.len) {
        char line[256], name[64];
        struct figures got;
        size_t end = str_find_char(rest, '\n');
        snprintf(line, sizeof(line), STR_FMT, STR_ARG(str_slice(rest, 0, end)));
        if (sscanf(line, "%63s %lf %lf", name, &got.compile, &got.evaluate) == 3 &&
            str_eq(str_of_cstr(name), s->id))
            s->figures = got;
        rest = end == SIZE_MAX ? STR("") : str_slice(rest, end + 1, rest.len);
    }
}

static struct figures measure_js(struct str id, unsigned ms)
{
    char run_ms[16], name[64], folder[PATH_MAX], home[PATH_MAX + 32];
    snprintf(run_ms, sizeof(run_ms), "%u", ms);
    snprintf(name, sizeof(name), STR_FMT, STR_ARG(id));
    snprintf(home, sizeof(home), "PEERS_HOME=%s/" CLIENTS, getcwd(folder, sizeof(folder)));
    struct spoken s = {.id = id};
    uv_loop_t loop;
    struct child_options options = {
        .argv = (const char *const[]){CLIENTS "/node", FOLDER "/js_baseline.mjs", "--ms", run_ms,
                                      "--case", name, NULL},
        .environment = (const char *const[]){home, NULL},
        .folder = ".",
        .output_max = 1 << 20,
        .error_max = 1 << 16,
        .grace_ms = 1000,
    };
    uv_loop_init(&loop);
    child_start(&loop, &options, hear, &s);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    if (s.figures.compile <= 0 || s.figures.evaluate <= 0)
        panic(__FILE__, __LINE__, "jsonata-js did not say how fast it is");
    return s.figures;
}

/* ---- both ---- */

struct sums {
    double compile, evaluate; /* logarithms of the ratios */
    double worst;
    size_t count;
};

static void print_case(const struct subject *s, struct memory memory, struct figures ours,
                       const struct figures *theirs)
{
    printf("{\"workload\":\"jsonata\",\"case\":\"" STR_FMT "\",\"compile_per_s\":%.0f,"
           "\"evaluate_per_s\":%.1f,\"bytes_per_evaluation\":%zu,"
           "\"allocations_per_evaluation\":%zu",
           STR_ARG(s->id), ours.compile, ours.evaluate, memory.bytes, memory.allocations);
    if (theirs)
        printf(",\"js_compile_per_s\":%.0f,\"js_evaluate_per_s\":%.1f,\"compile_ratio\":%.1f,"
               "\"evaluate_ratio\":%.1f",
               theirs->compile, theirs->evaluate, ours.compile / theirs->compile,
               ours.evaluate / theirs->evaluate);
    printf("}\n");
    fflush(stdout);
}

static void measure_case(struct arena *a, struct json set, struct json one, unsigned ms,
                         struct sums *sums)
{
    struct jsonata_error error;
    struct subject s = {
        .id = json_str(json_get(one, STR("id"))),
        .text = json_str(json_get(one, STR("expr"))),
        .input = input_of(a, set, json_str(json_get(one, STR("data")))),
        .arena = arena_new(0),
    };
    if (!jsonata_compile(a, s.text, (struct jsonata_options){0}, &s.compiled, &error)) {
        fprintf(stderr, STR_FMT ": " STR_FMT "\n", STR_ARG(s.id), STR_ARG(error.message));
        exit(1);
    }
    struct memory memory = check(&s, json_get(one, STR("result")));
    struct figures ours = {measure(compile_once, &s, ms), measure(evaluate_once, &s, ms)};
    struct figures theirs;
    bool both = js_is_here();
    if (both) {
        theirs = measure_js(s.id, ms);
        double compile = ours.compile / theirs.compile, evaluate = ours.evaluate / theirs.evaluate;
        sums->compile += log(compile);
        sums->evaluate += log(evaluate);
        sums->worst = fmin(sums->worst, fmin(compile, evaluate));
        sums->count++;
    }
    print_case(&s, memory, ours, both ? &theirs : NULL);
    arena_free(s.arena);
}

int main(int argc, char **argv)
{
    struct arena *a = arena_new(0);
    signal(SIGPIPE, SIG_IGN);
    unsigned ms = argc == 3 && strcmp(argv[1], "--ms") == 0 ? (unsigned)atoi(argv[2]) : RUN_MS;
    struct sums sums = {.worst = INFINITY};
    struct json set;
    struct str text;
    struct err err;
    if (!file_read(a, FOLDER "/cases.json", CASES_SIZE_MAX, &text, &err) ||
        !json_parse(a, text, (struct json_limits){0}, JSON_DUPLICATES_REFUSE, &set, &err)) {
        fprintf(stderr, "no set to measure: %s\n", err.message);
        return 0;
    }
    if (!js_is_here())
        fputs("jsonata-js is not installed (tools/clients): ours alone\n", stderr);
    struct json cases = json_get(set, STR("cases"));
    for (size_t i = 0; i < json_count(cases); i++)
        measure_case(a, set, json_at(cases, i), ms, &sums);
    if (sums.count)
        printf("{\"workload\":\"jsonata\",\"case\":\"geometric mean\",\"compile_ratio\":%.1f,"
               "\"evaluate_ratio\":%.1f,\"worst_ratio\":%.1f}\n",
               exp(sums.compile / (double)sums.count), exp(sums.evaluate / (double)sums.count),
               sums.worst);
    arena_free(a);
    return 0;
}
