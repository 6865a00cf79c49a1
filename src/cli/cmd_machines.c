#include "catalog/catalog.h"
#include "cli/definition_file.h"
#include "cli/remote.h"
#include "cli/told.h"
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
    const char *name, *what;     /* what follows the verb; NULL: not given */
    struct definition_file file; /* `what`, where it is one */
    bool as_json;
};

static bool ask(struct session *s, const char *operation, struct json arguments,
                struct json *ret_answer, struct err *reterr)
{
    return client_operation(s->client, s->cli->arena, operation, arguments, ret_answer, reterr);
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
           remote_ask(s->client, a, "DescribeStateMachine", "stateMachineArn", arn, ret_answer,
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
    struct json_object_builder b = json_object_builder(a);
    struct json answer;
    struct err err;
    json_object_add(&b, STR("name"), json_string(str_of_cstr(s->name)));
    json_object_add(&b, STR("definition"), json_string(definition_file_json(a, &s->file)));
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
    struct json_object_builder b = json_object_builder(a);
    struct json answer;
    struct str arn;
    struct err err;
    if (!remote_machine_arn(s->client, a, s->name, &arn, &err))
        return cli_fail(s->cli, NULL, &err);
    json_object_add(&b, STR("stateMachineArn"), json_string(arn));
    json_object_add(&b, STR("definition"), json_string(definition_file_json(a, &s->file)));
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
        !remote_ask(s->client, s->cli->arena, "DeleteStateMachine", "stateMachineArn", arn, &answer,
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

/* What was comes before what is. */
static int diff_since(struct session *s, struct str before, struct str now)
{
    struct arena *a = s->cli->arena;
    const char *label = arena_cstr(a, arena_printf(a, "%s:%s", s->name, s->what));
    return diff_texts(s, (const char *[2]){label, s->name},
                      (struct str[2]){pretty(a, before), pretty(a, now)});
}

/* Any revision by its id, published or not; else a version's number or an alias. */
static bool find_before(struct session *s, struct str arn, struct str *ret_definition,
                        struct err *reterr)
{
    struct arena *a = s->cli->arena;
    struct json before;
    struct uuid id;
    struct str what = str_of_cstr(s->what);
    bool found;
    if (uuid_parse(what, &id) || str_eq(what, STR(CATALOG_FIRST_REVISION)))
        found = client_call(s->client, a, "GET",
                            arena_printf(a, "/api/v1/workflows/" STR_FMT "/revisions/" STR_FMT,
                                         STR_ARG(client_encode(a, arn)), STR_ARG(what)),
                            STR(""), 0, &before, reterr);
    else
        found = remote_ask(s->client, a, "DescribeStateMachine", "stateMachineArn",
                           arena_printf(a, STR_FMT ":" STR_FMT, STR_ARG(arn), STR_ARG(what)),
                           &before, reterr);
    if (found)
        *ret_definition = json_str(json_get(before, STR("definition")));
    return found;
}

static int diff(struct session *s)
{
    struct arena *a = s->cli->arena;
    struct json current;
    struct str now, before;
    struct err err;
    if (!describe(s, s->name, &current, &err))
        return cli_fail(s->cli, NULL, &err);
    now = json_str(json_get(current, STR("definition")));
    if (s->file.machine)
        return diff_texts(
            s, (const char *[2]){s->name, s->what},
            (struct str[2]){pretty(a, now), pretty(a, definition_file_json(a, &s->file))});
    if (!find_before(s, json_str(json_get(current, STR("stateMachineArn"))), &before, &err))
        return cli_fail(s->cli, NULL, &err);
    return diff_since(s, before, now);
}

/* ---- revisions ---- */

static bool list_revisions(struct session *s, struct str arn, struct json *ret_items,
                           struct err *reterr)
{
    struct arena *a = s->cli->arena;
    struct json_array_builder items = json_array_builder(a);
    struct str path =
        arena_printf(a, "/api/v1/workflows/" STR_FMT "/revisions", STR_ARG(client_encode(a, arn)));
    struct str page = path;
    struct json answer, next;
    do {
        if (!client_call(s->client, a, "GET", page, STR(""), 0, &answer, reterr))
            return false;
        struct json list = json_get(answer, STR("revisions"));
        for (size_t i = 0; i < json_count(list); i++)
            json_array_add(&items, json_at(list, i));
        next = json_get(answer, STR("next"));
        page = arena_printf(a, STR_FMT "?after=" STR_FMT, STR_ARG(path), STR_ARG(json_str(next)));
    } while (json_is_string(next));
    *ret_items = json_array_done(&items);
    return true;
}

static struct str created_at(struct json revision)
{
    return json_str(json_get(revision, STR("created_at")));
}

/* The newest first: the API has them by id. Times of one form sort as their texts do. */
static int newer_first(const void *one, const void *other)
{
    return str_compare(created_at(*(const struct json *)other),
                       created_at(*(const struct json *)one));
}

static int revisions(struct session *s)
{
    static const struct column columns[] = {{"REVISION", false}, {"CREATED", false}, {"", false}};
    struct arena *a = s->cli->arena;
    struct json items;
    struct str arn;
    struct err err;
    if (!remote_machine_arn(s->client, a, s->name, &arn, &err) ||
        !list_revisions(s, arn, &items, &err))
        return cli_fail(s->cli, NULL, &err);
    size_t count = json_count(items);
    struct json *sorted = ARENA_ARRAY(a, struct json, count);
    for (size_t i = 0; i < count; i++)
        sorted[i] = json_at(items, i);
    qsort(sorted, count, sizeof(*sorted), newer_first);
    if (s->as_json) {
        remote_print_json(s->cli, json_array(sorted, count));
        return 0;
    }
    struct table table = table_of(a, columns, COUNT_OF(columns));
    for (size_t i = 0; i < count; i++) {
        struct cell *row = table_row(&table);
        row[0].text = json_str(json_get(sorted[i], STR("revision")));
        row[1].text = time_text(a, told_time(json_get(sorted[i], STR("created_at"))));
        row[2].text =
            json_is_true(json_get(sorted[i], STR("is_current"))) ? STR("current") : STR("");
    }
    table_print(&table, &s->cli->out);
    return 0;
}

/* ---- the whole ---- */

static bool always(const char *what)
{
    (void)what;
    return true;
}

/* Not a revision's id, a version's number or an alias, none of which looks like a path. */
static bool is_file(const char *what)
{
    return access(what, F_OK) == 0 || strcmp(what, "-") == 0 || strpbrk(what, "/.");
}

static const struct verb {
    const char *name;
    int (*run)(struct session *s);
    size_t arguments; /* beside the verb */
    const char *usage;
    bool (*takes_file)(const char *what); /* NULL: never */
} verbs[] = {
    {"list", list, 0, "list", NULL},
    {"show", show, 1, "show NAME", NULL},
    {"create", create, 2, "create NAME FILE", always},
    {"update", update, 2, "update NAME FILE", always},
    {"delete", delete, 1, "delete NAME", NULL},
    {"diff", diff, 2, "diff NAME FILE|REVISION", is_file},
    {"revisions", revisions, 1, "revisions NAME", NULL},
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
    int status = 0;
    if (!verb)
        return cli_fail(cli, NULL, &err);
    if (verb->takes_file && verb->takes_file(s.what))
        status = definition_file_read(cli, s.what, &s.file);
    if (status)
        return status;
    if (!remote_open(cli, &s.client, &err))
        return cli_fail(cli, NULL, &err);
    status = verb->run(&s);
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
        "FILE|REVISION | revisions NAME]",
    .arguments_max = 3,
    .description =
        "Asks a server: pawl serve on this data directory, or --endpoint.\n"
        "NAME is a state machine's name or ARN. FILE is a definition as JSON or YAML; it is\n"
        "checked before anything is asked. REVISION is an id that revisions lists, a published\n"
        "version's number or an alias. diff shows what update would change (or what changed\n"
        "since REVISION) and exits with 1 when something would.\n",
    .examples = "pawl machines\n"
                "pawl machines create order order.asl.json --publish\n"
                "pawl machines diff order order.asl.json\n"
                "pawl machines revisions order\n"
                "pawl machines update order order.asl.json\n",
    .options = options,
    .run = run,
};
