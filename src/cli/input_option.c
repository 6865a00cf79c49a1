#include "cli/input_option.h"

#include "engine/engine.h"
#include "os/files.h"

int input_option_read(struct cli *cli, struct str *ret_text)
{
    const char *text = option_text(&cli->arguments, "--input");
    const char *file = NULL;
    struct err err;
    struct json value;
    *ret_text = str_of_cstr(text ? text : "{}");
    if (text && strcmp(text, "-") == 0)
        file = "-";
    else if (text && text[0] == '@')
        file = text + 1;
    if (file && !file_read(cli->arena, file, ENGINE_INPUT_SIZE_MAX, ret_text, &err))
        return cli_fail(cli, NULL, &err);
    struct arena *scratch = arena_new(0);
    bool good =
        json_parse(scratch, *ret_text, (struct json_limits){0}, JSON_DUPLICATES_LAST, &value, &err);
    arena_free(scratch);
    if (good)
        return 0;
    const char *called = !file ? "--input" : strcmp(file, "-") == 0 ? "(stdin)" : file;
    return cli_fail(cli, called, &err);
}
