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

#define OPTION_REUSE                                                                               \
    {                                                                                              \
        "--reuse", OPTION_TEXT, "ID",                                                              \
            "Take over what was done in this execution: see --from-step and\n--skip-steps", NULL   \
    }
#define OPTION_SKIP_STEPS                                                                          \
    {                                                                                              \
        "--skip-steps", OPTION_TEXT, "LIST",                                                       \
            "Do not run these steps: 1,2 or 1-3, names, paths (Split/a/Register)", NULL            \
    }
#define OPTION_FROM_STEP                                                                           \
    {                                                                                              \
        "--from-step", OPTION_TEXT, "STEP", "Go on with this step, whatever came before it", NULL  \
    }
#define OPTION_UNTIL_STEP                                                                          \
    {                                                                                              \
        "--until-step", OPTION_TEXT, "STEP", "Pause once this step is done", NULL                  \
    }
#define OPTION_UNTIL_PHASE                                                                         \
    {                                                                                              \
        "--until-phase", OPTION_TEXT, "PHASE", "Pause once this phase (x-phase) is done", NULL     \
    }
#define OPTION_SET_OUTPUT                                                                          \
    {                                                                                              \
        "--set-output", OPTION_MANY, "STEP=JSON",                                                  \
            "The output of a step that is skipped, JSON or @FILE. Again for another", NULL         \
    }
#define OPTION_MOCKS                                                                               \
    {                                                                                              \
        "--mocks", OPTION_TEXT, "FILE",                                                            \
            "With --dry-run: what steps would give, {\"STEP\": value}, to look\n"                  \
            "ahead. Default: what they gave last",                                                 \
            NULL                                                                                   \
    }
#define OPTION_DRY_RUN                                                                             \
    {                                                                                              \
        "--dry-run", OPTION_FLAG, NULL, "Only show what would happen to each step", NULL           \
    }
#define OPTION_DETACH                                                                              \
    {                                                                                              \
        "--detach", OPTION_FLAG, NULL, "Do not wait for the end; needs a server", NULL             \
    }

#endif
