/* Turns to bytes and back: the durable form of what the core decided.
 *
 * A turn's body is compact JSON text, so that plain SQL can open it:
 *   {"v": [values...], "b": {"3": {"hash","size","codec"}}, "e": [events...]}
 * `v` holds each distinct value once; events refer to a value of their own turn
 * by its index and to one of an earlier turn by [turn, index]. A value that was
 * offloaded to blob storage is null in `v` and described in `b`. An event is an
 * object of the short names in journal/fields.h, without the fields that say
 * nothing. States are numbers (position in the definition), kinds are the numbers
 * of EVENT_TABLE. The row around the body carries turn, cause, time, rules
 * version and a checksum of the body (store/store.h).
 *
 * Old journals stay readable for ever: fields and kinds are only added, and
 * tests/golden/journal/ keeps one of each release.
 * Rows are hostile: what a checksum lets pass is checked all the same. Limits:
 * JOURNAL_BODY_SIZE_MAX, and the budget of the arena that is read into.
 * Errors: CORRUPT naming the turn and what is wrong; NEWER_SCHEMA for a turn of a
 * newer release; MEMORY_LIMIT. Ownership: arena.
 * Source: docs/adr/0006-journal.md.
 */
#ifndef PAWL_JOURNAL_JOURNAL_H
#define PAWL_JOURNAL_JOURNAL_H

#include "flow/snapshot.h"

enum {
    JOURNAL_BODY_SIZE_MAX = 256 << 20, /* bytes; what a store takes at most */
};

/* What a store keeps of a turn; the same facts as struct turn_row, so that
 * journal/ needs no store. */
struct journal_row {
    uint32_t turn;
    uint16_t rules_version;
    uint8_t cause; /* enum flow_cause */
    struct wall_ms at;
    struct str body;
    uint64_t checksum;
};

/* Appends the body of a turn. body->over says that it did not fit. */
void journal_encode(const struct flow_turn *turn, struct buf *body);

/* Decodes the turns of one execution, in order from the first, and remembers
 * their values, since later turns and snapshots refer to them. */
struct journal_reader;

/* Everything a reader gives lies in `a`. */
struct journal_reader *journal_reader_new(struct arena *a);

struct journal_turn {
    uint32_t number;
    enum flow_cause cause;
    struct wall_ms at;
    struct flow_event *events;
    size_t count;
};

/* Takes the next row (its turn must be the number of rows taken so far). Nothing
 * given refers to the row. Checks the checksum, the shape and every reference; a
 * row that is refused leaves the reader as it was. */
MUST_CHECK bool journal_read(struct journal_reader *r, const struct journal_row *row,
                             struct journal_turn *ret_turn, struct err *reterr);

/* For a run that is restored from a snapshot, only some turns are read, and of those
 * the values only, since their events may refer to what was not read.
 * The next row to be taken is this turn, not below the number of rows taken so far;
 * what lies between has no values. */
void journal_skip(struct journal_reader *r, uint32_t turn);
/* Takes the next row as journal_read does, without its events. */
MUST_CHECK bool journal_read_values(struct journal_reader *r, const struct journal_row *row,
                                    struct err *reterr);

/* The values of the turns read so far, by turn, for run_restore. Borrowed until
 * the next read. */
const struct turn_values *journal_values(const struct journal_reader *r, size_t *ret_turns);

/* journal_read, then flow_fold into the run, which from then on refers to the
 * reader's arena: let that be run_arena(run). *ret_turn's events carry their ids.
 * A run that refused a turn is of no use any more. */
MUST_CHECK bool journal_fold(struct journal_reader *r, const struct journal_row *row,
                             struct run *run, struct journal_turn *ret_turn, struct err *reterr);

/* ---- views of one execution ---- */

/* An event as GetExecutionHistory gives it: id, previousEventId, timestamp
 * (seconds with milliseconds), type and details. Absent when the event is not
 * on that API (id 0), or not in this history: the iterations of a distributed Map
 * have their own. `data`: include inputs and outputs. */
struct json history_event(struct arena *a, const struct run *run, const struct flow_event *event,
                          struct wall_ms at, bool data);

enum step_status {
    STEP_RUNNING,
    STEP_SUCCESS,
    STEP_FAILURE,
    STEP_TIMED_OUT,
    STEP_CANCELED, /* stopped, or beside one that failed */
    STEP_SKIPPED,  /* not carried out: a recovery gave its output */
    STEP_PENDING,  /* not entered yet: never of a step in a list, for those who look ahead */
};

const char *step_status_name(enum step_status status); /* "running", "success"... */

/* One try of a step's work. */
struct step_attempt {
    uint32_t number; /* 1, 2, ... */
    uint32_t generation;
    enum step_status status;
    struct wall_ms started_at, stopped_at; /* .ms 0: not */
    bool has_error, has_cause;
    struct str error, cause;
    struct json log; /* of a command: {"exit","out","err","ms"}; may be absent */
};

/* One state entered: what a person calls a step. A step whose error was caught is a
 * failure (or timed_out) with an output: its work failed, and the output is what
 * the Catch made of it. An error that arose before or after the work of a state and
 * was caught shows as success: no event tells of it. */
struct step {
    uint32_t index, generation;
    const struct state *state;
    struct str path; /* "Split/0/Register"; the name alone at the top level */
    uint32_t frame;
    enum step_status status;
    bool taken_over; /* STEP_SKIPPED: it was done in the execution that this one goes on from */
    struct wall_ms started_at, stopped_at;
    struct json input, output;
    struct json result;   /* what its work gave, before the state's output processing; absent: its
                           * last attempt did not end well, or it has no work */
    struct json assigned; /* object of the variables it assigned; absent: none */
    uint32_t next;        /* the state it went on to; STATE_NO_NONE: none, or not yet */
    bool has_error, has_cause;
    struct str error, cause;
    struct step_attempt *attempts; /* of Task, Parallel and Map states, oldest first */
    size_t attempt_count, attempt_capacity;
    int64_t children_total, children_done; /* of the last attempt of a Map or Parallel */
    int64_t children_failed;               /* of those that are done */
};

struct step_list {
    struct step *items; /* by index */
    size_t count, capacity;
    uint32_t *frames; /* private: the last step of each frame plus one; 0: none yet */
    size_t frame_count, frame_capacity;
    struct step *before_rerun; /* private: the items, while one of them is carried out again */
    size_t before_count;
};

/* Brings the list, which begins zeroed, up to date with a turn's events, after they
 * were folded into `run` (or produced by it); every turn from the first must come
 * by. Lies in `a`, but for inputs and outputs, which lie with the run's values, and
 * states, which lie with its machine. */
void steps_apply(struct step_list *list, struct arena *a, const struct run *run,
                 const struct flow_event *events, size_t count, struct wall_ms at);

#endif
