#include "cli/archive.h"

#include "catalog/catalog.h"
#include "cli/render.h"
#include "engine/names.h"
#include "journal/sql.h"
#include "os/clock.h"
#include "os/entropy.h"
#include "store/sqlite/sqlite_store.h"

#include <stdlib.h>

enum {
    CANDIDATES_MAX = 8,
};

static bool open_as(struct cli *cli, enum datadir_use use, struct archive *ret, struct err *reterr)
{
    struct str path = datadir_choose(str_of_cstr(option_text(&cli->arguments, "--data")),
                                     str_of_cstr(getenv("PAWL_DATA")));
    struct archive a = {0};
    if (!datadir_open(path, use, &a.datadir, reterr))
        return false;
    const char *file = datadir_file(a.datadir, cli->arena, DATADIR_STORE);
    uint8_t secret[STORE_SECRET_SIZE];
    entropy_fill(secret, sizeof(secret));
    struct sqlite_store_options options = {
        .mode = use == DATADIR_READ ? SQLITE_STORE_READ_ONLY : SQLITE_STORE_READ_WRITE,
        .secret = secret,
        .threads = use != DATADIR_READ,
    };
    struct buf views = BUF_INIT(0);
    journal_views(&views);
    options.views = buf_cstr(&views);
    bool ok = sqlite_store_open_with(file, &options, &a.store, reterr);
    buf_release(&views);
    if (ok)
        *ret = a;
    else
        datadir_close(a.datadir);
    return ok;
}

/* A command that only reads brings an older store forward, too, where it may and nobody
 * is at work there: else it could not read it. */
bool archive_open(struct cli *cli, enum datadir_use use, struct archive *ret, struct err *reterr)
{
    struct archive changed;
    struct err err, ignored;
    if (open_as(cli, use, ret, &err))
        return true;
    if (use == DATADIR_READ && err.code == ERR_OLDER_SCHEMA &&
        open_as(cli, DATADIR_CHANGE, &changed, &ignored)) {
        archive_close(&changed);
        return open_as(cli, use, ret, reterr);
    }
    *reterr = err;
    return false;
}

void archive_close(struct archive *a)
{
    store_close(a->store);
    datadir_close(a->datadir);
    *a = (struct archive){0};
}

struct outcome {
    bool done, failed;
    struct err err;
};

static void note_outcome(void *arg, const struct err *err)
{
    struct outcome *outcome = arg;
    outcome->done = true;
    outcome->failed = err != NULL;
    if (err)
        outcome->err = *err;
}

bool archive_read(const struct archive *a, struct store_read *read, struct err *reterr)
{
    struct outcome outcome = {0};
    read->done = note_outcome;
    read->arg = &outcome;
    store_read(a->store, read);
    while (!outcome.done) {
        store_wait(a->store, -1);
        store_step(a->store, clock_mono());
    }
    if (outcome.failed)
        *reterr = outcome.err;
    return !outcome.failed;
}

/* ---- revisions ---- */

struct revision_search {
    struct arena *arena;
    bool done, failed;
    enum catalog_outcome outcome;
    struct str definition;
    struct err err;
};

static void revision_found(void *owner, const struct catalog_answer *answer)
{
    struct revision_search *s = owner;
    s->done = true;
    s->outcome = answer->outcome;
    if (answer->outcome == CATALOG_FAILED)
        s->err = *answer->err;
    else if (answer->outcome == CATALOG_DONE)
        s->definition = arena_str(s->arena, answer->machine.text);
}

/* The store is stepped until the answer is there. */
static void no_wake(void *arg)
{
    (void)arg;
}

bool archive_revision(struct cli *cli, const struct archive *a, struct str machine,
                      struct str revision, struct str *ret_definition, struct err *reterr)
{
    const struct catalog_options options = {.store = a->store, .wake = no_wake};
    struct catalog *catalog = catalog_new(&options);
    struct revision_search s = {.arena = cli->arena};
    struct deed *place = NULL;
    const struct catalog_asker who = {
        .now = clock_wall(), .done = revision_found, .owner = &s, .place = &place};
    catalog_find_revision(catalog, &who, machine, revision);
    while (!s.done) {
        store_wait(a->store, -1);
        store_step(a->store, clock_mono());
    }
    catalog_free(catalog);
    *ret_definition = s.definition;
    if (s.outcome == CATALOG_FAILED)
        *reterr = s.err;
    return s.outcome == CATALOG_DONE || s.outcome == CATALOG_FAILED
               ? s.outcome == CATALOG_DONE
               : err_set(reterr, ERR_NOT_FOUND,
                         "machine " STR_FMT " has no revision \"" STR_FMT "\" in this data "
                         "directory: pawl machines revisions " STR_FMT " lists them",
                         STR_ARG(machine), STR_ARG(revision), STR_ARG(machine));
}

/* ---- finding ---- */

struct search {
    struct cli *cli;
    const struct archive *archive;
    struct str id;
    struct execution_row rows[CANDIDATES_MAX];
    size_t count;
    bool more; /* than rows has room for */
};

static void search_add(struct search *s, const struct execution_row *row)
{
    if (s->count == CANDIDATES_MAX)
        s->more = true;
    else
        s->rows[s->count++] = *row;
}

static bool read_executions(struct search *s, struct store_read *read, struct err *reterr)
{
    read->arena = s->cli->arena;
    read->status = STORE_ANY_STATUS;
    read->shard = STORE_ANY_SHARD;
    return archive_read(s->archive, read, reterr);
}

static bool search_newest(struct search *s, size_t count, struct err *reterr)
{
    struct store_read read = {.kind = STORE_LIST_EXECUTIONS, .rows_max = count};
    if (!read_executions(s, &read, reterr))
        return false;
    for (size_t i = 0; i < read.count; i++)
        search_add(s, &read.executions[i]);
    return true;
}

static bool search_name(struct search *s, struct str name, struct str machine_arn,
                        struct err *reterr)
{
    struct store_read read = {.kind = STORE_FIND_NAMED, .name = name, .machine_arn = machine_arn};
    if (!read_executions(s, &read, reterr))
        return false;
    for (size_t i = 0; i < read.count; i++)
        search_add(s, &read.executions[i]);
    return true;
}

static bool search_uuid(struct search *s, struct uuid uuid, struct err *reterr)
{
    struct store_read read = {.kind = STORE_GET_EXECUTION};
    if (!execution_key_of_uuid(uuid, &read.key))
        return true;
    if (!read_executions(s, &read, reterr))
        return reterr->code == ERR_NOT_FOUND;
    if (memcmp(read.executions[0].id.bytes, uuid.bytes, sizeof(uuid.bytes)) == 0)
        search_add(s, &read.executions[0]);
    return true;
}

static bool search_prefix(struct search *s, struct err *reterr)
{
    execution_key lowest, limit;
    if (!execution_prefix(s->id, &lowest, &limit))
        return true;
    struct store_read read = {.kind = STORE_LIST_EXECUTIONS, .key = limit};
    for (bool more = true; more && !s->more;) {
        if (!read_executions(s, &read, reterr))
            return false;
        for (size_t i = 0; i < read.count; i++) {
            const struct execution_row *row = &read.executions[i];
            if (row->key < lowest)
                return true;
            if (execution_id_begins(row->id, s->id))
                search_add(s, row);
        }
        more = read.more && read.next >= lowest;
        read.key = read.next;
    }
    return true;
}

static bool search_all(struct search *s, struct err *reterr)
{
    struct str machine, name;
    struct uuid uuid;
    if (arn_is_execution(s->id, &machine, &name)) {
        struct str machine_arn = arn_execution_machine(s->cli->arena, s->id);
        if (uuid_parse(name, &uuid) && !search_uuid(s, uuid, reterr))
            return false;
        return s->count > 0 || search_name(s, name, machine_arn, reterr);
    }
    if (uuid_parse(s->id, &uuid) && !search_uuid(s, uuid, reterr))
        return false;
    if (s->count == 0 && !search_name(s, s->id, STR(""), reterr))
        return false;
    return s->count > 0 || search_prefix(s, reterr);
}

static int fail_with_candidates(struct search *s, const char *title, const struct err *err)
{
    int status = cli_fail(s->cli, NULL, err);
    struct out *o = &s->cli->err;
    if (s->count) {
        out_printf(o, "%s\n", title);
        struct table table = executions_table(s->cli->arena);
        for (size_t i = 0; i < s->count; i++)
            executions_add(&table, &s->rows[i], clock_wall());
        table_print(&table, o);
        if (s->more)
            out_text(o, "... and more\n");
    }
    out_flush(o);
    return status;
}

static int fail_not_found(struct search *s)
{
    struct err err, ignored;
    if (s->id.len)
        err_set(&err, ERR_NOT_FOUND, "no execution has the id or name \"" STR_FMT "\"",
                STR_ARG(s->id));
    else
        err_set(&err, ERR_NOT_FOUND, "there are no executions in %s yet",
                datadir_path(s->archive->datadir));
    if (s->id.len && !search_newest(s, CANDIDATES_MAX / 2, &ignored))
        s->count = 0;
    return fail_with_candidates(s, "The newest are:", &err);
}

int archive_find(struct cli *cli, const struct archive *a, const char *id,
                 struct execution_row *ret_row)
{
    struct search *s = ARENA_NEW(cli->arena, struct search);
    struct err err;
    *s = (struct search){.cli = cli, .archive = a, .id = str_of_cstr(id)};
    if (id ? !search_all(s, &err) : !search_newest(s, 1, &err))
        return cli_fail(cli, NULL, &err);
    if (s->count == 0)
        return fail_not_found(s);
    if (s->count > 1) {
        err_set(&err, ERR_AMBIGUOUS, "\"%s\" may be any of %s%zu executions", id,
                s->more ? "more than " : "", s->count);
        return fail_with_candidates(s, "These fit:", &err);
    }
    *ret_row = s->rows[0];
    return 0;
}
