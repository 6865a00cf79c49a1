#include "store/store_internal.h"

#include "base/utf8.h"

static const char *const status_names[EXECUTION_STATUS_COUNT] = {
#define EXECUTION_STATUS_NAME(name, number) [number] = #name,
    EXECUTION_STATUS_TABLE(EXECUTION_STATUS_NAME)
#undef EXECUTION_STATUS_NAME
};

const char *execution_status_name(enum execution_status status)
{
    ASSERT((unsigned)status < EXECUTION_STATUS_COUNT);
    return status_names[status];
}

const char *execution_relation_name(enum execution_relation relation)
{
    static const char *const words[RELATION_COUNT] = {
#define EXECUTION_RELATION_WORD(name, number, word) [number] = word,
        EXECUTION_RELATION_TABLE(EXECUTION_RELATION_WORD)
#undef EXECUTION_RELATION_WORD
    };
    ASSERT((unsigned)relation < RELATION_COUNT);
    return words[relation];
}

/* ---- the queues ---- */

void store_init(struct store *s, const struct store_ops *ops,
                const uint8_t secret[static STORE_SECRET_SIZE])
{
    *s = (struct store){.ops = ops};
    s->commits_end = &s->commits;
    s->reads_end = &s->reads;
    memcpy(s->secret, secret, STORE_SECRET_SIZE);
}

void store_close(struct store *s)
{
    if (s)
        s->ops->close(s);
}

static void wake(const struct store *s)
{
    if (s->wakeup)
        s->wakeup(s->wakeup_arg);
}

void store_commit(struct store *s, struct store_commit *c)
{
    ASSERT(c->shard < SHARD_COUNT && c->done);
    c->next = NULL;
    c->refusal = NULL;
    if (s->ops->submit_commit && !s->dead) {
        s->ops->submit_commit(s, c);
        return;
    }
    *s->commits_end = c;
    s->commits_end = &c->next;
    wake(s);
}

void store_read(struct store *s, struct store_read *r)
{
    ASSERT(r->done && r->arena);
    r->next_read = NULL;
    r->refusal = NULL;
    if (s->ops->submit_read && !s->dead) {
        s->ops->submit_read(s, r);
        return;
    }
    *s->reads_end = r;
    s->reads_end = &r->next_read;
    wake(s);
}

struct store_commit *store_take_commits(struct store *s)
{
    struct store_commit *first = s->commits;
    s->commits = NULL;
    s->commits_end = &s->commits;
    return first;
}

struct store_read *store_take_reads(struct store *s)
{
    struct store_read *first = s->reads;
    s->reads = NULL;
    s->reads_end = &s->reads;
    return first;
}

struct store_commit *store_take_commit(struct store *s)
{
    struct store_commit *first = s->commits;
    if (!first)
        return NULL;
    s->commits = first->next;
    if (!s->commits)
        s->commits_end = &s->commits;
    return first;
}

void store_die(struct store *s, const struct err *why)
{
    s->dead = true;
    s->why_dead = *why;
}

bool store_dead(const struct store *s, struct err *ret_why)
{
    if (s->dead && ret_why)
        *ret_why = s->why_dead;
    return s->dead;
}

static void refuse_all(struct store *s)
{
    struct store_commit *c = store_take_commits(s);
    struct store_read *r = store_take_reads(s);
    while (c) {
        struct store_commit *next = c->next;
        c->done(c->arg, &s->why_dead);
        c = next;
    }
    while (r) {
        struct store_read *next = r->next_read;
        store_read_reset(r);
        r->done(r->arg, &s->why_dead);
        r = next;
    }
}

static bool holds(struct store *s)
{
    return s->commits || s->reads || (s->ops->holds && s->ops->holds(s));
}

bool store_step(struct store *s, struct mono_ns now)
{
    if (s->dead)
        refuse_all(s);
    else
        s->ops->step(s, now);
    return holds(s);
}

bool store_ready(struct store *s)
{
    if (s->ops->ready && !s->dead)
        return s->ops->ready(s);
    return holds(s);
}

bool store_wait(struct store *s, int timeout_ms)
{
    if (s->ops->wait && !s->dead)
        return s->ops->wait(s, timeout_ms);
    return holds(s);
}

void store_set_wakeup(struct store *s, store_wakeup *wakeup, void *arg)
{
    s->wakeup = wakeup;
    s->wakeup_arg = arg;
    if (s->ops->set_wakeup)
        s->ops->set_wakeup(s, wakeup, arg);
    else if (holds(s))
        wake(s);
}

void store_abandon(struct store *s)
{
    store_take_commits(s);
    store_take_reads(s);
    if (s->ops->abandon)
        s->ops->abandon(s);
}

static bool claim(struct store *s, uint32_t first, uint32_t count, uint64_t *ret_epochs,
                  struct err *reterr)
{
    if (s->dead) {
        if (reterr)
            *reterr = s->why_dead;
        return false;
    }
    return s->ops->claim(s, first, count, ret_epochs, reterr);
}

bool store_claim(struct store *s, uint32_t shard, uint64_t *ret_epoch, struct err *reterr)
{
    ASSERT(shard < SHARD_COUNT);
    return claim(s, shard, 1, ret_epoch, reterr);
}

bool store_claim_all(struct store *s, uint64_t ret_epochs[static SHARD_COUNT], struct err *reterr)
{
    return claim(s, 0, SHARD_COUNT, ret_epochs, reterr);
}

const uint8_t *store_secret(const struct store *s)
{
    return s->secret;
}

/* ---- limits ---- */

static bool check_size(const char *what, struct str text, size_t size_max, struct err *reterr)
{
    if (text.len <= size_max)
        return true;
    return err_set(reterr, ERR_TOO_LARGE, "%s has %zu bytes, more than the limit of %zu", what,
                   text.len, size_max);
}

static bool check_text(const char *what, struct str text, struct err *reterr)
{
    if (!check_size(what, text, STORE_TEXT_SIZE_MAX, reterr))
        return false;
    if (utf8_valid_up_to(text) == text.len)
        return true;
    return err_set(reterr, ERR_INVALID_INPUT, "%s is not UTF-8", what);
}

static bool check_start(const struct execution_row *row, struct err *reterr)
{
    execution_key key_in_id;
    if (row->key <= 0 || !execution_key_of_uuid(row->id, &key_in_id) || key_in_id != row->key)
        return err_set(reterr, ERR_INVALID_INPUT,
                       "the key of an execution must be above 0 and that of its id");
    if (row->shard >= SHARD_COUNT)
        return err_set(reterr, ERR_INVALID_INPUT, "there is no shard %u", row->shard);
    size_t characters = utf8_length(row->name);
    if (row->client_named && (characters == 0 || characters > STORE_NAME_MAX))
        return err_set(reterr, ERR_INVALID_INPUT,
                       "the name of an execution has 1 to %d characters, not %zu", STORE_NAME_MAX,
                       characters);
    return check_text("the name of an execution", row->name, reterr) &&
           check_text("the ARN of an execution", row->arn, reterr) &&
           check_text("the ARN of a state machine", row->machine_arn, reterr) &&
           check_text("the name of a state machine", row->machine_name, reterr) &&
           check_text("the ARN of a role", row->role_arn, reterr) &&
           check_text("the origin of an execution", row->origin, reterr);
}

static bool check_machine(const struct machine_row *row, struct err *reterr)
{
    return check_text("the name of a state machine", row->name, reterr) &&
           check_text("the ARN of a state machine", row->arn, reterr) &&
           check_size("what is said of a state machine", row->body, STORE_OBJECT_SIZE_MAX, reterr);
}

static bool check_object(const struct object_row *row, struct err *reterr)
{
    return check_text("the kind of an object", row->kind, reterr) &&
           check_text("the name of an object", row->name, reterr) &&
           check_size("an object", row->body, STORE_OBJECT_SIZE_MAX, reterr);
}

static bool check_write(const struct store_write *w, struct err *reterr)
{
    switch (w->kind) {
    case STORE_PUT_DEFINITION:
        return check_size("a definition", w->u.definition.text, STORE_BODY_SIZE_MAX, reterr);
    case STORE_PUT_MACHINE:
        return check_machine(&w->u.machine, reterr);
    case STORE_START:
        return check_start(&w->u.start, reterr);
    case STORE_APPEND_TURN:
        return check_size("a turn", w->u.turn.body, STORE_BODY_SIZE_MAX, reterr);
    case STORE_PUT_SNAPSHOT:
        return check_size("a snapshot", w->u.snapshot.body, STORE_BODY_SIZE_MAX, reterr);
    case STORE_PUT_OBJECT:
    case STORE_DELETE_OBJECT:
        return check_object(&w->u.object, reterr);
    case STORE_SET_PROGRESS:
    case STORE_DELETE_MACHINE:
        return true;
    }
    UNREACHABLE("a kind of write");
}

bool store_check_commit(const struct store_commit *c, struct err *reterr)
{
    for (size_t i = 0; i < c->count; i++)
        if (!check_write(&c->writes[i], reterr))
            return false;
    return true;
}

/* ---- answering reads ---- */

void store_read_reset(struct store_read *r)
{
    r->found = r->more = false;
    r->next = 0;
    r->text = (struct str){0};
    r->machines = NULL;
    r->executions = NULL;
    r->turns = NULL;
    r->objects = NULL;
    r->snapshot = (struct snapshot_row){0};
    r->count = 0;
}

size_t store_rows_max(const struct store_read *r)
{
    return r->rows_max && r->rows_max < STORE_READ_ROWS_MAX ? r->rows_max : STORE_READ_ROWS_MAX;
}

enum page_room store_page_room(const struct store_read *r, size_t bytes_so_far, size_t size,
                               struct err *reterr)
{
    bool fits = arena_room(r->arena, size);
    if (r->count && (!fits || bytes_so_far + size > STORE_READ_BYTES_MAX))
        return PAGE_FULL;
    if (fits)
        return PAGE_ROOM;
    err_set(reterr, ERR_MEMORY_LIMIT,
            "a stored text of %zu bytes does not fit in the memory left for this read", size);
    return PAGE_NEVER;
}

struct execution_row *store_add_execution(struct store_read *r, size_t *capacity)
{
    r->executions = arena_grow(r->arena, r->executions, r->count, capacity, sizeof(*r->executions));
    struct execution_row *row = &r->executions[r->count++];
    *row = (struct execution_row){0};
    return row;
}

struct machine_row *store_add_machine(struct store_read *r, size_t *capacity)
{
    r->machines = arena_grow(r->arena, r->machines, r->count, capacity, sizeof(*r->machines));
    struct machine_row *row = &r->machines[r->count++];
    *row = (struct machine_row){0};
    return row;
}

struct turn_row *store_add_turn(struct store_read *r, size_t *capacity)
{
    r->turns = arena_grow(r->arena, r->turns, r->count, capacity, sizeof(*r->turns));
    struct turn_row *row = &r->turns[r->count++];
    *row = (struct turn_row){0};
    return row;
}

struct object_row *store_add_object(struct store_read *r, size_t *capacity)
{
    r->objects = arena_grow(r->arena, r->objects, r->count, capacity, sizeof(*r->objects));
    struct object_row *row = &r->objects[r->count++];
    *row = (struct object_row){0};
    return row;
}

/* ---- errors ---- */

bool store_err_stale(uint32_t shard, uint64_t epoch, uint64_t current, struct err *reterr)
{
    err_set(reterr, ERR_STALE,
            "another process has taken over this store: what was decided here is not kept");
    err_detail(reterr, "shard %u, epoch %llu, now %llu", shard, (unsigned long long)epoch,
               (unsigned long long)current);
    return false;
}

bool store_err_name_taken(const struct execution_row *row, struct err *reterr)
{
    return err_set(reterr, ERR_CONFLICT,
                   "the state machine " STR_FMT " already has an execution named " STR_FMT,
                   STR_ARG(row->machine_name), STR_ARG(row->name));
}

bool store_err_key_taken(execution_key key, struct err *reterr)
{
    return err_set(reterr, ERR_CONFLICT, "an execution with the key %lld already exists",
                   (long long)key);
}

bool store_err_wrong_turn(const struct turn_row *row, uint64_t expected, struct err *reterr)
{
    return err_set(reterr, ERR_CONFLICT,
                   "execution %lld goes on with turn %llu, not %u: something else advanced it",
                   (long long)row->key, (unsigned long long)expected, row->turn);
}

bool store_err_no_execution(execution_key key, struct err *reterr)
{
    return err_set(reterr, ERR_NOT_FOUND, "there is no execution with the key %lld",
                   (long long)key);
}

bool store_err_no_machine(struct str name, struct err *reterr)
{
    return err_set(reterr, ERR_NOT_FOUND, "there is no state machine named " STR_FMT,
                   STR_ARG(name));
}

bool store_err_no_object(struct str kind, struct str name, struct err *reterr)
{
    return err_set(reterr, ERR_NOT_FOUND, "there is no " STR_FMT " named " STR_FMT, STR_ARG(kind),
                   STR_ARG(name));
}

bool store_err_wrong_revision(const struct object_row *row, uint64_t current, struct err *reterr)
{
    if (current == 0)
        return err_set(reterr, ERR_CONFLICT, "the " STR_FMT " " STR_FMT " is gone",
                       STR_ARG(row->kind), STR_ARG(row->name));
    return err_set(reterr, ERR_CONFLICT,
                   "the " STR_FMT " " STR_FMT
                   " has been written meanwhile: it is at revision %llu, "
                   "not %llu",
                   STR_ARG(row->kind), STR_ARG(row->name), (unsigned long long)current,
                   (unsigned long long)row->revision);
}

bool store_err_no_definition(const uint8_t hash[static SHA256_SIZE], struct err *reterr)
{
    char hex[2 * SHA256_SIZE + 1];
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        hex[2 * i] = "0123456789abcdef"[hash[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[hash[i] & 15];
    }
    hex[2 * SHA256_SIZE] = '\0';
    return err_set(reterr, ERR_NOT_FOUND, "there is no definition with the hash %s", hex);
}
