/* Any text as an intrinsic function call, over any input. First line: the call; the
 * rest: the input. Whatever it gives, it gives twice, and a template that holds the
 * call gives the same. */
#include "expr/intrinsic/intrinsic.h"
#include "expr/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    MEMORY_MAX = 16 << 20,
    STEPS_MAX = 50000,
};

static const char input_text[] =
    "{\"a\":[1,\"2\",3.5,null,true,{\"a\":[[]]},1],\"b\":{\"x\":1},\"c\":{\"x\":2,\"y\":{}},"
    "\"s\":\"a,b {} c\",\"n\":-0.5,\"j\":\"[1,{}]\"}";

static struct json input_of(struct arena *a, struct str text)
{
    struct json v;
    struct json_limits limits = {.depth_max = 64, .size_max = 0};
    if (json_parse(a, text, limits, JSON_DUPLICATES_LAST, &v, NULL))
        return v;
    if (!json_parse(a, STR(input_text), limits, JSON_DUPLICATES_LAST, &v, NULL))
        UNREACHABLE("the input is valid");
    return v;
}

struct run {
    struct rng rng;
    struct expr_env env;
    struct json value;
    struct expr_failure failure;
    bool ok;
};

static void run_init(struct run *r, struct arena *out, struct arena *scratch, struct json input)
{
    *r = (struct run){.rng = rng_seeded(1)};
    r->env = (struct expr_env){.input = input,
                               .context = input,
                               .rng = &r->rng,
                               .out = out,
                               .scratch = scratch,
                               .steps_left = STEPS_MAX};
}

static void check_same(const struct run *x, const struct run *y)
{
    ASSERT(x->ok == y->ok);
    ASSERT(json_equal(x->value, y->value));
    ASSERT(str_eq(x->failure.error, y->failure.error));
    ASSERT(str_eq(x->failure.cause, y->failure.cause));
    ASSERT(arena_used(x->env.scratch) == 0);
}

static void check_template(struct arena *a, struct str text, const struct run *alone)
{
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("x.$"), json_string(text));
    struct diag_list diags = diag_list(a);
    const struct template *t;
    template_compile(a, json_object_done(&b), STR(""), &diags, &t);
    ASSERT(diags.error_count == 0);
    struct run r;
    run_init(&r, a, alone->env.scratch, alone->env.input);
    r.env.steps_left += 2; /* the object and its member */
    r.ok = template_eval(t, &r.env, &r.value, &r.failure);
    r.value = json_get(r.value, STR("x"));
    check_same(alone, &r);
}

static void check_call(struct arena *a, struct arena *scratch, const struct intrinsic *call,
                       struct str text, struct json input)
{
    struct run first, second;
    run_init(&first, a, scratch, input);
    run_init(&second, a, scratch, input);
    first.ok = intrinsic_eval(call, STR("x.$"), &first.env, &first.value, &first.failure);
    second.ok = intrinsic_eval(call, STR("x.$"), &second.env, &second.value, &second.failure);
    check_same(&first, &second);
    ASSERT(first.ok || first.failure.cause.len <= EXPR_CAUSE_MAX);
    if (!arena_over(a))
        check_template(a, text, &first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(MEMORY_MAX), *scratch = arena_new(MEMORY_MAX);
    struct str all = str_of((const char *)data, size);
    size_t line = str_find_char(all, '\n');
    struct str text = str_slice(all, 0, line);
    const struct intrinsic *call;
    struct err err;
    if (intrinsic_compile(a, text, &call, &err)) {
        struct json input =
            input_of(a, line == SIZE_MAX ? STR("") : str_slice(all, line + 1, all.len));
        check_call(a, scratch, call, text, input);
    } else {
        ASSERT(err.code == ERR_INVALID_INTRINSIC && err.message[0]);
        ASSERT(err.offset == SIZE_MAX || err.offset <= text.len);
    }
    arena_free(scratch);
    arena_free(a);
    return 0;
}
