/* Wiring only. */
#include "cli/cli.h"

#include <signal.h>

int main(int argc, char **argv)
{
    /* A pipe that nobody reads is an error of the write, not the end of Pawl. */
    signal(SIGPIPE, SIG_IGN);
    /* Whoever started Pawl may ignore it, and commands would end unseen. */
    signal(SIGCHLD, SIG_DFL);
    return cli_main(argc, argv);
}
