/* Plays JSONPath cases for test_jsonpath.py: one JSON line in, one out.
 *
 *   {"path": "$.a", "document": {"a": 1}}  ->  {"definite": true, "result": 1}
 *   a refusal, or a failure of the dialect ->  {"error": "invalid", "why": "..."}
 *   a path that leads nowhere              ->  {"error": "not-found", "why": "..."}
 */
#include "expr/jsonpath/path.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    BUDGET_SIZE = 64 << 20
};

static struct json refusal(struct arena *a, struct str error, struct str why)
{
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("error"), json_string(error));
    json_object_add(&b, STR("why"), json_string_copy(a, why));
    return json_object_done(&b);
}

static struct json play(struct arena *a, struct arena *scratch, struct json request)
{
    const struct path *path;
    struct err err;
    if (!path_compile(a, json_str(json_get(request, STR("path"))), &path, &err))
        return refusal(a, STR("invalid"), str_of_cstr(err.message));
    struct expr_env env = {
        .input = json_get(request, STR("document")),
        .out = a,
        .scratch = scratch,
        .steps_left = EXPR_STEPS_MAX,
    };
    struct json value;
    struct str why;
    enum path_outcome outcome = path_eval(path, &env, &value, &why);
    if (outcome != PATH_FOUND)
        return refusal(a, outcome == PATH_MISSING ? STR("not-found") : STR("invalid"), why);
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("definite"), json_bool(path_is_definite(path)));
    json_object_add(&b, STR("result"), value);
    return json_object_done(&b);
}

static struct json answer(struct arena *a, struct arena *scratch, struct str line)
{
    struct json request;
    struct err err;
    if (json_parse(a, line, (struct json_limits){0}, JSON_DUPLICATES_LAST, &request, &err))
        return play(a, scratch, request);
    return refusal(a, STR("request"), str_of_cstr(err.message));
}

int main(void)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t len;
    struct buf out = BUF_INIT(0);
    while ((len = getline(&line, &capacity, stdin)) > 0) {
        struct arena *a = arena_new(BUDGET_SIZE), *scratch = arena_new(BUDGET_SIZE);
        buf_clear(&out);
        json_write(&out, answer(a, scratch, str_of(line, (size_t)len)));
        printf(STR_FMT "\n", STR_ARG(buf_str(&out)));
        fflush(stdout);
        arena_free(scratch);
        arena_free(a);
    }
    buf_release(&out);
    free(line);
    return 0;
}
