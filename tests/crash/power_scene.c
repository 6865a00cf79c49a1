#include "power_scene.h"

#include "base/buf.h"
#include "store/memory/memory_store.h"
#include "store/sqlite/sqlite_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MORE_FIRST = 900000, /* numbers of the executions started after a cut */
    BATCH_MAX = 8,
    REOPEN_EACH = 3, /* of so many survivors one is closed, opened and examined again */
};

/* A store that is made anew after a cut has this one. */
static const uint8_t other_secret[STORE_SECRET_SIZE] = {77};

static void check(bool fine, const char *what)
{
    if (!fine)
        panic(__FILE__, __LINE__, what);
}

/* ---- what a store holds, as text ---- */

static void describe_turns(struct store_fixture *f, execution_key key, struct buf *to)
{
    struct store_read r = read_of(f, STORE_GET_TURNS, 0, key);
    enum err_code code;
    do {
        code = read_now(f, &r, NULL);
        for (size_t i = 0; i < r.count; i++)
            buf_printf(to, " turn %u %u %u %lld %llx %llx\n", r.turns[i].turn,
                       r.turns[i].rules_version, r.turns[i].cause, (long long)r.turns[i].at.ms,
                       (unsigned long long)r.turns[i].checksum,
                       (unsigned long long)checksum64(r.turns[i].body));
        r.turn += (uint32_t)r.count;
    } while (code == ERR_NONE && r.more);
    if (code != ERR_NONE)
        buf_printf(to, " turns: %s\n", err_name(code));
    r.kind = STORE_GET_SNAPSHOT;
    code = read_now(f, &r, NULL);
    if (code != ERR_NONE || r.found)
        buf_printf(to, " snapshot %s %u %llx %llx\n", err_name(code), r.snapshot.turn,
                   (unsigned long long)r.snapshot.checksum,
                   (unsigned long long)checksum64(r.snapshot.body));
}

static void describe_execution(struct store_fixture *f, const struct execution_row *e,
                               struct buf *to)
{
    char id[UUID_TEXT_LEN];
    uuid_format(e->id, id);
    buf_printf(to, "%lld %.*s " STR_FMT " %d " STR_FMT " " STR_FMT " " STR_FMT " %u %s %lld", //
               (long long)e->key, UUID_TEXT_LEN, id, STR_ARG(e->name), e->client_named,
               STR_ARG(e->arn), STR_ARG(e->machine_arn), STR_ARG(e->machine_name), e->shard,
               execution_status_name(e->status), (long long)e->started_at.ms);
    buf_printf(to, " %lld %lld %u %lld %u %u %llx\n", (long long)e->stopped_at.ms,
               (long long)e->wake_at.ms, e->turns, (long long)e->parent, e->parent_task, e->map_run,
               (unsigned long long)checksum64(str_of((const char *)e->definition, SHA256_SIZE)));
    describe_turns(f, e->key, to);
    if (!e->client_named)
        return;
    struct store_read r = read_of(f, STORE_FIND_NAMED, 0, 0);
    r.name = e->name;
    enum err_code code = read_now(f, &r, NULL);
    buf_printf(to, " named %s", err_name(code));
    for (size_t i = 0; i < r.count; i++)
        buf_printf(to, " %lld", (long long)r.executions[i].key);
    buf_append_char(to, '\n');
}

/* The executions of the workload in a list of this kind; `whole`: all of them. */
static void describe_list(struct store_fixture *f, enum store_read_kind kind, bool whole,
                          struct buf *to)
{
    struct store_read r = read_of(f, kind, 0, 0);
    enum err_code code;
    r.until.ms = INT64_MAX;
    do {
        code = read_now(f, &r, NULL);
        for (size_t i = 0; i < r.count; i++) {
            const struct execution_row *e = &r.executions[i];
            if (e->key >= key_of(MORE_FIRST))
                continue;
            if (whole)
                describe_execution(f, e, to);
            else
                buf_printf(to, "%lld ", (long long)e->key);
        }
        r.key = r.next;
    } while (code == ERR_NONE && r.more);
    buf_printf(to, "list %d: %s\n", (int)r.kind, err_name(code));
}

static void describe_machines(struct store_fixture *f, struct buf *to)
{
    struct store_read r = read_of(f, STORE_LIST_MACHINES, 0, 0);
    enum err_code code = read_now(f, &r, NULL);
    buf_printf(to, "machines %s\n", err_name(code));
    for (size_t i = 0; i < r.count; i++) {
        const struct machine_row *m = &r.machines[i];
        struct store_read text = read_of(f, STORE_GET_DEFINITION, 0, 0);
        memcpy(text.hash, m->definition, SHA256_SIZE);
        code = read_now(f, &text, NULL);
        buf_printf(to, STR_FMT " " STR_FMT " %lld %lld %s %llx\n", STR_ARG(m->name),
                   STR_ARG(m->arn), (long long)m->created_at.ms, (long long)m->updated_at.ms,
                   err_name(code), (unsigned long long)checksum64(text.text));
    }
}

static void digest(struct store *s, uint8_t to[static SHA256_SIZE])
{
    struct store_fixture f = {.store = s, .arena = arena_new(0)};
    struct buf text = BUF_INIT(0);
    describe_list(&f, STORE_LIST_EXECUTIONS, true, &text);
    describe_list(&f, STORE_LIST_RUNNING, false, &text);
    describe_list(&f, STORE_LIST_WAKES, false, &text);
    describe_machines(&f, &text);
    sha256(buf_str(&text), to);
    buf_release(&text);
    arena_free(f.arena);
}

/* ---- after a cut ---- */

/* A machine that is switched on with what a cut left. */
struct survivor {
    struct scene *scene;
    struct cut_disk *disk;
    struct store_fixture f;
    struct promise before; /* what it must have kept */
    struct promise own;    /* what it promises itself */
    bool stayed_on;        /* it was no cut: what is there may not be synced */
    const char *cut;       /* how it came about */
    unsigned generation;   /* 1: after the first cut, 2: after the second */
    bool failed;
};

static void fail(struct survivor *v, uint64_t *counter, uint64_t amount, const char *what)
{
    struct scene *s = v->scene;
    v->failed = true;
    *counter += amount;
    if (!s->problem[0])
        snprintf(s->problem, sizeof(s->problem), "%s: %s", v->cut, what);
}

static bool switch_on(struct survivor *v)
{
    struct err err;
    cut_disk_use(v->disk);
    if (!sqlite_store_open(v->scene->path, SQLITE_STORE_READ_WRITE, other_secret, &v->f.store,
                           &err)) {
        v->f.store = NULL;
        fail(v, &v->scene->refused, 1, err.message);
        return false;
    }
    if (v->scene->mutation_sql)
        sqlite3_exec(cut_disk_connection(v->disk), v->scene->mutation_sql, NULL, NULL, NULL);
    return true;
}

static void check_integrity(struct survivor *v)
{
    sqlite3_stmt *ask;
    const char *answer = "";
    check(sqlite3_prepare_v2(cut_disk_connection(v->disk), "PRAGMA integrity_check", -1, &ask,
                             NULL) == SQLITE_OK,
          "no integrity_check");
    if (sqlite3_step(ask) == SQLITE_ROW)
        answer = (const char *)sqlite3_column_text(ask, 0);
    if (strcmp(answer, "ok") != 0)
        fail(v, &v->scene->torn, 1, answer);
    sqlite3_finalize(ask);
}

static void check_state(struct survivor *v)
{
    uint8_t now[SHA256_SIZE];
    const struct promise *p = &v->before;
    size_t n = p->most + 1;
    digest(v->f.store, now);
    while (n > 0 && memcmp(v->scene->states[n - 1], now, SHA256_SIZE) != 0)
        n--;
    v->own.most = n ? n - 1 : 0;
    v->own.least = v->stayed_on ? p->least : v->own.most;
    if (n == 0)
        fail(v, &v->scene->torn, 1, "a part of a batch is there");
    else if (n - 1 < p->least)
        fail(v, &v->scene->lost, p->least - (n - 1), "an acknowledged batch is lost");
    if (p->made && memcmp(store_secret(v->f.store), test_secret, STORE_SECRET_SIZE) != 0)
        fail(v, &v->scene->lost, 1, "the secret is lost");
}

/* The execution that a survivor of this generation starts. */
static size_t more_writes(struct survivor *v, unsigned generation, struct store_write *to)
{
    uint32_t n = MORE_FIRST + generation;
    to[0] = write_start(&v->f, 0, n, NULL, 0);
    to[1] = write_turn(&v->f, 0, n, 0);
    to[2] = write_turn(&v->f, 0, n, 1);
    to[3] = write_progress(0, n, EXECUTION_SUCCEEDED, 0);
    return 4;
}

/* All of it, nothing of it, or a part? */
static void check_more(struct survivor *v, unsigned generation, size_t least, size_t most)
{
    struct store_write writes[4];
    size_t there = 0, count = more_writes(v, generation, writes);
    struct store_read r = read_of(&v->f, STORE_GET_EXECUTION, 0, writes[0].u.start.key);
    if (read_now(&v->f, &r, NULL) == ERR_NONE)
        there += 1 + (r.executions[0].status == EXECUTION_SUCCEEDED);
    r.kind = STORE_GET_TURNS;
    if (read_now(&v->f, &r, NULL) == ERR_NONE)
        for (size_t i = 0; i < r.count && i < 2; i++)
            there += str_eq(r.turns[i].body, writes[i + 1].u.turn.body);
    if (there == 0 && least == 1)
        fail(v, &v->scene->lost, 1, "what was acknowledged after a cut is lost");
    else if (there != 0 && (there != count || most == 0))
        fail(v, &v->scene->torn, 1, "a part of what was started after a cut is there");
}

static void claim_all(struct survivor *v)
{
    const uint64_t *epochs = v->f.epochs;
    struct err err;
    if (!store_claim_all(v->f.store, v->f.epochs, &err)) {
        fail(v, &v->scene->refused, 1, err.message);
        return;
    }
    for (size_t i = 0; i < SHARD_COUNT; i++)
        if (epochs[i] <= v->before.epoch || epochs[i] != epochs[0]) {
            fail(v, &v->scene->lost, 1, "an epoch was given twice");
            return;
        }
    v->own.least = v->own.most; /* now that it is synced, others may act upon it */
    v->own.epoch = epochs[0];
}

static void start_more(struct survivor *v)
{
    struct store_write writes[4];
    size_t count = more_writes(v, v->generation, writes);
    struct err err;
    v->own.more_most = 1;
    if (commit_now(&v->f, writes, count, &err) != ERR_NONE)
        fail(v, &v->scene->refused, 1, err.message);
    v->own.more_least = 1;
}

static void examine(struct survivor *v);

static void cut_again(void *arg, struct cut_disk *d, bool synced)
{
    const struct survivor *v = arg;
    char cut[160];
    if (v->failed || synced)
        return;
    for (uint64_t seed = 0; seed < 2; seed++) {
        snprintf(cut, sizeof(cut), "%s, and again at its sync %llu, seed %llu", v->cut,
                 (unsigned long long)cut_disk_syncs(d), (unsigned long long)seed);
        struct survivor next = {.scene = v->scene,
                                .disk = cut_disk_after(d, seed ? CUT_MIXED : CUT_LOST, seed),
                                .before = v->own,
                                .cut = cut,
                                .generation = 2};
        v->scene->cuts_again++;
        examine(&next);
        cut_disk_use(d);
    }
}

static void go_on(struct survivor *v)
{
    bool again = v->scene->again_each && v->scene->cuts % v->scene->again_each == 0;
    v->own.made = v->before.made;
    v->own.epoch = v->before.epoch;
    if (again)
        cut_disk_watch(v->disk, cut_again, v);
    claim_all(v);
    if (!v->failed)
        start_more(v);
    store_close(v->f.store);
    v->f.store = NULL;
    cut_disk_watch(v->disk, NULL, NULL);
    if (again)
        cut_again(v, v->disk, false);
    if (v->failed || v->scene->cuts % REOPEN_EACH || !switch_on(v))
        return;
    v->before = v->own;
    check_integrity(v);
    check_state(v);
    check_more(v, v->generation, 1, 1);
}

/* Ends with the disk. */
static void examine(struct survivor *v)
{
    v->f.arena = arena_new(0);
    if (v->scene->lying)
        cut_disk_lie(v->disk);
    if (switch_on(v)) {
        check_integrity(v);
        check_state(v);
        if (v->generation == 2)
            check_more(v, 1, v->before.more_least, v->before.more_most);
        else if (!v->failed)
            go_on(v);
    }
    store_close(v->f.store);
    arena_free(v->f.arena);
    cut_disk_free(v->disk);
}

/* ---- the cuts ---- */

void scene_cut(struct scene *s, const char *when, enum cut_fate fate, uint64_t seed)
{
    static const char *const fates[] = {"lost", "kept", "mixed", "in memory"};
    char text[120];
    snprintf(text, sizeof(text), "cut %s sync %llu, what was not synced is %s, seed %llu", when,
             (unsigned long long)cut_disk_syncs(s->disk), fates[fate], (unsigned long long)seed);
    s->cuts++;
    struct survivor v = {.scene = s,
                         .disk = cut_disk_after(s->disk, fate, s->cuts * 1000003 + seed),
                         .before = s->promise,
                         .stayed_on = fate == CUT_NOT,
                         .cut = text,
                         .generation = 1};
    examine(&v);
    cut_disk_use(s->disk);
}

static void cut_at_sync(void *arg, struct cut_disk *d, bool synced)
{
    struct scene *s = arg;
    const char *when = synced ? "just after" : "just before";
    (void)d;
    scene_cut(s, when, CUT_LOST, 0);
    if (!synced)
        scene_cut(s, when, CUT_KEPT, 0);
    if (!synced && s->again_each)
        scene_cut(s, when, CUT_NOT, 0);
    for (uint64_t seed = 0; seed < (synced ? 1 : s->seeds); seed++)
        scene_cut(s, when, CUT_MIXED, seed);
}

/* ---- the workload's side ---- */

void scene_open(struct scene *s)
{
    const char *place = getenv("TMPDIR");
    snprintf(s->folder, sizeof(s->folder), "%s/pawl-cut-XXXXXX", place ? place : "/tmp");
    check(mkdtemp(s->folder), "no folder for the test");
    snprintf(s->path, sizeof(s->path), "%s/pawl.db", s->folder);
    s->rows.arena = arena_new(0);
    s->model = memory_store_new(test_secret);
    s->disk = cut_disk_new();
    cut_disk_use(s->disk);
    sqlite3_randomness(0, NULL); /* let it be seeded by this disk */
    if (s->lying)
        cut_disk_lie(s->disk);
    if (s->seeds)
        cut_disk_watch(s->disk, cut_at_sync, s);
    digest(s->model, s->states[0]);
}

void scene_close(struct scene *s)
{
    store_close(s->store);
    store_close(s->model);
    cut_disk_free(s->disk);
    arena_free(s->rows.arena);
    unlink(s->path);
    rmdir(s->folder);
}

bool scene_boot(struct scene *s)
{
    struct err err;
    bool opened = sqlite_store_open(s->path, SQLITE_STORE_READ_WRITE, test_secret, &s->store, &err);
    s->promise.made |= opened;
    if (opened && s->mutation_sql)
        sqlite3_exec(cut_disk_connection(s->disk), s->mutation_sql, NULL, NULL, NULL);
    check(store_claim_all(s->model, s->model_epochs, NULL), "no claim of the model");
    if (!opened || !store_claim_all(s->store, s->epochs, &err)) {
        check(err.code == ERR_IO, err.message);
        return false;
    }
    s->promise.epoch = s->epochs[0];
    return true;
}

void scene_checkpoint_soon(struct scene *s)
{
    ((struct sqlite_store *)s->store)->committer.checkpoint_at_pages = 1;
}

void scene_halt(struct scene *s)
{
    store_close(s->store);
    s->store = NULL;
}

struct acknowledgement {
    struct scene *scene;
    enum err_code code;
};

static void acknowledge(void *arg, const struct err *err)
{
    struct acknowledgement *a = arg;
    a->code = err ? err->code : ERR_NONE;
    if (err)
        return;
    a->scene->promise.least = a->scene->promise.most;
    a->scene->commits++;
}

static void model_done(void *arg, const struct err *err)
{
    *(enum err_code *)arg = err ? err->code : ERR_NONE;
}

bool scene_batch(struct scene *s, const struct scene_commit *commits, size_t count)
{
    enum err_code codes[BATCH_MAX];
    struct acknowledgement acks[BATCH_MAX];
    struct store_commit real[BATCH_MAX], model[BATCH_MAX];
    check(count <= BATCH_MAX && s->promise.most + 1 < STATES_MAX, "too much for a scene");
    for (size_t i = 0; i < count; i++) {
        acks[i] = (struct acknowledgement){.scene = s};
        real[i] = (struct store_commit){.epoch = s->epochs[0],
                                        .writes = commits[i].writes,
                                        .count = commits[i].count,
                                        .done = acknowledge,
                                        .arg = &acks[i]};
        model[i] = real[i];
        model[i].epoch = s->model_epochs[0];
        model[i].done = model_done;
        model[i].arg = &codes[i];
        store_commit(s->model, &model[i]);
    }
    while (store_step(s->model, (struct mono_ns){0}))
        ;
    digest(s->model, s->states[++s->promise.most]);
    for (size_t i = 0; i < count; i++)
        store_commit(s->store, &real[i]);
    while (store_step(s->store, (struct mono_ns){0}))
        ;
    for (size_t i = 0; i < count; i++)
        check(acks[i].code == codes[i] || acks[i].code == ERR_IO, "the stores disagree");
    if (s->seeds)
        scene_cut(s, "some time after", CUT_LOST, 0);
    return !store_dead(s->store, NULL);
}
