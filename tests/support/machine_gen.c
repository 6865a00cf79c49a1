#include "support/machine_gen.h"

enum {
    DEPTH_MAX = 3,
    BLOCKS_MAX = 4,
};

struct gen {
    struct rng *rng;
    struct buf *to;
    struct gen_coverage *seen;
    unsigned names, variables;
};

static unsigned below(struct gen *g, unsigned bound)
{
    return (unsigned)rng_below(g->rng, bound);
}

static bool one_in(struct gen *g, unsigned n)
{
    return below(g, n) == 0;
}

/* "S<own>": {..., and where it leads: S<next>, or the end of the scope. */
static void open_state(struct gen *g, unsigned own, const char *type)
{
    buf_printf(g->to, "\"S%u\":{\"Type\":\"%s\"", own, type);
}

static void put_next(struct gen *g, unsigned next)
{
    if (next)
        buf_printf(g->to, ",\"Next\":\"S%u\"", next);
    else
        buf_append(g->to, STR(",\"End\":true"));
}

static void put_assign(struct gen *g)
{
    if (!one_in(g, 3))
        return;
    g->seen->assign++;
    buf_printf(g->to, ",\"Assign\":{\"v%u\":{\"k\":%u},\"w%u.$\":\"$\"}", g->variables,
               below(g, 100), g->variables);
    g->variables++;
}

static void put_result_path(struct gen *g)
{
    switch (below(g, 4)) {
    case 0:
        buf_append(g->to, STR(",\"ResultPath\":null"));
        break;
    case 1:
        buf_append(g->to, STR(",\"ResultPath\":\"$.kept\""));
        break;
    default:
        break;
    }
}

static void put_retry(struct gen *g)
{
    static const char *const errors[] = {"States.ALL", "States.ALL", "States.TaskFailed",
                                         "States.HeartbeatTimeout"};
    if (!one_in(g, 2))
        return;
    g->seen->retry++;
    buf_append(g->to, STR(",\"Retry\":["));
    if (one_in(g, 2))
        buf_printf(g->to,
                   "{\"ErrorEquals\":[\"E1\"],\"IntervalSeconds\":%u,\"MaxAttempts\":%u,"
                   "\"BackoffRate\":1.5},",
                   1 + below(g, 3), below(g, 3));
    buf_printf(g->to, "{\"ErrorEquals\":[\"%s\"],\"MaxAttempts\":%u,\"JitterStrategy\":\"%s\"}]",
               errors[below(g, COUNT_OF(errors))], below(g, 3), one_in(g, 2) ? "FULL" : "NONE");
}

static void put_catch(struct gen *g, unsigned next)
{
    if (!next || !one_in(g, 2))
        return;
    g->seen->catch_++;
    buf_printf(g->to, ",\"Catch\":[{\"ErrorEquals\":[\"States.ALL\"],\"Next\":\"S%u\"", next);
    if (one_in(g, 2))
        buf_append(g->to, STR(",\"ResultPath\":\"$.caught\""));
    put_assign(g);
    buf_append(g->to, STR("}]"));
}

static void scope(struct gen *g, unsigned depth);

static void gen_pass(struct gen *g, unsigned own, unsigned next)
{
    g->seen->pass++;
    open_state(g, own, "Pass");
    if (one_in(g, 2))
        buf_printf(g->to, ",\"Result\":{\"p\":%u}", below(g, 1000));
    else if (one_in(g, 2))
        buf_append(g->to, STR(",\"Parameters\":{\"all.$\":\"$\",\"x\":1}"));
    put_result_path(g);
    put_assign(g);
    put_next(g, next);
    buf_append(g->to, STR("}"));
}

/* What it is, and how long it may take. */
static void put_resource(struct gen *g)
{
    static const struct str resources[] = {
        STR_INIT("\"arn:aws:lambda:us-east-1:000000000000:function:f\""),
        STR_INIT("\"arn:aws:states:::lambda:invoke\",\"Parameters\":"
                 "{\"FunctionName\":\"f\",\"Payload.$\":\"$\"}"),
        STR_INIT("\"arn:aws:states:us-east-1:000000000000:activity:a\""),
        STR_INIT("\"arn:aws:states:::lambda:invoke.waitForTaskToken\",\"Parameters\":"
                 "{\"FunctionName\":\"c\",\"Payload\":{\"x.$\":\"$\",\"token.$\":"
                 "\"$$.Task.Token\"}}"),
    };
    unsigned which = below(g, COUNT_OF(resources)), seconds = 2 + below(g, 4);
    bool is_activity = which == 2, is_callback = which == 3;
    g->seen->activity += is_activity;
    g->seen->callback += is_callback;
    buf_append(g->to, STR(",\"Resource\":"));
    buf_append(g->to, resources[which]);
    if (is_activity || one_in(g, 3)) {
        g->seen->timeout++;
        buf_printf(g->to, ",\"TimeoutSeconds\":%u", seconds);
    }
    if ((is_activity || is_callback) && one_in(g, 2)) {
        g->seen->heartbeat++;
        buf_printf(g->to, ",\"HeartbeatSeconds\":%u", seconds - 1);
    }
}

static void gen_task(struct gen *g, unsigned own, unsigned next)
{
    g->seen->task++;
    open_state(g, own, "Task");
    put_resource(g);
    put_result_path(g);
    put_assign(g);
    put_retry(g);
    put_catch(g, next);
    put_next(g, next);
    buf_append(g->to, STR("}"));
}

static void gen_wait(struct gen *g, unsigned own, unsigned next)
{
    g->seen->wait++;
    open_state(g, own, "Wait");
    buf_printf(g->to, ",\"Seconds\":%u", below(g, 4));
    put_next(g, next);
    buf_append(g->to, STR("}"));
}

static void gen_parallel(struct gen *g, unsigned own, unsigned next, unsigned depth)
{
    g->seen->parallel++;
    open_state(g, own, "Parallel");
    buf_append(g->to, STR(",\"Branches\":["));
    unsigned branches = 1 + below(g, 3);
    for (unsigned i = 0; i < branches; i++) {
        if (i)
            buf_append(g->to, STR(","));
        scope(g, depth + 1);
    }
    buf_append(g->to, STR("]"));
    put_result_path(g);
    put_retry(g);
    put_catch(g, next);
    put_next(g, next);
    buf_append(g->to, STR("}"));
}

static void gen_map(struct gen *g, unsigned own, unsigned next, unsigned depth)
{
    bool distributed = one_in(g, 4);
    g->seen->map++;
    open_state(g, own, "Map");
    buf_printf(g->to, ",\"InputPath\":\"$$.Execution.Input.items\",\"MaxConcurrency\":%u",
               below(g, 3));
    if (one_in(g, 2))
        buf_append(g->to, STR(",\"ItemSelector\":{\"v.$\":\"$$.Map.Item.Value\",\"i.$\":"
                              "\"$$.Map.Item.Index\"}"));
    if (distributed) {
        g->seen->map_distributed++;
        if (one_in(g, 2))
            buf_printf(g->to, ",\"ToleratedFailureCount\":%u", below(g, 3));
    }
    buf_append(g->to, STR(",\"ItemProcessor\":"));
    size_t at = g->to->len;
    scope(g, depth + 1);
    if (distributed) {
        /* The processor's object opens with its configuration. */
        struct buf inner = BUF_INIT(0);
        buf_append(&inner, str_slice(buf_str(g->to), at + 1, g->to->len));
        g->to->len = at + 1;
        buf_append(g->to, STR("\"ProcessorConfig\":{\"Mode\":\"DISTRIBUTED\",\"ExecutionType\":"
                              "\"STANDARD\"},"));
        buf_append(g->to, buf_str(&inner));
        buf_release(&inner);
    }
    put_result_path(g);
    put_retry(g);
    put_catch(g, next);
    put_next(g, next);
    buf_append(g->to, STR("}"));
}

/* What is random, and when and as which event it happened, differs from run to run: that
 * is assigned and not given out. So a state fails only where it catches that itself. */
static void put_jsonata_output(struct gen *g, const char *of, bool may_fail)
{
    bool fails = may_fail && one_in(g, 3);
    g->seen->jsonata_fails += fails;
    buf_printf(g->to, ",\"Output\":{\"of\":\"{%% %s %%}\"",
               fails ? "$states.input.nothing.at.all" : of);
    buf_append(g->to, STR(",\"in\":[\"{% $states.context.State.Name %}\"]}"));
    if (!one_in(g, 2))
        return;
    buf_printf(g->to, ",\"Assign\":{\"j%u\":[\"{%% $random() %%}\",\"{%% $uuid() & $now() %%}\"]}",
               g->variables);
    g->variables++;
}

static void put_jsonata_handlers(struct gen *g, unsigned next)
{
    if (one_in(g, 2))
        buf_append(g->to, STR(",\"Retry\":[{\"ErrorEquals\":[\"States.QueryEvaluationError\"],"
                              "\"MaxAttempts\":1}]"));
    if (next)
        buf_printf(g->to,
                   ",\"Catch\":[{\"ErrorEquals\":[\"States.ALL\"],\"Next\":\"S%u\",\"Output\":"
                   "{\"caught\":\"{%% $states.errorOutput.Error %%}\"}}]",
                   next);
}

static void gen_jsonata(struct gen *g, unsigned own, unsigned next)
{
    static const char *const types[] = {"Pass", "Wait", "Task", "Map", "Parallel"};
    unsigned which = below(g, COUNT_OF(types)), inner;
    g->seen->jsonata++;
    open_state(g, own, types[which]);
    buf_append(g->to, STR(",\"QueryLanguage\":\"JSONata\""));
    switch (which) {
    case 0:
        break;
    case 1:
        buf_printf(g->to, ",\"Seconds\":\"{%% %u + 1 %%}\"", below(g, 3));
        break;
    case 2:
        buf_append(g->to, STR(",\"Resource\":\"arn:aws:lambda:us-east-1:000000000000:function:f\","
                              "\"Arguments\":{\"in\":\"{% $states.input %}\"},"
                              "\"TimeoutSeconds\":\"{% 2 + 2 %}\""));
        break;
    case 3:
        inner = ++g->names;
        buf_printf(
            g->to,
            ",\"Items\":\"{%% [1..%u] %%}\",\"MaxConcurrency\":\"{%% 2 "
            "%%}\",\"ItemSelector\":{\"i\":"
            "\"{%% $states.context.Map.Item.Index %%}\"},\"ItemProcessor\":{\"StartAt\":\"S%u\","
            "\"States\":{\"S%u\":{\"Type\":\"Pass\",\"End\":true}}}",
            2 + below(g, 3), inner, inner);
        break;
    default:
        inner = ++g->names;
        buf_printf(
            g->to,
            ",\"Arguments\":{\"a\":\"{%% $states.input %%}\"},\"Branches\":[{\"StartAt\":\"S%u\","
            "\"States\":{\"S%u\":{\"Type\":\"Succeed\"}}}]",
            inner, inner);
        break;
    }
    put_jsonata_output(g, which >= 2 ? "$states.result" : "$states.input", which >= 2 && next);
    if (which >= 2)
        put_jsonata_handlers(g, next);
    put_next(g, next);
    buf_append(g->to, STR("}"));
}

/* Three states: a counter set to 0, one added, and back while it is below k. */
static void gen_loop(struct gen *g, unsigned own, unsigned next)
{
    unsigned add = ++g->names, test = ++g->names, variable = g->variables++;
    g->seen->choice_loop++;
    buf_printf(g->to, "\"S%u\":{\"Type\":\"Pass\",\"Assign\":{\"c%u\":0},\"Next\":\"S%u\"},", own,
               variable, add);
    buf_printf(g->to,
               "\"S%u\":{\"Type\":\"Pass\",\"Assign\":{\"c%u.$\":\"States.MathAdd($c%u, 1)\"},"
               "\"Next\":\"S%u\"},",
               add, variable, variable, test);
    unsigned out = next;
    if (!out)
        out = ++g->names;
    buf_printf(g->to,
               "\"S%u\":{\"Type\":\"Choice\",\"Choices\":[{\"Variable\":\"$c%u\","
               "\"NumericLessThan\":%u,\"Next\":\"S%u\"}],\"Default\":\"S%u\"}",
               test, variable, 1 + below(g, 4), add, out);
    if (!next)
        buf_printf(g->to, ",\"S%u\":{\"Type\":\"Succeed\"}", out);
}

static void block(struct gen *g, unsigned own, unsigned next, unsigned depth)
{
    unsigned kinds = depth < DEPTH_MAX ? 13 : 10;
    switch (below(g, kinds)) {
    case 0:
    case 1:
        gen_pass(g, own, next);
        break;
    case 2:
    case 3:
    case 4:
        gen_task(g, own, next);
        break;
    case 5:
        gen_wait(g, own, next);
        break;
    case 6:
        gen_loop(g, own, next);
        break;
    case 7:
        if (!next) {
            g->seen->succeed++;
            buf_printf(g->to, "\"S%u\":{\"Type\":\"Succeed\"}", own);
            break;
        }
        gen_pass(g, own, next);
        break;
    case 8:
        if (!next && one_in(g, 2)) {
            g->seen->fail++;
            buf_printf(g->to, "\"S%u\":{\"Type\":\"Fail\",\"Error\":\"E%u\",\"Cause\":\"no\"}", own,
                       below(g, 3));
            break;
        }
        gen_task(g, own, next);
        break;
    case 9:
        gen_jsonata(g, own, next);
        break;
    case 10:
    case 11:
        gen_parallel(g, own, next, depth);
        break;
    default:
        gen_map(g, own, next, depth);
        break;
    }
}

static void scope(struct gen *g, unsigned depth)
{
    unsigned blocks = 1 + below(g, BLOCKS_MAX), names[BLOCKS_MAX] = {0};
    if (depth > 1)
        g->seen->nested++;
    for (unsigned i = 0; i < blocks; i++)
        names[i] = ++g->names;
    buf_printf(g->to, "{\"StartAt\":\"S%u\",\"States\":{", names[0]);
    for (unsigned i = 0; i < blocks; i++) {
        if (i)
            buf_append(g->to, STR(","));
        block(g, names[i], i + 1 < blocks ? names[i + 1] : 0, depth);
    }
    buf_append(g->to, STR("}}"));
}

void machine_generate(struct rng *rng, struct buf *to, struct gen_coverage *coverage)
{
    struct gen g = {.rng = rng, .to = to, .seen = coverage};
    coverage->machines++;
    scope(&g, 0);
}

void gen_coverage_print(const struct gen_coverage *c, struct buf *to)
{
#define GEN_COVERAGE_PRINT(name) buf_printf(to, "%s%s=%u", to->len ? " " : "", #name, c->name);
    GEN_COVERAGE_TABLE(GEN_COVERAGE_PRINT)
#undef GEN_COVERAGE_PRINT
}

bool gen_coverage_is_full(const struct gen_coverage *c)
{
#define GEN_COVERAGE_TEST(name) &&c->name > 0
    return true GEN_COVERAGE_TABLE(GEN_COVERAGE_TEST);
#undef GEN_COVERAGE_TEST
}
