/* What resume, retry, rerun, restart, and a start that takes something over ask for: from
 * the command line to the engine of this process, or to the one behind a socket or URL.
 *
 * A wish is part of a session (cli/session.h), which follows what comes of it. Lies in the
 * command line's arena.
 */
#ifndef PAWL_CLI_WISH_H
#define PAWL_CLI_WISH_H

#include "cli/cli.h"
#include "engine/engine.h"

enum wish_kind {
    WISH_RESUME,  /* go on with it, whatever it waits for */
    WISH_RERUN,   /* one step again */
    WISH_RESTART, /* a new execution of the same */
    WISH_START,   /* a new execution, perhaps with the beginning of another */
};

struct wish {
    enum wish_kind kind;
    const char *route; /* of REST v1 */
    struct recovery_request request;
    bool decides; /* a review */
    struct engine_review review;
    struct str definition, revision; /* of a fork; both empty: it is none, or keeps what it had */
    struct str name;                 /* of a new execution; empty: none */
    bool detach, as_json;

    struct json plan; /* as it was answered; absent: none was made */
    bool rerun_ended, rerun_well;
};

/* Fills it from those of these options that the command has. Gives 0, or the exit status
 * of what it has printed. */
int wish_read(struct cli *cli, enum wish_kind kind, struct wish *ret);

/* Is anything of it given, but for --name? */
bool wish_given(const struct cli *cli);

/* A new execution comes of it. */
bool wish_makes_new(const struct wish *w);

/* As REST v1 takes it; the caller adds what else there is. */
void wish_add_to_body(const struct wish *w, struct json_object_builder *b);

/* The plan on stdout, and what to type next. Gives the exit status. */
int wish_tell_plan(struct cli *cli, const struct wish *w);

/* Why it cannot be, with all the reasons that the plan has. Gives the exit status. */
int wish_fail(struct cli *cli, const struct wish *w, const struct err *err);

/* ---- options: one list for every command that plans ---- */

/* Which steps are done. */
#define OPTIONS_OF_STEPS                                                                           \
    {"--from-step", OPTION_TEXT, "STEP", "Go on with this step, whatever came before it", NULL},   \
        {"--skip-steps", OPTION_TEXT, "LIST",                                                      \
         "Do not run these steps: 1,2 or 1-3, names, paths (Split/a/Register)", NULL},             \
        {"--set-output", OPTION_MANY, "STEP=JSON",                                                 \
         "The output of a step that is skipped, JSON or @FILE. Again for another", NULL},          \
        {"--until-step", OPTION_TEXT, "STEP", "Pause once this step is done", NULL},               \
    {                                                                                              \
        "--until-phase", OPTION_TEXT, "PHASE", "Pause once this phase (x-phase) is done", NULL     \
    }
/* To look ahead. */
#define OPTIONS_OF_PLANS                                                                           \
    {"--dry-run", OPTION_FLAG, NULL, "Only show what would happen to each step", NULL},            \
    {                                                                                              \
        "--mocks", OPTION_TEXT, "FILE",                                                            \
            "With --dry-run: what steps would give, {\"STEP\": value}, to look\n"                  \
            "ahead. Default: what they gave last",                                                 \
            NULL                                                                                   \
    }
/* Of a start. Each of them makes it a wish: wish_given. */
#define OPTIONS_OF_STARTS                                                                          \
    {"--reuse", OPTION_TEXT, "ID",                                                                 \
     "Take over what was done in this execution: see --from-step and\n--skip-steps", NULL},        \
        OPTIONS_OF_STEPS, OPTIONS_OF_PLANS
/* Of what goes on with an execution, or runs a step of it again. */
#define OPTIONS_OF_DATA(input_what)                                                                \
    {"--input", OPTION_TEXT, "JSON|@FILE|-", input_what, NULL},                                    \
    {                                                                                              \
        "--context", OPTION_CHOICE, "current|recorded",                                            \
            "What a step is given that runs again: the outputs of the steps\n"                     \
            "before it as they are now (the default), or the input that it had",                   \
            "current recorded"                                                                     \
    }
/* Of what is done with an execution, the last ones of its table. */
#define OPTIONS_OF_RECOVERIES                                                                      \
    OPTIONS_OF_PLANS,                                                                              \
        {"--detach", OPTION_FLAG, NULL, "Do not wait for the end; needs a server", NULL},          \
        OPTION_JSON("the plan of a --dry-run as JSON"),                                            \
        {"--config", OPTION_TEXT, "FILE",                                                          \
         "What carries out the tasks. Default: pawl.yaml in this directory", NULL},                \
        OPTION_DATA, OPTION_ENDPOINT, OPTION_END

#endif
