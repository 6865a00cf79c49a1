#include "cli/definition_file.h"
#include "cli/input_option.h"
#include "cli/remote.h"
#include "cli/wish.h"

#include <unistd.h>

/* One `pawl start`. */
struct session {
    struct cli *cli;
    struct client *client;
    const char *what;  /* a machine's name or ARN, or a file */
    struct str input;  /* empty: that of the execution which is reused */
    struct wish *wish; /* NULL: none */
    struct json answer;
};

static bool is_file(const char *what)
{
    return strcmp(what, "-") == 0 || (!str_starts_with(str_of_cstr(what), STR("arn:")) &&
                                      (strchr(what, '/') != NULL || access(what, F_OK) == 0));
}

static void add_text(struct json_object_builder *b, const char *name, struct str value)
{
    if (value.len)
        json_object_add(b, str_of_cstr(name), json_string(value));
}

/* What is skipped and taken over, and else the name alone. */
static void add_wish(const struct session *s, struct json_object_builder *b)
{
    const char *reuse = option_text(&s->cli->arguments, "--reuse");
    if (!s->wish) {
        add_text(b, "name", str_of_cstr(option_text(&s->cli->arguments, "--name")));
        return;
    }
    wish_add_to_body(s->wish, b);
    add_text(b, "reuse", str_of_cstr(reuse));
}

static int fail_start(const struct session *s, const struct err *err)
{
    return s->wish ? wish_fail(s->cli, s->wish, err) : cli_fail(s->cli, NULL, err);
}

static bool read_input(const struct session *s, struct json *ret_input, struct err *reterr)
{
    *ret_input = JSON_NONE;
    return !s->input.len || json_parse(s->cli->arena, s->input, (struct json_limits){0},
                                       JSON_DUPLICATES_LAST, ret_input, reterr);
}

/* A definition goes along; its machine is made, or brought up to date. */
static int start_file(struct session *s)
{
    struct arena *a = s->cli->arena;
    const struct arguments *given = &s->cli->arguments;
    struct json_object_builder b = json_object_builder(a);
    const char *machine = option_text(given, "--machine");
    struct definition_file file;
    struct json input;
    struct err err;
    int status = definition_file_read(s->cli, s->what, &file);
    if (status)
        return status;
    if (!read_input(s, &input, &err))
        return cli_fail(s->cli, "--input", &err);
    add_text(&b, "definition", file.text);
    add_text(&b, "machine_name", machine ? str_of_cstr(machine) : file.name);
    add_wish(s, &b);
    json_object_add(&b, STR("input"), input);
    if (!client_call(s->client, a, "POST", STR("/api/v1/run"), json_text(a, json_object_done(&b)),
                     0, &s->answer, &err))
        return fail_start(s, &err);
    return 0;
}

/* By a route of ours, since AWS's operation knows nothing of it. */
static int start_wish(struct session *s, struct str arn)
{
    struct arena *a = s->cli->arena;
    struct json_object_builder b = json_object_builder(a);
    struct str path =
        arena_printf(a, "/api/v1/workflows/" STR_FMT "/executions", STR_ARG(client_encode(a, arn)));
    struct json input;
    struct err err;
    if (!read_input(s, &input, &err))
        return cli_fail(s->cli, "--input", &err);
    add_wish(s, &b);
    json_object_add(&b, STR("trigger_data"), input);
    if (!client_call(s->client, a, "POST", path, json_text(a, json_object_done(&b)), 0, &s->answer,
                     &err))
        return fail_start(s, &err);
    return 0;
}

static int start_machine(struct session *s)
{
    struct arena *a = s->cli->arena;
    const struct arguments *given = &s->cli->arguments;
    struct json_object_builder b = json_object_builder(a);
    struct str arn;
    struct err err;
    if (option_given(given, "--machine")) {
        err_set(&err, ERR_USAGE, "--machine names the machine of a FILE, and %s is none", s->what);
        return cli_fail(s->cli, NULL, &err);
    }
    if (!remote_machine_arn(s->client, a, s->what, &arn, &err))
        return cli_fail(s->cli, NULL, &err);
    if (s->wish)
        return start_wish(s, arn);
    add_text(&b, "stateMachineArn", arn);
    add_text(&b, "name", str_of_cstr(option_text(given, "--name")));
    add_text(&b, "input", s->input);
    if (!client_operation(s->client, a, "StartExecution", json_object_done(&b), &s->answer, &err))
        return cli_fail(s->cli, NULL, &err);
    return 0;
}

/* A dry run is answered by the plan. */
static int tell_plan(const struct session *s)
{
    s->wish->plan = s->answer;
    return wish_tell_plan(s->cli, s->wish);
}

/* The id or name is what a script wants; the rest is for a person. */
static void tell(const struct session *s)
{
    struct out *o = &s->cli->out, *e = &s->cli->err;
    struct str arn = json_str(json_get(s->answer, STR("executionArn")));
    if (!arn.len)
        arn = json_str(json_get(s->answer, STR("execution_arn")));
    struct str id = str_slice(arn, str_rfind_char(arn, ':') + 1, arn.len);
    if (option_given(&s->cli->arguments, "--json")) {
        remote_print_json(s->cli, s->answer);
        return;
    }
    out_foreign(o, id, 0);
    out_text(o, "\n");
    out_flush(o);
    out_text(e, "  Wait for its end with: pawl wait ");
    out_shell_word(e, arena_cstr(s->cli->arena, id));
    out_text(e, "\n");
}

/* What is reused has an input. */
static int load(struct session *s)
{
    struct cli *cli = s->cli;
    bool reuses = option_given(&cli->arguments, "--reuse");
    int status = 0;
    if (!reuses || option_given(&cli->arguments, "--input"))
        status = input_option_read(cli, &s->input);
    if (status || !wish_given(cli))
        return status;
    s->wish = ARENA_NEW(cli->arena, struct wish);
    return wish_read(cli, WISH_START, s->wish);
}

static int run(struct cli *cli)
{
    struct session s = {.cli = cli, .what = cli->arguments.items[0]};
    struct err err;
    int status = load(&s);
    if (status)
        return status;
    if (!remote_open(cli, &s.client, &err))
        return cli_fail(cli, NULL, &err);
    status = is_file(s.what) ? start_file(&s) : start_machine(&s);
    if (!status && s.wish && s.wish->request.dry_run)
        status = tell_plan(&s);
    else if (!status)
        tell(&s);
    client_close(s.client);
    return status;
}

static const struct option options[] = {
    OPTION_INPUT,
    {"--name", OPTION_TEXT, "NAME",
     "A name for the execution, unique for its machine. The same name\n"
     "with the same input again is the same execution.",
     NULL},
    {"--machine", OPTION_TEXT, "NAME",
     "With a FILE: the state machine's name. Default: FILE's up to the\nfirst dot", NULL},
    OPTIONS_OF_STARTS,
    OPTION_JSON("what the server answers; of a --dry-run the plan"),
    OPTION_DATA,
    OPTION_ENDPOINT,
    OPTION_END,
};

const struct command command_start = {
    .name = "start",
    .summary = "Start an execution at a server, and do not wait for it",
    .arguments = "MACHINE|FILE",
    .arguments_min = 1,
    .arguments_max = 1,
    .description =
        "MACHINE is a state machine's name or ARN, of a version or an alias too. FILE is a\n"
        "definition as JSON or YAML: its machine is made at the server, or brought up to date.\n"
        "Asks a server: pawl serve on this data directory, or --endpoint. Prints the execution's\n"
        "id, or its name.\n",
    .examples = "pawl start order --input '{\"id\": 17}' --name order-17\n"
                "pawl start order.asl.json --input @order.json\n"
                "pawl wait $(pawl start order)\n"
                "pawl start order --dry-run\n"
                "pawl start order --reuse order-16 --from-step 3\n",
    .options = options,
    .run = run,
};
