/* Values that commands take as JSON text, @FILE, or - for stdin; --input above all. */
#ifndef PAWL_CLI_INPUT_OPTION_H
#define PAWL_CLI_INPUT_OPTION_H

#include "cli/cli.h"
#include "json/json.h"

#define OPTION_INPUT                                                                               \
    {                                                                                              \
        "--input", OPTION_TEXT, "JSON|@FILE|-",                                                    \
            "The execution's input: JSON text, a file, or stdin.\nDefault: {}", NULL               \
    }

/* Checked to be JSON. Gives 0, or the exit status of what it has printed. */
int input_option_read(struct cli *cli, struct str *ret_text);

/* `text` is what stands behind the option `name`. As above. */
int value_option_read(struct cli *cli, const char *name, const char *text, struct json *ret_value);

#endif
