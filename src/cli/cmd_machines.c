#include "cli/definition_file.h"
#include "cli/remote.h"
#include "os/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROLE_DEFAULT "arn:aws:iam::000000000000:role/pawl"

/* One `pawl machines`. */
struct session {
    struct cli *cli;
    struct client *client;
    const char *verb;
    const char *name, *what; /* what follows the verb; NULL: not given */
    bool as_json;
};

static bool ask(struct session *s, const char *operation, struct json arguments,
                struct json *ret_answer, struct err *reterr)
{
    return client_operation(s->client, s->cli->arena, operation, arguments, ret_answer, reterr);
}

static struct json one_argument(struct arena *a, const char *name, struct str value)
{
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, str_of_cstr(name), json_string(value));
    return json_object_done(&b);
}

/* ---- list ---- */

static int list(struct session *s)
{
    static const struct column columns[] = {{"NAME", false}, {"TYPE", false}, {"CREATED", false}};
    struct arena *a = s->cli->arena;
    struct json items;
    struct err err;
    bool more;
    if (!remote_list(s->client, a, "ListStateMachines", json_object(NULL, 0), "stateMachines",
                     SIZE_MAX, &items, &more, &err))
        return cli_fail(s->cli, NULL, &err);
    if (s->as_json) {
        remote_print_json(s->cli, items);
        return 0;
    }
    struct table table = table_of(a, columns, COUNT_OF(columns));
    for (size_t i = 0; i < json_count(items); i++) {
        struct cell *row = table_row(&table);
        struct json item = json_at(items, i);
        row[0].text = json_str(json_get(item, STR("name")));
        row[1].text = json_str(json_get(item, STR("type")));
        row[2].text = time_text(a, remote_time(json_get(item, STR("creationDate"))));
    }
    if (table.count)
        table_print(&table, &s->cli->out);
    else
        out_text(&s->cli->err,
                 "No state machines yet. Make one with: pawl machines create NAME FILE\n");
    return 0;
}

/* ---- show ---- */

static bool describe(struct session *s, const char *name, struct json *ret_answer,
                     struct err *reterr)
{
    struct arena *a = s->cli->arena;
    struct str arn;
    return remote_machine_arn(s->client, a, name, &arn, reterr) &&
           ask(s, "DescribeStateMachine", one_argument(a, "stateMachineArn", arn), ret_answer,
               reterr);
}

static struct str pretty(struct arena *a, struct str definition)
{
    struct json value;
    struct buf text = BUF_INIT(0);
    if (!json_parse(a, definition, (struct json_limits){0}, JSON_DUPLICATES_LAST, &value, NULL))
        return definition;
    json_write_pretty(&text, value);
    struct str kept = arena_str(a, buf_str(&text));
    buf_release(&text);
    return kept;
}

static int show(struct session *s)
{
    struct out *o = &s->cli->out;
    struct arena *a = s->cli->arena;
    struct json m;
    struct err err;
    if (!describe(s, s->name, &m, &err))
        return cli_fail(s->cli, NULL, &err);
    if (s->as_json) {
        remote_print_json(s->cli, m);
        return 0;
    }
    out_style(o, STYLE_BOLD);
    out_foreign(o, json_str(json_get(m, STR("name"))), 0);
    out_style(o, STYLE_OFF);
    out_text(o, "\n");
    remote_print_fact(o, "arn", json_str(json_get(m, STR("stateMachineArn"))));
    remote_print_fact(o, "type", json_str(json_get(m, STR("type"))));
    remote_print_fact(o, "status", json_str(json_get(m, STR("status"))));
    remote_print_fact(o, "role", json_str(json_get(m, STR("roleArn"))));
    remote_print_fact(o, "revision", json_str(json_get(m, STR("revisionId"))));
    remote_print_fact(o, "created", time_text(a, remote_time(json_get(m, STR("creationDate")))));
    out_text(o, "\n");
    out_foreign_lines(o, pretty(a, json_str(json_get(m, STR("definition")))), "  ", SIZE_MAX);
    return 0;
}

/* ---- create, update, delete ---- */

static int changed(struct session *s, const char *what, struct json answer)
{
    struct out *o = &s->cli->out;
    if (s->as_json) {
        remote_print_json(s->cli, answer);
        return 0;
    }
    out_style(o, STYLE_GOOD);
    out_printf(o, "✔ %s", what);
    out_style(o, STYLE_OFF);
    out_text(o, "  ");
    out_foreign(o, str_of_cstr(s->name), 0);
    struct str version = json_str(json_get(answer, STR("stateMachineVersionArn")));
    if (version.len) {
        out_text(o, "  version ");
        out_foreign(o, str_slice(version, str_rfind_char(version, ':') + 1, version.len), 0);
    }
    out_text(o, "\n");
    out_flush(o);
    if (strcmp(what, "deleted") != 0) {
        out_text(&s->cli->err, "  Start it with: pawl start ");
        out_shell_word(&s->cli->err, s->name);
        out_text(&s->cli->err, "\n");
    }
    return 0;
}

static void add_option(struct session *s, struct json_object_builder *b, const char *option,
                       const char *member, const char *otherwise)
{
    const char *text = option_text(&s->cli->arguments, option);
    if (!text)
        text = otherwise;
    if (text)
        json_object_add(b, str_of_cstr(member), json_string(str_of_cstr(text)));
}

static int create(struct session *s)
{
    struct arena *a = s->cli->arena;
    struct definition_file file;
    struct json_object_builder b = json_object_builder(a);
    struct json answer;
    struct err err;
    int status = definition_file_read(s->cli, s->what, &file);
    if (status)
        return status;
    json_object_add(&b, STR("name"), json_string(str_of_cstr(s->name)));
    json_object_add(&b, STR("definition"), json_string(definition_file_json(a, &file)));
    add_option(s, &b, "--role", "roleArn", ROLE_DEFAULT);
    add_option(s, &b, "--type", "type", NULL);
    if (option_given(&s->cli->arguments, "--publish"))
        json_object_add(&b, STR("publish"), json_bool(true));
    if (!ask(s, "CreateStateMachine", json_object_done(&b), &answer, &err))
        return cli_fail(s->cli, NULL, &err);
    return changed(s, "created", answer);
}

static int update(struct session *s)
{
    struct arena *a = s->cli->arena;
    struct definition_file file;
    struct json_object_builder b = json_object_builder(a);
    struct json answer;
    struct str arn;
    struct err err;
    int status = definition_file_read(s->cli, s->what, &file);
    if (status)
        return status;
    if (!remote_machine_arn(s->client, a, s->name, &arn, &err))
        return cli_fail(s->cli, NULL, &err);
    json_object_add(&b, STR("stateMachineArn"), json_string(arn));
    json_object_add(&b, STR("definition"), json_string(definition_file_json(a, &file)));
    add_option(s, &b, "--role", "roleArn", NULL);
    if (option_given(&s->cli->arguments, "--publish"))
        json_object_add(&b, STR("publish"), json_bool(true));
    if (!ask(s, "UpdateStateMachine", json_object_done(&b), &answer, &err))
        return cli_fail(s->cli, NULL, &err);
    return changed(s, "updated", answer);
}

static int delete (struct session *s)
{
    struct str arn;
    struct json answer;
    struct err err;
    if (!remote_machine_arn(s->client, s->cli->arena, s->name, &arn, &err) ||
        !ask(s, "DeleteStateMachine", one_argument(s->cli->arena, "stateMachineArn", arn), &answer,
             &err))
        return cli_fail(s->cli, NULL, &err);
    return changed(s, "deleted", answer);
}

/* ---- diff ---- */

static bool write_text(FILE *file, struct str text)
{
    return file && fwrite(text.ptr, 1, text.len, file) == text.len && fputc('\n', file) != EOF &&
           fflush(file) == 0;
}

/* Shown by diff -u, which knows how. Its exit status: 0 equal, 1 different. */
static int run_diff(struct session *s, const char *labels[2], FILE *files[2])
{
    struct arena *a = s->cli->arena;
    const char *paths[2];
    int status;
    for (size_t i = 0; i < 2; i++)
        paths[i] = arena_cstr(a, arena_printf(a, "/dev/fd/%d", fileno(files[i])));
    const char *colour = s->cli->out.colour ? "--color=always" : "--color=never";
    const char *words[] = {"diff",    "-u", colour,   "--label", labels[0], "--label",
                           labels[1], "--", paths[0], paths[1],  NULL};
    char *argv[COUNT_OF(words)] = {NULL};
    for (size_t i = 0; words[i]; i++)
        argv[i] = arena_cstr(a, str_of_cstr(words[i]));
    out_flush(&s->cli->out);
    pid_t child = fork();
    if (child == 0) {
        execvp(argv[0], argv);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return 127;
    return WEXITSTATUS(status);
}

static int diff_texts(struct session *s, const char *labels[2], const struct str texts[2])
{
    FILE *files[2] = {tmpfile(), tmpfile()};
    struct err err;
    int status = 127;
    if (write_text(files[0], texts[0]) && write_text(files[1], texts[1]))
        status = run_diff(s, labels, files);
    for (size_t i = 0; i < 2; i++)
        if (files[i])
            fclose(files[i]);
    if (status <= 1)
        return status;
    err_set(&err, ERR_IO, "the two could not be compared: is the program diff there?");
    return cli_fail(s->cli, NULL, &err);
}

/* A version's number or an alias, not a file. */
static bool is_revision(const char *what)
{
    return access(what, F_OK) != 0 && strcmp(what, "-") != 0 && !strchr(what, '/') &&
           !strchr(what, '.');
}

static int diff(struct session *s)
{
    struct arena *a = s->cli->arena;
    struct json current, other;
    struct err err;
    const char *labels[2] = {s->name, s->what};
    struct str texts[2], arn;
    if (!describe(s, s->name, &current, &err))
        return cli_fail(s->cli, NULL, &err);
    texts[0] = pretty(a, json_str(json_get(current, STR("definition"))));
    if (is_revision(s->what)) {
        arn = arena_printf(a, STR_FMT ":%s",
                           STR_ARG(json_str(json_get(current, STR("stateMachineArn")))), s->what);
        if (!ask(s, "DescribeStateMachine", one_argument(a, "stateMachineArn", arn), &other, &err))
            return cli_fail(s->cli, NULL, &err);
        /* What was comes before what is. */
        texts[1] = texts[0];
        texts[0] = pretty(a, json_str(json_get(other, STR("definition"))));
        labels[0] = arena_cstr(a, arena_printf(a, "%s:%s", s->name, s->what));
        labels[1] = s->name;
    } else {
        struct definition_file file;
        int status = definition_file_read(s->cli, s->what, &file);
        if (status)
            return status;
        texts[1] = pretty(a, definition_file_json(a, &file));
    }
    return diff_texts(s, labels, texts);
}

/* ---- the whole ---- */

static const struct verb {
    const char *name;
    int (*run)(struct session *s);
    size_t arguments; /* beside the verb */
    const char *usage;
} verbs[] = {
    {"list", list, 0, "list"},
    {"show", show, 1, "show NAME"},
    {"create", create, 2, "create NAME FILE"},
    {"update", update, 2, "update NAME FILE"},
    {"delete", delete, 1, "delete NAME"},
    {"diff", diff, 2, "diff NAME FILE|VERSION"},
};

static const struct verb *find_verb(const struct cli *cli, const char *name, struct err *reterr)
{
    size_t given = cli->arguments.count ? cli->arguments.count - 1 : 0;
    for (size_t i = 0; i < COUNT_OF(verbs); i++) {
        if (strcmp(verbs[i].name, name) != 0)
            continue;
        if (given == verbs[i].arguments)
            return &verbs[i];
        err_set(reterr, ERR_USAGE, "it is pawl machines %s", verbs[i].usage);
        return NULL;
    }
    const char *near = suggest_name(name, verbs, COUNT_OF(verbs), sizeof(verbs[0]));
    err_set(reterr, ERR_USAGE, "pawl machines cannot \"%s\"%s%s%s", name,
            near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    return NULL;
}

static int run(struct cli *cli)
{
    const struct arguments *a = &cli->arguments;
    struct session s = {
        .cli = cli,
        .verb = a->count ? a->items[0] : "list",
        .name = a->count > 1 ? a->items[1] : NULL,
        .what = a->count > 2 ? a->items[2] : NULL,
        .as_json = option_given(a, "--json"),
    };
    struct err err;
    const struct verb *verb = find_verb(cli, s.verb, &err);
    if (!verb || !remote_open(cli, &s.client, &err))
        return cli_fail(cli, NULL, &err);
    int status = verb->run(&s);
    client_close(s.client);
    return status;
}

static const struct option options[] = {
    {"--role", OPTION_TEXT, "ARN",
     "create, update: the role that the context object names.\nDefault: " ROLE_DEFAULT, NULL},
    {"--type", OPTION_CHOICE, "TYPE", "create: STANDARD or EXPRESS. Default: STANDARD",
     "STANDARD EXPRESS"},
    {"--publish", OPTION_FLAG, NULL, "create, update: publish it as the next version", NULL},
    OPTION_JSON("what the API answers"),
    OPTION_DATA,
    OPTION_ENDPOINT,
    OPTION_END,
};

const struct command command_machines = {
    .name = "machines",
    .summary = "List, show, make, change and compare state machines",
    .arguments =
        "[list | show NAME | create NAME FILE | update NAME FILE | delete NAME | diff NAME "
        "FILE|VERSION]",
    .arguments_max = 3,
    .description =
        "Asks a server: pawl serve on this data directory, or --endpoint.\n"
        "NAME is a state machine's name or ARN. FILE is a definition as JSON or YAML; it is\n"
        "checked before anything is asked. VERSION is a published version's number or an alias.\n"
        "diff shows what update would change (or what changed since VERSION) and exits with 1\n"
        "when something would.\n",
    .examples = "pawl machines\n"
                "pawl machines create order order.asl.json --publish\n"
                "pawl machines diff order order.asl.json\n"
                "pawl machines update order order.asl.json\n",
    .options = options,
    .run = run,
};
