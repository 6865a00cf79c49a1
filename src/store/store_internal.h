/* What the implementations of store.h share: the queues, the limits, the paging.
 *
 * An implementation embeds a struct store as its first member and fills the
 * table below. Submitting never reaches it: store_commit and store_read only
 * queue here, and its step takes from the queues. One that works in threads of its
 * own takes submissions itself (the second half of the table).
 */
#ifndef PAWL_STORE_STORE_INTERNAL_H
#define PAWL_STORE_STORE_INTERNAL_H

#include "store/store.h"

struct store_ops {
    /* Works on what is queued; what completions submit meanwhile waits for the
     * next step. Not called when the store is dead. */
    void (*step)(struct store *s, struct mono_ns now);
    /* Is anything waiting that has left the queues? NULL: never. */
    bool (*holds)(struct store *s);
    bool (*claim)(struct store *s, uint32_t first, uint32_t count, uint64_t *ret_epochs,
                  struct err *reterr);
    void (*close)(struct store *s);
    /* Forgets what has left the queues. NULL: that never is. */
    void (*abandon)(struct store *s);

    /* All of these or none. A dead store's submissions are not given to them. */
    void (*submit_commit)(struct store *s, struct store_commit *c);
    void (*submit_read)(struct store *s, struct store_read *r);
    bool (*ready)(struct store *s);
    bool (*wait)(struct store *s, int timeout_ms);
    void (*set_wakeup)(struct store *s, store_wakeup *wakeup, void *arg);
};

struct store {
    const struct store_ops *ops;
    struct store_commit *commits, **commits_end;
    struct store_read *reads, **reads_end;
    store_wakeup *wakeup; /* unless the table has set_wakeup */
    void *wakeup_arg;
    uint8_t secret[STORE_SECRET_SIZE];
    bool dead;
    struct err why_dead;
};

void store_init(struct store *s, const struct store_ops *ops,
                const uint8_t secret[static STORE_SECRET_SIZE]);

/* The whole queue, in order, linked by `next`; NULL when empty. Read `next`
 * before completing: what is completed belongs to its owner again. */
struct store_commit *store_take_commits(struct store *s);
struct store_read *store_take_reads(struct store *s);

/* The first of the queue, or NULL. */
struct store_commit *store_take_commit(struct store *s);

/* From now on every call completes with this error. What an implementation holds
 * beyond the queues it completes itself. */
void store_die(struct store *s, const struct err *why);

/* The limits of store.h. */
MUST_CHECK bool store_check_commit(const struct store_commit *c, struct err *reterr);

/* ---- answering reads ---- */

/* Empties the answer. */
void store_read_reset(struct store_read *r);

size_t store_rows_max(const struct store_read *r);

enum page_room {
    PAGE_ROOM,
    PAGE_FULL,  /* the page ends before this row, and there is more */
    PAGE_NEVER, /* not even alone: a limit error */
};

/* Room for one more row whose body has this size, after bodies of bytes_so_far? */
enum page_room store_page_room(const struct store_read *r, size_t bytes_so_far, size_t size,
                               struct err *reterr);

/* Each appends a zeroed row to the answer and returns it; *capacity begins at 0. */
struct execution_row *store_add_execution(struct store_read *r, size_t *capacity);
struct machine_row *store_add_machine(struct store_read *r, size_t *capacity);
struct turn_row *store_add_turn(struct store_read *r, size_t *capacity);
struct object_row *store_add_object(struct store_read *r, size_t *capacity);

/* ---- errors that all implementations word alike ---- */

bool store_err_stale(uint32_t shard, uint64_t epoch, uint64_t current, struct err *reterr);
bool store_err_name_taken(const struct execution_row *row, struct err *reterr);
bool store_err_key_taken(execution_key key, struct err *reterr);
bool store_err_wrong_turn(const struct turn_row *row, uint64_t expected, struct err *reterr);
bool store_err_no_execution(execution_key key, struct err *reterr);
bool store_err_no_machine(struct str name, struct err *reterr);
bool store_err_no_object(struct str kind, struct str name, struct err *reterr);
/* current 0: there is none. */
bool store_err_wrong_revision(const struct object_row *row, uint64_t current, struct err *reterr);
bool store_err_no_definition(const uint8_t hash[static SHA256_SIZE], struct err *reterr);

#endif
