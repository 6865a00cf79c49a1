#include "cli/eval.h"
#include "cli/line_editor.h"
#include "engine/engine.h"
#include "os/files.h"

struct repl {
    struct cli *cli;
    const struct eval_setting *setting;
    struct eval_question question;
    struct arena *kept; /* the input and the variables that were given here */
    struct arena *last; /* what $_ means */
    struct line_editor *editor;
    struct buf text; /* of an expression that is not complete */
    int status;      /* of the last expression */
};

static const char help[] =
    "  EXPRESSION         evaluate it; an open bracket or quote goes on in the next line,\n"
    "                     an empty line ends it all the same. $_ is the last result\n"
    "  :input JSON|@FILE  what expressions are about; without anything: show it\n"
    "  :let NAME EXPRESSION\n"
    "                     a variable, $NAME, for the expressions that follow\n"
    "  :vars              show the variables\n"
    "  :help              this\n"
    "  :quit              leave, as Ctrl-D does\n";

/* "word rest" */
static struct str take_word(struct str *rest)
{
    struct str text = str_trim(*rest);
    size_t end = 0;
    while (end < text.len && text.ptr[end] != ' ' && text.ptr[end] != '\t')
        end++;
    *rest = str_trim(str_slice(text, end, text.len));
    return str_slice(text, 0, end);
}

static void say(struct repl *r, const char *text)
{
    out_text(&r->cli->out, text);
    out_flush(&r->cli->out);
}

static void say_value(struct repl *r, struct json value)
{
    if (json_is_absent(value))
        out_text(&r->cli->out, "undefined");
    else
        json_write_pretty(&r->cli->out.buf, value);
    say(r, "\n");
}

static void say_error(struct repl *r, struct err *err)
{
    r->status = cli_fail(r->cli, NULL, err);
}

/* ---- evaluating ---- */

/* The value, which lies in `arena`, becomes $_. */
static void keep_last(struct repl *r, struct json value)
{
    struct arena *kept = arena_new(0);
    struct json copy = json_copy(kept, value);
    arena_free(r->last);
    r->last = kept;
    r->question.variables = json_object_with(r->kept, r->question.variables, STR("_"), copy);
}

static struct eval_answer ask(struct repl *r, struct arena *arena, struct str text)
{
    struct eval_question question = r->question;
    question.text = text;
    return eval_ask(arena, r->setting, &question);
}

/* false: it is not complete, and `may_go_on`. */
static bool evaluate(struct repl *r, struct str text, bool may_go_on)
{
    struct arena *arena = arena_new(EVAL_MEMORY_MAX);
    struct eval_answer answer = ask(r, arena, text);
    bool done = !may_go_on || !eval_is_unfinished(&answer);
    if (done)
        r->status = eval_print(&r->cli->out, &r->cli->err, text, &answer);
    if (done && answer.outcome == EVAL_VALUE)
        keep_last(r, answer.value);
    arena_free(arena);
    return done;
}

/* ---- commands ---- */

static void command_input(struct repl *r, struct str rest)
{
    struct err err;
    struct str text = rest;
    struct json value;
    if (rest.len == 0) {
        say_value(r, r->question.input);
        return;
    }
    if (rest.ptr[0] == '@' && !file_read(r->kept, arena_cstr(r->kept, str_slice(rest, 1, rest.len)),
                                         ENGINE_INPUT_SIZE_MAX, &text, &err)) {
        say_error(r, &err);
        return;
    }
    if (json_parse_copy(r->kept, text, (struct json_limits){0}, &value, &err))
        r->question.input = value;
    else
        say_error(r, &err);
}

static void command_let(struct repl *r, struct str rest)
{
    struct err err;
    struct str name = take_word(&rest);
    if (name.len && name.ptr[0] == '$')
        name = str_slice(name, 1, name.len);
    if (name.len == 0 || rest.len == 0) {
        err_set(&err, ERR_INVALID_INPUT, ":let takes a name and an expression, :let n 1 + 2");
        say_error(r, &err);
        return;
    }
    struct arena *arena = arena_new(EVAL_MEMORY_MAX);
    struct eval_answer answer = ask(r, arena, rest);
    if (answer.outcome == EVAL_VALUE)
        r->question.variables =
            json_object_with(r->kept, r->question.variables, arena_str(r->kept, name),
                             json_copy(r->kept, answer.value));
    else
        r->status = eval_print(&r->cli->out, &r->cli->err, rest, &answer);
    arena_free(arena);
}

/* false: the person leaves. */
static bool command(struct repl *r, struct str text)
{
    struct err err;
    struct str name = take_word(&text);
    if (str_eq(name, STR(":quit")) || str_eq(name, STR(":q")))
        return false;
    if (str_eq(name, STR(":help"))) {
        say(r, help);
    } else if (str_eq(name, STR(":input"))) {
        command_input(r, text);
    } else if (str_eq(name, STR(":let"))) {
        command_let(r, text);
    } else if (str_eq(name, STR(":vars"))) {
        say_value(r, r->question.variables);
    } else {
        err_set(&err, ERR_INVALID_INPUT, "there is no command " STR_FMT "; :help lists them",
                STR_ARG(name));
        say_error(r, &err);
    }
    return true;
}

/* false: the person leaves. */
static bool take_line(struct repl *r, struct str line)
{
    bool begins = r->text.len == 0;
    if (begins && str_trim(line).len == 0)
        return true;
    if (begins && str_starts_with(str_trim(line), STR(":")))
        return command(r, line);
    if (!begins)
        buf_append_char(&r->text, '\n');
    buf_append(&r->text, line);
    if (evaluate(r, buf_str(&r->text), line.len > 0))
        buf_clear(&r->text);
    return true;
}

static void converse(struct repl *r)
{
    for (bool on = true; on && !r->cli->out.closed;) {
        struct str line;
        switch (line_editor_next(r->editor, r->text.len ? " ...  " : "pawl> ", &line)) {
        case LINE_TYPED:
            on = take_line(r, line);
            break;
        case LINE_CANCELLED:
            buf_clear(&r->text);
            break;
        case LINE_END:
            on = false;
            break;
        }
    }
    if (r->text.len)
        (void)evaluate(r, buf_str(&r->text), false);
}

int eval_repl(struct cli *cli, const struct eval_setting *setting,
              const struct eval_question *question)
{
    struct repl r = {
        .cli = cli,
        .setting = setting,
        .question = *question,
        .kept = arena_new(0),
        .editor = line_editor_new(cli->arena),
        .text = BUF_INIT(JSONATA_TEXT_MAX + 1),
    };
    cli->arguments.options.command = NULL; /* what goes wrong now is no wrong usage of eval */
    if (cli->out.terminal)
        say(&r, "JSONata: type an expression, or :help\n");
    converse(&r);
    line_editor_free(r.editor);
    buf_release(&r.text);
    arena_free(r.last);
    arena_free(r.kept);
    return cli->out.terminal ? 0 : r.status;
}
