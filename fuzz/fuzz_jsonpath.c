/* Any text as a path, over any document. First line: the path; the rest: the document.
 * Whatever it gives, it gives twice; it leaves no temporaries; and what path_put
 * puts is found where it was put. */
#include "expr/jsonpath/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    MEMORY_MAX = 16 << 20,
    STEPS_MAX = 50000,
};

static const char shop[] =
    "{\"a\":{\"b\":[1,\"2\",3.5,null,true,{\"a\":[[]]}],\"c\":{}},\"b\":[{\"a\":1},{\"a\":\"x\"}],"
    "\"s\":\"it's\",\"n\":-0}";

static struct json document(struct arena *a, struct str text)
{
    struct json v;
    struct json_limits limits = {.depth_max = 64, .size_max = 0};
    if (json_parse(a, text, limits, JSON_DUPLICATES_LAST, &v, NULL))
        return v;
    if (!json_parse(a, STR(shop), limits, JSON_DUPLICATES_LAST, &v, NULL))
        UNREACHABLE("the document is valid");
    return v;
}

static struct expr_env env_over(struct arena *out, struct arena *scratch, struct json input)
{
    return (struct expr_env){
        .input = input, .context = input, .out = out, .scratch = scratch, .steps_left = STEPS_MAX};
}

static void check_kinds(const struct path *p)
{
    ASSERT(!path_is_reference(p) || path_is_definite(p));
    ASSERT(!path_is_whole_input(p) || path_is_reference(p));
    ASSERT((path_root(p) == PATH_ROOT_VARIABLE) == (path_variable(p).len > 0));
}

static void check_eval(const struct path *p, struct expr_env env)
{
    struct expr_env again = env;
    struct json first = JSON_NONE, second = JSON_NONE;
    struct str why = STR(""), why_again = STR("");
    enum path_outcome outcome = path_eval_at(p, env.input, &env, &first, &why);
    ASSERT(arena_used(env.scratch) == 0);
    ASSERT(outcome == path_eval_at(p, again.input, &again, &second, &why_again));
    ASSERT(env.steps_left == again.steps_left);
    ASSERT(str_eq(why, why_again));
    ASSERT(json_equal(first, second));
    ASSERT((outcome == PATH_FOUND) == !json_is_absent(first));
    ASSERT((outcome == PATH_FOUND) == (why.len == 0));
    ASSERT(outcome != PATH_FOUND || path_is_definite(p) || json_is_array(first));
}

static void check_put(const struct path *p, struct expr_env env)
{
    struct json whole, found, value = json_string(STR("put"));
    struct str why;
    if (path_put(p, env.input, value, &env, &whole, &why) != PATH_FOUND)
        return;
    ASSERT(arena_used(env.scratch) == 0);
    ASSERT(path_eval_at(p, whole, &env, &found, &why) == PATH_FOUND || env.steps_left == 0);
    ASSERT(env.steps_left == 0 || json_equal(found, value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(MEMORY_MAX), *scratch = arena_new(MEMORY_MAX);
    struct str input = str_of((const char *)data, size);
    size_t line = str_find_char(input, '\n');
    struct str text = str_slice(input, 0, line);
    const struct path *p;
    struct err err;
    if (path_compile(a, text, &p, &err)) {
        struct json v =
            document(a, line == SIZE_MAX ? STR("") : str_slice(input, line + 1, input.len));
        check_kinds(p);
        check_eval(p, env_over(a, scratch, v));
        if (path_is_reference(p))
            check_put(p, env_over(a, scratch, v));
    } else {
        ASSERT(err.code == ERR_INVALID_PATH && err.message[0]);
        ASSERT(err.offset == SIZE_MAX || err.offset <= text.len);
    }
    arena_free(scratch);
    arena_free(a);
    return 0;
}
