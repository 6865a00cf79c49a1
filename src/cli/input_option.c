#include "cli/input_option.h"

#include "engine/engine.h"
#include "os/files.h"

/* The value lies in `a`. */
static int read_value(struct cli *cli, const char *name, const char *text, struct arena *a,
                      struct str *ret_text, struct json *ret_value)
{
    const char *file = NULL;
    struct err err;
    *ret_text = str_of_cstr(text);
    if (strcmp(text, "-") == 0)
        file = "-";
    else if (text[0] == '@')
        file = text + 1;
    if (file && !file_read(cli->arena, file, ENGINE_INPUT_SIZE_MAX, ret_text, &err))
        return cli_fail(cli, NULL, &err);
    if (json_parse(a, *ret_text, (struct json_limits){0}, JSON_DUPLICATES_LAST, ret_value, &err))
        return 0;
    return cli_fail(cli, !file ? name : strcmp(file, "-") == 0 ? "(stdin)" : file, &err);
}

int input_option_read(struct cli *cli, struct str *ret_text)
{
    const char *text = option_text(&cli->arguments, "--input");
    struct arena *scratch = arena_new(0);
    struct json value;
    int status = read_value(cli, "--input", text ? text : "{}", scratch, ret_text, &value);
    arena_free(scratch);
    return status;
}

int value_option_read(struct cli *cli, const char *name, const char *text, struct json *ret_value)
{
    struct str whole;
    return read_value(cli, name, text, cli->arena, &whole, ret_value);
}
