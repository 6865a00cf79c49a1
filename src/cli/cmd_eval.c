#include "cli/eval.h"
#include "cli/input_option.h"
#include "engine/engine.h"
#include "os/files.h"

/* NAME=JSON or NAME=@FILE, put among the variables. */
static bool add_variable(struct cli *cli, const char *text, struct json_object_builder *variables,
                         struct err *reterr)
{
    struct str whole = str_of_cstr(text), name;
    struct json value;
    size_t equals = str_find_char(whole, '=');
    if (equals == SIZE_MAX || equals == 0)
        return err_set(reterr, ERR_USAGE, "--var takes NAME=JSON, not \"%s\"", text);
    name = str_slice(whole, 0, equals);
    if (name.ptr[0] == '$')
        name = str_slice(name, 1, name.len);
    struct str json = str_slice(whole, equals + 1, whole.len);
    if (json.len && json.ptr[0] == '@' &&
        !file_read(cli->arena, json.ptr + 1, ENGINE_INPUT_SIZE_MAX, &json, reterr))
        return false;
    if (!json_parse(cli->arena, json, (struct json_limits){0}, JSON_DUPLICATES_LAST, &value,
                    reterr)) {
        err_context(reterr, "--var " STR_FMT, STR_ARG(name));
        return false;
    }
    json_object_put(variables, name, value);
    return true;
}

/* Gives 0, or the exit status of what it has printed. */
static int read_data(struct cli *cli, struct eval_question *q)
{
    struct json_object_builder variables = json_object_builder(cli->arena);
    const char *variable;
    struct err err;
    for (size_t i = 0; (variable = option_nth(&cli->arguments, "--var", i)); i++)
        if (!add_variable(cli, variable, &variables, &err))
            return cli_fail(cli, NULL, &err);
    q->variables = json_object_done(&variables);
    if (!option_given(&cli->arguments, "--input"))
        return 0;
    struct str text;
    int status = input_option_read(cli, &text);
    if (status == 0 && !json_parse(cli->arena, text, (struct json_limits){0}, JSON_DUPLICATES_LAST,
                                   &q->input, &err))
        UNREACHABLE("input_option_read checked it");
    return status;
}

/* NULL, or what does not go together. */
static const char *contradiction(const struct arguments *a)
{
    bool batch = option_given(a, "--batch"), repl = option_given(a, "-i");
    bool path = option_given(a, "--jsonpath"), intrinsic = option_given(a, "--intrinsic");
    const char *input = option_text(a, "--input");
    if (path && intrinsic)
        return "--jsonpath and --intrinsic are two languages; give one";
    if ((path || intrinsic) && (option_given(a, "--level") || option_given(a, "--step-functions")))
        return "--level and --step-functions are about JSONata";
    if (batch && repl)
        return "--batch reads lines of JSON and -i asks a person; give one";
    if (batch && (input || option_nth(a, "--var", 0)))
        return "with --batch each line has its own \"data\" and \"bindings\"";
    if (repl && input && strcmp(input, "-") == 0)
        return "-i reads expressions from stdin, so the input cannot come from there";
    if ((batch || repl) && a->count)
        return "with --batch or -i the expressions come from stdin; give none";
    if (!batch && !repl && !a->count)
        return "pawl eval needs an EXPRESSION, --batch or -i";
    return NULL;
}

static struct eval_setting setting_of(const struct arguments *a)
{
    const char *level = option_text(a, "--level");
    bool step_functions = option_given(a, "--step-functions");
    bool old = level ? strcmp(level, "2.0.6") == 0 : step_functions;
    return (struct eval_setting){
        .language = option_given(a, "--jsonpath")    ? EVAL_JSONPATH
                    : option_given(a, "--intrinsic") ? EVAL_INTRINSIC
                                                     : EVAL_JSONATA,
        .level = old ? JSONATA_LEVEL_2_0_6 : JSONATA_LEVEL_2_2,
        .step_functions = step_functions,
    };
}

/* "{% ... %}" is how a definition marks an expression; it may stay when one is pasted. No
 * expression of the language begins so. */
static bool take_marks_off(struct str *text, struct err *reterr)
{
    struct str trimmed = str_trim(*text);
    if (!str_starts_with(trimmed, STR("{%")))
        return true;
    if (trimmed.len < 4 || !str_ends_with(trimmed, STR("%}")))
        return err_set(reterr, ERR_INVALID_INPUT,
                       "an expression that starts with '{%%' must end with '%%}'");
    *text = str_slice(trimmed, 2, trimmed.len - 2);
    return true;
}

static int run(struct cli *cli)
{
    const struct arguments *a = &cli->arguments;
    struct err err;
    const char *wrong = contradiction(a);
    if (wrong) {
        err_set(&err, ERR_USAGE, "%s", wrong);
        return cli_fail(cli, NULL, &err);
    }
    struct eval_setting setting = setting_of(a);
    if (option_given(a, "--batch"))
        return eval_batch(cli, &setting);
    struct str text = str_of_cstr(a->count ? a->items[0] : "");
    if (setting.language == EVAL_JSONATA && !take_marks_off(&text, &err))
        return cli_fail(cli, NULL, &err);
    struct eval_question question = eval_question_of(&setting, text);
    int status = read_data(cli, &question);
    if (status != 0)
        return status;
    if (option_given(a, "-i"))
        return eval_repl(cli, &setting, &question);
    struct arena *arena = arena_new(EVAL_MEMORY_MAX);
    struct eval_answer answer = eval_ask(arena, &setting, &question);
    status = eval_print(&cli->out, &cli->err, text, &answer);
    arena_free(arena);
    return status;
}

static const struct option options[] = {
    {"--input", OPTION_TEXT, "JSON|@FILE|-",
     "What the expression is about: JSON text, a file, or stdin.\nDefault: nothing", NULL},
    {"--var", OPTION_MANY, "NAME=JSON", "A variable, $NAME; NAME=@FILE reads it. Again for more",
     NULL},
    {"--jsonpath", OPTION_FLAG, NULL, "The expression is a JSONPath", NULL},
    {"--intrinsic", OPTION_FLAG, NULL, "The expression is a call such as States.Format(...)", NULL},
    {"--level", OPTION_CHOICE, "LEVEL", "JSONata as of 2.0.6 or 2.2. Default: 2.2", "2.0.6 2.2"},
    {"--step-functions", OPTION_FLAG, NULL,
     "JSONata as in a state machine: level 2.0.6, $partition and\n"
     "its like, no $eval, Step Functions' depth and memory",
     NULL},
    {"-i", OPTION_FLAG, NULL, "Ask again and again; :help there says more", NULL},
    {"--batch", OPTION_FLAG, NULL, "Answer lines of JSON on stdin, one line each", NULL},
    OPTION_END,
};

const struct command command_eval = {
    .name = "eval",
    .summary = "Evaluate a JSONata expression, a JSONPath or an intrinsic function",
    .arguments = "[EXPRESSION]",
    .arguments_max = 1,
    .description =
        "Prints the result as JSON; nothing for undefined, which stderr says. Errors show the\n"
        "spot in the expression. An expression that begins with \"-\" needs \"--\" before it.\n"
        "A line of --batch is {\"id\", \"expr\", \"data\", \"bindings\", \"timelimit\", "
        "\"depth\"}, the\n"
        "answer {\"id\"} with one of \"result\", \"undefined\", \"function\" and \"error\".\n"
        "Exit status: 0 evaluated, 1 it failed, 2 it is no expression.\n",
    .examples = "pawl eval '$sum(items.(price * qty))' --input @order.json\n"
                "pawl eval --jsonpath '$.items[?(@.qty > 3)].sku' --input @order.json\n"
                "pawl eval --intrinsic \"States.Format('{} of {}', $.n, $.all)\" --input -\n"
                "pawl eval -i --step-functions --var states=@states.json\n",
    .options = options,
    .run = run,
};
