#include "cli/eval.h"

#include <stdio.h>
#include <stdlib.h>

/* A question is a line: {"id", "expr", "data", "bindings", "timelimit", "depth"}; all
 * but "expr" may be missing. A time limit is taken as steps, so that an answer does not
 * depend on how busy the machine is. */

enum {
    STEPS_A_MILLISECOND = 10000,
    STEPS_A_LINE_MAX = 1000000000,
};

/* A number of the line, at least 1; `otherwise` where there is none. */
static uint64_t number_of(struct json line, struct str name, uint64_t factor, uint64_t otherwise)
{
    struct json v = json_get(line, name);
    if (!json_is_number(v))
        return otherwise;
    double number = json_to_double(v) * (double)factor;
    if (!(number >= 1))
        return 1;
    return number < STEPS_A_LINE_MAX ? (uint64_t)number : STEPS_A_LINE_MAX;
}

static struct json error_of(struct arena *a, const struct eval_answer *answer)
{
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("code"), json_string(answer->name));
    json_object_add(&b, STR("message"), json_string(answer->error.message));
    if (answer->from != SIZE_MAX)
        json_object_add(&b, STR("position"), json_int((int64_t)answer->error.position));
    if (answer->error.token.len)
        json_object_add(&b, STR("token"), json_string(answer->error.token));
    /* The one error whose message names the function it is of. */
    if (str_eq(answer->name, STR("D3140")))
        json_object_add(&b, STR("functionName"), json_string(answer->error.token));
    json_object_add(&b, STR("value"), answer->error.value);
    json_object_add(&b, STR("value2"), answer->error.value2);
    return json_object_done(&b);
}

static struct json answer_of(struct arena *a, struct json id, const struct eval_answer *answer)
{
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("id"), json_is_absent(id) ? json_null() : id);
    switch (answer->outcome) {
    case EVAL_VALUE:
        json_object_add(&b, STR("result"), answer->value);
        break;
    case EVAL_UNDEFINED:
        json_object_add(&b, STR("undefined"), json_bool(true));
        break;
    case EVAL_FUNCTION:
        json_object_add(&b, STR("function"), json_bool(true));
        break;
    case EVAL_REFUSED:
    case EVAL_FAILED:
        json_object_add(&b, STR("error"), error_of(a, answer));
        break;
    }
    return json_object_done(&b);
}

/* "line 3: what is wrong", as an answer. */
static struct eval_answer unusable(struct arena *a, size_t number, const char *what)
{
    struct eval_answer answer = {.outcome = EVAL_REFUSED, .from = SIZE_MAX};
    answer.error.message = arena_printf(a, "line %zu of the batch: %s", number, what);
    return answer;
}

/* false: the line was no question. */
static bool answer_line(struct cli *cli, struct arena *a, const struct eval_setting *setting,
                        struct str text, size_t number)
{
    struct json line = JSON_NONE;
    struct err err;
    struct eval_answer answer;
    bool good = json_parse(a, text, (struct json_limits){0}, JSON_DUPLICATES_LAST, &line, &err);
    struct json expr = json_get(line, STR("expr")), bindings = json_get(line, STR("bindings"));
    if (!good) {
        answer = unusable(a, number, err.message);
    } else if (!json_is_string(expr)) {
        good = false;
        answer = unusable(a, number, "there is no \"expr\" that is a string");
    } else {
        struct eval_question q = eval_question_of(setting, json_str(expr));
        q.input = json_get(line, STR("data"));
        q.variables = json_is_object(bindings) ? bindings : JSON_NONE;
        q.steps_max = number_of(line, STR("timelimit"), STEPS_A_MILLISECOND, q.steps_max);
        q.depth_max = number_of(line, STR("depth"), 1, q.depth_max);
        answer = eval_ask(a, setting, &q);
    }
    json_write(&cli->out.buf, answer_of(a, json_get(line, STR("id")), &answer));
    out_text(&cli->out, "\n");
    out_flush(&cli->out);
    return good;
}

int eval_batch(struct cli *cli, const struct eval_setting *setting)
{
    char *line = NULL;
    size_t capacity = 0, number = 0;
    ssize_t got;
    int status = 0;
    while (!cli->out.closed && (got = getline(&line, &capacity, stdin)) >= 0) {
        struct str text = str_trim(str_of(line, (size_t)got));
        number++;
        if (text.len == 0)
            continue;
        struct arena *a = arena_new(EVAL_MEMORY_MAX);
        if (!answer_line(cli, a, setting, text, number))
            status = err_exit_status(ERR_INVALID_INPUT);
        arena_free(a);
    }
    free(line);
    return status;
}
