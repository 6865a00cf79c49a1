/* What a person asks of an execution that went wrong, or not well enough: resume it,
 * run one step again, fork it, or only see what a start would do.
 *
 * A request is data: the command line fills it from its options, the server reads it from
 * a body, and the first sends it to the second as the JSON that the second reads. Texts
 * that name steps are kept as given; recovery/plan.h finds the steps.
 *
 * Lists of steps: "1,2,3", "1-3", "1, 2, 3", "1 2 3", names ("Enrich, Deliver") and
 * paths ("Split/addressable/Register", "Leads[7]/Enrich"); a name that has a comma or
 * looks like a number stands in double quotes, as a JSON string.
 * Limits: below. Errors: INVALID_INPUT naming the field, the text and what to write.
 * Ownership: arena, or borrowed from what was read, which must live as long.
 */
#ifndef PAWL_RECOVERY_REQUEST_H
#define PAWL_RECOVERY_REQUEST_H

#include "json/json.h"

enum {
    RECOVERY_TEXT_SIZE_MAX = 16 << 10, /* bytes of one text that names steps */
    RECOVERY_TERMS_MAX = 1000,         /* items of one list */
    RECOVERY_NUMBER_MAX = 100000000,   /* of a step */
    RECOVERY_OUTPUTS_MAX = 10000,      /* members of set_output, of mocks */
};

enum recovery_kind {
    RECOVERY_RESUME, /* go on where it stopped, or from a step */
    RECOVERY_RERUN,  /* run one step again and nothing else */
    RECOVERY_FORK,   /* a new execution that keeps the beginning of this one */
    RECOVERY_START,  /* a new execution from its beginning: to see what it would do */
};

enum step_numbering {
    STEPS_FROM_ONE,  /* the command line: x-step where the definition has it, else the order */
    STEPS_FROM_ZERO, /* REST: the step's index */
};

struct recovery_request {
    enum recovery_kind kind;
    enum step_numbering numbering;
    struct str step;              /* RERUN: the one */
    struct str skip, from, until; /* empty: none. skip: a list; the others: one step */
    struct str until_phase;       /* x-phase; empty: none */
    struct str only;              /* "context=LABEL" or LABEL: one branch of a Parallel */
    struct json input;            /* absent: none */
    struct json outputs, mocks;   /* {"STEP": output of its state, of its work}, or absent */
    bool cascade;                 /* RERUN: and all that comes after it */
    bool recorded_context;        /* RERUN: with the input that it had */
    bool dry_run;                 /* only the plan */
    bool redrive;                 /* RedriveExecution: by AWS's rules */
    struct str by;                /* who asks; may be empty */
};

/* Is it a field of a body that recovery_request_read reads? A body may have others, which
 * are not for it. */
bool recovery_field_known(struct str name);

/* Reads a body, an object:
 *   {"step"|"step_index", "skip_steps": "1,2" or [1, "Enrich"], "from_step", "until_step",
 *    "until_phase", "only", "input"|"trigger_data", "set_output": {}, "mocks": {},
 *    "cascade": bool, "context": "current"|"recorded", "dry_run": bool, "by",
 *    "numbers": "index"|"order"}
 * all of them optional, null as good as none, but for "input", which may be null. Numbers are
 * indexes from 0 unless "numbers" says "order". A text is a list as above; the texts of an
 * array are a step each. Members that are not known are left to the caller. */
MUST_CHECK bool recovery_request_read(struct json body, enum recovery_kind kind, struct arena *a,
                                      struct recovery_request *ret_request, struct err *reterr);

/* The body that reads as this request. */
struct json recovery_request_json(const struct recovery_request *request, struct arena *a);

/* ---- lists of steps ---- */

enum step_term_kind {
    TERM_NUMBERS, /* first to last */
    TERM_NAME,    /* a name or a path */
};

struct step_term {
    enum step_term_kind kind;
    int64_t first, last;
    struct str text; /* as it was written; of a quoted name, without the quotes */
};

/* `field`: how it is called where it was written, for errors. At least one term. */
MUST_CHECK bool step_terms_parse(struct str text, const char *field, struct arena *a,
                                 const struct step_term **ret_terms, size_t *ret_count,
                                 struct err *reterr);

#endif
