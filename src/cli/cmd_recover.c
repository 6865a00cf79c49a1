/* resume, retry, rerun and restart: one session each, begun by a wish. */
#include "cli/session.h"

static int go(struct cli *cli, enum wish_kind kind, const char *route)
{
    struct session *s = session_new(cli);
    struct wish *w = ARENA_NEW(cli->arena, struct wish);
    s->id = cli->arguments.items[0];
    s->wish = w;
    int status = wish_read(cli, kind, w);
    if (route)
        w->route = route;
    if (!status)
        status = session_load_config(s, NULL);
    if (!status)
        status = session_run(s);
    session_release(s);
    return status;
}

#define STEPS_TEXT                                                                                 \
    "STEP is a step's number as pawl show has it (x-step where the definition has it), its\n"      \
    "name, or its path: Split/addressable/Register, Leads[7]/Enrich. LIST is several of\n"         \
    "them: 1,2 or 1-3 or \"Enrich, Deliver\".\n"
#define ID_TEXT                                                                                    \
    "ID is an execution's id, its ARN, its name, or the beginning of its id. The process that\n"   \
    "holds the data directory is asked, if there is one; with --endpoint, a server.\n"

/* ---- resume ---- */

static int go_resume(struct cli *cli)
{
    return go(cli, WISH_RESUME, NULL);
}

static const struct option resume_options[] = {
    OPTIONS_OF_STEPS,
    {"--only", OPTION_TEXT, "context=LABEL",
     "Go on with this one branch of a Parallel; the others are taken as\nthey are", NULL},
    OPTIONS_OF_DATA("Give the step that goes on this input instead of what it had"),
    {"--definition", OPTION_TEXT, "FILE",
     "Go on by a corrected definition, in a new execution that takes\nover what was done", NULL},
    {"--revision", OPTION_TEXT, "ID", "Likewise, by a revision of the state machine", NULL},
    {"--approve", OPTION_FLAG, NULL, "Let go on what waits for a review", NULL},
    {"--reject", OPTION_FLAG, NULL, "Fail what waits for a review", NULL},
    {"--changes", OPTION_TEXT, "JSON|@FILE|-", "With --approve: an object, merged into the data",
     NULL},
    {"--error", OPTION_TEXT, "NAME", "With --reject: the error's name, which Catch can take", NULL},
    {"--cause", OPTION_TEXT, "TEXT", "With --reject: why", NULL},
    {"--step", OPTION_TEXT, "STEP", "Which review, when several wait", NULL},
    OPTIONS_OF_RECOVERIES,
};

const struct command command_resume = {
    .name = "resume",
    .summary = "Go on with an execution that failed, is paused, or waits for a review",
    .arguments = "ID",
    .arguments_min = 1,
    .arguments_max = 1,
    .description =
        "A failed, stopped or timed out execution goes on where it failed; what it had done is\n"
        "kept. A paused one goes on; one that waits for a review is decided by --approve or\n"
        "--reject. Waits for the end as pawl run does, unless --detach.\n"
        "See what would happen first: --dry-run runs and writes nothing.\n" STEPS_TEXT ID_TEXT
        "Exit status: as of pawl run. What cannot be done, in a dry run too: 2 when the command\n"
        "asks for what there is not, 5 when the execution stands otherwise; with every reason\n"
        "and what to do.\n",
    .examples = "pawl resume order-17 --dry-run\n"
                "pawl resume order-17\n"
                "pawl resume 0193a5e2-7c --skip-steps 1,2 --set-output 2='{\"rows\": 17}'\n"
                "pawl resume nightly --from-step Prepare --until-phase delivery\n"
                "pawl resume nightly --only context=addressable_ids\n"
                "pawl resume nightly --definition nightly-fixed.asl.json\n"
                "pawl resume order-17 --approve --changes '{\"discount\": 5}'\n"
                "pawl resume order-17 --reject --error Declined --cause 'over the limit'\n",
    .options = resume_options,
    .run = go_resume,
};

/* ---- retry ---- */

static int go_retry(struct cli *cli)
{
    return go(cli, WISH_RESUME, "retry");
}

static const struct option retry_options[] = {
    OPTIONS_OF_DATA("The new input of the step that goes on"),
    OPTIONS_OF_STEPS,
    OPTIONS_OF_RECOVERIES,
};

const struct command command_retry = {
    .name = "retry",
    .summary = "Go on with a failed execution, with another input",
    .arguments = "ID",
    .arguments_min = 1,
    .arguments_max = 1,
    .description = "As pawl resume, where the input was what was wrong.\n" STEPS_TEXT ID_TEXT,
    .examples = "pawl retry order-17 --input '{\"id\": 18}' --dry-run\n"
                "pawl retry order-17 --input @order.json --from-step 3\n",
    .options = retry_options,
    .run = go_retry,
};

/* ---- rerun ---- */

static int go_rerun(struct cli *cli)
{
    struct err err;
    if (option_given(&cli->arguments, "--step"))
        return go(cli, WISH_RERUN, NULL);
    err_set(&err, ERR_USAGE,
            "pawl rerun needs --step: a number, a name or a path; pawl show lists "
            "them");
    return cli_fail(cli, NULL, &err);
}

static const struct option rerun_options[] = {
    {"--step", OPTION_TEXT, "STEP", "The one that is run again", NULL},
    OPTIONS_OF_DATA("What it is given, edited"),
    {"--cascade", OPTION_FLAG, NULL, "Run everything after it again, too", NULL},
    OPTIONS_OF_RECOVERIES,
};

const struct command command_rerun = {
    .name = "rerun",
    .summary = "Run exactly one step of an ended execution again",
    .arguments = "ID",
    .arguments_min = 1,
    .arguments_max = 1,
    .description =
        "Its record is replaced; all others stay as they are, and what used its old output is\n"
        "shown as stale by pawl show. When it fails again, the earlier record stays.\n" STEPS_TEXT
            ID_TEXT "Exit status: 0 the step ended well, 1 it failed.\n",
    .examples = "pawl rerun order-17 --step 3 --dry-run\n"
                "pawl rerun order-17 --step Enrich --input '{\"tone\": \"formal\"}'\n"
                "pawl rerun leads --step 'Leads[7]/Enrich' --context recorded\n"
                "pawl rerun order-17 --step 3 --cascade\n",
    .options = rerun_options,
    .run = go_rerun,
};

/* ---- restart ---- */

static int go_restart(struct cli *cli)
{
    return go(cli, WISH_RESTART, NULL);
}

static const struct option restart_options[] = {
    {"--name", OPTION_TEXT, "NAME", "A name for the new execution", NULL},
    OPTIONS_OF_RECOVERIES,
};

const struct command command_restart = {
    .name = "restart",
    .summary = "Start a new execution with the definition and input of another",
    .arguments = "ID",
    .arguments_min = 1,
    .arguments_max = 1,
    .description =
        "From the beginning, with nothing kept. Each of the two names the other in pawl\n"
        "show.\n" ID_TEXT,
    .examples = "pawl restart order-17 --dry-run\n"
                "pawl restart order-17 --name order-17-again\n",
    .options = restart_options,
    .run = go_restart,
};
