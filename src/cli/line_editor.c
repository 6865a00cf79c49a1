#include "cli/line_editor.h"

#include <errno.h>
#include <histedit.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

enum {
    CTRL_C = 3
};

struct line_editor {
    EditLine *edit; /* NULL: no terminal */
    History *history;
    char prompt[16];
    const char *history_file; /* NULL: none */
    char *plain;
    size_t plain_capacity;
    bool cancelled;
};

static char *prompt_of(EditLine *edit)
{
    struct line_editor *e = NULL;
    el_get(edit, EL_CLIENTDATA, &e);
    return e->prompt;
}

/* The next character; Ctrl-C reads as the end of a line that is thrown away. */
static int read_key(EditLine *edit, wchar_t *ret_key)
{
    struct line_editor *e = NULL;
    mbstate_t state = {0};
    char byte;
    size_t taken = (size_t)-2;
    el_get(edit, EL_CLIENTDATA, &e);
    while (taken == (size_t)-2) { /* the character is not whole */
        ssize_t got = read(STDIN_FILENO, &byte, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return (int)got;
        taken = mbrtowc(ret_key, &byte, 1, &state);
    }
    if (taken == (size_t)-1)
        *ret_key = L'?';
    if (*ret_key == CTRL_C) {
        e->cancelled = true;
        *ret_key = L'\n';
    }
    return 1;
}

static void open_history(struct arena *a, struct line_editor *e)
{
    const char *home = getenv("HOME");
    HistEvent event;
    e->history = history_init();
    history(e->history, &event, H_SETSIZE, LINE_EDITOR_HISTORY_MAX);
    history(e->history, &event, H_SETUNIQUE, 1);
    if (!home || !*home)
        return;
    e->history_file = arena_cstr(a, arena_printf(a, "%s/.pawl_history", home));
    history(e->history, &event, H_LOAD, e->history_file);
}

static void open_terminal(struct arena *a, struct line_editor *e)
{
    setlocale(LC_CTYPE, "C.UTF-8"); /* how the library reads characters; nothing else asks */
    e->edit = el_init("pawl", stdin, stdout, stderr);
    if (!e->edit)
        return;
    open_history(a, e);
    el_set(e->edit, EL_CLIENTDATA, e);
    el_set(e->edit, EL_PROMPT, prompt_of);
    el_set(e->edit, EL_EDITOR, "emacs");
    el_set(e->edit, EL_HIST, history, e->history);
    el_set(e->edit, EL_GETCFN, read_key);
    el_set(e->edit, EL_SETTY, "-d", "-isig", NULL); /* so that ^C is a key */
    el_source(e->edit, NULL);
}

struct line_editor *line_editor_new(struct arena *a)
{
    struct line_editor *e = ARENA_NEW(a, struct line_editor);
    if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
        open_terminal(a, e);
    return e;
}

void line_editor_free(struct line_editor *e)
{
    HistEvent event;
    if (!e)
        return;
    if (e->history && e->history_file)
        history(e->history, &event, H_SAVE, e->history_file);
    if (e->history)
        history_end(e->history);
    if (e->edit)
        el_end(e->edit);
    free(e->plain);
}

static struct str without_end(const char *line, size_t len)
{
    while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
        len--;
    return str_of(line, len);
}

static enum line_outcome next_plain(struct line_editor *e, struct str *ret_line)
{
    ssize_t got = getline(&e->plain, &e->plain_capacity, stdin);
    if (got < 0)
        return LINE_END;
    *ret_line = without_end(e->plain, (size_t)got);
    return LINE_TYPED;
}

enum line_outcome line_editor_next(struct line_editor *e, const char *prompt, struct str *ret_line)
{
    HistEvent event;
    int got = 0;
    if (!e->edit)
        return next_plain(e, ret_line);
    snprintf(e->prompt, sizeof(e->prompt), "%s", prompt);
    e->cancelled = false;
    const char *line = el_gets(e->edit, &got);
    if (e->cancelled)
        return LINE_CANCELLED;
    if (!line || got <= 0)
        return LINE_END;
    *ret_line = without_end(line, (size_t)got);
    if (str_trim(*ret_line).len)
        history(e->history, &event, H_ENTER, line);
    return LINE_TYPED;
}
