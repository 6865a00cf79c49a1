/* Plays one execution in this process, under virtual time, through the journal.
 *
 * The core decides turn after turn; waits, retries and tasks advance a clock
 * that is only a number. Every turn is encoded, decoded and folded into a second
 * run, which must then be equal to the live one, and so must a run restored from
 * the second one's snapshot: whoever plays anything proves that as well.
 *
 * Ownership: player_free. The history and whatever is asked of it lie in the
 * player's arena.
 */
#ifndef PAWL_TESTS_SUPPORT_PLAYER_H
#define PAWL_TESTS_SUPPORT_PLAYER_H

#include "asl/machine.h"
#include "flow/snapshot.h"
#include "journal/journal.h"

enum {
    PLAYER_TASKS_MAX = 512,
    PLAYER_TURNS_MAX = 100000,
};

/* What a task does: answers after so many milliseconds, or never. */
struct player_answer {
    bool never, ok;
    int64_t ms;
    struct json output, log;
    bool has_error, has_cause;
    struct str error, cause;
    /* An activity's task is taken first, and then answered by its token. */
    bool never_taken;
    int64_t taken_ms;
    struct str worker;
    /* What .waitForTaskToken calls answers, too, whenever it likes. */
    bool call_never, call_fails;
    int64_t call_ms;
    struct json call_output;
    bool beats; /* shows signs of life in time, whatever else */
};

/* Asked when a task starts. The answer's values are copied. */
typedef struct player_answer player_work(void *arg, const struct flow_effect *task);

/* Given every turn that was folded. The row is borrowed. */
typedef void player_keep(void *arg, const struct journal_row *row);

struct player {
    struct arena *arena;
    struct flow_identity who;
    struct flow_limits limits;
    struct run *live, *folded;
    struct journal_reader *reader;
    struct wall_ms now;
    struct rng seeds;
    player_work *work;
    void *arg;
    struct player_task { /* something about a task that is to come */
        enum flow_cause why;
        uint32_t step, attempt;
        int64_t due_ms;
        struct player_answer answer;
    } tasks[PLAYER_TASKS_MAX];
    struct player_answer taken; /* of the task that is being taken */
    size_t task_count;
    struct json_array_builder history; /* as GetExecutionHistory gives it */
    struct step_list steps;
    player_keep *keep; /* NULL: nobody wants the rows */
    void *keep_arg;
    unsigned turns, bounded, events, snapshots, refused;
    const char *problem; /* the journal's or snapshot's, NULL: none; printed as TAP comments */
};

/* Machine and name are borrowed; the clock starts at `now`. */
struct player *player_new(const struct machine *machine, struct str machine_name, struct str name,
                          struct flow_limits limits, struct wall_ms now, player_work *work,
                          void *arg);
void player_free(struct player *p);

/* The first turn. */
void player_start(struct player *p, struct json input);

/* The next thing that happens (a timer, a task's answer), unless it is later than
 * `until`. False: nothing is due. */
bool player_step(struct player *p, struct wall_ms until);

/* Steps until the end, or until nothing is due within so many seconds. */
void player_play(struct player *p, int64_t seconds);

void player_stop(struct player *p, struct str error, struct str cause);

/* One turn of any other kind. */
void player_turn(struct player *p, struct flow_input input);

#endif
