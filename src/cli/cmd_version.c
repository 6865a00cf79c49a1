#include "cli/cli.h"

static int run(struct cli *cli)
{
    out_text(&cli->out, "pawl " PAWL_VERSION "\n");
    return 0;
}

static const struct option options[] = {OPTION_END};

const struct command command_version = {
    .name = "version",
    .summary = "Print the version",
    .arguments = "",
    .description = "",
    .examples = "pawl version\n",
    .options = options,
    .run = run,
};
