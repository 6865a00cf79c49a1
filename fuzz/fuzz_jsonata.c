/* Any text as an expression, over any document. First line: the input; the rest: the
 * expression. Its length chooses the level and the functions. Whatever it gives, it
 * gives twice, within its budgets, and what it gives is JSON. */
#include "expr/jsonata/jsonata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    MEMORY_MAX = 16 << 20,
    STEPS_MAX = 20000,
    DEPTH_MAX = 200,
    HELD_MAX = 1 << 20,
};

struct outcome {
    enum jsonata_outcome kind;
    struct json value;
    struct jsonata_error error;
    uint64_t steps_left;
};

static struct json document(struct arena *a, struct str text)
{
    struct json v;
    struct json_limits limits = {.depth_max = 64, .size_max = 0};
    if (json_parse(a, text, limits, JSON_DUPLICATES_LAST, &v, NULL))
        return v;
    return JSON_NONE;
}

static void check_error(const struct jsonata_error *e, struct str text)
{
    ASSERT(e->message.len > 0);
    ASSERT(e->code[0] != 0 || e->limit != JSONATA_LIMIT_NONE);
    ASSERT(strnlen(e->code, sizeof(e->code)) < sizeof(e->code));
    ASSERT(e->position <= text.len);
}

static void count_member(void *count, struct str member)
{
    ASSERT(member.len <= JSONATA_TEXT_MAX);
    *(size_t *)count += 1;
}

/* The names are what Step Functions asks for before it runs a machine. */
static void check_names(const struct jsonata *e)
{
    size_t members = 0;
    for (size_t i = 0; i < jsonata_free_count(e); i++)
        for (size_t j = 0; j < i; j++)
            ASSERT(!str_eq(jsonata_free_name(e, i), jsonata_free_name(e, j)));
    ASSERT(jsonata_free_name(e, jsonata_free_count(e)).len == 0);
    for (size_t i = 0; i < jsonata_input_count(e); i++)
        ASSERT(jsonata_input_name(e, i).len <= jsonata_text(e).len);
    jsonata_each_member(e, STR("states"), count_member, &members);
    ASSERT(members <= jsonata_text(e).len);
}

static struct outcome evaluate(const struct jsonata *e, struct arena *out, struct json input)
{
    struct outcome o = {0};
    struct rng rng = rng_seeded(1);
    struct expr_vars vars = {.own = input};
    struct jsonata_env env = {
        .input = input,
        .vars = &vars,
        .now = {1700000000000},
        .rng = &rng,
        .out = out,
        .steps_left = STEPS_MAX,
        .depth_max = DEPTH_MAX,
        .held_max = jsonata_text(e).len % 16 > 7 ? HELD_MAX : 0,
    };
    o.kind = jsonata_eval(e, &env, &o.value, &o.error);
    o.steps_left = env.steps_left;
    return o;
}

static void check_value(struct arena *a, struct json value)
{
    struct json again;
    struct err err;
    struct str text = json_text(a, value);
    ASSERT(json_parse(a, text, (struct json_limits){.depth_max = 100000}, JSON_DUPLICATES_REFUSE,
                      &again, &err));
    ASSERT(str_eq(json_text(a, again), text));
}

static void check_twice(const struct jsonata *e, struct json input)
{
    struct arena *a = arena_new(MEMORY_MAX), *b = arena_new(MEMORY_MAX);
    struct outcome first = evaluate(e, a, input), second = evaluate(e, b, input);
    ASSERT(first.kind == second.kind);
    ASSERT(first.steps_left == second.steps_left);
    ASSERT(first.steps_left <= STEPS_MAX);
    if (first.kind == JSONATA_FAILED) {
        check_error(&first.error, jsonata_text(e));
        ASSERT(strcmp(first.error.code, second.error.code) == 0);
        ASSERT(first.error.position == second.error.position);
        ASSERT(str_eq(first.error.message, second.error.message));
    }
    if (first.kind == JSONATA_VALUE) {
        check_value(a, first.value);
        ASSERT(str_eq(json_text(a, first.value), json_text(b, second.value)));
    }
    arena_free(b);
    arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(MEMORY_MAX);
    struct str input = str_of((const char *)data, size);
    struct str first = str_slice(input, 0, str_find_char(input, '\n'));
    struct str text = str_slice(input, first.len + 1, input.len);
    struct jsonata_options options = {
        .level = size % 2 ? JSONATA_LEVEL_2_2 : JSONATA_LEVEL_2_0_6,
        .allow_eval = size % 4 > 1,
        .step_functions = size % 8 > 3,
    };
    const struct jsonata *e = NULL;
    struct jsonata_error error = {.limit = JSONATA_LIMIT_NONE};
    if (jsonata_compile(a, text, options, &e, &error)) {
        ASSERT(str_eq(jsonata_text(e), text));
        check_names(e);
        check_twice(e, document(a, first));
    } else {
        check_error(&error, text);
    }
    arena_free(a);
    return 0;
}
