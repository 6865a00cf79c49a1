/* What the files of the engine share. Included only inside engine/.
 *
 * A *slot* is one live run: at most one thing of it is under way at a time (a
 * commit or a read), and everything else waits in its queue. The store's
 * completions only note the outcome and make the slot ready; slot_step, called
 * from engine_step alone, does what follows. So nothing here is ever re-entered.
 */
#ifndef PAWL_ENGINE_ENGINE_INTERNAL_H
#define PAWL_ENGINE_ENGINE_INTERNAL_H

#include "engine/engine.h"
#include "engine/machines.h"
#include "engine/mirror.h"

enum {
    REFUSED_WAIT_FIRST_MS = 100, /* after a refused commit; doubles ... */
    REFUSED_WAIT_LAST_MS = 5000, /* ... up to this */
    GARBAGE_MIN = 1 << 20,       /* bytes of a run below which it is not reloaded */
    GARBAGE_FACTOR = 4,          /* reloaded when so many times what it was */
    TURN_WRITES_MAX = 5,
};

/* Somebody who waits for an answer. */
struct asker {
    engine_replied *replied; /* NULL: nobody */
    void *arg;
};

/* One thing to do for a run. */
struct pending {
    struct pending *next;
    struct arena *arena; /* owned; everything here lies in it */
    bool resume;         /* only loads the run; `input` is not used */
    struct flow_input input;
    struct asker asker;
};

enum slot_phase {
    SLOT_NEW,        /* nothing known but the key */
    SLOT_ROW,        /* reading the execution's row */
    SLOT_DEFINITION, /* ... its definition */
    SLOT_TURNS,      /* ... its turns */
    SLOT_LIVE,       /* the run is in memory and nothing is under way */
    SLOT_COMMIT,     /* a turn is being committed */
    SLOT_MACHINE,    /* a start: reading what the store has under its machine's name */
    SLOT_NAME,       /* a start met its own name: reading who has it */
    SLOT_NAME_INPUT, /* ... and with what input */
    SLOT_WAIT,       /* refused; loads anew at `wake` */
};

/* What a start puts into the store beside its first turn. */
struct beginning {
    struct known_machine *known;
    struct machine_row machine;
    bool machine_changed; /* new, or of another definition: it and the definition are put */
    struct json input;
};

/* A machine as the store has it, kept so that a start need not look. */
struct known_machine {
    struct known_machine *next;
    struct str name;
    bool stored;
    uint8_t definition[SHA256_SIZE]; /* when stored */
    struct wall_ms created_at;
};

enum {
    KNOWN_BUCKETS = 256
};

struct run_slot {
    struct engine *engine;
    execution_key key;
    enum slot_phase phase;
    struct run_slot *bucket_next;
    struct run_slot *ready_next;
    bool ready;        /* stands in the ready list */
    bool waiting;      /* for the store */
    bool handed;       /* outstanding tasks were handed out by this engine */
    size_t wake_place; /* in the heap of wakes, from 1; 0: not in it */
    struct wall_ms wake;

    struct arena *arena; /* of the slot itself, the row and the identity */
    struct execution_row row;
    struct flow_identity identity;
    struct beginning *beginning; /* until the first commit; else NULL */
    struct machine_ref *machine;
    struct run *run;
    size_t run_bytes; /* when it was new or loaded */
    struct mirror *mirror;

    struct pending *first, *last;
    struct pending *current; /* whose turn is under way */

    struct arena *work; /* of what is under way */
    struct flow_turn turn;
    struct buf body;
    struct store_write writes[TURN_WRITES_MAX];
    struct store_commit commit;
    struct store_read read;
    struct journal_reader *reader;
    uint32_t refusals; /* in a row */
    bool failed;       /* the store's answer: why is in `err` */
    struct err err;
};

/* A start that engine_step has not looked at yet. */
struct start_command {
    struct start_command *next;
    struct arena *arena; /* owned */
    struct engine_start start;
    struct asker asker;
};

struct wakes {
    struct run_slot **items; /* a binary heap from 1 */
    size_t count, capacity;
};

/* What is read at the beginning: the newest key, above which new ones are made
 * whatever the clock says, then with advance_all what is RUNNING. */
struct recovery {
    bool active, waiting, failed;
    bool newest_known;
    execution_key after;
    struct arena *arena;
    struct store_read read;
    size_t taken; /* rows of the page that have their slot */
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
    size_t bucket_count, slot_count;
    struct run_slot *ready_first, *ready_last;
    size_t ready_count;
    struct wakes wakes;
    struct machines machines;
    struct known_machine *known[KNOWN_BUCKETS]; /* in the engine's arena, by the name's hash */
    struct start_command *start_first, *start_last;
    struct recovery recovery;
    size_t store_waits; /* slots and recovery that wait for the store */

    engine_followed *followed;
    void *followed_arg;
    bool detached, dead;
    struct err why;
};

/* ---- slots.c ---- */

struct run_slot *slot_find(const struct engine *e, execution_key key);
/* NULL when runs_live_max are there. */
struct run_slot *slot_new(struct engine *e, execution_key key);
/* Answers whoever still waits with `err` (NULL: as the row stands), then frees. */
void slot_end(struct run_slot *s, const struct err *err);
void slot_free(struct run_slot *s);
void slot_make_ready(struct run_slot *s);
struct run_slot *slot_take_ready(struct engine *e);
/* .ms 0: no wake. */
void slot_wake_at(struct run_slot *s, struct wall_ms at);
struct run_slot *slot_first_wake(const struct engine *e);
void wakes_release(struct wakes *w);

struct pending *pending_new(enum flow_cause cause);
void pending_free(struct pending *p);
void slot_push(struct run_slot *s, struct pending *p);
void slot_push_front(struct run_slot *s, struct pending *p);
struct pending *slot_pop(struct run_slot *s);

/* Frees the run and what is under way; keeps row and queue. */
void slot_drop_run(struct run_slot *s);

/* The store's completion for a slot. */
void slot_store_done(void *arg, const struct err *err);
void slot_commit(struct run_slot *s, size_t write_count);
void slot_read(struct run_slot *s, enum store_read_kind kind);

struct journal_row journal_row_of(const struct turn_row *row);

void asker_answer(const struct asker *asker, const struct execution_row *row, bool already,
                  const struct err *err);

/* ---- the phases ---- */

/* load.c */
void load_begin(struct run_slot *s);
void load_row_done(struct run_slot *s);
void load_definition_done(struct run_slot *s);
void load_turns_done(struct run_slot *s);
/* Copies the row into the slot and derives the identity. */
void slot_adopt_row(struct run_slot *s, const struct execution_row *row);

/* turn.c */
void live_step(struct run_slot *s);
void commit_done(struct run_slot *s);
/* Drops the run and loads it anew after a while, or kills the engine: after
 * whatever the store answered that is not for the asker. */
void slot_refused(struct run_slot *s, const struct err *err);

/* start.c */
void start_take(struct engine *e, struct start_command *command);
void machine_done(struct run_slot *s);
/* After the first commit. */
void machine_stored(struct run_slot *s);
void name_begin(struct run_slot *s);
void name_done(struct run_slot *s);
void name_input_done(struct run_slot *s);

/* engine.c */
void engine_die(struct engine *e, const struct err *why);
void engine_trouble(struct engine *e, execution_key key, const struct err *err,
                    struct wall_ms again_at);
/* Is the store of no use any more after this? */
bool store_error_is_final(enum err_code code);

#endif
