/* Plays JSONata cases: one JSON line in, one out.
 *
 *   {"id": "a", "expr": "x+1", "data": {"x": 1}}  ->  {"id": "a", "result": 2}
 *   no value     ->  {"id": "a", "undefined": true}
 *   a failure    ->  {"id": "a", "error": {"code": "T2001", "token": "+", ...}}
 */
#include "expr/jsonata/jsonata.h"

#include <stdio.h>
#include <stdlib.h>

static const size_t budget_size = (size_t)1 << 30;

enum {
    STEPS_MAX = 20000000
};

static struct json error_value(struct arena *a, const struct jsonata_error *err)
{
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("code"), json_string(str_of_cstr(err->code)));
    json_object_add(&b, STR("message"), json_string(err->message));
    json_object_add(&b, STR("position"), json_int((int64_t)err->position));
    if (err->token.len)
        json_object_add(&b, STR("token"), json_string(err->token));
    json_object_add(&b, STR("value"), err->value);
    json_object_add(&b, STR("value2"), err->value2);
    return json_object_done(&b);
}

static void play(struct arena *a, struct json request, struct json_object_builder *answer)
{
    const struct jsonata *e;
    struct jsonata_error err = {0};
    struct jsonata_options options = {.allow_eval = true};
    if (!jsonata_compile(a, json_str(json_get(request, STR("expr"))), options, &e, &err)) {
        json_object_add(answer, STR("error"), error_value(a, &err));
        return;
    }
    int64_t depth = 0;
    (void)json_to_int64(json_get(request, STR("depth")), &depth);
    struct expr_vars vars = {.own = json_get(request, STR("bindings"))};
    struct jsonata_env env = {
        .input = json_get(request, STR("data")),
        .vars = &vars,
        .now = {1500000000000},
        .out = a,
        .steps_left = STEPS_MAX,
        .depth_max = (size_t)depth,
    };
    struct json value = JSON_NONE;
    switch (jsonata_eval(e, &env, &value, &err)) {
    case JSONATA_VALUE:
        json_object_add(answer, STR("result"), value);
        return;
    case JSONATA_UNDEFINED:
        json_object_add(answer, STR("undefined"), json_bool(true));
        return;
    case JSONATA_FUNCTION:
        json_object_add(answer, STR("function"), json_bool(true));
        return;
    case JSONATA_FAILED:
        json_object_add(answer, STR("error"), error_value(a, &err));
        return;
    }
}

static struct json answer(struct arena *a, struct str line)
{
    struct json request;
    struct err err;
    struct json_object_builder b = json_object_builder(a);
    if (json_parse(a, line, (struct json_limits){0}, JSON_DUPLICATES_LAST, &request, &err)) {
        json_object_add(&b, STR("id"), json_get(request, STR("id")));
        play(a, request, &b);
    } else {
        json_object_add(&b, STR("error"), json_string(str_of_cstr(err.message)));
    }
    return json_object_done(&b);
}

int main(void)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t len;
    struct buf out = BUF_INIT(0);
    while ((len = getline(&line, &capacity, stdin)) > 0) {
        struct arena *a = arena_new(budget_size);
        buf_clear(&out);
        json_write(&out, answer(a, str_of(line, (size_t)len)));
        printf(STR_FMT "\n", STR_ARG(buf_str(&out)));
        fflush(stdout);
        arena_free(a);
    }
    buf_release(&out);
    free(line);
    return 0;
}
