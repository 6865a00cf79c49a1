/* What the files of the engine share. Included only inside engine/.
 *
 * A *slot* is one run in memory. Its turns are computed one after the other on
 * the state in memory; each becomes a *flight*, a commit on its way to the store,
 * and many may be on their way at once. A shard's commits complete in order, so
 * the first flight of a slot is the next to land, and only then is what it says
 * shown to anybody. When one is refused, those behind it are void.
 *
 * The store's completions only note the outcome and make the slot ready;
 * slot_step, called from engine_step alone, does what follows. So nothing here is
 * ever re-entered.
 */
#ifndef PAWL_ENGINE_ENGINE_INTERNAL_H
#define PAWL_ENGINE_ENGINE_INTERNAL_H

#include "engine/activities.h"
#include "catalog/catalog.h"
#include "engine/away.h"
#include "engine/engine.h"
#include "engine/heartbeats.h"
#include "engine/known.h"
#include "engine/machines.h"
#include "engine/mirror.h"
#include "engine/recoveries.h"
#include "engine/sweep.h"

struct express;
struct nested;

enum {
    REFUSED_WAIT_FIRST_MS = 100, /* after a refused commit; doubles ... */
    REFUSED_WAIT_LAST_MS = 5000, /* ... up to this */
    GARBAGE_MIN = 1 << 20,       /* bytes of a run below which it is not reloaded */
    GARBAGE_FACTOR = 4,          /* reloaded when so many times what it was */
    TURN_WRITES_MAX = 6,
    FLIGHTS_MAX = 256,           /* of one run */
    FLIGHTS_BYTES_MAX = 4 << 20, /* of one run, about */
    ENGINE_FLIGHTS_BYTES_MAX = 64 << 20,
    STEP_TURNS_MAX = 16,        /* of one run, before others have their turn */
    STEP_BYTES_MAX = 4 << 20,   /* read and written, about, before the loop has its turn */
    SNAPSHOT_TURNS_MIN = 4,     /* fewer are folded, whatever there is */
    SPARE_MAX = 256,            /* arenas and flights kept for the next */
    SPARE_BYTES_MAX = 64 << 10, /* larger ones are not kept */
    SLOT_BYTES = 6 << 10,       /* what a slot takes beside its run, about */
};

/* Stored as wake_at of an execution that has work for whoever opens the store:
 * tasks are out, or a cut turn is to go on. The earliest of all times, so that
 * recovery finds it among the wakes. */
#define WAKE_AT_OPENING ((struct wall_ms){1})

/* Somebody who waits for an answer. */
struct asker {
    engine_replied *replied; /* NULL: nobody */
    void *arg;
};

/* What one run asks of another: nested.c. */
enum ask {
    ASK_NOTHING,
    ASK_OUTCOME, /* of a child: tell `other`, its parent, how it ended if it has */
    ASK_AWAITED, /* of a parent: does its step still wait for `other`, a child? */
};

/* One thing to do for a run. */
struct pending {
    struct pending *next;
    struct arena *arena; /* owned; everything here lies in it */
    execution_key key;
    bool resume;      /* only loads the run; `input` is not used */
    bool look;        /* asks only whether the input's task waits for its token */
    bool late;        /* did not fit; what made it so is on its way */
    bool requeue;     /* with `resume`: its activities' tasks that wait are queued again */
    bool stops_child; /* on behalf of its parent: counted */
    uint32_t turns;   /* of FLOW_RECOVER: the run must have so many; it was planned for that */
    enum ask ask;
    struct str checks_due;  /* of RECOVER, START: body of a mark that they are; empty: none */
    struct str checks_made; /* of NOTE: the mark that they were due; empty: none */
    execution_key other;    /* of asks and of FLOW_CHILD_ENDED, whose child it is */
    struct uuid other_id;
    struct flow_input input;
    struct asker asker;
};

struct pending_list {
    struct pending *first, *last;
};

/* A commit on its way: a turn, or what a run leaves behind on leaving memory. */
struct flight {
    struct flight *next;
    struct run_slot *slot;
    struct arena *arena;     /* of the turn */
    struct pending *pending; /* what the turn answers; NULL: no turn */
    struct flow_turn turn;
    struct buf body, snapshot;
    struct store_write writes[TURN_WRITES_MAX];
    struct store_commit commit;
    enum execution_status status; /* as this commit leaves the row */
    struct wall_ms stopped_at, wake_at, redriven_at;
    uint32_t redrive_count;
    size_t bytes;
    bool submitted, answered, failed;
    struct known_machine *machine_put; /* NULL: it puts none, or nothing is known of it */
    bool writes_machine;
    struct err *err; /* in `arena`; when failed */
};

struct flight_list {
    struct flight *first, *last;
    size_t count, bytes;
};

enum slot_phase {
    SLOT_NEW,        /* nothing known but the key */
    SLOT_ROW,        /* reading the execution's row */
    SLOT_DEFINITION, /* ... its definition */
    SLOT_SNAPSHOT,   /* ... its snapshot */
    SLOT_VALUES,     /* ... the turns that the snapshot refers to */
    SLOT_TURNS,      /* ... its turns */
    SLOT_LIVE,       /* the run is in memory */
    SLOT_VOID,       /* a flight was refused: those behind it are waited for */
    SLOT_MACHINE,    /* a start: reading what the store has under its machine's name */
    SLOT_NAME,       /* a start met its own name: reading who has it */
    SLOT_NAME_INPUT, /* ... and with what input */
    SLOT_WAIT,       /* refused; loads anew at `wake` */
    SLOT_AGAIN,      /* the end of an Express run was refused; written again at `wake` */
};

/* What a start puts into the store beside its first turn. */
struct beginning {
    bool cataloged;                    /* the machine stands in the store, whatever is known */
    struct wall_ms machine_created_at; /* .ms 0: the store has none of its name */
    struct json input;
    const struct uuid *nested; /* of the task whose child it is; NULL: of none */
    size_t memory;             /* of the command, which holds the input until it has landed */
};

struct run_slot {
    struct engine *engine;
    execution_key key;
    enum slot_phase phase;
    struct run_slot *bucket_next;
    struct run_slot *ready_next;
    struct run_slot *older, *newer; /* in the list of parked ones */
    bool ready;                     /* stands in the ready list */
    bool parked;                    /* stands in the list of parked ones */
    bool handed;                    /* outstanding tasks were handed out by this engine */
    bool shedding;                  /* loads anew when nothing is on its way: too much garbage */
    bool leaving;   /* a flight writes what must be written before it leaves memory */
    uint32_t waits; /* reads and commits that the store has not answered */
    struct heap_node wake;
    struct wall_ms away_wake; /* an entry for it stands in away's heap; .ms 0: none */

    struct arena *arena;      /* of the slot itself, the row and the identity */
    struct execution_row row; /* as the last commit that landed left it */
    struct flow_identity identity;
    struct beginning *beginning; /* until the first commit; else NULL */
    struct machine_ref *machine;
    struct run *run;
    size_t run_bytes;      /* when it was new or loaded */
    size_t memory;         /* what the engine counts for it */
    struct wall_ms stored; /* wake_at as the last commit submitted leaves it */
    struct mirror *mirror;
    struct express *express; /* NULL: a Standard run */

    struct pending_list queue;
    struct flight_list flights;
    size_t journal_bytes, snapshot_bytes; /* since the last snapshot; of that one */

    /* Reading. */
    struct arena *work;
    struct store_read read;
    struct journal_reader *reader;
    struct loading *loading; /* with a snapshot; lies in its own arena */
    bool no_snapshot;        /* the one there is of no use */
    bool failed;             /* the store's answer: why is in `err` */
    uint32_t refusals;       /* in a row */
    struct err err;
};

/* A start that engine_step has not looked at yet. */
struct start_command {
    struct start_command *next;
    struct arena *arena; /* owned */
    struct engine_start start;
    struct machine_ref *machine;          /* NULL: to be compiled from start.definition */
    const struct uuid *nested;            /* in the arena; as in struct beginning */
    const struct flow_recovery *recovery; /* of a fork; borrowed until it has answered */
    struct str checks_due;                /* as in struct pending */
    execution_key related;                /* that it is made of; 0: of none */
    enum execution_relation relation;
    struct asker asker;
};

enum {
    NESTED_BUCKETS = 256
};

struct nested_queue {
    struct nested *first, *last;
};

/* Nested executions that are being started, looked for or watched: nested.c. */
struct nesteds {
    struct nested *buckets[NESTED_BUCKETS];
    size_t count, watching, active;
    size_t stops; /* of children, that have not landed */
    struct nested_queue waiting, answered;
    struct wall_ms again_at; /* none of those that wait before */
};

/* What is read at the beginning: the newest key, above which new ones are made
 * whatever the clock says; then, with advance_all, the next wakes, again and again
 * (wake.c). */
struct lookout {
    bool waiting, failed, newest_known;
    bool done; /* what was at work at the opening has been found, and is being loaded */
    struct arena *arena;
    struct store_read read;
    struct err err;
};

struct engine {
    struct arena *arena; /* of the engine itself and its options' texts */
    struct engine_options options;
    uint64_t epochs[SHARD_COUNT];
    struct rng rng;
    struct wall_ms wall;
    execution_key key_last;

    struct run_slot **buckets;
    size_t bucket_count, slot_count, leaving_count;
    struct run_slot *ready_first, *ready_last;
    size_t ready_count;
    struct run_slot *parked_oldest, *parked_newest;
    struct heap wakes; /* of the runs in memory */
    struct away away;
    struct activities activities;
    struct heartbeats heartbeats;
    struct sweep sweep;
    struct machines machines;
    struct known known;
    struct start_command *start_first, *start_last;
    struct pending_list homeless; /* for runs that found no room yet */
    struct nesteds nested;
    struct recoveries recoveries;
    struct catalog *catalog; /* to find machines for nested executions */
    size_t express_count;
    struct lookout lookout;
    size_t store_waits;                /* calls that the store has not answered */
    size_t flight_count, flight_bytes; /* of all slots */
    size_t step_bytes;                 /* read and written in this step */
    bool starts_had_all;               /* of the last step */
    size_t memory;                     /* of all slots */

    struct arena *spare_arenas[SPARE_MAX];
    size_t spare_arena_count;
    struct flight *spare_flights;
    size_t spare_flight_count;

    engine_machine_written *machine_written;
    void *machine_written_arg;
    engine_followed *followed;
    void *followed_arg;
    bool detached, dead;
    struct err why;
};

/* ---- slots.c ---- */

struct run_slot *slot_find(const struct engine *e, execution_key key);
/* Makes room by letting a parked one go. NULL when none can. */
struct run_slot *slot_new(struct engine *e, execution_key key);
/* Answers whoever still waits with `err` (NULL: as the row stands), then frees. */
void slot_end(struct run_slot *s, const struct err *err);
void slot_free(struct run_slot *s);
void slot_make_ready(struct run_slot *s);
struct run_slot *slot_take_ready(struct engine *e);
/* The next slot in no order that matters; NULL after the last. *bucket begins at 0. */
struct run_slot *slot_next(const struct engine *e, size_t *bucket, const struct run_slot *after);

void slot_push(struct run_slot *s, struct pending *p);
/* Frees the run and its reading; keeps row and queue. Nothing may be on its way. */
void slot_drop_run(struct run_slot *s);
/* A read for the slot; the caller has filled in what is asked. */
void slot_read(struct run_slot *s, enum store_read_kind kind);
/* Counts what the slot takes. */
void slot_account(struct run_slot *s);

struct journal_row journal_row_of(const struct turn_row *row);

/* ---- pending.c ---- */

struct pending *pending_new(struct engine *e, enum flow_cause cause);
/* Accepts NULL. */
void pending_free(struct engine *e, struct pending *p);
void pending_push(struct pending_list *list, struct pending *p);
void pending_push_front(struct pending_list *list, struct pending *p);
struct pending *pending_pop(struct pending_list *list);
/* What is wrong with asking this of a run that did not take it, or has ended; false: nothing. */
MUST_CHECK bool pending_refusal(const struct pending *p, const struct run_slot *s,
                                struct err *ret_why);
/* Is it for runs that have ended, too? */
bool pending_is_for_ended(const struct pending *p);
/* Takes out what loading a run derives again: wakes and cut turns. */
void pending_drop_derived(struct engine *e, struct pending_list *list);

void asker_answer(const struct asker *asker, const struct execution_row *row, bool already,
                  const struct err *err);
void asker_reply(const struct asker *asker, const struct engine_reply *reply);

/* Arenas for short lives, used again. */
struct arena *spare_arena(struct engine *e);
void spare_arena_keep(struct engine *e, struct arena *a);
void spares_release(struct engine *e);

/* ---- flight.c ---- */

/* A flight of a turn, empty. */
struct flight *flight_new(struct run_slot *s);
struct store_write *flight_write(struct flight *f, enum store_write_kind kind);
/* Adds a snapshot of the run as it is now. */
void flight_snapshot(struct flight *f);
/* Puts it behind the slot's others and hands it to the store. */
void flight_submit(struct flight *f);
/* The same with these writes, in the flight's arena, instead of its own. */
void flight_submit_writes(struct flight *f, const struct store_write *writes, size_t count);
/* The same, but it fails at once: what it holds can never be stored. */
void flight_fail(struct flight *f, const struct err *err);
/* Takes the first of the slot out. */
struct flight *flight_pop(struct run_slot *s);
void flight_free(struct engine *e, struct flight *f);
/* May another turn be computed for this slot? */
bool flight_has_room(const struct run_slot *s);

/* ---- wake.c ---- */

/* .ms 0: no wake. */
void slot_wake_at(struct run_slot *s, struct wall_ms at);
struct wall_ms slot_wake(const struct run_slot *s);
struct run_slot *slot_first_wake(const struct engine *e);
void wakes_take_due(struct engine *e);

/* What the row's wake_at should be for a run as it is now. */
struct wall_ms wake_wanted(const struct run_slot *s, bool more);

void lookout_begin(struct engine *e);
/* True while there is more to do at once. */
bool lookout_step(struct engine *e);

/* ---- park.c ---- */

/* Nothing is to be done for the run now. */
void slot_park(struct run_slot *s);
void slot_unpark(struct run_slot *s);
/* Lets parked runs leave memory while there are too many. */
void park_trim(struct engine *e);
/* Room for one more? Lets parked runs go for it, if need be. */
bool park_make_room(struct engine *e);
/* Could there be? Lets none go. */
bool park_may_make_room(const struct engine *e);
/* Is there none because of memory, which those at work will give back? */
bool park_waits_for_memory(const struct engine *e);
/* Has the last write before leaving landed, and is nothing new to do? Then the
 * slot is freed. */
bool park_left(struct run_slot *s);

/* ---- the phases ---- */

/* load.c */
void load_begin(struct run_slot *s);
void load_row_done(struct run_slot *s);
void load_definition_done(struct run_slot *s);
void load_snapshot_done(struct run_slot *s);
void load_values_done(struct run_slot *s);
void load_turns_done(struct run_slot *s);
void loading_free(struct run_slot *s);
/* Copies the row into the slot and derives the identity. */
void slot_adopt_row(struct run_slot *s, const struct execution_row *row);

/* turn.c */
void live_step(struct run_slot *s);
/* The run has ended: takes the first turn of the queue that is for such. False: there is
 * none. */
bool turn_take_ended(struct run_slot *s);
/* Tells of a turn that is as durable as it will be, and performs its effects. */
void turn_show(struct flight *f);
struct turn_row turn_row_of(const struct flight *f);
/* What the start of a run writes beside its turns. */
void flight_add_beginning(struct flight *f);

/* refuse.c */
/* The first flight was refused. */
void void_begin(struct run_slot *s);
void void_step(struct run_slot *s);
/* Drops the run and loads it anew after a while, or kills the engine: after
 * whatever the store answered that is not for the asker. */
void slot_refused(struct run_slot *s, const struct err *err);
/* One more refusal in a row: when to try again. */
struct wall_ms refusal_wait(struct run_slot *s);

/* start.c */
/* Takes over the command. */
void start_push(struct engine *e, struct start_command *command);
/* Its machine, of the store or of whoever starts it. */
MUST_CHECK bool start_compile(struct engine *e, struct start_command *command, struct err *reterr);
/* False: no room yet; the command stays the caller's. */
bool start_take(struct engine *e, struct start_command *command);
void machine_done(struct run_slot *s);
/* The name is taken: looks who has it. The start is first in the queue. */
void name_begin(struct run_slot *s);
void name_done(struct run_slot *s);
void name_input_done(struct run_slot *s);

/* handout.c */
/* A task that is to be carried out, or was when the process before ended. */
void effect_start(struct run_slot *s, const struct flow_effect *task);
/* A worker has it, durably. */
void slot_task_taken(struct run_slot *s, const struct flow_effect *task);
/* It waits no more. */
void slot_task_over(struct run_slot *s, uint32_t step, uint32_t attempt);
/* Its activities' tasks that nobody has, where those of the activity did not all fit. */
void slot_requeue(struct run_slot *s);
void heartbeats_take_lost(struct engine *e);
/* Idle ones are answered so. */
void polls_fail(struct engine *e, const struct err *why);

/* sweep.c */
/* True while there is more to do at once. */
bool sweep_step(struct engine *e);

/* engine.c */
/* To the run, which is loaded for it; takes over the pending. */
void engine_give(struct engine *e, execution_key key, struct pending *p);
/* The same for whoever asked, who hears when nothing is to be had any more. */
void engine_command(struct engine *e, execution_key key, struct pending *p);
void engine_die(struct engine *e, const struct err *why);
void engine_trouble(struct engine *e, execution_key key, const struct err *err,
                    struct wall_ms again_at);
/* Is the run in memory, or are tasks of it out from here? */
bool engine_expects(const struct engine *e, execution_key key);
/* Is there a place for one more run, or one that can be made? */
bool engine_has_room(const struct engine *e);
/* Is the store of no use any more after this? */
bool store_error_is_final(enum err_code code);

#endif
