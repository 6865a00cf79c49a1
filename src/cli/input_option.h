/* --input of the commands that start something: JSON text, @FILE, or - for stdin. */
#ifndef PAWL_CLI_INPUT_OPTION_H
#define PAWL_CLI_INPUT_OPTION_H

#include "cli/cli.h"

#define OPTION_INPUT                                                                               \
    {                                                                                              \
        "--input", OPTION_TEXT, "JSON|@FILE|-",                                                    \
            "The execution's input: JSON text, a file, or stdin.\nDefault: {}", NULL               \
    }

/* Checked to be JSON. Gives 0, or the exit status of what it has printed. */
int input_option_read(struct cli *cli, struct str *ret_text);

#endif
